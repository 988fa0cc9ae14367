//! A popup: a quiet frame in the middle, as large as it needs to be.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::{Canvas, Spot};
use super::{small, table};
use crate::page::{Frame, Noun, Over, Tone};

pub fn paint(canvas: &mut Canvas<'_>, frame: &Frame, over: &Over) {
    let size = frame.size;
    let (wide, tall) = match &over.noun {
        Noun::Table(t) => (96, t.shown.max(4) + 3),
        Noun::Prose(p) => (72, p.total.max(p.lines.len()) + 2),
        Noun::Empty(e) => (56, e.advice.len() + 6),
        _ => (72, 16),
    };
    let margin = if size.width >= 80 { 6 } else { 0 };
    let width = size.width.saturating_sub(margin).min(wide);
    let height = (size.height.saturating_sub(2)).min(u16::try_from(tall).unwrap_or(u16::MAX));
    let x = (size.width - width) / 2;
    let y = size.height.saturating_sub(height) / 2;
    let spot = Spot { x, y: i32::from(y), width, height };
    if width < 4 || height < 3 {
        return;
    }
    canvas.blank(spot, canvas.theme.popup());
    border(canvas, spot);
    let inner = width - 4;
    let title = canvas.style(Tone::Title);
    canvas.text(x + 2, spot.y, inner, &format!(" {} ", over.title), title);
    let last = spot.y + i32::from(height) - 1;
    let used = over.foot.width().min(usize::from(inner.saturating_sub(2))) as u16;
    canvas.text(x + 2, last, 1, " ", Style::new());
    canvas.line(x + 3, last, used, &over.foot, Style::new());
    canvas.text(x + 3 + used, last, 1, " ", Style::new());
    let body = Spot { x: x + 2, y: spot.y + 1, width: inner, height: height - 2 };
    canvas.clip(Rect { x: body.x, y: y + 1, width: body.width, height: body.height });
    match &over.noun {
        Noun::Table(t) => table::paint(canvas, frame, t, body),
        Noun::Prose(p) => super::prose::paint(canvas, p, body),
        Noun::Empty(e) => small::empty(canvas, e, body),
        Noun::Card(c) => small::card(canvas, c, body),
        _ => {}
    }
    canvas.clip(Rect { x: 0, y: 0, width: size.width, height: size.height });
}

fn border(canvas: &mut Canvas<'_>, spot: Spot) {
    let style = canvas.style(Tone::Dim);
    let glyphs = canvas.theme.glyphs;
    let last = spot.y + i32::from(spot.height) - 1;
    let right = spot.x + spot.width - 1;
    for y in [spot.y, last] {
        canvas.run(spot.x + 1, y, spot.width - 2, glyphs.rule, style);
    }
    for n in 1..spot.height - 1 {
        for x in [spot.x, right] {
            canvas.text(x, spot.y + i32::from(n), 1, glyphs.upright, style);
        }
    }
    let [top_left, top_right, bottom_left, bottom_right] = glyphs.corners;
    for (x, y, glyph) in [
        (spot.x, spot.y, top_left),
        (right, spot.y, top_right),
        (spot.x, last, bottom_left),
        (right, last, bottom_right),
    ] {
        canvas.text(x, y, 1, glyph, style);
    }
}
