//! How a page looks in a terminal: every noun has its painter, and all of them write through one clipping canvas.

mod agenda;
mod axis;
mod big;
mod calendar;
mod canvas;
mod chart;
pub mod depth;
pub mod encode;
mod foot;
mod head;
mod over;
mod prose;
mod small;
mod spark;
mod table;
#[cfg(test)]
mod tests;
mod theme;
mod wall;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::page::{Block, Frame, Layout, Noun, Screen, Tone, room};

use canvas::{Canvas, Spot, lines};
pub use depth::Depth;
pub use theme::{Glyphs, Theme};

/// Paints the whole screen into `buffer`, whatever its size; cells are overwritten, none is read.
pub fn paint(screen: &Screen, theme: &Theme, buffer: &mut Buffer) {
    let area = buffer.area;
    buffer.reset();
    buffer.set_style(area, theme.base());
    let frame = &screen.frame;
    let mut canvas = Canvas::new(buffer, theme);
    match &screen.wall {
        Some(wall) => wall::paint(&mut canvas, frame, wall, &screen.foot),
        None => head::paint(&mut canvas, screen),
    }
    if frame.layout > Layout::OneLine {
        if screen.wall.is_none() {
            body(&mut canvas, screen);
            foot::paint(&mut canvas, screen);
        }
        if let Some(popup) = &screen.over {
            over::paint(&mut canvas, frame, popup);
        }
    }
    if theme.glyphs.ascii {
        canvas.make_ascii();
    }
}

fn body(canvas: &mut Canvas<'_>, screen: &Screen) {
    let frame = &screen.frame;
    let height = frame.body_height();
    canvas.clip(Rect { x: 0, y: frame.above, width: frame.size.width, height });
    let plan = room::plan(frame, &screen.blocks);
    let top = i32::from(frame.above) - lines(screen.scroll);
    for (block, area) in screen.blocks.iter().zip(&plan.areas) {
        let Some(area) = area else { continue };
        let y = top + i32::from(area.y);
        if y >= i32::from(frame.above + height) || y + i32::from(area.height) < 0 {
            continue;
        }
        let spot = Spot { x: area.x, y, width: area.width, height: area.height };
        self::block(canvas, screen, block, spot);
    }
    let tall = usize::from(plan.tall);
    if tall > usize::from(height) {
        let bar = Spot {
            x: frame.size.width.saturating_sub(1),
            y: i32::from(frame.above),
            width: 1,
            height,
        };
        scrollbar(canvas, bar, screen.scroll, usize::from(height), tall);
    }
    canvas.clip(Rect { x: 0, y: 0, width: frame.size.width, height: frame.size.height });
}

fn block(canvas: &mut Canvas<'_>, screen: &Screen, block: &Block, spot: Spot) {
    let mut spot = spot;
    if !block.title.is_empty() {
        title(canvas, spot, block);
        spot = spot.below(1);
    }
    noun(canvas, &screen.frame, screen, &block.noun, spot);
}

fn noun(canvas: &mut Canvas<'_>, frame: &Frame, screen: &Screen, noun: &Noun, spot: Spot) {
    if spot.width == 0 || spot.height == 0 {
        return;
    }
    // Nothing touches the right edge; lists and texts keep their scrollbar there.
    let inner = spot.narrower(1);
    match noun {
        Noun::Table(table) => table::paint(canvas, frame, table, spot),
        Noun::Chart(chart) => chart::paint(canvas, chart, &screen.zone, inner),
        Noun::Calendar(month) => calendar::paint(canvas, month, spot),
        Noun::Agenda(list) => agenda::paint(canvas, list, inner),
        Noun::Card(card) => small::card(canvas, card, inner),
        Noun::Gauge(gauge) => small::gauge(canvas, gauge, inner),
        Noun::Prose(text) => prose::paint(canvas, text, spot),
        Noun::Empty(empty) => small::empty(canvas, empty, spot),
    }
}

/// A heading and a thin rule behind it.
fn title(canvas: &mut Canvas<'_>, spot: Spot, block: &Block) {
    let style = canvas.style(Tone::Title);
    let room = spot.width.saturating_sub(2);
    let used = canvas.text(spot.x + 1, spot.y, room, block.title.as_str(), style);
    let from = used + 2;
    let end = spot.width.saturating_sub(1);
    let rule = canvas.style(Tone::Dim);
    canvas.run(spot.x + from, spot.y, end.saturating_sub(from), canvas.theme.glyphs.rule, rule);
}

/// Where in a long thing one is: a thumb on the right edge, only when something is out of sight.
fn scrollbar(canvas: &mut Canvas<'_>, bar: Spot, first: usize, seen: usize, total: usize) {
    let height = usize::from(bar.height);
    if total <= seen || height == 0 {
        return;
    }
    let thumb = (height * seen / total).clamp(1, height);
    let most = total - seen;
    let at = (height - thumb) * first.min(most) / most;
    let style = canvas.style(Tone::Dim);
    for n in 0..height {
        let on = (at..at + thumb).contains(&n);
        let glyph = if on { canvas.theme.glyphs.thumb } else { canvas.theme.glyphs.upright };
        canvas.run(bar.x, bar.y + lines(n), 1, glyph, style);
    }
}

/// A buffer as plain lines, for files, pipes and looking.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::with_capacity(usize::from(area.width) * usize::from(area.height) * 2);
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol());
            }
            skip = skip.saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
