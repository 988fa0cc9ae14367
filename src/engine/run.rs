//! The loop that joins everything: news in, one frame per batch out, asleep until something shown must change.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::from_clock;
pub use super::news::{Heard, News};
use super::terminal::{ASK, Pacer, Terminal, browser, clipboard, editor};
use crate::cockpit::{Charting, Effect, Message, Which};
use crate::model::Clean;
use crate::page::Size;
use crate::view::depth::Depth;
use crate::view::encode::Encoder;

/// Something that lives on a screen: the cockpit with its painter.
pub trait Screenful {
    fn update(&mut self, now: Timestamp, message: Message) -> Vec<Effect>;
    /// The next moment at which a shown text changes by itself; `Message::Clock` comes then.
    fn wake(&self) -> Option<Timestamp>;
    /// True when what is shown may have changed since the last `paint`.
    fn is_dirty(&self) -> bool;
    /// Draws everything: whatever a cell held is overwritten. Afterwards it is not dirty.
    fn paint(&mut self, now: Timestamp, buffer: &mut Buffer);
    /// News was taken in and what could be drawn is drawn: time for what others than the reader wait for.
    fn rest(&mut self, now: Timestamp) {
        let _ = now;
    }
}

/// What the cockpit asks of those who poll and remember; the answer comes as news.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Fresh answers.
    Poll(Which),
    /// The board as it was known then.
    Recall(Timestamp),
    /// The past of the numbers on an opened page.
    Chart(Charting),
}

/// What the loop knows of the world around the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub depth: Depth,
    pub wrap: clipboard::Wrap,
}

/// Bytes of a frame that are worth sixteen more to be shown at once; a smaller one arrives in one piece anyway.
const TORN: usize = 512;
/// How long a blocked terminal is waited for before news is looked at again.
const BLOCKED: Duration = Duration::from_millis(50);
/// How long news is taken in before a frame must be drawn.
const BATCH: Duration = Duration::from_millis(50);
/// A clock that was set back may put the moment waited for far away: it is looked at again after this.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// A text that claims to change at once, again and again, gets no more than this.
const SHORTEST_NAP: Duration = Duration::from_millis(20);

/// Runs until somebody quits. The screen is given back before this returns.
///
/// `ask` hands a wish for data to whoever polls or remembers; it must not block.
pub fn run(
    terminal: &mut Terminal,
    news: &Receiver<News>,
    screenful: &mut impl Screenful,
    setting: Setting,
    ask: &mut dyn FnMut(Wish),
) {
    let mut desk = Desk::new(terminal, screenful, setting, ask);
    desk.tell(Message::Resized(desk.terminal.size()));
    while !desk.done {
        desk.draw();
        desk.screenful.rest(from_clock());
        desk.wait(news);
    }
    desk.hear_stragglers(news);
    desk.terminal.leave();
}

/// The state of the loop.
struct Desk<'a, S> {
    terminal: &'a mut Terminal,
    screenful: &'a mut S,
    ask: &'a mut dyn FnMut(Wish),
    setting: Setting,
    encoder: Encoder,
    buffer: Buffer,
    frame: Vec<u8>,
    pacer: Pacer,
    synchronized: bool,
    /// A key waits for its frame.
    urgent: bool,
    /// The screen was cleared or resized: draw even if the cockpit saw no change.
    stale: bool,
    /// The screen is not ours until we are resumed.
    away: bool,
    done: bool,
    last_clock: Option<Instant>,
}

impl<'a, S: Screenful> Desk<'a, S> {
    fn new(
        terminal: &'a mut Terminal,
        screenful: &'a mut S,
        setting: Setting,
        ask: &'a mut dyn FnMut(Wish),
    ) -> Self {
        let size = terminal.size();
        Self {
            terminal,
            screenful,
            ask,
            setting,
            encoder: Encoder::new(setting.depth),
            buffer: Buffer::empty(area(size)),
            frame: Vec::new(),
            pacer: Pacer::default(),
            synchronized: false,
            urgent: true,
            stale: true,
            away: false,
            done: false,
            last_clock: None,
        }
    }

    fn wants_frame(&self) -> bool {
        !self.away && (self.stale || self.screenful.is_dirty())
    }

    fn draw(&mut self) {
        let now = Instant::now();
        let may = self.terminal.is_idle() && self.pacer.next(now, self.urgent) <= now;
        if !(may && self.wants_frame()) {
            return;
        }
        self.stale = false;
        self.urgent = false;
        self.screenful.paint(from_clock(), &mut self.buffer);
        self.frame.clear();
        self.encoder.frame(&self.buffer, &mut self.frame);
        if self.frame.is_empty() {
            return;
        }
        let bracket = self.synchronized && self.frame.len() > TORN;
        if bracket {
            self.terminal.push(b"\x1b[?2026h");
        }
        self.terminal.push(&self.frame);
        if bracket {
            self.terminal.push(b"\x1b[?2026l");
        }
        self.terminal.push(ASK);
        self.pacer.sent(now, self.frame.len());
        self.flush(Duration::ZERO);
    }

    fn flush(&mut self, limit: Duration) {
        if self.terminal.flush(limit).is_err() {
            // Stopped, or gone: the signal or hang-up thread knows which, and one of them acts.
            self.terminal.forget();
            self.away = true;
        }
    }

    /// Sleeps until there is news or something is due, then takes in all the news there is.
    fn wait(&mut self, news: &Receiver<News>) {
        if !self.terminal.is_idle() {
            self.flush(BLOCKED);
        } else if let Some(nap) = self.nap() {
            if !nap.is_zero() {
                match news.recv_timeout(nap) {
                    Ok(one) => self.hear(one),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => self.done = true,
                }
            }
        } else {
            match news.recv() {
                Ok(one) => self.hear(one),
                Err(_) => self.done = true,
            }
        }
        let end = Instant::now() + BATCH;
        while !self.done && Instant::now() < end {
            let Ok(one) = news.try_recv() else { break };
            self.hear(one);
        }
        self.ring();
    }

    /// How long nothing is due; `None` when only news can change anything.
    fn nap(&self) -> Option<Duration> {
        let frame = self.wants_frame().then(|| {
            let now = Instant::now();
            self.pacer.next(now, self.urgent).saturating_duration_since(now)
        });
        let clock = self.screenful.wake().map(|wake| {
            let until = wake.duration_since(from_clock());
            let shortest = self
                .last_clock
                .map_or(Duration::ZERO, |last| SHORTEST_NAP.saturating_sub(last.elapsed()));
            until.try_into().unwrap_or(Duration::ZERO).max(shortest).min(LONGEST_NAP)
        });
        frame.into_iter().chain(clock).min()
    }

    /// Tells the cockpit that the moment it named has come.
    fn ring(&mut self) {
        let now = from_clock();
        let far = SignedDuration::try_from(LONGEST_NAP).unwrap_or(SignedDuration::MAX);
        let due = self.screenful.wake().is_some_and(|wake| {
            let until = wake.duration_since(now);
            until <= SignedDuration::ZERO || until > far
        });
        let rested = self.last_clock.is_none_or(|last| last.elapsed() >= SHORTEST_NAP);
        if due && rested && !self.done {
            self.last_clock = Some(Instant::now());
            self.tell(Message::Clock);
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Terminal(Heard::Alive) => self.pacer.answered(Instant::now()),
            News::Terminal(Heard::Synchronized(yes)) => self.synchronized = yes,
            News::Terminal(Heard::Key(key)) => self.tell_now(Message::Key(key)),
            News::Terminal(Heard::Mouse(mouse)) => self.tell_now(Message::Mouse(mouse)),
            News::Terminal(Heard::Paste(text)) => self.tell_now(Message::Paste(text)),
            News::Resized(size) => self.resize(size),
            News::Resumed(size) => {
                self.away = false;
                self.terminal.forget();
                self.pacer.restart();
                self.encoder.forget();
                self.stale = true;
                self.resize(size);
            }
            News::World(message) => self.tell(message),
        }
    }

    fn resize(&mut self, size: Size) {
        self.urgent = true;
        // Even where it is as large as before: on its way there and back a terminal cuts lines off, and nobody else
        // puts them back.
        self.encoder.forget();
        self.stale = true;
        if area(size) != self.buffer.area {
            self.buffer = Buffer::empty(area(size));
            self.tell(Message::Resized(size));
        }
    }

    fn tell_now(&mut self, message: Message) {
        self.urgent = true;
        self.tell(message);
    }

    fn tell(&mut self, message: Message) {
        for effect in self.screenful.update(from_clock(), message) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Poll(which) => (self.ask)(Wish::Poll(which)),
            Effect::Recall(at) => (self.ask)(Wish::Recall(at)),
            Effect::Chart(charting) => (self.ask)(Wish::Chart(charting)),
            Effect::Copy(text) => match clipboard::copy(text.as_str(), self.setting.wrap) {
                Some(bytes) if !self.away => self.terminal.push(&bytes),
                Some(_) => {}
                None => self.tell(Message::Notice(Clean::from(
                    "not copied: more than a terminal's clipboard takes (75 kB)",
                ))),
            },
            Effect::Open(link) => {
                if let Err(e) = browser::open(&link) {
                    self.tell(Message::Notice(Clean::line(format_args!(
                        "no browser could be started ({e}): Y copies the link"
                    ))));
                }
            }
            Effect::Edit(file) => self.edit(&file),
            Effect::Redraw => {
                self.encoder.forget();
                self.stale = true;
                self.urgent = true;
            }
            Effect::Quit => self.done = true,
        }
    }

    /// Lends the terminal to the user's editor; the screen is drawn anew afterwards.
    fn edit(&mut self, file: &str) {
        if self.away {
            return;
        }
        let path = std::path::Path::new(file);
        let result = self.terminal.lend(|| editor::run(path));
        self.pacer.restart();
        self.encoder.forget();
        self.stale = true;
        self.resize(self.terminal.size());
        let words = match result {
            Ok(status) if status.success() => return,
            Ok(status) => format!("the editor ended with {status}"),
            Err(error) => format!("no editor could be started ({error}): set $EDITOR"),
        };
        self.tell(Message::Notice(Clean::line(words)));
    }

    /// An answer on its way would be typed into the shell: a terminal known to be quick is waited for.
    fn hear_stragglers(&mut self, news: &Receiver<News>) {
        let Some(patience) = self.pacer.straggler() else { return };
        let end = Instant::now() + patience;
        while let Ok(one) = news.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if matches!(one, News::Terminal(Heard::Alive)) {
                return;
            }
        }
    }
}

fn area(size: Size) -> Rect {
    Rect::new(0, 0, size.width, size.height)
}
