//! Objectives of the configuration, asked window by window: long windows seldom, and what they told is remembered between.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::{Answer, Asking, Exchange};
use super::numbers::{self, Numbers};
use super::{QUICK, promql, tag_of};
use crate::model::{
    Clean, Fact, Key, Labels, Measure, Name, Objective, Slo, Spent, Weighted, Written, asked_every,
};

/// The tag of these questions.
pub const TAG: &str = "slo:";
const MEMORY: &str = "slo";

/// Room for the questions of one objective: eight windows, each of the bad events and of all.
const WINDOWS: usize = 8;
/// Questions in one request where each reads hours of samples: bad and total of four windows.
const HEAVY_BATCH: usize = 8;
/// What a store is asked to read at once is heavy from here.
const HEAVY: SignedDuration = SignedDuration::from_hours(3);
/// A store spends at most one part of so many on a question that it is slow to answer.
const REST: u32 = 20;
/// A window is asked for again when its burn may have changed by so much: of a whole period, two percent of its budget.
const MOVED: f64 = 0.02;

/// The objectives one store answers for.
#[derive(Debug, Clone, Default)]
pub struct Promises(Vec<Promise>);

#[derive(Debug, Clone)]
struct Promise {
    key: Key,
    slo: Slo,
    windows: Vec<SignedDuration>,
}

/// What is remembered of one window of one objective.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    window: SignedDuration,
    tried: Timestamp,
    /// How long the store took.
    took: Duration,
    /// It cannot be asked in company.
    alone: bool,
    told: Option<Spent>,
}

type Memory = BTreeMap<Box<str>, Vec<Kept>>;

/// A word to be handed back at the next poll, and its value.
pub type Word = (Box<str>, Box<str>);

fn remembered(asking: &Asking<'_>) -> Memory {
    let text = asking.memory.get(MEMORY).map_or("", |text| &**text);
    serde_json::from_str(text).unwrap_or_default()
}

fn kept<'a>(memory: &'a Memory, promise: &Promise, window: SignedDuration) -> Option<&'a Kept> {
    memory.get(promise.key.id.raw())?.iter().find(|kept| kept.window == window)
}

impl Promises {
    pub fn new(slos: Vec<(Name, Slo)>) -> Self {
        let promise = |(service, slo): (Name, Slo)| Promise {
            key: slo.key(&service),
            windows: slo.windows(),
            slo,
        };
        Self(slos.into_iter().map(promise).collect())
    }

    /// The questions that are due, in the batches they are asked in. Of the past everything is asked.
    pub fn due(&self, asking: &Asking<'_>, of_the_past: bool) -> Vec<Vec<usize>> {
        let memory = if of_the_past { Memory::new() } else { remembered(asking) };
        let (mut light, mut heavy, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        for (i, promise) in self.0.iter().enumerate() {
            let burn = promise.burn(&memory);
            for (w, window) in promise.windows.iter().enumerate() {
                let kept = kept(&memory, promise, *window);
                if !is_due(kept, *window, burn, asking.now) {
                    continue;
                }
                let questions = [0, 1].map(|part| (i * WINDOWS + w) * 2 + part);
                match kept {
                    Some(Kept { alone: true, .. }) => alone.extend(questions.map(|q| vec![q])),
                    _ if *window < HEAVY => light.extend(questions),
                    _ => heavy.extend(questions),
                }
            }
        }
        let long = |q: usize| (q, self.query(q).map_or(0, |text| text.len()));
        let light = promql::batches(promql::BATCH, light.into_iter().map(long));
        let heavy = promql::batches(HEAVY_BATCH, heavy.into_iter().map(long));
        light.into_iter().chain(heavy).chain(alone).collect()
    }

    /// A question in the store's language.
    pub fn query(&self, question: usize) -> Option<String> {
        let promise = self.0.get(question / 2 / WINDOWS)?;
        let window = promise.windows.get(question / 2 % WINDOWS)?;
        let text = if question.is_multiple_of(2) { &promise.slo.bad } else { &promise.slo.total };
        Some(text.replace("$window", &length(*window)))
    }

    /// Questions of refused batches, to be asked one by one. Not where a batch took long: a store that is out of breath
    /// is not asked more, and they are asked apart the next time.
    pub fn to_ask_singly(heard: &[Exchange]) -> Option<Vec<usize>> {
        let numbers = Numbers::of(heard, TAG);
        numbers.to_ask_singly().filter(|_| numbers::slowest(heard, TAG) <= QUICK)
    }

    /// What is known of every objective now, and what is to be remembered of it.
    pub fn tell(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        of_the_past: bool,
    ) -> (Vec<Fact>, Option<Word>) {
        if self.0.is_empty() {
            return (Vec::new(), None);
        }
        let numbers = Numbers::of(heard, TAG);
        let took = took(heard);
        let before = if of_the_past { Memory::new() } else { remembered(asking) };
        let refused = numbers.to_ask_singly().unwrap_or_default();
        let loners = numbers.alone();
        let mut memory = Memory::new();
        let mut facts = Vec::new();
        for (i, promise) in self.0.iter().enumerate() {
            let windows = promise.windows.iter().enumerate().filter_map(|(w, window)| {
                let questions = [0, 1].map(|part| (i * WINDOWS + w) * 2 + part);
                let before = kept(&before, promise, *window).cloned();
                let Some(took) = questions.iter().filter_map(|q| took.get(q)).max() else {
                    return before;
                };
                let [bad, total] = questions.map(|q| numbers.measure(q, Measure::of));
                let told = bad
                    .zip(total)
                    .map(|(bad, total)| Spent::of_counts(*window, asking.now, &bad, &total));
                let alone = questions.iter().any(|q| refused.contains(q) || loners.contains(q));
                let told = told.or_else(|| before.as_ref().and_then(|kept| kept.told.clone()));
                let alone = alone || before.is_some_and(|kept| kept.alone);
                Some(Kept { window: *window, tried: asking.now, took: *took, alone, told })
            });
            let windows: Vec<Kept> = windows.collect();
            let spent: Vec<Spent> = windows.iter().filter_map(|kept| kept.told.clone()).collect();
            if !spent.is_empty() {
                facts.push(Fact::Objective(promise.objective(spent)));
            }
            memory.insert(promise.key.id.raw().into(), windows);
        }
        let text = serde_json::to_string(&memory).unwrap_or_default();
        let word = (!took.is_empty()).then(|| (MEMORY.into(), text.into()));
        (facts, word)
    }

    /// What went wrong in asking, if anything.
    pub fn trouble(heard: &[Exchange]) -> Option<Clean> {
        Numbers::of(heard, TAG).partial()
    }
}

impl Promise {
    /// How fast the budget burns, by the shortest window that told; 0 where none did.
    fn burn(&self, memory: &Memory) -> f64 {
        let shortest = self.windows.first().and_then(|window| kept(memory, self, *window));
        let ratio = shortest.and_then(|kept| kept.told.as_ref()).map(|told| &told.ratio);
        match ratio {
            Some(Measure::Number(ratio)) => ratio / (1.0 - self.slo.objective / 100.0),
            _ => 0.0,
        }
    }

    fn objective(&self, spent: Vec<Spent>) -> Objective {
        Objective {
            key: self.key.clone(),
            name: self.slo.name.clean().clone(),
            written: Written::Configuration,
            labels: Labels::default(),
            target: self.slo.objective / 100.0,
            period: self.slo.window,
            weighted: Weighted::ByEvents,
            spent,
        }
    }
}

/// Long windows move slowly and are asked for seldom, but not while a burst of errors moves them: at a thousand times
/// the pace a month's budget is gone within the hour, and what is left of it must not be told by minutes too late.
fn is_due(kept: Option<&Kept>, window: SignedDuration, burn: f64, now: Timestamp) -> bool {
    let Some(kept) = kept else { return true };
    let rest =
        SignedDuration::try_from(kept.took.saturating_mul(REST)).unwrap_or(SignedDuration::MAX);
    let age = now.duration_since(kept.tried);
    // A poll comes a little early as often as a little late, and a clock may be set back.
    let moved = burn * age.as_secs_f64() / window.as_secs_f64();
    let every = asked_every(window);
    // Left in peace for longer, what a slow store told would be stale between any two questions.
    let rest = rest.min(every + every / 2);
    // A short window is asked for often as it is.
    let often = if moved >= MOVED && window >= HEAVY { SignedDuration::ZERO } else { every };
    age < SignedDuration::ZERO || age >= often.max(rest) - SignedDuration::from_secs(2)
}

/// How long each question that was asked took, whatever came of it.
fn took(heard: &[Exchange]) -> BTreeMap<usize, Duration> {
    let mut all = BTreeMap::new();
    for exchange in heard {
        let Some(batch) = numbers::batch_of(tag_of(exchange), TAG) else { continue };
        let took = match &exchange.answer {
            Ok(Answer::Http(answer)) => answer.took,
            _ => Duration::ZERO,
        };
        for question in batch {
            let longest: &mut Duration = all.entry(question).or_default();
            *longest = took.max(*longest);
        }
    }
    all
}

/// `5m`, `6h`, `30d`: as people write it, so that a store's cache and its log know the query again.
fn length(window: SignedDuration) -> String {
    let seconds = window.as_secs();
    for (unit, of) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds % of == 0 {
            return format!("{}{unit}", seconds / of);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_budget_is_asked_for_while_it_burns() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let month = SignedDuration::from_hours(30 * 24);
        let kept = |took| Kept {
            window: month,
            tried: at(0),
            took: Duration::from_millis(took),
            alone: false,
            told: None,
        };
        let due = |took, burn, now| is_due(Some(&kept(took)), month, burn, at(now));
        // Quiet, or as slow as pages somebody: nothing moves within ten minutes.
        assert!(!due(20, 0.0, 590) && due(20, 0.0, 600));
        assert!(!due(20, 14.4, 590));
        // Everything fails: two percent of a month of three nines are gone in 52 s.
        assert!(!due(20, 1000.0, 45) && due(20, 1000.0, 60));
        // A store that is slow to answer is left in peace all the same.
        assert!(!due(6_000, 1000.0, 60) && due(6_000, 1000.0, 120));
        // But not for so long that what it tells of the last minutes is old before it is asked again.
        let minutes = SignedDuration::from_mins(5);
        let slow = Kept { window: minutes, ..kept(8_000) };
        assert!(!is_due(Some(&slow), minutes, 0.0, at(40)));
        assert!(is_due(Some(&slow), minutes, 0.0, at(45)));
    }
}
