//! Who gets how many lines of the wall: plain arithmetic, the same for composing and painting.

use crate::page::Frame;

/// Lines from the top: verdict, warning, page, and what is always in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rooms {
    /// Of the verdict's word.
    pub letters: u16,
    /// The word and what is said under it.
    pub lamp: u16,
    /// The warning that data are old; 0 while they are not.
    pub old: u16,
    pub body: u16,
    /// Its first line is the rule that carries the page's name and the clock.
    pub foot: u16,
    /// Columns of the main panel; the rest is for what stands beside it.
    pub main: u16,
}

/// Lines of a row with big digits: their name and what they are about lie under them.
pub const BIG_ROW: u16 = 5;
/// Columns from which something stands beside the main panel.
const BESIDE: u16 = 100;

pub fn rooms(frame: &Frame, is_old: bool) -> Rooms {
    let (width, height) = (frame.size.width, frame.size.height);
    let (letters, old, foot) = match height {
        0..7 => (1, 0, 0),
        7..12 => (1, 1, 2),
        12..20 => (3, 1, 3),
        20..34 => (5, 3, 4),
        34..50 => (8, 3, 6),
        _ => (10, 5, 6),
    };
    // What is said beside the word on a wide wall stands under it on a narrow one.
    let under = match (letters, width) {
        (0..=1, _) | (_, BESIDE..) => 0,
        (3, _) => 1,
        _ => 3,
    };
    // A blank line below, where there is room to breathe.
    let air = u16::from(height >= 34);
    let old = if is_old { old } else { 0 };
    let body = height.saturating_sub(letters + under + air + old + foot);
    let main = if width >= BESIDE { width - width * 2 / 5 } else { width };
    Rooms { letters, lamp: letters + under + air, old, body, foot, main }
}
