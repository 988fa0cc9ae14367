//! What an upstream itself says about when deploys may happen: deploy freezes and sync windows, with the times they hold.

mod cron;
mod schedule;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Clean, Key, Link, Place};

pub use cron::{BadCron, Cron};

/// A rule an upstream keeps by itself, whatever the configuration of andon says.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Gate {
    pub key: Key,
    pub kind: GateKind,
    pub schedule: Schedule,
    /// What the rule is about, in the upstream's own patterns, for people: `applications *-prod`.
    pub scope: Clean,
    /// `group/project` it holds for; empty where it is about applications.
    pub repo: Clean,
    /// Applications it holds for, as the upstream matched them; empty where it is about a repository.
    pub apps: Vec<Place>,
    /// A person may still deploy by hand while it holds.
    pub by_hand: bool,
    /// What runs already when it begins to hold may end.
    pub overrun: bool,
    pub description: Clean,
    /// How one gets past it, in words.
    pub how_to_override: Clean,
    pub url: Option<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum GateKind {
    /// Deploys happen only while this, or another one of this kind, is on.
    Allow,
    /// No deploys while this is on, whatever allows them.
    Deny,
    /// A word this version does not know: it neither allows nor denies.
    Other(Clean),
}

impl GateKind {
    pub fn word(&self) -> &str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Other(word) => word.as_str(),
        }
    }
}

/// When a gate is on.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Schedule {
    /// GitLab: on while the last start came after the last end, and the next end comes before the next start.
    Between {
        start: Cron,
        end: Cron,
        #[serde(with = "jiff::fmt::serde::tz::required")]
        zone: TimeZone,
    },
    /// Argo CD: on for a while after each time the cron fires, on the wall clock of `zone`.
    After {
        start: Cron,
        length: SignedDuration,
        #[serde(with = "jiff::fmt::serde::tz::required")]
        zone: TimeZone,
    },
    Once {
        from: Timestamp,
        until: Timestamp,
    },
    /// It cannot be read, in words: nobody knows when it is on.
    Unreadable(Clean),
}

/// A stretch of time in which a schedule is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stretch {
    pub from: Timestamp,
    /// `None` when no end was found: it is on for longer than anybody looks ahead.
    pub until: Option<Timestamp>,
}
