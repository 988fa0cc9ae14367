//! The metric store's HTTP interface, as Prometheus 2.42 speaks it.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::alerts::{self, Raised, Rule};
use super::cast::SERVICES;
use super::clock::{Secs, rfc3339_ms, secs};
use super::promql::Refusal;
use super::promql::eval::{Evaluator, Row, Value};
use super::promql::parse::{Selector, duration, parse, parse_selector};
use super::promql::series::Labels;
use super::reply::{Asked, Reply};
use super::world::World;

const MOST_POINTS: f64 = 11_000.0;

pub fn answer(world: &World, asked: &Asked, now: Secs) -> Reply {
    let get = asked.method == "GET";
    let post = asked.method == "POST";
    match asked.parts().as_slice() {
        ["api", "v1", "query"] if get || post => query(world, asked, now),
        ["api", "v1", "query_range"] if get || post => query_range(world, asked, now),
        ["api", "v1", "rules"] if get => rules(world, asked, now),
        ["api", "v1", "alerts"] if get => {
            let all: Vec<Json> = alerts::raised(world, now).iter().map(|r| alert(r, now)).collect();
            success(&json!({ "alerts": all }))
        }
        ["api", "v1", "labels"] if get || post => labels(world, asked, now, None),
        ["api", "v1", "label", name, "values"] if get => labels(world, asked, now, Some(name)),
        ["api", "v1", "series"] if get || post => series(world, asked, now),
        ["api", "v1", "targets"] if get => targets(now),
        ["api", "v1", "status", "buildinfo"] if get => success(&json!({
            "version": "2.42.0",
            "revision": "andon-demo",
            "branch": "HEAD",
            "buildUser": "andon",
            "buildDate": "20230131-18:00:00",
            "goVersion": "go1.19.5",
        })),
        ["-", "healthy"] if get => Reply::text(200, "Prometheus Server is Healthy.\n"),
        ["-", "ready"] if get => Reply::text(200, "Prometheus Server is Ready.\n"),
        ["api", "v1", "query" | "query_range" | "rules" | "alerts" | "targets"] => {
            Reply::text(405, "Method Not Allowed\n")
        }
        _ => Reply::text(404, "404 page not found\n"),
    }
}

fn success(data: &Json) -> Reply {
    Reply::json(200, &json!({ "status": "success", "data": data }))
}

fn failure(status: u16, kind: &str, error: &str) -> Reply {
    Reply::json(status, &json!({ "status": "error", "errorType": kind, "error": error }))
}

fn refused(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::Parse(error) => {
            failure(400, "bad_data", &format!("invalid parameter \"query\": {error}"))
        }
        Refusal::Execution(error) => failure(422, "execution", error),
    }
}

/// Float seconds or RFC 3339.
fn moment(text: &str) -> Option<Secs> {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() => Some(n),
        Ok(_) => None,
        Err(_) => text.parse::<Timestamp>().ok().map(secs),
    }
}

fn bad_time(name: &str, text: &str) -> Reply {
    failure(
        400,
        "bad_data",
        &format!("invalid parameter \"{name}\": cannot parse \"{text}\" to a valid timestamp"),
    )
}

/// The version in production and the alerts, as series that hold now.
fn momentary(world: &World, now: Secs) -> Vec<(Labels, f64)> {
    let mut out = Vec::new();
    for s in SERVICES {
        let version = super::rollouts::live_version(world, s.name, now);
        let pairs = [
            ("__name__", "build_info".to_owned()),
            ("job", s.name.to_owned()),
            ("service", s.name.to_owned()),
            ("version", format!("v{version}")),
        ];
        out.push((pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(), 1.0));
    }
    for raised in alerts::raised(world, now) {
        let mut labels = raised.all_labels();
        labels.insert("__name__".into(), "ALERTS".into());
        let state = if raised.is_firing(now) { "firing" } else { "pending" };
        labels.insert("alertstate".into(), state.into());
        out.push((labels, 1.0));
    }
    out
}

/// A number as Go prints it with `%f`-less formatting: `NaN`, `+Inf`, shortest digits.
fn digits(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        value.to_string()
    }
}

fn stamp(at: Secs) -> Json {
    json!((at * 1000.0).round() / 1000.0)
}

fn query(world: &World, asked: &Asked, now: Secs) -> Reply {
    let at = match asked.one("time") {
        Some(text) => match moment(text) {
            Some(at) => at,
            None => return bad_time("time", text),
        },
        None => now,
    };
    let expr = match parse(asked.one("query").unwrap_or("")) {
        Ok(expr) => expr,
        Err(refusal) => return refused(&refusal),
    };
    // Nobody can know the future: a sample from there is the newest one.
    let evaluator = Evaluator::new(world, vec![at.min(now)], momentary(world, now));
    match evaluator.evaluate(&expr) {
        Ok(Value::Scalar(n)) => {
            let n = n.first().copied().unwrap_or(f64::NAN);
            success(&json!({ "resultType": "scalar", "result": [stamp(at), digits(n)] }))
        }
        Ok(Value::Text(text)) => {
            success(&json!({ "resultType": "string", "result": [stamp(at), text] }))
        }
        Ok(Value::Vector(rows)) => {
            let one = |row: &Row| {
                let value = row.values.first().copied().flatten()?;
                Some(json!({ "metric": row.labels, "value": [stamp(at), digits(value)] }))
            };
            let result: Vec<Json> = rows.iter().filter_map(one).collect();
            success(&json!({ "resultType": "vector", "result": result }))
        }
        Ok(Value::Matrix(rows)) => {
            let one = |(labels, points): &(Labels, Vec<(f64, f64)>)| {
                let values: Vec<Json> =
                    points.iter().map(|(t, v)| json!([stamp(*t), digits(*v)])).collect();
                json!({ "metric": labels, "values": values })
            };
            let result: Vec<Json> = rows.iter().map(one).collect();
            success(&json!({ "resultType": "matrix", "result": result }))
        }
        Err(refusal) => refused(&refusal),
    }
}

fn query_range(world: &World, asked: &Asked, now: Secs) -> Reply {
    let (from, until) = (asked.one("start").unwrap_or(""), asked.one("end").unwrap_or(""));
    let Some(start) = moment(from) else { return bad_time("start", from) };
    let Some(end) = moment(until) else { return bad_time("end", until) };
    let step = asked.one("step").unwrap_or("");
    let Some(step) = step.parse::<f64>().ok().or_else(|| duration(step)).filter(|s| s.is_finite())
    else {
        return failure(
            400,
            "bad_data",
            "invalid parameter \"step\": cannot parse to a valid duration",
        );
    };
    if end < start {
        return failure(
            400,
            "bad_data",
            "invalid parameter \"end\": end timestamp must not be before start time",
        );
    }
    if step <= 0.0 {
        return failure(
            400,
            "bad_data",
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        );
    }
    if (end - start) / step > MOST_POINTS {
        return failure(
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    let expr = match parse(asked.one("query").unwrap_or("")) {
        Ok(expr) => expr,
        Err(refusal) => return refused(&refusal),
    };
    let steps = ((end - start) / step + 1e-6).floor() as u32;
    // The store has nothing about what is to come, nor from before it was set up.
    let times: Vec<f64> = (0..=steps)
        .map(|i| start + f64::from(i) * step)
        .filter(|t| *t <= now && *t > world.clock.origin - 400.0 * 86_400.0)
        .collect();
    let evaluator = Evaluator::new(world, times.clone(), momentary(world, now));
    let rows = match evaluator.evaluate(&expr) {
        Ok(Value::Vector(rows)) => rows,
        Ok(Value::Scalar(n)) => {
            vec![Row { labels: Labels::new(), values: n.into_iter().map(Some).collect() }]
        }
        Ok(Value::Text(_) | Value::Matrix(_)) => {
            return failure(
                400,
                "bad_data",
                "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
            );
        }
        Err(refusal) => return refused(&refusal),
    };
    let one = |row: &Row| {
        let both = times.iter().zip(&row.values);
        let values: Vec<Json> =
            both.filter_map(|(t, v)| Some(json!([stamp(*t), digits((*v)?)]))).collect();
        (!values.is_empty()).then(|| json!({ "metric": row.labels, "values": values }))
    };
    let result: Vec<Json> = rows.iter().filter_map(one).collect();
    success(&json!({ "resultType": "matrix", "result": result }))
}

fn alert(raised: &Raised, now: Secs) -> Json {
    json!({
        "labels": raised.all_labels(),
        "annotations": annotations(raised),
        "state": if raised.is_firing(now) { "firing" } else { "pending" },
        "activeAt": rfc3339_ms(raised.pending),
        "value": format!("{:e}", raised.value),
    })
}

pub fn annotations(raised: &Raised) -> Json {
    json!({
        "summary": raised.summary,
        "description": raised.description,
        "runbook_url": format!("https://runbooks.harbour.example/{}", raised.rule),
    })
}

fn rules(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.one("type").is_some_and(|t| t == "record") {
        return success(&json!({ "groups": [] }));
    }
    let raised = alerts::raised(world, now);
    let mut groups: Vec<(&str, Vec<Json>)> = Vec::new();
    for rule in alerts::rules() {
        let json = one_rule(&rule, &raised, now);
        match groups.iter_mut().find(|(name, _)| *name == rule.group) {
            Some((_, rules)) => rules.push(json),
            None => groups.push((rule.group, vec![json])),
        }
    }
    let evaluated = rfc3339_ms((now / 5.0).floor() * 5.0);
    let groups: Vec<Json> = groups
        .into_iter()
        .map(|(name, rules)| {
            json!({
                "name": name,
                "file": format!("/etc/prometheus/rules/{name}.yml"),
                "rules": rules,
                "interval": 5,
                "limit": 0,
                "evaluationTime": 0.000_913,
                "lastEvaluation": evaluated,
            })
        })
        .collect();
    success(&json!({ "groups": groups }))
}

fn one_rule(rule: &Rule, raised: &[Raised], now: Secs) -> Json {
    let own: Vec<&Raised> = raised.iter().filter(|r| r.rule == rule.name).collect();
    let state = if rule.broken.is_some() || own.is_empty() {
        "inactive"
    } else if own.iter().any(|r| r.is_firing(now)) {
        "firing"
    } else {
        "pending"
    };
    let mut labels = json!({ "severity": rule.severity });
    if let (Some(service), Some(map)) = (rule.service, labels.as_object_mut()) {
        map.insert("service".into(), service.into());
    }
    let mut json = json!({
        "state": state,
        "name": rule.name,
        "query": rule.query,
        "duration": rule.waits,
        "keepFiringFor": 0,
        "labels": labels,
        "annotations": {
            "summary": rule.summary,
            "runbook_url": format!("https://runbooks.harbour.example/{}", rule.name),
        },
        "alerts": own.iter().map(|r| alert(r, now)).collect::<Vec<_>>(),
        "health": if rule.broken.is_some() { "err" } else { "ok" },
        "evaluationTime": 0.000_31,
        "lastEvaluation": rfc3339_ms((now / 5.0).floor() * 5.0),
        "type": "alerting",
    });
    if let (Some(error), Some(map)) = (rule.broken, json.as_object_mut()) {
        map.insert("lastError".into(), error.into());
    }
    json
}

fn selectors(asked: &Asked) -> Result<Vec<Selector>, Refusal> {
    asked.many("match").into_iter().map(parse_selector).collect()
}

fn label_sets(world: &World, asked: &Asked, now: Secs) -> Result<Vec<Labels>, Refusal> {
    let selectors = selectors(asked)?;
    Evaluator::new(world, vec![now], momentary(world, now)).series(&selectors)
}

fn labels(world: &World, asked: &Asked, now: Secs, of: Option<&str>) -> Reply {
    let sets = match label_sets(world, asked, now) {
        Ok(sets) => sets,
        Err(refusal) => return refused(&refusal),
    };
    let mut found: Vec<String> = match of {
        Some(name) => sets.iter().filter_map(|set| set.get(name).cloned()).collect(),
        None => sets.iter().flat_map(|set| set.keys().cloned()).collect(),
    };
    found.sort();
    found.dedup();
    success(&json!(found))
}

fn series(world: &World, asked: &Asked, now: Secs) -> Reply {
    if asked.many("match").is_empty() {
        return failure(400, "bad_data", "no match[] parameter provided");
    }
    match label_sets(world, asked, now) {
        Ok(sets) => success(&json!(sets)),
        Err(refusal) => refused(&refusal),
    }
}

fn targets(now: Secs) -> Reply {
    let one = |service: &super::cast::Service, copy: u8| {
        let instance = format!("{}-{copy}.harbour.internal:8080", service.name);
        let url = format!("http://{instance}/metrics");
        json!({
            "discoveredLabels": { "__address__": instance, "__scheme__": "http", "job": service.name },
            "labels": { "instance": instance, "job": service.name },
            "scrapePool": service.name,
            "scrapeUrl": url,
            "globalUrl": url,
            "lastError": "",
            "lastScrape": rfc3339_ms((now / 15.0).floor() * 15.0),
            "lastScrapeDuration": 0.004_1,
            "health": "up",
            "scrapeInterval": "15s",
            "scrapeTimeout": "10s",
        })
    };
    let active: Vec<Json> = SERVICES.iter().flat_map(|s| [one(s, 0), one(s, 1)]).collect();
    success(&json!({ "activeTargets": active, "droppedTargets": [] }))
}
