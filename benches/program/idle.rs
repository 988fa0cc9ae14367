//! What a cockpit costs that nobody touches: processor and context switches, with 20 sources asked every 15 seconds.

use std::time::{Duration, Instant};

use crate::estate::Estate;
use crate::pty::Pty;
use crate::usage::{Usage, memory};
use crate::{head, row};

const WINDOW: Duration = Duration::from_secs(10);
const WINDOWS: usize = 3;
/// Reads on, and looks at the threads from time to time: one that ends would take its counts along.
const GLANCE: Duration = Duration::from_millis(500);

fn watch(pty: &mut Pty, usage: &mut Usage, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        pty.read(GLANCE);
        usage.look(pty);
    }
}

pub fn measure() {
    println!("\nIdle, 80x24, all threads, in windows of {} s:", WINDOW.as_secs());
    head(&["", "CPU %", "switches/s", "polls", "bytes drawn", "resident MB"]);
    for sources in [20, 200] {
        let estate = Estate::new();
        let mut pty = estate.cockpit(sources, "15s");
        pty.until_text("● ok");
        let mut usage = Usage::of(&pty);
        watch(&mut pty, &mut usage, Duration::from_secs(4));
        for _ in 0..WINDOWS {
            let (cpu, switches, polls, bytes) =
                (usage.cpu, usage.switches, estate.asked(), pty.raw.len());
            let begin = Instant::now();
            watch(&mut pty, &mut usage, WINDOW);
            let seconds = begin.elapsed().as_secs_f64();
            row(&[
                format!("{sources} sources every 15 s"),
                format!("{:.3}", usage.cpu.saturating_sub(cpu).as_secs_f64() / seconds * 100.0),
                format!("{:.1}", (usage.switches - switches) as f64 / seconds),
                (estate.asked() - polls).to_string(),
                (pty.raw.len() - bytes).to_string(),
                format!("{:.1}", memory(&pty).0 as f64 / 1e6),
            ]);
        }
        pty.type_bytes(b"q");
        pty.wait();
    }
}
