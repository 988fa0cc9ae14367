//! Jira: versions of projects as plans, with the day they were promised for even after they were released.

mod linked;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use serde::Deserialize;
use url::Url;

use super::rows::{self, Row};
use super::tale::Tale;
use super::{
    Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Source,
    no_numbers, when, wire,
};
use crate::model::{Clean, Fact, Feed, Key, Link, Milestone, SourceName, Status, Trouble};

pub const KIND: Kind = Kind {
    name: "jira",
    about: "Jira (Cloud and Data Center): versions of projects, as planned and released days",
    every: Duration::from_secs(300),
    default_url: None,
    needs_url: true,
    options: &[("projects", "the keys of the projects whose versions are releases: [\"SHOP\"]")],
    open,
};

/// Released versions are told this far back; some projects have thousands.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 400);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    projects: Vec<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("jira", opening.metrics);
    if options.projects.is_empty() {
        let message = "name at least one project by its key, such as [\"SHOP\"]".to_owned();
        problems.push(Problem::Key { key: "projects", message });
    }
    for key in options.projects.iter().filter(|key| !is_key(key)) {
        let better = key.to_ascii_uppercase();
        let message = if is_key(&better) {
            format!("`{key}` is no key of a project: write `{better}`")
        } else {
            format!(
                "`{key}` is no key of a project, such as `SHOP`: it stands before the number of an issue"
            )
        };
        problems.push(Problem::Key { key: "projects", message });
    }
    match opening.url {
        Some(base) if problems.is_empty() => {
            let mut projects = options.projects;
            projects.sort();
            projects.dedup();
            Ok(Box::new(Jira { name: opening.name, base, projects }))
        }
        Some(_) => Err(problems),
        None => {
            let message = "the address of Jira is missing".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

/// Letters, digits and underscores, in capitals, beginning with a letter (Atlassian, "changing the project key format").
fn is_key(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[derive(Debug, Clone)]
struct Jira {
    name: SourceName,
    base: Url,
    projects: Vec<String>,
}

/// Memory: the day each version was promised for, as last told before it was released.
const PROMISED: &str = "promised";
type Promised = BTreeMap<String, Date>;

impl Source for Jira {
    fn tracks(&self) -> bool {
        true
    }

    fn tracking(&self, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
        linked::tracking(self, wanted)
    }

    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        let versions = |(i, key): (usize, &String)| {
            // Version 2 of the interface is spoken by Cloud and Data Center alike.
            let url = wire::join(&self.base, &format!("rest/api/2/project/{key}/versions"));
            Request::Http(
                Http::get(format!("versions/{i}"), url)
                    .header("accept", "application/json")
                    .conditional(),
            )
        };
        self.projects.iter().enumerate().map(versions).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut tale = Tale::default();
        let words = asking.memory.get(PROMISED);
        let before: Promised = words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
        let mut promised = before.clone();
        let today = TimeZone::UTC.to_datetime(asking.now).date();
        let horizon = TimeZone::UTC.to_datetime(asking.now - BACK).date();
        for (i, project) in self.projects.iter().enumerate() {
            let Some(exchange) = wire::heard(heard, &format!("versions/{i}")) else { continue };
            let versions = judge(exchange).and_then(|answer| {
                let items = rows::items(&answer.body)?;
                Ok(tale.gaps.read(&format!("/{project}/versions"), &items, |row| {
                    self.version(row, project, &before)
                }))
            });
            match versions {
                Ok(versions) => {
                    tale.good += 1;
                    for (archived, milestone) in versions {
                        if let (false, Some(due)) = (milestone.done, milestone.due) {
                            promised.insert(milestone.key.id.raw().to_owned(), due);
                        }
                        let day = milestone.done_on.or(milestone.due);
                        // An archived version that is not out will not be; an old one is history.
                        let is_past = milestone.done && day.is_none_or(|day| day < horizon);
                        if !is_past && (milestone.done || !archived) {
                            tale.facts.push(Fact::Milestone(milestone));
                        }
                    }
                    tale.whole(Feed::Milestones, true);
                }
                Err(trouble) => {
                    tale.whole(Feed::Milestones, false);
                    tale.miss(format_args!("versions of {project}"), trouble)?;
                }
            }
        }
        promised.retain(|_, due| *due >= horizon || *due > today);
        tale.remember(PROMISED, serde_json::to_string(&promised).unwrap_or_default());
        tale.report(true)
    }
}

impl Jira {
    /// A version and whether it is archived. Its release date is a plan until it is released, and then the day it was.
    fn version(
        &self,
        row: &Row<'_>,
        project: &str,
        promised: &Promised,
    ) -> Option<(bool, Milestone)> {
        let id = row.id("/id")?;
        let date = |path: &str| {
            let text = row.raw(path);
            let day = when::date(text);
            if day.is_none() && !text.is_empty() {
                row.odd(path, "no date");
            }
            day
        };
        let key = Key::new(&self.name, format!("project/{project}/version/{id}"));
        let (done, day) = (row.flag("/released"), date("/releaseDate"));
        let was_promised = promised.get(key.id.raw()).copied();
        let mut page = wire::join(&self.base, "projects");
        if let Ok(mut segments) = page.path_segments_mut() {
            segments.extend([project, "versions", &id]);
        }
        Some((
            row.flag("/archived"),
            Milestone {
                key,
                repo: Clean::line(project),
                title: row.text("/name"),
                about: row.headline("/description"),
                start: date("/startDate"),
                due: if done { was_promised } else { day },
                done,
                done_at: None,
                done_on: day.filter(|_| done),
                items: None,
                url: Link::parse(page.as_str()),
            },
        ))
    }
}

/// `{errorMessages, errors}`; a project that may not be seen is not found.
fn judge(exchange: &Exchange) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| match trouble.status {
        // What went wrong before anything was asked knows better what to do about it.
        _ if exchange.answer.is_err() => trouble,
        Status::NotFound => {
            trouble.hint("the project is not there, or the credential may not browse it")
        }
        Status::Auth => trouble.hint(
            "Cloud wants basic auth with e-mail and API token, Data Center a bearer token; too many failures want a captcha in the browser",
        ),
        _ => trouble,
    })
}
