//! The services of a team, and what sources keep of them: made once, and shared by all sources of a configuration.

use std::cell::OnceCell;
use std::ops::Deref;
use std::sync::Arc;

use super::prometheus::Sought;
use crate::model::Service;

/// Hundreds of sources with hundreds of services must not keep each of these each on its own.
#[derive(Debug, Default)]
pub struct Services<'a> {
    all: &'a [Service],
    kept: OnceCell<Arc<[Service]>>,
    sought: OnceCell<Arc<Sought>>,
}

impl<'a> Services<'a> {
    pub fn of(all: &'a [Service]) -> Self {
        Self { all, ..Self::default() }
    }

    /// All of them, for a source that needs them later.
    pub fn kept(&self) -> Arc<[Service]> {
        self.kept.get_or_init(|| self.all.into()).clone()
    }

    /// Those whose numbers are looked for.
    pub fn sought(&self) -> Arc<Sought> {
        self.sought.get_or_init(|| Arc::new(Sought::of(self.all))).clone()
    }
}

impl Deref for Services<'_> {
    type Target = [Service];

    fn deref(&self) -> &[Service] {
        self.all
    }
}
