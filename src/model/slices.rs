//! Equal slices of time on a grid of whole seconds: what a chart shows, and what a metric store is asked for.

use jiff::{SignedDuration, Timestamp};

use super::{Metric, Role};

/// A stretch of time in slices; each holds its end, and not its beginning, as a query that looks back does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slices {
    /// Seconds since the epoch, a multiple of `step`.
    from: i64,
    /// Seconds of one slice.
    step: i64,
    count: usize,
}

/// Widths a slice may have, in seconds: each divides a day, so that days and hours begin with a slice.
const STEPS: [i64; 30] = [
    10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 900, 1_200, 1_440,
    1_800, 2_400, 2_700, 3_600, 5_400, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200,
];

/// Points of a series that Prometheus answers at most in one range query (`web/api/v1/api.go`, "exceeded maximum
/// resolution").
pub const MOST_SLICES: usize = 11_000;

impl Slices {
    /// The stretch of at least `span` that ends with the slice `until` lies in, in no more than `columns` slices.
    ///
    /// The grid is the same whoever asks when: what is drawn moves by a slice now and then, not a little with every
    /// second, and stores that keep answers (Thanos, Mimir) find theirs again.
    pub fn ending(until: Timestamp, span: SignedDuration, columns: usize) -> Self {
        let span = span.as_secs().max(1);
        let most = i64::try_from(columns.clamp(1, MOST_SLICES)).unwrap_or(1);
        let fits = |step: &&i64| span % **step == 0 && span / **step <= most;
        // What divides into no known width is cut into as many slices as there are columns.
        let step = STEPS.iter().find(fits).copied().unwrap_or_else(|| ceiling(span, most));
        let count = ceiling(span, step);
        let end = ceiling(until.as_second(), step).saturating_mul(step);
        let from = end.saturating_sub(count.saturating_mul(step));
        Self { from, step, count: usize::try_from(count).unwrap_or(1) }
    }

    pub fn from(&self) -> Timestamp {
        moment(self.from)
    }

    pub fn until(&self) -> Timestamp {
        self.end(self.count.saturating_sub(1))
    }

    pub fn span(&self) -> SignedDuration {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        SignedDuration::from_secs(self.step.saturating_mul(count))
    }

    pub fn step(&self) -> SignedDuration {
        SignedDuration::from_secs(self.step)
    }

    /// How often a slice is looked into where it is too long for one look; `None` where one tells it all.
    ///
    /// Rates look back five minutes as a rule. Twelve looks a slice bound what the upstream reckons.
    pub fn looks(&self) -> Option<SignedDuration> {
        let between = (self.step / LOOKS).max(ONE_LOOK);
        (self.step > ONE_LOOK).then(|| SignedDuration::from_secs(between))
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The last moment of a slice.
    pub fn end(&self, slice: usize) -> Timestamp {
        let slices = i64::try_from(slice).unwrap_or(i64::MAX).saturating_add(1);
        moment(self.from.saturating_add(self.step.saturating_mul(slices)))
    }

    /// The slice a moment lies in; `None` outside.
    pub fn slice(&self, at: Timestamp) -> Option<usize> {
        let after = at.as_second().saturating_sub(self.from);
        let part = i64::from(at.subsec_nanosecond() > 0);
        let slice = ceiling(after.saturating_add(part), self.step) - 1;
        usize::try_from(slice).ok().filter(|slice| *slice < self.count)
    }
}

/// How several readings in one slice become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Mean,
    Least,
    Most,
}

impl Fold {
    /// The worst of a slice where it is known which way is worse: a short outage is seen on a long axis, too.
    pub fn of(metric: &Metric) -> Self {
        use super::Comparison as C;
        let over = |op| matches!(op, C::Greater | C::GreaterOrEqual);
        let under = |op| matches!(op, C::Less | C::LessOrEqual);
        match (metric.bad.map(|b| b.op), metric.good.map(|b| b.op)) {
            _ if metric.role == Role::Traffic => Self::Mean,
            (Some(op), _) if over(op) => Self::Most,
            (Some(op), _) if under(op) => Self::Least,
            (None, Some(op)) if under(op) => Self::Most,
            (None, Some(op)) if over(op) => Self::Least,
            _ => Self::Mean,
        }
    }
}

/// Seconds that one look tells of, and looks at a slice at most.
const ONE_LOOK: i64 = 300;
const LOOKS: i64 = 12;

fn ceiling(n: i64, by: i64) -> i64 {
    n.div_euclid(by) + i64::from(n.rem_euclid(by) > 0)
}

fn moment(second: i64) -> Timestamp {
    let end = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_window_is_cut_into_slices_people_would_choose() {
        for (hours, columns, step) in
            [(1, 120, 30), (3, 120, 90), (24, 120, 720), (24, 133, 720), (168, 133, 5_400)]
        {
            let slices = Slices::ending(at(1_000_000), SignedDuration::from_hours(hours), columns);
            assert_eq!(slices.step().as_secs(), step, "{hours} h in {columns}");
            assert_eq!(slices.span(), SignedDuration::from_hours(hours));
        }
    }

    #[test]
    fn a_slice_holds_its_end_and_not_its_beginning() {
        let slices = Slices::ending(at(1_000_000), SignedDuration::from_hours(1), 60);
        let (from, step) = (slices.from(), slices.step());
        assert_eq!(slices.slice(from), None);
        assert_eq!(slices.slice(from + SignedDuration::from_nanos(1)), Some(0));
        assert_eq!(slices.slice(from + step), Some(0));
        assert_eq!(slices.slice(from + step + SignedDuration::from_millis(1)), Some(1));
        assert_eq!(slices.slice(slices.until()), Some(59));
        assert_eq!(slices.slice(slices.until() + SignedDuration::from_millis(1)), None);
    }

    proptest! {
        #[test]
        fn what_is_asked_for_covers_what_is_wanted_and_no_store_refuses_it(
            until in -4_000_000_000_i64..4_000_000_000,
            span in 1_i64..40_000_000,
            columns in 0_usize..100_000,
        ) {
            let wanted = SignedDuration::from_secs(span);
            let slices = Slices::ending(at(until), wanted, columns);
            prop_assert!(slices.span() >= wanted);
            prop_assert!(slices.count() <= columns.max(1) && slices.count() <= MOST_SLICES);
            prop_assert!(slices.until() >= at(until) && slices.until() < at(until) + slices.step());
            prop_assert_eq!(slices.from().as_second().rem_euclid(slices.step().as_secs()), 0);
            prop_assert_eq!(slices.slice(at(until)), Some(slices.count() - 1));
            for slice in [0, slices.count() / 2, slices.count() - 1] {
                prop_assert_eq!(slices.slice(slices.end(slice)), Some(slice));
            }
        }

        #[test]
        fn no_moment_panics(until in any::<i64>(), span in any::<i64>(), columns in any::<usize>()) {
            let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
            let slices = Slices::ending(until, SignedDuration::from_secs(span), columns);
            prop_assert!(slices.from() <= slices.until());
            slices.slice(Timestamp::MIN);
            slices.slice(Timestamp::MAX);
        }
    }
}
