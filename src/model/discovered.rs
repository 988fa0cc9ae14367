//! A number that nobody configured: a source knew the series a service tells, and what to ask of them.

use super::{Clean, Key, Metric, Name};

/// One number of one service, as a preset found it. Gone when a later look no longer finds its series.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Discovered {
    /// Its id begins with the service: see `prefix`.
    pub key: Key,
    /// What is known to tell such series: `Micrometer`, `node_exporter`.
    pub preset: Clean,
    pub metric: Metric,
}

impl Discovered {
    /// How the ids of one service's numbers begin; ends with a character that no name has.
    pub fn prefix(service: &Name) -> String {
        format!("{service}\u{1f}")
    }

    pub fn id(service: &Name, metric: &Name) -> String {
        format!("{service}\u{1f}{metric}")
    }
}
