//! What the user wants: layered values, then types; secrets by reference; every problem located and said at once.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::model::{Clean, SourceName, Team};
use crate::source::Source;

/// A configuration that was read whole.
pub struct Config {
    pub team: Team,
    pub upstreams: Vec<Upstream>,
    pub ui: Ui,
    /// Files that were read, in order.
    pub files: Vec<PathBuf>,
}

/// A source and how it is reached.
pub struct Upstream {
    pub name: SourceName,
    pub kind: &'static str,
    pub source: Box<dyn Source>,
    pub endpoint: Endpoint,
    pub every: Duration,
    /// Deadline of a whole poll.
    pub timeout: Duration,
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

/// Where a secret lies. The value itself is read by the engine, when it is needed.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
    /// A program and its arguments; no shell.
    Cmd(Vec<String>),
    /// Written in the configuration itself: accepted only from a file nobody else can read.
    Inline(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Cmd(argv) => write!(f, "cmd:{}", argv.first().map_or("", String::as_str)),
            Self::Inline(_) => f.write_str("(inline secret)"),
        }
    }
}

/// Taste.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ui {
    pub theme: String,
    pub ascii: bool,
    pub mouse: bool,
    pub keys: Vec<(String, Vec<String>)>,
}
