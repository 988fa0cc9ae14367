//! A service made of others: how it is follows from how its parts are, counted, and in trouble they fold under it.

use super::ServiceState;
use super::matching::Sorted;
use crate::model::{Clean, Health, Team};

/// Parts named in a reason.
const NAMED: usize = 3;

/// Sets how each group is: all parts ok is ok, all down is down, some down or degraded is degraded, and what is unknown is
/// never ok (domain.md §4.4). Parts in planned work count only where all of them are. What a group shows itself counts
/// beside; `watched` says for which services there is such evidence.
pub fn judge(team: &Team, sorted: &Sorted<'_>, states: &mut [ServiceState], watched: &[bool]) {
    for i in inner_first(team, sorted) {
        let parts = parts(team, sorted, i);
        let Some(found) = of_parts(states, &parts) else { continue };
        let stale = parts.iter().any(|p| states.get(*p).is_some_and(|s| s.overlays.stale));
        let partial = parts.iter().any(|p| states.get(*p).is_some_and(|s| s.overlays.partial));
        let planned = parts.iter().all(|p| states.get(*p).is_some_and(|s| s.overlays.maintenance));
        let own = watched.get(i).copied().unwrap_or(false);
        let Some(state) = states.get_mut(i) else { continue };
        state.overlays.stale |= stale;
        state.overlays.partial |= partial;
        state.overlays.maintenance |= planned;
        if !own {
            state.signals.clear();
        }
        if !own || found.health > state.health {
            (state.health, state.since) = (found.health, found.since);
            state.untold = found.untold;
        } else if found.health == state.health {
            let both = [state.since, found.since].into_iter().flatten();
            state.since = if found.health == Health::Ok { both.max() } else { both.min() };
            state.untold &= found.untold;
        }
        if found.health != Health::Ok {
            state.signals.push((found.health, found.words));
            state.signals.sort_by_key(|(health, _)| std::cmp::Reverse(*health));
        }
        let reason = state.signals.first().map(|(_, words)| words.clone());
        state.reason = reason.unwrap_or_default();
    }
}

struct Found {
    health: Health,
    since: Option<jiff::Timestamp>,
    words: Clean,
    /// Unknown, and all of the unknown parts because nobody tells of them.
    untold: bool,
}

fn of_parts(states: &[ServiceState], parts: &[usize]) -> Option<Found> {
    let all: Vec<&ServiceState> = parts.iter().filter_map(|p| states.get(*p)).collect();
    let working: Vec<&ServiceState> =
        all.iter().copied().filter(|s| !s.overlays.maintenance).collect();
    let counted = if working.is_empty() { all } else { working };
    let n = counted.len();
    let of = |health: Health| counted.iter().filter(move |s| s.health == health);
    let health = match (of(Health::Down).count(), of(Health::Degraded).count()) {
        _ if n == 0 => return None,
        (down, _) if down == n => Health::Down,
        (0, 0) if of(Health::Unknown).count() > 0 => Health::Unknown,
        (0, 0) => Health::Ok,
        _ => Health::Degraded,
    };
    let since = match health {
        // All of them are so only since the last of them is.
        Health::Ok => counted.iter().filter_map(|s| s.since).max(),
        Health::Down if counted.iter().any(|s| s.since.is_none()) => None,
        Health::Down => counted.iter().filter_map(|s| s.since).max(),
        Health::Degraded => {
            counted.iter().filter(|s| s.health >= Health::Degraded).filter_map(|s| s.since).min()
        }
        Health::Unknown => of(Health::Unknown).filter_map(|s| s.since).min(),
    };
    let mut said = Vec::new();
    for health in [Health::Down, Health::Degraded, Health::Unknown] {
        let names: Vec<&str> = of(health).map(|s| s.name.as_str()).collect();
        if !names.is_empty() {
            let more = if names.len() > NAMED { " …" } else { "" };
            let named: Vec<&str> = names.iter().copied().take(NAMED).collect();
            let count = format!("{} of {n} {}", names.len(), health.word());
            said.push(format!("{count}: {}{more}", named.join(", ")));
        }
    }
    let untold = health == Health::Unknown && of(Health::Unknown).all(|s| s.untold);
    Some(Found { health, since, words: Clean::line(said.join("; ")), untold })
}

/// Folds the parts of a group that is in trouble under it. Where all that is wrong with it comes from one outage outside, the
/// group folds under that, too. `roots` are those that dependencies lead to.
pub fn fold(
    team: &Team,
    sorted: &Sorted<'_>,
    states: &[ServiceState],
    roots: &mut [Option<usize>],
) -> Vec<bool> {
    let mut is_part = vec![false; states.len()];
    let order = inner_first(team, sorted);
    let in_trouble = |i: usize| states.get(i).is_some_and(|s| s.health != Health::Ok);
    for group in order.into_iter().filter(|g| in_trouble(*g)) {
        let bad: Vec<usize> =
            parts(team, sorted, group).into_iter().filter(|p| in_trouble(*p)).collect();
        let inside = |r: usize| r == group || bad.contains(&r);
        let outer = |i: usize| roots.get(i).copied().flatten().filter(|r| *r != i && !inside(*r));
        let outside: Vec<Option<usize>> = bad.iter().map(|p| outer(*p)).collect();
        let common = outside.first().copied().flatten();
        if outer(group).is_none()
            && let Some(root) = common.filter(|_| outside.iter().all(Option::is_some))
            && let Some(slot) = roots.get_mut(group)
        {
            *slot = Some(root);
        }
        for (part, outside) in bad.iter().zip(outside) {
            if outside.is_none()
                && let (Some(root), Some(part)) = (roots.get_mut(*part), is_part.get_mut(*part))
            {
                (*root, *part) = (Some(group), true);
            }
        }
    }
    is_part
}

/// The places of a group's parts in the team.
pub fn parts(team: &Team, sorted: &Sorted<'_>, group: usize) -> Vec<usize> {
    let members = team.services.get(group).map_or(&[][..], |s| &s.members);
    members.iter().filter_map(|name| sorted.by_name.get(name).copied()).collect()
}

/// What counts as a service itself: its parts, theirs, and the groups it is a part of. The service first.
pub fn itself(team: &Team, sorted: &Sorted<'_>, service: usize) -> Vec<usize> {
    let mut own = vec![service];
    let mut next = 0;
    while let Some(i) = own.get(next).copied() {
        for part in parts(team, sorted, i) {
            if !own.contains(&part) {
                own.push(part);
            }
        }
        next += 1;
    }
    let Some(name) = team.services.get(service).map(|s| &s.name) else { return own };
    let holds = |i: &usize| team.services.get(*i).is_some_and(|s| s.members.contains(name));
    own.extend(sorted.groups.iter().copied().filter(holds));
    own.dedup();
    own
}

/// Groups, those that are parts of others before them. The configuration refuses circles; here they end.
fn inner_first(team: &Team, sorted: &Sorted<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut seen = vec![false; team.services.len()];
    for start in sorted.groups.iter().copied() {
        let mut path = vec![(start, false)];
        while let Some((i, done)) = path.pop() {
            if done {
                order.push(i);
                continue;
            }
            if seen.get(i).copied().unwrap_or(true) {
                continue;
            }
            if let Some(seen) = seen.get_mut(i) {
                *seen = true;
            }
            path.push((i, true));
            let inner = parts(team, sorted, i).into_iter().filter(|p| is_group(team, *p));
            path.extend(inner.map(|p| (p, false)));
        }
    }
    order
}

pub fn is_group(team: &Team, i: usize) -> bool {
    team.services.get(i).is_some_and(|s| !s.members.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::dependents;
    use super::*;
    use crate::model::{Board, Name, Overlays, Service};
    use Health::{Degraded, Down, Ok, Unknown};
    use jiff::Timestamp;

    /// `(name, needs, parts)`.
    fn team(all: &[(&str, &[&str], &[&str])]) -> Team {
        let names = |all: &[&str]| all.iter().map(|n| Name::new(n)).collect();
        let service = |(name, needs, parts): &(&str, &[&str], &[&str])| Service {
            name: Name::new(name),
            depends_on: names(needs),
            members: names(parts),
            ..Service::default()
        };
        Team { services: all.iter().map(service).collect(), ..Team::default() }
    }

    fn at(minute: usize) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + i64::try_from(minute).unwrap() * 60).unwrap()
    }

    /// Judges and folds; each service is so since the minute of its place, and groups have nothing of their own.
    fn judged(team: &Team, healths: &[Health]) -> (Vec<ServiceState>, super::super::Verdict) {
        let board = Board::default();
        let sorted = Sorted::new(&board, team);
        let state = |(i, service): (usize, &Service)| ServiceState {
            name: service.name.clone(),
            health: healths[i],
            since: service.members.is_empty().then(|| at(i)),
            ..ServiceState::default()
        };
        let mut states: Vec<ServiceState> = team.services.iter().enumerate().map(state).collect();
        let watched: Vec<bool> = team.services.iter().map(|s| s.members.is_empty()).collect();
        judge(team, &sorted, &mut states, &watched);
        dependents::fold(team, &sorted, &mut states);
        let verdict = dependents::verdict(&board, &states, at(100));
        (states, verdict)
    }

    const SHOP: &[(&str, &[&str], &[&str])] =
        &[("shop", &[], &["a", "b", "c"]), ("a", &[], &[]), ("b", &[], &[]), ("c", &[], &[])];

    /// domain.md §4.4.
    #[test]
    fn a_group_is_what_its_parts_are_counted() {
        for (parts, health, reason) in [
            ([Ok, Ok, Ok], Ok, ""),
            ([Ok, Down, Ok], Degraded, "1 of 3 down: b"),
            ([Down, Down, Ok], Degraded, "2 of 3 down: a, b"),
            ([Down, Down, Down], Down, "3 of 3 down: a, b, c"),
            ([Ok, Degraded, Ok], Degraded, "1 of 3 degraded: b"),
            ([Degraded, Degraded, Degraded], Degraded, "3 of 3 degraded: a, b, c"),
            ([Ok, Unknown, Ok], Unknown, "1 of 3 unknown: b"),
            ([Unknown, Unknown, Unknown], Unknown, "3 of 3 unknown: a, b, c"),
            ([Down, Unknown, Down], Degraded, "2 of 3 down: a, c; 1 of 3 unknown: b"),
        ] {
            let (states, _) = judged(&team(SHOP), &[&[Unknown][..], &parts].concat());
            assert_eq!((states[0].health, states[0].reason.as_str()), (health, reason));
        }
    }

    #[test]
    fn all_of_them_are_down_only_since_the_last_is_and_trouble_began_with_the_first() {
        let since =
            |parts: [Health; 3]| judged(&team(SHOP), &[&[Unknown][..], &parts].concat()).0[0].since;
        assert_eq!(since([Down, Down, Down]), Some(at(3)));
        assert_eq!(since([Ok, Down, Degraded]), Some(at(2)));
        assert_eq!(since([Ok, Ok, Ok]), Some(at(3)));
    }

    #[test]
    fn a_group_is_one_problem_and_its_parts_fold_under_it() {
        let (states, verdict) = judged(&team(SHOP), &[Unknown, Down, Ok, Down]);
        let folds: Vec<_> = states.iter().map(|s| s.because.as_ref().map(Name::as_str)).collect();
        assert_eq!(folds, [None, Some("shop"), None, Some("shop")]);
        assert!(states[1].part && !states[0].part);
        assert_eq!((states[0].root_of, verdict.folded), (2, 2));
        // Two of three are down: that is one degraded service, and none that is down.
        assert_eq!((verdict.down, verdict.degraded, verdict.worst), (0, 1, Down));
        assert_eq!(verdict.named, [Name::new("shop")]);
    }

    #[test]
    fn an_outage_outside_is_the_root_of_the_group_and_its_parts() {
        let all: &[(&str, &[&str], &[&str])] = &[
            ("shop", &[], &["a", "b"]),
            ("a", &["db"], &[]),
            ("b", &["db"], &[]),
            ("db", &[], &[]),
            ("web", &["shop"], &[]),
        ];
        let (states, verdict) = judged(&team(all), &[Unknown, Down, Down, Down, Down]);
        let folds: Vec<_> = states.iter().map(|s| s.because.as_ref().map(Name::as_str)).collect();
        assert_eq!(folds, [Some("db"), Some("db"), Some("db"), None, Some("shop")]);
        assert_eq!((verdict.down, verdict.degraded, verdict.folded), (1, 0, 4));
        // One part fails by itself: the group stands for that, beside the outage.
        let (states, verdict) = judged(&team(&all[..4]), &[Unknown, Down, Down, Ok]);
        assert_eq!(states[1].because, Some(Name::new("shop")));
        assert_eq!((verdict.down, verdict.folded), (1, 2));
    }

    #[test]
    fn what_needs_a_part_folds_with_it() {
        let all: &[(&str, &[&str], &[&str])] =
            &[("shop", &[], &["a", "b"]), ("a", &[], &[]), ("b", &[], &[]), ("web", &["a"], &[])];
        let (states, verdict) = judged(&team(all), &[Unknown, Down, Ok, Down]);
        assert_eq!(states[3].because, Some(Name::new("a")));
        assert!(!states[3].part);
        assert_eq!((states[0].root_of, states[1].root_of), (2, 0));
        assert_eq!((verdict.down, verdict.degraded, verdict.folded), (0, 1, 2));
    }

    #[test]
    fn groups_of_groups_are_judged_from_the_inside() {
        let all: &[(&str, &[&str], &[&str])] = &[
            ("world", &[], &["eu", "us"]),
            ("eu", &[], &["a", "b"]),
            ("us", &[], &["c"]),
            ("a", &[], &[]),
            ("b", &[], &[]),
            ("c", &[], &[]),
        ];
        let (states, verdict) = judged(&team(all), &[Unknown, Unknown, Unknown, Down, Down, Ok]);
        let healths: Vec<Health> = states.iter().map(|s| s.health).collect();
        assert_eq!(healths[..3], [Degraded, Down, Ok]);
        assert_eq!(states[0].reason.as_str(), "1 of 2 down: eu");
        assert_eq!((verdict.degraded, verdict.down, verdict.folded), (1, 0, 3));
        assert_eq!(states[0].root_of, 3);
    }

    #[test]
    fn what_a_group_shows_itself_counts_beside_its_parts() {
        let team = team(SHOP);
        let board = Board::default();
        let sorted = Sorted::new(&board, &team);
        let state = |name: &str, health: Health, signals: Vec<(Health, Clean)>| ServiceState {
            name: Name::new(name),
            health,
            signals,
            ..ServiceState::default()
        };
        let ok = |name| state(name, Ok, vec![]);
        let own = vec![(Down, Clean::from("http: refused"))];
        let mut states = vec![state("shop", Down, own), ok("a"), ok("b"), state("c", Down, vec![])];
        judge(&team, &sorted, &mut states, &[true; 4]);
        assert_eq!((states[0].health, states[0].reason.as_str()), (Down, "http: refused"));
        assert_eq!(states[0].signals[1].1.as_str(), "1 of 3 down: c");
        // Planned work on a part is no trouble of the whole.
        let planned = Overlays { maintenance: true, ..Overlays::default() };
        let mut states = vec![ok("shop"), ok("a"), ok("b"), state("c", Down, vec![])];
        states[3].overlays = planned;
        judge(&team, &sorted, &mut states, &[false, true, true, true]);
        assert_eq!((states[0].health, states[0].overlays.maintenance), (Ok, false));
        for part in &mut states[1..] {
            part.overlays = planned;
        }
        judge(&team, &sorted, &mut states, &[false, true, true, true]);
        assert_eq!((states[0].health, states[0].overlays.maintenance), (Degraded, true));
    }

    proptest::proptest! {
        #[test]
        fn any_groups_end_and_no_trouble_is_lost(
            parts in proptest::collection::vec((0_usize..8, 0_usize..8), 0..16),
            needs in proptest::collection::vec((0_usize..8, 0_usize..8), 0..16),
            healths in proptest::collection::vec(
                proptest::sample::select(vec![Ok, Unknown, Degraded, Down]), 8,
            ),
        ) {
            let name = |i: usize| Name::new(&format!("s{i}"));
            let of = |edges: &[(usize, usize)], i: usize| -> Vec<Name> {
                edges.iter().filter(|(a, b)| *a == i && a != b).map(|(_, b)| name(*b)).collect()
            };
            let services = (0..8).map(|i| Service {
                name: name(i), depends_on: of(&needs, i), members: of(&parts, i), ..Service::default()
            });
            let team = Team { services: services.collect(), ..Team::default() };
            let (states, verdict) = judged(&team, &healths);
            let bad = states.iter().filter(|s| s.health != Ok).count();
            proptest::prop_assert_eq!(verdict.down + verdict.degraded + verdict.unknown + verdict.folded, bad);
            proptest::prop_assert!(states.iter().all(|s| s.because.is_none() || s.health != Ok));
            for state in states.iter().filter(|s| s.because.is_some()) {
                proptest::prop_assert!(state.because.as_ref() != Some(&state.name));
            }
        }
    }
}
