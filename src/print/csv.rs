//! Tables as CSV (RFC 4180); a cell that a spreadsheet would run as a formula is defused.

use super::said;
use crate::page::{Block, Cell, Noun, Table};

/// Every table of the blocks, with a blank line between two.
pub fn csv(blocks: &[Block]) -> String {
    let tables = blocks.iter().filter_map(|b| match &b.noun {
        Noun::Table(table) => Some(one(table)),
        _ => None,
    });
    tables.collect::<Vec<_>>().join("\r\n")
}

fn one(table: &Table) -> String {
    let says = |i: &usize| {
        let mut cells = table.rows.iter().filter_map(|r| r.cells.get(*i));
        table.rows.is_empty() || cells.any(|c| !matches!(c, Cell::Spark(..) | Cell::Blank))
    };
    let shown: Vec<usize> = (0..table.columns.len()).filter(says).collect();
    let titles = shown.iter().filter_map(|i| table.columns.get(*i));
    let mut out = line(titles.map(|c| c.title.to_string()));
    for row in &table.rows {
        out.push_str(&line(
            shown.iter().map(|i| row.cells.get(*i).map(said::cell).unwrap_or_default()),
        ));
    }
    out
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|c| field(&c)).collect();
    format!("{}\r\n", cells.join(","))
}

/// What begins a formula; some spreadsheets take the wide forms of East Asian keyboards too.
const RISKY: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Quoted where needed; `=`, `+`, `-`, `@` at the start of anything but a number get an apostrophe.
fn field(text: &str) -> String {
    let risky = text.trim_start().starts_with(RISKY);
    let defused =
        if risky && text.parse::<f64>().is_err() { format!("'{text}") } else { text.to_owned() };
    if defused.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", defused.replace('"', "\"\""))
    } else {
        defused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_stay_numbers() {
        for (text, expected) in [
            ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
            ("+1", "+1"),
            ("-12.5", "-12.5"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("＝1+1", "'＝1+1"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("plain", "plain"),
        ] {
            assert_eq!(field(text), expected, "{text}");
        }
    }
}
