//! The whole screen as a plain value: what the cockpit says, before anybody paints, prints or measures it.

use jiff::tz::TimeZone;

use super::wall::Wall;
use super::{Block, Frame, Line, Noun, RowKey, room};
use crate::model::{Clean, Health};

/// Everything that is on the screen. Painted by `view`; asserted by tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    pub frame: Frame,
    pub skin: Skin,
    /// The zone charts label their time axis in.
    pub zone: TimeZone,
    pub head: Head,
    pub tabs: Vec<TabLabel>,
    /// Where we are and what narrows the view: `checkout`, `3 of 120 · /pay · by latency`.
    pub crumb: Line,
    pub blocks: Vec<Block>,
    /// Lines of the whole body that are scrolled away above, on opened pages without a text of their own.
    pub scroll: usize,
    pub foot: Foot,
    pub over: Option<Over>,
    /// What hangs on the wall: instead of head, tabs and blocks.
    pub wall: Option<Wall>,
}

/// The top line: the verdict, then what must not be overlooked, the most important first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Head {
    /// What makes everything else on the screen doubtful: `ALERTING BROKEN`. Shown at every width.
    pub alarm: Option<Clean>,
    /// `PROD`: the environment that counts is production.
    pub banner: Option<Clean>,
    pub health: Health,
    pub verdict: Line,
    /// Paused, a past moment, stale sources, read-only; what does not fit is left out from the end.
    pub marks: Vec<Line>,
    /// Team, clock and zone.
    pub clock: Line,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TabLabel {
    /// The key that leads there.
    pub number: usize,
    pub title: Clean,
    /// Problems in there.
    pub badge: usize,
    pub here: bool,
}

/// The bottom line.
#[derive(Debug, Clone, PartialEq)]
pub enum Foot {
    /// Keys that do something here.
    Hints(Vec<Hint>),
    Prompt(Prompt),
    /// Said for a few seconds.
    Notice(Line),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    pub keys: Clean,
    pub word: Clean,
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// `/` or `:`.
    pub sign: char,
    pub before: Clean,
    pub after: Clean,
    /// What typing means so far, or what is wrong with it.
    pub says: Line,
    /// Best first.
    pub completions: Vec<Completion>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub text: Clean,
    pub about: Clean,
    pub here: bool,
}

/// A popup over the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    pub title: Clean,
    pub noun: Noun,
    /// What can be done with it.
    pub foot: Line,
}

/// A theme by name; how it looks is the painter's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Skin {
    /// The terminal's own sixteen colours: right on dark, light and transparent ones.
    #[default]
    Terminal,
    Dark,
    Light,
    HighContrast,
    /// Blue and orange instead of green and red.
    ColourBlind,
    Monochrome,
}

impl Skin {
    pub const ALL: [Self; 6] = [
        Self::Terminal,
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::ColourBlind,
        Self::Monochrome,
    ];

    /// The word of the configuration and of `:theme`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::ColourBlind => "colour-blind",
            Self::Monochrome => "monochrome",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|skin| skin.name() == name)
    }
}

/// What lies under a point of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// Position in `tabs`.
    Tab(usize),
    Row(RowKey),
    Day(jiff::civil::Date),
}

/// How much of the labels the tab bar has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Labels {
    Numbers,
    /// The title of the tab that is open, numbers for the others.
    HereOnly,
    Titles,
}

impl TabLabel {
    /// The label as it stands in the bar, without the space around it.
    pub fn text(&self, labels: Labels) -> String {
        let title = match labels {
            Labels::Titles => true,
            Labels::HereOnly => self.here,
            Labels::Numbers => false,
        };
        let mut text = self.number.to_string();
        if title {
            text.push(' ');
            text.push_str(self.title.as_str());
        }
        if self.badge > 0 {
            text.push(' ');
            text.push_str(&Badge(self.badge).to_string());
        }
        text
    }
}

/// A count that never takes more than three columns.
struct Badge(usize);

impl std::fmt::Display for Badge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 99 { f.write_str("99+") } else { write!(f, "{}", self.0) }
    }
}

impl Screen {
    /// The tab bar in columns: `(position, first column, width)` of each label, one space inside either end.
    pub fn tab_spans(&self) -> (Labels, Vec<(usize, u16, u16)>) {
        let width = usize::from(self.frame.size.width);
        let lay = |labels: Labels| {
            let mut x = 0_usize;
            let mut spans = Vec::with_capacity(self.tabs.len());
            for (i, tab) in self.tabs.iter().enumerate() {
                let wide = unicode_width::UnicodeWidthStr::width(tab.text(labels).as_str()) + 2;
                spans.push((i, x as u16, wide as u16));
                x += wide;
            }
            (x <= width, spans)
        };
        for labels in [Labels::Titles, Labels::HereOnly] {
            let (fits, spans) = lay(labels);
            if fits {
                return (labels, spans);
            }
        }
        let mut spans = lay(Labels::Numbers).1;
        spans.retain(|(_, x, wide)| usize::from(*x) + usize::from(*wide) <= width);
        (Labels::Numbers, spans)
    }

    /// What a click at (column, row) means.
    pub fn hit(&self, column: u16, row: u16) -> Option<Hit> {
        if self.over.is_some() || self.wall.is_some() {
            return None;
        }
        if self.frame.above >= 2 && row == 1 {
            let (_, spans) = self.tab_spans();
            let under = |(_, x, wide): &&(usize, u16, u16)| (*x..x + wide).contains(&column);
            return spans.iter().find(under).map(|(i, ..)| Hit::Tab(*i));
        }
        let plan = room::plan(&self.frame, &self.blocks);
        let line = usize::from(row.checked_sub(self.frame.above)?).saturating_add(self.scroll);
        let line = u16::try_from(line).ok()?;
        if row >= self.frame.size.height.saturating_sub(self.frame.below) {
            return None;
        }
        self.blocks.iter().zip(&plan.areas).find_map(|(block, area)| {
            let area = (*area)?;
            let inside = area.body(block);
            (inside.holds(column, line))
                .then(|| room::under(&self.frame, block, inside, column, line))?
        })
    }
}
