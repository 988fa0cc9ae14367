//! The tables of memory and their history: each step leads from one version to the next, all of them in one transaction.

use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id` of our files: "andn".
pub const APPLICATION: i32 = 0x616E_646E;

/// Steps from version n to n + 1. A step that was released is never changed: a fixture of every version is kept.
const STEPS: &[&str] = &["
CREATE TABLE source(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;

-- One row for everything that was ever told of, with its newest version.
CREATE TABLE record(
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    feed INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash INTEGER NOT NULL,
    first INTEGER NOT NULL,
    gone INTEGER,
    UNIQUE(source, feed, name)
) STRICT;

-- The log: a version of a record and when it was learnt; without a version, the record was gone then.
CREATE TABLE told(
    seq INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    learnt INTEGER NOT NULL,
    seen INTEGER,
    version BLOB
) STRICT;
CREATE INDEX told_of ON told(record, learnt);
CREATE INDEX told_when ON told(learnt);

-- Records of one feed, folded up to a line of the log.
CREATE TABLE folded(
    source INTEGER NOT NULL,
    feed INTEGER NOT NULL,
    format TEXT NOT NULL,
    upto INTEGER NOT NULL,
    records BLOB NOT NULL,
    PRIMARY KEY(source, feed)
) STRICT;

-- Stretches of polls with the same outcome.
CREATE TABLE poll(
    source INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    times INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    steady TEXT NOT NULL,
    fresh TEXT NOT NULL,
    PRIMARY KEY(source, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE series(
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    note TEXT,
    UNIQUE(source, kind, name)
) STRICT;

-- Points of a source's series: of one poll, and later of an hour or a day, thinned with age.
CREATE TABLE block(
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    points BLOB NOT NULL
) STRICT;
CREATE INDEX block_of ON block(source, until);

-- Words that sources asked to be handed back.
CREATE TABLE memory(
    source INTEGER NOT NULL,
    word TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(source, word)
) STRICT, WITHOUT ROWID;

-- When a service changed its state.
CREATE TABLE state(
    at INTEGER NOT NULL,
    service TEXT NOT NULL,
    health TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(at, service)
) STRICT, WITHOUT ROWID;
", "
-- Every feed is folded up to one line of the log, the same for all: what lies before it is read nowhere else.
DROP TABLE folded;
CREATE TABLE fold(
    source INTEGER NOT NULL,
    feed INTEGER NOT NULL,
    format TEXT NOT NULL,
    upto INTEGER NOT NULL,
    PRIMARY KEY(source, feed)
) STRICT, WITHOUT ROWID;

-- Pieces of it: 0 is what counts now, the others, in their order, what was over for a day when it was put apart. A first
-- look does without them. Of two records the later piece has the newer one, and piece 0 the newest.
CREATE TABLE folded(
    source INTEGER NOT NULL,
    feed INTEGER NOT NULL,
    past INTEGER NOT NULL,
    records BLOB NOT NULL,
    PRIMARY KEY(source, feed, past)
) STRICT;
CREATE INDEX state_of ON state(service, at);
CREATE INDEX poll_whole ON poll(source, since) WHERE complete <> 0;
"];

/// The version this andon writes.
#[allow(clippy::cast_possible_wrap)] // a handful of steps
pub const VERSION: i64 = STEPS.len() as i64;

pub fn version(base: &Connection) -> rusqlite::Result<i64> {
    base.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file to this version: all steps, or none.
pub fn migrate(base: &mut Connection) -> rusqlite::Result<()> {
    migrate_by(base, STEPS)
}

fn migrate_by(base: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let newest = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if version(base)? == newest {
        return Ok(());
    }
    // Another process may do the same at the same moment: the version is read again under the lock.
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = usize::try_from(version(&work)?).unwrap_or(0);
    for step in steps.iter().skip(from) {
        work.execute_batch(step)?;
    }
    work.pragma_update(None, "application_id", APPLICATION)?;
    work.pragma_update(None, "user_version", newest)?;
    work.commit()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// This version, and two steps more, with enough work in them to be killed in the middle.
    fn steps() -> Vec<&'static str> {
        let work = "CREATE TABLE later(n INTEGER);
            INSERT INTO later WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k
                WHERE n < 60000) SELECT n FROM k;";
        let more = "CREATE TABLE last(n INTEGER); INSERT INTO last SELECT n FROM later;";
        STEPS.iter().copied().chain([work, more]).collect()
    }

    /// Run by the test below in a process of its own, to be killed in the middle of a migration.
    #[test]
    fn migrates() {
        let Some(file) = std::env::var_os("ANDON_TEST_MIGRATES") else { return };
        let mut base = Connection::open(file).unwrap();
        // As little memory as can be, so that pages of the unfinished transaction reach the disk.
        base.execute_batch("PRAGMA cache_size = 10").unwrap();
        println!("\nbegins");
        migrate_by(&mut base, &steps()).unwrap();
        println!("\nended");
    }

    #[test]
    fn killed_in_the_middle_of_a_migration_a_file_is_of_the_old_version_or_the_new() {
        let mut before = 0;
        for kill in 0..12_u64 {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("memory.db");
            let mut base = Connection::open(&file).unwrap();
            base.pragma_update(None, "journal_mode", "WAL").unwrap();
            migrate(&mut base).unwrap();
            drop(base);
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["store::schema::tests::migrates", "--exact", "--nocapture"])
                .env("ANDON_TEST_MIGRATES", &file)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines =
                BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            assert!(lines.any(|line| line == "begins"));
            // What the log holds tells how far it is.
            let log = folder.path().join("memory.db-wal");
            let wanted = kill * 60_000;
            while std::fs::metadata(&log).map_or(0, |meta| meta.len()) < wanted
                && child.try_wait().unwrap().is_none()
            {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let mut base = Connection::open(&file).unwrap();
            let rows = |table: &str| {
                base.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get::<_, i64>(0)
                })
            };
            match version(&base).unwrap() {
                VERSION => {
                    before += 1;
                    assert!(rows("later").is_err() && rows("last").is_err());
                    assert_eq!(rows("source").unwrap(), 0);
                }
                newest => {
                    assert_eq!(newest, VERSION + 2);
                    assert_eq!((rows("later").unwrap(), rows("last").unwrap()), (60_000, 60_000));
                }
            }
            migrate_by(&mut base, &steps()).unwrap();
            assert_eq!(version(&base).unwrap(), VERSION + 2);
        }
        assert!(before > 0, "every migration was over before it was killed");
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was() {
        let mut base = Connection::open_in_memory().unwrap();
        migrate(&mut base).unwrap();
        let broken: Vec<&str> =
            STEPS.iter().copied().chain(["CREATE TABLE later(n)", "no such words"]).collect();
        assert!(migrate_by(&mut base, &broken).is_err());
        assert_eq!(version(&base).unwrap(), VERSION);
        let later = "SELECT count(*) FROM sqlite_schema WHERE name = 'later'";
        assert_eq!(base.query_row(later, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
