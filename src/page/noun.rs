//! The nouns a page is written in. Rich and few: what they mean, never where they are drawn.

use jiff::{Timestamp, civil::Date};

use super::RowKey;
use crate::model::{Bound, Clean, Health, Overlays};

/// What a piece of text means; a theme decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tone {
    #[default]
    Plain,
    Dim,
    Strong,
    Title,
    Ok,
    Degraded,
    Down,
    Unknown,
    /// A value older than its interval allows.
    Stale,
    Accent,
    Business,
    Release,
    Freeze,
    OnCall,
    Maintenance,
    Holiday,
    Link,
    Code,
    Quote,
    /// What a filter or search matched.
    Match,
}

impl From<Health> for Tone {
    fn from(health: Health) -> Self {
        match health {
            Health::Ok => Self::Ok,
            Health::Unknown => Self::Unknown,
            Health::Degraded => Self::Degraded,
            Health::Down => Self::Down,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    pub text: Clean,
    pub tone: Tone,
}

/// A line of text in tones. Built only from `Clean` text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(pub Vec<Span>);

impl Line {
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub fn of(text: impl Into<Clean>, tone: Tone) -> Self {
        Self(vec![Span { text: text.into(), tone }])
    }

    pub fn plain(text: impl Into<Clean>) -> Self {
        Self::of(text, Tone::Plain)
    }

    #[must_use]
    pub fn and(mut self, text: impl Into<Clean>, tone: Tone) -> Self {
        self.0.push(Span { text: text.into(), tone });
        self
    }

    /// One blank.
    #[must_use]
    pub fn space(self) -> Self {
        self.and(" ", Tone::Dim)
    }

    /// ` · ` between two things of one line.
    #[must_use]
    pub fn dot(self) -> Self {
        self.and(" · ", Tone::Dim)
    }

    /// The words alone.
    pub fn text(&self) -> String {
        self.0.iter().map(|s| s.text.as_str()).collect()
    }

    pub fn width(&self) -> usize {
        self.0.iter().map(|s| s.text.width()).sum()
    }
}

/// A noun with its place and its wish for room.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub title: Clean,
    pub place: Place,
    /// Rows it would like; the painter gives what there is, top first.
    pub rows: Rows,
    pub noun: Noun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Main,
    /// Beside the main column where there is one, else below it if room is left.
    Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    Exactly(u16),
    /// A share of what is left, and never less than `min`.
    Share {
        min: u16,
        weight: u16,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Noun {
    Table(Table),
    Chart(Chart),
    Calendar(Calendar),
    Agenda(Agenda),
    Card(Card),
    Gauge(Gauge),
    Prose(Prose),
    Empty(Empty),
}

impl Block {
    pub fn main(title: impl Into<Clean>, noun: Noun) -> Self {
        Self {
            title: title.into(),
            place: Place::Main,
            rows: Rows::Share { min: 3, weight: 1 },
            noun,
        }
    }

    pub fn side(title: impl Into<Clean>, noun: Noun) -> Self {
        Self { place: Place::Side, ..Self::main(title, noun) }
    }

    #[must_use]
    pub fn exactly(mut self, rows: u16) -> Self {
        self.rows = Rows::Exactly(rows);
        self
    }

    #[must_use]
    pub fn share(mut self, min: u16, weight: u16) -> Self {
        self.rows = Rows::Share { min, weight };
        self
    }
}

/// A list. Holds the rows in sight only; `total` and `first` tell where they lie.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Position of `rows[0]` among all shown rows.
    pub first: usize,
    pub shown: usize,
    /// Without the filter.
    pub total: usize,
    /// Column the list is sorted by, and whether reversed.
    pub sorted: Option<(usize, bool)>,
    /// Said instead of rows when there are none.
    pub empty: Option<Empty>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub title: Clean,
    pub width: Width,
    pub align: Align,
    /// 0 stays to the last; the highest rank is left out first when room is short.
    pub rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Exactly(u16),
    /// At least `min`; what is left is shared by weight.
    Share {
        min: u16,
        weight: u16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: RowKey,
    pub cells: Vec<Cell>,
    pub selected: bool,
    pub marked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Line(Line),
    /// The state column: a glyph and a word, with overlays. Remote text never gets here.
    State {
        health: Health,
        overlays: Overlays,
    },
    Spark(Vec<Option<f64>>, Tone),
    Blank,
}

/// Series over one shared time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub series: Vec<Series>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// What happened meanwhile, a line for each sort of it; sorts of which there is nothing are left out.
    pub lanes: Vec<Lane>,
    pub cursor: Option<Cursor>,
}

/// A moment at which every series is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// Index of the slice it stands in, of so many.
    pub slice: usize,
    pub slices: usize,
    /// `03:12 · 4 h ago`.
    pub text: Clean,
}

/// What happened of one sort, on the time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// `deploys`, `incidents`.
    pub name: Clean,
    /// By their beginning.
    pub marks: Vec<Mark>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: Clean,
    /// What it is and what good looks like: `latency · good < 400 ms`.
    pub about: Clean,
    /// The newest value as it is shown, with its unit.
    pub newest: Clean,
    pub tone: Tone,
    /// The value under the cursor, where there is one.
    pub read: Option<(Clean, Tone)>,
    /// Equal slices of the axis; `None` is a gap.
    pub points: Vec<Option<f64>>,
    /// The least and the most that was measured, in words.
    pub low: Clean,
    pub high: Clean,
    pub axis: Axis,
    /// Where `good` ends and `bad` begins.
    pub good: Option<Limit>,
    pub bad: Option<Limit>,
}

/// The ends of a series' scale, and how they are labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub from: f64,
    pub until: f64,
    pub low: Clean,
    pub high: Clean,
}

/// A bound as a line across a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    pub bound: Bound,
    /// `> 950 ms`.
    pub text: Clean,
}

/// Something that happened, drawn on the time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub at: Timestamp,
    /// The end of what lasted; `None` for a moment.
    pub until: Option<Timestamp>,
    pub tone: Tone,
    /// One narrow character.
    pub glyph: char,
    pub text: Clean,
}

/// A month.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// `November 2026`.
    pub title: Clean,
    pub weekdays: Vec<Clean>,
    /// The weeks of a month, or one week that has all the room.
    pub weeks: Vec<Vec<Day>>,
    /// What the letters mean: every calendar that is overlaid.
    pub legend: Vec<Band>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub date: Date,
    /// Belongs to the month shown, not to its neighbours.
    pub inside: bool,
    pub today: bool,
    pub selected: bool,
    /// The calendars that have something on this day.
    pub bands: Vec<Band>,
    pub entries: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    pub tone: Tone,
    pub letter: char,
    pub name: Clean,
}

/// Dated lines, in time order, under day headings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agenda {
    pub entries: Vec<AgendaEntry>,
    pub first: usize,
    pub empty: Option<Empty>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AgendaEntry {
    /// A new heading when it differs from the entry before.
    pub day: Clean,
    /// `14:00`, `all day`.
    pub time: Clean,
    pub line: Line,
    pub key: Option<RowKey>,
    pub selected: bool,
}

/// Labelled lines: the facts of one thing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Card {
    pub pairs: Vec<(Clean, Line)>,
}

/// A share of something; 1.0 is full. Values outside are drawn at the edge and said in `text`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    pub ratio: f64,
    pub text: Line,
    pub tone: Tone,
}

/// Lines to read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prose {
    pub lines: Vec<Line>,
    /// First line in sight.
    pub first: usize,
    /// Lines in all.
    pub total: usize,
}

/// Nothing to show, and what to do about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Empty {
    pub title: Clean,
    pub advice: Vec<Line>,
}
