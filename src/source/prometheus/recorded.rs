//! Objectives that Sloth or Pyrra records already: found by the names of their series, and read as they are recorded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::{Answer, Asking, Exchange, wire};
use super::answer::{Data, Heard, Point, hear};
use super::tag_of;
use crate::model::{
    AlertRule, Clean, Fact, Key, Labels, Measure, Objective, SourceName, Spent, Weighted, Written,
};

/// What the tags of these questions begin with.
pub const TAG: &str = "recorded:";
const WHICH: &str = "recorded:which";
const SLOTH: &str = "recorded:sloth";
const PYRRA: &str = "recorded:pyrra";

/// domain.md §3.2. Pyrra's series are there only where it was told to make generic rules.
const WHICH_QUERY: &str =
    r#"count by (__name__) ({__name__=~"slo:objective:ratio|pyrra_objective"})"#;
const SLOTH_QUERY: &str = r#"{__name__=~"slo:objective:ratio|slo:time_period:days|slo:period_error_budget_remaining:ratio|slo:sli_error:ratio_rate.+"}"#;
const PYRRA_QUERY: &str =
    r#"{__name__=~"pyrra_objective|pyrra_window|pyrra_availability|.+:burnrate[0-9]+[a-z0-9]*"}"#;

/// Whether there are any is asked at the first poll and then seldom; what is there, about every minute.
const WHICH_EVERY: u64 = 20;
const SERIES_EVERY: u64 = 60;
/// Series read of one answer; what is beyond is said.
const MOST: usize = 10_000;

const MEMORY: &str = "recorded";

/// What is remembered: who records here, and what Pyrra's alerting rules say of objectives that have no series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    sloth: bool,
    pyrra: bool,
    ruled: BTreeMap<Box<str>, Ruled>,
}

/// An objective as an alerting rule of Pyrra tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ruled {
    target: f64,
    period: SignedDuration,
    labels: Labels,
}

fn known(asking: &Asking<'_>) -> Known {
    let text = asking.memory.get(MEMORY).map_or("", |text| &**text);
    serde_json::from_str(text).unwrap_or_default()
}

/// A question: its tag and its query.
pub type Question = (&'static str, &'static str);

/// What is asked with this poll, `every` so many seconds. Of the past, whatever there may be.
pub fn due(asking: &Asking<'_>, every: u64, of_the_past: bool) -> Vec<Question> {
    if of_the_past {
        return vec![(SLOTH, SLOTH_QUERY), (PYRRA, PYRRA_QUERY)];
    }
    if asking.round.is_multiple_of(WHICH_EVERY) {
        return vec![(WHICH, WHICH_QUERY)];
    }
    let turns = (SERIES_EVERY / every.max(1)).max(1);
    if asking.round.is_multiple_of(turns) { of(&known(asking)) } else { Vec::new() }
}

/// What is asked next of those that were found just now.
pub fn next(asking: &Asking<'_>, heard: &[Exchange]) -> Vec<Question> {
    if heard.iter().any(|e| matches!(tag_of(e), SLOTH | PYRRA)) {
        return Vec::new();
    }
    found(asking, heard).map_or_else(Vec::new, |found| of(&found))
}

fn of(known: &Known) -> Vec<Question> {
    let sloth = known.sloth.then_some((SLOTH, SLOTH_QUERY));
    let pyrra = (known.pyrra || !known.ruled.is_empty()).then_some((PYRRA, PYRRA_QUERY));
    sloth.into_iter().chain(pyrra).collect()
}

/// Who records here, as it was just heard.
fn found(asking: &Asking<'_>, heard: &[Exchange]) -> Option<Known> {
    let series = read(heard.iter().find(|e| tag_of(e) == WHICH)?)?;
    let has = |name: &str| series.iter().any(|(labels, _)| labels.name() == name);
    Some(Known {
        sloth: has("slo:objective:ratio"),
        pyrra: has("pyrra_objective") || rules_tell(heard),
        ruled: known(asking).ruled,
    })
}

/// Whether the rules of this poll may be Pyrra's: its label is in them. Its series are then asked for at once.
fn rules_tell(heard: &[Exchange]) -> bool {
    let rules = heard.iter().find(|e| tag_of(e) == super::RULES);
    rules.is_some_and(|exchange| match &exchange.answer {
        Ok(Answer::Http(answer)) => {
            String::from_utf8_lossy(&answer.body).contains("\"exhaustion\"")
        }
        _ => false,
    })
}

/// What this poll told of recorded objectives.
pub struct Told {
    pub facts: Vec<Fact>,
    /// Everything there is was told: what is missing is gone.
    pub whole: bool,
    pub remember: Option<(Box<str>, Box<str>)>,
    pub truncated: Option<Clean>,
}

/// `rules`: the alerting rules this poll read, if it read any.
pub fn tell(
    source: &SourceName,
    asking: &Asking<'_>,
    heard: &[Exchange],
    rules: Option<&[&AlertRule]>,
) -> Told {
    let before = known(asking);
    let fresh = found(asking, heard);
    let asked_which = fresh.is_some();
    let mut known = fresh.unwrap_or_else(|| before.clone());
    if let Some(rules) = rules {
        known.ruled = rules.iter().filter_map(|rule| ruled(rule)).collect();
    }
    let mut told = Told { facts: Vec::new(), whole: false, remember: None, truncated: None };
    let mut wanted = of(&known);
    let mut answered = 0;
    for exchange in heard {
        let tag = tag_of(exchange);
        if !matches!(tag, SLOTH | PYRRA) {
            continue;
        }
        let Some(series) = read(exchange) else { continue };
        if series.len() >= MOST {
            let words = "recorded objectives truncated: the first series are read";
            told.truncated = Some(Clean::from(words));
        }
        let objectives = if tag == SLOTH {
            sloth(source, asking.now, &series)
        } else {
            pyrra(source, asking.now, &series, &known.ruled)
        };
        told.facts.extend(objectives.into_iter().map(Fact::Objective));
        wanted.retain(|(asked, _)| *asked != tag);
        answered += 1;
    }
    // Where nobody ever recorded any, there is nothing that could be gone.
    let any = !told.facts.is_empty() || before != Known::default();
    let all = wanted.is_empty() && (answered > 0 || asked_which) && told.truncated.is_none();
    told.whole = any && all;
    let text = serde_json::to_string(&known).unwrap_or_default();
    told.remember = (known != before).then(|| (MEMORY.into(), text.into()));
    told
}

/// Labels of a series, as they come.
#[derive(Debug, Default, Deserialize)]
struct Named<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, Cow<'a, str>>);

impl Named<'_> {
    fn get(&self, label: &str) -> &str {
        self.0.get(label).map_or("", |value| value)
    }

    fn name(&self) -> &str {
        self.get("__name__")
    }

    fn labels(&self) -> Labels {
        let own = self.0.iter().filter(|(name, _)| *name != "__name__");
        own.map(|(name, value)| (Clean::line(name), Clean::line(value))).collect()
    }
}

/// The series of an answer with their labels; `None` without one. A sample that cannot be read is left out.
fn read(exchange: &Exchange) -> Option<Vec<(Named<'_>, f64)>> {
    #[derive(Deserialize)]
    struct Series<'a> {
        #[serde(borrow, default, deserialize_with = "wire::nullable")]
        metric: Named<'a>,
        #[serde(default)]
        value: Option<Point>,
    }
    let Heard::Good(good) = hear(exchange) else { return None };
    let data: Data<'_> = serde_json::from_str(good.data.get()).ok()?;
    let raw: Vec<&serde_json::value::RawValue> = serde_json::from_str(data.result.get()).ok()?;
    let series = raw.into_iter().take(MOST).filter_map(|one| {
        let one: Series<'_> = serde_json::from_str(one.get()).ok()?;
        Some((one.metric, one.value?.value))
    });
    Some(series.collect())
}

/// What was read of one objective so far.
#[derive(Default)]
struct Draft {
    name: Clean,
    labels: Labels,
    target: Option<f64>,
    period: Option<SignedDuration>,
    left: Option<f64>,
    windows: BTreeMap<SignedDuration, f64>,
}

impl Draft {
    /// `None` where the store does not say what was promised.
    fn objective(
        self,
        source: &SourceName,
        id: &str,
        now: Timestamp,
        written: Written,
    ) -> Option<Objective> {
        let target = self.target.filter(|target| (0.0..1.0).contains(target))?;
        let period = self.period.filter(|period| *period > SignedDuration::ZERO)?;
        let mut windows = self.windows;
        if let Some(left) = self.left {
            windows.entry(period).or_insert((1.0 - left) * (1.0 - target));
        }
        let (mut spent, mut whole) = (Vec::new(), None);
        for (window, ratio) in windows {
            let told = Spent { window, at: now, ratio: Measure::of(ratio), counts: None };
            if window == period {
                whole = Some(told);
            } else {
                spent.push(told);
            }
        }
        spent.extend(whole);
        let (word, weighted) = match written {
            Written::Pyrra => ("pyrra", Weighted::ByEvents),
            _ => ("sloth", Weighted::ByTime),
        };
        Some(Objective {
            key: Key::new(source, format!("{word}/{id}")),
            name: self.name,
            written,
            labels: self.labels,
            target,
            period,
            weighted,
            spent,
        })
    }
}

fn days(days: f64) -> Option<SignedDuration> {
    SignedDuration::try_from_secs_f64(days * 86_400.0).ok()
}

/// Sloth: its ratio over the period is the mean of the ratios of five minutes, so that it is weighted by time.
fn sloth(source: &SourceName, now: Timestamp, series: &[(Named<'_>, f64)]) -> Vec<Objective> {
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    for (labels, value) in series {
        let id = match labels.get("sloth_id") {
            "" => format!("{}-{}", labels.get("sloth_service"), labels.get("sloth_slo")),
            id => id.to_owned(),
        };
        let draft = drafts.entry(id).or_default();
        match labels.name() {
            "slo:objective:ratio" => {
                draft.target = Some(*value);
                draft.name = Clean::line(labels.get("sloth_slo"));
                draft.labels = labels.labels();
            }
            "slo:time_period:days" => draft.period = days(*value),
            "slo:period_error_budget_remaining:ratio" => draft.left = Some(*value),
            name => {
                let window = name.strip_prefix("slo:sli_error:ratio_rate").and_then(length);
                draft.windows.extend(window.map(|window| (window, *value)));
            }
        }
    }
    let told = drafts.into_iter();
    told.filter_map(|(id, draft)| draft.objective(source, &id, now, Written::Sloth)).collect()
}

/// Pyrra: what it calls a burn rate is the share of errors, and its availability is that of events.
fn pyrra(
    source: &SourceName,
    now: Timestamp,
    series: &[(Named<'_>, f64)],
    ruled: &BTreeMap<Box<str>, Ruled>,
) -> Vec<Objective> {
    let mut drafts: BTreeMap<&str, Draft> = BTreeMap::new();
    let mut unavailable: BTreeMap<&str, f64> = BTreeMap::new();
    for (labels, value) in series {
        let slo = labels.get("slo");
        if slo.is_empty() {
            continue;
        }
        let draft = drafts.entry(slo).or_default();
        match labels.name() {
            "pyrra_objective" => {
                draft.target = Some(*value);
                draft.labels.extend(labels.labels());
            }
            "pyrra_window" => draft.period = days(*value / 86_400.0),
            "pyrra_availability" => {
                unavailable.insert(slo, 1.0 - *value);
            }
            name => {
                let window = name.rsplit_once(":burnrate").and_then(|(_, text)| length(text));
                let Some(window) = window else { continue };
                draft.labels.extend(labels.labels());
                // One promise about many groups is as well as the worst of them.
                let worst = draft.windows.entry(window).or_insert(*value);
                *worst = if worst.is_nan() { *value } else { worst.max(*value) };
            }
        }
    }
    let told = drafts.into_iter().filter_map(|(slo, mut draft)| {
        draft.name = Clean::line(slo);
        if let Some(rule) = ruled.get(slo) {
            draft.target = draft.target.or(Some(rule.target));
            draft.period = draft.period.or(Some(rule.period));
            draft.labels.extend(rule.labels.clone());
        }
        if let (Some(period), Some(ratio)) = (draft.period, unavailable.get(slo)) {
            draft.windows.insert(period, *ratio);
        }
        draft.objective(source, slo, now, Written::Pyrra)
    });
    told.collect()
}

/// Pyrra's alerting rules say what was promised where no series does: `… > (14 * (1-0.99)) …`, and `exhaustion`, which
/// is the period by the factor.
fn ruled(rule: &AlertRule) -> Option<(Box<str>, Ruled)> {
    let label = |name: &str| rule.labels.get(&Clean::from(name.to_owned())).map(Clean::as_str);
    let (slo, exhaustion) = (label("slo")?, length(label("exhaustion")?)?);
    let (_, rest) = rule.query.as_str().split_once("> (")?;
    let (factor, rest) = rest.split_once("* (1")?;
    let (target, _) = rest.trim_start().strip_prefix('-')?.split_once(')')?;
    let factor: u32 = factor.trim().parse().ok()?;
    let mut labels = rule.labels.clone();
    for own in ["short", "long", "exhaustion", "severity"] {
        labels.remove(&Clean::from(own));
    }
    let period = exhaustion.checked_mul(i32::try_from(factor).ok()?)?;
    // The factors are whole, and an exhaustion is rounded: a period is one of whole hours.
    let period = SignedDuration::from_hours((period.as_secs() + 1_800) / 3_600);
    Some((slo.into(), Ruled { target: target.trim().parse().ok()?, period, labels }))
}

/// A length as Prometheus writes it: `5m`, `1h4m`, `4w`.
fn length(text: &str) -> Option<SignedDuration> {
    let (mut seconds, mut number, mut any) = (0_i64, None, false);
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let next = number.unwrap_or(0_i64).checked_mul(10)?.checked_add(i64::from(digit))?;
            number = Some(next);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            'y' => 31_536_000,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
        any = true;
    }
    (any && number.is_none()).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_prometheus_writes_them() {
        for (text, seconds) in
            [("5m", 300), ("1h4m", 3_840), ("4w", 2_419_200), ("2d", 172_800), ("6h26m", 23_160)]
        {
            assert_eq!(length(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5x", "99999999999999999999m", "1h5"] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}
