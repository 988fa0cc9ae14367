//! What follows from the board: health, since when, what changed before, who has it, staleness. Pure.

use jiff::Timestamp;

use crate::model::{Board, Clean, Health, Key, Name, Overlays, Team};

/// Everything derived that more than one page needs, computed once per change of the board, not per frame.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The board's version this was made from.
    pub version: u64,
    /// In the team's order; the index equals that of `Team::services`.
    pub services: Vec<ServiceState>,
    pub verdict: Verdict,
    /// When a passing moment alone (staleness, a shift's end) may change the survey.
    pub valid_until: Option<Timestamp>,
}

/// How one service is, and why.
#[derive(Debug, Clone)]
pub struct ServiceState {
    pub name: Name,
    pub health: Health,
    pub overlays: Overlays,
    /// Since when it is so; `None` when nobody saw it begin.
    pub since: Option<Timestamp>,
    /// The worst thing, in words: `p95 1.4 s (bad > 1 s)`, `firing: HighErrorRate`.
    pub reason: Clean,
    /// The parent this one folds under: `↳ because db`.
    pub because: Option<Name>,
    /// How many services fold under this one.
    pub root_of: usize,
    pub changes: Vec<Suspect>,
    /// Every change source of this service is fresh, so that "no change" may be said.
    pub changes_known: bool,
    pub on_call: Option<Clean>,
    /// Who acknowledged the worst open incident.
    pub held_by: Option<Clean>,
    pub incidents: Vec<Key>,
    pub alerts: Vec<Key>,
}

/// A change shortly before, ranked by nearness in time and relation. Never "caused by".
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    pub key: Key,
    pub service: Option<Name>,
    /// `deploy v412`, `config flags#88`.
    pub what: Clean,
    pub who: Clean,
    pub at: Timestamp,
    /// Seconds between its end and the start of the trouble; 0 when in progress.
    pub before_s: i64,
    pub score: f64,
}

/// The board in one word and a few counts; roots only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    pub worst: Health,
    pub down: usize,
    pub degraded: usize,
    pub unknown: usize,
    /// Services folded under a root.
    pub folded: usize,
    pub incidents: usize,
    pub unacked: usize,
    /// Sources that are not fresh, of all.
    pub stale_sources: usize,
    pub sources: usize,
}

pub fn survey(board: &Board, _team: &Team, _now: Timestamp) -> Survey {
    Survey { version: board.version, ..Survey::default() }
}
