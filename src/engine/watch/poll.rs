//! One poll of one source: ask, carry, read, until there are facts or a trouble; a panic inside stays inside.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::config::Upstream;
use crate::engine::carry::{Allowance, Reach, Wire, fault};
use crate::engine::limits::Limits;
use crate::model::{Clean, Fact, Freshness, Linked, Measure, Rate, Report, Status, Trouble};
use crate::source::{Answer, Asking, Exchange, Reading, Request, Source, wire};

/// A source and how it is reached.
pub struct Subject {
    pub source: Arc<dyn Source>,
    pub reach: Reach,
    pub every: Duration,
    pub timeout: Duration,
    /// What it asked to be handed back, in an earlier run.
    pub memory: BTreeMap<Box<str>, Box<str>>,
    /// How it was doing when somebody heard of it last.
    pub known: Option<Freshness>,
    /// The issues that its documents link to, as remembered.
    pub linked: Linked,
}

impl From<Upstream> for Subject {
    fn from(upstream: Upstream) -> Self {
        Self {
            reach: Reach::from(&upstream),
            source: upstream.source,
            every: upstream.every,
            timeout: upstream.timeout,
            memory: upstream.memory,
            known: upstream.known,
            linked: upstream.linked,
        }
    }
}

/// What a source is told of its own past.
#[derive(Debug, Clone, Default)]
pub struct Past {
    pub last_ok: Option<Timestamp>,
    pub round: u64,
    pub memory: Arc<BTreeMap<Box<str>, Box<str>>>,
}

impl Past {
    /// Writes a good poll down.
    pub fn learn(&mut self, at: Timestamp, report: &Report) {
        self.last_ok = Some(at);
        self.round += 1;
        Arc::make_mut(&mut self.memory).extend(report.remember.iter().cloned());
    }
}

/// What a poll gave, and what its answers said beside the facts.
pub struct Polled {
    pub at: Timestamp,
    pub outcome: Result<Report, Trouble>,
    pub took: Duration,
    pub rate: Option<Rate>,
    /// The next poll may not come sooner without using more than our half of an hourly limit.
    pub pace: Option<Duration>,
    /// Server clock minus ours, in whole seconds.
    pub skew: Option<SignedDuration>,
}

/// Polls once, and asks about those of the `linked` issues that are the upstream's. Ends within the source's timeout,
/// counted from the first request that leaves, but for the reading of long answers.
pub async fn poll(
    subject: &Subject,
    past: Past,
    linked: &[Box<str>],
    at: Timestamp,
    wall: &dyn Fn() -> Timestamp,
    way: &dyn Wire,
    limits: &Limits,
) -> Polled {
    // A body that the configuration allows must fit.
    let bytes = limits.poll_bytes.max(subject.reach.endpoint.cap.saturating_mul(2));
    let allowance = Allowance::new(subject.timeout, bytes);
    let mut aside = Aside::default();
    let desk = Desk { subject, source: &subject.source, past: &past, at, wall, way, limits };
    let mut outcome = desk.talk(&allowance, &mut aside).await;
    if let (Ok(told), Some(tracker)) = (&mut outcome, subject.source.tracking(linked)) {
        let tracked = Desk { source: &tracker.into(), ..desk }.talk(&allowance, &mut aside).await;
        told.beside(tracked.unwrap_or_else(|trouble| unknown(&trouble)));
    }
    Polled {
        at,
        outcome: redacted(outcome, way),
        took: allowance.took(),
        rate: aside.rate,
        pace: allowance.pace(),
        skew: aside.skew,
    }
}

/// Polls again and again until the source is through with what it has, as one poll: for those who wait for all of it.
/// No poll begins that might not end by `end`.
#[allow(clippy::too_many_arguments)] // as with `talk`
pub async fn poll_through(
    subject: &Subject,
    mut past: Past,
    at: Timestamp,
    wall: &dyn Fn() -> Timestamp,
    way: &dyn Wire,
    limits: &Limits,
    end: Instant,
) -> Polled {
    let mut whole = poll(subject, past.clone(), &[], at, wall, way, limits).await;
    let mut read = 0;
    while let Ok(told) = &mut whole.outcome
        && let Some(progress) = told.progress
        && progress.read > read
        && Instant::now() + subject.timeout <= end
    {
        read = progress.read;
        past.learn(at, told);
        let next = poll(subject, past.clone(), &[], at, wall, way, limits).await;
        whole.took += next.took;
        match next.outcome {
            Ok(more) => told.go_on(more),
            // What was told stays told; that it is not all of it is said.
            Err(trouble) => {
                told.partial = Some(trouble.message);
                break;
            }
        }
    }
    whole
}

#[derive(Default)]
struct Aside {
    rate: Option<Rate>,
    skew: Option<SignedDuration>,
}

/// Asks only about the linked issues, for those who poll once: which are linked is known when every source has answered.
#[allow(clippy::too_many_arguments)] // as with `poll_through`
pub async fn track(
    subject: &Subject,
    past: Past,
    linked: &[Box<str>],
    at: Timestamp,
    wall: &dyn Fn() -> Timestamp,
    way: &dyn Wire,
    limits: &Limits,
) -> Option<Report> {
    let tracker: Arc<dyn Source> = subject.source.tracking(linked)?.into();
    let allowance = Allowance::new(subject.timeout, limits.poll_bytes);
    let desk = Desk { subject, source: &tracker, past: &past, at, wall, way, limits };
    let told = desk.talk(&allowance, &mut Aside::default()).await;
    let told = told.unwrap_or_else(|trouble| unknown(&trouble));
    redacted(Ok(told), way).ok()
}

/// What was told besides is good without it: unknown is how linked issues fare then.
fn unknown(trouble: &Trouble) -> Report {
    let words = Clean::line(format_args!("linked issues: {trouble}"));
    Report { notes: vec![words], ..Report::default() }
}

/// A poll at work: who is asked, as of when, and by which way.
#[derive(Clone, Copy)]
struct Desk<'a> {
    subject: &'a Subject,
    source: &'a Arc<dyn Source>,
    past: &'a Past,
    at: Timestamp,
    wall: &'a dyn Fn() -> Timestamp,
    way: &'a dyn Wire,
    limits: &'a Limits,
}

impl Desk<'_> {
    async fn talk(&self, allowance: &Allowance, aside: &mut Aside) -> Result<Report, Trouble> {
        let Self { subject, source, past, at, way, limits, .. } = *self;
        let mut requests = guarded(|| Ok(source.ask(&asking(past, at))))?;
        let mut heard: Vec<Exchange> = Vec::new();
        for _ in 0..=limits.rounds {
            let answers =
                join_all(requests.iter().map(|r| way.carry(&subject.reach, r, allowance))).await;
            let mut bytes = 0;
            for (request, answer) in requests.into_iter().zip(answers) {
                if let Ok(answer) = &answer {
                    bytes += size(answer);
                    aside.learn(&request, answer, (self.wall)());
                }
                heard.push(Exchange { request, answer });
            }
            let reading = if bytes > limits.inline_bytes {
                self.read_aside(allowance, &mut heard).await?
            } else {
                guarded(|| source.read(&asking(past, at), &heard))?
            };
            requests = match reading {
                Reading::Done(report) => return Ok(report),
                Reading::More(more) if more.is_empty() => {
                    return Err(fault::internal(format!(
                        "the reader for {} asked for more of nothing",
                        subject.reach.kind
                    )));
                }
                Reading::More(more) => more,
            };
        }
        Err(Trouble::new(
            Status::TooLarge,
            format!("the pages did not end: stopped after {}", limits.rounds + 1),
        ))
    }

    /// Much text is read on a thread of its own, so that other polls and timers go on. What was heard in time is read
    /// even where the slowest answer took all the time there was: half as long again is left for that.
    async fn read_aside(
        &self,
        allowance: &Allowance,
        heard: &mut Vec<Exchange>,
    ) -> Result<Reading, Trouble> {
        let (source, past, taken) = (self.source.clone(), self.past.clone(), std::mem::take(heard));
        let at = self.at;
        let job = tokio::task::spawn_blocking(move || {
            let reading = guarded(|| source.read(&asking(&past, at), &taken));
            (reading, taken)
        });
        let end = allowance.end().max(Instant::now() + allowance.limit() / 2);
        match tokio::time::timeout_at(end, job).await {
            Ok(Ok((reading, back))) => {
                *heard = back;
                reading
            }
            Ok(Err(_)) => Err(fault::internal("reading was broken off")),
            Err(_) => Err(fault::timed_out("the answer could not be read", allowance.limit())),
        }
    }
}

fn asking(past: &Past, at: Timestamp) -> Asking<'_> {
    Asking { now: at, last_ok: past.last_ok, round: past.round, memory: &past.memory }
}

/// Runs a source's code; its panic is its own trouble and nobody else's.
fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(fault::internal(format!("a source failed inside andon: {}", words(&*panic))))
    })
}

/// What a panic said, shortened.
pub fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words");
    text.chars().take(200).collect()
}

fn size(answer: &Answer) -> usize {
    match answer {
        Answer::Http(http) => http.body.len(),
        Answer::File { bytes, .. } => bytes.len(),
        Answer::Dir { files, .. } => files.len() * 128,
        _ => 0,
    }
}

impl Aside {
    fn learn(&mut self, request: &Request, answer: &Answer, now: Timestamp) {
        let (Request::Http(asked), Answer::Http(answer)) = (request, answer) else { return };
        if asked.probe {
            return;
        }
        // The scarcest of several limits is the one worth showing.
        if let Some(rate) = wire::rate(answer, now)
            && self.rate.is_none_or(|known| rate.left <= known.left)
        {
            self.rate = Some(rate);
        }
        // An answer out of a cache carries the clock of another moment.
        let cached = answer.header("age").is_some_and(|age| age.trim() != "0");
        if let Some(date) = answer.header("date").filter(|_| !cached)
            && let Ok(date) = httpdate::parse_http_date(date)
            && let Ok(date) = Timestamp::try_from(date)
        {
            let skew = date.as_second().saturating_sub(now.as_second());
            self.skew = Some(SignedDuration::from_secs(skew));
        }
    }
}

/// An upstream may quote our own secret back at us in an error.
fn redacted(outcome: Result<Report, Trouble>, way: &dyn Wire) -> Result<Report, Trouble> {
    let all = |notes: Vec<Clean>| notes.iter().map(|n| way.redact(n)).collect();
    match outcome {
        Ok(report) => Ok(Report {
            partial: report.partial.as_ref().map(|p| way.redact(p)),
            notes: all(report.notes),
            about: report.about.as_ref().map(|a| way.redact(a)),
            facts: report.facts.into_iter().map(|fact| redacted_fact(fact, way)).collect(),
            ..report
        }),
        Err(trouble) => Err(Trouble {
            message: way.redact(&trouble.message),
            hint: trouble.hint.as_ref().map(|h| way.redact(h)),
            ..trouble
        }),
    }
}

/// Facts that hold an upstream's own words about our request: a refused query is a fact about its number.
fn redacted_fact(fact: Fact, way: &dyn Wire) -> Fact {
    match fact {
        Fact::Sample { id, at, measure, note } => {
            let measure = match measure {
                Measure::Unreadable(words) => Measure::Unreadable(way.redact(&words)),
                told => told,
            };
            Fact::Sample { id, at, measure, note: note.map(|note| way.redact(&note)) }
        }
        Fact::Rule(mut rule) => {
            rule.last_error = way.redact(&rule.last_error);
            Fact::Rule(rule)
        }
        Fact::Probe(mut result) => {
            result.words = way.redact(&result.words);
            Fact::Probe(result)
        }
        fact => fact,
    }
}
