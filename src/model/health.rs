//! The four states of health and the overlays that lie over them.

use jiff::Timestamp;

use super::{Clean, Name};

/// How a service is: ordered so that the worst of several is their maximum.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Ok,
    #[default]
    Unknown,
    Degraded,
    Down,
}

impl Health {
    /// The stable word of the machine output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// A service turned to a health at a moment, as it was seen and is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    pub at: Timestamp,
    /// Somebody saw it begin; otherwise it was so when somebody looked.
    pub seen: bool,
    pub service: Name,
    /// The word of the machine output: another version may know more of them.
    pub health: Clean,
    /// The worst thing then, in words.
    pub reason: Clean,
}

/// What else is true of a service, independent of its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Overlays {
    pub stale: bool,
    pub flapping: bool,
    pub maintenance: bool,
    pub acked: bool,
    pub silenced: bool,
    /// A number it is judged by rests on an answer without all of its data.
    pub partial: bool,
}
