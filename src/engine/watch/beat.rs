//! The beat of the watch: who is asked when, one poll in the air per source, back-off, wake-ups after a sleep.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortHandle, FutureExt, LocalBoxFuture, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::agenda::{Agenda, Rhythm, Slot, back_off};
use super::ledger::Ledger;
use super::poll::{Polled, Subject, poll, words};
use crate::cockpit::{Message, Which};
use crate::engine::carry::{Wire, fault};
use crate::engine::limits::Limits;
use crate::model::{Linked, SourceName, Status, Trouble};

/// What the watch is told from outside.
#[derive(Debug)]
pub enum Order {
    Poll(Which),
    /// Somebody else asked this source a moment ago: it is not due for so long.
    Rest(SourceName, Duration),
    Stop,
}

/// A source on its seat in the watch.
struct Seat {
    subject: Rc<Subject>,
    ledger: Ledger,
    /// The poll in the air: at most one.
    in_air: Option<AbortHandle>,
    /// Since the start: no poll earlier, whoever asks for it.
    not_before: Duration,
    /// When it was asked, until somebody is told.
    untold: Option<Timestamp>,
    /// Somebody looks at the screen for this answer.
    hurry: bool,
}

/// A poll that ended: whose, when it began, and what it gave; nothing when it was broken off.
type Ended = (usize, Duration, Option<Polled>);

pub struct Beat {
    limits: Limits,
    way: Rc<dyn Wire>,
    wall: Rc<dyn Fn() -> Timestamp>,
    sink: Box<dyn Fn(Message)>,
    origin: Instant,
    agenda: Agenda,
    seats: Vec<Seat>,
    polls: FuturesUnordered<LocalBoxFuture<'static, Ended>>,
    /// Both clocks as last read together.
    clocks: (Instant, Timestamp),
    /// What is told together, so that a moment many sources share wakes the screen once.
    held: Vec<Message>,
    tell_by: Option<Instant>,
    /// When it is told who is being asked and has not answered.
    asking_by: Option<Instant>,
    /// The issues that documents link to, and their names as trackers are asked about them.
    linked: Linked,
    wanted: Rc<[Box<str>]>,
    /// Times a timer woke the watch.
    pub wakes: u64,
    /// Whether asking is still this process's part.
    may: Box<dyn Fn() -> bool>,
}

/// How long an answer waits for others that are still in the air.
const ANSWER_WAITS: Duration = Duration::from_millis(250);
/// The same for an answer that somebody waits for.
const FIRST_WAITS: Duration = Duration::from_millis(30);
/// What each source adds to the time over which all are asked anew, up to `Limits::spread`.
const SHARE_OF_SPREAD: Duration = Duration::from_millis(250);
/// How long nobody is told that a source is being asked: most have answered by then.
const ASKING_WAITS: Duration = Duration::from_secs(1);

/// After so long a process draws its own.
const LONGEST_RHYTHM: Duration = Duration::from_secs(90 * 24 * 3600);
/// What two processes may read their clocks apart.
const APART: Duration = Duration::from_millis(50);

/// A rhythm of one's own: many started together still ask apart.
pub fn draw(now: Timestamp, grid: Duration) -> Rhythm {
    let ago = SignedDuration::try_from(grid.mul_f64(fastrand::f64())).unwrap_or_default();
    Rhythm { seed: fastrand::u64(..), origin: now.checked_sub(ago).unwrap_or(now) }
}

impl Beat {
    /// A rhythm of its own, or that of somebody else who polled until now.
    pub fn new(
        rhythm: Rhythm,
        subjects: Vec<Subject>,
        limits: Limits,
        way: Rc<dyn Wire>,
        wall: Rc<dyn Fn() -> Timestamp>,
        sink: Box<dyn Fn(Message)>,
    ) -> Self {
        let now = Instant::now();
        // A clock that was set meanwhile costs a wait that is shorter than usual, and no more.
        let passed = Duration::try_from(wall().duration_since(rhythm.origin)).ok();
        let passed = passed.filter(|passed| *passed < LONGEST_RHYTHM).unwrap_or_default();
        let least = subjects.iter().map(|subject| subject.every).min().unwrap_or_default();
        let mut linked = Linked::default();
        for subject in &subjects {
            linked.join(subject.linked.clone());
        }
        let mut beat = Self {
            wanted: linked.wanted().into(),
            linked,
            agenda: Agenda::new(limits.grid, least, rhythm.seed),
            origin: now.checked_sub(passed).unwrap_or(now),
            clocks: (now, wall()),
            polls: FuturesUnordered::new(),
            held: Vec::new(),
            tell_by: None,
            asking_by: None,
            wakes: 0,
            may: Box::new(|| true),
            seats: subjects
                .into_iter()
                .map(|subject| Seat {
                    ledger: Ledger::new(&subject),
                    subject: Rc::new(subject),
                    in_air: None,
                    not_before: Duration::ZERO,
                    untold: None,
                    hurry: true,
                })
                .collect(),
            limits,
            way,
            wall,
            sink,
        };
        // Somebody who starts wants to see: the first polls are due now, as many at once as there are lanes.
        let due = beat.agenda.before(beat.since_start());
        for who in 0..beat.seats.len() {
            beat.agenda.put(who, due);
        }
        beat
    }

    /// Before anybody is asked by the clock, it is made sure that this process may: one that was stopped for a while has a
    /// successor, and ends here.
    #[must_use]
    pub fn while_it(self, may: Box<dyn Fn() -> bool>) -> Self {
        Self { may, ..self }
    }

    /// Hands over what is to be told by now; with nobody left in the air, everything.
    fn hand_over(&mut self) {
        let now = Instant::now();
        if self.asking_by.is_some_and(|by| by <= now) {
            self.asking_by = None;
            for seat in &mut self.seats {
                if let Some(at) = seat.untold.take() {
                    (self.sink)(Message::Asking { source: seat.ledger.name().clone(), at });
                }
            }
        }
        if self.tell_by.is_some_and(|by| by <= now) || self.polls.is_empty() {
            self.tell_by = None;
            self.held.drain(..).for_each(&self.sink);
        }
        if self.polls.is_empty() {
            self.asking_by = None;
        }
    }

    /// Runs until told to stop, or until nobody is left who could tell.
    pub async fn run(&mut self, mut orders: UnboundedReceiver<Order>) {
        loop {
            self.hand_over();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Poll(which)) => self.poll_now(&which),
                    Some(Order::Rest(name, wait)) => self.rest(&name, wait),
                    Some(Order::Stop) | None => return,
                },
                Some((who, began, polled)) = self.polls.next(), if !self.polls.is_empty() => {
                    self.settle(who, began, polled);
                }
                () = sleep_until(wake), if wake.is_some() => {
                    self.wakes += 1;
                    self.look_at_the_clocks(wake);
                    let now = self.agenda.before(self.since_start());
                    let due = self.agenda.pop_until(now);
                    if !due.is_empty() {
                        if !(self.may)() {
                            return;
                        }
                        let hurried = |who: &usize| self.seats.get(*who).is_some_and(|s| s.hurry);
                        self.way.hurry(due.iter().any(hurried));
                    }
                    for who in due {
                        self.begin(who);
                    }
                }
            }
        }
    }

    /// The next due moment; where that is far, the clocks are looked at before.
    fn next_wake(&self) -> Option<Instant> {
        if self.seats.is_empty() {
            return None;
        }
        let due = self.agenda.next().map(|slot| self.origin + self.agenda.moment(slot));
        let look = self.clocks.0 + self.limits.look;
        // A look that would come just before something due can wait for it.
        let look = due.is_none_or(|due| due > look + self.limits.grid).then_some(look);
        [due, look, self.tell_by, self.asking_by].into_iter().flatten().min()
    }

    fn since_start(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Puts every source that is not being asked somewhere in the next seconds.
    fn spread(&mut self) {
        let now = self.since_start();
        // A few are no crowd: they need not wait for each other.
        let crowd = SHARE_OF_SPREAD.saturating_mul(self.seats.len() as u32);
        for who in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(who) else { continue };
            seat.hurry = true;
            let spread = self.limits.spread.min(seat.subject.every).min(crowd);
            let at = now + spread.mul_f64(fastrand::f64());
            let slot = self.agenda.after(at.max(seat.not_before));
            self.agenda.put(who, slot);
        }
    }

    fn rest(&mut self, name: &SourceName, wait: Duration) {
        let slot = self.agenda.after(self.since_start() + wait.saturating_sub(APART));
        let at = self.seats.iter().position(|seat| seat.ledger.name() == name);
        if let Some(who) = at.filter(|who| self.seats.get(*who).is_some_and(|s| s.in_air.is_none()))
        {
            self.agenda.put(who, slot);
        }
    }

    fn poll_now(&mut self, which: &Which) {
        self.way.hurry(true);
        let now = self.since_start();
        for who in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(who) else { continue };
            let meant = match which {
                Which::All => true,
                Which::Sources(names) => names.contains(seat.ledger.name()),
            };
            if !meant {
                continue;
            }
            seat.hurry = true;
            if seat.in_air.is_some() {
                continue;
            }
            if seat.not_before > now {
                let slot = self.agenda.after(seat.not_before);
                self.agenda.put(who, slot);
            } else {
                self.agenda.take(who);
                self.begin(who);
            }
        }
    }

    fn begin(&mut self, who: usize) {
        let (began, at) = (self.since_start(), (self.wall)());
        let Some(seat) = self.seats.get_mut(who) else { return };
        if seat.in_air.is_some() {
            return;
        }
        let (subject, past) = (seat.subject.clone(), seat.ledger.past());
        let (way, wall, limits) = (self.way.clone(), self.wall.clone(), self.limits.clone());
        let wanted = self.wanted.clone();
        let (job, handle) = abortable(async move {
            let job = poll(&subject, past, &wanted, at, &*wall, &*way, &limits);
            // What sources do is guarded closer by; a panic on the way to them must not end the watch of all.
            AssertUnwindSafe(job).catch_unwind().await.unwrap_or_else(|panic| {
                let trouble = fault::internal(format!("a poll broke off: {}", words(&*panic)));
                let trouble = Trouble { message: way.redact(&trouble.message), ..trouble };
                Ledger::given_up(at, trouble, Duration::ZERO)
            })
        });
        seat.in_air = Some(handle);
        // Most answer at once: who does is heard, and need not be told of before.
        seat.untold = Some(at);
        self.asking_by.get_or_insert_with(|| Instant::now() + ASKING_WAITS);
        self.polls.push(Box::pin(async move { (who, began, job.await.ok()) }));
    }

    fn settle(&mut self, who: usize, began: Duration, polled: Option<Polled>) {
        let now = self.since_start();
        // Broken off: its seat has a new moment, or even a new poll, already.
        let Some(polled) = polled else { return };
        let set_back = polled.at.duration_since((self.wall)()) > SignedDuration::from_secs(1);
        let Some(seat) = self.seats.get_mut(who) else { return };
        seat.in_air = None;
        seat.untold = None;
        if set_back {
            // Its moments never were; it is asked again by the clock as it is now.
            self.agenda.put(who, self.agenda.after(now));
            self.look_at_the_clocks(None);
            return;
        }
        let wait = if std::mem::take(&mut seat.hurry) { FIRST_WAITS } else { ANSWER_WAITS };
        let by = Instant::now() + wait;
        self.tell_by = Some(self.tell_by.map_or(by, |before| before.min(by)));
        let usual = seat.subject.every;
        let every = usual.max(polled.pace.unwrap_or_default());
        let mut goes_on = false;
        let slot = match &polled.outcome {
            Ok(report) => {
                seat.not_before = Duration::ZERO;
                if report.tells_of_papers() {
                    self.linked.learn(seat.ledger.name(), report);
                    self.wanted = self.linked.wanted().into();
                }
                goes_on = seat.ledger.gets_on(report);
                self.agenda.next_for(began, usual, every, now)
            }
            Err(trouble) => {
                let n = seat.ledger.failures().saturating_add(1);
                let wait = back_off(
                    every,
                    n,
                    self.limits.longest_back_off,
                    self.limits.grid,
                    fastrand::f64(),
                );
                let floor = floor(trouble, &self.limits);
                seat.not_before = floor.map_or(Duration::ZERO, |floor| now + floor);
                // Past the floor by a little of its own: those who waited together do not return together.
                let wait = floor.map_or(wait, |floor| {
                    wait.max(floor + self.limits.spread.min(every).mul_f64(fastrand::f64()))
                });
                self.agenda.within(wait, floor.unwrap_or(self.limits.grid), now)
            }
        };
        self.agenda.put(who, slot);
        let next = self.moment_of(slot);
        if let Some(seat) = self.seats.get_mut(who) {
            self.held.push(Message::Heard(Box::new(seat.ledger.settle(polled, next))));
        }
        if goes_on {
            // Many small polls instead of a long one: what was read is shown, and others are asked in between.
            self.agenda.take(who);
            self.begin(who);
        }
    }

    /// A slot as a wall clock moment, for people.
    fn moment_of(&self, slot: Slot) -> Option<Timestamp> {
        let ahead = self.agenda.moment(slot).saturating_sub(self.since_start());
        (self.wall)().checked_add(SignedDuration::try_from(ahead).ok()?).ok()
    }

    /// Wall and monotonic clock drift apart in a sleep, and a timer that comes late tells of a stop.
    fn look_at_the_clocks(&mut self, planned: Option<Instant>) {
        let (now, wall) = (Instant::now(), (self.wall)());
        let (then, wall_then) = std::mem::replace(&mut self.clocks, (now, wall));
        let by_wall = wall.duration_since(wall_then);
        let by_timer = SignedDuration::try_from(now - then).unwrap_or(SignedDuration::MAX);
        let apart = by_wall.checked_sub(by_timer).unwrap_or_default();
        let limit = SignedDuration::try_from(self.limits.slept).unwrap_or(SignedDuration::MAX);
        let late = planned.is_some_and(|planned| now.duration_since(planned) > self.limits.slept);
        if apart.abs() <= limit && !late {
            return;
        }
        let slept = Duration::try_from(apart).unwrap_or_default();
        self.way.renew(slept);
        for seat in &mut self.seats {
            if let Some(handle) = seat.in_air.take() {
                // Its connection is dead; an answer of before the sleep must not pass for a new one.
                handle.abort();
            }
            seat.untold = None;
            seat.not_before = seat.not_before.saturating_sub(slept);
        }
        self.spread();
    }
}

/// The wait that wins over jitter.
fn floor(trouble: &Trouble, limits: &Limits) -> Option<Duration> {
    let asked = trouble
        .retry_after
        .and_then(|wait| Duration::try_from(wait).ok())
        .map(|wait| wait.min(limits.longest_wait));
    match trouble.status {
        Status::Auth => Some(asked.unwrap_or_default().max(limits.after_refusal)),
        Status::RateLimited => Some(asked.unwrap_or(limits.after_refusal)),
        _ => asked,
    }
}

async fn sleep_until(moment: Option<Instant>) {
    if let Some(moment) = moment {
        tokio::time::sleep_until(moment).await;
    }
}
