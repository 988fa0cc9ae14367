//! The only room that waits: HTTP, files, probes, polling, keys, effects, the terminal.

mod carry;
mod clock;
mod limits;
mod news;
pub mod recall;
pub mod run;
mod secret;
pub mod share;
mod stage;
mod stop;
pub mod terminal;
pub mod watch;

pub use clock::from_clock;
pub use limits::Limits;
pub use stage::Stage;
pub use stop::until_told_to_stop;
pub use watch::charts;
pub use watch::{Watch, poll_once, poll_once_within};
