//! Argo CD: one story of each operation, windows about the right applications, and what is said when a right is missing.

use andon::insight::gates::{Permit, permit};
use andon::model::{
    Clean, Deploy, Environment, Fact, Feed, Gate, GateKind, Outcome, Report, Status,
};
use andon::source::{Http, HttpAnswer, argocd};

use super::judge;
use crate::common::fixtures::{recording, transcript};
use crate::common::mutate::spoil;
use crate::common::poll::{World, answered, ok, target};

const NOW: &str = "2026-11-22T10:00:00Z";
const BASE: &str = "https://argocd.example";

told!(deploys, Deploy);
told!(environments, Environment);
told!(gates, Gate);

fn world(options: &str) -> World {
    World::new(&argocd::KIND, BASE, options, NOW)
}

fn labelled() -> World {
    world(r#"{ environment_label = "env" }"#)
}

fn file(name: &str) -> String {
    transcript(&format!("argocd/{name}.json"))
}

fn usual(http: &Http) -> Option<HttpAnswer> {
    Some(match http.url.path().rsplit('/').next().unwrap_or_default() {
        "applications" => ok(http, file("applications")),
        "projects" => ok(http, file("projects")),
        "version" => ok(http, r#"{"Version":"v3.1.0+g1234567"}"#),
        "shop-production" => ok(http, file("application_production")),
        "shop-staging" => ok(http, file("application_staging")),
        _ => answered(http, 404, &[], r#"{"error":"not found","code":5,"message":"not found"}"#),
    })
}

#[test]
fn history_and_operation_are_one_story() {
    let report = labelled().poll(usual).unwrap();
    assert_eq!(report.partial, None);
    let told: Vec<_> = deploys(&report)
        .iter()
        .map(|d| {
            let sha: String = d.sha.as_str().chars().take(4).collect();
            (
                d.app.as_str(),
                d.environment.as_str(),
                d.version.as_str(),
                sha,
                d.outcome.clone(),
                d.who.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("shop", "production", "v410", "1111".to_owned(), Outcome::Succeeded, "grace"),
            ("shop", "production", "", "2222".to_owned(), Outcome::Succeeded, "auto-sync"),
            ("shop", "production", "v412", "6bed".to_owned(), Outcome::Succeeded, "ada"),
            ("shop", "staging", "", "3333".to_owned(), Outcome::Failed, "auto-sync"),
        ]
    );
    let last = deploys(&report)[2];
    assert_eq!(last.started, "2026-11-22T09:00:03Z".parse().ok(), "a second apart is the same");
    let failed = deploys(&report)[3];
    assert_eq!(failed.description.as_str(), "one or more objects failed to apply");
    assert_eq!(
        failed.url.as_ref().unwrap().as_str(),
        "https://argocd.example/applications/argocd/shop-staging"
    );
    assert_eq!(report.about, Some("Argo CD v3.1.0+g1234567".into()));
}

#[test]
fn an_operation_is_followed_to_its_end_under_one_identity() {
    let running = file("applications").replace(
        r#""phase": "Succeeded", "startedAt": "2026-11-22T09:00:03Z", "finishedAt": "2026-11-22T09:00:40Z""#,
        r#""phase": "Running", "startedAt": "2026-11-22T09:00:03Z""#,
    );
    let details = file("application_production")
        .replace(
            r#""operationState": {"phase": "Succeeded""#,
            r#""operationState": {"phase": "Running""#,
        )
        .replace(r#", "finishedAt": "2026-11-22T09:00:40Z""#, "")
        .replace(
            r#""deployStartedAt": "2026-11-22T09:00:02Z", "deployedAt": "2026-11-22T09:00:40Z", "#,
            "",
        );
    let mut world = labelled();
    let report = world
        .poll(|http| match http.url.path().rsplit('/').next().unwrap() {
            "applications" => Some(ok(http, running.as_str())),
            "shop-production" => Some(ok(http, details.as_str())),
            _ => usual(http),
        })
        .unwrap();
    let begun = deploys(&report).into_iter().find(|d| d.outcome == Outcome::Running).unwrap();
    let id = begun.key.id.clone();
    assert_eq!(begun.finished, None);
    let report = world.poll(usual).unwrap();
    let ended = deploys(&report).into_iter().find(|d| d.key.id == id).unwrap();
    assert_eq!(ended.outcome, Outcome::Succeeded);
    // Nothing changed since: nothing is read again, and everything is still there.
    let report = world.poll(usual).unwrap();
    assert_eq!(world.asked.len(), 1);
    assert_eq!(deploys(&report).len(), 0);
    assert!(report.still.iter().any(|(feed, still)| *feed == Feed::Deploys && *still == id));
}

#[test]
fn environments_say_what_runs_and_whether_it_should() {
    let report = labelled().poll(usual).unwrap();
    let told: Vec<_> = environments(&report)
        .iter()
        .map(|e| {
            (
                e.app.as_str(),
                e.name.as_str(),
                e.version.as_str(),
                e.in_sync,
                e.state.as_str(),
                e.last.clone(),
            )
        })
        .collect();
    assert_eq!(told.len(), 3);
    assert!(told.contains(&(
        "shop",
        "production",
        "v412",
        Some(true),
        "Healthy · Synced",
        Some(Outcome::Succeeded)
    )));
    assert!(told.contains(&(
        "shop",
        "staging",
        "v413",
        Some(false),
        "Degraded · OutOfSync",
        Some(Outcome::Failed)
    )));
    let new = environments(&report).into_iter().find(|e| e.in_sync.is_none()).unwrap();
    assert_eq!((new.state.as_str(), new.last.clone()), ("", None));
    assert!(!new.app.as_str().contains('\u{1b}'));
    let staging = environments(&report).into_iter().find(|e| e.name.as_str() == "staging").unwrap();
    assert_eq!(staging.repo.as_str(), "acme/shop");
    assert!(report.complete.contains(&Feed::Environments));
}

#[test]
fn a_cluster_or_a_fixed_word_names_the_environment_where_no_label_does() {
    let fixed = world(r#"{ environment = "production" }"#).poll(usual).unwrap();
    assert!(environments(&fixed).iter().all(|e| e.name.as_str() == "production"));
    let plain = world("{ }").poll(usual).unwrap();
    let names: Vec<&str> = environments(&plain).iter().map(|e| e.name.as_str()).collect();
    assert!(names.contains(&"west") && names.contains(&""), "{names:?}");
}

#[test]
fn windows_are_about_the_applications_they_match() {
    let report = labelled().poll(usual).unwrap();
    let told: Vec<_> = gates(&report)
        .iter()
        .map(|g| {
            let apps: Vec<String> =
                g.apps.iter().map(|p| format!("{}/{}", p.app, p.environment)).collect();
            (g.kind.clone(), g.by_hand, apps.join(" "), g.scope.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (GateKind::Allow, true, "shop/production shop/staging".to_owned(), "applications *"),
            (GateKind::Deny, false, "shop/production".to_owned(), "applications *-production"),
        ],
        "the third window is about nothing that is followed"
    );
    let all = gates(&report);
    for (moment, permitted) in [
        ("2026-11-23T08:00:00Z", Permit::Open),
        ("2026-11-22T12:00:00Z", Permit::ByHand),
        ("2026-11-23T17:00:00Z", Permit::ByHand),
        ("2026-12-22T09:00:00Z", Permit::Closed),
    ] {
        assert_eq!(permit(&all, moment.parse().unwrap()), permitted, "{moment}");
    }
    assert!(report.complete.contains(&Feed::Gates));
}

#[test]
fn without_the_right_to_projects_the_applications_are_told_and_the_gap_is_named() {
    let report = labelled()
        .poll(|http| match http.url.path() {
            "/api/v1/projects" => Some(answered(http, 403, &[], r#"{"error":"permission denied: projects, get","code":7,"message":"permission denied: projects, get"}"#)),
            _ => usual(http),
        })
        .unwrap();
    assert_eq!(deploys(&report).len(), 4);
    let partial = report.partial.clone().unwrap();
    assert!(
        partial.as_str().contains("sync windows") && partial.as_str().contains("projects, get"),
        "{partial}"
    );
    assert!(!report.complete.contains(&Feed::Gates));
    assert_eq!(permit(&gates(&report), NOW.parse().unwrap()), Permit::Unknown);
}

#[test]
fn what_is_asked_names_the_project_and_the_fields() {
    let mut world = world(r#"{ projects = ["web"], selector = "team=shop" }"#);
    let report = world.poll(usual).unwrap();
    let asked: Vec<String> = world.asked.iter().map(target).collect();
    assert!(asked[0].starts_with("/api/v1/applications?fields=items.metadata.name"), "{asked:?}");
    assert!(asked[0].ends_with("&projects=web&selector=team%3Dshop"), "{asked:?}");
    assert!(
        asked
            .iter()
            .any(|t| t == "/api/v1/applications/shop-production?project=web&appNamespace=argocd"),
        "{asked:?}"
    );
    assert_eq!(environments(&report).len(), 2, "a server that ignores the filter changes nothing");
    let mut world = World::new(&argocd::KIND, "https://ops.example/argo/api/v1", "{ }", NOW);
    world.poll(usual).unwrap();
    assert!(world.asked.iter().all(|h| h.url.path().starts_with("/argo/api/")));
}

#[test]
fn no_applications_at_all_is_an_answer() {
    for body in [r#"{"metadata":{},"items":null}"#, r#"{"items":[]}"#] {
        let report = labelled()
            .poll(|http| {
                if http.url.path().ends_with("applications") {
                    Some(ok(http, body))
                } else {
                    usual(http)
                }
            })
            .unwrap();
        assert_eq!(report.partial, None);
        assert!(environments(&report).is_empty());
    }
    let trouble = labelled().poll(|http| Some(answered(http, 401, &[], r#"{"error":"no session information","code":16,"message":"no session information"}"#))).unwrap_err();
    assert_eq!(trouble.status, Status::Auth);
    assert!(trouble.message.as_str().contains("no session information"));
    assert!(trouble.hint.unwrap().as_str().contains("apiKey"));
}

#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    for (file_name, path) in [
        ("applications", "applications"),
        ("application_production", "shop-production"),
        ("projects", "projects"),
    ] {
        let whole = labelled().poll(usual).unwrap().facts.len();
        for spoilt in spoil(&file(file_name), 1) {
            let told = labelled().poll(|http| {
                if http.url.path().ends_with(path) {
                    Some(ok(http, spoilt.body.as_str()))
                } else {
                    usual(http)
                }
            });
            // An application without a moment of its operation has no deploy; one with another name, project or
            // destination has other windows.
            judge(&spoilt, whole.saturating_sub(6), told);
        }
    }
}

#[test]
fn recorded_applications_are_read() {
    let Some(app) = recording("backstage-roadie/argo-app.json") else { return };
    let list = format!(r#"{{"items":[{app}]}}"#);
    let null = recording("backstage-roadie/argo-list-items-null.json").unwrap();
    let missing = recording("backstage-roadie/argo-app-missing-data.json").unwrap();
    let report = labelled()
        .poll(|http| match http.url.path().rsplit('/').next().unwrap() {
            "applications" => Some(ok(http, list.as_str())),
            "guestbook" => Some(ok(http, app.as_str())),
            _ => usual(http),
        })
        .unwrap();
    assert_eq!(deploys(&report).len(), 1, "history and operation are the same deploy");
    let deploy = deploys(&report)[0];
    assert_eq!(
        (deploy.version.as_str(), deploy.repo.as_str()),
        ("0.2", "argoproj/argocd-example-apps")
    );
    assert_eq!(deploy.started, "2020-11-18T16:47:03Z".parse().ok());
    for body in [null, format!(r#"{{"items":[{missing}]}}"#)] {
        let report = labelled().poll(|http| {
            if http.url.path().ends_with("applications") {
                Some(ok(http, body.as_str()))
            } else {
                usual(http)
            }
        });
        assert!(report.is_ok(), "{report:?}");
    }
}

#[test]
fn unknown_words_stay_neutral() {
    let odd = file("applications").replace("\"Succeeded\"", "\"Dreaming\"");
    let details = file("application_production").replace("\"Succeeded\"", "\"Dreaming\"");
    let report = labelled()
        .poll(|http| match http.url.path().rsplit('/').next().unwrap() {
            "applications" => Some(ok(http, odd.as_str())),
            "shop-production" => Some(ok(http, details.as_str())),
            _ => usual(http),
        })
        .unwrap();
    assert!(deploys(&report).iter().any(|d| d.outcome == Outcome::Other(Clean::from("Dreaming"))));
}
