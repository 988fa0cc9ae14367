//! JSON from strangers: records read one by one, a bad one counted and located instead of losing the rest.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::super::HttpAnswer;
use super::bare;
use crate::model::{Clean, Trouble};

/// Reads a whole answer.
pub fn parse<'a, T: Deserialize<'a>>(answer: &'a HttpAnswer) -> Result<T, Trouble> {
    json(&answer.body)
}

/// Reads a whole body; what is wrong is said in words, with the place.
pub fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Trouble> {
    let text = utf8(body)?;
    if text.trim().is_empty() {
        return Err(Trouble::bad_data("the answer is empty"));
    }
    serde_json::from_str(text).map_err(|e| Trouble::bad_data(explain(text, &e, "")))
}

/// A body as text, without its byte order mark.
pub fn utf8(body: &[u8]) -> Result<&str, Trouble> {
    std::str::from_utf8(bare(body))
        .map_err(|e| Trouble::bad_data(format_args!("not UTF-8 text at byte {}", e.valid_up_to())))
}

/// For lists that may be absent or `null`: `#[serde(default, deserialize_with = "wire::nullable")]`.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Counts the records of a poll that could not be read, and remembers the first.
#[derive(Debug, Default)]
pub struct Tally {
    read: usize,
    skipped: usize,
    first: Option<String>,
}

impl Tally {
    /// Reads each record of the list found at `path` (a JSON Pointer, `""` for the root).
    pub fn list<'a, T: Deserialize<'a>>(&mut self, path: &str, items: &[&'a RawValue]) -> Vec<T> {
        let mut good = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            match serde_json::from_str(item.get()) {
                Ok(record) => {
                    self.read += 1;
                    good.push(record);
                }
                Err(e) => self.skip(explain(item.get(), &e, &format!("{path}/{i}"))),
            }
        }
        good
    }

    /// Counts a record that was read but made no sense, with its place and why.
    pub fn skip(&mut self, what: impl Into<String>) {
        self.skipped += 1;
        self.first.get_or_insert_with(|| what.into());
    }

    /// Counts a record read by other means than [`Tally::list`].
    pub fn good(&mut self) {
        self.read += 1;
    }

    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// `2 of 40 records skipped: /data/3/name: expected text, got a number`; for `Report::partial`.
    pub fn partial(&self) -> Option<Clean> {
        let first = self.first.as_deref()?;
        let all = self.read + self.skipped;
        let records = if all == 1 { "record" } else { "records" };
        Some(Clean::line(format_args!("{} of {all} {records} skipped: {first}", self.skipped)))
    }
}

/// Text where upstreams also write numbers (ids), booleans or `null`; `null` is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(v))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_owned()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_string()))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(if v { "true" } else { "false" }))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
        }
        from.deserialize_any(Reader).map(Self)
    }
}

/// The upstream's own words in an error body, in the shapes most of them use.
///
/// A bare string; `message`, `error`, `detail`, `title`, `error_description`; `error.message`; the first of
/// `errors` or `errorMessages`. Readers with a shape of their own pass their own finder to `judge`.
pub fn reason(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(bare(body)).ok()?;
    words_of(&value, 4)
}

fn words_of(value: &serde_json::Value, depth: usize) -> Option<String> {
    use serde_json::Value;
    let deeper = depth.checked_sub(1)?;
    match value {
        Value::String(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        Value::Array(list) => list.first().and_then(|first| words_of(first, deeper)),
        Value::Object(fields) => {
            let words = |name: &str| fields.get(name).and_then(|v| words_of(v, deeper));
            let main = ["message", "error", "error_description", "detail", "title"];
            let main = main.into_iter().find_map(words);
            let more = ["errors", "errorMessages", "messages"].into_iter().find_map(words);
            match (main, more) {
                (Some(main), Some(more)) if main != more => Some(format!("{main}: {more}")),
                (main, more) => main.or(more),
            }
        }
        _ => None,
    }
}

/// What serde says, as a place and plain words; values of the body are never repeated.
fn explain(text: &str, error: &serde_json::Error, path: &str) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let offset = offset_of(text, error.line(), error.column());
    let place = format!("{path}{}", pointer_at(text.as_bytes(), offset));
    let words = match error.classify() {
        serde_json::error::Category::Eof => "ends in the middle".to_owned(),
        serde_json::error::Category::Data => in_words(said),
        _ => return format!("not valid JSON at byte {offset}{}", located(&place)),
    };
    if place.is_empty() { words } else { format!("{place}: {words}") }
}

fn located(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(", in {place}") }
}

fn in_words(said: &str) -> String {
    if let Some(field) = said.strip_prefix("missing field ") {
        return format!("{} is missing", field.trim_matches('`'));
    }
    let Some((got, expected)) = said.split_once(", expected ") else {
        return "not what was expected".to_owned();
    };
    let got = match got.split_once(": ").map(|(_, value)| value) {
        Some(v) if v.starts_with("string") => "text",
        Some(v) if v.starts_with("integer") || v.starts_with("floating") => "a number",
        Some(v) if v.starts_with("boolean") => "true or false",
        Some(v) if v.starts_with("null") => "null",
        Some(v) if v.starts_with("map") => "an object",
        Some(v) if v.starts_with("sequence") => "a list",
        _ => "something else",
    };
    let expected = match expected {
        "a string" | "a borrowed string" | "string" => "text",
        e if e.starts_with("a sequence") => "a list",
        e if e.starts_with("struct") || e.starts_with("a map") => "an object",
        "a boolean" => "true or false",
        e if e.starts_with("tuple") || e.starts_with("an array") => "a list of another length",
        e if e.starts_with(['u', 'i', 'f']) && e.len() <= 4 => "a number",
        other => other,
    };
    format!("expected {expected}, got {got}")
}

/// Bytes consumed when serde noticed: lines and columns count from 1, columns in bytes.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column).min(text.len())
}

/// The JSON Pointer of the value that stands at the end of the first `offset` bytes.
fn pointer_at(text: &[u8], offset: usize) -> String {
    enum Step {
        Key(String),
        Item(usize),
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut string: Option<Vec<u8>> = None;
    let mut escaped = false;
    let mut last = String::new();
    for &byte in text.iter().take(offset) {
        if let Some(open) = &mut string {
            if byte == b'"' && !escaped {
                last = String::from_utf8_lossy(open).into_owned();
                string = None;
            } else {
                open.push(byte);
            }
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => string = Some(Vec::new()),
            b'{' => steps.push(Step::Key(String::new())),
            b'[' => steps.push(Step::Item(0)),
            b'}' | b']' => {
                steps.pop();
            }
            b':' => {
                if let Some(Step::Key(key)) = steps.last_mut() {
                    key.clone_from(&last);
                }
            }
            b',' => {
                if let Some(Step::Item(i)) = steps.last_mut() {
                    *i += 1;
                }
            }
            _ => {}
        }
    }
    let mut pointer = String::new();
    for step in steps.iter().take(12) {
        match step {
            Step::Key(key) if key.is_empty() => {}
            Step::Key(key) => {
                pointer.push('/');
                let key: String = key.chars().take(60).collect();
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Step::Item(i) => {
                pointer.push('/');
                pointer.push_str(&i.to_string());
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    struct Page<'a> {
        #[serde(borrow, default, deserialize_with = "nullable")]
        data: Vec<&'a RawValue>,
    }

    #[derive(Deserialize, Debug)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow, default)]
        inner: Option<Inner<'a>>,
        #[serde(borrow, default)]
        id: Text<'a>,
    }

    #[derive(Deserialize, Debug)]
    struct Inner<'a> {
        #[serde(borrow)]
        list: Vec<&'a str>,
    }

    fn read(body: &str) -> (Vec<String>, Option<String>) {
        let page: Page<'_> = json(body.as_bytes()).unwrap();
        let mut tally = Tally::default();
        let rows: Vec<Row<'_>> = tally.list("/data", &page.data);
        let names = rows.iter().map(|r| format!("{}{}", r.name, r.id.as_str())).collect();
        assert!(rows.iter().all(|r| r.inner.as_ref().is_none_or(|i| i.list.is_empty())));
        (names, tally.partial().map(|c| c.to_string()))
    }

    #[test]
    fn a_bad_record_is_counted_and_located_and_the_rest_is_read() {
        for (bad, why) in [
            (r#"{"name":5}"#, "/data/1/name: expected text, got a number"),
            (r#"{"name": null }"#, "/data/1/name: expected text, got null"),
            (r#"{"id":1}"#, "/data/1: name is missing"),
            ("[]", "/data/1: name is missing"),
            (r#""x""#, "/data/1: expected an object, got text"),
            (
                r#"{"name":"x","inner":{"list":["a",{"b":1}]}}"#,
                "/data/1/inner/list/1: expected text, got an object",
            ),
            (
                r#"{"name":"x","inner":{"list":"ab"}}"#,
                "/data/1/inner/list: expected a list, got text",
            ),
        ] {
            let (names, partial) =
                read(&format!(r#"{{"data":[{{"name":"a"}},{bad},{{"name":"c","id":7}}]}}"#));
            assert_eq!(names, ["a", "c7"], "{bad}");
            let partial = partial.unwrap();
            if bad != "[]" {
                assert_eq!(partial, format!("1 of 3 records skipped: {why}"), "{bad}");
            }
        }
    }

    #[test]
    fn a_list_may_be_null_or_absent() {
        for body in [r#"{"data":null}"#, "{}", "\u{feff}{}"] {
            assert_eq!(read(body), (vec![], None));
        }
    }

    #[test]
    fn a_wrong_root_is_said_in_words() {
        for (body, words) in [
            ("", "the answer is empty"),
            (" \n", "the answer is empty"),
            ("\"gone\"", "expected an object, got text"),
            ("3", "expected an object, got a number"),
            ("{\"data\": 3}", "/data: expected a list, got a number"),
            ("{\"data\": [1, 2", "/data/1: ends in the middle"),
            ("nope", "not valid JSON at byte 2"),
            ("{\"data\": nope}", "not valid JSON at byte 11, in /data"),
        ] {
            let error = json::<Page<'_>>(body.as_bytes()).unwrap_err();
            assert_eq!(error.message.as_str(), words, "{body}");
        }
        let error = json::<Page<'_>>(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!(error.message.as_str(), "not UTF-8 text at byte 6");
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_the_body() {
        let (_, partial) = read(r#"{"data":[{"name":"x","inner":"hunter2 is the password"}]}"#);
        let partial = partial.unwrap();
        assert!(!partial.contains("hunter2"), "{partial}");
        assert!(partial.starts_with("1 of 1 record skipped: /data/0/inner:"), "{partial}");
    }

    #[test]
    fn ids_may_be_text_or_numbers_of_any_size() {
        let texts: Vec<Text<'_>> =
            serde_json::from_str(r#"["a\n", 9007199254740993, -1, null, true, "b"]"#).unwrap();
        let texts: Vec<_> = texts.iter().map(Text::as_str).collect();
        assert_eq!(texts, ["a\n", "9007199254740993", "-1", "", "true", "b"]);
    }

    #[test]
    fn reasons_of_many_houses() {
        for (body, words) in [
            (r#""silence not found""#, Some("silence not found")),
            (
                r#"{"code":601,"message":"id in path must be of type uuid"}"#,
                Some("id in path must be of type uuid"),
            ),
            (
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
                Some("parse error"),
            ),
            (r#"{"error":{"message":"Not Found","code":2100}}"#, Some("Not Found")),
            (
                r#"{"error":{"message":"Invalid Input","errors":["Title is required"]}}"#,
                Some("Invalid Input: Title is required"),
            ),
            (
                r#"{"errorMessages":["The value 'X' does not exist"],"errors":{}}"#,
                Some("The value 'X' does not exist"),
            ),
            (
                r#"{"message":"Validation Failed","errors":[{"message":"is too long"}]}"#,
                Some("Validation Failed: is too long"),
            ),
            ("", None),
            ("{}", None),
            ("[[[[[[\"deep\"]]]]]]", None),
            ("nope", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), words, "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_place_in_any_text_has_a_pointer(text in "[\\[\\]{}:,\"\\\\a1 é\n]{0,40}", cut in 0_usize..50) {
            let _ = pointer_at(text.as_bytes(), cut);
            if let Err(e) = serde_json::from_str::<Page<'_>>(&text) {
                let _ = explain(&text, &e, "/x");
            }
        }
    }
}
