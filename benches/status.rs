//! What a status bar pays: `andon status` beside a static program that reads one file, `true` and `cat`, in one run.
//!
//! `ANDON_BIN` names another build to be measured, e.g. one for musl.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use andon::engine::share::Place;
use andon::print::status::{Glance, Upstream};

const RUNS: usize = 400;

/// The least that can be done: one file, one line.
const READER: &str = r#"
use std::io::{Read, Write};
fn main() {
    let mut text = String::new();
    let file = std::env::args_os().nth(1).unwrap();
    std::fs::File::open(file).unwrap().read_to_string(&mut text).unwrap();
    let _ = writeln!(std::io::stdout(), "{}", text.lines().next().unwrap_or(""));
}
"#;

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let file = left(folder.path());
    let binary = std::env::var_os("ANDON_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_andon")), PathBuf::from);
    let status = |more: &[&str]| {
        let mut command = Command::new(&binary);
        command.arg("status").args(more).env("XDG_RUNTIME_DIR", path("run"));
        command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
        command
    };
    let mut runs: Vec<(&str, Command)> = vec![
        ("andon status", status(&[])),
        ("andon status --format tmux", status(&["--format", "tmux"])),
        ("andon status --format json", status(&["--format", "json"])),
        ("true", Command::new("/bin/true")),
    ];
    for (name, flags) in [
        ("static reader of one file", ["-Ctarget-feature=+crt-static", "-O"]),
        ("dynamic reader of one file", ["-Ctarget-feature=-crt-static", "-O"]),
    ] {
        match reader(&path(flags[0]), &path("reader.rs"), &flags) {
            Some(mut command) => {
                command.arg(&file);
                runs.push((name, command));
            }
            None => eprintln!("skipped: rustc cannot build the {name}"),
        }
    }
    let mut cat = Command::new("/bin/cat");
    cat.arg(&file);
    runs.push(("cat", cat));
    let mut took = vec![Vec::with_capacity(RUNS); runs.len()];
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..RUNS {
        for ((_, command), took) in runs.iter_mut().zip(&mut took) {
            took.push(once(command));
        }
    }
    for ((name, _), took) in runs.iter().zip(&mut took) {
        took.sort_unstable();
        let ms = |at: usize| took[at].as_secs_f64() * 1e3;
        println!("{name:<28} min {:.2} ms   median {:.2} ms", ms(0), ms(RUNS / 2));
    }
}

/// A configuration, and what somebody who polls leaves for it; the file.
fn left(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder.join(".config/andon")).unwrap();
    let config = folder.join(".config/andon/andon.toml");
    std::fs::write(&config, "").unwrap();
    let run = folder.join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o700)).unwrap();
    let place = Place::within(run.join("andon"), &[PathBuf::from("/etc/andon/andon.toml"), config]);
    let now = jiff::Timestamp::now().as_second();
    let source = |i: usize| Upstream { name: format!("source {i}").into(), ..Upstream::default() };
    let glance = Glance {
        written: now,
        heard: Some(now),
        stale_at: now + 3600,
        gone_at: now + 7200,
        services: 20,
        sources: (0..20).map(source).collect(),
        ..Glance::default()
    };
    place.write(&place.status(), glance.encode().as_bytes()).unwrap();
    place.status()
}

fn reader(out: &Path, source: &Path, flags: &[&str]) -> Option<Command> {
    std::fs::write(source, READER).ok()?;
    let built = Command::new("rustc").args(flags).arg("-o").arg(out).arg(source).status();
    built.is_ok_and(|status| status.success()).then(|| Command::new(out))
}

fn once(command: &mut Command) -> Duration {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    let took = began.elapsed();
    assert!(status.success());
    took
}
