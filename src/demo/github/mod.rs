//! The code host's HTTP interface: REST as GitHub Enterprise serves it, with pages, and GraphQL beside it.

pub mod graph;
pub mod records;
pub mod tree;
pub mod work;

use serde_json::{Value as Json, json};

use super::cast::{ORG, SERVICES, Service};
use super::clock::{Secs, secs};
use super::reply::{Asked, Reply};
use super::world::World;
use records::Repo;

/// What the host says is left of the hour; it does not count, so it does not lie by much.
const BUDGET: u32 = 5_000;

pub fn answer(world: &World, asked: &Asked, now: Secs) -> Reply {
    if let ["api", "graphql"] = asked.parts().as_slice() {
        return limited(graphql(world, asked, now), now);
    }
    let parts = asked.parts();
    let Some(["api", "v3"]) = parts.get(..2) else {
        return page(asked);
    };
    let reply = rest(world, asked, now).tagged(asked);
    limited(reply.header("x-github-media-type", "github.v3; format=json"), now)
}

fn limited(reply: Reply, now: Secs) -> Reply {
    let reset = (now / 3_600.0).ceil() * 3_600.0;
    let used = 20 + (now as u32 % 3_600) / 4;
    reply
        .header("x-ratelimit-limit", BUDGET.to_string())
        .header("x-ratelimit-remaining", (BUDGET - used).to_string())
        .header("x-ratelimit-used", used.to_string())
        .header("x-ratelimit-reset", format!("{reset:.0}"))
        .header("x-ratelimit-resource", "core")
        .header("x-github-enterprise-version", "3.17.1")
}

fn not_found() -> Reply {
    Reply::json(
        404,
        &json!({
            "message": "Not Found",
            "documentation_url": "https://docs.github.com/rest",
            "status": "404",
        }),
    )
}

/// What a browser is shown where the real host would have a page.
fn page(asked: &Asked) -> Reply {
    let what = asked.path.trim_matches('/').replace(['<', '>', '&', '"'], "");
    Reply::text(
        200,
        format!(
            "<!doctype html><meta charset=utf-8><title>andon demo</title>\
             <body style=\"font:16px sans-serif;max-width:40em;margin:4em auto\">\
             <h1>{what}</h1><p>This is andon's demo. A real code host would show its page about this here.</p>"
        ),
    )
    .typed("text/html; charset=utf-8")
}

fn repo_named<'a>(world: &'a World, asked: &Asked, name: &str, now: Secs) -> Option<Repo<'a>> {
    let service = SERVICES.iter().find(|s| s.name == name)?;
    Some(Repo { world, service, now, origin: asked.origin.clone() })
}

fn rest(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.method != "GET" {
        return Reply::json(
            403,
            &json!({
                "message": "The demo's code host can be read only",
                "documentation_url": "https://docs.github.com/rest",
                "status": "403",
            }),
        );
    }
    if asked.path.ends_with('/') && asked.parts().len() > 2 {
        return not_found();
    }
    let parts = asked.parts();
    let (repo, rest) = match parts.get(2..).unwrap_or_default() {
        ["repos", ORG, name, rest @ ..] => (repo_named(world, asked, name, now), rest),
        ["repositories", id, rest @ ..] => {
            let by_id = |s: &&Service| records::repo_id(s).to_string() == **id;
            let name = SERVICES.iter().find(by_id).map_or("", |s| s.name);
            (repo_named(world, asked, name, now), rest)
        }
        [] => {
            return Reply::json(
                200,
                &json!({ "current_user_url": format!("{}/github/api/v3/user", asked.origin) }),
            );
        }
        ["versions"] => return Reply::json(200, &json!(["2022-11-28"])),
        ["user"] => return Reply::json(200, &records::user("noor", &asked.origin)),
        ["users", login] => return Reply::json(200, &records::user(login, &asked.origin)),
        ["rate_limit"] => {
            let core = json!({ "limit": BUDGET, "used": 20, "remaining": BUDGET - 20, "reset": (now + 3_000.0) as i64 });
            return Reply::json(200, &json!({ "resources": { "core": core }, "rate": core }));
        }
        ["orgs" | "users", ORG, "repos"] => {
            let all = SERVICES.iter().filter_map(|s| repo_named(world, asked, s.name, now));
            return paged(asked, &all.map(|r| r.json()).collect::<Vec<_>>());
        }
        _ => return not_found(),
    };
    let Some(repo) = repo else { return not_found() };
    repository(&repo, asked, rest)
}

fn repository(repo: &Repo<'_>, asked: &Asked, rest: &[&str]) -> Reply {
    let one = |found: Option<Json>| found.map_or_else(not_found, |json| Reply::json(200, &json));
    let with_id = |list: Vec<Json>, id: &str| {
        list.into_iter().find(|x| x.get("id").and_then(Json::as_u64) == id.parse().ok())
    };
    match rest {
        [] => Reply::json(200, &repo.json()),
        ["deployments"] => {
            let wants = |key: &str, json: &Json| asked.one(key).is_none_or(|w| json[key] == w);
            let mut list = repo.deployments();
            list.retain(|d| ["environment", "ref", "sha", "task"].iter().all(|k| wants(k, d)));
            paged(asked, &list)
        }
        ["deployments", id] => one(with_id(repo.deployments(), id)),
        ["deployments", id, "statuses"] => match repo.statuses(id) {
            Some(list) => paged(asked, &list),
            None => not_found(),
        },
        ["releases"] => paged(asked, &repo.releases()),
        ["releases", "latest"] => {
            let ready = |r: &Json| r["draft"] == false && r["prerelease"] == false;
            one(repo.releases().into_iter().find(ready))
        }
        ["releases", "tags", tag] => {
            one(repo.releases().into_iter().find(|r| r["tag_name"] == *tag))
        }
        ["releases", id] => one(with_id(repo.releases(), id)),
        ["actions", "runs"] => runs(repo, asked),
        ["actions", "runs", id] => one(with_id(repo.runs(), id)),
        ["actions", "runs", id, "jobs"] => match with_id(repo.runs(), id) {
            Some(run) => {
                let jobs = repo.jobs(&run);
                Reply::json(200, &json!({ "total_count": jobs.len(), "jobs": jobs }))
            }
            None => not_found(),
        },
        ["actions", "runs", id, "pending_deployments"] => {
            Reply::json(200, &Json::Array(repo.pending(id)))
        }
        ["issues"] => {
            let labels: Vec<&str> =
                asked.one("labels").into_iter().flat_map(|l| l.split(',')).collect();
            let has = |issue: &Json, label: &str| {
                issue["labels"].as_array().is_some_and(|all| all.iter().any(|l| l["name"] == label))
            };
            let mut list = repo.issues();
            list.retain(|i| labels.iter().all(|l| has(i, l)));
            paged(asked, &of_state(asked, list))
        }
        ["milestones"] => paged(asked, &of_state(asked, repo.milestones())),
        ["pulls"] => paged(asked, &of_state(asked, repo.pulls())),
        ["pulls", number] => {
            one(repo.pulls().into_iter().find(|p| p["number"].as_u64() == number.parse().ok()))
        }
        ["commits"] => paged(asked, &repo.commits()),
        ["commits", sha] => one(repo.commits().into_iter().find(|c| c["sha"] == *sha)),
        ["commits", sha, "pulls"] => {
            let mut list = repo.pulls();
            list.retain(|p| p["merge_commit_sha"] == *sha);
            paged(asked, &list)
        }
        ["commits", _, "check-runs"] => {
            Reply::json(200, &json!({ "total_count": 0, "check_runs": [] }))
        }
        ["compare", range] => match range.split_once("...") {
            Some((base, head)) => {
                let size = asked.number("per_page").unwrap_or(250).clamp(1, 250);
                one(repo.compare(base, head, asked.number("page").unwrap_or(1), size))
            }
            None => not_found(),
        },
        ["contributors"] => paged(asked, &repo.contributors()),
        _ => not_found(),
    }
}

fn of_state(asked: &Asked, mut list: Vec<Json>) -> Vec<Json> {
    let state = asked.one("state").unwrap_or("open");
    list.retain(|i| state == "all" || i["state"] == state);
    if asked.one("direction") == Some("asc") {
        list.reverse();
    }
    list
}

fn runs(repo: &Repo<'_>, asked: &Asked) -> Reply {
    let mut list = repo.runs();
    let filters = ["branch", "created", "status", "event", "actor", "head_sha"];
    let filtered = filters.iter().any(|f| asked.one(f).is_some());
    if let Some(branch) = asked.one("branch") {
        list.retain(|r| r["head_branch"] == branch);
    }
    if let Some(event) = asked.one("event") {
        list.retain(|r| r["event"] == event);
    }
    if let Some(status) = asked.one("status") {
        list.retain(|r| r["status"] == status || r["conclusion"] == status);
    }
    if let Some(created) = asked.one("created") {
        let since = |text: &str| {
            let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
            text.parse::<jiff::Timestamp>().ok().map(secs)
        };
        let at = |r: &Json| r["created_at"].as_str().and_then(since).unwrap_or(0.0);
        let (from, until) = match created.split_once("..") {
            Some((a, b)) => (since(a), since(b).map(|t| t + 86_400.0)),
            None => match created.strip_prefix(">=").or_else(|| created.strip_prefix('>')) {
                Some(a) => (since(a), None),
                None => (since(created), since(created).map(|t| t + 86_400.0)),
            },
        };
        list.retain(|r| from.is_none_or(|f| at(r) >= f) && until.is_none_or(|u| at(r) <= u));
    }
    if filtered {
        list.truncate(1_000);
    }
    let total = list.len();
    paged_as(asked, &list, |page| json!({ "total_count": total, "workflow_runs": page }))
}

fn paged(asked: &Asked, list: &[Json]) -> Reply {
    paged_as(asked, list, |page| Json::Array(page.to_vec()))
}

/// One page of a list, with links to the others within the origin that was asked.
fn paged_as(asked: &Asked, list: &[Json], wrap: impl Fn(&[Json]) -> Json) -> Reply {
    let size = asked.number("per_page").unwrap_or(30).clamp(1, 100);
    let page = asked.number("page").unwrap_or(1).max(1);
    let pages = list.len().div_ceil(size).max(1);
    let from = (page - 1).saturating_mul(size).min(list.len());
    let until = from.saturating_add(size).min(list.len());
    let reply = Reply::json(200, &wrap(list.get(from..until).unwrap_or_default()));
    let link = |to: usize, rel: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (k, v) in asked.pairs.iter().filter(|(k, _)| k != "page") {
            query.append_pair(k, v);
        }
        query.append_pair("page", &to.to_string());
        format!("<{}/github{}?{}>; rel=\"{rel}\"", asked.origin, asked.path, query.finish())
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
        links.push(link(pages, "last"));
    }
    if page > 1 {
        links.push(link(1, "first"));
    }
    if links.is_empty() { reply } else { reply.header("link", links.join(", ")) }
}

fn graphql(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.method != "POST" {
        return Reply::json(404, &json!({ "message": "Not Found" }));
    }
    let Ok(body) = serde_json::from_slice::<Json>(&asked.body) else {
        return Reply::json(400, &json!({ "message": "Problems parsing JSON" }));
    };
    let query = body.get("query").and_then(Json::as_str).unwrap_or("");
    let document = match graph::parse(query) {
        Ok(document) => document,
        Err(message) => {
            return Reply::json(
                200,
                &json!({ "errors": [{ "message": message, "locations": [{ "line": 1, "column": 1 }] }] }),
            );
        }
    };
    let repository = |owner: &str, name: &str| {
        let known = owner.eq_ignore_ascii_case(ORG).then(|| repo_named(world, asked, name, now));
        known.flatten().map(|repo| tree::repository(&repo))
    };
    let variables = body.get("variables").unwrap_or(&Json::Null);
    Reply::json(200, &graph::execute(&document, variables, now, &repository))
}
