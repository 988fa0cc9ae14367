//! Which part of a path belongs to which vendor, and the small endpoints that belong to none.

use std::time::Duration;

use serde_json::json;

use super::alertmanager::{self, Memory};
use super::cast::{self, SERVICES};
use super::clock::{Secs, rfc3339};
use super::reply::{Asked, Reply};
use super::world::World;
use super::{argocd, calendars, flags, github, pagerduty, prometheus};

pub fn answer(world: &World, memory: &mut Memory, asked: &Asked, now: Secs) -> Reply {
    let path = asked.path.clone();
    let below = |prefix: &str| {
        let rest = path.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| {
            let mut inner = asked.clone();
            rest.clone_into(&mut inner.path);
            inner
        })
    };
    if let Some(asked) = below("/prometheus") {
        prometheus::answer(world, &asked, now)
    } else if let Some(asked) = below("/alertmanager") {
        alertmanager::answer(world, memory, &asked, now)
    } else if let Some(asked) = below("/github") {
        github::answer(world, &asked, now)
    } else if let Some(asked) = below("/argocd") {
        argocd::answer(world, &asked, now)
    } else if let Some(asked) = below("/pagerduty/pages") {
        Reply::text(
            200,
            format!("This is andon's demo; a real pager would show {} here.\n", asked.path),
        )
    } else if let Some(asked) = below("/pagerduty") {
        pagerduty::answer(world, &asked, now)
    } else if let Some(asked) = below("/calendars") {
        calendars::answer(world, &asked).tagged(&asked)
    } else if let Some(asked) = below("/flags") {
        flags::answer(world, &asked, now)
    } else if path == "/kpi.json" {
        kpi(world, now)
    } else if let Some(name) = path.strip_prefix("/healthz/") {
        healthz(world, name, now)
    } else if path == "/" {
        Reply::text(200, WELCOME)
    } else {
        Reply::text(404, "404 page not found\n")
    }
}

const WELCOME: &str = "\
andon demo: a small team's upstreams, on loopback and made up.

  /prometheus       a metric store        promtool query instant http://HOST/prometheus 'up'
  /alertmanager     an alert router       amtool --alertmanager.url=http://HOST/alertmanager alert
  /github/api/v3    a code host (REST), /github/api/graphql
  /argocd           a deployer of the cluster
  /pagerduty        a pager
  /calendars        releases.ics, freezes.ics, on-call.ics, maintenance.ics
  /flags            a log of feature flags
  /kpi.json         numbers of the business
  /healthz/SERVICE  what a probe sees
";

/// Numbers from the business people: right, and a little slow.
fn kpi(world: &World, now: Secs) -> Reply {
    let midnight = world.midnight(now);
    let day = |f: &dyn Fn(Secs) -> f64| world.total(midnight, now, f).round();
    let window = (300.0 / world.clock.speed).max(5.0);
    let mean = |f: &dyn Fn(Secs) -> f64| world.total(now - window, now, f) / window;
    let orders_today = day(&|t| world.orders(t));
    let revenue_today = day(&|t| world.orders(t) * world.basket(t));
    let baskets = mean(&|t| world.orders(t)) * 60.0 * 3.1 + 14.0;
    let body = json!({
        "generated": rfc3339(now),
        "currency": "EUR",
        "orders": { "per_minute": round(mean(&|t| world.orders(t)) * 60.0), "today": orders_today },
        "revenue": {
            "per_hour": (mean(&|t| world.orders(t) * world.basket(t)) * 3600.0).round(),
            "today": revenue_today,
        },
        "signups": { "per_hour": (mean(&|t| world.signups(t)) * 3600.0).round(), "today": day(&|t| world.signups(t)) },
        "baskets": { "open": baskets.round() },
        "conversion": { "percent": round(3.4 * (mean(&|t| world.orders(t)) / (super::world::BUSY_ORDERS * world.rhythm(now))).min(1.1)) },
        // Nobody has answered yet today: no zero.
        "satisfaction": { "score": serde_json::Value::Null },
    });
    Reply::json(200, &body).after(Duration::from_millis(900))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// What a probe meets: a service that fails for many says so itself, slowly.
fn healthz(world: &World, name: &str, now: Secs) -> Reply {
    if !SERVICES.iter().any(|s| s.name == name) {
        return Reply::text(404, "no such service\n");
    }
    let level = world.level(cast::index(name), now);
    let delay = Duration::from_secs_f64((level.p95 * 0.4).clamp(0.002, 1.5));
    let version = super::rollouts::live_version(world, name, now);
    if level.errors > 0.08 {
        let body = json!({ "status": "failing", "version": format!("v{version}"), "check": "database", "error": "no connection within 1 s" });
        return Reply::json(503, &body).after(delay);
    }
    Reply::json(200, &json!({ "status": "ok", "version": format!("v{version}") })).after(delay)
}
