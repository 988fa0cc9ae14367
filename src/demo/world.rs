//! The demo's world: a pure function from a moment to how every service is doing, and who is on call.

use jiff::{Span, Timestamp, civil::Weekday, tz::TimeZone};

use super::cast::{self, PEOPLE, Person, SERVICES, Service};
use super::clock::{Clock, Secs, instant, secs};
use super::noise::{mix, rhythm, texture, trapezoid};
use super::story::{self, PAST, Past, TURN};

pub const ZONE: &str = "Europe/Copenhagen";

/// Orders per second in a busy hour.
pub const BUSY_ORDERS: f64 = 14.0 / 60.0;

/// Everything that is fixed for one run of the demo.
#[derive(Debug, Clone)]
pub struct World {
    pub clock: Clock,
    pub seed: u64,
    pub zone: TimeZone,
    /// Seconds the team's clock is ahead of UTC when the story begins.
    ahead: f64,
    /// Past incidents with their real start and end.
    pub past: Vec<(Past, Secs, Secs)>,
}

/// How one service is doing at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    pub rps: f64,
    pub p95: f64,
    /// Share of requests that fail, 0–1.
    pub errors: f64,
    /// Share of workers (connections, for the database) that are busy, 0–1.
    pub busy: f64,
}

/// What is unusual at a moment for one service.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Odd {
    slower: f64,
    errors: f64,
    busy: f64,
    traffic: f64,
}

impl World {
    pub fn new(now: Timestamp, at: f64, speed: f64, seed: u64) -> Self {
        let clock = Clock::starting(secs(now), at, speed);
        let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
        let ahead = f64::from(zone.to_offset(instant(clock.origin)).seconds());
        let mut world = Self { clock, seed, zone, ahead, past: Vec::new() };
        world.past = PAST
            .iter()
            .map(|past| {
                let start = world.days_before(past.days, past.hour, past.release);
                (*past, start, start + past.minutes * 60.0)
            })
            .collect();
        world
    }

    /// A local time some days before the story; on a working day if asked (people release on those).
    pub fn days_before(&self, days: i64, hour: f64, working: bool) -> Secs {
        let here = instant(self.clock.origin).to_zoned(self.zone.clone());
        let mut day = here.date().saturating_sub(Span::new().days(days));
        while working && matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            day = day.saturating_sub(Span::new().days(1));
        }
        let midnight =
            day.to_zoned(self.zone.clone()).map_or(self.clock.origin, |z| secs(z.timestamp()));
        midnight + hour * 3600.0
    }

    /// The start of the team's day.
    pub fn midnight(&self, at: Secs) -> Secs {
        ((at + self.ahead) / 86_400.0).floor() * 86_400.0 - self.ahead
    }

    /// The turn of the story and its second, once it has begun.
    pub fn turn(&self, at: Secs) -> (i64, f64) {
        let story = self.clock.story(at);
        let turn = (story / TURN).floor().max(0.0);
        (turn as i64, story - turn * TURN)
    }

    /// The real moment of a beat.
    pub fn beat(&self, turn: i64, beat: f64) -> Secs {
        self.clock.real(turn as f64 * TURN + beat)
    }

    /// The last second of the story that can be seen at `now`.
    pub fn turns_seen(&self, now: Secs) -> std::ops::RangeInclusive<i64> {
        let (turn, _) = self.turn(now);
        // A demo left running over night does not grow for ever.
        (turn - 24).max(0)..=turn + 1
    }

    /// Daily rhythm, about 1 in a busy hour.
    pub fn rhythm(&self, at: Secs) -> f64 {
        rhythm(at + self.ahead)
    }

    fn odd(&self, service: &str, at: Secs) -> Odd {
        let mut odd = Odd { slower: 1.0, errors: 0.0, busy: 0.0, traffic: 1.0 };
        if let Some((plot, slow, failing)) = self.plot_strength(at) {
            if service == plot.service {
                odd.slower += (plot.slower - 1.0) * slow;
                odd.errors += plot.errors * failing;
                odd.busy += 0.44 * slow;
                odd.traffic += 0.3 * failing;
            } else if service == "db" {
                odd.busy += plot.database * slow;
                odd.slower += 0.6 * slow;
            } else if service == "web" {
                odd.slower += 0.9 * slow;
                odd.errors += 0.11 * plot.errors * failing;
            } else if service == "payments" && plot.service == "checkout" {
                odd.traffic -= 0.45 * failing;
                odd.slower += 0.35 * slow;
            } else if service == "mail" && plot.service == "checkout" {
                odd.traffic -= 0.3 * failing;
            }
        }
        for (past, start, end) in &self.past {
            let s = trapezoid(at, *start - 60.0, *start + 150.0, *end - 180.0, *end);
            if s <= 0.0 {
                continue;
            }
            let hit = if service == past.service {
                1.0
            } else if depends(service, past.service) {
                0.3
            } else {
                continue;
            };
            odd.slower += (past.slower - 1.0) * s * hit;
            odd.errors += past.errors * s * hit;
            odd.busy += 0.25 * s * hit;
        }
        odd
    }

    /// The running plot with how slow and how failing it is, 0–1 each.
    fn plot_strength(&self, at: Secs) -> Option<(&'static story::Plot, f64, f64)> {
        if at < self.clock.origin {
            return None;
        }
        let (turn, second) = self.turn(at);
        let over = |(a, b, c, d): (f64, f64, f64, f64)| trapezoid(second, a, b, c, d);
        let slow = over(story::LATENCY);
        (slow > 0.0).then(|| (story::plot(turn), slow, over(story::ERRORS)))
    }

    /// How full the mail queue is, 0–1, because a newsletter goes out.
    pub fn newsletter(&self, at: Secs) -> f64 {
        let (turn, second) = self.turn(at);
        let one = |turn: i64, second: f64| {
            let (a, b) = story::mail_rise(turn);
            trapezoid(second, a, b, story::MAIL.0, story::MAIL.1)
        };
        one(turn, second).max(one(turn + 1, second - TURN))
    }

    /// How one service is doing.
    pub fn level(&self, place: usize, at: Secs) -> Level {
        let Some(service) = SERVICES.get(place) else {
            return Level { rps: 0.0, p95: 0.0, errors: 0.0, busy: 0.0 };
        };
        let odd = self.odd(service.name, at);
        let seed = mix(self.seed, place as u64 + 100);
        let day = if service.name == "reports" { 0.5 } else { self.rhythm(at) };
        let load = day * (1.0 + 0.09 * texture(seed, at));
        let slow = 0.86 + 0.16 * day + 0.07 * texture(mix(seed, 11), at);
        let mails = if service.name == "mail" { 1.0 + 2.2 * self.newsletter(at) } else { 1.0 };
        Level {
            rps: (service.rps * load * odd.traffic * mails).max(0.01),
            p95: service.p95 * slow * odd.slower,
            errors: (service.errors * (1.0 + 0.5 * texture(mix(seed, 22), at)) + odd.errors)
                .clamp(0.0, 1.0),
            busy: (service.busy * (0.62 + 0.38 * load)
                + 0.02 * texture(mix(seed, 33), at)
                + odd.busy
                + if service.name == "mail" { 0.42 * self.newsletter(at) } else { 0.0 })
            .clamp(0.01, 0.985),
        }
    }

    /// Share of business that is lost: of orders, and of sign-ups.
    fn losses(&self, at: Secs) -> (f64, f64) {
        let (mut orders, mut signups) = (0.0, 0.0);
        if let Some((plot, _, failing)) = self.plot_strength(at) {
            orders = plot.orders * failing;
            signups = plot.signups * failing;
        }
        for (past, start, end) in &self.past {
            let s = trapezoid(at, *start, *start + 120.0, *end - 150.0, *end + 60.0);
            orders += past.orders * s;
            signups += if past.service == "login" { 0.9 * s } else { 0.4 * past.orders * s };
        }
        (orders.clamp(0.0, 0.98), signups.clamp(0.0, 0.98))
    }

    /// Orders per second.
    pub fn orders(&self, at: Secs) -> f64 {
        let day = self.rhythm(at) * (1.0 + 0.10 * texture(mix(self.seed, 1), at));
        BUSY_ORDERS * day * (1.0 - self.losses(at).0)
    }

    /// Sign-ups per second.
    pub fn signups(&self, at: Secs) -> f64 {
        let day = self.rhythm(at) * (1.0 + 0.16 * texture(mix(self.seed, 2), at));
        96.0 / 3600.0 * day * (1.0 - self.losses(at).1)
    }

    /// Mean value of an order, in euros.
    pub fn basket(&self, at: Secs) -> f64 {
        38.4 + 4.2 * texture(mix(self.seed, 3), at)
    }

    /// Age of the oldest unsent mail, in seconds.
    pub fn mail_age(&self, at: Secs) -> f64 {
        let calm = 14.0 + 6.0 * texture(mix(self.seed, 4), at);
        let full = 470.0 + 40.0 * texture(mix(self.seed, 5), at);
        let past = self.past.iter().filter(|(p, ..)| p.service == "mail");
        let late: f64 =
            past.map(|(_, s, e)| 640.0 * trapezoid(at, *s, *s + 200.0, *e - 240.0, *e)).sum();
        calm + full * self.newsletter(at) + late
    }

    /// Sum of a number per second over `[from, until)`.
    ///
    /// Calm stretches are sampled coarsely; every outage inside is looked at closely, so a month's error budget
    /// holds the twenty minutes that spent it.
    pub fn total(&self, from: Secs, until: Secs, rate: impl Fn(Secs) -> f64) -> f64 {
        let mut total = 0.0;
        let mut cursor = from;
        for (start, end) in self.troubles(from, until) {
            total += stretch(cursor, start.max(cursor), 40, &rate);
            let start = start.max(cursor);
            total += stretch(start, end.max(start), 24, &rate);
            cursor = cursor.max(end);
        }
        total + stretch(cursor, until, 40, &rate)
    }

    /// Stretches of `[from, until)` with something going on, in order.
    fn troubles(&self, from: Secs, until: Secs) -> Vec<(Secs, Secs)> {
        let mut all: Vec<(Secs, Secs)> = self
            .past
            .iter()
            .map(|(_, start, end)| (*start - 60.0, *end + 60.0))
            .chain((until > self.clock.origin).then_some((self.clock.origin, until)))
            .filter(|(start, end)| *end > from && *start < until)
            .map(|(start, end)| (start.max(from), end.min(until)))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }

    /// Who is on call for a policy at a moment, first and second, with the turn's start and end.
    pub fn on_call(
        &self,
        policy: &str,
        at: Secs,
    ) -> (&'static Person, &'static Person, Secs, Secs) {
        // Hand-over is Monday 10:00 local; the epoch's first Monday was day 4.
        let local = at + self.ahead;
        let week = ((local / 86_400.0 - 4.0 - 10.0 / 24.0) / 7.0).floor();
        let start = (week * 7.0 + 4.0) * 86_400.0 + 36_000.0 - self.ahead;
        let shift = if policy == "Money" { 3 } else { 0 };
        let n = week as i64 + shift + i64::from(self.seed as u32 % 6);
        let pick = |k: i64| {
            let place = (n + k).rem_euclid(i64::try_from(PEOPLE.len()).unwrap_or(6)) as usize;
            PEOPLE.get(place).unwrap_or_else(|| cast::person("ada"))
        };
        (pick(0), pick(1), start, start + 7.0 * 86_400.0)
    }

    /// The person on call for a service.
    pub fn guard(&self, service: &str, at: Secs) -> &'static Person {
        let policy = cast::service(service).map_or("Shop", |s| s.policy);
        self.on_call(policy, at).0
    }

    /// The version of a service that a turn of the story tries to ship.
    pub fn story_version(turn: i64) -> u32 {
        let plot = story::plot(turn);
        cast::service(plot.service).map_or(1, |s: &Service| s.version) + 1 + story::earlier(turn)
    }
}

fn depends(service: &str, on: &str) -> bool {
    cast::service(service).is_some_and(|s| s.depends_on.contains(&on))
}

/// `rate` summed over a stretch by its midpoints.
fn stretch(from: Secs, until: Secs, most: u32, rate: &impl Fn(Secs) -> f64) -> f64 {
    let long = until - from;
    if long <= 0.0 {
        return 0.0;
    }
    let parts = ((long / 15.0).ceil() as u32).clamp(1, most);
    let part = long / f64::from(parts);
    (0..parts).map(|i| rate(from + (f64::from(i) + 0.5) * part) * part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7)
    }

    #[test]
    fn the_same_moment_is_always_the_same() {
        let (a, b) = (world(), world());
        for place in 0..SERVICES.len() {
            for second in (-4_000_000..4_000).step_by(9_973) {
                let at = a.clock.real(f64::from(second));
                assert_eq!(a.level(place, at), b.level(place, at));
            }
        }
    }

    #[test]
    fn the_outage_comes_and_goes() {
        let w = world();
        let checkout = cast::index("checkout");
        let at = |s: f64| w.level(checkout, w.beat(0, s));
        assert!(at(30.0).p95 < 0.4 && at(30.0).errors < 0.01);
        assert!(at(220.0).p95 > 1.2 && at(220.0).errors > 0.1);
        assert!(at(450.0).p95 < 0.4 && at(450.0).errors < 0.01);
        assert!(w.orders(w.beat(0, 220.0)) < 0.4 * w.orders(w.beat(0, 30.0)));
        assert!(w.level(cast::index("db"), w.beat(0, 220.0)).busy > 0.75);
    }

    #[test]
    fn calm_services_stay_within_their_promises_for_a_month() {
        let w = world();
        for (place, service) in SERVICES.iter().enumerate() {
            for minute in 0..40_000 {
                let at = w.clock.origin - f64::from(minute) * 60.0;
                if w.past.iter().any(|(_, s, e)| at > *s - 120.0 && at < *e + 120.0) {
                    continue;
                }
                let level = w.level(place, at);
                assert!(level.p95 < service.p95 * 1.5, "{} at {at}", service.name);
                assert!(level.errors < 0.005 && level.rps > 0.0, "{}", service.name);
            }
        }
    }

    #[test]
    fn the_mail_queue_is_the_only_trouble_at_the_start() {
        let w = world();
        assert!(w.mail_age(w.clock.origin) > 300.0);
        assert!(w.mail_age(w.beat(0, 850.0)) < 60.0);
        assert!(w.mail_age(w.beat(1, 0.0)) > 300.0);
    }

    #[test]
    fn a_months_total_holds_its_outages() {
        let w = world();
        let checkout = cast::index("checkout");
        let bad = |t: Secs| {
            let l = w.level(checkout, t);
            l.rps * l.errors
        };
        let month = w.total(w.clock.origin - 30.0 * 86_400.0, w.clock.origin, bad);
        let (_, s, e) = w.past.iter().find(|(p, ..)| p.service == "checkout").unwrap();
        let outage = w.total(*s, *e, bad);
        assert!(outage > 0.1 * month && outage < month, "{outage} of {month}");
    }

    #[test]
    fn on_call_changes_on_monday_morning() {
        let w = world();
        let (one, two, start, end) = w.on_call("Shop", w.clock.origin);
        assert!(start <= w.clock.origin && w.clock.origin < end && one != two);
        let (next, ..) = w.on_call("Shop", end + 1.0);
        assert_eq!(next, two);
        assert_eq!(instant(start).to_zoned(w.zone.clone()).weekday(), Weekday::Monday);
    }
}
