//! The story of one poll while it is put together: facts, what is missing, and when that is worse than partial.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;

use crate::model::{Clean, Fact, Feed, Id, Known, Report, Status, Trouble};
use crate::source::Reading;
use crate::source::rows::Gaps;

/// Missing things that are named one by one; the rest is counted.
const NAMED: usize = 3;

#[derive(Debug, Default)]
pub struct Tale {
    pub facts: Vec<Fact>,
    pub still: Vec<(Feed, Id)>,
    pub gaps: Gaps,
    pub notes: Vec<String>,
    pub about: Option<Clean>,
    /// A deprecation told by the server: the first is enough.
    pub ending: Option<String>,
    /// Answers that were read.
    pub good: usize,
    pub changes: Vec<Known>,
    missed: Vec<(String, Trouble)>,
    late: Vec<String>,
    remember: Vec<(Box<str>, Box<str>)>,
    whole: BTreeMap<Feed, bool>,
}

impl Tale {
    /// Something could not be had. A rate limit ends the poll: everything else would be refused as well.
    pub fn miss(&mut self, what: impl Display, trouble: Trouble) -> Result<(), Trouble> {
        if trouble.status == Status::RateLimited {
            return Err(trouble);
        }
        let words = match &trouble.hint {
            Some(hint) => format!("{what}: {trouble} ({hint})"),
            None => format!("{what}: {trouble}"),
        };
        self.missed(words, trouble);
        Ok(())
    }

    /// The same, already in words.
    pub fn missed(&mut self, words: String, trouble: Trouble) {
        self.missed.push((words, trouble));
    }

    /// Something of the past could not be had: it is said and asked again, and what is told of now is whole without it.
    pub fn late(&mut self, words: String) {
        self.late.push(words);
    }

    /// Whether a list held everything there is; a feed is complete only if all its lists were.
    pub fn whole(&mut self, feed: Feed, whole: bool) {
        *self.whole.entry(feed).or_insert(true) &= whole;
    }

    /// The changes of a repository or an application are known from here on; `None` when they could not be had.
    pub fn known(&mut self, of: impl Display, from: Option<Timestamp>) {
        Known::learn(&mut self.changes, &[Known { of: Clean::line(of), from }]);
    }

    pub fn remember(&mut self, key: &str, words: String) {
        self.remember.push((key.into(), words.into()));
    }

    /// The first trouble, for a poll that gave nothing.
    pub fn worst(&self) -> Trouble {
        let first = self.missed.first().map(|(_, trouble)| trouble.clone());
        first.unwrap_or_else(|| Trouble::bad_data("nothing was told"))
    }

    /// Ends the story. `everything`: all repositories were asked in this poll.
    pub fn report(self, everything: bool) -> Result<Reading, Trouble> {
        // In a rotation the next turn may fare better: only then a poll without any answer is not a failure.
        if self.good == 0 && !self.missed.is_empty() && everything {
            return Err(self.worst());
        }
        if self.gaps.lost_everything() {
            let words = self.gaps.words().unwrap_or_default();
            return Err(Trouble::bad_data(words));
        }
        let is_whole = everything && self.missed.is_empty() && self.gaps.is_empty();
        let complete = if is_whole {
            self.whole.iter().filter(|(_, whole)| **whole).map(|(feed, _)| *feed).collect()
        } else {
            Vec::new()
        };
        let mut words: Vec<String> =
            self.missed.iter().take(NAMED).map(|(words, _)| words.clone()).collect();
        if self.missed.len() > NAMED {
            words.push(format!("and {} more", self.missed.len() - NAMED));
        }
        words.extend(self.gaps.words());
        words.extend(self.late);
        let mut notes = self.notes;
        notes.extend(self.ending);
        notes.dedup();
        Ok(Reading::Done(Report {
            facts: self.facts,
            complete,
            still: self.still,
            remember: self.remember,
            partial: (!words.is_empty()).then(|| Clean::line(words.join("; "))),
            notes: notes.into_iter().map(Clean::from).collect(),
            expected: None,
            changes: self.changes,
            about: self.about,
            progress: None,
        }))
    }
}
