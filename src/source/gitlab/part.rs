//! What is asked of each project: which lists, how often, and how far back.

use jiff::{SignedDuration, Timestamp};

use super::project::Project;
use crate::source::Asking;
use crate::source::history::Walk;

/// One list of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The project itself: its path, its pages, its default branch.
    About,
    Deployments,
    /// Deployments that wait for an approval.
    Blocked,
    Releases,
    Pipelines,
    Freezes,
    Milestones,
    /// Issues with the label of post-mortems.
    Papers,
}

/// How far back lists are read in the first poll of a run.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Pipelines come by the dozen: a shorter past is enough.
const RUNS_BACK: SignedDuration = SignedDuration::from_hours(24 * 3);
/// What was updated while the last poll was on its way is read again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

impl Part {
    pub const ALL: [Self; 8] = [
        Self::About,
        Self::Deployments,
        Self::Blocked,
        Self::Releases,
        Self::Pipelines,
        Self::Freezes,
        Self::Milestones,
        Self::Papers,
    ];

    /// For tags and words: `deployments`.
    pub fn word(self) -> &'static str {
        match self {
            Self::About => "project",
            Self::Deployments => "deployments",
            Self::Blocked => "waiting deployments",
            Self::Releases => "releases",
            Self::Pipelines => "pipelines",
            Self::Freezes => "freeze periods",
            Self::Milestones => "milestones",
            Self::Papers => "post-mortems",
        }
    }

    /// Lists that hardly change are not asked in every poll.
    pub fn is_seldom(self) -> bool {
        matches!(
            self,
            Self::About | Self::Releases | Self::Freezes | Self::Milestones | Self::Papers
        )
    }

    /// Pages read of it in one poll, 50 rows each.
    pub fn pages(self) -> usize {
        match self {
            Self::About => 1,
            Self::Deployments | Self::Pipelines => 3,
            _ => 2,
        }
    }

    pub fn tag(self, project: usize, page: usize) -> String {
        format!("{}/{project}/{page}", self.word())
    }

    /// The word in memory for how far back it is known.
    pub fn past(self, project: &Project) -> String {
        format!("history/{}/{}", self.word(), project.told)
    }

    /// Path and query of the first page; `label` is the one of post-mortems.
    pub fn first(
        self,
        project: &Project,
        environments: &[String],
        label: &str,
        asking: &Asking<'_>,
    ) -> (String, Vec<(&'static str, String)>) {
        let (below, mut query) = match self {
            Self::About => ("", vec![]),
            // Unsorted, the oldest come first. `updated_*` sees failures too; `finished_*` would ask for successes only.
            Self::Deployments => (
                "deployments",
                vec![
                    ("order_by", "updated_at".to_owned()),
                    ("sort", "desc".to_owned()),
                    ("updated_after", since(self, project, asking).to_string()),
                ],
            ),
            Self::Blocked => ("deployments", vec![("status", "blocked".to_owned())]),
            Self::Releases => (
                "releases",
                vec![("order_by", "released_at".to_owned()), ("sort", "desc".to_owned())],
            ),
            Self::Pipelines => (
                "pipelines",
                vec![
                    ("order_by", "updated_at".to_owned()),
                    ("sort", "desc".to_owned()),
                    ("updated_after", since(self, project, asking).to_string()),
                ],
            ),
            Self::Freezes => ("freeze_periods", vec![]),
            Self::Milestones => ("milestones", vec![("include_ancestors", "true".to_owned())]),
            // A list of labels is parted by commas, and means issues that have all of them.
            Self::Papers => (
                "issues",
                vec![
                    ("labels", label.to_owned()),
                    ("order_by", "updated_at".to_owned()),
                    ("sort", "desc".to_owned()),
                ],
            ),
        };
        // The API filters by one environment at most.
        if let (Self::Deployments | Self::Blocked, [only]) = (self, environments) {
            query.push(("environment", only.clone()));
        }
        if self != Self::About {
            query.push(("per_page", "50".to_owned()));
        }
        (project.path(below), query)
    }
}

/// From when on changes are wanted, in whole seconds: what was heard last time, and everything in a first poll.
pub fn since(part: Part, project: &Project, asking: &Asking<'_>) -> Timestamp {
    let back = if part == Part::Pipelines { RUNS_BACK } else { BACK };
    let last = asking.last_ok.filter(|_| asking.round > 0);
    // A project whose turn it is for the first time, or whose list failed, was not heard in the last good poll.
    let heard = match part {
        Part::Deployments => Walk::known(asking, &part.past(project)),
        _ => last,
    };
    let last = last.and_then(|last| Some(last.min(heard?) - OVERLAP));
    let since = last.unwrap_or(asking.now - back).max(asking.now - back);
    Timestamp::from_second(since.as_second()).unwrap_or(since)
}
