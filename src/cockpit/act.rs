//! What each action does: one arm a line, identities instead of row numbers.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::actions::{Action, Context};
use super::commands::{Ground, Order};
use super::field::Field;
use super::key::{Code, Key};
use super::state::{Cockpit, Mode};
use super::{Effect, Mouse, Which, help, list};
use crate::insight::plans;
use crate::model::{Clean, SourceName, Window};
use crate::page::{Block, Hit, Line, Noun, Place, RowKey, Rows, Scene, Tab, Tone, room};

/// Rows a turn of the wheel moves.
const WHEEL: isize = 3;
/// Bytes of one copied id, at most.
const ID_CAP: usize = 4096;

impl Cockpit {
    pub(super) fn act(&mut self, now: Timestamp, action: Action) -> Vec<Effect> {
        if self.wall.is_some() && matches!(action, Action::NextTab | Action::PreviousTab) {
            self.turn_page(now, action == Action::NextTab);
            return Vec::new();
        }
        if let Some(seat) = self.seat_mut() {
            seat.touched |= touches(action);
        }
        let page = isize::try_from(self.page_rows()).unwrap_or(1);
        match action {
            Action::Down => self.travel(1),
            Action::Up => self.travel(-1),
            Action::First => self.travel(isize::MIN),
            Action::Last => self.travel(isize::MAX),
            Action::HalfDown => self.travel((page / 2).max(1)),
            Action::HalfUp => self.travel(-(page / 2).max(1)),
            Action::PageDown => self.travel(page),
            Action::PageUp => self.travel(-page),
            Action::NextDay => self.walk(Span::new().days(1)),
            Action::PreviousDay => self.walk(Span::new().days(-1)),
            Action::NextWeek => self.walk(Span::new().weeks(1)),
            Action::PreviousWeek => self.walk(Span::new().weeks(-1)),
            Action::NextMonth => self.walk(Span::new().months(1)),
            Action::PreviousMonth => self.walk(Span::new().months(-1)),
            Action::Today => self.go_to_day(None),
            Action::NextRelease => self.next_release(now),
            Action::CursorEarlier
            | Action::CursorLater
            | Action::PreviousMark
            | Action::NextMark
            | Action::Closer
            | Action::Wider
            | Action::WindowEarlier
            | Action::WindowLater
            | Action::WindowNow => self.steer(now, action),
            Action::Tab(n) => self.go_to_tab(n),
            Action::NextTab => self.go_to_tab((self.tab + 1) % self.tabs.len().max(1)),
            Action::PreviousTab => {
                let n = self.tabs.len().max(1);
                self.go_to_tab((self.tab + n - 1) % n);
            }
            Action::Facet => self.next_facet(now),
            Action::Open => self.open(),
            Action::Back => self.back(now),
            Action::Filter => self.start_filter(),
            Action::Find => self.start_find(),
            Action::NextHit => self.next_hit(now, true),
            Action::PreviousHit => self.next_hit(now, false),
            Action::NextHeading => self.next_heading(true),
            Action::PreviousHeading => self.next_heading(false),
            Action::NextDocument => self.next_document(now, 1),
            Action::PreviousDocument => self.next_document(now, -1),
            Action::Edit => return self.edit(now),
            Action::Problems => {
                self.change_list(|look| look.problems_only = !look.problems_only);
            }
            Action::Sort => {
                let n = self.here().map_or(0, |tab| tab.sorts.len()).max(1);
                let fits = self.by_fit();
                self.change_list(|look| {
                    // From the best fit to the first column, then on.
                    let step = usize::from(!fits);
                    look.sort.column = (look.sort.column + step) % n;
                    look.sort.chosen = true;
                });
            }
            Action::Reverse => self.change_list(|look| look.sort.reversed = !look.sort.reversed),
            Action::Mark => {
                let rows = self.list_rows();
                if let Some(seat) = self.seat_mut() {
                    list::mark(&mut seat.look);
                    list::step(&mut seat.look, 1, rows);
                }
            }
            Action::Browse => return self.browse(now),
            Action::CopyId => return self.copy_id(now),
            Action::CopyLink => return self.copy_link(now),
            Action::Refresh => return self.refresh(now),
            Action::RefreshAll => {
                self.charts.renew();
                self.say(now, Line::plain("asking every source"));
                return vec![Effect::Poll(Which::All)];
            }
            Action::Pause => self.pause(now),
            Action::Travel
            | Action::Earlier
            | Action::Later
            | Action::LongerStep
            | Action::ShorterStep
            | Action::LookAround
            | Action::Now => return self.travel_in_time(now, action),
            Action::Command => {
                let field = Field::default();
                self.mode = Mode::Command { field, picked: None, complaint: None };
            }
            Action::Help => {
                self.mode = match self.mode {
                    Mode::Help { .. } => Mode::Browse,
                    _ => Mode::Help { search: Field::default(), typing: false, scroll: 0 },
                };
            }
            Action::Redraw => return vec![Effect::Redraw],
            Action::Quit => {
                // The same reflex that leaves a pager closes the help.
                if matches!(self.mode, Mode::Help { .. }) {
                    self.mode = Mode::Browse;
                    return Vec::new();
                }
                return vec![Effect::Quit];
            }
        }
        Vec::new()
    }

    fn list_rows(&self) -> usize {
        self.seat().map_or(1, |seat| seat.rows).max(1)
    }

    fn page_rows(&self) -> usize {
        match self.context() {
            Context::List => self.list_rows(),
            _ => usize::from(self.frame.body_height()).max(1),
        }
    }

    /// Moves what moves here: the selection, the text, the help.
    fn travel(&mut self, step: isize) {
        let context = self.context_below();
        if let Mode::Help { search, scroll, .. } = &mut self.mode {
            let lines = help::lines(&self.keymap, context, &search.text());
            *scroll = scroll.saturating_add_signed(step).min(lines.saturating_sub(1));
            return;
        }
        if matches!(context, Context::Detail | Context::Charts | Context::Reader) {
            let most = self.most_scroll();
            if let Some(seat) = self.seat_mut() {
                seat.look.scroll = seat.look.scroll.saturating_add_signed(step).min(most);
            }
            return;
        }
        let rows = self.list_rows();
        if let Some(seat) = self.seat_mut() {
            list::step(&mut seat.look, step, rows);
        }
    }

    /// How far the opened page scrolls: its text if it has one to read, else all of it.
    pub(super) fn most_scroll(&self) -> usize {
        let Some(blocks) = self.opened_blocks() else { return 0 };
        let plan = room::plan(&self.frame, &blocks);
        let text = blocks.iter().zip(&plan.areas).find_map(|(block, area)| match &block.noun {
            Noun::Prose(p) if room::is_reader(&self.frame, block) => {
                let room = area.map_or(0, |a| a.body(block).height);
                Some(p.total.max(p.lines.len()).saturating_sub(usize::from(room)))
            }
            _ => None,
        });
        text.unwrap_or_else(|| {
            usize::from(plan.tall).saturating_sub(usize::from(self.frame.body_height()))
        })
    }

    pub(super) fn clamp_scroll(&mut self) {
        if self.look().is_some_and(|look| look.opened.is_some() && look.scroll > 0) {
            let most = self.most_scroll();
            if let Some(seat) = self.seat_mut() {
                seat.look.scroll = seat.look.scroll.min(most);
            }
        }
    }

    /// The opened page; what no longer exists says so.
    pub(super) fn opened_blocks(&self) -> Option<Vec<Block>> {
        let look = self.look()?;
        let key = look.opened.as_ref()?;
        let tab = self.here()?;
        let mut blocks = (tab.detail)(&self.scene(), look, key);
        if let Some(blocks) = &mut blocks {
            crate::page::card::fit(&self.frame, blocks);
        }
        // The crumb says the name already, where there is one.
        if self.frame.above >= 3
            && let Some(first) = blocks.as_mut().and_then(|b| b.first_mut())
            && (tab.id)(&self.scene(), key).is_some_and(|id| {
                id == first.title || crate::page::words::short_hash(id.clone()) != id
            })
        {
            first.title = Clean::default();
        }
        Some(blocks.unwrap_or_else(|| {
            let empty = crate::page::Empty {
                title: "this is no longer there".into(),
                advice: vec![Line::plain("esc goes back to the list")],
            };
            vec![Block {
                title: Clean::default(),
                place: Place::Main,
                rows: Rows::Share { min: 3, weight: 1 },
                noun: Noun::Empty(empty),
            }]
        }))
    }

    fn walk(&mut self, by: Span) {
        let day = self.day();
        self.go_to_day(day.checked_add(by).ok());
    }

    fn day(&self) -> Date {
        let scene = self.scene();
        let today = scene.now.to_zoned(scene.zone.clone()).date();
        self.look().and_then(|look| look.day).unwrap_or(today)
    }

    fn go_to_day(&mut self, day: Option<Date>) {
        if let Some(stand) = self.stands.get_mut(self.tab) {
            for seat in &mut stand.seats {
                seat.look.day = day;
            }
        }
        self.forget_order();
    }

    /// From anywhere: to the tab with a month, on the first day after the cursor's on which a release is planned.
    fn next_release(&mut self, now: Timestamp) {
        let calendar = |tab: &&'static Tab| tab.facets.contains(&"month");
        if self.context_below() != Context::Month {
            let Some(n) = self.tabs.iter().position(calendar) else { return };
            self.go_to_tab(n);
            self.close();
            let month = self.here().and_then(|t| t.facets.iter().position(|f| *f == "month"));
            self.show_facet(month.unwrap_or(0));
        }
        let day = self.day();
        let scene = self.scene();
        let next = next_planned(&scene, day);
        match next {
            Some(day) => self.go_to_day(Some(day)),
            None => self.say(
                now,
                Line::plain(Clean::line(format_args!(
                    "no release is planned in the year after {day}"
                ))),
            ),
        }
    }

    fn go_to_tab(&mut self, n: usize) {
        if n >= self.tabs.len() {
            return;
        }
        if n == self.tab {
            self.close();
        }
        self.tab = n;
    }

    fn next_facet(&mut self, now: Timestamp) {
        let n = self.here().map_or(0, |tab| tab.facets.len());
        if n < 2 {
            self.say(now, Line::plain("this tab has one view only"));
        } else {
            self.show_facet((self.facet() + 1) % n);
        }
    }

    fn show_facet(&mut self, facet: usize) {
        let day = self.look().and_then(|look| look.day);
        if let Some(stand) = self.stands.get_mut(self.tab) {
            stand.facet = facet;
            if let Some(seat) = stand.seats.get_mut(facet) {
                seat.look.day = day;
                seat.look.opened = None;
            }
        }
        self.forget_order();
    }

    fn open(&mut self) {
        if self.context_below() == Context::Month {
            let day = self.day();
            self.go_to_day(Some(day));
            let agenda = self.here().and_then(|t| t.facets.iter().position(|f| *f == "agenda"));
            if let Some(facet) = agenda {
                self.show_facet(facet);
            }
            return;
        }
        if let Some(seat) = self.seat_mut() {
            seat.look.opened = seat.look.selected.clone();
            seat.look.scroll = 0;
            seat.look.zoom.leave();
            seat.look.find = crate::page::Find::default();
        }
        self.led_here();
    }

    fn close(&mut self) {
        if let Some(seat) = self.seat_mut() {
            seat.look.opened = None;
            seat.look.scroll = 0;
        }
    }

    /// Closes the topmost thing: popup, opened page, filter. Never quits.
    fn back(&mut self, now: Timestamp) {
        if matches!(self.mode, Mode::Travel(_)) {
            self.return_to_now(now);
            return;
        }
        if matches!(self.mode, Mode::Help { .. }) {
            self.mode = Mode::Browse;
            return;
        }
        if self.notice.take().is_some() && self.context_below() == Context::Month {
            return;
        }
        let Some(look) = self.seat_mut().map(|seat| &mut seat.look) else { return };
        if look.opened.is_some() && !look.find.text.is_empty() {
            look.find = crate::page::Find::default();
        } else if look.opened.is_some() && look.zoom.cursor.take().is_some() {
            // The cursor lies on top of the page.
        } else if look.opened.is_some() {
            self.close();
        } else if !look.filter.text.is_empty() {
            look.filter.text.clear();
            self.forget_order();
        } else if look.problems_only {
            look.problems_only = false;
            self.forget_order();
        } else if !look.marked.is_empty() {
            look.marked.clear();
        } else {
            self.return_to_now(now);
        }
    }

    fn start_filter(&mut self) {
        if let Mode::Help { typing, .. } = &mut self.mode {
            *typing = true;
            return;
        }
        let text = self.look().map(|look| look.filter.text.clone()).unwrap_or_default();
        self.mode = Mode::Filter(Field::of(&text));
    }

    fn change_list(&mut self, change: impl FnOnce(&mut crate::page::Look)) {
        if let Some(seat) = self.seat_mut() {
            change(&mut seat.look);
        }
        self.forget_order();
    }

    /// What an action is about: the opened thing, else the selected row.
    fn subject(&self) -> Option<RowKey> {
        let look = self.look()?;
        look.opened.clone().or_else(|| look.selected.clone())
    }

    fn browse(&mut self, now: Timestamp) -> Vec<Effect> {
        let link = self.subject().and_then(|key| (self.here()?.link)(&self.scene(), &key));
        let Some(link) = link else {
            self.say(now, Line::plain("this row has no link to open"));
            return Vec::new();
        };
        self.say(now, Line::plain("opening ").and(link.clean().clone(), Tone::Link));
        vec![Effect::Open(link)]
    }

    fn copy_id(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(tab) = self.here() else { return Vec::new() };
        let marked = self.look().filter(|look| look.opened.is_none() && !look.marked.is_empty());
        let keys = marked.map_or_else(
            || self.subject().into_iter().collect::<Vec<_>>(),
            |look| look.marked.clone(),
        );
        let scene = self.scene();
        let ids: Vec<Clean> = keys.iter().filter_map(|key| (tab.id)(&scene, key)).collect();
        match ids.as_slice() {
            [] => {
                self.say(now, Line::plain("nothing here to copy"));
                Vec::new()
            }
            [one] => {
                let one = one.clone();
                self.say(now, Line::plain("copied ").and(one.clone(), Tone::Strong));
                vec![Effect::Copy(one)]
            }
            several => {
                let text: Vec<&str> = several.iter().map(Clean::as_str).collect();
                let all = Clean::body(&text.join("\n"), ID_CAP * several.len());
                let words = Clean::line(format!("copied {} ids, one a line", several.len()));
                self.say(now, Line::plain(words));
                vec![Effect::Copy(all)]
            }
        }
    }

    fn copy_link(&mut self, now: Timestamp) -> Vec<Effect> {
        let link = self.subject().and_then(|key| (self.here()?.link)(&self.scene(), &key));
        let Some(link) = link else {
            self.say(now, Line::plain("this row has no link to copy"));
            return Vec::new();
        };
        self.say(now, Line::plain("copied ").and(link.clean().clone(), Tone::Link));
        vec![Effect::Copy(link.clean().clone())]
    }

    /// The sources that feed this tab.
    fn feeding(&self) -> Vec<SourceName> {
        let kinds = self.here().map_or(&[][..], |tab| tab.kinds);
        let fed = self.board().sources.iter().filter(|(_, fresh)| kinds.contains(&fresh.kind));
        fed.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn refresh_quietly(&self) -> Option<Effect> {
        let names = self.feeding();
        (!names.is_empty()).then_some(Effect::Poll(Which::Sources(names)))
    }

    fn refresh(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.past.is_some() {
            self.say(now, Line::plain("the past is not asked again: :now goes back"));
            return Vec::new();
        }
        let board = self.board();
        let names = self.feeding();
        let all = board.sources.len();
        self.charts.renew();
        if names.is_empty() || names.len() == all {
            self.say(now, Line::plain("asking every source"));
            return vec![Effect::Poll(Which::All)];
        }
        let words = match names.as_slice() {
            [one] => Clean::line(format!("asking {one}")),
            several => Clean::line(format!("asking {} sources", several.len())),
        };
        self.say(now, Line::plain(words));
        vec![Effect::Poll(Which::Sources(names))]
    }

    /// A key while text is typed: nothing but esc and enter is more than text.
    pub(super) fn type_key(&mut self, now: Timestamp, key: Key) -> Vec<Effect> {
        match (key.code, &mut self.mode) {
            (Code::Enter, Mode::Filter(_) | Mode::Find(..)) => self.mode = Mode::Browse,
            (Code::Esc, Mode::Find(_, from)) => {
                let from = *from;
                self.leave_find(from);
            }
            (Code::Enter, Mode::Help { typing, .. }) => *typing = false,
            (Code::Enter, Mode::Command { .. }) => return self.run(now),
            (Code::Esc, Mode::Filter(_)) => {
                self.mode = Mode::Browse;
                self.change_list(|look| look.filter.text.clear());
            }
            (Code::Esc, Mode::Help { typing, search, .. }) => {
                *typing = false;
                search.set("");
            }
            (Code::Esc, mode) => *mode = Mode::Browse,
            (Code::Down | Code::Tab, Mode::Command { .. }) => self.pick(1),
            (Code::Up | Code::BackTab, Mode::Command { .. }) => self.pick(-1),
            (
                Code::Backspace,
                Mode::Filter(field)
                | Mode::Find(field, _)
                | Mode::Command { field, .. }
                | Mode::Help { search: field, typing: true, .. },
            ) if field.is_empty() => {
                // Nothing left to take away: the prompt goes.
                if let Mode::Help { typing, .. } = &mut self.mode {
                    *typing = false;
                } else {
                    self.mode = Mode::Browse;
                }
            }
            (
                _,
                Mode::Filter(field)
                | Mode::Find(field, _)
                | Mode::Command { field, .. }
                | Mode::Help { search: field, .. },
            ) => {
                if field.edit(key) {
                    self.typed();
                }
            }
            (_, Mode::Browse | Mode::Travel(_)) => {}
        }
        Vec::new()
    }

    /// The text of a field changed.
    pub(super) fn typed(&mut self) {
        match &mut self.mode {
            Mode::Filter(field) => {
                let text = field.text();
                if let Some(seat) = self.seat_mut() {
                    seat.touched = true;
                }
                self.change_list(|look| look.filter.text = text);
            }
            Mode::Find(field, from) => {
                let (text, from) = (field.text(), *from);
                self.find(text, from);
            }
            Mode::Command { picked, complaint, .. } => {
                *picked = None;
                *complaint = None;
            }
            Mode::Help { scroll, .. } => *scroll = 0,
            Mode::Browse | Mode::Travel(_) => {}
        }
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        let (now, zone) = (self.moment, &self.team.zone);
        Ground { tabs: self.tabs, here: self.here(), now, zone }
    }

    fn pick(&mut self, by: isize) {
        let Mode::Command { field, picked, .. } = &self.mode else { return };
        let n = self.ground().complete(&field.text()).len();
        let next = match picked {
            _ if n == 0 => None,
            None if by > 0 => Some(0),
            None => Some(n - 1),
            Some(i) => Some((i + n).saturating_add_signed(by) % n),
        };
        if let Mode::Command { picked, .. } = &mut self.mode {
            *picked = next;
        }
    }

    /// Runs the command line: the completion that was picked, else what was typed, else its only possible end.
    fn run(&mut self, now: Timestamp) -> Vec<Effect> {
        let Mode::Command { field, picked, .. } = &self.mode else { return Vec::new() };
        let typed = field.text();
        if typed.trim().is_empty() && picked.is_none() {
            self.mode = Mode::Browse;
            return Vec::new();
        }
        let offers = self.ground().complete(&typed);
        let line = picked.and_then(|i| offers.get(i)).map_or(typed.clone(), |s| s.text.clone());
        let order = self.ground().read(&line).or_else(|complaint| {
            let mut begun = offers.iter().filter(|s| s.text.starts_with(typed.trim()));
            match (begun.next(), begun.next()) {
                (Some(only), None) => self.ground().read(&only.text),
                _ => Err(complaint),
            }
        });
        match order {
            Ok(order) => {
                self.mode = Mode::Browse;
                self.obey(now, order)
            }
            Err(words) => {
                if let Mode::Command { complaint, field, picked } = &mut self.mode {
                    *complaint = Some(words);
                    if picked.take().is_some() {
                        // `sort` was picked from the list and wants its word next.
                        field.set(&format!("{line} "));
                    }
                }
                Vec::new()
            }
        }
    }

    fn obey(&mut self, now: Timestamp, order: Order) -> Vec<Effect> {
        match order {
            Order::Act(action) => return self.act(now, action),
            Order::Sort { column, reversed } => self.change_list(|look| {
                look.sort.column = column;
                look.sort.reversed = reversed;
                look.sort.chosen = true;
            }),
            Order::Filter(text) => self.change_list(|look| look.filter.text = text),
            Order::Theme(skin) => self.skin = skin,
            Order::View(facet) => self.show_facet(facet),
            Order::At(moment) => return self.look_at(now, Some(moment)),
        }
        Vec::new()
    }

    pub(super) fn point(&mut self, now: Timestamp, mouse: Mouse) -> Vec<Effect> {
        if let Some(seat) = self.seat_mut() {
            seat.touched = true;
        }
        match mouse {
            Mouse::WheelDown | Mouse::WheelUp => {
                let step = if mouse == Mouse::WheelDown { WHEEL } else { -WHEEL };
                if self.context() == Context::Month {
                    self.walk(Span::new().weeks(step.signum() as i64));
                } else {
                    self.travel(step);
                }
            }
            Mouse::Click { column, row } => match self.screen(now).hit(column, row) {
                Some(Hit::Tab(n)) => self.go_to_tab(n),
                Some(Hit::Row(key)) => {
                    let again =
                        self.look().is_some_and(|look| look.selected.as_ref() == Some(&key));
                    let rows = self.list_rows();
                    let at = self.look().and_then(|l| l.order.iter().position(|k| *k == key));
                    if again {
                        self.open();
                    } else if let (Some(at), Some(seat)) = (at, self.seat_mut()) {
                        list::select(&mut seat.look, at, rows);
                    }
                }
                Some(Hit::Day(day)) if day == self.day() => self.open(),
                Some(Hit::Day(day)) => self.go_to_day(Some(day)),
                None => {}
            },
        }
        Vec::new()
    }
}

/// The first day after a day on which a release is planned, for a year.
fn next_planned(scene: &Scene<'_>, day: Date) -> Option<Date> {
    let midnight = |d: Date| d.to_zoned(scene.zone.clone()).ok().map(|z| z.timestamp());
    let from = midnight(day.tomorrow().ok()?)?;
    let until = midnight(day.checked_add(Span::new().years(1)).ok()?)?;
    let planned = plans(scene.board, scene.team, Window { from, until }, scene.zone);
    let open = planned.iter().filter(|e| e.is_open());
    open.map(|e| e.touches(scene.zone).0).filter(|d| *d > day).min()
}

/// After these the selection belongs to its row: it was chosen, or something was done with it.
fn touches(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::Down
            | A::Up
            | A::First
            | A::Last
            | A::HalfDown
            | A::HalfUp
            | A::PageDown
            | A::PageUp
            | A::Open
            | A::Mark
            | A::Browse
            | A::Edit
            | A::CopyId
            | A::CopyLink
    )
}
