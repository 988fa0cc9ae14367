//! Travel in time: the moment looked at, the steps through the past, and the bar that says where one stands.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::actions::Action;
use super::state::{Cockpit, Mode};
use super::{Effect, Recalled};
use crate::insight::Survey;
use crate::model::{Board, Clean};
use crate::page::words::{self, ago};
use crate::page::{Line, Tone};

/// How far one press goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Step {
    Minute,
    #[default]
    Hour,
    Day,
    /// To where the next incident had just begun.
    Incident,
}

impl Step {
    const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::Day, Self::Incident];

    fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Incident => "incident",
        }
    }

    fn next(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|s| *s == self).unwrap_or(0);
        let at = at.saturating_add_signed(by).min(Self::ALL.len() - 1);
        Self::ALL.get(at).copied().unwrap_or_default()
    }
}

/// An incident is looked at this long after its beginning: pollers have heard of it by then.
const HEARD_BY: SignedDuration = SignedDuration::from_mins(1);

/// The past that is looked at instead of now.
#[derive(Debug)]
pub(super) struct Past {
    pub at: Timestamp,
    /// What is known of then: at first by what was told since, then by what is recalled.
    pub board: Arc<Board>,
    pub survey: Arc<Survey>,
    /// The survey was made from this board.
    pub surveyed: bool,
    /// More is being recalled.
    pub waits: bool,
    /// Nothing before this is remembered, where that is known.
    pub oldest: Option<Timestamp>,
}

impl Past {
    pub fn new(at: Timestamp, board: Board) -> Self {
        let (board, survey) = (Arc::new(board), Arc::default());
        Self { at, board, survey, surveyed: false, waits: false, oldest: None }
    }
}

impl Cockpit {
    /// The moment that is shown: of the past, of a paused display, or now.
    pub(super) fn shown_moment(&self) -> Timestamp {
        let now = self.still.as_ref().map_or(self.moment, |still| still.since);
        self.past.as_ref().map_or(now, |past| past.at)
    }

    pub(super) fn travel_in_time(&mut self, now: Timestamp, action: Action) -> Vec<Effect> {
        let step = match self.mode {
            Mode::Travel(step) => step,
            _ => Step::default(),
        };
        match action {
            Action::Travel => self.mode = Mode::Travel(step),
            Action::LongerStep => self.mode = Mode::Travel(step.next(1)),
            Action::ShorterStep => self.mode = Mode::Travel(step.next(-1)),
            Action::Earlier => return self.look_at(now, self.stepped(step, -1)),
            Action::Later => return self.look_at(now, self.stepped(step, 1)),
            Action::LookAround => {
                self.mode = Mode::Browse;
                if self.past.is_some() {
                    self.say(now, Line::plain("this is the past: :now goes back"));
                }
            }
            _ => self.return_to_now(now),
        }
        Vec::new()
    }

    /// Where a step leads; `None` is now.
    fn stepped(&self, step: Step, by: i64) -> Option<Timestamp> {
        let from = self.shown_moment();
        let zone = &self.team.zone;
        let to = match step {
            Step::Minute => from.checked_add(SignedDuration::from_mins(by)).ok(),
            Step::Hour => from.checked_add(SignedDuration::from_hours(by)).ok(),
            // A day of the calendar: the same time of day, whatever the clocks did in between.
            Step::Day => from
                .to_zoned(zone.clone())
                .checked_add(Span::new().days(by))
                .ok()
                .map(|z| z.timestamp()),
            Step::Incident => {
                let begun = self.board().incidents.all().filter_map(|r| r.what.started);
                let moments = begun.filter_map(|at| at.checked_add(HEARD_BY).ok());
                if by < 0 {
                    moments.filter(|at| *at < from).max().or(Some(from))
                } else {
                    moments.filter(|at| *at > from).min()
                }
            }
        };
        to.filter(|at| *at < self.moment)
    }

    /// Looks at a moment of the past, or at now again; what was known then has to be recalled.
    pub(super) fn look_at(&mut self, now: Timestamp, to: Option<Timestamp>) -> Vec<Effect> {
        let Some(to) = to.filter(|at| *at < now) else {
            self.return_to_now(now);
            return Vec::new();
        };
        if self.past.as_ref().is_some_and(|past| past.at == to) {
            return Vec::new();
        }
        self.past = Some(Past { waits: true, ..Past::new(to, self.board().as_of(to)) });
        vec![Effect::Recall(to)]
    }

    /// More is known of a moment; an answer to an older wish is too late.
    pub(super) fn recall(&mut self, recalled: Recalled) {
        let Some(past) = self.past.as_mut().filter(|past| past.at == recalled.at) else { return };
        if let Some(board) = recalled.memory {
            past.board = Arc::new(board);
        }
        let board = Arc::make_mut(&mut past.board);
        for heard in recalled.heard {
            if let Ok(report) = heard.outcome {
                board.fold(&heard.source, heard.at, report);
                board.sources.insert(heard.source, heard.freshness);
            }
        }
        past.surveyed = false;
        past.waits = recalled.more;
        past.oldest = recalled.oldest.or(past.oldest);
    }

    pub(super) fn return_to_now(&mut self, now: Timestamp) {
        if matches!(self.mode, Mode::Travel(_)) {
            self.mode = Mode::Browse;
        }
        if self.past.take().is_some() {
            self.moment = self.moment.max(now);
            self.forget_survey();
            self.settle(now);
        }
    }

    /// `as of Sun 22 Nov 03:12, 3 h ago`, and what is being waited for.
    pub(super) fn past_mark(&self) -> Option<Line> {
        let past = self.past.as_ref()?;
        let zone = &self.team.zone;
        let words = format!("as of {}, {}", written(past.at, zone), ago(past.at, self.moment));
        let line = Line::of(Clean::line(words), Tone::Stale);
        Some(match past.oldest {
            _ if past.waits => line.and(" · recalling", Tone::Dim),
            Some(oldest) if past.at < oldest => {
                let since = words::absolute(oldest, zone);
                line.dot().and(Clean::line(format!("remembered since {since}")), Tone::Dim)
            }
            _ => line,
        })
    }

    /// The bar at the foot while the scrubber has the keys.
    pub(super) fn travel_bar(&self, step: Step) -> Line {
        let key = |action| {
            let line = super::actions::ACTIONS.iter().position(|e| e.action == action);
            let keys = line.map(|line| self.keymap.keys_of(line)).unwrap_or_default();
            keys.first().map_or_else(|| Clean::from("(no key)"), Clean::line)
        };
        let at = written(self.shown_moment(), &self.team.zone);
        let mut line = Line::of(Clean::line(at), Tone::Strong).and(" ", Tone::Plain);
        for one in Step::ALL {
            line = line.and(" ", Tone::Plain);
            line = if one == step {
                line.and(Clean::line(format!("[{}]", one.word())), Tone::Accent)
            } else {
                line.and(one.word(), Tone::Dim)
            };
        }
        for (action, word) in [
            (Action::Earlier, " earlier"),
            (Action::Later, " later"),
            (Action::LongerStep, " longer steps"),
            (Action::LookAround, " look around"),
            (Action::Back, " now"),
        ] {
            line = line.and("  ", Tone::Plain).and(key(action), Tone::Accent).and(word, Tone::Dim);
        }
        line
    }
}

/// A moment with its day, in the team's zone.
fn written(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %H:%M").to_string()
}

/// A moment as people type it: `-2h`, `03:12` (the last time it was that), `2026-11-21`, `2026-11-21 03:12`, or RFC 3339.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(back) = text.strip_prefix('-') {
        let span: Span = back.trim().parse().ok()?;
        return now.to_zoned(zone.clone()).checked_sub(span).ok().map(|z| z.timestamp());
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact);
    }
    let local = |at: jiff::civil::DateTime| at.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
    if let Ok(time) = text.parse::<jiff::civil::Time>() {
        let today = now.to_zoned(zone.clone()).date();
        let then = local(today.to_datetime(time))?;
        return if then <= now {
            Some(then)
        } else {
            local(today.yesterday().ok()?.to_datetime(time))
        };
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return local(day.at(0, 0, 0, 0));
    }
    text.parse::<jiff::civil::DateTime>().ok().and_then(local)
}
