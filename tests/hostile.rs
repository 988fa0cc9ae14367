//! No word from outside acts: every text of every kind of source made hostile in turn, folded, opened and printed in every format.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;
#[path = "common/fixture.rs"]
mod fixture;

use andon::model::{Freshness, Metric, Report, Role, SourceName, Status, Trouble};
use andon::page::TABS;
use andon::print;
use andon::source::{self, Http, HttpAnswer, Opening, Services};
use common::fixtures::transcript;
use common::mutate::{shortened, spoil};
use common::poll::{World, ok};
use jiff::SignedDuration;
use toml::de::ValueDeserializer;

/// What a terminal, a reader's eye, a Markdown page or a sheet would act on.
fn hostile() -> String {
    let marks = "\u{301}".repeat(300);
    format!(
        "=1+1|a\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}]8;;http://evil.example\u{1b}\\x\u{9b}2J\u{202E}b\u{2066}\u{200B}\u{AD}\
         \u{FEFF}\u{E0041}\u{7f}\r\n\0e{marks}<img src=x>[x](javascript:1) {}",
        "w".repeat(400)
    )
}

fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}'..='\u{200F}' | '\u{61C}'
            | '\u{AD}' | '\u{34F}' | '\u{FEFF}' | '\u{2060}'..='\u{2064}' | '\u{E0000}'..='\u{E0FFF}' | '\u{2028}' | '\u{2029}')
}

/// Where a text would act, or carries more marks on a letter than anybody writes.
fn offence(text: &str) -> Option<String> {
    let marks = "\u{301}".repeat(5);
    let at = text.char_indices().find(|(_, c)| acts(*c)).map(|(at, _)| at).or(text.find(&marks))?;
    let from = text[..at].char_indices().rev().nth(40).map_or(0, |(from, _)| from);
    Some(text[from..].chars().take(60).collect::<String>().escape_debug().to_string())
}

fn metrics(kind: &str) -> Vec<Metric> {
    if kind != "prometheus" {
        return Vec::new();
    }
    vec![fixture::metric("web", "p95", Role::Latency, "s", "< 0.3", "> 1")]
}

/// A source called `name` that is polled once with these answers.
fn told(
    kind: &source::Kind,
    name: &str,
    options: &str,
    answer: impl FnMut(&Http) -> Option<HttpAnswer>,
) -> Result<Report, Trouble> {
    let opened = (kind.open)(Opening {
        name: SourceName::new(name),
        url: Some("https://up.example/".parse().unwrap()),
        folder: "/".into(),
        every: kind.every,
        zone: jiff::tz::TimeZone::UTC,
        metrics: metrics(kind.name),
        slos: Vec::new(),
        services: &Services::default(),
        finds_second: false,
        alerts_delivered: true,
        options: ValueDeserializer::parse(options).unwrap(),
    });
    let mut world = World {
        source: opened.unwrap(),
        now: "2026-11-22T10:00:00Z".parse().unwrap(),
        round: 0,
        last_ok: None,
        memory: std::collections::BTreeMap::new(),
        asked: Vec::new(),
        rounds: Vec::new(),
    };
    world.poll(answer)
}

/// Kind, options, and which transcript answers a path; the empty name is an empty list of runs.
type Upstream = (&'static source::Kind, &'static str, fn(&Http) -> &'static str);

fn upstreams() -> Vec<Upstream> {
    vec![
        (&source::alertmanager::KIND, "{}", |http| match http.url.path() {
            "/api/v2/alerts/groups" => "alertmanager/0.25/groups_with_silenced",
            "/api/v2/silences" => "alertmanager/0.25/silences_list",
            _ => "alertmanager/0.25/status",
        }),
        (&source::pagerduty::KIND, "{}", |http| match http.url.path() {
            "/incidents" if http.url.query().unwrap_or("").contains("resolved") => {
                "pagerduty/incidents_resolved"
            }
            "/incidents" => "pagerduty/incidents_open",
            "/oncalls" => "pagerduty/oncalls",
            "/change_events" => "pagerduty/change_events",
            "/priorities" => "pagerduty/priorities",
            "/services" => "pagerduty/services",
            _ => "pagerduty/log_entries",
        }),
        (&source::github::KIND, r#"{ repos = ["acme/checkout"] }"#, |http| {
            if http.url.path().ends_with("/graphql") { "github/graphql" } else { "github/runs" }
        }),
        (&source::prometheus::KIND, "{ alerts = true }", |http| match http.url.path() {
            "/api/v1/rules" => "prometheus/prometheus-2.42/rules",
            "/api/v1/status/buildinfo" => "prometheus/prometheus-2.42/buildinfo",
            "/api/v1/query_range" => "prometheus/prometheus-2.42/query_range_empty",
            _ => "prometheus/prometheus-2.42/query_err_exec",
        }),
    ]
}

/// Every report and every trouble that comes of one hostile text somewhere in one answer.
fn everything_told() -> Vec<(String, Result<Report, Trouble>)> {
    let text = hostile();
    let mut all = Vec::new();
    for (kind, options, file) in upstreams() {
        let mut files = std::collections::BTreeMap::new();
        let _ = told(kind, "first", options, |http| {
            let body = shortened(&transcript(&format!("{}.json", file(http))), 2);
            files.insert(file(http), body.clone());
            Some(ok(http, body))
        });
        assert!(files.len() >= 2, "{}", kind.name);
        for (name, body) in &files {
            let spoilt = spoil(body, 1);
            for one in spoilt.iter().filter(|s| s.leaf && s.how == "unknown word") {
                let body = one.body.replace("\"xyzzy\"", &serde_json::to_string(&text).unwrap());
                let source = format!("{}-{}", kind.name, all.len());
                let answer = |http: &Http| {
                    let body = if file(http) == *name { &body } else { &files[file(http)] };
                    Some(ok(http, body.as_str()))
                };
                all.push((source.clone(), told(kind, &source, options, answer)));
            }
        }
    }
    let ics = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{0}\r\nDTSTART:20261122T100000Z\r\nSUMMARY:{0}\r\nDESCRIPTION:{0}\r\n\
         LOCATION:{0}\r\nURL:http://x/{0}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        text.replace(['\r', '\n'], "")
    );
    let calendar = |http: &Http| Some(ok(http, ics.as_str()));
    all.push((
        "trains".into(),
        told(&source::ical::KIND, "trains", "{ as = \"release\" }", calendar),
    ));
    let json = format!("{{\"today\":{}}}", serde_json::to_string(&text).unwrap());
    let options = r#"{ metrics = [{ name = "n", at = "/today", service = "web" }] }"#;
    let body = |http: &Http| Some(ok(http, json.as_str()));
    all.push(("kpi".into(), told(&source::json::KIND, "kpi", options, body)));
    all
}

#[test]
fn no_text_of_any_source_acts_in_any_page_or_format() {
    let mut world = fixture::world();
    world.now = "2026-11-22T10:00:00Z".parse().unwrap();
    let all = everything_told();
    assert!(all.len() > 100, "{} hostile texts", all.len());
    let troubled = all.iter().filter(|(_, told)| told.is_err()).count();
    assert!(troubled < all.len() / 2, "{troubled} of {} were refused", all.len());
    for (source, told) in all {
        let name = SourceName::new(&source);
        let mut freshness = Freshness {
            kind: "github",
            every: SignedDuration::from_secs(60),
            last_ok: Some(world.now),
            status: Status::Ok,
            ..Freshness::default()
        };
        match told {
            Ok(report) => {
                freshness.notes.clone_from(&report.notes);
                freshness.message = report.partial.clone().unwrap_or_default();
                freshness.about = report.about.clone().unwrap_or_default();
                world.board.fold(&name, world.now, report);
            }
            Err(trouble) => {
                freshness.status = trouble.status;
                freshness.message = trouble.message;
                freshness.hint = trouble.hint;
            }
        }
        world.board.sources.insert(name, freshness);
    }
    let check = |what: &str, text: &str| {
        if let Some(offence) = offence(text) {
            panic!("{what}: {offence}");
        }
    };
    world.with(160, 45, |scene| {
        for tab in TABS {
            let mut seen = 0;
            for facet in 0..tab.facets.len().max(1) {
                let what = format!("{} {facet}", tab.name);
                let blocks = print::whole(scene, tab, facet);
                let csv = print::csv(&blocks);
                check(&what, &print::plain(&blocks, 160));
                check(&what, &csv.replace("\r\n", "\n"));
                for line in csv.split("\r\n") {
                    assert!(!line.starts_with("=1"), "{what}: a formula: {line}");
                    assert!(!line.contains(",=1"), "{what}: a formula: {line}");
                }
                let look = fixture::look(scene, tab, facet);
                let opened = look.order.iter().filter_map(|key| (tab.detail)(scene, &look, key));
                for blocks in std::iter::once(blocks.clone()).chain(opened) {
                    let plain = print::plain(&blocks, 160);
                    check(&what, &plain);
                    seen += plain.matches('\u{241b}').count();
                    let markdown = print::markdown(&blocks);
                    check(&what, &markdown);
                    for live in ["<img", "[x](", "=1+1|"] {
                        let bare = format!("\\{live}");
                        let found = markdown.replace(&bare, "").contains(live);
                        assert!(!found, "{what}: {live} acts in Markdown");
                    }
                }
                for key in &look.order {
                    let id = (tab.id)(scene, key).unwrap_or_default();
                    check(&what, id.as_str());
                    let link = (tab.link)(scene, key);
                    check(&what, link.as_ref().map_or("", |l| l.as_str()));
                }
            }
            let told = matches!(tab.name, "incidents" | "releases" | "sources");
            assert!(!told || seen > 10, "{}: the hostile texts are shown {seen} times", tab.name);
            let json = print::json(scene, tab.name, None);
            let mut texts = Vec::new();
            gather(&serde_json::to_value(&json).unwrap(), &mut texts);
            for text in &texts {
                check(&format!("{} json", tab.name), text);
            }
        }
    });
}

fn gather(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|v| gather(v, texts)),
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                texts.push(key.clone());
                gather(value, texts);
            }
        }
        _ => {}
    }
}
