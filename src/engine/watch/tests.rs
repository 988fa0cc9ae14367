//! The watch under paused time, over a wire that does what the test says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::beat::{Beat, Order, draw};
use super::poll::Subject;
use crate::cockpit::{Heard, Message, Which};
use crate::config::Endpoint;
use crate::engine::carry::holds::Share;
use crate::engine::carry::{Allowance, Carrying, Reach, Wire};
use crate::engine::limits::Limits;
use crate::model::{Clean, Feed, Freshness, Id, Name, Report, Status, Trouble};
use crate::source::{Answer, Asking, Exchange, Reading, Request, Source};

const SECOND: Duration = Duration::from_secs(1);

/// Asks one thing; what it reads depends on its words.
#[derive(Debug)]
struct Plain(&'static str);

impl Source for Plain {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        assert_ne!(self.0, "panics when asked");
        vec![Request::Dns { host: "x".into() }]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        assert_ne!(self.0, "panics when reading");
        if self.0 == "never ends" {
            return Ok(Reading::More(vec![Request::Dns { host: "x".into() }]));
        }
        heard.last().unwrap().answer.clone()?;
        let mut report = Report::default();
        if self.0 != "empty later" || asking.round == 0 {
            report.still.push((Feed::Alerts, Id::new("1")));
        }
        let seen = asking.memory.get("seen").map_or(0, |n| n.parse().unwrap());
        report.notes.push(Clean::line(format!("seen {seen}")));
        report.remember.push(("seen".into(), (seen + 1).to_string().into()));
        Ok(Reading::Done(report))
    }
}

/// What the wire does with the nth request of a source.
type Script = dyn Fn(&str, usize) -> (Duration, Result<(), Trouble>);

struct Scripted {
    script: Box<Script>,
    start: Instant,
    arrivals: RefCell<BTreeMap<String, Vec<Duration>>>,
    in_air: RefCell<BTreeMap<String, usize>>,
    peak: Cell<usize>,
    renewed: Cell<u32>,
}

impl Scripted {
    fn of(&self, name: &str) -> Vec<Duration> {
        self.arrivals.borrow().get(name).cloned().unwrap_or_default()
    }
}

/// In the air as long as this lives, also when the poll is broken off.
struct InAir<'a>(&'a Scripted, String);

impl Drop for InAir<'_> {
    fn drop(&mut self) {
        *self.0.in_air.borrow_mut().get_mut(&self.1).unwrap() -= 1;
    }
}

impl Wire for Scripted {
    fn carry<'a>(
        &'a self,
        reach: &'a Reach,
        _request: &'a Request,
        allowance: &'a Allowance,
    ) -> Carrying<'a> {
        let name = reach.name.to_string();
        Box::pin(async move {
            let nth = {
                let mut all = self.arrivals.borrow_mut();
                let mine = all.entry(name.clone()).or_default();
                mine.push(self.start.elapsed());
                mine.len() - 1
            };
            let now = {
                let mut in_air = self.in_air.borrow_mut();
                let mine = in_air.entry(name.clone()).or_default();
                *mine += 1;
                *mine
            };
            self.peak.set(self.peak.get().max(now));
            assert_ne!(name, "breaks on the way");
            if name == "poor" {
                let lasts = (SECOND * 3600).saturating_sub(self.start.elapsed());
                allowance.charge("core", Share { left: 30 - nth as u64, lasts });
            }
            let _here = InAir(self, name.clone());
            let (takes, outcome) = (self.script)(&name, nth);
            let late = Trouble::new(Status::Timeout, "no answer");
            tokio::time::timeout_at(allowance.end(), tokio::time::sleep(takes))
                .await
                .map_err(|_| late)?;
            outcome.map(|()| Answer::Addresses { addresses: Vec::new(), took: takes })
        })
    }

    fn renew(&self, _slept: Duration) {
        self.renewed.set(self.renewed.get() + 1);
    }

    fn redact(&self, text: &Clean) -> Clean {
        text.clone()
    }
}

struct World {
    runtime: tokio::runtime::Runtime,
    wire: Rc<Scripted>,
    beat: Beat,
    orders: UnboundedSender<Order>,
    taken: Option<tokio::sync::mpsc::UnboundedReceiver<Order>>,
    heard: Rc<RefCell<Vec<Heard>>>,
    /// When each answer was told.
    told: Rc<RefCell<Vec<Duration>>>,
    /// How often it was told that somebody is being asked.
    asking: Rc<Cell<u32>>,
    /// Seconds the wall clock is ahead of the monotonic one.
    jump: Rc<Cell<i64>>,
}

fn subject(name: &str, words: &'static str, every: u64) -> Subject {
    Subject {
        source: Arc::new(Plain(words)),
        reach: Reach { name: Name::new(name), kind: "test", endpoint: Endpoint::default() },
        every: Duration::from_secs(every),
        timeout: Duration::from_secs(10),
        memory: BTreeMap::new(),
        known: None,
        linked: crate::model::Linked::default(),
    }
}

fn world(
    seed: u64,
    subjects: Vec<Subject>,
    script: impl Fn(&str, usize) -> (Duration, Result<(), Trouble>) + 'static,
) -> World {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let guard = runtime.enter();
    let start = Instant::now();
    let wire = Rc::new(Scripted {
        script: Box::new(script),
        start,
        arrivals: RefCell::default(),
        in_air: RefCell::default(),
        peak: Cell::default(),
        renewed: Cell::default(),
    });
    let jump = Rc::new(Cell::new(0_i64));
    let ahead = jump.clone();
    let wall = Rc::new(move || {
        let passed = SignedDuration::try_from(start.elapsed()).unwrap();
        Timestamp::from_second(1_700_000_000 + ahead.get()).unwrap() + passed
    });
    let heard: Rc<RefCell<Vec<Heard>>> = Rc::default();
    let told: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let asking: Rc<Cell<u32>> = Rc::default();
    let (hear, tell, ask) = (heard.clone(), told.clone(), asking.clone());
    let sink = Box::new(move |message| match message {
        Message::Heard(one) => {
            tell.borrow_mut().push(start.elapsed());
            hear.borrow_mut().push(*one);
        }
        Message::Asking { .. } => ask.set(ask.get() + 1),
        _ => {}
    });
    let (orders, taken) = unbounded_channel();
    let rhythm = draw(wall(), Limits::default().grid);
    let beat = Beat::new(rhythm, subjects, Limits::default(), wire.clone(), wall, sink);
    drop(guard);
    World { runtime, wire, beat, orders, taken: Some(taken), heard, told, asking, jump }
}

impl World {
    /// Lets this much time pass, with `meanwhile` happening beside it.
    fn pass(&mut self, time: Duration, meanwhile: impl Future<Output = ()>) {
        let taken = self.taken.take().unwrap();
        let beat = &mut self.beat;
        self.runtime.block_on(async {
            let _ = tokio::join!(tokio::time::timeout(time, beat.run(taken)), meanwhile);
        });
    }

    /// After a time that passed, for another.
    fn again(&mut self) {
        let (orders, taken) = unbounded_channel();
        (self.orders, self.taken) = (orders, Some(taken));
    }

    fn heard_of(&self, name: &str) -> Vec<(Status, Vec<String>)> {
        let all = self.heard.borrow();
        let mine = all.iter().filter(|h| h.source.as_str() == name);
        mine.map(|h| {
            (h.freshness.status, h.freshness.notes.iter().map(ToString::to_string).collect())
        })
        .collect()
    }
}

fn gaps(arrivals: &[Duration]) -> Vec<f64> {
    arrivals.windows(2).map(|w| w[1].as_secs_f64() - w[0].as_secs_f64()).collect()
}

fn well(_name: &str, _nth: usize) -> (Duration, Result<(), Trouble>) {
    (Duration::from_millis(20), Ok(()))
}

#[test]
fn the_first_poll_comes_at_once_the_second_soon_and_the_others_near_the_interval() {
    for seed in 0..5 {
        let mut world = world(seed, vec![subject("a", "", 60), subject("b", "", 15)], well);
        world.pass(SECOND * 1200, async {});
        for (name, every) in [("a", 60.0), ("b", 15.0)] {
            let arrivals = world.wire.of(name);
            assert!(arrivals[0] <= Duration::from_millis(2), "{arrivals:?}");
            let gaps = gaps(&arrivals);
            assert!(gaps[0] <= every * 1.1 + 1.1, "{gaps:?}");
            for gap in &gaps[1..] {
                assert!((gap - every).abs() <= every * 0.1 + 1.1, "{name} {gap}");
            }
        }
    }
}

#[test]
fn healthy_polls_have_jitter_of_their_own_in_every_process() {
    let second: Vec<_> = (0..8)
        .map(|seed| {
            let mut world = world(seed, vec![subject("a", "", 60)], well);
            world.pass(SECOND * 600, async {});
            world.wire.of("a")[5].as_secs()
        })
        .collect();
    let distinct: std::collections::BTreeSet<_> = second.iter().collect();
    assert!(distinct.len() >= 4, "{second:?}");
}

/// The most of twenty processes that ask within one second, between two moments after a common start.
fn crowd(
    between: std::ops::Range<u64>,
    script: impl Fn(&str, usize) -> (Duration, Result<(), Trouble>) + Clone + 'static,
) -> usize {
    let mut all: Vec<(Duration, u64)> = Vec::new();
    for process in 0..20 {
        let mut world = world(process, many(3, |_| 15), script.clone());
        world.pass(SECOND * between.end as u32, async {});
        let arrivals = world.wire.arrivals.borrow();
        all.extend(arrivals.values().flatten().map(|at| (*at, process)));
    }
    all.retain(|(at, _)| between.contains(&at.as_secs()));
    all.sort_unstable();
    let within = |from: Duration| {
        let second = all.iter().filter(|(at, _)| (from..from + SECOND).contains(at));
        second.map(|(_, process)| process).collect::<std::collections::BTreeSet<_>>().len()
    };
    all.iter().map(|(at, _)| within(*at)).max().unwrap_or(0)
}

#[test]
fn twenty_processes_started_at_once_ask_apart_from_their_second_poll_on() {
    assert_eq!(crowd(0..1, well), 20, "each shows something at once");
    // By lot, of twenty in fifteen seconds up to seven meet within one, now and then.
    let crowd = crowd(1..300, well);
    assert!(crowd <= 8, "{crowd} of twenty within a second");
}

#[test]
fn twenty_processes_do_not_return_to_a_restarted_server_together() {
    let down_for_a_while = |_: &str, nth: usize| {
        let down = Err(Trouble::new(Status::Unreachable, "refused"));
        (Duration::from_millis(5), if (4..8).contains(&nth) { down } else { Ok(()) })
    };
    let crowd = crowd(60..600, down_for_a_while);
    assert!(crowd <= 8, "{crowd} of twenty within a second");
}

#[test]
fn a_failing_source_backs_off_with_full_jitter() {
    let mut world = world(1, vec![subject("a", "", 15)], |_, _| {
        (Duration::from_millis(5), Err(Trouble::new(Status::ServerError, "answered 500")))
    });
    world.pass(SECOND * 7200, async {});
    let gaps = gaps(&world.wire.of("a"));
    assert!(gaps.len() > 20, "{} polls in two hours", gaps.len());
    assert!(gaps.iter().all(|g| (0.99..=302.0).contains(g)), "{gaps:?}");
    let late: Vec<_> = gaps.iter().skip(6).copied().collect();
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    let spread =
        late.iter().copied().fold(0.0, f64::max) - late.iter().copied().fold(1e9, f64::min);
    assert!(mean > 75.0 && spread > 0.2 * mean, "mean {mean}, spread {spread}");
    let heard = world.heard.borrow();
    assert!(heard.iter().all(|h| h.freshness.failing_since == heard[0].freshness.failing_since));
    assert_eq!(heard.last().unwrap().freshness.failures as usize, heard.len());
}

#[test]
fn waits_that_were_asked_for_win_over_jitter_and_over_people() {
    let limited =
        || Trouble::new(Status::RateLimited, "slow down").wait(Some(SignedDuration::from_secs(90)));
    let refused = || Trouble::new(Status::Auth, "answered 401");
    for (trouble, window) in [(limited(), 90.0), (refused(), 60.0)] {
        for seed in 0..5 {
            let trouble = trouble.clone();
            let mut world = world(seed, vec![subject("a", "", 15)], move |_, _| {
                (Duration::from_millis(5), Err(trouble.clone()))
            });
            let orders = world.orders.clone();
            world.pass(SECOND * 1000, async {
                for _ in 0..900 {
                    tokio::time::sleep(SECOND).await;
                    orders.send(Order::Poll(Which::All)).unwrap();
                }
            });
            let gaps = gaps(&world.wire.of("a"));
            assert!(gaps.len() > 3);
            assert!(gaps.iter().all(|g| *g >= window), "{gaps:?}");
        }
    }
}

#[test]
fn a_source_whose_share_would_not_last_is_asked_less_often_and_says_so() {
    let mut world = world(15, vec![subject("poor", "", 60), subject("rich", "", 60)], well);
    world.pass(SECOND * 3500, async {});
    let asked = world.wire.of("poor").len();
    assert!((24..=30).contains(&asked), "{asked} of the thirty that are ours");
    assert!(gaps(&world.wire.of("poor")).iter().all(|gap| *gap > 100.0));
    assert!(world.wire.of("rich").len() > 50);
    let notes = world.heard_of("poor").remove(0).1.join(" ");
    assert!(notes.contains("asked every 1") && notes.contains("not 60"), "{notes}");
}

#[test]
fn a_wait_longer_than_an_hour_is_cut_to_an_hour() {
    let mut world = world(3, vec![subject("a", "", 15)], |_, _| {
        let wait = Some(SignedDuration::from_hours(1000));
        (SECOND, Err(Trouble::new(Status::RateLimited, "slow down").wait(wait)))
    });
    world.pass(SECOND * 3700, async {});
    assert_eq!(world.wire.of("a").len(), 2);
}

#[test]
fn a_source_has_one_poll_in_the_air_however_slow_it_is_and_whoever_presses() {
    let mut world = world(4, vec![subject("a", "", 2)], |_, _| (SECOND * 9, Ok(())));
    let orders = world.orders.clone();
    world.pass(SECOND * 120, async {
        for _ in 0..110 {
            tokio::time::sleep(SECOND).await;
            orders.send(Order::Poll(Which::Sources(vec![Name::new("a")]))).unwrap();
        }
    });
    assert_eq!(world.wire.peak.get(), 1);
    assert!(world.wire.of("a").len() >= 10);
}

#[test]
fn a_refresh_asks_at_once_and_only_whom_it_names() {
    let mut world = world(5, vec![subject("a", "", 600), subject("b", "", 600)], well);
    let orders = world.orders.clone();
    world.pass(SECOND * 100, async {
        tokio::time::sleep(SECOND * 50).await;
        orders.send(Order::Poll(Which::Sources(vec![Name::new("b")]))).unwrap();
    });
    assert!(!world.wire.of("a").contains(&(SECOND * 50)));
    assert!(world.wire.of("b").contains(&(SECOND * 50)));
}

/// Times a timer woke the watch in five minutes, after as many for finding into step.
fn wakes(
    subjects: Vec<Subject>,
    script: impl Fn(&str, usize) -> (Duration, Result<(), Trouble>) + 'static,
) -> u64 {
    let mut world = world(6, subjects, script);
    world.pass(SECOND * 300, async {});
    let before = world.beat.wakes;
    world.again();
    world.pass(SECOND * 300, async {});
    world.beat.wakes - before
}

fn many(count: usize, every: impl Fn(usize) -> u64) -> Vec<Subject> {
    (0..count).map(|i| subject(&format!("s{i}"), "", every(i))).collect()
}

#[test]
fn a_thousand_sources_wake_the_machine_exactly_as_often_as_ten() {
    let (ten, thousand) = (wakes(many(10, |_| 15), well), wakes(many(1000, |_| 15), well));
    assert_eq!(ten, thousand);
    // One for asking and one look at the clocks in fifteen seconds.
    assert!((35..=45).contains(&thousand), "{thousand} in five minutes");
}

#[test]
fn sources_with_other_intervals_wake_with_the_rest() {
    let alike = wakes(many(10, |_| 15), well);
    let nested = wakes(many(1000, |i| [15, 30, 60, 300][i % 4]), well);
    assert!(nested <= alike + 2, "{nested} against {alike}");
    let all_sorts = wakes(many(1000, |i| 10 + (i as u64 % 51)), well);
    assert!(all_sorts <= 120, "{all_sorts} in five minutes");
}

#[test]
fn many_that_fail_wake_the_machine_seldom_too() {
    let dead =
        |_: &str, _| (Duration::from_millis(1), Err(Trouble::new(Status::Unreachable, "refused")));
    let (ten, thousand) = (wakes(many(10, |_| 15), dead), wakes(many(1000, |_| 15), dead));
    assert!(ten <= 75 && thousand <= 150, "{ten} and {thousand} in five minutes");
}

#[test]
fn after_an_outage_all_are_soon_in_step_again() {
    let mut world = world(3, many(200, |_| 15), |_, nth| {
        let down = Err(Trouble::new(Status::Unreachable, "refused"));
        (Duration::from_millis(1), if (1..5).contains(&nth) { down } else { Ok(()) })
    });
    world.pass(SECOND * 1200, async {});
    let arrivals = world.wire.arrivals.borrow();
    let moments: std::collections::BTreeSet<_> =
        arrivals.values().flatten().filter(|at| **at > SECOND * 1140).collect();
    assert!(moments.len() <= 5, "{moments:?}");
    assert!(arrivals.values().all(|mine| mine.len() > 20));
}

#[test]
fn answers_of_one_tick_are_told_together_and_nobody_is_told_that_they_were_asked_for() {
    let mut world = world(4, many(100, |_| 15), |name, _| {
        let n: u64 = name[1..].parse().unwrap();
        (Duration::from_millis(n * 2), Ok(()))
    });
    world.pass(SECOND * 120, async {});
    let mut told = world.told.borrow().clone();
    told.retain(|at| *at > SECOND * 20);
    let polls = told.len();
    told.dedup();
    assert!(polls >= 600 && told.len() <= 8, "{polls} answers told at {told:?}");
    assert_eq!(world.asking.get(), 0);
}

#[test]
fn a_source_that_is_away_at_the_start_still_answered_when_it_is_remembered_to_have() {
    let then = Timestamp::from_second(1_699_999_950).unwrap();
    let known = Freshness {
        status: Status::Ok,
        last_ok: Some(then),
        facts: 12,
        about: "Prometheus 3".into(),
        ..Freshness::default()
    };
    let mut away = subject("a", "", 60);
    away.known = Some(known);
    let mut world = world(1, vec![away], |_, nth| match nth {
        0 => (Duration::ZERO, Err(Trouble::new(Status::Unreachable, "refused"))),
        _ => well("", nth),
    });
    world.pass(SECOND * 200, async {});
    let heard = world.heard.borrow();
    let first = &heard[0].freshness;
    assert_eq!((first.status, first.last_ok, first.facts), (Status::Unreachable, Some(then), 12));
    assert_eq!(first.about, Clean::from("Prometheus 3"));
    assert!(first.failing_since > Some(then), "it began to fail when it was asked, not before");
    assert!(heard[1].freshness.last_ok > Some(then) && heard[1].freshness.failing_since.is_none());
}

#[test]
fn with_nothing_to_poll_nothing_wakes() {
    let mut world = world(7, Vec::new(), well);
    world.pass(SECOND * 600, async {});
    assert_eq!(world.beat.wakes, 0);
}

#[test]
fn a_panic_stays_with_its_source() {
    let subjects = vec![
        subject("asks", "panics when asked", 15),
        subject("reads", "panics when reading", 15),
        subject("endless", "never ends", 15),
        subject("breaks on the way", "", 15),
        subject("good", "", 15),
    ];
    let mut world = world(8, subjects, well);
    world.pass(SECOND * 100, async {});
    for (name, status) in [
        ("asks", Status::InternalError),
        ("reads", Status::InternalError),
        ("breaks on the way", Status::InternalError),
        ("endless", Status::TooLarge),
    ] {
        let heard = world.heard_of(name);
        assert!(!heard.is_empty() && heard.iter().all(|(s, _)| *s == status), "{name} {heard:?}");
    }
    let good = world.heard_of("good");
    assert!(good.len() >= 6 && good.iter().all(|(s, _)| *s == Status::Ok), "{good:?}");
    // One question and ten more rounds, then it is stopped.
    assert_eq!(world.wire.of("endless").len() % 11, 0);
}

#[test]
fn stopping_in_the_middle_of_a_poll_returns_at_once() {
    let mut world = world(9, vec![subject("a", "", 15)], |_, _| (SECOND * 8, Ok(())));
    let orders = world.orders.clone();
    let taken = world.taken.take().unwrap();
    let took = world.runtime.block_on(async {
        let stop = async {
            tokio::time::sleep(SECOND * 5).await;
            orders.send(Order::Stop).unwrap();
        };
        tokio::join!(world.beat.run(taken), stop);
        world.wire.start.elapsed()
    });
    assert_eq!(took, SECOND * 5);
    assert_eq!((world.wire.of("a").len(), world.heard.borrow().len()), (1, 0));
}

#[test]
fn after_a_sleep_everybody_is_asked_anew_within_ten_seconds() {
    for ahead in [3600, -3600] {
        let subjects = vec![subject("a", "", 600), subject("slow", "", 600)];
        let mut world = world(10, subjects, |name, nth| {
            let takes = if name == "slow" && nth == 0 { SECOND * 99 / 10 } else { SECOND / 10 };
            (takes, Ok(()))
        });
        let jump = world.jump.clone();
        world.pass(SECOND * 30, async {
            tokio::time::sleep(Duration::from_millis(4100)).await;
            jump.set(ahead);
        });
        assert_eq!(world.wire.renewed.get(), 1);
        for name in ["a", "slow"] {
            let arrivals = world.wire.of(name);
            assert_eq!(arrivals.len(), 2, "{name} {arrivals:?}");
            assert!(arrivals[1] <= SECOND * 14, "{name} {arrivals:?}");
            // The poll that was in the air over the sleep tells nothing any more.
            let expected = if name == "slow" { 1 } else { 2 };
            assert_eq!(world.heard_of(name).len(), expected, "{name}");
        }
    }
}

#[test]
fn no_answer_is_of_the_future_after_the_clock_was_set_back() {
    let mut world = world(14, vec![subject("a", "", 15)], |_, nth| {
        let dead = Err(Trouble::new(Status::Unreachable, "refused"));
        (Duration::from_millis(800), if nth == 0 { Ok(()) } else { dead })
    });
    let jump = world.jump.clone();
    world.pass(SECOND * 20, async {
        tokio::time::sleep(SECOND * 10).await;
        jump.set(-3600);
    });
    let set_back = Timestamp::from_second(1_700_000_010 - 3600).unwrap();
    let heard = world.heard.borrow();
    let dead = heard.last().unwrap();
    assert_eq!(dead.freshness.status, Status::Unreachable);
    let last_ok = dead.freshness.last_ok.unwrap();
    assert!(last_ok <= set_back + SECOND * 12, "{last_ok} would be fresh for an hour");
}

#[test]
fn a_poll_that_began_before_the_clock_was_set_back_is_asked_again() {
    for seed in 0..5 {
        let mut world =
            world(seed, vec![subject("a", "", 15)], |_, _| (Duration::from_millis(900), Ok(())));
        let jump = world.jump.clone();
        let wire = world.wire.clone();
        world.pass(SECOND * 12, async move {
            while wire.of("a").is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            jump.set(-3600);
        });
        let heard = world.heard.borrow();
        let real = Timestamp::from_second(1_700_000_012 - 3600).unwrap();
        assert!(!heard.is_empty() && heard.iter().all(|h| h.at <= real), "seed {seed}");
    }
}

#[test]
fn a_wait_runs_on_while_the_machine_sleeps() {
    let mut world = world(11, vec![subject("a", "", 15)], |_, nth| {
        let wait = Some(SignedDuration::from_secs(1800));
        let limited = Trouble::new(Status::RateLimited, "slow down").wait(wait);
        (SECOND / 10, if nth == 0 { Err(limited) } else { Ok(()) })
    });
    let jump = world.jump.clone();
    world.pass(SECOND * 60, async {
        tokio::time::sleep(SECOND * 10).await;
        jump.set(600);
    });
    assert_eq!(world.wire.of("a").len(), 1, "twenty minutes are left");
    world.again();
    world.jump.set(3600);
    world.pass(SECOND * 30, async {});
    assert!(world.wire.of("a").len() >= 2);
}

#[test]
fn memory_is_handed_back_and_an_empty_answer_is_noted_until_facts_return() {
    let mut world = world(12, vec![subject("a", "empty later", 15)], well);
    world.pass(SECOND * 60, async {});
    let heard = world.heard_of("a");
    assert_eq!(heard[0].1, ["seen 0"]);
    assert_eq!(heard[1].1[0], "seen 1");
    for (status, notes) in &heard[1..] {
        assert_eq!(*status, Status::Ok);
        assert_eq!(notes[1], "the answer was empty; the one before told 1 facts");
    }
}

#[test]
fn only_a_good_answer_is_fresh_and_recovery_is_seen() {
    let mut world = world(13, vec![subject("a", "", 15)], |_, nth| {
        let bad = Err(Trouble::bad_data("not JSON").hint("look at it"));
        (SECOND / 10, if nth == 1 { bad } else { Ok(()) })
    });
    world.pass(SECOND * 120, async {});
    let heard = world.heard.borrow();
    let fresh: Vec<_> = heard.iter().map(|h| &h.freshness).collect();
    assert_eq!(fresh[1].status, Status::BadData);
    assert_eq!(fresh[1].last_ok, fresh[0].last_ok);
    assert_eq!((fresh[1].failing_since, fresh[1].failures), (Some(heard[1].at), 1));
    assert_eq!(fresh[1].message.as_str(), "not JSON");
    assert_eq!(fresh[2].status, Status::Ok);
    assert_eq!((fresh[2].failing_since, fresh[2].failures), (None, 0));
    assert_eq!((fresh[2].last_ok, fresh[2].message.as_str()), (Some(heard[2].at), ""));
    assert!(fresh.iter().all(|f| f.next_poll > f.last_try && f.latency.is_some()));
}

/// A document with an action that links to an issue, told by the second poll.
#[derive(Debug)]
struct Shelf;

impl Source for Shelf {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        Vec::new()
    }

    fn read(&self, asking: &Asking<'_>, _heard: &[Exchange]) -> Result<Reading, Trouble> {
        use crate::model::{Action, ActionState, Fact, Key, Link, PostMortem, ReadFrom};
        let mut report = Report { complete: vec![Feed::PostMortems], ..Report::default() };
        if asking.round > 0 {
            let key = Key::new(&Name::new("shelf"), "p");
            let action = Action {
                text: "x".into(),
                owner: None,
                due: None,
                state: ActionState::Open,
                link: Link::parse("https://tracker.example/a/b/issues/7"),
                reference: None,
                group: None,
                place: ReadFrom::List,
                line: 0,
            };
            let paper = PostMortem::new(key, "p".into(), "p".into(), "".into());
            let paper = PostMortem { actions: vec![action], ..paper };
            report.facts.push(Fact::PostMortem(Box::new(paper)));
        }
        Ok(Reading::Done(report))
    }
}

/// Says in a note which issues it was asked about; asked about them, it has its own words.
#[derive(Debug)]
struct Tracker(Option<&'static str>, Vec<Box<str>>);

impl Source for Tracker {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        Vec::new()
    }

    fn read(&self, _asking: &Asking<'_>, _heard: &[Exchange]) -> Result<Reading, Trouble> {
        if self.0 == Some("fails") && !self.1.is_empty() {
            return Err(Trouble::new(Status::ServerError, "answered 500"));
        }
        let notes = self.1.iter().map(Clean::line).collect();
        Ok(Reading::Done(Report { notes, ..Report::default() }))
    }

    fn tracking(&self, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
        (!wanted.is_empty()).then(|| -> Box<dyn Source> { Box::new(Self(self.0, wanted.to_vec())) })
    }
}

fn seat(name: &str, source: impl Source + 'static, every: u64) -> Subject {
    Subject { source: Arc::new(source), ..subject(name, "", every) }
}

#[test]
fn a_tracker_is_asked_about_what_documents_link_to_once_somebody_read_them() {
    let subjects = vec![
        seat("shelf", Shelf, 15),
        seat("tracker", Tracker(None, Vec::new()), 60),
        seat("broken", Tracker(Some("fails"), Vec::new()), 60),
    ];
    let mut world = world(1, subjects, well);
    world.pass(SECOND * 150, async {});
    let heard = world.heard_of("tracker");
    assert_eq!(heard.first().unwrap().1, Vec::<String>::new());
    assert_eq!(heard.last().unwrap().1, ["tracker.example/a/b#7"]);
    let (status, notes) = world.heard_of("broken").pop().unwrap();
    assert_eq!(status, Status::Ok, "what it tells besides is as good as before");
    assert_eq!(notes, ["linked issues: answered 500"]);
}

#[test]
fn what_is_remembered_is_asked_about_at_once() {
    use crate::model::{Fact, Linked};
    let past = BTreeMap::new();
    let asking = Asking { now: Timestamp::UNIX_EPOCH, last_ok: None, round: 1, memory: &past };
    let Ok(Reading::Done(told)) = Shelf.read(&asking, &[]) else { panic!("not done") };
    let papers = told.facts.iter().filter_map(|fact| match fact {
        Fact::PostMortem(p) => Some(&**p),
        _ => None,
    });
    let shelf =
        Subject { linked: Linked::of(papers), ..seat("shelf", Tracker(None, Vec::new()), 60) };
    let mut world = world(1, vec![shelf, seat("tracker", Tracker(None, Vec::new()), 60)], well);
    world.pass(SECOND, async {});
    assert_eq!(world.heard_of("tracker").first().unwrap().1, ["tracker.example/a/b#7"]);
}
