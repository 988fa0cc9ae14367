//! Brings back a moment of the past: what was remembered of it, then what metric stores still tell of it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;

use super::limits::Limits;
use super::watch::poll_at;
use crate::cockpit::{Message, Recalled};
use crate::config::Upstream;
use crate::model::{Board, Clean};

/// The board as it was known at a moment, from memory alone.
pub type Memory = Box<dyn FnMut(Timestamp) -> Result<Recalled, Clean> + Send>;

/// How long metric stores are waited for; what was remembered is shown before.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that recalls one moment at a time. Dropping it ends it.
#[derive(Debug)]
pub struct Recall {
    wishes: Sender<Timestamp>,
}

impl Recall {
    /// `sink` is called from the thread, with `Message::Recalled` for what was found, or a notice of why nothing was.
    pub fn start(
        upstreams: &[Upstream],
        memory: Memory,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let stores: Vec<Upstream> = upstreams.iter().filter_map(Upstream::recalling).collect();
        let (wishes, wished) = channel();
        let thread = std::thread::Builder::new().name("recall".into());
        // Without a thread the wish is never answered, and the screen goes on saying that it recalls.
        drop(thread.spawn(move || serve(&stores, memory, &wished, &sink)));
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
    wished: &Receiver<Timestamp>,
    sink: &dyn Fn(Message),
) {
    let mut next = wished.recv().ok();
    while let Some(at) = next.take() {
        // A held key wishes faster than anybody can recall.
        let at = wished.try_iter().last().unwrap_or(at);
        match memory(at) {
            Err(words) => sink(Message::Notice(words)),
            Ok(recalled) => {
                let Recalled { board, oldest, .. } = &recalled;
                let (mut board, oldest) = (board.clone(), *oldest);
                sink(Message::Recalled(Box::new(recalled)));
                next = wished.try_recv().ok();
                if next.is_none() && ask(stores, at, &mut board) {
                    sink(Message::Recalled(Box::new(Recalled { at, board, oldest })));
                }
            }
        }
        next = next.or_else(|| wished.recv().ok());
    }
}

/// Folds what the metric stores tell of that moment; whether they told anything.
pub fn ask(stores: &[Upstream], at: Timestamp, board: &mut Board) -> bool {
    let stores: Vec<Upstream> = stores.iter().filter_map(Upstream::recalling).collect();
    let mut told = false;
    for heard in poll_at(stores, PATIENCE, &Limits::default(), at) {
        if let Ok(report) = heard.outcome {
            board.fold(&heard.source, heard.at, report);
            board.sources.insert(heard.source, heard.freshness);
            told = true;
        }
    }
    told
}
