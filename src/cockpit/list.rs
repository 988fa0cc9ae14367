//! A list as somebody looks at it: rows are known by key, so selection, marks and scroll survive every refresh.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::filter::Sieve;
use crate::page::{Entry, Look, Rank, RowKey, Sort};

/// Makes the shown order anew from all entries, and keeps what the reader had: the selected row, its place on the screen, the marks.
pub fn arrange(look: &mut Look, entries: Vec<Entry>, sieve: &Sieve, rows: usize) {
    let before = std::mem::take(&mut look.order);
    let stood = look.selected.as_ref().and_then(|key| match before.get(look.stood) {
        Some(there) if there == key => Some(look.stood),
        _ => before.iter().position(|k| k == key),
    });
    look.total = entries.len();
    if !look.marked.is_empty() {
        let alive: HashSet<&RowKey> = entries.iter().map(|e| &e.key).collect();
        look.marked.retain(|key| alive.contains(key));
    }
    let mut shown: Vec<Entry> = entries
        .into_iter()
        .filter(|e| (!look.problems_only || e.problem) && sieve.holds(e))
        .collect();
    if look.filter.text.trim().is_empty() && look.sort.column == 0 {
        look.sort.chosen = false;
    }
    shown.sort_by(|a, b| {
        let rank = |e: &Entry| e.ranks.get(look.sort.column).cloned().unwrap_or(Rank::None);
        compare(&rank(a), &rank(b), look.sort.reversed)
    });
    if sieve.ranks() && look.sort == Sort::default() {
        // Stable: what fits equally well stays in its order.
        let mut fitted: Vec<(f64, Entry)> = shown.into_iter().map(|e| (sieve.fit(&e), e)).collect();
        fitted.sort_by(|a, b| b.0.total_cmp(&a.0));
        shown = fitted.into_iter().map(|(_, e)| e).collect();
    }
    look.order = shown.into_iter().map(|e| e.key).collect();
    settle_selection(look, &before, stood);
    look.stood = look.selected_at().unwrap_or(0);
    // The selected row stays on its line of the screen, wherever it went in the list.
    if let (Some(stood), Some(now)) = (stood, look.selected_at()) {
        let line = stood.saturating_sub(look.first);
        look.first = now.saturating_sub(line);
    }
    keep_in_sight(look, rows);
}

/// Numbers before texts before nothing; nothing stays last when the order is turned round.
fn compare(a: &Rank, b: &Rank, reversed: bool) -> Ordering {
    let order = match (a, b) {
        (Rank::None, Rank::None) => return Ordering::Equal,
        (Rank::None, _) => return Ordering::Greater,
        (_, Rank::None) => return Ordering::Less,
        (Rank::Number(a), Rank::Number(b)) => a.total_cmp(b),
        (Rank::Text(a), Rank::Text(b)) => a.cmp(b),
        (Rank::Number(_), Rank::Text(_)) => Ordering::Less,
        (Rank::Text(_), Rank::Number(_)) => Ordering::Greater,
    };
    if reversed { order.reverse() } else { order }
}

/// The selected row if it is still there; else the nearest one below where it stood, else above; else the first.
fn settle_selection(look: &mut Look, before: &[RowKey], stood: Option<usize>) {
    if look.selected_at().is_some() {
        return;
    }
    let here: HashSet<&RowKey> = look.order.iter().collect();
    let neighbour = stood.and_then(|at| {
        let below = before.iter().skip(at + 1);
        let above = before.iter().take(at).rev();
        below.chain(above).find(|key| here.contains(key)).cloned()
    });
    look.selected = neighbour.or_else(|| look.order.first().cloned());
}

/// Moves the selection by `step` rows, stopping at the ends.
pub fn step(look: &mut Look, step: isize, rows: usize) {
    let Some(last) = look.order.len().checked_sub(1) else { return };
    let at = look.selected_at().unwrap_or(0);
    select(look, at.saturating_add_signed(step).min(last), rows);
}

pub fn select(look: &mut Look, at: usize, rows: usize) {
    if let Some(key) = look.order.get(at) {
        look.selected = Some(key.clone());
        look.stood = at;
        keep_in_sight(look, rows);
    }
}

/// Scrolls as little as possible so that the selection is in sight and no room is wasted below the end.
pub fn keep_in_sight(look: &mut Look, rows: usize) {
    let rows = rows.max(1);
    let at = look.selected_at().unwrap_or(0);
    look.first = look
        .first
        .min(at)
        .max((at + 1).saturating_sub(rows))
        .min(look.order.len().saturating_sub(rows));
}

/// Marks a row, or takes its mark away.
pub fn mark(look: &mut Look) {
    let Some(key) = look.selected.clone() else { return };
    match look.marked.iter().position(|k| *k == key) {
        Some(i) => {
            look.marked.remove(i);
        }
        None => look.marked.push(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, rank: f64) -> Entry {
        Entry {
            key: name.into(),
            words: vec![("name", name.to_owned().into())],
            ranks: vec![if rank.is_nan() { Rank::None } else { Rank::Number(rank) }],
            problem: rank > 5.0,
        }
    }

    fn entries(names: &[(&str, f64)]) -> Vec<Entry> {
        names.iter().map(|(n, r)| entry(n, *r)).collect()
    }

    fn order(look: &Look) -> String {
        look.order.iter().map(|k| &**k).collect()
    }

    #[test]
    fn nothing_sorts_last_in_both_directions() {
        let mut look = Look::default();
        let rows = [("a", 2.0), ("b", f64::NAN), ("c", 1.0)];
        arrange(&mut look, entries(&rows), &Sieve::default(), 10);
        assert_eq!(order(&look), "cab");
        look.sort.reversed = true;
        arrange(&mut look, entries(&rows), &Sieve::default(), 10);
        assert_eq!(order(&look), "acb");
    }

    #[test]
    fn a_vanished_row_hands_its_selection_to_its_neighbour() {
        let mut look = Look::default();
        let all = [("a", 1.0), ("b", 2.0), ("c", 3.0)];
        arrange(&mut look, entries(&all), &Sieve::default(), 10);
        select(&mut look, 1, 10);
        arrange(&mut look, entries(&[("a", 1.0), ("c", 3.0)]), &Sieve::default(), 10);
        assert_eq!(look.selected.as_deref(), Some("c"));
        arrange(&mut look, entries(&[("a", 1.0)]), &Sieve::default(), 10);
        assert_eq!(look.selected.as_deref(), Some("a"));
        arrange(&mut look, Vec::new(), &Sieve::default(), 10);
        assert_eq!(look.selected, None);
    }

    #[test]
    fn marks_die_with_their_rows_but_not_with_a_filter() {
        let mut look = Look::default();
        let all = [("a", 1.0), ("b", 2.0)];
        arrange(&mut look, entries(&all), &Sieve::default(), 10);
        mark(&mut look);
        arrange(&mut look, entries(&all), &Sieve::read("b", &[]), 10);
        assert_eq!((order(&look).as_str(), look.marked.len()), ("b", 1));
        arrange(&mut look, entries(&[("b", 2.0)]), &Sieve::default(), 10);
        assert_eq!(look.marked.len(), 0);
    }

    #[test]
    fn the_selected_row_keeps_its_line_on_the_screen_when_rows_come_above_it() {
        let mut look = Look::default();
        let names: Vec<String> = (0..50).map(|i| format!("row{i:02}")).collect();
        let some: Vec<_> = names.iter().skip(20).map(|n| entry(n, 0.0)).collect();
        arrange(&mut look, some, &Sieve::default(), 5);
        select(&mut look, 12, 5);
        let line = look.selected_at().unwrap() - look.first;
        arrange(&mut look, names.iter().map(|n| entry(n, 0.0)).collect(), &Sieve::default(), 5);
        assert_eq!(look.selected.as_deref(), Some("row32"));
        assert_eq!(look.selected_at().unwrap() - look.first, line);
    }

    proptest! {
        #[test]
        fn the_selection_is_always_an_existing_row_in_sight(
            steps in proptest::collection::vec((0_usize..20, -30_isize..30, 0_usize..6, any::<bool>()), 1..30)
        ) {
            let mut look = Look::default();
            for (n, by, rows, problems) in steps {
                look.problems_only = problems;
                let list = (0..n).map(|i| entry(&format!("r{}", (i * 7) % 20), i as f64)).collect();
                arrange(&mut look, list, &Sieve::default(), rows);
                step(&mut look, by, rows);
                match look.selected_at() {
                    Some(at) => prop_assert!((look.first..look.first + rows.max(1)).contains(&at)),
                    None => prop_assert!(look.order.is_empty()),
                }
            }
        }
    }
}
