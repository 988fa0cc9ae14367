//! A calendar as published: its events and recurrence rules, expanded only inside a window and within a budget.

mod event;
mod expand;
mod moment;
mod rule;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{Clean, Key, SourceName};

pub use event::{CalendarEvent, Excluded, Face, Replaces};
pub use moment::{Length, Moment};
pub use rule::{Effort, Refused, Rule, civil};

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

/// A calendar read from one feed.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Calendar {
    pub source: SourceName,
    pub purpose: Purpose,
    /// The calendar's own name, where it has one.
    pub name: Clean,
    pub events: Vec<CalendarEvent>,
    /// Components that could not be read.
    pub skipped: usize,
    /// Worth knowing: why components were skipped, zones nobody knows.
    pub notes: Vec<Clean>,
    /// How often the publisher wants to be asked.
    pub refresh: Option<SignedDuration>,
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
    /// Occurrences that overlap `window`, in time order; floating and all-day times are read in `zone`.
    ///
    /// Costs grow with the events and with what happens inside the window, not with how long ago a rule began:
    /// fit for a frame when the feed is ordinary, but keep the result while window, zone and calendar stay.
    pub fn expand(&self, window: Window, zone: &TimeZone, budget: Budget) -> Expansion {
        expand::expand(self, window, zone, budget)
    }
}
