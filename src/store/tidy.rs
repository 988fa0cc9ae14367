//! Keeping memory small and quick: records are folded, points are thinned with age, what is too old is forgotten.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::block::{self, Line};
use super::feeds;
use super::fold::{fold, unfold};
use super::words::Trouble;
use super::{Store, moment, nanos, write};
use crate::model::{Feed, SourceName};

/// How far memory reaches.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub retention: SignedDuration,
    /// Bytes of the file.
    pub most: u64,
}

/// Lines of the log that are read again at a start before they are folded.
const TAIL: i64 = 100;
/// Points of single polls become minutes after this, and minutes become quarters of an hour.
const RAW: SignedDuration = SignedDuration::from_hours(2);
const MINUTES: SignedDuration = SignedDuration::from_hours(72);
/// Older versions of these are dropped a week after they were followed by others: what they were in between is not
/// what anybody travels back for, and they are many.
const PASSING: SignedDuration = SignedDuration::from_hours(7 * 24);

const DAY: i64 = 24 * 3600 * 1_000_000_000;

impl Store {
    /// Everything that is due. Cheap when nothing is.
    pub fn tidy(&mut self, now: Timestamp, bounds: Bounds) -> Result<(), Trouble> {
        let Some(base) = &mut self.base else { return Ok(()) };
        self.known = write::Known::default();
        thin(base, now)?;
        let cutoff = now.checked_sub(bounds.retention).unwrap_or(Timestamp::MIN);
        // By the day: what is forgotten has to be folded anew.
        let cutoff = moment(nanos(cutoff).div_euclid(DAY).saturating_mul(DAY));
        forget_before(base, cutoff)?;
        drop_passing(base, now.checked_sub(PASSING).unwrap_or(Timestamp::MIN))?;
        fold(base, TAIL)?;
        shrink(base, now, cutoff, bounds.most)?;
        release(base)?;
        base.execute_batch("PRAGMA optimize")?;
        Ok(())
    }

    /// Folds whatever is not folded yet.
    pub fn fold(&mut self) -> Result<(), Trouble> {
        match &mut self.base {
            Some(base) => fold(base, 1),
            None => Ok(()),
        }
    }
}

pub fn sources(base: &Connection) -> Result<BTreeMap<i64, SourceName>, Trouble> {
    let mut all = base.prepare_cached("SELECT id, name FROM source")?;
    let rows =
        all.query_map([], |row| Ok((row.get(0)?, SourceName::new(&row.get::<_, String>(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Single polls become hours of minutes, and these become days of quarters of an hour.
fn thin(base: &mut Connection, now: Timestamp) -> Result<(), Trouble> {
    let hour = SignedDuration::from_hours(1);
    let steps = [
        (0, RAW, hour, SignedDuration::from_mins(1)),
        (1, MINUTES, SignedDuration::from_hours(24), SignedDuration::from_mins(15)),
    ];
    for (tier, age, span, step) in steps {
        let span = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let edge = nanos(now.checked_sub(age).unwrap_or(Timestamp::MIN));
        // Whole hours and days only, so that each is worked on once.
        let edge = edge.div_euclid(span).saturating_mul(span);
        let due: Vec<(i64, i64)> = {
            let mut due = base.prepare_cached(
                "SELECT DISTINCT source, since / ?3 FROM block WHERE tier = ?1 AND until < ?2",
            )?;
            let rows = due.query_map([tier, edge, span], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (source, slot) in due {
            merge(base, source, tier, (slot * span, (slot + 1) * span, edge), step)?;
        }
    }
    Ok(())
}

fn merge(
    base: &mut Connection,
    source: i64,
    tier: i64,
    (from, before, edge): (i64, i64, i64),
    step: SignedDuration,
) -> Result<(), Trouble> {
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut lines: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    {
        let mut blocks = work.prepare_cached(
            "SELECT since, points FROM block WHERE source = ?1 AND tier = ?2 AND since >= ?3
             AND since < ?4 AND until < ?5 ORDER BY since",
        )?;
        let mut rows = blocks.query([source, tier, from, before, edge])?;
        while let Some(row) = rows.next()? {
            let points = row.get_ref(1)?.as_blob().unwrap_or_default();
            for (series, points) in block::read(points, moment(row.get(0)?)).unwrap_or_default() {
                lines.entry(series).or_default().extend(points);
            }
        }
    }
    let lines: Vec<Line> = lines
        .into_iter()
        .map(|(series, mut points)| {
            points.sort_by_key(|(at, _)| *at);
            (series, block::thin(points, step))
        })
        .collect();
    work.execute(
        "DELETE FROM block WHERE source = ?1 AND tier = ?2 AND since >= ?3 AND since < ?4
         AND until < ?5",
        [source, tier, from, before, edge],
    )?;
    let moments = || lines.iter().flat_map(|(_, points)| points.iter().map(|(at, _)| nanos(*at)));
    if let (Some(since), Some(until)) = (moments().min(), moments().max()) {
        let points = block::write(&lines, moment(since), true);
        work.execute(
            "INSERT INTO block(source, tier, since, until, points) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![source, tier + 1, since, until, points],
        )?;
    }
    Ok(work.commit()?)
}

/// Forgets what ended before a moment: what is still so stays, however long ago it began.
pub fn forget_before(base: &mut Connection, cutoff: Timestamp) -> Result<(), Trouble> {
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let cutoff = nanos(cutoff);
    // Documents are told once and then only said to be there: whose are forgotten has to tell them again.
    work.execute(
        "DELETE FROM memory WHERE source IN (SELECT record.source FROM record
         WHERE record.gone IS NULL AND record.feed = ?2
             AND (SELECT max(t.learnt) FROM told t WHERE t.record = record.id) < ?1
             AND NOT EXISTS (SELECT 1 FROM poll p
                 WHERE p.source = record.source AND p.complete & (1 << record.feed) <> 0))",
        [cutoff, feeds::number(Feed::PostMortems)],
    )?;
    // A feed that is listed whole says itself what is gone; of others, what was not told anew is over.
    let gone = work.execute(
        "DELETE FROM record WHERE gone < ?1 OR (
             (SELECT max(t.learnt) FROM told t WHERE t.record = record.id) < ?1
             AND record.feed <> ?2
             AND NOT EXISTS (SELECT 1 FROM poll p
                 WHERE p.source = record.source AND p.complete & (1 << record.feed) <> 0))",
        [cutoff, feeds::CALENDAR],
    )?;
    let versions = work.execute(
        "DELETE FROM told WHERE learnt < ?1 AND (
             NOT EXISTS (SELECT 1 FROM record r WHERE r.id = told.record)
             OR EXISTS (SELECT 1 FROM told later WHERE later.record = told.record
                 AND later.learnt > told.learnt AND later.learnt < ?1))",
        [cutoff],
    )?;
    if gone > 0 {
        work.execute("DELETE FROM told WHERE record NOT IN (SELECT id FROM record)", [])?;
    }
    if gone + versions > 0 {
        unfold(&work)?;
    }
    work.execute("DELETE FROM block WHERE until < ?1", [cutoff])?;
    work.execute(
        "DELETE FROM poll WHERE until < ?1 AND since < (SELECT max(since) FROM poll p
             WHERE p.source = poll.source)",
        [cutoff],
    )?;
    work.execute("DELETE FROM state WHERE at < ?1", [cutoff])?;
    Ok(work.commit()?)
}

/// Drops versions that were followed by others before a moment; never the last line of the log, whose number the next
/// one would take though everything up to it is folded.
fn drop_passing(base: &mut Connection, before: Timestamp) -> Result<(), Trouble> {
    const MANY: [&str; 8] = [
        "rules",
        "runs",
        "post_mortems",
        "calendar",
        "drifts",
        "environments",
        "gates",
        "objectives",
    ];
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for feed in MANY.into_iter().filter_map(feeds::of_word) {
        work.execute(
            "DELETE FROM told WHERE learnt < ?1 AND version IS NOT NULL
             AND record IN (SELECT id FROM record WHERE feed = ?2)
             AND seq < (SELECT max(seq) FROM told)
             AND EXISTS (SELECT 1 FROM told later WHERE later.record = told.record
                 AND later.learnt > told.learnt AND later.learnt < ?1)",
            [nanos(before), feed],
        )?;
    }
    Ok(work.commit()?)
}

/// Where the file is too large, memory reaches less far back: a tenth less, until it fits or is a few hours.
fn shrink(
    base: &mut Connection,
    now: Timestamp,
    oldest: Timestamp,
    most: u64,
) -> Result<(), Trouble> {
    let mut reach = now.duration_since(oldest);
    while size(base)? > most {
        if reach < SignedDuration::from_hours(6) {
            break;
        }
        reach = reach - reach / 10;
        forget_before(base, now.checked_sub(reach).unwrap_or(Timestamp::MIN))?;
        // What is folded takes room as well.
        fold(base, TAIL)?;
    }
    Ok(())
}

/// Gives what is not used back to the disk. Each step gives back one page, and a batch takes one step only.
fn release(base: &Connection) -> Result<(), Trouble> {
    let mut vacuum = base.prepare_cached("PRAGMA incremental_vacuum")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

/// Bytes of the file that are in use.
pub fn size(base: &Connection) -> Result<u64, Trouble> {
    let number = |pragma: &str| -> Result<u64, Trouble> {
        let n: i64 = base.query_row(pragma, [], |row| row.get(0))?;
        Ok(u64::try_from(n).unwrap_or(0))
    };
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok(pages * number("PRAGMA page_size")?)
}
