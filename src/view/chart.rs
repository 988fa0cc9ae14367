//! Numbers over time: one band a series on a shared axis, gaps as gaps, events as dotted uprights with their words below.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::style::Style;

use super::canvas::{Canvas, Spot, lines};
use super::spark;
use crate::page::{Block, Chart, Mark, Noun, Series, Tone};

/// Columns for the labels of the axis.
const LABELS: u16 = 9;

/// The only series of a chart whose title begins with its name: one line says both.
pub fn told_by(block: &Block) -> Option<&Series> {
    let Noun::Chart(chart) = &block.noun else { return None };
    match chart.series.as_slice() {
        [one] if block.title.as_str().starts_with(one.name.as_str()) => Some(one),
        _ => None,
    }
}

/// `named` puts a line with name and newest value over each series.
pub fn paint(canvas: &mut Canvas<'_>, chart: &Chart, zone: &TimeZone, spot: Spot, named: bool) {
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
        let own = if i == 0 { (chart.good, chart.bad) } else { (None, None) };
        let left = Spot { x: spot.x, y, width: labels, height };
        let titled = named && height >= 2;
        band(canvas, chart, series, own, (plot(y, height), left), titled);
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

fn band(
    canvas: &mut Canvas<'_>,
    chart: &Chart,
    series: &Series,
    (good, bad): (Option<f64>, Option<f64>),
    (spot, left): (Spot, Spot),
    titled: bool,
) {
    let style = canvas.style(series.tone);
    if titled {
        let used =
            canvas.text(spot.x, spot.y, spot.width, series.name.as_str(), canvas.style(Tone::Dim));
        let rest = spot.beside(used + 2);
        canvas.text(rest.x, spot.y, rest.width, series.newest.as_str(), style);
    }
    let plot = spot.below(u16::from(titled));
    let dim = canvas.style(Tone::Dim);
    let bottom = plot.y + i32::from(plot.height) - 1;
    if left.width > 1 {
        let width = left.width - 1;
        canvas.right(left.x, plot.y, width, series.high.as_str(), dim);
        if plot.height > 1 {
            canvas.right(left.x, bottom, width, series.low.as_str(), dim);
        }
    }
    for mark in &chart.marks {
        if let Some(x) = column(chart, mark.at, plot) {
            for n in 0..plot.height {
                canvas.text(x, plot.y + i32::from(n), 1, canvas.theme.glyphs.event, dim);
            }
        }
    }
    let Some((lo, hi)) = spark::extremes(&series.points) else {
        canvas.text(plot.x, plot.y, plot.width, "no data in this window", dim);
        return;
    };
    let (lo, hi) = if hi > lo { (lo, hi) } else { (lo - 0.5, hi + 0.5) };
    for (limit, tone) in [(good, Tone::Ok), (bad, Tone::Down)] {
        let Some(limit) = limit.filter(|v| (lo..=hi).contains(v)) else { continue };
        let line = (f64::from(plot.height) * (hi - limit) / (hi - lo)) as u16;
        let y = plot.y + i32::from(line.min(plot.height.saturating_sub(1)));
        let style = canvas.style(tone);
        canvas.run(plot.x, y, plot.width, canvas.theme.glyphs.dots, style);
    }
    if plot.height == 1 {
        // One line: blocks read better than dots, stretched over the whole axis so that marks stay true.
        let points = stretch(&series.points, usize::from(plot.width));
        spark::paint(canvas, &points, plot.x, plot.y, plot.width, style);
    } else {
        dots(canvas, &series.points, (lo, hi), plot, style);
    }
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

/// A curve in braille (or stars), connected between neighbours, open at gaps.
fn dots(
    canvas: &mut Canvas<'_>,
    points: &[Option<f64>],
    (lo, hi): (f64, f64),
    plot: Spot,
    style: Style,
) {
    let ascii = canvas.theme.glyphs.ascii;
    let (per_x, per_y) = if ascii { (1, 1) } else { (2, 4) };
    let (width, height) = (usize::from(plot.width), usize::from(plot.height));
    let (wide, tall) = (width * per_x, height * per_y);
    let mut grid = vec![0_u8; width * height];
    let mut set = |x: usize, y: usize| {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let bit = if ascii { Some(&1) } else { BITS.get(y % 4).and_then(|row| row.get(x % 2)) };
        if let (Some(cell), Some(bit)) = (grid.get_mut((y / per_y) * width + x / per_x), bit) {
            *cell |= bit;
        }
    };
    let points = stretch(&bridged(points), wide);
    let level = |v: f64| {
        let share = ((hi - v) / (hi - lo)).clamp(0.0, 1.0);
        (share * (tall.saturating_sub(1)) as f64).round() as usize
    };
    let mut before: Option<usize> = None;
    for (x, point) in points.iter().enumerate() {
        let Some(value) = point.filter(|v| v.is_finite()) else {
            before = None;
            continue;
        };
        let y = level(value);
        let from = before.unwrap_or(y);
        for step in from.min(y)..=from.max(y) {
            set(x, step);
        }
        before = Some(y);
    }
    for (i, bits) in grid.iter().enumerate().filter(|(_, bits)| **bits != 0) {
        let (x, y) = ((i % width) as u16, lines(i / width));
        let glyph =
            if ascii { '*' } else { char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' ') };
        canvas.text(plot.x + x, plot.y + y, 1, glyph.encode_utf8(&mut [0; 4]), style);
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

/// Glyphs under their moments, with as many words as there is room before the next.
fn marks(canvas: &mut Canvas<'_>, chart: &Chart, spot: Spot) {
    let mut placed: Vec<(u16, &Mark)> =
        chart.marks.iter().filter_map(|m| Some((column(chart, m.at, spot)?, m))).collect();
    placed.sort_by_key(|(x, _)| *x);
    let end = spot.x + spot.width;
    let mut free = spot.x;
    for (i, (x, mark)) in placed.iter().enumerate() {
        let style = canvas.style(mark.tone);
        let next = placed.get(i + 1).map_or(end, |(x, _)| *x);
        let used = canvas.text(*x, spot.y, 1, mark.glyph.encode_utf8(&mut [0; 4]), style);
        let room = next.saturating_sub(*x).saturating_sub(used + 2);
        let wide = mark.text.width() as u16;
        let before = x.saturating_sub(free);
        let taken = if room < wide && before > wide + 1 {
            // Near the right edge, or close to the next: the words stand before their glyph.
            canvas.text(*x - wide - 1, spot.y, wide, mark.text.as_str(), style);
            0
        } else if room >= 3 {
            canvas.text(*x + used + 1, spot.y, room, mark.text.as_str(), style) + 1
        } else {
            0
        };
        free = *x + used + taken + 1;
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
    let most = i64::from(spot.width / 12).max(1);
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
