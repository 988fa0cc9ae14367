//! For whom numbers are looked for, shared by all sources that look: names, labels, and what each service has itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::super::form;
use super::look;
use super::plan;
use super::presets::Number;
use crate::model::{Name, Role, Service};

/// Everybody whose numbers are looked for, and what every source that looks for them would else reckon for itself.
#[derive(Debug, Default)]
pub struct Sought {
    all: Vec<Watched>,
    world: OnceLock<String>,
    /// Looks around that are under way.
    sent: Mutex<BTreeMap<Look, Vec<Weak<[u8]>>>>,
}

/// How a look around is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// In many short questions.
    pub short: bool,
    /// What a form says beside the question: names and values.
    pub with: Vec<(&'static str, String)>,
}

impl Sought {
    /// Services that want numbers found.
    pub fn of(services: &[Service]) -> Self {
        let all = services.iter().filter(|s| s.finds).map(Watched::of).collect();
        Self { all, ..Self::default() }
    }

    /// What a plan for them depends on, as a short mark.
    pub fn world(&self) -> &str {
        self.world.get_or_init(|| plan::world(&self.all))
    }

    /// The forms of a look around. They name everybody, often: as long as one source waits for its answer, the others
    /// that ask the same send the same bytes; afterwards they are not kept.
    pub fn look(&self, look: Look) -> Vec<Arc<[u8]>> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = |forms: &Vec<Weak<[u8]>>| forms.iter().map(Weak::upgrade).collect();
        if let Some(forms) = sent.get(&look).and_then(alive) {
            return forms;
        }
        let questions =
            if look.short { look::pieces(&self.all) } else { look::questions(&self.all) };
        let form = |question: String| {
            let with = look.with.iter().map(|(name, value)| (*name, value.as_str()));
            let pairs: Vec<(&str, &str)> =
                std::iter::once(("query", question.as_str())).chain(with).collect();
            form(&pairs)
        };
        let forms: Vec<Arc<[u8]>> = questions.into_iter().map(form).collect();
        sent.retain(|_, forms| forms.iter().any(|form| form.strong_count() > 0));
        sent.insert(look, forms.iter().map(Arc::downgrade).collect());
        forms
    }
}

impl Deref for Sought {
    type Target = [Watched];

    fn deref(&self) -> &[Watched] {
        &self.all
    }
}

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
    /// A label with a name that no older server can be asked about is left out with its service's other labels: the
    /// service is then found by its name alone.
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
