//! The machines that build, test and deploy: each pipeline's last runs, and what waits for somebody to say yes.

use super::empty;
use crate::insight::{Pipeline, pipelines, run_moment, waiting};
use crate::model::{Approval, Clean, Link, Outcome, Service};
use crate::page::build::{breadth, cell, left, list, pair, right, row_key, share};
use crate::page::service::when;
use crate::page::{
    Block, Card, Cell, Column, Entry, Layout, Line, Look, Noun, Rank, RowKey, Scene, Tone, Width,
    words,
};

pub const PIPELINE: &str = "pipeline";
pub const APPROVAL: &str = "approval";
/// Runs shown one by one.
const SHOWN: usize = 10;

/// Rows: what waits comes first, then pipelines by service.
fn rows<'a>(scene: &Scene<'a>) -> Vec<(RowKey, Row<'a>)> {
    let mut waits = Vec::new();
    let mut runs = Vec::new();
    for service in &scene.team.services {
        for approval in waiting(scene.board, service) {
            waits.push((row_key(APPROVAL, &approval.key), Row::Waits(service, approval)));
        }
        for pipeline in pipelines(scene.board, service) {
            let key = format!("{PIPELINE}\0{}\0{}", service.name, pipeline.workflow).into();
            runs.push((key, Row::Runs(service, pipeline)));
        }
    }
    waits.extend(runs);
    waits
}

enum Row<'a> {
    Waits(&'a Service, &'a Approval),
    Runs(&'a Service, Pipeline<'a>),
}

impl Row<'_> {
    fn service(&self) -> &Service {
        match self {
            Self::Waits(service, _) | Self::Runs(service, _) => service,
        }
    }

    fn name(&self) -> Clean {
        match self {
            Self::Waits(_, a) => Clean::line(format_args!("{} to {}", a.run, a.environment)),
            Self::Runs(_, p) => words::shown(&p.workflow),
        }
    }

    fn state(&self) -> (Clean, Tone) {
        match self {
            Self::Waits(..) => ("waits for approval".into(), Tone::Accent),
            Self::Runs(_, p) => p.runs.first().map_or((words::NO_DATA.into(), Tone::Dim), |run| {
                let tone = crate::page::service::outcome_tone(&run.outcome);
                (Clean::line(run.outcome.word()), tone)
            }),
        }
    }

    fn url(&self) -> Option<Link> {
        match self {
            Self::Waits(_, a) => a.url.clone(),
            Self::Runs(_, p) => p.runs.first().and_then(|r| r.url.clone()),
        }
    }
}

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let entry = |(at, (key, row)): (usize, (RowKey, Row<'_>))| {
        let service = row.service().name.clean().clone();
        let (state, tone) = row.state();
        Entry {
            key,
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.clone()),
                Rank::Text(state.clone()),
                Rank::None,
            ],
            problem: tone == Tone::Down || matches!(row, Row::Waits(..)),
            words: vec![("service", service), ("pipeline", row.name()), ("state", state)],
        }
    };
    rows(scene).into_iter().enumerate().map(entry).collect()
}

/// The last runs as marks, oldest first, so that time goes to the right as everywhere.
fn marks(pipeline: &Pipeline<'_>) -> Line {
    let last: Vec<&Outcome> = pipeline.runs.iter().take(SHOWN).map(|r| &r.outcome).collect();
    last.into_iter().rev().fold(Line::new(), |line, outcome| {
        let mark = match outcome {
            Outcome::Succeeded => "✓",
            Outcome::Failed => "✖",
            Outcome::Running => "▸",
            Outcome::Waiting => "…",
            Outcome::Cancelled => "·",
            Outcome::Other(_) => "?",
        };
        line.and(mark, crate::page::service::outcome_tone(outcome))
    })
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let layout = breadth(&scene.frame);
    let all = rows(scene);
    let columns: Vec<Column> = vec![
        left("service", share(8, 1), 0),
        left("pipeline", share(12, 2), 0),
        left("state", Width::Exactly(18), 0),
        left("last runs", Width::Exactly(SHOWN as u16), 2),
        right("succeeded", 9, 1),
        right("takes", 8, 3),
        left("who", share(6, 1), 5),
        right("when", 16, 4),
    ];
    let narrow = layout <= Layout::Tiny;
    let row = |key: &RowKey| {
        let (_, row) = all.iter().find(|(k, _)| k == key)?;
        let (state, tone) = row.state();
        let mut cells = vec![
            cell(row.service().name.clean().clone(), Tone::Plain),
            cell(row.name(), Tone::Plain),
            cell(state, tone),
        ];
        if narrow {
            return Some(cells);
        }
        cells.extend(match row {
            Row::Waits(_, a) => {
                let who: Vec<&str> = a.approvers.iter().map(Clean::as_str).collect();
                let who = match (a.yours, who.is_empty()) {
                    (Some(true), _) => "you may".into(),
                    (_, true) => words::NO_DATA.into(),
                    _ => Clean::line(who.join(", ")),
                };
                vec![
                    Cell::Blank,
                    Cell::Blank,
                    Cell::Blank,
                    cell(who, Tone::OnCall),
                    when(scene, a.since),
                ]
            }
            Row::Runs(_, p) => {
                let (good, of) = p.successes;
                let tone = if of > 0 && good < of { Tone::Plain } else { Tone::Dim };
                let takes = p.usual.map_or_else(|| words::NO_DATA.to_owned(), words::span);
                let newest = p.runs.first();
                let who = newest.map(|r| r.who.clone()).unwrap_or_default();
                vec![
                    Cell::Line(marks(p)),
                    cell(of_some(good, of), tone),
                    cell(Clean::line(takes), Tone::Dim),
                    cell(who, Tone::Dim),
                    when(scene, newest.and_then(|r| run_moment(r))),
                ]
            }
        });
        Some(cells)
    };
    let columns = if narrow { columns.into_iter().take(3).collect() } else { columns };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}

fn of_some(good: usize, of: usize) -> Clean {
    if of == 0 { words::NO_DATA.into() } else { Clean::line(format_args!("{good}/{of}")) }
}

pub fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    rows(scene).into_iter().find(|(k, _)| k == key)?.1.url()
}

pub fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    Some(rows(scene).into_iter().find(|(k, _)| k == key)?.1.name())
}

/// One pipeline, run by run; or one deploy that waits.
pub fn detail(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Block>> {
    let all = rows(scene);
    let (_, row) = all.iter().find(|(k, _)| k == key)?;
    let mut pairs = Vec::new();
    let (state, tone) = row.state();
    pair(&mut pairs, "service", row.service().name.clean(), Tone::Plain);
    pair(&mut pairs, "state", &state, tone);
    match row {
        Row::Waits(_, a) => {
            pair(&mut pairs, "environment", &a.environment, Tone::Plain);
            pair(&mut pairs, "version", &a.version, Tone::Release);
            pair(&mut pairs, "started by", &a.who, Tone::OnCall);
            let who: Vec<&str> = a.approvers.iter().map(Clean::as_str).collect();
            pair(&mut pairs, "may approve", &Clean::line(who.join(", ")), Tone::OnCall);
            for (label, at) in [("since", a.since), ("goes on by itself", a.not_before)] {
                if let Some(at) = at {
                    let words = words::both(at, scene.now, scene.zone);
                    pair(&mut pairs, label, &words, Tone::Plain);
                }
            }
            if let Some(url) = &a.url {
                pair(&mut pairs, "link", url.clean(), Tone::Link);
            }
            Some(vec![Block::main(row.name(), Noun::Card(Card { pairs }))])
        }
        Row::Runs(_, p) => {
            let (good, of) = p.successes;
            let words = Clean::line(format_args!("{} of the last that ended", of_some(good, of)));
            pair(&mut pairs, "succeeded", &words, Tone::Plain);
            if let Some(usual) = p.usual {
                pair(&mut pairs, "takes", &words::span(usual).into(), Tone::Plain);
            }
            let rows: Vec<Vec<Cell>> = p
                .runs
                .iter()
                .take(40)
                .map(|run| {
                    let tone = crate::page::service::outcome_tone(&run.outcome);
                    let took = run.started.zip(run.updated).map(|(a, b)| b.duration_since(a));
                    let took =
                        took.filter(|t| !t.is_negative()).map_or_else(String::new, words::span);
                    vec![
                        when(scene, run_moment(run)),
                        cell(Clean::line(run.outcome.word()), tone),
                        cell(run.title.clone(), Tone::Plain),
                        cell(run.branch.clone(), Tone::Dim),
                        cell(Clean::line(took), Tone::Dim),
                        cell(run.who.clone(), Tone::Dim),
                    ]
                })
                .collect();
            let columns = vec![
                left("when", Width::Exactly(16), 0),
                left("state", Width::Exactly(10), 0),
                left("run", share(12, 3), 0),
                left("branch", share(8, 1), 2),
                right("took", 8, 1),
                left("who", share(6, 1), 3),
            ];
            let wanted = u16::try_from(pairs.len()).unwrap_or(u16::MAX);
            let table = crate::page::build::plain_table(columns, rows);
            Some(vec![
                Block::main(row.name(), Noun::Card(Card { pairs })).exactly(wanted),
                Block::main("runs", Noun::Table(table)),
            ])
        }
    }
}
