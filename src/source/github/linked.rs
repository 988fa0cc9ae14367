//! Issues and pull requests that post-mortems link to, in any repository of the same site: one query asks about fifty of them.

use serde_json::json;

use super::graphql::{self, Verdict};
use super::repo::Repo;
use super::{GitHub, NO_GRAPHQL, NO_REST, answer, rests};
use crate::model::{Clean, Key, Link, Status, Ticket, TicketState, Trouble};
use crate::source::rows::{self, Gaps, Row};
use crate::source::tracked::Turn;
use crate::source::{Asking, Exchange, Reading, Request, Source, wire};

/// Issues asked about by one query: some three hundred nodes, which cost a point.
const A_QUERY: usize = 50;
/// Requests of one poll where there is no GraphQL: one for each issue.
const BY_REST: usize = 20;
const TAG: &str = "linked";

/// Of an issue or a pull request, which share their numbers.
const FIELDS: &str = "{__typename \
... on Issue{title state stateReason closedAt url assignees(first:5){nodes{login}}} \
... on PullRequest{title state closedAt url assignees(first:5){nodes{login}}}}";

/// An issue of this site.
#[derive(Debug, Clone)]
struct Wanted {
    /// What it is called everywhere.
    id: Box<str>,
    repo: Repo,
    number: u64,
}

#[derive(Debug)]
struct Linked {
    github: GitHub,
    wanted: Vec<Wanted>,
}

pub fn tracking(github: &GitHub, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
    let site = super::site(&github.base)?;
    let host = site.host_str()?;
    let host = site.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let of_site = |id: &str| {
        let (repo, number) = id.strip_prefix(&*host)?.strip_prefix('/')?.split_once('#')?;
        // Larger numbers are refused with the whole query.
        let number = number.parse().ok().filter(|n| *n <= 2_147_483_647)?;
        Some(Wanted { id: id.into(), repo: Repo::parse(repo).ok()?.at(Some(&site)), number })
    };
    let wanted: Vec<Wanted> = wanted.iter().filter_map(|id| of_site(id)).collect();
    (!wanted.is_empty())
        .then(|| -> Box<dyn Source> { Box::new(Linked { github: github.clone(), wanted }) })
}

impl Source for Linked {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let turn = self.turn(asking);
        let places = turn.places();
        if places.is_empty() {
            Vec::new()
        } else if by_rest(asking) {
            self.singly(places)
        } else {
            vec![self.github.post(TAG.to_owned(), self.body(places))]
        }
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let turn = self.turn(asking);
        if turn.places().is_empty() {
            return Ok(turn.told(asking, Ok(Vec::new())));
        }
        let told = match wire::heard(heard, TAG) {
            None => self.tell_rest(turn.places(), asking, heard),
            Some(exchange) => match graphql::verdict(exchange, asking.now) {
                Verdict::Told(told) => Ok(self.tell(turn.places(), &told)),
                Verdict::Unavailable { words, .. } => {
                    Err(Trouble::new(Status::Partial, format!("no GraphQL ({words})")))
                }
                Verdict::Failed(trouble) => Err(trouble),
            },
        };
        Ok(turn.told(asking, told))
    }
}

/// Where there is no GraphQL for now; where REST rests as well, it is GraphQL that is tried.
fn by_rest(asking: &Asking<'_>) -> bool {
    rests(asking, NO_GRAPHQL).is_some() && rests(asking, NO_REST).is_none()
}

impl Linked {
    fn turn(&self, asking: &Asking<'_>) -> Turn {
        let names: Vec<&str> = self.wanted.iter().map(|w| &*w.id).collect();
        Turn::of(asking, &names, if by_rest(asking) { BY_REST } else { A_QUERY })
    }

    fn at<'a>(&'a self, places: &'a [usize]) -> impl Iterator<Item = (usize, &'a Wanted)> {
        places.iter().filter_map(|i| Some((*i, self.wanted.get(*i)?)))
    }

    /// Each issue below its repository: names and numbers are variables, so that nothing of a document becomes a query.
    fn body(&self, places: &[usize]) -> Vec<u8> {
        use std::fmt::Write as _;
        let (mut declared, mut fields) = (Vec::new(), String::new());
        let mut variables = serde_json::Map::new();
        for (i, Wanted { repo, number, .. }) in self.at(places) {
            declared.push(format!("$o{i}:String!,$n{i}:String!,$i{i}:Int!"));
            let _ = write!(
                fields,
                " w{i}:repository(owner:$o{i},name:$n{i}){{issueOrPullRequest(number:$i{i}){FIELDS}}}"
            );
            variables.insert(format!("o{i}"), json!(repo.owner));
            variables.insert(format!("n{i}"), json!(repo.name));
            variables.insert(format!("i{i}"), json!(number));
        }
        let query = format!("query Linked({}){{{}{fields}}}", declared.join(","), graphql::BUDGET);
        json!({ "query": query, "variables": variables }).to_string().into_bytes()
    }

    fn tell(&self, places: &[usize], told: &graphql::Told<'_>) -> Vec<Option<Ticket>> {
        let one = |(i, wanted): (usize, &Wanted)| {
            let repository = told.value(&format!("w{i}"));
            let issue = repository.get("issueOrPullRequest").filter(|i| i.is_object())?;
            let raw = serde_json::value::to_raw_value(issue).ok()?;
            let read = Gaps::default().read("", &[&*raw], |row| Some(self.of_query(wanted, row)));
            read.into_iter().next()
        };
        self.at(places).map(one).collect()
    }

    fn of_query(&self, wanted: &Wanted, row: &Row<'_>) -> Ticket {
        let state = match (row.raw("/state"), row.raw("/stateReason")) {
            ("CLOSED", "NOT_PLANNED" | "DUPLICATE") => TicketState::Dropped,
            ("CLOSED", _) if row.raw("/__typename") == "PullRequest" => TicketState::Dropped,
            ("CLOSED" | "MERGED", _) => TicketState::Done,
            _ => TicketState::Open,
        };
        let word = match (row.raw("/state"), state) {
            ("CLOSED", TicketState::Dropped) if row.raw("/__typename") == "PullRequest" => {
                "closed without merging".to_owned()
            }
            ("CLOSED", TicketState::Dropped) => {
                format!("closed as {}", row.raw("/stateReason").to_lowercase().replace('_', " "))
            }
            (word, _) => word.to_lowercase(),
        };
        let who = row.rows("/assignees/nodes").iter().map(|r| r.text("/login")).collect();
        self.ticket(wanted, row, state, &word, who, ("/closedAt", "/url"))
    }

    fn of_rest(&self, wanted: &Wanted, row: &Row<'_>) -> Ticket {
        let closed = row.raw("/state") == "closed";
        let merged = row.has("/pull_request/merged_at");
        let (state, word) = match (closed, row.raw("/state_reason")) {
            (true, _) if merged => (TicketState::Done, "merged".to_owned()),
            (true, _) if row.has("/pull_request") => {
                (TicketState::Dropped, "closed without merging".to_owned())
            }
            (true, why @ ("not_planned" | "duplicate")) => {
                (TicketState::Dropped, format!("closed as {}", why.replace('_', " ")))
            }
            (true, _) => (TicketState::Done, "closed".to_owned()),
            (false, _) => (TicketState::Open, row.raw("/state").to_owned()),
        };
        let who = row.rows("/assignees").iter().map(|r| r.text("/login")).collect();
        self.ticket(wanted, row, state, &word, who, ("/closed_at", "/html_url"))
    }

    fn ticket(
        &self,
        wanted: &Wanted,
        row: &Row<'_>,
        state: TicketState,
        word: &str,
        who: Vec<Clean>,
        (closed, url): (&str, &str),
    ) -> Ticket {
        let url = row.link(url);
        // The site knows how the name is written; what it is called everywhere is in lower case.
        let name = url.as_ref().and_then(|u| crate::model::ticket::reference(u.as_str()));
        Ticket {
            key: Key::new(&self.github.name, &*wanted.id),
            name: Clean::line(
                name.unwrap_or_else(|| format!("{}#{}", wanted.repo.shown, wanted.number)),
            ),
            title: row.text("/title"),
            state,
            word: Clean::line(word),
            who,
            closed: row.time(closed),
            url: url.or_else(|| page(wanted)),
        }
    }

    fn singly(&self, places: &[usize]) -> Vec<Request> {
        let one = |(i, wanted): (usize, &Wanted)| {
            let path = wanted.repo.path(&format!("issues/{}", wanted.number));
            self.github.get(format!("{TAG}/{i}"), &path, &[])
        };
        self.at(places).map(one).collect()
    }

    fn tell_rest(
        &self,
        places: &[usize],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Result<Vec<Option<Ticket>>, Trouble> {
        let one = |(i, wanted): (usize, &Wanted)| {
            let Some(exchange) = wire::heard(heard, &format!("{TAG}/{i}")) else { return Ok(None) };
            match answer::judge(exchange, asking.now) {
                Ok(answer) => {
                    let Some(raw) = rows::items_as_one(&answer.body) else { return Ok(None) };
                    let read =
                        Gaps::default().read("", &[raw], |row| Some(self.of_rest(wanted, row)));
                    Ok(read.into_iter().next())
                }
                Err(trouble) if matches!(trouble.status, Status::NotFound | Status::Auth) => {
                    Ok(None)
                }
                Err(trouble) => Err(trouble),
            }
        };
        self.at(places).map(one).collect()
    }
}

fn page(wanted: &Wanted) -> Option<Link> {
    wanted.repo.page(&format!("issues/{}", wanted.number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, Feed, Report, SourceName};
    use crate::source::wire::testing::reply;
    use serde_json::Value;
    use std::collections::BTreeMap;
    use url::Url;

    fn linked(names: &[&str]) -> Option<Box<dyn Source>> {
        let github = GitHub {
            name: SourceName::new("gh"),
            base: Url::parse("https://api.github.com").unwrap(),
            repos: vec![Repo::parse("acme/shop").unwrap()],
            environments: Vec::new(),
            papers: None,
        };
        let names: Vec<Box<str>> = names.iter().map(|n| (*n).into()).collect();
        tracking(&github, &names)
    }

    fn asking<'a>(memory: &'a BTreeMap<Box<str>, Box<str>>, at: &str) -> Asking<'a> {
        Asking { now: at.parse().unwrap(), last_ok: None, round: 0, memory }
    }

    fn told(source: &dyn Source, asking: &Asking<'_>, status: u16, body: &str) -> Report {
        let heard: Vec<Exchange> =
            source.ask(asking).iter().map(|r| reply(r, status, body)).collect();
        let Ok(Reading::Done(report)) = source.read(asking, &heard) else { panic!("not done") };
        report
    }

    fn words(report: &Report) -> Vec<String> {
        let word = |fact: &Fact| {
            let Fact::Ticket(t) = fact else { panic!("{fact:?}") };
            format!("{} {:?} {} {:?}", t.name, t.state, t.word, t.who)
        };
        report.facts.iter().map(word).collect()
    }

    const BODY: &str = r#"{"data":{"rateLimit":{"cost":1,"remaining":4999,"limit":5000},
        "w0":{"issueOrPullRequest":{"__typename":"Issue","title":"Pool","state":"CLOSED","stateReason":"COMPLETED",
            "closedAt":"2026-03-04T10:00:00Z","url":"https://github.com/Acme/shop/issues/7","assignees":{"nodes":[{"login":"ada"}]}}},
        "w1":{"issueOrPullRequest":{"__typename":"PullRequest","title":"Fix","state":"CLOSED","closedAt":"2026-03-04T10:00:00Z",
            "url":"https://github.com/acme/web/pull/8","assignees":{"nodes":[]}}},
        "w2":{"issueOrPullRequest":null},
        "w3":null},
        "errors":[{"type":"NOT_FOUND","path":["w2","issueOrPullRequest"],"message":"Could not resolve"}]}"#;
    const NAMES: [&str; 6] = [
        "github.com/acme/shop#7",
        "github.com/acme/web#8",
        "github.com/acme/web#9",
        "github.com/acme/secret#1",
        "gitlab.com/acme/shop#7",
        "ops-12",
    ];

    #[test]
    fn issues_of_the_site_are_asked_about_at_once_and_those_of_others_never() {
        let source = linked(&NAMES).unwrap();
        let memory = BTreeMap::new();
        let asking = asking(&memory, "2026-11-22T12:00:00Z");
        let asked = source.ask(&asking);
        let [Request::Http(http)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(http.url.as_str(), "https://api.github.com/graphql");
        let body = String::from_utf8_lossy(&http.body.as_ref().unwrap().1).into_owned();
        assert!(!body.contains("w4"), "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let of = |i: usize| {
            let variable = |letter: &str| &body["variables"][format!("{letter}{i}")];
            format!("{}/{}#{}", variable("o"), variable("n"), variable("i")).replace('"', "")
        };
        assert_eq!([of(0), of(1)], ["acme/shop#7", "acme/web#8"]);
        let report = told(&*source, &asking, 200, BODY);
        assert_eq!(
            words(&report),
            [r#"Acme/shop#7 Done closed ["ada"]"#, "acme/web#8 Dropped closed without merging []"]
        );
        assert_eq!(report.complete, [Feed::Tickets], "what was not told is not known any more");
        assert!(report.notes[0].as_str().starts_with("2 of 4 linked issues are not there"));
        assert!(linked(&["gitlab.com/acme/shop#7", "ops-12"]).is_none());
    }

    #[test]
    fn they_are_asked_about_again_after_a_while_or_when_another_is_linked() {
        let source = linked(&NAMES).unwrap();
        let memory = BTreeMap::new();
        let first = told(&*source, &asking(&memory, "2026-11-22T12:00:00Z"), 200, BODY);
        let memory: BTreeMap<_, _> = first.remember.iter().cloned().collect();
        let soon = asking(&memory, "2026-11-22T12:04:00Z");
        assert!(source.ask(&soon).is_empty());
        let silent = told(&*source, &soon, 200, BODY);
        assert_eq!((silent.facts.len(), silent.notes), (0, first.notes), "the note stays");
        assert_eq!(source.ask(&asking(&memory, "2026-11-22T12:05:00Z")).len(), 1);
        let another = linked(&["github.com/acme/shop#7", "github.com/acme/shop#70"]).unwrap();
        assert_eq!(another.ask(&soon).len(), 1);
    }

    #[test]
    fn where_there_are_many_each_gets_its_turn() {
        let names: Vec<String> = (1..=120).map(|n| format!("github.com/acme/shop#{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let source = linked(&names).unwrap();
        let mut memory = BTreeMap::new();
        let mut asked = Vec::new();
        for minute in [0, 5, 10, 15] {
            let at = format!("2026-11-22T12:{minute:02}:00Z");
            let asking = asking(&memory, &at);
            let requests = source.ask(&asking);
            let [Request::Http(http)] = requests.as_slice() else { panic!("{requests:?}") };
            let body: Value = serde_json::from_slice(&http.body.as_ref().unwrap().1).unwrap();
            let variables = body["variables"].as_object().unwrap();
            let numbers = variables.iter().filter(|(k, _)| k.starts_with('i'));
            asked.push(numbers.filter_map(|(_, v)| v.as_u64()).max().unwrap());
            let report = told(&*source, &asking, 200, r#"{"data":{}}"#);
            assert!(report.complete.is_empty(), "a part says nothing of the rest");
            memory.extend(report.remember);
        }
        assert_eq!(asked, [50, 100, 120, 50]);
    }

    #[test]
    fn without_graphql_each_is_asked_by_itself_and_a_refusal_is_said() {
        let source = linked(&NAMES[..2]).unwrap();
        let memory = BTreeMap::from([("graphql".into(), "99999999999 not here".into())]);
        let asking = asking(&memory, "2026-11-22T12:00:00Z");
        let asked = source.ask(&asking);
        let Some(Request::Http(http)) = asked.last() else { panic!("{asked:?}") };
        assert_eq!(http.url.path(), "/repos/acme/web/issues/8");
        let issue = r#"{"number":7,"title":"x","state":"closed","state_reason":"not_planned","assignees":[]}"#;
        let report = told(&*source, &asking, 200, issue);
        assert_eq!(words(&report)[0], "acme/shop#7 Dropped closed as not planned []");
        let report = told(&*source, &asking, 404, "{}");
        assert!(report.notes[0].as_str().starts_with("2 of 2 linked issues"));
        let report = told(&*source, &asking, 500, "{}");
        assert!(report.notes[0].as_str().starts_with("linked issues: "), "{:?}", report.notes);
        assert!(report.complete.is_empty(), "a failure is no absence");
    }
}
