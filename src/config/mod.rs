//! What the user wants: layered values, then types; secrets by reference; every problem located and said at once.

mod address;
mod build;
mod digest;
mod layers;
mod memory;
mod origin;
mod problem;
mod raw;
mod read;
mod schema;
mod secret;
pub mod template;
mod tree;
mod veil;
mod zone;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::cockpit::{Keymap, Turns};
use crate::model::{Clean, Freshness, Id, Linked, Metric, Slices, SourceName, Team};
use crate::page::Skin;
use crate::source::Source;

pub use layers::{Places, explained, load, load_text};
pub use memory::Memory;
pub use origin::Setting;
pub use problem::{Problems, nearest};
pub use schema::schema;
pub use secret::Secret;

/// A configuration that was read whole.
pub struct Config {
    pub team: Team,
    pub upstreams: Vec<Upstream>,
    pub ui: Ui,
    pub status: StatusLine,
    /// Equal for configurations that ask the same.
    pub digest: u64,
    pub memory: Memory,
    /// What new post-mortems begin with.
    pub template: Option<PathBuf>,
    /// Files that were read, in order.
    pub files: Vec<PathBuf>,
    /// Worth saying at start, no failure: sections this version does not use yet.
    pub notes: Vec<Clean>,
}

/// A source and how it is reached. A clone is the same source, to be asked by another watch.
#[derive(Clone)]
pub struct Upstream {
    pub name: SourceName,
    pub kind: &'static str,
    pub source: Arc<dyn Source>,
    pub endpoint: Endpoint,
    pub every: Duration,
    /// Deadline of a whole poll.
    pub timeout: Duration,
    /// What it asked to be handed back, in an earlier run.
    pub memory: BTreeMap<Box<str>, Box<str>>,
    /// How it was doing when somebody heard of it last: an upstream that is away at the start did answer once.
    pub known: Option<Freshness>,
    /// The issues that its documents link to, as remembered.
    pub linked: Linked,
}

impl Upstream {
    /// The same upstream, to be asked about the past; `None` where it keeps none.
    pub fn recalling(&self) -> Option<Self> {
        Some(self.asked_by(self.source.recalling()?))
    }

    /// The same upstream, to be asked what was written down about one of its incidents; `None` where nobody writes.
    pub fn log_of(&self, incident: &Id) -> Option<Self> {
        Some(self.asked_by(self.source.log_of(incident)?))
    }

    fn asked_by(&self, source: Box<dyn Source>) -> Self {
        Self {
            name: self.name.clone(),
            kind: self.kind,
            source: source.into(),
            endpoint: self.endpoint.clone(),
            every: self.every,
            timeout: self.timeout,
            memory: BTreeMap::new(),
            known: None,
            linked: Linked::default(),
        }
    }
}

impl Upstream {
    /// The same upstream, to be asked for the past of these numbers; `None` where it has none to tell.
    pub fn charting(&self, numbers: &[Metric], slices: &Slices) -> Option<Self> {
        Some(Self {
            name: self.name.clone(),
            kind: self.kind,
            source: self.source.charting(numbers, slices)?.into(),
            endpoint: self.endpoint.clone(),
            every: self.every,
            timeout: self.timeout,
            linked: Linked::default(),
            memory: self.memory.clone(),
            known: None,
        })
    }
}

/// How an upstream is reached: the only place where credentials are named.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// Base address; credentials go to its origin only. `None` for files and probes.
    pub url: Option<Url>,
    /// What may be shown of the address.
    pub shown: Clean,
    pub auth: Vec<Auth>,
    pub ca: Option<PathBuf>,
    /// Client certificate and key, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
    pub proxy: Proxy,
    /// Cleartext http with a credential to a host that is not loopback.
    pub allow_cleartext: bool,
    /// Decompressed bytes a body may have.
    pub cap: usize,
}

/// Decompressed bytes of a body unless the configuration says otherwise.
pub const BODY_CAP: usize = 8 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// `HTTP_PROXY` and friends; never for loopback.
    #[default]
    Environment,
    None,
    Url(Secret),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    Bearer(Secret),
    Basic {
        user: String,
        password: Secret,
    },
    Header {
        name: String,
        value: Secret,
    },
    /// The vendor's own form: the kind says how (`Token token=…`, `PRIVATE-TOKEN`).
    Token(Secret),
}

/// How the status line is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusLine {
    /// One of `STATUS_FORMATS`.
    pub format: Option<String>,
    pub template: Option<Clean>,
    /// The line is pushed to tmux.
    pub tmux: bool,
}

/// Formats a status line may have; `print` has one writer for each.
pub const STATUS_FORMATS: &[&str] = &["plain", "ansi", "tmux", "waybar", "polybar", "json"];

/// Taste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    pub skin: Skin,
    /// ASCII glyphs only.
    pub ascii: bool,
    /// Clicks and wheel are taken; otherwise the terminal's own selection works.
    pub mouse: bool,
    pub keymap: Keymap,
    /// How the pages of the wall take turns.
    pub wall: Turns,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            skin: Skin::default(),
            ascii: false,
            mouse: true,
            keymap: Keymap::default(),
            wall: Turns::default(),
        }
    }
}
