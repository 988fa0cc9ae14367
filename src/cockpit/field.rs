//! A line of text being typed, with a cursor between graphemes.

use unicode_segmentation::UnicodeSegmentation;

use super::key::{Code, Key};
use crate::model::{Clean, Shape, clean};

/// What a field holds at most: more is no filter and no command.
const CAP: usize = 1024;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    before: String,
    after: String,
}

impl Field {
    pub fn of(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    pub fn set(&mut self, text: &str) {
        *self = Self::of(text);
    }

    /// What stands before and behind the cursor, as it may be shown.
    pub fn halves(&self) -> (Clean, Clean) {
        (shown(&self.before), shown(&self.after))
    }

    /// Typed or pasted text: cleaned to one line, and cut at the cap.
    pub fn insert(&mut self, text: &str) {
        let room = CAP.saturating_sub(self.before.len() + self.after.len());
        // A lone space is text while typing, though a cleaned line has no space at its end.
        let words = clean(&text.replace(['\r', '\n', '\t'], " "), Shape::Body, room);
        for cluster in words.as_str().graphemes(true) {
            if self.before.len() + self.after.len() + cluster.len() <= CAP {
                self.before.push_str(cluster);
            }
        }
    }

    /// Editing keys of shells and forms. True when the key was one of them.
    pub fn edit(&mut self, key: Key) -> bool {
        let key = key.normal();
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl) {
            (Code::Backspace, false) | (Code::Char('h'), true) => {
                pop(&mut self.before);
            }
            (Code::Delete, false) => {
                let head = self.after.graphemes(true).next().map_or(0, str::len);
                self.after.drain(..head);
            }
            (Code::Left, false) => {
                let moved = pop(&mut self.before);
                self.after.insert_str(0, &moved);
            }
            (Code::Right, false) => {
                let head = self.after.graphemes(true).next().map_or(0, str::len);
                self.before.extend(self.after.drain(..head));
            }
            (Code::Home, false) | (Code::Char('a'), true) => {
                self.after.insert_str(0, &std::mem::take(&mut self.before));
            }
            (Code::End, false) | (Code::Char('e'), true) => {
                self.before.push_str(&std::mem::take(&mut self.after));
            }
            (Code::Char('u'), true) => self.before.clear(),
            (Code::Char('w'), true) => {
                let kept = self.before.trim_end().rfind(' ').map_or(0, |i| i + 1);
                self.before.truncate(kept);
            }
            _ => return false,
        }
        true
    }
}

fn pop(text: &mut String) -> String {
    let from = text.grapheme_indices(true).next_back().map_or(0, |(i, _)| i);
    text.split_off(from)
}

fn shown(text: &str) -> Clean {
    clean(text, Shape::Body, CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> Field {
        let mut field = Field::default();
        for key in keys {
            field.edit(Key::parse(key).unwrap());
        }
        field
    }

    #[test]
    fn a_shell_s_reflexes_work() {
        assert_eq!(typed(&["a", "b", "left", "x"]).text(), "axb");
        assert_eq!(typed(&["a", "space", "b", "c", "ctrl-w", "d"]).text(), "a d");
        assert_eq!(typed(&["a", "b", "home", "delete"]).text(), "b");
        assert_eq!(typed(&["a", "b", "ctrl-u"]).text(), "");
        assert_eq!(typed(&["backspace", "delete", "left", "right", "ctrl-w"]).text(), "");
    }

    #[test]
    fn a_cluster_goes_as_a_whole() {
        let mut field = Field::of("e\u{301}👩‍🚀");
        field.edit(Key::plain(Code::Backspace));
        assert_eq!(field.text(), "é");
    }

    #[test]
    fn a_megabyte_pasted_is_cut_and_inert() {
        let field = Field::of(&"y\n\u{1b}[31m".repeat(200_000));
        assert!(field.text().len() <= CAP);
        assert!(!field.text().contains(['\u{1b}', '\n']));
    }

    proptest::proptest! {
        #[test]
        fn no_editing_panics(text in ".{0,40}", codes in proptest::collection::vec(0_u8..9, 0..60)) {
            let mut field = Field::of(&text);
            let keys = ["left", "right", "backspace", "delete", "home", "end", "ctrl-w", "ctrl-u", "z"];
            for code in codes {
                field.edit(Key::parse(keys[usize::from(code)]).unwrap());
            }
        }
    }
}
