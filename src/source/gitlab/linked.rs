//! Issues and merge requests that post-mortems link to, in any project of the same GitLab: one request asks about those of a project.

use std::collections::BTreeMap;

use super::project::Project;
use super::{GitLab, judge};
use crate::model::{Clean, Key, Status, Ticket, TicketState, Trouble};
use crate::source::rows::{self, Gaps, Row};
use crate::source::tracked::Turn;
use crate::source::{Asking, Exchange, Reading, Request, Source, wire};

/// Asked about in one poll: never more requests than this, and a page of a hundred holds them all.
const A_TURN: usize = 40;

/// An issue (`#`) or a merge request (`!`) of this GitLab.
#[derive(Debug)]
struct Wanted {
    /// What it is called everywhere.
    id: Box<str>,
    project: Project,
    merge: bool,
    number: u64,
}

impl Wanted {
    fn tag(&self) -> String {
        format!("linked/{}{}", self.mark(), self.project.told)
    }

    fn mark(&self) -> char {
        if self.merge { '!' } else { '#' }
    }
}

#[derive(Debug)]
struct Linked {
    gitlab: GitLab,
    wanted: Vec<Wanted>,
}

pub fn tracking(gitlab: &GitLab, wanted: &[Box<str>]) -> Option<Box<dyn Source>> {
    let host = gitlab.base.host_str()?;
    let port = gitlab.base.port().map(|port| format!(":{port}")).unwrap_or_default();
    let below = gitlab.base.path().trim_end_matches('/').trim_end_matches("/api/v4");
    let home = format!("{host}{port}{below}/").to_lowercase();
    let of_here = |id: &str| {
        let name = id.strip_prefix(&*home)?;
        let merge = name.contains('!');
        let (project, number) = name.split_once(['#', '!'])?;
        let project = Project::parse(project).ok().filter(|p| p.told.contains('/'))?;
        Some(Wanted { id: id.into(), project, merge, number: number.parse().ok()? })
    };
    let wanted: Vec<Wanted> = wanted.iter().filter_map(|id| of_here(id)).collect();
    (!wanted.is_empty())
        .then(|| -> Box<dyn Source> { Box::new(Linked { gitlab: gitlab.clone(), wanted }) })
}

impl Source for Linked {
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let turn = self.turn(asking);
        let mut lists: BTreeMap<String, (&Wanted, Vec<u64>)> = BTreeMap::new();
        for wanted in self.at(turn.places()) {
            let list = lists.entry(wanted.tag()).or_insert_with(|| (wanted, Vec::new()));
            list.1.push(wanted.number);
        }
        let one = |(tag, (first, numbers)): (String, (&Wanted, Vec<u64>))| {
            let below = if first.merge { "merge_requests" } else { "issues" };
            let mut query: Vec<(&str, String)> =
                numbers.iter().map(|n| ("iids[]", n.to_string())).collect();
            // Without a scope a list may hold only one's own.
            query.extend([("scope", "all".to_owned()), ("per_page", "100".to_owned())]);
            self.gitlab.get(tag, &first.project.path(below), &query)
        };
        lists.into_iter().map(one).collect()
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let turn = self.turn(asking);
        let told = self.tell(turn.places(), heard);
        Ok(turn.told(asking, told))
    }
}

impl Linked {
    fn turn(&self, asking: &Asking<'_>) -> Turn {
        let names: Vec<&str> = self.wanted.iter().map(|w| &*w.id).collect();
        Turn::of(asking, &names, A_TURN)
    }

    fn at<'a>(&'a self, places: &'a [usize]) -> impl Iterator<Item = &'a Wanted> {
        places.iter().filter_map(|i| self.wanted.get(*i))
    }

    fn tell(&self, places: &[usize], heard: &[Exchange]) -> Result<Vec<Option<Ticket>>, Trouble> {
        let mut lists: BTreeMap<String, BTreeMap<u64, Ticket>> = BTreeMap::new();
        for wanted in self.at(places) {
            let tag = wanted.tag();
            if lists.contains_key(&tag) {
                continue;
            }
            let Some(exchange) = wire::heard(heard, &tag) else { continue };
            let found = match judge(exchange) {
                Ok(answer) => {
                    let items = rows::items(&answer.body)?;
                    Gaps::default()
                        .read("", &items, |row| {
                            Some((row.number("/iid")?, self.ticket(wanted, row)))
                        })
                        .into_iter()
                        .collect()
                }
                Err(trouble) if matches!(trouble.status, Status::NotFound | Status::Auth) => {
                    BTreeMap::new()
                }
                Err(trouble) => return Err(trouble),
            };
            lists.insert(tag, found);
        }
        let one = |wanted: &Wanted| {
            let ticket = lists.get_mut(&wanted.tag())?.remove(&wanted.number)?;
            Some(Ticket { key: Key::new(&self.gitlab.name, &*wanted.id), ..ticket })
        };
        Ok(self.at(places).map(one).collect())
    }

    /// GitLab does not say why an issue was closed; a merge request that was closed was not merged.
    fn ticket(&self, wanted: &Wanted, row: &Row<'_>) -> Ticket {
        let word = row.raw("/state");
        let (state, word) = match word {
            "closed" if wanted.merge => (TicketState::Dropped, "closed without merging"),
            "closed" | "merged" => (TicketState::Done, word),
            "opened" => (TicketState::Open, "open"),
            word => (TicketState::Open, word),
        };
        let url = row.link("/web_url");
        let name = url.as_ref().and_then(|u| crate::model::ticket::reference(u.as_str()));
        let name = name.unwrap_or_else(|| {
            format!("{}{}{}", wanted.project.told, wanted.mark(), wanted.number)
        });
        Ticket {
            key: Key::new(&self.gitlab.name, &*wanted.id),
            name: Clean::line(name),
            title: row.text("/title"),
            state,
            word: Clean::line(word),
            who: row.rows("/assignees").iter().map(|r| r.text("/username")).collect(),
            closed: if wanted.merge { row.time("/merged_at") } else { row.time("/closed_at") },
            url,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, Feed, SourceName};
    use crate::source::wire::testing::reply;
    use url::Url;

    fn linked(base: &str, names: &[&str]) -> Option<Box<dyn Source>> {
        let gitlab = GitLab {
            name: SourceName::new("gl"),
            base: super::super::with_api(Url::parse(base).unwrap()),
            projects: vec![Project::parse("acme/shop").unwrap()],
            environments: Vec::new(),
            freezes: false,
            papers: None,
        };
        let names: Vec<Box<str>> = names.iter().map(|n| (*n).into()).collect();
        tracking(&gitlab, &names)
    }

    fn paths(source: &dyn Source, asking: &Asking<'_>) -> Vec<String> {
        let path = |request: &Request| {
            let Request::Http(http) = request else { panic!("{request:?}") };
            let query = http.url.query().unwrap().replace("%5B%5D", "[]");
            format!("{}?{}", http.url.path(), query.split("&scope").next().unwrap())
        };
        source.ask(asking).iter().map(path).collect()
    }

    #[test]
    fn one_request_asks_about_the_issues_of_a_project_and_another_about_its_merge_requests() {
        let names = [
            "git.example/lab/acme/web/shop#7",
            "git.example/lab/acme/web/shop#9",
            "git.example/lab/acme/web/shop!7",
            "git.example/other/shop#1",
            "github.com/acme/shop#7",
            "git.example/lab/../etc#1",
        ];
        let source = linked("https://git.example/lab", &names).unwrap();
        let memory = BTreeMap::new();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round: 0, memory: &memory };
        let project = "/lab/api/v4/projects/acme%2Fweb%2Fshop";
        assert_eq!(
            paths(&*source, &asking),
            [
                format!("{project}/merge_requests?iids[]=7"),
                format!("{project}/issues?iids[]=7&iids[]=9")
            ]
        );
        // Without it, a project tells only of one's own.
        let all = |request: &Request| match request {
            Request::Http(http) => http.url.query().unwrap().ends_with("&scope=all&per_page=100"),
            _ => false,
        };
        assert!(source.ask(&asking).iter().all(all));
        let heard: Vec<Exchange> = source
            .ask(&asking)
            .iter()
            .map(|request| {
                let Request::Http(http) = request else { panic!("{request:?}") };
                reply(
                    request,
                    200,
                    if http.url.path().ends_with("issues") {
                        r#"[{"iid":7,"title":"Pool","state":"closed","closed_at":"2026-03-04T10:00:00Z",
                            "assignees":[{"username":"ada"}],"web_url":"https://git.example/lab/Acme/web/shop/-/issues/7"}]"#
                    } else {
                        r#"[{"iid":7,"title":"Fix","state":"locked","assignees":[]}]"#
                    },
                )
            })
            .collect();
        let Ok(Reading::Done(report)) = source.read(&asking, &heard) else { panic!("not done") };
        let words = |fact: &Fact| {
            let Fact::Ticket(t) = fact else { panic!("{fact:?}") };
            format!("{} = {} {:?} {} {:?}", t.key.id.raw(), t.name, t.state, t.word, t.who)
        };
        assert_eq!(
            report.facts.iter().map(words).collect::<Vec<_>>(),
            [
                r#"git.example/lab/acme/web/shop#7 = lab/Acme/web/shop#7 Done closed ["ada"]"#,
                "git.example/lab/acme/web/shop!7 = acme/web/shop!7 Open locked []",
            ]
        );
        assert!(report.notes[0].as_str().starts_with("1 of 3 linked issues"), "{:?}", report.notes);
        assert_eq!(report.complete, [Feed::Tickets]);
        assert!(linked("https://gitlab.com", &["github.com/acme/shop#7"]).is_none());
    }
}
