//! The one question asked by GraphQL: deployments with their whole history, and releases, of several repositories.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use serde_json::value::RawValue;

use super::answer;
use super::outcome::{Step, of_deployment};
use super::repo::Repo;
use crate::model::{Clean, Deploy, Key, Milestone, Release, SourceName, Status, Trouble};
use crate::source::history::Edge;
use crate::source::rows::{self, Gaps, Row};
use crate::source::{Answer, Exchange, HttpAnswer, wire};

/// Of one deployment. Node ids stand beside the numbers because those are 32 bits wide there and `null` beyond.
const DEPLOYMENT: &str = "id databaseId createdAt updatedAt state environment latestEnvironment description \
ref{name} commitOid commit{committedDate} creator{login} \
statuses(last:20){nodes{state createdAt logUrl creator{login}}}";

/// Of one release.
const RELEASE: &str =
    "id databaseId tagName name isDraft isPrerelease publishedAt url author{login}";

/// Of one milestone.
const MILESTONE: &str = "number title description state dueOn closedAt url \
done:issues(states:[CLOSED]){totalCount} all:issues{totalCount}";

pub const BUDGET: &str = "rateLimit{cost remaining limit resetAt}";

/// What is asked of every repository. `last` with ascending order: the newest come last.
fn fragment() -> String {
    format!(
        "fragment Told on Repository{{defaultBranchRef{{name target{{oid}}}} \
         deployments(last:$last,environments:$env,orderBy:{{field:CREATED_AT,direction:ASC}}){{\
         pageInfo{{hasPreviousPage startCursor}} nodes{{{DEPLOYMENT}}}}} \
         releases(first:20,orderBy:{{field:CREATED_AT,direction:DESC}}){{\
         pageInfo{{hasNextPage endCursor}} nodes{{{RELEASE}}}}} \
         milestones(first:30,orderBy:{{field:UPDATED_AT,direction:DESC}}){{\
         pageInfo{{hasNextPage}} nodes{{{MILESTONE}}}}}}}"
    )
}

/// The text of the query for `repos` repositories: variables `o0 n0 o1 n1 …` (owner, name), `env` and `last`.
pub fn query(repos: usize) -> String {
    use std::fmt::Write as _;
    let (mut variables, mut fields) = (String::new(), String::new());
    for i in 0..repos {
        let _ = write!(variables, ",$o{i}:String!,$n{i}:String!");
        let _ = write!(fields, " r{i}:repository(owner:$o{i},name:$n{i}){{...Told}}");
    }
    format!("query Andon($last:Int!,$env:[String!]{variables}){{{BUDGET}{fields}}} {}", fragment())
}

/// What is asked of the past of one repository: the pages behind these cursors.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    pub repo: &'a Repo,
    pub deploys: Option<&'a str>,
    pub releases: Option<&'a str>,
}

/// The body of the post that asks for the past; a variable that nothing uses would be refused.
pub fn past(wanted: &[Before<'_>], environments: &[String]) -> Vec<u8> {
    use std::fmt::Write as _;
    let (mut declared, mut fields) = (String::from("$page:Int!"), String::new());
    let mut variables = serde_json::Map::new();
    variables.insert("page".to_owned(), json!(PAST_PAGE));
    if wanted.iter().any(|before| before.deploys.is_some()) {
        declared.push_str(",$env:[String!]");
        variables.insert("env".to_owned(), environments_of(environments));
    }
    for (i, Before { repo, deploys, releases }) in wanted.iter().enumerate() {
        let _ = write!(declared, ",$o{i}:String!,$n{i}:String!");
        let _ = write!(fields, " r{i}:repository(owner:$o{i},name:$n{i}){{name");
        variables.insert(format!("o{i}"), json!(repo.owner));
        variables.insert(format!("n{i}"), json!(repo.name));
        if let Some(cursor) = deploys {
            let _ = write!(declared, ",$d{i}:String!");
            let _ = write!(
                fields,
                " deployments(last:$page,before:$d{i},environments:$env,orderBy:{{field:CREATED_AT,direction:ASC}}){{\
                 pageInfo{{hasPreviousPage startCursor}} nodes{{{DEPLOYMENT}}}}}"
            );
            variables.insert(format!("d{i}"), json!(cursor));
        }
        if let Some(cursor) = releases {
            let _ = write!(declared, ",$l{i}:String!");
            let _ = write!(
                fields,
                " releases(first:$page,after:$l{i},orderBy:{{field:CREATED_AT,direction:DESC}}){{\
                 pageInfo{{hasNextPage endCursor}} nodes{{{RELEASE}}}}}"
            );
            variables.insert(format!("l{i}"), json!(cursor));
        }
        fields.push('}');
    }
    let query = format!("query Past({declared}){{{BUDGET}{fields}}}");
    json!({ "query": query, "variables": variables }).to_string().into_bytes()
}

/// Records of the past asked for at once, of each list.
const PAST_PAGE: usize = 50;

fn environments_of(names: &[String]) -> serde_json::Value {
    if names.is_empty() { json!(null) } else { json!(names) }
}

/// The body of the post.
pub fn body(repos: &[&Repo], environments: &[String], deployments: usize) -> Vec<u8> {
    let mut variables = serde_json::Map::new();
    variables.insert("env".to_owned(), environments_of(environments));
    variables.insert("last".to_owned(), json!(deployments));
    for (i, repo) in repos.iter().enumerate() {
        variables.insert(format!("o{i}"), json!(repo.owner));
        variables.insert(format!("n{i}"), json!(repo.name));
    }
    json!({ "query": query(repos.len()), "variables": variables }).to_string().into_bytes()
}

/// What an answer to the question amounts to.
pub enum Verdict<'a> {
    Told(Told<'a>),
    /// Not to be had here: ask by REST, and try again after this long.
    Unavailable {
        words: String,
        rest: SignedDuration,
    },
    Failed(Trouble),
}

/// Data, perhaps in part, and the errors that came with it.
pub struct Told<'a> {
    data: BTreeMap<String, &'a RawValue>,
    pub errors: Vec<Complaint>,
    /// Where to sign on, when that is why something is missing.
    pub sign_on: Option<String>,
}

/// One of the `errors` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// `NOT_FOUND`, `FORBIDDEN`, `RATE_LIMITED` … or nothing.
    pub kind: String,
    pub message: String,
    /// The alias of the repository it is about, else empty.
    pub alias: String,
}

const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);
const A_WHILE: SignedDuration = SignedDuration::from_mins(10);

pub fn verdict(exchange: &Exchange, now: Timestamp) -> Verdict<'_> {
    let heard = match answer::judge(exchange, now) {
        Ok(heard) => heard,
        Err(trouble) => return refusal(exchange, trouble),
    };
    let answer = match rows::members(&heard.body) {
        Ok(answer) => answer,
        Err(trouble) => return Verdict::Failed(trouble),
    };
    let errors = complaints(&answer);
    if errors.iter().any(|e| e.kind == "RATE_LIMITED") {
        return Verdict::Failed(
            Trouble::new(Status::RateLimited, "GraphQL rate limit used up")
                .wait(wire::retry_after(heard, now).or(Some(SignedDuration::from_mins(1)))),
        );
    }
    match rows::members_of(&answer, "data") {
        Ok(Some(data)) => Verdict::Told(Told { data, errors, sign_on: answer::sign_on(heard) }),
        Ok(None) => match errors.into_iter().next() {
            Some(first) => Verdict::Unavailable { words: first.message, rest: AN_HOUR },
            None => Verdict::Failed(Trouble::bad_data("neither data nor errors")),
        },
        Err(trouble) => Verdict::Failed(trouble),
    }
}

/// Servers without GraphQL and tokens without the right still have REST; a query that is too heavy for now, too.
fn refusal(exchange: &Exchange, trouble: Trouble) -> Verdict<'_> {
    let Ok(Answer::Http(HttpAnswer { status, body, .. })) = &exchange.answer else {
        return Verdict::Failed(trouble);
    };
    let bad_credentials = || answer::reason(body).is_some_and(|r| r.contains("Bad credentials"));
    let rest = match status {
        _ if trouble.status == Status::RateLimited => None,
        401 if bad_credentials() => None,
        401 | 403 | 404 | 405 | 410 | 501 => Some(AN_HOUR),
        500..=599 => Some(A_WHILE),
        _ => None,
    };
    match rest {
        Some(rest) => Verdict::Unavailable { words: trouble.message.to_string(), rest },
        None => Verdict::Failed(trouble),
    }
}

fn complaints(answer: &BTreeMap<String, &RawValue>) -> Vec<Complaint> {
    let errors = rows::value_of(answer, "errors");
    let text = |value: Option<&serde_json::Value>| {
        value.and_then(|v| v.as_str()).unwrap_or_default().to_owned()
    };
    let errors = errors.as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|e| Complaint {
            kind: text(e.get("type")),
            message: match text(e.get("message")) {
                message if message.is_empty() => "an error without words".to_owned(),
                message => wire::brief(&message),
            },
            alias: text(e.get("path").and_then(|p| p.get(0))),
        })
        .collect()
}

/// What one repository of the answer holds.
#[derive(Debug, Default)]
pub struct Found {
    pub deploys: Vec<Deploy>,
    pub releases: Vec<Release>,
    /// Nothing older is there.
    pub all_deploys: bool,
    pub all_releases: bool,
    /// Where the lists go on into the past; `None` for a list that is not in the answer.
    pub deploys_end: Option<Edge>,
    pub releases_end: Option<Edge>,
    pub milestones: Vec<Milestone>,
    pub all_milestones: bool,
    /// The branch work is merged to, and its newest commit.
    pub branch: Option<(String, String)>,
}

impl Told<'_> {
    /// Whether the answer holds a repository at this place: `null` is one that may not be seen.
    pub fn has(&self, place: usize) -> bool {
        rows::members_of(&self.data, &format!("r{place}")).is_ok_and(|r| r.is_some())
    }

    /// Reads the repository asked at `place`; `None` when it may not be seen.
    pub fn repository(
        &self,
        place: usize,
        repo: &Repo,
        source: &SourceName,
        gaps: &mut Gaps,
    ) -> Result<Option<Found>, Trouble> {
        let alias = format!("r{place}");
        let Some(repository) = rows::members_of(&self.data, &alias)? else { return Ok(None) };
        let mut found = Found::default();
        let branch = rows::value_of(&repository, "defaultBranchRef");
        let word = |path: &str| branch.pointer(path).and_then(serde_json::Value::as_str);
        found.branch = word("/name").zip(word("/target/oid")).map(|(n, o)| (n.into(), o.into()));
        let branch = found.branch.as_ref().map(|(name, _)| Clean::line(name));
        if let Some(list) = rows::members_of(&repository, "milestones")? {
            let nodes = rows::items_of(&list, "nodes")?.unwrap_or_default();
            let place = format!("/{}/milestones", repo.shown);
            found.milestones = gaps.read(&place, &nodes, |row| milestone(row, repo, source));
            found.all_milestones =
                rows::value_of(&list, "pageInfo").get("hasNextPage") == Some(&json!(false));
        }
        if let Some(list) = rows::members_of(&repository, "deployments")? {
            let nodes = rows::items_of(&list, "nodes")?.unwrap_or_default();
            let place = format!("/{}/deployments", repo.shown);
            found.deploys = gaps.read(&place, &nodes, |row| deploy(row, repo, source));
            // The branch everything is deployed from says nothing about what was: the hash speaks then.
            for deploy in &mut found.deploys {
                if Some(&deploy.version) == branch.as_ref() {
                    deploy.version = Clean::default();
                }
            }
            let page = rows::value_of(&list, "pageInfo");
            found.all_deploys = page.get("hasPreviousPage") == Some(&json!(false));
            let dates = found.deploys.iter().filter_map(|d| d.started);
            let before = cursor(&page, "hasPreviousPage", "startCursor");
            found.deploys_end = Some(Edge::of(dates, before));
        }
        if let Some(list) = rows::members_of(&repository, "releases")? {
            let nodes = rows::items_of(&list, "nodes")?.unwrap_or_default();
            let place = format!("/{}/releases", repo.shown);
            found.releases = gaps.read(&place, &nodes, |row| release(row, repo, source));
            let page = rows::value_of(&list, "pageInfo");
            found.all_releases = page.get("hasNextPage") == Some(&json!(false));
            let dates = found.releases.iter().filter_map(|r| r.published);
            found.releases_end = Some(Edge::of(dates, cursor(&page, "hasNextPage", "endCursor")));
        }
        Ok(Some(found))
    }

    /// A small part of the answer, read whole.
    pub fn value(&self, alias: &str) -> serde_json::Value {
        rows::value_of(&self.data, alias)
    }

    /// Words when less than a tenth of the hourly budget is left.
    pub fn budget(&self) -> Option<Clean> {
        let limit = rows::value_of(&self.data, "rateLimit");
        let number = |key: &str| limit.get(key).and_then(serde_json::Value::as_u64);
        let (left, of) = (number("remaining")?, number("limit")?);
        (left < of / 10)
            .then(|| Clean::line(format_args!("GraphQL budget: {left} of {of} points left")))
    }
}

/// Where a list goes on, if it does.
fn cursor(page: &serde_json::Value, more: &str, at: &str) -> Option<Box<str>> {
    let cursor = page.get(at).and_then(serde_json::Value::as_str);
    cursor.filter(|c| page.get(more) == Some(&json!(true)) && c.len() <= 1024).map(Box::from)
}

fn deploy(row: &Row<'_>, repo: &Repo, source: &SourceName) -> Option<Deploy> {
    let id = row.id("/databaseId").or_else(|| row.id("/id"))?;
    let statuses = row.rows("/statuses/nodes");
    let steps: Vec<Step> =
        statuses.iter().map(|s| Step::new(s.raw("/state"), s.time("/createdAt"))).collect();
    let (outcome, finished) = of_deployment(row.raw("/state"), &steps);
    let log = statuses.iter().filter_map(|s| Some((s.time("/createdAt"), s.link("/logUrl")?)));
    Some(Deploy {
        key: Key::new(source, repo.deployment_id(&id)),
        repo: repo.shown.clone(),
        app: Clean::default(),
        environment: row.first_text(&["/latestEnvironment", "/environment"]),
        version: row.text("/ref/name"),
        sha: row.text("/commitOid"),
        started: row.time("/createdAt"),
        finished,
        outcome,
        who: row.text("/creator/login"),
        description: row.text("/description"),
        committed: row.time("/commit/committedDate"),
        url: log.max_by_key(|(at, _)| *at).map(|(_, url)| url).or_else(|| repo.page("deployments")),
    })
}

fn release(row: &Row<'_>, repo: &Repo, source: &SourceName) -> Option<Release> {
    let id = row.id("/databaseId").or_else(|| row.id("/id"))?;
    Some(Release {
        key: Key::new(source, repo.release_id(&id)),
        repo: repo.shown.clone(),
        tag: row.text("/tagName"),
        name: row.text("/name"),
        draft: row.flag("/isDraft"),
        prerelease: row.flag("/isPrerelease"),
        published: row.time("/publishedAt"),
        author: row.text("/author/login"),
        url: row.link("/url").or_else(|| repo.page("releases")),
    })
}

fn milestone(row: &Row<'_>, repo: &Repo, source: &SourceName) -> Option<Milestone> {
    let number = row.number("/number")?;
    let counts = row.number("/done/totalCount").zip(row.number("/all/totalCount"));
    Some(Milestone {
        key: Key::new(source, repo.milestone_id(number)),
        repo: repo.shown.clone(),
        title: row.text("/title"),
        about: row.headline("/description"),
        start: None,
        due: super::rest::day(row, "/dueOn"),
        done: row.raw("/state").eq_ignore_ascii_case("closed"),
        done_at: row.time("/closedAt"),
        done_on: None,
        items: counts,
        url: row.link("/url"),
    })
}
