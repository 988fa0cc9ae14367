//! The headings of a Markdown text: fences first, then `#`, underlined and bold-label headings.

use crate::model::ReadFrom;

/// A heading where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1–6; a bold label is 6.
    pub level: u8,
    pub text: String,
    pub line: usize,
    /// A bold label rather than a heading of its own.
    pub label: bool,
}

/// A line that says `**Label:** value`, `- **Label**: value`, `Label: value` or `| Label | value |`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub label: String,
    pub value: String,
    pub place: ReadFrom,
}

/// What a walk through the lines finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub headings: Vec<Heading>,
    pub fields: Vec<Field>,
    /// Lines that are code or comment, and therefore not read for facts.
    pub code: Vec<bool>,
}

/// Longest label or heading that is taken as one.
const LABEL: usize = 80;

/// Walks the lines from `first` on (what is before is front matter).
pub fn outline(text: &str, first: usize) -> Outline {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Outline { code: vec![false; lines.len()], ..Outline::default() };
    let mut fence: Option<(char, usize)> = None;
    let mut comment = false;
    for (i, line) in lines.iter().enumerate().skip(first) {
        let mark = fence_of(line);
        let is_code = match (fence, mark) {
            (Some((c, n)), Some((d, m, bare))) if c == d && m >= n && bare => {
                fence = None;
                true
            }
            (Some(_), _) => true,
            (None, Some((c, n, _))) if !comment => {
                fence = Some((c, n));
                true
            }
            (None, _) => false,
        };
        let is_comment = !is_code && in_comment(line, &mut comment);
        if is_code || is_comment {
            if let Some(flag) = out.code.get_mut(i) {
                *flag = true;
            }
            continue;
        }
        if let Some((level, text)) = atx(line) {
            out.headings.push(Heading { level, text, line: i, label: false });
        } else if let Some(level) = underline(line)
            && let Some(above) = i.checked_sub(1).filter(|above| *above >= first)
            && !out.code.get(above).copied().unwrap_or(true)
            && let Some(text) = lines.get(above).filter(|text| is_paragraph(text))
        {
            out.headings.push(Heading {
                level,
                text: text.trim().to_owned(),
                line: above,
                label: false,
            });
        } else if let Some(field) = field(line) {
            if field.place == ReadFrom::Label && starts_bold(line) {
                out.headings.push(Heading {
                    level: 6,
                    text: field.label.clone(),
                    line: i,
                    label: true,
                });
            }
            out.fields.push(field);
        }
    }
    // An underlined heading is known one line late.
    out.headings.sort_by_key(|heading| heading.line);
    out
}

/// The fence a line opens or closes: its character, its length, and whether nothing else is on the line.
fn fence_of(line: &str) -> Option<(char, usize, bool)> {
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() > 3 {
        return None;
    }
    let c = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = text.chars().take_while(|d| *d == c).count();
    let rest = text.get(length..).unwrap_or_default();
    // Inline code may begin a line: then there is another backtick later on.
    (length >= 3 && !(c == '`' && rest.contains('`'))).then(|| (c, length, rest.trim().is_empty()))
}

fn in_comment(line: &str, open: &mut bool) -> bool {
    let text = line.trim();
    if *open {
        *open = !text.contains("-->");
        return true;
    }
    if text.starts_with("<!--") {
        *open = !text.contains("-->");
        return true;
    }
    false
}

fn atx(line: &str) -> Option<(u8, String)> {
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() > 3 {
        return None;
    }
    let level = text.bytes().take_while(|b| *b == b'#').count();
    let rest = text.get(level..)?;
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let trimmed = rest.trim();
    let closed = trimmed.trim_end_matches('#');
    let words =
        if closed.is_empty() || closed.ends_with(' ') { closed.trim_end() } else { trimmed };
    Some((u8::try_from(level).ok()?, words.to_owned()))
}

fn underline(line: &str) -> Option<u8> {
    let text = line.trim_end();
    let start = text.trim_start_matches(' ');
    if text.len() - start.len() > 3 || start.is_empty() {
        return None;
    }
    if start.bytes().all(|b| b == b'=') {
        return Some(1);
    }
    (start.len() >= 2 && start.bytes().all(|b| b == b'-')).then_some(2)
}

/// Whether a line can be the text above an underline: no list, quote, table, heading or rule.
fn is_paragraph(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty()
        && line.len() - text.len() <= 3
        && !text.starts_with(['#', '>', '|', '-', '*', '+', '=', '<', '`', '~'])
        && !text.contains(" | ")
}

fn starts_bold(line: &str) -> bool {
    bullet(line).starts_with("**") || bullet(line).starts_with("__")
}

fn bullet(line: &str) -> &str {
    let text = line.trim();
    let bare = ["- ", "* ", "+ "].iter().find_map(|mark| text.strip_prefix(mark));
    bare.unwrap_or(text).trim_start()
}

fn field(line: &str) -> Option<Field> {
    let text = bullet(line);
    if let Some(row) = text.strip_prefix('|') {
        let mut cells = row.trim_end_matches('|').split('|').map(str::trim);
        let (label, value) = (cells.next()?, cells.next()?);
        let rows = cells.next().is_none();
        return (rows && !label.is_empty() && label.len() <= LABEL).then(|| Field {
            label: plain(label),
            value: plain(value),
            place: ReadFrom::Table,
        });
    }
    for mark in ["**", "__"] {
        let Some(rest) = text.strip_prefix(mark) else { continue };
        let (label, rest) = rest.split_once(mark)?;
        let inside = label.trim_end().strip_suffix(':');
        let after = rest.trim_start().strip_prefix(':');
        // `**Whole line in bold**` is a label too; a sentence that begins in bold is none.
        let value = match (inside, after) {
            (Some(_), _) => rest,
            (None, Some(value)) => value,
            (None, None) if rest.trim().is_empty() => rest,
            _ => return None,
        };
        let label = inside.unwrap_or(label).trim();
        return (!label.is_empty() && label.len() <= LABEL).then(|| Field {
            label: label.to_owned(),
            value: plain(value),
            place: ReadFrom::Label,
        });
    }
    let (label, value) = text.split_once(':')?;
    let named = label.len() <= 30
        && !label.is_empty()
        && label.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '_'))
        && value.starts_with([' ', '\t']);
    named.then(|| Field {
        label: label.trim().to_owned(),
        value: plain(value),
        place: ReadFrom::Label,
    })
}

/// Words without the marks of emphasis, code and links.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let mut next = c.len_utf8();
        match c {
            '`' | '*' => {}
            '[' | '!' => {
                // `[words](address)` and `![words](address)` read as their words.
                let link = rest.strip_prefix('!').unwrap_or(rest).strip_prefix('[');
                let parts = link
                    .and_then(|l| l.split_once("]("))
                    .and_then(|(words, tail)| Some((words, tail.find(')')?)));
                match parts {
                    Some((words, end)) if !words.contains('[') => {
                        out.push_str(words);
                        let open = usize::from(c == '!') + 1;
                        next = open + words.len() + 2 + end + 1;
                    }
                    _ => out.push(c),
                }
            }
            _ => out.push(c),
        }
        rest = rest.get(next..).unwrap_or_default();
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<(u8, String, usize)> {
        outline(text, 0).headings.into_iter().map(|h| (h.level, h.text, h.line)).collect()
    }

    #[test]
    fn fences_hide_what_looks_like_headings() {
        let text =
            "# a\n```sh\n# no\n```\n~~~\n# no\n```\n~~~\n## b ##\n    # code\n#no\n####### no";
        assert_eq!(headings(text), [(1, "a".into(), 0), (2, "b".into(), 8)]);
    }

    #[test]
    fn underlined_headings_are_headings_and_rules_are_not() {
        let text = "Title\n=====\n\nPart\n----\n\n---\n- item\n---\n| a | b |\n|---|---|";
        assert_eq!(headings(text), [(1, "Title".into(), 0), (2, "Part".into(), 3)]);
    }

    #[test]
    fn bold_labels_are_headings_of_the_lowest_level() {
        let found = headings(
            "**Root causes:**\n- **Detection**: late\n**Bold** begins a sentence\n**Note:** x",
        );
        let words: Vec<&str> = found.iter().map(|h| h.1.as_str()).collect();
        assert_eq!(words, ["Root causes", "Detection", "Note"]);
    }

    #[test]
    fn comments_hold_no_headings() {
        assert_eq!(headings("<!--\n# no\n-->\n# yes\n<!-- one line -->\n# too").len(), 2);
    }

    #[test]
    fn fields_are_carried_by_labels_and_tables() {
        let fields =
            outline("**Severity:** Critical\nSeverity: SEV-2\n| Severity | P1 |\n| a | b | c |", 0)
                .fields;
        let read: Vec<(&str, &str, ReadFrom)> =
            fields.iter().map(|f| (f.label.as_str(), f.value.as_str(), f.place)).collect();
        assert_eq!(
            read,
            [
                ("Severity", "Critical", ReadFrom::Label),
                ("Severity", "SEV-2", ReadFrom::Label),
                ("Severity", "P1", ReadFrom::Table)
            ]
        );
    }

    #[test]
    fn a_title_reads_without_its_marks() {
        assert_eq!(
            plain(" [hook](https://x/y) *went* `down` ![i](p.png) [not a link] "),
            "hook went down i [not a link]"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(?s).{0,200}|[#=`~*_|:\\-\\[\\]()! a\n<>]{0,120}") {
            let out = outline(&text, 0);
            for heading in &out.headings {
                proptest::prop_assert!(heading.line < text.lines().count());
            }
            let _ = plain(&text);
        }
    }
}
