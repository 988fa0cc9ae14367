//! How far environments lie behind: the commits between what runs there, the environment before, and the default branch.

use super::records::{self, Deployed, Origin};
use super::{GitLab, Part, judge};
use crate::model::{Against, Clean, Commit, Drift, Fact, Feed, Key, Status, Trouble};
use crate::source::promotion::{Pair, Running, is_sha, note, pairs};
use crate::source::rows::{self, Gaps};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Request, wire};

/// Commits asked for at once: GitLab gives no number of them.
const PAGE: usize = 100;

impl GitLab {
    /// The comparisons that have not been heard yet: all of them now and then, else those that changed.
    pub fn distances(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Vec<Request> {
        let Some(project) = self.projects.get(i) else { return Vec::new() };
        let before = self.running_before(i, asking);
        let running = self.running(i, &before, heard);
        let branch = self.known(i, asking, heard).branch;
        let whole = self.is_whole_poll(asking);
        let mut requests = Vec::new();
        for pair in pairs(&running, branch_of(&branch), &self.environments) {
            let tag = tag(i, &pair);
            let is_new = before.get(&pair.environment) != running.get(&pair.environment);
            if pair.base != pair.head && (whole || is_new) && wire::heard(heard, &tag).is_none() {
                let query = [
                    ("ref_name", format!("{}..{}", pair.base, pair.head)),
                    ("per_page", PAGE.to_string()),
                ];
                requests.push(self.get(tag, &project.path("repository/commits"), &query));
            }
        }
        requests
    }

    pub fn tell_distances(
        &self,
        i: usize,
        origin: Origin<'_>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let running = self.running(i, &self.running_before(i, asking), heard);
        let pairs = pairs(&running, branch_of(&origin.known.branch), &self.environments);
        for pair in &pairs {
            if pair.base == pair.head {
                tale.facts.push(Fact::Drift(drift(pair, Vec::new(), false, origin)));
                continue;
            }
            let Some(exchange) = wire::heard(heard, &tag(i, pair)) else { continue };
            let drift = judge(exchange).and_then(|answer| {
                let items = rows::items(&answer.body)?;
                let place = format!("/{}/commits", origin.known.path);
                let commits = tale.gaps.read(&place, &items, records::commit);
                Ok(drift(pair, commits, wire::next_page(answer).is_some(), origin))
            });
            match drift {
                Ok(drift) => {
                    tale.good += 1;
                    tale.facts.push(Fact::Drift(drift));
                }
                // A commit that a forced push removed: nothing can be said, and nothing is broken.
                Err(trouble) if trouble.status == Status::NotFound => {
                    tale.notes.push(format!(
                        "{}: {} cannot be compared with {}",
                        origin.known.path,
                        pair.environment,
                        pair.against.name()
                    ));
                }
                Err(trouble) => tale.miss(
                    format_args!("{} commits since {}", origin.known.path, pair.environment),
                    trouble,
                )?,
            }
        }
        tale.whole(Feed::Drifts, false);
        let words = serde_json::to_string(&running).unwrap_or_default();
        tale.remember(&format!("running/{}", origin.project.told), words);
        Ok(())
    }

    fn running_before(&self, i: usize, asking: &Asking<'_>) -> Running {
        let told = self.projects.get(i).map(|p| &*p.told).unwrap_or_default();
        let words = asking.memory.get(&*format!("running/{told}"));
        words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default()
    }

    /// What runs where after everything heard in this poll.
    fn running(&self, i: usize, before: &Running, heard: &[Exchange]) -> Running {
        let mut running = before.clone();
        let Some(project) = self.projects.get(i) else { return running };
        let known = super::Known::default();
        let origin = Origin { source: &self.name, project, known: &known };
        for page in 1..=Part::Deployments.pages() {
            let Some(exchange) = wire::heard(heard, &Part::Deployments.tag(i, page)) else { break };
            let Ok(items) = judge(exchange).and_then(|a| rows::items(&a.body)) else { break };
            let all = Gaps::default().read("", &items, |row| records::deployment(row, origin));
            for Deployed { deploy, tier, sha } in all {
                note(&mut running, &deploy, &sha, &tier, &self.environments);
            }
        }
        running
    }
}

/// It becomes part of a range: nothing in it may be read as something else.
fn branch_of(name: &str) -> Option<(&str, &str)> {
    let fits = !name.is_empty() && name.len() <= 255;
    (fits && !name.contains("..") && !name.starts_with('-')).then_some((name, name))
}

fn tag(i: usize, pair: &Pair) -> String {
    format!("commits/{i}/{}..{}", pair.base, pair.head)
}

/// `commits` come newest first.
fn drift(pair: &Pair, commits: Vec<(String, Commit)>, more: bool, origin: Origin<'_>) -> Drift {
    let head = commits.first().map_or_else(
        || if is_sha(&pair.head) { pair.head.clone() } else { pair.base.clone() },
        |(sha, _)| sha.clone(),
    );
    let missing = commits.len() as u64;
    let oldest = if more { None } else { commits.iter().filter_map(|(_, c)| c.at).min() };
    let mut kept: Vec<Commit> = commits.into_iter().map(|(_, commit)| commit).collect();
    kept.reverse();
    kept.truncate(Drift::COMMITS);
    let against = match &pair.against {
        Against::Environment(name) => format!("environments/{name}"),
        Against::Branch(name) => format!("branches/{name}"),
    };
    Drift {
        key: Key::new(
            origin.source,
            origin.project.id(&format!("environments/{}/behind/{against}", pair.environment)),
        ),
        repo: origin.known.shown(),
        environment: Clean::line(&pair.environment),
        sha: Clean::line(&pair.base),
        against: pair.against.clone(),
        head: Clean::line(&head),
        missing,
        at_least: more,
        extra: None,
        oldest,
        commits: kept,
        url: origin.known.page(&format!("compare/{}...{head}", pair.base)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_that_would_say_more_than_its_name_in_a_range_is_not_asked_about() {
        for (name, asked) in [
            ("main", true),
            ("feature/x-", true),
            ("-n", false),
            ("main..other", false),
            ("", false),
        ] {
            assert_eq!(branch_of(name).is_some(), asked, "{name}");
        }
        assert!(branch_of(&"x".repeat(255)).is_some() && branch_of(&"x".repeat(256)).is_none());
    }
}
