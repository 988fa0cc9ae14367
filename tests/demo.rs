//! The demo from outside: real sockets, the questions that strangers' clients send, and the answers they accept.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use andon::demo::{self, Options, Running};
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
    assert!(low < 0.3 * high && high > 25.0, "{low} {high}");
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
