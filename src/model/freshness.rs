//! What andon knows about its own sources: the last answer that was read, and what went wrong since.

use jiff::{SignedDuration, Timestamp};

use super::{Clean, Known, Progress};

/// The named outcome of a poll; the words are stable in machine output.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Ok,
    /// Some records or requests of the poll could not be read; the rest is good.
    Partial,
    Stale,
    Timeout,
    Unreachable,
    Tls,
    Auth,
    NotFound,
    RateLimited,
    ServerError,
    Redirect,
    BadData,
    TooLarge,
    /// A fault of andon itself: a panic or a broken promise in a source.
    InternalError,
    /// Not asked yet.
    #[default]
    Unknown,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::NotFound => "not-found",
            Self::RateLimited => "rate-limited",
            Self::ServerError => "server-error",
            Self::Redirect => "redirect",
            Self::BadData => "bad-data",
            Self::TooLarge => "too-large",
            Self::InternalError => "internal-error",
            Self::Unknown => "unknown",
        }
    }

    /// Facts arrived: wholly or in part.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Ok | Self::Partial)
    }
}

/// Why a poll gave no facts. Lower case, no full stop, no body, no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
pub struct Trouble {
    pub status: Status,
    pub message: Clean,
    /// The upstream asked to be left alone this long.
    pub retry_after: Option<SignedDuration>,
    /// What the reader could do about it.
    pub hint: Option<Clean>,
}

impl Trouble {
    pub fn new(status: Status, message: impl std::fmt::Display) -> Self {
        Self { status, message: Clean::line(message), retry_after: None, hint: None }
    }

    pub fn bad_data(message: impl std::fmt::Display) -> Self {
        Self::new(Status::BadData, message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl std::fmt::Display) -> Self {
        self.hint = Some(Clean::line(hint));
        self
    }

    #[must_use]
    pub fn wait(mut self, wait: Option<SignedDuration>) -> Self {
        self.retry_after = wait;
        self
    }
}

/// What an upstream said of its rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    pub left: u64,
    pub limit: Option<u64>,
    pub resets: Option<Timestamp>,
}

/// The state of one source, folded from its polls.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Freshness {
    /// Told by the configuration of this run, never remembered.
    #[serde(skip)]
    pub kind: &'static str,
    /// Where it is asked, credentials and query removed.
    pub address: Clean,
    pub every: SignedDuration,
    /// Outcome of the newest finished poll.
    pub status: Status,
    /// The newest trouble in words; empty while all is well.
    pub message: Clean,
    pub hint: Option<Clean>,
    /// Moment of the last *successful, parsed* answer.
    pub last_ok: Option<Timestamp>,
    pub last_try: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    /// Consecutive failed polls.
    pub failures: u32,
    pub latency: Option<SignedDuration>,
    pub rate: Option<Rate>,
    pub next_poll: Option<Timestamp>,
    /// Server clock minus ours; beyond 5 s it is worth a warning.
    pub clock_skew: Option<SignedDuration>,
    /// How far a source has come that cannot tell everything in one poll.
    pub progress: Option<Progress>,
    /// Facts in the last good answer.
    pub facts: usize,
    /// The upstream's own name and version, where it tells.
    pub about: Clean,
    /// Things worth knowing that are not failures: truncated lists, deprecations, skipped records.
    pub notes: Vec<Clean>,
    /// Alerts that have to arrive from here, as of the last good and whole answer.
    pub expected: Vec<Expected>,
    /// Whose changes it knows, and how far back.
    pub changes: Vec<Known>,
    /// Requests of the current poll are in the air since then.
    #[serde(skip)]
    pub asking_since: Option<Timestamp>,
}

/// An alert that fires always: when it stops to arrive, alerting is dead, whatever else looks green.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Expected {
    pub name: Clean,
    /// What it is known by: `alertname="Watchdog"`.
    pub labels: Clean,
    /// The first good and whole answer without it; `None` while it arrives.
    pub missing_since: Option<Timestamp>,
}

/// How old is too old (domain: staleness limits grow with the interval).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Staleness {
    Fresh,
    /// Older than max(2·interval, 30 s): the value is kept, dimmed, with its age.
    Stale,
    /// Older than max(5·interval, 5 min), or never answered: nothing may be concluded from it.
    Expired,
}

impl Freshness {
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.last_ok.map(|then| now.duration_since(then).max(SignedDuration::ZERO))
    }

    /// The expected alerts that do not arrive, and since when: an answer came without them, or it was asked in vain for
    /// so long that nothing may be concluded from the last. That nobody asked it says nothing.
    pub fn missing(&self, now: Timestamp) -> impl Iterator<Item = (&Expected, Timestamp)> {
        let mute = (self.staleness(now) == Staleness::Expired).then_some(self.failing_since);
        let mute = mute.flatten().map(|failing| self.last_ok.unwrap_or(failing));
        self.expected.iter().filter_map(move |e| Some((e, e.missing_since.or(mute)?)))
    }

    /// Takes over what an answer told of expected alerts; one that is still missing is so since it was first.
    pub fn expect(&mut self, told: &[Expected]) {
        let known = std::mem::take(&mut self.expected);
        self.expected = told.to_vec();
        for one in &mut self.expected {
            let before = known.iter().find(|k| k.name == one.name && k.labels == one.labels);
            let since = before.and_then(|before| before.missing_since);
            one.missing_since = one.missing_since.map(|now| since.map_or(now, |at| at.min(now)));
        }
    }

    /// The clock was set back to `now`: what lies after it counts as of now, so that it ages from here on.
    pub fn rewind(&mut self, now: Timestamp) {
        for moment in
            [&mut self.last_ok, &mut self.last_try, &mut self.failing_since, &mut self.asking_since]
        {
            *moment = moment.map(|at| at.min(now));
        }
    }

    /// Ages beyond which an answer is stale, and beyond which it is expired.
    pub fn limits(&self) -> (SignedDuration, SignedDuration) {
        let times = |n| self.every.checked_mul(n).unwrap_or(SignedDuration::MAX);
        (times(2).max(SignedDuration::from_secs(30)), times(5).max(SignedDuration::from_mins(5)))
    }

    pub fn staleness(&self, now: Timestamp) -> Staleness {
        self.age(now).map_or(Staleness::Expired, |age| self.of_age(age))
    }

    /// What an age means for what this source tells.
    pub fn of_age(&self, age: SignedDuration) -> Staleness {
        let (stale, expired) = self.limits();
        if age > expired {
            Staleness::Expired
        } else if age > stale {
            Staleness::Stale
        } else {
            Staleness::Fresh
        }
    }

    /// The word a reader should see: a failure stays named, a good answer that aged is stale.
    pub fn shown(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Ok | Status::Partial if self.staleness(now) != Staleness::Fresh => {
                Status::Stale
            }
            status => status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow_with_the_interval() {
        for (every, stale, expired) in [(15, 30, 300), (60, 120, 300), (300, 600, 1500)] {
            let now = Timestamp::from_second(1_000_000).unwrap();
            let at = |age: i64| Freshness {
                every: SignedDuration::from_secs(every),
                last_ok: Some(now - SignedDuration::from_secs(age)),
                status: Status::Ok,
                ..Freshness::default()
            };
            assert_eq!(at(stale).staleness(now), Staleness::Fresh);
            assert_eq!(at(stale + 1).staleness(now), Staleness::Stale);
            assert_eq!(at(expired).staleness(now), Staleness::Stale);
            assert_eq!(at(expired + 1).staleness(now), Staleness::Expired);
        }
    }

    #[test]
    fn an_expected_alert_is_missing_since_the_first_answer_without_it() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let told = |missing: Option<i64>| {
            let missing_since = missing.map(at);
            [Expected { name: "watchdog".into(), labels: "a".into(), missing_since }]
        };
        let mut fresh = Freshness::default();
        let since = |fresh: &Freshness| fresh.missing(at(40)).next().map(|(_, since)| since);
        for (answer, expected) in [
            (None, None),
            (Some(10), Some(10)),
            (Some(25), Some(10)),
            (None, None),
            (Some(40), Some(40)),
        ] {
            fresh.expect(&told(answer));
            assert_eq!(since(&fresh), expected.map(at));
        }
        // One that nobody expects any more is not missed.
        fresh.expect(&[]);
        assert_eq!(since(&fresh), None);
    }

    #[test]
    fn an_expected_alert_is_missing_while_its_source_is_silent() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let expected = vec![Expected { name: "a".into(), labels: "b".into(), missing_since: None }];
        let every = SignedDuration::from_secs(15);
        let (last_ok, failing_since) = (Some(at(1000)), Some(at(1015)));
        let silent = Freshness { every, last_ok, failing_since, expected, ..Freshness::default() };
        let since = |f: &Freshness, now| f.missing(at(now)).next().map(|(_, since)| since);
        assert_eq!([since(&silent, 1300), since(&silent, 1301)], [None, Some(at(1000))]);
        // Of one that never answered nobody knows that it arrives; of one that nobody asked there is nothing to say.
        let never = Freshness { last_ok: None, ..silent.clone() };
        assert_eq!(since(&never, 1016), Some(at(1015)));
        assert_eq!(since(&Freshness { failing_since: None, ..silent }, 9000), None);
    }

    #[test]
    fn never_asked_is_unknown_and_expired() {
        let fresh = Freshness::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!((fresh.shown(now), fresh.staleness(now)), (Status::Unknown, Staleness::Expired));
    }
}
