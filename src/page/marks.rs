//! What happened to a service while its numbers were drawn: deploys, changes, incidents, silences, freezes, maintenance.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Lane, Mark, Scene, Tone, words};
use crate::insight::{
    Frozen, deploys_from, frozen_within, is_about, moment, named_in, occurrences, reaches, version,
};
use crate::model::{
    Change, Clean, Deploy, Incident, Purpose, Record, Service, Silence, Suppression, Window,
};

/// Marks of one sort that are drawn; of more, the newest.
const MOST: usize = 200;

/// A line for each sort of which there is something in the window, changes first.
pub fn lanes(scene: &Scene<'_>, service: &Service, window: Window) -> Arc<Vec<Lane>> {
    // What has just begun is part of it, whatever the slice it is drawn in.
    let seen = Window { from: window.from, until: window.until.min(later(scene.now)) };
    let question = (service.name.clone(), window);
    scene.memo.lanes.get(scene, question, || {
        let all = [
            ("deploys", deploys(scene, service, seen)),
            ("changes", changes(scene, service, seen)),
            ("incidents", incidents(scene, service, seen)),
            ("silences", silences(scene, service, seen)),
            ("freezes", freezes(scene, service, window)),
            ("maintenance", maintenance(scene, service, window)),
        ];
        let lane = |(name, mut marks): (&'static str, Vec<Mark>)| {
            marks.sort_by_key(|m| m.at);
            marks.dedup();
            marks.drain(..marks.len().saturating_sub(MOST));
            (!marks.is_empty()).then(|| Lane { name: name.into(), marks })
        };
        all.into_iter().filter_map(lane).collect()
    })
}

/// What lasts at a moment, and what happened shortly before it, in words: `7 m after deploy v412 · during INC-12`.
pub fn near(scene: &Scene<'_>, lanes: &[Lane], at: Timestamp, slice: SignedDuration) -> Clean {
    let all = || lanes.iter().flat_map(|lane| &lane.marks);
    let during = all().filter(|m| m.until.is_some_and(|until| m.at <= at && at < until));
    let points = all().filter(|m| m.until.is_none());
    let before = points.clone().filter(|m| m.at <= at).max_by_key(|m| m.at);
    let after = points.filter(|m| m.at > at).min_by_key(|m| m.at);
    let mut said: Vec<String> = Vec::new();
    if let Some(mark) = before {
        said.push(format!("{} after {}", words::span(at.duration_since(mark.at)), mark.text));
    }
    said.extend(during.map(|m| format!("during {}", m.text)));
    // A slice holds what happened in it, though it ends a little later.
    if let Some(mark) = after.filter(|m| before.is_none() || m.at.duration_since(at) <= slice) {
        said.push(format!("{} before {}", words::span(mark.at.duration_since(at)), mark.text));
    }
    if said.is_empty() {
        return Clean::line(format_args!(
            "at {}: nothing happened in this window",
            clock(scene, at)
        ));
    }
    Clean::line(format_args!("at {}: {}", clock(scene, at), said.join(" · ")))
}

fn clock(scene: &Scene<'_>, at: Timestamp) -> String {
    words::near(at, scene.now, scene.zone)
}

fn later(now: Timestamp) -> Timestamp {
    crate::insight::words::later(now, SignedDuration::from_secs(1))
}

/// Deploys from a service's repository, wherever they went, newest first.
pub fn own_deploys<'a>(scene: &Scene<'a>, service: &Service) -> Vec<&'a Deploy> {
    let all = scene.board.deploys.all().map(|r| &r.what);
    let mut own: Vec<&Deploy> = all.filter(|d| deploys_from(service, d)).collect();
    own.sort_by_key(|d| std::cmp::Reverse(moment(d)));
    own
}

fn deploys(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let own = own_deploys(scene, service);
    let reached = own.into_iter().filter(|d| reaches(service, scene.team, d));
    let mark = |deploy: &Deploy| {
        let at = moment(deploy).filter(|at| *at >= window.from && *at < window.until)?;
        let text = Clean::line(format_args!("deploy {}", version(deploy)));
        Some(Mark { at, until: None, tone: Tone::Release, glyph: 'd', text })
    };
    reached.filter_map(mark).collect()
}

/// Other changes of the service: configuration, flags.
fn changes(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let own = |change: &Change| {
        // What names no service touches all of them.
        if change.service_names.is_empty() && change.service_ids.is_empty() {
            return true;
        }
        let named = |name: &Clean| name.as_str().eq_ignore_ascii_case(service.name.as_str());
        change.service_names.iter().any(named)
            || change.service_ids.iter().any(|id| {
                !service.matching.pagerduty.is_empty() && **id == *service.matching.pagerduty
            })
    };
    let all = scene.board.changes.all().map(|r| &r.what);
    let mark = |change: &Change| {
        let at = change.at.filter(|at| *at < window.until)?;
        let until = change.until.filter(|until| *until > at);
        if until.unwrap_or(at) < window.from {
            return None;
        }
        let text = Clean::line(format_args!("{} {}", change.origin, change.summary));
        let text = Clean::line(text.as_str().trim_start());
        Some(Mark { at, until, tone: Tone::Release, glyph: 'c', text })
    };
    all.filter(|c| own(c)).filter_map(mark).collect()
}

/// Ends with the window what goes on.
fn stretch(
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    window: Window,
    tone: Tone,
    glyph: char,
    text: Clean,
) -> Option<Mark> {
    let from = from?;
    let until = until.unwrap_or(Timestamp::MAX);
    let inside = from < window.until && until > window.from && from < until;
    inside.then_some(Mark { at: from, until: Some(until), tone, glyph, text })
}

fn incidents(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let all = scene.board.incidents.all();
    let mark = |record: &Record<Incident>| {
        let incident = &record.what;
        let ended = incident.resolved.or(record.gone);
        let title = words::shown(&incident.title);
        let text = Clean::line(format_args!("incident {} {title}", incident.reference));
        let lasted = (incident.started, ended);
        // The dates first: names are compared for few.
        let mark = stretch(lasted, window, Tone::Down, '!', text)?;
        is_about(service, incident).then_some(mark)
    };
    all.filter_map(mark).collect()
}

/// Silences that lie over its alerts, or name it.
fn silences(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let state = scene.survey.service(&service.name);
    let alerts = state.map_or(&[][..], |s| &s.alerts).iter();
    let over: Vec<_> = alerts
        .filter_map(|key| scene.board.alerts.get(key))
        .flat_map(|record| &record.what.suppressed)
        .filter_map(|why| match why {
            Suppression::Silenced(key) => Some(key),
            _ => None,
        })
        .collect();
    let all = scene.board.silences.all().map(|r| &r.what);
    let mark = |silence: &Silence| {
        let by = words::shown(&silence.by);
        let text = match silence.comment.as_str() {
            "" => Clean::line(format_args!("silenced by {by}")),
            why => Clean::line(format_args!("silenced by {by}: {why}")),
        };
        stretch((silence.starts, silence.ends), window, Tone::Dim, 's', text)
    };
    all.filter(|s| over.contains(&&s.key) || names(service, s)).filter_map(mark).collect()
}

/// Whether its matchers are about this service and no other.
fn names(service: &Service, silence: &Silence) -> bool {
    let labels = &service.matching.labels;
    let has = |name: &str, value: &str| {
        let wanted = format!("{name}={value}");
        silence.matchers.iter().any(|m| m.as_str().replace('"', "") == wanted)
    };
    if labels.is_empty() {
        return has("service", service.name.as_str());
    }
    labels.iter().all(|(name, value)| has(name.as_str(), value.as_str()))
}

fn freezes(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let all = frozen_within(scene.board, scene.team, window, scene.zone);
    let own = all.into_iter().filter(|f| f.covers(&service.name));
    let mark = |f: Frozen| stretch((Some(f.from), f.until), window, Tone::Freeze, 'f', f.name);
    own.filter_map(mark).collect()
}

fn maintenance(scene: &Scene<'_>, service: &Service, window: Window) -> Vec<Mark> {
    let all = occurrences(scene.board, Purpose::Maintenance, window, scene.zone);
    let mine = |title: &Clean| {
        let named = named_in(scene.team, title.as_str());
        named.is_empty() || named.contains(&&service.name)
    };
    all.into_iter()
        .filter(|o| mine(&o.title))
        .filter_map(|o| {
            stretch((Some(o.start), Some(o.end)), window, Tone::Maintenance, 'm', o.title)
        })
        .collect()
}
