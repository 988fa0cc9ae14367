//! Writing through: of each poll, only what differs from what is remembered already, all of a batch in one transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use serde::Serialize;

use super::block::{self, Line, Probed, Reading};
use super::feeds::{CALENDAR, Kept, number};
use super::opening::PATIENCE;
use super::origin::{self, Origin};
use super::pack::pack;
use super::words::Trouble;
use super::{Store, nanos, read};
use crate::cockpit::Heard;
use crate::model::{
    Clean, Fact, Freshness, Health, Name, Objective, Report, SourceName, Status, Turned,
};

/// What one poll gave, as it is remembered.
#[derive(Debug, Clone)]
pub struct Told {
    pub source: SourceName,
    /// When the poll began.
    pub at: Timestamp,
    /// `None` when the poll failed: the freshness says how.
    pub report: Option<Report>,
    pub freshness: Freshness,
}

impl From<&Heard> for Told {
    fn from(heard: &Heard) -> Self {
        Self {
            source: heard.source.clone(),
            at: heard.at,
            report: heard.outcome.as_ref().ok().cloned(),
            freshness: heard.freshness.clone(),
        }
    }
}

/// A clock that is further behind than this was set back.
const BACK: i64 = 60 * 1_000_000_000;
/// Bytes of the log while somebody reads an old moment of the file.
const LONGEST_LOG: u64 = 32 * 1024 * 1024;
/// Versions of an objective that is spent calmly lie at least this far apart.
const QUARTER: i64 = 15 * 60 * 1_000_000_000;
/// Points of a stretch of history lie at least this far apart.
const APART: i64 = 25 * 1_000_000_000;

/// What of the file is known without asking it: only a cache, and forgotten whenever another process has written.
#[derive(Debug, Default)]
pub struct Known {
    /// `PRAGMA data_version`: changes when somebody else writes.
    version: i64,
    sources: HashMap<SourceName, (i64, &'static str, Clean)>,
    records: HashMap<(i64, i64), HashMap<Box<str>, Seen>>,
    /// Feeds of which every present record is in `records`.
    listed: HashSet<(i64, i64)>,
    series: HashMap<(i64, i64, String), Series>,
    /// Sources whose newest points were looked up, and these points by series.
    begun: HashSet<i64>,
    newest: HashMap<i64, i64>,
    spans: HashMap<i64, Span>,
    states: HashMap<Name, Clean>,
    /// By source and name: when an objective was last written down, and what it was about then.
    objectives: HashMap<i64, HashMap<Box<str>, Coarse>>,
}

/// A moment, and what an objective was about then.
type Coarse = (i64, Vec<i64>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    record: i64,
    hash: i64,
    gone: bool,
}

#[derive(Debug, Clone)]
struct Series {
    id: i64,
    newest: Option<i64>,
    note: Option<Clean>,
}

#[derive(Debug, Clone)]
struct Span {
    since: i64,
    until: i64,
    complete: i64,
    steady: String,
}

/// What stays the same while a source's polls go on alike.
#[derive(Serialize)]
struct Steady<'a> {
    status: Status,
    message: &'a Clean,
    hint: &'a Option<Clean>,
    notes: &'a [Clean],
}

impl Store {
    /// Remembers what polls gave, in their order. Nothing of it, or all of it.
    pub fn remember(&mut self, told: &[Told]) -> Result<(), Trouble> {
        self.shorten_log()?;
        let Some(base) = &mut self.base else { return Ok(()) };
        let version = base.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if version != self.known.version {
            self.known = Known { version, ..Known::default() };
        }
        let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writing = Writing { base: &work, known: &mut self.known, lost: false };
        let done = told.iter().try_for_each(|one| writing.tell(one));
        let done = done.and_then(|()| Ok(work.commit()?));
        if done.is_err() {
            // What the cache learnt in a transaction that never was is not true.
            self.known = Known::default();
        }
        done
    }

    /// Remembers that services turned to what they are at their moments; only changes are written.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remember_states(&mut self, states: &[Turned]) -> Result<(), Trouble> {
        let Some(base) = &mut self.base else { return Ok(()) };
        let version = base.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if version != self.known.version {
            self.known = Known { version, ..Known::default() };
        }
        let known =
            |turned: &&Turned| self.known.states.get(&turned.service) == Some(&turned.health);
        let turned: Vec<&Turned> = states.iter().filter(|turned| !known(turned)).collect();
        if turned.is_empty() {
            return Ok(());
        }
        // Whoever polled before may still write: what was last is read and followed in one go.
        let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for Turned { at, seen, service, health, reason } in turned.iter().copied() {
            let before: Option<(String, i64)> = work
                .prepare_cached(
                    "SELECT health, at FROM state WHERE service = ?1 ORDER BY at DESC LIMIT 1",
                )?
                .query_row([service.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let mut insert =
                work.prepare_cached("INSERT OR REPLACE INTO state VALUES (?1, ?2, ?3, ?4)")?;
            // A beginning that is learnt late lies before others were told, but never before the turn it follows.
            let at = match &before {
                Some((_, last)) => nanos(*at).max(last.saturating_add(1)),
                None => nanos(*at),
            };
            if before.is_none() && !seen {
                let unknown = Health::Unknown.word();
                insert.execute(params![at.saturating_sub(1), service.as_str(), unknown, ""])?;
            }
            if before.is_none_or(|(before, _)| before != health.as_str()) {
                insert.execute(params![at, service.as_str(), health.as_str(), reason.as_str()])?;
            }
        }
        work.commit()?;
        for Turned { service, health, .. } in turned {
            self.known.states.insert(service.clone(), health.clone());
        }
        Ok(())
    }

    /// As long as somebody reads at one moment of the file, its log cannot be taken up again and grows: it is bounded,
    /// for somebody may be stopped for ever.
    fn shorten_log(&mut self) -> Result<(), Trouble> {
        let Some((file, base)) = self.file.as_ref().zip(self.base.as_ref()) else { return Ok(()) };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        if std::fs::metadata(log).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
            base.busy_timeout(Duration::ZERO)?;
            let busy: rusqlite::Result<i64> =
                base.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            base.busy_timeout(PATIENCE)?;
            if busy? != 0 {
                return Err(Trouble::Held);
            }
        }
        Ok(())
    }

    /// Notes what the configuration says of its sources: kinds and addresses, never credentials. Where one of these
    /// names was another source's, that one's history is kept apart.
    pub fn introduce<'a>(
        &mut self,
        sources: impl IntoIterator<Item = (&'a SourceName, &'a str, &'a str)>,
    ) -> Result<(), Trouble> {
        let Some(base) = &mut self.base else { return Ok(()) };
        let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (name, kind, address) in sources {
            origin::claim(&work, Origin { name: name.as_str(), kind, address })?;
        }
        self.known = Known::default();
        Ok(work.commit()?)
    }
}

/// One transaction of writing.
struct Writing<'a> {
    base: &'a Connection,
    known: &'a mut Known,
    /// Something of the poll at hand could not be written down.
    lost: bool,
}

impl Writing<'_> {
    fn tell(&mut self, told: &Told) -> Result<(), Trouble> {
        let source = self.source(&told.source, &told.freshness)?;
        let at = nanos(told.at);
        self.lost = false;
        let mut complete = 0;
        if let Some(report) = &told.report {
            let mut lines = Vec::new();
            let mut names: HashSet<(i64, &str)> = HashSet::new();
            for fact in &report.facts {
                self.fact(source, at, fact, &mut lines, &mut names)?;
            }
            self.lines(source, &lines)?;
            names.extend(report.still.iter().map(|(feed, id)| (number(*feed), id.raw())));
            for feed in &report.complete {
                let feed = number(*feed);
                complete |= 1 << feed;
                self.end_others(source, feed, at, &names)?;
            }
            // A source whose record could not be written down tells it again after a restart.
            let words = if self.lost { &[][..] } else { &report.remember[..] };
            for (word, value) in words {
                self.base
                    .prepare_cached(
                        "INSERT INTO memory VALUES (?1, ?2, ?3)
                         ON CONFLICT(source, word) DO UPDATE SET value = ?3 WHERE value <> ?3",
                    )?
                    .execute(params![source, &**word, &**value])?;
            }
        }
        self.outcome(source, told, complete)
    }

    fn source(&mut self, name: &SourceName, freshness: &Freshness) -> Result<i64, Trouble> {
        let Freshness { kind, address, .. } = freshness;
        if let Some((id, ..)) =
            self.known.sources.get(name).filter(|known| known.1 == *kind && known.2 == *address)
        {
            return Ok(*id);
        }
        let origin = Origin { name: name.as_str(), kind, address: address.as_str() };
        let id = origin::find_or_make(self.base, origin)?;
        self.known.sources.insert(name.clone(), (id, kind, address.clone()));
        Ok(id)
    }

    fn fact<'f>(
        &mut self,
        source: i64,
        at: i64,
        fact: &'f Fact,
        lines: &mut Vec<Line>,
        names: &mut HashSet<(i64, &'f str)>,
    ) -> Result<(), Trouble> {
        macro_rules! told {
            ($what:expr) => {{
                let what = $what;
                self.record(source, feed_of(what), what.key.id.raw(), at, what)?;
                names.insert((feed_of(what), what.key.id.raw()));
            }};
        }
        match fact {
            Fact::Sample { id, at, measure, note } => {
                let base = self.base;
                let series = self.series(source, read::METRIC, id)?;
                if series.note != *note {
                    series.note.clone_from(note);
                    let words = note.as_ref().map(Clean::as_str);
                    base.prepare_cached("UPDATE series SET note = ?2 WHERE id = ?1")?
                        .execute(params![series.id, words])?;
                }
                let point = (*at, Reading::Measure(measure.clone()));
                lines.extend(series.add([point], 0));
            }
            Fact::History { id, points } => {
                let series = self.series(source, read::METRIC, id)?;
                let points = points.iter().map(|(at, m)| (*at, Reading::Measure(m.clone())));
                lines.extend(series.add(points, APART));
            }
            Fact::Baseline { id, at, measure } => {
                let series = self.series(source, read::USUAL, id)?;
                lines.extend(series.add([(*at, Reading::Measure(measure.clone()))], APART));
            }
            Fact::Probe(result) => {
                let series = self.series(source, read::PROBE, &result.probe)?;
                let probed = Probed {
                    health: result.health,
                    words: result.words.clone(),
                    weight: result.weight,
                    latency: result.latency,
                    expires: result.expires,
                };
                lines.extend(series.add([(result.at, Reading::Probe(probed))], 0));
            }
            Fact::Alert(x) => told!(x),
            Fact::Rule(x) => told!(x),
            Fact::Silence(x) => told!(x),
            Fact::Incident(x) => told!(x),
            Fact::Shift(x) => told!(x),
            Fact::Deploy(x) => told!(x),
            Fact::Release(x) => told!(x),
            Fact::Run(x) => told!(x),
            Fact::Change(x) => told!(x),
            Fact::PostMortem(x) => {
                let x = &**x;
                told!(x);
            }
            Fact::Milestone(x) => told!(x),
            Fact::Gate(x) => told!(x),
            Fact::Environment(x) => told!(x),
            Fact::Drift(x) => told!(x),
            Fact::Approval(x) => told!(x),
            Fact::Ticket(x) => told!(x),
            Fact::LogEntry(x) => told!(x),
            Fact::Discovered(x) => {
                let x = &**x;
                told!(x);
            }
            Fact::Brought(x) => told!(x),
            Fact::Objective(x) => {
                if self.is_news(source, at, x) {
                    told!(x);
                } else {
                    names.insert((feed_of(x), x.key.id.raw()));
                }
            }
            Fact::Calendar(x) => self.record(source, CALENDAR, "", at, &**x)?,
        }
        Ok(())
    }

    /// An objective moves at every poll: a version of it is worth keeping every quarter of an hour, and whenever a
    /// hundredth of its budget has gone or its burn has doubled.
    fn is_news(&mut self, source: i64, at: i64, objective: &Objective) -> bool {
        let spent = coarse(objective);
        let objectives = self.known.objectives.entry(source).or_default();
        let before = objectives.get(objective.key.id.raw());
        let news = before.is_none_or(|(then, before)| {
            !(0..QUARTER).contains(&at.saturating_sub(*then)) || *before != spent
        });
        if news {
            objectives.insert(objective.key.id.raw().into(), (at, spent));
        }
        news
    }

    /// A new version in the log, if it is one.
    fn record(
        &mut self,
        source: i64,
        feed: i64,
        name: &str,
        at: i64,
        what: &impl Serialize,
    ) -> Result<(), Trouble> {
        // What cannot be written down (a calendar with a zone of its own) is waited for at the next start.
        let Some((version, hash)) = pack(what) else {
            self.lost = true;
            return Ok(());
        };
        let record = match self.seen(source, feed, name)? {
            Some(seen) if seen.hash == hash && !seen.gone => return Ok(()),
            Some(seen) => {
                self.base
                    .prepare_cached("UPDATE record SET hash = ?2, gone = NULL WHERE id = ?1")?
                    .execute([seen.record, hash])?;
                seen.record
            }
            None => {
                self.base
                    .prepare_cached(
                        "INSERT INTO record(source, feed, name, hash, first) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![source, feed, name, hash, at])?;
                self.base.last_insert_rowid()
            }
        };
        self.base
            .prepare_cached("INSERT INTO told(record, learnt, version) VALUES (?1, ?2, ?3)")?
            .execute(params![record, at, version])?;
        self.keep((source, feed), name, Seen { record, hash, gone: false });
        Ok(())
    }

    fn keep(&mut self, feed: (i64, i64), name: &str, seen: Seen) {
        self.known.records.entry(feed).or_default().insert(name.into(), seen);
    }

    fn seen(&mut self, source: i64, feed: i64, name: &str) -> Result<Option<Seen>, Trouble> {
        if let Some(seen) = self.known.records.get(&(source, feed)).and_then(|all| all.get(name)) {
            return Ok(Some(*seen));
        }
        let found = self
            .base
            .prepare_cached(
                "SELECT id, hash, gone IS NOT NULL FROM record
                 WHERE source = ?1 AND feed = ?2 AND name = ?3",
            )?
            .query_row(params![source, feed, name], |row| {
                Ok(Seen { record: row.get(0)?, hash: row.get(1)?, gone: row.get(2)? })
            })
            .optional()?;
        if let Some(seen) = found {
            self.keep((source, feed), name, seen);
        }
        Ok(found)
    }

    /// A complete answer did not have these any more: they are gone.
    fn end_others(
        &mut self,
        source: i64,
        feed: i64,
        at: i64,
        names: &HashSet<(i64, &str)>,
    ) -> Result<(), Trouble> {
        if !self.known.listed.contains(&(source, feed)) {
            let mut present = self.base.prepare_cached(
                "SELECT name, id, hash FROM record WHERE source = ?1 AND feed = ?2 AND gone IS NULL",
            )?;
            let mut rows = present.query([source, feed])?;
            while let Some(row) = rows.next()? {
                let seen = Seen { record: row.get(1)?, hash: row.get(2)?, gone: false };
                let name: String = row.get(0)?;
                self.keep((source, feed), &name, seen);
            }
            self.known.listed.insert((source, feed));
        }
        let known = self.known.records.get(&(source, feed));
        let ends = |name: &str, seen: &Seen| !seen.gone && !names.contains(&(feed, name));
        if !known.is_some_and(|all| all.iter().any(|(name, seen)| ends(name, seen))) {
            return Ok(());
        }
        // They were there when the feed was last listed whole, whatever failed since.
        let last: Option<i64> = self
            .base
            .prepare_cached(
                "SELECT max(until) FROM poll WHERE source = ?1 AND complete & (1 << ?2) <> 0",
            )?
            .query_row([source, feed], |row| row.get(0))?;
        let known = self.known.records.entry((source, feed)).or_default();
        for (name, seen) in known.iter_mut().filter(|(_, seen)| !seen.gone) {
            if names.contains(&(feed, &**name)) {
                continue;
            }
            seen.gone = true;
            self.base
                .prepare_cached("UPDATE record SET gone = ?2 WHERE id = ?1")?
                .execute([seen.record, at])?;
            self.base
                .prepare_cached("INSERT INTO told(record, learnt, seen) VALUES (?1, ?2, ?3)")?
                .execute(params![seen.record, at, last])?;
        }
        Ok(())
    }

    fn series(
        &mut self,
        source: i64,
        kind: i64,
        name: &impl Serialize,
    ) -> Result<&mut Series, Trouble> {
        let name = serde_json::to_string(name).unwrap_or_default();
        let key = (source, kind, name);
        if !self.known.series.contains_key(&key) {
            let known = params![source, kind, &key.2];
            self.base
                .prepare_cached(
                    "INSERT OR IGNORE INTO series(source, kind, name) VALUES (?1, ?2, ?3)",
                )?
                .execute(known)?;
            let series = self
                .base
                .prepare_cached(
                    "SELECT id, note FROM series WHERE source = ?1 AND kind = ?2 AND name = ?3",
                )?
                .query_row(known, |row| {
                    let note: Option<String> = row.get(1)?;
                    Ok(Series { id: row.get(0)?, newest: None, note: note.map(Clean::from) })
                })?;
            if self.known.begun.insert(source) {
                self.newest_points(source)?;
            }
            let newest = self.known.newest.remove(&series.id);
            self.known.series.insert(key.clone(), Series { newest, ..series });
        }
        self.known.series.get_mut(&key).ok_or(Trouble::Unreadable("a series"))
    }

    /// Where the remembered points of a source end, so that history told anew is not remembered twice.
    fn newest_points(&mut self, source: i64) -> Result<(), Trouble> {
        let newest = &mut self.known.newest;
        super::points::newest_blocks(self.base, source, |(series, points)| {
            if let Some((at, _)) = points.last() {
                newest.entry(series).or_insert(nanos(*at));
            }
        })
    }

    fn lines(&mut self, source: i64, lines: &[Line]) -> Result<(), Trouble> {
        let moments = || lines.iter().flat_map(|(_, points)| points.iter().map(|(at, _)| *at));
        let (Some(since), Some(until)) = (moments().min(), moments().max()) else { return Ok(()) };
        self.base
            .prepare_cached(
                "INSERT INTO block(source, tier, since, until, points) VALUES (?1, 0, ?2, ?3, ?4)",
            )?
            .execute(params![
                source,
                nanos(since),
                nanos(until),
                block::write(lines, since, false)
            ])?;
        Ok(())
    }

    fn span(&mut self, source: i64) -> Result<Option<Span>, Trouble> {
        if !self.known.spans.contains_key(&source) {
            let span = self
                .base
                .prepare_cached(
                    "SELECT since, until, complete, steady FROM poll
                     WHERE source = ?1 ORDER BY since DESC LIMIT 1",
                )?
                .query_row([source], |row| {
                    Ok(Span {
                        since: row.get(0)?,
                        until: row.get(1)?,
                        complete: row.get(2)?,
                        steady: row.get(3)?,
                    })
                })
                .optional()?;
            if let Some(span) = span {
                self.known.spans.insert(source, span);
            }
        }
        Ok(self.known.spans.get(&source).cloned())
    }

    /// How the poll went: the stretch of equal outcomes grows, or a new one begins.
    fn outcome(&mut self, source: i64, told: &Told, complete: i64) -> Result<(), Trouble> {
        let fresh = &told.freshness;
        let steady = Steady {
            status: fresh.status,
            message: &fresh.message,
            hint: &fresh.hint,
            notes: &fresh.notes,
        };
        let steady = serde_json::to_string(&steady).unwrap_or_default();
        let whole = serde_json::to_string(fresh).unwrap_or_default();
        let at = nanos(told.at);
        let gap = fresh.every.saturating_mul(3).max(SignedDuration::from_mins(5));
        let gap = i64::try_from(gap.as_nanos()).unwrap_or(i64::MAX);
        let span = self.span(source)?.filter(|span| {
            span.steady == steady
                && span.complete == complete
                && (span.until..=span.until.saturating_add(gap)).contains(&at)
        });
        let since = if let Some(span) = span {
            self.base
                .prepare_cached(
                    "UPDATE poll SET until = ?3, times = times + 1, fresh = ?4
                     WHERE source = ?1 AND since = ?2",
                )?
                .execute(params![source, span.since, at, whole])?;
            span.since
        } else {
            self.base
                .prepare_cached("INSERT OR REPLACE INTO poll VALUES (?1, ?2, ?2, 1, ?3, ?4, ?5)")?
                .execute(params![source, at, complete, steady, whole])?;
            at
        };
        self.known.spans.insert(source, Span { since, until: at, complete, steady });
        Ok(())
    }
}

/// Hundredths of the budget gone over the period, and for each shorter window how often one budget's pace was doubled.
fn coarse(objective: &Objective) -> Vec<i64> {
    let budget = 1.0 - objective.target;
    let pace = |spent: &crate::model::Spent| match spent.ratio.number().map(|ratio| ratio / budget)
    {
        None => -2,
        Some(pace) if spent.window == objective.period => (pace * 100.0) as i64,
        Some(pace) if pace < 0.5 => -1,
        Some(pace) => pace.log2() as i64,
    };
    objective.spent.iter().map(pace).collect()
}

fn feed_of<T: Kept>(_: &T) -> i64 {
    T::FEED
}

impl Series {
    /// The points worth remembering: newer than what is there.
    fn add(
        &mut self,
        points: impl IntoIterator<Item = (Timestamp, Reading)>,
        apart: i64,
    ) -> Option<Line> {
        let mut kept = Vec::new();
        for (at, reading) in points {
            let now = nanos(at);
            let told = match &self.newest {
                None => true,
                Some(before) if now < before.saturating_sub(BACK) => apart == 0,
                Some(before) => now.saturating_sub(*before) > apart,
            };
            if told {
                self.newest = Some(now);
                kept.push((at, reading));
            }
        }
        (!kept.is_empty()).then_some((self.id, kept))
    }
}
