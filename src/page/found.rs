//! Where words stand in laid-out lines: found across line ends, and marked without changing a letter.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Line, Span, Tone};
use crate::model::Clean;

/// One place: pieces of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, and bytes of its words.
    pub pieces: Vec<(usize, Range<usize>)>,
}

impl Place {
    /// The line it begins on.
    pub fn line(&self) -> usize {
        self.pieces.first().map_or(0, |(line, _)| *line)
    }
}

/// Lines as one lower-case text with single blanks, each byte with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flat {
    text: String,
    /// For each byte of `text`: line, and the bytes of the letter it is of.
    from: Vec<(usize, usize, usize)>,
}

impl Flat {
    pub fn of(lines: &[Line]) -> Self {
        let mut flat = Self { text: String::new(), from: Vec::new() };
        for (at, line) in lines.iter().enumerate() {
            let words = line.text();
            // Clusters are marked whole: half a letter cannot be shown.
            for (byte, cluster) in words.grapheme_indices(true) {
                flat.push(cluster, (at, byte, byte + cluster.len()));
            }
            flat.push(" ", (at, words.len(), words.len()));
        }
        flat
    }

    fn push(&mut self, cluster: &str, from: (usize, usize, usize)) {
        if cluster.trim().is_empty() {
            if !self.text.ends_with(' ') {
                self.text.push(' ');
                self.from.push(from);
            }
            return;
        }
        let low = cluster.to_lowercase();
        self.from.extend(std::iter::repeat_n(from, low.len()));
        self.text.push_str(&low);
    }
}

impl Flat {
    /// Every place where `words` stand, in order. Case does not matter, nor does where a line was broken.
    fn places(&self, words: &str) -> Vec<Place> {
        let wanted = wanted(words);
        let place = |at: usize| {
            let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
            for (line, start, end) in self.from.get(at..at + wanted.len()).unwrap_or_default() {
                match pieces.last_mut() {
                    Some((last, range)) if last == line => range.end = range.end.max(*end),
                    _ => pieces.push((*line, *start..*end)),
                }
            }
            Place { pieces }
        };
        self.found(&wanted).map(place).collect()
    }

    /// The lines on which a place of any of `words` begins, in order, each once.
    pub fn begins(&self, words: &[String]) -> Vec<usize> {
        let line = |at: usize| self.from.get(at).map_or(0, |(line, ..)| *line);
        let mut lines = Vec::new();
        for word in words {
            lines.extend(self.found(&wanted(word)).map(line));
        }
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    fn found<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
        let text = if wanted.is_empty() { "" } else { self.text.as_str() };
        text.match_indices(wanted).map(|(at, _)| at).filter(|_| !wanted.is_empty())
    }
}

/// Words as they stand in a flat text.
fn wanted(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Every place where `words` stand, in order. Case does not matter, nor does where a line was broken.
pub fn places(lines: &[Line], words: &str) -> Vec<Place> {
    if words.trim().is_empty() { Vec::new() } else { Flat::of(lines).places(words) }
}

/// The lines with every place of every word in the tone of a match.
pub fn marked(lines: &[Line], words: &[impl AsRef<str>]) -> Vec<Line> {
    let mut ranges: Vec<Vec<Range<usize>>> = vec![Vec::new(); lines.len()];
    for word in words {
        for (line, range) in places(lines, word.as_ref()).into_iter().flat_map(|p| p.pieces) {
            if let Some(own) = ranges.get_mut(line) {
                own.push(range);
            }
        }
    }
    lines.iter().zip(&ranges).map(|(line, ranges)| toned(line, ranges)).collect()
}

fn toned(line: &Line, ranges: &[Range<usize>]) -> Line {
    if ranges.is_empty() {
        return line.clone();
    }
    let mut out: Vec<Span> = Vec::new();
    let mut at = 0;
    for span in &line.0 {
        let words = span.text.as_str();
        let mut edges: Vec<usize> = vec![0, words.len()];
        for edge in ranges.iter().flat_map(|r| [r.start, r.end]) {
            edges.extend(edge.checked_sub(at).filter(|e| *e < words.len()));
        }
        edges.sort_unstable();
        edges.dedup();
        for pair in edges.windows(2) {
            let &[start, end] = pair else { continue };
            let Some(piece) = words.get(start..end) else { continue };
            let inside = ranges.iter().any(|r| r.start <= at + start && at + end <= r.end);
            let tone = if inside { Tone::Match } else { span.tone };
            out.push(Span { text: Clean::body(piece, piece.len().saturating_add(8)), tone });
        }
        at += words.len();
    }
    Line(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(texts: &[&'static str]) -> Vec<Line> {
        texts.iter().map(|text| Line::plain(*text)).collect()
    }

    fn shown(lines: &[Line]) -> Vec<String> {
        let bracketed = |span: &Span| match span.tone {
            Tone::Match => format!("[{}]", span.text),
            _ => span.text.to_string(),
        };
        lines.iter().map(|line| line.0.iter().map(bracketed).collect()).collect()
    }

    #[test]
    fn words_are_found_over_the_end_of_a_line_and_in_any_case() {
        let text = lines(&["The Connection", "  pool ran dry;", "the pool"]);
        let found: Vec<usize> = places(&text, "connection  POOL").iter().map(Place::line).collect();
        assert_eq!(found, [0]);
        assert_eq!(
            shown(&marked(&text, &["connection pool", "dry"])),
            ["The [Connection]", "  [pool] ran [dry];", "the pool"]
        );
        assert_eq!(places(&text, "pool").len(), 2);
        assert_eq!(places(&text, " "), []);
    }

    #[test]
    fn a_letter_whose_lower_case_is_longer_is_marked_whole() {
        let text = vec![Line::plain("İZMİR rack").and("Ωmega", Tone::Code)];
        assert_eq!(shown(&marked(&text, &["zmi", "ωmega"])), ["İ[ZMİ]R rack[Ωmega]"]);
    }

    proptest! {
        #[test]
        fn marking_changes_no_letter(text in "[a-c][a-cİ é\u{301}漢]{0,40}", word in "[a-cİ é漢]{0,3}") {
            let line = Line::plain(text.clone());
            let marked = marked(std::slice::from_ref(&line), &[word]);
            let joined: String = marked.iter().map(Line::text).collect();
            prop_assert_eq!(joined, line.text());
        }
    }
}
