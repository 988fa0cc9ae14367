//! Bytes from a terminal cut into keys, sequences, answers and pastes: bounded, and back in step after any garbage.

use std::time::Duration;

/// A paste larger than this is cut: nobody pastes a book into a filter.
pub const PASTE_CAP: usize = 1 << 20;
/// Longer sequences are no key's; they are dropped.
const SEQUENCE_CAP: usize = 64;
/// Longer answers (OSC, DCS) are nothing we asked for; the rest is dropped up to their end.
const STRING_CAP: usize = 4096;
const PASTE_END: &[u8] = b"\x1b[201~";

/// How long a lone ESC may be the beginning of something; as long as vim's and tmux's advice for slow links.
const ESCAPE_WAIT: Duration = Duration::from_millis(50);
/// How long an unfinished sequence or paste may pause before it is given up.
const SEQUENCE_WAIT: Duration = Duration::from_millis(500);

/// One complete thing a terminal said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A character or a control byte, alone or behind an ESC, or a whole key or mouse sequence.
    Key(Vec<u8>),
    /// `CSI 0 n`: everything written before the question was read.
    Alive,
    /// `CSI ? 2026 ; n $ y`: whether frames may be bracketed as synchronized updates.
    Synchronized(bool),
    Paste(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// After `ESC O`.
    Single,
    Csi,
    /// OSC, DCS, APC, PM, SOS: up to BEL or `ESC \`.
    Text,
    TextEscape,
    Paste,
    Utf8 {
        missing: u8,
    },
    /// After `CSI M`: a mouse of the old protocol, which terminals without the new one fall back to.
    OldMouse {
        missing: u8,
    },
}

/// The cutter. Holds at most one unfinished thing.
#[derive(Debug, Default)]
pub struct Stream {
    state: State,
    held: Vec<u8>,
    paste: Vec<u8>,
}

impl Stream {
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Token>) {
        for byte in bytes {
            self.step(*byte, out);
        }
    }

    /// How long to wait for more before `rest` is called; `None` when nothing is unfinished.
    pub fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Escape => Some(ESCAPE_WAIT),
            _ => Some(SEQUENCE_WAIT),
        }
    }

    /// Nothing more came in time: a lone ESC was the key, the beginning of a sequence was garbage.
    pub fn rest(&mut self, out: &mut Vec<Token>) {
        match self.state {
            State::Escape => self.key(out),
            State::Paste => self.end_paste(out),
            // alt-[ and alt-O look like the beginning of a sequence.
            State::Csi | State::Single if self.held.len() == 2 => self.key(out),
            _ => {}
        }
        self.reset();
    }

    fn step(&mut self, byte: u8, out: &mut Vec<Token>) {
        match self.state {
            State::Paste => return self.paste(byte, out),
            State::Text | State::TextEscape => return self.text(byte, out),
            State::OldMouse { missing: 1 } => return self.reset(),
            State::OldMouse { missing } => {
                self.state = State::OldMouse { missing: missing - 1 };
                return;
            }
            _ => {}
        }
        // CAN and SUB end whatever there was; ESC begins anew.
        if matches!(byte, 0x18 | 0x1a) && self.state != State::Ground {
            self.reset();
            return;
        }
        match (self.state, byte) {
            (State::Escape, 0x1b) => {
                self.key(out);
                self.held.push(byte);
                self.state = State::Escape;
            }
            (_, 0x1b) => {
                self.held.clear();
                self.held.push(byte);
                self.state = State::Escape;
            }
            (State::Escape, b'[') => self.grow(byte, State::Csi),
            (State::Escape, b'O') => self.grow(byte, State::Single),
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'X') => self.grow(byte, State::Text),
            (State::Ground | State::Escape, _) => self.first(byte, out),
            (State::Single, _) => {
                self.held.push(byte);
                self.key(out);
            }
            (State::Csi, _) => self.sequence(byte, out),
            (State::Utf8 { missing }, 0x80..=0xbf) => {
                self.held.push(byte);
                if missing == 1 {
                    self.key(out);
                } else {
                    self.state = State::Utf8 { missing: missing - 1 };
                }
            }
            // A broken character: what follows it is whole.
            (State::Utf8 { .. }, _) => {
                self.reset();
                self.first(byte, out);
            }
            (State::Paste | State::Text | State::TextEscape | State::OldMouse { .. }, _) => {}
        }
    }

    /// The first byte of a character, perhaps behind an ESC.
    fn first(&mut self, byte: u8, out: &mut Vec<Token>) {
        self.held.push(byte);
        let missing = match byte {
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            0x80..=0xff => return self.reset(),
            _ => return self.key(out),
        };
        self.state = State::Utf8 { missing };
    }

    fn sequence(&mut self, byte: u8, out: &mut Vec<Token>) {
        self.held.push(byte);
        let linux_function_key = byte == b'[' && self.held.len() == 3;
        if matches!(byte, 0x20..=0x3f) || linux_function_key {
            if self.held.len() > SEQUENCE_CAP {
                self.reset();
            }
            return;
        }
        if !matches!(byte, 0x40..=0x7e) {
            return self.reset();
        }
        match self.held.as_slice() {
            b"\x1b[200~" => {
                self.reset();
                self.state = State::Paste;
                return;
            }
            b"\x1b[M" => {
                self.reset();
                self.state = State::OldMouse { missing: 3 };
                return;
            }
            b"\x1b[0n" => out.push(Token::Alive),
            [0x1b, b'[', b'?', b'2', b'0', b'2', b'6', b';', mode, b'$', b'y'] => {
                out.push(Token::Synchronized(matches!(mode, b'1'..=b'3')));
            }
            // Other answers: device attributes, status, modes, cursor position.
            [0x1b, b'[', .., b'c' | b'n' | b'y' | b'R'] | b"\x1b[201~" => {}
            _ => return self.key(out),
        }
        self.reset();
    }

    fn text(&mut self, byte: u8, out: &mut Vec<Token>) {
        match (self.state, byte) {
            (State::TextEscape, b'\\') | (_, 0x07 | 0x18 | 0x1a) => self.reset(),
            (State::TextEscape, _) => {
                // Not the end of the string, so it was the beginning of something else.
                self.held.clear();
                self.held.push(0x1b);
                self.state = State::Escape;
                self.step(byte, out);
            }
            (_, 0x1b) => self.state = State::TextEscape,
            _ => {
                self.held.push(byte);
                if self.held.len() > STRING_CAP {
                    self.reset();
                }
            }
        }
    }

    fn paste(&mut self, byte: u8, out: &mut Vec<Token>) {
        if self.paste.len() < PASTE_CAP + PASTE_END.len() {
            self.paste.push(byte);
        }
        // The last bytes, seen even when the paste is full.
        if self.held.len() == PASTE_END.len() {
            self.held.remove(0);
        }
        self.held.push(byte);
        if self.held == PASTE_END {
            if self.paste.ends_with(PASTE_END) {
                self.paste.truncate(self.paste.len() - PASTE_END.len());
            }
            self.end_paste(out);
        }
    }

    fn end_paste(&mut self, out: &mut Vec<Token>) {
        let mut bytes = std::mem::take(&mut self.paste);
        bytes.truncate(PASTE_CAP);
        let text = String::from_utf8_lossy(&bytes);
        out.push(Token::Paste(text.replace("\r\n", "\n").replace('\r', "\n")));
        self.reset();
    }

    fn grow(&mut self, byte: u8, state: State) {
        self.held.push(byte);
        self.state = state;
    }

    fn key(&mut self, out: &mut Vec<Token>) {
        out.push(Token::Key(std::mem::take(&mut self.held)));
        self.state = State::Ground;
    }

    fn reset(&mut self) {
        self.held.clear();
        self.paste.clear();
        self.state = State::Ground;
    }
}
