//! The one line over the tab: frozen or not, the next release, the last one, the next freeze.

use jiff::Timestamp;

use super::rhythm::rhythms;
use crate::model::{Clean, Name};
use crate::page::build::names;
use crate::page::{Line, Scene, Tone, words};

/// `next release in 2 d 4 h: train 2.4 · last v412 3 h ago · freeze weekend in 3 d`: names give way to moments where it is narrow.
pub fn headline(scene: &Scene<'_>) -> Line {
    let long = told(scene, true);
    let room = usize::from(scene.frame.main_width()).saturating_sub(3);
    if long.width() <= room { long } else { told(scene, false) }
}

/// As many services are named at the front.
const FEW: usize = 3;

fn few(services: &[Name]) -> Clean {
    match services.get(..FEW).filter(|_| services.len() > FEW) {
        Some(first) => Clean::line(format_args!("{} +{}", names(first), services.len() - FEW)),
        None => names(services),
    }
}

/// Who is frozen, and until when: freezes that end together are said together, and one of everybody is of the others too.
fn frozen(scene: &Scene<'_>) -> Vec<(Option<Vec<Name>>, Option<Timestamp>)> {
    let mut all: Vec<(Option<Vec<Name>>, Option<Timestamp>)> = Vec::new();
    for one in &scene.survey.frozen {
        match all.iter_mut().find(|(_, until)| *until == one.until) {
            None => all.push((one.services.clone(), one.until)),
            Some((services, _)) => match (services.as_mut(), &one.services) {
                (Some(known), Some(more)) => {
                    for name in more {
                        if !known.contains(name) {
                            known.push(name.clone());
                        }
                    }
                }
                _ => *services = None,
            },
        }
    }
    all
}

/// What counts most comes first; who is frozen and how to override last.
fn told(scene: &Scene<'_>, named: bool) -> Line {
    let survey = scene.survey;
    let mut parts: Vec<Line> = Vec::new();
    for (services, until) in frozen(scene) {
        let until = until.map_or_else(
            || "no end known".to_owned(),
            |at| format!("until {}", words::near(at, scene.now, scene.zone)),
        );
        // Who is frozen must not be what has no room: the others may deploy.
        let mut line = Line::of("FROZEN ", Tone::Freeze);
        if let Some(services) = &services {
            line = line.and(few(services), Tone::Freeze).space();
        }
        parts.push(line.and(Clean::line(until), Tone::Freeze));
    }
    parts.push(match &survey.next_release {
        Some(next) => {
            let wait = words::span(next.at.duration_since(scene.now));
            let line = Line::of("next release ", Tone::Dim)
                .and(Clean::line(format_args!("in {wait}")), Tone::Release);
            let name = Clean::line(format_args!(": {}", next.title));
            if named { line.and(name, Tone::Release) } else { line }
        }
        None => Line::of("no release planned", Tone::Dim),
    });
    if let Some(last) = &survey.last_release {
        let usual = rhythms(scene).last().and_then(|r| r.usual);
        let usual = usual.map_or_else(String::new, |u| format!(", usual {}", words::span(u)));
        let words = format!("last {} {}{usual}", last.title, words::ago(last.at, scene.now));
        parts.push(Line::of(Clean::line(words), Tone::Dim));
    }
    if let Some(next) = &survey.next_freeze {
        let wait = words::span(next.from.duration_since(scene.now));
        let name = if named { format!(": {}", next.name) } else { String::new() };
        let words = format!(
            "{}freeze in {wait}{name}",
            if survey.frozen.is_empty() { "" } else { "next " }
        );
        parts.push(Line::of(Clean::line(words), Tone::Freeze));
    }
    for frozen in &survey.frozen {
        let line = Line::of(frozen.name.clone(), Tone::Freeze);
        parts.push(match &frozen.services {
            Some(services) if services.len() > FEW => {
                line.and(" for ", Tone::Dim).and(names(services), Tone::Dim)
            }
            _ => line,
        });
        if !frozen.how_to_override.is_empty() {
            let words = Clean::line(format_args!("to override: {}", frozen.how_to_override));
            parts.push(Line::of(words, Tone::Dim));
        }
    }
    let mut line = Line::new();
    for part in parts {
        if !line.0.is_empty() {
            line = line.dot();
        }
        line.0.extend(part.0);
    }
    line
}
