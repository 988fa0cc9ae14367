//! Big letters: a small block font of narrow glyphs, read from three metres; with `#` where a terminal has only ASCII.

use ratatui::style::{Modifier, Style};

use super::canvas::{Canvas, Spot, lines};
use crate::model::Health;

/// Dots a letter is high.
const TALL: u16 = 5;
/// Dots between two letters.
const GAP: u16 = 1;
/// The largest letters: beyond, a word is no longer read at one glance.
const LARGEST: u16 = 6;

type Dots = [&'static str; TALL as usize];

/// How big letters are drawn: a dot is `scale` columns wide and half as many lines high, so that it is about square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grain {
    scale: u16,
    ascii: bool,
}

impl Grain {
    /// Lines a word takes.
    pub fn rows(self) -> u16 {
        if self.ascii { TALL * self.lines_a_dot() } else { (TALL * self.scale).div_ceil(2) }
    }

    /// Without half blocks a dot is whole lines high.
    fn lines_a_dot(self) -> u16 {
        (self.scale / 2).max(1)
    }

    /// The largest that keeps to a width and a height, for a word of `dots` dots; `None` where not even the smallest does.
    pub fn fitting(dots: u16, width: u16, height: u16, ascii: bool) -> Option<Self> {
        let sizes = (1..=LARGEST).rev().map(|scale| Self { scale, ascii });
        let even = |g: &Self| !ascii || g.scale == 1 || g.scale.is_multiple_of(2);
        sizes.filter(even).find(|g| g.rows() <= height && dots.saturating_mul(g.scale) <= width)
    }

    /// Columns of `dots` dots.
    pub fn columns(self, dots: u16) -> u16 {
        dots.saturating_mul(self.scale)
    }
}

/// Dots of a word's width; `None` when a letter of it is not in this font.
pub fn dots(word: &str) -> Option<u16> {
    let mut all = 0_u16;
    for letter in word.chars() {
        all = all.saturating_add(wide(glyph(letter)?) + GAP);
    }
    Some(all.saturating_sub(GAP))
}

/// Dots of a shape's width.
pub const SHAPE: u16 = 5;

/// The shape of a state.
pub fn shape(canvas: &mut Canvas<'_>, spot: Spot, health: Health, grain: Grain, style: Style) {
    draw(canvas, spot, shape_of(health), grain, solid(style));
}

/// A word from the top left of a spot. Letters that are not in this font are left out: ask `dots` first.
pub fn word(canvas: &mut Canvas<'_>, spot: Spot, word: &str, grain: Grain, style: Style) {
    let style = solid(style);
    let mut spot = spot;
    for dots in word.chars().filter_map(glyph) {
        draw(canvas, spot, dots, grain, style);
        spot = spot.beside(grain.columns(wide(dots) + GAP));
    }
}

/// A reversed block is a hole, and a dim or slanted one is a smear.
fn solid(style: Style) -> Style {
    style.remove_modifier(Modifier::REVERSED | Modifier::DIM | Modifier::ITALIC)
}

fn wide(dots: &Dots) -> u16 {
    dots.first().map_or(0, |row| row.len() as u16)
}

fn draw(canvas: &mut Canvas<'_>, spot: Spot, dots: &Dots, grain: Grain, style: Style) {
    let columns = wide(dots);
    let on = |x: u16, y: u16| {
        let row = dots.get(usize::from(y)).map_or(&[][..], |row| row.as_bytes());
        row.get(usize::from(x)) == Some(&b'#')
    };
    for row in 0..grain.rows().min(spot.height) {
        let y = spot.y + lines(usize::from(row));
        for x in 0..columns {
            let (upper, lower) = if grain.ascii {
                let dot = on(x, row / grain.lines_a_dot());
                (dot, dot)
            } else {
                (on(x, row * 2 / grain.scale), on(x, (row * 2 + 1) / grain.scale))
            };
            let glyph = match (upper, lower) {
                (true, true) if grain.ascii => "#",
                (true, true) => "█",
                (true, false) => "▀",
                (false, true) => "▄",
                (false, false) => continue,
            };
            let at = grain.columns(x);
            if at + grain.scale <= spot.width {
                canvas.run(spot.x + at, y, grain.scale, glyph, style);
            }
        }
    }
}

fn shape_of(health: Health) -> &'static Dots {
    match health {
        Health::Ok => &[".###.", "#####", "#####", "#####", ".###."],
        Health::Degraded => &["..#..", ".###.", ".###.", "#####", "#####"],
        Health::Down => &["##.##", ".###.", "..#..", ".###.", "##.##"],
        Health::Unknown => &["####.", "...##", ".###.", ".....", ".##.."],
    }
}

/// The dots of a letter; small letters look like capital ones.
fn glyph(letter: char) -> Option<&'static Dots> {
    let letter = letter.to_ascii_uppercase();
    FONT.iter().find(|(of, _)| *of == letter).map(|(_, dots)| dots)
}

/// Drawn for this program.
const FONT: &[(char, Dots)] = &[
    (' ', ["..", "..", "..", "..", ".."]),
    ('0', [".##.", "#..#", "#..#", "#..#", ".##."]),
    ('1', [".#.", "##.", ".#.", ".#.", "###"]),
    ('2', ["###.", "...#", ".##.", "#...", "####"]),
    ('3', ["###.", "...#", ".##.", "...#", "###."]),
    ('4', ["#..#", "#..#", "####", "...#", "...#"]),
    ('5', ["####", "#...", "###.", "...#", "###."]),
    ('6', [".##.", "#...", "###.", "#..#", ".##."]),
    ('7', ["####", "...#", "..#.", ".#..", ".#.."]),
    ('8', [".##.", "#..#", ".##.", "#..#", ".##."]),
    ('9', [".##.", "#..#", ".###", "...#", ".##."]),
    ('A', [".##.", "#..#", "####", "#..#", "#..#"]),
    ('B', ["###.", "#..#", "###.", "#..#", "###."]),
    ('C', [".###", "#...", "#...", "#...", ".###"]),
    ('D', ["###.", "#..#", "#..#", "#..#", "###."]),
    ('E', ["####", "#...", "###.", "#...", "####"]),
    ('F', ["####", "#...", "###.", "#...", "#..."]),
    ('G', [".###", "#...", "#.##", "#..#", ".###"]),
    ('H', ["#..#", "#..#", "####", "#..#", "#..#"]),
    ('I', ["###", ".#.", ".#.", ".#.", "###"]),
    ('J', ["..##", "...#", "...#", "#..#", ".##."]),
    ('K', ["#..#", "#.#.", "##..", "#.#.", "#..#"]),
    ('L', ["#...", "#...", "#...", "#...", "####"]),
    ('M', ["#...#", "##.##", "#.#.#", "#...#", "#...#"]),
    ('N', ["#...#", "##..#", "#.#.#", "#..##", "#...#"]),
    ('O', [".###.", "#...#", "#...#", "#...#", ".###."]),
    ('P', ["###.", "#..#", "###.", "#...", "#..."]),
    ('Q', [".###.", "#...#", "#...#", "#..#.", ".##.#"]),
    ('R', ["###.", "#..#", "###.", "#.#.", "#..#"]),
    ('S', [".###", "#...", ".##.", "...#", "###."]),
    ('T', ["#####", "..#..", "..#..", "..#..", "..#.."]),
    ('U', ["#..#", "#..#", "#..#", "#..#", ".##."]),
    ('V', ["#...#", "#...#", "#...#", ".#.#.", "..#.."]),
    ('W', ["#...#", "#...#", "#.#.#", "##.##", "#...#"]),
    ('X', ["#...#", ".#.#.", "..#..", ".#.#.", "#...#"]),
    ('Y', ["#...#", ".#.#.", "..#..", "..#..", "..#.."]),
    ('Z', ["####", "...#", ".##.", "#...", "####"]),
    ('.', [".", ".", ".", ".", "#"]),
    (',', ["..", "..", "..", ".#", "#."]),
    (':', [".", "#", ".", "#", "."]),
    ('/', ["..#", "..#", ".#.", "#..", "#.."]),
    ('%', ["##..#", "##.#.", "..#..", ".#.##", "#..##"]),
    ('-', ["...", "...", "###", "...", "..."]),
    ('—', ["....", "....", "####", "....", "...."]),
    ('_', ["....", "....", "....", "....", "####"]),
    ('+', ["...", ".#.", "###", ".#.", "..."]),
    ('<', ["..#", ".#.", "#..", ".#.", "..#"]),
    ('>', ["#..", ".#.", "..#", ".#.", "#.."]),
    ('!', ["#", "#", "#", ".", "#"]),
    ('?', ["###.", "...#", ".##.", "....", ".#.."]),
    ('(', [".#", "#.", "#.", "#.", ".#"]),
    (')', ["#.", ".#", ".#", ".#", "#."]),
    ('#', [".#.#.", "#####", ".#.#.", "#####", ".#.#."]),
    ('\'', ["#", "#", ".", ".", "."]),
    ('€', ["..###", ".#...", "####.", ".#...", "..###"]),
    ('$', [".####", "#.#..", ".###.", "..#.#", "####."]),
    ('£', ["..##.", ".#..#", "###..", ".#...", "#####"]),
    ('¥', ["#...#", ".#.#.", "#####", "..#..", "..#.."]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Skin;
    use crate::view::{Depth, Theme};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn drawn(text: &str, width: u16, height: u16, ascii: bool) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let theme = Theme::new(Skin::Terminal, Depth::None, ascii);
        let grain = Grain::fitting(dots(text).unwrap(), width, height, ascii).unwrap();
        let spot = Spot { x: 0, y: 0, width, height };
        word(&mut Canvas::new(&mut buffer, &theme), spot, text, grain, Style::new());
        crate::view::text(&buffer)
    }

    #[test]
    fn every_glyph_is_a_block_of_dots() {
        for (letter, dots) in FONT {
            let wide = dots[0].len();
            assert!(dots.iter().all(|row| row.len() == wide), "{letter}");
            assert!(dots.iter().all(|row| row.bytes().all(|b| b"#.".contains(&b))), "{letter}");
        }
        let letters: std::collections::BTreeSet<char> = FONT.iter().map(|(of, _)| *of).collect();
        assert_eq!(letters.len(), FONT.len());
        let shapes: std::collections::BTreeSet<&Dots> =
            [Health::Ok, Health::Unknown, Health::Degraded, Health::Down].map(shape_of).into();
        assert_eq!(shapes.len(), 4, "colour is never alone");
    }

    #[test]
    fn a_word_is_drawn_as_large_as_its_room() {
        insta::assert_snapshot!(drawn("Down", 30, 3, false));
        insta::assert_snapshot!(drawn("Down", 60, 5, false));
        insta::assert_snapshot!(drawn("Down", 30, 5, true));
        assert_eq!(Grain::fitting(dots("DOWN").unwrap(), 19, 9, false), None, "never half a word");
        assert_eq!(dots("决"), None, "what the font has not is said otherwise");
        assert_eq!(dots(""), Some(0));
    }

    #[test]
    fn ascii_letters_are_ascii() {
        for height in 5..20 {
            assert!(drawn("Unknown 12 min 3/4 99.9 %", 300, height, true).is_ascii());
        }
    }
}
