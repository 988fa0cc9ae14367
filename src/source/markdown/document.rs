//! One document to one post-mortem: whatever is missing stays missing, whatever is odd becomes a flag.

use std::path::Path;

use jiff::civil::Date;

use super::dated::{dated, stem};
use super::front;
use super::outline::{self, Outline};
use super::passage::Lines;
use super::which::Which;
use super::{actions, facts, rst, sections, timeline};
use crate::model::{Clean, Key, Link, PostMortem, ReadFrom, Section, SectionKind, SourceName};

/// Bytes of a document that are read.
pub const CAP: usize = 1024 * 1024;
/// Most headings kept of one document.
const SECTIONS: usize = 2_000;

/// A file as it was read.
pub struct File<'a> {
    /// Path below the configured folder.
    pub below: &'a str,
    pub path: &'a Path,
    pub bytes: &'a [u8],
    /// The file is longer than what was read.
    pub cut: bool,
    pub which: Which,
}

/// Reads a document; `None` when there is nothing in it but blanks.
pub fn document(file: &File<'_>, source: &SourceName, today: Date) -> Option<PostMortem> {
    let mut flags: Vec<Clean> = Vec::new();
    let bytes = file.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file.bytes);
    let words = String::from_utf8_lossy(bytes);
    if words.trim().is_empty() {
        return None;
    }
    // The last character of a cut file may be half of one.
    let whole = bytes.get(..bytes.len().saturating_sub(4)).unwrap_or_default();
    if std::str::from_utf8(if file.cut { whole } else { bytes })
        .is_err_and(|e| !file.cut || e.error_len().is_some())
    {
        flags.push("invalid UTF-8".into());
    }
    if bytes.contains(&0) {
        flags.push("zero bytes: is it text?".into());
    }
    if file.cut {
        flags.push("cut at 1 MiB".into());
    }
    let text = Clean::body(&words, CAP + 16);
    let raw = (text.as_str().as_bytes() != file.bytes).then(|| file.bytes.into());
    let key = Key::new(source, file.below);
    let mut found = read(key, file.below, text, file.which, None, today);
    found.file = file.path.to_string_lossy().into();
    found.raw = raw;
    flags.append(&mut found.flags);
    found.flags = flags;
    Some(found)
}

/// Reads a text that an upstream holds: it has a title of its own, and its name is no path.
pub fn text(key: Key, name: &str, title: &str, body: &str, today: Date) -> PostMortem {
    let text = Clean::body(body, CAP);
    let raw = (text.as_str() != body && body.len() <= CAP).then(|| body.as_bytes().into());
    let mut found = read(key, name, text, Which::Document, Some(title), today);
    found.raw = raw;
    if body.len() > CAP {
        found.flags.push("cut at 1 MiB".into());
    }
    found
}

/// Everything is read from the cleaned text, so that line numbers mean the same lines as on screen.
fn read(
    key: Key,
    below: &str,
    text: Clean,
    which: Which,
    told: Option<&str>,
    today: Date,
) -> PostMortem {
    let front = front::front(text.as_str());
    let outline = match which {
        Which::Rst => rst::rst(text.as_str()),
        _ => outline::outline(text.as_str(), front.ends),
    };
    let heading = outline.headings.iter().position(|h| h.level == 1 && !h.label);
    let h1 = heading.and_then(|i| outline.headings.get(i));
    let first = h1.map(|h| outline::plain(&h.text)).filter(|t| !t.is_empty());
    let (title, titled) = match (front.get(&["title"]), told, first) {
        (Some(words), ..) => (words.to_owned(), ReadFrom::FrontMatter),
        (None, Some(words), _) => (words.to_owned(), ReadFrom::Upstream),
        (None, None, Some(words)) => (words, ReadFrom::Heading),
        (None, None, None) => (stem(below).to_owned(), ReadFrom::FileName),
    };
    let head = told.or_else(|| h1.map(|h| h.text.as_str()));
    let (dated, odd) = dated(below, &front, head, &outline, &text);

    let path = Clean::line(below);
    let mut found = PostMortem::new(key, path, Clean::line(title), Clean::default());
    found.titled = titled;
    found.flags.extend(front.trouble.map(Clean::from));
    found.flags.extend(odd);
    if let Some(dated) = &dated
        && dated.date.value.duration_since(today).as_hours() > 48
    {
        found.flags.push("its date lies in the future".into());
    }
    let lines = Lines::new(text.as_str(), &outline);
    found.timeline = timeline::timeline(&lines, dated.as_ref().map(|d| d.date.value));
    found.actions = actions::actions(&lines);
    facts::fill(&mut found, &lines, &front, heading);
    found.sections = sections_of(&outline, heading, lines.all.len());
    found.url = front.get(&["url", "link"]).and_then(Link::parse);
    found.dated = dated;
    found.text = text;
    found
}

/// Every heading but the title, each to the next one of its level or above.
fn sections_of(outline: &Outline, title: Option<usize>, lines: usize) -> Vec<Section> {
    let headings = &outline.headings;
    let mut sections: Vec<Section> = Vec::new();
    // Places in `sections` that are still open, outermost first.
    let mut open: Vec<usize> = Vec::new();
    for (i, heading) in headings.iter().enumerate() {
        while let Some(inner) = open.last().and_then(|at| sections.get_mut(*at)) {
            if inner.level < heading.level {
                break;
            }
            inner.end = heading.line;
            open.pop();
        }
        let kind = sections::kind(&outline::plain(&heading.text));
        // A bold label is a section only where it says one: `Note:` is not.
        let counts = Some(i) != title && !(heading.label && kind == SectionKind::Other);
        if !counts || sections.len() == SECTIONS {
            continue;
        }
        open.push(sections.len());
        sections.push(Section {
            kind,
            heading: Clean::line(outline::plain(&heading.text)),
            level: heading.level,
            line: heading.line,
            end: lines,
        });
    }
    sections
}
