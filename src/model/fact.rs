//! What a source may tell: facts, each with its identity, and the report of one poll.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Alert, AlertRule, Approval, Brought, Calendar, Change, Clean, Deploy, Discovered, Drift,
    Environment, Expected, Gate, Id, Incident, Known, LogEntry, Measure, MetricId, Milestone,
    Objective, PostMortem, ProbeResult, Release, Run, Shift, Silence, Ticket,
};

/// One thing that is true, as told by one source.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum Fact {
    /// A number at a moment.
    Sample {
        id: MetricId,
        at: Timestamp,
        measure: Measure,
        note: Option<Clean>,
    },
    /// A stretch of history of a number.
    History {
        id: MetricId,
        points: Vec<(Timestamp, Measure)>,
    },
    /// What the number was at the same hour of the week before, told at `at`.
    Baseline {
        id: MetricId,
        at: Timestamp,
        measure: Measure,
    },
    Probe(ProbeResult),
    Alert(Alert),
    Rule(AlertRule),
    Silence(Silence),
    Incident(Incident),
    Shift(Shift),
    Deploy(Deploy),
    Release(Release),
    Run(Run),
    Change(Change),
    /// A whole calendar; recurrences are expanded where they are looked at.
    Calendar(std::sync::Arc<Calendar>),
    PostMortem(Box<PostMortem>),
    Milestone(Milestone),
    Gate(Gate),
    Environment(Environment),
    Drift(Drift),
    Approval(Approval),
    Ticket(Ticket),
    LogEntry(LogEntry),
    /// A number that a preset knows how to ask for.
    Discovered(Box<Discovered>),
    Brought(Brought),
    Objective(Objective),
}

/// The kinds of records that can be listed completely, so that absence means something.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Feed {
    Alerts,
    Rules,
    Silences,
    Incidents,
    Shifts,
    Deploys,
    Releases,
    Runs,
    Changes,
    PostMortems,
    Milestones,
    Gates,
    Environments,
    Drifts,
    Approvals,
    Tickets,
    Log,
    Discovered,
    Brought,
    Objectives,
}

/// What one good poll told.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Report {
    pub facts: Vec<Fact>,
    /// Feeds of which this report holds everything the upstream has: what is missing is gone.
    pub complete: Vec<Feed>,
    /// Records the upstream still has, unchanged, that were not read again.
    pub still: Vec<(Feed, Id)>,
    /// Words to hand back at the next poll (`Asking::memory`): cursors, versions of files.
    pub remember: Vec<(Box<str>, Box<str>)>,
    /// Records or requests that could not be read, e.g. `2 of 40 records skipped: /groups/3/name is no text`.
    pub partial: Option<Clean>,
    /// Worth knowing, no failure: truncated lists, deprecations, warnings of the store.
    pub notes: Vec<Clean>,
    /// Alerts that have to arrive, and whether they did; `None` where the answer was not whole, or none are expected.
    pub expected: Option<Vec<Expected>>,
    /// Whose changes are known after this answer, and how far back: of what was asked about this time.
    #[serde(default)]
    pub changes: Vec<Known>,
    /// The upstream's name and version, where it told.
    pub about: Option<Clean>,
    /// Some is not read yet: while this grows, the source is asked again at once and not after its interval.
    pub progress: Option<Progress>,
}

impl Report {
    /// Whether it may change which documents there are.
    pub fn tells_of_papers(&self) -> bool {
        self.complete.contains(&Feed::PostMortems)
            || self.facts.iter().any(|fact| matches!(fact, Fact::PostMortem(_)))
    }

    /// Adds what the same upstream said when it was asked about something else in the same poll.
    pub fn beside(&mut self, other: Self) {
        self.facts.extend(other.facts);
        self.complete.extend(other.complete);
        self.still.extend(other.still);
        self.remember.extend(other.remember);
        self.notes.extend(other.notes);
        Known::learn(&mut self.changes, &other.changes);
    }

    /// Adds what the poll after this one told, as if both had been one.
    pub fn go_on(&mut self, next: Self) {
        let Self {
            facts,
            complete,
            still,
            remember,
            partial,
            notes,
            expected,
            changes,
            about,
            progress,
        } = next;
        self.facts.extend(facts);
        self.complete = complete;
        // What one of them told anew is no longer merely still there.
        let next: BTreeSet<(Feed, Id)> = still.into_iter().collect();
        self.still.retain(|one| next.contains(one));
        self.remember.extend(remember);
        self.partial = partial.or_else(|| self.partial.take());
        self.notes = notes;
        self.expected = expected.or_else(|| self.expected.take());
        Known::learn(&mut self.changes, &changes);
        self.about = about.or_else(|| self.about.take());
        self.progress = progress;
    }
}

/// How much of what an upstream has was read so far, where that is not all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    pub read: usize,
    pub of: usize,
}
