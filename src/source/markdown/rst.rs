//! The headings of a reStructuredText document: underlined words, whose marks take their level as they first appear.

use super::outline::{Field, Heading, Outline};
use crate::model::ReadFrom;

/// The outline of a reStructuredText document; its field lists are fields.
pub fn rst(text: &str) -> Outline {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Outline { code: vec![false; lines.len()], ..Outline::default() };
    // A mark over and under is another level than the same mark only under.
    let mut marks: Vec<(char, bool)> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if line.starts_with(".. ") {
            if let Some(flag) = out.code.get_mut(i) {
                *flag = true;
            }
            continue;
        }
        if let Some((label, value)) = line.strip_prefix(':').and_then(|l| l.split_once(':'))
            && value.starts_with(' ')
            && (1..=40).contains(&label.len())
        {
            let (label, value) = (label.to_owned(), value.trim().to_owned());
            out.fields.push(Field { label, value, place: ReadFrom::Label, line: i });
            continue;
        }
        let Some(mark) = lines.get(i + 1).and_then(|below| ruled(below)) else { continue };
        let words = line.trim();
        if words.is_empty() || ruled(line).is_some() {
            continue;
        }
        let over =
            i.checked_sub(1).and_then(|at| lines.get(at)).and_then(|l| ruled(l)) == Some(mark);
        let at = marks.iter().position(|known| *known == (mark, over)).unwrap_or_else(|| {
            marks.push((mark, over));
            marks.len() - 1
        });
        out.headings.push(Heading {
            level: u8::try_from(at + 1).unwrap_or(6).min(6),
            text: words.to_owned(),
            line: i,
            label: false,
            item: false,
        });
    }
    out
}

fn ruled(line: &str) -> Option<char> {
    let mut marks = line.trim_end().chars();
    let first = marks.next().filter(char::is_ascii_punctuation)?;
    (marks.clone().count() >= 2 && marks.all(|c| c == first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_take_their_level_as_they_come() {
        let text = "=====\nTitle\n=====\n\n:Date: 2020-01-02\n\nTimeline\n--------\n\nInner\n~~~~~\n\nActions\n-------\n.. note:: x\n";
        let out = rst(text);
        let read: Vec<(u8, &str)> =
            out.headings.iter().map(|h| (h.level, h.text.as_str())).collect();
        assert_eq!(read, [(1, "Title"), (2, "Timeline"), (3, "Inner"), (2, "Actions")]);
        assert_eq!(out.fields[0].value, "2020-01-02");
    }
}
