//! The scribe: one thread that writes, behind a queue that is never waited for, so that no screen waits for a disk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Bounds, Store, Told};
use crate::model::{Clean, Turned};

/// Polls that may wait to be written; beyond, the newest is left out, and said.
const QUEUE: usize = 512;
/// After the disk refused, writing is tried again this much later.
const PAUSE: Duration = Duration::from_secs(60);

/// Memory is tidied this long after a start, when the first polls are over, and then this often.
const FIRST: Duration = Duration::from_secs(40);
const OFTEN: Duration = Duration::from_secs(3600);

enum Order {
    Remember(Box<Told>),
    States(Vec<Turned>),
    Stop,
}

/// Writes polls down on a thread of its own.
#[derive(Debug)]
pub struct Scribe {
    orders: SyncSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    /// Starts the thread; `say` tells a person what went wrong, once for each beginning of it.
    pub fn start(store: Store, bounds: Bounds, say: impl Fn(Clean) + Send + 'static) -> Self {
        let (orders, taken) = sync_channel(QUEUE);
        let tidy = Instant::now() + FIRST;
        let write = move || Desk { store, bounds, say, tidy, down: None, said: false }.run(&taken);
        let thread = std::thread::Builder::new().name("scribe".into()).spawn(write).ok();
        Self { orders, thread }
    }

    /// Hands a poll over. Returns at once; gives `false` when the queue is full or nobody writes.
    pub fn remember(&self, told: Told) -> bool {
        match self.orders.try_send(Order::Remember(Box::new(told))) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Hands over how services are; what stays the same costs nothing. Returns at once.
    pub fn states(&self, states: Vec<Turned>) {
        // When the queue is full they are handed over again a little later.
        let _ = self.orders.try_send(Order::States(states));
    }

    /// Writes what waits and ends, if the disk is quick enough for that.
    pub fn finish(&self, patience: Duration) {
        let _ = self.orders.try_send(Order::Stop);
        let Some(thread) = &self.thread else { return };
        let end = Instant::now() + patience;
        while !thread.is_finished() && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

struct Desk<S> {
    store: Store,
    bounds: Bounds,
    say: S,
    /// When memory is tidied next.
    tidy: Instant,
    down: Option<Instant>,
    said: bool,
}

impl<S: Fn(Clean)> Desk<S> {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first =
                match orders.recv_timeout(self.tidy.saturating_duration_since(Instant::now())) {
                    Ok(first) => first,
                    Err(RecvTimeoutError::Timeout) => {
                        self.tidy = Instant::now() + OFTEN;
                        let done = self.store.tidy(Timestamp::now(), self.bounds);
                        self.judge(done);
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                };
            let mut batch = Vec::new();
            let mut states = Vec::new();
            let mut stop = false;
            // Everything that waits goes into one transaction.
            for order in std::iter::once(first).chain(orders.try_iter()) {
                match order {
                    Order::Remember(told) => batch.push(*told),
                    Order::States(more) => states.extend(more),
                    Order::Stop => stop = true,
                }
            }
            self.write(&batch, &states);
            if stop {
                return;
            }
        }
    }

    fn write(&mut self, batch: &[Told], states: &[Turned]) {
        let nothing = batch.is_empty() && states.is_empty();
        if nothing || self.down.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let polls = if batch.is_empty() { Ok(()) } else { self.store.remember(batch) };
        let done = polls.and_then(|()| self.store.remember_states(states));
        self.judge(done);
    }

    /// What went wrong is said once, and tried again later.
    fn judge(&mut self, done: Result<(), super::Trouble>) {
        match done {
            Ok(()) => {
                self.down = None;
                self.said = false;
            }
            Err(trouble) => {
                self.down = Some(Instant::now() + PAUSE);
                if !self.said {
                    self.said = true;
                    (self.say)(Clean::line(format_args!(
                        "not remembered: {} ({})",
                        trouble.words(),
                        self.store.shown()
                    )));
                }
            }
        }
    }
}
