//! Waking a poller where nobody polls: at most one, detached, so that whoever asked is neither held up nor left with a child.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use super::Place;
use super::place::open_private;

/// Seconds in which nobody is woken twice, whatever became of the first.
const APART: i64 = 60;

/// Starts this program with `arguments`, unless that was done a moment ago. True when somebody was woken within this
/// minute.
pub fn wake(place: &Place, arguments: &[OsString], now: i64) -> bool {
    try_wake(place, arguments, now).unwrap_or(false)
}

fn try_wake(place: &Place, arguments: &[OsString], now: i64) -> io::Result<bool> {
    place.prepare()?;
    let mut note = open_private(&place.file("woken"))?;
    // Whoever holds it is just about to.
    if flock(&note, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(true);
    }
    let mut text = String::new();
    (&mut note).take(32).read_to_string(&mut text)?;
    let before = text.trim().parse::<i64>().ok().filter(|at| *at <= now);
    if before.is_some_and(|at| now - at < APART) {
        return Ok(true);
    }
    note.set_len(0)?;
    note.rewind()?;
    note.write_all(now.to_string().as_bytes())?;
    place.ask();
    let child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    reap(child)?;
    Ok(true)
}

/// One who goes on for long must not keep a dead child; for one who ends at once this thread costs nothing.
fn reap(mut child: std::process::Child) -> io::Result<()> {
    std::thread::Builder::new().spawn(move || child.wait())?;
    Ok(())
}

/// Whether somebody holds the lock of that name: he may be slow, or without a network, but he is there.
pub fn is_polled(folder: &Path, lock: &str) -> bool {
    let plain = !lock.is_empty() && lock.bytes().all(|b| b.is_ascii_alphanumeric());
    let held = |file: File| flock(&file, FlockOperation::NonBlockingLockShared).is_err();
    plain && File::open(folder.join(format!("poll-{lock}"))).is_ok_and(held)
}

/// Leaves the terminal and the group of whoever started this process.
pub fn detach() {
    // Fails only for the leader of a group, who has nobody to leave.
    let _ = rustix::process::setsid();
}
