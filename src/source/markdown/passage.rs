//! The lines of a document as passages: first words, items of lists, rows of tables, and where links lead.

use std::collections::BTreeMap;
use std::ops::Range;

use super::outline::{Outline, head, plain};
use crate::model::Clean;

/// Bytes of words kept of one passage.
const WORDS: usize = 600;
/// Definitions of links kept of one document, and cells of one row.
const LINKS: usize = 2_000;
const CELLS: usize = 32;
/// Bytes looked at of one line.
const LOOKED_AT: usize = 4_096;

/// The lines of a document, with what the outline found in them.
pub struct Lines<'a> {
    pub all: Vec<&'a str>,
    pub outline: &'a Outline,
    /// Lines that are headings or the rule under one.
    heads: Vec<bool>,
    links: BTreeMap<String, &'a str>,
}

/// An item of a list, with the lines that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<'a> {
    pub line: usize,
    pub indent: usize,
    pub ordered: bool,
    /// As written, without its mark; lines that go on are joined with blanks.
    pub words: String,
    /// Nested items below it, as written.
    pub nested: Vec<&'a str>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    pub line: usize,
    pub cells: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str, outline: &'a Outline) -> Self {
        let all: Vec<&str> = text.lines().collect();
        let mut heads = vec![false; all.len()];
        for heading in outline.headings.iter().filter(|h| !h.label) {
            if let Some(flag) = heads.get_mut(heading.line) {
                *flag = true;
            }
            let atx = all.get(heading.line).is_some_and(|l| l.trim_start().starts_with(['#', '<']));
            if !atx && let Some(flag) = heads.get_mut(heading.line + 1) {
                *flag = true;
            }
        }
        let mut links = BTreeMap::new();
        for line in &all {
            if let Some((name, target)) = definition(line)
                && links.len() < LINKS
            {
                links.entry(name.to_lowercase()).or_insert(target);
            }
        }
        Self { all, outline, heads, links }
    }

    /// A line that is read for facts: no code, no comment.
    pub fn get(&self, line: usize) -> Option<&'a str> {
        let hidden = self.outline.code.get(line).copied().unwrap_or(false);
        self.all.get(line).copied().filter(|_| !hidden)
    }

    pub fn is_head(&self, line: usize) -> bool {
        self.heads.get(line).copied().unwrap_or(false)
    }

    /// The first paragraph or item within some lines, in plain words. Headings, pictures, quotes and tables are
    /// passed over, and whatever `skip` says of a line.
    pub fn first_words(
        &self,
        range: Range<usize>,
        skip: impl Fn(usize) -> bool,
    ) -> Option<(usize, Clean)> {
        let mut found: Option<(usize, String)> = None;
        for i in range {
            let line = self.get(i).map_or("", str::trim);
            let ends = line.is_empty() || self.is_head(i);
            if let Some((_, words)) = &mut found {
                if ends || line.starts_with('|') || bullet(line).is_some() || words.len() > WORDS {
                    break;
                }
                words.push(' ');
                words.push_str(head(line, LOOKED_AT));
                continue;
            }
            let passed = ends || line.starts_with(['>', '|']) || is_rule(line) || skip(i);
            if passed {
                continue;
            }
            let words = bullet(line).map_or(line, |(_, words)| words);
            if words.is_empty()
                || words.len() < 3 && words.starts_with('-')
                || plain(words).is_empty()
            {
                continue;
            }
            if is_picture(words) || definition(line).is_some() || is_prompt(words) {
                continue;
            }
            found = Some((i, head(words, LOOKED_AT).to_owned()));
        }
        let (line, words) = found?;
        Some((line, short(&self.plain(&words))))
    }

    /// Words without marks; a name that a link is defined for stands without its brackets.
    pub fn plain(&self, text: &str) -> String {
        let words = plain(text);
        if self.links.is_empty() || !words.contains('[') {
            return words;
        }
        let mut out = String::with_capacity(words.len());
        let mut rest = words.as_str();
        while let Some((before, after)) = rest.split_once('[') {
            out.push_str(before);
            let end = head(after, 200).find(['[', ']']);
            let name = end.filter(|at| after.get(*at..).is_some_and(|r| r.starts_with(']')));
            let name = name.and_then(|at| after.get(..at));
            if let Some(name) = name.filter(|name| self.links.contains_key(&name.to_lowercase())) {
                out.push_str(name);
                rest = after.get(name.len() + 1..).unwrap_or_default();
            } else {
                out.push('[');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }

    /// The items of lists within some lines; nested ones belong to theirs.
    pub fn items(&self, range: Range<usize>) -> Vec<Item<'a>> {
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut open = false;
        let mut blank = false;
        for i in range {
            let Some(line) = self.get(i) else { continue };
            if self.is_head(i) {
                open = false;
                continue;
            }
            let text = line.trim();
            let indent = line.len() - line.trim_start().len();
            if text.is_empty() {
                blank = true;
                continue;
            }
            if let Some((ordered, words)) = bullet(text).filter(|_| !is_rule(text)) {
                match items.last_mut() {
                    // Two columns to the right is inside; one is a slip of the hand.
                    Some(last) if open && indent >= last.indent + 2 => last.nested.push(words),
                    _ => {
                        let words = head(words, LOOKED_AT).to_owned();
                        items.push(Item { line: i, indent, ordered, words, nested: Vec::new() });
                        open = true;
                    }
                }
            } else if let Some(last) = items.last_mut().filter(|_| open) {
                let goes_on = if blank { indent > last.indent } else { true };
                if !goes_on || text.starts_with('|') {
                    open = false;
                } else if last.nested.is_empty() && last.words.len() < WORDS * 2 && !blank {
                    last.words.push(' ');
                    last.words.push_str(head(text, LOOKED_AT));
                }
            }
            blank = false;
        }
        items
    }

    /// The tables within some lines: their header and their rows.
    pub fn tables(&self, range: Range<usize>) -> Vec<(Row<'a>, Vec<Row<'a>>)> {
        let mut tables: Vec<(Row<'a>, Vec<Row<'a>>)> = Vec::new();
        let mut open = false;
        for i in range {
            let line = self.get(i).map_or("", str::trim);
            let above = i.checked_sub(1).and_then(|at| self.get(at));
            if is_ruler(line)
                && let Some(header) = above.filter(|above| above.contains('|'))
            {
                tables.push((Row { line: i - 1, cells: cells(header) }, Vec::new()));
                open = true;
            } else if !line.contains('|') || line.is_empty() {
                open = false;
            } else if let Some((_, rows)) = tables.last_mut().filter(|_| open) {
                rows.push(Row { line: i, cells: cells(line) });
            }
        }
        tables
    }

    /// Addresses in a text, in their order: in brackets, by a name defined elsewhere, or bare.
    pub fn links(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let text = head(text, LOOKED_AT);
        let mut rest = text;
        while let Some(at) = rest.find(['h', ']']) {
            rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with("http://") || rest.starts_with("https://") {
                let end = rest
                    .find(|c: char| {
                        c.is_whitespace() || matches!(c, ')' | '>' | ']' | '"' | '|' | '`')
                    })
                    .unwrap_or(rest.len());
                let (address, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                found.push(address.trim_end_matches(['.', ',', ';', ':', '*']).to_owned());
                rest = after;
            } else if let Some(name) = rest.strip_prefix("][").and_then(|r| r.split(']').next()) {
                if let Some(target) = self.links.get(&name.to_lowercase()) {
                    found.push((*target).to_owned());
                }
                rest = rest.get(2 + name.len() + 1..).unwrap_or_default();
            } else {
                let mut next = rest.chars();
                // `[#11134]` alone is a name too.
                if rest.starts_with(']') && !rest.starts_with("](") {
                    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
                    let open = before.bytes().rev().take(80).position(|b| b == b'[');
                    let name = open.and_then(|back| before.get(before.len() - back..));
                    if let Some(target) = name.and_then(|n| self.links.get(&n.to_lowercase())) {
                        found.push((*target).to_owned());
                    }
                }
                next.next();
                rest = next.as_str();
            }
            if found.len() == CELLS {
                break;
            }
        }
        found
    }
}

/// `[name]: address`
fn definition(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim().strip_prefix('[')?;
    let (name, rest) = rest.split_once("]:")?;
    let target = rest.trim().trim_start_matches('<').split([' ', '>']).next()?;
    (!name.is_empty() && !name.starts_with('^') && !target.is_empty()).then_some((name, target))
}

/// The mark of a list and what follows it: `- `, `* `, `+ `, `1. `, `2) `.
pub fn bullet(text: &str) -> Option<(bool, &str)> {
    if let Some(rest) = text.strip_prefix(['-', '*', '+', '•']) {
        if rest.is_empty() {
            return Some((false, ""));
        }
        return rest.starts_with(' ').then(|| (false, rest.trim_start()));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).filter(|n| (1..=3).contains(n))?;
    let rest = text.get(digits..)?.strip_prefix(['.', ')'])?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (true, rest.trim_start()))
}

/// `---`, `***`
fn is_rule(text: &str) -> bool {
    let mut marks = text.chars().filter(|c| *c != ' ');
    let first = marks.next();
    matches!(first, Some('-' | '*' | '_'))
        && text.len() >= 3
        && marks.clone().count() >= 2
        && marks.all(|c| Some(c) == first)
}

/// Whether words are a template's, still to be replaced: all of them in brackets, `[what happened]` and `<who>`, or all of
/// them slanted and a question or a bidding, `_How was it noticed?_`.
pub fn is_prompt(words: &str) -> bool {
    let words = words.trim().trim_end_matches('.');
    let inside = |open: char, close: char| {
        let inner = words.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open, close])).then_some(inner.trim())
    };
    if let Some(inner) = inside('[', ']') {
        // One word may be the name of a link; `[x]` is a box.
        return inner.contains(' ');
    }
    if let Some(inner) = inside('<', '>') {
        return !inner.contains("://") && inner.contains(char::is_alphabetic);
    }
    let slanted = [inside('_', '_'), inside('*', '*')];
    slanted.into_iter().flatten().any(|inner| {
        let first = inner.split([' ', ',']).next().unwrap_or_default().to_lowercase();
        inner.ends_with('?') || BIDDINGS.contains(&first.as_str())
    })
}

/// How the prompts of templates begin.
const BIDDINGS: &[&str] = &[
    "add",
    "describe",
    "detail",
    "explain",
    "fill",
    "give",
    "include",
    "insert",
    "list",
    "replace",
    "state",
    "summarise",
    "summarize",
    "write",
];

fn is_picture(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("![") && text.ends_with(')')
        || text.starts_with("<img")
        || text.starts_with("<iframe")
}

/// `|:---|---|`
fn is_ruler(line: &str) -> bool {
    line.contains("--")
        && line.contains('|')
        && line.bytes().all(|b| matches!(b, b'|' | b'-' | b':' | b' '))
}

/// The cells of a row, without the bars around it.
pub fn cells(line: &str) -> Vec<&str> {
    let text = line.trim();
    let text = text.strip_prefix('|').unwrap_or(text);
    let text = text.strip_suffix('|').filter(|t| !t.ends_with('\\')).unwrap_or(text);
    let mut cells = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    let mut code = false;
    let mut ticks = text.matches('`').count();
    for (at, c) in text.char_indices() {
        match c {
            '|' if !escaped && !code && cells.len() < CELLS => {
                cells.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            '`' => {
                // A mark without a second one opens nothing.
                ticks -= 1;
                code = !code && ticks > 0;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    cells.push(text.get(start..).unwrap_or_default().trim());
    cells
}

/// At most a few lines of words.
pub fn short(words: &str) -> Clean {
    let mut end = words.len().min(WORDS);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    let cut = words.get(..end).unwrap_or_default();
    if end < words.len() { Clean::line(format_args!("{cut}…")) } else { Clean::line(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::markdown::outline::outline;

    #[test]
    fn the_first_words_are_those_of_a_person() {
        for (text, expected) in [
            (
                "# T\n\n![x](y.png)\n\n> quoted\n\nIt broke\nat **night**.\n\nLater",
                "It broke at night.",
            ),
            ("- \n- one [link](x)\n- two", "one link"),
            ("```\ncode\n```\n1. first\n   goes on", "first goes on"),
            ("| a | b |\n|---|---|\n| c | d |\n", ""),
            ("---\n[x]: https://y\n", ""),
        ] {
            let outline = outline(text, 0);
            let lines = Lines::new(text, &outline);
            let words =
                lines.first_words(0..lines.all.len(), |_| false).map(|(_, w)| w.to_string());
            assert_eq!(words.unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn items_keep_what_is_nested_below_them() {
        let text = "1. one\n   goes on\n  - inner\n2. two\n\nno item\n- three\n\n  far on\n";
        let outline = outline(text, 0);
        let items = Lines::new(text, &outline).items(0..9);
        let read: Vec<(&str, usize)> =
            items.iter().map(|i| (i.words.as_str(), i.nested.len())).collect();
        assert_eq!(read, [("one goes on", 1), ("two", 0), ("three", 0)]);
    }

    #[test]
    fn rows_know_escaped_bars_and_need_no_last_one() {
        let text = "| Time | Event |\n|:--|--|\n| 1 | a \\| b |\n| 2 | `x|y`\n\n| 3 | no |";
        let outline = outline(text, 0);
        let tables = Lines::new(text, &outline).tables(0..6);
        let rows: Vec<&[&str]> = tables[0].1.iter().map(|r| r.cells.as_slice()).collect();
        assert_eq!(tables[0].0.cells, ["Time", "Event"]);
        assert_eq!(rows, [["1", "a \\| b"], ["2", "`x|y`"]]);
    }

    #[test]
    fn links_are_found_however_they_are_written() {
        let text = "see [a](https://x/1), [b][name] and [#7], <https://x/2>. https://x/3.\n\n[name]: https://x/4\n[#7]: https://x/5";
        let outline = outline(text, 0);
        let lines = Lines::new(text, &outline);
        assert_eq!(
            lines.links(lines.all[0]),
            ["https://x/1", "https://x/4", "https://x/5", "https://x/2", "https://x/3"]
        );
    }

    #[test]
    fn what_a_template_asks_is_no_answer() {
        for asks in [
            "[What – owner – due date]",
            "<action>",
            "<what was lost>.",
            "_Who was affected? How much money?_",
            "*Describe what made it possible.*",
        ] {
            assert!(is_prompt(asks), "{asks}");
        }
        for says in [
            "",
            "[x]",
            "[runbook]",
            "[the runbook](https://example.com/a)",
            "[a b](c) and [d e]",
            "<https://example.com>",
            "_None of the orders was lost._",
            "**Why did nobody notice?**",
            "Who was affected? Everybody.",
        ] {
            assert!(!is_prompt(says), "{says}");
        }
        let text = "_Who was affected?_\n\n[Money lost, in euros]\n\nNobody noticed.";
        let outline = outline(text, 0);
        let lines = Lines::new(text, &outline);
        let words = lines.first_words(0..lines.all.len(), |_| false).map(|(_, w)| w.to_string());
        assert_eq!(words.as_deref(), Some("Nobody noticed."));
    }
}
