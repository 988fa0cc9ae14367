//! What an application did: its history holds only what ended well, its last operation holds the rest, and both are one story.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::app::{App, Operation, of_phase};
use crate::model::{Clean, Deploy, Key, Link, Outcome, SourceName};
use crate::source::rows::{Gaps, Row};
use crate::source::versions::is_version;

/// What is remembered of an application between polls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The operation whose details were read last.
    pub read: String,
    /// When its operations began, in epoch seconds, the newest last: history of old versions is a second off.
    pub began: Vec<i64>,
    /// Its changes are known from here on, in epoch seconds.
    #[serde(default)]
    pub from: Option<i64>,
}

/// Operations remembered of one application; its history holds ten.
const KEPT: usize = 12;
/// A start in the history within this of an operation's is that operation.
const NEAR: i64 = 5;

impl Past {
    pub fn note(&mut self, operation: &Operation) {
        let began = operation.started.as_second();
        if !self.began.contains(&began) {
            self.began.push(began);
            let over = self.began.len().saturating_sub(KEPT);
            self.began.drain(..over);
        }
    }

    /// The start that names the operation which a history entry tells of.
    fn start_of(&self, told: Timestamp) -> Timestamp {
        let told_at = told.as_second();
        let near = self.began.iter().min_by_key(|began| began.abs_diff(told_at));
        let near = near.filter(|began| began.abs_diff(told_at) <= NEAR as u64);
        near.and_then(|began| Timestamp::from_second(*began).ok()).unwrap_or(told)
    }
}

/// Names one state of an operation: when it changes, the details are worth reading again.
pub fn signature(operation: &Operation) -> String {
    let finished = operation.finished.map_or(0, Timestamp::as_second);
    format!("{} {} {finished}", operation.phase, operation.started.as_second())
}

/// Every deploy that the details of an application tell of, by identity.
pub fn deploys(
    row: &Row<'_>,
    app: &App,
    past: &Past,
    source: &SourceName,
    page: Option<&Link>,
) -> Vec<Deploy> {
    let mut told: BTreeMap<String, Deploy> = BTreeMap::new();
    for entry in row.rows("/status/history") {
        let Some(finished) = entry.time("/deployedAt") else { continue };
        let started = past.start_of(entry.time("/deployStartedAt").unwrap_or(finished));
        let id = app.operation_id(started);
        let sha = revision(&entry, "/revision", "/revisions");
        let deploy = Deploy {
            key: Key::new(source, id.clone()),
            repo: app.repo.clone(),
            app: app.shown.clone(),
            environment: app.environment.clone(),
            version: tag(&entry),
            sha,
            started: Some(started),
            finished: Some(finished),
            outcome: Outcome::Succeeded,
            who: who(&entry, "/initiatedBy"),
            description: Clean::default(),
            committed: None,
            url: page.cloned(),
        };
        told.insert(id, deploy);
    }
    let Some(operation) = app.operation.as_ref() else { return told.into_values().collect() };
    let id = app.operation_id(operation.started);
    let mut own = told.remove(&id).unwrap_or_else(|| app.deploy(operation, source, ""));
    // What the details say is newer than the list, unless another operation has begun since.
    let same = row.time("/status/operationState/startedAt") == Some(operation.started);
    let phase = if same { row.raw("/status/operationState/phase") } else { &operation.phase };
    own.outcome = of_phase(phase);
    own.finished =
        if same { row.time("/status/operationState/finishedAt") } else { operation.finished };
    own.url = page.cloned();
    if same {
        let sha = revision(
            row,
            "/status/operationState/syncResult/revision",
            "/status/operationState/syncResult/revisions",
        );
        if !sha.is_empty() {
            own.sha = sha;
        }
        own.description = row.headline("/status/operationState/message");
        let who = who(row, "/status/operationState/operation/initiatedBy");
        if !who.is_empty() {
            own.who = who;
        }
    }
    if own.outcome == Outcome::Succeeded && own.version.is_empty() {
        own.version = app.version.clone();
    }
    told.insert(id, own);
    told.into_values().collect()
}

/// A revision, or the revisions of an application with several sources.
fn revision(row: &Row<'_>, one: &str, several: &str) -> Clean {
    match row.raw(one) {
        "" => Clean::line(row.texts(several).join(" ")),
        told => Clean::line(told),
    }
}

/// The version of a history entry is the tag it was deployed from; a branch says nothing.
fn tag(entry: &Row<'_>) -> Clean {
    let target = entry.raw("/source/targetRevision");
    if is_version(target) { Clean::line(target) } else { Clean::default() }
}

fn who(row: &Row<'_>, path: &str) -> Clean {
    match row.text(&format!("{path}/username")) {
        name if name.is_empty() && row.flag(&format!("{path}/automated")) => "auto-sync".into(),
        name => name,
    }
}

/// Reads one application's details; `None` where the answer is no application.
pub fn read(
    body: &[u8],
    app: &App,
    past: &Past,
    source: &SourceName,
    page: Option<&Link>,
    gaps: &mut Gaps,
) -> Option<Vec<Deploy>> {
    let raw = crate::source::rows::items_as_one(body)?;
    let place = format!("/applications/{}", app.name);
    gaps.read(&place, &[raw], |row| Some(deploys(row, app, past, source, page))).pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_entry_is_the_operation_that_began_nearest_to_it_within_seconds() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let past = Past { began: vec![100, 104, 300], ..Past::default() };
        for (told, began) in [(100, 100), (103, 104), (101, 100), (309, 309), (305, 300)] {
            assert_eq!(past.start_of(at(told)), at(began), "{told}");
        }
        assert_eq!(Past::default().start_of(at(7)), at(7));
    }
}
