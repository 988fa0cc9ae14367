//! A memory as JSON lines, and back: what is read is checked and cleaned as if an upstream had told it.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, Read as _, Write};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::block::{self, Probed, Reading};
use super::feeds::{self, CALENDAR, Kept, OfKind, of_kind};
use super::origin::{self, Origin};
use super::pack::{pack, unpack_bytes};
use super::read::{METRIC, PROBE};
use super::tidy::sources;
use super::words::Trouble;
use super::{Store, moment, nanos, write};
use crate::model::{Calendar, Clean, Freshness, Measure, MetricId, Probe, SourceName};

/// Version of these lines; what a newer andon wrote is refused, not guessed at.
const VERSION: u32 = 1;
/// Bytes of one line.
const LONGEST: u64 = 32 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Andon {
        memory: u32,
    },
    Source {
        name: SourceName,
        kind: Clean,
        address: Clean,
    },
    /// A version of a record; without a record, it was gone then.
    Told {
        source: SourceName,
        feed: Clean,
        id: Box<str>,
        learnt: Timestamp,
        #[serde(default)]
        seen: Option<Timestamp>,
        record: Option<Box<RawValue>>,
    },
    Poll {
        source: SourceName,
        since: Timestamp,
        until: Timestamp,
        times: i64,
        /// Feeds that were listed whole.
        complete: Vec<Clean>,
        freshness: Box<Freshness>,
    },
    Points {
        source: SourceName,
        tier: i64,
        since: Timestamp,
        until: Timestamp,
        series: Vec<Series>,
    },
    State {
        at: Timestamp,
        service: Clean,
        health: crate::model::Health,
        reason: Clean,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Series {
    Metric {
        id: MetricId,
        #[serde(default)]
        note: Option<Clean>,
        points: Vec<(Timestamp, Measure)>,
    },
    Probe {
        probe: Probe,
        points: Vec<(Timestamp, Probed)>,
    },
}

/// What an import brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Imported {
    pub lines: usize,
    /// Lines that told something that was not remembered yet.
    pub new: usize,
}

impl Store {
    /// Writes everything as JSON lines, but not the words sources asked to be handed back: elsewhere they would make
    /// them skip what was never read there.
    pub fn export(&mut self, out: &mut dyn Write) -> Result<usize, Trouble> {
        let Some(base) = &mut self.base else { return Ok(0) };
        // One moment of the file, whoever writes meanwhile.
        let base = base.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let mut count = 0;
        let mut say = |line: &Line| -> Result<(), Trouble> {
            let text = serde_json::to_string(line).map_err(|_| Trouble::Unreadable("a record"))?;
            writeln!(out, "{text}")?;
            count += 1;
            Ok(())
        };
        say(&Line::Andon { memory: VERSION })?;
        let names = sources(&base)?;
        let mut all = base.prepare("SELECT name, kind, address FROM source ORDER BY name")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let text = |i| row.get::<_, String>(i).map(Clean::line);
            say(&Line::Source {
                name: SourceName::new(&row.get::<_, String>(0)?),
                kind: text(1)?,
                address: text(2)?,
            })?;
        }
        export_records(&base, &names, &mut say)?;
        export_polls(&base, &names, &mut say)?;
        export_points(&base, &names, &mut say)?;
        let mut all = base.prepare("SELECT at, service, health, reason FROM state ORDER BY at")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let health = format!("{:?}", row.get::<_, String>(2)?);
            let Ok(health) = serde_json::from_str(&health) else { continue };
            say(&Line::State {
                at: moment(row.get(0)?),
                service: Clean::line(row.get::<_, String>(1)?),
                health,
                reason: Clean::line(row.get::<_, String>(3)?),
            })?;
        }
        Ok(count)
    }

    /// Reads exported lines: all of them, or none. What is remembered already is left as it is.
    pub fn import(&mut self, lines: &mut impl BufRead) -> Result<Imported, Trouble> {
        let Some(base) = &mut self.base else { return Ok(Imported::default()) };
        self.known = write::Known::default();
        let work = base.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut importing =
            Importing { base: &work, named: HashMap::new(), touched: BTreeSet::new() };
        let mut imported = Imported::default();
        loop {
            let mut text = String::new();
            if std::io::Read::by_ref(lines).take(LONGEST).read_line(&mut text)? == 0 {
                break;
            }
            imported.lines += 1;
            let wrong = |why: String| Trouble::Line { line: imported.lines, why };
            if text.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
            match (&line, imported.lines) {
                (Line::Andon { memory }, 1) if *memory <= VERSION => continue,
                (Line::Andon { memory }, _) => {
                    return Err(wrong(format!("version {memory}, and this andon reads {VERSION}")));
                }
                (_, 1) => return Err(wrong("the first line does not say what this is".into())),
                _ => {}
            }
            imported.new += usize::from(importing.take(line).map_err(|trouble| match trouble {
                Trouble::Unreadable(what) => wrong(format!("{what} cannot be read")),
                other => other,
            })?);
        }
        importing.settle()?;
        work.commit()?;
        Ok(imported)
    }
}

type Names = std::collections::BTreeMap<i64, SourceName>;
type Say<'a> = dyn FnMut(&Line) -> Result<(), Trouble> + 'a;

fn export_records(base: &Connection, names: &Names, say: &mut Say<'_>) -> Result<(), Trouble> {
    let mut all = base.prepare(
        "SELECT r.source, r.feed, r.name, t.learnt, t.seen, t.version
         FROM told t JOIN record r ON r.id = t.record ORDER BY t.seq",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (Some(source), Some(feed)) = (names.get(&row.get(0)?), feeds::word(row.get(1)?)) else {
            continue;
        };
        let record = match row.get_ref(5)?.as_blob_or_null().unwrap_or_default() {
            None => None,
            Some(version) => {
                // What cannot be read is left behind; `check` counts it.
                let Some(text) =
                    unpack_bytes(version).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                else {
                    continue;
                };
                let Ok(raw) = RawValue::from_string(text) else { continue };
                Some(raw)
            }
        };
        say(&Line::Told {
            source: source.clone(),
            feed: Clean::from(feed),
            id: row.get::<_, String>(2)?.into(),
            learnt: moment(row.get(3)?),
            seen: row.get::<_, Option<i64>>(4)?.map(moment),
            record,
        })?;
    }
    Ok(())
}

fn export_polls(base: &Connection, names: &Names, say: &mut Say<'_>) -> Result<(), Trouble> {
    let mut all = base.prepare(
        "SELECT source, since, until, times, complete, fresh FROM poll ORDER BY since, source",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let complete: i64 = row.get(4)?;
        let feeds = (0..63).filter(|feed| complete & (1 << feed) != 0);
        let fresh = row.get_ref(5)?.as_str().unwrap_or_default();
        let (Some(source), Ok(freshness)) = (names.get(&row.get(0)?), serde_json::from_str(fresh))
        else {
            continue;
        };
        say(&Line::Poll {
            source: source.clone(),
            since: moment(row.get(1)?),
            until: moment(row.get(2)?),
            times: row.get(3)?,
            complete: feeds.filter_map(feeds::word).map(Clean::from).collect(),
            freshness,
        })?;
    }
    Ok(())
}

fn export_points(base: &Connection, names: &Names, say: &mut Say<'_>) -> Result<(), Trouble> {
    let mut series = std::collections::HashMap::new();
    let mut all = base.prepare("SELECT id, kind, name, note FROM series")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let note: Option<String> = row.get(3)?;
        let told = (row.get::<_, i64>(1)?, row.get::<_, String>(2)?, note.map(Clean::from));
        series.insert(row.get::<_, i64>(0)?, told);
    }
    let mut all =
        base.prepare("SELECT source, tier, since, until, points FROM block ORDER BY since")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let Some(source) = names.get(&row.get(0)?) else { continue };
        let since = moment(row.get(2)?);
        let lines = block::read(row.get_ref(4)?.as_blob().unwrap_or_default(), since);
        let told = lines.unwrap_or_default().into_iter().filter_map(|(id, points)| {
            let (kind, name, note) = series.get(&id)?;
            Some(match *kind {
                METRIC => Series::Metric {
                    id: serde_json::from_str(name).ok()?,
                    note: note.clone(),
                    points: points
                        .into_iter()
                        .filter_map(|(at, reading)| match reading {
                            Reading::Measure(measure) => Some((at, measure)),
                            Reading::Probe(_) => None,
                        })
                        .collect(),
                },
                PROBE => Series::Probe {
                    probe: serde_json::from_str(name).ok()?,
                    points: points
                        .into_iter()
                        .filter_map(|(at, reading)| match reading {
                            Reading::Probe(probed) => Some((at, probed)),
                            Reading::Measure(_) => None,
                        })
                        .collect(),
                },
                // What is usual is told again within the hour it holds for.
                _ => return None,
            })
        });
        say(&Line::Points {
            source: source.clone(),
            tier: row.get(1)?,
            since,
            until: moment(row.get(3)?),
            series: told.collect(),
        })?;
    }
    Ok(())
}

struct Importing<'a> {
    base: &'a Connection,
    /// The rows of the sources that the lines named.
    named: HashMap<SourceName, i64>,
    /// Records that got versions: which is their newest is looked up at the end.
    touched: BTreeSet<i64>,
}

impl Importing<'_> {
    /// `true` when the line told something new.
    fn take(&mut self, line: Line) -> Result<bool, Trouble> {
        match line {
            Line::Andon { .. } => Ok(false),
            Line::Source { name, kind, address } => {
                let (kind, address) = (kind.as_str(), address.as_str());
                let origin = Origin { name: name.as_str(), kind, address };
                let new = origin::find(self.base, origin)?.is_none();
                let row = origin::find_or_make(self.base, origin)?;
                self.named.insert(name, row);
                Ok(new)
            }
            Line::Told { source, feed, id, learnt, seen, record } => {
                self.told(&source, &feed, &id, (learnt, seen), record.as_deref())
            }
            Line::Poll { source, since, until, times, complete, freshness } => {
                let source = self.source(&source)?;
                let complete = complete
                    .iter()
                    .filter_map(|word| feeds::of_word(word.as_str()))
                    .fold(0_i64, |all, feed| all | 1 << feed);
                let fresh = serde_json::to_string(&freshness).unwrap_or_default();
                Ok(self.base.execute(
                    "INSERT OR IGNORE INTO poll VALUES (?1, ?2, ?3, ?4, ?5, '', ?6)",
                    params![source, nanos(since), nanos(until), times, complete, fresh],
                )? > 0)
            }
            Line::Points { source, tier, since, until, series } => {
                self.points(&source, tier, (since, until), series)
            }
            Line::State { at, service, health, reason } => Ok(self.base.execute(
                "INSERT OR IGNORE INTO state VALUES (?1, ?2, ?3, ?4)",
                params![nanos(at), service.as_str(), health.word(), reason.as_str()],
            )? > 0),
        }
    }

    fn source(&self, name: &SourceName) -> Result<i64, Trouble> {
        let found = self.named.get(name).copied();
        found.ok_or(Trouble::Unreadable("a source that was not named before"))
    }

    fn told(
        &mut self,
        source: &SourceName,
        feed: &Clean,
        id: &str,
        (learnt, seen): (Timestamp, Option<Timestamp>),
        record: Option<&RawValue>,
    ) -> Result<bool, Trouble> {
        // A feed of a later andon.
        let Some(feed) = feeds::of_word(feed.as_str()) else { return Ok(false) };
        let version = match record {
            None => None,
            Some(record) => {
                let text = record.get();
                let packed = if feed == CALENDAR {
                    serde_json::from_str::<Calendar>(text).ok().and_then(|x| pack(&x))
                } else {
                    of_kind(feed, Repack(text)).flatten()
                };
                Some(packed.ok_or(Trouble::Unreadable("a record"))?.0)
            }
        };
        let source = self.source(source)?;
        let at = nanos(learnt);
        self.base
            .prepare_cached(
                "INSERT INTO record(source, feed, name, hash, first) VALUES (?1, ?2, ?3, 0, ?4)
                 ON CONFLICT(source, feed, name) DO UPDATE SET first = min(first, ?4)",
            )?
            .execute(params![source, feed, id, at])?;
        let record: i64 = self
            .base
            .prepare_cached("SELECT id FROM record WHERE source = ?1 AND feed = ?2 AND name = ?3")?
            .query_row(params![source, feed, id], |row| row.get(0))?;
        let new = self
            .base
            .prepare_cached(
                "INSERT INTO told(record, learnt, seen, version) SELECT ?1, ?2, ?3, ?4
                 WHERE NOT EXISTS (SELECT 1 FROM told WHERE record = ?1 AND learnt = ?2
                     AND (version IS NULL) = (?4 IS NULL))",
            )?
            .execute(params![record, at, seen.map(nanos), version])?
            > 0;
        if new {
            self.touched.insert(record);
        }
        Ok(new)
    }

    fn points(
        &mut self,
        source: &SourceName,
        tier: i64,
        (since, until): (Timestamp, Timestamp),
        series: Vec<Series>,
    ) -> Result<bool, Trouble> {
        let source = self.source(source)?;
        let there: bool = self
            .base
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM block WHERE source = ?1 AND tier = ?2 AND since = ?3
                     AND until = ?4)",
            )?
            .query_row(params![source, tier, nanos(since), nanos(until)], |row| row.get(0))?;
        if there || !(0..=2).contains(&tier) {
            return Ok(false);
        }
        let mut lines = Vec::new();
        for one in series {
            let mut words = None;
            let (kind, name, points): (_, _, Vec<_>) = match one {
                Series::Metric { id, note, points } => (
                    {
                        words = note;
                        METRIC
                    },
                    serde_json::to_string(&id),
                    points.into_iter().map(|(at, m)| (at, Reading::Measure(m))).collect(),
                ),
                Series::Probe { probe, points } => (
                    PROBE,
                    serde_json::to_string(&probe),
                    points.into_iter().map(|(at, p)| (at, Reading::Probe(p))).collect(),
                ),
            };
            let name = name.unwrap_or_default();
            self.base
                .prepare_cached(
                    "INSERT OR IGNORE INTO series(source, kind, name, note) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![source, kind, name, words.as_ref().map(Clean::as_str)])?;
            let id: i64 = self
                .base
                .prepare_cached(
                    "SELECT id FROM series WHERE source = ?1 AND kind = ?2 AND name = ?3",
                )?
                .query_row(params![source, kind, name], |row| row.get(0))?;
            lines.push((id, points));
        }
        self.base.execute(
            "INSERT INTO block(source, tier, since, until, points) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                source,
                tier,
                nanos(since),
                nanos(until),
                block::write(&lines, since, tier > 0)
            ],
        )?;
        Ok(true)
    }

    /// Which version is a record's newest may have changed, and the folded records with it.
    fn settle(&mut self) -> Result<(), Trouble> {
        let mut newest = self.base.prepare_cached(
            "UPDATE record SET hash = 0, gone = (SELECT iif(t.version IS NULL, t.learnt, NULL)
                 FROM told t WHERE t.record = record.id ORDER BY t.learnt DESC, t.seq DESC LIMIT 1)
             WHERE id = ?1",
        )?;
        for record in &self.touched {
            newest.execute([record])?;
        }
        if !self.touched.is_empty() {
            super::fold::unfold(self.base)?;
        }
        Ok(())
    }
}

struct Repack<'a>(&'a str);

impl OfKind for Repack<'_> {
    type Out = Option<(Vec<u8>, i64)>;
    fn work<T: Kept>(self) -> Self::Out {
        pack(&serde_json::from_str::<T>(self.0).ok()?)
    }
}
