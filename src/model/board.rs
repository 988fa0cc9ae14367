//! The board: everything told so far, folded. Folding is idempotent, and its order does not matter.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    Alert, AlertRule, Approval, Brought, Calendar, Change, Clean, Deploy, Discovered, Drift,
    Environment, Fact, Feed, Freshness, Gate, Incident, Key, LogEntry, Measure, MetricId,
    Milestone, Objective, PostMortem, Probe, ProbeResult, Records, Release, Report, Run, Shift,
    Silence, SourceName, Staleness, Ticket, Track, Turns,
};

/// Results kept per probe: enough for hysteresis and flapping (20 checks) and a sparkline.
pub const RESULTS_KEPT: usize = 240;

/// As long as this what was told of last week is of the same hour.
const SAME_HOUR: SignedDuration = SignedDuration::from_mins(45);

/// Everything andon knows.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Counts folds: whoever caches something derived compares this.
    pub version: u64,
    pub sources: BTreeMap<SourceName, Freshness>,
    /// How services turned: what follows from the board is noted here, and remembered.
    pub turns: Turns,
    /// Who asks them: `this process`, `process 4242`. Empty where nobody goes on asking.
    pub polled_by: Clean,
    pub tracks: BTreeMap<MetricId, Track>,
    /// Which source a number came from, for its freshness.
    pub track_sources: BTreeMap<MetricId, SourceName>,
    /// What numbers were at the same hour of the week before, and when that was asked.
    pub baselines: BTreeMap<MetricId, (Timestamp, Measure)>,
    pub probes: BTreeMap<Probe, VecDeque<ProbeResult>>,
    pub probe_sources: BTreeMap<Probe, SourceName>,
    pub alerts: Records<Alert>,
    pub rules: Records<AlertRule>,
    pub silences: Records<Silence>,
    pub incidents: Records<Incident>,
    pub shifts: Records<Shift>,
    pub deploys: Records<Deploy>,
    pub releases: Records<Release>,
    pub runs: Records<Run>,
    pub changes: Records<Change>,
    pub calendars: BTreeMap<SourceName, Arc<Calendar>>,
    pub post_mortems: Records<PostMortem>,
    pub milestones: Records<Milestone>,
    pub gates: Records<Gate>,
    pub environments: Records<Environment>,
    pub drifts: Records<Drift>,
    pub approvals: Records<Approval>,
    pub tickets: Records<Ticket>,
    /// What was written down about incidents.
    pub log: Records<LogEntry>,
    /// Numbers that nobody configured; `insight::numbers` reads them.
    pub discovered: Records<Discovered>,
    pub brought: Records<Brought>,
    pub objectives: Records<Objective>,
}

impl Board {
    /// Folds what `source` told at `at`. The freshness of the source is folded apart, by the poll's outcome.
    pub fn fold(&mut self, source: &SourceName, at: Timestamp, report: Report) {
        self.version += 1;
        for fact in report.facts {
            self.fold_fact(source, at, fact);
        }
        for (feed, id) in report.still {
            let key = Key { source: source.clone(), id };
            match feed {
                Feed::Alerts => self.alerts.still(&key, at),
                Feed::Rules => self.rules.still(&key, at),
                Feed::Silences => self.silences.still(&key, at),
                Feed::Incidents => self.incidents.still(&key, at),
                Feed::Shifts => self.shifts.still(&key, at),
                Feed::Deploys => self.deploys.still(&key, at),
                Feed::Releases => self.releases.still(&key, at),
                Feed::Runs => self.runs.still(&key, at),
                Feed::Changes => self.changes.still(&key, at),
                Feed::PostMortems => self.post_mortems.still(&key, at),
                Feed::Milestones => self.milestones.still(&key, at),
                Feed::Gates => self.gates.still(&key, at),
                Feed::Environments => self.environments.still(&key, at),
                Feed::Drifts => self.drifts.still(&key, at),
                Feed::Approvals => self.approvals.still(&key, at),
                Feed::Tickets => self.tickets.still(&key, at),
                Feed::Log => self.log.still(&key, at),
                Feed::Discovered => self.discovered.still(&key, at),
                Feed::Brought => self.brought.still(&key, at),
                Feed::Objectives => self.objectives.still(&key, at),
            }
        }
        for feed in report.complete {
            match feed {
                Feed::Alerts => self.alerts.complete(source, at),
                Feed::Rules => self.rules.complete(source, at),
                Feed::Silences => self.silences.complete(source, at),
                Feed::Incidents => self.incidents.complete(source, at),
                Feed::Shifts => self.shifts.complete(source, at),
                Feed::Deploys => self.deploys.complete(source, at),
                Feed::Releases => self.releases.complete(source, at),
                Feed::Runs => self.runs.complete(source, at),
                Feed::Changes => self.changes.complete(source, at),
                Feed::PostMortems => self.post_mortems.complete(source, at),
                Feed::Milestones => self.milestones.complete(source, at),
                Feed::Gates => self.gates.complete(source, at),
                Feed::Environments => self.environments.complete(source, at),
                Feed::Drifts => self.drifts.complete(source, at),
                Feed::Approvals => self.approvals.complete(source, at),
                Feed::Tickets => self.tickets.complete(source, at),
                Feed::Log => self.log.complete(source, at),
                Feed::Discovered => self.discovered.complete(source, at),
                Feed::Brought => self.brought.complete(source, at),
                Feed::Objectives => self.objectives.complete(source, at),
            }
        }
    }

    fn fold_fact(&mut self, source: &SourceName, at: Timestamp, fact: Fact) {
        match fact {
            Fact::Sample { id, at, measure, note } => {
                let track = self.track(source, id);
                track.add(at, measure);
                track.note = note;
            }
            Fact::History { id, points } => {
                let track = self.track(source, id);
                for (at, measure) in points {
                    track.add(at, measure);
                }
            }
            Fact::Baseline { id, at, measure } => {
                if self.baselines.get(&id).is_none_or(|(told, _)| *told <= at) {
                    self.baselines.insert(id, (at, measure));
                }
            }
            Fact::Probe(result) => self.fold_probe(source, result),
            Fact::Alert(x) => self.alerts.see(x.key.clone(), x, at),
            Fact::Rule(x) => self.rules.see(x.key.clone(), x, at),
            Fact::Silence(x) => self.silences.see(x.key.clone(), x, at),
            Fact::Incident(x) => self.incidents.see(x.key.clone(), x, at),
            Fact::Shift(x) => self.shifts.see(x.key.clone(), x, at),
            Fact::Deploy(x) => self.deploys.see(x.key.clone(), x, at),
            Fact::Release(x) => self.releases.see(x.key.clone(), x, at),
            Fact::Run(x) => self.runs.see(x.key.clone(), x, at),
            Fact::Change(x) => self.changes.see(x.key.clone(), x, at),
            Fact::Calendar(x) => {
                self.calendars.insert(source.clone(), x);
            }
            Fact::PostMortem(x) => self.post_mortems.see(x.key.clone(), *x, at),
            Fact::Milestone(x) => self.milestones.see(x.key.clone(), x, at),
            Fact::Gate(x) => self.gates.see(x.key.clone(), x, at),
            Fact::Environment(x) => self.environments.see(x.key.clone(), x, at),
            Fact::Drift(x) => self.drifts.see(x.key.clone(), x, at),
            Fact::Approval(x) => self.approvals.see(x.key.clone(), x, at),
            Fact::Ticket(x) => self.tickets.see(x.key.clone(), x, at),
            Fact::LogEntry(x) => self.log.see(x.key.clone(), x, at),
            Fact::Discovered(x) => self.discovered.see(x.key.clone(), *x, at),
            Fact::Brought(x) => self.brought.see(x.key.clone(), x, at),
            Fact::Objective(x) => self.objectives.see(x.key.clone(), x, at),
        }
    }

    fn track(&mut self, source: &SourceName, id: MetricId) -> &mut Track {
        if !self.track_sources.contains_key(&id) {
            self.track_sources.insert(id.clone(), source.clone());
        }
        self.tracks.entry(id).or_default()
    }

    fn fold_probe(&mut self, source: &SourceName, result: ProbeResult) {
        if !self.probe_sources.contains_key(&result.probe) {
            self.probe_sources.insert(result.probe.clone(), source.clone());
        }
        let results = self.probes.entry(result.probe.clone()).or_default();
        match results.binary_search_by_key(&result.at, |r| r.at) {
            Ok(i) => {
                if let Some(slot) = results.get_mut(i) {
                    *slot = result;
                }
            }
            Err(i) => results.insert(i, result),
        }
        while results.len() > RESULTS_KEPT {
            results.pop_front();
        }
    }

    /// The clock was set back to `now`. Everything is folded by moments, so that those after it would hide what is told
    /// next: alerts that begin would look gone, and a source that falls silent would look fresh.
    pub fn rewind(&mut self, now: Timestamp) {
        self.version += 1;
        for freshness in self.sources.values_mut() {
            freshness.rewind(now);
        }
        for track in self.tracks.values_mut() {
            track.rewind(now);
        }
        for results in self.probes.values_mut() {
            results.retain(|r| r.at <= now);
        }
        self.turns.rewind(now);
        self.alerts.rewind(now);
        self.rules.rewind(now);
        self.silences.rewind(now);
        self.incidents.rewind(now);
        self.shifts.rewind(now);
        self.deploys.rewind(now);
        self.releases.rewind(now);
        self.runs.rewind(now);
        self.changes.rewind(now);
        self.post_mortems.rewind(now);
        self.milestones.rewind(now);
        self.gates.rewind(now);
        self.environments.rewind(now);
        self.drifts.rewind(now);
        self.approvals.rewind(now);
        self.tickets.rewind(now);
        self.log.rewind(now);
        self.discovered.rewind(now);
        self.brought.rewind(now);
        self.objectives.rewind(now);
        self.baselines.retain(|_, (at, _)| *at <= now);
    }

    /// How old a number is: as its source's last answer, or older when the source no longer answers for this number.
    /// `None` before any answer.
    pub fn age_of(&self, id: &MetricId, now: Timestamp) -> Option<(SignedDuration, Staleness)> {
        let freshness = self.freshness_of(id)?;
        let age = freshness.age(now)?;
        let own =
            self.tracks.get(id).and_then(Track::newest).map(|(at, _)| now.duration_since(*at));
        let left_out = own.filter(|own| freshness.of_age(*own) != Staleness::Fresh);
        let age = left_out.map_or(age, |own| own.max(age));
        Some((age, freshness.of_age(age)))
    }

    /// The freshness of the source that feeds a number.
    pub fn freshness_of(&self, id: &MetricId) -> Option<&Freshness> {
        self.track_sources.get(id).and_then(|s| self.sources.get(s))
    }

    /// What a number was at the same hour of the week before; `None` where nobody knows, or knew too long ago.
    pub fn baseline_of(&self, id: &MetricId, now: Timestamp) -> Option<f64> {
        let (at, measure) = self.baselines.get(id)?;
        (now.duration_since(*at).abs() <= SAME_HOUR).then_some(measure)?.number()
    }
}
