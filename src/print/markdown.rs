//! Blocks as Markdown: tables, lists and headings that a review or a chat can take as they are.

use std::fmt::Write as _;

use super::said;
use crate::page::{Agenda, Align, Block, Cell, Empty, Line, Noun, Table};

pub fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if let Some(title) = said::title(&block.title) {
            let _ = write!(out, "## {}\n\n", escaped(title));
        }
        match &block.noun {
            Noun::Table(t) => table(t, &mut out),
            Noun::Chart(c) => {
                for series in &c.series {
                    let _ = writeln!(out, "- {}", escaped(&said::series(series)));
                }
            }
            Noun::Calendar(c) => {
                let _ = write!(out, "### {}\n\n", escaped(c.title.as_str()));
                for day in c.weeks.iter().flatten().filter(|d| d.inside) {
                    let bands = day.bands.iter().map(|b| b.name.to_string());
                    let words: Vec<String> =
                        bands.chain(day.entries.iter().map(Line::text)).collect();
                    if !words.is_empty() {
                        let words = escaped(&words.join("; "));
                        let _ = writeln!(out, "- {}: {words}", day.date.strftime("%a %d"));
                    }
                }
            }
            Noun::Agenda(a) => agenda(a, &mut out),
            Noun::Card(c) => {
                for (label, line) in &c.pairs {
                    let line = escaped(&line.text());
                    if label.is_empty() {
                        let _ = writeln!(out, "  - {line}");
                    } else {
                        let _ = writeln!(out, "- **{}**: {line}", escaped(label.as_str()));
                    }
                }
            }
            Noun::Gauge(g) => {
                let _ = writeln!(out, "{}", escaped(&g.text.text()));
            }
            Noun::Prose(p) => {
                for line in &p.lines {
                    let _ = writeln!(out, "{}", escaped(&line.text()));
                }
            }
            Noun::Empty(e) => empty(e, &mut out),
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn empty(empty: &Empty, out: &mut String) {
    let _ = writeln!(out, "*{}*", escaped(empty.title.as_str()));
    for line in &empty.advice {
        let _ = writeln!(out, "\n{}", escaped(&line.text()));
    }
}

fn agenda(agenda: &Agenda, out: &mut String) {
    if let Some(nothing) = &agenda.empty {
        return empty(nothing, out);
    }
    let mut day = None;
    for entry in &agenda.entries {
        if day != Some(&entry.day) {
            let gap = if day.is_some() { "\n" } else { "" };
            let _ = write!(out, "{gap}### {}\n\n", escaped(entry.day.as_str()));
            day = Some(&entry.day);
        }
        let _ = writeln!(out, "- {} {}", entry.time, escaped(&entry.line.text()));
    }
}

/// Columns without words (sparklines) are left out.
fn table(table: &Table, out: &mut String) {
    if let Some(nothing) = &table.empty {
        return empty(nothing, out);
    }
    let says = |i: &usize| {
        let mut cells = table.rows.iter().filter_map(|r| r.cells.get(*i));
        cells.any(|c| !matches!(c, Cell::Spark(..) | Cell::Blank))
    };
    let shown: Vec<usize> = (0..table.columns.len()).filter(says).collect();
    let mut head = String::from("|");
    let mut rule = String::from("|");
    for column in shown.iter().filter_map(|i| table.columns.get(*i)) {
        let _ = write!(head, " {} |", escaped(column.title.as_str()));
        rule.push_str(if column.align == Align::Right { " ---: |" } else { " --- |" });
    }
    let _ = writeln!(out, "{head}\n{rule}");
    for row in &table.rows {
        out.push('|');
        for i in &shown {
            let text = row.cells.get(*i).map(said::cell).unwrap_or_default();
            let _ = write!(out, " {} |", escaped(&text));
        }
        out.push('\n');
    }
}

/// Remote words stay words: nothing of Markdown or HTML in them acts.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            '\n' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Column, Row, Width};

    #[test]
    fn remote_words_cannot_break_a_table_or_become_markup() {
        let column =
            Column { title: "what".into(), width: Width::Exactly(4), align: Align::Right, rank: 0 };
        let hostile = "a | b <img src=x> [x](javascript:1) ![p](http://e/p)";
        let row = Row {
            key: "k".into(),
            cells: vec![Cell::Line(Line::plain(hostile.to_owned()))],
            selected: false,
            marked: false,
        };
        let table = Table {
            columns: vec![column],
            rows: vec![row],
            shown: 1,
            total: 1,
            ..Table::default()
        };
        let text = markdown(&[Block::main("", Noun::Table(table))]);
        assert_eq!(
            text,
            "| what |\n| ---: |\n| a \\| b \\<img src=x\\> \\[x\\](javascript:1) \\!\\[p\\](http://e/p) |\n"
        );
    }
}
