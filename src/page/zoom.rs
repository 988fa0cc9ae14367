//! How much time the charts of an opened page show, where their cursor stands, and what metric stores told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Frame, RowKey, Scene, Tab, room, service};
use crate::model::{Clean, Fold, Measure, Metric, MetricId, Slices, SourceName, Track};

/// Windows, from the closest look to the widest.
pub const WINDOWS: [SignedDuration; 8] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(3),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(12),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(2 * 24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
];

/// What somebody chose to see. Kept by the cockpit, read by pages.
#[derive(Debug, Clone, Default)]
pub struct Zoom {
    /// Index into `WINDOWS`; `None` leaves it to the page.
    pub level: Option<usize>,
    /// Where the window ends; `None` is the moment shown.
    pub until: Option<Timestamp>,
    /// The moment all numbers are read at.
    pub cursor: Option<Timestamp>,
    /// What stores told for this page, of this window or of an earlier one.
    pub told: Option<Arc<Told>>,
}

impl Zoom {
    /// Another page is opened: the width of the window stays, its place and the cursor do not.
    pub fn leave(&mut self) {
        *self = Self { level: self.level, ..Self::default() };
    }
}

/// What metric stores told of one stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub page: RowKey,
    pub slices: Slices,
    /// Nothing after this was asked for.
    pub at: Timestamp,
    /// When somebody was asked.
    pub asked: Timestamp,
    /// Oldest first; each point stands for the slice that ends with it.
    pub curves: BTreeMap<MetricId, Vec<(Timestamp, Measure)>>,
    /// Somebody is still to answer.
    pub waits: bool,
    /// Who did not tell everything, and why.
    pub troubles: Vec<(SourceName, Clean)>,
}

/// What a tab's opened pages draw over time.
pub struct Panel {
    pub tab: &'static str,
    /// The window a page begins with, as an index into `WINDOWS`.
    pub level: fn(&Scene<'_>, &RowKey) -> usize,
    /// Numbers whose past metric stores are asked for.
    pub numbers: fn(&Scene<'_>, &RowKey) -> Vec<Metric>,
}

/// Tabs whose opened pages have charts.
pub const PANELS: &[Panel] = &[service::PANEL];

impl Tab {
    /// What its opened pages draw over time, where they do.
    pub fn panel(&self) -> Option<&'static Panel> {
        PANELS.iter().find(|panel| panel.tab == self.name)
    }
}

impl Panel {
    /// The window somebody sees, as an index into `WINDOWS`.
    pub fn chosen(&self, scene: &Scene<'_>, zoom: &Zoom, key: &RowKey) -> usize {
        zoom.level.unwrap_or_else(|| (self.level)(scene, key)).min(WINDOWS.len() - 1)
    }

    /// The slices of time somebody sees: as many as the charts of this frame have columns.
    pub fn slices(&self, scene: &Scene<'_>, zoom: &Zoom, key: &RowKey) -> Slices {
        let level = self.chosen(scene, zoom, key);
        let until = zoom.until.map_or(scene.now, |until| until.min(scene.now));
        Slices::ending(until, window(level), columns(&scene.frame))
    }
}

/// A window by its index.
pub fn window(level: usize) -> SignedDuration {
    WINDOWS.get(level).copied().unwrap_or(SignedDuration::from_hours(3))
}

/// Columns a curve of an opened page has on this frame.
fn columns(frame: &Frame) -> usize {
    usize::from(room::plot_columns(frame)).max(LEAST_COLUMNS)
}

/// A curve of fewer points says nothing; on such a screen it is drawn from more than it has room for.
const LEAST_COLUMNS: usize = 24;

impl Told {
    /// Whether it is what a window of these slices, looked at from `now`, wants: what is newer is known from polls.
    pub fn serves(&self, page: &RowKey, slices: &Slices, now: Timestamp) -> bool {
        let end = self.slices.until().min(self.at);
        let new = slices.until().min(now).duration_since(end);
        self.page == *page
            && self.slices.step() == slices.step()
            && self.slices.from() <= slices.from()
            && slices.from() < end
            && new <= fresh_for(slices)
    }
}

/// How long the newest end of a window is taken from polls before the store is asked again.
fn fresh_for(slices: &Slices) -> SignedDuration {
    (slices.span() / 4).min(SignedDuration::from_mins(15)).max(slices.step())
}

/// One reading a slice: what stores told, and where they told nothing, what was polled. `None` where nothing is known.
pub fn readings(
    slices: &Slices,
    told: Option<&[(Timestamp, Measure)]>,
    polled: Option<&Track>,
    fold: Fold,
) -> Vec<Option<Measure>> {
    let mut found: Vec<Option<Measure>> = vec![None; slices.count()];
    put(&mut found, slices, told.unwrap_or(&[]).iter().cloned(), fold);
    if let Some(track) = polled.filter(|_| found.iter().any(Option::is_none)) {
        let mut known = vec![None; slices.count()];
        put(&mut known, slices, track.after(slices.from()), fold);
        for (slot, polled) in found.iter_mut().zip(known) {
            if slot.is_none() {
                *slot = polled;
            }
        }
    }
    found
}

fn put(
    found: &mut [Option<Measure>],
    slices: &Slices,
    points: impl Iterator<Item = (Timestamp, Measure)>,
    fold: Fold,
) {
    let mut counted: (usize, u32) = (usize::MAX, 0);
    for (at, measure) in points {
        let Some(slice) = slices.slice(at) else { continue };
        let Some(slot) = found.get_mut(slice) else { continue };
        let n = if counted.0 == slice { counted.1 } else { 0 };
        let both = slot.as_ref().and_then(Measure::number).zip(measure.number());
        *slot = match (both, &*slot) {
            (Some((old, new)), _) => {
                counted = (slice, n + 1);
                Some(Measure::Number(match fold {
                    Fold::Mean => old + (new - old) / f64::from(n + 1),
                    Fold::Least => old.min(new),
                    Fold::Most => old.max(new),
                }))
            }
            // A number says more than that there was none.
            (None, Some(Measure::Number(_))) => continue,
            (None, _) => {
                counted = (slice, 1);
                Some(measure)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hour() -> Slices {
        Slices::ending(at(36_000), SignedDuration::from_hours(1), 60)
    }

    #[test]
    fn what_a_store_told_comes_before_what_was_polled_and_gaps_are_filled_from_there() {
        let slices = hour();
        let told = [(slices.end(0), Measure::Number(1.0)), (slices.end(1), Measure::NoTraffic)];
        let mut track = Track::default();
        track.add(slices.end(0), Measure::Number(9.0));
        track.add(slices.end(2), Measure::Number(3.0));
        let found = readings(&slices, Some(&told), Some(&track), Fold::Mean);
        assert_eq!(found.len(), 60);
        assert_eq!(found[0], Some(Measure::Number(1.0)));
        assert_eq!(found[1], Some(Measure::NoTraffic));
        assert_eq!(found[2], Some(Measure::Number(3.0)));
        assert_eq!(found[3], None);
    }

    #[test]
    fn several_polls_in_a_slice_are_one_reading_by_its_fold() {
        let slices = hour();
        let mut track = Track::default();
        for (second, value) in [(-30, 2.0), (-20, 4.0), (-10, 9.0)] {
            track.add(slices.end(5) + SignedDuration::from_secs(second), Measure::Number(value));
        }
        track.add(slices.end(5) - SignedDuration::from_secs(5), Measure::NoTraffic);
        for (fold, value) in [(Fold::Mean, 5.0), (Fold::Least, 2.0), (Fold::Most, 9.0)] {
            let found = readings(&slices, None, Some(&track), fold);
            assert_eq!(found[5], Some(Measure::Number(value)), "{fold:?}");
        }
    }

    #[test]
    fn what_was_told_serves_until_polls_no_longer_bridge_to_now() {
        let key: RowKey = "service\0web".into();
        let now = at(36_000);
        let told = Told {
            page: key.clone(),
            slices: hour(),
            at: now,
            asked: now,
            curves: BTreeMap::new(),
            waits: false,
            troubles: Vec::new(),
        };
        let later = |minutes: i64| {
            let now = now + SignedDuration::from_mins(minutes);
            told.serves(&key, &Slices::ending(now, SignedDuration::from_hours(1), 60), now)
        };
        assert!(later(0) && later(14) && later(15));
        assert!(!later(16), "asked again after a quarter of an hour");
        assert!(!later(-10), "and for a window that was moved into the past");
        assert!(!told.serves(&"service\0db".into(), &hour(), now), "another page");
        let closer = Slices::ending(now, SignedDuration::from_hours(1), 240);
        assert!(!told.serves(&key, &closer, now), "another resolution");
    }
}
