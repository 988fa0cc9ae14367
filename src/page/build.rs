//! Small words for building tables and cards, shared by the tabs.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};

use super::{
    Align, Block, Card, Cell, Column, Empty, Frame, Layout, Line, Look, Noun, Row, RowKey, Scene,
    Size, Table, Tone, Width,
};
use crate::model::{Clean, Key, Name};

pub fn left(title: &'static str, width: Width, rank: u8) -> Column {
    Column { title: title.into(), width, align: Align::Left, rank }
}

pub fn right(title: &'static str, columns: u16, rank: u8) -> Column {
    Column { title: title.into(), width: Width::Exactly(columns), align: Align::Right, rank }
}

pub fn share(min: u16, weight: u16) -> Width {
    Width::Share { min, weight }
}

/// The layout whose columns a width has room for; height decides about rows, not about columns.
pub fn breadth(frame: &Frame) -> Layout {
    Frame::new(Size { width: frame.size.width, height: ROOMY }).layout
}

/// A height at which only the width decides.
const ROOMY: u16 = 60;

pub fn cell(text: impl Into<Clean>, tone: Tone) -> Cell {
    Cell::Line(Line::of(text, tone))
}

/// A key of an upstream's record as a row's key. Names and sources hold no NUL, so it can be read back.
pub fn row_key(kind: &str, key: &Key) -> RowKey {
    format!("{kind}\0{}\0{}", key.source, key.id.raw()).into()
}

/// Reads back what `row_key` made of a record of `kind`.
pub fn record_key(kind: &str, key: &str) -> Option<Key> {
    let mut parts = key.splitn(3, '\0');
    (parts.next()? == kind).then_some(())?;
    let source = Name::new(parts.next()?);
    Some(Key::new(&source, parts.next()?))
}

/// A row's key for something known by its configured name.
pub fn name_key(kind: &str, name: &Name) -> RowKey {
    format!("{kind}\0{name}").into()
}

pub fn name_of(kind: &str, key: &str) -> Option<Name> {
    let (said, name) = key.split_once('\0')?;
    (said == kind).then(|| Name::new(name))
}

/// The rows in sight when a list has `rows` lines, moved so that the selection is among them.
///
/// The cockpit scrolls by `Frame::list_rows`; a page that puts lines above its list has fewer.
pub fn in_sight(look: &Look, rows: usize) -> (usize, &[RowKey]) {
    let mut first = look.first;
    if let Some(at) = look.selected_at() {
        first = first.min(at).max((at + 1).saturating_sub(rows.max(1)));
    }
    let first = first.min(look.order.len());
    let until = first.saturating_add(rows).min(look.order.len());
    (first, look.order.get(first..until).unwrap_or(&[]))
}

/// A list of rows made only where they are in sight; `above` lines of the page lie over it.
pub fn list(
    scene: &Scene<'_>,
    look: &Look,
    above: u16,
    columns: Vec<Column>,
    empty: impl FnOnce() -> Empty,
    row: impl Fn(&RowKey) -> Option<Vec<Cell>>,
) -> Table {
    let rows = scene.frame.list_rows().saturating_sub(usize::from(above));
    let (first, keys) = in_sight(look, rows);
    let made = keys.iter().filter_map(|key| {
        Some(Row {
            key: key.clone(),
            cells: row(key)?,
            selected: look.selected.as_ref() == Some(key),
            marked: look.marked.contains(key),
        })
    });
    Table {
        columns,
        rows: made.collect(),
        first,
        shown: look.order.len(),
        total: look.total,
        sorted: None,
        empty: look
            .order
            .is_empty()
            .then(|| if look.total > 0 { nothing_matches(look) } else { empty() }),
    }
}

fn nothing_matches(look: &Look) -> Empty {
    let mut advice = Vec::new();
    if !look.filter.text.is_empty() {
        let words = Clean::line(format_args!("The filter is /{}", look.filter.text));
        advice.push(Line::of(words, Tone::Dim));
        advice.push(Line::plain("esc clears it"));
    }
    if look.problems_only {
        advice.push(Line::plain("Only problems are shown; x shows everything again"));
    }
    let title = if look.filter.text.is_empty() { "No problems here" } else { "Nothing matches" };
    Empty { title: title.into(), advice }
}

/// A small table outside the list: nothing in it can be selected.
pub fn plain_table(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Table {
    let total = rows.len();
    let rows = rows.into_iter().enumerate().map(|(i, cells)| Row {
        key: format!("#{i}").into(),
        cells,
        selected: false,
        marked: false,
    });
    Table { columns, rows: rows.collect(), total, shown: total, ..Table::default() }
}

/// A titled small table that wants just its header and its own rows, up to `most`.
pub fn side_table(
    title: impl Into<Clean>,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    most: usize,
) -> Block {
    let wanted = rows.len().min(most) as u16 + 1;
    let columns = snug(columns, &rows);
    Block::side(title, Noun::Table(plain_table(columns, rows))).exactly(wanted)
}

/// Columns of a name or of a word or two.
const WORDS: u16 = 14;

/// Columns that ask for no more than their cells need, so that no title is cut beside an empty column. Only for tables
/// that do not scroll: in a list, columns would move with the rows.
fn snug(columns: Vec<Column>, rows: &[Vec<Cell>]) -> Vec<Column> {
    let fit = |(at, mut column): (usize, Column)| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widths = cells.map(|cell| match cell {
            Cell::Blank => Some(0),
            Cell::Line(line) => Some(line.width()),
            // What such a cell needs is its painter's to know.
            _ => None,
        });
        let widest =
            widths.chain([Some(column.title.width())]).try_fold(0, |a, w| w.map(|w| a.max(w)));
        let Some(widest) = widest.map(|widest| u16::try_from(widest).unwrap_or(u16::MAX)) else {
            return column;
        };
        column.width = match column.width {
            Width::Exactly(n) => Width::Exactly(n.min(widest)),
            Width::Share { min, .. } => {
                // A word or two are never cut for a sentence beside them.
                let min = if widest <= WORDS { widest } else { min.min(widest) };
                // Beyond this a column is a sentence, and takes what the others leave.
                Width::Share { min, weight: widest.saturating_sub(min).clamp(1, 60) }
            }
        };
        column
    };
    columns.into_iter().enumerate().map(fit).collect()
}

/// A card under its title.
pub fn card(title: impl Into<Clean>, pairs: Vec<(Clean, Line)>) -> Block {
    let rows = pairs.len() as u16;
    Block::main(title, Noun::Card(Card { pairs })).exactly(rows)
}

/// Adds a labelled line when there is something to say.
pub fn pair(pairs: &mut Vec<(Clean, Line)>, label: &'static str, text: &Clean, tone: Tone) {
    if !text.is_empty() {
        pairs.push((label.into(), Line::of(text.clone(), tone)));
    }
}

pub fn names(list: &[Name]) -> Clean {
    let list: Vec<&str> = list.iter().map(Name::as_str).collect();
    Clean::line(list.join(", "))
}

/// The date of a moment in the page's zone.
pub fn date(scene: &Scene<'_>, at: Timestamp) -> Date {
    at.to_zoned(scene.zone.clone()).date()
}

/// The services that come from a repository; the repository itself where none is configured.
pub fn of_repo(scene: &Scene<'_>, repo: &Clean) -> Clean {
    let known = scene.memo.repos.get(scene, (), || {
        let mut names: HashMap<String, Vec<&str>> = HashMap::new();
        for service in scene.team.services.iter().filter(|s| !s.repo.is_empty()) {
            let repo = service.repo.as_str().to_ascii_lowercase();
            names.entry(repo).or_default().push(service.name.as_str());
        }
        names.into_iter().map(|(repo, names)| (repo, Clean::line(names.join(", ")))).collect()
    });
    known.get(&repo.as_str().to_ascii_lowercase()).unwrap_or(repo).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Health, Overlays};

    #[test]
    fn a_record_key_is_read_back_even_from_odd_ids() {
        let key = Key::new(&Name::new("my source"), "a\0b/c\u{1b}");
        assert_eq!(record_key("incident", &row_key("incident", &key)), Some(key.clone()));
        assert_eq!(record_key("alert", &row_key("incident", &key)), None);
        assert_eq!(record_key("incident", "nonsense"), None);
    }

    #[test]
    fn the_selection_is_in_sight_even_when_the_list_is_shorter_than_the_screen() {
        let order: Vec<RowKey> = (0..9).map(|i| i.to_string().into()).collect();
        let mut look = Look { order, total: 9, first: 2, ..Look::default() };
        look.selected = Some("8".into());
        let (first, keys) = in_sight(&look, 3);
        assert_eq!((first, keys.last().map(|k| &**k)), (6, Some("8")));
        look.selected = Some("0".into());
        assert_eq!(in_sight(&look, 3).0, 0);
        assert_eq!(in_sight(&Look::default(), 0).1.len(), 0);
    }

    #[test]
    fn columns_of_a_small_table_take_what_they_need_and_leave_the_rest() {
        let columns = vec![
            left("state", Width::Exactly(16), 0),
            left("who has it", share(6, 9), 1),
            left("title", share(10, 1), 0),
            right("when", 16, 3),
            left("", Width::Exactly(8), 2),
        ];
        let words = |text: &'static str| cell(text, Tone::Plain);
        let long = "Checkout is failing for about one in seven baskets";
        let state = Cell::State { health: Health::default(), overlays: Overlays::default() };
        let rows = vec![
            vec![words("ok"), words("Noor Haddad"), words(long), words("00:21")],
            vec![state, Cell::Blank, words("short"), words("Sun 22 Nov 23:36")],
        ];
        let Noun::Table(table) = side_table("", columns, rows, 8).noun else { panic!("no table") };
        let widths: Vec<Width> = table.columns.iter().map(|column| column.width).collect();
        let expected = [
            // What is not a line keeps its room.
            Width::Exactly(16),
            Width::Share { min: 11, weight: 1 },
            Width::Share { min: 10, weight: 40 },
            Width::Exactly(16),
            Width::Exactly(0),
        ];
        assert_eq!(widths, expected);
    }
}
