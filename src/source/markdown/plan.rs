//! What a poll has to do: which files are read now, which are as they were, and which have to wait for the next poll.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::which::{Which, which};
use super::{dates, document};
use crate::model::Progress;
use crate::source::{Asking, FileEntry};

/// Documents looked at most.
const FILES: usize = 5_000;
/// Files and bytes of one poll: what they cost to read and parse is far from its time limit, also on a slow machine.
const A_POLL: usize = 500;
const BYTES: u64 = 4 * 1024 * 1024;
/// Raised when documents are read differently: what an earlier reader made of them is then read anew.
const READER: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");

/// What became of a version of a file when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    Told,
    /// Told, but git did not know of it yet: read again in the next run.
    Uncommitted,
    /// Nothing but blanks.
    Blank,
    /// It could not be read: tried again when everything else is read.
    Refused,
}

impl Past {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Told, "told"),
        (Self::Uncommitted, "uncommitted"),
        (Self::Blank, "blank"),
        (Self::Refused, "refused"),
    ];

    /// The word to remember of a file.
    pub fn word(self, entry: &FileEntry) -> (Box<str>, Box<str>) {
        let word = Self::ALL.iter().find(|(past, _)| *past == self).map_or("", |(_, word)| word);
        (entry.below.clone(), format!("{word} {}", version(entry)).into())
    }

    /// What is remembered of a file as it is now.
    fn of(entry: &FileEntry, asking: &Asking<'_>) -> Option<Self> {
        let (word, known) = asking.memory.get(&entry.below)?.split_once(' ')?;
        let (past, _) = Self::ALL.into_iter().find(|(_, name)| *name == word)?;
        (known == version(entry)).then_some(past)
    }
}

/// Where it lies counts too: a folder that was moved has documents with other addresses.
fn version(entry: &FileEntry) -> String {
    let mut hasher = DefaultHasher::new();
    (READER, &entry.path).hash(&mut hasher);
    format!("{}-{}-{:x}", entry.bytes, entry.modified, hasher.finish())
}

/// What the listing says has to be done.
#[derive(Default)]
pub struct Plan<'a> {
    /// To be read in this poll, the newest first.
    pub read: Vec<(&'a FileEntry, Which)>,
    pub unchanged: Vec<&'a FileEntry>,
    /// Documents beyond what is looked at.
    pub beyond: usize,
    /// Left for the next poll.
    pub later: Vec<&'a FileEntry>,
    /// Some of these were never tried.
    goes_on: bool,
    pub skipped: usize,
    pub empty: usize,
}

impl<'a> Plan<'a> {
    pub fn of(files: &'a [FileEntry], asking: &Asking<'_>) -> Self {
        let mut plan = Self::default();
        let mut documents = Vec::new();
        for entry in files {
            match which(&entry.below) {
                Which::Other => {}
                Which::Skipped => plan.skipped += 1,
                Which::Document | Which::Rst if entry.bytes == 0 => plan.empty += 1,
                kind => documents.push((entry, kind)),
            }
        }
        if documents.len() > FILES {
            documents.sort_by_cached_key(|(entry, _)| Reverse(day(entry)));
            plan.beyond = documents.len() - FILES;
            documents.truncate(FILES);
        }
        let mut unread = Vec::new();
        for (entry, kind) in documents {
            match Past::of(entry, asking) {
                Some(Past::Told) => plan.unchanged.push(entry),
                Some(Past::Uncommitted) if asking.round > 0 => plan.unchanged.push(entry),
                Some(Past::Blank) => plan.empty += 1,
                past => unread.push((entry, kind, past == Some(Past::Refused))),
            }
        }
        // One that cannot be read must not stand in the way of those that can.
        unread.sort_by_cached_key(|(entry, _, refused)| (*refused, Reverse(day(entry))));
        let mut bytes = 0;
        for (entry, kind, refused) in unread {
            if plan.read.len() == A_POLL || (bytes >= BYTES && !plan.read.is_empty()) {
                plan.later.push(entry);
                plan.goes_on |= !refused;
            } else {
                bytes += entry.bytes.min(document::CAP as u64);
                plan.read.push((entry, kind));
            }
        }
        plan
    }

    /// How far it is once this poll is through; `None` when that is as far as it gets.
    pub fn progress(&self) -> Option<Progress> {
        let read = self.unchanged.len() + self.read.len();
        self.goes_on.then_some(Progress { read, of: read + self.later.len() })
    }
}

/// The day a file is of, as well as that can be told without reading it.
fn day(entry: &FileEntry) -> Option<Date> {
    let named = dates::first(&entry.below, true).map(|spotted| spotted.date);
    named.or_else(|| {
        let at = Timestamp::from_nanosecond(entry.modified).ok()?;
        Some(TimeZone::UTC.to_datetime(at).date())
    })
}
