//! What was written down about one incident: its log (who had it, whom it went to) and the notes of people.

use std::collections::BTreeSet;

use super::{PagerDuty, find, judge, part};
use crate::model::{Clean, Fact, Id, Key, LogEntry, LogKind, Report, Trouble};
use crate::source::rows::{self, Gaps, Row};
use crate::source::{Asking, Exchange, Reading, Request, Source};

const LOG: &str = "log";
const NOTES: &str = "notes";

#[derive(Debug)]
struct Log {
    pager: PagerDuty,
    id: Box<str>,
}

pub fn of(pager: &PagerDuty, incident: &Id) -> Option<Box<dyn Source>> {
    // It becomes part of a path.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    let id = incident.raw();
    (!id.is_empty() && id.bytes().all(plain))
        .then(|| -> Box<dyn Source> { Box::new(Log { pager: pager.clone(), id: id.into() }) })
}

impl Source for Log {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        let path = |below: &str| format!("incidents/{}/{below}", self.id);
        // The overview leaves out whom it rang, and when.
        let query = [
            ("is_overview", "true".to_owned()),
            ("limit", part::LIMIT.to_string()),
            ("time_zone", "UTC".to_owned()),
        ];
        vec![
            self.pager.get(LOG.to_owned(), &path("log_entries"), &query),
            self.pager.get(NOTES.to_owned(), &path("notes"), &[]),
        ]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut report = Report::default();
        let mut gaps = Gaps::default();
        let mut missed = Vec::new();
        for (tag, list) in [(LOG, "log_entries"), (NOTES, "notes")] {
            let Some(exchange) = find(heard, tag) else { continue };
            let read = judge(exchange, asking.now).and_then(|answer| {
                let members = rows::members(&answer.body)?;
                let items = rows::items_of(&members, list)?.unwrap_or_default();
                // What is no entry of ours is none that is missing.
                let read =
                    |row: &Row<'_>| Some(if tag == LOG { self.entry(row) } else { self.note(row) });
                Ok(gaps.read(list, &items, read))
            });
            match read {
                Ok(entries) => {
                    report.facts.extend(entries.into_iter().flatten().map(Fact::LogEntry));
                }
                Err(trouble) => missed.push((list, trouble)),
            }
        }
        match missed.as_slice() {
            [] => {}
            [(list, trouble)] => {
                report.partial = Some(Clean::line(format_args!("{list}: {trouble}")));
            }
            [(_, trouble), ..] => return Err(trouble.clone()),
        }
        let mut seen = BTreeSet::new();
        report.facts.retain(|fact| match fact {
            Fact::LogEntry(entry) => seen.insert(entry.key.clone()),
            _ => true,
        });
        Ok(Reading::Done(report))
    }
}

impl Log {
    fn key(&self, row: &Row<'_>) -> Option<Key> {
        Some(Key::new(&self.pager.name, format!("incidents/{}/{}", self.id, row.id("/id")?)))
    }

    fn entry(&self, row: &Row<'_>) -> Option<LogEntry> {
        let kind = match row.raw("/type").trim_end_matches("_reference") {
            "acknowledge_log_entry" => LogKind::Acknowledged,
            "unacknowledge_log_entry" => LogKind::Unacknowledged,
            "assign_log_entry" | "reassign_log_entry" => LogKind::Assigned,
            "escalate_log_entry" => LogKind::Escalated,
            "snooze_log_entry" => LogKind::Snoozed,
            "resolve_log_entry" => LogKind::Resolved,
            // Notes are read with their words; what begins it is told by the incident, and of the rest it makes no story.
            _ => return None,
        };
        let to: Vec<String> = row
            .rows("/assignees")
            .iter()
            .map(|r| r.first_text(&["/name", "/summary"]).to_string())
            .filter(|name| !name.is_empty())
            .collect();
        Some(LogEntry {
            key: self.key(row)?,
            incident: Key::new(&self.pager.name, &*self.id),
            at: row.time("/created_at")?,
            who: row.first_text(&["/agent/summary", "/agent/name"]),
            kind,
            text: Clean::line(to.join(", ")),
        })
    }

    fn note(&self, row: &Row<'_>) -> Option<LogEntry> {
        Some(LogEntry {
            key: self.key(row)?,
            incident: Key::new(&self.pager.name, &*self.id),
            at: row.time("/created_at")?,
            who: row.first_text(&["/user/summary", "/user/name"]),
            kind: LogKind::Noted,
            text: row.text("/content"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceName;
    use crate::source::wire::testing::reply;
    use std::collections::BTreeMap;
    use url::Url;

    fn log(id: &str) -> Option<Box<dyn Source>> {
        let pager = PagerDuty {
            name: SourceName::new("pd"),
            base: Url::parse("https://api.pagerduty.com").unwrap(),
            services: Vec::new(),
            teams: Vec::new(),
        };
        of(&pager, &Id::new(id))
    }

    const ENTRIES: &str = r#"{"log_entries":[
        {"id":"R3","type":"resolve_log_entry","created_at":"2026-11-22T10:20:00Z","agent":{"summary":"Lin"}},
        {"id":"R2","type":"escalate_log_entry","created_at":"2026-11-22T10:05:00Z","agent":{"summary":"checkout"},
            "assignees":[{"summary":"Ada Lovelace"},{"summary":"Lin"}]},
        {"id":"R1","type":"acknowledge_log_entry_reference","created_at":"2026-11-22T10:02:00Z","agent":{"summary":"Lin"}},
        {"id":"R9","type":"notify_log_entry","created_at":"2026-11-22T10:01:00Z"},
        {"id":"R8","type":"acknowledge_log_entry","created_at":"soon"}]}"#;
    const WORDS: &str = r#"{"notes":[{"id":"N1","user":{"summary":"Lin"},"content":"rolled back\nto v411",
        "created_at":"2026-11-22T10:12:00Z"}]}"#;

    fn told(statuses: [u16; 2]) -> Result<Report, Trouble> {
        let source = log("PINC1").unwrap();
        let memory = BTreeMap::new();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round: 0, memory: &memory };
        let asked = source.ask(&asking);
        let heard: Vec<Exchange> = asked
            .iter()
            .zip([ENTRIES, WORDS])
            .zip(statuses)
            .map(|((request, body), status)| reply(request, status, body))
            .collect();
        source.read(&asking, &heard).map(|reading| match reading {
            Reading::Done(report) => report,
            Reading::More(_) => panic!("not done"),
        })
    }

    #[test]
    fn a_log_tells_who_had_it_whom_it_went_to_and_what_people_wrote() {
        let report = told([200, 200]).unwrap();
        let words = |fact: &Fact| {
            let Fact::LogEntry(e) = fact else { panic!("{fact:?}") };
            assert_eq!(e.incident.id.raw(), "PINC1");
            format!("{} {:?} {}: {}", e.at.strftime("%H:%M"), e.kind, e.who, e.text)
        };
        assert_eq!(
            report.facts.iter().map(words).collect::<Vec<_>>(),
            [
                "10:20 Resolved Lin: ",
                "10:05 Escalated checkout: Ada Lovelace, Lin",
                "10:02 Acknowledged Lin: ",
                "10:12 Noted Lin: rolled back to v411",
            ]
        );
    }

    #[test]
    fn one_of_the_two_lists_is_better_than_none() {
        let report = told([403, 200]).unwrap();
        assert_eq!(report.facts.len(), 1);
        assert!(report.partial.unwrap().as_str().starts_with("log_entries: "));
        assert!(told([404, 404]).is_err());
        assert!(log("../users").is_none() && log("").is_none());
    }
}
