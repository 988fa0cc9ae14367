//! Grafana: annotations, as marks of what changed.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::history::{REACH, reach};
use super::rows;
use super::tale::Tale;
use super::{
    Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Source,
    no_numbers, wire,
};
use crate::model::{Change, ChangesOf, Clean, Fact, Service, SourceName, Status, Trouble};

mod annotation;
mod plain;

use annotation::Annotation;

pub const KIND: Kind = Kind {
    name: "grafana",
    about: "Grafana: annotations (deploys, flags, whatever is marked there) as changes",
    every: Duration::from_secs(60),
    default_url: None,
    needs_url: true,
    options: &[(
        "tags",
        "only annotations that have all of these tags, such as [\"deploy\"]; all of them when left out",
    )],
    open,
};

/// Annotations of one page; the server gives at most as many as it is asked for (100 where it is not said).
const PAGE: usize = 200;
const PAGES: usize = 5;
/// How far back every poll looks, and how far a first one.
const BACK: SignedDuration = SignedDuration::from_hours(24);
const FIRST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The server's own version is asked for every so many polls.
const SELDOM: u64 = 30;
const HEALTH: &str = "health";
/// Memory: since when its annotations are known.
const KNOWN: &str = "known/changes";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    tags: Vec<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("grafana", opening.metrics);
    if options.tags.iter().any(|tag| tag.trim().is_empty()) {
        problems.push(Problem::Key { key: "tags", message: "a tag is not empty".to_owned() });
    }
    match opening.url {
        Some(base) if problems.is_empty() => Ok(Box::new(Grafana {
            name: opening.name,
            base,
            tags: options.tags,
            services: opening.services.kept(),
        })),
        Some(_) => Err(problems),
        None => {
            let message = "the address of Grafana is missing".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

#[derive(Debug)]
struct Grafana {
    name: SourceName,
    base: Url,
    tags: Vec<String>,
    services: std::sync::Arc<[Service]>,
}

/// Every page heard, and the end of the one to ask for next.
#[derive(Debug, Default)]
struct Pages {
    changes: Vec<Change>,
    next: Option<i64>,
    /// More is there than is read.
    cut: bool,
}

impl Source for Grafana {
    // Nobody has to mark anything in Grafana: its silence tells only of what it told of before.
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        Some((ChangesOf::Named, true))
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let mut requests = vec![self.page(0, asking.now.as_millisecond(), asking)];
        if asking.round.is_multiple_of(SELDOM) {
            requests.push(Request::Http(Http::get(HEALTH, wire::join(&self.base, "api/health"))));
        }
        requests
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut tale = Tale::default();
        let pages = self.pages(asking, heard, &mut tale)?;
        if let Some(to) = pages.next {
            let page = (0..PAGES).find(|n| wire::heard(heard, &tag(*n)).is_none()).unwrap_or(0);
            return Ok(Reading::More(vec![self.page(page, to, asking)]));
        }
        tale.good += 1;
        let oldest = pages.changes.iter().filter_map(|c| c.until.or(c.at)).min();
        let bottom = match oldest {
            Some(oldest) if pages.cut => oldest,
            _ => since(asking),
        };
        if pages.cut {
            tale.notes.push(format!("annotations: truncated at {}", pages.changes.len()));
        }
        let (from, words) = reach(asking, KNOWN, bottom);
        tale.remember(KNOWN, words);
        tale.known("", (!tale.gaps.lost_some()).then_some(from));
        tale.facts.extend(pages.changes.into_iter().map(Fact::Change));
        tell_health(heard, &mut tale);
        tale.report(true)
    }
}

impl Grafana {
    /// Ends are given to the millisecond; of several tags an annotation must have all.
    fn page(&self, page: usize, to: i64, asking: &Asking<'_>) -> Request {
        let mut url = wire::join(&self.base, "api/annotations");
        url.query_pairs_mut()
            .append_pair("from", &since(asking).as_millisecond().to_string())
            .append_pair("to", &to.to_string())
            // What an alert wrote itself is an alert, and told elsewhere.
            .append_pair("type", "annotation")
            .append_pair("limit", &PAGE.to_string())
            .extend_pairs(self.tags.iter().map(|tag| ("tags", tag)));
        Request::Http(Http::get(tag(page), url).header("accept", "application/json"))
    }

    /// The list is ordered by its ends, the newest first, and has no other way to page than to ask for what is older.
    fn pages(
        &self,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<Pages, Trouble> {
        let mut pages = Pages::default();
        let mut seen = BTreeSet::new();
        for page in 0..PAGES {
            let Some(exchange) = wire::heard(heard, &tag(page)) else { break };
            pages.next = None;
            let answer = judge(exchange)?;
            let items = rows::items(&answer.body)?;
            let place = if page == 0 { String::new() } else { format!("page {}", page + 1) };
            let read = tale.gaps.read(&place, &items, |row| {
                annotation::read(row, &self.name, &self.base, &self.services, asking.now)
            });
            let read: Vec<Change> = read.into_iter().filter_map(change).collect();
            let end = |change: &Change| change.until.or(change.at).map(Timestamp::as_millisecond);
            let oldest = read.iter().filter_map(end).min();
            let before = seen.len();
            for change in read {
                if seen.insert(change.key.id.clone()) {
                    pages.changes.push(change);
                }
            }
            let full = items.len() >= PAGE;
            // More in one millisecond than a page holds is skipped: the list must come to an end.
            let goes_on = full && seen.len() > before;
            if goes_on && page + 1 < PAGES {
                pages.next = oldest;
            }
            pages.cut = full;
        }
        Ok(pages)
    }
}

fn tell_health(heard: &[Exchange], tale: &mut Tale) {
    let Some(answer) = wire::heard(heard, HEALTH).and_then(|e| judge(e).ok()) else { return };
    let health: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| health.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    tale.about = text("version").map(|version| Clean::line(format_args!("Grafana {version}")));
    if let Some(database) = text("database").filter(|state| *state != "ok") {
        tale.notes.push(format!("Grafana says of its own database: {database}"));
    }
}

fn change(annotation: Annotation) -> Option<Change> {
    match annotation {
        Annotation::Change(change) => Some(*change),
        Annotation::OfAlert => None,
    }
}

fn tag(page: usize) -> String {
    format!("annotations/{page}")
}

/// A first poll looks back a week; a later one as far as it was silent, and a day at least.
fn since(asking: &Asking<'_>) -> Timestamp {
    let back = |by| asking.now.checked_sub(by).unwrap_or(Timestamp::MIN);
    let known = asking.memory.get(KNOWN).and_then(|words| words.split_once(' '));
    let until = known.and_then(|(_, until)| Timestamp::from_second(until.parse().ok()?).ok());
    until.map_or(back(FIRST), |until| until.min(back(BACK))).max(back(REACH))
}

/// `{message, messageId, statusCode, traceID}`, or a page to log in at.
fn judge(exchange: &Exchange) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| match trouble.status {
        _ if exchange.answer.is_err() => trouble,
        Status::Auth => {
            trouble.hint("a service account token with the role Viewer, as auth = { bearer = … }")
        }
        Status::NotFound => {
            trouble.hint("the address is Grafana's own, with its path: https://HOST/grafana")
        }
        _ => trouble,
    })
}
