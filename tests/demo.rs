//! The demo from outside: real sockets, the questions that strangers' clients send, and the answers they accept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use andon::demo::{self, Options, Running};
use andon::engine::poll_once;
use andon::insight::{Survey, survey};
use andon::model::{Board, Clean, Health, Name, Outcome, Status};
use serde_json::Value;

fn demo_at(at: f64) -> Running {
    demo::start(Options { at, ..Options::default() }).unwrap()
}

/// One request on its own connection: the status, the head and the body.
fn ask(to: SocketAddr, method: &str, path: &str, kind: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(to).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\nauthorization: Bearer x\r\n\
         content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn get(running: &Running, path: &str) -> Value {
    let (status, _, body) = ask(running.address, "GET", path, "", "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn query(running: &Running, expr: &str) -> Value {
    let body =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("query", expr).finish();
    let form = "application/x-www-form-urlencoded";
    let (status, _, body) = ask(running.address, "POST", "/prometheus/api/v1/query", form, &body);
    assert_eq!(status, 200, "{expr}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn number(running: &Running, expr: &str) -> f64 {
    let answer = query(running, expr);
    answer["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap()
}

const ERRORS: &str = r#"sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m])) / sum(rate(http_requests_total{service="checkout"}[1m]))"#;
const P95: &str = r#"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="checkout"}[1m])))"#;

#[test]
fn the_numbers_tell_the_story() {
    let (calm, outage, after) = (demo_at(30.0), demo_at(250.0), demo_at(520.0));
    assert!(number(&calm, ERRORS) < 0.01 && number(&calm, P95) < 0.4);
    assert!(number(&outage, ERRORS) > 0.1 && number(&outage, P95) > 1.2);
    assert!(number(&after, ERRORS) < 0.01 && number(&after, P95) < 0.4);
}

#[test]
fn several_questions_in_one_are_answered_apart() {
    let demo = demo_at(0.0);
    let both = r#"label_replace(sum(workers{service="web"}), "andon", "1", "", "") or label_replace(sum(workers{service="db"}), "andon", "2", "", "") or label_replace(nothing_here, "andon", "3", "", "")"#;
    let answer = query(&demo, both);
    let result = answer["data"]["result"].as_array().unwrap();
    assert_eq!(result.len(), 2);
    assert_eq!(result[0]["metric"]["andon"], "1");
    assert_eq!(result[0]["value"][1], "96");
    assert_eq!(result[1]["value"][1], "400");
}

#[test]
fn a_month_of_history_shows_days_and_nights() {
    let demo = demo_at(0.0);
    let now = jiff::Timestamp::now().as_second();
    let path = format!(
        "/prometheus/api/v1/query_range?query=60*sum(rate(shop_orders_total%5B1m%5D))&start={}&end={now}&step=3600",
        now - 31 * 86_400
    );
    let answer = get(&demo, &path);
    let values: Vec<f64> = answer["data"]["result"][0]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v[1].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(values.len(), 745);
    let (low, high) = values.iter().fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(*v), h.max(*v)));
    assert!(low < 0.3 * high && high > 8.0, "{low} {high}");
}

#[test]
fn what_the_store_refuses_it_refuses_in_its_own_words() {
    let demo = demo_at(0.0);
    for (path, status, kind) in [
        ("/prometheus/api/v1/query?query=sum(", 400, "bad_data"),
        ("/prometheus/api/v1/query?query=up&time=soon", 400, "bad_data"),
        ("/prometheus/api/v1/query_range?query=up&start=0&end=20000000&step=1", 400, "bad_data"),
        ("/prometheus/api/v1/query_range?query=up&start=10&end=5&step=1", 400, "bad_data"),
        ("/prometheus/api/v1/query_range?query=up&start=1&end=5&step=0", 400, "bad_data"),
        ("/prometheus/api/v1/query?query=workers%20/%20on%20(job)%20up", 422, "execution"),
    ] {
        let (got, _, body) = ask(demo.address, "GET", path, "", "");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((got, body["errorType"].as_str().unwrap()), (status, kind), "{path}: {body}");
    }
    let (status, _, body) = ask(demo.address, "GET", "/prometheus/api/v1/nope", "", "");
    assert_eq!((status, body.as_str()), (404, "404 page not found\n"));
}

#[test]
fn silences_are_made_extended_and_ended() {
    let demo = demo_at(0.0);
    let json = "application/json";
    let path = "/alertmanager/api/v2/silences";
    let now = jiff::Timestamp::now();
    let later = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    let body = |id: &str, starts: &str, ends: &str| {
        serde_json::json!({
            "id": id, "startsAt": starts, "endsAt": ends, "createdBy": "ops", "comment": "☕",
            "matchers": [{"name": "alertname", "value": "UploadUnreadable", "isRegex": false}],
        })
        .to_string()
    };
    let post = |body: &str| ask(demo.address, "POST", path, json, body);
    let (status, _, answer) = post(&body("", &now.to_string(), &later(1)));
    assert_eq!(status, 200, "{answer}");
    let id =
        serde_json::from_str::<Value>(&answer).unwrap()["silenceID"].as_str().unwrap().to_owned();
    let one = format!("/alertmanager/api/v2/silence/{id}");
    let made = get(&demo, &one);
    let quiet = get(&demo, "/alertmanager/api/v2/alerts?active=false");
    assert!(quiet.as_array().unwrap().iter().any(|a| a["status"]["silencedBy"][0] == id.as_str()));
    let (_, _, again) = post(&body(&id, made["startsAt"].as_str().unwrap(), &later(2)));
    assert!(again.contains(&id), "the same silence is extended in place: {again}");
    let (_, _, moved) = post(&body(&id, &later(1), &later(2)));
    assert!(!moved.contains(&id), "another start is another silence: {moved}");
    assert_eq!(get(&demo, &one)["status"]["state"], "expired");
    assert_eq!(ask(demo.address, "DELETE", &one, "", "").0, 200);
    let unknown = "/alertmanager/api/v2/silence/00000000-0000-0000-0000-000000000000";
    assert_eq!(ask(demo.address, "DELETE", unknown, "", "").0, 500);
    assert_eq!(ask(demo.address, "GET", unknown, "", "").0, 404);
    assert_eq!(ask(demo.address, "GET", "/alertmanager/api/v2/silence/x", "", "").0, 422);
    assert_eq!(ask(demo.address, "POST", path, "text/plain", "{}").0, 415);
    assert_eq!(post(r#"{"matchers":[]}"#).0, 422);
}

#[test]
fn reasons_for_silence_are_all_there() {
    let demo = demo_at(250.0);
    let groups = get(&demo, "/alertmanager/api/v2/alerts/groups");
    let alerts: Vec<&Value> =
        groups.as_array().unwrap().iter().flat_map(|g| g["alerts"].as_array().unwrap()).collect();
    let named = |name: &str| {
        alerts.iter().find(|a| a["labels"]["alertname"] == name).unwrap_or_else(|| panic!("{name}"))
    };
    let errors = named("HighErrorRatio");
    assert_eq!(errors["status"]["state"], "active");
    assert_eq!(named("HighLatency")["status"]["inhibitedBy"][0], errors["fingerprint"]);
    assert_eq!(named("MailQueueOld")["status"]["silencedBy"].as_array().unwrap().len(), 1);
    let text = named("UploadUnreadable")["annotations"]["description"].as_str().unwrap();
    for hostile in ["\u{1b}]0;", "\u{202e}", "\u{200b}", "<b>", "\u{301}"] {
        assert!(text.contains(hostile), "{hostile:?}");
    }
}

#[test]
fn one_rule_is_broken_and_says_why() {
    let demo = demo_at(0.0);
    let rules = get(&demo, "/prometheus/api/v1/rules?type=alert");
    let all: Vec<&Value> = rules["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap())
        .collect();
    let broken: Vec<_> = all.iter().filter(|r| r["health"] == "err").collect();
    assert_eq!(broken.len(), 1);
    assert!(broken[0]["lastError"].as_str().unwrap().contains("many-to-many"));
    assert_eq!(broken[0]["state"], "inactive");
}

#[test]
fn nothing_served_is_dated_in_the_readers_future_at_any_speed() {
    for (speed, at) in [(1.0, 250.0), (20.0, 250.0), (60.0, 3_000.0)] {
        let demo = demo::start(Options { speed, at, port: 0 }).unwrap();
        let alerts = get(&demo, "/alertmanager/api/v2/alerts");
        let now = jiff::Timestamp::now();
        for alert in alerts.as_array().unwrap() {
            let start: jiff::Timestamp = alert["startsAt"].as_str().unwrap().parse().unwrap();
            assert!(start <= now, "{alert}");
        }
    }
}

#[test]
fn the_folder_is_gone_when_the_demo_is() {
    let demo = demo_at(0.0);
    let folder = demo.folder().to_owned();
    assert!(folder.join("post-mortems").read_dir().unwrap().count() >= 8);
    drop(demo);
    assert!(!folder.exists());
}

/// Everything that andon's own sources read from a demo at a moment, and what follows from it.
fn read_at(at: f64) -> (Running, Board, Survey) {
    let demo = demo_at(at);
    let config = match andon::config::load_text(&demo.config, demo.folder(), &[]) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}"),
    };
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(60)) {
        let status = heard.freshness.status;
        let report =
            heard.outcome.unwrap_or_else(|trouble| panic!("{}: {trouble:?}", heard.source));
        assert_eq!(report.partial, None, "{}", heard.source);
        assert_eq!(status, Status::Ok, "{}", heard.source);
        assert!(!report.facts.is_empty() || !report.still.is_empty(), "{}", heard.source);
        board.fold(&heard.source, heard.at, report);
        board.sources.insert(heard.source, heard.freshness);
    }
    let survey = survey(&board, &config.team, jiff::Timestamp::now());
    (demo, board, survey)
}

fn health(survey: &Survey, name: &str) -> Health {
    survey.service(&Name::new(name)).unwrap().health
}

#[test]
fn the_first_screen_is_green_but_for_the_mail_and_a_broken_rule() {
    let (_demo, board, survey) = read_at(2.0);
    for name in ["web", "checkout", "payments", "ledger", "search", "login", "db"] {
        assert_eq!(health(&survey, name), Health::Ok, "{name}");
    }
    assert_eq!(health(&survey, "mail"), Health::Degraded);
    assert_eq!(health(&survey, "reports"), Health::Unknown);
    assert_eq!(board.post_mortems.present().count(), 8);
    assert!(board.deploys.present().count() > 100);
    assert!(board.runs.present().count() > 100);
    assert!(board.releases.present().count() > 40);
    assert_eq!(board.calendars.len(), 4);
    let open: Vec<_> = board.incidents.present().filter(|r| r.what.status.is_open()).collect();
    assert_eq!(open.len(), 1);
}

#[test]
fn the_outage_is_on_the_board_with_who_has_it_and_what_changed_before() {
    let (demo, board, survey) = read_at(240.0);
    assert_eq!(health(&survey, "checkout"), Health::Down);
    let checkout = survey.service(&Name::new("checkout")).unwrap();
    let first = checkout.changes.first().unwrap();
    assert!(first.what.as_str().contains("v412"), "{:?}", checkout.changes);
    assert!(first.before_s < 120, "{first:?}");
    let guard = demo.world.guard("checkout", demo.world.clock.real(240.0)).name;
    assert_eq!(checkout.held_by.as_ref().map(Clean::as_str), Some(guard));
    let hostile =
        board.alerts.present().find(|a| a.what.name.as_str() == "UploadUnreadable").unwrap();
    let shown = hostile.what.description.as_str();
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown}");
}

#[test]
fn the_code_host_answers_andons_own_question_in_its_newest_form() {
    let (_running, board, _) = read_at(240.0);
    let host = board.sources.values().find(|f| f.kind == "github").unwrap();
    let unusual: Vec<_> =
        host.notes.iter().filter(|n| !n.as_str().starts_with("history: ")).collect();
    assert!(unusual.is_empty(), "{unusual:?}");
    assert!(!board.milestones.is_empty());
    assert!(board.drifts.all().any(|d| d.what.repo.as_str().ends_with("/checkout")));
}

#[test]
fn after_the_rollback_the_old_version_is_live_and_all_is_calm() {
    let (_demo, board, survey) = read_at(520.0);
    // Its last five minutes still burn its budget; nothing else is wrong with it any more.
    let checkout = survey.service(&Name::new("checkout")).unwrap();
    let reasons: Vec<&str> = checkout.signals.iter().map(|(_, words)| words.as_str()).collect();
    assert!(reasons.iter().all(|words| words.starts_with("availability: budget")), "{reasons:?}");
    let (_later, _, calm) = read_at(800.0);
    assert_eq!(health(&calm, "checkout"), Health::Ok);
    let mut deploys: Vec<_> = board
        .deploys
        .present()
        .map(|r| &r.what)
        .filter(|d| d.repo.as_str() == "harbour/checkout" && d.environment.as_str() == "production")
        .collect();
    deploys.sort_by_key(|d| d.started);
    let versions: Vec<&str> = deploys.iter().rev().take(2).map(|d| d.version.as_str()).collect();
    assert_eq!(versions, ["v411", "v412"]);
    assert!(deploys.iter().rev().take(2).all(|d| d.outcome == Outcome::Succeeded));
}

#[test]
fn unchanged_answers_are_said_in_few_bytes() {
    let demo = demo_at(0.0);
    let path = "/calendars/releases.ics";
    let (_, head, _) = ask(demo.address, "GET", path, "", "");
    let tag = head.lines().find_map(|l| l.strip_prefix("etag: ")).unwrap().replace("w/", "W/");
    let (status, _, body) = ask(
        demo.address,
        "GET",
        &format!("{path} HTTP/1.1\r\nif-none-match: {tag}\r\nx-rest:"),
        "",
        "",
    );
    assert_eq!((status, body.as_str()), (304, ""));
}

#[test]
fn pages_of_the_code_host_follow_each_other_within_its_origin() {
    let demo = demo_at(0.0);
    let origin = format!("http://{}", demo.address);
    let mut path = "/github/api/v3/repos/harbour/checkout/deployments?per_page=7".to_owned();
    let mut ids = std::collections::BTreeSet::new();
    let mut pages = 0;
    loop {
        let (status, head, body) = ask(demo.address, "GET", &path, "", "");
        assert_eq!(status, 200);
        let list: Vec<Value> = serde_json::from_str(&body).unwrap();
        for one in &list {
            assert!(ids.insert(one["id"].as_i64().unwrap()), "twice on the pages");
            assert!(one["url"].as_str().unwrap().starts_with(&origin));
        }
        pages += 1;
        let link = head.lines().find_map(|l| l.strip_prefix("link: ")).unwrap_or("");
        let Some(next) = link.split(", ").find(|l| l.ends_with("rel=\"next\"")) else { break };
        let url = next.trim_start_matches('<').split('>').next().unwrap();
        path = url.strip_prefix(&origin).unwrap().to_owned();
    }
    assert!(pages > 3 && ids.len() > 20, "{pages} {}", ids.len());
    for missing in
        ["/repos/harbour/nothing", "/repos/other/checkout", "/nope", "/repos/harbour/checkout/"]
    {
        let (status, _, body) =
            ask(demo.address, "GET", &format!("/github/api/v3{missing}"), "", "");
        assert_eq!(status, 404, "{missing}: {body}");
    }
}
