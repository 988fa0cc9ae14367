//! The cockpit's whole state, and how messages change it; effects go out as data.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::actions::Context;
use super::charts::Charts;
use super::field::Field;
use super::filter::Sieve;
use super::keymap::Keymap;
use super::list;
use super::past::{Past, Step};
use super::wall::{Rotation, Turns};
use super::{Effect, Heard, Key, Message};
use crate::insight::{self, Survey};
use crate::model::{Board, Team};
use crate::page::{self, Frame, Line, Look, Memo, Scene, Size, Skin, TABS, Tab, Tone};

/// What a cockpit starts from.
#[derive(Clone)]
pub struct Setup {
    pub team: Arc<Team>,
    pub keymap: Keymap,
    pub skin: Skin,
    pub size: Size,
    /// Now.
    pub moment: Timestamp,
    /// A moment of the past to look at instead of now.
    pub past: Option<Timestamp>,
    /// What was remembered from an earlier run.
    pub board: Board,
    /// It is a first look at what was remembered: the whole of it comes as `Message::Remembered`.
    pub glance: bool,
    pub tabs: &'static [&'static Tab],
    /// How long what is no longer told is kept on the board.
    pub kept: SignedDuration,
    /// It hangs on a wall, and these pages take turns.
    pub wall: Option<Turns>,
}

impl Setup {
    /// Default keys and theme, nothing remembered, every tab.
    pub fn new(team: Arc<Team>, size: Size, moment: Timestamp) -> Self {
        Self {
            team,
            keymap: Keymap::default(),
            skin: Skin::default(),
            size,
            moment,
            past: None,
            board: Board::default(),
            glance: false,
            tabs: TABS,
            kept: SignedDuration::from_hours(90 * 24),
            wall: None,
        }
    }
}

/// The state machine. Feed it messages, perform its effects; when `dirty`, call `settle`, then draw `screen`.
pub struct Cockpit {
    pub(super) team: Arc<Team>,
    pub(super) keymap: Keymap,
    pub(super) tabs: &'static [&'static Tab],
    pub(super) skin: Skin,
    pub(super) frame: Frame,
    board: Arc<Board>,
    /// The board is a first look: only the list of the first tab is drawn from it.
    pub(super) glance: bool,
    survey: Arc<Survey>,
    /// The board's version the survey was made from.
    surveyed: Option<u64>,
    pub(super) still: Option<Still>,
    pub(super) past: Option<Past>,
    pub(super) charts: Charts,
    /// The moment shown: it steps coarsely, so that ages change together.
    pub(super) moment: Timestamp,
    /// Counts changes of what pages are made from.
    generation: u64,
    pub(super) tab: usize,
    pub(super) stands: Vec<Stand>,
    pub(super) mode: Mode,
    pub(super) notice: Option<(Line, Timestamp)>,
    pub(super) badges: Vec<usize>,
    badged: Option<u64>,
    memo: Memo,
    pub(super) wall: Option<Rotation>,
    kept: SignedDuration,
    /// When the board last forgot what is too old.
    forgot: Timestamp,
    dirty: bool,
}

/// Where somebody stands in one tab: its facet, and a look for each.
#[derive(Debug, Default)]
pub(super) struct Stand {
    pub facet: usize,
    pub seats: Vec<Seat>,
}

#[derive(Debug, Default)]
pub(super) struct Seat {
    pub look: Look,
    /// The generation its order was made from; `None` when filter, sort or size changed since.
    made: Option<u64>,
    /// Titles that may stand before a colon in a filter.
    pub columns: Vec<&'static str>,
    /// What is wrong with the filter, in words.
    pub problem: Option<crate::model::Clean>,
    /// Lines the list had when it was last laid out.
    pub rows: usize,
    /// Somebody moved the selection or acted on it: from then on it belongs to its row, before that to the top.
    pub touched: bool,
}

/// A display that is held still.
pub(super) struct Still {
    pub since: Timestamp,
    board: Arc<Board>,
    survey: Arc<Survey>,
}

/// Who gets the keys.
#[derive(Debug, Default)]
pub(super) enum Mode {
    #[default]
    Browse,
    /// `/`: the list narrows while typing.
    Filter(Field),
    /// `t`: keys move through time.
    Travel(Step),
    /// `/` inside a document; the scroll it began at, where nothing found goes back to.
    Find(Field, usize),
    /// `:`
    Command {
        field: Field,
        /// Position in the completions, once somebody chose.
        picked: Option<usize>,
        complaint: Option<crate::model::Clean>,
    },
    Help {
        search: Field,
        typing: bool,
        scroll: usize,
    },
}

/// Ages step this often while nothing else happens: one wake-up serves all of them.
const STEP_S: i64 = 10;
pub(super) const NOTICE: SignedDuration = SignedDuration::from_secs(5);
/// A clock that is less than this behind was read by somebody else a little earlier; beyond, it was set back.
const TREMBLE: SignedDuration = SignedDuration::from_secs(1);

/// How often the board forgets what is too old.
const FORGETS: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Cockpit {
    pub fn new(setup: Setup) -> Self {
        let stand = |tab: &&'static Tab| Stand {
            facet: 0,
            seats: (0..tab.facets.len().max(1)).map(Seat::new).collect(),
        };
        let mut cockpit = Self {
            team: setup.team,
            keymap: setup.keymap,
            tabs: setup.tabs,
            skin: setup.skin,
            frame: Frame::new(setup.size),
            board: Arc::new(setup.board),
            glance: setup.glance,
            survey: Arc::default(),
            surveyed: None,
            still: None,
            past: None,
            charts: Charts::default(),
            moment: setup.moment,
            generation: 0,
            tab: 0,
            stands: setup.tabs.iter().map(stand).collect(),
            mode: Mode::Browse,
            notice: None,
            badges: vec![0; setup.tabs.len()],
            badged: None,
            memo: Memo::default(),
            kept: setup.kept,
            forgot: setup.moment,
            wall: setup.wall.map(|turns| Rotation::new(turns, setup.moment)),
            dirty: true,
        };
        if let Some(at) = setup.past {
            cockpit.past = Some(Past::new(at, cockpit.board().clone()));
        }
        cockpit.settle(setup.moment);
        cockpit
    }

    /// Changes the state; what is to be done outside comes back.
    pub fn update(&mut self, now: Timestamp, message: Message) -> Vec<Effect> {
        let mut effects = self.take_in(now, message);
        effects.extend(self.wish_for_curves(now));
        effects
    }

    fn take_in(&mut self, now: Timestamp, message: Message) -> Vec<Effect> {
        if self.moment.duration_since(now) > TREMBLE {
            self.turn_back(now);
        }
        match message {
            Message::Key(key) => {
                self.dirty = true;
                if now.duration_since(self.moment) >= SignedDuration::from_secs(STEP_S) {
                    self.moment = now;
                }
                if let Some(rotation) = &mut self.wall {
                    rotation.touch(now);
                }
                self.settle_order(now);
                let effects = self.press(now, key.normal());
                self.settle_order(now);
                effects
            }
            Message::Mouse(_) if self.wall.is_some() => Vec::new(),
            Message::Mouse(mouse) => {
                self.dirty = true;
                self.settle_order(now);
                let effects = self.point(now, mouse);
                self.settle_order(now);
                effects
            }
            Message::Paste(text) => {
                self.paste(&text);
                self.settle_order(now);
                Vec::new()
            }
            Message::Resized(size) => {
                self.frame = Frame::new(size);
                self.forget_orders();
                self.take_turns(now);
                self.dirty = true;
                Vec::new()
            }
            Message::Asking { source, at } => {
                if let Some(freshness) = Arc::make_mut(&mut self.board).sources.get_mut(&source) {
                    freshness.asking_since = Some(at);
                }
                Vec::new()
            }
            Message::Heard(heard) => {
                self.hear(*heard);
                self.moment = self.moment.max(now);
                self.take_turns(now);
                self.dirty = true;
                Vec::new()
            }
            Message::Clock => {
                self.moment = self.moment.max(now);
                self.take_turns(now);
                if self.notice.as_ref().is_some_and(|(_, until)| *until <= now) {
                    self.notice = None;
                }
                self.dirty = true;
                Vec::new()
            }
            Message::Poller(who) => {
                Arc::make_mut(&mut self.board).polled_by = who;
                self.dirty = true;
                Vec::new()
            }
            Message::Notice(words) => {
                self.say(now, Line::of(words, Tone::Plain));
                Vec::new()
            }
            Message::Charted(charted) => {
                self.learn_curves(*charted);
                self.dirty = true;
                Vec::new()
            }
            Message::Remembered(board) => {
                self.remember(*board);
                Vec::new()
            }
            Message::Recalled(recalled) => {
                self.recall(*recalled);
                self.dirty = true;
                Vec::new()
            }
        }
    }

    /// The clock was set back: ages go on from here instead of standing still until the old moment comes again.
    fn turn_back(&mut self, now: Timestamp) {
        self.moment = now;
        Arc::make_mut(&mut self.board).rewind(now);
        if let Some(rotation) = &mut self.wall {
            rotation.rewind(now);
        }
        if let Some((_, until)) = &mut self.notice {
            *until = (*until).min(later(now, NOTICE));
        }
        self.dirty = true;
    }

    /// All that is remembered takes the place of the first look. Nobody is asked before.
    fn remember(&mut self, mut board: Board) {
        if !std::mem::take(&mut self.glance) {
            return;
        }
        // Whatever was made from the look is made anew.
        board.version = board.version.max(self.board.version) + 1;
        self.board = Arc::new(board);
        if let Some(still) = &mut self.still {
            still.survey = Arc::new(insight::survey(&self.board, &self.team, still.since));
            still.board = Arc::clone(&self.board);
            self.generation += 1;
        }
        self.dirty = true;
    }

    /// What is shown now is all that is known.
    pub fn is_whole(&self) -> bool {
        !self.glance
    }

    fn hear(&mut self, heard: Heard) {
        let Heard { source, at, outcome, freshness } = heard;
        let board = Arc::make_mut(&mut self.board);
        match outcome {
            Ok(report) => board.fold(&source, at, report),
            Err(_) => board.version += 1,
        }
        board.sources.insert(source, freshness);
        if at.duration_since(self.forgot).abs() >= FORGETS {
            self.forgot = at;
            board.forget(at.checked_sub(self.kept).unwrap_or(Timestamp::MIN));
        }
    }

    /// Makes anew what follows from the board, where the board or its moment changed. Cheap when nothing did.
    pub fn settle(&mut self, now: Timestamp) {
        let passes = |until: Timestamp| until <= now.max(self.moment);
        let expired = self.survey.valid_until.is_some_and(passes);
        let changed = self.surveyed != Some(self.board.version);
        if let Some(past) = &mut self.past {
            if !past.surveyed {
                past.survey = Arc::new(insight::survey(&past.board, &self.team, past.at));
                past.surveyed = true;
                self.generation += 1;
            }
        } else if self.still.is_none() && (changed || expired) {
            let at = now.max(self.moment);
            self.survey = Arc::new(insight::survey(&self.board, &self.team, at));
            self.surveyed = Some(self.board.version);
            self.generation += 1;
            self.note_turns(at);
        }
        if self.wall.is_some() {
            self.take_turns(now);
            return;
        }
        self.settle_order(now);
        if self.badged != Some(self.generation) {
            self.badged = Some(self.generation);
            let scene = self.scene();
            let told = if self.glance { 1 } else { self.tabs.len() };
            self.badges = self.tabs.iter().take(told).map(|tab| (tab.badge)(&scene)).collect();
        }
    }

    /// What was derived is noted on the board, where a service turned: its beginning outlives the history that shows it.
    fn note_turns(&mut self, now: Timestamp) {
        let turns = &self.board.turns;
        let services = &self.survey.services;
        if services.iter().any(|s| turns.would_note(&s.name, s.health)) {
            let turns = &mut Arc::make_mut(&mut self.board).turns;
            for service in services {
                turns.note(&service.name, service.health, service.since, now);
            }
        }
    }

    /// Makes the shown order of the open tab anew if its data, filter or sort changed.
    fn settle_order(&mut self, _now: Timestamp) {
        let generation = self.generation;
        let Some(tab) = self.here().filter(|_| self.wall.is_none()) else { return };
        if self.seat().is_none_or(|seat| seat.made == Some(generation)) {
            return;
        }
        let facet = self.facet();
        let entries = (tab.entries)(&self.scene(), facet);
        let rows = self.frame.list_rows();
        let mut columns = self.seat().map(|seat| seat.columns.clone()).unwrap_or_default();
        if let Some(entry) = entries.first() {
            columns = entry.words.iter().map(|(column, _)| *column).collect();
        }
        let text = self.look().map(|look| look.filter.text.clone()).unwrap_or_default();
        let mut sieve = Sieve::read(&text, &columns);
        if let Some(shelf) = tab.shelf().filter(|_| facet == 0) {
            let scene = self.scene();
            sieve.consult(|word| (shelf.search)(&scene, word));
        }
        if let Some(seat) = self.seat_mut() {
            seat.columns = columns;
            if !seat.touched {
                seat.look.selected = None;
                seat.look.order.clear();
            }
            list::arrange(&mut seat.look, entries, &sieve, seat.rows.max(1));
            seat.problem = sieve.problem;
            seat.made = Some(generation);
        }
        // How many lines the list really has is known once the page is composed: other blocks take theirs.
        let real = match self.look() {
            Some(look) if look.opened.is_none() => {
                let blocks = (tab.compose)(&self.scene(), look);
                page::room::list_rows(&self.frame, &blocks).unwrap_or(rows)
            }
            _ => rows,
        };
        if let Some(seat) = self.seat_mut() {
            seat.rows = real;
            list::keep_in_sight(&mut seat.look, real);
        }
        self.clamp_scroll();
    }

    /// What follows from the board has to be made anew: another moment is shown.
    pub(super) fn forget_survey(&mut self) {
        self.surveyed = None;
    }

    /// The order of the open tab has to be made anew: its filter or sort changed.
    pub(super) fn forget_order(&mut self) {
        if let Some(seat) = self.seat_mut() {
            seat.made = None;
        }
    }

    fn forget_orders(&mut self) {
        for seat in self.stands.iter_mut().flat_map(|s| &mut s.seats) {
            seat.made = None;
        }
    }

    /// Something on the screen changed since it was last taken for drawing.
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// The screen was drawn.
    pub fn drawn(&mut self) {
        self.dirty = false;
    }

    /// The earliest moment a shown text changes by itself; sleep until then. `None` while nothing does.
    pub fn wake(&self) -> Option<Timestamp> {
        let notice = self.notice.as_ref().map(|(_, until)| *until);
        let moves = self.wall.is_none() && self.still.is_none() && self.past.is_none();
        let step = moves.then(|| {
            let next = (self.moment.as_second().div_euclid(STEP_S) + 1) * STEP_S;
            Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
        });
        // Survey limits within a step wait for it, so that everything that ages steps together.
        [notice, step, self.wall_wakes()].into_iter().flatten().min()
    }

    pub(super) fn say(&mut self, now: Timestamp, words: Line) {
        self.notice = Some((words, later(now, NOTICE)));
        self.dirty = true;
    }

    /// Holds the display still, or lets it go on.
    pub(super) fn pause(&mut self, now: Timestamp) {
        self.still = match self.still.take() {
            Some(_) => None,
            None => Some(Still {
                since: now,
                board: Arc::clone(&self.board),
                survey: Arc::clone(&self.survey),
            }),
        };
        if self.still.is_none() {
            self.moment = self.moment.max(now);
            self.surveyed = None;
            self.settle(now);
        }
    }

    fn paste(&mut self, text: &str) {
        match &mut self.mode {
            Mode::Filter(field)
            | Mode::Find(field, _)
            | Mode::Command { field, .. }
            | Mode::Help { search: field, typing: true, .. } => field.insert(text),
            Mode::Browse | Mode::Travel(_) | Mode::Help { .. } => return,
        }
        self.typed();
        self.dirty = true;
    }

    /// Every fact known, as of the newest message.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// What follows from the board, as of the last `settle`.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The same, unless it is of another moment or held still.
    pub fn survey_of_now(&self) -> Option<&Survey> {
        let current = self.past.is_none() && self.surveyed == Some(self.board.version);
        current.then_some(&*self.survey)
    }

    pub fn team(&self) -> &Team {
        &self.team
    }

    /// What pages are functions of.
    pub(super) fn scene(&self) -> Scene<'_> {
        let (board, survey, now) = match (&self.past, &self.still) {
            (Some(past), _) => (&past.board, &past.survey, past.at),
            (None, Some(still)) => (&still.board, &still.survey, still.since),
            (None, None) => (&self.board, &self.survey, self.moment),
        };
        Scene {
            board,
            team: &self.team,
            survey,
            now,
            zone: &self.team.zone,
            frame: self.frame,
            memo: &self.memo,
        }
    }

    pub(super) fn here(&self) -> Option<&'static Tab> {
        self.tabs.get(self.tab).copied()
    }

    pub(super) fn facet(&self) -> usize {
        self.stands.get(self.tab).map_or(0, |stand| stand.facet)
    }

    pub(super) fn seat(&self) -> Option<&Seat> {
        let stand = self.stands.get(self.tab)?;
        stand.seats.get(stand.facet)
    }

    pub(super) fn seat_mut(&mut self) -> Option<&mut Seat> {
        let stand = self.stands.get_mut(self.tab)?;
        stand.seats.get_mut(stand.facet)
    }

    pub(super) fn look(&self) -> Option<&Look> {
        self.seat().map(|seat| &seat.look)
    }

    pub(super) fn context(&self) -> Context {
        match self.mode {
            Mode::Help { .. } => Context::Help,
            Mode::Travel(_) => Context::Past,
            _ => self.context_below(),
        }
    }

    /// The context of the page, whatever lies over it.
    pub(super) fn context_below(&self) -> Context {
        let facet = self.here().and_then(|tab| tab.facets.get(self.facet()));
        let month = facet.is_some_and(|facet| ["month", "week"].contains(facet));
        match self.look() {
            _ if self.wall.is_some() => Context::Wall,
            Some(look) if look.opened.is_some() => {
                if self.reads() {
                    Context::Reader
                } else if self.here().is_some_and(|tab| tab.panel().is_some()) {
                    Context::Charts
                } else {
                    Context::Detail
                }
            }
            _ if month => Context::Month,
            _ => Context::List,
        }
    }

    fn press(&mut self, now: Timestamp, key: Key) -> Vec<Effect> {
        if key == Key::ctrl('c') {
            return vec![Effect::Quit];
        }
        if self.typing() {
            return self.type_key(now, key);
        }
        match self.keymap.action(self.context(), key) {
            Some(action) => self.act(now, action),
            None => Vec::new(),
        }
    }

    /// Printable keys are text now.
    pub(super) fn typing(&self) -> bool {
        match self.mode {
            Mode::Filter(_) | Mode::Find(..) | Mode::Command { .. } => true,
            Mode::Help { typing, .. } => typing,
            Mode::Browse | Mode::Travel(_) => false,
        }
    }
}

impl Seat {
    fn new(facet: usize) -> Self {
        Self { look: Look { facet, ..Look::default() }, ..Self::default() }
    }
}
