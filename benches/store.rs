//! What memory costs: ninety days of a team of fifty services on disk and read back, and one poll written.

#![allow(clippy::expect_used, clippy::print_stderr, clippy::indexing_slicing)]

#[path = "../tests/common/quarter.rs"]
mod quarter;

use andon::model::{Board, Name};
use andon::store::{Place, Store};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::SignedDuration;
use quarter::estate::{moment, team};
use quarter::{fill, freshness, readings};

const DAYS: i64 = 90;
/// What ninety days may take.
const MOST: u64 = 50 * 1024 * 1024;

fn memory(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::at(folder.path().join("memory.db"));
    let team = team(50);
    let mut store = Store::open(&place, moment()).0;
    let end = moment();
    fill(&mut store, &team, DAYS, end);
    let stats = store.stats().expect("stats");
    let megabytes = stats.bytes as f64 / 1_048_576.0;
    eprintln!("90 days of 50 services: {megabytes:.1} MB, {} versions of records", stats.versions);
    assert!(stats.bytes <= MOST, "{megabytes:.1} MB");
    let mut awaited = Board::default();
    for name in ["prom", "github"] {
        awaited.sources.insert(Name::new(name), freshness(end, 15));
    }
    let mut group = c.benchmark_group("ninety days of fifty services");
    group.sample_size(20);
    group.bench_function("opened and folded", |b| {
        b.iter(|| {
            let mut store = Store::open(&place, end).0;
            store.board_now(&awaited, end).expect("a board")
        });
    });
    let then = end - SignedDuration::from_hours(24 * 7);
    group.bench_function("a week ago", |b| {
        b.iter(|| store.board_at(&awaited, then).expect("a board"));
    });
    let mut at = end;
    group.bench_function("one poll of 150 numbers written", |b| {
        b.iter(|| {
            at += SignedDuration::from_secs(15);
            store.remember(&[readings(&team, at)]).expect("remembered");
        });
    });
    group.finish();
}

criterion_group!(benches, memory);
criterion_main!(benches);
