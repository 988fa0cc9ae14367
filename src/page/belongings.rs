//! What belongs to a service: its alerts with their rules, incidents, what it rests on, probes, deploys, post-mortems.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::build::{card, cell, left, pair, right, share, side_table};
use super::{Block, Cell, Line, Scene, Tone, Width, health, marks, words};
use crate::insight::{ServiceState, is_about, moment, version};
use crate::model::{
    Alert, AlertRule, Clean, Deploy, Health, Incident, Name, Outcome, Record, Service,
};

/// Rows of any one list on the page.
const MOST: usize = 8;

pub fn deploys(scene: &Scene<'_>, service: &Service) -> Option<Block> {
    let own = marks::own_deploys(scene, service);
    if own.is_empty() {
        return None;
    }
    let columns = vec![
        left("deploy", share(8, 1), 0),
        left("where", share(8, 1), 1),
        left("outcome", Width::Exactly(10), 2),
        left("who", share(6, 1), 3),
        right("when", 16, 1),
    ];
    let row = |deploy: &&Deploy| {
        vec![
            cell(version(deploy), Tone::Plain),
            cell(deploy.environment.clone(), Tone::Dim),
            cell(Clean::line(deploy.outcome.word()), outcome_tone(&deploy.outcome)),
            cell(deploy.who.clone(), Tone::Dim),
            when(scene, moment(deploy)),
        ]
    };
    Some(side_table("deploys", columns, own.iter().take(MOST).map(row).collect(), MOST))
}

pub fn outcome_tone(outcome: &Outcome) -> Tone {
    match outcome {
        Outcome::Succeeded => Tone::Ok,
        Outcome::Failed => Tone::Down,
        Outcome::Running => Tone::Accent,
        Outcome::Waiting | Outcome::Cancelled => Tone::Dim,
        Outcome::Other(_) => Tone::Unknown,
    }
}

/// A moment in a narrow cell.
pub fn when(scene: &Scene<'_>, at: Option<Timestamp>) -> Cell {
    at.map_or_else(
        || cell(words::NO_DATA, Tone::Dim),
        |at| cell(Clean::line(words::near(at, scene.now, scene.zone)), Tone::Dim),
    )
}

pub fn probes(scene: &Scene<'_>, service: &Service) -> Option<Block> {
    let own = scene.board.probes.iter().filter(|(p, _)| p.service == service.name);
    let rows: Vec<Vec<Cell>> = own
        .filter_map(|(probe, results)| {
            let newest = results.back()?;
            Some(vec![
                cell(newest.health.word(), newest.health.into()),
                cell(Clean::line(format_args!("{} {}", probe.means, probe.target)), Tone::Plain),
                cell(newest.words.clone(), Tone::Dim),
                when(scene, Some(newest.at)),
            ])
        })
        .collect();
    let columns = vec![
        left("state", Width::Exactly(9), 0),
        left("probe", share(12, 2), 0),
        left("result", share(8, 2), 1),
        right("asked", 16, 2),
    ];
    (!rows.is_empty()).then(|| side_table("probes", columns, rows, MOST))
}

/// What fires or is about to, each with the rule behind it and where its runbook is.
pub fn alerts(scene: &Scene<'_>, state: &ServiceState) -> Option<Block> {
    let records = state.alerts.iter().filter_map(|key| scene.board.alerts.get(key));
    let mut groups: Vec<(&Alert, usize)> = Vec::new();
    for alert in records.map(|record| &record.what) {
        match groups.iter_mut().find(|(first, _)| first.name == alert.name) {
            Some((first, n)) => {
                *n += 1;
                if alert.is_shouting() && !first.is_shouting() {
                    *first = alert;
                }
            }
            None => groups.push((alert, 1)),
        }
    }
    groups.sort_by_key(|(alert, _)| (!alert.is_shouting(), alert.severity, alert.started));
    let mut pairs = Vec::new();
    for (alert, n) in groups.iter().take(MOST) {
        alert_lines(scene, alert, *n, &mut pairs);
    }
    if groups.len() > MOST {
        let words = format!("and {} more: see Incidents", groups.len() - MOST);
        pairs.push((Clean::default(), Line::of(Clean::line(words), Tone::Dim)));
    }
    (!pairs.is_empty()).then(|| Block { place: super::Place::Side, ..card("alerts", pairs) })
}

fn alert_lines(scene: &Scene<'_>, alert: &Alert, n: usize, pairs: &mut Vec<(Clean, Line)>) {
    let (word, tone) = super::incidents::alert_state(alert);
    let mut line = Line::of(words::shown(&alert.name), Tone::Strong);
    if n > 1 {
        line = line.space().and(Clean::line(format_args!("×{n}")), Tone::Plain);
    }
    if alert.severity.is_some() {
        line = line.dot().and(words::severity(alert.severity), tone);
    }
    let lasts = words::lasting(alert.started, scene.now);
    line = line.dot().and(Clean::line(format_args!("for {lasts}")), Tone::Dim);
    if !alert.summary.is_empty() {
        line = line.dot().and(alert.summary.clone(), Tone::Plain);
    }
    pairs.push((word, line));
    if let Some(why) = super::incidents::quiet(scene, alert) {
        pair(pairs, "quiet because", &why, Tone::Dim);
    }
    if let Some(rule) = rule_of(scene, alert) {
        let waits = match rule.waits {
            SignedDuration::ZERO => "fires at once".to_owned(),
            waits => format!("has to hold for {}", words::exact(waits)),
        };
        let query = Line::of(rule.query.clone(), Tone::Code);
        let line = query.dot().and(Clean::line(waits), Tone::Dim);
        pairs.push(("rule".into(), line));
        if !rule.last_error.is_empty() {
            pair(pairs, "rule fails", &rule.last_error, Tone::Degraded);
        }
    }
    let told = |k: &Clean| !matches!(k.as_str(), "alertname" | "severity");
    let labels = alert.labels.iter().filter(|(k, _)| told(k));
    let labels: Vec<String> = labels.map(|(k, v)| format!("{k}={v}")).collect();
    pair(pairs, "labels", &Clean::line(labels.join(" ")), Tone::Dim);
    if let Some(link) = &alert.runbook {
        pair(pairs, "runbook", link.clean(), Tone::Link);
    }
}

/// The rule an alert comes from: of its name, and with no label it does not have.
fn rule_of<'a>(scene: &Scene<'a>, alert: &Alert) -> Option<&'a AlertRule> {
    let fits = |rule: &&AlertRule| {
        rule.name == alert.name
            && rule.labels.iter().all(|(k, v)| {
                // A label may be a template, which is filled in for each alert.
                v.as_str().contains("{{") || alert.label(k.as_str()) == Some(v)
            })
    };
    scene.board.rules.present().map(|r| &r.what).find(fits)
}

/// Incidents of it: open ones first, then the newest that are over.
pub fn incidents(scene: &Scene<'_>, service: &Service, state: &ServiceState) -> Option<Block> {
    let open = state.incidents.iter().filter_map(|key| scene.board.incidents.get(key));
    let mut all: Vec<&Record<Incident>> = open.collect();
    let is_over = |record: &&Record<Incident>| super::incidents::ended(record).is_some();
    let over = scene.board.incidents.all().filter(is_over);
    let mut over: Vec<_> = over.filter(|r| is_about(service, &r.what)).collect();
    over.sort_by_key(|record| Reverse(record.what.started));
    over.retain(|record| !all.iter().any(|open| open.what.key == record.what.key));
    all.extend(over);
    let row = |record: &&Record<Incident>| {
        let incident = &record.what;
        let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
        let ended = super::incidents::ended(record);
        let lasted = incident.started.map_or_else(
            || words::NO_DATA.into(),
            |from| {
                let until = ended.unwrap_or(scene.now).max(from);
                Clean::line(words::span(until.duration_since(from)))
            },
        );
        vec![
            cell(
                Clean::line(incident.status.word()),
                super::incidents::status_tone(&incident.status),
            ),
            cell(incident.reference.clone(), Tone::Dim),
            cell(words::shown(&incident.title), Tone::Plain),
            cell(Clean::line(who.join(", ")), Tone::OnCall),
            cell(lasted, Tone::Dim),
            when(scene, incident.started),
        ]
    };
    let columns = vec![
        left("status", Width::Exactly(10), 0),
        left("", Width::Exactly(8), 2),
        left("incident", share(12, 3), 0),
        left("who has it", share(6, 1), 1),
        right("for", 8, 1),
        right("began", 16, 3),
    ];
    let rows: Vec<Vec<Cell>> = all.iter().take(MOST).map(row).collect();
    (!rows.is_empty()).then(|| side_table("incidents", columns, rows, MOST))
}

/// What it rests on and what rests on it, two steps far, each with its state.
pub fn dependencies(scene: &Scene<'_>, service: &Service) -> Option<Block> {
    let columns = vec![
        left("state", Width::Exactly(16), 0),
        left("dependency", share(14, 2), 0),
        left("why", share(10, 3), 1),
    ];
    let mut above: HashMap<&Name, Vec<&Name>> = HashMap::new();
    for other in &scene.team.services {
        for needed in &other.depends_on {
            above.entry(needed).or_default().push(&other.name);
        }
    }
    let below = |name: &Name| scene.team.service(name).map_or(&[][..], |s| &s.depends_on);
    let mut rows =
        branch(scene, &service.name, "needs", &|name| below(name).iter().collect::<Vec<_>>());
    rows.extend(branch(scene, &service.name, "needed by", &|name| {
        above.get(name).cloned().unwrap_or_default()
    }));
    let parts = |name: &Name| scene.team.service(name).map_or(&[][..], |s| &s.members);
    rows.extend(branch(scene, &service.name, "made of", &|name| parts(name).iter().collect()));
    rows.extend(branch(scene, &service.name, "part of", &|name| {
        let groups = scene.team.services.iter().filter(|s| s.members.contains(name));
        groups.map(|group| &group.name).collect()
    }));
    let all = rows.len();
    (all > 0).then(|| side_table("dependencies", columns, rows, all))
}

/// A service in the tree.
struct Leaf<'a> {
    name: &'a Name,
    health: Health,
    /// What it hangs on, by its place in the list.
    under: Option<usize>,
}

/// One side of the tree: every service once, at its nearest; of a large one what is worst, with what it hangs on.
fn branch<'a>(
    scene: &Scene<'a>,
    name: &'a Name,
    word: &str,
    next: &dyn Fn(&Name) -> Vec<&'a Name>,
) -> Vec<Vec<Cell>> {
    let near = next(name);
    let mut seen: HashSet<&Name> = near.iter().copied().chain([name]).collect();
    let leaf = |name, under| {
        let health = scene.survey.service(name).map_or(Health::Unknown, |state| state.health);
        Leaf { name, health, under }
    };
    let mut leaves: Vec<Leaf<'_>> = Vec::new();
    for one in near {
        let under = leaves.len();
        leaves.push(leaf(one, None));
        let far = next(one).into_iter().filter(|far| seen.insert(*far));
        leaves.extend(far.map(|far| leaf(far, Some(under))));
    }
    let mut kept: BTreeSet<usize> = (0..leaves.len()).collect();
    if leaves.len() > MOST + 1 {
        let mut worst: Vec<(usize, &Leaf<'_>)> = leaves.iter().enumerate().collect();
        worst.sort_by_key(|(_, leaf)| (Reverse(leaf.health), leaf.under.is_some()));
        kept.clear();
        for (i, leaf) in worst {
            if kept.len() < MOST {
                kept.insert(i);
                kept.extend(leaf.under);
            }
        }
    }
    let shown = kept.iter().filter_map(|i| leaves.get(*i));
    let mut rows: Vec<Vec<Cell>> = shown.map(|leaf| row(scene, leaf, word)).collect();
    let more = leaves.len() - kept.len();
    if more > 0 {
        let label = Clean::line(format_args!("{word} {more} more, none of them worse"));
        rows.push(vec![cell("", Tone::Dim), cell(label, Tone::Dim), cell("", Tone::Dim)]);
    }
    rows
}

fn row(scene: &Scene<'_>, leaf: &Leaf<'_>, word: &str) -> Vec<Cell> {
    let label = match leaf.under {
        None => Line::of(Clean::line(word), Tone::Dim).space(),
        Some(_) => Line::of("  ↳", Tone::Dim).space(),
    };
    let label = Cell::Line(label.and(leaf.name.clean().clone(), Tone::Plain));
    let Some(state) = scene.survey.service(leaf.name) else {
        let words = cell("not a configured service", Tone::Dim);
        return vec![cell(words::NO_DATA, Tone::Unknown), label, words];
    };
    let sign = Cell::State { health: state.health, overlays: state.overlays };
    vec![sign, label, Cell::Line(health::why(scene, state))]
}

/// What was learnt about it before, newest first.
pub fn post_mortems(scene: &Scene<'_>, service: &Service) -> Option<Block> {
    let all = scene.board.post_mortems.present().map(|r| &r.what);
    let mut own: Vec<_> =
        all.filter(|p| super::post_mortems::services(scene, p).contains(&service.name)).collect();
    own.sort_by_key(|p| Reverse(p.dated.as_ref().map(|d| d.date.value)));
    let rows: Vec<Vec<Cell>> = own
        .iter()
        .take(MOST)
        .map(|p| {
            let date = p.dated.as_ref().map(|d| Clean::line(d.date.value));
            vec![
                cell(date.unwrap_or_else(|| "·".into()), Tone::Dim),
                cell(words::shown(&p.title), Tone::Plain),
            ]
        })
        .collect();
    let columns = vec![left("date", Width::Exactly(11), 0), left("post-mortem", share(12, 1), 0)];
    (!rows.is_empty()).then(|| side_table("post-mortems", columns, rows, MOST))
}
