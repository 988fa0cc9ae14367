//! Incidents and who is on call for them.

use jiff::Timestamp;

use super::{Clean, Key, Link, Severity};

/// The normal form of every vendor's states.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum IncidentStatus {
    Open,
    Acked,
    Mitigated,
    Resolved,
    /// A word this version does not know: shown as itself, treated as open.
    Other(Clean),
}

impl IncidentStatus {
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Resolved)
    }

    pub fn word(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::Acked => "acked",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Other(word) => word.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    pub key: Key,
    /// What people call it: `#1234`, `INC-12`.
    pub reference: Clean,
    pub title: Clean,
    /// The upstream's service: its id (raw, for matching) and name.
    pub service_id: Box<str>,
    pub service_name: Clean,
    pub status: IncidentStatus,
    pub severity: Option<Severity>,
    /// The upstream's own words for severity, priority or urgency.
    pub priority: Clean,
    pub started: Option<Timestamp>,
    pub acked: Option<Timestamp>,
    pub mitigated: Option<Timestamp>,
    pub resolved: Option<Timestamp>,
    /// Who has it: those who acknowledged, else those it is assigned to.
    pub who: Vec<Clean>,
    pub policy: Clean,
    pub url: Option<Link>,
}

/// Something that was written down about an incident while it lasted, by people or by the pager.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogEntry {
    pub key: Key,
    pub incident: Key,
    pub at: Timestamp,
    pub who: Clean,
    pub kind: LogKind,
    /// The words of a note, or whom it was given to; empty where the kind says everything.
    pub text: Clean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    Acknowledged,
    /// Somebody had it, and let go of it.
    Unacknowledged,
    Assigned,
    Escalated,
    Snoozed,
    Noted,
    Resolved,
}

/// A turn on call. No start or no end is permanent.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Shift {
    pub key: Key,
    pub who: Clean,
    pub schedule: Option<Clean>,
    pub policy: Clean,
    /// 1 is asked first.
    pub level: u32,
    pub starts: Option<Timestamp>,
    pub ends: Option<Timestamp>,
    /// Upstream services this turn covers, raw ids, where known.
    pub service_ids: Vec<Box<str>>,
}

impl Shift {
    pub fn covers(&self, moment: Timestamp) -> bool {
        self.starts.is_none_or(|s| s <= moment) && self.ends.is_none_or(|e| moment < e)
    }
}
