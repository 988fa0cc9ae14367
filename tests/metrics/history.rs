//! A past that is written by hand, and a Prometheus that holds it.

use std::fmt::Write as _;
use std::path::Path;

use crate::servers::{SCRAPES_NOTHING, Server, backfill, free_port, prometheus};

/// What a series was at a second, if anything.
pub type Curve<'a> = &'a dyn Fn(i64) -> Option<f64>;

/// A stretch of seconds with a sample every so many.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    pub from: i64,
    pub until: i64,
    pub every: usize,
}

/// Series as `OpenMetrics` text, one family after the other.
#[derive(Debug, Default)]
pub struct History(String);

impl History {
    /// `kind` is `gauge` or `counter`; samples of a counter's series end in `_total`.
    pub fn family(&mut self, family: &str, kind: &str, over: Stretch, all: &[(&str, Curve<'_>)]) {
        let _ = writeln!(self.0, "# TYPE {family} {kind}");
        for (series, value) in all {
            for at in (over.from..=over.until).step_by(over.every) {
                if let Some(value) = value(at) {
                    let _ = writeln!(self.0, "{series} {value} {at}");
                }
            }
        }
    }

    /// A Prometheus that holds this and scrapes nothing; `None` where none is installed.
    pub fn served(&self, lab: &Path) -> Option<Server> {
        self.served_with(lab, SCRAPES_NOTHING)
    }

    /// The same with a configuration, whose rules lie in the lab.
    pub fn served_with(&self, lab: &Path, config: &str) -> Option<Server> {
        backfill(lab, &format!("{}# EOF\n", self.0))?;
        prometheus(lab, free_port(), config, &[])
    }
}
