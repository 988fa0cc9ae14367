//! `[[service]]`: what is watched, its numbers and promises, and which source answers for them.

use std::ops::Range;

use crate::config::problem::nearest;
use crate::config::raw;
use crate::config::tree::Value;
use crate::model::{
    Clean, Comparison, Matching, Metric, MetricId, Name, Role, Service, Slo, SourceName, Unit,
};

use super::site::{Site, known, unique};

/// A number that a source gives to a service nobody configured would be shown nowhere.
pub fn own_service(metric: &Metric, source: &Value, services: &[&str], site: &mut Site<'_>) {
    let Some(service) = metric.id.service.as_ref().map(Name::as_str) else { return };
    if services.contains(&service) {
        return;
    }
    let span = source.get_ref().get("metrics").map_or(source.span(), toml::Spanned::span);
    let near = nearest(service, services.iter().copied());
    let hint = near.map(|near| format!("did you mean `{near}`?"));
    let message = format!("metric {}: no service is called `{service}`", metric.id.metric);
    site.problem(&span, message, hint);
}

/// A group that holds itself, by way of its parts, would never be judged.
pub fn no_circles(services: &[raw::Service], site: &mut Site<'_>) {
    let parts = |name: &str| {
        let service = services.iter().find(|s| s.name.get_ref() == name);
        service.map_or(&[][..], |s| &s.members)
    };
    for service in services.iter().filter(|s| !s.members.is_empty()) {
        let name = service.name.get_ref().as_str();
        for part in service.members.iter().filter(|part| part.get_ref() != name) {
            let mut reached = vec![part.get_ref().as_str()];
            let mut next = 0;
            while let Some(inner) = reached.get(next).copied() {
                for far in parts(inner).iter().map(|text| text.get_ref().as_str()) {
                    if !reached.contains(&far) {
                        reached.push(far);
                    }
                }
                next += 1;
            }
            if reached.contains(&name) {
                let message = format!("`{name}` would be a part of itself, by way of this one");
                site.problem(&part.span(), message, None);
            }
        }
    }
}

pub fn build_service(
    raw: &raw::Service,
    services: &[&str],
    sources: &[&str],
    askable: &[&str],
    counting: &[&str],
    site: &mut Site<'_>,
) -> Service {
    let name = Name::new(raw.name.get_ref());
    let mut depends_on = Vec::new();
    for parent in &raw.depends_on {
        if parent.get_ref() == raw.name.get_ref() {
            site.problem(&parent.span(), "a service cannot depend on itself", None);
        } else if known(parent, services, "service", site) {
            depends_on.push(Name::new(parent.get_ref()));
        }
    }
    let mut members = Vec::new();
    for part in &raw.members {
        if part.get_ref() == raw.name.get_ref() {
            site.problem(&part.span(), "a service is no part of itself", None);
        } else if known(part, services, "service", site) {
            members.push(Name::new(part.get_ref()));
        }
    }
    unique(raw.members.iter(), "member of this service", site);
    unique(raw.metrics.iter().map(|m| &m.name), "metric of this service", site);
    unique(raw.slos.iter().map(|s| &s.name), "objective of this service", site);
    let labels =
        raw.matching.labels.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect();
    Service {
        owner: Clean::line(raw.owner.as_deref().unwrap_or_default()),
        depends_on,
        // What its parts count is theirs: a group is watched by nothing but them, unless it says so.
        finds: raw.found.unwrap_or(members.is_empty()),
        members,
        repo: Clean::line(raw.repo.as_deref().unwrap_or_default()),
        runbook: site.link(raw.runbook.as_ref()),
        chat: Clean::line(raw.chat.as_deref().unwrap_or_default()),
        matching: Matching {
            labels,
            pagerduty: raw.matching.pagerduty.as_deref().unwrap_or_default().into(),
            github_environment: Clean::line(
                raw.matching.github_environment.as_deref().unwrap_or_default(),
            ),
            argocd: Clean::line(raw.matching.argocd.as_deref().unwrap_or_default()),
            jira: Clean::line(raw.matching.jira.as_deref().unwrap_or_default()),
        },
        metrics: raw
            .metrics
            .iter()
            .filter_map(|m| build_metric(m, &name, sources, askable, site))
            .collect(),
        slos: raw.slos.iter().filter_map(|s| build_slo(s, sources, counting, site)).collect(),
        name,
    }
}

/// The source a query goes to: the one named, or the only one that can answer queries.
pub fn asked(
    named: Option<&raw::Text>,
    near: &Range<usize>,
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Option<SourceName> {
    match (named, askable) {
        (Some(named), _) => {
            known(named, sources, "source", site).then(|| SourceName::new(named.get_ref()))
        }
        (None, [only]) => Some(SourceName::new(only)),
        (None, []) => {
            site.problem(
                near,
                "no source can answer this query",
                Some("add a [[source]] of kind \"prometheus\"".to_owned()),
            );
            None
        }
        (None, several) => {
            let hint = format!("add source = one of {}", several.join(", "));
            site.problem(near, "several sources could answer this query", Some(hint));
            None
        }
    }
}

pub fn build_metric(
    raw: &raw::Metric,
    service: &Name,
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Option<Metric> {
    let source = asked(raw.source.as_ref(), &raw.query.span(), sources, askable, site);
    let unit = Unit::parse(raw.unit.as_deref().unwrap_or_default());
    let (good, bad) = (site.bound(raw.good.as_ref()), site.bound(raw.bad.as_ref()));
    if let (Some(good), Some(bad), Some(text)) = (good, bad, &raw.bad)
        && good.holds(bad.value)
        && bad.holds(good.value)
    {
        site.problem(&text.span(), "good and bad overlap: a number could be both", None);
    }
    if raw.query.get_ref().trim().is_empty() {
        site.problem(&raw.query.span(), "an empty query", None);
    }
    // Without a role the unit tells: what is left over is what the business counts. A share that is good when it is
    // great is of what went well: among the errors `100 %` would say that everything fails.
    let is_floor = |op: Comparison| matches!(op, Comparison::Greater | Comparison::GreaterOrEqual);
    let role = raw.role.unwrap_or(match unit {
        Unit::Percent | Unit::Ratio if good.is_some_and(|good| is_floor(good.op)) => Role::Business,
        Unit::Seconds | Unit::Milliseconds => Role::Latency,
        Unit::Percent | Unit::Ratio => Role::Errors,
        Unit::PerSecond => Role::Traffic,
        Unit::Bytes => Role::Saturation,
        _ => Role::Business,
    });
    let id = MetricId { service: Some(service.clone()), metric: Name::new(raw.name.get_ref()) };
    Some(Metric {
        id,
        source: source?,
        query: raw.query.get_ref().as_str().into(),
        unit,
        role,
        good,
        bad,
        weight: raw.weight,
    })
}

pub fn build_slo(
    raw: &raw::Slo,
    sources: &[&str],
    counting: &[&str],
    site: &mut Site<'_>,
) -> Option<Slo> {
    let source = asked(raw.source.as_ref(), &raw.window.span(), sources, counting, site);
    if let (Some(named), Some(source)) = (&raw.source, &source)
        && !counting.contains(&source.as_str())
    {
        let message = format!("{source} counts no events in windows");
        let hint = "an objective needs a source of kind \"prometheus\"".to_owned();
        site.problem(&named.span(), message, Some(hint));
        return None;
    }
    let objective = *raw.objective.get_ref();
    if !(objective > 0.0 && objective < 100.0) {
        site.problem(
            &raw.objective.span(),
            "an objective lies between 0 and 100 percent, and is neither",
            Some("e.g. 99.9".to_owned()),
        );
        return None;
    }
    let window = site.duration_of_days(&raw.window)?;
    for (key, query) in [("bad", &raw.bad), ("total", &raw.total)] {
        if !query.get_ref().contains("$window") {
            let message = format!("`{key}` is asked in several windows, and names none");
            let hint = "write $window for the window: sum(increase(…[$window]))".to_owned();
            site.problem(&query.span(), message, Some(hint));
        }
    }
    Some(Slo {
        name: Name::new(raw.name.get_ref()),
        objective,
        window,
        source: source?,
        bad: raw.bad.get_ref().as_str().into(),
        total: raw.total.get_ref().as_str().into(),
    })
}
