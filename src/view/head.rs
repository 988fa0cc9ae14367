//! The top of the screen: the verdict that answers everything in one line, the tabs, and a rule with the crumb.

use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::canvas::Canvas;
use crate::page::{Layout, Line, Screen, Tone};

pub fn paint(canvas: &mut Canvas<'_>, screen: &Screen) {
    verdict(canvas, screen);
    let rows = screen.frame.above;
    if rows >= 2 {
        tabs(canvas, screen);
    }
    if rows >= 3 {
        rule(canvas, screen);
    }
}

fn verdict(canvas: &mut Canvas<'_>, screen: &Screen) {
    let head = &screen.head;
    let width = screen.frame.size.width;
    let mut x = u16::from(screen.frame.layout > Layout::Tiny);
    if let Some(alarm) = &head.alarm {
        let style = canvas.style(Tone::Down).add_modifier(Modifier::BOLD | Modifier::REVERSED);
        x += canvas.text(x, 0, width.saturating_sub(x), &format!(" {alarm} "), style) + 1;
    }
    let least = if head.alarm.is_some() { 100 } else { 60 };
    if let Some(banner) = head.banner.as_ref().filter(|_| width >= least) {
        let style = canvas.theme.banner();
        x += canvas.text(x, 0, width - x, &format!(" {banner} "), style) + 1;
    }
    let glyph = canvas.theme.glyphs.health(head.health);
    let style = canvas.style(Tone::from(head.health)).add_modifier(Modifier::BOLD);
    x += canvas.text(x, 0, width.saturating_sub(x), glyph, style) + 1;
    // The verdict may take what it needs, but what stands beside it keeps room for its most important mark.
    let room = usize::from(width.saturating_sub(x));
    // The space at the end of the line is taken off the verdict's room below.
    let said = head.verdict.width() + usize::from(x > 2);
    let mut beside: Vec<&Line> = Vec::new();
    let mut taken = 0;
    for (i, part) in head.marks.iter().chain([&head.clock]).enumerate() {
        let wide = part.width() + 2;
        let urgent = i == 0 && part.0.first().is_some_and(|s| s.tone == Tone::Stale);
        let left = room.saturating_sub(taken + wide);
        if left >= said || (urgent && left >= 8) {
            beside.push(part);
            taken += wide;
        }
    }
    let mut at = width.saturating_sub(taken as u16 + u16::from(x > 2));
    let room = at.saturating_sub(x);
    canvas.line(x, 0, room, &whole(&head.verdict, usize::from(room)), Style::new());
    for part in beside {
        at += 2;
        at += canvas.line(at, 0, width.saturating_sub(at), part, Style::new());
    }
}

/// A line without the parts at its end that have no room: half a count says nothing. What is missing is said by
/// an ellipsis, unless it was of the quiet kind.
fn whole(line: &Line, room: usize) -> Line {
    let mut whole = line.clone();
    let mut missing = 0;
    // The worst count and its names stay, and are cut when even they have no room.
    while whole.width() + missing > room && whole.0.len() > 2 {
        let gone = whole.0.pop();
        if gone.is_some_and(|part| part.tone != Tone::Dim) {
            missing = 2;
        }
        if whole.0.len() > 2 && whole.0.last().is_some_and(|part| part.text.as_str() == " · ") {
            whole.0.pop();
        }
    }
    // Names that are more than are said end with one already.
    let said = whole.0.last().is_some_and(|part| part.text.as_str().ends_with('…'));
    if missing > 0 && !said { whole.and(" …", Tone::Dim) } else { whole }
}

fn tabs(canvas: &mut Canvas<'_>, screen: &Screen) {
    let (labels, spans) = screen.tab_spans();
    let mut end = 0;
    for (i, x, width) in spans {
        let Some(tab) = screen.tabs.get(i) else { continue };
        let text = tab.text(labels);
        let style = if tab.here {
            Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
        } else {
            canvas.style(Tone::Plain)
        };
        canvas.run(x, 1, width, " ", style);
        canvas.text(x + 1, 1, width.saturating_sub(2), &text, style);
        if !tab.here {
            let number = tab.number.to_string().width() as u16;
            canvas.tint(at(x + 1, 1, number), canvas.style(Tone::Dim));
            if tab.badge > 0 {
                let from = text
                    .rfind(' ')
                    .map_or(0, |b| text.get(..b).map_or(0, UnicodeWidthStr::width) + 1);
                let style = canvas.style(Tone::Degraded).add_modifier(Modifier::BOLD);
                let from = from as u16;
                canvas.tint(at(x + 1 + from, 1, width.saturating_sub(from + 2)), style);
            }
        }
        end = x + width;
    }
    if screen.frame.above == 2 {
        let left = screen.frame.size.width.saturating_sub(end + 2);
        canvas.line_right(end + 1, 1, left, &screen.crumb, Style::new());
    }
}

fn at(x: u16, y: i32, width: u16) -> super::Spot {
    super::Spot { x, y, width, height: 1 }
}

fn rule(canvas: &mut Canvas<'_>, screen: &Screen) {
    let width = screen.frame.size.width;
    let style = canvas.style(Tone::Dim);
    canvas.run(0, 2, width, canvas.theme.glyphs.rule, style);
    if !screen.crumb.0.is_empty() {
        canvas.text(2, 2, 1, " ", style);
        let room = width.saturating_sub(6);
        let used = canvas.line(3, 2, room, &screen.crumb, Style::new());
        canvas.text(3 + used, 2, 1, " ", style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_shown_whole_or_not_at_all() {
        let line = Line::of("1 down", Tone::Down)
            .and(": checkout", Tone::Plain)
            .dot()
            .and("2 incidents", Tone::Strong)
            .dot()
            .and("1 downstream", Tone::Dim);
        for (room, said) in [
            (46, "1 down: checkout · 2 incidents · 1 downstream"),
            (40, "1 down: checkout · 2 incidents"),
            (25, "1 down: checkout …"),
            (10, "1 down: checkout …"),
        ] {
            assert_eq!(whole(&line, room).text(), said, "{room}");
        }
    }
}
