//! The deploy log: what was brought where, by whom, in how long, with what outcome; and what was taken back.

use std::collections::HashMap;
use std::sync::Arc;

use super::empty;
use super::made::{DEPLOY, Made, RELEASE};
use crate::insight::{self, Load, Rollback, rollbacks};
use crate::model::{Clean, Deploy, Key, Outcome, Record, Release};
use crate::page::build::{breadth, cell, left, list, of_repo, right, row_key, share};
use crate::page::service::when;
use crate::page::{
    Block, Column, Entry, Layout, Look, Noun, Rank, RowKey, Scene, Tone, Width, words,
};

/// Every rollback on the board, by its deploy.
pub fn taken_back(scene: &Scene<'_>) -> Arc<HashMap<Key, Rollback>> {
    scene.memo.rollbacks.get(scene, (), || rollbacks(scene.board))
}

/// How many commits each deploy on the board brought, as far as anybody counted them.
pub fn loads(scene: &Scene<'_>) -> Arc<HashMap<Key, Load>> {
    scene.memo.loads.get(scene, (), || insight::loads(scene.board))
}

/// `12`, or `−3` for a way back; nothing where nobody counted.
fn load(made: &Made<'_>, loads: &HashMap<Key, Load>) -> Clean {
    match made {
        Made::Deploy(deploy) => loads.get(&deploy.key).map_or_else(Clean::default, Load::words),
        Made::Release(_) => Clean::default(),
    }
}

/// The outcome; or that it took a version back.
fn state(made: &Made<'_>, back: &HashMap<Key, Rollback>) -> (Clean, Tone) {
    match made {
        Made::Deploy(deploy) if back.contains_key(&deploy.key) => ("rollback".into(), Tone::Accent),
        _ => made.state(),
    }
}

fn took(made: &Made<'_>) -> Clean {
    let Made::Deploy(Deploy { started: Some(from), finished: Some(until), .. }) = made else {
        return Clean::default();
    };
    let took = until.duration_since(*from);
    if took.is_negative() { Clean::default() } else { Clean::line(words::span(took)) }
}

/// What went back says from where; else its own words.
fn about(made: &Made<'_>, back: &HashMap<Key, Rollback>) -> Clean {
    let said = made.about();
    match made {
        Made::Deploy(deploy) => match back.get(&deploy.key) {
            Some(rollback) if said.is_empty() => {
                Clean::line(format_args!("from {}", rollback.from))
            }
            Some(rollback) => Clean::line(format_args!("from {} · {said}", rollback.from)),
            None => said,
        },
        Made::Release(_) => said,
    }
}

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let back = taken_back(scene);
    let loads = loads(scene);
    let deploys =
        scene.board.deploys.all().map(|r| (row_key(DEPLOY, &r.what.key), Made::Deploy(&r.what)));
    let releases = scene
        .board
        .releases
        .all()
        .map(|r: &Record<Release>| (row_key(RELEASE, &r.what.key), Made::Release(&r.what)));
    let mut made: Vec<(RowKey, Made<'_>)> = deploys.chain(releases).collect();
    made.sort_by_cached_key(|(key, m)| (std::cmp::Reverse(m.at()), key.clone()));
    let entry = |(at, (key, m)): (usize, (RowKey, Made<'_>))| {
        let service = of_repo(scene, m.repo());
        let (state, _) = state(&m, &back);
        Entry {
            key,
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.clone()),
                Rank::Text(state.clone()),
                if m.who().is_empty() { Rank::None } else { Rank::Text(m.who().clone()) },
            ],
            problem: matches!(&m, Made::Deploy(d) if matches!(d.outcome, Outcome::Failed | Outcome::Other(_))),
            words: vec![
                ("service", service),
                ("environment", m.place()),
                ("version", m.version()),
                ("state", state),
                ("who", m.who().clone()),
                ("about", about(&m, &back)),
                ("commit", m.commit()),
                ("commits", load(&m, &loads)),
            ],
        }
    };
    made.into_iter().enumerate().map(entry).collect()
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let layout = breadth(&scene.frame);
    let back = taken_back(scene);
    let loads = loads(scene);
    // Argo CD counts no commits: a column that is always empty is none.
    let counted = !loads.is_empty();
    let row = |key: &RowKey| {
        let made = Made::find(scene, key)?;
        let (state, tone) = state(&made, &back);
        let service = cell(of_repo(scene, made.repo()), Tone::Plain);
        let version = cell(made.version(), Tone::Plain);
        let state = cell(state, tone);
        let at = when(scene, made.at());
        Some(match layout {
            Layout::OneLine | Layout::Tiny => vec![at, service, state],
            Layout::Small => vec![at, service, version, state],
            _ => {
                let mut cells = vec![
                    at,
                    service,
                    cell(made.place(), Tone::Dim),
                    version,
                    state,
                    cell(made.who().clone(), Tone::Dim),
                ];
                cells.extend(counted.then(|| cell(load(&made, &loads), Tone::Plain)));
                cells.extend([
                    cell(took(&made), Tone::Dim),
                    cell(made.commit(), Tone::Code),
                    cell(about(&made, &back), Tone::Dim),
                ]);
                cells
            }
        })
    };
    let at = left("when", Width::Exactly(16), 0);
    let service = left("service", share(8, 1), 0);
    let version = left("version", share(8, 1), 1);
    let state = left("state", Width::Exactly(11), 0);
    let columns: Vec<Column> = match layout {
        Layout::OneLine | Layout::Tiny => vec![at, service, state],
        Layout::Small => vec![at, service, version, state],
        _ => {
            let mut columns = vec![
                at,
                service,
                left("environment", share(8, 1), 2),
                version,
                state,
                left("who", share(6, 1), 3),
            ];
            columns.extend(counted.then(|| right("commits", 7, 4)));
            columns.extend([
                right("took", 7, 4),
                left("commit", Width::Exactly(8), 6),
                left("about", share(10, 2), 5),
            ]);
            columns
        }
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}
