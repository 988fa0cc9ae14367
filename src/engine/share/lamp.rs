//! From a board to the line that others see: how often it is made anew, and by whom.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

use super::Beacon;
use crate::insight::{self, Survey, survey};
use crate::model::{Board, Health, Team, Turned};
use crate::print::status::{Glance, Taste};
use crate::store::Scribe;

/// Shows a board to others while its process is the one that polls.
#[derive(Debug)]
pub struct Lamp {
    beacon: Beacon,
    taste: Taste,
    /// Whether this process polls.
    on: Arc<AtomicBool>,
    shown: Option<Glance>,
    /// Version and moment of the board that was looked at last.
    looked: Option<(u64, Timestamp)>,
    /// Who writes down how services are, once there is somebody.
    scribe: Arc<OnceLock<Arc<Scribe>>>,
    /// When the first board was shown.
    begun: Option<Timestamp>,
}

/// Boards that change without pause are looked at this often.
const PACE: SignedDuration = SignedDuration::from_secs(1);
/// The file is renewed no more often than this while it says the same, in seconds.
const RENEWED: i64 = 10;
/// What time alone changes (a freeze that ends, a turn on call) is looked at this often.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);

/// After this long every source had its turn: what is unknown still is so because nobody tells it.
const AT_HOME: SignedDuration = SignedDuration::from_mins(2);

impl Lamp {
    pub fn new(beacon: Beacon, taste: Taste, on: Arc<AtomicBool>) -> Self {
        Self { beacon, taste, on, shown: None, looked: None, scribe: Arc::default(), begun: None }
    }

    /// How services are is written down too, while this process polls.
    #[must_use]
    pub fn remembered_by(self, scribe: Arc<OnceLock<Arc<Scribe>>>) -> Self {
        Self { scribe, ..self }
    }

    /// True when the board may say something new.
    pub fn is_due(&self, board: &Board, now: Timestamp) -> bool {
        let Some((version, at)) = self.looked.filter(|_| self.on.load(Relaxed)) else {
            return self.on.load(Relaxed);
        };
        let since = now.duration_since(at);
        // A clock that was set back makes everything due.
        since < SignedDuration::ZERO
            || since >= LONGEST
            || (since >= PACE && (version != board.version || self.is_half_gone(now)))
    }

    /// Shows what follows from the board, unless others see the same already.
    pub fn show(&mut self, team: &Team, board: &Board, survey: &Survey, now: Timestamp) {
        self.looked = Some((board.version, now));
        if let Some(scribe) = self.scribe.get() {
            let begun = *self.begun.get_or_insert(now);
            scribe.states(turned(survey, now, now.duration_since(begun) >= AT_HOME));
        }
        let glance = Glance { taste: self.taste.clone(), ..Glance::of(team, board, survey, now) };
        let same = self.shown.as_ref().is_some_and(|shown| shown.says_the_same(&glance));
        if same && !self.is_half_gone(now) {
            return;
        }
        self.beacon.show(glance.clone());
        self.shown = Some(glance);
    }

    /// The same, for whoever has made no survey.
    pub fn look(&mut self, team: &Team, board: &Board, now: Timestamp) {
        self.show(team, board, &survey(board, team, now), now);
    }

    /// Half of the time is over after which readers would call it stale.
    fn is_half_gone(&self, now: Timestamp) -> bool {
        self.shown.as_ref().is_some_and(|shown| {
            let (now, life) = (now.as_second(), shown.stale_at - shown.written);
            now < shown.written || now >= shown.written + (life / 2).max(RENEWED)
        })
    }
}

/// How services are. Who began to watch a moment ago knows nothing of some: that is no change of theirs.
fn turned(survey: &Survey, now: Timestamp, at_home: bool) -> Vec<Turned> {
    let known = |turned: &Turned| at_home || turned.health.as_str() != Health::Unknown.word();
    insight::turned(survey, now).filter(known).collect()
}
