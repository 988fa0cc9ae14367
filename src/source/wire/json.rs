//! JSON from strangers, read into types: what is wrong is said in words, with its place.

use serde::de::{Deserialize, Deserializer};

use super::super::HttpAnswer;
use super::bare;
use crate::model::Trouble;

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

/// What serde says, as a place and plain words: `/data/3/name: expected text, got a number`.
///
/// Values of the body are never repeated. `path` is where `text` itself stood.
pub fn explain(text: &str, error: &serde_json::Error, path: &str) -> String {
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
    use std::borrow::Cow;

    #[derive(Deserialize, Debug)]
    struct Page<'a> {
        #[serde(borrow, default, deserialize_with = "nullable")]
        data: Vec<Row<'a>>,
    }

    #[derive(Deserialize, Debug)]
    struct Row<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow, default)]
        inner: Option<Inner<'a>>,
    }

    #[derive(Deserialize, Debug)]
    struct Inner<'a> {
        #[serde(borrow)]
        list: Vec<&'a str>,
    }

    fn wrong(body: &str) -> String {
        json::<Page<'_>>(body.as_bytes()).unwrap_err().message.to_string()
    }

    #[test]
    fn what_is_wrong_has_a_place_and_plain_words() {
        for (bad, why) in [
            (r#"{"name":5}"#, "/data/1/name: expected text, got a number"),
            (r#"{"name": null }"#, "/data/1/name: expected text, got null"),
            (r#"{"id":1}"#, "/data/1: name is missing"),
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
            assert_eq!(wrong(&format!(r#"{{"data":[{{"name":"a"}},{bad}]}}"#)), why, "{bad}");
        }
    }

    #[test]
    fn what_is_right_is_read_with_and_without_a_byte_order_mark() {
        for body in [r#"{"data":null}"#, "{}", "\u{feff}{}"] {
            assert!(json::<Page<'_>>(body.as_bytes()).unwrap().data.is_empty());
        }
        let body = r#"{"data":[{"name":"a","inner":{"list":["b"]}}]}"#;
        let page = json::<Page<'_>>(body.as_bytes()).unwrap();
        assert_eq!((&*page.data[0].name, page.data[0].inner.as_ref().unwrap().list[0]), ("a", "b"));
    }

    #[test]
    fn a_wrong_root_is_said_in_words() {
        for (body, words) in [
            ("", "the answer is empty"),
            (" \n", "the answer is empty"),
            ("\"gone\"", "expected an object, got text"),
            ("3", "expected an object, got a number"),
            ("{\"data\": 3}", "/data: expected a list, got a number"),
            ("{\"data\": [{}, {\"name", "/data/0: name is missing"),
            ("{\"data\": [{\"name", "/data/0: ends in the middle"),
            ("nope", "not valid JSON at byte 2"),
            ("{\"data\": nope}", "not valid JSON at byte 11, in /data"),
        ] {
            assert_eq!(wrong(body), words, "{body}");
        }
        let error = json::<Page<'_>>(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!(error.message.as_str(), "not UTF-8 text at byte 6");
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_the_body() {
        let words = wrong(r#"{"data":[{"name":"x","inner":"hunter2 is the password"}]}"#);
        assert!(!words.contains("hunter2"), "{words}");
        assert!(words.starts_with("/data/0/inner:"), "{words}");
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
