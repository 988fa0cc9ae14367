//! Keys as people write them: `ctrl-d`, `space`, `G`; read from the configuration and shown in the help in the same words.

use std::fmt;

/// A key as the terminal room reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// Words for keys that have no character of their own; the first word of a code is the one shown.
const WORDS: &[(&str, Code)] = &[
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("esc", Code::Esc),
    ("escape", Code::Esc),
    ("tab", Code::Tab),
    ("shift-tab", Code::BackTab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("del", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PageUp),
    ("pageup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
    ("plus", Code::Char('+')),
];

impl Key {
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    pub const fn ctrl(c: char) -> Self {
        Self { ctrl: true, ..Self::char(c) }
    }

    /// Terminals disagree about shift on characters and on shift-tab: one form for each.
    #[must_use]
    pub fn normal(self) -> Self {
        match self.code {
            Code::Char(c) if self.shift && !self.ctrl => {
                Self { code: Code::Char(upper(c)), shift: false, ..self }
            }
            Code::Char(c) if self.ctrl => {
                Self { code: Code::Char(c.to_ascii_lowercase()), shift: false, ..self }
            }
            Code::Char(_) | Code::BackTab => Self { shift: false, ..self },
            Code::Tab if self.shift => Self { code: Code::BackTab, shift: false, ..self },
            _ => self,
        }
    }

    /// Reads `ctrl-d`, `alt-x`, `f5`, `space`, `G`, `?`. `None` for what is no key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Self::plain(Code::Esc);
        let mut rest = text.trim();
        loop {
            let lower = rest.to_ascii_lowercase();
            if let Some((_, code)) = WORDS.iter().find(|(word, _)| *word == lower) {
                key.code = *code;
                return Some(key.normal());
            }
            if rest.chars().count() == 1 {
                key.code = Code::Char(rest.chars().next()?);
                return Some(key.normal());
            }
            if let Some(n) = lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
                key.code = Code::F(n);
                return (1..=24).contains(&n).then(|| key.normal());
            }
            let (modifier, after) = rest.split_once(['-', '+'])?;
            match modifier.to_ascii_lowercase().as_str() {
                "ctrl" | "control" | "c" if !key.ctrl => key.ctrl = true,
                "alt" | "meta" | "a" | "m" if !key.alt => key.alt = true,
                "shift" | "s" if !key.shift => key.shift = true,
                _ => return None,
            }
            rest = after;
        }
    }

    /// What typing it would write, if it writes anything.
    pub fn typed(self) -> Option<char> {
        match self.normal() {
            Self { code: Code::Char(c), ctrl: false, alt: false, .. } if !c.is_control() => Some(c),
            _ => None,
        }
    }
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, word) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if on {
                f.write_str(word)?;
            }
        }
        let named = WORDS.iter().find(|(_, code)| *code == self.code).map(|(word, _)| *word);
        match (self.code, named) {
            // Alone, these characters say it best; behind a modifier they would read as a separator.
            (Code::Char(c @ ('-' | '+')), _) if !(self.ctrl || self.alt) => write!(f, "{c}"),
            (_, Some(word)) => f.write_str(word),
            (Code::Char(c), None) => write!(f, "{c}"),
            (Code::F(n), None) => write!(f, "f{n}"),
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_what_it_shows() {
        for word in ["ctrl-d", "space", "G", "?", "alt-x", "f5", "pgup", "shift-tab", "-", "é", "<"]
        {
            let key = Key::parse(word).unwrap();
            assert_eq!(key.to_string(), word);
            assert_eq!(Key::parse(&key.to_string()), Some(key));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for word in ["", "ctrl-", "gg", "ctrl-ctrl-d", "hyper-x", "f0", "f99"] {
            assert_eq!(Key::parse(word), None, "{word}");
        }
    }

    #[test]
    fn shift_is_one_form_whatever_the_terminal_says() {
        let shifted = Key { shift: true, ..Key::char('g') };
        assert_eq!(shifted.normal(), Key::char('G'));
        assert_eq!(Key { shift: true, ..Key::char('G') }.normal(), Key::char('G'));
        assert_eq!(
            Key { shift: true, ..Key::plain(Code::Tab) }.normal(),
            Key::plain(Code::BackTab)
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_reading_a_key_fail_loudly(text in ".*") {
            if let Some(key) = Key::parse(&text) {
                proptest::prop_assert_eq!(Key::parse(&key.to_string()), Some(key));
            }
        }
    }
}
