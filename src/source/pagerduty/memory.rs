//! What is remembered between polls: lists that rest, open incidents, acknowledgements, priorities and policies.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::part::Part;
use crate::model::{Incident, Status, Trouble};
use crate::source::Asking;

type Words = (Box<str>, Box<str>);

/// Memory as told back by the engine; what cannot be read in it is as if it were not there.
#[derive(Debug, Clone, Copy)]
pub struct Memory<'a> {
    words: &'a BTreeMap<Box<str>, Box<str>>,
    now: Timestamp,
}

/// Why a list is left alone for now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rest {
    /// Epoch seconds.
    until: i64,
    pub words: String,
    pub is_note: bool,
}

/// When an incident was first acknowledged, and by whom; empty when nobody did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub at: Option<Timestamp>,
    pub who: Vec<String>,
}

const OPEN: &str = "open";
const ACKS: &str = "acks";

impl<'a> Memory<'a> {
    pub fn new(asking: &Asking<'a>) -> Self {
        Self { words: asking.memory, now: asking.now }
    }

    pub fn rests(&self, part: Part) -> Option<Rest> {
        let rest: Rest = self.get(&rest_key(part))?;
        (self.now.as_second() < rest.until).then_some(rest)
    }

    pub fn has(&self, part: Part) -> bool {
        self.words.contains_key(part.path())
    }

    pub fn recall<T: DeserializeOwned>(&self, part: Part) -> Option<T> {
        self.get(part.path())
    }

    pub fn open(&self) -> BTreeSet<String> {
        self.get(OPEN).unwrap_or_default()
    }

    pub fn acks(&self) -> BTreeMap<String, Ack> {
        self.get(ACKS).unwrap_or_default()
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.words.get(key)?).ok()
    }
}

fn rest_key(part: Part) -> String {
    format!("rest/{part:?}")
}

fn words(key: &str, value: &impl Serialize) -> Words {
    (key.into(), serde_json::to_string(value).unwrap_or_default().into())
}

pub fn keep(part: Part, value: &impl Serialize) -> Words {
    words(part.path(), value)
}

pub fn keep_acks(acks: &BTreeMap<String, Ack>) -> Words {
    words(ACKS, acks)
}

/// Open incidents, and those that left the lists and could not be asked about yet.
pub fn keep_open(incidents: &[Incident], unread: &[String]) -> Words {
    let open = incidents.iter().filter(|i| i.status.is_open()).map(|i| i.key.id.raw());
    let all: BTreeSet<&str> = open.chain(unread.iter().map(String::as_str)).collect();
    words(OPEN, &all)
}

/// 402: the account's plan does not have it.
pub fn is_plan(trouble: &Trouble) -> bool {
    trouble.message.as_str().starts_with("answered 402")
}

/// How long a list that was refused is left alone; what failed on the way is asked again at once.
pub fn rest(part: Part, trouble: &Trouble, now: Timestamp) -> Option<Words> {
    let pause = match trouble.status {
        _ if is_plan(trouble) => SignedDuration::from_hours(24),
        Status::RateLimited => trouble.retry_after.unwrap_or(SignedDuration::from_mins(1)),
        Status::Auth | Status::NotFound if part != Part::Resolved => SignedDuration::from_hours(1),
        _ => return None,
    };
    let rest = Rest {
        until: now.as_second().saturating_add(pause.as_secs()),
        words: trouble.message.to_string(),
        is_note: is_plan(trouble),
    };
    Some(words(&rest_key(part), &rest))
}
