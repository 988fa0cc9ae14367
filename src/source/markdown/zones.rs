//! The zone a time is given in, by the words people use for it: a fixed offset, a region, or a word of unknown meaning.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// A zone as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// `CET`, `UTC-7`, `Europe/Berlin`.
    pub words: String,
    /// `None` for a word that means different zones in different places (`IST`, `CST`).
    meaning: Option<TimeZone>,
}

impl Zone {
    pub fn moment(&self, at: DateTime) -> Option<Timestamp> {
        self.meaning.as_ref()?.to_timestamp(at).ok()
    }
}

/// Abbreviations and their offsets in hours and minutes.
///
/// They are taken at their word, in summer too: `CET` is UTC+1 in July. Some write it the whole year and mean the clock on
/// the wall, but others copy it from a tool that counts in UTC+1; who wanted summer time had `CEST` to say so, and an
/// hour that is wrong by the document's own word can be checked against it, one that was guessed cannot.
const NAMED: &[(&str, i32, i32)] = &[
    ("UTC", 0, 0),
    ("GMT", 0, 0),
    ("Z", 0, 0),
    ("WET", 0, 0),
    ("BST", 1, 0),
    ("WEST", 1, 0),
    ("CET", 1, 0),
    ("CEST", 2, 0),
    ("MEZ", 1, 0),
    ("MESZ", 2, 0),
    ("EET", 2, 0),
    ("EEST", 3, 0),
    ("MSK", 3, 0),
    ("SGT", 8, 0),
    ("HKT", 8, 0),
    ("AWST", 8, 0),
    ("JST", 9, 0),
    ("KST", 9, 0),
    ("AEST", 10, 0),
    ("AEDT", 11, 0),
    ("NZST", 12, 0),
    ("NZDT", 13, 0),
    ("EDT", -4, 0),
    ("EST", -5, 0),
    ("CDT", -5, 0),
    ("MDT", -6, 0),
    ("MST", -7, 0),
    ("PDT", -7, 0),
    ("PST", -8, 0),
    ("BRT", -3, 0),
];
/// Words that leave summer time to the date.
const REGIONS: &[(&str, &str)] = &[
    ("PT", "America/Los_Angeles"),
    ("MT", "America/Denver"),
    ("CT", "America/Chicago"),
    ("ET", "America/New_York"),
];
/// Words that are zones, but of more than one place.
const AMBIGUOUS: &[&str] = &["IST", "CST", "AST"];

/// The zone at the beginning of a text, and what follows it.
pub fn leading(text: &str) -> Option<(Zone, &str)> {
    let (inner, closing) = match text.strip_prefix('(') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let (zone, rest) = bare(inner)?;
    if !closing {
        return Some((zone, rest));
    }
    rest.strip_prefix(')').map(|rest| (zone, rest))
}

fn bare(text: &str) -> Option<(Zone, &str)> {
    if let Some((offset, rest)) = offset(text) {
        let words = text.get(..text.len() - rest.len())?.to_owned();
        return Some((Zone { words, meaning: Some(TimeZone::fixed(offset)) }, rest));
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '/' | '_')))
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    if matches!(word, "UTC" | "GMT")
        && let Some((offset, after)) = offset(rest)
    {
        let words = text.get(..text.len() - after.len())?.to_owned();
        return Some((Zone { words, meaning: Some(TimeZone::fixed(offset)) }, after));
    }
    named(word).map(|zone| (zone, rest))
}

fn named(word: &str) -> Option<Zone> {
    let zone = |meaning| Some(Zone { words: word.to_owned(), meaning });
    if let Some((_, hours, minutes)) = NAMED.iter().find(|(name, ..)| *name == word) {
        let offset = Offset::from_seconds(hours * 3_600 + minutes * 60).ok()?;
        return zone(Some(TimeZone::fixed(offset)));
    }
    if let Some((_, region)) = REGIONS.iter().find(|(name, _)| *name == word) {
        return zone(TimeZone::get(region).ok());
    }
    if AMBIGUOUS.contains(&word) {
        return zone(None);
    }
    if word.contains('/') && word.len() < 40 && word.starts_with(|c: char| c.is_ascii_uppercase()) {
        return zone(Some(TimeZone::get(word).ok()?));
    }
    None
}

/// `+02:00`, `-7`, `+0530`; a dash of the longer kind is one too.
fn offset(text: &str) -> Option<(Offset, &str)> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '−' => -1,
        _ => return None,
    };
    let rest = text.get(text.chars().next()?.len_utf8()..)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, mut after) = rest.split_at_checked(digits)?;
    let (hours, minutes) = match number.len() {
        1 | 2 => {
            let minutes = after.strip_prefix(':').and_then(|m| m.get(..2)?.parse::<i32>().ok());
            if minutes.is_some() {
                after = after.get(3..)?;
            }
            (number.parse::<i32>().ok()?, minutes.unwrap_or(0))
        }
        4 => (number.get(..2)?.parse().ok()?, number.get(2..)?.parse().ok()?),
        _ => return None,
    };
    let fits = hours <= 14 && minutes < 60;
    let seconds = sign * (hours * 3_600 + minutes * 60);
    fits.then(|| Offset::from_seconds(seconds).ok()).flatten().map(|offset| (offset, after))
}

/// The zone a sentence about times names: `All times in PST`, `Time (UTC)`, `CET (GMT+1)`. Where a word and an offset
/// contradict each other, the offset is what was meant.
pub fn told(text: &str) -> Option<Zone> {
    if text.len() > 400 || !text.to_lowercase().contains("time") {
        return None;
    }
    let mut found: Option<Zone> = None;
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let starts = !(before.is_alphanumeric() || matches!(before, '/' | '_' | '-' | ':'));
        if starts
            && c.is_ascii_uppercase()
            && let Some((zone, after)) = bare(rest)
            && !after.starts_with(|c: char| c.is_alphanumeric())
            && zone.words != "Z"
        {
            let explicit = zone.words.contains(['+', '-', '−']);
            match &found {
                None => found = Some(zone),
                Some(first) if explicit && first.meaning != zone.meaning => found = Some(zone),
                Some(_) => {}
            }
            before = 'x';
            rest = after;
            continue;
        }
        before = c;
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_about_times_name_their_zone() {
        for (text, words) in [
            ("All times in PST", "PST"),
            ("All times in Central European Time (CET)", "CET"),
            ("All times in Central European Summer Time (CEST)", "CEST"),
            ("All times in PST (UTC-7)", "UTC-7"),
            ("All times in PDT (UTC-7).", "PDT"),
            ("All times in CET (GMT+1)", "CET"),
            ("| Date and Time in CET | Event |", "CET"),
            ("| Time (UTC) | Event |", "UTC"),
            ("All times in UTC+1 (Zurich time)", "UTC+1"),
            ("times are in Europe/Berlin", "Europe/Berlin"),
        ] {
            assert_eq!(told(text).map(|z| z.words).as_deref(), Some(words), "{text}");
        }
        for text in ["A CETERA of time", "no zone at all", "It took time. BSTR broke", "UTC"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn a_zone_turns_a_reading_of_the_clock_into_a_moment() {
        let noon: DateTime = "2020-06-09T12:00:00".parse().unwrap();
        for (words, moment) in [
            ("CET", "2020-06-09T11:00:00Z"),
            ("CEST", "2020-06-09T10:00:00Z"),
            ("MESZ", "2020-06-09T10:00:00Z"),
            ("PT", "2020-06-09T19:00:00Z"),
            ("(BST)", "2020-06-09T11:00:00Z"),
            ("UTC+05:30 x", "2020-06-09T06:30:00Z"),
            ("+0200", "2020-06-09T10:00:00Z"),
            ("GMT-7", "2020-06-09T19:00:00Z"),
        ] {
            let (zone, _) = leading(words).unwrap();
            assert_eq!(zone.moment(noon), Some(moment.parse().unwrap()), "{words}");
        }
        assert_eq!(leading("IST").unwrap().0.moment(noon), None, "India, Ireland or Israel");
    }
}
