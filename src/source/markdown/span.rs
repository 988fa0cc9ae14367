//! Durations as people write them: `2d 3h 15m`, `19 hours 43 minutes`, `1h50m`, `nine hours`; a template left unfilled is none.

use jiff::SignedDuration;

use crate::model::Clock;

/// A duration, where it ends in the text, and the clock it was taken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub length: SignedDuration,
    pub start: usize,
    pub end: usize,
}

/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 4_000;

const WORDS: &[(&str, f64)] = &[
    ("half an", 0.5),
    ("half a", 0.5),
    ("an", 1.0),
    ("a", 1.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("fifteen", 15.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("forty-five", 45.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("ninety", 90.0),
];

/// The first duration in a text.
pub fn first(text: &str) -> Option<Span> {
    let text = cut(text);
    starts(text).find_map(|at| span_at(text, at))
}

/// The duration that begins exactly here, if one does.
pub fn at(text: &str, at: usize) -> Option<Span> {
    span_at(cut(text), at)
}

/// The clock the words around a duration name.
pub fn clock(text: &str) -> Clock {
    let text = text.to_lowercase();
    let support = ["support hour", "business hour", "working hour", "office hour"];
    if support.iter().any(|word| text.contains(word)) { Clock::SupportHours } else { Clock::Wall }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Where words and numbers begin.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let inside = before.is_alphanumeric() || matches!(before, '.' | ',' | ':' | '-' | '/');
        let starts = c.is_alphanumeric() && !inside;
        before = c;
        starts.then_some(at)
    })
}

fn span_at(text: &str, start: usize) -> Option<Span> {
    let mut seconds = 0.0;
    let mut end = start;
    let mut at = start;
    let mut last = f64::INFINITY;
    while let Some((amount, unit, after)) = part(text, at) {
        // `5 minutes 2 hours` are two durations.
        if unit >= last {
            break;
        }
        last = unit;
        seconds += amount * unit;
        end = after;
        let gap = text.get(after..).unwrap_or_default();
        let trimmed = gap.trim_start_matches([' ', ',']);
        let trimmed = trimmed.strip_prefix("and ").unwrap_or(trimmed);
        at = text.len() - trimmed.len();
    }
    let known = last.is_finite() && seconds < 20.0 * 366.0 * 86_400.0;
    known.then(|| Span { length: SignedDuration::from_secs(seconds as i64), start, end })
}

/// A number and its unit: the number, seconds of the unit, and where they end.
fn part(text: &str, at: usize) -> Option<(f64, f64, usize)> {
    let rest = text.get(at..)?;
    let digits =
        rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(rest.len());
    let number = rest.get(..digits)?.trim_end_matches(['.', ',']);
    let (amount, after) = if number.is_empty() {
        let lower = rest.get(..rest.len().min(14)).or_else(|| rest.get(..12))?.to_ascii_lowercase();
        let (word, amount) = WORDS
            .iter()
            .filter(|(word, _)| {
                lower.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '-']))
            })
            .max_by_key(|(word, _)| word.len())?;
        (*amount, rest.get(word.len()..)?)
    } else {
        (number.replace(',', "").parse().ok()?, rest.get(number.len()..)?)
    };
    let spelled = number.is_empty();
    let gap = after.strip_prefix([' ', '-', '+']).unwrap_or(after);
    let gap = gap.strip_prefix(' ').unwrap_or(gap);
    let length = gap.find(|c: char| !c.is_alphabetic()).unwrap_or(gap.len());
    // `1h50m`: a unit ends where the next number begins.
    let word = gap.get(..length)?.to_ascii_lowercase();
    let unit = match word.as_str() {
        "h" | "m" | "d" | "s" | "w" if spelled => return None,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "wk" | "week" | "weeks" => 604_800.0,
        _ => return None,
    };
    let end = text.len() - gap.len() + length;
    Some((amount, unit, end))
}

/// Words after which a sentence says how long the incident lasted.
const AFTER: &[&str] = &[
    "lasted",
    "lasting",
    "lasts",
    "down for",
    "unusable for",
    "unavailable for",
    "offline for",
    "failed for",
    "degraded for",
    "outage of",
    "outage for",
    "period of",
    "caused",
    "went on for",
];
/// What may stand between these words and the number.
const BETWEEN: &[&str] = &[
    "for",
    "about",
    "approximately",
    "approx.",
    "roughly",
    "around",
    "over",
    "at",
    "least",
    "most",
    "just",
    "nearly",
    "almost",
    "up",
    "to",
    "a",
    "total",
    "of",
    "~",
    "more",
    "than",
    "some",
];

/// The duration a sentence states of the incident itself: `lasting 1 hour and 48 minutes`.
pub fn in_prose(text: &str) -> Option<Span> {
    let text = cut(text);
    let lower = text.to_ascii_lowercase();
    let mut found: Option<Span> = None;
    for word in AFTER {
        for (at, _) in lower.match_indices(word) {
            let mut here = at + word.len();
            for _ in 0..5 {
                let rest = text.get(here..).unwrap_or_default();
                let trimmed = rest.trim_start_matches([' ', '~', '*', '\n']);
                if trimmed.len() == rest.len() && !rest.starts_with(|c: char| c.is_ascii_digit()) {
                    break;
                }
                here = text.len() - trimmed.len();
                if let Some(span) = span_at(text, here) {
                    if found.is_none_or(|first| span.start < first.start) {
                        found = Some(span);
                    }
                    break;
                }
                let end = trimmed.find(' ').unwrap_or(trimmed.len());
                let filler = trimmed.get(..end).unwrap_or_default().to_ascii_lowercase();
                if !BETWEEN.contains(&filler.as_str()) {
                    break;
                }
                here += end;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(text: &str) -> Option<i64> {
        first(text).map(|s| s.length.as_mins())
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2d 3h 15m", 3_075),
            ("0h 40m", 40),
            ("35m", 35),
            ("90 min", 90),
            ("1.5 hours", 90),
            ("6h (support hours)", 360),
            ("19 hours 43 minutes.", 1_183),
            ("1 hour and 48 minutes", 108),
            ("about 1h50m.", 110),
            ("11 Days", 15_840),
            ("ninety minutes", 90),
            ("half an hour", 30),
            ("an hour", 60),
            ("4+ hours", 240),
            ("279 minutes [^3]", 279),
            ("21:45 to 23:28 UTC (103 minutes)", 103),
            ("0 minutes", 0),
            ("30min", 30),
            ("47 minute period", 47),
            ("1,415 minutes", 1_415),
        ] {
            assert_eq!(minutes(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_unfilled_template_states_nothing() {
        for text in ["N/A", "Xh Xm", "?", "YYY", "", "TBD", "5 nodes", "v1.2.3", "a day-to-day a b"]
        {
            let found = minutes(text);
            assert!(found.is_none() || text.starts_with("a day"), "{text}: {found:?}");
        }
    }

    #[test]
    fn sentences_state_how_long_it_lasted() {
        for (text, expected) in [
            ("an outage lasting 1 hour and 48 minutes, from", Some(108)),
            ("beta to be unusable for about 1h50m.", Some(110)),
            ("This effect lasted approximately nine hours before", Some(540)),
            ("went down for about 3 hours, from", Some(180)),
            ("caused 40min of total outage", Some(40)),
            ("failed for\njust over nine hours, while", Some(540)),
            ("The timeout was raised to 30 seconds", None),
            ("caused by 5 minutes of quiet", None),
        ] {
            assert_eq!(in_prose(text).map(|s| s.length.as_mins()), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(?s).{0,120}|[0-9hmds., an]{0,60}") {
            let _ = (first(&text), in_prose(&text));
        }
    }
}
