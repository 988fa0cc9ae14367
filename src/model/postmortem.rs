//! A post-mortem as it was read from a file: every field remembers where it was found.

use jiff::civil::Date;

use super::{Clean, Key, Link, Severity};

/// A value and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    pub value: T,
    /// `file name`, `heading`, `front matter`, `table` …
    pub place: &'static str,
}

/// The date of an incident, with the other dates that disagree with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    pub date: Found<Date>,
    /// Shown with `≠`, never repaired.
    pub conflicts: Vec<Found<Date>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKind {
    Summary,
    Impact,
    RootCause,
    Trigger,
    Detection,
    Resolution,
    Timeline,
    Lessons,
    Actions,
    Other,
}

/// A headed part of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub kind: SectionKind,
    pub heading: Clean,
    /// 1–6; bold-label lines count as 6.
    pub level: u8,
    /// First line of the heading in the text, from 0.
    pub line: usize,
    /// The line after its last.
    pub end: usize,
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct PostMortem {
    pub key: Key,
    /// Path below the configured folder, as shown.
    pub path: Clean,
    /// Path as the system knows it, for opening; never shown.
    pub file: Box<str>,
    pub title: Clean,
    pub dated: Option<Dated>,
    pub severity: Option<Found<Severity>>,
    pub sections: Vec<Section>,
    /// The whole text, cleaned; lines as in the file.
    pub text: Clean,
    /// Configured-service words are matched against this by insight.
    pub services: Vec<Clean>,
    pub url: Option<Link>,
    /// Oddities worth a mark: `invalid UTF-8`, `cut at 1 MiB` …
    pub flags: Vec<Clean>,
}
