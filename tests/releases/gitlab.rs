//! GitLab: deployments by what was deployed, approvals by who may give them, freezes in their own zones, commits not deployed yet.

use andon::model::{
    Against, Approval, Brought, Clean, Deploy, Drift, Fact, Feed, Gate, Milestone, Outcome,
    PostMortem, Release, Report, Run, Schedule, Status,
};
use andon::source::{Http, HttpAnswer, Problem, gitlab};

use super::judge;
use crate::common::fixtures::transcript;
use crate::common::mutate::{HOSTILE, spoil};
use crate::common::poll::{World, answered, header, ok, open, target};

const NOW: &str = "2026-11-22T10:00:00Z";
const BASE: &str = "https://gitlab.example";

told!(deploys, Deploy);
told!(releases, Release);
told!(runs, Run);
told!(gates, Gate);
told!(milestones, Milestone);
told!(approvals, Approval);
told!(drifts, Drift);
told!(brought, Brought);

fn post_mortems(report: &Report) -> Vec<&PostMortem> {
    let facts = report.facts.iter();
    facts
        .filter_map(|f| if let Fact::PostMortem(found) = f { Some(&**found) } else { None })
        .collect()
}

fn world() -> World {
    World::new(&gitlab::KIND, BASE, r#"{ projects = ["acme/checkout"] }"#, NOW)
}

fn file(name: &str) -> String {
    transcript(&format!("gitlab/{name}.json"))
}

/// Which list a request asks for: the last part of its path, and what waits apart.
fn list(http: &Http) -> &str {
    let path = http.url.path();
    let query = http.url.query().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "acme%2Fcheckout" => "project",
        "deployments" if query.contains("status=blocked") => "blocked",
        "18" => "deployment_18",
        last => last,
    }
}

fn usual(http: &Http) -> Option<HttpAnswer> {
    Some(ok(http, file(list(http))))
}

/// The usual answers, one of them replaced.
fn but(name: &str, body: &str) -> impl FnMut(&Http) -> Option<HttpAnswer> {
    move |http| if list(http) == name { Some(ok(http, body)) } else { usual(http) }
}

fn other(word: &str) -> Outcome {
    Outcome::Other(Clean::line(word))
}

#[test]
fn deployments_say_what_was_deployed_and_how_it_went() {
    let report = world().poll(usual).unwrap();
    assert_eq!(report.partial, None);
    let told: Vec<_> = deploys(&report)
        .iter()
        .map(|d| (d.version.as_str(), d.environment.as_str(), d.outcome.clone(), d.who.as_str()))
        .collect();
    let expected = [
        ("v1.4.0", "production", Outcome::Succeeded, "ada"),
        ("", "staging", Outcome::Succeeded, "grace"),
        ("", "production", Outcome::Failed, ""),
        ("", "production", Outcome::Waiting, "grace"),
        ("", "review/fix-login", other("hibernating"), "eve"),
    ];
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(&expected) {
        assert_eq!((told.0, told.1, &told.2), (expected.0, expected.1, &expected.2));
        assert!(told.3.starts_with(expected.3));
    }
    let first = deploys(&report)[0];
    assert_eq!(first.key.id.raw(), "projects/acme/checkout/deployments/15");
    assert_eq!(first.repo.as_str(), "acme/checkout");
    assert_eq!(first.started, "2026-11-22T09:01:00Z".parse().ok());
    assert_eq!(first.finished, "2026-11-22T09:06:00Z".parse().ok());
    assert_eq!(first.committed, "2026-11-21T16:00:00Z".parse().ok());
    assert_eq!(first.description.as_str(), "Refund twice at most");
    assert_eq!(deploys(&report)[3].finished, None, "it has not even begun");
}

#[test]
fn who_must_say_yes_is_named_until_they_did() {
    let report = world().poll(usual).unwrap();
    let waiting = approvals(&report)[0];
    assert_eq!(waiting.approvers, [Clean::from("qa-group")], "security has said yes already");
    assert_eq!((waiting.environment.as_str(), waiting.run.as_str()), ("production", "pipeline 79"));
    assert_eq!(waiting.version.as_str(), "bb1184c0");
    let run = waiting.run_key.as_ref().unwrap();
    assert!(runs(&report).iter().any(|r| r.key == *run), "its pipeline is known");
    assert!(report.complete.contains(&Feed::Approvals));
    // Without the detail it still waits, nobody knows for whom.
    let report = world()
        .poll(|http| match list(http) {
            "deployment_18" => Some(answered(http, 404, &[], "{}")),
            _ => usual(http),
        })
        .unwrap();
    assert!(approvals(&report)[0].approvers.is_empty());
}

#[test]
fn issues_with_the_label_are_post_mortems() {
    let issues = r###"[{"id":901,"iid":12,"project_id":3,"title":"Checkout was down","state":"closed",
        "description":"## Root cause\nA full disk.\n\n## Actions\n- [ ] alert on it @ben\n","created_at":"2026-03-04T10:00:00.000Z",
        "labels":["post mortem","severity::2","service::checkout"],"author":{"id":1,"username":"ada","name":"Ada"},
        "web_url":"https://gitlab.example/acme/checkout/-/issues/12"},{"iid":13,"title":null,"description":null}]"###;
    let options = r#"{ projects = ["acme/checkout"], post_mortems = "post mortem" }"#;
    let mut asked = String::new();
    let report = World::new(&gitlab::KIND, BASE, options, NOW)
        .poll(|http| {
            if list(http) == "issues" {
                asked = target(http);
            }
            but("issues", issues)(http)
        })
        .unwrap();
    assert!(asked.contains("/projects/acme%2Fcheckout/issues?labels=post+mortem&"), "{asked}");
    let told = post_mortems(&report);
    let p = told[0];
    assert_eq!((p.path.as_str(), p.title.as_str()), ("acme/checkout#12", "Checkout was down"));
    assert_eq!(p.date().unwrap().to_string(), "2026-03-04");
    assert_eq!(p.level().map(|level| level.0), Some(2));
    assert_eq!(p.services[0].value.as_str(), "checkout");
    assert_eq!(p.root_cause.as_ref().unwrap().value.as_str(), "A full disk.");
    assert_eq!((p.actions.len(), p.authors[0].value.as_str()), (1, "ada"));
    assert_eq!(
        p.url.as_ref().unwrap().as_str(),
        "https://gitlab.example/acme/checkout/-/issues/12"
    );
    assert_eq!(told.len(), 2, "an issue without words is one all the same");
    assert!(report.complete.contains(&Feed::PostMortems));
    // Without the option nobody asks.
    let mut paths = Vec::new();
    let report = world().poll(|http| {
        paths.push(target(http));
        usual(http)
    });
    assert!(!paths.iter().any(|path| path.contains("/issues")), "{paths:?}");
    assert!(!report.unwrap().complete.contains(&Feed::PostMortems));
}

#[test]
fn freezes_hold_in_their_own_zone_and_unreadable_ones_are_not_forgotten() {
    let report = world().poll(usual).unwrap();
    let told = gates(&report);
    assert_eq!(told.len(), 3);
    assert!(
        matches!(&told[0].schedule, Schedule::Between { zone, .. } if zone.iana_name() == Some("Europe/Berlin"))
    );
    assert!(told[0].schedule.is_on("2026-11-22T10:00:00Z".parse().unwrap()), "a Sunday");
    assert!(!told[0].schedule.is_on("2026-11-23T07:00:00Z".parse().unwrap()), "eight in Berlin");
    let Schedule::Unreadable(why) = &told[2].schedule else { panic!("{:?}", told[2]) };
    assert!(why.as_str().contains("Mars/Base"), "{why}");
    assert_eq!(told[0].repo.as_str(), "acme/checkout");
    assert!(report.complete.contains(&Feed::Gates));
}

#[test]
fn without_the_right_to_list_freezes_the_rest_is_whole_and_says_so() {
    for status in [403, 404] {
        let report = world()
            .poll(|http| match list(http) {
                "freeze_periods" => {
                    Some(answered(http, status, &[], r#"{"message":"403 Forbidden"}"#))
                }
                _ => usual(http),
            })
            .unwrap();
        assert_eq!(report.partial, None);
        assert!(!report.complete.contains(&Feed::Gates));
        assert!(report.notes.iter().any(|n| n.as_str().contains("deploy freezes are not known")));
        let [unknown] = gates(&report)[..] else { panic!("{:?}", gates(&report)) };
        assert!(matches!(unknown.schedule, Schedule::Unreadable(_)), "nobody may say it is free");
    }
    let options = r#"{ projects = ["acme/checkout"], freezes = false }"#;
    let mut world = World::new(&gitlab::KIND, BASE, options, NOW);
    world.poll(usual).unwrap();
    assert!(!world.asked.iter().any(|h| list(h) == "freeze_periods"));
    assert!(!world.source.tells_freezes());
}

#[test]
fn a_release_that_is_to_come_is_a_plan() {
    let report = world().poll(usual).unwrap();
    assert_eq!(releases(&report).iter().map(|r| r.tag.as_str()).collect::<Vec<_>>(), ["v1.4.0"]);
    let told: Vec<_> = milestones(&report)
        .iter()
        .map(|m| (m.title.as_str(), m.due.map(|d| d.to_string()), m.done, m.about.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("Winter train", Some("2026-12-01".to_owned()), false, "Everything with snow"),
            ("10.0", Some("2026-11-29".to_owned()), false, "Version"),
            ("9.0", Some("2026-10-30".to_owned()), true, ""),
        ]
    );
}

#[test]
fn commits_not_deployed_yet_are_counted_with_the_age_of_the_oldest() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let told: Vec<_> = drifts(&report)
        .iter()
        .map(|d| (d.environment.as_str(), d.against.clone(), d.missing, d.oldest))
        .collect();
    let oldest = "2026-11-19T10:00:00Z".parse().ok();
    let branch = || Against::Branch("main".into());
    assert_eq!(
        told,
        [
            ("production", branch(), 3, oldest),
            ("production", Against::Environment("staging".into()), 3, oldest),
            ("staging", branch(), 3, oldest),
        ]
    );
    assert_eq!(drifts(&report)[0].commits[0].title.as_str(), "First", "oldest first");
    let ranges: Vec<String> =
        world.asked.iter().map(target).filter(|t| t.contains("commits")).collect();
    assert!(ranges[1].contains("ref_name=279484c09fbe69ededfced8c1bb6e6d24616b468..aa1184c09fbe69ededfced8c1bb6e6d24616b4aa"), "{ranges:?}");
    // Nothing new was deployed: nothing is compared again in the next poll.
    let report = world.poll(usual).unwrap();
    assert_eq!(drifts(&report).len(), 0);
    assert!(!world.asked.iter().any(|h| list(h) == "commits"));
}

#[test]
fn what_each_deploy_brought_is_counted_up_to_a_page() {
    let mut world = world();
    let report = world.poll(usual).unwrap();
    let told: Vec<_> = brought(&report).iter().map(|b| (b.ahead, b.at_least, b.behind)).collect();
    assert_eq!(told, [(3, false, None)], "two attempts of one version are one pair of commits");
    let pair = "ref_name=279484c09fbe69ededfced8c1bb6e6d24616b468..bb1184c09fbe69ededfced8c1bb6e6d24616b4bb&per_page=100";
    assert!(world.asked.iter().map(target).any(|t| t.contains(pair)));
    assert!(brought(&world.poll(usual).unwrap()).is_empty());
    let more = |http: &Http| match list(http) {
        "commits" => {
            Some(answered(http, 200, &[("link", "<?page=2>; rel=\"next\"")], file("commits")))
        }
        _ => usual(http),
    };
    let report = self::world().poll(more).unwrap();
    assert!(brought(&report)[0].at_least);
}

#[test]
fn environments_that_run_the_same_have_nothing_between_them() {
    let same = file("deployments").replace(
        "aa1184c09fbe69ededfced8c1bb6e6d24616b4aa",
        "279484c09fbe69ededfced8c1bb6e6d24616b468",
    );
    let report = world().poll(but("deployments", &same)).unwrap();
    let between =
        drifts(&report).into_iter().find(|d| matches!(d.against, Against::Environment(_)));
    assert_eq!(between.map(|d| (d.missing, d.at_least, d.oldest)), Some((0, false, None)));
}

#[test]
fn a_longer_list_of_commits_is_at_least_that_many() {
    let report = world()
        .poll(|http| match list(http) {
            "commits" => {
                Some(answered(http, 200, &[("link", "<?page=2>; rel=\"next\"")], file("commits")))
            }
            _ => usual(http),
        })
        .unwrap();
    assert!(drifts(&report).iter().all(|d| d.at_least && d.oldest.is_none()));
}

#[test]
fn what_is_asked_says_its_order_and_how_far_back() {
    let mut world = world();
    world.poll(usual).unwrap();
    let asked: Vec<String> = world.asked.iter().map(target).collect();
    assert!(asked.iter().any(|t| t
        == "/api/v4/projects/acme%2Fcheckout/deployments?order_by=updated_at&sort=desc&updated_after=2026-10-23T10%3A00%3A00Z&per_page=50"), "{asked:?}");
    assert!(
        world.asked.iter().all(|h| header(h, "authorization").is_none()),
        "secrets are the engine's"
    );
    world.now = "2026-11-22T10:01:00Z".parse().unwrap();
    world.poll(usual).unwrap();
    let asked: Vec<String> = world.asked.iter().map(target).collect();
    assert!(
        asked.iter().any(|t| t.contains("updated_after=2026-11-22T09%3A50%3A00Z")),
        "{asked:?}"
    );
    assert!(!asked.iter().any(|t| t.contains("freeze_periods")), "not in every poll");
    // The one environment that is followed is asked for; of several each is.
    for (followed, named) in [(r#"["production"]"#, true), (r#"["production", "staging"]"#, false)]
    {
        let options = format!("{{ projects = [\"acme/checkout\"], environments = {followed} }}");
        let mut world = World::new(&gitlab::KIND, BASE, &options, NOW);
        world.poll(usual).unwrap();
        let asked: Vec<String> = world.asked.iter().map(target).collect();
        let of = |t: &&String| t.contains("/deployments?");
        assert!(asked.iter().any(|t| of(&t)), "{asked:?}");
        let all = asked.iter().filter(of).all(|t| t.contains("environment=production"));
        assert_eq!(all, named, "{asked:?}");
    }
}

#[test]
fn own_servers_keep_their_prefix_and_the_api_is_added_once() {
    for (base, path) in [
        ("https://git.example", "/api/v4/projects/42/releases"),
        ("https://git.example/lab/", "/lab/api/v4/projects/42/releases"),
        ("https://git.example/lab/api/v4", "/lab/api/v4/projects/42/releases"),
    ] {
        let mut world = World::new(&gitlab::KIND, base, "{ projects = [42] }", NOW);
        let report = world
            .poll(|http| match list(http) {
                "42" => Some(ok(http, file("project"))),
                _ => usual(http),
            })
            .unwrap();
        assert!(world.asked.iter().any(|h| h.url.path() == path), "{base}");
        assert_eq!(deploys(&report)[0].repo.as_str(), "acme/checkout", "a number learns its name");
        assert_eq!(deploys(&report)[0].key.id.raw(), "projects/42/deployments/15");
    }
}

#[test]
fn pages_are_followed_here_and_nowhere_else() {
    let mut pages = 0;
    let mut world = world();
    let report = world
        .poll(|http| match list(http) {
            "pipelines" => {
                pages += 1;
                let next = format!(
                    "<{BASE}/api/v4/projects/42/pipelines?page={}>; rel=\"next\"",
                    pages + 1
                );
                Some(answered(http, 200, &[("link", &next)], file("pipelines")))
            }
            "releases" => Some(answered(
                http,
                200,
                &[("link", "<https://evil.example/api/v4/x?page=2>; rel=\"next\"")],
                file("releases"),
            )),
            _ => usual(http),
        })
        .unwrap();
    assert_eq!(pages, 3);
    assert!(world.asked.iter().all(|h| h.url.host_str() == Some("gitlab.example")));
    assert_eq!(runs(&report).len(), 3, "rows that moved to the next page count once");
    let notes: Vec<&str> = report.notes.iter().map(Clean::as_str).collect();
    assert!(notes.iter().any(|n| n.contains("pipelines: truncated at 3")), "{notes:?}");
    assert!(notes.iter().any(|n| n.contains("another origin")), "{notes:?}");
    assert!(!report.complete.contains(&Feed::Releases));
}

#[test]
fn one_project_that_is_gone_costs_itself() {
    let options = r#"{ projects = ["acme/checkout", "acme/gone"] }"#;
    let report = World::new(&gitlab::KIND, BASE, options, NOW)
        .poll(|http| {
            if http.url.path().contains("gone") {
                return Some(answered(http, 404, &[], r#"{"message":"404 Project Not Found"}"#));
            }
            usual(http)
        })
        .unwrap();
    let partial = report.partial.unwrap();
    assert!(
        partial.as_str().contains("acme/gone project: answered 404: 404 Project Not Found"),
        "{partial}"
    );
    assert_eq!(deploys(&report_of(&report.facts)).len(), 5);
    assert_eq!(report.complete, []);
}

fn report_of(facts: &[Fact]) -> Report {
    Report { facts: facts.to_vec(), ..Report::default() }
}

#[test]
fn refusals_say_what_to_do() {
    let trouble = |status, headers: &[(&str, &str)], body: &str| {
        world().poll(|http| Some(answered(http, status, headers, body))).unwrap_err()
    };
    let scope = trouble(
        403,
        &[],
        r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges","scope":"api read_api"}"#,
    );
    assert_eq!(scope.status, Status::Auth);
    assert!(scope.hint.unwrap().as_str().contains("read_api"));
    let limit = trouble(429, &[("retry-after", "30")], "Retry later");
    assert_eq!(
        (limit.status, limit.retry_after.map(|d| d.as_secs())),
        (Status::RateLimited, Some(30))
    );
    let login = trouble(200, &[], "<!DOCTYPE html><title>Sign in</title>");
    assert_eq!(login.message.as_str(), "got HTML: login page?");
    let expired = trouble(
        401,
        &[],
        r#"{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}"#,
    );
    assert!(
        expired.message.as_str().contains("Token is expired")
            || expired.message.as_str().contains("invalid_token")
    );
}

#[test]
fn options_are_checked_where_they_stand() {
    let messages = |options: &str| {
        let problems = open(&gitlab::KIND, BASE, options).unwrap_err();
        problems
            .iter()
            .map(|p| match p {
                Problem::Toml(e) => e.message().to_owned(),
                Problem::Key { message, .. } | Problem::Metric { message, .. } => message.clone(),
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(messages("{ }").contains("name at least one project"));
    assert!(
        messages(r#"{ projects = ["https://gitlab.example/acme/x"] }"#).contains("write `acme/x`")
    );
    assert!(messages(r#"{ projects = ["acme/x"], repos = [] }"#).contains("unknown field"));
}

#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    for name in [
        "deployments",
        "blocked",
        "deployment_18",
        "releases",
        "pipelines",
        "freeze_periods",
        "milestones",
        "commits",
        "project",
    ] {
        let whole = world().poll(usual).unwrap().facts.len();
        for spoilt in spoil(&file(name), 1) {
            let told = world().poll(|http| {
                let own = list(http);
                // A spoilt identity is asked for as well.
                let known = own == name
                    || [
                        "project",
                        "deployments",
                        "blocked",
                        "deployment_18",
                        "releases",
                        "pipelines",
                        "freeze_periods",
                        "milestones",
                        "commits",
                    ]
                    .contains(&own);
                if own == name {
                    Some(ok(http, spoilt.body.as_str()))
                } else if known {
                    usual(http)
                } else {
                    Some(answered(http, 404, &[], "{}"))
                }
            });
            // A deployment that cannot be read is no longer compared either: up to two comparisons go with it.
            judge(&spoilt, whole.saturating_sub(3), told);
        }
    }
}

#[test]
fn hostile_text_never_reaches_a_screen() {
    let hostile = serde_json::to_string(HOSTILE).unwrap();
    let body = file("milestones").replace("\"10.0\"", &hostile);
    let report = world().poll(but("milestones", &body)).unwrap();
    let title = milestones(&report)[1].title.as_str();
    assert!(title.starts_with('a') && !title.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']));
    assert!(!deploys(&report)[4].who.as_str().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    let link = runs(&report)[2].url.as_ref().unwrap().as_str();
    assert_eq!(link, "https://gitlab.example/acme/checkout/-/pipelines/76", "no script is offered");
}

#[test]
fn many_projects_take_turns() {
    let list_of: Vec<String> = (0..25).map(|i| format!("\"acme/p{i}\"")).collect();
    let options = format!("{{ projects = [{}] }}", list_of.join(", "));
    let mut world = World::new(&gitlab::KIND, BASE, &options, NOW);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let report = world
            .poll(|http| {
                let project = http.url.path().split('/').nth(4).unwrap().to_owned();
                seen.insert(project);
                Some(ok(http, if list(http).starts_with("acme") { "{}" } else { "[]" }))
            })
            .unwrap();
        assert!(report.notes.iter().any(|n| n.as_str().contains("of 25 projects")));
        assert_eq!(report.complete, []);
    }
    assert_eq!(seen.len(), 25);
}
