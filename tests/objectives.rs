//! Objectives and baselines on a real Prometheus: a backfilled history whose budgets, burn and last week are computed by hand here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the lints let tests do so, but not what tests call"
)]

#[allow(dead_code, reason = "the servers of tests/world.rs know more than is needed here")]
#[path = "world/servers.rs"]
mod servers;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use andon::config::{Upstream, load_text};
use andon::engine::{Limits, from_clock, poll_once, recall};
use andon::insight::{Budget, Burning, ServiceState, Survey, survey};
use andon::model::{Board, Health, MetricId, Name, Status, Team, Written};
use jiff::{SignedDuration, Timestamp};

use servers::{Server, free_port};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What a series was at a second, if anything.
type Curve<'a> = &'a dyn Fn(i64) -> Option<f64>;

/// Every service counts 600 requests a minute. `checkout` fails 0.3 of them, and 12 (2 %) within the last hour; `login`
/// always fails 0.72 (0.12 %); of `search` none ever failed, so that its error series does not exist; `night` has
/// counters that do not move.
fn history(until: i64) -> String {
    let mut text = String::new();
    let minutes = || (until - 8 * DAY..=until).step_by(60);
    let mut series = |family: &str, kind: &str, all: &[(&str, Curve<'_>)]| {
        let _ = writeln!(text, "# TYPE {family} {kind}");
        for (name, value) in all {
            for (at, value) in minutes().filter_map(|at| Some((at, value(at)?))) {
                let _ = writeln!(text, "{name} {value} {at}");
            }
        }
    };
    let begun = until - 8 * DAY;
    let passed = |at: i64| ((at - begun) / MINUTE) as f64;
    let of_hour = |at: i64| ((at - (until - HOUR)).max(0) / MINUTE) as f64;
    let total = |at: i64| Some(1e6 + 600.0 * passed(at));
    let checkout = |at: i64| Some(1e3 + 0.3 * passed(at) + (12.0 - 0.3) * of_hour(at));
    let login = |at: i64| Some(1e3 + 0.72 * passed(at));
    let still = |_: i64| Some(5e3);
    series(
        "http_requests",
        "counter",
        &[
            (r#"http_requests_total{service="checkout",code="200"}"#, &move |at| {
                Some(total(at)? - checkout(at)?)
            }),
            (r#"http_requests_total{service="checkout",code="500"}"#, &checkout),
            (r#"http_requests_total{service="login",code="200"}"#, &move |at| {
                Some(total(at)? - login(at)?)
            }),
            (r#"http_requests_total{service="login",code="500"}"#, &login),
            (r#"http_requests_total{service="search",code="200"}"#, &total),
            (r#"http_requests_total{service="night",code="200"}"#, &still),
            (r#"http_requests_total{service="night",code="500"}"#, &still),
        ],
    );
    let depth = |at: i64| Some(if at < until - 3 * DAY { 100.0 } else { 134.0 });
    let newborn = |at: i64| (at > until - 2 * DAY).then_some(7.0);
    let idle = |at: i64| Some(if at < until - 3 * DAY { f64::NAN } else { 3.0 });
    series("app_depth", "gauge", &[("app_depth", &depth)]);
    series("app_newborn", "gauge", &[("app_newborn", &newborn)]);
    series("app_idle", "gauge", &[("app_idle", &idle)]);
    // As Sloth and Pyrra record, for the last minutes.
    let mut lately = |name: &str, labels: &str, value: f64| {
        let _ = writeln!(text, "# TYPE {name} gauge");
        for at in (until - 10 * MINUTE..=until).step_by(60) {
            let _ = writeln!(text, "{name}{{{labels}}} {value} {at}");
        }
    };
    let sloth = r#"sloth_id="web-requests",sloth_service="web",sloth_slo="requests""#;
    lately("slo:objective:ratio", sloth, 0.999);
    lately("slo:time_period:days", sloth, 30.0);
    lately("slo:period_error_budget_remaining:ratio", sloth, 0.41);
    for (window, ratio) in
        [("5m", 0.02), ("30m", 0.01), ("1h", 0.015), ("6h", 0.003), ("1d", 0.001), ("3d", 0.0004)]
    {
        let labels = format!(r#"{sloth},sloth_window="{window}""#);
        lately(&format!("slo:sli_error:ratio_rate{window}"), &labels, ratio);
    }
    let pyrra = r#"slo="api-errors",service="api""#;
    lately("pyrra_objective", pyrra, 0.99);
    lately("pyrra_window", pyrra, 28.0 * 86_400.0);
    lately("pyrra_availability", pyrra, 0.995);
    for (window, ratio) in
        [("5m", 0.03), ("1h", 0.02), ("30m", 0.02), ("6h", 0.01), ("1d", 0.03), ("2h", 0.03)]
    {
        lately(&format!("http_requests:burnrate{window}"), pyrra, ratio);
    }
    text.push_str("# EOF\n");
    text
}

fn services() -> String {
    let mut text = String::new();
    for name in ["checkout", "login", "search", "night", "missing"] {
        let _ = write!(
            text,
            r#"
[[service]]
name = "{name}"
  [[service.slo]]
  name = "availability"
  objective = 99.9
  window = "7d"
  bad = 'sum(increase(http_requests_total{{service="{name}",code=~"5.."}}[$window])) # bad'
  total = 'sum(increase(http_requests_total{{service="{name}"}}[$window]))'
"#
        );
    }
    text.push_str(
        r#"
[[service]]
name = "odd"
  [[service.slo]]
  name = "typo"
  objective = 99.9
  window = "7d"
  bad = 'sum(increase(http_requests_total{[$window]))'
  total = 'sum(increase(http_requests_total[$window]))'
  [[service.slo]]
  name = "nan"
  objective = 99.9
  window = "7d"
  bad = 'sum(increase(http_requests_total[$window])) * NaN'
  total = 'sum(increase(http_requests_total[$window]))'
  [[service.metric]]
  name = "depth"
  query = "app_depth"
  [[service.metric]]
  name = "newborn"
  query = "app_newborn"
  [[service.metric]]
  name = "idle"
  query = "app_idle"
[[service]]
name = "web"
[[service]]
name = "api"
"#,
    );
    text
}

struct World {
    team: Team,
    board: Board,
    survey: Survey,
    now: Timestamp,
}

impl World {
    fn state(&self, service: &str) -> &ServiceState {
        self.survey.service(&Name::new(service)).unwrap()
    }

    fn budget(&self, service: &str) -> &Budget {
        let state = self.state(service);
        state.slos.first().unwrap_or_else(|| panic!("{service}: {:?}", self.board.sources))
    }

    fn baseline(&self, metric: &str) -> Option<f64> {
        let id = MetricId { service: Some(Name::new("odd")), metric: Name::new(metric) };
        self.board.baseline_of(&id, self.now)
    }
}

fn near(what: &str, found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.unwrap_or_else(|| panic!("{what}: nothing, where {expected} is right"));
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, where {expected} is right");
}

fn burn(budget: &Budget, seconds: i64) -> Option<f64> {
    let burn = budget.burns.iter().find(|b| b.window.as_secs() == seconds)?;
    burn.rate
}

fn prometheus(lab: &Path) -> Option<Server> {
    servers::backfill(lab, &history(from_clock().as_second() / 60 * 60))?;
    servers::prometheus(lab, free_port(), servers::SCRAPES_NOTHING, &[])
}

#[test]
fn budgets_burn_and_last_week_are_what_is_computed_by_hand() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = prometheus(lab.path()) else { return };
    let text = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\n{}",
        server.url(""),
        services()
    );
    let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    let upstreams: Vec<Upstream> = config.upstreams.clone();
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(60)) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap());
    }
    assert_eq!(board.sources[&Name::new("prom")].status, Status::Ok, "{:?}", board.sources);
    let now = from_clock();
    let world = World { survey: survey(&board, &config.team, now), team: config.team, board, now };

    the_week_is_counted(&world);
    nothing_is_neither_red_nor_green(&world);
    recorded_ones_are_found(&world);

    // The same hour last week; a number that was not there then has no baseline, and neither has one that was NaN.
    assert_eq!(world.baseline("depth"), Some(100.0));
    assert_eq!(world.baseline("newborn"), None);
    assert_eq!(world.baseline("idle"), None);

    // The day before yesterday nothing burned: of the past the store is asked as of then.
    let then = now - SignedDuration::from_hours(48);
    let mut board = Board::default();
    for heard in recall::ask(&upstreams, then, &Limits::default()) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap());
    }
    let past = survey(&board, &world.team, then);
    let budget = &past.service(&Name::new("checkout")).unwrap().slos[0];
    near("checkout's hour of then", burn(budget, HOUR), 0.5, 0.02);
    assert_eq!(budget.verdict, Burning::Calm);
}

/// 600 requests a minute for seven days are 6,048,000: 6,048 may fail.
fn the_week_is_counted(world: &World) {
    let checkout = world.budget("checkout");
    let week = 7.0 * 24.0 * 60.0;
    let bad = 0.3 * (week - 60.0) + 12.0 * 60.0;
    near("checkout bad", checkout.bad, bad, 30.0);
    near("checkout total", checkout.total, 600.0 * week, 2_000.0);
    near("checkout allowed", checkout.allowed, 6_048.0, 2.0);
    near("checkout left", checkout.left, 1.0 - bad / 6_048.0, 0.005);
    for (window, rate) in [
        (5 * MINUTE, 20.0),
        (30 * MINUTE, 20.0),
        (HOUR, 20.0),
        (2 * HOUR, (0.3 * 60.0 + 720.0) / 72.0),
        (6 * HOUR, (0.3 * 300.0 + 720.0) / 216.0),
        (DAY, (0.3 * 1_380.0 + 720.0) / 864.0),
        (3 * DAY, (0.3 * 4_260.0 + 720.0) / 2_592.0),
    ] {
        // The newest samples are up to some minutes old, so that the hour's end is missing in the longer windows.
        near(&format!("checkout burn {window} s"), burn(checkout, window), rate, 0.05 * rate);
    }
    assert_eq!(checkout.verdict, Burning::Page, "2 % in an hour and in its last five minutes");
    assert_eq!(checkout.fired.unwrap().long.as_hours(), 1);
    near("threshold", checkout.fired.map(|row| row.faster_than), 3.36, 1e-9);
    let hours = checkout.gone_in.map(|gone| gone.as_secs_f64() / 3_600.0);
    near("gone in", hours, (1.0 - bad / 6_048.0) * 168.0 / 20.0, 0.2);
    let state = world.state("checkout");
    assert_eq!(state.health, Health::Degraded);
    let reason = state.reason.as_str();
    assert!(reason.starts_with("availability: budget gone in 3 h"), "{reason}");
    assert!(reason.ends_with("(38 % left)"), "{reason}");

    // A fifth more than there was, said and not clamped. 1.2 is below 1.4, which pages, and above 0.9: a matter of days,
    // which degrades nothing.
    let login = world.budget("login");
    near("login left", login.left, -0.2, 0.005);
    near("login burn", burn(login, 6 * HOUR), 1.2, 0.01);
    assert_eq!((login.verdict, world.state("login").health), (Burning::Ticket, Health::Ok));
}

fn nothing_is_neither_red_nor_green(world: &World) {
    // No error series: nothing was bad, because the requests are counted.
    let search = world.budget("search");
    near("search left", search.left, 1.0, 0.0);
    near("search bad", search.bad, 0.0, 0.0);
    assert_eq!((search.verdict, world.state("search").health), (Burning::Calm, Health::Ok));

    // Counters that do not move: no traffic.
    let night = world.budget("night");
    assert_eq!((night.verdict, night.left), (Burning::NoTraffic, None));
    let state = world.state("night");
    assert_eq!((state.health, state.reason.as_str()), (Health::Unknown, "no traffic"));

    // No counters: nobody knows.
    let missing = world.budget("missing");
    assert_eq!((missing.verdict, missing.left), (Burning::Unknown, None));
    assert_eq!(world.state("missing").health, Health::Unknown);

    // One that cannot be asked costs only itself, and says why.
    let odd = world.state("odd");
    let of = |name: &str| odd.slos.iter().find(|b| b.name.as_str() == name).unwrap();
    assert_eq!((of("typo").verdict, of("typo").left), (Burning::Unknown, None));
    assert!(of("typo").words().as_str().contains("parse error"), "{}", of("typo").words());
    assert!(of("nan").verdict <= Burning::NoTraffic && of("nan").left.is_none());
    assert_eq!(odd.health, Health::Unknown);
}

fn recorded_ones_are_found(world: &World) {
    let web = world.budget("web");
    assert_eq!((web.written, web.name.as_str()), (Written::Sloth, "requests"));
    assert_eq!((web.weighted.word(), web.period.as_hours()), ("time", 30 * 24));
    near("web left", web.left, 0.41, 1e-9);
    near("web burn", burn(web, HOUR), 15.0, 1e-6);
    assert_eq!(web.verdict, Burning::Page);
    assert_eq!(world.state("web").health, Health::Degraded);

    let api = world.budget("api");
    assert_eq!((api.written, api.name.as_str()), (Written::Pyrra, "api-errors"));
    assert_eq!((api.weighted.word(), api.period.as_hours()), ("events", 28 * 24));
    near("api left", api.left, 0.5, 1e-9);
    near("api burn", burn(api, 5 * MINUTE), 3.0, 1e-6);
    // 3 and 2 are below Pyrra's 14 and 7, and 3 in a day and in two hours above its 2.
    assert_eq!(api.verdict, Burning::Ticket);
    assert_eq!(api.fired.unwrap().long.as_hours(), 24);
}
