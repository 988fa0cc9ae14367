//! The Sources tab: the cockpit's honesty about itself, every upstream with its freshness and its last error in words.

use super::build::{
    breadth, card, cell, in_sight, left, list, name_key, name_of, pair, right, share,
};
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Prose, Rank, RowKey, Scene, Tab,
    Tone, Width, words,
};
use crate::model::{Clean, Freshness, Health, Link, Name, Probe, ProbeResult, Staleness, Status};

pub const SOURCES: Tab = Tab {
    name: "sources",
    title: "Sources",
    about: "every upstream: freshness, latency, rate left, the last error in words",
    sorts: &["state", "name", "kind", "age", "latency"],
    facets: &[],
    kinds: &[],
    entries,
    compose,
    detail,
    link,
    id,
    badge,
};

const KIND: &str = "source";
/// Clocks further apart make every age doubtful.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

pub fn tone(freshness: &Freshness, now: jiff::Timestamp) -> Tone {
    match freshness.shown(now) {
        Status::Ok => Tone::Ok,
        Status::Partial => Tone::Degraded,
        Status::Stale => Tone::Stale,
        Status::Unknown => Tone::Unknown,
        // A failure with good data still at hand is not yet the loss of it.
        _ if freshness.staleness(now) == Staleness::Expired => Tone::Down,
        _ => Tone::Degraded,
    }
}

fn entries(scene: &Scene<'_>, _facet: usize) -> Vec<Entry> {
    let mut sources: Vec<(&Name, &Freshness)> = scene.board.sources.iter().collect();
    let place = |f: &Freshness| match tone(f, scene.now) {
        Tone::Down => 0,
        Tone::Degraded => 1,
        Tone::Stale => 2,
        Tone::Unknown => 3,
        _ => 4_u8,
    };
    sources.sort_by_key(|(name, f)| (place(f), (*name).clone()));
    let entry = |(at, (name, f)): (usize, (&Name, &Freshness))| Entry {
        key: name_key(KIND, name),
        words: vec![
            ("name", name.clean().clone()),
            ("kind", f.kind.into()),
            ("state", f.shown(scene.now).word().into()),
            ("message", f.message.clone()),
            ("address", f.address.clone()),
        ],
        ranks: vec![
            Rank::Number(at as f64),
            Rank::Text(name.clean().clone()),
            Rank::Text(f.kind.into()),
            f.age(scene.now).map_or(Rank::None, |a| Rank::Number(-a.as_secs_f64())),
            f.latency.map_or(Rank::None, |l| Rank::Number(-l.as_secs_f64())),
        ],
        problem: f.shown(scene.now) != Status::Ok,
    };
    sources.into_iter().enumerate().map(entry).collect()
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let table = list(
        scene,
        look,
        0,
        columns(breadth(&scene.frame)),
        || empty(scene),
        |key| row(scene, key),
    );
    let mut blocks = vec![Block::main("", Noun::Table(table))];
    if scene.frame.layout >= Layout::Normal
        && let Some(key) = look.selected.as_ref().or_else(|| in_sight(look, 1).1.first())
    {
        let aside = detail(scene, look, key).unwrap_or_default();
        blocks.extend(aside.into_iter().map(|b| Block { place: super::Place::Side, ..b }));
    }
    blocks
}

fn columns(layout: Layout) -> Vec<Column> {
    let name = left("source", share(15, 2), 0);
    let state = left("state", Width::Exactly(12), 0);
    let age = right("answer", 7, 0);
    match layout {
        Layout::OneLine | Layout::Tiny => {
            let name = left("source", share(8, 2), 0);
            vec![state, name, Column { rank: 1, ..age }]
        }
        Layout::Small => vec![state, name, age, left("in words", share(14, 3), 1)],
        Layout::Normal | Layout::Wide | Layout::Huge => vec![
            state,
            name,
            left("kind", Width::Exactly(12), 3),
            age,
            right("latency", 8, 4),
            right("facts", 6, 6),
            right("rate left", 9, 5),
            right("next", 6, 7),
            left("in words", share(24, 3), 1),
        ],
    }
}

fn row(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Cell>> {
    let name = name_of(KIND, key)?;
    let f = scene.board.sources.get(&name)?;
    let (now, tone) = (scene.now, tone(f, scene.now));
    let dim = |text: Option<String>| {
        cell(Clean::line(text.unwrap_or_else(|| words::NO_DATA.to_owned())), Tone::Dim)
    };
    let state = cell(f.shown(now).word(), tone);
    let age = match f.age(now) {
        Some(age) => cell(
            Clean::line(words::span(age)),
            if f.staleness(now) == Staleness::Fresh { Tone::Plain } else { Tone::Stale },
        ),
        None => cell(words::NO_DATA, Tone::Unknown),
    };
    let message = Cell::Line(in_words(scene, &name, f));
    let name = cell(name.clean().clone(), Tone::Plain);
    Some(match breadth(&scene.frame) {
        Layout::OneLine | Layout::Tiny => vec![state, name, age],
        Layout::Small => vec![state, name, age, message],
        Layout::Normal | Layout::Wide | Layout::Huge => vec![
            state,
            name,
            cell(f.kind, Tone::Dim),
            age,
            dim(f.latency.map(words::exact)),
            dim(f.last_ok.map(|_| f.facts.to_string())),
            dim(f.rate.map(|r| {
                r.limit.map_or_else(|| r.left.to_string(), |l| format!("{}/{l}", r.left))
            })),
            dim(f
                .next_poll
                .map(|at| words::exact(at.duration_since(now).max(jiff::SignedDuration::ZERO)))),
            message,
        ],
    })
}

/// What a probe was told last: asking went well even where the answer is bad news.
pub fn probed<'a>(scene: &Scene<'a>, name: &Name, f: &Freshness) -> Option<&'a ProbeResult> {
    let service = name.as_str().strip_prefix("probe ")?.rsplit_once(' ')?.0;
    let own = |p: &Probe| p.service.as_str() == service && p.target == f.address;
    scene.board.probes.iter().find(|(p, _)| f.kind == "probe" && own(p))?.1.back()
}

/// The newest trouble, else what is worth knowing, else what is going on.
fn in_words(scene: &Scene<'_>, name: &Name, f: &Freshness) -> Line {
    if !f.message.is_empty() {
        return Line::of(
            f.message.clone(),
            if f.status.is_good() { Tone::Degraded } else { Tone::Down },
        );
    }
    if let Some(told) = probed(scene, name, f).filter(|told| told.health != Health::Ok) {
        return Line::of(told.words.clone(), told.health.into());
    }
    if let Some(skew) = f.clock_skew.filter(|s| s.abs() > SKEW) {
        return Line::of(skewed(skew), Tone::Degraded);
    }
    if let Some(note) = f.notes.first() {
        return Line::of(note.clone(), Tone::Dim);
    }
    if f.last_ok.is_none() {
        return match f.asking_since {
            Some(since) => {
                let age = words::span(scene.now.duration_since(since));
                Line::of(Clean::line(format_args!("asking for {age}")), Tone::Dim)
            }
            None => Line::of("not asked yet", Tone::Dim),
        };
    }
    Line::new()
}

fn skewed(skew: jiff::SignedDuration) -> Clean {
    if skew.is_zero() {
        return "its clock agrees with ours".into();
    }
    let side = if skew.is_negative() { "behind" } else { "ahead of" };
    Clean::line(format_args!("its clock is {} {side} ours", words::exact(skew.abs())))
}

fn detail(scene: &Scene<'_>, _look: &Look, key: &RowKey) -> Option<Vec<Block>> {
    let name = name_of(KIND, key)?;
    let f = scene.board.sources.get(&name)?;
    let now = scene.now;
    let mut pairs = Vec::new();
    pairs.push((Clean::from("state"), Line::of(f.shown(now).word(), tone(f, now))));
    pair(&mut pairs, "in words", &f.message, Tone::Down);
    if let Some(told) = probed(scene, &name, f) {
        pair(&mut pairs, "it was told", &told.words, told.health.into());
    }
    if let Some(hint) = &f.hint {
        pair(&mut pairs, "what to do", hint, Tone::Accent);
    }
    if let Some(since) = f.failing_since {
        let words = Clean::line(format_args!(
            "{} · {}",
            words::both(since, now, scene.zone),
            words::counted(f.failures as usize, "failed poll", "failed polls in a row")
        ));
        pair(&mut pairs, "failing since", &words, Tone::Degraded);
    }
    let answered = f.last_ok.map_or_else(|| "never".into(), |at| words::both(at, now, scene.zone));
    pair(&mut pairs, "last answer", &answered, Tone::Plain);
    if let Some(at) = f.last_try {
        pair(&mut pairs, "last asked", &words::both(at, now, scene.zone), Tone::Dim);
    }
    let every = Clean::line(format_args!("every {}", words::exact(f.every)));
    pair(&mut pairs, "asked", &every, Tone::Dim);
    pair(&mut pairs, "asked by", &scene.board.polled_by, Tone::Dim);
    if let Some(at) = f.next_poll {
        let wait = at.duration_since(now).max(jiff::SignedDuration::ZERO);
        pair(
            &mut pairs,
            "next poll",
            &Clean::line(format_args!("in {}", words::exact(wait))),
            Tone::Dim,
        );
    }
    if let Some(latency) = f.latency {
        pair(&mut pairs, "latency", &words::exact(latency).into(), Tone::Plain);
    }
    pair(&mut pairs, "facts", &words::counted(f.facts, "fact", "facts").into(), Tone::Dim);
    if let Some(rate) = f.rate {
        let limit = rate.limit.map(|l| format!(" of {l}")).unwrap_or_default();
        let resets = rate.resets.map(|at| format!(", resets {}", words::near(at, now, scene.zone)));
        let words = format!("{}{limit} requests left{}", rate.left, resets.unwrap_or_default());
        pair(&mut pairs, "rate", &words.into(), Tone::Plain);
    }
    if let Some(skew) = f.clock_skew {
        let tone = if skew.abs() > SKEW { Tone::Degraded } else { Tone::Dim };
        pair(&mut pairs, "clock", &skewed(skew), tone);
    }
    pair(&mut pairs, "kind", &f.kind.into(), Tone::Dim);
    pair(&mut pairs, "address", &f.address, Tone::Dim);
    pair(&mut pairs, "says it is", &f.about, Tone::Dim);
    let mut blocks = vec![card(name.clean().clone(), pairs)];
    if !f.notes.is_empty() {
        let lines: Vec<Line> = f.notes.iter().map(|n| Line::plain(n.clone())).collect();
        let total = lines.len();
        blocks.push(Block::main("worth knowing", Noun::Prose(Prose { lines, first: 0, total })));
    }
    Some(blocks)
}

fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    Link::parse(scene.board.sources.get(&name_of(KIND, key)?)?.address.as_str())
}

fn id(_scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    name_of(KIND, key).map(|name| name.clean().clone())
}

fn badge(scene: &Scene<'_>) -> usize {
    scene.survey.verdict.failing_sources + scene.survey.verdict.stale_sources
}

fn empty(_scene: &Scene<'_>) -> Empty {
    Empty {
        title: "No sources yet".into(),
        advice: vec![
            Line::plain("Add a [[source]] with a name, a kind and a url to your configuration."),
            Line::of("andon help sources", Tone::Code).space().and("lists the kinds", Tone::Plain),
            Line::of("andon demo", Tone::Code)
                .space()
                .and("shows a small world without any", Tone::Plain),
        ],
    }
}

/// An empty list in words: nothing there, nobody asked, or nobody answering are three different things.
pub fn emptiness(
    scene: &Scene<'_>,
    kinds: &[&str],
    nothing: &'static str,
    nobody: &'static str,
    advice: &'static str,
) -> Empty {
    let feeding: Vec<(&Name, &Freshness)> =
        scene.board.sources.iter().filter(|(_, f)| kinds.contains(&f.kind)).collect();
    if feeding.is_empty() {
        return Empty { title: nobody.into(), advice: vec![Line::plain(advice)] };
    }
    let not_fresh: Vec<&(&Name, &Freshness)> = feeding
        .iter()
        .filter(|(_, f)| f.staleness(scene.now) != Staleness::Fresh || !f.status.is_good())
        .collect();
    if not_fresh.is_empty() {
        let oldest = feeding.iter().filter_map(|(_, f)| f.age(scene.now)).max();
        let names: Vec<String> = feeding.iter().map(|(n, _)| n.to_string()).collect();
        let age = oldest.map(words::span).unwrap_or_default();
        let line = format!("as told by {} {age} ago", names.join(", "));
        return Empty {
            title: nothing.into(),
            advice: vec![Line::of(Clean::line(line), Tone::Dim)],
        };
    }
    let mut advice: Vec<Line> = not_fresh
        .iter()
        .map(|(name, f)| {
            let age = f.age(scene.now).map_or_else(
                || "never answered yet".to_owned(),
                |age| format!("last answered {} ago", words::span(age)),
            );
            let line =
                Line::of((*name).clean().clone(), Tone::Strong).dot().and(age, tone(f, scene.now));
            if f.message.is_empty() { line } else { line.dot().and(f.message.clone(), Tone::Dim) }
        })
        .collect();
    advice.push(Line::plain("The Sources tab tells more; R asks them all again."));
    let asked = feeding.iter().any(|(_, f)| f.last_try.is_some() || f.asking_since.is_some());
    let title = if asked { "Not known" } else { "Waiting for the first answers" };
    Empty { title: title.into(), advice }
}
