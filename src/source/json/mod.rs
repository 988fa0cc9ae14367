//! Any HTTP JSON: numbers and changes by JSON Pointer.

mod changes;
mod options;
mod pointer;

use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use super::history::reach;
use super::rows::Gaps;
use super::{Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source, wire};
use crate::model::{
    ChangesOf, Clean, Fact, Known, Metric, MetricId, Report, SourceName, Status, Trouble,
};
use changes::Changes;
use options::OkIf;
use pointer::{Document, Pointer};

pub const KIND: Kind = Kind {
    name: "json",
    about: "any HTTP JSON: numbers, and changes (flags, configuration), by JSON Pointer",
    every: Duration::from_secs(30),
    default_url: None,
    needs_url: true,
    options: &[
        (
            "metrics",
            "numbers to read: name, at (a JSON Pointer), unit, role, service, good, bad, weight",
        ),
        (
            "changes",
            "a list of changes: at (a JSON Pointer to it), and in each record time, title, who, service, kind, url, id; time_unit = \"ms\" for numbers in milliseconds; what begins with / is a place, other text is meant as it stands",
        ),
        (
            "ok_if",
            "a JSON Pointer that must hold true, or { at = …, is = … }: else the answer is an error",
        ),
    ],
    open,
};

/// Decompressed bytes a body may have.
const CAP: usize = 1024 * 1024;

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let mut problems = Vec::new();
    let read = options::read(
        &opening.name,
        opening.options,
        &opening.metrics,
        opening.services,
        &mut problems,
    );
    match opening.url {
        Some(url) if problems.is_empty() => Ok(Box::new(Json {
            name: opening.name,
            every: SignedDuration::try_from(opening.every).unwrap_or(SignedDuration::MAX),
            url,
            numbers: read.numbers,
            own: read.own,
            ok_if: read.ok_if,
            changes: read.changes,
        })),
        Some(_) => Err(problems),
        None => {
            let message = "an address is needed, such as https://bi.example/kpi.json".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

#[derive(Debug)]
struct Json {
    name: SourceName,
    every: SignedDuration,
    url: Url,
    /// What is read, and for whom.
    numbers: Vec<(MetricId, Pointer)>,
    /// Numbers this source's own table defines.
    own: Vec<Metric>,
    ok_if: Option<OkIf>,
    /// Where it tells what changed.
    changes: Option<Changes>,
}

/// Memory: since when its changes are known.
const KNOWN: &str = "known/changes";

impl Source for Json {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        let mut http =
            Http::get("json", self.url.clone()).header("accept", "application/json").conditional();
        http.cap = Some(CAP);
        vec![Request::Http(http)]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let exchange = heard
            .first()
            .ok_or_else(|| Trouble::new(Status::InternalError, "nothing was asked"))?;
        let answer = wire::judge(exchange, wire::reason)?;
        let text = wire::utf8(&answer.body)?;
        let begins = begins(text);
        let document = Document::of(text).map_err(|t| t.hint(&begins))?;
        if let Some(ok_if) = &self.ok_if {
            ok_if.check(&document)?;
        }
        let mut report = Report::default();
        let mut missing = Vec::new();
        let told = document.numbers(self.numbers.iter().map(|(_, pointer)| pointer));
        for ((id, pointer), found) in self.numbers.iter().zip(told) {
            if found.missing {
                missing.push(pointer.as_str());
            }
            report.facts.push(Fact::Sample {
                id: id.clone(),
                at: asking.now,
                measure: found.measure,
                note: found.note.map(|note| Clean::line(format_args!("{pointer}: {note}"))),
            });
        }
        if let Some(first) = missing.first() {
            let (n, all) = (missing.len(), self.numbers.len());
            report.partial =
                Some(Clean::line(format_args!("{n} of {all} numbers unread: {first}; {begins}")));
        }
        if let Some(changes) = &self.changes {
            self.tell(changes, &document, asking, &mut report)?;
        }
        Ok(Reading::Done(report))
    }

    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        self.changes.as_ref().map(Changes::of)
    }

    fn metrics(&self) -> Vec<Metric> {
        self.own.clone()
    }
}

impl Json {
    fn tell(
        &self,
        changes: &Changes,
        document: &Document<'_>,
        asking: &Asking<'_>,
        report: &mut Report,
    ) -> Result<(), Trouble> {
        let mut gaps = Gaps::default();
        let (told, oldest) = changes.read(document, &self.name, asking.now, &mut gaps)?;
        if gaps.lost_everything() {
            return Err(Trouble::bad_data(gaps.words().unwrap_or_default()));
        }
        report.facts.extend(told.into_iter().map(Fact::Change));
        // A list tells of everything since its oldest record. One that was empty a moment ago and has something now, or
        // nothing still, has lost nothing in between.
        let lately = asking
            .last_ok
            .filter(|last| asking.now.duration_since(*last) <= self.every.saturating_mul(3));
        let bottom = oldest.unwrap_or(asking.now).min(lately.unwrap_or(asking.now));
        let (from, words) = reach(asking, KNOWN, bottom);
        report.remember.push((KNOWN.into(), words.into()));
        let from = (!gaps.lost_some()).then_some(from);
        report.changes.push(Known { of: Clean::default(), from });
        if let Some(words) = gaps.words() {
            let before = report.partial.take().map(|p| format!("{p}; ")).unwrap_or_default();
            report.partial = Some(Clean::line(format_args!("{before}changes: {words}")));
        }
        Ok(())
    }
}

/// The first 80 bytes of a body, so that a wrong pointer can be corrected by looking.
fn begins(text: &str) -> String {
    let end = (0..=80).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let head = text.get(..end).unwrap_or(text).trim();
    let cut = if text.len() > 80 { "…" } else { "" };
    format!("the body begins {head}{cut}")
}
