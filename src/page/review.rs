//! A report as blocks: how things are, what happened since, what lies ahead, what was learnt, and what is still to be done.

use jiff::{SignedDuration, Timestamp};

use super::build::{cell, left, plain_table};
use super::{
    Block, Cell, Empty, Line, Noun, Prose, Scene, Tone, Width, follow, listed, post_mortems, words,
};
use crate::insight::follow_up::{Task, quarters, tally};
use crate::insight::words::span;
use crate::insight::{
    Event, Uptime, Works, calendar, is_production, moment, of_incident, percent, version,
};
use crate::model::{
    Clean, Deploy, Health, Incident, Outcome, PostMortem, Purpose, Service, Staleness, Window,
};

/// Lines of any one list: a message in a chat has an end.
const MOST: usize = 30;
/// Events ahead.
const AHEAD: usize = 10;

/// Everything a review or a hand-off says, in the order it is read.
pub fn blocks(scene: &Scene<'_>, since: Window, handoff: bool) -> Vec<Block> {
    let from = words::absolute(since.from, scene.zone);
    let until = words::absolute(since.until, scene.zone);
    let what = if handoff { "hand-off" } else { "review" };
    let name = if scene.team.name.is_empty() { "andon".into() } else { scene.team.name.clone() };
    let mut lines = vec![Line::of(Clean::line(format_args!("{from} to {until}")), Tone::Dim)];
    lines.extend(unheard(scene));
    let mut blocks = vec![prose(Clean::line(format_args!("{name}: {what}")), lines)];
    blocks.push(state(scene));
    blocks.extend(uptimes(scene, since));
    if handoff {
        blocks.push(on_call(scene));
    }
    blocks.push(incidents(scene, since));
    blocks.push(deploys(scene, since));
    blocks.push(ahead(scene));
    blocks.push(papers(scene, since));
    blocks.push(actions(scene));
    if !handoff {
        blocks.extend(trend(scene));
    }
    blocks
}

fn prose(title: impl Into<Clean>, lines: Vec<Line>) -> Block {
    let total = lines.len();
    Block::main(title, Noun::Prose(Prose { lines, first: 0, total }))
}

/// Sources whose answers are too old to go by: what follows leaves out what they would tell.
fn unheard(scene: &Scene<'_>) -> Option<Line> {
    let sources = scene.board.sources.iter();
    let old = sources.filter(|(_, f)| f.staleness(scene.now) != Staleness::Fresh);
    let said: Vec<String> = old
        .map(|(name, f)| match f.age(scene.now) {
            Some(age) => format!("{name}, heard {} ago", span(age)),
            None => format!("{name}, never heard"),
        })
        .collect();
    let words = || Clean::line(format_args!("Not up to date: {}", said.join("; ")));
    (!said.is_empty()).then(|| Line::of(words(), Tone::Stale))
}

/// Nothing there, and nobody who would tell, are two different things.
fn nothing(scene: &Scene<'_>, kinds: &[&str], none: &'static str) -> &'static str {
    if is_told(scene, kinds) { none } else { "Not known: no source of these answers." }
}

/// Whether a source of these kinds has ever answered.
fn is_told(scene: &Scene<'_>, kinds: &[&str]) -> bool {
    scene.board.sources.values().any(|f| kinds.contains(&f.kind) && f.last_ok.is_some())
}

fn table(
    title: impl Into<Clean>,
    columns: &[&'static str],
    rows: Vec<Vec<Cell>>,
    nothing: &'static str,
) -> Block {
    if rows.is_empty() {
        let empty = Empty { title: nothing.into(), advice: Vec::new() };
        return Block::main(title, Noun::Empty(empty));
    }
    let share = |title: &&'static str| left(title, Width::Share { min: 6, weight: 1 }, 0);
    let columns = columns.iter().map(share).collect();
    Block::main(title, Noun::Table(plain_table(columns, rows)))
}

/// Everything that is not ok, roots first; or that all is.
fn state(scene: &Scene<'_>) -> Block {
    let row = |s: &crate::insight::ServiceState| {
        vec![
            cell(Clean::line(format_args!("{} {}", s.health.word(), s.name)), s.health.into()),
            cell(words::so_long(s, scene.now), Tone::Dim),
            cell(s.reason.clone(), Tone::Plain),
            cell(s.held_by.clone().unwrap_or_else(|| "—".into()), Tone::OnCall),
        ]
    };
    let mut red: Vec<_> = scene.survey.services.iter().filter(|s| s.health != Health::Ok).collect();
    red.sort_by_key(|s| std::cmp::Reverse(s.health));
    let all = words::counted(scene.survey.services.len(), "service", "services");
    let title = match red.len() {
        _ if scene.survey.services.is_empty() => "no services are configured".to_owned(),
        0 => format!("all ok, {all}"),
        n => format!("{n} of {all} not ok"),
    };
    // Never "now": a report is read later, and may be of the past.
    let title = format!("At {}: {title}", words::absolute(scene.now, scene.zone));
    let rows: Vec<Vec<Cell>> = red.into_iter().take(MOST).map(row).collect();
    table(title, &["service", "for", "why", "who has it"], rows, "Nothing to say about them.")
}

/// Both numbers of each service, the worst first, each with the durations it is made of.
fn uptimes(scene: &Scene<'_>, since: Window) -> Option<Block> {
    let works = Works::new(scene.board, scene.team, scene.now, scene.zone);
    let services = &scene.team.services;
    let of = |s: &Service| (s.name.clean().clone(), works.over(scene.board, &s.name, since));
    let all: Vec<(Clean, Uptime)> = services.iter().map(of).collect();
    let mut known: Vec<&(Clean, Uptime)> =
        all.iter().filter(|(_, uptime)| uptime.without_planned().is_some()).collect();
    let part = |uptime: &Uptime| uptime.with_planned().unwrap_or(1.0);
    known.sort_by(|(_, a), (_, b)| part(a).total_cmp(&part(b)));
    if all.is_empty() {
        return None;
    }
    let said = |ratio: Option<f64>, down: SignedDuration, of: SignedDuration| {
        let Some(ratio) = ratio else { return cell(words::NO_DATA, Tone::Dim) };
        let down = match down {
            SignedDuration::ZERO => "none".to_owned(),
            down => span(down),
        };
        let text = format!("{:.2} %, {down} down of {}", percent(ratio), span(of));
        cell(Clean::line(text), Tone::Plain)
    };
    let row = |(name, uptime): &&(Clean, Uptime)| {
        let Uptime { up, down, planned, .. } = *uptime;
        vec![
            cell(name.clone(), Tone::Plain),
            said(uptime.without_planned(), down, up + down),
            said(uptime.with_planned(), down + planned, uptime.known()),
            cell(
                Clean::line(format_args!("{} of {}", span(uptime.known()), span(uptime.whole()))),
                Tone::Dim,
            ),
        ]
    };
    let title = format!("Uptime: {} of {} services watched", known.len(), all.len());
    let rows = known.iter().take(MOST).map(row).collect();
    let columns = ["service", "without planned work", "planned work as downtime", "known"];
    Some(table(Clean::line(title), &columns, rows, "Not known: nobody has watched them since."))
}

fn on_call(scene: &Scene<'_>) -> Block {
    let row = |turn: &crate::insight::Turn| {
        let ends = turn.ends.map(|at| words::near(at, scene.now, scene.zone));
        vec![
            cell(turn.who.clone(), Tone::OnCall),
            cell(turn.schedule.clone(), Tone::Plain),
            cell(ends.unwrap_or_else(|| "—".to_owned()), Tone::Dim),
        ]
    };
    let rows: Vec<Vec<Cell>> = scene.survey.on_call.iter().take(MOST).map(row).collect();
    table("On call", &["who", "schedule", "until"], rows, "Nobody is known to be on call.")
}

fn inside(since: Window, at: Option<Timestamp>) -> bool {
    at.is_some_and(|at| at >= since.from && at <= since.until)
}

/// Incidents that began or ended since, and those still open.
pub fn incidents_since<'a>(scene: &Scene<'a>, since: Window) -> Vec<&'a Incident> {
    let mut found: Vec<&Incident> = scene
        .board
        .incidents
        .all()
        .filter(|r| {
            let i = &r.what;
            let open = i.status.is_open() && r.gone.is_none();
            open || inside(since, i.started) || inside(since, i.resolved)
        })
        .map(|r| &r.what)
        .collect();
    found.sort_by_key(|i| std::cmp::Reverse((i.status.is_open(), i.started)));
    found
}

fn incidents(scene: &Scene<'_>, since: Window) -> Block {
    let found = incidents_since(scene, since);
    let row = |i: &&Incident| {
        let service = of_incident(scene.team, i).and_then(|at| scene.team.services.get(at));
        let service = service.map_or(&i.service_name, |s| s.name.clean());
        let who: Vec<&str> = i.who.iter().map(Clean::as_str).collect();
        let lasted = i.started.map(|began| {
            let ended = i.resolved.unwrap_or(scene.now);
            span(ended.duration_since(began))
        });
        vec![
            cell(Clean::line(format_args!("{} {}", i.reference, i.title)), Tone::Plain),
            cell(service.clone(), Tone::Plain),
            cell(Clean::line(i.status.word()), Tone::Plain),
            cell(
                i.started.map(|at| words::near(at, scene.now, scene.zone)).unwrap_or_default(),
                Tone::Dim,
            ),
            cell(lasted.unwrap_or_default(), Tone::Plain),
            cell(Clean::line(who.join(", ")), Tone::OnCall),
        ]
    };
    let open = found.iter().filter(|i| i.status.is_open()).count();
    let kinds = &["pagerduty"];
    let title = match found.len() {
        0 if !is_told(scene, kinds) => "Incidents: not known".to_owned(),
        n => format!("Incidents: {n}, {open} open"),
    };
    let rows = found.iter().take(MOST).map(row).collect();
    let columns = ["incident", "service", "status", "began", "lasted", "who"];
    table(title, &columns, rows, nothing(scene, kinds, "None began or ended, and none is open."))
}

fn deploys(scene: &Scene<'_>, since: Window) -> Block {
    let mut found: Vec<&Deploy> = scene
        .board
        .deploys
        .all()
        .map(|r| &r.what)
        .filter(|d| inside(since, moment(d)))
        .filter(|d| is_production(scene.team, d.environment.as_str()))
        .collect();
    found.sort_by_key(|d| std::cmp::Reverse(moment(d)));
    let failed = found.iter().filter(|d| d.outcome == Outcome::Failed).count();
    let row = |d: &&Deploy| {
        let at = moment(d).map(|at| words::near(at, scene.now, scene.zone));
        vec![
            cell(at.unwrap_or_default(), Tone::Dim),
            cell(super::build::of_repo(scene, &d.repo), Tone::Plain),
            cell(version(d), Tone::Release),
            cell(Clean::line(d.outcome.word()), Tone::Plain),
            cell(d.who.clone(), Tone::Dim),
        ]
    };
    let kinds = &["github", "gitlab", "argocd"];
    let title = match failed {
        _ if found.is_empty() && !is_told(scene, kinds) => {
            "Deploys to production: not known".to_owned()
        }
        0 => format!("Deploys to production: {}", found.len()),
        n => format!("Deploys to production: {}, {n} failed", found.len()),
    };
    let rows = found.iter().take(MOST).map(row).collect();
    let columns = ["when", "service", "version", "outcome", "who"];
    table(title, &columns, rows, nothing(scene, kinds, "None."))
}

fn ahead(scene: &Scene<'_>) -> Block {
    let window = listed::around(scene);
    let window = Window { from: scene.now, until: window.until };
    let events = calendar(scene.board, scene.team, window, scene.zone);
    let wanted = |kind: Purpose| matches!(kind, Purpose::Release | Purpose::Freeze);
    let row = |event: &&Event| {
        vec![
            cell(words::near(event.start, scene.now, scene.zone), Tone::Dim),
            cell(event.title.clone(), Tone::Release),
            cell(super::build::names(&event.services), Tone::Plain),
        ]
    };
    let planned: Vec<&Event> =
        events.iter().filter(|e| wanted(e.purpose) && e.start >= scene.now).collect();
    let rows = planned.iter().take(AHEAD).map(row).collect();
    table("Ahead", &["when", "what", "services"], rows, "Nothing is planned that andon knows of.")
}

/// Documents dated since, the newest first.
pub fn papers_since<'a>(scene: &Scene<'a>, since: Window) -> Vec<&'a PostMortem> {
    let from = scene.zone.to_datetime(since.from).date();
    let mut found: Vec<&PostMortem> =
        post_mortems::all(scene).filter(|p| p.date().is_some_and(|date| date >= from)).collect();
    found.sort_by_key(|p| std::cmp::Reverse(p.date()));
    found
}

fn papers(scene: &Scene<'_>, since: Window) -> Block {
    let found = papers_since(scene, since);
    let row = |p: &&PostMortem| {
        let (k, n) = post_mortems::complete(scene, p);
        let lasted = post_mortems::lasted(scene, p).map(|l| span(l.span));
        let again = match post_mortems::again(scene, p).len() {
            0 => String::new(),
            n => format!("↻{} ", n + 1),
        };
        let cause = p.root_cause.as_ref().map_or_else(|| "·".into(), |c| Clean::line(&c.value));
        vec![
            cell(p.date().map(|d| d.to_string()).unwrap_or_default(), Tone::Dim),
            cell(Clean::line(format_args!("{again}{}", post_mortems::short_title(p))), Tone::Plain),
            cell(words::severity(p.level()), Tone::Plain),
            cell(lasted.unwrap_or_else(|| "·".to_owned()), Tone::Plain),
            cell(post_mortems::lost(p), Tone::Business),
            cell(cause, Tone::Plain),
            cell(Clean::line(format_args!("{k}/{n}")), Tone::Plain),
        ]
    };
    let kinds = super::POST_MORTEMS.kinds;
    let title = match found.len() {
        0 if !is_told(scene, kinds) => "New post-mortems: not known".to_owned(),
        n => format!("New post-mortems: {n}"),
    };
    let rows = found.iter().take(MOST).map(row).collect();
    let columns = ["date", "title", "severity", "lasted", "loss", "root cause", "complete"];
    table(title, &columns, rows, nothing(scene, kinds, "None were written."))
}

fn actions(scene: &Scene<'_>) -> Block {
    let issues = follow::issues(scene);
    let tasks = follow::all(scene, &issues);
    let counted = tally(&tasks);
    let mut open: Vec<&Task<'_>> = tasks.iter().filter(|t| t.is_open()).collect();
    open.sort_by_key(|t| (!t.overdue, !t.is_unowned()));
    let row = |task: &&Task<'_>| {
        let reference = task.action.reference.clone().unwrap_or_default();
        vec![
            follow::due_cell(task),
            cell(words::shown(&task.action.text), Tone::Plain),
            follow::owner_cell(task),
            cell(reference, Tone::Link),
            cell(post_mortems::short_title(task.post_mortem), Tone::Dim),
        ]
    };
    let rows = open.iter().take(MOST).map(row).collect();
    let title = Clean::line(format_args!("Actions: {}", follow::tally_line(counted).text()));
    let nothing =
        if counted.all == 0 { "No post-mortem names one." } else { "All of them are done." };
    table(title, &["due", "action", "owner", "issue", "post-mortem"], rows, nothing)
}

/// This quarter and the last one: count, median, longest.
fn trend(scene: &Scene<'_>) -> Option<Block> {
    let issues = follow::issues(scene);
    let all = quarters(follow::on(scene, &issues), scene.zone);
    let line = |q: &crate::insight::follow_up::Quarter| {
        let told = |length: Option<jiff::SignedDuration>| {
            length.map_or_else(|| crate::insight::words::NO_DATA.to_owned(), span)
        };
        let words = format!(
            "{} Q{}: {}, median {}, longest {} (n {} of {})",
            q.year,
            q.quarter,
            words::counted(q.count, "post-mortem", "post-mortems"),
            told(q.median),
            told(q.longest),
            q.timed,
            q.count
        );
        Line::plain(words)
    };
    let lines: Vec<Line> = all.iter().take(4).map(line).collect();
    (!lines.is_empty()).then(|| prose("By quarter", lines))
}
