//! One number for everything that decides what is asked: two processes with the same number may share their polls.

use toml::de::DeValue;

use super::tree::{Table, Value};

/// Sections that decide it; taste does not.
const SECTIONS: &[&str] = &["team", "source", "service"];

/// FNV-1a over keys and written values: the same in every process. Secrets are only references, or change it like
/// anything else.
pub fn digest(table: &Table) -> u64 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    for (key, value) in table {
        if SECTIONS.contains(&key.get_ref().as_ref()) {
            hash.text(key.get_ref());
            hash.value(value);
        }
    }
    hash.0
}

struct Hash(u64);

impl Hash {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        // No text holds it: two texts never look like one.
        self.byte(0xff);
    }

    fn value(&mut self, value: &Value) {
        match value.get_ref() {
            DeValue::Table(table) => {
                self.text("{");
                for (key, value) in table {
                    self.text(key.get_ref());
                    self.value(value);
                }
                self.text("}");
            }
            DeValue::Array(list) => {
                self.text("[");
                list.iter().for_each(|value| self.value(value));
                self.text("]");
            }
            DeValue::String(text) => self.text(text),
            DeValue::Integer(n) => self.text(&n.to_string()),
            DeValue::Float(x) => self.text(&x.to_string()),
            DeValue::Boolean(b) => self.text(if *b { "true" } else { "false" }),
            DeValue::Datetime(d) => self.text(&d.to_string()),
        }
    }
}
