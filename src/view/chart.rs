//! Numbers over time: one filled band a series on a shared axis, gaps as gaps, events as dotted uprights with their words once below.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::style::Modifier;

use super::canvas::{Canvas, Spot, lines};
use super::spark;
use crate::page::{Chart, Limit, Mark, Series, Tone};

/// Columns for the labels of the axis.
const LABELS: u16 = 10;

pub fn paint(canvas: &mut Canvas<'_>, chart: &Chart, zone: &TimeZone, spot: Spot) {
    let spot = spot.beside(1);
    let axis = u16::from(spot.height >= 4);
    let marks = u16::from(spot.height >= 5 && !chart.marks.is_empty());
    let labels = if spot.width >= 40 { LABELS } else { 0 };
    let bands = spot.top(spot.height.saturating_sub(axis + marks));
    let n = chart.series.len().max(1) as u16;
    // A band needs its name and a line; what has no room is left out rather than squeezed to nothing.
    let fits = (bands.height / 2).clamp(1, n);
    let plot =
        |y: i32, height: u16| Spot { x: spot.x, y, width: spot.width, height }.beside(labels);
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
    if marks > 0 {
        self::marks(canvas, chart, plot(y, 1));
        y += 1;
    }
    if axis > 0 {
        time_axis(canvas, chart, zone, plot(y, 1));
    }
}

/// The name, what good looks like as far as there is room, and the newest value at the end.
fn name(canvas: &mut Canvas<'_>, series: &Series, spot: Spot) {
    let value = (series.newest.width() as u16).min(spot.width);
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
    canvas.text(rest.x, spot.y, room.saturating_sub(used + 3), series.about.as_str(), dim);
    let style = canvas.style(series.tone).add_modifier(Modifier::BOLD);
    canvas.text(spot.x + room, spot.y, value, series.newest.as_str(), style);
}

fn band(canvas: &mut Canvas<'_>, chart: &Chart, series: &Series, plot: Spot, left: Spot) {
    for mark in &chart.marks {
        let style = canvas.style(mark.tone).remove_modifier(Modifier::REVERSED);
        if let Some(x) = column(chart, mark.at, plot) {
            for n in 0..plot.height {
                canvas.text(x, plot.y + i32::from(n), 1, canvas.theme.glyphs.event, style);
            }
        }
    }
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
            canvas.right(left.x, left.y + i32::from(line), left.width - 1, words, style);
        }
    }
    filled(canvas, series, &points, plot);
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
fn filled(canvas: &mut Canvas<'_>, series: &Series, points: &[Option<f64>], plot: Spot) {
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
        let style = if calm {
            style.add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD)
        } else {
            style.remove_modifier(Modifier::DIM)
        };
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

fn column(chart: &Chart, at: Timestamp, plot: Spot) -> Option<u16> {
    let span = chart.until.duration_since(chart.from).as_secs_f64();
    let since = at.duration_since(chart.from).as_secs_f64();
    if span <= 0.0 || since < 0.0 || since > span || plot.width == 0 {
        return None;
    }
    let x = (since / span * f64::from(plot.width)) as u16;
    Some(plot.x + x.min(plot.width - 1))
}

/// Glyphs under their moments, with as many words as there is room before the next; the newest get theirs first.
fn marks(canvas: &mut Canvas<'_>, chart: &Chart, spot: Spot) {
    let mut placed: Vec<(u16, Vec<&Mark>)> = Vec::new();
    let mut sorted: Vec<&Mark> = chart.marks.iter().collect();
    sorted.sort_by_key(|m| m.at);
    for mark in sorted {
        let Some(x) = column(chart, mark.at, spot) else { continue };
        match placed.last_mut().filter(|(at, _)| *at == x) {
            Some((_, same)) => same.push(mark),
            None => placed.push((x, vec![mark])),
        }
    }
    let mut end = spot.x + spot.width;
    for (i, (x, same)) in placed.iter().enumerate().rev() {
        // The newest of what shares a column is the sign; each has its words.
        let Some(newest) = same.last() else { continue };
        let style = canvas.style(newest.tone);
        canvas.text(*x, spot.y, 1, newest.glyph.encode_utf8(&mut [0; 4]), style);
        let before = i.checked_sub(1).and_then(|i| placed.get(i)).map_or(spot.x, |(x, _)| x + 1);
        let wide = same.iter().map(|m| m.text.width() as u16 + 2).sum::<u16>().saturating_sub(2);
        let after = end.saturating_sub(x + 2);
        let ahead = x.saturating_sub(before + 1);
        let (mut at, until) = if after >= wide || (after >= ahead && after >= 3) {
            (x + 2, end)
        } else if ahead >= 3 {
            (x.saturating_sub(1 + wide).max(before), x.saturating_sub(1))
        } else {
            end = *x;
            continue;
        };
        end = (*x).min(at);
        for mark in same {
            let style = canvas.style(mark.tone);
            at += canvas.text(at, spot.y, until.saturating_sub(at), mark.text.as_str(), style) + 2;
        }
        end = end.saturating_sub(1);
    }
}

/// Steps between labels, in seconds.
const STEPS: [i64; 14] = [
    60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000,
];

fn time_axis(canvas: &mut Canvas<'_>, chart: &Chart, zone: &TimeZone, spot: Spot) {
    let dim = canvas.style(Tone::Dim);
    let span = chart.until.duration_since(chart.from).as_secs();
    if span <= 0 || spot.width < 6 {
        return;
    }
    let most = i64::from(spot.width / 10).max(1);
    let step = STEPS.into_iter().find(|s| span / s <= most).unwrap_or(31_536_000);
    // Whole hours and days of the zone, not of UTC.
    let offset = i64::from(zone.to_offset(chart.from).seconds());
    let mut at = (chart.from.as_second() + offset).div_euclid(step) * step + step - offset;
    let mut free = spot.x;
    while at <= chart.until.as_second() {
        let Ok(moment) = Timestamp::from_second(at) else { break };
        let form = if step >= 86_400 { "%d %b" } else { "%H:%M" };
        let label = moment.to_zoned(zone.clone()).strftime(form).to_string();
        if let Some(x) = column(chart, moment, spot) {
            let wide = label.len() as u16;
            let from = x.saturating_sub(wide / 2).max(spot.x);
            if from >= free && from + wide <= spot.x + spot.width {
                free = from + canvas.text(from, spot.y, wide, &label, dim) + 2;
            }
        }
        at = at.saturating_add(step.max(SignedDuration::from_mins(1).as_secs()));
    }
}
