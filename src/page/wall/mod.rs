//! The wall: one verdict read from three metres, and pages that take turns under it while nothing is red.

mod figures;
mod foot;
mod learnt;
mod numbers;
mod overview;
mod planned;
mod rooms;
mod verdict;

use jiff::SignedDuration;

use super::{Line, Scene, Tone};
use crate::model::{Clean, Health};

pub use rooms::{BIG_ROW, Rooms, rooms};
pub use verdict::holds;

/// What hangs on the wall at a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wall {
    pub lamp: Lamp,
    /// Said in big letters because what is shown is old: `DATA 12 MIN OLD`.
    pub old: Option<Clean>,
    /// Name of the page, and its place among those that take turns: `numbers 2/4`.
    pub title: Line,
    /// Team, day, clock and zone.
    pub clock: Clean,
    /// The left column, or all of it on a narrow wall.
    pub main: Panel,
    /// Beside it, where the wall is wide enough.
    pub beside: Vec<Panel>,
    /// Release, freeze and incidents: always in sight.
    pub foot: Vec<Figure>,
}

/// The verdict: one word with its shape, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lamp {
    pub health: Health,
    pub word: Clean,
    pub tone: Tone,
    /// The most important first.
    pub lines: Vec<Line>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Panel {
    /// Services, worst first.
    Plates(Plates),
    /// Numbers on their own.
    Figures(Clean, Vec<Figure>),
    /// Sentences under a title.
    Lines(Clean, Vec<Line>),
}

impl Default for Panel {
    fn default() -> Self {
        Self::Lines(Clean::default(), Vec::new())
    }
}

/// Services under each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plates {
    pub all: Vec<Plate>,
    /// What the numbers of every row are: `latency`. Empty where each says it itself.
    pub columns: Vec<Clean>,
    /// What is said of those that are not shown.
    pub rest: Line,
}

/// A service on the wall.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plate {
    pub health: Health,
    /// Of its shape and word: what is old is not green, and what is planned not red.
    pub tone: Tone,
    pub name: Clean,
    /// How long it has been so.
    pub since: Clean,
    /// What is wrong, since which change, who has it.
    pub says: Line,
    /// The most important first. A number without a value leaves its column empty.
    pub figures: Vec<Figure>,
    /// Its numbers are what this plate is for: they get the big digits, not the name.
    pub counts: bool,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figure {
    /// What it is, in a word or two.
    pub name: Clean,
    /// `212 ms`, `2 d 4 h`: its digits are drawn big.
    pub value: Clean,
    pub tone: Tone,
    /// What good looks like, what it was a week ago, what it is about.
    pub about: Line,
    /// Its last hours, where they are known.
    pub trend: Vec<Option<f64>>,
}

/// One of the pages that take turns.
pub struct Leaf {
    /// The word of `[ui] wall.pages`.
    pub name: &'static str,
    pub about: &'static str,
    /// How many screens it has to say; 0 is skipped.
    pub parts: fn(&Scene<'_>) -> usize,
    pub compose: fn(&Scene<'_>, part: usize) -> (Panel, Vec<Panel>),
}

/// The pages, in their usual order. The first is the one that stays while something is red.
pub const LEAVES: &[&Leaf] =
    &[&overview::OVERVIEW, &numbers::NUMBERS, &planned::RELEASES, &learnt::LEARNT];

/// Services on one screen: more are not read in passing (domain.md §9, 13).
pub const MOST: usize = 7;

/// The wall with one part of one of its pages.
pub fn compose(scene: &Scene<'_>, leaf: &Leaf, part: usize, place: (usize, usize)) -> Wall {
    let (main, beside) = (leaf.compose)(scene, part);
    let (at, of) = place;
    let mut title = Line::of(leaf.name, Tone::Title);
    if of > 1 {
        title = title.space().and(Clean::line(format_args!("{at}/{of}")), Tone::Dim);
    } else if let Some(why) = verdict::holds(scene) {
        title = title.dot().and(Clean::line(format_args!("stays while {why}")), Tone::Dim);
    }
    let team = &scene.team.name;
    let now = scene.now.to_zoned(scene.zone.clone()).strftime("%a %-d %b %H:%M %Z").to_string();
    let old = verdict::old(scene);
    Wall {
        lamp: verdict::lamp(scene, old.as_ref()),
        old: old.map(|old| old.words()),
        title,
        clock: Clean::line(format_args!("{team}  {now}")),
        main,
        beside,
        foot: foot::figures(scene),
    }
}

/// A length of time as it is read across a room, in whole minutes: `7 min`, `2 h 5 min`, `2 d 4 h`, `15 d`.
fn span(length: SignedDuration) -> String {
    super::words::span(length).replace(" m", " min")
}
