//! Lists read by REST: workflow runs always, deployments with their statuses and releases where GraphQL is not to be had.

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Step, of_deployment, of_run};
use super::repo::Repo;
use crate::model::{Clean, Deploy, Key, Milestone, Outcome, Release, Run, SourceName, Trouble};
use crate::source::HttpAnswer;
use crate::source::rows::{self, Gaps, Row};

/// One page of runs.
#[derive(Debug, Default)]
pub struct Runs {
    pub runs: Vec<Run>,
    /// How many the server has in all.
    pub total: Option<u64>,
    /// Numbers of the runs that wait for an approval, with what is known of them.
    pub waiting: Vec<Waiting>,
    /// The oldest on the page, to know whether a next one is wanted.
    pub oldest: Option<Timestamp>,
}

/// A run that waits until somebody lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    pub id: u64,
    pub workflow: String,
    pub who: String,
    pub sha: String,
    pub branch: String,
    /// When the run began; absent in what earlier versions remembered.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

pub fn runs(
    answer: &HttpAnswer,
    repo: &Repo,
    source: &SourceName,
    gaps: &mut Gaps,
) -> Result<Runs, Trouble> {
    let page = rows::members(&answer.body)?;
    let Some(items) = rows::items_of(&page, "workflow_runs")? else {
        return Err(Trouble::bad_data("no workflow_runs in the answer"));
    };
    let mut waiting = Vec::new();
    let runs = gaps.read(&format!("/{}/workflow_runs", repo.shown), &items, |row| {
        let id = row.id("/id")?;
        if row.raw("/status") == "waiting" {
            // It becomes part of a path: only a number may.
            waiting.extend(id.parse().ok().map(|id| Waiting {
                id,
                workflow: row.first_text(&["/name", "/path"]).to_string(),
                who: row.first_text(&["/triggering_actor/login", "/actor/login"]).to_string(),
                sha: row.text("/head_sha").to_string(),
                branch: row.text("/head_branch").to_string(),
                since: row.time("/run_started_at").or_else(|| row.time("/created_at")),
            }));
        }
        Some(Run {
            key: Key::new(source, repo.run_id(&id)),
            repo: repo.shown.clone(),
            workflow: row.first_text(&["/name", "/path"]),
            title: row.text("/display_title"),
            branch: row.text("/head_branch"),
            sha: row.text("/head_sha"),
            event: row.text("/event"),
            outcome: of_run(row.raw("/status"), row.raw("/conclusion")),
            started: row.time("/run_started_at").or_else(|| row.time("/created_at")),
            updated: row.time("/updated_at"),
            who: row.first_text(&["/triggering_actor/login", "/actor/login"]),
            url: row.link("/html_url").or_else(|| repo.page(&format!("actions/runs/{id}"))),
        })
    });
    let oldest = runs.iter().filter_map(|r| r.started).min();
    Ok(Runs { runs, total: rows::value_of(&page, "total_count").as_u64(), waiting, oldest })
}

/// A deployment as listed: REST gives it without any state.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: String,
    /// Changes whenever a status is added.
    pub updated: Option<Timestamp>,
    pub deploy: Deploy,
}

/// Deployments, newest first, each with the outcome `Waiting` until its statuses are read.
pub fn deployments(
    answer: &HttpAnswer,
    repo: &Repo,
    source: &SourceName,
    environments: &[String],
    gaps: &mut Gaps,
) -> Result<Vec<Listed>, Trouble> {
    let items = rows::items(&answer.body)?;
    let mut listed = gaps.read(&format!("/{}/deployments", repo.shown), &items, |row| {
        // It becomes part of a path: only a number may.
        let id = row.number("/id")?.to_string();
        Some((row.raw("/environment").to_owned(), listed(row, id, repo, source)))
    });
    listed.retain(|(name, _)| environments.is_empty() || environments.contains(name));
    Ok(listed.into_iter().map(|(_, deployment)| deployment).collect())
}

fn listed(row: &Row<'_>, id: String, repo: &Repo, source: &SourceName) -> Listed {
    // GraphQL has no number for ids beyond 32 bits: the same deployment must keep one identity.
    let wide = id.parse::<i64>().is_ok_and(|n| n > i64::from(i32::MAX));
    let identity = Some(row.raw("/node_id")).filter(|n| wide && !n.is_empty()).unwrap_or(&id);
    let (sha, named) = (row.raw("/sha"), row.raw("/ref"));
    let is_sha = !sha.is_empty() && named.len() >= 7 && sha.starts_with(named);
    Listed {
        updated: row.time("/updated_at"),
        deploy: Deploy {
            key: Key::new(source, repo.deployment_id(identity)),
            repo: repo.shown.clone(),
            app: Clean::default(),
            environment: row.text("/environment"),
            version: if is_sha { Clean::default() } else { row.text("/ref") },
            sha: row.text("/sha"),
            started: row.time("/created_at"),
            finished: None,
            outcome: Outcome::Waiting,
            who: row.text("/creator/login"),
            description: row.text("/description"),
            committed: None,
            url: repo.page("deployments"),
        },
        id,
    }
}

/// A deployment that got no status for this long is given up, as GraphQL's `ABANDONED` has it.
const GIVEN_UP: SignedDuration = SignedDuration::from_mins(30);

/// Completes a listed deployment with its statuses.
pub fn with_statuses(
    listed: &Listed,
    answer: &HttpAnswer,
    now: Timestamp,
    gaps: &mut Gaps,
) -> Result<Deploy, Trouble> {
    let items = rows::items(&answer.body)?;
    let place = format!("/deployments/{}/statuses", listed.id);
    let statuses = gaps.read(&place, &items, |row| {
        let at = row.time("/created_at");
        let log = row.link("/log_url").or_else(|| row.link("/target_url"));
        Some((Step::new(row.raw("/state"), at), at, log))
    });
    let steps: Vec<Step> = statuses.iter().map(|(step, ..)| step.clone()).collect();
    let mut deploy = listed.deploy.clone();
    (deploy.outcome, deploy.finished) = of_deployment("", &steps);
    let touched = steps.iter().filter_map(|s| s.at).max().or(listed.updated).or(deploy.started);
    if deploy.outcome == Outcome::Waiting
        && steps.iter().all(|s| s.word == "pending")
        && touched.is_some_and(|t| now.duration_since(t) > GIVEN_UP)
    {
        deploy.outcome = Outcome::Other("abandoned".into());
    }
    let log = statuses.into_iter().filter_map(|(_, at, log)| Some((at, log?)));
    if let Some((_, log)) = log.max_by_key(|(at, _)| *at) {
        deploy.url = Some(log);
    }
    Ok(deploy)
}

pub fn releases(
    answer: &HttpAnswer,
    repo: &Repo,
    source: &SourceName,
    gaps: &mut Gaps,
) -> Result<Vec<Release>, Trouble> {
    let items = rows::items(&answer.body)?;
    Ok(gaps.read(&format!("/{}/releases", repo.shown), &items, |row| {
        let id = row.id("/id")?;
        Some(Release {
            key: Key::new(source, repo.release_id(&id)),
            repo: repo.shown.clone(),
            tag: row.text("/tag_name"),
            name: row.text("/name"),
            draft: row.flag("/draft"),
            prerelease: row.flag("/prerelease"),
            published: row.time("/published_at"),
            author: row.text("/author/login"),
            url: row.link("/html_url").or_else(|| repo.page("releases")),
        })
    }))
}

/// GitHub keeps a day as a moment of that day in its own zone: its date in UTC is the day that was meant.
pub fn day(row: &Row<'_>, path: &str) -> Option<jiff::civil::Date> {
    row.time(path).map(|at| jiff::tz::TimeZone::UTC.to_datetime(at).date())
}

pub fn milestones(
    answer: &HttpAnswer,
    repo: &Repo,
    source: &SourceName,
    gaps: &mut Gaps,
) -> Result<Vec<Milestone>, Trouble> {
    let items = rows::items(&answer.body)?;
    Ok(gaps.read(&format!("/{}/milestones", repo.shown), &items, |row| {
        let closed = row.number("/closed_issues").unwrap_or_default();
        let open = row.number("/open_issues").unwrap_or_default();
        Some(Milestone {
            key: Key::new(source, repo.milestone_id(row.number("/number")?)),
            repo: repo.shown.clone(),
            title: row.text("/title"),
            about: row.headline("/description"),
            start: None,
            due: day(row, "/due_on"),
            done: row.raw("/state") == "closed",
            done_at: row.time("/closed_at"),
            done_on: None,
            items: Some((closed, closed.saturating_add(open))),
            url: row.link("/html_url"),
        })
    }))
}

/// The version of the API pinned for a host: Enterprise Server knows the older one only.
pub fn version(host: &str) -> &'static str {
    if host == "api.github.com" || host.ends_with(".ghe.com") { "2026-03-10" } else { "2022-11-28" }
}

/// `true` where a list says it is whole: it holds as many as the server counts.
pub fn is_whole(total: Option<u64>, read: usize) -> bool {
    total.is_some_and(|total| total == read as u64)
}

/// Deployments whose statuses need not be read again: `id=updated`, joined by spaces.
pub fn remembered(settled: &[(String, Timestamp)]) -> String {
    let words: Vec<String> =
        settled.iter().map(|(id, at)| format!("{id}={}", at.as_second())).collect();
    words.join(" ")
}

/// Whether memory holds this very state of a deployment.
pub fn is_settled(memory: &str, listed: &Listed) -> bool {
    let Some(updated) = listed.updated else { return false };
    memory.split(' ').any(|word| {
        word.split_once('=')
            .is_some_and(|(id, at)| id == listed.id && at.parse() == Ok(updated.as_second()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_gets_the_version_it_knows() {
        assert_eq!(version("api.github.com"), "2026-03-10");
        assert_eq!(version("api.acme.ghe.com"), "2026-03-10");
        assert_eq!(version("github.acme.example"), "2022-11-28");
        assert_eq!(version("127.0.0.1"), "2022-11-28");
    }

    #[test]
    fn a_list_is_whole_only_when_it_was_counted() {
        assert!(is_whole(Some(3), 3));
        assert!(!is_whole(Some(4), 3));
        assert!(!is_whole(None, 0));
    }
}
