//! The deploy log: what was brought where, by whom, with what outcome.

use super::empty;
use super::made::{DEPLOY, Made, RELEASE};
use crate::model::{Outcome, Record, Release};
use crate::page::build::{breadth, cell, left, list, of_repo, row_key, share};
use crate::page::service::when;
use crate::page::{Block, Column, Entry, Layout, Look, Noun, Rank, RowKey, Scene, Tone, Width};

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
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
        let (state, _) = m.state();
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
                ("about", m.about()),
            ],
        }
    };
    made.into_iter().enumerate().map(entry).collect()
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let layout = breadth(&scene.frame);
    let row = |key: &RowKey| {
        let made = Made::find(scene, key)?;
        let (state, tone) = made.state();
        let service = cell(of_repo(scene, made.repo()), Tone::Plain);
        let version = cell(made.version(), Tone::Plain);
        let state = cell(state, tone);
        let at = when(scene, made.at());
        Some(match layout {
            Layout::OneLine | Layout::Tiny => vec![at, service, state],
            Layout::Small => vec![at, service, version, state],
            _ => vec![
                at,
                service,
                cell(made.place(), Tone::Dim),
                version,
                state,
                cell(made.who().clone(), Tone::Dim),
                cell(made.about(), Tone::Dim),
            ],
        })
    };
    let at = left("when", Width::Exactly(16), 0);
    let service = left("service", share(8, 1), 0);
    let version = left("version", share(8, 1), 1);
    let state = left("state", Width::Exactly(11), 0);
    let columns: Vec<Column> = match layout {
        Layout::OneLine | Layout::Tiny => vec![at, service, state],
        Layout::Small => vec![at, service, version, state],
        _ => vec![
            at,
            service,
            left("environment", share(8, 1), 2),
            version,
            state,
            left("who", share(6, 1), 3),
            left("about", share(10, 2), 4),
        ],
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}
