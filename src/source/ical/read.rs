//! A calendar feed to events: each component on its own, so that a broken one costs only itself.

use std::collections::{BTreeMap, BTreeSet};

use calcard::common::{IanaString, PartialDateTime};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarDuration, ICalendarEntry,
    ICalendarParameterName, ICalendarParameterValue, ICalendarPeriod, ICalendarProperty,
    ICalendarValue, ICalendarValueType, Uri,
};
use calcard::{Entry, Parser};
use jiff::{
    SignedDuration,
    civil::{DateTime, Time},
};

use super::decode;
use super::zone::{self, Zones};
use crate::model::calendar::{
    CalendarEvent, Effort, Excluded, Face, Length, Moment, Refused, Replaces, Rule, civil,
};
use crate::model::{Calendar, Clean, Link, Purpose, SourceName, Trouble};

/// Bytes kept of a description.
const DESCRIPTION: usize = 16 * 1024;

/// Reads a whole feed: several calendars in one stream are one calendar here, and bare events are welcome.
///
/// # Errors
/// When nothing in the bytes is a calendar at all.
pub fn calendar(bytes: &[u8], source: &SourceName, purpose: Purpose) -> Result<Calendar, Trouble> {
    let (text, odd_bytes) = decode::text(bytes);
    let text = mended(text);
    if text.trim_start().starts_with('<') {
        return Err(Trouble::bad_data("a web page instead of a calendar")
            .hint("the address may ask for a login, or show the calendar instead of its feed"));
    }
    let mut reader = Reader::default();
    let mut parser = Parser::new(&text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => reader.calendars.push(calendar),
            Entry::Eof => break,
            Entry::VCard(_) => reader.skip("a contact"),
            Entry::InvalidLine(_) => reader.lines += 1,
            _ => reader.skip("a component that does not end"),
        }
    }
    if reader.calendars.is_empty() {
        return Err(Trouble::bad_data("no calendar in it: not a single BEGIN line"));
    }
    if odd_bytes {
        reader.notes.push("some bytes are no UTF-8".into());
    }
    Ok(reader.finish(source, purpose))
}

/// `DTSTART;VALUE=DATE:20090117T200000` is a time by its looks, and the parser would drop the time.
fn mended(text: String) -> String {
    const CLAIM: &str = ";VALUE=DATE:";
    if !text.contains(CLAIM) {
        return text;
    }
    let mend = |line: &str| match line.split_once(CLAIM) {
        Some((name, value))
            if name.len() <= 200 && stamp(value).is_some_and(|at| at.hour.is_some()) =>
        {
            // Midnight is how some programs write a whole day.
            let day = value.get(8..).is_some_and(|time| time.trim().starts_with("T000000"));
            if day { line.to_owned() } else { format!("{name}:{value}") }
        }
        _ => line.to_owned(),
    };
    text.split('\n').map(mend).collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Reader {
    calendars: Vec<ICalendar>,
    zones: Zones,
    effort: Effort,
    skipped: BTreeMap<&'static str, usize>,
    /// Lines outside of every component.
    lines: usize,
    /// Zone names nobody knows.
    unknown: BTreeSet<String>,
    notes: Vec<Clean>,
}

impl Reader {
    fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }

    fn finish(mut self, source: &SourceName, purpose: Purpose) -> Calendar {
        let calendars = std::mem::take(&mut self.calendars);
        for calendar in &calendars {
            self.zones.add(calendar);
        }
        let mut events = Vec::new();
        for component in calendars.iter().flat_map(|calendar| &calendar.components) {
            if component.component_type == ICalendarComponentType::VEvent {
                match self.event(component) {
                    Ok(event) => events.push(event),
                    Err(why) => self.skip(why),
                }
            }
        }
        let events = linked(unique(events));

        let mut notes = self.notes;
        let skipped = self.skipped.values().sum();
        notes.extend(
            self.skipped.iter().map(|(why, n)| Clean::line(format_args!("{n} skipped: {why}"))),
        );
        notes.extend(self.unknown.iter().take(10).map(|name| {
            Clean::line(format_args!("time zone “{name}” is unknown: read in your zone"))
        }));
        let name = calendars.iter().flat_map(|c| &c.components).find_map(calendar_name);
        Calendar {
            source: source.clone(),
            purpose,
            name: name.map(Clean::line).unwrap_or_default(),
            events,
            skipped,
            notes,
            refresh: calendars.iter().find_map(zone::refresh),
        }
    }

    fn event(&mut self, component: &ICalendarComponent) -> Result<CalendarEvent, &'static str> {
        let replaced = component.property(&ICalendarProperty::RecurrenceId);
        let start = match component.property(&ICalendarProperty::Dtstart) {
            Some(entry) => {
                let start = self.moment(entry).ok_or("an event whose start cannot be read")?;
                self.midnight(component, entry).unwrap_or(start)
            }
            // An exception that keeps its time may leave it out.
            None => {
                replaced.and_then(|entry| self.moment(entry)).ok_or("an event without a start")?
            }
        };
        let replaces = match replaced {
            Some(entry) => Some(Replaces {
                at: self.moment(entry).ok_or("an exception to nobody knows which instance")?,
                onwards: entry.has_parameter(&ICalendarParameterName::Range),
            }),
            None => None,
        };
        let (rules, refused) = self.rules(component, &start);
        let mut removed = Excluded::default();
        for entry in component.properties(&ICalendarProperty::Exdate) {
            for value in &entry.values {
                if let Some(at) = value.as_partial_date_time().and_then(|at| self.at(at, entry)) {
                    removed.insert(&at, &start);
                }
            }
        }
        let sequence = component
            .property(&ICalendarProperty::Sequence)
            .and_then(|entry| entry.values.first()?.as_integer());
        let uid: Box<str> = component.uid().unwrap_or_default().into();
        Ok(CalendarEvent {
            id: uid.clone(),
            uid,
            sequence: sequence.unwrap_or(0),
            face: face(component),
            length: self.length(component, &start),
            rules,
            refused,
            added: self.added(component, &start),
            removed,
            replaces,
            onwards: Vec::new(),
            start,
        })
    }

    fn moment(&mut self, entry: &ICalendarEntry) -> Option<Moment> {
        match entry.values.first()? {
            ICalendarValue::PartialDateTime(value) => self.at(value, entry),
            // A VALUE nobody knows hides a date that is plain to see.
            value => self.at(&stamp(value.as_text()?)?, entry),
        }
    }

    /// The start where a day is written for a time: before an end with a time of day, because both ends are of one kind
    /// (RFC 5545 §3.8.2.2). Whether it says `VALUE=DATE` cannot be told: the parser adds that by itself.
    fn midnight(
        &mut self,
        component: &ICalendarComponent,
        entry: &ICalendarEntry,
    ) -> Option<Moment> {
        let end = component.property(&ICalendarProperty::Dtend)?;
        let written = |entry: &ICalendarEntry| {
            let value = entry.values.first()?;
            value.as_partial_date_time().cloned().or_else(|| stamp(value.as_text()?))
        };
        let is_time = written(end)?.hour.is_some();
        let mut start = written(entry)?;
        if !is_time || start.hour.is_some() {
            return None;
        }
        (start.hour, start.minute, start.second) = (Some(0), Some(0), Some(0));
        self.timed(&start, entry)
    }

    fn at(&mut self, value: &PartialDateTime, entry: &ICalendarEntry) -> Option<Moment> {
        let local = civil(value)?;
        let as_date = entry
            .parameters(&ICalendarParameterName::Value)
            .any(|p| matches!(p, ICalendarParameterValue::Value(ICalendarValueType::Date)));
        // `VALUE=DATE` beside a time of day: the time is believed, unless it is midnight.
        if value.hour.is_none() || (as_date && local.time() == Time::midnight()) {
            return Some(Moment::Day(local.date()));
        }
        self.timed(value, entry)
    }

    /// A wall clock in the zone that is written beside it, else in that of the calendar.
    fn timed(&mut self, value: &PartialDateTime, entry: &ICalendarEntry) -> Option<Moment> {
        let local = civil(value)?;
        if let Some(zone) = zone::fixed(value) {
            return Some(Moment::Fixed(local, zone));
        }
        let Some(name) = entry.tz_id().filter(|name| !name.trim().is_empty()) else {
            return Some(match self.zones.home() {
                Some(zone) => Moment::Fixed(local, zone),
                None => Moment::Floating(local),
            });
        };
        let zone = self.zones.resolve(name, &mut self.effort);
        if zone.is_none() {
            self.unknown.insert(name.to_owned());
        }
        Some(zone.map_or(Moment::Floating(local), |zone| Moment::Fixed(local, zone)))
    }

    fn rules(
        &mut self,
        component: &ICalendarComponent,
        start: &Moment,
    ) -> (Vec<Rule>, Option<Refused>) {
        let mut rules = Vec::new();
        let mut refused = None;
        for value in component.properties(&ICalendarProperty::Rrule).flat_map(|e| &e.values) {
            let rule = match value {
                ICalendarValue::RecurrenceRule(rule) => Rule::new(rule, start, &mut self.effort),
                _ => Err(Refused::Unreadable),
            };
            match rule {
                Ok(rule) => rules.push(rule),
                Err(why) => refused = Some(why),
            }
        }
        (rules, refused)
    }

    fn added(
        &mut self,
        component: &ICalendarComponent,
        start: &Moment,
    ) -> Vec<(Moment, Option<Length>)> {
        let mut added = Vec::new();
        for entry in component.properties(&ICalendarProperty::Rdate) {
            for value in &entry.values {
                let (at, length) = match value {
                    ICalendarValue::PartialDateTime(at) => (self.at(at, entry), None),
                    ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => {
                        let (from, until) = (self.at(start, entry), self.at(end, entry));
                        let length = from.as_ref().zip(until).map(|(a, b)| between(a, &b));
                        (from, length)
                    }
                    ICalendarValue::Period(ICalendarPeriod::Duration { start, duration }) => {
                        (self.at(start, entry), Some(nominal(duration)))
                    }
                    value => self.period_of_days(value, entry, start).unzip(),
                };
                // An all-day event gains whole days, whatever way they are written.
                let at = at.map(|at| match start {
                    Moment::Day(_) => Moment::Day(at.local().date()),
                    _ => at,
                });
                let length = length.filter(|_| !start.is_day());
                added.extend(at.map(|at| (at, length)));
            }
        }
        added
    }

    /// `19970101/19970102`: a period has times (RFC 5545 §3.3.9), but two days are plain to see. Midnight to midnight.
    fn period_of_days(
        &mut self,
        value: &ICalendarValue,
        entry: &ICalendarEntry,
        start: &Moment,
    ) -> Option<(Moment, Length)> {
        let (from, until) = value.as_text()?.split_once('/')?;
        let from = self.at(&stamp(from)?, entry)?;
        let until = self.at(&stamp(until)?, entry)?;
        let length = wall(from.local(), until.local()).max(SignedDuration::ZERO);
        Some((start.at(from.local()), Length::Exact(length)))
    }

    fn length(&mut self, component: &ICalendarComponent, start: &Moment) -> Length {
        let end = component.property(&ICalendarProperty::Dtend).and_then(|e| self.moment(e));
        let duration =
            component.property(&ICalendarProperty::Duration).and_then(|entry| {
                match entry.values.first()? {
                    ICalendarValue::Duration(duration) => Some(duration),
                    _ => None,
                }
            });
        match (end, duration) {
            (Some(end), _) => between(start, &end),
            (None, Some(duration)) if start.is_day() => {
                let seconds = duration.as_seconds().max(0);
                Length::Days((seconds / 86_400 + i64::from(seconds % 86_400 > 0)).max(1))
            }
            (None, Some(duration)) => nominal(duration),
            (None, None) if start.is_day() => Length::Days(1),
            (None, None) => Length::Exact(SignedDuration::ZERO),
        }
    }
}

/// `20260316`, `20260316T093000`, `20260316T093000Z`.
fn stamp(text: &str) -> Option<PartialDateTime> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(d, t)| (d, Some(t)));
    let digits = |part: &str, at: usize, length: usize| -> Option<u16> {
        let digits = part.get(at..at + length)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let utc = time.is_some_and(|time| time.ends_with(['Z', 'z']));
    let mut out = PartialDateTime {
        year: Some(digits(date, 0, 4)?),
        month: Some(u8::try_from(digits(date, 4, 2)?).ok()?),
        day: Some(u8::try_from(digits(date, 6, 2)?).ok()?),
        tz_hour: utc.then_some(0),
        tz_minute: utc.then_some(0),
        ..PartialDateTime::default()
    };
    if let Some(time) = time {
        out.hour = Some(u8::try_from(digits(time, 0, 2)?).ok()?);
        out.minute = Some(u8::try_from(digits(time, 2, 2)?).ok()?);
        out.second = digits(time, 4, 2).and_then(|s| u8::try_from(s).ok());
    }
    (date.len() == 8).then_some(out)
}

/// The length from a start to an exclusive end; an end before the start is no length.
fn between(start: &Moment, end: &Moment) -> Length {
    if start.is_day() {
        let hours = end.local().duration_since(start.local()).as_hours();
        return Length::Days((hours / 24 + i64::from(hours % 24 > 0)).max(1));
    }
    let exact = match (start, end) {
        (Moment::Fixed(_, a), Moment::Fixed(_, b)) => {
            start.instant(a).zip(end.instant(b)).map(|(from, until)| until.duration_since(from))
        }
        _ => None,
    };
    let length = exact.unwrap_or_else(|| wall(start.local(), end.local()));
    Length::Exact(length.max(SignedDuration::ZERO))
}

fn wall(from: DateTime, until: DateTime) -> SignedDuration {
    until.duration_since(from)
}

fn nominal(duration: &ICalendarDuration) -> Length {
    if duration.neg {
        return Length::Exact(SignedDuration::ZERO);
    }
    let days = i64::from(duration.weeks) * 7 + i64::from(duration.days);
    let seconds = i64::from(duration.hours) * 3600
        + i64::from(duration.minutes) * 60
        + i64::from(duration.seconds);
    Length::Nominal { days, rest: SignedDuration::from_secs(seconds) }
}

fn face(component: &ICalendarComponent) -> Face {
    let text = |name| -> Option<&str> {
        component.property(&name).and_then(|entry| entry.values.first()?.as_text())
    };
    let line = |name| text(name).map(Clean::line).unwrap_or_default();
    let status =
        component.property(&ICalendarProperty::Status).and_then(|e| match e.values.first()? {
            ICalendarValue::Status(status) => Some(Clean::line(status.as_str())),
            value => value.as_text().map(Clean::line),
        });
    let status = status.unwrap_or_default();
    let url = component.property(&ICalendarProperty::Url).and_then(|e| match e.values.first()? {
        ICalendarValue::Uri(Uri::Location(address)) => Link::parse(address),
        value => Link::parse(value.as_text()?),
    });
    Face {
        title: line(ICalendarProperty::Summary),
        cancelled: status.as_str().eq_ignore_ascii_case("cancelled"),
        status,
        location: line(ICalendarProperty::Location),
        description: text(ICalendarProperty::Description)
            .map(|words| Clean::body(words, DESCRIPTION))
            .unwrap_or_default(),
        url,
    }
}

fn calendar_name(component: &ICalendarComponent) -> Option<&str> {
    if component.component_type != ICalendarComponentType::VCalendar {
        return None;
    }
    component.entries.iter().find_map(|entry| match &entry.name {
        ICalendarProperty::Name => entry.values.first()?.as_text(),
        ICalendarProperty::Other(name) if name.eq_ignore_ascii_case("X-WR-CALNAME") => {
            entry.values.first()?.as_text()
        }
        _ => None,
    })
}

/// Of several versions of one event or one exception the newest stays, and every event gets an id of its own.
///
/// Events that share a UID but start at different times are all kept when no SEQUENCE tells which is newer:
/// some publishers give one UID to everything, and a release shown twice does less harm than one not shown.
fn unique(events: Vec<CalendarEvent>) -> Vec<CalendarEvent> {
    let mut kept: Vec<CalendarEvent> = Vec::with_capacity(events.len());
    let mut by_uid: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
    for mut event in events {
        let uid = event.uid.clone();
        if uid.is_empty() {
            event.id = format!("#{}", kept.len()).into();
            kept.push(event);
            continue;
        }
        let places = by_uid.entry(uid).or_default();
        let mut older = None;
        // A feed that repeats one UID without end is compared with its first few hundred only.
        for place in places.iter().take(500) {
            let Some(other) = kept.get(*place) else { continue };
            let same = match (&event.replaces, &other.replaces) {
                (Some(a), Some(b)) => a == b,
                (None, None) => event.sequence != other.sequence || event.start == other.start,
                _ => false,
            };
            if same {
                older = Some(*place);
                break;
            }
        }
        match older.and_then(|place| kept.get_mut(place)) {
            Some(other) if event.sequence >= other.sequence => {
                event.id = other.id.clone();
                *other = event;
            }
            Some(_) => {}
            None => {
                if event.replaces.is_none() && !places.is_empty() {
                    event.id = format!("{}#{}", event.uid, places.len()).into();
                }
                places.push(kept.len());
                kept.push(event);
            }
        }
    }
    kept
}

/// Ties exceptions to their events: the instance they stand for is removed there, and `THISANDFUTURE` noted.
fn linked(mut events: Vec<CalendarEvent>) -> Vec<CalendarEvent> {
    let mut masters: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
    for (i, event) in events.iter().enumerate() {
        if event.replaces.is_none() && !event.uid.is_empty() {
            masters.entry(event.uid.clone()).or_default().push(i);
        }
    }
    for event in &mut events {
        let Some(replaces) = &mut event.replaces else { continue };
        if !replaces.onwards {
            event.rules.clear();
            event.added.clear();
        }
    }
    // An instance that is both excepted and excluded does not happen.
    let mut excluded = vec![false; events.len()];
    let mut ties: Vec<(usize, usize, Replaces)> = Vec::new();
    for (i, event) in events.iter().enumerate() {
        let Some(replaces) = &event.replaces else { continue };
        for place in masters.get(&event.uid).map(Vec::as_slice).unwrap_or_default() {
            let Some(master) = events.get(*place) else { continue };
            let mut replaces = replaces.clone();
            // A wall clock without a zone is one of the event's own.
            if let (Moment::Floating(local), Moment::Fixed(..)) = (&replaces.at, &master.start) {
                replaces.at = master.start.at(*local);
            }
            if master.removed.has(&replaces.at, &jiff::tz::TimeZone::UTC)
                && let Some(flag) = excluded.get_mut(i)
            {
                *flag = true;
            }
            ties.push((*place, i, replaces));
        }
    }
    // Places move when excluded exceptions go.
    let mut moved = Vec::with_capacity(events.len());
    let mut gone = 0;
    for flag in &excluded {
        moved.push((!flag).then_some(moved.len() - gone));
        gone += usize::from(*flag);
    }
    let now_at = |place: usize| moved.get(place).copied().flatten();
    let mut flags = excluded.iter();
    events.retain(|_| !flags.next().copied().unwrap_or(false));
    for (master, exception, replaces) in ties {
        let (Some(master), Some(exception)) = (now_at(master), now_at(exception)) else { continue };
        if let Some(master) = events.get_mut(master) {
            master.removed.insert(&replaces.at, &master.start);
            if replaces.onwards {
                master.onwards.push((replaces.at, exception));
            }
        }
    }
    for event in &mut events {
        event.onwards.sort_by_key(|(at, _)| at.instant(&jiff::tz::TimeZone::UTC));
    }
    events
}
