//! Label matchers as text: quoted, escaped, one value or one of many.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A text in double quotes (prometheus.io/docs/prometheus/latest/querying/basics, "String literals": escapes as in Go).
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// One of these texts, as RE2 reads it: every sign that means something there is escaped.
pub fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for text in texts {
        if !out.is_empty() {
            out.push('|');
        }
        for c in text.chars() {
            if matches!(
                c,
                '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
            ) {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// `job="a"`, or `job=~"a|b"`.
pub fn matcher(label: &str, values: &BTreeSet<&str>) -> String {
    match values.first() {
        Some(only) if values.len() == 1 => format!("{label}={}", quoted(only)),
        _ => format!("{label}=~{}", quoted(&one_of(values.iter().copied()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_more_than_itself_in_a_query() {
        assert_eq!(matcher("job", &["a"].into()), r#"job="a""#);
        assert_eq!(matcher("job", &["a.b", "c|d"].into()), r#"job=~"a\\.b|c\\|d""#);
        assert_eq!(quoted("a\"} or up{x=\"\\\n"), r#""a\"} or up{x=\"\\\u000a""#);
    }
}
