//! GitHub: deployments with their history, releases, workflow runs, approvals, milestones, and commits not deployed yet.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use super::{Asking, Exchange, Kind, Opening, Problem, Reading, Request, Source, no_numbers, wire};
use crate::model::{ChangesOf, Clean, SourceName, Status, Trouble};

pub mod answer;
mod ask;
mod behind;
mod brought;
pub mod graphql;
mod linked;
pub mod outcome;
mod papers;
mod past;
pub mod repo;
pub mod rest;
mod tell;

use super::tale::Tale;
use ask::question_tag;
use graphql::Verdict;
use repo::Repo;

pub const KIND: Kind = Kind {
    name: "github",
    about: "GitHub: deployments with their history, releases, workflow runs, approvals, milestones, commits not deployed yet",
    every: Duration::from_secs(60),
    default_url: Some("https://api.github.com"),
    needs_url: true,
    options: &[
        ("repos", "the repositories to follow, each as \"owner/name\""),
        (
            "environments",
            "only deployments to these, in promotion order; all of them when left out",
        ),
        ("post_mortems", "the label of issues that are post-mortems; none are read when left out"),
    ],
    open,
};

/// Repositories asked in one poll: with more, polls take turns.
///
/// Three queries follow one another in it, and all must end before the deadline of a poll.
const A_TURN: usize = 18;
/// Repositories asked by one GraphQL query: far below its node limit and its ten seconds.
const A_QUERY: usize = 6;
/// Pages of runs read of one repository in one poll, 50 runs each.
const RUN_PAGES: usize = 3;
/// Requests for statuses in one poll, where REST needs one for each deployment.
const STATUSES: usize = 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    repos: Vec<Repo>,
    #[serde(default)]
    environments: Vec<String>,
    post_mortems: Option<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("github", opening.metrics);
    let key = |key, message: &str| Problem::Key { key, message: message.to_owned() };
    if options.repos.is_empty() {
        problems.push(key("repos", "name at least one repository, such as [\"acme/checkout\"]"));
    }
    let Some(base) = opening.url else {
        problems.push(key("url", "the address of the API is missing"));
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let site = site(&base);
    let mut repos: Vec<Repo> = Vec::new();
    for repo in options.repos {
        if !repos.iter().any(|known| known.is(&repo)) {
            repos.push(repo.at(site.as_ref()));
        }
    }
    let papers = options.post_mortems.filter(|label| !label.trim().is_empty());
    Ok(Box::new(GitHub {
        name: opening.name,
        base,
        repos,
        environments: options.environments,
        papers,
    }))
}

/// Where people look at what the API tells: `github.com` for `api.github.com`, the host itself on Enterprise.
fn site(base: &Url) -> Option<Url> {
    let mut site = base.clone();
    let host = base.host_str()?;
    let public =
        host.strip_prefix("api.").filter(|h| *h == "github.com" || h.ends_with(".ghe.com"));
    site.set_host(Some(public.unwrap_or(host))).ok()?;
    // What stands before the path of the interface stands before its pages as well.
    let before = base.path().trim_end_matches('/').trim_end_matches("/api/v3");
    site.set_path(&format!("{before}/"));
    site.set_query(None);
    Some(site)
}

#[derive(Debug, Clone)]
struct GitHub {
    name: SourceName,
    base: Url,
    repos: Vec<Repo>,
    environments: Vec<String>,
    /// The label of issues that are post-mortems.
    papers: Option<String>,
}

/// Memory: until when, in epoch seconds, and why GraphQL is left alone.
const NO_GRAPHQL: &str = "graphql";
/// Memory: the same for REST, whose hourly budget is another one than GraphQL's.
const NO_REST: &str = "rest";

impl Source for GitHub {
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        let repos = self.repos.iter().map(|repo| repo.shown.clone());
        Some((ChangesOf::Repos(repos.collect()), true))
    }

    fn tracks(&self) -> bool {
        true
    }

    fn tracking(&self, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
        linked::tracking(self, wanted)
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let turn = self.turn(asking);
        if rests(asking, NO_GRAPHQL).is_some() {
            return self.lists(&turn, &turn, &[]);
        }
        match turn.chunks(A_QUERY).next() {
            Some(batch) => vec![self.question(batch, asking)],
            None => Vec::new(),
        }
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let turn = self.turn(asking);
        let mut tale = Tale::default();
        // One query at a time: GitHub asks for serial requests.
        let mut by_rest: Vec<usize> = Vec::new();
        let mut told = Vec::new();
        if let Some(words) = rests(asking, NO_GRAPHQL) {
            by_rest.clone_from(&turn);
            tale.notes.push(without_graphql(words));
        } else {
            for batch in turn.chunks(A_QUERY) {
                if !by_rest.is_empty() {
                    by_rest.extend(batch);
                    continue;
                }
                let Some(exchange) = wire::heard(heard, &question_tag(batch)) else {
                    return Ok(Reading::More(vec![self.question(batch, asking)]));
                };
                match graphql::verdict(exchange, asking.now) {
                    Verdict::Told(answer) => told.push((batch, answer)),
                    Verdict::Unavailable { words, rest } => {
                        by_rest.extend(batch);
                        let until = asking.now.as_second() + rest.as_secs();
                        let words = Clean::line(&words);
                        tale.remember(NO_GRAPHQL, format!("{until} {words}"));
                        tale.notes.push(without_graphql(words.as_str()));
                    }
                    Verdict::Failed(trouble) => {
                        let first = told.is_empty();
                        tale.miss("deployments", trouble)?;
                        if first {
                            return Err(tale.worst());
                        }
                        break;
                    }
                }
            }
        }
        let no_runs = rests(asking, NO_REST).filter(|_| by_rest.is_empty());
        let run_turn = if no_runs.is_some() { &[][..] } else { &turn };
        let mut missing = self.lists(run_turn, &by_rest, heard);
        missing.extend(self.papers(run_turn, heard));
        if !missing.is_empty() {
            return Ok(Reading::More(missing));
        }
        // Cheap questions first: nothing is read whole before everything has been heard.
        let mut more = Vec::new();
        for &i in run_turn {
            more.extend(self.next_runs(i, asking, heard));
            more.extend(self.pending(i, asking, heard));
        }
        let lookouts = if no_runs.is_some() { Vec::new() } else { self.lookouts(&told, asking) };
        more.extend(self.comparisons(&lookouts, asking, heard));
        let uncounted = self.uncounted(run_turn, &told, asking);
        more.extend(self.counts(&uncounted, heard));
        let pasts = self.pasts(&told, &by_rest, asking, heard);
        more.extend(self.past_pages(&pasts, &told, asking, heard));
        let each = (STATUSES / by_rest.len().max(1)).max(2);
        for &i in &by_rest {
            more.extend(self.missing_statuses(i, each, asking, heard));
        }
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        for (batch, answer) in &told {
            self.tell_graphql(batch, answer, &mut tale);
        }
        for &i in &by_rest {
            self.tell_rest(i, each, asking, heard, &mut tale)?;
        }
        if let Some(words) = no_runs {
            tale.missed(format!("runs: {words}"), Trouble::new(Status::RateLimited, words));
        }
        for &i in run_turn {
            let runs = self.tell_runs(i, asking, heard, &mut tale);
            let runs = runs.and_then(|()| self.tell_papers(i, asking, heard, &mut tale));
            match runs.and_then(|()| self.tell_pending(i, asking, heard, &mut tale)) {
                Ok(()) => {}
                // What GraphQL told is good; only its own budget counts there.
                Err(limited)
                    if !told.is_empty() && limited.message.as_str() != answer::SECONDARY =>
                {
                    let wait = limited.retry_after.unwrap_or(SignedDuration::from_mins(1));
                    let until = asking.now.as_second() + wait.as_secs();
                    tale.remember(NO_REST, format!("{until} {limited}"));
                    tale.missed(format!("runs: {limited}"), limited);
                    break;
                }
                Err(limited) => return Err(limited),
            }
        }
        self.tell_comparisons(&lookouts, asking, heard, &mut tale)?;
        self.tell_known(&turn, &pasts, asking, heard, &mut tale);
        self.tell_pasts(pasts, asking, heard, &mut tale)?;
        self.tell_counts(uncounted, asking, heard, &mut tale);
        tell::tell_headers(heard, &mut tale);
        let turns = self.turns();
        if turns > 1 {
            tale.notes.push(format!(
                "{} of {} repositories in a poll: each is asked every {turns} polls",
                turn.len(),
                self.repos.len()
            ));
        }
        tale.report(turns == 1)
    }
}

impl GitHub {
    /// Polls until every repository has been asked.
    fn turns(&self) -> u64 {
        self.repos.len().div_ceil(A_TURN).max(1) as u64
    }

    /// The repositories of this poll, as places in the configured list.
    fn turn(&self, asking: &Asking<'_>) -> Vec<usize> {
        let turn = usize::try_from(asking.round % self.turns()).unwrap_or(0);
        (turn * A_TURN..((turn + 1) * A_TURN).min(self.repos.len())).collect()
    }

    fn repo(&self, i: usize) -> Option<&Repo> {
        self.repos.get(i)
    }
}

/// Why a way of asking is left alone for now, if it is.
fn rests<'a>(asking: &Asking<'a>, way: &str) -> Option<&'a str> {
    let (until, words) = asking.memory.get(way)?.split_once(' ')?;
    (asking.now.as_second() < until.parse().ok()?).then_some(words)
}

fn without_graphql(words: &str) -> String {
    format!("no GraphQL ({words}): deployments are read by REST, one request each")
}
