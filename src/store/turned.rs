//! Recalling how services turned, with the silences in which nobody asked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::read::Recalling;
use super::words::Trouble;
use super::{moment, nanos};
use crate::model::{Health, Name, TURNS_KEPT, Window, with_silences};

/// At a glance, silences are looked for no further back.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Recalling<'_> {
    /// How services turned up to a moment, with the silences in which nobody asked.
    pub(super) fn turns(&mut self, at: Timestamp) -> Result<(), Trouble> {
        let silences = self.silences(at, Timestamp::MIN)?;
        let mut all = self.base.prepare_cached(
            "SELECT service, at, health FROM state WHERE at <= ?1 ORDER BY service, at",
        )?;
        let mut rows = all.query([nanos(at)])?;
        let mut by_service: BTreeMap<Name, Vec<(Timestamp, Health)>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let service = Name::new(row.get_ref(0)?.as_str().unwrap_or_default());
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
    pub(super) fn last_turns(&mut self, at: Timestamp) -> Result<(), Trouble> {
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
            self.board.turns.recall(Name::new(name), turns);
        }
        Ok(())
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
}

/// A word of another version says nothing here.
fn health(word: Result<&str, rusqlite::types::FromSqlError>) -> Health {
    let word = word.unwrap_or_default();
    let known = [Health::Ok, Health::Degraded, Health::Down];
    known.into_iter().find(|h| h.word() == word).unwrap_or_default()
}
