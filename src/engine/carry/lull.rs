//! The lull: while many answers are awaited and nobody watches for them, the engine takes in together what arrives together.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long answers may gather: little against the way to an upstream, much against the time between two answers.
const GATHER: Duration = Duration::from_millis(5);
/// Fewer requests in the air than this are not worth waiting for together.
const MANY: usize = 2;

/// Knows what is in the air. Every answer wakes the thread that waits for it; a thread that rests for a moment after the
/// first finds the others there already.
#[derive(Debug, Clone, Default)]
pub struct Lull(Arc<Air>);

#[derive(Debug, Default)]
struct Air {
    requests: AtomicUsize,
    /// Those whose time is measured: a rest would be measured too.
    timed: AtomicUsize,
    /// Requests that left, and answers that came, since the thread last rested or waited.
    left: AtomicUsize,
    came: AtomicUsize,
    /// Somebody waits for an answer.
    hurry: AtomicBool,
    habit: Mutex<Habit>,
}

#[derive(Debug, Default)]
struct Habit {
    /// Since when the thread waits; `None` while it rests.
    waits: Option<Instant>,
    /// Answers take longer than a rest: what was just asked is not answered by its end.
    slow: bool,
}

/// Held while a request is in the air.
#[derive(Debug)]
pub struct Airborne {
    air: Arc<Air>,
    timed: bool,
}

impl Lull {
    pub fn enter(&self, timed: bool) -> Airborne {
        self.0.requests.fetch_add(1, Relaxed);
        self.0.timed.fetch_add(usize::from(timed), Relaxed);
        self.0.left.fetch_add(1, Relaxed);
        Airborne { air: self.0.clone(), timed }
    }

    pub fn hurry(&self, hurry: bool) {
        self.0.hurry.store(hurry, Relaxed);
    }

    /// How long the thread should rest before it waits: after the first answer of several, and where answers are quick also
    /// after asking.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        let air = &*self.0;
        let (left, came) = (air.left.swap(0, Relaxed) > 0, air.came.swap(0, Relaxed) > 0);
        let mut habit = air.habit.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = habit.waits.take();
        match waited {
            Some(since) if came && now.saturating_duration_since(since) < GATHER => {
                habit.slow = false;
            }
            None if !came && !left => habit.slow = true,
            _ => {}
        }
        let many = air.requests.load(Relaxed) >= MANY;
        let free = air.timed.load(Relaxed) == 0 && !air.hurry.load(Relaxed);
        let worth = came && waited.is_some() || (came || left) && !habit.slow;
        if many && free && worth {
            return Some(GATHER);
        }
        habit.waits = Some(now);
        None
    }
}

impl Drop for Airborne {
    fn drop(&mut self) {
        self.air.requests.fetch_sub(1, Relaxed);
        self.air.timed.fetch_sub(usize::from(self.timed), Relaxed);
        self.air.came.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_thread_rests_once_after_something_happened_while_others_are_awaited() {
        let (lull, now) = (Lull::default(), Instant::now());
        let mut air: Vec<_> = (0..8).map(|_| lull.enter(false)).collect();
        assert_eq!(lull.rest(now), Some(GATHER));
        air.pop();
        assert_eq!(lull.rest(now + MS * 5), Some(GATHER));
        assert_eq!(lull.rest(now + MS * 10), None, "nothing came since");
        air.truncate(1);
        assert_eq!(lull.rest(now + MS * 15), None, "one alone is not worth it");
    }

    #[test]
    fn where_answers_are_slow_the_thread_waits_for_the_first_and_rests_for_the_others() {
        let (lull, now) = (Lull::default(), Instant::now());
        let mut air: Vec<_> = (0..8).map(|_| lull.enter(false)).collect();
        assert_eq!(lull.rest(now), Some(GATHER));
        assert_eq!(lull.rest(now + MS * 5), None, "none came meanwhile");
        for wave in 1..5 {
            let now = now + MS * 40 * wave;
            air.pop();
            assert_eq!(lull.rest(now), Some(GATHER));
            air.truncate(3);
            air.extend((0..5).map(|_| lull.enter(false)));
            assert_eq!(lull.rest(now + MS * 6), None);
        }
        let now = now + MS * 200;
        assert_eq!(lull.rest(now), None);
        air.pop();
        assert_eq!(lull.rest(now + MS), Some(GATHER));
        air.push(lull.enter(false));
        assert_eq!(lull.rest(now + MS * 6), Some(GATHER), "they are quick again");
    }

    #[test]
    fn what_is_timed_or_waited_for_is_not_held_up() {
        let (lull, now) = (Lull::default(), Instant::now());
        let mut air: Vec<_> = (0..8).map(|_| lull.enter(false)).collect();
        let probe = lull.enter(true);
        air.pop();
        assert_eq!(lull.rest(now), None);
        drop(probe);
        assert_eq!(lull.rest(now), Some(GATHER));
        lull.hurry(true);
        air.pop();
        assert_eq!(lull.rest(now), None);
    }
}
