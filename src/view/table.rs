//! A list: columns by rank and width, a quiet header, the selected row as a bar, states with shape and word.

use ratatui::style::{Modifier, Style};

use super::canvas::{Canvas, Spot};
use super::{small, spark};
use crate::model::{Health, Overlays};
use crate::page::{Align, Cell, Column, Frame, Layout, Row, Table, Tone, Width, room};

/// The bar of the selected row and the dot of a marked one.
const GUTTER: u16 = 2;

pub fn paint(canvas: &mut Canvas<'_>, frame: &Frame, table: &Table, spot: Spot) {
    let gap = if frame.layout > Layout::Small { 2 } else { 1 };
    if table.rows.is_empty() {
        if let Some(empty) = &table.empty {
            small::empty(canvas, empty, spot);
        }
        return;
    }
    let header = room::header_rows(frame);
    let rows = room::window(table, usize::from(spot.height.saturating_sub(header)));
    let seen = rows.len();
    let first = table.first + rows.start;
    let more = table.shown > seen;
    // A column of air at the right edge, and one more for the scrollbar.
    let air = u16::from(frame.layout > Layout::Tiny);
    let inner = spot.narrower(air + u16::from(more));
    let lanes = lanes(&table.columns, inner.beside(GUTTER), gap);
    if header > 0 {
        heading(canvas, table, &lanes, spot.y);
    }
    let body = spot.below(header);
    for (n, row) in table.rows.get(rows).unwrap_or(&[]).iter().enumerate() {
        if let Some(y) = body.line(n) {
            self::row(canvas, row, &lanes, inner, y);
        }
    }
    if more {
        let bar = Spot { x: spot.x + spot.width.saturating_sub(1), width: 1, ..body };
        super::scrollbar(canvas, bar, first, seen, table.shown);
    }
}

/// Where a column is: its position in the table, first screen column, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lane {
    column: usize,
    x: u16,
    width: u16,
    align: Align,
}

/// Leaves out the highest ranks until the rest fits, then shares what is left by weight.
fn lanes(columns: &[Column], spot: Spot, gap: u16) -> Vec<Lane> {
    let min = |c: &Column| match c.width {
        Width::Exactly(n) => n,
        Width::Share { min, .. } => min,
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let need = |kept: &[usize]| {
        let widths: u32 =
            kept.iter().filter_map(|i| columns.get(*i)).map(|c| u32::from(min(c))).sum();
        widths + u32::from(gap) * (kept.len().saturating_sub(1) as u32)
    };
    while kept.len() > 1 && need(&kept) > u32::from(spot.width) {
        let rank = |i: &usize| columns.get(*i).map_or(0, |c| c.rank);
        let Some(at) = (0..kept.len()).max_by_key(|at| kept.get(*at).map_or(0, rank)) else {
            break;
        };
        kept.remove(at);
    }
    let mut left = u32::from(spot.width).saturating_sub(need(&kept));
    let weight = |c: &Column| match c.width {
        Width::Exactly(_) => 0,
        Width::Share { weight, .. } => u32::from(weight.max(1)),
    };
    let mut weights: u32 = kept.iter().filter_map(|i| columns.get(*i)).map(weight).sum();
    let mut x = spot.x;
    let mut lanes = Vec::with_capacity(kept.len());
    for i in kept {
        let Some(column) = columns.get(i) else { continue };
        let own = weight(column);
        let more = (left * own).checked_div(weights).unwrap_or(0);
        left -= more;
        weights -= own;
        let room = (spot.x + spot.width).saturating_sub(x);
        let width = (u32::from(min(column)) + more).min(u32::from(room)) as u16;
        lanes.push(Lane { column: i, x, width, align: column.align });
        x = x.saturating_add(width).saturating_add(gap);
    }
    lanes
}

fn heading(canvas: &mut Canvas<'_>, table: &Table, lanes: &[Lane], y: i32) {
    let dim = canvas.style(Tone::Dim);
    for lane in lanes {
        let Some(column) = table.columns.get(lane.column) else { continue };
        let sorted = table.sorted.filter(|(at, _)| *at == lane.column);
        let style = if sorted.is_some() { canvas.style(Tone::Strong) } else { dim };
        let title = match sorted {
            Some((_, reversed)) => {
                let glyphs = canvas.theme.glyphs;
                let way = if reversed { glyphs.rising } else { glyphs.falling };
                format!("{}{way}", column.title)
            }
            None => column.title.as_str().to_owned(),
        };
        match lane.align {
            Align::Left => {
                canvas.text(lane.x, y, lane.width, &title, style);
            }
            Align::Right => canvas.right(lane.x, y, lane.width, &title, style),
        }
    }
}

fn row(canvas: &mut Canvas<'_>, row: &Row, lanes: &[Lane], spot: Spot, y: i32) {
    for lane in lanes {
        if let Some(cell) = row.cells.get(lane.column) {
            self::cell(canvas, cell, *lane, y);
        }
    }
    if row.selected {
        canvas.tint(Spot { x: spot.x, y, width: spot.width, height: 1 }, canvas.theme.selection());
        for lane in lanes {
            if let Some(Cell::Spark(..)) = row.cells.get(lane.column) {
                let spot = Spot { x: lane.x, y, width: lane.width, height: 1 };
                canvas.tint(spot, canvas.theme.selected_curve());
            }
        }
    }
    let glyphs = canvas.theme.glyphs;
    if row.selected {
        canvas.text(spot.x, y, 1, glyphs.selected, canvas.style(Tone::Accent));
    }
    if row.marked {
        let style = canvas.style(Tone::Accent).add_modifier(Modifier::BOLD);
        canvas.text(spot.x + u16::from(row.selected), y, 1, glyphs.marked, style);
    }
}

fn cell(canvas: &mut Canvas<'_>, cell: &Cell, lane: Lane, y: i32) {
    match cell {
        Cell::Line(line) => match lane.align {
            Align::Left => {
                canvas.line(lane.x, y, lane.width, line, Style::new());
            }
            Align::Right => canvas.line_right(lane.x, y, lane.width, line, Style::new()),
        },
        Cell::State { health, overlays } => state(canvas, *health, *overlays, lane, y),
        Cell::Spark(points, tone) => {
            let style = canvas.style(*tone);
            spark::paint(canvas, points, lane.x, y, lane.width, style);
        }
        Cell::Blank => {}
    }
}

/// `▲ degraded stale`: the shape, the word, then what else is true; letters where words do not fit.
fn state(canvas: &mut Canvas<'_>, health: Health, overlays: Overlays, lane: Lane, y: i32) {
    // What was well when it was last heard of is not green.
    let is_old = overlays.stale && health == Health::Ok;
    let style = canvas.style(if is_old { Tone::Stale } else { Tone::from(health) });
    let mut x = lane.x;
    let end = lane.x + lane.width;
    x += canvas.text(x, y, lane.width, canvas.theme.glyphs.health(health), style) + 1;
    x += canvas.text(x, y, end.saturating_sub(x), health.word(), style) + 1;
    let on = [
        (overlays.stale, ["stale", "stale", "s"], Tone::Stale),
        (overlays.flapping, ["flapping", "flaps", "f"], Tone::Degraded),
        (overlays.maintenance, ["maint", "maint", "m"], Tone::Maintenance),
        (overlays.acked, ["acked", "acked", "a"], Tone::OnCall),
        (overlays.silenced, ["silenced", "quiet", "q"], Tone::Dim),
        (overlays.partial, ["partial", "part", "p"], Tone::Dim),
    ];
    let on: Vec<_> = on.into_iter().filter(|(is, ..)| *is).map(|(_, w, t)| (w, t)).collect();
    let (form, count) = sayable(&on, usize::from(end.saturating_sub(x)));
    for (forms, tone) in on.iter().take(count) {
        let style = canvas.style(*tone);
        let text = forms.get(form).copied().unwrap_or_default();
        let gap = u16::from(form < LETTERS);
        x += canvas.text(x, y, end.saturating_sub(x), text, style) + gap;
    }
    let left = on.len() - count;
    if left > 0 {
        let style = canvas.style(Tone::Dim);
        canvas.text(x, y, end.saturating_sub(x), &format!("+{left}"), style);
    }
}

/// The form of overlays that are letters.
const LETTERS: usize = 2;

/// Which form of words has room, and for how many of them: all whole, all short, the first ones and `+1` for the rest,
/// and only where not even one word fits, letters.
fn sayable(on: &[([&str; 3], Tone)], room: usize) -> (usize, usize) {
    let width = |form: usize, count: usize| -> usize {
        let words = on.iter().take(count).filter_map(|(forms, _)| forms.get(form));
        let rest = if count < on.len() { 3 } else { 0 };
        words.map(|w| w.len() + 1).sum::<usize>() + rest
    };
    let fits = |form, count| width(form, count) <= room + 1;
    if fits(0, on.len()) {
        return (0, on.len());
    }
    (1..=on.len()).rev().find(|n| fits(1, *n)).map_or((LETTERS, on.len()), |n| (1, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(width: Width, rank: u8) -> Column {
        Column { title: "x".into(), width, align: Align::Left, rank }
    }

    fn spot(width: u16) -> Spot {
        Spot { x: 0, y: 0, width, height: 1 }
    }

    #[test]
    fn the_highest_rank_goes_first_and_one_column_always_stays() {
        let columns = [
            column(Width::Exactly(10), 0),
            column(Width::Exactly(10), 9),
            column(Width::Share { min: 5, weight: 1 }, 1),
        ];
        let kept = |w| lanes(&columns, spot(w), 2).iter().map(|l| l.column).collect::<Vec<_>>();
        assert_eq!(kept(29), [0, 1, 2]);
        assert_eq!(kept(28), [0, 2]);
        assert_eq!(kept(16), [0]);
        assert_eq!(kept(0), [0]);
    }

    #[test]
    fn what_else_is_true_of_a_state_is_said_in_words_as_long_as_one_fits() {
        let stale = (["stale", "stale", "s"], Tone::Stale);
        let silenced = (["silenced", "quiet", "q"], Tone::Dim);
        let acked = (["acked", "acked", "a"], Tone::OnCall);
        for (on, room, said) in [
            (vec![silenced], 8, (0, 1)),
            (vec![silenced], 5, (1, 1)),
            (vec![silenced], 4, (LETTERS, 1)),
            (vec![stale, acked], 11, (0, 2)),
            (vec![stale, acked, silenced], 17, (1, 3)),
            (vec![stale, acked, silenced], 16, (1, 2)),
            (vec![stale, acked], 8, (1, 1)),
            (vec![], 0, (0, 0)),
        ] {
            assert_eq!(sayable(&on, room), said, "{on:?} in {room}");
        }
    }

    proptest::proptest! {
        #[test]
        fn lanes_never_overlap_nor_leave_their_spot(
            wishes in proptest::collection::vec((0_u16..40, 0_u16..4, 0_u8..6, proptest::bool::ANY), 0..12),
            width in 0_u16..300,
            gap in 0_u16..3,
        ) {
            let columns: Vec<_> = wishes.into_iter().map(|(min, weight, rank, exact)| {
                column(if exact { Width::Exactly(min) } else { Width::Share { min, weight } }, rank)
            }).collect();
            let mut end = 0;
            for lane in lanes(&columns, spot(width), gap) {
                proptest::prop_assert!(lane.width == 0 || (lane.x >= end && lane.x + lane.width <= width));
                end = lane.x + lane.width;
            }
        }
    }
}
