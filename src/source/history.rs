//! Reading an upstream's past in small stretches, one a poll, until ninety days are known; it goes on after a restart.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::Asking;
use crate::model::Clean;

/// How far back the past is read: a quarter, which is what reviews and rhythms look at.
pub const REACH: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How much of it is asked for in one poll.
const STRETCH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The word in a source's memory.
const KEY: &str = "history";

/// What is known of the past, without a gap: from here until the last good poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    from: Timestamp,
    target: Timestamp,
    now: Timestamp,
    /// A first poll answers what is going on now, and nothing else.
    rests: bool,
}

/// The stretch of the past that is to be asked for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl History {
    /// `recent` is how far back every poll looks anyway: a longer silence leaves a gap, and the past is read anew.
    pub fn of(asking: &Asking<'_>, recent: SignedDuration) -> Self {
        let now = asking.now;
        let back = |by| now.checked_sub(by).unwrap_or(Timestamp::MIN);
        let known = asking.memory.get(KEY).and_then(|words| read(words));
        let joined =
            known.filter(|(_, until)| now.duration_since(*until) < recent && *until <= now);
        let from = joined.map_or(back(recent), |(from, _)| from.min(back(recent)));
        Self { from, target: back(REACH), now, rests: asking.round == 0 }
    }

    /// What to ask for in this poll; `None` once everything is known.
    pub fn next(&self) -> Option<Stretch> {
        let from = self.from.checked_sub(STRETCH).unwrap_or(Timestamp::MIN).max(self.target);
        (!self.rests && from < self.from).then_some(Stretch { from, until: self.from })
    }

    /// The stretch was answered: wholly, or only down to `cut`.
    #[must_use]
    pub fn reached(mut self, stretch: Stretch, cut: Option<Timestamp>) -> Self {
        // More in one second than an answer holds is skipped: the past must come to an end.
        self.from = cut.filter(|at| *at < stretch.until).unwrap_or(stretch.from).max(stretch.from);
        self
    }

    /// What the source has to be told at its next poll.
    pub fn remember(&self) -> (Box<str>, Box<str>) {
        (KEY.into(), format!("{} {}", self.from.as_second(), self.now.as_second()).into())
    }

    /// How far it has come, while it is still coming.
    pub fn words(&self) -> Option<Clean> {
        let day = self.from.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d");
        let known = self.now.duration_since(self.from).as_hours() / 24;
        let all = REACH.as_hours() / 24;
        (self.target < self.from).then(|| {
            Clean::line(format_args!("history: read back to {day}, {known} of {all} days"))
        })
    }
}

fn read(words: &str) -> Option<(Timestamp, Timestamp)> {
    let (from, until) = words.split_once(' ')?;
    let second = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
    Some((second(from)?, second(until)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const RECENT: SignedDuration = SignedDuration::from_hours(72);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
    }

    fn asking(now: Timestamp, round: u64, memory: &BTreeMap<Box<str>, Box<str>>) -> History {
        History::of(&Asking { now, last_ok: None, round, memory }, RECENT)
    }

    /// Polls until nothing is left, an hour apart; the stretches in the order asked.
    fn all(memory: &mut BTreeMap<Box<str>, Box<str>>, from: i64) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        for round in 1..100 {
            let mut history = asking(at(from + round), u64::try_from(round).unwrap(), memory);
            if let Some(stretch) = history.next() {
                stretches.push(stretch);
                history = history.reached(stretch, None);
            }
            memory.extend([history.remember()]);
        }
        stretches
    }

    #[test]
    fn ninety_days_are_read_once_without_gap_or_overlap() {
        let mut memory = BTreeMap::new();
        let stretches = all(&mut memory, 0);
        assert_eq!(stretches.first().unwrap().until, at(1 - 72));
        for pair in stretches.windows(2) {
            assert_eq!(pair[0].from, pair[1].until);
        }
        assert!(stretches.last().unwrap().from <= at(100) - REACH + SignedDuration::from_hours(99));
        assert!((13..=14).contains(&stretches.len()), "{}", stretches.len());
        assert_eq!(
            asking(at(101), 5, &memory).words(),
            None,
            "nothing is said once it is all there"
        );
    }

    #[test]
    fn a_first_poll_asks_for_now_only() {
        assert_eq!(asking(at(0), 0, &BTreeMap::new()).next(), None);
    }

    #[test]
    fn after_a_restart_it_goes_on_where_it_was_and_after_a_long_silence_anew() {
        let mut memory = BTreeMap::new();
        let history = asking(at(0), 1, &memory);
        let stretch = history.next().unwrap();
        let history = history.reached(stretch, None);
        assert!(history.words().unwrap().as_str().contains("10 of 90 days"));
        memory.extend([history.remember()]);
        assert_eq!(asking(at(10), 1, &memory).next().unwrap().until, stretch.from);
        let late = asking(at(200), 1, &memory).next().unwrap();
        assert_eq!(late.until, at(200) - RECENT, "the days of silence are read too");
    }

    #[test]
    fn a_full_answer_is_continued_where_it_ended_and_always_comes_to_an_end() {
        let memory = BTreeMap::new();
        let history = asking(at(0), 1, &memory);
        let stretch = history.next().unwrap();
        let halfway = stretch.until - SignedDuration::from_hours(24);
        assert_eq!(history.reached(stretch, Some(halfway)).next().unwrap().until, halfway);
        let stuck = history.reached(stretch, Some(stretch.until));
        assert_eq!(stuck.next().unwrap().until, stretch.from);
    }

    #[test]
    fn memory_that_is_no_history_is_as_if_it_were_not_there() {
        for words in ["", "x", "1", "1 x", "99999999999999999999 1", "-1 5 6"] {
            let memory = BTreeMap::from([(Box::from(KEY), Box::from(words))]);
            assert_eq!(asking(at(0), 1, &memory).next().unwrap().until, at(-72), "{words}");
        }
    }
}
