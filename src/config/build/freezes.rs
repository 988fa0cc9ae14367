//! `[[freeze]]`: when deploys should wait, by two crons or two moments.

use std::str::FromStr as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::raw;
use crate::model::{Clean, Freeze, FreezeRule, Name};

use super::site::{Site, known};

pub fn build_freeze(
    raw: &raw::Freeze,
    zone: &TimeZone,
    services: &[&str],
    site: &mut Site<'_>,
) -> Option<Freeze> {
    let zone = raw.timezone.as_ref().and_then(|t| site.zone(t)).unwrap_or_else(|| zone.clone());
    let services = covered(raw.services.as_deref(), services, site);
    let rule = match (&raw.start, &raw.end, &raw.from, &raw.until) {
        (Some(start), Some(end), None, None) => {
            let (start, end) = (cron(start, site), cron(end, site));
            let (start, end) = (start?, end?);
            FreezeRule::Cron { start: Box::new(start), end: Box::new(end), zone }
        }
        (None, None, Some(from), Some(until)) => {
            let (begins, ends) = (moment(from, &zone, site), moment(until, &zone, site));
            let (begins, ends) = (begins?, ends?);
            if ends <= begins {
                site.problem(&until.span(), "a freeze ends after it begins", None);
                return None;
            }
            FreezeRule::Once { from: begins, until: ends }
        }
        _ => {
            let hint = "start and end as crons, or from and until as moments".to_owned();
            site.problem(&raw.name.span(), "when does this freeze begin and end?", Some(hint));
            return None;
        }
    };
    Some(Freeze {
        name: Clean::line(raw.name.get_ref()),
        rule,
        services,
        how_to_override: Clean::line(raw.how_to_override.as_deref().unwrap_or_default()),
    })
}

/// Services a rule is about; `None` is all of them.
pub fn covered(
    written: Option<&[raw::Text]>,
    services: &[&str],
    site: &mut Site<'_>,
) -> Option<Vec<Name>> {
    let written = written?;
    let mut covered = Vec::new();
    for name in written.iter().filter(|name| name.get_ref() != "*") {
        if known(name, services, "service", site) {
            covered.push(Name::new(name.get_ref()));
        }
    }
    written.iter().all(|name| name.get_ref() != "*").then_some(covered)
}

pub fn cron(text: &raw::Text, site: &mut Site<'_>) -> Option<croner::Cron> {
    let parsed = croner::Cron::from_str(text.get_ref());
    // A date that never comes (30 February) is found by looking once, here and not at every frame.
    match parsed {
        Ok(cron)
            if cron
                .find_next_occurrence(&jiff::Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC), true)
                .is_ok() =>
        {
            Some(cron)
        }
        Ok(_) => {
            site.problem(&text.span(), "this cron never fires", None);
            None
        }
        Err(error) => {
            site.problem(
                &text.span(),
                format!("no cron: {error}"),
                Some("minute hour day month weekday, e.g. \"0 18 * * 5\"".to_owned()),
            );
            None
        }
    }
}

/// An offset date-time is exact; a local one, or a date, is read in `zone`.
pub fn moment(
    text: &toml::Spanned<toml::value::Datetime>,
    zone: &TimeZone,
    site: &mut Site<'_>,
) -> Option<Timestamp> {
    let written = text.get_ref().to_string();
    let exact = || Timestamp::from_str(&written).ok();
    let local = || {
        jiff::civil::DateTime::from_str(&written)
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|z| z.timestamp())
    };
    let day = || {
        jiff::civil::Date::from_str(&written)
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|z| z.timestamp())
    };
    let found = exact().or_else(local).or_else(day);
    if found.is_none() {
        site.problem(
            &text.span(),
            "no date or moment",
            Some("2026-12-20, or 2026-12-20T18:00:00Z".to_owned()),
        );
    }
    found
}
