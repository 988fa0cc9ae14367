//! Points of many series in few bytes: readings and probe results as they lie in the file, and how they thin with age.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{SECOND, moment, nanos};
use crate::model::{Clean, Health, Measure, Weight};

/// What a series holds at a moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    Measure(Measure),
    Probe(Probed),
}

/// A probe's result without the probe, which is the series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    pub health: Health,
    pub words: Clean,
    pub weight: Weight,
    pub latency: Option<SignedDuration>,
    pub expires: Option<Timestamp>,
}

/// The points of one series, oldest first.
pub type Line = (i64, Vec<(Timestamp, Reading)>);

const FORMAT: u8 = 1;
/// Moments in whole seconds, numbers as single floats: good for what is older.
const COARSE: u8 = 1;
/// Points of one block that are believed.
const MOST: usize = 4_000_000;

const DOUBLE: u8 = 0;
const WHOLE: u8 = 1;
const SINGLE: u8 = 2;
const NO_DATA: u8 = 3;
const NO_TRAFFIC: u8 = 4;
const ABOVE: u8 = 5;
const BELOW: u8 = 6;
const UNREADABLE: u8 = 7;
const PROBED: u8 = 8;

/// Writes lines; `since` is the moment their times are counted from.
pub fn write(lines: &[Line], since: Timestamp, coarse: bool) -> Vec<u8> {
    let unit = if coarse { SECOND } else { 1 };
    let mut out = vec![FORMAT, if coarse { COARSE } else { 0 }];
    for (series, points) in lines {
        number(&mut out, *series);
        number(&mut out, i64::try_from(points.len()).unwrap_or(0));
        let mut before = nanos(since).div_euclid(unit);
        for (at, reading) in points {
            let at = nanos(*at).div_euclid(unit);
            number(&mut out, at.wrapping_sub(before));
            before = at;
            value(&mut out, reading, coarse);
        }
    }
    out
}

/// Where points go as they are read: a line begins, and its points follow.
trait Sink {
    fn line(&mut self, series: i64, count: usize);
    fn point(&mut self, at: Timestamp, reading: Reading);
}

impl Sink for Vec<Line> {
    fn line(&mut self, series: i64, count: usize) {
        self.push((series, Vec::with_capacity(count)));
    }

    fn point(&mut self, at: Timestamp, reading: Reading) {
        if let Some((_, points)) = self.last_mut() {
            points.push((at, reading));
        }
    }
}

/// Points one after the other, each with its series: a block of one poll has one of each, and no list of its own for it.
#[derive(Default)]
pub struct Flat {
    series: i64,
    pub points: Vec<(i64, Timestamp, Reading)>,
}

impl Sink for Flat {
    fn line(&mut self, series: i64, _: usize) {
        self.series = series;
    }

    fn point(&mut self, at: Timestamp, reading: Reading) {
        self.points.push((self.series, at, reading));
    }
}

impl Flat {
    /// Reads a block in the place of the one before; of bytes that are none, nothing.
    pub fn read(&mut self, bytes: &[u8], since: Timestamp) {
        self.points.clear();
        if walk(bytes, since, self).is_none() {
            self.points.clear();
        }
    }
}

/// Reads what was written; `None` for bytes that are no block.
pub fn read(bytes: &[u8], since: Timestamp) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    walk(bytes, since, &mut lines).map(|()| lines)
}

fn walk(bytes: &[u8], since: Timestamp, into: &mut impl Sink) -> Option<()> {
    let (head, mut rest) = bytes.split_at_checked(2)?;
    let [FORMAT, flags] = *head else { return None };
    let unit = if flags & COARSE != 0 { SECOND } else { 1 };
    let mut left = MOST;
    while !rest.is_empty() {
        let series = take_number(&mut rest)?;
        let count = usize::try_from(take_number(&mut rest)?).ok()?;
        // A point has two bytes at least: a count beyond what is there is a lie.
        if count > left || count > rest.len() {
            return None;
        }
        left -= count;
        into.line(series, count);
        let mut at = nanos(since).div_euclid(unit);
        for _ in 0..count {
            at = at.checked_add(take_number(&mut rest)?)?;
            into.point(moment(at.checked_mul(unit)?), take_value(&mut rest)?);
        }
    }
    Some(())
}

/// Zigzag and seven bits a byte, as in protocol buffers: small numbers of either sign are one byte.
fn number(out: &mut Vec<u8>, n: i64) {
    let mut bits = u64::from_ne_bytes(((n << 1) ^ (n >> 63)).to_ne_bytes());
    while bits >= 0x80 {
        out.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<i64> {
    let mut bits = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        bits |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let half = i64::try_from(bits >> 1).ok()?;
            return Some(if bits & 1 == 1 { !half } else { half });
        }
    }
    None
}

fn value(out: &mut Vec<u8>, reading: &Reading, coarse: bool) {
    match reading {
        Reading::Measure(Measure::Number(x)) => {
            let single = *x as f32;
            let fits = single.is_finite() && (coarse || f64::from(single).to_bits() == x.to_bits());
            // 2^53: beyond it, not every whole number is a float.
            if x.trunc().to_bits() == x.to_bits()
                && x.abs() < 9e15
                && (*x != 0.0 || x.is_sign_positive())
            {
                out.push(WHOLE);
                number(out, *x as i64);
            } else if fits {
                out.push(SINGLE);
                out.extend(single.to_le_bytes());
            } else {
                out.push(DOUBLE);
                out.extend(x.to_le_bytes());
            }
        }
        Reading::Measure(Measure::NoData) => out.push(NO_DATA),
        Reading::Measure(Measure::NoTraffic) => out.push(NO_TRAFFIC),
        Reading::Measure(Measure::Infinite(above)) => {
            out.push(if *above { ABOVE } else { BELOW });
        }
        Reading::Measure(Measure::Unreadable(words)) => {
            out.push(UNREADABLE);
            bytes(out, words.as_str().as_bytes());
        }
        Reading::Probe(probed) => {
            out.push(PROBED);
            bytes(out, &postcard::to_stdvec(probed).unwrap_or_default());
        }
    }
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, i64::try_from(bytes.len()).unwrap_or(0));
    out.extend(bytes);
}

fn take_value(rest: &mut &[u8]) -> Option<Reading> {
    let (tag, more) = rest.split_first()?;
    *rest = more;
    Some(Reading::Measure(match *tag {
        // Through `of`: a file that says NaN does not get a number that is none.
        DOUBLE => Measure::of(f64::from_le_bytes(take(rest)?)),
        SINGLE => Measure::of(f64::from(f32::from_le_bytes(take(rest)?))),
        WHOLE => Measure::Number(take_number(rest)? as f64),
        NO_DATA => Measure::NoData,
        NO_TRAFFIC => Measure::NoTraffic,
        ABOVE => Measure::Infinite(true),
        BELOW => Measure::Infinite(false),
        UNREADABLE => Measure::Unreadable(Clean::line(String::from_utf8_lossy(take_bytes(rest)?))),
        PROBED => {
            return postcard::from_bytes(take_bytes(rest)?).ok().map(Reading::Probe);
        }
        _ => return None,
    }))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, more) = rest.split_first_chunk::<N>()?;
    *rest = more;
    Some(*head)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    let (head, more) = rest.split_at_checked(length)?;
    *rest = more;
    Some(head)
}

/// Keeps the last point of every `step`, and beside it those that stick out by a tenth or change their nature:
/// three bad minutes are not averaged away.
pub fn thin(points: Vec<(Timestamp, Reading)>, step: SignedDuration) -> Vec<(Timestamp, Reading)> {
    let step = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
    let mut kept: Vec<(Timestamp, Reading)> = Vec::new();
    let mut bucket: Vec<(Timestamp, Reading)> = Vec::new();
    let slot = |at: &Timestamp| nanos(*at).div_euclid(step);
    for point in points {
        if bucket.first().is_some_and(|(at, _)| slot(at) != slot(&point.0)) {
            settle(std::mem::take(&mut bucket), &mut kept);
        }
        bucket.push(point);
    }
    settle(bucket, &mut kept);
    kept
}

fn settle(bucket: Vec<(Timestamp, Reading)>, kept: &mut Vec<(Timestamp, Reading)>) {
    let size = |reading: &Reading| match reading {
        Reading::Measure(Measure::Number(x)) => Some(*x),
        _ => None,
    };
    let numbers = || bucket.iter().enumerate().filter_map(|(i, (_, r))| Some((i, size(r)?)));
    let least = numbers().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = numbers().max_by(|a, b| a.1.total_cmp(&b.1));
    let last = bucket.len().saturating_sub(1);
    let spread = least.zip(most).map_or(0.0, |((_, a), (_, b))| b - a);
    let scale = least.zip(most).map_or(0.0, |((_, a), (_, b))| a.abs().max(b.abs()));
    let sticks_out = |i: usize| {
        spread > scale * 0.1 && (least.is_some_and(|l| l.0 == i) || most.is_some_and(|m| m.0 == i))
    };
    let nature = |reading: &Reading| match reading {
        Reading::Measure(measure) => (measure.word(), Health::Ok),
        Reading::Probe(probed) => ("", probed.health),
    };
    let mut before = kept.last().map(|(_, reading)| nature(reading));
    for (i, point) in bucket.into_iter().enumerate() {
        let now = nature(&point.1);
        let turned = before.is_some_and(|before| before != now);
        before = Some(now);
        if i == last || turned || sticks_out(i) {
            kept.push(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    fn reading() -> impl Strategy<Value = Reading> {
        prop_oneof![
            any::<f64>().prop_map(|x| Reading::Measure(Measure::of(x))),
            (-1_000_000_i64..1_000_000).prop_map(|x| Reading::Measure(Measure::of(x as f64))),
            Just(Reading::Measure(Measure::NoData)),
            "\\PC{0,20}".prop_map(|w| Reading::Measure(Measure::Unreadable(Clean::line(w)))),
            ("\\PC{0,20}", proptest::option::of(0_i64..90_000)).prop_map(|(words, ms)| {
                Reading::Probe(Probed {
                    health: Health::Degraded,
                    words: Clean::line(words),
                    weight: Weight::Critical,
                    latency: ms.map(SignedDuration::from_millis),
                    expires: None,
                })
            }),
        ]
    }

    proptest! {
        #[test]
        fn points_come_back_as_they_were(
            points in proptest::collection::vec((any::<i32>(), 0_i32..1_000_000_000, reading()), 0..40),
        ) {
            let points: Vec<_> = points
                .into_iter()
                .map(|(s, ns, r)| (Timestamp::new(i64::from(s), ns).unwrap(), r))
                .collect();
            let lines = vec![(7, points), (3, Vec::new())];
            let bytes = write(&lines, t(1_000), false);
            let mut flat = Flat::default();
            flat.read(&bytes, t(1_000));
            let told = lines.iter().flat_map(|(id, points)| points.iter().map(|p| (*id, p.0, p.1.clone())));
            prop_assert_eq!(&flat.points, &told.collect::<Vec<_>>());
            let half = &bytes[..=bytes.len() / 2];
            flat.read(half, t(0));
            prop_assert!(flat.points.is_empty() || read(half, t(0)).is_some());
            prop_assert_eq!(read(&bytes, t(1_000)).unwrap(), lines);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes, t(0));
            let ours: Vec<u8> = [FORMAT, 0].into_iter().chain(bytes).collect();
            let _ = read(&ours, t(0));
        }
    }

    #[test]
    fn blocks_of_yesterday_are_read_as_they_were_written() {
        // Blocks are kept for ever: no kind of point, health or weight may get another number.
        let healths = [Health::Down, Health::Degraded, Health::Unknown, Health::Ok];
        let weights = [Weight::Critical, Weight::Important, Weight::Info];
        let probes = healths.into_iter().flat_map(|health| weights.map(|weight| (health, weight)));
        let probed = probes.map(|(health, weight)| {
            let latency = Some(SignedDuration::from_millis(12));
            Reading::Probe(Probed {
                health,
                words: Clean::from("200"),
                weight,
                latency,
                expires: Some(t(5)),
            })
        });
        let measures = [
            Measure::Number(0.1),
            Measure::Number(0.5),
            Measure::Number(7.0),
            Measure::NoData,
            Measure::NoTraffic,
            Measure::Infinite(true),
            Measure::Infinite(false),
            Measure::Unreadable(Clean::from("words")),
        ];
        let all = measures.map(Reading::Measure).into_iter().chain(probed).map(|r| (t(1), r));
        let lines = vec![(3, all.collect::<Vec<_>>())];
        let bytes = write(&lines, t(0), false);
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            use std::fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        assert_eq!(
            hex,
            "0100062880a8d6b907009a9999999999b93f00020000003f00010e000300040005000600070a776f72647300084c03033230300001085054302e303132530114313937302d30312d30315430303a30303a30355a00084c03033230300101085054302e303132530114313937302d30312d30315430303a30303a30355a00084c03033230300201085054302e303132530114313937302d30312d30315430303a30303a30355a00084c02033230300001085054302e303132530114313937302d30312d30315430303a30303a30355a00084c02033230300101085054302e303132530114313937302d30312d30315430303a30303a30355a00084c02033230300201085054302e303132530114313937302d30312d30315430303a30303a30355a00084c01033230300001085054302e303132530114313937302d30312d30315430303a30303a30355a00084c01033230300101085054302e303132530114313937302d30312d30315430303a30303a30355a00084c01033230300201085054302e303132530114313937302d30312d30315430303a30303a30355a00084c00033230300001085054302e303132530114313937302d30312d30315430303a30303a30355a00084c00033230300101085054302e303132530114313937302d30312d30315430303a30303a30355a00084c00033230300201085054302e303132530114313937302d30312d30315430303a30303a30355a"
        );
        assert_eq!(read(&bytes, t(0)).unwrap(), lines);
    }

    #[test]
    fn a_point_of_a_poll_takes_few_bytes() {
        let lines: Vec<Line> =
            (0..100).map(|n| (n, vec![(t(5), Reading::Measure(Measure::Number(0.25)))])).collect();
        assert!(write(&lines, t(5), false).len() <= 900);
    }

    #[test]
    fn thinning_keeps_the_last_and_what_sticks_out() {
        let number = |x: f64| Reading::Measure(Measure::Number(x));
        let mut points: Vec<_> = (0..60).map(|n| (t(n * 15), number(1.0))).collect();
        points[30].1 = number(9.0);
        points[40].1 = Reading::Measure(Measure::NoData);
        let thinned = thin(points, SignedDuration::from_mins(15));
        let seconds: Vec<i64> = thinned.iter().map(|(at, _)| at.as_second()).collect();
        assert_eq!(seconds, [0, 450, 600, 615, 885]);
    }
}
