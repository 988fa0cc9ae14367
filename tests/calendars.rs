//! Calendars as the world writes them: every recurrence case, the vector of the wire facts, and a corpus of odd feeds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use andon::model::{Budget, Calendar, Expansion, Purpose, SourceName, Window};
use andon::source::ical;
use jiff::{Timestamp, tz::TimeZone};

fn read(bytes: &[u8]) -> Result<Calendar, String> {
    ical::calendar(bytes, &SourceName::new("feed"), Purpose::Release).map_err(|e| e.to_string())
}

fn window(from: &str, until: &str) -> Window {
    Window { from: from.parse().unwrap(), until: until.parse().unwrap() }
}

fn year_2026() -> Window {
    window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
}

fn in_utc(calendar: &Calendar, window: Window) -> Expansion {
    calendar.expand(window, &TimeZone::UTC, Budget::default())
}

/// `20260316T093000Z Title`, as the golden file writes it.
fn lines(expansion: &Expansion) -> Vec<String> {
    let stamp = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    expansion.occurrences.iter().map(|o| format!("{} {}", stamp(o.start), o.title)).collect()
}

fn feed(events: &str) -> Vec<u8> {
    format!("BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n", events.trim().replace('\n', "\r\n"))
        .into_bytes()
}

#[test]
fn every_recurrence_case_gives_the_occurrences_of_the_reference() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/ical/recurrence-cases");
    let golden = std::fs::read(folder.join("golden.json")).unwrap();
    let golden: BTreeMap<String, Vec<String>> = serde_json::from_slice(&golden).unwrap();
    assert_eq!(golden.len(), 37);
    let mut wrong = Vec::new();
    for (name, expected) in golden {
        let expected = match name.as_str() {
            // The reference gives up on the whole feed; the event that is there is plain to see.
            "R_noend" => vec!["20260616T093000Z good".to_owned()],
            // An event whose rule cannot be read still happens at its start, and that it repeats is said;
            // the reference drops it without a word.
            "Q_badone" => vec!["20260616T093000Z good".into(), "20260617T093000Z badrule".into()],
            // The reference unfolds characters instead of bytes, and breaks this one.
            "T_fold_mid_utf8" => vec!["20260616T093000Z café ok".to_owned()],
            // A title is one line here, without blanks at its ends.
            "N_messy" => vec!["20260616T083000Z Long , escaped; name line2".to_owned()],
            _ => expected,
        };
        let bytes = std::fs::read(folder.join(format!("{name}.ics"))).unwrap();
        let found = lines(&in_utc(&read(&bytes).unwrap(), year_2026()));
        if found != expected {
            wrong.push(format!("{name}:\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_vector_of_the_wire_facts_holds() {
    let bytes = feed(
        "BEGIN:VEVENT
UID:v
DTSTART;TZID=Europe/London:20261020T100000
DURATION:PT1H
RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=6
EXDATE;TZID=Europe/London:20261103T100000
SUMMARY:train
END:VEVENT
BEGIN:VEVENT
UID:v
RECURRENCE-ID;TZID=Europe/London:20261110T100000
DTSTART;TZID=Europe/London:20261111T140000
DURATION:PT1H
SUMMARY:train
END:VEVENT",
    );
    assert_eq!(
        lines(&in_utc(&read(&bytes).unwrap(), year_2026())),
        [
            "20261020T090000Z train",
            "20261027T100000Z train",
            "20261111T140000Z train",
            "20261117T100000Z train",
            "20261124T100000Z train",
        ]
    );
}
