//! Which version runs in each environment, how far they lie apart, and whether more may be deployed now.

use std::sync::Arc;

use super::empty;
use crate::insight::{Apart, Running, Versions};
use crate::model::{Against, Clean, Drift, Service};
use crate::page::build::{cell, left, list, name_key, name_of, plain_table, share};
use crate::page::service::clearance;
use crate::page::{
    Align, Block, Cell, Column, Entry, Line, Look, Noun, Rank, RowKey, Scene, Tone, Width, words,
};

pub const ENVIRONMENT: &str = "environment";
/// Commits of one drift that an opened service lists.
const COMMITS: usize = 12;

/// Whether something of this service is deployed anywhere, as far as the configuration can tell.
fn is_deployed(scene: &Scene<'_>, service: &Service) -> bool {
    !service.repo.is_empty() || {
        let environments = scene.board.environments.present().map(|r| &r.what);
        environments.into_iter().any(|e| {
            !e.app.is_empty() && e.app.as_str().eq_ignore_ascii_case(service.app().as_str())
        })
    }
}

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let deployed = scene.team.services.iter().filter(|s| is_deployed(scene, s));
    let entry = |(at, service): (usize, &Service)| {
        let versions = Versions::of(scene.board, scene.team, service, scene.now);
        let said = versions.apart.words();
        Entry {
            key: name_key(ENVIRONMENT, &service.name),
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.name.clean().clone()),
                Rank::Text(said.clone()),
                Rank::None,
            ],
            problem: matches!(versions.apart, Apart::NotInSync(_)),
            words: vec![("service", service.name.clean().clone()), ("drift", said)],
        }
    };
    deployed.enumerate().map(entry).collect()
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let mut columns = vec![left("service", share(8, 2), 0)];
    for (i, name) in scene.team.environments.iter().enumerate() {
        let from_last = scene.team.environments.len() - i;
        columns.push(Column {
            title: name.clone(),
            width: share(12, 2),
            align: Align::Left,
            rank: u8::try_from(from_last + 1).unwrap_or(u8::MAX),
        });
    }
    columns.push(left("drift", share(16, 10), 1));
    columns.push(left("can deploy", share(18, 3), 2));
    let row = |key: &RowKey| {
        let service = scene.team.service(&name_of(ENVIRONMENT, key)?)?;
        let versions = Versions::of(scene.board, scene.team, service, scene.now);
        let mut cells = vec![cell(service.name.clean().clone(), Tone::Plain)];
        cells.extend(versions.running.iter().map(|running| what_runs(scene, running)));
        cells.push(Cell::Line(drift(&versions.apart)));
        let state = scene.survey.service(&service.name);
        cells.push(state.map_or(Cell::Blank, |s| Cell::Line(clearance(scene, &s.clearance))));
        Some(cells)
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}

fn what_runs(scene: &Scene<'_>, running: &Running) -> Cell {
    let Some(version) = &running.version else { return cell(words::NO_DATA, Tone::Dim) };
    let mut line = Line::plain(version.clone());
    if running.out_of_sync {
        line = line.space().and("≠", Tone::Degraded);
    }
    if let Some(since) = running.since {
        let age = words::span(scene.now.duration_since(since));
        line = line.space().and(Clean::line(age), Tone::Dim);
    }
    Cell::Line(line)
}

fn drift(apart: &Apart) -> Line {
    match apart {
        Apart::Unknown => Line::of(words::NO_DATA, Tone::Dim),
        Apart::NotInSync(words) => Line::of(words.clone(), Tone::Degraded),
        Apart::Ahead(words) => Line::of(words.clone(), Tone::Accent),
        Apart::Match => Line::of(apart.words(), Tone::Dim),
    }
}

/// What an opened service says of its environments: how they stand to each other, and the commits that wait.
pub fn beside(scene: &Scene<'_>, service: &Service) -> Vec<Block> {
    let versions = Arc::new(Versions::of(scene.board, scene.team, service, scene.now));
    let mut seen = std::collections::BTreeSet::new();
    let mut blocks = Vec::new();
    for drift in versions.drifts.iter().copied().filter(|d| d.missing > 0) {
        // Where staging runs what is on the branch, production lacks the same commits of both.
        if seen.insert((drift.sha.as_str(), drift.head.as_str())) {
            blocks.extend(commits(scene, drift));
        }
    }
    blocks
}

/// `what staging has and production has not`, one commit a line, oldest first.
fn commits(scene: &Scene<'_>, drift: &Drift) -> Option<Block> {
    let title = match &drift.against {
        Against::Environment(name) => format!("in {name}, not in {}", drift.environment),
        Against::Branch(name) => format!("on {name}, not in {}", drift.environment),
    };
    let row = |commit: &crate::model::Commit| {
        vec![
            cell(Clean::line(commit.sha.as_str().chars().take(8).collect::<String>()), Tone::Code),
            cell(words::shown(&commit.title), Tone::Plain),
            cell(commit.who.clone(), Tone::Dim),
            crate::page::service::when(scene, commit.at),
        ]
    };
    let rows: Vec<Vec<Cell>> = drift.commits.iter().take(COMMITS).map(row).collect();
    let columns = vec![
        left("commit", Width::Exactly(9), 1),
        left("what", share(12, 3), 0),
        left("who", share(6, 1), 2),
        left("when", Width::Exactly(16), 1),
    ];
    let title = Clean::line(format_args!(
        "{title}: {}",
        words::counted(usize::try_from(drift.missing).unwrap_or(usize::MAX), "commit", "commits")
    ));
    let tall = rows.len() as u16 + 1;
    // Between the card and the numbers of an opened service, and not behind them all.
    let block = || Block::main(title, Noun::Table(plain_table(columns, rows))).exactly(tall);
    (tall > 1).then(block)
}
