//! The board as it must have been at an earlier moment, worked out from the dates of what was told later.

use jiff::Timestamp;

use super::{
    Board, Clean, Deploy, Incident, IncidentStatus, Milestone, Outcome, Records, Run, Silence,
    SilenceState, Status, Ticket, TicketState,
};

/// Said of every source: its facts of then are known from what it told later.
pub const TOLD_LATER: &str = "of then, as told later";

impl Board {
    /// What is dated after `then` had not happened; what ended after it was still going on.
    ///
    /// What upstreams tell without dates (rules, drift, approvals) is kept only where it was seen by then.
    #[must_use]
    pub fn as_of(&self, then: Timestamp) -> Self {
        let mut board = self.clone();
        let since = |at: Option<Timestamp>| at.map(|at| at <= then);
        board.alerts.date_back(then, |x| since(x.started), |_| {});
        board.rules.date_back(then, |_| None, |_| {});
        board.silences.date_back(then, |x| since(x.starts), |x| silence(x, then));
        board.incidents.date_back(then, |x| since(x.started), |x| incident(x, then));
        // Turns and plans are dated themselves: those of then are among those known now.
        board.shifts.date_back(then, |_| Some(true), |_| {});
        board.gates.date_back(then, |_| Some(true), |_| {});
        board.milestones.date_back(then, |_| Some(true), |x| milestone(x, then));
        board.deploys.date_back(then, |x| since(x.started.or(x.finished)), |x| deploy(x, then));
        board.releases.date_back(then, |x| since(x.published), |_| {});
        board.runs.date_back(then, |x| since(x.started), |x| run(x, then));
        board.changes.date_back(then, |x| since(x.at), |_| {});
        let day = then.to_zoned(jiff::tz::TimeZone::UTC).date();
        let written = |at: &super::PostMortem| at.dated.as_ref().map(|d| d.date.value <= day);
        board.post_mortems.date_back(then, written, |_| {});
        board.environments.date_back(then, |x| since(x.since), |_| {});
        board.drifts.date_back(then, |_| None, |_| {});
        board.approvals.date_back(then, |x| since(x.since), |_| {});
        board.log.date_back(then, |x| Some(x.at <= then), |_| {});
        board.tickets.date_back(then, |_| None, |x| ticket(x, then));
        // Like the configuration, what can be asked for has no date.
        board.discovered.date_back(then, |_| Some(true), |_| {});
        // Two commits always lay as far apart as they do.
        board.brought.date_back(then, |_| Some(true), |_| {});
        board.objectives.date_back(then, |_| None, |x| x.spent.retain(|told| told.at <= then));
        board.baselines.retain(|_, (at, _)| *at <= then);
        board.turns.rewind(then);
        for track in board.tracks.values_mut() {
            track.rewind(then);
        }
        for results in board.probes.values_mut() {
            results.retain(|r| r.at <= then);
        }
        for freshness in board.sources.values_mut() {
            let covers = freshness.last_ok.is_some_and(|at| then <= at);
            freshness.rewind(then);
            freshness.asking_since = None;
            freshness.next_poll = None;
            if covers {
                // Its answers cover that moment: then they are as fresh as can be.
                freshness.last_ok = Some(then);
                freshness.status = Status::Ok;
                freshness.failing_since = None;
                freshness.message = Clean::default();
                freshness.hint = None;
                freshness.notes = vec![TOLD_LATER.into()];
            }
        }
        board
    }
}

impl<T> Records<T> {
    /// `begun`: whether it had begun by then; `None` where it has no date, and the first sighting counts.
    fn date_back(
        &mut self,
        then: Timestamp,
        begun: impl Fn(&T) -> Option<bool>,
        restate: impl Fn(&mut T),
    ) {
        self.retain(|record| begun(&record.what).unwrap_or(record.first_seen <= then));
        self.each(|record| {
            restate(&mut record.what);
            record.first_seen = record.first_seen.min(then);
            record.last_seen = record.last_seen.min(then);
            record.gone = record.gone.filter(|gone| *gone <= then);
        });
    }
}

fn undo(at: &mut Option<Timestamp>, then: Timestamp) {
    *at = at.filter(|at| *at <= then);
}

fn incident(incident: &mut Incident, then: Timestamp) {
    let ended = incident.resolved;
    for at in [&mut incident.acked, &mut incident.mitigated, &mut incident.resolved] {
        undo(at, then);
    }
    let Incident { acked, mitigated, resolved, .. } = incident;
    let known = matches!(
        incident.status,
        IncidentStatus::Open | IncidentStatus::Acked | IncidentStatus::Mitigated
    ) || ended.is_some();
    if known && resolved.is_none() {
        incident.status = match (acked, mitigated) {
            (_, Some(_)) => IncidentStatus::Mitigated,
            (Some(_), None) => IncidentStatus::Acked,
            (None, None) => IncidentStatus::Open,
        };
    }
}

fn silence(silence: &mut Silence, then: Timestamp) {
    if matches!(silence.state, SilenceState::Expired) && silence.ends.is_some_and(|at| then < at) {
        silence.state = SilenceState::Active;
    }
}

fn milestone(milestone: &mut Milestone, then: Timestamp) {
    if milestone.done_at.is_some_and(|at| then < at) {
        milestone.done_at = None;
        milestone.done = false;
    }
}

fn deploy(deploy: &mut Deploy, then: Timestamp) {
    if deploy.finished.is_some_and(|at| then < at) {
        deploy.finished = None;
        deploy.outcome = Outcome::Running;
    }
}

fn ticket(ticket: &mut Ticket, then: Timestamp) {
    if ticket.closed.is_some_and(|at| then < at) {
        ticket.closed = None;
        ticket.state = TicketState::Open;
        ticket.word = "open".into();
    }
}

fn run(run: &mut Run, then: Timestamp) {
    if run.updated.is_some_and(|at| then < at) {
        run.updated = Some(then);
        run.outcome = Outcome::Running;
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::{Fact, Feed, Freshness, Key, Report, SourceName};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_mins(minute)
    }

    fn incident(started: i64, acked: Option<i64>, resolved: Option<i64>) -> Incident {
        let status = match (acked, resolved) {
            (_, Some(_)) => IncidentStatus::Resolved,
            (Some(_), None) => IncidentStatus::Acked,
            _ => IncidentStatus::Open,
        };
        Incident {
            key: Key::new(&SourceName::new("pd"), started.to_string()),
            reference: "#1".into(),
            title: "down".into(),
            service_id: "".into(),
            service_name: Clean::default(),
            status,
            severity: None,
            priority: Clean::default(),
            started: Some(at(started)),
            acked: acked.map(at),
            mitigated: None,
            resolved: resolved.map(at),
            who: Vec::new(),
            policy: Clean::default(),
            url: None,
        }
    }

    /// Everything is told at minute 100, long after it happened.
    fn told(facts: Vec<Fact>) -> Board {
        let mut board = Board::default();
        let source = SourceName::new("pd");
        board.fold(&source, at(100), Report { facts, ..Report::default() });
        let fresh = Freshness {
            status: Status::Ok,
            last_ok: Some(at(100)),
            every: SignedDuration::from_secs(60),
            ..Freshness::default()
        };
        board.sources.insert(source, fresh);
        board
    }

    #[test]
    fn an_incident_told_later_was_open_then_acked_then_over() {
        let board = told(vec![Fact::Incident(incident(10, Some(15), Some(30)))]);
        for (minute, expected) in [
            (5, None),
            (12, Some(IncidentStatus::Open)),
            (20, Some(IncidentStatus::Acked)),
            (30, Some(IncidentStatus::Resolved)),
            (60, Some(IncidentStatus::Resolved)),
        ] {
            let then = board.as_of(at(minute));
            let status = then.incidents.present().next().map(|r| r.what.status.clone());
            assert_eq!(status, expected, "minute {minute}");
        }
    }

    #[test]
    fn what_went_away_later_was_there() {
        let mut board = told(vec![Fact::Incident(incident(10, None, None))]);
        let gone = Report { complete: vec![Feed::Incidents], ..Report::default() };
        board.fold(&SourceName::new("pd"), at(200), gone);
        assert_eq!(board.incidents.present().count(), 0);
        assert_eq!(board.as_of(at(150)).incidents.present().count(), 1);
        assert_eq!(board.as_of(at(200)).incidents.present().count(), 0);
    }

    #[test]
    fn a_source_that_told_it_later_counts_as_fresh_then_and_a_silent_one_stays_unknown() {
        let mut board = told(Vec::new());
        board.sources.insert(SourceName::new("dead"), Freshness::default());
        let then = board.as_of(at(50));
        let fresh = |name: &str| then.sources.get(&SourceName::new(name)).unwrap();
        assert_eq!((fresh("pd").status, fresh("pd").last_ok), (Status::Ok, Some(at(50))));
        assert_eq!(fresh("pd").notes, [Clean::from(TOLD_LATER)]);
        assert_eq!((fresh("dead").status, fresh("dead").last_ok), (Status::Unknown, None));
    }

    #[test]
    fn a_source_that_fell_silent_before_is_not_made_fresh() {
        let board = told(Vec::new());
        let then = board.as_of(at(500));
        let pd = then.sources.get(&SourceName::new("pd")).unwrap();
        assert_eq!(pd.last_ok, Some(at(100)), "it told nothing of the time after its last answer");
    }
}
