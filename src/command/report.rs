//! `andon report`: the weekly review or the hand-off as Markdown for chat or mail, or as JSON.

use std::process::ExitCode;
use std::str::FromStr as _;

use color_eyre::eyre::{Result, eyre};
use jiff::{SignedDuration, Timestamp};

use super::cli::{Common, Format, Report};
use super::{gather, out, past};
use crate::insight::words::earlier;
use crate::model::Window;
use crate::page::{Memo, review};
use crate::print;

/// What a review looks back on, and a hand-off.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const SHIFT: SignedDuration = SignedDuration::from_hours(24);

pub fn run(common: &Common, options: &Report) -> Result<ExitCode> {
    let default = if options.handoff { SHIFT } else { WEEK };
    let gathered = match &options.at {
        Some(text) => past::at(common, &options.world, text)?,
        None => gather::looked_back(common, &options.world)?,
    };
    let since = match options.since.as_deref() {
        None => earlier(gathered.now, default),
        Some(text) => since(text, gathered.now).ok_or_else(|| {
            eyre!("`{text}` is no length and no moment\nhint: 2w, 36h, or 2026-11-01")
        })?,
    };
    let memo = Memo::default();
    let scene = gathered.scene(120, 50, &memo);
    let window = Window { from: since, until: gathered.now };
    let text = match options.format {
        Format::Json => {
            let document = print::report(&scene, window, options.handoff);
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        }
        Format::Markdown => print::markdown(&review::blocks(&scene, window, options.handoff)),
        Format::Text => print::plain(&review::blocks(&scene, window, options.handoff), 100),
        Format::Csv | Format::Ics => {
            return Err(eyre!("a report is no table\nhint: --format markdown, text or json"));
        }
    };
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// `2w`, `10d`, `36h` back from now, or a day or moment.
fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    let count = |unit: char, hours: i64| {
        let n: i64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        (1..=100_000).contains(&n).then(|| SignedDuration::from_hours(n.saturating_mul(hours)))
    };
    let length = count('w', 7 * 24).or_else(|| count('d', 24)).or_else(|| count('h', 1));
    let day = || {
        let date = jiff::civil::Date::from_str(text).ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    length
        .map(|length| earlier(now, length))
        .or_else(|| Timestamp::from_str(text).ok())
        .or_else(day)
        .filter(|at| *at < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_back_from_now_and_days_are_days() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let told = |text: &str| since(text, now).map(|at| at.to_string());
        assert_eq!(told("2w").as_deref(), Some("2026-11-08T12:00:00Z"));
        assert_eq!(told("36h").as_deref(), Some("2026-11-21T00:00:00Z"));
        assert_eq!(told("2026-11-01").as_deref(), Some("2026-11-01T00:00:00Z"));
        for odd in ["", "w", "-2w", "2y", "2027-01-01"] {
            assert_eq!(told(odd), None, "{odd}");
        }
    }
}
