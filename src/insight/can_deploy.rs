//! May a service be deployed now: yes; no, until when and how to get past it; or nobody can say.

use jiff::{SignedDuration, Timestamp};

use super::freezes::{Frozen, within};
use super::gates::{self, Permit};
use super::words::{later, span};
use crate::model::{Board, Clean, Service, SourceName, Staleness, Team, Window};

/// How far ahead the next freeze is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 60);

/// The answer, with what it rests on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clearance {
    /// `None` when what would say so is stale or unknown: a guess is no answer.
    pub allowed: Option<bool>,
    /// In words, whatever the answer.
    pub reason: Clean,
    /// When a freeze that forbids it ends, where that is known.
    pub until: Option<Timestamp>,
    pub how_to_override: Clean,
    /// The freeze that comes next for this service, when nothing is frozen now.
    pub next: Option<(Clean, Timestamp)>,
}

/// Freezes of a team around a moment, worked out once for all its services.
pub struct Freezes<'a> {
    board: &'a Board,
    team: &'a Team,
    now: Timestamp,
    all: Vec<Frozen>,
}

impl<'a> Freezes<'a> {
    pub fn new(board: &'a Board, team: &'a Team, now: Timestamp) -> Self {
        let window = Window { from: now, until: later(now, AHEAD) };
        Self { board, team, now, all: within(board, team, window, &team.zone) }
    }

    /// What is frozen now.
    pub fn on(&self) -> impl Iterator<Item = &Frozen> {
        self.all.iter().filter(|f| f.is_on(self.now))
    }

    /// What will be frozen next.
    pub fn next(&self) -> Option<&Frozen> {
        self.all.iter().find(|f| f.from > self.now)
    }

    /// May this service be deployed now? A freeze that is known for sure decides, one that lets people pass by hand as
    /// well: who asks is a machine. Else every source that could tell of one has to be fresh: what is old may have changed.
    pub fn can_deploy(&self, service: &Service) -> Clearance {
        let own: Vec<&Frozen> = self.on().filter(|f| f.covers(&service.name)).collect();
        let sure = |f: &&&Frozen| {
            f.permit != Permit::Unknown
                && f.source.as_ref().is_none_or(|source| self.trouble(source).is_none())
        };
        let frozen: Vec<&Frozen> = own.iter().filter(sure).copied().collect();
        if !frozen.is_empty() {
            return refused(&frozen);
        }
        let nobody = |words: std::fmt::Arguments<'_>| Clearance {
            reason: Clean::line(format_args!("nobody can say: {words}")),
            ..Clearance::default()
        };
        if let Some((source, why)) = self.unsure(service) {
            let told = own.iter().find(|f| f.source.as_ref() == Some(source));
            let told =
                told.map_or_else(String::new, |f| format!("; it said: frozen by {}", f.name));
            return nobody(format_args!("{source}, which tells of freezes, {why}{told}"));
        }
        if let Some(unread) = own.first() {
            return nobody(format_args!("{}", unread.name));
        }
        let next = self.all.iter().find(|f| f.from > self.now && f.covers(&service.name));
        Clearance {
            allowed: Some(true),
            reason: "nothing is frozen".into(),
            next: next.map(|f| (f.name.clone(), f.from)),
            ..Clearance::default()
        }
    }

    /// The first source that could tell of a freeze of this service and cannot be relied on.
    fn unsure(&self, service: &Service) -> Option<(&SourceName, String)> {
        let told = gates::of(self.board, self.team, service).into_iter().map(|g| &g.key.source);
        self.team.freeze_sources.iter().chain(told).find_map(|s| Some((s, self.trouble(s)?)))
    }

    /// Why a source cannot be relied on now.
    fn trouble(&self, source: &SourceName) -> Option<String> {
        let Some(fresh) = self.board.sources.get(source) else {
            return Some("has not been heard yet".to_owned());
        };
        let Some(age) = fresh.age(self.now) else {
            return Some(if fresh.message.is_empty() {
                "has not been heard yet".to_owned()
            } else {
                format!("has never answered ({})", fresh.message)
            });
        };
        (fresh.of_age(age) != Staleness::Fresh).then(|| format!("was last heard {} ago", span(age)))
    }
}

fn refused(frozen: &[&Frozen]) -> Clearance {
    let closed = frozen.iter().any(|f| f.permit == Permit::Closed);
    let ends = frozen.iter().map(|f| f.until);
    // Free when the last of them ends; no end known is later than any.
    let until = ends.collect::<Option<Vec<Timestamp>>>().and_then(|ends| ends.into_iter().max());
    let names: Vec<&str> = frozen.iter().map(|f| f.name.as_str()).collect();
    let names = names.join(" and ");
    let mut ways: Vec<&str> = Vec::new();
    for way in frozen.iter().map(|f| f.how_to_override.as_str()) {
        if !way.is_empty() && !ways.contains(&way) {
            ways.push(way);
        }
    }
    Clearance {
        allowed: Some(false),
        reason: Clean::line(if closed {
            format!("frozen by {names}")
        } else {
            format!("only by hand: {names}")
        }),
        until,
        how_to_override: Clean::line(ways.join("; ")),
        next: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Freeze, FreezeRule, Freshness, Name, Status};

    const NOW: &str = "2026-11-21T12:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn freeze(name: &str, from: i64, until: i64, services: Option<&[&str]>) -> Freeze {
        let hour = |h| now() + SignedDuration::from_hours(h);
        Freeze {
            name: Clean::line(name),
            rule: FreezeRule::Once { from: hour(from), until: hour(until) },
            services: services.map(|s| s.iter().map(|n| Name::new(n)).collect()),
            how_to_override: "ask ada".into(),
        }
    }

    fn team(freezes: Vec<Freeze>, sources: &[&str]) -> Team {
        let freeze_sources = sources.iter().map(|n| Name::new(n)).collect();
        Team { freezes, freeze_sources, ..Team::default() }
    }

    fn board(source: &str, age: i64) -> Board {
        let mut board = Board::default();
        let fresh = Freshness {
            every: SignedDuration::from_mins(15),
            status: Status::Ok,
            last_ok: Some(now() - SignedDuration::from_mins(age)),
            ..Freshness::default()
        };
        board.sources.insert(Name::new(source), fresh);
        board
    }

    fn asked(board: &Board, team: &Team) -> Clearance {
        let web = Service { name: Name::new("web"), ..Service::default() };
        Freezes::new(board, team, now()).can_deploy(&web)
    }

    #[test]
    fn nothing_frozen_is_yes_and_says_what_comes_next() {
        let team =
            team(vec![freeze("late", 30, 40, None), freeze("other", 2, 3, Some(&["db"]))], &[]);
        let answer = asked(&Board::default(), &team);
        assert_eq!(answer.allowed, Some(true));
        assert_eq!(answer.next, Some(("late".into(), now() + SignedDuration::from_hours(30))));
    }

    #[test]
    fn two_freezes_are_over_when_the_later_one_is() {
        let both = vec![freeze("a", -1, 5, None), freeze("b", -2, 9, Some(&["web"]))];
        let answer = asked(&Board::default(), &team(both, &[]));
        assert_eq!(answer.allowed, Some(false));
        assert_eq!(answer.reason.as_str(), "frozen by b and a");
        assert_eq!(answer.until, Some(now() + SignedDuration::from_hours(9)));
        assert_eq!(answer.how_to_override.as_str(), "ask ada");
    }

    #[test]
    fn a_freeze_of_another_service_says_nothing() {
        let team = team(vec![freeze("a", -1, 5, Some(&["db"]))], &[]);
        assert_eq!(asked(&Board::default(), &team).allowed, Some(true));
    }

    #[test]
    fn a_silent_or_stale_source_is_no_yes() {
        let team = team(Vec::new(), &["quiet"]);
        let unheard = asked(&Board::default(), &team);
        assert_eq!(unheard.allowed, None);
        assert_eq!(
            unheard.reason.as_str(),
            "nobody can say: quiet, which tells of freezes, has not been heard yet"
        );
        assert_eq!(asked(&board("quiet", 29), &team).allowed, Some(true));
        let stale = asked(&board("quiet", 31), &team);
        assert_eq!(stale.allowed, None);
        assert!(stale.reason.as_str().ends_with("was last heard 31 m ago"), "{}", stale.reason);
    }

    #[test]
    fn a_freeze_of_the_configuration_holds_whatever_a_source_does() {
        let team = team(vec![freeze("a", -1, 5, None)], &["quiet"]);
        assert_eq!(asked(&Board::default(), &team).allowed, Some(false));
    }
}
