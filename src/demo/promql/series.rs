//! What the world's metric store holds: every series with its labels, and how its samples follow from the world.

use std::collections::{BTreeMap, HashMap};

use super::super::cast::SERVICES;
use super::super::clock::Secs;
use super::super::noise::{mix, texture};
use super::super::world::{Level, World};

pub type Labels = BTreeMap<String, String>;

/// Upper bounds of the latency buckets, in seconds; dense, so that a p95 between them is near the truth.
pub const BOUNDS: &[f64] = &[
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0,
    3.0, 5.0, 10.0,
];

/// Spread of the latencies: the 95th percentile lies 1.645 of these above the median, in logarithms.
const SPREAD: f64 = 0.55;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    Up,
    Requests {
        place: usize,
        code: &'static str,
    },
    /// `None` is `+Inf`, which also counts all.
    Bucket {
        place: usize,
        bound: Option<f64>,
    },
    Seconds {
        place: usize,
    },
    Busy {
        place: usize,
    },
    Workers {
        place: usize,
    },
    Memory {
        place: usize,
    },
    MailAge,
    MailLength,
    Orders,
    Signups,
    Revenue,
    Refused,
    ReplicaLag,
    CertificateDays,
    ReportsSince,
}

impl Signal {
    /// Only ever grows; asked through `rate` and `increase`.
    pub fn is_counter(self) -> bool {
        matches!(
            self,
            Self::Requests { .. }
                | Self::Bucket { .. }
                | Self::Seconds { .. }
                | Self::Orders
                | Self::Signups
                | Self::Revenue
                | Self::Refused
        )
    }
}

#[derive(Debug, Clone)]
pub struct Series {
    pub labels: Labels,
    pub signal: Signal,
}

/// Every series of the store.
pub fn all() -> Vec<Series> {
    let mut out = Vec::new();
    let mut add = |name: &str, pairs: &[(&str, &str)], signal: Signal| {
        let mut labels: Labels =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        labels.insert("__name__".into(), name.into());
        out.push(Series { labels, signal });
    };
    for (place, s) in SERVICES.iter().enumerate() {
        for copy in ["0", "1"] {
            let instance = format!("{}-{copy}.harbour.internal:8080", s.name);
            add("up", &[("job", s.name), ("instance", &instance)], Signal::Up);
        }
        let own = [("job", s.name), ("service", s.name)];
        for code in ["200", "404", "500"] {
            let labels = [("job", s.name), ("service", s.name), ("code", code)];
            add("http_requests_total", &labels, Signal::Requests { place, code });
        }
        for bound in BOUNDS.iter().copied().map(Some).chain([None]) {
            let le = bound.map_or_else(|| "+Inf".to_owned(), |b| b.to_string());
            let labels = [("job", s.name), ("service", s.name), ("le", le.as_str())];
            add("http_request_duration_seconds_bucket", &labels, Signal::Bucket { place, bound });
        }
        add("http_request_duration_seconds_sum", &own, Signal::Seconds { place });
        add("http_request_duration_seconds_count", &own, Signal::Bucket { place, bound: None });
        add("workers_busy", &own, Signal::Busy { place });
        add("workers", &own, Signal::Workers { place });
        add("process_resident_memory_bytes", &own, Signal::Memory { place });
    }
    let mail = [("job", "mail"), ("service", "mail")];
    add("mail_queue_oldest_seconds", &mail, Signal::MailAge);
    add("mail_queue_length", &mail, Signal::MailLength);
    let shop = [("job", "checkout"), ("service", "checkout")];
    add("shop_orders_total", &shop, Signal::Orders);
    add("shop_revenue_euros_total", &shop, Signal::Revenue);
    add("shop_signups_total", &[("job", "login"), ("service", "login")], Signal::Signups);
    let refused = [("job", "payments"), ("service", "payments"), ("reason", "declined")];
    add("payments_refused_total", &refused, Signal::Refused);
    let replica = [("job", "db"), ("service", "db"), ("replica", "db-2")];
    add("db_replica_lag_seconds", &replica, Signal::ReplicaLag);
    let certificate = [("job", "blackbox"), ("service", "web"), ("instance", "harbour.example")];
    add("probe_ssl_days_left", &certificate, Signal::CertificateDays);
    let reports = [("job", "reports"), ("service", "reports"), ("report", "daily-closing")];
    add("report_last_success_timestamp_seconds", &reports, Signal::ReportsSince);
    out
}

/// The world as the store samples it; levels are remembered for the length of one question.
#[derive(Debug)]
pub struct Sampler<'a> {
    world: &'a World,
    levels: std::cell::RefCell<HashMap<(usize, u64), Level>>,
}

impl<'a> Sampler<'a> {
    pub fn new(world: &'a World) -> Self {
        Self { world, levels: std::cell::RefCell::default() }
    }

    fn level(&self, place: usize, at: Secs) -> Level {
        // Quarter seconds are as fine as the world is.
        let key = (place, (at * 4.0) as u64);
        if let Some(level) = self.levels.borrow().get(&key) {
            return *level;
        }
        let level = self.world.level(place, at);
        self.levels.borrow_mut().insert(key, level);
        level
    }

    /// How much a counter grows per second.
    pub fn pace(&self, signal: Signal, at: Secs) -> f64 {
        match signal {
            Signal::Requests { place, code } => {
                let l = self.level(place, at);
                match code {
                    "500" => l.rps * l.errors,
                    "404" => l.rps * (1.0 - l.errors) * 0.006,
                    _ => l.rps * (1.0 - l.errors) * 0.994,
                }
            }
            Signal::Bucket { place, bound } => {
                let l = self.level(place, at);
                l.rps * bound.map_or(1.0, |b| below(b, l.p95))
            }
            Signal::Seconds { place } => {
                let l = self.level(place, at);
                l.rps * median(l.p95) * (SPREAD * SPREAD / 2.0).exp()
            }
            Signal::Orders => self.world.orders(at),
            Signal::Signups => self.world.signups(at),
            Signal::Revenue => self.world.orders(at) * self.world.basket(at),
            Signal::Refused => 0.021 * self.world.orders(at),
            _ => 0.0,
        }
    }

    /// The sample at a moment: a gauge as it is, a counter as it has grown since the beginning of the year before.
    pub fn sample(&self, signal: Signal, at: Secs) -> f64 {
        match signal {
            Signal::Up => 1.0,
            Signal::Busy { place } => {
                let l = self.level(place, at);
                let workers = SERVICES.get(place).map_or(1.0, |s| s.workers);
                (l.busy * workers).round()
            }
            Signal::Workers { place } => SERVICES.get(place).map_or(0.0, |s| s.workers),
            Signal::Memory { place } => {
                let l = self.level(place, at);
                (210e6 + 480e6 * l.busy + place as f64 * 31e6).round()
            }
            Signal::MailAge => self.world.mail_age(at),
            Signal::MailLength => (9.0 * self.world.mail_age(at)).round(),
            Signal::ReplicaLag => 38.0 + 9.0 * texture(mix(self.world.seed, 77), at),
            Signal::CertificateDays => 41.0 - (at - self.world.clock.origin) / 86_400.0,
            Signal::ReportsSince => {
                (self.world.clock.origin / 86_400.0).floor() * 86_400.0 - 75_600.0
            }
            counter => {
                // A straight line on average: nobody reads the height of a counter, only how it grows.
                let since = at - (self.world.clock.origin - 400.0 * 86_400.0);
                let mean = self.pace(counter, self.world.clock.origin - 10.0 * 86_400.0);
                (since.max(0.0) * mean).round()
            }
        }
    }

    /// Growth of a counter over `window` seconds before `at`.
    ///
    /// Short windows follow the speed of the story, so that one minute's mean does not blur ten minutes of it.
    pub fn growth(&self, signal: Signal, at: Secs, window: f64) -> f64 {
        let speed = self.world.clock.speed;
        let near = at > self.world.clock.origin - window && window <= 3_600.0 && speed > 1.0;
        let looked = if near { (window / speed).max(1.0) } else { window };
        self.world.total(at - looked, at, |t| self.pace(signal, t)) * window / looked
    }
}

fn median(p95: f64) -> f64 {
    p95 * (-1.645 * SPREAD).exp()
}

/// Share of a lognormal's requests that are faster than `bound`.
fn below(bound: f64, p95: f64) -> f64 {
    let z = (bound / median(p95).max(1e-9)).ln() / SPREAD;
    0.5 * (1.0 + erf(z / std::f64::consts::SQRT_2))
}

/// The error function to seven digits (Abramowitz and Stegun, 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (1.0 - poly * (-x * x).exp()).copysign(x)
}
