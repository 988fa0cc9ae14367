//! Holds: a host that asked for quiet, or refused a credential, is left alone by every source that uses the same credential.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::model::{Status, Trouble};
use crate::source::{HttpAnswer, wire};

/// Host and port, and a fingerprint of the credential: limits are counted per token.
pub type Whom = (Box<str>, u64);

pub struct Holds {
    longest: Duration,
    after_refusal: Duration,
    until: Mutex<HashMap<Whom, Hold>>,
}

#[derive(Clone, Copy)]
struct Hold {
    until: Instant,
    why: Why,
}

#[derive(Clone, Copy)]
enum Why {
    Limit,
    /// A credential was refused: a poll of twenty requests would try it twenty times, and locks accounts.
    Refusal,
}

impl Holds {
    pub fn new(longest: Duration, after_refusal: Duration) -> Self {
        Self { longest, after_refusal, until: Mutex::default() }
    }

    /// Refuses while the host wants quiet: nothing is sent.
    pub fn check(&self, whom: &Whom) -> Result<(), Trouble> {
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, hold| hold.until > now);
        let Some(hold) = all.get(whom) else { return Ok(()) };
        let left = hold.until.duration_since(now);
        let (host, seconds) = (&whom.0, left.as_secs() + 1);
        let trouble = match hold.why {
            Why::Limit => Trouble::new(
                Status::RateLimited,
                format!("{host} asked to be left alone for {seconds} s more"),
            ),
            Why::Refusal => Trouble::new(
                Status::Auth,
                format!("{host} refused this credential: not tried again for {seconds} s"),
            ),
        };
        Err(trouble.wait(SignedDuration::try_from(left).ok()))
    }

    /// Looks for a rate limit in an answer; with one, the whole host waits.
    pub fn learn(&self, whom: &Whom, answer: &HttpAnswer, now: Timestamp) {
        let (wait, why) = match wait_of(answer, now) {
            Some(wait) => (wait.min(self.longest), Why::Limit),
            None if answer.status == 401 && whom.1 != 0 => (self.after_refusal, Why::Refusal),
            None => return,
        };
        let hold = Hold { until: Instant::now() + wait, why };
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = all.entry(whom.clone()).or_insert(hold);
        if hold.until > slot.until {
            *slot = hold;
        }
    }

    /// Time passed that the monotonic clock did not see.
    pub fn shorten(&self, slept: Duration) {
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        for hold in all.values_mut() {
            hold.until = hold.until.checked_sub(slept).unwrap_or(hold.until);
        }
    }
}

/// Order of the sources: `Retry-After`, then the reset of an exhausted limit, then a minute.
fn wait_of(answer: &HttpAnswer, now: Timestamp) -> Option<Duration> {
    let asked = wire::retry_after(answer, now).and_then(|d| Duration::try_from(d).ok());
    let rate = wire::rate(answer, now);
    let spent = rate.is_some_and(|r| r.left == 0);
    let reset = rate
        .filter(|r| r.left == 0)
        .and_then(|r| Duration::try_from(r.resets?.duration_since(now)).ok());
    let limited = match answer.status {
        429 => true,
        403 => asked.is_some() || spent || says_secondary(&answer.body),
        503 => asked.is_some(),
        _ => false,
    };
    if limited { asked.or(reset).or(Some(Duration::from_secs(60))) } else { reset }
}

/// GitHub's secondary limit may come without any header (docs.github.com, "rate limits for the REST API").
fn says_secondary(body: &[u8]) -> bool {
    let head = body.get(..body.len().min(2048)).unwrap_or(body);
    String::from_utf8_lossy(head).contains("secondary rate limit")
}
