//! A week of the team: seven days with everything on them by its time, side by side or under one another.

use jiff::civil::Date;

use super::legend::Legend;
use super::month::{self, Span};
use crate::model::Clean;
use crate::page::{
    Agenda, AgendaEntry, Block, Calendar, Day, Line, Look, Noun, Scene, Tone, words,
};

/// From here on a column of a day holds a time and the first words of a title.
const ROOMY: u16 = 110;

pub fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let cursor = month::cursor(scene, look);
    let days = days(scene, cursor);
    let span = Span::new(scene, &days);
    if scene.frame.main_width() < ROOMY {
        return vec![Block::main("", listed(scene, &span, &days, cursor))];
    }
    let legend = Legend::new(scene);
    let today = crate::page::build::date(scene, scene.now);
    let day = |d: &Date| Day {
        date: *d,
        inside: true,
        today: *d == today,
        selected: *d == cursor,
        bands: span.bands(scene, &legend, *d),
        entries: span.briefly(scene, &legend, *d),
    };
    let calendar = Calendar {
        title: title(&days),
        weekdays: days.iter().map(|d| Clean::line(d.strftime("%a"))).collect(),
        weeks: vec![days.iter().map(day).collect()],
        legend: legend.bands(),
    };
    vec![
        Block::main("", Noun::Calendar(calendar)).share(8, 2),
        Block::side("", span.of_day(scene, cursor)).share(3, 1),
    ]
}

/// The seven days around the cursor, from the team's first day of the week.
fn days(scene: &Scene<'_>, cursor: Date) -> Vec<Date> {
    let first = cursor
        .checked_sub(jiff::Span::new().days(month::lead(scene, cursor.weekday())))
        .unwrap_or(cursor);
    (0..7).filter_map(|n| first.checked_add(jiff::Span::new().days(n)).ok()).collect()
}

/// `Week 47 · 16 to 22 November 2026`
fn title(days: &[Date]) -> Clean {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Clean::default() };
    let from = if first.month() == last.month() { "%-d" } else { "%-d %B" };
    // The number is ISO 8601's: that of the week's Thursday, which is in the same week whichever day it begins with.
    let week = days.get(3).map_or(0, |d| d.iso_week_date().week());
    Clean::line(format_args!(
        "Week {week} · {} to {}",
        first.strftime(from),
        last.strftime("%-d %B %Y")
    ))
}

/// One day under the other.
fn listed(scene: &Scene<'_>, span: &Span<'_>, days: &[Date], cursor: Date) -> Noun {
    let mut entries = Vec::new();
    for day in days {
        let heading = Clean::from(words::day(*day));
        let mut here: Vec<AgendaEntry> = span
            .by_time(scene, *day)
            .into_iter()
            .map(|(_, time, line)| AgendaEntry {
                day: heading.clone(),
                time,
                line,
                key: None,
                selected: false,
            })
            .collect();
        if here.is_empty() {
            here.push(AgendaEntry {
                day: heading.clone(),
                time: Clean::default(),
                line: Line::of("nothing", Tone::Dim),
                key: None,
                selected: false,
            });
        }
        if *day == cursor
            && let Some(first) = here.first_mut()
        {
            first.selected = true;
        }
        entries.push((*day, here));
    }
    // A week that is longer than the screen loses its first days, and never the cursor's.
    let rows = scene.frame.list_rows();
    let mut lines: usize = entries.iter().map(|(_, e)| e.len() + 1).sum();
    entries.retain(|(day, e)| {
        let kept = lines <= rows || *day >= cursor;
        if !kept {
            lines -= e.len() + 1;
        }
        kept
    });
    let entries = entries.into_iter().flat_map(|(_, e)| e).collect();
    Noun::Agenda(Agenda { entries, first: 0, empty: None })
}
