//! How well the machines work: each pipeline of a service with its last runs, successes, usual duration, and what waits.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::rhythm::median;
use crate::model::{Approval, Board, Clean, Outcome, Run, Service};

/// Finished runs that are counted: the last ones, so that it is about now.
const RUNS: usize = 20;

/// One pipeline of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline<'a> {
    pub workflow: Clean,
    /// Newest first; those that go on or wait among them.
    pub runs: Vec<&'a Run>,
    /// Of the last runs that came to an end by themselves: how many went well, and of how many.
    pub successes: (usize, usize),
    /// The middle of what successful runs took.
    pub usual: Option<SignedDuration>,
}

/// When a run was last heard to do something.
pub fn moment(run: &Run) -> Option<Timestamp> {
    run.updated.or(run.started)
}

/// The pipelines of a repository, in the order of their names.
pub fn pipelines<'a>(board: &'a Board, service: &Service) -> Vec<Pipeline<'a>> {
    let mut by_name: BTreeMap<Clean, Vec<&Run>> = BTreeMap::new();
    let runs = board.runs.all().map(|r| &r.what);
    for run in runs.filter(|r| of_repo(service, &r.repo)) {
        by_name.entry(run.workflow.clone()).or_default().push(run);
    }
    by_name.into_iter().map(|(workflow, runs)| pipeline(workflow, runs)).collect()
}

fn pipeline(workflow: Clean, mut runs: Vec<&Run>) -> Pipeline<'_> {
    runs.sort_by(|a, b| (moment(b), &b.key).cmp(&(moment(a), &a.key)));
    // Who cancels a run says nothing about the pipeline.
    let ended = || {
        runs.iter().filter(|r| matches!(r.outcome, Outcome::Succeeded | Outcome::Failed)).take(RUNS)
    };
    let good = || ended().filter(|r| r.outcome == Outcome::Succeeded);
    let took: Vec<f64> = good()
        .filter_map(|r| Some(r.updated?.duration_since(r.started?).as_secs_f64()))
        .filter(|s| *s >= 0.0)
        .collect();
    Pipeline {
        workflow,
        successes: (good().count(), ended().count()),
        usual: median(&took).map(SignedDuration::from_secs_f64),
        runs,
    }
}

/// Deploys of a service that wait for somebody, longest first.
pub fn waiting<'a>(board: &'a Board, service: &Service) -> Vec<&'a Approval> {
    let all = board.approvals.present().map(|r| &r.what);
    let mut own: Vec<&Approval> = all.filter(|a| of_repo(service, &a.repo)).collect();
    own.sort_by_key(|a| (a.since, &a.key));
    own
}

fn of_repo(service: &Service, repo: &Clean) -> bool {
    !service.repo.is_empty() && service.repo.as_str().eq_ignore_ascii_case(repo.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Name};

    #[test]
    fn cancelled_and_running_runs_are_neither_success_nor_failure() {
        let run = |id: i64, outcome: Outcome, minutes: i64| {
            let started = Timestamp::from_second(id * 10_000).unwrap();
            Run {
                key: Key::new(&Name::new("gh"), id.to_string()),
                repo: "O/web".into(),
                workflow: "build".into(),
                title: Clean::default(),
                branch: Clean::default(),
                sha: Clean::default(),
                event: Clean::default(),
                outcome,
                started: Some(started),
                updated: Some(started + SignedDuration::from_mins(minutes)),
                who: Clean::default(),
                url: None,
            }
        };
        let mut board = Board::default();
        for run in [
            run(1, Outcome::Succeeded, 4),
            run(2, Outcome::Failed, 1),
            run(3, Outcome::Cancelled, 90),
            run(4, Outcome::Succeeded, 6),
            run(5, Outcome::Running, 2),
            run(6, Outcome::Other("odd".into()), 2),
        ] {
            board.runs.see(run.key.clone(), run, Timestamp::UNIX_EPOCH);
        }
        let web = Service { repo: "o/web".into(), ..Service::default() };
        let found = pipelines(&board, &web);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].successes, (2, 3));
        assert_eq!(found[0].usual, Some(SignedDuration::from_mins(5)));
        assert_eq!(found[0].runs[0].key.id.raw(), "6", "newest first");
        assert!(pipelines(&board, &Service::default()).is_empty());
    }
}
