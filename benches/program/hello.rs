//! The floor: this binary with one line of text on the same terminal, through the same loop.

use std::sync::mpsc;

use andon::cockpit::{Code, Effect, Message};
use andon::engine::run::{Screenful, Setting, run as run_loop};
use andon::engine::terminal::{Terminal, clipboard::Wrap, harden};
use andon::view::depth::Depth;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::pty::Pty;

/// Set in the environment of the process that shall say hello.
pub const MARK: &str = "ANDON_BENCH_HELLO";

struct Hello(bool);

impl Screenful for Hello {
    fn update(&mut self, _now: Timestamp, message: Message) -> Vec<Effect> {
        match message {
            Message::Key(key) if key.code == Code::Char('q') => vec![Effect::Quit],
            _ => Vec::new(),
        }
    }

    fn wake(&self) -> Option<Timestamp> {
        None
    }

    fn is_dirty(&self) -> bool {
        self.0
    }

    fn paint(&mut self, _now: Timestamp, buffer: &mut Buffer) {
        self.0 = false;
        buffer.reset();
        buffer.set_string(0, 0, "hello", Style::new());
    }
}

pub fn run() {
    harden();
    let (send, news) = mpsc::channel();
    let mut terminal = Terminal::open(&send, None, false).unwrap();
    let setting = Setting { depth: Depth::True, wrap: Wrap::None };
    run_loop(&mut terminal, &news, &mut Hello(true), setting, &mut |_| {});
    terminal.end(0);
}

pub fn spawn() -> Pty {
    Pty::spawn(std::env::current_exe().unwrap(), &[], &[(MARK, "1")])
}
