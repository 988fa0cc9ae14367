//! What is remembered is what was known: boards come back as they were, now and at any moment, through every mishap.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use andon::model::{
    Alert, AlertState, Board, Clean, Deploy, Fact, Feed, Freshness, Health, Key, Labels, Measure,
    MetricId, Name, Outcome, Probe, ProbeResult, Record, Report, SourceName, Status, Weight,
};
use andon::store::{Place, Store, Told};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + s).unwrap()
}

fn alert(source: &SourceName, id: u8, words: u8) -> Alert {
    Alert {
        key: Key::new(source, id.to_string()),
        name: Clean::line(format!("alert {id}")),
        labels: Labels::new(),
        summary: Clean::line(format!("words {words}")),
        description: Clean::body("two\nlines", 100),
        state: AlertState::Firing,
        suppressed: Vec::new(),
        severity: None,
        started: Some(t(0)),
        receivers: Vec::new(),
        url: None,
        runbook: None,
    }
}

fn deploy(source: &SourceName, id: u8, words: u8) -> Deploy {
    Deploy {
        key: Key::new(source, id.to_string()),
        repo: Clean::from("acme/shop"),
        app: Clean::default(),
        environment: Clean::from("production"),
        version: Clean::line(format!("v{words}")),
        sha: Clean::default(),
        started: None,
        finished: Some(t(i64::from(words))),
        outcome: Outcome::Succeeded,
        who: Clean::from("ann"),
        description: Clean::default(),
        committed: None,
        url: None,
    }
}

/// A poll of one of three sources: of alerts that are listed whole, of deploys, of numbers; or one that failed.
#[derive(Debug, Clone)]
enum Poll {
    Alerts(Vec<(u8, u8)>),
    Deploys(Vec<(u8, u8)>),
    Numbers(Vec<(u8, u8)>),
    Failed(u8),
}

const SOURCES: [&str; 3] = ["am", "gh", "prom"];

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let some = || {
        let told = proptest::collection::btree_map(0_u8..5, 0_u8..3, 0..5);
        told.prop_map(|told| told.into_iter().collect())
    };
    let poll = prop_oneof![
        3 => some().prop_map(Poll::Alerts),
        2 => some().prop_map(Poll::Deploys),
        2 => some().prop_map(Poll::Numbers),
        1 => (0_u8..3).prop_map(Poll::Failed),
    ];
    proptest::collection::vec(poll, 0..30)
}

fn told(poll: &Poll, at: Timestamp, before: &mut BTreeMap<SourceName, Freshness>) -> Told {
    let name = match poll {
        Poll::Alerts(_) => SOURCES[0],
        Poll::Deploys(_) => SOURCES[1],
        Poll::Numbers(_) => SOURCES[2],
        Poll::Failed(i) => SOURCES[usize::from(*i)],
    };
    let source = SourceName::new(name);
    let report = match poll {
        Poll::Alerts(all) => Some(Report {
            facts: all.iter().map(|(id, w)| Fact::Alert(alert(&source, *id, *w))).collect(),
            complete: vec![Feed::Alerts],
            remember: vec![("cursor".into(), at.to_string().into())],
            ..Report::default()
        }),
        Poll::Deploys(all) => Some(Report {
            facts: all.iter().map(|(id, w)| Fact::Deploy(deploy(&source, *id, *w))).collect(),
            ..Report::default()
        }),
        Poll::Numbers(all) => Some(Report {
            facts: all
                .iter()
                .flat_map(|(id, value)| {
                    let service = Name::new(&format!("service {id}"));
                    let sample = Fact::Sample {
                        id: MetricId { service: Some(service.clone()), metric: Name::new("p95") },
                        at,
                        measure: Measure::of(f64::from(*value) / 3.0),
                        note: (*value == 1).then(|| Clean::from("cut")),
                    };
                    let probe = Fact::Probe(ProbeResult {
                        probe: Probe {
                            service,
                            target: Clean::from("http://127.0.0.1/"),
                            means: "http",
                        },
                        weight: Weight::Critical,
                        at,
                        health: Health::Ok,
                        words: Clean::line(format!("200 in {value} ms")),
                        latency: Some(SignedDuration::from_millis(i64::from(*value))),
                        expires: None,
                    });
                    [sample, probe]
                })
                .collect(),
            ..Report::default()
        }),
        Poll::Failed(_) => None,
    };
    let fresh = before.entry(source.clone()).or_default();
    fresh.every = SignedDuration::from_secs(15);
    fresh.last_try = Some(at);
    if report.is_some() {
        *fresh = Freshness { status: Status::Ok, last_ok: Some(at), ..fresh.clone() };
        fresh.failing_since = None;
    } else {
        fresh.status = Status::Timeout;
        fresh.failing_since.get_or_insert(at);
    }
    Told { source, at, report, freshness: fresh.clone() }
}

fn fold(board: &mut Board, told: &Told) {
    if let Some(report) = &told.report {
        board.fold(&told.source, told.at, report.clone());
    }
    board.sources.insert(told.source.clone(), told.freshness.clone());
}

fn awaited() -> Board {
    let mut board = Board::default();
    for name in SOURCES {
        let every = SignedDuration::from_secs(15);
        board.sources.insert(SourceName::new(name), Freshness { every, ..Freshness::default() });
    }
    board
}

fn records<T: Clone>(all: &andon::model::Records<T>) -> Vec<Record<T>> {
    all.all().cloned().collect()
}

/// The same things are known of everything that is recorded, and of the sources. Looked at from `then`, polls within a
/// stretch that went well are known by its ends only: between them, a source was last heard just before.
fn assert_same(was: &Board, is: &Board, then: Option<Timestamp>) {
    let about = |was: Option<Timestamp>, is: Option<Timestamp>| match then {
        Some(then) => was == is || (was <= is && is <= Some(then)),
        None => was == is,
    };
    let alerts = |board: &Board| {
        let all = records(&board.alerts).into_iter();
        all.map(|r| Record { last_seen: r.gone.map_or(r.first_seen, |_| r.last_seen), ..r })
            .collect::<Vec<_>>()
    };
    assert_eq!(alerts(was), alerts(is));
    for (was, is) in was.alerts.all().zip(is.alerts.all()) {
        assert!(about(Some(was.last_seen), Some(is.last_seen)), "{was:?} {is:?}");
    }
    // Whether a list that may be a part of the truth still had a record is not written down each time.
    let unseen = |board: &Board| {
        let all = records(&board.deploys).into_iter();
        all.map(|r| Record { last_seen: r.first_seen, ..r }).collect::<Vec<_>>()
    };
    assert_eq!(unseen(was), unseen(is));
    for (name, fresh) in &was.sources {
        let Some(found) = is.sources.get(name) else { panic!("{name} is forgotten") };
        assert_eq!(fresh.status, found.status, "{name}");
        assert_eq!(fresh.failing_since, found.failing_since, "{name}");
        assert!(about(fresh.last_ok, found.last_ok), "{name} {fresh:?} {found:?}");
        assert!(about(fresh.last_try, found.last_try), "{name} {fresh:?} {found:?}");
    }
    assert_eq!(was.tracks.keys().collect::<Vec<_>>(), is.tracks.keys().collect::<Vec<_>>());
    for (id, track) in &was.tracks {
        let found = &is.tracks[id];
        assert_eq!(track.newest().map(|p| &p.1), found.newest().map(|p| &p.1), "{id:?}");
        // A note is about the newest answer: of then, nobody knows any more.
        assert!(found.note == track.note || then.is_some() && found.note.is_none());
        let known = |at: &Timestamp| track.at(*at).map(|p| p.1.clone());
        assert!(found.points().iter().all(|(at, m)| known(at).as_ref() == Some(m)), "{id:?}");
    }
    for (probe, results) in &was.probes {
        assert_eq!(results.back().map(|r| &r.words), is.probes[probe].back().map(|r| &r.words));
    }
    assert_eq!(was.track_sources, is.track_sources);
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn place(&self) -> Place {
        Place::at(self.0.path().join("state").join("memory.db"))
    }

    fn open(&self) -> Store {
        let (store, notices) = Store::open(&self.place(), t(0));
        assert!(notices.is_empty(), "{notices:?}");
        assert!(store.is_on());
        store
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_was_known_comes_back_now_and_at_every_moment(
        polls in polls(), batch in 1_usize..6, reopened in any::<bool>(), asked in 0_usize..30,
    ) {
        let home = Home::new();
        let mut store = home.open();
        let (mut before, mut board) = (BTreeMap::new(), awaited());
        let (mut then, mut then_at) = (awaited(), t(-15));
        let told: Vec<Told> =
            polls.iter().enumerate().map(|(i, poll)| told(poll, t(i as i64 * 15), &mut before)).collect();
        for (i, one) in told.iter().enumerate() {
            fold(&mut board, one);
            if i == asked {
                then = board.clone();
                then_at = one.at;
            }
        }
        for some in told.chunks(batch) {
            store.remember(some).unwrap();
            if reopened {
                drop(store);
                store = home.open();
            }
        }
        let found = store.board_now(&awaited(), t(100_000)).unwrap();
        assert_same(&board, &found, None);
        if asked < told.len() {
            assert_same(&then, &store.board_at(&awaited(), then_at).unwrap(), Some(then_at));
        }
        // Told again, nothing is written twice and nothing changes.
        for one in &told {
            store.remember(std::slice::from_ref(one)).unwrap();
        }
    }
}

#[test]
fn words_of_a_source_are_handed_back_after_a_restart() {
    let home = Home::new();
    let mut before = BTreeMap::new();
    home.open().remember(&[told(&Poll::Alerts(vec![(1, 1)]), t(0), &mut before)]).unwrap();
    let words = home.open().memory(&SourceName::new("am")).unwrap();
    assert_eq!(words.get("cursor").map(|w| &**w), Some(t(0).to_string().as_str()));
}
