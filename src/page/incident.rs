//! One incident, alert or broken rule opened: its facts, its timeline with the changes before it, and what was learnt last time.

use jiff::Timestamp;

use super::build::{card, cell, left, pair, right, share, side_table};
use super::incidents::{Group, Item, alert_state, ended, item, quiet, status_tone, summary};
use super::{
    Agenda, AgendaEntry, Block, Line, Look, Noun, RowKey, Scene, Tone, Width, learnt, words,
};
use crate::insight::{Before, Trouble};
use crate::model::{AlertRule, Clean, Incident, Link, Record};

const MOST: usize = 12;

pub fn detail(scene: &Scene<'_>, _look: &Look, key: &RowKey) -> Option<Vec<Block>> {
    let item = item(scene, key)?;
    let summary = summary(scene, &item)?;
    let mut blocks = match &item {
        Item::Incident(record) => of_incident(scene, record, summary.service),
        Item::Group(group) => of_group(scene, group),
        Item::Rule(rule) => vec![of_rule(rule)],
    };
    if let Some(start) = summary.started {
        blocks.push(timeline(scene, &item, summary.service, start));
    }
    blocks.extend(learnt::blocks(scene, &trouble(scene, &item, summary.service)));
    Some(blocks)
}

/// What post-mortems are compared with.
fn trouble(scene: &Scene<'_>, item: &Item<'_>, service: Option<usize>) -> Trouble {
    let name = service.and_then(|i| scene.team.services.get(i)).map(|s| &s.name);
    match item {
        Item::Incident(record) => {
            Trouble::of_incident(scene.board, scene.team, scene.survey, &record.what)
        }
        Item::Group(group) => Trouble::of_alerts(name, &group.alerts),
        Item::Rule(_) => name.map_or_else(Trouble::default, |name| Trouble {
            services: vec![name.clone()],
            ..Trouble::default()
        }),
    }
}

pub fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    match item(scene, key)? {
        Item::Incident(record) => record.what.url.clone(),
        Item::Group(group) => {
            let first = group.first()?;
            first.runbook.clone().or_else(|| first.url.clone())
        }
        Item::Rule(_) => None,
    }
}

pub fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    Some(match item(scene, key)? {
        Item::Incident(record) if record.what.reference.is_empty() => record.what.key.id.clean(),
        Item::Incident(record) => record.what.reference.clone(),
        Item::Group(group) => group.first()?.name.clone(),
        Item::Rule(rule) => rule.name.clone(),
    })
}

fn of_incident(scene: &Scene<'_>, record: &Record<Incident>, service: Option<usize>) -> Vec<Block> {
    let incident = &record.what;
    let mut pairs = Vec::new();
    let status = Line::of(Clean::line(incident.status.word()), status_tone(&incident.status));
    pairs.push((Clean::from("status"), status));
    if let (Some(at), true) = (ended(record), incident.status.is_open()) {
        let words = format!("no longer listed since {}", words::both(at, scene.now, scene.zone));
        pair(&mut pairs, "", &words.into(), Tone::Stale);
    }
    let priority = match incident.severity {
        Some(_) => format!("{} {}", words::severity(incident.severity), incident.priority),
        None => incident.priority.to_string(),
    };
    pair(&mut pairs, "severity", &priority.into(), Tone::Plain);
    let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
    let nobody = if incident.status.is_open() { "nobody has it yet" } else { "" };
    let who = if who.is_empty() { Clean::from(nobody) } else { Clean::line(who.join(", ")) };
    pair(&mut pairs, "who has it", &who, Tone::OnCall);
    pair(&mut pairs, "service", &incident.service_name, Tone::Plain);
    pair(&mut pairs, "escalation", &incident.policy, Tone::Plain);
    if let Some(started) = incident.started {
        pair(&mut pairs, "started", &words::both(started, scene.now, scene.zone), Tone::Plain);
    }
    runbook(scene, service, &mut pairs);
    if let Some(url) = &incident.url {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    pair(&mut pairs, "source", incident.key.source.clean(), Tone::Dim);
    let title = format!("{} {}", incident.reference, words::shown(&incident.title));
    vec![card(title, pairs)]
}

fn runbook(scene: &Scene<'_>, service: Option<usize>, pairs: &mut Vec<(Clean, Line)>) {
    let service = service.and_then(|i| scene.team.services.get(i));
    if let Some(link) = service.and_then(|s| s.runbook.as_ref()) {
        pair(pairs, "runbook", link.clean(), Tone::Link);
    }
    if let Some(service) = service {
        pair(pairs, "chat", &service.chat, Tone::Plain);
    }
}

fn of_group(scene: &Scene<'_>, group: &Group<'_>) -> Vec<Block> {
    let Some(first) = group.first() else { return Vec::new() };
    let mut pairs = Vec::new();
    let (word, tone) = alert_state(first);
    pairs.push((Clean::from("state"), Line::of(word, tone)));
    if let Some(words) = quiet(scene, first) {
        pair(&mut pairs, "quiet because", &words, Tone::Dim);
    }
    pair(&mut pairs, "severity", &words::severity(first.severity), Tone::Plain);
    if let Some(started) = first.started {
        pair(&mut pairs, "since", &words::both(started, scene.now, scene.zone), Tone::Plain);
    }
    pair(&mut pairs, "summary", &first.summary, Tone::Plain);
    pair(&mut pairs, "description", &Clean::line(&first.description), Tone::Plain);
    if let Some(link) = &first.runbook {
        pair(&mut pairs, "runbook", link.clean(), Tone::Link);
    } else {
        runbook(scene, group.service, &mut pairs);
    }
    if let Some(url) = &first.url {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    let receivers: Vec<&str> = first.receivers.iter().map(Clean::as_str).collect();
    pair(&mut pairs, "goes to", &Clean::line(receivers.join(", ")), Tone::Dim);
    pair(&mut pairs, "source", first.key.source.clean(), Tone::Dim);
    let mut blocks = vec![card(words::shown(&first.name), pairs)];
    let columns = vec![
        left("state", Width::Exactly(10), 0),
        left("labels", share(20, 1), 0),
        right("for", 8, 0),
    ];
    let rows = group.alerts.iter().take(MOST).map(|alert| {
        let (word, tone) = alert_state(alert);
        let labels: Vec<String> = alert
            .labels
            .iter()
            .filter(|(k, _)| k.as_str() != "alertname")
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        vec![
            cell(word, tone),
            cell(Clean::line(labels.join(" ")), Tone::Plain),
            cell(words::lasting(alert.started, scene.now), Tone::Dim),
        ]
    });
    let title = words::counted(group.alerts.len(), "alert", "alerts");
    blocks.push(side_table(title, columns, rows.collect(), MOST));
    blocks
}

fn of_rule(rule: &AlertRule) -> Block {
    let mut pairs = Vec::new();
    let words = "This rule cannot be evaluated: its silence means nothing.";
    pair(&mut pairs, "state", &words.into(), Tone::Unknown);
    pair(&mut pairs, "error", &rule.last_error, Tone::Down);
    pair(&mut pairs, "query", &rule.query, Tone::Code);
    pair(&mut pairs, "group", &rule.group, Tone::Dim);
    pair(&mut pairs, "source", rule.key.source.clean(), Tone::Dim);
    card(words::shown(&rule.name), pairs)
}

/// Changes before it and its own steps, in time order.
fn timeline(scene: &Scene<'_>, item: &Item<'_>, service: Option<usize>, start: Timestamp) -> Block {
    let mut steps: Vec<(Timestamp, Line)> = Vec::new();
    if let Some(service) = service {
        let before = scene.memo.before.get(scene, (service, start), || {
            Before::new(scene.board, scene.team).suspects(service, start)
        });
        for suspect in before.iter() {
            let own = scene.team.services.get(service).map(|s| &s.name);
            let other = suspect.service.as_ref().filter(|s| Some(*s) != own);
            let of = other.map(|s| format!(" of {s}")).unwrap_or_default();
            let line = Line::of(Clean::line(format_args!("{}{of}", suspect.what)), Tone::Release);
            let line = if suspect.who.is_empty() {
                line
            } else {
                line.dot().and(suspect.who.clone(), Tone::Dim)
            };
            steps.push((suspect.at, line));
        }
    }
    if let Item::Incident(record) = item {
        let incident = &record.what;
        let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
        let acked = Clean::line(format_args!("acknowledged {}", who.join(", ")));
        for (at, words, tone) in [
            (incident.started, Clean::from("started"), Tone::Down),
            (incident.acked, acked, Tone::OnCall),
            (incident.mitigated, Clean::from("mitigated"), Tone::Degraded),
            (incident.resolved, Clean::from("resolved"), Tone::Ok),
        ] {
            steps.extend(at.map(|at| (at, Line::of(words, tone))));
        }
    } else {
        steps.push((start, Line::of("started firing", Tone::Down)));
    }
    steps.sort_by_key(|(at, _)| *at);
    let entries: Vec<AgendaEntry> = steps
        .into_iter()
        .map(|(at, line)| AgendaEntry {
            day: words::day(at.to_zoned(scene.zone.clone()).date()).into(),
            time: words::clock(at, scene.zone).into(),
            line,
            key: None,
            selected: false,
        })
        .collect();
    let agenda = Agenda { entries, first: 0, empty: None };
    Block::main("timeline", Noun::Agenda(agenda)).share(4, 2)
}
