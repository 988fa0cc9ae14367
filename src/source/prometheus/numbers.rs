//! From answers to numbers: which query each sample belongs to, and what it says when it is no plain number.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::super::{Answer, Exchange, when, wire};
use super::answer::{Data, Heard, Point, Series, hear};
use super::nan::reading;
use super::tag_of;
use crate::model::{Clean, Fact, Measure, Metric, PARTLY, Status, Trouble};

/// The tag of a request about the metrics with these indices.
pub fn tag(what: &str, batch: &[usize]) -> String {
    let list: Vec<String> = batch.iter().map(usize::to_string).collect();
    format!("{what}{}", list.join(","))
}

/// The indices in a tag, where it is of this sort.
pub fn batch_of(tag: &str, what: &str) -> Option<Vec<usize>> {
    tag.strip_prefix(what).map(|list| list.split(',').filter_map(|i| i.parse().ok()).collect())
}

/// The longest answer of this sort.
pub fn slowest(heard: &[Exchange], what: &str) -> Duration {
    let ours = heard.iter().filter(|e| tag_of(e).starts_with(what));
    let took = ours.filter_map(|e| match &e.answer {
        Ok(Answer::Http(answer)) => Some(answer.took),
        _ => None,
    });
    took.max().unwrap_or_default()
}

/// Everything one sort of question (instant or range) brought so far.
#[derive(Default)]
pub struct Numbers {
    told: BTreeMap<usize, Told>,
    /// Batches the server refused, to be asked one by one.
    broken: Vec<Vec<usize>>,
    /// Indices asked alone in this poll, and those that can only be asked so.
    singles: BTreeSet<usize>,
    loners: BTreeSet<usize>,
    lost: Vec<(usize, Trouble)>,
    /// Indices asked alone and not answered.
    late: BTreeSet<usize>,
    /// Why not all of the data was there.
    lacks: Option<Clean>,
    notes: BTreeSet<Clean>,
    /// Samples that could not be read, and the first of them with its place.
    skipped: usize,
    first: Option<String>,
    answered: bool,
}

/// What is known of one metric.
#[derive(Default)]
struct Told {
    series: usize,
    points: Vec<Point>,
    /// Answered with stretches of time.
    ranged: bool,
    /// Why there is no number, in words.
    instead: Option<Clean>,
    note: Option<Clean>,
    /// Not all of its data was there.
    partly: bool,
}

impl Numbers {
    pub fn of(heard: &[Exchange], what: &str) -> Self {
        let mut numbers = Self::default();
        for exchange in heard {
            if let Some(batch) = batch_of(tag_of(exchange), what) {
                numbers.add(exchange, &batch);
            }
        }
        numbers
    }

    fn add(&mut self, exchange: &Exchange, batch: &[usize]) {
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
                for i in batch {
                    self.told.entry(*i).or_default().partly |= good.partial.is_some();
                }
                match (only, good.notes.first()) {
                    (Some(i), Some(note)) => {
                        self.told.entry(i).or_default().note = Some(note.clone());
                    }
                    _ => self.notes.extend(good.notes),
                }
                self.read(good.data.get(), batch, only);
            }
            Heard::Refused(words) => match only {
                Some(i) => {
                    self.answered = true;
                    self.loners.insert(i);
                    self.told.entry(i).or_default().instead = Some(words);
                }
                None => self.broken.push(batch.to_vec()),
            },
            Heard::Lost(trouble) => {
                self.late.extend(only);
                self.lost.push((batch.len().max(1), trouble));
            }
        }
    }

    fn read(&mut self, data: &str, batch: &[usize], only: Option<usize>) {
        let data: Data<'_> = match serde_json::from_str(data) {
            Ok(data) => data,
            Err(_) => return self.skip_all(batch, "an answer without resultType and result"),
        };
        let raw = data.result.get();
        match (&*data.kind, only) {
            ("vector" | "matrix", _) => {
                if data.kind == "matrix" {
                    self.loners.extend(only);
                }
                let before = self.skipped;
                self.read_series(raw, only);
                if self.skipped > before {
                    self.doubt(batch);
                }
            }
            ("scalar", Some(i)) => {
                self.loners.insert(i);
                match serde_json::from_str::<Point>(raw) {
                    Ok(point) => {
                        let told = self.told.entry(i).or_default();
                        told.series = 1;
                        told.points.push(point);
                    }
                    Err(_) => self.instead(i, "the answer is no number"),
                }
            }
            ("string", Some(i)) => {
                self.loners.insert(i);
                self.instead(i, "the query answers text, not a number");
            }
            _ => self.skip_all(batch, "a result of a type this version does not know"),
        }
    }

    fn read_series(&mut self, raw: &str, only: Option<usize>) {
        let series = serde_json::from_str(raw).unwrap_or_else(|_| self.one_by_one(raw));
        for one in series {
            let tag = || one.metric.query.as_deref().and_then(|i| i.parse().ok());
            let Some(i) = only.or_else(tag) else { continue };
            let told = self.told.entry(i).or_default();
            told.series += 1;
            match (one.value, one.values) {
                (Some(point), _) => told.points.push(point),
                (None, Some(points)) => {
                    told.ranged = true;
                    told.points.extend(points);
                }
                (None, None) if one.histogram.is_some() || one.histograms.is_some() => {
                    told.instead = Some(Clean::from(HISTOGRAM));
                }
                (None, None) => told.instead = Some(Clean::from("the sample has no value")),
            }
        }
    }

    /// All at once is the fast way; this is the way around a bad sample.
    fn one_by_one<'r>(&mut self, raw: &'r str) -> Vec<Series<'r>> {
        let items: Vec<&RawValue> = match serde_json::from_str(raw) {
            Ok(items) => items,
            Err(e) => {
                self.skip(wire::explain(raw, &e, "/data/result"));
                return Vec::new();
            }
        };
        let mut series = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            match serde_json::from_str(item.get()) {
                Ok(one) => series.push(one),
                Err(e) => self.skip(wire::explain(item.get(), &e, &format!("/data/result/{i}"))),
            }
        }
        series
    }

    fn skip(&mut self, words: String) {
        self.skipped += 1;
        self.first.get_or_insert(words);
    }

    fn instead(&mut self, i: usize, words: &'static str) {
        self.told.entry(i).or_default().instead = Some(Clean::from(words));
    }

    fn skip_all(&mut self, batch: &[usize], words: &'static str) {
        for i in batch {
            self.instead(*i, words);
        }
    }

    /// A sample was unreadable: whoever has none now may be its owner, and must not look like "no data".
    fn doubt(&mut self, batch: &[usize]) {
        for i in batch {
            let told = self.told.entry(*i).or_default();
            if told.series == 0 {
                told.instead = Some(Clean::from("the sample could not be read"));
            }
        }
    }

    /// How many batches were refused.
    pub fn refusals(&self) -> usize {
        self.broken.len()
    }

    /// Refused batches of which nobody was asked alone: nothing was heard of them.
    pub fn give_up(&mut self) {
        for batch in std::mem::take(&mut self.broken) {
            if batch.iter().any(|i| self.singles.contains(i)) {
                self.broken.push(batch);
            } else {
                let trouble = Trouble::new(Status::Timeout, "the store is out of breath");
                self.lost.push((batch.len(), trouble));
            }
        }
    }

    /// Members of refused batches that were not asked alone yet.
    pub fn to_ask_singly(&self) -> Option<Vec<usize>> {
        let all = self.broken.iter().flatten().copied();
        let missing: Vec<usize> = all.filter(|i| !self.singles.contains(i)).collect();
        (!missing.is_empty()).then_some(missing)
    }

    /// Those that may not be asked in company: whoever is refused alone, too, or late where others are not; if nobody in a
    /// refused batch was at fault, all of it.
    pub fn alone(&self) -> BTreeSet<usize> {
        let mut alone = self.loners.clone();
        for batch in &self.broken {
            if !batch.iter().any(|i| self.singles.contains(i)) {
                continue;
            }
            let late: BTreeSet<usize> =
                batch.iter().copied().filter(|i| self.late.contains(i)).collect();
            let others = batch.iter().any(|i| self.singles.contains(i) && !late.contains(i));
            if !others && !late.is_empty() {
                // The store was lost meanwhile: that tells nothing of its queries.
                continue;
            }
            if late.is_empty() && !batch.iter().any(|i| self.loners.contains(i)) {
                alone.extend(batch);
            }
            alone.extend(late);
        }
        alone
    }

    /// Members of refused batches, and those refused alone.
    pub fn refused(&self) -> BTreeSet<usize> {
        let alone = self.loners.iter().filter(|i| self.refusal(**i).is_some());
        self.broken.iter().flatten().chain(alone).copied().collect()
    }

    /// Why there is nothing of one, in words.
    pub fn refusal(&self, i: usize) -> Option<&Clean> {
        self.told.get(&i)?.instead.as_ref()
    }

    /// Whether this one was asked about alone.
    pub fn asked_for(&self, i: usize) -> bool {
        self.singles.contains(&i)
    }

    /// At least one question got an answer, be it a refusal.
    pub fn answered(&self) -> bool {
        self.answered
    }

    pub fn lost(&self) -> Option<&Trouble> {
        self.lost.first().map(|(_, trouble)| trouble)
    }

    pub fn with_one_series(&self) -> impl Iterator<Item = usize> {
        self.told.iter().filter(|(_, t)| t.series == 1 && t.instead.is_none()).map(|(i, _)| *i)
    }

    pub fn notes(&self) -> impl Iterator<Item = Clean> {
        self.notes.iter().cloned()
    }

    pub fn partial(&self) -> Option<Clean> {
        let lost: usize = self.lost.iter().map(|(n, _)| n).sum();
        match self.lost() {
            Some(trouble) => {
                let s = if lost == 1 { "" } else { "s" };
                Some(Clean::line(format_args!("{lost} number{s} not answered: {trouble}")))
            }
            None => self.first.as_ref().map(|first| {
                Clean::line(format_args!("{} samples skipped: {first}", self.skipped))
            }),
        }
        .or_else(|| self.lacks.as_ref().map(lacking))
    }

    /// The reading of one metric; `None` when nothing was heard of it.
    ///
    /// A sample older than `old` keeps its own time, so that its age shows; else it is of this poll.
    pub fn sample(
        &self,
        i: usize,
        metric: &Metric,
        now: Timestamp,
        old: SignedDuration,
    ) -> Option<Fact> {
        let told = self.told.get(&i)?;
        let own = told.points.last().and_then(|p| when::epoch_seconds(p.at));
        let at = own.filter(|at| now.duration_since(*at) > old).unwrap_or(now);
        let measure = self.measure(i, |value| reading(value, metric.role, &metric.query))?;
        let note = noted(told.note.clone(), told.partly);
        Some(Fact::Sample { id: metric.id.clone(), at, measure, note })
    }

    /// What an instant question came to, a value being read as `of` reads it; `None` when nothing was heard of it.
    pub fn measure(&self, i: usize, of: impl Fn(f64) -> Measure) -> Option<Measure> {
        let told = self.told.get(&i)?;
        Some(match (&told.instead, told.series, told.points.as_slice()) {
            (Some(words), ..) => Measure::Unreadable(words.clone()),
            (None, 0, _) => Measure::NoData,
            _ if told.ranged => Measure::Unreadable(Clean::from(RANGE)),
            (None, 1, [point]) => of(point.value),
            (None, n, _) => Measure::Unreadable(Clean::line(format_args!(
                "{n} series where one number is needed: wrap the query in sum(…), max(…) or avg(…)"
            ))),
        })
    }

    /// The history of one metric, oldest first; `None` when there is none.
    pub fn points(&self, i: usize, metric: &Metric) -> Option<Vec<(Timestamp, Measure)>> {
        let told = self.told.get(&i).filter(|t| t.series == 1 && t.instead.is_none())?;
        let points: Vec<_> = told
            .points
            .iter()
            .filter_map(|p| {
                Some((when::epoch_seconds(p.at)?, reading(p.value, metric.role, &metric.query)))
            })
            .collect();
        (!points.is_empty()).then_some(points)
    }
}

/// What is said beside a number, of which not all data may have been there.
pub fn noted(note: Option<Clean>, partly: bool) -> Option<Clean> {
    match note {
        note if !partly => note,
        None => Some(PARTLY.into()),
        Some(note) => Some(Clean::line(format_args!("{note}; {PARTLY}"))),
    }
}

/// Said of an answer without all of its data.
pub fn lacking(why: &Clean) -> Clean {
    Clean::line(format_args!("{PARTLY}: {why}"))
}

pub const HISTOGRAM: &str =
    "a native histogram: wrap the query in histogram_quantile(…) or histogram_count(…)";
const RANGE: &str =
    "the query answers a stretch of time: wrap it in rate(…), increase(…) or avg_over_time(…)";
