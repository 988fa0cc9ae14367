//! What lies ahead, under its days.

use std::sync::Arc;

use jiff::SignedDuration;

use super::empty;
use super::event::{self, EVENT};
use crate::insight::words::{earlier, later};
use crate::insight::{Event, calendar};
use crate::model::{Clean, Window};
use crate::page::build::{date, in_sight, names, record_key, row_key};
use crate::page::{Agenda, AgendaEntry, Block, Entry, Look, Noun, Rank, Scene, Tone, words};

/// How far the agenda looks ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 92);

/// The stretch the agenda shows: from the start of today.
pub fn ahead(scene: &Scene<'_>) -> Window {
    let today = scene.now.to_zoned(scene.zone.clone()).start_of_day();
    let from = today
        .map_or_else(|_| earlier(scene.now, SignedDuration::from_hours(24)), |d| d.timestamp());
    Window { from, until: later(from, AHEAD) }
}

/// What lies ahead, by start.
pub fn planned(scene: &Scene<'_>) -> Arc<Vec<Event>> {
    let window = ahead(scene);
    scene.memo.agenda.get(scene, window, || calendar(scene.board, scene.team, window, scene.zone))
}

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let entry = |(at, event): (usize, &Event)| Entry {
        key: row_key(EVENT, &event.id),
        ranks: vec![
            Rank::Number(at as f64),
            event.services.first().map_or(Rank::None, |s| Rank::Text(s.clean().clone())),
            Rank::Text(event.purpose.word().into()),
            Rank::None,
        ],
        problem: !event.conflicts.is_empty(),
        words: vec![
            ("title", event.title.clone()),
            ("kind", event.purpose.word().into()),
            ("service", names(&event.services)),
        ],
    };
    planned(scene).iter().enumerate().map(entry).collect()
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let rows = scene.frame.list_rows().saturating_sub(usize::from(above));
    let events = planned(scene);
    let today = date(scene, scene.now);
    let (first, keys) = in_sight(look, rows);
    let entries = keys.iter().filter_map(|key| {
        let id = record_key(EVENT, key)?;
        let event = events.iter().find(|e| e.id == id)?;
        // What began before today goes on today: the list begins with today and not with some day of last week.
        let began = event.touches(scene.zone).0;
        let day = began.max(today);
        let marked = format!("today, {}", words::day(day));
        let mut line = event::line(event);
        if began < today {
            let since = Clean::line(format_args!("since {}", words::day(began)));
            line = line.dot().and(since, Tone::Dim);
        }
        Some(AgendaEntry {
            day: if day == today { marked.into() } else { words::day(day).into() },
            time: if began < today { "now".into() } else { event::time_words(scene, event) },
            line,
            key: Some(key.clone()),
            selected: look.selected.as_ref() == Some(key),
        })
    });
    let entries: Vec<AgendaEntry> = entries.collect();
    let nothing = entries.is_empty().then(|| empty(scene));
    Block::main("", Noun::Agenda(Agenda { entries, first, empty: nothing }))
}
