//! Blocks as plain lines: no boxes, no colour, top to bottom; for screen readers, logs and golden tests.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::said;
use crate::page::{Agenda, Align, Block, Calendar, Card, Cell, Chart, Empty, Noun, Table, Width};

const GAP: usize = 2;

/// The blocks one after the other, no line wider than `width` columns.
pub fn plain(blocks: &[Block], width: usize) -> String {
    let mut out: Vec<String> = Vec::new();
    for block in blocks {
        if !out.is_empty() {
            out.push(String::new());
        }
        if let Some(title) = said::title(&block.title) {
            out.push(title.to_owned());
        }
        noun(&block.noun, width, &mut out);
    }
    let mut text = String::new();
    for line in out {
        text.push_str(cut(line.trim_end(), width).trim_end());
        text.push('\n');
    }
    text
}

fn noun(noun: &Noun, width: usize, out: &mut Vec<String>) {
    match noun {
        Noun::Table(t) => table(t, width, out),
        Noun::Chart(c) => chart(c, out),
        Noun::Calendar(c) => calendar(c, out),
        Noun::Agenda(a) => agenda(a, out),
        Noun::Card(c) => card(c, out),
        Noun::Gauge(g) => out.push(g.text.text()),
        Noun::Prose(p) => out.extend(p.lines.iter().map(crate::page::Line::text)),
        Noun::Empty(e) => empty(e, out),
    }
}

fn empty(empty: &Empty, out: &mut Vec<String>) {
    out.push(empty.title.to_string());
    out.extend(empty.advice.iter().map(|l| format!("  {}", l.text())));
}

fn card(card: &Card, out: &mut Vec<String>) {
    let widest = card.pairs.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    for (label, line) in &card.pairs {
        out.push(format!("{}  {}", padded(label.as_str(), widest, Align::Left), line.text()));
    }
}

fn chart(chart: &Chart, out: &mut Vec<String>) {
    out.extend(chart.series.iter().map(said::series));
    let mut marks: Vec<_> = chart.lanes.iter().flat_map(|lane| &lane.marks).collect();
    marks.sort_by_key(|mark| mark.at);
    for mark in marks {
        let until = match mark.until {
            Some(until) if until > chart.until => " and on".to_owned(),
            Some(until) => format!(" until {until}"),
            None => String::new(),
        };
        out.push(format!("  {}{until} {}", mark.at, mark.text));
    }
}

/// Days with something on them; the grid itself says nothing to an ear.
fn calendar(calendar: &Calendar, out: &mut Vec<String>) {
    out.push(calendar.title.to_string());
    for day in calendar.weeks.iter().flatten().filter(|d| d.inside) {
        let bands = day.bands.iter().map(|b| format!("{} {}", b.letter, b.name));
        let entries = day.entries.iter().map(crate::page::Line::text);
        let words: Vec<String> = bands.chain(entries).collect();
        if !words.is_empty() || day.today {
            let today = if day.today { " (today)" } else { "" };
            out.push(format!("{}{today}  {}", day.date.strftime("%a %d"), words.join("; ")));
        }
    }
}

fn agenda(agenda: &Agenda, out: &mut Vec<String>) {
    if let Some(nothing) = &agenda.empty {
        return empty(nothing, out);
    }
    let mut day = None;
    for entry in &agenda.entries {
        if day != Some(&entry.day) {
            out.push(entry.day.to_string());
            day = Some(&entry.day);
        }
        out.push(format!(
            "  {}  {}",
            padded(entry.time.as_str(), 7, Align::Left),
            entry.line.text()
        ));
    }
}

fn table(table: &Table, width: usize, out: &mut Vec<String>) {
    if let Some(nothing) = &table.empty {
        return empty(nothing, out);
    }
    let texts: Vec<Vec<String>> =
        table.rows.iter().map(|r| r.cells.iter().map(said::cell).collect()).collect();
    let widths: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let title = column.title.width();
            texts.iter().filter_map(|r| r.get(i)).map(|t| t.width()).max().unwrap_or(0).max(title)
        })
        .collect();
    let shown = fitting(table, widths, width);
    let line = |texts: &dyn Fn(usize) -> String| {
        let cells = shown.iter().map(|(i, width)| {
            let align = table.columns.get(*i).map_or(Align::Left, |c| c.align);
            padded(&cut(&texts(*i), *width), *width, align)
        });
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
    };
    out.push(line(&|i| table.columns.get(i).map(|c| c.title.to_string()).unwrap_or_default()));
    for row in &texts {
        out.push(line(&|i| row.get(i).cloned().unwrap_or_default()));
    }
}

/// Columns that say something and fit: the highest rank goes first, then the widest flexible one gives way.
fn fitting(table: &Table, widths: Vec<usize>, width: usize) -> Vec<(usize, usize)> {
    let says = |i: usize| {
        let cells = table.rows.iter().filter_map(|r| r.cells.get(i));
        cells.clone().next().is_none()
            || cells.into_iter().any(|c| !matches!(c, Cell::Spark(..) | Cell::Blank))
    };
    let mut shown: Vec<(usize, usize)> =
        widths.into_iter().enumerate().filter(|(i, _)| says(*i)).collect();
    let least = |i: usize, wide: usize| match table.columns.get(i).map(|c| c.width) {
        Some(Width::Share { min, .. }) => wide.min(usize::from(min)),
        Some(Width::Exactly(columns)) => wide.min(usize::from(columns)),
        None => wide,
    };
    let need = |shown: &[(usize, usize)], of: &dyn Fn(usize, usize) -> usize| {
        let gaps = GAP * shown.len().saturating_sub(1);
        shown.iter().map(|(i, w)| of(*i, *w)).sum::<usize>() + gaps
    };
    while shown.len() > 1 && need(&shown, &least) > width {
        let rank = |(i, _): &(usize, usize)| table.columns.get(*i).map_or(0, |c| c.rank);
        let Some(last) = shown.iter().map(rank).max() else { break };
        let Some(at) = shown.iter().rposition(|s| rank(s) == last) else { break };
        shown.remove(at);
    }
    while need(&shown, &|_, w| w) > width {
        let give = shown.iter_mut().filter(|(i, w)| *w > least(*i, *w)).max_by_key(|(_, w)| *w);
        let Some((_, wide)) = give else { break };
        *wide -= 1;
    }
    shown
}

fn padded(text: &str, width: usize, align: Align) -> String {
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    match align {
        Align::Left => format!("{text}{blanks}"),
        Align::Right => format!("{blanks}{text}"),
    }
}

/// Cuts between graphemes and says so.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if used + wide + 1 > width {
            break;
        }
        out.push_str(cluster);
        used += wide;
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Column, Line, Row};

    fn sample() -> Table {
        let column = |title: &'static str, rank| Column {
            title: title.into(),
            width: Width::Share { min: 4, weight: 1 },
            align: Align::Left,
            rank,
        };
        let cells = |texts: [&'static str; 3]| texts.map(|t| Cell::Line(Line::plain(t))).to_vec();
        let row =
            |texts| Row { key: "k".into(), cells: cells(texts), selected: false, marked: false };
        Table {
            columns: vec![column("name", 0), column("why", 2), column("who", 1)],
            rows: vec![
                row(["checkout", "p95 is far too high", "ada"]),
                row(["db", "日本語日本語", ""]),
            ],
            shown: 2,
            total: 2,
            ..Table::default()
        }
    }

    #[test]
    fn columns_line_up_and_the_highest_rank_goes_first() {
        let block = Block::main("services", Noun::Table(sample()));
        let wide = plain(std::slice::from_ref(&block), 60);
        assert_eq!(
            wide,
            "services\nname      why                  who\ncheckout  p95 is far too high  ada\ndb        日本語日本語\n"
        );
        let narrow = plain(&[block], 12);
        assert_eq!(
            narrow,
            "services\nname    who\nchecko…  ada\ndb\n".replace("name    who", "name     who")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_asked(width in 0_usize..80) {
            let block = Block::main("services of the whole team", Noun::Table(sample()));
            for line in plain(&[block], width).lines() {
                proptest::prop_assert!(line.width() <= width, "{line:?}");
            }
        }
    }
}
