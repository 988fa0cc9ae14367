//! `[post_mortems]`: what the team agreed on, with every slip named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use jiff::SignedDuration;
use jiff::civil::Time;

use crate::config::{raw, template};
use crate::model::{Clean, Clock, Review, SupportHours, Wanted};

use super::site::{Site, known};

pub fn build_review(raw: &raw::PostMortems, site: &mut Site<'_>) -> Review {
    let mut review = Review::default();
    if let Some(required) = &raw.required {
        let names: Vec<&str> = Wanted::ALL.iter().map(|wanted| wanted.name()).collect();
        review.required.clear();
        for word in required {
            if known(word, &names, "field of a post-mortem", site)
                && let Some(wanted) = Wanted::named(word.get_ref())
                && !review.required.contains(&wanted)
            {
                review.required.push(wanted);
            }
        }
    }
    if let Some(slo) = &raw.action_slo {
        review.action_slo = days(slo, site).unwrap_or(review.action_slo);
    }
    if let Some(clock) = &raw.clock
        && known(clock, &["wall", "support-hours"], "clock", site)
    {
        review.clock = if clock.get_ref() == "wall" { Clock::Wall } else { Clock::SupportHours };
    }
    if let Some(hours) = &raw.support_hours {
        match support(hours.get_ref()) {
            Some(read) => review.support = read,
            None => site.problem(
                &hours.span(),
                "no hours of a week",
                Some("write them like \"mon-fri 09:00-17:00\"".to_owned()),
            ),
        }
    }
    review
}

/// What templates say that nobody has filled in: the configured one's, and those that lie in the folders themselves.
pub fn unfilled<'a>(
    configured: Option<&Path>,
    folders: impl Iterator<Item = &'a Path>,
) -> BTreeSet<Clean> {
    let lying = folders.filter_map(template::of_folder);
    let all = configured.map(Path::to_owned).into_iter().chain(lying);
    all.filter_map(|path| template::read(&path).ok()).flat_map(|t| template::unfilled(&t)).collect()
}

/// The team's template: a file that must be there, or a mistake is named before somebody needs it.
pub fn build_template(raw: &raw::PostMortems, site: &mut Site<'_>) -> Option<PathBuf> {
    let text = raw.template.as_ref()?;
    let path = site.path(text);
    if let Err(why) = template::read(&path) {
        let hint = format!("{}: {why}", path.display());
        site.problem(&text.span(), "no template", Some(hint));
        return None;
    }
    Some(path)
}

/// `28d`, `4w`: a day of an agreement is 24 hours.
fn days(text: &raw::Text, site: &mut Site<'_>) -> Option<SignedDuration> {
    let words = text.get_ref().trim();
    let count = |unit: char| words.strip_suffix(unit)?.trim().parse::<i64>().ok();
    let hours = count('d').map(|n| n * 24).or_else(|| count('w').map(|n| n * 24 * 7));
    let span = hours.filter(|h| (1..=24 * 3_660).contains(h)).map(SignedDuration::from_hours);
    let span = span
        .or_else(|| SignedDuration::from_str(words).ok().filter(jiff::SignedDuration::is_positive));
    if span.is_none() {
        let hint = "write it like \"28d\" or \"4w\"".to_owned();
        site.problem(&text.span(), "no duration", Some(hint));
    }
    span
}

/// `mon-fri 09:00-17:00`, `mon,wed 8:00-12:30`, `mon-sun 00:00-24:00`.
fn support(words: &str) -> Option<SupportHours> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let words = words.trim().to_lowercase();
    let (days, hours) = words.rsplit_once(' ')?;
    let at = |name: &str| {
        NAMES.iter().position(|known| name.trim().get(..3).is_some_and(|short| short == *known))
    };
    let mut covered = [false; 7];
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (at(first)?, at(last)?);
        if first > last {
            return None;
        }
        for day in covered.get_mut(first..=last)? {
            *day = true;
        }
    }
    let time = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<i8>().ok()?, minute.parse::<i8>().ok()?);
        // The last moment of a day stands for its end.
        if (hour, minute) == (24, 0) {
            return Time::new(23, 59, 59, 999_999_999).ok();
        }
        Time::new(hour, minute, 0, 0).ok()
    };
    let (from, until) = hours.split_once('-')?;
    let (from, until) = (time(from)?, time(until)?);
    (from < until).then_some(SupportHours { days: covered, from, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_a_week_are_read_as_people_write_them() {
        assert_eq!(support("Mon-Fri 9:00-17:00"), Some(SupportHours::default()));
        let split = support("monday, wed 08:00-12:30").unwrap();
        assert_eq!(split.days, [true, false, true, false, false, false, false]);
        assert!(support("mon-sun 00:00-24:00").is_some());
        for odd in
            ["", "mon", "fri-mon 9:00-17:00", "mon 17:00-9:00", "moon 9-17", "mon 25:00-26:00"]
        {
            assert_eq!(support(odd), None, "{odd}");
        }
    }
}
