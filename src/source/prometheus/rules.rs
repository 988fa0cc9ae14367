//! Alerting rules with their health: a rule that cannot be evaluated looks inactive, and is broken.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::super::rows::{self, Gaps, Row};
use super::super::{Exchange, wire};
use super::answer::{Heard, hear};
use crate::model::{
    Alert, AlertRule, AlertState, Clean, Fact, Key, Labels, RuleHealth, RuleState, Severity,
    SourceName, Trouble,
};

/// Rules taken from one server; what is beyond is said.
const MOST: usize = 2_000;

pub struct Told {
    pub facts: Vec<Fact>,
    /// What fires or is about to, where that was asked for.
    pub alerts: Vec<Alert>,
    pub truncated: Option<Clean>,
}

/// Reads `/api/v1/rules`. With `alerts`, what fires or is about to becomes a fact of its own.
pub fn read(
    exchange: &Exchange,
    source: &SourceName,
    alerts: bool,
    gaps: &mut Gaps,
) -> Result<Told, Trouble> {
    let good = match hear(exchange) {
        Heard::Good(good) => good,
        Heard::Refused(words) => return Err(Trouble::bad_data(words)),
        Heard::Lost(trouble) => return Err(trouble),
    };
    let data = rows::members(good.data.get().as_bytes())?;
    let groups = rows::items_of(&data, "groups")?.unwrap_or_default();
    let mut told = Told { facts: Vec::new(), alerts: Vec::new(), truncated: None };
    let mut known = BTreeSet::new();
    gaps.read("/data/groups", &groups, |group| {
        for rule in group.rows("/rules").iter().filter(|rule| is_alerting(rule)) {
            if known.len() >= MOST {
                told.truncated =
                    Some(Clean::line(format_args!("rules truncated: the first {MOST} are read")));
                break;
            }
            let id = identity(&mut known, group, rule);
            let active = rule.rows("/alerts");
            told.facts.push(Fact::Rule(fact(source, &id, group, rule, &active)));
            if alerts {
                let firing = active.iter().filter_map(|active| alert(source, rule, active));
                told.alerts.extend(firing);
            }
        }
        Some(())
    });
    Ok(told)
}

/// Recording rules have no state, or an empty one.
fn is_alerting(rule: &Row<'_>) -> bool {
    match rule.raw("/type") {
        "" => !rule.raw("/state").is_empty(),
        kind => kind == "alerting",
    }
}

/// Servers give rules no identity: place, name and labels make one, and twins are counted.
fn identity(known: &mut BTreeSet<String>, group: &Row<'_>, rule: &Row<'_>) -> String {
    let (file, name) = (group.raw("/file"), group.raw("/name"));
    let base = format!("{file};{name};{};{}", rule.raw("/name"), named(&rule.labels("/labels")));
    let mut id = base.clone();
    let mut twin = 1;
    while !known.insert(id.clone()) {
        twin += 1;
        id = format!("{base}#{twin}");
    }
    id
}

fn named(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    pairs.join(",")
}

fn fact(
    source: &SourceName,
    id: &str,
    group: &Row<'_>,
    rule: &Row<'_>,
    active: &[Row<'_>],
) -> AlertRule {
    let state = match rule.raw("/state") {
        "inactive" => RuleState::Inactive,
        "pending" => RuleState::Pending,
        "firing" => RuleState::Firing,
        other => RuleState::Other(word(other)),
    };
    let health = match rule.raw("/health") {
        "ok" => RuleHealth::Ok,
        "err" => RuleHealth::Broken,
        "unknown" => RuleHealth::Unknown,
        other => RuleHealth::Other(word(other)),
    };
    let firing = active.iter().filter(|a| a.raw("/state") == "firing").count();
    AlertRule {
        key: Key::new(source, id),
        name: rule.text("/name"),
        group: group.text("/name"),
        query: rule.text("/query"),
        // Without its alerts, a firing rule has at least one.
        firing: firing.max(usize::from(state == RuleState::Firing)),
        state,
        health,
        last_error: rule.text("/lastError"),
        labels: rule.labels("/labels"),
        annotations: rule.labels("/annotations"),
        waits: SignedDuration::try_from_secs_f64(rule.float("/duration").unwrap_or_default())
            .unwrap_or_default(),
    }
}

fn alert(source: &SourceName, rule: &Row<'_>, active: &Row<'_>) -> Option<Alert> {
    let state = match active.raw("/state") {
        "inactive" => return None,
        "firing" => AlertState::Firing,
        "pending" => AlertState::Pending,
        other => AlertState::Other(word(other)),
    };
    let labels = active.labels("/labels");
    let name = active.first_text(&["/labels/alertname", "/name"]);
    Some(Alert {
        key: Key::new(source, format!("{}@{}", named(&labels), active.raw("/activeAt"))),
        name: if name.is_empty() { rule.text("/name") } else { name },
        labels,
        summary: active.text("/annotations/summary"),
        description: Clean::body(active.raw("/annotations/description"), BODY),
        state,
        suppressed: Vec::new(),
        severity: Severity::parse(active.raw("/labels/severity")),
        started: active.time("/activeAt"),
        receivers: Vec::new(),
        url: None,
        runbook: active.link("/annotations/runbook_url"),
    })
}

const BODY: usize = 4 * 1024;

fn word(text: &str) -> Clean {
    if text.is_empty() { Clean::from("not told") } else { Clean::line(wire::brief(text)) }
}
