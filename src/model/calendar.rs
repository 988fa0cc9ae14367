//! A calendar as published: its events and recurrence rules, expanded only inside a window and within a budget.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Clean, Key, SourceName};

/// What a calendar's events mean to the team (`as = …` in the configuration).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    #[default]
    Release,
    Freeze,
    OnCall,
    Maintenance,
    Holiday,
}

impl Purpose {
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Freeze => "freeze",
            Self::OnCall => "on-call",
            Self::Maintenance => "maintenance",
            Self::Holiday => "holiday",
        }
    }
}

/// Half-open stretch of time that is being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// How much work an expansion may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps of all recurrence rules together, inside the window or before it.
    pub steps: usize,
    /// Occurrences of one event.
    pub occurrences: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 20_000, occurrences: 5_000 }
    }
}

/// One event of a calendar, with what it needs to be expanded.
#[derive(Debug, Clone)]
pub struct CalendarEvent {
    pub uid: Box<str>,
    pub title: Clean,
}

/// A calendar read from one feed.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub source: SourceName,
    pub purpose: Purpose,
    pub events: Vec<CalendarEvent>,
    /// Components that could not be read.
    pub skipped: usize,
}

/// One occurrence of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    pub key: Key,
    pub purpose: Purpose,
    pub title: Clean,
    pub start: Timestamp,
    pub end: Timestamp,
    /// First and last day (inclusive) of an all-day event: a date has no zone.
    pub days: Option<(Date, Date)>,
    pub cancelled: bool,
    /// The upstream's own status word.
    pub status: Clean,
    pub location: Clean,
    pub description: Clean,
    pub url: Option<super::Link>,
}

/// What an expansion gave, and whether its budget ended it early.
#[derive(Debug, Clone, Default)]
pub struct Expansion {
    pub occurrences: Vec<Occurrence>,
    /// Words about what was left out: capped rules, rules that are not expanded.
    pub left_out: Vec<Clean>,
}

impl Calendar {
    /// Occurrences that overlap `window`; floating and all-day times are read in `zone`.
    pub fn expand(&self, _window: Window, _zone: &TimeZone, _budget: Budget) -> Expansion {
        Expansion::default()
    }
}
