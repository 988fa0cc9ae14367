//! The Incidents tab: open incidents and alerts, the worst first, with who has them and why some are quiet.

use std::fmt::Write as _;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::build::{breadth, cell, in_sight, left, list, record_key, right, row_key, share};
use super::memo::Grouped;
use super::{
    Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Rank, RowKey, Scene, Tab, Tone,
    Width, incident, words,
};
use crate::insight::words::earlier;
use crate::insight::{ServiceState, of_incident, of_severity};
use crate::model::{
    Alert, AlertRule, AlertState, Clean, Health, Incident, IncidentStatus, Key, Record, RuleHealth,
    Severity, Suppression,
};

pub const INCIDENTS: Tab = Tab {
    name: "incidents",
    title: "Incidents",
    about: "open incidents and alerts, who has them, what is silenced and until when",
    sorts: &["state", "age", "severity", "service", "title"],
    facets: &[],
    kinds: &["alertmanager", "pagerduty", "prometheus"],
    entries,
    compose,
    detail: incident::detail,
    link: incident::link,
    id: incident::id,
    badge,
};

pub const INCIDENT: &str = "incident";
pub const GROUP: &str = "alerts";
pub const RULE: &str = "rule";
/// Incidents that ended are listed this long.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Alerts of one name and service at one source: one row.
pub struct Group<'a> {
    pub alerts: Vec<&'a Alert>,
    pub service: Option<usize>,
}

impl<'a> Group<'a> {
    fn of(scene: &Scene<'a>, group: &Grouped) -> Self {
        let alerts = group.alerts.iter().filter_map(|key| scene.board.alerts.get(key));
        Self { alerts: alerts.map(|r| &r.what).collect(), service: group.service }
    }

    /// The one that tells most: shouting before quiet, worse before better, older before younger.
    pub fn first(&self) -> Option<&'a Alert> {
        let place = |a: &&&Alert| {
            (
                !a.is_shouting(),
                a.state != AlertState::Firing,
                a.severity.is_none(),
                a.severity,
                a.started,
            )
        };
        self.alerts.iter().min_by_key(place).copied()
    }
}

/// One row of the tab, found by its key.
pub enum Item<'a> {
    Incident(&'a Record<Incident>),
    Group(Group<'a>),
    Rule(&'a AlertRule),
}

/// Everything listed, by key.
pub fn items<'a>(scene: &Scene<'a>) -> BTreeMap<RowKey, Item<'a>> {
    let mut items = BTreeMap::new();
    for record in scene.board.incidents.all().filter(|r| is_listed(r, scene.now)) {
        items.insert(row_key(INCIDENT, &record.what.key), Item::Incident(record));
    }
    for (key, group) in groups(scene).iter() {
        items.insert(key.clone(), Item::Group(Group::of(scene, group)));
    }
    for rule in scene.board.rules.present().map(|r| &r.what) {
        if rule.health == RuleHealth::Broken {
            items.insert(row_key(RULE, &rule.key), Item::Rule(rule));
        }
    }
    items
}

fn groups(scene: &Scene<'_>) -> Arc<BTreeMap<RowKey, Grouped>> {
    scene.memo.groups.get(scene, (), || grouped(scene))
}

fn grouped(scene: &Scene<'_>) -> BTreeMap<RowKey, Grouped> {
    let mut owner: HashMap<&Key, usize> = HashMap::new();
    for (i, state) in scene.survey.services.iter().enumerate() {
        for key in &state.alerts {
            owner.entry(key).or_insert(i);
        }
    }
    let mut groups: BTreeMap<RowKey, Grouped> = BTreeMap::new();
    for alert in scene.board.alerts.present().map(|r| &r.what) {
        let service = owner.get(&alert.key).copied();
        let named = service.and_then(|i| scene.team.services.get(i)).map(|s| &s.name);
        let named = named.map(ToString::to_string).unwrap_or_default();
        let key = format!("{GROUP}\0{}\0{named}\0{}", alert.key.source, alert.name).into();
        let group = groups.entry(key).or_insert(Grouped { alerts: Vec::new(), service });
        group.alerts.push(alert.key.clone());
    }
    groups
}

/// Open, or ended not long ago.
fn is_listed(record: &Record<Incident>, now: Timestamp) -> bool {
    ended(record).is_none_or(|at| at >= earlier(now, REMEMBERED))
}

/// When an incident ended: resolved, or no longer listed by its source.
pub fn ended(record: &Record<Incident>) -> Option<Timestamp> {
    if record.what.status.is_open() {
        record.gone
    } else {
        Some(record.what.resolved.unwrap_or(record.last_seen))
    }
}

/// Finds one item without listing all where its key tells enough.
pub fn item<'a>(scene: &Scene<'a>, key: &RowKey) -> Option<Item<'a>> {
    if let Some(key) = record_key(INCIDENT, key) {
        return scene.board.incidents.get(&key).map(Item::Incident);
    }
    if let Some(key) = record_key(RULE, key) {
        return scene.board.rules.get(&key).map(|r| Item::Rule(&r.what));
    }
    groups(scene).get(key).map(|group| Item::Group(Group::of(scene, group)))
}

/// What a row says, whatever it is.
pub struct Summary {
    pub word: Clean,
    pub tone: Tone,
    pub severity: Option<Severity>,
    pub title: Clean,
    pub service: Option<usize>,
    pub service_name: Clean,
    pub who: Clean,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub note: Line,
    pub is_alert: bool,
    /// Order of the list: lower first.
    pub place: u8,
}

pub fn summary(scene: &Scene<'_>, item: &Item<'_>) -> Option<Summary> {
    Some(match item {
        Item::Incident(record) => of_record(scene, record),
        Item::Group(group) => of_group(scene, group)?,
        Item::Rule(rule) => Summary {
            word: "broken rule".into(),
            tone: Tone::Unknown,
            severity: None,
            title: words::shown(&rule.name),
            service: None,
            service_name: rule.group.clone(),
            who: Clean::default(),
            started: None,
            ended: None,
            note: Line::of(rule.last_error.clone(), Tone::Dim),
            is_alert: false,
            place: 5,
        },
    })
}

fn of_record(scene: &Scene<'_>, record: &Record<Incident>) -> Summary {
    let incident = &record.what;
    let service = of_incident(scene.team, incident);
    let state = service.and_then(|i| scene.survey.services.get(i));
    let ended = ended(record);
    let vanished = ended.is_some() && incident.status.is_open();
    let (word, tone) = if vanished {
        ("no longer listed".into(), Tone::Dim)
    } else {
        (Clean::line(incident.status.word()), status_tone(&incident.status))
    };
    let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
    let note = match (ended, state) {
        (Some(at), _) => Line::of(Clean::line(words::ago(at, scene.now)), Tone::Dim),
        (None, Some(state)) => reason(scene, state, &incident.key, incident.started),
        (None, None) => Line::of(incident.priority.clone(), Tone::Dim),
    };
    Summary {
        word,
        tone,
        severity: incident.severity,
        title: words::shown(&incident.title),
        service,
        service_name: state
            .map_or_else(|| incident.service_name.clone(), |s| s.name.clean().clone()),
        who: Clean::line(who.join(", ")),
        started: incident.started,
        ended,
        note,
        is_alert: false,
        place: match (ended, &incident.status) {
            (Some(_), _) => 6,
            (None, _) if state.is_some_and(ServiceState::suffers) => 3,
            (None, IncidentStatus::Acked | IncidentStatus::Mitigated) => 1,
            (None, _) => 0,
        },
    }
}

fn of_group(scene: &Scene<'_>, group: &Group<'_>) -> Option<Summary> {
    let first = group.first()?;
    let state = group.service.and_then(|i| scene.survey.services.get(i));
    let (word, tone) = alert_state(first);
    let mut title = words::shown(&first.name).to_string();
    if group.alerts.len() > 1 {
        let _ = write!(title, " ×{}", group.alerts.len());
    }
    if !first.summary.is_empty() {
        let _ = write!(title, ": {}", first.summary);
    }
    let shouting = first.is_shouting();
    let folded = state.is_some_and(ServiceState::suffers);
    let note = match (quiet(scene, first), state) {
        (Some(words), _) => Line::of(words, Tone::Dim),
        (None, Some(state)) => {
            let oldest = group.alerts.iter().filter(|a| a.started.is_some());
            let oldest = oldest.min_by_key(|a| a.started).copied().unwrap_or(first);
            reason(scene, state, &oldest.key, oldest.started)
        }
        (None, None) => Line::new(),
    };
    Some(Summary {
        word,
        tone,
        severity: group.alerts.iter().filter_map(|a| a.severity).min(),
        title: title.into(),
        service: group.service,
        service_name: state.map(|s| s.name.clean().clone()).unwrap_or_default(),
        who: silencer(scene, first).unwrap_or_default(),
        started: group.alerts.iter().filter_map(|a| a.started).min(),
        ended: None,
        note,
        is_alert: true,
        place: match (shouting, folded) {
            (true, false) => 2,
            (true, true) => 3,
            _ => 4,
        },
    })
}

/// Where the service folds, else what changed just before this began: by its own start, not the service's.
fn reason(scene: &Scene<'_>, state: &ServiceState, key: &Key, started: Option<Timestamp>) -> Line {
    if let Some(parent) = state.because.as_ref().filter(|_| state.suffers()) {
        return Line::of(Clean::line(format_args!("↳ because {parent}")), Tone::Dim);
    }
    match scene.survey.before.get(key).map(Vec::as_slice) {
        Some([first, more @ ..]) => {
            let line = Line::of(super::health::suspected(state, first), Tone::Release);
            match more.len() {
                0 => line,
                n => line.space().and(Clean::line(format_args!("+{n}")), Tone::Dim),
            }
        }
        _ if started.is_none() || matches!(state.health, Health::Ok | Health::Unknown) => {
            Line::new()
        }
        _ => {
            let looked = scene.survey.nothing_before.get(key);
            looked.map_or_else(Line::new, |looked| super::health::nothing(scene, looked))
        }
    }
}

/// Why an alert is quiet, and until when.
pub fn quiet(scene: &Scene<'_>, alert: &Alert) -> Option<Clean> {
    Some(match alert.suppressed.first()? {
        Suppression::Silenced(key) => match scene.board.silences.get(key).map(|r| &r.what) {
            Some(silence) => {
                let until = silence
                    .ends
                    .map(|at| format!(" until {}", words::near(at, scene.now, scene.zone)));
                let why = if silence.comment.is_empty() {
                    String::new()
                } else {
                    format!(": {}", silence.comment)
                };
                Clean::line(format_args!(
                    "silenced by {}{}{why}",
                    words::shown(&silence.by),
                    until.unwrap_or_default()
                ))
            }
            None => "silenced".into(),
        },
        Suppression::Inhibited(_) => "inhibited by another alert".into(),
        Suppression::Muted(name) => Clean::line(format_args!("muted in {name}")),
    })
}

/// Whoever silenced an alert has it in hand.
fn silencer(scene: &Scene<'_>, alert: &Alert) -> Option<Clean> {
    alert.suppressed.iter().find_map(|s| match s {
        Suppression::Silenced(key) => scene.board.silences.get(key).map(|r| r.what.by.clone()),
        _ => None,
    })
}

fn entries(scene: &Scene<'_>, _facet: usize) -> Vec<Entry> {
    let mut found: Vec<(RowKey, Summary)> = items(scene)
        .into_iter()
        .filter_map(|(key, item)| summary(scene, &item).map(|s| (key, s)))
        .collect();
    let place = |key: &RowKey, s: &Summary| {
        let age = s.ended.or(s.started).map(|at| std::cmp::Reverse(at.as_second()));
        (s.place, s.severity.map_or(9, |s| s.0), age, key.clone())
    };
    // The alerts of a service stand under its worst open incident.
    let mut heads = HashMap::new();
    for (key, s) in found.iter().filter(|(key, s)| is_head(key, s)) {
        let own = place(key, s);
        let head = heads.entry(s.service).or_insert_with(|| own.clone());
        *head = own.min(head.clone());
    }
    found.sort_by_cached_key(|(key, s)| {
        let own = place(key, s);
        let head = heads.get(&s.service).filter(|_| s.is_alert && s.service.is_some());
        (head.cloned().unwrap_or_else(|| own.clone()), head.is_some(), own)
    });
    let entry = |(at, (key, s)): (usize, (RowKey, Summary))| Entry {
        key,
        ranks: vec![
            Rank::Number(at as f64),
            s.started.map_or(Rank::None, |at| Rank::Number(-(at.as_second() as f64))),
            s.severity.map_or(Rank::None, |s| Rank::Number(f64::from(s.0))),
            if s.service_name.is_empty() { Rank::None } else { Rank::Text(s.service_name.clone()) },
            Rank::Text(s.title.clone()),
        ],
        problem: s.place <= 2 || s.place == 5,
        words: vec![
            ("state", s.word),
            ("severity", words::severity(s.severity)),
            ("title", s.title),
            ("service", s.service_name),
            ("who has it", s.who),
            ("note", s.note.text().into()),
        ],
    };
    found.into_iter().enumerate().map(entry).collect()
}

/// An open incident of a service: its alerts fold under it.
fn is_head(key: &RowKey, s: &Summary) -> bool {
    s.service.is_some() && s.ended.is_none() && record_key(INCIDENT, key).is_some()
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let layout = scene.frame.layout;
    let wide = breadth(&scene.frame);
    // In another order than the tab's own a child is no longer below its parent; a printed title is the title.
    let printed = scene.frame.size.height == u16::MAX;
    let folds = look.sort.column == 0 && !look.sort.reversed && !printed;
    let has_incident = |service: usize| {
        scene.survey.services.get(service).is_some_and(|state| !state.incidents.is_empty())
    };
    let row = |key: &RowKey| {
        let mut summary = summary(scene, &item(scene, key)?)?;
        if folds && summary.is_alert && summary.service.is_some_and(has_incident) {
            summary.title = Clean::line(format_args!("↳ {}", summary.title));
        }
        Some(cells(wide, scene, &summary))
    };
    let table = list(scene, look, 0, columns(wide), || empty(scene), row);
    let mut blocks = vec![Block::main("", Noun::Table(table))];
    let free = usize::from(scene.frame.body_height()).saturating_sub(look.order.len() + 4);
    if layout == Layout::Huge && !look.order.is_empty() && free >= 5 {
        blocks.extend(super::happened::lately(scene, free));
    }
    if layout >= Layout::Normal
        && let Some(key) = look.selected.as_ref().or_else(|| in_sight(look, 1).1.first())
    {
        let aside = incident::detail(scene, look, key).unwrap_or_default();
        blocks.extend(aside.into_iter().map(|b| Block { place: super::Place::Side, ..b }));
    }
    blocks
}

fn columns(layout: Layout) -> Vec<Column> {
    let state = left("state", Width::Exactly(12), 0);
    let title = left("what", share(16, 3), 0);
    let age = right("for", 8, 1);
    match layout {
        Layout::OneLine | Layout::Tiny => vec![left("state", Width::Exactly(9), 0), title, age],
        Layout::Small => vec![state, title, age, left("who has it", share(8, 1), 2)],
        Layout::Normal | Layout::Wide | Layout::Huge => vec![
            state,
            left("sev", Width::Exactly(5), 4),
            left("what", share(24, 5), 0),
            left("service", share(9, 1), 3),
            age,
            left("who has it", share(11, 1), 2),
            left("just before · why quiet", share(20, 5), 5),
        ],
    }
}

fn cells(layout: Layout, scene: &Scene<'_>, s: &Summary) -> Vec<Cell> {
    let over = s.ended.is_some();
    let plain = if over { Tone::Dim } else { Tone::Plain };
    let age = match (s.started, s.ended) {
        (Some(from), Some(until)) => words::lasting(Some(from), until),
        (started, _) => words::lasting(started, scene.now),
    };
    let state = cell(s.word.clone(), s.tone);
    let title = cell(s.title.clone(), if s.place == 0 { Tone::Strong } else { plain });
    let age = cell(age, plain);
    let who = cell(s.who.clone(), if over { Tone::Dim } else { Tone::OnCall });
    match layout {
        Layout::OneLine | Layout::Tiny => vec![state, title, age],
        Layout::Small => vec![state, title, age, who],
        Layout::Normal | Layout::Wide | Layout::Huge => {
            let severity = cell(words::severity(s.severity), plain);
            let service = cell(s.service_name.clone(), plain);
            vec![state, severity, title, service, age, who, Cell::Line(s.note.clone())]
        }
    }
}

/// A word for an alert's state, with why it is quiet.
pub fn alert_state(alert: &Alert) -> (Clean, Tone) {
    let quiet = alert.suppressed.first().map(|s| match s {
        Suppression::Silenced(_) => "silenced",
        Suppression::Inhibited(_) => "inhibited",
        Suppression::Muted(_) => "muted",
    });
    match (&alert.state, quiet) {
        (AlertState::Firing | AlertState::Suppressed, Some(word)) => (word.into(), Tone::Dim),
        (AlertState::Suppressed, None) => ("suppressed".into(), Tone::Dim),
        (AlertState::Firing, None) => {
            let tone = match of_severity(alert.severity) {
                Health::Ok => Tone::Plain,
                health => health.into(),
            };
            ("firing".into(), tone)
        }
        (AlertState::Pending, _) => ("pending".into(), Tone::Dim),
        (AlertState::Other(word), _) => (word.clone(), Tone::Unknown),
    }
}

pub fn status_tone(status: &IncidentStatus) -> Tone {
    match status {
        IncidentStatus::Open => Tone::Down,
        IncidentStatus::Acked => Tone::OnCall,
        IncidentStatus::Mitigated => Tone::Degraded,
        IncidentStatus::Resolved => Tone::Dim,
        IncidentStatus::Other(_) => Tone::Unknown,
    }
}

/// Quiet is only good news when the sources that would tell are fresh.
fn empty(scene: &Scene<'_>) -> Empty {
    super::sources::emptiness(
        scene,
        INCIDENTS.kinds,
        "No open incidents, no alerts",
        "No source of incidents yet",
        "Add a [[source]] of kind alertmanager or pagerduty to your configuration.",
    )
}

/// Incidents nobody has, and alerts that shout.
fn badge(scene: &Scene<'_>) -> usize {
    let shouting = scene.board.alerts.present().filter(|r| r.what.is_shouting()).count();
    scene.survey.verdict.unacked + shouting
}
