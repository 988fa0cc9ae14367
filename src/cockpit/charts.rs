//! Charts of an opened page: their window and cursor under the keys, and the past of their numbers asked for once a window.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::actions::Action;
use super::state::Cockpit;
use super::{Charted, Charting, Effect};
use crate::model::{Clean, Fact, Metric, Slices, SourceName, Status};
use crate::page::zoom::{Panel, Told, WINDOWS, Zoom, window};
use crate::page::{Line, Noun, RowKey, room, words};

/// Windows remembered, so that a way back asks nobody.
const KEPT: usize = 12;
/// A store that failed is not asked again before.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// What was asked of metric stores, and what they told.
#[derive(Debug, Default)]
pub(super) struct Charts {
    id: u64,
    /// The question in the air.
    asked: Option<(u64, Told)>,
    /// Newest last.
    kept: VecDeque<Arc<Told>>,
    /// Somebody wants fresh answers.
    renew: bool,
}

impl Charts {
    /// What was told is asked for again.
    pub fn renew(&mut self) {
        self.kept.clear();
        self.asked = None;
        self.renew = true;
    }

    fn keep(&mut self, told: Arc<Told>) {
        self.kept.retain(|kept| kept.page != told.page || kept.slices != told.slices);
        self.kept.push_back(told);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }
}

impl Cockpit {
    /// The page with charts that lies open.
    fn panel(&self) -> Option<(&'static Panel, RowKey)> {
        let panel = self.here()?.panel()?;
        Some((panel, self.look()?.opened.clone()?))
    }

    fn zoom(&self) -> Option<&Zoom> {
        self.look().map(|look| &look.zoom)
    }

    fn zoom_mut(&mut self) -> Option<&mut Zoom> {
        self.seat_mut().map(|seat| &mut seat.look.zoom)
    }

    /// The window somebody sees, as an index into `WINDOWS` and in slices.
    fn slices(&self) -> Option<(usize, Slices)> {
        let (panel, key) = self.panel()?;
        let (scene, zoom) = (self.scene(), self.zoom()?);
        Some((panel.chosen(&scene, zoom, &key), panel.slices(&scene, zoom, &key)))
    }

    /// What the keys of charts do; the charts come into sight.
    pub(super) fn steer(&mut self, now: Timestamp, action: Action) {
        match action {
            Action::CursorEarlier => self.move_cursor(-1),
            Action::CursorLater => self.move_cursor(1),
            Action::PreviousMark => self.go_to_mark(now, false),
            Action::NextMark => self.go_to_mark(now, true),
            Action::Closer => self.change_window(now, -1),
            Action::Wider => self.change_window(now, 1),
            Action::WindowEarlier => self.move_window(now, -1),
            Action::WindowLater => self.move_window(now, 1),
            _ => self.return_window(),
        }
        let blocks = self.opened_blocks().unwrap_or_default();
        let plan = room::plan(&self.frame, &blocks);
        let drawn = blocks.iter().zip(&plan.areas);
        let mut charts = drawn.filter(|(block, _)| matches!(block.noun, Noun::Chart(_)));
        let Some((_, Some(area))) = charts.next() else { return };
        let body = usize::from(self.frame.body_height());
        let (top, end) = (usize::from(area.y), usize::from(area.y) + usize::from(area.height));
        let most = usize::from(plan.tall).saturating_sub(body);
        if let Some(seat) = self.seat_mut() {
            let scroll = seat.look.scroll.max(end.saturating_sub(body)).min(top);
            seat.look.scroll = scroll.min(most);
        }
    }

    fn move_cursor(&mut self, by: isize) {
        let shown = self.shown_moment();
        let Some((_, slices)) = self.slices() else { return };
        let newest = slices.slice(shown).unwrap_or(slices.count().saturating_sub(1));
        let standing = self.zoom().and_then(|zoom| zoom.cursor).and_then(|at| slices.slice(at));
        let to = match standing {
            // A first press reads the newest moment.
            None => Some(newest),
            Some(at) => at.checked_add_signed(by).filter(|to| *to <= newest),
        };
        if let Some(to) = to {
            self.put_cursor(slices.end(to));
            return;
        }
        // Beyond the edge the window goes along.
        let Some(standing) = standing else { return };
        let step = SignedDuration::from_secs(by as i64 * slices.step().as_secs());
        if let Ok(to) = slices.end(standing).checked_add(step)
            && to < shown
        {
            self.shift(by);
            self.put_cursor(to);
        }
    }

    fn put_cursor(&mut self, at: Timestamp) {
        if let Some(zoom) = self.zoom_mut() {
            zoom.cursor = Some(at);
        }
    }

    /// Half a window on; a window that would reach beyond the moment shown ends there.
    fn shift(&mut self, by: isize) {
        let shown = self.shown_moment();
        let Some((level, slices)) = self.slices() else { return };
        let half = window(level) / 2;
        let end = slices.until().min(shown);
        let to = if by < 0 { end.checked_sub(half) } else { end.checked_add(half) };
        if let (Ok(to), Some(zoom)) = (to, self.zoom_mut()) {
            zoom.until = (to < shown).then_some(to);
        }
    }

    fn move_window(&mut self, now: Timestamp, by: isize) {
        if by > 0 && self.zoom().is_some_and(|zoom| zoom.until.is_none()) {
            self.say(now, Line::plain("the window ends at the moment shown already"));
            return;
        }
        let before = self.slices();
        self.shift(by);
        // The cursor keeps its place on the screen.
        let at = self.zoom().and_then(|zoom| zoom.cursor);
        let place = before.zip(at).and_then(|((_, slices), at)| slices.slice(at));
        if let (Some(place), Some((_, slices))) = (place, self.slices()) {
            let at = slices.end(place).min(self.shown_moment());
            self.put_cursor(at);
        }
    }

    fn return_window(&mut self) {
        if let Some(zoom) = self.zoom_mut() {
            zoom.until = None;
            zoom.cursor = None;
        }
    }

    /// A longer or shorter window: the moment of the cursor stays where it is, else the end does.
    fn change_window(&mut self, now: Timestamp, by: isize) {
        let shown = self.shown_moment();
        let Some((level, slices)) = self.slices() else { return };
        let Some(to) = level.checked_add_signed(by).filter(|to| *to < WINDOWS.len()) else {
            let words = format!("{} is as far as it goes", words::exact(window(level)));
            self.say(now, Line::plain(Clean::line(words)));
            return;
        };
        let Some(zoom) = self.zoom_mut() else { return };
        zoom.level = Some(to);
        let Some(at) = zoom.cursor.filter(|at| slices.slice(*at).is_some()) else { return };
        let after = slices.until().duration_since(at).as_secs_f64();
        let share = after / slices.span().as_secs_f64().max(1.0);
        let after = SignedDuration::try_from_secs_f64(share * window(to).as_secs_f64());
        let end = after.ok().and_then(|after| at.checked_add(after).ok());
        zoom.until = end.filter(|end| *end < shown);
    }

    /// To the next mark on the time axis; the window goes along.
    fn go_to_mark(&mut self, now: Timestamp, later: bool) {
        let shown = self.shown_moment();
        let Some((_, slices)) = self.slices() else { return };
        let standing = self.zoom().and_then(|zoom| zoom.cursor);
        let from = standing.unwrap_or(if later { slices.from() } else { shown });
        let blocks = self.opened_blocks().unwrap_or_default();
        let charts = blocks.iter().filter_map(|block| match &block.noun {
            Noun::Chart(chart) => Some(chart),
            _ => None,
        });
        let marks = charts.flat_map(|c| &c.lanes).flat_map(|lane| &lane.marks);
        // The slice a mark lies in is the one that ends with it or after it.
        let ends = marks
            .filter_map(|m| slices.slice(m.at))
            .map(|slice| slices.end(slice))
            .filter(|at| *at < shown.max(slices.until()));
        let to = if later {
            ends.filter(|at| *at > from).min()
        } else {
            ends.filter(|at| *at < from).max()
        };
        if let Some(at) = to {
            self.put_cursor(at);
            return;
        }
        let way = if later { "later" } else { "earlier" };
        let words = format!("no {way} mark in this window");
        self.say(now, Line::plain(Clean::line(words)));
    }

    /// Asks for the past of what lies open, where nobody told it yet.
    pub(super) fn wish_for_curves(&mut self, now: Timestamp) -> Option<Effect> {
        let (panel, page) = self.panel()?;
        let scene = self.scene();
        let (shown, zoom) = (scene.now, self.zoom()?);
        let slices = panel.slices(&scene, zoom, &page);
        let good =
            |told: &Told| told.serves(&page, &slices, shown) && !self.may_ask_again(told, now);
        if !self.charts.renew {
            if zoom.told.as_deref().is_some_and(good) {
                return None;
            }
            if self.charts.asked.as_ref().is_some_and(|(_, told)| good(told)) {
                return None;
            }
            if let Some(kept) = self.charts.kept.iter().rev().find(|told| good(told)).cloned() {
                self.zoom_mut()?.told = Some(kept);
                return None;
            }
        }
        let numbers = (panel.numbers)(&scene, &page);
        // Until the answer comes, what an earlier one told of the same hours is better than nothing.
        let before = zoom
            .told
            .as_deref()
            .filter(|told| told.page == page && told.slices.step() <= slices.step());
        let before = before.map(|told| told.curves.clone()).unwrap_or_default();
        self.charts.renew = false;
        let mut told = Told {
            page,
            slices,
            at: shown,
            asked: now,
            curves: BTreeMap::new(),
            waits: true,
            troubles: Vec::new(),
        };
        let numbers = self.without_resting(numbers, now, &mut told.troubles);
        told.waits = !numbers.is_empty();
        self.charts.id += 1;
        let id = self.charts.id;
        let shared = Arc::new(Told { curves: before, ..told.clone() });
        if numbers.is_empty() {
            self.zoom_mut()?.told = Some(shared);
            return None;
        }
        self.charts.asked = Some((id, told));
        self.zoom_mut()?.told = Some(shared);
        Some(Effect::Chart(Charting { id, numbers, slices, at: shown }))
    }

    /// A store that failed is asked again once it answers polls.
    fn may_ask_again(&self, told: &Told, now: Timestamp) -> bool {
        let sources = &self.board().sources;
        let well = |name: &SourceName| sources.get(name).is_some_and(|f| f.status == Status::Ok);
        !told.troubles.is_empty()
            && now.duration_since(told.asked) >= REST
            && told.troubles.iter().all(|(name, _)| well(name))
    }

    /// Upstreams that asked for quiet, or refused the credential, are left alone whoever asks.
    fn without_resting(
        &self,
        mut numbers: Vec<Metric>,
        now: Timestamp,
        troubles: &mut Vec<(SourceName, Clean)>,
    ) -> Vec<Metric> {
        let zone = &self.team.zone;
        numbers.retain(|metric| {
            let fresh = self.board().sources.get(&metric.source);
            let rests = fresh
                .filter(|f| matches!(f.status, Status::RateLimited | Status::Auth))
                .and_then(|f| f.next_poll)
                .filter(|until| now < *until);
            let Some(until) = rests else { return true };
            if !troubles.iter().any(|(name, _)| *name == metric.source) {
                let until = words::clock(until, zone);
                let words = Clean::line(format_args!("not asked before {until}"));
                troubles.push((metric.source.clone(), words));
            }
            false
        });
        numbers
    }

    /// A store answered, or nobody will; an answer to an older question is too late.
    pub(super) fn learn_curves(&mut self, charted: Charted) {
        let Some((_, told)) = self.charts.asked.as_mut().filter(|(id, _)| *id == charted.id) else {
            return;
        };
        match charted.told {
            Some((source, Ok(report))) => {
                if let Some(words) = report.partial {
                    told.troubles.push((source, words));
                }
                for fact in report.facts {
                    if let Fact::History { id, points } = fact {
                        told.curves.insert(id, points);
                    }
                }
            }
            Some((source, Err(trouble))) => told.troubles.push((source, trouble.message)),
            None => {}
        }
        told.waits = charted.more;
        let shared = Arc::new(told.clone());
        if !charted.more {
            self.charts.asked = None;
            self.charts.keep(Arc::clone(&shared));
        }
        let seats = self.stands.iter_mut().flat_map(|stand| &mut stand.seats);
        for seat in seats.filter(|seat| seat.look.opened.as_ref() == Some(&shared.page)) {
            seat.look.zoom.told = Some(Arc::clone(&shared));
        }
    }
}
