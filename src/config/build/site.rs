//! What the building steps share: the texts, the problems found so far, and how written words become values.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use crate::config::problem::{Located, nearest};
use crate::config::raw;
use crate::config::read::read;
use crate::config::secret::{Secret, below};
use crate::config::tree::{Texts, Value};
use crate::config::zone;
use crate::model::{Bound, Link};

const SHORTEST: Duration = Duration::from_secs(1);

/// What the building steps share.
pub struct Site<'a> {
    pub texts: &'a Texts,
    pub problems: &'a mut Vec<Located>,
}

impl Site<'_> {
    pub fn problem(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.problems.push(self.texts.locate(Some(span), message.into(), hint));
    }

    pub fn read<T: serde::de::DeserializeOwned>(&mut self, value: &Value) -> Option<T> {
        read(value, self.texts, self.problems)
    }

    pub fn duration(&mut self, text: Option<&raw::Text>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match SignedDuration::from_str(text.get_ref()).ok().and_then(|d| Duration::try_from(d).ok())
        {
            Some(d) if d >= SHORTEST => d,
            Some(_) => {
                self.problem(
                    &text.span(),
                    "shorter than a second",
                    Some("1s is the shortest".to_owned()),
                );
                default
            }
            None => {
                self.problem(
                    &text.span(),
                    "no duration",
                    Some("write it like \"15s\", \"5m\" or \"1h 30m\"".to_owned()),
                );
                default
            }
        }
    }

    pub fn zone(&mut self, text: &raw::Text) -> Option<TimeZone> {
        // Anywhere on Earth: a deadline has passed when it has passed everywhere.
        let name = if text.get_ref() == "AoE" { "Etc/GMT+12" } else { text.get_ref() };
        let zone = zone::named(name);
        if zone.is_none() {
            let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
            let near = nearest(name, names.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"));
            self.problem(
                &text.span(),
                format!("no time zone is called `{name}`"),
                near.or(Some("an IANA name such as Europe/London, or UTC".to_owned())),
            );
        }
        zone
    }

    pub fn secret(&mut self, text: &raw::Text) -> Option<Secret> {
        let span = text.span();
        match Secret::parse(text.get_ref(), &self.texts.folder(&span)) {
            Ok(Secret::Inline(_)) if self.texts.of(&span).is_some_and(|t| t.readable_by_others) => {
                let file =
                    self.texts.of(&span).map(|t| t.file.display().to_string()).unwrap_or_default();
                let hint = format!(
                    "use \"env:NAME\", \"file:PATH\" or \"cmd:PROGRAM\", or: chmod 600 {file}"
                );
                self.problem(
                    &span,
                    "a secret written out in a file that other users can read",
                    Some(hint),
                );
                None
            }
            Ok(secret) => Some(secret),
            Err(message) => {
                self.problem(&span, message, None);
                None
            }
        }
    }

    pub fn path(&self, text: &raw::Text) -> PathBuf {
        below(&self.texts.folder(&text.span()), text.get_ref())
    }

    pub fn link(&mut self, text: Option<&raw::Text>) -> Option<Link> {
        let text = text?;
        let link = Link::parse(text.get_ref());
        if link.is_none() {
            self.problem(&text.span(), "no http(s) address", None);
        }
        link
    }

    pub fn bound(&mut self, text: Option<&raw::Text>) -> Option<Bound> {
        let text = text?;
        let bound = Bound::parse(text.get_ref());
        if bound.is_none() {
            self.problem(
                &text.span(),
                "no comparison",
                Some("write it like \"< 0.3\" or \">= 99.9\"".to_owned()),
            );
        }
        bound
    }
}

impl Site<'_> {
    /// `30d`: days of 24 hours, as the budget arithmetic wants.
    pub fn duration_of_days(&mut self, text: &raw::Text) -> Option<SignedDuration> {
        let days = jiff::Span::from_str(text.get_ref())
            .ok()
            .and_then(|s| s.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        if days.is_none_or(|d| d <= SignedDuration::ZERO) {
            self.problem(
                &text.span(),
                "no window",
                Some("write it like \"30d\" or \"28d\"".to_owned()),
            );
            return None;
        }
        days
    }
}

/// The elements of a list of tables; `[source]` for `[[source]]` is a slip worth a hint.
pub fn list<'v>(value: Option<&'v Value>, site: &mut Site<'_>) -> Vec<&'v Value> {
    match value.map(|v| (v, v.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Array(elements))) => elements.iter().collect(),
        Some((value, _)) => {
            site.problem(
                &value.span(),
                "expected a list of tables",
                Some("double the brackets: [[…]]".to_owned()),
            );
            Vec::new()
        }
    }
}

pub fn unique<'t>(names: impl Iterator<Item = &'t raw::Text>, what: &str, site: &mut Site<'_>) {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if name.get_ref().trim().is_empty() {
            site.problem(&name.span(), format!("a {what} needs a name"), None);
        } else if !seen.insert(name.get_ref()) {
            site.problem(&name.span(), format!("another {what} has this name"), None);
        }
    }
}

pub fn known(text: &raw::Text, among: &[&str], what: &str, site: &mut Site<'_>) -> bool {
    let known = among.contains(&text.get_ref().as_str());
    if !known {
        let hint = match nearest(text.get_ref(), among.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if among.is_empty() => format!("there is no {what} that could be meant"),
            None => {
                let mut names = among.to_vec();
                names.sort_unstable();
                names.dedup();
                format!("there are: {}", names.join(", "))
            }
        };
        site.problem(&text.span(), format!("no {what} is called `{}`", text.get_ref()), Some(hint));
    }
    known
}
