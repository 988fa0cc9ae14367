//! A service's page and the metric store behind it: what is asked and when, and what the cursor reads of the answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/estate.rs"]
mod estate;
#[path = "common/fault_server.rs"]
mod fault_server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use andon::cockpit::{Charted, Charting, Cockpit, Effect, Key, Message};
use andon::config::{Config, load_text};
use andon::engine::Limits;
use andon::engine::charts::{self, Charts};
use andon::model::{
    Fact, Freshness, MOST_SLICES, Measure, MetricId, Name, Report, Status, Trouble,
};
use andon::page::{Chart, Noun, Size};
use estate::{heard, moment, report, team};
use fault_server::{Asked, FaultServer, json, silence};
use jiff::{SignedDuration, Timestamp};

const SIZE: Size = Size { width: 120, height: 40 };

/// A cockpit that polled for an hour, and every wish for curves it has made since.
struct Sight {
    cockpit: Cockpit,
    now: Timestamp,
    wishes: Vec<Charting>,
}

impl Sight {
    fn new(size: Size) -> Self {
        let team = team(3);
        let told = report(&team, moment(), 60);
        let cockpit = estate::cockpit(team, size, told);
        Self { cockpit, now: moment(), wishes: Vec::new() }
    }

    fn tell(&mut self, message: Message) {
        for effect in self.cockpit.update(self.now, message) {
            if let Effect::Chart(charting) = effect {
                self.wishes.push(charting);
            }
        }
        self.cockpit.settle(self.now);
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.tell(Message::Key(Key::parse(key).unwrap()));
        }
    }

    /// The store answers the newest wish with these readings of each number, by moment.
    fn answer(&mut self, reading: impl Fn(Timestamp) -> Option<f64>) {
        let wish = self.wishes.last().unwrap().clone();
        let moments: Vec<Timestamp> = (0..wish.slices.count())
            .map(|i| wish.slices.end(i))
            .filter(|t| *t <= wish.at)
            .collect();
        let curve = |id: &MetricId| {
            let points = moments.iter().filter_map(|t| Some((*t, Measure::of(reading(*t)?))));
            Fact::History { id: id.clone(), points: points.collect() }
        };
        let facts = wish.numbers.iter().map(|m| curve(&m.id)).collect();
        self.told(wish.id, Ok(Report { facts, ..Report::default() }));
    }

    fn told(&mut self, id: u64, outcome: Result<Report, Trouble>) {
        let told = Some((Name::new("prom"), outcome));
        self.tell(Message::Charted(Box::new(Charted { id, told, more: false })));
    }

    fn chart(&self) -> Chart {
        let blocks = self.cockpit.screen(self.now).blocks;
        let chart = blocks.into_iter().find_map(|b| match b.noun {
            Noun::Chart(chart) => Some(chart),
            _ => None,
        });
        chart.unwrap()
    }

    fn title(&self) -> String {
        let blocks = self.cockpit.screen(self.now).blocks;
        let chart = blocks.iter().find(|b| matches!(b.noun, Noun::Chart(_)));
        chart.unwrap().title.to_string()
    }

    /// What stands in the name lines of the series.
    fn read(&self) -> Vec<String> {
        let read = |s: &andon::page::Series| s.read.as_ref().map(|(text, _)| text.to_string());
        self.chart().series.iter().filter_map(read).collect()
    }
}

#[test]
fn a_window_is_wished_for_once_and_nothing_is_while_no_page_is_open() {
    let mut sight = Sight::new(SIZE);
    sight.press("j k j");
    sight.tell(heard(moment(), Report::default()));
    assert_eq!(sight.wishes.len(), 0, "a list asks nobody");
    sight.press("enter");
    assert_eq!(sight.wishes.len(), 1);
    assert_eq!(sight.wishes[0].numbers.len(), 5, "all numbers of this service, and of no other");
    assert!(sight.title().contains("asking"), "{}", sight.title());
    sight.press("h h l");
    sight.tell(heard(moment(), Report::default()));
    assert_eq!(sight.wishes.len(), 1, "the answer is awaited");
    sight.answer(|_| Some(1.0));
    assert!(!sight.title().contains("asking"), "{}", sight.title());
    sight.press("j k h");
    assert_eq!(sight.wishes.len(), 1);
    sight.press("-");
    sight.answer(|_| Some(2.0));
    assert_eq!(sight.wishes.len(), 2, "another window");
    sight.press("+");
    assert_eq!(sight.wishes.len(), 2, "the first is remembered");
    assert_eq!(sight.chart().series[0].points[0], Some(1.0));
    sight.press("<");
    sight.answer(|_| Some(3.0));
    sight.press(">");
    assert_eq!(sight.wishes.len(), 3, "the way back asks nobody");
    sight.press("r");
    assert_eq!(sight.wishes.len(), 4, "who asks for fresh answers gets them");
    sight.answer(|_| Some(4.0));
    sight.press("esc esc");
    for minutes in 1..60 {
        sight.now = moment() + SignedDuration::from_mins(minutes);
        sight.tell(heard(sight.now, Report::default()));
        sight.tell(Message::Clock);
    }
    assert_eq!(sight.wishes.len(), 4, "a closed page asks nobody");
}

#[test]
fn a_page_that_stays_open_asks_again_only_when_polls_no_longer_bridge_to_now() {
    let mut sight = Sight::new(SIZE);
    sight.press("enter");
    sight.answer(|_| Some(1.0));
    for minutes in 1..=60 {
        sight.now = moment() + SignedDuration::from_mins(minutes);
        sight.tell(heard(sight.now, Report::default()));
        if sight.wishes.len() > 1 && sight.title().contains("asking") {
            sight.answer(|_| Some(1.0));
        }
    }
    assert!((2..=5).contains(&sight.wishes.len()), "{} in an hour", sight.wishes.len());
}

#[test]
fn the_cursor_reads_every_number_at_its_moment_and_tells_gaps_from_no_traffic() {
    let mut sight = Sight::new(SIZE);
    sight.press("enter");
    let slices = sight.wishes[0].slices;
    let of = |slice: usize| slices.end(slice);
    let last = slices.slice(moment()).unwrap();
    sight.answer(|t| match slices.slice(t).unwrap() {
        n if n + 3 == last => Some(0.5),
        n if n + 4 == last => Some(f64::NAN),
        n if n + 5 == last => Some(f64::INFINITY),
        _ => Some(1.0),
    });
    sight.press("h h h h");
    assert_eq!(sight.read(), ["500 ms", "50 %", "0.5/s", "50 %", "0.5"]);
    let cursor = sight.chart().cursor.unwrap();
    assert_eq!(cursor.slice, last - 3);
    let ago = moment().duration_since(of(last - 3)).as_secs() / 60;
    assert!(cursor.text.as_str().contains(&format!("{ago} m ago")), "{}", cursor.text);
    sight.press("h");
    assert!(sight.read().iter().all(|r| r == "no traffic"), "{:?}", sight.read());
    sight.press("h");
    assert!(sight.read().iter().all(|r| r.contains('∞')), "{:?}", sight.read());
    sight.press("l l l");
    assert_eq!(sight.read()[0], "1 s");
    sight.press("esc");
    assert!(
        sight.read().is_empty() && sight.chart().cursor.is_none(),
        "esc takes the cursor first"
    );
    assert_eq!(sight.wishes.len(), 1, "and no key of it asked anybody");
}

#[test]
fn where_nobody_told_anything_the_cursor_says_so() {
    let mut sight = Sight::new(SIZE);
    sight.press("enter - - -");
    sight.answer(|_| None);
    sight.press("h g");
    for _ in 0..sight.chart().cursor.unwrap().slice {
        sight.press("h");
    }
    assert_eq!(sight.chart().cursor.unwrap().slice, 0);
    assert!(sight.read().iter().all(|r| r == "—"), "{:?}", sight.read());
    sight.press("h");
    assert!(sight.wishes.len() >= 2, "beyond the edge the window goes along, and is asked for");
    assert!(sight.chart().cursor.is_some());
}

#[test]
fn every_window_on_every_screen_is_covered_by_what_is_asked_for() {
    for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60), (400, 120)] {
        let mut sight = Sight::new(Size { width, height });
        sight.press("enter + + + + + + + +");
        for hours in [1, 3, 6, 12, 24, 48, 168, 720] {
            let wish = sight.wishes.last().unwrap();
            let slices = wish.slices;
            assert!(slices.span() >= SignedDuration::from_hours(hours), "{hours} h at {width}");
            assert!(slices.count() <= MOST_SLICES.min(usize::from(width)));
            let chart = sight.chart();
            assert_eq!((chart.from, chart.until), (slices.from(), slices.until()));
            assert!(chart.until >= wish.at && wish.at == moment());
            assert_eq!(chart.series[0].points.len(), slices.count());
            sight.press("-");
        }
        let asked = sight.wishes.len();
        sight.press("-");
        assert_eq!(sight.wishes.len(), asked, "30 days are as far as it goes");
        sight.press("<");
        let wish = sight.wishes.last().unwrap();
        let back = moment().duration_since(wish.slices.until()).as_hours();
        assert!((14 * 24..=15 * 24).contains(&back), "half a window back: {back} h");
    }
}

#[test]
fn in_the_past_nothing_of_later_is_asked_for() {
    let mut sight = Sight::new(SIZE);
    sight.press("t h h enter enter");
    let wish = sight.wishes.last().unwrap();
    assert_eq!(wish.at, moment() - SignedDuration::from_hours(2));
    assert!(wish.slices.until() < wish.at + wish.slices.step());
    sight.press("-");
    assert_eq!(sight.wishes.last().unwrap().at, moment() - SignedDuration::from_hours(2));
}

#[test]
fn a_store_that_asked_for_quiet_is_left_alone_and_one_that_failed_is_said_to() {
    let mut sight = Sight::new(SIZE);
    let Message::Heard(mut one) = heard(moment(), Report::default()) else { unreachable!() };
    one.freshness = Freshness {
        status: Status::RateLimited,
        next_poll: Some(moment() + SignedDuration::from_mins(5)),
        ..one.freshness
    };
    sight.tell(Message::Heard(one));
    sight.press("enter -");
    assert_eq!(sight.wishes.len(), 0);
    assert!(sight.title().contains("only what was polled: prom: not asked before 12:05"));
    sight.tell(heard(moment(), Report::default()));
    sight.press("-");
    let id = sight.wishes.last().unwrap().id;
    sight.told(id, Err(Trouble::new(Status::Timeout, "no answer within 10 s")));
    let title = sight.title();
    assert!(title.contains("only what was polled: prom: no answer within 10 s"), "{title}");
    assert!(sight.chart().series[0].points.iter().any(Option::is_some), "polled values are drawn");
    let asked = sight.wishes.len();
    sight.tell(heard(moment(), Report::default()));
    assert_eq!(sight.wishes.len(), asked, "a store that failed is not asked again at once");
}

/// A store that answers each number with the minutes since midnight.
fn store(asked: &Asked) -> Vec<u8> {
    let form: BTreeMap<String, String> =
        url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let number = |name: &str| form[name].parse::<i64>().unwrap();
    let (start, end, step) = (number("start"), number("end"), number("step"));
    let points: Vec<String> = (start..=end)
        .step_by(usize::try_from(step).unwrap())
        .map(|t| format!("[{t},\"{}\"]", t.rem_euclid(86_400) / 60))
        .collect();
    let points = points.join(",");
    let series: Vec<String> = (0..3)
        .filter(|i| form["query"].contains(&format!("\"{i}\"")))
        .map(|i| format!("{{\"metric\":{{\"andon_query\":\"{i}\"}},\"values\":[{points}]}}"))
        .collect();
    let series = series.join(",");
    json(&format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{series}]}}}}"
    ))
}

fn config(url: &str) -> Config {
    let mut text = format!(
        "[team]\nname = \"t\"\n[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
         [[service]]\nname = \"service-00001\"\n"
    );
    for (name, role) in [("latency", "latency"), ("errors", "errors"), ("orders", "business")] {
        write!(
            text,
            "[[service.metric]]\nname = \"{name}\"\nsource = \"prom\"\nrole = \"{role}\"\n\
             query = \"q_{name} # ours\"\nbad = \"> 5000\"\n"
        )
        .unwrap();
    }
    load_text(&text, Path::new("/"), &[]).unwrap_or_else(|p| panic!("{p}"))
}

/// A wish as a cockpit makes it, for the numbers of this configuration.
fn wish(config: &Config, id: u64, keys: &str) -> Charting {
    let mut sight = Sight::new(SIZE);
    sight.press(keys);
    let wish = sight.wishes.last().unwrap().clone();
    Charting { id, numbers: config.team.services[0].metrics.clone(), ..wish }
}

#[test]
fn one_window_is_one_request_at_the_resolution_of_the_screen() {
    let server = FaultServer::start(|asked, stream| {
        let _ = stream.write_all(&store(asked));
    });
    let config = config(&server.url(""));
    for (keys, folded) in [("enter", false), ("enter - - - - - -", true)] {
        let before = server.asked().len();
        let wish = wish(&config, 7, keys);
        let told = charts::ask(&config.upstreams, &wish, &Limits::default());
        let [Message::Charted(charted)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((charted.id, charted.more), (7, false));
        let (_, report) = charted.told.as_ref().unwrap();
        let facts = &report.as_ref().unwrap().facts;
        assert_eq!(facts.len(), 3);
        for fact in facts {
            let Fact::History { points, .. } = fact else { panic!("{fact:?}") };
            assert!(points.len() >= wish.slices.count() - 1, "{} points", points.len());
            assert!(points.iter().all(|(t, _)| *t <= wish.at && wish.slices.slice(*t).is_some()));
        }
        let asked = server.asked();
        assert_eq!(asked.len(), before + 1, "one request for all numbers");
        let body = &asked[before].body;
        assert!(asked[before].path().ends_with("/api/v1/query_range"));
        assert!(body.contains(&format!("step={}", wish.slices.step().as_secs())), "{body}");
        assert_eq!(body.contains("max_over_time"), folded, "a long slice is not a sample: {body}");
    }
}

#[test]
fn a_newer_wish_does_not_wait_for_an_older_answer_and_a_dead_store_is_said_to_be() {
    let server = FaultServer::start(|asked, stream| {
        // The first window is a slow one.
        if asked.body.contains("step=120") {
            silence(stream);
        } else {
            let _ = stream.write_all(&store(asked));
        }
    });
    let config = config(&server.url(""));
    let (tell, told) = channel();
    let sink = move |message| {
        if let Message::Charted(charted) = message {
            let _ = tell.send(*charted);
        }
    };
    let asking = Charts::start(&config.upstreams, Limits::default(), Box::new(sink));
    let slow = wish(&config, 1, "enter");
    assert_eq!(slow.slices.step().as_secs(), 120);
    asking.wish(slow);
    while server.asked().is_empty() {
        std::thread::yield_now();
    }
    asking.wish(wish(&config, 2, "enter -"));
    let first = told.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(first.id, 2);
    assert!(first.told.unwrap().1.is_ok());
    drop(server);
    asking.wish(wish(&config, 3, "enter - -"));
    let next = told.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(next.id, 3);
    assert_eq!(next.told.unwrap().1.unwrap_err().status, Status::Unreachable);
}

#[test]
fn what_a_store_refuses_folded_it_is_asked_as_it_is_written() {
    let server = FaultServer::start(|asked, stream| {
        let refusal = r#"{"status":"error","errorType":"bad_data","error":"no subqueries here"}"#;
        let body = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned();
        let query = body.into_iter().find(|(name, _)| name == "query").unwrap().1;
        let bytes = if query.contains("_over_time") {
            fault_server::answer("400 Bad Request", "", refusal.as_bytes())
        } else {
            let one = r#"{"metric":{},"values":[[1795262400,"5"]]}"#;
            json(&format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{one}]}}}}"#
            ))
        };
        let _ = stream.write_all(&bytes);
    });
    let config = config(&server.url(""));
    let wish = wish(&config, 1, "enter - - - - - -");
    let told = charts::ask(&config.upstreams, &wish, &Limits::default());
    let [Message::Charted(charted)] = told.as_slice() else { panic!("{told:?}") };
    let report = charted.told.as_ref().unwrap().1.as_ref().unwrap();
    assert_eq!(report.facts.len(), 3);
    assert_eq!(server.asked().len(), 4, "together, then each as it is written, and no more");
}
