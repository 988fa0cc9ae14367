//! Alertmanager 0.25 as recorded, and what later versions changed.

use andon::model::{
    Alert, AlertState, Fact, Feed, Report, Severity, Silence, SilenceState, Status, Suppression,
    Trouble,
};
use andon::source::{Http, HttpAnswer, Source};

use crate::common::{
    fixtures::{recording, transcript},
    mutate,
};
use crate::support::{Polled, answer, open, poll};

fn source() -> Box<dyn Source> {
    open("alertmanager", "", vec![]).unwrap()
}

fn recorded(name: &str) -> String {
    transcript(&format!("alertmanager/0.25/{name}.json"))
}

/// A server with these groups and silences.
fn server<'a>(
    groups: &'a str,
    silences: &'a str,
) -> impl FnMut(&Http) -> Result<HttpAnswer, Trouble> + 'a {
    move |http| {
        Ok(match http.url.path() {
            "/base/api/v2/alerts/groups" => answer(http, 200, groups),
            "/base/api/v2/silences" => answer(http, 200, silences),
            "/base/api/v2/status" => answer(http, 200, recorded("status")),
            other => panic!("asked {other}"),
        })
    }
}

fn told(groups: &str, silences: &str) -> Polled {
    poll(&*source(), server(groups, silences))
}

fn alerts(report: &Report) -> Vec<&Alert> {
    let alerts = report.facts.iter();
    alerts.filter_map(|f| if let Fact::Alert(a) = f { Some(a) } else { None }).collect()
}

fn silences(report: &Report) -> Vec<&Silence> {
    let all = report.facts.iter();
    all.filter_map(|f| if let Fact::Silence(s) = f { Some(s) } else { None }).collect()
}

#[test]
fn recorded_groups_become_alerts_with_the_reason_they_are_quiet() {
    let told = told(&recorded("groups_with_silenced"), &recorded("silences_list"));
    let alerts = alerts(told.report());
    let alert = |name: &str| *alerts.iter().find(|a| a.name.as_str() == name).unwrap();

    let firing = alert("AlwaysFiring");
    assert_eq!(firing.key.id.raw(), "22bda7e738f822a3@2026-11-22T11:43:26.897Z");
    assert_eq!((&firing.state, firing.is_shouting()), (&AlertState::Firing, true));
    assert_eq!(firing.severity, Some(Severity(1)));
    assert_eq!(firing.summary.as_str(), "always firing, value 1");
    assert_eq!(
        firing.description.as_str(),
        "A multi-line\ndescription with 日本語, emoji 🔥 and <b>html</b>"
    );
    assert_eq!(
        firing.runbook.as_ref().unwrap().as_str(),
        "https://runbooks.example.com/AlwaysFiring"
    );
    assert!(firing.url.as_ref().unwrap().as_str().starts_with("http://lab:19090/graph?"));
    assert_eq!(firing.label("service").unwrap().as_str(), "web");
    assert_eq!(firing.receivers[0].as_str(), "checkout");
    assert_eq!(firing.started, Some("2026-11-22T11:43:26.897Z".parse().unwrap()));

    let inhibited = alert("InfValue");
    assert_eq!(inhibited.state, AlertState::Suppressed);
    assert_eq!(inhibited.suppressed, [Suppression::Inhibited("22bda7e738f822a3".into())]);

    let silenced = alert("TargetDown");
    let silence = silences(told.report())[0];
    assert_eq!(silenced.suppressed, [Suppression::Silenced(silence.key.clone())]);
    assert!(!silenced.is_shouting());

    assert_eq!(told.report().complete, [Feed::Alerts, Feed::Silences]);
    assert_eq!(told.report().partial, None);
    assert_eq!(told.report().about.as_ref().unwrap().as_str(), "Alertmanager 0.25.0");
}

#[test]
fn an_alert_of_two_routes_is_one_alert_with_two_receivers() {
    let group = |receiver: &str| {
        format!(
            r#"{{"alerts":[{{"fingerprint":"f1","labels":{{"alertname":"A"}},"startsAt":"2026-11-22T11:43:26.897Z",
            "status":{{"state":"active"}},"receivers":[{{"name":"{receiver}"}}]}}],"labels":{{}},"receiver":{{"name":"{receiver}"}}}}"#
        )
    };
    let told = told(&format!("[{},{},{}]", group("a"), group("b"), group("a")), "[]");
    let alerts = alerts(told.report());
    assert_eq!(alerts.len(), 1);
    let receivers: Vec<_> = alerts[0].receivers.iter().map(andon::model::Clean::as_str).collect();
    assert_eq!(receivers, ["a", "b"]);
}

#[test]
fn a_new_start_is_a_new_alert() {
    let at = |start: &str| {
        let groups = format!(r#"[{{"alerts":[{{"fingerprint":"f","startsAt":"{start}"}}]}}]"#);
        alerts(told(&groups, "[]").report())[0].key.clone()
    };
    assert_eq!(at("2026-11-22T11:43:26.897Z"), at("2026-11-22T11:43:26.897Z"));
    assert_ne!(at("2026-11-22T11:43:26.897Z"), at("2026-11-22T11:50:00.000Z"));
}

#[test]
fn a_mute_interval_of_later_versions_is_its_own_reason() {
    let groups = r#"[{"alerts":[{"fingerprint":"f","labels":{"alertname":"A"},"startsAt":"2026-11-22T11:43:26.897Z",
        "status":{"state":"suppressed","silencedBy":[],"inhibitedBy":null,"mutedBy":["nights"]}}]}]"#;
    let told = told(groups, "[]");
    let alert = alerts(told.report())[0];
    assert_eq!(alert.suppressed, [Suppression::Muted("nights".into())]);
    assert_eq!(told.report().partial, None, "null lists are empty lists");
}

#[test]
fn unknown_states_are_shown_as_themselves() {
    let groups = r#"[{"alerts":[{"fingerprint":"f","status":{"state":"snoozed"}}]}]"#;
    let told = told(groups, r#"[{"id":"s","status":{"state":"dreaming"}}]"#);
    let alert = alerts(told.report())[0];
    assert_eq!(alert.state, AlertState::Other("snoozed".into()));
    assert!(!alert.is_shouting());
    assert_eq!(alert.name.as_str(), "alert without a name");
    assert_eq!(silences(told.report())[0].state, SilenceState::Other("dreaming".into()));
}

#[test]
fn silences_are_told_in_the_stores_own_notation() {
    let told = told("[]", &recorded("silences_after_update"));
    let all = silences(told.report());
    assert_eq!(all.len(), 2);
    let matchers: Vec<_> = all[0].matchers.iter().map(andon::model::Clean::as_str).collect();
    assert_eq!(matchers, [r#"alertname="TargetDown""#, r#"job=~"dead|blackbox""#]);
    assert_eq!((all[0].by.as_str(), &all[0].state), ("ops", &SilenceState::Active));
    assert_eq!(all[0].ends, Some("2026-11-22T13:44:42Z".parse().unwrap()));
    assert_eq!(all[1].state, SilenceState::Expired);

    let odd = r#"[{"id":"a","matchers":[{"name":"x","value":"1","isEqual":false,"isRegex":false},
        {"name":"y","value":"a\"b","isEqual":false,"isRegex":true},{"name":"z","value":"2"}]},{"id":"b","matchers":[]}]"#;
    let told = self::told("[]", odd);
    let all = silences(told.report());
    let matchers: Vec<_> = all[0].matchers.iter().map(andon::model::Clean::as_str).collect();
    assert_eq!(matchers, [r#"x!="1""#, r#"y!~"a\"b""#, r#"z="2""#]);
    assert_eq!(all[1].matchers[0].as_str(), "complex silence");
}

#[test]
fn a_record_without_identity_is_counted_and_the_list_is_not_complete() {
    let told = told(
        r#"[{"alerts":[{"labels":{"alertname":"A"}},{"fingerprint":"f","labels":{"alertname":"B"}}]}]"#,
        r#"[{"comment":"x"},{"id":"s"}]"#,
    );
    assert_eq!(alerts(told.report()).len(), 1);
    assert_eq!(silences(told.report()).len(), 1);
    assert_eq!(told.report().complete, []);
    let partial = told.report().partial.clone().unwrap();
    assert!(partial.as_str().contains("alerts: "), "{partial}");
    assert!(partial.as_str().contains("silences: 1 of 2 records skipped"), "{partial}");
}

#[test]
fn an_odd_field_costs_only_itself_and_the_list_stays_complete() {
    let told = told(
        r#"[{"alerts":[{"fingerprint":"f","startsAt":7,"labels":{"alertname":"A","n":3}}]}]"#,
        "[]",
    );
    assert_eq!(alerts(told.report())[0].name.as_str(), "A");
    assert_eq!(told.report().complete, [Feed::Alerts, Feed::Silences]);
    assert!(told.report().partial.is_some());
}

#[test]
fn one_failing_list_costs_only_itself() {
    let groups = recorded("groups");
    let mut am = server(&groups, "[]");
    let told = poll(&*source(), |http| {
        if http.url.path().ends_with("silences") {
            return Ok(answer(http, 500, "\"store is broken\""));
        }
        am(http)
    });
    assert_eq!(told.report().complete, [Feed::Alerts]);
    assert_eq!(
        told.report().partial.as_ref().unwrap().as_str(),
        "silences: answered 500: store is broken"
    );
    let told = poll(&*source(), |_| Err(Trouble::new(Status::Unreachable, "refused")));
    assert_eq!(told.trouble().status, Status::Unreachable);
}

#[test]
fn errors_of_three_shapes_are_read() {
    for (status, body, words) in [
        (400, "\"bad matcher\"".to_owned(), "answered 400: bad matcher"),
        (
            422,
            recorded("silence_bad_id"),
            "answered 422: silenceID in path must be of type uuid: \"not-a-uuid\"",
        ),
        (404, String::new(), "answered 404: not found"),
        (404, recorded("notfound"), "answered 404: path /api/v2/nope was not found"),
    ] {
        let told = poll(&*source(), |http| Ok(answer(http, status, &body)));
        assert_eq!(told.trouble().message.as_str(), words);
    }
}

#[test]
fn no_mutation_of_an_answer_makes_it_panic_or_silent() {
    let (groups, list) = (recorded("groups_with_silenced"), recorded("silences_after_update"));
    // A list that is not there, or holds nothing, is an answer like any other.
    let fair = |s: &mutate::Spoilt| {
        let emptied = s.at.ends_with("/alerts") && matches!(s.how, "absent" | "null");
        let nobody = s.at.ends_with("/alerts/0") && s.how == "null";
        emptied || nobody || (s.at.len() == 2 && s.how == "object")
    };
    for spoilt in mutate::spoil(&groups, 1) {
        let told = told(&spoilt.body, &list);
        let Ok(report) = &told.outcome else { continue };
        let whole = alerts(report).len() == 4 || fair(&spoilt);
        assert!(whole || report.partial.is_some(), "an alert vanished silently: {spoilt:?}");
    }
    for spoilt in mutate::spoil(&list, 1) {
        let told = told(&groups, &spoilt.body);
        let Ok(report) = &told.outcome else { continue };
        let whole = silences(report).len() == 2;
        assert!(whole || report.partial.is_some(), "a silence vanished silently: {spoilt:?}");
    }
}

#[test]
fn two_other_versions_are_read_whole() {
    for version in ["0.22.0", "0.27.0"] {
        let read = |file: &str| recording(&format!("karma-alertmanager/{version}/{file}.json"));
        let (Some(groups), Some(list)) = (read("groups"), read("silences")) else { return };
        let told = told(&groups, &list);
        assert!(alerts(told.report()).len() > 5, "{version}");
        assert!(!silences(told.report()).is_empty(), "{version}");
        assert_eq!(told.report().partial, None, "{version}");
    }
}
