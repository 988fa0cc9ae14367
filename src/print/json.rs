//! The machine output: one document per tab, names stable, times in UTC, what is unknown is null and never zero.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::insight::follow_up::{Task, tally};
use crate::insight::review::present;
use crate::insight::standing::Standing;
use crate::insight::words::{earlier, later};
use crate::insight::{
    Before, Budget, Burn, Clearance, Event, Pipeline, Rhythm, ServiceState, Suspect, Unsaid,
    Versions, Works, calendar, deploys_from, is_production, level, moment, numbers, of_incident,
    percent, pipelines, preset, run_moment, waiting,
};
use crate::model::{
    Alert, Amount, Approval, Clean, Deploy, Found, Freshness, Happening, Health, Incident,
    LossUnit, Metric, Name, Outcome, PostMortem, Record, Service, Staleness, Suppression, Track,
    Window,
};
use crate::page::listed;
use crate::page::{Scene, review};

/// Deploys told with a service.
const DEPLOYS: usize = 10;

/// What every document starts with.
fn head(scene: &Scene<'_>, full: bool) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("andon".into(), env!("CARGO_PKG_VERSION").into());
    out.insert("moment".into(), time(scene.now));
    let sources = scene.board.sources.iter().map(|(name, f)| source(scene, name, f, full));
    out.insert("sources".into(), sources.collect());
    let expected =
        scene.board.sources.iter().flat_map(|(s, f)| f.expected.iter().map(move |e| (s, f, e)));
    let expected = expected.map(|(source, fresh, e)| {
        let mut missing = fresh.missing(scene.now);
        let since = missing.find(|(one, _)| *one == e).map(|(_, since)| since);
        json!({
            "name": e.name.as_str(),
            "source": source.as_str(),
            "labels": word(&e.labels),
            "arrives": since.is_none(),
            "missing_since": maybe(since),
        })
    });
    out.insert("dead_man".into(), expected.collect());
    out
}

/// The answer to "can this service be deployed now?".
pub fn clearance(scene: &Scene<'_>, service: &Name, answer: &Clearance) -> Value {
    let mut out = head(scene, false);
    out.insert("service".into(), service.as_str().into());
    out.extend(permission(answer));
    Value::Object(out)
}

fn permission(answer: &Clearance) -> Map<String, Value> {
    let next =
        answer.next.as_ref().map(|(name, from)| json!({"name": word(name), "from": time(*from)}));
    Map::from_iter([
        ("allowed".to_owned(), json!(answer.allowed)),
        ("reason".to_owned(), word(&answer.reason)),
        ("until".to_owned(), maybe(answer.until)),
        ("override".to_owned(), word(&answer.how_to_override)),
        ("next_freeze".to_owned(), json!(next)),
    ])
}

/// The document of a tab; a tab without machine output has the common head only.
/// `bounds` narrows what is dated: incidents, deploys, events, post-mortems.
pub fn json(scene: &Scene<'_>, tab: &str, bounds: Option<Window>) -> Value {
    let mut out = head(scene, tab == "sources");
    match tab {
        "health" => {
            let pairs = scene.team.services.iter().zip(&scene.survey.services);
            let planned = Works::new(scene.board, scene.team, scene.now, scene.zone);
            let services =
                pairs.map(|(service, state)| of_service(scene, &planned, service, state));
            out.insert("services".into(), services.collect());
        }
        "incidents" => {
            let before = Before::new(scene.board, scene.team);
            let inside = |r: &&Record<Incident>| {
                within(bounds, r.what.started) || within(bounds, r.what.resolved)
            };
            let incidents = scene.board.incidents.all().filter(inside);
            out.insert(
                "incidents".into(),
                incidents.map(|r| incident(scene, &before, r)).collect(),
            );
            let alerts = scene.board.alerts.present().map(|r| &r.what);
            let alerts = alerts.filter(|a| within(bounds, a.started));
            out.insert("alerts".into(), alerts.map(|a| alert(scene, a)).collect());
        }
        "releases" => releases(scene, bounds, &mut out),
        "post-mortems" => {
            let inside = |p: &&PostMortem| match (bounds, &p.dated) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(w), Some(d)) => d
                    .date
                    .value
                    .to_zoned(scene.zone.clone())
                    .is_ok_and(|z| z.timestamp() >= w.from && z.timestamp() < w.until),
            };
            let all = listed::post_mortems(scene).filter(inside);
            out.insert("post_mortems".into(), all.map(|p| post_mortem(scene, p)).collect());
        }
        _ => {}
    }
    Value::Object(out)
}

fn within(bounds: Option<Window>, at: Option<Timestamp>) -> bool {
    bounds.is_none_or(|w| at.is_some_and(|at| at >= w.from && at < w.until))
}

fn time(at: Timestamp) -> Value {
    Value::String(at.to_string())
}

fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

fn seconds(length: Option<SignedDuration>) -> Value {
    length.map_or(Value::Null, |l| json!((l.as_secs_f64() * 1_000.0).round() / 1_000.0))
}

/// Empty words are unknown ones.
fn word(text: &Clean) -> Value {
    if text.is_empty() { Value::Null } else { text.as_str().into() }
}

fn source(scene: &Scene<'_>, name: &Name, f: &Freshness, full: bool) -> Value {
    let mut out = json!({
        "name": name.as_str(),
        "kind": f.kind,
        "status": f.shown(scene.now).word(),
        "age_s": seconds(f.age(scene.now)),
        "message": word(&f.message),
    });
    if let (true, Some(map)) = (full, out.as_object_mut()) {
        let wait = f.next_poll.map(|at| at.duration_since(scene.now).max(SignedDuration::ZERO));
        let latency = f.latency.map(|l| l.as_secs_f64() * 1_000.0);
        map.insert("latency_ms".into(), json!(latency.map(f64::round)));
        map.insert("rate_left".into(), json!(f.rate.map(|r| r.left)));
        map.insert("next_poll_s".into(), seconds(wait));
        map.insert("clock_skew_s".into(), seconds(f.clock_skew));
        map.insert("facts".into(), json!(f.last_ok.map(|_| f.facts)));
        map.insert("last_ok".into(), maybe(f.last_ok));
        map.insert("failing_since".into(), maybe(f.failing_since));
        map.insert("hint".into(), f.hint.as_ref().map_or(Value::Null, word));
        map.insert("about".into(), word(&f.about));
        map.insert("address".into(), word(&f.address));
        map.insert("notes".into(), f.notes.iter().map(word).collect());
    }
    out
}

fn of_service(
    scene: &Scene<'_>,
    planned: &Works,
    service: &Service,
    state: &ServiceState,
) -> Value {
    // Percent, as objectives are; never rounded up.
    let part = |ratio: Option<f64>| ratio.map(percent);
    let uptimes = planned.uptimes(scene.board, &service.name).into_iter().map(|(stretch, u)| {
        json!({
            "window_s": stretch.as_secs(),
            "without_planned": part(u.without_planned()),
            "with_planned": part(u.with_planned()),
            "known_s": u.known().as_secs(),
            "down_s": u.down.as_secs(),
            "planned_s": u.planned.as_secs(),
        })
    });
    let all = scene.board.deploys.all().map(|r| &r.what);
    let mut own: Vec<&Deploy> = all.filter(|d| deploys_from(service, d)).collect();
    own.sort_by_key(|d| std::cmp::Reverse(moment(d)));
    let own = own.into_iter().filter(|d| is_production(scene.team, d.environment.as_str()));
    let incidents = state.incidents.iter().filter_map(|key| {
        let incident = &scene.board.incidents.get(key)?.what;
        Some(json!({
            "source": key.source.as_str(),
            "id": key.id.clean().as_str(),
            "title": word(&incident.title),
            "status": incident.status.word(),
            "started": maybe(incident.started),
        }))
    });
    json!({
        "name": service.name.as_str(),
        "health": state.health.word(),
        "stale": state.overlays.stale,
        "flapping": state.overlays.flapping,
        "maintenance": state.overlays.maintenance,
        "acked": state.overlays.acked,
        "silenced": state.overlays.silenced,
        "partial": state.overlays.partial,
        "since": maybe(state.since),
        "since_at_least": maybe(state.at_least),
        "reason": word(&state.reason),
        "uptime": uptimes.collect::<Value>(),
        "because": state.because.as_ref().map(Name::as_str),
        "part_of": state.because.as_ref().filter(|_| state.part).map(Name::as_str),
        "members": service.members.iter().map(Name::as_str).collect::<Value>(),
        "root_of": state.root_of,
        "owner": word(&service.owner),
        "on_call": state.on_call.as_ref().map(Clean::as_str),
        "held_by": state.held_by.as_ref().map(Clean::as_str),
        "metrics": numbers(scene.board, service).map(|m| metric(scene, m)).collect::<Value>(),
        "slos": slos(service, state),
        "deploys": own.take(DEPLOYS).map(|d| deploy(scene, d)).collect::<Value>(),
        "incidents": incidents.collect::<Value>(),
        "changes": state.changes.iter().map(change).collect::<Value>(),
        "changes_known": state.changes_known,
        "changes_unknown": state.looked.unsaid.as_ref().map(unsaid),
        "upstreams": state.looked.upstreams,
        "upstreams_told": state.looked.told,
        "can_deploy": permission(&state.clearance),
    })
}

/// Why "no change" may not be said.
fn unsaid(why: &Unsaid) -> Value {
    match why {
        Unsaid::Nobody => json!({ "why": "nobody tells", "source": null, "known_since": null }),
        Unsaid::Silent(source) => {
            json!({ "why": "not fresh", "source": source.as_str(), "known_since": null })
        }
        Unsaid::Short(source, from) => {
            json!({ "why": "not so long", "source": source.as_str(), "known_since": time(*from) })
        }
    }
}

/// Those of the configuration, asked or not, then those that were found.
fn slos(service: &Service, state: &ServiceState) -> Value {
    let unheard = service.slos.iter().filter(|slo| {
        let key = slo.key(&service.name);
        state.slos.iter().all(|standing| standing.key != key)
    });
    let unheard = unheard.map(|slo| {
        json!({
            "name": slo.name.as_str(),
            "objective": slo.objective,
            "window_s": slo.window.as_secs(),
            "source": slo.source.as_str(),
            "left": null, "bad": null, "total": null, "allowed": null, "burn": [],
            "exhausted_in_s": null, "weighted": "events", "verdict": "unknown",
            "low_traffic": null, "written": "configuration", "at": null,
        })
    });
    state.slos.iter().map(slo).chain(unheard).collect()
}

fn slo(slo: &Budget) -> Value {
    let burn = |burn: &Burn| {
        json!({
            "window_s": burn.window.as_secs(),
            "rate": burn.rate.filter(|rate| rate.is_finite()).map(rounded),
            "reading": burn.ratio.word(),
            "bad": burn.bad,
            "total": burn.total,
            "at": time(burn.at),
        })
    };
    json!({
        "name": slo.name.as_str(),
        "objective": rounded(slo.target * 100.0),
        "window_s": slo.period.as_secs(),
        "source": slo.key.source.as_str(),
        "left": slo.left.map(rounded),
        "bad": slo.bad,
        "total": slo.total,
        "allowed": slo.allowed.map(rounded),
        "burn": slo.burns.iter().map(burn).collect::<Value>(),
        "exhausted_in_s": seconds(slo.gone_in),
        "weighted": slo.weighted.word(),
        "verdict": slo.verdict.word(),
        "low_traffic": slo.total.map(|_| slo.low_traffic),
        "written": slo.written.word().to_lowercase(),
        "at": maybe(slo.at),
    })
}

/// Without the digits that only arithmetic put there.
fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

fn metric(scene: &Scene<'_>, metric: &Metric) -> Value {
    let track = scene.board.tracks.get(&metric.id);
    let newest = track.and_then(Track::newest);
    let age = newest.and_then(|_| scene.board.age_of(&metric.id, scene.now));
    // From so old a value nothing is concluded.
    let expired = age.is_some_and(|(_, staleness)| staleness == Staleness::Expired);
    let health = newest.and_then(|(_, m)| level(metric, m));
    let health = health.map(|health| if expired { Health::Unknown } else { health });
    let bound = |b: Option<crate::model::Bound>| b.map(|b| format!("{} {}", b.ascii(), b.value));
    json!({
        "name": metric.id.metric.as_str(),
        "value": newest.and_then(|(_, m)| m.number()),
        "at": maybe(newest.map(|(at, _)| *at)),
        "age_s": seconds(age.map(|(age, _)| age)),
        "stale": age.map(|(_, staleness)| staleness != Staleness::Fresh),
        "reading": newest.map_or("no-data", |(_, m)| m.word()),
        "note": track.and_then(|t| t.note.as_ref()).map(Clean::as_str),
        "unit": metric.unit.word(),
        "role": metric.role.word(),
        "good": bound(metric.good),
        "bad": bound(metric.bad),
        "found": preset(scene.board, metric).map(Clean::as_str),
        "health": health.map(Health::word),
        "baseline": scene.board.baseline_of(&metric.id, scene.now),
    })
}

fn change(suspect: &Suspect) -> Value {
    json!({
        "source": suspect.key.source.as_str(),
        "id": suspect.key.id.clean().as_str(),
        "service": suspect.service.as_ref().map(Name::as_str),
        "what": word(&suspect.what),
        "who": word(&suspect.who),
        "finished_s_before": suspect.before_s,
        "score": (suspect.score * 1_000.0).round() / 1_000.0,
    })
}

fn incident(scene: &Scene<'_>, before: &Before<'_>, record: &Record<Incident>) -> Value {
    let incident = &record.what;
    let service = of_incident(scene.team, incident);
    let named = service.and_then(|i| scene.team.services.get(i)).map(|s| s.name.as_str());
    let changes = match (service, incident.started) {
        (Some(i), Some(at)) => before.suspects(i, at),
        _ => Vec::new(),
    };
    json!({
        "source": incident.key.source.as_str(),
        "id": incident.key.id.clean().as_str(),
        "reference": word(&incident.reference),
        "title": word(&incident.title),
        "service": named.map_or_else(|| word(&incident.service_name), Value::from),
        "status": incident.status.word(),
        "severity": incident.severity.map(|s| s.0),
        "priority": word(&incident.priority),
        "started": maybe(incident.started),
        "acked": maybe(incident.acked),
        "mitigated": maybe(incident.mitigated),
        "resolved": maybe(incident.resolved),
        "gone": maybe(record.gone),
        "who": incident.who.iter().map(Clean::as_str).collect::<Vec<_>>(),
        "url": incident.url.as_ref().map(crate::model::Link::as_str),
        "changes": changes.iter().map(change).collect::<Value>(),
    })
}

fn alert(scene: &Scene<'_>, alert: &Alert) -> Value {
    let service = scene.survey.services.iter().find(|s| s.alerts.contains(&alert.key));
    let suppressed = alert.suppressed.iter().map(|s| match s {
        Suppression::Silenced(key) => {
            let silence = scene.board.silences.get(key).map(|r| &r.what);
            json!({
                "by": "silence",
                "who": silence.map_or(Value::Null, |s| word(&s.by)),
                "comment": silence.map_or(Value::Null, |s| word(&s.comment)),
                "until": maybe(silence.and_then(|s| s.ends)),
            })
        }
        Suppression::Inhibited(by) => json!({"by": "alert", "fingerprint": word(by)}),
        Suppression::Muted(by) => json!({"by": "time", "name": word(by)}),
    });
    let labels: Map<String, Value> =
        alert.labels.iter().map(|(k, v)| (k.to_string(), v.as_str().into())).collect();
    json!({
        "source": alert.key.source.as_str(),
        "id": alert.key.id.clean().as_str(),
        "name": word(&alert.name),
        "title": word(&alert.summary),
        "service": service.map(|s| s.name.as_str()),
        "state": crate::page::listed::alert_word(alert).as_str(),
        "severity": alert.severity.map(|s| s.0),
        "started": maybe(alert.started),
        "labels": labels,
        "suppressed": suppressed.collect::<Value>(),
        "url": alert.url.as_ref().map(crate::model::Link::as_str),
        "runbook": alert.runbook.as_ref().map(crate::model::Link::as_str),
    })
}

fn releases(scene: &Scene<'_>, bounds: Option<Window>, out: &mut Map<String, Value>) {
    let window = bounds.map_or_else(|| listed::around(scene), |w| reasonable(scene, w));
    let events = calendar(scene.board, scene.team, window, scene.zone);
    out.insert("events".into(), events.iter().map(event).collect());
    let mut deploys: Vec<&Deploy> =
        scene.board.deploys.all().map(|r| &r.what).filter(|d| within(bounds, moment(d))).collect();
    deploys.sort_by_key(|d| std::cmp::Reverse(moment(d)));
    out.insert("deploys".into(), deploys.into_iter().map(|d| deploy(scene, d)).collect());
    let mut environments = Vec::new();
    let mut pipes = Vec::new();
    let mut approvals = Vec::new();
    for service in scene.team.services.iter().filter(|s| !s.repo.is_empty()) {
        let versions = Versions::of(scene.board, scene.team, service, scene.now);
        let undeployed = versions.undeployed();
        for running in &versions.running {
            environments.push(json!({
                "service": service.name.as_str(),
                "environment": running.environment.as_str(),
                "version": running.version.as_ref().map(Clean::as_str),
                "deployed": maybe(running.since),
                "drift": versions.apart.is_apart(),
                "apart": word(&versions.apart.words()),
                "undeployed_commits": undeployed.map(|d| d.missing),
                "oldest_undeployed": maybe(undeployed.and_then(|d| d.oldest)),
                "url": running.url.as_ref().map(crate::model::Link::as_str),
            }));
        }
        pipes.extend(pipelines(scene.board, service).iter().map(|p| pipeline(service, p)));
        approvals.extend(waiting(scene.board, service).into_iter().map(|a| approval(service, a)));
    }
    out.insert("environments".into(), environments.into());
    out.insert("pipelines".into(), pipes.into());
    out.insert("approvals".into(), approvals.into());
    let rhythms = listed::rhythms(scene);
    let named = scene.team.services.iter().map(|s| Some(&s.name)).chain([None]).zip(rhythms.iter());
    out.insert("rhythms".into(), named.map(|(name, r)| rhythm(name, r)).collect());
    let next = scene.survey.next_release.as_ref();
    out.insert("next_release".into(), maybe(next.map(|p| p.at)));
    let frozen = scene.survey.frozen.iter().map(|f| {
        let services = f.services.as_ref();
        let named = services.map(|all| all.iter().map(Name::as_str).collect::<Vec<_>>());
        json!({
            "name": word(&f.name),
            "from": time(f.from),
            "until": maybe(f.until),
            // `null` where it is a freeze of everybody.
            "services": named,
            "override": word(&f.how_to_override),
        })
    });
    out.insert("frozen".into(), frozen.collect());
}

fn pipeline(service: &Service, pipeline: &Pipeline<'_>) -> Value {
    let newest = pipeline.runs.first();
    json!({
        "service": service.name.as_str(),
        "workflow": word(&pipeline.workflow),
        "state": newest.map(|r| r.outcome.word()),
        "k": pipeline.successes.0,
        "n": pipeline.successes.1,
        "usual_s": seconds(pipeline.usual),
        "newest": maybe(newest.and_then(|r| run_moment(r))),
        "url": newest.and_then(|r| r.url.as_ref()).map(crate::model::Link::as_str),
    })
}

fn approval(service: &Service, approval: &Approval) -> Value {
    json!({
        "source": approval.key.source.as_str(),
        "id": approval.key.id.clean().as_str(),
        "service": service.name.as_str(),
        "environment": word(&approval.environment),
        "run": word(&approval.run),
        "version": word(&approval.version),
        "who": word(&approval.who),
        "approvers": approval.approvers.iter().map(Clean::as_str).collect::<Vec<_>>(),
        "yours": approval.yours,
        "since": maybe(approval.since),
        "url": approval.url.as_ref().map(crate::model::Link::as_str),
    })
}

/// A service's rhythm; without a service, the whole team's.
fn rhythm(service: Option<&Name>, rhythm: &Rhythm) -> Value {
    let slip = rhythm.slip();
    json!({
        "service": service.map(Name::as_str),
        "last": maybe(rhythm.last),
        "next": maybe(rhythm.next),
        "usual_s": seconds(rhythm.usual),
        "slip_days": slip.map(|(days, _)| days),
        "slips": slip.map_or(0, |(_, n)| n),
        "not_made": rhythm.slips.iter().filter(|s| s.actual.is_none()).count(),
        "label": rhythm.regularity.map(|r| r.label()),
        "cv": rhythm.regularity.map(|r| (r.cv * 1_000.0).round() / 1_000.0),
        "burstiness": rhythm.regularity.map(|r| (r.burstiness * 1_000.0).round() / 1_000.0),
        "gaps": rhythm.gaps,
        "deploy_days_a_week": rhythm.days_a_week(),
        "weeks": rhythm.weeks.len(),
    })
}

/// Open bounds do not make a series that never ends last for ever: ten years each way are enough.
pub fn reasonable(scene: &Scene<'_>, window: Window) -> Window {
    let years = SignedDuration::from_hours(10 * 366 * 24);
    Window {
        from: window.from.max(earlier(scene.now, years)),
        until: window.until.min(later(scene.now, years)),
    }
}

fn event(event: &Event) -> Value {
    let (start, end) = match event.days {
        // A date has no zone: its first day and the day after its last, as iCalendar has it.
        Some((first, last)) => {
            let after = last.tomorrow().unwrap_or(last);
            (Value::String(first.to_string()), Value::String(after.to_string()))
        }
        None => (time(event.start), maybe(event.end)),
    };
    let services: Vec<&str> = event.services.iter().map(Name::as_str).collect();
    json!({
        "source": event.key.source.as_str(),
        "uid": event.key.id.clean().as_str(),
        "title": word(&event.title),
        "kind": event.purpose.word(),
        "start": start,
        "end": end,
        "all_day": event.days.is_some(),
        "status": word(&event.status),
        "services": services,
        "conflict": event.conflicts.first().map(Clean::as_str),
        "conflicts": event.conflicts.iter().map(Clean::as_str).collect::<Vec<_>>(),
    })
}

fn deploy(scene: &Scene<'_>, deploy: &Deploy) -> Value {
    let back = listed::taken_back(scene);
    let rollback = back.get(&deploy.key);
    let loads = listed::loads(scene);
    let load = loads.get(&deploy.key);
    let service = scene.team.services.iter().find(|s| deploys_from(s, deploy));
    json!({
        "source": deploy.key.source.as_str(),
        "id": deploy.key.id.clean().as_str(),
        "service": service.map(|s| s.name.as_str()),
        "repo": word(&deploy.repo),
        "environment": word(&deploy.environment),
        "version": word(&deploy.version),
        "sha": word(&deploy.sha),
        "started": maybe(deploy.started),
        "finished": maybe(deploy.finished),
        "outcome": deploy.outcome.word(),
        "known": !matches!(deploy.outcome, Outcome::Other(_)),
        "commits": load.map(|l| l.new),
        "commits_back": load.and_then(|l| l.back),
        "rollback_from": rollback.map(|r| r.from.as_str()),
        "who": word(&deploy.who),
        "url": deploy.url.as_ref().map(crate::model::Link::as_str),
    })
}

/// The document of `andon check --actions`: the counts, and every action that is still open, late ones first.
pub fn actions(scene: &Scene<'_>) -> Value {
    let mut out = match json(scene, "", None) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let issues = listed::issues(scene);
    let tasks = listed::actions(scene, &issues);
    let counted = tally(&tasks);
    out.insert("all".into(), counted.all.into());
    out.insert("open".into(), counted.open.into());
    out.insert("overdue".into(), counted.overdue.into());
    out.insert("unowned".into(), counted.unowned.into());
    out.insert("conflicts".into(), counted.conflicts.into());
    out.insert("oldest_days".into(), json!(counted.oldest));
    let mut open: Vec<_> = tasks.iter().filter(|t| t.is_open()).collect();
    open.sort_by_key(|t| (!t.overdue, !t.is_unowned()));
    let told = open.into_iter().map(|t| {
        json!({
            "text": word(&t.action.text),
            "owner": t.owner().as_ref().map(Clean::as_str),
            "due": t.due.map(|d| d.to_string()),
            "due_agreed": t.action.due.is_none(),
            "overdue": t.overdue,
            "age_days": t.age,
            "reference": t.action.reference.as_ref().map(Clean::as_str),
            "url": t.action.link.as_ref().map(crate::model::Link::as_str),
            "issue": issue(&t.standing),
            "conflict": t.standing.conflict,
            "post_mortem": word(&t.post_mortem.title),
            "path": word(&t.post_mortem.path),
            "line": t.action.line + 1,
        })
    });
    out.insert("actions".into(), told.collect());
    Value::Object(out)
}

/// The issue of an action as its tracker told it; `null` where no source knows it.
fn issue(standing: &Standing<'_>) -> Value {
    standing.ticket.map_or(Value::Null, |record| {
        let ticket = &record.what;
        json!({
            "name": word(&ticket.name),
            "title": word(&ticket.title),
            "state": ticket.state,
            "word": word(&ticket.word),
            "who": ticket.who.iter().map(Clean::as_str).collect::<Vec<_>>(),
            "closed": maybe(ticket.closed),
            "heard": time(record.last_seen),
            "stale": standing.stale,
            "url": ticket.url.as_ref().map(crate::model::Link::as_str),
        })
    })
}

/// The document of `andon report`: the services, and what happened since.
pub fn report(scene: &Scene<'_>, since: Window, handoff: bool) -> Value {
    let mut out = match actions(scene) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    out.insert("since".into(), time(since.from));
    out.insert("until".into(), time(since.until));
    out.insert("handoff".into(), handoff.into());
    let pairs = scene.team.services.iter().zip(&scene.survey.services);
    let planned = Works::new(scene.board, scene.team, scene.now, scene.zone);
    let services = pairs.map(|(service, state)| of_service(scene, &planned, service, state));
    out.insert("services".into(), services.collect());
    let on_call = scene.survey.on_call.iter().map(|turn| {
        json!({ "who": word(&turn.who), "schedule": word(&turn.schedule), "end": maybe(turn.ends) })
    });
    out.insert("on_call".into(), on_call.collect());
    let before = Before::new(scene.board, scene.team);
    let wanted = review::incidents_since(scene, since);
    let records =
        scene.board.incidents.all().filter(|r| wanted.iter().any(|i| i.key == r.what.key));
    out.insert("incidents".into(), records.map(|r| incident(scene, &before, r)).collect());
    releases(scene, Some(since), &mut out);
    let ahead = Window { from: scene.now, until: listed::around(scene).until };
    let events = calendar(scene.board, scene.team, ahead, scene.zone);
    out.insert("events".into(), events.iter().map(event).collect());
    let papers = review::papers_since(scene, since);
    let papers = papers.into_iter().map(|p| post_mortem(scene, p));
    out.insert("post_mortems".into(), papers.collect());
    Value::Object(out)
}

fn post_mortem(scene: &Scene<'_>, p: &PostMortem) -> Value {
    let services = listed::services(scene, p);
    let services: Vec<&str> = services.iter().map(Name::as_str).collect();
    let lasted = listed::lasted(scene, p);
    let other = lasted.and_then(|l| l.other);
    let (k, n) = listed::complete(scene, p);
    let missing = present(p, &scene.team.review).into_iter().filter(|(there, _)| !there);
    let missing: Vec<&str> = missing.map(|(_, wanted)| wanted.name()).collect();
    let amount = |found: &Found<Amount>| {
        let unit = match &found.value.unit {
            LossUnit::Money(code) => code.as_str(),
            LossUnit::Users => "users",
            LossUnit::Requests => "requests",
            LossUnit::Minutes => "minutes",
            LossUnit::Percent => "percent",
        };
        json!({ "value": found.value.value, "unit": unit, "words": word(&found.value.words) })
    };
    let happening = |h: &Happening| json!({ "at": maybe(h.at), "when": word(&h.when), "text": word(&h.text), "line": h.line + 1 });
    let issues = listed::issues(scene);
    let action = |t: Task<'_>| {
        let a = t.action;
        json!({
            "text": word(&a.text),
            "owner": t.owner().as_ref().map(Clean::as_str),
            "due": t.due.map(|d| d.to_string()),
            "due_agreed": a.due.is_none(),
            "done": !t.is_open(),
            "state": t.standing.state,
            "overdue": t.overdue,
            "issue": issue(&t.standing),
            "conflict": t.standing.conflict,
            "reference": a.reference.as_ref().map(Clean::as_str),
            "url": a.link.as_ref().map(crate::model::Link::as_str),
            "line": a.line + 1,
        })
    };
    json!({
        "source": p.key.source.as_str(),
        "path": word(&p.path),
        "title": word(&p.title),
        "date": p.dated.as_ref().map(|d| d.date.value.to_string()),
        "dates": p.dated.as_ref().map(|d| d.conflicts.iter().map(|c| json!({
            "date": c.value.to_string(),
            "place": c.place.words(),
        })).collect::<Value>()),
        "services": services,
        "severity": p.level().map(|s| s.0),
        "severity_word": p.severity.as_ref().map(|s| s.value.word.as_str()),
        "loss": p.loss.words.as_ref().map(|w| w.value.as_str()),
        "loss_amounts": p.loss.amounts.iter().map(amount).collect::<Value>(),
        "root_cause": p.root_cause.as_ref().map(|w| w.value.as_str()),
        "duration_s": lasted.map(|l| l.span.as_secs()),
        "duration_clock": lasted.map(|l| l.clock),
        "duration_otherwise_s": other.map(|(span, ..)| span.as_secs()),
        "timeline": p.timeline.iter().map(happening).collect::<Value>(),
        "actions": listed::on(scene, &issues).of(p).map(action).collect::<Value>(),
        "completeness": { "k": k, "n": n, "missing": missing },
        "again": listed::again(scene, p).len(),
        "authors": p.authors.iter().map(|a| a.value.as_str()).collect::<Vec<_>>(),
        "flags": p.flags.iter().map(word).collect::<Value>(),
        "url": p.url.as_ref().map(crate::model::Link::as_str),
    })
}
