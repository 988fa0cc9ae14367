//! Recorded answers through the readers: facts come out, whatever the bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the lints let tests do so, but not what tests call"
)]

mod common;
#[path = "transcripts/support.rs"]
mod support;

#[path = "transcripts/alertmanager/mod.rs"]
mod alertmanager;
#[path = "transcripts/grafana/mod.rs"]
mod grafana;
#[path = "transcripts/json/mod.rs"]
mod json;
#[path = "transcripts/json/changes.rs"]
mod json_changes;
#[path = "transcripts/prometheus/mod.rs"]
mod prometheus;
#[path = "transcripts/strangers.rs"]
mod strangers;
