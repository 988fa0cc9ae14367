//! Prometheus and compatibles: numbers, history, alerting rules and their health.

mod answer;
mod curves;
mod finding;
mod found;
mod lately;
mod look;
mod nan;
mod numbers;
mod plan;
mod presets;
mod promql;
mod recorded;
mod rules;
mod selector;
mod slo;
mod unfound;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::expects::{self, Expect};
use super::rows::Gaps;
use super::{Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source, form, wire};
use crate::model::{Clean, Fact, Feed, Metric, Report, Slices, SourceName, Status, Trouble};
use curves::Curves;
use lately::{LATELY, with_closer};
use nan::reading;
use numbers::Numbers;
use slo::Promises;

pub use presets::{Known, known};
pub use watched::Sought;

pub const KIND: Kind = Kind {
    name: "prometheus",
    about: "Prometheus and compatibles: numbers, history, alerting rules and their health",
    every: Duration::from_secs(15),
    default_url: None,
    needs_url: true,
    options: &[
        ("rules", "read alerting rules, so that a broken rule is seen (true)"),
        ("presets", "find the numbers that common exporters and frameworks tell (true)"),
        (
            "alerts",
            "take firing and pending alerts from the rules (true where no alertmanager is configured)",
        ),
        expects::OPTION,
    ],
    open,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    rules: bool,
    alerts: Option<bool>,
    presets: bool,
    expects: Vec<Expect>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rules: true, alerts: None, presets: true, expects: Vec::new() }
    }
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let mut problems = Vec::new();
    let options = Options::deserialize(opening.options).unwrap_or_else(|e| {
        problems.push(Problem::Toml(e));
        Options::default()
    });
    for metric in &opening.metrics {
        if metric.query.trim().is_empty() {
            problems.push(Problem::Metric {
                service: metric.id.service.clone(),
                metric: metric.id.metric.clone(),
                message: "the query is empty: write PromQL that answers one number".to_owned(),
            });
        }
    }
    // What fires is told by somebody: where no Alertmanager does, by the rules.
    let alerts = options.alerts.unwrap_or(options.rules && !opening.alerts_delivered);
    problems.extend(expects::problems(&options.expects));
    if !alerts && !options.expects.is_empty() {
        let message =
            "alerts are not taken from here, so none can be missed: write it at the source \
             that tells them, or alerts = true"
                .to_owned();
        problems.push(Problem::Key { key: expects::OPTION.0, message });
    }
    match opening.url {
        Some(base) if problems.is_empty() => Ok(Box::new(Prometheus {
            name: opening.name,
            base,
            every: opening.every,
            metrics: opening.metrics,
            promises: Promises::new(opening.slos),
            watched: if options.presets { opening.services.sought() } else { Arc::default() },
            apart: opening.finds_second,
            rules: options.rules,
            alerts,
            expects: options.expects,
            recalls: false,
        })),
        Some(_) => Err(problems),
        None => {
            let message = "an address is needed, such as http://127.0.0.1:9090".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

#[derive(Debug, Clone)]
struct Prometheus {
    name: SourceName,
    base: Url,
    every: Duration,
    metrics: Vec<Metric>,
    promises: Promises,
    /// For whom numbers are looked for that nobody configured.
    watched: Arc<Sought>,
    /// Another source finds numbers too.
    apart: bool,
    rules: bool,
    alerts: bool,
    expects: Vec<Expect>,
    /// Asked about a moment of the past: numbers of then, and no rules, which are of now only.
    recalls: bool,
}

/// Tags: what an exchange was for.
const NOW: &str = "now:";
const THEN: &str = "then:";
const WEEK: &str = "week:";
const RULES: &str = "rules";
const ABOUT: &str = "about";

/// The name and version of a server seldom change.
const ABOUT_EVERY: u64 = 20;
/// Rules are long and change seldom: alerts taken from them come with every poll, their health with every fourth.
const RULES_EVERY: u64 = 4;
/// Batches that may be refused for being slow before it is the store that is.
const FEW: usize = 2;
/// A server that took longer for one number is not asked for six hours of it.
const QUICK: Duration = Duration::from_secs(2);

impl Source for Prometheus {
    fn expects(&self) -> Vec<crate::model::Expected> {
        expects::all(&self.expects)
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let batches = self.batches((0..self.metrics.len()).collect(), asking);
        let mut requests: Vec<_> =
            batches.iter().map(|batch| self.instant(batch, asking)).collect();
        requests.extend(self.ask_found(asking));
        // A look around may find nothing: whether the server can answer is asked apart.
        if requests.is_empty() || (self.metrics.is_empty() && self.looks(asking)) {
            requests.push(self.instant(&[], asking));
        }
        if self.recalls {
            return requests;
        }
        if self.alerts || (self.rules && asking.round.is_multiple_of(RULES_EVERY)) {
            let mut url = wire::join(&self.base, "api/v1/rules");
            url.query_pairs_mut().append_pair("type", "alert");
            if !self.alerts {
                url.query_pairs_mut().append_pair("exclude_alerts", "true");
            }
            requests.push(Request::Http(Http::get(RULES, url)));
        }
        if asking.round.is_multiple_of(ABOUT_EVERY) {
            let url = wire::join(&self.base, "api/v1/status/buildinfo");
            requests.push(Request::Http(Http::get(ABOUT, url)));
        }
        requests
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut numbers = Numbers::of(heard, NOW);
        // One slow query is found by asking alone; a store that is slow with everything is not asked a thousand times more.
        if numbers.refusals() > FEW && numbers::slowest(heard, NOW) > QUICK {
            numbers.give_up();
        }
        if let Some(batch) = numbers.to_ask_singly() {
            return Ok(Reading::More(batch.iter().map(|i| self.instant(&[*i], asking)).collect()));
        }
        let found = self.hear_found(asking, heard);
        if let Some(more) = self.more_found(asking, heard, &found) {
            return Ok(Reading::More(more));
        }
        if !numbers.answered() && !found.answered() {
            let lost = numbers.lost().or(found.lost());
            return Err(lost.map_or_else(no_answer, Trouble::clone));
        }
        let history = Numbers::of(heard, THEN);
        let is_quick = numbers::slowest(heard, THEN) <= QUICK;
        if let Some(batch) = history.to_ask_singly().filter(|_| is_quick) {
            return Ok(Reading::More(batch.iter().map(|i| self.range(&[*i], asking)).collect()));
        }
        if let Some(batch) = Promises::to_ask_singly(heard) {
            let single = |i: &usize| self.promised(&[*i], asking);
            return Ok(Reading::More(batch.iter().map(single).collect()));
        }
        // The numbers came first: what may take longer is asked for together, after them.
        if !heard.iter().any(|e| is_further(tag_of(e))) {
            let mut requests = self.history(asking, heard, &numbers);
            let due = self.promises.due(asking, self.recalls);
            requests.extend(due.iter().map(|batch| self.promised(batch, asking)));
            requests.extend(self.baselines(asking, heard, &numbers));
            let recorded = recorded::due(asking, self.every.as_secs(), self.recalls);
            requests.extend(self.recorded(recorded, asking));
            requests.extend(self.further_found(asking, heard, &found));
            if !requests.is_empty() {
                return Ok(Reading::More(requests));
            }
        }
        let mut more = self.recorded(recorded::next(asking, heard), asking);
        more.extend(self.lately(asking, heard, &history, &numbers, &found));
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        let mut report = self.report(asking, heard, &numbers, &history);
        self.report_found(asking, heard, &found, &mut report);
        report.remember.push(self.alone(asking, &numbers, &found));
        Ok(Reading::Done(report))
    }

    fn recalling(&self) -> Option<Box<dyn Source>> {
        let then = Self { rules: false, alerts: false, recalls: true, ..self.clone() };
        Some(Box::new(then))
    }

    fn charting(&self, numbers: &[Metric], slices: &Slices) -> Option<Box<dyn Source>> {
        let own = numbers.iter().filter(|m| m.source == self.name && !m.query.trim().is_empty());
        let own: Vec<Metric> = own.cloned().collect();
        (!own.is_empty()).then(|| Box::new(Curves::new(self.base.clone(), own, *slices)) as _)
    }
}

/// The longest answer about numbers of now.
fn slowest(heard: &[Exchange]) -> Duration {
    numbers::slowest(heard, NOW).max(numbers::slowest(heard, finding::FOUND))
}

/// Whether a question is one of those asked after the numbers.
fn is_further(tag: &str) -> bool {
    [THEN, WEEK, slo::TAG, recorded::TAG, finding::SINCE, finding::WAS]
        .iter()
        .any(|sort| tag.starts_with(sort))
}

fn no_answer() -> Trouble {
    Trouble::new(Status::InternalError, "no number was asked for")
}

impl Prometheus {
    fn query(&self, i: usize) -> &str {
        self.metrics.get(i).map_or("", |m| &*m.query)
    }

    fn is_alone(&self, i: usize, asking: &Asking<'_>) -> bool {
        promql::alone(asking.memory).contains(&promql::mark(self.query(i)))
    }

    fn queries<'a>(&'a self, batch: &'a [usize]) -> impl Iterator<Item = (usize, &'a str)> {
        batch.iter().map(|i| (*i, self.query(*i)))
    }

    /// The server's own time limit, so that a slow query is answered with words before the poll ends without.
    fn limit(&self, share: f64) -> String {
        format!("{}ms", self.every.mul_f64(share).clamp(LEAST, MOST).as_millis())
    }

    /// The store's own now is asked for, unless the past is: clocks differ, and its newest sample must not be missed.
    fn instant(&self, batch: &[usize], asking: &Asking<'_>) -> Request {
        let query = promql::batch(self.queries(batch));
        let then = self.recalls.then_some(asking.now);
        self.question(numbers::tag(NOW, batch), &query, then, 0.4)
    }

    fn question(&self, tag: String, query: &str, at: Option<Timestamp>, share: f64) -> Request {
        let with = self.with(at, share);
        let with = with.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<(&str, &str)> = std::iter::once(("query", query)).chain(with).collect();
        self.asked(tag, form(&pairs))
    }

    /// What is said beside a question.
    fn with(&self, at: Option<Timestamp>, share: f64) -> Vec<(&'static str, String)> {
        let time = at.map(|at| ("time", at.as_second().to_string()));
        std::iter::once(("timeout", self.limit(share))).chain(time).collect()
    }

    fn asked(&self, tag: String, form: Arc<[u8]>) -> Request {
        let url = wire::join(&self.base, "api/v1/query");
        Request::Http(Http::get(tag, url).formed(form))
    }

    /// Windows of objectives.
    fn promised(&self, batch: &[usize], asking: &Asking<'_>) -> Request {
        let queries: Vec<(usize, String)> =
            batch.iter().filter_map(|i| Some((*i, self.promises.query(*i)?))).collect();
        let query = promql::batch(queries.iter().map(|(i, query)| (*i, query.as_str())));
        let then = self.recalls.then_some(asking.now);
        self.question(numbers::tag(slo::TAG, batch), &query, then, 0.2)
    }

    /// Objectives that somebody records already.
    fn recorded(&self, questions: Vec<recorded::Question>, asking: &Asking<'_>) -> Vec<Request> {
        let then = self.recalls.then_some(asking.now);
        let ask =
            |(tag, query): recorded::Question| self.question(tag.to_owned(), query, then, 0.2);
        questions.into_iter().map(ask).collect()
    }

    /// The same numbers a week before. Thousands are spread over the polls of their interval.
    fn baselines(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        numbers: &Numbers,
    ) -> Vec<Request> {
        let Ok(then) = asking.now.checked_sub(A_WEEK) else { return Vec::new() };
        if slowest(heard) > QUICK {
            return Vec::new();
        }
        let turns = (BASELINE_EVERY.as_secs() / self.every.as_secs().max(1)).max(1);
        let batches = self.told_now(asking, numbers);
        let all = asking.round == 0 && batches.len() <= AT_ONCE;
        let mut requests = Vec::new();
        for (turn, batch) in batches.iter().enumerate() {
            if all || self.recalls || asking.round % turns == turn as u64 % turns {
                let query = promql::batch(self.queries(batch));
                requests.push(self.question(numbers::tag(WEEK, batch), &query, Some(then), 0.2));
            }
        }
        requests
    }

    fn in_batches(&self, metrics: Vec<usize>) -> impl Iterator<Item = Vec<usize>> {
        let long = metrics.into_iter().map(|i| (i, self.query(i).len()));
        promql::batches(promql::BATCH, long).into_iter()
    }

    /// Queries as they are asked together; those that cannot be, alone.
    fn batches(&self, metrics: Vec<usize>, asking: &Asking<'_>) -> Vec<Vec<usize>> {
        let alone = promql::alone(asking.memory);
        let (single, many): (Vec<usize>, Vec<usize>) =
            metrics.into_iter().partition(|i| alone.contains(&promql::mark(self.query(*i))));
        let many = self.in_batches(many);
        many.chain(single.into_iter().map(|i| vec![i])).collect()
    }

    fn history(&self, asking: &Asking<'_>, heard: &[Exchange], numbers: &Numbers) -> Vec<Request> {
        if !self.wants_history(asking, heard) {
            return Vec::new();
        }
        self.told_now(asking, numbers).iter().map(|batch| self.range(batch, asking)).collect()
    }

    /// Queries that answer one number now: only of them there is more to ask.
    fn told_now(&self, asking: &Asking<'_>, numbers: &Numbers) -> Vec<Vec<usize>> {
        self.in_company(asking, numbers, numbers.with_one_series().collect())
    }

    /// Some of them in batches; those that may not be asked together, alone.
    fn in_company(
        &self,
        asking: &Asking<'_>,
        numbers: &Numbers,
        some: Vec<usize>,
    ) -> Vec<Vec<usize>> {
        let alone = numbers.alone();
        let (alone, many): (Vec<usize>, Vec<usize>) =
            some.into_iter().partition(|i| alone.contains(i) || self.is_alone(*i, asking));
        let many = self.in_batches(many);
        many.chain(alone.into_iter().map(|i| vec![i])).collect()
    }

    fn range(&self, batch: &[usize], asking: &Asking<'_>) -> Request {
        let query = promql::batch(self.queries(batch));
        self.stretch(numbers::tag(THEN, batch), &query, asking)
    }

    fn stretch(&self, tag: String, query: &str, asking: &Asking<'_>) -> Request {
        let until = asking.now.as_second() / STEP * STEP;
        let longest = until - BACK;
        let from = asking.last_ok.map_or(longest, |at| (at.as_second() / STEP * STEP).max(longest));
        self.range_of(tag, query, (from, until), STEP)
    }

    /// A query at every step from one second to another.
    fn range_of(&self, tag: String, query: &str, (from, until): (i64, i64), step: i64) -> Request {
        let url = wire::join(&self.base, "api/v1/query_range");
        let [from, until, step] = [from, until, step].map(|seconds| seconds.to_string());
        let form = [
            ("query", query),
            ("start", &from),
            ("end", &until),
            ("step", &step),
            ("timeout", &self.limit(0.2)),
        ];
        Request::Http(Http::get(tag, url).form(&form))
    }

    /// At first, and after silence: six hours back or to where the last answer was.
    fn wants_history(&self, asking: &Asking<'_>, heard: &[Exchange]) -> bool {
        let every = SignedDuration::try_from(self.every).unwrap_or(SignedDuration::MAX);
        let gap = asking.last_ok.map(|then| asking.now.duration_since(then));
        let missed = gap.is_none_or(|gap| gap > every * 2 && gap > SignedDuration::from_mins(2));
        missed && slowest(heard) <= QUICK
    }

    fn report(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        numbers: &Numbers,
        history: &Numbers,
    ) -> Report {
        let lately = Numbers::of(heard, LATELY);
        let mut report = Report::default();
        let mut gaps = Gaps::default();
        let mut partial: Vec<Clean> = Vec::new();
        let old = SignedDuration::try_from(self.every * 2).unwrap_or(SignedDuration::MAX);
        for (i, metric) in self.metrics.iter().enumerate() {
            if let Some(fact) = numbers.sample(i, metric, asking.now, old) {
                report.facts.push(fact);
            }
            if let Some(points) = history.points(i, metric) {
                let closer = lately.points(i, metric).unwrap_or_default();
                let points = with_closer(points, closer);
                report.facts.push(Fact::History { id: metric.id.clone(), points });
            }
        }
        let weeks = Numbers::of(heard, WEEK);
        let baselines = self.metrics.iter().enumerate().filter_map(|(i, metric)| {
            let measure = weeks.measure(i, |value| reading(value, metric.role, &metric.query))?;
            Some(Fact::Baseline { id: metric.id.clone(), at: asking.now, measure })
        });
        report.facts.extend(baselines);
        let (objectives, words) = self.promises.tell(asking, heard, self.recalls);
        report.facts.extend(objectives);
        report.remember.extend(words);
        if let Some(words) = Promises::trouble(heard) {
            report.notes.push(Clean::line(format_args!("objectives: {words}")));
        }
        partial.extend(numbers.partial());
        report.notes.extend(numbers.notes());
        if let Some(words) = history.partial().or_else(|| lately.partial()) {
            report.notes.push(Clean::line(format_args!("history: {words}")));
        }
        if let Some(exchange) = heard.iter().find(|e| tag_of(e) == RULES) {
            self.read_rules(exchange, asking.now, &mut report, &mut gaps, &mut partial);
        }
        self.read_recorded(asking, heard, &mut report);
        partial.extend(gaps.words().map(Clean::line));
        report.partial = (!partial.is_empty()).then(|| join(&partial));
        report.about = heard
            .iter()
            .find(|e| tag_of(e) == ABOUT)
            .and_then(answer::about)
            .or_else(|| asking.memory.get(ABOUT).map(Clean::line));
        if let Some(about) = &report.about {
            report.remember.push((ABOUT.into(), about.as_str().into()));
        }
        report
    }

    /// After the rules, which tell of objectives too.
    fn read_recorded(&self, asking: &Asking<'_>, heard: &[Exchange], report: &mut Report) {
        let rules = report.complete.contains(&Feed::Rules).then(|| {
            let rules = report.facts.iter().filter_map(|fact| match fact {
                Fact::Rule(rule) => Some(rule),
                _ => None,
            });
            rules.collect::<Vec<_>>()
        });
        let told = recorded::tell(&self.name, asking, heard, rules.as_deref());
        report.facts.extend(told.facts);
        report.notes.extend(told.truncated);
        report.remember.extend(told.remember);
        report.complete.extend((told.whole && !self.recalls).then_some(Feed::Objectives));
    }

    fn read_rules(
        &self,
        exchange: &Exchange,
        now: Timestamp,
        report: &mut Report,
        gaps: &mut Gaps,
        partial: &mut Vec<Clean>,
    ) {
        match rules::read(exchange, &self.name, self.alerts, gaps) {
            Ok(told) => {
                let whole = !gaps.lost_some() && told.truncated.is_none();
                let mut alerts = told.alerts;
                let expected = expects::take(&self.expects, &mut alerts, now);
                if whole && self.alerts {
                    report.notes.extend(expects::notes(&expected));
                    report.expected = Some(expected);
                }
                report.facts.extend(told.facts);
                report.facts.extend(alerts.into_iter().map(Fact::Alert));
                report.notes.extend(told.truncated);
                if whole {
                    report.complete.push(Feed::Rules);
                    report.complete.extend(self.alerts.then_some(Feed::Alerts));
                }
            }
            // Stores without a ruler know no such path; that is no failure.
            Err(t) if t.status == Status::NotFound || answer::is_unsupported(exchange) => {
                report.notes.push(Clean::from("this server tells no alerting rules"));
            }
            Err(t) => partial.push(Clean::line(format_args!("rules: {t}"))),
        }
    }
}

const LEAST: Duration = Duration::from_secs(2);
const MOST: Duration = Duration::from_secs(6);
/// How often the same hour of last week is asked for, and for how many requests' worth of numbers at the first poll.
const BASELINE_EVERY: Duration = Duration::from_secs(300);
const AT_ONCE: usize = 4;
const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Seconds between points of the history, and how far back it reaches.
const STEP: i64 = 60;
const BACK: i64 = 6 * 3600;

fn join(parts: &[Clean]) -> Clean {
    let parts: Vec<&str> = parts.iter().map(Clean::as_str).collect();
    Clean::line(parts.join("; "))
}

fn tag_of(exchange: &Exchange) -> &str {
    match &exchange.request {
        Request::Http(http) => &http.tag,
        _ => "",
    }
}
