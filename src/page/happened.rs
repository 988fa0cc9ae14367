//! What happened lately, to every service in one list: deploys, changes, alerts and incidents in time order, newest first.

use jiff::{SignedDuration, Timestamp};

use super::build::of_repo;
use super::{Agenda, AgendaEntry, Block, Line, Noun, Scene, Tone, words};
use crate::insight::words::{earlier, later};
use crate::insight::{is_production, moment, of_incident, version};
use crate::model::{Alert, Clean, Outcome};

/// How far back it looks.
const BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Clocks differ: what is dated a little ahead is kept until its moment is past.
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// Columns of a service's name.
const NAME: usize = 10;

/// Lines kept: more than any screen has.
const MOST: usize = 120;

#[derive(Debug)]
pub struct Step {
    at: Timestamp,
    service: Clean,
    what: Line,
}

/// The newest `rows` steps of the team's last days; `None` when nothing is known to have happened.
pub fn lately(scene: &Scene<'_>, rows: usize) -> Option<Block> {
    let steps = scene.memo.lately.get(scene, (), || all(scene));
    let entry = |step: &Step| {
        let age = words::ago(step.at, scene.now);
        let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.len()));
        let name = step.service.as_str();
        let mut line = Line::of(Clean::line(&age), Tone::Dim)
            .and(Clean::body(&pad(&age, 13), 13), Tone::Dim)
            .and(step.service.clone(), Tone::Plain)
            .and(Clean::body(&pad(name, NAME), NAME), Tone::Dim)
            .and("  ", Tone::Dim);
        line.0.extend(step.what.0.iter().cloned());
        AgendaEntry {
            day: words::day(step.at.to_zoned(scene.zone.clone()).date()).into(),
            time: words::clock(step.at, scene.zone).into(),
            line,
            key: None,
            selected: false,
        }
    };
    let past = steps.iter().filter(|s| s.at <= scene.now);
    let entries: Vec<AgendaEntry> = past.take(rows).map(entry).collect();
    let known = !entries.is_empty();
    let agenda = Noun::Agenda(Agenda { entries, first: 0, empty: None });
    known.then(|| Block::main("what happened", agenda).share(4, 1))
}

fn all(scene: &Scene<'_>) -> Vec<Step> {
    let from = earlier(scene.now, BACK);
    let mut steps = changes(scene);
    steps.extend(incidents(scene));
    steps.extend(alerts(scene));
    steps.retain(|s| s.at >= from && s.at <= later(scene.now, SOON));
    steps.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.service.cmp(&b.service)));
    steps.truncate(MOST);
    steps
}

/// Deploys to where it counts, failed ones anywhere, and every other change.
fn changes(scene: &Scene<'_>) -> Vec<Step> {
    let deploys = scene.board.deploys.all().map(|r| &r.what).filter(|d| {
        is_production(scene.team, d.environment.as_str()) || d.outcome == Outcome::Failed
    });
    let deploys = deploys.filter_map(|d| {
        let what = Line::of(Clean::line(format_args!("deploy {}", version(d))), Tone::Release)
            .space()
            .and(Clean::line(d.outcome.word()), super::service::outcome_tone(&d.outcome));
        let what = if d.who.is_empty() { what } else { what.dot().and(d.who.clone(), Tone::Dim) };
        Some(Step { at: moment(d)?, service: of_repo(scene, &d.repo), what })
    });
    let others = scene.board.changes.all().map(|r| &r.what).filter_map(|change| {
        let names: Vec<&str> = change.service_names.iter().map(Clean::as_str).collect();
        let what = Line::of(change.origin.clone(), Tone::Release)
            .and(if change.origin.is_empty() { "" } else { " " }, Tone::Dim)
            .and(change.summary.clone(), Tone::Plain);
        Some(Step { at: change.at?, service: Clean::line(names.join(", ")), what })
    });
    deploys.chain(others).collect()
}

fn incidents(scene: &Scene<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for incident in scene.board.incidents.all().map(|r| &r.what) {
        let service = of_incident(scene.team, incident).and_then(|i| scene.team.services.get(i));
        let service = service.map_or(&incident.service_name, |s| s.name.clean());
        let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
        let acked = Clean::line(format_args!("acknowledged by {}", who.join(", ")));
        for (at, word, tone) in [
            (incident.started, Clean::from("began"), Tone::Down),
            (incident.acked, acked, Tone::OnCall),
            (incident.mitigated, Clean::from("mitigated"), Tone::Degraded),
            (incident.resolved, Clean::from("resolved"), Tone::Ok),
        ] {
            let Some(at) = at else { continue };
            let named = Clean::line(format_args!("incident {}", incident.reference));
            let what = Line::of(named, Tone::Strong).space().and(word, tone);
            let what = what.dot().and(words::shown(&incident.title), Tone::Dim);
            steps.push(Step { at, service: service.clone(), what });
        }
    }
    steps
}

/// Alerts that fire still, quiet ones dimmed.
fn alerts(scene: &Scene<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let step = |alert: &Alert, service: Clean| {
        let (word, tone) = super::incidents::alert_state(alert);
        let what = Line::of("alert", Tone::Strong)
            .space()
            .and(words::shown(&alert.name), Tone::Plain)
            .space()
            .and(word, tone)
            .dot()
            .and(alert.summary.clone(), Tone::Dim);
        alert.started.map(|at| Step { at, service, what })
    };
    for state in &scene.survey.services {
        let own = state.alerts.iter().filter_map(|key| scene.board.alerts.get(key));
        steps.extend(own.filter_map(|r| step(&r.what, state.name.clean().clone())));
    }
    steps
}
