//! What a tone looks like: six themes over four colour depths; state is a word and a shape too, so no colour carries meaning alone.

use ratatui::style::{Color, Modifier, Style};

use super::Depth;
use crate::model::Health;
use crate::page::{Skin, Tone};

/// A skin on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub skin: Skin,
    pub depth: Depth,
    pub glyphs: &'static Glyphs,
}

/// The shapes, all one column wide.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub ascii: bool,
    pub ok: &'static str,
    pub degraded: &'static str,
    pub down: &'static str,
    pub unknown: &'static str,
    pub selected: &'static str,
    pub marked: &'static str,
    pub rule: &'static str,
    pub upright: &'static str,
    pub thumb: &'static str,
    pub dots: &'static str,
    pub event: &'static str,
    pub rising: &'static str,
    pub falling: &'static str,
    pub more: &'static str,
    pub filled: &'static str,
    pub hollow: &'static str,
    /// Eight heights.
    pub levels: [&'static str; 8],
    /// Corners and sides of a popup: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
}

pub static UNICODE: Glyphs = Glyphs {
    ascii: false,
    ok: "●",
    degraded: "▲",
    down: "✖",
    unknown: "?",
    selected: "▌",
    marked: "•",
    rule: "─",
    upright: "│",
    thumb: "┃",
    dots: "┄",
    event: "┊",
    rising: "↑",
    falling: "↓",
    more: "…",
    filled: "━",
    hollow: "─",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    corners: ["╭", "╮", "╰", "╯"],
};

pub static ASCII: Glyphs = Glyphs {
    ascii: true,
    ok: "o",
    degraded: "!",
    down: "X",
    unknown: "?",
    selected: ">",
    marked: "*",
    rule: "-",
    upright: "|",
    thumb: "#",
    dots: ".",
    event: ":",
    rising: "<",
    falling: ">",
    more: "~",
    filled: "#",
    hollow: ".",
    levels: ["_", ".", ",", "-", "=", "+", "*", "#"],
    corners: ["+", "+", "+", "+"],
};

impl Glyphs {
    pub fn health(&self, health: Health) -> &'static str {
        match health {
            Health::Ok => self.ok,
            Health::Degraded => self.degraded,
            Health::Down => self.down,
            Health::Unknown => self.unknown,
        }
    }
}

impl Theme {
    /// Without colours every skin is monochrome.
    pub fn new(skin: Skin, depth: Depth, ascii: bool) -> Self {
        let skin = if depth == Depth::None { Skin::Monochrome } else { skin };
        Self { skin, depth, glyphs: if ascii { &ASCII } else { &UNICODE } }
    }

    /// What is drawn with and on, for the skins that choose it.
    fn ground(&self) -> Option<(Rgb, Rgb)> {
        match self.skin {
            Skin::Dark => Some(((205, 209, 217), (17, 19, 24))),
            Skin::Light => Some(((40, 44, 52), (250, 250, 248))),
            Skin::HighContrast => Some(((255, 255, 255), (0, 0, 0))),
            Skin::Terminal | Skin::ColourBlind | Skin::Monochrome => None,
        }
    }

    /// The style below everything: a ground of its own for the skins that choose one.
    pub fn base(&self) -> Style {
        match self.ground() {
            Some((fg, bg)) if self.depth > Depth::Sixteen => {
                Style::new().fg(meant(fg)).bg(meant(bg))
            }
            Some(_) if self.skin == Skin::HighContrast => {
                Style::new().fg(Color::White).bg(Color::Black)
            }
            _ => Style::new(),
        }
    }

    pub fn style(&self, tone: Tone) -> Style {
        let style = self.weight(tone);
        if self.skin == Skin::Monochrome {
            return style;
        }
        match self.tint(tone) {
            Some(colour) => style.fg(colour),
            None => style,
        }
    }

    /// What remains of a tone without any colour.
    fn weight(&self, tone: Tone) -> Style {
        let style = Style::new();
        let mono = self.skin == Skin::Monochrome;
        match tone {
            Tone::Dim if !self.dims_by_colour() => style.add_modifier(Modifier::DIM),
            Tone::Stale if self.dims_by_colour() => style.add_modifier(Modifier::ITALIC),
            Tone::Stale => style.add_modifier(Modifier::DIM | Modifier::ITALIC),
            Tone::Down if mono => style.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Tone::Link => style.add_modifier(Modifier::UNDERLINED),
            Tone::Match if mono => style.add_modifier(Modifier::UNDERLINED),
            Tone::Strong | Tone::Title | Tone::Down | Tone::Match => {
                style.add_modifier(Modifier::BOLD)
            }
            Tone::Degraded if mono => style.add_modifier(Modifier::BOLD),
            Tone::Quote => style.add_modifier(Modifier::ITALIC),
            _ => style,
        }
    }

    /// Dimming by attribute is too faint on a ground of our own choosing.
    fn dims_by_colour(&self) -> bool {
        matches!(self.skin, Skin::Dark | Skin::Light | Skin::HighContrast)
            && self.depth > Depth::Sixteen
    }

    fn tint(&self, tone: Tone) -> Option<Color> {
        if self.depth <= Depth::Sixteen || self.skin == Skin::Terminal {
            return ansi(tone, self.skin == Skin::ColourBlind);
        }
        let rgb = match self.skin {
            Skin::Light => light(tone),
            Skin::HighContrast => contrast(tone),
            Skin::ColourBlind => blind(tone),
            Skin::Dark | Skin::Terminal | Skin::Monochrome => dark(tone),
        };
        rgb.map(meant)
    }

    /// The same, kept in the background: what is as it should be.
    pub fn calm(&self, style: Style) -> Style {
        let style = style.remove_modifier(Modifier::BOLD);
        match (self.ground().filter(|_| self.dims_by_colour()), style.fg) {
            // How much a terminal dims, and whether it does so to such colours at all, nobody knows.
            (Some((_, ground)), Some(Color::Rgb(r, g, b))) => {
                let between = |colour: u8, ground: u8| {
                    ((u16::from(colour) * 7 + u16::from(ground) * 3) / 10) as u8
                };
                style
                    .fg(meant((between(r, ground.0), between(g, ground.1), between(b, ground.2))))
                    .remove_modifier(Modifier::DIM)
            }
            _ => style.add_modifier(Modifier::DIM),
        }
    }

    /// Laid over a selected row. Seen without colours as well.
    pub fn selection(&self) -> Style {
        if self.depth > Depth::Sixteen {
            let ground = match self.skin {
                Skin::Dark => Some((44, 50, 62)),
                Skin::Light => Some((228, 231, 238)),
                _ => None,
            };
            if let Some(rgb) = ground {
                return Style::new().bg(meant(rgb));
            }
        }
        // Tones of their own would make a patchwork of the bar: the words say what they said. Turned round is what lies
        // below: a terminal's own colours may be the very ones of this ground.
        let base = self.base();
        Style::new()
            .fg(base.fg.unwrap_or(Color::Reset))
            .bg(base.bg.unwrap_or(Color::Reset))
            .remove_modifier(Modifier::DIM)
            .add_modifier(Modifier::REVERSED)
    }

    /// Laid over a curve in a selected row: blocks turned round are a hole in the bar, unless they stand out less.
    pub fn selected_curve(&self) -> Style {
        let turned = self.selection().add_modifier.contains(Modifier::REVERSED);
        if !turned || self.depth == Depth::None || self.skin == Skin::Monochrome {
            return Style::new();
        }
        // Of a reversed cell the ground is what is drawn with.
        Style::new().bg(Color::DarkGray)
    }

    /// A banner nobody overlooks.
    pub fn banner(&self) -> Style {
        self.style(Tone::Down).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// The ground of a popup.
    pub fn popup(&self) -> Style {
        self.base()
    }
}

/// The terminal's own colours. With `blind`, green and red step aside for blue and yellow.
fn ansi(tone: Tone, blind: bool) -> Option<Color> {
    Some(match tone {
        Tone::Ok if blind => Color::Blue,
        Tone::Ok | Tone::Holiday => Color::Green,
        Tone::Degraded | Tone::Stale | Tone::Maintenance | Tone::Match => Color::Yellow,
        Tone::Down if blind => Color::LightMagenta,
        Tone::Down => Color::Red,
        Tone::Unknown if blind => Color::Cyan,
        Tone::Unknown | Tone::Business | Tone::OnCall => Color::Magenta,
        Tone::Accent | Tone::Release | Tone::Code => Color::Cyan,
        Tone::Freeze | Tone::Link => Color::Blue,
        Tone::Plain | Tone::Dim | Tone::Strong | Tone::Title | Tone::Quote => return None,
    })
}

type Rgb = (u8, u8, u8);

/// As meant; the encoder finds the nearest colour the terminal has.
fn meant((r, g, b): Rgb) -> Color {
    Color::Rgb(r, g, b)
}

fn dark(tone: Tone) -> Option<Rgb> {
    Some(match tone {
        Tone::Dim => (146, 154, 168),
        Tone::Strong | Tone::Title => (240, 242, 246),
        Tone::Ok | Tone::Holiday => (126, 200, 140),
        Tone::Degraded => (240, 190, 90),
        Tone::Down => (255, 122, 114),
        Tone::Unknown => (190, 150, 230),
        Tone::Stale | Tone::Maintenance => (208, 170, 110),
        Tone::Accent | Tone::Release | Tone::Code => (110, 200, 214),
        Tone::Business => (226, 150, 200),
        Tone::Freeze | Tone::Link => (120, 170, 245),
        Tone::OnCall => (200, 160, 245),
        Tone::Quote => (160, 168, 180),
        Tone::Match => (255, 214, 90),
        Tone::Plain => return None,
    })
}

fn light(tone: Tone) -> Option<Rgb> {
    Some(match tone {
        Tone::Dim => (94, 100, 110),
        Tone::Strong | Tone::Title => (12, 14, 18),
        Tone::Ok | Tone::Holiday => (20, 108, 30),
        Tone::Degraded => (136, 82, 0),
        Tone::Down => (188, 24, 30),
        Tone::Unknown => (120, 36, 150),
        Tone::Stale | Tone::Maintenance => (124, 90, 36),
        Tone::Accent | Tone::Release | Tone::Code => (0, 106, 128),
        Tone::Business => (160, 40, 120),
        Tone::Freeze | Tone::Link => (28, 88, 190),
        Tone::OnCall => (104, 34, 170),
        Tone::Quote => (84, 90, 100),
        Tone::Match => (150, 74, 0),
        Tone::Plain => return None,
    })
}

fn contrast(tone: Tone) -> Option<Rgb> {
    Some(match tone {
        Tone::Dim | Tone::Quote => (200, 200, 200),
        Tone::Ok | Tone::Holiday => (80, 255, 120),
        Tone::Degraded | Tone::Stale | Tone::Maintenance | Tone::Match => (255, 224, 0),
        Tone::Down => (255, 120, 120),
        Tone::Unknown | Tone::OnCall | Tone::Business => (255, 150, 255),
        Tone::Accent | Tone::Release | Tone::Code => (0, 255, 255),
        Tone::Freeze | Tone::Link => (150, 200, 255),
        Tone::Plain | Tone::Strong | Tone::Title => return None,
    })
}

/// After Okabe and Ito's palette, told apart with every common colour vision; darker than theirs where white is the
/// terminal's ground, and as far apart.
fn blind(tone: Tone) -> Option<Rgb> {
    Some(match tone {
        Tone::Ok | Tone::Holiday | Tone::Link => (0, 114, 178),
        Tone::Degraded | Tone::Stale | Tone::Maintenance | Tone::Match => (200, 132, 0),
        Tone::Down => (184, 56, 0),
        Tone::Unknown | Tone::OnCall | Tone::Business => (196, 110, 160),
        Tone::Accent | Tone::Release | Tone::Code => (45, 148, 200),
        Tone::Freeze => (0, 148, 108),
        Tone::Plain | Tone::Dim | Tone::Strong | Tone::Title | Tone::Quote => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::depth::{Hue, rgb_of};

    const HEALTHS: [Health; 4] = [Health::Ok, Health::Unknown, Health::Degraded, Health::Down];

    #[test]
    fn without_colour_no_skin_uses_one() {
        for skin in Skin::ALL {
            let theme = Theme::new(skin, Depth::None, false);
            for tone in [Tone::Ok, Tone::Down, Tone::Link, Tone::Freeze, Tone::Stale] {
                let style = theme.style(tone);
                assert_eq!((style.fg, style.bg), (None, None), "{skin:?} {tone:?}");
            }
            assert_eq!(theme.base(), Style::new());
        }
    }

    /// Relative luminance (w3.org/TR/WCAG22, "relative luminance").
    fn luminance((r, g, b): Rgb) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.212_6 * linear(r) + 0.715_2 * linear(g) + 0.072_2 * linear(b)
    }

    fn contrast_of(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// What a terminal of this depth shows of a colour.
    fn seen(depth: Depth, colour: Color) -> Rgb {
        match depth.show(colour) {
            Hue::Rgb(r, g, b) => (r, g, b),
            Hue::Index(index) => rgb_of(index),
            Hue::Default => panic!("a colour nobody knows"),
        }
    }

    const TONES: [Tone; 20] = [
        Tone::Plain,
        Tone::Dim,
        Tone::Strong,
        Tone::Title,
        Tone::Ok,
        Tone::Degraded,
        Tone::Down,
        Tone::Unknown,
        Tone::Stale,
        Tone::Accent,
        Tone::Business,
        Tone::Release,
        Tone::Freeze,
        Tone::OnCall,
        Tone::Maintenance,
        Tone::Holiday,
        Tone::Link,
        Tone::Code,
        Tone::Quote,
        Tone::Match,
    ];

    /// WCAG 2.2: 4.5 to 1 for text (1.4.3), 7 to 1 where contrast is what was asked for (1.4.6), 3 to 1 for what is
    /// drawn (1.4.11).
    #[test]
    fn every_tone_is_read_on_its_ground_and_on_a_selected_row_and_every_curve_is_seen() {
        for (skin, least) in [(Skin::Dark, 4.5), (Skin::Light, 4.5), (Skin::HighContrast, 7.0)] {
            for depth in [Depth::True, Depth::TwoHundred] {
                let theme = Theme::new(skin, depth, false);
                let base = theme.base();
                let ground = seen(depth, base.bg.unwrap());
                let bar = theme.selection();
                for tone in TONES {
                    let style = theme.style(tone);
                    assert!(!style.add_modifier.contains(Modifier::DIM), "{skin:?} {tone:?}");
                    let colour = style.fg.or(base.fg).unwrap();
                    let found = contrast_of(seen(depth, colour), ground);
                    assert!(found >= least, "{skin:?} {depth:?} {tone:?}: {found:.2}");
                    // A bar that is turned round has one colour for all its words.
                    let on_it = seen(depth, bar.fg.unwrap_or(colour));
                    let found = contrast_of(on_it, seen(depth, bar.bg.unwrap()));
                    assert!(found >= least, "{skin:?} {depth:?} selected {tone:?}: {found:.2}");
                }
                for tone in [Tone::Accent, Tone::Business, Tone::Ok, Tone::Stale] {
                    let curve = theme.calm(theme.style(tone));
                    assert!(!curve.add_modifier.contains(Modifier::DIM), "{skin:?} {tone:?}");
                    let found = contrast_of(seen(depth, curve.fg.unwrap()), ground);
                    assert!(found >= 3.0, "{skin:?} {depth:?} curve {tone:?}: {found:.2}");
                }
            }
        }
    }

    /// Its ground is the terminal's, and may be black or white.
    #[test]
    fn the_colours_for_the_colour_blind_are_seen_on_black_and_on_white() {
        let theme = Theme::new(Skin::ColourBlind, Depth::True, false);
        for tone in TONES {
            let Some(colour) = theme.style(tone).fg else { continue };
            for ground in [(0, 0, 0), (255, 255, 255)] {
                let found = contrast_of(seen(Depth::True, colour), ground);
                assert!(found >= 3.0, "{tone:?} on {ground:?}: {found:.2}");
            }
        }
    }

    #[test]
    fn every_state_has_its_own_shape_in_both_glyph_sets() {
        for glyphs in [&UNICODE, &ASCII] {
            let shapes: std::collections::BTreeSet<_> =
                HEALTHS.iter().map(|h| glyphs.health(*h)).collect();
            assert_eq!(shapes.len(), 4);
        }
    }

    #[test]
    fn states_are_told_apart_in_every_skin_and_depth() {
        for skin in Skin::ALL {
            for depth in [Depth::Sixteen, Depth::TwoHundred, Depth::True] {
                let theme = Theme::new(skin, depth, false);
                if skin == Skin::Monochrome {
                    continue;
                }
                let colours: std::collections::HashSet<_> =
                    HEALTHS.iter().map(|h| theme.style(Tone::from(*h)).fg).collect();
                assert_eq!(colours.len(), 4, "{skin:?} {depth:?}");
            }
        }
    }

    #[test]
    fn glyphs_are_one_column_wide() {
        for g in [&UNICODE, &ASCII] {
            let all =
                [g.ok, g.degraded, g.down, g.unknown, g.selected, g.marked, g.rule, g.upright]
                    .into_iter()
                    .chain([
                        g.thumb, g.dots, g.event, g.rising, g.falling, g.more, g.filled, g.hollow,
                    ])
                    .chain(g.levels)
                    .chain(g.corners);
            for glyph in all {
                assert_eq!(unicode_width::UnicodeWidthStr::width(glyph), 1, "{glyph}");
            }
        }
    }
}
