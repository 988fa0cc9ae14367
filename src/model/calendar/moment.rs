//! Times as calendars write them: a day, a floating wall clock, or a wall clock in a zone; and how long things last.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};

/// A time before anybody looked at it: which instant it is may depend on the viewer's zone.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Moment {
    /// A date has no zone: an all-day event is that day wherever it is looked at.
    Day(Date),
    /// A wall clock of nowhere in particular, read in the viewer's zone.
    Floating(DateTime),
    /// A wall clock in a zone.
    Fixed(DateTime, #[serde(with = "named")] TimeZone),
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

/// Zones are kept by name, and only where the name says everything: a calendar with a zone of its own making is not
/// kept at all, because an hour wrong is worse than waiting for the feed.
mod named {
    use jiff::tz::{Offset, TimeZone};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de, ser};

    pub fn serialize<S: Serializer>(zone: &TimeZone, to: S) -> Result<S::Ok, S::Error> {
        if let Ok(offset) = zone.to_fixed_offset() {
            return offset.seconds().to_string().serialize(to);
        }
        let name = zone.iana_name().filter(|name| TimeZone::get(name).is_ok_and(|z| z == *zone));
        name.ok_or_else(|| ser::Error::custom("the zone has no name that all know"))?.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
        let name = String::deserialize(from)?;
        match name.parse::<i32>().ok().and_then(|seconds| Offset::from_seconds(seconds).ok()) {
            Some(offset) if offset == Offset::UTC => Ok(TimeZone::UTC),
            Some(offset) => Ok(TimeZone::fixed(offset)),
            None => TimeZone::get(&name).map_err(de::Error::custom),
        }
    }
}

/// How long an event lasts.
///
/// RFC 5545 §3.8.5.3: a length given by DTEND is exact for every instance; one given by DURATION counts
/// days on the wall clock, so that a day may have 23 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_kept_by_its_name_and_one_without_a_known_name_is_not_kept() {
        let local = DateTime::constant(2026, 11, 22, 9, 0, 0, 0);
        for zone in ["Europe/London", "UTC"] {
            let moment = Moment::Fixed(local, TimeZone::get(zone).unwrap());
            let kept = serde_json::to_string(&moment).unwrap();
            assert_eq!(serde_json::from_str::<Moment>(&kept).unwrap(), moment, "{kept}");
        }
        let east = Moment::Fixed(local, TimeZone::fixed(jiff::tz::offset(2)));
        let kept = serde_json::to_string(&east).unwrap();
        assert_eq!(serde_json::from_str::<Moment>(&kept).unwrap(), east, "{kept}");
        let own = Moment::Fixed(local, TimeZone::posix("CLUB-1").unwrap());
        assert!(serde_json::to_string(&own).is_err());
    }
}
