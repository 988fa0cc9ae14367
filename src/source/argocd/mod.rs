//! Argo CD: applications and what they run, their operations sampled and remembered, and sync windows as they are meant.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::rows::{self, Gaps, Row};
use super::tale::Tale;
use super::{
    Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Source,
    no_numbers, wire,
};
use crate::model::{ChangesOf, Clean, Fact, Feed, SourceName, Status, Trouble};

pub mod app;
pub mod glob;
pub mod history;
pub mod window;

use app::{App, Naming};
use history::{Past, signature};
use window::Window;

pub const KIND: Kind = Kind {
    name: "argocd",
    about: "Argo CD: applications, what they run, their syncs (failed ones too), sync windows",
    every: Duration::from_secs(20),
    default_url: None,
    needs_url: true,
    options: &[
        ("projects", "only applications of these projects of Argo CD"),
        ("selector", "only applications with these labels: \"team=shop,tier!=test\""),
        ("environment", "the environment all of them are, such as \"production\""),
        ("environment_label", "the label that names an application's environment"),
        (
            "app_label",
            "the label that names its service; else its own name without the environment",
        ),
    ],
    open,
};

/// The fields of an application that the list can be narrowed to, and that are read
/// (argo-cd `pkg/apiclient/application/forwarder_overwrite.go`).
const FIELDS: &str = "items.metadata.name,items.metadata.namespace,items.metadata.labels,\
items.spec.project,items.spec.destination,items.spec.source,items.spec.sources,\
items.status.health,items.status.sync.status,items.status.sync.revision,\
items.status.operationState.phase,items.status.operationState.startedAt,\
items.status.operationState.finishedAt,items.status.summary";
/// Projects are big and hardly change: this often, in polls.
const SELDOM: u64 = 15;
/// Applications whose details are read in one poll, 33 kB each.
const DETAILS: usize = 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    projects: Vec<String>,
    #[serde(default)]
    selector: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    environment_label: Option<String>,
    #[serde(default)]
    app_label: Option<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("argocd", opening.metrics);
    let key = |key, message: &str| Problem::Key { key, message: message.to_owned() };
    if options.projects.iter().any(String::is_empty) {
        problems.push(key("projects", "the name of a project is not empty"));
    }
    let Some(base) = opening.url else {
        problems.push(key("url", "the address of Argo CD is missing"));
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut base = base;
    // People write the address of the API as often as that of the pages.
    let path = base.path().trim_end_matches('/').trim_end_matches("/api/v1").to_owned();
    base.set_path(&path);
    Ok(Box::new(ArgoCd {
        name: opening.name,
        base,
        projects: options.projects,
        selector: options.selector.filter(|s| !s.is_empty()),
        naming: Naming {
            environment: options.environment,
            environment_label: options.environment_label,
            app_label: options.app_label,
        },
    }))
}

#[derive(Debug)]
struct ArgoCd {
    name: SourceName,
    base: Url,
    projects: Vec<String>,
    selector: Option<String>,
    naming: Naming,
}

const LIST: &str = "applications";
const PROJECTS: &str = "projects";
const VERSION: &str = "version";
/// Memory: what was read of every application.
const PAST: &str = "operations";
type Pasts = BTreeMap<String, Past>;

impl Source for ArgoCd {
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        Some((ChangesOf::Listed, true))
    }

    fn tells_freezes(&self) -> bool {
        true
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let mut query: Vec<(&str, &str)> = vec![("fields", FIELDS)];
        query.extend(self.projects.iter().map(|p| ("projects", p.as_str())));
        query.extend(self.selector.iter().map(|s| ("selector", s.as_str())));
        let mut requests = vec![self.get(LIST, "api/v1/applications", &query)];
        if asking.round.is_multiple_of(SELDOM) {
            let fields = "items.metadata.name,items.spec.syncWindows";
            requests.push(self.get(PROJECTS, "api/v1/projects", &[("fields", fields)]));
            requests.push(self.get(VERSION, "api/version", &[]));
        }
        requests
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut tale = Tale::default();
        let listed = wire::heard(heard, LIST)
            .ok_or_else(|| Trouble::bad_data("the applications were not asked for"))?;
        let apps = self.apps(judge(listed)?, &mut tale.gaps)?;
        tale.good += 1;
        let past = past(asking);
        let changed: Vec<&App> = apps.iter().filter(|app| is_news(app, &past)).collect();
        let details: Vec<Request> = changed
            .iter()
            .take(DETAILS)
            .filter(|app| wire::heard(heard, &detail_tag(app)).is_none())
            .map(|app| self.detail(app))
            .collect();
        if !details.is_empty() {
            return Ok(Reading::More(details));
        }
        self.tell_apps(&apps, past, asking, heard, &mut tale)?;
        if changed.len() > DETAILS {
            tale.notes.push(format!(
                "the history of {} applications is read in later polls",
                changed.len() - DETAILS
            ));
        }
        self.tell_windows(&apps, heard, &mut tale)?;
        if let Some(version) = wire::heard(heard, VERSION).and_then(|e| judge(e).ok()) {
            let version: serde_json::Value =
                serde_json::from_slice(&version.body).unwrap_or_default();
            let version = version.get("Version").and_then(serde_json::Value::as_str);
            tale.about = version.map(|v| Clean::line(format_args!("Argo CD {v}")));
        }
        tale.report(true)
    }
}

impl ArgoCd {
    fn get(&self, tag: &str, path: &str, query: &[(&str, &str)]) -> Request {
        let mut url = wire::join(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Request::Http(Http::get(tag, url))
    }

    /// Without its project a missing application is a forbidden one.
    fn detail(&self, app: &App) -> Request {
        let mut query = vec![("project", app.project.as_str())];
        if !app.home.is_empty() {
            query.push(("appNamespace", app.home.as_str()));
        }
        query.retain(|(_, value)| !value.is_empty());
        let mut url = wire::join(&self.base, "api/v1/applications");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&app.name);
        }
        url.query_pairs_mut().extend_pairs(query);
        Request::Http(Http::get(detail_tag(app), url))
    }

    fn site(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// `items` is null where there is none.
    fn apps(&self, answer: &HttpAnswer, gaps: &mut Gaps) -> Result<Vec<App>, Trouble> {
        let list = rows::members(&answer.body)?;
        if !list.contains_key("items") && !list.contains_key("metadata") {
            return Err(Trouble::bad_data("the answer is no list of applications"));
        }
        let items = rows::items_of(&list, "items")?.unwrap_or_default();
        let mut apps = gaps.read("/applications", &items, |row| app::app(row, &self.naming));
        // Older servers know the parameter as another word, and send everything.
        apps.retain(|app| self.projects.is_empty() || self.projects.contains(&app.project));
        apps.sort_by(|a, b| (&a.home, &a.name).cmp(&(&b.home, &b.name)));
        apps.dedup_by(|a, b| a.home == b.home && a.name == b.name);
        Ok(apps)
    }

    fn tell_apps(
        &self,
        apps: &[App],
        mut past: Pasts,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let site = self.site();
        let mut now: Pasts = BTreeMap::new();
        for app in apps {
            tale.facts.push(Fact::Environment(app.environment(&self.name, &site)));
            let id = app.id("");
            let mut own = past.remove(&id).unwrap_or_default();
            if let Some(operation) = &app.operation {
                own.note(operation);
                let page = app.page(&site);
                let details = wire::heard(heard, &detail_tag(app)).map(|e| {
                    let answer = judge(e)?;
                    history::read(
                        &answer.body,
                        app,
                        &own,
                        &self.name,
                        page.as_ref(),
                        &mut tale.gaps,
                    )
                    .ok_or_else(|| Trouble::bad_data("the answer is no application"))
                });
                match details {
                    Some(Ok(deploys)) => {
                        own.read = signature(operation);
                        // Ended ones; older ones were dropped, or never were.
                        let ended = deploys.iter().filter_map(|d| d.finished).min();
                        own.from = ended.map(Timestamp::as_second).or(own.from);
                        tale.facts.extend(deploys.into_iter().map(Fact::Deploy));
                    }
                    // Unchanged since its details were read.
                    None if own.read == signature(operation) => {
                        let id = crate::model::Id::new(app.operation_id(operation.started));
                        tale.still.push((Feed::Deploys, id));
                    }
                    missing => {
                        tale.facts.push(Fact::Deploy(app.deploy(operation, &self.name, &site)));
                        if let Some(Err(trouble)) = missing {
                            tale.miss(format_args!("history of {}", app.name), trouble)?;
                        }
                    }
                }
            }
            let is_read = app.operation.as_ref().is_none_or(|op| own.read == signature(op));
            // Without an operation it has not changed since it was seen first.
            let first = *own.from.get_or_insert(asking.now.as_second());
            let from = Timestamp::from_second(first).ok().filter(|_| is_read);
            for of in [&app.shown, &app.repo].into_iter().filter(|of| !of.is_empty()) {
                // Several applications of one repository are known as far as the shortest.
                let before = tale.changes.iter().find(|k| k.of == *of).map(|k| k.from);
                let from = before.map_or(from, |before| before.zip(from).map(|(a, b)| a.max(b)));
                tale.known(of, from);
            }
            now.insert(id, own);
        }
        tale.whole(Feed::Environments, true);
        tale.remember(PAST, serde_json::to_string(&now).unwrap_or_default());
        Ok(())
    }

    fn tell_windows(
        &self,
        apps: &[App],
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(exchange) = wire::heard(heard, PROJECTS) else { return Ok(()) };
        let windows = judge(exchange).and_then(|answer| self.windows(answer, &mut tale.gaps));
        match windows {
            Ok(windows) => {
                tale.good += 1;
                for (project, window) in windows {
                    let own: Vec<App> =
                        apps.iter().filter(|a| a.project == project).cloned().collect();
                    let gate = window.about(&own);
                    // A window about nothing that is followed is nobody's.
                    if !gate.apps.is_empty() {
                        tale.facts.push(Fact::Gate(gate));
                    }
                }
                tale.whole(Feed::Gates, true);
            }
            Err(trouble) => {
                tale.whole(Feed::Gates, false);
                // Nobody may say that nothing is frozen.
                tale.facts.push(Fact::Gate(window::unknown(apps, &self.name)));
                let trouble = match trouble.status {
                    Status::Auth | Status::NotFound => trouble.hint(
                        "sync windows are read from projects: the account needs `projects, get`",
                    ),
                    _ => trouble,
                };
                tale.miss("sync windows", trouble)?;
            }
        }
        Ok(())
    }

    fn windows(
        &self,
        answer: &HttpAnswer,
        gaps: &mut Gaps,
    ) -> Result<Vec<(String, Window)>, Trouble> {
        let list = rows::members(&answer.body)?;
        if !list.contains_key("items") && !list.contains_key("metadata") {
            return Err(Trouble::bad_data("the answer is no list of projects"));
        }
        let items = rows::items_of(&list, "items")?.unwrap_or_default();
        let of_project = |row: &Row<'_>| {
            let project = row.id("/metadata/name")?;
            let windows = row.rows("/spec/syncWindows");
            let windows = windows.iter().enumerate();
            let windows = windows.map(|(i, w)| window::window(w, &project, i, &self.name));
            let windows: Vec<Window> = windows.collect();
            Some((project, windows))
        };
        let all = gaps.read("/projects", &items, of_project);
        Ok(all
            .into_iter()
            .flat_map(|(project, windows)| windows.into_iter().map(move |w| (project.clone(), w)))
            .collect())
    }
}

/// In the first poll of a run nothing is on the board yet, whatever memory says: only the starts are kept.
fn past(asking: &Asking<'_>) -> Pasts {
    let words = asking.memory.get(PAST);
    let mut past: Pasts = words.and_then(|w| serde_json::from_str(w).ok()).unwrap_or_default();
    if asking.round == 0 {
        for own in past.values_mut() {
            own.read.clear();
        }
    }
    past
}

fn is_news(app: &App, past: &Pasts) -> bool {
    let read = past.get(&app.id("")).map_or("", |p| p.read.as_str());
    app.operation.as_ref().is_some_and(|operation| signature(operation) != read)
}

fn detail_tag(app: &App) -> String {
    format!("application/{}/{}", app.home, app.name)
}

/// `{error, code, message}`; a token that expired is `Unauthenticated` with 401.
fn judge(exchange: &Exchange) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| match trouble.status {
        _ if exchange.answer.is_err() => trouble,
        Status::Auth if trouble.hint.as_ref().is_none_or(|h| !h.as_str().contains("sign-on")) => {
            trouble.hint("the token is missing, expired, or lacks a right: an account with `apiKey` and `applications, get`")
        }
        _ => trouble,
    })
}
