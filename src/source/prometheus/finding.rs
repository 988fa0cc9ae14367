//! Numbers that nobody configured, poll by poll: seldom looked around for, then asked for like the rest.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::{Asking, Exchange, Request};
use super::found::{Answers, Asked};
use super::lately::has_turned;
use super::numbers::{self, Numbers};
use super::plan::{Plan, Question};
use super::watched::Look;
use super::{
    A_WEEK, BASELINE_EVERY, Prometheus, QUICK, join, look, promql, slowest, tag_of, unfound,
};
use crate::model::{Clean, Fact, Feed, Report, Trouble};

/// Tags: found numbers now, their past, the same a week before, and the look around.
pub const FOUND: &str = "found:";
pub const SINCE: &str = "since:";
pub const WAS: &str = "was:";
/// And the last minutes poll by poll, of what turned in them.
pub const JUST: &str = "just:";
const LOOK: &str = "look:";
/// The look around in short questions, for stores that refuse long ones.
const PIECE: &str = "piece:";

/// What is remembered under these words: what was found, and for whom nothing was.
const PLAN: &str = "found";
const UNFOUND: &str = "unfound";
/// The look around was refused as long as it is.
const SHORT: &str = "short";

/// Which series exist is looked at with the first poll and then seldom: at 15 s every 7 min.
const LOOK_EVERY: u64 = 30;
/// Stretches of history of this many questions in one answer: each may be about many services.
const SINCE_BATCH: usize = 10;

/// What is known of found numbers in the middle of a poll.
pub struct Findings {
    plan: Plan,
    questions: Vec<Question>,
    answers: Answers,
    /// Why the look around of this poll told nothing.
    blind: Option<Clean>,
    /// Of whom it saw more than one.
    summed: Vec<Clean>,
}

impl Findings {
    pub fn answered(&self) -> bool {
        self.answers.answered()
    }

    pub fn lost(&self) -> Option<&Trouble> {
        self.answers.lost()
    }
}

impl Prometheus {
    pub fn looks(&self, asking: &Asking<'_>) -> bool {
        !self.watched.is_empty() && asking.round.is_multiple_of(LOOK_EVERY)
    }

    fn remembered(&self, asking: &Asking<'_>) -> Plan {
        let text = asking.memory.get(PLAN).map_or("", |text| &**text);
        Plan::read(text, &self.watched)
    }

    /// The look around, or what an earlier one found.
    pub fn ask_found(&self, asking: &Asking<'_>) -> Vec<Request> {
        if !self.looks(asking) {
            return self.found(&self.remembered(asking).questions(), asking);
        }
        if asking.memory.get(SHORT).is_some_and(|text| !text.is_empty()) {
            return self.ask_around(true, asking);
        }
        self.ask_around(false, asking)
    }

    fn ask_around(&self, short: bool, asking: &Asking<'_>) -> Vec<Request> {
        let then = self.recalls.then_some(asking.now);
        let tag = if short { PIECE } else { LOOK };
        let forms = self.watched.look(Look { short, with: self.with(then, 0.4) });
        let forms = forms.into_iter().enumerate();
        forms.map(|(i, form)| self.asked(format!("{tag}{i}"), form)).collect()
    }

    /// What this poll's look around found; without one, or when nothing came of it, what is remembered.
    pub fn hear_found(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Findings {
        let tag = if in_pieces(heard) { PIECE } else { LOOK };
        let mut summed = Vec::new();
        let (plan, blind) = match self.looks(asking).then(|| look::read(heard, tag)) {
            // Of the past only what there was then is asked for.
            Some(Ok(seen)) if self.recalls => (seen.plan(&self.watched), None),
            Some(Ok(seen)) => {
                let before = self.remembered(asking);
                let plan = seen.plan(&self.watched);
                summed = seen.summed(&plan);
                (plan.keep(before, &self.watched, asking.now), None)
            }
            Some(Err(words)) => (self.remembered(asking), Some(words)),
            None => (self.remembered(asking), None),
        };
        let questions = plan.questions();
        let answers = Answers::of(heard, FOUND, &questions);
        Findings { plan, questions, answers, blind, summed }
    }

    /// What is to ask before anything can be told: found numbers after a look around, and refused ones alone.
    pub fn more_found(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        found: &Findings,
    ) -> Option<Vec<Request>> {
        let questions = &found.questions;
        if let Some(batch) = found.answers.to_ask_singly() {
            return Some(
                batch.iter().map(|i| self.found_batch(&[*i], questions, asking)).collect(),
            );
        }
        if !self.looks(asking) || found.answers.asked() || unfound::asked(heard) {
            return None;
        }
        if !in_pieces(heard) && look::is_refused(heard, LOOK) {
            return Some(self.ask_around(true, asking));
        }
        let mut requests = self.found(questions, asking);
        let missing = !unfound::missing(&self.watched, &found.plan).is_empty();
        if missing && found.blind.is_none() && !self.recalls {
            requests.extend(unfound::requests(&self.base));
        }
        (!requests.is_empty()).then_some(requests)
    }

    /// What may come after the numbers: their past at first and after silence, and last week's.
    pub fn further_found(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        found: &Findings,
    ) -> Vec<Request> {
        let numbers = found.questions.iter().enumerate().filter(|(_, q)| !q.whole);
        let refused: BTreeSet<usize> = found.answers.refused().collect();
        let all: Vec<usize> = numbers.map(|(i, _)| i).filter(|i| !refused.contains(i)).collect();
        let mut requests = Vec::new();
        if self.wants_history(asking, heard) {
            let batches = promql::batches(SINCE_BATCH, long(&all, &found.questions));
            requests.extend(batches.iter().map(|batch| {
                let query = promql::batch(of(batch, &found.questions));
                self.stretch(numbers::tag(SINCE, batch), &query, asking)
            }));
        }
        let turns = (BASELINE_EVERY.as_secs() / self.every.as_secs().max(1)).max(1);
        let due = self.recalls || asking.round.is_multiple_of(turns);
        if let Some(then) = asking.now.checked_sub(A_WEEK).ok().filter(|_| due)
            && slowest(heard) <= QUICK
        {
            let batches = promql::batches(promql::BATCH, long(&all, &found.questions));
            requests.extend(batches.iter().map(|batch| {
                let query = promql::batch(of(batch, &found.questions));
                self.question(numbers::tag(WAS, batch), &query, Some(then), 0.2)
            }));
        }
        requests
    }

    /// The last minutes of found numbers that are of another level than they were.
    pub fn lately_found(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        found: &Findings,
        since: Timestamp,
    ) -> Vec<Request> {
        let history = Answers::of(heard, SINCE, &found.questions);
        let turned = |i: &usize| {
            let entry = found.plan.entries.get(*i).filter(|entry| entry.is_judged())?;
            let metric = entry.discovered(&self.name, self.apart)?.metric;
            let now = found.answers.newest(*i, &found.plan)?;
            has_turned(&metric, &now, &history.points(*i, &found.plan), since).then_some(())
        };
        let turned: BTreeSet<usize> =
            (0..found.plan.entries.len()).filter(|i| turned(i).is_some()).collect();
        let refused: BTreeSet<usize> = found.answers.refused().collect();
        let numbers = found.questions.iter().enumerate().filter(|(i, question)| {
            let asks = || question.answers.values().any(|entry| turned.contains(entry));
            !question.whole && !refused.contains(i) && asks()
        });
        let all: Vec<usize> = numbers.map(|(i, _)| i).collect();
        let batches = promql::batches(SINCE_BATCH, long(&all, &found.questions));
        let ask = |batch: &Vec<usize>| {
            let query = promql::batch(of(batch, &found.questions));
            self.closely(numbers::tag(JUST, batch), &query, asking)
        };
        batches.iter().map(ask).collect()
    }

    /// Questions as requests, a few dozen of them together.
    fn found(&self, questions: &[Question], asking: &Asking<'_>) -> Vec<Request> {
        let alone = promql::alone(asking.memory);
        let is_alone = |q: &Question| alone.contains(&promql::mark(&q.query));
        let (single, many): (Vec<usize>, Vec<usize>) =
            (0..questions.len()).partition(|i| questions.get(*i).is_some_and(is_alone));
        let many = promql::batches(promql::BATCH, long(&many, questions));
        let batches = many.iter().map(Vec::as_slice).chain(single.chunks(1));
        batches.map(|batch| self.found_batch(batch, questions, asking)).collect()
    }

    fn found_batch(&self, batch: &[usize], questions: &[Question], asking: &Asking<'_>) -> Request {
        let then = self.recalls.then_some(asking.now);
        let query = promql::batch(of(batch, questions));
        self.question(numbers::tag(FOUND, batch), &query, then, 0.4)
    }

    /// Questions that may only be asked alone, as far as anybody still asks them.
    pub fn alone(
        &self,
        asking: &Asking<'_>,
        numbers: &Numbers,
        found: &Findings,
    ) -> (Box<str>, Box<str>) {
        let mut alone: BTreeSet<String> = promql::alone(asking.memory).into_iter().collect();
        alone.extend(numbers.alone().iter().map(|i| promql::mark(self.query(*i))));
        let refused = found.answers.refused().filter_map(|i| found.questions.get(i));
        alone.extend(refused.map(|question| promql::mark(&question.query)));
        if !alone.is_empty() {
            let asked = self.metrics.iter().map(|m| &*m.query);
            let asked = asked.chain(found.questions.iter().map(|q| q.query.as_str()));
            let asked: BTreeSet<String> = asked.map(promql::mark).collect();
            alone.retain(|mark| asked.contains(mark));
        }
        promql::remember_alone(&alone)
    }

    /// Adds to a report what was found, where it comes from, and for whom nothing was.
    pub fn report_found(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        found: &Findings,
        report: &mut Report,
    ) {
        let Findings { plan, questions, answers, blind, summed } = found;
        let old = SignedDuration::try_from(self.every * 2).unwrap_or(SignedDuration::MAX);
        let asked = Asked { source: &self.name, apart: self.apart, now: asking.now, old };
        report.facts.extend(answers.samples(plan, &asked));
        let closer = Answers::of(heard, JUST, questions);
        let since = Answers::of(heard, SINCE, questions);
        report.facts.extend(since.histories(&closer, plan, &asked));
        report.facts.extend(Answers::of(heard, WAS, questions).baselines(plan, &asked));
        if let Some(words) = answers.partial() {
            let both: Vec<Clean> = report.partial.take().into_iter().chain([words]).collect();
            report.partial = Some(join(&both));
        }
        let told = asking.memory.get(UNFOUND).map_or("", |text| &**text);
        let mut missing: Vec<Clean> = told.lines().map(Clean::line).collect();
        let had = asking.memory.get(PLAN).is_some_and(|text| !text.is_empty());
        if in_pieces(heard) && blind.is_none() {
            report.remember.push((SHORT.into(), "yes".into()));
        }
        if let Some(words) = blind {
            let words = format_args!("could not look for known series: {words}");
            report.notes.push(Clean::line(words));
        } else if self.looks(asking) {
            let facts = plan.entries.iter();
            let facts = facts.filter_map(|entry| entry.discovered(&self.name, self.apart));
            report.facts.extend(facts.map(|one| Fact::Discovered(Box::new(one))));
            missing = unfound::words(&unfound::missing(&self.watched, plan), heard);
            missing.extend(summed.iter().cloned());
            if !self.recalls {
                report.complete.push(Feed::Discovered);
            }
            let lines: Vec<&str> = missing.iter().map(Clean::as_str).collect();
            report.remember.push((UNFOUND.into(), lines.join("\n").into()));
            report.remember.push((PLAN.into(), plan.write(&self.watched).into()));
        } else if self.watched.is_empty() && had {
            // Presets were switched off since: what they found is no longer asked for.
            report.complete.push(Feed::Discovered);
            report.remember.push((PLAN.into(), "".into()));
        }
        if !plan.entries.is_empty() {
            let (n, services) = (plan.seen().count(), plan.services().len());
            report.notes.push(Clean::line(format_args!(
                "found {n} number{} for {services} service{} ({})",
                if n == 1 { "" } else { "s" },
                if services == 1 { "" } else { "s" },
                plan.presets().join(", ")
            )));
        }
        if !self.watched.is_empty() {
            report.notes.extend(missing);
        }
    }
}

fn in_pieces(heard: &[Exchange]) -> bool {
    heard.iter().any(|e| tag_of(e).starts_with(PIECE))
}

fn of<'q>(batch: &'q [usize], questions: &'q [Question]) -> impl Iterator<Item = (usize, &'q str)> {
    batch.iter().filter_map(|i| Some((*i, questions.get(*i)?.query.as_str())))
}

/// Questions with the lengths of their text.
fn long<'q>(batch: &'q [usize], questions: &'q [Question]) -> impl Iterator<Item = (usize, usize)> {
    of(batch, questions).map(|(i, query)| (i, query.len()))
}
