//! Hysteresis and flapping: one odd result changes nothing, and a state that cannot settle is said to flap.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::model::Health;

/// Consecutive results at or above a level that enter it (Gatus: 3).
const ENTER: usize = 3;
/// Consecutive good results that leave it (Gatus: 2).
const LEAVE: usize = 2;
/// Checks looked at (Icinga: 20).
const CHECKS: usize = 20;
const FLAPPING_ABOVE: f64 = 30.0;
const STEADY_UP_TO: f64 = 25.0;

/// What a row of results settles to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub health: Health,
    /// First result of the run that led here; `None` when it was so from the first result kept.
    pub since: Option<Timestamp>,
    pub flapping: bool,
}

/// Folds results, oldest first. The very first result counts at once: there is no better state to hold on to.
pub fn settle(results: impl IntoIterator<Item = (Timestamp, Health)>) -> Option<Settled> {
    let mut results = results.into_iter();
    let (_, first) = results.next()?;
    let mut settled = Settled { health: first, since: None, flapping: false };
    let mut flap = Flap::default();
    let mut run: VecDeque<(Timestamp, Health)> = VecDeque::with_capacity(ENTER);
    let mut before = first;
    for (at, health) in results {
        flap.check(health != before);
        if (health == Health::Ok) != (before == Health::Ok) {
            run.clear();
        }
        before = health;
        if run.len() == ENTER {
            run.pop_front();
        }
        run.push_back((at, health));
        let next = if health == Health::Ok {
            (run.len() >= LEAVE).then_some(Health::Ok)
        } else {
            entered(settled.health, &run)
        };
        if let Some(next) = next.filter(|n| *n != settled.health) {
            settled.health = next;
            settled.since = run.front().map(|(at, _)| *at);
        }
    }
    settled.flapping = flap.flapping;
    Some(settled)
}

/// The level three results in a row agree on at least. Falling from Down to Degraded needs three that know better.
fn entered(now: Health, run: &VecDeque<(Timestamp, Health)>) -> Option<Health> {
    if run.len() < ENTER {
        return None;
    }
    let least = run.iter().map(|(_, h)| *h).min()?;
    let most = run.iter().map(|(_, h)| *h).max()?;
    if least > now {
        Some(least)
    } else if most < now && least > Health::Unknown {
        Some(most)
    } else {
        None
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
        settle((0..).zip(results).map(|(i, h)| (at(i), *h))).unwrap()
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
        assert_eq!(settle([]), None);
    }

    #[test]
    fn not_knowing_never_hides_a_known_down() {
        assert_eq!(settled(&[Down, Unknown, Unknown, Unknown]).health, Down);
        assert_eq!(settled(&[Down, Degraded, Degraded, Degraded]).health, Degraded);
        assert_eq!(settled(&[Ok, Unknown, Unknown, Unknown]).health, Unknown);
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
}
