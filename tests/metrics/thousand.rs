//! A thousand services with five numbers each on a real Prometheus: how little a poll of all of them asks.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use andon::cockpit::{Cockpit, Heard, Key, Message, Setup, Which};
use andon::config::{Config, load_text};
use andon::engine::{Watch, from_clock};
use andon::insight::{numbers, survey};
use andon::model::{Board, Health, Measure, Name, SourceName, Status};
use andon::page::{Size, Skin};
use andon::view::{Depth, Theme, paint};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::history::{History, Stretch};
use crate::proxy::Proxy;
use crate::servers::Server;

const SERVICES: usize = 1_000;

fn name(n: usize) -> String {
    format!("service-{n:04}")
}

/// Ten requests a second of which one in a hundred fails, a tenth of a processor, memory, and one target that is up.
fn estate(lab: &Path) -> Option<Server> {
    let now = from_clock().as_second() / 60 * 60;
    let over = Stretch { from: now - 1_800, until: now + 900, every: 60 };
    let count = |each: f64| move |at: i64| Some(each * (at - now + 1_800) as f64);
    let (good, bad, cpu) = (count(9.9), count(0.1), count(0.1));
    let mut history = History::default();
    let mut family = |name_: &str, kind: &str, all: &[(&str, crate::history::Curve<'_>)]| {
        let named: Vec<(String, crate::history::Curve<'_>)> = (0..SERVICES)
            .flat_map(|n| {
                all.iter().map(move |(labels, value)| {
                    let series = labels.replace('{', &format!("{{service=\"{}\",", name(n)));
                    (series, *value)
                })
            })
            .collect();
        let named: Vec<_> = named.iter().map(|(series, value)| (series.as_str(), *value)).collect();
        history.family(name_, kind, over, &named);
    };
    let requests = "http_requests_total{code=\"200\"}";
    let failed = "http_requests_total{code=\"500\"}";
    family("http_requests", "counter", &[(requests, &good), (failed, &bad)]);
    family("process_cpu_seconds", "counter", &[("process_cpu_seconds_total{job=\"a\"}", &cpu)]);
    let memory = "process_resident_memory_bytes";
    family(memory, "gauge", &[("process_resident_memory_bytes{job=\"a\"}", &|_| Some(1e8))]);
    family("up", "gauge", &[("up{job=\"a\"}", &|_| Some(1.0))]);
    history.served(lab)
}

/// What one poll cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    requests: usize,
    sent: usize,
    told: usize,
    took: Duration,
}

/// Polls so many times, and what each cost.
fn polls(config: &Config, proxy: &Proxy, times: usize) -> (Board, Vec<Cost>) {
    let (tell, told) = mpsc::channel::<Box<Heard>>();
    let watch = Watch::start(
        config.upstreams.clone(),
        Box::new(move |message| {
            if let Message::Heard(heard) = message {
                let _ = tell.send(heard);
            }
        }),
    );
    let mut board = Board::default();
    let mut costs = Vec::new();
    for round in 0..times {
        let (before, bytes, begun) = (proxy.asked().len(), proxy.bytes(), Instant::now());
        if round > 0 {
            watch.poll(Which::All);
        }
        let heard = told.recv_timeout(Duration::from_secs(120)).expect("a poll that ends");
        let took = begun.elapsed();
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap());
        let asked = proxy.asked();
        let sent = asked[before..].iter().map(|asked| asked.head.len() + asked.body.len()).sum();
        costs.push(Cost {
            requests: asked.len() - before,
            sent,
            told: proxy.bytes() - bytes,
            took,
        });
    }
    (board, costs)
}

fn said(what: &str, costs: &[Cost]) {
    for (round, Cost { requests, sent, told, took }) in costs.iter().enumerate() {
        println!(
            "{what}, poll {round}: {requests} requests, {} kB sent, {} kB told, {} ms",
            sent / 1_000,
            told / 1_000,
            took.as_millis()
        );
    }
}

fn all_is_told(config: &Config, board: &Board) {
    assert_eq!(board.sources[&SourceName::new("prom")].status, Status::Ok, "{:?}", board.sources);
    for service in &config.team.services {
        let all: Vec<_> = numbers(board, service).collect();
        assert_eq!(all.len(), 5, "{}", service.name);
        for metric in all {
            let newest = board.tracks[&metric.id].newest().map(|(_, measure)| measure.clone());
            assert!(matches!(newest, Some(Measure::Number(n)) if n > 0.0), "{newest:?} {metric:?}");
        }
    }
    let survey = survey(board, &config.team, from_clock());
    let state = survey.service(&Name::new(&name(7))).unwrap();
    assert_eq!(state.health, Health::Ok, "{state:?}");
}

/// How long a frame takes, in words: what is measured belongs into benches, what is wrong by a hundredfold is seen here.
fn frames(config: &Config, board: &Board) {
    let (size, now) = (Size { width: 200, height: 60 }, from_clock());
    let team = std::sync::Arc::new(config.team.clone());
    let mut cockpit = Cockpit::new(Setup { board: board.clone(), ..Setup::new(team, size, now) });
    cockpit.settle(now);
    let theme = Theme::new(Skin::Terminal, Depth::None, false);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    for key in ["j", "j", "k", "enter", "esc"] {
        let begun = Instant::now();
        cockpit.update(now, Message::Key(Key::parse(key).unwrap()));
        cockpit.settle(now);
        paint(&cockpit.screen(now), &theme, &mut buffer);
        println!("found, {key}: a frame after {} ms", begun.elapsed().as_millis());
    }
}

fn source(url: &str) -> String {
    format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{url}\"\ntimeout = \"60s\"\n"
    )
}

#[test]
fn a_thousand_services_that_were_found_cost_a_handful_of_questions() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = estate(lab.path()) else { return };
    let proxy = Proxy::before(server.port, |_, _| false);
    let mut text = source(&proxy.url());
    for n in 0..SERVICES {
        let _ = write!(text, "[[service]]\nname = \"{}\"\n", name(n));
    }
    let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    let (board, costs) = polls(&config, &proxy, 4);
    said("found", &costs);
    frames(&config, &board);
    for cost in &costs[1..] {
        assert!(cost.requests <= 15, "{cost:?}");
        assert!(cost.sent < 200_000 && cost.told < 100_000, "{cost:?}");
    }
    all_is_told(&config, &board);
}

#[test]
fn a_thousand_services_with_queries_of_their_own_are_asked_in_batches() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = estate(lab.path()) else { return };
    let proxy = Proxy::before(server.port, |_, _| false);
    let mut text = source(&proxy.url());
    for n in 0..SERVICES {
        let name = name(n);
        let _ = write!(text, "[[service]]\nname = \"{name}\"\nfound = false\n");
        let s = format!("service=\"{name}\"");
        let all = format!("sum(rate(http_requests_total{{{s}}}[5m]))");
        let bad = format!("sum(rate(http_requests_total{{{s},code=~\"5..\"}}[5m]))");
        for (metric, query) in [
            ("requests", all.clone()),
            ("errors", format!("{bad} / {all}")),
            ("cpu", format!("sum(rate(process_cpu_seconds_total{{{s}}}[5m]))")),
            ("memory", format!("process_resident_memory_bytes{{{s}}}")),
            ("up", format!("min(up{{{s}}})")),
        ] {
            let good = if metric == "up" { "good = \">= 1\"\n" } else { "" };
            let _ =
                write!(text, "[[service.metric]]\nname = \"{metric}\"\nquery = '{query}'\n{good}");
        }
    }
    let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    let (board, costs) = polls(&config, &proxy, 4);
    said("own", &costs);
    for cost in &costs[1..] {
        assert!(cost.requests <= 70, "{cost:?}");
        assert!(cost.sent < 1_200_000 && cost.told < 100_000, "{cost:?}");
    }
    all_is_told(&config, &board);
}
