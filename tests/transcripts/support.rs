//! Polls of sources that read numbers: opened with metrics, answered by a closure, looked at by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use andon::model::{
    Measure, Metric, MetricId, Name, Report, Role, Service, Slo, SourceName, Trouble, Unit, Weight,
};
use andon::source::{
    Answer, Asking, Exchange, Http, HttpAnswer, KINDS, Opening, Problem, Reading, Request,
    Services, Source,
};
use jiff::Timestamp;

/// The moment the recordings were made at.
pub fn now() -> Timestamp {
    "2026-11-22T11:44:45Z".parse().unwrap()
}

pub fn metric(source: &str, name: &str, query: &str) -> Metric {
    Metric {
        id: MetricId { service: Some(Name::new("shop")), metric: Name::new(name) },
        source: SourceName::new(source),
        query: query.into(),
        unit: Unit::None,
        role: Role::Business,
        good: None,
        bad: None,
        weight: Weight::default(),
    }
}

/// Opens a source of `kind` named as its kind, with options written as the body of a TOML table.
pub fn open(
    kind: &str,
    options: &str,
    metrics: Vec<Metric>,
) -> Result<Box<dyn Source>, Vec<Problem>> {
    open_with(kind, options, metrics, Vec::new())
}

/// The same, with objectives to answer for.
pub fn open_with(
    kind: &str,
    options: &str,
    metrics: Vec<Metric>,
    slos: Vec<(Name, Slo)>,
) -> Result<Box<dyn Source>, Vec<Problem>> {
    open_for(kind, options, metrics, slos, &[])
}

/// The same, for a team with services.
pub fn open_for(
    kind: &str,
    options: &str,
    metrics: Vec<Metric>,
    slos: Vec<(Name, Slo)>,
    services: &[Service],
) -> Result<Box<dyn Source>, Vec<Problem>> {
    let kind = KINDS.iter().find(|k| k.name == kind).unwrap();
    let text = format!("{{ {options} }}");
    (kind.open)(Opening {
        name: SourceName::new(kind.name),
        url: Some("http://ex.org/base".parse().unwrap()),
        folder: PathBuf::from("/nowhere"),
        every: kind.every,
        zone: jiff::tz::TimeZone::UTC,
        metrics,
        slos,
        services: &Services::of(services),
        finds_second: false,
        alerts_delivered: true,
        options: toml::de::ValueDeserializer::parse(&text).unwrap(),
    })
}

pub type Memory = BTreeMap<Box<str>, Box<str>>;

/// What one poll did.
pub struct Polled {
    pub outcome: Result<Report, Trouble>,
    pub heard: Vec<Exchange>,
}

impl Polled {
    pub fn report(&self) -> &Report {
        self.outcome.as_ref().unwrap_or_else(|t| panic!("{t}"))
    }

    pub fn trouble(&self) -> &Trouble {
        self.outcome.as_ref().map(|_| ()).expect_err("a failed poll")
    }

    /// What was told to have changed, in the order told.
    pub fn changes(&self) -> Vec<&andon::model::Change> {
        let facts = self.report().facts.iter();
        let changes = facts.filter_map(|fact| match fact {
            andon::model::Fact::Change(change) => Some(change),
            _ => None,
        });
        changes.collect()
    }

    /// The newest measure told of a metric.
    pub fn measure(&self, name: &str) -> Option<Measure> {
        self.report().facts.iter().rev().find_map(|fact| match fact {
            andon::model::Fact::Sample { id, measure, .. } if id.metric.as_str() == name => {
                Some(measure.clone())
            }
            _ => None,
        })
    }

    pub fn asked(&self) -> Vec<&Http> {
        self.heard
            .iter()
            .filter_map(|e| match &e.request {
                Request::Http(http) => Some(http),
                _ => None,
            })
            .collect()
    }
}

/// The first poll of a run.
pub fn poll(
    source: &dyn Source,
    answer: impl FnMut(&Http) -> Result<HttpAnswer, Trouble>,
) -> Polled {
    let memory = Memory::new();
    poll_as(source, &Asking { now: now(), last_ok: None, round: 0, memory: &memory }, answer)
}

/// Carries out one poll; ten rounds are more than any source needs.
pub fn poll_as(
    source: &dyn Source,
    asking: &Asking<'_>,
    mut answer: impl FnMut(&Http) -> Result<HttpAnswer, Trouble>,
) -> Polled {
    let mut heard: Vec<Exchange> = Vec::new();
    let mut requests = source.ask(asking);
    for _ in 0..10 {
        for request in requests.drain(..) {
            let answer = match &request {
                Request::Http(http) => answer(http).map(Answer::Http),
                _ => Err(Trouble::bad_data("only HTTP is answered here")),
            };
            heard.push(Exchange { request, answer });
        }
        match source.read(asking, &heard) {
            Ok(Reading::More(more)) => requests = more,
            Ok(Reading::Done(report)) => return Polled { outcome: Ok(report), heard },
            Err(trouble) => return Polled { outcome: Err(trouble), heard },
        }
    }
    panic!("a poll of {source:?} does not end");
}

pub fn answer(http: &Http, status: u16, body: impl AsRef<[u8]>) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: Vec::new(),
        body: body.as_ref().into(),
        url: http.url.clone(),
        redirects: 0,
        took: Duration::from_millis(5),
    }
}

/// One value of a form post.
pub fn form(http: &Http, name: &str) -> String {
    let body = http.body.as_ref().map_or(&b""[..], |(_, bytes)| bytes);
    url::form_urlencoded::parse(body)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
