//! The words of a text that say what it is about: lower case, without the ones every text has.

use std::collections::BTreeSet;

/// Words that stand in every report, so that sharing them says nothing.
const COMMON: &[&str] = &[
    "about",
    "above",
    "after",
    "again",
    "against",
    "alert",
    "alerts",
    "almost",
    "also",
    "always",
    "because",
    "been",
    "before",
    "being",
    "below",
    "between",
    "both",
    "cause",
    "caused",
    "causes",
    "could",
    "days",
    "does",
    "doing",
    "down",
    "during",
    "each",
    "earlier",
    "eight",
    "error",
    "errors",
    "every",
    "failed",
    "fails",
    "failure",
    "fired",
    "firing",
    "first",
    "five",
    "four",
    "from",
    "further",
    "have",
    "having",
    "here",
    "high",
    "hour",
    "hours",
    "hundred",
    "incident",
    "incidents",
    "into",
    "issue",
    "issues",
    "itself",
    "just",
    "larger",
    "last",
    "later",
    "longer",
    "made",
    "many",
    "minute",
    "minutes",
    "month",
    "months",
    "more",
    "mortem",
    "most",
    "much",
    "never",
    "nine",
    "nobody",
    "none",
    "nothing",
    "often",
    "once",
    "only",
    "other",
    "ourselves",
    "outage",
    "over",
    "post",
    "postmortem",
    "problem",
    "problems",
    "same",
    "second",
    "service",
    "services",
    "seven",
    "several",
    "shorter",
    "should",
    "smaller",
    "some",
    "started",
    "such",
    "than",
    "that",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "third",
    "this",
    "those",
    "thousand",
    "three",
    "through",
    "time",
    "under",
    "until",
    "very",
    "week",
    "weeks",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "will",
    "with",
    "without",
    "would",
    "year",
    "years",
    "your",
];
/// Shorter words are articles and prepositions in most languages.
const SHORTEST: usize = 4;

/// Words of four letters and more, without digits alone, plurals cut: `pools` and `pool` are one.
pub fn keywords(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words
        .filter(|w| w.chars().count() >= SHORTEST && w.chars().any(char::is_alphabetic))
        .filter(|w| !COMMON.contains(&w.as_str()))
        .map(|w| singular(&w))
        .collect()
}

fn singular(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.chars().count() >= SHORTEST && !stem.ends_with(['s', 'u', 'i']) => {
            stem.to_owned()
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_report_says_is_left_out_and_plurals_are_one_word() {
        let words =
            keywords("The Connection-pools of the DB were exhausted; 1234 errors, status 503!");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words, ["connection", "exhausted", "pool", "status"]);
        assert!(keywords("the an of 12345").is_empty());
    }
}
