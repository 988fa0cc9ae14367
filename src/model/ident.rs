//! Names and identities: everything an upstream tells is known by (source, id), never by a row number.

use std::fmt;
use std::sync::Arc;

use super::Clean;

/// A name from the configuration (a service, a metric): chosen by the user, safe to show.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Name(Clean);

impl Name {
    pub fn new(name: &str) -> Self {
        Self(Clean::line(name))
    }

    pub fn clean(&self) -> &Clean {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The configured name of an upstream; unique in a configuration.
pub type SourceName = Name;

/// An upstream's own identifier, raw: actions use it, screens never do.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Id(Arc<str>);

impl Id {
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// For actions and lookups; show `clean()` instead.
    pub fn raw(&self) -> &str {
        &self.0
    }

    pub fn clean(&self) -> Clean {
        Clean::line(&*self.0)
    }
}

/// The identity of anything told: which source told it, and what that source calls it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Key {
    pub source: SourceName,
    pub id: Id,
}

impl Key {
    pub fn new(source: &SourceName, id: impl Into<Arc<str>>) -> Self {
        Self { source: source.clone(), id: Id::new(id) }
    }
}
