//! The word somebody probably meant.

/// The nearest of `words`, when it is near enough to be worth offering.
pub fn word<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&typed, word), word))
        .filter(|(far, word)| *far <= (word.chars().count() / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["quit", "refresh", "health"];
        assert_eq!(word("qiut", words), Some("quit"));
        assert_eq!(word("Helth", words), Some("health"));
        assert_eq!(word("xyzzy", words), None);
        assert_eq!(word("", words), None);
    }
}
