//! The minutes before a first answer, poll by poll, of numbers that turned in them: as if andon had been asking all along.

use jiff::{SignedDuration, Timestamp};

use super::super::{Asking, Exchange, Request};
use super::finding::{Findings, JUST, SINCE};
use super::nan::reading;
use super::numbers::{self, Numbers};
use super::{Prometheus, QUICK, STEP, THEN, promql, tag_of};
use crate::insight::level;
use crate::model::{Measure, Metric};

/// The tag of these questions.
pub const LATELY: &str = "lately:";

/// How far back: more than hysteresis looks, at any interval shorter than a step of the history.
const BACK: i64 = 300;

impl Prometheus {
    /// History lies a minute apart, and three bad results make an outage: of one that began within the last steps a cold
    /// start would see one bad answer and call it well, where a running andon knows. What reads as it did minutes ago
    /// needs no closer look, so that mostly nothing more is asked.
    pub fn lately(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        history: &Numbers,
        numbers: &Numbers,
        found: &Findings,
    ) -> Vec<Request> {
        let is = |sort: &str| heard.iter().any(|e| tag_of(e).starts_with(sort));
        let is_cold = is(THEN) || is(SINCE);
        let slowest = numbers::slowest(heard, THEN).max(numbers::slowest(heard, SINCE));
        let is_slow = slowest > QUICK || self.between() >= STEP;
        if !is_cold || is_slow || is(LATELY) || is(JUST) {
            return Vec::new();
        }
        let Ok(since) = asking.now.checked_sub(SignedDuration::from_secs(BACK)) else {
            return Vec::new();
        };
        let has_turned = |i: &usize| {
            let Some(metric) = self.metrics.get(*i).filter(|metric| is_judged(metric)) else {
                return false;
            };
            let of = |value| reading(value, metric.role, &metric.query);
            let (now, then) = (numbers.measure(*i, of), history.points(*i, metric));
            now.zip(then).is_some_and(|(now, then)| has_turned(metric, &now, &then, since))
        };
        let turned: Vec<usize> = numbers.with_one_series().filter(has_turned).collect();
        let batches = self.in_company(asking, numbers, turned);
        let mut requests: Vec<Request> = batches
            .iter()
            .map(|batch| {
                let query = promql::batch(self.queries(batch));
                self.closely(numbers::tag(LATELY, batch), &query, asking)
            })
            .collect();
        requests.extend(self.lately_found(asking, heard, found, since));
        requests
    }

    /// What polls would have asked until now, at their own pace.
    pub fn closely(&self, tag: String, query: &str, asking: &Asking<'_>) -> Request {
        let (now, step) = (asking.now.as_second(), self.between());
        self.range_of(tag, query, (now - BACK / step * step, now - step), step)
    }

    /// Seconds between two polls.
    fn between(&self) -> i64 {
        i64::try_from(self.every.as_secs()).unwrap_or(STEP).max(1)
    }
}

/// Whether anybody said what is good.
pub fn is_judged(metric: &Metric) -> bool {
    metric.good.is_some() || metric.bad.is_some()
}

/// Whether a number was of another level since then than it is now.
pub fn has_turned(
    metric: &Metric,
    now: &Measure,
    then: &[(Timestamp, Measure)],
    since: Timestamp,
) -> bool {
    let now = level(metric, now);
    let lately = then.iter().rev().take_while(|(at, _)| *at >= since);
    lately.into_iter().any(|(_, measure)| level(metric, measure) != now)
}

/// A history, and where there is a closer one, that one instead.
pub fn with_closer(
    mut history: Vec<(Timestamp, Measure)>,
    closer: Vec<(Timestamp, Measure)>,
) -> Vec<(Timestamp, Measure)> {
    if let Some((first, _)) = closer.first() {
        // Steps between the polls would count as results of their own.
        history.retain(|(at, _)| at < first);
        history.extend(closer);
    }
    history
}
