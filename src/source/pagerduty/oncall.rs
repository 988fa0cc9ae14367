//! Turns on call, the services behind an escalation policy, and change events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::part::Page;
use crate::model::{Change, Clean, Key, Shift, SourceName};
use crate::source::rows::{Gaps, Row};

/// Service ids by escalation policy.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Policies(BTreeMap<String, Vec<Box<str>>>);

impl Policies {
    pub fn read(pages: &[Page<'_>], gaps: &mut Gaps) -> Self {
        let mut policies: BTreeMap<String, Vec<Box<str>>> = BTreeMap::new();
        for page in pages {
            let pairs = gaps.read("services", &page.items, |row| {
                Some((row.id("/id")?, row.id("/escalation_policy/id").unwrap_or_default()))
            });
            for (service, policy) in pairs {
                policies.entry(policy).or_default().push(service.into());
            }
        }
        Self(policies)
    }
}

/// Reads one turn. No start or no end is permanent; no schedule is somebody named by the policy itself.
pub fn read(row: &Row<'_>, source: &SourceName, policies: &Policies) -> Option<Shift> {
    let user = row.id("/user/id")?;
    let policy = row.id("/escalation_policy/id").unwrap_or_default();
    let schedule = row.id("/schedule/id").unwrap_or_default();
    let level = row.number("/escalation_level").unwrap_or(1);
    // On-calls have no id of their own; two turns of one user on one level differ in their start.
    let identity = format!("{policy}/{level}/{user}/{schedule}/{}", row.raw("/start"));
    let name = row.first_text(&["/user/name", "/user/summary"]);
    Some(Shift {
        key: Key::new(source, identity),
        who: if name.is_empty() { user.into() } else { name },
        schedule: row
            .has("/schedule")
            .then(|| row.first_text(&["/schedule/summary", "/schedule/name"])),
        policy: row.first_text(&["/escalation_policy/summary", "/escalation_policy/name"]),
        level: u32::try_from(level).unwrap_or(u32::MAX),
        starts: row.time("/start"),
        ends: row.time("/end"),
        service_ids: policies.0.get(&policy).cloned().unwrap_or_default(),
    })
}

/// Reads one change event.
pub fn change(row: &Row<'_>, source: &SourceName) -> Option<Change> {
    let services = row.rows("/services");
    let links = row.rows("/links");
    Some(Change {
        key: Key::new(source, row.id("/id")?),
        summary: row.text("/summary"),
        origin: row.text("/source"),
        who: Clean::default(),
        at: row.time("/timestamp"),
        until: None,
        service_ids: services.iter().filter_map(|s| s.id("/id")).map(Into::into).collect(),
        service_names: services
            .iter()
            .map(|s| s.first_text(&["/summary", "/name"]))
            .filter(|name| !name.is_empty())
            .collect(),
        url: links.iter().find_map(|link| link.link("/href")),
    })
}
