//! Pieces of toned text broken into lines: at blanks where there are any, between clusters where there are none.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::Clean;
use crate::page::{Span, Tone};

/// A piece of text in one tone.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub text: String,
    pub tone: Tone,
}

pub type Cell = Vec<Piece>;

pub fn spans(pieces: Cell) -> Vec<Span> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.text.is_empty()) {
        match out.last_mut() {
            Some(last) if last.tone == piece.tone => last.text.push_str(&piece.text),
            _ => out.push(piece),
        }
    }
    let span = |Piece { text, tone }: Piece| Span {
        text: Clean::body(&text, text.len().saturating_add(8)),
        tone,
    };
    out.into_iter().map(span).collect()
}

pub fn columns_of(cell: &Cell) -> usize {
    cell.iter().map(|piece| piece.text.width()).sum()
}

/// Shares `room` among columns: narrow ones get what they need, the rest get equal parts of what is left.
pub fn fit(natural: &[usize], room: usize) -> Vec<usize> {
    let mut widths: Vec<Option<usize>> = vec![None; natural.len()];
    loop {
        let taken: usize = widths.iter().flatten().sum();
        let open = widths.iter().filter(|w| w.is_none()).count();
        if open == 0 {
            break;
        }
        let fair = (room.saturating_sub(taken) / open).max(1);
        let mut settled = false;
        for (width, wanted) in widths.iter_mut().zip(natural) {
            if width.is_none() && *wanted <= fair {
                *width = Some((*wanted).max(1));
                settled = true;
            }
        }
        if !settled {
            for width in widths.iter_mut().filter(|w| w.is_none()) {
                *width = Some(fair);
            }
        }
    }
    widths.into_iter().map(|w| w.unwrap_or(1)).collect()
}

/// Breaks pieces into lines of at most `width` columns, at blanks where there are any.
pub fn wrap(pieces: &[Piece], width: usize) -> Vec<Cell> {
    let width = width.max(1);
    let mut fill = Fill { width, lines: Vec::new(), line: Vec::new(), used: 0 };
    let mut word: Cell = Vec::new();
    let mut blank: Option<Tone> = None;
    for piece in pieces {
        if piece.text == "\n" {
            fill.word(&std::mem::take(&mut word), blank.take());
            fill.end();
            continue;
        }
        for cluster in piece.text.graphemes(true) {
            if cluster.trim().is_empty() {
                if !word.is_empty() {
                    fill.word(&std::mem::take(&mut word), blank.take());
                }
                blank = Some(piece.tone);
                continue;
            }
            match word.last_mut() {
                Some(last) if last.tone == piece.tone => last.text.push_str(cluster),
                _ => word.push(Piece { text: cluster.to_owned(), tone: piece.tone }),
            }
        }
    }
    fill.word(&word, blank);
    if !fill.line.is_empty() {
        fill.end();
    }
    fill.lines
}

struct Fill {
    width: usize,
    lines: Vec<Cell>,
    line: Cell,
    used: usize,
}

impl Fill {
    fn word(&mut self, word: &Cell, blank: Option<Tone>) {
        if word.is_empty() {
            return;
        }
        let columns = columns_of(word);
        if self.used > 0
            && let Some(tone) = blank
        {
            if self.used + 1 + columns <= self.width {
                self.line.push(Piece { text: " ".to_owned(), tone });
                self.used += 1;
            } else {
                self.end();
            }
        } else if self.used > 0 && self.used + columns > self.width {
            self.end();
        }
        if self.used + columns <= self.width {
            self.line.extend(word.iter().cloned());
            self.used += columns;
            return;
        }
        for piece in word {
            for part in chop(&piece.text, self.width) {
                let columns = part.width();
                if self.used + columns > self.width {
                    self.end();
                }
                self.line.push(Piece { text: part, tone: piece.tone });
                self.used += columns;
            }
        }
    }

    fn end(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }
}

/// Cuts a text into parts of at most `width` columns, between clusters. A cluster that is wider is a dot.
pub fn chop(text: &str, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let (cluster, columns) = match cluster.width() {
            columns if columns > width => ("·", 1),
            columns => (cluster, columns),
        };
        if used + columns > width {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        part.push_str(cluster);
        used += columns;
    }
    parts.push(part);
    parts
}
