//! Which of the issues that documents link to are asked about now: some at a time, again after a while, at once when new ones are linked.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use jiff::SignedDuration;

use super::{Asking, Reading};
use crate::model::{Clean, Fact, Feed, Report, Status, Ticket, Trouble};

/// Issues change slowly, and most that are linked are closed for good.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Memory: when they were asked about last, where to go on, of which wishes, and what was worth a note.
const LINKED: &str = "linked";

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Last {
    /// Epoch seconds.
    at: i64,
    from: usize,
    wishes: u64,
    note: String,
}

/// The issues of this poll, as places in the list of those that are wanted.
#[derive(Debug)]
pub struct Turn {
    last: Last,
    /// Nobody is asked now.
    rests: bool,
    places: Vec<usize>,
    whole: bool,
    next: usize,
    wishes: u64,
}

impl Turn {
    /// At most `most` of the wanted `names`, beginning where the turn before ended.
    pub fn of<T: Hash>(asking: &Asking<'_>, names: &[T], most: usize) -> Self {
        let words = asking.memory.get(LINKED);
        let last: Last = words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        names.hash(&mut hasher);
        let wishes = hasher.finish();
        let since = asking.now.as_second() - last.at;
        // A clock that was set back must not keep them waiting.
        let rests = (0..EVERY.as_secs()).contains(&since) && last.wishes == wishes;
        let begin = if last.wishes == wishes && last.from < names.len() { last.from } else { 0 };
        let end = names.len().min(begin + most);
        let places = if rests { Vec::new() } else { (begin..end).collect() };
        let next = if end == names.len() { 0 } else { end };
        Self { last, rests, places, whole: begin == 0 && next == 0, next, wishes }
    }

    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Ends the poll: what was told of the issues asked about, in the order of the places; `None` where one is not there
    /// or may not be seen. After a refusal they are left alone for a while.
    pub fn told(self, asking: &Asking<'_>, told: Result<Vec<Option<Ticket>>, Trouble>) -> Reading {
        let mut report = Report::default();
        let mut last = self.last;
        if !self.rests {
            last = Last { at: asking.now.as_second(), wishes: self.wishes, ..Last::default() };
            match told {
                Ok(told) => {
                    let (all, found) = (told.len(), told.into_iter().flatten());
                    report.facts.extend(found.map(Fact::Ticket));
                    let missing = all - report.facts.len();
                    if missing > 0 {
                        last.note = format!(
                            "{missing} of {all} linked issues are not there, or the credential may not see them"
                        );
                    }
                    last.from = self.next;
                    if self.whole {
                        report.complete.push(Feed::Tickets);
                    }
                }
                Err(trouble) => {
                    last.note = format!("linked issues: {trouble}");
                    let wait = trouble.retry_after.unwrap_or_default();
                    if trouble.status == Status::RateLimited && wait > EVERY {
                        last.at += wait.as_secs() - EVERY.as_secs();
                    }
                }
            }
        }
        if !last.note.is_empty() {
            report.notes.push(Clean::line(&last.note));
        }
        if !self.rests {
            let words = serde_json::to_string(&last).unwrap_or_default();
            report.remember.push((LINKED.into(), words.into()));
        }
        Reading::Done(report)
    }
}
