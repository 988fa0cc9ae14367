//! GitLab: deployments, releases, pipelines, what waits for approval, freezes, milestones, commits not deployed, post-mortems.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::rows::{self, Gaps};
use super::tale::Tale;
use super::{
    Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Source,
    no_numbers, wire,
};
use crate::model::{ChangesOf, Clean, Fact, Feed, SourceName, Status, Trouble};

mod behind;
mod brought;
mod linked;
mod part;
mod past;
pub mod project;
pub mod records;
pub mod zones;

use part::Part;
use project::{Known, Project};
use records::Origin;

pub const KIND: Kind = Kind {
    name: "gitlab",
    about: "GitLab: deployments, releases, pipelines, approvals, deploy freezes, milestones, commits not deployed yet",
    every: Duration::from_secs(60),
    default_url: Some("https://gitlab.com/api/v4"),
    needs_url: true,
    options: &[
        ("projects", "the projects to follow, each as \"group/name\" or its number"),
        (
            "environments",
            "only deployments to these, in promotion order; all of them when left out",
        ),
        ("freezes", "false where the token may not list deploy freezes and nobody uses them"),
        ("post_mortems", "the label of issues that are post-mortems; none are read when left out"),
    ],
    open,
};

/// Projects asked in one poll: with more, polls take turns.
const A_TURN: usize = 10;
/// Lists that hardly change are asked every so many polls of a project.
const SELDOM: u64 = 10;
/// Deployments whose approvers are looked up in one poll and project.
const WAITING: usize = 5;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    projects: Vec<Project>,
    #[serde(default)]
    environments: Vec<String>,
    freezes: Option<bool>,
    post_mortems: Option<String>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("gitlab", opening.metrics);
    let key = |key, message: &str| Problem::Key { key, message: message.to_owned() };
    if options.projects.is_empty() {
        problems.push(key("projects", "name at least one project, such as [\"acme/checkout\"]"));
    }
    let Some(base) = opening.url else {
        problems.push(key("url", "the address of GitLab is missing"));
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut projects: Vec<Project> = Vec::new();
    for project in options.projects {
        if !projects.iter().any(|known| known.is(&project)) {
            projects.push(project);
        }
    }
    Ok(Box::new(GitLab {
        name: opening.name,
        base: with_api(base),
        projects,
        environments: options.environments,
        freezes: options.freezes.unwrap_or(true),
        papers: options.post_mortems.filter(|label| !label.trim().is_empty()),
    }))
}

/// People write the address they know: `https://gitlab.example` means its API.
fn with_api(mut base: Url) -> Url {
    let path = base.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/api/v4") {
        base.set_path(&format!("{path}/api/v4"));
    }
    base
}

#[derive(Debug, Clone)]
struct GitLab {
    name: SourceName,
    base: Url,
    projects: Vec<Project>,
    environments: Vec<String>,
    freezes: bool,
    /// The label of issues that are post-mortems.
    papers: Option<String>,
}

impl Source for GitLab {
    fn tells_changes(&self) -> Option<(ChangesOf, bool)> {
        // A number says nothing of the repository before it answers.
        let is_path = |told: &str| told.contains('/');
        if !self.projects.iter().all(|project| is_path(&project.told)) {
            return Some((ChangesOf::Listed, true));
        }
        let repos = self.projects.iter().map(|project| Clean::line(&project.told));
        Some((ChangesOf::Repos(repos.collect()), true))
    }

    fn tracks(&self) -> bool {
        true
    }

    fn tracking(&self, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
        linked::tracking(self, wanted)
    }

    fn tells_freezes(&self) -> bool {
        self.freezes
    }

    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let mut requests = Vec::new();
        for i in self.turn(asking) {
            for part in self.parts(i, asking) {
                if let Some(project) = self.projects.get(i) {
                    let label = self.papers.as_deref().unwrap_or_default();
                    let (path, query) = part.first(project, &self.environments, label, asking);
                    requests.push(self.get(part.tag(i, 1), &path, &query));
                }
            }
        }
        requests
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let turn = self.turn(asking);
        let mut more = Vec::new();
        for &i in &turn {
            for part in self.parts(i, asking) {
                more.extend(self.next_page(i, part, heard));
            }
        }
        let pasts = self.pasts(&turn, asking, heard);
        if more.is_empty() {
            more.extend(self.past_page(&pasts, asking, heard));
        }
        for &i in &turn {
            more.extend(self.waiting(i, heard));
            more.extend(self.distances(i, asking, heard));
        }
        let uncounted = self.uncounted(&turn, asking, heard);
        more.extend(self.counts(&uncounted, heard));
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        let mut tale = Tale::default();
        for &i in &turn {
            self.tell(i, asking, heard, &mut tale)?;
        }
        self.tell_known(&turn, &pasts, asking, heard, &mut tale);
        self.tell_pasts(pasts, asking, heard, &mut tale);
        self.tell_counts(uncounted, asking, heard, &mut tale);
        let turns = self.turns();
        if turns > 1 {
            tale.notes.push(format!(
                "{} of {} projects in a poll: each is asked every {turns} polls",
                turn.len(),
                self.projects.len()
            ));
        }
        tale.report(turns == 1)
    }
}

impl GitLab {
    fn turns(&self) -> u64 {
        self.projects.len().div_ceil(A_TURN).max(1) as u64
    }

    /// The projects of this poll, as places in the configured list.
    fn turn(&self, asking: &Asking<'_>) -> Vec<usize> {
        let turn = usize::try_from(asking.round % self.turns()).unwrap_or(0);
        (turn * A_TURN..((turn + 1) * A_TURN).min(self.projects.len())).collect()
    }

    /// Whether this is one of the polls in which everything is asked.
    fn is_whole_poll(&self, asking: &Asking<'_>) -> bool {
        (asking.round / self.turns()).is_multiple_of(SELDOM)
    }

    fn parts(&self, i: usize, asking: &Asking<'_>) -> Vec<Part> {
        let whole = self.is_whole_poll(asking);
        let unknown = self.known_before(i, asking).is_none();
        let asked = |p: &Part| match p {
            Part::Freezes => self.freezes,
            Part::Papers => self.papers.is_some(),
            _ => true,
        };
        let wanted = |p: &Part| whole || !p.is_seldom() || (*p == Part::About && unknown);
        Part::ALL.into_iter().filter(asked).filter(wanted).collect()
    }

    fn get(&self, tag: String, path: &str, query: &[(&str, String)]) -> Request {
        let mut url = wire::join(&self.base, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(k, v)| (*k, v.as_str())));
        }
        Request::Http(Http::get(tag, url).conditional())
    }

    /// The page after the last one heard, while there is one and it is wanted.
    fn next_page(&self, i: usize, part: Part, heard: &[Exchange]) -> Option<Request> {
        let page =
            (1..=part.pages()).rev().find(|p| wire::heard(heard, &part.tag(i, *p)).is_some())?;
        if page == part.pages() {
            return None;
        }
        let answer = judge(wire::heard(heard, &part.tag(i, page))?).ok()?;
        let next = wire::next_page(answer)?.ok()?;
        let below = next.path().starts_with(self.base.path());
        (below && wire::same_origin(&next, &self.base))
            .then(|| Request::Http(Http::get(part.tag(i, page + 1), next).conditional()))
    }

    fn known_before(&self, i: usize, asking: &Asking<'_>) -> Option<Known> {
        let told = &self.projects.get(i)?.told;
        serde_json::from_str(asking.memory.get(&*format!("project/{told}"))?).ok()
    }

    /// What is known of a project, told now or before, or guessed.
    fn known(&self, i: usize, asking: &Asking<'_>, heard: &[Exchange]) -> Known {
        let told =
            wire::heard(heard, &Part::About.tag(i, 1)).and_then(|e| judge(e).ok()).and_then(about);
        let guess = || self.projects.get(i).map(|p| p.guess(&self.base)).unwrap_or_default();
        let guess = |mut known: Known| {
            let guess = guess();
            if known.path.is_empty() {
                known.path = guess.path;
            }
            if known.web.is_empty() {
                known.web = guess.web;
            }
            known
        };
        guess(told.or_else(|| self.known_before(i, asking)).unwrap_or_default())
    }

    /// The blocked deployments whose approvers are not known yet.
    fn waiting(&self, i: usize, heard: &[Exchange]) -> Vec<Request> {
        let Some(project) = self.projects.get(i) else { return Vec::new() };
        let ids = blocked(i, heard);
        let asked = ids.into_iter().take(WAITING).map(|id| (waiting_tag(i, &id), id));
        asked
            .filter(|(tag, _)| wire::heard(heard, tag).is_none())
            .map(|(tag, id)| self.get(tag, &project.path(&format!("deployments/{id}")), &[]))
            .collect()
    }

    fn tell(
        &self,
        i: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let Some(project) = self.projects.get(i) else { return Ok(()) };
        let known = self.known(i, asking, heard);
        let origin = Origin { source: &self.name, project, known: &known };
        for part in self.parts(i, asking) {
            match self.tell_part(i, part, origin, asking, heard, tale) {
                Ok(()) => {}
                // It is asked for with more rights than everything else: without them the rest is still whole.
                Err(trouble)
                    if part == Part::Freezes
                        && matches!(trouble.status, Status::Auth | Status::NotFound) =>
                {
                    tale.whole(Feed::Gates, false);
                    tale.facts.push(Fact::Gate(records::unknown_freezes(origin)));
                    tale.notes.push(format!(
                        "{}: deploy freezes are not known, the token may not list them ({trouble}): freezes = false leaves them out",
                        known.path
                    ));
                }
                Err(trouble) => {
                    for feed in feeds(part) {
                        tale.whole(*feed, false);
                    }
                    tale.miss(format_args!("{} {}", known.path, part.word()), trouble)?;
                }
            }
        }
        self.tell_distances(i, origin, asking, heard, tale)
    }

    /// Everything told of one list.
    fn tell_part(
        &self,
        i: usize,
        part: Part,
        origin: Origin<'_>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let mut seen = std::collections::BTreeSet::new();
        for page in 1..=part.pages() {
            let Some(exchange) = wire::heard(heard, &part.tag(i, page)) else { break };
            let answer = judge(exchange)?;
            tale.good += 1;
            if part == Part::About {
                let known =
                    about(answer).ok_or_else(|| Trouble::bad_data("the answer is no project"))?;
                let words = serde_json::to_string(&known).unwrap_or_default();
                tale.remember(&format!("project/{}", origin.project.told), words);
                break;
            }
            let items = rows::items(&answer.body)?;
            let place = format!("/{}/{}", origin.known.path, part.word());
            let mut read = |row: &rows::Row<'_>| row_of(i, part, row, origin, asking, heard);
            // Rows move to the next page when new ones come in between.
            for fact in tale.gaps.read(&place, &items, &mut read) {
                if seen.insert(identity(&fact)) && self.is_wanted(&fact) {
                    tale.facts.push(fact);
                }
            }
            let next = wire::next_page(answer);
            if let Some(Err(trouble)) = &next {
                tale.notes.push(format!("{} {}: {trouble}", origin.known.path, part.word()));
            } else if next.is_some() && page == part.pages() {
                tale.notes.push(format!(
                    "{} {}: truncated at {}",
                    origin.known.path,
                    part.word(),
                    seen.len()
                ));
            }
            let last = next.is_none() || page == part.pages();
            if last {
                for feed in feeds(part) {
                    tale.whole(*feed, next.is_none());
                }
            }
        }
        Ok(())
    }

    fn is_wanted(&self, fact: &Fact) -> bool {
        let name = match fact {
            Fact::Deploy(deploy) => &deploy.environment,
            Fact::Approval(approval) => &approval.environment,
            _ => return true,
        };
        self.is_followed(name)
    }

    fn is_followed(&self, environment: &Clean) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|e| e == environment.as_str())
    }
}

/// What one row of a list tells.
fn row_of(
    i: usize,
    part: Part,
    row: &rows::Row<'_>,
    origin: Origin<'_>,
    asking: &Asking<'_>,
    heard: &[Exchange],
) -> Option<Fact> {
    match part {
        Part::About => None,
        Part::Deployments => Some(Fact::Deploy(records::deployment(row, origin)?.deploy)),
        Part::Blocked => {
            let detail = row
                .id("/id")
                .and_then(|id| wire::heard(heard, &waiting_tag(i, &id)))
                .and_then(|e| judge(e).ok())
                .and_then(|answer| rows::items_as_one(&answer.body));
            let detail = detail.as_ref();
            let mut found = None;
            if let Some(detail) = detail {
                Gaps::default().read("", &[detail], |d| {
                    found = records::approval(row, Some(d), origin);
                    Some(())
                });
            }
            Some(Fact::Approval(found.or_else(|| records::approval(row, None, origin))?))
        }
        Part::Releases => records::release(row, origin, asking.now),
        Part::Pipelines => Some(Fact::Run(records::pipeline(row, origin)?)),
        Part::Freezes => Some(Fact::Gate(records::freeze(row, origin)?)),
        Part::Milestones => Some(Fact::Milestone(records::milestone(row, origin)?)),
        Part::Papers => {
            records::paper(row, origin, asking.now).map(|p| Fact::PostMortem(Box::new(p)))
        }
    }
}

/// The feeds of which a list is everything there is.
fn feeds(part: Part) -> &'static [Feed] {
    match part {
        Part::Blocked => &[Feed::Approvals],
        Part::Releases => &[Feed::Releases],
        Part::Freezes => &[Feed::Gates],
        Part::Milestones => &[Feed::Milestones],
        Part::Papers => &[Feed::PostMortems],
        Part::About | Part::Deployments | Part::Pipelines => &[],
    }
}

fn identity(fact: &Fact) -> Option<crate::model::Key> {
    match fact {
        Fact::Deploy(x) => Some(x.key.clone()),
        Fact::Approval(x) => Some(x.key.clone()),
        Fact::Release(x) => Some(x.key.clone()),
        Fact::Run(x) => Some(x.key.clone()),
        Fact::Gate(x) => Some(x.key.clone()),
        Fact::Milestone(x) => Some(x.key.clone()),
        Fact::PostMortem(x) => Some(x.key.clone()),
        _ => None,
    }
}

fn waiting_tag(i: usize, id: &str) -> String {
    format!("approval/{i}/{id}")
}

/// The numbers of the deployments that wait, as listed.
fn blocked(i: usize, heard: &[Exchange]) -> Vec<String> {
    let answer = wire::heard(heard, &Part::Blocked.tag(i, 1)).and_then(|e| judge(e).ok());
    let items = answer.and_then(|a| rows::items(&a.body).ok()).unwrap_or_default();
    // They become part of a path: only numbers may.
    Gaps::default().read("", &items, |row| row.number("/id").map(|n| n.to_string()))
}

fn about(answer: &HttpAnswer) -> Option<Known> {
    #[derive(Deserialize)]
    struct About {
        #[serde(default, deserialize_with = "wire::nullable")]
        path_with_namespace: String,
        #[serde(default, deserialize_with = "wire::nullable")]
        web_url: String,
        #[serde(default, deserialize_with = "wire::nullable")]
        default_branch: String,
    }
    let about: About = serde_json::from_slice(&answer.body).ok()?;
    let short = |text: String| if text.len() <= 1024 { text } else { String::new() };
    Some(Known {
        path: crate::model::Clean::line(short(about.path_with_namespace)).to_string(),
        web: short(about.web_url),
        branch: short(about.default_branch),
    })
}

/// The answer if it may be parsed, else what went wrong in GitLab's own terms.
fn judge(exchange: &Exchange) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| {
        // What went wrong before anything was asked knows better what to do about it.
        if exchange.answer.is_err() {
            return trouble;
        }
        let scope = trouble.message.as_str().contains("insufficient_scope");
        match trouble.status {
            Status::Auth if scope => trouble.hint("the token needs the scope read_api"),
            Status::Auth => trouble.hint("the token is missing, wrong, expired, or lacks a right: it needs the scope read_api"),
            Status::NotFound => trouble.hint("the project is not there, or the token may not see it"),
            _ => trouble,
        }
    })
}
