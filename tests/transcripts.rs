//! Recorded answers through the readers: facts come out, whatever the bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the lints let tests do so, but not what tests call"
)]

#[path = "transcripts/support.rs"]
mod common;
#[path = "transcripts/mutation.rs"]
mod mutation;

#[path = "transcripts/alertmanager/mod.rs"]
mod alertmanager;
#[path = "transcripts/prometheus/mod.rs"]
mod prometheus;
