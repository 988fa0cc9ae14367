//! Grafana's annotations: points and stretches, text with markup, tags that say whose they are, and pages.

use std::collections::BTreeMap;

use andon::model::{ChangesOf, Clean, Matching, Name, Service, Status};
use andon::source::{Asking, Source};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::{fixtures::transcript, mutate};
use crate::support::{Polled, answer, now, open_for, poll, poll_as};

const HEALTH: &str = r#"{"commit":"83b9528bce","database":"ok","version":"11.3.0"}"#;

fn services() -> Vec<Service> {
    let service = |name: &str, labels: &[(&str, &str)]| Service {
        name: Name::new(name),
        matching: Matching {
            labels: labels.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect(),
            ..Matching::default()
        },
        ..Service::default()
    };
    vec![service("checkout", &[]), service("db", &[]), service("coupons", &[("app", "co")])]
}

fn open(options: &str) -> Box<dyn Source> {
    open_for("grafana", options, vec![], vec![], &services()).unwrap_or_else(|p| panic!("{p:?}"))
}

fn told(body: &str) -> Polled {
    poll(&*open(""), |http| {
        Ok(answer(http, 200, if &*http.tag == "health" { HEALTH } else { body }))
    })
}

#[test]
fn annotations_become_changes_of_the_services_their_tags_name() {
    let told = told(&transcript("grafana/annotations.json"));
    let all = told.changes();
    let said: Vec<String> = all
        .iter()
        .map(|c| {
            let of: Vec<&str> = c.service_names.iter().map(Clean::as_str).collect();
            format!("{}|{} ({}) of {}", c.origin, c.summary, c.who, of.join(","))
        })
        .collect();
    assert_eq!(
        said,
        [
            "|Deploy checkout v412 → production build 981 (ada) of checkout",
            "infra|more replicas in the second zone (tomas) of db",
            "|flag vouchers-v2 app=co (noor@acme.example) of coupons",
            // Names nobody: everybody's. Names somebody else: nobody's here.
            "|network works in the whole house () of ",
            "deploy|somebody else's () of warehouse",
        ]
    );
    let moment = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(
        (all[0].at, all[0].until),
        (moment("2026-11-22T11:40:00Z"), moment("2026-11-22T11:42:00Z"))
    );
    // An end of nought, or one that is the beginning, is a point.
    assert!(all[1..].iter().all(|c| c.until.is_none()));
    let urls: Vec<_> = all.iter().map(|c| c.url.as_ref().map(|u| u.clean().to_string())).collect();
    assert_eq!(urls[0].as_deref(), Some("https://ci.acme.example/builds/981?a=1&b=2"));
    assert_eq!(told.report().about.as_ref().map(Clean::as_str), Some("Grafana 11.3.0"));
    assert_eq!(told.report().partial, None);
    assert_eq!(open("").tells_changes(), Some((ChangesOf::Named, true)));
}

#[test]
fn a_first_poll_asks_for_a_week_and_later_ones_for_what_may_be_new() {
    let source = open(r#"tags = ["deploy", "prod uction"]"#);
    let mut memory = BTreeMap::new();
    let mut ask = |hours: i64| {
        let moment = now() + SignedDuration::from_hours(hours);
        let round = u64::try_from(hours).unwrap();
        let asking = Asking { now: moment, last_ok: None, round, memory: &memory };
        let polled = poll_as(&*source, &asking, |http| Ok(answer(http, 200, "[]")));
        let asked = polled.asked();
        let url = &asked[0].url;
        let one = |key: &str| url.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.to_string());
        let millis = |key: &str| one(key).unwrap().parse::<i64>().unwrap();
        let tags: Vec<_> =
            url.query_pairs().filter(|(k, _)| k == "tags").map(|(_, v)| v.to_string()).collect();
        assert_eq!(tags, ["deploy", "prod uction"]);
        assert_eq!(
            (url.path(), one("type").as_deref()),
            ("/base/api/annotations", Some("annotation"))
        );
        assert_eq!(millis("to"), moment.as_millisecond());
        let from = polled.report().changes[0].from.unwrap();
        let remember = polled.report().remember.clone();
        let span = (millis("to") - millis("from")) / 3_600_000;
        memory.extend(remember);
        (span, moment.duration_since(from).as_hours())
    };
    assert_eq!(ask(0), (168, 168));
    assert_eq!(ask(1), (24, 169), "nothing was missed in between");
    assert_eq!(ask(101), (100, 269), "what came while nobody asked is asked for");
    // Beyond ninety days there is a gap, and what is known begins anew.
    assert_eq!(ask(101 + 91 * 24), (90 * 24, 90 * 24));
}

#[test]
fn pages_follow_the_ends_and_come_to_an_end() {
    let all: Vec<_> = (0..450_i64)
        .map(|i| json!({ "id": 1_000 - i, "time": 1_795_347_000_000_i64 - i * 1_000, "text": format!("n{i}") }))
        .collect();
    let serve = |all: &[serde_json::Value], to: i64, limit: usize| {
        let page = all.iter().filter(|a| a["time"].as_i64().unwrap() <= to).take(limit);
        serde_json::Value::Array(page.cloned().collect()).to_string()
    };
    let number = |http: &andon::source::Http, key: &str| {
        let found = http.url.query_pairs().find(|(k, _)| k == key);
        found.unwrap().1.parse::<i64>().unwrap()
    };
    let poll_all = |all: &[serde_json::Value]| {
        poll(&*open(""), |http| {
            let body = match &*http.tag {
                "health" => HEALTH.to_owned(),
                _ => serve(all, number(http, "to"), number(http, "limit") as usize),
            };
            Ok(answer(http, 200, body))
        })
    };
    let told = poll_all(&all);
    assert_eq!(told.changes().len(), 450);
    assert!(told.report().notes.is_empty());
    // More than five pages are cut, said, and known no further back than they reach.
    let many: Vec<_> = (0..3_000_i64)
        .map(|i| json!({ "id": i + 1, "time": 1_795_347_000_000_i64 - i * 1_000, "text": "x" }))
        .collect();
    let told = poll_all(&many);
    let oldest = told.changes().iter().filter_map(|c| c.at).min();
    assert!(told.changes().len() < 1_001, "five pages");
    assert!(told.report().notes[0].as_str().starts_with("annotations: truncated at"));
    assert_eq!(
        told.report().changes[0].from.map(Timestamp::as_second),
        oldest.map(Timestamp::as_second)
    );
    // All in one millisecond: no page is older than the one before.
    let same: Vec<_> = (0..900_i64)
        .map(|i| json!({ "id": i + 1, "time": 1_795_347_000_000_i64, "text": "x" }))
        .collect();
    assert_eq!(poll_all(&same).changes().len(), 200);
}

#[test]
fn a_refusal_says_what_is_needed_and_health_is_not_needed() {
    let polled = poll(&*open(""), |http| Ok(answer(http, 401, r#"{"message":"Unauthorized"}"#)));
    let trouble = polled.trouble();
    assert_eq!(trouble.status, Status::Auth);
    assert!(trouble.hint.as_ref().unwrap().as_str().contains("service account"), "{trouble:?}");
    let polled = poll(&*open(""), |http| {
        let ok = &*http.tag != "health";
        Ok(answer(http, if ok { 200 } else { 503 }, if ok { "[]" } else { "" }))
    });
    assert!(polled.changes().is_empty() && polled.report().about.is_none());
    let polled = poll(&*open(""), |http| {
        let body = if &*http.tag == "health" {
            r#"{"database":"failing","version":"9.0.0"}"#
        } else {
            "[]"
        };
        Ok(answer(http, 200, body))
    });
    assert!(polled.report().notes[0].as_str().contains("database: failing"));
}

#[test]
fn no_body_breaks_it_and_nothing_hostile_is_told() {
    for spoilt in mutate::spoil(&transcript("grafana/annotations.json"), 2) {
        let polled = told(&spoilt.body);
        if polled.outcome.is_ok() {
            for change in polled.changes() {
                let names = change.service_names.iter();
                for text in [&change.summary, &change.origin, &change.who].into_iter().chain(names)
                {
                    assert_eq!(&Clean::line(text.as_str()), text, "{} {}", spoilt.at, spoilt.how);
                }
                assert!(change.at.is_some());
            }
        }
    }
    for odd in ["null", "{}", "\"x\"", "[1,2]"] {
        assert!(told(odd).outcome.is_err(), "{odd}");
    }
}
