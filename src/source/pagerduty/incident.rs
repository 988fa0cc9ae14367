//! `PagerDuty` incidents in the common form: who has it, how bad it is, and when it was acknowledged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::memory::Ack;
use super::part::Page;
use crate::model::{Clean, Incident, IncidentStatus, Key, Severity, SourceName, Trouble};
use crate::source::rows::{self, Gaps, Row};

/// The account's priorities by id, 1 for the highest: their names are free words.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Ranks(BTreeMap<String, u8>);

impl Ranks {
    /// The list comes in order, the highest first.
    pub fn read(pages: &[Page<'_>], gaps: &mut Gaps) -> Self {
        let mut ids = Vec::new();
        for page in pages {
            ids.extend(gaps.read("priorities", &page.items, |row| row.id("/id")));
        }
        Self(ids.into_iter().zip((1..=5).chain(std::iter::repeat(5))).collect())
    }

    fn severity(&self, row: &Row<'_>, name: &str) -> Option<Severity> {
        Severity::parse(name).or_else(|| {
            let id = row.id("/priority/id")?;
            self.0.get(&id).copied().map(Severity)
        })
    }
}

/// Reads one incident. Its service's id stays raw, for matching; nothing but its own id is required.
pub fn read(row: &Row<'_>, source: &SourceName, ranks: &Ranks) -> Option<Incident> {
    let id = row.id("/id")?;
    let status = match row.raw("/status") {
        "triggered" => IncidentStatus::Open,
        "acknowledged" => IncidentStatus::Acked,
        "resolved" => IncidentStatus::Resolved,
        "" => IncidentStatus::Other("unknown".into()),
        word => IncidentStatus::Other(Clean::line(word)),
    };
    let name = row.first_text(&["/priority/name", "/priority/summary"]);
    let urgency = row.text("/urgency");
    let acks = row.rows("/acknowledgements");
    let mut who = people(&acks, "/acknowledger");
    if who.is_empty() {
        who = people(&row.rows("/assignments"), "/assignee");
    }
    let resolved = match status {
        IncidentStatus::Resolved => {
            row.time("/resolved_at").or_else(|| row.time("/last_status_change_at"))
        }
        _ => None,
    };
    Some(Incident {
        reference: match row.number("/incident_number") {
            Some(number) => Clean::line(format_args!("#{number}")),
            None => Clean::line(&id),
        },
        key: Key::new(source, id),
        title: row.first_text(&["/title", "/summary", "/description"]),
        service_id: row.id("/service/id").unwrap_or_default().into(),
        service_name: row.first_text(&["/service/summary", "/service/name"]),
        severity: ranks.severity(row, name.as_str()).or_else(|| Severity::parse(urgency.as_str())),
        priority: if name.is_empty() { urgency } else { name },
        started: row.time("/created_at"),
        acked: acks.iter().filter_map(|a| a.time("/at")).min(),
        mitigated: None,
        resolved,
        status,
        who,
        policy: row.first_text(&["/escalation_policy/summary", "/escalation_policy/name"]),
        url: row.link("/html_url"),
    })
}

fn people(rows: &[Row<'_>], whom: &str) -> Vec<Clean> {
    let mut names: Vec<Clean> = Vec::new();
    for row in rows {
        let name = row.first_text(&[&format!("{whom}/name"), &format!("{whom}/summary")]);
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `{"incident": {…}}`; `None` and a gap when it cannot be read.
pub fn single(
    body: &[u8],
    source: &SourceName,
    ranks: &Ranks,
    gaps: &mut Gaps,
) -> Result<Option<Incident>, Trouble> {
    let answer = rows::members(body)?;
    let Some(incident) = answer.get("incident") else {
        return Err(Trouble::bad_data("no incident in the answer"));
    };
    Ok(gaps.read("incident", &[*incident], |row| read(row, source, ranks)).pop())
}

/// The first acknowledgement in an incident's log; empty when there was none.
pub fn acknowledged(body: &[u8], gaps: &mut Gaps) -> Result<Ack, Trouble> {
    let answer = rows::members(body)?;
    let items = rows::items_of(&answer, "log_entries")?.unwrap_or_default();
    let entries = gaps.read("log_entries", &items, |row| {
        let is_ack = row.raw("/type").starts_with("acknowledge_log_entry");
        let who = row.first_text(&["/agent/summary", "/agent/name"]);
        Some(is_ack.then(|| (row.time("/created_at"), who)))
    });
    let first = entries.into_iter().flatten().min_by_key(|(at, _)| (at.is_none(), *at));
    Ok(first.map_or_else(Ack::default, |(at, who)| Ack {
        at,
        who: Some(who.to_string()).filter(|w| !w.is_empty()).into_iter().collect(),
    }))
}

/// Gives an ended incident the acknowledgement that was seen while it was open, and keeps those that are seen now.
pub fn complete(incident: &mut Incident, acks: &mut BTreeMap<String, Ack>) {
    let id = incident.key.id.raw();
    if incident.acked.is_some() {
        let who = incident.who.iter().map(ToString::to_string).collect();
        let first = acks.get(id).and_then(|a| a.at).into_iter().chain(incident.acked).min();
        incident.acked = first;
        acks.insert(id.to_owned(), Ack { at: first, who });
    } else if let Some(ack) = acks.get(id) {
        incident.acked = ack.at;
        if incident.who.is_empty() {
            incident.who = ack.who.iter().map(Clean::line).collect();
        }
    }
}
