//! Holds: a host that asked for quiet, or refused a credential, is left alone by all who use that credential; of hourly limits half is ours.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::authority::Seal;
use super::slate::{self, Quiet, Slate};
use crate::model::{Rate, Status, Trouble};
use crate::source::{HttpAnswer, wire};

/// Host and port, and a fingerprint of the credential: limits are counted per token.
pub type Whom = (Box<str>, u64);

/// A limit that lasts at least this long is an hourly one, of which we leave half to others.
const HOURLY: Duration = Duration::from_secs(120);

/// What a limit is counted for: the budget at a host, of a credential.
type Purse = (Whom, Box<str>);

pub struct Holds {
    longest: Duration,
    after_refusal: Duration,
    until: Mutex<HashMap<Purse, Hold>>,
    windows: Mutex<HashMap<Purse, Spent>>,
    /// Where other processes are told of limits, and tell.
    slate: Option<Slate>,
    /// What credentials are told apart by.
    seal: Seal,
}

#[derive(Clone, Copy)]
struct Hold {
    until: Instant,
    why: Why,
}

#[derive(Clone, Copy)]
enum Why {
    Limit,
    /// Our half of an hourly limit is used up.
    Share,
    /// A credential was refused: a poll of twenty requests would try it twenty times, and locks accounts.
    Refusal,
}

/// What we spent of a limit since it was renewed.
#[derive(Clone, Copy)]
struct Spent {
    renewed: Timestamp,
    requests: u64,
    /// Those of them that other processes were not told of yet.
    untold: u64,
}

/// What is left to us of an hourly limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub left: u64,
    /// Until the limit is renewed.
    pub lasts: Duration,
}

impl Share {
    /// The time between polls of so many requests in which the share lasts.
    pub fn pace(self, requests: u64) -> Duration {
        if self.left < requests {
            return self.lasts;
        }
        self.lasts.mul_f64(requests as f64 / self.left.max(1) as f64)
    }
}

/// The budget of a hold that is about everything at a host.
const EVERYTHING: &str = "";

impl Holds {
    /// `slate` is where other processes are told of limits.
    pub fn new(longest: Duration, after_refusal: Duration, slate: Option<Slate>) -> Self {
        let seal = slate.as_ref().map_or_else(Seal::draw, Slate::seal);
        let (until, windows) = (Mutex::default(), Mutex::default());
        Self { longest, after_refusal, until, windows, slate, seal }
    }

    /// What credentials are sealed with, so that none is kept.
    pub fn seal(&self) -> Seal {
        self.seal
    }

    /// Refuses while the host, or the budget of the request there, wants quiet: nothing is sent.
    pub fn check(&self, whom: &Whom, budget: &'static str, wall: Timestamp) -> Result<(), Trouble> {
        self.hear(wall);
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, hold| hold.until > now);
        let held = [EVERYTHING, budget];
        let held = held.into_iter().filter_map(|budget| all.get(&(whom.clone(), budget.into())));
        let Some(hold) = held.max_by_key(|hold| hold.until) else { return Ok(()) };
        let left = hold.until.duration_since(now);
        let (host, seconds) = (&whom.0, left.as_secs() + 1);
        let trouble = match hold.why {
            Why::Limit => Trouble::new(
                Status::RateLimited,
                format!("{host} asked to be left alone for {seconds} s more"),
            ),
            Why::Share => Trouble::new(
                Status::RateLimited,
                format!("half of the hourly limit of {host} is used; the rest is left to others for {seconds} s"),
            )
            .hint("ask less often (every), or give this source a token of its own"),
            Why::Refusal => Trouble::new(
                Status::Auth,
                format!("{host} refused this credential: not tried again for {seconds} s"),
            ),
        };
        Err(trouble.wait(SignedDuration::try_from(left).ok()))
    }

    /// Looks for a rate limit in an answer, and counts it against our share of an hourly one.
    ///
    /// A budget that is spent rests until it is renewed and the others go on: GitHub counts REST and GraphQL apart,
    /// `PagerDuty` counts some lists apart. Every other limit is about the host: GitHub's secondary limits are, and
    /// whoever goes on there may be banned.
    pub fn learn(
        &self,
        whom: &Whom,
        budget: &'static str,
        answer: &HttpAnswer,
        now: Timestamp,
    ) -> Option<Share> {
        let rate = wire::rate(answer, now);
        let spent = rate.is_some_and(|r| r.left == 0);
        if let Some(wait) = wait_of(answer, rate, now) {
            let about = if spent && !says_secondary(&answer.body) { budget } else { EVERYTHING };
            let wait = wait.min(self.longest);
            self.hold(whom, about, wait, Why::Limit);
            self.tell(whom, about, wait, false, now);
        } else if answer.status == 401 && whom.1 != 0 {
            self.hold(whom, EVERYTHING, self.after_refusal, Why::Refusal);
        }
        let share = self.count(whom, budget, answer.status, rate?, now)?;
        if share.left == 0 {
            let wait = share.lasts.min(self.longest);
            self.hold(whom, budget, wait, Why::Share);
            self.tell(whom, budget, wait, true, now);
        }
        Some(share)
    }

    /// Takes over what other processes were asked for, or used up.
    fn hear(&self, now: Timestamp) {
        for line in self.slate.as_ref().and_then(Slate::news).into_iter().flatten() {
            let Some((quiet, left)) = line.quiet.and_then(|q| Some((q, q.left(now)?))) else {
                continue;
            };
            let why = if quiet.share { Why::Share } else { Why::Limit };
            self.hold(&(line.host, line.credential), &line.budget, left.min(self.longest), why);
        }
    }

    /// Tells other processes what an upstream asked for.
    fn tell(&self, whom: &Whom, budget: &str, wait: Duration, share: bool, now: Timestamp) {
        let Some(slate) = &self.slate else { return };
        let since = now.as_millisecond();
        let until = since.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        // Where it cannot be written the others learn it as this process did.
        let _ = slate.change(whom, budget, now, |line| {
            let longer = line.quiet.is_none_or(|known| known.since > since || known.until < until);
            if longer {
                line.quiet = Some(Quiet { since, until, share });
            }
        });
    }

    /// A conditional request that is answered 304 costs nothing (docs.github.com, "best practices for REST").
    fn count(
        &self,
        whom: &Whom,
        budget: &'static str,
        status: u16,
        rate: Rate,
        now: Timestamp,
    ) -> Option<Share> {
        let (limit, renewed) = (rate.limit?, rate.resets?);
        let lasts = Duration::try_from(renewed.duration_since(now)).ok()?;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|_, spent| spent.renewed > now);
        let key = (whom.clone(), budget.into());
        if lasts < HOURLY && !windows.contains_key(&key) {
            return None;
        }
        let anew = Spent { renewed, requests: 0, untold: 0 };
        let spent = windows.entry(key).or_insert(anew);
        if !is_same(renewed, spent.renewed) {
            *spent = anew;
        }
        spent.untold += u64::from(status != 304);
        spent.requests += u64::from(status != 304);
        if let Some(told) = self.total(whom, budget, spent, now) {
            (spent.requests, spent.untold) = (told, 0);
        }
        Some(Share { left: (limit / 2).saturating_sub(spent.requests), lasts })
    }

    /// The requests of all processes together, ours told; `None` where that cannot be known.
    fn total(&self, whom: &Whom, budget: &str, ours: &Spent, now: Timestamp) -> Option<u64> {
        let line = self.slate.as_ref()?.change(whom, budget, now, |line| {
            let known = line.spent.filter(|known| {
                Timestamp::from_second(known.renewed).is_ok_and(|at| is_same(at, ours.renewed))
            });
            let before = known.map_or(ours.requests - ours.untold, |known| known.requests);
            line.spent = Some(slate::Spent {
                renewed: known.map_or(ours.renewed.as_second(), |known| known.renewed),
                requests: before.saturating_add(ours.untold),
            });
        })?;
        line.spent.map(|spent| spent.requests)
    }

    fn hold(&self, whom: &Whom, budget: &str, wait: Duration, why: Why) {
        let hold = Hold { until: Instant::now() + wait, why };
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = all.entry((whom.clone(), budget.into())).or_insert(hold);
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

/// Servers round the moment at which a limit is renewed differently from answer to answer.
fn is_same(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= SignedDuration::from_secs(60)
}

/// Order of the sources: `Retry-After`, then the reset of an exhausted limit, then a minute.
fn wait_of(answer: &HttpAnswer, rate: Option<Rate>, now: Timestamp) -> Option<Duration> {
    let asked = wire::retry_after(answer, now).and_then(|d| Duration::try_from(d).ok());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::wire::testing::answer;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const SECOND: Duration = Duration::from_secs(1);

    fn holds() -> Holds {
        Holds::new(SECOND * 3600, SECOND * 60, None)
    }

    fn whom() -> Whom {
        ("api.example".into(), 1)
    }

    fn told(status: u16, body: &str, headers: &[(&str, &str)]) -> HttpAnswer {
        headers.iter().fold(answer(status, body), |told, (n, v)| told.with(n, v))
    }

    /// Which of two budgets may still be asked.
    fn open(holds: &Holds) -> (bool, bool) {
        let may = |budget| holds.check(&whom(), budget, NOW).is_ok();
        (may("core"), may("graphql"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_spent_budget_rests_alone_and_any_other_limit_is_the_hosts() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "600")];
        let left = [("x-ratelimit-remaining", "9"), ("retry-after", "60")];
        let secondary = "{\"message\":\"You have exceeded a secondary rate limit\"}";
        for (told, expected) in [
            (told(403, "{}", &spent), (false, true)),
            (told(200, "{}", &spent), (false, true)),
            (told(403, secondary, &spent), (false, false)),
            (told(403, secondary, &[]), (false, false)),
            (told(429, "{}", &left), (false, false)),
            (told(429, "{}", &[]), (false, false)),
            (told(401, "{}", &[]), (false, false)),
            (told(403, "{}", &[("x-ratelimit-remaining", "9")]), (true, true)),
        ] {
            let holds = holds();
            holds.learn(&whom(), "core", &told, NOW);
            assert_eq!(open(&holds), expected, "{} {:?}", told.status, told.headers);
            assert!(holds.check(&("api.example".into(), 2), "core", NOW).is_ok(), "another token");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_an_hourly_limit_is_left_to_others() {
        let holds = holds();
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        let asked = |status, at| {
            let headers = [
                ("x-ratelimit-remaining", "55"),
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-reset", "3600"),
            ];
            holds.learn(&whom(), "core", &told(status, "{}", &headers), at)
        };
        for n in 1..=29 {
            assert_eq!(asked(200, at(0)).unwrap().left, 30 - n);
            assert_eq!(asked(304, at(0)).unwrap().left, 30 - n, "unchanged costs nothing");
        }
        assert_eq!(open(&holds), (true, true));
        asked(200, at(0));
        assert_eq!(open(&holds), (false, true));
        let trouble = holds.check(&whom(), "core", NOW).unwrap_err();
        assert!(trouble.message.as_str().starts_with("half of the hourly limit"), "{trouble}");
        tokio::time::advance(SECOND * 3601).await;
        assert_eq!(open(&holds), (true, true));
        let renewed = [
            ("x-ratelimit-remaining", "59"),
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-reset", "7200"),
        ];
        let share = holds.learn(&whom(), "core", &told(200, "{}", &renewed), at(3601));
        assert_eq!(share.unwrap().left, 29);
        // A limit by the minute is obeyed as it comes.
        let minute =
            [("ratelimit-remaining", "5"), ("ratelimit-limit", "10"), ("ratelimit-reset", "30")];
        assert_eq!(holds.learn(&whom(), "", &told(200, "{}", &minute), NOW), None);
    }

    #[test]
    fn polls_are_paced_so_that_the_share_lasts() {
        let share = Share { left: 30, lasts: SECOND * 3600 };
        assert_eq!(share.pace(4), SECOND * 480);
        assert_eq!(Share { left: 3, ..share }.pace(4), SECOND * 3600);
        assert_eq!(Share { left: 2500, ..share }.pace(1), Duration::from_millis(1440));
    }

    /// Two processes that share a folder.
    fn two() -> (tempfile::TempDir, Holds, Holds) {
        let folder = tempfile::tempdir().unwrap();
        let one =
            || Holds::new(SECOND * 3600, SECOND * 60, Some(Slate::open(folder.path()).unwrap()));
        let (first, second) = (one(), one());
        (folder, first, second)
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_process_was_asked_for_holds_for_all_and_no_longer() {
        let (folder, first, second) = two();
        let at = |s: i64| Timestamp::from_second(1_000_000 + s).unwrap();
        let may = |holds: &Holds, budget, s| holds.check(&whom(), budget, at(s)).is_ok();
        assert!(may(&second, "core", 0));
        first.learn(&whom(), "core", &told(429, "{}", &[("retry-after", "100")]), at(0));
        assert!(!may(&second, "core", 1) && !may(&second, "graphql", 1), "the host's limit");
        assert!(second.check(&("api.example".into(), 2), "core", at(1)).is_ok(), "another token");
        // A third that comes later waits for the rest only; a clock that was set back is not believed.
        let later = || {
            let slate = Slate::open(folder.path()).unwrap();
            Holds::new(SECOND * 3600, SECOND * 60, Some(slate))
        };
        let trouble = later().check(&whom(), "core", at(60)).unwrap_err();
        assert_eq!(trouble.retry_after, Some(SignedDuration::from_secs(40)), "{trouble}");
        assert!(may(&later(), "core", 100) && may(&later(), "core", -5));
        tokio::time::advance(SECOND * 101).await;
        assert!(may(&second, "core", 101));
        // A refused credential is each process's own affair: who mended it asks at once.
        first.learn(&whom(), "core", &told(401, "{}", &[]), at(200));
        assert!(!may(&first, "core", 200) && may(&second, "core", 200));
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_an_hourly_limit_is_the_half_of_all_processes_together() {
        let (folder, first, second) = two();
        let headers = [
            ("x-ratelimit-remaining", "55"),
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-reset", "3600"),
        ];
        let ask = |holds: &Holds, status| {
            holds.learn(&whom(), "core", &told(status, "{}", &headers), NOW).unwrap().left
        };
        for n in 0..14 {
            assert_eq!(ask(&first, 200), 29 - 2 * n);
            assert_eq!(ask(&second, 200), 28 - 2 * n);
        }
        assert_eq!(ask(&first, 304), 2, "unchanged costs nothing");
        // Where nothing can be written what was asked meanwhile is told later.
        let taken = super::super::slate::Slate::hold(folder.path());
        assert_eq!(ask(&first, 200), 1);
        drop(taken);
        assert_eq!(ask(&second, 304), 2);
        assert_eq!(ask(&first, 304), 1);
        assert_eq!(ask(&second, 200), 0);
        for holds in [&first, &second] {
            let trouble = holds.check(&whom(), "core", NOW).unwrap_err();
            assert!(trouble.message.as_str().starts_with("half of the hourly limit"), "{trouble}");
            assert!(holds.check(&whom(), "graphql", NOW).is_ok());
        }
    }
}
