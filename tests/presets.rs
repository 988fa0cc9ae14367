//! Numbers that nobody configured: every preset against a real Prometheus, with answers worked out by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints let tests do so, but not what tests call"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/poll.rs"]
mod poll;
#[allow(dead_code, reason = "the tests of the world use the rest")]
#[path = "world/servers.rs"]
mod servers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use andon::config::{Config, load_text};
use andon::engine::{from_clock, poll_once};
use andon::insight::{discovered, numbers, survey};
use andon::model::{Board, Health, Measure, MetricId, Name, SourceName, Team};
use jiff::Timestamp;

use servers::{SCRAPES_NOTHING, Server, backfill, free_port, prometheus, tool, until};

/// Seconds between two samples, and how far they reach back and ahead of now.
const STEP: i64 = 15;
const BACK: i64 = 1_800;
const AHEAD: i64 = 900;

/// What a store holds: each series with what it grows by every 15 s, or its steady value.
#[derive(Default)]
struct History {
    text: String,
}

impl History {
    fn add(&mut self, series: &str, value: impl Fn(f64) -> f64) -> &mut Self {
        let now = from_clock().as_second() / STEP * STEP;
        for (n, at) in (now - BACK..now + AHEAD).step_by(STEP as usize).enumerate() {
            let _ = writeln!(self.text, "{series} {} {at}", value(n as f64));
        }
        self
    }

    fn grows(&mut self, series: &str, by: f64) -> &mut Self {
        self.add(series, |n| n * by)
    }

    fn is(&mut self, series: &str, value: f64) -> &mut Self {
        self.add(series, |_| value)
    }

    /// A Prometheus that holds this and scrapes nothing.
    fn served(&self, lab: &Path) -> Option<Server> {
        backfill(lab, &format!("{}# EOF\n", self.text))?;
        prometheus(lab, free_port(), SCRAPES_NOTHING, &[])
    }
}

struct Told {
    team: Team,
    board: Board,
    now: Timestamp,
}

/// Asks a store once for these services.
fn told(lab: &Path, server: &Server, options: &str, services: &str) -> Told {
    let source = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\n{options}\n",
        server.url("")
    );
    let Config { team, upstreams, .. } =
        load_text(&format!("{source}{services}"), lab, &[]).unwrap_or_else(|p| panic!("{p}"));
    let mut board = Board::default();
    for heard in poll_once(upstreams, Duration::from_secs(30)) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap_or_else(|t| panic!("{t}")));
    }
    Told { team, board, now: from_clock() }
}

fn services(names: &[&str]) -> String {
    let blocks: Vec<String> =
        names.iter().map(|name| format!("[[service]]\nname = \"{name}\"\n")).collect();
    blocks.concat()
}

impl Told {
    /// What a service shows, by name: the number and what is said beside it.
    fn numbers(&self, service: &str) -> BTreeMap<String, (Measure, String)> {
        let service = self.team.service(&Name::new(service)).unwrap();
        numbers(&self.board, service)
            .map(|metric| {
                let track = self.board.tracks.get(&metric.id);
                let newest = track.and_then(|t| t.newest()).map(|(_, m)| m.clone());
                let note = track.and_then(|t| t.note.as_ref()).map(ToString::to_string);
                let said = (newest.unwrap_or(Measure::NoData), note.unwrap_or_default());
                (metric.id.metric.to_string(), said)
            })
            .collect()
    }

    fn presets(&self, service: &str) -> Vec<String> {
        let service = self.team.service(&Name::new(service)).unwrap();
        let mut all: Vec<String> =
            discovered(&self.board, service).map(|d| d.preset.to_string()).collect();
        all.sort();
        all.dedup();
        all
    }

    fn health(&self, service: &str) -> (Health, String) {
        let survey = survey(&self.board, &self.team, self.now);
        let state = survey.service(&Name::new(service)).unwrap();
        (state.health, state.reason.to_string())
    }

    fn notes(&self) -> Vec<String> {
        let fresh = &self.board.sources[&SourceName::new("prom")];
        assert_eq!(fresh.message.as_str(), "", "{fresh:?}");
        fresh.notes.iter().map(ToString::to_string).collect()
    }

    /// These numbers and no others.
    fn shows(&self, service: &str, expected: &[(&str, f64)]) {
        let shown = self.numbers(service);
        let names: Vec<&str> = shown.keys().map(String::as_str).collect();
        let mut wanted: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{service}");
        for (name, value) in expected {
            let number = shown[*name].0.number();
            let near = number.is_some_and(|n| (n - value).abs() <= value.abs() * 1e-6 + 1e-9);
            assert!(near, "{service} {name}: {:?}, expected {value}", shown[*name]);
        }
    }
}

/// Counts of a classic histogram: below the bounds, and all.
fn histogram(history: &mut History, name: &str, labels: &str, buckets: &[(&str, f64)], all: f64) {
    for (le, by) in buckets {
        history.grows(&format!("{name}_bucket{{{labels},le=\"{le}\"}}"), *by);
    }
    history.grows(&format!("{name}_bucket{{{labels},le=\"+Inf\"}}"), all);
    history.grows(&format!("{name}_count{{{labels}}}"), all);
}

/// 2/s that succeed, half below 0.1 s and half below 0.25 s; 1/s that fails at once. Of the thirty in 15 s that did not
/// fail the 95th is 28.5: 13.5 of 15 into the second bucket, 0.1 + 0.15 · 0.9 = 0.235 s.
fn red(history: &mut History, name: &str, labels: &str, status: &str, bounds: [&str; 2]) {
    let of = |code: &str| format!("{labels},{status}=\"{code}\"");
    let [low, high] = bounds;
    histogram(history, name, &of("200"), &[(low, 15.0), (high, 30.0)], 30.0);
    histogram(history, name, &of("500"), &[(low, 15.0), (high, 15.0)], 15.0);
}

const RED: [(&str, f64); 3] = [("requests", 3.0), ("errors", 1.0 / 3.0), ("p95", 0.235)];
const RED_MS: [(&str, f64); 3] = [("requests", 3.0), ("errors", 1.0 / 3.0), ("p95", 235.0)];

#[test]
fn every_preset_tells_what_a_hand_works_out() {
    let lab = tempfile::tempdir().unwrap();
    let mut history = History::default();
    let h = &mut history;
    let seconds = ["0.1", "0.25"];
    let millis = ["100", "250"];
    red(
        h,
        "http_server_request_duration_seconds",
        "job=\"shop/otel\"",
        "http_response_status_code",
        seconds,
    );
    h.is("http_server_active_requests{job=\"shop/otel\",http_request_method=\"GET\"}", 4.0);
    h.is("http_server_active_requests{job=\"shop/otel\",http_request_method=\"PUT\"}", 3.0);
    red(
        h,
        "http_server_duration_milliseconds",
        "service_name=\"otel-old\",job=\"x\"",
        "http_status_code",
        millis,
    );
    red(h, "http_server_requests_seconds", "application=\"spring\",job=\"jvm\"", "status", seconds);
    h.is("jvm_memory_used_bytes{application=\"spring\",area=\"heap\",id=\"eden\"}", 3e8);
    h.is("jvm_memory_used_bytes{application=\"spring\",area=\"heap\",id=\"old\"}", 2e8);
    h.is("jvm_memory_used_bytes{application=\"spring\",area=\"nonheap\",id=\"meta\"}", 9e8);
    h.is("jvm_memory_max_bytes{application=\"spring\",area=\"heap\",id=\"eden\"}", -1.0);
    h.is("jvm_memory_max_bytes{application=\"spring\",area=\"heap\",id=\"old\"}", 1e9);
    h.is("process_cpu_usage{application=\"spring\"}", 0.25);
    h.is("hikaricp_connections_active{application=\"spring\",pool=\"p\"}", 6.0);
    h.is("hikaricp_connections_max{application=\"spring\",pool=\"p\"}", 10.0);
    // A timer without buckets: 60 s of work in 30 requests of 15 s each is 2 s.
    h.grows("http_server_requests_seconds_count{job=\"quarkus\",status=\"200\"}", 30.0);
    h.grows("http_server_requests_seconds_sum{job=\"quarkus\",status=\"200\"}", 60.0);
    red(h, "http_request_duration_seconds", "app=\"node\"", "status_code", seconds);
    h.grows("http_requests_total{job=\"go\",code=\"200\"}", 90.0);
    h.grows("http_requests_total{job=\"go\",code=\"404\"}", 30.0);
    h.grows("http_requests_total{job=\"go\",code=\"503\"}", 30.0);
    h.grows("http_requests_total{job=\"python\",status=\"2xx\"}", 15.0);
    h.grows("http_requests_total{job=\"silent\",status=\"2xx\"}", 0.0);
    h.grows("http_requests_total{job=\"blind\"}", 15.0);
    h.grows("process_cpu_seconds_total{job=\"go\",instance=\"a\"}", 7.5);
    h.grows("process_cpu_seconds_total{job=\"go\",instance=\"b\"}", 3.0);
    h.is("process_resident_memory_bytes{job=\"go\",instance=\"a\"}", 1e8);
    h.is("process_open_fds{job=\"go\",instance=\"a\"}", 256.0);
    h.is("process_max_fds{job=\"go\",instance=\"a\"}", 1024.0);
    h.is("go_goroutines{job=\"go\",instance=\"a\"}", 41.0);
    h.is("nodejs_eventloop_lag_p99_seconds{app=\"node\"}", 0.012);
    let mesh = "destination_service_name=\"cart\",destination_workload=\"cart-v1\",app=\"client\"";
    for reporter in ["destination", "source"] {
        for (code, by) in [("200", 30.0), ("500", 15.0)] {
            let labels = format!("reporter=\"{reporter}\",{mesh},response_code=\"{code}\"");
            h.grows(&format!("istio_requests_total{{{labels}}}"), by);
            for (le, part) in [("100", 0.5), ("250", 1.0), ("+Inf", 1.0)] {
                let series =
                    format!("istio_request_duration_milliseconds_bucket{{{labels},le=\"{le}\"}}");
                h.grows(&series, by * part);
            }
        }
    }
    let ingress = "exported_service=\"front\",service=\"ingress-nginx-metrics\",ingress=\"i\"";
    for (code, by) in [("200", 30.0), ("500", 15.0)] {
        let labels = format!("{ingress},status=\"{code}\"");
        h.grows(&format!("nginx_ingress_controller_requests{{{labels}}}"), by);
        for (le, part) in [("0.1", 0.5), ("0.25", 1.0), ("+Inf", 1.0)] {
            let name = "nginx_ingress_controller_request_duration_seconds_bucket";
            h.grows(&format!("{name}{{{labels},le=\"{le}\"}}"), by * part);
        }
    }
    let cluster = "envoy_cluster_name=\"stock\"";
    h.grows(&format!("envoy_cluster_upstream_rq_total{{{cluster}}}"), 45.0);
    for (class, by) in [("2", 30.0), ("5", 15.0)] {
        let class = format!("{cluster},envoy_response_code_class=\"{class}\"");
        h.grows(&format!("envoy_cluster_upstream_rq_xx{{{class}}}"), by);
    }
    for (le, by) in [("100", 15.0), ("250", 30.0), ("+Inf", 30.0)] {
        h.grows(&format!("envoy_cluster_upstream_rq_time_bucket{{{cluster},le=\"{le}\"}}"), by);
    }
    h.is(&format!("envoy_cluster_upstream_rq_pending_active{{{cluster}}}"), 2.0);
    h.is(&format!("envoy_cluster_membership_healthy{{{cluster}}}"), 2.0);
    h.is(&format!("envoy_cluster_membership_total{{{cluster}}}"), 3.0);
    h.is("nginx_up{job=\"static\",instance=\"a\"}", 1.0);
    h.is("nginx_connections_active{job=\"static\",instance=\"a\"}", 17.0);
    h.grows("nginx_http_requests_total{job=\"static\",instance=\"a\"}", 30.0);
    for (instance, up) in [("a", 1.0), ("b", 1.0), ("c", 0.0)] {
        h.is(&format!("up{{job=\"go\",instance=\"{instance}\"}}"), up);
        h.is(&format!("up{{job=\"gone\",instance=\"{instance}\"}}"), 0.0);
    }
    let probe = "job=\"blackbox\",service=\"probed\",instance=\"https://p/\"";
    h.is(&format!("probe_success{{{probe}}}"), 1.0);
    h.is(&format!("probe_duration_seconds{{{probe}}}"), 0.125);
    let end = from_clock().as_second() as f64 + 10.0 * 86_400.0;
    h.is(&format!("probe_ssl_earliest_cert_expiry{{{probe}}}"), end);
    let kube = "job=\"kube-state-metrics\",namespace=\"prod\"";
    h.is(&format!("kube_deployment_status_replicas_available{{{kube},deployment=\"pods\"}}"), 1.0);
    h.is(&format!("kube_deployment_spec_replicas{{{kube},deployment=\"pods\"}}"), 4.0);
    h.is(&format!("kube_statefulset_status_replicas_ready{{{kube},statefulset=\"store\"}}"), 3.0);
    h.is(&format!("kube_statefulset_replicas{{{kube},statefulset=\"store\"}}"), 3.0);
    h.is(&format!("kube_daemonset_status_number_available{{{kube},daemonset=\"agent\"}}"), 0.0);
    h.is(
        &format!("kube_daemonset_status_desired_number_scheduled{{{kube},daemonset=\"agent\"}}"),
        2.0,
    );
    // One restart in 15 s over half an hour: in an hour as many as there were, told by the slope of what is there.
    h.is(
        &format!("kube_pod_container_status_restarts_total{{{kube},container=\"pods\",pod=\"p\"}}"),
        5.0,
    );
    for cpu in ["0", "1"] {
        h.grows(&format!("node_cpu_seconds_total{{job=\"db\",cpu=\"{cpu}\",mode=\"idle\"}}"), 6.0);
        h.grows(&format!("node_cpu_seconds_total{{job=\"db\",cpu=\"{cpu}\",mode=\"user\"}}"), 9.0);
    }
    h.is("node_memory_MemAvailable_bytes{job=\"db\"}", 25.0);
    h.is("node_memory_MemTotal_bytes{job=\"db\"}", 100.0);
    for (mount, fs, free) in [("/", "ext4", 40.0), ("/data", "xfs", 10.0), ("/run", "tmpfs", 0.0)] {
        let labels = format!("job=\"db\",mountpoint=\"{mount}\",fstype=\"{fs}\"");
        h.is(&format!("node_filesystem_avail_bytes{{{labels}}}"), free);
        h.is(&format!("node_filesystem_size_bytes{{{labels}}}"), 100.0);
    }
    h.is("node_load1{job=\"db\"}", 3.0);
    let Some(server) = history.served(lab.path()) else { return };
    let all = [
        "otel", "otel-old", "spring", "quarkus", "node", "go", "python", "silent", "blind", "cart",
        "front", "stock", "static", "gone", "probed", "pods", "store", "agent", "db", "nobody",
        "staticc",
    ];
    let told = told(lab.path(), &server, "", &services(&all));
    let with = |some: &[(&'static str, f64)], more: &[(&'static str, f64)]| [some, more].concat();
    told.shows("otel", &with(&RED, &[("in flight", 7.0)]));
    told.shows("otel-old", &RED_MS);
    told.shows("spring", &with(&RED, &[("heap", 0.5), ("cpu", 0.25), ("connections", 0.6)]));
    told.shows("quarkus", &[("requests", 2.0), ("errors", 0.0), ("mean", 2.0)]);
    told.shows("node", &with(&RED, &[("event loop p99", 0.012)]));
    told.shows(
        "go",
        &[
            ("requests", 10.0),
            ("errors", 0.2),
            ("cpu", 0.5),
            ("memory", 1e8),
            ("open files", 0.25),
            ("goroutines", 41.0),
            ("targets up", 2.0 / 3.0),
        ],
    );
    told.shows("python", &[("requests", 1.0), ("errors", 0.0)]);
    told.shows("blind", &[("requests", 1.0)]);
    told.shows("cart", &RED_MS);
    told.shows("front", &RED);
    told.shows("stock", &with(&RED_MS, &[("waiting requests", 2.0), ("healthy hosts", 2.0 / 3.0)]));
    told.shows("static", &[("nginx up", 1.0), ("connections", 17.0), ("requests", 2.0)]);
    told.shows("store", &[("replicas", 1.0)]);
    told.shows("agent", &[("replicas", 0.0)]);
    told.shows("pods", &[("replicas", 0.25), ("restarts in 1 h", 0.0)]);
    told.shows(
        "db",
        &[("node cpu", 0.6), ("node memory", 0.75), ("node disk", 0.9), ("load per core", 1.5)],
    );
    let probed = told.numbers("probed");
    assert_eq!(probed["probe"].0, Measure::Number(0.125));
    assert_eq!(probed["probes"].1, "1 of 1 probes succeed");
    let days = probed["certificate"].0.number().unwrap();
    assert!((9.9..=10.0).contains(&days), "{days}");

    // No traffic is neither an error rate of zero nor missing data.
    let silent = told.numbers("silent");
    assert_eq!(silent["errors"].0, Measure::NoTraffic);
    assert_eq!(silent["requests"].0, Measure::Number(0.0));

    // Shares say what they are of, and what is judged says so.
    assert_eq!(told.numbers("go")["targets up"].1, "2 of 3 targets up");
    assert_eq!(told.numbers("pods")["replicas"].1, "1 of 4 replicas available");
    let health = |service: &str| told.health(service).0;
    assert_eq!(health("gone"), Health::Down, "{:?}", told.health("gone"));
    assert_eq!(health("agent"), Health::Down);
    assert_eq!(health("pods"), Health::Degraded);
    assert_eq!(health("probed"), Health::Degraded, "a certificate with ten days left");
    assert_eq!(health("store"), Health::Ok);
    assert_eq!(health("python"), Health::Ok);
    assert_eq!(health("otel"), Health::Degraded, "a third of the requests fail");
    // Nothing that judges is no well-being.
    assert_eq!(health("blind"), Health::Unknown);
    assert_eq!(health("silent"), Health::Unknown);
    assert_eq!(health("nobody"), Health::Unknown);

    assert_eq!(told.presets("spring"), ["Micrometer"]);
    assert_eq!(told.presets("go"), ["Prometheus", "Prometheus client"]);
    let notes = told.notes();
    assert!(notes[0].starts_with("found 58 numbers for 19 services (Prometheus, "), "{notes:?}");
    assert!(notes[1].starts_with("nothing found for nobody: no known series"), "{notes:?}");
    assert!(notes[2].ends_with("match.labels = { job = \"static\" }"), "{notes:?}");

    // Half an hour of the past came with the first answer.
    let id = MetricId { service: Some(Name::new("otel")), metric: Name::new("p95") };
    assert!(told.board.tracks[&id].len() > 20);
}

#[test]
fn labels_tell_whose_a_series_is_and_a_contradiction_is_nobodys() {
    let lab = tempfile::tempdir().unwrap();
    let mut history = History::default();
    let h = &mut history;
    for (env, up) in [("prod", 1.0), ("staging", 0.0)] {
        h.is(&format!("up{{app=\"shop\",env=\"{env}\",instance=\"a\"}}"), up);
        let deployment =
            format!("namespace=\"{env}\",job=\"kube-state-metrics\",deployment=\"api\"");
        h.is(&format!("kube_deployment_spec_replicas{{{deployment}}}"), 2.0);
        h.is(&format!("kube_deployment_status_replicas_available{{{deployment}}}"), 2.0 * up);
    }
    h.is("up{job=\"one/twin\",instance=\"a\"}", 1.0);
    h.is("up{job=\"two/twin\",instance=\"a\"}", 1.0);
    h.is("up{job=\"only\",zone=\"staging\",instance=\"a\"}", 1.0);
    h.is("up{job=\"a.b\",instance=\"a\"}", 1.0);
    for (namespace, up) in [("prod", 1.0), ("staging", 0.0)] {
        for job in ["both", "chosen"] {
            h.is(
                &format!("up{{job=\"{job}\",k8s_namespace_name=\"{namespace}\",instance=\"a\"}}"),
                up,
            );
        }
    }
    h.is("up{job=\"axb\",instance=\"a\"}", 0.0);
    let Some(server) = history.served(lab.path()) else { return };
    let matched = |name: &str, labels: &str| {
        format!("[[service]]\nname = \"{name}\"\nmatch.labels = {{ {labels} }}\n")
    };
    let own =
        "[[service.metric]]\nname = \"mine\"\nquery = \"vector(7)\"\nrole = \"availability\"\n";
    let text = [
        matched("front", "app = \"shop\", env = \"prod\""),
        matched("api", "namespace = \"prod\""),
        matched("only", "zone = \"prod\""),
        services(&["twin", "a.b", "both"]),
        matched("chosen", "job = \"chosen\", k8s_namespace_name = \"prod\""),
        format!("[[service]]\nname = \"shop\"\n{own}"),
        "[[service]]\nname = \"axb\"\nfound = false\n".to_owned(),
    ];
    let told = told(lab.path(), &server, "", &text.concat());
    told.shows("front", &[("targets up", 1.0)]);
    told.shows("api", &[("replicas", 1.0)]);
    told.shows("a.b", &[("targets up", 1.0)]);
    told.shows("only", &[]);
    told.shows("twin", &[]);
    told.shows("shop", &[("mine", 7.0)]);
    told.shows("axb", &[]);
    let of = |service: &str| {
        let service = told.team.service(&Name::new(service)).unwrap();
        let found = discovered(&told.board, service).next().unwrap();
        found.metric.query.to_string()
    };
    assert_eq!(
        of("front"),
        "sum (up{app=\"shop\",env=\"prod\"}) / count (up{app=\"shop\",env=\"prod\"})"
    );
    assert!(of("api").contains("{deployment=\"api\",namespace=\"prod\"}"), "{}", of("api"));
    let notes = told.notes();
    assert!(notes[0].starts_with("found 5 numbers for 5 services"), "{notes:?}");
    // Two of one name are said to be two, and one that was chosen is one.
    told.shows("both", &[("targets up", 0.5)]);
    told.shows("chosen", &[("targets up", 1.0)]);
    let summed: Vec<&String> = notes.iter().filter(|n| n.contains("namespaces")).collect();
    assert_eq!(
        summed,
        ["both is in 2 namespaces, and its numbers are of all of them together: prod, staging; \
          for one of them: match.labels = { k8s_namespace_name = \"prod\" }"]
    );
    assert!(
        notes.iter().any(|n| n.contains("nothing found for only: no known series with zone prod"))
    );
}

#[test]
fn presets_are_left_where_nobody_wants_them() {
    let lab = tempfile::tempdir().unwrap();
    let mut history = History::default();
    history.is("up{job=\"web\",instance=\"a\"}", 1.0);
    let Some(server) = history.served(lab.path()) else { return };
    let told = told(lab.path(), &server, "presets = false", &services(&["web"]));
    told.shows("web", &[]);
    assert!(told.notes().is_empty());
}

/// The exporters themselves, as they are packaged: the names in the table are the names they tell.
#[test]
fn exporters_are_found_as_they_come_from_their_package() {
    let (Some(node), Some(blackbox)) =
        (tool("prometheus-node-exporter"), tool("prometheus-blackbox-exporter"))
    else {
        return;
    };
    let lab = tempfile::tempdir().unwrap();
    let (node_port, probe_port) = (free_port(), free_port());
    let listens = |port: u16| format!("--web.listen-address=127.0.0.1:{port}");
    let modules = "modules: {http_2xx: {prober: http}}";
    std::fs::write(lab.path().join("blackbox.yml"), modules).unwrap();
    let _node = Server::start(&node, lab.path(), node_port, &[listens(node_port)], "/metrics");
    let arguments = ["--config.file=blackbox.yml".to_owned(), listens(probe_port)];
    let _probe = Server::start(&blackbox, lab.path(), probe_port, &arguments, "/-/healthy");
    let config = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs:\n\
         - {{job_name: machine, static_configs: [{{targets: [\"127.0.0.1:{node_port}\"]}}]}}\n\
         - {{job_name: closed, static_configs: [{{targets: [\"127.0.0.1:1\"]}}]}}\n\
         - job_name: blackbox\n  \
           metrics_path: /probe\n  \
           static_configs:\n  \
           - {{targets: [\"http://127.0.0.1:{node_port}/\"], labels: {{service: site}}}}\n  \
           relabel_configs:\n  \
           - {{source_labels: [__address__], target_label: __param_target}}\n  \
           - {{source_labels: [__param_target], target_label: instance}}\n  \
           - {{target_label: __address__, replacement: \"127.0.0.1:{probe_port}\"}}\n"
    );
    let Some(server) = prometheus(lab.path(), free_port(), &config, &[]) else { return };
    let text = services(&["machine", "closed", "site"]);
    // A rate needs two samples, and new targets are scraped after some seconds.
    let told = until("two scrapes", || {
        let told = told(lab.path(), &server, "rules = false", &text);
        let cpu = told.numbers("machine").get("node cpu").map(|(measure, _)| measure.clone());
        let probed = told.numbers("site").contains_key("probe");
        (matches!(cpu, Some(Measure::Number(_))) && probed).then_some(told)
    });
    let machine = told.numbers("machine");
    for share in ["node cpu", "node memory", "node disk", "open files"] {
        let value = machine[share].0.number().unwrap();
        assert!((0.0..=1.0).contains(&value), "{share}: {value}");
    }
    assert_eq!(machine["targets up"], (Measure::Number(1.0), "1 of 1 targets up".to_owned()));
    for more in ["cpu", "memory", "goroutines", "load per core"] {
        assert!(machine[more].0.number().is_some_and(|n| n >= 0.0), "{more}: {machine:?}");
    }
    assert_eq!(told.health("machine").0, Health::Ok, "{:?}", told.health("machine"));
    assert_eq!(told.presets("machine"), ["Prometheus", "Prometheus client", "node_exporter"]);
    let site = told.numbers("site");
    assert_eq!(site["probes"], (Measure::Number(1.0), "1 of 1 probes succeed".to_owned()));
    assert!(site["probe"].0.number().is_some_and(|seconds| seconds > 0.0));
    assert_eq!(told.numbers("closed")["targets up"].1, "0 of 1 targets up");
    assert_eq!(told.health("closed").0, Health::Down, "{:?}", told.health("closed"));
}

/// A poll of a source with one service, answered by hand.
mod by_hand {
    use andon::model::{Fact, Feed, Report, Service, Status};
    use andon::source::{Http, Kind, Opening, Services, prometheus::KIND};
    use toml::de::ValueDeserializer;

    use super::*;

    fn world(names: &[&str]) -> poll::World {
        let services: Vec<Service> = names
            .iter()
            .map(|name| Service { name: Name::new(name), ..Service::default() })
            .collect();
        let kind: &Kind = &KIND;
        let source = (kind.open)(Opening {
            name: SourceName::new("prom"),
            url: Some("http://prom.example/".parse().unwrap()),
            folder: "/".into(),
            every: kind.every,
            zone: jiff::tz::TimeZone::UTC,
            metrics: Vec::new(),
            slos: Vec::new(),
            services: &Services::of(&services),
            finds_second: false,
            alerts_delivered: true,
            options: ValueDeserializer::parse("{ rules = false }").unwrap(),
        });
        let mut world =
            poll::World::new(kind, "http://prom.example/", "{}", "2026-11-20T03:00:00Z");
        world.source = source.unwrap();
        world
    }

    fn query(http: &Http) -> String {
        let body = http.body.as_ref().map(|(_, body)| &**body).unwrap_or_default();
        let pairs = url::form_urlencoded::parse(body);
        pairs.filter(|(k, _)| k == "query").map(|(_, v)| v.into_owned()).collect()
    }

    fn vector(http: &Http, rows: &str) -> andon::source::HttpAnswer {
        poll::ok(
            http,
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{rows}]}}}}"#),
        )
    }

    /// A store that knows `up` of some jobs.
    #[allow(clippy::unnecessary_wraps, reason = "a poll may meet a question nobody expected")]
    fn store(http: &Http, jobs: &[&str], looks: bool) -> Option<andon::source::HttpAnswer> {
        let path = http.url.path();
        if path.ends_with("buildinfo") {
            return Some(poll::ok(http, r#"{"status":"success","data":{"version":"3.0.0"}}"#));
        }
        if path.ends_with("/values") {
            return Some(poll::ok(http, r#"{"status":"success","data":["webb","db"]}"#));
        }
        if path.ends_with("query_range") {
            return Some(poll::ok(
                http,
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            ));
        }
        let query = query(http);
        if query.contains("count by (__name__") {
            if !looks {
                let body =
                    r#"{"status":"error","errorType":"execution","error":"too many series"}"#;
                return Some(poll::answered(http, 422, &[], body));
            }
            // No condition is the first in the order of conditions.
            let rows = jobs.iter().map(|job| {
                format!(r#"{{"metric":{{"__name__":"up","job":"{job}","andon_query":"0"}},"value":[1763607600,"2"]}}"#)
            });
            return Some(vector(http, &rows.collect::<Vec<_>>().join(",")));
        }
        if query == "vector(1)" {
            return Some(vector(http, r#"{"metric":{},"value":[1763607600,"1"]}"#));
        }
        let rows = jobs.iter().flat_map(|job| {
            [("0", "0.5"), ("1", "2")].map(|(i, value)| {
                format!(r#"{{"metric":{{"job":"{job}","andon_query":"{i}"}},"value":[1763607600,"{value}"]}}"#)
            })
        });
        Some(vector(http, &rows.collect::<Vec<_>>().join(",")))
    }

    fn found(report: &Report) -> Vec<String> {
        let facts = report.facts.iter().filter_map(|fact| match fact {
            Fact::Discovered(one) => Some(one.key.id.raw().replace('\u{1f}', "/")),
            _ => None,
        });
        facts.collect()
    }

    #[test]
    fn one_batch_a_poll_asks_for_everything_until_the_next_look() {
        let mut world = world(&["web", "db"]);
        let report = world.poll(|http| store(http, &["web", "db"], true)).unwrap();
        assert_eq!(found(&report), ["web/targets up", "db/targets up"]);
        assert!(report.complete.contains(&Feed::Discovered));
        for round in 1..30 {
            let report = world.poll(|http| store(http, &["web", "db"], true)).unwrap();
            // Others ask this store as well, for objectives.
            let queries: Vec<String> =
                world.asked.iter().map(query).filter(|text| text.contains("up{")).collect();
            // Last week's number comes every fifth minute.
            let expected = if round % 20 == 0 { 2 } else { 1 };
            assert_eq!(queries.len(), expected, "{round}: {queries:?}");
            assert!(queries[0].contains("sum by (job) (up{job=~\"db|web\"})"), "{}", queries[0]);
            assert!(found(&report).is_empty() && !report.complete.contains(&Feed::Discovered));
            let samples = report.facts.iter().filter(|f| matches!(f, Fact::Sample { .. })).count();
            assert_eq!(samples, 2);
        }
        // One of them is gone: told at the next look, and with the name that is near. What it told is missing, not
        // forgotten: a service that is down tells nothing.
        let report = world.poll(|http| store(http, &["db"], true)).unwrap();
        assert_eq!(found(&report), ["web/targets up", "db/targets up"]);
        let empty = report
            .facts
            .iter()
            .filter(|f| matches!(f, Fact::Sample { measure: andon::model::Measure::NoData, .. }));
        assert_eq!(empty.count(), 1);
        let notes: Vec<&str> = report.notes.iter().map(andon::model::Clean::as_str).collect();
        assert!(
            notes[1].ends_with("there is job webb: match.labels = { job = \"webb\" }"),
            "{notes:?}"
        );
        let report = world.poll(|http| store(http, &["db"], true)).unwrap();
        assert_eq!(report.notes.len(), 2, "said until the next look: {:?}", report.notes);
    }

    #[test]
    fn a_number_says_what_it_counts_and_that_some_of_it_was_not_there() {
        let notes = |says: &str| {
            let mut world = world(&["web"]);
            let report = world.poll(|http| {
                let mut answer = store(http, &["web"], true)?;
                let body = String::from_utf8_lossy(&answer.body);
                let body = body.replace("\"success\"", &format!("\"success\"{says}"));
                answer.body = body.into_bytes().into();
                Some(answer)
            });
            let report = report.unwrap();
            let note = report.facts.iter().find_map(|fact| match fact {
                Fact::Sample { note, .. } => note.as_ref().map(ToString::to_string),
                _ => None,
            });
            (note.unwrap(), report.partial.is_some())
        };
        assert_eq!(notes(""), ("1 of 2 targets up".to_owned(), false));
        let told = "1 of 2 targets up; not all data was there".to_owned();
        assert_eq!(notes(r#","isPartial":true"#), (told, true));
    }

    #[test]
    fn a_store_that_will_not_look_is_asked_for_what_was_found_before() {
        let mut world = world(&["web"]);
        world.poll(|http| store(http, &["web"], true)).unwrap();
        world.round = 30;
        let report = world.poll(|http| store(http, &["web"], false)).unwrap();
        assert!(!report.complete.contains(&Feed::Discovered), "nothing is gone");
        let said = report
            .notes
            .iter()
            .any(|n| n.as_str() == "could not look for known series: too many series");
        assert!(said, "{:?}", report.notes);
        assert!(report.facts.iter().any(|f| matches!(f, Fact::Sample { .. })));
        // With nothing remembered it goes on without.
        world.memory.clear();
        world.round = 0;
        let report = world.poll(|http| store(http, &["web"], false)).unwrap();
        assert!(report.facts.is_empty(), "{:?}", report.facts);
    }

    #[test]
    fn a_store_that_answers_nothing_is_a_failure() {
        let mut world = world(&["web"]);
        world.poll(|http| store(http, &["web"], true)).unwrap();
        let trouble =
            world.poll(|http| Some(poll::answered(http, 502, &[], "bad gateway"))).unwrap_err();
        assert_eq!(trouble.status, Status::ServerError);
        world.round = 0;
        assert!(world.poll(|http| Some(poll::answered(http, 502, &[], "bad gateway"))).is_err());
    }
}
