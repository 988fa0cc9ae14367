//! The watch: polls every upstream when it is due, on a thread of its own, and tells what was heard.

mod agenda;
mod beat;
pub mod charts;
mod ledger;
mod poll;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

pub use agenda::Rhythm;
pub use beat::draw;
use beat::{Beat, Order};
use ledger::Ledger;
use poll::{Subject, poll_through, track};

use super::carry::{Carrier, Lull, Wire, fault};
use super::clock::from_clock;
use super::limits::Limits;
use crate::cockpit::{Heard, Message, Which};
use crate::config::Upstream;
use crate::model::{Clean, Linked, SourceName};

/// Polling of a set of upstreams. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    orders: UnboundedSender<Order>,
}

/// One's turn to poll, where several take turns.
pub struct Turn {
    pub rhythm: Rhythm,
    /// Sources are not due before those moments.
    pub due: Vec<(SourceName, Timestamp)>,
    /// Once it is false nobody is asked any more: the watch ends, and drops its sink.
    pub may: Box<dyn Fn() -> bool + Send>,
}

impl Watch {
    /// Starts the thread; `sink` is called from it and should not block. It hears `Heard` for every poll, those of one tick
    /// together, and `Asking` for a source that has not answered after a second.
    pub fn start(upstreams: Vec<Upstream>, sink: Box<dyn Fn(Message) + Send>) -> Self {
        let polls: f64 = upstreams.iter().map(|u| 1.0 / u.every.as_secs_f64().max(1.0)).sum();
        Self::start_within(upstreams, Limits::default().for_polls_a_second(polls), sink)
    }

    /// The same with other limits.
    pub fn start_within(
        upstreams: Vec<Upstream>,
        limits: Limits,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let turn = Turn {
            rhythm: draw(from_clock(), limits.grid),
            due: Vec::new(),
            may: Box::new(|| true),
        };
        Self::take_over(upstreams, limits, turn, sink)
    }

    /// The same after somebody else who polled until now.
    pub fn take_over(
        upstreams: Vec<Upstream>,
        limits: Limits,
        turn: Turn,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let (orders, taken) = unbounded_channel();
        let Turn { rhythm, due, may } = turn;
        for (source, at) in due {
            let wait = at.duration_since(from_clock());
            if let Ok(wait) = Duration::try_from(wait) {
                let _ = orders.send(Order::Rest(source, wait));
            }
        }
        let (tell, told) = std::sync::mpsc::channel::<Box<dyn Fn(Message) + Send>>();
        let spawned = std::thread::Builder::new().name("watch".into()).spawn(move || {
            let Ok(sink) = told.recv() else { return };
            let may: Box<dyn Fn() -> bool> = may;
            let way = Rc::new(Carrier::new(&limits));
            let runtime = match runtime(way.lull()) {
                Ok(runtime) => runtime,
                Err(e) => return sink(Message::Notice(no_polling(&e))),
            };
            runtime.block_on(async {
                let subjects = upstreams.into_iter().map(Subject::from).collect();
                let way: Rc<dyn Wire> = way;
                let wall = Rc::new(from_clock);
                let beat = Beat::new(rhythm, subjects, limits, way, wall, sink);
                beat.while_it(may).run(taken).await;
            });
            // A name being looked up, or a file on a dead mount, would be waited for otherwise.
            runtime.shutdown_background();
        });
        match spawned {
            // Nobody takes it only when the thread is gone already.
            Ok(_) => drop(tell.send(sink)),
            Err(e) => sink(Message::Notice(no_polling(&e))),
        }
        Self { orders }
    }

    /// Asks now. A poll already under way, and a wait that an upstream asked for, are respected.
    pub fn poll(&self, which: Which) {
        // Fails only when the watch has ended, and then there is nobody to ask.
        let _ = self.orders.send(Order::Poll(which));
    }

    /// Ends polling. Returns at once: nothing that hangs is waited for.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

fn no_polling(error: &std::io::Error) -> Clean {
    Clean::line(format!("nothing is polled: the engine could not start: {error}"))
}

fn runtime(lull: Lull) -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .thread_name("engine")
        .on_thread_park(move || {
            if let Some(rest) = lull.rest(std::time::Instant::now()) {
                std::thread::sleep(rest);
            }
        })
        .build()
}

/// Asks every upstream once and waits: each within its own timeout, all within `deadline`.
///
/// Every upstream is in the result, in the order given.
pub fn poll_once(upstreams: Vec<Upstream>, deadline: Duration) -> Vec<Heard> {
    poll_once_within(upstreams, deadline, &Limits::default())
}

/// The same with other limits.
pub fn poll_once_within(
    upstreams: Vec<Upstream>,
    deadline: Duration,
    limits: &Limits,
) -> Vec<Heard> {
    poll_at(upstreams, deadline, limits, from_clock())
}

/// Asks as if it were `at`: for upstreams that can still tell of a moment in the past.
pub fn poll_at(
    upstreams: Vec<Upstream>,
    deadline: Duration,
    limits: &Limits,
    at: Timestamp,
) -> Vec<Heard> {
    let subjects: Vec<Subject> = upstreams.into_iter().map(Subject::from).collect();
    let mut ledgers: Vec<Ledger> = subjects.iter().map(Ledger::new).collect();
    let mut polled: Vec<_> = subjects.iter().map(|_| None).collect();
    let way = Carrier::new(limits);
    way.hurry(true);
    let failure = match runtime(way.lull()) {
        Err(e) => fault::internal(no_polling(&e)),
        Ok(runtime) => {
            runtime.block_on(async {
                let end = Instant::now() + deadline;
                let way = &way;
                let mut polls: FuturesUnordered<_> = subjects
                    .iter()
                    .zip(&ledgers)
                    .enumerate()
                    .map(|(i, (subject, ledger))| async move {
                        let past = ledger.past();
                        (i, poll_through(subject, past, at, &from_clock, way, limits, end).await)
                    })
                    .collect();
                while let Ok(Some((i, one))) = tokio::time::timeout_at(end, polls.next()).await {
                    if let Some(slot) = polled.get_mut(i) {
                        *slot = Some(one);
                    }
                }
                drop(polls);
                // Documents have been read now: what they link to is asked about.
                let mut linked = Linked::default();
                for (subject, one) in subjects.iter().zip(&polled) {
                    linked.join(subject.linked.clone());
                    if let Some(Ok(report)) = one.as_ref().map(|one| &one.outcome) {
                        linked.learn(&subject.reach.name, report);
                    }
                }
                let wanted = &linked.wanted();
                let mut asked: FuturesUnordered<_> = subjects
                    .iter()
                    .zip(&ledgers)
                    .enumerate()
                    .filter(|(_, (subject, _))| !wanted.is_empty() && subject.source.tracks())
                    .map(|(i, (subject, ledger))| async move {
                        let past = ledger.past();
                        (i, track(subject, past, wanted, at, &from_clock, way, limits).await)
                    })
                    .collect();
                while let Ok(Some((i, told))) = tokio::time::timeout_at(end, asked.next()).await {
                    if let Some(Some(one)) = polled.get_mut(i)
                        && let (Ok(report), Some(told)) = (&mut one.outcome, told)
                    {
                        report.beside(told);
                    }
                }
            });
            runtime.shutdown_background();
            fault::timed_out("no answer", deadline)
        }
    };
    ledgers
        .iter_mut()
        .zip(polled)
        .map(|(ledger, one)| {
            let one = one.unwrap_or_else(|| Ledger::given_up(at, failure.clone(), deadline));
            ledger.settle(one, None)
        })
        .collect()
}
