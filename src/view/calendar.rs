//! A month: seven quiet columns, bands as letters and tints behind the days, as many entries as fit and the rest counted.

use ratatui::style::{Modifier, Style};

use super::canvas::{Canvas, Spot, lines};
use crate::page::{Band, Calendar, Day, Tone, room};

pub fn paint(canvas: &mut Canvas<'_>, month: &Calendar, spot: Spot) {
    let spot = spot.beside(1);
    let columns = room::day_columns(spot.width);
    let title = canvas.style(Tone::Title);
    canvas.text(spot.x, spot.y, spot.width, month.title.as_str(), title);
    legend(canvas, month, spot);
    let dim = canvas.style(Tone::Dim);
    for ((x, width), name) in columns.iter().zip(&month.weekdays) {
        if let Some(y) = spot.line(1) {
            canvas.text(spot.x + x, y, width.saturating_sub(1), name.as_str(), dim);
        }
    }
    let lines = room::week_lines(spot.height, month.weeks.len());
    for ((top, height), week) in lines.iter().zip(&month.weeks) {
        for ((x, width), day) in columns.iter().zip(week) {
            let cell = Spot {
                x: spot.x + x,
                y: spot.y + i32::from(*top),
                width: width.saturating_sub(1),
                height: *height,
            };
            self::day(canvas, day, cell);
        }
    }
}

/// What the letters mean, to the right of the title; where room is short, those in sight come first.
fn legend(canvas: &mut Canvas<'_>, month: &Calendar, spot: Spot) {
    let days = || month.weeks.iter().flatten();
    let in_sight = |band: &&Band| days().any(|day| day.bands.contains(band));
    let (here, elsewhere): (Vec<&Band>, Vec<&Band>) = month.legend.iter().partition(in_sight);
    let mut x = spot.x + month.title.width() as u16 + 3;
    let end = spot.x + spot.width;
    for band in here.into_iter().chain(elsewhere) {
        let wide = band.name.width() as u16 + 4;
        if x + wide > end {
            break;
        }
        let style = canvas.style(band.tone).add_modifier(Modifier::BOLD);
        x += canvas.text(x, spot.y, 1, band.letter.encode_utf8(&mut [0; 4]), style) + 1;
        let dim = canvas.style(Tone::Dim);
        x += canvas.text(x, spot.y, end.saturating_sub(x), band.name.as_str(), dim) + 2;
    }
}

fn day(canvas: &mut Canvas<'_>, day: &Day, cell: Spot) {
    if cell.height == 0 || cell.width == 0 {
        return;
    }
    let faint = !day.inside;
    let mut style = if faint { canvas.style(Tone::Dim) } else { Style::new() };
    if day.today {
        style = style
            .patch(canvas.style(Tone::Accent))
            .add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    }
    let number = format!("{:>2}", day.date.day());
    let mut x = cell.x + canvas.text(cell.x, cell.y, cell.width, &number, style);
    let end = cell.x + cell.width;
    x += 1;
    for band in &day.bands {
        let style = canvas.style(if faint { Tone::Dim } else { band.tone });
        let letter = band.letter;
        let room = end.saturating_sub(x);
        x += canvas.text(x, cell.y, room, letter.encode_utf8(&mut [0; 4]), style);
    }
    let room = usize::from(cell.height.saturating_sub(1));
    let shown = day.entries.len().min(room);
    let base = if faint { canvas.style(Tone::Dim) } else { Style::new() };
    let more = match day.entries.len() - shown {
        0 => String::new(),
        n => format!("+{n}"),
    };
    for (n, entry) in day.entries.iter().take(shown).enumerate() {
        let Some(y) = cell.line(n + 1) else { break };
        // The count of what has no line stands at the end of the last one.
        let kept = if n + 1 == shown && !more.is_empty() { more.len() as u16 + 1 } else { 0 };
        canvas.line(cell.x, y, cell.width.saturating_sub(kept), entry, base);
    }
    if !more.is_empty() {
        let y = cell.y + lines(shown);
        let style = canvas.style(Tone::Accent);
        canvas.right(cell.x, y, cell.width, &more, style);
    }
    if day.selected {
        let bar = Spot { height: 1, ..cell };
        canvas.tint(bar, canvas.theme.selection());
    }
}
