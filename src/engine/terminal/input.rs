//! What the terminal says, in our words: keys, clicks, pastes, and answers to our questions.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers, MouseButton, MouseEventKind};
use termina::{Event, Parser};

use super::life::Life;
use super::signals;
use super::stream::{Stream, Token};
use super::tty::Ready;
use crate::cockpit::{Code, Key, Mouse};
use crate::engine::news::{Heard, News};

/// Turns bytes into what was meant. No clock: the caller says when nothing more came in time.
#[derive(Debug, Default)]
pub struct Reader {
    stream: Stream,
    tokens: Vec<Token>,
}

impl Reader {
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Heard>) {
        self.stream.feed(bytes, &mut self.tokens);
        self.tell(out);
    }

    /// How long to wait before `rest`; `None` when nothing is unfinished.
    pub fn patience(&self) -> Option<std::time::Duration> {
        self.stream.patience()
    }

    /// Nothing more came in time: what was unfinished is decided.
    pub fn rest(&mut self, out: &mut Vec<Heard>) {
        self.stream.rest(&mut self.tokens);
        self.tell(out);
    }

    fn tell(&mut self, out: &mut Vec<Heard>) {
        out.extend(self.tokens.drain(..).filter_map(|token| match token {
            Token::Key(bytes) => decode(&bytes),
            Token::Alive => Some(Heard::Alive),
            Token::Synchronized(yes) => Some(Heard::Synchronized(yes)),
            Token::Paste(text) => Some(Heard::Paste(text)),
        }));
    }
}

/// One key or mouse event. A fresh parser each time: what one sequence leaves behind cannot change the next.
fn decode(bytes: &[u8]) -> Option<Heard> {
    // The plainest case without the parser's buffers: a paste without brackets is thousands of these.
    if let [byte @ 0x20..=0x7e] = bytes {
        return Some(plain(Code::Char(char::from(*byte))));
    }
    let mut parser = Parser::default();
    parser.parse(bytes, false);
    match parser.pop()? {
        Event::Key(key) => key_of(key).map(Heard::Key),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                Some(Heard::Mouse(Mouse::Click { column: mouse.column, row: mouse.row }))
            }
            MouseEventKind::ScrollUp => Some(Heard::Mouse(Mouse::WheelUp)),
            MouseEventKind::ScrollDown => Some(Heard::Mouse(Mouse::WheelDown)),
            _ => None,
        },
        _ => None,
    }
}

fn plain(code: Code) -> Heard {
    Heard::Key(Key { code, ctrl: false, alt: false, shift: false })
}

/// Our key. A character carries its own shift (`G`, never shift-g); so does shift-tab.
fn key_of(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = key.modifiers.contains(Modifiers::CONTROL);
    let code = match key.code {
        // What many terminals send for the key above enter.
        KeyCode::Char('h') if ctrl => {
            return Some(Key { code: Code::Backspace, ctrl: false, alt: false, shift: false });
        }
        KeyCode::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Escape => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Function(n) => Code::F(n),
        _ => return None,
    };
    Some(Key {
        code,
        ctrl,
        alt: key.modifiers.contains(Modifiers::ALT),
        shift: key.modifiers.contains(Modifiers::SHIFT)
            && !matches!(code, Code::Char(_) | Code::BackTab),
    })
}

/// Reads keys on a thread of its own until the terminal is gone.
pub fn listen(life: Arc<Life>, news: Sender<News>) -> io::Result<()> {
    thread::Builder::new().name("keys".into()).spawn(move || {
        let mut reader = Reader::default();
        let mut heard = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let ready = life.tty().wait_readable(reader.patience());
            if life.is_lent() {
                life.wait_until_back();
                continue;
            }
            match ready {
                Ok(Ready::Yes) => match life.tty().read(&mut bytes) {
                    Ok(Some(n)) => reader.feed(bytes.get(..n).unwrap_or(&[]), &mut heard),
                    Ok(None) => {}
                    Err(_) => life.end(129),
                },
                Ok(Ready::Not) => reader.rest(&mut heard),
                Ok(Ready::HungUp) | Err(_) => life.end(129),
            }
            for one in heard.drain(..) {
                if is_stop(&one) {
                    signals::suspend(&life);
                } else if news.send(News::Terminal(one)).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(())
}

/// ctrl-z: in raw mode the kernel leaves it to us.
fn is_stop(heard: &Heard) -> bool {
    matches!(heard, Heard::Key(Key { code: Code::Char('z'), ctrl: true, alt: false, shift: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(bytes: &[u8]) -> Vec<Heard> {
        let mut reader = Reader::default();
        let mut out = Vec::new();
        reader.feed(bytes, &mut out);
        if reader.patience().is_some() {
            reader.rest(&mut out);
        }
        out
    }

    fn ctrl(c: char) -> Heard {
        Heard::Key(Key { code: Code::Char(c), ctrl: true, alt: false, shift: false })
    }

    fn alt(c: char) -> Heard {
        Heard::Key(Key { code: Code::Char(c), ctrl: false, alt: true, shift: false })
    }

    #[test]
    fn keys_are_read_with_their_modifiers() {
        assert_eq!(hear(b"jG"), [plain(Code::Char('j')), plain(Code::Char('G'))]);
        assert_eq!(hear(b"\x03\x04\x11"), [ctrl('c'), ctrl('d'), ctrl('q')]);
        assert_eq!(
            hear(b"\r\t\x7f\x08"),
            [Code::Enter, Code::Tab, Code::Backspace, Code::Backspace].map(plain)
        );
        assert_eq!(hear(b"\x1bx"), [alt('x')]);
        assert_eq!(hear("é決".as_bytes()), ['é', '決'].map(Code::Char).map(plain));
        assert_eq!(
            hear(b"\x1b[A\x1bOB\x1b[5~\x1b[Z\x1bOP\x1b[15~\x1b[[A"),
            [Code::Up, Code::Down, Code::PageUp, Code::BackTab, Code::F(1), Code::F(5), Code::F(1)]
                .map(plain)
        );
        assert_eq!(
            hear(b"\x1b[1;5C"),
            [Heard::Key(Key { code: Code::Right, ctrl: true, alt: false, shift: false })]
        );
    }

    #[test]
    fn a_lone_escape_is_a_key_once_nothing_follows() {
        let mut reader = Reader::default();
        let mut out = Vec::new();
        reader.feed(b"\x1b", &mut out);
        assert_eq!(out, []);
        assert!(reader.patience().is_some());
        reader.rest(&mut out);
        assert_eq!(out, [plain(Code::Esc)]);
        assert_eq!(reader.patience(), None);
    }

    #[test]
    fn an_answer_right_behind_an_escape_key_is_still_an_answer() {
        assert_eq!(hear(b"\x1b\x1b[0nj"), [plain(Code::Esc), Heard::Alive, plain(Code::Char('j'))]);
    }

    #[test]
    fn a_sequence_cut_anywhere_is_read_whole() {
        let said = b"\x1b[?2026;2$y\x1b[?62;22c\x1b[0n\x1b[<0;10;5M\x1b[200~hi\x1b[201~\xc3\xa9";
        let whole = hear(said);
        assert_eq!(
            whole,
            [
                Heard::Synchronized(true),
                Heard::Alive,
                Heard::Mouse(Mouse::Click { column: 9, row: 4 }),
                Heard::Paste("hi".into()),
                plain(Code::Char('é')),
            ]
        );
        for cut in 0..said.len() {
            let (before, after) = said.split_at(cut);
            let mut reader = Reader::default();
            let mut out = Vec::new();
            reader.feed(before, &mut out);
            reader.feed(after, &mut out);
            assert_eq!(out, whole, "cut at {cut}");
        }
    }

    #[test]
    fn only_a_terminal_that_knows_the_mode_is_asked_to_synchronize() {
        assert_eq!(hear(b"\x1b[?2026;0$y"), [Heard::Synchronized(false)]);
        assert_eq!(hear(b"\x1b[?2026;4$y"), [Heard::Synchronized(false)]);
        assert_eq!(hear(b"\x1b[?2026;1$y"), [Heard::Synchronized(true)]);
    }

    #[test]
    fn a_paste_is_never_keys_and_is_capped() {
        let mut said = b"\x1b[200~".to_vec();
        said.extend(std::iter::repeat_n(*b"y\r\n\x1b[A", 400_000).flatten());
        said.extend(b"\x1b[201~q");
        let heard = hear(&said);
        assert_eq!(heard.len(), 2);
        let Heard::Paste(text) = &heard[0] else { panic!("{:?}", heard[0]) };
        assert!(text.len() <= super::super::stream::PASTE_CAP);
        assert_eq!(heard[1], plain(Code::Char('q')));
    }

    #[test]
    fn the_key_after_unfinished_garbage_counts() {
        for garbage in [
            &b"\x1b]0;title never ended"[..],
            b"\x1bPtmux;",
            b"\x1b[?1;2",
            b"\x1b[<1;2",
            b"\xf0\x9f",
            b"\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1",
        ] {
            let mut reader = Reader::default();
            let mut out = Vec::new();
            reader.feed(garbage, &mut out);
            reader.rest(&mut out);
            reader.feed(b"q", &mut out);
            assert_eq!(out.last(), Some(&plain(Code::Char('q'))), "{garbage:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_or_lose_the_next_key(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)
        ) {
            let mut reader = Reader::default();
            let mut out = Vec::new();
            reader.feed(&bytes, &mut out);
            reader.rest(&mut out);
            out.clear();
            reader.feed(b"q", &mut out);
            proptest::prop_assert_eq!(out, vec![plain(Code::Char('q'))]);
        }

        #[test]
        fn sequences_of_the_shapes_terminals_use_never_fail(said in "(\x1b[\\[\\]OP][?<>]?[0-9;:]{0,12}[ -~]){0,8}") {
            hear(said.as_bytes());
        }
    }
}
