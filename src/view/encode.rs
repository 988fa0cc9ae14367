//! Two screens in, the fewest bytes that turn one into the other out.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::depth::{Depth, Hue};

mod pen;
mod scroll;

use pen::{Look, Pen};

/// Blank cells at the end of a line from which erasing is shorter than writing spaces.
const ERASE_FROM: usize = 4;
/// A cell holds at most this much text: more is an attack on the terminal, not a letter.
const SYMBOL_CAP: usize = 64;

/// Knows what the terminal shows, and how to change it.
#[derive(Debug)]
pub struct Encoder {
    pen: Pen,
    /// What the terminal shows; `None` until the first frame.
    shown: Option<Buffer>,
    /// Cells replaced because they would have acted on the terminal. Stays 0: nothing but `Clean` is painted.
    replaced: usize,
}

/// A cell as it appears: what is drawn, how, and over how many columns.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sight<'a> {
    /// Empty for the columns a wide character covers after its first.
    text: &'a str,
    look: Look,
    width: u16,
}

impl Encoder {
    pub fn new(depth: Depth) -> Self {
        Self { pen: Pen::new(depth), shown: None, replaced: 0 }
    }

    /// The next frame starts from a cleared screen.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    pub fn replaced(&self) -> usize {
        self.replaced
    }

    /// Appends to `out` what makes the terminal show `next`: nothing at all when it does already.
    ///
    /// The terminal must not wrap (DECAWM off), as a character wider than believed would shift the lines below.
    pub fn frame(&mut self, next: &Buffer, out: &mut Vec<u8>) {
        let fits = self.shown.as_ref().is_some_and(|shown| shown.area == next.area);
        let mut shown = match self.shown.take() {
            Some(shown) if fits => shown,
            _ => {
                self.pen.clear_screen(out);
                Buffer::empty(next.area)
            }
        };
        let width = usize::from(next.area.width);
        if width > 0 {
            scroll::scroll(&mut shown, next, &mut self.pen, out);
            let rows = shown.content.chunks_mut(width).zip(next.content.chunks(width));
            for (y, (before, after)) in rows.enumerate() {
                if before != after {
                    self.row(y as u16, before, after, out);
                    before.clone_from_slice(after);
                }
            }
        }
        self.shown = Some(shown);
    }

    fn row(&mut self, y: u16, before: &[Cell], after: &[Cell], out: &mut Vec<u8>) {
        let depth = self.pen.depth();
        let was = sights(before, depth, &mut 0);
        let is = sights(after, depth, &mut self.replaced);
        let differs = |x: usize| was.get(x) != is.get(x);
        let words = is
            .iter()
            .rposition(|sight| !sight.is_blank())
            .map_or(0, |x| x + is.get(x).map_or(1, |sight| usize::from(sight.width.max(1))));
        let in_tail = (words..is.len()).filter(|x| differs(*x)).count();
        let erases = in_tail >= ERASE_FROM;
        let until = if erases { words } else { is.len() };
        let mut x = 0;
        while x < until {
            let Some(sight) = is.get(x) else { break };
            let step = usize::from(sight.width.max(1));
            if (x..x + step).any(&differs) && sight.width > 0 {
                self.pen.reach(x as u16, y, &is, out);
                self.pen.write(sight, is.len(), out);
            }
            x += step;
        }
        if erases && let Some(from) = (words..is.len()).find(|x| differs(*x)) {
            self.pen.reach(from as u16, y, &is, out);
            self.pen.erase_line_end(out);
        }
    }
}

impl Sight<'_> {
    /// True when erasing would show the same.
    fn is_blank(&self) -> bool {
        self.text == " " && self.look == Look::default()
    }
}

/// How a row appears. Wide characters cover their neighbours; what cannot be shown becomes `U+FFFD` or a blank.
fn sights<'a>(row: &'a [Cell], depth: Depth, replaced: &mut usize) -> Vec<Sight<'a>> {
    let mut all = Vec::with_capacity(row.len());
    let mut covered = None;
    for (x, cell) in row.iter().enumerate() {
        if let Some((left, look)) = covered.take() {
            if left > 1 {
                covered = Some((left - 1, look));
            }
            all.push(Sight { text: "", look, width: 0 });
            continue;
        }
        let (mut text, mut width) = safe(cell.symbol(), replaced);
        if usize::from(width) > row.len() - x {
            (text, width) = (" ", 1);
        }
        let look = Look::of(cell, depth, text == " ");
        if width > 1 {
            covered = Some((width - 1, look));
        }
        all.push(Sight { text, look, width });
    }
    all
}

/// The last line of defence: nothing that acts on a terminal leaves, whatever a cell holds.
fn safe<'a>(symbol: &'a str, replaced: &mut usize) -> (&'a str, u16) {
    match symbol.as_bytes() {
        [0x20..=0x7e] => return (symbol, 1),
        [] => return (" ", 1),
        _ => {}
    }
    let width = symbol.width();
    let hostile =
        symbol.len() > SYMBOL_CAP || !(1..=2).contains(&width) || symbol.chars().any(acts);
    if hostile {
        *replaced += 1;
        return ("\u{FFFD}", 1);
    }
    (symbol, width as u16)
}

/// Controls, and the marks that reorder a line.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Modifiers that are visible on a blank.
const SEEN_ON_BLANKS: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

impl Look {
    /// How a cell looks at this depth. A blank shows neither its colour nor its weight, so these do not count;
    /// nothing blinks, and underlines have the colour of their text.
    fn of(cell: &Cell, depth: Depth, blank: bool) -> Self {
        let bg = depth.show(cell.bg);
        let mut modifier = cell.modifier - (Modifier::SLOW_BLINK | Modifier::RAPID_BLINK);
        if modifier.contains(Modifier::BOLD) {
            // Terminals disagree about both at once.
            modifier -= Modifier::DIM;
        }
        if blank {
            modifier &= SEEN_ON_BLANKS;
        }
        let fg_seen = !blank || !modifier.is_empty();
        Self { fg: if fg_seen { depth.show(cell.fg) } else { Hue::Default }, bg, modifier }
    }
}

#[cfg(test)]
mod tests;
