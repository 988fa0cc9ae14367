//! What learning costs with five thousand post-mortems: a word looked for in all texts, a filter typed, what is like an incident.

#![allow(clippy::expect_used)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use andon::cockpit::{Cockpit, Key, Message, Setup};
use andon::config::load_text;
use andon::insight::follow_up::Today;
use andon::insight::standing::Issues;
use andon::insight::{Trouble, alike, search};
use andon::model::{
    Board, Clean, Fact, Feed, Key as Identity, Name, PostMortem, Report, Review, Team,
};
use andon::page::Size;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;

const PAPERS: usize = 5_000;
/// Lines of a document: six kilobytes, as real ones have.
const LINES: usize = 100;
const WORDS: [&str; 16] = [
    "replica",
    "latency",
    "deploy",
    "rollback",
    "cache",
    "queue",
    "certificate",
    "failover",
    "index",
    "timeout",
    "traffic",
    "node",
    "volume",
    "database",
    "customer",
    "alert",
];

fn now() -> Timestamp {
    "2026-11-22T13:35:00Z".parse().expect("a moment")
}

fn paper(n: usize) -> PostMortem {
    let mut text = format!("# Incident {n}\n\n");
    for line in 0..LINES {
        for step in 0..8 {
            let at = (n * 7 + line * 13 + step * (n % 5 + 1)) % WORDS.len();
            let _ = write!(text, "{} ", WORDS.get(at).unwrap_or(&"word"));
        }
        text.push('\n');
    }
    if n.is_multiple_of(100) {
        text.push_str("the latch was stuck\n");
    }
    let key = Identity::new(&Name::new("reviews"), format!("{n}.md"));
    let path = Clean::line(format_args!("{n}.md"));
    let title = Clean::line(format_args!("Incident {n}"));
    let p = PostMortem::new(key, path, title, Clean::body(&text, 1 << 20));
    // Where it is read, nobody waits for a key.
    let _ = p.folded();
    p
}

fn team() -> Team {
    let text = "[team]\ntimezone = \"UTC\"\n[[service]]\nname = \"checkout\"\n";
    load_text(text, Path::new("/"), &[]).expect("a configuration").team
}

fn board() -> Board {
    let facts = (0..PAPERS).map(|n| Fact::PostMortem(Box::new(paper(n)))).collect();
    let mut board = Board::default();
    let report = Report { facts, complete: vec![Feed::PostMortems], ..Report::default() };
    board.fold(&Name::new("reviews"), now(), report);
    board
}

fn learn(c: &mut Criterion) {
    let board = board();
    let team = team();
    let mut group = c.benchmark_group("5,000 post-mortems");
    group.sample_size(20);
    for word in ["latch", "replica", "absent"] {
        group.bench_function(format!("search for {word}"), |b| {
            b.iter(|| search(board.post_mortems.present().map(|r| &r.what), black_box(word)));
        });
    }
    group.bench_function("like an incident", |b| {
        let trouble = Trouble {
            services: vec![Name::new("checkout")],
            alerts: vec!["HighErrorRatio".into()],
            words: "the latch of the database was stuck".to_owned(),
        };
        let (issues, review) = (Issues::of(&board), Review::default());
        let day = jiff::civil::date(2026, 11, 22);
        let today = Today { board: &board, issues: &issues, review: &review, day };
        b.iter(|| alike(today, &team, black_box(&trouble), 5));
    });
    group.bench_function("a letter typed behind /", |b| {
        let size = Size { width: 120, height: 40 };
        let setup =
            Setup { board: board.clone(), ..Setup::new(Arc::new(team.clone()), size, now()) };
        let mut cockpit = Cockpit::new(setup);
        let mut press = |key: &str| {
            let key = Key::parse(key).expect("a key");
            cockpit.update(now(), Message::Key(key));
            cockpit.settle(now());
        };
        for key in ["4", "/", "l", "a", "t", "c"] {
            press(key);
        }
        b.iter(|| {
            press("h");
            press("backspace");
        });
    });
    group.finish();
}

criterion_group!(benches, learn);
criterion_main!(benches);
