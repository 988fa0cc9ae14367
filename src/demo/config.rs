//! The configuration of the demo's team: what a team of one's own would write, with reasons.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use jiff::ToSpan;

use super::cast::{ORG, SERVICES, Service};
use super::world::{World, ZONE};

/// The text of `andon.toml` for a demo served at `address`, with its files below `folder`.
pub fn config(world: &World, address: SocketAddr, folder: &Path) -> String {
    let origin = format!("http://{address}");
    let repos: Vec<String> = SERVICES.iter().map(|s| format!("\"{ORG}/{}\"", s.name)).collect();
    let (from, until) = holidays(world);
    let mut out = SOURCES
        .replace("@ORIGIN@", &origin)
        .replace("@ZONE@", ZONE)
        .replace("@REPOS@", &repos.join(", "))
        .replace("@FOLDER@", &toml_text(&folder.join("post-mortems").to_string_lossy()))
        .replace("@FROM@", &from)
        .replace("@UNTIL@", &until);
    for service in SERVICES {
        one_service(&mut out, service, &origin);
    }
    out
}

/// A TOML string of any path.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The coming year-end freeze, as local moments.
fn holidays(world: &World) -> (String, String) {
    let from = super::calendars::year_end(world);
    let until = from.saturating_add(16.days());
    (format!("{from}T16:00:00"), format!("{until}T08:00:00"))
}

const SOURCES: &str = r#"# The demo's team. Everything here is made up and served on this machine only; every key is one you can use yourself.

[team]
name = "Harbour"
timezone = "@ZONE@"
environments = ["staging", "production"]   # in the order releases pass through; the last one counts

# --- Where to ask -----------------------------------------------------------------------------------------------

[[source]]
name = "prom"
kind = "prometheus"
url = "@ORIGIN@/prometheus"                # a path prefix is kept
every = "5s"                               # a demo is in a hurry; 15s is plenty elsewhere

[[source]]
name = "alerts"
kind = "alertmanager"
url = "@ORIGIN@/alertmanager"
every = "5s"
# An alert that fires always: when it stops to arrive, all green would be a lie.
expects = [{ name = "watchdog", labels = { alertname = "Watchdog" } }]

[[source]]
name = "github"
kind = "github"
url = "@ORIGIN@/github/api/v3"             # GitHub Enterprise is told by its address
every = "10s"
repos = [@REPOS@]

[[source]]
name = "argo"
kind = "argocd"
url = "@ORIGIN@/argocd"                    # ledger and mail are synced by the cluster itself
every = "10s"
environment_label = "environment"

[[source]]
name = "pager"
kind = "pagerduty"
url = "@ORIGIN@/pagerduty"
every = "10s"

[[source]]
name = "flags"
kind = "json"                              # a log of flags, in LaunchDarkly's shape; yours may look otherwise
url = "@ORIGIN@/flags/api/v2/auditlog?limit=20"
every = "10s"
changes = { at = "/items", time = "/date", time_unit = "ms", title = ["/name", "/shortDescription"], who = "/member/firstName", service = "/parent/name", kind = "flag", url = "/_links/site/href", id = "/_id" }

[[source]]
name = "trains"
kind = "ical"
url = "@ORIGIN@/calendars/releases.ics"
as = "release"

[[source]]
name = "quiet-days"
kind = "ical"
url = "@ORIGIN@/calendars/freezes.ics"
as = "freeze"

[[source]]
name = "rota"
kind = "ical"
url = "@ORIGIN@/calendars/on-call.ics"
as = "on-call"

[[source]]
name = "works"
kind = "ical"
url = "@ORIGIN@/calendars/maintenance.ics"
as = "maintenance"

[[source]]
name = "post-mortems"
kind = "markdown"
path = @FOLDER@

[[source]]
name = "business"
kind = "json"                              # any JSON over HTTP, read by JSON Pointer
url = "@ORIGIN@/kpi.json"
every = "15s"
metrics = [
  { name = "revenue-today", at = "/revenue/today", unit = "EUR", role = "business" },
  { name = "orders today", at = "/orders/today", unit = "count", role = "business" },
  { name = "conversion", at = "/conversion/percent", unit = "%", role = "business" },
]

# --- When to leave things alone ---------------------------------------------------------------------------------

[[freeze]]
name = "weekend, money"
start = "0 15 * * 5"                       # Friday afternoon
end = "0 8 * * 1"                          # Monday morning
services = ["payments", "ledger", "db"]
override = "ask whoever is on call for Money"

[[freeze]]
name = "year-end sale"
from = @FROM@
until = @UNTIL@
override = "two people and a rollback plan"
"#;

fn one_service(out: &mut String, s: &Service, origin: &str) {
    let name = s.name;
    let needs: Vec<String> = s.depends_on.iter().map(|d| format!("\"{d}\"")).collect();
    if name == "web" {
        out.push_str(
            "\n# --- What we run -------------------------------------------------------------------\
             -----------------------------\n",
        );
    }
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r##"
[[service]]
name = "{name}"
owner = "{owner}"
depends_on = [{needs}]
repo = "{ORG}/{name}"
runbook = "https://runbooks.harbour.example/{name}"
chat = "#{chat}"
match = {{ pagerduty = "{pager}" }}          # alerts are found by their label service = "{name}"
"##,
        owner = s.owner,
        needs = needs.join(", "),
        chat = s.owner.to_lowercase(),
        pager = s.pager,
    );
    let (good, bad) = (limit(s.p95 * 1.9), limit(s.p95 * 4.5));
    metric(
        out,
        "p95",
        &format!(
            "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{service=\"{name}\"}}[1m])))"
        ),
        "s",
        "latency",
        Some((&format!("< {good}"), &format!("> {bad}"))),
        "critical",
    );
    metric(
        out,
        "errors",
        &format!(
            "sum(rate(http_requests_total{{service=\"{name}\",code=~\"5..\"}}[1m])) / sum(rate(http_requests_total{{service=\"{name}\"}}[1m]))"
        ),
        "ratio",
        "errors",
        Some(("< 0.01", "> 0.05")),
        "critical",
    );
    metric(
        out,
        "requests",
        &format!("sum(rate(http_requests_total{{service=\"{name}\"}}[1m]))"),
        "per-second",
        "traffic",
        None,
        "info",
    );
    let workers = if name == "db" { "connections" } else { "workers" };
    metric(
        out,
        workers,
        &format!("workers_busy{{service=\"{name}\"}} / workers{{service=\"{name}\"}}"),
        "ratio",
        "saturation",
        Some(("< 0.9", "> 0.99")),
        "important",
    );
    business(out, name);
    let _ = write!(
        out,
        "\n  [[service.probe]]\n  http = \"{origin}/healthz/{name}\"\n  every = \"5s\"\n  timeout = \"3s\"\n"
    );
    if let Some(objective) = objective(name) {
        // Two weeks are short enough for ten minutes of trouble to be seen in their budget.
        let window = if name == "checkout" { "14d" } else { "30d" };
        let _ = write!(
            out,
            r#"
  [[service.slo]]
  name = "availability"
  objective = {objective}
  window = "{window}"
  source = "prom"
  bad = 'sum(increase(http_requests_total{{service="{name}",code=~"5.."}}[$window]))'
  total = 'sum(increase(http_requests_total{{service="{name}"}}[$window]))'
"#
        );
    }
}

fn objective(name: &str) -> Option<&'static str> {
    match name {
        // More than payments can keep: its budget is overspent, and nobody is called for it.
        "web" | "checkout" | "login" | "payments" => Some("99.9"),
        "search" => Some("99.5"),
        _ => None,
    }
}

/// A limit with two digits that mean something.
fn limit(seconds: f64) -> f64 {
    let scale = 10_f64.powf(seconds.log10().floor() - 1.0);
    let rounded = (seconds / scale).round() * scale;
    (rounded * 1e6).round() / 1e6
}

fn metric(
    out: &mut String,
    name: &str,
    query: &str,
    unit: &str,
    role: &str,
    bounds: Option<(&str, &str)>,
    weight: &str,
) {
    let _ = write!(
        out,
        "\n  [[service.metric]]\n  name = \"{name}\"\n  source = \"prom\"\n  query = '{query}'\n  unit = \"{unit}\"\n  role = \"{role}\"\n"
    );
    if let Some((good, bad)) = bounds {
        let _ = write!(out, "  good = \"{good}\"\n  bad = \"{bad}\"\n");
    }
    let _ = writeln!(out, "  weight = \"{weight}\"");
}

/// Numbers of the business beside the technical ones.
fn business(out: &mut String, name: &str) {
    let mut add = |name, query: &str, unit, bounds, weight| {
        metric(out, name, query, unit, "business", bounds, weight);
    };
    match name {
        "checkout" => {
            add("orders", "60 * sum(rate(shop_orders_total[1m]))", "/min", None, "info");
            add(
                "orders against last week",
                "sum(rate(shop_orders_total[1m])) / sum(rate(shop_orders_total[5m] offset 1w))",
                "ratio",
                Some(("> 0.6", "< 0.1")),
                "important",
            );
        }
        "payments" => {
            add("revenue", "3600 * sum(rate(shop_revenue_euros_total[2m]))", "EUR", None, "info");
        }
        "login" => add("sign-ups", "3600 * sum(rate(shop_signups_total[1m]))", "/h", None, "info"),
        "mail" => add(
            "oldest mail",
            "mail_queue_oldest_seconds",
            "s",
            Some(("< 180", "> 1800")),
            "important",
        ),
        "web" => {
            out.push_str(
                "\n  [[service.metric]]\n  name = \"revenue today\"\n  source = \"business\"\n  \
                 query = \"revenue-today\"\n  unit = \"EUR\"\n  role = \"business\"\n  weight = \"info\"\n",
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_somebody_would_write() {
        assert_eq!(
            [limit(0.399), limit(0.945), limit(0.036), limit(3.04)].map(|l| l.to_string()),
            ["0.4", "0.95", "0.036", "3"]
        );
    }

    #[test]
    fn the_year_end_freeze_always_lies_ahead() {
        for day in ["2026-11-25T09:30:00Z", "2026-12-20T09:30:00Z", "2027-01-02T09:30:00Z"] {
            let world = World::new(day.parse().unwrap(), 0.0, 1.0, 7);
            let (from, until) = holidays(&world);
            assert!(from.as_str() > &day[..10] && until > from, "{from} {until}");
        }
    }
}
