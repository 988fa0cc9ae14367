//! Changes in any JSON: a list, and where in each of its records the moment, the words, the person and the services stand.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::pointer::{Document, Pointer};
use crate::model::{Change, ChangesOf, Clean, Key, Link, Name, Service, SourceName, Trouble};
use crate::source::history::REACH;
use crate::source::rows::{self, Gaps, Row};
use crate::source::when;

/// The `changes` table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    #[serde(default)]
    at: String,
    time: String,
    #[serde(default)]
    time_unit: TimeUnit,
    title: Many,
    who: Option<String>,
    service: Option<Many>,
    kind: Option<String>,
    url: Option<String>,
    id: Option<String>,
}

/// The unit of a moment that is a number: it is never guessed from its size.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum TimeUnit {
    #[default]
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Milliseconds,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Many {
    One(String),
    Several(Vec<String>),
}

impl Many {
    fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

/// Where a word comes from: what begins with a slash is looked up in the record, the rest is meant as it stands.
#[derive(Debug, Clone)]
enum Word {
    At(Pointer),
    Said(Clean),
}

impl Word {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Pointer::parse(text).map(Self::At);
        }
        Ok(Self::Said(Clean::line(text)))
    }
}

#[derive(Debug)]
pub struct Changes {
    at: Pointer,
    time: Pointer,
    unit: TimeUnit,
    title: Vec<Word>,
    who: Option<Word>,
    service: Vec<Word>,
    kind: Option<Word>,
    url: Option<Pointer>,
    id: Option<Pointer>,
}

/// Kinds of changes that put other software to work.
const DEPLOYS: [&str; 4] = ["deploy", "deployment", "release", "rollout"];

impl Changes {
    /// Every problem in words.
    pub fn parse(written: &Written, services: &[Service]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut pointer = |key: &str, text: &str| match Pointer::parse(text) {
            Ok(pointer) => Some(pointer),
            Err(why) => {
                problems.push(format!("{key}: {why}"));
                None
            }
        };
        let at = pointer("at", &written.at);
        let time = pointer("time", &written.time);
        let url = written.url.as_deref().map(|text| pointer("url", text));
        let id = written.id.as_deref().map(|text| pointer("id", text));
        let mut words = |key: &str, texts: &[String]| -> Vec<Word> {
            let mut found = Vec::new();
            for text in texts {
                match Word::parse(text) {
                    Ok(word) => found.push(word),
                    Err(why) => problems.push(format!("{key}: {why}")),
                }
            }
            found
        };
        let title = words("title", written.title.texts());
        let service = words("service", written.service.as_ref().map_or(&[][..], Many::texts));
        let mut one =
            |key: &str, text: &Option<String>| words(key, text.as_slice()).into_iter().next();
        let (who, kind) = (one("who", &written.who), one("kind", &written.kind));
        if !title.iter().any(|word| matches!(word, Word::At(_))) {
            problems.push("title: name where it stands, such as \"/title\"".to_owned());
        }
        for word in &service {
            if let Word::Said(name) = word
                && !services.iter().any(|s| s.name.as_str().eq_ignore_ascii_case(name.as_str()))
            {
                problems.push(format!(
                    "service: no service is called `{name}`; a place in the record begins with /"
                ));
            }
        }
        let (Some(at), Some(time), true) = (at, time, problems.is_empty()) else {
            return Err(problems);
        };
        let (url, id) = (url.flatten(), id.flatten());
        Ok(Self { at, time, unit: written.time_unit, title, who, service, kind, url, id })
    }

    /// Whose changes these are, and whether deploys may be among them.
    pub fn of(&self) -> (ChangesOf, bool) {
        let said = |word: &Word| match word {
            Word::Said(name) => Some(Name::new(name.as_str())),
            Word::At(_) => None,
        };
        let named: Option<Vec<Name>> = self.service.iter().map(said).collect();
        let of = match named {
            Some(names) if !names.is_empty() => ChangesOf::Services(names),
            _ => ChangesOf::Everybody,
        };
        let deploys = match &self.kind {
            Some(Word::Said(kind)) => DEPLOYS.iter().any(|d| kind.as_str().eq_ignore_ascii_case(d)),
            _ => true,
        };
        (of, deploys)
    }

    /// The changes of the last ninety days in an answer, with the moment from which on the list tells of them.
    pub fn read(
        &self,
        document: &Document<'_>,
        source: &SourceName,
        now: Timestamp,
        gaps: &mut Gaps,
    ) -> Result<(Vec<Change>, Option<Timestamp>), Trouble> {
        let Some(list) = document.at(&self.at) else {
            return Err(Trouble::bad_data(format_args!("no list of changes at {}", self.at)));
        };
        let items = rows::items(list.as_bytes()).map_err(|trouble| {
            Trouble::bad_data(format_args!("changes at {}: {trouble}", self.at))
        })?;
        let place = if self.at.is_root() { "" } else { self.at.as_str() };
        let mut changes = gaps.read(place, &items, |row| self.change(row, source));
        let mut oldest = changes.iter().filter_map(|change| change.at).min();
        if items.len() > rows::MOST {
            // Whichever way it is ordered, some of it was left out.
            oldest = oldest.map(|_| now);
        }
        let horizon = now.checked_sub(REACH).unwrap_or(Timestamp::MIN);
        changes.retain(|change| change.at.is_some_and(|at| at >= horizon));
        Ok((changes, oldest))
    }

    fn change(&self, row: &Row<'_>, source: &SourceName) -> Option<Change> {
        let at = self.moment(row)?;
        let pieces = self.title.iter().flat_map(|word| texts(row, word));
        let title = pieces.map(|text| text.to_string()).collect::<Vec<_>>().join(" ");
        let summary = Clean::line(title);
        if summary.is_empty() {
            row.odd(self.title_place(), "no text");
            return None;
        }
        let one = |word: &Option<Word>| {
            word.as_ref().and_then(|word| texts(row, word).into_iter().next()).unwrap_or_default()
        };
        let named = self.id.as_ref().and_then(|id| identity(row.at(id.raw())?));
        let id = named.unwrap_or_else(|| format!("{}/{summary}", at.as_millisecond()));
        let url = self.url.as_ref().and_then(|url| row.at(url.raw())?.as_str());
        Some(Change {
            key: Key::new(source, id),
            summary,
            origin: one(&self.kind),
            who: one(&self.who),
            at: Some(at),
            until: None,
            service_ids: Vec::new(),
            service_names: self.service.iter().flat_map(|word| texts(row, word)).collect(),
            url: url.and_then(Link::parse),
        })
    }

    fn title_place(&self) -> &str {
        let places = self.title.iter().filter_map(|word| match word {
            Word::At(pointer) => Some(pointer.as_str()),
            Word::Said(_) => None,
        });
        places.into_iter().next().unwrap_or_default()
    }

    /// A change without a moment is none: it could lie anywhere.
    fn moment(&self, row: &Row<'_>) -> Option<Timestamp> {
        let number = |number: f64| match self.unit {
            TimeUnit::Seconds => when::epoch_seconds(number),
            TimeUnit::Milliseconds => when::epoch_millis(number as i64),
        };
        let place = self.time.as_str();
        let Some(value) = row.at(self.time.raw()).filter(|value| !value.is_null()) else {
            row.odd(place, "missing");
            return None;
        };
        let (at, numeric) = match value {
            Value::String(text) => match text.trim().parse::<f64>() {
                Ok(seconds) => (number(seconds), true),
                Err(_) => (when::instant(text), false),
            },
            Value::Number(n) => (n.as_f64().and_then(number), true),
            _ => (None, false),
        };
        if at.is_none() {
            row.odd(
                place,
                match self.unit {
                    TimeUnit::Seconds if numeric => {
                        "no time in seconds (milliseconds are read with time_unit = \"ms\")"
                    }
                    _ => "no time",
                },
            );
        }
        at
    }
}

/// What a word says of a record: nothing, a text, or each text of a list.
fn texts(row: &Row<'_>, word: &Word) -> Vec<Clean> {
    let pointer = match word {
        Word::Said(text) => return vec![text.clone()],
        Word::At(pointer) => pointer,
    };
    let one = |value: &Value| match value {
        Value::String(text) => Some(Clean::line(text)).filter(|text| !text.is_empty()),
        Value::Number(n) => Some(Clean::line(n)),
        _ => None,
    };
    match row.at(pointer.raw()) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().take(MOST_WORDS).filter_map(one).collect(),
        Some(value) => {
            let text = one(value);
            if text.is_none() && !matches!(value, Value::String(_)) {
                row.odd(pointer.as_str(), "no text");
            }
            text.into_iter().collect()
        }
    }
}

/// Texts of one list that are read: services of a change, pieces of its title.
const MOST_WORDS: usize = 50;

fn identity(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.len() <= 512 => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}
