//! Numbers and ages as people say them: 1.4 s, 99.95 %, 4.2 GiB, € 1,204, 7 m, 2 d 4 h.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Bound, Clean, Measure, Unit};

/// No data: never confused with zero.
pub const NO_DATA: &str = "—";
/// 0/0: the series exists, and nothing happened.
pub const NO_TRAFFIC: &str = "no traffic";

/// A reading in its unit.
pub fn measure(measure: &Measure, unit: &Unit) -> Clean {
    match measure {
        Measure::Number(value) => number(*value, unit),
        Measure::NoData => NO_DATA.into(),
        Measure::NoTraffic => NO_TRAFFIC.into(),
        Measure::Infinite(true) => "∞".into(),
        Measure::Infinite(false) => "-∞".into(),
        Measure::Unreadable(words) => words.clone(),
    }
}

/// `> 1 s`: what a bound asks, in the unit of its metric.
pub fn bound(bound: Bound, unit: &Unit) -> String {
    format!("{} {}", bound.sign(), number(bound.value, unit))
}

/// A finite number in its unit; anything else reads as no data.
pub fn number(value: f64, unit: &Unit) -> Clean {
    if !value.is_finite() {
        return NO_DATA.into();
    }
    Clean::line(match unit {
        Unit::None => scaled(value, ""),
        Unit::Free(word) => format!("{} {word}", scaled(value, "")),
        Unit::Seconds => seconds(value),
        Unit::Milliseconds => seconds(value / 1000.0),
        Unit::Percent => percent(value),
        Unit::Ratio => percent(value * 100.0),
        Unit::Bytes => bytes(value),
        Unit::Count => count(value),
        Unit::PerSecond => format!("{}/s", scaled(value, "")),
        Unit::Currency(code) => money(value, code.as_str()),
    })
}

fn seconds(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0 s".to_owned();
    }
    // The limits lie where rounding carries over, so that 999.7 ms does not read "1000 ms".
    if size < 0.000_999_5 {
        format!("{} µs", digits(value * 1e6))
    } else if size < 0.999_5 {
        format!("{} ms", digits(value * 1e3))
    } else if size < 119.95 {
        format!("{} s", digits(value))
    } else if size < 7_200.0 {
        format!("{} m", digits(value / 60.0))
    } else if size < 172_800.0 {
        format!("{} h", digits(value / 3_600.0))
    } else {
        format!("{} d", scaled(value / 86_400.0, ""))
    }
}

/// Near 100 the digits that matter are the last ones, and 99.9996 must not read as 100.
fn percent(value: f64) -> String {
    let text = if (99.0..100.0).contains(&value) {
        trimmed(&format!("{:.3}", (value * 1_000.0 + 1e-6).floor() / 1_000.0))
    } else if (1.0..10.0).contains(&value.abs()) {
        trimmed(&format!("{value:.2}"))
    } else {
        scaled(value, "")
    };
    format!("{text} %")
}

fn bytes(value: f64) -> String {
    let mut left = value;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] {
        if left.abs() < 1_023.5 {
            return format!("{} {unit}", digits(left));
        }
        left /= 1_024.0;
    }
    format!("{} EiB", scaled(left, ""))
}

fn count(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e6 { grouped(value) } else { scaled(value, "") }
}

fn money(value: f64, code: &str) -> String {
    let sign = match code {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        other => other,
    };
    let amount = if value.abs() < 99.995 && value.fract() != 0.0 {
        format!("{value:.2}")
    } else if value.abs() < 999_999.5 {
        grouped(value.round())
    } else {
        scaled(value, "")
    };
    format!("{sign} {amount}")
}

/// A number of things: `1,200`.
pub fn many(n: usize) -> String {
    grouped(n as f64)
}

/// Thousands parted by commas; `value` is whole.
fn grouped(value: f64) -> String {
    let plain = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if value <= -0.5 { format!("-{out}") } else { out }
}

/// k, M, G, T; beyond them the exponent, so that nothing grows without end.
fn scaled(value: f64, space: &str) -> String {
    let size = value.abs();
    let (part, unit) = match size {
        _ if size < 999.5 => return digits(value),
        _ if size < 999_500.0 => (value / 1e3, "k"),
        _ if size < 999_500_000.0 => (value / 1e6, "M"),
        _ if size < 999.5e9 => (value / 1e9, "G"),
        _ if size < 999.5e12 => (value / 1e12, "T"),
        _ => return format!("{value:.1e}"),
    };
    format!("{}{space} {unit}", digits(part))
}

/// About three digits, never a tail of zeros.
fn digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size >= 99.95 {
        format!("{value:.0}")
    } else if size >= 0.995 {
        trimmed(&format!("{value:.1}"))
    } else if size >= 0.000_01 {
        let places = (1.0 - size.log10().floor()).clamp(0.0, 7.0) as usize;
        trimmed(&format!("{value:.places$}"))
    } else {
        format!("{value:.0e}")
    }
}

fn trimmed(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// A length of time in coarse steps: `< 1 m`, `7 m`, `2 h 5 m`, `3 h`, `2 d 4 h`, `15 d`.
pub fn span(length: SignedDuration) -> String {
    let s = length.as_secs().unsigned_abs();
    let (minutes, hours, days) = (s / 60, s / 3_600, s / 86_400);
    match s {
        0..60 => "< 1 m".to_owned(),
        60..3_600 => format!("{minutes} m"),
        3_600..10_800 if minutes % 60 > 0 => format!("{hours} h {} m", minutes % 60),
        3_600..86_400 => format!("{hours} h"),
        86_400..1_209_600 if hours % 24 > 0 => format!("{days} d {} h", hours % 24),
        _ => format!("{days} d"),
    }
}

/// A short length to the second, for latencies and intervals: `12 s`, `1 m 30 s`.
pub fn exact(length: SignedDuration) -> String {
    let s = length.as_secs().unsigned_abs();
    match s {
        _ if length.abs() < SignedDuration::from_secs(1) => format!("{} ms", length.as_millis()),
        0..60 => format!("{s} s"),
        60..3_600 if !s.is_multiple_of(60) => format!("{} m {} s", s / 60, s % 60),
        _ => span(length),
    }
}

/// How long ago `then` was, or `in …` when it is to come.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let age = now.duration_since(then);
    if age.is_negative() { format!("in {}", span(age)) } else { format!("{} ago", span(age)) }
}

/// `at + by`, held at the end of time.
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `at − by`, held at the beginning of time.
pub fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(value: f64, unit: &str) -> String {
        number(value, &Unit::parse(unit)).to_string()
    }

    #[test]
    fn numbers_read_as_people_say_them() {
        for (value, unit, words) in [
            (1.4, "s", "1.4 s"),
            (0.312, "s", "312 ms"),
            (0.9997, "s", "1 s"),
            (0.000_25, "s", "250 µs"),
            (312.0, "ms", "312 ms"),
            (99.95, "%", "99.95 %"),
            (0.9995, "ratio", "99.95 %"),
            (99.9999, "%", "99.999 %"),
            (100.0, "%", "100 %"),
            (0.041, "ratio", "4.1 %"),
            (0.0004, "ratio", "0.04 %"),
            (1_204.0, "per-second", "1.2 k/s"),
            (0.0, "per-second", "0/s"),
            (4.2 * 1024.0 * 1024.0 * 1024.0, "bytes", "4.2 GiB"),
            (1_204.0, "EUR", "€ 1,204"),
            (-1_204.4, "EUR", "€ -1,204"),
            (3.5, "GBP", "£ 3.50"),
            (2_500_000.0, "CHF", "CHF 2.5 M"),
            (1_204.0, "count", "1,204"),
            (0.0, "count", "0"),
            (12.0, "orders", "12 orders"),
        ] {
            assert_eq!(show(value, unit), words, "{value} {unit}");
        }
    }

    #[test]
    fn zero_no_data_and_no_traffic_never_look_alike() {
        let all =
            [Measure::Number(0.0), Measure::NoData, Measure::NoTraffic, Measure::of(f64::INFINITY)];
        let words: std::collections::BTreeSet<_> =
            all.iter().map(|m| measure(m, &Unit::Count)).collect();
        assert_eq!(words.len(), all.len());
    }

    #[test]
    fn spans_step_coarsely() {
        for (s, words) in [
            (0, "< 1 m"),
            (59, "< 1 m"),
            (7 * 60 + 12, "7 m"),
            (3_600, "1 h"),
            (7_500, "2 h 5 m"),
            (3 * 3_600 + 300, "3 h"),
            (86_400, "1 d"),
            (52 * 3_600, "2 d 4 h"),
            (20 * 86_400 + 3_600, "20 d"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(s)), words, "{s}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_number_is_long_or_panics(bits in proptest::prelude::any::<u64>(), unit in "s|ms|%|ratio|bytes|count|/s|EUR||x") {
            let value = f64::from_bits(bits);
            let words = show(value, &unit);
            proptest::prop_assert!(words.chars().count() < 20, "{words}");
            if value.is_nan() {
                proptest::prop_assert_eq!(words, NO_DATA);
            }
        }
    }
}
