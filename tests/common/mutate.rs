//! A machine that spoils JSON: every value in turn absent, null, of another type, empty, huge, unknown or hostile.

use serde_json::{Value, json};

/// Text that would act on a terminal, reorder a line or end it.
pub const HOSTILE: &str = "a\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{202E}b\r\n\u{0}<b>";

/// One spoilt body: where, how, and the whole JSON text.
#[derive(Debug)]
pub struct Spoilt {
    /// JSON Pointer of the value that was changed.
    pub at: String,
    pub how: &'static str,
    pub body: String,
    /// The value changed was neither an object nor a list.
    pub leaf: bool,
}

/// Every body that differs from `body` in one value. Of lists, the first `items` entries are visited.
pub fn spoil(body: &str, items: usize) -> Vec<Spoilt> {
    let good: Value = serde_json::from_str(body).unwrap();
    let mut places = Vec::new();
    walk(&good, "", items, &mut places);
    let mut spoilt = Vec::new();
    for at in places {
        let leaf = good.pointer(&at).is_some_and(|v| !v.is_object() && !v.is_array());
        for (how, value) in variants(good.pointer(&at).unwrap_or(&Value::Null)) {
            let mut bad = good.clone();
            if let Some(slot) = bad.pointer_mut(&at) {
                *slot = value;
            }
            spoilt.push(Spoilt { at: at.clone(), how, body: bad.to_string(), leaf });
        }
        if let Some(body) = without(&good, &at) {
            spoilt.push(Spoilt { at: at.clone(), how: "absent", body, leaf });
        }
    }
    spoilt
}

/// The same JSON with lists cut to their first `items` entries: spoiling a short body is quicker.
pub fn shortened(body: &str, items: usize) -> String {
    fn cut(value: &mut Value, items: usize) {
        match value {
            Value::Object(map) => {
                for value in map.values_mut() {
                    cut(value, items);
                }
            }
            Value::Array(list) => {
                list.truncate(items);
                for value in list {
                    cut(value, items);
                }
            }
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_str(body).unwrap();
    cut(&mut value, items);
    value.to_string()
}

fn walk(value: &Value, here: &str, items: usize, places: &mut Vec<String>) {
    if !here.is_empty() {
        places.push(here.to_owned());
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(value, &format!("{here}/{key}"), items, places);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate().take(items) {
                walk(value, &format!("{here}/{i}"), items, places);
            }
        }
        _ => {}
    }
}

fn variants(good: &Value) -> Vec<(&'static str, Value)> {
    let mut all = vec![
        ("null", Value::Null),
        ("number", json!(9_007_199_254_740_993_u64)),
        ("negative", json!(-1.5)),
        ("bool", json!(true)),
        ("list", json!([[]])),
        ("object", json!({ "x": {} })),
        ("empty", json!("")),
        ("huge", json!("é".repeat(6_000))),
        ("unknown word", json!("xyzzy")),
        ("hostile", json!(HOSTILE)),
        ("no date", json!("2026-13-40T99:99:99Z")),
    ];
    all.retain(|(_, value)| value != good);
    all
}

fn without(good: &Value, at: &str) -> Option<String> {
    let (parent, key) = at.rsplit_once('/')?;
    let mut bad = good.clone();
    let key = key.replace("~1", "/").replace("~0", "~");
    bad.pointer_mut(parent)?.as_object_mut()?.remove(&key)?;
    Some(bad.to_string())
}
