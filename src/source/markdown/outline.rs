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
    /// A label that opens an item of a list.
    pub item: bool,
}

/// A line that says `**Label:** value`, `- **Label**: value`, `Label: value` or `| Label | value |`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub label: String,
    pub value: String,
    pub place: ReadFrom,
    pub line: usize,
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
        if let Some((level, text)) = atx(line).or_else(|| tagged(line)) {
            out.headings.push(Heading { level, text, line: i, label: false, item: false });
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
                item: false,
            });
        } else if let Some(field) = field(line, i) {
            if field.place == ReadFrom::Label && starts_bold(line) {
                out.headings.push(Heading {
                    level: 6,
                    text: field.label.clone(),
                    line: i,
                    label: true,
                    item: bullet(line) != line.trim(),
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

/// `<h2>Words</h2>` on one line.
fn tagged(line: &str) -> Option<(u8, String)> {
    let text = line.trim();
    let rest = text.strip_prefix("<h").or_else(|| text.strip_prefix("<H"))?;
    let level = rest.bytes().next().filter(|b| (b'1'..=b'6').contains(b))? - b'0';
    let (_, rest) = rest.split_once('>')?;
    let end = rest.find("</h").or_else(|| rest.find("</H"))?;
    let words = plain(rest.get(..end)?);
    (!words.is_empty()).then_some((level, words))
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

fn field(line: &str, at: usize) -> Option<Field> {
    let text = bullet(line);
    if let Some(row) = text.strip_prefix('|') {
        let mut cells = row.trim_end_matches('|').split('|').map(str::trim);
        let (label, value) = (cells.next()?, cells.next()?);
        let rows = cells.next().is_none();
        return (rows && !label.is_empty() && label.len() <= LABEL).then(|| Field {
            label: plain(label),
            value: plain(value),
            place: ReadFrom::Table,
            line: at,
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
            line: at,
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
        line: at,
    })
}

/// Bytes of a text that are made plain: what is longer is no title, no value and no sentence.
const PLAIN: usize = 16 * 1024;
/// Bytes a link or a tag may take.
const LINK: usize = 2_048;

/// Words without the marks of emphasis, code, links and tags.
pub fn plain(text: &str) -> String {
    let text = head(text.trim(), PLAIN);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut next = c.len_utf8();
        match c {
            '*' => {}
            '`' => {
                // What is code is said as it stands.
                let marks = rest.bytes().take_while(|b| *b == b'`').count();
                let (fence, inner) = rest.split_at_checked(marks).unwrap_or((rest, ""));
                next = marks;
                if let Some(end) = head(inner, LINK).find(fence) {
                    out.push_str(inner.get(..end).unwrap_or_default());
                    next = marks + end + marks;
                }
            }
            '~' if rest.starts_with("~~") => next = 2,
            '\\' if rest
                .get(1..)
                .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_punctuation())) =>
            {
                let escaped = rest.get(1..2).unwrap_or_default();
                out.push_str(escaped);
                next = 2;
            }
            '[' | '!' => match link(rest) {
                Some((words, length)) => {
                    out.push_str(&plain_words(words));
                    next = length;
                }
                None => out.push(c),
            },
            '<' => match tag(rest) {
                Some((words, length)) => {
                    out.push_str(words);
                    next = length;
                }
                None => out.push(c),
            },
            _ => out.push(c),
        }
        rest = rest.get(next..).unwrap_or_default();
    }
    out.trim().to_owned()
}

/// The words of a link have no links in them, and marks at most.
fn plain_words(words: &str) -> String {
    words.chars().filter(|c| !matches!(c, '*' | '`')).collect()
}

/// At most so many bytes, ended between characters.
pub fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// `[words](address)`, `![words](address)` and `[words][name]`: the words, and the bytes of the whole.
fn link(text: &str) -> Option<(&str, usize)> {
    let open = usize::from(text.starts_with('!')) + 1;
    let inner = head(text.get(open - 1..)?.strip_prefix('[')?, LINK);
    let end = inner.find([']', '['])?;
    let words = inner.get(..end)?;
    let after = inner.get(end..)?.strip_prefix(']')?;
    let (mark, close) = match after.chars().next()? {
        '(' => ('(', ')'),
        '[' => ('[', ']'),
        _ => return None,
    };
    let target = after.strip_prefix(mark)?;
    let length = target.find(close)?;
    // `[x][]` and lists such as `[1][2]` of an array read the same: only names of some length are references.
    if mark == '[' && target.get(..length)?.len() < 2 {
        return None;
    }
    Some((words, open + end + 2 + length + 1))
}

/// Tags that stand in Markdown; `<pod-name>` in a sentence is a word of its own.
const TAGS: &[&str] = &[
    "a", "b", "i", "u", "em", "strong", "code", "kbd", "pre", "span", "div", "img", "sup", "sub",
    "del", "s", "ul", "ol", "li", "table", "tr", "td", "th", "tbody", "thead", "details",
    "summary", "iframe", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "font", "center", "small",
    "mark",
];

/// `<https://…>` reads as its address, `<br>` as a blank, other tags and `<%= … %>` as nothing.
fn tag(text: &str) -> Option<(&str, usize)> {
    let inner = head(text.strip_prefix('<')?, LINK);
    if inner.starts_with('%') {
        return inner.find("%>").map(|end| ("", 1 + end + 2));
    }
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
        return None;
    }
    let end = inner.find(['>', '<'])?;
    let body = inner.get(..end)?;
    inner.get(end..)?.strip_prefix('>')?;
    let length = 1 + end + 1;
    if body.contains("://") && !body.contains([' ', '=']) {
        return Some((body, length));
    }
    if body.contains('@') && !body.contains(' ') {
        return Some(("", length));
    }
    let name = body.trim_start_matches('/').to_ascii_lowercase();
    let is = |word: &str| {
        name == word || name.strip_prefix(word).is_some_and(|r| r.starts_with([' ', '/']))
    };
    if is("br") || is("p") {
        return Some((" ", length));
    }
    (name.starts_with('!') || TAGS.iter().any(|tag| is(tag))).then_some(("", length))
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
    fn headings_in_tags_are_headings() {
        assert_eq!(
            headings("<h1 align=\"center\">A <b>title</b></h1>\n<h7>no</h7>\n<h2>open"),
            [(1, "A title".into(), 0)]
        );
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
        for (text, words) in [
            ("a<br>b <b>c</b> <https://x.org/y> <me@x.org>", "a b c https://x.org/y"),
            (
                "`kubectl delete pod <name>` and <pod-name>",
                "kubectl delete pod <name> and <pod-name>",
            ),
            ("~~gone~~ \\*star\\* [issue][alerting-issue] a[1][2]", "gone *star* issue a[1][2]"),
            ("<%= link_to 'x' %>after <% if y", "after <% if y"),
        ] {
            assert_eq!(plain(text), words, "{text}");
        }
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
