//! Finds rows that only moved, so that a scrolled list costs one line and not all of them.

use std::hash::{Hash, Hasher};

use ratatui::buffer::{Buffer, Cell};

use super::pen::Pen;

/// Rows whose beginning must have moved together before a move is looked into.
const ROWS: i32 = 3;
/// How much of a row's beginning names it: enough for a name, too little to reach into a side column that stays.
const BEGINNING: usize = 32;
/// Bytes that must be spared: margins, the move itself and a cursor address are about 25.
const BYTES: i32 = 60;
/// Bytes to get to a run of changed cells and into its colours.
const RUN: i32 = 8;

/// Moves rows of the terminal, and of `shown` with it, when that leaves fewer bytes to write.
pub fn scroll(shown: &mut Buffer, next: &Buffer, pen: &mut Pen, out: &mut Vec<u8>) {
    let width = usize::from(next.area.width);
    let before: Vec<&[Cell]> = shown.content.chunks(width).collect();
    let after: Vec<&[Cell]> = next.content.chunks(width).collect();
    if before.iter().zip(&after).filter(|(b, a)| b != a).count() < ROWS as usize {
        return;
    }
    let Some(by) = distance(&names(&before), &names(&after)) else { return };
    let Some(best) = worthwhile(&before, &after, by) else { return };
    let (top, bottom) = best.region();
    pen.scroll(top as u16, bottom as u16, best.by, out);
    move_rows(shown, width, top, bottom, best.by);
}

/// `next[from..=until]` is much like what `shown` has `by` rows further down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Move {
    by: i32,
    from: usize,
    until: usize,
    spared: i32,
}

impl Move {
    /// First and last row of the terminal that take part.
    fn region(self) -> (usize, usize) {
        let by = self.by.unsigned_abs() as usize;
        if self.by > 0 { (self.from, self.until + by) } else { (self.from - by, self.until) }
    }
}

/// How far most rows moved, judged by their beginnings.
fn distance(before: &[u64], after: &[u64]) -> Option<i32> {
    let height = i32::try_from(before.len().min(after.len())).unwrap_or(0);
    let gain = |here: usize, there: usize| {
        let now = after.get(here);
        i32::from(now == before.get(there)) - i32::from(now == before.get(here))
    };
    (1..height)
        .flat_map(|n| [n, -n])
        .filter_map(|by| best_stretch(height, by, gain, |_| 0))
        .filter(|found| found.spared >= ROWS)
        // The first of the best: the shortest move.
        .rev()
        .max_by_key(|found| found.spared)
        .map(|found| found.by)
}

/// The stretch of rows for which moving by `by` leaves the fewest bytes to write.
fn worthwhile(before: &[&[Cell]], after: &[&[Cell]], by: i32) -> Option<Move> {
    let height = i32::try_from(before.len().min(after.len())).unwrap_or(0);
    let cost = |now: usize, was: usize| {
        after.get(now).zip(before.get(was)).map_or(0, |(now, was)| unlike(now, was))
    };
    // The rows that come in are blank, whatever they were before.
    let blank: Vec<Cell> = vec![Cell::EMPTY; after.first().map_or(0, |row| row.len())];
    let lost = |row: usize| after.get(row).map_or(0, |now| unlike(now, &blank)) - cost(row, row);
    best_stretch(height, by, |here, there| cost(here, here) - cost(here, there), lost)
        .filter(|found| found.spared >= BYTES)
}

/// What turning one row into the other costs in bytes, roughly: a letter each, a way to every run of them.
fn unlike(a: &[Cell], b: &[Cell]) -> i32 {
    let (mut cost, mut in_run) = (0, false);
    for (a, b) in a.iter().zip(b) {
        let differs = a != b;
        cost += i32::from(differs) + if differs && !in_run { RUN } else { 0 };
        in_run = differs;
    }
    cost
}

/// The contiguous stretch with the largest sum of gains, less what is lost where blank rows come in
/// (Kadane's algorithm, walked towards the side they come in on).
fn best_stretch(
    height: i32,
    by: i32,
    gain: impl Fn(usize, usize) -> i32,
    lost: impl Fn(usize) -> i32,
) -> Option<Move> {
    let index = |row: i32| row.unsigned_abs() as usize;
    let (first, last) = ((-by).max(0), height.min(height - by) - 1);
    let mut best: Option<Move> = None;
    let (mut sum, mut start) = (0, first);
    for step in 0..=last - first {
        let row = if by > 0 { first + step } else { last - step };
        if sum <= 0 {
            (sum, start) = (0, row);
        }
        sum += gain(index(row), index(row + by));
        if sum <= best.map_or(0, |b| b.spared) {
            continue;
        }
        let come_in = if by > 0 { row + 1..=row + by } else { row + by..=row - 1 };
        let spared = sum - come_in.map(|row| lost(index(row))).sum::<i32>();
        if best.is_none_or(|b| spared > b.spared) {
            best = Some(Move {
                by,
                from: index(start.min(row)),
                until: index(start.max(row)),
                spared,
            });
        }
    }
    best
}

fn move_rows(shown: &mut Buffer, width: usize, top: usize, bottom: usize, by: i32) {
    let cells = width * by.unsigned_abs() as usize;
    let Some(part) = shown.content.get_mut(top * width..(bottom + 1) * width) else { return };
    let blank = if by > 0 {
        part.rotate_left(cells);
        let from = part.len() - cells;
        part.get_mut(from..)
    } else {
        part.rotate_right(cells);
        part.get_mut(..cells)
    };
    for cell in blank.into_iter().flatten() {
        cell.reset();
    }
}

fn names(rows: &[&[Cell]]) -> Vec<u64> {
    rows.iter()
        .map(|row| {
            let mut hasher = std::hash::DefaultHasher::new();
            for cell in row.iter().take(BEGINNING) {
                cell.symbol().hash(&mut hasher);
            }
            hasher.finish()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_moved_up_under_fixed_lines_is_found() {
        let before = [1, 10, 11, 12, 13, 14, 2];
        let after = [1, 11, 12, 13, 14, 15, 2];
        assert_eq!(distance(&before, &after), Some(1));
        assert_eq!(distance(&after, &before), Some(-1));
    }

    #[test]
    fn rows_that_stay_are_not_moved() {
        assert_eq!(distance(&[1, 2, 3, 4, 5], &[1, 2, 9, 4, 5]), None);
        assert_eq!(distance(&[0, 0, 0, 0, 0], &[0, 0, 9, 0, 0]), None);
        assert_eq!(distance(&[], &[]), None);
    }

    #[test]
    fn only_the_rows_that_moved_take_part() {
        let screen = |lines: &[&str]| Buffer::with_lines(lines.iter().copied());
        let before = screen(&[
            "head of the page",
            "alpha 0000000000",
            "bravo 1111111111",
            "carol 2222222222",
            "delta 3333333333",
            "foot of the page",
        ]);
        let after = screen(&[
            "head of the page",
            "bravo 1111111111",
            "carol 2222222222",
            "delta 3333333333",
            "eagle 4444444444",
            "foot of the page",
        ]);
        let rows = |buffer: &'static Buffer| buffer.content.chunks(16).collect::<Vec<_>>();
        let (before, after) = (Box::leak(Box::new(before)), Box::leak(Box::new(after)));
        let found = worthwhile(&rows(before), &rows(after), 1).unwrap();
        assert_eq!(found.region(), (1, 4));
        assert_eq!(worthwhile(&rows(before), &rows(before), 1), None);
    }
}
