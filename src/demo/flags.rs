//! The demo's log of feature flags, in the shape of `LaunchDarkly`'s audit log.

use serde_json::{Value as Json, json};

use super::cast;
use super::clock::Secs;
use super::incidents::{Change, FLAGS, changes};
use super::reply::{Asked, Reply};
use super::world::World;

/// Entries of one answer, where no `limit` says another: the vendor's own default.
const USUAL: usize = 10;

pub fn answer(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.path != "/api/v2/auditlog" {
        return Reply::json(404, &json!({ "code": "not_found", "message": "Unknown resource" }));
    }
    let all = changes(world, now);
    let flags = all.iter().rev().filter(|change| change.origin == FLAGS);
    let limit = asked.number("limit").unwrap_or(USUAL).clamp(1, 20);
    let items: Vec<Json> = flags.take(limit).map(|change| entry(asked, change)).collect();
    Reply::json(200, &json!({ "items": items })).tagged(asked)
}

fn entry(asked: &Asked, change: &Change) -> Json {
    let (service, what) = change.summary.split_once(": ").unwrap_or(("", &change.summary));
    let (flag, how) = what.split_once(' ').unwrap_or((what, ""));
    let person = cast::person(change.by);
    json!({
        "_id": change.id.to_lowercase(),
        "_links": {
            "canonical": { "href": format!("/api/v2/flags/{service}/{flag}"), "type": "application/json" },
            "site": { "href": format!("{}/flags/{service}/{flag}", asked.origin), "type": "text/html" },
        },
        "date": (change.at * 1_000.0) as i64,
        "kind": "flag",
        "name": flag,
        "shortDescription": how,
        "titleVerb": "updated the flag",
        "member": {
            "_id": person.id.to_lowercase(),
            "email": format!("{}@harbour.example", change.by),
            "firstName": person.login,
        },
        "parent": { "name": service, "resource": format!("proj/{service}:env/production") },
    })
}
