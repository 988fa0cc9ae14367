//! When a schedule is on: exactly now, and as stretches inside a window.

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use super::{Cron, Schedule, Stretch};
use crate::model::Window;

/// Searches of one schedule in one window; a cron that fires each minute is not worth more.
const STEPS: usize = 4_096;

impl Schedule {
    /// Whether it is on at `now`, by the upstream's own arithmetic.
    pub fn is_on(&self, now: Timestamp) -> bool {
        match self {
            Self::Once { from, until } => *from <= now && now < *until,
            Self::Between { start, end, zone } => between(start, end, zone, now),
            Self::After { start, length, zone } => after(start, *length, zone, now),
            Self::Unreadable(_) => false,
        }
    }

    /// Every stretch that overlaps the window, in time order.
    pub fn stretches(&self, window: Window) -> Vec<Stretch> {
        let all = match self {
            Self::Once { from, until } => vec![Stretch { from: *from, until: Some(*until) }],
            Self::Between { start, end, zone } => stretches_between(start, end, zone, window),
            Self::After { start, length, zone } => stretches_after(start, *length, zone, window),
            Self::Unreadable(_) => Vec::new(),
        };
        let overlaps = |s: &Stretch| {
            s.from < window.until && s.until.is_none_or(|u| u > window.from && u > s.from)
        };
        all.into_iter().filter(overlaps).collect()
    }
}

/// GitLab, `app/services/ci/freeze_period_status_service` and its kin: previous end < previous start ≤ now ≤ next end <
/// next start. So of two starts before one end only the later one counts. A cron that fires at this very moment
/// counts as past.
fn between(start: &Cron, end: &Cron, zone: &TimeZone, now: Timestamp) -> bool {
    let at = now.to_zoned(zone.clone());
    let (Some(started), Some(ends)) = (start.previous(&at, true), end.next(&at, false)) else {
        return false;
    };
    let ended = end.previous(&at, true);
    let starts = start.next(&at, false);
    ended.is_none_or(|e| e < started) && starts.is_none_or(|s| ends < s)
}

fn stretches_between(start: &Cron, end: &Cron, zone: &TimeZone, window: Window) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut at = window.from.to_zoned(zone.clone());
    // Each end is looked at once: it closes the stretch of the last start before it, if no other end lies between.
    for _ in 0..STEPS {
        let Some(stop) = end.next(&at, false) else { break };
        let Some(begin) = start.previous(&stop, false) else { break };
        if begin.timestamp() >= window.until {
            break;
        }
        let other = end.previous(&stop, false);
        if other.is_none_or(|e| e < begin) {
            found.push(Stretch { from: begin.timestamp(), until: Some(stop.timestamp()) });
            at = stop;
        } else {
            // Ends without a start between them say nothing: go on behind the next start.
            match start.next(&stop, true) {
                Some(next) => at = next,
                None => break,
            }
        }
    }
    found
}

/// The wall clock of a zone, written as if it were UTC: Argo CD adds the zone's present offset to the moment and lets the
/// cron run on that.
fn wall(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(zone.to_datetime(at)).ok()
}

/// Argo CD, `SyncWindows.active`: on when the next time after `now − length` comes before `now`: so neither at the very
/// start nor at the very end. A cron that never fires has a next time in the year 1, and is always on.
fn after(start: &Cron, length: SignedDuration, zone: &TimeZone, now: Timestamp) -> bool {
    if !start.fires() {
        return true;
    }
    let next = || {
        let wall = wall(zone, now)?;
        let from = Timestamp::from_second(wall.checked_sub(length).ok()?.as_second()).ok()?;
        let next = start.next(&Zoned::new(from, TimeZone::UTC), false)?;
        Some(next.timestamp() < wall)
    };
    next().unwrap_or(false)
}

fn stretches_after(
    start: &Cron,
    length: SignedDuration,
    zone: &TimeZone,
    window: Window,
) -> Vec<Stretch> {
    if !start.fires() {
        return vec![Stretch { from: window.from, until: None }];
    }
    if !length.is_positive() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (Some(first), Some(last)) = (wall(zone, window.from), wall(zone, window.until)) else {
        return found;
    };
    let utc = |at: Timestamp| Zoned::new(at, TimeZone::UTC);
    let Some(begin) = first.checked_sub(length).ok() else { return found };
    let mut next = start.next(&utc(begin), false);
    let mut steps = 0;
    while let Some(begin) = next.filter(|f| f.timestamp() < last) {
        // What begins before this has ended goes on with it: each step ends where the last fire inside it ends.
        let mut end = begin.timestamp().checked_add(length).ok();
        while let Some(until) = end.filter(|u| *u < last && steps < STEPS) {
            steps += 1;
            let further = start.previous(&utc(until), true).map(|f| f.timestamp());
            let longer = further.and_then(|f| f.checked_add(length).ok());
            if longer.is_none_or(|l| l <= until) {
                break;
            }
            end = longer;
        }
        steps += 1;
        let cut = steps >= STEPS;
        found.push(Stretch {
            from: moment(zone, begin.timestamp()),
            until: end.filter(|_| !cut).map(|at| moment(zone, at)),
        });
        next = match end {
            Some(until) if !cut => start.next(&utc(until), false),
            _ => None,
        };
    }
    found
}

/// The moment at which a wall clock shows this; the end of the gap that skips it.
fn moment(zone: &TimeZone, wall: Timestamp) -> Timestamp {
    let local = TimeZone::UTC.to_datetime(wall);
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Gap { before, .. } => {
            // The clock jumps at the first moment after which it shows more than `local`.
            let late = before.to_timestamp(local).unwrap_or(wall);
            zone.preceding(late).next().map_or(late, |jump| jump.timestamp())
        }
        _ => ambiguous.compatible().unwrap_or(wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn between_of(start: &str, end: &str, zone_name: &str) -> Schedule {
        Schedule::Between {
            start: Cron::parse(start).unwrap(),
            end: Cron::parse(end).unwrap(),
            zone: zone(zone_name),
        }
    }

    fn after_of(start: &str, hours: i64, zone_name: &str) -> Schedule {
        Schedule::After {
            start: Cron::parse(start).unwrap(),
            length: SignedDuration::from_hours(hours),
            zone: zone(zone_name),
        }
    }

    fn on(schedule: &Schedule, moment: &str) -> bool {
        schedule.is_on(at(moment))
    }

    #[test]
    fn gitlabs_weekend_begins_and_ends_on_the_dot() {
        let weekend = between_of("0 23 * * 5", "0 8 * * 1", "UTC");
        for (moment, frozen) in [
            ("2026-11-20T22:59:59Z", false),
            ("2026-11-20T23:00:00Z", true),
            ("2026-11-21T12:00:00Z", true),
            ("2026-11-23T07:59:59Z", true),
            ("2026-11-23T08:00:00Z", false),
        ] {
            assert_eq!(on(&weekend, moment), frozen, "{moment}");
        }
    }

    #[test]
    fn of_two_starts_before_one_end_gitlab_counts_the_later_one() {
        let odd = between_of("0 23 * * 4,5", "0 8 * * 1", "UTC");
        assert!(!on(&odd, "2026-11-20T12:00:00Z"), "Friday noon, after Thursday's start");
        assert!(on(&odd, "2026-11-21T12:00:00Z"));
        let window = Window { from: at("2026-11-19T00:00:00Z"), until: at("2026-11-30T00:00:00Z") };
        let found = odd.stretches(window);
        assert_eq!(found[0].from, at("2026-11-20T23:00:00Z"));
        assert_eq!(found[0].until, Some(at("2026-11-23T08:00:00Z")));
    }

    #[test]
    fn a_gitlab_freeze_follows_its_own_zone() {
        let night = between_of("0 18 * * 5", "0 8 * * 1", "America/New_York");
        assert!(!on(&night, "2026-11-20T22:30:00Z"));
        assert!(on(&night, "2026-11-20T23:00:00Z"), "18:00 in New York");
        let summer = between_of("0 18 * * 5", "0 8 * * 1", "Europe/Berlin");
        assert!(on(&summer, "2026-07-03T16:00:00Z"));
        assert!(!on(&summer, "2026-07-03T15:59:59Z"));
    }

    /// Argo CD asks for a time strictly after `now − length` and strictly before `now`.
    #[test]
    fn an_argo_window_excludes_its_very_edges() {
        let window = after_of("0 22 * * *", 1, "UTC");
        for (moment, active) in [
            ("2026-11-20T21:59:59Z", false),
            ("2026-11-20T22:00:00Z", false),
            ("2026-11-20T22:00:00.001Z", true),
            ("2026-11-20T22:00:01Z", true),
            ("2026-11-20T22:59:59.9Z", true),
            ("2026-11-20T23:00:00Z", false),
        ] {
            assert_eq!(on(&window, moment), active, "{moment}");
        }
    }

    #[test]
    fn an_argo_window_runs_on_the_wall_clock_of_its_zone() {
        let window = after_of("0 22 * * *", 1, "Europe/Amsterdam");
        assert!(on(&window, "2026-11-20T21:30:00Z"));
        assert!(on(&window, "2026-07-20T20:30:00Z"));
        assert!(!on(&window, "2026-07-20T21:30:00Z"));
    }

    #[test]
    fn a_schedule_that_never_fires_is_always_on_for_argo_and_never_for_gitlab() {
        assert!(on(&after_of("0 0 31 2 *", 1, "UTC"), "2026-11-20T12:00:00Z"));
        assert!(!on(&between_of("0 0 31 2 *", "0 8 * * 1", "UTC"), "2026-11-20T12:00:00Z"));
    }

    #[test]
    fn windows_that_touch_are_one_stretch() {
        let window = Window { from: at("2026-11-20T00:00:00Z"), until: at("2026-12-20T00:00:00Z") };
        let always = after_of("0 * * * *", 2, "UTC").stretches(window);
        assert_eq!(always.len(), 1);
        assert!(always[0].from <= window.from);
        assert!(always[0].until.unwrap() >= window.until);
        let nightly = after_of("0 22 * * *", 1, "UTC").stretches(window);
        assert_eq!(nightly.len(), 30);
        let minutely = Schedule::After {
            start: Cron::parse("* * * * *").unwrap(),
            length: SignedDuration::from_secs(90),
            zone: TimeZone::UTC,
        };
        assert!(minutely.stretches(window).len() == 1);
    }

    #[test]
    fn a_start_that_the_clock_skips_begins_where_the_clock_goes_on() {
        let window = Window { from: at("2026-03-29T00:00:00Z"), until: at("2026-03-29T12:00:00Z") };
        let found = after_of("30 2 * * *", 2, "Europe/Berlin").stretches(window);
        assert_eq!(found[0].from, at("2026-03-29T01:00:00Z"));
        assert_eq!(found[0].until, Some(at("2026-03-29T02:30:00Z")));
        assert!(on(&after_of("30 2 * * *", 2, "Europe/Berlin"), "2026-03-29T01:00:01Z"));
    }

    proptest::proptest! {
        /// What the bands show and what the moment says are the same thing, away from the edges and from clock changes.
        #[test]
        fn stretches_agree_with_the_moment(
            minute in 0_u8..60, hour in 0_u8..24, weekday in 0_u8..7, length in 1_i64..60, offset in 0_i64..(86_400 * 20),
            gitlab: bool,
        ) {
            let schedule = if gitlab {
                between_of(&format!("{minute} {hour} * * {weekday}"), &format!("0 {} * * {}", (hour + 7) % 24, (weekday + 2) % 7), "Asia/Kathmandu")
            } else {
                after_of(&format!("{minute} {hour} * * {weekday}"), length, "Asia/Kathmandu")
            };
            let now = at("2026-11-01T00:00:30Z") + SignedDuration::from_secs(offset);
            let window = Window { from: now, until: now + SignedDuration::from_secs(1) };
            let inside = schedule.stretches(window).iter().any(|s| s.from <= now && s.until.is_none_or(|u| now < u));
            let edge = schedule.stretches(window).iter().any(|s| s.from == now || s.until == Some(now));
            proptest::prop_assert!(edge || inside == schedule.is_on(now), "{now} {schedule:?}");
        }
    }
}
