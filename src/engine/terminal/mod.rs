//! The terminal: taken, read, drawn on, and given back on every way out but SIGKILL.

pub mod browser;
pub mod clipboard;
pub mod editor;
mod guard;
mod input;
mod life;
mod pace;
mod signals;
mod stream;
mod tty;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::engine::news::News;
use crate::page::Size;

pub use guard::harden;
pub use input::Reader;
pub use life::{Farewell, Life};
pub use pace::{ASK, Pacer};
pub use stream::{Stream, Token};
pub use tty::{Ready, Tty};

/// Why there is no screen to draw on. Said as one plain line; the exit code is 2.
#[derive(Debug, Error)]
pub enum NoScreen {
    #[error("standard output is not a terminal; `andon show` prints a page as text")]
    NotATerminal,
    #[error("TERM is `dumb`: this terminal cannot draw; `andon show` prints a page as text")]
    Dumb,
    #[error("no terminal to draw on ({0}); `andon show` prints a page as text")]
    NoTty(io::Error),
    #[error("the terminal could not be set up: {0}")]
    SetUp(io::Error),
}

/// The screen, ours until it is left.
pub struct Terminal {
    life: Arc<Life>,
    /// Bytes composed and not yet taken by the terminal.
    pending: Vec<u8>,
    written: usize,
}

impl Terminal {
    /// Takes the terminal of this session; from now on keys, sizes and signals arrive as news.
    ///
    /// Call it on the thread that will draw, named `main` or `ui`: a panic of that thread gives the screen back.
    /// `term` is the value of `TERM`.
    ///
    /// # Errors
    /// When stdout is no terminal, the terminal is dumb, or there is none. Nothing was written then.
    pub fn open(news: &Sender<News>, term: Option<&str>, mouse: bool) -> Result<Self, NoScreen> {
        if !io::stdout().is_terminal() {
            return Err(NoScreen::NotATerminal);
        }
        if term == Some("dumb") {
            return Err(NoScreen::Dumb);
        }
        let tty = Tty::open().map_err(NoScreen::NoTty)?;
        let life = Life::new(tty, mouse).map_err(NoScreen::SetUp)?;
        life::hook_panics(life.clone());
        let caught = signals::catch().map_err(NoScreen::SetUp)?;
        signals::obey(life.clone(), caught, news.clone()).map_err(NoScreen::SetUp)?;
        life.enter().map_err(NoScreen::SetUp)?;
        signals::watch_hang_up(life.clone()).map_err(NoScreen::SetUp)?;
        input::listen(life.clone(), news.clone()).map_err(NoScreen::SetUp)?;
        Ok(Self::over(life))
    }

    /// Draws on a life that somebody else listens to.
    pub fn over(life: Arc<Life>) -> Self {
        Self { life, pending: Vec::new(), written: 0 }
    }

    pub fn size(&self) -> Size {
        self.life.tty().size()
    }

    /// True when everything composed has been taken by the terminal.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds bytes behind what is still to be written.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Forgets what was not written: the screen it was meant for is gone.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.written = 0;
    }

    /// Writes what the terminal takes, waiting at most `limit` for it to take more. Call again until idle.
    ///
    /// The write itself never waits, so a blocked terminal leaves the caller free to hear a quit key.
    ///
    /// # Errors
    /// When the terminal is gone, or not ours at the moment.
    pub fn flush(&mut self, limit: Duration) -> io::Result<()> {
        let end = Instant::now() + limit;
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            let taken = self.life.write(rest)?;
            self.written += taken;
            if taken == 0 {
                let left = end.saturating_duration_since(Instant::now());
                match self.life.tty().wait_writable(left)? {
                    Ready::HungUp => return Err(io::ErrorKind::BrokenPipe.into()),
                    Ready::Not if end <= Instant::now() => return Ok(()),
                    Ready::Yes | Ready::Not => {}
                }
            }
        }
        self.forget();
        Ok(())
    }

    /// Lends the terminal to something that runs in the foreground, and takes it back. Keys typed meanwhile are not ours.
    pub fn lend<T>(&mut self, run: impl FnOnce() -> T) -> T {
        self.forget();
        self.life.lend();
        let result = run();
        self.life.take_back();
        result
    }

    /// What is tidied up when a signal, a hang-up or a fault ends the process.
    pub fn on_end(&self, farewell: Farewell) {
        self.life.on_end(farewell);
    }

    /// Gives the screen back, once; returns within half a second whatever the terminal does.
    pub fn leave(&self) {
        self.life.leave();
    }

    /// Gives the screen back and ends the process at once: nothing that still waits is waited for.
    pub fn end(&self, code: i32) -> ! {
        self.life.end(code)
    }
}
