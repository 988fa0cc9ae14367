//! The work around the code: pull requests, issues and milestones, in the code host's own field names.

use serde_json::{Value as Json, json};

use super::super::cast::ORG;
use super::super::clock::{Secs, rfc3339};
use super::super::noise::hex;
use super::records::{Repo, pull_number, repo_id, slug};

impl Repo<'_> {
    /// Pull requests, newest first: one for every version, and two that are open.
    pub fn pulls(&self) -> Vec<Json> {
        let origin = self.world.clock.origin;
        let mut out = Vec::new();
        for (i, title) in ["Say why a parcel is late", "Update the runtime"].into_iter().enumerate()
        {
            let hand = self
                .service
                .hands
                .get(i % self.service.hands.len().max(1))
                .copied()
                .unwrap_or("ada");
            let number = pull_number(self.service.version + 30) + i as u32;
            let created = origin - 90_000.0 * (i as f64 + 1.0);
            out.push(self.pull(number, title, hand, created, None, &hex(9, u64::from(number), 40)));
        }
        out.extend(self.shipped().iter().rev().map(|r| {
            let created = r.committed - 20_000.0;
            self.pull(pull_number(r.version), &r.intent, r.by, created, Some(r.committed), &r.sha)
        }));
        out
    }

    fn pull(
        &self,
        number: u32,
        title: &str,
        by: &str,
        created: Secs,
        merged: Option<Secs>,
        sha: &str,
    ) -> Json {
        json!({
            "id": 8_000_000 + number,
            "number": number,
            "url": self.api(&format!("/pulls/{number}")),
            "html_url": self.html(&format!("/pull/{number}")),
            "title": title,
            "state": if merged.is_some() { "closed" } else { "open" },
            "draft": false,
            "user": self.user(by),
            "body": Json::Null,
            "created_at": rfc3339(created),
            "updated_at": rfc3339(merged.unwrap_or(created)),
            "closed_at": merged.map(rfc3339),
            "merged_at": merged.map(rfc3339),
            "merge_commit_sha": merged.map(|_| sha),
            "labels": [],
            "milestone": Json::Null,
            "head": { "ref": format!("{by}/{}", slug(title)), "sha": sha, "repo": Json::Null, "user": self.user(by), "label": format!("{ORG}:{by}") },
            "base": { "ref": "main", "sha": hex(3, u64::from(number), 40), "repo": { "id": repo_id(self.service), "name": self.name(), "full_name": format!("{ORG}/{}", self.name()), "url": self.api("") }, "user": self.user(ORG), "label": format!("{ORG}:main") },
        })
    }

    /// Issues and, as the host has it, pull requests among them.
    pub fn issues(&self) -> Vec<Json> {
        let origin = self.world.clock.origin;
        let mut out = Vec::new();
        let mut add = |number: u32,
                       title: &str,
                       days: f64,
                       closed: Option<f64>,
                       label: &str,
                       by: &str| {
            let created = origin - days * 86_400.0;
            let closed = closed.map(|d| created + d * 86_400.0);
            out.push(json!({
                "id": 9_000_000 + number,
                "number": number,
                "url": self.api(&format!("/issues/{number}")),
                "html_url": self.html(&format!("/issues/{number}")),
                "repository_url": self.api(""),
                "title": title,
                "state": if closed.is_some() { "closed" } else { "open" },
                "state_reason": closed.map(|_| "completed"),
                "user": self.user(by),
                "labels": [{ "id": 1, "name": label, "color": "b60205", "default": false, "description": Json::Null, "url": self.api(&format!("/labels/{label}")) }],
                "milestone": Json::Null,
                "assignee": Json::Null,
                "assignees": [],
                "comments": 2,
                "locked": false,
                "body": format!("{title}."),
                "created_at": rfc3339(created),
                "updated_at": rfc3339(closed.unwrap_or(created)),
                "closed_at": closed.map(rfc3339),
            }));
        };
        match self.name() {
            "database" | "db" => {
                add(
                    112,
                    "Alert on waiting for a connection, not only on errors",
                    15.0,
                    None,
                    "postmortem",
                    "tomas",
                );
                add(
                    113,
                    "Cap connections per service in the pool itself",
                    15.0,
                    None,
                    "postmortem",
                    "tomas",
                );
                add(
                    109,
                    "Health check of the proxy writes a row",
                    8.0,
                    None,
                    "postmortem",
                    "jonas",
                );
            }
            "checkout" => {
                add(871, "One connection per request", 16.0, Some(2.0), "postmortem", "ada");
                add(
                    902,
                    "Basket forgets vouchers after a reload",
                    3.0,
                    None,
                    "customer-report",
                    "noor",
                );
            }
            "payments" => add(
                341,
                "Alert on the share of refusals by kind of payment",
                22.0,
                None,
                "postmortem",
                "jonas",
            ),
            "login" => add(
                288,
                "Renew certificates at half of their lifetime",
                28.0,
                None,
                "postmortem",
                "priya",
            ),
            "web" => add(
                1_204,
                "Days until each certificate ends are on the board",
                28.0,
                Some(4.0),
                "postmortem",
                "liwen",
            ),
            _ => {}
        }
        for mut pull in self.pulls().into_iter().take(3) {
            let url = pull.get("url").cloned();
            if let Some(map) = pull.as_object_mut() {
                for gone in ["head", "base", "merge_commit_sha", "merged_at"] {
                    map.remove(gone);
                }
                map.insert("pull_request".into(), json!({ "url": url }));
            }
            out.push(pull);
        }
        out
    }

    /// The next trains, one a week, and the last one.
    pub fn milestones(&self) -> Vec<Json> {
        let next = super::super::calendars::next_train(self.world, self.now);
        let one = |week: i64| {
            let due = next + week as f64 * 604_800.0;
            let number = 40 + week;
            let closed = (week < 0).then(|| rfc3339(due + 5_000.0));
            json!({
                "id": 60_000 + number,
                "number": number,
                "url": self.api(&format!("/milestones/{number}")),
                "html_url": self.html(&format!("/milestone/{number}")),
                "title": format!("Train of {}", rfc3339(due).get(..10).unwrap_or("")),
                "state": if week < 0 { "closed" } else { "open" },
                "description": Json::Null,
                "creator": self.user("priya"),
                "open_issues": if week < 0 { 0 } else { 2 + week },
                "closed_issues": if week == 0 { 5 } else { 1 },
                "created_at": rfc3339(due - 30.0 * 86_400.0),
                "updated_at": rfc3339((due - 86_400.0).min(self.now)),
                "due_on": rfc3339(due),
                "closed_at": closed,
            })
        };
        (-1..3).map(one).collect()
    }
}
