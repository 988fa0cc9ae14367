//! Text that may be shown: remote words become `Clean` at the boundary, and nothing else can be drawn or printed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// A piece of text without control, bidi or invisible characters, in NFC, bounded in bytes per grapheme.
///
/// The field is private and every constructor passes through [`clean`], so holding one is the proof.
/// The empty one, by far the most frequent text, is shared: `Arc` keeps one for all.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Clean(Arc<str>);

/// What was kept outside is cleaned again: a file can be changed by others.
impl<'de> serde::Deserialize<'de> for Clean {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// Cleans what lies in the bytes that are read: no text is copied only to be copied again.
        struct Words;
        impl serde::de::Visitor<'_> for Words {
            type Value = Clean;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E: serde::de::Error>(self, words: &str) -> Result<Clean, E> {
                Ok(clean(words, Shape::Body, usize::MAX))
            }
        }
        from.deserialize_str(Words)
    }
}

/// How a field is laid out: titles and names are one line, bodies keep their line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Line,
    Body,
}

/// Bytes kept of an ordinary one-line field.
pub const LINE_CAP: usize = 4 * 1024;
const MARKS_A_BASE: usize = 4;
const CLUSTER_CAP: usize = 32;
const REPLACEMENT: char = '\u{FFFD}';
const DOTTED_CIRCLE: char = '\u{25CC}';

impl Clean {
    /// Cleans anything that can be displayed into one line of at most 4 KiB.
    pub fn line(text: impl fmt::Display) -> Self {
        clean(&text.to_string(), Shape::Line, LINE_CAP)
    }

    /// Cleans a longer text, keeping its line ends.
    pub fn body(text: &str, cap: usize) -> Self {
        clean(text, Shape::Body, cap)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Columns this text takes on a terminal, by the tables the painter uses.
    pub fn width(&self) -> usize {
        unicode_width::UnicodeWidthStr::width(&*self.0)
    }
}

/// Our own words; still cleaned, because a literal with an escape would be a fault worth seeing.
/// Blanks at their ends are meant (` · ` between two things of a line) and stay.
impl From<&'static str> for Clean {
    fn from(words: &'static str) -> Self {
        let inner = words.trim_matches(' ');
        let cleaned = clean(inner, Shape::Line, LINE_CAP);
        if inner.len() == words.len() {
            return cleaned;
        }
        let lead = " ".repeat(words.len() - words.trim_start_matches(' ').len());
        let tail = if inner.is_empty() { 0 } else { words.len() - lead.len() - inner.len() };
        Self(Arc::from(format!("{lead}{cleaned}{}", " ".repeat(tail))))
    }
}

impl From<String> for Clean {
    fn from(words: String) -> Self {
        clean(&words, Shape::Line, LINE_CAP)
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for Clean {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Makes remote text safe to show: nothing in the result acts on a terminal, and nothing hostile vanishes silently.
///
/// At most `cap` bytes of `raw` are looked at; a cut is marked with `…`. An empty result stays empty: the page says "(blank)".
pub fn clean(raw: &str, shape: Shape, cap: usize) -> Clean {
    let (head, cut) = cut_at(raw, cap);
    if head.is_empty() {
        return Clean::default();
    }
    if !cut && is_plain(head, shape) {
        return Clean(Arc::from(head));
    }
    let mapped: String = map_characters(head, shape);
    let composed: Cow<'_, str> = match is_nfc_quick(mapped.chars()) {
        unicode_normalization::IsNormalized::Yes => Cow::Borrowed(&mapped),
        _ => Cow::Owned(mapped.nfc().collect()),
    };
    let mut out = String::with_capacity(composed.len());
    for cluster in composed.graphemes(true) {
        push_cluster(&mut out, cluster);
    }
    if shape == Shape::Line {
        squeeze_ends(&mut out);
    }
    if cut {
        out.push('…');
    }
    Clean(Arc::from(out))
}

/// The first `cap` bytes, ended on a character boundary: capped before any work that grows with length.
fn cut_at(raw: &str, cap: usize) -> (&str, bool) {
    if raw.len() <= cap {
        return (raw, false);
    }
    let mut end = cap;
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    (raw.get(..end).unwrap_or(""), true)
}

/// Nearly all text is printable ASCII, which needs no work.
fn is_plain(text: &str, shape: Shape) -> bool {
    let edge = |b: Option<&u8>| b == Some(&b' ');
    let bytes = text.as_bytes();
    bytes.iter().all(|b| (0x20..0x7f).contains(b) || (shape == Shape::Body && *b == b'\n'))
        && (shape == Shape::Body || !(edge(bytes.first()) || edge(bytes.last())))
}

fn map_characters(text: &str, shape: Shape) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let joins_emoji = c == '\u{200D}'
            && before.is_some_and(is_pictograph)
            && rest.peek().copied().is_some_and(is_pictograph);
        match c {
            '\r' if shape == Shape::Body && rest.peek() == Some(&'\n') => {}
            '\n' if shape == Shape::Body => out.push('\n'),
            '\t' if shape == Shape::Body => out.push_str("    "),
            '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{A0}' | '\u{2007}'
            | '\u{202F}' => {
                out.push(if shape == Shape::Body && is_line_end(c) { '\n' } else { ' ' });
            }
            '\u{0}'..='\u{1F}' => out.push(picture_of(c)),
            '\u{7F}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9F}' => out.push(REPLACEMENT),
            _ if is_bidi(c) || is_noncharacter(c) => out.push(REPLACEMENT),
            '\u{200D}' if joins_emoji => out.push(c),
            _ if is_invisible(c) => {}
            _ => out.push(c),
        }
        if !is_variation(c) {
            before = Some(c);
        }
    }
    out
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// U+2400 + n: a control is shown, never dropped, so the reader sees that something was there.
fn picture_of(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(REPLACEMENT)
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}'
        | '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{3164}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}')
}

fn is_noncharacter(c: char) -> bool {
    let n = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&n) || n & 0xFFFE == 0xFFFE
}

fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}')
}

fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x21FF | 0x2300..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF)
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// A mark with columns of its own (Myanmar tones, say) stands by itself; one without would climb on its neighbour.
fn clings(c: char) -> bool {
    is_mark(c) && unicode_width::UnicodeWidthChar::width(c) == Some(0)
}

fn push_cluster(out: &mut String, cluster: &str) {
    if cluster.chars().next().is_some_and(clings) && !out.ends_with(DOTTED_CIRCLE) {
        out.push(DOTTED_CIRCLE);
    }
    let marks = cluster.chars().filter(|c| is_mark(*c)).count();
    if marks > MARKS_A_BASE {
        let mut kept = 0;
        out.extend(
            cluster
                .chars()
                .filter(|c| {
                    kept += usize::from(is_mark(*c));
                    !is_mark(*c) || kept <= MARKS_A_BASE
                })
                .take(CLUSTER_CAP / 4),
        );
    } else if cluster.len() > CLUSTER_CAP {
        out.push(REPLACEMENT);
    } else {
        out.push_str(cluster);
    }
}

/// A title's outer blanks carry nothing and would shift columns.
fn squeeze_ends(text: &mut String) {
    let trimmed = text.trim_matches(' ');
    if trimmed.len() != text.len() {
        // A mark that sat on a blank would lead now.
        let bare = trimmed.chars().next().is_some_and(clings);
        *text = if bare { format!("{DOTTED_CIRCLE}{trimmed}") } else { trimmed.to_owned() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(raw: &str) -> String {
        clean(raw, Shape::Line, LINE_CAP).to_string()
    }

    #[test]
    fn controls_become_visible_pictures() {
        assert_eq!(line("a\u{1b}[31mb"), "a␛[31mb");
        assert_eq!(line("bell\u{7}del\u{7f}c1\u{9b}"), "bell␇del␡c1\u{FFFD}");
    }

    #[test]
    fn line_ends_and_odd_spaces_become_one_space_each_in_a_line() {
        assert_eq!(line("a\nb\tc\u{a0}d\u{2028}e"), "a b c d e");
        assert_eq!(line("  padded  "), "padded");
    }

    #[test]
    fn blanks_at_the_ends_of_our_own_words_are_meant() {
        for words in [" · ", "  ", "a ", " b", "c", ""] {
            assert_eq!(Clean::from(words).as_str(), words);
        }
    }

    #[test]
    fn a_body_keeps_its_lines_and_widens_tabs() {
        assert_eq!(clean("a\r\n\tb\rc", Shape::Body, 100).as_str(), "a\n    b\nc");
    }

    #[test]
    fn bidi_overrides_are_seen_and_zero_widths_are_dropped() {
        assert_eq!(line("pay\u{202E}lap"), "pay\u{FFFD}lap");
        assert_eq!(line("in\u{200B}visi\u{FEFF}ble\u{E0041}"), "invisible");
    }

    #[test]
    fn a_joiner_lives_only_between_emoji() {
        assert_eq!(line("👩\u{200D}🚒"), "👩\u{200D}🚒");
        assert_eq!(line("a\u{200D}b"), "ab");
    }

    #[test]
    fn marks_are_bounded_and_never_lead() {
        let zalgo = format!("e{}x", "\u{301}\u{302}".repeat(500));
        let out = line(&zalgo);
        assert!(out.chars().count() <= 7, "{out:?}");
        assert!(out.ends_with('x'));
        for lead in ["\u{301}a", " \u{301}a", "  \u{11370}"] {
            assert_eq!(line(lead).chars().next(), Some('\u{25CC}'), "{lead:?}");
        }
    }

    #[test]
    fn a_mark_with_columns_of_its_own_is_left_alone() {
        assert_eq!(line("\u{1087}"), "\u{1087}");
    }

    #[test]
    fn the_same_word_typed_two_ways_is_equal() {
        assert_eq!(line("cafe\u{301}"), line("café"));
    }

    #[test]
    fn a_cut_says_so_and_never_splits_a_character() {
        assert_eq!(clean("ééééé", Shape::Line, 5).as_str(), "éé…");
    }

    proptest::proptest! {
        #[test]
        fn nothing_hostile_survives(raw in "\\PC*|(?s).*") {
            for shape in [Shape::Line, Shape::Body] {
                let out = clean(&raw, shape, 4096);
                for c in out.as_str().chars() {
                    let line_end = shape == Shape::Body && c == '\n';
                    proptest::prop_assert!(line_end || !c.is_control(), "{c:?} in {out:?}");
                    proptest::prop_assert!(!is_bidi(c), "{c:?} in {out:?}");
                }
                for cluster in out.as_str().graphemes(true) {
                    proptest::prop_assert!(cluster.len() <= CLUSTER_CAP + 4, "{cluster:?}");
                }
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(raw in "(?s).*") {
            let once = clean(&raw, Shape::Line, 4096);
            let twice = clean(once.as_str(), Shape::Line, 8192);
            proptest::prop_assert_eq!(once, twice);
        }
    }
}
