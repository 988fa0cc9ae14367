//! A short history in one line: eight heights, gaps as gaps.

use ratatui::style::{Modifier, Style};

use super::canvas::Canvas;

pub fn paint(
    canvas: &mut Canvas<'_>,
    points: &[Option<f64>],
    x: u16,
    y: i32,
    width: u16,
    style: Style,
) {
    // A reversed block is a hole.
    let style = style.remove_modifier(Modifier::REVERSED);
    let levels = levels(&fold(points, usize::from(width)));
    let from = x + width.saturating_sub(levels.len() as u16);
    for (i, level) in levels.iter().enumerate() {
        let glyph = level.and_then(|l| canvas.theme.glyphs.levels.get(l));
        if let Some(glyph) = glyph {
            canvas.text(from + i as u16, y, 1, glyph, style);
        }
    }
}

/// At most `width` points: neighbours are averaged, and a gap stays one only where nothing at all was measured.
pub fn fold(points: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    if width == 0 || points.len() <= width {
        return points.iter().take(width).copied().collect();
    }
    (0..width)
        .map(|i| {
            let (from, until) = (i * points.len() / width, (i + 1) * points.len() / width);
            let known: Vec<f64> =
                points.get(from..until).unwrap_or(&[]).iter().filter_map(|p| *p).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect()
}

/// The lowest and the highest finite point.
pub fn extremes(points: &[Option<f64>]) -> Option<(f64, f64)> {
    let mut known = points.iter().filter_map(|p| *p).filter(|v| v.is_finite());
    let first = known.next()?;
    Some(known.fold((first, first), |(lo, hi), v| (lo.min(v), hi.max(v))))
}

/// Heights 0–7. The scale never magnifies noise: it spans at least two fifths of the highest value.
fn levels(points: &[Option<f64>]) -> Vec<Option<usize>> {
    let Some((lo, hi)) = extremes(points) else { return vec![None; points.len()] };
    let span = (hi - lo).max(hi.abs().max(lo.abs()) * 0.4);
    if span <= 0.0 || !span.is_finite() {
        return points.iter().map(|p| p.map(|_| 0)).collect();
    }
    let middle = f64::midpoint(lo, hi);
    let bottom = middle - span / 2.0;
    let level = |v: f64| (((v - bottom) / span) * 7.0).round().clamp(0.0, 7.0) as usize;
    points.iter().map(|p| p.filter(|v| v.is_finite()).map(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_rises_and_a_gap_stays_a_gap() {
        let shown = levels(&[Some(0.0), None, Some(5.0), Some(10.0)]);
        assert_eq!(shown, [Some(0), None, Some(4), Some(7)]);
    }

    #[test]
    fn noise_is_not_magnified_and_zero_lies_on_the_ground() {
        let shown = levels(&[Some(100.0), Some(101.0), Some(99.0)]);
        assert!(shown.iter().all(|l| matches!(l, Some(3 | 4))), "{shown:?}");
        assert_eq!(levels(&[Some(0.0), Some(0.0)]), [Some(0), Some(0)]);
    }

    #[test]
    fn many_points_fold_into_few() {
        let points: Vec<_> = (0..100).map(|i| (i < 50).then_some(f64::from(i))).collect();
        let folded = fold(&points, 10);
        assert_eq!(folded.len(), 10);
        assert_eq!((folded[0], folded[9]), (Some(4.5), None));
    }

    proptest::proptest! {
        #[test]
        fn no_numbers_panic(points in proptest::collection::vec(proptest::option::of(proptest::num::f64::ANY), 0..50), width in 0_usize..60) {
            proptest::prop_assert!(levels(&fold(&points, width)).len() <= width);
        }
    }
}
