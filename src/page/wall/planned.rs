//! Releases on the wall: what is planned and when, what is frozen, what was released last.

use jiff::SignedDuration;

use super::{Figure, Leaf, Panel, foot, span};
use crate::insight::plans;
use crate::model::{Clean, Window};
use crate::page::{Line, Scene, Tone, words};

pub const RELEASES: Leaf = Leaf {
    name: "releases",
    about: "releases that are planned, what is frozen until when, and what was released last",
    parts: |scene| {
        usize::from(
            scene.survey.next_release.is_some()
                || scene.survey.last_release.is_some()
                || !scene.survey.frozen.is_empty()
                || scene.survey.next_freeze.is_some(),
        )
    },
    compose,
};

/// How far ahead plans are listed, and how many.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 60);
const LISTED: usize = 12;

fn compose(scene: &Scene<'_>, _part: usize) -> (Panel, Vec<Panel>) {
    let until = scene.now.checked_add(AHEAD).unwrap_or(jiff::Timestamp::MAX);
    let window = Window { from: scene.now, until };
    let events = plans(scene.board, scene.team, window, scene.zone);
    let mut coming: Vec<_> = events.iter().filter(|e| e.start > scene.now).collect();
    // A train that every service rides is one train.
    coming.dedup_by(|a, b| (a.start, &a.title) == (b.start, &b.title));
    let coming = coming.into_iter().take(LISTED).map(|event| {
        let left = span(event.start.duration_since(scene.now));
        Line::of(Clean::line(format_args!("in {left}")), Tone::Release)
            .dot()
            .and(event.title.clone(), Tone::Strong)
            .dot()
            .and(Clean::line(words::near(event.start, scene.now, scene.zone)), Tone::Dim)
    });
    let mut lines: Vec<Line> = coming.collect();
    if lines.is_empty() {
        lines.push(Line::of("no release is planned in the next 60 days", Tone::Dim));
    }
    (Panel::Lines("planned".into(), lines), vec![Panel::Figures("so far".into(), so_far(scene))])
}

fn so_far(scene: &Scene<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(last) = &scene.survey.last_release {
        let age = scene.now.duration_since(last.at).max(SignedDuration::ZERO);
        figures.push(Figure {
            name: "last release, ago".into(),
            value: Clean::line(span(age)),
            tone: Tone::Release,
            about: Line::plain(last.title.clone()),
            ..Figure::default()
        });
    }
    for on in scene.survey.frozen.iter().take(2) {
        figures.push(Figure {
            name: Clean::line(format_args!("frozen: {}", on.name)),
            value: on.until.map_or_else(|| "frozen".into(), |end| foot::until(scene, end)),
            tone: Tone::Freeze,
            ..Figure::default()
        });
    }
    figures
}
