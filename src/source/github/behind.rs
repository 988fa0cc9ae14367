//! How far environments lie behind: the commits between what runs there, the environment before, and the default branch.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::ask::runs_tag;
use super::graphql::Told;
use super::repo::Repo;
use super::{GitHub, RUN_PAGES, answer, rest};
use crate::model::{Against, Approval, Clean, Commit, Drift, Fact, Feed, Id, Key, Status, Trouble};
use crate::source::promotion::{Pair, Running, note, pairs};
use crate::source::rows::{self, Gaps, Row};
use crate::source::tale::Tale;
use crate::source::{Answer, Asking, Exchange, HttpAnswer, Request, wire};

/// Comparisons asked for in one poll: each is a request of its own, one after the other.
const MOST: usize = 8;
/// Runs whose approvers are looked up in one poll and repository.
const WAITING: usize = 4;
/// Bytes of a comparison: its files come with all their changes, and nobody reads those.
const CAP: usize = 3 << 20;

/// One repository, what runs in its environments, and what is compared.
pub struct Lookout {
    i: usize,
    running: Running,
    pairs: Vec<Pair>,
}

impl GitHub {
    /// What can be compared after everything GraphQL told.
    pub fn lookouts(&self, told: &[(&[usize], Told<'_>)], asking: &Asking<'_>) -> Vec<Lookout> {
        let mut lookouts = Vec::new();
        for (batch, answer) in told {
            for (place, &i) in batch.iter().enumerate() {
                let Some(repo) = self.repo(i) else { continue };
                let found = answer.repository(place, repo, &self.name, &mut Gaps::default());
                let Ok(Some(found)) = found else { continue };
                let words = asking.memory.get(&*running_key(repo));
                let mut running: Running =
                    words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
                for deploy in &found.deploys {
                    note(&mut running, deploy, deploy.sha.as_str(), "", &self.environments);
                }
                let branch =
                    found.branch.as_ref().map(|(name, head)| (name.as_str(), head.as_str()));
                let branch = branch.filter(|(_, head)| crate::source::promotion::is_sha(head));
                let pairs = pairs(&running, branch, &self.environments);
                lookouts.push(Lookout { i, running, pairs });
            }
        }
        lookouts
    }

    /// Whether this very comparison was told in this run: two commits never differ otherwise than they did.
    fn is_told(&self, repo: &Repo, pair: &Pair, asking: &Asking<'_>) -> bool {
        asking.round >= self.turns()
            && asking
                .memory
                .get(&*compared_key(repo))
                .is_some_and(|told| told.split(' ').any(|word| word == name_of(pair)))
    }

    /// The comparisons that have not been heard yet.
    pub fn comparisons(
        &self,
        lookouts: &[Lookout],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut asked = 0;
        for Lookout { i, pairs, .. } in lookouts {
            let Some(repo) = self.repo(*i) else { continue };
            for pair in pairs {
                if pair.base == pair.head || self.is_told(repo, pair, asking) || asked >= MOST {
                    continue;
                }
                asked += 1;
                let path = repo.path(&format!("compare/{}", name_of(pair)));
                match wire::heard(heard, &tag(*i, pair, "")) {
                    None => {
                        let query = [("per_page", "100")];
                        requests.push(self.compare(tag(*i, pair, ""), &path, &query));
                    }
                    // The files come with the first page only: the second one still has the numbers.
                    Some(exchange) if is_too_large(exchange) => {
                        if wire::heard(heard, &tag(*i, pair, "short")).is_none() {
                            let query = [("per_page", "1"), ("page", "2")];
                            requests.push(self.compare(tag(*i, pair, "short"), &path, &query));
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        requests
    }

    fn compare(&self, tag: String, path: &str, query: &[(&str, &str)]) -> Request {
        match self.get(tag, path, query) {
            Request::Http(mut http) => {
                http.cap = Some(CAP);
                Request::Http(http)
            }
            other => other,
        }
    }

    pub fn tell_comparisons(
        &self,
        lookouts: &[Lookout],
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        for Lookout { i, running, pairs } in lookouts {
            let Some(repo) = self.repo(*i) else { continue };
            let mut told: Vec<String> = Vec::new();
            for pair in pairs {
                let key = drift_key(repo, pair);
                if pair.base == pair.head {
                    tale.facts.push(Fact::Drift(self.drift(repo, pair, None)));
                } else if self.is_told(repo, pair, asking) {
                    told.push(name_of(pair));
                    tale.still.push((Feed::Drifts, Id::new(key)));
                } else if let Some(exchange) = wire::heard(heard, &tag(*i, pair, "")) {
                    let short = wire::heard(heard, &tag(*i, pair, "short"));
                    let read = answer::judge(short.unwrap_or(exchange), asking.now)
                        .and_then(|answer| read(answer, short.is_some(), repo, &mut tale.gaps));
                    match read {
                        Ok(read) => {
                            tale.good += 1;
                            told.push(name_of(pair));
                            tale.facts.push(Fact::Drift(self.drift(repo, pair, Some(read))));
                        }
                        // A commit that a forced push removed, or too much to be said at once: nothing is broken.
                        Err(trouble)
                            if matches!(trouble.status, Status::NotFound | Status::TooLarge) =>
                        {
                            told.push(name_of(pair));
                            tale.notes.push(format!(
                                "{}: {} cannot be compared with {}",
                                repo.shown,
                                pair.environment,
                                pair.against.name()
                            ));
                        }
                        Err(trouble) => tale.miss(
                            format_args!("{} commits since {}", repo.shown, pair.environment),
                            trouble,
                        )?,
                    }
                }
            }
            tale.remember(&compared_key(repo), told.join(" "));
            tale.remember(&running_key(repo), serde_json::to_string(running).unwrap_or_default());
        }
        if !lookouts.is_empty() {
            tale.whole(Feed::Drifts, false);
        }
        Ok(())
    }

    fn drift(&self, repo: &Repo, pair: &Pair, read: Option<Read>) -> Drift {
        let read = read.unwrap_or_default();
        Drift {
            key: Key::new(&self.name, drift_key(repo, pair)),
            repo: repo.shown.clone(),
            environment: Clean::line(&pair.environment),
            sha: Clean::line(&pair.base),
            against: pair.against.clone(),
            head: Clean::line(&pair.head),
            missing: read.missing,
            at_least: false,
            extra: Some(read.extra),
            oldest: read.oldest,
            commits: read.commits,
            url: repo.page(&format!("compare/{}", name_of(pair))),
        }
    }

    /// The runs of a repository that wait, in the pages heard and in those of earlier polls.
    fn waiting(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Vec<rest::Waiting> {
        let Some(repo) = self.repo(i) else { return Vec::new() };
        let mut waiting: Vec<rest::Waiting> = Vec::new();
        for page in 1..=RUN_PAGES {
            let Some(exchange) = wire::heard(heard, &runs_tag(i, page)) else { break };
            let runs = answer::judge(exchange, asking.now)
                .and_then(|a| rest::runs(a, repo, &self.name, &mut Gaps::default()));
            waiting.extend(runs.map(|r| r.waiting).unwrap_or_default());
        }
        let before = asking.memory.get(&*waiting_key(repo));
        let before: Vec<rest::Waiting> =
            before.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
        for run in before {
            if !waiting.iter().any(|w| w.id == run.id) {
                waiting.push(run);
            }
        }
        waiting.truncate(WAITING);
        waiting
    }

    /// Who may let the runs go on that wait.
    pub fn pending(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Vec<Request> {
        let Some(repo) = self.repo(i) else { return Vec::new() };
        let waiting = self.waiting(i, asking, heard).into_iter();
        let unheard = waiting.filter(|w| wire::heard(heard, &pending_tag(i, w.id)).is_none());
        unheard
            .map(|w| {
                let path = repo.path(&format!("actions/runs/{}/pending_deployments", w.id));
                self.get(pending_tag(i, w.id), &path, &[])
            })
            .collect()
    }

    pub fn tell_pending(
        &self,
        i: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(repo) = self.repo(i) else { return Ok(()) };
        let mut still: Vec<rest::Waiting> = Vec::new();
        let mut whole = true;
        for run in self.waiting(i, asking, heard) {
            let Some(exchange) = wire::heard(heard, &pending_tag(i, run.id)) else { continue };
            let place = format!("/{}/pending_deployments", repo.shown);
            let told = answer::judge(exchange, asking.now).and_then(|answer| {
                let items = rows::items(&answer.body)?;
                Ok(tale.gaps.read(&place, &items, |row| Some(self.approval(row, repo, &run))))
            });
            match told {
                Ok(told) => {
                    tale.good += 1;
                    if !told.is_empty() {
                        still.push(run);
                    }
                    tale.facts.extend(told.into_iter().map(Fact::Approval));
                }
                // The run is gone, or the token may not ask who approves: that it waits is told by the run itself.
                Err(trouble) if matches!(trouble.status, Status::NotFound | Status::Auth) => {}
                Err(trouble) => {
                    whole = false;
                    tale.miss(format_args!("{} approvals", repo.shown), trouble)?;
                }
            }
        }
        tale.whole(Feed::Approvals, whole);
        tale.remember(&waiting_key(repo), serde_json::to_string(&still).unwrap_or_default());
        Ok(())
    }

    fn approval(&self, row: &Row<'_>, repo: &Repo, run: &rest::Waiting) -> Approval {
        let reviewers = row.rows("/reviewers");
        let names = reviewers
            .iter()
            .map(|r| r.first_text(&["/reviewer/login", "/reviewer/name", "/reviewer/slug"]));
        let wait = row.number("/wait_timer").and_then(|m| i64::try_from(m).ok()).unwrap_or(0);
        let wait = jiff::SignedDuration::from_mins(wait.clamp(0, 60 * 24 * 60));
        let started = row.time("/wait_timer_started_at");
        let short: String = run.sha.chars().take(8).collect();
        let environment = row.text("/environment/name");
        Approval {
            key: Key::new(
                &self.name,
                format!("{}/pending_deployments/{environment}", repo.run_id(&run.id.to_string())),
            ),
            repo: repo.shown.clone(),
            run: Clean::line(&run.workflow),
            run_key: Some(Key::new(&self.name, repo.run_id(&run.id.to_string()))),
            version: Clean::line(format_args!("{} {short}", run.branch)),
            who: Clean::line(&run.who),
            approvers: names.filter(|n| !n.is_empty()).collect(),
            yours: row
                .has("/current_user_can_approve")
                .then(|| row.flag("/current_user_can_approve")),
            since: started.or(run.since),
            not_before: started
                .filter(|_| !wait.is_zero())
                .and_then(|at| at.checked_add(wait).ok()),
            url: repo.page(&format!("actions/runs/{}", run.id)),
            environment,
        }
    }
}

/// What a comparison says.
#[derive(Debug, Default)]
struct Read {
    missing: u64,
    extra: u64,
    oldest: Option<jiff::Timestamp>,
    commits: Vec<Commit>,
}

/// How many commits the head of a comparison has that its base has not, and the other way round.
pub fn apart(members: &BTreeMap<String, &RawValue>) -> Result<(u64, u64), Trouble> {
    let number = |key: &str| rows::value_of(members, key).as_u64();
    let both = number("ahead_by").zip(number("behind_by"));
    both.ok_or_else(|| Trouble::bad_data("a comparison without its numbers"))
}

/// Commits come oldest first; `short` answers have the numbers only.
fn read(answer: &HttpAnswer, short: bool, repo: &Repo, gaps: &mut Gaps) -> Result<Read, Trouble> {
    let members = rows::members(&answer.body)?;
    let (missing, extra) = apart(&members)?;
    let mut read = Read { missing, extra, ..Read::default() };
    if short {
        return Ok(read);
    }
    let items = rows::items_of(&members, "commits")?.unwrap_or_default();
    let place = format!("/{}/compare/commits", repo.shown);
    read.commits = gaps.read(&place, &items, |row| {
        row.id("/sha")?;
        Some(Commit {
            sha: row.text("/sha"),
            title: row.headline("/commit/message"),
            who: row.first_text(&["/author/login", "/commit/author/name"]),
            at: row.time("/commit/committer/date").or_else(|| row.time("/commit/author/date")),
        })
    });
    read.oldest = read.commits.iter().filter_map(|c| c.at).min();
    read.commits.truncate(Drift::COMMITS);
    Ok(read)
}

fn is_too_large(exchange: &Exchange) -> bool {
    matches!(&exchange.answer, Err(trouble) if trouble.status == Status::TooLarge)
        || matches!(&exchange.answer, Ok(Answer::Http(answer)) if answer.status == 413)
}

fn drift_key(repo: &Repo, pair: &Pair) -> String {
    let against = match &pair.against {
        Against::Environment(name) => format!("environments/{name}"),
        Against::Branch(name) => format!("branches/{name}"),
    };
    repo.path(&format!("environments/{}/behind/{against}", pair.environment))
}

/// As it stands in the address: `base...head`.
fn name_of(pair: &Pair) -> String {
    format!("{}...{}", pair.base, pair.head)
}

fn tag(i: usize, pair: &Pair, kind: &str) -> String {
    format!("compare{kind}/{i}/{}", name_of(pair))
}

fn pending_tag(i: usize, run: u64) -> String {
    format!("pending/{i}/{run}")
}

fn compared_key(repo: &Repo) -> String {
    format!("compared/{}", repo.shown)
}

fn running_key(repo: &Repo) -> String {
    format!("running/{}", repo.shown)
}

fn waiting_key(repo: &Repo) -> String {
    format!("waiting/{}", repo.shown)
}
