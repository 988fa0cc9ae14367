//! Recorded answers: those committed under `tests/transcripts`, and those read from a folder beside the project.

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::io::Write as _; // said past the harness, which hides what a passing test prints
use std::path::{Path, PathBuf};

/// A committed transcript.
pub fn transcript(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// A recording from `ANDON_FIXTURES` (default `../shared/fixtures`). When it is not there the test says so and ends.
pub fn recording(path: &str) -> Option<String> {
    let root = std::env::var_os("ANDON_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"),
        PathBuf::from,
    );
    let read = std::fs::read_to_string(root.join(path)).ok();
    if read.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no recording {path} (set ANDON_FIXTURES to the folder that has it)"
        );
    }
    read
}

/// A folder of `ANDON_CORPUS` (default `../shared/corpus`), or `None` with a word about it.
pub fn corpus(part: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("ANDON_CORPUS")
        .map_or_else(|| root.join("../shared/corpus"), |path| root.join(path))
        .join(part);
    if !folder.is_dir() {
        let shown = folder.display();
        let _ = writeln!(std::io::stderr(), "skipped: no corpus at {shown} (set ANDON_CORPUS)");
        return None;
    }
    Some(folder)
}
