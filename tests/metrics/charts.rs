//! A service's page over a real Prometheus: what the cursor reads in every window is what a hand works out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use andon::cockpit::{Charting, Cockpit, Effect, Key, Message, Setup};
use andon::config::{Config, load_text};
use andon::engine::{Limits, charts};
use andon::page::{Chart, Noun, Size};
use jiff::Timestamp;

use crate::history::{History, Stretch};
use crate::proxy::{Proxy, field};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn t() -> i64 {
    now().as_second()
}

/// Hours of today, and of every day before: nothing was measured; nobody came.
const GAP: (i64, i64) = (9 * HOUR, 10 * HOUR);
const QUIET: (i64, i64) = (7 * HOUR, 8 * HOUR);

fn within(at: i64, hours: (i64, i64)) -> bool {
    (hours.0 + 1..hours.1).contains(&at.rem_euclid(DAY))
}

fn depth(at: i64) -> f64 {
    (at.rem_euclid(DAY) / MINUTE) as f64
}

/// Seconds of all days up to a moment in which somebody came.
fn busy(at: i64) -> i64 {
    let quiet = QUIET.1 - QUIET.0;
    let (days, of_day) = (at.div_euclid(DAY) - t().div_euclid(DAY) + 40, at.rem_euclid(DAY));
    days * (DAY - quiet) + of_day - (of_day - QUIET.0).clamp(0, quiet)
}

/// 31 days, a sample every minute: a depth that is the minute of its day, room that is what is left of 2,000; ten
/// requests a second of which one in a hundred fails and each takes a fifth of a second.
fn month() -> History {
    let mut history = History::default();
    let over = Stretch { from: t() - 31 * DAY, until: t(), every: 60 };
    let told = |value: f64, at: i64| (!within(at, GAP)).then_some(value);
    history.family("app_depth", "gauge", over, &[("app_depth", &|at| told(depth(at), at))]);
    history.family("app_room", "gauge", over, &[("app_room", &|at| told(2_000.0 - depth(at), at))]);
    let count = |each: f64| move |at: i64| told(each * busy(at) as f64, at);
    let (good, bad, seconds) = (count(9.9), count(0.1), count(2.0));
    let (ok, failed) = (r#"http_requests_total{code="200"}"#, r#"http_requests_total{code="500"}"#);
    history.family("http_requests", "counter", over, &[(ok, &good), (failed, &bad)]);
    history.family("http_seconds", "counter", over, &[("http_seconds_total", &seconds)]);
    history
}

fn config(url: &str) -> Config {
    let mut text = format!(
        "[team]\nname = \"t\"\n[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
         [[service]]\nname = \"shop\"\nfound = false\n"
    );
    let all = "sum(rate(http_requests_total[5m]))";
    for (name, role, unit, query, bound) in [
        ("pace", "latency", "s", format!("sum(rate(http_seconds_total[5m])) / {all}"), ""),
        (
            "errors",
            "errors",
            "ratio",
            format!("sum(rate(http_requests_total{{code=\"500\"}}[5m])) / {all}"),
            "good = \"< 0.05\"",
        ),
        ("requests", "traffic", "per-second", all.to_owned(), ""),
        ("depth", "saturation", "", "app_depth  # minutes".to_owned(), "bad = \"> 5000\""),
        ("room", "availability", "", "app_room".to_owned(), "bad = \"< 1\""),
        ("nothing", "business", "", "no_such_series".to_owned(), ""),
    ] {
        writeln!(
            text,
            "[[service.metric]]\nname = \"{name}\"\nrole = \"{role}\"\nunit = \"{unit}\"\nquery = '{query}'\n{bound}"
        )
        .unwrap();
    }
    load_text(&text, Path::new("/"), &[]).unwrap_or_else(|p| panic!("{p}"))
}

/// A cockpit whose wishes a real store answers.
struct Sight<'a> {
    cockpit: Cockpit,
    config: &'a Config,
    wishes: Vec<Charting>,
}

impl<'a> Sight<'a> {
    fn open(config: &'a Config, width: u16) -> Self {
        let size = Size { width, height: 60 };
        let cockpit = Cockpit::new(Setup::new(Arc::new(config.team.clone()), size, now()));
        let mut sight = Self { cockpit, config, wishes: Vec::new() };
        sight.press("j k enter");
        sight
    }

    fn tell(&mut self, message: Message) {
        for effect in self.cockpit.update(now(), message) {
            let Effect::Chart(charting) = effect else { continue };
            for told in charts::ask(&self.config.upstreams, &charting, &Limits::default()) {
                self.cockpit.update(now(), told);
            }
            self.wishes.push(charting);
        }
        self.cockpit.settle(now());
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.tell(Message::Key(Key::parse(key).unwrap()));
        }
    }

    fn chart(&self) -> (String, Chart) {
        let blocks = self.cockpit.screen(now()).blocks;
        let mut charts = blocks.into_iter().filter_map(|block| match block.noun {
            Noun::Chart(chart) => Some((block.title.to_string(), chart)),
            _ => None,
        });
        charts.next().unwrap()
    }

    /// Which wish the window in sight was.
    fn wish(&self) -> usize {
        let chart = self.chart().1;
        let same = |wish: &Charting| {
            (wish.slices.from(), wish.slices.until()) == (chart.from, chart.until)
        };
        self.wishes.iter().position(same).unwrap()
    }

    fn points(&self) -> BTreeMap<String, Vec<Option<f64>>> {
        let series = self.chart().1.series.into_iter();
        series.map(|one| (one.name.to_string(), one.points)).collect()
    }

    /// What stands under the cursor, put to the slice that ends at this moment.
    fn read_at(&mut self, moment: i64) -> BTreeMap<String, String> {
        if self.chart().1.cursor.is_some() {
            self.press("esc");
        }
        self.press("h");
        let wish = self.wishes[self.wish()].clone();
        while slice_end(self.chart().1.cursor.unwrap().slice, &wish) > moment {
            self.press("h");
        }
        let series = self.chart().1.series.into_iter();
        series.map(|one| (one.name.to_string(), one.read.unwrap().0.to_string())).collect()
    }
}

fn slice_end(slice: usize, charting: &Charting) -> i64 {
    charting.slices.end(slice).as_second()
}

/// What the server sees of a gauge at a moment: the newest sample of the last five minutes.
fn seen(value: fn(i64) -> f64, at: i64) -> Option<f64> {
    let newest = at.div_euclid(MINUTE) * MINUTE;
    // Newer servers leave the oldest of them out; no sample is exactly there but at the end of the gap's first minutes.
    let samples = (0..5).map(|n| newest - n * MINUTE);
    samples.into_iter().find(|at| !within(*at, GAP)).map(value)
}

/// The looks at a slice: one at its end, or several on a grid from its beginning, which older servers include.
fn looks(end: i64, charting: &Charting, closed: bool) -> Vec<i64> {
    let Some(every) = charting.slices.looks().map(|every| every.as_secs()) else {
        return vec![end];
    };
    let from = end - charting.slices.step().as_secs();
    let looks = (from..=end).filter(|at| at % every == 0 && (closed || *at > from));
    looks.collect()
}

fn fold(values: &[f64], worst: fn(f64, f64) -> f64) -> Option<f64> {
    values.iter().copied().reduce(worst)
}

fn is_near(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

#[test]
fn every_window_shows_what_a_hand_works_out_and_costs_one_question() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = month().served(lab.path()) else { return };
    let proxy = Proxy::before(server.port, |_, _| false);
    let config = config(&proxy.url());
    let mut sight = Sight::open(&config, 140);
    sight.press("+ + + + + + + +");
    for hours in [1, 3, 6, 12, 24, 48, 168, 720] {
        let wish = sight.wish();
        let charting = sight.wishes[wish].clone();
        assert_eq!(charting.slices.span().as_secs(), hours * HOUR);
        let (title, chart) = sight.chart();
        assert!(!title.contains("prom:") && !title.contains("asking"), "{title}");
        let asked = proxy.asked();
        assert_eq!(
            asked.len(),
            sight.wishes.len(),
            "one question a window for all numbers: {title}"
        );
        let last = &asked[wish];
        assert!(last.path().ends_with("/api/v1/query_range"));
        let step: i64 = field(last, "step").parse().unwrap();
        assert_eq!(step, charting.slices.step().as_secs());
        let points = (hours * HOUR) / step;
        assert!(points <= 140, "{points} points for 140 columns");
        assert_eq!(chart.series[0].points.len(), points as usize);
        every_slice_is_right(&sight, &charting);
        if hours < 720 {
            sight.press("-");
        }
    }
    // Each window once: the way back asks nobody.
    let before = proxy.asked().len();
    sight.press("+ + + + + + +");
    assert_eq!(proxy.asked().len(), before);
    println!("{before} questions, {} bytes for all windows of six numbers", proxy.bytes());
}

#[allow(clippy::needless_range_loop, reason = "every series is read at the same slice")]
fn every_slice_is_right(sight: &Sight<'_>, charting: &Charting) {
    let points = sight.points();
    let what = |name: &str, slice: usize| {
        let end = charting.slices.end(slice);
        format!("{name} at {end} of {} s", charting.slices.step().as_secs())
    };
    let mut checked = 0;
    for slice in 0..charting.slices.count() {
        let end = slice_end(slice, charting);
        if end > t() {
            continue;
        }
        let of = |value: fn(i64) -> f64, closed: bool| -> Vec<f64> {
            looks(end, charting, closed).into_iter().filter_map(|at| seen(value, at)).collect()
        };
        let is = |name: &str, value: fn(i64) -> f64, worst: fn(f64, f64) -> f64| {
            let found = points[name][slice];
            let right = [true, false].map(|closed| fold(&of(value, closed), worst));
            let good = right.iter().any(|right| is_near(found, *right));
            assert!(good, "{}: {found:?}, right is {right:?}", what(name, slice));
        };
        is("depth", depth, f64::max);
        is("room", |at| 2_000.0 - depth(at), f64::min);
        assert_eq!(points["nothing"][slice], None);
        // Ratios are the same whenever somebody comes, be it in one look of many.
        for (name, value) in [("errors", 0.01), ("pace", 0.2)] {
            if let Some(found) = points[name][slice] {
                assert!((found - value).abs() < 1e-6, "{}: {found}", what(name, slice));
            }
        }
        let calm = |at: i64| {
            let edges = [GAP, QUIET].map(|(from, until)| (from, until + 6 * MINUTE));
            edges.iter().all(|edge| !within(at, *edge))
        };
        if looks(end, charting, false).into_iter().any(calm) {
            for name in ["errors", "pace", "requests"] {
                assert!(points[name][slice].is_some(), "{}", what(name, slice));
            }
        }
        if looks(end, charting, true).into_iter().all(calm) {
            let requests = points["requests"][slice];
            assert!(is_near(requests, Some(10.0)), "{}: {requests:?}", what("requests", slice));
            checked += 1;
        }
    }
    assert!(checked > charting.slices.count() / 3, "{checked} calm slices");
}

#[test]
fn the_cursor_tells_a_gap_from_no_traffic_and_from_a_series_that_is_missing() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = month().served(lab.path()) else { return };
    let config = config(&server.url(""));
    let mut sight = Sight::open(&config, 140);
    sight.press("+ + + + - - -");
    assert_eq!(sight.chart().1.until.duration_since(sight.chart().1.from).as_hours(), 12);
    let midnight = t().div_euclid(DAY) * DAY;
    let expected = |all: [&str; 6]| -> BTreeMap<String, String> {
        let names = ["pace", "errors", "requests", "depth", "room", "nothing"];
        names.into_iter().map(str::to_owned).zip(all.into_iter().map(str::to_owned)).collect()
    };
    let busy = sight.read_at(midnight + 11 * HOUR);
    assert_eq!(busy, expected(["200 ms", "1 %", "10/s", "660", "1.3 k", "—"]));
    let gap = sight.read_at(midnight + 9 * HOUR + 30 * MINUTE);
    assert_eq!(gap, expected(["—", "—", "—", "—", "—", "—"]));
    let quiet = sight.read_at(midnight + 7 * HOUR + 30 * MINUTE);
    assert_eq!(quiet, expected(["no traffic", "no traffic", "0/s", "450", "1.6 k", "—"]));
}
