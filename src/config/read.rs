//! Reads typed values from the tree, finding every problem of a table and not the first only.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::problem::{Located, nearest};
use super::tree::{Table, Texts, Value};

/// Reads `value` as a `T`; where a key is wrong it is reported, left out, and the rest is read again.
///
/// `None` when nothing readable remains (a required key is missing, or the value has the wrong shape altogether).
pub fn read<T: DeserializeOwned>(
    value: &Value,
    texts: &Texts,
    problems: &mut Vec<Located>,
) -> Option<T> {
    let mut rest: Option<Value> = None;
    // Each round removes one key; more rounds than keys cannot happen.
    loop {
        let tried = rest.as_ref().unwrap_or(value);
        match T::deserialize(ValueDeserializer::from(tried.clone())) {
            Ok(read) => return Some(read),
            Err(error) => {
                problems.push(say(&error, texts, tried));
                let span = error.span()?;
                let mut less = rest.take().unwrap_or_else(|| value.clone());
                if !remove_at(&mut less, &span) {
                    return None;
                }
                rest = Some(less);
            }
        }
    }
}

/// TOML's own error with its place, and the nearest right word where a word was wrong.
pub fn say(error: &toml::de::Error, texts: &Texts, value: &Value) -> Located {
    let span = error.span().unwrap_or_else(|| value.span());
    let mut message = error.message().trim_end().to_owned();
    if let Some((_, expected)) = message.split_once(", expected").filter(|_| texts.is_veiled(&span))
    {
        // serde repeats what it read.
        message = format!("a string is not what is expected: expected{expected}");
    }
    let hint = suggestion(&message);
    texts.locate(Some(&span), message, hint)
}

/// serde lists the words it would have taken: the one nearest to the wrong word is offered.
fn suggestion(message: &str) -> Option<String> {
    let (wrong, expected) = message.split_once(", expected")?;
    let wrong = wrong.split('`').nth(1)?;
    let words: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    nearest(wrong, words.iter().copied()).map(|word| format!("did you mean `{word}`?"))
}

/// Removes the key or list element whose key or value lies at `span`; false when there is none.
pub fn remove_at(value: &mut Value, span: &std::ops::Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => remove_in(table, span),
        DeValue::Array(list) => {
            // A table written under a header does not span its keys: every table may hold the place.
            let may_hold = |v: &Value| {
                v.get_ref().is_table() || (v.span().start <= span.start && span.end <= v.span().end)
            };
            if let Some(at) = list.iter().position(|v| v.span() == *span) {
                let kept = std::mem::take(list).into_iter().enumerate().filter(|(i, _)| *i != at);
                *list = kept.map(|(_, v)| v).collect();
                return true;
            }
            list.iter_mut().any(|v| may_hold(v) && remove_at(v, span))
        }
        _ => false,
    }
}

fn remove_in(table: &mut Table, span: &std::ops::Range<usize>) -> bool {
    let hit = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span)
        .map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = hit {
        table.remove(key.as_str());
        return true;
    }
    let inside = |v: &Value| v.span().start <= span.start && span.end <= v.span().end;
    for (_, value) in table.iter_mut() {
        // Tables written under a header do not span their keys: descend into every table.
        let descend =
            inside(value) || matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        if descend && remove_at(value, span) {
            return true;
        }
    }
    // An error somewhere inside a scalar (a bad list element, say) removes the whole value.
    let outer = table
        .iter()
        .find(|(_, v)| inside(v) && !v.get_ref().is_table())
        .map(|(k, _)| k.get_ref().to_string());
    outer.is_some_and(|key| table.remove(key.as_str()).is_some())
}

/// The keys of `value` that are not in `ours`, as a table for somebody else to read.
pub fn rest(value: &Value, ours: &[&str]) -> Value {
    let span = value.span();
    let mut table = Table::new();
    if let DeValue::Table(all) = value.get_ref() {
        for (key, value) in all {
            if !ours.contains(&key.get_ref().as_ref()) {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    Spanned::new(span, DeValue::Table(table))
}

/// Only the keys of `value` that are in `ours`.
pub fn only(value: &Value, ours: &[&str]) -> Value {
    let span = value.span();
    let mut table = Table::new();
    if let DeValue::Table(all) = value.get_ref() {
        for (key, value) in all {
            if ours.contains(&key.get_ref().as_ref()) {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    Spanned::new(span, DeValue::Table(table))
}
