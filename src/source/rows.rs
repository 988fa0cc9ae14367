//! Records of a JSON answer, read one by one: a bad record costs itself, an odd field costs itself, and both are counted and named.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::when;
use crate::model::{Clean, Labels, Link, Trouble};

/// Records read of one list; the rest is left out and said.
pub const MOST: usize = 2_000;

/// The members of a JSON object, unread: one bad number somewhere inside spoils nothing but its own record.
pub fn members(json: &[u8]) -> Result<BTreeMap<String, &RawValue>, Trouble> {
    parse(json, "an object")
}

/// The items of a JSON list, unread. `null` alone is no answer: it would read as "nothing is wrong".
pub fn items(json: &[u8]) -> Result<Vec<&RawValue>, Trouble> {
    parse(json, "a list")
}

/// One record that is a whole answer, unread; `None` where it is no object.
pub fn items_as_one(json: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice::<&RawValue>(json).ok().filter(|raw| raw.get().starts_with('{'))
}

/// The list below `key` of an unread object; absent and `null` are `None`.
pub fn items_of<'a>(
    object: &BTreeMap<String, &'a RawValue>,
    key: &str,
) -> Result<Option<Vec<&'a RawValue>>, Trouble> {
    match object.get(key) {
        None => Ok(None),
        Some(raw) => parse(raw.get().as_bytes(), format_args!("/{key} a list")),
    }
}

/// The members of the object below `key`; absent and `null` are `None`.
pub fn members_of<'a>(
    object: &BTreeMap<String, &'a RawValue>,
    key: &str,
) -> Result<Option<BTreeMap<String, &'a RawValue>>, Trouble> {
    match object.get(key) {
        None => Ok(None),
        Some(raw) => parse(raw.get().as_bytes(), format_args!("/{key} an object")),
    }
}

/// A small value read whole, e.g. a page's cursor.
pub fn value_of(object: &BTreeMap<String, &RawValue>, key: &str) -> Value {
    object.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

fn parse<'a, T: serde::Deserialize<'a>>(
    json: &'a [u8],
    wanted: impl std::fmt::Display,
) -> Result<T, Trouble> {
    let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
    serde_json::from_slice(json).map_err(|e| {
        Trouble::bad_data(format_args!(
            "expected {wanted}, line {} column {}: {}",
            e.line(),
            e.column(),
            if e.is_eof() { "the answer ends too early" } else { "something else is there" }
        ))
    })
}

/// What could not be read of one answer or poll.
#[derive(Debug, Default)]
pub struct Gaps {
    seen: usize,
    skipped: usize,
    odd: usize,
    first: Option<String>,
}

impl Gaps {
    /// Reads the records of one list with `read`, which returns `None` for a record it cannot use.
    ///
    /// `place` names the list (`/workflow_runs`); of more than [`MOST`] records the first are read.
    pub fn read<T>(
        &mut self,
        place: &str,
        items: &[&RawValue],
        mut read: impl FnMut(&Row<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut told = Vec::new();
        for (i, raw) in items.iter().take(MOST).enumerate() {
            self.seen += 1;
            let Ok(value) = serde_json::from_str::<Value>(raw.get()) else {
                self.skip(format!("{place}/{i} is no readable JSON"));
                continue;
            };
            let said = RefCell::new(Vec::new());
            let row = Row { value: &value, said: &said };
            let record = if value.is_object() { read(&row) } else { None };
            let said = said.into_inner();
            if let Some(record) = record {
                self.odd += said.len();
                if let (Some(why), None) = (said.into_iter().next(), &self.first) {
                    self.first = Some(format!("{place}/{i}{why}"));
                }
                told.push(record);
            } else {
                let why = said.into_iter().next();
                self.skip(match why {
                    Some(why) => format!("{place}/{i}{why}"),
                    None => format!("{place}/{i} has no identity"),
                });
            }
        }
        if items.len() > MOST {
            self.skipped += items.len() - MOST;
            self.seen += items.len() - MOST;
            self.first.get_or_insert(format!("{place} has {} records", items.len()));
        }
        told
    }

    fn skip(&mut self, why: String) {
        self.skipped += 1;
        // A lost record matters more than an odd field: it takes the place of the example.
        if self.skipped == 1 {
            self.first = Some(why);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.skipped == 0 && self.odd == 0
    }

    /// Whole records are missing, so that what was told is not everything there is.
    pub fn lost_some(&self) -> bool {
        self.skipped > 0
    }

    /// Every record that was there could not be read: worse than partial.
    pub fn lost_everything(&self) -> bool {
        self.seen > 0 && self.skipped == self.seen
    }

    /// `2 of 40 records skipped, 1 odd field: /3/created_at is no time`; `None` when all was read.
    pub fn words(&self) -> Option<String> {
        let first = self.first.as_deref().unwrap_or("");
        let odd = match self.odd {
            0 => String::new(),
            1 => "1 odd field".to_owned(),
            n => format!("{n} odd fields"),
        };
        match (self.skipped, self.odd) {
            (0, 0) => None,
            (0, _) => Some(format!("{odd}: {first}")),
            (n, 0) => Some(format!("{n} of {} records skipped: {first}", self.seen)),
            (n, _) => Some(format!("{n} of {} records skipped, {odd}: {first}", self.seen)),
        }
    }
}

/// One record, or an object inside it. Paths are written like JSON Pointers (`/creator/login`).
///
/// Absent, `null` and empty mean the same; a value of another type is told as an odd field.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    value: &'a Value,
    said: &'a RefCell<Vec<String>>,
}

impl<'a> Row<'a> {
    fn find(&self, path: &str) -> Option<&'a Value> {
        let mut here = self.value;
        for (i, step) in path.split('/').skip(1).enumerate() {
            here = match here {
                Value::Object(map) => map.get(step)?,
                Value::Null => return None,
                _ => {
                    let way: Vec<&str> = path.split('/').skip(1).take(i).collect();
                    self.odd(&format!("/{}", way.join("/")), "no object");
                    return None;
                }
            };
        }
        (!here.is_null()).then_some(here)
    }

    /// What stands at a JSON Pointer (RFC 6901), of any type.
    pub fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.value.pointer(pointer)
    }

    /// Remembers that the field at `path` is not what it should be.
    pub fn odd(&self, path: &str, what: &str) {
        self.said.borrow_mut().push(format!("{path} is {what}"));
    }

    /// A string as it came, for comparing and for identities; never shown.
    pub fn raw(&self, path: &str) -> &'a str {
        match self.find(path) {
            Some(Value::String(text)) => text,
            Some(_) => {
                self.odd(path, "no text");
                ""
            }
            None => "",
        }
    }

    /// One line of text, cleaned.
    pub fn text(&self, path: &str) -> Clean {
        match self.raw(path) {
            "" => Clean::default(),
            text => Clean::line(text),
        }
    }

    /// The first line of a longer text.
    pub fn headline(&self, path: &str) -> Clean {
        Clean::line(self.raw(path).trim_start().lines().next().unwrap_or_default())
    }

    /// The first of several paths that holds text.
    pub fn first_text(&self, paths: &[&str]) -> Clean {
        paths.iter().map(|path| self.text(path)).find(|t| !t.is_empty()).unwrap_or_default()
    }

    /// An identifier: text or a whole number of any size, as written.
    pub fn id(&self, path: &str) -> Option<String> {
        match self.find(path)? {
            Value::String(text) if !text.is_empty() && text.len() <= 512 => Some(text.clone()),
            Value::Number(n) if n.is_u64() || n.is_i64() => Some(n.to_string()),
            Value::String(text) if text.is_empty() => None,
            _ => {
                self.odd(path, "no identity");
                None
            }
        }
    }

    pub fn number(&self, path: &str) -> Option<u64> {
        let value = self.find(path)?;
        let number = value.as_u64();
        if number.is_none() {
            self.odd(path, "no whole number");
        }
        number
    }

    /// A number with or without a fraction.
    pub fn float(&self, path: &str) -> Option<f64> {
        let value = self.find(path)?;
        let number = value.as_f64();
        if number.is_none() {
            self.odd(path, "no number");
        }
        number
    }

    /// The names and texts of an object, such as labels; values that are no text are told.
    pub fn labels(&self, path: &str) -> Labels {
        let mut labels = Labels::new();
        match self.find(path) {
            None => {}
            Some(Value::Object(map)) => {
                for (name, value) in map.iter().take(MOST) {
                    match value {
                        Value::String(text) => {
                            labels.insert(Clean::line(name), Clean::line(text));
                        }
                        Value::Null => {}
                        _ => self.odd(&format!("{path}/{name}"), "no text"),
                    }
                }
            }
            Some(_) => self.odd(path, "no object"),
        }
        labels
    }

    /// The texts of a list, as they came; items of other types are told.
    pub fn texts(&self, path: &str) -> Vec<&'a str> {
        let mut texts = Vec::new();
        match self.find(path) {
            None => {}
            Some(Value::Array(list)) => {
                for (i, value) in list.iter().take(MOST).enumerate() {
                    match value {
                        Value::String(text) => texts.push(text.as_str()),
                        Value::Null => {}
                        _ => self.odd(&format!("{path}/{i}"), "no text"),
                    }
                }
            }
            Some(_) => self.odd(path, "no list"),
        }
        texts
    }

    pub fn flag(&self, path: &str) -> bool {
        match self.find(path) {
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.odd(path, "neither true nor false");
                false
            }
            None => false,
        }
    }

    pub fn time(&self, path: &str) -> Option<Timestamp> {
        let text = self.raw(path);
        if text.is_empty() {
            return None;
        }
        let time = when::instant(text);
        if time.is_none() {
            self.odd(path, "no time");
        }
        time
    }

    /// An address that may be offered; one that may not is left out without a word.
    pub fn link(&self, path: &str) -> Option<Link> {
        Link::parse(self.raw(path))
    }

    pub fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// The objects of a list; items of other types are told.
    pub fn rows(&self, path: &str) -> Vec<Row<'a>> {
        match self.find(path) {
            None => Vec::new(),
            Some(Value::Array(list)) => {
                let mut rows = Vec::new();
                for (i, value) in list.iter().take(MOST).enumerate() {
                    match value {
                        Value::Object(_) => rows.push(Row { value, said: self.said }),
                        Value::Null => {}
                        _ => self.odd(&format!("{path}/{i}"), "no object"),
                    }
                }
                rows
            }
            Some(_) => {
                self.odd(path, "no list");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(json: &str) -> (Vec<String>, Gaps) {
        let mut gaps = Gaps::default();
        let items = items(json.as_bytes()).unwrap();
        let told = gaps.read("", &items, |row| {
            let id = row.id("/id")?;
            Some(format!("{id} {} {:?}", row.text("/who/name"), row.time("/at")))
        });
        (told, gaps)
    }

    #[test]
    fn a_bad_record_costs_itself_and_is_named_by_its_place() {
        let (told, gaps) =
            gaps(r#"[{"id":9007199254740993},{"id":1e400},{"x":1},7,{"id":"b","at":"soon"}]"#);
        assert_eq!(told, ["9007199254740993  None", "b  None"]);
        assert_eq!(
            gaps.words().unwrap(),
            "3 of 5 records skipped, 1 odd field: /1 is no readable JSON"
        );
    }

    #[test]
    fn null_absent_and_empty_are_the_same_and_no_gap() {
        let (told, gaps) =
            gaps(r#"[{"id":"a"},{"id":"b","who":null,"at":null},{"id":"c","who":{},"at":""}]"#);
        assert_eq!(told, ["a  None", "b  None", "c  None"]);
        assert_eq!(gaps.words(), None);
        assert!(items(b"null").is_err(), "alone it is no answer");
    }

    #[test]
    fn an_odd_field_keeps_its_record() {
        let (told, gaps) = gaps(r#"[{"id":"a","who":"ada","at":12}]"#);
        assert_eq!(told.len(), 1);
        assert_eq!(gaps.words().unwrap(), "2 odd fields: /0/who is no object");
    }

    #[test]
    fn a_lone_surrogate_spoils_one_record_only() {
        let (told, gaps) = gaps(r#"[{"id":"a","who":{"name":"\ud800"}},{"id":"b"}]"#);
        assert_eq!(told, ["b  None"]);
        assert!(!gaps.lost_everything());
    }

    #[test]
    fn what_is_no_json_says_where() {
        let trouble = items(b"[{},").unwrap_err();
        assert_eq!(
            trouble.message.as_str(),
            "expected a list, line 1 column 4: the answer ends too early"
        );
        assert!(members(b"[]").is_err());
    }
}
