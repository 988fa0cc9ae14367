//! The Releases tab: a month of plans and deploys with freezes behind them, an agenda, the deploy log, and versions per environment.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::build::{
    breadth, cell, in_sight, left, list, name_key, name_of, record_key, right, row_key, share,
};
use super::service::{outcome_tone, when};
use super::{
    Agenda, AgendaEntry, Block, Cell, Column, Empty, Entry, Layout, Line, Look, Noun, Prose, Rank,
    RowKey, Scene, Tab, Tone, Width, month, release, words,
};
use crate::insight::words::{earlier, later};
use crate::insight::{deploys_from, is_production, moment, version};
use crate::model::{Clean, Deploy, Name, Outcome, Record, Release, Service, Window};

pub const RELEASES: Tab = Tab {
    name: "releases",
    title: "Releases",
    about: "planned and actual releases in a month, freezes, the deploy log, versions per environment",
    sorts: &["time", "service", "state", "who"],
    facets: &["month", "agenda", "deploys", "environments"],
    kinds: &["ical", "github"],
    entries,
    compose,
    detail: release::detail,
    link: release::link,
    id: release::id,
    badge,
};

pub const MONTH: usize = 0;
pub const AGENDA: usize = 1;
pub const DEPLOYS: usize = 2;
pub const DEPLOY: &str = "deploy";
pub const RELEASE: &str = "release";
pub const ENVIRONMENT: &str = "environment";
/// How far the agenda looks ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 92);

/// The stretch the agenda shows: from the start of today.
pub fn ahead(scene: &Scene<'_>) -> Window {
    let today = scene.now.to_zoned(scene.zone.clone()).start_of_day();
    let from = today
        .map_or_else(|_| earlier(scene.now, SignedDuration::from_hours(24)), |d| d.timestamp());
    Window { from, until: later(from, AHEAD) }
}

/// What lies ahead, by start.
pub fn planned(scene: &Scene<'_>) -> Arc<Vec<month::Event>> {
    let window = ahead(scene);
    scene.memo.agenda.get(scene, window, || month::events(scene, window))
}

fn entries(scene: &Scene<'_>, facet: usize) -> Vec<Entry> {
    match facet {
        MONTH => Vec::new(),
        AGENDA => agenda_entries(scene),
        DEPLOYS => deploy_entries(scene),
        _ => environment_entries(scene),
    }
}

fn agenda_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let entry = |(at, event): (usize, &month::Event)| Entry {
        key: event.row.clone(),
        ranks: vec![
            Rank::Number(at as f64),
            event.services.first().map_or(Rank::None, |s| Rank::Text(s.clean().clone())),
            Rank::Text(event.kind.into()),
            Rank::None,
        ],
        problem: event.conflict.is_some(),
        words: vec![
            ("title", event.title.clone()),
            ("kind", event.kind.into()),
            ("service", names(&event.services)),
        ],
    };
    planned(scene).iter().enumerate().map(entry).collect()
}

pub fn names(list: &[Name]) -> Clean {
    let list: Vec<&str> = list.iter().map(Name::as_str).collect();
    Clean::line(list.join(", "))
}

/// One line of the log: a deploy, or a release that was published.
pub enum Made<'a> {
    Deploy(&'a Deploy),
    Release(&'a Release),
}

impl<'a> Made<'a> {
    pub fn find(scene: &Scene<'a>, key: &RowKey) -> Option<Self> {
        if let Some(key) = record_key(DEPLOY, key) {
            return scene.board.deploys.get(&key).map(|r| Self::Deploy(&r.what));
        }
        let key = record_key(RELEASE, key)?;
        scene.board.releases.get(&key).map(|r| Self::Release(&r.what))
    }

    pub fn repo(&self) -> &'a Clean {
        match self {
            Self::Deploy(d) => &d.repo,
            Self::Release(r) => &r.repo,
        }
    }

    fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Deploy(d) => moment(d),
            Self::Release(r) => r.published,
        }
    }

    fn who(&self) -> &'a Clean {
        match self {
            Self::Deploy(d) => &d.who,
            Self::Release(r) => &r.author,
        }
    }

    fn state(&self) -> (Clean, Tone) {
        match self {
            Self::Deploy(d) => (Clean::line(d.outcome.word()), outcome_tone(&d.outcome)),
            Self::Release(r) if r.draft => ("draft".into(), Tone::Dim),
            Self::Release(r) if r.prerelease => ("pre-release".into(), Tone::Release),
            Self::Release(_) => ("released".into(), Tone::Release),
        }
    }

    fn version(&self) -> Clean {
        match self {
            Self::Deploy(d) => version(d),
            Self::Release(r) => r.tag.clone(),
        }
    }

    fn place(&self) -> Clean {
        match self {
            Self::Deploy(d) => d.environment.clone(),
            Self::Release(_) => Clean::default(),
        }
    }

    fn about(&self) -> Clean {
        match self {
            Self::Deploy(d) => d.description.clone(),
            Self::Release(r) => r.name.clone(),
        }
    }
}

/// The services that come from a repository; the repository itself where none is configured.
pub fn of_repo(scene: &Scene<'_>, repo: &Clean) -> Clean {
    let known = scene.memo.repos.get(scene, (), || {
        let mut names: HashMap<String, Vec<&str>> = HashMap::new();
        for service in scene.team.services.iter().filter(|s| !s.repo.is_empty()) {
            let repo = service.repo.as_str().to_ascii_lowercase();
            names.entry(repo).or_default().push(service.name.as_str());
        }
        names.into_iter().map(|(repo, names)| (repo, Clean::line(names.join(", ")))).collect()
    });
    known.get(&repo.as_str().to_ascii_lowercase()).unwrap_or(repo).clone()
}

fn deploy_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let deploys =
        scene.board.deploys.all().map(|r| (row_key(DEPLOY, &r.what.key), Made::Deploy(&r.what)));
    let releases = scene
        .board
        .releases
        .all()
        .map(|r: &Record<Release>| (row_key(RELEASE, &r.what.key), Made::Release(&r.what)));
    let mut made: Vec<(RowKey, Made<'_>)> = deploys.chain(releases).collect();
    made.sort_by_cached_key(|(key, m)| (std::cmp::Reverse(m.at()), key.clone()));
    let entry = |(at, (key, m)): (usize, (RowKey, Made<'_>))| {
        let service = of_repo(scene, m.repo());
        let (state, _) = m.state();
        Entry {
            key,
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.clone()),
                Rank::Text(state.clone()),
                if m.who().is_empty() { Rank::None } else { Rank::Text(m.who().clone()) },
            ],
            problem: matches!(&m, Made::Deploy(d) if matches!(d.outcome, Outcome::Failed | Outcome::Other(_))),
            words: vec![
                ("service", service),
                ("environment", m.place()),
                ("version", m.version()),
                ("state", state),
                ("who", m.who().clone()),
                ("about", m.about()),
            ],
        }
    };
    made.into_iter().enumerate().map(entry).collect()
}

fn environment_entries(scene: &Scene<'_>) -> Vec<Entry> {
    let with_repo = scene.team.services.iter().filter(|s| !s.repo.is_empty());
    let entry = |(at, service): (usize, &Service)| {
        let versions = Versions::of(scene, service);
        Entry {
            key: name_key(ENVIRONMENT, &service.name),
            ranks: vec![
                Rank::Number(at as f64),
                Rank::Text(service.name.clean().clone()),
                Rank::Text(if versions.drift { "drift" } else { "even" }.into()),
                Rank::None,
            ],
            problem: false,
            words: vec![("service", service.name.clean().clone())],
        }
    };
    with_repo.enumerate().map(entry).collect()
}

/// What runs where: the newest good deploy of each environment, in promotion order.
pub struct Versions<'a> {
    pub newest: Vec<(Clean, Option<&'a Deploy>)>,
    /// The environment that counts runs something else than the one before it.
    pub drift: bool,
}

impl<'a> Versions<'a> {
    pub fn of(scene: &Scene<'a>, service: &Service) -> Self {
        let own = scene.board.deploys.all().map(|r| &r.what).filter(|d| deploys_from(service, d));
        let good: Vec<&Deploy> = own.filter(|d| d.outcome == Outcome::Succeeded).collect();
        let newest: Vec<(Clean, Option<&Deploy>)> = scene
            .team
            .environments
            .iter()
            .map(|name| {
                let here = good
                    .iter()
                    .filter(|d| d.environment.as_str().eq_ignore_ascii_case(name.as_str()));
                (name.clone(), here.max_by_key(|d| moment(d)).copied())
            })
            .collect();
        let mut last = newest.iter().rev().map(|(_, d)| d.map(version));
        let drift = match (last.next().flatten(), last.next().flatten()) {
            (Some(counts), Some(before)) => counts != before,
            _ => false,
        };
        Self { newest, drift }
    }
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let mut blocks = Vec::new();
    let above = u16::from(scene.frame.layout >= Layout::Small);
    if above > 0 {
        let prose = Prose { lines: vec![headline(scene)], first: 0, total: 1 };
        blocks.push(Block::main("", Noun::Prose(prose)).exactly(1));
    }
    match look.facet {
        MONTH => blocks.extend(month::compose(scene, look)),
        AGENDA => blocks.push(agenda(scene, look, above)),
        DEPLOYS => blocks.push(log(scene, look, above)),
        _ => blocks.push(environments(scene, look, above)),
    }
    blocks
}

/// `next release in 2 d 4 h: train 2.4 · last v412 3 h ago · freeze weekend in 3 d`: names give way to moments where it is narrow.
pub fn headline(scene: &Scene<'_>) -> Line {
    let long = told(scene, true);
    let room = usize::from(scene.frame.main_width()).saturating_sub(3);
    if long.width() <= room { long } else { told(scene, false) }
}

/// What counts most comes first; who is frozen and how to override last.
fn told(scene: &Scene<'_>, named: bool) -> Line {
    let survey = scene.survey;
    let mut parts: Vec<Line> = Vec::new();
    for frozen in &survey.frozen {
        let until = frozen.until.map_or_else(
            || "no end known".to_owned(),
            |at| format!("until {}", words::near(at, scene.now, scene.zone)),
        );
        parts.push(Line::of(Clean::line(format_args!("FROZEN {until}")), Tone::Freeze));
    }
    parts.push(match &survey.next_release {
        Some(next) => {
            let wait = words::span(next.at.duration_since(scene.now));
            let line = Line::of("next release ", Tone::Dim)
                .and(Clean::line(format_args!("in {wait}")), Tone::Release);
            let name = Clean::line(format_args!(": {}", next.title));
            if named { line.and(name, Tone::Release) } else { line }
        }
        None => Line::of("no release planned", Tone::Dim),
    });
    if let Some(last) = &survey.last_release {
        let words = format!("last {} {}", last.title, words::ago(last.at, scene.now));
        parts.push(Line::of(Clean::line(words), Tone::Dim));
    }
    if let Some(next) = &survey.next_freeze {
        let wait = words::span(next.from.duration_since(scene.now));
        let name = if named { format!(": {}", next.name) } else { String::new() };
        let words = format!(
            "{}freeze in {wait}{name}",
            if survey.frozen.is_empty() { "" } else { "next " }
        );
        parts.push(Line::of(Clean::line(words), Tone::Freeze));
    }
    for frozen in &survey.frozen {
        let line = Line::of(frozen.name.clone(), Tone::Freeze);
        parts.push(match &frozen.services {
            Some(services) => line.and(" for ", Tone::Dim).and(names(services), Tone::Dim),
            None => line,
        });
        if !frozen.how_to_override.is_empty() {
            let words = Clean::line(format_args!("to override: {}", frozen.how_to_override));
            parts.push(Line::of(words, Tone::Dim));
        }
    }
    let mut line = Line::new();
    for part in parts {
        if !line.0.is_empty() {
            line = line.dot();
        }
        line.0.extend(part.0);
    }
    line
}

fn agenda(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let rows = scene.frame.list_rows().saturating_sub(usize::from(above));
    let events = planned(scene);
    let (first, keys) = in_sight(look, rows);
    let entries = keys.iter().filter_map(|key| {
        let event = events.iter().find(|e| e.row == *key)?;
        Some(AgendaEntry {
            day: event.day_words(scene),
            time: event.time_words(scene),
            line: event.line(),
            key: Some(key.clone()),
            selected: look.selected.as_ref() == Some(key),
        })
    });
    let entries: Vec<AgendaEntry> = entries.collect();
    let nothing = entries.is_empty().then(|| empty(scene));
    Block::main("", Noun::Agenda(Agenda { entries, first, empty: nothing }))
}

fn log(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let layout = breadth(&scene.frame);
    let row = |key: &RowKey| {
        let made = Made::find(scene, key)?;
        let (state, tone) = made.state();
        let service = cell(of_repo(scene, made.repo()), Tone::Plain);
        let version = cell(made.version(), Tone::Plain);
        let state = cell(state, tone);
        let at = when(scene, made.at());
        Some(match layout {
            Layout::OneLine | Layout::Tiny => vec![at, service, state],
            Layout::Small => vec![at, service, version, state],
            _ => vec![
                at,
                service,
                cell(made.place(), Tone::Dim),
                version,
                state,
                cell(made.who().clone(), Tone::Dim),
                cell(made.about(), Tone::Dim),
            ],
        })
    };
    let at = left("when", Width::Exactly(16), 0);
    let service = left("service", share(8, 1), 0);
    let version = left("version", share(8, 1), 1);
    let state = left("state", Width::Exactly(11), 0);
    let columns: Vec<Column> = match layout {
        Layout::OneLine | Layout::Tiny => vec![at, service, state],
        Layout::Small => vec![at, service, version, state],
        _ => vec![
            at,
            service,
            left("environment", share(8, 1), 2),
            version,
            state,
            left("who", share(6, 1), 3),
            left("about", share(10, 2), 4),
        ],
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}

fn environments(scene: &Scene<'_>, look: &Look, above: u16) -> Block {
    let mut columns = vec![left("service", share(8, 2), 0)];
    for (i, name) in scene.team.environments.iter().enumerate() {
        let from_last = scene.team.environments.len() - i;
        columns.push(Column {
            title: name.clone(),
            width: share(12, 2),
            align: super::Align::Left,
            rank: u8::try_from(from_last).unwrap_or(u8::MAX),
        });
    }
    columns.push(right("", 8, 1));
    let row = |key: &RowKey| {
        let service = scene.team.service(&name_of(ENVIRONMENT, key)?)?;
        let versions = Versions::of(scene, service);
        let mut cells = vec![cell(service.name.clean().clone(), Tone::Plain)];
        for (_, deploy) in &versions.newest {
            cells.push(match deploy {
                Some(deploy) => {
                    let age =
                        moment(deploy).map(|at| words::ago(at, scene.now)).unwrap_or_default();
                    Cell::Line(
                        Line::plain(version(deploy)).space().and(Clean::line(age), Tone::Dim),
                    )
                }
                None => cell(words::NO_DATA, Tone::Dim),
            });
        }
        cells.push(if versions.drift { cell("≠ drift", Tone::Accent) } else { Cell::Blank });
        Some(cells)
    };
    Block::main("", Noun::Table(list(scene, look, above, columns, || empty(scene), row)))
}

pub fn empty(scene: &Scene<'_>) -> Empty {
    super::sources::emptiness(
        scene,
        RELEASES.kinds,
        "Nothing planned, nothing deployed",
        "No source of releases yet",
        "Add a [[source]] of kind ical (as = \"release\") or github to your configuration.",
    )
}

/// Failed production deploys of the last day.
fn badge(scene: &Scene<'_>) -> usize {
    let since = earlier(scene.now, SignedDuration::from_hours(24));
    let deploys = scene.board.deploys.all().map(|r| &r.what);
    let failed = deploys.filter(|d| {
        d.outcome == Outcome::Failed
            && is_production(scene.team, d.environment.as_str())
            && moment(d).is_some_and(|at| at >= since && at <= scene.now)
    });
    failed.count()
}

/// The date of a moment in the page's zone.
pub fn date(scene: &Scene<'_>, at: Timestamp) -> Date {
    at.to_zoned(scene.zone.clone()).date()
}
