//! The last ninety days of GitHub's lists: one page of the past a poll, behind the pages every poll reads.

use jiff::Timestamp;

use super::ask::runs_tag;
use super::graphql::{Before, Told, Verdict, verdict};
use super::repo::Repo;
use super::{GitHub, RUN_PAGES, answer, graphql, rest};
use crate::model::{Fact, Status, Trouble};
use crate::source::history::{self, Edge, Walk};
use crate::source::rows::Gaps;
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, HttpAnswer, Request, wire};

/// Repositories whose past is asked for by one GraphQL query.
const A_QUERY: usize = 3;
/// Deployments of the past in one poll where REST needs a request for each.
const BY_REST: usize = 10;
/// Rows of the page by REST that every poll reads.
pub const FIRST: usize = 30;
const TAG: &str = "past";

/// What is known of one repository's past.
#[derive(Debug)]
pub struct Past {
    i: usize,
    by_rest: bool,
    /// Somebody deploys from here: then nothing else counts as a change of what runs.
    deployed: bool,
    deploys: Walk,
    releases: Walk,
}

impl Past {
    fn goes_on(&self) -> bool {
        self.deploys.next().is_some() || self.releases.next().is_some()
    }
}

impl GitHub {
    /// How far back each repository is known after the pages that every poll reads.
    pub fn pasts(
        &self,
        told: &[(&[usize], Told<'_>)],
        by_rest: &[usize],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Vec<Past> {
        let mut pasts = Vec::new();
        for (batch, answer) in told {
            for (place, &i) in batch.iter().enumerate() {
                let Some(repo) = self.repo(i) else { continue };
                let found = answer.repository(place, repo, &self.name, &mut Gaps::default());
                let Ok(Some(found)) = found else { continue };
                // A list that is missing says nothing about where it ends.
                let (Some(deploys), Some(releases)) = (found.deploys_end, found.releases_end)
                else {
                    continue;
                };
                let walk = |list: &str, end: &Edge| {
                    Walk::of(asking, format!("history/{list}/{}", repo.shown), end)
                };
                pasts.push(Past {
                    i,
                    by_rest: false,
                    deployed: deploys.newest.is_some(),
                    deploys: walk("deploys", &deploys),
                    releases: walk("releases", &releases),
                });
            }
        }
        for &i in by_rest {
            let Some(repo) = self.repo(i) else { continue };
            let ends = self.rest_ends(i, repo, asking, heard);
            let Some((deploys, releases)) = ends else { continue };
            let walk = |list: &str, end: &Edge| {
                Walk::of(asking, format!("history by REST/{list}/{}", repo.shown), end)
            };
            pasts.push(Past {
                i,
                by_rest: true,
                deployed: deploys.newest.is_some(),
                deploys: walk("deploys", &deploys),
                releases: walk("releases", &releases),
            });
        }
        pasts
    }

    /// Where the first pages by REST end.
    fn rest_ends(
        &self,
        i: usize,
        repo: &Repo,
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Option<(Edge, Edge)> {
        let mut gaps = Gaps::default();
        let hear = |tag: String| answer::judge(wire::heard(heard, &tag)?, asking.now).ok();
        let deploys = hear(format!("deployments/{i}"))?;
        let releases = hear(format!("releases/{i}"))?;
        let listed =
            rest::deployments(deploys, repo, &self.name, &self.environments, &mut gaps).ok()?;
        let published = rest::releases(releases, repo, &self.name, &mut gaps).ok()?;
        let dates = listed.iter().filter_map(|l| l.deploy.started);
        let deploys = Edge::of(dates, page_after(deploys, FIRST / BY_REST));
        let dates = published.iter().filter_map(|r| r.published);
        Some((deploys, Edge::of(dates, page_after(releases, 1))))
    }

    /// What is asked of the past in this poll, as far as it has not been heard.
    pub fn past_pages(
        &self,
        pasts: &[Past],
        told: &[(&[usize], Told<'_>)],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Vec<Request> {
        // The present comes first when little of the budget is left.
        if history::rests(asking) || told.iter().any(|(_, t)| t.budget().is_some()) {
            return Vec::new();
        }
        let asked: Vec<&Past> = turn(pasts, asking.round / self.turns())
            .into_iter()
            .filter_map(|at| pasts.get(at))
            .collect();
        match asked.as_slice() {
            [] => Vec::new(),
            [past, ..] if past.by_rest => self.rest_pages(past, asking, heard),
            _ if wire::heard(heard, TAG).is_some() => Vec::new(),
            asked => {
                let wanted: Vec<Before<'_>> =
                    asked.iter().filter_map(|past| self.before(past)).collect();
                vec![self.post(TAG.to_owned(), graphql::past(&wanted, &self.environments))]
            }
        }
    }

    fn before<'a>(&'a self, past: &'a Past) -> Option<Before<'a>> {
        let repo = self.repo(past.i)?;
        Some(Before { repo, deploys: past.deploys.next(), releases: past.releases.next() })
    }

    /// One page of one repository, and the statuses of the deployments on it.
    fn rest_pages(&self, past: &Past, asking: &Asking<'_>, heard: &[Exchange]) -> Vec<Request> {
        let Some(repo) = self.repo(past.i) else { return Vec::new() };
        let Some(exchange) = wire::heard(heard, TAG) else {
            let (list, page, size) = match (past.deploys.next(), past.releases.next()) {
                (Some(page), _) => ("deployments", page, BY_REST),
                (None, Some(page)) => ("releases", page, FIRST),
                (None, None) => return Vec::new(),
            };
            let size = size.to_string();
            let mut query = vec![("per_page", size.as_str()), ("page", page)];
            if let ("deployments", [only]) = (list, self.environments.as_slice()) {
                query.push(("environment", only));
            }
            return vec![self.get(TAG.to_owned(), &repo.path(list), &query)];
        };
        let listed = match past.deploys.next() {
            Some(_) => answer::judge(exchange, asking.now)
                .and_then(|a| self.listed(a, repo, &mut Gaps::default()))
                .unwrap_or_default(),
            None => Vec::new(),
        };
        let mut requests = Vec::new();
        for one in listed {
            let tag = format!("{TAG}/{}", one.id);
            if wire::heard(heard, &tag).is_none() {
                let path = repo.path(&format!("deployments/{}/statuses", one.id));
                requests.push(self.get(tag, &path, &[("per_page", "100")]));
            }
        }
        requests
    }

    fn listed(
        &self,
        answer: &HttpAnswer,
        repo: &Repo,
        gaps: &mut Gaps,
    ) -> Result<Vec<rest::Listed>, Trouble> {
        rest::deployments(answer, repo, &self.name, &self.environments, gaps)
    }

    /// Tells how far back the changes of each repository are known: where nobody deploys, that is a matter of its releases
    /// and of what was pushed.
    pub fn tell_known(
        &self,
        turn: &[usize],
        pasts: &[Past],
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        for &i in turn {
            let Some(repo) = self.repo(i) else { continue };
            let from = match pasts.iter().find(|past| past.i == i) {
                None => None,
                Some(past) if past.deployed => Some(past.deploys.from()),
                Some(past) => self.pushes(i, repo, asking, heard).map(|bottom| {
                    let key = format!("known/pushes/{}", repo.shown);
                    let (from, words) = history::reach(asking, &key, bottom);
                    tale.remember(&key, words);
                    from.max(past.deploys.from()).max(past.releases.from())
                }),
            };
            tale.known(&repo.shown, from);
        }
    }

    /// How far back the pages heard of a repository's runs reach; `None` where one of them could not be had.
    fn pushes(
        &self,
        i: usize,
        repo: &Repo,
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Option<Timestamp> {
        let mut bottom = None;
        for page in 1..=RUN_PAGES {
            let Some(exchange) = wire::heard(heard, &runs_tag(i, page)) else { break };
            let answer = answer::judge(exchange, asking.now).ok()?;
            if wire::next_page(answer).is_none() {
                return Some(Timestamp::UNIX_EPOCH);
            }
            let runs = rest::runs(answer, repo, &self.name, &mut Gaps::default()).ok()?;
            bottom = runs.oldest.or(bottom);
        }
        bottom
    }

    /// Tells what was heard of the past, and remembers how far it reaches.
    pub fn tell_pasts(
        &self,
        mut pasts: Vec<Past>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        if let Some(exchange) = wire::heard(heard, TAG) {
            let asked = turn(&pasts, asking.round / self.turns());
            let mut gaps = Gaps::default();
            let by_rest = asked.first().and_then(|at| pasts.get_mut(*at)).filter(|p| p.by_rest);
            let told = match by_rest {
                Some(past) => self.tell_page(past, exchange, asking, heard, &mut gaps, tale),
                None => self.tell_question(&mut pasts, &asked, exchange, asking, &mut gaps, tale),
            };
            if let Err(trouble) = told {
                if trouble.message.as_str() == answer::SECONDARY {
                    return Err(trouble);
                }
                if let Some((key, words)) = history::rest(&trouble, asking.now) {
                    tale.remember(key, words);
                }
                tale.late(format!("history: {trouble}"));
            }
            if let Some(words) = gaps.words() {
                tale.late(format!("history: {words}"));
            }
        }
        let walks = || pasts.iter().flat_map(|past| [&past.deploys, &past.releases]);
        for walk in walks() {
            let (key, words) = walk.remember();
            tale.remember(key, words);
        }
        tale.notes.extend(Walk::words(walks()).map(|words| words.to_string()));
        Ok(())
    }

    fn tell_question(
        &self,
        pasts: &mut [Past],
        asked: &[usize],
        exchange: &Exchange,
        asking: &Asking<'_>,
        gaps: &mut Gaps,
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let answer = match verdict(exchange, asking.now) {
            Verdict::Told(answer) => answer,
            Verdict::Unavailable { words, .. } => return Err(Trouble::bad_data(words)),
            Verdict::Failed(trouble) => return Err(trouble),
        };
        for (place, &at) in asked.iter().enumerate() {
            let Some((past, repo)) = pasts.get_mut(at).and_then(|p| self.repo(p.i).map(|r| (p, r)))
            else {
                continue;
            };
            let alias = format!("r{place}");
            let complaint = answer.errors.iter().find(|e| e.alias == alias || e.alias.is_empty());
            // An error beside data leaves a hole somewhere in it: the same page is asked for again.
            if let Some(complaint) = complaint {
                tale.late(format!("{} history: {}", repo.shown, complaint.message));
                if complaint.kind.contains("CURSOR") || complaint.message.contains("valid cursor") {
                    past.deploys.lose();
                    past.releases.lose();
                }
                continue;
            }
            let Some(found) = answer.repository(place, repo, &self.name, gaps)? else {
                tale.late(format!("{} history: not told", repo.shown));
                continue;
            };
            for (walk, end) in
                [(&mut past.deploys, found.deploys_end), (&mut past.releases, found.releases_end)]
            {
                match (walk.next().is_some(), end) {
                    (true, Some(end)) => walk.reached(end),
                    (true, None) => tale.late(format!("{} history: not told", repo.shown)),
                    (false, _) => {}
                }
            }
            tale.facts.extend(found.deploys.into_iter().map(Fact::Deploy));
            tale.facts.extend(found.releases.into_iter().map(Fact::Release));
        }
        Ok(())
    }

    fn tell_page(
        &self,
        past: &mut Past,
        exchange: &Exchange,
        asking: &Asking<'_>,
        heard: &[Exchange],
        gaps: &mut Gaps,
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(repo) = self.repo(past.i) else { return Ok(()) };
        let answer = answer::judge(exchange, asking.now)?;
        let Some(page) = past.deploys.next().and_then(number) else {
            let page = past.releases.next().and_then(number).unwrap_or_default();
            let releases = rest::releases(answer, repo, &self.name, gaps)?;
            let dates = releases.iter().filter_map(|r| r.published);
            past.releases.reached(Edge::of(dates, page_after(answer, page)));
            tale.facts.extend(releases.into_iter().map(Fact::Release));
            return Ok(());
        };
        let listed = self.listed(answer, repo, gaps)?;
        for one in &listed {
            let Some(exchange) = wire::heard(heard, &format!("{TAG}/{}", one.id)) else { continue };
            let deploy = answer::judge(exchange, asking.now)
                .and_then(|a| rest::with_statuses(one, a, asking.now, gaps));
            match deploy {
                Ok(deploy) => tale.facts.push(Fact::Deploy(deploy)),
                // Deleted since it was listed.
                Err(trouble) if trouble.status == Status::NotFound => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let dates = listed.iter().filter_map(|l| l.deploy.started);
        past.deploys.reached(Edge::of(dates, page_after(answer, page)));
        Ok(())
    }
}

/// Whose turn it is, as places in the list: some by GraphQL, or one by REST; a page that always fails holds nobody up.
fn turn(pasts: &[Past], round: u64) -> Vec<usize> {
    let mut order: Vec<usize> =
        pasts.iter().enumerate().filter(|(_, past)| past.goes_on()).map(|(at, _)| at).collect();
    if let Some(shift) = usize::try_from(round).ok().and_then(|r| r.checked_rem(order.len())) {
        order.rotate_left(shift);
    }
    let by_rest = |at: &usize| pasts.get(*at).is_some_and(|past| past.by_rest);
    match order.first() {
        Some(first) if by_rest(first) => vec![*first],
        _ => order.into_iter().filter(|at| !by_rest(at)).take(A_QUERY).collect(),
    }
}

fn number(page: &str) -> Option<usize> {
    page.parse().ok()
}

/// The number of the page behind `page`, where the answer says that there is one.
fn page_after(answer: &HttpAnswer, page: usize) -> Option<Box<str>> {
    wire::next_page(answer).map(|_| page.saturating_add(1).to_string().into())
}
