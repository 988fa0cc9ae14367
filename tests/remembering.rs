//! Memory under strain: many processes, a reader that never ends, a disk that refuses, a bound on its size, and files of every earlier version.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use andon::model::{
    Board, Clean, Deploy, Fact, Freshness, Key, Measure, MetricId, Name, Outcome, Report,
    SourceName, Status,
};
use andon::store::{Bounds, Place, Store, Told};
use jiff::{SignedDuration, Timestamp};

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + s).unwrap()
}

fn deploy(source: &SourceName, n: i64, words: &str) -> Fact {
    Fact::Deploy(Deploy {
        key: Key::new(source, n.to_string()),
        repo: Clean::from("acme/shop"),
        app: Clean::default(),
        environment: Clean::from("production"),
        version: Clean::line(format!("v{n}")),
        sha: Clean::default(),
        started: None,
        finished: Some(t(n)),
        outcome: Outcome::Succeeded,
        who: Clean::from("ann"),
        description: Clean::line(words),
        committed: None,
        url: None,
    })
}

/// A poll that went well, of a source of this kind at this address.
fn told_of(
    (name, kind, address): (&str, &'static str, &str),
    at: Timestamp,
    facts: Vec<Fact>,
) -> Told {
    Told {
        source: SourceName::new(name),
        at,
        report: Some(Report { facts, ..Report::default() }),
        freshness: Freshness {
            kind,
            address: Clean::line(address),
            every: SignedDuration::from_secs(15),
            status: Status::Ok,
            last_ok: Some(at),
            last_try: Some(at),
            ..Freshness::default()
        },
    }
}

fn told(name: &str, at: Timestamp, facts: Vec<Fact>) -> Told {
    told_of((name, "", ""), at, facts)
}

/// A configuration with these sources.
fn awaited(sources: &[(&str, &'static str, &str)]) -> Board {
    let mut board = Board::default();
    for (name, kind, address) in sources {
        let fresh = Freshness { kind, address: Clean::line(*address), ..Freshness::default() };
        board.sources.insert(SourceName::new(name), fresh);
    }
    board
}

fn open(place: &Place) -> Store {
    let (store, notices) = Store::open(place, t(0));
    assert!(notices.is_empty() && store.is_on(), "{notices:?}");
    store
}

fn at(folder: &tempfile::TempDir) -> Place {
    Place::at(folder.path().join("memory.db"))
}

/// Text that does not pack.
fn noise(n: i64, length: usize) -> String {
    let mut state = n.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let _ = write!(text, "{:08x}", state >> 32);
    }
    text
}

/// Run by the test below, eight times at once: opens, writes, reads, tidies, and says nothing when all went well.
#[test]
fn one_of_many() {
    let Some(file) = std::env::var_os("ANDON_TEST_SHARES") else { return };
    let name = std::env::var("ANDON_TEST_NAME").unwrap();
    let place = Place::at(file.into());
    for round in 0..4 {
        let mut store = open(&place);
        for n in round * 10..round * 10 + 10 {
            let facts = vec![deploy(&SourceName::new(&name), n, "of its own")];
            store.remember(&[told(&name, t(n), facts)]).unwrap();
            let both = vec![deploy(&SourceName::new("both"), n, &format!("told by {name}"))];
            store.remember(&[told("both", t(n), both)]).unwrap();
        }
        store.board_now(&awaited(&[(&name, "", "")]), t(1_000)).unwrap();
        let bounds = Bounds { retention: SignedDuration::from_hours(2_400), most: 1 << 30 };
        store.tidy(t(1_000), bounds).unwrap();
    }
}

#[test]
fn eight_processes_open_and_write_and_none_meets_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|n| format!("source {n}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            Command::new(std::env::current_exe().unwrap())
                .args(["one_of_many", "--exact", "--nocapture", "--test-threads=1"])
                .env("ANDON_TEST_SHARES", folder.path().join("memory.db"))
                .env("ANDON_TEST_NAME", name)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let mut store = open(&at(&folder));
    let sources: Vec<_> = names.iter().map(|name| (name.as_str(), "", "")).collect();
    let board = store.board_now(&awaited(&sources), t(1_000)).unwrap();
    assert_eq!(board.deploys.len(), 8 * 40, "something of somebody is lost");
    assert_eq!(store.board_now(&awaited(&[("both", "", "")]), t(1_000)).unwrap().deploys.len(), 40);
    assert!(store.check().unwrap().is_sound());
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}

#[test]
fn a_reader_that_never_ends_does_not_let_the_log_grow_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let place = at(&folder);
    let mut store = open(&place);
    let source = SourceName::new("gh");
    store.remember(&[told("gh", t(0), vec![deploy(&source, 0, "before")])]).unwrap();
    let reader = rusqlite::Connection::open(place.file.as_ref().unwrap()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM told").unwrap();
    let log = folder.path().join("memory.db-wal");
    let mut refused = None;
    for n in 1..400 {
        let facts =
            (0..100).map(|k| deploy(&source, n * 100 + k, &noise(n * 100 + k, 3_000))).collect();
        if let Err(trouble) = store.remember(&[told("gh", t(n), facts)]) {
            refused = Some(trouble.words());
            break;
        }
    }
    assert_eq!(refused.as_deref(), Some("another program has been reading it for too long"));
    assert!(length(&log) < 40 << 20, "{} bytes of log", length(&log));
    // Nobody reads any more: it goes on, and the log is small again.
    reader.execute_batch("COMMIT").unwrap();
    for n in 100_000..100_003 {
        let facts = vec![deploy(&source, n, "after")];
        store.remember(&[told("gh", t(n), facts)]).unwrap();
    }
    assert!(length(&log) <= 4 << 20, "{} bytes of log", length(&log));
}

#[test]
fn where_nothing_can_be_written_it_goes_on_without() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |place: &Place| {
        let (mut store, notices) = Store::open(place, t(0));
        let words: Vec<_> = notices.iter().map(ToString::to_string).collect();
        assert!(!store.is_on() && words.len() == 1, "{words:?}");
        assert!(words[0].starts_with("nothing is remembered in this run: "), "{words:?}");
        store.remember(&[told("gh", t(0), Vec::new())]).unwrap();
        assert!(store.board_now(&awaited(&[("gh", "", "")]), t(0)).unwrap().deploys.is_empty());
    };
    let file = folder.path().join("a file");
    std::fs::write(&file, b"no folder").unwrap();
    refused(&Place::at(file.join("andon").join("memory.db")));
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may write into folders that can only be read");
        return;
    }
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o500)).unwrap();
    refused(&Place::at(home.join("andon").join("memory.db")));
}

#[test]
fn the_file_stays_within_its_size_and_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let place = at(&folder);
    let mut store = open(&place);
    let source = SourceName::new("gh");
    let day = |n: i64| t(n * 24 * 3600);
    for n in 0..60 {
        let deploys = (0..10).map(|k| deploy(&source, n * 10 + k, &noise(n * 10 + k, 3_000)));
        let value = Fact::Sample {
            id: MetricId { service: None, metric: Name::new("orders") },
            at: day(n),
            measure: Measure::Number(n as f64),
            note: None,
        };
        store.remember(&[told("gh", day(n), deploys.chain([value]).collect())]).unwrap();
    }
    let end = day(60);
    let days = |n: i64| SignedDuration::from_hours(n * 24);
    let full = store.stats().unwrap().bytes;
    let most = 500_000;
    assert!(full > 2 * most, "{full} bytes");
    store.tidy(end, Bounds { retention: days(90), most }).unwrap();
    drop(store);
    let bytes = length(place.file.as_ref().unwrap());
    assert!(bytes <= most, "{bytes} bytes of {most}");
    let mut store = open(&place);
    let board = store.board_now(&awaited(&[("gh", "", "")]), end).unwrap();
    assert!(board.deploys.len() > 50, "{} of the newest are kept", board.deploys.len());
    let oldest = store.board_at(&awaited(&[("gh", "", "")]), day(55)).unwrap().deploys.len();
    assert!(oldest < board.deploys.len());

    store.tidy(end, Bounds { retention: days(7), most: 1 << 30 }).unwrap();
    let board = store.board_now(&awaited(&[("gh", "", "")]), end).unwrap();
    let first = board.deploys.all().map(|record| record.first_seen).min().unwrap();
    assert!(first >= end - days(8), "{first}");
}

#[test]
fn a_source_that_is_added_takes_no_history_away_and_one_that_moved_brings_none_of_anothers() {
    let folder = tempfile::tempdir().unwrap();
    let place = at(&folder);
    let (old, new) =
        (("gh", "github", "https://a.example/"), ("gh", "github", "https://b.example/"));
    let source = SourceName::new("gh");
    let introduce = |store: &mut Store, one: (&str, &str, &str)| {
        store.introduce([(&SourceName::new(one.0), one.1, one.2)]).unwrap();
    };
    let mut store = open(&place);
    introduce(&mut store, old);
    let facts = vec![deploy(&source, 1, "of a")];
    let words = vec![("cursor".into(), "of a".into())];
    let mut first = told_of(old, t(1), facts);
    first.report.as_mut().unwrap().remember = words;
    store.remember(&[first]).unwrap();

    let more = [old, ("am", "alertmanager", "https://am.example/")];
    let seen = |store: &mut Store, sources: &[(&str, &'static str, &str)]| {
        let board = store.board_now(&awaited(sources), t(100)).unwrap();
        board.deploys.all().map(|r| r.what.description.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&mut store, &more), ["of a"]);

    // Another server under the same name: nothing of the old one is taken for its own, its cursor least of all.
    assert!(seen(&mut store, &[new]).is_empty(), "before anything of the new one is written");
    introduce(&mut store, new);
    assert!(store.memory(&source, new.1, new.2).unwrap().is_empty());
    store.remember(&[told_of(new, t(2), vec![deploy(&source, 1, "of b")])]).unwrap();
    assert_eq!(seen(&mut store, &[new]), ["of b"]);
    // One who still runs with the old configuration writes to what is the old one's.
    store.remember(&[told_of(old, t(3), vec![deploy(&source, 2, "of a again")])]).unwrap();
    assert_eq!(seen(&mut store, &[new]), ["of b"]);
    store.fold().unwrap();
    assert_eq!(seen(&mut store, &[new]), ["of b"]);
    // Back again, everything is there.
    assert_eq!(seen(&mut store, &[old]), ["of a", "of a again"]);
    introduce(&mut store, old);
    assert_eq!(seen(&mut store, &[old]), ["of a", "of a again"]);
    assert_eq!(store.memory(&source, old.1, old.2).unwrap()["cursor"].as_ref(), "of a");
    let names: Vec<_> =
        store.stats().unwrap().sources.into_iter().map(|s| s.name.to_string()).collect();
    assert_eq!(names, ["gh", "gh, github at https://b.example/"]);
}

/// A file of every version that andon ever wrote, with something of every kind in it: the demo's world, polled once.
#[test]
fn a_file_of_every_version_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let memories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/memories");
    let version = |file: &Path| -> i64 {
        let base = rusqlite::Connection::open(file).unwrap();
        base.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    let fresh = at(&folder);
    open(&fresh);
    for n in 1..=version(fresh.file.as_ref().unwrap()) {
        let kept = memories.join(format!("v{n}.db"));
        assert!(kept.is_file(), "a new version of the tables wants a file of the one before: {n}");
        let file = folder.path().join(format!("v{n}.db"));
        std::fs::copy(&kept, &file).unwrap();
        assert_eq!(version(&file), n);
        let mut store = open(&Place::at(file));
        let found = store.check().unwrap();
        assert!(found.is_sound(), "{found:?}");
        let names: Vec<String> =
            store.stats().unwrap().sources.iter().map(|s| s.name.to_string()).collect();
        let sources: Vec<_> = names.iter().map(|name| (name.as_str(), "", "")).collect();
        let now = "2026-11-22T18:30:00Z".parse().unwrap();
        let board = store.board_now(&awaited(&sources), now).unwrap();
        let counts = [
            ("sources", board.sources.values().filter(|f| f.last_ok.is_some()).count()),
            ("alerts", board.alerts.len()),
            ("rules", board.rules.len()),
            ("silences", board.silences.len()),
            ("incidents", board.incidents.len()),
            ("shifts", board.shifts.len()),
            ("deploys", board.deploys.len()),
            ("releases", board.releases.len()),
            ("runs", board.runs.len()),
            ("post-mortems", board.post_mortems.len()),
            ("calendars", board.calendars.len()),
            ("gates", board.gates.len()),
            ("environments", board.environments.len()),
            ("tracks", board.tracks.len()),
            ("probes", board.probes.len()),
        ];
        let counts: Vec<String> = counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
        assert_eq!(
            counts.join(", "),
            "19 sources, 8 alerts, 12 rules, 3 silences, 13 incidents, 6 shifts, 217 deploys, 103 releases, \
             317 runs, 8 post-mortems, 4 calendars, 0 gates, 0 environments, 44 tracks, 9 probes"
        );
    }
}

#[test]
fn a_report_tells_of_what_was_remembered_also_when_nobody_tells_it_again() {
    let home = tempfile::tempdir().unwrap();
    let place = at(&home);
    let one = ("gh", "github", "http://127.0.0.1:1/");
    let source = SourceName::new("gh");
    let now = Timestamp::now();
    let mut fact = deploy(&source, 412, "of yesterday");
    if let Fact::Deploy(deploy) = &mut fact {
        deploy.finished = Some(now - SignedDuration::from_hours(20));
    }
    let (mut store, _) = Store::open(&place, now);
    store.introduce([(&source, one.1, one.2)]).unwrap();
    store.remember(&[told_of(one, now - SignedDuration::from_hours(1), vec![fact])]).unwrap();
    drop(store);
    let config = home.path().join("andon.toml");
    let text = concat!(
        "[store]\npath = \"memory.db\"\n",
        "[[source]]\nname = \"gh\"\nkind = \"github\"\nurl = \"http://127.0.0.1:1\"\nrepos = [\"acme/shop\"]\n",
        "[[service]]\nname = \"shop\"\nrepo = \"acme/shop\"\n",
    );
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["report", "--since", "2d", "--config"])
        .arg(&config)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("v412"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
