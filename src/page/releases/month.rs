//! A month of the team: what is planned and what happened, day by day, with freezes, shifts and maintenance behind it.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, Zoned};

use super::event;
use super::legend::Legend;
use super::made::Made;
use crate::insight::{Event, calendar, is_production, moment, version};
use crate::model::{Clean, Outcome, Purpose, Release, Window};
use crate::page::build::{breadth, date, of_repo};
use crate::page::service::outcome_tone;
use crate::page::{
    Agenda, AgendaEntry, Band, Block, Calendar, Day, Empty, Layout, Line, Look, Noun, Scene, Tone,
    words,
};

/// Lines of one day.
const MOST: usize = 12;
/// Said in the place of a time.
pub const ALL_DAY: &str = "all day";

/// The day the cursor is on.
pub fn cursor(scene: &Scene<'_>, look: &Look) -> Date {
    look.day.unwrap_or_else(|| date(scene, scene.now))
}

/// Days between the first of a week and a weekday.
pub fn lead(scene: &Scene<'_>, weekday: Weekday) -> i8 {
    if scene.team.week_starts_sunday {
        weekday.to_sunday_zero_offset()
    } else {
        weekday.to_monday_zero_offset()
    }
}

/// The grid of a month: its weeks whole, neighbours' days included.
fn grid(scene: &Scene<'_>, day: Date) -> Vec<Date> {
    let first = day.first_of_month();
    let lead = i32::from(lead(scene, first.weekday()));
    let days = i32::from(first.days_in_month()) + lead;
    let weeks = (days + 6) / 7;
    (-lead..weeks * 7 - lead)
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
    let span = Span::new(scene, &days);
    let today = date(scene, scene.now);
    let mut blocks = Vec::new();
    if scene.frame.layout >= Layout::Small {
        let legend = Legend::new(scene);
        let day = |d: &Date| Day {
            date: *d,
            inside: (d.year(), d.month()) == (cursor.year(), cursor.month()),
            today: *d == today,
            selected: *d == cursor,
            bands: span.bands(scene, &legend, *d),
            entries: span.lines(scene, &legend, *d),
        };
        let weeks = days.chunks(7).map(|week| week.iter().map(day).collect()).collect();
        let calendar = Calendar {
            title: Clean::line(cursor.strftime("%B %Y")),
            weekdays: days.iter().take(7).map(|d| Clean::line(d.strftime("%a"))).collect(),
            weeks,
            legend: legend.bands(),
        };
        blocks.push(Block::main("", Noun::Calendar(calendar)).share(8, 4));
    }
    blocks.push(Block::side("", span.of_day(scene, cursor)).share(3, 1));
    blocks
}

/// Everything planned and made on some days in a row.
pub struct Span<'a> {
    events: Arc<Vec<Event>>,
    made: Vec<(Date, Timestamp, Made<'a>)>,
}

impl<'a> Span<'a> {
    pub fn new(scene: &Scene<'a>, days: &[Date]) -> Self {
        let window = window(scene, days);
        let events = scene
            .memo
            .month
            .get(scene, window, || calendar(scene.board, scene.team, window, scene.zone));
        Self { events, made: made(scene, window) }
    }

    /// What touches a day, and whether it begins there.
    fn on(&self, scene: &Scene<'_>, day: Date) -> impl Iterator<Item = (&Event, bool)> {
        self.events.iter().filter_map(move |event| {
            let (first, last) = event.touches(scene.zone);
            (first <= day && day <= last).then_some((event, first == day))
        })
    }

    /// A letter for each calendar that has something on the day. Somebody always is on call: the day a turn begins counts.
    pub fn bands(&self, scene: &Scene<'_>, legend: &Legend, day: Date) -> Vec<Band> {
        let mut bands: Vec<Band> = Vec::new();
        for (event, begins) in self.on(scene, day) {
            if let Some(band) = legend.band(event)
                && (begins || event.purpose != Purpose::OnCall)
                && !bands.contains(band)
            {
                bands.push(band.clone());
            }
        }
        bands
    }

    /// Planned releases first, then what is special about the day, then how many deploys, then what was released.
    fn lines(&self, scene: &Scene<'_>, legend: &Legend, day: Date) -> Vec<Line> {
        let mut lines = planned(scene, legend, self.on(scene, day).map(|(e, _)| e));
        for (event, begins) in self.on(scene, day) {
            let tone = legend.band(event).map_or(event::tone(event.purpose), |b| b.tone);
            match event.purpose {
                Purpose::Holiday => lines.push(Line::of(words::shown(&event.title), tone)),
                Purpose::Maintenance | Purpose::Freeze if begins => {
                    lines.push(Line::of(words::shown(&event.title), tone));
                }
                Purpose::OnCall if begins => lines.extend(event::hand_off(event, tone)),
                _ => {}
            }
        }
        lines.dedup();
        // A narrow day says how many; which ones stands in the agenda.
        let roomy = breadth(&scene.frame) >= Layout::Wide;
        let here = || self.made.iter().filter(|(d, _, _)| *d == day).map(|(_, _, m)| m);
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
            if let Made::Release(r) = m {
                let line =
                    Line::of("✓", Tone::Ok).space().and(of_repo(scene, &r.repo), Tone::Plain);
                lines.push(line.space().and(r.tag.clone(), Tone::Release));
            }
        }
        lines.truncate(MOST);
        lines
    }

    /// A day for a narrow column: what was deployed says by its mark how it went, and is not told again as a release.
    pub fn briefly(&self, scene: &Scene<'_>, legend: &Legend, day: Date) -> Vec<Line> {
        // All-day plans stand above; those with a time stand at it.
        let all_day = self.on(scene, day).map(|(e, _)| e).filter(|e| e.days.is_some());
        let mut whole = planned(scene, legend, all_day);
        let here = || self.made.iter().filter(|(d, _, _)| *d == day);
        let deployed = |r: &Release| {
            here().any(
                |(_, _, m)| matches!(m, Made::Deploy(d) if d.repo == r.repo && version(d) == r.tag),
            )
        };
        let mut entries: Vec<(Timestamp, Line)> = Vec::new();
        for (event, begins) in self.on(scene, day) {
            let tone = legend.band(event).map_or(event::tone(event.purpose), |b| b.tone);
            let time = |line: Line| {
                let mut timed = Line::of(event::time_words(scene, event), Tone::Dim).space();
                timed.0.extend(line.0);
                (event.start, timed)
            };
            let mark = if event.conflicts.is_empty() { "" } else { "! " };
            let title = || Line::of(mark, Tone::Degraded).and(words::shown(&event.title), tone);
            match event.purpose {
                Purpose::Release if event.days.is_some() => {}
                Purpose::OnCall if begins => {
                    entries.extend(event::hand_off(event, tone).map(time));
                }
                Purpose::OnCall => {}
                _ if begins && event.days.is_none() => entries.push(time(title())),
                _ => whole.push(title()),
            }
        }
        for (_, at, m) in here() {
            let said = match m {
                Made::Deploy(d) => {
                    let mark = match d.outcome {
                        Outcome::Succeeded => "✓ ",
                        Outcome::Failed => "✖ ",
                        _ => "… ",
                    };
                    Line::of(mark, outcome_tone(&d.outcome))
                        .and(of_repo(scene, &d.repo), Tone::Plain)
                        .space()
                        .and(version(d), Tone::Release)
                }
                Made::Release(r) if !deployed(r) => Line::of("released ", Tone::Dim)
                    .and(of_repo(scene, &r.repo), Tone::Plain)
                    .space()
                    .and(r.tag.clone(), Tone::Release),
                Made::Release(_) => continue,
            };
            let mut line = Line::of(words::clock(*at, scene.zone), Tone::Dim).space();
            line.0.extend(said.0);
            entries.push((*at, line));
        }
        entries.sort_by_key(|(at, _)| *at);
        whole.extend(entries.into_iter().map(|(_, line)| line));
        whole
    }

    /// Everything of one day by its time, who is on call left out.
    pub fn by_time(&self, scene: &Scene<'_>, day: Date) -> Vec<(Timestamp, Clean, Line)> {
        let mut entries: Vec<(Timestamp, Clean, Line)> = Vec::new();
        for (event, begins) in self.on(scene, day) {
            if event.purpose == Purpose::OnCall {
                if begins && let Some(line) = event::hand_off(event, Tone::OnCall) {
                    entries.push((event.start, event::time_words(scene, event), line));
                }
                continue;
            }
            let time = if begins { event::time_words(scene, event) } else { Clean::from(ALL_DAY) };
            entries.push((event.start, time, event::line(event)));
        }
        for (_, at, m) in self.made.iter().filter(|(d, _, _)| *d == day) {
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
            entries.push((*at, words::clock(*at, scene.zone).into(), line));
        }
        entries.sort_by_key(|(at, _, _)| *at);
        entries
    }

    /// Everything of one day, in time order, and who is on call.
    pub fn of_day(&self, scene: &Scene<'_>, day: Date) -> Noun {
        let words = words::day(day);
        let entry = |time: Clean, line: Line| AgendaEntry {
            day: words.clone().into(),
            time,
            line,
            key: None,
            selected: false,
        };
        let mut entries: Vec<AgendaEntry> =
            self.by_time(scene, day).into_iter().map(|(_, time, line)| entry(time, line)).collect();
        let mut on_call: Vec<&str> = Vec::new();
        for (event, _) in self.on(scene, day).filter(|(e, _)| e.purpose == Purpose::OnCall) {
            if !on_call.contains(&event.title.as_str()) {
                on_call.push(event.title.as_str());
            }
        }
        if !on_call.is_empty() {
            // Somebody always is: who it is comes after what is special about the day.
            let line = Line::of(Clean::line(on_call.join(", ")), Tone::OnCall);
            entries.push(entry("on call".into(), line));
        }
        let nothing = entries
            .is_empty()
            .then(|| Empty { title: "Nothing on this day".into(), advice: Vec::new() });
        Noun::Agenda(Agenda { entries, first: 0, empty: nothing })
    }
}

/// The planned releases of a day; milestones of one name, one for each repository, are one line.
fn planned<'e>(
    scene: &Scene<'_>,
    legend: &Legend,
    on: impl Iterator<Item = &'e Event>,
) -> Vec<Line> {
    let mut named: Vec<(&Event, usize, bool)> = Vec::new();
    for event in on.filter(|e| e.purpose == Purpose::Release) {
        let mut same = named.iter_mut();
        let bad = !event.conflicts.is_empty();
        match same.find(|(e, _, _)| e.title == event.title && e.key.source == event.key.source) {
            Some((_, n, any)) => (*n, *any) = (*n + 1, *any || bad),
            None => named.push((event, 1, bad)),
        }
    }
    // What has a time of day is what people wait for; the promise of a day comes after it.
    named.sort_by_key(|(event, _, _)| event.days.is_some());
    let line = |(event, n, bad): (&Event, usize, bool)| {
        let tone = legend.band(event).map_or(Tone::Release, |b| b.tone);
        let mut line = if bad { Line::of("! ", Tone::Degraded) } else { Line::new() };
        if event.days.is_none() && breadth(&scene.frame) >= Layout::Huge {
            line = line.and(event::time_words(scene, event), Tone::Dim).space();
        }
        if n > 1 {
            line = line.and(Clean::line(format_args!("{n}× ")), Tone::Dim);
        }
        line.and(words::shown(&event.title), tone)
    };
    named.into_iter().map(line).collect()
}
