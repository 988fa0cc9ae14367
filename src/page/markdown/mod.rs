//! A Markdown text as lines to read: wrapped to a width, tables fitted, links numbered, and no recursion however deep it nests.

mod wrap;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

use super::{Line, Tone};
use crate::model::Clean;
use wrap::{Cell, Piece, chop, columns_of, fit, spans, wrap};

/// Quotes and lists deeper than this are drawn at this depth.
const DEEPEST: usize = 16;
/// Lines made at most: what is longer is cut, and says so.
const LINES: usize = 50_000;
/// Between two columns of a table.
const BAR: &str = " │ ";

/// A line broken at blanks, or between clusters where there are none.
pub fn broken(line: &Line, width: usize) -> Vec<Line> {
    let piece = |span: &super::Span| Piece { text: span.text.to_string(), tone: span.tone };
    let pieces: Vec<Piece> = line.0.iter().map(piece).collect();
    wrap(&pieces, width).into_iter().map(|cell| Line(spans(cell))).collect()
}

/// A text made ready to read at one width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    pub lines: Vec<Line>,
    pub outline: Vec<Head>,
}

/// A heading and where it came to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// 1–6.
    pub level: u8,
    pub text: Clean,
    /// Index into `Reading::lines`.
    pub line: usize,
}

/// The lines alone.
pub fn lines(text: &Clean, width: usize) -> Vec<Line> {
    reading(text, width).lines
}

/// Wraps a Markdown text to `width` columns. Takes some milliseconds per 100 kB: keep the result while
/// text and width stay the same.
pub fn reading(text: &Clean, width: usize) -> Reading {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut writer = Writer::new(width.max(1));
    for event in Parser::new_ext(text.as_str(), options) {
        if writer.out.len() >= LINES {
            writer.inline.clear();
            writer.stack.clear();
            writer.out.push(Line::of("… the rest is longer than can be shown here", Tone::Dim));
            break;
        }
        writer.event(event);
    }
    writer.finish()
}

/// What a line stands in, outermost first.
enum Around {
    Quote,
    /// The number of the next item, where items have numbers.
    List(Option<u64>),
    /// The marker still to be written, and how far its text is indented.
    Item {
        marker: Option<String>,
        indent: usize,
    },
}

#[derive(Default)]
struct Grid {
    aligns: Vec<Alignment>,
    row: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

struct Writer {
    width: usize,
    out: Vec<Line>,
    outline: Vec<Head>,
    stack: Vec<Around>,
    inline: Cell,
    tones: Vec<Tone>,
    /// A blank line is due before the next block.
    gap: bool,
    heading: Option<u8>,
    grid: Option<Grid>,
    /// The text of a code block or of front matter so far.
    code: Option<String>,
    html: Option<String>,
    /// Addresses in the order of their numbers.
    links: Vec<String>,
    /// Open links: the address, and where in `inline` its words begin.
    open_links: Vec<(String, usize)>,
}

impl Writer {
    fn new(width: usize) -> Self {
        Self {
            width,
            out: Vec::new(),
            outline: Vec::new(),
            stack: Vec::new(),
            inline: Vec::new(),
            tones: Vec::new(),
            gap: false,
            heading: None,
            grid: None,
            code: None,
            html: None,
            links: Vec::new(),
            open_links: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match (&mut self.code, &mut self.html) {
                (Some(code), _) => code.push_str(&text),
                (None, Some(html)) => html.push_str(&text),
                (None, None) => self.say(&text, self.tones.last().copied().unwrap_or_default()),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.say(&text, Tone::Code);
            }
            Event::Html(text) => match &mut self.html {
                Some(html) => html.push_str(&text),
                None => self.html = Some(text.into_string()),
            },
            Event::InlineHtml(tag) => {
                if tag.to_ascii_lowercase().starts_with("<br") {
                    self.inline.push(Piece { text: "\n".to_owned(), tone: Tone::Plain });
                }
            }
            Event::FootnoteReference(label) => self.say(&format!("[^{label}]"), Tone::Dim),
            Event::SoftBreak => self.say(" ", Tone::Plain),
            Event::HardBreak => {
                self.inline.push(Piece { text: "\n".to_owned(), tone: Tone::Plain });
            }
            Event::Rule => {
                self.paragraph();
                self.space();
                let rule = "─".repeat(self.room());
                self.put(vec![Piece { text: rule, tone: Tone::Dim }]);
                self.gap = true;
            }
            Event::TaskListMarker(done) => {
                self.say(if done { "[x] " } else { "[ ] " }, Tone::Strong);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.space(),
            Tag::Heading { level, .. } => {
                self.paragraph();
                self.gap = !self.out.is_empty();
                self.space();
                let level = depth(level);
                self.heading = Some(level);
                self.tones.push(if level <= 2 { Tone::Title } else { Tone::Strong });
            }
            Tag::BlockQuote(_) => {
                self.paragraph();
                self.space();
                self.stack.push(Around::Quote);
                self.tones.push(Tone::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.paragraph();
                self.space();
                self.code = Some(String::new());
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.verbatim(&tidy(&language), Tone::Dim);
                    self.gap = false;
                }
            }
            Tag::HtmlBlock => {
                self.paragraph();
                self.html = Some(String::new());
            }
            Tag::List(first) => {
                self.paragraph();
                // A list inside an item follows its text closely.
                if !matches!(self.stack.last(), Some(Around::Item { .. })) {
                    self.space();
                }
                self.stack.push(Around::List(first));
            }
            Tag::Item => {
                self.paragraph();
                let marker = match self.stack.last_mut() {
                    Some(Around::List(Some(n))) => {
                        *n = n.saturating_add(1);
                        format!("{}. ", n.saturating_sub(1))
                    }
                    _ => "• ".to_owned(),
                };
                self.item(marker);
            }
            Tag::FootnoteDefinition(label) => {
                self.paragraph();
                self.space();
                self.item(format!("[^{}] ", tidy(&label)));
            }
            Tag::Table(aligns) => {
                self.paragraph();
                self.space();
                self.grid = Some(Grid { aligns, ..Grid::default() });
            }
            Tag::TableHead | Tag::Strong => self.tones.push(Tone::Strong),
            Tag::Emphasis => self.tones.push(Tone::Accent),
            Tag::Strikethrough => self.tones.push(Tone::Dim),
            Tag::Link { dest_url, .. } => {
                self.open_links.push((tidy(&dest_url), self.inline.len()));
                self.tones.push(Tone::Link);
            }
            Tag::Image { dest_url, .. } => {
                self.say("image: ", Tone::Dim);
                self.open_links.push((tidy(&dest_url), self.inline.len()));
                self.tones.push(Tone::Link);
            }
            Tag::MetadataBlock(_) => self.code = Some(String::new()),
            Tag::TableRow
            | Tag::TableCell
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.paragraph();
                self.gap = true;
            }
            TagEnd::Heading(_) => {
                self.tones.pop();
                if let Some(level) = self.heading.take() {
                    let words: String = self.inline.iter().map(|p| p.text.as_str()).collect();
                    let head =
                        Head { level, text: Clean::line(words.trim()), line: self.out.len() };
                    self.outline.push(head);
                }
                self.paragraph();
                self.gap = false;
            }
            TagEnd::BlockQuote(_) => {
                self.paragraph();
                self.stack.pop();
                self.tones.pop();
                self.gap = true;
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.verbatim(&code, Tone::Code);
            }
            TagEnd::MetadataBlock(_) => {
                let words = self.code.take().unwrap_or_default();
                self.verbatim(&words, Tone::Dim);
            }
            TagEnd::HtmlBlock => {
                let words = without_tags(&self.html.take().unwrap_or_default());
                if !words.trim().is_empty() {
                    self.space();
                    self.say(words.trim(), Tone::Plain);
                    self.paragraph();
                    self.gap = true;
                }
            }
            TagEnd::List(_) => {
                self.paragraph();
                self.stack.pop();
                self.gap = !matches!(self.stack.last(), Some(Around::Item { .. }));
            }
            TagEnd::Item | TagEnd::FootnoteDefinition => {
                self.paragraph();
                // An item without words still has its marker.
                if matches!(self.stack.last(), Some(Around::Item { marker: Some(_), .. })) {
                    self.put(Vec::new());
                }
                self.stack.pop();
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if tag == TagEnd::TableHead {
                    self.tones.pop();
                }
                if let Some(grid) = &mut self.grid {
                    let row = std::mem::take(&mut grid.row);
                    grid.rows.push(row);
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                if let Some(grid) = &mut self.grid {
                    grid.row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(grid) = self.grid.take() {
                    self.table(&grid);
                }
                self.gap = true;
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.tones.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.tones.pop();
                if let Some((address, from)) = self.open_links.pop() {
                    self.number(address, from);
                }
            }
            TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => {}
        }
    }

    fn finish(mut self) -> Reading {
        self.paragraph();
        self.stack.clear();
        if !self.links.is_empty() {
            self.gap = true;
            self.space();
            for (i, address) in std::mem::take(&mut self.links).into_iter().enumerate() {
                self.item(format!("[{}] ", i + 1));
                self.say(&address, Tone::Link);
                self.paragraph();
                self.stack.pop();
            }
        }
        Reading { lines: self.out, outline: self.outline }
    }

    fn item(&mut self, marker: String) {
        let indent = marker.width();
        self.stack.push(Around::Item { marker: Some(marker), indent });
    }

    /// Adds words to the paragraph that is being read. Entities may bring controls: cleaned once more.
    fn say(&mut self, words: &str, tone: Tone) {
        let text = Clean::body(&words.replace('\n', " "), words.len().saturating_add(8));
        self.inline.push(Piece { text: text.as_str().to_owned(), tone });
    }

    /// A link says its number, unless its words are its address already.
    fn number(&mut self, address: String, from: usize) {
        let words: String =
            self.inline.get(from..).unwrap_or_default().iter().map(|p| p.text.as_str()).collect();
        let same = words == address || address.strip_prefix("mailto:") == Some(&words);
        if address.is_empty() || same {
            return;
        }
        let at = self.links.iter().position(|known| *known == address).unwrap_or_else(|| {
            self.links.push(address);
            self.links.len() - 1
        });
        self.inline.push(Piece { text: format!("[{}]", at + 1), tone: Tone::Dim });
    }

    /// The blank line between two blocks.
    fn space(&mut self) {
        if std::mem::take(&mut self.gap) && !self.out.is_empty() {
            let pending = matches!(self.stack.last(), Some(Around::Item { marker: Some(_), .. }));
            let line = if pending { Line::new() } else { Line(spans(self.prefix())) };
            self.out.push(line);
        }
    }

    /// Ends the paragraph that is being read, if there is one.
    fn paragraph(&mut self) {
        let inline = std::mem::take(&mut self.inline);
        self.open_links.clear();
        if inline.iter().all(|piece| piece.text.trim().is_empty() && piece.text != "\n") {
            return;
        }
        for line in wrap(&inline, self.room()) {
            self.put(line);
        }
    }

    fn verbatim(&mut self, text: &str, tone: Tone) {
        let room = self.room();
        for line in text.trim_end_matches('\n').split('\n') {
            let line = Clean::body(line, line.len().saturating_add(8));
            for part in chop(line.as_str(), room) {
                self.put(vec![Piece { text: part, tone }]);
            }
        }
        self.gap = true;
    }

    /// Columns left for text in here; at least one.
    fn room(&self) -> usize {
        let taken: usize = self.stack.iter().take(DEEPEST * 2).map(Around::columns).sum();
        self.width - taken.min(self.width / 2)
    }

    fn put(&mut self, pieces: Cell) {
        let mut all = self.prefix();
        all.extend(pieces);
        self.out.push(Line(spans(all)));
    }

    /// Bars of quotes, indents of items, and the marker of an item in its first line; at most half of the width.
    fn prefix(&mut self) -> Cell {
        let most = self.width / 2;
        let mut used = 0;
        let mut out: Cell = Vec::new();
        for around in self.stack.iter_mut().take(DEEPEST * 2) {
            let columns = around.columns().min(most - used);
            used += columns;
            let (text, tone) = match around {
                Around::Quote => ("│ ".to_owned(), Tone::Quote),
                Around::List(_) => continue,
                Around::Item { marker, indent } => {
                    (marker.take().unwrap_or_else(|| " ".repeat(*indent)), Tone::Dim)
                }
            };
            let text = chop(&text, columns.max(1)).into_iter().next().filter(|_| columns > 0);
            out.extend(text.map(|text| Piece { text, tone }));
        }
        out
    }

    fn table(&mut self, grid: &Grid) {
        let columns = grid.rows.iter().map(Vec::len).max().unwrap_or(0);
        let room = self.room();
        let bars = BAR.width() * columns.saturating_sub(1);
        if columns == 0 {
            return;
        }
        if columns * 4 + bars > room {
            return self.stacked(grid);
        }
        let natural: Vec<usize> = (0..columns)
            .map(|c| {
                grid.rows.iter().filter_map(|row| row.get(c)).map(columns_of).max().unwrap_or(0)
            })
            .collect();
        let widths = fit(&natural, room - bars);
        // A table of labels has a head without words: that is no line to read.
        let headless = grid.rows.len() > 1
            && grid.rows.first().is_some_and(|head| head.iter().all(|c| columns_of(c) == 0));
        for (r, row) in grid.rows.iter().enumerate().skip(usize::from(headless)) {
            let cells: Vec<Vec<Cell>> = widths
                .iter()
                .enumerate()
                .map(|(c, width)| row.get(c).map(|cell| wrap(cell, *width)).unwrap_or_default())
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for h in 0..height {
                let mut line: Cell = Vec::new();
                for (c, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                    if c > 0 {
                        line.push(Piece { text: BAR.to_owned(), tone: Tone::Dim });
                    }
                    let words = cell.get(h).cloned().unwrap_or_default();
                    let blank = width.saturating_sub(columns_of(&words));
                    let right = grid.aligns.get(c) == Some(&Alignment::Right);
                    let pad = Piece { text: " ".repeat(blank), tone: Tone::Plain };
                    let last = c + 1 == columns;
                    if right {
                        line.push(pad);
                        line.extend(words);
                    } else {
                        line.extend(words);
                        line.extend((!last).then_some(pad));
                    }
                }
                self.put(line);
            }
            if r == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                self.put(vec![Piece { text: rule.join("─┼─"), tone: Tone::Dim }]);
            }
        }
    }

    /// A table too wide for its columns reads as one paragraph a cell: `Time: 12:00`.
    fn stacked(&mut self, grid: &Grid) {
        let mut rows = grid.rows.iter();
        let heads = rows.next().cloned().unwrap_or_default();
        if grid.rows.len() == 1 {
            for head in &heads {
                for part in wrap(head, self.room()) {
                    self.put(part);
                }
            }
        }
        for row in rows {
            for (c, cell) in row.iter().enumerate() {
                let mut line =
                    heads.get(c).filter(|head| !head.is_empty()).cloned().unwrap_or_default();
                if !line.is_empty() {
                    line.push(Piece { text: ": ".to_owned(), tone: Tone::Dim });
                }
                line.extend(cell.iter().cloned());
                for part in wrap(&line, self.room()) {
                    self.put(part);
                }
            }
            self.gap = true;
            self.space();
        }
    }
}

impl Around {
    fn columns(&self) -> usize {
        match self {
            Self::Quote => 2,
            Self::List(_) => 0,
            Self::Item { indent, .. } => *indent,
        }
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn tidy(text: &str) -> String {
    Clean::line(text).as_str().to_owned()
}

/// What a reader of raw HTML wants: its words. Comments are for writers.
fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((words, tag)) = rest.split_once('<') {
        out.push_str(words);
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        let Some((_, after)) = tag.split_once(end) else { return out };
        rest = after;
        out.push(' ');
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
