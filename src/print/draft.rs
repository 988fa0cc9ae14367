//! The beginning of a post-mortem: a template with what andon knows of an incident filled in, and nothing that it does not know.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::markdown::escaped;
use crate::insight::words::{earlier, later, number, span};
use crate::insight::{Before, Trouble, alike, deploys_from, moment, survey, version};
use crate::model::{Board, Clean, Health, Incident, LogEntry, LogKind, Name, Service, Turned};
use crate::page::{Scene, listed};

/// The template of the SRE book's postmortem chapter, in our own words.
pub const SRE: &str = include_str!("../../assets/post-mortems/sre.md");
/// The fields of `PagerDuty`'s template, in our own words.
pub const PAGERDUTY: &str = include_str!("../../assets/post-mortems/pagerduty.md");

/// What a document is begun for.
pub struct Occasion<'a> {
    pub incident: Option<&'a Incident>,
    /// Index into `Team::services`.
    pub service: Option<usize>,
    pub title: Clean,
    pub authors: Clean,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What was known when it was over, where that is remembered: its numbers and who was on call.
    pub then: Option<&'a Board>,
    /// How services turned, as it was seen while andon watched; oldest first.
    pub turned: &'a [Turned],
}

impl Occasion<'_> {
    /// From a little before it to a little after it.
    pub fn window(&self, now: Timestamp) -> RangeInclusive<Timestamp> {
        let until = self.ended.unwrap_or(now);
        let began = self.began.unwrap_or(until);
        earlier(began, AROUND)..=later(until, AROUND)
    }

    /// The day it is named by, in the team's zone: that of its beginning.
    pub fn date(&self, scene: &Scene<'_>) -> jiff::civil::Date {
        scene.zone.to_datetime(self.began.unwrap_or(scene.now)).date()
    }
}

/// How long before the beginning numbers are looked at, and how long after the end.
const AROUND: SignedDuration = SignedDuration::from_mins(30);
const SLICES: usize = 120;
const LIKE: usize = 3;

/// The words that may stand between `{{` and `}}`.
pub const FIELDS: &[&str] = &[
    "title",
    "date",
    "authors",
    "severity",
    "services",
    "duration",
    "incident",
    "changes",
    "detection",
    "timeline",
    "numbers",
    "on_call",
    "like",
];

/// Fills a template: `{{field}}` where it has such, else its title, its labels and the section of its timeline.
pub fn draft(scene: &Scene<'_>, occasion: &Occasion<'_>, template: &str) -> String {
    let value = |field: &str| field_of(scene, occasion, field);
    let marked = FIELDS.iter().any(|field| template.contains(&format!("{{{{{field}}}}}")));
    let filled = if marked { by_fields(template, value) } else { by_headings(template, value) };
    // A field that had nothing to say leaves one blank line, not three.
    let mut out = String::with_capacity(filled.len());
    let mut blanks = 0;
    for line in filled.lines() {
        blanks = if line.trim().is_empty() { blanks + 1 } else { 0 };
        if blanks < 2 {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn by_fields(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let field = after.split_once("}}").filter(|(field, _)| FIELDS.contains(&field.trim()));
        if let Some((field, tail)) = field {
            out.push_str(&value(field.trim()));
            rest = tail;
        } else {
            out.push_str("{{");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// A team's own template without fields: its title is replaced, known labels get their value, the timeline its rows,
/// and the rest of what is known comes last.
fn by_headings(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let (mut titled, mut timed, mut fenced) = (false, false, false);
    for line in template.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced && !titled && line.starts_with("# ") {
            titled = true;
            let _ = writeln!(out, "# {} {}", value("date"), value("title"));
            continue;
        }
        if let Some((label, field)) = labelled(line).filter(|_| !fenced)
            && !value(field).is_empty()
        {
            let _ = writeln!(out, "{label} {}", value(field));
            continue;
        }
        let _ = writeln!(out, "{line}");
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        if !fenced && !timed && line.starts_with('#') && heading.starts_with("timeline") {
            timed = true;
            let _ = write!(out, "\n{}\n", value("timeline"));
        }
    }
    if !titled {
        out.insert_str(0, &format!("# {} {}\n\n", value("date"), value("title")));
    }
    if !timed {
        let _ = write!(out, "\n## Timeline\n\n{}\n", value("timeline"));
    }
    let known: Vec<String> = ["changes", "detection", "numbers", "on_call", "like"]
        .iter()
        .map(|field| value(field))
        .filter(|words| !words.is_empty())
        .collect();
    if !known.is_empty() {
        let _ = write!(out, "\n## Supporting information\n\n{}\n", known.join("\n\n"));
    }
    out
}

/// `**Severity**:` and `Severity:` with the field that belongs there.
fn labelled(line: &str) -> Option<(&str, &'static str)> {
    let (label, _) = line.split_at_checked(line.find(':')? + 1)?;
    let bold = line.get(label.len()..).is_some_and(|rest| rest.starts_with("**"));
    let label = if bold { line.get(..label.len() + 2)? } else { label };
    let word: String = label.chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
    let field = match word.trim().to_lowercase().as_str() {
        "severity" => "severity",
        "duration" => "duration",
        "service" | "services" => "services",
        "date" => "date",
        "author" | "authors" | "owner" => "authors",
        "incident" => "incident",
        _ => return None,
    };
    Some((label, field))
}

fn field_of(scene: &Scene<'_>, occasion: &Occasion<'_>, field: &str) -> String {
    match field {
        "title" => escaped(occasion.title.as_str()),
        "date" => occasion.date(scene).to_string(),
        "authors" => escaped(occasion.authors.as_str()),
        "severity" => match occasion.incident.and_then(|i| i.severity) {
            Some(severity) => format!("SEV-{}", severity.0),
            None => String::new(),
        },
        "services" => service_of(scene, occasion).map_or_else(String::new, |s| s.name.to_string()),
        "duration" => duration(occasion),
        "incident" => incident(occasion),
        "changes" => changes(scene, occasion),
        "detection" => detection(occasion),
        "timeline" => timeline(scene, occasion),
        "numbers" => numbers(scene, occasion),
        "on_call" => on_call(scene, occasion),
        "like" => like(scene, occasion),
        _ => String::new(),
    }
}

fn service_of<'a>(scene: &Scene<'a>, occasion: &Occasion<'_>) -> Option<&'a Service> {
    occasion.service.and_then(|i| scene.team.services.get(i))
}

/// `1h 35m`, as readers of post-mortems write it.
fn duration(occasion: &Occasion<'_>) -> String {
    let Some((began, ended)) = occasion.began.zip(occasion.ended) else { return String::new() };
    let minutes = ended.duration_since(began).as_mins().max(0);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

fn incident(occasion: &Occasion<'_>) -> String {
    let Some(incident) = occasion.incident else { return String::new() };
    let reference = escaped(incident.reference.as_str());
    match &incident.url {
        Some(url) if reference.is_empty() => url.as_str().to_owned(),
        Some(url) => format!("[{reference}]({})", url.as_str()),
        None => reference,
    }
}

/// Changes just before, as facts in time; which of them mattered is for people to find out.
fn changes(scene: &Scene<'_>, occasion: &Occasion<'_>) -> String {
    let Some((service, began)) = occasion.service.zip(occasion.began) else {
        return String::new();
    };
    let found = Before::new(scene.board, scene.team).suspects(service, began);
    let mut out = String::new();
    if found.is_empty() {
        return "Nothing that andon knows of in the six hours before.".to_owned();
    }
    for suspect in found {
        let before = match suspect.before_s {
            // What ended then may have begun before or after: a rollback is no change just before.
            _ if suspect.at > began => {
                format!("ended {} after it began", span(suspect.at.duration_since(began)))
            }
            0 => "under way when it began".to_owned(),
            s => format!("{} before it began", span(SignedDuration::from_secs(s))),
        };
        let of = suspect.service.map(|s| format!(" of {s}")).unwrap_or_default();
        let who = if suspect.who.is_empty() { String::new() } else { format!(", {}", suspect.who) };
        let words = format!("{}{of}{who}: {before}", suspect.what);
        let _ = writeln!(out, "- {}", escaped(&words));
    }
    out.trim_end().to_owned()
}

fn detection(occasion: &Occasion<'_>) -> String {
    let Some(incident) = occasion.incident else { return String::new() };
    let after = |at: Option<Timestamp>| {
        let length = at?.duration_since(incident.started?);
        (!length.is_negative()).then(|| span(length))
    };
    let mut words = Vec::new();
    words.extend(after(incident.acked).map(|l| format!("Acknowledged after {l}.")));
    words.extend(after(incident.mitigated).map(|l| format!("Mitigated after {l}.")));
    words.extend(after(incident.resolved).map(|l| format!("Resolved after {l}.")));
    words.join(" ")
}

/// Everything dated that andon knows from a little before it to its end, oldest first.
fn timeline(scene: &Scene<'_>, occasion: &Occasion<'_>) -> String {
    let mut steps: BTreeSet<(Timestamp, String)> = BTreeSet::new();
    let window = occasion.window(scene.now);
    let service = service_of(scene, occasion);
    if let (Some(i), Some(at)) = (occasion.service, occasion.began) {
        let before = Before::new(scene.board, scene.team).suspects(i, at);
        for suspect in before.into_iter().filter(|s| window.contains(&s.at)) {
            let of = suspect.service.map(|s| format!(" of {s}")).unwrap_or_default();
            steps.insert((suspect.at, format!("{}{of}{}", suspect.what, by(&suspect.who))));
        }
    }
    if let Some(service) = service {
        for deploy in scene.board.deploys.all().map(|r| &r.what) {
            let Some(at) = moment(deploy).filter(|at| window.contains(at)) else { continue };
            if deploys_from(service, deploy) {
                let words = format!(
                    "deploy {} of {} to {}{}: {}",
                    version(deploy),
                    service.name,
                    deploy.environment,
                    by(&deploy.who),
                    deploy.outcome.word()
                );
                // The same deploy as a change before it says less.
                steps.retain(|(then, said)| *then != at || !said.starts_with("deploy"));
                steps.insert((at, words));
            }
        }
        let own = |labels| service.owns_labels(labels);
        for record in scene.board.alerts.all().filter(|r| own(&r.what.labels)) {
            let alert = &record.what;
            let (began, verb) = match alert.started {
                Some(at) => (at, "fires"),
                None => (record.first_seen, "is seen firing"),
            };
            if window.contains(&began) {
                let summary = match alert.summary.as_str() {
                    "" => String::new(),
                    words => format!(": {words}"),
                };
                steps.insert((began, format!("{} {verb}{summary}", alert.name)));
            }
            if let Some(at) = record.gone.filter(|at| window.contains(at)) {
                steps.insert((at, format!("{} no longer fires", alert.name)));
            }
        }
    }
    steps.extend(turns(scene, occasion, &window));
    if let Some(incident) = occasion.incident {
        let written = log(scene.board, incident);
        // The log says who, and may say it several times: what the incident itself says of it is a part of that.
        let told = |kind| written.iter().any(|entry| entry.kind == kind);
        let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
        let acked = format!("acknowledged{}", by(&Clean::line(who.join(", "))));
        let opened = format!("incident {} is opened: {}", incident.reference, incident.title);
        let acked_at = incident.acked.filter(|_| !told(LogKind::Acknowledged));
        let resolved_at = incident.resolved.filter(|_| !told(LogKind::Resolved));
        for (at, words) in [
            (incident.started, opened),
            (acked_at, acked),
            (incident.mitigated, "mitigated".to_owned()),
            (resolved_at, "resolved".to_owned()),
        ] {
            steps.extend(at.map(|at| (at, words)));
        }
        steps.extend(written.iter().map(|entry| (entry.at, entry_words(entry))));
    }
    let mut out = String::from("| Time (UTC) | Event |\n| --- | --- |\n");
    for (at, words) in steps {
        let clock = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string();
        let _ = writeln!(out, "| {clock} | {} |", escaped(&words));
    }
    out.trim_end().to_owned()
}

/// What was written down about an incident.
fn log<'a>(board: &'a Board, incident: &Incident) -> Vec<&'a LogEntry> {
    let all = board.log.of(&incident.key.source).map(|(_, record)| &record.what);
    all.filter(|entry| entry.incident == incident.key).collect()
}

/// `acknowledged by Lin`, `escalated to Ada`, `Lin: rolled back to v411`.
fn entry_words(entry: &LogEntry) -> String {
    let to = if entry.text.is_empty() { String::new() } else { format!(" to {}", entry.text) };
    let who = by(&entry.who);
    match entry.kind {
        LogKind::Acknowledged => format!("acknowledged{who}"),
        LogKind::Unacknowledged => format!("let go of{who}"),
        LogKind::Assigned => format!("assigned{to}{who}"),
        LogKind::Escalated => format!("escalated{to}"),
        LogKind::Snoozed => format!("snoozed{who}"),
        LogKind::Resolved => format!("resolved{who}"),
        LogKind::Noted if entry.who.is_empty() => format!("note: {}", entry.text),
        LogKind::Noted => format!("{}: {}", entry.who, entry.text),
    }
}

/// How its service turned, and those it stands on: `checkout is down: error rate 12 %`.
fn turns(
    scene: &Scene<'_>,
    occasion: &Occasion<'_>,
    window: &RangeInclusive<Timestamp>,
) -> BTreeSet<(Timestamp, String)> {
    let Some(service) = service_of(scene, occasion) else { return BTreeSet::new() };
    let near = |name: &Name| *name == service.name || service.depends_on.contains(name);
    let turned = occasion.turned.iter().filter(|t| window.contains(&t.at) && near(&t.service));
    let words = |t: &Turned| {
        let why = if t.reason.is_empty() || t.health.as_str() == Health::Ok.word() {
            String::new()
        } else {
            format!(": {}", t.reason)
        };
        (t.at, format!("{} is {}{why}", t.service, t.health))
    };
    turned.map(words).collect()
}

fn by(who: &Clean) -> String {
    if who.is_empty() { String::new() } else { format!(" by {who}") }
}

/// The service's numbers while it lasted: lowest and highest, with what good looks like.
fn numbers(scene: &Scene<'_>, occasion: &Occasion<'_>) -> String {
    let Some(service) = service_of(scene, occasion) else { return String::new() };
    let until = occasion.ended.unwrap_or(scene.now);
    let from = earlier(occasion.began.unwrap_or(until), AROUND);
    let mut rows = String::new();
    let board = occasion.then.unwrap_or(scene.board);
    for metric in crate::insight::numbers(board, service) {
        let Some(track) = board.tracks.get(&metric.id) else { continue };
        let seen: Vec<f64> =
            track.buckets(from, later(until, AROUND), SLICES).into_iter().flatten().collect();
        let Some(low) = seen.iter().copied().min_by(f64::total_cmp) else { continue };
        let high = seen.iter().copied().max_by(f64::total_cmp).unwrap_or(low);
        let good = metric.good.map(|b| crate::insight::words::bound(b, &metric.unit));
        let cell = |value: f64| escaped(number(value, &metric.unit).as_str());
        let _ = writeln!(
            rows,
            "| {} | {} | {} | {} |",
            escaped(metric.id.metric.as_str()),
            cell(low),
            cell(high),
            escaped(&good.unwrap_or_default())
        );
    }
    if rows.is_empty() {
        return String::new();
    }
    let head = "| Number | Lowest | Highest | Good |\n| --- | --- | --- | --- |";
    format!("{head}\n{}", rows.trim_end())
}

/// Who was on call when it began, and who took it.
fn on_call(scene: &Scene<'_>, occasion: &Occasion<'_>) -> String {
    let at = occasion.began.unwrap_or(scene.now);
    let then = survey(occasion.then.unwrap_or(scene.board), scene.team, at);
    let mut out = String::new();
    for turn in &then.on_call {
        let schedule =
            if turn.schedule.is_empty() { String::new() } else { format!(" ({})", turn.schedule) };
        let line = format!("- on call: {}\n", escaped(&format!("{}{schedule}", turn.who)));
        // Somebody may stand on several levels of one schedule.
        if !out.contains(&line) {
            out.push_str(&line);
        }
    }
    if let Some(incident) = occasion.incident.filter(|i| !i.who.is_empty()) {
        let who: Vec<&str> = incident.who.iter().map(Clean::as_str).collect();
        let _ = writeln!(out, "- had it: {}", escaped(&who.join(", ")));
    }
    out.trim_end().to_owned()
}

/// Earlier documents that are like it, with what they have in common.
fn like(scene: &Scene<'_>, occasion: &Occasion<'_>) -> String {
    let trouble = match occasion.incident {
        Some(incident) => Trouble::of_incident(scene.board, scene.team, scene.survey, incident),
        None => Trouble {
            services: service_of(scene, occasion).map(|s| s.name.clone()).into_iter().collect(),
            words: occasion.title.to_string(),
            ..Trouble::default()
        },
    };
    let mut out = String::new();
    let issues = listed::issues(scene);
    for like in alike(listed::on(scene, &issues), scene.team, &trouble, LIKE) {
        let Some(p) = scene.board.post_mortems.get(&like.key).map(|r| &r.what) else { continue };
        let open = match like.open {
            0 => String::new(),
            n => format!("; {n} of its actions still open"),
        };
        let words = format!("{} ({}): {}{open}", p.title, p.path, like.words());
        let _ = writeln!(out, "- like it: {}", escaped(&words));
    }
    out.trim_end().to_owned()
}

/// A file name of a day and a title: lower case, words joined by dashes.
pub fn file_name(date: jiff::civil::Date, title: &str) -> String {
    let mut words = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() {
            words.push(c);
        } else if !words.ends_with('-') && !words.is_empty() {
            words.push('-');
        }
        if words.len() >= 60 {
            break;
        }
    }
    let words = words.trim_end_matches('-');
    let words = if words.is_empty() { "incident" } else { words };
    format!("{date}-{words}.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teams_own_template_keeps_its_words_and_gets_what_is_known() {
        let template = "# DATE, TITLE\n\n**Severity**: SEV-?\n**Loss:** ?\nservices:\n\n## Timeline\n\n## Actions\n\n```\n# no title\n```\n";
        let value = |field: &str| match field {
            "title" => "Pool dry".to_owned(),
            "date" => "2026-11-22".to_owned(),
            "severity" => "SEV-2".to_owned(),
            "services" => "checkout".to_owned(),
            "timeline" => "| Time (UTC) | Event |".to_owned(),
            _ => String::new(),
        };
        assert_eq!(
            by_headings(template, value),
            "# 2026-11-22 Pool dry\n\n**Severity**: SEV-2\n**Loss:** ?\nservices: checkout\n\n## Timeline\n\n| Time (UTC) | Event |\n\n## Actions\n\n```\n# no title\n```\n"
        );
    }

    #[test]
    fn fields_are_filled_once_and_what_is_no_field_stays() {
        let value = |field: &str| format!("<{{{{date}}}} {field}>");
        assert_eq!(
            by_fields("{{ title }} {{other}} {{date}} {{", value),
            "<{{date}} title> {{other}} <{{date}} date> {{",
            "what is filled in is not filled again"
        );
    }

    #[test]
    fn a_file_name_is_made_of_a_day_and_plain_words() {
        let day = "2026-11-22".parse().unwrap();
        assert_eq!(file_name(day, "Checkout: 50% fail!"), "2026-11-22-checkout-50-fail.md");
        assert_eq!(file_name(day, "../../etc/passwd"), "2026-11-22-etc-passwd.md");
        assert_eq!(file_name(day, "…"), "2026-11-22-incident.md");
        assert!(file_name(day, &"word ".repeat(99)).len() < 90);
    }
}
