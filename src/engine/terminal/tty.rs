//! The device: `/dev/tty`, opened for ourselves alone and never waited for inside a read or a write.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, QueueSelector, Termios};

use crate::page::Size;

/// No screen is larger: a size beyond this is a mistake or an attack, and would cost 48 bytes a cell.
const WIDEST: u16 = 1000;
const TALLEST: u16 = 400;
/// What a terminal that does not know its own size gets.
const USUAL: Size = Size { width: 80, height: 24 };

/// A terminal device with a file description of its own, so that not blocking does not leak into the shell.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
}

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Yes,
    /// The time was up.
    Not,
    /// The terminal is gone: window closed, connection lost.
    HungUp,
}

impl Tty {
    /// The terminal of this session, whatever stdin and stdout are.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(Self { fd: rustix::fs::open("/dev/tty", flags, Mode::empty())? })
    }

    /// Any terminal device; it must not block.
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Size in cells, made bearable: 80×24 where the terminal does not know it, at most 1000×400.
    pub fn size(&self) -> Size {
        let asked = rustix::termios::tcgetwinsize(&self.fd)
            .map_or(USUAL, |size| Size { width: size.ws_col, height: size.ws_row });
        bearable(asked)
    }

    pub fn modes(&self) -> io::Result<Termios> {
        Ok(rustix::termios::tcgetattr(&self.fd)?)
    }

    pub fn set_modes(&self, modes: &Termios) -> io::Result<()> {
        Ok(rustix::termios::tcsetattr(&self.fd, OptionalActions::Now, modes)?)
    }

    /// Drops what was written and not yet read by the terminal: nobody waits for a blocked one.
    pub fn drop_output(&self) {
        let _ = rustix::termios::tcflush(&self.fd, QueueSelector::OFlush);
    }

    /// Drops keys nobody read: what was typed at our screen must not run in the shell.
    pub fn drop_input(&self) {
        let _ = rustix::termios::tcflush(&self.fd, QueueSelector::IFlush);
    }

    /// True when our process group may draw: writing from the background would stop us.
    pub fn is_foreground(&self) -> bool {
        rustix::termios::tcgetpgrp(&self.fd).is_ok_and(|front| front == rustix::process::getpgrp())
    }

    /// Bytes that are there now; `None` when there are none, an error when the terminal is gone.
    pub fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.fd, into) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => Ok(Some(n)),
            Err(e) if is_passing(e) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes what fits now; 0 when the terminal takes nothing.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.fd, bytes) {
            Ok(n) => Ok(n),
            Err(e) if is_passing(e) => Ok(0),
            Err(e) => Err(e.into()),
        }
    }

    pub fn wait_readable(&self, limit: Option<Duration>) -> io::Result<Ready> {
        self.wait(PollFlags::IN, limit)
    }

    pub fn wait_writable(&self, limit: Duration) -> io::Result<Ready> {
        self.wait(PollFlags::OUT, Some(limit))
    }

    /// Sleeps until the terminal is gone: asking for nothing, only a hang-up wakes it, never a key.
    pub fn wait_hang_up(&self) -> io::Result<Ready> {
        self.wait(PollFlags::empty(), None)
    }

    fn wait(&self, wish: PollFlags, limit: Option<Duration>) -> io::Result<Ready> {
        let limit = limit.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let mut fds = [PollFd::new(&self.fd, wish)];
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        let got = fds.first().map_or(PollFlags::empty(), PollFd::revents);
        Ok(if got.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            Ready::HungUp
        } else if got.intersects(wish) {
            Ready::Yes
        } else {
            Ready::Not
        })
    }
}

fn is_passing(error: Errno) -> bool {
    matches!(error, Errno::AGAIN | Errno::INTR)
}

fn bearable(asked: Size) -> Size {
    if asked.width == 0 || asked.height == 0 {
        return USUAL;
    }
    Size { width: asked.width.min(WIDEST), height: asked.height.min(TALLEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_becomes_bearable() {
        let size = |width, height| bearable(Size { width, height });
        assert_eq!(size(0, 0), USUAL);
        assert_eq!(size(0, 50), USUAL);
        assert_eq!(size(1, 1), Size { width: 1, height: 1 });
        assert_eq!(size(5000, 3000), Size { width: 1000, height: 400 });
        assert_eq!(size(65535, 65535), Size { width: 1000, height: 400 });
    }
}
