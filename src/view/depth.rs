//! How many colours a terminal shows, and the nearest of them to the one that is meant.

use ratatui::style::Color;

/// Colours a terminal can show, fewest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Depth {
    /// No colour at all; bold, dim and reverse stay, so that the selection is still seen.
    None,
    #[default]
    Sixteen,
    TwoHundred,
    True,
}

/// The variables that say something about colour; values as they are, empty counts as unset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Env<'a> {
    pub no_color: Option<&'a str>,
    pub clicolor_force: Option<&'a str>,
    pub colorterm: Option<&'a str>,
    pub term: Option<&'a str>,
}

impl Depth {
    /// What the environment says: `NO_COLOR` wins (no-color.org), then the terminal's own word, then its name.
    /// `CLICOLOR_FORCE` gives colour to a terminal known for none.
    pub fn detect(env: &Env<'_>) -> Self {
        let set = |value: Option<&'_ str>| value.is_some_and(|v| !v.is_empty());
        if set(env.no_color) {
            return Self::None;
        }
        if matches!(env.colorterm, Some("truecolor" | "24bit")) {
            return Self::True;
        }
        let term = env.term.unwrap_or_default();
        let known = Self::of_terminal(term);
        let forced = set(env.clicolor_force) && env.clicolor_force != Some("0");
        if known == Self::None && forced { Self::Sixteen } else { known }
    }

    fn of_terminal(term: &str) -> Self {
        const TRUE: [&str; 6] = ["alacritty", "foot", "kitty", "wezterm", "ghostty", "contour"];
        const NONE: [&str; 6] = ["dumb", "vt52", "vt100", "vt102", "vt220", "vt320"];
        if term.is_empty()
            || NONE.contains(&term)
            || term.ends_with("-m")
            || term.ends_with("-mono")
        {
            Self::None
        } else if term.ends_with("-direct") || TRUE.iter().any(|name| term.contains(name)) {
            Self::True
        } else if term.contains("256") {
            Self::TwoHundred
        } else {
            Self::Sixteen
        }
    }

    /// The colour as this terminal can show it.
    pub fn show(self, color: Color) -> Hue {
        let meant = meant(color);
        match (self, meant) {
            (_, Hue::Default) | (Self::None, _) => Hue::Default,
            (Self::TwoHundred, Hue::Rgb(r, g, b)) => Hue::Index(nearest_of_256(r, g, b)),
            (Self::Sixteen, Hue::Rgb(r, g, b)) => Hue::Index(nearest_of_16(r, g, b)),
            (Self::Sixteen, Hue::Index(index @ 16..)) => {
                let (r, g, b) = rgb_of(index);
                Hue::Index(nearest_of_16(r, g, b))
            }
            _ => meant,
        }
    }
}

/// True unless the locale says that it does not write UTF-8: then only ASCII is sure to be shown. The first of
/// `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty decides (POSIX). Where none is (containers, ssh that
/// forwards no locale) nothing is known about the terminal, and today's terminals write UTF-8.
pub fn speaks_utf8(lc_all: Option<&str>, lc_ctype: Option<&str>, lang: Option<&str>) -> bool {
    let locale = [lc_all, lc_ctype, lang].into_iter().flatten().find(|value| !value.is_empty());
    locale.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// A colour as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hue {
    #[default]
    Default,
    /// 0–15 are the user's own palette.
    Index(u8),
    Rgb(u8, u8, u8),
}

fn meant(color: Color) -> Hue {
    match color {
        Color::Reset => Hue::Default,
        Color::Black => Hue::Index(0),
        Color::Red => Hue::Index(1),
        Color::Green => Hue::Index(2),
        Color::Yellow => Hue::Index(3),
        Color::Blue => Hue::Index(4),
        Color::Magenta => Hue::Index(5),
        Color::Cyan => Hue::Index(6),
        Color::Gray => Hue::Index(7),
        Color::DarkGray => Hue::Index(8),
        Color::LightRed => Hue::Index(9),
        Color::LightGreen => Hue::Index(10),
        Color::LightYellow => Hue::Index(11),
        Color::LightBlue => Hue::Index(12),
        Color::LightMagenta => Hue::Index(13),
        Color::LightCyan => Hue::Index(14),
        Color::White => Hue::Index(15),
        Color::Indexed(index) => Hue::Index(index),
        Color::Rgb(r, g, b) => Hue::Rgb(r, g, b),
    }
}

/// xterm's default palette (its `XTerm-col.ad`), for the sixteen whose true colours only the user's terminal knows.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];
/// The steps of the 6×6×6 cube that fills 16–231.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// What a colour of the palette of 256 looks like.
pub fn rgb_of(index: u8) -> (u8, u8, u8) {
    let step = |n: u8| STEPS.get(usize::from(n % 6)).copied().unwrap_or(0);
    match index {
        0..=15 => SIXTEEN.get(usize::from(index)).copied().unwrap_or_default(),
        16..=231 => (step((index - 16) / 36), step((index - 16) / 6), step(index - 16)),
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn nearest_of_16(r: u8, g: u8, b: u8) -> u8 {
    nearest(0..=15, r, g, b)
}

/// Never one of the first sixteen: those are the user's and may be anything.
fn nearest_of_256(r: u8, g: u8, b: u8) -> u8 {
    nearest(16..=255, r, g, b)
}

fn nearest(among: std::ops::RangeInclusive<u8>, r: u8, g: u8, b: u8) -> u8 {
    among.min_by_key(|index| distance(rgb_of(*index), (r, g, b))).unwrap_or(0)
}

/// Weighted as the eye weighs: the "redmean" approximation (compuphase.com/cmetric.htm).
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let mean = u32::midpoint(u32::from(a.0), u32::from(b.0));
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    (((512 + mean) * square(a.0, b.0)) >> 8)
        + 4 * square(a.1, b.1)
        + (((767 - mean) * square(a.2, b.2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(vars: [Option<&str>; 4]) -> Depth {
        let [no_color, clicolor_force, colorterm, term] = vars;
        Depth::detect(&Env { no_color, clicolor_force, colorterm, term })
    }

    #[test]
    fn the_environment_decides_how_many_colours() {
        for (vars, depth) in [
            ([None, None, None, Some("xterm")], Depth::Sixteen),
            ([None, None, None, Some("xterm-256color")], Depth::TwoHundred),
            ([None, None, None, Some("tmux-256color")], Depth::TwoHundred),
            ([None, None, Some("truecolor"), Some("tmux-256color")], Depth::True),
            ([None, None, Some("yes"), Some("xterm")], Depth::Sixteen),
            ([None, None, None, Some("xterm-kitty")], Depth::True),
            ([None, None, None, Some("xterm-direct")], Depth::True),
            ([None, None, None, Some("linux")], Depth::Sixteen),
            ([None, None, None, Some("vt100")], Depth::None),
            ([None, None, None, None], Depth::None),
            ([None, Some("1"), None, None], Depth::Sixteen),
            ([None, Some("0"), None, Some("vt100")], Depth::None),
            ([Some("1"), Some("1"), Some("truecolor"), Some("xterm")], Depth::None),
            ([Some(""), None, None, Some("xterm")], Depth::Sixteen),
        ] {
            assert_eq!(detect(vars), depth, "{vars:?}");
        }
    }

    #[test]
    fn the_locale_says_whether_more_than_ascii_can_be_shown() {
        assert!(speaks_utf8(None, None, Some("en_GB.UTF-8")));
        assert!(speaks_utf8(Some(""), Some("de_DE.utf8"), Some("C")));
        assert!(speaks_utf8(None, None, Some("C.UTF-8")));
        assert!(!speaks_utf8(Some("C"), None, Some("en_GB.UTF-8")));
        assert!(!speaks_utf8(None, None, Some("de_DE")));
        assert!(speaks_utf8(None, None, None));
    }

    #[test]
    fn a_true_colour_becomes_the_nearest_there_is() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(Depth::True.show(orange), Hue::Rgb(255, 135, 0));
        assert_eq!(Depth::TwoHundred.show(orange), Hue::Index(208));
        assert_eq!(Depth::Sixteen.show(Color::Rgb(250, 10, 10)), Hue::Index(9));
        assert_eq!(Depth::Sixteen.show(Color::Indexed(46)), Hue::Index(10));
        assert_eq!(Depth::None.show(orange), Hue::Default);
    }

    #[test]
    fn the_users_own_sixteen_are_left_alone_at_every_depth() {
        for depth in [Depth::Sixteen, Depth::TwoHundred, Depth::True] {
            assert_eq!(depth.show(Color::Red), Hue::Index(1));
            assert_eq!(depth.show(Color::Indexed(12)), Hue::Index(12));
        }
    }

    #[test]
    fn every_palette_colour_is_its_own_nearest() {
        for index in 16..=255 {
            let (r, g, b) = rgb_of(index);
            let (rr, gg, bb) = rgb_of(nearest_of_256(r, g, b));
            assert_eq!((r, g, b), (rr, gg, bb));
        }
    }
}
