//! Times as calendars write them: a day, a floating wall clock, or a wall clock in a zone; and how long things last.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};

/// A time before anybody looked at it: which instant it is may depend on the viewer's zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// A date has no zone: an all-day event is that day wherever it is looked at.
    Day(Date),
    /// A wall clock of nowhere in particular, read in the viewer's zone.
    Floating(DateTime),
    /// A wall clock in a zone.
    Fixed(DateTime, TimeZone),
}

impl Moment {
    pub fn utc(at: Timestamp) -> Self {
        Self::Fixed(TimeZone::UTC.to_datetime(at), TimeZone::UTC)
    }

    /// The wall clock as written; midnight for a day.
    pub fn local(&self) -> DateTime {
        match self {
            Self::Day(date) => date.to_datetime(Time::midnight()),
            Self::Floating(local) | Self::Fixed(local, _) => *local,
        }
    }

    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    pub fn zone<'a>(&'a self, viewer: &'a TimeZone) -> &'a TimeZone {
        match self {
            Self::Fixed(_, zone) => zone,
            Self::Day(_) | Self::Floating(_) => viewer,
        }
    }

    /// Another wall clock of the same kind.
    #[must_use]
    pub fn at(&self, local: DateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(local.date()),
            Self::Floating(_) => Self::Floating(local),
            Self::Fixed(_, zone) => Self::Fixed(local, zone.clone()),
        }
    }

    /// RFC 5545 §3.3.5: a wall clock that a gap skips is read with the offset before the gap,
    /// one that comes twice is the first.
    pub fn instant(&self, viewer: &TimeZone) -> Option<Timestamp> {
        self.zone(viewer).to_ambiguous_timestamp(self.local()).compatible().ok()
    }
}

/// How long an event lasts.
///
/// RFC 5545 §3.8.5.3: a length given by DTEND is exact for every instance; one given by DURATION counts
/// days on the wall clock, so that a day may have 23 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Days(i64),
    Exact(SignedDuration),
    Nominal { days: i64, rest: SignedDuration },
}

impl Length {
    /// At most this long, whatever the zone does.
    pub fn bound(self) -> SignedDuration {
        match self {
            Self::Days(days) => SignedDuration::from_hours(25).saturating_mul(clamp(days)),
            Self::Exact(length) => length,
            Self::Nominal { days, rest } => {
                SignedDuration::from_hours(25).saturating_mul(clamp(days)).saturating_add(rest)
            }
        }
    }

    /// When something that starts at `start` ends; never before its start.
    pub fn end(self, start: &Moment, viewer: &TimeZone) -> Option<Timestamp> {
        let from = start.instant(viewer)?;
        let until = match self {
            Self::Exact(length) => from.checked_add(length).ok()?,
            Self::Days(days) => start.at(add_days(start.local(), days)?).instant(viewer)?,
            Self::Nominal { days, rest } => {
                start.at(add_days(start.local(), days)?).instant(viewer)?.checked_add(rest).ok()?
            }
        };
        Some(until.max(from))
    }
}

fn clamp(days: i64) -> i32 {
    i32::try_from(days.clamp(0, 4_000_000)).unwrap_or(0)
}

/// `None` outside the years the calendar arithmetic knows.
pub fn add_days(local: DateTime, days: i64) -> Option<DateTime> {
    local.checked_add(Span::new().try_days(days).ok()?).ok()
}
