//! The last ninety days of GitLab: read once, one page of one project a poll, and on after a restart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::unnecessary_wraps)]

mod common;

use std::collections::BTreeMap;

use andon::model::{Fact, Feed, Report};
use andon::source::{Http, HttpAnswer, gitlab};
use common::poll::{World, answered, ok};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const NOW: &str = "2026-11-22T10:00:00Z";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn world(projects: &str) -> World {
    let options = format!("{{ projects = [{projects}] }}");
    World::new(&gitlab::KIND, "https://gitlab.example", &options, NOW)
}

fn asked(http: &Http, key: &str) -> Option<String> {
    http.url.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.into_owned())
}

/// A page of `rows`, newest first, with a word of the next one.
fn page(http: &Http, rows: &[Value]) -> HttpAnswer {
    let page: usize = asked(http, "page").map_or(1, |p| p.parse().unwrap());
    let until = (page * 50).min(rows.len());
    let mut next = http.url.clone();
    let kept: Vec<(String, String)> =
        http.url.query_pairs().into_owned().filter(|(k, _)| k != "page").collect();
    next.query_pairs_mut().clear().extend_pairs(&kept).append_pair("page", &(page + 1).to_string());
    let link = format!("<{next}>; rel=\"next\"");
    let headers: &[(&str, &str)] = if until < rows.len() { &[("link", &link)] } else { &[] };
    answered(http, 200, headers, json!(rows[((page - 1) * 50).min(until)..until]).to_string())
}

/// A project with a deployment every six hours (`every`) and a release every two days, for 120 days.
fn answer(http: &Http, every: i64) -> Option<HttpAnswer> {
    let now: Timestamp = NOW.parse().unwrap();
    let list = http.url.path().rsplit('/').next().unwrap();
    let rows: Vec<Value> = match list {
        "deployments" if asked(http, "status").is_some() => Vec::new(),
        "deployments" => {
            let time = |key| asked(http, key).map(|t| t.parse::<Timestamp>().unwrap());
            let (after, before) = (time("updated_after").unwrap(), time("updated_before"));
            (0..120 * 24 / every)
                .map(|k| (k, now - HOUR * i32::try_from(k * every).unwrap()))
                .filter(|(_, at)| after <= *at && before.is_none_or(|before| *at <= before))
                .map(|(k, at)| json!({
                    "id": 5000 - k, "status": "success", "updated_at": at.to_string(),
                    "finished_at": at.to_string(), "environment": {"id": 1, "name": "production"},
                }))
                .collect()
        }
        "releases" => (0..130)
            .map(|k| json!({ "tag_name": format!("v{k}"), "released_at": (now - HOUR * (18 * k)).to_string() }))
            .collect(),
        "pipelines" | "freeze_periods" | "milestones" => Vec::new(),
        _ => return Some(ok(http, r#"{"path_with_namespace":"acme/checkout"}"#)),
    };
    Some(page(http, &rows))
}

fn is_past(http: &Http) -> bool {
    &*http.tag == "past"
}

fn told(report: &Report, known: &mut BTreeMap<String, usize>) {
    for fact in &report.facts {
        let key = match fact {
            Fact::Deploy(x) => &x.key,
            Fact::Release(x) => &x.key,
            _ => continue,
        };
        *known.entry(key.id.raw().to_owned()).or_default() += 1;
    }
}

fn said(report: &Report) -> Option<String> {
    report.notes.iter().map(ToString::to_string).find(|n| n.starts_with("history"))
}

#[test]
fn ninety_days_are_read_once_a_page_a_poll_and_then_no_more() {
    let mut world = world(r#""acme/checkout""#);
    let (mut known, mut words, mut pages) = (BTreeMap::new(), Vec::new(), Vec::new());
    for _ in 0..25 {
        let report = world.poll(|http| answer(http, 6)).unwrap();
        assert_eq!(report.partial, None);
        let judged = [Feed::Deploys, Feed::Releases].iter().any(|f| report.complete.contains(f));
        assert!(!judged, "pages that are not the whole list say of nothing older that it is gone");
        told(&report, &mut known);
        words.push(said(&report));
        let past: Vec<&Http> = world.asked.iter().filter(|h| is_past(h)).collect();
        assert!(past.len() <= 1, "one a poll");
        pages.push(past.first().map(|h| asked(h, "updated_before").or(asked(h, "page")).unwrap()));
        world.now += SignedDuration::from_mins(1);
    }
    assert_eq!(pages[0], None, "nothing of it in a first poll");
    let read: Vec<&str> = pages.iter().flatten().map(String::as_str).collect();
    assert_eq!(
        read,
        [
            "2026-10-23T10:00:01Z",
            "2026-10-11T04:00:01Z",
            "2026-09-28T22:00:01Z",
            "2026-09-16T16:00:01Z",
            "2026-09-04T10:00:01Z",
            "3",
        ]
    );
    assert_eq!(words[0].as_deref(), Some("history: read back to 2026-10-23, 30 of 90 days"));
    assert_eq!(words[24], None, "said until it is done");
    for k in 0..360 {
        assert!(
            known.contains_key(&format!("projects/acme/checkout/deployments/{}", 5000 - k)),
            "{k}"
        );
    }
    assert_eq!(known["projects/acme/checkout/deployments/4700"], 1, "and once");
    assert!(known.contains_key("projects/acme/checkout/releases/v119"));
}

#[test]
fn a_busy_month_is_not_cut_short_and_a_restart_goes_on() {
    let mut first = world(r#""acme/checkout""#);
    let mut known = BTreeMap::new();
    for _ in 0..4 {
        told(&first.poll(|http| answer(http, 1)).unwrap(), &mut known);
    }
    let mut second = world(r#""acme/checkout""#);
    second.memory.clone_from(&first.memory);
    for _ in 0..60 {
        told(&second.poll(|http| answer(http, 1)).unwrap(), &mut known);
    }
    for k in 0..90 * 24 {
        assert!(
            known.contains_key(&format!("projects/acme/checkout/deployments/{}", 5000 - k)),
            "{k}"
        );
    }
    let late = known["projects/acme/checkout/deployments/4700"];
    assert_eq!(late, 1, "what was read before the restart is not read again");
}

#[test]
fn a_page_that_cannot_be_had_is_asked_again_and_hides_nothing() {
    let mut world = world(r#""acme/checkout""#);
    world.poll(|http| answer(http, 6)).unwrap();
    let mut asked_for = Vec::new();
    for (status, body) in [(500, "no"), (200, "{}"), (429, "slow down")] {
        let report = world
            .poll(|http| {
                if is_past(http) {
                    asked_for.push(asked(http, "updated_before"));
                    return Some(answered(http, status, &[("retry-after", "90")], body));
                }
                answer(http, 6)
            })
            .unwrap();
        assert!(report.partial.unwrap().as_str().contains("acme/checkout history of deployments"));
        assert!(report.complete.contains(&Feed::Approvals), "what is told of now is whole");
    }
    world.poll(|http| answer(http, 6)).unwrap();
    assert!(!world.asked.iter().any(is_past), "it rests as long as it was told to");
    world.now += SignedDuration::from_mins(2);
    world.poll(|http| answer(http, 6)).unwrap();
    asked_for.extend(world.asked.iter().filter(|h| is_past(h)).map(|h| asked(h, "updated_before")));
    assert_eq!(asked_for.len(), 4);
    assert!(asked_for.iter().all(|before| *before == asked_for[0]), "the same page again");
}

#[test]
fn projects_take_turns_and_each_is_read_back() {
    let names: Vec<String> = (0..12).map(|i| format!("\"acme/p{i}\"")).collect();
    let mut world = world(&names.join(", "));
    let mut known = BTreeMap::new();
    for _ in 0..250 {
        let report = world
            .poll(|http| match http.url.path() {
                // One project's past is never to be had.
                path if path.contains("p0/") && is_past(http) => {
                    Some(answered(http, 500, &[], "no"))
                }
                _ => answer(http, 24),
            })
            .unwrap();
        told(&report, &mut known);
        world.now += SignedDuration::from_mins(1);
    }
    for project in 1..12 {
        for k in 0..80 {
            let key = format!("projects/acme/p{project}/deployments/{}", 5000 - k);
            assert!(known.contains_key(&key), "{key}");
        }
    }
}
