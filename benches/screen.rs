//! What a frame costs, from the board to the bytes: an unchanged board, a key, a scroll, a whole screen, at 10 to 10,000 services.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::sync::Arc;

use andon::cockpit::{Cockpit, Heard, Key, Message, Setup};
use andon::model::{
    Clean, Fact, Freshness, Matching, Measure, Metric, MetricId, Name, Report, Role, Service, Team,
    Unit, Weight,
};
use andon::page::{Size, Skin};
use andon::view::encode::Encoder;
use andon::view::{Depth, Theme, paint};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZES: [Size; 2] = [Size { width: 80, height: 24 }, Size { width: 200, height: 60 }];

fn moment() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a moment")
}

fn metric(service: &Name, name: &str, role: Role, unit: Unit) -> Metric {
    Metric {
        id: MetricId { service: Some(service.clone()), metric: Name::new(name) },
        source: Name::new("prom"),
        query: "".into(),
        unit,
        role,
        good: None,
        bad: None,
        weight: Weight::Important,
    }
}

fn service(n: usize) -> Service {
    let name = Name::new(&format!("service-{n:05}"));
    let metrics = vec![
        metric(&name, "latency", Role::Latency, Unit::Seconds),
        metric(&name, "errors", Role::Errors, Unit::Ratio),
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
    }
}

/// One good poll that tells every number, with 60 points of history each.
fn heard(team: &Team, at: Timestamp, shift: f64) -> Message {
    let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
    let facts = ids.enumerate().flat_map(|(n, id)| {
        let value = |k: i32| Measure::Number((n as f64).sin().abs() + f64::from(k) / 60.0 + shift);
        let points = (0..60)
            .map(|k| (at - SignedDuration::from_mins(i64::from(60 - k)), value(k)))
            .collect();
        [
            Fact::History { id: id.clone(), points },
            Fact::Sample { id, at, measure: value(60), note: None },
        ]
    });
    Message::Heard(Box::new(Heard {
        source: Name::new("prom"),
        at,
        outcome: Ok(Report { facts: facts.collect(), ..Report::default() }),
        freshness: Freshness {
            kind: "prometheus",
            every: SignedDuration::from_secs(15),
            last_ok: Some(at),
            last_try: Some(at),
            ..Freshness::default()
        },
    }))
}

fn cockpit(services: usize, size: Size) -> Cockpit {
    let team = Arc::new(Team {
        name: Clean::from("team"),
        zone: TimeZone::UTC,
        environments: vec![Clean::from("production")],
        services: (0..services).map(service).collect(),
        metrics: Vec::new(),
        freezes: Vec::new(),
        week_starts_sunday: false,
    });
    let mut cockpit = Cockpit::new(Setup::new(team.clone(), size, moment()));
    cockpit.update(moment(), heard(&team, moment(), 0.0));
    cockpit.settle(moment());
    cockpit
}

/// The way of every frame, as the loop goes it.
struct Sight {
    cockpit: Cockpit,
    theme: Theme,
    buffer: Buffer,
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl Sight {
    fn new(services: usize, size: Size) -> Self {
        let mut sight = Self {
            cockpit: cockpit(services, size),
            theme: Theme::new(Skin::Terminal, Depth::True, false),
            buffer: Buffer::empty(Rect::new(0, 0, size.width, size.height)),
            encoder: Encoder::new(Depth::True),
            bytes: Vec::new(),
        };
        sight.frame();
        sight
    }

    fn press(&mut self, key: &str) {
        let key = Key::parse(key).expect("a key");
        black_box(self.cockpit.update(moment(), Message::Key(key)));
    }

    /// Bytes of the frame.
    fn frame(&mut self) -> usize {
        self.cockpit.settle(moment());
        paint(&self.cockpit.screen(moment()), &self.theme, &mut self.buffer);
        self.bytes.clear();
        self.encoder.frame(&self.buffer, &mut self.bytes);
        self.cockpit.drawn();
        self.bytes.len()
    }
}

fn frames(c: &mut Criterion) {
    for size in SIZES {
        let mut group = c.benchmark_group(format!("frame {}x{}", size.width, size.height));
        for services in [10, 1_000, 10_000] {
            let mut sight = Sight::new(services, size);
            group.bench_function(BenchmarkId::new("nothing changed", services), |b| {
                b.iter(|| sight.frame());
            });
            group.bench_function(BenchmarkId::new("j and k", services), |b| {
                b.iter(|| {
                    sight.press("j");
                    sight.frame();
                    sight.press("k");
                    sight.frame()
                });
            });
            group.bench_function(BenchmarkId::new("top and bottom", services), |b| {
                b.iter(|| {
                    sight.press("G");
                    sight.frame();
                    sight.press("g");
                    sight.frame()
                });
            });
            group.bench_function(BenchmarkId::new("whole screen", services), |b| {
                b.iter(|| {
                    sight.encoder.forget();
                    sight.frame()
                });
            });
        }
    }
}

/// The encoder alone, between two screens it is shown in turn.
fn encode(c: &mut Criterion) {
    for size in SIZES {
        let mut group = c.benchmark_group(format!("encode {}x{}", size.width, size.height));
        let mut sight = Sight::new(1_000, size);
        let first = sight.buffer.clone();
        sight.press("G");
        sight.frame();
        sight.press("k");
        sight.frame();
        let last = sight.buffer.clone();
        let mut number = first.clone();
        number.set_string(30, size.height / 2, "1", ratatui::style::Style::new());
        for (name, other) in
            [("unchanged", &first), ("one number", &number), ("another page", &last)]
        {
            let mut encoder = Encoder::new(Depth::True);
            let mut bytes = Vec::new();
            encoder.frame(&first, &mut bytes);
            group.bench_function(name, |b| {
                b.iter(|| {
                    bytes.clear();
                    encoder.frame(other, &mut bytes);
                    encoder.frame(&first, &mut bytes);
                    bytes.len()
                });
            });
        }
    }
}

criterion_group!(benches, frames, encode);
criterion_main!(benches);
