//! What happens next: state, keymap, messages in, effects out. Pure: the moment is an argument.

mod act;
pub mod actions;
mod charts;
mod commands;
mod field;
mod filter;
mod help;
mod key;
pub mod keymap;
mod list;
mod nearest;
mod past;
#[cfg(test)]
mod past_tests;
mod reader;
mod shown;
mod state;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[allow(clippy::missing_panics_doc)]
pub mod toy;
mod wall;

use jiff::Timestamp;

use crate::model::{Board, Clean, Freshness, Link, Metric, Report, Slices, SourceName, Trouble};
use crate::page::Size;

pub use commands::Ground;
pub use key::{Code, Key};
pub use keymap::{KeyProblem, Keymap};
pub use past::moment;
pub use state::{Cockpit, Setup};
pub use wall::Turns;

/// A mouse event that means something to a cockpit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    Click { column: u16, row: u16 },
    WheelUp,
    WheelDown,
}

/// What the world tells the cockpit.
#[derive(Debug)]
pub enum Message {
    Key(Key),
    Mouse(Mouse),
    /// Bracketed paste; only text fields take it.
    Paste(String),
    Resized(Size),
    /// A poll began: its source is being asked.
    Asking {
        source: SourceName,
        at: Timestamp,
    },
    /// A poll ended.
    Heard(Box<Heard>),
    /// Who polls: this process, or another.
    Poller(Clean),
    /// The moment named by `Cockpit::wake` came.
    Clock,
    /// The configuration changed on disk, or could not be read.
    Notice(Clean),
    /// All that is remembered, after a first look at it.
    Remembered(Box<Board>),
    /// What was known at a moment of the past.
    Recalled(Box<Recalled>),
    /// What a metric store told of a stretch of time.
    Charted(Box<Charted>),
}

/// The outcome of one poll.
#[derive(Debug)]
pub struct Heard {
    pub source: SourceName,
    /// When the poll began: facts carry this moment.
    pub at: Timestamp,
    pub outcome: Result<Report, Trouble>,
    /// The source's freshness after this poll.
    pub freshness: Freshness,
}

/// More of a moment in the past.
#[derive(Debug)]
pub struct Recalled {
    pub at: Timestamp,
    /// The board as it was known then, where it was watched at that time.
    pub memory: Option<Board>,
    /// What upstreams with a history tell of then.
    pub heard: Vec<Heard>,
    /// More will come.
    pub more: bool,
    /// Nothing before this moment is remembered, where that is known.
    pub oldest: Option<Timestamp>,
}

/// The past of some numbers, as a page wants to draw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Charting {
    /// Comes back with the answer.
    pub id: u64,
    /// What is asked for, each at its own source.
    pub numbers: Vec<Metric>,
    pub slices: Slices,
    /// The moment shown: nothing after it is asked for.
    pub at: Timestamp,
}

/// What one metric store told for a chart.
#[derive(Debug)]
pub struct Charted {
    pub id: u64,
    /// Who told it, and what: `Fact::History` for each number. `None` when nobody who is asked keeps a past.
    pub told: Option<(SourceName, Result<Report, Trouble>)>,
    /// Others are still to answer.
    pub more: bool,
}

/// What the cockpit wants done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Poll(Which),
    /// What was known at this moment; of several wishes only the newest counts.
    Recall(Timestamp),
    /// The past of the numbers on an opened page; of several wishes only the newest counts.
    Chart(Charting),
    /// Puts text on the clipboard (OSC 52).
    Copy(Clean),
    Open(Link),
    /// Gives the terminal to the user's editor, with this file in it, and takes it back afterwards.
    Edit(Box<str>),
    Redraw,
    Quit,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    All,
    Sources(Vec<SourceName>),
}
