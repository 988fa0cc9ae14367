//! The JSON Schema of the configuration, made from the same structs that read it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw;
use crate::source::KINDS;

/// JSON Schema (2020-12) of `andon.toml`.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let of = |schema: schemars::Schema| schema.to_value();
    let team = of(generator.subschema_for::<raw::Team>());
    let source = of(generator.subschema_for::<raw::Source>());
    let service = of(generator.subschema_for::<raw::Service>());
    let freeze = of(generator.subschema_for::<raw::Freeze>());
    let release = of(generator.subschema_for::<raw::Release>());
    let ui = of(generator.subschema_for::<raw::Ui>());
    let post_mortems = of(generator.subschema_for::<raw::PostMortems>());
    let status = of(generator.subschema_for::<raw::Status>());
    let store = of(generator.subschema_for::<raw::Store>());
    let auth = of(generator.subschema_for::<raw::Auth>());
    let mut definitions = Value::Object(generator.take_definitions(true));
    if let Some(source) = definitions.get_mut("Source") {
        complete_source(source, &auth);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "andon.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "include": { "type": "array", "items": { "type": "string" }, "description": "Files laid under this one; relative to it." },
            "team": team,
            "source": { "type": "array", "items": source },
            "service": { "type": "array", "items": service },
            "freeze": { "type": "array", "items": freeze },
            "release": { "type": "array", "items": release },
            "ui": ui,
            "status": status,
            "notify": { "type": "object" },
            "post_mortems": post_mortems,
            "delivery": { "type": "object" },
            "write": { "type": "object" },
            "store": store,
        },
        "$defs": definitions,
    })
}

/// A source's own keys depend on its kind: named here, judged by the kind when it is opened.
fn complete_source(source: &mut Value, auth: &Value) {
    let Some(object) = source.as_object_mut() else { return };
    let kinds: Vec<&str> = KINDS.iter().map(|k| k.name).collect();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for kind in KINDS {
            for (key, about) in kind.options {
                properties
                    .entry(*key)
                    .or_insert_with(|| json!({ "description": format!("{}: {about}", kind.name) }));
            }
        }
        properties.insert("kind".to_owned(), json!({ "enum": kinds }));
        properties.insert(
            "auth".to_owned(),
            json!({ "anyOf": [auth, { "type": "array", "items": auth }] }),
        );
    }
}
