//! A month of the team: what is planned and what happened, day by day, with freezes, shifts and maintenance behind it.

use jiff::{SignedDuration, Timestamp, Zoned, civil::Date};

use super::build::{breadth, row_key};
use super::releases::{Made, date, of_repo};
use super::{
    Agenda, AgendaEntry, Band, Block, Calendar, Day, Layout, Line, Look, Noun, RowKey, Scene, Tone,
    words,
};
use crate::insight::{
    Frozen, freezes_within, is_production, moment, named_in, occurrences, version,
};
use crate::model::{Clean, Key, Link, Name, Outcome, Purpose, Window};

pub const EVENT: &str = "event";
/// Lines of one day.
const MOST: usize = 12;

/// Something on the team's calendar.
#[derive(Debug, Clone)]
pub struct Event {
    pub row: RowKey,
    pub key: Key,
    pub title: Clean,
    /// The word of its purpose: `release`, `freeze`, …
    pub kind: &'static str,
    pub purpose: Purpose,
    pub start: Timestamp,
    /// `None` when no end is known.
    pub end: Option<Timestamp>,
    /// First and last day of an all-day event.
    pub days: Option<(Date, Date)>,
    pub status: Clean,
    pub services: Vec<Name>,
    pub location: Clean,
    pub description: Clean,
    pub url: Option<Link>,
    /// A planned release that falls into this freeze.
    pub conflict: Option<Clean>,
}

/// Everything dated ahead or behind inside a window, by start: calendars, configured freezes, shifts.
pub fn events(scene: &Scene<'_>, window: Window) -> Vec<Event> {
    let frozen = freezes_within(scene.board, scene.team, window, scene.zone);
    let mut events: Vec<Event> = Vec::new();
    for purpose in
        [Purpose::Release, Purpose::Freeze, Purpose::OnCall, Purpose::Maintenance, Purpose::Holiday]
    {
        for o in occurrences(scene.board, purpose, window, scene.zone) {
            let conflict = (purpose == Purpose::Release)
                .then(|| frozen.iter().find(|f| f.is_on(o.start)).map(|f| f.name.clone()))
                .flatten();
            events.push(Event {
                row: occurrence_key(&o.key, o.start),
                services: named_in(scene.team, o.title.as_str()).into_iter().cloned().collect(),
                key: o.key,
                title: words::shown(&o.title),
                kind: purpose.word(),
                purpose,
                start: o.start,
                end: Some(o.end),
                days: o.days,
                status: o.status,
                location: o.location,
                description: o.description,
                url: o.url,
                conflict,
            });
        }
    }
    let source = Name::new("config");
    for freeze in &scene.team.freezes {
        for f in crate::insight::stretches(freeze, window) {
            events.push(of_freeze(&source, f));
        }
    }
    for shift in scene.board.shifts.present().map(|r| &r.what) {
        let Some(start) = shift.starts else { continue };
        if start < window.until && shift.ends.is_none_or(|end| end > window.from) {
            events.push(Event {
                title: shift.who.clone(),
                key: shift.key.clone(),
                end: shift.ends,
                description: shift.schedule.clone().unwrap_or_else(|| shift.policy.clone()),
                ..Event::bare(occurrence_key(&shift.key, start), Purpose::OnCall, start)
            });
        }
    }
    events.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| a.row.cmp(&b.row)));
    events
}

/// An occurrence is known by its event and its start, so that a series has a row each.
fn occurrence_key(key: &Key, start: Timestamp) -> RowKey {
    let id = format!("{}\0{start}", key.id.raw());
    row_key(EVENT, &Key::new(&key.source, id))
}

fn of_freeze(source: &Name, frozen: Frozen) -> Event {
    let key = Key::new(source, frozen.name.as_str());
    Event {
        title: frozen.name,
        end: frozen.until,
        services: frozen.services.unwrap_or_default(),
        description: frozen.how_to_override,
        ..Event::bare(occurrence_key(&key, frozen.from), Purpose::Freeze, frozen.from)
    }
}

impl Event {
    fn bare(row: RowKey, purpose: Purpose, start: Timestamp) -> Self {
        Self {
            key: Key::new(&Name::new("config"), &*row),
            row,
            title: Clean::default(),
            kind: purpose.word(),
            purpose,
            start,
            end: None,
            days: None,
            status: Clean::default(),
            services: Vec::new(),
            location: Clean::default(),
            description: Clean::default(),
            url: None,
            conflict: None,
        }
    }

    pub fn tone(&self) -> Tone {
        match self.purpose {
            Purpose::Release => Tone::Release,
            Purpose::Freeze => Tone::Freeze,
            Purpose::OnCall => Tone::OnCall,
            Purpose::Maintenance => Tone::Maintenance,
            Purpose::Holiday => Tone::Holiday,
        }
    }

    pub fn letter(&self) -> char {
        match self.purpose {
            Purpose::Release => 'R',
            Purpose::Freeze => 'F',
            Purpose::OnCall => 'O',
            Purpose::Maintenance => 'M',
            Purpose::Holiday => 'H',
        }
    }

    /// First and last day it touches, in the page's zone.
    pub fn days(&self, scene: &Scene<'_>) -> (Date, Date) {
        self.days.unwrap_or_else(|| {
            let first = date(scene, self.start);
            let last = self.end.map_or(Date::MAX, |end| {
                // An end on midnight belongs to the day before.
                let inside = end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end);
                date(scene, inside.max(self.start))
            });
            (first, last)
        })
    }

    pub fn day_words(&self, scene: &Scene<'_>) -> Clean {
        words::day(self.days(scene).0).into()
    }

    pub fn time_words(&self, scene: &Scene<'_>) -> Clean {
        if self.days.is_some() {
            return "all day".into();
        }
        words::clock(self.start, scene.zone).into()
    }

    /// Kind and title, with where it collides.
    pub fn line(&self) -> Line {
        let mut line = Line::of(self.title.clone(), self.tone());
        if self.purpose != Purpose::Release {
            line = line.dot().and(self.kind, Tone::Dim);
        }
        if !self.status.is_empty() && !self.status.as_str().eq_ignore_ascii_case("confirmed") {
            line = line.dot().and(self.status.clone(), Tone::Dim);
        }
        if let Some(freeze) = &self.conflict {
            let words = Clean::line(format_args!("! falls into freeze {freeze}"));
            line = line.dot().and(words, Tone::Degraded);
        }
        line
    }
}

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
    let events = scene.memo.month.get(scene, window, || events(scene, window));
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
            let (first, last) = e.days(scene);
            first <= day && day <= last
        })
        .map(|e| {
            // Somebody always is on call: who it is stands in the agenda.
            let name =
                if e.purpose == Purpose::OnCall { "on call".into() } else { e.title.clone() };
            Band { tone: e.tone(), letter: e.letter(), name }
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
            let (first, last) = e.days(scene);
            first <= day && day <= last
        })
        .map(|e| {
            let line = Line::of(e.title.clone(), Tone::Release);
            match &e.conflict {
                Some(_) => Line::of("! ", Tone::Degraded).and(e.title.clone(), Tone::Release),
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
        let (first, last) = event.days(scene);
        if first <= day && day <= last {
            if event.purpose == Purpose::OnCall {
                if !on_call.contains(&event.title.as_str()) {
                    on_call.push(event.title.as_str());
                }
                continue;
            }
            let time = if first == day { event.time_words(scene) } else { Clean::from("all day") };
            entries.push(entry(event.start, time, event.line()));
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
                super::service::outcome_tone(&d.outcome),
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
        .then(|| super::Empty { title: "Nothing on this day".into(), advice: Vec::new() });
    Noun::Agenda(Agenda { entries, first: 0, empty: nothing })
}
