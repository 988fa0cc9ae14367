//! Those who listen to the one who polls: who joins is told what was heard last, who does not read is let go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel};
use tokio::time::Instant;

use super::lock::is_us;
use super::wire::{self, SAID_CAP, Said, Telling};
use crate::engine::watch::Rhythm;
use crate::model::SourceName;

/// Who said what; nothing when he left.
pub type Word = (u64, Option<Said>);

pub struct Audience {
    rhythm: Rhythm,
    say: UnboundedSender<Word>,
    backlog: usize,
    seats: Vec<Seat>,
    next: u64,
    /// What was heard lately, for those who join: of each source the newest, and everything that may not have been
    /// written to the memory yet from which they read the rest.
    lately: VecDeque<Lately>,
    swept: Instant,
}

struct Seat {
    id: u64,
    frames: Sender<Arc<[u8]>>,
}

struct Lately {
    source: SourceName,
    at: Instant,
    frame: Arc<[u8]>,
}

/// What was heard this long ago is in the memory, if there is one.
const LATELY: Duration = Duration::from_secs(30);
/// How often what is older is let go.
const SWEPT: Duration = Duration::from_secs(10);
/// Bytes kept for those who join.
const KEPT: usize = 16 * 1024 * 1024;
/// Processes that may listen.
const SEATS: usize = 256;

impl Audience {
    pub fn new(rhythm: Rhythm, say: UnboundedSender<Word>, backlog: usize) -> Self {
        Self {
            rhythm,
            say,
            backlog,
            seats: Vec::new(),
            next: 0,
            lately: VecDeque::new(),
            swept: Instant::now(),
        }
    }

    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Takes in a process of the same user; anybody else is left standing.
    pub fn join(&mut self, stream: UnixStream) {
        if is_us(&stream).is_err() || self.seats.len() >= SEATS {
            return;
        }
        let id = self.next;
        self.next += 1;
        let (from, to) = stream.into_split();
        let (frames, waiting) = channel(self.backlog + self.lately.len() + 1);
        let Rhythm { seed, origin } = self.rhythm;
        let hello = wire::frame(&Telling::Hello { pid: std::process::id(), seed, origin });
        let all = hello.into_iter().chain(self.lately.iter().map(|l| Arc::clone(&l.frame)));
        for frame in all {
            // There is room for all of them.
            let _ = frames.try_send(frame);
        }
        self.seats.push(Seat { id, frames });
        tokio::spawn(speak(to, waiting));
        tokio::spawn(listen(id, from, self.say.clone()));
    }

    pub fn leave(&mut self, id: u64) {
        self.seats.retain(|seat| seat.id != id);
    }

    /// Tells everybody, and whoever joins later.
    pub fn tell(&mut self, source: &SourceName, telling: &Telling<'_>) {
        let Some(frame) = wire::frame(telling) else { return };
        self.spread(&frame);
        self.lately.push_back(Lately { source: source.clone(), at: Instant::now(), frame });
        if self.swept.elapsed() >= SWEPT {
            self.swept = Instant::now();
            self.forget();
        }
    }

    /// Tells everybody who is here.
    pub fn pass(&mut self, telling: &Telling<'_>) {
        if let Some(frame) = wire::frame(telling).filter(|_| !self.seats.is_empty()) {
            self.spread(&frame);
        }
    }

    /// Answers one.
    pub fn answer(&mut self, id: u64, telling: &Telling<'_>) {
        let Some(frame) = wire::frame(telling) else { return };
        self.seats.retain(|seat| seat.id != id || seat.frames.try_send(Arc::clone(&frame)).is_ok());
    }

    /// Who is full does not read: the connection ends, and he may come again and begin anew.
    fn spread(&mut self, frame: &Arc<[u8]>) {
        self.seats.retain(|seat| seat.frames.try_send(Arc::clone(frame)).is_ok());
    }

    fn forget(&mut self) {
        let mut newest = std::collections::HashSet::new();
        let mut bytes = 0;
        let mut keep: Vec<bool> = Vec::with_capacity(self.lately.len());
        for one in self.lately.iter().rev() {
            let first = newest.insert(one.source.clone());
            bytes += one.frame.len();
            keep.push((first || one.at.elapsed() < LATELY) && bytes <= KEPT);
        }
        let mut keep = keep.into_iter().rev();
        self.lately.retain(|_| keep.next().unwrap_or(false));
    }
}

async fn speak(mut to: OwnedWriteHalf, mut frames: Receiver<Arc<[u8]>>) {
    while let Some(frame) = frames.recv().await {
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

async fn listen(id: u64, mut from: OwnedReadHalf, say: UnboundedSender<Word>) {
    while let Ok(word) = wire::read(&mut from, SAID_CAP).await {
        if say.send((id, Some(word))).is_err() {
            return;
        }
    }
    let _ = say.send((id, None));
}
