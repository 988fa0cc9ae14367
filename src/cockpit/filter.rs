//! What `/` understands: `word`, `!word`, `column:regex`, all of which must hold.

use std::collections::{BTreeMap, HashMap};

use crate::model::Clean;
use crate::page::{Entry, RowKey};

/// The column that holds a whole document: words are looked for in it by the shelf's own search.
const TEXT: &str = "text";
/// What a word in the title or another column adds to the fit of a row.
const NAMED: f64 = 0.5;

/// A filter that was read, and what could not be read in it.
#[derive(Debug, Default)]
pub struct Sieve {
    terms: Vec<Term>,
    /// Said in the prompt: a pattern being typed is often wrong for a moment.
    pub problem: Option<Clean>,
    /// For each plain word, the rows in whose whole text it stands; `None` where rows have no such text.
    texts: Option<BTreeMap<String, HashMap<RowKey, f64>>>,
}

#[derive(Debug)]
enum Term {
    Has(String),
    Lacks(String),
    Column(String, Box<regex::Regex>),
}

/// Bytes a compiled pattern may take: a filter is a word or two.
const PATTERN_CAP: usize = 1 << 20;

impl Sieve {
    /// Reads a filter. `columns` are the titles that may stand before a colon; any beginning of one is enough.
    pub fn read(text: &str, columns: &[&str]) -> Self {
        let mut sieve = Self::default();
        for word in text.split_whitespace() {
            match Self::term(word, columns) {
                Ok(Some(term)) => sieve.terms.push(term),
                Ok(None) => {}
                Err(problem) => sieve.problem = Some(problem),
            }
        }
        sieve
    }

    fn term(word: &str, columns: &[&str]) -> Result<Option<Term>, Clean> {
        if let Some(rest) = word.strip_prefix('!') {
            let lacks = (!rest.is_empty()).then(|| Term::Lacks(rest.to_lowercase()));
            return Ok(lacks);
        }
        if let Some((column, pattern)) = word.split_once(':') {
            let start = column.to_lowercase();
            let named = columns.iter().any(|c| c.to_lowercase().starts_with(&start));
            if named && !start.is_empty() {
                if pattern.is_empty() {
                    return Ok(None);
                }
                let built = regex::RegexBuilder::new(pattern)
                    .case_insensitive(true)
                    .size_limit(PATTERN_CAP)
                    .dfa_size_limit(PATTERN_CAP)
                    .build();
                return match built {
                    Ok(regex) => Ok(Some(Term::Column(start, Box::new(regex)))),
                    Err(_) => Err(Clean::line(format!("`{pattern}` is no complete pattern yet"))),
                };
            }
        }
        Ok(Some(Term::Has(word.to_lowercase())))
    }

    /// Looks every plain word up in whole texts, once, instead of in each row.
    pub fn consult(&mut self, search: impl Fn(&str) -> HashMap<RowKey, f64>) {
        let plain = self.terms.iter().filter_map(|term| match term {
            Term::Has(text) | Term::Lacks(text) => Some(text),
            Term::Column(..) => None,
        });
        self.texts = Some(plain.map(|text| (text.clone(), search(text))).collect());
    }

    /// Whether rows have a fit to be sorted by.
    pub fn ranks(&self) -> bool {
        self.texts.is_some() && self.terms.iter().any(|term| matches!(term, Term::Has(_)))
    }

    /// How well a row fits what is looked for; only an order, in no unit.
    pub fn fit(&self, entry: &Entry) -> f64 {
        let wanted = self.terms.iter().filter_map(|term| match term {
            Term::Has(text) => Some(text),
            _ => None,
        });
        let one = |text: &String| {
            let named = if in_columns(entry, text, true) { NAMED } else { 0.0 };
            named + self.in_text(entry, text).unwrap_or(0.0)
        };
        wanted.map(one).sum()
    }

    fn in_text(&self, entry: &Entry, text: &str) -> Option<f64> {
        self.texts.as_ref()?.get(text)?.get(&entry.key).copied()
    }

    pub fn holds(&self, entry: &Entry) -> bool {
        let has = |text: &str| {
            in_columns(entry, text, self.texts.is_some()) || self.in_text(entry, text).is_some()
        };
        self.terms.iter().all(|term| match term {
            Term::Has(text) => has(text),
            Term::Lacks(text) => !has(text),
            Term::Column(start, regex) => entry.words.iter().any(|(column, word)| {
                column.to_lowercase().starts_with(start.as_str()) && regex.is_match(word.as_str())
            }),
        })
    }
}

/// Whether a cell holds a word; a whole text is left to its own search where there is one.
fn in_columns(entry: &Entry, text: &str, searched: bool) -> bool {
    let cells = entry.words.iter().filter(|(column, _)| !(searched && *column == TEXT));
    cells.into_iter().any(|(_, word)| word.as_str().to_lowercase().contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(words: &[(&'static str, &'static str)]) -> Entry {
        let words = words.iter().map(|(c, w)| (*c, Clean::from(*w))).collect();
        Entry { key: "k".into(), words, ranks: Vec::new(), problem: false }
    }

    #[test]
    fn words_are_looked_for_everywhere_and_columns_in_their_own() {
        let row = entry(&[("service", "checkout"), ("state", "down"), ("owner", "Payments")]);
        for (text, expected) in [
            ("", true),
            ("check", true),
            ("CHECK", true),
            ("payments", true),
            ("check down", true),
            ("check ok", false),
            ("!ok", true),
            ("!down", false),
            ("!", true),
            ("state:^down$", true),
            ("state:do|ok", true),
            ("sta:OWN", true),
            ("service:down", false),
            ("12:30", false),
        ] {
            let sieve = Sieve::read(text, &["service", "state", "owner"]);
            assert_eq!(sieve.holds(&row), expected, "{text}");
            assert_eq!(sieve.problem, None, "{text}");
        }
    }

    #[test]
    fn a_bad_pattern_is_said_and_hides_nothing() {
        let sieve = Sieve::read("state:( check", &["state"]);
        assert!(sieve.problem.is_some());
        assert!(sieve.holds(&entry(&[("service", "checkout")])));
    }

    #[test]
    fn a_pattern_that_would_be_huge_is_refused() {
        assert!(Sieve::read("state:(a{1000}){1000}", &["state"]).problem.is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_filter_panics(text in ".*") {
            let sieve = Sieve::read(&text, &["service", "state"]);
            let _ = sieve.holds(&entry(&[("service", "checkout"), ("state", "é\u{301}")]));
        }
    }
}
