//! The team as configured: its services, their metrics, and when nobody should deploy.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    Bound, Calendar, ChangeSource, Clean, Labels, Link, MetricId, Name, Review, Role, SourceName,
    Unit, Weight,
};

#[derive(Debug, Clone)]
pub struct Team {
    pub name: Clean,
    /// The zone times are shown in.
    pub zone: TimeZone,
    /// In promotion order; the last is the one that counts.
    pub environments: Vec<Clean>,
    pub services: Vec<Service>,
    /// Numbers of the whole team.
    pub metrics: Vec<Metric>,
    pub freezes: Vec<Freeze>,
    /// Sources that tell when deploys should wait: while one of them is silent, nobody can say that they need not.
    pub freeze_sources: Vec<SourceName>,
    /// Sources that tell of changes, and of whose.
    pub change_sources: Vec<ChangeSource>,
    /// Releases planned by the configuration itself.
    pub plans: Vec<Plan>,
    /// Monday unless the configuration says Sunday.
    pub week_starts_sunday: bool,
    /// How it wants its post-mortems.
    pub review: Review,
}

/// A team of nobody, in UTC.
impl Default for Team {
    fn default() -> Self {
        Self {
            name: Clean::default(),
            zone: TimeZone::UTC,
            environments: Vec::new(),
            services: Vec::new(),
            metrics: Vec::new(),
            freezes: Vec::new(),
            freeze_sources: Vec::new(),
            change_sources: Vec::new(),
            plans: Vec::new(),
            week_starts_sunday: false,
            review: Review::default(),
        }
    }
}

impl Team {
    pub fn service(&self, name: &Name) -> Option<&Service> {
        self.services.iter().find(|s| s.name == *name)
    }

    /// The environment that counts.
    pub fn production(&self) -> Option<&Clean> {
        self.environments.last()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: Name,
    pub owner: Clean,
    pub depends_on: Vec<Name>,
    /// The services it is made of: how it is follows from how they are.
    pub members: Vec<Name>,
    pub repo: Clean,
    pub runbook: Option<Link>,
    pub chat: Clean,
    pub matching: Matching,
    pub metrics: Vec<Metric>,
    pub slos: Vec<Slo>,
    /// Whether numbers that nobody configured are looked for and shown.
    pub finds: bool,
}

/// Nobody's service; numbers are looked for unless a configuration says no.
impl Default for Service {
    fn default() -> Self {
        Self {
            name: Name::default(),
            owner: Clean::default(),
            depends_on: Vec::new(),
            members: Vec::new(),
            repo: Clean::default(),
            runbook: None,
            chat: Clean::default(),
            matching: Matching::default(),
            metrics: Vec::new(),
            slos: Vec::new(),
            finds: true,
        }
    }
}

/// How facts find their service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matching {
    /// All of these labels must agree. Empty: its name in one of `USUAL`.
    pub labels: BTreeMap<Clean, Clean>,
    /// A `PagerDuty` service id.
    pub pagerduty: Box<str>,
    /// The GitHub environment that is this service, for repositories with several.
    pub github_environment: Clean,
    /// The Argo CD application that is this service; empty: the one of its name.
    pub argocd: Clean,
    /// The key of the Jira project whose versions are this service's releases.
    pub jira: Clean,
}

/// Labels whose value is the name of a service, as its numbers and its alerts have them; the first that is one decides.
pub const USUAL: &[&str] =
    &["service", "service_name", "app_kubernetes_io_name", "app", "application", "job"];

/// The names that labels may say a service by, the likeliest first. OpenTelemetry's job is `namespace/name`.
pub fn said(labels: &Labels) -> impl Iterator<Item = &str> {
    let value =
        |label: &&'static str| labels.get(&Clean::from(*label)).map(|value| (*label, value));
    USUAL.iter().filter_map(value).flat_map(|(label, value)| {
        let whole = value.as_str();
        let last = whole.rsplit_once('/').filter(|_| label == "job").map(|(_, name)| name);
        std::iter::once(whole).chain(last)
    })
}

impl Service {
    /// The application that is this service, where applications are deployed.
    pub fn app(&self) -> &Clean {
        match &self.matching.argocd {
            app if app.is_empty() => self.name.clean(),
            app => app,
        }
    }

    /// Whether labels name this service. Without configured labels, its name in one of the usual ones does.
    pub fn owns_labels(&self, labels: &Labels) -> bool {
        if self.matching.labels.is_empty() {
            return said(labels).any(|name| name == self.name.as_str());
        }
        self.matching.labels.iter().all(|(k, v)| labels.get(k) == Some(v))
    }
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Metric {
    pub id: MetricId,
    pub source: SourceName,
    /// In the source's own language: `PromQL`, or a JSON metric's name.
    pub query: Box<str>,
    pub unit: Unit,
    pub role: Role,
    pub good: Option<Bound>,
    pub bad: Option<Bound>,
    pub weight: Weight,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    pub name: Name,
    /// In percent, e.g. 99.9.
    pub objective: f64,
    pub window: SignedDuration,
    pub source: SourceName,
    pub bad: Box<str>,
    pub total: Box<str>,
}

/// When deploys should wait.
#[derive(Debug, Clone)]
pub struct Freeze {
    pub name: Clean,
    pub rule: FreezeRule,
    /// `None` covers every service.
    pub services: Option<Vec<Name>>,
    pub how_to_override: Clean,
}

#[derive(Debug, Clone)]
pub enum FreezeRule {
    Once {
        from: Timestamp,
        until: Timestamp,
    },
    /// Frozen while the last start fired after the last end.
    Cron {
        start: Box<croner::Cron>,
        end: Box<croner::Cron>,
        zone: TimeZone,
    },
}

/// Releases the team means to make, as a rule.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: Clean,
    pub rule: PlanRule,
    /// `None` is for every service.
    pub services: Option<Vec<Name>>,
}

#[derive(Debug, Clone)]
pub enum PlanRule {
    Cron {
        pattern: Box<croner::Cron>,
        zone: TimeZone,
        lasts: SignedDuration,
    },
    /// One moment, or a recurrence rule from a moment on: a calendar of one event.
    Calendar(Arc<Calendar>),
}
