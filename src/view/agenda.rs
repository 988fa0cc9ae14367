//! Dated lines under their days; the selected one is always in sight.

use ratatui::style::Style;

use super::canvas::{Canvas, Spot};
use super::small;
use crate::page::{Agenda, AgendaEntry, Tone};

enum Item<'a> {
    Day(&'a AgendaEntry),
    Entry(&'a AgendaEntry),
}

pub fn paint(canvas: &mut Canvas<'_>, agenda: &Agenda, spot: Spot) {
    if agenda.entries.is_empty() {
        if let Some(empty) = &agenda.empty {
            small::empty(canvas, empty, spot);
        }
        return;
    }
    let mut items = Vec::with_capacity(agenda.entries.len() * 2);
    let mut day = None;
    let mut selected = 0;
    for entry in &agenda.entries {
        if day != Some(&entry.day) {
            items.push(Item::Day(entry));
            day = Some(&entry.day);
        }
        if entry.selected {
            selected = items.len();
        }
        items.push(Item::Entry(entry));
    }
    let room = usize::from(spot.height);
    let first = (selected + 1).saturating_sub(room);
    let times = agenda.entries.iter().map(|e| e.time.width()).max().unwrap_or(0);
    let times = times.min(usize::from(spot.width / 3)) as u16;
    for (n, item) in items.iter().skip(first).enumerate() {
        let Some(y) = spot.line(n) else { break };
        match item {
            Item::Day(entry) => {
                let style = canvas.style(Tone::Title);
                canvas.text(spot.x + 1, y, spot.width.saturating_sub(1), entry.day.as_str(), style);
            }
            Item::Entry(entry) => {
                let line = spot.beside(3);
                let dim = canvas.style(Tone::Dim);
                canvas.right(line.x, y, times.min(line.width), entry.time.as_str(), dim);
                let text = line.beside(times + 2);
                canvas.line(text.x, y, text.width, &entry.line, Style::new());
                if entry.selected {
                    let bar = Spot { y, height: 1, ..spot };
                    canvas.tint(bar, canvas.theme.selection());
                    canvas.text(
                        spot.x,
                        y,
                        1,
                        canvas.theme.glyphs.selected,
                        canvas.style(Tone::Accent),
                    );
                }
            }
        }
    }
}
