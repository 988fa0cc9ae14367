//! Schema-driven mutation: every field of an answer absent, null, of another type, empty, huge, hostile, unheard of.

use serde_json::{Value, json};

/// What an upstream might write instead of anything.
fn instead() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("empty text", json!("")),
        ("unheard-of word", json!("a-word-nobody-told-us")),
        ("hostile text", json!("\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{202e}<b>x</b>\n")),
        ("huge text", json!("é".repeat(20_000))),
        ("true", json!(true)),
        ("huge number", json!(9_007_199_254_740_993_u64)),
        ("negative", json!(-1)),
        ("fraction", json!(1e300)),
        ("empty list", json!([])),
        ("list of odd things", json!([null, 1, "x", [], {}])),
        ("empty object", json!({})),
        ("deep", (0..60).fold(json!(0), |inside, _| json!([inside]))),
    ]
}

/// The JSON Pointers of everything in `value`, at most two items of each list.
pub fn places(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                all.extend(places(inner).into_iter().map(|rest| format!("/{key}{rest}")));
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate().take(2) {
                all.extend(places(inner).into_iter().map(|rest| format!("/{i}{rest}")));
            }
        }
        _ => {}
    }
    all
}

/// Calls `check` with the place, what was done there, and the whole changed answer.
pub fn each(body: &str, mut check: impl FnMut(&str, &str, &Value)) {
    let whole: Value = serde_json::from_str(body).unwrap();
    for place in places(&whole) {
        if let Some((parent, last)) = place.rsplit_once('/') {
            let mut changed = whole.clone();
            let last = last.replace("~1", "/").replace("~0", "~");
            match changed.pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.remove(&last)),
                Some(Value::Array(list)) => drop(list.remove(last.parse().unwrap())),
                _ => continue,
            }
            check(&place, "absent", &changed);
        }
        for (what, value) in instead() {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = value;
            check(&place, what, &changed);
        }
    }
}
