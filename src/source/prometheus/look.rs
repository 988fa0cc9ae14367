//! The look around: one cheap question which known series exist for the services of the team, and whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::super::{Exchange, wire};
use super::answer::{Data, Heard, hear};
use super::plan::{Entry, Plan};
use super::presets::{self, Naming, Number, Preset, USUAL};
use super::promql::{BYTES, LABEL};
use super::selector::{matcher, one_of, quoted};
use super::tag_of;
use super::watched::Watched;
use crate::model::{Clean, Name, Role};

/// Services asked about in one question, so that it stays below what proxies take (some 50 kB).
const SERVICES: usize = 100;

/// The questions, one for each hundred services.
///
/// `count by` is answered from the head of the store with one line for each series *name* and service, however many
/// series stand behind it; `/api/v1/series` would send every one of them, and older servers ignore its `limit`. Only
/// series of the team's own names are touched, and of histograms only one bucket. No part of it is younger than
/// Prometheus 2.0: Thanos, Mimir and `VictoriaMetrics` answer it as well.
pub fn questions(watched: &[Watched]) -> Vec<String> {
    watched.chunks(SERVICES).map(question).collect()
}

fn question(watched: &[Watched]) -> String {
    let by = told_apart_by(watched).into_iter().collect::<Vec<_>>().join(", ");
    let conditions = conditions().into_iter().enumerate();
    let parts = conditions.map(|(i, with)| counted(&by, &terms(watched, with).join(" or "), i));
    parts.collect::<Vec<_>>().join(" or ")
}

/// How many series there are of each name and service, marked with the place of the condition they meet.
fn counted(by: &str, selectors: &str, condition: usize) -> String {
    format!(
        "label_replace(count by (__name__, {by}) ({selectors}), \"{LABEL}\", \"{condition}\", \"\", \"\")"
    )
}

/// The same in many questions, none longer than every server takes it, where that can be.
pub fn pieces(watched: &[Watched]) -> Vec<String> {
    let by = told_apart_by(watched).into_iter().collect::<Vec<_>>().join(", ");
    let mut pieces = Vec::new();
    for (i, with) in conditions().into_iter().enumerate() {
        let mut left = vec![watched];
        while let Some(some) = left.pop() {
            let terms = terms(some, with);
            let length: usize = terms.iter().map(|term| term.len() + " or ".len()).sum();
            if length + by.len() + 100 > BYTES && some.len() > 1 {
                let (one, other) = some.split_at(some.len() / 2);
                left.extend([one, other]);
            } else if !terms.is_empty() {
                pieces.push(counted(&by, &terms.join(" or "), i));
            }
        }
    }
    pieces
}

/// Whether the store refused to look.
pub fn is_refused(heard: &[Exchange], tag: &str) -> bool {
    let mut answers = heard.iter().filter(|e| tag_of(e).starts_with(tag)).map(hear);
    answers.any(|answer| matches!(answer, Heard::Refused(_)))
}

/// Labels that tell services of one name apart, though nobody configured them (Kubernetes; OpenTelemetry's
/// `k8s.namespace.name` as it is promoted).
const PLACES: [&str; 2] = ["namespace", "k8s_namespace_name"];

/// Every matcher that some number asks of its series, in a stable order.
fn conditions() -> BTreeSet<&'static str> {
    presets::all().map(|(_, number)| number.with).collect()
}

/// Labels that may say whose a series is.
fn told_apart_by(watched: &[Watched]) -> BTreeSet<&str> {
    let own = watched.iter().flat_map(|w| w.labels.keys().map(String::as_str));
    let told = presets::PRESETS.iter().flat_map(|preset| labels_of(preset).iter().copied());
    own.chain(told).chain(PLACES).collect()
}

fn labels_of(preset: &Preset) -> &'static [&'static str] {
    match preset.labels {
        Naming::Usual => USUAL,
        Naming::Told(labels) => labels,
    }
}

/// Selectors of all series that meet a condition and are of one of these services, by name or by its labels.
fn terms(watched: &[Watched], with: &str) -> Vec<String> {
    let mut namings: BTreeMap<&[&str], BTreeSet<&str>> = BTreeMap::new();
    for (preset, number) in presets::all().filter(|(_, n)| n.with == with) {
        namings.entry(labels_of(preset)).or_default().insert(number.series);
    }
    let named = one_of(watched.iter().map(|w| w.name.as_str()));
    let mut terms = Vec::new();
    for (labels, series) in namings {
        let mut series = matcher("__name__", &series);
        if !with.is_empty() {
            let _ = write!(series, ",{with}");
        }
        for label in labels {
            // OpenTelemetry's job is `namespace/name`.
            let values = if *label == "job" { format!("(.+/)?({named})") } else { named.clone() };
            terms.push(format!("{{{series},{label}=~{}}}", quoted(&values)));
        }
        for (names, values) in by_labels(watched) {
            if labels != USUAL && !names.iter().any(|name| labels.contains(name)) {
                continue;
            }
            let matchers: Vec<String> =
                names.iter().zip(&values).map(|(name, values)| matcher(name, values)).collect();
            terms.push(format!("{{{series},{}}}", matchers.join(",")));
        }
    }
    terms
}

/// Services with labels of their own, those with the same names of labels together.
fn by_labels(watched: &[Watched]) -> BTreeMap<Vec<&str>, Vec<BTreeSet<&str>>> {
    let mut groups: BTreeMap<Vec<&str>, Vec<BTreeSet<&str>>> = BTreeMap::new();
    for one in watched.iter().filter(|w| !w.labels.is_empty()) {
        let names: Vec<&str> = one.labels.keys().map(String::as_str).collect();
        let group = groups.entry(names).or_insert_with(|| vec![BTreeSet::new(); one.labels.len()]);
        for (values, value) in group.iter_mut().zip(one.labels.values()) {
            values.insert(value);
        }
    }
    groups
}

/// Services and places named one by one.
const NAMED: usize = 4;

/// What a look around saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Label sets by series and by the place of the condition they meet.
    rows: BTreeMap<(String, usize), Rows>,
}

/// The labels of a series.
type Set = BTreeMap<String, String>;

/// Label sets, found by what one of their labels is: a thousand services look for theirs among thousands.
#[derive(Debug, Default)]
struct Rows {
    all: Vec<Set>,
    /// Places in `all`, by label and value.
    by: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
    /// Places in `all`, by what comes after the last slash of `job`.
    ends: BTreeMap<String, Vec<usize>>,
}

impl Rows {
    fn add(&mut self, set: Set) {
        let place = self.all.len();
        for (label, value) in &set {
            let values = self.by.entry(label.clone()).or_default();
            values.entry(value.clone()).or_default().push(place);
        }
        if let Some((_, end)) = set.get("job").and_then(|job| job.rsplit_once('/')) {
            self.ends.entry(end.to_owned()).or_default().push(place);
        }
        self.all.push(set);
    }

    fn at<'r>(&'r self, places: Option<&'r Vec<usize>>) -> impl Iterator<Item = &'r Set> + Clone {
        places.into_iter().flatten().filter_map(|place| self.all.get(*place))
    }

    /// Those of which a label is this.
    fn of<'r>(&'r self, label: &str, value: &str) -> impl Iterator<Item = &'r Set> + Clone {
        self.at(self.by.get(label).and_then(|values| values.get(value)))
    }

    /// Those with all of these labels, of which there is one at least.
    fn with<'r>(
        &'r self,
        labels: impl Iterator<Item = (&'r String, &'r String)> + Clone,
    ) -> impl Iterator<Item = &'r Set> {
        let first = labels.clone().next();
        let some = first.into_iter().flat_map(|(label, value)| self.of(label, value));
        some.filter(move |set| labels.clone().all(|(k, v)| set.get(k) == Some(v)))
    }
}

#[derive(serde::Deserialize)]
struct Line {
    #[serde(default, deserialize_with = "wire::nullable")]
    metric: BTreeMap<String, String>,
}

/// Reads all answers of a look around; what is no answer is told in words, and the whole look counts as lost.
pub fn read(heard: &[Exchange], tag: &str) -> Result<Seen, Clean> {
    let mut seen = Seen::default();
    for exchange in heard.iter().filter(|e| tag_of(e).starts_with(tag)) {
        let good = match hear(exchange) {
            Heard::Good(good) => good,
            Heard::Refused(words) => return Err(words),
            Heard::Lost(trouble) => return Err(Clean::line(trouble)),
        };
        let unread = || Clean::from("an answer of another shape");
        let data: Data<'_> = serde_json::from_str(good.data.get()).map_err(|_| unread())?;
        let lines: Vec<&RawValue> =
            serde_json::from_str(data.result.get()).map_err(|_| unread())?;
        for line in lines {
            // One unreadable line loses one label set.
            let Ok(Line { mut metric }) = serde_json::from_str::<Line>(line.get()) else {
                continue;
            };
            let (series, at) = (metric.remove("__name__"), metric.remove(LABEL));
            let at = at.and_then(|at| at.parse::<usize>().ok());
            if let (Some(series), Some(at)) = (series, at) {
                seen.rows.entry((series, at)).or_default().add(metric);
            }
        }
    }
    Ok(seen)
}

impl Seen {
    /// Which numbers each service has: of rate, errors and latency the first, of the others each name once.
    pub fn plan(&self, watched: &[Watched]) -> Plan {
        let places: BTreeMap<&str, usize> =
            conditions().into_iter().enumerate().map(|(i, with)| (with, i)).collect();
        let rows =
            |number: &Number| self.rows.get(&(number.series.to_owned(), *places.get(number.with)?));
        // Many sources look for everybody, and most know few of them: who is not there costs nothing.
        let told: Vec<_> = presets::all()
            .enumerate()
            .filter_map(|(place, (preset, number))| Some((place, preset, number, rows(number)?)))
            .collect();
        let mut entries = Vec::new();
        for one in watched {
            let mut roles: BTreeSet<Role> = BTreeSet::new();
            let mut names: BTreeSet<&str> = BTreeSet::new();
            for (place, preset, number, rows) in &told {
                if !one.lacks(number)
                    || names.contains(number.name)
                    || (number.is_single() && roles.contains(&number.role))
                {
                    continue;
                }
                let Some(labels) = whose(one, preset, rows) else { continue };
                names.insert(number.name);
                roles.insert(number.role);
                entries.push(Entry {
                    service: one.name.clone(),
                    place: *place,
                    labels,
                    lost: None,
                });
            }
        }
        Plan { entries }
    }

    /// What to say of services whose numbers come from several places at once.
    pub fn summed(&self, plan: &Plan) -> Vec<Clean> {
        let conditions: Vec<&str> = conditions().into_iter().collect();
        let mut all: BTreeMap<(&Name, &str), BTreeSet<&str>> = BTreeMap::new();
        for entry in &plan.entries {
            let Some((_, number)) = entry.number() else { continue };
            let Some(at) = conditions.iter().position(|with| *with == number.with) else {
                continue;
            };
            let Some(rows) = self.rows.get(&(number.series.to_owned(), at)) else { continue };
            for row in rows.with(entry.labels.iter().map(|(k, v)| (k, v))) {
                for place in
                    PLACES.iter().filter(|place| entry.labels.iter().all(|(k, _)| k != *place))
                {
                    let value = row.get(*place).filter(|value| !value.is_empty());
                    let values = all.entry((&entry.service, *place)).or_default();
                    values.extend(value.map(String::as_str));
                }
            }
        }
        all.retain(|_, values| values.len() > 1);
        let of = |((service, place), values): (&(&Name, &str), &BTreeSet<&str>)| {
            let (n, first) = (values.len(), values.first().copied().unwrap_or_default());
            let named: Vec<&str> = values.iter().copied().take(NAMED).collect();
            let more = if n > NAMED { " …" } else { "" };
            Clean::line(format_args!(
                "{service} is in {n} namespaces, and its numbers are of all of them together: {}{more}; for one of them: \
                 match.labels = {{ {place} = \"{first}\" }}",
                named.join(", ")
            ))
        };
        let mut notes: Vec<Clean> = all.iter().take(NAMED).map(of).collect();
        if all.len() > NAMED {
            let more = all.len() - NAMED;
            notes.push(Clean::line(format_args!("so are {more} services more")));
        }
        notes
    }
}

/// The labels by which this service's series of a number are selected; `None` when it has none.
fn whose(one: &Watched, preset: &Preset, rows: &Rows) -> Option<Vec<(String, String)>> {
    let labels = labels_of(preset);
    let own = labels == USUAL || one.labels.keys().any(|k| labels.contains(&k.as_str()));
    if own && rows.with(one.labels.iter()).next().is_some() {
        return Some(one.labels.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
    }
    labels.iter().find_map(|label| named(one, label, labels == USUAL, rows))
}

/// By its name in one label, as far as nothing contradicts the labels it configured: of two `checkout`s in two
/// namespaces the right one is taken, and without a right one none.
fn named(one: &Watched, label: &str, usual: bool, rows: &Rows) -> Option<Vec<(String, String)>> {
    let name = one.name.as_str();
    let only = if rows.of(label, name).next().is_some() {
        name.to_owned()
    } else if label == "job" {
        let values: BTreeSet<&String> =
            rows.at(rows.ends.get(name)).filter_map(|row| row.get(label)).collect();
        // Two namespaces with a service of this name: nobody can say which one is meant.
        values.first().filter(|_| values.len() == 1).map(|only| (*only).clone())?
    } else {
        return None;
    };
    let rows = rows.of(label, &only);
    // Labels of the target say nothing where the series tell of somebody else.
    let counts = |key: &&String| usual || !USUAL.contains(&key.as_str());
    let told: Vec<(&String, &String)> = one
        .labels
        .iter()
        .filter(|(key, _)| key.as_str() != label && counts(key))
        .filter(|(key, _)| rows.clone().any(|row| row.contains_key(*key)))
        .collect();
    let agrees = |row: &Set| told.iter().all(|(k, v)| row.get(*k) == Some(*v));
    rows.clone().any(agrees).then(|| {
        let first = (label.to_owned(), only.clone());
        let others = told.iter().map(|(k, v)| ((*k).clone(), (*v).clone()));
        std::iter::once(first).chain(others).collect()
    })
}
