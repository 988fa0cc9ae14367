//! The board in one line, for tmux, a bar, a prompt or a script, each in its own format and with its own escapes.

mod escape;
mod glance;
mod template;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::insight::words::span;
use crate::model::{Health, Status};

pub use escape::{cut, escaped};
pub use glance::{Glance, Taste, Teller, Upstream};
pub use template::{FIELDS, Template};

/// Whom a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Plain,
    Ansi,
    Tmux,
    Waybar,
    Polybar,
    Json,
}

impl Format {
    pub const ALL: [Self; 6] =
        [Self::Plain, Self::Ansi, Self::Tmux, Self::Waybar, Self::Polybar, Self::Json];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ansi => "ansi",
            Self::Tmux => "tmux",
            Self::Waybar => "waybar",
            Self::Polybar => "polybar",
            Self::Json => "json",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// Why there is nothing to say about a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// There is no configuration.
    Unconfigured,
    /// Nobody polled yet; true when somebody was woken who will.
    NothingYet(bool),
    /// What was left by others cannot be read.
    Unreadable,
    /// It could not be read in time.
    Late,
}

impl Absence {
    pub fn words(self) -> &'static str {
        match self {
            Self::Unconfigured => "andon has no configuration: try `andon demo`",
            Self::NothingYet(true) => "andon is asking",
            Self::NothingYet(false) => "andon knows nothing yet: nobody polls",
            Self::Unreadable => "andon cannot read what it remembered",
            Self::Late => "andon: the disk does not answer",
        }
    }
}

/// How a line is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub format: Format,
    pub template: Option<&'a Template>,
    pub ascii: bool,
    /// The moment of reading, in seconds since 1970.
    pub now: i64,
}

/// The line, without its line end.
pub fn line(glance: Result<&Glance, Absence>, wish: &Wish<'_>) -> String {
    if wish.format == Format::Json {
        return document(glance, wish.now).to_string();
    }
    let text = match (glance, wish.template) {
        (Ok(glance), Some(template)) => template.fill(glance, wish),
        (Ok(glance), None) => painted(&pieces(glance, wish), wish.format),
        (Err(absence), _) => painted(&[Piece::plain(absence.words())], wish.format),
    };
    if wish.format == Format::Waybar { waybar(&text, glance, wish) } else { text }
}

/// A stretch of the line in one colour; none is the bar's own.
struct Piece {
    tone: Option<Health>,
    text: String,
}

impl Piece {
    fn plain(text: impl Into<String>) -> Self {
        Self { tone: None, text: text.into() }
    }

    fn of(tone: Health, text: impl Into<String>) -> Self {
        Self { tone: Some(tone), text: text.into() }
    }
}

/// The same shapes as on the screen: state is never colour alone.
fn mark(health: Health, ascii: bool) -> &'static str {
    match (health, ascii) {
        (Health::Ok, false) => "●",
        (Health::Degraded, false) => "▲",
        (Health::Down, false) => "✖",
        (Health::Ok, true) => "o",
        (Health::Degraded, true) => "!",
        (Health::Down, true) => "X",
        (Health::Unknown, _) => "?",
    }
}

fn pieces(glance: &Glance, wish: &Wish<'_>) -> Vec<Piece> {
    let mut out = Vec::new();
    let old = old(glance, wish.now);
    if !glance.trouble.is_empty() {
        out.push(Piece::of(Health::Unknown, format!("? {}", glance.trouble)));
    } else if glance.heard.is_none() {
        out.push(Piece::of(Health::Unknown, unheard(glance)));
    } else if glance.is_gone(wish.now) {
        // What was known is said as the past, without its colour: nothing may be concluded from it.
        out.push(Piece::of(Health::Unknown, format!("? {old}")));
        out.push(Piece::plain(format!("was {}", state(glance, wish.ascii).text)));
    } else {
        if let Some(dead) = glance.dead.first() {
            let mark = mark(Health::Down, wish.ascii);
            out.push(Piece::of(Health::Down, format!("{mark} alerting broken: no {dead}")));
        }
        out.push(state(glance, wish.ascii));
        out.extend(beside(glance, wish.now));
        if !old.is_empty() {
            out.push(Piece::of(Health::Unknown, old));
        }
    }
    out
}

/// How many are how, the worst first and by name.
fn state(glance: &Glance, ascii: bool) -> Piece {
    let v = &glance.verdict;
    let counts =
        [(Health::Down, v.down), (Health::Degraded, v.degraded), (Health::Unknown, v.unknown)];
    let mut text = String::new();
    let mut worst = None;
    for (health, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        if worst.is_some() {
            text.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {count} {}", mark(health, ascii), health.word());
        if worst.is_none() {
            text.push_str(&names(glance, count));
            worst = Some(health);
        }
    }
    match worst {
        Some(health) => Piece::of(health, text),
        None if glance.services == 0 => Piece::of(Health::Unknown, "? no services"),
        None if !glance.dead.is_empty() => Piece::of(Health::Unknown, "? nobody would tell"),
        None if v.stale > 0 => {
            Piece::of(Health::Unknown, format!("? {} ok, {} stale", ok(glance), v.stale))
        }
        // Everything is in planned maintenance: nothing is judged.
        None if ok(glance) == 0 => Piece::of(Health::Unknown, "? 0 ok"),
        None => Piece::of(Health::Ok, format!("{} {} ok", mark(Health::Ok, ascii), ok(glance))),
    }
}

/// `: checkout, payments +1`.
fn names(glance: &Glance, count: usize) -> String {
    let mut out = String::new();
    let shown = glance.verdict.named.iter().take(2);
    for (i, name) in shown.enumerate() {
        out.push_str(if i == 0 { ": " } else { ", " });
        out.push_str(&cut(name.as_str(), 24));
    }
    let more = count.saturating_sub(glance.verdict.named.len().min(2));
    if more > 0 && !out.is_empty() {
        let _ = write!(out, " +{more}");
    }
    out
}

/// What stands beside the state: incidents, freezes, sources that say nothing.
fn beside(glance: &Glance, now: i64) -> Vec<Piece> {
    let v = &glance.verdict;
    let mut out = Vec::new();
    if v.unacked > 0 {
        out.push(Piece::of(Health::Down, format!("{} unacked", v.unacked)));
    } else if v.incidents > 0 {
        let noun = if v.incidents == 1 { "incident" } else { "incidents" };
        out.push(Piece::plain(format!("{} {noun}", v.incidents)));
    }
    if v.maintained > 0 {
        out.push(Piece::plain(format!("{} in maintenance", v.maintained)));
    }
    if let Some(name) = freeze(glance, now) {
        out.push(Piece::of(Health::Degraded, format!("frozen: {}", cut(name, 24))));
    }
    let silent = v.failing_sources + v.stale_sources;
    if silent > 0 {
        let of = v.sources.max(silent);
        out.push(Piece::of(Health::Unknown, format!("{silent} of {of} sources silent")));
    }
    out
}

/// Before the first answer.
fn unheard(glance: &Glance) -> &'static str {
    match (glance.verdict.sources, glance.verdict.failing_sources) {
        (0, _) => "? no sources",
        (_, 0) => "? asking",
        _ => "? no source answers",
    }
}

/// `4 m old`, or nothing while it is fresh.
fn old(glance: &Glance, now: i64) -> String {
    match glance.age(now) {
        Some(age) if glance.is_stale(now) => {
            format!("{} old", span(SignedDuration::from_secs(age)))
        }
        _ => String::new(),
    }
}

/// Pieces with their colours, the remote words in them escaped.
fn painted(pieces: &[Piece], format: Format) -> String {
    let mut out = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 {
            out.push_str(" · ");
        }
        let (open, close) = piece.tone.map_or(("", ""), |tone| brackets(tone, format));
        out.push_str(open);
        out.push_str(&escaped(&piece.text, format));
        out.push_str(close);
    }
    out
}

/// What begins and ends a colour. The sixteen colours are named, so that the bar's own palette is used.
fn brackets(tone: Health, format: Format) -> (&'static str, &'static str) {
    match (format, tone) {
        (Format::Ansi, Health::Ok) => ("\x1b[32m", "\x1b[0m"),
        (Format::Ansi, Health::Degraded) => ("\x1b[33m", "\x1b[0m"),
        (Format::Ansi, Health::Down) => ("\x1b[1;31m", "\x1b[0m"),
        (Format::Ansi, Health::Unknown) => ("\x1b[35m", "\x1b[0m"),
        (Format::Tmux, Health::Ok) => ("#[fg=green]", "#[default]"),
        (Format::Tmux, Health::Degraded) => ("#[fg=yellow]", "#[default]"),
        (Format::Tmux, Health::Down) => ("#[fg=red,bold]", "#[default]"),
        (Format::Tmux, Health::Unknown) => ("#[fg=magenta]", "#[default]"),
        (Format::Plain | Format::Json, _) | (Format::Waybar, Health::Ok) => ("", ""),
        (Format::Waybar, Health::Degraded) => ("<span foreground=\"#d9a400\">", "</span>"),
        (Format::Waybar, Health::Down) => ("<span foreground=\"#e0483e\">", "</span>"),
        (Format::Waybar, Health::Unknown) => ("<span foreground=\"#b06fd6\">", "</span>"),
        (Format::Polybar, Health::Ok) => ("%{F#4caf50}", "%{F-}"),
        (Format::Polybar, Health::Degraded) => ("%{F#d9a400}", "%{F-}"),
        (Format::Polybar, Health::Down) => ("%{F#e0483e}", "%{F-}"),
        (Format::Polybar, Health::Unknown) => ("%{F#b06fd6}", "%{F-}"),
    }
}

/// waybar's own JSON: the text, a tooltip, and classes for its style sheet.
fn waybar(text: &str, glance: Result<&Glance, Absence>, wish: &Wish<'_>) -> String {
    let worst = glance.map_or(Health::Unknown, |g| g.worst(wish.now)).word();
    let stale = glance.is_ok_and(|g| g.is_stale(wish.now));
    let class = if stale { json!([worst, "stale"]) } else { json!(worst) };
    let tooltip = glance.map_or_else(|absence| absence.words().to_owned(), |g| tooltip(g, wish));
    json!({ "text": text, "alt": worst, "class": class, "tooltip": escaped(&tooltip, Format::Waybar) })
        .to_string()
}

fn tooltip(glance: &Glance, wish: &Wish<'_>) -> String {
    let mut out = String::new();
    let mut say = |line: String| {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&line);
    };
    if !glance.team.is_empty() {
        say(glance.team.to_string());
    }
    say(painted(&pieces(glance, wish), Format::Plain));
    if !glance.incident.is_empty() {
        say(glance.incident.to_string());
    }
    if !glance.on_call.is_empty() {
        say(format!("on call: {}", glance.on_call));
    }
    if let Some((title, at)) = glance.release.as_ref().filter(|(_, at)| *at > wish.now) {
        say(format!("{title} in {}", span(SignedDuration::from_secs(at.saturating_sub(wish.now)))));
    }
    out
}

/// The document of the contract. What is not known is null.
fn document(glance: Result<&Glance, Absence>, now: i64) -> Value {
    let moment = moment(now);
    let glance = match glance {
        Ok(glance) => glance,
        Err(absence) => {
            return json!({
                "andon": env!("CARGO_PKG_VERSION"), "moment": moment, "sources": [], "worst": "unknown",
                "down": null, "degraded": null, "unknown": null, "ok": null, "services": null, "incidents": null,
                "unacked": null, "next_release_s": null, "freeze": null, "age_s": null, "stale": true,
                "message": absence.words(),
            });
        }
    };
    let known = !glance.is_gone(now);
    let count = |n: usize| if known { json!(n) } else { Value::Null };
    let v = &glance.verdict;
    let sources: Vec<Value> = glance.sources.iter().map(|s| source(s, now)).collect();
    json!({
        "andon": env!("CARGO_PKG_VERSION"),
        "moment": moment,
        "sources": sources,
        "worst": glance.worst(now).word(),
        "services": glance.services,
        "ok": count(ok(glance)),
        "down": count(v.down),
        "degraded": count(v.degraded),
        "unknown": count(v.unknown),
        "maintenance": count(v.maintained),
        "dead_man": glance.dead.iter().map(crate::model::Clean::as_str).collect::<Vec<_>>(),
        "named": v.named.iter().map(crate::model::Name::as_str).collect::<Vec<_>>(),
        "incidents": count(v.incidents),
        "unacked": count(v.unacked),
        "incident": some(glance.incident.as_str()),
        "on_call": some(glance.on_call.as_str()),
        "next_release": glance.release.as_ref().map(|(title, _)| title.as_str()),
        "next_release_s": glance.release.as_ref().map(|(_, at)| at.saturating_sub(now)).filter(|s| *s > 0),
        "freeze": freeze(glance, now),
        "age_s": glance.age(now),
        "stale": glance.is_stale(now),
    })
}

/// A source as in every document of the machine output.
fn source(source: &Upstream, now: i64) -> Value {
    let age = source.last_ok.map(|at| now.saturating_sub(at).max(0));
    let good = [Status::Ok.word(), Status::Partial.word()].contains(&source.status.as_str());
    let stale = good && age.is_some_and(|age| age > source.stale_after);
    let status = if stale { Status::Stale.word() } else { source.status.as_str() };
    json!({
        "name": source.name.as_str(),
        "kind": source.kind.as_str(),
        "status": status,
        "age_s": age,
        "message": some(source.message.as_str()),
    })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The freeze, unless it ended since.
fn freeze(glance: &Glance, now: i64) -> Option<&str> {
    let (name, until) = glance.freeze.as_ref()?;
    until.is_none_or(|until| now < until).then_some(name.as_str())
}

/// Services of which nothing else is said.
fn ok(glance: &Glance) -> usize {
    let v = &glance.verdict;
    let not = v.down + v.degraded + v.unknown + v.stale + v.folded + v.maintained;
    glance.services.saturating_sub(not)
}

fn moment(now: i64) -> String {
    Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
