//! Zone names as calendars write them: IANA, Windows, prefixed, or the calendar's own VTIMEZONE turned into a zone.

use std::collections::BTreeMap;
use std::str::FromStr;

use calcard::common::{IanaParse, PartialDateTime, timezone::Tz};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarDuration, ICalendarProperty,
    ICalendarValue,
};
use jiff::civil::{Date, DateTime};
use jiff::{
    SignedDuration, Timestamp,
    tz::{Offset, TimeZone},
};

use crate::model::calendar::{Effort, Moment, Rule, civil};

/// Years in which the changes of a calendar's own zone are worked out.
const FROM: i16 = 1970;
const UNTIL: i16 = 2100;
/// Changes of offset of one zone: two a year, and room for odd ones.
const CHANGES: usize = 600;

/// The zones of one calendar, found by the names its events use.
#[derive(Default)]
pub struct Zones {
    own: BTreeMap<String, Vec<Observance>>,
    /// `X-LIC-LOCATION` of a VTIMEZONE: libical's way to say the IANA name.
    located: BTreeMap<String, String>,
    /// `X-WR-TIMEZONE`.
    default: Option<String>,
    found: BTreeMap<String, Option<TimeZone>>,
}

/// A part of a VTIMEZONE: when an offset begins to hold.
struct Observance {
    start: DateTime,
    before: Offset,
    after: Offset,
    daylight: bool,
    rules: Vec<calcard::icalendar::ICalendarRecurrenceRule>,
    added: Vec<DateTime>,
}

impl Zones {
    /// Notes the zones a calendar defines; nothing is worked out before it is asked for.
    pub fn add(&mut self, calendar: &ICalendar) {
        for component in &calendar.components {
            match component.component_type {
                ICalendarComponentType::VTimezone => self.add_zone(calendar, component),
                _ => {
                    if let Some(name) = other(component, "X-WR-TIMEZONE") {
                        self.default.get_or_insert_with(|| name.trim().to_owned());
                    }
                }
            }
        }
    }

    fn add_zone(&mut self, calendar: &ICalendar, zone: &ICalendarComponent) {
        let id = zone.property(&ICalendarProperty::Tzid).and_then(|e| e.values.first()?.as_text());
        let Some(id) = id.map(bare) else { return };
        if let Some(place) = other(zone, "X-LIC-LOCATION") {
            self.located.insert(id.to_owned(), bare(place).to_owned());
        }
        let parts = zone.component_ids.iter().filter_map(|i| calendar.components.get(*i as usize));
        let parts: Vec<Observance> = parts.filter_map(observance).take(200).collect();
        if !parts.is_empty() {
            self.own.insert(id.to_owned(), parts);
        }
    }

    /// The zone of a TZID; `None` when nobody knows it.
    pub fn resolve(&mut self, id: &str, effort: &mut Effort) -> Option<TimeZone> {
        let id = bare(id);
        if let Some(found) = self.found.get(id) {
            return found.clone();
        }
        let zone = self.look_up(id, effort);
        self.found.insert(id.to_owned(), zone.clone());
        zone
    }

    /// Where wall clocks without a zone are meant, if the feed says so by `X-WR-TIMEZONE`.
    pub fn home(&mut self) -> Option<TimeZone> {
        let name = self.default.clone()?;
        if !self.found.contains_key(&name) {
            self.found.insert(name.clone(), iana(&name).or_else(|| windows(&name)));
        }
        self.found.get(&name).cloned().flatten()
    }

    /// Names with a slash, and those of UTC, are IANA's; short ones like `EST` are what the calendar says they are.
    fn look_up(&self, id: &str, effort: &mut Effort) -> Option<TimeZone> {
        let slashed = id.contains('/') || matches!(id, "UTC" | "GMT" | "Z");
        let spaced = id.contains([' ', '(']);
        slashed
            .then(|| iana(id))
            .flatten()
            .or_else(|| spaced.then(|| windows(id)).flatten())
            .or_else(|| ending(id))
            .or_else(|| self.located.get(id).and_then(|place| iana(place)))
            .or_else(|| self.own.get(id).and_then(|parts| built(id, parts, effort)))
            .or_else(|| iana(id).or_else(|| windows(id)))
            .or_else(|| self.default.as_deref().filter(|d| *d != id).and_then(iana))
    }
}

/// Quotes and blanks around a name mean nothing.
fn bare(id: &str) -> &str {
    id.trim().trim_matches('"').trim()
}

fn other<'a>(component: &'a ICalendarComponent, name: &str) -> Option<&'a str> {
    component.entries.iter().find_map(|entry| match &entry.name {
        ICalendarProperty::Other(n) if n.eq_ignore_ascii_case(name) => {
            entry.values.first()?.as_text()
        }
        _ => None,
    })
}

/// Only what looks like an IANA name is looked up.
fn iana(name: &str) -> Option<TimeZone> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '/');
    let named = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(fine);
    if !named {
        return None;
    }
    TimeZone::get(name).ok()
}

/// `W. Europe Standard Time`, `(UTC+01:00) Amsterdam, Berlin, …`: the library holds that table.
fn windows(name: &str) -> Option<TimeZone> {
    match Tz::from_str(name).ok()? {
        // A guessed offset would lose minutes: the calendar's own rules know better.
        Tz::Fixed(_) | Tz::Floating => None,
        zone @ Tz::Tz(_) => iana(&zone.name()?),
    }
}

/// `/freeassociation.sourceforge.net/Europe/Berlin`, `/mozilla.org/20070129_1/America/Indiana/Knox`.
fn ending(id: &str) -> Option<TimeZone> {
    let parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    [3, 2].into_iter().find_map(|n| {
        let from = parts.len().checked_sub(n).filter(|from| *from > 0)?;
        iana(&parts.get(from..)?.join("/"))
    })
}

fn observance(part: &ICalendarComponent) -> Option<Observance> {
    let daylight = match part.component_type {
        ICalendarComponentType::Standard => false,
        ICalendarComponentType::Daylight => true,
        _ => return None,
    };
    let first = |name| match part.property(&name)?.values.first()? {
        ICalendarValue::PartialDateTime(value) => Some(&**value),
        _ => None,
    };
    let values = |name: &ICalendarProperty| -> Vec<&ICalendarValue> {
        let named = part.entries.iter().filter(|entry| entry.name == *name);
        named.flat_map(|entry| &entry.values).collect()
    };
    Some(Observance {
        start: civil(first(ICalendarProperty::Dtstart)?)?,
        before: offset(first(ICalendarProperty::Tzoffsetfrom)?)?,
        after: offset(first(ICalendarProperty::Tzoffsetto)?)?,
        daylight,
        rules: values(&ICalendarProperty::Rrule)
            .into_iter()
            .filter_map(|value| match value {
                ICalendarValue::RecurrenceRule(rule) => Some((**rule).clone()),
                _ => None,
            })
            .collect(),
        added: values(&ICalendarProperty::Rdate)
            .into_iter()
            .filter_map(|value| civil(value.as_partial_date_time()?))
            .take(CHANGES)
            .collect(),
    })
}

/// `None` beyond a day: such offsets exist in feeds, not on clocks.
fn offset(value: &PartialDateTime) -> Option<Offset> {
    let seconds = i32::from(value.tz_hour?) * 3600 + i32::from(value.tz_minute.unwrap_or(0)) * 60;
    let seconds = if value.tz_minus { -seconds } else { seconds };
    (seconds.abs() < 86_400).then(|| Offset::from_seconds(seconds).ok()).flatten()
}

/// A change of offset.
struct Change {
    at: Timestamp,
    before: Offset,
    after: Offset,
    daylight: bool,
}

fn built(name: &str, parts: &[Observance], effort: &mut Effort) -> Option<TimeZone> {
    let lo = Date::new(FROM, 1, 1).ok()?.at(0, 0, 0, 0);
    let hi = Date::new(UNTIL, 1, 1).ok()?.at(0, 0, 0, 0);
    let mut changes = Vec::new();
    for part in parts {
        let start = Moment::Fixed(part.start, TimeZone::fixed(part.before));
        let mut locals = vec![part.start];
        locals.extend(&part.added);
        for rule in &part.rules {
            let Ok(rule) = Rule::new(rule, &start, effort) else { continue };
            locals.extend(rule.dates(lo, hi, CHANGES).dates);
        }
        for local in locals {
            let Ok(at) = part.before.to_timestamp(local) else { continue };
            changes.push(Change {
                at,
                before: part.before,
                after: part.after,
                daylight: part.daylight,
            });
        }
    }
    changes.sort_by_key(|change| change.at);
    changes.dedup_by_key(|change| change.at);
    tzif(name, &changes)
}

/// The changes as a compiled zone (RFC 8536), so that gaps and folds are handled where all zones are.
fn tzif(name: &str, changes: &[Change]) -> Option<TimeZone> {
    let first = changes.first()?;
    let mut types: Vec<(Offset, bool)> = vec![(first.before, false)];
    let mut indices = Vec::new();
    for change in changes {
        let kind = (change.after, change.daylight);
        let index = types.iter().position(|k| *k == kind).unwrap_or_else(|| {
            types.push(kind);
            types.len() - 1
        });
        indices.push(u8::try_from(index).ok()?);
    }
    let block = |times: &[Change], indices: &[u8], kinds: &[(Offset, bool)]| {
        let mut out = b"TZif2".to_vec();
        out.extend([0; 15]);
        for count in [0, 0, 0, times.len(), kinds.len(), 4] {
            out.extend(u32::try_from(count).unwrap_or(0).to_be_bytes());
        }
        for change in times {
            out.extend(change.at.as_second().to_be_bytes());
        }
        out.extend(indices);
        for (offset, daylight) in kinds {
            out.extend(offset.seconds().to_be_bytes());
            out.extend([u8::from(*daylight), 0]);
        }
        out.extend(b"own\0");
        out
    };
    let mut data = block(&[], &[], types.get(..1)?);
    data.extend(block(changes, &indices, &types));
    data.extend(b"\n\n");
    TimeZone::tzif(name, &data).ok()
}

/// Whether a UTC offset beside a date-time is given, as a zone.
pub fn fixed(value: &PartialDateTime) -> Option<TimeZone> {
    value.tz_hour?;
    let offset = offset(value)?;
    Some(if offset == Offset::UTC { TimeZone::UTC } else { TimeZone::fixed(offset) })
}

/// What a calendar asks for between two polls; never less than a minute.
pub fn refresh(calendar: &ICalendar) -> Option<SignedDuration> {
    let seconds = calendar.components.iter().flat_map(|c| &c.entries).find_map(|entry| {
        let value = entry.values.first()?;
        match (&entry.name, value) {
            (ICalendarProperty::RefreshInterval, ICalendarValue::Duration(d)) => {
                Some(d.as_seconds())
            }
            (ICalendarProperty::Other(name), _) if name.eq_ignore_ascii_case("X-PUBLISHED-TTL") => {
                let words = value.as_text()?;
                Some(ICalendarDuration::parse(words.trim().as_bytes())?.as_seconds())
            }
            _ => None,
        }
    })?;
    (seconds >= 60).then(|| SignedDuration::from_secs(seconds))
}
