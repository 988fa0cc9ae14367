//! The first page of the wall, and the only one while something is red: the services, worst first, and what is open.

use super::figures::{figure, of_role};
use super::{Figure, Leaf, MOST, Panel, Plate, Plates, foot, span, verdict};
use crate::insight::ServiceState;
use crate::insight::slo::Burning;
use crate::model::{Clean, Health, Role, Unit};
use crate::page::{Line, Scene, Tone, health, words};

pub const OVERVIEW: Leaf = Leaf {
    name: "overview",
    about: "services, worst first: since when, after what, who has it; stays while something is red",
    parts: |_| 1,
    compose,
};

/// What users feel beside what the business earns.
const COLUMNS: [Role; 3] = [Role::Latency, Role::Errors, Role::Business];

fn compose(scene: &Scene<'_>, _part: usize) -> (Panel, Vec<Panel>) {
    let roots = roots(scene);
    let shown = roots.iter().take(MOST);
    let main = Panel::Plates(Plates {
        all: shown.filter_map(|i| plate(scene, *i)).collect(),
        columns: COLUMNS.iter().map(|role| role.word().into()).collect(),
        rest: rest(scene, roots.get(MOST..).unwrap_or(&[])),
    });
    let mut beside = Vec::new();
    let open = foot::open(scene);
    if !open.is_empty() {
        let lines = open.iter().flat_map(|incident| {
            let title = Line::plain(incident.title.clone());
            [foot::age(scene, incident), title]
        });
        beside.push(Panel::Lines("incidents".into(), lines.take(2 * MOST).collect()));
    }
    let team = scene.team.metrics.iter().map(|m| figure(scene, m));
    let own = roots.iter().filter_map(|i| {
        let mut figure = of_role(scene, *i, Role::Business)?;
        let name = &scene.team.services.get(*i)?.name;
        figure.name = Clean::line(format_args!("{name}: {}", figure.name));
        Some(figure)
    });
    let burning: Vec<_> = roots.iter().flat_map(|i| budgets(scene, *i)).take(2).collect();
    if !burning.is_empty() {
        beside.push(Panel::Figures("budgets".into(), burning));
    }
    let business: Vec<_> = team.chain(own).take(MOST).collect();
    if !business.is_empty() {
        beside.push(Panel::Figures("business".into(), business));
    }
    (main, beside)
}

/// Budgets that burn faster than they may, as time: `gone in 50 h`.
fn budgets(scene: &Scene<'_>, i: usize) -> Vec<Figure> {
    let Some(state) = scene.survey.services.get(i) else { return Vec::new() };
    let burning = state.slos.iter().filter_map(|budget| {
        let tone = match budget.verdict {
            Burning::Page => Tone::Down,
            Burning::Ticket => Tone::Degraded,
            Burning::Calm | Burning::NoTraffic | Burning::Unknown => return None,
        };
        let left = budget.left?;
        let name = format!("{} {}", state.name, budget.name);
        let share = words::number(left, &Unit::Ratio);
        Some(match budget.gone_in.filter(|_| left > 0.0) {
            Some(gone) => Figure {
                name: Clean::line(format_args!("{name}: budget gone in")),
                value: Clean::line(span(gone)),
                tone,
                about: Line::of(Clean::line(format_args!("{share} left")), Tone::Dim),
                ..Figure::default()
            },
            None => Figure {
                name: Clean::line(format_args!("{name}: budget left")),
                value: share,
                tone,
                ..Figure::default()
            },
        })
    });
    burning.collect()
}

/// Services that stand for themselves, worst first.
pub fn roots(scene: &Scene<'_>) -> Vec<usize> {
    let of = |i: usize| scene.survey.services.get(i);
    let stands = |i: &usize| of(*i).is_some_and(|s| s.because.is_none());
    let mut roots: Vec<usize> = (0..scene.survey.services.len()).filter(stands).collect();
    roots.sort_by_key(|i| (std::cmp::Reverse(of(*i).map_or(Health::Unknown, |s| s.health)), *i));
    roots
}

/// What is old is not green, and what is planned is no outage.
pub fn tone(state: &ServiceState) -> Tone {
    match state.health {
        _ if state.overlays.maintenance => Tone::Maintenance,
        Health::Ok if state.overlays.stale => Tone::Stale,
        health => health.into(),
    }
}

fn plate(scene: &Scene<'_>, i: usize) -> Option<Plate> {
    let state = scene.survey.services.get(i)?;
    Some(Plate {
        health: state.health,
        tone: tone(state),
        name: state.name.clean().clone(),
        since: if state.health == Health::Ok {
            Clean::default()
        } else {
            foot::since(scene, state)
        },
        says: says(scene, state),
        figures: COLUMNS.iter().map(|role| of_role(scene, i, *role).unwrap_or_default()).collect(),
        counts: false,
    })
}

/// What is wrong, after what, and who has it.
fn says(scene: &Scene<'_>, state: &ServiceState) -> Line {
    let why = health::why(scene, state);
    let before = health::just_before(scene, state);
    let mut line = Line::new();
    if state.overlays.maintenance {
        line = Line::of("planned maintenance", Tone::Maintenance);
    }
    for part in [why, before] {
        if !part.0.is_empty() {
            line = if line.0.is_empty() { line } else { line.dot() };
            line.0.extend(part.0);
        }
    }
    let who = verdict::who(state);
    if state.health != Health::Ok && state.held_by.is_none() && !who.0.is_empty() {
        line = line.dot();
        line.0.extend(who.0);
    }
    if state.root_of > 0 {
        let words = Clean::line(format_args!("{} behind it", words::many(state.root_of)));
        line = line.dot().and(words, Tone::Dim);
    }
    line
}

/// `and 12 more, all ok`, or how many of them are not.
fn rest(scene: &Scene<'_>, rest: &[usize]) -> Line {
    if rest.is_empty() {
        return Line::new();
    }
    let is_ok = |i: &usize| scene.survey.services.get(*i).is_some_and(|s| s.health == Health::Ok);
    let ok = rest.iter().filter(|i| is_ok(i)).count();
    let line =
        Line::of(Clean::line(format_args!("and {} more", words::many(rest.len()))), Tone::Plain);
    match rest.len() - ok {
        0 => line.and(", all ok", Tone::Ok),
        bad => line.and(
            Clean::line(format_args!(", {} of them not ok", words::many(bad))),
            Tone::Degraded,
        ),
    }
}
