//! A cron line as the upstream wrote it: five fields, compared and kept as text, looked at as times.

use std::fmt;
use std::str::FromStr as _;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::super::Clean;

/// A cron line of five fields, without seconds and without years.
#[derive(Debug, Clone)]
pub struct Cron {
    text: Clean,
    pattern: Box<croner::Cron>,
    /// Whether it fires at all: 31 February does not.
    fires: bool,
}

/// Why a line is no cron.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no cron: {why}")]
pub struct BadCron {
    text: Clean,
    why: String,
}

impl Cron {
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        let bad = |why: &str| BadCron { text: Clean::line(text), why: why.to_owned() };
        // Longer than any cron people write: what is repeated here ends on a screen.
        if text.len() > 256 {
            return Err(bad("longer than any cron"));
        }
        if text.split_ascii_whitespace().count() != 5 {
            return Err(bad("five fields are wanted: minute hour day month weekday"));
        }
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|e| bad(&e.to_string()))?;
        let epoch = Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
        let fires = cron.find_next_occurrence(&epoch, true).is_ok();
        Ok(Self { text: Clean::line(text.trim()), pattern: Box::new(cron), fires })
    }

    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    pub fn fires(&self) -> bool {
        self.fires
    }

    /// The first time after `at`, or at it.
    pub fn next(&self, at: &Zoned, or_at: bool) -> Option<Zoned> {
        self.fires.then(|| self.pattern.find_next_occurrence(at, or_at).ok()).flatten()
    }

    /// The last time before `at`, or at it.
    pub fn previous(&self, at: &Zoned, or_at: bool) -> Option<Zoned> {
        self.fires.then(|| self.pattern.find_previous_occurrence(at, or_at).ok()).flatten()
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl std::str::FromStr for Cron {
    type Err = BadCron;

    fn from_str(text: &str) -> Result<Self, BadCron> {
        Self::parse(text)
    }
}

impl serde::Serialize for Cron {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Cron {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_str(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_five_fields_are_a_cron() {
        for good in ["0 23 * * 5", "*/15 9-17 * JAN-MAR mon,tue", " 0  8 * * 1 "] {
            assert!(Cron::parse(good).is_ok(), "{good}");
        }
        let long = "0,".repeat(200) + "0 * * * *";
        for bad in ["", "@daily", "0 0 * * * *", "* * * *", "61 * * * *", "a b c d e", &long] {
            assert!(Cron::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_that_never_comes_is_known_at_once() {
        assert!(!Cron::parse("0 0 31 2 *").unwrap().fires());
        assert!(Cron::parse("0 0 29 2 *").unwrap().fires());
    }
}
