//! Recorded answers: those committed under `tests/transcripts`, and those read from a folder beside the project.

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
