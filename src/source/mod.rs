//! What an upstream means: one file per kind; requests out, exchanges in, facts out. No source does I/O.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use url::Url;

use crate::model::{
    ChangesOf, Clean, Id, Metric, Name, Report, Slices, Slo, SourceName, Trouble, Weight,
};

/// What an upstream means. Pure: it says what to ask, and reads what was heard.
pub trait Source: Debug + Send + Sync {
    /// The first requests of a poll.
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request>;

    /// Reads every exchange of this poll so far: facts, or what to ask next.
    ///
    /// A partial failure is the source's to judge: a failed request among several may still give a report.
    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble>;

    /// The folder whose files it reads, for whoever writes one there.
    fn folder(&self) -> Option<&std::path::Path> {
        None
    }

    /// The same source, asked only for what the upstream can still tell of the moment `Asking::now` lies at, in the past.
    ///
    /// `None` for upstreams without history.
    fn recalling(&self) -> Option<Box<dyn Source>> {
        None
    }

    /// The same source, asked only how those of the `wanted` issues fare that are its upstream's: names as
    /// `model::ticket::called` gives them. `None` where none of them is.
    fn tracking(&self, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
        let _ = wanted;
        None
    }

    /// The same source, asked only for what was written down about one incident of its own. `None` where nobody writes.
    fn log_of(&self, incident: &Id) -> Option<Box<dyn Source>> {
        let _ = incident;
        None
    }

    /// Whether issues that documents link to may be its to tell of.
    fn tracks(&self) -> bool {
        false
    }

    /// The same source, asked only for the past of these numbers of its own: `Fact::History` with a point at the end of each
    /// slice, in as few requests as its protocol allows, reckoned by the upstream. Nothing after `Asking::now` is asked for.
    ///
    /// `None` for upstreams without history, and where none of the numbers is its own.
    fn charting(&self, numbers: &[Metric], slices: &Slices) -> Option<Box<dyn Source>> {
        let _ = (numbers, slices);
        None
    }

    /// Alerts that have to arrive from it: known before it answers, so that one that never does is missed.
    fn expects(&self) -> Vec<crate::model::Expected> {
        Vec::new()
    }

    /// Numbers this source tells of its own accord, with the units and bounds of its own options.
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// Whose changes it tells, and whether deploys are among them. `None` where it tells of none.
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        None
    }

    /// Whether it tells when deploys should wait: while such a source is silent, nobody can say that they need not.
    fn tells_freezes(&self) -> bool {
        false
    }
}

/// What a source may know when it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The moment the poll began; facts of this poll carry it.
    pub now: Timestamp,
    /// Moment of the last good poll of this source in this run.
    pub last_ok: Option<Timestamp>,
    /// 0 for the first poll of this run, counting good polls.
    pub round: u64,
    /// What earlier reports asked to be remembered; what they told is on the board, of an earlier run too.
    pub memory: &'a BTreeMap<Box<str>, Box<str>>,
}

pub enum Reading {
    /// The poll is done.
    Done(Report),
    /// More to ask (a next page, details); the engine bounds the pages of a poll.
    More(Vec<Request>),
}

/// Something the engine carries out. Cloned into the exchange it belongs to.
#[derive(Debug, Clone)]
pub enum Request {
    Http(Http),
    /// Files below a folder, links not followed.
    ReadDir {
        folder: PathBuf,
        deepest: usize,
        most: usize,
    },
    /// A regular file, at most `cap` bytes of it.
    ReadFile {
        file: PathBuf,
        cap: usize,
    },
    /// What git knows of the files below a folder, newest commit first; told like a file, and empty where the folder
    /// is in no work tree. `markdown::history` knows its form.
    GitLog {
        folder: PathBuf,
        /// Commits at most.
        most: usize,
    },
    Tcp {
        host: Box<str>,
        port: u16,
    },
    /// The certificates of a TLS endpoint, read even when they do not verify.
    Tls {
        host: Box<str>,
        port: u16,
    },
    Dns {
        host: Box<str>,
    },
}

/// An HTTP request, without credentials: the engine adds them, for the source's own origin only.
#[derive(Debug, Clone)]
pub struct Http {
    /// Tells the exchanges of one poll apart when reading; chosen by the source.
    pub tag: Box<str>,
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    /// Content type and bytes, which requests of several sources may share.
    pub body: Option<(&'static str, Arc<[u8]>)>,
    /// Decompressed bytes accepted, if less than the engine's own cap.
    pub cap: Option<usize>,
    /// Send `If-None-Match` / `If-Modified-Since`; an unchanged answer is handed over whole again.
    pub conditional: bool,
    /// Which of the upstream's limits counts this request, where it has several; empty: the one for everything.
    pub budget: &'static str,
    /// A probe: no credentials, redirects to other origins may be followed, any status is an answer.
    pub probe: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
}

impl Http {
    pub fn get(tag: impl Into<Box<str>>, url: Url) -> Self {
        Self {
            tag: tag.into(),
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: None,
            cap: None,
            conditional: false,
            budget: "",
            probe: false,
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Counted apart from other requests: when this budget is spent, the others go on.
    #[must_use]
    pub fn budget(mut self, budget: &'static str) -> Self {
        self.budget = budget;
        self
    }

    /// A form post.
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        self.formed(form(pairs))
    }

    /// A form post whose text is written already.
    #[must_use]
    pub fn formed(mut self, form: Arc<[u8]>) -> Self {
        self.method = Method::Post;
        self.body = Some(("application/x-www-form-urlencoded", form));
        self
    }

    #[must_use]
    pub fn json(mut self, body: Vec<u8>) -> Self {
        self.method = Method::Post;
        self.body = Some(("application/json", body.into()));
        self
    }
}

/// The text of a form post.
pub fn form(pairs: &[(&str, &str)]) -> Arc<[u8]> {
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    text.into_bytes().into()
}

/// A request and what came of it. A `Trouble` here is a transport fault: there was no answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Request,
    pub answer: Result<Answer, Trouble>,
}

#[derive(Debug, Clone)]
pub enum Answer {
    Http(HttpAnswer),
    Dir {
        files: Vec<FileEntry>,
        more: bool,
    },
    File {
        bytes: Arc<[u8]>,
        cut: bool,
    },
    Connected {
        took: Duration,
    },
    Certificates {
        earliest_end: Option<Timestamp>,
        leaf_end: Option<Timestamp>,
        trusted: Result<(), Clean>,
        took: Duration,
    },
    Addresses {
        addresses: Vec<std::net::IpAddr>,
        took: Duration,
    },
}

/// Any HTTP answer, whatever its status: `wire::judge` turns failures into words.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Decompressed; complete or there is no answer.
    pub body: Arc<[u8]>,
    /// Where the answer came from, after redirects.
    pub url: Url,
    pub redirects: u8,
    pub took: Duration,
}

impl HttpAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub path: PathBuf,
    /// Path below the folder asked for, lossy, for showing.
    pub below: Box<str>,
    pub bytes: u64,
    /// Nanoseconds since the epoch; with the size it names a version of the file.
    pub modified: i128,
}

/// What is needed to open a source: the configuration's words, already split by who asks.
pub struct Opening<'a> {
    pub name: SourceName,
    /// The base address, without credentials, for kinds that have one.
    pub url: Option<Url>,
    /// Where a path in the configuration is relative to.
    pub folder: PathBuf,
    pub every: Duration,
    /// The zone of the team.
    pub zone: TimeZone,
    /// The numbers services want from this source.
    pub metrics: Vec<Metric>,
    /// The objectives of services that this source answers for.
    pub slos: Vec<(Name, Slo)>,
    /// The services of the team, for kinds that find numbers nobody configured.
    pub services: &'a Services<'a>,
    /// Another source before this one finds numbers as well: those of the same names must not meet.
    pub finds_second: bool,
    /// Whether an Alertmanager of the same configuration tells of alerts.
    pub alerts_delivered: bool,
    /// What remains of the `[[source]]` table for this kind to read.
    pub options: toml::de::ValueDeserializer<'a>,
}

/// Why a source could not be opened: every problem at once.
#[derive(Debug)]
pub enum Problem {
    /// Located by its span in the configuration.
    Toml(toml::de::Error),
    /// About one key of this source's table.
    Key { key: &'static str, message: String },
    /// About one metric of a service.
    Metric { service: Option<Name>, metric: Name, message: String },
}

/// What to say of metrics that services want from a kind that tells records only.
pub fn no_numbers(kind: &str, wanted: Vec<Metric>) -> Vec<Problem> {
    let refuse = |metric: Metric| Problem::Metric {
        service: metric.id.service,
        metric: metric.id.metric,
        message: format!("a {kind} source has no numbers to give"),
    };
    wanted.into_iter().map(refuse).collect()
}

/// A source, or every problem with its options.
pub type Opened = Result<Box<dyn Source>, Vec<Problem>>;

/// A kind of source: its word in the configuration, its sentence in the help, how it is opened.
pub struct Kind {
    pub name: &'static str,
    /// One line, for the help and the README.
    pub about: &'static str,
    pub every: Duration,
    /// Where it answers when the configuration names no `url`; `None` where there is no usual place.
    pub default_url: Option<&'static str>,
    pub needs_url: bool,
    /// The keys of its own, with a sentence each, for help and nearest-word hints.
    pub options: &'static [(&'static str, &'static str)],
    pub open: fn(Opening<'_>) -> Opened,
}

/// What a probe asks; made from `[[service.probe]]` by the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    pub service: Name,
    pub means: ProbeMeans,
    pub weight: Weight,
    /// The part of the target that may be shown.
    pub shown: Clean,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ProbeMeans {
    Http { url: Url, expect_status: Option<u16>, contains: Option<Box<str>> },
    Tcp { host: Box<str>, port: u16 },
    Tls { host: Box<str>, port: u16, warn_days: u32 },
    Dns { host: Box<str> },
}

pub mod alertmanager;
pub mod argocd;
mod brought;
mod expects;
pub mod github;
pub mod gitlab;
pub mod grafana;
mod history;
pub mod ical;
pub mod incident_io;
pub mod jira;
pub mod json;
pub mod markdown;
pub mod pagerduty;
pub mod probe;
pub mod prometheus;
mod promotion;
pub mod rows;
mod services;
mod tale;
mod tracked;
mod versions;
pub mod when;
pub mod wire;

pub use services::Services;

/// Every kind, in the order help shows them.
pub const KINDS: &[&Kind] = &[
    &prometheus::KIND,
    &alertmanager::KIND,
    &github::KIND,
    &gitlab::KIND,
    &argocd::KIND,
    &jira::KIND,
    &pagerduty::KIND,
    &ical::KIND,
    &markdown::KIND,
    &incident_io::KIND,
    &grafana::KIND,
    &json::KIND,
];
