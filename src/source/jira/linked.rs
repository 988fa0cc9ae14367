//! Issues that post-mortems link to or name by their key: each asked for by itself, which Cloud and Data Center answer alike.

use super::{Jira, judge};
use crate::model::{Clean, Key, Link, Status, Ticket, TicketState, Trouble};
use crate::source::rows::{self, Gaps, Row};
use crate::source::tracked::Turn;
use crate::source::{Asking, Exchange, Http, Reading, Request, Source, wire};

/// Issues of one poll, each a request.
const A_TURN: usize = 20;

/// A name as documents have it, and the key it means.
#[derive(Debug)]
struct Wanted {
    id: Box<str>,
    key: String,
}

#[derive(Debug)]
struct Linked {
    jira: Jira,
    wanted: Vec<Wanted>,
}

pub fn tracking(jira: &Jira, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
    let host = jira.base.host_str()?;
    let port = jira.base.port().map(|port| format!(":{port}")).unwrap_or_default();
    let home = format!("{host}{port}/").to_lowercase();
    let of_here = |id: &str| {
        let linked = id.strip_prefix(&*home);
        let key = linked.unwrap_or(id).to_uppercase();
        let (project, number) = key.rsplit_once('-')?;
        let is_key = super::is_key(project)
            && (1..=9).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit());
        // A key alone may be of any tracker: it is this one's where its project is.
        let here = linked.is_some() || jira.projects.iter().any(|known| known == project);
        (is_key && here).then(|| Wanted { id: id.into(), key })
    };
    let mut wanted: Vec<Wanted> = wanted.iter().filter_map(|id| of_here(id)).collect();
    let mut seen = std::collections::BTreeSet::new();
    wanted.retain(|one| seen.insert(one.key.clone()));
    (!wanted.is_empty())
        .then(|| -> Box<dyn Source> { Box::new(Linked { jira: jira.clone(), wanted }) })
}

impl Source for Linked {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let turn = self.turn(asking);
        let one = |wanted: &Wanted| {
            let path = format!("rest/api/2/issue/{}", wanted.key);
            let mut url = wire::join(&self.jira.base, &path);
            url.query_pairs_mut()
                .append_pair("fields", "summary,status,resolution,resolutiondate,assignee");
            let http = Http::get(tag(wanted), url).header("accept", "application/json");
            Request::Http(http.conditional())
        };
        self.at(turn.places()).map(one).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let turn = self.turn(asking);
        let one = |wanted: &Wanted| {
            let Some(exchange) = wire::heard(heard, &tag(wanted)) else { return Ok(None) };
            match judge(exchange) {
                Ok(answer) => {
                    let Some(raw) = rows::items_as_one(&answer.body) else { return Ok(None) };
                    let read =
                        Gaps::default().read("", &[raw], |row| Some(self.ticket(wanted, row)));
                    Ok(read.into_iter().next())
                }
                Err(trouble) if trouble.status == Status::NotFound => Ok(None),
                Err(trouble) => Err(trouble),
            }
        };
        let told = self.at(turn.places()).map(one).collect();
        Ok(turn.told(asking, told))
    }
}

fn tag(wanted: &Wanted) -> String {
    format!("linked/{}", wanted.key)
}

impl Linked {
    fn turn(&self, asking: &Asking<'_>) -> Turn {
        let names: Vec<&str> = self.wanted.iter().map(|w| w.key.as_str()).collect();
        Turn::of(asking, &names, A_TURN)
    }

    fn at<'a>(&'a self, places: &'a [usize]) -> impl Iterator<Item = &'a Wanted> {
        places.iter().filter_map(|i| self.wanted.get(*i))
    }

    /// A status is any team's own word; the category it belongs to is one of `new`, `indeterminate` and `done`.
    fn ticket(&self, wanted: &Wanted, row: &Row<'_>) -> Ticket {
        let ended = row.raw("/fields/status/statusCategory/key") == "done";
        let why = row.raw("/fields/resolution/name").to_lowercase();
        let dropped = ["won't", "wont", "duplicate", "cannot reproduce", "declined", "rejected"];
        let state = match ended {
            true if dropped.iter().any(|word| why.contains(word)) => TicketState::Dropped,
            true => TicketState::Done,
            false => TicketState::Open,
        };
        let status = row.text("/fields/status/name");
        let word = if state == TicketState::Dropped {
            Clean::line(format_args!("{status} ({})", row.text("/fields/resolution/name")))
        } else {
            status
        };
        let url = wire::join(&self.jira.base, &format!("browse/{}", wanted.key));
        Ticket {
            key: Key::new(&self.jira.name, &*wanted.id),
            name: Clean::line(&wanted.key),
            title: row.text("/fields/summary"),
            state,
            word,
            who: [row.text("/fields/assignee/displayName")]
                .into_iter()
                .filter(|who| !who.is_empty())
                .collect(),
            closed: row.time("/fields/resolutiondate").filter(|_| ended),
            url: Link::parse(url.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, SourceName};
    use crate::source::wire::testing::reply;
    use std::collections::BTreeMap;
    use url::Url;

    fn linked(names: &[&str]) -> Option<Box<dyn Source>> {
        let jira = Jira {
            name: SourceName::new("jira"),
            base: Url::parse("https://jira.example/jira").unwrap(),
            projects: vec!["SHOP".to_owned()],
        };
        let names: Vec<Box<str>> = names.iter().map(|n| (*n).into()).collect();
        tracking(&jira, &names)
    }

    #[test]
    fn keys_of_its_projects_and_links_to_it_are_asked_for_and_a_status_counts_by_its_category() {
        let names =
            ["jira.example/ops-12", "shop-3", "shop-4", "web-1", "other.example/shop-5", "a#1"];
        let source = linked(&names).unwrap();
        let memory = BTreeMap::new();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round: 0, memory: &memory };
        let asked = source.ask(&asking);
        let bodies = [
            r#"{"fields":{"summary":"Pool","status":{"name":"Ausgeliefert","statusCategory":{"key":"done"}},
                "resolution":{"name":"Fixed"},"resolutiondate":"2026-03-04T10:00:00.000+0000","assignee":{"displayName":"Ada"}}}"#,
            r#"{"fields":{"summary":"Probe","status":{"name":"Done","statusCategory":{"key":"done"}},"resolution":{"name":"Won't Do"}}}"#,
            r#"{"fields":{"status":{"name":"Done","statusCategory":{"key":"indeterminate"}},"assignee":null}}"#,
        ];
        let heard: Vec<Exchange> =
            asked.iter().zip(bodies).map(|(request, body)| reply(request, 200, body)).collect();
        let paths = asked.iter().map(|r| match r {
            Request::Http(http) => http.url.path().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            paths.collect::<Vec<_>>(),
            ["OPS-12", "SHOP-3", "SHOP-4"].map(|key| format!("/jira/rest/api/2/issue/{key}"))
        );
        let Ok(Reading::Done(report)) = source.read(&asking, &heard) else { panic!("not done") };
        let words = |fact: &Fact| {
            let Fact::Ticket(t) = fact else { panic!("{fact:?}") };
            format!("{} {:?} {} {:?}", t.name, t.state, t.word, t.who)
        };
        assert_eq!(
            report.facts.iter().map(words).collect::<Vec<_>>(),
            [
                r#"OPS-12 Done Ausgeliefert ["Ada"]"#,
                "SHOP-3 Dropped Done (Won't Do) []",
                "SHOP-4 Open Done []",
            ]
        );
        assert!(linked(&["web-1"]).is_none(), "another project's key may be another tracker's");
    }

    #[test]
    fn a_refusal_tells_nothing_of_any_of_them() {
        let source = linked(&["shop-3", "shop-4"]).unwrap();
        let memory = BTreeMap::new();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round: 0, memory: &memory };
        let asked = source.ask(&asking);
        let heard = [reply(&asked[0], 404, "{}"), reply(&asked[1], 401, "{}")];
        let Ok(Reading::Done(report)) = source.read(&asking, &heard) else { panic!("not done") };
        assert!(report.facts.is_empty() && report.complete.is_empty());
        assert!(report.notes[0].as_str().starts_with("linked issues: "), "{:?}", report.notes);
    }
}
