//! Answers made by hand, for the tests of every source.

use std::time::Duration;

use url::Url;

use crate::source::{Answer, Exchange, Http, HttpAnswer, Request};

pub fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: Vec::new(),
        body: body.as_bytes().into(),
        url: address(),
        redirects: 0,
        took: Duration::from_millis(5),
    }
}

fn address() -> Url {
    Url::parse("https://ex.org/api/things?page=1").unwrap()
}

impl HttpAnswer {
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The exchange of a plain GET that was answered so.
pub fn exchange(answer: HttpAnswer) -> Exchange {
    let request = Request::Http(Http::get("test", answer.url.clone()));
    Exchange { request, answer: Ok(Answer::Http(answer)) }
}

/// The answer to one request of a source.
pub fn reply(request: &Request, status: u16, body: &str) -> Exchange {
    let mut answer = answer(status, body);
    if let Request::Http(http) = request {
        answer.url = http.url.clone();
    }
    Exchange { request: request.clone(), answer: Ok(Answer::Http(answer)) }
}
