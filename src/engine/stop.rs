//! Waiting to be told to stop, for commands that serve without a screen.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Blocks until the process is asked to end; what is dropped afterwards is cleaned up.
///
/// # Errors
/// When signals cannot be listened to.
pub fn until_told_to_stop() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let _first = signals.forever().next();
    Ok(())
}
