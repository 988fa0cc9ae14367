//! What runs where, how far that lies behind, and who must say yes before more gets there.

use jiff::Timestamp;

use super::{Clean, Key, Link, Outcome};

/// One environment of a repository, or one application of a cluster, as the upstream sees it now.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Environment {
    pub key: Key,
    /// `owner/name` of what is deployed, for matching with services.
    pub repo: Clean,
    /// The application, where the upstream deploys applications; else empty.
    pub app: Clean,
    pub name: Clean,
    /// What people call the version that runs; empty when only the hash is known.
    pub version: Clean,
    pub sha: Clean,
    pub since: Option<Timestamp>,
    /// Whether what runs is what should run; `None` where the upstream does not say.
    pub in_sync: Option<bool>,
    /// The upstream's own words about it, neutral: `Healthy · OutOfSync`.
    pub state: Clean,
    /// What it is doing now, or did last.
    pub last: Option<Outcome>,
    pub url: Option<Link>,
}

/// An application, and the environment it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    pub app: Clean,
    pub environment: Clean,
}

/// The commits between what is deployed in one place and what lies ahead of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Drift {
    pub key: Key,
    pub repo: Clean,
    /// Where the older version runs, and its commit.
    pub environment: Clean,
    pub sha: Clean,
    /// What it is compared with, and that one's commit.
    pub against: Against,
    pub head: Clean,
    /// Commits the environment lacks.
    pub missing: u64,
    /// There are more of them: the upstream counts no further.
    pub at_least: bool,
    /// Commits the environment has and the other has not: a hotfix, or another line of work. `None` where it is not told.
    pub extra: Option<u64>,
    /// When the oldest missing commit was committed; `None` when nothing is missing or it is not known.
    pub oldest: Option<Timestamp>,
    /// Missing commits, oldest first; at most [`Drift::COMMITS`].
    pub commits: Vec<Commit>,
    pub url: Option<Link>,
}

impl Drift {
    /// Commits kept one by one.
    pub const COMMITS: usize = 50;
}

/// What an environment is compared with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Against {
    /// The next environment before it, in promotion order.
    Environment(Clean),
    /// The branch that releases come from: what is missing there is not deployed at all.
    Branch(Clean),
}

impl Against {
    pub fn name(&self) -> &Clean {
        match self {
            Self::Environment(name) | Self::Branch(name) => name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Commit {
    pub sha: Clean,
    /// The first line of its message.
    pub title: Clean,
    pub who: Clean,
    pub at: Option<Timestamp>,
}

/// A deploy that waits until somebody says yes.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    pub key: Key,
    pub repo: Clean,
    pub environment: Clean,
    /// The run or pipeline that waits, for people.
    pub run: Clean,
    /// Its record among the runs, where there is one.
    pub run_key: Option<Key>,
    /// What would be deployed.
    pub version: Clean,
    /// Who started it.
    pub who: Clean,
    /// Who may say yes: people and teams.
    pub approvers: Vec<Clean>,
    /// Whether the owner of andon's token may; `None` where the upstream does not say.
    pub yours: Option<bool>,
    pub since: Option<Timestamp>,
    /// It goes on by itself not before this moment.
    pub not_before: Option<Timestamp>,
    pub url: Option<Link>,
}
