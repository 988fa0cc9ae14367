//! The last ninety days of GitHub: read once, page by page, politely, and on after a restart.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps
)]

mod common;

use std::collections::BTreeMap;

use andon::model::{Fact, Feed, Report};
use andon::source::{Http, HttpAnswer, Method, github};
use common::poll::{World, answered, ok, target};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const NOW: &str = "2026-11-22T10:00:00Z";
const NO_RUNS: &str = r#"{"total_count":0,"workflow_runs":[]}"#;

fn world(repos: &str) -> World {
    World::new(&github::KIND, "https://api.github.com", &format!("{{ repos = [{repos}] }}"), NOW)
}

/// A repository with a deployment every eight hours and a release every three days, for 120 days.
struct Host {
    questions: usize,
    /// Repositories in the questions for the past, with the cursors asked behind.
    past: Vec<String>,
}

fn moment(hours_ago: usize) -> String {
    let now: Timestamp = NOW.parse().unwrap();
    (now - SignedDuration::from_hours(i64::try_from(hours_ago).unwrap())).to_string()
}

impl Host {
    fn new() -> Self {
        Self { questions: 0, past: Vec::new() }
    }

    fn answer(&mut self, http: &Http) -> Option<HttpAnswer> {
        if http.method != Method::Post {
            return Some(ok(http, NO_RUNS));
        }
        let body: Value = serde_json::from_slice(&http.body.as_ref().unwrap().1).unwrap();
        let query = body["query"].as_str().unwrap();
        let variables = &body["variables"];
        let number = |v: &Value| v.as_str().map(|c| c[1..].parse::<usize>().unwrap());
        let is_past = query.starts_with("query Past");
        self.questions += usize::from(!is_past);
        let mut data = BTreeMap::new();
        for place in 0..20 {
            let name = &variables[format!("n{place}")];
            if name.is_null() {
                break;
            }
            let (d, l) = (&variables[format!("d{place}")], &variables[format!("l{place}")]);
            let many = |key: &str, otherwise| variables[key].as_u64().unwrap_or(otherwise) as usize;
            let mut lists = BTreeMap::new();
            if !is_past || !d.is_null() {
                let from = number(d).map_or(0, |c| c + 1);
                let until = (from + many(if is_past { "page" } else { "last" }, 0)).min(360);
                let nodes: Vec<Value> = (from..until).rev().map(|k| json!({
                    "databaseId": 5000 - k, "createdAt": moment(k * 8), "state": "ACTIVE",
                    "environment": "production",
                    "statuses": {"nodes": [{"state": "SUCCESS", "createdAt": moment(k * 8)}]},
                })).collect();
                lists.insert(
                    "deployments",
                    json!({ "nodes": nodes, "pageInfo": {
                    "hasPreviousPage": until < 360, "startCursor": format!("c{}", until - 1) } }),
                );
            }
            if !is_past || !l.is_null() {
                let from = number(l).map_or(0, |c| c + 1);
                let until = (from + if is_past { many("page", 0) } else { 20 }).min(40);
                let nodes: Vec<Value> = (from..until).map(|k| json!({
                    "databaseId": 900 - k, "tagName": format!("v{k}"), "publishedAt": moment(k * 72),
                })).collect();
                lists.insert(
                    "releases",
                    json!({ "nodes": nodes, "pageInfo": {
                    "hasNextPage": until < 40, "endCursor": format!("c{}", until - 1) } }),
                );
            }
            if is_past {
                let word = |v: &Value| v.as_str().unwrap_or("-").to_owned();
                self.past.push(format!("{} {} {}", word(name), word(d), word(l)));
            }
            data.insert(format!("r{place}"), json!(lists));
        }
        Some(ok(http, json!({ "data": data }).to_string()))
    }
}

fn known(report: &Report, known: &mut BTreeMap<String, usize>) {
    for fact in &report.facts {
        let (Fact::Deploy(_) | Fact::Release(_)) = fact else { continue };
        let key = match fact {
            Fact::Deploy(x) => x.key.id.raw().to_owned(),
            Fact::Release(x) => x.key.id.raw().to_owned(),
            _ => continue,
        };
        *known.entry(key).or_default() += 1;
    }
}

fn said(report: &Report) -> Option<String> {
    report.notes.iter().map(ToString::to_string).find(|n| n.starts_with("history"))
}

#[test]
fn ninety_days_are_read_once_a_page_a_poll_and_then_no_more() {
    let (mut world, mut host) = (world(r#""acme/checkout""#), Host::new());
    let mut told = BTreeMap::new();
    let mut words = Vec::new();
    for _ in 0..12 {
        let report = world.poll(|http| host.answer(http)).unwrap();
        assert_eq!(report.partial, None);
        let judged = [Feed::Deploys, Feed::Releases].iter().any(|f| report.complete.contains(f));
        assert!(!judged, "a page that is not the whole list says of nothing older that it is gone");
        assert!(world.asked.len() <= 3, "one page of the past at most");
        assert!(world.rounds.len() <= 4, "{:?}", world.rounds);
        known(&report, &mut told);
        words.push(said(&report));
        world.now += SignedDuration::from_mins(1);
    }
    assert_eq!(
        host.past,
        [
            "checkout c49 c19",
            "checkout c99 -",
            "checkout c149 -",
            "checkout c199 -",
            "checkout c249 -"
        ]
    );
    assert_eq!(words[0].as_deref(), Some("history: read back to 2026-11-06, 16 of 90 days"));
    assert_eq!(words[2].as_deref(), Some("history: read back to 2026-10-03, 49 of 90 days"));
    assert_eq!(words[5], None, "said until it is done");
    for k in 0..270 {
        assert!(told.contains_key(&format!("repos/acme/checkout/deployments/{}", 5000 - k)), "{k}");
    }
    assert_eq!(told["repos/acme/checkout/deployments/4900"], 1, "and once");
    assert!(told.contains_key("repos/acme/checkout/releases/870"));
}

#[test]
fn how_far_back_changes_are_known_goes_with_the_past_and_ends_where_a_repository_cannot_be_had() {
    let (mut world, mut host) = (world(r#""acme/checkout""#), Host::new());
    let known = |report: &Report| -> Vec<(String, Option<String>)> {
        let one = |k: &andon::model::Known| (k.of.to_string(), k.from.map(|from| from.to_string()));
        report.changes.iter().map(one).collect()
    };
    let of = |from: Option<usize>| vec![("acme/checkout".to_owned(), from.map(moment))];
    // Fifty deployments, eight hours apart.
    let first = world.poll(|http| host.answer(http)).unwrap();
    assert_eq!(known(&first), of(Some(49 * 8)));
    world.poll(|http| host.answer(http)).unwrap();
    let third = world.poll(|http| host.answer(http)).unwrap();
    assert_eq!(known(&third), of(Some(99 * 8)));
    let gone =
        r#"{"data":{"r0":null},"errors":[{"type":"NOT_FOUND","path":["r0"],"message":"gone"}]}"#;
    let lost = world.poll(|http| {
        let asks = http.method == Method::Post;
        if asks { Some(ok(http, gone)) } else { host.answer(http) }
    });
    assert_eq!(known(&lost.unwrap()), of(None), "what is known of it now is nothing");
}

#[test]
fn a_first_poll_asks_nothing_of_the_past_and_a_restart_goes_on() {
    let (mut first, mut host) = (world(r#""acme/checkout""#), Host::new());
    for _ in 0..3 {
        first.poll(|http| host.answer(http)).unwrap();
    }
    let mut second = world(r#""acme/checkout""#);
    second.memory.clone_from(&first.memory);
    second.poll(|http| host.answer(http)).unwrap();
    assert_eq!(second.asked.len(), 2);
    second.poll(|http| host.answer(http)).unwrap();
    assert_eq!(host.past, ["checkout c49 c19", "checkout c99 -", "checkout c149 -"]);
}

#[test]
fn a_page_that_cannot_be_had_is_asked_again_and_hides_nothing() {
    let (mut world, mut host) = (world(r#""acme/checkout""#), Host::new());
    let past = |http: &Http| {
        http.body.as_ref().is_some_and(|(_, b)| String::from_utf8_lossy(b).contains("query Past"))
    };
    world.poll(|http| host.answer(http)).unwrap();
    let hole = r#"{"data":{"r0":{"deployments":null}},"errors":[{"message":"Something went wrong","path":["r0","deployments"]}]}"#;
    for (status, body, words) in [
        (502, "<html>", "history: "),
        (200, hole, "Something went wrong"),
        (200, r#"{"data":{"r0":null}}"#, "acme/checkout history: not told"),
        (200, "[]", "history: "),
    ] {
        let report = world
            .poll(|http| {
                if past(http) { Some(answered(http, status, &[], body)) } else { host.answer(http) }
            })
            .unwrap();
        assert!(report.partial.unwrap().as_str().contains(words), "{body}");
        assert!(report.complete.contains(&Feed::Runs), "what is told of now is whole");
        assert!(!report.facts.is_empty());
        assert!(host.past.is_empty());
    }
    world.poll(|http| host.answer(http)).unwrap();
    assert_eq!(host.past, ["checkout c49 c19"], "the same page again");
}

#[test]
fn a_cursor_that_is_not_known_any_more_begins_the_past_anew() {
    let (mut world, mut host) = (world(r#""acme/checkout""#), Host::new());
    for _ in 0..2 {
        world.poll(|http| host.answer(http)).unwrap();
    }
    let lost = r#"{"data":{"r0":null},"errors":[{"type":"INVALID_CURSOR_ARGUMENTS","path":["r0","deployments"],"message":"`c99` does not appear to be a valid cursor."}]}"#;
    let mut broken = false;
    world
        .poll(|http| {
            if http
                .body
                .as_ref()
                .is_some_and(|(_, b)| String::from_utf8_lossy(b).contains("query Past"))
            {
                broken = true;
                return Some(ok(http, lost));
            }
            host.answer(http)
        })
        .unwrap();
    assert!(broken);
    world.poll(|http| host.answer(http)).unwrap();
    assert_eq!(host.past.last().unwrap(), "checkout c19 c19", "behind the page of this poll");
}

#[test]
fn the_past_waits_while_the_budget_is_low_and_when_it_is_spent() {
    let (mut world, mut host) = (world(r#""acme/checkout""#), Host::new());
    world.poll(|http| host.answer(http)).unwrap();
    let spent = r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
    let is_past = |http: &Http| {
        http.body.as_ref().is_some_and(|(_, b)| String::from_utf8_lossy(b).contains("query Past"))
    };
    let mut asked = 0;
    for _ in 0..2 {
        let report = world
            .poll(|http| {
                if is_past(http) {
                    asked += 1;
                    return Some(ok(http, spent));
                }
                host.answer(http)
            })
            .unwrap();
        assert!(!report.facts.is_empty());
    }
    assert_eq!(asked, 1, "it rests as long as it was told to");
    world.now += SignedDuration::from_mins(2);
    world.poll(|http| host.answer(http)).unwrap();
    assert_eq!(host.past.len(), 1);
    world
        .poll(|http| {
            let answer = host.answer(http)?;
            if http.method != Method::Post || is_past(http) {
                return Some(answer);
            }
            let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
            body["data"]["rateLimit"] = json!({ "remaining": 400, "limit": 5000 });
            Some(ok(http, body.to_string()))
        })
        .unwrap();
    assert_eq!(host.past.len(), 1, "the present comes first");
}

#[test]
fn several_repositories_share_the_one_page_and_one_that_fails_holds_nobody_up() {
    let repos: Vec<String> = (0..5).map(|i| format!("\"acme/r{i}\"")).collect();
    let (mut world, mut host) = (world(&repos.join(", ")), Host::new());
    for _ in 0..30 {
        world
            .poll(|http| {
                let answer = host.answer(http)?;
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                let r0 = http.body.as_ref().is_some_and(|(_, b)| {
                    let body: Value = serde_json::from_slice(b).unwrap();
                    body["query"].as_str().unwrap().starts_with("query Past")
                        && body["variables"]["n0"] == "r0"
                });
                if r0 {
                    let mut body: Value = serde_json::from_str(&body).unwrap();
                    body["data"]["r0"] = Value::Null;
                    return Some(ok(http, body.to_string()));
                }
                Some(answer)
            })
            .unwrap();
        assert!(world.asked.iter().filter(|h| h.method == Method::Post).count() <= 2);
    }
    for name in ["r1", "r2", "r3", "r4"] {
        let pages = host.past.iter().filter(|p| p.starts_with(name)).count();
        assert_eq!(pages, 5, "{name}");
    }
}

#[test]
fn without_graphql_the_past_comes_ten_deployments_a_poll() {
    let mut world = world(r#""acme/checkout""#);
    let page = |http: &Http, size: usize, all: usize, row: &dyn Fn(usize) -> Value| {
        let number = |key: &str, otherwise: usize| {
            http.url
                .query_pairs()
                .find(|(k, _)| k == key)
                .map_or(otherwise, |(_, v)| v.parse().unwrap())
        };
        let (size, page) = (number("per_page", size), number("page", 1));
        let rows: Vec<Value> = ((page - 1) * size..(page * size).min(all)).map(row).collect();
        let link = "<https://api.github.com/next>; rel=\"next\"";
        let headers: &[(&str, &str)] = if page * size < all { &[("link", link)] } else { &[] };
        answered(http, 200, headers, Value::from(rows).to_string())
    };
    let answer = |http: &Http| {
        let path = http.url.path();
        Some(match path.rsplit('/').next().unwrap() {
            "graphql" => answered(http, 404, &[], r#"{"message":"Not Found"}"#),
            "statuses" => ok(http, r#"[{"state":"success","created_at":"2026-11-01T00:00:00Z"}]"#),
            "deployments" => page(http, 30, 55, &|k| {
                json!({
                "id": 500 - k, "created_at": moment(k * 24), "updated_at": moment(k * 24), "environment": "production" })
            }),
            "releases" => {
                page(http, 30, 35, &|k| json!({ "id": 900 - k, "published_at": moment(k * 48) }))
            }
            "milestones" => ok(http, "[]"),
            _ => ok(http, NO_RUNS),
        })
    };
    let mut told = BTreeMap::new();
    let mut past = Vec::new();
    for _ in 0..8 {
        let report = world.poll(answer).unwrap();
        known(&report, &mut told);
        let pages = world.asked.iter().map(target).filter(|t| t.contains("&page="));
        past.push(pages.collect::<Vec<_>>().join(" "));
    }
    let at =
        |list: &str, size, page| format!("/repos/acme/checkout/{list}?per_page={size}&page={page}");
    assert_eq!(
        past,
        [
            String::new(),
            at("deployments", 10, 4),
            at("deployments", 10, 5),
            at("deployments", 10, 6),
            at("releases", 30, 2),
            String::new(),
            String::new(),
            String::new(),
        ]
    );
    assert_eq!(told.len(), 55 + 35, "everything");
    assert_eq!(told["repos/acme/checkout/deployments/460"], 1, "once");
}
