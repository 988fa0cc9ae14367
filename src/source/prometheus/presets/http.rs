//! Presets for applications that time the requests they answer.

use super::{
    BUCKETS, FAILING, Naming, Number, Preset, failed, native_failed, native_p95, native_rate,
    number, p95, rate,
};
use crate::model::{Role, Weight};

const fn errors(series: &'static str, with: &'static str, query: &'static str) -> Number {
    number("errors", Role::Errors, "ratio", series, query).with(with).judged(
        FAILING,
        "",
        Weight::Important,
    )
}

const fn slow(series: &'static str, unit: &'static str, query: &'static str) -> Number {
    number("p95", Role::Latency, unit, series, query).with(BUCKETS)
}

const fn traffic(series: &'static str, query: &'static str) -> Number {
    number("requests", Role::Traffic, "per-second", series, query)
}

/// Histogram `http.server.request.duration` in seconds with the attribute `http.response.status_code`
/// (opentelemetry.io/docs/specs/semconv/http/http-metrics), dots turned to `_` and the unit appended on the way to
/// Prometheus (`opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics`).
pub const OPEN_TELEMETRY: Preset = Preset {
    name: "OpenTelemetry",
    labels: Naming::Usual,
    numbers: &[
        traffic(
            "http_server_request_duration_seconds_count",
            rate!("http_server_request_duration_seconds_count"),
        ),
        errors(
            "http_server_request_duration_seconds_count",
            "http_response_status_code!=\"\"",
            failed!("http_server_request_duration_seconds_count", "http_response_status_code"),
        ),
        slow(
            "http_server_request_duration_seconds_bucket",
            "s",
            p95!(
                "http_server_request_duration_seconds_bucket",
                "http_response_status_code!~\"5..\""
            ),
        ),
        number(
            "in flight",
            Role::Saturation,
            "count",
            "http_server_active_requests",
            "sum $by (http_server_active_requests{$s})",
        ),
    ],
};

/// The same with its dots kept: Prometheus 3 takes UTF-8 names, and asks for quotes around them
/// (prometheus.io/docs/guides/utf8). A name is matched as a label here, which older servers can read too. Where there
/// are buckets they are asked, else the histogram that is one series.
macro_rules! dotted {
    ($name:literal) => {
        Preset {
            name: "OpenTelemetry",
            labels: Naming::Usual,
            numbers: &[
                traffic(
                    concat!($name, "_count"),
                    concat!("sum $by (rate({__name__=\"", $name, "_count\",$s}[5m]))"),
                ),
                errors(
                    concat!($name, "_count"),
                    "",
                    concat!(
                        "(sum $by (rate({__name__=\"",
                        $name,
                        "_count\",$s,\"http.response.status_code\"=~\"5..\"}[5m])) or sum $by (rate({__name__=\"",
                        $name,
                        "_count\",$s}[5m])) * 0) / sum $by (rate({__name__=\"",
                        $name,
                        "_count\",$s}[5m]))"
                    ),
                ),
                slow(
                    concat!($name, "_bucket"),
                    "s",
                    concat!(
                        "histogram_quantile(0.95, sum $le (rate({__name__=\"",
                        $name,
                        "_bucket\",$s,\"http.response.status_code\"!~\"5..\"}[5m])))"
                    ),
                ),
                traffic(
                    $name,
                    concat!("histogram_count(sum $by (rate({__name__=\"", $name, "\",$s}[5m])))"),
                )
                .with(WHOLE),
                errors(
                    $name,
                    WHOLE,
                    concat!(
                        "(histogram_count(sum $by (rate({__name__=\"",
                        $name,
                        "\",$s,\"http.response.status_code\"=~\"5..\"}[5m]))) or histogram_count(sum $by (rate({__name__=\"",
                        $name,
                        "\",$s}[5m]))) * 0) / histogram_count(sum $by (rate({__name__=\"",
                        $name,
                        "\",$s}[5m])))"
                    ),
                ),
                slow(
                    $name,
                    "s",
                    concat!(
                        "histogram_quantile(0.95, sum $by (rate({__name__=\"",
                        $name,
                        "\",$s,\"http.response.status_code\"!~\"5..\"}[5m])))"
                    ),
                )
                .with(WHOLE),
            ],
        }
    };
}

/// As OTLP is taken with `translation_strategy: NoTranslation`.
pub const OPEN_TELEMETRY_DOTTED: Preset = dotted!("http.server.request.duration");
/// With `NoUTF8EscapingWithSuffixes`, which keeps the dots and appends the unit.
pub const OPEN_TELEMETRY_DOTTED_UNIT: Preset = dotted!("http.server.request.duration_seconds");

/// Before the conventions were stable: `http.server.duration` in milliseconds with `http.status_code`
/// (opentelemetry.io/docs/specs/semconv/http/http-metrics, its note on versions up to 1.20).
pub const OPEN_TELEMETRY_OLD: Preset = Preset {
    name: "OpenTelemetry",
    labels: Naming::Usual,
    numbers: &[
        traffic(
            "http_server_duration_milliseconds_count",
            rate!("http_server_duration_milliseconds_count"),
        ),
        errors(
            "http_server_duration_milliseconds_count",
            "http_status_code!=\"\"",
            failed!("http_server_duration_milliseconds_count", "http_status_code"),
        ),
        slow(
            "http_server_duration_milliseconds_bucket",
            "ms",
            p95!("http_server_duration_milliseconds_bucket", "http_status_code!~\"5..\""),
        ),
    ],
};

/// Timer `http.server.requests` with `status` and `outcome`; buckets only where a histogram was asked for, so that the
/// mean stands in (docs.spring.io/spring-boot/reference/actuator/metrics.html; Quarkus tells the same series).
pub const MICROMETER: Preset = Preset {
    name: "Micrometer",
    labels: Naming::Usual,
    numbers: &[
        traffic("http_server_requests_seconds_count", rate!("http_server_requests_seconds_count")),
        errors(
            "http_server_requests_seconds_count",
            "status!=\"\"",
            failed!("http_server_requests_seconds_count", "status"),
        ),
        slow(
            "http_server_requests_seconds_bucket",
            "s",
            p95!("http_server_requests_seconds_bucket", "status!~\"5..\""),
        ),
        number(
            "mean",
            Role::Latency,
            "s",
            "http_server_requests_seconds_count",
            "sum $by (rate(http_server_requests_seconds_sum{$s,status!~\"5..\"}[5m])) / sum $by (rate(http_server_requests_seconds_count{$s,status!~\"5..\"}[5m]))",
        ),
        number(
            "heap",
            Role::Saturation,
            "ratio",
            "jvm_memory_max_bytes",
            "sum $by (jvm_memory_used_bytes{$s,area=\"heap\"}) / sum $by (jvm_memory_max_bytes{$s,area=\"heap\"} > 0)",
        )
        .with("area=\"heap\""),
        number(
            "cpu",
            Role::Saturation,
            "ratio",
            "process_cpu_usage",
            "max $by (process_cpu_usage{$s})",
        ),
        number(
            "connections",
            Role::Saturation,
            "ratio",
            "hikaricp_connections_max",
            "max $by (hikaricp_connections_active{$s} / hikaricp_connections_max{$s})",
        ),
    ],
};

/// The names that the client libraries' own guides and handlers use: a counter and a histogram, with the status as
/// `code` (`client_golang`'s promhttp), `status` (Python's instrumentators) or `status_code` (Node's)
/// (prometheus.io/docs/practices/naming; `prometheus/client_golang` `prometheus/promhttp/instrument_server.go`).
pub const CLIENTS: Preset = Preset {
    name: "Prometheus client",
    labels: Naming::Usual,
    numbers: &[
        traffic("http_requests_total", rate!("http_requests_total")),
        traffic(
            "http_request_duration_seconds_count",
            rate!("http_request_duration_seconds_count"),
        ),
        errors("http_requests_total", "code!=\"\"", failed!("http_requests_total", "code")),
        errors("http_requests_total", "status!=\"\"", failed!("http_requests_total", "status")),
        errors(
            "http_requests_total",
            "status_code!=\"\"",
            failed!("http_requests_total", "status_code"),
        ),
        errors(
            "http_request_duration_seconds_count",
            "code!=\"\"",
            failed!("http_request_duration_seconds_count", "code"),
        ),
        errors(
            "http_request_duration_seconds_count",
            "status!=\"\"",
            failed!("http_request_duration_seconds_count", "status"),
        ),
        errors(
            "http_request_duration_seconds_count",
            "status_code!=\"\"",
            failed!("http_request_duration_seconds_count", "status_code"),
        ),
        slow(
            "http_request_duration_seconds_bucket",
            "s",
            p95!(
                "http_request_duration_seconds_bucket",
                "code!~\"5..\",status!~\"5..\",status_code!~\"5..\""
            ),
        ),
    ],
};

/// Histograms without classic buckets: one series holds all of it, under the name without a suffix. A summary's
/// quantiles have the same name, so that only series without that label count
/// (`prometheus.io/docs/specs/native_histograms`). They stand last: where there are buckets too, those are asked.
pub const OPEN_TELEMETRY_NATIVE: Preset = Preset {
    name: "OpenTelemetry",
    labels: Naming::Usual,
    numbers: &[
        traffic(
            "http_server_request_duration_seconds",
            native_rate!("http_server_request_duration_seconds{$s}"),
        )
        .with(WHOLE),
        errors(
            "http_server_request_duration_seconds",
            WHOLE,
            native_failed!("http_server_request_duration_seconds{$s,http_response_status_code"),
        ),
        slow(
            "http_server_request_duration_seconds",
            "s",
            native_p95!(
                "http_server_request_duration_seconds{$s,http_response_status_code!~\"5..\"}"
            ),
        )
        .with(WHOLE),
    ],
};

/// The same of the client libraries, with the status as `client_golang` names it, which tells native ones.
pub const CLIENTS_NATIVE: Preset = Preset {
    name: "Prometheus client",
    labels: Naming::Usual,
    numbers: &[
        traffic(
            "http_request_duration_seconds",
            native_rate!("http_request_duration_seconds{$s}"),
        )
        .with(WHOLE),
        errors(
            "http_request_duration_seconds",
            "quantile=\"\",code!=\"\"",
            native_failed!("http_request_duration_seconds{$s,code"),
        ),
        slow(
            "http_request_duration_seconds",
            "s",
            native_p95!(
                "http_request_duration_seconds{$s,code!~\"5..\",status!~\"5..\",status_code!~\"5..\"}"
            ),
        )
        .with(WHOLE),
    ],
};

/// No quantile of a summary.
const WHOLE: &str = "quantile=\"\"";
