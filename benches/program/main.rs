//! What the program costs on a real terminal: start to first frame, an idle hour's share, a key while 200 sources are polled.
//!
//! `cargo bench --bench program` measures all; `-- start`, `-- idle`, `-- keys` a part. Figures are wall clock on this
//! machine in this minute: compare them with the floor beside them, not with another machine's.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

mod estate;
mod hello;
mod idle;
mod keys;
#[path = "../../tests/common/pty.rs"]
#[allow(dead_code)]
mod pty;
#[path = "../../tests/common/quarter.rs"]
mod quarter;
mod start;
mod usage;

fn main() {
    if std::env::var_os(hello::MARK).is_some() {
        return hello::run();
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] =
        [("start", start::measure), ("idle", idle::measure), ("keys", keys::measure)];
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            measure();
        }
    }
}

/// The `p`-th percentile of what was measured, in milliseconds.
fn percentile(all: &mut [std::time::Duration], p: usize) -> f64 {
    all.sort_unstable();
    let at = (all.len() * p / 100).min(all.len().saturating_sub(1));
    all.get(at).map_or(f64::NAN, |d| d.as_secs_f64() * 1000.0)
}

fn head(columns: &[&str]) {
    println!();
    row(columns);
    row(&columns.iter().map(|_| "---").collect::<Vec<_>>());
}

fn row(cells: &[impl AsRef<str>]) {
    let (first, rest) = cells.split_first().unwrap();
    print!("| {:<34} |", first.as_ref());
    for cell in rest {
        print!(" {:>14} |", cell.as_ref());
    }
    println!();
}
