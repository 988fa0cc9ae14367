//! A source that wants a list, aimed at servers that misbehave; every word it brings back is searched for secrets.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::time::Duration;

use andon::cockpit::Heard;
use andon::config::{Auth, Endpoint, Proxy, Secret, Upstream};
use andon::engine::{Limits, poll_once_within};
use andon::model::{Clean, Name, Report, Status, Trouble};
use andon::source::{Answer, Asking, Exchange, Http, Reading, Request, Source, wire};

pub const CANARY: &str = "canary-7f3a9c51";
/// Long, because the machine may be busy; tests of time itself make it short.
pub const DEADLINE: Duration = Duration::from_secs(8);

#[derive(serde::Deserialize)]
struct Page {
    items: Vec<serde_json::Value>,
}

/// Asks for one address and reads JSON as every real source does; it wants an object with a list called `items`.
#[derive(Debug)]
pub struct Items {
    pub requests: Vec<Request>,
}

impl Source for Items {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        self.requests.clone()
    }

    fn read(&self, _asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut report = Report::default();
        for exchange in heard {
            match (&exchange.request, &exchange.answer) {
                (Request::Http(_), _) => {
                    let answer = wire::judge(exchange, wire::reason)?;
                    let page: Page = wire::json(&answer.body)?;
                    report.notes.push(Clean::line(format!("{} items", page.items.len())));
                    report.notes.push(Clean::line(format!("{} redirects", answer.redirects)));
                }
                (_, Ok(answer)) => report.notes.push(Clean::line(told(answer))),
                (_, Err(trouble)) => return Err(trouble.clone()),
            }
        }
        Ok(Reading::Done(report))
    }
}

fn told(answer: &Answer) -> String {
    match answer {
        Answer::Certificates { earliest_end, leaf_end, trusted, .. } => format!(
            "earliest {} leaf {} trusted {}",
            earliest_end.map_or("none".into(), |t| t.strftime("%Y-%m-%d").to_string()),
            leaf_end.map_or("none".into(), |t| t.strftime("%Y-%m-%d").to_string()),
            trusted.as_ref().map_or_else(ToString::to_string, |()| "yes".into()),
        ),
        Answer::Connected { .. } => "connected".into(),
        Answer::Addresses { addresses, .. } => format!("{addresses:?}"),
        other => format!("{other:?}"),
    }
}

pub fn limits() -> Limits {
    Limits { connect: Duration::from_millis(400), cap: 1 << 20, ..Limits::default() }
}

pub fn upstream(url: &str) -> Upstream {
    let address: url::Url = url.parse().unwrap();
    let request = Http::get("items", address.clone()).header("accept", "application/json");
    asking(address, vec![Request::Http(request)])
}

pub fn asking(address: url::Url, requests: Vec<Request>) -> Upstream {
    Upstream {
        name: Name::new("test"),
        kind: "json",
        source: std::sync::Arc::new(Items { requests }),
        endpoint: Endpoint {
            url: Some(address),
            auth: vec![Auth::Bearer(Secret::Inline(CANARY.into()))],
            proxy: Proxy::None,
            cap: 1 << 20,
            ..Endpoint::default()
        },
        every: Duration::from_secs(15),
        timeout: DEADLINE,
        memory: std::collections::BTreeMap::new(),
        known: None,
        linked: andon::model::Linked::default(),
    }
}

pub fn poll(upstream: Upstream) -> Heard {
    let mut heard = poll_once_within(vec![upstream], DEADLINE * 2, &limits());
    assert_eq!(heard.len(), 1);
    heard.remove(0)
}

/// The status, and every word that would be shown.
pub fn outcome(upstream: Upstream) -> (Status, String) {
    let heard = poll(upstream);
    let words = match &heard.outcome {
        Ok(report) => format!("{:?} {:?}", report.partial, report.notes),
        Err(t) => {
            format!("{} | {}", t.message, t.hint.as_ref().map_or("", Clean::as_str))
        }
    };
    for text in [&words, &format!("{heard:?}")] {
        assert!(!text.contains(CANARY), "a secret in {text}");
        assert!(!text.contains("query-canary"), "a query in {text}");
    }
    (heard.freshness.status, words)
}
