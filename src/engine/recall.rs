//! Brings back a moment of the past: what was remembered of it, then what metric stores still tell of it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;

use super::limits::Limits;
use super::watch::poll_at;
use crate::cockpit::{Heard, Message, Recalled};
use crate::config::Upstream;
use crate::model::Board;

/// What was remembered of a moment, and since when anything is.
pub type Memory = Box<dyn FnMut(Timestamp) -> (Option<Board>, Option<Timestamp>) + Send>;

/// How long metric stores are waited for; what was remembered is shown before.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that recalls one moment at a time. Dropping it ends it.
#[derive(Debug)]
pub struct Recall {
    wishes: Sender<Timestamp>,
}

impl Recall {
    /// `sink` is called from the thread, with `Message::Recalled`: what was remembered at once, what stores tell later.
    pub fn start(
        upstreams: &[Upstream],
        memory: Memory,
        limits: Limits,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let stores: Vec<Upstream> = upstreams.iter().filter_map(Upstream::recalling).collect();
        let (wishes, wished) = channel();
        let thread = std::thread::Builder::new().name("recall".into());
        // Without a thread the wish is never answered, and the screen goes on saying that it recalls.
        drop(thread.spawn(move || serve(&stores, memory, &limits, &wished, &sink)));
        Self { wishes }
    }

    /// Wishes to see a moment; of several wishes only the newest is answered.
    pub fn wish(&self, at: Timestamp) {
        // Fails only when the thread has ended with the process.
        let _ = self.wishes.send(at);
    }
}

fn serve(
    stores: &[Upstream],
    mut memory: Memory,
    limits: &Limits,
    wished: &Receiver<Timestamp>,
    sink: &dyn Fn(Message),
) {
    let mut next = wished.recv().ok();
    while let Some(at) = next.take() {
        // A held key wishes faster than anybody can recall.
        let at = wished.try_iter().last().unwrap_or(at);
        let (memory, oldest) = memory(at);
        sink(recalled(at, memory, Vec::new(), oldest));
        next = wished.try_recv().ok();
        if next.is_none() {
            sink(recalled(at, None, ask(stores, at, limits), oldest));
        }
        next = next.or_else(|| wished.recv().ok());
    }
}

fn recalled(
    at: Timestamp,
    memory: Option<Board>,
    heard: Vec<Heard>,
    oldest: Option<Timestamp>,
) -> Message {
    let more = heard.is_empty();
    Message::Recalled(Box::new(Recalled { at, memory, heard, more, oldest }))
}

/// What the metric stores tell of that moment.
pub fn ask(stores: &[Upstream], at: Timestamp, limits: &Limits) -> Vec<Heard> {
    let stores: Vec<Upstream> = stores.iter().filter_map(Upstream::recalling).collect();
    poll_at(stores, PATIENCE, limits, at)
}
