//! One service opened: its facts, its numbers on one shared time axis with what happened, and everything that belongs to it.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

pub use super::belongings::{outcome_tone, when};
use super::build::{card, name_of, pair};
use super::health::{KIND, just_before, suspected, value};
use super::zoom::{self, Panel, Told, WINDOWS, Zoom};
use super::{
    Axis, Block, Chart, Cursor, Limit, Line, Look, Noun, RowKey, Scene, Series, Tone, belongings,
    learnt, marks, objectives, room, uptime, words,
};
use crate::insight::{Clearance, ServiceState, Trouble, level as level_of, numbers, preset};
use crate::model::{
    Bound, Clean, Comparison, Fold, Health, Link, Measure, Metric, Role, Service, Slices,
    Staleness, Window,
};

/// What the charts beside a list show.
const LATELY: SignedDuration = SignedDuration::from_hours(2);
/// Lines a curve needs with its name.
const BAND_ROWS: u16 = 4;
/// Slices of that: a column each on most screens.
const SLICES: usize = 120;
/// Rows of any one list on the page.
const MOST: usize = 8;

pub fn detail(scene: &Scene<'_>, look: &Look, key: &RowKey) -> Option<Vec<Block>> {
    let name = name_of(KIND, key)?;
    let i = scene.survey.by_name.get(&name).copied()?;
    let (state, service) = (scene.survey.services.get(i)?, scene.team.services.get(i)?);
    let mut facts = facts(scene, state, service);
    if let Noun::Card(card) = &mut facts.noun {
        card.pairs.extend(uptime::pairs(scene, &service.name));
        facts.rows = super::Rows::Exactly(card.pairs.len() as u16);
    }
    let mut blocks = vec![facts];
    blocks.extend(objectives::block(scene, service, state));
    blocks.extend(charts(scene, service, look, key));
    blocks.extend(belongings::probes(scene, service));
    blocks.extend(belongings::alerts(scene, state));
    blocks.extend(belongings::incidents(scene, service, state));
    if state.health != Health::Ok {
        // While it lasts, what was learnt before comes before what it rests on.
        let trouble = Trouble::of_service(scene.board, scene.survey, &service.name);
        blocks.extend(learnt::blocks(scene, &trouble));
    }
    blocks.extend(belongings::dependencies(scene, service));
    blocks.extend(belongings::deploys(scene, service));
    if state.health == Health::Ok {
        blocks.extend(belongings::post_mortems(scene, service));
    }
    Some(blocks)
}

/// The same in short, beside the list on a wide screen.
pub fn aside(scene: &Scene<'_>, key: &RowKey) -> Vec<Block> {
    let Some(i) = name_of(KIND, key).and_then(|n| scene.survey.by_name.get(&n).copied()) else {
        return Vec::new();
    };
    let (Some(state), Some(service)) = (scene.survey.services.get(i), scene.team.services.get(i))
    else {
        return Vec::new();
    };
    let mut blocks = vec![facts(scene, state, service)];
    blocks.extend(lately(scene, service));
    blocks.into_iter().map(|b| Block { place: super::Place::Side, ..b }).collect()
}

pub fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    scene.team.service(&name_of(KIND, key)?)?.runbook.clone()
}

fn facts(scene: &Scene<'_>, state: &ServiceState, service: &Service) -> Block {
    let mut pairs = Vec::new();
    let old = state.overlays.stale && state.health == Health::Ok;
    let tone = if old { Tone::Stale } else { state.health.into() };
    let mut line = Line::of(state.health.word(), tone);
    for (on, word) in [
        (state.overlays.stale, "stale"),
        (state.overlays.flapping, "flapping"),
        (state.overlays.maintenance, "in maintenance"),
        (state.overlays.acked, "acknowledged"),
        (state.overlays.silenced, "silenced"),
        (state.overlays.partial, "partial data"),
    ] {
        if on {
            line = line.dot().and(word, Tone::Dim);
        }
    }
    pairs.push((Clean::from("state"), line));
    if let Some(since) = state.since {
        pairs.push((Clean::from("since"), Line::plain(words::both(since, scene.now, scene.zone))));
    } else if let Some(seen) = state.at_least {
        let words = format!("at least {}", words::both(seen, scene.now, scene.zone));
        pairs.push((Clean::from("since"), Line::plain(Clean::line(words))));
    }
    if let Some(parent) = &state.because {
        let (words, tone) = if state.part {
            (Clean::line(format_args!("{parent}, which it is a part of")), Tone::Plain)
        } else {
            (Clean::line(format_args!("{parent}, which it depends on, is down")), Tone::Down)
        };
        pairs.push((Clean::from("folded under"), Line::of(words, tone)));
    }
    for (i, (health, words)) in state.signals.iter().take(MOST).enumerate() {
        let label = if i == 0 { "why" } else { "" };
        pairs.push((Clean::from(label), Line::of(words.clone(), (*health).into())));
    }
    if state.signals.is_empty() && !state.reason.is_empty() {
        pair(&mut pairs, "why", &state.reason, state.health.into());
    }
    before(scene, state, &mut pairs);
    if let Some(who) = &state.held_by {
        pair(&mut pairs, "who has it", who, Tone::OnCall);
    }
    pairs.push(("can deploy".into(), clearance(scene, &state.clearance)));
    pair(&mut pairs, "owner", &service.owner, Tone::Plain);
    if let Some(who) = &state.on_call {
        pair(&mut pairs, "on call", who, Tone::OnCall);
    }
    if let Some(link) = &service.runbook {
        pair(&mut pairs, "runbook", link.clean(), Tone::Link);
    }
    pair(&mut pairs, "chat", &service.chat, Tone::Plain);
    pair(&mut pairs, "repository", &service.repo, Tone::Plain);
    card(service.name.clean().clone(), pairs)
}

/// `no until Mon 08:00: frozen by weekend · to override: ask ada`.
pub fn clearance(scene: &Scene<'_>, answer: &Clearance) -> Line {
    let near = |at| words::near(at, scene.now, scene.zone);
    match answer.allowed {
        Some(true) => {
            let line = Line::of("yes", Tone::Ok);
            match &answer.next {
                Some((name, from)) => {
                    let words = Clean::line(format_args!("until {name}, {}", near(*from)));
                    line.dot().and(words, Tone::Dim)
                }
                None => line,
            }
        }
        Some(false) => {
            let until = answer.until.map_or_else(String::new, |at| format!(" until {}", near(at)));
            let words = Clean::line(format_args!("no{until}: {}", answer.reason));
            let line = Line::of(words, Tone::Freeze);
            if answer.how_to_override.is_empty() {
                return line;
            }
            let words = Clean::line(format_args!("to override: {}", answer.how_to_override));
            line.dot().and(words, Tone::Dim)
        }
        None => Line::of(answer.reason.clone(), Tone::Unknown),
    }
}

/// What changed just before, each with its score.
fn before(scene: &Scene<'_>, state: &ServiceState, pairs: &mut Vec<(Clean, Line)>) {
    if state.changes.is_empty() {
        let line = just_before(scene, state);
        if !line.0.is_empty() {
            let label = if state.health == Health::Ok { "last change" } else { "just before" };
            pairs.push((label.into(), line));
        }
    }
    for (i, suspect) in state.changes.iter().enumerate() {
        let label = if i == 0 { "just before" } else { "" };
        let near = Clean::line(format_args!("nearness {:.2}", suspect.score));
        let at = Clean::line(words::near(suspect.at, scene.now, scene.zone));
        let line = Line::of(suspected(state, suspect), Tone::Release)
            .dot()
            .and(at, Tone::Dim)
            .dot()
            .and(near, Tone::Dim);
        pairs.push((label.into(), line));
    }
}

/// What the page's charts need from outside.
pub const PANEL: Panel = Panel {
    tab: "health",
    level: |scene, key| {
        let state = name_of(KIND, key).and_then(|name| scene.survey.service(&name));
        level(scene, state)
    },
    numbers: |scene, key| {
        let service = name_of(KIND, key).and_then(|name| scene.team.service(&name));
        service.map_or_else(Vec::new, |s| numbers(scene.board, s).cloned().collect())
    },
};

/// Three hours, or as much as shows what was before the trouble, too.
fn level(scene: &Scene<'_>, state: Option<&ServiceState>) -> usize {
    let trouble = state.filter(|s| s.health != Health::Ok).and_then(|s| s.since);
    let lasts = trouble.map_or(SignedDuration::ZERO, |since| scene.now.duration_since(since));
    let wanted = lasts.saturating_add(lasts / 2).max(SignedDuration::from_hours(3));
    let fits = |window: &SignedDuration| *window >= wanted;
    WINDOWS.iter().position(fits).unwrap_or(WINDOWS.len() - 1).min(DAY)
}

/// No page begins with more than a day: index into `WINDOWS`.
const DAY: usize = 4;

/// Every metric, technical first and business with them, over one stretch of time with what happened in it.
fn charts(scene: &Scene<'_>, service: &Service, look: &Look, key: &RowKey) -> Option<Block> {
    let zoom = &look.zoom;
    let slices = PANEL.slices(scene, zoom, key);
    let told = zoom.told.as_deref().filter(|told| told.page == *key);
    let lanes = marks::lanes(scene, service, Window { from: slices.from(), until: slices.until() });
    let cursor = zoom.cursor.and_then(|at| slices.slice(at));
    let made = |metric: &Metric| {
        let curve = told.filter(|t| t.slices.step() <= slices.step());
        let curve = curve.and_then(|t| t.curves.get(&metric.id)).map(Vec::as_slice);
        let polled = scene.board.tracks.get(&metric.id);
        let readings = zoom::readings(&slices, curve, polled, Fold::of(metric));
        let read = cursor.map(|slice| read(metric, readings.get(slice).and_then(Option::as_ref)));
        let points = readings.iter().map(|r| r.as_ref().and_then(Measure::number)).collect();
        Series { read, ..series(scene, metric, points) }
    };
    let series: Vec<Series> = in_order(scene, service).into_iter().map(made).collect();
    let n = u16::try_from(series.len()).ok().filter(|n| *n > 0)?;
    let chart = Chart {
        series,
        from: slices.from(),
        until: slices.until(),
        cursor: cursor.map(|slice| Cursor {
            slice,
            slices: slices.count(),
            text: moment_words(scene, slices.end(slice).min(scene.now)),
        }),
        lanes: lanes.to_vec(),
    };
    let title = match cursor {
        Some(slice) => {
            let at = slices.end(slice).min(scene.now);
            marks::near(scene, &lanes, at, slices.step())
        }
        None => title(scene, zoom, &slices, told),
    };
    let foot = room::chart_foot(&chart);
    Some(Block::main(title, Noun::Chart(chart)).share(n * BAND_ROWS + foot, 1))
}

/// The last hours as they were polled, for beside a list.
fn lately(scene: &Scene<'_>, service: &Service) -> Option<Block> {
    let (from, until) = words::stretch(scene.now, LATELY, SLICES);
    let made = |metric: &Metric| {
        let track = scene.board.tracks.get(&metric.id);
        series(scene, metric, track.map_or_else(Vec::new, |t| t.buckets(from, until, SLICES)))
    };
    let series: Vec<Series> = in_order(scene, service).into_iter().map(made).collect();
    let n = u16::try_from(series.len()).ok().filter(|n| *n > 0)?;
    let lanes = marks::lanes(scene, service, Window { from, until }).to_vec();
    let chart = Chart { series, from, until, lanes, cursor: None };
    let title = Clean::line(format_args!("last {}", words::span(LATELY)));
    let foot = room::chart_foot(&chart);
    Some(Block::main(title, Noun::Chart(chart)).share(n * BAND_ROWS + foot, 1))
}

fn in_order<'a>(scene: &Scene<'a>, service: &'a Service) -> Vec<&'a Metric> {
    let mut metrics: Vec<&Metric> = numbers(scene.board, service).collect();
    metrics.sort_by_key(|m| m.role);
    metrics
}

/// `last 3 h · every 90 s`, and what is not there yet.
fn title(scene: &Scene<'_>, zoom: &Zoom, slices: &Slices, told: Option<&Told>) -> Clean {
    let span = words::exact(slices.span());
    let mut text = match zoom.until.filter(|until| *until < scene.now) {
        Some(_) => {
            let until = words::near(slices.until(), scene.now, scene.zone);
            format!("{span} until {until} · {}", words::ago(slices.until(), scene.now))
        }
        None => format!("last {span}"),
    };
    let _ = match slices.looks() {
        Some(_) => write!(text, " · worst (or mean) of each {}", words::exact(slices.step())),
        None => write!(text, " · every {}", words::exact(slices.step())),
    };
    match told {
        Some(told) if told.waits => text.push_str(" · asking, what was polled until then"),
        Some(told) => {
            for (source, trouble) in &told.troubles {
                let only = if told.curves.is_empty() { "only what was polled: " } else { "" };
                let _ = write!(text, " · {only}{source}: {trouble}");
            }
        }
        None => {}
    }
    Clean::line(text)
}

/// `03:12 · 4 h ago`.
fn moment_words(scene: &Scene<'_>, at: Timestamp) -> Clean {
    let near = words::near(at, scene.now, scene.zone);
    Clean::line(format_args!("{near} · {}", words::ago(at, scene.now)))
}

/// One value under the cursor.
fn read(metric: &Metric, measure: Option<&Measure>) -> (Clean, Tone) {
    let Some(measure) = measure else { return (words::NO_DATA.into(), Tone::Unknown) };
    let tone = match level_of(metric, measure) {
        Some(Health::Ok) | None => Tone::Strong,
        Some(health) => health.into(),
    };
    (words::measure(measure, &metric.unit), tone)
}

fn series(scene: &Scene<'_>, metric: &Metric, points: Vec<Option<f64>>) -> Series {
    let (newest, tone) = value(scene, metric);
    let tone = match tone {
        Tone::Plain if metric.role == Role::Business => Tone::Business,
        Tone::Plain => Tone::Accent,
        other => other,
    };
    let seen = points.iter().flatten().copied();
    let low = seen.clone().min_by(f64::total_cmp).unwrap_or(f64::NAN);
    let high = seen.max_by(f64::total_cmp).unwrap_or(f64::NAN);
    let limit = |bound: Bound| {
        // A line can be drawn for less and greater, not for equal.
        let line = !matches!(bound.op, Comparison::Equal | Comparison::NotEqual);
        let text = words::bound(bound, &metric.unit).into();
        line.then_some(Limit { bound, text })
    };
    let (good, bad) = (metric.good.and_then(limit), metric.bad.and_then(limit));
    let near = [&good, &bad].into_iter().flatten().map(|l| l.bound.value);
    let (from, until) = scale(low, high, near);
    Series {
        name: metric.id.metric.clean().clone(),
        about: about(scene, metric),
        newest,
        tone,
        read: None,
        points,
        low: words::number(low, &metric.unit),
        high: words::number(high, &metric.unit),
        axis: Axis {
            from,
            until,
            low: words::number(from, &metric.unit),
            high: words::number(until, &metric.unit),
        },
        good,
        bad,
    }
}

/// The ends of an axis: never so close that noise looks like news, and with a limit in sight that is not far.
fn scale(low: f64, high: f64, limits: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut from, mut until) = (low, high);
    for limit in limits {
        if limit > until && limit <= high.abs() * 2.0 {
            until = limit;
        } else if limit < from && limit >= low.abs() / 2.0 {
            from = limit;
        }
    }
    if from > 0.0 && from < until * 0.5 {
        from = 0.0;
    }
    from = from.min(until - until.abs() * 0.25);
    if until > from { (from, until) } else { (from, from + 1.0) }
}

/// `latency · good < 300 ms · bad > 1 s · not all data was there · 12 s old`.
fn about(scene: &Scene<'_>, metric: &Metric) -> Clean {
    let role = metric.role.word();
    let mut text = if metric.id.metric.as_str() == role { String::new() } else { role.to_owned() };
    if let Some(good) = metric.good {
        let _ = write!(text, " · good {}", words::bound(good, &metric.unit));
    }
    if let Some(bad) = metric.bad {
        let _ = write!(text, " · bad {}", words::bound(bad, &metric.unit));
    }
    // `2 of 3 targets up`, or what the store said of its answer.
    if let Some(note) = scene.board.tracks.get(&metric.id).and_then(|track| track.note.as_ref()) {
        let _ = write!(text, " · {note}");
    }
    if let Some(preset) = preset(scene.board, metric) {
        let _ = write!(text, " · found: {preset}");
    }
    if let Some(usual) = objectives::usual(scene, metric) {
        let _ = write!(text, " · {usual}");
    }
    match scene.board.age_of(&metric.id, scene.now) {
        Some((age, staleness)) if staleness != Staleness::Fresh => {
            let _ = write!(text, " · {} old", words::span(age));
        }
        None => text.push_str(" · no answer yet"),
        Some(_) => {}
    }
    Clean::line(text.trim_start_matches(" · "))
}
