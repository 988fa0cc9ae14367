//! Which version runs in each environment of a service, and how far they lie apart.

use jiff::Timestamp;

use super::matching::{deploys_from, moment, version};
use super::words::span;
use crate::model::{
    Against, Board, Clean, Deploy, Drift, Environment, Link, Outcome, Service, Team,
};

/// What runs in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub environment: Clean,
    /// What people call it, else the short hash; `None` where nobody told.
    pub version: Option<Clean>,
    pub since: Option<Timestamp>,
    /// The upstream says that this is not what should run.
    pub out_of_sync: bool,
    /// The upstream's own words about it.
    pub state: Clean,
    pub url: Option<Link>,
}

/// How the environments of a service stand to each other; of several, the one that matters most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// Nobody told what runs, or of one place only.
    Unknown,
    /// `production and staging not in sync`: they run different lines of work, or nobody counted the commits.
    NotInSync(Clean),
    /// `staging ahead by 7 commits, oldest 3 d`.
    Ahead(Clean),
    /// `all match`.
    Match,
}

impl Apart {
    pub fn words(&self) -> Clean {
        match self {
            Self::Unknown => Clean::default(),
            Self::NotInSync(words) | Self::Ahead(words) => words.clone(),
            Self::Match => "all match".into(),
        }
    }

    /// The environment that counts runs something else than what lies before it.
    pub fn is_apart(&self) -> bool {
        matches!(self, Self::NotInSync(_) | Self::Ahead(_))
    }
}

/// One row of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Versions<'a> {
    /// In promotion order.
    pub running: Vec<Running>,
    /// What each lacks of the one before it, and what lies on the branch undeployed.
    pub drifts: Vec<&'a Drift>,
    pub apart: Apart,
}

impl<'a> Versions<'a> {
    pub fn of(board: &'a Board, team: &Team, service: &Service, now: Timestamp) -> Self {
        let deploys = board.deploys.all().map(|r| &r.what);
        let good: Vec<&Deploy> = deploys
            .filter(|d| d.outcome == Outcome::Succeeded && deploys_from(service, d))
            .collect();
        let told: Vec<&Environment> =
            board.environments.present().map(|r| &r.what).filter(|e| is_of(service, e)).collect();
        let running: Vec<Running> =
            team.environments.iter().map(|name| in_place(name, &told, &good)).collect();
        let same = |a: &Clean, b: &Clean| a.as_str().eq_ignore_ascii_case(b.as_str());
        let mut drifts: Vec<&Drift> = board
            .drifts
            .present()
            .map(|r| &r.what)
            .filter(|d| !service.repo.is_empty() && same(&d.repo, &service.repo))
            .collect();
        // The environment that counts first; a whole environment counts more than a branch.
        let rank = |name: &Clean| team.environments.iter().rev().position(|e| same(e, name));
        drifts.sort_by_key(|d| {
            let branch = matches!(d.against, Against::Branch(_));
            (branch, rank(&d.environment).unwrap_or(usize::MAX), &d.key)
        });
        let apart = apart(&running, &drifts, now);
        Self { running, drifts, apart }
    }

    /// Commits on the branch that releases come from and not in the environment that counts.
    pub fn undeployed(&self) -> Option<&'a Drift> {
        let counts = self.running.last()?;
        let branch = |d: &&&Drift| {
            matches!(d.against, Against::Branch(_))
                && d.environment.as_str().eq_ignore_ascii_case(counts.environment.as_str())
        };
        self.drifts.iter().find(branch).copied()
    }
}

fn is_of(service: &Service, environment: &Environment) -> bool {
    let same = |a: &Clean, b: &Clean| a.as_str().eq_ignore_ascii_case(b.as_str());
    if environment.app.is_empty() {
        !service.repo.is_empty() && same(&environment.repo, &service.repo)
    } else {
        same(&environment.app, service.app())
    }
}

/// What an upstream says runs there now; else what was deployed there last.
fn in_place(name: &Clean, told: &[&Environment], good: &[&Deploy]) -> Running {
    let here = |said: &Clean| said.as_str().eq_ignore_ascii_case(name.as_str());
    let mut running = Running {
        environment: name.clone(),
        version: None,
        since: None,
        out_of_sync: false,
        state: Clean::default(),
        url: None,
    };
    let newest = good.iter().filter(|d| here(&d.environment)).max_by_key(|d| moment(d));
    if let Some(deploy) = newest {
        running.version = Some(version(deploy));
        running.since = moment(deploy);
        running.url.clone_from(&deploy.url);
    }
    if let Some(environment) = told.iter().filter(|e| here(&e.name)).max_by_key(|e| e.since) {
        let short = || Clean::line(environment.sha.as_str().chars().take(8).collect::<String>());
        let said = Some(&environment.version).filter(|v| !v.is_empty()).cloned();
        let said = said.or_else(|| Some(short()).filter(|s| !s.is_empty()));
        running.since = if said.is_some() && said != running.version {
            environment.since
        } else {
            environment.since.or(running.since)
        };
        running.version = said.or(running.version);
        running.out_of_sync = environment.in_sync == Some(false);
        running.state.clone_from(&environment.state);
        running.url = environment.url.clone().or(running.url);
    }
    running
}

/// GOV.UK's order: places that do not agree first, then what waits to be deployed, then that all match.
fn apart(running: &[Running], drifts: &[&Drift], now: Timestamp) -> Apart {
    let known: Vec<&Running> = running.iter().filter(|r| r.version.is_some()).collect();
    let ahead = |drift: &Drift| {
        let commits = if drift.missing == 1 { "commit" } else { "commits" };
        let oldest = drift
            .oldest
            .map_or_else(String::new, |at| format!(", oldest {}", span(now.duration_since(at))));
        let name = drift.against.name();
        let n = drift.missing;
        let some = if drift.at_least { "at least " } else { "" };
        Apart::Ahead(Clean::line(format_args!("{name} ahead by {some}{n} {commits}{oldest}")))
    };
    let counted = |a: &Running, b: &Running| {
        drifts.iter().copied().find(|d| {
            let same = |x: &Clean, y: &Clean| x.as_str().eq_ignore_ascii_case(y.as_str());
            matches!(&d.against, Against::Environment(e) if same(e, &a.environment))
                && same(&d.environment, &b.environment)
        })
    };
    // From the environment that counts backwards: the first pair that differs is the news.
    for (before, counts) in known.iter().zip(known.iter().skip(1)).rev() {
        match counted(before, counts) {
            Some(drift) if drift.extra.is_some_and(|n| n > 0) => {
                let (a, b) = (&counts.environment, &before.environment);
                return Apart::NotInSync(Clean::line(format_args!("{a} and {b} not in sync")));
            }
            Some(drift) if drift.missing > 0 => return ahead(drift),
            None if before.version != counts.version => {
                let (a, b) = (&counts.environment, &before.environment);
                return Apart::NotInSync(Clean::line(format_args!("{a} and {b} not in sync")));
            }
            Some(_) | None => {}
        }
    }
    if let Some(running) = known.iter().rev().find(|r| r.out_of_sync) {
        let words = format_args!("{} is not what it should be", running.environment);
        return Apart::NotInSync(Clean::line(words));
    }
    let branch = |d: &&&Drift| matches!(d.against, Against::Branch(_)) && d.missing > 0;
    if let Some(drift) = drifts.iter().find(branch) {
        return ahead(drift);
    }
    if known.len() < 2 { Apart::Unknown } else { Apart::Match }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Name};
    use jiff::SignedDuration;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn at(environment: &str, version: &str) -> Running {
        Running {
            environment: Clean::line(environment),
            version: Some(Clean::line(version)).filter(|v| !v.is_empty()),
            since: None,
            out_of_sync: false,
            state: Clean::default(),
            url: None,
        }
    }

    fn drift(environment: &str, against: Against, missing: u64, extra: u64) -> Drift {
        Drift {
            key: Key::new(&Name::new("gh"), environment.to_owned()),
            repo: "o/web".into(),
            environment: Clean::line(environment),
            sha: Clean::default(),
            against,
            head: Clean::default(),
            missing,
            at_least: false,
            extra: Some(extra),
            oldest: (missing > 0).then(|| now() - SignedDuration::from_hours(72)),
            commits: Vec::new(),
            url: None,
        }
    }

    fn said(running: &[Running], drifts: &[Drift]) -> String {
        let drifts: Vec<&Drift> = drifts.iter().collect();
        apart(running, &drifts, now()).words().to_string()
    }

    #[test]
    fn drift_is_said_in_words() {
        let staging = || Against::Environment("staging".into());
        let main = || Against::Branch("main".into());
        let same = [at("staging", "v2"), at("production", "v2")];
        let differs = [at("staging", "v2"), at("production", "v1")];
        assert_eq!(said(&same, &[]), "all match");
        assert_eq!(said(&differs, &[]), "production and staging not in sync");
        assert_eq!(
            said(&differs, &[drift("production", staging(), 7, 0)]),
            "staging ahead by 7 commits, oldest 3 d"
        );
        assert_eq!(
            said(&differs, &[drift("production", staging(), 7, 1)]),
            "production and staging not in sync"
        );
        assert_eq!(
            said(&same, &[drift("production", main(), 1, 0)]),
            "main ahead by 1 commit, oldest 3 d"
        );
        assert_eq!(said(&[at("staging", "v2"), at("production", "")], &[]), "");
        let wrong = [at("staging", "v2"), Running { out_of_sync: true, ..at("production", "v2") }];
        assert_eq!(said(&wrong, &[]), "production is not what it should be");
    }
}
