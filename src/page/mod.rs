//! What a tab says, as plain values: tables, charts, calendars, timelines, text. No terminal in sight.

mod belongings;
mod build;
pub mod card;
mod follow;
mod found;
mod frame;
mod happened;
mod health;
mod incident;
mod incidents;
mod learnt;
pub mod listed;
mod look;
pub mod markdown;
mod marks;
mod memo;
mod noun;
mod objectives;
mod post_mortems;
mod releases;
pub mod review;
pub mod room;
mod screen;
mod service;
mod sources;
mod uptime;
pub mod wall;
pub mod words;
pub mod zoom;

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use crate::insight::Survey;
use crate::model::{Board, Clean, Link, Team};

pub use found::Flat;
pub use frame::{Frame, Layout, Size};
pub use look::{Filter, Find, Look, Sort};
pub use memo::Memo;
pub use noun::{
    Agenda, AgendaEntry, Align, Axis, Band, Block, Calendar, Card, Cell, Chart, Column, Cursor,
    Day, Empty, Gauge, Lane, Limit, Line, Mark, Noun, Place, Prose, Row, Rows, Series, Span, Table,
    Tone, Width,
};
pub use post_mortems::POST_MORTEMS;

pub use screen::{Completion, Foot, Head, Hint, Hit, Labels, Over, Prompt, Screen, Skin, TabLabel};

/// Everything a page is a function of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub board: &'a Board,
    pub team: &'a Team,
    pub survey: &'a Survey,
    /// The moment shown: now, or a moment of the past.
    pub now: Timestamp,
    /// The zone of every time on screen.
    pub zone: &'a TimeZone,
    pub frame: Frame,
    pub memo: &'a Memo,
}

/// What a row is known by; survives refresh, sorting and filtering. Made from identities, never from positions.
pub type RowKey = Arc<str>;

/// A row before it is drawn: what filtering and sorting need. Made for all rows when data or filter change, never per frame.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: RowKey,
    /// Cell texts by column title, lower case: `column:regex` looks here.
    pub words: Vec<(&'static str, Clean)>,
    /// Sort position per sortable column, in `Tab::sorts` order.
    pub ranks: Vec<Rank>,
    /// True when the row needs attention: `x` shows only these.
    pub problem: bool,
}

/// A sort position; `None` sorts last in both directions.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Rank {
    Number(f64),
    Text(Clean),
    None,
}

/// A tab: a registry entry of functions over the scene.
pub struct Tab {
    /// Word of the command line and the keymap: `health`, `post-mortems`.
    pub name: &'static str,
    pub title: &'static str,
    /// One line, for the help and the README.
    pub about: &'static str,
    /// Columns that can be sorted by; the first is the default order.
    pub sorts: &'static [&'static str],
    /// Alternative views of the tab, in the order of `Look::facet`; empty when there is one view only.
    /// A facet called `month` or `week` has a day cursor (`Look::day`) instead of a list.
    pub facets: &'static [&'static str],
    /// Kinds of sources that feed it, for "refresh this tab"; empty means all of them.
    pub kinds: &'static [&'static str],
    /// Every row of a facet, cheaply.
    pub entries: fn(&Scene<'_>, facet: usize) -> Vec<Entry>,
    /// The list as it looks: only rows in sight are composed.
    pub compose: fn(&Scene<'_>, &Look) -> Vec<Block>,
    /// One thing opened. `None` when it no longer exists.
    pub detail: fn(&Scene<'_>, &Look, &RowKey) -> Option<Vec<Block>>,
    /// What `o` opens.
    pub link: fn(&Scene<'_>, &RowKey) -> Option<Link>,
    /// What `y` copies: the id people paste.
    pub id: fn(&Scene<'_>, &RowKey) -> Option<Clean>,
    /// A count for the tab bar: problems in there.
    pub badge: fn(&Scene<'_>) -> usize,
}

/// What a tab of documents can do beside: search their whole text, read one, open its file.
pub struct Shelf {
    /// Name of the tab; its first view lists the documents.
    pub tab: &'static str,
    /// Rows in whose text a word (lower case) stands, with how well it fits: more is better, in no unit.
    pub search: fn(&Scene<'_>, &str) -> std::collections::HashMap<RowKey, f64>,
    /// A document as the reader shows it.
    pub reading: fn(&Scene<'_>, &RowKey) -> Option<Arc<markdown::Reading>>,
    /// The path of its file, for an editor; `None` for what is no file.
    pub file: fn(&Scene<'_>, &RowKey) -> Option<Box<str>>,
}

/// Tabs of documents.
pub const SHELVES: &[Shelf] = &[post_mortems::SHELF];

impl Tab {
    /// What can be done with its documents, when it has any.
    pub fn shelf(&self) -> Option<&'static Shelf> {
        SHELVES.iter().find(|shelf| shelf.tab == self.name)
    }
}

/// The tabs, in the order of the number keys. Every function of a tab is total.
pub const TABS: &[&Tab] = &[
    &health::HEALTH,
    &incidents::INCIDENTS,
    &releases::RELEASES,
    &post_mortems::POST_MORTEMS,
    &sources::SOURCES,
];
