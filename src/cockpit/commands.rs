//! What can be typed behind `:`; every command completes, and a wrong one is told the nearest right word.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

use super::actions::{ACTIONS, Action};
use super::nearest;
use super::past::moment;
use crate::model::Clean;
use crate::page::{Skin, Tab};

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    Act(Action),
    Sort {
        column: usize,
        reversed: bool,
    },
    Filter(String),
    Theme(Skin),
    View(usize),
    /// A moment of the past.
    At(Timestamp),
}

/// One thing that could be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    pub about: Clean,
}

/// What commands may refer to: the tabs, and the tab that is open.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub tabs: &'a [&'a Tab],
    pub here: Option<&'a Tab>,
    /// Moments are typed relative to now, in the team's zone.
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

/// Commands that take a word.
const WORDED: &[(&str, &str)] = &[
    ("sort", "sort by a column; `sort -latency` turns the order round"),
    ("filter", "narrow the list: word, !word, column:regex"),
    ("theme", "change the colours"),
    ("view", "another view of this tab"),
    ("at", "look at the past: `at 03:12`, `at -2h`, `at 2026-11-21 18:00`"),
];

/// Shorter words people bring from elsewhere.
const ALIASES: &[(&str, &str)] = &[("q", "quit"), ("copy", "copy-id"), ("h", "help")];

/// Moving is for keys: as commands these would only be in the way of the others.
fn commandable(action: Action) -> bool {
    use Action as A;
    !matches!(
        action,
        A::Down
            | A::Up
            | A::First
            | A::Last
            | A::HalfDown
            | A::HalfUp
            | A::PageDown
            | A::PageUp
            | A::NextDay
            | A::PreviousDay
            | A::NextWeek
            | A::PreviousWeek
            | A::Tab(_)
            | A::NextTab
            | A::PreviousTab
            | A::Earlier
            | A::Later
            | A::LongerStep
            | A::ShorterStep
            | A::LookAround
            | A::Find
            | A::NextHit
            | A::PreviousHit
            | A::NextHeading
            | A::PreviousHeading
            | A::Command
            | A::Filter
            | A::Sort
            | A::Facet
    )
}

impl Ground<'_> {
    fn values(&self, command: &str) -> Vec<Suggestion> {
        let about = |text: &str| match command {
            "sort" => Clean::line(format!("sort by {text}")),
            "theme" => Clean::line(format!("the {text} theme")),
            _ => Clean::line(format!("show {text}")),
        };
        let words: Vec<&str> = match command {
            "sort" => self.here.map_or_else(Vec::new, |t| t.sorts.to_vec()),
            "theme" => Skin::ALL.iter().map(|s| s.name()).collect(),
            "view" => self.here.map_or_else(Vec::new, |t| t.facets.to_vec()),
            _ => Vec::new(),
        };
        let full = |w: &&str| Suggestion { text: format!("{command} {w}"), about: about(w) };
        words.iter().map(full).collect()
    }

    /// Every command with its sentence.
    pub fn all(&self) -> Vec<Suggestion> {
        let tabs = self.tabs.iter().map(|t| (t.name, Clean::line(t.about)));
        let actions = ACTIONS.iter().filter(|e| commandable(e.action));
        let actions = actions.map(|e| (e.name, Clean::line(e.about)));
        let worded = WORDED.iter().map(|(name, about)| (*name, Clean::line(*about)));
        tabs.chain(worded)
            .chain(actions)
            .map(|(name, about)| Suggestion { text: name.to_owned(), about })
            .collect()
    }

    /// What the typed text may become, best first; nothing typed offers everything.
    pub fn complete(&self, typed: &str) -> Vec<Suggestion> {
        let typed = typed.trim_start();
        let pool = match typed.split_once(' ') {
            Some((command, _)) if !self.values(command).is_empty() => self.values(command),
            Some(_) => Vec::new(),
            None => self.all(),
        };
        if typed.is_empty() {
            return pool;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, Suggestion)> = pool
            .into_iter()
            .filter_map(|s| {
                let text = nucleo_matcher::Utf32Str::new(&s.text, &mut buffer);
                let score = pattern.score(text, &mut matcher)?;
                // What begins as typed comes before what merely holds the letters.
                let head = if s.text.starts_with(typed) { 1_000 } else { 0 };
                Some((score + head, s))
            })
            .collect();
        scored.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.text.len().cmp(&y.text.len())));
        scored.into_iter().map(|(_, s)| s).collect()
    }

    /// Reads a whole command line; the error is a sentence for the prompt.
    pub fn read(&self, line: &str) -> Result<Order, Clean> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = ALIASES.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
        let rest = rest.trim();
        match name {
            "sort" => return self.sort(rest),
            "filter" => return Ok(Order::Filter(rest.to_owned())),
            "theme" => return theme(rest),
            "view" => return self.view(rest),
            "at" => return self.at(rest),
            _ => {}
        }
        if let Some(i) = self.tabs.iter().position(|t| t.name == name) {
            return Ok(Order::Act(Action::Tab(i)));
        }
        let action = ACTIONS.iter().find(|e| e.name == name && commandable(e.action));
        if let Some(entry) = action {
            return Ok(Order::Act(entry.action));
        }
        let words: Vec<String> = self.all().into_iter().map(|s| s.text).collect();
        let near = nearest::word(name, words.iter().map(String::as_str));
        Err(unknown("command", name, near))
    }

    fn at(&self, word: &str) -> Result<Order, Clean> {
        match moment(word, self.now, self.zone) {
            Some(at) if at < self.now => Ok(Order::At(at)),
            Some(_) => Err("that moment is still to come".into()),
            None if word.is_empty() => Err("at when? 03:12, -2h, 2026-11-21 18:00".into()),
            None => Err(Clean::line(format!(
                "`{word}` is no moment: try 03:12, -2h or 2026-11-21 18:00"
            ))),
        }
    }

    fn sort(&self, word: &str) -> Result<Order, Clean> {
        let sorts = self.here.map_or(&[][..], |t| t.sorts);
        let (word, reversed) =
            word.strip_prefix('-').map_or((word, false), |rest| (rest.trim(), true));
        match position(sorts, word) {
            Some(column) => Ok(Order::Sort { column, reversed }),
            None if sorts.is_empty() => Err("there is nothing to sort here".into()),
            None if word.is_empty() => Err(Clean::line(format!("sort by: {}", sorts.join(", ")))),
            None => Err(unknown("column", word, nearest::word(word, sorts.iter().copied()))),
        }
    }

    fn view(&self, word: &str) -> Result<Order, Clean> {
        let facets = self.here.map_or(&[][..], |t| t.facets);
        match position(facets, word) {
            Some(i) => Ok(Order::View(i)),
            None if facets.is_empty() => Err("this tab has one view only".into()),
            None if word.is_empty() => Err(Clean::line(format!("view: {}", facets.join(", ")))),
            None => Err(unknown("view", word, nearest::word(word, facets.iter().copied()))),
        }
    }
}

/// The word itself, or the only one that begins so.
fn position(words: &[&str], typed: &str) -> Option<usize> {
    let typed = typed.to_lowercase();
    let exact = words.iter().position(|w| w.to_lowercase() == typed);
    let mut begun = words.iter().enumerate().filter(|(_, w)| w.to_lowercase().starts_with(&typed));
    exact.or_else(|| match (begun.next(), begun.next()) {
        (Some((i, _)), None) if !typed.is_empty() => Some(i),
        _ => None,
    })
}

fn theme(word: &str) -> Result<Order, Clean> {
    let names = Skin::ALL.map(Skin::name);
    match position(&names, word).and_then(|i| Skin::ALL.get(i)) {
        Some(skin) => Ok(Order::Theme(*skin)),
        None if word.is_empty() => Err(Clean::line(format!("theme: {}", names.join(", ")))),
        None => Err(unknown("theme", word, nearest::word(word, names))),
    }
}

fn unknown(what: &str, word: &str, near: Option<&str>) -> Clean {
    if word.is_empty() {
        return Clean::line(format!("type a {what}"));
    }
    Clean::line(match near {
        Some(near) => format!("no {what} `{word}`: did you mean `{near}`?"),
        None => format!("no {what} `{word}`"),
    })
}
