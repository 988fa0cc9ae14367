//! Everything a key can do, one line each: help, configuration names, hints and docs follow from this table.

/// Where an action is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// A tab's list.
    List,
    /// A tab's month or week, with a cursor on a day.
    Month,
    /// One thing opened.
    Detail,
    /// One thing opened whose numbers are drawn over time.
    Charts,
    /// A document opened.
    Reader,
    /// The help popup.
    Help,
    /// Travelling in time: the keys move the moment.
    Past,
    /// The wall: it needs no keys.
    Wall,
}

impl Context {
    pub const ALL: [Self; 8] = [
        Self::List,
        Self::Month,
        Self::Detail,
        Self::Charts,
        Self::Reader,
        Self::Help,
        Self::Past,
        Self::Wall,
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Down,
    Up,
    First,
    Last,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    NextDay,
    PreviousDay,
    NextWeek,
    PreviousWeek,
    NextMonth,
    PreviousMonth,
    Today,
    NextRelease,
    CursorEarlier,
    CursorLater,
    PreviousMark,
    NextMark,
    Closer,
    Wider,
    WindowEarlier,
    WindowLater,
    WindowNow,
    /// The tab at this position, from 0.
    Tab(usize),
    NextTab,
    PreviousTab,
    Facet,
    Open,
    Back,
    Filter,
    Find,
    NextHit,
    PreviousHit,
    NextHeading,
    PreviousHeading,
    NextDocument,
    PreviousDocument,
    Edit,
    Problems,
    Sort,
    Reverse,
    Mark,
    Browse,
    CopyId,
    CopyLink,
    Refresh,
    RefreshAll,
    Pause,
    Travel,
    Earlier,
    Later,
    LongerStep,
    ShorterStep,
    LookAround,
    Now,
    Command,
    Help,
    Redraw,
    Quit,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub action: Action,
    /// The name in `[ui.keys]`.
    pub name: &'static str,
    /// What it does, for the help.
    pub about: &'static str,
    /// One word for the hints at the foot; empty for what needs no hint.
    pub hint: &'static str,
    pub keys: &'static [&'static str],
    pub contexts: &'static [Context],
}

use Context::{Charts, Detail, Help, List, Month, Past, Reader, Wall};

const EVERYWHERE: &[Context] = &[List, Month, Detail, Charts, Reader, Help, Past, Wall];
const PAGES: &[Context] = &[List, Month, Detail, Charts, Reader];
/// Tabs can be changed, and `:at` typed, while time stands still.
const TABBED: &[Context] = &[List, Month, Detail, Charts, Reader, Past];
const MOVING: &[Context] = &[List, Detail, Charts, Reader, Help];
const ROWS: &[Context] = &[List, Detail, Charts, Reader];
/// Where keys left and right go from tab to tab, or from page to page; where time lies under them, they move in it.
const ASIDE: &[Context] = &[List, Detail, Reader, Wall];
/// What asks again needs no tab.
const ASKING: &[Context] = &[List, Month, Detail, Charts, Reader, Wall];
const TURNING: &[Context] = &[List, Month, Detail, Charts, Reader, Past, Wall];
const TIMED: &[Context] = &[Charts];
const READING: &[Context] = &[Reader];

const fn entry(
    action: Action,
    name: &'static str,
    about: &'static str,
    hint: &'static str,
    keys: &'static [&'static str],
    contexts: &'static [Context],
) -> Entry {
    Entry { action, name, about, hint, keys, contexts }
}

/// In the order of the help.
pub const ACTIONS: &[Entry] = &[
    entry(Action::Down, "down", "next row, or one line down", "", &["j", "down"], MOVING),
    entry(Action::Up, "up", "previous row, or one line up", "", &["k", "up"], MOVING),
    entry(Action::First, "first", "first row, or the top", "", &["g", "home"], MOVING),
    entry(Action::Last, "last", "last row, or the bottom", "", &["G", "end"], MOVING),
    entry(Action::HalfDown, "half-down", "half a page down", "", &["ctrl-d"], MOVING),
    entry(Action::HalfUp, "half-up", "half a page up", "", &["ctrl-u"], MOVING),
    entry(Action::PageDown, "page-down", "a page down", "", &["pgdn"], MOVING),
    entry(Action::PageUp, "page-up", "a page up", "", &["pgup"], MOVING),
    entry(Action::NextDay, "next-day", "next day", "", &["l", "right"], &[Month]),
    entry(Action::PreviousDay, "previous-day", "previous day", "", &["h", "left"], &[Month]),
    entry(Action::NextWeek, "next-week", "a week later", "", &["j", "down"], &[Month]),
    entry(Action::PreviousWeek, "previous-week", "a week earlier", "", &["k", "up"], &[Month]),
    entry(Action::NextMonth, "next-month", "next month", "later", &[">", "pgdn"], &[Month]),
    entry(
        Action::PreviousMonth,
        "previous-month",
        "previous month",
        "earlier",
        &["<", "pgup"],
        &[Month],
    ),
    entry(Action::Today, "today", "back to today", "today", &["T", "home"], &[Month]),
    entry(
        Action::NextRelease,
        "next-release",
        "the next planned release after the day of the cursor",
        "next release",
        &["n"],
        &[Month],
    ),
    entry(
        Action::CursorEarlier,
        "cursor-earlier",
        "all numbers of one moment: a step earlier",
        "read a moment",
        &["h", "left"],
        TIMED,
    ),
    entry(
        Action::CursorLater,
        "cursor-later",
        "all numbers of one moment: a step later",
        "",
        &["l", "right"],
        TIMED,
    ),
    entry(
        Action::PreviousMark,
        "previous-mark",
        "the moment of the deploy, incident or other mark before",
        "",
        &["{"],
        TIMED,
    ),
    entry(Action::NextMark, "next-mark", "the moment of the next mark", "", &["}"], TIMED),
    entry(
        Action::Closer,
        "closer",
        "a shorter window, down to an hour",
        "closer",
        &["+", "="],
        TIMED,
    ),
    entry(Action::Wider, "wider", "a longer window, up to 30 days", "wider", &["-"], TIMED),
    entry(
        Action::WindowEarlier,
        "window-earlier",
        "half a window into the past",
        "earlier",
        &["<", "ctrl-left"],
        TIMED,
    ),
    entry(
        Action::WindowLater,
        "window-later",
        "half a window towards now",
        "",
        &[">", "ctrl-right"],
        TIMED,
    ),
    entry(
        Action::WindowNow,
        "window-now",
        "the window that ends now, without a cursor",
        "",
        &["T"],
        TIMED,
    ),
    entry(Action::Open, "open", "open the selected row or day", "open", &["enter"], &[List, Month]),
    entry(Action::Back, "back", "close what is on top; never quits", "back", &["esc"], EVERYWHERE),
    entry(Action::Tab(0), "tab-1", "first tab", "", &["1"], TABBED),
    entry(Action::Tab(1), "tab-2", "second tab", "", &["2"], TABBED),
    entry(Action::Tab(2), "tab-3", "third tab", "", &["3"], TABBED),
    entry(Action::Tab(3), "tab-4", "fourth tab", "", &["4"], TABBED),
    entry(Action::Tab(4), "tab-5", "fifth tab", "", &["5"], TABBED),
    entry(Action::NextTab, "next-tab", "next tab, or page of the wall", "", &["tab", "]"], TURNING),
    entry(
        Action::PreviousTab,
        "previous-tab",
        "previous tab, or page of the wall",
        "",
        &["shift-tab", "["],
        TURNING,
    ),
    entry(Action::NextTab, "right-tab", "tab to the right", "", &["l", "right"], ASIDE),
    entry(Action::PreviousTab, "left-tab", "tab to the left", "", &["h", "left"], ASIDE),
    entry(Action::Facet, "view", "another view of this tab", "view", &["v", "f"], &[List, Month]),
    entry(
        Action::Filter,
        "filter",
        "narrow the list: word, !word, column:regex",
        "filter",
        &["/"],
        &[List, Help],
    ),
    entry(Action::Find, "find", "find words in this document", "find", &["/"], READING),
    entry(Action::NextHit, "next-hit", "next place found", "next", &["n"], READING),
    entry(Action::PreviousHit, "previous-hit", "place found before", "", &["N"], READING),
    entry(Action::NextHeading, "next-heading", "next heading", "", &["}"], READING),
    entry(Action::PreviousHeading, "previous-heading", "heading before", "", &["{"], READING),
    entry(
        Action::NextDocument,
        "next-document",
        "next document of the list",
        "next document",
        &[">", "J"],
        READING,
    ),
    entry(
        Action::PreviousDocument,
        "previous-document",
        "document of the list before this one",
        "",
        &["<", "K"],
        READING,
    ),
    entry(Action::Edit, "edit", "open its file in $EDITOR", "edit", &["e"], &[List, Reader]),
    entry(
        Action::Problems,
        "problems",
        "only rows that need attention",
        "problems",
        &["x"],
        &[List],
    ),
    entry(Action::Sort, "sort", "sort by the next column", "sort", &["s"], &[List]),
    entry(Action::Reverse, "reverse", "turn the order round", "", &["S"], &[List]),
    entry(Action::Mark, "mark", "mark the row", "", &["space"], &[List]),
    entry(Action::Browse, "browse", "open its link in the browser", "browse", &["o"], ROWS),
    entry(
        Action::CopyId,
        "copy-id",
        "copy its id, or those of the marked rows",
        "copy",
        &["y"],
        ROWS,
    ),
    entry(Action::CopyLink, "copy-link", "copy its link", "", &["Y"], ROWS),
    entry(Action::Refresh, "refresh", "ask the sources of this tab now", "refresh", &["r"], PAGES),
    entry(Action::RefreshAll, "refresh-all", "ask every source now", "", &["R"], ASKING),
    entry(Action::Pause, "pause", "hold the display still, or let it go on", "", &["p"], PAGES),
    entry(Action::Travel, "travel", "look at a moment of the past", "past", &["t"], PAGES),
    entry(Action::Earlier, "earlier", "a step into the past", "", &["h", "left"], &[Past]),
    entry(Action::Later, "later", "a step towards now", "", &["l", "right"], &[Past]),
    entry(
        Action::LongerStep,
        "longer-step",
        "longer steps: hours, days, incident by incident",
        "",
        &["k", "up"],
        &[Past],
    ),
    entry(Action::ShorterStep, "shorter-step", "shorter steps", "", &["j", "down"], &[Past]),
    entry(
        Action::LookAround,
        "look-around",
        "stay at this moment, and use the other keys in it",
        "",
        &["enter"],
        &[Past],
    ),
    entry(Action::Now, "now", "leave the past", "", &["t", "end"], &[Past]),
    entry(Action::Command, "command", "type a command", "command", &[":"], TABBED),
    entry(Action::Help, "help", "what the keys do here", "help", &["?"], EVERYWHERE),
    entry(Action::Redraw, "redraw", "draw the whole screen again", "", &["ctrl-l"], EVERYWHERE),
    entry(Action::Quit, "quit", "leave", "quit", &["q", "ctrl-c"], EVERYWHERE),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_sentences_are_said() {
        let names: BTreeSet<_> = ACTIONS.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), ACTIONS.len());
        for entry in ACTIONS {
            assert!(!entry.about.is_empty() && !entry.contexts.is_empty(), "{}", entry.name);
            assert!(!entry.about.ends_with('.'), "{}", entry.name);
        }
    }

    #[test]
    fn screen_and_tmux_keep_their_prefixes() {
        for entry in ACTIONS {
            assert!(entry.keys.iter().all(|k| !["ctrl-a", "ctrl-b"].contains(k)), "{}", entry.name);
        }
    }
}
