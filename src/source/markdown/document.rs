//! One document to one post-mortem: whatever is missing stays missing, whatever is odd becomes a flag.

use std::path::Path;

use jiff::civil::Date;

use super::dates::{self, Spotted};
use super::front::{self, Front};
use super::outline::{self, Outline};
use super::sections;
use super::which::Which;
use crate::model::{
    Clean, Dated, Found, Key, Link, PostMortem, Rated, ReadFrom, Section, SectionKind, Severity,
    SourceName,
};

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
    if file.cut {
        flags.push("cut at 1 MiB".into());
    }
    // Everything below is read from the cleaned text, so that line numbers mean the same lines as on screen.
    let text = Clean::body(&words, CAP + 16);
    let front = front::front(text.as_str());
    let outline = match file.which {
        Which::Rst => rst(text.as_str()),
        _ => outline::outline(text.as_str(), front.ends),
    };
    flags.extend(front.trouble.map(Clean::from));

    let heading = outline.headings.iter().position(|h| h.level == 1 && !h.label);
    let h1 = heading.and_then(|i| outline.headings.get(i));
    let title = front
        .get(&["title"])
        .map(str::to_owned)
        .or_else(|| h1.map(|h| outline::plain(&h.text)).filter(|t| !t.is_empty()))
        .unwrap_or_else(|| stem(file.below).to_owned());

    let (dated, odd) = dated(file.below, &front, h1.map(|h| h.text.as_str()), &outline, &text);
    flags.extend(odd);
    if let Some(dated) = &dated
        && dated.date.value.duration_since(today).as_hours() > 48
    {
        flags.push("its date lies in the future".into());
    }
    let key = Key::new(source, file.below);
    Some(PostMortem {
        file: file.path.to_string_lossy().into(),
        dated,
        severity: severity(&front, &outline),
        sections: sections_of(&outline, heading, text.as_str().lines().count()),
        services: front
            .all("services")
            .chain(front.all("service"))
            .take(50)
            .map(|word| Found::new(Clean::line(word), ReadFrom::FrontMatter))
            .collect(),
        url: front.get(&["url", "link"]).and_then(Link::parse),
        raw: (text.as_str().as_bytes() != file.bytes).then(|| file.bytes.into()),
        flags,
        ..PostMortem::new(key, Clean::line(file.below), Clean::line(title), text)
    })
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

/// The first of: front matter, file name, directory, heading, label, text. What else is said of the whole
/// document and differs is a conflict; dates in its text are of its events, and none.
fn dated(
    below: &str,
    front: &Front,
    h1: Option<&str>,
    outline: &Outline,
    text: &Clean,
) -> (Option<Dated>, Vec<Clean>) {
    let (folders, name) = below.rsplit_once(['/', '\\']).unwrap_or(("", below));
    let label = outline.fields.iter().find(|field| {
        let label = field.label.to_lowercase();
        ["date", "incident date", "start time", "date of incident"].contains(&label.as_str())
    });
    let mut said: Vec<(Spotted, ReadFrom)> = Vec::new();
    let mut say = |spotted: Option<Spotted>, place: ReadFrom| {
        if let Some(spotted) = spotted {
            let place = match (spotted.month_only, place) {
                (true, ReadFrom::FileName) => ReadFrom::FileNameMonth,
                (true, ReadFrom::Directory) => ReadFrom::DirectoryMonth,
                (_, place) => place,
            };
            said.push((spotted, place));
        }
    };
    let words = front.get(&["date", "start_time", "incident_date"]);
    say(words.and_then(|words| dates::first(words, false)), ReadFrom::FrontMatter);
    say(dates::first(stem(name), true), ReadFrom::FileName);
    say(folders.rsplit(['/', '\\']).find_map(|dir| dates::first(dir, true)), ReadFrom::Directory);
    say(h1.and_then(|words| dates::first(words, false)), ReadFrom::Heading);
    say(label.and_then(|field| dates::first(&field.value, false)), ReadFrom::Label);

    let mut flags = Vec::new();
    let in_text = text.as_str().lines().zip(&outline.code).filter(|(_, code)| !**code);
    let mut first_in_text = None;
    let mut in_year = false;
    let named_year = dates::year(name);
    for (line, _) in in_text {
        for year in dates::typo_years(line) {
            let flag = Clean::line(format_args!("the year {year} cannot be right"));
            if !flags.contains(&flag) && flags.len() < 5 {
                flags.push(flag);
            }
        }
        // A timeline may begin long before the incident: the year in a name like `PM2022-006` says which it is.
        if said.is_empty() && (first_in_text.is_none() || named_year.is_some() && !in_year) {
            let spotted = dates::first(line, false);
            let fits = |s: &Spotted| named_year.is_some_and(|year| year == s.date.year());
            match spotted {
                Some(spotted) if fits(&spotted) => {
                    first_in_text = Some(spotted);
                    in_year = true;
                }
                _ => first_in_text = first_in_text.or(spotted),
            }
        }
    }
    if let Some(spotted) = first_in_text {
        if let Some(year) = named_year.filter(|_| !in_year) {
            flags.push(Clean::line(format_args!("the file name says {year}")));
        }
        said.push((spotted, ReadFrom::Text));
    }
    // A day says more than a month: a month alone counts only where no day agrees with it.
    let mut rest = said.into_iter();
    let Some((mut first, mut place)) = rest.next() else { return (None, flags) };
    let mut conflicts: Vec<Found<Date>> = Vec::new();
    for (other, from) in rest {
        if first.month_only && first.agrees(other.date) && !other.month_only {
            (first, place) = (other, from);
        } else if !first.agrees(other.date)
            && !other.agrees(first.date)
            && conflicts.iter().all(|c| c.value != other.date)
        {
            conflicts.push(Found::new(other.date, from));
        }
    }
    (Some(Dated { date: Found::new(first.date, place), conflicts }), flags)
}

/// A severity where a label, a table row or the front matter names one in a word that is known.
fn severity(front: &Front, outline: &Outline) -> Option<Found<Rated>> {
    let fields = outline.fields.iter().filter(|field| {
        matches!(
            field.label.to_lowercase().as_str(),
            "severity" | "incident severity" | "sev" | "priority"
        )
    });
    front
        .get(&["severity"])
        .map(|words| (words, ReadFrom::FrontMatter))
        .into_iter()
        .chain(fields.map(|field| (field.value.as_str(), field.place)))
        .find_map(|(words, place)| {
            let word = words.split([' ', '(', ',', ';', '/']).next().unwrap_or_default();
            let value = Severity::parse(words).or_else(|| Severity::parse(word))?;
            Some(Found::new(Rated { word: Clean::line(words), level: Some(value) }, place))
        })
}

/// reStructuredText is read for its title only: the first underlined line.
fn rst(text: &str) -> Outline {
    let lines: Vec<&str> = text.lines().collect();
    let ruled = |line: &str| {
        let mut marks = line.trim_end().chars();
        let first = marks.next().filter(char::is_ascii_punctuation);
        first.is_some_and(|c| marks.clone().count() >= 2 && marks.all(|d| d == c))
    };
    let found = lines
        .iter()
        .zip(lines.iter().skip(1))
        .position(|(line, below)| !line.trim().is_empty() && !ruled(line) && ruled(below));
    let headings = found
        .and_then(|at| Some((at, lines.get(at)?)))
        .map(|(line, text)| outline::Heading {
            level: 1,
            text: text.trim().to_owned(),
            line,
            label: false,
        })
        .into_iter()
        .collect();
    Outline { headings, fields: Vec::new(), code: vec![false; lines.len()] }
}

fn stem(below: &str) -> &str {
    let name = below.rsplit(['/', '\\']).next().unwrap_or(below);
    let endings = [".html.md.erb", ".markdown", ".mdx", ".md", ".rst"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
