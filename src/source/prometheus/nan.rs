//! What NaN says of a number: 0/0, so that nothing happened, or that a gauge tells no number.

use crate::model::{Measure, Role};

/// Said of a gauge that tells NaN: neither good nor bad, and not quiet either.
pub const NO_NUMBER: &str = "not a number";

/// What a sample of a query in this role says.
///
/// NaN comes of two things that must not look alike. A share, mean or quantile of nothing is 0/0 (domain.md §3.3): there
/// was no traffic. A gauge is NaN because its exporter wrote NaN (its backend is away, its sensor is broken): there is no
/// number. How requests fare (latency, errors, traffic) is reckoned over requests, whoever divided them; of any other
/// number the query tells, as far as it is not taken from a recorded series, of which nobody sees here how it was made.
pub fn reading(value: f64, role: Role, query: &str) -> Measure {
    let over_requests = matches!(role, Role::Latency | Role::Errors | Role::Traffic);
    if value.is_nan() && !over_requests && !may_divide(query) {
        return Measure::Unreadable(NO_NUMBER.into());
    }
    Measure::of(value)
}

/// Whether a query can make 0/0 of whole numbers: it divides, asks a histogram or summary, or a recorded series
/// (`level:metric:operations`, prometheus.io/docs/practices/rules).
fn may_divide(query: &str) -> bool {
    let code = code(query);
    code.contains(['/', '%', ':']) || ["quantile", "histogram_"].iter().any(|w| code.contains(w))
}

/// A query without its texts, comments and durations: a path in a label divides nothing.
fn code(query: &str) -> String {
    let mut code = String::with_capacity(query.len());
    let mut letters = query.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' | '`' => {
                let mut escaped = false;
                let ends = |c: char| {
                    let is_end = c == letter && !escaped;
                    escaped = c == '\\' && !escaped && letter != '`';
                    is_end
                };
                letters.by_ref().any(ends);
            }
            '#' => {
                letters.by_ref().any(|c| c == '\n');
            }
            '[' => {
                letters.by_ref().any(|c| c == ']');
            }
            letter => code.push(letter),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_divided_by_nothing_is_no_traffic_and_a_gauge_without_a_number_is_not() {
        let told = |role, query| reading(f64::NAN, role, query);
        let none = Measure::Unreadable(NO_NUMBER.into());
        for query in [
            "queue_depth",
            "max(queue_depth{path=\"/a:b/c\"})",
            r#"sum(max_over_time(depth{a="\"/"}[1h:5m])) # of all / pages"#,
            "max(depth{a='x/y'}) + min(depth{b=`\\/`})",
        ] {
            assert_eq!(told(Role::Saturation, query), none, "{query}");
            assert_eq!(told(Role::Business, query), none, "{query}");
            // How requests fare is over requests, whoever divided them.
            assert_eq!(told(Role::Errors, query), Measure::NoTraffic, "{query}");
        }
        for query in [
            "sum(up) / count(up)",
            "depth{a=\"x\"} # of\n / cap",
            r#"a{b="\\"} / c"#,
            "wait_seconds{quantile=\"0.9\"}",
            "histogram_quantile(0.9, rate(wait_bucket[5m]))",
            "histogram_avg(wait)",
            "job:orders:ratio",
        ] {
            assert_eq!(told(Role::Business, query), Measure::NoTraffic, "{query}");
        }
        assert_eq!(reading(f64::INFINITY, Role::Business, "x"), Measure::Infinite(true));
        assert_eq!(reading(0.0, Role::Business, "x"), Measure::Number(0.0));
    }

    proptest::proptest! {
        #[test]
        fn no_query_is_too_odd_to_be_looked_at(query in ".*") {
            let told = reading(f64::NAN, Role::Business, &query);
            proptest::prop_assert!(told.number().is_none());
        }
    }
}
