//! What was learnt before, where it is needed: post-mortems like the trouble on this page, and what they left undone.

use std::sync::Arc;

use super::build::{cell, left, share, side_table};
use super::follow::{due_cell, owner_cell};
use super::{Block, Cell, Line, Scene, Tone, Width, follow, post_mortems};
use crate::insight::follow_up::Task;
use crate::insight::{Like, Trouble, alike};
use crate::model::{Clean, PostMortem};

/// Documents shown at most, and their actions.
const MOST: usize = 5;
const ACTIONS: usize = 6;

/// Documents that are like it, best first, and the open actions of these.
pub fn blocks(scene: &Scene<'_>, trouble: &Trouble) -> Vec<Block> {
    let found = like(scene, trouble);
    let papers: Vec<(&Like, &PostMortem)> = found
        .iter()
        .filter_map(|like| Some((like, &scene.board.post_mortems.get(&like.key)?.what)))
        .collect();
    if papers.is_empty() {
        return Vec::new();
    }
    let row = |(like, p): &(&Like, &PostMortem)| -> Vec<Cell> {
        let date = p.date().map_or_else(|| "·".into(), Clean::line);
        let open = match like.open {
            0 => Line::new(),
            n => Line::of(Clean::line(format_args!("{n} open")), Tone::Degraded),
        };
        vec![
            cell(date, Tone::Dim),
            cell(post_mortems::short_title(p), Tone::Plain),
            cell(like.words(), Tone::Dim),
            Cell::Line(open),
        ]
    };
    let rows: Vec<Vec<Cell>> = papers.iter().map(row).collect();
    let columns = vec![
        left("date", Width::Exactly(11), 1),
        left("learnt before", share(14, 3), 0),
        left("what it has in common", share(12, 2), 2),
        left("", Width::Exactly(8), 0),
    ];
    let mut blocks = vec![side_table("post-mortems like this", columns, rows, MOST)];
    blocks.extend(undone(scene, papers.iter().map(|(_, p)| *p)));
    blocks
}

fn like(scene: &Scene<'_>, trouble: &Trouble) -> Arc<Vec<Like>> {
    scene.memo.alike.get(scene, trouble.clone(), || {
        alike(follow::on(scene, &follow::issues(scene)), scene.team, trouble, MOST)
    })
}

/// What these documents asked for and nobody did yet, late ones first.
fn undone<'a>(scene: &Scene<'_>, papers: impl Iterator<Item = &'a PostMortem>) -> Option<Block> {
    let issues = follow::issues(scene);
    let on = follow::on(scene, &issues);
    let mut tasks: Vec<Task<'_>> = papers.flat_map(|p| on.of(p)).filter(Task::is_open).collect();
    tasks.sort_by_key(|task| !task.overdue);
    let row = |task: &Task<'_>| {
        vec![due_cell(task), cell(task.action.text.clone(), Tone::Plain), owner_cell(task)]
    };
    let rows: Vec<Vec<Cell>> = tasks.iter().take(ACTIONS).map(row).collect();
    let columns = vec![
        left("due", Width::Exactly(17), 0),
        left("asked for, still open", share(16, 4), 0),
        left("owner", share(8, 1), 1),
    ];
    let title = match tasks.len() {
        n if n > ACTIONS => format!("left undone · {ACTIONS} of {n}"),
        _ => "left undone".to_owned(),
    };
    (!rows.is_empty()).then(|| side_table(title, columns, rows, ACTIONS))
}
