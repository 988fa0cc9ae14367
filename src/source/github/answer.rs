//! What GitHub's refusals mean: limits of two kinds, missing permissions by name, single sign-on, retired versions.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::model::{Link, Status, Trouble};
use crate::source::{Answer, Exchange, HttpAnswer, wire};

/// The least rest after a secondary limit: going on sooner may get the client banned.
const SECONDARY_REST: SignedDuration = SignedDuration::from_mins(1);

/// The words of a secondary limit: it is about behaviour, so that every further request makes it worse.
pub const SECONDARY: &str = "secondary rate limit";

/// The answer if it may be parsed, else what went wrong in GitHub's own terms.
pub fn judge(exchange: &Exchange, now: Timestamp) -> Result<&HttpAnswer, Trouble> {
    wire::judge(exchange, reason).map_err(|trouble| match &exchange.answer {
        Ok(Answer::Http(answer)) => explain(answer, trouble, now),
        _ => trouble,
    })
}

/// `{message, errors: [{resource, field, code, message}]}`, or the same words as texts.
pub fn reason(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let first = body.get("errors").and_then(|e| e.get(0));
    let word = |key: &str| first.and_then(|e| e.get(key)).and_then(Value::as_str);
    let detail = first
        .and_then(Value::as_str)
        .or_else(|| word("message"))
        .map(str::to_owned)
        .or_else(|| Some(format!("{} {}", word("field")?, word("code")?)));
    match (message, detail) {
        ("", detail) => detail,
        (message, None) => Some(message.to_owned()),
        (message, Some(detail)) => Some(format!("{message}: {detail}")),
    }
}

fn explain(answer: &HttpAnswer, mut trouble: Trouble, now: Timestamp) -> Trouble {
    let said = reason(&answer.body).unwrap_or_default().to_ascii_lowercase();
    if trouble.status == Status::RateLimited {
        if !(said.contains("secondary rate limit") || said.contains("abuse detection")) {
            // With the poll's own moment the reset is known even without the server's date.
            let wait = wire::retry_after(answer, now).or(trouble.retry_after);
            return trouble.wait(wait);
        }
        let asked = wire::retry_after(answer, now).unwrap_or(SECONDARY_REST);
        return Trouble::new(Status::RateLimited, SECONDARY)
            .wait(Some(asked.max(SECONDARY_REST)))
            .hint("poll less often, or give other tools on this token a rest");
    }
    if let Some(words) = sign_on(answer) {
        trouble.status = Status::Auth;
        return trouble.hint(words);
    }
    if let Some(right) = answer.header("x-accepted-github-permissions").filter(|r| !r.is_empty()) {
        return trouble.hint(format_args!("the token lacks a permission: {right}"));
    }
    match answer.status {
        401 => trouble.hint("the token is missing, wrong or expired"),
        403 => trouble
            .hint("the token lacks a right: read on metadata, deployments, actions, contents"),
        404 => trouble.hint("the repository is not there, or the token may not see it"),
        400 | 410 if said.contains("version") => {
            trouble.hint("this server does not know the version of the API that andon speaks")
        }
        _ => trouble,
    }
}

/// `X-GitHub-SSO: required; url=https://…` in words; it comes with refusals and with partial data.
pub fn sign_on(answer: &HttpAnswer) -> Option<String> {
    let (_, rest) = answer.header("x-github-sso")?.split_once("url=")?;
    let url = Link::parse(rest.split(';').next()?)?;
    Some(format!("the token waits for single sign-on: open {}", url.clean()))
}

/// `Deprecation` and `Sunset` of an answer in words.
pub fn ending(answer: &HttpAnswer) -> Option<String> {
    let what = answer.url.path();
    match (answer.header("deprecation"), answer.header("sunset")) {
        (None, None) => None,
        (_, Some(end)) => Some(format!("{what} is deprecated and ends {end}")),
        (Some(_), None) => Some(format!("{what} is deprecated")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::wire::testing;

    fn exchange(status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
        let answer = testing::answer(status, body);
        testing::exchange(headers.iter().fold(answer, |a, (name, value)| a.with(name, value)))
    }

    fn trouble(status: u16, headers: &[(&str, &str)], body: &str) -> Trouble {
        judge(&exchange(status, headers, body), Timestamp::UNIX_EPOCH).unwrap_err()
    }

    #[test]
    fn a_secondary_limit_rests_at_least_a_minute_even_with_budget_left() {
        let body = r#"{"message":"You have exceeded a secondary rate limit. Please wait"}"#;
        for headers in [&[("x-ratelimit-remaining", "4000")][..], &[("retry-after", "5")]] {
            let t = trouble(403, headers, body);
            assert_eq!(t.message.as_str(), SECONDARY);
            assert_eq!((t.status, t.retry_after), (Status::RateLimited, Some(SECONDARY_REST)));
        }
        let long = trouble(429, &[("retry-after", "300")], body);
        assert_eq!(long.retry_after, Some(SignedDuration::from_mins(5)));
    }

    #[test]
    fn a_spent_budget_waits_for_its_reset() {
        let t = trouble(
            403,
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-reset", "90"),
            ],
            r#"{"message":"API rate limit exceeded for 192.0.2.1."}"#,
        );
        assert_eq!(t.status, Status::RateLimited);
        assert_eq!(t.retry_after, Some(SignedDuration::from_secs(90)));
    }

    #[test]
    fn a_missing_permission_is_called_by_its_name() {
        let body =
            r#"{"message":"Resource not accessible by personal access token","status":"403"}"#;
        let t = trouble(403, &[("x-accepted-github-permissions", "deployments=read")], body);
        assert_ne!(t.status, Status::RateLimited);
        assert!(t.hint.unwrap().as_str().contains("deployments=read"));
    }

    #[test]
    fn single_sign_on_prints_where_to_go() {
        let url = "https://github.com/orgs/acme/sso?authorization_request=A1";
        let t = trouble(403, &[("x-github-sso", &format!("required; url={url}"))], "{}");
        assert_eq!(t.status, Status::Auth);
        assert!(t.hint.unwrap().as_str().ends_with(url));
        let bad = trouble(403, &[("x-github-sso", "required; url=javascript:alert(1)")], "{}");
        assert!(!bad.hint.unwrap().as_str().contains("javascript"));
    }

    #[test]
    fn reasons_are_found_in_every_shape_of_error() {
        for (body, words) in [
            (r#"{"message":"Not Found"}"#, Some("Not Found")),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"invalid","field":"color"}]}"#,
                Some("Validation Failed: color invalid"),
            ),
            (r#"{"message":"Bad","errors":["no"]}"#, Some("Bad: no")),
            (r#"{"message":7}"#, None),
            ("<html>", None),
            ("null", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), words, "{body}");
        }
    }
}
