//! Below the curves of a chart: what happened meanwhile, a line for each sort of it, and the hours.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::style::Modifier;

use super::canvas::{Canvas, Spot};
use super::chart;
use crate::page::{Chart, Mark, Tone};

/// A line of what happened.
pub struct Lane<'a> {
    pub name: &'a str,
    pub marks: Vec<&'a Mark>,
}

/// As many lines as there are sorts; the last holds the rest where there is no room for all.
pub fn lanes(chart: &Chart, most: u16) -> Vec<Lane<'_>> {
    let most = usize::from(most);
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for lane in &chart.lanes {
        if lanes.len() < most {
            let marks = lane.marks.iter().collect();
            lanes.push(Lane { name: lane.name.as_str(), marks });
        } else if let Some(last) = lanes.last_mut() {
            last.name = "events";
            last.marks.extend(&lane.marks);
        }
    }
    for lane in &mut lanes {
        lane.marks.sort_by_key(|m| m.at);
    }
    lanes
}

/// The name of a line, left of it.
pub fn label(canvas: &mut Canvas<'_>, name: &str, left: Spot) {
    if left.width > 1 {
        let dim = canvas.style(Tone::Dim);
        canvas.right(left.x, left.y, left.width - 1, name, dim);
    }
}

/// The column of a moment; `None` outside.
pub fn column(chart: &Chart, at: Timestamp, plot: Spot) -> Option<u16> {
    let span = chart.until.duration_since(chart.from).as_secs_f64();
    let since = at.duration_since(chart.from).as_secs_f64();
    if span <= 0.0 || since < 0.0 || since > span || plot.width == 0 {
        return None;
    }
    let x = (since / span * f64::from(plot.width)) as u16;
    Some(plot.x + x.min(plot.width - 1))
}

/// The columns of what lasted, or of a moment; `None` when it lies outside.
fn columns(chart: &Chart, mark: &Mark, plot: Spot) -> Option<(u16, u16)> {
    let Some(until) = mark.until else { return column(chart, mark.at, plot).map(|x| (x, x)) };
    if until < chart.from || mark.at > chart.until {
        return None;
    }
    let from = column(chart, mark.at.max(chart.from), plot)?;
    Some((from, column(chart, until.min(chart.until), plot)?.max(from)))
}

/// What shares its columns, with its words.
struct Piece<'a> {
    from: u16,
    until: u16,
    marks: Vec<&'a Mark>,
}

/// Glyphs under their moments, a line for as long as something lasted, and words as far as there is room; the newest
/// get theirs first.
pub fn lane(canvas: &mut Canvas<'_>, chart: &Chart, marks: &[&Mark], plot: Spot) {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for mark in marks {
        let Some((from, until)) = columns(chart, mark, plot) else { continue };
        match pieces.last_mut().filter(|p| (p.from, p.until) == (from, until)) {
            Some(same) => same.marks.push(mark),
            None => pieces.push(Piece { from, until, marks: vec![mark] }),
        }
    }
    let mut taken = vec![false; usize::from(plot.width)];
    let mut take = |from: u16, until: u16| {
        let (from, until) = (from.saturating_sub(plot.x), until.saturating_sub(plot.x));
        for slot in taken.iter_mut().take(usize::from(until) + 1).skip(usize::from(from)) {
            *slot = true;
        }
        taken.clone()
    };
    let mut now_taken = Vec::new();
    for piece in &pieces {
        // The newest of what shares a column is the sign; each has its words.
        let Some(newest) = piece.marks.last() else { continue };
        let style = canvas.style(newest.tone).remove_modifier(Modifier::REVERSED);
        let rule = canvas.theme.glyphs.rule;
        canvas.run(piece.from, plot.y, piece.until - piece.from + 1, rule, style);
        if newest.at >= chart.from {
            canvas.text(piece.from, plot.y, 1, newest.glyph.encode_utf8(&mut [0; 4]), style);
        }
        now_taken = take(piece.from, piece.until);
    }
    for piece in pieces.iter().rev() {
        let words: Vec<&str> = piece.marks.iter().rev().map(|m| m.text.as_str()).collect();
        let wide = piece.marks.iter().map(|m| m.text.width() as u16 + 2).sum::<u16>();
        let wide = wide.saturating_sub(2);
        let Some((x, room)) = place(&now_taken, piece, plot, wide) else { continue };
        let tone = piece.marks.last().map_or(Tone::Plain, |m| m.tone);
        let style = canvas.style(tone);
        let used = canvas.text(x, plot.y, room, &words.join("  "), style);
        now_taken = take(x.saturating_sub(1).max(plot.x), x + used);
    }
}

/// Where words about a piece stand, and how much room they have: behind it, before it, or in the middle of a long one.
fn place(taken: &[bool], piece: &Piece<'_>, plot: Spot, wide: u16) -> Option<(u16, u16)> {
    let end = plot.x + plot.width;
    let is_free = |x: u16| {
        let at = usize::from(x.saturating_sub(plot.x));
        x >= plot.x && x < end && taken.get(at) == Some(&false)
    };
    let behind = (piece.until + 1..end).take_while(|x| is_free(*x)).count() as u16;
    // A column of air on either side, but none before the edge.
    let edge = u16::from(piece.until + 1 + behind < end);
    let behind = behind.saturating_sub(1 + edge);
    let before = (plot.x..piece.from).rev().take_while(|x| is_free(*x)).count() as u16;
    let edge = u16::from(piece.from.saturating_sub(before) > plot.x);
    let before = before.saturating_sub(1 + edge);
    let inside = (piece.until - piece.from).saturating_sub(5);
    if behind >= wide || (behind >= before.max(inside) && behind >= LEAST) {
        Some((piece.until + 2, behind))
    } else if before >= wide || (before >= inside && before >= LEAST) {
        Some((piece.from - 1 - wide.min(before), before))
    } else if inside >= LEAST {
        Some((piece.from + 3, inside))
    } else {
        None
    }
}

/// Columns below which no words are begun.
const LEAST: u16 = 3;

/// Steps between labels, in seconds.
const STEPS: [i64; 14] = [
    60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000,
];

/// Whole hours and days under their columns, their zone left of them, and the moment of the cursor.
pub fn time(canvas: &mut Canvas<'_>, chart: &Chart, zone: &TimeZone, left: Spot, spot: Spot) {
    let dim = canvas.style(Tone::Dim);
    label(canvas, &chart.until.to_zoned(zone.clone()).strftime("%Z").to_string(), left);
    let cursor = chart.cursor.as_ref().and_then(|c| Some((c, chart::under(c, spot.width)?)));
    let pinned = cursor.map(|(cursor, x)| {
        let wide = (cursor.text.width() as u16).min(spot.width);
        let from = (spot.x + x).saturating_sub(wide / 2).clamp(spot.x, spot.x + spot.width - wide);
        (cursor.text.as_str(), from, from + wide)
    });
    if let Some((text, from, until)) = pinned {
        let style = chart::cursor_style(canvas);
        canvas.text(from, spot.y, until - from, text, style);
    }
    let is_free = |from: u16, until: u16| {
        pinned.is_none_or(|(_, begins, ends)| until < begins || from > ends)
    };
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
        let form = if step >= 86_400 { "%-d %b" } else { "%H:%M" };
        let label = moment.to_zoned(zone.clone()).strftime(form).to_string();
        if let Some(x) = column(chart, moment, spot) {
            let wide = label.len() as u16;
            let from = x.saturating_sub(wide / 2).max(spot.x);
            if from >= free && from + wide <= spot.x + spot.width && is_free(from, from + wide) {
                free = from + canvas.text(from, spot.y, wide, &label, dim) + 2;
            }
        }
        at = at.saturating_add(step.max(SignedDuration::from_mins(1).as_secs()));
    }
}
