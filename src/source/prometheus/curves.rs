//! The past of some numbers at the resolution of a screen: range queries, batched, reckoned by the server.

use std::time::Duration;

use url::Url;

use super::super::{Asking, Exchange, Http, Reading, Request, Source, wire};
use super::numbers::{self, Numbers};
use super::{THEN, no_answer, promql};
use crate::model::{Fact, Metric, Report, Slices, Trouble};

/// A metric store, asked for one stretch of time.
#[derive(Debug)]
pub struct Curves {
    base: Url,
    metrics: Vec<Metric>,
    slices: Slices,
}

/// The server's own time limit; what takes longer is answered with words before it is given up.
const LIMIT: Duration = Duration::from_secs(8);

impl Curves {
    pub fn new(base: Url, metrics: Vec<Metric>, slices: Slices) -> Self {
        Self { base, metrics, slices }
    }

    fn range(&self, batch: &[usize], asking: &Asking<'_>) -> Request {
        let url = wire::join(&self.base, "api/v1/query_range");
        let queries = batch.iter().map(|i| (*i, self.metrics.get(*i).map_or("", |m| &*m.query)));
        let query = promql::batch(queries);
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
        Request::Http(Http::get(numbers::tag(THEN, batch), url).form(&form))
    }
}

impl Source for Curves {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let alone = promql::alone(asking.memory);
        let is_alone = |i: &usize| {
            let query = self.metrics.get(*i).map_or("", |m| &*m.query);
            alone.contains(&promql::mark(query))
        };
        let (single, many): (Vec<usize>, Vec<usize>) = (0..self.metrics.len()).partition(is_alone);
        let batches = many.chunks(promql::BATCH).map(<[usize]>::to_vec);
        let batches = batches.chain(single.into_iter().map(|i| vec![i]));
        batches.map(|batch| self.range(&batch, asking)).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let told = Numbers::of(heard, THEN);
        if let Some(batch) = told.to_ask_singly() {
            return Ok(Reading::More(batch.iter().map(|i| self.range(&[*i], asking)).collect()));
        }
        if !told.answered() {
            return Err(told.lost().map_or_else(no_answer, Trouble::clone));
        }
        let mut report = Report { partial: told.partial(), ..Report::default() };
        for (i, metric) in self.metrics.iter().enumerate() {
            if let Some(points) = told.points(i) {
                report.facts.push(Fact::History { id: metric.id.clone(), points });
            }
        }
        report.notes.extend(told.notes());
        Ok(Reading::Done(report))
    }
}
