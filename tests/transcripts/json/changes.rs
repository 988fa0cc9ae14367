//! Changes out of any JSON: a log of flags becomes what changed, and what cannot be read is counted and named.

use std::collections::BTreeMap;

use andon::model::{ChangesOf, Name, Service};
use andon::source::{Asking, Problem};
use jiff::{SignedDuration, Timestamp};

use crate::common::{fixtures::transcript, mutate};
use crate::support::{Polled, answer, now, open_for, poll, poll_as};

/// How `LaunchDarkly`'s audit log is read (docs: api/audit-log/get-audit-log-entries; moments in milliseconds).
const FLAGS: &str = r#"changes = { at = "/items", time = "/date", time_unit = "ms", id = "/_id", kind = "flag",
    title = ["/name", "/titleVerb"], who = "/member/email", service = "/parent/name", url = "/_links/site/href" }"#;

fn services() -> Vec<Service> {
    let service = |name: &str| Service { name: Name::new(name), ..Service::default() };
    ["checkout", "login"].map(service).to_vec()
}

fn open(options: &str) -> Box<dyn andon::source::Source> {
    let options = options.replace('\n', " ");
    open_for("json", &options, vec![], vec![], &services()).unwrap_or_else(|p| panic!("{p:?}"))
}

fn told(options: &str, body: &str) -> Polled {
    poll(&*open(options), |http| Ok(answer(http, 200, body)))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_audit_log_of_flags_tells_what_changed_who_did_it_and_whose_it_is() {
    let told = told(FLAGS, &transcript("json/auditlog.json"));
    let all = told.changes();
    let said: Vec<String> = all
        .iter()
        .map(|c| format!("{} {} ({}) {:?}", c.origin, c.summary, c.who, c.service_names))
        .collect();
    assert_eq!(
        said,
        [
            "flag vouchers-v2 changed the default rule for the flag (ada@acme.example) [\"checkout\"]",
            "flag passkeys turned on the flag () [\"login\"]",
            "flag beta testers updated the segment (noor@acme.example) []",
        ]
    );
    assert_eq!(all[0].at, Some(at("2026-11-22T11:40:00.123Z")));
    assert_eq!(all[0].key.id.raw(), "6741b0f0a1b2c3d4e5f60718");
    let url = all[0].url.as_ref().map(|u| u.clean().to_string());
    assert_eq!(
        url.as_deref(),
        Some("https://app.launchdarkly.example/shop/production/features/vouchers-v2")
    );
    // The list tells of everything since its oldest record, and of nothing before.
    let known = &told.report().changes;
    assert_eq!((known.len(), known[0].from), (1, Some(at("2026-11-22T10:40:00Z"))));
    assert_eq!(told.report().partial, None);
}

#[test]
fn a_log_of_flags_speaks_for_everybody_and_knows_nothing_of_deploys() {
    let of = |options: &str| open(options).tells_changes();
    assert_eq!(of(FLAGS), Some((ChangesOf::Everybody, false)));
    let own = r#"changes = { time = "/at", title = "/what", service = "Checkout" }"#;
    assert_eq!(of(own), Some((ChangesOf::Services(vec![Name::new("Checkout")]), true)));
    let deploys = r#"changes = { time = "/at", title = "/what", kind = "deploy" }"#;
    assert_eq!(of(deploys), Some((ChangesOf::Everybody, true)));
    assert_eq!(of(r#"metrics = [{ name = "a", at = "" }]"#), None);
}

#[test]
fn every_shape_of_a_moment_is_read_in_the_unit_of_its_field() {
    let own = r#"changes = { time = "/at", title = "/what", service = "/of" }"#;
    let body = r#"[
        { "at": "2026-11-22T11:00:00Z", "what": "a", "of": ["checkout", "login", 7, null, ""] },
        { "at": "2026-11-22T12:00:00.000+0100", "what": "b" },
        { "at": 1795345200, "what": "c" },
        { "at": "1795345200.5", "what": "d" },
        { "at": "Sun, 22 Nov 2026 11:00:00 GMT", "what": "e" }
    ]"#;
    let polled = told(own, body);
    let all = polled.changes();
    let hour = at("2026-11-22T11:00:00Z");
    let times: Vec<_> =
        all.iter().map(|c| c.at.unwrap().duration_since(hour).as_millis()).collect();
    assert_eq!(times, [0, 0, 0, 500, 0]);
    let of: Vec<&str> = all[0].service_names.iter().map(andon::model::Clean::as_str).collect();
    assert_eq!(of, ["checkout", "login", "7"]);
    // Milliseconds where seconds were meant are refused, with the way out.
    let polled = told(own, r#"[{ "at": 1795345200000, "what": "a" }]"#);
    let said = polled.trouble().message.to_string();
    assert!(said.contains("/0/at is no time in seconds") && said.contains("time_unit"), "{said}");
}

#[test]
fn without_an_identity_a_change_is_its_moment_and_its_words() {
    let own = r#"changes = { at = "/log", time = "/at", title = "/what" }"#;
    let body = r#"{ "log": [
        { "at": 1795345200, "what": "a" }, { "at": 1795345200, "what": "b" },
        { "at": 1795345200, "what": "a" }
    ] }"#;
    let polled = told(own, body);
    let keys: std::collections::BTreeSet<_> =
        polled.changes().iter().map(|c| c.key.clone()).collect();
    assert_eq!(keys.len(), 2);
    // Years of them are not told again at every poll.
    let old = told(own, r#"{ "log": [{ "at": 1600000000, "what": "old" }] }"#);
    assert!(old.changes().is_empty());
}

#[test]
fn how_far_back_is_known_grows_while_nothing_is_missed_and_begins_anew_after_a_silence() {
    let own = r#"changes = { time = "/at", title = "/what" }"#;
    let source = open(own);
    let mut memory = BTreeMap::new();
    let mut ask = |minute: i64, last: Option<i64>, oldest: Option<i64>| {
        let moment = |m: i64| now() + SignedDuration::from_mins(m);
        let list = oldest.map(|m| format!("{{\"at\":\"{}\",\"what\":\"x\"}}", moment(m)));
        let body = format!("[{}]", list.unwrap_or_default());
        let asking = Asking {
            now: moment(minute),
            last_ok: last.map(moment),
            round: u64::from(last.is_some()),
            memory: &memory,
        };
        let polled = poll_as(&*source, &asking, |http| Ok(answer(http, 200, &body)));
        let report = polled.report();
        let from = report.changes[0].from.unwrap();
        let remember = report.remember.clone();
        memory.extend(remember);
        from.duration_since(now()).as_mins()
    };
    assert_eq!(ask(0, None, Some(-90)), -90);
    assert_eq!(ask(1, Some(0), Some(-1)), -90, "it reaches back behind the last poll");
    assert_eq!(ask(2, Some(1), None), -90, "an empty list a moment later lost nothing");
    assert_eq!(
        ask(600, Some(2), Some(590)),
        590,
        "ten hours of silence, and a list of ten minutes"
    );
    assert_eq!(ask(1_300, None, None), 1_300, "after a restart an empty list knows nothing before");
}

#[test]
fn what_is_wrong_in_the_configuration_is_said_all_at_once() {
    let refused = |options: &str| -> Vec<String> {
        let problems = open_for("json", options, vec![], vec![], &services()).unwrap_err();
        let words = |p: &Problem| match p {
            Problem::Key { key, message } => format!("{key}: {message}"),
            other => format!("{other:?}"),
        };
        problems.iter().map(words).collect()
    };
    let all = refused(
        r#"changes = { at = "items", time = "date", title = "name", service = "chekout" }"#,
    );
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all[0].contains("at: `items` is no JSON Pointer: it begins with /"), "{all:?}");
    assert!(all.iter().any(|p| p.contains("no service is called `chekout`")), "{all:?}");
    assert!(all.iter().any(|p| p.contains("title: name where it stands")), "{all:?}");
    let unknown = refused(r#"changes = { tmie = "/date", title = "/a" }"#);
    assert!(unknown[0].contains("tmie"), "{unknown:?}");
}

#[test]
fn where_there_is_no_list_the_answer_is_no_silence() {
    for (body, says) in [
        ("{}", "no list of changes at /items"),
        (r#"{"items":null}"#, "changes at /items: expected a list"),
        (r#"{"items":{}}"#, "changes at /items: expected a list"),
        (r#"{"items":[1,{"date":1}]}"#, "2 of 2 records skipped"),
    ] {
        let said = told(FLAGS, body).trouble().message.to_string();
        assert!(said.contains(says), "{body}: {said}");
    }
    // An empty list is an answer.
    assert!(told(FLAGS, r#"{"items":[]}"#).changes().is_empty());
}

#[test]
fn no_body_breaks_it_and_nothing_hostile_is_told() {
    let source = open(FLAGS);
    for spoilt in mutate::spoil(&transcript("json/auditlog.json"), 2) {
        let polled = poll(&*source, |http| Ok(answer(http, 200, &spoilt.body)));
        if let Ok(report) = &polled.outcome {
            for change in polled.changes() {
                for text in [&change.summary, &change.origin, &change.who] {
                    assert_eq!(&andon::model::Clean::line(text.as_str()), text, "{}", spoilt.at);
                }
                assert!(change.at.is_some());
            }
            assert!(report.changes.len() == 1, "{} {}", spoilt.at, spoilt.how);
        }
    }
}
