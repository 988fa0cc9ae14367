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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, Place};

    #[test]
    fn a_gate_is_read_back_as_it_was_written_down() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let cron = |text| Cron::parse(text).unwrap();
        for schedule in [
            Schedule::After {
                start: cron("0 22 * * *"),
                length: SignedDuration::from_hours(1),
                zone: zone.clone(),
            },
            Schedule::Between { start: cron("0 23 * * 5"), end: cron("0 8 * * 1"), zone },
            Schedule::Once { from: Timestamp::UNIX_EPOCH, until: Timestamp::MAX },
            Schedule::Unreadable("no cron".into()),
        ] {
            let gate = Gate {
                key: Key::new(&Name::new("argo"), "projects/web/windows/0"),
                kind: GateKind::Other("later".into()),
                schedule,
                scope: "applications *-prod".into(),
                repo: Clean::default(),
                apps: vec![Place { app: "shop".into(), environment: "production".into() }],
                by_hand: true,
                overrun: false,
                description: Clean::default(),
                how_to_override: Clean::default(),
                url: None,
            };
            let bytes = postcard::to_stdvec(&gate).unwrap();
            assert_eq!(postcard::from_bytes::<Gate>(&bytes).unwrap(), gate);
            let json = serde_json::to_string(&gate).unwrap();
            assert_eq!(serde_json::from_str::<Gate>(&json).unwrap(), gate);
        }
    }
}
