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

    /// The style below everything: a ground of its own for the skins that choose one.
    pub fn base(&self) -> Style {
        let ground = match self.skin {
            Skin::Dark => Some(((205, 209, 217), (17, 19, 24))),
            Skin::Light => Some(((40, 44, 52), (250, 250, 248))),
            Skin::HighContrast => Some(((255, 255, 255), (0, 0, 0))),
            Skin::Terminal | Skin::ColourBlind | Skin::Monochrome => None,
        };
        match ground {
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

    /// Laid over a selected row. Seen without colours as well.
    pub fn selection(&self) -> Style {
        if self.depth > Depth::Sixteen {
            let ground = match self.skin {
                Skin::Dark => Some((44, 50, 62)),
                Skin::Light => Some((222, 228, 238)),
                _ => None,
            };
            if let Some(rgb) = ground {
                return Style::new().bg(meant(rgb));
            }
        }
        // Tones of their own would make a patchwork of the bar: the words say what they said.
        Style::new()
            .fg(Color::Reset)
            .bg(Color::Reset)
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
        Tone::Dim => (124, 132, 146),
        Tone::Strong | Tone::Title => (240, 242, 246),
        Tone::Ok | Tone::Holiday => (126, 200, 140),
        Tone::Degraded => (240, 190, 90),
        Tone::Down => (255, 110, 104),
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
        Tone::Dim => (112, 118, 128),
        Tone::Strong | Tone::Title => (12, 14, 18),
        Tone::Ok | Tone::Holiday => (26, 122, 56),
        Tone::Degraded => (156, 96, 0),
        Tone::Down => (188, 24, 30),
        Tone::Unknown => (116, 56, 170),
        Tone::Stale | Tone::Maintenance => (130, 96, 40),
        Tone::Accent | Tone::Release | Tone::Code => (0, 106, 128),
        Tone::Business => (160, 40, 120),
        Tone::Freeze | Tone::Link => (28, 88, 190),
        Tone::OnCall => (112, 60, 180),
        Tone::Quote => (90, 96, 106),
        Tone::Match => (168, 84, 0),
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

/// Okabe and Ito's palette, told apart with every common colour vision; mid tones, right on dark and light grounds.
fn blind(tone: Tone) -> Option<Rgb> {
    Some(match tone {
        Tone::Ok | Tone::Holiday | Tone::Link => (0, 133, 202),
        Tone::Degraded | Tone::Stale | Tone::Maintenance | Tone::Match => (230, 159, 0),
        Tone::Down => (213, 94, 0),
        Tone::Unknown | Tone::OnCall | Tone::Business => (204, 121, 167),
        Tone::Accent | Tone::Release | Tone::Code => (86, 180, 233),
        Tone::Freeze => (0, 158, 115),
        Tone::Plain | Tone::Dim | Tone::Strong | Tone::Title | Tone::Quote => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
