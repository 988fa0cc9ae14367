//! Jira: versions are plans until they are released, and then the day they were promised for is still known.

use andon::model::{Fact, Feed, Milestone, Report, Status};
use andon::source::{Http, HttpAnswer, Problem, jira};

use super::judge;
use crate::common::fixtures::{recording, transcript};
use crate::common::mutate::spoil;
use crate::common::poll::{World, answered, header, ok, open, target};

const NOW: &str = "2026-11-22T10:00:00Z";

told!(milestones, Milestone);

fn world() -> World {
    World::new(&jira::KIND, "https://acme.example/jira", r#"{ projects = ["SHOP"] }"#, NOW)
}

fn versions() -> String {
    transcript("jira/versions.json")
}

fn usual(http: &Http) -> Option<HttpAnswer> {
    Some(ok(http, versions()))
}

#[test]
fn versions_are_plans_until_they_are_released() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let told: Vec<_> = milestones(&report)
        .iter()
        .map(|m| {
            (
                m.title.to_string(),
                m.due.map(|d| d.to_string()),
                m.done_on.map(|d| d.to_string()),
                m.done,
            )
        })
        .collect();
    assert_eq!(told.len(), 3, "what was given up or is long past is not told: {told:?}");
    assert_eq!(told[0], ("3.1".to_owned(), Some("2026-11-27".to_owned()), None, false));
    assert_eq!(told[1], ("3.0".to_owned(), None, Some("2026-10-06".to_owned()), true));
    assert_eq!(told[2].1, None);
    assert!(!told[2].0.contains('\u{202e}'));
    let first = milestones(&report)[0];
    assert_eq!((first.repo.as_str(), first.about.as_str()), ("SHOP", "The winter one"));
    assert_eq!(
        first.url.as_ref().unwrap().as_str(),
        "https://acme.example/jira/projects/SHOP/versions/10001"
    );
    assert_eq!(report.complete, [Feed::Milestones]);
    assert_eq!(target(&world.asked[0]), "/jira/rest/api/2/project/SHOP/versions");
    assert_eq!(header(&world.asked[0], "accept"), Some("application/json"));
    assert!(world.asked[0].conditional);
}

#[test]
fn the_promised_day_survives_the_release() {
    let mut world = world();
    world.poll(usual).unwrap();
    let later = versions().replace(
        r#""released": false, "startDate": "2026-11-02", "releaseDate": "2026-11-27""#,
        r#""released": true, "startDate": "2026-11-02", "releaseDate": "2026-11-30""#,
    );
    for _ in 0..2 {
        let report = world.poll(|http| Some(ok(http, later.as_str()))).unwrap();
        let version = milestones(&report)[0];
        assert_eq!(version.due.map(|d| d.to_string()).as_deref(), Some("2026-11-27"));
        assert_eq!(version.done_on.map(|d| d.to_string()).as_deref(), Some("2026-11-30"));
    }
}

#[test]
fn refusals_and_slips_are_in_words() {
    let trouble = |status, body: &str| {
        world().poll(|http| Some(answered(http, status, &[], body))).unwrap_err()
    };
    let gone = trouble(
        404,
        r#"{"errorMessages":["No project could be found with key 'SHOP'."],"errors":{}}"#,
    );
    assert_eq!(
        (gone.status, gone.message.as_str()),
        (Status::NotFound, "answered 404: No project could be found with key 'SHOP'.")
    );
    let refused = trouble(401, "");
    assert!(refused.hint.unwrap().as_str().contains("API token"));
    for (options, said) in [
        ("{ }", "name at least one project"),
        (r#"{ projects = ["shop"] }"#, "write `SHOP`"),
        (r#"{ projects = ["SHOP-1"] }"#, "no key of a project"),
        (r#"{ projects = ["../x"] }"#, "no key of a project"),
    ] {
        let problems = open(&jira::KIND, "https://acme.example", options).unwrap_err();
        assert!(
            problems
                .iter()
                .any(|p| matches!(p, Problem::Key { message, .. } if message.contains(said))),
            "{options}: {problems:?}"
        );
    }
}

#[test]
fn one_project_that_may_not_be_seen_costs_itself() {
    let options = r#"{ projects = ["GONE", "SHOP"] }"#;
    let report = World::new(&jira::KIND, "https://acme.example", options, NOW)
        .poll(|http| {
            let gone = http.url.path().contains("GONE");
            Some(if gone { answered(http, 404, &[], "{}") } else { ok(http, versions()) })
        })
        .unwrap();
    assert_eq!(milestones(&report).len(), 3);
    assert!(report.partial.unwrap().as_str().contains("versions of GONE"));
    assert_eq!(report.complete, []);
}

#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    for spoilt in spoil(&versions(), 2) {
        let told = world().poll(|http| Some(ok(http, spoilt.body.as_str())));
        // Another word for archived or released, or another day, may leave a version out for a reason.
        judge(&spoilt, 2, told);
    }
}

#[test]
fn a_recorded_project_is_read() {
    let Some(project) = recording("jira-go-jira/project.json") else { return };
    let project: serde_json::Value = serde_json::from_str(&project).unwrap();
    let list = project["versions"].to_string();
    let mut world = world();
    world.now = "2011-01-01T00:00:00Z".parse().unwrap();
    let report = world.poll(|http| Some(ok(http, list.as_str()))).unwrap();
    assert_eq!(report.partial, None);
    assert!(milestones(&report).iter().any(|m| m.done_on.is_some()));
}
