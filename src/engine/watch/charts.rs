//! Asks metric stores for the past of what lies open, on a thread of its own: one question at a time, the newest.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::poll::{Past, Subject, poll};
use super::{no_polling, runtime};
use crate::cockpit::{Charted, Charting, Message};
use crate::config::Upstream;
use crate::engine::carry::{Carrier, fault};
use crate::engine::clock::from_clock;
use crate::engine::limits::Limits;
use crate::model::Trouble;

/// How long a store is waited for; what was polled is shown meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that is started by the first wish, and asks nobody before it. Dropping it ends it.
#[derive(Debug)]
pub struct Charts {
    wishes: UnboundedSender<Charting>,
}

impl Charts {
    /// `sink` is called from the thread, with `Message::Charted` for each store.
    pub fn start(
        upstreams: &[Upstream],
        limits: Limits,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let (wishes, wished) = unbounded_channel();
        let upstreams = upstreams.to_vec();
        let thread = std::thread::Builder::new().name("charts".into());
        // Without a thread the wish is never answered, and the page goes on with what was polled.
        drop(thread.spawn(move || serve(&upstreams, limits, wished, &*sink)));
        Self { wishes }
    }

    /// Wishes for curves. A question in the air for others is dropped: somebody looks at something else by now.
    pub fn wish(&self, charting: Charting) {
        // Fails only when the thread has ended with the process.
        let _ = self.wishes.send(charting);
    }
}

/// Asks once and waits for all answers.
pub fn ask(upstreams: &[Upstream], charting: &Charting, limits: &Limits) -> Vec<Message> {
    let heard = std::cell::RefCell::new(Vec::new());
    let desk = Desk::new(upstreams, limits.clone());
    match runtime(desk.way.lull()) {
        Ok(runtime) => {
            runtime.block_on(desk.ask(charting, &|message| heard.borrow_mut().push(message)));
            runtime.shutdown_background();
        }
        Err(error) => heard.borrow_mut().push(Message::Notice(no_polling(&error))),
    }
    heard.into_inner()
}

fn serve(
    upstreams: &[Upstream],
    limits: Limits,
    mut wished: UnboundedReceiver<Charting>,
    sink: &dyn Fn(Message),
) {
    let Some(first) = wished.blocking_recv() else { return };
    // Connections and what upstreams said of their limits last as long as the thread.
    let desk = Desk::new(upstreams, limits);
    let runtime = match runtime(desk.way.lull()) {
        Ok(runtime) => runtime,
        Err(error) => return sink(Message::Notice(no_polling(&error))),
    };
    runtime.block_on(async {
        let mut next = Some(first);
        while let Some(charting) = next.take() {
            // A held key wishes faster than anybody answers.
            let charting = newest(charting, &mut wished);
            tokio::select! {
                biased;
                newer = wished.recv() => match newer {
                    Some(newer) => next = Some(newer),
                    None => return,
                },
                () = desk.ask(&charting, sink) => {}
            }
            if next.is_none() {
                next = wished.recv().await;
            }
        }
    });
    runtime.shutdown_background();
}

fn newest(mut charting: Charting, wished: &mut UnboundedReceiver<Charting>) -> Charting {
    while let Ok(newer) = wished.try_recv() {
        charting = newer;
    }
    charting
}

struct Desk<'a> {
    upstreams: &'a [Upstream],
    way: Carrier,
    limits: Limits,
}

impl<'a> Desk<'a> {
    fn new(upstreams: &'a [Upstream], limits: Limits) -> Self {
        let way = Carrier::new(&limits);
        crate::engine::carry::Wire::hurry(&way, true);
        Self { upstreams, way, limits }
    }

    /// Asks every store that keeps one of the numbers, all at once, and tells each answer as it comes.
    async fn ask(&self, charting: &Charting, sink: &dyn Fn(Message)) {
        let Charting { id, numbers, slices, at } = charting;
        let subjects: Vec<Subject> = self
            .upstreams
            .iter()
            .filter_map(|upstream| upstream.charting(numbers, slices))
            .map(|upstream| Subject { timeout: PATIENCE, ..Subject::from(upstream) })
            .collect();
        let told = |told, more| sink(Message::Charted(Box::new(Charted { id: *id, told, more })));
        let mut left = subjects.len();
        if left == 0 {
            return told(None, false);
        }
        let mut polls: FuturesUnordered<_> = subjects
            .iter()
            .map(|subject| async move {
                let memory = Arc::new(subject.memory.clone());
                let past = Past { memory, ..Past::default() };
                let job = poll(subject, past, &[], *at, &from_clock, &self.way, &self.limits);
                // Waiting for a free lane counts, too: somebody looks.
                let polled = tokio::time::timeout(PATIENCE, job).await;
                let outcome: Result<_, Trouble> = match polled {
                    Ok(polled) => polled.outcome,
                    Err(_) => Err(fault::timed_out("no answer", PATIENCE)),
                };
                (subject.reach.name.clone(), outcome)
            })
            .collect();
        while let Some(one) = polls.next().await {
            left -= 1;
            told(Some(one), left > 0);
        }
    }
}
