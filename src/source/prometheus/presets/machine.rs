//! Presets for how full a process or a machine is.

use super::{Naming, Preset, number};
use crate::model::Role;

/// What every official client library tells of its process (`prometheus.io/docs/instrumenting/writing_clientlibs`,
/// "Process metrics"), and what says most of its runtime: Go's goroutines, and how late Node's event loop is
/// (siimon/prom-client lib/metrics/eventLoopLag.js). Of several processes the fullest one.
pub const PROCESS: Preset = Preset {
    name: "Prometheus client",
    labels: Naming::Usual,
    numbers: &[
        number(
            "cpu",
            Role::Saturation,
            "cores",
            "process_cpu_seconds_total",
            "max $by (rate(process_cpu_seconds_total{$s}[5m]))",
        ),
        number(
            "memory",
            Role::Saturation,
            "bytes",
            "process_resident_memory_bytes",
            "max $by (process_resident_memory_bytes{$s})",
        ),
        number(
            "open files",
            Role::Saturation,
            "ratio",
            "process_max_fds",
            "max $by (process_open_fds{$s} / process_max_fds{$s})",
        ),
        number(
            "goroutines",
            Role::Saturation,
            "count",
            "go_goroutines",
            "max $by (go_goroutines{$s})",
        ),
        number(
            "event loop p99",
            Role::Saturation,
            "s",
            "nodejs_eventloop_lag_p99_seconds",
            "max $by (nodejs_eventloop_lag_p99_seconds{$s})",
        ),
    ],
};

/// Utilisation of CPU, memory and the fullest file system, and the load each core carries: collectors cpu, meminfo,
/// filesystem and loadavg (`prometheus/node_exporter` README, "Enabled by default"). Of several machines the fullest one.
pub const NODE: Preset = Preset {
    name: "node_exporter",
    labels: Naming::Usual,
    numbers: &[
        number(
            "node cpu",
            Role::Saturation,
            "ratio",
            "node_cpu_seconds_total",
            "1 - avg $by (rate(node_cpu_seconds_total{$s,mode=\"idle\"}[5m]))",
        )
        .with("mode=\"idle\""),
        number(
            "node memory",
            Role::Saturation,
            "ratio",
            "node_memory_MemAvailable_bytes",
            "max $by (1 - node_memory_MemAvailable_bytes{$s} / node_memory_MemTotal_bytes{$s})",
        ),
        number(
            "node disk",
            Role::Saturation,
            "ratio",
            "node_filesystem_avail_bytes",
            "max $by (1 - node_filesystem_avail_bytes{$s,fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660|nsfs\"} / node_filesystem_size_bytes{$s,fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660|nsfs\"})",
        )
        .with("fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660|nsfs\""),
        number(
            "load per core",
            Role::Saturation,
            "",
            "node_load1",
            "sum $by (node_load1{$s}) / count $by (node_cpu_seconds_total{$s,mode=\"idle\"})",
        ),
    ],
};
