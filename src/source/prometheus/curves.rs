//! The past of some numbers at the resolution of a screen: range queries, batched, reckoned by the server.

use std::collections::BTreeSet;
use std::time::Duration;

use url::Url;

use super::super::{Asking, Exchange, Http, Reading, Request, Source, wire};
use super::numbers::{self, Numbers};
use super::{THEN, no_answer, promql};
use crate::model::{Clean, Fact, Fold, Metric, Report, Slices, Trouble};

/// A metric store, asked for one stretch of time.
#[derive(Debug)]
pub struct Curves {
    base: Url,
    metrics: Vec<Metric>,
    slices: Slices,
}

/// The tag of queries asked alone, and as they are written.
const PLAIN: &str = "plain:";
/// The server's own time limit; what takes longer is answered with words before it is given up.
const LIMIT: Duration = Duration::from_secs(8);

impl Curves {
    pub fn new(base: Url, metrics: Vec<Metric>, slices: Slices) -> Self {
        Self { base, metrics, slices }
    }

    /// A query as it is written; of a long slice, what it was at worst, or on average, and not only at its end.
    ///
    /// A subquery is reckoned once for the whole stretch, on the server's own grid
    /// (prometheus.io/docs/prometheus/latest/querying/basics, "Subquery").
    fn query(&self, i: usize, plain: bool) -> String {
        let Some(metric) = self.metrics.get(i) else { return String::new() };
        let (query, step) = (&metric.query, self.slices.step().as_secs());
        match self.slices.looks().filter(|_| !plain) {
            None => query.to_string(),
            Some(looks) => {
                let slice = format!("[{step}s:{}s]", looks.as_secs());
                // The line end closes a comment at the end of the query.
                match Fold::of(metric) {
                    Fold::Least => format!("min_over_time(({query}\n){slice})"),
                    Fold::Most => format!("max_over_time(({query}\n){slice})"),
                    // One look at 0/0 would make the mean of all NaN; where every look is, NaN is what there was.
                    Fold::Mean => format!(
                        "avg_over_time((({query}\n) >= -Inf){slice}) or max_over_time(({query}\n){slice})"
                    ),
                }
            }
        }
    }

    fn range(&self, what: &str, batch: &[usize], asking: &Asking<'_>) -> Request {
        let url = wire::join(&self.base, "api/v1/query_range");
        let queries: Vec<(usize, String)> =
            batch.iter().map(|i| (*i, self.query(*i, what == PLAIN))).collect();
        let query = promql::batch(queries.iter().map(|(i, query)| (*i, query.as_str())));
        // Each slice is asked for by its end; one that is not over yet would be reckoned from half of itself.
        let slices = &self.slices;
        let step = slices.step().as_secs();
        let past = asking.now.as_second().div_euclid(step) * step;
        let start = slices.end(0).as_second();
        let end = slices.until().as_second().min(past).max(start);
        let form = [
            ("query", query.as_str()),
            ("start", &start.to_string()),
            ("end", &end.to_string()),
            ("step", &step.to_string()),
            ("timeout", &format!("{}ms", LIMIT.as_millis())),
        ];
        Request::Http(Http::get(numbers::tag(what, batch), url).form(&form))
    }
}

impl Source for Curves {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let alone = promql::alone(asking.memory);
        let is_alone = |i: &usize| {
            self.metrics.get(*i).is_some_and(|m| alone.contains(&promql::mark(&m.query)))
        };
        let (single, many): (Vec<usize>, Vec<usize>) = (0..self.metrics.len()).partition(is_alone);
        let long = many.into_iter().map(|i| (i, self.query(i, false).len()));
        let batches = promql::batches(promql::BATCH, long);
        let batches = batches.iter().map(|batch| self.range(THEN, batch, asking));
        batches.chain(single.iter().map(|i| self.range(PLAIN, &[*i], asking))).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let together = Numbers::of(heard, THEN);
        let alone = Numbers::of(heard, PLAIN);
        // What a server refuses in company, or folded, it may answer alone and as it is written.
        let mut again: BTreeSet<usize> = together.refused();
        again.retain(|i| !alone.asked_for(*i));
        if !again.is_empty() {
            let requests = again.iter().map(|i| self.range(PLAIN, &[*i], asking));
            return Ok(Reading::More(requests.collect()));
        }
        if !together.answered() && !alone.answered() {
            let lost = together.lost().or_else(|| alone.lost());
            return Err(lost.map_or_else(no_answer, Trouble::clone));
        }
        let mut report = Report::default();
        let mut refused = Vec::new();
        for (i, metric) in self.metrics.iter().enumerate() {
            match together.points(i, metric).or_else(|| alone.points(i, metric)) {
                Some(points) => {
                    report.facts.push(Fact::History { id: metric.id.clone(), points });
                }
                None => refused.extend(alone.refusal(i).map(|why| (&metric.id.metric, why))),
            }
        }
        let refused = refused.first().map(|(name, why)| Clean::line(format_args!("{name}: {why}")));
        report.partial = together.partial().or_else(|| alone.partial()).or(refused);
        Ok(Reading::Done(report))
    }
}
