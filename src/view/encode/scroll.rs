//! Finds rows that only moved, so that a scrolled list costs one line and not all of them.

use std::hash::{Hash, Hasher};

use ratatui::buffer::{Buffer, Cell};

use super::pen::Pen;

/// Rows that must be spared before moving pays: margins, the move itself and a cursor address are 25 bytes.
const WORTH: i32 = 3;

/// Moves rows of the terminal, and of `shown` with it, when that leaves fewer rows to write.
pub fn scroll(shown: &mut Buffer, next: &Buffer, pen: &mut Pen, out: &mut Vec<u8>) {
    let width = usize::from(next.area.width);
    let rows = || shown.content.chunks(width).zip(next.content.chunks(width));
    if rows().filter(|(before, after)| before != after).count() < WORTH as usize {
        return;
    }
    let before: Vec<u64> = shown.content.chunks(width).map(fingerprint).collect();
    let after: Vec<u64> = next.content.chunks(width).map(fingerprint).collect();
    let Some(best) = best_move(&before, &after) else { return };
    let (top, bottom) = best.region();
    pen.scroll(top as u16, bottom as u16, best.by, out);
    move_rows(shown, width, top, bottom, best.by);
}

/// `next[from..=until]` is what `shown` has `by` rows further down.
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

/// The best contiguous stretch for every distance (largest sum of a run, after Kadane).
fn best_move(before: &[u64], after: &[u64]) -> Option<Move> {
    let height = i32::try_from(before.len().min(after.len())).unwrap_or(0);
    let mut best: Option<Move> = None;
    for by in (1..height).flat_map(|n| [n, -n]) {
        let (mut sum, mut start) = (0, 0);
        for row in 0..height {
            let (Ok(here), Ok(there)) = (usize::try_from(row), usize::try_from(row + by)) else {
                continue;
            };
            let (Some(now), Some(was), Some(moved)) =
                (after.get(here), before.get(here), before.get(there))
            else {
                continue;
            };
            if sum <= 0 {
                (sum, start) = (0, here);
            }
            sum += i32::from(now == moved) - i32::from(now == was);
            if sum >= WORTH && best.is_none_or(|b| sum > b.spared) {
                best = Some(Move { by, from: start, until: here, spared: sum });
            }
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

fn fingerprint(row: &[Cell]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_moved_up_under_fixed_lines_is_found() {
        let before = [1, 10, 11, 12, 13, 14, 2];
        let after = [1, 11, 12, 13, 14, 15, 2];
        let found = best_move(&before, &after).unwrap();
        assert_eq!((found.by, found.region()), (1, (1, 5)));
        let back = best_move(&after, &before).unwrap();
        assert_eq!((back.by, back.region()), (-1, (1, 5)));
    }

    #[test]
    fn a_selection_that_moves_along_does_not_hide_the_move() {
        // Row 13 was selected (shown as 93), now 14 is (94).
        let before = [10, 11, 12, 93, 14, 15, 16];
        let after = [11, 12, 13, 94, 15, 16, 17];
        assert_eq!(best_move(&before, &after).unwrap().by, 1);
    }

    #[test]
    fn rows_that_stay_are_not_moved() {
        assert_eq!(best_move(&[1, 2, 3, 4, 5], &[1, 2, 9, 4, 5]), None);
        assert_eq!(best_move(&[0, 0, 0, 0, 0], &[0, 0, 9, 0, 0]), None);
        assert_eq!(best_move(&[], &[]), None);
    }
}
