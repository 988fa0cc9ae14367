//! The small nouns: a card of labelled facts, a gauge, and the kind word where there is nothing.

use ratatui::style::Style;

use super::canvas::{Canvas, Spot};
use crate::page::card::label_columns;
use crate::page::{Card, Empty, Gauge, Tone};

pub fn card(canvas: &mut Canvas<'_>, card: &Card, spot: Spot) {
    let spot = spot.beside(1);
    let labels = label_columns(card, spot.width);
    let dim = canvas.style(Tone::Dim);
    for (n, (label, line)) in card.pairs.iter().enumerate() {
        let Some(y) = spot.line(n) else { break };
        canvas.text(spot.x, y, labels, label.as_str(), dim);
        let value = spot.beside(labels + 2);
        canvas.line(value.x, y, value.width, line, Style::new());
    }
}

/// Columns of the bar, at most.
const BAR: u16 = 32;

pub fn gauge(canvas: &mut Canvas<'_>, gauge: &Gauge, spot: Spot) {
    let spot = spot.beside(1);
    let bar = (spot.width / 3).min(BAR);
    let ratio = if gauge.ratio.is_finite() { gauge.ratio.clamp(0.0, 1.0) } else { 0.0 };
    let mut filled = (f64::from(bar) * ratio).round() as u16;
    // Something left never looks like nothing, and nearly full never like full.
    if ratio > 0.0 && filled == 0 {
        filled = 1.min(bar);
    }
    if ratio < 1.0 && filled == bar {
        filled = bar.saturating_sub(1);
    }
    let glyphs = canvas.theme.glyphs;
    canvas.run(spot.x, spot.y, filled, glyphs.filled, canvas.style(gauge.tone));
    let rest = bar.saturating_sub(filled);
    canvas.run(spot.x + filled, spot.y, rest, glyphs.hollow, canvas.style(Tone::Dim));
    let text = spot.beside(bar + 2);
    canvas.line(text.x, spot.y, text.width, &gauge.text, Style::new());
}

pub fn empty(canvas: &mut Canvas<'_>, empty: &Empty, spot: Spot) {
    let lines = empty.advice.len() as u16 + 2;
    let top = spot.height.saturating_sub(lines) / 3;
    let spot = spot.below(top);
    let middle = |wide: usize| {
        let wide = wide.min(usize::from(spot.width)) as u16;
        (spot.x + (spot.width - wide) / 2, wide)
    };
    let (x, wide) = middle(empty.title.width());
    let strong = canvas.style(Tone::Strong);
    canvas.text(x, spot.y, wide, empty.title.as_str(), strong);
    let gap = usize::from(spot.height > lines);
    for (n, line) in empty.advice.iter().enumerate() {
        let Some(y) = spot.line(n + 1 + gap) else { break };
        let (x, wide) = middle(line.width());
        canvas.line(x, y, wide, line, canvas.style(Tone::Plain));
    }
}
