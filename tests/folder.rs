//! A folder of post-mortems on a real disk: thousands of documents in batches, and everything that may lie among them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use andon::cockpit::{Cockpit, Heard, Key, Message, Setup, Which};
use andon::config::{Upstream, load_text};
use andon::engine::{Watch, from_clock, poll_once};
use andon::model::{Board, Fact, PostMortem, Status, Team};
use andon::page::{Noun, Size};

const DOCUMENTS: usize = 5_000;
const DEADLINE: Duration = Duration::from_secs(60);

/// A team whose only source is the folder, asked once an hour: what comes sooner does not wait for that.
fn folder(path: &Path) -> (Team, Vec<Upstream>) {
    let text = "[team]\nname = \"Crew\"\ntimezone = \"UTC\"\n[[source]]\nname = \"reviews\"\n\
                kind = \"markdown\"\npath = \".\"\nevery = \"1h\"\ntimeout = \"30s\"\n";
    let config = load_text(text, path, &[]).unwrap_or_else(|p| panic!("{p}"));
    (config.team, config.upstreams)
}

/// One document a day, the newest last in the listing.
fn filled(documents: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..documents {
        let (year, month, day) = (2010 + n / 336, n / 28 % 12 + 1, n % 28 + 1);
        let name = format!("{year}-{month:02}-{day:02}-{n}.md");
        let text = format!("# Incident {n}\n\n## Root cause\n\nThe disk {n} was full.\n");
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn watch(upstreams: Vec<Upstream>) -> (Watch, Receiver<Heard>) {
    let (tell, heard) = channel();
    let sink = move |message| {
        if let Message::Heard(one) = message {
            let _ = tell.send(*one);
        }
    };
    (Watch::start(upstreams, Box::new(sink)), heard)
}

fn fold(board: &mut Board, heard: Heard) {
    board.fold(&heard.source, heard.at, heard.outcome.unwrap());
    board.sources.insert(heard.source, heard.freshness);
}

fn said(team: &Team, board: &Board) -> String {
    let (now, size) = (from_clock(), Size { width: 120, height: 40 });
    let setup = Setup::new(Arc::new(team.clone()), size, now);
    let mut cockpit = Cockpit::new(Setup { board: board.clone(), ..setup });
    cockpit.update(now, Message::Key(Key::parse("4").unwrap()));
    let prose = |noun: &Noun| match noun {
        Noun::Prose(prose) => prose.lines.iter().map(|line| line.text() + "\n").collect::<String>(),
        _ => String::new(),
    };
    cockpit.screen(now).blocks.iter().map(|block| prose(&block.noun)).collect()
}

#[test]
fn thousands_of_documents_come_in_batches_the_newest_first_and_only_what_changed_is_read_again() {
    let folder = filled(DOCUMENTS);
    let (team, upstreams) = self::folder(folder.path());
    let (watch, heard) = watch(upstreams);
    let mut board = Board::default();
    let mut memory = BTreeMap::new();
    let mut counts = Vec::new();
    loop {
        let one = heard.recv_timeout(DEADLINE).unwrap();
        let report = one.outcome.as_ref().unwrap();
        memory.extend(report.remember.iter().cloned());
        let progress = report.progress;
        fold(&mut board, one);
        counts.push(board.post_mortems.present().count());
        assert_eq!(board.post_mortems.len(), counts[counts.len() - 1], "none is called gone");
        let Some(progress) = progress else { break };
        assert_eq!((progress.read, progress.of), (counts[counts.len() - 1], DOCUMENTS));
        if counts.len() == 2 {
            let note = board.sources.values().next().unwrap().notes[0].to_string();
            assert_eq!(note, "1,000 of 5,000 documents read, the newest first");
            assert!(said(&team, &board).contains("1,000 of 5,000 read"), "{}", said(&team, &board));
            let oldest = board.post_mortems.present().filter_map(|r| r.what.date()).min().unwrap();
            assert!(oldest.to_string().starts_with("2021-1"), "{oldest}: 4,000 of 336 a year");
        }
    }
    assert_eq!(counts, (1..=10).map(|n| n * 500).collect::<Vec<_>>());
    assert!(!said(&team, &board).contains("read, the newest"), "{}", said(&team, &board));

    fs::remove_file(folder.path().join("2010-01-01-0.md")).unwrap();
    fs::write(folder.path().join("2010-01-02-1.md"), "# Something else\n").unwrap();
    watch.poll(Which::All);
    let one = heard.recv_timeout(DEADLINE).unwrap();
    let report = one.outcome.as_ref().unwrap();
    assert_eq!((report.facts.len(), report.still.len()), (1, DOCUMENTS - 2));
    memory.extend(report.remember.iter().cloned());
    fold(&mut board, one);
    assert_eq!(board.post_mortems.present().count(), DOCUMENTS - 1);
    drop(watch);

    // The next run knows them: nothing is read.
    let (_, mut upstreams) = self::folder(folder.path());
    upstreams[0].memory = memory;
    let report = poll_once(upstreams, DEADLINE).remove(0).outcome.unwrap();
    assert_eq!((report.facts.len(), report.still.len()), (0, DOCUMENTS - 1));
}

#[test]
fn who_asks_once_gets_all_of_it() {
    let folder = filled(1_200);
    let heard = poll_once(self::folder(folder.path()).1, DEADLINE).remove(0);
    assert_eq!(heard.freshness.status, Status::Ok);
    assert_eq!((heard.freshness.facts, heard.freshness.progress), (1_200, None));
    let report = heard.outcome.unwrap();
    assert_eq!((report.facts.len(), report.still.len()), (1_200, 0));
}

fn documents(heard: Heard) -> (BTreeMap<String, PostMortem>, Vec<String>, String) {
    let report = heard.outcome.unwrap();
    let of = |fact| match fact {
        Fact::PostMortem(found) => Some((found.path.to_string(), *found)),
        _ => None,
    };
    let notes = report.notes.iter().map(ToString::to_string).collect();
    let partial = report.partial.map(|words| words.to_string()).unwrap_or_default();
    (report.facts.into_iter().filter_map(of).collect(), notes, partial)
}

#[test]
fn whatever_lies_among_them_every_good_document_is_there() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = "# Disk full\n\n## Root cause\n\nA full disk.\n";
    fs::create_dir(at("2024")).unwrap();
    for name in ["0-good.md", "2024/2024-01-02-good.md", "zz-good.md"] {
        fs::write(at(name), good).unwrap();
    }
    let bomb = "---\na: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n---\n# Bomb\n";
    let odd: [(&str, Vec<u8>); 7] = [
        ("line.md", format!("# Long\n{}\n", "x".repeat(1 << 20)).into()),
        ("quotes.md", format!("# Quotes\n{} deep\n", ">".repeat(20_000)).into()),
        ("bomb.md", bomb.into()),
        ("bytes.md", b"# Bytes\n\xff\xfe\xc3\x28\n".to_vec()),
        ("nul.md", b"# Nul\0\n\0\0text\n".to_vec()),
        ("large.md", format!("# Large\n{}", "a line of text\n".repeat(200_000)).into()),
        ("endless.md", format!("---\n{}", "a: b\n".repeat(10_000)).into()),
    ];
    for (name, bytes) in &odd {
        fs::write(at(name), bytes).unwrap();
    }
    fs::write(at("empty.md"), "").unwrap();
    fs::write(at("blank.md"), " \n\t\n").unwrap();
    fs::write(at("template.md"), good).unwrap();
    symlink(folder.path(), at("2024/round")).unwrap();
    symlink(at("loop.md"), at("loop.md")).unwrap();
    symlink("/dev/zero", at("zero.md")).unwrap();
    mknodat(CWD, at("pipe.md"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    fs::write(at("secret.md"), good).unwrap();
    fs::set_permissions(at("secret.md"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads what nobody may: then it is one more good document.
    let readable = fs::read(at("secret.md")).is_ok();

    let heard = poll_once(self::folder(folder.path()).1, DEADLINE).remove(0);
    let (found, notes, partial) = documents(heard);
    for name in ["0-good.md", "2024/2024-01-02-good.md", "zz-good.md"] {
        let p = &found[name];
        assert_eq!((p.root_cause.is_some(), p.flags.len()), (true, 0), "{name}");
    }
    let mut names: Vec<&str> = found.keys().map(String::as_str).collect();
    names.retain(|name| !name.contains("good") && *name != "secret.md");
    let mut wanted: Vec<&str> = odd.iter().map(|(name, _)| *name).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for (name, flag) in [
        ("line.md", "cut at 1 MiB"),
        ("large.md", "cut at 1 MiB"),
        ("bytes.md", "invalid UTF-8"),
        ("bomb.md", ""),
        ("nul.md", "zero bytes"),
    ] {
        let flags: Vec<&str> = found[name].flags.iter().map(andon::model::Clean::as_str).collect();
        assert!(flags.iter().any(|f| f.contains(flag)), "{name}: {flags:?}");
    }
    assert_eq!(
        notes,
        ["1 file skipped: an index, a template or a guide", "2 files skipped: empty"]
    );
    if readable {
        assert_eq!(partial, "", "the unreadable file was left out: this user reads everything");
    } else {
        assert!(partial.starts_with("1 of 12 files could not be read: secret.md"), "{partial}");
    }
}
