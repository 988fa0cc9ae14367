//! The Health tab: one row per service, worst first, with what changed just before, technical and business numbers side by side.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::build::{cell, in_sight, left, list, name_key, name_of, right, share};
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Prose, Rank, RowKey, Scene, Tab,
    Tone, Width, happened, objectives, service, words,
};
use crate::insight::{Looked, ServiceState, Unsaid, level, numbers};
use crate::model::{Clean, Health, Metric, Name, Probe, Role, Service, Staleness, Track};

pub const HEALTH: Tab = Tab {
    name: "health",
    title: "Health",
    about: "what is broken, since when, what changed just before, who has it",
    sorts: &["state", "name", "since", "latency", "errors", "traffic", "saturation", "business"],
    facets: &[],
    kinds: &[],
    entries,
    compose,
    detail: service::detail,
    link: service::link,
    id,
    badge,
};

pub const KIND: &str = "service";
/// The stretch of time a sparkline shows.
const TREND: SignedDuration = SignedDuration::from_hours(2);
const TREND_CELLS: u16 = 10;

/// How much a row says, by the width of its list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Tiny,
    Small,
    Normal,
    /// From 100 columns: with a sparkline.
    Wide,
    /// From 140 columns: reason and change in columns of their own.
    Full,
}

impl Form {
    fn of(scene: &Scene<'_>) -> Self {
        // A page without an end is printed, not looked at: it says everything.
        if scene.frame.size.height == u16::MAX {
            return Self::Full;
        }
        match scene.frame.main_width() {
            0..60 => Self::Tiny,
            60..80 => Self::Small,
            80..100 => Self::Normal,
            100..140 => Self::Wide,
            _ => Self::Full,
        }
    }
}

/// Every service, worst first: roots before what folds under them.
fn entries(scene: &Scene<'_>, _facet: usize) -> Vec<Entry> {
    let order = worst_first(scene);
    let row = |(at, i): (usize, usize)| {
        let state = scene.survey.services.get(i)?;
        let configured = scene.team.services.get(i)?;
        let number = |role| reading(scene, configured, role).map_or(Rank::None, Rank::Number);
        Some(Entry {
            key: name_key(KIND, &state.name),
            words: vec![
                ("name", state.name.clean().clone()),
                ("state", state.health.word().into()),
                ("why", state.reason.clone()),
                ("just before", just_before(scene, state).text().into()),
                ("owner", configured.owner.clone()),
                ("on call", state.on_call.clone().unwrap_or_default()),
            ],
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(state.name.clean().clone()),
                state.since.map_or(Rank::None, |s| Rank::Number(-(s.as_second() as f64))),
                number(Role::Latency),
                number(Role::Errors),
                number(Role::Traffic),
                number(Role::Saturation),
                number(Role::Business),
            ],
            problem: state.health != Health::Ok,
        })
    };
    order.into_iter().enumerate().filter_map(row).collect()
}

/// How deep services fold under one another.
const MOST_DEEP: usize = 8;

/// Roots by health, age and the team's order; each followed by what folds under it.
fn worst_first(scene: &Scene<'_>) -> Vec<usize> {
    let states = &scene.survey.services;
    let above = |i: usize| {
        let because = states.get(i).and_then(|s| s.because.as_ref())?;
        scene.survey.by_name.get(because).copied()
    };
    // A part folds under its group, and what needs the part with it: no way is longer than a few groups are deep.
    let root =
        |i: usize| (0..MOST_DEEP).try_fold(i, |at, _| above(at).ok_or(at)).unwrap_or_else(|at| at);
    let place = |i: usize| {
        let state = states.get(i);
        let health = state.map_or(Health::Unknown, |s| s.health);
        (std::cmp::Reverse(health), i)
    };
    let mut order: Vec<usize> = (0..states.len()).collect();
    order.sort_by_cached_key(|i| (place(root(*i)), root(*i) != *i, place(*i)));
    order
}

/// The newest reading of the service's first number of a role.
fn reading(scene: &Scene<'_>, service: &Service, role: Role) -> Option<f64> {
    let metric = of_role(scene, service, role)?;
    scene.board.tracks.get(&metric.id)?.newest()?.1.number()
}

fn of_role<'a>(scene: &Scene<'a>, service: &'a Service, role: Role) -> Option<&'a Metric> {
    numbers(scene.board, service).find(|m| m.role == role)
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut above = 0;
    if let Some(line) = business(scene) {
        let prose = Prose { lines: vec![line], first: 0, total: 1 };
        blocks.push(Block::main("", Noun::Prose(prose)).exactly(1));
        above = 1;
    }
    let layout = scene.frame.layout;
    let table = list(scene, look, above, columns(scene), || empty(scene), |key| row(scene, key));
    blocks.push(Block::main("", Noun::Table(table)));
    // The list comes first: only what it leaves free tells what happened.
    let taken = look.order.len() + usize::from(above) + 5;
    let free = usize::from(scene.frame.body_height()).saturating_sub(taken);
    if layout == Layout::Huge && !look.order.is_empty() && free >= 5 {
        blocks.extend(happened::lately(scene, free));
    }
    if layout >= Layout::Normal
        && let Some(key) = look.selected.as_ref().or_else(|| in_sight(look, 1).1.first())
    {
        blocks.extend(service::aside(scene, key));
    }
    blocks
}

/// Numbers of the whole team, on one line.
fn business(scene: &Scene<'_>) -> Option<Line> {
    if scene.frame.layout < Layout::Normal || scene.team.metrics.is_empty() {
        return None;
    }
    let mut line = Line::new();
    for (i, metric) in scene.team.metrics.iter().enumerate() {
        if i > 0 {
            line = line.dot();
        }
        let (text, tone) = value(scene, metric);
        let tone = if tone == Tone::Plain { Tone::Business } else { tone };
        line = line.and(metric.id.metric.clean().clone(), Tone::Dim).space().and(text, tone);
    }
    Some(line)
}

/// Columns that names get at least: where they are long, rows must still be told apart.
fn names(scene: &Scene<'_>) -> u16 {
    u16::try_from(scene.survey.longest_name).unwrap_or(u16::MAX).clamp(11, 18)
}

fn columns(scene: &Scene<'_>) -> Vec<Column> {
    let form = Form::of(scene);
    let state = left("state", Width::Exactly(16), 0);
    let name = left("service", share(names(scene), 1), 0);
    // `2 h 59 m`: an outage that lasts is not cut to a riddle.
    let since = right("since", 8, 1);
    let promised = scene.survey.promised;
    // A budget says in one number where a curve leads: where both have no room, the curve gives way.
    let trend = |title| left(title, Width::Exactly(TREND_CELLS), if promised { 6 } else { 3 });
    let budget = || promised.then(|| right("budget", 8, 3));
    let numbers = || {
        let mut numbers = vec![
            right("latency", 8, 2),
            trend("2 h"),
            right("errors", 9, 4),
            right("traffic", 8, 7),
            right("saturation", 10, 8),
            // `0.86 /min ↓`: where there is room for it, the sign too.
            right("business", if form == Form::Full { 11 } else { 9 }, 5),
        ];
        numbers.splice(0..0, budget());
        numbers
    };
    match form {
        Form::Tiny => {
            let name = left("service", share(8, 1), 0);
            vec![left("state", Width::Exactly(10), 0), name, right("since", 8, 1)]
        }
        Form::Small => vec![state, name, since, left("just before · why", share(16, 4), 0)],
        Form::Normal => vec![
            state,
            name,
            since,
            left("just before · why", share(28, 5), 1),
            right("latency", 8, 2),
            right("errors", 8, 4),
            right("business", 9, 5),
        ],
        Form::Wide => {
            let mut columns = vec![state, name, since, left("just before · why", share(34, 5), 1)];
            columns.extend(numbers());
            columns
        }
        Form::Full => {
            let why = left("why", share(14, 4), 1);
            let mut columns = vec![state, name, since, left("just before", share(26, 5), 1), why];
            columns.extend(numbers());
            columns.extend([
                Column { rank: 6, ..trend("2 h") },
                left("on call", share(10, 1), 9),
                left("owner", share(9, 1), 10),
            ]);
            columns
        }
    }
}

fn row(scene: &Scene<'_>, key: &RowKey) -> Option<Vec<Cell>> {
    let name = name_of(KIND, key)?;
    let i = scene.survey.by_name.get(&name).copied()?;
    let state = scene.survey.services.get(i)?;
    let configured = scene.team.services.get(i)?;
    let mut cells = vec![
        Cell::State { health: state.health, overlays: state.overlays },
        Cell::Line(titled(state)),
        since(scene, state),
    ];
    let form = Form::of(scene);
    let number = |role| {
        of_role(scene, configured, role).map_or(Cell::Blank, |metric| {
            let (text, tone) = value(scene, metric);
            let line = Line::of(text, tone);
            // Where nobody said what is good, last week does; the page of the service says how much.
            let differs = matches!(role, Role::Traffic | Role::Business) && form == Form::Full;
            let differs = differs.then(|| objectives::against_last_week(scene, metric)).flatten();
            Cell::Line(match differs {
                Some((sign, _)) => line.space().and(sign, Tone::Dim),
                None => line,
            })
        })
    };
    match form {
        Form::Tiny => {}
        Form::Small | Form::Normal | Form::Wide => {
            // What changed comes first here: the reason is what gives way when room is short.
            let mut line = why(scene, state);
            let mut before = just_before(scene, state);
            let nobody = matches!(state.looked.unsaid, None | Some(Unsaid::Nobody));
            if !state.changes_known && nobody && state.changes.is_empty() {
                // That nobody tells of changes is said where there is room: no reason is cut for it.
                before = if state.health == Health::Ok { before } else { Line::new() };
            }
            if state.because.is_none() && !before.0.is_empty() {
                if !line.0.is_empty() {
                    before = before.dot();
                    before.0.extend(line.0);
                }
                line = before;
            }
            cells.push(Cell::Line(line));
        }
        Form::Full => {
            cells.push(Cell::Line(just_before(scene, state)));
            cells.push(Cell::Line(why(scene, state)));
        }
    }
    match form {
        Form::Tiny | Form::Small => {}
        Form::Normal => cells.extend([Role::Latency, Role::Errors, Role::Business].map(number)),
        Form::Wide | Form::Full => {
            // One history a row, of what users feel first.
            let told = [Role::Latency, Role::Traffic, Role::Business];
            let told = told.into_iter().find(|r| of_role(scene, configured, *r).is_some());
            if scene.survey.promised {
                cells.push(objectives::budget(configured, state));
            }
            cells.push(number(Role::Latency));
            cells.push(trend(scene, configured, told.unwrap_or(Role::Latency)));
            cells.extend(
                [Role::Errors, Role::Traffic, Role::Saturation, Role::Business].map(number),
            );
        }
    }
    if form == Form::Full {
        cells.push(trend(scene, configured, Role::Business));
        cells.push(who(state));
        cells.push(cell(configured.owner.clone(), Tone::Dim));
    }
    Some(cells)
}

/// The name, indented under its root, with the count of what folds under it.
fn titled(state: &ServiceState) -> Line {
    let name = state.name.clean().clone();
    let line = if state.because.is_some() {
        Line::of("↳", Tone::Dim).space().and(name, Tone::Plain)
    } else if state.health == Health::Ok {
        Line::plain(name)
    } else {
        Line::of(name, Tone::Strong)
    };
    if state.root_of > 0 {
        line.space().and(Clean::line(format_args!("+{}", state.root_of)), Tone::Dim)
    } else {
        line
    }
}

/// How long it has been so; what is well since before anybody looked needs no sign for that.
fn since(scene: &Scene<'_>, state: &ServiceState) -> Cell {
    match state.since {
        Some(_) if state.health == Health::Ok => {
            cell(words::lasting(state.since, scene.now), Tone::Dim)
        }
        Some(_) => cell(words::lasting(state.since, scene.now), state.health.into()),
        None if state.health == Health::Ok => Cell::Blank,
        None => cell(words::so_long(state, scene.now), Tone::Dim),
    }
}

/// The reason in words, who has it, and what age makes of it.
pub fn why(scene: &Scene<'_>, state: &ServiceState) -> Line {
    if let Some(parent) = &state.because {
        let how = if state.part { "part of" } else { "because" };
        let words = Clean::line(format_args!("{how} {parent}"));
        return Line::of(words, Tone::Dim).dot().and(state.reason.clone(), Tone::Dim);
    }
    if state.health == Health::Ok {
        if !state.overlays.stale {
            return Line::new();
        }
        let age = oldest(scene, &state.name);
        let words = age.map_or("stale".into(), |age| Clean::line(format_args!("{age} old")));
        return Line::of(words, Tone::Stale);
    }
    let line = Line::of(state.reason.clone(), state.health.into());
    match &state.held_by {
        Some(who) => line.dot().and(Clean::line(format_args!("{who} has it")), Tone::OnCall),
        None => line,
    }
}

/// Age of the oldest answer behind a service's numbers and probes.
fn oldest(scene: &Scene<'_>, name: &Name) -> Option<String> {
    let service = scene.team.service(name)?;
    let ages = numbers(scene.board, service).filter_map(|m| scene.board.age_of(&m.id, scene.now));
    let first = Probe { service: name.clone(), target: Clean::default(), means: "" };
    let probes = scene.board.probes.range(first..).take_while(|(probe, _)| probe.service == *name);
    let told = probes.filter_map(|(_, results)| Some(scene.now.duration_since(results.back()?.at)));
    ages.map(|(age, _)| age).chain(told).max().map(words::span)
}

/// `7 m after deploy v412 (ada)`, `no change in 6 h on it or its 4 upstreams`, or the last change while all is well.
pub fn just_before(scene: &Scene<'_>, state: &ServiceState) -> Line {
    if state.health == Health::Ok {
        return state.last_change.as_ref().map_or_else(Line::new, |last| {
            let words = format!("{}, {}", last.what, words::ago(last.at, scene.now));
            Line::of(Clean::line(words), Tone::Dim)
        });
    }
    match state.changes.first() {
        Some(suspect) => {
            let line = Line::of(suspected(state, suspect), Tone::Release);
            match state.changes.len() - 1 {
                0 => line,
                more => line.space().and(Clean::line(format_args!("+{more}")), Tone::Dim),
            }
        }
        None => nothing_changed(scene, state),
    }
}

/// One suspect in words: time and facts, never a cause.
pub fn suspected(state: &ServiceState, suspect: &crate::insight::Suspect) -> Clean {
    let mut text = if suspect.before_s == 0 {
        "during ".to_owned()
    } else {
        let before = SignedDuration::from_secs(suspect.before_s);
        format!("{} after ", words::span(before))
    };
    // Whose it was stands first: a list that cuts the words must not make another's deploy this one's.
    if let Some(other) = suspect.service.as_ref().filter(|s| **s != state.name) {
        let _ = write!(text, "{other}: ");
    }
    text.push_str(suspect.what.as_str());
    if !suspect.who.is_empty() {
        let _ = write!(text, " ({})", suspect.who);
    }
    Clean::line(text)
}

/// That nothing did, or that nobody knows.
fn nothing_changed(scene: &Scene<'_>, state: &ServiceState) -> Line {
    if state.because.is_some() || state.health == Health::Unknown {
        return Line::new();
    }
    if !state.changes_known && state.looked.unsaid.is_none() {
        return Line::of("changes unknown", Tone::Dim);
    }
    nothing(scene, &state.looked)
}

/// The same of any moment, by where it was looked.
pub fn nothing(scene: &Scene<'_>, looked: &Looked) -> Line {
    let text = match &looked.unsaid {
        Some(Unsaid::Silent(source)) => format!("changes unknown: {source} is not fresh"),
        Some(Unsaid::Short(source, from)) => {
            let known = words::span(scene.now.duration_since(*from));
            format!("changes unknown: {source} knows the last {known} only")
        }
        Some(Unsaid::Nobody) => "changes unknown: nobody tells of its deploys".to_owned(),
        None => match (looked.told, looked.upstreams) {
            (0, 0) => "no change in 6 h".to_owned(),
            (0, 1) => "no change in 6 h on it; of its upstream nobody tells".to_owned(),
            (0, n) => format!("no change in 6 h on it; of its {n} upstreams nobody tells"),
            (1, 1) => "no change in 6 h on it or its upstream".to_owned(),
            (told, n) if told == n => format!("no change in 6 h on it or its {n} upstreams"),
            (told, n) => format!("no change in 6 h on it or {told} of its {n} upstreams"),
        },
    };
    Line::of(Clean::line(text), Tone::Dim)
}

/// A metric's newest reading with the tone of its level and age.
pub fn value(scene: &Scene<'_>, metric: &Metric) -> (Clean, Tone) {
    let Some((_, measure)) = scene.board.tracks.get(&metric.id).and_then(Track::newest) else {
        return (words::NO_DATA.into(), Tone::Unknown);
    };
    let text = words::measure(measure, &metric.unit);
    let fresh = scene.board.age_of(&metric.id, scene.now).map(|(_, staleness)| staleness);
    let tone = match level(metric, measure) {
        _ if fresh != Some(Staleness::Fresh) => Tone::Stale,
        Some(Health::Ok) | None => Tone::Plain,
        Some(health) => health.into(),
    };
    (text, tone)
}

/// The history of a number, in the tone of what it says now.
fn trend(scene: &Scene<'_>, service: &Service, role: Role) -> Cell {
    let Some(metric) = of_role(scene, service, role) else { return Cell::Blank };
    let Some(track) = scene.board.tracks.get(&metric.id) else { return Cell::Blank };
    let tone = match value(scene, metric).1 {
        Tone::Plain if role == Role::Business => Tone::Business,
        Tone::Plain => Tone::Accent,
        tone => tone,
    };
    let slots = usize::from(TREND_CELLS);
    let (from, until) = words::stretch(scene.now, TREND, slots);
    Cell::Spark(track.buckets(from, until, slots), tone)
}

fn who(state: &ServiceState) -> Cell {
    state.on_call.as_ref().map_or(Cell::Blank, |who| cell(who.clone(), Tone::OnCall))
}

fn empty(scene: &Scene<'_>) -> Empty {
    let configured = scene.team.services.len();
    if configured > 0 {
        return Empty { title: "No services here".into(), advice: Vec::new() };
    }
    Empty {
        title: "No services yet".into(),
        advice: vec![
            Line::plain("Add a [[service]] with a name to your configuration,"),
            Line::plain("and under it [[service.metric]] with a query and what good looks like."),
            Line::of("andon config path", Tone::Code)
                .space()
                .and("says which file is read", Tone::Plain),
        ],
    }
}

fn id(_scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    name_of(KIND, key).map(|name| name.clean().clone())
}

/// Root problems: what is down or degraded and does not fold under something else.
fn badge(scene: &Scene<'_>) -> usize {
    let verdict = &scene.survey.verdict;
    verdict.down + verdict.degraded
}
