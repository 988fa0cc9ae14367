//! One application as listed: what it is, where it is installed, what runs, and the operation it did last.

use jiff::Timestamp;

use crate::model::{Clean, Deploy, Environment, Key, Link, Outcome, Place, SourceName};
use crate::source::rows::Row;
use crate::source::versions::is_version;

/// What is read of an application in every poll.
#[derive(Debug, Clone, Default)]
pub struct App {
    pub name: String,
    /// Where the application itself is kept; empty on servers that do not tell.
    pub home: String,
    pub project: String,
    /// Where it is installed.
    pub namespace: String,
    pub cluster: String,
    pub server: String,
    /// What services are matched with.
    pub shown: Clean,
    pub environment: Clean,
    pub repo: Clean,
    pub version: Clean,
    pub revision: Clean,
    pub health: Clean,
    pub sync: Clean,
    pub operation: Option<Operation>,
}

/// The operation an application runs or ran last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub phase: String,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
}

/// How applications are named and placed, as configured.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    pub environment: Option<String>,
    pub environment_label: Option<String>,
    pub app_label: Option<String>,
}

pub fn app(row: &Row<'_>, naming: &Naming) -> Option<App> {
    let name = row.id("/metadata/name")?;
    let label = |key: &Option<String>| match key {
        Some(key) => {
            let labels = row.labels("/metadata/labels");
            labels.get(&Clean::line(key)).cloned().unwrap_or_default()
        }
        None => Clean::default(),
    };
    let cluster = row.raw("/spec/destination/name").to_owned();
    let environment = match (label(&naming.environment_label), &naming.environment) {
        (told, None) if told.is_empty() && cluster != "in-cluster" => Clean::line(&cluster),
        (told, Some(fixed)) if told.is_empty() => Clean::line(fixed),
        (told, _) => told,
    };
    let shown = match label(&naming.app_label) {
        told if told.is_empty() => Clean::line(short(&name, environment.as_str())),
        told => told,
    };
    let sources = row.rows("/spec/sources");
    let first = sources.first();
    let of_source = |path: &str| match first {
        Some(source) => source.raw(path),
        None => "",
    };
    let either = |single: &str, several: &str| match row.raw(single) {
        "" => of_source(several).to_owned(),
        told => told.to_owned(),
    };
    let target = either("/spec/source/targetRevision", "/targetRevision");
    let mut tags: Vec<&str> =
        row.texts("/status/summary/images").into_iter().filter_map(tag_of).collect();
    tags.sort_unstable();
    tags.dedup();
    let version = match tags.as_slice() {
        [only] => Clean::line(only),
        _ if is_version(&target) => Clean::line(&target),
        _ => Clean::default(),
    };
    let started = row.time("/status/operationState/startedAt");
    let phase = row.raw("/status/operationState/phase");
    Some(App {
        home: row.raw("/metadata/namespace").to_owned(),
        project: row.raw("/spec/project").to_owned(),
        namespace: row.raw("/spec/destination/namespace").to_owned(),
        server: row.raw("/spec/destination/server").to_owned(),
        cluster,
        shown,
        environment,
        repo: repo_of(&either("/spec/source/repoURL", "/repoURL")),
        version,
        revision: row.text("/status/sync/revision"),
        health: row.text("/status/health/status"),
        sync: row.text("/status/sync/status"),
        operation: started.filter(|_| !phase.is_empty()).map(|started| Operation {
            phase: phase.to_owned(),
            started,
            finished: row.time("/status/operationState/finishedAt"),
        }),
        name,
    })
}

/// `shop` of `shop-production` in `production`, and of `production-shop`.
fn short<'a>(name: &'a str, environment: &str) -> &'a str {
    if environment.is_empty() {
        return name;
    }
    let rest = name
        .strip_suffix(environment)
        .and_then(|rest| rest.strip_suffix(['-', '.']))
        .or_else(|| name.strip_prefix(environment).and_then(|rest| rest.strip_prefix(['-', '.'])));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// The tag of an image; digests and `latest` name no version.
fn tag_of(image: &str) -> Option<&str> {
    let (name, _) = image.split_once('@').unwrap_or((image, ""));
    let (_, tag) = name.rsplit('/').next()?.split_once(':')?;
    (!tag.is_empty() && tag != "latest").then_some(tag)
}

/// `owner/name` of an address of a repository, however it is written; empty for anything else.
fn repo_of(address: &str) -> Clean {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map(|(_, path)| path),
        None => address.split_once(':').map(|(_, path)| path),
    };
    let path = path.unwrap_or_default().trim_matches('/').trim_end_matches(".git");
    if path.contains('/') { Clean::line(path) } else { Clean::default() }
}

/// `Succeeded` ended well; a phase nobody knows is shown as itself.
pub fn of_phase(phase: &str) -> Outcome {
    match phase {
        "Succeeded" => Outcome::Succeeded,
        "Failed" | "Error" => Outcome::Failed,
        "Running" | "Terminating" => Outcome::Running,
        word => Outcome::Other(Clean::line(word)),
    }
}

impl App {
    /// Identities read like the API's own paths.
    pub fn id(&self, below: &str) -> String {
        format!("applications/{}/{}/{below}", self.home, self.name)
    }

    pub fn place(&self) -> Place {
        Place { app: self.shown.clone(), environment: self.environment.clone() }
    }

    pub fn page(&self, site: &str) -> Option<Link> {
        let home = if self.home.is_empty() { String::new() } else { format!("{}/", self.home) };
        Link::parse(&format!("{site}/applications/{home}{}", self.name))
    }

    /// What runs, as Argo CD sees it. `Suspended` is a gate that somebody closed by hand, not a failure.
    pub fn environment(&self, source: &SourceName, site: &str) -> Environment {
        let words: Vec<&str> = [&self.health, &self.sync]
            .into_iter()
            .map(Clean::as_str)
            .filter(|w| !w.is_empty())
            .collect();
        Environment {
            key: Key::new(source, self.id("environment")),
            repo: self.repo.clone(),
            app: self.shown.clone(),
            name: self.environment.clone(),
            version: self.version.clone(),
            sha: self.revision.clone(),
            since: self.operation.as_ref().and_then(|o| o.finished),
            in_sync: match self.sync.as_str() {
                "Synced" => Some(true),
                "OutOfSync" => Some(false),
                _ => None,
            },
            state: Clean::line(words.join(" · ")),
            last: self.operation.as_ref().map(|o| of_phase(&o.phase)),
            url: self.page(site),
        }
    }

    /// The operation as a deploy, as far as the list tells.
    pub fn deploy(&self, operation: &Operation, source: &SourceName, site: &str) -> Deploy {
        let outcome = of_phase(&operation.phase);
        Deploy {
            key: Key::new(source, self.operation_id(operation.started)),
            repo: self.repo.clone(),
            app: self.shown.clone(),
            environment: self.environment.clone(),
            // Only once it ended well is what runs what was deployed.
            version: if outcome == Outcome::Succeeded {
                self.version.clone()
            } else {
                Clean::default()
            },
            sha: self.revision.clone(),
            started: Some(operation.started),
            finished: operation.finished,
            outcome,
            who: Clean::default(),
            description: Clean::default(),
            committed: None,
            url: self.page(site),
        }
    }

    pub fn operation_id(&self, started: Timestamp) -> String {
        self.id(&format!("operations/{}", started.as_second()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_repositories_are_found_in_what_people_write() {
        assert_eq!(short("shop-production", "production"), "shop");
        assert_eq!(short("production.shop", "production"), "shop");
        assert_eq!(short("production", "production"), "production");
        assert_eq!(short("shop", ""), "shop");
        for (image, tag) in [
            ("ghcr.io/acme/shop:v412", Some("v412")),
            ("registry:5000/shop", None),
            ("registry:5000/shop:1.2@sha256:abc", Some("1.2")),
            ("shop:latest", None),
            ("shop@sha256:abc", None),
        ] {
            assert_eq!(tag_of(image), tag, "{image}");
        }
        for (address, repo) in [
            ("https://github.com/acme/shop.git", "acme/shop"),
            ("git@github.com:acme/shop.git", "acme/shop"),
            ("ssh://git@gitlab.example:22/acme/web/shop", "acme/web/shop"),
            ("https://charts.example", ""),
            ("", ""),
        ] {
            assert_eq!(repo_of(address).as_str(), repo, "{address}");
        }
    }

    #[test]
    fn unknown_phases_are_never_green() {
        assert_eq!(of_phase("Dreaming"), Outcome::Other("Dreaming".into()));
        assert_eq!(of_phase("Terminating"), Outcome::Running);
    }
}
