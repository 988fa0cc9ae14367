//! One repository as a tree in GraphQL's field names; the executor picks from it what was asked.

use serde_json::{Value as Json, json};

use super::super::cast::ORG;
use super::super::clock::rfc3339;
use super::super::rollouts::{Rollout, Step};
use super::records::{Repo, pull_number, repo_id};

pub fn repository(repo: &Repo<'_>) -> Json {
    json!({
        "__typename": "Repository",
        "id": format!("R_{}", repo_id(repo.service)),
        "databaseId": repo_id(repo.service),
        "name": repo.name(),
        "nameWithOwner": format!("{ORG}/{}", repo.name()),
        "url": repo.html(""),
        "isPrivate": true,
        "isArchived": false,
        "defaultBranchRef": {
            "__typename": "Ref",
            "name": "main",
            "target": { "__typename": "Commit", "oid": repo.commits().first().map(|c| c["sha"].clone()) },
        },
        "deployments": repo.recorded().iter().map(|r| deployment(repo, r)).collect::<Vec<_>>(),
        "releases": releases(repo),
        "milestones": milestones(repo),
        "issues": issues(repo),
    })
}

fn actor(login: &str) -> Json {
    json!({ "__typename": "User", "login": login })
}

fn login<'a>(record: &'a Json, at: &str) -> &'a str {
    record.pointer(at).and_then(Json::as_str).unwrap_or("ghost")
}

fn state(step: &str) -> &'static str {
    match step {
        "success" => "ACTIVE",
        "inactive" => "INACTIVE",
        "failure" => "FAILURE",
        "in_progress" => "IN_PROGRESS",
        "queued" => "QUEUED",
        _ => "PENDING",
    }
}

fn deployment(repo: &Repo<'_>, r: &Rollout) -> Json {
    let statuses: Vec<Json> =
        r.steps.iter().enumerate().map(|(i, s)| status(repo, r, s, i)).collect();
    let pull = json!({
        "__typename": "PullRequest",
        "number": pull_number(r.version),
        "title": r.intent,
        "url": repo.html(&format!("/pull/{}", pull_number(r.version))),
        "createdAt": rfc3339(r.committed - 20_000.0),
        "mergedAt": rfc3339(r.committed),
    });
    json!({
        "__typename": "Deployment",
        "id": format!("DE_{}", r.id),
        "databaseId": r.id,
        "createdAt": rfc3339(r.created),
        "updatedAt": rfc3339(r.steps.last().map_or(r.created, |s| s.at)),
        "state": state(r.latest()),
        "environment": r.environment,
        "latestEnvironment": r.environment,
        "originalEnvironment": r.environment,
        "description": r.intent,
        "task": "deploy",
        "payload": Json::Null,
        "ref": { "__typename": "Ref", "name": repo.reference(r.version) },
        "commitOid": r.sha,
        "commit": {
            "__typename": "Commit",
            "oid": r.sha,
            "abbreviatedOid": r.sha.get(..7),
            "messageHeadline": r.intent,
            "committedDate": rfc3339(r.committed),
            "authoredDate": rfc3339(r.committed - 600.0),
            "url": repo.html(&format!("/commit/{}", r.sha)),
            "associatedPullRequests": if r.rollback { json!([]) } else { json!([pull]) },
        },
        "creator": actor(r.by),
        "latestStatus": statuses.last().cloned(),
        "statuses": statuses,
    })
}

fn status(repo: &Repo<'_>, r: &Rollout, s: &Step, place: usize) -> Json {
    json!({
        "__typename": "DeploymentStatus",
        "id": format!("DES_{}", r.id * 8 + place as u64),
        "state": s.state.to_uppercase(),
        "createdAt": rfc3339(s.at),
        "updatedAt": rfc3339(s.at),
        "description": s.words,
        "environment": r.environment,
        "environmentUrl": format!("https://{}.{}.harbour.example", repo.name(), r.environment),
        "logUrl": repo.log(r),
        "creator": actor(s.by),
    })
}

fn releases(repo: &Repo<'_>) -> Vec<Json> {
    let mut latest = true;
    // Oldest first, as a connection without an order has them.
    let mut all: Vec<Json> = repo
        .releases()
        .iter()
        .map(|r| {
            let is_latest = r["draft"] == false && std::mem::take(&mut latest);
            json!({
                "__typename": "Release",
                "id": r["node_id"],
                "databaseId": r["id"],
                "tagName": r["tag_name"],
                "name": r["name"],
                "description": r["body"],
                "isDraft": r["draft"],
                "isPrerelease": r["prerelease"],
                "isLatest": is_latest,
                "createdAt": r["created_at"],
                "publishedAt": r["published_at"],
                "updatedAt": r["created_at"],
                "url": r["html_url"],
                "author": actor(login(r, "/author/login")),
            })
        })
        .collect();
    all.reverse();
    all
}

fn milestones(repo: &Repo<'_>) -> Vec<Json> {
    let one = |m: &Json| {
        let (open, closed) =
            (m["open_issues"].as_f64().unwrap_or(0.0), m["closed_issues"].as_f64().unwrap_or(0.0));
        let some = |state: &str, n: f64| {
            let issue = json!({ "__typename": "Issue", "state": state });
            std::iter::repeat_n(issue, n as usize)
        };
        let issues: Vec<Json> = some("OPEN", open).chain(some("CLOSED", closed)).collect();
        json!({
            "__typename": "Milestone",
            "number": m["number"],
            "title": m["title"],
            "state": m["state"].as_str().unwrap_or("open").to_uppercase(),
            "dueOn": m["due_on"],
            "createdAt": m["created_at"],
            "updatedAt": m["updated_at"],
            "closedAt": m["closed_at"],
            "progressPercentage": if open + closed > 0.0 { 100.0 * closed / (open + closed) } else { 0.0 },
            "url": m["html_url"],
            "description": m["description"],
            "issues": issues,
        })
    };
    repo.milestones().iter().map(one).collect()
}

fn issues(repo: &Repo<'_>) -> Vec<Json> {
    let one = |i: &Json| {
        let labels: Vec<Json> = i["labels"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|l| json!({ "__typename": "Label", "name": l["name"], "color": l["color"] }))
            .collect();
        json!({
            "__typename": "Issue",
            "id": format!("I_{}", i["id"]),
            "databaseId": i["id"],
            "number": i["number"],
            "title": i["title"],
            "state": i["state"].as_str().unwrap_or("open").to_uppercase(),
            "stateReason": i["state_reason"].as_str().map(str::to_uppercase),
            "createdAt": i["created_at"],
            "updatedAt": i["updated_at"],
            "closedAt": i["closed_at"],
            "url": i["html_url"],
            "body": i["body"],
            "author": actor(login(i, "/user/login")),
            "labels": labels,
        })
    };
    repo.issues().iter().filter(|i| i.get("pull_request").is_none()).map(one).collect()
}
