//! How moments, ages and numbers are said on a page: short, in the scene's zone, coarse enough to stand still.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::insight::ServiceState;
pub use crate::insight::words::{
    NO_DATA, NO_TRAFFIC, ago, bound, exact, many, measure, number, span,
};
use crate::model::{Clean, Severity};

/// `03:12`, in the zone of the page.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    formatted(at, zone, "%H:%M")
}

/// `Fri 20 Nov 18:00`, or only the clock on the day of `now`.
pub fn near(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    if at.to_zoned(zone.clone()).date() == now.to_zoned(zone.clone()).date() {
        clock(at, zone)
    } else {
        formatted(at, zone, "%a %-d %b %H:%M")
    }
}

/// `2026-11-20 18:00 GMT`: an absolute moment never comes without its zone.
pub fn absolute(at: Timestamp, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M %Z")
}

/// `Friday 20 November 2026`.
pub fn day(date: jiff::civil::Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// `2026-11-20 18:00 GMT · 7 m ago`.
pub fn both(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Clean {
    Clean::line(format_args!("{} · {}", absolute(at, zone), ago(at, now)))
}

/// How long something lasts already, or nothing known.
pub fn lasting(since: Option<Timestamp>, now: Timestamp) -> Clean {
    since.map_or_else(
        || NO_DATA.into(),
        |since| Clean::line(span(now.duration_since(since).max(jiff::SignedDuration::ZERO))),
    )
}

/// The same of a service: `≥ 12 m` where it was so already when somebody looked first.
pub fn so_long(state: &ServiceState, now: Timestamp) -> Clean {
    // "At least less than a minute" says nothing.
    let seen = state.at_least.filter(|seen| now.duration_since(*seen).as_secs() >= 60);
    match (state.since, seen) {
        (None, Some(seen)) => Clean::line(format_args!("≥ {}", lasting(Some(seen), now))),
        (since, _) => lasting(since, now),
    }
}

/// `3 deploys`, `1 deploy`.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `sev 1`, or nothing known.
pub fn severity(severity: Option<Severity>) -> Clean {
    severity.map_or_else(|| NO_DATA.into(), |s| Clean::line(format_args!("sev {}", s.0)))
}

/// Remote text that is empty is said to be.
pub fn shown(text: &Clean) -> Clean {
    if text.is_empty() { "(blank)".into() } else { text.clone() }
}

/// Remote text, or a dash where there is none.
pub fn dash(text: &Clean) -> Clean {
    if text.is_empty() { NO_DATA.into() } else { text.clone() }
}

/// A whole commit hash as people say it; any other words as they are.
pub fn short_hash(text: Clean) -> Clean {
    let word = text.as_str();
    let is_hash = matches!(word.len(), 40 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash { Clean::line(word.chars().take(8).collect::<String>()) } else { text }
}

fn formatted(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    at.to_zoned(zone.clone()).strftime(format).to_string()
}

/// A stretch of about `span` that ends about now, in slots of whole seconds on a grid of their own: what is drawn of
/// it moves by a slot now and then, not a little with every second.
pub fn stretch(now: Timestamp, span: SignedDuration, slots: usize) -> (Timestamp, Timestamp) {
    let slots = i64::try_from(slots).unwrap_or(i64::MAX).max(1);
    let step = ((span.as_secs() + slots - 1) / slots).max(1);
    let until = (now.as_second().div_euclid(step) + 1).saturating_mul(step);
    let from = until.saturating_sub(step.saturating_mul(slots));
    let at = |s: i64, end: Timestamp| Timestamp::from_second(s).unwrap_or(end);
    (at(from, Timestamp::MIN), at(until, Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_stays_where_it_is_until_a_slot_is_full() {
        let at =
            |s| stretch(Timestamp::from_second(s).unwrap(), SignedDuration::from_hours(3), 360);
        let seconds = |(a, b): (Timestamp, Timestamp)| (a.as_second(), b.as_second());
        assert_eq!(seconds(at(100_000)), (89_220, 100_020));
        assert_eq!(at(100_000), at(100_019));
        assert_eq!(seconds(at(100_020)), (89_250, 100_050));
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let (from, until) = stretch(now, SignedDuration::from_hours(3), 0);
            assert!(from < until);
        }
    }

    #[test]
    fn an_absolute_moment_carries_its_zone() {
        let at: Timestamp = "2026-07-01T11:30:00Z".parse().unwrap();
        let london = TimeZone::get("Europe/London").unwrap();
        assert_eq!(absolute(at, &london), "2026-07-01 12:30 BST");
        assert_eq!(near(at, at, &london), "12:30");
        let later = at + jiff::SignedDuration::from_hours(24);
        assert_eq!(near(at, later, &london), "Wed 1 Jul 12:30");
        assert_eq!(both(at, later, &london).as_str(), "2026-07-01 12:30 BST · 1 d ago");
    }

    #[test]
    fn the_ends_of_time_can_be_said() {
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let _ = (absolute(at, &TimeZone::UTC), both(at, Timestamp::UNIX_EPOCH, &TimeZone::UTC));
        }
    }
}
