//! Recalling readings and probe results: the newest blocks of each source, laid on the tracks they belong to.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::block::{self, Flat, Line, Probed, Reading};
use super::read::{METRIC, PROBE, Reach, Recalling, USUAL};
use super::words::Trouble;
use super::{moment, nanos};
use crate::model::{Clean, MetricId, Probe, ProbeResult};

/// So many polls are read at least, however large or far apart they are: a state is held against the odd result, and of
/// fewer results the odd one would be taken for it.
const FEW: usize = 4;

impl Recalling<'_> {
    /// Readings and probe results of the last hours in which each source told any.
    pub(super) fn points(
        &mut self,
        at: Timestamp,
        noted: bool,
        reach: Reach,
    ) -> Result<(), Trouble> {
        let (span, most) = reach.points();
        let mut blocks = self.base.prepare_cached(
            "SELECT tier, since, until, points FROM block WHERE source = ?1 AND since <= ?2
             ORDER BY until DESC",
        )?;
        let most = most / self.sources.len().max(1);
        let mut newest_first = Vec::new();
        for source in self.sources.keys() {
            let mut rows = blocks.query([*source, nanos(at)])?;
            let (mut polls, mut bytes, mut from) = (0, 0, Timestamp::MIN);
            while let Some(row) = rows.next()? {
                let (tier, until) = (row.get::<_, i64>(0)?, moment(row.get(2)?));
                if bytes == 0 {
                    from = until.min(at).checked_sub(span).unwrap_or(Timestamp::MIN);
                }
                let few = polls < FEW && (tier == 0 || bytes <= most);
                if !few && (until < from || bytes > most) {
                    break;
                }
                let points: Vec<u8> = row.get(3)?;
                bytes += points.len();
                polls += 1;
                newest_first.push((*source, tier, moment(row.get(1)?), points));
            }
        }
        let mut found = self.series(noted)?;
        let mut flat = Flat::default();
        for (source, tier, since, points) in newest_first.into_iter().rev() {
            flat.read(&points, since);
            for (id, when, reading) in flat.points.drain(..) {
                let Some(one) = found.get_mut(&id).filter(|one| one.told.source == source) else {
                    continue;
                };
                if when > at {
                    continue;
                }
                if one.points.is_empty() || one.newest.1 <= when {
                    one.newest = (tier, when);
                }
                one.points.push((when, reading));
            }
        }
        // Many points, few names: each name is looked up once. Of two that tell of one number the newer is placed last.
        let mut found: Vec<(i64, Found)> =
            found.into_iter().filter(|(_, one)| !one.points.is_empty()).collect();
        found.sort_unstable_by_key(|(id, one)| (one.newest.1, *id));
        for (_, one) in &mut found {
            self.place(&one.told, std::mem::take(&mut one.points));
        }
        for (_, Found { told, newest: (tier, when), .. }) in found {
            self.hold(&told, tier, when);
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

    /// Every series, without points yet.
    fn series(&self, noted: bool) -> Result<HashMap<i64, Found>, Trouble> {
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
                let (points, newest) = (Vec::new(), (0, Timestamp::MIN));
                series.insert(id, Found { told: Told { source, name }, points, newest });
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
struct Found {
    told: Told,
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
