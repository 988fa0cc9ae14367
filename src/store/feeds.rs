//! The feeds as they are numbered in the file, and what of the board belongs to each.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{
    Alert, AlertRule, Approval, Board, Brought, Change, Deploy, Discovered, Drift, Environment,
    Feed, Gate, Incident, Key, LogEntry, Milestone, Objective, PostMortem, Records, Release, Run,
    Shift, Silence, Ticket,
};

/// Calendars are told whole, one a source: no records, but they lie in the same log.
pub const CALENDAR: i64 = 11;

/// A kind of record that is kept. The numbers are in files: never change one.
pub trait Kept: Serialize + DeserializeOwned + Clone {
    const FEED: i64;
    fn key(&mut self) -> &mut Key;
    fn records(board: &Board) -> &Records<Self>;
    fn records_mut(board: &mut Board) -> &mut Records<Self>;
}

macro_rules! kept {
    ($($feed:literal $kind:ident $name:ident $records:ident),* $(,)?) => {
        $(impl Kept for $kind {
            const FEED: i64 = $feed;
            fn key(&mut self) -> &mut Key {
                &mut self.key
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

kept! {
    1 Alert Alerts alerts,
    2 AlertRule Rules rules,
    3 Silence Silences silences,
    4 Incident Incidents incidents,
    5 Shift Shifts shifts,
    6 Deploy Deploys deploys,
    7 Release Releases releases,
    8 Run Runs runs,
    9 Change Changes changes,
    10 PostMortem PostMortems post_mortems,
    12 Milestone Milestones milestones,
    13 Gate Gates gates,
    14 Environment Environments environments,
    15 Drift Drifts drifts,
    16 Approval Approvals approvals,
    17 Ticket Tickets tickets,
    18 Discovered Discovered discovered,
    19 Brought Brought brought,
    20 Objective Objectives objectives,
    21 LogEntry Log log,
}
