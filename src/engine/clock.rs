//! The moment, read from the wall clock: the one place that does.

use jiff::Timestamp;

/// Now, by the wall clock. It may jump; durations are measured on the monotonic clock instead.
pub fn from_clock() -> Timestamp {
    Timestamp::now()
}
