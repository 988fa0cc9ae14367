//! Issues, pull requests and tickets that actions link to: what each is called everywhere, and how its tracker says it fares.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Action, ActionState, Clean, Fact, Feed, Key, Link, PostMortem, Report, SourceName};

/// An issue, as its tracker tells it. Its id is what it is called everywhere: `github.com/acme/shop#7`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ticket {
    pub key: Key,
    /// `acme/shop#7`, `OPS-12`.
    pub name: Clean,
    pub title: Clean,
    pub state: TicketState,
    /// The tracker's own word: `closed`, `merged`, `In Review`.
    pub word: Clean,
    /// Those it is assigned to.
    pub who: Vec<Clean>,
    pub closed: Option<Timestamp>,
    pub url: Option<Link>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketState {
    /// So are those whose word nobody knows.
    Open,
    Done,
    /// Closed without being done: not planned, a duplicate, a pull request that was not merged.
    Dropped,
}

/// What people call an issue at this address: `acme/shop#7`, `OPS-12`; `None` where it is no issue's address.
pub fn reference(address: &str) -> Option<String> {
    let rest = address.split_once("://")?.1;
    let path = rest.split(['?', '#']).next()?;
    let parts: Vec<&str> = path.split('/').skip(1).filter(|p| !p.is_empty() && *p != "-").collect();
    let at = parts.iter().position(|p| {
        matches!(
            *p,
            "issues" | "pull" | "pulls" | "merge_requests" | "browse" | "issue" | "work_items"
        )
    })?;
    let id = parts.get(at + 1)?;
    let is_number = id.chars().all(|c| c.is_ascii_digit());
    match *parts.get(at)? {
        "browse" | "issue" => id.contains(|c: char| c.is_ascii_digit()).then(|| (*id).to_owned()),
        kind if is_number && at > 0 => {
            let mark = if kind == "merge_requests" { '!' } else { '#' };
            Some(format!("{}{mark}{id}", parts.get(..at)?.join("/")))
        }
        _ => None,
    }
}

/// What the issue at an address is called everywhere, in lower case: `github.com/acme/shop#7`, `jira.example/ops-12`.
fn everywhere(address: &str) -> Option<String> {
    let host = address.split_once("://")?.1.split(['/', '?', '#']).next()?;
    Some(format!("{host}/{}", reference(address)?).to_lowercase())
}

/// What the issue of an action is called everywhere. A bare key of a project, `ops-12`, is a name as well; a bare number
/// is one only in a document that is an issue itself: it counts in the same repository.
pub fn called(p: &PostMortem, action: &Action) -> Option<Box<str>> {
    if let Some(link) = &action.link {
        return everywhere(link.as_str()).map(String::into_boxed_str);
    }
    let name = action.reference.as_ref()?.as_str().to_lowercase();
    if let Some(number) = name.strip_prefix('#') {
        let own = everywhere(p.url.as_ref()?.as_str())?;
        let repo = own.rsplit_once('#')?.0;
        return Some(format!("{repo}#{number}").into());
    }
    name.contains('-').then(|| name.into())
}

/// Names asked for at most: those of open actions come first, of these the newest documents'.
const MOST: usize = 1_000;

/// The issues that documents link to, by document: what trackers are asked about.
#[derive(Debug, Clone, Default)]
pub struct Linked(BTreeMap<Key, Links>);

#[derive(Debug, Clone)]
struct Links {
    date: Option<Date>,
    /// Whether the document itself calls its action open, and the name.
    names: Vec<(bool, Box<str>)>,
}

impl Linked {
    pub fn of<'a>(papers: impl IntoIterator<Item = &'a PostMortem>) -> Self {
        let mut linked = Self::default();
        papers.into_iter().for_each(|p| linked.add(p));
        linked
    }

    fn add(&mut self, p: &PostMortem) {
        let open = |a: &Action| a.state == ActionState::Open;
        let names = p.actions.iter().filter_map(|a| Some((open(a), called(p, a)?)));
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            self.0.remove(&p.key);
        } else {
            self.0.insert(p.key.clone(), Links { date: p.date(), names });
        }
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Takes in what one source told: documents read anew, and those that are gone.
    pub fn learn(&mut self, source: &SourceName, report: &Report) {
        let mut told = BTreeSet::new();
        for fact in &report.facts {
            if let Fact::PostMortem(p) = fact {
                self.add(p);
                told.insert(&p.key.id);
            }
        }
        if report.complete.contains(&Feed::PostMortems) {
            let still = report.still.iter().filter(|(feed, _)| *feed == Feed::PostMortems);
            told.extend(still.map(|(_, id)| id));
            self.0.retain(|key, _| key.source != *source || told.contains(&key.id));
        }
    }

    /// Every name once, the most wanted first.
    pub fn wanted(&self) -> Vec<Box<str>> {
        let all = self.0.values().flat_map(|links| {
            links.names.iter().map(|(open, name)| (!open, std::cmp::Reverse(links.date), name))
        });
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        let mut seen = BTreeSet::new();
        let names = all.into_iter().map(|(.., name)| name).filter(|name| seen.insert(*name));
        names.take(MOST).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, ReadFrom};

    fn action(state: ActionState, link: &str, reference: &str) -> Action {
        Action {
            text: "x".into(),
            owner: None,
            due: None,
            state,
            link: Link::parse(link),
            reference: (!reference.is_empty()).then(|| Clean::line(reference)),
            group: None,
            place: ReadFrom::List,
            line: 0,
        }
    }

    fn paper(id: &str, actions: Vec<Action>) -> PostMortem {
        let key = Key::new(&Name::new("reviews"), id);
        PostMortem { actions, ..PostMortem::new(key, Clean::line(id), Clean::line(id), "".into()) }
    }

    #[test]
    fn an_issue_has_one_name_however_it_is_linked() {
        let p = paper("p", Vec::new());
        let name = |link: &str, reference: &str| {
            called(&p, &action(ActionState::Open, link, reference)).map(String::from)
        };
        for (link, called) in [
            (
                "https://github.com/Acme/Shop/issues/7#issuecomment-1",
                Some("github.com/acme/shop#7"),
            ),
            ("https://github.com/acme/shop/pull/7/files", Some("github.com/acme/shop#7")),
            ("https://gitlab.example:8443/a/b/c/-/issues/7", Some("gitlab.example:8443/a/b/c#7")),
            ("https://gitlab.example/a/b/-/merge_requests/7", Some("gitlab.example/a/b!7")),
            ("https://jira.example/jira/browse/OPS-12?focused=1", Some("jira.example/ops-12")),
            ("https://wiki.example/runbook", None),
        ] {
            assert_eq!(name(link, "").as_deref(), called, "{link}");
        }
        assert_eq!(name("", "OPS-12").as_deref(), Some("ops-12"));
        assert_eq!(name("", "#7"), None, "nobody knows of which repository");
        let own = PostMortem { url: Link::parse("https://github.com/acme/shop/issues/3"), ..p };
        let bare = action(ActionState::Open, "", "#7");
        assert_eq!(called(&own, &bare).as_deref(), Some("github.com/acme/shop#7"));
    }

    #[test]
    fn what_open_actions_link_to_is_wanted_first_and_documents_that_went_want_nothing() {
        use ActionState::{Done, Open};
        let link = |n: u8| format!("https://github.com/acme/shop/issues/{n}");
        let a = paper("a", vec![action(Done, &link(1), ""), action(Open, &link(2), "")]);
        let b = paper("b", vec![action(Open, &link(2), ""), action(Open, &link(3), "")]);
        let mut linked = Linked::of([&a, &b]);
        let told = |linked: &Linked| -> Vec<String> {
            let names = linked.wanted();
            names.iter().map(|n| n.trim_start_matches("github.com/acme/").to_owned()).collect()
        };
        assert_eq!(told(&linked), ["shop#2", "shop#3", "shop#1"]);
        let report = Report {
            still: vec![(Feed::PostMortems, a.key.id.clone())],
            complete: vec![Feed::PostMortems],
            ..Report::default()
        };
        linked.learn(&Name::new("another"), &report);
        assert_eq!(told(&linked).len(), 3, "what another source has says nothing of these");
        linked.learn(&Name::new("reviews"), &report);
        assert_eq!(told(&linked), ["shop#2", "shop#1"]);
    }
}
