//! Full-text search over the post-mortems: every document that holds a word, with how well it fits; no index to build or to go stale.

use memchr::memmem::Finder;

use crate::model::{Key, PostMortem};

/// Beyond this many places one more says nothing about how well a document fits.
const MOST: usize = 24;
/// A word in the title counts as this many in the text.
const TITLE: f64 = 12.0;
/// BM25's usual constants: how soon repetition stops to count, and how much length does.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// Documents in which `word` (lower case) stands, each with its weight (Okapi BM25 with a heavier title).
///
/// Texts are walked, not indexed: 5,000 documents of a few kilobytes take some milliseconds (`benches/learn.rs`), and
/// what was read a moment ago is found at once.
pub fn search<'a>(
    documents: impl Iterator<Item = &'a PostMortem>,
    word: &str,
) -> Vec<(&'a Key, f64)> {
    if word.is_empty() {
        return Vec::new();
    }
    let finder = Finder::new(word);
    let mut all = 0_usize;
    let mut bytes = 0_usize;
    let mut found = Vec::new();
    for p in documents {
        all += 1;
        let text = p.folded();
        bytes += text.len();
        let times = finder.find_iter(text.as_bytes()).take(MOST).count();
        let titled = p.title.as_str().to_lowercase().contains(word);
        if times > 0 || titled {
            found.push((p, times as f64 + if titled { TITLE } else { 0.0 }));
        }
    }
    let (n, with) = (all as f64, found.len() as f64);
    let rare = (1.0 + (n - with + 0.5) / (with + 0.5)).ln();
    let usual = (bytes as f64 / n.max(1.0)).max(1.0);
    let weigh = |(p, times): (&'a PostMortem, f64)| {
        let long = p.folded().len() as f64 / usual;
        let damp = SATURATION * (1.0 - LENGTH + LENGTH * long);
        (&p.key, rare * times * (SATURATION + 1.0) / (times + damp))
    };
    found.into_iter().map(weigh).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::model::{Clean, Name};

    /// A document of a title and a text, and nothing else.
    pub fn paper(path: &str, title: &str, text: &str) -> PostMortem {
        let text = Clean::body(text, 1 << 20);
        PostMortem::new(
            Key::new(&Name::new("reviews"), path),
            Clean::line(path),
            Clean::line(title),
            text,
        )
    }

    fn best<'a>(papers: &'a [PostMortem], word: &str) -> Vec<&'a str> {
        let mut found = search(papers.iter(), word);
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.into_iter().map(|(key, _)| key.id.raw()).collect()
    }

    #[test]
    fn the_title_weighs_more_than_a_mention_and_often_more_than_once() {
        let filler = "and then we looked at the graphs for a while\n".repeat(20);
        let papers = [
            paper("once", "A disk was full", &format!("the latch stuck\n{filler}")),
            paper("often", "A disk was slow", &format!("latch, latch and latch\n{filler}")),
            paper("titled", "The Latch that stuck", &format!("it stuck\n{filler}")),
            paper("never", "A certificate expired", &filler),
        ];
        assert_eq!(best(&papers, "latch"), ["titled", "often", "once"]);
        assert_eq!(best(&papers, "absent"), [""; 0]);
        assert_eq!(best(&papers, ""), [""; 0]);
    }

    #[test]
    fn a_long_document_must_say_more_than_a_short_one() {
        let papers = [
            paper("long", "x", &format!("pool {}", "word ".repeat(5_000))),
            paper("short", "x", "the pool ran dry"),
            paper("other", "x", "nothing here"),
        ];
        assert_eq!(best(&papers, "pool"), ["short", "long"]);
    }

    #[test]
    fn letters_are_found_whatever_their_case() {
        let papers = [paper("a", "x", "ÉCHEC de la Réplication\n")];
        assert_eq!(best(&papers, "échec"), ["a"]);
        assert_eq!(best(&papers, "réplica"), ["a"]);
    }
}
