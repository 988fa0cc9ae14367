//! One poller for many panes: whoever holds the lock polls and tells the others, and when he is gone another goes on.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use super::audience::Audience;
use super::lock::{Follow, Hall, Lead, PATIENCE, Seat};
use super::wire::{self, Said, TOLD_CAP, Telling, Told};
use crate::cockpit::{Message, Which};
use crate::config::Upstream;
use crate::engine::clock::from_clock;
use crate::engine::limits::Limits;
use crate::engine::watch::{Rhythm, Turn, Watch, draw};
use crate::model::{Clean, SourceName};

/// Polling that processes of one user and one configuration share. Dropping it ends this one's part.
#[derive(Debug)]
pub struct Relay {
    orders: UnboundedSender<Order>,
    part: Part,
}

/// This process's part in the polling, as others of its threads may look at it.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// This process polls.
    pub polls: Arc<AtomicBool>,
    /// Processes that listen to it.
    pub followers: Arc<AtomicUsize>,
    /// Sources that asked an earlier process for quiet, until then.
    pub rests: BTreeMap<SourceName, Timestamp>,
}

#[derive(Debug)]
enum Order {
    Poll(Which),
    Stop,
}

/// Frames that wait for a follower who does not read; then he is let go, and comes again.
const BACKLOG: usize = 1024;
/// After this long without a word the one who polls is asked whether he lives.
const QUIET: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Who polls alone because others did not come to an end looks again after this.
const AGAIN: Duration = Duration::from_secs(30);

impl Relay {
    /// Starts a thread that polls or follows. Processes with the same `folder` and `name` share; without a folder this
    /// one polls alone. `sink` is called from other threads, and should not block.
    pub fn start(
        folder: Option<PathBuf>,
        name: &str,
        upstreams: Vec<Upstream>,
        part: Part,
        sink: Box<dyn Fn(Message) + Send>,
    ) -> Self {
        let (orders, taken) = unbounded_channel();
        let polls: f64 = upstreams.iter().map(|u| 1.0 / u.every.as_secs_f64().max(1.0)).sum();
        let hall = folder.as_deref().map(|folder| Hall::of(folder, name));
        // What is good for an election is good for telling limits.
        let shared = folder.filter(|_| hall.as_ref().is_some_and(Result::is_ok));
        let mut desk = Desk {
            limits: Limits { shared, ..Limits::default() }.for_polls_a_second(polls),
            rhythm: draw(from_clock(), Limits::default().grid),
            upstreams,
            sink,
            part: part.clone(),
            orders: taken,
            due: part.rests.clone(),
        };
        let (told, tell) = std::sync::mpsc::channel::<Desk>();
        let spawned = std::thread::Builder::new().name("relay".into()).spawn(move || {
            let Ok(mut desk) = tell.recv() else { return };
            match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(desk.run(hall)),
                Err(error) => (desk.sink)(Message::Notice(not_started(&error))),
            }
        });
        if let Err(error) = &spawned {
            (desk.sink)(Message::Notice(not_started(error)));
            desk.orders.close();
        } else {
            // Nobody takes it only when the thread is gone already.
            drop(told.send(desk));
        }
        Self { orders, part }
    }

    /// Asks now, or asks the one who polls to.
    pub fn poll(&self, which: Which) {
        // Fails only when the thread has ended, and then there is nobody to ask.
        let _ = self.orders.send(Order::Poll(which));
    }

    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Ends this process's part. Returns at once.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

fn not_started(error: &std::io::Error) -> Clean {
    Clean::line(format!("nothing is polled: the engine could not start: {error}"))
}

/// Why a part ended.
enum End {
    Over,
    /// Somebody else took the seat.
    Deposed,
    /// The one who polled is gone.
    Gone,
    /// He does not answer: his lock, and where he can be told when he wakes.
    Silent(u64, OwnedWriteHalf),
}

struct Desk {
    upstreams: Vec<Upstream>,
    limits: Limits,
    sink: Box<dyn Fn(Message) + Send>,
    part: Part,
    orders: UnboundedReceiver<Order>,
    /// When everybody is asked: one's own, or that of whoever was followed.
    rhythm: Rhythm,
    /// When each source is due again, as far as was heard.
    due: BTreeMap<SourceName, Timestamp>,
}

impl Desk {
    async fn run(&mut self, hall: Option<Result<Hall, Clean>>) {
        let hall = match hall.transpose() {
            Ok(Some(hall)) => hall,
            other => {
                self.alone(other.err(), std::future::pending()).await;
                return;
            }
        };
        let mut silent: Option<(u64, OwnedWriteHalf)> = None;
        loop {
            let seat = hall.elect(silent.as_ref().map(|(lock, _)| *lock)).await;
            if let Some((_, old)) = silent.take()
                && let Some(frame) = wire::frame(&Said::Deposed)
            {
                // He reads it when he wakes: before he asks anybody again, if all goes well.
                let _ = old.try_write(&frame);
            }
            let end = match seat {
                Seat::Lead(lead) => self.lead(lead).await,
                Seat::Follow(follow) => self.follow(follow).await,
                Seat::Alone(why, true) => self.alone(Some(why), sleep(AGAIN)).await,
                Seat::Alone(why, false) => self.alone(Some(why), std::future::pending()).await,
            };
            self.part.polls.store(false, Relaxed);
            self.part.followers.store(0, Relaxed);
            match end {
                End::Over => return,
                End::Deposed | End::Gone => {}
                End::Silent(lock, old) => silent = Some((lock, old)),
            }
        }
    }

    fn watch(&self, tell: UnboundedSender<Message>, may: Box<dyn Fn() -> bool + Send>) -> Watch {
        let due = self.due.iter().map(|(name, at)| (name.clone(), *at)).collect();
        let turn = Turn { rhythm: self.rhythm, due, may };
        let sink = Box::new(move |message| {
            // Nobody takes it only while the part ends.
            let _ = tell.send(message);
        });
        Watch::take_over(self.upstreams.clone(), self.limits.clone(), turn, sink)
    }

    /// Polls for nobody else.
    async fn alone(&mut self, why: Option<Clean>, until: impl Future<Output = ()>) -> End {
        let (tell, mut told) = unbounded_channel();
        let watch = self.watch(tell, Box::new(|| true));
        self.part.polls.store(true, Relaxed);
        match why {
            Some(why) => self.say(format_args!("this process, for itself alone: {why}")),
            None => self.say(format_args!("this process")),
        }
        tokio::pin!(until);
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Poll(which)) => watch.poll(which),
                    Some(Order::Stop) | None => return End::Over,
                },
                Some(message) = told.recv() => self.tell(message),
                () = &mut until => return End::Gone,
            }
        }
    }

    /// Polls, and tells everybody.
    async fn lead(&mut self, lead: Lead) -> End {
        let (tell, mut told) = unbounded_channel();
        let (say, mut said) = unbounded_channel();
        let mut audience = Audience::new(self.rhythm, say, BACKLOG);
        let watch = self.watch(tell, Box::new(lead.licence()));
        self.part.polls.store(true, Relaxed);
        self.say(format_args!("this process"));
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Poll(which)) => watch.poll(which),
                    Some(Order::Stop) | None => return End::Over,
                },
                Some((who, word)) = said.recv() => match word {
                    Some(Said::Ping) => audience.answer(who, &Telling::Pong),
                    Some(Said::Poll(None)) => watch.poll(Which::All),
                    Some(Said::Poll(Some(names))) => watch.poll(Which::Sources(names)),
                    Some(Said::Deposed) if !lead.still() => return End::Deposed,
                    Some(Said::Deposed) => {}
                    None => audience.leave(who),
                },
                message = told.recv() => {
                    // The watch saw that somebody else polls, or never began.
                    let Some(message) = message else {
                        if lead.still() {
                            sleep(AGAIN).await;
                        }
                        return End::Deposed;
                    };
                    match &message {
                        Message::Heard(heard) => audience.tell(&heard.source, &Telling::from(&**heard)),
                        Message::Asking { source, at } => {
                            audience.pass(&Telling::Asking { source, at: *at });
                        }
                        _ => {}
                    }
                    self.tell(message);
                    if !lead.still() {
                        return End::Deposed;
                    }
                }
                called = lead.listener.accept() => match called {
                    Ok((stream, _)) => audience.join(stream),
                    // Out of files, most likely: those who call wait a little.
                    Err(_) => sleep(Duration::from_millis(200)).await,
                },
            }
            self.part.followers.store(audience.len(), Relaxed);
        }
    }

    /// Listens to the one who polls.
    async fn follow(&mut self, follow: Follow) -> End {
        let Follow { stream, pid, rhythm, lock } = follow;
        self.rhythm = rhythm;
        let (from, to) = stream.into_split();
        let (tell, mut told) = channel(BACKLOG);
        tokio::spawn(listen(from, tell));
        self.say(format_args!("process {pid}"));
        let least = self.upstreams.iter().map(|u| u.every).min().unwrap_or(QUIET.1);
        let quiet = (least / 2).clamp(QUIET.0, QUIET.1);
        // Silence is noticed within one interval.
        let patience = (least / 2).clamp(QUIET.0, PATIENCE);
        let mut asked = false;
        let mut until = Instant::now() + quiet;
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    // One who cannot take a word is asked for a sign of life soon enough.
                    Some(Order::Poll(which)) => drop(send(&to, &Said::from(which))),
                    Some(Order::Stop) | None => return End::Over,
                },
                word = told.recv() => {
                    (asked, until) = (false, Instant::now() + quiet);
                    match word {
                        Some(Told::Heard(frame)) => {
                            let own = self.upstreams.iter().find(|u| u.name == *frame.source());
                            // What is not of this configuration is not for us.
                            if let Some(kind) = own.map(|u| u.kind) {
                                self.tell(Message::Heard(Box::new(frame.heard(kind))));
                            }
                        }
                        Some(Told::Asking { source, at }) => {
                            self.tell(Message::Asking { source, at });
                        }
                        Some(Told::Hello { .. } | Told::Pong) => {}
                        None => return End::Gone,
                    }
                }
                () = sleep_until(until) => {
                    if asked || send(&to, &Said::Ping).is_err() {
                        return End::Silent(lock, to);
                    }
                    (asked, until) = (true, Instant::now() + patience);
                }
            }
        }
    }

    /// Hands a message on, and keeps what whoever polls next has to know.
    fn tell(&mut self, message: Message) {
        if let Message::Heard(heard) = &message {
            let every = heard.freshness.every;
            let planned = heard.freshness.next_poll;
            let due = planned.or_else(|| heard.at.checked_add(every).ok()).unwrap_or(heard.at);
            // A plan that lies far away was made by a clock that is not ours.
            let latest = from_clock().saturating_add(every.saturating_mul(20).max(LATEST));
            self.due.insert(heard.source.clone(), due.min(latest.unwrap_or(due)));
            if let Some(own) = self.upstreams.iter_mut().find(|u| u.name == heard.source) {
                own.known = Some(heard.freshness.clone());
            }
        }
        (self.sink)(message);
    }

    fn say(&self, who: std::fmt::Arguments<'_>) {
        (self.sink)(Message::Poller(Clean::line(who)));
    }
}

/// The longest wait that an upstream can ask for.
const LATEST: SignedDuration = SignedDuration::from_hours(1);

/// Sends without waiting: a word is short, and a buffer that is full of them tells enough.
fn send(to: &OwnedWriteHalf, word: &Said) -> std::io::Result<()> {
    let Some(frame) = wire::frame(word) else { return Ok(()) };
    match to.try_write(&frame) {
        Ok(n) if n == frame.len() => Ok(()),
        Ok(_) => Err(std::io::ErrorKind::WriteZero.into()),
        Err(error) => Err(error),
    }
}

/// Reads frames until the other side leaves, or nobody wants them.
async fn listen(mut from: OwnedReadHalf, tell: tokio::sync::mpsc::Sender<Told>) {
    while let Ok(word) = wire::read(&mut from, TOLD_CAP).await {
        if tell.send(word).await.is_err() {
            return;
        }
    }
}
