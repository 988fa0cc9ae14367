//! Recalling: the board as it was last known, or as it was known at a moment, folded from what is remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::feeds::{CALENDAR, Kept, OfKind, of_kind};
use super::fold::AGO;
use super::origin::{self, Origin};
use super::pack::unpack;
use super::shape::format;
use super::words::Trouble;
use super::{Store, moment, nanos};
use crate::model::{Board, Calendar, Freshness, Key, Record, SourceName, Status};

/// Kinds of series.
pub const METRIC: i64 = 0;
pub const PROBE: i64 = 1;
/// What a number was a week before, as it was told then.
pub const USUAL: i64 = 2;

/// How much of the memory is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All that a board holds.
    Whole,
    /// What shows how things are: nothing that was over for a day, the newest readings, the last turn of each service.
    /// What it leaves out is not claimed: a beginning or a change that may lie further back is not said to be none.
    Glance,
}

impl Reach {
    /// How far back points are recalled for charts, and how many bytes of them, the newest first: a large estate starts
    /// with shorter lines, not later.
    pub(super) fn points(self) -> (SignedDuration, usize) {
        match self {
            Self::Whole => (SignedDuration::from_hours(6), 3 * 1024 * 1024),
            Self::Glance => (SignedDuration::from_mins(15), 128 * 1024),
        }
    }
}

/// What a source asked to be handed back.
pub type Words = BTreeMap<Box<str>, Box<str>>;

impl Store {
    /// The board as it was last known. `awaited` holds the sources of the configuration: others are left out,
    /// and what it says of theirs (kind, address, interval) stays.
    pub fn board_now(&mut self, awaited: &Board, now: Timestamp) -> Result<Board, Trouble> {
        self.newest(awaited, now, Reach::Whole)
    }

    /// The same at a glance: enough for a first look, in a time that does not grow with what is remembered.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn glance(&mut self, awaited: &Board, now: Timestamp) -> Result<Board, Trouble> {
        self.newest(awaited, now, Reach::Glance)
    }

    fn newest(&mut self, awaited: &Board, now: Timestamp, reach: Reach) -> Result<Board, Trouble> {
        let Some(base) = &self.base else { return Ok(awaited.clone()) };
        // One moment of the file, whoever writes meanwhile.
        let reading = base.unchecked_transaction()?;
        let mut recalling = Recalling::begin(&reading, awaited)?;
        recalling.records(reach)?;
        recalling.freshness(Timestamp::MAX)?;
        recalling.points(Timestamp::MAX, true, reach)?;
        match reach {
            Reach::Whole => recalling.turns(now)?,
            Reach::Glance => {
                recalling.last_turns(now)?;
                recalling.claim_less();
            }
        }
        self.unreadable.clone_from(&recalling.unreadable);
        let mut board = recalling.finish();
        let newest = board.sources.values().filter_map(|fresh| fresh.last_try).max();
        if newest.is_some_and(|newest| newest > now) {
            // The clock was set back since.
            board.rewind(now);
        }
        Ok(board)
    }

    /// The board as it was known at a moment: facts learnt up to then.
    pub fn board_at(&mut self, awaited: &Board, at: Timestamp) -> Result<Board, Trouble> {
        let Some(base) = &self.base else { return Ok(awaited.clone()) };
        let reading = base.unchecked_transaction()?;
        let mut recalling = Recalling::begin(&reading, awaited)?;
        recalling.records(Reach::Whole)?;
        recalling.unlearn(at)?;
        recalling.freshness(at)?;
        recalling.points(at, false, Reach::Whole)?;
        recalling.turns(at)?;
        let mut board = recalling.finish();
        board.rewind(at);
        Ok(board)
    }

    /// What a source of this kind at this address asked to be handed back at its next poll. Nothing when some of what
    /// it told cannot be read any more: then it has to tell everything again.
    pub fn memory(
        &mut self,
        source: &SourceName,
        kind: &str,
        address: &str,
    ) -> Result<Words, Trouble> {
        let Some(base) = &self.base else { return Ok(Words::new()) };
        if self.unreadable.contains(source) {
            return Ok(Words::new());
        }
        let origin = Origin { name: source.as_str(), kind, address };
        let Some(row) = origin::find(base, origin)? else { return Ok(Words::new()) };
        let mut words = base.prepare_cached("SELECT word, value FROM memory WHERE source = ?1")?;
        let rows = words.query_map([row], |row| {
            Ok((row.get::<_, String>(0)?.into(), row.get::<_, String>(1)?.into()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A board being put together.
pub struct Recalling<'a> {
    pub(super) base: &'a Connection,
    pub(super) board: Board,
    pub(super) sources: HashMap<i64, SourceName>,
    /// Up to which line of the log each feed is folded already.
    upto: HashMap<(i64, i64), i64>,
    /// Sources of which something could not be read.
    unreadable: BTreeSet<SourceName>,
    /// By source: the end of the newest good stretch of polls.
    pub(super) good_until: HashMap<i64, Timestamp>,
}

impl<'a> Recalling<'a> {
    pub fn begin(base: &'a Connection, awaited: &Board) -> Result<Self, Trouble> {
        let board = Board { sources: awaited.sources.clone(), ..Board::default() };
        let mut sources = HashMap::new();
        for (name, fresh) in &board.sources {
            let address = fresh.address.as_str();
            let origin = Origin { name: name.as_str(), kind: fresh.kind, address };
            if let Some(id) = origin::find(base, origin)? {
                // The name as the configuration has it: one text in memory, however many records carry it.
                sources.insert(id, name.clone());
            }
        }
        Ok(Self {
            base,
            board,
            sources,
            upto: HashMap::new(),
            unreadable: BTreeSet::new(),
            good_until: HashMap::new(),
        })
    }

    /// What was put together, and the sources of which something could not be read.
    pub fn into_parts(self) -> (Board, BTreeSet<SourceName>) {
        (self.board, self.unreadable)
    }

    fn finish(mut self) -> Board {
        self.board.version += 1;
        self.board
    }

    /// Every record: those folded already, and the log after them.
    pub fn records(&mut self, reach: Reach) -> Result<(), Trouble> {
        // An older andon that still runs forgets the folded records and knows nothing of the lines they reach to.
        let mut folds = self.base.prepare_cached(
            "SELECT f.source, f.feed, f.format, f.upto, EXISTS (SELECT 1 FROM folded d
                 WHERE d.source = f.source AND d.feed = f.feed AND d.past = 0) FROM fold f",
        )?;
        let mut rows = folds.query([])?;
        let mut furthest = 0;
        while let Some(row) = rows.next()? {
            let (source, feed): (i64, i64) = (row.get(0)?, row.get(1)?);
            let same = row.get_ref(2)?.as_str().is_ok_and(|found| found == format());
            let upto = if same { row.get(3)? } else { 0 };
            furthest = furthest.max(upto);
            let upto = if row.get(4)? { upto } else { 0 };
            if self.sources.contains_key(&source) {
                self.upto.insert((source, feed), upto);
            }
        }
        // What lies apart first: of two the later one holds.
        let mut folded = self.base.prepare_cached(
            "SELECT source, feed, records FROM folded WHERE past = 0 OR ?1 ORDER BY past = 0, past",
        )?;
        let mut rows = folded.query([reach == Reach::Whole])?;
        while let Some(row) = rows.next()? {
            let (source, feed): (i64, i64) = (row.get(0)?, row.get(1)?);
            let Some(name) = self.sources.get(&source) else { continue };
            let Some(upto) = self.upto.get_mut(&(source, feed)).filter(|upto| **upto > 0) else {
                continue;
            };
            let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
            let unfold = Unfold { board: &mut self.board, source: name, bytes };
            let read = if feed == CALENDAR { unfold.calendar() } else { of_kind(feed, unfold) };
            if read != Some(true) {
                *upto = 0;
            }
        }
        // All feeds are folded at once: one that is not folded yet has nothing before that line.
        let from = self.upto.values().min().copied().unwrap_or(furthest);
        let mut log = self.base.prepare_cached(
            "SELECT t.seq, r.source, r.feed, r.name, t.learnt, t.seen, t.version
             FROM told t JOIN record r ON r.id = t.record WHERE t.seq > ?1 ORDER BY t.seq",
        )?;
        let mut rows = log.query([from])?;
        while let Some(row) = rows.next()? {
            let (seq, source, feed): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if self.upto.get(&(source, feed)).is_some_and(|upto| seq <= *upto) {
                continue;
            }
            let Some(name) = self.sources.get(&source).cloned() else { continue };
            let id = row.get_ref(3)?.as_str().unwrap_or_default();
            let learnt = moment(row.get(4)?);
            let version = row.get_ref(6)?.as_blob_or_null().unwrap_or_default();
            let read = match version {
                None => {
                    let seen = row.get::<_, Option<i64>>(5)?.map(moment);
                    self.end(&name, feed, id, seen, learnt)
                }
                Some(version) => self.see(&name, feed, id, learnt, version),
            };
            if !read {
                self.unreadable.insert(name);
            }
        }
        Ok(())
    }

    fn see(
        &mut self,
        source: &SourceName,
        feed: i64,
        id: &str,
        at: Timestamp,
        version: &[u8],
    ) -> bool {
        if feed == CALENDAR {
            let Ok(calendar) = unpack::<Calendar>(version) else { return false };
            let calendar = Calendar { source: source.clone(), ..calendar };
            self.board.calendars.insert(source.clone(), Arc::new(calendar));
            return true;
        }
        let see = See { board: &mut self.board, key: Key::new(source, id), at, version };
        of_kind(feed, see) == Some(true)
    }

    fn end(
        &mut self,
        source: &SourceName,
        feed: i64,
        id: &str,
        seen: Option<Timestamp>,
        gone: Timestamp,
    ) -> bool {
        let end = End { board: &mut self.board, key: Key::new(source, id), seen, gone };
        of_kind(feed, end).is_some()
    }

    /// Takes back what was learnt after a moment.
    fn unlearn(&mut self, at: Timestamp) -> Result<(), Trouble> {
        let mut later = self.base.prepare_cached(
            "SELECT DISTINCT r.id, r.source, r.feed, r.name, r.first
             FROM told t JOIN record r ON r.id = t.record WHERE t.learnt > ?1",
        )?;
        let mut before = self.base.prepare_cached(
            "SELECT learnt, seen, version FROM told WHERE record = ?1 AND learnt <= ?2
             ORDER BY learnt DESC, seq DESC LIMIT 2",
        )?;
        let mut rows = later.query([nanos(at)])?;
        while let Some(row) = rows.next()? {
            let Some(source) = self.sources.get(&row.get(1)?).cloned() else { continue };
            let (record, feed): (i64, i64) = (row.get(0)?, row.get(2)?);
            let id: String = row.get(3)?;
            let first = moment(row.get(4)?);
            if feed == CALENDAR {
                self.board.calendars.remove(&source);
            } else {
                let key = Key::new(&source, &*id);
                of_kind(feed, Remove { board: &mut self.board, key });
            }
            let mut gone = None;
            let mut versions = before.query(params![record, nanos(at)])?;
            while let Some(version) = versions.next()? {
                let learnt = moment(version.get(0)?);
                match version.get_ref(2)?.as_blob_or_null().unwrap_or_default() {
                    None if gone.is_none() => {
                        gone = Some((version.get::<_, Option<i64>>(1)?.map(moment), learnt));
                    }
                    None => {}
                    Some(version) => {
                        if first < learnt {
                            // Known since then, in an older version.
                            self.see(&source, feed, &id, first, version);
                        }
                        self.see(&source, feed, &id, learnt, version);
                        if let Some((seen, gone)) = gone {
                            self.end(&source, feed, &id, seen, gone);
                        }
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// How each source was doing, and which records its last complete answers had.
    fn freshness(&mut self, at: Timestamp) -> Result<(), Trouble> {
        let mut spans = self.base.prepare_cached(
            "SELECT until, fresh FROM poll WHERE source = ?1 AND since <= ?2
             ORDER BY since DESC LIMIT 1",
        )?;
        let mut whole = self.base.prepare_cached(
            "SELECT until, complete FROM poll WHERE source = ?1 AND since <= ?2 AND complete <> 0
             ORDER BY since DESC LIMIT 1",
        )?;
        for (id, name) in &self.sources {
            let mut rows = spans.query(params![id, nanos(at)])?;
            let Some(row) = rows.next()? else { continue };
            let until = moment(row.get(0)?).min(at);
            let Ok(told) =
                serde_json::from_str::<Freshness>(row.get_ref(1)?.as_str().unwrap_or(""))
            else {
                continue;
            };
            let good = told.status.is_good();
            if let Some(fresh) = self.board.sources.get_mut(name) {
                *fresh = Freshness {
                    kind: fresh.kind,
                    address: fresh.address.clone(),
                    every: fresh.every,
                    last_try: Some(until),
                    last_ok: if good { Some(until) } else { told.last_ok },
                    // Who asked for quiet is left alone by the next process, too.
                    next_poll: told.next_poll.filter(|_| told.status == Status::RateLimited),
                    asking_since: None,
                    ..told
                };
                if let Some(last_ok) = fresh.last_ok {
                    self.good_until.insert(*id, last_ok);
                }
            }
            let mut rows = whole.query(params![id, nanos(at)])?;
            if let Some(row) = rows.next()? {
                let (until, complete): (i64, i64) = (row.get(0)?, row.get(1)?);
                let until = moment(until).min(at);
                for feed in (0..63).filter(|feed| complete & (1 << feed) != 0) {
                    of_kind(feed, Confirm { board: &mut self.board, source: name, at: until });
                }
            }
        }
        Ok(())
    }

    /// What was over for long was left out: nobody claims to know all changes from before.
    fn claim_less(&mut self) {
        let newest = self.board.sources.values().filter_map(|fresh| fresh.last_try).max();
        let Some(from) = newest.and_then(|newest| newest.checked_sub(AGO).ok()) else { return };
        for fresh in self.board.sources.values_mut() {
            for known in &mut fresh.changes {
                known.from = known.from.map(|known| known.max(from));
            }
        }
    }
}

struct Unfold<'a> {
    board: &'a mut Board,
    source: &'a SourceName,
    bytes: &'a [u8],
}

impl Unfold<'_> {
    fn calendar(self) -> Option<bool> {
        let calendar: Calendar = postcard::from_bytes(self.bytes).ok()?;
        let calendar = Calendar { source: self.source.clone(), ..calendar };
        self.board.calendars.insert(self.source.clone(), Arc::new(calendar));
        Some(true)
    }
}

impl OfKind for Unfold<'_> {
    type Out = bool;
    fn work<T: Kept>(self) -> bool {
        let Ok(records) = postcard::from_bytes::<Vec<Record<T>>>(self.bytes) else { return false };
        for mut record in records {
            // Whatever the bytes say: a source tells of its own records only.
            record.what.key().source = self.source.clone();
            let key = record.what.key().clone();
            T::records_mut(self.board).put(key, record);
        }
        true
    }
}

struct See<'a> {
    board: &'a mut Board,
    key: Key,
    at: Timestamp,
    version: &'a [u8],
}

impl OfKind for See<'_> {
    type Out = bool;
    fn work<T: Kept>(self) -> bool {
        let Ok(mut what) = unpack::<T>(self.version) else { return false };
        *what.key() = self.key.clone();
        T::records_mut(self.board).see(self.key, what, self.at);
        true
    }
}

struct End<'a> {
    board: &'a mut Board,
    key: Key,
    seen: Option<Timestamp>,
    gone: Timestamp,
}

impl OfKind for End<'_> {
    type Out = ();
    fn work<T: Kept>(self) {
        T::records_mut(self.board).end(&self.key, self.seen, self.gone);
    }
}

struct Remove<'a> {
    board: &'a mut Board,
    key: Key,
}

impl OfKind for Remove<'_> {
    type Out = ();
    fn work<T: Kept>(self) {
        T::records_mut(self.board).remove(&self.key);
    }
}

struct Confirm<'a> {
    board: &'a mut Board,
    source: &'a SourceName,
    at: Timestamp,
}

impl OfKind for Confirm<'_> {
    type Out = ();
    fn work<T: Kept>(self) {
        T::records_mut(self.board).confirm(self.source, self.at);
    }
}
