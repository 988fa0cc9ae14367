//! The pager's HTTP interface, as the second version of the vendor's REST interface speaks it.

use serde_json::{Value as Json, json};

use super::cast::{self, PEOPLE, Person, SERVICES, Service};
use super::clock::{Secs, rfc3339, secs};
use super::incidents::{Change, FLAGS, Incident, changes, incidents};
use super::reply::{Asked, Reply};
use super::world::World;

pub fn answer(world: &World, asked: &Asked, now: Secs) -> Reply {
    let used = (now as u32 % 60) / 6;
    reply(world, asked, now)
        .header("ratelimit-limit", "960")
        .header("ratelimit-remaining", (950 - used).to_string())
        .header("ratelimit-reset", (60 - now as u32 % 60).to_string())
}

fn failure(status: u16, code: u32, message: &str, errors: &[&str]) -> Reply {
    Reply::json(status, &json!({ "error": { "message": message, "code": code, "errors": errors } }))
}

fn not_found() -> Reply {
    failure(404, 2_100, "Not Found", &[])
}

/// Part of a list in the pager's own envelope.
fn paged(asked: &Asked, name: &str, list: Vec<Json>) -> Reply {
    let limit = asked.number("limit").unwrap_or(25).clamp(1, 100);
    let offset = asked.number("offset").unwrap_or(0);
    if offset + limit > 10_000 {
        return failure(400, 2_001, "Invalid Input Provided", &["Offset must be less than 10000"]);
    }
    let total = list.len();
    let page: Vec<Json> = list.into_iter().skip(offset).take(limit).collect();
    Reply::json(
        200,
        &json!({
            name: page,
            "limit": limit,
            "offset": offset,
            "total": (asked.one("total") == Some("true")).then_some(total),
            "more": offset + limit < total,
        }),
    )
}

fn reply(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.method != "GET" {
        return failure(403, 2_010, "Access Denied", &["The demo's pager can be read only"]);
    }
    let site = Site { origin: &asked.origin };
    let known = || incidents(world, now);
    match asked.parts().as_slice() {
        ["incidents"] => list_incidents(&site, asked, known(), now),
        ["incidents", id] => match known().iter().find(|i| i.id == *id) {
            Some(i) => Reply::json(200, &json!({ "incident": site.incident(i) })),
            None => not_found(),
        },
        ["incidents", id, "log_entries"] => match known().iter().find(|i| i.id == *id) {
            Some(i) => paged(asked, "log_entries", site.log(i)),
            None => not_found(),
        },
        ["incidents", id, "notes"] => match known().iter().find(|i| i.id == *id) {
            Some(i) => Reply::json(200, &json!({ "notes": site.notes(i) })),
            None => not_found(),
        },
        ["incidents", _, "alerts"] => paged(asked, "alerts", Vec::new()),
        ["oncalls"] => paged(asked, "oncalls", on_calls(world, &site, asked, now)),
        ["priorities"] => {
            let one = |n: usize| json!({ "id": format!("PPRIO0{n}"), "type": "priority", "summary": format!("P{n}"), "name": format!("P{n}"), "description": PRIORITIES.get(n - 1), "order": 1 << (10 - n) });
            paged(asked, "priorities", (1..=5).map(one).collect())
        }
        ["services"] => {
            let open = known();
            let one = |s: &Service| site.service(s, &open);
            paged(asked, "services", SERVICES.iter().map(one).collect())
        }
        ["services", id, rest @ ..] => {
            let Some(service) = SERVICES.iter().find(|s| s.pager == *id) else {
                return not_found();
            };
            match rest {
                [] => Reply::json(200, &json!({ "service": site.service(service, &known()) })),
                ["change_events"] => list_changes(world, &site, asked, now, Some(service.name)),
                _ => not_found(),
            }
        }
        ["change_events"] => list_changes(world, &site, asked, now, None),
        ["users", "me"] => Reply::json(200, &json!({ "user": site.user(cast::person("noor")) })),
        ["users"] => paged(asked, "users", PEOPLE.iter().map(|p| site.user(p)).collect()),
        ["users", id] => match PEOPLE.iter().find(|p| p.id == *id) {
            Some(person) => Reply::json(200, &json!({ "user": site.user(person) })),
            None => not_found(),
        },
        ["schedules"] => {
            paged(asked, "schedules", ["Shop", "Money"].iter().map(|p| site.schedule(p)).collect())
        }
        ["escalation_policies"] => paged(
            asked,
            "escalation_policies",
            ["Shop", "Money"].iter().map(|p| site.policy(p)).collect(),
        ),
        ["maintenance_windows"] => {
            let start = world.days_before(-1, 22.0, false);
            let window = json!({
                "id": "PMAINT1",
                "type": "maintenance_window",
                "summary": "Database: security patch",
                "description": "Database: security patch",
                "start_time": rfc3339(start),
                "end_time": rfc3339(start + 5_400.0),
                "services": [site.service_reference("db")],
            });
            paged(asked, "maintenance_windows", vec![window])
        }
        ["abilities"] => {
            Reply::json(200, &json!({ "abilities": ["teams", "urgencies", "priorities"] }))
        }
        _ => not_found(),
    }
}

const PRIORITIES: &[&str] = &[
    "Everything or nearly everything fails",
    "Something customers need fails",
    "Something is worse than promised",
    "Somebody should look today",
    "Somebody should look this week",
];

/// A moment that must be in UTC.
fn utc(text: &str) -> Option<Secs> {
    let in_utc = text.ends_with('Z') || text.ends_with("+00:00");
    text.parse::<jiff::Timestamp>().ok().filter(|_| in_utc).map(secs)
}

fn list_incidents(site: &Site<'_>, asked: &Asked, mut all: Vec<Incident>, now: Secs) -> Reply {
    const MONTH: f64 = 31.0 * 86_400.0;
    let since = asked.one("since").map(|t| t.parse::<jiff::Timestamp>().map(secs));
    let until = asked.one("until").map(|t| t.parse::<jiff::Timestamp>().map(secs));
    let (Ok(since), Ok(until)) = (since.transpose(), until.transpose()) else {
        return failure(400, 2_001, "Invalid Input Provided", &["Since and until must be dates"]);
    };
    if asked.one("date_range") != Some("all") {
        let until = until.unwrap_or(now);
        let since = since.unwrap_or(until - MONTH);
        if until - since > 6.2 * MONTH {
            return failure(
                400,
                2_001,
                "Invalid Input Provided",
                &["The time range is longer than six months"],
            );
        }
        all.retain(|i| i.triggered >= since && i.triggered <= until);
    }
    let among = |name: &str, value: &str| {
        let wanted = asked.many(name);
        wanted.is_empty() || wanted.contains(&value)
    };
    all.retain(|i| {
        let pager = cast::service(i.service).map_or("", |s| s.pager);
        among("statuses", i.status())
            && among("urgencies", i.urgency())
            && among("service_ids", pager)
    });
    if asked.one("sort_by").is_some_and(|s| s.contains(":desc")) {
        all.reverse();
    }
    paged(asked, "incidents", all.iter().map(|i| site.incident(i)).collect())
}

fn list_changes(
    world: &World,
    site: &Site<'_>,
    asked: &Asked,
    now: Secs,
    of: Option<&str>,
) -> Reply {
    let mut all = changes(world, now);
    all.retain(|change| change.origin != FLAGS);
    for (name, keep) in [("since", true), ("until", false)] {
        if let Some(text) = asked.one(name) {
            let Some(at) = utc(text) else {
                let words = format!("{name} must be in UTC");
                return failure(400, 2_001, "Invalid Input Provided", &[&words]);
            };
            all.retain(|c| (c.at >= at) == keep || (c.at - at).abs() < 0.5);
        }
    }
    all.retain(|c| of.is_none_or(|name| c.services.contains(&name)));
    all.reverse();
    paged(asked, "change_events", all.iter().map(|c| site.change(c)).collect())
}

/// Who is on call now, and, when the window asked for reaches further, who follows.
fn on_calls(world: &World, site: &Site<'_>, asked: &Asked, now: Secs) -> Vec<Json> {
    let earliest = asked.one("earliest") == Some("true");
    let until =
        asked.one("until").and_then(|t| t.parse::<jiff::Timestamp>().ok()).map_or(now, secs);
    let mut out = Vec::new();
    for policy in ["Shop", "Money"] {
        let mut at = now;
        loop {
            let (first, second, start, end) = world.on_call(policy, at);
            for (level, person) in [(1, first), (2, second)] {
                out.push(json!({
                    "user": site.user(person),
                    "schedule": site.reference("schedule", &schedule_id(policy), policy),
                    "escalation_policy": site.policy(policy),
                    "escalation_level": level,
                    "start": rfc3339(start),
                    "end": rfc3339(end),
                }));
            }
            at = end + 1.0;
            if earliest || at > until.min(now + 90.0 * 86_400.0) {
                break;
            }
        }
        // Third and last: always the same person, straight on the policy.
        out.push(json!({
            "user": site.user(cast::person("priya")),
            "schedule": Json::Null,
            "escalation_policy": site.policy(policy),
            "escalation_level": 3,
            "start": Json::Null,
            "end": Json::Null,
        }));
    }
    out
}

fn schedule_id(policy: &str) -> String {
    format!("PS{}", policy.to_uppercase())
}

struct Site<'a> {
    origin: &'a str,
}

impl Site<'_> {
    fn reference(&self, kind: &str, id: &str, summary: &str) -> Json {
        let plural = if kind == "escalation_policy" {
            "escalation_policies".to_owned()
        } else {
            format!("{kind}s")
        };
        json!({
            "id": id,
            "type": format!("{kind}_reference"),
            "summary": summary,
            "self": format!("{}/pagerduty/{plural}/{id}", self.origin),
            "html_url": format!("{}/pagerduty/pages/{plural}/{id}", self.origin),
        })
    }

    fn user(&self, person: &Person) -> Json {
        let mut json = self.reference("user", person.id, person.name);
        if let Some(map) = json.as_object_mut() {
            map.insert("type".into(), "user".into());
            map.insert("name".into(), person.name.into());
            map.insert("email".into(), format!("{}@harbour.example", person.login).into());
            map.insert("time_zone".into(), super::world::ZONE.into());
            map.insert("role".into(), "user".into());
        }
        json
    }

    fn user_reference(&self, person: &Person) -> Json {
        self.reference("user", person.id, person.name)
    }

    fn service_reference(&self, name: &str) -> Json {
        let pager = cast::service(name).map_or("", |s| s.pager);
        self.reference("service", pager, name)
    }

    fn policy(&self, name: &str) -> Json {
        let mut json =
            self.reference("escalation_policy", &format!("PE{}", name.to_uppercase()), name);
        let services: Vec<Json> = SERVICES
            .iter()
            .filter(|s| s.policy == name)
            .map(|s| self.service_reference(s.name))
            .collect();
        if let Some(map) = json.as_object_mut() {
            map.insert("type".into(), "escalation_policy".into());
            map.insert("name".into(), name.into());
            map.insert("services".into(), services.into());
        }
        json
    }

    fn schedule(&self, name: &str) -> Json {
        json!({
            "id": schedule_id(name),
            "type": "schedule",
            "summary": name,
            "name": name,
            "time_zone": super::world::ZONE,
            "escalation_policies": [self.reference("escalation_policy", &format!("PE{}", name.to_uppercase()), name)],
            "users": PEOPLE.iter().map(|p| self.user_reference(p)).collect::<Vec<_>>(),
        })
    }

    fn service(&self, s: &Service, known: &[Incident]) -> Json {
        let mut json = self.service_reference(s.name);
        let open = known.iter().filter(|i| i.service == s.name && i.resolved.is_none());
        let status = match open.clone().any(|i| i.status() == "triggered") {
            true => "critical",
            false if open.clone().next().is_some() => "warning",
            false => "active",
        };
        let last = known.iter().rev().find(|i| i.service == s.name);
        if let Some(map) = json.as_object_mut() {
            map.insert("type".into(), "service".into());
            map.insert("name".into(), s.name.into());
            map.insert("status".into(), status.into());
            map.insert("created_at".into(), "2021-03-02T08:11:40Z".into());
            map.insert("last_incident_timestamp".into(), json!(last.map(|i| rfc3339(i.triggered))));
            map.insert(
                "escalation_policy".into(),
                self.reference(
                    "escalation_policy",
                    &format!("PE{}", s.policy.to_uppercase()),
                    s.policy,
                ),
            );
            map.insert("teams".into(), json!([]));
        }
        json
    }

    fn incident(&self, i: &Incident) -> Json {
        let policy = cast::service(i.service).map_or("Shop", |s| s.policy);
        let holder = i.acked.map(|(_, p)| p);
        let acknowledgements: Vec<Json> = match (&i.acked, &i.resolved) {
            (Some((at, person)), None) => {
                vec![json!({ "at": rfc3339(*at), "acknowledger": self.user_reference(person) })]
            }
            _ => Vec::new(),
        };
        let assignments: Vec<Json> = match (holder, &i.resolved) {
            (Some(person), None) => {
                vec![json!({ "at": rfc3339(i.triggered), "assignee": self.user_reference(person) })]
            }
            _ => Vec::new(),
        };
        let last = match (&i.resolved, &i.acked) {
            (Some((_, Some(person))), _) | (None, Some((_, person))) => self.user_reference(person),
            _ => self.service_reference(i.service),
        };
        json!({
            "id": i.id,
            "type": "incident",
            "summary": format!("[#{}] {}", i.number, i.title),
            "self": format!("{}/pagerduty/incidents/{}", self.origin, i.id),
            "html_url": format!("{}/pagerduty/pages/incidents/{}", self.origin, i.id),
            "incident_number": i.number,
            "title": i.title,
            "description": i.title,
            "status": i.status(),
            "urgency": i.urgency(),
            "priority": { "id": format!("PPRIO0{}", i.priority.trim_start_matches('P')), "type": "priority", "summary": i.priority, "name": i.priority },
            "created_at": rfc3339(i.triggered),
            "updated_at": rfc3339(i.changed()),
            "last_status_change_at": rfc3339(i.changed()),
            "last_status_change_by": last,
            "resolved_at": i.resolved.map(|(at, _)| rfc3339(at)),
            "service": self.service_reference(i.service),
            "assignments": assignments,
            "acknowledgements": acknowledgements,
            "escalation_policy": self.reference("escalation_policy", &format!("PE{}", policy.to_uppercase()), policy),
            "teams": [],
            "alert_counts": { "all": 1, "triggered": u8::from(i.resolved.is_none()), "resolved": u8::from(i.resolved.is_some()) },
            "incident_key": i.id.to_lowercase(),
        })
    }

    /// Newest first, as the pager lists them.
    fn notes(&self, i: &Incident) -> Vec<Json> {
        let one = |(n, (at, person, words)): (usize, &(Secs, &Person, &str))| {
            json!({
                "id": format!("N{}{n}", i.id),
                "user": self.user_reference(person),
                "content": words,
                "created_at": rfc3339(*at),
                "channel": { "summary": "The PagerDuty website or APIs" },
            })
        };
        i.notes.iter().enumerate().map(one).rev().collect()
    }

    fn log(&self, i: &Incident) -> Vec<Json> {
        let entry = |kind: &str, at: Secs, agent: Json, channel: &str| {
            json!({
                "id": format!("R{}{}", i.id, kind.len()),
                "type": format!("{kind}_log_entry"),
                "summary": kind,
                "created_at": rfc3339(at),
                "agent": agent,
                "channel": { "type": channel },
                "incident": self.reference("incident", &i.id, &i.title),
                "service": self.service_reference(i.service),
            })
        };
        let mut out = Vec::new();
        if let Some((at, person)) = i.resolved {
            let agent = person
                .map_or_else(|| self.service_reference(i.service), |p| self.user_reference(p));
            out.push(entry(
                "resolve",
                at,
                agent,
                if person.is_some() { "website" } else { "auto" },
            ));
        }
        if let Some((at, person)) = i.acked {
            out.push(entry("acknowledge", at, self.user_reference(person), "mobile"));
        }
        out.push(entry("trigger", i.triggered, self.service_reference(i.service), "api"));
        out
    }

    fn change(&self, c: &Change) -> Json {
        json!({
            "id": c.id,
            "type": "change_event",
            "summary": c.summary,
            "timestamp": rfc3339(c.at),
            "source": c.origin,
            "services": c.services.iter().map(|s| self.service_reference(s)).collect::<Vec<_>>(),
            "integration": self.reference("inbound_integration", "PINTEG1", c.origin),
            "links": [{ "href": format!("https://{}.harbour.example/{}", c.origin, c.id), "text": format!("{} by {}", c.origin, c.by) }],
            "custom_details": { "by": c.by },
            "self": format!("{}/pagerduty/change_events/{}", self.origin, c.id),
        })
    }
}
