//! The feeds as they are numbered in the file, and what of the board belongs to each.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{
    Alert, AlertRule, Approval, Board, Brought, Change, Deploy, Discovered, Drift, Environment,
    Feed, Gate, Incident, Key, LogEntry, Milestone, Objective, Outcome, PostMortem, Records,
    Release, Run, Shift, Silence, Ticket,
};

/// Calendars are told whole, one a source: no records, but they lie in the same log.
pub const CALENDAR: i64 = 11;

/// A kind of record that is kept. The numbers are in files: never change one.
pub trait Kept: Serialize + DeserializeOwned + Clone + PartialEq {
    const FEED: i64;
    fn key(&mut self) -> &mut Key;
    /// Since when it is over, so that nobody needs it to see how things are. `None` as long as it counts.
    fn over(&self) -> Option<Timestamp>;
    fn records(board: &Board) -> &Records<Self>;
    fn records_mut(board: &mut Board) -> &mut Records<Self>;
}

macro_rules! kept {
    ($($feed:literal $kind:ident $name:ident $records:ident $over:expr),* $(,)?) => {
        $(impl Kept for $kind {
            const FEED: i64 = $feed;
            fn key(&mut self) -> &mut Key {
                &mut self.key
            }
            fn over(&self) -> Option<Timestamp> {
                let over: fn(&Self) -> Option<Timestamp> = $over;
                over(self)
            }
            fn records(board: &Board) -> &Records<Self> {
                &board.$records
            }
            fn records_mut(board: &mut Board) -> &mut Records<Self> {
                &mut board.$records
            }
        })*

        /// The number of a feed in the file.
        pub fn number(feed: Feed) -> i64 {
            match feed {
                $(Feed::$name => $feed,)*
            }
        }

        /// The word of a feed in exports.
        pub fn word(feed: i64) -> Option<&'static str> {
            match feed {
                $($feed => Some(stringify!($records)),)*
                CALENDAR => Some("calendar"),
                _ => None,
            }
        }

        pub fn of_word(word: &str) -> Option<i64> {
            (1..63).find(|feed| self::word(*feed) == Some(word))
        }

        /// Work that is the same for every kind of record.
        pub trait OfKind {
            type Out;
            fn work<T: Kept>(self) -> Self::Out;
        }

        /// Does the work for the kind of record behind a number; `None` for one nobody knows.
        pub fn of_kind<W: OfKind>(feed: i64, work: W) -> Option<W::Out> {
            match feed {
                $($feed => Some(work.work::<$kind>()),)*
                _ => None,
            }
        }
    };
}

/// Of these, nothing is needed for a first look, however new it is: they are read, and followed up, on pages of their own.
const APART: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);

fn ended(outcome: &Outcome, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|_| matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Cancelled))
}

kept! {
    1 Alert Alerts alerts |_| None,
    2 AlertRule Rules rules |_| None,
    3 Silence Silences silences |silence| silence.ends,
    4 Incident Incidents incidents |incident| incident.resolved.filter(|_| !incident.status.is_open()),
    5 Shift Shifts shifts |shift| shift.ends,
    6 Deploy Deploys deploys |deploy| ended(&deploy.outcome, deploy.finished),
    7 Release Releases releases |release| release.published,
    // Those of a merge may be what changed.
    8 Run Runs runs |run| ended(&run.outcome, if run.is_of_a_merge() { run.updated } else { APART }),
    9 Change Changes changes |change| change.until.max(change.at),
    10 PostMortem PostMortems post_mortems |_| APART,
    12 Milestone Milestones milestones |milestone| milestone.done_at,
    13 Gate Gates gates |_| None,
    14 Environment Environments environments |_| None,
    15 Drift Drifts drifts |_| None,
    16 Approval Approvals approvals |_| None,
    17 Ticket Tickets tickets |_| APART,
    18 Discovered Discovered discovered |_| None,
    19 Brought Brought brought |_| APART,
    20 Objective Objectives objectives |_| None,
    21 LogEntry Log log |_| APART,
}
