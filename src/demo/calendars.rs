//! The team's calendars as iCalendar feeds: trains, quiet days, the rota and maintenance.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::clock::{Secs, instant, secs};
use super::reply::{Asked, Reply};
use super::world::{World, ZONE};

pub fn answer(world: &World, asked: &Asked) -> Reply {
    let feed = match asked.parts().as_slice() {
        ["releases.ics"] => releases(world),
        ["freezes.ics"] => freezes(world),
        ["on-call.ics"] => rota(world),
        ["maintenance.ics"] => maintenance(world),
        _ => return Reply::text(404, "404 page not found\n"),
    };
    Reply::text(200, feed).typed("text/calendar; charset=utf-8")
}

/// Lines of a feed, folded at 75 octets as the format asks.
struct Feed {
    text: String,
    stamp: String,
}

impl Feed {
    fn new(world: &World, name: &str) -> Self {
        let mut feed = Self { text: String::new(), stamp: utc(world.clock.origin - 86_400.0) };
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Harbour//andon demo//EN",
            "CALSCALE:GREGORIAN",
            "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        ] {
            feed.line(line);
        }
        feed.line(&format!("X-WR-CALNAME:{name}"));
        feed.line(&format!("X-WR-TIMEZONE:{ZONE}"));
        for line in [
            "BEGIN:VTIMEZONE",
            "TZID:Europe/Copenhagen",
            "BEGIN:DAYLIGHT",
            "DTSTART:19810329T020000",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
            "TZOFFSETFROM:+0100",
            "TZOFFSETTO:+0200",
            "TZNAME:CEST",
            "END:DAYLIGHT",
            "BEGIN:STANDARD",
            "DTSTART:19961027T030000",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
            "TZOFFSETFROM:+0200",
            "TZOFFSETTO:+0100",
            "TZNAME:CET",
            "END:STANDARD",
            "END:VTIMEZONE",
        ] {
            feed.line(line);
        }
        feed
    }

    fn line(&mut self, line: &str) {
        let mut room = 75;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.text.push_str("\r\n ");
                room = 74;
            }
            self.text.push(c);
            room -= c.len_utf8();
        }
        self.text.push_str("\r\n");
    }

    fn event(&mut self, uid: &str, summary: &str, lines: &[String]) {
        self.line("BEGIN:VEVENT");
        self.line(&format!("UID:{uid}@harbour.example"));
        let stamp = format!("DTSTAMP:{}", self.stamp);
        self.line(&stamp);
        self.line(&format!("SUMMARY:{}", escaped(summary)));
        for line in lines {
            self.line(line);
        }
        self.line("END:VEVENT");
    }

    fn end(mut self) -> String {
        self.line("END:VCALENDAR");
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

fn utc(at: Secs) -> String {
    instant(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn on(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// `DTSTART;TZID=…:20261124T100000`
fn local(key: &str, day: Date, clock: &str) -> String {
    format!("{key};TZID={ZONE}:{}T{clock}00", on(day))
}

fn all_day(key: &str, day: Date) -> String {
    format!("{key};VALUE=DATE:{}", on(day))
}

fn today(world: &World) -> Date {
    instant(world.clock.origin).to_zoned(world.zone.clone()).date()
}

/// The first such weekday on or after a day.
fn next(day: Date, weekday: Weekday) -> Date {
    let mut day = day;
    while day.weekday() != weekday {
        day = day.saturating_add(1.day());
    }
    day
}

fn after(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days))
}

/// When the next release train leaves: Tuesdays at ten.
pub fn next_train(world: &World, now: Secs) -> Secs {
    let day = instant(now).to_zoned(world.zone.clone()).date();
    let leaves = |day: Date| {
        day.at(10, 0, 0, 0).to_zoned(world.zone.clone()).map_or(now, |z| secs(z.timestamp()))
    };
    let this = leaves(next(day, Weekday::Tuesday));
    if this > now { this } else { leaves(next(after(day, 1), Weekday::Tuesday)) }
}

/// The day the year-end freeze begins; the configuration has the same.
pub fn year_end(world: &World) -> Date {
    let today = today(world);
    let start = |year: i16| Date::new(year, 12, 19).unwrap_or(today);
    let this = start(today.year());
    if this > today { this } else { start(today.year().saturating_add(1)) }
}

fn releases(world: &World) -> String {
    let mut feed = Feed::new(world, "Harbour releases");
    let today = today(world);
    let first = next(after(today, -77), Weekday::Tuesday);
    let frozen = next(year_end(world), Weekday::Tuesday);
    let moved = next(after(today, -9), Weekday::Tuesday);
    feed.event("train", "Release train", &[
        local("DTSTART", first, "1000"),
        "DURATION:PT1H".into(),
        "RRULE:FREQ=WEEKLY;BYDAY=TU".into(),
        local("EXDATE", frozen, "1000"),
        local("EXDATE", after(frozen, 7), "1000"),
        "CATEGORIES:web,checkout,search,login".into(),
        "DESCRIPTION:Everything that is on main on Monday evening.\\nDriver: whoever is second on call.".into(),
    ]);
    feed.event(
        "train",
        "Release train (moved: dentist)",
        &[
            local("RECURRENCE-ID", moved, "1000"),
            local("DTSTART", after(moved, 1), "1400"),
            local("DTEND", after(moved, 1), "1500"),
        ],
    );
    let mut one = |uid: &str, title: &str, day: Date, clock: &str, extra: &[&str]| {
        let mut lines = vec![local("DTSTART", day, clock), "DURATION:PT45M".into()];
        lines.extend(extra.iter().map(|l| (*l).to_owned()));
        feed.event(uid, title, &lines);
    };
    one(
        "basket",
        "checkout: the new basket",
        next(after(today, 8), Weekday::Wednesday),
        "1130",
        &["STATUS:CONFIRMED"],
    );
    // Planned into the weekend freeze of everything that moves money: the board should say so.
    one(
        "cards",
        "payments: switch to the new card processor",
        next(after(today, 4), Weekday::Saturday),
        "0700",
        &[
            "STATUS:TENTATIVE",
            "DESCRIPTION:The processor offers only this window\\; needs an exception.",
        ],
    );
    one(
        "sessions",
        "login: sign in with a passkey",
        next(after(today, 15), Weekday::Thursday),
        "1000",
        &["STATUS:TENTATIVE"],
    );
    one(
        "old-app",
        "web: end of the old app",
        next(after(today, 2), Weekday::Monday),
        "0900",
        &["STATUS:CANCELLED"],
    );
    one(
        "catalogue",
        "search: catalogue in four languages",
        next(after(today, -12), Weekday::Thursday),
        "1300",
        &["STATUS:CONFIRMED"],
    );
    let sale = next(Date::new(today.year(), 11, 23).unwrap_or(today), Weekday::Friday);
    let sale = if sale < after(today, -20) { after(sale, 364) } else { sale };
    feed.event("sale", "Sale day", &[all_day("DTSTART", sale), all_day("DTEND", after(sale, 1))]);
    feed.end()
}

fn freezes(world: &World) -> String {
    let mut feed = Feed::new(world, "Harbour quiet days");
    let today = today(world);
    let first = after(today, -(i64::from(today.day()) - 1)).saturating_sub(2.months());
    feed.event(
        "closing",
        "Monthly closing, no releases of ledger and reports",
        &[
            all_day("DTSTART", first),
            "DURATION:P2D".into(),
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=1".into(),
            "CATEGORIES:ledger,reports".into(),
        ],
    );
    let from = year_end(world);
    feed.event(
        "year-end",
        "Year-end sale, no releases",
        &[
            all_day("DTSTART", from),
            all_day("DTEND", after(from, 17)),
            "DESCRIPTION:Exceptions: two people and a rollback plan.".into(),
        ],
    );
    feed.event(
        "stocktaking",
        "Stocktaking in the warehouse",
        &[
            all_day("DTSTART", next(after(today, 17), Weekday::Monday)),
            "CATEGORIES:checkout".into(),
        ],
    );
    feed.end()
}

/// Who answers customers, from Saturday to Saturday; who is paged is the pager's to say.
fn rota(world: &World) -> String {
    let mut feed = Feed::new(world, "Harbour support desk");
    let saturday = next(after(today(world), -40), Weekday::Saturday);
    for (week, person) in (0_i64..16).zip(super::cast::PEOPLE.iter().rev().cycle()) {
        let day = after(saturday, week * 7);
        let title = format!("Support desk: {}", person.name);
        feed.event(
            &format!("desk-{}", on(day)),
            &title,
            &[local("DTSTART", day, "0900"), local("DTEND", after(day, 7), "0900")],
        );
    }
    feed.end()
}

fn maintenance(world: &World) -> String {
    let mut feed = Feed::new(world, "Harbour maintenance");
    let today = today(world);
    let first = next(after(today, -60), Weekday::Thursday);
    feed.event(
        "patches",
        "Database patch window",
        &[
            local("DTSTART", first, "2200"),
            "DURATION:PT1H30M".into(),
            "RRULE:FREQ=MONTHLY;BYDAY=2TH".into(),
            "CATEGORIES:db".into(),
        ],
    );
    let tomorrow = world.days_before(-1, 22.0, false);
    feed.event(
        "patch-now",
        "Database: security patch",
        &[
            format!("DTSTART:{}", utc(tomorrow)),
            format!("DTEND:{}", utc(tomorrow + 5_400.0)),
            "CATEGORIES:db".into(),
            "DESCRIPTION:Read-only for a minute or two\\, silence is set.".into(),
        ],
    );
    // Written by a mail program that has names of its own for zones.
    let lines = next(after(today, 6), Weekday::Sunday);
    feed.event(
        "line",
        "Provider works on the second line",
        &[
            format!("DTSTART;TZID=W. Europe Standard Time:{}T020000", on(lines)),
            format!("DTEND;TZID=W. Europe Standard Time:{}T050000", on(lines)),
        ],
    );
    feed.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_folded_and_closed() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7);
        for feed in [releases(&world), freezes(&world), rota(&world), maintenance(&world)] {
            assert!(feed.split("\r\n").all(|line| line.len() <= 75), "{feed}");
            assert!(!feed.replace("\r\n", "").contains(['\r', '\n']));
            assert_eq!(feed.matches("BEGIN:V").count(), feed.matches("\nEND:V").count());
            assert!(feed.starts_with("BEGIN:VCALENDAR") && feed.ends_with("END:VCALENDAR\r\n"));
        }
    }

    #[test]
    fn trains_leave_on_tuesdays_at_ten() {
        let world = World::new("2026-11-24T09:00:01Z".parse().unwrap(), 0.0, 1.0, 7);
        let train = instant(next_train(&world, world.clock.origin));
        assert_eq!(train.to_string(), "2026-12-01T09:00:00Z");
    }
}
