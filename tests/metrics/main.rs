//! Numbers on real stores: charts read at the cursor, uptime, a thousand services, and stores that are lost, slow or different.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the lints let tests do so, but not what tests call"
)]

#[path = "../common/fault_server.rs"]
mod fault_server;
#[allow(dead_code, reason = "the servers of tests/world.rs know more than is needed here")]
#[path = "../world/servers.rs"]
mod servers;

mod charts;
mod history;
mod lost;
mod native;
mod others;
mod proxy;
mod ruled;
mod thousand;
mod uptime;
mod victoria;
