//! A past that is written by hand, and a Prometheus that holds it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::servers::{Server, free_port, tool};

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
        self.served_with(lab, "global: {scrape_interval: 1m}\n")
    }

    /// The same with a configuration, whose rules lie in the lab.
    pub fn served_with(&self, lab: &Path, config: &str) -> Option<Server> {
        let promtool = tool("promtool")?;
        std::fs::write(lab.join("history.om"), format!("{}# EOF\n", self.0)).unwrap();
        let made = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            // Else a month is hundreds of blocks of two hours.
            .args(["--max-block-duration=744h", "history.om", "tsdb"])
            .current_dir(lab)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        prometheus(lab, free_port(), config)
    }
}

pub fn prometheus(lab: &Path, port: u16, config: &str) -> Option<Server> {
    let program = tool("prometheus")?;
    std::fs::write(lab.join("prometheus.yml"), config).unwrap();
    let arguments = [
        "--config.file=prometheus.yml".to_owned(),
        format!("--storage.tsdb.path={}", lab.join("tsdb").display()),
        "--storage.tsdb.retention.time=10y".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--log.level=warn".to_owned(),
    ];
    Some(Server::start(&program, lab, port, &arguments, "/-/ready"))
}
