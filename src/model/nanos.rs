//! Moments as one whole number, as histories and files hold them: nanoseconds since 1970.

use jiff::Timestamp;

pub const SECOND: i64 = 1_000_000_000;

/// Exact for the years 1677 to 2262; what lies outside is taken to their ends.
pub fn nanos(at: Timestamp) -> i64 {
    let bound = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    let whole = at.as_second().checked_mul(SECOND);
    whole.and_then(|ns| ns.checked_add(at.subsec_nanosecond().into())).unwrap_or(bound)
}

pub fn moment(nanos: i64) -> Timestamp {
    let rest = i32::try_from(nanos.rem_euclid(SECOND)).unwrap_or(0);
    Timestamp::new(nanos.div_euclid(SECOND), rest).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_moment_comes_back_to_the_nanosecond(ns in any::<i64>()) {
            prop_assert_eq!(nanos(moment(ns)), ns);
            prop_assert_eq!(moment(ns).as_nanosecond(), i128::from(ns));
        }
    }

    #[test]
    fn what_lies_outside_is_taken_to_the_ends() {
        assert_eq!((nanos(Timestamp::MIN), nanos(Timestamp::MAX)), (i64::MIN, i64::MAX));
    }
}
