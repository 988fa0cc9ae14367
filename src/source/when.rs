//! Times as upstreams write them: eighteen shapes, read leniently, never guessed.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::Offset,
};

/// An instant in any of the textual shapes seen on the wire; `None` for what is no time, and for the zero time.
///
/// Naive times are read as UTC. A bare date is no instant: see [`date`].
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text.split_once('[').map_or(text, |(before, _)| before);
    if text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return http_date(text);
    }
    let (day, rest) = text.split_at_checked(10)?;
    let day = calendar_day(day)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_ends = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ','));
    let (clock, zone) = rest.split_at_checked(clock_ends.unwrap_or(rest.len()))?;
    let offset = offset(zone.trim())?;
    offset.to_timestamp(day.to_datetime(time_of_day(clock)?)).ok()
}

/// A day without a zone, shown as that day everywhere: `2010-07-11`, or the day a longer time names.
pub fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    (rest.is_empty() || rest.starts_with(['T', 't', ' '])).then(|| calendar_day(day))?
}

/// Seconds since the epoch, with fraction; kept to the microsecond, which is what a double still holds.
pub fn epoch_seconds(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() || seconds.abs() > 1e12 {
        return None;
    }
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// Milliseconds since the epoch.
pub fn epoch_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

/// Year 1 is how Go writes "no time".
fn calendar_day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let day = Date::new(digits(year)?, digits(month)?, digits(day)?).ok()?;
    (day.year() > 1).then_some(day)
}

/// `HH:MM`, `HH:MM:SS`, and fractions of any length; a leap second is the second before it.
fn time_of_day(text: &str) -> Option<Time> {
    let (whole, fraction) =
        text.split_once(['.', ',']).map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let mut parts = whole.split(':');
    let (hour, minute) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    let second = parts.next().map_or(Some(0), two_digits)?;
    if parts.next().is_some() {
        return None;
    }
    let mut nanoseconds = 0_i32;
    let mut place = 100_000_000;
    for c in fraction.chars() {
        nanoseconds += i32::try_from(c.to_digit(10)?).ok()? * place;
        place /= 10;
    }
    Time::new(hour, minute, if second == 60 { 59 } else { second }, nanoseconds).ok()
}

/// `Z`, `+02:00`, `-0400`, `+02`, `UTC`, `+0000 UTC`, or nothing.
fn offset(text: &str) -> Option<Offset> {
    let text = ["UTC", "GMT"].iter().find_map(|z| text.strip_suffix(z)).unwrap_or(text).trim_end();
    if matches!(text, "" | "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(pair) => pair,
        None if rest.len() == 2 => (rest, "00"),
        None => rest.split_at_checked(2)?,
    };
    let (hours, minutes) = (i32::from(two_digits(hours)?), i32::from(two_digits(minutes)?));
    let inside = minutes < 60 && hours < 24;
    inside.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?
}

/// `Tue, 19 Jul 2022 04:40:47 GMT` and its older forms; also with `UTC`, which strict readers refuse.
fn http_date(text: &str) -> Option<Timestamp> {
    let gmt = match text.strip_suffix("UTC") {
        Some(before) => format!("{before}GMT"),
        None => text.to_owned(),
    };
    let read = httpdate::parse_http_date(&gmt).ok().and_then(|t| Timestamp::try_from(t).ok());
    read.or_else(|| jiff::fmt::rfc2822::parse(&gmt).ok().map(|zoned| zoned.timestamp()))
}

fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn two_digits(text: &str) -> Option<i8> {
    (text.len() == 2).then(|| digits(text))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_textual_shape_is_read_to_the_right_instant() {
        for (text, utc) in [
            ("2026-11-22T10:39:22.043Z", "2026-11-22T10:39:22.043Z"),
            ("2022-07-19T04:38:37Z", "2022-07-19T04:38:37Z"),
            ("2026-11-22T11:43:26.911978865Z", "2026-11-22T11:43:26.911978865Z"),
            ("2021-08-17T13:28:57.801578Z", "2021-08-17T13:28:57.801578Z"),
            ("2026-11-22T11:45:15.92790439Z", "2026-11-22T11:45:15.92790439Z"),
            ("2026-11-22T10:39:21.0733044Z", "2026-11-22T10:39:21.0733044Z"),
            ("2016-06-28T14:24:00.000-07:00", "2016-06-28T21:24:00Z"),
            ("2017-07-08T16:18:44-04:00", "2017-07-08T20:18:44Z"),
            ("2024-10-09T16:40:26.265+0200", "2024-10-09T14:40:26.265Z"),
            ("2015-05-17 18:08:09 UTC", "2015-05-17T18:08:09Z"),
            ("2021-04-28 21:50:00 +0200", "2021-04-28T19:50:00Z"),
            ("2023-06-11T00:00:00", "2023-06-11T00:00:00Z"),
            ("Tue, 19 Jul 2022 04:40:47 GMT", "2022-07-19T04:40:47Z"),
            ("Tue, 19 Jul 2022 04:40:47 UTC", "2022-07-19T04:40:47Z"),
            ("Tue, 19 Jul 2022 06:40:47 +0200", "2022-07-19T04:40:47Z"),
            ("2026-11-22T11:43:26.9119788651234Z", "2026-11-22T11:43:26.911978865Z"),
            ("2026-11-22t11:43:26z", "2026-11-22T11:43:26Z"),
            ("2026-11-22T11:43Z", "2026-11-22T11:43:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2026-11-22T12:00:00+01:00[Europe/Berlin]", "2026-11-22T11:00:00Z"),
            ("2026-11-22 12:00:00.5 +0000 UTC", "2026-11-22T12:00:00.5Z"),
            (" 2022-07-19T04:38:37Z\n", "2022-07-19T04:38:37Z"),
        ] {
            assert_eq!(instant(text), Some(utc.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_in_the_unit_of_their_field() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(epoch_seconds(1_658_208_999.0), at("2022-07-19T05:36:39Z"));
        assert_eq!(epoch_millis(1_795_347_881_688), at("2026-11-22T11:44:41.688Z"));
        assert_eq!(epoch_seconds(1_795_347_881.688), at("2026-11-22T11:44:41.688Z"));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            assert_eq!(epoch_seconds(bad), None, "{bad}");
        }
        assert_eq!(epoch_millis(i64::MAX), None);
    }

    #[test]
    fn the_zero_time_is_no_time() {
        for zero in
            ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T01:00:00+01:00"]
        {
            assert_eq!(instant(zero), None, "{zero}");
        }
        assert_eq!(date("0001-01-01"), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "abc123",
            "yesterday",
            "",
            "2026-13-40T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22T25:00:00Z",
            "2026-11-22",
            "2026-11-22T",
            "2026-11-22T1:2:3Z",
            "2026-11-22T10:00:00+99:00",
            "2026-11-22T10:00:00+01:75",
            "2026-11-22T10:00:00 sometime",
            "+002026-11-22T10:00:00Z",
            "éééééééééééé",
            "2026-11-22T10:00:00.٣Z",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_stays_a_day() {
        let day = jiff::civil::date(2010, 7, 11);
        assert_eq!(date("2010-07-11"), Some(day));
        assert_eq!(date("2010-07-11T23:30:00-07:00"), Some(day));
        for bad in ["2010-7-11", "2010-07-11x", "11.07.2010", "2010-02-31", ""] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,60}", day in "[0-9T:.,+\\-Z ]{0,40}") {
            let _ = (instant(&text), date(&text), instant(&day), date(&day));
        }

        #[test]
        fn what_rfc_3339_prints_is_read_back(ns in -60_000_000_000_000_000_000_i128..250_000_000_000_000_000_000) {
            let at = Timestamp::from_nanosecond(ns).unwrap();
            proptest::prop_assert_eq!(instant(&at.to_string()), Some(at));
        }
    }
}
