//! Uptime on a service's card: both numbers of each stretch, as far as memory reaches.

use std::fmt::Write as _;

use super::{Line, Scene, Tone, words};
use crate::insight::{Uptime, Works, percent};
use crate::model::{Clean, Name};

/// One line for each stretch, up to the first that memory does not fill.
pub fn pairs(scene: &Scene<'_>, service: &Name) -> Vec<(Clean, Line)> {
    let planned = Works::new(scene.board, scene.team, scene.now, scene.zone);
    let begun = scene.board.turns.of(service).first().map(|(at, _)| *at);
    let mut lines = Vec::new();
    for (stretch, uptime) in planned.uptimes(scene.board, service) {
        let label = if lines.is_empty() { "uptime" } else { "" };
        let words = format!("{}  {}", words::span(stretch), said(&uptime));
        let tone = if uptime.without_planned().is_some() { Tone::Plain } else { Tone::Dim };
        lines.push((Clean::from(label), Line::of(Clean::line(words), tone)));
        if begun.is_none_or(|begun| scene.now.duration_since(begun) < stretch) {
            break;
        }
    }
    lines
}

/// `95.74 % · 90.00 % with planned work · 23 h of 24 h known`.
pub fn said(uptime: &Uptime) -> String {
    let (Some(without), Some(with)) = (uptime.without_planned(), uptime.with_planned()) else {
        return format!("{} nobody has watched it", words::NO_DATA);
    };
    let mut text = format!("{:.2} %", percent(without));
    // Writing to a string cannot fail.
    if uptime.planned.is_zero() {
        text.push_str(" · no planned work");
    } else {
        let _ = write!(text, " · {:.2} % with planned work", percent(with));
    }
    if !uptime.unknown.is_zero() {
        let _ = write!(
            text,
            " · {} of {} known",
            words::span(uptime.known()),
            words::span(uptime.whole())
        );
    }
    text
}
