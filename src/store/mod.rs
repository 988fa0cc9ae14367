//! What is remembered between runs: every fact with the moment it was learnt, and the board folded from them, now or then.

mod block;
mod care;
mod feeds;
mod fold;
mod lines;
mod opening;
mod origin;
mod pack;
mod place;
mod points;
mod read;
mod schema;
mod scribe;
mod shape;
mod tidy;
mod turned;
mod words;
mod write;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::model::nanos::{SECOND, moment, nanos};
use crate::model::{Clean, SourceName};

pub use care::{Forget, Remembered, Soundness, Stats};
pub use lines::Imported;
pub use opening::Notice;
pub use place::{Place, fingerprint, on_a_network};
pub use scribe::Scribe;
pub use tidy::Bounds;
pub use words::Trouble;
pub use write::Told;

/// The memory of one configuration. Several processes may hold it open; one of them should write.
///
/// It never stands in the way: where there is no place for it, reading finds nothing and writing does nothing,
/// and a notice said so when it was opened.
pub struct Store {
    file: Option<PathBuf>,
    /// `None`: nothing is remembered in this run.
    base: Option<Connection>,
    known: write::Known,
    /// Sources of which something could not be read when the board was recalled.
    unreadable: BTreeSet<SourceName>,
}

impl Store {
    /// Opens the memory at `place`, makes it anew, or goes on without one: the notices say what a person should know.
    pub fn open(place: &Place, now: Timestamp) -> (Self, Vec<Notice>) {
        opening::open(place, now, opening::PATIENCE)
    }

    /// The same in a hurry: one that another process holds is not waited for, and not there then.
    pub fn open_at_once(place: &Place, now: Timestamp) -> (Self, Vec<Notice>) {
        opening::open(place, now, opening::HURRY)
    }

    fn new(file: Option<PathBuf>, base: Option<Connection>) -> Self {
        Self { file, base, known: write::Known::default(), unreadable: BTreeSet::new() }
    }

    /// A memory that remembers nothing.
    pub fn none() -> Self {
        Self::new(None, None)
    }

    /// Whether anything is remembered at all.
    pub fn is_on(&self) -> bool {
        self.base.is_some()
    }

    /// Where it lies, for words.
    pub fn shown(&self) -> Clean {
        self.file.as_ref().map(|file| Clean::line(file.display())).unwrap_or_default()
    }
}
