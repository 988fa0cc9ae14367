//! What `/` understands: `word`, `!word`, `column:regex`, all of which must hold.

use crate::model::Clean;
use crate::page::Entry;

/// A filter that was read, and what could not be read in it.
#[derive(Debug, Default)]
pub struct Sieve {
    terms: Vec<Term>,
    /// Said in the prompt: a pattern being typed is often wrong for a moment.
    pub problem: Option<Clean>,
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

    pub fn holds(&self, entry: &Entry) -> bool {
        let any = |found: &dyn Fn(&str) -> bool| {
            entry.words.iter().any(|(_, word)| found(&word.as_str().to_lowercase()))
        };
        self.terms.iter().all(|term| match term {
            Term::Has(text) => any(&|word| word.contains(text.as_str())),
            Term::Lacks(text) => !any(&|word| word.contains(text.as_str())),
            Term::Column(start, regex) => entry.words.iter().any(|(column, word)| {
                column.to_lowercase().starts_with(start.as_str()) && regex.is_match(word.as_str())
            }),
        })
    }
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
