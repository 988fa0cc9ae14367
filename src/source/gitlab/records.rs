//! What GitLab's rows mean: deployments, approvals, releases, pipelines, freeze periods, milestones, post-mortems and commits.

use jiff::Timestamp;

use super::project::{Known, Project};
use super::zones::zone;
use crate::model::{
    Approval, Clean, Commit, Cron, Deploy, Fact, Gate, GateKind, Key, Milestone, Outcome,
    PostMortem, Release, Run, Schedule, SourceName,
};
use crate::source::markdown::{Issue, issue};
use crate::source::rows::Row;
use crate::source::versions::is_version;
use crate::source::when;

/// Where rows come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub source: &'a SourceName,
    pub project: &'a Project,
    pub known: &'a Known,
}

impl Origin<'_> {
    fn key(&self, below: &str) -> Key {
        Key::new(self.source, self.project.id(below))
    }
}

/// A deployment, with what the drift between environments is worked out from.
#[derive(Debug)]
pub struct Deployed {
    pub deploy: Deploy,
    pub tier: String,
    /// The commit as it came.
    pub sha: String,
}

pub fn deployment(row: &Row<'_>, origin: Origin<'_>) -> Option<Deployed> {
    let id = row.id("/id")?;
    let outcome = of_deployment(row.raw("/status"));
    let ended = matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Cancelled);
    let finished = row
        .time("/deployable/finished_at")
        .or_else(|| row.time("/finished_at"))
        .or_else(|| row.time("/updated_at"));
    let environment = row.id("/environment/id").unwrap_or_default();
    Some(Deployed {
        tier: row.raw("/environment/tier").to_owned(),
        sha: row.raw("/sha").to_owned(),
        deploy: Deploy {
            key: origin.key(&format!("deployments/{id}")),
            repo: origin.known.shown(),
            app: Clean::default(),
            environment: row.text("/environment/name"),
            version: version(row),
            sha: row.text("/sha"),
            started: row.time("/deployable/started_at").or_else(|| row.time("/created_at")),
            finished: finished.filter(|_| ended),
            outcome,
            who: row.first_text(&["/user/username", "/user/name"]),
            description: row.text("/deployable/commit/title"),
            committed: row
                .time("/deployable/commit/committed_date")
                .or_else(|| row.time("/deployable/commit/created_at")),
            url: row
                .link("/deployable/web_url")
                .or_else(|| origin.known.page(&format!("environments/{environment}"))),
        },
    })
}

/// A branch says nothing about what was deployed from it: only a tag is a version, the hash speaks otherwise.
fn version(row: &Row<'_>) -> Clean {
    if row.flag("/deployable/tag") || is_version(row.raw("/ref")) {
        row.text("/ref")
    } else {
        Clean::default()
    }
}

/// The words of `GET /projects/:id/deployments`. A skipped one was overtaken by a newer one.
pub fn of_deployment(status: &str) -> Outcome {
    match status {
        "success" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        "running" => Outcome::Running,
        "created" | "blocked" => Outcome::Waiting,
        "canceled" => Outcome::Cancelled,
        "" => Outcome::Other("unknown".into()),
        word => Outcome::Other(Clean::line(word)),
    }
}

/// The words of a pipeline; `manual` waits for somebody to press on.
pub fn of_pipeline(status: &str) -> Outcome {
    match status {
        "success" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        "running" => Outcome::Running,
        "created"
        | "waiting_for_resource"
        | "preparing"
        | "waiting_for_callback"
        | "pending"
        | "manual"
        | "scheduled" => Outcome::Waiting,
        "canceled" | "canceling" => Outcome::Cancelled,
        "" => Outcome::Other("unknown".into()),
        word => Outcome::Other(Clean::line(word)),
    }
}

/// A deployment that is blocked; `detail` is the same one asked alone, which names who may approve.
pub fn approval(row: &Row<'_>, detail: Option<&Row<'_>>, origin: Origin<'_>) -> Option<Approval> {
    let id = row.id("/id")?;
    let rules = detail.map(|d| d.rows("/approval_summary/rules")).unwrap_or_default();
    let open = rules.iter().filter(|rule| {
        let wanted = rule.number("/required_approvals").unwrap_or(1);
        (rule.rows("/deployment_approvals").len() as u64) < wanted
    });
    let approvers = open.map(|rule| rule.text("/access_level_description"));
    let pipeline = row.id("/deployable/pipeline/id");
    let version = version(row);
    Some(Approval {
        key: origin.key(&format!("deployments/{id}/approval")),
        repo: origin.known.shown(),
        environment: row.text("/environment/name"),
        run: match &pipeline {
            Some(pipeline) => Clean::line(format_args!("pipeline {pipeline}")),
            None => Clean::line(format_args!("deployment {id}")),
        },
        run_key: pipeline.map(|p| origin.key(&format!("pipelines/{p}"))),
        version: if version.is_empty() {
            Clean::line(row.raw("/sha").chars().take(8).collect::<String>())
        } else {
            version
        },
        who: row.first_text(&["/user/username", "/user/name"]),
        approvers: approvers.filter(|a| !a.is_empty()).collect(),
        yours: None,
        since: row.time("/created_at"),
        not_before: None,
        url: row.link("/deployable/web_url").or_else(|| {
            origin
                .known
                .page(&format!("environments/{}", row.id("/environment/id").unwrap_or_default()))
        }),
    })
}

/// A release that is out, or the plan of one that is not: GitLab dates those ahead.
pub fn release(row: &Row<'_>, origin: Origin<'_>, now: Timestamp) -> Option<Fact> {
    // A guest is not told the tag: the name is all there is then.
    let tag = row.id("/tag_name").or_else(|| row.id("/name"))?;
    let key = origin.key(&format!("releases/{tag}"));
    let released = row.time("/released_at");
    let url = row.link("/_links/self").or_else(|| origin.known.page("releases"));
    if row.flag("/upcoming_release") || released.is_some_and(|at| at > now) {
        return Some(Fact::Milestone(Milestone {
            key,
            repo: origin.known.shown(),
            title: row.first_text(&["/name", "/tag_name"]),
            about: row.headline("/description"),
            start: None,
            due: released.map(|at| jiff::tz::TimeZone::UTC.to_datetime(at).date()),
            done: false,
            done_at: None,
            done_on: None,
            items: None,
            url,
        }));
    }
    Some(Fact::Release(Release {
        key,
        repo: origin.known.shown(),
        tag: row.text("/tag_name"),
        name: row.text("/name"),
        draft: false,
        prerelease: false,
        published: released,
        author: row.first_text(&["/author/username", "/author/name"]),
        url,
    }))
}

pub fn pipeline(row: &Row<'_>, origin: Origin<'_>) -> Option<Run> {
    let id = row.id("/id")?;
    let name = row.text("/name");
    Some(Run {
        key: origin.key(&format!("pipelines/{id}")),
        repo: origin.known.shown(),
        workflow: if name.is_empty() { "pipeline".into() } else { name },
        title: Clean::line(format_args!("#{id}")),
        branch: row.text("/ref"),
        sha: row.text("/sha"),
        event: row.text("/source"),
        outcome: of_pipeline(row.raw("/status")),
        started: row.time("/started_at").or_else(|| row.time("/created_at")),
        updated: row.time("/updated_at"),
        who: row.first_text(&["/user/username", "/user/name"]),
        url: row.link("/web_url").or_else(|| origin.known.page(&format!("pipelines/{id}"))),
    })
}

/// A freeze period. What cannot be read is kept: nobody may believe that nothing is frozen.
pub fn freeze(row: &Row<'_>, origin: Origin<'_>) -> Option<Gate> {
    let id = row.id("/id")?;
    let cron = |path: &str| Cron::parse(row.raw(path)).map_err(|e| e.to_string());
    let schedule = || {
        let name = row.raw("/cron_timezone");
        let zone = zone(name).ok_or_else(|| format!("nobody knows the zone `{name}`"))?;
        Ok(Schedule::Between { start: cron("/freeze_start")?, end: cron("/freeze_end")?, zone })
    };
    Some(Gate {
        key: origin.key(&format!("freeze_periods/{id}")),
        kind: GateKind::Deny,
        schedule: schedule().unwrap_or_else(|why: String| Schedule::Unreadable(Clean::line(why))),
        scope: Clean::default(),
        repo: origin.known.shown(),
        apps: Vec::new(),
        by_hand: false,
        overrun: false,
        description: Clean::line(format_args!("deploy freeze of {}", origin.known.path)),
        how_to_override: "edit the deploy freezes in the project's CI/CD settings".into(),
        url: origin.known.page("settings/ci_cd"),
    })
}

/// What stands for the freezes of a project that may not be listed: nobody may say that there are none.
pub fn unknown_freezes(origin: Origin<'_>) -> Gate {
    let why = format!("the token may not list the deploy freezes of {}", origin.known.path);
    Gate {
        key: origin.key("freeze_periods/unknown"),
        kind: GateKind::Deny,
        schedule: Schedule::Unreadable(Clean::line(why)),
        scope: Clean::default(),
        repo: origin.known.shown(),
        apps: Vec::new(),
        by_hand: false,
        overrun: false,
        description: Clean::default(),
        how_to_override: Clean::default(),
        url: origin.known.page("settings/ci_cd"),
    }
}

pub fn milestone(row: &Row<'_>, origin: Origin<'_>) -> Option<Milestone> {
    let id = row.id("/id")?;
    let date = |path: &str| {
        let day = when::date(row.raw(path));
        if day.is_none() && !row.raw(path).is_empty() {
            row.odd(path, "no date");
        }
        day
    };
    let closed = row.raw("/state") == "closed";
    Some(Milestone {
        key: origin.key(&format!("milestones/{id}")),
        repo: origin.known.shown(),
        title: row.text("/title"),
        about: row.headline("/description"),
        start: date("/start_date"),
        due: date("/due_date"),
        done: closed,
        // There is no moment of closing: the last change of a closed milestone is the nearest to it.
        done_at: row.time("/updated_at").filter(|_| closed),
        done_on: None,
        items: None,
        url: row.link("/web_url"),
    })
}

/// An issue with the label of post-mortems.
pub fn paper(row: &Row<'_>, origin: Origin<'_>, now: Timestamp) -> Option<PostMortem> {
    let number = row.number("/iid")?;
    let told = Issue {
        key: origin.key(&format!("issues/{number}")),
        name: format!("{}#{number}", origin.known.path),
        title: row.raw("/title"),
        body: row.raw("/description"),
        created: row.time("/created_at"),
        author: row.first_text(&["/author/username", "/author/name"]),
        labels: row.texts("/labels"),
        state: row.text("/state"),
        url: row.link("/web_url").or_else(|| origin.known.page(&format!("issues/{number}"))),
    };
    Some(issue(told, now))
}

pub fn commit(row: &Row<'_>) -> Option<(String, Commit)> {
    let sha = row.id("/id")?;
    Some((
        sha,
        Commit {
            sha: row.text("/id"),
            title: row.text("/title"),
            who: row.text("/author_name"),
            at: row.time("/committed_date").or_else(|| row.time("/created_at")),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_never_green() {
        let other = |w: &str| Outcome::Other(Clean::line(w));
        for (word, outcome) in [
            ("success", Outcome::Succeeded),
            ("failed", Outcome::Failed),
            ("blocked", Outcome::Waiting),
            ("skipped", other("skipped")),
            ("dreaming", other("dreaming")),
            ("", other("unknown")),
        ] {
            assert_eq!(of_deployment(word), outcome, "{word}");
        }
        for (word, outcome) in [
            ("manual", Outcome::Waiting),
            ("canceling", Outcome::Cancelled),
            ("waiting_for_callback", Outcome::Waiting),
            ("skipped", other("skipped")),
            ("", other("unknown")),
        ] {
            assert_eq!(of_pipeline(word), outcome, "{word}");
        }
    }
}
