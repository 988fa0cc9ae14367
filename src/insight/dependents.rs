//! One outage is one row: services that suffer under a parent that is down fold under it and are not counted again.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{DeadMan, ServiceState, Verdict, groups, matching::Sorted};
use crate::model::{Board, Health, IncidentStatus, Name, Status, Team};

/// A service that was in trouble this long before its parent is so for a reason of its own: what hits both is noticed
/// within minutes of each other.
const BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// Names said in the verdict.
const NAMED: usize = 3;

/// Sets `because` and `root_of` for services that are not ok and depend on one that is down.
///
/// A chain counts through every link that is itself not ok. Services that depend on each other in a circle
/// have one root: the first in the team's order that is down. What broke well before its parent stands for itself, and
/// so does what is unknown only because nobody tells: when the parent is up again, it still will be. What fails behind
/// such a one may have come of the parent all the same.
pub fn fold(team: &Team, sorted: &Sorted<'_>, states: &mut [ServiceState]) {
    let parents: Vec<Vec<usize>> = team
        .services
        .iter()
        .enumerate()
        .map(|(i, service)| {
            if states.get(i).is_none_or(|s| s.health == Health::Ok) {
                return Vec::new();
            }
            let known = service.depends_on.iter().filter_map(|n| sorted.by_name.get(n).copied());
            let may_fold = |parent: &ServiceState| {
                parent.health != Health::Ok && states.get(i).is_some_and(|s| !preceded(s, parent))
            };
            known.filter(|p| states.get(*p).is_some_and(may_fold)).collect()
        })
        .collect();
    let down: Vec<bool> = states.iter().map(|s| s.health == Health::Down).collect();
    let mut roots = roots(&parents, &down);
    for (root, _) in roots.iter_mut().zip(&*states).filter(|(_, state)| state.untold) {
        *root = None;
    }
    let parts = groups::fold(team, sorted, states, &mut roots);
    let mut folded = vec![0_usize; states.len()];
    let names: Vec<Name> = states.iter().map(|s| s.name.clone()).collect();
    for (i, state) in states.iter_mut().enumerate() {
        let root = roots.get(i).copied().flatten().filter(|r| *r != i);
        state.because = root.and_then(|r| names.get(r)).cloned();
        state.part = root.is_some() && parts.get(i).copied().unwrap_or(false);
        if let Some(slot) = root.and_then(|r| folded.get_mut(last(&roots, r))) {
            *slot += 1;
        }
    }
    for (state, n) in states.iter_mut().zip(folded) {
        state.root_of = n;
    }
}

/// Whether a service was in trouble before its parent could be the reason. What nobody saw begin may have come of it,
/// and so may what nothing is known of.
fn preceded(child: &ServiceState, parent: &ServiceState) -> bool {
    let troubled = child.health >= Health::Degraded && parent.health == Health::Down;
    let gap = child.since.zip(parent.since).map(|(own, its)| its.duration_since(own));
    troubled && gap.is_some_and(|gap| gap > BEFORE)
}

/// The one that stands for itself at the end: a part folds under its group, and what needs the part with it.
fn last(roots: &[Option<usize>], from: usize) -> usize {
    let mut at = from;
    // No way is longer than there are services.
    for _ in 0..roots.len() {
        match roots.get(at).copied().flatten().filter(|next| *next != at) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// The root of every node: the first service that is down in the deepest circle its parents lead to.
///
/// Tarjan's strongly connected components, without recursion: they come out parents first.
fn roots(parents: &[Vec<usize>], down: &[bool]) -> Vec<Option<usize>> {
    const UNSEEN: usize = usize::MAX;
    let n = parents.len();
    let (mut order, mut low) = (vec![UNSEEN; n], vec![UNSEEN; n]);
    let (mut open, mut root) = (vec![false; n], vec![None; n]);
    let (mut stack, mut counter) = (Vec::new(), 0);
    let get = |list: &[usize], i: usize| list.get(i).copied().unwrap_or(UNSEEN);
    for start in 0..n {
        if get(&order, start) != UNSEEN {
            continue;
        }
        let mut path = vec![(start, 0_usize)];
        while let Some((node, next)) = path.pop() {
            if next == 0 && get(&order, node) == UNSEEN {
                set(&mut order, node, counter);
                set(&mut low, node, counter);
                set(&mut open, node, true);
                stack.push(node);
                counter += 1;
            }
            if let Some(parent) = parents.get(node).and_then(|p| p.get(next)).copied() {
                path.push((node, next + 1));
                if get(&order, parent) == UNSEEN {
                    path.push((parent, 0));
                } else if open.get(parent).copied().unwrap_or(false) {
                    let least = get(&low, node).min(get(&order, parent));
                    set(&mut low, node, least);
                }
                continue;
            }
            if get(&low, node) == get(&order, node) {
                let at = stack.iter().rposition(|s| *s == node).unwrap_or(0);
                let circle = stack.split_off(at.min(stack.len()));
                let inherited = circle
                    .iter()
                    .flat_map(|m| parents.get(*m).into_iter().flatten())
                    .filter(|p| !circle.contains(p))
                    .find_map(|p| root.get(*p).copied().flatten());
                let own = || {
                    let is_down = |m: &usize| down.get(*m).copied().unwrap_or(false);
                    circle.iter().copied().filter(is_down).min()
                };
                let found = inherited.or_else(own);
                for member in &circle {
                    set(&mut open, *member, false);
                    set(&mut root, *member, found);
                }
            }
            if let Some((child, _)) = path.last().copied() {
                let least = get(&low, child).min(get(&low, node));
                set(&mut low, child, least);
            }
        }
    }
    root
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}

/// Counts root problems only. What is planned is shown and is no outage: services in maintenance, and those that suffer
/// under one of them, are counted apart.
pub fn verdict(board: &Board, states: &[ServiceState], now: jiff::Timestamp) -> Verdict {
    let planned: BTreeSet<&Name> =
        states.iter().filter(|s| s.overlays.maintenance).map(|s| &s.name).collect();
    let is_planned = |s: &ServiceState| {
        s.overlays.maintenance || s.because.as_ref().is_some_and(|root| planned.contains(root))
    };
    let is_root = |s: &ServiceState| s.because.is_none() && !is_planned(s);
    let roots = |health: Health| states.iter().filter(|s| s.health == health && is_root(s)).count();
    let open = board.incidents.present().map(|r| &r.what).filter(|i| i.status.is_open());
    let (mut incidents, mut unacked) = (0, 0);
    for incident in open {
        incidents += 1;
        let had = matches!(incident.status, IncidentStatus::Acked | IncidentStatus::Mitigated);
        unacked += usize::from(!had);
    }
    let worst_of = [Health::Down, Health::Degraded, Health::Unknown];
    let named = worst_of.into_iter().map(|health| {
        let roots = states.iter().filter(|s| s.health == health && is_root(s));
        roots.take(NAMED).map(|s| s.name.clone()).collect::<Vec<_>>()
    });
    let shown =
        |is: &dyn Fn(Status) -> bool| board.sources.values().filter(|f| is(f.shown(now))).count();
    let judged = states.iter().filter(|s| !is_planned(s)).map(|s| s.health).max();
    let dead_man = dead_man(board, now);
    Verdict {
        named: named.into_iter().find(|names| !names.is_empty()).unwrap_or_default(),
        // Where nothing is judged nothing is known, and nothing is not fine. Where nobody would tell, neither is it.
        worst: judged.unwrap_or_default().max(if dead_man.is_empty() {
            Health::Ok
        } else {
            Health::Unknown
        }),
        dead_man,
        down: roots(Health::Down),
        degraded: roots(Health::Degraded),
        unknown: roots(Health::Unknown),
        stale: states
            .iter()
            .filter(|s| s.health == Health::Ok && s.overlays.stale && is_root(s))
            .count(),
        folded: states.iter().filter(|s| s.because.is_some()).count(),
        maintained: planned.len(),
        incidents,
        unacked,
        failing_sources: shown(&|s| !s.is_good() && !matches!(s, Status::Stale | Status::Unknown)),
        stale_sources: shown(&|s| s == Status::Stale),
        awaited_sources: shown(&|s| s == Status::Unknown),
        sources: board.sources.len(),
    }
}

/// The expected alerts that do not arrive, wherever they should.
fn dead_man(board: &Board, now: jiff::Timestamp) -> Vec<DeadMan> {
    let all = board.sources.iter().flat_map(|(name, f)| f.missing(now).map(move |e| (name, e)));
    let missing = all.map(|(source, (expected, since))| DeadMan {
        source: source.clone(),
        name: expected.name.clone(),
        labels: expected.labels.clone(),
        since,
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_leads_to_its_deepest_root() {
        // web → checkout → db
        assert_eq!(roots(&[vec![1], vec![2], vec![]], &[false, true, true]), [Some(2); 3]);
    }

    #[test]
    fn a_circle_has_one_root_and_ends() {
        assert_eq!(roots(&[vec![1], vec![0]], &[true, true]), [Some(0), Some(0)]);
        assert_eq!(roots(&[vec![0]], &[true]), [Some(0)]);
        let both = roots(&[vec![1], vec![0, 2], vec![]], &[true, true, true]);
        assert_eq!(both, [Some(2); 3]);
    }

    #[test]
    fn nothing_folds_under_what_is_only_degraded() {
        assert_eq!(roots(&[vec![1], vec![]], &[true, false]), [Some(0), None]);
    }

    #[test]
    fn a_very_long_chain_is_walked_without_recursion() {
        let n = 200_000;
        let parents: Vec<Vec<usize>> =
            (0..n).map(|i| if i + 1 < n { vec![i + 1] } else { vec![] }).collect();
        let mut down = vec![false; n];
        down[n - 1] = true;
        assert_eq!(roots(&parents, &down), vec![Some(n - 1); n]);
    }

    fn team_of(edges: &[(usize, usize)], n: usize) -> Team {
        let name = |i: usize| Name::new(&format!("s{i}"));
        let service = |i: usize| crate::model::Service {
            name: name(i),
            depends_on: edges.iter().filter(|(a, _)| *a == i).map(|(_, b)| name(*b)).collect(),
            ..Default::default()
        };
        Team { services: (0..n).map(service).collect(), ..Team::default() }
    }

    fn folded(team: &Team, states: &[(Health, bool)]) -> (Vec<ServiceState>, Verdict) {
        let board = Board::default();
        let mut found: Vec<ServiceState> = team
            .services
            .iter()
            .zip(states)
            .map(|(service, (health, maintenance))| ServiceState {
                name: service.name.clone(),
                health: *health,
                overlays: crate::model::Overlays {
                    maintenance: *maintenance,
                    ..Default::default()
                },
                ..ServiceState::default()
            })
            .collect();
        fold(team, &Sorted::new(&board, team), &mut found);
        let verdict = verdict(&board, &found, jiff::Timestamp::UNIX_EPOCH);
        (found, verdict)
    }

    #[test]
    fn what_broke_well_before_its_parent_is_an_outage_of_its_own() {
        // web → checkout → db; checkout is in trouble for its own reason.
        let team = team_of(&[(0, 1), (1, 2)], 3);
        let at = |minute: i64| jiff::Timestamp::from_second(minute * 60).ok();
        let folded = |since: [Option<jiff::Timestamp>; 3]| {
            let health = [Health::Down, Health::Degraded, Health::Down];
            let states = team.services.iter().zip(health).zip(since);
            let mut states: Vec<ServiceState> = states
                .map(|((service, health), since)| ServiceState {
                    name: service.name.clone(),
                    health,
                    since,
                    ..ServiceState::default()
                })
                .collect();
            fold(&team, &Sorted::new(&Board::default(), &team), &mut states);
            states.iter().map(|s| s.because.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(folded([at(15), at(5), at(15)]), [false, false, false]);
        // Both were noticed at about the same time, whichever first; or nobody saw it begin.
        assert_eq!(folded([at(15), at(11), at(15)]), [true, true, false]);
        assert_eq!(folded([at(15), at(20), at(15)]), [true, true, false]);
        assert_eq!(folded([at(15), None, at(15)]), [true, true, false]);
    }

    #[test]
    fn planned_work_and_what_suffers_under_it_is_no_outage() {
        // web → db; mail stands alone.
        let team = team_of(&[(0, 1)], 3);
        let down = Health::Down;
        let (states, planned) = folded(&team, &[(down, false), (down, true), (Health::Ok, false)]);
        assert_eq!(states[0].because, Some(Name::new("s1")));
        assert_eq!((planned.down, planned.maintained, planned.worst), (0, 1, Health::Ok));
        // What is broken beside it is one.
        let (_, beside) = folded(&team, &[(down, false), (down, true), (down, false)]);
        assert_eq!((beside.down, beside.worst), (1, Health::Down));
        assert_eq!(beside.named, [Name::new("s2")]);
        // Where everything is planned nothing is judged.
        let (_, all) = folded(&team, &[(down, true); 3]);
        assert_eq!((all.down, all.worst), (0, Health::Unknown));
    }

    /// domain.md §4.4: two roots and 31 folded under them; those of whom nobody tells stand beside.
    #[test]
    fn what_nobody_tells_of_is_not_explained_by_a_parent_that_is_down() {
        // 0 and 1 are down. 2 to 31 suffer under them, of 32 to 34 nobody tells; 35 fails behind one of these.
        let edges: Vec<(usize, usize)> = (2..35).map(|i| (i, i % 2)).chain([(35, 34)]).collect();
        let team = team_of(&edges, 36);
        let counted = |untold: bool| {
            let state = |(i, service): (usize, &crate::model::Service)| ServiceState {
                name: service.name.clone(),
                health: match i {
                    0 | 1 => Health::Down,
                    32..=34 => Health::Unknown,
                    _ => Health::Degraded,
                },
                untold: untold && (32..=34).contains(&i),
                ..ServiceState::default()
            };
            let mut states: Vec<ServiceState> =
                team.services.iter().enumerate().map(state).collect();
            fold(&team, &Sorted::new(&Board::default(), &team), &mut states);
            let verdict = verdict(&Board::default(), &states, jiff::Timestamp::UNIX_EPOCH);
            let behind = states[35].because.clone();
            (verdict.down, verdict.unknown, verdict.folded, behind)
        };
        let root = Some(Name::new("s0"));
        assert_eq!(counted(true), (2, 3, 31, root.clone()));
        // An empty answer may have come of the outage.
        assert_eq!(counted(false), (2, 0, 34, root));
    }

    /// domain.md §4.5: of an Alertmanager asked every 15 s nothing is concluded after five minutes.
    #[test]
    fn a_silent_alertmanager_is_a_reason_of_its_own_beside_an_outage() {
        use crate::model::{
            AlertRule, Bound, Fact, Feed, Freshness, Measure, Metric, MetricId, Report, Role,
            RuleHealth, RuleState, Service, Unit, Weight,
        };
        let now = jiff::Timestamp::from_second(1_000_000).unwrap();
        let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
        let metric = |service: &str| Metric {
            id: MetricId { service: Some(Name::new(service)), metric: Name::new("up") },
            source: Name::new("prom"),
            query: "".into(),
            unit: Unit::None,
            role: Role::Availability,
            good: Bound::parse(">= 1"),
            bad: Bound::parse("<= 0"),
            weight: Weight::Critical,
        };
        let service = |name: &str, needs: &[&str], metrics: Vec<Metric>| Service {
            name: Name::new(name),
            depends_on: needs.iter().map(|n| Name::new(n)).collect(),
            metrics,
            ..Service::default()
        };
        // api tells nothing of itself; of web only its alerts tell.
        let services = vec![
            service("db", &[], vec![metric("db")]),
            service("api", &["db"], vec![metric("api")]),
            service("web", &["db"], Vec::new()),
        ];
        let team = Team { services, ..Team::default() };
        let told = |silent: i64| {
            let mut board = Board::default();
            for (name, kind, last) in [("prom", "prometheus", 0), ("am", "alertmanager", silent)] {
                let every = SignedDuration::from_secs(15);
                let last_ok = Some(ago(last));
                let fresh = Freshness { kind, every, last_ok, ..Freshness::default() };
                board.sources.insert(Name::new(name), fresh);
            }
            let sample = |service: &str, at, measure| Fact::Sample {
                id: metric(service).id,
                at,
                measure,
                note: None,
            };
            let mut facts: Vec<Fact> = [30, 15, 0]
                .into_iter()
                .map(|s| sample("db", ago(s), Measure::Number(0.0)))
                .collect();
            facts.push(sample("api", now, Measure::NoData));
            facts.push(Fact::Rule(AlertRule {
                key: crate::model::Key::new(&Name::new("prom"), "r"),
                name: "WebFails".into(),
                group: "g".into(),
                query: "up".into(),
                state: RuleState::Inactive,
                health: RuleHealth::Ok,
                last_error: crate::model::Clean::default(),
                labels: [("service".into(), "web".into())].into_iter().collect(),
                annotations: crate::model::Labels::default(),
                waits: SignedDuration::ZERO,
                firing: 0,
            }));
            let complete = vec![Feed::Rules];
            board.fold(&Name::new("prom"), now, Report { facts, complete, ..Report::default() });
            let survey = crate::insight::survey(&board, &team, now);
            let because =
                |s: &ServiceState| (s.health, s.because.as_ref().map(ToString::to_string));
            let [_, api, web] = &survey.services[..] else { panic!() };
            let v = &survey.verdict;
            (because(api), because(web), (v.down, v.unknown, v.folded))
        };
        let api = (Health::Unknown, Some("db".to_owned()));
        assert_eq!(told(299), (api.clone(), (Health::Ok, None), (1, 0, 1)));
        assert_eq!(told(301), (api, (Health::Unknown, None), (1, 1, 1)));
    }

    proptest::proptest! {
        #[test]
        fn folding_loses_no_root_and_counts_every_service_once(
            edges in proptest::collection::vec((0_usize..10, 0_usize..10), 0..30),
            states in proptest::collection::vec(
                (proptest::sample::select(vec![
                    Health::Ok, Health::Unknown, Health::Degraded, Health::Down,
                ]), proptest::bool::weighted(0.1)),
                10,
            ),
        ) {
            let team = team_of(&edges, 10);
            let (found, verdict) = folded(&team, &states);
            for state in &found {
                // Whoever folds does so under a service that is down and stands for itself.
                if let Some(root) = &state.because {
                    let root = found.iter().find(|s| s.name == *root).unwrap();
                    proptest::prop_assert_eq!((root.health, &root.because), (Health::Down, &None));
                    proptest::prop_assert!(state.health != Health::Ok && root.root_of > 0);
                }
            }
            // Some root of every outage is left.
            let any = |of: &dyn Fn(&&ServiceState) -> bool| found.iter().any(|s| of(&s));
            if any(&|s| s.health == Health::Down) {
                proptest::prop_assert!(any(&|s| s.health == Health::Down && s.because.is_none()));
            }
            proptest::prop_assert_eq!(found.iter().map(|s| s.root_of).sum::<usize>(), verdict.folded);
            let planned = |s: &&ServiceState| s.overlays.maintenance && s.because.is_none();
            let not_ok = found.iter().filter(|s| s.health != Health::Ok && !planned(s)).count();
            let counted = verdict.down + verdict.degraded + verdict.unknown + verdict.folded;
            proptest::prop_assert_eq!(counted, not_ok);
            // The names of the verdict are of its worst count.
            let worst = [verdict.down, verdict.degraded, verdict.unknown].into_iter().find(|n| *n > 0);
            proptest::prop_assert_eq!(verdict.named.len(), worst.unwrap_or(0).min(NAMED));
        }

        #[test]
        fn every_root_is_down_and_is_its_own_root(
            edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..40),
            down in proptest::collection::vec(proptest::prelude::any::<bool>(), 12),
        ) {
            let mut parents = vec![Vec::new(); 12];
            for (a, b) in edges {
                parents[a].push(b);
            }
            let found = roots(&parents, &down);
            for root in found.iter().flatten() {
                proptest::prop_assert!(down[*root]);
                proptest::prop_assert_eq!(found[*root], Some(*root));
            }
            for i in 0..12 {
                proptest::prop_assert!(!down[i] || found[i].is_some());
            }
        }
    }
}
