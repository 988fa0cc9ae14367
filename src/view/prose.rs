//! Text to read, with a thumb that shows how far one is.

use ratatui::style::Style;

use super::canvas::{Canvas, Spot};
use crate::page::Prose;

pub fn paint(canvas: &mut Canvas<'_>, prose: &Prose, spot: Spot) {
    let total = prose.total.max(prose.lines.len());
    let seen = usize::from(spot.height);
    let more = total > seen;
    let text = spot.beside(1).narrower(if more { 2 } else { 1 });
    // A page may hand over the whole text, or only the part from `first` on.
    let skip = if prose.lines.len() == total { prose.first } else { 0 };
    for (n, line) in prose.lines.iter().skip(skip).enumerate() {
        let Some(y) = text.line(n) else { break };
        canvas.line(text.x, y, text.width, line, Style::new());
    }
    if more {
        let bar = Spot { x: spot.x + spot.width.saturating_sub(1), width: 1, ..spot };
        super::scrollbar(canvas, bar, prose.first, seen, total);
    }
}
