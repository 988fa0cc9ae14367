//! A metric store that is killed: its numbers grow old in sight, nothing of it is green, and they are fresh again when it is back.

use std::process::Command;
use std::sync::{Arc, mpsc};

use andon::cockpit::{Cockpit, Heard, Key, Message, Setup, Which};
use andon::config::load_text;
use andon::engine::{Watch, from_clock};
use andon::insight::survey;
use andon::model::{Board, SourceName, Team};
use andon::page::{Frame, Memo, Scene, Size, Skin};
use andon::view::{Depth, Theme, paint, text};
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::servers::{SCRAPES_NOTHING, free_port, prometheus, until};

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (60, 15)];

fn config(port: u16) -> String {
    format!(
        "[team]\nname = \"t\"\n[[source]]\nname = \"prom\"\nkind = \"prometheus\"\n\
         url = \"http://127.0.0.1:{port}\"\nevery = \"15s\"\n\
         [[service]]\nname = \"web\"\nfound = false\n\
         [[service.metric]]\nname = \"answer\"\nquery = \"vector(42)\"\ngood = \"> 1\"\nbad = \"< 0\"\n"
    )
}

fn fold(board: &mut Board, heard: Heard) {
    board.sources.insert(heard.source.clone(), heard.freshness);
    if let Ok(report) = heard.outcome {
        board.fold(&heard.source, heard.at, report);
    }
}

/// The first service as machines read it at a moment.
fn told(board: &Board, team: &Team, now: Timestamp) -> Value {
    let survey = survey(board, team, now);
    let scene = Scene {
        board,
        team,
        survey: &survey,
        now,
        zone: &team.zone,
        frame: Frame::new(Size { width: 100, height: 50 }),
        memo: &Memo::default(),
    };
    andon::print::json(&scene, "health", None)
}

/// The screen at a moment, after some keys.
fn seen(
    board: &Board,
    team: &Team,
    now: Timestamp,
    (width, height): (u16, u16),
    keys: &str,
) -> String {
    let size = Size { width, height };
    let setup = Setup { board: board.clone(), ..Setup::new(Arc::new(team.clone()), size, now) };
    let mut cockpit = Cockpit::new(setup);
    cockpit.settle(now);
    for key in keys.split_whitespace() {
        cockpit.update(now, Message::Key(Key::parse(key).unwrap()));
        cockpit.settle(now);
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let theme = Theme::new(Skin::Terminal, Depth::None, false);
    paint(&cockpit.screen(now), &theme, &mut buffer);
    text(&buffer)
}

fn shown(lab: &std::path::Path) -> Value {
    let shown = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["show", "health", "--format", "json", "--poll", "--config"])
        .arg(lab.join("andon.toml"))
        .env_clear()
        .env("HOME", lab)
        .output()
        .unwrap();
    serde_json::from_slice(&shown.stdout).unwrap_or_else(|e| panic!("{e}: {shown:?}"))
}

#[test]
fn a_lost_store_turns_numbers_old_within_two_intervals_and_is_never_green() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let port = free_port();
    let Some(server) = prometheus(lab, port, SCRAPES_NOTHING, &[]) else { return };
    std::fs::write(lab.join("andon.toml"), config(port)).unwrap();
    let config = load_text(&config(port), lab, &[]).unwrap_or_else(|p| panic!("{p}"));
    let team = config.team.clone();
    let (tell, heard) = mpsc::channel();
    let watch = Watch::start(
        config.upstreams,
        Box::new(move |message| {
            if let Message::Heard(heard) = message {
                let _ = tell.send(*heard);
            }
        }),
    );
    let mut board = Board::default();
    let prom = SourceName::new("prom");
    let poll = |board: &mut Board, good: bool| {
        until("the next poll", || {
            watch.poll(Which::All);
            for one in heard.try_iter() {
                fold(board, one);
            }
            let fresh = board.sources.get(&prom)?;
            (fresh.status.is_good() == good).then_some(())
        });
    };
    poll(&mut board, true);
    let well = told(&board, &team, from_clock());
    assert_eq!(well["services"][0]["health"], "ok", "{well:#}");
    assert_eq!(well["services"][0]["metrics"][0]["stale"], false);
    assert_eq!(shown(lab)["services"][0]["metrics"][0]["value"], 42.0);

    server.crash();
    poll(&mut board, false);
    let last = board.sources[&prom].last_ok.unwrap();
    for seconds in [31, 45, 120, 299, 301, 3_600, 90_000] {
        let now = last + SignedDuration::from_secs(seconds);
        let json = told(&board, &team, now);
        let (service, metric) = (&json["services"][0], &json["services"][0]["metrics"][0]);
        assert_eq!((&service["stale"], &metric["stale"]), (&true.into(), &true.into()), "{json:#}");
        assert!(metric["age_s"].as_f64().unwrap() >= seconds as f64, "{metric}");
        assert_eq!(metric["value"], 42.0, "the last value is kept");
        if seconds > 300 {
            assert_eq!(
                (&service["health"], &metric["health"]),
                (&"unknown".into(), &"unknown".into())
            );
        }
        for size in SIZES {
            for keys in ["", "j enter"] {
                let screen = seen(&board, &team, now, size, keys);
                if size == SIZES[2] && matches!(seconds, 31 | 301) {
                    println!("{screen}");
                }
                assert!(!screen.contains("all 1 services ok"), "{screen}");
                let word = if seconds > 300 { "1 unknown" } else { "1 stale" };
                assert!(screen.lines().next().unwrap().contains(word), "{seconds} s\n{screen}");
                for line in screen.lines().filter(|line| line.contains("● ok")) {
                    assert!(line.contains("stale"), "{seconds} s\n{screen}");
                }
            }
        }
    }
    let lost = shown(lab);
    assert_eq!(lost["sources"][0]["status"], "unreachable", "{lost:#}");
    assert_ne!(lost["services"][0]["health"], "ok", "{lost:#}");

    let _server = prometheus(lab, port, SCRAPES_NOTHING, &[]).unwrap();
    poll(&mut board, true);
    let back = told(&board, &team, from_clock());
    assert_eq!(back["services"][0]["metrics"][0]["stale"], false);
    assert_eq!(back["services"][0]["health"], "ok", "{back:#}");
    assert_eq!(shown(lab)["services"][0]["health"], "ok");
}
