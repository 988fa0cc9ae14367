//! The code host's records of one repository, in its own field names.

use serde_json::{Value as Json, json};

use super::super::cast::{self, ORG, Service};
use super::super::clock::{Secs, rfc3339};
use super::super::noise::{hex, mix, unit};
use super::super::rollouts::{INTENTS, Rollout, WAITS, pick, rollouts};
use super::super::world::World;

/// A repository as seen at a moment by somebody who asked under `origin`.
pub struct Repo<'a> {
    pub world: &'a World,
    pub service: &'static Service,
    pub now: Secs,
    pub origin: String,
}

pub fn repo_id(service: &Service) -> usize {
    70_100 + cast::index(service.name)
}

/// A user of the host; logins nobody knows are shown as they are.
pub fn user(login: &str, origin: &str) -> Json {
    let id = mix(5, login.bytes().map(u64::from).sum::<u64>() * 31 + login.len() as u64) % 90_000;
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_{id}"),
        "type": "User",
        "site_admin": false,
        "name": cast::PEOPLE.iter().find(|p| p.login == login).map(|p| p.name),
        "avatar_url": "",
        "url": format!("{origin}/github/api/v3/users/{login}"),
        "html_url": format!("{origin}/github/{login}"),
    })
}

/// A pipeline run before it is written down.
pub struct Run {
    pub id: u64,
    pub name: &'static str,
    pub path: &'static str,
    pub title: String,
    pub branch: String,
    pub sha: String,
    pub event: &'static str,
    pub by: String,
    pub created: Secs,
    pub ended: Secs,
    pub conclusion: &'static str,
}

impl Repo<'_> {
    pub fn name(&self) -> &'static str {
        self.service.name
    }

    pub fn api(&self, path: &str) -> String {
        format!("{}/github/api/v3/repos/{ORG}/{}{path}", self.origin, self.name())
    }

    pub fn html(&self, path: &str) -> String {
        format!("{}/github/{ORG}/{}{path}", self.origin, self.name())
    }

    pub fn user(&self, login: &str) -> Json {
        user(login, &self.origin)
    }

    fn seed(&self) -> u64 {
        mix(self.world.seed, 7_000 + repo_id(self.service) as u64)
    }

    pub fn rollouts(&self) -> Vec<Rollout> {
        rollouts(self.world, self.service, self.now)
    }

    /// Rollouts that went through the code host.
    pub fn recorded(&self) -> Vec<Rollout> {
        if cast::by_argo(self.name()) { Vec::new() } else { self.rollouts() }
    }

    pub fn json(&self) -> Json {
        json!({
            "id": repo_id(self.service),
            "node_id": format!("R_{}", repo_id(self.service)),
            "name": self.name(),
            "full_name": format!("{ORG}/{}", self.name()),
            "private": true,
            "owner": { "login": ORG, "id": 7_000, "type": "Organization", "url": format!("{}/github/api/v3/users/{ORG}", self.origin) },
            "html_url": self.html(""),
            "description": format!("{} of the shop", self.name()),
            "fork": false,
            "url": self.api(""),
            "default_branch": "main",
            "archived": false,
            "created_at": "2021-03-02T08:11:40Z",
            "updated_at": rfc3339(self.world.clock.origin - 4_000.0),
            "pushed_at": rfc3339(self.world.clock.origin - 4_000.0),
            "open_issues_count": self.issues().iter().filter(|i| i["state"] == "open").count(),
        })
    }

    pub fn reference(&self, version: u32) -> String {
        format!("v{version}")
    }

    /// Newest first, as the host lists them.
    pub fn deployments(&self) -> Vec<Json> {
        self.recorded().iter().rev().map(|r| self.deployment(r)).collect()
    }

    fn deployment(&self, r: &Rollout) -> Json {
        // The payload is text for some tools and an object for others.
        let payload = if r.rollback { json!("rollback") } else { json!({ "version": r.version }) };
        json!({
            "id": r.id,
            "node_id": format!("DE_{}", r.id),
            "url": self.api(&format!("/deployments/{}", r.id)),
            "sha": r.sha,
            "ref": self.reference(r.version),
            "task": "deploy",
            "payload": payload,
            "original_environment": r.environment,
            "environment": r.environment,
            "description": r.intent,
            "creator": self.user(r.by),
            "created_at": rfc3339(r.created),
            "updated_at": rfc3339(r.steps.last().map_or(r.created, |s| s.at)),
            "statuses_url": self.api(&format!("/deployments/{}/statuses", r.id)),
            "repository_url": self.api(""),
            "transient_environment": false,
            "production_environment": r.environment == "production",
        })
    }

    pub fn statuses(&self, id: &str) -> Option<Vec<Json>> {
        let all = self.recorded();
        let r = all.iter().find(|r| r.id.to_string() == id)?;
        let step = |(i, s): (usize, &super::super::rollouts::Step)| {
            let number = r.id * 8 + i as u64;
            json!({
                "id": number,
                "node_id": format!("DES_{number}"),
                "url": self.api(&format!("/deployments/{id}/statuses/{number}")),
                "state": s.state,
                "creator": self.user(s.by),
                "description": s.words,
                "environment": r.environment,
                "target_url": self.log(r),
                "log_url": self.log(r),
                "environment_url": format!("https://{}.{}.harbour.example", self.name(), r.environment),
                "created_at": rfc3339(s.at),
                "updated_at": rfc3339(s.at),
                "deployment_url": self.api(&format!("/deployments/{id}")),
                "repository_url": self.api(""),
            })
        };
        Some(r.steps.iter().enumerate().rev().map(step).collect())
    }

    pub fn log(&self, r: &Rollout) -> String {
        self.html(&format!("/actions/runs/{}", run_id(r.created, 1)))
    }

    /// First appearance of each version in production, oldest first.
    pub fn shipped(&self) -> Vec<Rollout> {
        let mut seen = std::collections::BTreeSet::new();
        let mut all = self.rollouts();
        all.retain(|r| r.environment == "production" && !r.rollback && seen.insert(r.version));
        all
    }

    /// Newest first: a draft of what comes next, then what was shipped.
    pub fn releases(&self) -> Vec<Json> {
        let shipped = self.shipped();
        let next = shipped.last().map_or(self.service.version, |r| r.version) + 1;
        let drafted = self.world.clock.origin - 5_000.0;
        let mut out = vec![self.release(
            next,
            "Next",
            drafted,
            None,
            self.service.hands.first().copied().unwrap_or("ada"),
        )];
        out.extend(
            shipped
                .iter()
                .rev()
                .map(|r| self.release(r.version, &r.intent, r.committed, Some(r.created), r.by)),
        );
        out
    }

    fn release(
        &self,
        version: u32,
        name: &str,
        committed: Secs,
        published: Option<Secs>,
        by: &str,
    ) -> Json {
        let tag = self.reference(version);
        let id = u64::from(version) * 100 + repo_id(self.service) as u64 % 100;
        json!({
            "id": id,
            "node_id": format!("RE_{id}"),
            "url": self.api(&format!("/releases/{id}")),
            "html_url": self.html(&format!("/releases/tag/{tag}")),
            "assets_url": self.api(&format!("/releases/{id}/assets")),
            "upload_url": self.api(&format!("/releases/{id}/assets{{?name,label}}")),
            "tarball_url": Json::Null,
            "zipball_url": Json::Null,
            "tag_name": tag,
            "target_commitish": "main",
            "name": format!("{tag} – {name}"),
            "body": format!("* {name}"),
            "draft": published.is_none(),
            "prerelease": false,
            "immutable": false,
            "created_at": rfc3339(committed),
            "published_at": published.map(rfc3339),
            "author": self.user(by),
            "assets": [],
        })
    }

    /// Pipeline runs, newest first.
    pub fn runs(&self) -> Vec<Json> {
        let mut all = self.all_runs();
        all.retain(|r| r.created <= self.now);
        all.sort_by(|a, b| b.created.total_cmp(&a.created));
        all.iter().map(|r| self.run(r)).collect()
    }

    fn all_runs(&self) -> Vec<Run> {
        let mut out = Vec::new();
        let seed = self.seed();
        let mut seen = std::collections::BTreeSet::new();
        for r in self.rollouts() {
            let chance = unit(seed, r.id);
            if r.environment == "staging" && seen.insert(r.version) {
                let start = r.created - 330.0 - 120.0 * chance;
                out.push(Run {
                    id: run_id(start, 0),
                    name: "Build and test",
                    path: ".github/workflows/build.yml",
                    title: format!("{} (#{})", r.intent, pull_number(r.version)),
                    branch: "main".into(),
                    sha: r.sha.clone(),
                    event: "push",
                    by: r.by.into(),
                    created: start,
                    ended: r.created - 4.0,
                    conclusion: "success",
                });
                let branch = format!("{}/{}", r.by, slug(&r.intent));
                for (i, share) in [(2, 0.62), (3, 0.35)] {
                    let start = r.created - 3_000.0 - 14_000.0 * unit(seed ^ i, r.id);
                    let dice = unit(seed ^ (i + 40), r.id);
                    let conclusion = match dice {
                        d if d < share => "success",
                        d if d < 0.9 => "failure",
                        _ => "cancelled",
                    };
                    out.push(Run {
                        id: run_id(start, i),
                        name: "Build and test",
                        path: ".github/workflows/build.yml",
                        title: r.intent.clone(),
                        branch: branch.clone(),
                        sha: hex(r.id, i, 40),
                        event: "pull_request",
                        by: r.by.into(),
                        created: start,
                        ended: start + 210.0 + 160.0 * dice,
                        conclusion,
                    });
                }
            }
            if r.environment == "production" && !cast::by_argo(self.name()) {
                let end = r.steps.iter().find(|s| matches!(s.state, "success" | "failure"));
                out.push(Run {
                    id: run_id(r.created, 1),
                    name: "Deploy",
                    path: ".github/workflows/deploy.yml",
                    title: format!(
                        "{} v{} to production",
                        if r.rollback { "Roll back to" } else { "Ship" },
                        r.version
                    ),
                    branch: "main".into(),
                    sha: r.sha.clone(),
                    event: "workflow_dispatch",
                    by: r.by.into(),
                    created: r.created,
                    ended: end.map_or(f64::INFINITY, |s| s.at),
                    conclusion: end.map_or("success", |s| s.state),
                });
            }
        }
        self.odd_runs(&mut out);
        let next = self.rollouts().into_iter().rfind(|r| r.version > self.service.version);
        if let Some(r) = next.filter(|_| self.waits()) {
            let start = r.created + 400.0;
            out.push(Run {
                id: run_id(start, 1),
                name: "Deploy",
                path: ".github/workflows/deploy.yml",
                title: format!("Ship v{} to production", r.version),
                branch: "main".into(),
                sha: r.sha,
                event: "workflow_dispatch",
                by: r.by.into(),
                created: start,
                ended: f64::INFINITY,
                conclusion: "waiting",
            });
        }
        out
    }

    /// Runs that are not about a release: a stranger's, and a nightly one that fails.
    fn odd_runs(&self, out: &mut Vec<Run>) {
        let origin = self.world.clock.origin;
        let mut add = |name,
                       path,
                       title: String,
                       branch: &str,
                       event,
                       by: &str,
                       start: Secs,
                       long: f64,
                       conclusion| {
            out.push(Run {
                id: run_id(start, 5),
                name,
                path,
                title,
                branch: branch.into(),
                sha: hex(77, start as u64, 40),
                event,
                by: by.into(),
                created: start,
                ended: start + long,
                conclusion,
            });
        };
        if self.name() == "search" {
            let branch = "fix/\u{202e}nimda\u{1b}[2J-<b>bold</b>";
            add(
                "Build and test",
                ".github/workflows/build.yml",
                cast::hostile(),
                branch,
                "pull_request",
                "mallory",
                origin - 11_000.0,
                9.0,
                "action_required",
            );
        }
        if self.name() == "reports" {
            for night in 0..9 {
                let start = self.world.days_before(night, 2.5, false);
                let conclusion = if night < 2 { "timed_out" } else { "success" };
                let path = ".github/workflows/nightly.yml";
                add(
                    "Nightly closing",
                    path,
                    "Nightly closing".into(),
                    "main",
                    "schedule",
                    "github-actions[bot]",
                    start,
                    3_600.0,
                    conclusion,
                );
            }
        }
    }

    fn run(&self, r: &Run) -> Json {
        let done = r.ended <= self.now;
        json!({
            "id": r.id,
            "node_id": format!("WFR_{}", r.id),
            "name": r.name,
            "display_title": r.title,
            "head_branch": r.branch,
            "head_sha": r.sha,
            "path": r.path,
            "run_number": r.id % 100_000,
            "run_attempt": 1,
            "event": r.event,
            "status": match (done, r.conclusion) {
                (true, _) => "completed",
                (false, "waiting") => "waiting",
                (false, _) => "in_progress",
            },
            "conclusion": done.then_some(r.conclusion),
            "workflow_id": 400 + r.name.len(),
            "check_suite_id": r.id / 2,
            "url": self.api(&format!("/actions/runs/{}", r.id)),
            "html_url": self.html(&format!("/actions/runs/{}", r.id)),
            "jobs_url": self.api(&format!("/actions/runs/{}/jobs", r.id)),
            "logs_url": self.api(&format!("/actions/runs/{}/logs", r.id)),
            "created_at": rfc3339(r.created),
            "updated_at": rfc3339(match (done, r.conclusion) {
                (true, _) => r.ended,
                (false, "waiting") => r.created + 4.0,
                (false, _) => self.now,
            }),
            "run_started_at": rfc3339(r.created),
            "actor": self.user(&r.by),
            "triggering_actor": self.user(&r.by),
            "pull_requests": [],
            "head_commit": Json::Null,
            "repository": { "id": repo_id(self.service), "name": self.name(), "full_name": format!("{ORG}/{}", self.name()), "url": self.api("") },
        })
    }

    pub fn jobs(&self, run: &Json) -> Vec<Json> {
        let id = run["id"].as_u64().unwrap_or(0);
        let job = |(i, name): (usize, &str)| {
            json!({
                "id": id * 4 + i as u64,
                "run_id": id,
                "url": self.api(&format!("/actions/jobs/{}", id * 4 + i as u64)),
                "html_url": self.html(&format!("/actions/runs/{id}/job/{i}")),
                "name": name,
                "status": run["status"],
                "conclusion": run["conclusion"],
                "created_at": run["created_at"],
                "started_at": run["run_started_at"],
                "completed_at": if run["conclusion"].is_null() { Json::Null } else { run["updated_at"].clone() },
                "runner_name": "runner-2",
                "steps": [],
            })
        };
        ["lint", "test"].into_iter().enumerate().map(job).collect()
    }

    /// Each version with the commits it is made of, oldest first; the last of them is the one that is deployed.
    fn line(&self) -> Vec<(Rollout, Vec<String>)> {
        let mut seen = std::collections::BTreeSet::new();
        let mut made = self.rollouts();
        made.retain(|r| !r.rollback && seen.insert(r.version));
        let of = |r: Rollout| {
            let before = mix(self.seed(), u64::from(r.version)) % 6;
            // What has waited for days has grown.
            let before =
                if r.version == self.service.version + 1 && self.waits() { 6 } else { before };
            let place = 7_000 + u64::from(r.version) * 16;
            let mut shas: Vec<String> =
                (0..before).map(|n| hex(self.seed() ^ n, place + n, 40)).collect();
            shas.push(r.sha.clone());
            (r, shas)
        };
        made.into_iter().map(of).collect()
    }

    /// Newest first.
    pub fn commits(&self) -> Vec<Json> {
        let mut out = Vec::new();
        for (r, shas) in self.line() {
            let last = shas.len().saturating_sub(1);
            for (n, sha) in shas.iter().enumerate() {
                let at = r.committed - 4_100.0 * (last - n) as f64;
                let place = mix(u64::from(r.version), n as u64);
                let by =
                    if n == last { r.by } else { pick(self.service.hands, place).unwrap_or(r.by) };
                let what = if n == last {
                    r.intent.as_str()
                } else {
                    pick(INTENTS, place).unwrap_or("Update the runtime")
                };
                let number = pull_number(r.version).saturating_sub(u32::from(n != last));
                let who = json!({ "name": cast::person(by).name, "email": format!("{by}@harbour.example"), "date": rfc3339(at) });
                out.push(json!({
                    "sha": sha,
                    "url": self.api(&format!("/commits/{sha}")),
                    "html_url": self.html(&format!("/commit/{sha}")),
                    "commit": { "author": who, "committer": who, "message": format!("{what} (#{number})"), "comment_count": 0 },
                    "author": self.user(by),
                    "committer": self.user(by),
                    "parents": [],
                }));
            }
        }
        out.reverse();
        out
    }

    /// Counts on every page; commits on the pages that hold them, oldest first.
    pub fn compare(&self, base: &str, head: &str, page: usize, size: usize) -> Option<Json> {
        let mut commits = self.commits();
        commits.reverse();
        let version = |name: &str| {
            let line = self.line();
            line.into_iter().find(|(r, _)| self.reference(r.version) == name).map(|(r, _)| r.sha)
        };
        let place = |name: &str| {
            let name = version(name).unwrap_or_else(|| name.to_owned());
            commits.iter().position(|c| c["sha"] == name)
        };
        let (base_at, head_at) = (place(base)?, place(head)?);
        let (ahead, behind) = (head_at.saturating_sub(base_at), base_at.saturating_sub(head_at));
        let between = commits.iter().skip(base_at + 1).take(ahead);
        let commits: Vec<&Json> = between.skip(page.saturating_sub(1) * size).take(size).collect();
        Some(json!({
            "status": match (ahead, behind) {
                (0, 0) => "identical",
                (0, _) => "behind",
                _ => "ahead",
            },
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": commits,
            "html_url": self.html(&format!("/compare/{base}...{head}")),
        }))
    }

    /// Whether its next version has been staged for days and waits for somebody to let it go on.
    pub fn waits(&self) -> bool {
        self.name() == WAITS
    }

    /// Who may let a run go on that waits.
    pub fn pending(&self, id: &str) -> Vec<Json> {
        let id = id.parse::<u64>().ok();
        let is_it = |r: &Json| r["status"] == "waiting" && r["id"].as_u64() == id;
        if !self.runs().iter().any(is_it) {
            return Vec::new();
        }
        let reviewer = |login: &&str| json!({ "type": "User", "reviewer": self.user(login) });
        vec![json!({
            "environment": {
                "id": 81,
                "node_id": "EN_81",
                "name": "production",
                "url": self.api("/environments/production"),
                "html_url": self.html("/deployments/activity_log?environments_filter=production"),
            },
            "wait_timer": 0,
            "wait_timer_started_at": Json::Null,
            "current_user_can_approve": false,
            "reviewers": self.service.hands.iter().map(reviewer).collect::<Vec<_>>(),
        })]
    }

    pub fn contributors(&self) -> Vec<Json> {
        let one = |login: &&str| {
            let mut user = self.user(login);
            if let Some(map) = user.as_object_mut() {
                map.insert("contributions".into(), json!(120));
            }
            user
        };
        self.service.hands.iter().map(one).collect()
    }
}

pub fn pull_number(version: u32) -> u32 {
    version * 2 + 60
}

fn run_id(created: Secs, kind: u64) -> u64 {
    (created - 1.6e9).max(0.0) as u64 * 8 + kind
}

pub fn slug(title: &str) -> String {
    let words: Vec<String> = title
        .split_whitespace()
        .take(4)
        .map(|w| w.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase())
        .collect();
    words.join("-")
}
