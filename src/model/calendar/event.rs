//! One event as published: its face, its start and length, and everything that repeats, adds, removes or replaces it.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};

use super::rule::{Refused, Rule};
use super::{Length, Moment};
use crate::model::{Clean, Link};

/// One event of a calendar, with what it needs to be expanded.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CalendarEvent {
    /// Unique in its calendar: the UID, with a number where a feed uses one UID for several events.
    pub id: Box<str>,
    pub uid: Box<str>,
    pub sequence: i64,
    pub face: Face,
    pub start: Moment,
    pub length: Length,
    pub rules: Vec<Rule>,
    /// A rule that is not expanded, and why: the event shows at its start only.
    pub refused: Option<Refused>,
    /// RDATEs; a period brings its own length.
    pub added: Vec<(Moment, Option<Length>)>,
    /// EXDATEs, and instances that another event of this calendar replaces.
    pub removed: Excluded,
    /// The instance this event stands for.
    pub replaces: Option<Replaces>,
    /// `RANGE=THISANDFUTURE`: from that instance on, the event at this index of the calendar, in time order.
    pub onwards: Vec<(Moment, usize)>,
}

/// What an event looks like.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Face {
    pub title: Clean,
    pub cancelled: bool,
    /// The upstream's own status word.
    pub status: Clean,
    pub location: Clean,
    pub description: Clean,
    pub url: Option<Link>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Replaces {
    pub at: Moment,
    /// This instance and all later ones.
    pub onwards: bool,
}

/// Instances that do not happen, as they were written: a day removes all of its instances, a wall clock those
/// that show it, an instant exactly one.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Excluded {
    days: BTreeSet<Date>,
    locals: BTreeSet<DateTime>,
    instants: BTreeSet<Timestamp>,
}

impl Excluded {
    /// Removes the instance at `moment` of an event that starts like `start`.
    pub fn insert(&mut self, moment: &Moment, start: &Moment) {
        match (moment, start) {
            (Moment::Day(day), _) => {
                self.days.insert(*day);
            }
            // A date-time on an all-day event means its day.
            (Moment::Floating(local) | Moment::Fixed(local, _), Moment::Day(_)) => {
                self.days.insert(local.date());
            }
            (Moment::Floating(local), _) => {
                self.locals.insert(*local);
            }
            (Moment::Fixed(local, zone), Moment::Fixed(_, home)) if zone == home => {
                self.locals.insert(*local);
            }
            (Moment::Fixed(_, zone), _) => {
                if let Some(at) = moment.instant(zone) {
                    self.instants.insert(at);
                }
            }
        }
    }

    pub fn has(&self, moment: &Moment, viewer: &TimeZone) -> bool {
        let local = moment.local();
        self.locals.contains(&local)
            || self.days.contains(&local.date())
            || (!self.instants.is_empty()
                && moment.instant(viewer).is_some_and(|at| self.instants.contains(&at)))
    }
}
