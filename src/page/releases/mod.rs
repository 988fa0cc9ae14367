//! The Releases tab: plans and deploys in a calendar with freezes behind them, the deploy log, versions per environment, pipelines, rhythm.

pub mod agenda;
mod automation;
mod detail;
mod environments;
mod event;
mod headline;
mod legend;
pub mod log;
mod made;
mod month;
pub mod rhythm;
mod week;

use jiff::SignedDuration;

use super::{Block, Empty, Entry, Layout, Look, Noun, Prose, Scene, Tab};
use crate::insight::words::earlier;
use crate::insight::{is_production, moment};
use crate::model::Outcome;

/// Kinds of sources that feed it.
const KINDS: &[&str] = &["ical", "github", "gitlab", "argocd", "jira"];

pub const RELEASES: Tab = Tab {
    name: "releases",
    title: "Releases",
    about: "planned and actual releases in a calendar, freezes, the deploy log, versions per environment, pipelines, rhythm",
    sorts: &["time", "service", "state", "who"],
    facets: &["month", "week", "agenda", "deploys", "environments", "automation", "rhythm"],
    kinds: KINDS,
    entries,
    compose,
    detail: detail::detail,
    link: detail::link,
    id: detail::id,
    badge,
};

const MONTH: usize = 0;
const WEEK: usize = 1;
const AGENDA: usize = 2;
const DEPLOYS: usize = 3;
const ENVIRONMENTS: usize = 4;
const AUTOMATION: usize = 5;

fn entries(scene: &Scene<'_>, facet: usize) -> Vec<Entry> {
    match facet {
        MONTH | WEEK => Vec::new(),
        AGENDA => agenda::entries(scene),
        DEPLOYS => log::entries(scene),
        ENVIRONMENTS => environments::entries(scene),
        AUTOMATION => automation::entries(scene),
        _ => rhythm::entries(scene),
    }
}

fn compose(scene: &Scene<'_>, look: &Look) -> Vec<Block> {
    let mut blocks = Vec::new();
    let above = u16::from(scene.frame.layout >= Layout::Small);
    if above > 0 {
        let prose = Prose { lines: vec![headline::headline(scene)], first: 0, total: 1 };
        blocks.push(Block::main("", Noun::Prose(prose)).exactly(1));
    }
    match look.facet {
        MONTH => blocks.extend(month::compose(scene, look)),
        WEEK => blocks.extend(week::compose(scene, look)),
        AGENDA => blocks.push(agenda::compose(scene, look, above)),
        DEPLOYS => blocks.push(log::compose(scene, look, above)),
        ENVIRONMENTS => blocks.push(environments::compose(scene, look, above)),
        AUTOMATION => blocks.push(automation::compose(scene, look, above)),
        _ => blocks.push(rhythm::compose(scene, look, above)),
    }
    blocks
}

fn empty(scene: &Scene<'_>) -> Empty {
    super::sources::emptiness(
        scene,
        KINDS,
        "Nothing planned, nothing deployed",
        "No source of releases yet",
        "Add a [[source]] of kind ical (as = \"release\") or github to your configuration.",
    )
}

/// Failed production deploys of the last day.
fn badge(scene: &Scene<'_>) -> usize {
    let since = earlier(scene.now, SignedDuration::from_hours(24));
    let deploys = scene.board.deploys.all().map(|r| &r.what);
    let failed = deploys.filter(|d| {
        d.outcome == Outcome::Failed
            && is_production(scene.team, d.environment.as_str())
            && moment(d).is_some_and(|at| at >= since && at <= scene.now)
    });
    failed.count()
}
