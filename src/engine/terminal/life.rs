//! The life of a screen: taken once, given back exactly once, whoever asks and however busy the terminal is.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossterm::Command;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
};
use rustix::termios::Termios;

use super::tty::{Ready, Tty};

/// What the terminal can do is asked while it is taken; nothing waits for an answer. DA1 stands behind DECRQM,
/// because everybody answers it.
const ASK: &str = "\x1b[?2026$p\x1b[c";
/// Buttons and wheel, reported by the newer protocol; no motion: crossterm's own command would ask for all of it.
const MOUSE: &str = "\x1b[?1000h\x1b[?1006h";
const NO_MOUSE: &str = "\x1b[?1006l\x1b[?1000l";
/// Ends a half-written sequence and a synchronized update.
const BREAK: &str = "\x1b\\\x1b[?2026l";

/// Alternate screen, bracketed paste, no wrapping, hidden cursor; last the screen is cleared, so that an old console
/// that prints part of the question shows nothing of it.
fn entering(mouse: bool) -> Vec<u8> {
    let mut out = String::new();
    say(&mut out, EnterAlternateScreen);
    say(&mut out, EnableBracketedPaste);
    say(&mut out, DisableLineWrap);
    say(&mut out, Hide);
    out.push_str(ASK);
    say(&mut out, SetAttribute(Attribute::Reset));
    say(&mut out, MoveTo(0, 0));
    say(&mut out, Clear(ClearType::All));
    if mouse {
        out.push_str(MOUSE);
    }
    out.into_bytes()
}

/// Undoes all of that, the cursor last.
fn leaving(mouse: bool) -> Vec<u8> {
    let mut out = String::from(BREAK);
    if mouse {
        out.push_str(NO_MOUSE);
    }
    say(&mut out, DisableBracketedPaste);
    say(&mut out, SetAttribute(Attribute::Reset));
    say(&mut out, EnableLineWrap);
    say(&mut out, LeaveAlternateScreen);
    say(&mut out, Show);
    out.into_bytes()
}

fn say(out: &mut String, command: impl Command) {
    // Writing to a string cannot fail.
    let _ = command.write_ansi(out);
}

/// How long leaving waits for a write under way, and then for a terminal that takes no bytes.
const WAIT_FOR_WRITER: Duration = Duration::from_millis(100);
const WAIT_FOR_TERMINAL: Duration = Duration::from_millis(300);

/// What is tidied up when a signal, a hang-up or a fault ends the process, after the screen is given back. It must
/// be quick, and may not need anything of the thread that was interrupted.
pub type Farewell = Box<dyn FnOnce() + Send>;

/// A terminal that can be entered and left from any thread.
pub struct Life {
    tty: Tty,
    /// How the terminal was before us.
    cooked: Termios,
    /// Made beforehand: leaving must not allocate.
    enter: Vec<u8>,
    leave: Vec<u8>,
    /// True while the screen is ours.
    active: AtomicBool,
    /// True once the screen is given back, so that a second way out does not end the process in the middle of the first.
    left: AtomicBool,
    /// True once the process is on its way out: nothing takes the screen again.
    ending: AtomicBool,
    /// True while the terminal is lent to an editor: keys, ctrl-c and ctrl-z are its own then.
    lent: Mutex<bool>,
    back: Condvar,
    /// Held for one write at a time.
    writing: Mutex<()>,
    farewell: Mutex<Option<Farewell>>,
}

impl Life {
    pub fn new(tty: Tty, mouse: bool) -> io::Result<Arc<Self>> {
        let cooked = tty.modes()?;
        Ok(Arc::new(Self {
            tty,
            cooked,
            enter: entering(mouse),
            leave: leaving(mouse),
            active: AtomicBool::new(false),
            left: AtomicBool::new(true),
            ending: AtomicBool::new(false),
            lent: Mutex::new(false),
            back: Condvar::new(),
            writing: Mutex::new(()),
            farewell: Mutex::new(None),
        }))
    }

    pub fn tty(&self) -> &Tty {
        &self.tty
    }

    pub fn is_active(&self) -> bool {
        self.active.load(SeqCst)
    }

    /// Takes the screen, again after a stop. Does nothing in the background.
    pub fn enter(&self) -> io::Result<()> {
        if !self.tty.is_foreground() {
            return Ok(());
        }
        let mut raw = self.cooked.clone();
        raw.make_raw();
        let _one = self.writing.lock();
        if self.ending.load(SeqCst) {
            return Ok(());
        }
        // Ours before the first byte: whoever leaves from now on has something to undo.
        self.left.store(false, SeqCst);
        self.active.store(true, SeqCst);
        self.tty.set_modes(&raw)?;
        self.push(&self.enter, WAIT_FOR_TERMINAL);
        Ok(())
    }

    /// Gives the screen back, once. Allocates nothing, prints nothing, returns within half a second.
    pub fn leave(&self) {
        if !self.active.swap(false, SeqCst) {
            self.wait_until_left();
            return;
        }
        let one = self.try_lock(WAIT_FOR_WRITER);
        // In the background the shell has set the terminal to its own liking already.
        if self.tty.is_foreground() {
            self.tty.drop_output();
            self.push(&self.leave, WAIT_FOR_TERMINAL);
            self.tty.drop_input();
            let _ = self.tty.set_modes(&self.cooked);
        }
        drop(one);
        self.left.store(true, SeqCst);
    }

    /// Gives the screen back for a while: until it is taken back nobody but the borrower reads keys.
    pub fn lend(&self) {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.leave();
    }

    /// Takes the terminal back from a borrower, with whatever it left unread thrown away.
    pub fn take_back(&self) {
        self.tty.drop_input();
        let _ = self.enter();
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.back.notify_all();
    }

    pub fn is_lent(&self) -> bool {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the terminal is lent.
    pub fn wait_until_back(&self) {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.back.wait_while(lent, |lent| *lent));
    }

    /// Gives the screen back and ends the process at once: no destructor may wait for a name server.
    pub fn end(&self, code: i32) -> ! {
        self.ending.store(true, SeqCst);
        self.leave();
        self.bid_farewell();
        std::process::exit(code)
    }

    /// What is tidied up when the process ends otherwise than by returning.
    pub fn on_end(&self, farewell: Farewell) {
        if let Ok(mut slot) = self.farewell.lock() {
            *slot = Some(farewell);
        }
    }

    fn bid_farewell(&self) {
        let farewell = self.farewell.try_lock().ok().and_then(|mut slot| slot.take());
        if let Some(farewell) = farewell {
            farewell();
        }
    }

    /// Writes what the terminal takes now, at most 4 KiB, and never waits.
    ///
    /// # Errors
    /// `BrokenPipe` when the screen is not ours, or what the device says when it is gone.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let _one = self.writing.lock();
        if !self.is_active() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.tty.write(bytes.get(..4096).unwrap_or(bytes))
    }

    /// Writes everything, or gives up when `limit` is over.
    fn push(&self, bytes: &[u8], limit: Duration) {
        let end = Instant::now() + limit;
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.tty.write(rest) {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(_) => return,
            }
            let left = end.saturating_duration_since(Instant::now());
            if rest.is_empty() || left.is_zero() {
                return;
            }
            match self.tty.wait_writable(left) {
                Ok(Ready::Yes | Ready::Not) => {}
                Ok(Ready::HungUp) | Err(_) => return,
            }
        }
    }

    fn try_lock(&self, limit: Duration) -> Option<std::sync::MutexGuard<'_, ()>> {
        let end = Instant::now() + limit;
        loop {
            match self.writing.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }

    fn wait_until_left(&self) {
        let end = Instant::now() + WAIT_FOR_WRITER + WAIT_FOR_TERMINAL;
        while !self.left.load(SeqCst) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Restores the screen when a thread panics without which it would be frozen or deaf; a panic elsewhere is its
/// owner's to report, and the screen stays.
pub fn hook_panics(life: Arc<Life>) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        if !matches!(thread.name(), Some("main" | "ui" | "keys" | "signals")) {
            return;
        }
        life.leave();
        // Writing may fail when the terminal is gone; `eprintln!` would panic again and abort.
        let _ = io::Write::write_fmt(
            &mut io::stderr(),
            format_args!("andon: a fault in andon itself, please report it: {panic}\n"),
        );
        life.bid_farewell();
        std::process::exit(101);
    }));
}
