//! The reader against a person: what the documents of the corpus say, read by eye, and what the reader makes of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_push_string,
    reason = "a test may fail loudly"
)]

#[path = "common/fixtures.rs"]
mod fixtures;

use std::path::Path;

use andon::model::{ActionState, Happening, LossUnit, PostMortem, SourceName};
use andon::source::markdown::{self, File};
use fixtures::corpus;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    document: Vec<Eye>,
}

/// A row of the table; its first lines say what each column means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Eye {
    path: String,
    title: String,
    date: String,
    #[serde(default)]
    conflicts: Vec<String>,
    status: Option<String>,
    severity: Option<String>,
    level: Option<u8>,
    loss: Option<String>,
    amounts: Option<Vec<String>>,
    cause: String,
    stated: Option<i64>,
    detect: Option<i64>,
    authors: Option<Vec<String>>,
    actions: usize,
    #[serde(default)]
    done: usize,
    #[serde(default)]
    owned: usize,
    owners: Option<Vec<String>>,
    links: Option<usize>,
    timeline: usize,
    first: String,
    last: String,
}

fn table() -> Vec<Eye> {
    toml::from_str::<Table>(include_str!("postmortems/hand_read.toml")).unwrap().document
}

fn read(folder: &Path, below: &str) -> PostMortem {
    let path = folder.join(below);
    let bytes = std::fs::read(&path).unwrap();
    let which = markdown::which(below);
    let file = File { below, path: &path, bytes: &bytes, cut: false, which };
    let found =
        markdown::document(&file, &SourceName::new("reviews"), "2026-11-22".parse().unwrap());
    let found = found.unwrap();
    assert_eq!(found.bytes(), bytes, "byte for byte: {below}");
    found
}

fn when(h: &Happening) -> String {
    let date = h.date.map(|d| d.to_string()).unwrap_or_default();
    let time = h.time.map(|t| t.strftime(" %H:%M").to_string()).unwrap_or_default();
    let zone = h.zone.as_ref().map(|z| format!(" {z}")).unwrap_or_default();
    format!("{date}{time}{zone}")
}

fn quantity(amount: &andon::model::Amount) -> String {
    let unit = match &amount.unit {
        LossUnit::Money(code) => code.as_str(),
        LossUnit::Users => "users",
        LossUnit::Requests => "requests",
        LossUnit::Minutes => "minutes",
        LossUnit::Percent => "percent",
    };
    format!("{} {unit}", amount.value)
}

/// Where a document says other things to the reader than to a person.
fn differences(eye: &Eye, p: &PostMortem) -> Vec<String> {
    let mut out = Vec::new();
    let mut same = |what: &str, read: String, eye: String| {
        if read != eye {
            out.push(format!("{what}: read {read:?}, by eye {eye:?}"));
        }
    };
    let words = |w: Option<&andon::model::Clean>| w.map(ToString::to_string).unwrap_or_default();
    same("title", p.title.to_string(), eye.title.clone());
    same("date", p.date().map(|d| d.to_string()).unwrap_or_default(), eye.date.clone());
    let conflicts = p.dated.iter().flat_map(|d| &d.conflicts).map(|c| c.value.to_string());
    same("conflicts", conflicts.collect::<Vec<_>>().join(" "), eye.conflicts.join(" "));
    same(
        "status",
        words(p.status.as_ref().map(|s| &s.value)),
        eye.status.clone().unwrap_or_default(),
    );
    same(
        "severity",
        words(p.severity.as_ref().map(|s| &s.value.word)),
        eye.severity.clone().unwrap_or_default(),
    );
    same("level", format!("{:?}", p.level().map(|l| l.0)), format!("{:?}", eye.level));
    // The first words are enough to know the passage.
    let opens = |read: String, eye: &str| {
        if !eye.is_empty() && read.starts_with(eye) { eye.to_owned() } else { read }
    };
    let cause = words(p.root_cause.as_ref().map(|c| &c.value));
    same("cause", opens(cause, &eye.cause), eye.cause.clone());
    if let Some(loss) = &eye.loss {
        let read = words(p.loss.words.as_ref().map(|w| &w.value));
        same("loss", opens(read, loss), loss.clone());
    }
    if let Some(amounts) = &eye.amounts {
        let read: Vec<String> = p.loss.amounts.iter().map(|a| quantity(&a.value)).collect();
        same("amounts", read.join(", "), amounts.join(", "));
    }
    let stated = p.stated.as_ref().map(|s| s.value.span.as_mins());
    same("stated", format!("{stated:?}"), format!("{:?}", eye.stated));
    let detect = p.intervals.iter().find(|i| i.name.as_str().to_lowercase().contains("detect"));
    let detect = detect.map(|i| i.lasted.value.span.as_mins());
    same("detect", format!("{detect:?}"), format!("{:?}", eye.detect));
    if let Some(authors) = &eye.authors {
        let read: Vec<&str> = p.authors.iter().map(|a| a.value.as_str()).collect();
        same("authors", read.join(", "), authors.join(", "));
    }
    same("actions", p.actions.len().to_string(), eye.actions.to_string());
    let done = p.actions.iter().filter(|a| a.state == ActionState::Done).count();
    same("done", done.to_string(), eye.done.to_string());
    let owned: Vec<&str> = p
        .actions
        .iter()
        .filter_map(|a| a.owner.as_ref())
        .map(andon::model::Clean::as_str)
        .collect();
    same("owned", owned.len().to_string(), eye.owned.to_string());
    if let Some(owners) = &eye.owners {
        let mut read = owned;
        read.dedup();
        same("owners", read.join(", "), owners.join(", "));
    }
    if let Some(links) = eye.links {
        let read = p.actions.iter().filter(|a| a.link.is_some()).count();
        same("links", read.to_string(), links.to_string());
    }
    same("timeline", p.timeline.len().to_string(), eye.timeline.to_string());
    let dated: Vec<&Happening> = p.timeline.iter().filter(|h| h.date.is_some()).collect();
    same("first", dated.first().map(|h| when(h)).unwrap_or_default(), eye.first.clone());
    same("last", dated.last().map(|h| when(h)).unwrap_or_default(), eye.last.clone());
    out
}

#[test]
fn the_reader_says_what_a_person_read() {
    let table = table();
    assert!(table.len() >= 40, "a table of some size");
    let Some(folder) = corpus("postmortems") else { return };
    let mut differing = String::new();
    for eye in &table {
        let found = read(&folder, &eye.path);
        let differences = differences(eye, &found);
        if !differences.is_empty() {
            differing += &format!("{}\n  {}\n", eye.path, differences.join("\n  "));
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
}

#[test]
fn moments_are_known_where_date_time_and_zone_are() {
    let Some(folder) = corpus("postmortems") else { return };
    for eye in &table() {
        for h in &read(&folder, &eye.path).timeline {
            let all = h.date.is_some() && h.time.is_some() && h.zone.is_some();
            assert_eq!(h.at.is_some(), all, "{}: {h:?}", eye.path);
        }
    }
}
