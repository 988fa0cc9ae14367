//! What an incident cost, in quantities: money with its currency, people, requests, shares and minutes.

use super::span;
use crate::model::{Amount, Clean, LossUnit};

/// Bytes of a text that are looked at, and quantities that are kept.
const LOOKED_AT: usize = 4_000;
const MOST: usize = 12;

const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("A$", "AUD"),
    ("C$", "CAD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("$", "$"),
    ("¥", "¥"),
    ("₹", "INR"),
    ("₩", "KRW"),
];
const CODES: &[&str] = &[
    "USD", "EUR", "GBP", "DKK", "SEK", "NOK", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "NZD",
    "BRL", "PLN", "CZK", "SGD", "HKD", "KRW", "ZAR", "MXN", "ETH", "BTC", "USDC", "USDT",
];
const PEOPLE: &[&str] = &[
    "user",
    "customer",
    "team",
    "account",
    "people",
    "person",
    "client",
    "subscriber",
    "merchant",
    "tenant",
    "visitor",
    "player",
    "organization",
    "organisation",
    "member",
];
const CALLS: &[&str] = &[
    "request",
    "job",
    "call",
    "message",
    "event",
    "order",
    "transaction",
    "payment",
    "email",
    "checkout",
    "session",
    "signup",
    "query",
    "queries",
    "booking",
    "purchase",
];
/// Words that may stand between a number and what it counts.
const BETWEEN: usize = 2;

/// Quantities in a text, in their order, each once.
pub fn amounts(text: &str) -> Vec<Amount> {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let mut found: Vec<Amount> = Vec::new();
    let mut at = 0;
    while found.len() < MOST
        && let Some((start, c)) = text.get(at..).and_then(|rest| {
            rest.char_indices()
                .find(|(_, c)| c.is_ascii_digit() || SIGNS.iter().any(|(s, _)| s.starts_with(*c)))
        })
    {
        let start = at + start;
        match quantity(text, start) {
            Some((value, unit, end)) => {
                let words = Clean::line(text.get(start..end).unwrap_or_default());
                if !found.iter().any(|a| a.value.total_cmp(&value).is_eq() && a.unit == unit) {
                    found.push(Amount { value, unit, words });
                }
                at = end;
            }
            None => at = start + skip(text, start, c),
        }
    }
    found
}

/// A number that counts nothing is passed over as a whole: 30 of `2.1.30` is no number of its own.
fn skip(text: &str, start: usize, c: char) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | ':' | '-' | '/' | '_');
    rest.find(|c| !inside(c)).unwrap_or(rest.len()).max(c.len_utf8())
}

fn quantity(text: &str, start: usize) -> Option<(f64, LossUnit, usize)> {
    let before = text.get(..start)?.chars().next_back();
    let rest = text.get(start..)?;
    if let Some((sign, currency)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        let (value, end) = number(text, start + sign.len() + blanks(rest.get(sign.len()..)?))?;
        return Some((value, LossUnit::Money(Clean::from(*currency)), end));
    }
    // Digits inside a word, a version, a date or an address count nothing.
    if before.is_some_and(|c| {
        c.is_alphanumeric() || matches!(c, '.' | '-' | '/' | ':' | '#' | '_' | '=')
    }) {
        return None;
    }
    if let Some(found) = span::at(text, start) {
        return Some((found.length.as_secs_f64() / 60.0, LossUnit::Minutes, found.end));
    }
    let (value, end) = number(text, start)?;
    let after = text.get(end..)?;
    if let Some(sign) = ["%", " %", " percent", " per cent"].iter().find(|s| after.starts_with(**s))
    {
        return Some((value, LossUnit::Percent, end + sign.len()));
    }
    if after.starts_with([':', '-', '/']) {
        return None;
    }
    let mut at = end;
    for _ in 0..=BETWEEN {
        at += blanks(text.get(at..)?);
        let rest = text.get(at..)?;
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len());
        let word = rest.get(..length)?;
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if CODES.contains(&word) {
            return Some((value, LossUnit::Money(Clean::line(word)), at + length));
        }
        let lower = word.to_lowercase();
        let is = |names: &[&str]| {
            names.iter().any(|name| lower == *name || lower.strip_suffix('s') == Some(*name))
        };
        let money = match lower.as_str() {
            "dollar" | "dollars" => Some("$"),
            "euro" | "euros" => Some("EUR"),
            "pounds" => Some("GBP"),
            _ => None,
        };
        let unit = match money {
            Some(currency) => LossUnit::Money(Clean::from(currency)),
            None if is(PEOPLE) => LossUnit::Users,
            None if is(CALLS) => LossUnit::Requests,
            None => {
                // `5 of the users` counts other things than five users, `10 minutes of` is a duration.
                if matches!(lower.as_str(), "of" | "and" | "or" | "to" | "in" | "for" | "with") {
                    return None;
                }
                at += length;
                continue;
            }
        };
        return Some((value, unit, at + length));
    }
    None
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\u{a0}']).len()
}

/// `4,200`, `1.2M`, `5k`, `3 million`: the value, and where it ends.
fn number(text: &str, start: usize) -> Option<(f64, usize)> {
    let rest = text.get(start..)?;
    let length =
        rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.'))).unwrap_or(rest.len());
    let digits = rest.get(..length)?.trim_end_matches(['.', ',']);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value: f64 = grouped(digits)?;
    let mut end = start + digits.len();
    let after = text.get(end..)?;
    let lower = after.get(..after.len().min(10)).or_else(|| after.get(..8)).unwrap_or_default();
    let lower = lower.to_ascii_lowercase();
    let scales: [(&str, f64); 8] = [
        (" million", 1e6),
        (" billion", 1e9),
        (" thousand", 1e3),
        ("k", 1e3),
        ("m", 1e6),
        ("mn", 1e6),
        ("bn", 1e9),
        ("b", 1e9),
    ];
    let scale = scales.iter().filter(|(word, _)| {
        lower.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let mut value = value;
    if let Some((word, by)) = scale.max_by_key(|(word, _)| word.len()) {
        value *= by;
        end += word.len();
    }
    value.is_finite().then_some((value, end))
}

/// `4,200` and `1.234,56` group by threes; `1.5` and `1,5` do not.
fn grouped(digits: &str) -> Option<f64> {
    let groups: Vec<&str> = digits.split([',', '.']).collect();
    let plain = || digits.parse::<f64>().ok();
    let last = digits.rfind([',', '.']).map(|at| at + 1);
    match (groups.as_slice(), last) {
        ([_], _) => plain(),
        ([head, tail], _) if tail.len() == 3 && digits.contains(',') && head.len() <= 3 => {
            format!("{head}{tail}").parse().ok()
        }
        ([head, tail], _) => format!("{head}.{tail}").parse().ok(),
        (many, Some(last)) => {
            let tail = digits.get(last..)?;
            let head: String = many.iter().take(many.len() - 1).copied().collect();
            let joined =
                if tail.len() == 3 { format!("{head}{tail}") } else { format!("{head}.{tail}") };
            joined.parse().ok()
        }
        _ => None,
    }
    .or_else(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        amounts(text)
            .into_iter()
            .map(|a| match a.unit {
                LossUnit::Money(code) => format!("{} {code}", a.value),
                LossUnit::Users => format!("{} users", a.value),
                LossUnit::Requests => format!("{} requests", a.value),
                LossUnit::Minutes => format!("{} minutes", a.value),
                LossUnit::Percent => format!("{}%", a.value),
            })
            .collect()
    }

    #[test]
    fn money_people_requests_and_minutes_are_told_apart() {
        for (text, expected) in [
            ("About £ 4,200 of orders.", vec!["4200 GBP"]),
            ("$1.2M and 3 million dollars", vec!["1200000 $", "3000000 $"]),
            ("€3.500,50 lost, DKK none, 5k EUR", vec!["3500.5 EUR", "5000 EUR"]),
            ("305 teams running SDK versions < 1.257.1", vec!["305 users"]),
            ("during which 415 jobs were unable to start", vec!["415 requests"]),
            ("12,000 failed requests from 300 affected users", vec!["12000 requests", "300 users"]),
            ("78% of requests with HTTP 504 errors", vec!["78%"]),
            ("lasted for 47 minutes, all 47 minutes", vec!["47 minutes"]),
            ("At 12:30 on 2026-01-02, PR #41 and v1.2.3", vec![]),
            ("SDK versions (1.323.0 - 1.328.0)", vec![]),
            ("5 of the users", vec![]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(?s).{0,120}|[$€0-9.,kM% users]{0,60}") {
            let _ = amounts(&text);
        }
    }
}
