//! Numbers over time: one filled band a series on a shared axis, gaps as gaps, events as dotted uprights, a cursor through all of them.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr as _;

use super::axis::{self, column};
use super::canvas::{Canvas, Spot, lines};
use super::spark;
use crate::page::room::{CHART_LABELLED, CHART_LABELS};
use crate::page::{Chart, Cursor, Limit, Series, Tone};

pub fn paint(canvas: &mut Canvas<'_>, chart: &Chart, zone: &TimeZone, spot: Spot) {
    let spot = spot.beside(1);
    let axis = u16::from(spot.height >= 4);
    let labels = if spot.width >= CHART_LABELLED { CHART_LABELS } else { 0 };
    let n = chart.series.len().max(1) as u16;
    // Curves come first: of what happened there is as much as they leave, and a line of it in any case.
    let spare = spot.height.saturating_sub(axis + 2 * n).max(u16::from(spot.height >= 5));
    let lanes = axis::lanes(chart, spare);
    let bands = spot.top(spot.height.saturating_sub(axis + lanes.len() as u16));
    // A band needs its name and a line; what has no room is left out rather than squeezed to nothing.
    let fits = (bands.height / 2).clamp(1, n);
    let plot =
        |y: i32, height: u16| Spot { x: spot.x, y, width: spot.width, height }.beside(labels);
    let left = |y: i32| Spot { x: spot.x, y, width: labels, height: 1 };
    let mut y = bands.y;
    for (i, series) in chart.series.iter().take(usize::from(fits)).enumerate() {
        let at = |k: u16| (u32::from(bands.height) * u32::from(k) / u32::from(fits)) as u16;
        let height = at(i as u16 + 1) - at(i as u16);
        let whole = Spot { y, height, ..spot };
        let named = u16::from(height >= 2);
        if named > 0 {
            name(canvas, series, whole);
        }
        let left = Spot { width: labels, ..whole }.below(named);
        band(canvas, chart, series, plot(y, height).below(named), left);
        y += i32::from(height);
    }
    for lane in &lanes {
        axis::label(canvas, lane.name, left(y));
        axis::lane(canvas, chart, &lane.marks, plot(y, 1));
        y += 1;
    }
    if axis > 0 {
        axis::time(canvas, chart, zone, left(y), plot(y, 1));
    }
}

/// The name, what good looks like as far as there is room, and at the end the newest value, or that under the cursor.
fn name(canvas: &mut Canvas<'_>, series: &Series, spot: Spot) {
    let (at_end, tone) = match &series.read {
        Some((read, tone)) => (read, *tone),
        None => (&series.newest, series.tone),
    };
    let value = (at_end.width() as u16).min(spot.width);
    let room = spot.width - value;
    let plain = canvas.style(Tone::Plain);
    let used = canvas.text(
        spot.x,
        spot.y,
        room.saturating_sub(2),
        series.name.as_str(),
        plain.add_modifier(Modifier::BOLD),
    );
    let rest = spot.beside(used + 1);
    let dim = canvas.style(Tone::Dim);
    let mut room_for_about = room.saturating_sub(used + 3);
    if series.read.is_some() {
        let now = format!("now {} ", series.newest);
        let wide = series.newest.width() as u16 + 5;
        if room_for_about > wide + 8 {
            room_for_about -= wide + 1;
            canvas.text(spot.x + room - wide - 1, spot.y, wide, &now, dim);
        }
    }
    canvas.text(rest.x, spot.y, room_for_about, series.about.as_str(), dim);
    let style = canvas.style(tone).add_modifier(Modifier::BOLD);
    canvas.text(spot.x + room, spot.y, value, at_end.as_str(), style);
}

fn band(canvas: &mut Canvas<'_>, chart: &Chart, series: &Series, plot: Spot, left: Spot) {
    for mark in chart.lanes.iter().flat_map(|lane| &lane.marks) {
        let style = canvas.style(mark.tone).remove_modifier(Modifier::REVERSED);
        if let Some(x) = column(chart, mark.at, plot) {
            for n in 0..plot.height {
                canvas.text(x, plot.y + i32::from(n), 1, canvas.theme.glyphs.event, style);
            }
        }
    }
    let cursor = chart.cursor.as_ref().and_then(|c| under(c, plot.width));
    upright(canvas, plot, cursor);
    let dim = canvas.style(Tone::Dim);
    let (lo, hi) = (series.axis.from, series.axis.until);
    if spark::extremes(&series.points).is_none() || hi.partial_cmp(&lo) != Some(Ordering::Greater) {
        canvas.text(plot.x, plot.y, plot.width, "no data in this window", dim);
        return;
    }
    let points = stretch(&bridged(&series.points), usize::from(plot.width));
    if plot.height <= 1 {
        let style = canvas.style(series.tone);
        spark::paint(canvas, &points, plot.x, plot.y, plot.width, style);
        if let Some(x) = cursor {
            let style = cursor_style(canvas);
            canvas.tint(Spot { x: plot.x + x, width: 1, height: 1, ..plot }, style);
        }
        return;
    }
    let bottom = plot.height - 1;
    let mut labels =
        vec![(0, series.axis.high.as_str(), dim), (bottom, series.axis.low.as_str(), dim)];
    let limits = [(&series.good, Tone::Ok), (&series.bad, Tone::Down)];
    for (limit, tone) in limits {
        // Two lines cannot hold a bound between their ends; the colour of a column tells it there.
        let inside = |l: &&Limit| bottom >= 2 && (lo..=hi).contains(&l.bound.value);
        let Some(limit) = limit.as_ref().filter(inside) else { continue };
        let line = (f64::from(plot.height) * (hi - limit.bound.value) / (hi - lo)) as u16;
        let line = line.min(bottom);
        let style = canvas.style(tone).remove_modifier(Modifier::REVERSED);
        let glyphs = canvas.theme.glyphs;
        let glyph = if tone == Tone::Down { glyphs.rule } else { glyphs.dots };
        canvas.run(plot.x, plot.y + i32::from(line), plot.width, glyph, style);
        if line > 0 && line < bottom {
            labels.push((line, limit.text.as_str(), style));
        }
    }
    if left.width > 1 {
        for (line, words, style) in labels {
            let words = fitting(words, left.width - 1);
            canvas.right(left.x, left.y + i32::from(line), left.width - 1, words, style);
        }
    }
    // Over the limits' lines, too, and under the curve.
    upright(canvas, plot, cursor);
    filled(canvas, series, &points, plot, cursor);
}

/// A label without its unit where the whole has no room: the number is what an axis is read for, and its series names
/// the unit.
fn fitting(words: &str, room: u16) -> &str {
    match words.split_once(' ') {
        Some((number, _)) if words.width() > usize::from(room) => number,
        _ => words,
    }
}

fn upright(canvas: &mut Canvas<'_>, plot: Spot, cursor: Option<u16>) {
    let Some(x) = cursor else { return };
    let style = cursor_style(canvas);
    for n in 0..plot.height {
        let upright = canvas.theme.glyphs.upright;
        canvas.text(plot.x + x, plot.y + i32::from(n), 1, upright, style);
    }
}

/// The column a cursor stands in: the middle of those that show its slice.
pub fn under(cursor: &Cursor, width: u16) -> Option<u16> {
    let (width, slices) = (usize::from(width), cursor.slices.max(1));
    if width == 0 {
        return None;
    }
    if slices >= width {
        return u16::try_from((cursor.slice * width / slices).min(width - 1)).ok();
    }
    // Column x shows the slice `x · slices / width`, as `stretch` deals them out.
    let first = (cursor.slice * width).div_ceil(slices);
    let last = ((cursor.slice + 1) * width).div_ceil(slices).saturating_sub(1);
    u16::try_from(usize::midpoint(first, last).min(width - 1)).ok()
}

/// The cursor is brighter than what it stands in; where there is no colour, it is bold.
pub fn cursor_style(canvas: &Canvas<'_>) -> Style {
    let style = canvas.style(Tone::Strong).remove_modifier(Modifier::REVERSED | Modifier::DIM);
    // Never the colour of the line or the event it stands on.
    let colour = style.fg.or(canvas.theme.base().fg).unwrap_or(Color::Reset);
    style.fg(colour).add_modifier(Modifier::BOLD)
}

/// As many points as columns: each column takes the slice it lies in.
fn stretch(points: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    if points.len() >= width {
        return spark::fold(points, width);
    }
    (0..width).map(|i| points.get(i * points.len() / width.max(1)).copied().flatten()).collect()
}

/// A single slice without a reading between two that have one is how polling falls, not a gap.
fn bridged(points: &[Option<f64>]) -> Vec<Option<f64>> {
    let at = |i: usize| points.get(i).copied().flatten();
    let between = |i: usize| Some(f64::midpoint(at(i.checked_sub(1)?)?, at(i + 1)?));
    (0..points.len()).map(|i| at(i).or_else(|| between(i))).collect()
}

/// A filled outline, eighths of a line high; where a value is out of bounds its column says so.
fn filled(
    canvas: &mut Canvas<'_>,
    series: &Series,
    points: &[Option<f64>],
    plot: Spot,
    cursor: Option<u16>,
) {
    let (lo, hi) = (series.axis.from, series.axis.until);
    let levels = &canvas.theme.glyphs.levels;
    let [.., full] = levels;
    let tall = usize::from(plot.height) * levels.len();
    for (i, point) in points.iter().enumerate() {
        let Some(value) = point.filter(|v| v.is_finite()) else { continue };
        let share = ((value - lo) / (hi - lo)).clamp(0.0, 1.0);
        // What was measured is seen, even at the very bottom.
        let eighths = ((share * tall as f64).round() as usize).max(1);
        // What is as it should be stays in the background.
        let tone = tone(series, value);
        let calm = matches!(tone, Tone::Accent | Tone::Business);
        // A reversed block is a hole: where there is no colour, brightness alone stands out.
        let style = canvas.style(tone).remove_modifier(Modifier::REVERSED);
        // A line or an event may have been in these cells before.
        let style =
            if calm { canvas.theme.calm(style) } else { style.remove_modifier(Modifier::DIM) };
        let style = if cursor == Some(i as u16) { cursor_style(canvas) } else { style };
        for line in 0..eighths.div_ceil(levels.len()) {
            let y = plot.y + i32::from(plot.height) - 1 - lines(line);
            let part = (eighths - line * levels.len()).min(levels.len());
            let glyph = levels.get(part.saturating_sub(1)).unwrap_or(full);
            canvas.text(plot.x + i as u16, y, 1, glyph, style);
        }
    }
}

fn tone(series: &Series, value: f64) -> Tone {
    let holds = |limit: &Option<Limit>| limit.as_ref().map(|l| l.bound.holds(value));
    match (holds(&series.good), holds(&series.bad), series.tone) {
        (_, _, Tone::Stale) => Tone::Stale,
        (_, Some(true), _) => Tone::Down,
        (Some(false), _, _) => Tone::Degraded,
        (_, _, Tone::Business) => Tone::Business,
        _ => Tone::Accent,
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_label_without_room_keeps_its_number_whole() {
        assert_eq!(fitting("0.00025 cores", 9), "0.00025");
        assert_eq!(fitting("12 per minute", 9), "12");
        assert_eq!(fitting("48.8 ms", 9), "48.8 ms");
        // One word is cut where it must be.
        assert_eq!(fitting("1234567890", 9), "1234567890");
    }
}
