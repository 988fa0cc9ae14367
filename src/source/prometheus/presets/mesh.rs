//! Presets for what stands in front of applications: meshes, proxies, ingresses.

use super::{BUCKETS, FAILING, Naming, Preset, failed, number, p95, rate};
use crate::model::{Role, Weight};

/// `istio_requests_total` and `istio_request_duration_milliseconds`, told by the proxies of both ends; the receiving
/// end is `reporter="destination"` (istio.io/latest/docs/reference/config/metrics). Labels of the target name the proxy.
pub const ISTIO: Preset = Preset {
    name: "Istio",
    labels: Naming::Told(&[
        "destination_service_name",
        "destination_canonical_service",
        "destination_app",
        "destination_workload",
    ]),
    numbers: &[
        number(
            "requests",
            Role::Traffic,
            "per-second",
            "istio_requests_total",
            rate!("istio_requests_total", "reporter=\"destination\""),
        )
        .with("reporter=\"destination\""),
        number(
            "errors",
            Role::Errors,
            "ratio",
            "istio_requests_total",
            failed!(
                "istio_requests_total",
                "response_code",
                "=~\"5..\"",
                "reporter=\"destination\","
            ),
        )
        .with("reporter=\"destination\"")
        .judged(FAILING, "", Weight::Important),
        number(
            "p95",
            Role::Latency,
            "ms",
            "istio_request_duration_milliseconds_bucket",
            p95!(
                "istio_request_duration_milliseconds_bucket",
                "reporter=\"destination\",response_code!~\"5..\""
            ),
        )
        .with("reporter=\"destination\""),
    ],
};

/// `nginx_ingress_controller_requests` with `status` and `nginx_ingress_controller_request_duration_seconds`
/// (kubernetes.github.io/ingress-nginx/user-guide/monitoring). A scrape that sets a `service` of its own moves the one
/// meant to `exported_service`.
pub const INGRESS_NGINX: Preset = Preset {
    name: "ingress-nginx",
    labels: Naming::Told(&["exported_service", "service", "ingress"]),
    numbers: &[
        number(
            "requests",
            Role::Traffic,
            "per-second",
            "nginx_ingress_controller_requests",
            rate!("nginx_ingress_controller_requests"),
        ),
        number(
            "errors",
            Role::Errors,
            "ratio",
            "nginx_ingress_controller_requests",
            failed!("nginx_ingress_controller_requests", "status"),
        )
        .judged(FAILING, "", Weight::Important),
        number(
            "p95",
            Role::Latency,
            "s",
            "nginx_ingress_controller_request_duration_seconds_bucket",
            p95!("nginx_ingress_controller_request_duration_seconds_bucket", "status!~\"5..\""),
        )
        .with(BUCKETS),
    ],
};

/// A cluster of Envoy's: `upstream_rq_total`, `upstream_rq_xx`, `upstream_rq_time` in milliseconds, what waits, and
/// `membership_healthy` of `membership_total`
/// (`envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats`).
pub const ENVOY: Preset = Preset {
    name: "Envoy",
    labels: Naming::Told(&["envoy_cluster_name"]),
    numbers: &[
        number(
            "requests",
            Role::Traffic,
            "per-second",
            "envoy_cluster_upstream_rq_total",
            rate!("envoy_cluster_upstream_rq_total"),
        ),
        number(
            "errors",
            Role::Errors,
            "ratio",
            "envoy_cluster_upstream_rq_xx",
            failed!("envoy_cluster_upstream_rq_xx", "envoy_response_code_class", "=\"5\"", ""),
        )
        .judged(FAILING, "", Weight::Important),
        number(
            "p95",
            Role::Latency,
            "ms",
            "envoy_cluster_upstream_rq_time_bucket",
            "histogram_quantile(0.95, sum $le (rate(envoy_cluster_upstream_rq_time_bucket{$s}[5m])))",
        )
        .with(BUCKETS),
        number(
            "waiting requests",
            Role::Saturation,
            "count",
            "envoy_cluster_upstream_rq_pending_active",
            "sum $by (envoy_cluster_upstream_rq_pending_active{$s})",
        ),
        number(
            "healthy hosts",
            Role::Availability,
            "ratio",
            "envoy_cluster_membership_healthy",
            "min $by (envoy_cluster_membership_healthy{$s} / envoy_cluster_membership_total{$s})",
        )
        .share_of("max $by (envoy_cluster_membership_total{$s})", "hosts healthy")
        .judged(">= 1", "<= 0", Weight::Important),
    ],
};

/// nginx-prometheus-exporter on `stub_status`: `nginx_up`, `nginx_http_requests_total`, `nginx_connections_active`
/// (nginx/nginx-prometheus-exporter README, "Exported Metrics"). It tells no status and no durations.
pub const NGINX: Preset = Preset {
    name: "nginx-prometheus-exporter",
    labels: Naming::Usual,
    numbers: &[
        number(
            "nginx up",
            Role::Availability,
            "ratio",
            "nginx_up",
            "sum $by (nginx_up{$s}) / count $by (nginx_up{$s})",
        )
        .share_of("count $by (nginx_up{$s})", "servers answer")
        .judged(">= 1", "<= 0", Weight::Critical),
        number(
            "requests",
            Role::Traffic,
            "per-second",
            "nginx_http_requests_total",
            rate!("nginx_http_requests_total"),
        ),
        number(
            "connections",
            Role::Saturation,
            "count",
            "nginx_connections_active",
            "sum $by (nginx_connections_active{$s})",
        ),
    ],
};
