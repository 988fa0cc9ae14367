//! The cluster's own deployer: applications that follow the code, their history, and a window in which only people sync.

use serde_json::{Value as Json, json};

use super::cast::{ORG, SERVICES, Service, by_argo, person};
use super::clock::{Secs, rfc3339};
use super::reply::{Asked, Reply};
use super::rollouts::{Rollout, rollouts};
use super::world::{World, ZONE};

/// The host keeps as many entries of an application's history, unless told otherwise.
const HISTORY: usize = 10;
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

pub fn answer(world: &World, asked: &Asked, now: Secs) -> Reply {
    let refuse = |status, code: u32, words: &str| {
        Reply::json(status, &json!({ "error": words, "code": code, "message": words }))
    };
    let parts = asked.parts();
    if parts.first() == Some(&"applications") {
        return Reply::text(
            200,
            "This is andon's demo; Argo CD would show this application here.\n",
        );
    }
    if asked.method != "GET" {
        return refuse(403, 7, "permission denied: the demo can be read only");
    }
    match parts.as_slice() {
        ["api", "version"] => Reply::json(200, &json!({ "Version": "v3.2.1+andon-demo" })),
        ["api", "v1", "applications"] => {
            let all = apps().map(|(service, place)| App { world, service, place, now });
            let items: Vec<Json> = all.map(|app| app.listed()).collect();
            Reply::json(200, &json!({ "metadata": { "resourceVersion": "1" }, "items": items }))
        }
        ["api", "v1", "applications", name] => {
            let is_it =
                |(service, place): &(&Service, &str)| *name == format!("{}-{place}", service.name);
            match apps().find(is_it) {
                Some((service, place)) => {
                    Reply::json(200, &App { world, service, place, now }.whole())
                }
                // Without its project a missing application is a forbidden one.
                None if asked.one("project").is_none() => refuse(403, 7, "permission denied"),
                None => refuse(404, 5, &format!("applications.argoproj.io \"{name}\" not found")),
            }
        }
        ["api", "v1", "projects"] => Reply::json(200, &projects()),
        _ => refuse(404, 5, "Not Found"),
    }
}

fn apps() -> impl Iterator<Item = (&'static Service, &'static str)> {
    let services = SERVICES.iter().filter(|s| by_argo(s.name));
    services.flat_map(|s| ENVIRONMENTS.into_iter().map(move |place| (s, place)))
}

/// Over the weekend production waits for a person; what is under way may end.
fn projects() -> Json {
    json!({ "metadata": {}, "items": [{
        "metadata": { "name": ORG, "namespace": "argocd" },
        "spec": { "syncWindows": [{
            "kind": "deny",
            "schedule": "0 16 * * 5",
            "duration": "64h",
            "applications": ["*-production"],
            "manualSync": true,
            "syncOverrun": true,
            "timeZone": ZONE,
            "description": "weekend, by hand only",
        }] },
    }] })
}

/// One application at a moment.
struct App<'a> {
    world: &'a World,
    service: &'static Service,
    place: &'static str,
    now: Secs,
}

impl App<'_> {
    /// What was synced here, oldest first.
    fn synced(&self) -> Vec<Rollout> {
        let mut all = rollouts(self.world, self.service, self.now);
        all.retain(|r| r.environment == self.place);
        all
    }

    fn source(&self, version: u32) -> Json {
        json!({
            "repoURL": format!("https://code.harbour.example/{ORG}/{}.git", self.service.name),
            "path": format!("deploy/{}", self.place),
            "targetRevision": format!("v{version}"),
        })
    }

    /// As the list has it, narrowed to what the client may ask for: no history.
    fn listed(&self) -> Json {
        let all = self.synced();
        let live = all.iter().rfind(|r| r.succeeded().is_some());
        let version = live.map_or(self.service.version, |r| r.version);
        let mut status = json!({
            "health": { "status": "Healthy" },
            "sync": { "status": "Synced", "revision": live.map(|r| r.sha.clone()) },
            "summary": { "images": [format!("registry.harbour.example/{}:v{version}", self.service.name)] },
        });
        if let (Some(last), Some(map)) = (all.last(), status.as_object_mut()) {
            let operation = operation(last);
            if operation.get("phase").is_some_and(|phase| phase == "Running") {
                map.insert("health".into(), json!({ "status": "Progressing" }));
            }
            map.insert("operationState".into(), operation);
        }
        json!({
            "metadata": {
                "name": format!("{}-{}", self.service.name, self.place),
                "namespace": "argocd",
                "labels": { "environment": self.place, "team": self.service.owner.to_lowercase() },
            },
            "spec": {
                "project": ORG,
                "destination": { "server": "https://kubernetes.default.svc", "namespace": self.service.name },
                "source": self.source(version),
            },
            "status": status,
        })
    }

    /// The whole application, with its history and what its last operation said.
    fn whole(&self) -> Json {
        let mut app = self.listed();
        let all = self.synced();
        let good: Vec<(usize, &Rollout)> =
            all.iter().filter(|r| r.succeeded().is_some()).enumerate().collect();
        let entry = |(id, r): &(usize, &Rollout)| {
            json!({
                "id": id,
                "revision": r.sha,
                "deployStartedAt": rfc3339(r.created),
                "deployedAt": r.succeeded().map(rfc3339),
                "source": self.source(r.version),
                "initiatedBy": initiator(r),
            })
        };
        let history: Vec<Json> = good.iter().rev().take(HISTORY).rev().map(entry).collect();
        if let Some(status) = app.get_mut("status").and_then(Json::as_object_mut) {
            status.insert("history".into(), Json::Array(history));
        }
        app
    }
}

/// Staging follows the code by itself; production is synced by somebody.
fn initiator(r: &Rollout) -> Json {
    match r.environment {
        "production" => json!({ "username": person(r.by).login }),
        _ => json!({ "automated": true }),
    }
}

fn operation(r: &Rollout) -> Json {
    let ended = r.steps.iter().find(|s| matches!(s.state, "success" | "failure"));
    let (phase, message) = match ended.map(|s| s.state) {
        Some("success") => ("Succeeded", "successfully synced (all tasks run)".to_owned()),
        Some(_) => ("Failed", ended.map(|s| s.words.clone()).unwrap_or_default()),
        None => ("Running", "waiting for healthy state of apps/Deployment".to_owned()),
    };
    json!({
        "operation": { "initiatedBy": initiator(r), "sync": { "revision": r.sha } },
        "phase": phase,
        "message": message,
        "startedAt": rfc3339(r.created),
        "finishedAt": ended.map(|s| rfc3339(s.at)),
        "syncResult": { "revision": r.sha },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Asked {
        Asked {
            method: "GET".into(),
            path: path.into(),
            pairs: Vec::new(),
            body: Vec::new(),
            content_type: String::new(),
            known: None,
            origin: "http://127.0.0.1:1".into(),
        }
    }

    #[test]
    fn applications_are_listed_with_what_they_run_and_opened_with_their_history() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7);
        let get = |path: &str| {
            let reply = answer(&world, &asked(path), world.clock.origin);
            (reply.status, serde_json::from_slice::<Json>(&reply.body).unwrap())
        };
        let (_, list) = get("/api/v1/applications");
        let names: Vec<&str> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["ledger-staging", "ledger-production", "mail-staging", "mail-production"]
        );
        let (status, mail) = get("/api/v1/applications/mail-production");
        assert_eq!((status, &mail["status"]["sync"]["status"]), (200, &json!("Synced")));
        let history = mail["status"]["history"].as_array().unwrap();
        assert!(!history.is_empty() && history.len() <= HISTORY);
        let last = &history.last().unwrap()["revision"];
        assert_eq!(*last, mail["status"]["sync"]["revision"]);
        assert_eq!(get("/api/v1/applications/nobody").0, 403);
    }
}
