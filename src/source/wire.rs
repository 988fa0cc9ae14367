//! What HTTP answers mean whatever the upstream: status classes, login pages, rate limits, pages, paths.

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{Exchange, HttpAnswer};
use crate::model::{Rate, Trouble};

/// The answer of an exchange if it is a success that may be parsed, else what went wrong in words.
///
/// `reason` finds the upstream's own one-line reason in an error body.
pub fn judge<'a>(
    exchange: &'a Exchange,
    _reason: fn(&[u8]) -> Option<String>,
) -> Result<&'a HttpAnswer, Trouble> {
    match &exchange.answer {
        Ok(super::Answer::Http(answer)) if answer.status == 200 => Ok(answer),
        Ok(_) => Err(Trouble::bad_data("not an answer this kind can read")),
        Err(trouble) => Err(trouble.clone()),
    }
}

/// The base address with a path appended: a prefix in the base is kept.
pub fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!(
        "{}/{}",
        base.path().trim_end_matches('/'),
        path.trim_start_matches('/')
    ));
    url
}

/// Same scheme, host and port.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

/// What the headers say is left of a rate limit.
pub fn rate(_answer: &HttpAnswer, _now: Timestamp) -> Option<Rate> {
    None
}

/// How long the upstream asks to be left alone.
pub fn retry_after(_answer: &HttpAnswer, _now: Timestamp) -> Option<SignedDuration> {
    None
}

/// The `rel="next"` address of a `Link` header, if it stays within the origin asked.
pub fn next_page(_answer: &HttpAnswer) -> Option<Result<Url, Trouble>> {
    None
}
