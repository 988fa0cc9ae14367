//! The agenda: which source is due when, on ticks that all sources of a process share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;

/// A moment of the grid, counted from the start.
pub type Slot = u64;

/// How far from its interval a healthy source may be asked.
const TOLERANCE: f64 = 0.1;
/// Slots an interval needs so that ticks keep it to that tolerance.
const SHORT: u32 = 5;
/// How much of a wait that was drawn by lot is given up to wake with others.
const ROUNDING: f64 = 0.25;

/// Where the ticks of a process lie. Whoever goes on where it stopped takes it over: then nobody is asked out of turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    pub seed: u64,
    /// The moment its grid begins.
    pub origin: Timestamp,
}

/// Who is due at which slot. Pure: time comes in as durations since the start.
///
/// Sources with the same interval have the same ticks, and so have those whose intervals are multiples of each other: as
/// many sources as you like wake the machine as often as one. Where the ticks lie, and how each of them sways, is drawn
/// once for every process, so that processes started together ask apart.
#[derive(Debug)]
pub struct Agenda {
    grid: Duration,
    least: Duration,
    /// A tick of every interval.
    phase: Duration,
    /// How far ticks sway to either side.
    sway: Duration,
    seed: u64,
    slots: BTreeMap<Slot, BTreeSet<usize>>,
    due: HashMap<usize, Slot>,
}

impl Agenda {
    /// An agenda for sources of which the most frequent is asked every `least`.
    pub fn new(grid: Duration, least: Duration, seed: u64) -> Self {
        // Twelve hours hold most intervals without a remainder: any phase of them is as likely as any other.
        let hours = Duration::from_secs(12 * 3600);
        Self {
            grid: grid.max(Duration::from_millis(1)),
            least,
            phase: hours.mul_f64(unit(seed, 0)),
            // Between two ticks twice this is added or taken.
            sway: least.mul_f64(TOLERANCE / 2.0),
            seed,
            slots: BTreeMap::new(),
            due: HashMap::new(),
        }
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

    /// When a source that was asked at `began` is asked again: after `wanted`, give or take a tenth, with others who are
    /// due then or at the tick of its interval; with no tick there, at the one before.
    ///
    /// Somebody who is asked less often than its interval says (`wanted` is longer) is never asked sooner than that.
    pub fn next_for(
        &self,
        began: Duration,
        every: Duration,
        wanted: Duration,
        now: Duration,
    ) -> Slot {
        let soonest = self.after(now + Duration::from_nanos(1));
        let target = began + wanted;
        let first = self.before(began + wanted.mul_f64(1.0 - TOLERANCE)).max(soonest);
        // Of intervals this short a tenth is less than a slot: they have no ticks to keep, and no neighbours to join.
        if every < self.grid * SHORT && wanted <= every {
            return self.before(target + self.grid / 2).max(soonest);
        }
        let last = self.after(began + wanted.mul_f64(1.0 + TOLERANCE)).max(first);
        if let Some(slot) = self.taken(first, last, self.after(target)) {
            return slot;
        }
        let tick = self.tick(every, self.moment(last));
        if tick >= first {
            return tick;
        }
        if wanted > every {
            return self.after(target).clamp(first, last);
        }
        // Out of step, as after the first poll or a failure: back in step by one shorter wait.
        if tick >= soonest {
            return tick;
        }
        // It passed while the answer was awaited: the next one. No two ticks are as near as half an interval.
        (1..=3)
            .map(|halves| self.tick(every, self.moment(last) + every * halves / 2))
            .find(|tick| *tick > last)
            .unwrap_or(last)
    }

    /// A slot within `wait` from now, not much sooner and not before `floor`: one that somebody is waiting for, or a tick
    /// of the most frequent source, where there is one.
    pub fn within(&self, wait: Duration, floor: Duration, now: Duration) -> Slot {
        let first = self.after(now + wait.mul_f64(1.0 - ROUNDING).max(floor));
        let last = self.after(now + wait).max(first);
        let tick = || Some(self.tick(self.least, self.moment(last))).filter(|tick| *tick >= first);
        self.taken(first, last, last).or_else(tick).unwrap_or(last)
    }

    /// The slot nearest to `wanted` that somebody is waiting for.
    fn taken(&self, first: Slot, last: Slot, wanted: Slot) -> Option<Slot> {
        let slots = self.slots.range(first..=last).map(|(slot, _)| *slot);
        slots.min_by_key(|slot| slot.abs_diff(wanted))
    }

    /// The last tick of an interval by a moment; before the first there is none, which is slot 0.
    fn tick(&self, every: Duration, by: Duration) -> Slot {
        let every = every.as_nanos().max(self.grid.as_nanos());
        let first = self.phase.as_nanos() % every;
        let last = self.before(by);
        // A tick that sways past the moment is none yet: the one before it is.
        let by = (by + self.sway).as_nanos();
        let nth = by.saturating_sub(first) / every;
        (nth.saturating_sub(2)..=nth)
            .rev()
            .map(|n| self.swayed(first + n * every))
            .find(|slot| *slot <= last)
            .unwrap_or(0)
    }

    /// Where the tick really is that by count would be at a moment. All whose tick it is get the same slot.
    fn swayed(&self, nanos: u128) -> Slot {
        let nominal = u64::try_from(nanos).unwrap_or(u64::MAX);
        let sway = self.sway.mul_f64(2.0 * unit(self.seed, nominal));
        let moment = Duration::from_nanos(nominal) + sway;
        self.before(moment.saturating_sub(self.sway) + self.grid / 2)
    }
}

/// A number in 0..1 that follows from two others (the finisher of splitmix64; Steele, Lea, Flood 2014).
fn unit(seed: u64, number: u64) -> f64 {
    let mut x = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
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

    fn agenda(seed: u64) -> Agenda {
        Agenda::new(SECOND, SECOND * 15, seed)
    }

    #[test]
    fn a_source_joins_a_moment_that_somebody_waits_for() {
        let mut agenda = agenda(1);
        agenda.put(7, 14);
        agenda.put(8, 16);
        let began = Duration::from_millis(900);
        assert_eq!(agenda.next_for(began, SECOND * 15, SECOND * 15, began), 16);
        assert_eq!(agenda.within(SECOND * 15, SECOND, Duration::ZERO), 14);
        assert_eq!(agenda.within(SECOND * 15, SECOND * 15, Duration::ZERO), 15);
    }

    #[test]
    fn intervals_that_are_multiples_have_their_ticks_together() {
        for seed in 0..50 {
            let agenda = agenda(seed);
            let ticks = |every: u64| -> BTreeSet<Slot> {
                (600..1200).map(|s| agenda.tick(SECOND * every as u32, SECOND * s)).collect()
            };
            let (often, mut seldom) = (ticks(15), ticks(60));
            // The last one by the first moment looked at may be long past.
            seldom.retain(|slot| *slot > 600);
            assert!(seldom.is_subset(&often), "{seldom:?} {often:?}");
            assert!((40..=42).contains(&often.len()), "{often:?}");
            // A tenth of the interval, and the grid.
            let often: Vec<_> = often.into_iter().collect();
            assert!(often.windows(2).all(|w| (13..=17).contains(&(w[1] - w[0]))), "{often:?}");
        }
    }

    #[test]
    fn processes_started_together_have_ticks_all_over_the_interval() {
        let mut seen = [0; 15];
        for seed in 0..600 {
            let began = SECOND / 2;
            let slot = agenda(seed).next_for(began, SECOND * 15, SECOND * 15, began);
            seen[(slot % 15) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (20..=60).contains(n)), "{seen:?}");
    }

    #[test]
    fn an_interval_as_short_as_the_grid_is_kept_whatever_the_phase() {
        for (seed, every) in (0..200).flat_map(|seed| [1, 2, 3, 4].map(|every| (seed, every))) {
            let mut agenda = Agenda::new(SECOND, SECOND * every, seed);
            let (mut at, mut asked) = (10, 0);
            while at < 10 + 300 {
                // A poll begins a little after its slot, and its answer comes a little later.
                let began = agenda.moment(at) + SECOND / 200;
                at = agenda.next_for(began, SECOND * every, SECOND * every, began + SECOND / 100);
                agenda.put(0, at);
                asked += 1;
            }
            let usual = 300 / every;
            assert!(
                asked >= usual * 9 / 10 && asked <= usual * 11 / 10,
                "{seed}: {asked} of {usual}"
            );
        }
    }

    #[test]
    fn those_due_come_off_the_agenda_once() {
        let mut agenda = agenda(1);
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
            seed: u64, began in 0_u64..100_000, every in 1_u64..3_600_000, took in 0_u64..20_000,
            more in 1.0_f64..5.0, join in 0_u64..4000,
        ) {
            let mut agenda = Agenda::new(SECOND, Duration::from_millis(every), seed);
            agenda.put(0, join);
            let (began, every) = (Duration::from_millis(began), Duration::from_millis(every));
            let now = began + Duration::from_millis(took);
            let at = agenda.moment(agenda.next_for(began, every, every, now));
            prop_assert!(at > now);
            prop_assert!(at <= (began + every.mul_f64(1.1)).max(now + every.mul_f64(1.1)) + SECOND * 2);
            // In step from then on.
            let began = at;
            let at = agenda.moment(agenda.next_for(began, every, every, began));
            prop_assert!(at > began && at <= began + every.mul_f64(1.1) + SECOND * 2);
            // Who must not be asked as often as that is not.
            let wanted = every.mul_f64(more + 0.01);
            let at = agenda.moment(agenda.next_for(began, every, wanted, began));
            prop_assert!(at + SECOND >= began + wanted.mul_f64(0.9));
            prop_assert!(at <= began + wanted.mul_f64(1.1) + SECOND);
        }

        #[test]
        fn a_wait_ends_near_its_moment_and_never_before_its_floor(
            seed: u64, now in 0_u64..100_000, wait in 0_u64..300_000, floor in 0_u64..300_000, join in 0_u64..400,
        ) {
            let mut agenda = Agenda::new(SECOND, SECOND * 15, seed);
            agenda.put(0, join);
            let [now, wait, floor] = [now, wait, floor].map(Duration::from_millis);
            let at = agenda.moment(agenda.within(wait, floor, now));
            prop_assert!(at >= now + floor);
            prop_assert!(at >= now + wait.mul_f64(0.75));
            prop_assert!(at <= now + wait.max(floor) + SECOND);
        }

        #[test]
        fn a_back_off_is_bounded_and_never_hammers(every in 1_u64..7200, n in 0_u32..200, unit in 0.0_f64..1.0) {
            let every = Duration::from_secs(every);
            let wait = back_off(every, n, SECOND * 300, SECOND, unit);
            prop_assert!(wait >= SECOND && wait <= every.max(SECOND * 300));
        }
    }
}
