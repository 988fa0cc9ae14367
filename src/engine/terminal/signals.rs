//! Signals and hang-ups, each waited for by a thread of its own, so that a way out never depends on the screen.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::life::Life;
use crate::engine::news::News;

/// Catches them before the screen is taken: a signal in between must find the thread that gives it back.
pub fn catch() -> io::Result<Signals> {
    Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH])
}

/// Obeys signals until the process ends.
pub fn obey(life: Arc<Life>, mut signals: Signals, news: Sender<News>) -> io::Result<()> {
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => suspend(&life),
                // Only here, never after `suspend` returns: that may run on for a moment before it stops.
                SIGCONT => {
                    if !life.is_lent() && life.enter().is_ok() {
                        let _ = news.send(News::Resumed(life.tty().size()));
                    }
                }
                SIGWINCH => {
                    let _ = news.send(News::Resized(life.tty().size()));
                }
                // Typed at the editor the terminal is lent to: its own business.
                SIGINT | SIGQUIT if life.is_lent() => {}
                deadly => life.end(128 + deadly),
            }
        }
    })?;
    Ok(())
}

/// Ends the process when the terminal is gone, even where SIGHUP was ignored by whoever started us.
pub fn watch_hang_up(life: Arc<Life>) -> io::Result<()> {
    thread::Builder::new().name("hang-up".into()).spawn(move || {
        while let Ok(ready) = life.tty().wait_hang_up() {
            if ready == super::tty::Ready::HungUp {
                break;
            }
        }
        life.end(128 + SIGHUP)
    })?;
    Ok(())
}

/// Stops on the main screen, as a shell's user expects of ctrl-z; `fg` continues.
///
/// Where no shell could continue us (our group is the session's own), it is ignored as the kernel ignores
/// SIGTSTP there: a stopped cockpit in a window of its own could only be killed.
pub fn suspend(life: &Life) {
    let group = rustix::process::getpgrp();
    if rustix::process::getsid(None).is_ok_and(|session| session == group) {
        return;
    }
    life.leave();
    let _ = kill_current_process_group(Signal::STOP);
}
