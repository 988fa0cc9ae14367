//! One deploy, release or calendar entry opened: what it was, where, when and by whom.

use jiff::Timestamp;

use super::agenda::planned;
use super::automation;
use super::environments::{self, ENVIRONMENT};
use super::event::{self, EVENT};
use super::made::Made;
use super::rhythm;
use crate::insight::{
    Event, Load, Made as MadeOn, deploys_from, gates, is_production, moment, version,
};
use crate::model::{Clean, Deploy, Link, Name, Outcome, Purpose, Release};
use crate::page::build::{card, date, name_key, name_of, names, of_repo, pair, record_key};
use crate::page::service::{self, outcome_tone};
use crate::page::{
    Agenda, AgendaEntry, Block, Line, Look, Noun, Prose, RowKey, Scene, Tone, health, words,
};

/// The service a row of the matrix is about.
fn service_of(key: &RowKey) -> Option<Name> {
    name_of(ENVIRONMENT, key)
}

pub fn detail(scene: &Scene<'_>, look: &Look, key: &RowKey) -> Option<Vec<Block>> {
    if let Some(name) = service_of(key) {
        let mut blocks = service::detail(scene, look, &name_key(health::KIND, &name))?;
        if let Some(service) = scene.team.service(&name) {
            // What waits to be deployed is why somebody opens it here: before the numbers, behind the card.
            let behind = blocks.len().min(1);
            blocks.splice(behind..behind, environments::beside(scene, service));
        }
        return Some(blocks);
    }
    if let Some(blocks) = automation::detail(scene, key).or_else(|| rhythm::detail(scene, key)) {
        return Some(blocks);
    }
    if let Some(made) = Made::find(scene, key) {
        return Some(vec![match made {
            Made::Deploy(deploy) => of_deploy(scene, deploy),
            Made::Release(release) => {
                let mut blocks = vec![of_release(scene, release)];
                blocks.extend(deploys(scene, "deploys of it", |d, _| {
                    d.repo == release.repo && version(d) == release.tag
                }));
                return Some(blocks);
            }
        }]);
    }
    Some(of_event(scene, &found(scene, key)?))
}

fn found(scene: &Scene<'_>, key: &RowKey) -> Option<Event> {
    let id = record_key(EVENT, key)?;
    planned(scene).iter().find(|e| e.id == id).cloned()
}

pub fn link(scene: &Scene<'_>, key: &RowKey) -> Option<Link> {
    if let Some(name) = service_of(key) {
        return service::link(scene, &name_key(health::KIND, &name));
    }
    match Made::find(scene, key) {
        Some(Made::Deploy(deploy)) => deploy.url.clone(),
        Some(Made::Release(release)) => release.url.clone(),
        None => found(scene, key).map_or_else(|| automation::link(scene, key), |e| e.url),
    }
}

pub fn id(scene: &Scene<'_>, key: &RowKey) -> Option<Clean> {
    if let Some(name) = service_of(key) {
        return Some(name.clean().clone());
    }
    match Made::find(scene, key) {
        Some(Made::Deploy(deploy)) if deploy.sha.is_empty() => Some(version(deploy)),
        Some(Made::Deploy(deploy)) => Some(deploy.sha.clone()),
        Some(Made::Release(release)) => Some(release.tag.clone()),
        None => found(scene, key)
            .map(|e| e.title)
            .or_else(|| automation::id(scene, key))
            .or_else(|| rhythm::id(scene, key)),
    }
}

fn of_deploy(scene: &Scene<'_>, deploy: &Deploy) -> Block {
    let mut pairs = Vec::new();
    let outcome = Line::of(Clean::line(deploy.outcome.word()), outcome_tone(&deploy.outcome));
    pairs.push((Clean::from("outcome"), outcome));
    let back = super::log::taken_back(scene);
    if let Some(rollback) = back.get(&deploy.key) {
        let words = Clean::line(format_args!("back from {}", rollback.from));
        pair(&mut pairs, "rollback", &words, Tone::Accent);
    }
    if let Some((key, _)) = back.iter().find(|(_, r)| r.undone == deploy.key)
        && let Some(by) = scene.board.deploys.get(key).map(|r| &r.what)
    {
        let words = Clean::line(format_args!("by the rollback to {}", version(by)));
        pair(&mut pairs, "undone", &words, Tone::Degraded);
    }
    pair(&mut pairs, "service", &of_repo(scene, &deploy.repo), Tone::Plain);
    pair(&mut pairs, "environment", &deploy.environment, Tone::Plain);
    pair(&mut pairs, "version", &deploy.version, Tone::Release);
    pair(&mut pairs, "commit", &deploy.sha, Tone::Code);
    if let Some(load) = super::log::loads(scene).get(&deploy.key) {
        pair(&mut pairs, "commits", &brought(load), Tone::Plain);
    }
    for (label, at) in [
        ("committed", deploy.committed),
        ("started", deploy.started),
        ("finished", deploy.finished),
    ] {
        if let Some(at) = at {
            pair(&mut pairs, label, &words::both(at, scene.now, scene.zone), Tone::Plain);
        }
    }
    if let (Some(started), Some(finished)) = (deploy.started, deploy.finished) {
        let took = words::exact(finished.duration_since(started));
        pair(&mut pairs, "took", &took.into(), Tone::Dim);
    }
    if let Some((words, tone)) = under_way(scene, deploy) {
        pair(&mut pairs, "window", &words.into(), tone);
    }
    pair(&mut pairs, "who", &deploy.who, Tone::OnCall);
    pair(&mut pairs, "about", &deploy.description, Tone::Plain);
    if let Some(url) = &deploy.url {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    pair(&mut pairs, "repository", &deploy.repo, Tone::Dim);
    pair(&mut pairs, "source", deploy.key.source.clean(), Tone::Dim);
    card(Clean::line(format_args!("deploy {}", version(deploy))), pairs)
}

/// What the windows of its own upstream say of a deploy that runs while they are shut.
fn under_way(scene: &Scene<'_>, deploy: &Deploy) -> Option<(&'static str, Tone)> {
    let started = deploy.started.filter(|_| deploy.outcome == Outcome::Running)?;
    let service = scene.team.services.iter().find(|s| deploys_from(s, deploy))?;
    let mut gates = gates::of(scene.board, scene.team, service);
    gates.retain(|gate| gate.key.source == deploy.key.source);
    Some(if gates::may_go_on(&gates, started, scene.now)? {
        ("shut by now; what runs may end", Tone::Dim)
    } else {
        ("shut by now; it holds what runs by itself", Tone::Freeze)
    })
}

/// `12 more than before`, in words.
fn brought(load: &Load) -> Clean {
    let commits = |n: u64, most: &str| {
        let noun = if n == 1 { "commit" } else { "commits" };
        format!("{most}{n} {noun}")
    };
    let most = if load.at_least { "at least " } else { "" };
    Clean::from(match (load.new, load.back.unwrap_or(0)) {
        (0, 0) => "none that was not there already".to_owned(),
        (new, 0) => format!("{} more than before", commits(new, most)),
        (0, back) => format!("{} less than before", commits(back, "")),
        (new, back) => format!("{}, and {} less", commits(new, most), commits(back, "")),
    })
}

fn of_release(scene: &Scene<'_>, release: &Release) -> Block {
    let mut pairs = Vec::new();
    pair(&mut pairs, "name", &release.name, Tone::Plain);
    let kind = match (release.draft, release.prerelease) {
        (true, _) => "draft, not published",
        (false, true) => "pre-release",
        (false, false) => "release",
    };
    pair(&mut pairs, "kind", &kind.into(), Tone::Plain);
    if let Some(at) = release.published {
        pair(&mut pairs, "published", &words::both(at, scene.now, scene.zone), Tone::Plain);
    }
    pair(&mut pairs, "who", &release.author, Tone::OnCall);
    pair(&mut pairs, "service", &of_repo(scene, &release.repo), Tone::Plain);
    if let Some(url) = &release.url {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    pair(&mut pairs, "source", release.key.source.clean(), Tone::Dim);
    card(Clean::line(format_args!("release {}", release.tag)), pairs)
}

/// The deploys that belong to something, oldest first, under a sentence that says why.
fn deploys(
    scene: &Scene<'_>,
    title: &'static str,
    belongs: impl Fn(&Deploy, Timestamp) -> bool,
) -> Option<Block> {
    let all = scene.board.deploys.all().map(|r| &r.what);
    let mut found: Vec<(Timestamp, &Deploy)> = all
        .filter_map(|d| Some((moment(d)?, d)))
        .filter(|(at, d)| *at <= scene.now && belongs(d, *at))
        .collect();
    found.sort_by_key(|(at, _)| *at);
    let entries = found.into_iter().map(|(at, d)| AgendaEntry {
        day: words::day(date(scene, at)).into(),
        time: words::clock(at, scene.zone).into(),
        line: Line::of(of_repo(scene, &d.repo), Tone::Plain)
            .space()
            .and(version(d), Tone::Release)
            .dot()
            .and(words::dash(&d.environment), Tone::Dim)
            .dot()
            .and(Clean::line(d.outcome.word()), outcome_tone(&d.outcome)),
        key: None,
        selected: false,
    });
    let entries: Vec<AgendaEntry> = entries.collect();
    let agenda = Agenda { first: 0, empty: None, entries };
    (!agenda.entries.is_empty()).then(|| Block::main(title, Noun::Agenda(agenda)).share(4, 1))
}

fn of_event(scene: &Scene<'_>, event: &Event) -> Vec<Block> {
    let mut pairs = Vec::new();
    pair(&mut pairs, "kind", &event.purpose.word().into(), event::tone(event.purpose));
    if let Some((first, last)) = event.days {
        let words = if first == last {
            words::day(first)
        } else {
            format!("{} to {}", words::day(first), words::day(last))
        };
        pair(&mut pairs, "all day", &words.into(), Tone::Plain);
    } else {
        pair(&mut pairs, "starts", &words::both(event.start, scene.now, scene.zone), Tone::Plain);
        match event.end {
            Some(end) => {
                pair(&mut pairs, "ends", &words::both(end, scene.now, scene.zone), Tone::Plain);
            }
            None => pair(&mut pairs, "ends", &"no end known".into(), Tone::Dim),
        }
    }
    match event.made {
        Some(MadeOn::On(day)) => {
            pair(&mut pairs, "made", &words::day(day).into(), Tone::Plain);
        }
        Some(MadeOn::NotYet) if event.end.is_some_and(|end| end < scene.now) => {
            pair(&mut pairs, "made", &"not yet".into(), Tone::Degraded);
        }
        Some(MadeOn::NotYet) | None => {}
    }
    if let Some((done, all)) = event.items {
        let words = Clean::line(format_args!("{done} of {all} done"));
        pair(&mut pairs, "work", &words, Tone::Plain);
    }
    for conflict in &event.conflicts {
        pair(&mut pairs, "conflict", conflict, Tone::Degraded);
    }
    pair(&mut pairs, "services", &names(&event.services), Tone::Plain);
    pair(&mut pairs, "status", &event.status, Tone::Plain);
    pair(&mut pairs, "place", &event.location, Tone::Plain);
    if let Some(url) = &event.url {
        pair(&mut pairs, "link", url.clean(), Tone::Link);
    }
    pair(&mut pairs, "source", event.key.source.clean(), Tone::Dim);
    let mut blocks = vec![card(words::shown(&event.title), pairs)];
    if event.purpose == Purpose::Release {
        let (first, last) = event.touches(scene.zone);
        let named = |d: &Deploy| {
            let service = of_repo(scene, &d.repo);
            event.services.is_empty() || event.services.iter().any(|s| *s.clean() == service)
        };
        blocks.extend(deploys(scene, "deployed to production on its day", |d, at| {
            let day = date(scene, at);
            first <= day
                && day <= last
                && is_production(scene.team, d.environment.as_str())
                && named(d)
        }));
    }
    if !event.description.is_empty() {
        let lines: Vec<Line> =
            event.description.as_str().lines().map(|l| Line::plain(Clean::line(l))).collect();
        let total = lines.len();
        blocks.push(Block::main("description", Noun::Prose(Prose { lines, first: 0, total })));
    }
    blocks
}
