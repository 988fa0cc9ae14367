//! What changes a running system: deploys, releases, pipeline runs, configuration and flag changes.

use jiff::Timestamp;

use super::{Clean, Key, Link, Name, SourceName};

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    Succeeded,
    Failed,
    Running,
    /// Queued, or waiting for an approval.
    Waiting,
    Cancelled,
    /// A word this version does not know: shown as itself, never green.
    Other(Clean),
}

impl Outcome {
    pub fn word(&self) -> &str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Cancelled => "cancelled",
            Self::Other(word) => word.as_str(),
        }
    }
}

/// One attempt to bring a version to an environment.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Deploy {
    pub key: Key,
    /// `owner/name`, for matching with services.
    pub repo: Clean,
    /// The application, where the upstream deploys applications and not repositories; else empty.
    pub app: Clean,
    pub environment: Clean,
    /// A tag or branch, else empty.
    pub version: Clean,
    pub sha: Clean,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub outcome: Outcome,
    pub who: Clean,
    pub description: Clean,
    /// When the deployed commit was committed.
    pub committed: Option<Timestamp>,
    pub url: Option<Link>,
}

/// The commits from one to another, counted: what a deploy of `head` brings where `base` ran. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Brought {
    pub key: Key,
    /// `owner/name`, as its deploys say it.
    pub repo: Clean,
    pub base: Clean,
    pub head: Clean,
    /// Commits that `head` has and `base` has not.
    pub ahead: u64,
    /// There are more of them: the upstream counts no further.
    pub at_least: bool,
    /// Commits that `base` has and `head` has not: what is taken back. `None` where it is not told.
    pub behind: Option<u64>,
}

/// A published (or drafted) release.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Release {
    pub key: Key,
    pub repo: Clean,
    pub tag: Clean,
    pub name: Clean,
    pub draft: bool,
    pub prerelease: bool,
    /// `None` while it is a draft. Not the commit's date.
    pub published: Option<Timestamp>,
    pub author: Clean,
    pub url: Option<Link>,
}

/// One run of a pipeline or workflow.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Run {
    pub key: Key,
    pub repo: Clean,
    pub workflow: Clean,
    pub title: Clean,
    pub branch: Clean,
    pub sha: Clean,
    pub event: Clean,
    pub outcome: Outcome,
    pub started: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub who: Clean,
    pub url: Option<Link>,
}

/// Branches that work is merged to.
const TRUNKS: [&str; 4] = ["main", "master", "trunk", "production"];

impl Run {
    /// It ran because something was merged to the branch that counts.
    pub fn is_of_a_merge(&self) -> bool {
        matches!(self.event.as_str(), "push" | "merge_group")
            && TRUNKS.contains(&self.branch.as_str())
    }
}

/// Any other change: configuration, feature flag, infrastructure.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    pub key: Key,
    pub summary: Clean,
    /// What told of it: `flags`, `terraform` …
    pub origin: Clean,
    /// Who made it; empty where nobody says.
    #[serde(default)]
    pub who: Clean,
    /// When it was made, or began.
    pub at: Option<Timestamp>,
    /// Its end, for one that takes a while.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Upstream services it names, raw ids; empty touches everything.
    pub service_ids: Vec<Box<str>>,
    pub service_names: Vec<Clean>,
    pub url: Option<Link>,
}

/// A source that tells of changes, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSource {
    pub source: SourceName,
    pub of: ChangesOf,
    /// Deploys are among them. A log of feature flags knows nothing of those.
    pub deploys: bool,
}

/// Whose changes a source tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangesOf {
    Everybody,
    Services(Vec<Name>),
    /// What is released from these repositories: `owner/name`.
    Repos(Vec<Clean>),
    /// Repositories or applications that it names once it answers (`Freshness::changes`).
    Listed,
    /// Only what a change of it named before: where nobody sends it any, its silence says nothing.
    Named,
}

/// How far back a source knows the changes of something, as of its last good answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    /// A repository or an application; empty for everything that the source tells of.
    pub of: Clean,
    /// Without a gap from here on; `None` when it could not be had.
    pub from: Option<Timestamp>,
}

impl Known {
    /// Takes over what an answer told: what was not asked about this time stays.
    pub fn learn(known: &mut Vec<Self>, told: &[Self]) {
        for one in told {
            match known.iter_mut().find(|k| k.of == one.of) {
                Some(known) => known.from = one.from,
                None => known.push(one.clone()),
            }
        }
    }
}
