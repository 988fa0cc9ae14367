//! Every reader survives every other reader's bytes, all recordings there are, and random ones.

use std::io::Write as _; // said past the harness, which hides what a passing test prints
use std::path::{Path, PathBuf};

use andon::source::{KINDS, Source};

use crate::support::{answer, metric, open, poll};

/// One source of each kind that asks over HTTP, with the options that make it ask the most.
fn readers() -> Vec<(&'static str, Box<dyn Source>)> {
    let options = |kind: &str| match kind {
        "prometheus" => "alerts = true",
        "github" => r#"repos = ["acme/shop"]"#,
        "gitlab" => r#"projects = ["acme/shop"]"#,
        "jira" => r#"projects = ["SHOP"]"#,
        "ical" => r#"as = "release""#,
        "json" => r#"metrics = [{ name = "a", at = "/data/result/0/value/1" }]"#,
        _ => "",
    };
    let mut readers = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.name != "markdown") {
        let wanted = match kind.name {
            "prometheus" => vec![metric("prometheus", "x", "up"), metric("prometheus", "y", "1")],
            _ => vec![],
        };
        let source = open(kind.name, options(kind.name), wanted);
        readers.push((kind.name, source.unwrap_or_else(|p| panic!("{}: {p:?}", kind.name))));
    }
    readers
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn every_reader_survives_every_other_readers_bytes() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let beside = std::env::var_os("ANDON_FIXTURES")
        .map_or_else(|| here.join("../shared/fixtures"), PathBuf::from);
    if !beside.is_dir() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no recordings at {}; those of this project are read",
            beside.display()
        );
    }
    for folder in [here.join("tests/transcripts"), beside] {
        for file in files(&folder) {
            let body = std::fs::read(&file).unwrap();
            if body.len() < 120_000 {
                bodies.push(body);
            }
        }
    }
    let mut random = fastrand::Rng::with_seed(7);
    for length in [0, 1, 2, 3, 16, 200, 5_000] {
        bodies.push((0..length).map(|_| random.u8(..)).collect());
    }
    for odd in
        ["[", "{}", "[]", "null", "\u{feff}", "0", "\"\"", "[[[[", "{\"data\":{\"result\":{}}}"]
    {
        bodies.push(odd.into());
    }
    bodies.push("[".repeat(100_000).into());
    bodies.push("{\"a\":".repeat(100_000).into());
    assert!(bodies.len() > 30);
    for (kind, source) in readers() {
        for body in &bodies {
            let _ = poll(&*source, |http| Ok(answer(http, 200, body)));
        }
        let told = poll(&*source, |http| Ok(answer(http, 503, "")));
        assert!(told.outcome.is_err(), "{kind} takes an empty failure for good news");
    }
}
