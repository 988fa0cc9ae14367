//! When something happened, as the beginning of a line says it: a date, a time, a zone, each only where it is written.

use jiff::civil::{Date, Time};

use super::dates::{self, month};
use super::zones::{self, Zone};

/// A date as far as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Whole(Date),
    /// Month and day; the year is known from elsewhere, or not at all.
    OfYear(i8, i8),
    /// Something stands where a date should: `2022-05-??`, `20202-01-16`.
    Odd,
}

/// A time of day as far as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hour {
    Known(Time),
    /// `??:??`: a time is meant, and nobody knows it.
    Odd,
}

impl Hour {
    pub fn known(self) -> Option<Time> {
        match self {
            Self::Known(time) => Some(time),
            Self::Odd => None,
        }
    }
}

/// The beginning of a line that says when.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamp<'a> {
    pub day: Option<Day>,
    pub time: Option<Hour>,
    pub zone: Option<Zone>,
    /// What follows, without the marks in between.
    pub rest: &'a str,
}

/// Marks around a time that carry nothing.
const AROUND: &[char] = &[' ', '[', '(', '*', '_', '~', '`', '≈', '@', '"'];
const BEFORE: &[&str] = &["ca. ", "ca ", "circa ", "at ", "around ", "approx. ", "about ", "on "];
const WEEKDAYS: &[&str] =
    &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads the beginning of a line without its list marks; `None` where it does not say when.
pub fn stamp(text: &str) -> Option<Stamp<'_>> {
    let mut rest = lead(text);
    if let Some(after) = rest.strip_prefix("???").or_else(|| rest.strip_prefix("??")) {
        // `[???] something` is known to have happened, and no more.
        if after.starts_with([']', ')', ' ', '*']) {
            return Some(Stamp { day: None, time: Some(Hour::Odd), zone: None, rest: tail(after) });
        }
    }
    let mut found = Stamp { day: None, time: None, zone: None, rest };
    if let Some((day, after)) = day(rest) {
        found.day = Some(day);
        rest = after;
        let gap = lead(rest.trim_start_matches([',', ':', 'T', '-', '–', '—', '|']));
        if let Some((time, after)) = time(gap) {
            found.time = Some(time);
            rest = after;
        }
    } else {
        let (time, after) = time(rest)?;
        found.time = Some(time);
        rest = after;
    }
    if found.time.is_some() {
        rest = range(rest.trim_start_matches(['~', '*', '_', '`', ']']));
        let after = rest.trim_start_matches([' ', '*']);
        if let Some((zone, after)) = zones::leading(after)
            && !after.starts_with(|c: char| c.is_alphanumeric())
        {
            found.zone = Some(zone);
            rest = after;
        }
        // `4:11 AM UTC on November 24th`
        if found.day.is_none()
            && let Some(inner) = rest.trim_start_matches([' ', ',', '*']).strip_prefix("on ")
            && let Some((day, after)) = day(inner)
        {
            found.day = Some(day);
            rest = after;
        }
        // `22:30 UTC (Oct 29)`
        if found.day.is_none()
            && let Some(inner) = rest.trim_start_matches([' ', ',', '*']).strip_prefix('(')
            && let Some((day, after)) = day(inner)
            && let Some(after) = after.strip_prefix(')')
        {
            found.day = Some(day);
            rest = after;
        }
    }
    found.rest = tail(rest);
    Some(found)
}

fn lead(text: &str) -> &str {
    let mut rest = text.trim_start_matches(AROUND);
    for word in BEFORE {
        if let Some(head) = rest.get(..word.len())
            && head.eq_ignore_ascii_case(word)
        {
            rest = rest.get(word.len()..).unwrap_or_default().trim_start_matches(AROUND);
        }
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
    let is_weekday =
        word.len() >= 3 && WEEKDAYS.iter().any(|day| *day == word || day.get(..3) == Some(&word));
    if is_weekday {
        let after = rest.get(end..).unwrap_or_default().trim_start_matches(['.', ',']);
        rest = after.trim_start_matches(AROUND);
    }
    rest
}

/// Without the marks between a time and its words.
fn tail(text: &str) -> &str {
    let marks = [' ', ']', ')', '*', '_', '`', ':', '-', '–', '—', '|', '~', ',', '.'];
    let rest = text.trim_start_matches(marks);
    // A bold or struck word may follow: its own marks stay with it.
    let skipped = text.len() - rest.len();
    let head = text.get(..skipped).unwrap_or_default();
    match head.rfind(' ') {
        Some(at) if head.get(at..).is_some_and(|marks| marks.trim() == "**") => {
            text.get(at + 1..).unwrap_or(rest)
        }
        _ => rest,
    }
}

/// ` - 11:00`, `-13:45`, `–12:?? ` after a time.
fn range(text: &str) -> &str {
    let gap = text.trim_start();
    let dash = ["-", "–", "—", "to ", "until "].iter().find_map(|dash| gap.strip_prefix(dash));
    let end = dash.and_then(|after| time(after.trim_start())).map(|(_, rest)| rest);
    end.map_or(text, |rest| rest.trim_start_matches('~'))
}

fn number(text: &str, most: usize) -> Option<(i64, usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    (1..=most).contains(&end).then_some(())?;
    Some((digits.parse().ok()?, end, rest))
}

fn day(text: &str) -> Option<(Day, &str)> {
    if let Some((year, digits, rest)) = number(text, 5)
        && digits >= 4
    {
        return iso(year, digits, rest);
    }
    if let Some(found) = word_first(text) {
        return Some(found);
    }
    let (first, digits, rest) = number(text, 2)?;
    if let Some(found) = day_first(first, rest) {
        return Some(found);
    }
    // `24.12.2020`, `03-26 `, `12-05 `; what might be the month or the day is left alone.
    let mark = rest.chars().next().filter(|c| matches!(c, '.' | '-'))?;
    let (second, more, after) = number(rest.get(1..)?, 2)?;
    if mark == '.' {
        let (year, 4, after) = number(after.strip_prefix('.')?, 4)? else { return None };
        let date =
            Date::new(year.try_into().ok()?, second.try_into().ok()?, first.try_into().ok()?);
        return Some((Day::Whole(date.ok()?), after));
    }
    let fits = digits == 2
        && more == 2
        && after.starts_with([' ', ']', ')', 'T', ','])
        && (1..=12).contains(&first)
        && (1..=31).contains(&second);
    fits.then_some(())?;
    Some((Day::OfYear(first.try_into().ok()?, second.try_into().ok()?), after))
}

/// `2019-12-04`, `2019/12/4`, `2022-05-??`, `20202-01-16`, `2021/22-??-??`.
fn iso(year: i64, digits: usize, rest: &str) -> Option<(Day, &str)> {
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.' | '_'))?;
    let unknown = rest.find(|c: char| !(c.is_ascii_digit() || c == '?' || matches!(c, '-' | '/')));
    let end = unknown.unwrap_or(rest.len());
    let (body, after) = rest.split_at_checked(end)?;
    if body.contains('?') {
        return Some((Day::Odd, after));
    }
    let (m, _, rest) = number(rest.get(1..)?, 2)?;
    let (d, _, rest) = number(rest.strip_prefix(mark)?, 2)?;
    let fits = (1..=12).contains(&m) && (1..=31).contains(&d);
    if digits != 4 {
        return fits.then_some((Day::Odd, rest));
    }
    let date = Date::new(year.try_into().ok()?, m.try_into().ok()?, d.try_into().ok()?).ok()?;
    (1960..=2100).contains(&year).then_some((Day::Whole(date), rest))
}

fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

fn ordinal(text: &str) -> &str {
    ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_prefix(end)).unwrap_or(text)
}

/// `Sep 27 2017`, `Jan 14`, `October 21st, 2025`.
fn word_first(text: &str) -> Option<(Day, &str)> {
    let (name, rest) = word(text)?;
    let m = month(name)?;
    let (d, _, rest) = number(rest.trim_start_matches(['.', ' ']), 2)?;
    (1..=31).contains(&d).then_some(())?;
    let rest = ordinal(rest);
    of_year(m, d, rest)
}

/// `19. April`, `4 December 2019`, `9th of June 2020`.
fn day_first(d: i64, rest: &str) -> Option<(Day, &str)> {
    let rest = ordinal(rest).trim_start_matches(['.', ' ']);
    let rest = rest.strip_prefix("of ").unwrap_or(rest);
    let (name, rest) = word(rest)?;
    let m = month(name)?;
    (1..=31).contains(&d).then_some(())?;
    of_year(m, d, rest)
}

fn of_year(m: i64, d: i64, rest: &str) -> Option<(Day, &str)> {
    let gap = rest.trim_start_matches([',', ' ', '.']);
    if let Some((year, 4, after)) = number(gap, 4)
        && !after.starts_with(':')
        && let Ok(date) = Date::new(year.try_into().ok()?, m.try_into().ok()?, d.try_into().ok()?)
        && (1960..=2100).contains(&year)
    {
        return Some((Day::Whole(date), after));
    }
    Some((Day::OfYear(m.try_into().ok()?, d.try_into().ok()?), rest))
}

/// `14:08`, `4:02 PM`, `17:14pm`, `15.26`, `5 pm`, `09:00:30Z`, `HH:mm`, `--:--`, `14:??`.
fn time(text: &str) -> Option<(Hour, &str)> {
    for blank in ["HH:mm", "hh:mm", "HH:MM", "--:--", "??:??", "xx:xx", "XX:XX", "2X:XX"] {
        if let Some(rest) = text.strip_prefix(blank) {
            return Some((Hour::Odd, rest));
        }
    }
    let (hour, digits, rest) = number(text, 2)?;
    let mark = rest.chars().next().filter(|c| matches!(c, ':' | '.' | 'h'));
    let Some(mark) = mark else {
        let (half, after) = half_of_day(rest)?;
        return Some((Hour::Known(clock(hour, 0, 0, Some(half))?), after));
    };
    let after = rest.get(1..)?;
    if after.starts_with("??") {
        return Some((Hour::Odd, after.get(2..)?));
    }
    let (minute, 2, mut after) = number(after, 2)? else { return None };
    if mark != ':' && (digits != 2 || after.starts_with(|c: char| c == '.' || c.is_alphanumeric()))
    {
        return None;
    }
    let mut second = 0;
    if let Some((s, 2, rest)) = after.strip_prefix(':').and_then(|rest| number(rest, 2)) {
        (second, after) = (s, rest);
        // Parts of a second are passed over.
        if let Some((_, _, rest)) = after.strip_prefix('.').and_then(|rest| number(rest, 9)) {
            after = rest;
        }
    }
    let half = half_of_day(after);
    let after = half.map_or(after, |(_, rest)| rest);
    Some((Hour::Known(clock(hour, minute, second, half.map(|(half, _)| half))?), after))
}

/// Whether it is after noon.
fn half_of_day(text: &str) -> Option<(bool, &str)> {
    let gap = text.strip_prefix(' ').unwrap_or(text);
    [("am", false), ("pm", true), ("a.m.", false), ("p.m.", true)].iter().find_map(|(mark, pm)| {
        let head = gap.get(..mark.len())?;
        let rest = gap.get(mark.len()..)?;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric());
        (head.eq_ignore_ascii_case(mark) && ends).then_some((*pm, rest))
    })
}

fn clock(hour: i64, minute: i64, second: i64, pm: Option<bool>) -> Option<Time> {
    let hour = match pm {
        Some(false) if hour == 12 => 0,
        // `17:14pm` is written too.
        Some(true) if hour < 12 => hour + 12,
        _ => hour,
    };
    let part = |n: i64| i8::try_from(n).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

/// The day of a year in which `near` lies, or of the one before: what is told happened before it was written down.
pub fn in_year(month: i8, day: i8, near: Date) -> Option<Date> {
    let at = |year: i16| Date::new(year, month, day).ok();
    let latest = near.checked_add(jiff::Span::new().days(60)).ok()?;
    [near.year() + 1, near.year(), near.year() - 1]
        .into_iter()
        .filter_map(at)
        .find(|date| *date <= latest)
}

/// The first date a heading or a sentence has, with the year of `near` where it has none.
pub fn spotted(text: &str, near: Option<Date>) -> Option<Date> {
    if let Some(found) = dates::first(text, false) {
        return Some(found.date);
    }
    match (day(lead(text)), near) {
        (Some((Day::OfYear(month, day), _)), Some(near)) => in_year(month, day, near),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let Some(found) = stamp(text) else { return "none".to_owned() };
        let day = match found.day {
            None => String::new(),
            Some(Day::Whole(date)) => format!("{date} "),
            Some(Day::OfYear(m, d)) => format!("{m}/{d} "),
            Some(Day::Odd) => "odd ".to_owned(),
        };
        let time = match found.time {
            None => String::new(),
            Some(Hour::Odd) => "?".to_owned(),
            Some(Hour::Known(time)) => time.strftime("%H:%M").to_string(),
        };
        let zone = found.zone.map(|z| format!(" {}", z.words)).unwrap_or_default();
        format!("{day}{time}{zone}|{}", found.rest)
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("14:08", "14:08|"),
            ("Sep 27 2017 13:06", "2017-09-27 13:06|"),
            ("2019-11-30 08:24", "2019-11-30 08:24|"),
            ("2021-12-10  15:40", "2021-12-10 15:40|"),
            ("2018-01-17 17:14pm", "2018-01-17 17:14|"),
            ("2018-07-30 ca. 11:20", "2018-07-30 11:20|"),
            ("2020-11-17 10:45~", "2020-11-17 10:45|"),
            ("~2025-03-03 19:30", "2025-03-03 19:30|"),
            ("~13:30-13:45", "13:30|"),
            ("2020-10-06 09:00 - 11:00", "2020-10-06 09:00|"),
            ("2022-08-03 12:26-12:??", "2022-08-03 12:26|"),
            ("2019-12-03 --:--", "2019-12-03 ?|"),
            ("2022-02-?? ??:??", "odd ?|"),
            ("2021/22-??-?? HH:mm", "odd ?|"),
            ("20202-01-16 12:00", "odd 12:00|"),
            ("2024-03-13 14:??", "2024-03-13 ?|"),
            ("16:59 PST", "16:59 PST|"),
            ("2017-11-30 16:22 PST", "2017-11-30 16:22 PST|"),
            ("**16:58 UTC** - Writer begins", "16:58 UTC|Writer begins"),
            ("**22:30 UTC (Oct 29)** - reported", "10/29 22:30 UTC|reported"),
            ("At 4:11 AM UTC on November 24th, a number", "11/24 04:11 UTC|a number"),
            ("[13:26] @cblecker reports", "13:26|@cblecker reports"),
            ("[???] IOPS reached", "?|IOPS reached"),
            ("[03-26 23:04] The node", "3/26 23:04|The node"),
            ("Jan 14, 10:18 AM", "1/14 10:18|"),
            ("19. April, 11:00", "4/19 11:00|"),
            ("4:49 AM: first instance", "04:49|first instance"),
            ("2:54 PM PST: [config](x) merged", "14:54 PST|[config](x) merged"),
            ("12:05 am", "00:05|"),
            ("07:35 - Node limit increased", "07:35|Node limit increased"),
            ("22:52 (maybe earlier?)", "22:52|(maybe earlier?)"),
            ("15.26 it broke", "15:26|it broke"),
            ("2026-01-02T03:04:05Z up", "2026-01-02 03:04 Z|up"),
            ("Tuesday, 5 pm: x", "17:00|x"),
            ("10:01 **Detection:** we saw", "10:01|**Detection:** we saw"),
            ("2018-01-15", "2018-01-15 |"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_begin_with_a_time_is_left_alone() {
        for text in [
            "Deployed 14:08",
            "1.27.0 released",
            "3 nodes",
            "12",
            "25:00",
            "May we ask",
            "9:7 odds",
            "5 pmx",
            "2X",
            "",
        ] {
            assert_eq!(stamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_without_a_year_is_the_last_one_before() {
        let near: Date = "2019-03-26".parse().unwrap();
        assert_eq!(in_year(12, 5, near).unwrap().to_string(), "2018-12-05");
        assert_eq!(in_year(4, 2, near).unwrap().to_string(), "2019-04-02");
        let winter: Date = "2025-12-30".parse().unwrap();
        assert_eq!(in_year(1, 2, winter).unwrap().to_string(), "2026-01-02");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_too_odd(text in "(?s).{0,80}|[0-9:apm TZ.\\-/~?()\\[\\]*]{0,40}") {
            let _ = stamp(&text);
        }
    }
}
