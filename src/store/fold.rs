//! Folding: the records of the log in one piece each feed, what was over for a day apart, so that a start reads little.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::feeds::{self, Kept, OfKind, of_kind};
use super::moment;
use super::read::{Reach, Recalling};
use super::shape::format;
use super::tidy::sources;
use super::words::Trouble;
use crate::model::{Board, Key, Record, SourceName};

/// What was over so long before the newest news is kept apart from what a first look needs.
pub const AGO: SignedDuration = SignedDuration::from_hours(24);
/// Records that are over wait among the others until they are more than this: then they make a piece of their own.
const WAIT: usize = 50;
/// Pieces of a feed's past; then they are written as one.
const PIECES: i64 = 16;

/// Folds every feed up to the newest line of the log, once the log has grown by `tail` lines since. All of them at once:
/// a feed of which little was told would else lie behind for ever, and be lost before the line the others are folded to.
pub fn fold(base: &mut Connection, tail: i64) -> Result<(), Trouble> {
    let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
    lay_aside(&work)?;
    let due: Vec<(i64, i64, i64)> = {
        let mut grown = work.prepare(
            "SELECT r.source, r.feed, count(*) FROM told t JOIN record r ON r.id = t.record
             LEFT JOIN fold f ON f.source = r.source AND f.feed = r.feed AND f.format = ?1
             WHERE t.seq > coalesce(f.upto, 0) GROUP BY r.source, r.feed",
        )?;
        let rows =
            grown.query_map([format()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    if due.is_empty() || due.iter().map(|(_, _, lines)| lines).sum::<i64>() < tail {
        return Ok(());
    }
    let (upto, newest): (i64, i64) = work.query_row(
        "SELECT coalesce(max(seq), 0), coalesce(max(learnt), 0) FROM told",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let names: BTreeMap<i64, SourceName> = sources(&work)?;
    let mut recalling = Recalling::begin(&work, &Board::default())?;
    recalling.sources = names.clone().into_iter().collect();
    recalling.records(Reach::Whole)?;
    let (board, unreadable) = recalling.into_parts();
    let last = board.last_deploys();
    let edge = moment(newest).checked_sub(AGO).unwrap_or(Timestamp::MIN);
    for (source, feed, _) in due {
        let Some(name) = names.get(&source) else { continue };
        let folding = Folding { work: &work, board: &board, source, name, edge, last: &last };
        let done = match feed {
            _ if unreadable.contains(name) => false,
            feeds::CALENDAR => folding.calendar()?,
            _ => of_kind(feed, folding).unwrap_or(Ok(false))?,
        };
        // What cannot be folded is read from the log, from its beginning.
        let upto = if done { upto } else { 0 };
        work.execute(
            "INSERT OR REPLACE INTO fold VALUES (?1, ?2, ?3, ?4)",
            params![source, feed, format(), upto],
        )?;
    }
    work.execute(
        "UPDATE fold SET upto = ?1 WHERE upto > 0 AND format = ?2",
        params![upto, format()],
    )?;
    Ok(work.commit()?)
}

/// What was folded by another version, or lost half of itself, is folded from the log: nothing of it is kept apart.
fn lay_aside(base: &Connection) -> Result<(), Trouble> {
    base.execute(
        "UPDATE fold SET upto = 0 WHERE format <> ?1 OR NOT EXISTS (SELECT 1 FROM folded d
             WHERE d.source = fold.source AND d.feed = fold.feed AND d.past = 0)",
        [format()],
    )?;
    base.execute(
        "DELETE FROM folded WHERE NOT EXISTS (SELECT 1 FROM fold f
             WHERE f.source = folded.source AND f.feed = folded.feed AND f.upto > 0)",
        [],
    )?;
    Ok(())
}

/// One feed of one source on its way into the file; true where it got there.
struct Folding<'a> {
    work: &'a Connection,
    board: &'a Board,
    source: i64,
    name: &'a SourceName,
    /// What was over before this is kept apart.
    edge: Timestamp,
    /// Deploys that are not, however old they are.
    last: &'a BTreeSet<Key>,
}

impl Folding<'_> {
    fn write(&self, feed: i64, piece: i64, bytes: Option<Vec<u8>>) -> Result<bool, Trouble> {
        let Some(bytes) = bytes else { return Ok(false) };
        self.work.execute(
            "INSERT OR REPLACE INTO folded VALUES (?1, ?2, ?3, ?4)",
            params![self.source, feed, piece, bytes],
        )?;
        Ok(true)
    }

    fn calendar(&self) -> Result<bool, Trouble> {
        let Some(calendar) = self.board.calendars.get(self.name) else { return Ok(false) };
        self.write(feeds::CALENDAR, 0, postcard::to_stdvec(&**calendar).ok())
    }

    /// The records that lie apart already, as they lie there, and in how many pieces.
    fn apart<T: Kept>(&self) -> Result<(BTreeMap<Key, Record<T>>, i64), Trouble> {
        let mut apart = self.work.prepare_cached(
            "SELECT past, records FROM folded WHERE source = ?1 AND feed = ?2 AND past > 0
             ORDER BY past",
        )?;
        let mut rows = apart.query([self.source, T::FEED])?;
        let (mut found, mut pieces) = (BTreeMap::new(), 0);
        while let Some(row) = rows.next()? {
            pieces = row.get(0)?;
            let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
            let records: Vec<Record<T>> = postcard::from_bytes(bytes).unwrap_or_default();
            found.extend(records.into_iter().map(|mut r| (r.what.key().clone(), r)));
        }
        Ok((found, pieces))
    }
}

impl OfKind for Folding<'_> {
    type Out = Result<bool, Trouble>;
    fn work<T: Kept>(self) -> Self::Out {
        let over = |record: &Record<T>| match record.gone {
            Some(gone) => Some(gone),
            None => record.what.over(),
        };
        let is_past = |key: &Key, record: &Record<T>| {
            over(record).is_some_and(|over| over < self.edge) && !self.last.contains(key)
        };
        let (apart, pieces) = self.apart::<T>()?;
        let lies_apart = |key: &Key, record: &Record<T>| apart.get(key) == Some(record);
        let own = T::records(self.board).of(self.name);
        let (waiting, mut now): (Vec<_>, Vec<_>) = own
            .filter(|(key, record)| !lies_apart(key, record))
            .partition(|(key, record)| is_past(key, record));
        let written = |all: Vec<(&Key, &Record<T>)>| {
            let all: Vec<&Record<T>> = all.into_iter().map(|(_, record)| record).collect();
            postcard::to_stdvec(&all).ok()
        };
        if waiting.len() <= WAIT {
            now.extend(waiting);
            return self.write(T::FEED, 0, written(now));
        }
        let done = if pieces < PIECES {
            self.write(T::FEED, pieces + 1, written(waiting))?
        } else {
            self.work.execute(
                "DELETE FROM folded WHERE source = ?1 AND feed = ?2 AND past > 1",
                [self.source, T::FEED],
            )?;
            let own = T::records(self.board).of(self.name);
            let past = own.filter(|(key, r)| is_past(key, r) || lies_apart(key, r)).collect();
            self.write(T::FEED, 1, written(past))?
        };
        Ok(done && self.write(T::FEED, 0, written(now))?)
    }
}

/// Forgets what was folded: the log says otherwise now.
pub fn unfold(base: &Connection) -> Result<(), Trouble> {
    base.execute("DELETE FROM fold", [])?;
    base.execute("DELETE FROM folded", [])?;
    Ok(())
}
