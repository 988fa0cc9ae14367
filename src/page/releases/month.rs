//! A month of the team: what is planned and what happened, day by day, with freezes, shifts and maintenance behind it.

use jiff::{Timestamp, Zoned, civil::Date};

use super::event;
use super::made::Made;
use crate::insight::{Event, calendar, is_production, moment, version};
use crate::model::{Clean, Outcome, Purpose, Window};
use crate::page::build::{breadth, date, of_repo};
use crate::page::service::outcome_tone;
use crate::page::{
    Agenda, AgendaEntry, Band, Block, Calendar, Day, Empty, Layout, Line, Look, Noun, Scene, Tone,
    words,
};

/// Lines of one day.
const MOST: usize = 12;

/// The day the cursor is on.
pub fn cursor(scene: &Scene<'_>, look: &Look) -> Date {
    look.day.unwrap_or_else(|| date(scene, scene.now))
}

/// The grid of a month: its weeks whole, neighbours' days included.
fn grid(scene: &Scene<'_>, day: Date) -> Vec<Date> {
    let first = day.first_of_month();
    let weekday = first.weekday();
    let lead = if scene.team.week_starts_sunday {
        weekday.to_sunday_zero_offset()
    } else {
        weekday.to_monday_zero_offset()
    };
    let days = i32::from(first.days_in_month()) + i32::from(lead);
    let weeks = (days + 6) / 7;
    let start = -i32::from(lead);
    (start..start + weeks * 7)
        .map(|n| first.checked_add(jiff::Span::new().days(n)).unwrap_or(first))
        .collect()
}

/// A month as dates and a window around them.
fn window(scene: &Scene<'_>, days: &[Date]) -> Window {
    let start = |d: Option<&Date>| {
        d.and_then(|d| d.to_zoned(scene.zone.clone()).ok()).map(|z: Zoned| z.timestamp())
    };
    let from = start(days.first()).unwrap_or(scene.now);
    let after = days.last().and_then(|d| d.tomorrow().ok());
    Window { from, until: start(after.as_ref()).unwrap_or(from) }
}

/// What happened on a day: `v412 checkout`, `3 deploys`.
fn made<'a>(scene: &Scene<'a>, window: Window) -> Vec<(Date, Timestamp, Made<'a>)> {
    let inside = |at: Timestamp| at >= window.from && at < window.until;
    let deploys = scene.board.deploys.all().map(|r| &r.what);
    let deploys = deploys
        .filter(|d| is_production(scene.team, d.environment.as_str()))
        .filter_map(|d| moment(d).map(|at| (at, Made::Deploy(d))));
    let releases = scene.board.releases.all().map(|r| &r.what).filter(|r| !r.draft);
    let releases = releases.filter_map(|r| r.published.map(|at| (at, Made::Release(r))));
    let mut all: Vec<_> = deploys
        .chain(releases)
        .filter(|(at, _)| inside(*at))
        .map(|(at, m)| (date(scene, at), at, m))
        .collect();
    all.sort_by_key(|(_, at, _)| *at);
    all
}

pub fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let cursor = cursor(scene, look);
    let days = grid(scene, cursor);
    let window = window(scene, &days);
    let events = scene
        .memo
        .month
        .get(scene, window, || calendar(scene.board, scene.team, window, scene.zone));
    let made = made(scene, window);
    let today = date(scene, scene.now);
    let mut blocks = Vec::new();
    if scene.frame.layout >= Layout::Small {
        let day = |d: &Date| Day {
            date: *d,
            inside: (d.year(), d.month()) == (cursor.year(), cursor.month()),
            today: *d == today,
            selected: *d == cursor,
            bands: bands(scene, &events, *d),
            entries: lines(scene, &events, &made, *d),
        };
        let weeks = days.chunks(7).map(|week| week.iter().map(day).collect()).collect();
        let calendar = Calendar {
            title: Clean::line(cursor.strftime("%B %Y")),
            weekdays: days.iter().take(7).map(|d| Clean::line(d.strftime("%a"))).collect(),
            weeks,
        };
        blocks.push(Block::main("", Noun::Calendar(calendar)).share(8, 4));
    }
    let agenda = of_day(scene, &events, &made, cursor);
    blocks.push(Block::side("", agenda).share(3, 1));
    blocks
}

fn bands(scene: &Scene<'_>, events: &[Event], day: Date) -> Vec<Band> {
    let behind = events.iter().filter(|e| e.purpose != Purpose::Release);
    let mut bands: Vec<Band> = behind
        .filter(|e| {
            let (first, last) = e.touches(scene.zone);
            first <= day && day <= last
        })
        .map(|e| {
            // Somebody always is on call: who it is stands in the agenda.
            let name = if e.purpose == Purpose::OnCall {
                "on call".into()
            } else {
                words::shown(&e.title)
            };
            Band { tone: event::tone(e.purpose), letter: event::letter(e.purpose), name }
        })
        .collect();
    let mut seen = Vec::new();
    bands.retain(|b| {
        let new = !seen.contains(b);
        if new {
            seen.push(b.clone());
        }
        new
    });
    bands
}

/// Planned releases first, then how many deploys, then what was released.
fn lines(
    scene: &Scene<'_>,
    events: &[Event],
    made: &[(Date, Timestamp, Made<'_>)],
    day: Date,
) -> Vec<Line> {
    let planned = events.iter().filter(|e| e.purpose == Purpose::Release);
    let mut lines: Vec<Line> = planned
        .filter(|e| {
            let (first, last) = e.touches(scene.zone);
            first <= day && day <= last
        })
        .map(|e| {
            let line = Line::of(words::shown(&e.title), Tone::Release);
            match e.conflicts.first() {
                Some(_) => {
                    Line::of("! ", Tone::Degraded).and(words::shown(&e.title), Tone::Release)
                }
                None => line,
            }
        })
        .take(MOST)
        .collect();
    // A narrow day says how many; which ones stands in the agenda.
    let roomy = breadth(&scene.frame) >= Layout::Wide;
    let here = || made.iter().filter(|(d, _, _)| *d == day).map(|(_, _, m)| m);
    let count = |outcome: &Outcome| {
        here().filter(|m| matches!(m, Made::Deploy(d) if d.outcome == *outcome)).count()
    };
    let (good, bad) = (count(&Outcome::Succeeded), count(&Outcome::Failed));
    if good + bad > 0 {
        let words = words::counted(good + bad, "deploy", "deploys");
        let all = if roomy { words.clone() } else { (good + bad).to_string() };
        lines.push(if bad > 0 {
            Line::of(Clean::line(format_args!("{bad} ✖")), Tone::Down)
                .and(" of ", Tone::Dim)
                .and(all, Tone::Dim)
        } else {
            Line::of(words, Tone::Dim)
        });
    }
    for m in here().filter(|_| roomy) {
        if let Made::Release(r) = m
            && lines.len() < MOST
        {
            let line = Line::of("✓", Tone::Ok).space().and(of_repo(scene, &r.repo), Tone::Plain);
            lines.push(line.space().and(r.tag.clone(), Tone::Release));
        }
    }
    lines
}

/// Everything of one day, in time order.
fn of_day(
    scene: &Scene<'_>,
    events: &[Event],
    made: &[(Date, Timestamp, Made<'_>)],
    day: Date,
) -> Noun {
    let words = words::day(day);
    let entry = |at: Timestamp, time: Clean, line: Line| {
        (at, AgendaEntry { day: words.clone().into(), time, line, key: None, selected: false })
    };
    let mut entries: Vec<(Timestamp, AgendaEntry)> = Vec::new();
    let mut on_call: Vec<&str> = Vec::new();
    for event in events {
        let (first, last) = event.touches(scene.zone);
        if first <= day && day <= last {
            if event.purpose == Purpose::OnCall {
                if !on_call.contains(&event.title.as_str()) {
                    on_call.push(event.title.as_str());
                }
                continue;
            }
            let time =
                if first == day { event::time_words(scene, event) } else { Clean::from("all day") };
            entries.push(entry(event.start, time, event::line(event)));
        }
    }
    for (_, at, m) in made.iter().filter(|(d, _, _)| *d == day) {
        let line = match m {
            Made::Deploy(d) => Line::of(
                Clean::line(format_args!(
                    "{} {} {}",
                    of_repo(scene, &d.repo),
                    version(d),
                    d.outcome.word()
                )),
                outcome_tone(&d.outcome),
            )
            .dot()
            .and(words::dash(&d.who), Tone::Dim),
            Made::Release(r) => Line::of(
                Clean::line(format_args!("released {} {}", of_repo(scene, &r.repo), r.tag)),
                Tone::Release,
            ),
        };
        entries.push(entry(*at, words::clock(*at, scene.zone).into(), line));
    }
    entries.sort_by_key(|(at, _)| *at);
    if !on_call.is_empty() {
        // Somebody always is: who it is comes after what is special about the day.
        let line = Line::of(Clean::line(on_call.join(", ")), Tone::OnCall);
        entries.push(entry(scene.now, "on call".into(), line));
    }
    let entries: Vec<AgendaEntry> = entries.into_iter().map(|(_, e)| e).collect();
    let nothing = entries
        .is_empty()
        .then(|| Empty { title: "Nothing on this day".into(), advice: Vec::new() });
    Noun::Agenda(Agenda { entries, first: 0, empty: nothing })
}
