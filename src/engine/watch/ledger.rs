//! What is kept of one source between its polls: its freshness, its memory, its past.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::poll::{Past, Polled, Subject};
use crate::cockpit::Heard;
use crate::model::{Clean, Fact, Freshness, Known, Report, SourceName, Status};

/// The account of one source.
pub struct Ledger {
    name: SourceName,
    past: Past,
    freshness: Freshness,
    every: Duration,
    /// Failures before this run: told, but no reason to wait longer before asking.
    before: u32,
}

impl Ledger {
    pub fn new(subject: &Subject) -> Self {
        let endpoint = &subject.reach.endpoint;
        let mut known = subject.known.clone().unwrap_or_default();
        // What is expected is the configuration's to say; since when it is missing was heard before.
        let mut expected = subject.source.expects();
        for one in &mut expected {
            let before =
                known.expected.iter().find(|k| k.name == one.name && k.labels == one.labels);
            one.missing_since = before.and_then(|before| before.missing_since);
        }
        known.expected = expected;
        Self {
            name: subject.reach.name.clone(),
            past: Past { memory: Arc::new(subject.memory.clone()), ..Past::default() },
            every: subject.every,
            before: known.failures,
            freshness: Freshness {
                kind: subject.reach.kind,
                address: endpoint.shown.clone(),
                every: SignedDuration::try_from(subject.every).unwrap_or(SignedDuration::MAX),
                // What it told is still known: a first poll that fails does not make it one that never answered.
                last_ok: known.last_ok,
                failing_since: known.failing_since,
                failures: known.failures,
                facts: known.facts,
                about: known.about,
                notes: known.notes,
                expected: known.expected,
                changes: known.changes,
                ..Freshness::default()
            },
        }
    }

    pub fn name(&self) -> &SourceName {
        &self.name
    }

    pub fn past(&self) -> Past {
        self.past.clone()
    }

    /// Whether a report has come further than the one before, and is not at the end: the next poll may follow at once.
    pub fn gets_on(&self, report: &Report) -> bool {
        let before = self.freshness.progress.map_or(0, |progress| progress.read);
        report.progress.is_some_and(|progress| progress.read > before)
    }

    /// Polls of this run in a row that failed.
    pub fn failures(&self) -> u32 {
        self.freshness.failures.saturating_sub(self.before)
    }

    /// Writes a poll down and gives what is told to the cockpit.
    pub fn settle(&mut self, mut polled: Polled, next_poll: Option<Timestamp>) -> Heard {
        let fresh = &mut self.freshness;
        // The clock may have been set back since: an answer of the future would look fresh until then.
        fresh.rewind(polled.at);
        self.past.last_ok = self.past.last_ok.map(|at| at.min(polled.at));
        fresh.last_try = Some(polled.at);
        fresh.asking_since = None;
        fresh.next_poll = next_poll;
        fresh.latency = SignedDuration::try_from(polled.took).ok();
        fresh.rate = polled.rate.or(fresh.rate);
        fresh.clock_skew = polled.skew.or(fresh.clock_skew);
        match &mut polled.outcome {
            Ok(report) => {
                let slowed = polled.pace.filter(|pace| next_poll.is_some() && *pace > self.every);
                if let Some(pace) = slowed {
                    report.notes.push(Clean::line(format!(
                        "asked every {} s, not {}: more would use over half of the hourly limit",
                        pace.as_secs(),
                        self.every.as_secs()
                    )));
                }
                // Issues are asked about now and then: that they were is no change in what it tells.
                let issues = report.facts.iter().filter(|f| matches!(f, Fact::Ticket(_))).count();
                let told = report.facts.len() - issues + report.still.len();
                if told == 0 && fresh.facts > 0 {
                    report.notes.push(Clean::line(format!(
                        "the answer was empty; the one before told {} facts",
                        fresh.facts
                    )));
                }
                fresh.status = if report.partial.is_some() { Status::Partial } else { Status::Ok };
                fresh.message = report.partial.clone().unwrap_or_default();
                fresh.hint = None;
                fresh.last_ok = Some(polled.at);
                fresh.failing_since = None;
                (fresh.failures, self.before) = (0, 0);
                // Kept through an empty answer, so that the note stays until facts come again.
                fresh.facts = if told == 0 { fresh.facts } else { told };
                if let Some(about) = &report.about {
                    fresh.about = about.clone();
                }
                if let Some(expected) = &report.expected {
                    fresh.expect(expected);
                }
                Known::learn(&mut fresh.changes, &report.changes);
                fresh.notes.clone_from(&report.notes);
                fresh.progress = report.progress;
                self.past.learn(polled.at, report);
            }
            Err(trouble) => {
                fresh.status = trouble.status;
                fresh.message = trouble.message.clone();
                fresh.hint.clone_from(&trouble.hint);
                fresh.failing_since.get_or_insert(polled.at);
                fresh.failures = fresh.failures.saturating_add(1);
            }
        }
        Heard {
            source: self.name.clone(),
            at: polled.at,
            outcome: polled.outcome,
            freshness: fresh.clone(),
        }
    }

    /// For a poll that a caller gave up.
    pub fn given_up(at: Timestamp, trouble: crate::model::Trouble, took: Duration) -> Polled {
        Polled { at, outcome: Err(trouble), took, rate: None, pace: None, skew: None }
    }
}
