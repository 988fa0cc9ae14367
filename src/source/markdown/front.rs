//! Front matter in YAML or TOML: flat keys with their words; YAML as events and without aliases, so that nothing can multiply.

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

/// Bytes of front matter that are read.
const CAP: usize = 64 * 1024;
/// Deepest nesting that is followed; everything deeper is passed over by the parser's own limit.
const KEYS: usize = 200;

/// Front matter of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Front {
    /// Top-level keys in lower case with their words; a list gives its key several times.
    pub pairs: Vec<(String, String)>,
    /// First line after it.
    pub ends: usize,
    /// Why it could not be read, in words.
    pub trouble: Option<&'static str>,
}

impl Front {
    pub fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| {
            self.pairs.iter().find(|(k, v)| k == key && !v.is_empty()).map(|(_, v)| v.as_str())
        })
    }

    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// The front matter at the beginning of a text, if there is any.
pub fn front(text: &str) -> Front {
    let mut lines = text.lines();
    let close: &[&str] = match lines.next().map(str::trim_end) {
        Some("---") => &["---", "..."],
        Some("+++") => &["+++"],
        _ => return Front::default(),
    };
    let Some(last) = lines.position(|line| close.contains(&line.trim_end())) else {
        return Front::default();
    };
    let ends = last + 2;
    let start = text.find('\n').map_or(text.len(), |at| at + 1);
    let inside = text.get(start..).unwrap_or_default();
    let bytes: usize = inside.split_inclusive('\n').take(last).map(str::len).sum();
    if bytes > CAP {
        return Front { ends, trouble: Some("front matter over 64 KiB"), ..Front::default() };
    }
    let inside = inside.get(..bytes).unwrap_or_default();
    if close == ["+++"] {
        return toml_pairs(inside, ends);
    }
    let mut reader = Reader::default();
    let parsed = Parser::new_from_str(inside).load(&mut reader, false);
    let trouble = if reader.alias {
        Some("front matter with aliases is not read")
    } else if parsed.is_err() {
        Some("front matter is no YAML")
    } else {
        None
    };
    let pairs = if reader.alias { Vec::new() } else { reader.pairs };
    Front { pairs, ends, trouble }
}

/// Hugo and Zola write this: the keys before the first table, since tables hold what the site is made with.
fn toml_pairs(inside: &str, ends: usize) -> Front {
    let Ok(table) = inside.parse::<toml::Table>() else {
        return Front { ends, trouble: Some("front matter is no TOML"), ..Front::default() };
    };
    let mut pairs = Vec::new();
    for (key, value) in table {
        let key = key.to_lowercase();
        let values = match value {
            toml::Value::Array(values) => values,
            one => vec![one],
        };
        for words in values.iter().filter_map(toml_words) {
            if pairs.len() < KEYS {
                pairs.push((key.clone(), words));
            }
        }
    }
    Front { pairs, ends, trouble: None }
}

fn toml_words(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(words) => Some(words.clone()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
        other => Some(other.to_string()),
    }
}

#[derive(Default)]
struct Reader {
    depth: usize,
    /// The top-level key whose value is being read.
    key: Option<String>,
    pairs: Vec<(String, String)>,
    alias: bool,
}

impl MarkedEventReceiver for Reader {
    fn on_event(&mut self, event: Event, _at: Marker) {
        match event {
            Event::Alias(_) => self.alias = true,
            Event::MappingStart(..) | Event::SequenceStart(..) => self.depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 1 {
                    self.key = None;
                }
            }
            Event::Scalar(value, style, ..) => self.scalar(value, style),
            _ => {}
        }
    }
}

impl Reader {
    fn scalar(&mut self, value: String, style: TScalarStyle) {
        let empty = style == TScalarStyle::Plain && matches!(value.as_str(), "~" | "null" | "");
        match (self.depth, self.key.take()) {
            (1, None) => self.key = Some(value.to_lowercase()),
            (depth @ (1 | 2), Some(key)) if self.pairs.len() < KEYS => {
                if depth == 2 {
                    self.key = Some(key.clone());
                }
                if !empty {
                    self.pairs.push((key, value));
                }
            }
            (_, key) => self.key = key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_keys_and_lists_are_read() {
        let read = front(
            "---\ntitle: \"A: b\"\nDate: 2020-01-02\nservices: [x, y]\nmeta:\n  z: {q: 1}\nempty: ~\n---\n# H",
        );
        assert_eq!(read.get(&["title"]), Some("A: b"));
        assert_eq!(read.get(&["incident_date", "date"]), Some("2020-01-02"));
        assert_eq!(read.all("services").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!((read.get(&["empty"]), read.ends, read.trouble), (None, 8, None));
    }

    #[test]
    fn toml_gives_the_same_words() {
        let read = front(
            "+++\ntitle = \"A: b\"\ndate = 2020-01-02T10:00:00Z\nSeverity = 2\nservices = [\"x\", \"y\"]\n[extra]\nz = 1\n+++\n# H",
        );
        assert_eq!(read.get(&["title"]), Some("A: b"));
        assert_eq!(read.get(&["date"]), Some("2020-01-02T10:00:00Z"));
        assert_eq!(read.get(&["severity"]), Some("2"));
        assert_eq!(read.all("services").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!((read.get(&["z", "extra"]), read.ends, read.trouble), (None, 8, None));
        assert_eq!(front("+++\nno = toml =\n+++\n").trouble, Some("front matter is no TOML"));
        let deep = format!("+++\na = {}\n+++\n", "[".repeat(30_000));
        assert_eq!(front(&deep).trouble, Some("front matter is no TOML"));
        assert_eq!(front("+++\nno end here"), Front::default());
    }

    #[test]
    fn a_rule_at_the_top_is_no_front_matter() {
        assert_eq!(front("---\nno end here"), Front::default());
        assert_eq!(front("# T\n---\n"), Front::default());
    }

    #[test]
    fn bombs_cost_a_flag() {
        let bomb = "---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\ntitle: t\n---\n";
        assert_eq!(front(bomb).trouble, Some("front matter with aliases is not read"));
        let deep = format!("---\na: {}\n---\n", "[".repeat(30_000));
        assert_eq!(front(&deep).trouble, Some("front matter is no YAML"));
        let long = format!("---\na: {}\n---\n", "x".repeat(70_000));
        assert_eq!(front(&long).trouble, Some("front matter over 64 KiB"));
    }
}
