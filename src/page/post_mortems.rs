//! The Post-mortems tab: what was learnt, searchable by its full text, with a reader.

use super::build::names;
use super::build::{breadth, card, cell, in_sight, left, list, pair, record_key, row_key, share};
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Place, Prose, Rank, RowKey, Scene,
    Shelf, Tab, Tone, Width, found, markdown, words,
};
use std::collections::HashMap;
use std::sync::Arc;

use crate::insight::{search, services_of};
use crate::model::{Clean, Dated, Link, Name, PostMortem, SectionKind};

pub const POST_MORTEMS: Tab = Tab {
    name: "post-mortems",
    title: "Post-mortems",
    about: "what was learnt: date, service, severity, how complete, and the text itself",
    sorts: &["date", "title", "service", "severity", "complete"],
    facets: &[],
    kinds: &["markdown"],
    entries,
    compose,
    detail,
    link,
    id,
    badge,
};

/// Its documents: searched by their whole text, read, and edited where they are files.
pub const SHELF: Shelf = Shelf { tab: POST_MORTEMS.name, search: matching, reading: read, file };

/// What may stand before a colon in a filter.
const COLUMNS: &[&str] = &["date", "title", "service", "severity", "path", "text"];

const KIND: &str = "post-mortem";
/// The four things a post-mortem should say (domain: severity, loss, cause, actions).
const WANTED: usize = 4;
/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Which of severity, loss, root cause and actions are there, in this order.
pub fn present(p: &PostMortem) -> [(bool, &'static str); WANTED] {
    let has = |kind: SectionKind| p.sections.iter().any(|s| s.kind == kind);
    [
        (p.severity.is_some(), "severity"),
        (has(SectionKind::Impact) || is_labelled(&p.text, "loss"), "loss"),
        (has(SectionKind::RootCause), "root cause"),
        (has(SectionKind::Actions), "actions"),
    ]
}

/// Whether a line, or a bold label within one, says `word:`; many documents open with such labels instead of headings.
fn is_labelled(text: &Clean, word: &str) -> bool {
    let bold = |line: &str, at: usize| line.get(..at).is_some_and(|head| head.ends_with("**"));
    text.as_str().lines().any(|line| {
        let line = line.to_lowercase();
        line.match_indices(word).any(|(at, _)| {
            let rest = line.get(at + word.len()..).unwrap_or("");
            let starts =
                line.get(..at).is_some_and(|head| head.chars().all(|c| "-*• |".contains(c)));
            (starts || bold(&line, at)) && rest.trim_start_matches('*').starts_with(':')
        })
    })
}

pub fn complete(p: &PostMortem) -> usize {
    present(p).iter().filter(|(there, _)| *there).count()
}

pub fn services(scene: &Scene<'_>, p: &PostMortem) -> Vec<Name> {
    let about = scene.memo.about.get(scene, (), || {
        let of = |p: &PostMortem| services_of(scene.team, p).into_iter().cloned().collect();
        scene.board.post_mortems.all().map(|r| (r.what.key.clone(), of(&r.what))).collect()
    });
    about.get(&p.key).cloned().unwrap_or_default()
}

/// Every post-mortem still in its folder.
pub fn all<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a PostMortem> {
    scene.board.post_mortems.present().map(|r| &r.what)
}

fn find<'a>(scene: &Scene<'a>, key: &RowKey) -> Option<&'a PostMortem> {
    let key = record_key(KIND, key)?;
    scene.board.post_mortems.get(&key).map(|r| &r.what)
}

fn matching(scene: &Scene<'_>, word: &str) -> HashMap<RowKey, f64> {
    let documents = scene.board.post_mortems.present().map(|r| &r.what);
    search(documents, word).into_iter().map(|(key, fit)| (row_key(KIND, key), fit)).collect()
}

/// The columns a text has on this frame. The painter keeps a column at each side and one for the bar.
fn width(scene: &Scene<'_>) -> usize {
    usize::from(scene.frame.main_width().saturating_sub(4)).min(WIDEST)
}

fn reading(scene: &Scene<'_>, p: &PostMortem) -> Arc<markdown::Reading> {
    let width = width(scene);
    scene.memo.reading.get(scene, (p.key.clone(), width), || markdown::reading(&p.text, width))
}

fn read(scene: &Scene<'_>, key: &RowKey) -> Option<Arc<markdown::Reading>> {
    find(scene, key).map(|p| reading(scene, p))
}

fn file(scene: &Scene<'_>, key: &RowKey) -> Option<Box<str>> {
    find(scene, key).map(|p| p.file.clone()).filter(|file| !file.is_empty())
}

/// The date with `≠` when the document contradicts itself.
fn date(dated: Option<&Dated>) -> Clean {
    match dated {
        None => "·".into(),
        Some(d) if d.conflicts.is_empty() => Clean::line(d.date.value),
        Some(d) => Clean::line(format_args!("{} ≠", d.date.value)),
    }
}

/// The level of a severity whose word is known, else the word itself.
fn severity(p: &PostMortem) -> Clean {
    match &p.severity {
        Some(rated) if rated.value.level.is_none() => rated.value.word.clone(),
        _ => words::severity(p.level()),
    }
}

/// What the document is about: the configured services, else its own words.
fn about(scene: &Scene<'_>, p: &PostMortem) -> Clean {
    let own = services(scene, p);
    if own.is_empty() {
        let told: Vec<&str> = p.services.iter().map(|s| s.value.as_str()).collect();
        Clean::line(told.join(", "))
    } else {
        names(&own)
    }
}

fn entries(scene: &Scene<'_>, _facet: usize) -> Vec<Entry> {
    let mut found: Vec<&PostMortem> = all(scene).collect();
    found.sort_by_cached_key(|p| {
        (std::cmp::Reverse(p.dated.as_ref().map(|d| d.date.value)), p.path.clone(), p.key.clone())
    });
    let entry = |(at, p): (usize, &PostMortem)| {
        let service = about(scene, p);
        let days = p.dated.as_ref().map(|d| d.date.value);
        Entry {
            key: row_key(KIND, &p.key),
            ranks: vec![
                if days.is_some() { Rank::Number(at as f64) } else { Rank::None },
                Rank::Text(p.title.clone()),
                if service.is_empty() { Rank::None } else { Rank::Text(service.clone()) },
                p.level().map_or(Rank::None, |s| Rank::Number(f64::from(s.0))),
                Rank::Number(complete(p) as f64),
            ],
            problem: complete(p) < WANTED || !p.flags.is_empty(),
            words: vec![
                ("date", date(p.dated.as_ref())),
                ("title", p.title.clone()),
                ("service", service),
                ("severity", severity(p)),
                ("path", p.path.clone()),
                ("text", p.text.clone()),
            ],
        }
    };
    found.into_iter().enumerate().map(entry).collect()
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let layout = scene.frame.layout;
    let wanted = look.filter.plain(COLUMNS);
    let row = |key: &RowKey| {
        let mut cells = cells(scene, breadth(&scene.frame), find(scene, key)?);
        for cell in cells.iter_mut().filter(|_| !wanted.is_empty()) {
            if let Cell::Line(line) = cell {
                *line =
                    found::marked(std::slice::from_ref(line), &wanted).pop().unwrap_or_default();
            }
        }
        Some(cells)
    };
    let table = list(scene, look, 0, columns(breadth(&scene.frame)), || empty(scene), row);
    let mut blocks = vec![Block::main("", Noun::Table(table))];
    let chosen = look.selected.as_ref().or_else(|| in_sight(look, 1).1.first());
    if layout >= Layout::Normal
        && let Some(p) = chosen.and_then(|key| find(scene, key))
    {
        let facts = facts(scene, p);
        let text = opening(scene, look, &facts, p);
        blocks.push(Block { place: Place::Side, ..facts });
        blocks.extend(text);
    }
    blocks
}

fn columns(layout: Layout) -> Vec<Column> {
    let date = left("date", Width::Exactly(12), 0);
    let title = left("title", share(16, 4), 0);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![date, title],
        Layout::Small => vec![date, title, left("service", share(8, 1), 1)],
        Layout::Normal | Layout::Wide | Layout::Huge => vec![
            date,
            title,
            left("service", share(8, 1), 1),
            left("sev", Width::Exactly(6), 2),
            left("complete", Width::Exactly(9), 3),
            left("odd", share(8, 1), 4),
        ],
    }
}

fn cells(scene: &Scene<'_>, layout: Layout, p: &PostMortem) -> Vec<Cell> {
    let conflict = p.dated.as_ref().is_some_and(|d| !d.conflicts.is_empty());
    let tone = if conflict { Tone::Degraded } else { Tone::Dim };
    let date = cell(date(p.dated.as_ref()), tone);
    let title = cell(words::shown(&p.title), Tone::Plain);
    let service = || cell(about(scene, p), Tone::Plain);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![date, title],
        Layout::Small => vec![date, title, service()],
        Layout::Normal | Layout::Wide | Layout::Huge => {
            let k = complete(p);
            let severity = severity(p);
            let flags: Vec<&str> = p.flags.iter().map(Clean::as_str).collect();
            vec![
                date,
                title,
                service(),
                cell(severity, Tone::Plain),
                cell(
                    Clean::line(format_args!("{k}/{WANTED}")),
                    if k == WANTED { Tone::Plain } else { Tone::Degraded },
                ),
                cell(Clean::line(flags.join(", ")), Tone::Degraded),
            ]
        }
    }
}

/// How the chosen document begins, in the room the list leaves.
fn opening(scene: &Scene<'_>, look: &Look, facts: &Block, p: &PostMortem) -> Option<Block> {
    let beside = scene.frame.side > 0;
    let about = if let (Noun::Card(card), false) = (&facts.noun, beside) {
        card.pairs.len() + 2
    } else {
        0
    };
    let taken = look.order.len() + about + 4;
    let free = usize::from(scene.frame.body_height()).checked_sub(taken).filter(|n| *n >= 4)?;
    let reading = reading(scene, p);
    let wanted = look.filter.plain(COLUMNS);
    let (title, lines) = match hits(&reading.lines, &wanted, free) {
        Some((places, lines)) => (words::counted(places, "place", "places"), lines),
        None => ("its text".into(), reading.lines.iter().take(free).cloned().collect()),
    };
    let total = lines.len();
    let rows = u16::try_from(total).ok()?;
    let prose = Noun::Prose(Prose { lines, first: 0, total });
    let block = if beside { Block::main(title, prose) } else { Block::side(title, prose) };
    (total > 0).then(|| block.exactly(rows))
}

/// How many places hold the wanted words, and the lines around the first of them.
fn hits(lines: &[Line], wanted: &[String], room: usize) -> Option<(usize, Vec<Line>)> {
    let mut at: Vec<usize> = Vec::new();
    for word in wanted {
        at.extend(found::places(lines, word).iter().map(found::Place::line));
    }
    at.sort_unstable();
    let places = at.len();
    at.dedup();
    let mut shown: Vec<usize> = Vec::new();
    let last = lines.len().saturating_sub(1);
    for line in at {
        let near = line.saturating_sub(1)..=(line + 1).min(last);
        if shown.last().is_some_and(|before| *near.start() > before + 1) {
            shown.push(usize::MAX);
        }
        shown.extend(
            near.filter(|n| shown.last().is_none_or(|b| *b == usize::MAX || n > b))
                .collect::<Vec<_>>(),
        );
        if shown.len() >= room {
            break;
        }
    }
    shown.truncate(room);
    let line = |at: &usize| lines.get(*at).cloned().unwrap_or_else(|| Line::of("…", Tone::Dim));
    let lines: Vec<Line> = shown.iter().map(line).collect();
    (places > 0).then(|| (places, found::marked(&lines, wanted)))
}

/// Facts above the text, the text itself, and the outline beside it where there is room.
fn detail(scene: &Scene<'_>, look: &Look, key: &RowKey) -> Option<Vec<Block>> {
    let p = find(scene, key)?;
    let layout = scene.frame.layout;
    let mut blocks = Vec::new();
    let reading = reading(scene, p);
    // A text that opens with its title has no need of another one.
    let said = reading.outline.first().is_some_and(|head| head.text == p.title);
    let mut title = if said { Clean::default() } else { words::shown(&p.title) };
    if layout == Layout::Huge {
        blocks.push(Block { place: Place::Side, title: "facts".into(), ..facts(scene, p) });
    } else if layout == Layout::Wide {
        blocks.push(Block { title: std::mem::take(&mut title), ..facts(scene, p) });
    } else if layout >= Layout::Small {
        let prose = Prose { lines: vec![in_short(scene, p)], first: 0, total: 1 };
        blocks.push(Block::main(std::mem::take(&mut title), Noun::Prose(prose)).exactly(1));
    }
    let total = reading.lines.len();
    // Only what can be in sight is handed over: a key copies a screenful, however long the document is.
    let first = look.scroll.min(total);
    let seen = reading.lines.iter().skip(first).take(usize::from(scene.frame.body_height()));
    let seen: Vec<Line> = seen.cloned().collect();
    let prose = Prose { lines: found::marked(&seen, &look.find.words()), first, total };
    blocks.push(Block::main(title, Noun::Prose(prose)).share(3, 6));
    if layout == Layout::Huge {
        let own = usize::from(said);
        blocks.extend(outline(reading.outline.get(own..).unwrap_or(&[])));
    }
    Some(blocks)
}

/// The facts on one line, where the text needs the room.
fn in_short(scene: &Scene<'_>, p: &PostMortem) -> Line {
    let mut line = Line::of(date(p.dated.as_ref()), Tone::Dim);
    let service = about(scene, p);
    if !service.is_empty() {
        line = line.dot().and(service, Tone::Plain);
    }
    if p.severity.is_some() {
        line = line.dot().and(severity(p), Tone::Plain);
    }
    let complete = Clean::line(format_args!("complete {}/{WANTED}", complete(p)));
    line.dot().and(complete, Tone::Dim)
}

fn facts(scene: &Scene<'_>, p: &PostMortem) -> Block {
    let mut pairs = Vec::new();
    if let Some(dated) = &p.dated {
        let line = Line::plain(Clean::line(dated.date.value))
            .dot()
            .and(Clean::line(format_args!("from its {}", dated.date.place)), Tone::Dim);
        pairs.push((Clean::from("date"), line));
        for other in &dated.conflicts {
            let words = Clean::line(format_args!("≠ {} in its {}", other.value, other.place));
            pair(&mut pairs, "", &words, Tone::Degraded);
        }
    } else {
        pair(&mut pairs, "date", &"none found".into(), Tone::Degraded);
    }
    pair(&mut pairs, "service", &about(scene, p), Tone::Plain);
    if let Some(severity) = &p.severity {
        let words = format!("{}, from its {}", severity.value.word, severity.place);
        pair(&mut pairs, "severity", &words.into(), Tone::Plain);
    }
    let missing: Vec<&str> =
        present(p).iter().filter(|(there, _)| !there).map(|(_, word)| *word).collect();
    let mut line = Line::plain(Clean::line(format_args!("{}/{WANTED}", complete(p))));
    if !missing.is_empty() {
        let words = Clean::line(format_args!("missing: {}", missing.join(", ")));
        line = line.dot().and(words, Tone::Degraded);
    }
    pairs.push((Clean::from("complete"), line));
    for flag in &p.flags {
        pair(&mut pairs, "odd", flag, Tone::Degraded);
    }
    pair(&mut pairs, "file", &p.path, Tone::Dim);
    card(words::shown(&p.title), pairs)
}

/// The headings, indented by their level.
fn outline(heads: &[markdown::Head]) -> Option<Block> {
    let lines: Vec<Line> = heads
        .iter()
        .map(|head| {
            let depth = usize::from(head.level.clamp(1, 6)) - 1;
            let indent = Clean::body(&"  ".repeat(depth), 16);
            Line::of(indent, Tone::Dim).and(head.text.clone(), Tone::Plain)
        })
        .collect();
    let total = lines.len();
    let prose = Prose { lines, first: 0, total };
    (total > 0).then(|| {
        let rows = u16::try_from(total).unwrap_or(u16::MAX).min(24);
        Block::side("outline", Noun::Prose(prose)).exactly(rows)
    })
}

fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    find(scene, key)?.url.clone()
}

fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    find(scene, key).map(|p| p.path.clone())
}

fn empty(scene: &Scene<'_>) -> Empty {
    super::sources::emptiness(
        scene,
        POST_MORTEMS.kinds,
        "No post-mortems in the folder",
        "No source of post-mortems yet",
        "Add a [[source]] of kind markdown with the path of their folder.",
    )
}

/// Nothing here is urgent.
fn badge(_scene: &Scene<'_>) -> usize {
    0
}
