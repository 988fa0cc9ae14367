//! Broken is never green: every kind of web source, every broken answer, as the first one and after a good one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/fault_server.rs"]
mod fault_server;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use andon::cockpit::{Heard, Message, Which};
use andon::config::{Config, load_text};
use andon::engine::{Limits, Watch, from_clock, poll_once};
use andon::insight::survey;
use andon::model::{Board, Health, Status};
use jiff::SignedDuration;

use fault_server::{FaultServer, answer, json};

/// What a poll may meet instead of an answer, all with a success in the status line.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let page = b"<!DOCTYPE html><title>Sign in</title>";
    let said = |body: &str| json(body);
    vec![
        ("empty", said("")),
        ("204", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec()),
        ("null", said("null")),
        ("a page", answer("200 OK", "Content-Type: text/html\r\n", page)),
        ("a page called JSON", answer("200 OK", "Content-Type: application/json\r\n", page)),
        ("status error", said(r#"{"status":"error","errorType":"internal","error":"no"}"#)),
        ("success without data", said(r#"{"status":"success"}"#)),
        ("success with null", said(r#"{"status":"success","data":null}"#)),
        ("an error", said(r#"{"error":{"message":"no","code":5000}}"#)),
        ("errors", said(r#"{"errors":[{"message":"no"}],"data":null}"#)),
        ("a number", said("42")),
        ("a word", said("\"ok\"")),
        ("an object", said("{}")),
        ("cut", said(r#"{"status":"success","data":{"resultType":"vector","result":[{"metr"#)),
        ("cut list", said(r#"[{"labels":{"alertname":"A","#)),
        (
            "half a frame",
            b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"incidents\":[".to_vec(),
        ),
    ]
}

/// A good answer for whatever is asked: a number, an alert, an incident, a deploy.
fn good(path: &str) -> Vec<u8> {
    let now = from_clock();
    json(&match path.split('?').next().unwrap_or("") {
        "/prom/api/v1/query" => format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[{},"0.5"]}}]}}}}"#,
            now.as_second()
        ),
        "/prom/api/v1/query_range" => {
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#.into()
        }
        "/prom/api/v1/rules" => r#"{"status":"success","data":{"groups":[{"name":"g","file":"f","rules":[{"type":"alerting","name":"Slow","state":"inactive","health":"ok","query":"up","labels":{"service":"desk"}}]}]}}"#.into(),
        "/prom/api/v1/status/buildinfo" => r#"{"status":"success","data":{"version":"2.42.0"}}"#.into(),
        "/am/api/v2/alerts/groups" | "/am/api/v2/silences" => "[]".into(),
        "/am/api/v2/status" => r#"{"versionInfo":{"version":"0.25.0"}}"#.into(),
        "/json" => r#"{"orders":7}"#.into(),
        "/pd/incidents" => r#"{"incidents":[],"more":false}"#.into(),
        "/pd/oncalls" => r#"{"oncalls":[],"more":false}"#.into(),
        "/pd/change_events" => r#"{"change_events":[],"more":false}"#.into(),
        "/pd/priorities" => r#"{"priorities":[],"more":false}"#.into(),
        "/pd/services" => r#"{"services":[],"more":false}"#.into(),
        "/gh/graphql" => r#"{"data":{"rateLimit":{"cost":1,"remaining":4999,"resetAt":"2030-01-01T00:00:00Z"},"r0":{"deployments":{"nodes":[]},"releases":{"nodes":[]}}}}"#.into(),
        _ => r#"{"total_count":0,"workflow_runs":[]}"#.into(),
    })
}

fn config(server: &FaultServer) -> Config {
    let at = |path: &str| server.url(path);
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
[[source]]
name = "pd"
kind = "pagerduty"
url = "{}"
auth = {{ token = "env:PATH" }}
every = "15s"
[[source]]
name = "gh"
kind = "github"
url = "{}"
repos = ["acme/shop"]
every = "15s"
[[source]]
name = "kpi"
kind = "json"
url = "{}"
every = "15s"
[[service]]
name = "shop"
[[service.metric]]
name = "errors"
source = "prom"
query = "errors"
good = "< 1"
[[service]]
name = "desk"
[[service]]
name = "orders"
[[service.metric]]
name = "orders"
source = "kpi"
query = "/orders"
good = "> 1"
[[service]]
name = "alone"
"#,
        at("/prom"),
        at("/am"),
        at("/pd"),
        at("/gh"),
        at("/json"),
    )
    .replace("auth = { token = \"env:PATH\" }\n", "");
    load_text(&text, Path::new("/"), &[]).unwrap_or_else(|p| panic!("{p}"))
}

fn fold(board: &mut Board, heard: Heard) {
    board.sources.insert(heard.source.clone(), heard.freshness);
    if let Ok(report) = heard.outcome {
        board.fold(&heard.source, heard.at, report);
    }
}

#[test]
fn no_broken_first_answer_is_green() {
    for (what, bytes) in broken() {
        let server = FaultServer::saying(bytes);
        let Config { team, upstreams, .. } = config(&server);
        let mut board = Board::default();
        for heard in poll_once(upstreams, Duration::from_secs(20)) {
            fold(&mut board, heard);
        }
        let found = survey(&board, &team, from_clock());
        for service in &found.services {
            assert_eq!(service.health, Health::Unknown, "{what}: {service:?}");
            assert!(!service.reason.is_empty(), "{what}: {}", service.name);
        }
        for (name, freshness) in &board.sources {
            // A question may be refused, and an alien object may lack all that is asked: the row says so.
            let refused = name.as_str() == "prom" && what == "status error";
            let alien = name.as_str() == "kpi" && freshness.status == Status::Partial;
            let well = freshness.status.is_good();
            assert!(!well || refused || alien, "{what}: {name} {freshness:?}");
            assert!(well || !freshness.message.is_empty(), "{what}: {name} says nothing");
        }
    }
}

#[test]
fn a_broken_answer_after_a_good_one_keeps_the_rows_and_never_their_green() {
    let limits = Limits {
        grid: Duration::from_millis(5),
        spread: Duration::from_millis(5),
        after_refusal: Duration::ZERO,
        ..Limits::default()
    };
    for (what, bytes) in broken() {
        let ill = Arc::new(AtomicBool::new(false));
        let is_ill = ill.clone();
        let server = FaultServer::start(move |asked, stream| {
            let good = || good(asked.path());
            let bytes = if is_ill.load(Ordering::SeqCst) { bytes.clone() } else { good() };
            let _ = stream.write_all(&bytes);
        });
        let Config { team, upstreams, .. } = config(&server);
        let names: Vec<_> = upstreams.iter().map(|u| u.name.clone()).collect();
        let (tell, told) = mpsc::channel();
        let sink = move |message| {
            if let Message::Heard(heard) = message {
                let _ = tell.send(heard);
            }
        };
        let watch = Watch::start_within(upstreams, limits.clone(), Box::new(sink));
        let mut board = Board::default();
        let round = |board: &mut Board, asked_after: jiff::Timestamp| {
            let mut left = names.clone();
            while !left.is_empty() {
                let heard = told.recv_timeout(Duration::from_secs(20)).unwrap();
                if heard.at >= asked_after {
                    left.retain(|name| *name != heard.source);
                }
                fold(board, *heard);
            }
        };
        round(&mut board, jiff::Timestamp::MIN);
        let states = |board: &Board, after: i64| -> Vec<(Health, bool)> {
            let at = from_clock() + SignedDuration::from_secs(after);
            let found = survey(board, &team, at);
            found.services.iter().map(|s| (s.health, s.overlays.stale)).collect()
        };
        let (ok, unknown) = ((Health::Ok, false), (Health::Unknown, false));
        assert_eq!(states(&board, 0), [ok, ok, ok, unknown], "{what}: {:?}", board.sources);
        let rows = board.tracks.len();

        ill.store(true, Ordering::SeqCst);
        watch.poll(Which::All);
        round(&mut board, from_clock() - SignedDuration::from_millis(1));
        assert_eq!(board.tracks.len(), rows, "{what}: rows are gone");
        for (health, stale) in states(&board, 31) {
            assert!(health != Health::Ok || stale, "{what}: green without a mark after 31 s");
        }
        for (health, _) in states(&board, 301) {
            assert_eq!(health, Health::Unknown, "{what} after five minutes");
        }
        for name in ["am", "pd", "gh"] {
            let freshness = &board.sources[&andon::model::SourceName::new(name)];
            assert!(!freshness.status.is_good(), "{what}: {name} {freshness:?}");
        }
    }
}

#[test]
fn an_alert_router_that_tells_silences_but_no_alerts_is_not_well() {
    let server = FaultServer::start(|asked, stream| {
        let is_alerts = asked.path().starts_with("/am/api/v2/alerts");
        let failing = || answer("500 Internal Server Error", "", b"{}");
        let bytes = if is_alerts { failing() } else { good(asked.path()) };
        let _ = stream.write_all(&bytes);
    });
    let Config { team, upstreams, .. } = config(&server);
    let mut board = Board::default();
    for heard in poll_once(upstreams, Duration::from_secs(20)) {
        fold(&mut board, heard);
    }
    let am = &board.sources[&andon::model::SourceName::new("am")];
    assert_eq!((am.status, am.last_ok), (Status::ServerError, None), "{}", am.message);
    let found = survey(&board, &team, from_clock());
    assert_eq!(found.verdict.failing_sources, 1, "the head says so");
    let desk = found.services.iter().find(|s| s.name.as_str() == "desk").unwrap();
    assert_eq!(desk.health, Health::Unknown, "its rule is quiet, but nobody would tell");
}
