//! Numbers out of any JSON: each oddity has its outcome, and a wrong pointer can be corrected by looking.

use andon::model::{Fact, Measure, MetricId, Name, Report, Role, Status, Unit};
use andon::source::{Problem, Source};

use crate::common::{fixtures::transcript, mutate};
use crate::support::{Polled, answer, metric, open, poll};

fn source(options: &str) -> Box<dyn Source> {
    open("json", options, vec![]).unwrap_or_else(|p| panic!("{p:?}"))
}

fn told(options: &str, body: &str) -> Polled {
    poll(&*source(options), |http| Ok(answer(http, 200, body)))
}

fn note(report: &Report, name: &str) -> String {
    let notes = report.facts.iter().find_map(|fact| match fact {
        Fact::Sample { id, note, .. } if id.metric.as_str() == name => note.clone(),
        _ => None,
    });
    notes.map(|n| n.to_string()).unwrap_or_default()
}

#[test]
fn every_number_of_a_report_is_a_sample() {
    let told = told(
        r#"metrics = [
            { name = "signups", at = "/today/signups" },
            { name = "revenue", at = "/today/revenue", unit = "EUR" },
            { name = "conversion", at = "/today/conversion" },
            { name = "open", at = "/today/open" },
            { name = "total", at = "/weekly/0/total" },
            { name = "huge", at = "/weekly/1/total" },
            { name = "thousands", at = "/odd/thousands" },
            { name = "nested", at = "/odd/nested" },
            { name = "typo", at = "/toady/signups" },
        ]"#,
        &transcript("json/kpi.json"),
    );
    for (name, measure) in [
        ("signups", Measure::Number(141.0)),
        ("revenue", Measure::Number(12034.5)),
        ("conversion", Measure::NoData),
        ("open", Measure::Number(1.0)),
        ("total", Measure::Number(812.0)),
        ("thousands", Measure::Unreadable("text, not a number: \"1,234\"".into())),
        ("nested", Measure::Unreadable("an object, not a number".into())),
        ("typo", Measure::NoData),
    ] {
        assert_eq!(told.measure(name), Some(measure), "{name}");
    }
    let report = told.report();
    assert_eq!(note(report, "huge"), "/weekly/1/total: exactly 9007199254740993");
    assert_eq!(note(report, "typo"), "/toady/signups: nothing is there");
    assert_eq!(note(report, "signups"), "");
    let partial = report.partial.clone().unwrap();
    assert!(
        partial.as_str().starts_with("3 of 9 numbers unread: /odd/thousands; the body begins {")
    );
    assert!(partial.as_str().len() < 160, "{partial}");
}

#[test]
fn the_configured_address_is_asked_as_it_is() {
    let told = told(r#"metrics = [{ name = "a", at = "" }]"#, "7");
    let asked = told.asked();
    assert_eq!(asked[0].url.as_str(), "http://ex.org/base");
    assert!(asked[0].conditional);
    assert_eq!(asked[0].cap, Some(1024 * 1024));
    assert_eq!(told.measure("a"), Some(Measure::Number(7.0)));
}

#[test]
fn services_ask_by_name_or_by_pointer() {
    let wanted =
        vec![metric("json", "new people", "signups"), metric("json", "w", "/weekly/0/total")];
    let options = r#"metrics = [{ name = "signups", at = "/today/signups" },
        { name = "open", at = "/today/open", service = "door" }]"#;
    let source = open("json", options, wanted).unwrap();
    let told = poll(&*source, |http| Ok(answer(http, 200, transcript("json/kpi.json"))));
    assert_eq!(told.measure("new people"), Some(Measure::Number(141.0)));
    assert_eq!(told.measure("w"), Some(Measure::Number(812.0)));
    assert_eq!(
        told.measure("signups"),
        None,
        "the number is the service's, not the team's as well"
    );
    let own = source.metrics();
    assert_eq!(own.len(), 1);
    let id = MetricId { service: Some(Name::new("door")), metric: Name::new("open") };
    assert_eq!(own[0].id, id);
}

#[test]
fn own_numbers_bring_their_unit_and_bounds() {
    let source = source(
        r#"metrics = [{ name = "revenue", at = "/r", unit = "EUR", good = "> 100", bad = "< 10", role = "traffic", weight = "critical" }]"#,
    );
    let own = source.metrics();
    assert_eq!(own[0].unit, Unit::Currency("EUR".into()));
    assert_eq!(own[0].role, Role::Traffic);
    assert!(own[0].good.unwrap().holds(101.0) && own[0].bad.unwrap().holds(9.0));
    assert_eq!(own[0].id.service, None);
}

#[test]
fn an_answer_may_say_that_it_failed() {
    let one = r#"metrics = [{ name = "a", at = "/a" }], ok_if = "/ok""#;
    assert_eq!(told(one, r#"{"ok":true,"a":1}"#).measure("a"), Some(Measure::Number(1.0)));
    assert_eq!(told(one, r#"{"ok":false,"a":1}"#).trouble().status, Status::ServerError);
    assert_eq!(told(one, r#"{"a":1}"#).trouble().status, Status::BadData);
    let two = r#"metrics = [{ name = "a", at = "/a" }], ok_if = { at = "/status", is = "ok" }"#;
    assert_eq!(told(two, r#"{"status":"ok","a":1}"#).measure("a"), Some(Measure::Number(1.0)));
    assert_eq!(
        told(two, r#"{"status":"down","a":1}"#).trouble().message.as_str(),
        "the answer says it failed: /status is \"down\", not \"ok\""
    );
}

#[test]
fn what_is_no_json_is_shown_by_its_beginning() {
    let told = told(r#"metrics = [{ name = "a", at = "/a" }]"#, "oops: database is away");
    assert_eq!(told.trouble().status, Status::BadData);
    assert_eq!(
        told.trouble().hint.as_ref().unwrap().as_str(),
        "the body begins oops: database is away"
    );
}

#[test]
fn wrong_options_are_all_said() {
    let wrong = |options: &str| match open("json", options, vec![metric("json", "m", "nope")]) {
        Err(problems) => problems.len(),
        Ok(source) => panic!("{source:?}"),
    };
    assert_eq!(wrong(r#"metrics = [{ name = "a", at = "today/a" }]"#), 2);
    assert_eq!(wrong(r#"metrics = [{ name = "a", at = "/a", good = "fast" }], ok_if = "x""#), 3);
    assert_eq!(wrong(r#"metrics = [{ name = "a", at = "/a" }, { name = "a", at = "/b" }]"#), 2);
    assert_eq!(wrong(r#"metrics = [{ name = "a" }]"#), 1);
    let problems = open("json", "", vec![]).unwrap_err();
    assert!(
        matches!(&problems[0], Problem::Key { key: "metrics", message } if message.contains("signups"))
    );
}

#[test]
fn no_mutation_of_an_answer_makes_it_panic_or_silent() {
    let options = r#"metrics = [{ name = "a", at = "/today/signups" }, { name = "b", at = "/weekly/0/total" }]"#;
    for spoilt in mutate::spoil(&transcript("json/kpi.json"), 2) {
        let told = told(options, &spoilt.body);
        if let Ok(report) = &told.outcome {
            assert_eq!(report.facts.len(), 2, "{spoilt:?}");
        }
    }
}
