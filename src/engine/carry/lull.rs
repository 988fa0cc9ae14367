//! The lull: while many answers are awaited and nobody watches for them, the engine takes in together what arrives together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

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
    /// Requests and answers since the thread last rested or waited.
    fresh: AtomicUsize,
    /// Somebody waits for an answer.
    hurry: AtomicBool,
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
        self.0.fresh.fetch_add(1, Relaxed);
        Airborne { air: self.0.clone(), timed }
    }

    pub fn hurry(&self, hurry: bool) {
        self.0.hurry.store(hurry, Relaxed);
    }

    /// How long the thread should rest before it waits: once after requests left or answers came, while more are awaited.
    pub fn rest(&self) -> Option<Duration> {
        let air = &*self.0;
        let fresh = air.fresh.swap(0, Relaxed) > 0;
        let many = air.requests.load(Relaxed) >= MANY;
        let free = air.timed.load(Relaxed) == 0 && !air.hurry.load(Relaxed);
        (fresh && many && free).then_some(GATHER)
    }
}

impl Drop for Airborne {
    fn drop(&mut self) {
        self.air.requests.fetch_sub(1, Relaxed);
        self.air.timed.fetch_sub(usize::from(self.timed), Relaxed);
        self.air.fresh.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_rests_once_after_something_happened_while_others_are_awaited() {
        let lull = Lull::default();
        let mut air: Vec<_> = (0..8).map(|_| lull.enter(false)).collect();
        assert_eq!(lull.rest(), Some(GATHER));
        assert_eq!(lull.rest(), None, "nothing came yet");
        air.pop();
        assert_eq!(lull.rest(), Some(GATHER));
        assert_eq!(lull.rest(), None, "nothing came since");
        air.truncate(1);
        assert_eq!(lull.rest(), None, "one alone is not worth it");
    }

    #[test]
    fn what_is_timed_or_waited_for_is_not_held_up() {
        let lull = Lull::default();
        let mut air: Vec<_> = (0..8).map(|_| lull.enter(false)).collect();
        let probe = lull.enter(true);
        air.pop();
        assert_eq!(lull.rest(), None);
        drop(probe);
        assert_eq!(lull.rest(), Some(GATHER));
        lull.hurry(true);
        air.pop();
        assert_eq!(lull.rest(), None);
    }
}
