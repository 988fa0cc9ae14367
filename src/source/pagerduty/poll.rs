//! One poll put together, once its lists have all been heard.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::incident::{self, Ranks};
use super::memory::{self, Ack, Memory};
use super::oncall::{self, Policies};
use super::part::{self, Page, Part};
use super::{CHANGES, PagerDuty, Pages, RESOLVED, find, judge};
use crate::model::{Clean, Fact, Feed, Incident, Known, Report, Status, Trouble};
use crate::source::history::{History, reach};
use crate::source::rows::Gaps;
use crate::source::{Asking, Exchange, Reading};

/// Incidents asked one by one in a poll: those that left the lists, and the stories of those that ended.
const SINGLY: usize = 10;

/// Memory: since when changes are known.
const KNOWN: &str = "known/changes";

/// One poll whose lists have all been heard.
pub struct Poll<'a> {
    pub source: &'a PagerDuty,
    pub asking: &'a Asking<'a>,
    pub heard: &'a [Exchange],
    pub lists: BTreeMap<Part, Pages<'a>>,
    pub gaps: Gaps,
}

impl Poll<'_> {
    pub fn read(&mut self) -> Result<Reading, Trouble> {
        let memory = Memory::new(self.asking);
        let name = &self.source.name;
        let mut report = Report::default();
        let mut partial: Vec<String> = Vec::new();
        let mut remember: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (part, rest) in Part::ALL.into_iter().filter_map(|p: Part| Some((p, memory.rests(p)?)))
        {
            let words = format!("{}: {}", part.words(), rest.words);
            if rest.is_note { report.notes.push(Clean::from(words)) } else { partial.push(words) }
        }
        for (part, pages) in &self.lists {
            if let Some(trouble) = &pages.trouble {
                let words = format!("{}: {trouble}", part.words());
                // What the plan does not hold is worth a note, not a warning.
                if memory::is_plan(trouble) {
                    report.notes.push(Clean::from(words));
                } else {
                    partial.push(words);
                }
                remember.extend(memory::rest(*part, trouble, self.asking.now));
            } else if pages.cut && *part != Part::Past {
                let words = format!("{}: truncated at {}", part.words(), count(pages));
                report.notes.push(Clean::from(words));
            }
        }
        let ranks = match self.take(Part::Priorities, &Ranks::read) {
            Some(ranks) => {
                remember.push(memory::keep(Part::Priorities, &ranks));
                ranks
            }
            None => memory.recall(Part::Priorities).unwrap_or_default(),
        };
        let policies = match self.take(Part::Services, &Policies::read) {
            Some(policies) => {
                remember.push(memory::keep(Part::Services, &policies));
                policies
            }
            None => memory.recall(Part::Services).unwrap_or_default(),
        };

        let mut seen = BTreeSet::new();
        let mut incidents = Vec::new();
        for part in [Part::Open, Part::Resolved, Part::Past] {
            for page in self.lists.get(&part).map_or(&[][..], |l| &l.heard) {
                incidents.extend(
                    self.gaps
                        .read(part.path(), &page.items, |row| incident::read(row, name, &ranks)),
                );
            }
        }
        let history = self.history(&incidents);
        report.notes.extend(history.words());
        remember.push(history.remember());
        // Rows move between lists while they are read: of two tellings the end counts.
        incidents.sort_by_key(|i| i.status.is_open());
        incidents.retain(|i| seen.insert(i.key.id.clone()));

        // Incidents known as open that no list holds any more: asked by name, so that their end is told.
        let mut acks: BTreeMap<String, Ack> = memory.acks();
        let mut more = Vec::new();
        let gone = memory.open().into_iter().filter(|id| !seen.iter().any(|s| s.raw() == id));
        let mut gone: Vec<String> = gone.filter(|id| is_plain(id)).collect();
        let mut unread = gone.split_off(gone.len().min(SINGLY));
        for id in gone {
            let tag = format!("incident/{id}");
            match find(self.heard, &tag) {
                None => {
                    let query = [("time_zone", "UTC".to_owned())];
                    more.push(self.source.get(tag, &format!("incidents/{id}"), &query));
                }
                Some(exchange) => {
                    let read = judge(exchange, self.asking.now)
                        .and_then(|a| incident::single(&a.body, name, &ranks, &mut self.gaps));
                    match read {
                        Ok(incident) => incidents.extend(incident),
                        // Deleted: its absence is the fact.
                        Err(trouble) if trouble.status == Status::NotFound => {}
                        Err(trouble) => {
                            partial.push(format!("incident {id}: {trouble}"));
                            unread.push(id);
                        }
                    }
                }
            }
        }
        // A resolved incident no longer tells who had acknowledged it, and when: its log does.
        let untold = incidents.iter().filter(|i| !i.status.is_open() && i.acked.is_none());
        let untold =
            untold.filter(|i| is_plain(i.key.id.raw()) && !acks.contains_key(i.key.id.raw()));
        let most = if memory.rests(Part::Logs).is_some() { 0 } else { SINGLY };
        let untold: Vec<String> = untold.take(most).map(|i| i.key.id.raw().to_owned()).collect();
        for id in untold {
            let tag = format!("log/{id}");
            match find(self.heard, &tag) {
                None => {
                    let path = format!("incidents/{id}/log_entries");
                    let query = [
                        ("is_overview", "true".to_owned()),
                        ("limit", part::LIMIT.to_string()),
                        ("time_zone", "UTC".to_owned()),
                    ];
                    more.push(self.source.get(tag, &path, &query));
                }
                Some(exchange) => {
                    let ack = judge(exchange, self.asking.now)
                        .and_then(|a| incident::acknowledged(&a.body, &mut self.gaps));
                    match ack {
                        Ok(ack) => {
                            acks.insert(id, ack);
                        }
                        Err(trouble) => {
                            remember.extend(memory::rest(Part::Logs, &trouble, self.asking.now));
                            partial.push(format!("{} {id}: {trouble}", Part::Logs.words()));
                            break;
                        }
                    }
                }
            }
        }
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        for incident in &mut incidents {
            incident::complete(incident, &mut acks);
        }
        let known: BTreeSet<&str> = incidents.iter().map(|i| i.key.id.raw()).collect();
        acks.retain(|id, _| known.contains(id.as_str()));
        remember.push(memory::keep_acks(&acks));
        remember.push(memory::keep_open(&incidents, &unread));
        report.facts.extend(incidents.into_iter().map(Fact::Incident));

        if let Some(list) = self.lists.get(&Part::OnCalls) {
            let mut shifts = Vec::new();
            for page in &list.heard {
                shifts.extend(
                    self.gaps
                        .read("oncalls", &page.items, |row| oncall::read(row, name, &policies)),
                );
            }
            let mut seen = BTreeSet::new();
            shifts.retain(|s| seen.insert(s.key.id.clone()));
            report.facts.extend(shifts.into_iter().map(Fact::Shift));
        }
        if let Some(list) = self.lists.get(&Part::Changes) {
            let mut changes = Vec::new();
            for page in &list.heard {
                changes.extend(
                    self.gaps.read("change_events", &page.items, |row| oncall::change(row, name)),
                );
            }
            let from = list.trouble.is_none().then(|| {
                let asked = self.asking.now - CHANGES;
                let oldest = changes.iter().filter_map(|c| c.at).min();
                let bottom = if list.cut { oldest.unwrap_or(self.asking.now) } else { asked };
                let (from, words) = reach(self.asking, KNOWN, bottom);
                remember.push((KNOWN.into(), words.into()));
                from
            });
            report.changes.push(Known { of: Clean::default(), from });
            report.facts.extend(changes.into_iter().map(Fact::Change));
        }
        if self.gaps.lost_everything() {
            return Err(Trouble::bad_data(self.gaps.words().unwrap_or_default()));
        }
        if self.gaps.is_empty() {
            let whole = |part| self.lists.get(&part).is_some_and(Pages::is_whole);
            if whole(Part::Open) && whole(Part::Resolved) && unread.is_empty() {
                report.complete.push(Feed::Incidents);
            }
            if whole(Part::OnCalls) {
                report.complete.push(Feed::Shifts);
            }
        }
        partial.extend(self.gaps.words());
        report.partial = (!partial.is_empty()).then(|| Clean::line(partial.join("; ")));
        report.remember = remember;
        Ok(Reading::Done(report))
    }

    /// How far back incidents are known after this poll.
    fn history(&self, told: &[Incident]) -> History {
        let history = History::of(self.asking, RESOLVED);
        let heard = self.lists.get(&Part::Past).filter(|list| list.trouble.is_none());
        match (history.next(), heard) {
            (Some(stretch), Some(list)) => {
                let inside = |at: &Timestamp| stretch.from <= *at && *at < stretch.until;
                let oldest = || told.iter().filter_map(|i| i.started).filter(inside).min();
                history.reached(stretch, if list.cut { oldest() } else { None })
            }
            _ => history,
        }
    }

    /// Reads a list of its own into what is kept of it, when it was heard.
    fn take<T>(&mut self, part: Part, read: &dyn Fn(&[Page<'_>], &mut Gaps) -> T) -> Option<T> {
        let list = self.lists.get(&part).filter(|l| l.trouble.is_none() && !l.heard.is_empty())?;
        Some(read(&list.heard, &mut self.gaps))
    }
}

fn count(pages: &Pages<'_>) -> usize {
    pages.heard.iter().map(|p| p.items.len()).sum()
}

/// Whether an upstream's id may become part of a path of ours.
fn is_plain(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
