//! What a frame costs, from the board to the bytes: an unchanged board, a key, a scroll, a whole screen, at 10 to 10,000 services.

#![allow(clippy::expect_used)]

#[path = "../tests/common/estate.rs"]
mod estate;

use std::hint::black_box;

use andon::cockpit::{Cockpit, Key, Message};
use andon::model::Measure;
use andon::page::{Size, Skin};
use andon::view::encode::Encoder;
use andon::view::{Depth, Theme, paint};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use estate::{cockpit, heard, moment, report, sample, team};
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZES: [Size; 2] = [Size { width: 80, height: 24 }, Size { width: 200, height: 60 }];

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
        Self::of(cockpit(team(services), size, report(&team(services), moment(), 60)), size)
    }

    fn of(cockpit: Cockpit, size: Size) -> Self {
        let mut sight = Self {
            cockpit,
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

/// A thousand services with five numbers each: a poll of all of them and the frame behind it, a key right after it, and
/// one of them opened, with its cursor on the way.
fn wide(c: &mut Criterion) {
    for size in SIZES {
        let mut group = c.benchmark_group(format!("1000 x 5 {}x{}", size.width, size.height));
        let team = team(1_000);
        let told = report(&team, moment(), 60);
        let mut sight = Sight::of(cockpit(team.clone(), size, told), size);
        let ids: Vec<_> =
            team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone())).collect();
        let mut second = 0;
        let mut poll = |sight: &mut Sight| {
            second += 1;
            let at = moment() + SignedDuration::from_secs(second % 3_000);
            let value = Measure::Number((second as f64).sin().abs());
            let told = sample(ids.iter().map(|id| (id.clone(), value.clone())), at);
            sight.cockpit.update(moment(), heard(at, told));
        };
        group.bench_function("a poll of all numbers, and its frame", |b| {
            b.iter(|| {
                poll(&mut sight);
                sight.frame()
            });
        });
        group.bench_function("a poll of all numbers, then a key, and their frame", |b| {
            b.iter(|| {
                poll(&mut sight);
                sight.press("j");
                sight.frame()
            });
        });
        sight.press("enter");
        group.bench_function("an opened page", |b| b.iter(|| sight.frame()));
        group.bench_function("its cursor a step back and forth", |b| {
            b.iter(|| {
                sight.press("h");
                sight.frame();
                sight.press("l");
                sight.frame()
            });
        });
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

criterion_group!(benches, frames, wide, encode);
criterion_main!(benches);
