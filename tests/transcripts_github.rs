//! GitHub from its own words: what is asked, what is understood, and what is said when something is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps
)]

mod common;

use andon::model::{Clean, Deploy, Fact, Feed, Outcome, Release, Report, Run, Status, Trouble};
use andon::source::{Http, HttpAnswer, Method, Problem, github};
use common::fixtures::{recording, transcript};
use common::mutate::{Spoilt, shortened, spoil};
use common::poll::{World, answered, header, ok, open, target};

const PUBLIC: &str = "https://api.github.com";
const NOW: &str = "2026-11-22T10:00:00Z";
const NO_RUNS: &str = r#"{"total_count":0,"workflow_runs":[]}"#;

fn world(repos: &str) -> World {
    World::new(&github::KIND, PUBLIC, &format!("{{ repos = [{repos}] }}"), NOW)
}

fn is_question(http: &Http) -> bool {
    http.method == Method::Post
}

/// GraphQL answers `graph`, every list of runs `runs`.
fn usual(graph: &str, runs: &str) -> impl FnMut(&Http) -> Option<HttpAnswer> {
    move |http| {
        let runs_asked = http.url.path().ends_with("/actions/runs");
        match (is_question(http), runs_asked) {
            (true, _) => Some(ok(http, graph)),
            (_, true) => Some(ok(http, runs)),
            _ => Some(answered(http, 404, &[], r#"{"message":"Not Found"}"#)),
        }
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

told!(deploys, Deploy);
told!(runs, Run);
told!(releases, Release);

fn other(word: &str) -> Outcome {
    Outcome::Other(Clean::line(word))
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    format!("2026-11-22T{text}Z").parse().ok()
}

#[test]
fn deployments_tell_their_whole_story_and_unknown_words_stay_neutral() {
    let report = world(r#""acme/checkout", "acme/gone""#)
        .poll(usual(&transcript("github/graphql.json"), NO_RUNS))
        .unwrap();
    let told: Vec<_> = deploys(&report)
        .iter()
        .map(|d| (d.version.to_string(), d.outcome.clone(), d.finished))
        .collect();
    let expected = [
        ("v410", Outcome::Succeeded, time("09:11:30")),
        ("v411", Outcome::Succeeded, time("09:13:00")),
        ("v412", Outcome::Failed, time("09:14:00")),
        ("v413", Outcome::Failed, time("09:13:30")),
        ("v414", Outcome::Running, None),
        ("v415", Outcome::Waiting, None),
        ("v416", other("abandoned"), None),
        ("v417", Outcome::Waiting, None),
        ("v418", other("hibernated"), None),
        ("", Outcome::Waiting, None),
        ("feature/🚀 naïve", Outcome::Succeeded, time("09:21:00")),
    ];
    assert_eq!(told, expected.map(|(v, o, f)| (v.to_owned(), o, f)));

    let first = deploys(&report)[0];
    assert_eq!(first.key.id.raw(), "repos/acme/checkout/deployments/1010");
    assert_eq!((first.repo.as_str(), first.who.as_str()), ("acme/checkout", "ada"));
    assert_eq!((first.started, first.committed), (time("09:10:00"), time("08:10:00")));
    assert_eq!(first.url.as_ref().unwrap().as_str(), "https://ci.acme.example/log/10");
    let hostile = deploys(&report)[10];
    assert!(!hostile.description.as_str().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    assert_eq!(hostile.key.id.raw(), "repos/acme/checkout/deployments/DE_kwDOA0020");
    assert_eq!(
        hostile.url.as_ref().unwrap().as_str(),
        "https://github.com/acme/checkout/deployments"
    );
}

#[test]
fn releases_go_by_the_day_they_were_published_and_drafts_have_none() {
    let report = world(r#""acme/checkout", "acme/gone""#)
        .poll(usual(&transcript("github/graphql.json"), NO_RUNS))
        .unwrap();
    let told: Vec<_> = releases(&report)
        .iter()
        .map(|r| (r.tag.as_str(), r.name.as_str(), r.draft, r.prerelease, r.published))
        .collect();
    assert_eq!(
        told,
        [
            ("v412", "Checkout 4.12", false, false, time("09:40:00")),
            ("v413", "", true, false, None),
            ("v413-rc1", "RC", false, true, time("07:00:00")),
        ]
    );
}

#[test]
fn a_repository_that_may_not_be_seen_makes_the_poll_partial_and_by_name() {
    let report = world(r#""acme/checkout", "acme/gone""#)
        .poll(usual(&transcript("github/graphql.json"), NO_RUNS))
        .unwrap();
    let partial = report.partial.unwrap();
    assert!(
        partial.as_str().starts_with("acme/gone: Could not resolve to a Repository"),
        "{partial}"
    );
    assert_eq!(report.complete, [], "what is partial is never complete");

    let silent = r#"{"data":{"r0":null}}"#;
    let trouble = world(r#""acme/gone""#)
        .poll(|http| {
            let body = if is_question(http) { silent } else { r#"{"message":"Not Found"}"# };
            Some(answered(http, if is_question(http) { 200 } else { 404 }, &[], body))
        })
        .unwrap_err();
    assert_eq!(trouble.status, Status::NotFound);
}

#[test]
fn runs_keep_unknown_conclusions_as_their_own_words() {
    let report = world(r#""acme/checkout""#)
        .poll(usual(r#"{"data":{"r0":{}}}"#, &transcript("github/runs.json")))
        .unwrap();
    let told: Vec<_> = runs(&report).iter().map(|r| r.outcome.clone()).collect();
    assert_eq!(
        told,
        [
            Outcome::Succeeded,
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Cancelled,
            other("skipped"),
            Outcome::Failed,
            other("quantum"),
            Outcome::Running,
            Outcome::Waiting,
            Outcome::Waiting,
            Outcome::Waiting,
            other("unknown"),
        ]
    );
    let first = runs(&report)[0];
    assert_eq!(first.key.id.raw(), "repos/acme/checkout/actions/runs/30433642020");
    assert_eq!((first.workflow.as_str(), first.who.as_str()), ("deploy", "lin"));
    assert_eq!((first.started, first.updated), (time("09:20:05"), time("09:20:40")));
    let bare = runs(&report)[11];
    assert_eq!(bare.workflow.as_str(), ".github/workflows/deploy.yml");
    assert_eq!(bare.title.as_str(), "Merge ␛[2J pull request");
    assert_eq!(bare.started, time("09:09:00"));
    assert_eq!(report.partial, None);
}

#[test]
fn requests_are_shaped_as_github_wants_them() {
    let mut world = world(r#""acme/checkout""#);
    world.poll(usual(r#"{"data":{"r0":{}}}"#, NO_RUNS)).unwrap();
    let targets: Vec<String> = world.asked.iter().map(target).collect();
    assert_eq!(targets, ["/graphql", "/repos/acme/checkout/actions/runs?per_page=50"]);
    for http in &world.asked {
        assert!(header(http, "accept").unwrap().starts_with("application/vnd.github+json"));
        assert_eq!(header(http, "x-github-api-version"), Some("2026-03-10"));
        assert_eq!(header(http, "authorization"), None, "credentials are the engine's");
        assert!(!http.url.path().ends_with('/'), "a trailing slash is a 404 there");
        assert_eq!(http.conditional, !is_question(http));
    }
    let body: serde_json::Value =
        serde_json::from_slice(&world.asked[0].body.as_ref().unwrap().1).unwrap();
    assert_eq!(body["variables"]["o0"], "acme");
    assert_eq!(body["variables"]["n0"], "checkout");
    assert!(body["variables"]["env"].is_null());
    let depth = |world: &World| {
        let body = &world.asked[0].body.as_ref().unwrap().1;
        serde_json::from_slice::<serde_json::Value>(body).unwrap()["variables"]["last"].clone()
    };
    assert_eq!(depth(&world), 50, "at first the history is asked for");
    world.poll(usual(r#"{"data":{"r0":{}}}"#, NO_RUNS)).unwrap();
    assert_eq!(depth(&world), 20, "then the newest");
    world.now = "2026-11-23T10:00:00Z".parse().unwrap();
    world.poll(usual(r#"{"data":{"r0":{}}}"#, NO_RUNS)).unwrap();
    assert_eq!(depth(&world), 50, "and after a night's sleep the history again");
}

#[test]
fn enterprise_server_is_asked_at_its_own_paths_and_version() {
    let base = "https://github.acme.example/api/v3/";
    let options = r#"{ repos = ["acme/checkout"], environments = ["production"] }"#;
    let mut world = World::new(&github::KIND, base, options, NOW);
    let report = world
        .poll(|http| {
            let about = [("x-github-enterprise-version", "enterprise-server@3.19.1")];
            let graph = r#"{"data":{"r0":{"deployments":{"nodes":[{"databaseId":1}]}}}}"#;
            let body = if is_question(http) { graph } else { NO_RUNS };
            Some(answered(http, 200, &about, body))
        })
        .unwrap();
    let targets: Vec<String> = world.asked.iter().map(target).collect();
    assert_eq!(targets, ["/api/graphql", "/api/v3/repos/acme/checkout/actions/runs?per_page=50"]);
    assert_eq!(header(&world.asked[0], "x-github-api-version"), Some("2022-11-28"));
    assert_eq!(report.about.as_ref().unwrap().as_str(), "GitHub Enterprise Server 3.19.1");
    assert_eq!(
        deploys(&report)[0].url.as_ref().unwrap().as_str(),
        "https://github.acme.example/acme/checkout/deployments"
    );
    let body = String::from_utf8_lossy(&world.asked[0].body.as_ref().unwrap().1);
    assert!(body.contains(r#""env":["production"]"#), "{body}");
}

/// A server with REST only.
fn rest_only(status: u16, said: &str) -> impl FnMut(&Http) -> Option<HttpAnswer> {
    let statuses: serde_json::Value =
        serde_json::from_str(&transcript("github/statuses.json")).unwrap();
    move |http| {
        let path = http.url.path();
        if is_question(http) {
            return Some(answered(http, status, &[], said));
        }
        let parts: Vec<&str> =
            path.trim_start_matches("/repos/acme/checkout/").split('/').collect();
        Some(ok(
            http,
            match parts.as_slice() {
                ["deployments"] => transcript("github/deployments.json"),
                ["deployments", id, "statuses"] => statuses[*id].to_string(),
                ["releases"] => transcript("github/releases.json"),
                ["milestones"] => "[]".to_owned(),
                ["actions", "runs"] => NO_RUNS.to_owned(),
                _ => return None,
            },
        ))
    }
}

#[test]
fn without_graphql_the_same_is_read_by_rest_and_the_detour_is_remembered() {
    for (status, said) in [
        (404, r#"{"message":"Not Found"}"#),
        (401, r#"{"message":"This endpoint requires you to be authenticated."}"#),
        (403, r#"{"message":"Resource not accessible by integration"}"#),
        (502, "<html>Bad gateway</html>"),
        (200, r#"{"errors":[{"message":"Field 'statuses' doesn't exist on type 'Deployment'"}]}"#),
    ] {
        let mut world = world(r#""acme/checkout""#);
        let report = world.poll(rest_only(status, said)).unwrap();
        let told: Vec<_> =
            deploys(&report).iter().map(|d| (d.outcome.clone(), d.finished)).collect();
        assert_eq!(
            told,
            [
                (Outcome::Waiting, None),
                (Outcome::Running, None),
                (Outcome::Failed, time("09:12:40")),
                (Outcome::Succeeded, time("09:11:40")),
                (Outcome::Failed, time("09:10:40")),
            ],
            "{status} {said}"
        );
        let versions: Vec<&str> = deploys(&report).iter().map(|d| d.version.as_str()).collect();
        assert_eq!(
            versions,
            ["v414", "v413", "", "v411", "v410"],
            "a ref that is the sha is no version"
        );
        assert_eq!(deploys(&report)[1].key.id.raw(), "repos/acme/checkout/deployments/DE_rest13");
        assert_eq!(releases(&report)[1].published, None);
        assert!(report.notes[0].as_str().starts_with("no GraphQL ("), "{:?}", report.notes);
        assert!(world.rounds.len() <= 4, "{:?}", world.rounds);

        // Next minute: no question, and of what has ended nothing is asked again.
        world.now = "2026-11-22T10:01:00Z".parse().unwrap();
        let report = world.poll(rest_only(status, said)).unwrap();
        assert!(!world.asked.iter().any(is_question));
        let asked: Vec<String> =
            world.asked.iter().map(target).filter(|t| t.contains("statuses")).collect();
        assert_eq!(
            asked,
            [
                "/repos/acme/checkout/deployments/2014/statuses?per_page=100",
                "/repos/acme/checkout/deployments/3000000013/statuses?per_page=100",
            ]
        );
        assert_eq!(report.still.len(), 3);
        assert!(report.still.iter().all(|(feed, _)| *feed == Feed::Deploys));

        // Hours later GraphQL is given another chance.
        world.now = "2026-11-22T12:00:00Z".parse().unwrap();
        world.poll(rest_only(status, said)).unwrap();
        assert!(world.asked.iter().any(is_question));
    }
}

#[test]
fn a_wrong_token_is_no_reason_to_try_rest() {
    let trouble = world(r#""acme/checkout""#)
        .poll(|http| Some(answered(http, 401, &[], r#"{"message":"Bad credentials"}"#)))
        .unwrap_err();
    assert_eq!(trouble.status, Status::Auth);
    assert!(trouble.message.as_str().contains("Bad credentials"));
    assert!(trouble.hint.is_some());
}

#[test]
fn limits_end_the_poll_and_say_how_long() {
    let secondary = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let spent = r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
    let poll = |status: u16, headers: &[(&str, &str)], body: &str| -> Trouble {
        world(r#""acme/checkout""#)
            .poll(|http| Some(answered(http, status, headers, body)))
            .unwrap_err()
    };
    let trouble = poll(403, &[("x-ratelimit-remaining", "4000")], secondary);
    assert_eq!(trouble.status, Status::RateLimited);
    assert!(trouble.retry_after.unwrap().as_secs() >= 60);
    // 2026-11-22T10:05:00Z
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795341900")];
    let trouble = poll(200, &headers, spent);
    assert_eq!(trouble.status, Status::RateLimited);
    assert_eq!(trouble.retry_after.unwrap().as_secs(), 300);
}

#[test]
fn a_spent_rest_budget_leaves_graphql_working() {
    let mut world = world(r#""acme/checkout", "acme/gone""#);
    let graph = transcript("github/graphql.json");
    let mut limited = |http: &Http| {
        if is_question(http) {
            return Some(ok(http, graph.as_str()));
        }
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795341900")];
        Some(answered(http, 403, &headers, r#"{"message":"API rate limit exceeded"}"#))
    };
    let report = world.poll(&mut limited).unwrap();
    assert_eq!(deploys(&report).len(), 11);
    assert!(report.partial.unwrap().as_str().contains("runs: "));
    world.now = "2026-11-22T10:01:00Z".parse().unwrap();
    let report = world.poll(&mut limited).unwrap();
    assert_eq!(world.asked.len(), 1, "REST is left alone until its reset");
    assert!(report.partial.is_some(), "and that stays said");
}

#[test]
fn a_missing_permission_for_one_list_is_partial_and_names_the_permission() {
    let graph = transcript("github/graphql.json");
    let report = world(r#""acme/checkout", "acme/gone""#)
        .poll(|http| {
            if is_question(http) {
                return Some(ok(http, graph.as_str()));
            }
            let body = r#"{"message":"Resource not accessible by personal access token"}"#;
            Some(answered(http, 403, &[("x-accepted-github-permissions", "actions=read")], body))
        })
        .unwrap();
    assert_eq!(deploys(&report).len(), 11);
    assert!(report.partial.unwrap().as_str().contains("actions=read"));
}

#[test]
fn single_sign_on_says_where_to_go_also_beside_good_data() {
    let graph = r#"{"data":{"r0":{},"r1":null},"errors":[{"type":"FORBIDDEN","path":["r1"],
        "message":"Resource protected by organization SAML enforcement."}]}"#;
    let report = world(r#""acme/a", "acme/b""#)
        .poll(|http| {
            let url = "required; url=https://github.com/orgs/acme/sso?authorization_request=A1";
            let body = if is_question(http) { graph } else { NO_RUNS };
            Some(answered(http, 200, &[("x-github-sso", url)], body))
        })
        .unwrap();
    let partial = report.partial.unwrap();
    assert!(partial.as_str().starts_with("acme/b: Resource protected"), "{partial}");
    assert!(partial.as_str().contains("open https://github.com/orgs/acme/sso?"), "{partial}");
}

#[test]
fn pages_of_runs_are_followed_at_home_only_and_rows_are_told_once() {
    let page = |ids: &[u64]| {
        let rows: Vec<String> = ids
            .iter()
            .map(|i| format!(r#"{{"id":{i},"status":"completed","conclusion":"success","created_at":"2026-11-22T09:00:00Z"}}"#))
            .collect();
        format!(r#"{{"total_count":900,"workflow_runs":[{}]}}"#, rows.join(","))
    };
    let next = |host: &str, n: u64| {
        format!("<https://{host}/repositories/77/actions/runs?per_page=50&page={n}>; rel=\"next\"")
    };
    let mut world = world(r#""acme/checkout""#);
    let mut answer = |host: &'static str| {
        world.poll(|http| {
            if is_question(http) {
                return Some(ok(http, r#"{"data":{"r0":{}}}"#));
            }
            let n = http
                .url
                .query_pairs()
                .find(|(k, _)| k == "page")
                .map_or(1, |(_, v)| v.parse().unwrap());
            // A row came in meanwhile: the last of each page is the first of the next.
            let ids: Vec<u64> = (0..3).map(|i| 100 - (n - 1) * 2 - i).collect();
            let link = next(host, n + 1);
            Some(answered(http, 200, &[("link", &link)], page(&ids)))
        })
    };
    let report = answer("api.github.com").unwrap();
    let ids: Vec<&str> =
        runs(&report).iter().map(|r| r.key.id.raw().rsplit('/').next().unwrap()).collect();
    assert_eq!(ids, ["100", "99", "98", "97", "96", "95", "94"]);
    assert_eq!(report.notes[0].as_str(), "acme/checkout runs: truncated at 7");
    assert_eq!(report.complete, [Feed::Approvals], "what waits is followed until it goes on");

    world.last_ok = None;
    let mut answer = |host: &'static str| {
        world.poll(|http| {
            let body =
                if is_question(http) { r#"{"data":{"r0":{}}}"#.to_owned() } else { page(&[1]) };
            Some(answered(http, 200, &[("link", &next(host, 2))], body))
        })
    };
    let report = answer("evil.example").unwrap();
    assert_eq!(runs(&report).len(), 1);
    assert!(report.notes[0].as_str().contains("another origin"), "{:?}", report.notes);
    assert!(world.asked.iter().all(|h| h.url.host_str() == Some("api.github.com")));
}

#[test]
fn only_lists_that_were_whole_are_called_complete() {
    let graph = r#"{"data":{"r0":{
        "deployments":{"pageInfo":{"hasPreviousPage":false},"nodes":[{"databaseId":1}]},
        "releases":{"pageInfo":{"hasNextPage":true},"nodes":[]}}}}"#;
    let report = world(r#""acme/checkout""#)
        .poll(usual(graph, r#"{"total_count":1,"workflow_runs":[{"id":1}]}"#))
        .unwrap();
    assert_eq!(report.complete, [Feed::Deploys, Feed::Runs, Feed::Approvals]);
}

#[test]
fn many_repositories_take_turns_within_ten_rounds() {
    let repos: Vec<String> = (0..70).map(|i| format!("\"acme/r{i}\"")).collect();
    let mut world = world(&repos.join(", "));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let report = world
            .poll(|http| {
                if is_question(http) {
                    let body = String::from_utf8_lossy(&http.body.as_ref().unwrap().1).into_owned();
                    let n = body.matches("...Told}").count();
                    let data: Vec<String> = (0..n).map(|i| format!("\"r{i}\":{{}}")).collect();
                    return Some(ok(http, format!("{{\"data\":{{{}}}}}", data.join(","))));
                }
                seen.insert(http.url.path().to_owned());
                Some(ok(http, NO_RUNS))
            })
            .unwrap();
        assert!(report.notes[0].as_str().contains("of 70 repositories in a poll"));
        assert_eq!(report.complete, []);
        assert!(world.rounds.len() <= 4, "{:?}", world.rounds);
        assert!(world.asked.len() <= 21);
    }
    assert_eq!(seen.len(), 70);
}

#[test]
fn a_deprecated_path_is_noted_once() {
    let graph = r#"{"data":{"r0":{},"r1":{}}}"#;
    let report = world(r#""acme/a", "acme/b""#)
        .poll(|http| {
            let headers =
                [("deprecation", "@1735689600"), ("sunset", "Wed, 10 Mar 2028 00:00:00 GMT")];
            let body = if is_question(http) { graph } else { NO_RUNS };
            Some(answered(http, 200, if is_question(http) { &[] } else { &headers }, body))
        })
        .unwrap();
    let about: Vec<_> =
        report.notes.iter().filter(|n| n.as_str().contains("ends Wed, 10 Mar 2028")).collect();
    assert_eq!(about.len(), 1, "{:?}", report.notes);
}

#[test]
fn a_wrong_repository_is_located_in_the_configuration() {
    let text = r#"{ repos = ["acme/ok", "https://github.com/acme/checkout"] }"#;
    let problems = open(&github::KIND, PUBLIC, text).unwrap_err();
    let Problem::Toml(error) = &problems[0] else { panic!("{problems:?}") };
    assert_eq!(&text[error.span().unwrap()], "\"https://github.com/acme/checkout\"");
    assert!(error.message().contains("write `acme/checkout`"), "{error}");
    assert!(open(&github::KIND, PUBLIC, "{ repos = [] }").is_err());
    assert!(open(&github::KIND, PUBLIC, "{ repoz = [\"a/b\"] }").is_err());
}

/// Whatever a field becomes, its record stays or the source says what is missing.
#[test]
fn no_spoilt_field_panics_or_loses_a_record_in_silence() {
    let graph = shortened(&transcript("github/graphql.json"), 2);
    for spoilt in spoil(&graph, 1) {
        let told = world(r#""acme/checkout", "acme/gone""#).poll(usual(&spoilt.body, NO_RUNS));
        judge(&spoilt, 4, told);
    }
    let runs = shortened(&transcript("github/runs.json"), 2);
    for spoilt in spoil(&runs, 1) {
        let told = world(r#""acme/checkout""#).poll(usual(r#"{"data":{"r0":{}}}"#, &spoilt.body));
        judge(&spoilt, 2, told);
    }
    for (file, path) in [("deployments", "/deployments"), ("releases", "/releases")] {
        for spoilt in spoil(&transcript(&format!("github/{file}.json")), 1) {
            let mut rest = rest_only(404, "{}");
            let told = world(r#""acme/checkout""#).poll(|http| {
                if http.url.path().ends_with(path) {
                    return Some(ok(http, spoilt.body.as_str()));
                }
                // A spoilt id is asked for as well.
                rest(http).or_else(|| Some(answered(http, 404, &[], "{}")))
            });
            judge(&spoilt, 7, told);
        }
    }
}

fn judge(spoilt: &Spoilt, whole: usize, told: Result<Report, Trouble>) {
    let Spoilt { at, how, leaf, .. } = spoilt;
    match told {
        Ok(report) => {
            let (facts, quiet) = (report.facts.len(), report.partial.is_none() && *leaf);
            assert!(!quiet || facts == whole, "{at} {how}: {facts} of {whole} told, not a word");
        }
        Err(trouble) => assert!(!trouble.message.is_empty(), "{at} {how}"),
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
        "{\"data\":[]}",
        "{\"data\":{\"r0\":7}}",
        "\u{0}\u{1}",
        "{\"status\":\"success\"}",
    ] {
        let told = world(r#""acme/checkout""#).poll(|http| Some(ok(http, body)));
        match told {
            Err(trouble) => assert!(!trouble.message.is_empty()),
            Ok(report) => assert!(report.partial.is_some(), "{body} was believed"),
        }
    }
}

#[test]
fn githubs_own_examples_are_read() {
    let Some(deployments) = recording("prism-github/deployments.json") else { return };
    let files = ["deployment_statuses", "releases", "runs", "milestones"]
        .map(|f| recording(&format!("prism-github/{f}.json")).unwrap());
    let [statuses, release_list, run_list, milestone_list] = files;
    let report = world(r#""octocat/example""#)
        .poll(|http| {
            let path = http.url.path();
            // As the mock sends it: a next page at another host than the one asked.
            let link = r#"<https://elsewhere.example/resource?page=2>; rel="next""#;
            let body = match path.rsplit('/').next().unwrap() {
                "graphql" => return Some(answered(http, 404, &[], "{}")),
                "deployments" => &deployments,
                "statuses" => &statuses,
                "releases" => &release_list,
                "milestones" => &milestone_list,
                _ => &run_list,
            };
            Some(answered(http, 200, &[("link", link)], body.as_str()))
        })
        .unwrap();
    assert_eq!(report.partial, None);
    let deploy = deploys(&report)[0];
    assert_eq!(deploy.outcome, Outcome::Succeeded);
    assert_eq!(
        (deploy.version.as_str(), deploy.environment.as_str()),
        ("topic-branch", "production")
    );
    assert_eq!(releases(&report)[0].tag.as_str(), "v1.0.0");
    assert_eq!(runs(&report)[0].outcome, Outcome::Waiting);
    assert_eq!(runs(&report)[0].workflow.as_str(), "Build");
}

#[test]
fn real_releases_are_dated_by_their_publication() {
    let Some(list) = recording("backstage-roadie/githubInsights__releases.json") else { return };
    let json: serde_json::Value = serde_json::from_str(&list).unwrap();
    let report = world(r#""organisation/sample-service""#)
        .poll(|http| {
            Some(match http.url.path().rsplit('/').next().unwrap() {
                "graphql" => answered(http, 404, &[], "{}"),
                "releases" => ok(http, list.as_str()),
                "runs" => ok(http, NO_RUNS),
                _ => ok(http, "[]"),
            })
        })
        .unwrap();
    for (release, raw) in releases(&report).iter().zip(json.as_array().unwrap()) {
        let published: jiff::Timestamp = raw["published_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(release.published, Some(published));
    }
    assert!(releases(&report).len() > 1);
}
