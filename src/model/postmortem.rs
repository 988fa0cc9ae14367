//! A post-mortem as it was read: what it says, in values, and for each value where it was found.

use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::{Clean, Folded, Key, Link, Severity};

/// A value, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Found<T> {
    pub value: T,
    pub place: ReadFrom,
    /// Line of the text, from 0, where it stands in the text.
    pub line: Option<usize>,
}

impl<T> Found<T> {
    pub fn new(value: T, place: ReadFrom) -> Self {
        Self { value, place, line: None }
    }

    #[must_use]
    pub fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

/// The part of a document, or what lies around it, that said a value.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReadFrom {
    FrontMatter,
    FileName,
    /// The name has the year and the month only.
    FileNameMonth,
    Directory,
    DirectoryMonth,
    Heading,
    /// `**Label:** value`, or the same in a list.
    Label,
    Table,
    List,
    Timeline,
    Text,
    /// The history of the work tree.
    Git,
    /// A field of the upstream that told it: an issue's label, a document's incident.
    Upstream,
}

impl ReadFrom {
    pub fn words(self) -> &'static str {
        match self {
            Self::FrontMatter => "front matter",
            Self::FileName => "file name",
            Self::FileNameMonth => "file name, month only",
            Self::Directory => "directory",
            Self::DirectoryMonth => "directory, month only",
            Self::Heading => "heading",
            Self::Label => "label",
            Self::Table => "table",
            Self::List => "list",
            Self::Timeline => "timeline",
            Self::Text => "text",
            Self::Git => "git history",
            Self::Upstream => "source",
        }
    }
}

impl std::fmt::Display for ReadFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.words())
    }
}

/// The date of an incident, with the other dates that disagree with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dated {
    pub date: Found<Date>,
    /// Shown with `≠`, never repaired.
    pub conflicts: Vec<Found<Date>>,
}

/// How bad it was, in the document's own word.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rated {
    pub word: Clean,
    /// `None` for a word nobody has told us: shown as itself, neutral.
    pub level: Option<Severity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// What it cost, as far as the document says.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Loss {
    /// The document's own words: the first of its impact, or the value of a label.
    pub words: Option<Found<Clean>>,
    /// Quantities in these words, in their order.
    pub amounts: Vec<Found<Amount>>,
}

impl Loss {
    /// Whether the document says anything about it.
    pub fn is_told(&self) -> bool {
        self.words.is_some() || !self.amounts.is_empty()
    }
}

/// A quantity that was lost, and the words it was read from.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    /// In whole units: `$1.2M` is 1 200 000.
    pub value: f64,
    pub unit: LossUnit,
    pub words: Clean,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossUnit {
    /// ISO 4217, or the sign itself where it may be several currencies.
    Money(Clean),
    Users,
    Requests,
    Minutes,
    /// A share in percent; its words say of what.
    Percent,
}

/// Which clock a duration was taken by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    #[default]
    Wall,
    /// Only the hours in which the team works count.
    SupportHours,
}

/// A duration somebody wrote down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lasted {
    pub span: SignedDuration,
    pub clock: Clock,
    pub words: Clean,
}

/// A duration with a name: `Time to detection: 54 minutes`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// `time to detection`, as written.
    pub name: Clean,
    pub lasted: Found<Lasted>,
}

/// Something that happened during the incident.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Happening {
    /// The moment, where date and zone are both known.
    pub at: Option<Timestamp>,
    pub date: Option<Date>,
    pub time: Option<Time>,
    /// `UTC`, `CET`, `+02:00` as written, here or for the whole timeline.
    pub zone: Option<Clean>,
    /// The words that say when, as they stand.
    pub when: Clean,
    pub text: Clean,
    pub line: usize,
}

/// Something to be done, so that it does not happen again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Action {
    pub text: Clean,
    pub owner: Option<Clean>,
    pub due: Option<Date>,
    pub state: ActionState,
    /// Its issue or pull request.
    pub link: Option<Link>,
    /// How people call that: `#124`, `acme/shop#7`, `OPS-12`.
    pub reference: Option<Clean>,
    /// The heading it stands under, where that is not the section's own.
    pub group: Option<Clean>,
    pub place: ReadFrom,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionState {
    /// Nothing says that it is done.
    Open,
    Done,
    /// Decided against.
    Dropped,
}

/// One change of the document in its work tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Revision {
    pub at: Timestamp,
    pub who: Clean,
    pub what: Clean,
}

/// One document.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PostMortem {
    pub key: Key,
    /// Path below the configured folder, or what the upstream calls it.
    pub path: Clean,
    /// Path as the system knows it, for opening; never shown. Empty where there is no file.
    pub file: Box<str>,
    pub title: Clean,
    pub titled: ReadFrom,
    pub dated: Option<Dated>,
    /// `draft`, `in review`, `closed`, as written.
    pub status: Option<Found<Clean>>,
    pub severity: Option<Found<Rated>>,
    /// What it says it is about; insight matches the configured services with it.
    pub services: Vec<Found<Clean>>,
    pub loss: Loss,
    /// How long it lasted, as stated.
    pub stated: Option<Found<Lasted>>,
    /// From the first to the last moment of its own: start and end fields, else the timeline.
    pub began: Option<Found<Timestamp>>,
    pub ended: Option<Found<Timestamp>>,
    /// `time to …`, each as stated.
    pub intervals: Vec<Interval>,
    pub summary: Option<Found<Clean>>,
    pub root_cause: Option<Found<Clean>>,
    pub trigger: Option<Found<Clean>>,
    pub detection: Option<Found<Clean>>,
    pub timeline: Vec<Happening>,
    pub lessons: Vec<Found<Clean>>,
    pub actions: Vec<Action>,
    pub authors: Vec<Found<Clean>>,
    /// Newest first; empty outside a work tree.
    pub history: Vec<Revision>,
    pub sections: Vec<Section>,
    /// The whole text, cleaned; lines as in the file.
    pub text: Clean,
    /// The same text for searching; made by whoever asks first.
    #[serde(skip)]
    pub folded: Folded,
    /// The bytes as they are, where cleaning changed any.
    pub raw: Option<Arc<[u8]>>,
    pub url: Option<Link>,
    /// Oddities worth a mark: `invalid UTF-8`, `cut at 1 MiB` …
    pub flags: Vec<Clean>,
}

impl PostMortem {
    /// A document of which only its identity and its text are known.
    pub fn new(key: Key, path: Clean, title: Clean, text: Clean) -> Self {
        Self {
            key,
            path,
            file: Box::default(),
            title,
            titled: ReadFrom::FileName,
            dated: None,
            status: None,
            severity: None,
            services: Vec::new(),
            loss: Loss::default(),
            stated: None,
            began: None,
            ended: None,
            intervals: Vec::new(),
            summary: None,
            root_cause: None,
            trigger: None,
            detection: None,
            timeline: Vec::new(),
            lessons: Vec::new(),
            actions: Vec::new(),
            authors: Vec::new(),
            history: Vec::new(),
            sections: Vec::new(),
            text,
            folded: Folded::default(),
            raw: None,
            url: None,
            flags: Vec::new(),
        }
    }

    /// The document byte for byte, as far as it was read.
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_str().as_bytes())
    }

    /// The text in lower case.
    pub fn folded(&self) -> &str {
        self.folded.of(self.text.as_str())
    }

    pub fn date(&self) -> Option<Date> {
        self.dated.as_ref().map(|d| d.date.value)
    }

    /// How bad it was, where its word is known; 1 is the worst.
    pub fn level(&self) -> Option<Severity> {
        self.severity.as_ref().and_then(|s| s.value.level)
    }

    /// The wall clock between the first and the last of its moments.
    pub fn elapsed(&self) -> Option<SignedDuration> {
        let (began, ended) = (self.began.as_ref()?, self.ended.as_ref()?);
        (ended.value > began.value).then(|| ended.value.duration_since(began.value))
    }

    /// The lines of its first section of a kind, without the heading.
    pub fn section(&self, kind: SectionKind) -> Option<(&Section, String)> {
        let section = self.sections.iter().find(|s| s.kind == kind)?;
        let within = section.end.saturating_sub(section.line + 1);
        let lines: Vec<&str> =
            self.text.as_str().lines().skip(section.line + 1).take(within).collect();
        Some((section, lines.join("\n")))
    }
}
