//! `[[release]]`: releases the team means to make, by a cron, at a moment, or by a recurrence rule from a moment on.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::freezes::{covered, cron, moment};
use super::site::Site;
use crate::config::raw;
use crate::model::{Calendar, Clean, Plan, PlanRule, Purpose, SourceName};
use crate::source::ical;

pub fn build_plan(
    raw: &raw::Release,
    zone: &TimeZone,
    services: &[&str],
    site: &mut Site<'_>,
) -> Option<Plan> {
    let zone = raw.timezone.as_ref().and_then(|t| site.zone(t)).unwrap_or_else(|| zone.clone());
    let lasts = match &raw.lasts {
        None => None,
        Some(text) => Some(
            SignedDuration::try_from(site.duration(Some(text), std::time::Duration::ZERO)).ok()?,
        ),
    };
    let rule = match (&raw.cron, &raw.at, &raw.rule) {
        (Some(text), None, None) => PlanRule::Cron {
            pattern: Box::new(cron(text, site)?),
            zone,
            lasts: lasts.unwrap_or_default(),
        },
        (None, Some(at), rule) => {
            let event = written(raw.name.get_ref(), at, rule.as_ref(), lasts, &zone, site)?;
            PlanRule::Calendar(Arc::new(event))
        }
        _ => {
            let hint = "cron = \"0 10 * * 2\"; or at = 2026-12-01T10:00:00, with or without rule = \"FREQ=WEEKLY\"";
            site.problem(&raw.name.span(), "when is this release made?", Some(hint.to_owned()));
            return None;
        }
    };
    Some(Plan {
        name: Clean::line(raw.name.get_ref()),
        rule,
        services: covered(raw.services.as_deref(), services, site),
    })
}

/// The plan as a calendar would publish it, so that rules mean here what they mean in every calendar.
fn written(
    name: &str,
    at: &toml::Spanned<toml::value::Datetime>,
    rule: Option<&raw::Text>,
    lasts: Option<SignedDuration>,
    zone: &TimeZone,
    site: &mut Site<'_>,
) -> Option<Calendar> {
    let start = moment(at, zone, site)?;
    let all_day = at.get_ref().time.is_none() && lasts.is_none();
    let mut text = format!("BEGIN:VEVENT\r\nUID:{}\r\n", Clean::line(name));
    text.push_str(&dtstart(start, all_day, zone));
    if let Some(lasts) = lasts {
        let _ = write!(text, "DURATION:PT{}S\r\n", lasts.as_secs());
    }
    if let Some(rule) = rule {
        let _ = write!(text, "RRULE:{}\r\n", Clean::line(rule.get_ref()));
    }
    text.push_str("END:VEVENT\r\n");
    let read =
        ical::calendar(text.as_bytes(), &SourceName::new("config"), Purpose::Release).ok()?;
    if let Some(rule) = rule {
        let event = read.events.first();
        let refused = event.and_then(|e| e.refused).map(|why| why.to_string());
        let nothing = || "no recurrence rule".to_owned();
        let problem = match event {
            Some(event) if refused.is_none() && event.rules.len() == 1 => None,
            _ => Some(refused.unwrap_or_else(nothing)),
        };
        if let Some(problem) = problem {
            let hint = "as in a calendar, e.g. FREQ=MONTHLY;BYDAY=3TH or FREQ=WEEKLY;INTERVAL=2";
            site.problem(&rule.span(), problem, Some(hint.to_owned()));
            return None;
        }
    }
    Some(read)
}

fn dtstart(start: Timestamp, all_day: bool, zone: &TimeZone) -> String {
    let local = start.to_zoned(zone.clone());
    if all_day {
        return format!("DTSTART;VALUE=DATE:{}\r\n", local.strftime("%Y%m%d"));
    }
    // A zone without a name is the machine's own: read where the calendar is looked at.
    let tzid = zone.iana_name().map_or_else(String::new, |name| format!(";TZID={name}"));
    format!("DTSTART{tzid}:{}\r\n", local.strftime("%Y%m%dT%H%M%S"))
}
