//! Recalling: the board as it was last known, or as it was known at a moment, folded from what is remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::block::{self, Line, Probed, Reading};
use super::feeds::{CALENDAR, Kept, OfKind, of_kind};
use super::origin::{self, Origin};
use super::pack::unpack;
use super::shape::format;
use super::tidy::AGO;
use super::words::Trouble;
use super::{Store, moment, nanos};
use crate::model::{
    self, Board, Calendar, Clean, Freshness, Health, Key, MetricId, Probe, ProbeResult, Record,
    SourceName, Status, TURNS_KEPT, Window, with_silences,
};

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
    /// What shows how things are: nothing that was over for days, the newest readings, the last turn of each service.
    /// What it leaves out is not claimed: a beginning or a change that may lie further back is not said to be none.
    Glance,
}

impl Reach {
    /// How far back points are recalled for charts, and how many bytes of them, the newest first: a large estate starts
    /// with shorter lines, not later.
    fn points(self) -> (SignedDuration, usize) {
        match self {
            Self::Whole => (SignedDuration::from_hours(6), 3 * 1024 * 1024),
            Self::Glance => (SignedDuration::from_hours(1), 192 * 1024),
        }
    }
}

/// At a glance, silences are looked for no further back.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

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
        let mut recalling = Recalling::begin(base, awaited)?;
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
    base: &'a Connection,
    board: Board,
    sources: HashMap<i64, SourceName>,
    /// Up to which line of the log each feed is folded already.
    upto: HashMap<(i64, i64), i64>,
    /// Sources of which something could not be read.
    unreadable: BTreeSet<SourceName>,
    /// By source: the end of the newest good stretch of polls.
    good_until: HashMap<i64, Timestamp>,
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
        let mut folds = self.base.prepare_cached("SELECT source, feed, format, upto FROM fold")?;
        let mut rows = folds.query([])?;
        let mut furthest = 0;
        while let Some(row) = rows.next()? {
            let (source, feed): (i64, i64) = (row.get(0)?, row.get(1)?);
            let same = row.get_ref(2)?.as_str().is_ok_and(|found| found == format());
            let upto = if same { row.get(3)? } else { 0 };
            furthest = furthest.max(upto);
            if self.sources.contains_key(&source) {
                self.upto.insert((source, feed), upto);
            }
        }
        // What lies apart first: of two the later one holds.
        let mut folded = self.base.prepare_cached(
            "SELECT source, feed, records FROM folded WHERE past <= ?1 ORDER BY past DESC",
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

    /// How services turned up to a moment, with the silences in which nobody asked.
    fn turns(&mut self, at: Timestamp) -> Result<(), Trouble> {
        let silences = self.silences(at, Timestamp::MIN)?;
        let mut all = self.base.prepare_cached(
            "SELECT service, at, health FROM state WHERE at <= ?1 ORDER BY service, at",
        )?;
        let mut rows = all.query([nanos(at)])?;
        let mut by_service: BTreeMap<model::Name, Vec<(Timestamp, Health)>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let service = model::Name::new(row.get_ref(0)?.as_str().unwrap_or_default());
            let turn = (moment(row.get(1)?), health(row.get_ref(2)?.as_str()));
            by_service.entry(service).or_default().push(turn);
        }
        for (service, mut turns) in by_service {
            turns.drain(..turns.len().saturating_sub(TURNS_KEPT));
            self.board.turns.recall(service, with_silences(&turns, &silences, at));
        }
        Ok(())
    }

    /// The last turn of each service, found without reading the others. It began no earlier than anybody looks back here.
    fn last_turns(&mut self, at: Timestamp) -> Result<(), Trouble> {
        let from = at.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let silences = self.silences(at, from)?;
        let mut services = self.base.prepare_cached(
            "WITH RECURSIVE s(name) AS (SELECT min(service) FROM state UNION ALL
                 SELECT (SELECT min(service) FROM state WHERE service > name) FROM s
                 WHERE name IS NOT NULL)
             SELECT name FROM s WHERE name IS NOT NULL",
        )?;
        let mut last = self.base.prepare_cached(
            "SELECT at, health FROM state WHERE service = ?1 AND at <= ?2
             ORDER BY at DESC LIMIT 2",
        )?;
        let mut rows = services.query([])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str().unwrap_or_default();
            let mut newest_first = last.query(params![name, nanos(at)])?;
            let mut turns = Vec::new();
            while let Some(turn) = newest_first.next()? {
                turns.push((moment(turn.get(0)?), health(turn.get_ref(1)?.as_str())));
            }
            turns.reverse();
            for (began, _) in &mut turns {
                *began = (*began).max(from);
            }
            if let Some((began, health)) = turns.last().copied().filter(|last| last.0 == from) {
                // Whether it has been so since it began, nobody looked.
                let tick = SignedDuration::from_nanos(1);
                turns = vec![(began, Health::Unknown), (began + tick, health)];
            }
            let turns = with_silences(&turns, &silences, at);
            self.board.turns.recall(model::Name::new(name), turns);
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

    /// When nobody asked any source of the configuration: longer than the answers of the busiest one hold.
    /// `from` bounds how far back they are looked for.
    fn silences(&self, at: Timestamp, from: Timestamp) -> Result<Vec<Window>, Trouble> {
        let holds = self.board.sources.values().map(|fresh| fresh.limits().1).min();
        let holds = holds.unwrap_or(SignedDuration::from_mins(5));
        // A stretch that began before is looked at with the others: a source's stretches follow each other.
        let mut polls = self.base.prepare_cached(
            "SELECT p.since, p.until FROM source s JOIN poll p ON p.source = s.id
             AND p.since BETWEEN coalesce((SELECT max(since) FROM poll
                 WHERE source = s.id AND since <= ?2), ?2) AND ?1
             ORDER BY p.since",
        )?;
        let mut rows = polls.query([nanos(at), nanos(from)])?;
        let mut heard: Option<Timestamp> = None;
        let mut silences = Vec::new();
        while let Some(row) = rows.next()? {
            let (since, until) = (moment(row.get(0)?), moment(row.get(1)?).min(at));
            if let Some(last) = heard.filter(|last| since.duration_since(*last) > holds) {
                silences.push(Window { from: last, until: since });
            }
            heard = Some(heard.map_or(until, |last| last.max(until)));
        }
        if let Some(last) = heard.filter(|last| at.duration_since(*last) > holds) {
            silences.push(Window { from: last, until: at });
        }
        Ok(silences)
    }

    /// Readings and probe results of the last hours in which each source told any.
    fn points(&mut self, at: Timestamp, noted: bool, reach: Reach) -> Result<(), Trouble> {
        let (span, most) = reach.points();
        let series = self.series(noted)?;
        let mut blocks = self.base.prepare_cached(
            "SELECT tier, since, until, points FROM block WHERE source = ?1 AND since <= ?2
             ORDER BY until DESC",
        )?;
        let most = most / self.sources.len().max(1);
        let mut newest_first = Vec::new();
        for source in self.sources.keys() {
            let mut rows = blocks.query([*source, nanos(at)])?;
            let (mut bytes, mut from) = (0, Timestamp::MIN);
            while let Some(row) = rows.next()? {
                let until = moment(row.get(2)?);
                if bytes == 0 {
                    from = until.min(at).checked_sub(span).unwrap_or(Timestamp::MIN);
                }
                if until < from || bytes > most {
                    break;
                }
                let points: Vec<u8> = row.get(3)?;
                bytes += points.len();
                newest_first.push((*source, row.get::<_, i64>(0)?, moment(row.get(1)?), points));
            }
        }
        let mut found: HashMap<i64, Found> = HashMap::new();
        for (source, tier, since, points) in newest_first.into_iter().rev() {
            for (id, mut points) in block::read(&points, since).unwrap_or_default() {
                if series.get(&id).is_none_or(|told| told.source != source) {
                    continue;
                }
                points.retain(|(when, _)| *when <= at);
                let Some(when) = points.iter().map(|(when, _)| *when).max() else { continue };
                let one = found.entry(id).or_default();
                if one.points.is_empty() || one.newest.1 <= when {
                    one.newest = (tier, when);
                }
                one.points.append(&mut points);
            }
        }
        // Many points, few names: each name is looked up once. Of two that tell of one number the newer is placed last.
        let mut found: Vec<(i64, Found)> = found.into_iter().collect();
        found.sort_unstable_by_key(|(id, one)| (one.newest.1, *id));
        for (id, one) in &mut found {
            if let Some(told) = series.get(id) {
                self.place(told, std::mem::take(&mut one.points));
            }
        }
        for (id, Found { newest: (tier, when), .. }) in found {
            if let Some(told) = series.get(&id) {
                self.hold(told, tier, when);
            }
        }
        Ok(())
    }

    fn place(&mut self, told: &Told, points: Vec<(Timestamp, Reading)>) {
        match &told.name {
            Name::Metric(id, note) => self.track(told.source, id, note.as_ref(), points),
            Name::Probe(probe) => {
                for (at, reading) in points {
                    if let Reading::Probe(probed) = reading {
                        self.probed(told.source, probe, at, probed);
                    }
                }
            }
            Name::Usual(id) => {
                if let Some((at, Reading::Measure(measure))) = points.into_iter().next_back() {
                    self.board.baselines.insert(id.clone(), (at, measure));
                }
            }
        }
    }

    fn track(
        &mut self,
        source: i64,
        id: &MetricId,
        note: Option<&Clean>,
        points: Vec<(Timestamp, Reading)>,
    ) {
        let Some(source) = self.sources.get(&source) else { return };
        let track = self.board.tracks.entry(id.clone()).or_default();
        for (at, reading) in points {
            if let Reading::Measure(measure) = reading {
                track.add(at, measure);
            }
        }
        if track.note.as_ref() != note {
            track.note = note.cloned();
        }
        self.board.track_sources.entry(id.clone()).or_insert_with(|| source.clone());
    }

    fn probed(&mut self, source: i64, probe: &Probe, at: Timestamp, probed: Probed) {
        let Some(source) = self.sources.get(&source) else { return };
        let results = self.board.probes.entry(probe.clone()).or_default();
        results.push_back(ProbeResult {
            probe: probe.clone(),
            weight: probed.weight,
            at,
            health: probed.health,
            words: probed.words,
            latency: probed.latency,
            expires: probed.expires,
        });
        while results.len() > crate::model::RESULTS_KEPT {
            results.pop_front();
        }
        self.board.probe_sources.entry(probe.clone()).or_insert_with(|| source.clone());
    }

    /// Older readings are thinned: the last one of its minute, or quarter of an hour, stands until the next, as long as
    /// its source went on answering.
    fn hold(&mut self, told: &Told, tier: i64, when: Timestamp) {
        let Some(until) = self.good_until.get(&told.source).copied() else { return };
        let longest = match tier {
            0 => return,
            1 => SignedDuration::from_secs(75),
            _ => SignedDuration::from_secs(960),
        };
        if until <= when || until.duration_since(when) > longest {
            return;
        }
        match &told.name {
            Name::Metric(id, _) => {
                if let Some(track) = self.board.tracks.get_mut(id)
                    && let Some((_, measure)) = track.newest().cloned()
                {
                    track.add(until, measure);
                }
            }
            Name::Probe(probe) => {
                if let Some(results) = self.board.probes.get_mut(probe)
                    && let Some(last) = results.back().cloned()
                {
                    results.push_back(ProbeResult { at: until, ..last });
                }
            }
            // It holds for its hour by itself.
            Name::Usual(_) => {}
        }
    }

    fn series(&self, noted: bool) -> Result<HashMap<i64, Told>, Trouble> {
        let mut all =
            self.base.prepare_cached("SELECT id, source, kind, name, note FROM series")?;
        let mut rows = all.query([])?;
        let mut series = HashMap::new();
        while let Some(row) = rows.next()? {
            let (id, source, kind): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let name = row.get_ref(3)?.as_str().unwrap_or_default();
            let name = match kind {
                METRIC => serde_json::from_str::<MetricId>(name).ok().map(|id| {
                    let note = row.get::<_, Option<String>>(4).ok().flatten().filter(|_| noted);
                    Name::Metric(id, note.map(Clean::from))
                }),
                PROBE => serde_json::from_str::<Probe>(name).ok().map(Name::Probe),
                USUAL => serde_json::from_str::<MetricId>(name).ok().map(Name::Usual),
                _ => None,
            };
            if let Some(name) = name {
                series.insert(id, Told { source, name });
            }
        }
        Ok(series)
    }
}

/// A series and whose it is.
struct Told {
    source: i64,
    name: Name,
}

/// Points of one series, oldest first, and the tier and moment of the newest.
#[derive(Default)]
struct Found {
    points: Vec<(Timestamp, Reading)>,
    newest: (i64, Timestamp),
}

enum Name {
    Metric(MetricId, Option<Clean>),
    Probe(Probe),
    Usual(MetricId),
}

/// The lines of a source's newest blocks, newest block first: as many as hold a point of every series.
pub fn newest_blocks(
    base: &Connection,
    source: i64,
    mut each: impl FnMut(Line),
) -> Result<(), Trouble> {
    let mut blocks = base.prepare_cached(
        "SELECT since, points FROM block
         WHERE source = ?1 AND until > (SELECT max(until) FROM block WHERE source = ?1) - ?2
         ORDER BY until DESC",
    )?;
    let hour = i64::try_from(SignedDuration::from_hours(1).as_nanos()).unwrap_or(i64::MAX);
    let mut rows = blocks.query([source, hour])?;
    while let Some(row) = rows.next()? {
        let points = row.get_ref(1)?.as_blob().unwrap_or_default();
        block::read(points, moment(row.get(0)?))
            .unwrap_or_default()
            .into_iter()
            .for_each(&mut each);
    }
    Ok(())
}

/// A word of another version says nothing here.
fn health(word: Result<&str, rusqlite::types::FromSqlError>) -> Health {
    let word = word.unwrap_or_default();
    let known = [Health::Ok, Health::Degraded, Health::Down];
    known.into_iter().find(|h| h.word() == word).unwrap_or_default()
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
