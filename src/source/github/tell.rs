//! What GitHub told, from everything heard in one poll.

use jiff::{SignedDuration, Timestamp};

use super::ask::{Unsettled, runs_tag, settled_key};
use super::repo::Repo;
use super::{GitHub, RUN_PAGES, answer, graphql, rest};
use crate::model::{Clean, Fact, Feed, Status, Trouble};
use crate::source::tale::Tale;
use crate::source::{Answer, Asking, Exchange, wire};

impl GitHub {
    pub fn tell_graphql(&self, batch: &[usize], answer: &graphql::Told<'_>, tale: &mut Tale) {
        for (place, &i) in batch.iter().enumerate() {
            let Some(repo) = self.repo(i) else { continue };
            match answer.repository(place, repo, &self.name, &mut tale.gaps) {
                Ok(Some(found)) => {
                    tale.good += 1;
                    tale.whole(Feed::Deploys, found.all_deploys);
                    tale.whole(Feed::Releases, found.all_releases);
                    tale.facts.extend(found.deploys.into_iter().map(Fact::Deploy));
                    tale.facts.extend(found.releases.into_iter().map(Fact::Release));
                    tale.whole(Feed::Milestones, found.all_milestones);
                    tale.facts.extend(found.milestones.into_iter().map(Fact::Milestone));
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
            let hint = answer.sign_on.as_deref().filter(|_| status == Status::Auth);
            let mut words =
                format!("{}: {}", repo.map_or("GraphQL", |r| r.shown.as_str()), error.message);
            if let Some(hint) = hint {
                words = format!("{words} ({hint})");
            }
            let trouble = Trouble::new(status, &error.message).hint(hint.unwrap_or(
                "the repository is not there, or the token may not read its deployments",
            ));
            tale.missed(words, trouble);
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

    pub fn tell_rest(
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
                tell_deployments(i, repo, found, asking, heard, tale)?;
            }
            Err(trouble) => tale.miss(format_args!("{} deployments", repo.shown), trouble)?,
        }
        let releases = wire::heard(heard, &format!("releases/{i}")).map_or_else(
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
        self.tell_milestones(i, repo, asking, heard, tale)?;
        Ok(())
    }

    fn tell_milestones(
        &self,
        i: usize,
        repo: &Repo,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(exchange) = wire::heard(heard, &format!("milestones/{i}")) else { return Ok(()) };
        let read = answer::judge(exchange, asking.now).and_then(|answer| {
            let whole = wire::next_page(answer).is_none();
            Ok((rest::milestones(answer, repo, &self.name, &mut tale.gaps)?, whole))
        });
        match read {
            Ok((milestones, whole)) => {
                tale.good += 1;
                tale.whole(Feed::Milestones, whole);
                tale.facts.extend(milestones.into_iter().map(Fact::Milestone));
            }
            // A repository without issues has no milestones either (410), and a token may not see them.
            Err(trouble) if matches!(trouble.status, Status::NotFound | Status::Auth) => {
                tale.whole(Feed::Milestones, false);
            }
            Err(trouble) => {
                tale.whole(Feed::Milestones, false);
                tale.miss(format_args!("{} milestones", repo.shown), trouble)?;
            }
        }
        Ok(())
    }

    pub fn tell_runs(
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
            let Some(exchange) = wire::heard(heard, &runs_tag(i, page)) else { break };
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
}

fn tell_deployments(
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
        let Some(exchange) = wire::heard(heard, &format!("statuses/{i}/{}", listed.id)) else {
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

/// What the headers say beside the answers: the server's version, and what will end.
pub fn tell_headers(heard: &[Exchange], tale: &mut Tale) {
    for exchange in heard {
        let Ok(Answer::Http(answer)) = &exchange.answer else { continue };
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
