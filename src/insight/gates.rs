//! What the upstreams' own gates let through for a service: open, only by hand, or closed; now, and as stretches.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::matching::is_production;
use super::words::{earlier, later, span};
use crate::model::{
    Board, Clean, Gate, GateKind, Key, Name, Place, Schedule, Service, Stretch, Team, Window,
};

/// What may happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permit {
    Open,
    /// Machines wait; a person may go ahead.
    ByHand,
    Closed,
    /// A gate cannot be read: nothing may be promised.
    Unknown,
}

/// A stretch in which deploys do not simply go ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Shut {
    pub from: Timestamp,
    /// `None` when no end was found.
    pub until: Option<Timestamp>,
    pub permit: Permit,
    /// The gate that shuts, in words: `0 22 * * * for 1 h`, or that no window allows it.
    pub reason: Clean,
    pub how_to_override: Clean,
}

/// The gates that hold for a service: those of its repository, and those of its application.
///
/// Of an application in several environments only the gates of the one that counts hold, where it is there.
pub fn of<'a>(board: &'a Board, team: &Team, service: &Service) -> Vec<&'a Gate> {
    let gates = || board.gates.present().map(|r| &r.what);
    let own = |place: &Place| same(&place.app, service.app());
    let counts = |place: &Place| own(place) && is_production(team, place.environment.as_str());
    let some_count = gates().any(|g| g.apps.iter().any(counts));
    let holds = |gate: &Gate| {
        let of_repo = !gate.repo.is_empty() && same(&gate.repo, &service.repo);
        of_repo || gate.apps.iter().any(|p| if some_count { counts(p) } else { own(p) })
    };
    gates().filter(|gate| holds(gate)).collect()
}

fn same(a: &Clean, b: &Clean) -> bool {
    a.as_str().eq_ignore_ascii_case(b.as_str())
}

/// The gates of every service that has any, services with the same ones together.
pub fn grouped<'a>(board: &'a Board, team: &Team) -> Vec<(Vec<Name>, Vec<&'a Gate>)> {
    let mut groups: BTreeMap<Vec<&Key>, (Vec<Name>, Vec<&Gate>)> = BTreeMap::new();
    if board.gates.is_empty() {
        return Vec::new();
    }
    for service in &team.services {
        let gates = of(board, team, service);
        if !gates.is_empty() {
            let keys = gates.iter().map(|g| &g.key).collect();
            groups.entry(keys).or_insert_with(|| (Vec::new(), gates)).0.push(service.name.clone());
        }
    }
    groups.into_values().collect()
}

/// What `gates` let through at `now`. Gates of different upstreams are different locks: the strictest decides.
///
/// Argo CD's rule, which holds for one that only denies as well: an active deny beats every allow; else an active allow
/// opens; else, where there are allows at all, it is shut. What shuts may be passed by hand when each of those that shut
/// says so (`SyncWindows.CanSync`).
pub fn permit(gates: &[&Gate], now: Timestamp) -> Permit {
    permit_where(gates, &|gate| gate.schedule.is_on(now))
}

/// The same, where somebody knows already which gates are on.
fn permit_where(gates: &[&Gate], on: &dyn Fn(&Gate) -> bool) -> Permit {
    by_source(gates).map(|own| permit_of_one(&own, on)).max().unwrap_or(Permit::Open)
}

/// The gates of each upstream.
pub fn by_source<'a>(gates: &[&'a Gate]) -> impl Iterator<Item = Vec<&'a Gate>> + use<'a> {
    let mut groups: BTreeMap<&Name, Vec<&Gate>> = BTreeMap::new();
    for gate in gates {
        groups.entry(&gate.key.source).or_default().push(gate);
    }
    groups.into_values()
}

fn permit_of_one(gates: &[&Gate], on: &dyn Fn(&Gate) -> bool) -> Permit {
    match shutting(gates, on) {
        None if gates.iter().any(|g| is_unreadable(g)) => Permit::Unknown,
        None => Permit::Open,
        Some(shut) if shut.iter().all(|g| g.by_hand) => {
            if gates.iter().any(|g| is_unreadable(g)) {
                Permit::Unknown
            } else {
                Permit::ByHand
            }
        }
        Some(_) => Permit::Closed,
    }
}

fn is_unreadable(gate: &Gate) -> bool {
    matches!(gate.schedule, Schedule::Unreadable(_))
}

/// The gates that shut: active denies, else the allows when none of them is active.
fn shutting<'a>(gates: &[&'a Gate], on: &dyn Fn(&Gate) -> bool) -> Option<Vec<&'a Gate>> {
    let kind = |gate: &&Gate, kind: &GateKind| gate.kind == *kind && !is_unreadable(gate);
    let denies = gates.iter().copied().filter(|g| kind(g, &GateKind::Deny));
    let denies: Vec<&Gate> = denies.filter(|g| on(g)).collect();
    if !denies.is_empty() {
        return Some(denies);
    }
    let allows: Vec<&Gate> = gates.iter().copied().filter(|g| kind(g, &GateKind::Allow)).collect();
    // An allow that cannot be read may be the one that is on.
    let maybe = gates.iter().any(|g| g.kind == GateKind::Allow && is_unreadable(g));
    let shut = !allows.is_empty() && !maybe && !allows.iter().any(|g| on(g));
    shut.then_some(allows)
}

/// Whether what began at `started` and still runs may go on at `now`; `None` where nothing shuts.
///
/// Argo CD's rule for a sync under way (its user guide, "Sync Overrun"): a deny lets it go on when every active deny says
/// so; the end of the allows, when every one that was open at its start says so. It must have been let in to begin with.
pub fn may_go_on(gates: &[&Gate], started: Timestamp, now: Timestamp) -> Option<bool> {
    let answers = by_source(gates).filter_map(|own| {
        let shut = shutting(&own, &|gate| gate.schedule.is_on(now))?;
        let was_on = |gate: &Gate| gate.schedule.is_on(started);
        if shutting(&own, &was_on).is_some() {
            return Some(false);
        }
        let denies = shut.iter().any(|g| g.kind == GateKind::Deny);
        let mut asked = shut.iter().filter(|g| denies || was_on(g));
        Some(asked.all(|g| g.overrun))
    });
    answers.min()
}

/// How far beyond a window edges are looked for, so that a stretch has its real beginning and end.
const BEYOND: SignedDuration = SignedDuration::from_hours(24 * 8);

/// The stretches inside the window in which `gates` shut, in time order.
pub fn shut(gates: &[&Gate], window: Window) -> Vec<Shut> {
    if gates.is_empty() {
        return Vec::new();
    }
    let wide = Window { from: earlier(window.from, BEYOND), until: later(window.until, BEYOND) };
    let mut edges = vec![wide.from, wide.until];
    // Looked up once: between two edges nothing changes, and no cron need be asked again.
    let mut times: BTreeMap<&Key, Vec<Stretch>> = BTreeMap::new();
    for gate in gates {
        let stretches = gate.schedule.stretches(wide);
        for Stretch { from, until } in &stretches {
            edges.push(*from.max(&wide.from));
            edges.extend(until.map(|u| u.min(wide.until)));
        }
        times.insert(&gate.key, stretches);
    }
    edges.sort_unstable();
    edges.dedup();
    let mut found: Vec<Shut> = Vec::new();
    for (from, until) in edges.iter().zip(edges.iter().skip(1)) {
        let middle = later(*from, until.duration_since(*from) / 2);
        let inside = |s: &Stretch| s.from <= middle && s.until.is_none_or(|u| middle < u);
        let on = |gate: &Gate| times.get(&gate.key).is_some_and(|own| own.iter().any(inside));
        let permit = permit_where(gates, &on);
        if permit == Permit::Open {
            continue;
        }
        let open_end = (*until < wide.until).then_some(*until);
        match found.last_mut() {
            Some(last) if last.until == Some(*from) && last.permit == permit => {
                last.until = open_end;
            }
            _ => {
                let (reason, how_to_override) = words(gates, permit, &on);
                found.push(Shut { from: *from, until: open_end, permit, reason, how_to_override });
            }
        }
    }
    found.retain(|s| s.from < window.until && s.until.is_none_or(|u| u > window.from));
    found
}

fn words(gates: &[&Gate], permit: Permit, on: &dyn Fn(&Gate) -> bool) -> (Clean, Clean) {
    let own = by_source(gates).find(|own| permit_of_one(own, on) == permit).unwrap_or_default();
    if permit == Permit::Unknown {
        let why = own.iter().find_map(|g| match &g.schedule {
            Schedule::Unreadable(why) => Some(why.clone()),
            _ => None,
        });
        return (why.unwrap_or_default(), Clean::default());
    }
    let shut = shutting(&own, on).unwrap_or_default();
    let Some(first) = shut.first() else { return (Clean::default(), Clean::default()) };
    let reason = match (&first.kind, first.description.is_empty()) {
        (GateKind::Allow, true) => Clean::line(format_args!("outside of {}", when(first))),
        (GateKind::Allow, false) => Clean::line(format_args!("outside of {}", first.description)),
        (_, false) => first.description.clone(),
        (_, true) => when(first),
    };
    (reason, first.how_to_override.clone())
}

/// When a gate is on, in words: `0 22 * * * for 1 h`, with the zone where it is not UTC.
pub fn when(gate: &Gate) -> Clean {
    let zone = |zone: &jiff::tz::TimeZone| match zone.iana_name() {
        None | Some("UTC" | "Etc/UTC") => String::new(),
        Some(name) => format!(" {name}"),
    };
    match &gate.schedule {
        Schedule::Between { start, end, zone: z } => {
            Clean::line(format_args!("{start} to {end}{}", zone(z)))
        }
        Schedule::After { start, length, zone: z } => {
            Clean::line(format_args!("{start} for {}{}", span(*length), zone(z)))
        }
        Schedule::Once { from, until } => Clean::line(format_args!("{from} to {until}")),
        Schedule::Unreadable(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cron, Key, Name};
    use jiff::tz::TimeZone;

    fn gate(id: &str, kind: GateKind, start: &str, hours: i64, by_hand: bool) -> Gate {
        Gate {
            key: Key::new(&Name::new("argo"), id),
            kind,
            schedule: Schedule::After {
                start: Cron::parse(start).unwrap(),
                length: SignedDuration::from_hours(hours),
                zone: TimeZone::UTC,
            },
            scope: Clean::default(),
            repo: Clean::default(),
            apps: vec![Place { app: "shop".into(), environment: Clean::default() }],
            by_hand,
            overrun: false,
            description: Clean::default(),
            how_to_override: Clean::default(),
            url: None,
        }
    }

    const NOON: &str = "2026-11-20T12:30:00Z";
    const ON: &str = "0 12 * * *";
    const OFF: &str = "0 3 * * *";

    /// One row a rule of `SyncWindows.CanSync`; the letters are kind (A, D), `+` when active, `m` when manual syncs may pass.
    #[test]
    fn argos_rules_as_a_table() {
        let now: Timestamp = NOON.parse().unwrap();
        for (windows, permitted) in [
            ("", Permit::Open),
            ("A+", Permit::Open),
            ("A", Permit::Closed),
            ("Am", Permit::ByHand),
            ("A Am", Permit::Closed),
            ("Am Am", Permit::ByHand),
            ("A A+", Permit::Open),
            ("D", Permit::Open),
            ("D+", Permit::Closed),
            ("D+m", Permit::ByHand),
            ("D+m D+", Permit::Closed),
            ("D+m D+m", Permit::ByHand),
            ("D+m D", Permit::ByHand),
            ("A+ D+", Permit::Closed),
            ("A+ D+m", Permit::ByHand),
            ("A+ D", Permit::Open),
            ("A D", Permit::Closed),
            ("Am D", Permit::ByHand),
            ("A D+m", Permit::ByHand),
            ("Am D+", Permit::Closed),
            ("X+", Permit::Open),
        ] {
            let gates: Vec<Gate> = windows
                .split_whitespace()
                .map(|w| {
                    let kind = match w.chars().next() {
                        Some('A') => GateKind::Allow,
                        Some('D') => GateKind::Deny,
                        _ => GateKind::Other("later".into()),
                    };
                    gate(w, kind, if w.contains('+') { ON } else { OFF }, 1, w.contains('m'))
                })
                .collect();
            let all: Vec<&Gate> = gates.iter().collect();
            assert_eq!(permit(&all, now), permitted, "{windows}");
            let reversed: Vec<&Gate> = gates.iter().rev().collect();
            assert_eq!(permit(&reversed, now), permitted, "{windows} turned round");
        }
    }

    /// The table of domain.md §6.3. `o` lets a sync that runs go on; the sync began at 12:10, and now it is 12:30 or 13:30.
    #[test]
    fn a_sync_under_way_goes_on_where_its_windows_say_so() {
        // An allow from 12:00 for an hour, a deny from 13:00 for one.
        const THEN: &str = "0 13 * * *";
        let began: Timestamp = "2026-11-20T12:10:00Z".parse().unwrap();
        for (windows, goes_on) in [
            ("", None),
            ("Do", Some(true)),
            ("D", Some(false)),
            ("Do D", Some(false)),
            ("Ao Do", Some(true)),
            ("Ao D", Some(false)),
            ("A Do", Some(true)),
            ("A D", Some(false)),
            ("Ao", Some(true)),
            ("A", Some(false)),
            ("Ao Ao", Some(true)),
            ("Ao A", Some(false)),
        ] {
            let gates: Vec<Gate> = windows
                .split_whitespace()
                .enumerate()
                .map(|(n, w)| {
                    let (kind, start) = if w.starts_with('A') {
                        (GateKind::Allow, ON)
                    } else {
                        (GateKind::Deny, THEN)
                    };
                    let id = format!("{n}");
                    Gate { overrun: w.contains('o'), ..gate(&id, kind, start, 1, false) }
                })
                .collect();
            let all: Vec<&Gate> = gates.iter().collect();
            let now: Timestamp = "2026-11-20T13:30:00Z".parse().unwrap();
            assert_eq!(may_go_on(&all, began, now), goes_on, "{windows}");
            assert_eq!(may_go_on(&all, began, NOON.parse().unwrap()), None, "{windows}: open");
        }
        let idle = Gate { overrun: true, ..gate("x", GateKind::Allow, OFF, 1, false) };
        let now: Timestamp = NOON.parse().unwrap();
        assert_eq!(may_go_on(&[&idle], began, now), Some(false), "nothing let it in");
    }

    #[test]
    fn what_cannot_be_read_promises_nothing() {
        let now: Timestamp = NOON.parse().unwrap();
        let broken = |kind| Gate {
            schedule: Schedule::Unreadable("no cron".into()),
            ..gate("b", kind, ON, 1, false)
        };
        let allow = gate("a", GateKind::Allow, ON, 1, false);
        let deny = gate("d", GateKind::Deny, ON, 1, false);
        let by_hand = gate("m", GateKind::Deny, ON, 1, true);
        let idle = gate("i", GateKind::Allow, OFF, 1, false);
        let (no, yes) = (broken(GateKind::Deny), broken(GateKind::Allow));
        assert_eq!(permit(&[&allow, &no], now), Permit::Unknown);
        assert_eq!(permit(&[&deny, &no], now), Permit::Closed);
        assert_eq!(permit(&[&by_hand, &no], now), Permit::Unknown);
        assert_eq!(permit(&[&idle, &yes], now), Permit::Unknown);
    }

    #[test]
    fn gates_of_two_upstreams_do_not_open_each_other() {
        let now: Timestamp = NOON.parse().unwrap();
        let open = gate("a", GateKind::Allow, ON, 1, false);
        let other = Gate {
            key: Key::new(&Name::new("second"), "a"),
            ..gate("a", GateKind::Allow, OFF, 1, false)
        };
        assert_eq!(permit(&[&open, &other], now), Permit::Closed);
    }

    #[test]
    fn outside_of_the_allowed_hour_it_is_shut_until_the_next_one() {
        let allow = gate("a", GateKind::Allow, ON, 1, false);
        let window = Window {
            from: "2026-11-20T15:00:00Z".parse().unwrap(),
            until: "2026-11-20T15:00:01Z".parse().unwrap(),
        };
        let found = shut(&[&allow], window);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].from, "2026-11-20T13:00:00Z".parse().unwrap());
        assert_eq!(found[0].until, Some("2026-11-21T12:00:00Z".parse().unwrap()));
        assert_eq!(found[0].reason.as_str(), "outside of 0 12 * * * for 1 h");
    }

    #[test]
    fn a_deny_inside_an_allow_is_a_stretch_of_its_own() {
        let allow = gate("a", GateKind::Allow, "0 8 * * *", 10, false);
        let deny = gate("d", GateKind::Deny, ON, 1, true);
        let window = Window {
            from: "2026-11-20T08:30:00Z".parse().unwrap(),
            until: "2026-11-20T17:00:00Z".parse().unwrap(),
        };
        let found = shut(&[&allow, &deny], window);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].permit, found[0].from),
            (Permit::ByHand, "2026-11-20T12:00:00Z".parse().unwrap())
        );
    }
}
