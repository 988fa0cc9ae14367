//! Two more views of the post-mortems: every action across all of them, and each quarter in numbers.

use std::sync::Arc;

use super::build::{breadth, card, cell, left, list, pair, plain_table, right, row_key, share};
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Prose, Rank, RowKey, Scene, Tone,
    Width, post_mortems, words,
};
use crate::insight::follow_up::{
    Quarter, Tally, Task, Today, anniversaries, quarters, tally, tasks,
};
use crate::insight::standing::Issues;
use crate::model::{ActionState, Clean, Link, PostMortem};

const ACTION: &str = "action";
const QUARTER: &str = "quarter";

fn today(scene: &Scene<'_>) -> jiff::civil::Date {
    scene.zone.to_datetime(scene.now).date()
}

/// Issues by their names.
pub fn issues(scene: &Scene<'_>) -> Arc<Issues> {
    scene.memo.issues.get(scene, (), || Issues::of(scene.board))
}

/// What actions are looked at with.
pub fn on<'a>(scene: &Scene<'a>, issues: &'a Issues) -> Today<'a> {
    Today { board: scene.board, issues, review: &scene.team.review, day: today(scene) }
}

/// Every action of every document, open ones first and the oldest of these on top.
pub fn all<'a>(scene: &Scene<'a>, issues: &'a Issues) -> Vec<Task<'a>> {
    tasks(on(scene, issues))
}

fn task_key(task: &Task<'_>) -> RowKey {
    let of = row_key(post_mortems::KIND, &task.post_mortem.key);
    format!("{ACTION}\0{}\0{of}", task.at).into()
}

/// The key of the document an action's row belongs to.
pub fn paper_of(key: &str) -> Option<RowKey> {
    let mut parts = key.splitn(3, '\0');
    (parts.next()? == ACTION).then_some(())?;
    parts.nth(1).map(RowKey::from)
}

fn task<'a>(scene: &Scene<'a>, issues: &'a Issues, key: &RowKey) -> Option<Task<'a>> {
    let p = post_mortems::find(scene, &paper_of(key)?)?;
    on(scene, issues).task(p, key.split('\0').nth(1)?.parse().ok()?)
}

pub fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    let issues = issues(scene);
    let task = task(scene, &issues, key)?;
    task.action.link.clone().or_else(|| task.post_mortem.url.clone())
}

pub fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    if let Some(quarter) = key.strip_prefix(QUARTER) {
        return Some(Clean::line(quarter.trim_start_matches('\0')));
    }
    let issues = issues(scene);
    let task = task(scene, &issues, key)?;
    Some(task.action.reference.clone().unwrap_or_else(|| task.action.text.clone()))
}

/// `open`, `late`, `done`, `dropped`.
fn state(task: &Task<'_>) -> (&'static str, Tone) {
    match task.standing.state {
        ActionState::Open if task.standing.conflict => ("open ≠", Tone::Degraded),
        ActionState::Open if task.overdue => ("late", Tone::Degraded),
        ActionState::Open => ("open", Tone::Plain),
        ActionState::Done => ("done", Tone::Ok),
        ActionState::Dropped => ("dropped", Tone::Dim),
    }
}

/// The day it is due, whether that is past, and whether it is the team's agreement rather than its own day.
pub fn due_cell(task: &Task<'_>) -> Cell {
    let Some(due) = task.due else { return cell("·", Tone::Dim) };
    let agreed = if task.action.due.is_none() { " agreed" } else { "" };
    let tone = if task.overdue { Tone::Degraded } else { Tone::Plain };
    let late = if task.overdue && agreed.is_empty() { " late" } else { agreed };
    cell(Clean::line(format_args!("{due}{late}")), tone)
}

pub fn owner_cell(task: &Task<'_>) -> Cell {
    match task.owner() {
        Some(owner) => cell(owner, Tone::OnCall),
        None if task.is_open() => cell("nobody", Tone::Degraded),
        None => cell("·", Tone::Dim),
    }
}

fn service_of(scene: &Scene<'_>, task: &Task<'_>) -> Clean {
    post_mortems::about(scene, task.post_mortem)
}

pub fn action_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let entry = |(at, task): (usize, &Task<'_>)| {
        let service = service_of(scene, task);
        let owner = task.owner();
        Entry {
            key: task_key(task),
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(task.action.text.clone()),
                if service.is_empty() { Rank::None } else { Rank::Text(service.clone()) },
                task.post_mortem.level().map_or(Rank::None, |s| Rank::Number(f64::from(s.0))),
                Rank::None,
                Rank::None,
                task.due.map_or(Rank::None, |d| Rank::Number(days(d))),
            ],
            problem: task.overdue || task.is_unowned() || task.standing.conflict,
            words: vec![
                ("state", state(task).0.into()),
                ("action", task.action.text.clone()),
                ("owner", owner.unwrap_or_else(|| "nobody".into())),
                ("service", service),
                ("title", task.post_mortem.title.clone()),
                ("issue", task.action.reference.clone().unwrap_or_default()),
            ],
        }
    };
    all(scene, &issues(scene)).iter().enumerate().map(entry).collect()
}

/// A day as a number that orders days.
fn days(date: jiff::civil::Date) -> f64 {
    f64::from(date.year()) * 400.0 + f64::from(date.day_of_year())
}

pub fn actions(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let layout = breadth(&scene.frame);
    let mut blocks = Vec::new();
    let issues = issues(scene);
    let counted = *scene.memo.tally.get(scene, today(scene), || tally(&all(scene, &issues)));
    let above = u16::from(counted.all > 0 && scene.frame.layout >= Layout::Small);
    if above > 0 {
        let prose = Prose { lines: vec![tally_line(counted)], first: 0, total: 1 };
        blocks.push(Block::main("", Noun::Prose(prose)).exactly(1));
    }
    let row = |key: &RowKey| task(scene, &issues, key).map(|task| action_cells(layout, &task));
    let empty = || {
        let known = scene.board.post_mortems.present().next().is_some();
        if !known {
            return post_mortems::empty(scene);
        }
        let words = "An action is a `- [ ]` line, or a bullet or a table row under a heading such as `Action items`.";
        Empty {
            title: "No post-mortem here names an action".into(),
            advice: vec![Line::of(words, Tone::Dim)],
        }
    };
    blocks.push(Block::main(
        "",
        Noun::Table(list(scene, look, above, action_columns(layout), empty, row)),
    ));
    blocks
}

/// `7 of 19 actions open · 3 late · 2 without an owner · the oldest 82 days`.
pub fn tally_line(tally: Tally) -> Line {
    let of = if tally.all == 1 { "action" } else { "actions" };
    let mut line =
        Line::plain(Clean::line(format_args!("{} of {} {of} open", tally.open, tally.all)));
    if tally.overdue > 0 {
        let words = Clean::line(format_args!("{} late", tally.overdue));
        line = line.dot().and(words, Tone::Degraded);
    }
    if tally.unowned > 0 {
        let words = Clean::line(format_args!("{} without an owner", tally.unowned));
        line = line.dot().and(words, Tone::Degraded);
    }
    if tally.conflicts > 0 {
        let words = Clean::line(format_args!("{} done only in the text", tally.conflicts));
        line = line.dot().and(words, Tone::Degraded);
    }
    if let Some(days) = tally.oldest.filter(|_| tally.open > 0) {
        let words = Clean::line(format_args!("the oldest open for {days} d"));
        line = line.dot().and(words, Tone::Dim);
    }
    line
}

fn action_columns(layout: Layout) -> Vec<Column> {
    let action = left("action", share(16, 5), 0);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![left("state", Width::Exactly(6), 1), action],
        Layout::Small => {
            vec![left("state", Width::Exactly(8), 1), action, left("owner", share(6, 1), 0)]
        }
        Layout::Normal | Layout::Wide | Layout::Huge => vec![
            left("state", Width::Exactly(8), 0),
            left("due", Width::Exactly(17), 0),
            action,
            left("owner", share(8, 1), 0),
            left("issue", share(8, 1), 2),
            right("age", 7, 1),
            left("title", share(14, 3), 1),
        ],
    }
}

fn action_cells(layout: Layout, task: &Task<'_>) -> Vec<Cell> {
    let (word, tone) = state(task);
    let word = cell(word, tone);
    let text = if task.is_open() { Tone::Plain } else { Tone::Dim };
    let action = cell(words::shown(&task.action.text), text);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![word, action],
        Layout::Small => vec![word, action, owner_cell(task)],
        Layout::Normal | Layout::Wide | Layout::Huge => {
            let age = task.age.map_or_else(|| "·".into(), |d| Clean::line(format_args!("{d} d")));
            vec![
                word,
                due_cell(task),
                action,
                owner_cell(task),
                cell(task.action.reference.clone().unwrap_or_default(), Tone::Link),
                cell(age, Tone::Dim),
                cell(post_mortems::short_title(task.post_mortem), Tone::Dim),
            ]
        }
    }
}

/// One action opened: what is known of it, and the document it stands in from its line on.
pub fn action(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Block>> {
    let issues = issues(scene);
    let task = task(scene, &issues, key)?;
    let p = task.post_mortem;
    let mut pairs = Vec::new();
    let (word, tone) = state(&task);
    pairs.push((Clean::from("state"), Line::of(word, tone)));
    let owner = task.owner();
    let tone = if owner.is_some() || !task.is_open() { Tone::OnCall } else { Tone::Degraded };
    pair(&mut pairs, "owner", &owner.unwrap_or_else(|| "nobody".into()), tone);
    if let (Some(due), Cell::Line(line)) = (task.due, due_cell(&task)) {
        let line = if task.action.due.is_none() {
            let slo = scene.team.review.action_slo.as_hours() / 24;
            let words = format!("{due}, {slo} d after its document, as agreed");
            Line::of(words, if task.overdue { Tone::Degraded } else { Tone::Plain })
        } else {
            line
        };
        pairs.push((Clean::from("due"), line));
    }
    if let Some(days) = task.age {
        pair(&mut pairs, "age", &Clean::line(format_args!("{days} d")), Tone::Plain);
    }
    if let Some(reference) = &task.action.reference {
        pair(&mut pairs, "issue", reference, Tone::Link);
    }
    if let (Some(record), Some(words)) = (task.standing.ticket, task.standing.words()) {
        let tone = if task.standing.conflict { Tone::Degraded } else { Tone::Plain };
        let mut line = Line::of(words, tone);
        if let Some(closed) = record.what.closed.filter(|_| !task.standing.stale) {
            line = line.dot().and(words::both(closed, scene.now, scene.zone), Tone::Dim);
        }
        pairs.push((Clean::from("there"), line.dot().and(record.what.title.clone(), Tone::Dim)));
    }
    if let Some(url) = &task.action.link {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    pair(&mut pairs, "of", &words::shown(&p.title), Tone::Plain);
    let place = Clean::line(format_args!("{}:{}", p.path, task.action.line + 1));
    pair(&mut pairs, "file", &place, Tone::Dim);
    let near = p.text.as_str().lines().skip(task.action.line.saturating_sub(2)).take(8);
    let near = near.collect::<Vec<_>>().join("\n");
    let width = usize::from(scene.frame.main_width().saturating_sub(4)).min(100);
    let lines = super::markdown::lines(&Clean::body(&near, 1 << 16), width);
    let total = lines.len();
    let rows = u16::try_from(total).unwrap_or(u16::MAX);
    let prose = Prose { lines, first: 0, total };
    Some(vec![
        card(words::shown(&task.action.text), pairs),
        Block::main("where it stands", Noun::Prose(prose)).exactly(rows),
    ])
}

fn quarter_name(q: &Quarter) -> String {
    format!("{} Q{}", q.year, q.quarter)
}

fn every_quarter(scene: &Scene<'_>) -> Vec<Quarter> {
    quarters(on(scene, &issues(scene)), scene.zone)
}

pub fn quarter_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let length = |span: Option<jiff::SignedDuration>| {
        span.map_or(Rank::None, |s| Rank::Number(s.as_secs_f64()))
    };
    let entry = |(at, q): (usize, &Quarter)| Entry {
        key: format!("{QUARTER}\0{}", quarter_name(q)).into(),
        ranks: vec![
            Rank::Number(at as f64),
            Rank::Text(quarter_name(q).into()),
            Rank::None,
            Rank::None,
            length(q.median),
            Rank::None,
            Rank::Number(q.open as f64),
        ],
        problem: q.open > 0,
        words: vec![("quarter", quarter_name(q).into())],
    };
    every_quarter(scene).iter().enumerate().map(entry).collect()
}

pub fn trends(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let all = every_quarter(scene);
    let most = all.iter().map(|q| q.count).max().unwrap_or(0).max(1);
    let wide = breadth(&scene.frame) >= Layout::Normal;
    let row = |key: &RowKey| {
        let q = all.iter().find(|q| key.ends_with(quarter_name(q).as_str()))?;
        Some(quarter_cells(q, most, wide))
    };
    let mut columns = vec![
        left("quarter", Width::Exactly(9), 0),
        right("documents", 9, 0),
        right("median", 10, 0),
        right("longest", 10, 0),
    ];
    if wide {
        columns.insert(2, left("", Width::Exactly(22), 1));
        columns.push(right("timed", 9, 1));
        columns.push(right("actions open", 14, 1));
    }
    let table = list(scene, look, 0, columns, || post_mortems::empty(scene), row);
    vec![Block::main("", Noun::Table(table))]
}

/// One quarter opened: its documents, the newest first.
pub fn quarter(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Block>> {
    let name = key.strip_prefix(QUARTER)?.trim_start_matches('\0');
    let q = every_quarter(scene).into_iter().find(|q| quarter_name(q) == name)?;
    let inside = |p: &&PostMortem| {
        let date = p.date();
        date.is_some_and(|d| d.year() == q.year && (d.month() - 1) / 3 + 1 == q.quarter)
    };
    let mut papers: Vec<&PostMortem> = post_mortems::all(scene).filter(inside).collect();
    papers.sort_by_key(|p| std::cmp::Reverse(p.date()));
    let length = |p: &PostMortem| post_mortems::lasted(scene, p).map(|l| words_of(l.span));
    let row = |p: &&PostMortem| {
        vec![
            cell(p.date().map_or_else(Clean::default, Clean::line), Tone::Dim),
            cell(words::shown(&p.title), Tone::Plain),
            cell(post_mortems::about(scene, p), Tone::Plain),
            cell(length(p).unwrap_or_else(|| "·".into()), Tone::Plain),
        ]
    };
    let columns = vec![
        left("date", Width::Exactly(12), 0),
        left("title", share(16, 4), 0),
        left("service", share(8, 1), 1),
        right("lasted", 10, 0),
    ];
    let rows: Vec<Vec<Cell>> = papers.iter().map(row).collect();
    let title = match rows.len() {
        0 => format!("{name}: nothing was written"),
        n => format!("{name}: {}", words::counted(n, "post-mortem", "post-mortems")),
    };
    let rows_wanted = u16::try_from(rows.len() + 1).unwrap_or(u16::MAX);
    Some(vec![Block::main(title, Noun::Table(plain_table(columns, rows))).exactly(rows_wanted)])
}

fn words_of(span: jiff::SignedDuration) -> Clean {
    Clean::line(crate::insight::words::span(span))
}

fn quarter_cells(q: &Quarter, most: usize, wide: bool) -> Vec<Cell> {
    let length = |span: Option<jiff::SignedDuration>| match span {
        Some(span) => cell(words_of(span), Tone::Plain),
        None => cell(crate::insight::words::NO_DATA, Tone::Dim),
    };
    let tone = if q.count == 0 { Tone::Dim } else { Tone::Plain };
    let mut cells = vec![
        cell(quarter_name(q), Tone::Strong),
        cell(Clean::line(q.count), tone),
        length(q.median),
        length(q.longest),
    ];
    if wide {
        // A bar as long as the busiest quarter's is twenty.
        let bar = "▪".repeat((q.count * 20).div_ceil(most).min(20));
        cells.insert(2, cell(Clean::line(bar), Tone::Accent));
        cells.push(cell(Clean::line(format_args!("{} of {}", q.timed, q.count)), Tone::Dim));
        let open = if q.open > 0 { Tone::Degraded } else { Tone::Dim };
        let words = match q.actions {
            0 => "—".to_owned(),
            n => format!("{} of {n}", q.open),
        };
        cells.push(cell(words, open));
    }
    cells
}

/// What stands over the list: the open actions, and what happened on this day in other years.
pub fn above(scene: &Scene<'_>) -> Vec<Line> {
    scene.memo.above.get(scene, today(scene), || made_above(scene)).to_vec()
}

fn made_above(scene: &Scene<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let counted = tally(&all(scene, &issues(scene)));
    if counted.all > 0 {
        lines.push(tally_line(counted));
    }
    let remembered = anniversaries(scene.board, today(scene));
    if let Some((years, p)) = remembered.first() {
        lines.push(remembered_line(*years, p, remembered.len() - 1));
    }
    lines
}

/// `a year ago today: Sale day`.
fn remembered_line(years: i16, p: &PostMortem, more: usize) -> Line {
    let words = match years {
        1 => "a year ago today:".to_owned(),
        n => format!("{n} years ago today:"),
    };
    let line = Line::of(words, Tone::Accent).space().and(post_mortems::short_title(p), Tone::Plain);
    match more {
        0 => line,
        n => line.dot().and(Clean::line(format_args!("and {n} more")), Tone::Dim),
    }
}
