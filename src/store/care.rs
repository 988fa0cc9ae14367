//! Looking after a memory: what it holds, whether it is sound, and forgetting on demand.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::block;
use super::feeds::{CALENDAR, Kept, OfKind, of_kind};
use super::fold::unfold;
use super::opening::{self, Notice};
use super::pack::unpack;
use super::tidy;
use super::words::Trouble;
use super::{Place, Store, moment, nanos, write};
use crate::model::{Calendar, Clean, Name, SourceName, Turned};

/// What a memory holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Of the file and what `SQLite` keeps beside it.
    pub bytes: u64,
    /// When the oldest thing in it was learnt.
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    /// Versions of records.
    pub versions: u32,
    pub sources: Vec<Remembered>,
}

/// What is remembered of one source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Remembered {
    pub name: SourceName,
    pub kind: Clean,
    pub records: u32,
    pub versions: u32,
    /// Numbers and probes.
    pub series: u32,
    pub last_heard: Option<Timestamp>,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Soundness {
    /// Complaints of `SQLite`; empty when the file is sound.
    pub file: Vec<Clean>,
    pub versions: u32,
    /// Versions of records and blocks of points that this andon cannot read.
    pub unreadable: u32,
}

impl Soundness {
    pub fn is_sound(&self) -> bool {
        self.file.is_empty() && self.unreadable == 0
    }
}

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    Everything,
    Source(SourceName),
    /// What ended before a moment.
    Before(Timestamp),
}

impl Store {
    /// When the oldest thing was learnt; `None` while there is nothing.
    pub fn oldest(&mut self) -> Result<Option<Timestamp>, Trouble> {
        let Some(base) = &self.base else { return Ok(None) };
        let oldest: Option<i64> =
            base.prepare_cached("SELECT min(since) FROM poll")?.query_row([], |row| row.get(0))?;
        Ok(oldest.map(moment))
    }

    /// The file may have so many pages: a full disk, for those who want to see what happens then.
    pub fn allow_pages(&mut self, pages: u32) {
        if let Some(base) = &self.base {
            let _ = base.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()));
        }
    }

    pub fn stats(&mut self) -> Result<Stats, Trouble> {
        let Some(base) = &self.base else { return Ok(Stats::default()) };
        let beside = self.file.iter().flat_map(|file| {
            ["", "-wal"].map(|part| {
                let mut path = file.clone().into_os_string();
                path.push(part);
                std::fs::metadata(path).map_or(0, |meta| meta.len())
            })
        });
        let (oldest, newest): (Option<i64>, Option<i64>) =
            base.query_row("SELECT min(since), max(until) FROM poll", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let versions = base.query_row("SELECT count(*) FROM told", [], |row| row.get(0))?;
        let mut sources = base.prepare(
            "SELECT s.name, s.kind,
                 (SELECT count(*) FROM record r WHERE r.source = s.id),
                 (SELECT count(*) FROM told t JOIN record r ON r.id = t.record WHERE r.source = s.id),
                 (SELECT count(*) FROM series x WHERE x.source = s.id),
                 (SELECT max(until) FROM poll p WHERE p.source = s.id)
             FROM source s ORDER BY s.name",
        )?;
        let rows = sources.query_map([], |row| {
            Ok(Remembered {
                name: SourceName::new(&row.get::<_, String>(0)?),
                kind: Clean::line(row.get::<_, String>(1)?),
                records: row.get(2)?,
                versions: row.get(3)?,
                series: row.get(4)?,
                last_heard: row.get::<_, Option<i64>>(5)?.map(moment),
            })
        })?;
        Ok(Stats {
            bytes: beside.sum(),
            oldest: oldest.map(moment),
            newest: newest.map(moment),
            versions,
            sources: rows.collect::<Result<_, _>>()?,
        })
    }

    /// Reads everything there is, and says what cannot be read.
    pub fn check(&mut self) -> Result<Soundness, Trouble> {
        let Some(base) = &self.base else { return Ok(Soundness::default()) };
        let mut found = Soundness::default();
        let mut complaints = base.prepare("PRAGMA integrity_check(20)")?;
        let rows = complaints.query_map([], |row| row.get::<_, String>(0))?;
        for row in rows {
            let words = row?;
            if words != "ok" {
                found.file.push(Clean::line(words));
            }
        }
        let mut versions = base.prepare(
            "SELECT r.feed, t.version FROM told t JOIN record r ON r.id = t.record
             WHERE t.version IS NOT NULL",
        )?;
        let mut rows = versions.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
            let good = match row.get(0)? {
                CALENDAR => unpack::<Calendar>(bytes).is_ok(),
                feed => of_kind(feed, Readable(bytes)) == Some(true),
            };
            found.versions += 1;
            found.unreadable += u32::from(!good);
        }
        let mut blocks = base.prepare("SELECT since, points FROM block")?;
        let mut rows = blocks.query([])?;
        while let Some(row) = rows.next()? {
            let points = row.get_ref(1)?.as_blob().unwrap_or_default();
            found.unreadable += u32::from(block::read(points, moment(row.get(0)?)).is_none());
        }
        Ok(found)
    }

    /// Forgets; gives how many records that were. What was forgotten cannot be read from the file any more.
    pub fn forget(&mut self, what: &Forget) -> Result<u32, Trouble> {
        let Some(base) = &mut self.base else { return Ok(0) };
        self.known = write::Known::default();
        let count = |base: &rusqlite::Connection| {
            base.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, u32>(0))
        };
        let before = count(base)?;
        base.pragma_update(None, "secure_delete", true)?;
        match what {
            Forget::Before(at) => tidy::forget_before(base, *at)?,
            Forget::Everything | Forget::Source(_) => {
                let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let source: Option<i64> = match what {
                    Forget::Source(name) => {
                        let found = work
                            .query_row(
                                "SELECT id FROM source WHERE name = ?1",
                                [name.as_str()],
                                |row| row.get(0),
                            )
                            .optional()?;
                        if found.is_none() {
                            return Ok(0);
                        }
                        found
                    }
                    _ => None,
                };
                work.execute(
                    "DELETE FROM told WHERE record IN
                         (SELECT id FROM record WHERE ?1 IS NULL OR source = ?1)",
                    [source],
                )?;
                // Lines that are told next take the numbers of those that are gone: nothing may be folded beyond them.
                unfold(&work)?;
                for table in ["record", "poll", "series", "block", "memory"] {
                    let all = format!("DELETE FROM {table} WHERE ?1 IS NULL OR source = ?1");
                    work.execute(&all, [source])?;
                }
                work.execute("DELETE FROM source WHERE ?1 IS NULL OR id = ?1", [source])?;
                if source.is_none() {
                    work.execute("DELETE FROM state", [])?;
                }
                work.commit()?;
            }
        }
        base.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(before.saturating_sub(count(base)?))
    }

    /// When services changed their state, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn states(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Turned>, Trouble> {
        let Some(base) = &self.base else { return Ok(Vec::new()) };
        let mut found = base.prepare_cached(
            "SELECT at, service, health, reason FROM state WHERE at BETWEEN ?1 AND ?2
             ORDER BY at, service",
        )?;
        let rows = found.query_map(params![nanos(from), nanos(until)], |row| {
            Ok(Turned {
                at: moment(row.get(0)?),
                seen: true,
                service: Name::new(&row.get::<_, String>(1)?),
                health: Clean::line(row.get::<_, String>(2)?),
                reason: Clean::line(row.get::<_, String>(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Damage was found inside: the file is set aside, and a new one begun.
    pub fn begin_anew(self, place: &Place, now: Timestamp) -> (Self, Vec<Notice>) {
        let file = self.file.clone();
        drop(self);
        match file {
            Some(file) => opening::begin_anew(&file, now),
            None => Self::open(place, now),
        }
    }
}

struct Readable<'a>(&'a [u8]);

impl OfKind for Readable<'_> {
    type Out = bool;
    fn work<T: Kept>(self) -> bool {
        unpack::<T>(self.0).is_ok()
    }
}
