//! Records of one feed, known by key: when each was last seen, and when a complete answer no longer had it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Key, SourceName};

/// A thing told, with the moments of its telling.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Record<T> {
    pub what: T,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// The first complete answer after `last_seen` that no longer listed it.
    pub gone: Option<Timestamp>,
}

/// Folding is idempotent and (within the last complete answers kept) free of order.
#[derive(Debug, Clone, PartialEq)]
pub struct Records<T> {
    by_key: BTreeMap<Key, Record<T>>,
    /// Moments of complete answers by source, the newest few.
    completes: BTreeMap<SourceName, BTreeSet<Timestamp>>,
}

/// Complete answers remembered per source: late facts older than these are placed as well as can be.
const COMPLETES_KEPT: usize = 64;

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), completes: BTreeMap::new() }
    }
}

impl<T> Records<T> {
    /// Folds one sighting; the newest telling of a record wins.
    pub fn see(&mut self, key: Key, what: T, at: Timestamp) {
        let completes = self.completes.get(&key.source);
        match self.by_key.get_mut(&key) {
            None => {
                let gone = first_after(completes, at);
                self.by_key.insert(key, Record { what, first_seen: at, last_seen: at, gone });
            }
            Some(record) => {
                record.first_seen = record.first_seen.min(at);
                if at >= record.last_seen {
                    record.what = what;
                }
                record.touch(at, completes);
            }
        }
    }

    /// The upstream still has it, unchanged.
    pub fn still(&mut self, key: &Key, at: Timestamp) {
        let completes = self.completes.get(&key.source);
        if let Some(record) = self.by_key.get_mut(key) {
            record.touch(at, completes);
        }
    }

    /// All that `source` has was told at `at`: what was not seen then is gone.
    pub fn complete(&mut self, source: &SourceName, at: Timestamp) {
        let moments = self.completes.entry(source.clone()).or_default();
        moments.insert(at);
        while moments.len() > COMPLETES_KEPT {
            moments.pop_first();
        }
        let own = self.by_key.range_mut(Key::new(source, "")..);
        for (_, record) in own.take_while(|(key, _)| key.source == *source) {
            if record.last_seen < at && record.gone.is_none_or(|g| at < g) {
                record.gone = Some(at);
            }
        }
    }

    /// A record as it was remembered.
    pub fn put(&mut self, key: Key, record: Record<T>) {
        self.by_key.insert(key, record);
    }

    pub fn remove(&mut self, key: &Key) {
        self.by_key.remove(key);
    }

    /// As remembered: gone at a moment, last seen at another.
    pub fn end(&mut self, key: &Key, seen: Option<Timestamp>, gone: Timestamp) {
        if let Some(record) = self.by_key.get_mut(key) {
            record.last_seen = seen.map_or(record.last_seen, |seen| record.last_seen.max(seen));
            record.gone = Some(gone);
        }
    }

    /// As remembered: the last complete answer of a source was at `at`, and had all of its records that are not gone.
    pub fn confirm(&mut self, source: &SourceName, at: Timestamp) {
        self.completes.entry(source.clone()).or_default().insert(at);
        let own = self.by_key.range_mut(Key::new(source, "")..);
        for (_, record) in own.take_while(|(key, _)| key.source == *source) {
            if record.gone.is_none() {
                record.last_seen = record.last_seen.max(at);
            }
        }
    }

    pub fn get(&self, key: &Key) -> Option<&Record<T>> {
        self.by_key.get(key)
    }

    /// Everything known, gone or not, in key order.
    pub fn all(&self) -> impl Iterator<Item = &Record<T>> {
        self.by_key.values()
    }

    /// What the upstream still lists.
    pub fn present(&self) -> impl Iterator<Item = &Record<T>> {
        self.all().filter(|r| r.gone.is_none())
    }

    /// Those of one source, gone or not, in key order.
    pub fn of(&self, source: &SourceName) -> impl Iterator<Item = (&Key, &Record<T>)> {
        self.by_key.range(Key::new(source, "")..).take_while(move |(key, _)| key.source == *source)
    }

    /// Those that a source still lists and whose ids begin so, in key order; found without looking at the others.
    pub fn beginning<'r>(
        &'r self,
        source: &SourceName,
        with: &str,
    ) -> impl Iterator<Item = &'r Record<T>> + use<'r, T> {
        let own = self.by_key.range(Key::new(source, with)..);
        let with = with.to_owned();
        let source = source.clone();
        own.take_while(move |(key, _)| key.source == source && key.id.raw().starts_with(&with))
            .map(|(_, record)| record)
            .filter(|record| record.gone.is_none())
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The clock was set back to `now`: a moment after it never was, and would hide all that is told until it comes again.
    pub fn rewind(&mut self, now: Timestamp) {
        for moments in self.completes.values_mut() {
            moments.retain(|at| *at <= now);
        }
        for record in self.by_key.values_mut() {
            record.first_seen = record.first_seen.min(now);
            record.last_seen = record.last_seen.min(now);
            record.gone = record.gone.map(|at| at.min(now));
        }
    }

    /// Keeps the records that `keep` says to.
    pub fn retain(&mut self, keep: impl Fn(&Record<T>) -> bool) {
        self.by_key.retain(|_, record| keep(record));
    }

    /// Changes every record in place.
    pub fn each(&mut self, change: impl FnMut(&mut Record<T>)) {
        self.by_key.values_mut().for_each(change);
    }

    /// The same, with the key each is known by.
    pub fn retain_keyed(&mut self, keep: impl Fn(&Key, &Record<T>) -> bool) {
        self.by_key.retain(|key, record| keep(key, record));
    }
}

impl<T> Record<T> {
    fn touch(&mut self, at: Timestamp, completes: Option<&BTreeSet<Timestamp>>) {
        self.last_seen = self.last_seen.max(at);
        if self.gone.is_some_and(|g| g <= self.last_seen) {
            self.gone = first_after(completes, self.last_seen);
        }
    }
}

fn first_after(moments: Option<&BTreeSet<Timestamp>>, at: Timestamp) -> Option<Timestamp> {
    use std::ops::Bound::{Excluded, Unbounded};
    moments.and_then(|m| m.range((Excluded(at), Unbounded)).next().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        See(u8, i64),
        Complete(i64),
    }

    fn apply(records: &mut Records<i64>, step: &Step) {
        let source = SourceName::new("s");
        match step {
            Step::See(k, at) => records.see(
                Key::new(&source, k.to_string()),
                *at,
                Timestamp::from_second(*at).unwrap(),
            ),
            Step::Complete(at) => records.complete(&source, Timestamp::from_second(*at).unwrap()),
        }
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let see = (0_u8..4, 0_i64..40).prop_map(|(k, at)| Step::See(k, at));
        let complete = (0_i64..40).prop_map(Step::Complete);
        proptest::collection::vec(prop_oneof![see, complete], 0..40)
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_free_of_order(list in steps(), seed in any::<u64>()) {
            let (mut forward, mut shuffled) = (Records::default(), Records::default());
            for step in &list {
                apply(&mut forward, step);
            }
            let mut mixed: Vec<_> = list.iter().chain(&list).cloned().collect();
            let mut rng = fastrand::Rng::with_seed(seed);
            rng.shuffle(&mut mixed);
            for step in &mixed {
                apply(&mut shuffled, step);
            }
            prop_assert_eq!(forward, shuffled);
        }
    }

    #[test]
    fn after_the_clock_was_set_back_what_is_new_is_seen_and_what_ends_is_gone() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let mut records = Records::default();
        for step in [Step::See(1, 4000), Step::See(2, 3990), Step::Complete(4000)] {
            apply(&mut records, &step);
        }
        records.rewind(at(400));
        assert_eq!(records.present().count(), 1, "what was gone stays gone");
        for step in [Step::See(1, 415), Step::See(3, 415), Step::Complete(415)] {
            apply(&mut records, &step);
        }
        assert_eq!(records.present().count(), 2, "a new one is there at once");
        apply(&mut records, &Step::Complete(430));
        assert_eq!(records.present().count(), 0, "and one that ended is gone");
    }

    #[test]
    fn a_record_missing_from_a_complete_answer_is_gone_and_may_come_back() {
        let mut records = Records::default();
        for step in [Step::See(1, 10), Step::Complete(10), Step::Complete(20)] {
            apply(&mut records, &step);
        }
        assert_eq!(records.all().next().unwrap().gone, Some(Timestamp::from_second(20).unwrap()));
        apply(&mut records, &Step::See(1, 30));
        assert_eq!(records.present().count(), 1);
    }
}
