//! The history of documents in a work tree: who wrote them and when, from what git's log prints.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Clean, Dated, Found, PostMortem, ReadFrom, Revision};

/// Commits asked for: enough for a folder of thousands of documents.
pub const COMMITS: usize = 10_000;
/// Revisions and authors kept of one document.
const MOST: usize = 50;

/// What git told of a folder.
#[derive(Debug, Default)]
pub struct History {
    /// Newest first, by the path below the folder.
    files: BTreeMap<Box<str>, Vec<Revision>>,
    /// What came first is not among it.
    cut: bool,
}

impl History {
    /// Reads records of `\x1e seconds \x1f author \x1f subject \0 \n path \0 …`.
    pub fn read(bytes: &[u8], cut: bool) -> Self {
        let words = String::from_utf8_lossy(bytes);
        let mut history = Self { cut, ..Self::default() };
        let mut commits = 0;
        for record in words.split('\u{1e}').skip(1) {
            commits += 1;
            let mut parts = record.split('\0');
            let mut head = parts.next().unwrap_or_default().splitn(3, '\u{1f}');
            let seconds = head.next().and_then(|s| s.parse().ok());
            let Some(at) = seconds.and_then(|s| Timestamp::from_second(s).ok()) else { continue };
            let who = Clean::line(head.next().unwrap_or_default());
            let what = Clean::line(head.next().unwrap_or_default());
            for path in parts.map(|path| path.trim_start_matches('\n')).filter(|p| !p.is_empty()) {
                let revision = Revision { at, who: who.clone(), what: what.clone() };
                history.files.entry(path.into()).or_default().push(revision);
            }
        }
        history.cut |= commits >= COMMITS;
        history
    }

    /// Git was asked and could not be heard.
    pub fn unheard() -> Self {
        Self { cut: true, ..Self::default() }
    }

    /// There is no work tree here, so that there is nothing to wait for.
    fn is_settled(&self) -> bool {
        self.files.is_empty() && !self.cut
    }

    /// Adds what is known of a document: its revisions, its authors where it names none, and the day it was first
    /// written down where it has no date of its own. False when it may tell more another time: the document is not
    /// committed yet, or git could not be heard.
    pub fn tell(&self, p: &mut PostMortem, below: &str, zone: &TimeZone) -> bool {
        let Some(revisions) = self.files.get(below) else { return self.is_settled() };
        p.history = revisions.iter().take(MOST).cloned().collect();
        if p.authors.is_empty() {
            for revision in revisions {
                let known = p.authors.iter().any(|a| a.value == revision.who);
                if !known && !revision.who.is_empty() && p.authors.len() < MOST {
                    p.authors.push(Found::new(revision.who.clone(), ReadFrom::Git));
                }
            }
        }
        if p.dated.is_none()
            && !self.cut
            && let Some(first) = revisions.last()
        {
            let date = Found::new(zone.to_datetime(first.at).date(), ReadFrom::Git);
            p.dated = Some(Dated { date, conflicts: Vec::new() });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Name};

    const LOG: &[u8] = "\u{1e}1795368969\u{1f}Ben\u{1f}second: x\0\na b.md\0d.md\0\u{1e}1600000000\u{1f}Ada\u{1f}first \u{1b}[31m\0\na b.md\0".as_bytes();

    fn told(history: &History, dated: Option<Dated>) -> PostMortem {
        let key = Key::new(&Name::new("s"), "a b.md");
        let mut p = PostMortem::new(key, "a b.md".into(), "a".into(), "".into());
        p.dated = dated;
        history.tell(&mut p, "a b.md", &TimeZone::UTC);
        p
    }

    #[test]
    fn a_document_without_a_date_was_first_written_down_on_a_day() {
        let p = told(&History::read(LOG, false), None);
        let dated = p.dated.unwrap();
        assert_eq!(
            (dated.date.value.to_string().as_str(), dated.date.place),
            ("2020-09-13", ReadFrom::Git)
        );
        let who: Vec<&str> = p.authors.iter().map(|a| a.value.as_str()).collect();
        assert_eq!((who, p.history.len()), (vec!["Ben", "Ada"], 2));
        assert_eq!(p.history[1].what.as_str(), "first ␛[31m", "what a commit says is cleaned");
    }

    #[test]
    fn a_date_of_its_own_stays_and_a_cut_history_knows_no_beginning() {
        let own = Dated {
            date: Found::new("2019-01-01".parse().unwrap(), ReadFrom::FileName),
            conflicts: Vec::new(),
        };
        assert_eq!(told(&History::read(LOG, false), Some(own.clone())).dated, Some(own));
        assert_eq!(told(&History::read(LOG, true), None).dated, None);
        assert_eq!(told(&History::read(b"", false), None).history, []);
    }

    proptest::proptest! {
        #[test]
        fn no_output_is_too_odd(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = History::read(&bytes, false);
        }
    }
}
