//! What one poll may cost in time and bytes, all its requests together.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::holds::Share;

/// The clock starts with the first request that leaves, so that waiting for a free lane is not held against an upstream.
#[derive(Debug)]
pub struct Allowance {
    limit: Duration,
    end: Cell<Option<Instant>>,
    bytes: Cell<usize>,
    /// Requests charged to each budget of the upstream, and what it leaves us.
    charged: RefCell<BTreeMap<&'static str, (u64, Share)>>,
}

impl Allowance {
    pub fn new(limit: Duration, bytes: usize) -> Self {
        Self { limit, end: Cell::new(None), bytes: Cell::new(bytes), charged: RefCell::default() }
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The moment the poll must be over; the first call starts the clock.
    pub fn end(&self) -> Instant {
        self.end.get().unwrap_or_else(|| {
            let end = Instant::now() + self.limit;
            self.end.set(Some(end));
            end
        })
    }

    /// `None` before the first request left.
    pub fn begun(&self) -> Option<Instant> {
        self.end.get()
    }

    /// Time since the first request left; nothing before that.
    pub fn took(&self) -> Duration {
        let left = self.end.get().map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(Duration::ZERO, |left| self.limit.saturating_sub(left))
    }

    /// A request was counted by the upstream; `share` is what is left to us now.
    pub fn charge(&self, budget: &'static str, share: Share) {
        let mut charged = self.charged.borrow_mut();
        let (requests, known) = charged.entry(budget).or_insert((0, share));
        *requests += 1;
        *known = share;
    }

    /// How long a poll like this one must wait for the next, so that our shares last until they are renewed.
    pub fn pace(&self) -> Option<Duration> {
        self.charged.borrow().values().map(|(requests, share)| share.pace(*requests)).max()
    }

    pub fn bytes_left(&self) -> usize {
        self.bytes.get()
    }

    pub fn spend(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
    }
}
