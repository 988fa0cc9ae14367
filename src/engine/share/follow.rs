//! Waiting for a file to change, or for whoever reads us to go away: without a timer of its own, without a fork.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Something in the folder changed, or the time is over: look again.
    Look,
    /// Nobody reads what we write any more.
    Left,
}

/// A folder whose changes are waited for.
#[derive(Debug)]
pub struct Doorstep {
    #[cfg(target_os = "linux")]
    watch: Option<std::os::fd::OwnedFd>,
}

impl Doorstep {
    /// Begins to watch. Where the system cannot, waiting is looking once a second.
    pub fn of(folder: &Path) -> Self {
        #[cfg(target_os = "linux")]
        return Self { watch: watch(folder).ok() };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = folder;
            Self {}
        }
    }

    /// Waits for a change, at most this long.
    ///
    /// # Errors
    /// When the system cannot wait.
    #[cfg(target_os = "linux")]
    pub fn wait(&self, out: impl AsFd, longest: Duration) -> io::Result<Woken> {
        use rustix::event::{PollFd, PollFlags};
        let Some(watch) = &self.watch else { return blink(&out, longest) };
        let mut waited = [PollFd::new(&out, PollFlags::empty()), PollFd::new(watch, PollFlags::IN)];
        match rustix::event::poll(&mut waited, Some(&limit(longest))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [door, _] = &waited;
        if left(door.revents()) {
            return Ok(Woken::Left);
        }
        // What changed is not asked: the file is looked at anyway.
        let mut unread = [0; 4096];
        while rustix::io::read(watch, &mut unread).is_ok_and(|n| n > 0) {}
        Ok(Woken::Look)
    }

    /// Waits for a change, at most this long.
    ///
    /// # Errors
    /// When the system cannot wait.
    #[cfg(not(target_os = "linux"))]
    pub fn wait(&self, out: impl AsFd, longest: Duration) -> io::Result<Woken> {
        blink(&out, longest)
    }
}

#[cfg(target_os = "linux")]
fn watch(folder: &Path) -> io::Result<std::os::fd::OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    add_watch(&watch, folder, WatchFlags::MOVED_TO | WatchFlags::DELETE_SELF)?;
    Ok(watch)
}

fn left(events: rustix::event::PollFlags) -> bool {
    use rustix::event::PollFlags;
    events.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
}

fn limit(longest: Duration) -> rustix::event::Timespec {
    let seconds = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX);
    rustix::event::Timespec { tv_sec: seconds, tv_nsec: longest.subsec_nanos().into() }
}

/// Without news from the system: a second, unless the reader leaves before.
fn blink(out: &impl AsFd, longest: Duration) -> io::Result<Woken> {
    use rustix::event::{PollFd, PollFlags};
    let mut waited = [PollFd::new(out, PollFlags::empty())];
    match rustix::event::poll(&mut waited, Some(&limit(longest.min(Duration::from_secs(1))))) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [door] = &waited;
    Ok(if left(door.revents()) { Woken::Left } else { Woken::Look })
}
