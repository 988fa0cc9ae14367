//! The agenda: which source is due when, on one grid of moments that all share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// A moment of the grid, counted from the start.
pub type Slot = u64;

/// Who is due at which slot. Pure: time comes in as durations since the start.
#[derive(Debug)]
pub struct Agenda {
    grid: Duration,
    slots: BTreeMap<Slot, BTreeSet<usize>>,
    due: HashMap<usize, Slot>,
}

impl Agenda {
    pub fn new(grid: Duration) -> Self {
        let grid = grid.max(Duration::from_millis(1));
        Self { grid, slots: BTreeMap::new(), due: HashMap::new() }
    }

    /// The first slot at or after a moment.
    pub fn after(&self, moment: Duration) -> Slot {
        u64::try_from(moment.as_nanos().div_ceil(self.grid.as_nanos())).unwrap_or(Slot::MAX)
    }

    /// The last slot at or before a moment.
    pub fn before(&self, moment: Duration) -> Slot {
        u64::try_from(moment.as_nanos() / self.grid.as_nanos()).unwrap_or(Slot::MAX)
    }

    pub fn moment(&self, slot: Slot) -> Duration {
        let nanos = self.grid.as_nanos().saturating_mul(u128::from(slot));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub fn put(&mut self, who: usize, slot: Slot) {
        self.take(who);
        self.slots.entry(slot).or_default().insert(who);
        self.due.insert(who, slot);
    }

    pub fn take(&mut self, who: usize) {
        let Some(slot) = self.due.remove(&who) else { return };
        if let Some(there) = self.slots.get_mut(&slot) {
            there.remove(&who);
            if there.is_empty() {
                self.slots.remove(&slot);
            }
        }
    }

    /// The next slot anybody is due at.
    pub fn next(&self) -> Option<Slot> {
        self.slots.keys().next().copied()
    }

    /// Everybody due by now, taken off the agenda.
    pub fn pop_until(&mut self, now: Slot) -> Vec<usize> {
        let later = self.slots.split_off(&(now + 1));
        let due: Vec<usize> =
            std::mem::replace(&mut self.slots, later).into_values().flatten().collect();
        for who in &due {
            self.due.remove(who);
        }
        due
    }

    /// A slot within ±10 % of an interval from `began`: one that somebody else is waiting for, else one drawn by `unit` in 0..1.
    ///
    /// So sources drift together into few wake-ups, however many there are, while every process keeps its own jitter.
    pub fn near(&self, began: Duration, every: Duration, now: Duration, unit: f64) -> Slot {
        let soonest = self.after(now + Duration::from_nanos(1));
        let first = self.before(began + every.mul_f64(0.9)).max(soonest);
        let last = self.after(began + every.mul_f64(1.1)).max(first);
        if let Some((slot, _)) = self.slots.range(first..=last).next() {
            return *slot;
        }
        let drawn = self.after(began + every.mul_f64(0.9 + 0.2 * unit.clamp(0.0, 1.0)));
        drawn.clamp(first, last)
    }
}

/// How long to wait after `failures` failed polls: full jitter over `min(every·2ⁿ, max(every, longest))`,
/// never below `floor` (aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
pub fn back_off(
    every: Duration,
    failures: u32,
    longest: Duration,
    floor: Duration,
    unit: f64,
) -> Duration {
    let doubled = every.saturating_mul(1_u32.checked_shl(failures.min(20)).unwrap_or(u32::MAX));
    let most = doubled.min(every.max(longest));
    most.mul_f64(unit.clamp(0.0, 1.0)).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_source_joins_a_moment_that_somebody_waits_for() {
        let mut agenda = Agenda::new(SECOND);
        agenda.put(7, 16);
        let began = Duration::from_millis(500);
        assert_eq!(agenda.near(began, SECOND * 15, began, 0.0), 16);
        agenda.put(7, 30);
        assert_eq!(agenda.near(began, SECOND * 15, began, 0.0), 14);
    }

    #[test]
    fn those_due_come_off_the_agenda_once() {
        let mut agenda = Agenda::new(SECOND);
        for (who, slot) in [(0, 3), (1, 5), (2, 3), (1, 4)] {
            agenda.put(who, slot);
        }
        assert_eq!(agenda.next(), Some(3));
        assert_eq!(agenda.pop_until(4), [0, 2, 1]);
        assert_eq!((agenda.pop_until(9), agenda.next()), (vec![], None));
    }

    proptest! {
        #[test]
        fn the_next_poll_is_later_than_now_and_near_the_interval(
            began in 0_u64..100_000, every in 1_u64..3_600_000, took in 0_u64..20_000, unit in 0.0_f64..1.0,
        ) {
            let agenda = Agenda::new(SECOND);
            let (began, every) = (Duration::from_millis(began), Duration::from_millis(every));
            let now = began + Duration::from_millis(took);
            let at = agenda.moment(agenda.near(began, every, now, unit));
            prop_assert!(at > now);
            prop_assert!(at + SECOND >= began + every.mul_f64(0.9));
            prop_assert!(at <= (began + every.mul_f64(1.1)).max(now) + SECOND);
        }

        #[test]
        fn a_back_off_is_bounded_and_never_hammers(every in 1_u64..7200, n in 0_u32..200, unit in 0.0_f64..1.0) {
            let every = Duration::from_secs(every);
            let wait = back_off(every, n, SECOND * 300, SECOND, unit);
            prop_assert!(wait >= SECOND && wait <= every.max(SECOND * 300));
        }
    }
}
