//! What a board that runs for weeks forgets: records nobody tells of any more, and numbers that are no longer asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Board, Clean, Deploy, Key, Record, Records, SourceName};

/// Records of a feed that are kept although they are gone: alerts come and go by the thousand, and the memory on disk
/// has them all.
pub const GONE_KEPT: usize = 2_000;

impl Board {
    /// Forgets what was told last before `moment`, where its source went on telling others since: what a silent source
    /// told stays. The last deploy of every place stays too, however long ago it was.
    pub fn forget(&mut self, before: Timestamp) {
        let told = |name: &SourceName| {
            self.sources.get(name).is_none_or(|f| f.last_ok.is_some_and(|at| at >= before))
        };
        let silent: BTreeSet<SourceName> =
            self.sources.keys().filter(|name| !told(name)).cloned().collect();
        let last = self.last_deploys();
        let all = Forgetting { before, silent: &silent };
        let forgotten = [
            all.of(&mut self.alerts),
            all.of(&mut self.rules),
            all.of(&mut self.silences),
            all.of(&mut self.incidents),
            all.of(&mut self.shifts),
            all.but(&mut self.deploys, &last),
            all.of(&mut self.releases),
            all.of(&mut self.runs),
            all.of(&mut self.changes),
            all.of(&mut self.post_mortems),
            all.of(&mut self.milestones),
            all.of(&mut self.gates),
            all.of(&mut self.environments),
            all.of(&mut self.drifts),
            all.of(&mut self.approvals),
            all.of(&mut self.brought),
            all.of(&mut self.tickets),
            all.of(&mut self.log),
            all.of(&mut self.discovered),
            all.of(&mut self.objectives),
        ];
        let tracks = self.forget_numbers(before, &silent);
        if tracks || forgotten.contains(&true) {
            self.version += 1;
        }
    }

    /// The newest deploy of each repository or application in each environment, however long ago it was.
    pub fn last_deploys(&self) -> BTreeSet<Key> {
        let mut last: BTreeMap<(&Clean, &Clean, &Clean), &Deploy> = BTreeMap::new();
        for deploy in self.deploys.all().map(|record| &record.what) {
            let at = |d: &Deploy| d.finished.or(d.started);
            let place = (&deploy.repo, &deploy.app, &deploy.environment);
            let known = last.entry(place).or_insert(deploy);
            if at(known) < at(deploy) {
                *known = deploy;
            }
        }
        last.into_values().map(|deploy| deploy.key.clone()).collect()
    }
}

impl Board {
    /// Numbers that were read last before `before`, though their source is heard: a series was given another name, or
    /// nobody asks for it any more. True when there were some.
    fn forget_numbers(&mut self, before: Timestamp, silent: &BTreeSet<SourceName>) -> bool {
        let had = self.tracks.len();
        let sources = &self.track_sources;
        self.tracks.retain(|id, track| {
            track.newest().is_some_and(|(at, _)| *at >= before)
                || sources.get(id).is_none_or(|source| silent.contains(source))
        });
        if self.tracks.len() == had {
            return false;
        }
        self.track_sources.retain(|id, _| self.tracks.contains_key(id));
        self.baselines.retain(|id, _| self.tracks.contains_key(id));
        true
    }
}

struct Forgetting<'a> {
    before: Timestamp,
    silent: &'a BTreeSet<SourceName>,
}

impl Forgetting<'_> {
    fn of<T>(&self, records: &mut Records<T>) -> bool {
        self.but(records, &BTreeSet::new())
    }

    /// True when something was forgotten.
    fn but<T>(&self, records: &mut Records<T>, kept: &BTreeSet<Key>) -> bool {
        let had = records.len();
        let since = since(records);
        records.retain_keyed(|key, record| {
            let old = record.last_seen < self.before && !self.silent.contains(&key.source);
            let gone = record.gone.is_some_and(|gone| gone < since);
            !(old || gone) || kept.contains(key)
        });
        records.len() < had
    }
}

/// What is gone since before this moment is more than is kept.
fn since<T>(records: &Records<T>) -> Timestamp {
    let gone = |record: &Record<T>| record.gone;
    let mut moments: Vec<Timestamp> = records.all().filter_map(gone).collect();
    let Some(over) = moments.len().checked_sub(GONE_KEPT) else { return Timestamp::MIN };
    moments.sort_unstable();
    moments.get(over).copied().unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, Feed, Outcome, Report, Run};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn told(board: &mut Board, source: &str, second: i64, facts: Vec<Fact>, complete: Vec<Feed>) {
        let name = SourceName::new(source);
        board.fold(&name, at(second), Report { facts, complete, ..Report::default() });
        let freshness = board.sources.entry(name).or_default();
        freshness.last_ok = Some(at(second));
    }

    fn run(source: &str, id: &str) -> Fact {
        Fact::Run(Run {
            key: Key::new(&SourceName::new(source), id),
            repo: "a/b".into(),
            workflow: "ci".into(),
            title: Clean::default(),
            branch: "main".into(),
            sha: Clean::default(),
            event: Clean::default(),
            outcome: Outcome::Succeeded,
            started: Some(at(0)),
            updated: None,
            who: Clean::default(),
            url: None,
        })
    }

    #[test]
    fn a_number_nobody_tells_of_any_more_is_forgotten_and_one_of_a_silent_source_is_not() {
        use crate::model::{Measure, MetricId, Name};
        let mut board = Board::default();
        let id = |word: &str| MetricId { service: None, metric: Name::new(word) };
        let number = |word: &str, second: i64| Fact::Sample {
            id: id(word),
            at: at(second),
            measure: Measure::Number(1.0),
            note: None,
        };
        told(&mut board, "prom", 0, vec![number("old", 0), number("new", 0)], vec![]);
        told(&mut board, "away", 0, vec![number("remembered", 0)], vec![]);
        told(&mut board, "prom", 100, vec![number("new", 100)], vec![]);
        let version = board.version;
        board.forget(at(0));
        assert_eq!((board.tracks.len(), board.version), (3, version), "nothing is that old");
        board.forget(at(50));
        let left: Vec<&MetricId> = board.tracks.keys().collect();
        assert_eq!(left, [&id("new"), &id("remembered")]);
        assert_eq!(board.track_sources.len(), 2);
        assert_eq!(board.version, version + 1);
    }

    #[test]
    fn what_nobody_tells_of_any_more_is_forgotten_and_what_a_silent_source_told_is_not() {
        let mut board = Board::default();
        told(&mut board, "hub", 0, vec![run("hub", "old")], vec![]);
        told(&mut board, "away", 0, vec![run("away", "old")], vec![]);
        told(&mut board, "hub", 100, vec![run("hub", "new")], vec![]);
        let version = board.version;
        board.forget(at(0));
        assert_eq!((board.runs.len(), board.version), (3, version), "nothing is that old");
        board.forget(at(50));
        let left: Vec<String> = board.runs.all().map(|r| r.what.key.id.raw().to_owned()).collect();
        assert_eq!(left, ["old", "new"], "that of the silent source, and the new one");
        assert_eq!(board.version, version + 1);
    }

    #[test]
    fn of_what_is_gone_only_the_newest_are_kept() {
        let mut board = Board::default();
        for second in 0..i64::try_from(GONE_KEPT).unwrap() + 50 {
            let facts = vec![run("hub", &second.to_string())];
            told(&mut board, "hub", second, facts, vec![Feed::Runs]);
        }
        board.forget(Timestamp::MIN);
        // Those that are gone, and the one that is still there.
        assert_eq!(board.runs.len(), GONE_KEPT + 1);
        assert_eq!(board.runs.present().count(), 1);
    }
}
