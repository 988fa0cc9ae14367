//! The Post-mortems tab: what was learnt, searchable by its full text, with a reader.

use super::build::names;
use super::build::{
    breadth, card, cell, in_sight, left, list, pair, record_key, right, row_key, share,
};
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Place, Prose, Rank, RowKey, Scene,
    Shelf, Tab, Tone, Width, follow, found, markdown, words,
};
use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Date;

use crate::insight::follow_up::{Task, recurrences};
use crate::insight::review::{Duration, duration, present};
use crate::insight::words::{many, span};
use crate::insight::{search, services_of};
use crate::model::{Clean, Clock, Dated, Key, Link, Name, PostMortem, ReadFrom};

pub const POST_MORTEMS: Tab = Tab {
    name: "post-mortems",
    title: "Post-mortems",
    about: "what was learnt, searched by its whole text; every action across all of them; each quarter in numbers",
    sorts: &["date", "title", "service", "severity", "lasted", "complete", "actions"],
    facets: &["list", "actions", "trends"],
    kinds: &["markdown", "github", "gitlab", "incident-io"],
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

pub const KIND: &str = "post-mortem";
const ACTIONS: usize = 1;
const TRENDS: usize = 2;
/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// How many of the things a team requires of a post-mortem are there, and how many it requires.
pub fn complete(scene: &Scene<'_>, p: &PostMortem) -> (usize, usize) {
    let all = present(p, &scene.team.review);
    (all.iter().filter(|(there, _)| *there).count(), all.len())
}

fn is_complete(scene: &Scene<'_>, p: &PostMortem) -> bool {
    let (k, n) = complete(scene, p);
    k == n
}

/// The earlier documents whose incident this one is again, newest first.
pub fn again(scene: &Scene<'_>, p: &PostMortem) -> Vec<Key> {
    let all = scene.memo.again.get(scene, (), || recurrences(scene.board, scene.team));
    all.get(&p.key).cloned().unwrap_or_default()
}

/// How long it lasted, by the team's clock.
pub fn lasted(scene: &Scene<'_>, p: &PostMortem) -> Option<Duration> {
    duration(p, &scene.team.review, scene.zone)
}

/// `48 m`, `6 h support`: which clock is said where it is not the wall's.
fn lasted_words(lasted: &Duration) -> String {
    match lasted.clock {
        Clock::Wall => span(lasted.span),
        Clock::SupportHours => format!("{} support", span(lasted.span)),
    }
}

/// Open actions, and those of them that are late.
fn open(scene: &Scene<'_>, p: &PostMortem) -> (usize, usize) {
    let issues = follow::issues(scene);
    let open: Vec<_> = follow::on(scene, &issues).of(p).filter(Task::is_open).collect();
    (open.len(), open.iter().filter(|task| task.overdue).count())
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

pub fn find<'a>(scene: &Scene<'a>, key: &RowKey) -> Option<&'a PostMortem> {
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
    let of = follow::paper_of(key);
    find(scene, of.as_ref().unwrap_or(key)).map(|p| p.file.clone()).filter(|file| !file.is_empty())
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
pub fn about(scene: &Scene<'_>, p: &PostMortem) -> Clean {
    let own = services(scene, p);
    if own.is_empty() {
        let told: Vec<&str> = p.services.iter().map(|s| s.value.as_str()).collect();
        Clean::line(told.join(", "))
    } else {
        names(&own)
    }
}

fn entries(scene: &Scene<'_>, facet: usize) -> Vec<Entry> {
    match facet {
        ACTIONS => follow::action_entries(scene),
        TRENDS => follow::quarter_entries(scene),
        _ => paper_entries(scene),
    }
}

fn paper_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let mut found: Vec<&PostMortem> = all(scene).collect();
    found.sort_by_cached_key(|p| (std::cmp::Reverse(p.date()), p.path.clone(), p.key.clone()));
    let entry = |(at, p): (usize, &PostMortem)| {
        let service = about(scene, p);
        let lasted = lasted(scene, p);
        let (open, late) = open(scene, p);
        Entry {
            key: row_key(KIND, &p.key),
            ranks: vec![
                if p.dated.is_some() { Rank::Number(at as f64) } else { Rank::None },
                Rank::Text(p.title.clone()),
                if service.is_empty() { Rank::None } else { Rank::Text(service.clone()) },
                p.level().map_or(Rank::None, |s| Rank::Number(f64::from(s.0))),
                lasted.map_or(Rank::None, |l| Rank::Number(-l.span.as_secs_f64())),
                Rank::Number(complete(scene, p).0 as f64),
                Rank::Number(-((late * 1_000 + open) as f64)),
            ],
            problem: !is_complete(scene, p) || !p.flags.is_empty() || late > 0,
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
    match look.facet {
        ACTIONS => follow::actions(scene, look),
        TRENDS => follow::trends(scene, look),
        _ => papers(scene, look),
    }
}

/// Rows of the body from which there is room for lines over the list.
const ROOMY: u16 = 16;

fn papers(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
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
    let mut blocks = Vec::new();
    let roomy = scene.frame.body_height() >= ROOMY && look.total > 0;
    let mut above = if roomy { follow::above(scene) } else { Vec::new() };
    above.extend(progress(scene).filter(|_| look.total > 0));
    let rows = u16::try_from(above.len()).unwrap_or(0);
    if rows > 0 {
        let prose = Prose { total: above.len(), lines: above, first: 0 };
        blocks.push(Block::main("", Noun::Prose(prose)).exactly(rows));
    }
    let table = list(
        scene,
        look,
        rows,
        columns(breadth(&scene.frame), serviced(scene)),
        || empty(scene),
        row,
    );
    blocks.push(Block::main("", Noun::Table(table)));
    let chosen = look.selected.as_ref().or_else(|| in_sight(look, 1).1.first());
    if layout >= Layout::Normal
        && let Some(p) = chosen.and_then(|key| find(scene, key))
    {
        let facts = facts(scene, p);
        let text = opening(scene, look, usize::from(rows), &facts, p);
        blocks.push(Block { place: Place::Side, ..facts });
        blocks.extend(text);
    }
    blocks
}

/// `1,200 of 5,000 read` while a folder is read in for the first time: a word not found may stand in one of the rest.
fn progress(scene: &Scene<'_>) -> Option<Line> {
    let feeding = scene.board.sources.values().filter(|f| POST_MORTEMS.kinds.contains(&f.kind));
    let (mut read, mut of) = (0, 0);
    for progress in feeding.filter_map(|f| f.progress) {
        read += progress.read;
        of += progress.of;
    }
    let (words, all) = (many(read), many(of));
    (read < of).then(|| Line::of(format!("{words} of {all} read, the newest first"), Tone::Accent))
}

/// Whether any document is about a service: a column that is always empty is none.
fn serviced(scene: &Scene<'_>) -> bool {
    *scene.memo.serviced.get(scene, (), || all(scene).any(|p| !about(scene, p).is_empty()))
}

fn columns(layout: Layout, serviced: bool) -> Vec<Column> {
    let date = left("date", Width::Exactly(12), 0);
    let title = left("title", share(16, 4), 0);
    let service = || serviced.then(|| left("service", share(8, 1), 1));
    let complete = || left("complete", Width::Exactly(9), 3);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![Column { rank: 1, ..date }, title],
        Layout::Small => [date, title].into_iter().chain(service()).chain([complete()]).collect(),
        Layout::Normal | Layout::Wide | Layout::Huge => [date, title]
            .into_iter()
            .chain(service())
            .chain([
                left("sev", Width::Exactly(6), 2),
                right("lasted", 10, 4),
                left("loss", share(8, 1), 5),
                complete(),
                left("actions", Width::Exactly(17), 3),
            ])
            .collect(),
    }
}

/// The title without the date it may begin with: that has a column of its own.
pub fn short_title(p: &PostMortem) -> Clean {
    let title = p.title.as_str();
    let rest =
        title.get(10..).filter(|_| title.get(..10).is_some_and(|d| d.parse::<Date>().is_ok()));
    let rest = rest.map(|rest| rest.trim_start_matches([' ', ',', ':', '-', '–', '—']));
    rest.filter(|rest| !rest.is_empty()).map_or_else(|| words::shown(&p.title), Clean::line)
}

/// The title, with how many times it has happened now when it came back.
fn titled(scene: &Scene<'_>, p: &PostMortem) -> Line {
    let title = short_title(p);
    match again(scene, p).len() {
        0 => Line::plain(title),
        n => Line::of(Clean::line(format_args!("↻{} ", n + 1)), Tone::Degraded)
            .and(title, Tone::Plain),
    }
}

/// The first amount that was lost, in the document's words; else that something is said about it.
pub fn lost(p: &PostMortem) -> Clean {
    let amount = p.loss.amounts.first().map(|found| found.value.words.clone());
    amount.or_else(|| p.loss.words.as_ref().map(|found| found.value.clone())).unwrap_or_default()
}

fn cells(scene: &Scene<'_>, layout: Layout, p: &PostMortem) -> Vec<Cell> {
    let conflict = p.dated.as_ref().is_some_and(|d| !d.conflicts.is_empty());
    let tone = if conflict { Tone::Degraded } else { Tone::Dim };
    let date = cell(date(p.dated.as_ref()), tone);
    let title = Cell::Line(titled(scene, p));
    let service = || serviced(scene).then(|| cell(about(scene, p), Tone::Plain));
    let (k, n) = complete(scene, p);
    let tone = if k == n { Tone::Plain } else { Tone::Degraded };
    let odd = if p.flags.is_empty() { "" } else { " !" };
    let complete = cell(Clean::line(format_args!("{k}/{n}{odd}")), tone);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![date, title],
        Layout::Small => [date, title].into_iter().chain(service()).chain([complete]).collect(),
        Layout::Normal | Layout::Wide | Layout::Huge => {
            let lasted = lasted(scene, p);
            let differs = lasted.as_ref().is_some_and(|l| l.other.is_some());
            let words = lasted.as_ref().map_or_else(|| "·".to_owned(), lasted_words);
            let mark = if differs { " ≠" } else { "" };
            let (open, late) = open(scene, p);
            let actions = match (p.actions.len(), open, late) {
                (0, ..) => Line::of("·", Tone::Dim),
                (_, 0, _) => Line::of("all done", Tone::Dim),
                (_, open, 0) => Line::plain(Clean::line(format_args!("{open} open"))),
                (_, open, late) => {
                    let words = Clean::line(format_args!("{late} late"));
                    Line::plain(Clean::line(format_args!("{open} open")))
                        .dot()
                        .and(words, Tone::Degraded)
                }
            };
            [date, title]
                .into_iter()
                .chain(service())
                .chain([
                    cell(severity(p), Tone::Plain),
                    cell(
                        Clean::line(format_args!("{words}{mark}")),
                        if differs { Tone::Degraded } else { Tone::Plain },
                    ),
                    cell(lost(p), Tone::Business),
                    complete,
                    Cell::Line(actions),
                ])
                .collect()
        }
    }
}

/// How the chosen document begins, in the room the list leaves.
fn opening(
    scene: &Scene<'_>,
    look: &Look,
    above: usize,
    facts: &Block,
    p: &PostMortem,
) -> Option<Block> {
    let beside = scene.frame.side > 0;
    let about = if let (Noun::Card(card), false) = (&facts.noun, beside) {
        card.pairs.len() + 2
    } else {
        0
    };
    let taken = look.order.len() + above + about + 4;
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
    if look.facet == ACTIONS {
        return follow::action(scene, key);
    }
    if look.facet == TRENDS {
        return follow::quarter(scene, key);
    }
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
    let (k, n) = complete(scene, p);
    let complete = Clean::line(format_args!("complete {k}/{n}"));
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
    if let Some(lasted) = lasted(scene, p) {
        let told = |(length, clock, from): (SignedDuration, Clock, ReadFrom)| {
            let one = Duration { span: length, clock, from, other: None };
            format!("{}, from its {from}", lasted_words(&one))
        };
        let first = told((lasted.span, lasted.clock, lasted.from));
        pair(&mut pairs, "lasted", &first.into(), Tone::Plain);
        if let Some(other) = lasted.other {
            pair(&mut pairs, "", &format!("≠ {}", told(other)).into(), Tone::Degraded);
        }
    }
    if let Some(words) = &p.loss.words {
        pair(&mut pairs, "loss", &words.value, Tone::Business);
    }
    if let Some(cause) = &p.root_cause {
        pair(&mut pairs, "root cause", &Clean::line(&cause.value), Tone::Plain);
    }
    let missing: Vec<&str> = present(p, &scene.team.review)
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, wanted)| wanted.words())
        .collect();
    let (k, n) = complete(scene, p);
    let mut line = Line::plain(Clean::line(format_args!("{k}/{n}")));
    if !missing.is_empty() {
        let words = Clean::line(format_args!("missing: {}", missing.join(", ")));
        line = line.dot().and(words, Tone::Degraded);
    }
    pairs.push((Clean::from("complete"), line));
    let (open, late) = open(scene, p);
    if !p.actions.is_empty() {
        let words = format!("{open} of {} open", p.actions.len());
        let mut line = Line::plain(words);
        if late > 0 {
            line = line.dot().and(Clean::line(format_args!("{late} late")), Tone::Degraded);
        }
        pairs.push((Clean::from("actions"), line));
    }
    for (at, key) in again(scene, p).iter().enumerate() {
        let before = scene.board.post_mortems.get(key).map(|r| &r.what);
        let words = before.map(|b| {
            let date = b.date().map(|d| d.to_string()).unwrap_or_default();
            Clean::line(format_args!("{date} {}", words::shown(&b.title)))
        });
        let label = if at == 0 { "↻ like" } else { "" };
        pair(&mut pairs, label, &words.unwrap_or_default(), Tone::Degraded);
    }
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
    find(scene, key).map_or_else(|| follow::link(scene, key), |p| p.url.clone())
}

fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    find(scene, key).map(|p| p.path.clone()).or_else(|| follow::id(scene, key))
}

pub fn empty(scene: &Scene<'_>) -> Empty {
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
