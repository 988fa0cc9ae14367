//! Post-mortems in a folder of Markdown files: listed at every poll, read only when they are new or changed.

mod actions;
mod amount;
mod dated;
mod dates;
mod document;
mod facts;
mod front;
mod history;
mod issue;
mod outline;
mod passage;
mod rst;
mod sections;
mod span;
mod stamp;
mod timeline;
mod which;
mod zones;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    Answer, Asking, Exchange, FileEntry, Kind, Opening, Problem, Reading, Request, Source,
};
use crate::model::{Clean, Fact, Feed, Id, Report, SourceName, Status, Trouble};

use history::History;

pub use actions::reference;
pub use document::{CAP, File, document, text};
pub use issue::{Issue, issue};
pub use which::{Which, which};

pub const KIND: Kind = Kind {
    name: "markdown",
    about: "post-mortems in a folder of Markdown files",
    every: Duration::from_secs(60),
    default_url: None,
    needs_url: false,
    options: &[
        ("path", "the folder; relative to the configuration file"),
        ("history", "false: authors and first dates are not asked of git"),
    ],
    open,
};

/// Folders below the configured one that are looked into.
const DEEPEST: usize = 8;
/// Files listed at most, pictures and all.
const LISTED: usize = 20_000;
/// Documents read at most.
const FILES: usize = 5_000;
/// Files asked for at once: the engine ends a poll after ten rounds, and all documents fit in nine.
const A_ROUND: usize = 600;
/// Bytes read in one poll; what is left is read by the next ones.
const A_POLL: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    path: PathBuf,
    #[serde(default = "yes")]
    history: bool,
}

fn yes() -> bool {
    true
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    Ok(Box::new(Folder {
        name: opening.name,
        path: opening.folder.join(options.path),
        zone: opening.zone,
        history: options.history,
    }))
}

#[derive(Debug)]
struct Folder {
    name: SourceName,
    path: PathBuf,
    zone: TimeZone,
    /// Whether git is asked about what is read.
    history: bool,
}

/// What the listing says has to be done.
#[derive(Default)]
struct Plan<'a> {
    read: Vec<(&'a FileEntry, Which)>,
    unchanged: Vec<&'a FileEntry>,
    /// Documents beyond what is read at most.
    beyond: usize,
    /// Left for the next poll.
    later: usize,
    skipped: usize,
    empty: usize,
}

impl Source for Folder {
    fn folder(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        vec![Request::ReadDir { folder: self.path.clone(), deepest: DEEPEST, most: LISTED }]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let (listing, rest) = heard
            .split_first()
            .ok_or_else(|| Trouble::new(Status::InternalError, "nothing was heard"))?;
        let (files, more) = match &listing.answer {
            Ok(Answer::Dir { files, more }) => (files, *more),
            Ok(_) => return Err(Trouble::new(Status::InternalError, "expected a folder")),
            Err(trouble) => return Err(trouble.clone()),
        };
        let plan = plan(files, asking);
        let answers: BTreeMap<&Path, &Result<Answer, Trouble>> = rest
            .iter()
            .filter_map(|exchange| match &exchange.request {
                Request::ReadFile { file, .. } => Some((file.as_path(), &exchange.answer)),
                _ => None,
            })
            .collect();
        let log = rest.iter().find(|e| matches!(e.request, Request::GitLog { .. }));
        let mut next: Vec<Request> = plan
            .read
            .iter()
            .filter(|(entry, _)| !answers.contains_key(entry.path.as_path()))
            .take(A_ROUND)
            .map(|(entry, _)| Request::ReadFile { file: entry.path.clone(), cap: document::CAP })
            .collect();
        // The history is asked for once, and only when something is read anew.
        if self.history && log.is_none() && !plan.read.is_empty() {
            next.push(Request::GitLog { folder: self.path.clone(), most: history::COMMITS });
        }
        if !next.is_empty() {
            return Ok(Reading::More(next));
        }
        let (history, odd) = match log.map(|exchange| &exchange.answer) {
            Some(Ok(Answer::File { bytes, cut })) => (History::read(bytes, *cut), None),
            Some(Err(trouble)) => (History::default(), Some(trouble.message.clone())),
            _ => (History::default(), None),
        };
        let mut report = self.report(asking, &plan, &answers, &history, more);
        report.notes.extend(odd);
        Ok(Reading::Done(report))
    }
}

impl Folder {
    fn report(
        &self,
        asking: &Asking<'_>,
        plan: &Plan<'_>,
        answers: &BTreeMap<&Path, &Result<Answer, Trouble>>,
        history: &History,
        more: bool,
    ) -> Report {
        let today = self.zone.to_datetime(asking.now).date();
        let mut report = Report::default();
        let mut empty = plan.empty;
        let mut unread: Vec<String> = Vec::new();
        for (entry, which) in &plan.read {
            match answers.get(entry.path.as_path()) {
                Some(Ok(Answer::File { bytes, cut })) => {
                    let file = File {
                        below: &entry.below,
                        path: &entry.path,
                        bytes,
                        cut: *cut,
                        which: *which,
                    };
                    match document(&file, &self.name, today) {
                        Some(mut found) => {
                            history.tell(&mut found, &entry.below, &self.zone);
                            // Made here, where nobody waits for a key.
                            let _ = found.folded();
                            report.facts.push(Fact::PostMortem(Box::new(found)));
                            report.remember.push((entry.below.clone(), version(entry)));
                        }
                        None => empty += 1,
                    }
                }
                Some(Err(trouble)) => {
                    // What was known of it stays: it is still there, only out of reach.
                    report.still.push((Feed::PostMortems, Id::new(&*entry.below)));
                    unread.push(format!("{}: {}", entry.below, trouble.message));
                }
                _ => unread.push(format!("{}: not read", entry.below)),
            }
        }
        for entry in &plan.unchanged {
            report.still.push((Feed::PostMortems, Id::new(&*entry.below)));
        }
        if !more && plan.later == 0 && plan.beyond == 0 {
            report.complete.push(Feed::PostMortems);
        }
        if let Some(first) = unread.first() {
            let words =
                format!("{} of {} files could not be read: {first}", unread.len(), plan.read.len());
            report.partial = Some(Clean::line(words));
        }
        let said = [
            (plan.skipped, "skipped: an index, a template or a guide"),
            (empty, "skipped: empty"),
            (plan.later, "still to be read"),
            (plan.beyond, "not read: 5,000 are read at most"),
        ];
        report.notes.extend(said.iter().filter(|(n, _)| *n > 0).map(|(n, words)| {
            let files = if *n == 1 { "file" } else { "files" };
            Clean::line(format_args!("{n} {files} {words}"))
        }));
        if more {
            report
                .notes
                .push(Clean::line(format_args!("only the first {LISTED} files are listed")));
        }
        report
    }
}

fn plan<'a>(files: &'a [FileEntry], asking: &Asking<'_>) -> Plan<'a> {
    let mut plan = Plan::default();
    let mut bytes = 0;
    for entry in files {
        let kind = which(&entry.below);
        match kind {
            Which::Other => continue,
            Which::Skipped => {
                plan.skipped += 1;
                continue;
            }
            Which::Document | Which::Rst => {}
        }
        if entry.bytes == 0 {
            plan.empty += 1;
            continue;
        }
        if plan.read.len() + plan.unchanged.len() + plan.later == FILES {
            plan.beyond += 1;
            continue;
        }
        // In the first poll of a run nothing is on the board yet, whatever was remembered.
        let known = asking.round > 0 && asking.memory.get(&entry.below) == Some(&version(entry));
        if known {
            plan.unchanged.push(entry);
        } else if bytes >= A_POLL {
            plan.later += 1;
        } else {
            bytes += entry.bytes.min(document::CAP as u64);
            plan.read.push((entry, kind));
        }
    }
    plan
}

fn version(entry: &FileEntry) -> Box<str> {
    format!("{}-{}", entry.bytes, entry.modified).into()
}
