//! Rate limits in five dialects, read the same: what is left, and how long to wait.

use jiff::{SignedDuration, Timestamp};

use super::super::{HttpAnswer, when};
use crate::model::Rate;

/// Nobody is waited for longer than this.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// What the headers say is left of a rate limit.
///
/// `x-ratelimit-reset` (GitHub) is epoch seconds; `ratelimit-reset` is epoch seconds in GitLab's dialect, which
/// also tells what it observed, and seconds to wait in `PagerDuty`'s; Opsgenie only says that it throttles.
pub fn rate(answer: &HttpAnswer, now: Timestamp) -> Option<Rate> {
    read(answer, moment(answer, Some(now)))
}

/// How long the upstream asks to be left alone, at most an hour.
///
/// `Retry-After` (seconds or a date) wins over a limit used up. Garbage, negative waits and past moments say nothing.
pub fn retry_after(answer: &HttpAnswer, now: Timestamp) -> Option<SignedDuration> {
    wait(answer, Some(now))
}

pub fn wait(answer: &HttpAnswer, now: Option<Timestamp>) -> Option<SignedDuration> {
    let now = moment(answer, now);
    let until = |at: Timestamp| now.map(|now| at.duration_since(now));
    let header = answer.header("retry-after").and_then(|text| match seconds(text) {
        Some(wait) => Some(wait),
        None => when::instant(text).and_then(until),
    });
    let body =
        || (answer.status == 429).then(|| told_in_body(&answer.body)).flatten().and_then(until);
    let used_up = || {
        read(answer, now).filter(|rate| rate.left == 0).and_then(|rate| rate.resets).and_then(until)
    };
    let sensible = |wait: &SignedDuration| wait.is_positive();
    header
        .filter(sensible)
        .or_else(|| body().filter(sensible))
        .or_else(|| used_up().filter(sensible))
        .map(|wait| wait.min(LONGEST))
}

/// A 403 that means "slow down", not "you may not" (GitHub).
pub fn forbids_by_limit(answer: &HttpAnswer) -> bool {
    let none_left = number(answer, "x-ratelimit-remaining") == Some(0);
    let says_so = || {
        let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        body.contains("rate limit")
    };
    none_left || answer.header("retry-after").is_some() || says_so()
}

fn read(answer: &HttpAnswer, now: Option<Timestamp>) -> Option<Rate> {
    let in_seconds =
        |s: u64| now?.checked_add(SignedDuration::from_secs(i64::try_from(s).ok()?)).ok();
    let epoch = |s: u64| Timestamp::from_second(i64::try_from(s).ok()?).ok();
    if let Some(left) = number(answer, "x-ratelimit-remaining") {
        let resets = number(answer, "x-ratelimit-reset").and_then(epoch);
        return Some(Rate { left, limit: number(answer, "x-ratelimit-limit"), resets });
    }
    if let Some(left) = number(answer, "ratelimit-remaining") {
        let date = answer.header("ratelimit-resettime").and_then(when::instant);
        let gitlab = date.is_some() || answer.header("ratelimit-observed").is_some();
        let told = number(answer, "ratelimit-reset");
        let resets =
            date.or_else(|| told.and_then(|s| if gitlab { epoch(s) } else { in_seconds(s) }));
        return Some(Rate { left, limit: number(answer, "ratelimit-limit"), resets });
    }
    let throttled = answer.header("x-ratelimit-state")?.trim().eq_ignore_ascii_case("throttled");
    let resets = number(answer, "x-ratelimit-period-in-sec").and_then(in_seconds);
    throttled.then_some(Rate { left: 0, limit: None, resets })
}

/// The server's own clock, where it tells: its dates are meant by that clock.
fn moment(answer: &HttpAnswer, now: Option<Timestamp>) -> Option<Timestamp> {
    answer.header("date").and_then(when::instant).or(now)
}

fn number(answer: &HttpAnswer, name: &str) -> Option<u64> {
    answer.header(name)?.trim().parse().ok()
}

fn seconds(text: &str) -> Option<SignedDuration> {
    let seconds: f64 = text.trim().parse().ok()?;
    let sane = seconds.is_finite() && seconds.abs() < 1e9;
    Some(if sane { SignedDuration::from_secs_f64(seconds) } else { SignedDuration::ZERO })
}

/// incident.io: `{"rate_limit": {"retry_after": "Tue, 19 Jul 2022 04:40:47 UTC"}}`.
fn told_in_body(body: &[u8]) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        rate_limit: Limit<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Limit<'a> {
        #[serde(borrow)]
        retry_after: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Body<'_>>(body)
        .ok()
        .and_then(|b| when::instant(&b.rate_limit.retry_after))
}

#[cfg(test)]
mod tests {
    use super::super::testing::answer;
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_658_205_000, 0);

    #[test]
    fn five_dialects_agree_on_the_moment() {
        let at = |s: i64| Some(Timestamp::from_second(s).unwrap());
        let github = answer(200, "")
            .with("x-ratelimit-limit", "5000")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1658208999");
        let gitlab = answer(429, "")
            .with("RateLimit-Limit", "60")
            .with("RateLimit-Observed", "67")
            .with("RateLimit-Remaining", "0")
            .with("RateLimit-Reset", "1658208999");
        let pagerduty = answer(429, "")
            .with("ratelimit-limit", "960")
            .with("ratelimit-remaining", "0")
            .with("ratelimit-reset", "12");
        let opsgenie = answer(429, "")
            .with("X-RateLimit-State", "THROTTLED")
            .with("X-RateLimit-Period-In-Sec", "60");
        for (told, left, limit, resets) in [
            (&github, 0, Some(5000), at(1_658_208_999)),
            (&gitlab, 0, Some(60), at(1_658_208_999)),
            (&pagerduty, 0, Some(960), at(1_658_205_012)),
            (&opsgenie, 0, None, at(1_658_205_060)),
        ] {
            assert_eq!(rate(told, NOW), Some(Rate { left, limit, resets }));
        }
        assert_eq!(retry_after(&github, NOW), Some(LONGEST.min(SignedDuration::from_secs(3999))));
        assert_eq!(retry_after(&pagerduty, NOW), Some(SignedDuration::from_secs(12)));
        let incident_io = answer(
            429,
            r#"{"rate_limit":{"name":"api","limit":1,"remaining":0,"retry_after":"Tue, 19 Jul 2022 04:31:00 UTC"}}"#,
        );
        assert_eq!(retry_after(&incident_io, NOW), Some(SignedDuration::from_secs(60)));
        let fine = answer(200, "").with("x-ratelimit-state", "OK");
        assert_eq!((rate(&fine, NOW), retry_after(&fine, NOW)), (None, None));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_nonsense_says_nothing() {
        for (text, wait) in [
            ("7", Some(7)),
            (" 90 ", Some(90)),
            ("86400", Some(3600)),
            ("Tue, 19 Jul 2022 04:31:00 GMT", Some(60)),
            ("Tue, 19 Jul 2022 04:31:00 UTC", Some(60)),
            ("Tue, 19 Jul 2022 04:29:00 GMT", None),
            ("-1", None),
            ("0", None),
            ("soon", None),
            ("", None),
            ("NaN", None),
            ("inf", None),
            ("99999999999999999999999999", None),
        ] {
            let told = answer(429, "").with("retry-after", text);
            assert_eq!(retry_after(&told, NOW), wait.map(SignedDuration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn a_date_is_meant_by_the_servers_own_clock() {
        let told = answer(429, "")
            .with("date", "Tue, 19 Jul 2022 05:00:00 GMT")
            .with("retry-after", "Tue, 19 Jul 2022 05:00:30 GMT");
        assert_eq!(retry_after(&told, NOW), Some(SignedDuration::from_secs(30)));
    }
}
