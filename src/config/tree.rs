//! Configuration values with their places: several files become one tree, and every value still knows its file and line.
//!
//! Spans of all files live in one number line: file i occupies `base..base + length`. So TOML's own errors stay exact
//! after merging.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::problem::Located;
use super::veil;

pub type Value = Spanned<DeValue<'static>>;
pub type Table = DeTable<'static>;

/// One text that was read.
pub struct Text {
    /// A path, or `environment`, `command line`.
    pub file: PathBuf,
    /// As it may be shown: secrets written out are stars, byte for byte.
    shown: String,
    base: usize,
    /// Where each line ends: the line of every setting is asked for, and a configuration may have thousands.
    ends: Vec<usize>,
    /// Others may read it: it must hold no written-out secret.
    pub readable_by_others: bool,
}

impl Text {
    /// The number of the line a byte stands on, from 1.
    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// All texts, and where a place on the number line lies.
#[derive(Default)]
pub struct Texts {
    list: Vec<Text>,
    end: usize,
}

impl Texts {
    /// Parses one more text. Syntax errors are all reported; what could be parsed is given anyway.
    pub fn add(
        &mut self,
        file: &Path,
        text: &str,
        readable_by_others: bool,
        problems: &mut Vec<Located>,
    ) -> Table {
        if self.end == 0 {
            // The first text, mostly the only one, lies where its places say. It is kept as long as the program, and its
            // tree taken as it was parsed: thousands of settings are not copied one by one.
            let (parsed, errors) = DeTable::parse_recoverable(intern(text.to_owned()));
            self.keep(file, text, readable_by_others, (&parsed, errors), problems);
            return parsed.into_inner();
        }
        let (parsed, errors) = DeTable::parse_recoverable(text);
        let base = self.end;
        self.keep(file, text, readable_by_others, (&parsed, errors), problems);
        settle(parsed.into_inner(), base)
    }

    /// Keeps a text for those who ask for its places, and reports what is no TOML in it.
    fn keep(
        &mut self,
        file: &Path,
        text: &str,
        readable_by_others: bool,
        (parsed, errors): (&Spanned<DeTable<'_>>, Vec<toml::de::Error>),
        problems: &mut Vec<Located>,
    ) {
        let shown = veil::veiled(text, parsed.get_ref(), !errors.is_empty());
        for error in errors {
            problems.push(Located::at(
                file.to_owned(),
                &shown,
                &error.span().unwrap_or(0..0),
                error.message().to_owned(),
                None,
            ));
        }
        let ends = shown.match_indices('\n').map(|(at, _)| at).collect();
        let base = self.end;
        self.end += text.len() + 1;
        self.list.push(Text { file: file.to_owned(), shown, base, ends, readable_by_others });
    }

    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.list.iter().map(|t| &*t.file)
    }

    pub fn of(&self, span: &Range<usize>) -> Option<&Text> {
        self.list.iter().rev().find(|t| t.base <= span.start)
    }

    /// True when a secret stands at this place, written out.
    pub fn is_veiled(&self, span: &Range<usize>) -> bool {
        let within = |t: &Text| span.start - t.base + 1..span.end.saturating_sub(t.base + 1);
        let said = self.of(span).and_then(|t| t.shown.get(within(t)));
        said.is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b == b'*'))
    }

    /// The folder a relative path at this place is meant from.
    pub fn folder(&self, span: &Range<usize>) -> PathBuf {
        self.of(span).and_then(|t| t.file.parent()).map(Path::to_owned).unwrap_or_default()
    }

    pub fn locate(
        &self,
        span: Option<&Range<usize>>,
        message: String,
        hint: Option<String>,
    ) -> Located {
        match span.and_then(|s| self.of(s).map(|t| (t, s))) {
            Some((text, span)) => {
                let local = span.start - text.base..span.end.saturating_sub(text.base);
                Located::at(text.file.clone(), &text.shown, &local, message, hint)
            }
            None => Located::whole_file(PathBuf::from("configuration"), message, hint),
        }
    }

    /// `file:line` of a place.
    pub fn origin(&self, span: &Range<usize>) -> String {
        let Some(text) = self.of(span) else { return "configuration".to_owned() };
        let file = text.file.display();
        if text.file.is_absolute() || text.file.extension().is_some() {
            format!("{file}:{}", text.line(span.start - text.base))
        } else {
            file.to_string()
        }
    }
}

/// Rebuilds a table as one that owns its strings, its places moved along the number line.
fn settle(table: DeTable<'_>, by: usize) -> Table {
    let key = |key: Spanned<DeString<'_>>| {
        let span = shifted(&key.span(), by);
        Spanned::new(span, DeString::Owned(key.into_inner().into_owned()))
    };
    table.into_iter().map(|(name, value)| (key(name), settle_value(value, by))).collect()
}

fn settle_value(value: Spanned<DeValue<'_>>, by: usize) -> Value {
    let span = shifted(&value.span(), by);
    let inner = match value.into_inner() {
        DeValue::String(s) => DeValue::String(DeString::Owned(s.into_owned())),
        DeValue::Table(t) => DeValue::Table(settle(t, by)),
        DeValue::Array(a) => {
            DeValue::Array(a.into_iter().map(|value| settle_value(value, by)).collect())
        }
        DeValue::Boolean(b) => DeValue::Boolean(b),
        DeValue::Datetime(d) => DeValue::Datetime(d),
        // Numbers have private fields: they are read again from their own notation.
        number @ (DeValue::Integer(_) | DeValue::Float(_)) => renumber(&number),
    };
    Spanned::new(span, inner)
}

fn shifted(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn renumber(number: &DeValue<'_>) -> DeValue<'static> {
    let text: &'static str = match number {
        DeValue::Integer(n) => intern(match n.radix() {
            2 => format!("0b{n}", n = n.as_str()),
            8 => format!("0o{n}", n = n.as_str()),
            16 => format!("0x{n}", n = n.as_str()),
            _ => n.as_str().to_owned(),
        }),
        DeValue::Float(x) => intern(x.as_str().to_owned()),
        _ => "0",
    };
    DeValue::parse(text).map_or(DeValue::Boolean(false), Spanned::into_inner)
}

/// The first text and a few numbers of a configuration live as long as the program.
fn intern(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Lays `over` on `under`, by key. Lists of named tables (`[[source]]`, `[[service]]` …) merge by `name`, the rest of
/// the values replace.
pub fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match under.get_mut(&key) {
            Some(old) => merge_value(old, value),
            None => {
                under.insert(key, value);
            }
        }
    }
}

fn merge_value(old: &mut Value, new: Value) {
    let span = new.span();
    match (old.get_mut(), new.into_inner()) {
        (DeValue::Table(under), DeValue::Table(over)) => merge(under, over),
        (DeValue::Array(under), DeValue::Array(over))
            if over.iter().any(|v| name_of(v).is_some()) =>
        {
            for value in over {
                let same = name_of(&value).map(str::to_owned);
                match under
                    .iter_mut()
                    .find(|v| same.is_some() && name_of(v).map(str::to_owned) == same)
                {
                    Some(old) => merge_value(old, value),
                    None => under.push(value),
                }
            }
        }
        (_, inner) => *old = Spanned::new(span, inner),
    }
}

pub fn name_of(value: &Value) -> Option<&str> {
    value.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(texts: &[&str]) -> (Table, Texts) {
        let mut all = Texts::default();
        let mut table = Table::new();
        for (i, text) in texts.iter().enumerate() {
            let mut problems = Vec::new();
            let parsed = all.add(Path::new(&format!("/{i}.toml")), text, false, &mut problems);
            assert!(problems.is_empty(), "{problems:?}");
            merge(&mut table, parsed);
        }
        (table, all)
    }

    #[test]
    fn later_files_win_by_key_and_named_tables_merge_by_name() {
        let (table, texts) = tree(&[
            "[team]\nname = \"a\"\ntimezone = \"UTC\"\n[[source]]\nname = \"p\"\nkind = \"json\"\n",
            "[team]\nname = \"b\"\n[[source]]\nname = \"p\"\nevery = \"5s\"\n[[source]]\nname = \"q\"\n",
        ]);
        let team = table["team"].get_ref();
        assert_eq!(team["name"].get_ref().as_str(), Some("b"));
        assert_eq!(team["timezone"].get_ref().as_str(), Some("UTC"));
        assert_eq!(texts.origin(&team["name"].span()), "/1.toml:2");
        assert_eq!(texts.origin(&team["timezone"].span()), "/0.toml:3");
        let sources = table["source"].get_ref().as_array().unwrap();
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].get_ref()["kind"].get_ref().as_str(), Some("json"));
        assert_eq!(sources[0].get_ref()["every"].get_ref().as_str(), Some("5s"));
    }

    #[test]
    fn numbers_survive_becoming_our_own() {
        let (table, _) = tree(&["a = 0xff\nb = -1_000\nc = 1e3\nd = -inf\n"]);
        assert_eq!(table["a"].get_ref().as_integer().unwrap().radix(), 16);
        assert_eq!(table["b"].get_ref().as_integer().unwrap().as_str(), "-1000");
        assert_eq!(table["c"].get_ref().as_float().unwrap().as_str(), "1e3");
        assert!(table["d"].get_ref().is_float());
    }
}
