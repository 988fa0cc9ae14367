//! The rhythm of releases: the next one planned and the last one made.

use jiff::{SignedDuration, Timestamp};

use super::calendar::plans;
use super::matching::{is_production, moment, version};
use super::words::{earlier, later};
use crate::model::{Board, Clean, Outcome, Team, Window};

/// A release on the team's calendar or in its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub title: Clean,
    pub at: Timestamp,
}

/// How far a plan is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 120);
const BACK: SignedDuration = SignedDuration::from_hours(24 * 60);

/// The next planned release: the first that begins after `now`.
pub fn next(board: &Board, team: &Team, now: Timestamp) -> Option<Planned> {
    let until = later(now, AHEAD);
    plans(board, team, Window { from: now, until }, &team.zone)
        .into_iter()
        .find(|o| o.start > now && o.is_open())
        .map(|o| Planned { title: o.title, at: o.start })
}

/// The last release that really happened: published, or deployed to production; else the last planned one.
pub fn last(board: &Board, team: &Team, now: Timestamp) -> Option<Planned> {
    let published = board.releases.all().map(|r| &r.what).filter(|r| !r.draft && !r.prerelease);
    let published =
        published.filter_map(|r| r.published.map(|at| Planned { title: of(&r.repo, &r.tag), at }));
    let deployed = board
        .deploys
        .all()
        .map(|r| &r.what)
        .filter(|d| d.outcome == Outcome::Succeeded && is_production(team, d.environment.as_str()))
        .filter_map(|d| moment(d).map(|at| Planned { title: of(&d.repo, &version(d)), at }));
    let happened = published.chain(deployed).filter(|p| p.at <= now).max_by_key(|p| p.at);
    happened.or_else(|| {
        let from = earlier(now, BACK);
        plans(board, team, Window { from, until: now }, &team.zone)
            .into_iter()
            .rfind(|o| o.start <= now)
            .map(|o| Planned { title: o.title, at: o.start })
    })
}

/// `checkout v412`: the last part of the repository's name and the version.
fn of(repo: &Clean, version: &Clean) -> Clean {
    let name = repo.as_str().rsplit('/').next().unwrap_or("");
    Clean::line(format_args!("{name} {version}"))
}
