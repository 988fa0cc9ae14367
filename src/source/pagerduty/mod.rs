//! `PagerDuty`: incidents, who is on call, change events.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::history::{History, Stretch};
use super::rows::Gaps;
use super::{
    Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source, no_numbers, wire,
};
use crate::model::{ChangesOf, Id, SourceName, Status, Trouble};

pub mod incident;
mod log;
pub mod memory;
pub mod oncall;
pub mod part;
mod poll;

use memory::Memory;
use part::{Page, Part};
use poll::Poll;

pub const KIND: Kind = Kind {
    name: "pagerduty",
    about: "PagerDuty: incidents, who is on call, change events",
    every: Duration::from_secs(30),
    default_url: Some("https://api.pagerduty.com"),
    needs_url: true,
    options: &[
        ("services", "only incidents of these services, by their ids (\"PABC123\")"),
        ("teams", "only incidents of these teams, by their ids; needs a plan with teams"),
    ],
    open,
};

/// How far back resolved incidents are read: that they ended is a fact then, not an absence.
const RESOLVED: SignedDuration = SignedDuration::from_hours(72);
/// How far back changes are read.
const CHANGES: SignedDuration = SignedDuration::from_hours(24);
/// How far ahead turns on call are read, so that the next one is known before it begins.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Lists that hardly change are read again after this many polls: an hour at the usual pace.
const SELDOM: u64 = 120;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    teams: Vec<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("pagerduty", opening.metrics);
    for (key, ids) in [("services", &options.services), ("teams", &options.teams)] {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        problems.extend(ids.iter().filter(|id| !is_id(id)).map(|id| Problem::Key {
            key,
            message: format!(
                "`{id}` is no id such as `PABC123`: it is the last part of its address"
            ),
        }));
    }
    match opening.url {
        Some(base) if problems.is_empty() => Ok(Box::new(PagerDuty {
            name: opening.name,
            base,
            services: options.services,
            teams: options.teams,
        })),
        Some(_) => Err(problems),
        None => {
            problems
                .push(Problem::Key { key: "url", message: "the address is missing".to_owned() });
            Err(problems)
        }
    }
}

#[derive(Debug, Clone)]
struct PagerDuty {
    name: SourceName,
    base: Url,
    services: Vec<String>,
    teams: Vec<String>,
}

impl Source for PagerDuty {
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        Some((ChangesOf::Named, true))
    }

    fn log_of(&self, incident: &Id) -> Option<Box<dyn Source>> {
        log::of(self, incident)
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let wanted = wanted(asking);
        wanted.into_iter().map(|part| self.page(part, 0, asking)).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut more: Vec<Request> = Vec::new();
        let mut lists = BTreeMap::new();
        for part in wanted(asking) {
            let pages = pages_of(part, asking, heard);
            if let Some(offset) = pages.next {
                more.push(self.page(part, offset, asking));
            }
            lists.insert(part, pages);
        }
        // Nothing is worth asking while the main list cannot be had.
        if let Some(trouble) = lists.get(&Part::Open).and_then(|open| open.trouble.clone()) {
            return Err(trouble);
        }
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        let mut poll = Poll { source: self, asking, heard, lists, gaps: Gaps::default() };
        poll.read()
    }
}

/// The lists of this poll, without those that rest.
fn wanted(asking: &Asking<'_>) -> Vec<Part> {
    let memory = Memory::new(asking);
    Part::LISTS
        .into_iter()
        .filter(|part| memory.rests(*part).is_none())
        .filter(|part| *part != Part::Past || past(asking).is_some())
        .filter(|part| {
            !part.is_seldom() || asking.round.is_multiple_of(SELDOM) || !memory.has(*part)
        })
        .collect()
}

/// The stretch of history that belongs to this poll.
fn past(asking: &Asking<'_>) -> Option<Stretch> {
    History::of(asking, RESOLVED).next()
}

/// Every page of one list that has been heard, and where the next one begins.
#[derive(Debug, Default)]
struct Pages<'a> {
    heard: Vec<Page<'a>>,
    next: Option<usize>,
    trouble: Option<Trouble>,
    /// The list goes on, but is not followed further.
    cut: bool,
}

impl Pages<'_> {
    fn is_whole(&self) -> bool {
        self.trouble.is_none() && !self.cut && !self.heard.is_empty()
    }
}

fn pages_of<'a>(part: Part, asking: &Asking<'_>, heard: &'a [Exchange]) -> Pages<'a> {
    let mut all = Pages::default();
    let mut offset = 0;
    for number in 1.. {
        let Some(exchange) = find(heard, &part.tag(offset)) else {
            all.next = Some(offset);
            return all;
        };
        match judge(exchange, asking.now).and_then(|answer| part.read(&answer.body)) {
            Ok(page) => {
                let next = page.next(offset);
                all.heard.push(page);
                match next {
                    None => return all,
                    Some(next) if number < part.most_pages() && next < part::LAST_OFFSET => {
                        offset = next;
                    }
                    Some(_) => {
                        all.cut = true;
                        return all;
                    }
                }
            }
            // The end of what may be paged is no failure of the pages before.
            Err(trouble) if number > 1 && trouble.status == Status::BadData => {
                all.cut = true;
                return all;
            }
            Err(trouble) => {
                all.trouble = Some(trouble);
                return all;
            }
        }
    }
    all
}

impl PagerDuty {
    fn page(&self, part: Part, offset: usize, asking: &Asking<'_>) -> Request {
        let limit = part::LIMIT.to_string();
        let mut query: Vec<(&str, String)> = vec![("limit", limit), ("offset", offset.to_string())];
        let mut add = |key, value: &str| query.push((key, value.to_owned()));
        match part {
            Part::Open => {
                add("statuses[]", "triggered");
                add("statuses[]", "acknowledged");
                // Without this only the last month is listed: an old open incident is open all the same.
                add("date_range", "all");
            }
            Part::Resolved => {
                add("statuses[]", "resolved");
                add("since", &utc(asking.now - RESOLVED));
                add("until", &utc(asking.now));
            }
            Part::Past => {
                add("statuses[]", "resolved");
                if let Some(stretch) = past(asking) {
                    add("since", &utc(stretch.from));
                    add("until", &utc(stretch.until));
                }
            }
            Part::OnCalls => {
                add("earliest", "true");
                add("include[]", "users");
                add("since", &utc(asking.now));
                add("until", &utc(asking.now + AHEAD));
                add("time_zone", "UTC");
            }
            Part::Changes => {
                add("since", &utc(asking.now - CHANGES));
                add("until", &utc(asking.now));
            }
            Part::Priorities | Part::Services | Part::Logs => {}
        }
        if matches!(part, Part::Open | Part::Resolved | Part::Past) {
            add("sort_by", "created_at:desc");
            add("time_zone", "UTC");
            self.services.iter().for_each(|id| add("service_ids[]", id));
            self.teams.iter().for_each(|id| add("team_ids[]", id));
        }
        self.get(part.tag(offset), part.path(), &query)
    }

    fn get(&self, tag: String, path: &str, query: &[(&str, String)]) -> Request {
        let mut url = wire::join(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Request::Http(
            Http::get(tag, url)
                .header(
                    "accept",
                    "application/vnd.pagerduty+json;version=2, application/json;q=0.9",
                )
                // Wanted on every request, also where there is no content.
                .header("content-type", "application/json")
                // Lower limits of their own (developer.pagerduty.com, "REST API rate limits").
                .budget(match path.rsplit('/').next() {
                    Some("oncalls") => "oncalls",
                    Some("log_entries") => "log entries",
                    _ => "",
                }),
        )
    }
}

/// Whole seconds in UTC: other zones are refused by change events and read in the account's by the rest.
fn utc(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}

fn judge(exchange: &Exchange, now: Timestamp) -> Result<&super::HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| match (&exchange.answer, trouble.status) {
        (Ok(super::Answer::Http(answer)), Status::RateLimited) => {
            let wait = wire::retry_after(answer, now).or(trouble.retry_after);
            trouble.wait(wait)
        }
        (Ok(super::Answer::Http(answer)), _) if answer.status == 401 => trouble.hint(
            "a read-only REST key is enough; accounts in the EU answer at https://api.eu.pagerduty.com",
        ),
        _ => trouble,
    })
}

fn find<'a>(heard: &'a [Exchange], tag: &str) -> Option<&'a Exchange> {
    heard.iter().find(|e| matches!(&e.request, Request::Http(http) if &*http.tag == tag))
}
