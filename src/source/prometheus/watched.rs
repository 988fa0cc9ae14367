//! For whom numbers are looked for: a service's name, its labels, and what it has of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::presets::Number;
use crate::model::{Name, Role, Service};

/// A service whose numbers are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub name: Name,
    /// The labels it configured; empty: it is found by its name.
    pub labels: BTreeMap<String, String>,
    /// Roles and names of its own numbers: what a team wrote itself is not looked for.
    roles: BTreeSet<Role>,
    names: BTreeSet<Name>,
}

impl Watched {
    /// Services that want numbers found. A label with a name that no older server can be asked about is left out with
    /// its service's other labels: the service is then found by its name alone.
    pub fn all(services: &[Service]) -> Vec<Self> {
        services.iter().filter(|s| s.finds).map(Self::of).collect()
    }

    fn of(service: &Service) -> Self {
        let labels = &service.matching.labels;
        let askable = labels.keys().all(|name| is_label(name.as_str()));
        let labels = labels.iter().filter(|_| askable);
        Self {
            name: service.name.clone(),
            labels: labels.map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            roles: service.metrics.iter().map(|m| m.role).collect(),
            names: service.metrics.iter().map(|m| m.id.metric.clone()).collect(),
        }
    }

    /// Whether a number says something this service did not configure itself.
    pub fn lacks(&self, number: &Number) -> bool {
        !self.roles.contains(&number.role) && !self.names.iter().any(|n| n.as_str() == number.name)
    }
}

/// The classic form of a label's name (`prometheus.io/docs/concepts/data_model`).
fn is_label(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
