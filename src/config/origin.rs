//! Effective values and where each came from, for `andon config`. Secrets show their reference only.

use toml::de::DeValue;

use super::secret::Secret;
use super::tree::{Table, Texts, Value};

/// One effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Dotted, with names of list elements in brackets: `source[prom].every`.
    pub key: String,
    /// As TOML.
    pub value: String,
    /// `file:line`, `environment ANDON_UI_THEME`, `command line`.
    pub origin: String,
}

/// Keys whose values are secrets unless they are references.
const SECRET_KEYS: &[&str] = &["bearer", "password", "token", "value", "proxy", "url"];

pub fn settings(table: &Table, texts: &Texts) -> Vec<Setting> {
    let mut out = Vec::new();
    walk("", table, texts, &mut out);
    out
}

fn walk(prefix: &str, table: &Table, texts: &Texts, out: &mut Vec<Setting>) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        visit(&path, name, value, texts, out);
    }
}

fn visit(path: &str, name: &str, value: &Value, texts: &Texts, out: &mut Vec<Setting>) {
    match value.get_ref() {
        DeValue::Table(inner) => walk(path, inner, texts, out),
        DeValue::Array(list) if list.iter().any(|v| v.get_ref().is_table()) => {
            for (i, element) in list.iter().enumerate() {
                let label =
                    super::tree::name_of(element).map_or_else(|| i.to_string(), str::to_owned);
                visit(&format!("{path}[{label}]"), name, element, texts, out);
            }
        }
        _ => out.push(Setting {
            key: path.to_owned(),
            value: shown(name, value),
            origin: texts.origin(&value.span()),
        }),
    }
}

fn shown(name: &str, value: &Value) -> String {
    match value.get_ref() {
        DeValue::String(text) if SECRET_KEYS.contains(&name) => shown_secret(name, text),
        DeValue::String(text) => toml::Value::String(text.to_string()).to_string(),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(x) => x.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(d) => d.to_string(),
        DeValue::Array(list) => {
            let inner: Vec<String> = list.iter().map(|v| shown(name, v)).collect();
            format!("[{}]", inner.join(", "))
        }
        DeValue::Table(_) => String::new(),
    }
}

fn shown_secret(name: &str, text: &str) -> String {
    if name == "url" || name == "proxy" {
        let quoted = |t: String| toml::Value::String(t).to_string();
        return match url::Url::parse(text) {
            Ok(url) => quoted(super::address::shown_address(&url)),
            Err(_) => quoted(text.to_owned()),
        };
    }
    match Secret::parse(text, std::path::Path::new("")) {
        Ok(secret) => format!("\"{secret}\""),
        Err(_) => "(unreadable)".to_owned(),
    }
}
