//! Presets for whether something is there: scrape targets, probes, replicas.

use super::{Naming, Number, Preset, number};
use crate::model::{Role, Weight};

const ALL: &str = ">= 1";
const NONE: &str = "<= 0";

/// `up` is 1 for a target that was scraped and 0 for one that could not be
/// (`prometheus.io/docs/concepts/jobs_instances`).
pub const UP: Preset = Preset {
    name: "Prometheus",
    labels: Naming::Usual,
    numbers: &[number(
        "targets up",
        Role::Availability,
        "ratio",
        "up",
        "sum $by (up{$s}) / count $by (up{$s})",
    )
    .share_of("count $by (up{$s})", "targets up")
    .judged(ALL, NONE, Weight::Critical)],
};

/// `probe_success`, `probe_duration_seconds` (`prometheus/blackbox_exporter` prober/handler.go) and
/// `probe_ssl_earliest_cert_expiry`, a moment in Unix seconds (prober/http.go, prober/tcp.go).
pub const BLACKBOX: Preset = Preset {
    name: "blackbox_exporter",
    labels: Naming::Usual,
    numbers: &[
        number(
            "probes",
            Role::Availability,
            "ratio",
            "probe_success",
            "sum $by (probe_success{$s}) / count $by (probe_success{$s})",
        )
        .share_of("count $by (probe_success{$s})", "probes succeed")
        .judged(ALL, NONE, Weight::Critical),
        number(
            "certificate",
            Role::Availability,
            "days",
            "probe_ssl_earliest_cert_expiry",
            "(min $by (probe_ssl_earliest_cert_expiry{$s}) - time()) / 86400",
        )
        .judged("> 14", "<= 0", Weight::Important),
    ],
};

/// How long a probe took, for services that tell no durations themselves.
pub const PROBED: Preset = Preset {
    name: "blackbox_exporter",
    labels: Naming::Usual,
    numbers: &[number(
        "probe",
        Role::Latency,
        "s",
        "probe_duration_seconds",
        "max $by (probe_duration_seconds{$s})",
    )],
};

/// Replicas by what the cluster wants and has. The series tell of a workload and are scraped from kube-state-metrics,
/// so that labels of the target name the wrong one
/// (kubernetes/kube-state-metrics docs/metrics/workload/deployment-metrics.md).
pub const DEPLOYMENTS: Preset = Preset {
    name: "kube-state-metrics",
    labels: Naming::Told(&["deployment"]),
    numbers: &[replicas(
        "kube_deployment_status_replicas_available",
        "sum $by (kube_deployment_status_replicas_available{$s}) / sum $by (kube_deployment_spec_replicas{$s})",
        "sum $by (kube_deployment_spec_replicas{$s})",
    )],
};

/// docs/metrics/workload/statefulset-metrics.md of kube-state-metrics.
pub const STATEFULSETS: Preset = Preset {
    name: "kube-state-metrics",
    labels: Naming::Told(&["statefulset"]),
    numbers: &[replicas(
        "kube_statefulset_status_replicas_ready",
        "sum $by (kube_statefulset_status_replicas_ready{$s}) / sum $by (kube_statefulset_replicas{$s})",
        "sum $by (kube_statefulset_replicas{$s})",
    )],
};

/// docs/metrics/workload/daemonset-metrics.md of kube-state-metrics.
pub const DAEMONSETS: Preset = Preset {
    name: "kube-state-metrics",
    labels: Naming::Told(&["daemonset"]),
    numbers: &[replicas(
        "kube_daemonset_status_number_available",
        "sum $by (kube_daemonset_status_number_available{$s}) / sum $by (kube_daemonset_status_desired_number_scheduled{$s})",
        "sum $by (kube_daemonset_status_desired_number_scheduled{$s})",
    )],
};

/// docs/metrics/workload/pod-metrics.md of kube-state-metrics: a container is commonly called as its service.
pub const CONTAINERS: Preset = Preset {
    name: "kube-state-metrics",
    labels: Naming::Told(&["container"]),
    numbers: &[number(
        "restarts in 1 h",
        Role::Availability,
        "count",
        "kube_pod_container_status_restarts_total",
        "sum $by (increase(kube_pod_container_status_restarts_total{$s}[1h]))",
    )],
};

const fn replicas(series: &'static str, query: &'static str, whole: &'static str) -> Number {
    number("replicas", Role::Availability, "ratio", series, query)
        .share_of(whole, "replicas available")
        .judged(ALL, NONE, Weight::Critical)
}
