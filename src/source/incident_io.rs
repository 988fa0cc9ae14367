//! incident.io: the post-mortem documents written there, each with its text.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::markdown::{Issue, issue};
use super::rows::{self, Row};
use super::tale::Tale;
use super::{
    Asking, Exchange, Http, HttpAnswer, Kind, Opening, Problem, Reading, Request, Source,
    no_numbers, wire,
};
use crate::model::{Fact, Feed, Id, Key, SourceName, Status, Trouble};

pub const KIND: Kind = Kind {
    name: "incident-io",
    about: "incident.io: post-mortem documents with their text",
    every: Duration::from_secs(300),
    default_url: Some("https://api.incident.io"),
    needs_url: true,
    options: &[],
    open,
};

/// Documents whose text is asked for in one poll; what is left comes with the next ones.
const TEXTS: usize = 40;
/// Pages of documents in one poll.
const PAGES: usize = 5;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let Options {} = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let mut problems = no_numbers("incident-io", opening.metrics);
    match opening.url {
        Some(base) if problems.is_empty() => Ok(Box::new(IncidentIo { name: opening.name, base })),
        Some(_) => Err(problems),
        None => {
            let message = "the address of the API is missing".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

#[derive(Debug)]
struct IncidentIo {
    name: SourceName,
    base: Url,
}

/// A document as listed, without its text.
#[derive(Debug)]
struct Listed {
    id: String,
    incident: String,
    title: String,
    status: crate::model::Clean,
    url: Option<crate::model::Link>,
    /// Written elsewhere: its text is not here.
    external: bool,
}

impl Source for IncidentIo {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        vec![self.list(0, None)]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut tale = Tale::default();
        let mut listed: Vec<Listed> = Vec::new();
        let mut whole = true;
        for page in 0..PAGES {
            let Some(exchange) = wire::heard(heard, &format!("documents/{page}")) else { break };
            let answer = judge(exchange)?;
            let members = rows::members(&answer.body)?;
            let Some(items) = rows::items_of(&members, "postmortem_documents")? else {
                return Err(Trouble::bad_data("no postmortem_documents in the answer"));
            };
            listed.extend(tale.gaps.read("/postmortem_documents", &items, of_row));
            let after = rows::value_of(&members, "pagination_meta");
            let after = after.get("after").and_then(Value::as_str).filter(|a| !a.is_empty());
            let Some(after) = after else { continue };
            if page + 1 == PAGES {
                whole = false;
                tale.notes.push(format!("truncated at {} documents", listed.len()));
            } else if wire::heard(heard, &format!("documents/{}", page + 1)).is_none() {
                return Ok(Reading::More(vec![self.list(page + 1, Some(after))]));
            }
        }
        tale.good += 1;
        // What is completed changes no more: its text is asked for once in a run.
        let settled = |d: &Listed| {
            asking.round > 0
                && d.status.as_str() == "completed"
                && asking.memory.get(d.id.as_str()).is_some_and(|s| &**s == "completed")
        };
        let mut asked = listed.iter().filter(|d| !settled(d) && !d.external);
        let wanted: Vec<&Listed> = asked.by_ref().take(TEXTS).collect();
        let later = asked.count();
        let mut more: Vec<Request> = Vec::new();
        for document in &wanted {
            if wire::heard(heard, &text_tag(document)).is_none() {
                let path = format!("v1/postmortem_documents/{}/content", document.id);
                more.push(get(text_tag(document), wire::join(&self.base, &path)));
            }
            if wire::heard(heard, &incident_tag(document)).is_none() && is_id(&document.incident) {
                let path = format!("v2/incidents/{}", document.incident);
                more.push(get(incident_tag(document), wire::join(&self.base, &path)));
            }
        }
        if !more.is_empty() {
            return Ok(Reading::More(more));
        }
        for document in &listed {
            let known = || tale_still(document);
            if !document.external && !wanted.iter().any(|d| d.id == document.id) {
                tale.still.push(known());
                continue;
            }
            let text = wire::heard(heard, &text_tag(document)).map(|e| judge(e).and_then(markdown));
            match text {
                Some(Err(trouble)) => {
                    tale.still.push(known());
                    tale.miss(&document.title, trouble)?;
                }
                text => {
                    let body = text.and_then(Result::ok).unwrap_or_default();
                    let incident = wire::heard(heard, &incident_tag(document));
                    let incident = incident.and_then(|e| judge(e).ok()).map(incident_of);
                    self.tell(document, &body, &incident.unwrap_or_default(), asking, &mut tale);
                }
            }
        }
        if later > 0 {
            tale.notes.push(format!("{later} documents still to be read"));
        }
        tale.whole(Feed::PostMortems, whole && later == 0);
        tale.report(true)
    }
}

/// What an incident adds to its document: its own JSON, and nothing where that could not be had.
type Incident = Value;

impl IncidentIo {
    fn list(&self, page: usize, after: Option<&str>) -> Request {
        let mut url = wire::join(&self.base, "v1/postmortem_documents");
        url.query_pairs_mut().append_pair("page_size", "100");
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        get(format!("documents/{page}"), url)
    }

    fn tell(
        &self,
        document: &Listed,
        body: &str,
        incident: &Incident,
        asking: &Asking<'_>,
        tale: &mut Tale,
    ) {
        let word = |path: &str| incident.pointer(path).and_then(Value::as_str).unwrap_or_default();
        // Tests and tutorials count nowhere.
        if matches!(word("/mode"), "test" | "tutorial") {
            return;
        }
        let severity = word("/severity/name");
        let label = format!("severity:{severity}");
        let reference = word("/reference");
        let name = if reference.is_empty() { document.title.as_str() } else { reference };
        let told = Issue {
            key: Key::new(&self.name, document.id.as_str()),
            name: name.to_owned(),
            title: &document.title,
            body,
            created: word("/created_at").parse().ok(),
            author: crate::model::Clean::default(),
            labels: if severity.is_empty() { Vec::new() } else { vec![label.as_str()] },
            state: document.status.clone(),
            url: document.url.clone(),
        };
        let mut found = issue(told, asking.now);
        if found.severity.is_none() && !severity.is_empty() {
            let word = crate::model::Clean::line(severity);
            let rated = crate::model::Rated { word, level: None };
            let place = crate::model::ReadFrom::Upstream;
            found.severity = Some(crate::model::Found::new(rated, place));
        }
        tale.remember(&document.id, document.status.to_string());
        tale.facts.push(Fact::PostMortem(Box::new(found)));
    }
}

fn tale_still(document: &Listed) -> (Feed, Id) {
    (Feed::PostMortems, Id::new(document.id.as_str()))
}

fn get(tag: String, url: Url) -> Request {
    Request::Http(Http::get(tag, url).header("accept", "application/json").conditional())
}

fn text_tag(document: &Listed) -> String {
    format!("text/{}", document.id)
}

fn incident_tag(document: &Listed) -> String {
    format!("incident/{}", document.incident)
}

/// Ids become part of a path: letters, digits and hyphens only.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn of_row(row: &Row<'_>) -> Option<Listed> {
    let id = row.id("/id").filter(|id| is_id(id))?;
    Some(Listed {
        id,
        incident: row.raw("/incident_id").to_owned(),
        title: row.text("/title").to_string(),
        status: row.text("/status"),
        url: row.link("/document_url"),
        external: row.raw("/type") == "external",
    })
}

fn markdown(answer: &HttpAnswer) -> Result<String, Trouble> {
    let value: Value = wire::parse(answer)?;
    ["/markdown", "/content/markdown"]
        .iter()
        .find_map(|path| value.pointer(path).and_then(Value::as_str))
        .map(str::to_owned)
        .ok_or_else(|| Trouble::bad_data("no markdown in the answer"))
}

fn incident_of(answer: &HttpAnswer) -> Incident {
    let value: Value = wire::parse(answer).unwrap_or_default();
    value.get("incident").cloned().unwrap_or_default()
}

/// `{type, status, errors: [{code, message}]}`.
fn judge(exchange: &Exchange) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, wire::reason).map_err(|trouble| match trouble.status {
        _ if exchange.answer.is_err() => trouble,
        Status::Auth => trouble.hint("the API key needs the scope to view data"),
        _ => trouble,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Report, Severity};
    use crate::source::Answer;
    use crate::source::wire::testing::answer;
    use std::collections::BTreeMap;

    /// What the upstream answers, by path and query.
    fn said(url: &Url) -> &'static str {
        match (url.path(), url.query().unwrap_or_default()) {
            ("/v1/postmortem_documents", q) if q.contains("after=next") => {
                r#"{"postmortem_documents":[{"id":"01C","incident_id":"","title":"Elsewhere","status":"in_review","type":"external","document_url":"https://docs.example/c"}]}"#
            }
            ("/v1/postmortem_documents", _) => {
                r#"{"postmortem_documents":[
                    {"id":"01A","incident_id":"I1","title":"Payments were down","status":"completed","type":"in_app","document_url":"https://app.incident.io/a"},
                    {"id":"01B","incident_id":"I2","title":"A drill","status":"in_progress","type":"in_app","document_url":null},
                    {"id":"../x","incident_id":"I3","title":"Odd","status":"in_progress","type":"in_app"}],
                   "pagination_meta":{"after":"next","page_size":3}}"#
            }
            ("/v1/postmortem_documents/01A/content", _) => {
                r###"{"markdown":"## Root cause\nA certificate ran out.\n\n## Actions\n- [ ] watch it @ada"}"###
            }
            ("/v1/postmortem_documents/01B/content", _) => r#"{"markdown":"x"}"#,
            ("/v2/incidents/I1", _) => {
                r#"{"incident":{"reference":"INC-7","mode":"standard","created_at":"2026-05-06T07:08:09.123456Z","severity":{"name":"Major","rank":3}}}"#
            }
            ("/v2/incidents/I2", _) => r#"{"incident":{"reference":"INC-8","mode":"test"}}"#,
            (path, _) => panic!("asked for {path}"),
        }
    }

    fn poll(round: u64, memory: &BTreeMap<Box<str>, Box<str>>) -> (usize, Report) {
        let base = Url::parse("https://api.incident.io").unwrap();
        let source = IncidentIo { name: SourceName::new("io"), base };
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round, memory };
        let mut heard: Vec<Exchange> = Vec::new();
        let mut next = source.ask(&asking);
        loop {
            for request in next {
                let Request::Http(http) = &request else { panic!("{request:?}") };
                let answer = answer(200, said(&http.url));
                heard.push(Exchange { request, answer: Ok(Answer::Http(answer)) });
            }
            match source.read(&asking, &heard).unwrap() {
                Reading::More(more) => next = more,
                Reading::Done(report) => return (heard.len(), report),
            }
        }
    }

    #[test]
    fn documents_come_with_their_text_and_what_their_incident_knows() {
        let (_, report) = poll(0, &BTreeMap::new());
        let papers: Vec<_> = report
            .facts
            .iter()
            .filter_map(|fact| if let Fact::PostMortem(p) = fact { Some(p) } else { None })
            .collect();
        assert_eq!(papers.len(), 2, "the drill counts nowhere, an id that is no id is no document");
        let first = papers[0];
        assert_eq!((first.title.as_str(), first.path.as_str()), ("Payments were down", "INC-7"));
        assert_eq!(first.date().unwrap().to_string(), "2026-05-06");
        assert_eq!(first.level(), Some(Severity(2)));
        assert_eq!(first.root_cause.as_ref().unwrap().value.as_str(), "A certificate ran out.");
        assert_eq!(first.actions[0].owner.as_ref().unwrap().as_str(), "@ada");
        assert_eq!(papers[1].title.as_str(), "Elsewhere");
        assert!(report.partial.is_some(), "what could not be read is said");
    }

    #[test]
    fn what_is_completed_is_read_once() {
        let (first, report) = poll(0, &BTreeMap::new());
        let memory: BTreeMap<_, _> = report.remember.iter().cloned().collect();
        let (second, report) = poll(1, &memory);
        assert_eq!((first, second), (6, 4), "neither its text nor its incident again");
        assert_eq!(report.still.len(), 1);
    }
}
