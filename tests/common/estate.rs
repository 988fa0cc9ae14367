//! An estate of any size: services with five numbers each, and one poll that tells them all.

#![allow(dead_code, clippy::expect_used)]

use std::sync::Arc;

use andon::cockpit::{Cockpit, Heard, Message, Setup};
use andon::model::{
    Bound, Clean, Fact, Freshness, Matching, Measure, Metric, MetricId, Name, Report, Role,
    Service, Team, Unit, Weight,
};
use andon::page::Size;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub fn moment() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a moment")
}

pub fn metric(service: &Name, name: &str, role: Role, unit: Unit) -> Metric {
    Metric {
        id: MetricId { service: Some(service.clone()), metric: Name::new(name) },
        source: Name::new("prom"),
        query: "".into(),
        unit,
        role,
        good: Bound::parse("< 2"),
        bad: Bound::parse("> 4"),
        weight: Weight::Important,
    }
}

pub fn service(n: usize) -> Service {
    let name = Name::new(&format!("service-{n:05}"));
    let metrics = vec![
        metric(&name, "latency", Role::Latency, Unit::Seconds),
        metric(&name, "errors", Role::Errors, Unit::Ratio),
        metric(&name, "requests", Role::Traffic, Unit::PerSecond),
        metric(&name, "memory", Role::Saturation, Unit::Ratio),
        metric(&name, "orders", Role::Business, Unit::Count),
    ];
    Service {
        name,
        owner: Clean::from("payments"),
        depends_on: Vec::new(),
        repo: Clean::default(),
        runbook: None,
        chat: Clean::default(),
        matching: Matching::default(),
        metrics,
        slos: Vec::new(),
        members: Vec::new(),
        finds: true,
    }
}

/// What one good poll tells: every number, with a point of history for each of the minutes before.
pub fn report(team: &Team, at: Timestamp, minutes: i32) -> Report {
    let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
    let facts = ids.enumerate().flat_map(|(n, id)| {
        let value = |k: i32| Measure::Number((n as f64).sin().abs() + f64::from(k % 60) / 61.0);
        let points = (0..minutes)
            .map(|k| (at - SignedDuration::from_mins(i64::from(minutes - k)), value(k)))
            .collect();
        [
            Fact::History { id: id.clone(), points },
            Fact::Sample { id, at, measure: value(minutes), note: None },
        ]
    });
    Report { facts: facts.collect(), ..Report::default() }
}

/// The poll as the cockpit hears it.
pub fn heard(at: Timestamp, report: Report) -> Message {
    Message::Heard(Box::new(Heard {
        source: Name::new("prom"),
        at,
        outcome: Ok(report),
        freshness: Freshness {
            kind: "prometheus",
            every: SignedDuration::from_secs(15),
            last_ok: Some(at),
            last_try: Some(at),
            ..Freshness::default()
        },
    }))
}

pub fn team(services: usize) -> Arc<Team> {
    Arc::new(Team {
        name: Clean::from("team"),
        zone: TimeZone::UTC,
        environments: vec![Clean::from("production")],
        services: (0..services).map(service).collect(),
        metrics: Vec::new(),
        freezes: Vec::new(),
        freeze_sources: Vec::new(),
        change_sources: Vec::new(),
        plans: Vec::new(),
        week_starts_sunday: false,
        review: andon::model::Review::default(),
    })
}

/// A cockpit that has heard one poll.
pub fn cockpit(team: Arc<Team>, size: Size, report: Report) -> Cockpit {
    let mut cockpit = Cockpit::new(Setup::new(team, size, moment()));
    cockpit.update(moment(), heard(moment(), report));
    cockpit.settle(moment());
    cockpit
}

/// What a poll tells that has one reading for each number.
pub fn sample(readings: impl IntoIterator<Item = (MetricId, Measure)>, at: Timestamp) -> Report {
    let fact = |(id, measure)| Fact::Sample { id, at, measure, note: None };
    Report { facts: readings.into_iter().map(fact).collect(), ..Report::default() }
}
