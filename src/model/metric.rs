//! Numbers of a service, technical and business: what was measured, and what good looks like.

use jiff::{SignedDuration, Timestamp};

use super::{Clean, Name};

/// Which number: `service` is `None` for a number of the whole team.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct MetricId {
    pub service: Option<Name>,
    pub metric: Name,
}

/// One reading. No data, no traffic and zero never look alike.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Measure {
    /// A finite number.
    Number(f64),
    /// The query answered an empty vector, `null` or a missing pointer.
    NoData,
    /// 0/0: the store has the series, and nothing happened.
    NoTraffic,
    /// ±Inf, `true` for positive.
    Infinite(bool),
    /// Something that is no number, said in words.
    Unreadable(Clean),
}

impl Measure {
    pub fn of(value: f64) -> Self {
        if value.is_nan() {
            Self::NoTraffic
        } else if value.is_infinite() {
            Self::Infinite(value > 0.0)
        } else {
            Self::Number(value)
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// The stable word of the machine output.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::NoData => "no-data",
            Self::NoTraffic => "no-traffic",
            Self::Infinite(_) => "infinite",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// What a number says about a service; decides its column.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Latency,
    Errors,
    Traffic,
    Saturation,
    /// Whether it is there at all: targets up, probes that succeed, replicas available.
    Availability,
    Business,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Traffic => "traffic",
            Self::Saturation => "saturation",
            Self::Availability => "availability",
            Self::Business => "business",
        }
    }
}

/// How far a bad reading may pull its service: critical passes on, important at most degrades, info never.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    Critical,
    #[default]
    Important,
    Info,
}

/// The unit a number is shown in.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Unit {
    #[default]
    None,
    Seconds,
    Milliseconds,
    /// Already in percent, 0–100.
    Percent,
    /// 0–1, shown as percent.
    Ratio,
    Bytes,
    Count,
    PerSecond,
    /// An ISO 4217 code.
    Currency(Clean),
    Free(Clean),
}

impl Unit {
    /// Reads the configuration's word.
    pub fn parse(word: &str) -> Self {
        match word.trim() {
            "" => Self::None,
            "s" | "seconds" => Self::Seconds,
            "ms" => Self::Milliseconds,
            "%" | "percent" => Self::Percent,
            "ratio" => Self::Ratio,
            "bytes" | "B" => Self::Bytes,
            "count" => Self::Count,
            "per-second" | "/s" => Self::PerSecond,
            code if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
                Self::Currency(Clean::line(code))
            }
            other => Self::Free(Clean::line(other)),
        }
    }

    /// The word of the machine output.
    pub fn word(&self) -> &str {
        match self {
            Self::None => "",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Percent => "%",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::PerSecond => "per-second",
            Self::Currency(code) => code.as_str(),
            Self::Free(text) => text.as_str(),
        }
    }
}

/// A comparison such as `< 0.3`: the `good` or `bad` of a metric.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bound {
    pub op: Comparison,
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Bound {
    /// Reads `< 0.3`, `>= 99.9`, `== 1`. `None` when it is no comparison with a finite number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (op, rest) = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (op, rest)))?;
        let value: f64 = rest.trim().trim_end_matches('%').trim().parse().ok()?;
        value.is_finite().then_some(Self { op, value })
    }

    pub fn holds(self, value: f64) -> bool {
        match self.op {
            Comparison::Less => value < self.value,
            Comparison::LessOrEqual => value <= self.value,
            Comparison::Greater => value > self.value,
            Comparison::GreaterOrEqual => value >= self.value,
            Comparison::Equal => value.total_cmp(&self.value).is_eq(),
            Comparison::NotEqual => value.total_cmp(&self.value).is_ne(),
        }
    }

    pub fn sign(self) -> &'static str {
        match self.op {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "≤",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => "≥",
            Comparison::Equal => "=",
            Comparison::NotEqual => "≠",
        }
    }

    /// The sign as it is written in a configuration.
    pub fn ascii(self) -> &'static str {
        match self.op {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        }
    }
}

/// What a probe asks (`[[service.probe]]`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Probe {
    pub service: Name,
    /// The configured address, credentials removed, as it is shown.
    pub target: Clean,
    /// `http`, `tcp`, `tls` or `dns`.
    pub means: &'static str,
}

/// Ways to probe; a word that this version does not know makes a record unreadable.
const MEANS: [&str; 4] = ["http", "tcp", "tls", "dns"];

impl<'de> serde::Deserialize<'de> for Probe {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Written {
            service: Name,
            target: Clean,
            means: String,
        }
        let Written { service, target, means } = Written::deserialize(from)?;
        let known = MEANS.into_iter().find(|known| *known == means);
        let means = known.ok_or_else(|| serde::de::Error::custom("no way to probe"))?;
        Ok(Self { service, target, means })
    }
}

/// One result of a probe.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProbeResult {
    pub probe: Probe,
    pub weight: Weight,
    pub at: Timestamp,
    pub health: super::Health,
    /// `200 in 31 ms`, `refused`, `certificate ends in 6 d`.
    pub words: Clean,
    pub latency: Option<SignedDuration>,
    /// The earliest end of the certificates in the chain, for TLS.
    pub expires: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_read_what_people_write() {
        assert!(Bound::parse("< 0.3").unwrap().holds(0.2));
        assert!(!Bound::parse("<0.3").unwrap().holds(0.3));
        assert!(Bound::parse(">= 99.9%").unwrap().holds(99.9));
        for bad in ["", "0.3", "<", "< fast", "< NaN", "< inf"] {
            assert_eq!(Bound::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_traffic_is_neither_zero_nor_missing() {
        assert_eq!(Measure::of(f64::NAN), Measure::NoTraffic);
        assert_eq!(Measure::of(f64::NEG_INFINITY), Measure::Infinite(false));
        assert_eq!(Measure::of(0.0).number(), Some(0.0));
    }
}
