//! From the start of the process to its first whole frame, to the first number on it, and the memory it has then.

use std::time::{Duration, Instant};

use crate::estate::{Estate, program};
use crate::pty::Pty;
use crate::usage::{Usage, memory};
use crate::{head, hello, percentile, row};

const RUNS: usize = 15;

/// What one start took.
struct Start {
    frame: Duration,
    number: Duration,
    cpu: Duration,
    memory: (u64, u64),
    threads: usize,
}

fn quit(mut pty: Pty) {
    pty.type_bytes(b"q");
    pty.wait();
}

fn start(spawn: impl Fn() -> Pty, number: &str) -> Start {
    let begin = Instant::now();
    let mut pty = spawn();
    // Behind every frame stands a question.
    pty.until_raw(0, b"\x1b[5n");
    let (frame, cpu) = (begin.elapsed(), Usage::of(&pty).cpu);
    pty.until_text(number);
    let number = begin.elapsed();
    // Everybody has answered once.
    let end = Instant::now() + Duration::from_millis(700);
    while Instant::now() < end {
        pty.read(Duration::from_millis(50));
    }
    let usage = Usage::of(&pty);
    let start = Start { frame, number, cpu, memory: memory(&pty), threads: usage.threads() };
    quit(pty);
    start
}

fn report(name: &str, spawn: impl Fn() -> Pty, number: &str) {
    let mut all: Vec<Start> = (0..RUNS).map(|_| start(&spawn, number)).collect();
    let of = |what: fn(&Start) -> Duration| -> (f64, f64) {
        let mut times: Vec<Duration> = all.iter().map(what).collect();
        (percentile(&mut times, 0), percentile(&mut times, 50))
    };
    let (frame, number, cpu) = (of(|s| s.frame), of(|s| s.number), of(|s| s.cpu));
    let last = all.pop().unwrap();
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    row(&[
        name.to_owned(),
        format!("{:.1} / {:.1}", frame.0, frame.1),
        format!("{:.1} / {:.1}", cpu.0, cpu.1),
        format!("{:.1} / {:.1}", number.0, number.1),
        mb(last.memory.0),
        mb(last.memory.1),
        last.threads.to_string(),
    ]);
}

pub fn measure() {
    println!("\nStart, {RUNS} runs each: the best and the middle one, in ms; memory in MB.");
    head(&["", "first frame", "its CPU", "first number", "resident", "at most", "threads"]);
    report("hello (one line, same terminal)", hello::spawn, "hello");
    for sources in [20, 200] {
        let estate = Estate::new();
        let spawn = || estate.cockpit(sources, "15s");
        report(&format!("andon, {sources} sources"), spawn, "● ok");
    }
    for (services, days) in [(8, 90), (50, 90), (1_000, 4)] {
        let estate = Estate::new();
        let file = estate.remembering(services, days);
        report(&format!("andon, {services} services remembered"), || estate.run(&file), "● ok");
    }
    let mut version: Vec<Duration> = (0..RUNS).map(|_| once(&["--version"])).collect();
    let (best, middle) = (percentile(&mut version, 0), percentile(&mut version, 50));
    println!("andon --version, to its end: {best:.1} / {middle:.1} ms");
}

fn once(arguments: &[&str]) -> Duration {
    let begin = Instant::now();
    let mut pty = Pty::spawn(program(), arguments, &[]);
    while pty.read(Duration::from_secs(1)) {}
    let took = begin.elapsed();
    pty.wait();
    took
}
