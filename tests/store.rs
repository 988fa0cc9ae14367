//! What is remembered is what was known: boards come back as they were, now and at any moment, through every mishap.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use andon::model::{
    Alert, AlertState, Board, Clean, Deploy, Fact, Feed, Freshness, Health, Key, Labels, Measure,
    MetricId, Name, Objective, Outcome, Probe, ProbeResult, Record, Report, SourceName, Spent,
    Status, Turned, Weight, Weighted, Written,
};
use andon::store::{Bounds, Forget, Place, Store, Told};
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
        assert!(found.points().all(|(at, m)| known(&at).as_ref() == Some(&m)), "{id:?}");
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
        polls in polls(), batch in 1_usize..6, reopened in any::<bool>(), folded in any::<bool>(),
        asked in 0_usize..30,
    ) {
        let home = Home::new();
        let mut store = home.open();
        let (mut before, mut board) = (BTreeMap::new(), awaited());
        let (mut then, mut then_at) = (awaited(), t(-15));
        let told: Vec<Told> =
            (0_i64..).zip(&polls).map(|(i, poll)| told(poll, t(i * 15), &mut before)).collect();
        for (i, one) in told.iter().enumerate() {
            fold(&mut board, one);
            if i == asked {
                then = board.clone();
                then_at = one.at;
            }
        }
        for some in told.chunks(batch) {
            store.remember(some).unwrap();
            if folded {
                store.fold().unwrap();
            }
            if reopened {
                drop(store);
                store = home.open();
            }
        }
        let found = store.board_now(&awaited(), t(100_000)).unwrap();
        assert_same(&board, &found, None);
        // Nothing of this is over for long: a first look sees the same.
        assert_same(&board, &store.glance(&awaited(), t(100_000)).unwrap(), None);
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
    let words = home.open().memory(&SourceName::new("am"), "", "").unwrap();
    assert_eq!(words.get("cursor").map(|w| &**w), Some(t(0).to_string().as_str()));
}

/// The notices of opening what lies at a place.
fn notices(place: &Place) -> (Store, String) {
    let (store, notices) = Store::open(place, t(0));
    (store, notices.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn one_poll() -> Told {
    told(&Poll::Alerts(vec![(1, 1), (2, 0)]), t(0), &mut BTreeMap::new())
}

#[test]
fn a_damaged_or_foreign_file_is_set_aside_and_a_new_one_begun() {
    let garbage = || vec![0x5a_u8; 8192];
    let halved = || {
        let home = Home::new();
        home.open().remember(&[one_poll()]).unwrap();
        let whole = std::fs::read(home.place().file.unwrap()).unwrap();
        whole[..whole.len() / 2].to_vec()
    };
    let alien = || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("other.db");
        let base = rusqlite::Connection::open(&file).unwrap();
        base.execute_batch("CREATE TABLE theirs(x); INSERT INTO theirs VALUES (1)").unwrap();
        drop(base);
        std::fs::read(&file).unwrap()
    };
    for (what, bytes) in [("garbage", garbage()), ("half", halved()), ("alien", alien())] {
        let home = Home::new();
        let file = home.place().file.unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        let (mut store, mut words) = notices(&home.place());
        if words.is_empty() {
            // Damage that lies deeper is met when it is read.
            assert!(store.board_now(&awaited(), t(0)).is_err_and(|e| e.is_damage()), "{what}");
            let (anew, more) = store.begin_anew(&home.place(), t(0));
            (store, words) = (anew, more[0].to_string());
        }
        assert!(words.contains("memory begins anew"), "{what}: {words}");
        store.remember(&[one_poll()]).unwrap();
        let kept: Vec<_> = std::fs::read_dir(file.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains(".bad-"))
            .collect();
        assert!(kept.iter().any(|path| std::fs::read(path).unwrap() == bytes), "{what}: {kept:?}");
    }
}

#[test]
fn an_empty_file_is_a_new_one() {
    let home = Home::new();
    let file = home.place().file.unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, b"").unwrap();
    home.open().remember(&[one_poll()]).unwrap();
}

#[test]
fn what_a_newer_andon_wrote_is_left_alone() {
    let home = Home::new();
    home.open().remember(&[one_poll()]).unwrap();
    let file = home.place().file.unwrap();
    let base = rusqlite::Connection::open(&file).unwrap();
    base.pragma_update(None, "user_version", 999).unwrap();
    drop(base);
    let before = std::fs::read(&file).unwrap();
    let (mut store, words) = notices(&home.place());
    assert!(!store.is_on() && words.contains("newer andon"), "{words}");
    store.remember(&[one_poll()]).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn links_folders_and_pipes_are_refused_and_odd_names_are_names() {
    let home = Home::new();
    let folder = home.0.path();
    std::fs::write(folder.join("target"), b"mine").unwrap();
    std::os::unix::fs::symlink(folder.join("target"), folder.join("link")).unwrap();
    std::fs::create_dir(folder.join("dir")).unwrap();
    for name in ["link", "dir"] {
        let (store, words) = notices(&Place::at(folder.join(name)));
        assert!(!store.is_on() && words.contains("nothing is remembered"), "{name}: {words}");
    }
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), b"mine");
    for name in ["file:x?mode=memory", "a b?c#d"] {
        let (store, words) = notices(&Place::at(folder.join(name)));
        assert!(
            store.is_on() && words.is_empty() && folder.join(name).is_file(),
            "{name}: {words}"
        );
    }
    let (store, words) = notices(&Place::default());
    assert!(!store.is_on() && words.contains("no home"), "{words}");
}

#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let mut store = home.open();
    store.remember(&[one_poll()]).unwrap();
    drop(store);
    // One that was copied here and is open to others is closed again.
    let folder = home.0.path().join("state");
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.join("memory.db"), open).unwrap();
    let mut store = home.open();
    store.remember(&[one_poll()]).unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn what_is_usual_at_this_hour_is_remembered_with_its_moment() {
    let home = Home::new();
    let mut store = home.open();
    let id = MetricId { service: None, metric: Name::new("orders") };
    let usual = |at: Timestamp, value: f64| {
        let mut told = told(&Poll::Numbers(vec![(0, 1)]), at, &mut BTreeMap::new());
        let measure = Measure::Number(value);
        let report = told.report.as_mut().unwrap();
        report.facts.push(Fact::Baseline { id: id.clone(), at, measure });
        told
    };
    store.remember(&[usual(t(0), 3.5)]).unwrap();
    store.remember(&[usual(t(600), 4.25)]).unwrap();
    let board = store.board_now(&awaited(), t(700)).unwrap();
    assert_eq!(board.baseline_of(&id, t(700)), Some(4.25));
    // It is of that hour only, and it is no reading of now.
    assert_eq!(board.baseline_of(&id, t(600 + 3600)), None);
    assert!(!board.tracks.contains_key(&id));
    let then = store.board_at(&awaited(), t(300)).unwrap();
    assert_eq!(then.baseline_of(&id, t(300)), Some(3.5));
}

#[test]
fn a_full_disk_is_said_and_what_is_remembered_can_still_be_read() {
    let home = Home::new();
    let mut store = home.open();
    store.remember(&[one_poll()]).unwrap();
    store.allow_pages(4);
    let many = Poll::Deploys((0..=255).map(|id| (id, 1)).collect());
    let refused = store.remember(&[told(&many, t(15), &mut BTreeMap::new())]).unwrap_err();
    assert_eq!(refused.words(), "the disk is full");
    let board = store.board_now(&awaited(), t(20)).unwrap();
    assert_eq!((board.alerts.len(), board.deploys.len()), (2, 0));
    store.allow_pages(1_000_000);
    store.remember(&[told(&many, t(30), &mut BTreeMap::new())]).unwrap();
    assert_eq!(store.board_now(&awaited(), t(40)).unwrap().deploys.len(), 256);
}

#[test]
fn folding_thinning_and_carrying_elsewhere_change_nothing_that_is_known() {
    let home = Home::new();
    let mut store = home.open();
    let (mut before, mut board) = (BTreeMap::new(), awaited());
    for i in 0..400 {
        let poll = match i % 4 {
            0 => Poll::Alerts(vec![((i / 40 % 5) as u8, (i / 80 % 3) as u8)]),
            1 => Poll::Deploys(vec![((i / 8) as u8, 1)]),
            _ => Poll::Numbers(vec![(1, (i % 3) as u8), (2, 1)]),
        };
        let told = told(&poll, t(i * 15), &mut before);
        fold(&mut board, &told);
        store.remember(&[told]).unwrap();
    }
    let end = t(400 * 15);
    assert_same(&board, &store.board_now(&awaited(), end).unwrap(), None);
    store.fold().unwrap();
    assert_same(&board, &store.board_now(&awaited(), end).unwrap(), None);
    let mut lines = Vec::new();
    store.export(&mut lines).unwrap();
    let other = Home::new();
    let mut elsewhere = other.open();
    let imported = elsewhere.import(&mut &lines[..]).unwrap();
    assert!(imported.new > 200, "{imported:?}");
    assert_eq!(elsewhere.import(&mut &lines[..]).unwrap().new, 0, "twice is once");
    assert_same(&board, &elsewhere.board_now(&awaited(), end).unwrap(), None);
    assert!(store.check().unwrap().is_sound() && elsewhere.check().unwrap().is_sound());

    // Half a year later, what ended is forgotten; what is still so is not.
    let bounds = Bounds { retention: SignedDuration::from_hours(90 * 24), most: 1 << 30 };
    store.tidy(end + SignedDuration::from_hours(5), bounds).unwrap();
    let tidied = store.board_now(&awaited(), end).unwrap();
    assert_eq!(tidied.alerts.len(), board.alerts.len());
    let newest = |b: &Board| b.tracks.values().map(|t| t.newest().cloned()).collect::<Vec<_>>();
    assert_eq!(newest(&board).len(), newest(&tidied).len());
    store.tidy(end + SignedDuration::from_hours(180 * 24), bounds).unwrap();
    let later = store.board_now(&awaited(), end).unwrap();
    assert_eq!(later.alerts.len(), board.alerts.present().count());
    assert_eq!(later.deploys.len(), 0);

    assert_eq!(elsewhere.forget(&Forget::Source(SourceName::new("am"))).unwrap(), 5);
    assert_eq!(elsewhere.board_now(&awaited(), end).unwrap().alerts.len(), 0);
    elsewhere.forget(&Forget::Everything).unwrap();
    assert_eq!(elsewhere.stats().unwrap().sources, []);
}

#[test]
fn what_little_one_source_told_is_known_after_another_one_told_much() {
    let home = Home::new();
    let mut store = home.open();
    let (mut before, mut board) = (BTreeMap::new(), awaited());
    let mut at = 0;
    let mut tell = |store: &mut Store, poll: &Poll| {
        at += 15;
        let told = told(poll, t(at), &mut before);
        fold(&mut board, &told);
        store.remember(&[told]).unwrap();
    };
    let bounds = Bounds { retention: SignedDuration::from_hours(90 * 24), most: 1 << 30 };
    // Each round is long enough to be folded, and what is told between them is not.
    for round in 0..3 {
        tell(&mut store, &Poll::Alerts(vec![(round, 1)]));
        for version in 0..3 {
            tell(
                &mut store,
                &Poll::Deploys((0..=255).map(|id| (id, round * 3 + version)).collect()),
            );
        }
        store.tidy(t(4_000), bounds).unwrap();
        tell(&mut store, &Poll::Alerts(vec![(round, 2)]));
    }
    for store in [&mut store, &mut home.open()] {
        assert_same(&board, &store.board_now(&awaited(), t(4_000)).unwrap(), None);
    }
}

#[test]
fn what_is_told_after_a_source_was_forgotten_is_known_however_much_of_the_log_it_took() {
    let home = Home::new();
    let mut store = home.open();
    let (mut before, mut board) = (BTreeMap::new(), awaited());
    let mut told_of = |poll: &Poll, at| told(poll, t(at), &mut before);
    let first = told_of(&Poll::Alerts(vec![(1, 1)]), 0);
    let many = told_of(&Poll::Deploys((0..=99).map(|id| (id, 1)).collect()), 15);
    fold(&mut board, &first);
    store.remember(&[first, many]).unwrap();
    store.fold().unwrap();
    store.forget(&Forget::Source(SourceName::new(SOURCES[1]))).unwrap();
    let next = told_of(&Poll::Alerts(vec![(1, 2), (2, 1)]), 30);
    fold(&mut board, &next);
    store.remember(&[next]).unwrap();
    let found = store.board_now(&awaited(), t(40)).unwrap();
    assert_eq!(records(&found.alerts), records(&board.alerts));
    store.fold().unwrap();
    let found = home.open().board_now(&awaited(), t(40)).unwrap();
    assert_eq!(records(&found.alerts), records(&board.alerts));
}

#[test]
fn what_was_folded_counts_only_where_all_of_it_is_there_in_this_versions_words() {
    let gh = SourceName::new(SOURCES[1]);
    let poll = |before: &mut BTreeMap<_, _>, at| {
        let deploys = Poll::Deploys((0..=255).map(|id| (id, 1)).collect());
        [told(&Poll::Alerts(vec![(1, 1)]), t(at), before), told(&deploys, t(at + 15), before)]
    };
    // An older andon, started before this one, forgets what is folded and knows nothing of the lines it reaches to.
    let forgets = "DELETE FROM folded";
    // Another version folded them, with a record in them that the log does not have.
    let other = "UPDATE fold SET format = 'another';
        DELETE FROM told WHERE record IN (SELECT id FROM record WHERE feed = 6 AND name = '7');
        DELETE FROM record WHERE feed = 6 AND name = '7'";
    for (meddles, left) in [(forgets, 256), (other, 255)] {
        let home = Home::new();
        let mut store = home.open();
        let mut before = BTreeMap::new();
        store.remember(&poll(&mut before, 0)).unwrap();
        // Days later: those of before lie apart.
        let late = told(&Poll::Alerts(vec![(2, 1)]), t(5 * 24 * 3600), &mut before);
        store.remember(&[late]).unwrap();
        store.fold().unwrap();
        let now = t(5 * 24 * 3600 + 15);
        assert!(store.glance(&awaited(), now).unwrap().deploys.len() < 10);
        let base = rusqlite::Connection::open(home.place().file.unwrap()).unwrap();
        base.execute_batch(meddles).unwrap();
        for round in 0..2 {
            let found = store.board_now(&awaited(), now).unwrap();
            assert_eq!(found.deploys.len(), left, "{meddles}, round {round}");
            assert_eq!(found.alerts.len(), 2, "{meddles}, round {round}");
            assert_eq!(
                found.deploys.get(&Key::new(&gh, "7")).is_some(),
                left == 256,
                "{meddles}, round {round}"
            );
            assert_eq!(store.glance(&awaited(), now).unwrap().alerts.len(), 2);
            store.fold().unwrap();
        }
    }
}

#[test]
fn a_first_look_leaves_out_what_was_over_for_days_and_nothing_that_is_still_so() {
    const STEP: i64 = 1_500;
    let home = Home::new();
    let mut store = home.open();
    let gh = SourceName::new(SOURCES[1]);
    let mut before = BTreeMap::new();
    let mut board = awaited();
    let mut tell = |store: &mut Store, at: i64, fact: Fact| {
        let mut told = told(&Poll::Deploys(Vec::new()), t(at), &mut before);
        told.report.as_mut().unwrap().facts = vec![fact];
        fold(&mut board, &told);
        store.remember(&[told]).unwrap();
        board.clone()
    };
    let made = |n: i64, outcome| Deploy {
        key: Key::new(&gh, n.to_string()),
        finished: Some(t(n * STEP)),
        outcome,
        ..deploy(&gh, 0, 0)
    };
    let elsewhere = Deploy { repo: Clean::from("acme/quiet"), ..made(0, Outcome::Succeeded) };
    let elsewhere = Deploy { key: Key::new(&gh, "quiet"), ..elsewhere };
    tell(&mut store, 0, Fact::Deploy(elsewhere));
    tell(&mut store, 1, Fact::Deploy(made(1, Outcome::Running)));
    for n in 2..600 {
        tell(&mut store, n * STEP, Fact::Deploy(made(n, Outcome::Succeeded)));
    }
    let ids = |board: &Board| {
        let ids = board.deploys.all().map(|r| r.what.key.id.raw().to_owned());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    store.fold().unwrap();
    let now = t(600 * STEP);
    let look = store.glance(&awaited(), now).unwrap();
    // Those of a day before the newest, the one that still runs, and the last one of a place where nothing happens.
    let newest = (599 - 24 * 3600 / STEP..600).map(|n| n.to_string());
    let wanted: std::collections::BTreeSet<String> =
        newest.chain(["1".to_owned(), "quiet".to_owned()]).collect();
    assert_eq!(ids(&look), wanted);
    let whole = store.board_now(&awaited(), now).unwrap();
    assert_eq!(whole.deploys.len(), 600);
    // One that lies apart is told again: both looks see it as it is now, before it is folded and after, as often as that.
    let board = tell(&mut store, 600 * STEP, Fact::Deploy(made(3, Outcome::Failed)));
    for round in 0..3 {
        for store in [&mut store, &mut home.open()] {
            assert_same(&board, &store.board_now(&awaited(), now).unwrap(), None);
            let look = store.glance(&awaited(), now).unwrap();
            let third = look.deploys.get(&Key::new(&gh, "3")).expect("told again");
            assert_eq!(third.what.outcome, Outcome::Failed, "round {round}");
        }
        store.fold().unwrap();
    }
    // In more pieces than are kept: they are made one now and then.
    let mut board = board;
    for n in 600..1_800 {
        board = tell(&mut store, n * STEP, Fact::Deploy(made(n, Outcome::Succeeded)));
        if n % 60 == 0 {
            store.fold().unwrap();
        }
    }
    store.fold().unwrap();
    let now = t(1_800 * STEP);
    assert_same(&board, &store.board_now(&awaited(), now).unwrap(), None);
    assert!(!ids(&store.glance(&awaited(), now).unwrap()).contains("3"), "it lies apart again");
}

#[test]
fn a_first_look_claims_no_beginning_and_no_knowledge_from_before_it_looks() {
    let home = Home::new();
    let mut store = home.open();
    let day = 24 * 3600;
    let turns = |service, turns: &[(i64, Health)]| {
        turns.iter().map(|(at, health)| turn(service, *at, *health, true)).collect::<Vec<_>>()
    };
    let mut told = heard(10 * day);
    told.freshness.changes = vec![andon::model::Known { of: Clean::default(), from: Some(t(0)) }];
    watch(&mut store, 0, 10 * day);
    store.remember(&[told]).unwrap();
    for one in turns("old", &[(5, Health::Ok), (day, Health::Down)]) {
        store.remember_states(&[one]).unwrap();
    }
    for one in turns("new", &[(5, Health::Ok), (9, Health::Down), (9 * day, Health::Ok)]) {
        store.remember_states(&[one]).unwrap();
    }
    let now = t(10 * day + 5);
    let awaited = awaited();
    let (whole, look) =
        (store.board_now(&awaited, now).unwrap(), store.glance(&awaited, now).unwrap());
    let since = |board: &Board, service, health| board.turns.since(&Name::new(service), health);
    assert_eq!(since(&whole, "old", Health::Down), Some(t(day)));
    assert_eq!(since(&look, "old", Health::Down), None);
    let at_least = look.turns.at_least(&Name::new("old"), Health::Down).unwrap();
    assert!(at_least > t(day) && at_least < now, "{at_least}");
    assert_eq!(since(&whole, "new", Health::Ok), Some(t(9 * day)));
    assert_eq!(since(&look, "new", Health::Ok), Some(t(9 * day)));
    let known = |board: &Board| {
        let all = board.sources.values().flat_map(|f| f.changes.clone());
        all.filter_map(|known| known.from).collect::<Vec<_>>()
    };
    assert_eq!(known(&whole), [t(0)]);
    assert_eq!(known(&look), [t(9 * day)]);
}

#[test]
fn a_first_look_is_not_misled_by_one_good_result_among_bad_ones() {
    let home = Home::new();
    let mut store = home.open();
    let mut before = BTreeMap::new();
    // Asked every two hours; the newest answer is an odd one.
    for (n, value) in [1, 1, 1, 0].into_iter().enumerate() {
        let at = i64::try_from(n).unwrap() * 7_200;
        store.remember(&[told(&Poll::Numbers(vec![(1, value)]), t(at), &mut before)]).unwrap();
    }
    let look = store.glance(&awaited(), t(4 * 7_200)).unwrap();
    let track = look.tracks.values().next().expect("a number");
    assert_eq!(track.len(), 4);
    assert_eq!(look.probes.values().next().map(std::collections::VecDeque::len), Some(4));
}

#[test]
fn a_calendar_is_known_after_others_were_folded() {
    let home = Home::new();
    let mut store = home.open();
    let (mut before, mut board) = (BTreeMap::new(), awaited());
    let calendar = |events: usize| {
        std::sync::Arc::new(andon::model::Calendar {
            source: SourceName::new(SOURCES[0]),
            name: Clean::line(format!("{events} skipped")),
            purpose: andon::model::Purpose::Freeze,
            events: Vec::new(),
            skipped: events,
            notes: Vec::new(),
            refresh: None,
        })
    };
    for round in 1..4 {
        let mut one = told(&Poll::Alerts(Vec::new()), t(round * 60), &mut before);
        one.report.as_mut().unwrap().facts = vec![Fact::Calendar(calendar(round as usize))];
        let some = Poll::Deploys((0..=255).map(|id| (id, round as u8)).collect());
        let many = told(&some, t(round * 60 + 15), &mut before);
        for told in [one, many] {
            fold(&mut board, &told);
            store.remember(&[told]).unwrap();
        }
        store.fold().unwrap();
        for board in [store.board_now(&awaited(), t(400)), store.glance(&awaited(), t(400))] {
            let found = &board.unwrap().calendars[&SourceName::new(SOURCES[0])];
            assert_eq!(found.name, calendar(round as usize).name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Numbers in the points and in a record, of all that 64 bits can be: also those that no short decimal names, and
    /// those that are none.
    #[test]
    fn a_number_carried_elsewhere_is_the_same_to_its_last_bit(
        bits in prop::collection::vec(any::<u64>(), 1..40), shares in prop::collection::vec(0.0_f64..1.0, 1..40),
    ) {
        let values: Vec<f64> = bits.into_iter().map(f64::from_bits).chain(shares).collect();
        let source = SourceName::new(SOURCES[2]);
        let id = |n: usize| MetricId { service: None, metric: Name::new(&format!("number {n}")) };
        let window = SignedDuration::from_hours(1);
        let spent = |value: &f64| Spent::of_counts(window, t(0), &Measure::of(*value), &Measure::of(*value));
        let objective = Objective {
            key: Key::new(&source, "a"),
            name: Clean::from("a"),
            written: Written::Sloth,
            labels: Labels::new(),
            target: 0.999,
            period: window,
            weighted: Weighted::ByEvents,
            spent: values.iter().map(spent).collect(),
        };
        let sample = |(n, value): (usize, &f64)| Fact::Sample {
            id: id(n), at: t(0), measure: Measure::of(*value), note: None,
        };
        let mut facts: Vec<Fact> = values.iter().enumerate().map(sample).collect();
        facts.push(Fact::Objective(objective.clone()));
        let report = Some(Report { facts, ..Report::default() });
        let freshness = Freshness { last_ok: Some(t(0)), ..Freshness::default() };
        let homes = [Home::new(), Home::new()];
        let (mut store, mut elsewhere) = (homes[0].open(), homes[1].open());
        store.remember(&[Told { source, at: t(0), report, freshness }]).unwrap();
        let (mut lines, mut again) = (Vec::new(), Vec::new());
        store.export(&mut lines).unwrap();
        elsewhere.import(&mut &lines[..]).unwrap();
        elsewhere.export(&mut again).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&lines), String::from_utf8_lossy(&again));
        for store in [&mut store, &mut elsewhere] {
            let board = store.board_now(&awaited(), t(1)).unwrap();
            for (n, value) in values.iter().enumerate() {
                let found = board.tracks[&id(n)].newest().unwrap().1.clone();
                prop_assert_eq!(found, Measure::of(*value), "{} {:e}", n, value);
            }
            prop_assert_eq!(&board.objectives.get(&objective.key).unwrap().what, &objective);
        }
    }
}

#[test]
fn lines_that_were_not_exported_bring_nothing() {
    let home = Home::new();
    let mut store = home.open();
    for (lines, words) in [
        ("{}\n", "line 1"),
        ("{\"andon\":{\"memory\":99}}\n", "version 99"),
        ("{\"andon\":{\"memory\":1}}\n{\"told\":{}}\n", "line 2"),
    ] {
        let trouble = store.import(&mut lines.as_bytes()).unwrap_err();
        assert!(trouble.to_string().contains(words), "{trouble}");
    }
    assert_eq!(store.stats().unwrap().versions, 0);
}

/// Run by the test below in a process of its own, to be killed: polls without end, each written before it is counted.
#[test]
fn writer() {
    let Some(file) = std::env::var_os("ANDON_TEST_WRITES") else { return };
    let mut store = Store::open(&Place::at(file.into()), t(0)).0;
    let from = store.stats().unwrap().versions;
    for i in i64::from(from) + 1.. {
        let mut before = BTreeMap::new();
        let id = |n: i64| (n % 200) as u8;
        let poll = Poll::Deploys((i * 3..i * 3 + 3).map(|n| (id(n), (i % 251) as u8)).collect());
        store.remember(&[told(&poll, t(i), &mut before)]).unwrap();
        println!("{i}");
    }
}

#[test]
fn killed_at_any_moment_it_starts_again_and_has_lost_nothing_but_the_last_poll() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let kills: u64 = std::env::var("ANDON_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let home = Home::new();
    let file = home.place().file.unwrap();
    let mut random = 7_u64;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture", "--test-threads=1"])
            .env("ANDON_TEST_WRITES", &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wanted = (random >> 33) as usize % 40 + 1;
        let written = |line: String| line.rsplit(' ').next().and_then(|n| n.parse::<i64>().ok());
        let mut last = lines.by_ref().filter_map(written).take(wanted).last();
        child.kill().unwrap();
        child.wait().unwrap();
        last = lines.filter_map(written).last().or(last);
        let (mut store, words) = notices(&home.place());
        assert!(store.is_on() && words.is_empty(), "after {kill} kills: {words}");
        let board = store.board_now(&awaited(), t(1_000_000)).unwrap();
        let heard = board.sources[&SourceName::new("gh")].last_ok.unwrap();
        assert!(heard >= t(last.unwrap()), "after {kill} kills: {heard} {last:?}");
        if kill % 10 == 0 {
            assert!(store.check().unwrap().is_sound(), "after {kill} kills");
        }
    }
}

#[test]
fn how_services_turned_is_remembered_once_for_each_change() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("memory"));
    let turned = |at: i64, health: Health| Turned {
        at: t(at),
        seen: true,
        service: Name::new("checkout"),
        health: Clean::from(health.word()),
        reason: Clean::from("error rate 12 %"),
    };
    let (mut store, _) = Store::open(&place, t(0));
    for (at, health) in [(0, Health::Ok), (10, Health::Ok), (20, Health::Down), (30, Health::Down)]
    {
        store.remember_states(&[turned(at, health)]).unwrap();
    }
    // Another process, which knows only the file.
    let (mut other, _) = Store::open(&place, t(40));
    other.remember_states(&[turned(40, Health::Down), turned(50, Health::Ok)]).unwrap();
    // The first one had last seen it down, and is not misled by that.
    store.remember_states(&[turned(60, Health::Down)]).unwrap();
    let words = |from: i64, until: i64| -> Vec<String> {
        let states = store.states(t(from), t(until)).unwrap();
        states
            .iter()
            .map(|s| format!("{} {}", s.at.as_second() - t(0).as_second(), s.health))
            .collect()
    };
    assert_eq!(words(0, 99), ["0 ok", "20 down", "50 ok", "60 down"]);
    assert_eq!(words(20, 49), ["20 down"]);
}

/// A poll of the status source, good, with nothing in it.
fn heard(at: i64) -> Told {
    let source = SourceName::new("prom");
    let freshness = Freshness {
        kind: "prometheus",
        every: SignedDuration::from_secs(30),
        status: Status::Ok,
        last_ok: Some(t(at)),
        last_try: Some(t(at)),
        ..Freshness::default()
    };
    Told { source, at: t(at), report: Some(Report::default()), freshness }
}

fn turn(service: &str, at: i64, health: Health, seen: bool) -> Turned {
    Turned {
        at: t(at),
        seen,
        service: Name::new(service),
        health: Clean::from(health.word()),
        reason: Clean::default(),
    }
}

/// Polls every 30 s of a stretch.
fn watch(store: &mut Store, from: i64, until: i64) {
    let polls: Vec<Told> = (from..=until).step_by(30).map(heard).collect();
    store.remember(&polls).unwrap();
}

#[test]
fn a_service_that_is_down_is_so_since_the_same_moment_after_every_reopening() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("memory"));
    let checkout = Name::new("checkout");
    let mut now = 600;
    {
        let (mut store, _) = Store::open(&place, t(0));
        watch(&mut store, 0, now);
        store.remember_states(&[turn("checkout", 0, Health::Ok, false)]).unwrap();
        // Noticed at 400, begun at 312.
        store.remember_states(&[turn("checkout", 312, Health::Down, true)]).unwrap();
    }
    for _ in 0..3 {
        now += 120;
        // Another process each time, which knows only what was written.
        let (mut store, _) = Store::open(&place, t(now));
        let board = store.board_now(&awaited(), t(now)).unwrap();
        assert_eq!(board.turns.since(&checkout, Health::Down), Some(t(312)));
        watch(&mut store, now, now + 60);
        store.remember_states(&[turn("checkout", now, Health::Down, false)]).unwrap();
    }
    let (mut store, _) = Store::open(&place, t(now));
    // Nobody saw it begin to be well, and down it was once.
    let words: Vec<String> =
        store.states(t(-9), t(now)).unwrap().iter().map(|s| s.health.to_string()).collect();
    assert_eq!(words, ["unknown", "ok", "down"]);
    // Then as it was then.
    let then = store.board_at(&awaited(), t(200)).unwrap();
    assert_eq!(then.turns.of(&checkout).last().unwrap().1, Health::Ok);
    assert_eq!(then.turns.since(&checkout, Health::Ok), None, "it was well when somebody looked");
}

#[test]
fn while_nobody_asked_it_is_unknown_how_services_were() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("memory"));
    let (mut store, _) = Store::open(&place, t(0));
    watch(&mut store, 0, 3_000);
    store.remember_states(&[turn("web", 0, Health::Ok, true)]).unwrap();
    // An hour later it is the same, and nothing is written.
    watch(&mut store, 6_600, 7_200);
    store.remember_states(&[turn("web", 6_600, Health::Ok, true)]).unwrap();
    let web = Name::new("web");
    let uptime = |store: &mut Store, now: i64| {
        let board = store.board_now(&awaited(), t(now)).unwrap();
        andon::insight::uptime(
            board.turns.of(&web),
            &[],
            andon::model::Window { from: t(0), until: t(now) },
        )
    };
    let first = uptime(&mut store, 7_200);
    assert_eq!(first.unknown.as_secs(), 3_600, "{first:?}");
    assert_eq!(first.up.as_secs(), 3_600);
    assert_eq!(first.without_planned(), Some(1.0));
    // Nobody asks any more.
    let later = uptime(&mut store, 8_200);
    assert_eq!((later.up.as_secs(), later.unknown.as_secs()), (3_600, 4_600));
}

#[test]
fn two_processes_that_both_poll_for_a_moment_write_each_turn_once() {
    let home = tempfile::tempdir().unwrap();
    let place = Place::at(home.path().join("memory"));
    let (mut one, _) = Store::open(&place, t(0));
    let (mut other, _) = Store::open(&place, t(0));
    for at in 0..40 {
        let health = if at / 10 % 2 == 0 { Health::Ok } else { Health::Down };
        let turned = [turn("web", at, health, true), turn("db", at, health, true)];
        one.remember_states(&turned).unwrap();
        other.remember_states(&turned).unwrap();
    }
    let of = |store: &Store, service: &str| -> Vec<i64> {
        let all = store.states(t(0), t(99)).unwrap();
        let own = all.iter().filter(|s| s.service.as_str() == service);
        own.map(|s| s.at.as_second() - t(0).as_second()).collect()
    };
    for store in [&one, &other] {
        assert_eq!(of(store, "web"), [0, 10, 20, 30]);
        assert_eq!(of(store, "db"), [0, 10, 20, 30]);
    }
}

#[test]
fn a_beginning_learnt_late_follows_the_turn_before_it() {
    let home = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(&Place::at(home.path().join("memory")), t(0));
    store.remember_states(&[turn("web", 100, Health::Ok, true)]).unwrap();
    // The alert says that it began before anybody saw the service well.
    store.remember_states(&[turn("web", 50, Health::Down, true)]).unwrap();
    store.remember_states(&[turn("web", 200, Health::Ok, true)]).unwrap();
    let words: Vec<String> =
        store.states(t(0), t(300)).unwrap().iter().map(|s| s.health.to_string()).collect();
    assert_eq!(words, ["ok", "down", "ok"]);
}

/// After three days one result is kept of each quarter of an hour: it stands until the next.
#[test]
fn a_probe_of_last_week_is_as_fresh_then_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(&Place::at(home.path().join("memory")), t(0));
    let probe = Probe { service: Name::new("web"), target: "w:1".into(), means: "tcp" };
    let polls: Vec<Told> = (0..3_600)
        .step_by(30)
        .map(|at| {
            let result = ProbeResult {
                probe: probe.clone(),
                weight: Weight::Critical,
                at: t(at),
                health: Health::Ok,
                words: "open".into(),
                latency: None,
                expires: None,
            };
            let mut told = heard(at);
            told.report = Some(Report { facts: vec![Fact::Probe(result)], ..Report::default() });
            told
        })
        .collect();
    store.remember(&polls).unwrap();
    let bounds = Bounds { retention: SignedDuration::from_hours(24 * 90), most: 1 << 28 };
    let team = andon::model::Team {
        services: vec![andon::model::Service { name: Name::new("web"), ..Default::default() }],
        ..Default::default()
    };
    let then = |store: &mut Store, at: i64| {
        let board = store.board_at(&awaited(), t(at)).unwrap();
        let survey = andon::insight::survey(&board, &team, t(at));
        (survey.services[0].health, survey.services[0].overlays.stale)
    };
    for age in [4, 100] {
        store.tidy(t(3_600) + SignedDuration::from_hours(age), bounds).unwrap();
        for at in [1_805, 2_000, 2_400, 3_595] {
            assert_eq!(then(&mut store, at), (Health::Ok, false), "{at} s, {age} h later");
        }
    }
}
