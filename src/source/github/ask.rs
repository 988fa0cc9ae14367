//! What GitHub is asked: one question by GraphQL, lists by REST, and the pages and statuses that follow from them.

use jiff::SignedDuration;
use url::Url;

use super::repo::Repo;
use super::{GitHub, RUN_PAGES, answer, graphql, past, rest};
use crate::model::Trouble;
use crate::source::rows::Gaps;
use crate::source::{Asking, Exchange, Http, Request, wire};

impl GitHub {
    pub fn get(&self, tag: String, path: &str, query: &[(&str, &str)]) -> Request {
        let mut url = wire::join(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.at(tag, url)
    }

    fn at(&self, tag: String, url: Url) -> Request {
        Request::Http(self.headers(Http::get(tag, url)).conditional().budget("core"))
    }

    /// The plain type stands behind the vendor's own: some descriptions and proxies know only that.
    fn headers(&self, http: Http) -> Http {
        http.header("accept", "application/vnd.github+json, application/json;q=0.9")
            .header("x-github-api-version", rest::version(self.base.host_str().unwrap_or_default()))
    }

    pub fn question(&self, batch: &[usize], asking: &Asking<'_>) -> Request {
        let repos: Vec<&Repo> = batch.iter().filter_map(|&i| self.repo(i)).collect();
        let body = graphql::body(&repos, &self.environments, self.depth(asking));
        self.post(question_tag(batch), body)
    }

    pub fn post(&self, tag: String, body: Vec<u8>) -> Request {
        let http = Http::get(tag, self.graphql_address()).json(body);
        // Points of their own (docs.github.com, "rate limits for the GraphQL API").
        Request::Http(self.headers(http).budget("graphql"))
    }

    /// How many deployments are asked for: the history at first and after a long pause, else the newest.
    fn depth(&self, asking: &Asking<'_>) -> usize {
        let paused = |last| asking.now.duration_since(last) > SignedDuration::from_hours(6);
        let first = asking.round < self.turns() || asking.last_ok.is_none_or(paused);
        if first { 50 } else { 20 }
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
    pub fn lists(&self, turn: &[usize], by_rest: &[usize], heard: &[Exchange]) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut want = |tag: String, path: String, query: &[(&str, &str)]| {
            if wire::heard(heard, &tag).is_none() {
                requests.push(self.get(tag, &path, query));
            }
        };
        let first = past::FIRST.to_string();
        for &i in by_rest {
            let Some(repo) = self.repo(i) else { continue };
            let mut query = vec![("per_page", first.as_str())];
            if let [only] = self.environments.as_slice() {
                query.push(("environment", only));
            }
            want(format!("deployments/{i}"), repo.path("deployments"), &query);
            want(format!("releases/{i}"), repo.path("releases"), &[("per_page", &first)]);
            let all =
                [("state", "all"), ("sort", "due_on"), ("direction", "desc"), ("per_page", "50")];
            want(format!("milestones/{i}"), repo.path("milestones"), &all);
        }
        for &i in turn {
            let Some(repo) = self.repo(i) else { continue };
            want(runs_tag(i, 1), repo.path("actions/runs"), &[("per_page", "50")]);
        }
        requests
    }

    /// The next page of runs while the pages heard do not reach back to the last good poll.
    pub fn next_runs(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Option<Request> {
        let repo = self.repo(i)?;
        let since = asking.last_ok.unwrap_or(asking.now - SignedDuration::from_hours(24));
        let page =
            (1..=RUN_PAGES).rev().find(|page| wire::heard(heard, &runs_tag(i, *page)).is_some())?;
        if page == RUN_PAGES {
            return None;
        }
        let answer = answer::judge(wire::heard(heard, &runs_tag(i, page))?, asking.now).ok()?;
        let next = wire::next_page(answer)?.ok()?;
        let read = rest::runs(answer, repo, &self.name, &mut Gaps::default()).ok()?;
        (wire::same_origin(&next, &self.base) && read.oldest.is_some_and(|oldest| oldest > since))
            .then(|| self.at(runs_tag(i, page + 1), next))
    }

    /// The deployments of a repository whose statuses this poll reads: the newest that are not settled.
    pub fn unsettled(
        &self,
        i: usize,
        each: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        gaps: &mut Gaps,
    ) -> Result<Unsettled, Trouble> {
        let (Some(repo), Some(exchange)) =
            (self.repo(i), wire::heard(heard, &format!("deployments/{i}")))
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

    pub fn missing_statuses(
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
            if wire::heard(heard, &tag).is_none() {
                let path = repo.path(&format!("deployments/{}/statuses", listed.id));
                requests.push(self.get(tag, &path, &[("per_page", "100")]));
            }
        }
        requests
    }
}

/// Deployments of one repository by REST, parted by what memory knows of them.
#[derive(Debug, Default)]
pub struct Unsettled {
    pub settled: Vec<rest::Listed>,
    pub open: Vec<rest::Listed>,
    /// How many more there are, left to later polls.
    pub later: usize,
}

pub fn question_tag(batch: &[usize]) -> String {
    format!("graphql/{}", batch.first().unwrap_or(&0))
}

pub fn runs_tag(i: usize, page: usize) -> String {
    format!("runs/{i}/{page}")
}

pub fn settled_key(repo: &Repo) -> String {
    format!("settled/{}", repo.shown)
}
