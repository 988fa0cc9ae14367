//! The real world, small: Prometheus, Alertmanager, `VictoriaMetrics`, Radicale and nginx from packages, asked by the real engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the lints let tests do so, but not what tests call"
)]

#[path = "world/hostile.rs"]
mod hostile;
#[path = "world/servers.rs"]
mod servers;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use andon::cockpit::{Heard, Message, Which};
use andon::config::{Config, Upstream, load_text};
use andon::engine::{Limits, Watch, from_clock, poll_once, recall};
use andon::insight::survey;
use andon::model::{
    AlertState, Board, Health, Measure, MetricId, Name, RuleHealth, SourceName, Staleness, Status,
    Suppression, Team, Track,
};
use jiff::{SignedDuration, Timestamp};

use servers::{Server, free_port, http, tool, until};

fn config(lab: &Path, text: &str) -> Config {
    load_text(text, lab, &[]).unwrap_or_else(|p| panic!("{p}"))
}

/// Asks every source once and folds what was heard.
fn ask(lab: &Path, text: &str) -> (Team, Board) {
    let config = config(lab, text);
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(30)) {
        fold(&mut board, heard);
    }
    (config.team, board)
}

fn fold(board: &mut Board, heard: Heard) {
    board.sources.insert(heard.source.clone(), heard.freshness);
    if let Ok(report) = heard.outcome {
        board.fold(&heard.source, heard.at, report);
    }
}

fn track<'a>(board: &'a Board, metric: &str) -> &'a Track {
    let id = MetricId { service: Some(Name::new("web")), metric: Name::new(metric) };
    board.tracks.get(&id).unwrap_or_else(|| panic!("{metric}: {:?}", board.sources))
}

fn number(board: &Board, metric: &str) -> Measure {
    track(board, metric).newest().unwrap().1.clone()
}

fn status(board: &Board, source: &str) -> Status {
    board.sources[&SourceName::new(source)].status
}

fn prometheus(lab: &Path, port: u16, config: &str) -> Option<Server> {
    servers::prometheus(lab, port, config, &["--rules.alert.resend-delay=1s"])
}

fn alertmanager(lab: &Path) -> Option<Server> {
    let program = tool("prometheus-alertmanager")?;
    let port = free_port();
    std::fs::write(
        lab.join("alertmanager.yml"),
        "route: {receiver: default, group_by: [alertname], group_wait: 1s, group_interval: 2s}\n\
         receivers: [{name: default}]\n",
    )
    .unwrap();
    let arguments = [
        "--config.file=alertmanager.yml".to_owned(),
        format!("--storage.path={}", lab.join("am").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
        "--log.level=warn".to_owned(),
    ];
    Some(Server::start(&program, lab, port, &arguments, "/-/ready"))
}

#[test]
fn an_alert_that_really_fires_reaches_the_board_and_a_silence_from_elsewhere_is_seen() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let (Some(node), Some(am)) = (tool("prometheus-node-exporter"), alertmanager(lab)) else {
        return;
    };
    let port = free_port();
    let node = Server::start(
        &node,
        lab,
        port,
        &[
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--collector.disable-defaults".to_owned(),
            "--collector.loadavg".to_owned(),
        ],
        "/metrics",
    );
    std::fs::write(
        lab.join("rules.yml"),
        r#"groups:
- name: alerts
  rules:
  - alert: CheckoutDown
    expr: vector(1)
    labels: {severity: critical, service: web}
    annotations: {summary: "checkout answers nobody", runbook_url: "https://wiki.example/checkout"}
  - alert: Broken
    expr: up * on(job) {__name__=~"up|scrape_duration_seconds"}
    labels: {severity: critical, service: web}
"#,
    )
    .unwrap();
    let prom_config = format!(
        r#"global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{}"]}}]}}]}}
scrape_configs:
- {{job_name: node, static_configs: [{{targets: ["127.0.0.1:{}"]}}]}}
"#,
        am.port, node.port
    );
    let Some(prom) = prometheus(lab, free_port(), &prom_config) else { return };
    let text = format!(
        r#"
[team]
name = "Checkout"
[[source]]
name = "prom"
kind = "prometheus"
url = "{}"
[[source]]
name = "am"
kind = "alertmanager"
url = "{}"
[[service]]
name = "web"
[[service.metric]]
name = "load"
source = "prom"
query = "node_load1"
[[service.metric]]
name = "scalar"
source = "prom"
query = "6 * 7"
[[service.metric]]
name = "typo"
source = "prom"
query = "rate(up"
[[service.metric]]
name = "nothing"
source = "prom"
query = "no_such_metric"
[[service.metric]]
name = "two"
source = "prom"
query = '{{__name__=~"up|node_load1|node_load5"}}'
"#,
        prom.url(""),
        am.url("")
    );
    let (team, board) = until("the alert", || {
        let (team, board) = ask(lab, &text);
        let fires = board.alerts.present().any(|r| r.what.is_shouting());
        let broken = board.rules.present().any(|r| r.what.health == RuleHealth::Broken);
        (fires && broken).then_some((team, board))
    });
    let alert = board.alerts.present().next().unwrap().what.clone();
    assert_eq!(alert.name.as_str(), "CheckoutDown");
    assert_eq!(alert.summary.as_str(), "checkout answers nobody");
    assert!(alert.runbook.is_some() && alert.started.is_some());
    let web = &survey(&board, &team, from_clock()).services[0];
    assert!(web.health > Health::Ok, "{web:?}");

    assert!(matches!(number(&board, "load"), Measure::Number(_)), "{:?}", number(&board, "load"));
    assert_eq!(number(&board, "scalar"), Measure::Number(42.0));
    assert!(matches!(number(&board, "typo"), Measure::Unreadable(_)));
    assert_eq!(number(&board, "nothing"), Measure::NoData);
    assert!(matches!(number(&board, "two"), Measure::Unreadable(_)));
    assert_eq!((status(&board, "prom"), status(&board, "am")), (Status::Ok, Status::Ok));
    let about = |source: &str| board.sources[&SourceName::new(source)].about.to_string();
    assert!(about("prom").starts_with("Prometheus 2."), "{}", about("prom"));
    assert!(about("am").starts_with("Alertmanager 0."), "{}", about("am"));

    let ends = from_clock() + SignedDuration::from_hours(1);
    let silence = format!(
        r#"{{"matchers":[{{"name":"alertname","value":"CheckoutDown","isRegex":false}}],
        "startsAt":"{}","endsAt":"{ends}","createdBy":"somebody else","comment":"we know"}}"#,
        from_clock()
    );
    let json = ["Content-Type: application/json"];
    let (code, said) = http(am.port, "POST", "/api/v2/silences", &json, &silence).unwrap();
    assert_eq!(code, 200, "{said}");
    let board = until("the silence", || {
        let (_, board) = ask(lab, &text);
        let quiet = board.alerts.present().any(|r| r.what.state == AlertState::Suppressed);
        quiet.then_some(board)
    });
    let silence = &board.silences.present().next().unwrap().what;
    assert_eq!(silence.by.as_str(), "somebody else");
    assert_eq!(silence.matchers[0].as_str(), "alertname=\"CheckoutDown\"");
    let alert = &board.alerts.present().next().unwrap().what;
    assert_eq!(alert.suppressed, [Suppression::Silenced(silence.key.clone())]);

    std::fs::write(lab.join("andon.toml"), &text).unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["show", "incidents", "--config"])
        .arg(lab.join("andon.toml"))
        .env_clear()
        .env("HOME", lab)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("CheckoutDown"), "{shown}");
    assert!(shown.contains("silenced"), "{shown}");
}

/// A gauge that is the minute of its hour, for the last five hours: every point can be computed by hand.
fn minutes_of_history(until: i64) -> String {
    let mut text = "# TYPE app_minute gauge\n".to_owned();
    for at in (until - 300 * 60..=until).step_by(60) {
        let _ = writeln!(text, "app_minute{{job=\"shop\"}} {} {at}", at / 60 % 60);
    }
    text.push_str("# TYPE app_signups counter\n");
    for (i, at) in (until - 300 * 60..=until).step_by(60).enumerate() {
        let _ = writeln!(text, "app_signups_total{{job=\"shop\"}} {} {at}", 3 * i);
    }
    text + "# EOF\n"
}

#[test]
fn backfilled_history_gives_the_numbers_computed_by_hand() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let until = from_clock().as_second() / 60 * 60;
    if servers::backfill(lab, &minutes_of_history(until)).is_none() {
        return;
    }
    let Some(prom) = prometheus(lab, free_port(), servers::SCRAPES_NOTHING) else {
        return;
    };
    let text = format!(
        r#"
[[source]]
name = "prom"
kind = "prometheus"
url = "{}"
[[service]]
name = "web"
[[service.metric]]
name = "minute"
source = "prom"
query = "app_minute  # the minute of the hour"
[[service.metric]]
name = "signups"
source = "prom"
query = "increase(app_signups_total[1h] offset 5m)"
"#,
        prom.url("")
    );
    let (_, board) = ask(lab, &text);
    assert_eq!(status(&board, "prom"), Status::Ok, "{:?}", board.sources);
    let Measure::Number(signups) = number(&board, "signups") else { panic!("{board:?}") };
    assert!((signups - 180.0).abs() < 4.0, "three a minute for an hour: {signups}");
    let points: Vec<_> = track(&board, "minute").points().collect();
    assert!(points.len() > 295, "{} points", points.len());
    let (last, history) = points.split_last().unwrap();
    for (at, measure) in history {
        let value = (at.as_second() / 60 % 60) as f64;
        // The store looks back five minutes for a sample, so points after the last keep its value.
        let last = (until / 60 % 60) as f64;
        let expected = if at.as_second() > until { last } else { value };
        assert_eq!(*measure, Measure::Number(expected), "{at}");
    }
    assert_eq!(last.1, Measure::Number((until / 60 % 60) as f64));
    // The past is asked as it was: the numbers of two hours ago, and six hours before them.
    let then = Timestamp::from_second(until - 2 * 3600).unwrap();
    let stores: Vec<_> =
        config(lab, &text).upstreams.iter().filter_map(Upstream::recalling).collect();
    let mut past = Board::default();
    for heard in recall::ask(&stores, then, &Limits::default()) {
        fold(&mut past, heard);
    }
    let minute = (then.as_second() / 60 % 60) as f64;
    assert_eq!(number(&past, "minute"), Measure::Number(minute));
    let points: Vec<_> = track(&past, "minute").points().collect();
    assert!(points.len() > 175 && points.iter().all(|(at, _)| *at <= then), "{points:?}");
    assert!(past.rules.is_empty(), "rules are of now");
}

#[test]
fn a_killed_server_turns_its_rows_stale_and_they_recover() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let port = free_port();
    let Some(prom) = prometheus(lab, port, servers::SCRAPES_NOTHING) else { return };
    let text = format!(
        r#"
[[source]]
name = "prom"
kind = "prometheus"
url = "{}"
every = "15s"
[[service]]
name = "web"
[[service.metric]]
name = "answer"
source = "prom"
query = "vector(42)"
good = "> 1"
"#,
        prom.url("")
    );
    let Config { team, upstreams, .. } = config(lab, &text);
    let (tell, told) = mpsc::channel();
    let watch = Watch::start(
        upstreams,
        Box::new(move |message| {
            if let Message::Heard(heard) = message {
                let _ = tell.send(heard);
            }
        }),
    );
    let mut board = Board::default();
    let heard = |board: &mut Board, good: bool| {
        let name = SourceName::new("prom");
        until("the next poll", || {
            watch.poll(Which::All);
            while let Ok(heard) = told.try_recv() {
                fold(board, *heard);
            }
            board.sources.get(&name).is_some_and(|f| f.status.is_good() == good).then_some(())
        });
    };
    heard(&mut board, true);
    assert_eq!(number(&board, "answer"), Measure::Number(42.0));
    let first = board.sources[&SourceName::new("prom")].last_ok;

    prom.crash();
    let gone = Timestamp::now();
    heard(&mut board, false);
    let freshness = board.sources[&SourceName::new("prom")].clone();
    assert_eq!(freshness.status, Status::Unreachable);
    // A poll may have been under way while it was killed, and answered.
    let answered = freshness.last_ok;
    assert!(first <= answered && answered <= Some(gone), "a failure is no answer: {answered:?}");
    assert_eq!(number(&board, "answer"), Measure::Number(42.0), "the last value is kept");
    let later = |s: i64| answered.unwrap() + SignedDuration::from_secs(s);
    assert_eq!(freshness.staleness(later(31)), Staleness::Stale);
    assert_eq!(freshness.staleness(later(301)), Staleness::Expired);
    let health = |moment| survey(&board, &team, moment).services[0].health;
    assert_eq!(health(later(301)), Health::Unknown, "nothing may be concluded from an old value");
    // From two intervals on it is stale with its age, and from then on never simply green.
    let id = MetricId { service: Some(Name::new("web")), metric: Name::new("answer") };
    for s in (31..1_200).step_by(7) {
        let (age, staleness) = board.age_of(&id, later(s)).unwrap();
        assert!(age.as_secs() >= s && staleness != Staleness::Fresh, "{s}: {age} {staleness:?}");
        let state = survey(&board, &team, later(s)).services[0].clone();
        assert!(state.overlays.stale, "{s}: {state:?}");
        assert!(s < 301 || state.health == Health::Unknown, "{s}: {state:?}");
    }

    let _prom = prometheus(lab, port, servers::SCRAPES_NOTHING).unwrap();
    heard(&mut board, true);
    assert_eq!(status(&board, "prom"), Status::Ok);
    assert!(board.sources[&SourceName::new("prom")].last_ok > answered);
}

#[test]
fn victoriametrics_is_read_with_its_own_habits() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let Some(vm) = servers::victoria(lab) else { return };
    let now = from_clock().as_second();
    let lines: Vec<String> = (now - 600..=now)
        .step_by(5)
        .map(|at| format!("app_users{{job=\"shop\"}} {at} {}", at * 1000))
        .collect();
    let (code, _) =
        http(vm.port, "POST", "/api/v1/import/prometheus", &[], &lines.join("\n")).unwrap();
    assert_eq!(code, 204);
    let text = format!(
        r#"
[[source]]
name = "vm"
kind = "prometheus"
url = "{}"
every = "5s"
[[service]]
name = "web"
[[service.metric]]
name = "users"
source = "vm"
query = "app_users"
[[service.metric]]
name = "scalar"
source = "vm"
query = "6 * 7"
[[service.metric]]
name = "nan"
source = "vm"
query = "0 / 0"
[[service.metric]]
name = "typo"
source = "vm"
query = "rate(up"
"#,
        vm.url("")
    );
    let board = until("what was imported", || {
        let (_, board) = ask(lab, &text);
        matches!(number(&board, "users"), Measure::Number(_)).then_some(board)
    });
    assert_eq!(number(&board, "scalar"), Measure::Number(42.0));
    assert_eq!(number(&board, "nan"), Measure::NoData, "NaN samples are dropped here");
    assert!(matches!(number(&board, "typo"), Measure::Unreadable(_)));
    // The value is of half a minute ago and stamped now (1.79), so its age cannot be shown.
    let (at, value) = track(&board, "users").newest().unwrap().clone();
    assert!(from_clock().duration_since(at) < SignedDuration::from_secs(20));
    let lag = at.as_second() as f64 - value.number().unwrap();
    assert!((20.0..60.0).contains(&lag), "{lag} s");
    assert!(track(&board, "users").len() > 5, "history came too");
    let vm = &board.sources[&SourceName::new("vm")];
    assert_eq!(vm.status, Status::Ok, "{vm:?}");
    assert_eq!(vm.about.as_str(), "speaks like Prometheus, version not told");
}

/// Alertmanager goes on answering while nothing reaches it any more: only the alert that always fires can tell.
#[test]
fn an_expected_alert_that_stops_turns_the_board_unknown() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let Some(am) = alertmanager(lab) else { return };
    let post = |alerts: &str| {
        let json = ["Content-Type: application/json"];
        let (code, said) = http(am.port, "POST", "/api/v2/alerts", &json, alerts).unwrap();
        assert_eq!(code, 200, "{said}");
    };
    let text = format!(
        r#"
[[source]]
name = "am"
kind = "alertmanager"
url = "{}"
expects = [{{ name = "watchdog", labels = {{ alertname = "Watchdog" }} }}]
[[service]]
name = "web"
"#,
        am.url("")
    );
    let verdict = || {
        let (team, board) = ask(lab, &text);
        let listed = board.alerts.present().count();
        (survey(&board, &team, from_clock()).verdict, listed)
    };
    // Not even once: that is said at once.
    assert_eq!(verdict().0.dead_man.len(), 1);
    post(r#"[{"labels": {"alertname": "Watchdog", "severity": "none"}}]"#);
    let listed = until("the expected alert", || {
        let (verdict, listed) = verdict();
        verdict.dead_man.is_empty().then_some(listed)
    });
    assert_eq!(listed, 0, "it is no trouble");
    // It ends, as it does when the store that sends it is gone.
    let ends = from_clock();
    post(&format!(
        r#"[{{"labels": {{"alertname": "Watchdog", "severity": "none"}}, "endsAt": "{ends}"}}]"#
    ));
    let verdict = until("the silence of it", || {
        let (verdict, _) = verdict();
        (!verdict.dead_man.is_empty()).then_some(verdict)
    });
    assert_eq!(verdict.dead_man[0].name.as_str(), "watchdog");
    assert_eq!(verdict.worst, Health::Unknown);
    std::fs::write(lab.join("andon.toml"), &text).unwrap();
    let check = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["check", "--config"])
        .arg(lab.join("andon.toml"))
        .env_clear()
        .env("HOME", lab)
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(2));
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("alerting is broken: watchdog"), "{said}");
}
