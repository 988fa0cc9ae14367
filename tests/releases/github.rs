//! GitHub's part in releases: milestones, who must let a run go on, and the commits between what runs and what could.

use andon::model::{
    Against, Approval, Brought, Clean, Deploy, Drift, Fact, Feed, Milestone, Report, Status,
    Trouble,
};
use andon::source::{Http, HttpAnswer, Method, github};

use super::judge;
use crate::common::fixtures::{recording, transcript};
use crate::common::mutate::spoil;
use crate::common::poll::{World, answered, ok, target};

const NOW: &str = "2026-11-22T10:00:00Z";

told!(milestones, Milestone);
told!(approvals, Approval);
told!(drifts, Drift);
told!(deploys, Deploy);
told!(brought, Brought);

fn world() -> World {
    World::new(&github::KIND, "https://api.github.com", r#"{ repos = ["acme/checkout"] }"#, NOW)
}

fn file(name: &str) -> String {
    transcript(&format!("github/{name}.json"))
}

fn usual(http: &Http) -> Option<HttpAnswer> {
    let path = http.url.path();
    Some(match path.rsplit('/').next().unwrap_or_default() {
        _ if http.method == Method::Post => ok(http, file("graphql_releases")),
        "runs" => ok(http, file("runs_waiting")),
        "pending_deployments" => ok(http, file("pending_deployments")),
        _ if path.contains("/compare/") => ok(http, file("compare")),
        _ => answered(http, 404, &[], r#"{"message":"Not Found"}"#),
    })
}

#[test]
fn milestones_are_due_on_a_day() {
    let report = world().poll(usual).unwrap();
    assert_eq!(report.partial, None);
    let told: Vec<_> = milestones(&report)
        .iter()
        .map(|m| (m.title.as_str(), m.due.map(|d| d.to_string()), m.done, m.items))
        .collect();
    assert_eq!(
        told,
        [
            ("Winter train", Some("2026-12-01".to_owned()), false, Some((3, 8))),
            ("Autumn train", Some("2026-10-06".to_owned()), true, Some((5, 5))),
            ("someday", None, false, None),
        ]
    );
    assert_eq!(milestones(&report)[1].done_at, "2026-10-08T12:00:00Z".parse().ok());
    assert_eq!(milestones(&report)[0].key.id.raw(), "repos/acme/checkout/milestones/7");
    assert!(report.complete.contains(&Feed::Milestones));
}

#[test]
fn milestones_are_the_same_by_rest() {
    let list = r#"[{"number":7,"title":"Winter train","description":null,"state":"open","due_on":"2026-12-01T08:00:00Z","closed_at":null,"open_issues":5,"closed_issues":3,"html_url":"https://github.com/acme/checkout/milestone/7"}]"#;
    let mut world = world();
    let report = world
        .poll(|http| match http.url.path().rsplit('/').next().unwrap_or_default() {
            "milestones" => Some(ok(http, list)),
            "releases" | "deployments" => Some(ok(http, "[]")),
            "runs" => Some(ok(http, r#"{"total_count":0,"workflow_runs":[]}"#)),
            _ => Some(answered(http, 404, &[], r#"{"message":"Not Found"}"#)),
        })
        .unwrap();
    let told = milestones(&report)[0];
    assert_eq!((told.due.unwrap().to_string().as_str(), told.items), ("2026-12-01", Some((3, 8))));
    assert_eq!(told.key.id.raw(), "repos/acme/checkout/milestones/7");
    let asked: Vec<String> = world.asked.iter().map(target).collect();
    assert!(
        asked.iter().any(|t| t
            == "/repos/acme/checkout/milestones?state=all&sort=due_on&direction=desc&per_page=50"),
        "{asked:?}"
    );
}

#[test]
fn who_must_let_a_run_go_on_is_named_until_it_does() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let [waiting] = approvals(&report)[..] else { panic!("{:?}", approvals(&report)) };
    assert_eq!(waiting.approvers, [Clean::from("ada"), Clean::from("Release captains")]);
    assert_eq!((waiting.environment.as_str(), waiting.run.as_str()), ("production", "deploy"));
    assert_eq!((waiting.version.as_str(), waiting.yours), ("main cc84c09f", Some(true)));
    assert_eq!(waiting.not_before, "2026-11-22T10:10:00Z".parse().ok());
    assert!(report.complete.contains(&Feed::Approvals));
    // It slipped off the list of runs, and still waits: it is asked for again until nothing is pending.
    let mut world2 = world;
    let gone = |http: &Http| match http.url.path().rsplit('/').next().unwrap_or_default() {
        "runs" => Some(ok(http, r#"{"total_count":0,"workflow_runs":[]}"#)),
        _ => usual(http),
    };
    assert_eq!(approvals(&world2.poll(gone).unwrap()).len(), 1);
    let approved = |http: &Http| match http.url.path().rsplit('/').next().unwrap_or_default() {
        "pending_deployments" => Some(ok(http, "[]")),
        _ => gone(http),
    };
    assert_eq!(approvals(&world2.poll(approved).unwrap()).len(), 0);
    world2.poll(approved).unwrap();
    assert!(!world2.asked.iter().any(|h| h.url.path().ends_with("pending_deployments")));
}

#[test]
fn a_token_that_may_not_ask_who_approves_costs_nothing_else() {
    let report = world()
        .poll(|http| {
            if http.url.path().ends_with("pending_deployments") {
                return Some(answered(http, 403, &[], r#"{"message":"Resource not accessible"}"#));
            }
            usual(http)
        })
        .unwrap();
    assert_eq!(report.partial, None);
    assert_eq!(approvals(&report).len(), 0);
}

#[test]
fn what_is_not_deployed_yet_is_counted_once_for_each_pair_of_commits() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let told: Vec<_> = drifts(&report)
        .iter()
        .map(|d| (d.environment.as_str(), d.against.clone(), d.missing, d.extra))
        .collect();
    let main = || Against::Branch("main".into());
    assert_eq!(
        told,
        [
            ("production", main(), 2, Some(1)),
            ("production", Against::Environment("staging".into()), 2, Some(1)),
            ("staging", main(), 2, Some(1)),
        ]
    );
    let first = drifts(&report)[0];
    assert_eq!(first.oldest, "2026-11-19T10:00:00Z".parse().ok());
    assert_eq!(
        first.commits[0].title.as_str(),
        "Refund twice at most",
        "the first line, oldest first"
    );
    assert!(
        first
            .url
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("https://github.com/acme/checkout/compare/")
    );
    let asked: Vec<String> =
        world.asked.iter().map(target).filter(|t| t.contains("compare")).collect();
    assert_eq!(
        asked[0],
        "/repos/acme/checkout/compare/aa84c09fbe69ededfced8c1bb6e6d24616b468aa...dd84c09fbe69ededfced8c1bb6e6d24616b468dd?per_page=100"
    );
    // Two commits never differ otherwise than they did.
    let report = world.poll(usual).unwrap();
    assert!(!world.asked.iter().any(|h| h.url.path().contains("compare")));
    assert_eq!(report.still.iter().filter(|(feed, _)| *feed == Feed::Drifts).count(), 3);
}

#[test]
fn what_each_deploy_brought_is_counted_once_without_the_files_it_changed() {
    let both = file("graphql_releases").replace("\"staging\"", "\"production\"");
    let usual = |http: &Http| {
        if http.method == Method::Post { Some(ok(http, both.as_str())) } else { usual(http) }
    };
    let counts = |world: &World| -> Vec<String> {
        world.asked.iter().map(target).filter(|t| t.contains("page=2")).collect()
    };
    let mut first = world();
    let report = first.poll(usual).unwrap();
    assert_eq!(
        counts(&first),
        [
            "/repos/acme/checkout/compare/aa84c09fbe69ededfced8c1bb6e6d24616b468aa...bb84c09fbe69ededfced8c1bb6e6d24616b468bb?per_page=1&page=2"
        ]
    );
    let [told] = brought(&report)[..] else { panic!("{:?}", brought(&report)) };
    assert_eq!((told.ahead, told.at_least, told.behind), (2, false, Some(1)));
    assert_eq!((told.repo.as_str(), report.partial.clone()), ("acme/checkout", None));
    assert!(brought(&first.poll(usual).unwrap()).is_empty() && counts(&first).is_empty());

    // A commit that a forced push removed is never asked for again, and told of nowhere.
    let gone = |http: &Http| match http.url.query() {
        Some(query) if query.contains("page=2") => Some(answered(http, 404, &[], "{}")),
        _ => usual(http),
    };
    let mut second = world();
    let report = second.poll(gone).unwrap();
    assert_eq!((brought(&report).len(), report.partial), (0, None));
    second.poll(gone).unwrap();
    assert!(counts(&second).is_empty());

    // What cannot be had now is said, and asked for again; the rest is whole.
    let busy = |http: &Http| match http.url.query() {
        Some(query) if query.contains("page=2") => Some(answered(http, 502, &[], "")),
        _ => usual(http),
    };
    let mut third = world();
    let report = third.poll(busy).unwrap();
    assert!(report.partial.as_ref().unwrap().as_str().contains("commits of deploys"));
    assert!(report.complete.contains(&Feed::Deploys), "what is told of now is whole");
    third.poll(usual).unwrap();
    assert_eq!(counts(&third).len(), 1);
}

#[test]
fn a_branch_is_no_version_and_a_tag_is() {
    let report = world().poll(usual).unwrap();
    let told: Vec<_> = deploys(&report).iter().map(|d| d.version.as_str()).collect();
    assert_eq!(told, ["v1.4.0", ""]);
}

#[test]
fn a_comparison_that_is_too_large_still_has_its_numbers() {
    let too_large = |http: &Http| {
        http.url.path().contains("compare")
            && http.url.query().is_some_and(|q| !q.contains("page=2"))
    };
    let report = world()
        .poll(|http| if too_large(http) { Some(answered(http, 413, &[], "")) } else { usual(http) })
        .unwrap();
    assert_eq!(report.partial, None);
    assert_eq!(drifts(&report).len(), 3);
    assert!(
        drifts(&report)
            .iter()
            .all(|d| d.missing == 2 && d.oldest.is_none() && d.commits.is_empty())
    );
}

#[test]
fn a_commit_that_is_gone_is_a_note_and_no_failure() {
    let report = world()
        .poll(|http| {
            if http.url.path().contains("compare") {
                return Some(answered(http, 404, &[], r#"{"message":"Not Found"}"#));
            }
            usual(http)
        })
        .unwrap();
    assert_eq!((report.partial.clone(), drifts(&report).len()), (None, 0));
    assert!(
        report.notes.iter().any(|n| n.as_str().contains("production cannot be compared with main"))
    );
}

#[test]
fn environments_that_run_the_same_have_nothing_between_them() {
    let same = file("graphql_releases").replace(
        "bb84c09fbe69ededfced8c1bb6e6d24616b468bb",
        "aa84c09fbe69ededfced8c1bb6e6d24616b468aa",
    );
    let report =
        world()
            .poll(|http| {
                if http.method == Method::Post {
                    Some(ok(http, same.as_str()))
                } else {
                    usual(http)
                }
            })
            .unwrap();
    let between =
        drifts(&report).into_iter().find(|d| matches!(d.against, Against::Environment(_)));
    assert_eq!(between.map(|d| (d.missing, d.extra)), Some((0, Some(0))));
}

#[test]
fn a_spent_budget_of_comparisons_ends_in_a_wait() {
    let limited: Trouble = world()
        .poll(|http| {
            if http.url.path().contains("compare") {
                return Some(answered(
                    http,
                    403,
                    &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795345200")],
                    r#"{"message":"API rate limit exceeded"}"#,
                ));
            }
            usual(http)
        })
        .unwrap_err();
    assert_eq!(limited.status, Status::RateLimited);
}

#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    let whole = world().poll(usual).unwrap().facts.len();
    for name in ["graphql_releases", "pending_deployments", "compare", "runs_waiting"] {
        for spoilt in spoil(&file(name), 1) {
            let told = world().poll(|http| {
                let path = http.url.path();
                let own = match name {
                    "graphql_releases" => http.method == Method::Post,
                    "runs_waiting" => path.ends_with("/runs"),
                    "compare" => path.contains("/compare/"),
                    _ => path.ends_with(name),
                };
                if own { Some(ok(http, spoilt.body.as_str())) } else { usual(http) }
            });
            // Comparisons and approvals go with the deployment or run they are about.
            judge(&spoilt, whole.saturating_sub(4), told);
        }
    }
}

#[test]
fn githubs_own_examples_are_read() {
    let Some(compare) = recording("prism-github/compare.json") else { return };
    let pending = recording("prism-github/pending_deployments.json").unwrap();
    let report = world()
        .poll(|http| {
            let path = http.url.path();
            match () {
                () if path.contains("/compare/") => Some(ok(http, compare.as_str())),
                () if path.ends_with("pending_deployments") => Some(ok(http, pending.as_str())),
                () => usual(http),
            }
        })
        .unwrap();
    assert_eq!(report.partial, None);
    assert_eq!((drifts(&report)[0].missing, drifts(&report)[0].extra), (1, Some(2)));
    assert_eq!(
        approvals(&report)[0].approvers,
        [Clean::from("octocat"), Clean::from("Justice League")]
    );
}
