//! The user's own line: `{down|✖ {} down }`, read once and filled at each reading.

use jiff::SignedDuration;

use super::{Format, Glance, Wish, brackets, escaped, freeze, line, mark, ok, old};
use crate::insight::words::span;

/// A template that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// The user's own characters: markup of the format is left to act.
    Text(String),
    Field(usize),
    /// Shown when the field says something: neither empty nor 0.
    When(usize, Vec<Part>),
    /// `{}` inside `When`: its field.
    Itself,
}

/// What a field is, for the help and for errors.
type Row = (&'static str, &'static str);

/// Every field, with what it says.
pub const FIELDS: &[Row] = &[
    ("line", "the whole line as it would be without a template"),
    ("worst", "ok, degraded, down or unknown"),
    ("mark", "the shape of the worst: ● ▲ ✖ ?"),
    ("services", "how many services there are"),
    ("ok", "how many of them are ok"),
    ("down", "how many are down"),
    ("degraded", "how many are degraded"),
    ("unknown", "of how many nothing is known"),
    ("dead", "an expected alert that does not arrive: alerting is broken"),
    ("names", "the first of the worst, by name"),
    ("incidents", "open incidents"),
    ("unacked", "open incidents that nobody has"),
    ("incident", "title of the open incident that needs somebody most"),
    ("on_call", "who is on call"),
    ("freeze", "the freeze that is on"),
    ("release", "title of the next planned release"),
    ("next_release", "time until then"),
    ("next_release_s", "the same in seconds"),
    ("silent", "sources that fail or say nothing"),
    ("sources", "how many sources there are"),
    ("stale", "`4 m old`, or nothing while fresh"),
    ("age", "age of the answers"),
    ("age_s", "the same in seconds"),
    ("team", "the team's name"),
    ("colour", "begins the colour of the worst"),
    ("plain", "ends it"),
];

/// Characters a template may have.
const CAP: usize = 4096;
/// `{a|{b|…}}` may nest this deep.
const DEPTH: usize = 4;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// In words, with the nearest field where one was meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > CAP {
            return Err(format!("longer than {CAP} bytes"));
        }
        let mut rest = text;
        let parts = parts(&mut rest, 0)?;
        if rest.is_empty() { Ok(Self(parts)) } else { Err("a `}` too many: }} is one".to_owned()) }
    }

    pub(super) fn fill(&self, glance: &Glance, wish: &Wish<'_>) -> String {
        let mut out = String::new();
        fill(&self.0, "", glance, wish, &mut out);
        out
    }
}

fn parts(rest: &mut &str, depth: usize) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut text = String::new();
    while let Some(c) = rest.chars().next() {
        let doubled = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}"));
        // Inside a condition `}}` may be its own end and that of a field before it.
        if let Some(after) = doubled.filter(|_| c == '{' || depth == 0) {
            text.push(c);
            *rest = after;
        } else if c == '}' {
            break;
        } else if let Some(after) = rest.strip_prefix('{') {
            *rest = after;
            if !text.is_empty() {
                out.push(Part::Text(std::mem::take(&mut text)));
            }
            out.push(field(rest, depth)?);
        } else {
            // A control character has no business in one line of somebody's bar.
            if !c.is_control() {
                text.push(c);
            }
            *rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    if !text.is_empty() {
        out.push(Part::Text(text));
    }
    Ok(out)
}

fn field(rest: &mut &str, depth: usize) -> Result<Part, String> {
    let end = rest.find(['|', '}']).ok_or("a `{` without its `}`: {{ is one")?;
    let name = rest.get(..end).unwrap_or("").trim();
    let closed = rest.get(end..).unwrap_or("").starts_with('}');
    *rest = rest.get(end + 1..).unwrap_or("");
    if name.is_empty() && closed && depth > 0 {
        return Ok(Part::Itself);
    }
    let at = FIELDS.iter().position(|(known, _)| *known == name).ok_or_else(|| unknown(name))?;
    if closed {
        return Ok(Part::Field(at));
    }
    if depth == DEPTH {
        return Err(format!("conditions nest deeper than {DEPTH}"));
    }
    let inner = parts(rest, depth + 1)?;
    *rest = rest.strip_prefix('}').ok_or("a `{` without its `}`")?;
    Ok(Part::When(at, inner))
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
    format!("there is no field `{}`; fields are {}", name.escape_debug(), names.join(", "))
}

fn fill(parts: &[Part], own: &str, glance: &Glance, wish: &Wish<'_>, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Field(at) => out.push_str(&value(*at, glance, wish)),
            Part::Itself => out.push_str(own),
            Part::When(at, inner) => {
                let value = value(*at, glance, wish);
                if !value.is_empty() && value != "0" {
                    fill(inner, &value, glance, wish, out);
                }
            }
        }
    }
}

/// A field's value, escaped for the format.
fn value(at: usize, glance: &Glance, wish: &Wish<'_>) -> String {
    let now = wish.now;
    let known = !glance.is_gone(now);
    // Never a made-up zero.
    let count = |n: usize| if known { n.to_string() } else { "?".to_owned() };
    let until = |at: i64| at.saturating_sub(now);
    let release = glance.release.as_ref().filter(|(_, at)| until(*at) > 0);
    let said = |seconds: i64| span(SignedDuration::from_secs(seconds));
    let worst = glance.worst(now);
    let v = &glance.verdict;
    let name = FIELDS.get(at).map_or("", |(name, _)| *name);
    let text = match name {
        "worst" => worst.word().to_owned(),
        "mark" => mark(worst, wish.ascii).to_owned(),
        "services" => glance.services.to_string(),
        "ok" => count(ok(glance)),
        "down" => count(v.down),
        "degraded" => count(v.degraded),
        "unknown" => count(v.unknown),
        "dead" => glance.dead.first().map(ToString::to_string).unwrap_or_default(),
        "names" => v.named.iter().map(crate::model::Name::as_str).collect::<Vec<_>>().join(", "),
        "incidents" => count(v.incidents),
        "unacked" => count(v.unacked),
        "incident" => glance.incident.to_string(),
        "on_call" => glance.on_call.to_string(),
        "freeze" => freeze(glance, now).unwrap_or("").to_owned(),
        "release" => release.map(|(title, _)| title.to_string()).unwrap_or_default(),
        "next_release" => release.map(|(_, at)| said(until(*at))).unwrap_or_default(),
        "next_release_s" => release.map(|(_, at)| until(*at).to_string()).unwrap_or_default(),
        "silent" => (v.failing_sources + v.stale_sources).to_string(),
        "sources" => v.sources.to_string(),
        "stale" => old(glance, now),
        "age" => glance.age(now).map_or_else(|| "?".to_owned(), said),
        "age_s" => glance.age(now).map_or_else(|| "?".to_owned(), |age| age.to_string()),
        "team" => glance.team.to_string(),
        // Already painted and escaped, and what begins and ends a colour must act.
        "line" => return inner_line(glance, wish),
        "colour" => return brackets(worst, wish.format).0.to_owned(),
        "plain" => return brackets(worst, wish.format).1.to_owned(),
        _ => String::new(),
    };
    escaped(&text, wish.format).into_owned()
}

/// The default line inside a template: waybar's JSON is put around the whole later.
fn inner_line(glance: &Glance, wish: &Wish<'_>) -> String {
    if wish.format == Format::Waybar {
        return super::painted(&super::pieces(glance, wish), Format::Waybar);
    }
    line(Ok(glance), &Wish { template: None, ..*wish })
}
