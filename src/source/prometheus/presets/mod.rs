//! What common exporters and frameworks tell, as one table: the series, what to ask of them, and what the answer means.

mod http;
mod machine;
mod mesh;
mod presence;

use crate::model::{Role, Weight};

/// An exporter or framework whose series are known.
pub struct Preset {
    /// As its makers write it; said with every number found through it.
    pub name: &'static str,
    pub labels: Naming,
    pub numbers: &'static [Number],
}

/// Which labels say whose a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The target's own: any of `USUAL`, or those a service configured.
    Usual,
    /// The series tell of somebody other than their target; these labels name him, the best first.
    Told(&'static [&'static str]),
}

/// Labels of a target that commonly carry the name of its service, the best first.
///
/// `service` is andon's own convention and what the Prometheus Operator sets from the Kubernetes service;
/// `service_name` is OpenTelemetry's `service.name` where it is promoted; `app_kubernetes_io_name` and `app` are
/// Kubernetes' recommended and customary labels; `application` is Spring Boot's; `job` is in every scraped series, and
/// OpenTelemetry's `service.namespace/service.name`
/// (`opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics`).
pub use crate::model::USUAL;

/// One number: which series must exist, and the question.
pub struct Number {
    pub name: &'static str,
    pub role: Role,
    /// As in the configuration.
    pub unit: &'static str,
    /// The series whose existence says that the question has an answer.
    pub series: &'static str,
    /// A matcher that some of the series must meet, such as `le="+Inf"` or `code!=""`; empty for none.
    pub with: &'static str,
    /// `PromQL` in which `$s` is the selector of one or many services, `$by` the labels they are told apart by, and
    /// `$le` the same with `le`.
    pub query: &'static str,
    /// What a share is a share of: the question for the whole, and its word (`targets up`).
    pub of: Option<(&'static str, &'static str)>,
    pub good: &'static str,
    pub bad: &'static str,
    pub weight: Weight,
}

impl Number {
    /// Whether a service has one of its role, whoever tells it.
    pub fn is_single(&self) -> bool {
        matches!(self.role, Role::Latency | Role::Errors | Role::Traffic)
    }
}

/// A number that nobody judges: what good looks like is each team's own.
const fn number(
    name: &'static str,
    role: Role,
    unit: &'static str,
    series: &'static str,
    query: &'static str,
) -> Number {
    Number {
        name,
        role,
        unit,
        series,
        with: "",
        query,
        of: None,
        good: "",
        bad: "",
        weight: Weight::Important,
    }
}

impl Number {
    const fn with(self, with: &'static str) -> Self {
        Self { with, ..self }
    }

    const fn judged(self, good: &'static str, bad: &'static str, weight: Weight) -> Self {
        Self { good, bad, weight, ..self }
    }

    const fn share_of(self, whole: &'static str, word: &'static str) -> Self {
        Self { of: Some((whole, word)), ..self }
    }
}

/// Every preset. A service takes each of rate, errors and latency from the first that tells it, and of the other roles
/// each name once: applications before what stands in front of them.
pub const PRESETS: &[&Preset] = &[
    &presence::UP,
    &presence::BLACKBOX,
    &presence::DEPLOYMENTS,
    &presence::STATEFULSETS,
    &presence::DAEMONSETS,
    &presence::CONTAINERS,
    &http::OPEN_TELEMETRY,
    &http::OPEN_TELEMETRY_DOTTED,
    &http::OPEN_TELEMETRY_DOTTED_UNIT,
    &http::OPEN_TELEMETRY_OLD,
    &http::MICROMETER,
    &http::CLIENTS,
    &http::OPEN_TELEMETRY_NATIVE,
    &http::CLIENTS_NATIVE,
    &mesh::ISTIO,
    &mesh::INGRESS_NGINX,
    &mesh::ENVOY,
    &mesh::NGINX,
    &presence::PROBED,
    &machine::PROCESS,
    &machine::NODE,
];

/// Every number with its preset, in the table's order: their places are how a plan refers to them.
pub fn all() -> impl Iterator<Item = (&'static Preset, &'static Number)> {
    PRESETS.iter().flat_map(|preset| preset.numbers.iter().map(|number| (*preset, number)))
}

/// A preset in words, for the README: entries of one name together.
#[derive(Debug, Default)]
pub struct Known {
    pub name: &'static str,
    pub labels: Vec<&'static str>,
    /// `errors (good < 0.05)`.
    pub numbers: Vec<String>,
}

/// All presets in words, in the table's order.
pub fn known() -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    for preset in PRESETS {
        if known.iter().all(|one| one.name != preset.name) {
            known.push(Known { name: preset.name, ..Known::default() });
        }
        let Some(one) = known.iter_mut().find(|one| one.name == preset.name) else { continue };
        let labels = match preset.labels {
            Naming::Usual => &[][..],
            Naming::Told(labels) => labels,
        };
        one.labels.extend(labels);
        for number in preset.numbers {
            let said = |word: &str, bound: &str| match bound {
                "" => None,
                bound => Some(format!("{word} {bound}")),
            };
            let bounds = said("good", number.good).into_iter().chain(said("bad", number.bad));
            let bounds: Vec<String> = bounds.collect();
            let words = match bounds.as_slice() {
                [] => number.name.to_owned(),
                bounds => format!("{} ({})", number.name, bounds.join(", ")),
            };
            if !one.numbers.contains(&words) {
                one.numbers.push(words);
            }
        }
    }
    known
}

/// Requests each second.
macro_rules! rate {
    ($count:literal) => {
        concat!("sum $by (rate(", $count, "{$s}[5m]))")
    };
    ($count:literal, $only:literal) => {
        concat!("sum $by (rate(", $count, "{$s,", $only, "}[5m]))")
    };
}

/// The share of requests that the server failed, of those whose status is known. While there is traffic and nothing
/// fails this is 0 and not empty, and without traffic it is 0/0.
macro_rules! failed {
    ($count:literal, $status:literal) => {
        $crate::source::prometheus::presets::failed!($count, $status, "=~\"5..\"", "")
    };
    ($count:literal, $status:literal, $bad:literal, $only:literal) => {
        concat!(
            "(sum $by (rate(",
            $count,
            "{$s,",
            $only,
            $status,
            $bad,
            "}[5m]))",
            " or sum $by (rate(",
            $count,
            "{$s,",
            $only,
            $status,
            "!=\"\"}[5m])) * 0)",
            " / sum $by (rate(",
            $count,
            "{$s,",
            $only,
            $status,
            "!=\"\"}[5m]))"
        )
    };
}

/// The 95th percentile of a classic histogram, of what the server did not fail: failures are often quick, and would
/// make an outage look fast.
macro_rules! p95 {
    ($bucket:literal, $only:literal) => {
        concat!("histogram_quantile(0.95, sum $le (rate(", $bucket, "{$s,", $only, "}[5m])))")
    };
}

/// Requests each second, of histograms that are one series.
macro_rules! native_rate {
    ($selector:literal) => {
        concat!("histogram_count(sum $by (rate(", $selector, "[5m])))")
    };
}

/// The share that failed, of histograms that are one series; the selector lacks what its last label must be.
macro_rules! native_failed {
    ($begun:literal) => {
        concat!(
            "(histogram_count(sum $by (rate(",
            $begun,
            "=~\"5..\"}[5m]))) or histogram_count(sum $by (rate(",
            $begun,
            "!=\"\"}[5m]))) * 0) / histogram_count(sum $by (rate(",
            $begun,
            "!=\"\"}[5m])))"
        )
    };
}

/// The 95th percentile of what did not fail, of histograms that are one series.
macro_rules! native_p95 {
    ($selector:literal) => {
        concat!("histogram_quantile(0.95, sum $by (rate(", $selector, "[5m])))")
    };
}

use {failed, native_failed, native_p95, native_rate, p95, rate};

/// Beyond this share of failed requests a service is degraded; nothing below is anybody's business but the team's.
const FAILING: &str = "< 0.05";
/// A histogram has its buckets.
const BUCKETS: &str = "le=\"+Inf\"";
