//! What was made: a deploy or a published release, as one line of the log.

use jiff::Timestamp;

use crate::insight::{moment, version};
use crate::model::{Clean, Deploy, Release};
use crate::page::build::record_key;
use crate::page::service::outcome_tone;
use crate::page::{RowKey, Scene, Tone};

pub const DEPLOY: &str = "deploy";
pub const RELEASE: &str = "release";

/// One line of the log: a deploy, or a release that was published.
pub enum Made<'a> {
    Deploy(&'a Deploy),
    Release(&'a Release),
}

impl<'a> Made<'a> {
    pub fn find(scene: &Scene<'a>, key: &RowKey) -> Option<Self> {
        if let Some(key) = record_key(DEPLOY, key) {
            return scene.board.deploys.get(&key).map(|r| Self::Deploy(&r.what));
        }
        let key = record_key(RELEASE, key)?;
        scene.board.releases.get(&key).map(|r| Self::Release(&r.what))
    }

    pub fn repo(&self) -> &'a Clean {
        match self {
            Self::Deploy(d) => &d.repo,
            Self::Release(r) => &r.repo,
        }
    }

    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Deploy(d) => moment(d),
            Self::Release(r) => r.published,
        }
    }

    pub fn who(&self) -> &'a Clean {
        match self {
            Self::Deploy(d) => &d.who,
            Self::Release(r) => &r.author,
        }
    }

    pub fn state(&self) -> (Clean, Tone) {
        match self {
            Self::Deploy(d) => (Clean::line(d.outcome.word()), outcome_tone(&d.outcome)),
            Self::Release(r) if r.draft => ("draft".into(), Tone::Dim),
            Self::Release(r) if r.prerelease => ("pre-release".into(), Tone::Release),
            Self::Release(_) => ("released".into(), Tone::Release),
        }
    }

    pub fn version(&self) -> Clean {
        match self {
            Self::Deploy(d) => version(d),
            Self::Release(r) => r.tag.clone(),
        }
    }

    pub fn place(&self) -> Clean {
        match self {
            Self::Deploy(d) => d.environment.clone(),
            Self::Release(_) => Clean::default(),
        }
    }

    pub fn about(&self) -> Clean {
        match self {
            Self::Deploy(d) => d.description.clone(),
            Self::Release(r) => r.name.clone(),
        }
    }

    /// The short hash of what was deployed.
    pub fn commit(&self) -> Clean {
        match self {
            Self::Deploy(d) => Clean::line(d.sha.as_str().chars().take(8).collect::<String>()),
            Self::Release(_) => Clean::default(),
        }
    }
}
