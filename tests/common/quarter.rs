//! Days of a team as memory holds them: numbers as dense as their age leaves them, deploys and pipeline runs of every day.

#![allow(dead_code, clippy::expect_used)]

use andon::model::{
    Clean, Deploy, Fact, Freshness, Health, Key, Measure, Name, Outcome, Report, Run, Service,
    Status, Team, Turned,
};
use andon::store::{Bounds, Store, Told};
use jiff::{SignedDuration, Timestamp};

#[path = "estate.rs"]
pub mod estate;
use estate::sample;

pub fn freshness(at: Timestamp, every: i64) -> Freshness {
    Freshness {
        every: SignedDuration::from_secs(every),
        status: Status::Ok,
        last_ok: Some(at),
        last_try: Some(at),
        ..Freshness::default()
    }
}

fn told(source: &str, at: Timestamp, report: Report) -> Told {
    Told { source: Name::new(source), at, report: Some(report), freshness: freshness(at, 15) }
}

/// Readings that wander, as real ones do.
pub fn readings(team: &Team, at: Timestamp) -> Told {
    let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
    let t = at.as_second() as f64;
    let value = |n: usize| {
        Measure::Number(1.0 + (t / 700.0 + n as f64).sin() * 0.4 + (t * 7.1).cos() * 0.01)
    };
    told("prom", at, sample(ids.enumerate().map(|(n, id)| (id, value(n))), at))
}

/// Forty deploys and two hundred pipeline runs a day.
fn work(day: i64, at: Timestamp) -> Told {
    let source = Name::new("github");
    let sha = |n: i64| Clean::line(format!("{:040x}", n * 7_919));
    let deploys = (0..40).map(|n| {
        let n = day * 40 + n;
        Fact::Deploy(Deploy {
            key: Key::new(&source, format!("deploy/{n}")),
            repo: Clean::line(format!("acme/service-{:05}", n % 50)),
            app: Clean::default(),
            environment: Clean::from("production"),
            version: Clean::line(format!("v{n}")),
            sha: sha(n),
            started: Some(at),
            finished: Some(at),
            outcome: Outcome::Succeeded,
            who: Clean::line(format!("person-{}", n % 17)),
            description: Clean::line(format!("change number {n} of the service")),
            committed: Some(at),
            url: None,
        })
    });
    let runs = (0..200).map(|n| {
        let n = day * 200 + n;
        Fact::Run(Run {
            key: Key::new(&source, format!("run/{n}")),
            repo: Clean::line(format!("acme/service-{:05}", n % 50)),
            workflow: Clean::from("build and test"),
            title: Clean::line(format!("a title for the change {n}, of the usual length")),
            branch: Clean::line(format!("topic/{n}")),
            sha: sha(n),
            event: Clean::from("push"),
            outcome: if n % 9 == 0 { Outcome::Failed } else { Outcome::Succeeded },
            started: Some(at),
            updated: Some(at),
            who: Clean::line(format!("person-{}", n % 17)),
            url: None,
        })
    });
    told("github", at, Report { facts: deploys.chain(runs).collect(), ..Report::default() })
}

/// Once a day each service was degraded for ten minutes, one after the other.
fn turns(team: &Team, at: Timestamp) -> Vec<Turned> {
    let services = team.services.iter().enumerate();
    let turned = |(n, service): (usize, &Service)| {
        let began = at + SignedDuration::from_secs(i64::try_from(n % 80_000).expect("small"));
        let turn = |at, health: Health| Turned {
            at,
            seen: true,
            service: service.name.clone(),
            health: Clean::from(health.word()),
            reason: Clean::from("errors 3 % (good < 2 %)"),
        };
        let ended = began + SignedDuration::from_mins(10);
        [turn(began, Health::Degraded), turn(ended, Health::Ok)]
    };
    services.flat_map(turned).collect()
}

/// Fills a memory with so many days of a team, up to a moment.
pub fn fill(store: &mut Store, team: &Team, days: i64, end: Timestamp) {
    let bounds = Bounds { retention: SignedDuration::from_hours(24 * (days + 1)), most: u64::MAX };
    let mut at = end - SignedDuration::from_hours(24 * days);
    let mut batch = Vec::new();
    let mut day = -1;
    while at < end {
        let left = end.duration_since(at);
        // As dense as memory keeps it at that age, so that a quarter is made in seconds.
        let step = match left.as_hours() {
            73.. => 900,
            3.. => 60,
            _ => 15,
        };
        let mut poll = readings(team, at);
        // They were asked more often: their polls went on without a break.
        poll.freshness.every = SignedDuration::from_secs(step);
        batch.push(poll);
        let today = days - left.as_hours() / 24;
        if today != day {
            day = today;
            batch.push(work(day, at));
            store.remember(&batch).expect("remembered");
            batch.clear();
            for turn in turns(team, at) {
                store.remember_states(&[turn]).expect("remembered");
            }
            store.tidy(at, bounds).expect("tidied");
        }
        at += SignedDuration::from_secs(step);
    }
    store.remember(&batch).expect("remembered");
    store.tidy(end, bounds).expect("tidied");
}
