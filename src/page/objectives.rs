//! A service's objectives as a column and as a card: how much of a budget is left, how fast it goes, and until when.

use super::build::{card, cell};
use super::{Block, Cell, Line, Scene, Tone, words};
use crate::insight::slo::share;
use crate::insight::{Budget, Burning, ServiceState};
use crate::model::{Clean, Measure, Metric, Service, Staleness, Unit};

/// What is left of the budget that is worst off: `62 %`, `41 % ↓` while it burns, `−40 %` when overspent.
pub fn budget(service: &Service, state: &ServiceState) -> Cell {
    // What burns comes first, then what is spent most; what nobody knows last.
    let worst = state.slos.iter().min_by(|a, b| {
        let left = |budget: &Budget| budget.left.unwrap_or(f64::INFINITY);
        b.verdict
            .max(Burning::Calm)
            .cmp(&a.verdict.max(Burning::Calm))
            .then(left(a).total_cmp(&left(b)))
    });
    match worst {
        None if service.slos.is_empty() => Cell::Blank,
        None => cell(words::NO_DATA, Tone::Unknown),
        Some(budget) => Cell::Line(left(budget)),
    }
}

/// The signs are for eyes that tell no colours.
fn left(budget: &Budget) -> Line {
    let Some(left) = budget.left else {
        return match budget.instead {
            Some(Measure::NoTraffic) => Line::of("idle", Tone::Dim),
            _ => Line::of(words::NO_DATA, Tone::Unknown),
        };
    };
    let line = Line::of(Clean::line(share(left)), tone(budget));
    if budget.verdict >= Burning::Ticket { line.space().and("↓", tone(budget)) } else { line }
}

fn tone(budget: &Budget) -> Tone {
    match budget.verdict {
        _ if budget.staleness != Staleness::Fresh => Tone::Stale,
        Burning::Page => Tone::Down,
        _ if budget.left.is_some_and(|left| left < 0.0) => Tone::Down,
        Burning::Ticket => Tone::Degraded,
        _ if budget.low_traffic => Tone::Dim,
        _ => Tone::Plain,
    }
}

/// Every objective: what is left and until when, what that is a share of, and how fast it went in each window.
pub fn block(scene: &Scene<'_>, service: &Service, state: &ServiceState) -> Option<Block> {
    let mut pairs = Vec::new();
    for budget in &state.slos {
        pairs.push((budget.name.clone(), verdict(budget)));
        pairs.push((Clean::default(), promise(scene, budget)));
        if let Some(line) = burns(budget) {
            pairs.push(("burn".into(), line));
        }
    }
    let unheard = service.slos.iter().filter(|slo| {
        let key = slo.key(&service.name);
        state.slos.iter().all(|budget| budget.key != key)
    });
    for slo in unheard {
        let line = Line::of("no answer yet", Tone::Unknown);
        pairs.push((slo.name.clean().clone(), line));
    }
    (!pairs.is_empty()).then(|| card("objectives", pairs))
}

/// `41 % left · gone in 5 h at this pace`.
fn verdict(budget: &Budget) -> Line {
    let tone = tone(budget);
    let Some(left) = budget.left_words() else {
        let words = match &budget.instead {
            Some(Measure::NoTraffic) => words::NO_TRAFFIC.into(),
            Some(Measure::Unreadable(why)) => why.clone(),
            _ => "no data".into(),
        };
        return Line::of(words, Tone::Unknown);
    };
    let mut line = Line::of(Clean::line(left), tone);
    if let Some(gone) = budget.gone_in {
        let span = words::span(gone);
        let spent = budget.left.is_some_and(|left| left <= 0.0);
        let words = if spent {
            format!("at this pace a whole one goes in {span}")
        } else {
            format!("gone in {span} at this pace")
        };
        line = line.dot().and(Clean::line(words), tone);
    } else if let (Burning::Calm, Some(longest)) = (budget.verdict, budget.burns.last()) {
        let span = words::exact(longest.window);
        let pace = Clean::line(format_args!("lasts at the pace of the last {span}"));
        line = line.dot().and(pace, Tone::Dim);
    }
    if budget.verdict >= Burning::Ticket && !budget.is_certain() {
        line = line.dot().and("few events, which may be chance", Tone::Dim);
    }
    line
}

/// `99.9 % of events in 30 d · 1,037 bad of 2,592 allowed, of 2,592,000 · by prom, 12 s ago`.
fn promise(scene: &Scene<'_>, budget: &Budget) -> Line {
    let target = words::number(budget.target * 100.0, &Unit::Percent);
    let of = budget.weighted.word();
    let period = words::span(budget.period);
    let mut line = Line::of(Clean::line(format_args!("{target} of {of} in {period}")), Tone::Dim);
    if let (Some(bad), Some(allowed), Some(total)) = (budget.bad, budget.allowed, budget.total) {
        let count = |n: f64| words::number(n.round(), &Unit::Count);
        let words =
            format!("{} bad of {} allowed, of {}", count(bad), count(allowed), count(total));
        line = line.dot().and(Clean::line(words), Tone::Dim);
    }
    if budget.low_traffic {
        let fewest = words::number(10.0 / (1.0 - budget.target), &Unit::Count);
        let words = Clean::line(format_args!("fewer than {fewest} events tell little"));
        line = line.dot().and(words, Tone::Dim);
    }
    let by = match budget.written {
        crate::model::Written::Configuration => format!("by {}", budget.key.source),
        found => format!("found: {} in {}", found.word(), budget.key.source),
    };
    line = line.dot().and(Clean::line(by), Tone::Dim);
    match budget.at {
        Some(at) if budget.staleness != Staleness::Fresh => {
            let age = words::span(scene.now.duration_since(at));
            line.dot().and(Clean::line(format_args!("{age} old")), Tone::Stale)
        }
        _ => line,
    }
}

/// `5 m 55× · 1 h 5.1× · …`: those faster than a row of theirs allows in its tone.
fn burns(budget: &Budget) -> Option<Line> {
    let mut line = Line::new();
    for (i, burn) in budget.burns.iter().enumerate() {
        if i > 0 {
            line = line.dot();
        }
        let fired =
            budget.fired.is_some_and(|row| row.long == burn.window || row.short == burn.window);
        let tone = match burn.rate {
            _ if burn.staleness != Staleness::Fresh => Tone::Stale,
            Some(_) if fired => tone(budget),
            Some(_) if burn.low_traffic => Tone::Dim,
            Some(_) => Tone::Plain,
            None => Tone::Unknown,
        };
        let rate = match (burn.rate, &burn.ratio) {
            (Some(rate), _) => times(rate),
            (None, Measure::NoTraffic) => "idle".to_owned(),
            (None, _) => words::NO_DATA.to_owned(),
        };
        let window = Clean::line(words::exact(burn.window));
        line = line.and(window, Tone::Dim).space().and(Clean::line(rate), tone);
    }
    (!budget.burns.is_empty()).then_some(line)
}

/// Times the pace that spends a budget in its period.
fn times(rate: f64) -> String {
    if !rate.is_finite() {
        return "∞".to_owned();
    }
    format!("{}×", words::number((rate * 100.0).round() / 100.0, &Unit::None))
}

/// From which share on a number is said to differ from that of last week.
const MUCH: f64 = 0.2;

/// How a number differs from that of the same hour last week, where it does so much: the sign, and in words.
pub fn against_last_week(scene: &Scene<'_>, metric: &Metric) -> Option<(&'static str, String)> {
    let usual = scene.board.baseline_of(&metric.id, scene.now)?;
    let value = scene.board.tracks.get(&metric.id)?.newest()?.1.number()?;
    let share = (value - usual) / usual.abs();
    if !share.is_finite() || share.abs() < MUCH {
        return None;
    }
    let sign = if share > 0.0 { "↑" } else { "↓" };
    let words = if share >= 2.0 {
        format!("{sign} {} last week", times(value / usual))
    } else {
        format!("{sign} {:.0} % on last week", share.abs() * 100.0)
    };
    Some((sign, words))
}

/// `usual 210 ms, ↑ 34 % on last week`: nothing where nobody knows what was usual.
pub fn usual(scene: &Scene<'_>, metric: &Metric) -> Option<String> {
    let usual = scene.board.baseline_of(&metric.id, scene.now)?;
    let usual = words::number(usual, &metric.unit);
    Some(match against_last_week(scene, metric) {
        Some((_, differs)) => format!("usual {usual}, {differs}"),
        None => format!("usual {usual}"),
    })
}
