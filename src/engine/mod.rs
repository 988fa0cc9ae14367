//! The only room that waits: HTTP, files, probes, polling, keys, effects, the terminal.

mod clock;
pub mod watch;

pub use clock::from_clock;
pub use watch::{Limits, Watch, poll_once};
