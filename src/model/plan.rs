//! What is planned: milestones and versions, due on a day (which has no zone), not at a moment.

use jiff::{Timestamp, civil::Date};

use super::{Clean, Key, Link};

/// A milestone of a code host, or a version of an issue tracker.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Milestone {
    pub key: Key,
    /// The repository, `group/project`, or the key of the tracker's project: for matching with services.
    pub repo: Clean,
    pub title: Clean,
    /// The first line of its description.
    pub about: Clean,
    pub start: Option<Date>,
    /// The day it was promised for.
    pub due: Option<Date>,
    /// Released, or closed.
    pub done: bool,
    /// When it was closed, where the upstream knows the moment.
    pub done_at: Option<Timestamp>,
    /// The day it was released on, where the upstream knows only that.
    pub done_on: Option<Date>,
    /// Work items in it: done, and all of them.
    pub items: Option<(u64, u64)>,
    pub url: Option<Link>,
}
