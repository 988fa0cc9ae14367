//! Uptime, twice: without planned work, and with it as downtime; what nobody knows is neither up nor down.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::freezes::occurrences;
use super::matching::named_in;
use super::words::earlier;
use crate::model::{Board, Health, Name, Purpose, Team, Window};

/// Stretches that uptime is said of: a day, a week, a month, a quarter.
pub const STRETCHES: [SignedDuration; 4] = [
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
    SignedDuration::from_hours(90 * 24),
];

/// How a stretch of time went. The four make up the whole of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uptime {
    /// Ok or degraded.
    pub up: SignedDuration,
    pub down: SignedDuration,
    /// In planned maintenance, however it was.
    pub planned: SignedDuration,
    /// Nobody knows: before memory begins, while nobody asked, while nothing could be told.
    pub unknown: SignedDuration,
}

impl Uptime {
    pub fn known(&self) -> SignedDuration {
        self.up + self.down + self.planned
    }

    pub fn whole(&self) -> SignedDuration {
        self.known() + self.unknown
    }

    /// `up / (up + down)`, 0–1; `None` where neither was seen.
    pub fn without_planned(&self) -> Option<f64> {
        ratio(self.up, self.up + self.down)
    }

    /// `up / (up + down + planned)`, 0–1: planned work is downtime too, for whoever needed the service.
    pub fn with_planned(&self) -> Option<f64> {
        self.without_planned().and_then(|_| ratio(self.up, self.known()))
    }
}

fn ratio(part: SignedDuration, of: SignedDuration) -> Option<f64> {
    (of > SignedDuration::ZERO).then(|| part.as_secs_f64() / of.as_secs_f64())
}

/// Percent with two digits, never rounded up: what was not all of the time is not 100 %.
pub fn percent(ratio: f64) -> f64 {
    // A hair above, so that 0.9 is not 89.99 for want of binary digits.
    (ratio * 10_000.0 + 1e-6).floor() / 100.0
}

/// Folds the turns of a service, oldest first, over a window. `planned` may overlap.
pub fn uptime(turns: &[(Timestamp, Health)], planned: &[Window], window: Window) -> Uptime {
    let mut found = Uptime::default();
    let Some((first, _)) = turns.first() else {
        found.unknown = window.until.duration_since(window.from).max(SignedDuration::ZERO);
        return found;
    };
    // What is planned before memory begins tells nothing of what was.
    let planned: Vec<Window> = planned
        .iter()
        .map(|w| Window { from: w.from.max(*first), until: w.until })
        .filter(|w| w.from < w.until)
        .collect();
    let mut edges: Vec<Timestamp> = vec![window.from, window.until];
    edges.extend(turns.iter().map(|(at, _)| *at));
    edges.extend(planned.iter().flat_map(|w| [w.from, w.until]));
    edges.retain(|at| *at >= window.from && *at <= window.until);
    edges.sort_unstable();
    edges.dedup();
    for (from, until) in edges.iter().zip(edges.iter().skip(1)) {
        let span = until.duration_since(*from);
        let after = turns.partition_point(|(at, _)| at <= from);
        let health = after.checked_sub(1).and_then(|i| turns.get(i)).map(|(_, health)| *health);
        let slot = match health {
            _ if planned.iter().any(|w| w.from <= *from && *from < w.until) => &mut found.planned,
            Some(Health::Ok | Health::Degraded) => &mut found.up,
            Some(Health::Down) => &mut found.down,
            Some(Health::Unknown) | None => &mut found.unknown,
        };
        *slot += span;
    }
    found
}

/// Works maintenance of the last quarter, read from the calendars once for all services.
#[derive(Debug, Clone, Default)]
pub struct Works {
    now: Option<Timestamp>,
    /// Without names it is everybody's.
    windows: Vec<(Vec<Name>, Window)>,
}

impl Works {
    pub fn new(board: &Board, team: &Team, now: Timestamp, zone: &TimeZone) -> Self {
        let longest = STRETCHES.into_iter().max().unwrap_or_default();
        let window = Window { from: earlier(now, longest), until: now };
        let all = occurrences(board, Purpose::Maintenance, window, zone).into_iter();
        let windows = all.map(|o| {
            let named = named_in(team, o.title.as_str()).into_iter().cloned().collect();
            (named, Window { from: o.start, until: o.end.min(now) })
        });
        Self { now: Some(now), windows: windows.collect() }
    }

    /// The uptime of a service over each stretch.
    pub fn uptimes(&self, board: &Board, service: &Name) -> Vec<(SignedDuration, Uptime)> {
        let Some(now) = self.now else { return Vec::new() };
        let over = |stretch: SignedDuration| {
            let window = Window { from: earlier(now, stretch), until: now };
            (stretch, self.over(board, service, window))
        };
        STRETCHES.into_iter().map(over).collect()
    }

    /// The uptime of a service over a stretch of the last quarter.
    pub fn over(&self, board: &Board, service: &Name, window: Window) -> Uptime {
        let own =
            self.windows.iter().filter(|(named, _)| named.is_empty() || named.contains(service));
        let own: Vec<Window> = own.map(|(_, window)| *window).collect();
        uptime(board.turns.of(service), &own, window)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Health::{Degraded, Down, Ok, Unknown};

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + s).unwrap()
    }

    fn window(from: i64, until: i64) -> Window {
        Window { from: t(from), until: t(until) }
    }

    fn secs(s: i64) -> SignedDuration {
        SignedDuration::from_secs(s)
    }

    fn shown(ratio: Option<f64>) -> String {
        format!("{:.2}", percent(ratio.unwrap()))
    }

    /// domain.md §4.6: 90 up, 4 down, 6 maintenance.
    #[test]
    fn both_numbers_of_the_worked_example() {
        let turns = [(t(0), Ok), (t(50), Down), (t(54), Degraded)];
        for (before, planned) in [(Ok, window(94, 100)), (Down, window(94, 120))] {
            let turns = [&turns[..], &[(t(94), before)]].concat();
            let found = uptime(&turns, &[planned], window(0, 100));
            assert_eq!((found.up, found.down, found.planned), (secs(90), secs(4), secs(6)));
            assert_eq!(shown(found.without_planned()), "95.74");
            assert_eq!(shown(found.with_planned()), "90.00");
        }
    }

    #[test]
    fn without_data_there_is_no_number() {
        for (turns, planned) in [
            (vec![], vec![]),
            (vec![(t(0), Unknown)], vec![]),
            (vec![(t(200), Ok)], vec![]),
            // Work that is planned is no observation.
            (vec![], vec![window(0, 50)]),
            (vec![(t(0), Unknown)], vec![window(0, 50)]),
        ] {
            let found = uptime(&turns, &planned, window(0, 100));
            assert_eq!((found.without_planned(), found.with_planned()), (None, None), "{turns:?}");
            assert_eq!(found.whole(), secs(100));
        }
    }

    #[test]
    fn what_nobody_knows_is_neither_up_nor_down() {
        let turns = [(t(20), Ok), (t(60), Unknown), (t(80), Down)];
        let found = uptime(&turns, &[], window(0, 100));
        assert_eq!((found.up, found.down, found.unknown), (secs(40), secs(20), secs(40)));
        assert_eq!(shown(found.without_planned()), "66.66");
        assert_eq!(found.known(), secs(60));
    }

    #[test]
    fn nearly_all_of_the_time_is_not_all_of_it() {
        for (ratio, said) in [(0.999_999, "99.99"), (1.0, "100.00"), (0.9, "90.00")] {
            assert_eq!(shown(Some(ratio)), said);
        }
    }

    prop_compose! {
        fn history()(gaps in prop::collection::vec((1_i64..40, prop::sample::select(vec![
            Ok, Unknown, Degraded, Down,
        ])), 0..20), start in -50_i64..50) -> Vec<(Timestamp, Health)> {
            let mut at = start;
            gaps.into_iter().map(|(gap, health)| { at += gap; (t(at), health) }).collect()
        }
    }

    prop_compose! {
        fn plans()(all in prop::collection::vec((-60_i64..260, 1_i64..80), 0..5)) -> Vec<Window> {
            all.into_iter().map(|(from, long)| window(from, from + long)).collect()
        }
    }

    proptest! {
        #[test]
        fn the_parts_make_up_the_whole_and_planned_work_never_helps(
            turns in history(), planned in plans(), from in -80_i64..100, long in 0_i64..200,
        ) {
            let found = uptime(&turns, &planned, window(from, from + long));
            prop_assert_eq!(found.whole(), secs(long));
            if let (Some(without), Some(with)) = (found.without_planned(), found.with_planned()) {
                prop_assert!((0.0..=1.0).contains(&without) && with <= without);
            }
        }

        #[test]
        fn two_stretches_add_up_to_one(
            turns in history(), planned in plans(), from in -80_i64..100, a in 0_i64..100, b in 0_i64..100,
        ) {
            let over = |from: i64, until: i64| uptime(&turns, &planned, window(from, until));
            let (one, other) = (over(from, from + a), over(from + a, from + a + b));
            let both = over(from, from + a + b);
            prop_assert_eq!(both.up, one.up + other.up);
            prop_assert_eq!(both.down, one.down + other.down);
            prop_assert_eq!(both.planned, one.planned + other.planned);
            prop_assert_eq!(both.unknown, one.unknown + other.unknown);
        }

        #[test]
        fn worse_turns_never_give_more_uptime(turns in history(), planned in plans()) {
            let worse: Vec<_> = turns
                .iter()
                .map(|(at, health)| (*at, if *health == Ok { Down } else { *health }))
                .collect();
            let over = |turns: &[(Timestamp, Health)]| uptime(turns, &planned, window(0, 150)).up;
            prop_assert!(over(&worse) <= over(&turns));
        }
    }
}
