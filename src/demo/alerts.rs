//! The rules of the demo's metric store, and which alerts they raise at a moment.

use super::cast::{self, SERVICES};
use super::clock::Secs;
use super::noise::hex;
use super::story::{self, Plot};
use super::world::World;

/// An alerting rule as it stands in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub group: &'static str,
    pub name: &'static str,
    pub query: String,
    pub waits: f64,
    pub severity: &'static str,
    /// A fixed service, for rules about one.
    pub service: Option<&'static str>,
    pub summary: &'static str,
    /// Why it cannot be evaluated.
    pub broken: Option<&'static str>,
}

pub fn rules() -> Vec<Rule> {
    let rule = |group, name, query: &str, waits, severity, service, summary| Rule {
        group,
        name,
        query: query.to_owned(),
        waits,
        severity,
        service,
        summary,
        broken: None,
    };
    let many = |name, query: &str, waits, severity, summary| {
        rule("services", name, query, waits, severity, None, summary)
    };
    vec![
        rule("general", "Watchdog", "vector(1)", 0.0, "none", None, "fires always: alerting works"),
        many(
            "HighErrorRatio",
            r#"sum by (service) (rate(http_requests_total{code=~"5.."}[1m])) / sum by (service) (rate(http_requests_total[1m])) > 0.05"#,
            15.0,
            "critical",
            "{{ $labels.service }}: {{ $value | humanizePercentage }} of requests fail",
        ),
        many(
            "HighLatency",
            r"histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[1m]))) > 1",
            20.0,
            "warning",
            "{{ $labels.service }}: one request in twenty takes longer than a second",
        ),
        many(
            "WorkersBusy",
            "workers_busy / workers > 0.85",
            15.0,
            "warning",
            "{{ $labels.service }}: {{ $value | humanizePercentage }} of workers are busy",
        ),
        many("TargetDown", "up == 0", 60.0, "critical", "{{ $labels.instance }} does not answer"),
        rule(
            "business",
            "OrdersDropped",
            "sum(rate(shop_orders_total[5m])) < 0.5 * sum(rate(shop_orders_total[5m] offset 1w))",
            30.0,
            "warning",
            Some("checkout"),
            "orders per minute are less than half of last week's",
        ),
        rule(
            "business",
            "SignupsDropped",
            "sum(rate(shop_signups_total[5m])) < 0.5 * sum(rate(shop_signups_total[5m] offset 1w))",
            30.0,
            "warning",
            Some("login"),
            "sign-ups per hour are less than half of last week's",
        ),
        rule(
            "mail",
            "MailQueueOld",
            "mail_queue_oldest_seconds > 300",
            120.0,
            "warning",
            Some("mail"),
            "the oldest mail has waited {{ $value | humanizeDuration }}",
        ),
        rule(
            "database",
            "BackupRunning",
            "db_backup_running == 1",
            0.0,
            "info",
            Some("db"),
            "a base backup is being taken on db-2",
        ),
        rule(
            "database",
            "ReplicaLag",
            "db_replica_lag_seconds > 30",
            60.0,
            "info",
            Some("db"),
            "db-2 is {{ $value | humanizeDuration }} behind",
        ),
        rule(
            "certificates",
            "CertificateEndsSoon",
            "probe_ssl_days_left < 14",
            3_600.0,
            "warning",
            Some("web"),
            "the certificate of {{ $labels.instance }} ends in {{ $value }} days",
        ),
        rule(
            "reports",
            "UploadUnreadable",
            "increase(report_uploads_unreadable_total[1h]) > 0",
            0.0,
            "info",
            Some("reports"),
            "a customer's upload could not be read",
        ),
        Rule {
            broken: Some(
                "found duplicate series for the match group {report=\"daily-closing\"} on the right hand-side \
                 of the operation: [{__name__=\"report_deadline_seconds\", instance=\"reports-0\", report=\"daily-closing\"}, \
                 {__name__=\"report_deadline_seconds\", instance=\"reports-1\", report=\"daily-closing\"}];many-to-many \
                 matching not allowed: matching labels must be unique on one side",
            ),
            ..rule(
                "reports",
                "ReportsLate",
                "time() - report_last_success_timestamp_seconds > on (report) report_deadline_seconds",
                300.0,
                "warning",
                Some("reports"),
                "the report {{ $labels.report }} is late",
            )
        },
    ]
}

/// An alert that a rule raises.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    pub rule: &'static str,
    pub service: &'static str,
    pub severity: &'static str,
    /// Further labels.
    pub labels: Vec<(&'static str, String)>,
    pub summary: String,
    pub description: String,
    pub value: f64,
    /// When the rule first held, and when it began to fire.
    pub pending: Secs,
    pub firing: Secs,
    /// The rule whose alert for the same service makes this one pointless.
    pub inhibited_by: Option<&'static str>,
}

impl Raised {
    pub fn is_firing(&self, now: Secs) -> bool {
        self.firing <= now
    }

    /// Labels as the store sends them, in order.
    pub fn all_labels(&self) -> std::collections::BTreeMap<String, String> {
        let mut all: std::collections::BTreeMap<String, String> =
            self.labels.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let owner = cast::service(self.service).map_or("", |s| s.owner);
        for (k, v) in [
            ("alertname", self.rule),
            ("service", self.service),
            ("severity", self.severity),
            ("team", owner),
        ] {
            // An alert about alerting itself is about no service.
            if !v.is_empty() {
                all.insert(k.to_owned(), v.to_owned());
            }
        }
        all
    }
}

/// The fingerprint of a set of labels: sixteen hexadecimal digits.
pub fn fingerprint(labels: &std::collections::BTreeMap<String, String>) -> String {
    let mut place = 0xCBF2_9CE4_8422_2325_u64;
    for (k, v) in labels {
        for byte in k.bytes().chain([255]).chain(v.bytes()).chain([255]) {
            place = (place ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    hex(1, place, 16)
}

/// Every alert pending or firing at `now`.
pub fn raised(world: &World, now: Secs) -> Vec<Raised> {
    let mut out = standing(world);
    for turn in world.turns_seen(now) {
        let plot = story::plot(turn);
        let mut add = |from: f64, firing: f64, until: f64, raised: Raised| {
            if world.beat(turn, from) <= now && now < world.beat(turn, until) {
                out.push(Raised {
                    pending: world.beat(turn, from),
                    firing: world.beat(turn, firing),
                    ..raised
                });
            }
        };
        let age = world.mail_age(now);
        add(mail_fires(turn) - 20.0, mail_fires(turn), story::MAIL_QUIET, Raised {
            summary: format!("the oldest mail has waited {:.0} m {:02.0} s", (age / 60.0).floor(), age % 60.0),
            description: "The queue grows while a newsletter goes out; order confirmations wait behind it."
                .into(),
            value: age,
            ..blank("MailQueueOld", "mail", "warning")
        });
        for (from, firing, until, raised) in plotted(world, plot, now) {
            add(from, firing, until, raised);
        }
    }
    out
}

fn mail_fires(turn: i64) -> f64 {
    let (rise, full) = story::mail_rise(turn);
    rise + 0.75 * (full - rise)
}

fn blank(rule: &'static str, service: &'static str, severity: &'static str) -> Raised {
    Raised {
        rule,
        service,
        severity,
        labels: Vec::new(),
        summary: String::new(),
        description: String::new(),
        value: 1.0,
        pending: 0.0,
        firing: 0.0,
        inhibited_by: None,
    }
}

/// What a turn's release brings about.
fn plotted(world: &World, plot: &Plot, now: Secs) -> Vec<(f64, f64, f64, Raised)> {
    let level = world.level(cast::index(plot.service), now);
    let db = world.level(cast::index("db"), now);
    let (loss, sentence) = plot.loss;
    let lost = if loss == "SignupsDropped" { "login" } else { "checkout" };
    let mut all = vec![
        (
            story::SLOW_PENDING,
            story::SLOW_FIRES,
            story::ALERTS_END,
            Raised {
                summary: format!(
                    "{}: one request in twenty takes longer than {:.1} s",
                    plot.service, level.p95
                ),
                description: "95th percentile over one minute, all routes.".into(),
                value: level.p95,
                inhibited_by: Some("HighErrorRatio"),
                ..blank("HighLatency", plot.service, "warning")
            },
        ),
        (
            story::ERRORS_PENDING,
            story::ERRORS_FIRE,
            story::ALERTS_END,
            Raised {
                summary: format!(
                    "{}: {:.1} % of requests fail",
                    plot.service,
                    level.errors * 100.0
                ),
                description: format!(
                    "{}. Errors are answered with 500 within a second of the timeout.",
                    plot.title
                ),
                value: level.errors,
                ..blank("HighErrorRatio", plot.service, "critical")
            },
        ),
        (
            story::LOSS_FIRES - 30.0,
            story::LOSS_FIRES,
            story::ALERTS_END - 4.0,
            Raised {
                summary: sentence.to_owned(),
                description:
                    "A business number fell together with the technical ones: customers notice."
                        .into(),
                value: world.orders(now) * 60.0,
                ..blank(loss, lost, "warning")
            },
        ),
    ];
    if plot.database > 0.25 {
        all.push((
            story::POOL_FIRES - 15.0,
            story::POOL_FIRES,
            story::ALERTS_END - 20.0,
            Raised {
                summary: format!("db: {:.0} % of connections are in use", db.busy * 100.0),
                description: "400 connections in all; above 95 % new ones wait.".into(),
                value: db.busy,
                ..blank("WorkersBusy", "db", "warning")
            },
        ));
    }
    all
}

/// Alerts that stand all the time: a backup that hides a lag, and a file name that means harm.
fn standing(world: &World) -> Vec<Raised> {
    let origin = world.clock.origin;
    let lag = super::promql::series::Signal::ReplicaLag;
    let value = super::promql::series::Sampler::new(world).sample(lag, origin);
    vec![
        Raised {
            summary: "fires always: alerting works".into(),
            description: "While it arrives, so would every other alert.".into(),
            pending: origin - 9.0 * 86_400.0,
            firing: origin - 9.0 * 86_400.0,
            ..blank("Watchdog", "", "none")
        },
        Raised {
            summary: "a base backup is being taken on db-2".into(),
            description: "Every night and on Sundays; db-2 falls behind while it lasts.".into(),
            labels: vec![("replica", "db-2".into())],
            pending: origin - 2_700.0,
            firing: origin - 2_700.0,
            ..blank("BackupRunning", "db", "info")
        },
        Raised {
            summary: format!("db-2 is {value:.0} s behind"),
            description: "Reads from the replica may miss the newest orders.".into(),
            labels: vec![("replica", "db-2".into())],
            value,
            pending: origin - 2_520.0,
            firing: origin - 2_460.0,
            inhibited_by: Some("BackupRunning"),
            ..blank("ReplicaLag", "db", "info")
        },
        Raised {
            summary: format!("upload could not be read: {}", cast::hostile()),
            description: format!(
                "File name as it was sent:\n{}\nThe file was put aside; nothing else is affected.",
                cast::hostile()
            ),
            pending: origin - 5_400.0,
            firing: origin - 5_400.0,
            ..blank("UploadUnreadable", "reports", "info")
        },
    ]
}

/// Every name a rule may be about, for the store's label values.
pub fn services() -> Vec<&'static str> {
    SERVICES.iter().map(|s| s.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(world: &World, beat: f64) -> Vec<&'static str> {
        let now = world.beat(0, beat);
        raised(world, now).into_iter().filter(|r| r.is_firing(now)).map(|r| r.rule).collect()
    }

    #[test]
    fn alerts_follow_the_story() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7);
        let calm = ["Watchdog", "BackupRunning", "ReplicaLag", "UploadUnreadable", "MailQueueOld"];
        assert_eq!(names(&world, 1.0), calm);
        let outage = names(&world, 210.0);
        for name in ["HighErrorRatio", "HighLatency", "OrdersDropped", "WorkersBusy"] {
            assert!(outage.contains(&name), "{name}");
        }
        assert_eq!(names(&world, 450.0), calm);
        assert_eq!(names(&world, 820.0), &calm[..4]);
    }

    #[test]
    fn nothing_is_raised_before_it_could_be_known() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 20.0, 7);
        for beat in (0..6_000).step_by(13) {
            let now = world.clock.real(f64::from(beat));
            for r in raised(&world, now) {
                assert!(r.pending <= now && r.pending <= r.firing, "{r:?}");
            }
        }
    }

    #[test]
    fn exactly_one_rule_is_broken_and_it_is_about_a_minor_service() {
        let broken: Vec<_> = rules().into_iter().filter(|r| r.broken.is_some()).collect();
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].service, Some("reports"));
    }
}
