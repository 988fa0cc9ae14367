//! Alerts, the rules behind them, and the silences over them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Clean, Key, Link};

/// Labels as the upstream names them; names are short and cleaned too.
pub type Labels = BTreeMap<Clean, Clean>;

/// 1 is the worst. Read from whatever the upstream calls it; the word itself is kept beside it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Severity(pub u8);

impl Severity {
    /// `critical`, `page`, `P1`, `SEV-2`, `warning`, `info` …; `None` for words nobody has told us.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        let rest = word.strip_prefix("sev").or_else(|| word.strip_prefix('p')).unwrap_or(&word);
        if let Ok(n @ 0..=9) = rest.trim_start_matches(['-', ' ', '_']).parse::<u8>() {
            return Some(Self(n.clamp(1, 5)));
        }
        match word.as_str() {
            "critical" | "page" | "emergency" | "fatal" | "disaster" => Some(Self(1)),
            "major" | "high" | "error" => Some(Self(2)),
            "warning" | "warn" | "minor" | "ticket" | "average" => Some(Self(3)),
            "low" | "notice" => Some(Self(4)),
            "info" | "informational" | "none" => Some(Self(5)),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AlertState {
    Firing,
    Pending,
    Suppressed,
    /// A word this version does not know: shown as itself, never green.
    Other(Clean),
}

/// Why an alert is quiet: three different reasons, all visible.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Suppression {
    /// By a silence, named by its identity at the same source.
    Silenced(Key),
    /// By another alert (its fingerprint).
    Inhibited(Clean),
    /// By a mute time interval (its name).
    Muted(Clean),
}

/// One alert, from its start to its end. A new start is a new alert: the id holds the start.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alert {
    pub key: Key,
    pub name: Clean,
    pub labels: Labels,
    pub summary: Clean,
    pub description: Clean,
    pub state: AlertState,
    pub suppressed: Vec<Suppression>,
    pub severity: Option<Severity>,
    pub started: Option<Timestamp>,
    pub receivers: Vec<Clean>,
    pub url: Option<Link>,
    pub runbook: Option<Link>,
}

impl Alert {
    pub fn label(&self, name: &str) -> Option<&Clean> {
        self.labels.iter().find(|(k, _)| k.as_str() == name).map(|(_, v)| v)
    }

    pub fn is_shouting(&self) -> bool {
        self.state == AlertState::Firing && self.suppressed.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RuleState {
    Inactive,
    Pending,
    Firing,
    Other(Clean),
}

/// A rule that cannot be evaluated looks inactive upstream: its health is a fact of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RuleHealth {
    Ok,
    Broken,
    Unknown,
    Other(Clean),
}

/// An alerting rule.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AlertRule {
    pub key: Key,
    pub name: Clean,
    pub group: Clean,
    pub query: Clean,
    pub state: RuleState,
    pub health: RuleHealth,
    pub last_error: Clean,
    pub labels: Labels,
    pub annotations: Labels,
    pub waits: SignedDuration,
    pub firing: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
    Other(Clean),
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Silence {
    pub key: Key,
    pub state: SilenceState,
    pub starts: Option<Timestamp>,
    pub ends: Option<Timestamp>,
    pub by: Clean,
    pub comment: Clean,
    /// `name=value` in the store's own notation; several sets in one silence read "complex silence".
    pub matchers: Vec<Clean>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_of_several_houses() {
        for (word, n) in [
            ("critical", 1),
            ("P1", 1),
            ("SEV-2", 2),
            ("sev3", 3),
            ("warning", 3),
            ("page", 1),
            ("info", 5),
            ("P0", 1),
        ] {
            assert_eq!(Severity::parse(word), Some(Severity(n)), "{word}");
        }
        for word in ["", "purple", "p", "sev", "prod"] {
            assert_eq!(Severity::parse(word), None, "{word}");
        }
    }
}
