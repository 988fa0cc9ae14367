//! What news costs: folding ten thousand facts, deriving the survey of an estate, and a poll up to the next frame.

#![allow(clippy::expect_used)]

#[path = "../tests/common/estate.rs"]
mod estate;

use andon::insight::survey;
use andon::model::{Board, Measure, Name};
use andon::page::{Size, Skin};
use andon::view::{Depth, Theme, paint};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use estate::{cockpit, heard, moment, report, sample, team};
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Facts on an empty board, and on one that knows them all.
fn fold(c: &mut Criterion) {
    let mut group = c.benchmark_group("fold 10,000 facts");
    let team = team(2_000);
    let source = Name::new("prom");
    let ids: Vec<_> =
        team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone())).collect();
    let facts = |at| {
        let told = ids.iter().take(10_000);
        sample(told.map(|id| (id.clone(), Measure::Number(0.5))), at)
    };
    let later = moment() + SignedDuration::from_secs(15);
    group.bench_function("new", |b| {
        b.iter_batched(
            || (Board::default(), facts(moment())),
            |(mut board, report)| {
                board.fold(&source, moment(), report);
                board
            },
            BatchSize::LargeInput,
        );
    });
    let mut known = Board::default();
    known.fold(&source, moment(), facts(moment()));
    group.bench_function("known", |b| {
        b.iter_batched(
            || (known.clone(), facts(later)),
            |(mut board, report)| {
                board.fold(&source, later, report);
                board
            },
            BatchSize::LargeInput,
        );
    });
}

fn derive(c: &mut Criterion) {
    let mut group = c.benchmark_group("survey");
    for services in [10, 1_000] {
        let team = team(services);
        let mut board = Board::default();
        board.fold(&Name::new("prom"), moment(), report(&team, moment(), 700));
        group.bench_function(BenchmarkId::new("of an estate", services), |b| {
            b.iter(|| survey(&board, &team, moment()));
        });
    }
}

/// From one number that was told to a cockpit that is ready to draw.
fn hear(c: &mut Criterion) {
    let mut group = c.benchmark_group("one number told");
    for services in [10, 1_000] {
        let team = team(services);
        let size = Size { width: 200, height: 60 };
        let mut cockpit = cockpit(team.clone(), size, report(&team, moment(), 60));
        let id =
            team.services.first().and_then(|s| s.metrics.first()).expect("a metric").id.clone();
        group.bench_function(BenchmarkId::new("of an estate", services), |b| {
            b.iter(|| {
                let told = sample([(id.clone(), Measure::Number(0.5))], moment());
                cockpit.update(moment(), heard(moment(), told));
                cockpit.settle(moment());
            });
        });
    }
}

/// A whole poll of an estate with full histories: five numbers of every service, up to the screen that shows them.
fn poll(c: &mut Criterion) {
    let mut group = c.benchmark_group("every number told, up to the screen");
    for services in [10, 1_000] {
        let team = team(services);
        let size = Size { width: 200, height: 60 };
        let mut cockpit = cockpit(team.clone(), size, report(&team, moment(), 700));
        let mut at = moment();
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        let theme = Theme::new(Skin::Terminal, Depth::True, false);
        group.bench_function(BenchmarkId::new("of an estate", services), |b| {
            b.iter_batched(
                || {
                    at += SignedDuration::from_secs(15);
                    let ids = team.services.iter().flat_map(|s| s.metrics.iter());
                    let told = ids.map(|m| (m.id.clone(), Measure::Number(0.5)));
                    (at, heard(at, sample(told, at)))
                },
                |(at, message)| {
                    cockpit.update(at, message);
                    cockpit.settle(at);
                    paint(&cockpit.screen(at), &theme, &mut buffer);
                },
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, fold, derive, hear, poll);
criterion_main!(benches);
