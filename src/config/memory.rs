//! `[store]`: where memory lies, how long it reaches back, and how large it may grow.

use std::path::PathBuf;

use jiff::SignedDuration;

/// What is remembered between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// `false`: nothing is written, nothing is read.
    pub on: bool,
    /// A file instead of the usual one below the state directory.
    pub path: Option<PathBuf>,
    /// What is older is forgotten.
    pub retention: SignedDuration,
    /// Bytes the file may have: beyond, the oldest is forgotten sooner.
    pub most: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            on: true,
            path: None,
            retention: SignedDuration::from_hours(90 * 24),
            most: 256 * 1024 * 1024,
        }
    }
}
