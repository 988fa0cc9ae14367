//! What HTTP answers mean whatever the upstream: status classes, login pages, paths; rate limits, paging and JSON in rooms of their own.

mod json;
mod limit;
mod paging;

use jiff::SignedDuration;
use url::Url;

use super::{Answer, Exchange, HttpAnswer, Request};
use crate::model::{Status, Trouble};

pub use json::{explain, json, nullable, parse, reason, utf8};
pub use limit::{rate, retry_after};
pub use paging::next_page;

/// Characters kept of an upstream's own reason.
const REASON_CAP: usize = 200;

/// How long a limited upstream is left alone when it does not say.
const UNTOLD_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// The exchange whose request has this tag.
pub fn heard<'a>(exchanges: &'a [Exchange], tag: &str) -> Option<&'a Exchange> {
    exchanges.iter().find(|e| matches!(&e.request, Request::Http(http) if &*http.tag == tag))
}

/// The answer of an exchange if it is a success that may be parsed, else what went wrong in words.
///
/// `reason` finds the upstream's own one-line reason in an error body; [`reason`] knows the common shapes.
pub fn judge(
    exchange: &Exchange,
    reason: fn(&[u8]) -> Option<String>,
) -> Result<&HttpAnswer, Trouble> {
    match &exchange.answer {
        Ok(Answer::Http(answer)) => judge_answer(answer, reason).map(|()| answer),
        Ok(_) => Err(Trouble::new(Status::InternalError, "expected the answer of a web server")),
        Err(trouble) => Err(trouble.clone()),
    }
}

fn judge_answer(answer: &HttpAnswer, reason: fn(&[u8]) -> Option<String>) -> Result<(), Trouble> {
    let status = answer.status;
    let markup = Markup::of(answer);
    match (status, markup) {
        (200..=203, Markup::None) => return Ok(()),
        (200..=203 | 401 | 403, Markup::Html) => return Err(login_page(answer)),
        (200..=203, Markup::Xml) => {
            return Err(Trouble::bad_data("got XML where another format was expected"));
        }
        _ => {}
    }
    let told = match markup {
        Markup::None => reason(&answer.body).or_else(|| plain(answer)),
        Markup::Html | Markup::Xml => None,
    };
    let told = told.map(|text| brief(&text)).filter(|text| !text.is_empty());
    if status == 400
        && told.as_deref().is_some_and(|t| t.contains("HTTP request to an HTTPS server"))
    {
        return Err(Trouble::new(Status::Tls, "the server speaks HTTPS on this port")
            .hint("write https:// in the url of this source"));
    }
    Err(trouble(answer, markup, told.as_deref()))
}

fn trouble(answer: &HttpAnswer, markup: Markup, told: Option<&str>) -> Trouble {
    let status = answer.status;
    let wait = limit::wait(answer, None);
    let say = |class: Status, words: &str| {
        Trouble::new(class, format!("answered {status}: {}", told.unwrap_or(words)))
    };
    let limited = match status {
        429 => true,
        403 => limit::forbids_by_limit(answer),
        503 => wait.is_some(),
        _ => false,
    };
    if limited {
        let words = if status == 503 { "unavailable, asks to wait" } else { "too many requests" };
        return say(Status::RateLimited, words).wait(Some(wait.unwrap_or(UNTOLD_WAIT)));
    }
    match status {
        300..=399 if status != 304 => redirected(answer),
        401 => say(Status::Auth, "credential missing, wrong or expired")
            .hint("check the auth of this source"),
        402 => say(Status::Auth, "not part of the plan paid for"),
        403 => say(Status::Auth, "not allowed").hint("check the rights of this credential"),
        404 => say(Status::NotFound, "not found")
            .hint("check the url of this source, and what the credential may see"),
        407 => say(Status::Auth, "the proxy asks for a credential"),
        408 => say(Status::Timeout, "the server waited too long for the request").wait(wait),
        410 => say(Status::NotFound, "gone: this version of the interface was retired"),
        400..=499 => say(Status::BadData, "the request was refused").wait(wait),
        500..=599 if markup == Markup::Html => {
            say(Status::ServerError, "error page of a proxy").wait(wait)
        }
        500..=599 => say(Status::ServerError, "the server failed").wait(wait),
        204 => say(Status::BadData, "no content where some was expected"),
        206 => say(Status::BadData, "only a part of the answer"),
        304 => say(Status::BadData, "unchanged, but nothing was known before"),
        _ => say(Status::BadData, "not a success, and no status this version knows"),
    }
}

fn login_page(answer: &HttpAnswer) -> Trouble {
    let from = answer.url.host_str().unwrap_or("the server");
    Trouble::new(Status::Auth, "got HTML: login page?").hint(format!(
        "the session may have expired, or a sign-on proxy stands before {from}: open it in a browser"
    ))
}

/// Redirects that reach a source were not followed: they lead to another origin, or in circles.
fn redirected(answer: &HttpAnswer) -> Trouble {
    let status = answer.status;
    let target = answer.header("location").and_then(|to| answer.url.join(to.trim()).ok());
    let message = match target.as_ref().and_then(Url::host_str) {
        Some(host) if !target.as_ref().is_some_and(|t| same_origin(t, &answer.url)) => {
            format!("answered {status}: redirected to {host}, which is another origin")
        }
        Some(_) => format!("answered {status}: redirected too often"),
        None => format!("answered {status}: redirected to nowhere"),
    };
    Trouble::new(Status::Redirect, message).hint(
        "credentials are never sent elsewhere: write the final address as the url of this source, or sign in first",
    )
}

/// Whether a body is a page made for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markup {
    None,
    Html,
    Xml,
}

impl Markup {
    /// JSON labelled `text/html` is still JSON; a page labelled JSON is still a page.
    fn of(answer: &HttpAnswer) -> Self {
        let body = bare(&answer.body).trim_ascii_start();
        if body.first() != Some(&b'<') {
            Self::None
        } else if body.starts_with(b"<?xml") && !is_html_type(answer) {
            Self::Xml
        } else {
            Self::Html
        }
    }
}

fn is_html_type(answer: &HttpAnswer) -> bool {
    answer.header("content-type").is_some_and(|t| t.trim().to_ascii_lowercase().contains("html"))
}

/// The first line of a plain text body.
fn plain(answer: &HttpAnswer) -> Option<String> {
    let kind = answer.header("content-type").unwrap_or("text/plain");
    let text = std::str::from_utf8(bare(&answer.body)).ok()?.trim_start();
    let prose = kind.starts_with("text/plain") && !text.starts_with(['{', '[']);
    prose.then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// At most 200 characters of an upstream's words, on one line.
pub fn brief(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(REASON_CAP) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A body without its byte order mark.
pub fn bare(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// The base address with a path appended: a prefix in the base is kept, a query of the base is not.
pub fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!(
        "{}/{}",
        base.path().trim_end_matches('/'),
        path.trim_start_matches('/')
    ));
    url.set_fragment(None);
    url.set_query(None);
    url
}

/// Same scheme, host and port.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

#[cfg(test)]
pub mod testing;

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    fn judged(answer: HttpAnswer) -> Result<(), Trouble> {
        judge(&exchange(answer), reason).map(|_| ())
    }

    #[test]
    fn only_whole_successes_may_be_parsed() {
        for status in [200, 201, 202, 203] {
            assert!(judged(answer(status, "{}")).is_ok(), "{status}");
        }
        for status in [100, 101, 199, 204, 206, 226, 304, 600, 999, 0] {
            let trouble = judged(answer(status, "")).unwrap_err();
            assert_eq!(trouble.status, Status::BadData, "{status}: {trouble}");
            assert!(trouble.message.as_str().contains(&status.to_string()));
        }
    }

    #[test]
    fn a_login_page_is_no_bad_json() {
        let page = "\u{feff}\n <!DOCTYPE html><title>Sign in</title>";
        for status in [200, 401, 403] {
            for kind in ["text/html; charset=utf-8", "application/json"] {
                let trouble = judged(answer(status, page).with("content-type", kind)).unwrap_err();
                assert_eq!(trouble.status, Status::Auth);
                assert_eq!(trouble.message.as_str(), "got HTML: login page?");
            }
        }
        let trouble = judged(answer(502, page)).unwrap_err();
        assert_eq!(trouble.message.as_str(), "answered 502: error page of a proxy");
        assert_eq!(judged(answer(404, page)).unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn json_labelled_as_a_page_is_still_json() {
        assert!(judged(answer(200, " {\"a\":1}").with("content-type", "text/html")).is_ok());
    }

    #[test]
    fn status_classes_have_names_and_the_servers_own_words() {
        for (status, class) in [
            (400, Status::BadData),
            (401, Status::Auth),
            (402, Status::Auth),
            (403, Status::Auth),
            (404, Status::NotFound),
            (408, Status::Timeout),
            (410, Status::NotFound),
            (422, Status::BadData),
            (429, Status::RateLimited),
            (500, Status::ServerError),
            (503, Status::ServerError),
            (599, Status::ServerError),
            (301, Status::Redirect),
        ] {
            let trouble = judged(answer(status, "{\"message\":\"so it is\"}")).unwrap_err();
            assert_eq!(trouble.status, class, "{status}");
            if status != 301 {
                assert_eq!(trouble.message.as_str(), format!("answered {status}: so it is"));
            }
        }
    }

    #[test]
    fn a_reason_is_short_clean_and_one_line() {
        let body = format!("\u{1b}[2J{}\nsecond line", "é".repeat(500));
        let message = judged(answer(500, &body)).unwrap_err().message;
        assert!(message.as_str().chars().count() < 230, "{message}");
        assert!(!message.as_str().contains('\u{1b}') && !message.as_str().contains("second"));
    }

    #[test]
    fn http_spoken_to_an_https_port_is_named() {
        let trouble =
            judged(answer(400, "Client sent an HTTP request to an HTTPS server.\n")).unwrap_err();
        assert_eq!(trouble.status, Status::Tls);
        assert!(trouble.hint.unwrap().as_str().contains("https://"));
    }

    #[test]
    fn a_refused_redirect_says_where_it_led() {
        let to = |location| judged(answer(307, "").with("location", location)).unwrap_err();
        assert!(to("https://evil.example/x").message.as_str().contains("evil.example"));
        assert!(to("http://ex.org/x").message.as_str().contains("another origin"));
        assert!(to("/loop").message.as_str().contains("too often"));
        assert!(to("::").status == Status::Redirect);
    }

    #[test]
    fn a_limit_makes_us_wait_even_if_it_is_not_said_how_long() {
        let secondary = "{\"message\":\"You have exceeded a secondary rate limit.\"}";
        let trouble = judged(answer(403, secondary).with("x-ratelimit-remaining", "4000"));
        let trouble = trouble.unwrap_err();
        assert_eq!(trouble.status, Status::RateLimited);
        assert_eq!(trouble.retry_after, Some(SignedDuration::from_secs(60)));

        let trouble = judged(answer(403, "{}").with("x-ratelimit-remaining", "0")).unwrap_err();
        assert_eq!(trouble.status, Status::RateLimited);
        let trouble = judged(answer(429, "").with("retry-after", "7")).unwrap_err();
        assert_eq!(trouble.retry_after, Some(SignedDuration::from_secs(7)));
        let trouble = judged(answer(503, "").with("retry-after", "120")).unwrap_err();
        assert_eq!(trouble.status, Status::RateLimited);
        assert_eq!(trouble.retry_after, Some(SignedDuration::from_secs(120)));
        assert_eq!(judged(answer(403, "{}")).unwrap_err().status, Status::Auth);
    }

    #[test]
    fn a_path_is_appended_and_never_replaces_the_prefix() {
        for (base, joined) in [
            ("https://h", "https://h/api/v1/query"),
            ("https://h/", "https://h/api/v1/query"),
            ("https://h/prom", "https://h/prom/api/v1/query"),
            ("https://h/prom/?x=1#y", "https://h/prom/api/v1/query"),
        ] {
            assert_eq!(join(&Url::parse(base).unwrap(), "/api/v1/query").as_str(), joined);
        }
    }
}
