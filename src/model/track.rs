//! The bounded history of one number, packed: sixteen bytes a point, and what lies in each stretch of it at a glance.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::nanos::{moment, nanos};
use super::{Clean, Measure};

/// Points kept per number: six hours at 30 s. The metric store keeps the rest.
pub const POINTS_KEPT: usize = 720;

/// The history of one number: one point per moment, oldest first.
///
/// An estate has thousands of these, and every one is looked through at each poll: stretches know their extremes, so
/// that a history in which nothing happened is not read point by point.
#[derive(Debug, Clone, Default)]
pub struct Track {
    stretches: VecDeque<Stretch>,
    len: usize,
    /// Words of the points that were no numbers, by their moments.
    words: Vec<(i64, Clean)>,
    newest: Option<(Timestamp, Measure)>,
    /// What the store said about the newest answer (warnings, truncation).
    pub note: Option<Clean>,
}

/// How a note ends whose number rests on an answer without all of its data.
pub const PARTLY: &str = "not all data was there";

/// Points of a stretch, at most.
const STRETCH: usize = 64;

/// Points that follow each other, never none, and what has to be known of them: an estate's points lie in as many places
/// of memory as there are stretches, and what decides nearly always is read without going there.
#[derive(Debug, Clone)]
struct Stretch {
    points: Vec<Point>,
    first: i64,
    last: i64,
    least: f64,
    most: f64,
    /// Some of them are no finite numbers.
    odd: bool,
    /// Nanoseconds between those that lie furthest apart.
    gap: i64,
}

/// A moment in nanoseconds since 1970, and the bits of a number. What is no number is a NaN of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    at: i64,
    bits: u64,
}

const NO_TRAFFIC: u64 = 0x7ff8_0000_0000_0000;
const NO_DATA: u64 = 0x7ff8_0000_0000_0001;
const UNREADABLE: u64 = 0x7ff8_0000_0000_0002;

impl Point {
    fn of(at: i64, measure: &Measure) -> Self {
        let bits = match measure {
            Measure::Number(value) => value.to_bits(),
            Measure::Infinite(true) => f64::INFINITY.to_bits(),
            Measure::Infinite(false) => f64::NEG_INFINITY.to_bits(),
            Measure::NoTraffic => NO_TRAFFIC,
            Measure::NoData => NO_DATA,
            Measure::Unreadable(_) => UNREADABLE,
        };
        Self { at, bits }
    }

    fn moment(self) -> Timestamp {
        moment(self.at)
    }

    /// The finite number it is.
    fn number(self) -> Option<f64> {
        let value = f64::from_bits(self.bits);
        value.is_finite().then_some(value)
    }
}

impl Stretch {
    fn new(point: Point) -> Self {
        Self::of(vec![point])
    }

    fn of(points: Vec<Point>) -> Self {
        let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut stretch =
            Self { points, first: i64::MAX, last: i64::MIN, least, most, odd: false, gap: 0 };
        stretch.look();
        stretch
    }

    /// Works out anew what lies in it.
    fn look(&mut self) {
        (self.least, self.most, self.odd, self.gap) = (f64::INFINITY, f64::NEG_INFINITY, false, 0);
        self.first = self.points.first().map_or(i64::MAX, |point| point.at);
        self.last = self.points.last().map_or(i64::MIN, |point| point.at);
        let mut before = None;
        for point in &self.points {
            match point.number() {
                Some(value) => {
                    (self.least, self.most) = (self.least.min(value), self.most.max(value));
                }
                None => self.odd = true,
            }
            if let Some(before) = before.replace(point.at) {
                self.gap = self.gap.max(point.at.saturating_sub(before));
            }
        }
    }
}

impl Track {
    /// Whether the newest answer lacked some of its data: what it says may be better or worse than what is.
    pub fn is_partial(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.as_str().ends_with(PARTLY))
    }

    /// Adds a point; the same moment told twice replaces (folding is idempotent), and order does not matter.
    pub fn add(&mut self, at: Timestamp, measure: Measure) {
        let point = Point::of(nanos(at), &measure);
        self.speak(point.at, &measure);
        match self.stretches.back_mut() {
            Some(last) if point.at > last.last => {
                if last.points.len() < STRETCH {
                    last.points.push(point);
                    last.look_at_newest();
                } else {
                    self.stretches.push_back(Stretch::new(point));
                }
                self.len += 1;
            }
            None => {
                self.stretches.push_back(Stretch::new(point));
                self.len = 1;
            }
            Some(_) => self.insert(point),
        }
        if self.newest.as_ref().is_none_or(|(newest, _)| nanos(*newest) <= point.at) {
            self.newest = Some((at, measure));
        }
        self.trim();
    }

    fn speak(&mut self, at: i64, measure: &Measure) {
        let place = self.words.binary_search_by_key(&at, |(at, _)| *at);
        match (place, measure) {
            (Ok(i), Measure::Unreadable(words)) => {
                if let Some(slot) = self.words.get_mut(i) {
                    slot.1 = words.clone();
                }
            }
            (Ok(i), _) => drop(self.words.remove(i)),
            (Err(i), Measure::Unreadable(words)) => self.words.insert(i, (at, words.clone())),
            (Err(_), _) => {}
        }
    }

    /// A point that is not the newest.
    fn insert(&mut self, point: Point) {
        let i = self.stretches.partition_point(|stretch| stretch.last < point.at);
        let Some(stretch) = self.stretches.get_mut(i) else { return };
        match stretch.points.binary_search_by_key(&point.at, |p| p.at) {
            Ok(at) => {
                if let Some(slot) = stretch.points.get_mut(at) {
                    *slot = point;
                }
            }
            Err(at) => {
                stretch.points.insert(at, point);
                self.len += 1;
            }
        }
        let half = (stretch.points.len() > STRETCH).then(|| stretch.points.split_off(STRETCH / 2));
        stretch.look();
        if let Some(points) = half {
            self.stretches.insert(i + 1, Stretch::of(points));
        }
    }

    /// The oldest stretch goes as a whole, once the others are enough.
    fn trim(&mut self) {
        while let Some(oldest) = self.stretches.front()
            && self.len >= POINTS_KEPT + oldest.points.len()
        {
            self.len -= oldest.points.len();
            self.stretches.pop_front();
            let first = self.stretches.front().map_or(i64::MAX, |stretch| stretch.first);
            self.words.retain(|(at, _)| *at >= first);
        }
    }

    /// The clock was set back to `now`: points after it would stand before every newer one.
    pub fn rewind(&mut self, now: Timestamp) {
        let now = nanos(now);
        self.stretches.retain_mut(|stretch| {
            if stretch.last > now {
                stretch.points.retain(|point| point.at <= now);
                stretch.look();
            }
            !stretch.points.is_empty()
        });
        self.words.retain(|(at, _)| *at <= now);
        self.len = self.stretches.iter().map(|stretch| stretch.points.len()).sum();
        let newest = self.points().next_back();
        self.newest = newest;
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every point, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (Timestamp, Measure)> + '_ {
        let points = self.stretches.iter().flat_map(|stretch| &stretch.points);
        points.map(|point| (point.moment(), self.measure(*point)))
    }

    /// The newest `count` points, oldest of them first.
    pub fn tail(&self, count: usize) -> impl Iterator<Item = (Timestamp, Measure)> + '_ {
        let points = self.stretches.iter().flat_map(|stretch| &stretch.points);
        let points = points.skip(self.len.saturating_sub(count));
        points.map(|point| (point.moment(), self.measure(*point)))
    }

    /// Those after `from`, oldest first.
    pub fn after(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Measure)> + '_ {
        let from = nanos(from);
        let points = self.stretches.iter().skip_while(move |stretch| stretch.last <= from);
        let points = points.flat_map(|stretch| &stretch.points).filter(move |p| p.at > from);
        points.map(|point| (point.moment(), self.measure(*point)))
    }

    fn measure(&self, point: Point) -> Measure {
        match point.bits {
            NO_DATA => Measure::NoData,
            UNREADABLE => {
                let found = self.words.binary_search_by_key(&point.at, |(at, _)| *at).ok();
                let words = found.and_then(|i| self.words.get(i));
                Measure::Unreadable(words.map(|(_, words)| words.clone()).unwrap_or_default())
            }
            bits => Measure::of(f64::from_bits(bits)),
        }
    }

    pub fn newest(&self) -> Option<&(Timestamp, Measure)> {
        self.newest.as_ref()
    }

    /// The reading at `moment`: the newest point not after it.
    pub fn at(&self, moment: Timestamp) -> Option<(Timestamp, Measure)> {
        let moment = nanos(moment);
        let after = self.stretches.partition_point(|stretch| stretch.first <= moment);
        let stretch = self.stretches.get(after.checked_sub(1)?)?;
        let after = stretch.points.partition_point(|point| point.at <= moment);
        let point = *stretch.points.get(after.checked_sub(1)?)?;
        Some((point.moment(), self.measure(point)))
    }

    /// Whether the newest `count` points are all numbers, told without a silence longer than `gap`, and such that `all`
    /// holds of the least and the greatest of any stretch of them. Says no where it would have to look closer.
    pub fn is_calm(
        &self,
        count: usize,
        gap: SignedDuration,
        all: impl Fn(f64, f64) -> bool,
    ) -> bool {
        let gap = i64::try_from(gap.as_nanos()).unwrap_or(i64::MAX);
        let (mut seen, mut later) = (0, None);
        for stretch in self.stretches.iter().rev() {
            let near = later.is_none_or(|later: i64| later.saturating_sub(stretch.last) <= gap);
            if stretch.odd || stretch.gap > gap || !near || !all(stretch.least, stretch.most) {
                return false;
            }
            seen += stretch.points.len();
            later = Some(stretch.first);
            if seen >= count {
                break;
            }
        }
        seen > 0
    }

    /// The first point after the newest one for which `differs`; `None` when none does, or the newest one itself.
    /// `same` may say by its least and greatest that no number of a stretch does.
    pub fn since(
        &self,
        same: impl Fn(f64, f64) -> bool,
        differs: impl Fn(&Measure) -> bool,
    ) -> Option<Timestamp> {
        let mut after = None;
        for stretch in self.stretches.iter().rev() {
            if stretch.odd || !same(stretch.least, stretch.most) {
                for point in stretch.points.iter().rev() {
                    if differs(&self.measure(*point)) {
                        return after.map(moment);
                    }
                    after = Some(point.at);
                }
            }
            after = Some(stretch.first);
        }
        None
    }

    /// Means of the finite points in `buckets` equal slices of `[from, until)`; `None` where nothing was measured.
    pub fn buckets(&self, from: Timestamp, until: Timestamp, buckets: usize) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0_f64, 0_u32); buckets];
        let span = until.duration_since(from).as_secs_f64();
        let (from, until) = (nanos(from), nanos(until));
        if span > 0.0 && buckets > 0 {
            let stretches = self.stretches.iter().skip_while(|stretch| stretch.last < from);
            let points = stretches.flat_map(|stretch| &stretch.points);
            for point in points.skip_while(|p| p.at < from).take_while(|p| p.at < until) {
                let Some(value) = point.number() else { continue };
                let passed = point.at.saturating_sub(from) as f64 / 1e9;
                let slot = (passed / span * buckets as f64) as usize;
                if let Some(cell) = sums.get_mut(slot.min(buckets - 1)) {
                    cell.0 += value;
                    cell.1 += 1;
                }
            }
        }
        sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
    }
}

/// The same history, however it came to be.
impl PartialEq for Track {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.note == other.note && self.points().eq(other.points())
    }
}

impl Stretch {
    /// The newest point was added: only it is looked at.
    fn look_at_newest(&mut self) {
        let mut newest = self.points.iter().rev();
        let Some(point) = newest.next() else { return };
        let gap = newest.next().map_or(0, |before| point.at.saturating_sub(before.at));
        self.last = point.at;
        match point.number() {
            Some(value) => (self.least, self.most) = (self.least.min(value), self.most.max(value)),
            None => self.odd = true,
        }
        self.gap = self.gap.max(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    #[test]
    fn a_track_is_the_same_in_any_order_and_bounded() {
        let (mut a, mut b) = (Track::default(), Track::default());
        for i in 0..50 {
            a.add(t(i), Measure::Number(i as f64));
            b.add(t(49 - i), Measure::Number((49 - i) as f64));
            b.add(t(49 - i), Measure::Number((49 - i) as f64));
        }
        assert_eq!(a, b);
        for i in 0..5_000 {
            a.add(t(i), Measure::Number(0.0));
        }
        assert!(a.len() <= POINTS_KEPT + STRETCH, "{}", a.len());
        assert_eq!(a.newest().unwrap().0, t(4_999));
    }

    #[test]
    fn buckets_keep_gaps() {
        let mut track = Track::default();
        for (at, v) in [(0, 1.0), (1, 3.0), (30, 9.0)] {
            track.add(t(at), Measure::Number(v));
        }
        assert_eq!(track.buckets(t(0), t(40), 4), [Some(2.0), None, None, Some(9.0)]);
        assert_eq!(track.at(t(29)).unwrap().1, Measure::Number(3.0));
        assert_eq!(track.at(t(-1)), None);
    }

    #[test]
    fn a_point_is_sixteen_bytes() {
        assert_eq!(size_of::<Point>(), 16);
    }

    fn any_measure() -> impl Strategy<Value = Measure> {
        prop_oneof![
            8 => (-4_i8..4).prop_map(|v| Measure::Number(f64::from(v))),
            1 => Just(Measure::NoData),
            1 => Just(Measure::NoTraffic),
            1 => any::<bool>().prop_map(Measure::Infinite),
            1 => (0_u8..3).prop_map(|n| Measure::Unreadable(Clean::line(n))),
        ]
    }

    proptest! {
        /// Told in any order, with moments told twice, and rewound now and then.
        #[test]
        fn it_says_what_a_plain_list_says(
            told in proptest::collection::vec((0_i64..300, any_measure()), 1..400),
            rewound in proptest::option::of(0_i64..300),
            count in 1_usize..150,
            gap in 1_i64..9,
        ) {
            let mut plain = std::collections::BTreeMap::new();
            let mut track = Track::default();
            for (at, measure) in &told {
                plain.insert(*at, measure.clone());
                track.add(t(*at), measure.clone());
            }
            if let Some(now) = rewound {
                track.rewind(t(now));
                plain.retain(|at, _| *at <= now);
            }
            let list: Vec<(Timestamp, Measure)> = plain.into_iter().map(|(at, m)| (t(at), m)).collect();
            prop_assert_eq!(track.points().collect::<Vec<_>>(), list.clone());
            prop_assert_eq!(track.newest(), list.last());
            prop_assert_eq!(track.len(), list.len());
            let from = list.len().saturating_sub(count);
            prop_assert_eq!(track.tail(count).collect::<Vec<_>>(), list[from..].to_vec());
            for at in [-1, 0, 17, 150, 400] {
                let after = list.partition_point(|(then, _)| *then <= t(at));
                prop_assert_eq!(track.at(t(at)), after.checked_sub(1).map(|i| list[i].clone()));
                prop_assert_eq!(track.after(t(at)).collect::<Vec<_>>(), list[after..].to_vec());
            }
            let good = |v: f64| v < 2.0;
            let bad = |m: &Measure| !m.number().is_some_and(good);
            let both = |least: f64, most: f64| good(least) && good(most);
            let since = list.iter().rposition(|(_, m)| bad(m));
            let since = since.and_then(|i| list.get(i + 1)).map(|(at, _)| *at);
            prop_assert_eq!(track.since(both, bad), since);
            let gap = SignedDuration::from_secs(gap);
            if track.is_calm(count, gap, both) {
                let near = list[from..].windows(2).all(|two| two[1].0.duration_since(two[0].0) <= gap);
                prop_assert!(near && list[from..].iter().all(|(_, m)| !bad(m)));
            }
        }
    }
}
