//! The release calendar for everybody's calendar application: RFC 5545, one event for each time something happens.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::insight::{Event, calendar};
use crate::model::{Name, Purpose, Window};
use crate::page::Scene;

/// Octets of a line, without its end (RFC 5545 §3.1).
const LINE: usize = 75;

/// Everything dated inside the window: releases with what they collide with, freezes, turns, maintenance, holidays.
pub fn ics(scene: &Scene<'_>, window: Window) -> String {
    let mut out = String::new();
    let name = if scene.team.name.is_empty() {
        "Releases".to_owned()
    } else {
        format!("{} releases", scene.team.name)
    };
    for fixed in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//andon//releases//EN"] {
        line(&mut out, fixed);
    }
    line(&mut out, &format!("X-WR-CALNAME:{}", text(&name)));
    for event in calendar(scene.board, scene.team, window, scene.zone) {
        one(&mut out, &event, scene.now);
    }
    line(&mut out, "END:VCALENDAR");
    out
}

fn one(out: &mut String, event: &Event, now: Timestamp) {
    line(out, "BEGIN:VEVENT");
    let id = event.id.id.clean();
    line(out, &format!("UID:{}", text(&format!("{}/{id}@andon", event.id.source))));
    line(out, &format!("DTSTAMP:{}", utc(now)));
    if let Some((first, last)) = event.days {
        let after = last.tomorrow().unwrap_or(last);
        line(out, &format!("DTSTART;VALUE=DATE:{}", first.strftime("%Y%m%d")));
        line(out, &format!("DTEND;VALUE=DATE:{}", after.strftime("%Y%m%d")));
    } else {
        line(out, &format!("DTSTART:{}", utc(event.start)));
        // What has no end that is known, or none at all, is a moment.
        if let Some(end) = event.end.filter(|end| *end > event.start) {
            line(out, &format!("DTEND:{}", utc(end)));
        }
    }
    line(out, &format!("SUMMARY:{}", text(event.title.as_str())));
    line(out, &format!("CATEGORIES:{}", event.purpose.word().to_uppercase()));
    if matches!(event.purpose, Purpose::Holiday | Purpose::OnCall) {
        // A holiday keeps nobody from being asked, and a turn is no appointment.
        line(out, "TRANSP:TRANSPARENT");
    }
    let status = event.status.as_str().to_uppercase();
    if ["TENTATIVE", "CONFIRMED", "CANCELLED"].contains(&status.as_str()) {
        line(out, &format!("STATUS:{status}"));
    }
    if !event.location.is_empty() {
        line(out, &format!("LOCATION:{}", text(event.location.as_str())));
    }
    if let Some(url) = &event.url {
        line(out, &format!("URL:{}", url.as_str()));
    }
    let mut said = event.description.as_str().to_owned();
    let services: Vec<&str> = event.services.iter().map(Name::as_str).collect();
    let notes = event
        .conflicts
        .iter()
        .map(|c| format!("! {c}"))
        .chain((!services.is_empty()).then(|| format!("services: {}", services.join(", "))));
    for note in notes {
        let gap = if said.is_empty() { "" } else { "\n" };
        let _ = write!(said, "{gap}{note}");
    }
    if !said.is_empty() {
        line(out, &format!("DESCRIPTION:{}", text(&said)));
    }
    line(out, "END:VEVENT");
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// RFC 5545 §3.3.11.
fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// One line, folded between characters.
fn line(out: &mut String, words: &str) {
    let mut used = 0;
    for c in words.chars() {
        if used + c.len_utf8() > LINE {
            out.push_str("\r\n ");
            used = 1;
        }
        out.push(c);
        used += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_folded_between_characters_within_its_octets() {
        let mut out = String::new();
        line(&mut out, &format!("SUMMARY:{}", "é€".repeat(60)));
        assert!(out.split("\r\n").all(|l| l.len() <= LINE), "{out}");
        assert_eq!(out.replace("\r\n ", "").trim_end(), format!("SUMMARY:{}", "é€".repeat(60)));
    }

    #[test]
    fn what_means_something_in_a_calendar_is_escaped() {
        assert_eq!(text("a,b;c\\d\ne"), "a\\,b\\;c\\\\d\\ne");
    }
}
