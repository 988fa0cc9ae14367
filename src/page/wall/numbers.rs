//! The numbers of the team and its services in big digits: what users feel beside what the business earns.

use super::figures::figure;
use super::overview::{roots, tone};
use super::{Leaf, MOST, Panel, Plate, Plates, rooms};
use crate::insight::numbers;
use crate::model::{Clean, Health, Role};
use crate::page::{Line, Scene};

pub const NUMBERS: Leaf = Leaf {
    name: "numbers",
    about: "technical and business numbers side by side, in big digits, with what good looks like",
    parts,
    compose,
};

/// Numbers in one row.
const ABREAST: usize = 4;

fn parts(scene: &Scene<'_>) -> usize {
    plates_of(scene).len().div_ceil(per_screen(scene))
}

/// Rows that have room for big digits.
fn per_screen(scene: &Scene<'_>) -> usize {
    let body = rooms(&scene.frame, false).body;
    usize::from(body / rooms::BIG_ROW).clamp(1, MOST)
}

/// A row each for the team as a whole and for services that have numbers; at most seven of these, worst first.
fn plates_of(scene: &Scene<'_>) -> Vec<Option<usize>> {
    let team = (!scene.team.metrics.is_empty()).then_some(None);
    let told = |i: &usize| {
        let service = scene.team.services.get(*i);
        service.is_some_and(|service| numbers(scene.board, service).next().is_some())
    };
    let with_numbers = roots(scene).into_iter().filter(told);
    team.into_iter().chain(with_numbers.take(MOST).map(Some)).collect()
}

fn compose(scene: &Scene<'_>, part: usize) -> (Panel, Vec<Panel>) {
    let per = per_screen(scene);
    let rows = plates_of(scene).into_iter().skip(part * per).take(per);
    let plates = rows.filter_map(|row| match row {
        Some(i) => of_service(scene, i),
        None => Some(of_team(scene)),
    });
    let main = Plates { all: plates.collect(), ..Plates::default() };
    (Panel::Plates(main), Vec::new())
}

fn of_team(scene: &Scene<'_>) -> Plate {
    Plate {
        health: scene.survey.verdict.worst,
        tone: scene.survey.verdict.worst.into(),
        name: Clean::line(&scene.team.name),
        figures: scene.team.metrics.iter().take(ABREAST).map(|m| figure(scene, m)).collect(),
        counts: true,
        ..Plate::default()
    }
}

fn of_service(scene: &Scene<'_>, i: usize) -> Option<Plate> {
    let (state, service) = (scene.survey.services.get(i)?, scene.team.services.get(i)?);
    // The most important first: where there is no room for all of them, the last are left out.
    let roles = [
        Role::Latency,
        Role::Business,
        Role::Errors,
        Role::Traffic,
        Role::Saturation,
        Role::Availability,
    ];
    let first = roles.iter().filter_map(|r| numbers(scene.board, service).find(|m| m.role == *r));
    Some(Plate {
        health: state.health,
        tone: tone(state),
        name: state.name.clean().clone(),
        since: if state.health == Health::Ok {
            Clean::default()
        } else {
            super::foot::since(scene, state)
        },
        says: Line::new(),
        figures: first.take(ABREAST).map(|m| figure(scene, m)).collect(),
        counts: true,
    })
}
