//! The rhythm of each service: when the next release is due, how late releases are, and how even the gaps between them.

use std::sync::Arc;

use super::empty;
use crate::insight::{Beats, Rhythm};
use crate::model::{Clean, Service};
use crate::page::build::{breadth, card, cell, left, list, name_key, plain_table, right, share};
use crate::page::{
    Block, Cell, Entry, Layout, Line, Look, Noun, Rank, RowKey, Scene, Tone, Width, words,
};

pub const RHYTHM: &str = "rhythm";
/// The row of everybody together: no service has no name.
const EVERYBODY: &str = "everybody";

/// The rhythms of all services in the team's order, and last that of the team.
pub fn rhythms(scene: &Scene<'_>) -> Arc<Vec<Rhythm>> {
    scene.memo.rhythms.get(scene, (), || {
        let beats = Beats::new(scene.board, scene.team, scene.now);
        let services = scene.team.services.iter().map(|s| beats.of(s));
        services.chain([beats.team()]).collect()
    })
}

/// Rows with the place of their rhythm: the team as a whole, then its services.
fn rows<'a>(scene: &Scene<'a>) -> impl Iterator<Item = (usize, Option<&'a Service>)> + use<'a> {
    let services = scene.team.services.iter().enumerate().filter(|(_, s)| !s.repo.is_empty());
    let whole = (scene.team.services.len(), None);
    std::iter::once(whole).chain(services.map(|(at, s)| (at, Some(s))))
}

fn name_in_row(service: Option<&Service>) -> Clean {
    service.map_or_else(|| EVERYBODY.into(), |s| s.name.clean().clone())
}

fn row_of(service: Option<&Service>) -> RowKey {
    name_key(RHYTHM, &service.map(|s| s.name.clone()).unwrap_or_default())
}

pub fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let all = rhythms(scene);
    let entry = |(n, (at, service)): (usize, (usize, Option<&Service>))| {
        let label = all.get(at).map_or("", label);
        Entry {
            key: row_of(service),
            ranks: vec![
                Rank::Number(n as f64),
                Rank::Text(name_in_row(service)),
                Rank::Text(label.into()),
                Rank::None,
            ],
            problem: false,
            words: vec![("service", name_in_row(service)), ("rhythm", label.into())],
        }
    };
    // Without a service with a repository there is nobody whose rhythm could be told.
    let found: Vec<Entry> = rows(scene).enumerate().map(entry).collect();
    if found.len() > 1 { found } else { Vec::new() }
}

/// The rhythm of a row, and the service it is of.
fn of<'a>(scene: &Scene<'a>, key: &RowKey) -> Option<(Rhythm, Option<&'a Service>)> {
    let all = rhythms(scene);
    let (at, service) = rows(scene).find(|(_, service)| row_of(*service) == *key)?;
    Some((all.get(at)?.clone(), service))
}

pub fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    of(scene, key).map(|(_, service)| name_in_row(service))
}

/// What came of each plan, newest first.
pub fn detail(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Block>> {
    let (rhythm, service) = of(scene, key)?;
    let pairs = vec![
        ("rhythm".into(), evenness(&rhythm, Said::Whole)),
        ("median slip".into(), slip(&rhythm, service.is_some(), Said::Whole)),
        ("median deploy days".into(), deploy_days(&rhythm, Said::Whole)),
    ];
    let rows: Vec<Vec<Cell>> = rhythm
        .slips
        .iter()
        .rev()
        .map(|slip| {
            let actual = slip.actual.map(|d| Clean::line(words::day(d)));
            let days = match slip.days() {
                None => cell("not made", Tone::Degraded),
                Some(0) => cell("on the day", Tone::Dim),
                Some(n) if n > 0 => cell(Clean::line(format_args!("{n} d late")), Tone::Degraded),
                Some(n) => cell(Clean::line(format_args!("{} d early", -n)), Tone::Plain),
            };
            vec![
                cell(Clean::line(words::day(slip.planned)), Tone::Plain),
                cell(actual.unwrap_or_else(|| words::NO_DATA.into()), Tone::Dim),
                days,
            ]
        })
        .collect();
    let columns = vec![
        left("planned", share(20, 2), 0),
        left("made", share(20, 2), 1),
        left("slip", Width::Exactly(12), 0),
    ];
    let mut blocks = vec![card(name_in_row(service), pairs)];
    if !rows.is_empty() {
        blocks.push(Block::main("plans", Noun::Table(plain_table(columns, rows))));
    }
    Some(blocks)
}

fn label(rhythm: &Rhythm) -> &'static str {
    rhythm.regularity.map_or(words::NO_DATA, |r| r.label())
}

pub fn compose(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    // `irregular · CV 0.79 · n 13`, whole where there is room for it and for all others.
    let steady = if breadth(&scene.frame) < Layout::Normal { 16 } else { 26 };
    let columns = vec![
        left("service", share(8, 3), 0),
        right("last", 13, 0),
        right("usual", 9, 2),
        right("next", 12, 1),
        left("median slip", share(16, 1), 3),
        left("rhythm", share(steady, 1), 0),
        left("median deploy days", share(18, 1), 4),
    ];
    let narrow = breadth(&scene.frame) <= Layout::Tiny;
    let said = if scene.frame.main_width() < 140 { Said::Short } else { Said::Whole };
    let row = |key: &RowKey| {
        let (rhythm, service) = of(scene, key)?;
        let tone = if service.is_some() { Tone::Plain } else { Tone::Strong };
        let last =
            rhythm.last.map_or_else(|| words::NO_DATA.to_owned(), |at| words::ago(at, scene.now));
        let mut cells =
            vec![cell(name_in_row(service), tone), cell(Clean::line(last), Tone::Plain)];
        let usual = rhythm.usual.map_or_else(|| words::NO_DATA.to_owned(), words::span);
        let next = rhythm.next.map_or_else(
            || words::NO_DATA.to_owned(),
            |at| format!("in {}", words::span(at.duration_since(scene.now))),
        );
        cells.extend([
            cell(Clean::line(usual), Tone::Dim),
            cell(Clean::line(next), Tone::Release),
            Cell::Line(slip(&rhythm, service.is_some(), said)),
            Cell::Line(evenness(&rhythm, said)),
            Cell::Line(deploy_days(&rhythm, said)),
        ]);
        Some(cells)
    };
    let mut table = list(scene, look, above, columns, || empty(scene), row);
    if narrow {
        for row in &mut table.rows {
            let keep = [0, 1, 5];
            let cells = std::mem::take(&mut row.cells);
            row.cells = cells
                .into_iter()
                .enumerate()
                .filter(|(i, _)| keep.contains(i))
                .map(|(_, c)| c)
                .collect();
        }
        let columns = std::mem::take(&mut table.columns);
        let titles = ["service", "last", "rhythm"];
        table.columns =
            columns.into_iter().filter(|c| titles.contains(&c.title.as_str())).collect();
        if let Some(last) = table.columns.last_mut() {
            last.width = Width::Share { min: 14, weight: 2 };
        }
    }
    Block::main("", Noun::Table(table))
}

/// How a number says of how many it is: `13 gaps`, or `n 13` where it is narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Short,
    Whole,
}

impl Said {
    fn of(self, n: usize, one: &str, many: &str) -> Clean {
        match self {
            Self::Short => Clean::line(format_args!("n {n}")),
            Self::Whole => words::counted(n, one, many).into(),
        }
    }
}

/// `2 d late · 6 plans`, `on the day · 4 plans`: the median of them. A service is held to its own plans, and not to those for
/// everybody, which anybody keeps.
pub fn slip(rhythm: &Rhythm, service: bool, said: Said) -> Line {
    let missed = rhythm.slips.iter().filter(|s| s.actual.is_none()).count();
    let all = rhythm.slips.len();
    let line = match rhythm.slip() {
        None if all == 0 => {
            let words = match rhythm.next {
                None => "no plan",
                Some(_) if service => "no plan of its own",
                Some(_) => "none due yet",
            };
            return Line::of(words, Tone::Dim);
        }
        None => Line::new(),
        Some((days, n)) => {
            let (words, tone) = match days {
                d if d >= 0.5 => (format!("{} d late", short(d)), Tone::Degraded),
                d if d <= -0.5 => (format!("{} d early", short(-d)), Tone::Plain),
                _ => ("on the day".to_owned(), Tone::Plain),
            };
            Line::of(Clean::line(words), tone).dot().and(said.of(n, "plan", "plans"), Tone::Dim)
        }
    };
    if missed == 0 {
        return line;
    }
    let words = Clean::line(format_args!("{missed} of {all} not made"));
    if line.0.is_empty() {
        Line::of(words, Tone::Degraded)
    } else {
        line.dot().and(words, Tone::Degraded)
    }
}

/// `train · CV 0.08 · 13 gaps`, in working days.
pub fn evenness(rhythm: &Rhythm, said: Said) -> Line {
    if let Some(r) = rhythm.regularity {
        let words = format_args!("CV {:.2} · {}", r.cv, said.of(r.gaps, "gap", "gaps"));
        Line::plain(r.label()).dot().and(Clean::line(words), Tone::Dim)
    } else {
        let of = words::counted(rhythm.gaps, "gap", "gaps");
        Line::of(words::NO_DATA, Tone::Dim)
            .space()
            .and(Clean::line(format_args!("{of}, 5 needed")), Tone::Dim)
    }
}

/// `4 a week · 12 weeks`: the median of them.
pub fn deploy_days(rhythm: &Rhythm, said: Said) -> Line {
    match rhythm.days_a_week() {
        Some(days) => Line::plain(Clean::line(format_args!("{} a week", short(days))))
            .dot()
            .and(said.of(rhythm.weeks.len(), "week", "weeks"), Tone::Dim),
        None => Line::of(words::NO_DATA, Tone::Dim),
    }
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
