//! What the configuration says of a JSON source: its numbers, and when an answer counts.

use serde::Deserialize;

use super::super::Problem;
use super::changes::{Changes, Written};
use super::pointer::{Document, Pointer};
use crate::model::{
    Bound, Metric, MetricId, Name, Role, Service, SourceName, Status, Trouble, Unit, Weight,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    metrics: Vec<Number>,
    ok_if: Option<Condition>,
    changes: Option<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    name: String,
    at: String,
    #[serde(default)]
    unit: String,
    #[serde(default = "business")]
    role: Role,
    service: Option<String>,
    good: Option<String>,
    bad: Option<String>,
    #[serde(default)]
    weight: Weight,
}

fn business() -> Role {
    Role::Business
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Condition {
    Holds(String),
    Is { at: String, is: toml::Value },
}

/// Some endpoints answer 200 with a failure inside.
#[derive(Debug)]
pub struct OkIf {
    at: Pointer,
    is: String,
}

impl OkIf {
    pub fn check(&self, document: &Document<'_>) -> Result<(), Trouble> {
        let Self { at, is } = self;
        match document.at(at) {
            Some(found) if found == is => Ok(()),
            Some(found) => {
                let found: String = found.chars().take(80).collect();
                let message = format!("the answer says it failed: {at} is {found}, not {is}");
                Err(Trouble::new(Status::ServerError, message))
            }
            None => {
                Err(Trouble::bad_data(format_args!("nothing at {at}, where ok_if expects {is}")))
            }
        }
    }
}

#[derive(Debug, Default)]
pub struct Read {
    pub numbers: Vec<(MetricId, Pointer)>,
    pub own: Vec<Metric>,
    pub ok_if: Option<OkIf>,
    pub changes: Option<Changes>,
}

/// Reads the table; `wanted` are the numbers services ask of it, by name or by pointer.
pub fn read(
    source: &SourceName,
    table: toml::de::ValueDeserializer<'_>,
    wanted: &[Metric],
    services: &[Service],
    problems: &mut Vec<Problem>,
) -> Read {
    let options = match Options::deserialize(table) {
        Ok(options) => options,
        Err(e) => {
            problems.push(Problem::Toml(e));
            return Read::default();
        }
    };
    let mut read = Read::default();
    let mut known: Vec<(&str, Pointer)> = Vec::new();
    for number in &options.metrics {
        let name = number.name.as_str();
        match Pointer::parse(&number.at) {
            Ok(_) if known.iter().any(|(n, _)| *n == name) => {
                problems.push(key(format!("{name}: this name is there twice")));
            }
            Ok(at) => known.push((name, at)),
            Err(why) => problems.push(key(format!("{name}: {why}"))),
        }
    }
    for metric in wanted {
        match find(&metric.query, &known) {
            Ok(at) => read.numbers.push((metric.id.clone(), at)),
            Err(message) => problems.push(Problem::Metric {
                service: metric.id.service.clone(),
                metric: metric.id.metric.clone(),
                message,
            }),
        }
    }
    for number in &options.metrics {
        // A number that a service asks for by name is that service's, not the team's.
        let taken = number.service.is_none() && wanted.iter().any(|m| *m.query == *number.name);
        let metric = own(source, number, problems);
        let told = read.numbers.iter().any(|(id, _)| *id == metric.id);
        if let Some((_, at)) = known.iter().find(|(n, _)| *n == number.name)
            && !taken
            && !told
        {
            read.numbers.push((metric.id.clone(), at.clone()));
            read.own.push(metric);
        }
    }
    if let Some(written) = &options.changes {
        match Changes::parse(written, services) {
            Ok(changes) => read.changes = Some(changes),
            Err(all) => problems
                .extend(all.into_iter().map(|message| Problem::Key { key: "changes", message })),
        }
    } else if read.numbers.is_empty() && problems.is_empty() {
        let example = "metrics = [{ name = \"signups\", at = \"/today/signups\" }]";
        problems.push(key(format!("no number is read from here: write {example}")));
    }
    read.ok_if = options.ok_if.and_then(|condition| ok_if(condition, problems));
    read
}

fn key(message: String) -> Problem {
    Problem::Key { key: "metrics", message }
}

fn find(query: &str, known: &[(&str, Pointer)]) -> Result<Pointer, String> {
    if let Some((_, at)) = known.iter().find(|(name, _)| *name == query) {
        return Ok(at.clone());
    }
    if query.starts_with('/') {
        return Pointer::parse(query);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let has = if names.is_empty() { "no names".to_owned() } else { names.join(", ") };
    Err(format!("`{query}` is no number of this source ({has}) and no JSON Pointer"))
}

fn own(source: &SourceName, number: &Number, problems: &mut Vec<Problem>) -> Metric {
    let name = &number.name;
    let mut bound = |what: &str, text: &Option<String>| {
        let text = text.as_deref()?;
        let bound = Bound::parse(text);
        if bound.is_none() {
            let message = format!("{name}: {what} `{text}` is no comparison such as \"> 100\"");
            problems.push(key(message));
        }
        bound
    };
    Metric {
        good: bound("good", &number.good),
        bad: bound("bad", &number.bad),
        id: MetricId { service: number.service.as_deref().map(Name::new), metric: Name::new(name) },
        source: source.clone(),
        query: name.as_str().into(),
        unit: Unit::parse(&number.unit),
        role: number.role,
        weight: number.weight,
    }
}

fn ok_if(condition: Condition, problems: &mut Vec<Problem>) -> Option<OkIf> {
    let (at, is) = match condition {
        Condition::Holds(at) => (at, "true".to_owned()),
        Condition::Is { at, is } => match is {
            toml::Value::String(text) => (at, serde_json::Value::String(text).to_string()),
            toml::Value::Integer(n) => (at, n.to_string()),
            toml::Value::Boolean(flag) => (at, flag.to_string()),
            other => {
                let message = format!(
                    "`is` is a text, a whole number, true or false, not {}",
                    other.type_str()
                );
                problems.push(Problem::Key { key: "ok_if", message });
                return None;
            }
        },
    };
    match Pointer::parse(&at) {
        Ok(at) => Some(OkIf { at, is }),
        Err(message) => {
            problems.push(Problem::Key { key: "ok_if", message });
            None
        }
    }
}
