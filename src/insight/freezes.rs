//! When deploys should wait: freezes of the configuration, of freeze calendars and of the upstreams' own gates, now and next.

use jiff::{Timestamp, tz::TimeZone};

use super::gates::{self, Permit};
use super::matching::named_in;
use crate::model::{
    Board, Budget, Clean, Freeze, FreezeRule, Name, Occurrence, Purpose, SourceName, Team, Window,
};

/// A stretch of time in which deploys should wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Frozen {
    pub name: Clean,
    pub from: Timestamp,
    /// `None` when no end is known.
    pub until: Option<Timestamp>,
    /// `None` covers every service.
    pub services: Option<Vec<Name>>,
    pub how_to_override: Clean,
    /// What told of it; `None` is the configuration.
    pub source: Option<SourceName>,
    /// Closed, only by hand, or nobody knows.
    pub permit: Permit,
}

impl Frozen {
    pub fn covers(&self, service: &Name) -> bool {
        self.services.as_ref().is_none_or(|list| list.contains(service))
    }

    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Stretches of one rule that a window may show; a rule that fires each minute is not worth more.
const MOST: usize = 128;

/// Every freeze that overlaps the window, by start.
pub fn within(board: &Board, team: &Team, window: Window, zone: &TimeZone) -> Vec<Frozen> {
    let mut found: Vec<Frozen> = Vec::new();
    for freeze in &team.freezes {
        found.extend(stretches(freeze, window));
    }
    for occurrence in occurrences(board, Purpose::Freeze, window, zone) {
        let named = named_in(team, occurrence.title.as_str());
        found.push(Frozen {
            source: Some(occurrence.key.source),
            name: occurrence.title,
            from: occurrence.start,
            until: Some(occurrence.end),
            services: (!named.is_empty()).then(|| named.into_iter().cloned().collect()),
            how_to_override: Clean::default(),
            permit: Permit::Closed,
        });
    }
    for (services, gates) in gates::grouped(board, team) {
        // Gates of different upstreams are different locks: each is shut on its own.
        for own in gates::by_source(&gates) {
            let source = own.first().map(|gate| gate.key.source.clone());
            found.extend(gates::shut(&own, window).into_iter().map(|shut| Frozen {
                name: shut.reason,
                from: shut.from,
                until: shut.until,
                services: Some(services.clone()),
                how_to_override: shut.how_to_override,
                source: source.clone(),
                permit: shut.permit,
            }));
        }
    }
    found.sort_by(|a, b| a.from.cmp(&b.from).then_with(|| a.name.cmp(&b.name)));
    found
}

/// Occurrences of all calendars of a purpose that overlap the window and were not called off.
pub fn occurrences(
    board: &Board,
    purpose: Purpose,
    window: Window,
    zone: &TimeZone,
) -> Vec<Occurrence> {
    let calendars = board.calendars.values().filter(|c| c.purpose == purpose);
    let mut found: Vec<Occurrence> = calendars
        .flat_map(|c| c.expand(window, zone, Budget::default()).occurrences)
        .filter(|o| !o.cancelled && o.start < window.until && o.end >= window.from)
        .collect();
    found.sort_by_key(|o| o.start);
    found
}

/// The stretches of one rule inside a window. Frozen from each start until the next end (GitLab's rule:
/// frozen while the last start is later than the last end, where "last" includes the moment itself).
pub fn stretches(freeze: &Freeze, window: Window) -> Vec<Frozen> {
    let frozen = |from, until| Frozen {
        name: freeze.name.clone(),
        from,
        until,
        services: freeze.services.clone(),
        how_to_override: freeze.how_to_override.clone(),
        source: None,
        permit: Permit::Closed,
    };
    match &freeze.rule {
        FreezeRule::Once { from, until } => {
            let overlaps = *from < window.until && *until > window.from && from < until;
            overlaps.then(|| frozen(*from, Some(*until))).into_iter().collect()
        }
        FreezeRule::Cron { start, end, zone } => {
            let mut found = Vec::new();
            let mut at = window.from.to_zoned(zone.clone());
            let started = start.find_previous_occurrence(&at, true).ok();
            let ended = end.find_previous_occurrence(&at, true).ok();
            let on = match (&started, &ended) {
                (Some(s), Some(e)) => s > e,
                (Some(_), None) => true,
                _ => false,
            };
            let mut from = if on { started } else { start.find_next_occurrence(&at, false).ok() };
            while let Some(begin) = from.take().filter(|f| f.timestamp() < window.until) {
                let stop = end.find_next_occurrence(&begin, false).ok();
                found.push(frozen(begin.timestamp(), stop.as_ref().map(jiff::Zoned::timestamp)));
                let Some(stop) = stop.filter(|_| found.len() < MOST) else { break };
                at = stop;
                from = start.find_next_occurrence(&at, false).ok();
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn weekend() -> Freeze {
        let cron = |p: &str| Box::new(p.parse::<croner::Cron>().unwrap());
        let rule = FreezeRule::Cron {
            start: cron("0 23 * * 5"),
            end: cron("0 8 * * 1"),
            zone: TimeZone::UTC,
        };
        Freeze { name: "weekend".into(), rule, services: None, how_to_override: Clean::default() }
    }

    fn frozen_at(moment: &str) -> Vec<Frozen> {
        let from: Timestamp = moment.parse().unwrap();
        let until = from + SignedDuration::from_secs(1);
        stretches(&weekend(), Window { from, until })
    }

    /// The example of domain.md §6.3: two crons, `0 23 * * 5` to `0 8 * * 1`, UTC.
    #[test]
    fn a_weekend_freeze_starts_and_ends_on_the_dot() {
        for (moment, frozen) in [
            ("2026-11-21T12:00:00Z", true),
            ("2026-11-20T22:59:58Z", false),
            ("2026-11-20T23:00:00Z", true),
            ("2026-11-23T07:59:59Z", true),
            ("2026-11-23T08:00:00Z", false),
        ] {
            let found = frozen_at(moment);
            assert_eq!(!found.is_empty(), frozen, "{moment} {found:?}");
        }
        let found = frozen_at("2026-11-21T12:00:00Z");
        assert_eq!(found[0].until, Some("2026-11-23T08:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_month_has_every_weekend_once() {
        let window = Window {
            from: "2026-11-01T12:00:00Z".parse().unwrap(),
            until: "2026-11-30T00:00:00Z".parse().unwrap(),
        };
        let found = stretches(&weekend(), window);
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn a_rule_that_never_ends_or_fires_all_the_time_is_bounded() {
        let cron = |p: &str| Box::new(p.parse::<croner::Cron>().unwrap());
        let mut freeze = weekend();
        freeze.rule = FreezeRule::Cron {
            start: cron("* * * * *"),
            end: cron("* * * * *"),
            zone: TimeZone::UTC,
        };
        let window = Window {
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::from_second(1e9 as i64).unwrap(),
        };
        assert!(stretches(&freeze, window).len() <= MOST);
    }
}
