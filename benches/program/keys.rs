//! From a key to its effect on the screen: the selection's bar moves, while sources are polled behind it.

use std::time::{Duration, Instant};

use crate::estate::Estate;
use crate::pty::Pty;
use crate::{head, percentile, row};

const KEYS: usize = 400;

/// The row the bar stands on.
fn bar(screen: &vt100::Screen) -> Option<u16> {
    let (rows, _) = screen.size();
    (0..rows.get()).find(|y| screen.cell(*y, 0).is_some_and(|cell| cell.contents() == "▌"))
}

/// Presses a key and waits until the bar has moved.
fn press(pty: &mut Pty, key: &[u8]) -> Duration {
    let before = bar(pty.screen.screen());
    let begin = Instant::now();
    pty.type_bytes(key);
    pty.until("the bar elsewhere", |screen| bar(screen).is_some_and(|y| Some(y) != before));
    begin.elapsed()
}

pub fn measure() {
    println!("\nKeys: j and k in turn, until the bar has moved, {KEYS} times, in ms:");
    head(&["", "size", "p50", "p99", "most", "polls/s"]);
    for (sources, every) in [(20, "15s"), (200, "15s"), (200, "1s")] {
        for (width, height) in [(80, 24), (200, 60)] {
            let estate = Estate::new();
            let mut pty = estate.cockpit(sources, every);
            pty.resize(width, height);
            pty.until_text("● ok");
            pty.type_bytes(b"j");
            pty.until("a bar", |screen| bar(screen).is_some());
            let (asked, begin) = (estate.asked(), Instant::now());
            let mut times = Vec::new();
            for n in 0..KEYS {
                times.push(press(&mut pty, if n % 2 == 0 { b"j" } else { b"k" }));
                // Not in step with anything that ticks.
                let end = Instant::now() + Duration::from_micros(3_000 + n as u64 * 7919 % 20_000);
                while Instant::now() < end {
                    pty.read(Duration::from_millis(1));
                }
            }
            let polls = (estate.asked() - asked) as f64 / begin.elapsed().as_secs_f64();
            row(&[
                format!("{sources} sources every {every}"),
                format!("{width}x{height}"),
                format!("{:.2}", percentile(&mut times, 50)),
                format!("{:.2}", percentile(&mut times, 99)),
                format!("{:.2}", percentile(&mut times, 100)),
                format!("{polls:.1}"),
            ]);
            pty.type_bytes(b"q");
            pty.wait();
        }
    }
}
