//! One annotation: a point or a stretch of time, a text with markup in it, and tags that say what it is and whose.

use jiff::Timestamp;
use url::Url;

use super::plain::plain;
use crate::model::{Change, Clean, Key, Labels, Link, Service, SourceName};
use crate::source::rows::Row;
use crate::source::{when, wire};

/// Tags that say what kind of change it is.
const KINDS: [&str; 13] = [
    "deploy",
    "deployment",
    "release",
    "rollback",
    "config",
    "configuration",
    "flag",
    "flags",
    "feature-flag",
    "infra",
    "infrastructure",
    "terraform",
    "migration",
];
/// Names that say a service in a tag, where its labels do not: `service:checkout`.
const NAMES: [&str; 5] = ["service", "app", "application", "component", "service_name"];

/// What a record is.
#[derive(Debug)]
pub enum Annotation {
    Change(Box<Change>),
    /// Written by an alert itself, and told elsewhere.
    OfAlert,
}

/// Reads one record; `None` for one without an identity or a moment.
pub fn read(
    row: &Row<'_>,
    source: &SourceName,
    base: &Url,
    services: &[Service],
    now: Timestamp,
) -> Option<Annotation> {
    let id = row.id("/id")?;
    if row.number("/alertId").is_some_and(|alert| alert > 0) || !row.raw("/newState").is_empty() {
        return Some(Annotation::OfAlert);
    }
    // Milliseconds, always; a stretch that goes on ends ahead.
    let moment = |path: &str| {
        let millis = row.number(path).filter(|millis| *millis > 0)?;
        let at = i64::try_from(millis).ok().and_then(when::epoch_millis);
        if at.is_none() {
            row.odd(path, "no time in milliseconds");
        }
        at
    };
    let at = moment("/time")?;
    let until = moment("/timeEnd").filter(|until| *until > at && *until <= now);
    let tags: Vec<Clean> = row.texts("/tags").into_iter().map(Clean::line).collect();
    let (text, linked) = plain(row.raw("/text"));
    let kind = tags.iter().find(|tag| KINDS.contains(&tag.as_str().to_lowercase().as_str()));
    let summary = if text.is_empty() { said(&tags) } else { text };
    // What its text says already is not said twice.
    let origin = kind.filter(|kind| !begins(&summary, kind)).cloned().unwrap_or_default();
    let dashboard = row.raw("/dashboardUID");
    let page = (!dashboard.is_empty()).then(|| {
        let mut page = wire::join(base, "d");
        if let Ok(mut segments) = page.path_segments_mut() {
            segments.push(dashboard);
        }
        page
    });
    Some(Annotation::Change(Box::new(Change {
        key: Key::new(source, id),
        summary,
        origin,
        who: row.first_text(&["/login", "/email"]),
        at: Some(at),
        until,
        service_ids: Vec::new(),
        service_names: whose(&tags, services),
        url: linked.or_else(|| page.and_then(|page| Link::parse(page.as_str()))),
    })))
}

fn said(tags: &[Clean]) -> Clean {
    let words: Vec<&str> = tags.iter().map(Clean::as_str).collect();
    Clean::line(if words.is_empty() { "annotation".to_owned() } else { words.join(" ") })
}

fn begins(text: &Clean, word: &Clean) -> bool {
    text.as_str().to_lowercase().starts_with(&word.as_str().to_lowercase())
}

/// The services that the tags name: by their labels (`app:co`), by a name of their own, or as one of other teams'. What
/// names nobody touches everybody.
fn whose(tags: &[Clean], services: &[Service]) -> Vec<Clean> {
    let pairs: Labels = tags
        .iter()
        .filter_map(|tag| tag.as_str().split_once([':', '=']))
        .map(|(name, value)| (Clean::line(name.trim()), Clean::line(value.trim())))
        .collect();
    let is =
        |service: &Service, text: &Clean| text.as_str().eq_ignore_ascii_case(service.name.as_str());
    let named: Vec<&Clean> = pairs
        .iter()
        .filter(|(name, _)| NAMES.contains(&name.as_str().to_lowercase().as_str()))
        .map(|(_, value)| value)
        .collect();
    let mine = |service: &&Service| {
        service.owns_labels(&pairs)
            || named.iter().any(|name| is(service, name))
            || tags.iter().any(|tag| is(service, tag))
    };
    let found: Vec<Clean> =
        services.iter().filter(mine).map(|service| service.name.clean().clone()).collect();
    if found.is_empty() { named.into_iter().cloned().collect() } else { found }
}
