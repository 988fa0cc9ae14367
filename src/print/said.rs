//! What the printers share: a page with all its rows, and cells as words.

use crate::model::{Clean, Overlays};
use crate::page::{Block, Cell, Frame, Look, Place, Rank, RowKey, Scene, Series, Size, Tab};

/// The whole list of a tab in its default order: every row, not only those a screen has room for.
pub fn whole(scene: &Scene<'_>, tab: &Tab, facet: usize) -> Vec<Block> {
    let mut entries = (tab.entries)(scene, facet);
    let number = |ranks: &[Rank]| match ranks.first() {
        Some(Rank::Number(n)) => *n,
        _ => f64::INFINITY,
    };
    entries.sort_by(|a, b| number(&a.ranks).total_cmp(&number(&b.ranks)));
    let order: Vec<RowKey> = entries.into_iter().map(|e| e.key).collect();
    let look = Look { total: order.len(), order, facet, ..Look::default() };
    let width = scene.frame.size.width;
    let scene = Scene { frame: Frame::new(Size { width, height: u16::MAX }), ..*scene };
    let mut blocks = (tab.compose)(&scene, &look);
    // What lies beside a list is about one row of it.
    blocks.retain(|b| b.place == Place::Main);
    blocks
}

/// A cell in words; sparklines have none.
pub fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Line(line) => line.text(),
        Cell::State { health, overlays } => {
            let also = also(*overlays);
            let word = health.word();
            if also.is_empty() { word.to_owned() } else { format!("{word} ({also})") }
        }
        Cell::Spark(..) | Cell::Blank => String::new(),
    }
}

fn also(overlays: Overlays) -> String {
    let words: Vec<&str> = [
        (overlays.stale, "stale"),
        (overlays.flapping, "flapping"),
        (overlays.maintenance, "maintenance"),
        (overlays.acked, "acked"),
        (overlays.silenced, "silenced"),
        (overlays.partial, "partial"),
    ]
    .into_iter()
    .filter_map(|(on, word)| on.then_some(word))
    .collect();
    words.join(", ")
}

/// `p95 1.4 s, from 210 ms to 1.6 s`; a gap is a gap.
pub fn series(series: &Series) -> String {
    let measured = series.points.iter().flatten().count();
    if measured == 0 {
        return format!("{} {}, nothing measured", series.name, series.newest);
    }
    format!("{} {}, from {} to {}", series.name, series.newest, series.low, series.high)
}

/// A title, or nothing.
pub fn title(title: &Clean) -> Option<&str> {
    (!title.is_empty()).then(|| title.as_str())
}
