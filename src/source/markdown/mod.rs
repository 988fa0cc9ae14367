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
mod plan;
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

use super::{Answer, Asking, Exchange, Kind, Opening, Problem, Reading, Request, Source};
use crate::insight::words::many;
use crate::model::{Clean, Fact, Feed, Id, Progress, Report, SourceName, Status, Trouble};

use history::History;
use plan::{Past, Plan};

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
        let plan = Plan::of(files, asking);
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
            Some(Err(trouble)) => (History::unheard(), Some(trouble.message.clone())),
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
                    if let Some(mut found) = document(&file, &self.name, today) {
                        let known = history.tell(&mut found, &entry.below, &self.zone);
                        // Made here, where nobody waits for a key.
                        let _ = found.folded();
                        report.facts.push(Fact::PostMortem(Box::new(found)));
                        let past = if known { Past::Told } else { Past::Uncommitted };
                        report.remember.push(past.word(entry));
                    } else {
                        empty += 1;
                        report.remember.push(Past::Blank.word(entry));
                    }
                }
                Some(Err(trouble)) => {
                    // What was known of it stays: it is still there, only out of reach.
                    report.still.push((Feed::PostMortems, Id::new(&*entry.below)));
                    unread.push(format!("{}: {}", entry.below, trouble.message));
                    report.remember.push(Past::Refused.word(entry));
                }
                _ => unread.push(format!("{}: not read", entry.below)),
            }
        }
        // What has to wait is there as well, in the version that may be known of it.
        for entry in plan.unchanged.iter().chain(&plan.later) {
            report.still.push((Feed::PostMortems, Id::new(&*entry.below)));
        }
        report.progress = plan.progress();
        if !more && report.progress.is_none() && plan.beyond == 0 {
            report.complete.push(Feed::PostMortems);
        }
        if let Some(first) = unread.first() {
            let all = plan.read.len() + plan.unchanged.len() + plan.later.len();
            let words = format!("{} of {all} files could not be read: {first}", unread.len());
            report.partial = Some(Clean::line(words));
        }
        if let Some(Progress { read, of }) = report.progress {
            let (read, of) = (many(read), many(of));
            let words = format!("{read} of {of} documents read, the newest first");
            report.notes.push(Clean::line(words));
        }
        let said = [
            (plan.skipped, "skipped: an index, a template or a guide"),
            (empty, "skipped: empty"),
            (plan.beyond, "not read: 5,000 are read at most, the newest"),
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
