//! Polls a source without a network: requests are answered by a function, memory is kept between polls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use andon::model::{Report, SourceName, Trouble};
use andon::source::{
    Answer, Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Services,
    Source,
};
use jiff::{Timestamp, tz::TimeZone};
use toml::de::ValueDeserializer;

/// Rounds the engine grants a poll.
const ROUNDS: usize = 10;

/// A source and what it may know between polls.
#[derive(Debug)]
pub struct World {
    pub source: Box<dyn Source>,
    pub now: Timestamp,
    pub round: u64,
    pub last_ok: Option<Timestamp>,
    pub memory: BTreeMap<Box<str>, Box<str>>,
    /// Requests of the last poll, in order.
    pub asked: Vec<Http>,
    /// How many requests each round of the last poll had.
    pub rounds: Vec<usize>,
}

/// Opens a source of `kind` at `url` with the options of an inline table, e.g. `{ repos = ["a/b"] }`.
pub fn open(kind: &Kind, url: &str, options: &str) -> Result<Box<dyn Source>, Vec<Problem>> {
    (kind.open)(Opening {
        name: SourceName::new(kind.name),
        url: Some(url.parse().unwrap()),
        folder: PathBuf::from("/"),
        every: kind.every,
        zone: TimeZone::UTC,
        metrics: Vec::new(),
        slos: Vec::new(),
        services: &Services::default(),
        finds_second: false,
        alerts_delivered: true,
        options: ValueDeserializer::parse(options).unwrap(),
    })
}

impl World {
    pub fn new(kind: &Kind, url: &str, options: &str, now: &str) -> Self {
        Self {
            source: open(kind, url, options).unwrap_or_else(|p| panic!("{p:?}")),
            now: now.parse().unwrap(),
            round: 0,
            last_ok: None,
            memory: BTreeMap::new(),
            asked: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// One poll; `None` from `answer` is a request nobody expected.
    pub fn poll(
        &mut self,
        mut answer: impl FnMut(&Http) -> Option<HttpAnswer>,
    ) -> Result<Report, Trouble> {
        self.asked.clear();
        self.rounds.clear();
        let memory = self.memory.clone();
        let asking =
            Asking { now: self.now, last_ok: self.last_ok, round: self.round, memory: &memory };
        let mut heard = Vec::new();
        let mut wanted = self.source.ask(&asking);
        for _ in 0..ROUNDS {
            self.rounds.push(wanted.len());
            for request in wanted {
                let Request::Http(http) = &request else { panic!("not HTTP: {request:?}") };
                let http = http.clone();
                let found = answer(&http)
                    .unwrap_or_else(|| panic!("nobody expected {:?} {}", http.method, http.url));
                self.asked.push(http);
                heard.push(Exchange { request, answer: Ok(Answer::Http(found)) });
            }
            match self.source.read(&asking, &heard)? {
                Reading::More(more) => {
                    assert!(!more.is_empty(), "asking for nothing more never ends");
                    wanted = more;
                }
                Reading::Done(report) => {
                    self.round += 1;
                    self.last_ok = Some(self.now);
                    self.memory.extend(report.remember.iter().cloned());
                    return Ok(report);
                }
            }
        }
        panic!("a poll of more than {ROUNDS} rounds")
    }
}

pub fn ok(http: &Http, body: impl Into<Vec<u8>>) -> HttpAnswer {
    answered(http, 200, &[("content-type", "application/json")], body)
}

pub fn answered(
    http: &Http,
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        body: body.into().into(),
        url: http.url.clone(),
        redirects: 0,
        took: Duration::from_millis(1),
    }
}

/// Path and query of a request, for matching.
pub fn target(http: &Http) -> String {
    match http.url.query() {
        Some(query) => format!("{}?{query}", http.url.path()),
        None => http.url.path().to_owned(),
    }
}

pub fn header<'a>(http: &'a Http, name: &str) -> Option<&'a str> {
    http.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}
