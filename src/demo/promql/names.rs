//! The functions this small store knows; any other name is an error, as it is upstream.

/// Functions over a range of samples: they need the selector, not its value.
pub const OVER_RANGES: &[&str] = &[
    "rate",
    "increase",
    "irate",
    "delta",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
];

/// The other functions.
const OVER_VALUES: &[&str] = &[
    "histogram_quantile",
    "label_replace",
    "vector",
    "scalar",
    "time",
    "abs",
    "ceil",
    "floor",
    "round",
    "exp",
    "ln",
    "sqrt",
    "clamp_min",
    "clamp_max",
    "sort",
    "sort_desc",
    "absent",
    "timestamp",
];

/// Whether this small store has a function of that name.
pub fn is_known(name: &str) -> bool {
    OVER_RANGES.contains(&name) || OVER_VALUES.contains(&name)
}
