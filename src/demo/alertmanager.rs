//! The alert router's HTTP interface, as Alertmanager 0.25 speaks it; silences made by visitors live as long as the demo.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::alerts::{self, fingerprint};
use super::clock::{Secs, rfc3339_ms, secs};
use super::noise::{hex, mix};
use super::prometheus::annotations;
use super::promql::eval::{Test, compile};
use super::promql::parse::Matcher;
use super::promql::series::Labels;
use super::reply::{Asked, Reply};
use super::story;
use super::world::World;

/// What visitors wrote; bounded, and gone with the demo.
#[derive(Debug, Default)]
pub struct Memory {
    /// By id; over the world's own.
    silences: BTreeMap<String, Silence>,
    alerts: BTreeMap<String, Posted>,
    made: u64,
}

const MOST_KEPT: usize = 500;

#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts: Secs,
    pub ends: Secs,
    pub updated: Secs,
    pub by: String,
    pub comment: String,
}

impl Silence {
    fn state(&self, now: Secs) -> &'static str {
        if self.ends <= now {
            "expired"
        } else if self.starts > now {
            "pending"
        } else {
            "active"
        }
    }

    fn covers(&self, labels: &Labels) -> bool {
        compile(&self.matchers).is_ok_and(|all: Vec<Test>| all.iter().all(|t| t.holds(labels)))
    }

    fn json(&self, now: Secs) -> Json {
        let matcher = |m: &Matcher| {
            json!({
                "name": m.label,
                "value": m.value,
                "isRegex": m.op.ends_with('~'),
                "isEqual": !m.op.starts_with('!'),
            })
        };
        json!({
            "id": self.id,
            "status": { "state": self.state(now) },
            "updatedAt": rfc3339_ms(self.updated),
            "comment": self.comment,
            "createdBy": self.by,
            "startsAt": rfc3339_ms(self.starts),
            "endsAt": rfc3339_ms(self.ends),
            "matchers": self.matchers.iter().map(matcher).collect::<Vec<_>>(),
        })
    }
}

#[derive(Debug, Clone)]
struct Posted {
    labels: Labels,
    annotations: Json,
    starts: Secs,
    ends: Secs,
}

/// An alert as the router lists it.
struct Listed {
    labels: Labels,
    annotations: Json,
    starts: Secs,
    ends: Secs,
    fingerprint: String,
    silenced: Vec<String>,
    inhibited: Vec<String>,
    receiver: &'static str,
}

impl Listed {
    fn json(&self, now: Secs) -> Json {
        let quiet = !self.silenced.is_empty() || !self.inhibited.is_empty();
        let name = self.labels.get("alertname").map_or("", String::as_str);
        json!({
            "annotations": self.annotations,
            "labels": self.labels,
            "startsAt": rfc3339_ms(self.starts),
            "endsAt": rfc3339_ms(self.ends),
            "updatedAt": rfc3339_ms(now),
            "fingerprint": self.fingerprint,
            "generatorURL": format!("https://prometheus.harbour.example/graph?g0.expr=ALERTS%7Balertname%3D%22{name}%22%7D"),
            "receivers": [{ "name": self.receiver }],
            "status": {
                "state": if quiet { "suppressed" } else { "active" },
                "silencedBy": self.silenced,
                "inhibitedBy": self.inhibited,
            },
        })
    }
}

const RECEIVERS: &[&str] = &["pager", "team-chat", "log"];

fn receiver(labels: &Labels) -> &'static str {
    match labels.get("severity").map(String::as_str) {
        Some("critical") => "pager",
        Some("info" | "none") => "log",
        _ => "team-chat",
    }
}

fn uuid(world: &World, place: u64) -> String {
    let h = hex(world.seed ^ 0xA1, place, 32);
    let part = |a: usize, b: usize| h.get(a..b).unwrap_or("");
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Silences that the team itself made.
fn told(world: &World, now: Secs) -> Vec<Silence> {
    let equal =
        |label: &str, value: &str| Matcher { label: label.into(), op: "=", value: value.into() };
    let mut out = Vec::new();
    for turn in world.turns_seen(now) {
        let starts = world.beat(turn, story::mail_rise(turn).0 + 90.0);
        out.push(Silence {
            id: uuid(world, mix(1, turn as u64)),
            matchers: vec![equal("alertname", "MailQueueOld"), equal("service", "mail")],
            starts,
            ends: world.beat(turn, story::SILENCE_ENDS),
            updated: starts,
            by: "noor".into(),
            comment: "Newsletter is going out, the queue will be long. Back to normal soon.".into(),
        });
    }
    let past = world.past.iter().find(|(p, ..)| p.service == "search");
    if let Some((_, start, end)) = past {
        out.push(Silence {
            id: uuid(world, 2),
            matchers: vec![
                equal("service", "search"),
                Matcher {
                    label: "alertname".into(),
                    op: "=~",
                    value: "HighLatency|WorkersBusy".into(),
                },
            ],
            starts: start + 120.0,
            ends: end + 1_800.0,
            updated: start + 120.0,
            by: "liwen".into(),
            comment: "Index rebuild, as announced".into(),
        });
    }
    // Planned work is the one thing that may lie ahead.
    let night = world.days_before(-1, 22.0, false);
    out.push(Silence {
        id: uuid(world, 3),
        matchers: vec![
            equal("service", "db"),
            Matcher {
                label: "alertname".into(),
                op: "=~",
                value: "ReplicaLag|TargetDown|WorkersBusy".into(),
            },
        ],
        starts: night,
        ends: night + 5_400.0,
        updated: world.clock.origin - 20_000.0,
        by: "tomas".into(),
        comment: "Patch window for the database, see the maintenance calendar".into(),
    });
    out.retain(|s| s.updated <= now);
    out
}

fn silences(world: &World, memory: &Memory, now: Secs) -> Vec<Silence> {
    let mut all: Vec<Silence> =
        told(world, now).into_iter().filter(|s| !memory.silences.contains_key(&s.id)).collect();
    all.extend(memory.silences.values().cloned());
    // Like the original: expired ones stay listed for five days; active ones first, soonest end first.
    all.retain(|s| s.ends > now - 5.0 * 86_400.0);
    let order = |s: &Silence| match s.state(now) {
        "active" => 0,
        "pending" => 1,
        _ => 2,
    };
    all.sort_by(|a, b| order(a).cmp(&order(b)).then(a.ends.total_cmp(&b.ends)));
    all
}

fn listed(world: &World, memory: &Memory, now: Secs) -> Vec<Listed> {
    let mut raised = alerts::raised(world, now);
    // For a while it does not arrive from the store any more, and has run out here.
    raised.retain(|r| r.rule != "Watchdog" || !story::is_cut_off(world.clock.story(now)));
    let firing: Vec<_> = raised.iter().filter(|r| r.is_firing(now)).collect();
    let silences: Vec<Silence> =
        silences(world, memory, now).into_iter().filter(|s| s.state(now) == "active").collect();
    let quiet = |labels: &Labels| {
        silences.iter().filter(|s| s.covers(labels)).map(|s| s.id.clone()).collect::<Vec<_>>()
    };
    let mut out = Vec::new();
    for r in &firing {
        let labels = r.all_labels();
        let inhibited = firing
            .iter()
            .filter(|o| Some(o.rule) == r.inhibited_by && o.service == r.service)
            .map(|o| fingerprint(&o.all_labels()))
            .collect();
        out.push(Listed {
            annotations: annotations(r),
            starts: r.firing,
            ends: now + 240.0,
            fingerprint: fingerprint(&labels),
            silenced: quiet(&labels),
            inhibited,
            receiver: receiver(&labels),
            labels,
        });
    }
    for (id, posted) in &memory.alerts {
        if posted.ends > now {
            out.push(Listed {
                labels: posted.labels.clone(),
                annotations: posted.annotations.clone(),
                starts: posted.starts,
                ends: posted.ends,
                fingerprint: id.clone(),
                silenced: quiet(&posted.labels),
                inhibited: Vec::new(),
                receiver: receiver(&posted.labels),
            });
        }
    }
    out.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    out
}

pub fn answer(world: &World, memory: &mut Memory, asked: &Asked, now: Secs) -> Reply {
    let plain = |text: &str| Reply::text(200, text);
    let reply = match (asked.method.as_str(), asked.parts().as_slice()) {
        ("GET", ["-", "healthy" | "ready"]) => return plain("OK"),
        ("GET", ["api", "v2", "alerts"]) => alerts_answer(world, memory, asked, now, false),
        ("GET", ["api", "v2", "alerts", "groups"]) => {
            alerts_answer(world, memory, asked, now, true)
        }
        ("POST", ["api", "v2", "alerts"]) => post_alerts(memory, asked, now),
        ("GET", ["api", "v2", "silences"]) => match filters(asked) {
            Ok(tests) => {
                let hits = |s: &Silence| {
                    let labels: Labels =
                        s.matchers.iter().map(|m| (m.label.clone(), m.value.clone())).collect();
                    tests.iter().all(|t| t.holds(&labels))
                };
                let all = silences(world, memory, now);
                Reply::json(200, &all.iter().filter(|s| hits(s)).map(|s| s.json(now)).collect())
            }
            Err(reply) => reply,
        },
        ("POST", ["api", "v2", "silences"]) => post_silence(world, memory, asked, now),
        (method @ ("GET" | "DELETE"), ["api", "v2", "silence", id]) => {
            one_silence(world, memory, method, id, now)
        }
        ("GET", ["api", "v2", "status"]) => Reply::json(200, &status(world)),
        ("GET", ["api", "v2", "receivers"]) => {
            Reply::json(200, &RECEIVERS.iter().map(|r| json!({ "name": r })).collect())
        }
        (_, ["api", "v1", ..]) => Reply::json(
            410,
            &json!({
                "status": "deprecated",
                "error": "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API",
            }),
        ),
        (_, parts) => {
            let path = parts.join("/");
            Reply::json(
                404,
                &json!({ "code": 404, "message": format!("path /{path} was not found") }),
            )
        }
    };
    reply.header("cache-control", "no-store")
}

fn status(world: &World) -> Json {
    let original = "global:\n  resolve_timeout: 5m\nroute:\n  receiver: team-chat\n  group_by: [service]\n  routes:\n  - matchers: [severity=\"critical\"]\n    receiver: pager\n  - matchers: [severity=\"info\"]\n    receiver: log\ninhibit_rules:\n- source_matchers: [alertname=\"HighErrorRatio\"]\n  target_matchers: [alertname=\"HighLatency\"]\n  equal: [service]\n- source_matchers: [alertname=\"BackupRunning\"]\n  target_matchers: [alertname=\"ReplicaLag\"]\n  equal: [service, replica]\nreceivers:\n- name: pager\n- name: team-chat\n- name: log\n";
    json!({
        "cluster": { "name": "01HARBOURDEMO", "status": "ready", "peers": [{ "name": "01HARBOURDEMO", "address": "127.0.0.1:9094" }] },
        "config": { "original": original },
        "uptime": rfc3339_ms(world.clock.origin - 9.0 * 86_400.0),
        "versionInfo": {
            "branch": "HEAD",
            "buildDate": "20221222-14:51:36",
            "buildUser": "andon",
            "goVersion": "go1.19.4",
            "revision": "andon-demo",
            "version": "0.25.0",
        },
    })
}

/// `filter=alertname="X"`, repeatable; the value may be bare.
fn filters(asked: &Asked) -> Result<Vec<Test>, Reply> {
    let bad = |text: &str| Reply::json(400, &json!(format!("bad matcher format: {text}")));
    let mut matchers = Vec::new();
    for text in asked.many("filter") {
        let at = text.find(['=', '!']).filter(|at| *at > 0).ok_or_else(|| bad(text))?;
        let (label, rest) = text.split_at(at);
        let op = ["=~", "!~", "!=", "="].into_iter().find(|op| rest.starts_with(op));
        let op = op.ok_or_else(|| bad(text))?;
        let value = rest.get(op.len()..).unwrap_or("");
        let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        if inner.is_none() && value.contains('"') {
            let message = format!("matcher value contains unescaped double quote: {value}");
            return Err(Reply::json(400, &json!(message)));
        }
        let value = inner.unwrap_or(value).replace("\\\"", "\"").replace("\\\\", "\\");
        matchers.push(Matcher { label: label.trim().to_owned(), op, value });
    }
    compile(&matchers).map_err(|_| bad("not a regular expression"))
}

fn alerts_answer(world: &World, memory: &Memory, asked: &Asked, now: Secs, grouped: bool) -> Reply {
    let tests = match filters(asked) {
        Ok(tests) => tests,
        Err(reply) => return reply,
    };
    let receiver = match asked.one("receiver").map(|r| regex::Regex::new(&format!("^(?:{r})$"))) {
        Some(Err(_)) => {
            return Reply::json(400, &json!("failed to parse receiver param"));
        }
        Some(Ok(pattern)) => Some(pattern),
        None => None,
    };
    let wants = |name: &str| asked.one(name) != Some("false");
    let (active, silenced, inhibited) = (wants("active"), wants("silenced"), wants("inhibited"));
    let mut all = listed(world, memory, now);
    all.retain(|a| {
        let quiet = !a.silenced.is_empty() || !a.inhibited.is_empty();
        (active || quiet)
            && (silenced || a.silenced.is_empty())
            && (inhibited || a.inhibited.is_empty())
            && tests.iter().all(|t| t.holds(&a.labels))
            && receiver.as_ref().is_none_or(|r| r.is_match(a.receiver))
    });
    if !grouped {
        return Reply::json(200, &all.iter().map(|a| a.json(now)).collect());
    }
    let mut groups: BTreeMap<(String, &'static str), Vec<Json>> = BTreeMap::new();
    for alert in &all {
        let service = alert.labels.get("service").cloned().unwrap_or_default();
        groups.entry((service, alert.receiver)).or_default().push(alert.json(now));
    }
    let one = |((service, receiver), alerts): ((String, &str), Vec<Json>)| {
        let labels = if service.is_empty() { json!({}) } else { json!({ "service": service }) };
        json!({ "labels": labels, "receiver": { "name": receiver }, "alerts": alerts })
    };
    Reply::json(200, &groups.into_iter().map(one).collect())
}

/// Text, or the zero time that clients send for "not set".
fn time(value: Option<&Json>) -> Option<Secs> {
    let text = value?.as_str()?;
    if text.starts_with("0001-01-01") {
        return None;
    }
    text.parse::<Timestamp>().ok().map(secs)
}

fn body(asked: &Asked, what: &str) -> Result<Json, Reply> {
    if !asked.content_type.starts_with("application/json") {
        let message = format!(
            "unsupported media type {:?}, only [application/json] are allowed",
            asked.content_type
        );
        return Err(Reply::json(415, &json!({ "code": 415, "message": message })));
    }
    serde_json::from_slice(&asked.body).map_err(|e| {
        let message = format!("parsing {what} body from \"\" failed, because {e}");
        Reply::json(400, &json!({ "code": 400, "message": message }))
    })
}

fn post_alerts(memory: &mut Memory, asked: &Asked, now: Secs) -> Reply {
    let list = match body(asked, "alerts") {
        Ok(Json::Array(list)) => list,
        Ok(_) => {
            return Reply::json(400, &json!({ "code": 400, "message": "alerts must be a list" }));
        }
        Err(reply) => return reply,
    };
    let texts = |v: Option<&Json>| -> Labels {
        let pairs = v.and_then(Json::as_object).into_iter().flatten();
        pairs.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    };
    for alert in list {
        let labels = texts(alert.get("labels"));
        if labels.is_empty() {
            return Reply::json(400, &json!("at least one label pair required"));
        }
        if memory.alerts.len() >= MOST_KEPT {
            memory.alerts.retain(|_, a| a.ends > now);
        }
        if memory.alerts.len() < MOST_KEPT {
            let starts = time(alert.get("startsAt")).unwrap_or(now);
            let ends = time(alert.get("endsAt")).unwrap_or(now + 300.0);
            let annotations = json!(texts(alert.get("annotations")));
            memory
                .alerts
                .insert(fingerprint(&labels), Posted { labels, annotations, starts, ends });
        }
    }
    Reply::empty(200)
}

fn post_silence(world: &World, memory: &mut Memory, asked: &Asked, now: Secs) -> Reply {
    let json = match body(asked, "silence") {
        Ok(json) => json,
        Err(reply) => return reply,
    };
    let invalid = |code: u16, status: u16, message: &str| {
        Reply::json(status, &json!({ "code": code, "message": message }))
    };
    for field in ["comment", "createdBy", "endsAt", "matchers", "startsAt"] {
        if json.get(field).is_none_or(Json::is_null) {
            return invalid(602, 422, &format!("{field} in body is required"));
        }
    }
    let text = |field: &str| json.get(field).and_then(Json::as_str).unwrap_or("").to_owned();
    let matcher = |m: &Json| {
        let flag = |name: &str, usual: bool| m.get(name).and_then(Json::as_bool).unwrap_or(usual);
        let op = match (flag("isEqual", true), flag("isRegex", false)) {
            (true, false) => "=",
            (true, true) => "=~",
            (false, false) => "!=",
            (false, true) => "!~",
        };
        let part = |name: &str| m.get(name).and_then(Json::as_str).unwrap_or("").to_owned();
        Matcher { label: part("name"), op, value: part("value") }
    };
    let matchers: Vec<Matcher> =
        json.get("matchers").and_then(Json::as_array).into_iter().flatten().map(matcher).collect();
    if matchers.is_empty() {
        return invalid(612, 422, "matchers in body should have at least 1 items");
    }
    let nothing = Labels::new();
    match compile(&matchers) {
        Ok(tests) if tests.iter().all(|t| t.holds(&nothing)) => {
            return Reply::json(
                400,
                &json!("silence invalid: at least one matcher must not match the empty string"),
            );
        }
        Err(_) => return Reply::json(400, &json!("silence invalid: invalid label matcher")),
        Ok(_) => {}
    }
    let (Some(starts), Some(ends)) = (time(json.get("startsAt")), time(json.get("endsAt"))) else {
        return invalid(601, 422, "startsAt in body must be of type date-time");
    };
    if ends <= starts {
        return Reply::json(
            400,
            &json!("Failed to create silence: start time must be before end time"),
        );
    }
    if ends <= now {
        return Reply::json(400, &json!("Failed to create silence: end time can't be in the past"));
    }
    let mut silence = Silence {
        id: text("id"),
        matchers,
        starts,
        ends,
        updated: now,
        by: text("createdBy"),
        comment: text("comment"),
    };
    if !silence.id.is_empty() {
        let known = silences(world, memory, now).into_iter().find(|s| s.id == silence.id);
        let Some(mut old) = known else { return Reply::json(404, &json!("silence not found")) };
        let same = old.matchers == silence.matchers
            && (old.starts - silence.starts).abs() < 1.0
            && old.state(now) == "active";
        if same {
            silence.starts = old.starts;
            return keep(memory, silence);
        }
        if old.state(now) != "expired" {
            old.ends = now;
            old.updated = now;
            memory.silences.insert(old.id.clone(), old);
        }
    }
    memory.made += 1;
    silence.id = uuid(world, 1_000 + memory.made);
    silence.starts = silence.starts.max(now);
    keep(memory, silence)
}

fn keep(memory: &mut Memory, silence: Silence) -> Reply {
    if memory.silences.len() >= MOST_KEPT && !memory.silences.contains_key(&silence.id) {
        return Reply::json(500, &json!("the demo keeps 500 silences at most"));
    }
    let id = silence.id.clone();
    memory.silences.insert(id.clone(), silence);
    Reply::json(200, &json!({ "silenceID": id }))
}

fn one_silence(world: &World, memory: &mut Memory, method: &str, id: &str, now: Secs) -> Reply {
    let shape = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !shape {
        let message = format!("silenceID in path must be of type uuid: {id:?}");
        return Reply::json(422, &json!({ "code": 601, "message": message }));
    }
    let found = silences(world, memory, now).into_iter().find(|s| s.id == id);
    match (method, found) {
        ("GET", Some(silence)) => Reply::json(200, &silence.json(now)),
        ("GET", None) => Reply::empty(404),
        (_, Some(mut silence)) => {
            if silence.state(now) != "expired" {
                silence.ends = now;
                silence.updated = now;
                memory.silences.insert(silence.id.clone(), silence);
            }
            Reply::empty(200)
        }
        (_, None) => Reply::json(500, &json!("silence not found")),
    }
}
