//! Reading an upstream's past in small stretches, one a poll, until ninety days are known; it goes on after a restart.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::Asking;
use crate::model::{Clean, Status, Trouble};

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
        (self.target < self.from).then(|| words(self.from, self.now))
    }
}

fn words(from: Timestamp, now: Timestamp) -> Clean {
    let day = from.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d");
    let known = now.duration_since(from).as_hours() / 24;
    let all = REACH.as_hours() / 24;
    Clean::line(format_args!("history: read back to {day}, {known} of {all} days"))
}

/// Since when a list is known without a gap of which each poll reads what is newer than `bottom`: a silence that was
/// longer leaves one. `key` is its word in memory; the words to remember come along.
pub fn reach(asking: &Asking<'_>, key: &str, bottom: Timestamp) -> (Timestamp, String) {
    let known = asking.memory.get(key).and_then(|words| read(words));
    let joined = known.filter(|(_, until)| bottom <= *until && *until <= asking.now);
    let from = joined.map_or(bottom, |(from, _)| from.min(bottom));
    (from, format!("{} {}", from.as_second(), asking.now.as_second()))
}

/// The word in memory for when the past may be asked for again.
const REST: &str = "history rests";

/// Whether an upstream said that it was asked too much when it was asked for the past.
pub fn rests(asking: &Asking<'_>) -> bool {
    let until = asking.memory.get(REST).and_then(|until| until.parse().ok());
    until.is_some_and(|until: i64| asking.now.as_second() < until)
}

/// What to remember of a page that could not be had: the present goes on being asked for, the past waits.
pub fn rest(trouble: &Trouble, now: Timestamp) -> Option<(&'static str, String)> {
    let wait = trouble.retry_after.map_or(60, |wait| wait.as_secs());
    let until = now.as_second().saturating_add(wait);
    (trouble.status == Status::RateLimited).then(|| (REST, until.to_string()))
}

/// What a page of a list held, and what to ask for the page of older records behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    pub newest: Option<Timestamp>,
    pub oldest: Option<Timestamp>,
    /// The upstream's own word for the next page; `None` at the end of the list.
    pub next: Option<Box<str>>,
}

impl Edge {
    pub fn of(dates: impl Iterator<Item = Timestamp> + Clone, next: Option<Box<str>>) -> Self {
        Self { newest: dates.clone().max(), oldest: dates.min(), next }
    }
}

/// A list without dates to ask for, newest first: read backwards page by page, and remembered like a [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    key: Box<str>,
    /// Known without a gap from here …
    from: Timestamp,
    /// … until the newest record told.
    until: Timestamp,
    next: Option<Box<str>>,
    target: Timestamp,
    now: Timestamp,
    rests: bool,
    lost: bool,
}

impl Walk {
    /// `recent` is the page that every poll reads anyway: where it does not meet what is known, the past is read anew.
    pub fn of(asking: &Asking<'_>, key: String, recent: &Edge) -> Self {
        let now = asking.now;
        let target = now.checked_sub(REACH).unwrap_or(Timestamp::MIN);
        let known = asking.memory.get(&*key).and_then(|words| walked(words));
        let met = known.filter(|known| recent.oldest.is_none_or(|oldest| oldest <= known.1));
        let until = recent.newest.max(met.as_ref().map(|known| known.1)).unwrap_or(now);
        let (from, next) = match (&recent.next, met) {
            (None, _) => (target, None),
            (Some(_), Some((from, _, next))) => (from, next),
            (Some(next), None) => (recent.oldest.unwrap_or(now), Some(next.clone())),
        };
        let rests = asking.round == 0;
        Self { key: key.into(), from, until, next, target, now, rests, lost: false }
    }

    /// What to ask for in this poll; `None` once everything is known.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref().filter(|_| !self.rests && self.target < self.from)
    }

    /// Known without a gap from here on.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// How far back it is to reach.
    pub fn target(&self) -> Timestamp {
        self.target
    }

    /// Until when a list is known from earlier polls.
    pub fn known(asking: &Asking<'_>, key: &str) -> Option<Timestamp> {
        asking.memory.get(key).and_then(|words| walked(words)).map(|known| known.1)
    }

    /// The next page was answered.
    pub fn reached(&mut self, page: Edge) {
        self.from = match (page.oldest, &page.next) {
            (_, None) => self.target,
            (oldest, Some(_)) => oldest.unwrap_or(self.from).min(self.from),
        };
        self.next = page.next;
    }

    /// The upstream does not know its own word for the next page any more: the past is read anew.
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// What the source has to be told at its next poll.
    pub fn remember(&self) -> (&str, String) {
        let words = match (self.lost, &self.next) {
            (true, _) => String::new(),
            (false, next) => {
                let next = next.as_deref().unwrap_or_default();
                format!("{} {} {next}", self.from.as_second(), self.until.as_second())
            }
        };
        (&self.key, words)
    }

    /// How far all of them have come, while one is still coming.
    pub fn words<'a>(walks: impl Iterator<Item = &'a Self>) -> Option<Clean> {
        let coming = walks.filter(|walk| walk.target < walk.from);
        coming.max_by_key(|walk| walk.from).map(|walk| words(walk.from, walk.now))
    }
}

fn walked(words: &str) -> Option<(Timestamp, Timestamp, Option<Box<str>>)> {
    let mut parts = words.splitn(3, ' ');
    let mut second = || Timestamp::from_second(parts.next()?.parse().ok()?).ok();
    let (from, until) = (second()?, second()?);
    Some((from, until, parts.next().filter(|next| !next.is_empty()).map(Box::from)))
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

    fn edge(newest: i64, oldest: i64, next: &str) -> Edge {
        let next = (!next.is_empty()).then(|| next.into());
        Edge { newest: Some(at(newest)), oldest: Some(at(oldest)), next }
    }

    #[test]
    fn a_list_is_walked_page_by_page_and_goes_on_after_a_restart() {
        let mut memory = BTreeMap::new();
        let walk = |now: i64, round, memory: &BTreeMap<_, _>, recent: &Edge| {
            Walk::of(&Asking { now: at(now), last_ok: None, round, memory }, "k".into(), recent)
        };
        let mut keep = |walk: &Walk| {
            let (key, words) = walk.remember();
            memory.insert(Box::from(key), Box::from(words));
            memory.clone()
        };
        let first = walk(0, 0, &BTreeMap::new(), &edge(0, -40, "a"));
        assert_eq!(first.next(), None, "a first poll asks for now only");
        let known = keep(&first);
        let mut second = walk(1, 1, &known, &edge(1, -20, "b"));
        assert_eq!(second.next(), Some("a"), "behind the longer page of the first poll");
        second.reached(edge(-41, -80, "c"));
        assert!(Walk::words([&second].into_iter()).unwrap().as_str().contains("3 of 90 days"));
        let known = keep(&second);
        assert_eq!(
            walk(9, 1, &known, &edge(9, 1, "d")).next(),
            Some("c"),
            "they meet in one record"
        );
        assert_eq!(
            walk(9, 1, &known, &edge(9, 2, "d")).next(),
            Some("d"),
            "records are missing between"
        );
        let mut third = walk(2, 2, &known, &edge(1, -20, "b"));
        third.reached(edge(-81, -91 * 24, "e"));
        assert_eq!((third.next(), Walk::words([&third].into_iter())), (None, None));
        let known = keep(&third);
        assert_eq!(walk(50, 1, &known, &edge(1, -20, "b")).next(), None, "and never again");
    }

    #[test]
    fn a_walk_ends_with_its_list_and_a_lost_place_is_found_anew() {
        let memory = BTreeMap::from([(Box::from("k"), Box::from("1699999000 1700000000 a b"))]);
        let asking = Asking { now: at(1), last_ok: None, round: 1, memory: &memory };
        let mut walk = Walk::of(&asking, "k".into(), &edge(1, -1, "z"));
        assert_eq!(walk.next(), Some("a b"), "any word, as it came");
        walk.reached(Edge::default());
        assert_eq!((walk.next(), Walk::words([&walk].into_iter())), (None, None));
        walk.lose();
        assert_eq!(walked(&walk.remember().1), None);
        assert_eq!(
            Walk::of(&asking, "k".into(), &Edge::default()).next(),
            None,
            "a short list is whole"
        );
    }

    #[test]
    fn memory_that_is_no_history_is_as_if_it_were_not_there() {
        for words in ["", "x", "1", "1 x", "99999999999999999999 1", "-1 5 6"] {
            let memory = BTreeMap::from([(Box::from(KEY), Box::from(words))]);
            assert_eq!(asking(at(0), 1, &memory).next().unwrap().until, at(-72), "{words}");
        }
    }
}
