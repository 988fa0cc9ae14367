//! Numbers as the wall shows them: the newest reading, what it was a week ago, what good looks like, and its last hours.

use jiff::SignedDuration;

use super::Figure;
use crate::insight::numbers;
use crate::model::{Clean, Metric, Role};
use crate::page::{Line, Scene, Tone, health, words};

/// The stretch of time a curve shows, in slots.
const TREND: SignedDuration = SignedDuration::from_hours(2);
const SLOTS: usize = 24;

/// A number of a service or of the team.
pub fn figure(scene: &Scene<'_>, metric: &Metric) -> Figure {
    let (value, tone) = health::value(scene, metric);
    let mut about = Line::new();
    if let Some(before) = scene.board.baseline_of(&metric.id, scene.now) {
        let before = words::number(before, &metric.unit);
        about = Line::of(Clean::line(format_args!("last week {before}")), Tone::Plain);
    }
    if let Some(good) = metric.good {
        about = if about.0.is_empty() { about } else { about.dot() };
        let words = Clean::line(format_args!("good {}", words::bound(good, &metric.unit)));
        about = about.and(words, Tone::Dim);
    }
    let tone = match tone {
        Tone::Plain if metric.role == Role::Business => Tone::Business,
        tone => tone,
    };
    if tone == Tone::Stale
        && let Some((age, _)) = scene.board.age_of(&metric.id, scene.now)
    {
        about = Line::of(Clean::line(format_args!("{} old", super::span(age))), Tone::Stale);
    }
    let (from, until) = words::stretch(scene.now, TREND, SLOTS);
    let track = scene.board.tracks.get(&metric.id);
    Figure {
        name: metric.id.metric.clean().clone(),
        value,
        tone,
        about,
        trend: track.map(|t| t.buckets(from, until, SLOTS)).unwrap_or_default(),
    }
}

/// The number a service has for a role.
pub fn of_role(scene: &Scene<'_>, service: usize, role: Role) -> Option<Figure> {
    let service = scene.team.services.get(service)?;
    numbers(scene.board, service).find(|m| m.role == role).map(|m| figure(scene, m))
}
