//! What is always in sight: the next release, the freeze, and the open incidents with their age.

use jiff::SignedDuration;

use super::{Figure, span};
use crate::insight::{Frozen, ServiceState};
use crate::model::{Clean, Incident, IncidentStatus};
use crate::page::{Line, Scene, Tone, words};

pub fn figures(scene: &Scene<'_>) -> Vec<Figure> {
    vec![release(scene), freeze(scene), incidents(scene)]
}

/// `2 d 4 h` until a moment.
pub fn until(scene: &Scene<'_>, at: jiff::Timestamp) -> Clean {
    Clean::line(span(at.duration_since(scene.now).max(SignedDuration::ZERO)))
}

fn release(scene: &Scene<'_>) -> Figure {
    let name = Clean::from("next release in");
    let Some(next) = &scene.survey.next_release else {
        let about = Line::of("none is planned", Tone::Dim);
        return Figure {
            name: "next release".into(),
            value: words::NO_DATA.into(),
            about,
            ..Figure::default()
        };
    };
    let at = words::near(next.at, scene.now, scene.zone);
    let about = Line::plain(next.title.clone()).dot().and(Clean::line(at), Tone::Dim);
    Figure { name, value: until(scene, next.at), tone: Tone::Release, about, ..Figure::default() }
}

fn freeze(scene: &Scene<'_>) -> Figure {
    if let Some(on) = scene.survey.frozen.first() {
        let (name, value) = match on.until {
            Some(end) => ("frozen for".into(), until(scene, end)),
            None => ("deploys".into(), Clean::from("frozen")),
        };
        return Figure {
            name,
            value,
            tone: Tone::Freeze,
            about: of(scene, on),
            ..Figure::default()
        };
    }
    match &scene.survey.next_freeze {
        Some(next) => Figure {
            name: "next freeze in".into(),
            value: until(scene, next.from),
            tone: Tone::Freeze,
            about: of(scene, next),
            ..Figure::default()
        },
        None => Figure {
            name: "next freeze".into(),
            value: words::NO_DATA.into(),
            about: Line::of("none is known", Tone::Dim),
            ..Figure::default()
        },
    }
}

/// What a freeze is called, and when it ends or begins.
fn of(scene: &Scene<'_>, freeze: &Frozen) -> Line {
    let line = Line::plain(freeze.name.clone());
    let on = freeze.is_on(scene.now);
    let when = match freeze.until {
        Some(end) if on => format!("until {}", words::near(end, scene.now, scene.zone)),
        None if on => "no end is known".to_owned(),
        _ => words::near(freeze.from, scene.now, scene.zone),
    };
    line.dot().and(Clean::line(when), Tone::Dim)
}

fn incidents(scene: &Scene<'_>) -> Figure {
    let open = open(scene);
    let name = Clean::from(if open.len() == 1 { "incident open" } else { "incidents open" });
    let value = Clean::line(words::many(open.len()));
    let Some(first) = open.first() else {
        let known =
            scene.board.sources.values().any(|f| ["pagerduty", "incident-io"].contains(&f.kind));
        // Where nobody tells of incidents, none of them is a fact.
        if !known && scene.board.incidents.all().next().is_none() {
            return on_call(scene);
        }
        let about = on_call(scene).about;
        return Figure { name, value, tone: Tone::Ok, about, ..Figure::default() };
    };
    let tone = if open.iter().any(|i| is_unacked(i)) { Tone::Down } else { Tone::Degraded };
    Figure { name, value, tone, about: age(scene, first), ..Figure::default() }
}

/// Open incidents, those nobody has first, then the oldest.
pub fn open<'a>(scene: &Scene<'a>) -> Vec<&'a Incident> {
    let all = scene.board.incidents.present().map(|r| &r.what);
    let mut open: Vec<&Incident> = all.filter(|i| i.status.is_open()).collect();
    open.sort_by(|a, b| {
        let place = |i: &Incident| (!is_unacked(i), i.started, i.key.clone());
        place(a).cmp(&place(b))
    });
    open
}

pub fn is_unacked(incident: &Incident) -> bool {
    !matches!(incident.status, IncidentStatus::Acked | IncidentStatus::Mitigated)
}

/// `#4821 7 min · ada has it`.
pub fn age(scene: &Scene<'_>, incident: &Incident) -> Line {
    let mut line = Line::of(incident.reference.clone(), Tone::Strong);
    if let Some(started) = incident.started {
        let age = span(scene.now.duration_since(started).max(SignedDuration::ZERO));
        line = line.space().and(Clean::line(age), Tone::Plain);
    }
    let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
    match who.is_empty() {
        _ if is_unacked(incident) => line.dot().and("nobody has it yet", Tone::Down),
        true => line,
        false => {
            line.dot().and(Clean::line(format_args!("{} has it", who.join(", "))), Tone::OnCall)
        }
    }
}

/// Who is asked first, where that is known.
fn on_call(scene: &Scene<'_>) -> Figure {
    let name = Clean::from("on call");
    match scene.survey.on_call.first() {
        Some(turn) => Figure {
            name,
            value: turn.who.clone(),
            tone: Tone::OnCall,
            about: Line::of(Clean::line(format_args!("{} is on call", turn.who)), Tone::OnCall),
            ..Figure::default()
        },
        None => Figure {
            name,
            value: words::NO_DATA.into(),
            about: Line::of("nobody is known to be", Tone::Dim),
            ..Figure::default()
        },
    }
}

/// How long a service has been as it is.
pub fn since(scene: &Scene<'_>, state: &ServiceState) -> Clean {
    state.since.map_or_else(Clean::default, |since| {
        Clean::line(span(scene.now.duration_since(since).max(SignedDuration::ZERO)))
    })
}
