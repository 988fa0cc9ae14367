//! GitHub: deployments with their history, releases and workflow runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::rows::Gaps;
use super::{Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source, wire};
use crate::model::{Clean, Fact, Feed, SourceName, Status, Trouble};

pub mod answer;
pub mod graphql;
pub mod outcome;
pub mod repo;
pub mod rest;
mod tale;

use graphql::Verdict;
use repo::Repo;
use tale::Tale;

pub const KIND: Kind = Kind {
    name: "github",
    about: "GitHub: deployments with their history, releases and workflow runs",
    every: Duration::from_secs(60),
    default_url: Some("https://api.github.com"),
    needs_url: true,
    options: &[
        ("repos", "the repositories to follow, each as \"owner/name\""),
        ("environments", "only deployments to these environments; all of them when left out"),
    ],
    open,
};

/// Repositories asked in one poll: with more, polls take turns.
const A_TURN: usize = 30;
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
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems: Vec<Problem> = opening
        .metrics
        .into_iter()
        .map(|metric| Problem::Metric {
            service: metric.id.service,
            metric: metric.id.metric,
            message: "a github source has no numbers to give".to_owned(),
        })
        .collect();
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
    Ok(Box::new(GitHub { name: opening.name, base, repos, environments: options.environments }))
}

/// Where people look at what the API tells: `github.com` for `api.github.com`, the host itself on Enterprise.
fn site(base: &Url) -> Option<Url> {
    let mut site = base.clone();
    let host = base.host_str()?;
    let public =
        host.strip_prefix("api.").filter(|h| *h == "github.com" || h.ends_with(".ghe.com"));
    site.set_host(Some(public.unwrap_or(host))).ok()?;
    site.set_path("/");
    site.set_query(None);
    Some(site)
}

#[derive(Debug)]
struct GitHub {
    name: SourceName,
    base: Url,
    repos: Vec<Repo>,
    environments: Vec<String>,
}

/// Memory: until when, in epoch seconds, and why GraphQL is left alone.
const NO_GRAPHQL: &str = "graphql";
/// Memory: the same for REST, whose hourly budget is another one than GraphQL's.
const NO_REST: &str = "rest";

impl Source for GitHub {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let turn = self.turn(asking);
        if rests(asking, NO_GRAPHQL).is_some() {
            return self.lists(&turn, &turn, &[]);
        }
        match turn.chunks(A_QUERY).next() {
            Some(batch) => vec![self.question(batch)],
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
                let Some(exchange) = find(heard, &question_tag(batch)) else {
                    return Ok(Reading::More(vec![self.question(batch)]));
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
        let missing = self.lists(run_turn, &by_rest, heard);
        if !missing.is_empty() {
            return Ok(Reading::More(missing));
        }
        // Cheap questions first: nothing is read whole before everything has been heard.
        let mut more = Vec::new();
        for &i in run_turn {
            more.extend(self.next_runs(i, asking, heard));
        }
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
            match self.tell_runs(i, asking, heard, &mut tale) {
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
        self.tell_endings(heard, &mut tale);
        let turns = self.repos.len().div_ceil(A_TURN);
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
    /// The repositories of this poll, as places in the configured list.
    fn turn(&self, asking: &Asking<'_>) -> Vec<usize> {
        let turns = self.repos.len().div_ceil(A_TURN).max(1);
        let turn = usize::try_from(asking.round % turns as u64).unwrap_or(0);
        (turn * A_TURN..((turn + 1) * A_TURN).min(self.repos.len())).collect()
    }

    fn repo(&self, i: usize) -> Option<&Repo> {
        self.repos.get(i)
    }

    fn get(&self, tag: String, path: &str, query: &[(&str, &str)]) -> Request {
        let mut url = wire::join(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.at(tag, url)
    }

    fn at(&self, tag: String, url: Url) -> Request {
        Request::Http(self.headers(Http::get(tag, url)).conditional())
    }

    /// The plain type stands behind the vendor's own: some descriptions and proxies know only that.
    fn headers(&self, http: Http) -> Http {
        http.header("accept", "application/vnd.github+json, application/json;q=0.9")
            .header("x-github-api-version", rest::version(self.base.host_str().unwrap_or_default()))
    }

    fn question(&self, batch: &[usize]) -> Request {
        let repos: Vec<&Repo> = batch.iter().filter_map(|&i| self.repo(i)).collect();
        let body = graphql::body(&repos, &self.environments);
        let http = Http::get(question_tag(batch), self.graphql_address()).json(body);
        Request::Http(self.headers(http))
    }

    /// `…/graphql`; on Enterprise Server `/api/graphql` stands beside `/api/v3`, not below it.
    fn graphql_address(&self) -> Url {
        let path = self.base.path().trim_end_matches('/');
        match path.strip_suffix("/api/v3") {
            Some(before) => {
                let mut url = self.base.clone();
                url.set_path(&format!("{before}/api/graphql"));
                url
            }
            None => wire::join(&self.base, "graphql"),
        }
    }

    /// The first pages that have not been heard yet.
    fn lists(&self, turn: &[usize], by_rest: &[usize], heard: &[Exchange]) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut want = |tag: String, path: String, query: &[(&str, &str)]| {
            if find(heard, &tag).is_none() {
                requests.push(self.get(tag, &path, query));
            }
        };
        for &i in by_rest {
            let Some(repo) = self.repo(i) else { continue };
            let mut query = vec![("per_page", "30")];
            if let [only] = self.environments.as_slice() {
                query.push(("environment", only));
            }
            want(format!("deployments/{i}"), repo.path("deployments"), &query);
            want(format!("releases/{i}"), repo.path("releases"), &[("per_page", "30")]);
        }
        for &i in turn {
            let Some(repo) = self.repo(i) else { continue };
            want(runs_tag(i, 1), repo.path("actions/runs"), &[("per_page", "50")]);
        }
        requests
    }

    /// The next page of runs while the pages heard do not reach back to the last good poll.
    fn next_runs(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Option<Request> {
        let repo = self.repo(i)?;
        let since = asking.last_ok.unwrap_or(asking.now - SignedDuration::from_hours(24));
        let page = (1..=RUN_PAGES).rev().find(|page| find(heard, &runs_tag(i, *page)).is_some())?;
        if page == RUN_PAGES {
            return None;
        }
        let answer = answer::judge(find(heard, &runs_tag(i, page))?, asking.now).ok()?;
        let next = wire::next_page(answer)?.ok()?;
        let read = rest::runs(answer, repo, &self.name, &mut Gaps::default()).ok()?;
        (wire::same_origin(&next, &self.base) && read.oldest.is_some_and(|oldest| oldest > since))
            .then(|| self.at(runs_tag(i, page + 1), next))
    }

    /// The deployments of a repository whose statuses this poll reads: the newest that are not settled.
    fn unsettled(
        &self,
        i: usize,
        each: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        gaps: &mut Gaps,
    ) -> Result<Unsettled, Trouble> {
        let (Some(repo), Some(exchange)) = (self.repo(i), find(heard, &format!("deployments/{i}")))
        else {
            return Ok(Unsettled::default());
        };
        let answer = answer::judge(exchange, asking.now)?;
        let listed = rest::deployments(answer, repo, &self.name, &self.environments, gaps)?;
        // In the first poll of a run nothing is on the board yet, whatever memory says.
        let memory = match asking.round {
            0 => "",
            _ => asking.memory.get(&*settled_key(repo)).map_or("", |m| m),
        };
        let (settled, mut open): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|d| rest::is_settled(memory, d));
        let later = open.len().saturating_sub(each);
        open.truncate(each);
        Ok(Unsettled { settled, open, later })
    }

    fn missing_statuses(
        &self,
        i: usize,
        each: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Vec<Request> {
        let Some(repo) = self.repo(i) else { return Vec::new() };
        let open = self
            .unsettled(i, each, asking, heard, &mut Gaps::default())
            .map_or_else(|_| Vec::new(), |u| u.open);
        let mut requests = Vec::new();
        for listed in open {
            let tag = format!("statuses/{i}/{}", listed.id);
            if find(heard, &tag).is_none() {
                let path = repo.path(&format!("deployments/{}/statuses", listed.id));
                requests.push(self.get(tag, &path, &[("per_page", "100")]));
            }
        }
        requests
    }

    fn tell_graphql(&self, batch: &[usize], answer: &graphql::Told<'_>, tale: &mut Tale) {
        for (place, &i) in batch.iter().enumerate() {
            let Some(repo) = self.repo(i) else { continue };
            match answer.repository(place, repo, &self.name, &mut tale.gaps) {
                Ok(Some(found)) => {
                    tale.good += 1;
                    tale.whole(Feed::Deploys, found.all_deploys);
                    tale.whole(Feed::Releases, found.all_releases);
                    tale.facts.extend(found.deploys.into_iter().map(Fact::Deploy));
                    tale.facts.extend(found.releases.into_iter().map(Fact::Release));
                }
                Ok(None) => {}
                Err(trouble) => tale.missed(format!("{}: {trouble}", repo.shown), trouble),
            }
        }
        for error in &answer.errors {
            let place = error.alias.strip_prefix('r').and_then(|n| n.parse::<usize>().ok());
            let repo = place.and_then(|p| batch.get(p)).and_then(|&i| self.repo(i));
            let status = match error.kind.as_str() {
                "NOT_FOUND" => Status::NotFound,
                "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Status::Auth,
                _ => Status::BadData,
            };
            let trouble = Trouble::new(status, &error.message)
                .hint("the repository is not there, or the token may not read its deployments");
            let about = repo.map_or("GraphQL", |r| r.shown.as_str());
            tale.missed(format!("{about}: {}", trouble.message), trouble);
        }
        // A repository that is null without a word would otherwise vanish without a trace.
        let silent = batch.iter().enumerate().filter(|(place, _)| {
            let alias = format!("r{place}");
            !answer.has(*place)
                && !answer.errors.iter().any(|e| e.alias == alias || e.alias.is_empty())
        });
        for (_, &i) in silent {
            let Some(repo) = self.repo(i) else { continue };
            let trouble =
                Trouble::new(Status::NotFound, format_args!("{} is not there", repo.shown));
            tale.missed(trouble.message.to_string(), trouble);
        }
        tale.notes.extend(answer.budget().map(|words| words.to_string()));
    }

    fn tell_rest(
        &self,
        i: usize,
        each: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(repo) = self.repo(i) else { return Ok(()) };
        tale.whole(Feed::Deploys, false);
        tale.whole(Feed::Releases, false);
        match self.unsettled(i, each, asking, heard, &mut tale.gaps) {
            Ok(found) => {
                tale.good += 1;
                self.tell_deployments(i, repo, found, asking, heard, tale)?;
            }
            Err(trouble) => tale.miss(format_args!("{} deployments", repo.shown), trouble)?,
        }
        let releases = find(heard, &format!("releases/{i}")).map_or_else(
            || Ok(Vec::new()),
            |e| {
                let answer = answer::judge(e, asking.now)?;
                rest::releases(answer, repo, &self.name, &mut tale.gaps)
            },
        );
        match releases {
            Ok(releases) => {
                tale.good += 1;
                tale.facts.extend(releases.into_iter().map(Fact::Release));
            }
            Err(trouble) => tale.miss(format_args!("{} releases", repo.shown), trouble)?,
        }
        Ok(())
    }

    fn tell_deployments(
        &self,
        i: usize,
        repo: &Repo,
        found: Unsettled,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let mut settled: Vec<(String, Timestamp)> = Vec::new();
        for listed in found.settled {
            settled.extend(listed.updated.map(|at| (listed.id.clone(), at)));
            tale.still.push((Feed::Deploys, listed.deploy.key.id));
        }
        for listed in found.open {
            let Some(exchange) = find(heard, &format!("statuses/{i}/{}", listed.id)) else {
                continue;
            };
            let deploy = answer::judge(exchange, asking.now)
                .and_then(|a| rest::with_statuses(&listed, a, asking.now, &mut tale.gaps));
            match deploy {
                Ok(deploy) => {
                    if deploy.finished.is_some() {
                        settled.extend(listed.updated.map(|at| (listed.id.clone(), at)));
                    }
                    tale.facts.push(Fact::Deploy(deploy));
                }
                Err(trouble) => {
                    tale.miss(format_args!("{} deployment {}", repo.shown, listed.id), trouble)?;
                }
            }
        }
        if found.later > 0 {
            tale.notes.push(format!(
                "{}: {} older deployments are read in later polls",
                repo.shown, found.later
            ));
        }
        tale.remember(&settled_key(repo), rest::remembered(&settled));
        Ok(())
    }

    fn tell_runs(
        &self,
        i: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(repo) = self.repo(i) else { return Ok(()) };
        let (mut count, mut total) = (0, None);
        let since = asking.last_ok.unwrap_or(asking.now - SignedDuration::from_hours(24));
        let mut seen = std::collections::BTreeSet::new();
        for page in 1..=RUN_PAGES {
            let Some(exchange) = find(heard, &runs_tag(i, page)) else { break };
            let read = answer::judge(exchange, asking.now).and_then(|answer| {
                let next = wire::next_page(answer);
                Ok((rest::runs(answer, repo, &self.name, &mut tale.gaps)?, next))
            });
            let (runs, next) = match read {
                Ok(read) => read,
                // More than 1,000 results are never given: the list ends here.
                Err(trouble) if page > 1 && trouble.status == Status::BadData => {
                    tale.notes.push(format!("{} runs: truncated at {count}", repo.shown));
                    break;
                }
                Err(trouble) => {
                    tale.whole(Feed::Runs, false);
                    tale.miss(format_args!("{} runs", repo.shown), trouble)?;
                    return Ok(());
                }
            };
            tale.good += 1;
            total = runs.total;
            let reaches = runs.oldest.is_none_or(|oldest| oldest <= since);
            for run in runs.runs {
                // Rows move to the next page when new ones come in between.
                if seen.insert(run.key.id.clone()) {
                    count += 1;
                    tale.facts.push(Fact::Run(run));
                }
            }
            match next {
                Some(Err(trouble)) => {
                    tale.notes
                        .push(format!("{} runs: truncated at {count}: {trouble}", repo.shown));
                }
                Some(Ok(_)) if page == RUN_PAGES && !reaches => {
                    tale.notes.push(format!("{} runs: truncated at {count}", repo.shown));
                }
                _ => {}
            }
        }
        tale.whole(Feed::Runs, rest::is_whole(total, count));
        Ok(())
    }

    fn tell_endings(&self, heard: &[Exchange], tale: &mut Tale) {
        for exchange in heard {
            let Ok(super::Answer::Http(answer)) = &exchange.answer else { continue };
            if let Some(version) = answer.header("x-github-enterprise-version") {
                tale.about = Some(Clean::line(format_args!(
                    "GitHub Enterprise Server {}",
                    version.trim_start_matches("enterprise-server@")
                )));
            }
            if let (Some(words), true) = (answer::ending(answer), tale.ending.is_none()) {
                tale.ending = Some(words);
            }
        }
    }
}

/// Deployments of one repository by REST, parted by what memory knows of them.
#[derive(Debug, Default)]
struct Unsettled {
    settled: Vec<rest::Listed>,
    open: Vec<rest::Listed>,
    /// How many more there are, left to later polls.
    later: usize,
}

/// Why a way of asking is left alone for now, if it is.
fn rests<'a>(asking: &Asking<'a>, way: &str) -> Option<&'a str> {
    let (until, words) = asking.memory.get(way)?.split_once(' ')?;
    (asking.now.as_second() < until.parse().ok()?).then_some(words)
}

fn question_tag(batch: &[usize]) -> String {
    format!("graphql/{}", batch.first().unwrap_or(&0))
}

fn runs_tag(i: usize, page: usize) -> String {
    format!("runs/{i}/{page}")
}

fn settled_key(repo: &Repo) -> String {
    format!("settled/{}", repo.shown)
}

fn without_graphql(words: &str) -> String {
    format!("no GraphQL ({words}): deployments are read by REST, one request each")
}

fn find<'a>(heard: &'a [Exchange], tag: &str) -> Option<&'a Exchange> {
    heard.iter().find(|e| matches!(&e.request, Request::Http(http) if &*http.tag == tag))
}
