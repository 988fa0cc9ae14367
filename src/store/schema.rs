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
"];

/// The version this andon writes.
pub const VERSION: i64 = STEPS.len() as i64;

pub fn version(base: &Connection) -> rusqlite::Result<i64> {
    base.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file to this version: all steps, or none.
pub fn migrate(base: &mut Connection) -> rusqlite::Result<()> {
    if version(base)? == VERSION {
        return Ok(());
    }
    // Another process may do the same at the same moment: the version is read again under the lock.
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = usize::try_from(version(&work)?).unwrap_or(0);
    for step in STEPS.iter().skip(from) {
        work.execute_batch(step)?;
    }
    work.pragma_update(None, "application_id", APPLICATION)?;
    work.pragma_update(None, "user_version", VERSION)?;
    work.commit()
}
