//! An issue that is a post-mortem: its text is read like a document's, and its labels, author and day stand where that is silent.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::document::text;
use crate::model::{Clean, Dated, Found, Key, Link, PostMortem, Rated, ReadFrom, Severity};

/// What a tracker tells of an issue.
#[derive(Debug)]
pub struct Issue<'a> {
    pub key: Key,
    /// How people call it: `acme/shop#12`.
    pub name: String,
    pub title: &'a str,
    pub body: &'a str,
    pub created: Option<Timestamp>,
    pub author: Clean,
    pub labels: Vec<&'a str>,
    /// `open`, `closed`, in the tracker's word.
    pub state: Clean,
    pub url: Option<Link>,
}

/// Reads an issue; `now` is the moment of the poll.
pub fn issue(issue: Issue<'_>, now: Timestamp) -> PostMortem {
    let day = |at| TimeZone::UTC.to_datetime(at).date();
    let mut found = text(issue.key, &issue.name, issue.title, issue.body, day(now));
    let told = |value: Clean| Found::new(value, ReadFrom::Upstream);
    if found.dated.is_none()
        && let Some(created) = issue.created
    {
        let date = Found::new(day(created), ReadFrom::Upstream);
        found.dated = Some(Dated { date, conflicts: Vec::new() });
    }
    if found.severity.is_none() {
        found.severity = issue.labels.iter().find_map(|label| severity(label)).map(|level| {
            let word = Clean::line(level.0);
            Found::new(Rated { word, level: Some(level.1) }, ReadFrom::Upstream)
        });
    }
    if found.services.is_empty() {
        let named =
            issue.labels.iter().filter_map(|label| after(label, &["service", "component", "area"]));
        found.services = named.map(|name| told(Clean::line(name))).collect();
    }
    if found.authors.is_empty() && !issue.author.is_empty() {
        found.authors.push(told(issue.author));
    }
    if found.status.is_none() && !issue.state.is_empty() {
        found.status = Some(told(issue.state));
    }
    found.url = issue.url.or(found.url);
    found
}

/// `sev-1`, `severity: high`, `Severity/2`, `P1`; a label of another meaning is none.
fn severity(label: &str) -> Option<(String, Severity)> {
    let word = after(label, &["severity", "sev", "priority"]).unwrap_or(label);
    let own = word.len() < label.len();
    let short = word.len() <= 6 && word.chars().any(|c| c.is_ascii_digit());
    let level = (own || short).then(|| Severity::parse(word)).flatten()?;
    Some((label.to_owned(), level))
}

/// What follows `service:`, `service/` or `service::` in a label.
fn after<'a>(label: &'a str, names: &[&str]) -> Option<&'a str> {
    let (name, rest) = label.split_once([':', '/'])?;
    let word = rest.trim_start_matches(':').trim();
    let known = names.iter().any(|n| name.trim().eq_ignore_ascii_case(n));
    (known && !word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;

    fn read(body: &str, labels: &[&str]) -> PostMortem {
        let told = Issue {
            key: Key::new(&Name::new("gh"), "repos/acme/shop/issues/12"),
            name: "acme/shop#12".to_owned(),
            title: "Checkout was down",
            body,
            created: "2026-03-04T10:00:00Z".parse().ok(),
            author: "ada".into(),
            labels: labels.to_vec(),
            state: "closed".into(),
            url: Link::parse("https://github.com/acme/shop/issues/12"),
        };
        issue(told, "2026-11-22T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_issue_is_read_like_a_document() {
        let p = read(
            "## Root cause\nA full disk.\n\n## Actions\n- [x] alert @ben\n",
            &["postmortem", "sev-2", "service: checkout"],
        );
        assert_eq!((p.title.as_str(), p.titled), ("Checkout was down", ReadFrom::Upstream));
        assert_eq!(p.date().unwrap().to_string(), "2026-03-04");
        assert_eq!((p.level(), p.services[0].value.as_str()), (Some(Severity(2)), "checkout"));
        assert_eq!(p.root_cause.unwrap().value.as_str(), "A full disk.");
        assert_eq!((p.actions.len(), p.authors[0].value.as_str()), (1, "ada"));
    }

    #[test]
    fn what_the_text_says_comes_before_labels_and_days() {
        let p = read("**Date:** 2026-03-01\n**Severity:** Critical\n", &["P3"]);
        assert_eq!(
            (p.date().unwrap().to_string().as_str(), p.level()),
            ("2026-03-01", Some(Severity(1)))
        );
        assert_eq!(read("", &["high-five", "error"]).level(), None);
    }
}
