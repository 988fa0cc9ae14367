//! A buffer one may write anywhere on: what lies outside is clipped, and text is cut between graphemes with an ellipsis.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::page::{Line, Tone};

/// A rectangle whose lines may lie above or below what is in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub x: u16,
    pub y: i32,
    pub width: u16,
    pub height: u16,
}

impl Spot {
    /// One line of it; `None` below its end.
    pub fn line(self, n: usize) -> Option<i32> {
        (n < usize::from(self.height)).then(|| self.y + lines(n))
    }

    /// Without its first `n` lines.
    #[must_use]
    pub fn below(self, n: u16) -> Self {
        let n = n.min(self.height);
        Self { y: self.y + i32::from(n), height: self.height - n, ..self }
    }

    /// Without its first `n` columns.
    #[must_use]
    pub fn beside(self, n: u16) -> Self {
        let n = n.min(self.width);
        Self { x: self.x + n, width: self.width - n, ..self }
    }

    #[must_use]
    pub fn narrower(self, n: u16) -> Self {
        Self { width: self.width.saturating_sub(n), ..self }
    }

    #[must_use]
    pub fn top(self, n: u16) -> Self {
        Self { height: self.height.min(n), ..self }
    }
}

/// A number of lines for reckoning with places above the screen.
pub fn lines(n: usize) -> i32 {
    i32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

/// The only place that writes cells.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    clip: Rect,
}

impl<'a> Canvas<'a> {
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        let clip = buffer.area;
        Self { buffer, theme, clip }
    }

    /// Everything outside `clip` is left alone from now on.
    pub fn clip(&mut self, clip: Rect) {
        self.clip = clip.intersection(self.buffer.area);
    }

    fn row(&self, y: i32) -> Option<u16> {
        let y = u16::try_from(y).ok()?;
        (self.clip.top()..self.clip.bottom()).contains(&y).then_some(y)
    }

    /// Writes at most `width` columns; longer text ends in `…`. Gives the columns written.
    pub fn text(&mut self, x: u16, y: i32, width: u16, text: &str, style: Style) -> u16 {
        let Some(row) = self.row(y) else { return 0 };
        let width = width.min(self.clip.right().saturating_sub(x));
        if width == 0 || x < self.clip.left() {
            return 0;
        }
        let (head, cut) = fit(text, usize::from(width));
        let (end, _) = self.buffer.set_stringn(x, row, head, usize::from(width), style);
        if !cut {
            return end - x;
        }
        let (end, _) = self.buffer.set_stringn(end, row, self.theme.glyphs.more, 1, style);
        end - x
    }

    /// Writes text that ends at the right edge of `width` columns.
    pub fn right(&mut self, x: u16, y: i32, width: u16, text: &str, style: Style) {
        let wide = text.width().min(usize::from(width)) as u16;
        self.text(x + (width - wide), y, wide, text, style);
    }

    /// Writes a line in its tones over `base`. Gives the columns written.
    pub fn line(&mut self, x: u16, y: i32, width: u16, line: &Line, base: Style) -> u16 {
        let mut used = 0;
        for (i, span) in line.0.iter().enumerate() {
            let left = width - used;
            if left == 0 {
                break;
            }
            let style = base.patch(self.theme.style(span.tone));
            let wide = span.text.width();
            let rest = line.0.iter().skip(i + 1).any(|s| !s.text.is_empty());
            // A span that just fits, with more to come, has to leave its last column to the ellipsis.
            if wide >= usize::from(left) && rest {
                let cut = usize::from(left).saturating_sub(1);
                let (head, _) = clip_to(span.text.as_str(), cut);
                used += self.text(x + used, y, left, head, style);
                used += self.text(x + used, y, 1, self.theme.glyphs.more, style);
                break;
            }
            used += self.text(x + used, y, left, span.text.as_str(), style);
        }
        used
    }

    pub fn line_right(&mut self, x: u16, y: i32, width: u16, line: &Line, base: Style) {
        let wide = line.width().min(usize::from(width)) as u16;
        self.line(x + (width - wide), y, wide, line, base);
    }

    /// Repeats a one-column glyph.
    pub fn run(&mut self, x: u16, y: i32, width: u16, glyph: &str, style: Style) {
        let Some(row) = self.row(y) else { return };
        for at in x..x.saturating_add(width).min(self.clip.right()) {
            self.buffer.set_stringn(at, row, glyph, 1, style);
        }
    }

    /// Lays a style over what is there.
    pub fn tint(&mut self, spot: Spot, style: Style) {
        for n in 0..spot.height {
            if let Some(row) = self.row(spot.y + i32::from(n)) {
                let area = Rect { x: spot.x, y: row, width: spot.width, height: 1 };
                self.buffer.set_style(area.intersection(self.clip), style);
            }
        }
    }

    /// Empties cells and gives them a ground.
    pub fn blank(&mut self, spot: Spot, style: Style) {
        for n in 0..spot.height {
            self.run(spot.x, spot.y + i32::from(n), spot.width, " ", Style::reset().patch(style));
        }
    }

    pub fn style(&self, tone: Tone) -> Style {
        self.theme.style(tone)
    }

    /// Everything not ASCII becomes a sign of the same width, for terminals that show nothing else.
    pub fn make_ascii(&mut self) {
        let area = self.buffer.area;
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let Some(cell) = self.buffer.cell((x, y)) else { continue };
                if cell.symbol().is_ascii() {
                    continue;
                }
                let (sign, style) = (ascii(cell.symbol()), cell.style());
                let whole = wider(cell.symbol());
                let room = self.buffer.cell((x + 1, y)).is_some_and(|next| next.symbol() == " ");
                // A limit that lost its equals sign would be another limit.
                let sign = whole.filter(|_| room && x + 1 < area.right()).unwrap_or(sign);
                self.buffer.set_stringn(x, y, sign, sign.len(), style);
            }
        }
    }
}

/// Signs that say more where the blank behind them may be used.
fn wider(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "≥" => ">=",
        "≤" => "<=",
        "≠" => "!=",
        "→" => "->",
        _ => return None,
    })
}

fn ascii(symbol: &str) -> &'static str {
    match symbol {
        // Not the sign of the selected row.
        "↳" => "\\",
        "·" | "•" | "∙" => ".",
        "…" => "~",
        "›" | "→" | "▸" | "≥" => ">",
        "—" | "–" | "─" | "−" => "-",
        "≤" | "←" => "<",
        "≠" | "▲" => "!",
        "×" => "x",
        "↑" => "^",
        "↓" => "v",
        "↻" => "@",
        "│" | "▏" | "┊" => "|",
        "●" => "o",
        "✖" => "X",
        "µ" => "u",
        "€" => "E",
        "£" => "L",
        "¥" => "Y",
        "■" | "█" => "#",
        "✓" | "✔" => "+",
        _ => "?",
    }
}

/// The part of `text` that fits into `width` columns with an ellipsis behind it; `true` when something was left out.
fn fit(text: &str, width: usize) -> (&str, bool) {
    // Nearly all text is short ASCII: its length is its width.
    if text.len() <= width && text.is_ascii() {
        return (text, false);
    }
    let (whole, cut) = clip_to(text, width);
    if cut { (clip_to(text, width.saturating_sub(1)).0, true) } else { (whole, false) }
}

fn clip_to(text: &str, width: usize) -> (&str, bool) {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > width {
            return (text.get(..at).unwrap_or(""), true);
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Skin;
    use crate::view::Depth;

    fn draw(width: u16, paint: impl FnOnce(&mut Canvas<'_>)) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let theme = Theme::new(Skin::Terminal, Depth::Sixteen, false);
        paint(&mut Canvas::new(&mut buffer, &theme));
        crate::view::text(&buffer).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn a_limit_keeps_its_equals_sign_where_only_ascii_is_shown() {
        let ascii = |text: &str| {
            draw(40, |c| {
                c.text(0, 0, 40, text, Style::new());
                c.make_ascii();
            })
        };
        assert_eq!(ascii("good ≥ 100 % · bad ≤ 0 %").trim_end(), "good >=100 % . bad <=0 %");
        assert_eq!(ascii("10 % → 50 %").trim_end(), "10 % ->50 %");
        assert_eq!(ascii("a→b ≥").trim_end(), "a>b >=", "no letter is written over");
        assert_eq!(ascii("↳ web").trim_end(), "\\ web", "the selection has its own sign");
    }

    #[test]
    fn long_text_is_cut_between_graphemes_with_an_ellipsis() {
        let cut = |text: &str, width| {
            draw(12, |c| {
                c.text(0, 0, width, text, Style::new());
            })
        };
        assert_eq!(cut("checkout", 8), "checkout");
        assert_eq!(cut("checkout", 7), "checko…");
        assert_eq!(cut("決済サービス", 5), "決済…");
        assert_eq!(cut("決済サービス", 4), "決…");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(cut("ab", 0), "");
    }

    #[test]
    fn a_line_that_is_cut_says_so_even_on_a_span_s_edge() {
        let line = Line::plain("abcd").and("efgh", Tone::Dim);
        let cut = |width| {
            draw(12, |c| {
                c.line(0, 0, width, &line, Style::new());
            })
        };
        assert_eq!(cut(8), "abcdefgh");
        assert_eq!(cut(7), "abcdef…");
        assert_eq!(cut(4), "abc…");
        assert_eq!(cut(1), "…");
    }

    #[test]
    fn nothing_outside_is_touched() {
        assert_eq!(
            draw(3, |c| {
                c.text(9, 0, 5, "x", Style::new());
            }),
            ""
        );
        assert_eq!(
            draw(3, |c| {
                c.text(0, -1, 5, "x", Style::new());
            }),
            ""
        );
        assert_eq!(
            draw(3, |c| {
                c.text(0, 7, 5, "x", Style::new());
            }),
            ""
        );
        assert_eq!(draw(3, |c| c.run(1, 0, 60_000, "-", Style::new())), " --");
    }
}
