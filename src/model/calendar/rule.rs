//! A recurrence rule: `calcard` works out its dates on the wall clock, and this door asks it only for the dates in sight.

use calcard::common::{CalendarScale, PartialDateTime, timezone::Tz};
use calcard::datecalc::rrule::RRule;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarDay, ICalendarEntry,
    ICalendarFrequency, ICalendarMonth, ICalendarProperty, ICalendarRecurrenceRule, ICalendarSkip,
    ICalendarValue, ICalendarWeekday,
};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};

use super::Moment;
use super::moment::add_days;

/// Starts a day beyond which a rule is named instead of expanded: every quarter of an hour.
const STARTS_A_DAY: usize = 96;
/// Minutes walked through at once: fifty years of quarters of an hour.
const WALK: usize = 1_800_000;
/// The Gregorian calendar repeats after 400 years: same weekdays, same leap years, same ISO weeks.
const CYCLE: i16 = 400;
/// The library stops at the year 10,000, so rules are asked for in the last cycles before it: then a rule
/// that never fires again (30 February) ends its search after 400 years and not after 8,000.
const LAST_YEAR: i16 = 9_990;

/// Why a rule is not expanded, in words that end a sentence about its event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum Refused {
    #[error("repeats by the second")]
    #[serde(alias = "ByTheMinute")]
    BySecond,
    #[error("repeats more often than every quarter of an hour")]
    TooDense,
    #[error("repeats by a calendar that is not the Gregorian one")]
    OtherCalendar,
    #[error("its repeat rule cannot be read")]
    Unreadable,
    #[error("its repeat rule is too costly to work out")]
    TooCostly,
}

/// What reading all rules of one calendar may cost together.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Dates worked out to find where rules with a COUNT end.
    pub dates: usize,
    /// Searches that found nothing: each may walk through 400 years.
    pub dry: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { dates: 40_000, dry: 3 }
    }
}

/// A rule tied to its start, made ready once so that expanding a window is cheap.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    parts: ICalendarRecurrenceRule,
    start: DateTime,
    /// No date after this one, as a wall clock; a COUNT was turned into it where that was affordable.
    last: Option<DateTime>,
    /// UNTIL as an instant: exact where a wall clock comes twice.
    until: Option<Timestamp>,
    /// All dates there will ever be, for rules that dry up at once.
    only: Option<Vec<DateTime>>,
}

/// Dates of a rule inside a stretch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dates {
    pub dates: Vec<DateTime>,
    /// There were more than `most`.
    pub cut: bool,
}

impl Rule {
    /// Reads a rule for an event that starts at `start`.
    ///
    /// # Errors
    /// Says why the rule will not be expanded; its event still happens at its start.
    pub fn new(
        rule: &ICalendarRecurrenceRule,
        start: &Moment,
        effort: &mut Effort,
    ) -> Result<Self, Refused> {
        let local = start.local();
        if rule.freq == ICalendarFrequency::Secondly {
            return Err(Refused::BySecond);
        }
        // RFC 7529: the library reads RSCALE and SKIP, and iterates as if they were not there.
        if rule.rscale.as_ref().is_some_and(|scale| *scale != CalendarScale::Gregorian)
            || rule.skip.as_ref().is_some_and(|skip| *skip != ICalendarSkip::Omit)
        {
            return Err(Refused::OtherCalendar);
        }
        let (last, until) = ends(rule, start);
        let fires = surely_fires(rule);
        let rule = spelled_out(rule, local);
        if starts_a_day(&rule) > STARTS_A_DAY {
            return Err(Refused::TooDense);
        }
        if rule.freq == ICalendarFrequency::Minutely && picks_days(&rule) {
            return Err(Refused::TooCostly);
        }
        let first = partial(local).to_date_time_with_tz(Tz::Floating).ok_or(Refused::Unreadable)?;
        RRule::from_floating_ical(&rule)
            .and_then(|rule| rule.validate(first).ok())
            .ok_or(Refused::Unreadable)?;

        let mut ready = Self { parts: rule, start: local, last, until, only: None };
        if !fires {
            ready.try_once(effort)?;
        }
        ready.find_end(effort);
        Ok(ready)
    }

    /// Tries a rule that may never fire: one that dries up keeps its few dates and is never searched again.
    fn try_once(&mut self, effort: &mut Effort) -> Result<(), Refused> {
        if effort.dry == 0 {
            return Err(Refused::TooCostly);
        }
        let count = self.parts.count.take();
        let tried = ask(&self.parts, self.start, self.horizon(), 2);
        self.parts.count = count;
        if tried.len() < 2 {
            effort.dry -= 1;
            let most = count.map_or(usize::MAX, |n| n as usize);
            self.only = Some(tried.into_iter().take(most).collect());
        }
        Ok(())
    }

    /// Until when a second date has to come, if it ever does. Minutes repeat their hours and weekdays after as many weeks
    /// as the interval has minutes; other rules are searched to the end.
    fn horizon(&self) -> Option<DateTime> {
        let every = i64::from(self.parts.interval.unwrap_or(1).max(1));
        let by_the_minute = self.parts.freq == ICalendarFrequency::Minutely;
        by_the_minute.then(|| add_days(self.start, (2 * every + 1) * 7)).flatten()
    }

    /// Turns a COUNT into a last date, so that later windows can start near where they look.
    fn find_end(&mut self, effort: &mut Effort) {
        let Some(count) = self.parts.count.filter(|_| self.only.is_none()) else { return };
        let wanted = count as usize;
        if wanted > effort.dates {
            return;
        }
        effort.dates -= wanted;
        let dates = ask(&self.parts, self.start, None, wanted);
        self.parts.count = None;
        // A rule can run into the end of time before its count is reached: then its dates are all it has.
        let end = dates.last().copied();
        self.last = match (self.last, end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Dates from `lo` to `hi` (both inclusive), at most `most`, in order. Dates before `lo` may be among them
    /// where a rule with a long COUNT has to be counted through; they are dropped here but were paid for.
    pub fn dates(&self, lo: DateTime, hi: DateTime, most: usize) -> Dates {
        let hi = self.last.map_or(hi, |last| last.min(hi));
        if hi < lo || hi < self.start {
            return Dates::default();
        }
        if let Some(only) = &self.only {
            let dates = only.iter().copied().filter(|d| (lo..=hi).contains(d)).collect();
            return Dates { dates, cut: false };
        }
        let from = if self.parts.count.is_some() { None } else { self.skip_to(lo) };
        let mut dates = ask(&self.parts, from.unwrap_or(self.start), Some(hi), most + 1);
        let cut = dates.len() > most;
        dates.truncate(most);
        dates.retain(|d| *d >= lo && *d >= self.start);
        Dates { dates, cut }
    }

    /// UNTIL as an instant, to be compared with instants.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Rarest first: when a budget ends, the many of one rule are cut before the few of others.
    pub fn density(&self) -> u8 {
        match self.parts.freq {
            ICalendarFrequency::Yearly => 0,
            ICalendarFrequency::Monthly => 1,
            ICalendarFrequency::Weekly => 2,
            ICalendarFrequency::Daily => 3,
            _ => 4,
        }
    }

    /// A start on the rule's own lattice, at least one whole interval before `lo`: every part of the rule is
    /// spelled out, so iterating from there gives the same dates as iterating from the true start.
    fn skip_to(&self, lo: DateTime) -> Option<DateTime> {
        let every = i64::from(self.parts.interval.unwrap_or(1).max(1));
        let (start, there) = (self.start.date(), lo.date());
        let days = there.duration_since(start).as_hours() / 24;
        let months =
            i64::from(there.year() - start.year()) * 12 + i64::from(there.month() - start.month());
        let midnight = |date: Date| Some(date.at(0, 0, 0, 0));
        let back = |units: i64, size: i64| Some((units / size - 1) * size).filter(|n| *n > 0);
        match self.parts.freq {
            ICalendarFrequency::Daily => midnight(add_days(self.start, back(days, every)?)?.date()),
            ICalendarFrequency::Weekly => {
                midnight(add_days(self.start, back(days, every * 7)?)?.date())
            }
            ICalendarFrequency::Monthly => {
                let span = Span::new().try_months(back(months, every)?).ok()?;
                midnight(start.first_of_month().checked_add(span).ok()?)
            }
            ICalendarFrequency::Yearly => {
                let span = Span::new().try_years(back(months / 12, every)?).ok()?;
                midnight(start.first_of_year().checked_add(span).ok()?)
            }
            ICalendarFrequency::Hourly => {
                let hours = back(lo.duration_since(self.start).as_hours(), every)?;
                let hour = self.start.with().minute(0).second(0).build().ok()?;
                hour.checked_add(SignedDuration::from_hours(hours)).ok()
            }
            ICalendarFrequency::Minutely => {
                let minutes = back(lo.duration_since(self.start).as_mins(), every)?;
                let minute = self.start.with().second(0).build().ok()?;
                minute.checked_add(SignedDuration::from_mins(minutes)).ok()
            }
            ICalendarFrequency::Secondly => None,
        }
    }
}

/// The shapes nearly all rules have, which fire again and again whatever their interval; for others a search
/// for the next date may be long.
fn surely_fires(rule: &ICalendarRecurrenceRule) -> bool {
    use ICalendarFrequency::{Daily, Monthly, Weekly, Yearly};
    let every_month = |days: &[i8]| days.iter().any(|day| (1..=28).contains(&day.abs()));
    let every_time = |days: &[ICalendarDay]| {
        days.iter().any(|day| day.ordwk.is_none_or(|nth| (1..=4).contains(&nth.abs())))
    };
    if !(rule.byyearday.is_empty() && rule.byweekno.is_empty()) {
        return false;
    }
    if !rule.bysetpos.is_empty() {
        let early = rule.bysetpos.iter().any(|at| (1..=4).contains(&at.abs()));
        let workdays = rule.byday.iter().any(|day| day.ordwk.is_none());
        let plain = rule.bymonth.is_empty() && rule.bymonthday.is_empty();
        return rule.freq == Monthly && early && workdays && plain;
    }
    if rule.freq == ICalendarFrequency::Minutely {
        return rule.byhour.is_empty() && rule.byminute.is_empty() && rule.byday.is_empty();
    }
    let days = (!rule.bymonthday.is_empty(), !rule.byday.is_empty());
    match (rule.freq, !rule.bymonth.is_empty(), days) {
        (Yearly, _, (false, false))
        | (_, false, (false, false))
        | (Weekly, false, (false, true)) => true,
        (Daily, false, (false, true)) | (Daily, true, (false, false)) => {
            rule.interval.unwrap_or(1) == 1
        }
        (Monthly, false, (true, false)) | (Yearly, true, (true, false)) => {
            every_month(&rule.bymonthday)
        }
        (Monthly, false, (false, true)) | (Yearly, _, (false, true)) => every_time(&rule.byday),
        _ => false,
    }
}

/// UNTIL as a wall clock of the event and, where it names an instant, as that too.
fn ends(rule: &ICalendarRecurrenceRule, start: &Moment) -> (Option<DateTime>, Option<Timestamp>) {
    let Some(until) = &rule.until else { return (None, None) };
    let Some(local) = civil(until) else { return (None, None) };
    if start.is_day() || until.hour.is_none() {
        // A date, or compared with dates: that day still counts.
        return (Some(local.date().at(23, 59, 59, 0)), None);
    }
    match (until.tz_hour, start) {
        (Some(hours), Moment::Fixed(_, zone)) => {
            let minutes = i64::from(hours) * 60 + i64::from(until.tz_minute.unwrap_or(0));
            let east = SignedDuration::from_mins(if until.tz_minus { -minutes } else { minutes });
            let instant =
                TimeZone::UTC.to_timestamp(local).ok().and_then(|at| at.checked_sub(east).ok());
            // Two hours more on the wall clock, because clocks are set back; the instant decides.
            let slack = instant.and_then(|at| {
                zone.to_datetime(at).checked_add(SignedDuration::from_hours(2)).ok()
            });
            (slack.or(Some(local)), instant)
        }
        _ => (Some(local), None),
    }
}

/// The rule with everything it takes from its start written out, and without UNTIL.
fn spelled_out(rule: &ICalendarRecurrenceRule, start: DateTime) -> ICalendarRecurrenceRule {
    use ICalendarFrequency::{Daily, Hourly, Minutely, Monthly, Weekly, Yearly};
    let mut rule = rule.clone();
    rule.until = None;
    let has_days = !(rule.byweekno.is_empty()
        && rule.byyearday.is_empty()
        && rule.bymonthday.is_empty()
        && rule.byday.is_empty());
    if !has_days {
        match rule.freq {
            Yearly => {
                if rule.bymonth.is_empty() {
                    rule.bymonth = vec![ICalendarMonth::new(start.month().unsigned_abs(), false)];
                }
                rule.bymonthday = vec![start.day()];
            }
            Monthly => rule.bymonthday = vec![start.day()],
            Weekly => {
                rule.byday =
                    vec![ICalendarDay { ordwk: None, weekday: weekday(start.date().weekday()) }];
            }
            _ => {}
        }
    }
    let daily = matches!(rule.freq, Yearly | Monthly | Weekly | Daily);
    if rule.byhour.is_empty() && daily {
        rule.byhour = vec![start.hour().unsigned_abs()];
    }
    if rule.byminute.is_empty() && (daily || rule.freq == Hourly) {
        rule.byminute = vec![start.minute().unsigned_abs()];
    }
    if rule.bysecond.is_empty() && (daily || matches!(rule.freq, Hourly | Minutely)) {
        rule.bysecond = vec![start.second().unsigned_abs()];
    }
    for list in [&mut rule.byhour, &mut rule.byminute, &mut rule.bysecond] {
        list.sort_unstable();
        list.dedup();
    }
    rule
}

fn starts_a_day(rule: &ICalendarRecurrenceRule) -> usize {
    let times = rule.byminute.len().max(1) * rule.bysecond.len().max(1);
    match rule.freq {
        // Whatever hours and minutes it is narrowed to, every one of them has to be walked through.
        ICalendarFrequency::Minutely => {
            let every = usize::from(rule.interval.unwrap_or(1).max(1));
            (24 * 60_usize).div_ceil(every) * rule.bysecond.len().max(1)
        }
        ICalendarFrequency::Hourly if rule.byhour.is_empty() => 24 * times,
        _ => rule.byhour.len().max(1) * times,
    }
}

/// Whether a rule leaves out days other than by their weekday: then it may walk far to find one.
fn picks_days(rule: &ICalendarRecurrenceRule) -> bool {
    !(rule.bymonth.is_empty()
        && rule.bymonthday.is_empty()
        && rule.byyearday.is_empty()
        && rule.byweekno.is_empty()
        && rule.bysetpos.is_empty())
}

/// Asks the library for the first dates of a rule, by way of a calendar of one floating event:
/// that is the door it offers to its iterator.
fn ask(
    rule: &ICalendarRecurrenceRule,
    start: DateTime,
    until: Option<DateTime>,
    most: usize,
) -> Vec<DateTime> {
    if rule.freq == ICalendarFrequency::Minutely {
        return by_the_minute(rule, start, until, most);
    }
    let year = until.map_or(start.year(), DateTime::year);
    let shift = (LAST_YEAR - year).div_euclid(CYCLE).max(0) * CYCLE;
    let Some(from) = later(start, shift) else { return Vec::new() };
    let mut rule = rule.clone();
    rule.until = until.and_then(|until| later(until, shift)).map(partial);
    let event = ICalendarComponent {
        component_type: ICalendarComponentType::VEvent,
        entries: vec![
            entry(
                ICalendarProperty::Dtstart,
                ICalendarValue::PartialDateTime(Box::new(partial(from))),
            ),
            entry(ICalendarProperty::Rrule, ICalendarValue::RecurrenceRule(Box::new(rule))),
        ],
        component_ids: Vec::new(),
    };
    let calendar = ICalendar { components: vec![event] };
    calendar
        .expand_dates(Tz::Floating, most)
        .events
        .into_iter()
        .filter_map(|event| Timestamp::from_second(event.start.timestamp()).ok())
        .filter_map(|at| later(TimeZone::UTC.to_datetime(at), -shift))
        .collect()
}

fn entry(name: ICalendarProperty, value: ICalendarValue) -> ICalendarEntry {
    ICalendarEntry { name, params: Vec::new(), values: vec![value] }
}

/// The first dates of a rule by the minute, walked through one by one: the library loses dates where an interval is not
/// part of a day.
fn by_the_minute(
    rule: &ICalendarRecurrenceRule,
    start: DateTime,
    until: Option<DateTime>,
    most: usize,
) -> Vec<DateTime> {
    let every = SignedDuration::from_mins(i64::from(rule.interval.unwrap_or(1).max(1)));
    let most = rule.count.map_or(most, |count| most.min(count as usize));
    let among = |list: &[u8], value: i8| {
        list.is_empty() || list.iter().any(|one| i8::try_from(*one) == Ok(value))
    };
    let fits = |at: DateTime| {
        let today = weekday(at.date().weekday());
        among(&rule.byhour, at.hour())
            && among(&rule.byminute, at.minute())
            && (rule.byday.is_empty() || rule.byday.iter().any(|day| day.weekday == today))
    };
    let mut found = Vec::new();
    let mut next = start.with().second(0).build().ok();
    for _ in 0..WALK {
        let Some(minute) = next.filter(|at| until.is_none_or(|until| *at <= until)) else { break };
        if fits(minute) {
            let seconds = rule.bysecond.iter().filter_map(|s| i8::try_from(*s).ok());
            let times = seconds.filter_map(|s| minute.with().second(s.min(59)).build().ok());
            found.extend(times.filter(|at| *at >= start && until.is_none_or(|until| *at <= until)));
        }
        if found.len() >= most {
            break;
        }
        next = minute.checked_add(every).ok();
    }
    found.truncate(most);
    found
}

/// The same wall clock whole cycles away: always a date, because leap years repeat too.
fn later(local: DateTime, years: i16) -> Option<DateTime> {
    local.with().year(local.year().checked_add(years)?).build().ok()
}

fn partial(local: DateTime) -> PartialDateTime {
    PartialDateTime {
        year: u16::try_from(local.year()).ok(),
        month: Some(local.month().unsigned_abs()),
        day: Some(local.day().unsigned_abs()),
        hour: Some(local.hour().unsigned_abs()),
        minute: Some(local.minute().unsigned_abs()),
        second: Some(local.second().unsigned_abs()),
        ..PartialDateTime::default()
    }
}

/// A date or date-time as the parser gives it; the 60th second is read as the 59th.
pub fn civil(partial: &PartialDateTime) -> Option<DateTime> {
    let small = |value: Option<u8>| i8::try_from(value.unwrap_or(0)).ok();
    let year = i16::try_from(partial.year?).ok()?;
    let date = Date::new(year, small(partial.month)?, small(partial.day)?).ok()?;
    let (hour, minute) = (small(partial.hour)?, small(partial.minute)?);
    let time = jiff::civil::Time::new(hour, minute, small(partial.second)?.min(59), 0).ok()?;
    Some(date.to_datetime(time))
}

fn weekday(day: Weekday) -> ICalendarWeekday {
    match day {
        Weekday::Monday => ICalendarWeekday::Monday,
        Weekday::Tuesday => ICalendarWeekday::Tuesday,
        Weekday::Wednesday => ICalendarWeekday::Wednesday,
        Weekday::Thursday => ICalendarWeekday::Thursday,
        Weekday::Friday => ICalendarWeekday::Friday,
        Weekday::Saturday => ICalendarWeekday::Saturday,
        Weekday::Sunday => ICalendarWeekday::Sunday,
    }
}
