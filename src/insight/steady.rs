//! Hysteresis and flapping: one odd result changes nothing, and a state that cannot settle is said to flap.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Freshness, Health};

/// Consecutive results at or above a level that enter it (Gatus: 3).
const ENTER: usize = 3;
/// Intervals between the first of them and the last.
const BETWEEN: i32 = 2;
/// Consecutive good results that leave it (Gatus: 2).
const LEAVE: usize = 2;
/// Checks looked at (Icinga: 20).
const CHECKS: usize = 20;
const FLAPPING_ABOVE: f64 = 30.0;
const STEADY_UP_TO: f64 = 25.0;

/// How far apart results lie.
///
/// Results are counted, whoever told them: a poll, or a step of the history that a store tells at the start. History
/// lies further apart than polls do, so that two results of one mind count as three where as much time lies between
/// them as three polls take. After a silence longer than `forgets` everything begins anew.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub every: SignedDuration,
    pub forgets: SignedDuration,
}

impl Pace {
    pub fn of(freshness: Option<&Freshness>) -> Self {
        let endless = Self { every: SignedDuration::MAX, forgets: SignedDuration::MAX };
        freshness.map_or(endless, |f| Self { every: f.every, forgets: f.limits().1 })
    }
}

/// What a row of results settles to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub health: Health,
    /// First result of the run that led here; `None` when it was so from the first result kept.
    pub since: Option<Timestamp>,
    pub flapping: bool,
}

/// Folds results, oldest first. The very first result counts at once: there is no better state to hold on to.
///
/// Three results enter the level they agree on at least, and leave a worse one for the worst of them; two good ones
/// leave every level. A result that says nothing hides no known trouble, and is never good: where all was well, nothing
/// is known from there on, and the next result that says something counts at once.
pub fn settle(
    results: impl IntoIterator<Item = (Timestamp, Health)>,
    pace: Pace,
) -> Option<Settled> {
    let mut results = results.into_iter();
    let (at, first) = results.next()?;
    let mut held = Held { health: first, since: None, lately: VecDeque::new(), spoke: at };
    held.hear(at, first);
    let mut flap = Flap::default();
    let (mut before, mut heard) = (first, at);
    for (at, health) in results {
        if at.duration_since(heard) > pace.forgets {
            flap = Flap::default();
            held = Held { health, since: Some(at), lately: VecDeque::new(), spoke: at };
            held.hear(at, health);
        } else {
            flap.check(health != before);
            held.take(at, health, pace);
        }
        (before, heard) = (health, at);
    }
    Some(Settled { health: held.health, since: held.since, flapping: flap.flapping })
}

/// The hard state, and the results that may change it.
struct Held {
    health: Health,
    since: Option<Timestamp>,
    /// The newest results that say something, newest last.
    lately: VecDeque<(Timestamp, Health)>,
    /// When a result last said something.
    spoke: Timestamp,
}

impl Held {
    fn hear(&mut self, at: Timestamp, health: Health) {
        if health == Health::Unknown {
            return;
        }
        if self.lately.len() == ENTER {
            self.lately.pop_front();
        }
        self.lately.push_back((at, health));
        self.spoke = at;
    }

    fn take(&mut self, at: Timestamp, health: Health, pace: Pace) {
        self.hear(at, health);
        let next = match (self.health, health) {
            (Health::Unknown, Health::Unknown) => None,
            (Health::Unknown, known) => Some((known, at)),
            (Health::Ok, Health::Unknown) => Some((Health::Unknown, at)),
            // Trouble that nobody has told anything about for so long is as unknown as that of a silent source.
            (_, Health::Unknown) => (at.duration_since(self.spoke) > pace.forgets)
                .then_some((Health::Unknown, self.spoke)),
            (now, _) => self.settled(now, pace),
        };
        if let Some((next, since)) = next.filter(|(next, _)| *next != self.health) {
            self.health = next;
            self.since = Some(since);
        }
    }

    /// The level that the newest results lead to, and the first of them.
    fn settled(&self, now: Health, pace: Pace) -> Option<(Health, Timestamp)> {
        let newest_first = || self.lately.iter().rev().copied();
        let good = newest_first().take_while(|(_, health)| *health == Health::Ok);
        if let Some((at, _)) = good.take(LEAVE).nth(LEAVE - 1) {
            return Some((Health::Ok, at));
        }
        let (newest, _) = newest_first().next()?;
        let far = pace.every.checked_mul(BETWEEN).unwrap_or(SignedDuration::MAX);
        let agreed = newest_first().enumerate().position(|(i, (at, _))| {
            i + 1 == ENTER || (i > 0 && newest.duration_since(at) >= far)
        })?;
        let run = || newest_first().take(agreed + 1);
        let least = run().map(|(_, health)| health).min()?;
        let most = run().map(|(_, health)| health).max()?;
        let (first, _) = newest_first().nth(agreed)?;
        Some((now.max(least).min(most), first))
    }
}

/// Icinga's measure (`lib/icinga/checkable-flapping.cpp`): weighted changes among the last 20 checks.
#[derive(Debug, Clone, Default)]
struct Flap {
    /// Newest last.
    changed: VecDeque<bool>,
    flapping: bool,
}

impl Flap {
    fn check(&mut self, changed: bool) {
        if self.changed.len() == CHECKS {
            self.changed.pop_front();
        }
        self.changed.push_back(changed);
        let value = self.value();
        self.flapping = value > if self.flapping { STEADY_UP_TO } else { FLAPPING_ABOVE };
    }

    /// 0–99: `100 · Σ(w·changed)/20` with weights 0.80 (oldest) to 1.18 (newest).
    fn value(&self) -> f64 {
        let missing = CHECKS - self.changed.len();
        let sum: f64 = self
            .changed
            .iter()
            .enumerate()
            .filter(|(_, changed)| **changed)
            .map(|(i, _)| 0.80 + 0.02 * (i + missing) as f64)
            .sum();
        100.0 * sum / CHECKS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Health::{Degraded, Down, Ok, Unknown};

    fn settled(results: &[Health]) -> Settled {
        let at = |i: i64| Timestamp::from_second(i * 30).unwrap();
        settle((0..).zip(results).map(|(i, h)| (at(i), *h)), Pace::of(None)).unwrap()
    }

    fn spaced(results: &[(i64, Health)]) -> Settled {
        let pace =
            Pace { every: SignedDuration::from_secs(15), forgets: SignedDuration::from_mins(5) };
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        settle(results.iter().map(|(s, h)| (at(*s), *h)), pace).unwrap()
    }

    #[test]
    fn three_bad_results_enter_and_two_good_ones_leave() {
        assert_eq!(settled(&[Ok, Down, Down]).health, Ok);
        let down = settled(&[Ok, Down, Down, Down]);
        assert_eq!((down.health, down.since.unwrap().as_second()), (Down, 30));
        assert_eq!(settled(&[Ok, Down, Down, Down, Ok]).health, Down);
        let up = settled(&[Ok, Down, Down, Down, Ok, Ok]);
        assert_eq!((up.health, up.since.unwrap().as_second()), (Ok, 120));
        assert_eq!(settled(&[Ok, Degraded, Down, Down]).health, Degraded);
        assert_eq!(settled(&[Ok, Down, Ok, Down, Down]).health, Ok);
    }

    #[test]
    fn the_first_result_counts_at_once() {
        assert_eq!(settled(&[Down]), Settled { health: Down, since: None, flapping: false });
        assert_eq!(settle([], Pace::of(None)), None);
    }

    #[test]
    fn not_knowing_never_hides_a_known_down() {
        assert_eq!(settled(&[Down, Unknown, Unknown, Unknown]).health, Down);
        assert_eq!(settled(&[Down, Degraded, Degraded, Degraded]).health, Degraded);
        assert_eq!(settled(&[Ok, Unknown, Unknown, Unknown]).health, Unknown);
        // Nor is it ever good: not even once.
        assert_eq!(settled(&[Ok, Unknown]).health, Unknown);
        assert_eq!(settled(&[Ok, Unknown, Down]).health, Down);
        assert_eq!(settled(&[Ok, Unknown, Ok]).health, Ok);
    }

    #[test]
    fn a_level_is_left_for_the_worst_of_three_that_are_better() {
        let fallen = settled(&[Down, Degraded, Ok, Degraded]);
        assert_eq!((fallen.health, fallen.since.unwrap().as_second()), (Degraded, 30));
        assert_eq!(settled(&[Down, Degraded, Down, Degraded]).health, Down);
    }

    #[test]
    fn steps_of_a_history_count_by_the_time_between_them() {
        // Polls: three.
        assert_eq!(spaced(&[(0, Ok), (15, Down), (30, Down)]).health, Ok);
        let down = spaced(&[(0, Ok), (15, Down), (30, Down), (45, Down)]);
        assert_eq!((down.health, down.since.unwrap().as_second()), (Down, 15));
        // Minutes of history: as long as three polls and longer.
        assert_eq!(spaced(&[(0, Ok), (60, Down)]).health, Ok);
        let down = spaced(&[(0, Ok), (60, Down), (120, Down)]);
        assert_eq!((down.health, down.since.unwrap().as_second()), (Down, 60));
    }

    #[test]
    fn after_a_silence_the_first_result_counts_at_once() {
        let anew = spaced(&[(0, Ok), (15, Ok), (1_000, Down)]);
        assert_eq!((anew.health, anew.since.unwrap().as_second()), (Down, 1_000));
        assert_eq!(spaced(&[(0, Down), (15, Down), (1_000, Ok)]).health, Ok);
    }

    #[test]
    fn known_trouble_outlasts_missing_answers_as_long_as_a_silent_source() {
        let mut results = vec![(0, Down)];
        results.extend((1..=20).map(|i| (i * 15, Unknown)));
        assert_eq!(spaced(&results).health, Down);
        results.push((315, Unknown));
        let lost = spaced(&results);
        assert_eq!((lost.health, lost.since.unwrap().as_second()), (Unknown, 0));
    }

    /// While it flaps, a service shows the last state it was hard in.
    #[test]
    fn what_flaps_keeps_its_last_hard_state() {
        for hard in [Ok, Degraded, Down] {
            let other = if hard == Ok { Down } else { Ok };
            let mut results = vec![hard; 30];
            results.extend((0..40).map(|i| if i % 2 == 0 { other } else { hard }));
            let flapping = settled(&results);
            assert!(flapping.flapping);
            assert_eq!(flapping.health, hard);
        }
    }

    /// Table of domain.md §4.3.
    #[test]
    fn icingas_worked_examples() {
        let newest = |n: usize| {
            let mut flap = Flap::default();
            (0..CHECKS).for_each(|i| flap.check(i >= CHECKS - n));
            flap
        };
        for (n, value, flapping) in [
            (20, 99.0, true),
            (1, 5.9, false),
            (2, 11.7, false),
            (3, 17.4, false),
            (4, 23.0, false),
            (5, 28.5, false),
            (6, 33.9, true),
        ] {
            let flap = newest(n);
            assert!((flap.value() - value).abs() < 0.051, "{n}: {}", flap.value());
            assert_eq!(flap.flapping, flapping, "{n}");
        }
        for (quiet, value, flapping) in
            [(6, 30.3, true), (7, 29.7, true), (14, 25.5, true), (15, 21.0, false)]
        {
            let mut flap = newest(6);
            (0..quiet).for_each(|_| flap.check(false));
            assert!((flap.value() - value).abs() < 0.051, "{quiet}: {}", flap.value());
            assert_eq!(flap.flapping, flapping, "{quiet}");
        }
    }

    fn known() -> impl proptest::strategy::Strategy<Value = Health> {
        proptest::sample::select(vec![Ok, Degraded, Down])
    }

    fn any_health() -> impl proptest::strategy::Strategy<Value = Health> {
        proptest::sample::select(vec![Ok, Unknown, Degraded, Down])
    }

    proptest::proptest! {
        #[test]
        fn worse_evidence_never_settles_to_a_better_state(
            pairs in proptest::collection::vec((known(), known(), 1_i64..200), 1..60),
        ) {
            let mut at = 0;
            let (mut better, mut worse) = (Vec::new(), Vec::new());
            for (a, b, gap) in pairs {
                at += gap;
                better.push((at, a.min(b)));
                worse.push((at, a.max(b)));
            }
            proptest::prop_assert!(spaced(&better).health <= spaced(&worse).health);
        }

        #[test]
        fn a_result_that_says_nothing_is_never_good_and_never_makes_better(
            results in proptest::collection::vec((any_health(), 1_i64..60), 1..60),
        ) {
            let mut at = 0;
            let results: Vec<(i64, Health)> =
                results.into_iter().map(|(health, gap)| { at += gap; (at, health) }).collect();
            let all = spaced(&results);
            if results.last().unwrap().1 == Unknown {
                proptest::prop_assert_ne!(all.health, Ok);
            }
            let saying: Vec<(i64, Health)> =
                results.into_iter().filter(|(_, health)| *health != Unknown).collect();
            // Without silences, so that nothing begins anew.
            if !saying.is_empty() && at < 300 {
                let without = spaced(&saying).health;
                proptest::prop_assert!(all.health >= without, "{:?} {without:?}", all.health);
            }
        }

        #[test]
        fn since_is_the_moment_of_a_result_and_everything_after_two_good_ones_is_good(
            results in proptest::collection::vec((any_health(), 1_i64..60), 1..60),
        ) {
            let mut at = 0;
            let mut results: Vec<(i64, Health)> =
                results.into_iter().map(|(health, gap)| { at += gap; (at, health) }).collect();
            if let Some(since) = spaced(&results).since {
                proptest::prop_assert!(results.iter().any(|(at, _)| *at == since.as_second()));
            }
            results.extend([(at + 15, Ok), (at + 30, Ok)]);
            proptest::prop_assert_eq!(spaced(&results).health, Ok);
        }
    }
}
