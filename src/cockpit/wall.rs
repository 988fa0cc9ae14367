//! The pages of the wall taking turns: which one is on, since when, and when the next one comes.

use jiff::{SignedDuration, Timestamp};

use super::state::{Cockpit, Mode, later};
use crate::page::wall::{self, LEAVES, Wall};

/// How pages take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    /// How long each is shown.
    pub every: SignedDuration,
    /// Names of pages, in their order; names of none are passed over.
    pub pages: Vec<&'static str>,
}

impl Default for Turns {
    fn default() -> Self {
        let pages = LEAVES.iter().map(|leaf| leaf.name).collect();
        Self { every: SignedDuration::from_secs(20), pages }
    }
}

/// Where the rotation stands.
#[derive(Debug)]
pub(super) struct Rotation {
    turns: Turns,
    /// Screens that have something to say; never none.
    sheets: Vec<Sheet>,
    /// The one that is shown.
    at: usize,
    since: Timestamp,
    /// When a key was last pressed.
    touched: Timestamp,
}

/// What somebody opened over the wall is closed again by then: nobody comes back to do it.
const ALONE: SignedDuration = SignedDuration::from_secs(60);

/// A screen of the wall: the place of its page in the registry, and which part of it.
type Sheet = (usize, usize);

impl Rotation {
    pub fn new(turns: Turns, now: Timestamp) -> Self {
        Self { turns, sheets: vec![(0, 0)], at: 0, since: now, touched: now }
    }

    /// The clock was set back.
    pub fn rewind(&mut self, now: Timestamp) {
        self.since = self.since.min(now);
        self.touched = self.touched.min(now);
    }

    pub fn touch(&mut self, now: Timestamp) {
        self.touched = now;
    }

    fn due(&self) -> Timestamp {
        later(self.since, self.turns.every)
    }

    fn turn(&mut self, now: Timestamp, steps: usize) {
        self.at = (self.at + steps) % self.sheets.len().max(1);
        self.since = now;
    }
}

impl Cockpit {
    /// Lets the next page have its turn when it is due. While something is red there is only the first one.
    pub(super) fn take_turns(&mut self, now: Timestamp) {
        let Some(rotation) = &self.wall else { return };
        let scene = self.scene();
        let mut sheets: Vec<Sheet> = Vec::new();
        if wall::holds(&scene).is_none() {
            for name in &rotation.turns.pages {
                let page = LEAVES.iter().enumerate().find(|(_, leaf)| leaf.name == *name);
                let Some((page, leaf)) = page else { continue };
                sheets.extend((0..(leaf.parts)(&scene)).map(|part| (page, part)));
            }
        }
        if sheets.is_empty() {
            sheets.push((0, 0));
        }
        let Some(rotation) = &mut self.wall else { return };
        // The page that is shown keeps its turn while others come and go.
        let shown = rotation.sheets.get(rotation.at).copied();
        let still = sheets.iter().position(|sheet| Some(*sheet) == shown);
        rotation.at = still.unwrap_or(0);
        if still.is_none() || sheets.len() == 1 {
            rotation.since = now;
        }
        rotation.sheets = sheets;
        if rotation.due() <= now {
            rotation.turn(now, 1);
        }
        if later(rotation.touched, ALONE) <= now {
            self.mode = Mode::Browse;
        }
    }

    /// Somebody turns the pages by hand; the one that is shown then has all its time.
    pub(super) fn turn_page(&mut self, now: Timestamp, forward: bool) {
        if let Some(rotation) = &mut self.wall {
            let back = rotation.sheets.len().saturating_sub(1);
            rotation.turn(now, if forward { 1 } else { back });
        }
    }

    /// When the wall changes by itself: the next minute, the next page, or the moment at which something grows old.
    pub(super) fn wall_wakes(&self) -> Option<Timestamp> {
        let rotation = self.wall.as_ref()?;
        let turn = (rotation.sheets.len() > 1).then(|| rotation.due());
        let minute = (self.moment.as_second().div_euclid(60) + 1) * 60;
        let minute = Timestamp::from_second(minute).unwrap_or(Timestamp::MAX);
        let ages = self.survey().valid_until.filter(|at| *at > self.moment);
        turn.into_iter().chain([minute]).chain(ages).min()
    }

    /// What hangs on the wall; `None` for a cockpit that is none.
    pub(super) fn hanging(&self) -> Option<Wall> {
        let rotation = self.wall.as_ref()?;
        let (page, part) = rotation.sheets.get(rotation.at)?;
        let place = (rotation.at + 1, rotation.sheets.len());
        Some(wall::compose(&self.scene(), LEAVES.get(*page)?, *part, place))
    }
}
