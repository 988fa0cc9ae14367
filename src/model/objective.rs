//! A promise in numbers as a metric store tells it: what was promised, and the share of bad events in each window.

use jiff::{SignedDuration, Timestamp};

use super::{Clean, Key, Labels, Measure, Name, Slo};

/// An objective and what was told of it, window by window.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Objective {
    pub key: Key,
    pub name: Clean,
    pub written: Written,
    /// Whom it is about, where the configuration does not say.
    pub labels: Labels,
    /// The share that shall be good, 0–1.
    pub target: f64,
    pub period: SignedDuration,
    pub weighted: Weighted,
    /// The shortest window first; that of the period is the last.
    pub spent: Vec<Spent>,
}

/// Who wrote the objective down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Written {
    Configuration,
    Sloth,
    Pyrra,
}

impl Written {
    pub fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
        }
    }
}

/// What the share over the period is a share of: the two differ a hundredfold where traffic is uneven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Weighted {
    /// Bad events of all events.
    ByEvents,
    /// The mean of the shares of short stretches of time.
    ByTime,
}

impl Weighted {
    pub fn word(self) -> &'static str {
        match self {
            Self::ByEvents => "events",
            Self::ByTime => "time",
        }
    }
}

/// What was bad in the window that ended at `at`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spent {
    pub window: SignedDuration,
    pub at: Timestamp,
    /// Bad events of all events, 0–1.
    pub ratio: Measure,
    /// The bad events and all events, where they were counted.
    pub counts: Option<(f64, f64)>,
}

impl Spent {
    /// Bad events of all events. Where nothing counts as bad yet but everything is counted, nothing was bad; where
    /// nothing is counted at all, nobody knows (domain.md §3.3).
    pub fn of_counts(
        window: SignedDuration,
        at: Timestamp,
        bad: &Measure,
        total: &Measure,
    ) -> Self {
        let (ratio, counts) = match (bad, total) {
            (_, Measure::NoData) => (Measure::NoData, None),
            (_, Measure::NoTraffic) => (Measure::NoTraffic, None),
            (_, Measure::Number(total)) if *total <= 0.0 => (Measure::NoTraffic, Some((0.0, 0.0))),
            (Measure::Number(bad), Measure::Number(total)) => {
                (Measure::of(bad / total), Some((*bad, *total)))
            }
            (Measure::NoData, Measure::Number(total)) => {
                (Measure::Number(0.0), Some((0.0, *total)))
            }
            (Measure::Unreadable(words), _) | (_, Measure::Unreadable(words)) => {
                (Measure::Unreadable(words.clone()), None)
            }
            _ => (Measure::NoData, None),
        };
        Self { window, at, ratio, counts }
    }
}

/// The windows that burn is looked at in, as the SRE workbook has them.
pub const BURN_WINDOWS: [SignedDuration; 7] = [
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(72),
];

/// How often a window is asked for: a twentieth of it and more would tell nothing new, and a month is much to read
/// for a store.
pub fn asked_every(window: SignedDuration) -> SignedDuration {
    match window.as_secs() {
        i64::MIN..=300 => SignedDuration::from_secs(30),
        301..=3_900 => SignedDuration::from_secs(60),
        3_901..=7_800 => SignedDuration::from_secs(120),
        7_801..=100_000 => SignedDuration::from_secs(300),
        _ => SignedDuration::from_secs(600),
    }
}

impl Slo {
    /// The windows it is asked in, the shortest first: those of burn that are shorter than its period, and that one.
    pub fn windows(&self) -> Vec<SignedDuration> {
        let burn = BURN_WINDOWS.into_iter().filter(|w| *w < self.window);
        burn.chain([self.window]).collect()
    }

    /// What its objective is known by. Another definition is another one, so that their readings never mix.
    pub fn key(&self, service: &Name) -> Key {
        let text = format!("{}\n{}\n{}", self.bad, self.total, self.window.as_secs());
        let mark = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Key::new(&self.source, format!("{service}/{}/{mark:016x}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_bad_is_zero_only_where_something_is_counted() {
        let hour = SignedDuration::from_hours(1);
        let ratio = |bad: Measure, total: Measure| {
            Spent::of_counts(hour, Timestamp::UNIX_EPOCH, &bad, &total).ratio
        };
        let n = Measure::Number;
        assert_eq!(ratio(n(5.0), n(1_000.0)), n(0.005));
        assert_eq!(ratio(Measure::NoData, n(1_000.0)), n(0.0));
        assert_eq!(ratio(Measure::NoData, Measure::NoData), Measure::NoData);
        assert_eq!(ratio(n(5.0), Measure::NoData), Measure::NoData);
        assert_eq!(ratio(n(0.0), n(0.0)), Measure::NoTraffic);
        assert_eq!(ratio(Measure::NoData, n(0.0)), Measure::NoTraffic);
        assert_eq!(ratio(Measure::NoTraffic, Measure::NoTraffic), Measure::NoTraffic);
        let refused = Measure::Unreadable("parse error".into());
        assert_eq!(ratio(refused.clone(), n(9.0)), refused);
    }

    #[test]
    fn another_definition_is_another_objective() {
        let slo = Slo {
            name: Name::new("availability"),
            objective: 99.9,
            window: SignedDuration::from_hours(24),
            source: Name::new("prom"),
            bad: "b".into(),
            total: "t".into(),
        };
        let service = Name::new("checkout");
        let other = Slo { total: "u".into(), ..slo.clone() };
        assert_ne!(slo.key(&service), other.key(&service));
        assert_eq!(slo.key(&service), Slo { objective: 99.0, ..slo.clone() }.key(&service));
        assert_eq!(slo.windows().len(), 6, "3 d do not fit into a day");
    }
}
