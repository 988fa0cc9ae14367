//! Found numbers of one poll: what to ask for them, and their facts from the answers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::super::{Exchange, when, wire};
use super::answer::{Data, Heard, Point, hear};
use super::lately::with_closer;
use super::numbers::{HISTOGRAM, batch_of, lacking, noted};
use super::plan::{Plan, Question};
use super::tag_of;
use crate::model::{Clean, Fact, Measure, Role, Trouble};

/// A series of an answer with its labels.
#[derive(serde::Deserialize)]
struct Series<'a> {
    #[serde(borrow, default, deserialize_with = "wire::nullable")]
    metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default)]
    value: Option<Point>,
    #[serde(default)]
    values: Option<Vec<Point>>,
    #[serde(default)]
    histogram: Option<serde::de::IgnoredAny>,
}

/// What was heard of every entry of a plan.
#[derive(Default)]
pub struct Answers {
    /// By entry; empty where the question was answered and nothing came.
    told: BTreeMap<usize, Vec<Point>>,
    /// Why there is no number, in words.
    instead: BTreeMap<usize, Clean>,
    wholes: BTreeMap<usize, f64>,
    /// Entries of which not all data was there.
    partly: BTreeSet<usize>,
    /// Batches that were refused, to be asked one by one, and what was asked alone already.
    broken: Vec<Vec<usize>>,
    singles: BTreeSet<usize>,
    refused: BTreeSet<usize>,
    lost: Option<Trouble>,
    /// Why not all of the data was there.
    lacks: Option<Clean>,
    asked: bool,
    answered: bool,
}

impl Answers {
    pub fn of(heard: &[Exchange], what: &str, questions: &[Question]) -> Self {
        let mut answers = Self::default();
        for exchange in heard {
            if let Some(batch) = batch_of(tag_of(exchange), what) {
                answers.asked = true;
                answers.add(exchange, &batch, questions);
            }
        }
        answers
    }

    fn add(&mut self, exchange: &Exchange, batch: &[usize], questions: &[Question]) {
        let only = match batch {
            [only] => Some(*only),
            _ => None,
        };
        self.singles.extend(only);
        match hear(exchange) {
            Heard::Good(good) => {
                self.answered = true;
                if self.lacks.is_none() {
                    self.lacks.clone_from(&good.partial);
                }
                let asked = batch.iter().filter_map(|i| questions.get(*i)).filter(|q| !q.whole);
                for entry in asked.flat_map(|q| q.answers.values()) {
                    self.told.entry(*entry).or_default();
                    if good.partial.is_some() {
                        self.partly.insert(*entry);
                    }
                }
                self.read(good.data.get(), only, questions);
            }
            Heard::Refused(words) => match only.map(|i| questions.get(i)) {
                Some(Some(question)) => {
                    self.answered = true;
                    self.refused.extend(only);
                    let whose = question.answers.values().filter(|_| !question.whole);
                    self.instead.extend(whose.map(|entry| (*entry, words.clone())));
                }
                Some(None) => {}
                None => self.broken.push(batch.to_vec()),
            },
            Heard::Lost(trouble) => self.lost = Some(trouble),
        }
    }

    fn read(&mut self, data: &str, only: Option<usize>, questions: &[Question]) {
        let Ok(data) = serde_json::from_str::<Data<'_>>(data) else { return };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(data.result.get()) else { return };
        for item in items {
            // One unreadable series is no answer for one service: "no data" is then what is known.
            let Ok(one) = serde_json::from_str::<Series<'_>>(item.get()) else { continue };
            let tagged = || one.metric.get(super::promql::LABEL).and_then(|i| i.parse().ok());
            let Some(question) = only.or_else(tagged).and_then(|i| questions.get(i)) else {
                continue;
            };
            let label = |name: &String| {
                one.metric.get(name.as_str()).map(|v| v.clone().into_owned()).unwrap_or_default()
            };
            let values: Vec<String> = question.labels.iter().map(label).collect();
            // A label of two services asked together may meet another's: that is nobody's.
            let Some(entry) = question.answers.get(&values) else { continue };
            if one.histogram.is_some() {
                self.instead.insert(*entry, Clean::from(HISTOGRAM));
            }
            match (one.value, one.values, question.whole) {
                (Some(point), _, true) => {
                    self.wholes.insert(*entry, point.value);
                }
                (Some(point), ..) => self.told.entry(*entry).or_default().push(point),
                (None, Some(points), false) => self.told.entry(*entry).or_default().extend(points),
                _ => {}
            }
        }
    }

    pub fn asked(&self) -> bool {
        self.asked
    }

    /// Questions that the server would not answer even alone.
    pub fn refused(&self) -> impl Iterator<Item = usize> {
        self.refused.iter().copied()
    }

    pub fn lost(&self) -> Option<&Trouble> {
        self.lost.as_ref()
    }

    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Members of refused batches that were not asked alone yet.
    pub fn to_ask_singly(&self) -> Option<Vec<usize>> {
        let all = self.broken.iter().flatten().copied();
        let missing: Vec<usize> = all.filter(|i| !self.singles.contains(i)).collect();
        (!missing.is_empty()).then_some(missing)
    }

    /// Questions that nothing came of, in words.
    pub fn partial(&self) -> Option<Clean> {
        let Some(trouble) = &self.lost else { return self.lacks.as_ref().map(lacking) };
        Some(Clean::line(format_args!("found numbers not answered: {trouble}")))
    }

    /// The readings of this poll: `2 of 3 targets up` beside a share.
    pub fn samples(&self, plan: &Plan, asked: &Asked<'_>) -> Vec<Fact> {
        let reading = |i: &usize, at: Timestamp| match (self.instead.get(i), self.told.get(i)) {
            (Some(words), _) => Some((at, Measure::Unreadable(words.clone()))),
            (None, None) => None,
            (None, Some(points)) => Some(points.last().map_or((at, Measure::NoData), |point| {
                let own = when::epoch_seconds(point.at);
                let own = own.filter(|own| at.duration_since(*own) > asked.old);
                (own.unwrap_or(at), plan.reading(*i, point.value))
            })),
        };
        // Stores that drop 0/0 answer nothing where there was no traffic: the rate of the same service tells.
        let quiet: BTreeSet<&crate::model::Name> = plan
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.number().is_some_and(|(_, n)| n.role == Role::Traffic))
            .filter(|(i, _)| {
                let newest = self.told.get(i).and_then(|points| points.last());
                newest.is_some_and(|point| point.value == 0.0)
            })
            .map(|(_, entry)| &entry.service)
            .collect();
        let mut facts = Vec::new();
        for (i, entry) in plan.entries.iter().enumerate() {
            let Some((at, mut measure)) = reading(&i, asked.now) else { continue };
            let (Some((_, number)), Some(found)) =
                (entry.number(), entry.discovered(asked.source, asked.apart))
            else {
                continue;
            };
            let by_traffic = matches!(number.role, Role::Errors | Role::Latency);
            if by_traffic && measure == Measure::NoData && quiet.contains(&entry.service) {
                measure = Measure::NoTraffic;
            }
            let share = measure.number().zip(self.wholes.get(&i)).zip(number.of);
            let note = share.map(|((share, whole), (_, word))| {
                let part = (share * whole).round();
                Clean::line(format_args!("{part} of {whole} {word}"))
            });
            let note = noted(note, self.partly.contains(&i));
            facts.push(Fact::Sample { id: found.metric.id, at, measure, note });
        }
        facts
    }

    /// The same numbers a week before, where there were any.
    pub fn baselines(&self, plan: &Plan, asked: &Asked<'_>) -> Vec<Fact> {
        let baseline = |(i, points): (&usize, &Vec<Point>)| {
            let found = plan.entries.get(*i)?.discovered(asked.source, asked.apart)?;
            let measure = plan.reading(*i, points.last()?.value);
            Some(Fact::Baseline { id: found.metric.id, at: asked.now, measure })
        };
        self.told.iter().filter_map(baseline).collect()
    }

    /// The newest answer about an entry, where it is a number.
    pub fn newest(&self, i: usize, plan: &Plan) -> Option<Measure> {
        Some(plan.reading(i, self.told.get(&i)?.last()?.value))
    }

    /// Every answer about an entry, oldest first.
    pub fn points(&self, i: usize, plan: &Plan) -> Vec<(Timestamp, Measure)> {
        let points = self.told.get(&i).into_iter().flatten();
        let read = |p: &Point| Some((when::epoch_seconds(p.at)?, plan.reading(i, p.value)));
        points.filter_map(read).collect()
    }

    /// The stretches of history, oldest first, with the closer ones of their ends.
    pub fn histories(&self, closer: &Self, plan: &Plan, asked: &Asked<'_>) -> Vec<Fact> {
        let history = |i: &usize| {
            let found = plan.entries.get(*i)?.discovered(asked.source, asked.apart)?;
            let points = with_closer(self.points(*i, plan), closer.points(*i, plan));
            (!points.is_empty()).then_some(Fact::History { id: found.metric.id, points })
        };
        self.told.keys().filter_map(history).collect()
    }
}

/// What the facts of a poll carry.
pub struct Asked<'a> {
    pub source: &'a crate::model::SourceName,
    /// Another source may find numbers of the same names: these carry the source's.
    pub apart: bool,
    pub now: Timestamp,
    /// A sample older than this keeps its own time.
    pub old: SignedDuration,
}
