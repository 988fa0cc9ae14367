//! Whose commits are still to be counted: a queue that outlives polls, because lists tell most deploys only once.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::promotion::is_sha;
use super::tale::Tale;
use super::{Asking, Exchange, Request, wire};
use crate::insight::{moment, steps};
use crate::model::{Brought, Clean, Deploy, Fact, Outcome, Status, Trouble};

/// Comparisons asked for in one poll of a source: each is a request of its own, and nobody waits for them.
pub const A_POLL: usize = 8;
/// Pairs that wait, of one repository; the oldest are given up first.
const WAITING: usize = 200;
/// Pairs that are remembered as told.
const TOLD: usize = 400;

/// Two commits: what ran, and what was deployed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// When it was deployed, in epoch seconds: the newest is asked first.
    pub at: i64,
    pub base: String,
    pub head: String,
}

impl Pair {
    /// As it stands in addresses: `base...head`.
    pub fn name(&self) -> String {
        format!("{}...{}", self.base, self.head)
    }

    /// Short, and still one of its own.
    fn mark(&self) -> String {
        let short = |sha: &str| sha.chars().take(12).collect::<String>();
        format!("{} {}", short(&self.base), short(&self.head))
    }
}

/// What is known of one repository: kept as text between polls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Uncounted {
    waiting: Vec<Pair>,
    told: VecDeque<String>,
    /// The oldest deploy seen of each environment, waiting for the one before it to be told.
    edges: BTreeMap<String, (i64, String)>,
}

impl Uncounted {
    pub fn of(asking: &Asking<'_>, repo: &str) -> Self {
        let words = asking.memory.get(&*key(repo));
        words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default()
    }

    /// Deploys of one repository as a list told them.
    pub fn note<'a>(&mut self, deploys: impl Iterator<Item = &'a Deploy> + Clone) {
        for (before, deploy) in steps(deploys.clone()) {
            self.want(seconds(deploy), before.sha.as_str(), deploy.sha.as_str());
        }
        let mut places: BTreeMap<&str, Vec<&Deploy>> = BTreeMap::new();
        for deploy in deploys.filter(|d| is_sha(d.sha.as_str()) && moment(d).is_some()) {
            places.entry(deploy.environment.as_str()).or_default().push(deploy);
        }
        for (name, deploys) in places {
            let good = |d: &&&Deploy| d.outcome == Outcome::Succeeded;
            if let Some((at, sha)) = self.edges.get(name).cloned() {
                let older = deploys.iter().filter(good).filter(|d| seconds(d) < at);
                if let Some(before) = older.max_by_key(|d| seconds(d)) {
                    self.want(at, before.sha.as_str(), &sha);
                }
            }
            let Some(oldest) = deploys.iter().min_by_key(|d| seconds(d)) else { continue };
            let edge = (seconds(oldest), oldest.sha.to_string());
            let known = self.edges.entry(name.to_owned()).or_insert_with(|| edge.clone());
            if edge.0 < known.0 {
                *known = edge;
            }
        }
        self.waiting.sort_by_key(|pair| std::cmp::Reverse(pair.at));
        self.waiting.truncate(WAITING);
        // Environments of branches come and go.
        while self.edges.len() > WAITING {
            self.edges.pop_first();
        }
    }

    fn want(&mut self, at: i64, base: &str, head: &str) {
        let pair = Pair { at, base: base.to_owned(), head: head.to_owned() };
        let new = base != head && is_sha(base) && is_sha(head);
        let same = |other: &Pair| other.base == pair.base && other.head == pair.head;
        if new && !self.waiting.iter().any(same) && !self.told.contains(&pair.mark()) {
            self.waiting.push(pair);
        }
    }

    /// The newest that wait.
    pub fn next(&self) -> impl Iterator<Item = &Pair> {
        self.waiting.iter().take(A_POLL)
    }

    /// It was told, or never will be.
    pub fn settle(&mut self, pair: &Pair) {
        self.waiting.retain(|other| other != pair);
        self.told.push_back(pair.mark());
        while self.told.len() > TOLD {
            self.told.pop_front();
        }
    }

    /// Notes what this poll told of `repo`, and keeps it for the next one.
    pub fn keep(mut self, repo: &str, shown: &Clean, asking: &Asking<'_>, tale: &mut Tale) {
        let deploys = tale.facts.iter().filter_map(|fact| match fact {
            Fact::Deploy(deploy) if deploy.repo == *shown => Some(deploy),
            _ => None,
        });
        self.note(deploys);
        if self != Self::of(asking, repo) {
            tale.remember(&key(repo), serde_json::to_string(&self).unwrap_or_default());
        }
    }
}

/// The comparisons that have not been heard yet; `ask` makes the request with a tag for a pair.
pub fn counts(
    uncounted: &[(usize, Uncounted)],
    heard: &[Exchange],
    ask: impl Fn(usize, &Pair, String) -> Option<Request>,
) -> Vec<Request> {
    let unheard = newest(uncounted).into_iter().filter_map(|(i, pair)| {
        let tag = tag(i, &pair);
        wire::heard(heard, &tag).is_none().then(|| ask(i, &pair, tag)).flatten()
    });
    unheard.collect()
}

/// Tells what was counted, and keeps what was not. `whose` gives the words a repository is kept and shown under.
pub fn tell_counts<'a>(
    mut uncounted: Vec<(usize, Uncounted)>,
    asking: &Asking<'_>,
    heard: &[Exchange],
    tale: &mut Tale,
    whose: impl Fn(usize) -> Option<(&'a str, Clean)>,
    read: impl Fn(usize, &Pair, &Exchange) -> Option<Result<Brought, Trouble>>,
) {
    for (i, pair) in newest(&uncounted) {
        let Some(exchange) = wire::heard(heard, &tag(i, &pair)) else { continue };
        match read(i, &pair, exchange) {
            Some(Ok(brought)) => tale.facts.push(Fact::Brought(brought)),
            // A commit that a forced push removed, and histories without a common commit: nobody can count.
            Some(Err(trouble)) if matches!(trouble.status, Status::NotFound | Status::BadData) => {}
            Some(Err(trouble)) => {
                let shown = whose(i).map(|(_, shown)| shown).unwrap_or_default();
                tale.late(format!("{shown}: commits of deploys: {trouble}"));
                break;
            }
            None => continue,
        }
        if let Some((_, queue)) = uncounted.iter_mut().find(|(own, _)| *own == i) {
            queue.settle(&pair);
        }
    }
    for (i, queue) in uncounted {
        if let Some((repo, shown)) = whose(i) {
            queue.keep(repo, &shown, asking, tale);
        }
    }
}

fn tag(i: usize, pair: &Pair) -> String {
    format!("count/{i}/{}", pair.name())
}

/// The newest pairs of several repositories, each with the place of its repository.
fn newest(all: &[(usize, Uncounted)]) -> Vec<(usize, Pair)> {
    let mut pairs: Vec<(usize, Pair)> =
        all.iter().flat_map(|(i, one)| one.next().map(|pair| (*i, pair.clone()))).collect();
    pairs.sort_by_key(|(i, pair)| (std::cmp::Reverse(pair.at), *i));
    pairs.truncate(A_POLL);
    pairs
}

fn seconds(deploy: &Deploy) -> i64 {
    moment(deploy).map_or(0, jiff::Timestamp::as_second)
}

fn key(repo: &str) -> String {
    format!("commits/{repo}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Name};
    use jiff::Timestamp;

    fn deploy(hour: i64, sha: &str) -> Deploy {
        Deploy {
            key: Key::new(&Name::new("gh"), hour.to_string()),
            repo: "o/r".into(),
            app: Clean::default(),
            environment: "production".into(),
            version: Clean::default(),
            sha: Clean::line(sha.repeat(7)),
            started: Timestamp::from_second(hour * 3_600).ok(),
            finished: None,
            outcome: Outcome::Succeeded,
            who: Clean::default(),
            description: Clean::default(),
            committed: None,
            url: None,
        }
    }

    fn waiting(queue: &Uncounted) -> Vec<String> {
        queue.next().map(|p| format!("{}{}", &p.base[..1], &p.head[..1])).collect()
    }

    #[test]
    fn pages_of_the_past_join_at_their_edges_and_nothing_is_asked_twice() {
        let mut queue = Uncounted::default();
        queue.note([deploy(8, "c"), deploy(9, "d")].iter());
        assert_eq!(waiting(&queue), ["cd"]);
        queue.note([deploy(6, "a"), deploy(7, "b")].iter());
        assert_eq!(waiting(&queue), ["cd", "bc", "ab"], "the newest is asked first");
        for pair in queue.next().cloned().collect::<Vec<_>>() {
            queue.settle(&pair);
        }
        queue.note([deploy(8, "c"), deploy(9, "d"), deploy(10, "e"), deploy(11, "e")].iter());
        assert_eq!(
            waiting(&queue),
            ["de"],
            "what was told is not asked again, and equals need no question"
        );
    }

    #[test]
    fn two_ways_to_one_commit_are_two_pairs_and_the_newest_of_all_repositories_goes_first() {
        let at = |environment: &str, hour: i64, sha: &str| Deploy {
            environment: Clean::line(environment),
            ..deploy(hour, sha)
        };
        let mut queue = Uncounted::default();
        let told = [("staging", 2, "b"), ("staging", 4, "c"), ("production", 1, "a")];
        let told = told.map(|(environment, hour, sha)| at(environment, hour, sha));
        queue.note(told.iter().chain([&at("production", 3, "c")]));
        assert_eq!(waiting(&queue), ["bc", "ac"]);
        let mut other = Uncounted::default();
        other.note([deploy(1, "d"), deploy(9, "e")].iter());
        let hours: Vec<(usize, i64)> =
            newest(&[(0, queue), (7, other)]).iter().map(|(i, p)| (*i, p.at / 3_600)).collect();
        assert_eq!(hours, [(7, 9), (0, 4), (0, 3)]);
    }

    #[test]
    fn only_hashes_become_part_of_an_address_and_the_queue_is_bounded() {
        let mut queue = Uncounted::default();
        let mut odd = deploy(2, "b");
        odd.sha = "../../user".into();
        queue.note([deploy(1, "a"), odd].iter());
        assert!(waiting(&queue).is_empty());
        let many: Vec<Deploy> = (0..600_i64)
            .map(|n| {
                let mut one = deploy(n, "a");
                one.sha = Clean::line(format_args!("{n:07x}"));
                one
            })
            .collect();
        queue.note(many.iter());
        assert_eq!((queue.waiting.len(), queue.next().count()), (WAITING, A_POLL));
        for _ in 0..500 {
            let pair = queue.next().next().cloned();
            queue.settle(&pair.unwrap_or(Pair { at: 0, base: "x".into(), head: "y".into() }));
        }
        assert_eq!(queue.told.len(), TOLD);
    }
}
