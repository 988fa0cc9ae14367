//! The word on the wall: how all of it is, in one word, and whether that can still be believed.

use jiff::{SignedDuration, Timestamp};

use super::{Lamp, span};
use crate::insight::slo::Burning;
use crate::insight::{ServiceState, Verdict};
use crate::model::{Clean, Health, Name, Staleness, Status};
use crate::page::{Line, Scene, Tone, health, words};

/// Why the pages stop taking turns: what is drawn in red anywhere, and what can no longer be believed. Amber is no
/// reason: a wall that stood still for every warning would show one page for weeks.
pub fn holds(scene: &Scene<'_>) -> Option<&'static str> {
    let verdict = &scene.survey.verdict;
    let burns = |state: &ServiceState| {
        let is_own = state.because.is_none() && !state.overlays.maintenance;
        is_own && state.slos.iter().any(|slo| slo.verdict == Burning::Page && slo.is_certain())
    };
    if let Some(old) = old(scene) {
        Some(if old == Old::Nothing { "there are no data" } else { "the data are old" })
    } else if verdict.worst == Health::Down {
        Some("something is down")
    } else if scene.survey.services.iter().any(burns) {
        Some("a budget burns")
    } else if verdict.unacked > 0 {
        Some("nobody has an incident")
    } else {
        None
    }
}

/// What is shown was true a while ago, or would be shown if nobody told of the contrary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Old {
    /// No source is heard any more.
    Data(SignedDuration),
    /// No source was ever heard, and those that were asked did not answer.
    Nothing,
    /// A source that services are judged by is silent.
    Source(Name, SignedDuration),
    /// An alert that always fires stopped to arrive: no other would.
    Missing(Clean, SignedDuration),
}

impl Old {
    pub fn words(&self) -> Clean {
        match self {
            Self::Nothing => "no data".into(),
            Self::Data(age) => Clean::line(format_args!("data {} old", span(*age))),
            Self::Source(name, age) => Clean::line(format_args!("{name} {} old", span(*age))),
            Self::Missing(name, age) => Clean::line(format_args!("{name} missing {}", span(*age))),
        }
    }
}

/// Silence of a source that services are judged by; of all sources where none is heard any more.
pub fn old(scene: &Scene<'_>) -> Option<Old> {
    let sources = &scene.board.sources;
    let age = |heard: Timestamp| scene.now.duration_since(heard).max(SignedDuration::ZERO);
    let missing = scene.survey.verdict.dead_man.first();
    let missing = || missing.map(|dead| Old::Missing(dead.name.clone(), age(dead.since)));
    let silent = || sources.iter().filter(|(_, f)| f.staleness(scene.now) != Staleness::Fresh);
    if silent().next().is_none() {
        return missing();
    }
    if silent().count() == sources.len() {
        let newest = sources.values().filter_map(|f| f.last_ok).max();
        // Who was not asked yet is waited for.
        let failed = || sources.values().any(|f| f.status != Status::Unknown);
        return match newest {
            Some(newest) => Some(Old::Data(age(newest))),
            None => failed().then_some(Old::Nothing),
        };
    }
    let judged_by = |name: &Name, kind: &str| {
        ["alertmanager", "prometheus", "pagerduty"].contains(&kind)
            || scene.board.track_sources.values().any(|source| source == name)
            || scene.board.probe_sources.values().any(|source| source == name)
    };
    let heard = silent().filter_map(|(name, f)| Some((name, f.kind, f.last_ok?)));
    let judged = heard.filter(|(name, kind, _)| judged_by(name, kind));
    let oldest = judged.min_by_key(|(.., heard)| *heard);
    oldest.map(|(name, _, heard)| Old::Source(name.clone(), age(heard))).or_else(missing)
}

pub fn lamp(scene: &Scene<'_>, old: Option<&Old>) -> Lamp {
    let worst = scene.survey.verdict.worst;
    let all = scene.survey.services.len();
    // What was well when it was last heard of is not well: it is old.
    let (health, word, tone) = match worst {
        Health::Ok if old.is_some() => (Health::Unknown, "stale", Tone::Stale),
        _ if all == 0 => (Health::Unknown, "nothing", Tone::Unknown),
        health => (health, health.word(), health.into()),
    };
    let mut lines = vec![counts(scene, old.is_some())];
    if let Some(state) = worst_of(scene) {
        lines.extend(worst_lines(scene, state));
    }
    lines.extend(marks(scene));
    Lamp { health, word: Clean::from(word), tone, lines }
}

/// The root that is worst, the first in the team's order.
fn worst_of<'a>(scene: &Scene<'a>) -> Option<&'a ServiceState> {
    let verdict = &scene.survey.verdict;
    let first = verdict.named.first()?;
    scene.survey.service(first).filter(|state| state.health != Health::Ok)
}

/// `2 down · 1 degraded · 12 ok`; where the data are old, that all were well is told as what it was.
fn counts(scene: &Scene<'_>, is_old: bool) -> Line {
    let Verdict { down, degraded, unknown, folded, .. } = scene.survey.verdict;
    let all = scene.survey.services.len();
    if all == 0 {
        return Line::of("no services yet", Tone::Unknown);
    }
    let ok = scene.survey.services.iter().filter(|s| s.health == Health::Ok).count();
    if ok == all {
        let s = if all == 1 { "" } else { "s" };
        let (was, tone) = if is_old { (" when last heard", Tone::Stale) } else { ("", Tone::Ok) };
        let ok = words::many(ok);
        return Line::of(Clean::line(format_args!("{ok} of {all} service{s} ok{was}")), tone);
    }
    let told = [
        (down, Health::Down),
        (degraded, Health::Degraded),
        (unknown, Health::Unknown),
        (ok, Health::Ok),
    ];
    let mut line = Line::new();
    for (n, health) in told.into_iter().filter(|(n, _)| *n > 0) {
        if !line.0.is_empty() {
            line = line.dot();
        }
        let tone = if is_old && health == Health::Ok { Tone::Stale } else { health.into() };
        line = line.and(Clean::line(format_args!("{} {}", words::many(n), health.word())), tone);
    }
    if folded > 0 {
        line = line
            .dot()
            .and(Clean::line(format_args!("{} downstream", words::many(folded))), Tone::Dim);
    }
    line
}

/// What is worst, since when, after what, and who has it.
fn worst_lines(scene: &Scene<'_>, state: &ServiceState) -> Vec<Line> {
    let name = state.name.clean().clone();
    let mut first = Line::of(name, Tone::Strong);
    if let Some(since) = state.since {
        let lasting = span(scene.now.duration_since(since).max(SignedDuration::ZERO));
        let words = Clean::line(format_args!("{} for {lasting}", state.health.word()));
        first = first.space().and(words, state.health.into());
    } else {
        first = first.space().and(state.health.word(), state.health.into());
    }
    let mut lines = vec![first];
    let before = health::just_before(scene, state);
    if !before.0.is_empty() {
        lines.push(before);
    }
    lines.push(who(state));
    lines.retain(|line| !line.0.is_empty());
    lines
}

/// Who has it; that nobody has is worth saying only where somebody could say so.
pub fn who(state: &ServiceState) -> Line {
    match (&state.held_by, &state.on_call) {
        (Some(who), _) => Line::of(Clean::line(format_args!("{who} has it")), Tone::OnCall),
        (None, _) if !state.incidents.is_empty() => Line::of("nobody has it yet", Tone::Degraded),
        (None, Some(who)) => Line::of(Clean::line(format_args!("{who} is on call")), Tone::OnCall),
        (None, None) => Line::new(),
    }
}

/// Sources that do not do well, and what else must not be overlooked.
fn marks(scene: &Scene<'_>) -> Vec<Line> {
    let verdict = &scene.survey.verdict;
    let of = verdict.sources;
    let told = [
        (verdict.failing_sources, "failing", Tone::Degraded),
        (verdict.stale_sources, "stale", Tone::Stale),
        (verdict.awaited_sources, "not heard yet", Tone::Dim),
    ];
    let told = told.into_iter().filter(|(n, ..)| *n > 0);
    told.map(|(n, words, tone)| {
        Line::of(Clean::line(format_args!("{n} of {of} sources {words}")), tone)
    })
    .collect()
}
