//! Where the cursor is and how it writes, remembered across frames, so that only changes are said.

use std::io::Write as _;

use ratatui::style::Modifier;

use super::super::depth::{Depth, Hue};
use super::Sight;

/// Colours and modifiers of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub fg: Hue,
    pub bg: Hue,
    pub modifier: Modifier,
}

/// The terminal's cursor and its current attributes, as far as they are known.
#[derive(Debug)]
pub struct Pen {
    depth: Depth,
    look: Look,
    row: Option<u16>,
    /// Unknown after a character whose width terminals disagree about, and after the last column.
    column: Option<u16>,
    /// A character as wide everywhere as we believe was written last: a neighbour of its kind needs no move.
    drawn: Option<(u16, u16)>,
    scratch: Vec<u8>,
}

impl Pen {
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            look: Look::default(),
            row: None,
            column: None,
            drawn: None,
            scratch: Vec::new(),
        }
    }

    pub fn depth(&self) -> Depth {
        self.depth
    }

    pub fn clear_screen(&mut self, out: &mut Vec<u8>) {
        out.extend(b"\x1b[m\x1b[H\x1b[2J");
        self.look = Look::default();
        self.at(0, 0);
    }

    pub fn at(&mut self, x: u16, y: u16) {
        self.row = Some(y);
        self.column = Some(x);
        self.drawn = None;
    }

    /// Moves to a cell by the shortest way: writing the few letters in between again, a step, or an address.
    pub fn reach(&mut self, x: u16, y: u16, row: &[Sight<'_>], out: &mut Vec<u8>) {
        if (self.row, self.column) == (Some(y), Some(x)) {
            return;
        }
        let next_to_drawing = self.drawn == Some((x, y))
            && row.get(usize::from(x)).is_some_and(|sight| is_drawing(sight.text));
        if next_to_drawing {
            return;
        }
        let mut way = std::mem::take(&mut self.scratch);
        way.clear();
        self.shortest(x, y, &mut way);
        if !self.reprint(x, y, row, way.len(), out) {
            out.extend_from_slice(&way);
        }
        self.scratch = way;
        self.at(x, y);
    }

    /// Writes the cells between the cursor and `x` once more when that takes no more bytes than moving.
    fn reprint(&self, x: u16, y: u16, row: &[Sight<'_>], most: usize, out: &mut Vec<u8>) -> bool {
        let (Some(from), true) = (self.column, self.row == Some(y)) else { return false };
        if from >= x || usize::from(x - from) > most {
            return false;
        }
        let Some(gap) = row.get(usize::from(from)..usize::from(x)) else { return false };
        let same = |sight: &Sight<'_>| {
            matches!(sight.text.as_bytes(), [0x20..=0x7e])
                && (sight.look == self.look || (sight.text == " " && self.writes_blank(sight.look)))
        };
        if !gap.iter().all(same) {
            return false;
        }
        for sight in gap {
            out.extend(sight.text.as_bytes());
        }
        true
    }

    fn shortest(&self, x: u16, y: u16, way: &mut Vec<u8>) {
        address(x, y, way);
        let Some(row) = self.row else { return };
        let mut other = Vec::with_capacity(16);
        let mut consider = |other: &mut Vec<u8>| {
            if other.len() < way.len() {
                std::mem::swap(way, other);
            }
            other.clear();
        };
        if row == y {
            // An absolute column holds even where ours is in doubt.
            sequence(&mut other, x + 1, 'G');
            consider(&mut other);
            if let Some(column) = self.column.filter(|column| *column < x) {
                sequence(&mut other, x - column, 'C');
                consider(&mut other);
            }
            other.push(b'\r');
            if x > 0 {
                sequence(&mut other, x, 'C');
            }
            consider(&mut other);
        } else if y > row && y - row <= 4 {
            other.push(b'\r');
            other.extend(std::iter::repeat_n(b'\n', usize::from(y - row)));
            if x > 0 {
                sequence(&mut other, x, 'C');
            }
            consider(&mut other);
            if let Some(column) = self.column.filter(|column| *column <= x) {
                other.extend(std::iter::repeat_n(b'\n', usize::from(y - row)));
                if x > column {
                    sequence(&mut other, x - column, 'C');
                }
                consider(&mut other);
            }
        }
    }

    pub fn write(&mut self, sight: &Sight<'_>, width: usize, out: &mut Vec<u8>) {
        if !(sight.text == " " && self.writes_blank(sight.look)) {
            self.wear(sight.look, out);
        }
        out.extend(sight.text.as_bytes());
        let (Some(row), Some(column)) = (self.row, self.column.or(self.drawn.map(|d| d.0))) else {
            return;
        };
        let after = column + sight.width;
        let at_edge = usize::from(after) >= width;
        let plain = matches!(sight.text.as_bytes(), [0x20..=0x7e]);
        self.column = (plain && !at_edge).then_some(after);
        self.drawn = (is_drawing(sight.text) && !at_edge).then_some((after, row));
    }

    /// True when a blank of that look needs no change of attributes.
    fn writes_blank(&self, look: Look) -> bool {
        look.bg == self.look.bg
            && look.modifier.is_empty()
            && !self.look.modifier.intersects(super::SEEN_ON_BLANKS)
    }

    /// Erases from the cursor with the default background, as not every terminal erases with another.
    pub fn erase_line_end(&mut self, out: &mut Vec<u8>) {
        if !self.writes_blank(Look::default()) {
            self.wear(Look::default(), out);
        }
        out.extend(b"\x1b[K");
    }

    /// Moves the rows `top..=bottom` by `by` lines, up when positive; the lines that appear are blank.
    ///
    /// By deleting and inserting lines: a scroll region with SU and SD is the same, but the Linux console has no SU.
    pub fn scroll(&mut self, top: u16, bottom: u16, by: i32, out: &mut Vec<u8>) {
        if !self.writes_blank(Look::default()) {
            self.wear(Look::default(), out);
        }
        let _ = write!(out, "\x1b[{};{}r", top + 1, bottom + 1);
        if top > 0 {
            address(0, top, out);
        }
        sequence(out, by.unsigned_abs() as u16, if by > 0 { 'M' } else { 'L' });
        out.extend(b"\x1b[r");
        // Setting the margins puts the cursor home.
        self.at(0, 0);
    }

    /// Changes the attributes, from scratch or step by step, whichever is shorter.
    fn wear(&mut self, look: Look, out: &mut Vec<u8>) {
        if look == self.look {
            return;
        }
        let mut anew = Vec::with_capacity(32);
        put(&mut anew, b"0");
        changes(Look::default(), look, &mut anew);
        if look == Look::default() {
            anew.clear();
        }
        let mut steps = Vec::with_capacity(32);
        changes(self.look, look, &mut steps);
        let shorter = if steps.len() < anew.len() { steps } else { anew };
        out.extend(b"\x1b[");
        out.extend(shorter);
        out.push(b'm');
        self.look = look;
    }
}

/// Lines, blocks and dots: one column wide in every terminal's tables, and long runs of them in every chart.
fn is_drawing(text: &str) -> bool {
    let mut chars = text.chars();
    matches!(chars.next(), Some('\u{2500}'..='\u{259F}' | '\u{2800}'..='\u{28FF}'))
        && chars.next().is_none()
}

fn address(x: u16, y: u16, out: &mut Vec<u8>) {
    let _ = match (x, y) {
        (0, 0) => out.write_all(b"\x1b[H"),
        (0, _) => write!(out, "\x1b[{}H", y + 1),
        (_, 0) => write!(out, "\x1b[;{}H", x + 1),
        _ => write!(out, "\x1b[{};{}H", y + 1, x + 1),
    };
}

fn sequence(out: &mut Vec<u8>, count: u16, end: char) {
    let _ = if count == 1 { write!(out, "\x1b[{end}") } else { write!(out, "\x1b[{count}{end}") };
}

const MODIFIERS: [(Modifier, &[u8], &[u8]); 7] = [
    (Modifier::BOLD, b"1", b"22"),
    (Modifier::DIM, b"2", b"22"),
    (Modifier::ITALIC, b"3", b"23"),
    (Modifier::UNDERLINED, b"4", b"24"),
    (Modifier::REVERSED, b"7", b"27"),
    (Modifier::HIDDEN, b"8", b"28"),
    (Modifier::CROSSED_OUT, b"9", b"29"),
];
const WEIGHT: Modifier = Modifier::BOLD.union(Modifier::DIM);

/// SGR parameters that lead from one look to another.
fn changes(from: Look, to: Look, out: &mut Vec<u8>) {
    let mut now = from.modifier;
    let gone = now - to.modifier;
    for (modifier, _, off) in MODIFIERS {
        if gone.contains(modifier) && now.contains(modifier) {
            put(out, off);
            // One word takes away bold and dim together.
            now -= if WEIGHT.contains(modifier) { WEIGHT } else { modifier };
        }
    }
    for (modifier, on, _) in MODIFIERS {
        if to.modifier.contains(modifier) && !now.contains(modifier) {
            put(out, on);
        }
    }
    if from.fg != to.fg {
        hue(out, to.fg, 30);
    }
    if from.bg != to.bg {
        hue(out, to.bg, 40);
    }
}

fn put(out: &mut Vec<u8>, parameter: &[u8]) {
    if !out.is_empty() {
        out.push(b';');
    }
    out.extend(parameter);
}

/// `base` is 30 for the foreground, 40 for the background.
fn hue(out: &mut Vec<u8>, hue: Hue, base: u8) {
    if !out.is_empty() {
        out.push(b';');
    }
    let _ = match hue {
        Hue::Default => write!(out, "{}", base + 9),
        Hue::Index(index @ 0..=7) => write!(out, "{}", base + index),
        Hue::Index(index @ 8..=15) => write!(out, "{}", base + 60 + index - 8),
        Hue::Index(index) => write!(out, "{};5;{index}", base + 8),
        Hue::Rgb(r, g, b) => write!(out, "{};2;{r};{g};{b}", base + 8),
    };
}
