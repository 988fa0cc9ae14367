//! The help: every action with the keys it has on this machine, what is possible here first.

use super::actions::{ACTIONS, Context};
use super::keymap::Keymap;
use crate::model::Clean;
use crate::page::{Align, Cell, Column, Empty, Line, Noun, Over, Row, RowKey, Table, Tone, Width};

/// The popup over a page in `context`, narrowed to `search`, from its `scroll`th line on.
pub fn over(keymap: &Keymap, context: Context, search: &str, scroll: usize, foot: Line) -> Over {
    let rows = rows(keymap, context, search);
    let shown = rows.len();
    let first = scroll.min(shown.saturating_sub(1));
    let column = |title: &'static str, width, rank| Column {
        title: title.into(),
        width,
        align: Align::Left,
        rank,
    };
    let table = Table {
        columns: vec![
            column("key", Width::Share { min: 9, weight: 1 }, 0),
            column("does", Width::Share { min: 16, weight: 4 }, 1),
            column("name in [ui.keys]", Width::Exactly(17), 2),
        ],
        rows: rows.into_iter().skip(first).collect(),
        first,
        shown,
        total: ACTIONS.len(),
        sorted: None,
        empty: Some(Empty {
            title: "nothing here is called that".into(),
            advice: vec![Line::plain("backspace widens the search, esc leaves the help")],
        }),
    };
    Over { title: "Help".into(), noun: Noun::Table(table), foot }
}

/// How many lines the help has under this search.
pub fn lines(keymap: &Keymap, context: Context, search: &str) -> usize {
    rows(keymap, context, search).len()
}

fn rows(keymap: &Keymap, context: Context, search: &str) -> Vec<Row> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let mut rows: Vec<(bool, Row)> = Vec::with_capacity(ACTIONS.len());
    for (line, entry) in ACTIONS.iter().enumerate() {
        let keys = keymap.shown(line);
        let all = format!("{keys} {} {} {}", entry.about, entry.name, entry.hint).to_lowercase();
        if !words.iter().all(|w| all.contains(w.as_str())) {
            continue;
        }
        let here = entry.contexts.contains(&context);
        let tone = if here { Tone::Plain } else { Tone::Dim };
        let key = if keys.is_empty() {
            Line::of("(no key)", Tone::Dim)
        } else {
            Line::of(keys, if here { Tone::Accent } else { Tone::Dim })
        };
        let mut about = Line::of(entry.about, tone);
        if !here {
            about = about.dot().and(Clean::line(elsewhere(entry.contexts)), Tone::Dim);
        }
        let cells = vec![key, about, Line::of(entry.name, Tone::Dim)];
        let row = Row {
            key: RowKey::from(entry.name),
            cells: cells.into_iter().map(Cell::Line).collect(),
            selected: false,
            marked: false,
        };
        rows.push((here, row));
    }
    rows.sort_by_key(|(here, _)| !here);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn elsewhere(contexts: &[Context]) -> String {
    let words = contexts.iter().map(|c| match c {
        Context::List => "in lists",
        Context::Month => "in the month",
        Context::Detail => "in an opened row",
        Context::Charts => "over charts",
        Context::Reader => "in a document",
        Context::Help => "in the help",
        Context::Past => "in the past",
        Context::Wall => "on the wall",
    });
    words.collect::<Vec<_>>().join(", ")
}
