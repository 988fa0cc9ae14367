//! `PagerDuty` from its own words: what is asked, what is understood, and what is said when something is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps
)]

mod common;

use std::collections::BTreeMap;

use andon::model::{
    Change, Clean, Fact, Feed, Incident, IncidentStatus, Report, Severity, Shift, Status,
};
use andon::source::{Http, HttpAnswer, pagerduty};
use common::fixtures::transcript;
use common::mutate::{shortened, spoil};
use common::poll::{World, answered, header, ok, open, target};

const BASE: &str = "https://api.pagerduty.com";
const NOW: &str = "2026-11-22T10:00:00Z";

fn world() -> World {
    World::new(&pagerduty::KIND, BASE, "{}", NOW)
}

/// Which transcript answers a request.
fn file(http: &Http) -> &'static str {
    let query = http.url.query().unwrap_or_default();
    match http.url.path() {
        "/incidents" if query.contains("resolved") => "incidents_resolved",
        "/incidents" => "incidents_open",
        "/oncalls" => "oncalls",
        "/change_events" => "change_events",
        "/priorities" => "priorities",
        "/services" => "services",
        path if path.ends_with("/log_entries") => "log_entries",
        path => panic!("nobody expected {path}"),
    }
}

fn usual(http: &Http) -> Option<HttpAnswer> {
    Some(ok(http, transcript(&format!("pagerduty/{}.json", file(http)))))
}

/// As usual, but for one file.
fn but<'a>(
    name: &'a str,
    status: u16,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
) -> impl FnMut(&Http) -> Option<HttpAnswer> + 'a {
    move |http| {
        if file(http) == name { Some(answered(http, status, headers, body)) } else { usual(http) }
    }
}

/// The facts of one kind, in the order they were told.
macro_rules! told {
    ($name:ident, $kind:ident) => {
        fn $name(report: &Report) -> Vec<&$kind> {
            let pick = |f| if let &Fact::$kind(ref x) = f { Some(x) } else { None };
            report.facts.iter().filter_map(pick).collect()
        }
    };
}

told!(incidents, Incident);
told!(shifts, Shift);
told!(changes, Change);

fn incident<'a>(report: &'a Report, id: &str) -> &'a Incident {
    incidents(report).into_iter().find(|i| i.key.id.raw() == id).unwrap()
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    format!("2026-11-22T{text}Z").parse().ok()
}

fn names(who: &[Clean]) -> Vec<&str> {
    who.iter().map(Clean::as_str).collect()
}

#[test]
fn open_incidents_tell_who_has_them_and_how_bad_they_are() {
    let report = world().poll(usual).unwrap();
    let acked = incident(&report, "PINC2");
    assert_eq!(acked.status, IncidentStatus::Acked);
    assert_eq!((acked.severity, acked.priority.as_str()), (Some(Severity(1)), "P1"));
    assert_eq!((acked.started, acked.acked), (time("09:42:00"), time("09:24:00")));
    assert_eq!(names(&acked.who), ["Lin", "Ada Lovelace"]);
    assert_eq!((acked.reference.as_str(), &*acked.service_id), ("#1302", "PSVC1"));
    assert_eq!(acked.service_name.as_str(), "checkout");
    assert_eq!(acked.policy.as_str(), "Checkout primary");
    assert_eq!(acked.url.as_ref().unwrap().as_str(), "https://acme.pagerduty.com/incidents/PINC2");

    let open = incident(&report, "PINC3");
    assert_eq!(open.status, IncidentStatus::Open);
    assert_eq!(open.severity, Some(Severity(2)), "a free word ranks by its place in the list");
    assert_eq!(names(&open.who), ["Ada L."], "nobody acknowledged: those it is assigned to");

    let odd = incident(&report, "PINC1");
    assert_eq!((odd.severity, odd.priority.as_str()), (Some(Severity(4)), "low"));
    assert_eq!(odd.started, time("09:05:00"), "the account's zone is read as what it says");
    assert_eq!(odd.title.as_str(), "queue ␛]52;c;ZXZpbA==␇ \u{fffd}evil second line");
    assert_eq!((odd.url.clone(), &*odd.service_id, odd.who.len()), (None, "", 0));

    let unknown = incident(&report, "PINC0");
    assert_eq!(unknown.status, IncidentStatus::Other("on_fire".into()));
    assert!(unknown.status.is_open());
    assert_eq!(unknown.title.as_str(), "[#1300] new word");
    assert_eq!(report.partial, None);
    assert_eq!(report.complete, [Feed::Incidents, Feed::Shifts]);
}

#[test]
fn a_resolved_incident_is_told_with_its_end_and_its_first_acknowledgement() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let ended = incident(&report, "PINCR");
    assert_eq!(ended.status, IncidentStatus::Resolved);
    assert_eq!((ended.resolved, ended.acked), (time("09:50:00"), time("09:41:00")));
    assert_eq!(names(&ended.who), ["Ada Lovelace"]);
    assert_eq!(
        incident(&report, "PINCS").resolved,
        time("09:58:00"),
        "else the last change of status"
    );
    let logs = |w: &World| w.asked.iter().filter(|h| h.url.path().ends_with("log_entries")).count();
    assert_eq!(logs(&world), 2);
    let again = world.poll(usual).unwrap();
    assert_eq!(logs(&world), 0, "a story that has ended is read once");
    assert_eq!(incident(&again, "PINCR").acked, time("09:41:00"));
}

#[test]
fn an_open_incident_that_left_the_lists_is_asked_for_by_name() {
    let mut world = world();
    world.poll(usual).unwrap();
    let empty = r#"{"incidents":[],"more":false}"#;
    let ended = r#"{"incident":{"id":"PINC2","status":"resolved","last_status_change_at":"2026-11-22T09:59:00Z"}}"#;
    let mut asked = Vec::new();
    let report = world
        .poll(|http| {
            let path = http.url.path();
            if path == "/incidents" {
                return Some(ok(http, empty));
            }
            if path.starts_with("/incidents/") && !path.ends_with("log_entries") {
                asked.push(path.to_owned());
                let found = path == "/incidents/PINC2";
                let body =
                    if found { ended } else { r#"{"error":{"message":"Not Found","code":2100}}"# };
                return Some(answered(http, if found { 200 } else { 404 }, &[], body));
            }
            usual(http)
        })
        .unwrap();
    assert_eq!(
        asked,
        ["/incidents/PINC0", "/incidents/PINC1", "/incidents/PINC2", "/incidents/PINC3"]
    );
    let all = incidents(&report);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].resolved, all[0].acked), (time("09:59:00"), time("09:24:00")));
    assert_eq!(names(&all[0].who), ["Lin", "Ada Lovelace"], "who had it is remembered");
    assert_eq!((report.partial, report.complete.contains(&Feed::Incidents)), (None, true));
}

#[test]
fn an_id_that_would_lead_elsewhere_is_never_asked_for() {
    let list = r#"{"incidents":[{"id":"../users/me","status":"resolved"}],"more":false}"#;
    let mut world = world();
    world.memory.insert("open".into(), r#"["x/../../y"]"#.into());
    let report = world.poll(but("incidents_resolved", 200, &[], list)).unwrap();
    let paths: Vec<&str> = world.asked.iter().map(|h| h.url.path()).collect();
    assert!(paths.iter().all(|p| !p.contains("users") && !p.ends_with('y')), "{paths:?}");
    assert!(incidents(&report).iter().any(|i| i.key.id.raw() == "../users/me"));
}

#[test]
fn turns_on_call_may_be_permanent_and_without_a_schedule() {
    let report = world().poll(usual).unwrap();
    let all = shifts(&report);
    let now = NOW.parse().unwrap();
    let on_now: Vec<_> = all
        .iter()
        .filter(|s| s.covers(now))
        .map(|s| (s.who.as_str(), s.level, s.schedule.as_ref().map(Clean::as_str)))
        .collect();
    assert_eq!(
        on_now,
        [
            ("Ada Lovelace", 1, Some("Weekly")),
            ("Grace", 2, None),
            ("Ada Lovelace", 1, Some("Backup"))
        ]
    );
    assert_eq!((all[2].starts, all[2].ends), (None, None));
    assert_eq!(all[0].service_ids, ["PSVC1".into(), "PSVC2".into()]);
    assert!(all[3].service_ids.is_empty());
    assert_eq!(all[1].who.as_str(), "Lin", "the next one is known before the turn begins");
}

#[test]
fn change_events_are_changes() {
    let report = world().poll(usual).unwrap();
    let all = changes(&report);
    assert_eq!(all[0].summary.as_str(), "flags: enable new-cart for 50 %");
    assert_eq!(
        (all[0].origin.as_str(), all[0].service_ids.clone()),
        ("flags", vec!["PSVC1".into()])
    );
    assert_eq!(names(&all[0].service_names), ["checkout"]);
    assert_eq!(all[0].at, time("09:20:00.123"));
    assert_eq!(all[0].url.as_ref().unwrap().as_str(), "https://flags.example/88");
    assert_eq!((all[1].summary.as_str(), all[1].url.clone()), ("terraform apply ␛[2J", None));
    // A day of them is asked for, and what lies before is not known.
    let day: jiff::Timestamp = NOW.parse().unwrap();
    let from = report.changes[0].from.map(|from| day.duration_since(from).as_hours());
    assert_eq!((report.changes.len(), from), (1, Some(24)));
    let refused = world().poll(but("change_events", 403, &[], "{}"));
    assert_eq!(refused.unwrap().changes[0].from, None);
}

#[test]
fn requests_are_shaped_as_pagerduty_wants_them() {
    let options = r#"{ services = ["PSVC1"], teams = ["PTEAM"] }"#;
    let mut world = World::new(&pagerduty::KIND, "https://api.eu.pagerduty.com", options, NOW);
    world.now = "2026-11-22T10:00:00.987Z".parse().unwrap();
    world.poll(usual).unwrap();
    let page = "limit=100&offset=0";
    let lists =
        "sort_by=created_at%3Adesc&time_zone=UTC&service_ids%5B%5D=PSVC1&team_ids%5B%5D=PTEAM";
    let expected = [
        format!(
            "/incidents?{page}&statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&date_range=all&{lists}"
        ),
        format!(
            "/incidents?{page}&statuses%5B%5D=resolved&since=2026-11-19T10%3A00%3A00Z&until=2026-11-22T10%3A00%3A00Z&{lists}"
        ),
        format!(
            "/oncalls?{page}&earliest=true&include%5B%5D=users&since=2026-11-22T10%3A00%3A00Z&until=2026-11-29T10%3A00%3A00Z&time_zone=UTC"
        ),
        format!(
            "/change_events?{page}&since=2026-11-21T10%3A00%3A00Z&until=2026-11-22T10%3A00%3A00Z"
        ),
        format!("/priorities?{page}"),
        format!("/services?{page}"),
    ];
    let asked: Vec<String> = world.asked.iter().take(6).map(target).collect();
    assert_eq!(asked, expected);
    for http in &world.asked {
        assert_eq!(http.url.host_str(), Some("api.eu.pagerduty.com"));
        assert!(
            header(http, "accept").unwrap().starts_with("application/vnd.pagerduty+json;version=2")
        );
        assert_eq!(header(http, "content-type"), Some("application/json"), "on a GET, too");
        assert_eq!(header(http, "authorization"), None, "credentials are the engine's");
        assert!(!http.url.path().ends_with('/'));
    }
    world.poll(usual).unwrap();
    assert_eq!(
        world.asked.len(),
        5,
        "what hardly changes is not asked every time, and the past once"
    );
}

#[test]
fn pages_follow_the_size_the_server_really_used_and_end() {
    let mut world = world();
    let report = world
        .poll(|http| {
            if file(http) != "incidents_open" {
                return usual(http);
            }
            let offset =
                http.url.query_pairs().find(|(k, _)| k == "offset").unwrap().1.into_owned();
            let n: usize = offset.parse().unwrap();
            // Asked for 100, gives 25; rows shift by one while they are read; and it never ends.
            let rows: Vec<String> = (0..25)
                .map(|i| {
                    format!(
                        r#"{{"id":"P{}","status":"triggered"}}"#,
                        (n + i).saturating_sub(n / 25)
                    )
                })
                .collect();
            Some(ok(
                http,
                format!(r#"{{"incidents":[{}],"limit":25,"more":true}}"#, rows.join(",")),
            ))
        })
        .unwrap();
    assert_eq!(incidents(&report).iter().filter(|i| i.status.is_open()).count(), 121);
    assert_eq!(report.notes[0].as_str(), "open incidents: truncated at 125");
    assert!(!report.complete.contains(&Feed::Incidents), "a list that was cut is not complete");
    assert!(world.rounds.len() <= 7, "{:?}", world.rounds);
}

#[test]
fn a_plan_without_priorities_is_noted_once_and_not_asked_again() {
    let body = r#"{"error":{"message":"Your account does not have the ability","code":2013}}"#;
    let mut world = world();
    for _ in 0..3 {
        let report = world.poll(but("priorities", 402, &[], body)).unwrap();
        assert_eq!(report.partial, None);
        assert!(
            report.notes[0].as_str().starts_with("priorities: answered 402"),
            "{:?}",
            report.notes
        );
        assert_eq!(incident(&report, "PINC2").severity, Some(Severity(1)), "P1 speaks for itself");
        assert_eq!(incident(&report, "PINC3").severity, Some(Severity(2)), "else the urgency");
    }
    assert!(!world.asked.iter().any(|h| h.url.path() == "/priorities"));
}

#[test]
fn a_list_that_may_not_be_read_rests_and_stays_said() {
    let body = r#"{"error":{"message":"Access Denied","code":2010}}"#;
    let limited = r#"{"error":{"message":"Rate Limit Exceeded","code":2020}}"#;
    for (status, headers, body, rest) in [
        (403, &[][..], body, "2026-11-22T10:59:00Z"),
        (
            429,
            &[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")],
            limited,
            "2026-11-22T10:00:20Z",
        ),
    ] {
        let mut world = world();
        let first = world.poll(but("oncalls", status, headers, body)).unwrap();
        assert_eq!(incidents(&first).len(), 6);
        world.now = rest.parse().unwrap();
        let second = world.poll(but("oncalls", status, headers, body)).unwrap();
        assert!(!world.asked.iter().any(|h| h.url.path() == "/oncalls"), "{status}");
        for report in [first, second] {
            let partial = report.partial.unwrap();
            assert!(partial.as_str().starts_with("on-call: answered"), "{partial}");
            assert!(!report.complete.contains(&Feed::Shifts));
            assert!(report.complete.contains(&Feed::Incidents));
        }
        world.now = "2026-11-22T11:00:01Z".parse().unwrap();
        assert_eq!(world.poll(usual).unwrap().partial, None);
    }
}

#[test]
fn without_the_open_incidents_there_is_no_report() {
    for (status, headers, body, expected) in [
        (401, &[][..], r#"{"error":{"message":"Unauthorized","code":2006}}"#, Status::Auth),
        (
            429,
            &[("ratelimit-reset", "17")],
            r#"{"error":{"message":"Rate","code":2020}}"#,
            Status::RateLimited,
        ),
        (500, &[], "", Status::ServerError),
        (200, &[], "{}", Status::BadData),
        (200, &[], "<html>sign in</html>", Status::Auth),
    ] {
        let trouble = world().poll(but("incidents_open", status, headers, body)).unwrap_err();
        assert_eq!(trouble.status, expected, "{status} {body}");
        if status == 401 {
            assert!(trouble.hint.unwrap().as_str().contains("api.eu.pagerduty.com"));
        }
    }
}

#[test]
fn a_refusal_is_told_in_pagerdutys_own_words() {
    let body = r#"{"error":{"message":"Invalid Input Provided","code":2001,"errors":["Limit must be less than 100"]}}"#;
    let trouble = world().poll(but("incidents_open", 400, &[], body)).unwrap_err();
    assert_eq!(
        trouble.message.as_str(),
        "answered 400: Invalid Input Provided: Limit must be less than 100"
    );
}

#[test]
fn a_wrong_id_in_the_configuration_is_refused_by_its_key() {
    let problems = open(&pagerduty::KIND, BASE, r#"{ services = ["https://x/P1"] }"#).unwrap_err();
    assert!(format!("{problems:?}").contains("services"));
    assert!(open(&pagerduty::KIND, BASE, "{ servces = [] }").is_err());
}

/// Whatever a field becomes, its record stays or the source says what is missing.
#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    let names = [
        "incidents_open",
        "incidents_resolved",
        "oncalls",
        "change_events",
        "priorities",
        "services",
        "log_entries",
    ];
    // The first record of a list is the richest; of a log the second is the one that counts.
    let items = |name: &str| if name == "log_entries" { 2 } else { 1 };
    let short = |name: &str| shortened(&transcript(&format!("pagerduty/{name}.json")), items(name));
    let good: BTreeMap<&str, String> = names.iter().map(|name| (*name, short(name))).collect();
    let whole = world().poll(|http| Some(ok(http, good[file(http)].as_str()))).unwrap().facts.len();
    assert_eq!(whole, 4);
    for name in names {
        for spoilt in spoil(&good[name], items(name)) {
            let told = world().poll(|http| {
                let asked = file(http);
                let body = if asked == name { &spoilt.body } else { &good[asked] };
                Some(ok(http, body.as_str()))
            });
            let about = format!("{name} {} {}", spoilt.at, spoilt.how);
            match told {
                // Pages that never end are cut; a list that is null is an empty one.
                Ok(report) => {
                    let quiet = report.partial.is_none() && report.notes.is_empty() && spoilt.leaf;
                    assert!(!quiet || report.facts.len() == whole, "{about}: not a word");
                }
                Err(trouble) => assert!(!trouble.message.is_empty(), "{about}"),
            }
        }
    }
}

#[test]
fn other_upstreams_bytes_and_noise_are_refused_in_words() {
    for body in [
        "",
        "[]",
        "null",
        "{}",
        "7",
        "\"x\"",
        "<html>",
        "{\"incidents\":{}}",
        "{\"data\":{}}",
        "\u{0}",
    ] {
        let trouble = world().poll(|http| Some(ok(http, body))).unwrap_err();
        assert!(!trouble.message.is_empty(), "{body}");
    }
}

#[test]
fn ninety_days_of_incidents_are_read_a_week_a_poll_and_then_no_more() {
    let mut world = world();
    let since = |http: &Http| {
        http.url.query_pairs().find(|(k, _)| k == "since").map(|(_, v)| v.into_owned())
    };
    let mut stretches: Vec<(String, String)> = Vec::new();
    let mut said = Vec::new();
    for _ in 0..20 {
        let report = world.poll(usual).unwrap();
        said.push(report.notes.iter().any(|n| n.as_str().starts_with("history")));
        let resolved = world.asked.iter().filter(|h| target(h).contains("resolved"));
        stretches.extend(resolved.skip(1).map(|http| {
            let until = http.url.query_pairs().find(|(k, _)| k == "until").unwrap().1.into_owned();
            (since(http).unwrap(), until)
        }));
    }
    assert_eq!(stretches.first().unwrap().1, "2026-11-19T10:00:00Z", "where every poll ends");
    assert_eq!(stretches.last().unwrap().0, "2026-08-24T10:00:00Z", "ninety days");
    assert!(stretches.windows(2).all(|pair| pair[0].0 == pair[1].1), "{stretches:?}");
    assert_eq!(stretches.len(), 13, "one a poll");
    assert_eq!((said[1], said[19]), (true, false), "progress is said until it is done");
}

#[test]
fn history_that_cannot_be_had_is_asked_again_and_hides_nothing() {
    let mut world = world();
    world.poll(usual).unwrap();
    let past = |http: &Http| target(http).contains("until=2026-11-19");
    let report = world
        .poll(|http| if past(http) { Some(answered(http, 500, &[], "no")) } else { usual(http) })
        .unwrap();
    assert!(report.partial.unwrap().as_str().contains("past incidents"));
    assert!(report.complete.contains(&Feed::Incidents), "what is open now is known all the same");
    world.poll(usual).unwrap();
    assert!(world.asked.iter().any(past), "the same stretch again");
}
