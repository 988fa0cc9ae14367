//! The watch: polls every upstream when it is due, on a thread of its own, and tells what was heard.

use std::time::Duration;

use crate::cockpit::{Heard, Message, Which};
use crate::config::Upstream;

/// How long, how often, how many: every number the engine obeys.
#[derive(Debug, Clone)]
pub struct Limits {}

/// Polling of a set of upstreams. Dropping it ends it.
pub struct Watch {}

impl Watch {
    /// Starts the thread; `sink` is called from it with `Asking` and `Heard`, and must not block.
    pub fn start(upstreams: Vec<Upstream>, sink: Box<dyn Fn(Message) + Send>) -> Self {
        let _ = (upstreams, sink);
        Self {}
    }

    /// Asks now. A poll already under way, and a wait that an upstream asked for, are respected.
    pub fn poll(&self, which: Which) {
        let _ = which;
    }

    /// Ends polling. Returns at once: nothing that hangs is waited for.
    pub fn stop(&self) {}
}

/// Asks every upstream once and waits: each within its own deadline, all within `deadline`.
pub fn poll_once(upstreams: Vec<Upstream>, deadline: Duration) -> Vec<Heard> {
    let _ = (upstreams, deadline);
    Vec::new()
}
