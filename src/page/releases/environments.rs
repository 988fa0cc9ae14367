//! Which version runs in each environment.

use super::empty;
use crate::insight::{deploys_from, moment, version};
use crate::model::{Clean, Deploy, Outcome, Service};
use crate::page::build::{cell, left, list, name_key, name_of, right, share};
use crate::page::{
    Align, Block, Cell, Column, Entry, Line, Look, Noun, Rank, RowKey, Scene, Tone, words,
};

pub const ENVIRONMENT: &str = "environment";

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let with_repo = scene.team.services.iter().filter(|s| !s.repo.is_empty());
    let entry = |(at, service): (usize, &Service)| {
        let versions = Versions::of(scene, service);
        Entry {
            key: name_key(ENVIRONMENT, &service.name),
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.name.clean().clone()),
                Rank::Text(if versions.drift { "drift" } else { "even" }.into()),
                Rank::None,
            ],
            problem: false,
            words: vec![("service", service.name.clean().clone())],
        }
    };
    with_repo.enumerate().map(entry).collect()
}

/// What runs where: the newest good deploy of each environment, in promotion order.
pub struct Versions<'a> {
    pub newest: Vec<(Clean, Option<&'a Deploy>)>,
    /// The environment that counts runs something else than the one before it.
    pub drift: bool,
}

impl<'a> Versions<'a> {
    pub fn of(scene: &Scene<'a>, service: &Service) -> Self {
        let own = scene.board.deploys.all().map(|r| &r.what).filter(|d| deploys_from(service, d));
        let good: Vec<&Deploy> = own.filter(|d| d.outcome == Outcome::Succeeded).collect();
        let newest: Vec<(Clean, Option<&Deploy>)> = scene
            .team
            .environments
            .iter()
            .map(|name| {
                let here = good
                    .iter()
                    .filter(|d| d.environment.as_str().eq_ignore_ascii_case(name.as_str()));
                (name.clone(), here.max_by_key(|d| moment(d)).copied())
            })
            .collect();
        let mut last = newest.iter().rev().map(|(_, d)| d.map(version));
        let drift = match (last.next().flatten(), last.next().flatten()) {
            (Some(counts), Some(before)) => counts != before,
            _ => false,
        };
        Self { newest, drift }
    }
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let mut columns = vec![left("service", share(8, 2), 0)];
    for (i, name) in scene.team.environments.iter().enumerate() {
        let from_last = scene.team.environments.len() - i;
        columns.push(Column {
            title: name.clone(),
            width: share(12, 2),
            align: Align::Left,
            rank: u8::try_from(from_last).unwrap_or(u8::MAX),
        });
    }
    columns.push(right("", 8, 1));
    let row = |key: &RowKey| {
        let service = scene.team.service(&name_of(ENVIRONMENT, key)?)?;
        let versions = Versions::of(scene, service);
        let mut cells = vec![cell(service.name.clean().clone(), Tone::Plain)];
        for (_, deploy) in &versions.newest {
            cells.push(match deploy {
                Some(deploy) => {
                    let age =
                        moment(deploy).map(|at| words::ago(at, scene.now)).unwrap_or_default();
                    Cell::Line(
                        Line::plain(version(deploy)).space().and(Clean::line(age), Tone::Dim),
                    )
                }
                None => cell(words::NO_DATA, Tone::Dim),
            });
        }
        cells.push(if versions.drift { cell("≠ drift", Tone::Accent) } else { Cell::Blank });
        Some(cells)
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}
