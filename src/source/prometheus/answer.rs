//! What Prometheus writes: the envelope, samples with their odd numbers, and refusals in its own words.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::{Answer, Exchange, HttpAnswer, wire};
use crate::model::{Clean, Status, Trouble};

/// What came of a question.
pub enum Heard<'a> {
    Good(Box<Good<'a>>),
    /// The server understood us and refuses *this* query; others may still be fine.
    Refused(Clean),
    /// No usable answer.
    Lost(Trouble),
}

pub struct Good<'a> {
    pub data: &'a RawValue,
    /// Warnings and infos together: both are worth knowing.
    pub notes: Vec<Clean>,
    /// Why not all of the data was there, where the store says so.
    pub partial: Option<Clean>,
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "errorType")]
    error_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    warnings: Option<&'a RawValue>,
    #[serde(borrow, default)]
    infos: Option<&'a RawValue>,
    /// `VictoriaMetrics` as a cluster, while some of its storage does not answer (docs.victoriametrics.com, "Cluster
    /// availability").
    #[serde(default, rename = "isPartial")]
    is_partial: Option<bool>,
}

/// Notes of one answer that are repeated to the reader.
const NOTES_KEPT: usize = 5;

pub fn hear(exchange: &Exchange) -> Heard<'_> {
    let answer = match wire::judge(exchange, wire::reason) {
        Ok(answer) => answer,
        Err(trouble) => return refusal(exchange, trouble),
    };
    let envelope: Envelope<'_> = match wire::parse(answer) {
        Ok(envelope) => envelope,
        Err(trouble) => return Heard::Lost(trouble),
    };
    match (&*envelope.status, envelope.data) {
        ("success", Some(data)) => {
            let texts = |raw: Option<&RawValue>| -> Vec<String> {
                raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
            };
            let (warnings, infos) = (texts(envelope.warnings), texts(envelope.infos));
            // A remark on the query is none on the data.
            let lacks = warnings.iter().find(|text| !text.starts_with("PromQL "));
            let lacks = lacks.map(|text| Clean::line(wire::brief(text)));
            let says = || Clean::from("the store says its answer is partial");
            let partial = lacks.or_else(|| envelope.is_partial.unwrap_or(false).then(says));
            let notes = warnings.iter().chain(&infos).take(NOTES_KEPT);
            let notes = notes.map(|text| Clean::line(wire::brief(text))).collect();
            Heard::Good(Box::new(Good { data, notes, partial }))
        }
        ("error", _) => Heard::Refused(words(&envelope)),
        _ => Heard::Lost(
            Trouble::bad_data("JSON, but not as Prometheus writes it: no status and data")
                .hint("check the path in the url of this source"),
        ),
    }
}

/// A failure with Prometheus' own error body is about the query; anything else is about the server.
fn refusal(exchange: &Exchange, trouble: Trouble) -> Heard<'_> {
    if trouble.status == Status::TooLarge {
        return Heard::Refused(Clean::line(format_args!("{trouble}")));
    }
    let Some(answer) = http(exchange) else { return Heard::Lost(trouble) };
    let told = serde_json::from_slice::<Envelope<'_>>(wire::bare(&answer.body)).ok();
    match told.filter(|e| e.status == "error") {
        Some(e) if matches!(answer.status, 400 | 422) => Heard::Refused(words(&e)),
        Some(e) if answer.status == 503 && e.error_type.as_deref() == Some("timeout") => {
            Heard::Refused(words(&e))
        }
        _ => Heard::Lost(trouble),
    }
}

fn words(envelope: &Envelope<'_>) -> Clean {
    let error = envelope.error.as_deref().unwrap_or("the query was refused without a reason");
    Clean::line(wire::brief(error))
}

fn http(exchange: &Exchange) -> Option<&HttpAnswer> {
    match &exchange.answer {
        Ok(Answer::Http(answer)) => Some(answer),
        _ => None,
    }
}

/// `VictoriaMetrics` answers 400 with plain text for paths it does not know.
pub fn is_unsupported(exchange: &Exchange) -> bool {
    http(exchange).is_some_and(|answer| {
        answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("unsupported path")
    })
}

/// What the server says of itself. `VictoriaMetrics` says nothing, or always 2.24.0 and nothing else.
pub fn about(exchange: &Exchange) -> Option<Clean> {
    #[derive(serde::Deserialize)]
    struct Build<'a> {
        #[serde(borrow, default)]
        version: Cow<'a, str>,
        #[serde(borrow, default)]
        revision: Cow<'a, str>,
    }
    let Heard::Good(good) = hear(exchange) else { return None };
    let build: Build<'_> = serde_json::from_str(good.data.get()).ok()?;
    let (version, revision) = (&*build.version, &*build.revision);
    Some(if version.is_empty() || (version == "2.24.0" && revision.is_empty()) {
        Clean::from("speaks like Prometheus, version not told")
    } else {
        Clean::line(format_args!("Prometheus {}", wire::brief(version)))
    })
}

#[derive(serde::Deserialize)]
pub struct Data<'a> {
    #[serde(borrow, rename = "resultType")]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub result: &'a RawValue,
}

/// A series of an instant or a range answer: the label that tells the query, and its samples.
#[derive(serde::Deserialize)]
pub struct Series<'a> {
    #[serde(borrow, default, deserialize_with = "wire::nullable")]
    pub metric: Tagged<'a>,
    #[serde(default)]
    pub value: Option<Point>,
    #[serde(default)]
    pub values: Option<Vec<Point>>,
    /// Native histograms (3.x) come instead of a value.
    #[serde(default)]
    pub histogram: Option<IgnoredAny>,
    #[serde(default)]
    pub histograms: Option<IgnoredAny>,
}

#[derive(serde::Deserialize, Default)]
pub struct Tagged<'a> {
    #[serde(borrow, default, rename = "andon_query")]
    pub query: Option<Cow<'a, str>>,
}

/// `[1795347881.684, "0.25"]`: read without keeping the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds since the epoch.
    pub at: f64,
    pub value: f64,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time and a value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Point, A::Error> {
                let at = pair.next_element::<Number>()?;
                let value = pair.next_element::<Number>()?;
                match (at, value, pair.next_element::<IgnoredAny>()?) {
                    (Some(at), Some(value), None) => Ok(Point { at: at.0, value: value.0 }),
                    _ => Err(de::Error::invalid_length(0, &self)),
                }
            }
        }
        from.deserialize_seq(Pair)
    }
}

/// A number, or text that is one: `NaN`, `+Inf`, `1e+300`.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number =
                    text.parse().map_err(|_| E::invalid_type(de::Unexpected::Str(text), &self));
                number.map(Number)
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
        }
        from.deserialize_any(Reader)
    }
}
