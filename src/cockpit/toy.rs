//! A toy tab and a toy team, so that the cockpit and its painter are tested apart from what real tabs say.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Cockpit, Effect, Heard, Key, Message, Setup};
use crate::model::{
    Clean, Deploy, Fact, Freshness, Health, Key as Identity, Link, Outcome, Overlays, Report,
    SourceName, Status, Team,
};
use crate::page::{
    Align, Block, Cell, Column, Empty, Entry, Line, Look, Noun, Prose, Rank, Row, RowKey, Scene,
    Size, Tab, Table, Tone, Width,
};

pub fn now() -> Timestamp {
    "2026-11-22T13:35:00Z".parse().unwrap()
}

pub fn team() -> Team {
    Team {
        name: "Checkout crew".into(),
        zone: TimeZone::UTC,
        environments: vec!["staging".into(), "production".into()],
        services: Vec::new(),
        metrics: Vec::new(),
        freezes: Vec::new(),
        freeze_sources: Vec::new(),
        change_sources: Vec::new(),
        plans: Vec::new(),
        week_starts_sunday: false,
        review: crate::model::Review::default(),
    }
}

/// A list of deploys.
pub const LIST: Tab = Tab {
    name: "list",
    title: "List",
    about: "deploys in a list",
    sorts: &["version", "who"],
    facets: &[],
    kinds: &["github"],
    entries,
    compose,
    detail,
    link,
    id,
    badge: |scene| scene.board.deploys.present().filter(|d| problem(&d.what)).count(),
};

/// A month beside a list.
pub const PLAN: Tab = Tab {
    name: "plan",
    title: "Plan",
    about: "a month and an agenda",
    sorts: &[],
    facets: &["month", "agenda"],
    kinds: &[],
    entries,
    compose: |scene, look| {
        let day = look.day.unwrap_or_else(|| scene.now.to_zoned(scene.zone.clone()).date());
        let prose = Prose { lines: vec![Line::plain(Clean::line(day))], first: 0, total: 1 };
        vec![Block::main("", Noun::Prose(prose))]
    },
    detail: |_, _, _| None,
    link: |_, _| None,
    id: |_, _| None,
    badge: |_| 0,
};

pub const TABS: &[&Tab] = &[&LIST, &PLAN];

fn problem(deploy: &Deploy) -> bool {
    deploy.outcome == Outcome::Failed
}

fn key(deploy: &Deploy) -> RowKey {
    RowKey::from(deploy.key.id.raw())
}

fn entries(scene: &Scene<'_>, _facet: usize) -> Vec<Entry> {
    let entry = |d: &Deploy| Entry {
        key: key(d),
        words: vec![("version", d.version.clone()), ("who", d.who.clone())],
        ranks: vec![Rank::Text(d.version.clone()), Rank::Text(d.who.clone())],
        problem: problem(d),
    };
    scene.board.deploys.present().map(|r| entry(&r.what)).collect()
}

fn find<'a>(scene: &Scene<'a>, wanted: &RowKey) -> Option<&'a Deploy> {
    let found = scene.board.deploys.get(&Identity::new(&SourceName::new("git"), wanted.clone()));
    found.filter(|r| r.gone.is_none()).map(|r| &r.what)
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let column = |title: &'static str, width, align, rank| Column {
        title: title.into(),
        width,
        align,
        rank,
    };
    let row = |k: &RowKey| {
        let deploy = find(scene, k);
        let text = |get: fn(&Deploy) -> Clean| {
            Cell::Line(Line::plain(deploy.map(get).unwrap_or_default()))
        };
        let health = if deploy.is_some_and(problem) { Health::Down } else { Health::Ok };
        Row {
            key: k.clone(),
            cells: vec![
                text(|d| d.version.clone()),
                Cell::State { health, overlays: Overlays::default() },
                text(|d| d.who.clone()),
            ],
            selected: look.selected.as_ref() == Some(k),
            marked: look.marked.contains(k),
        }
    };
    let rows = look.in_sight(scene.frame.list_rows()).iter().map(row).collect();
    let table = Table {
        columns: vec![
            column("version", Width::Share { min: 8, weight: 2 }, Align::Left, 0),
            column("state", Width::Exactly(12), Align::Left, 0),
            column("who", Width::Share { min: 6, weight: 1 }, Align::Right, 2),
        ],
        rows,
        first: look.first,
        shown: look.order.len(),
        total: look.total,
        sorted: Some((0, false)),
        empty: Some(Empty {
            title: "no deploys".into(),
            advice: vec![Line::of("r asks again", Tone::Dim)],
        }),
    };
    vec![Block::main("", Noun::Table(table))]
}

fn detail(scene: &Scene<'_>, look: &Look, k: &RowKey) -> Option<Vec<Block>> {
    let deploy = find(scene, k)?;
    let lines = (0..100).map(|i| Line::plain(Clean::line(format!("line {i}")))).collect();
    let prose = Prose { lines, first: look.scroll, total: 100 };
    Some(vec![Block::main(deploy.version.clone(), Noun::Prose(prose))])
}

fn link(scene: &Scene<'_>, k: &RowKey) -> Option<Link> {
    find(scene, k)?.url.clone()
}

fn id(scene: &Scene<'_>, k: &RowKey) -> Option<Clean> {
    find(scene, k).map(|d| d.version.clone())
}

pub fn deploy(id: &str, version: &str, who: &str) -> Deploy {
    Deploy {
        key: Identity::new(&SourceName::new("git"), id),
        repo: "o/r".into(),
        app: Clean::default(),
        environment: "production".into(),
        version: Clean::line(version),
        sha: Clean::default(),
        started: None,
        finished: Some(now()),
        outcome: if who == "eve" { Outcome::Failed } else { Outcome::Succeeded },
        who: Clean::line(who),
        description: Clean::default(),
        committed: None,
        url: Link::parse(&format!("https://example.org/{id}")),
    }
}

/// A complete answer that holds exactly these deploys.
pub fn heard(at: Timestamp, deploys: Vec<Deploy>) -> Message {
    let report = Report {
        facts: deploys.into_iter().map(Fact::Deploy).collect(),
        complete: vec![crate::model::Feed::Deploys],
        ..Report::default()
    };
    Message::Heard(Box::new(Heard {
        source: SourceName::new("git"),
        at,
        outcome: Ok(report),
        freshness: Freshness {
            kind: "github",
            every: SignedDuration::from_secs(60),
            status: Status::Ok,
            last_ok: Some(at),
            last_try: Some(at),
            ..Freshness::default()
        },
    }))
}

/// A cockpit over toy tabs that heard of `deploys`.
pub fn cockpit(size: Size, deploys: Vec<Deploy>) -> Cockpit {
    let setup = Setup { tabs: TABS, ..Setup::new(Arc::new(team()), size, now()) };
    let mut cockpit = Cockpit::new(setup);
    cockpit.update(now(), heard(now(), deploys));
    cockpit.settle(now());
    cockpit
}

/// `n` deploys `d000 …`, by ada except every fifth.
pub fn many(n: usize) -> Vec<Deploy> {
    let who = |i: usize| if i.is_multiple_of(5) { "eve" } else { "ada" };
    (0..n).map(|i| deploy(&format!("d{i:05}"), &format!("v{i:05}"), who(i))).collect()
}

/// Presses keys written as in the configuration, with spaces between; effects come back.
pub fn press(cockpit: &mut Cockpit, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for word in keys.split_whitespace() {
        match Key::parse(word) {
            Some(key) => effects.extend(cockpit.update(now(), Message::Key(key))),
            // Not a key: typed letter by letter.
            None => {
                for c in word.chars() {
                    effects.extend(cockpit.update(now(), Message::Key(Key::char(c))));
                }
            }
        }
    }
    effects
}
