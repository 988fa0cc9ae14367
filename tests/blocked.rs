//! A terminal that takes nothing for long (a detached window, a stopped link): polls go on, memory stays flat, every way out works.
//!
//! The stretch is counted in polls the loopback server got, not in seconds. `--ignored` blocks for a minute of the clock.

#![cfg(target_os = "linux")]
// Helpers of a test may fail as loudly as the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "common/fault_server.rs"]
mod fault_server;
#[path = "common/pty.rs"]
#[allow(dead_code)]
mod pty;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fault_server::{FaultServer, json};
use pty::Pty;
use rustix::process::Signal;

/// Sources of each program, each asked every second.
const SOURCES: usize = 8;
/// Memory a blocked program may take more than before: promise L3.
const GROWTH: u64 = 4 << 20;
/// Every way out, with the exit code it must have.
const WAYS: [(&str, i32); 3] = [("q", 0), ("TERM", 143), ("HUP", 129)];

/// Every answer has another number in it, so that every poll has something to draw.
fn server() -> FaultServer {
    let told = AtomicUsize::new(0);
    FaultServer::start(move |_, stream| {
        let n = told.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(&json(&format!("{{\"n\": {n}}}")));
    })
}

fn configuration(folder: &Path, server: &FaultServer, way: &str) -> PathBuf {
    let mut text = String::new();
    for i in 0..SOURCES {
        write!(
            text,
            "[[source]]\nname = \"s{i}\"\nkind = \"json\"\nevery = \"1s\"\nurl = \"{}\"\n\
             metrics = [{{ name = \"n\", at = \"/n\", service = \"shop{i}\" }}]\n\
             [[service]]\nname = \"shop{i}\"\n",
            server.url(&format!("/{way}/{i}"))
        )
        .unwrap();
    }
    let file = folder.join(format!("{way}.toml"));
    std::fs::write(&file, text).unwrap();
    file
}

/// When each source of one program was asked.
fn asked(server: &FaultServer, way: &str) -> BTreeMap<String, Vec<Instant>> {
    let mut all: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    let prefix = format!("/{way}/");
    for asked in server.asked().into_iter().filter(|a| a.path().starts_with(&prefix)) {
        all.entry(asked.path().to_owned()).or_default().push(asked.at);
    }
    all
}

/// A cockpit whose terminal takes nothing any more.
struct Blocked {
    way: &'static str,
    code: i32,
    pty: Pty,
    memory: u64,
    polls: usize,
}

impl Blocked {
    fn start(folder: &Path, server: &FaultServer, way: &'static str, code: i32) -> Self {
        let file = configuration(folder, server, way);
        let arguments = ["--config", file.to_str().unwrap()];
        let home = [("HOME", folder.to_str().unwrap()), ("XDG_CONFIG_HOME", "")];
        let mut pty = Pty::spawn(env!("CARGO_BIN_EXE_andon"), &arguments, &home);
        // It answers nothing either, so that frames are not waited for and fill it soon.
        pty.mute = true;
        pty.resize(200, 60);
        pty.until_text("shop0");
        pty.fill(b"\x0c");
        Self {
            way,
            code,
            memory: pty.memory(),
            polls: asked(server, way).values().flatten().count(),
            pty,
        }
    }

    fn leave(mut self) {
        match self.way {
            "q" => self.pty.type_blindly(b"q"),
            "TERM" => self.pty.signal(Signal::TERM),
            _ => self.pty.signal(Signal::HUP),
        }
        let (ended, took) = self.pty.wait_blocked();
        assert_eq!(ended, self.code, "by {}", self.way);
        println!("{}: ended after {took:?}", self.way);
        self.pty.assert_restored();
    }
}

/// Blocks one program for each way out until each had `polls` polls since and `time` is over; then every one leaves.
fn block(polls: usize, time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let server = server();
    let programs = WAYS.map(|(way, code)| Blocked::start(folder.path(), &server, way, code));
    let start = Instant::now();
    for program in &programs {
        loop {
            let more = asked(&server, program.way).values().flatten().count() - program.polls;
            if more >= polls && start.elapsed() >= time {
                break;
            }
            let patience = time + pty::PATIENCE * 3;
            assert!(start.elapsed() < patience, "{}: only {more} polls", program.way);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    for program in programs {
        let sources = asked(&server, program.way);
        let gap = sources.values().flat_map(|at| at.windows(2).map(|w| w[1] - w[0])).max();
        let (now, way) = (program.pty.memory(), program.way);
        println!(
            "{way}: blocked for {:.1?}, {} polls, longest gap {:.2?}, {} KiB before, {} since",
            start.elapsed(),
            sources.values().flatten().count() - program.polls,
            gap.unwrap_or_default(),
            program.memory / 1024,
            now / 1024
        );
        assert!(now < program.memory + GROWTH, "{way}: {} bytes, then {now}", program.memory);
        // None is left behind: whoever is asked least has half of the polls of who is asked most.
        let counts: Vec<usize> = sources.values().map(Vec::len).collect();
        assert_eq!(counts.len(), SOURCES);
        assert!(counts.iter().min() >= counts.iter().max().map(|n| n / 2).as_ref(), "{counts:?}");
        program.leave();
    }
}

#[test]
fn a_blocked_terminal_stops_no_poll_takes_no_memory_and_lets_everybody_leave() {
    block(SOURCES * 4, Duration::ZERO);
}

#[test]
#[ignore = "a minute of the clock: CI runs it apart"]
fn a_terminal_blocked_for_a_minute_stops_no_poll_takes_no_memory_and_lets_everybody_leave() {
    block(SOURCES * 30, Duration::from_secs(60));
}
