//! The script: what goes wrong in every turn of the story, second by second, and what went wrong in the past.

/// A turn of the story, in its own seconds; then it begins again with new versions.
pub const TURN: f64 = 1_200.0;

/// A release that should have been fine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plot {
    pub service: &'static str,
    pub author: &'static str,
    /// What the release was for.
    pub intent: &'static str,
    /// What people see first.
    pub title: &'static str,
    /// The business number that falls, as an alert's name and sentence.
    pub loss: (&'static str, &'static str),
    /// A flag that was turned up a while before the release: a second suspect, and an innocent one.
    pub flag: &'static str,
    /// Added to the share of failing requests at its worst.
    pub errors: f64,
    /// Factor on the 95th percentile at its worst.
    pub slower: f64,
    /// How much of the database's connections it eats.
    pub database: f64,
    pub orders: f64,
    pub signups: f64,
}

pub const PLOTS: &[Plot] = &[
    Plot {
        service: "checkout",
        author: "ada",
        intent: "Show delivery dates for every line of the basket",
        title: "Checkout is failing for about one in seven baskets",
        loss: ("OrdersDropped", "orders per minute are less than half of last week's"),
        flag: "basket-prefetch",
        errors: 0.142,
        slower: 9.0,
        database: 0.36,
        orders: 0.78,
        signups: 0.10,
    },
    Plot {
        service: "login",
        author: "priya",
        intent: "Keep sessions for thirty days",
        title: "Customers are logged out and cannot sign in again",
        loss: ("SignupsDropped", "sign-ups per hour are less than half of last week's"),
        flag: "long-sessions",
        errors: 0.23,
        slower: 6.0,
        database: 0.21,
        orders: 0.38,
        signups: 0.86,
    },
    Plot {
        service: "search",
        author: "liwen",
        intent: "Typo-tolerant product search",
        title: "Search answers late or not at all",
        loss: ("OrdersDropped", "orders per minute are well below last week's"),
        flag: "fuzzy-search",
        errors: 0.09,
        slower: 14.0,
        database: 0.28,
        orders: 0.52,
        signups: 0.12,
    },
];

/// The plot of a turn.
pub fn plot(turn: i64) -> &'static Plot {
    let place = usize::try_from(turn).unwrap_or(0) % PLOTS.len();
    PLOTS.get(place).unwrap_or(&CALM)
}

const CALM: Plot = Plot {
    service: "web",
    author: "noor",
    intent: "",
    title: "",
    loss: ("", ""),
    flag: "",
    errors: 0.0,
    slower: 1.0,
    database: 0.0,
    orders: 0.0,
    signups: 0.0,
};

/// How many releases of the turn's service the story has shipped before this turn.
pub fn earlier(turn: i64) -> u32 {
    u32::try_from(turn).unwrap_or(0) / PLOTS.len() as u32
}

// The beats of a turn, in seconds.
pub const DEPLOY_ASKED: f64 = 14.0;
pub const DEPLOY_RUNS: f64 = 18.0;
pub const DEPLOY_DONE: f64 = 40.0;
pub const LATENCY: (f64, f64, f64, f64) = (78.0, 165.0, 334.0, 420.0);
pub const ERRORS: (f64, f64, f64, f64) = (104.0, 185.0, 332.0, 412.0);
pub const SLOW_PENDING: f64 = 98.0;
pub const SLOW_FIRES: f64 = 118.0;
pub const ERRORS_PENDING: f64 = 114.0;
pub const ERRORS_FIRE: f64 = 132.0;
pub const PAGED: f64 = 137.0;
pub const LOSS_FIRES: f64 = 171.0;
pub const ACKED: f64 = 182.0;
pub const POOL_FIRES: f64 = 195.0;
pub const ROLLBACK_ASKED: f64 = 300.0;
pub const ROLLBACK_RUNS: f64 = 304.0;
pub const ROLLBACK_DONE: f64 = 330.0;
pub const ALERTS_END: f64 = 437.0;
pub const RESOLVED: f64 = 470.0;
pub const SILENCE_ENDS: f64 = 545.0;
pub const MAIL_PAGED: f64 = 566.0;
pub const MAIL_ACKED: f64 = 627.0;
pub const MAIL_SCALED: f64 = 668.0;
pub const MAIL: (f64, f64) = (680.0, 815.0);
pub const MAIL_QUIET: f64 = 806.0;
pub const MAIL_RESOLVED: f64 = 840.0;
pub const WEB_STAGED: f64 = 760.0;
pub const WEB_ASKED: f64 = 900.0;
pub const REPORTS_FAILS: f64 = 960.0;
pub const REPORTS_RETRY: f64 = 1_020.0;
pub const NEXT_STAGED: f64 = 1_080.0;
/// The alert that fires always does not reach the router: all is quiet, and nobody would tell.
pub const CUT_OFF: (f64, f64) = (1_090.0, 1_180.0);

/// Whether the router hears nothing at a second of the story.
pub fn is_cut_off(second: f64) -> bool {
    let beat = second.rem_euclid(TURN);
    second > 0.0 && (CUT_OFF.0..CUT_OFF.1).contains(&beat)
}

/// When a turn's newsletter starts to fill the mail queue, and when the queue is full.
///
/// The first one began before the story: somebody opening the demo sees it at once.
pub fn mail_rise(turn: i64) -> (f64, f64) {
    if turn == 0 { (-2_100.0, -1_500.0) } else { (-150.0, -60.0) }
}

/// When the turn's flag is turned up.
pub fn flag_raised(turn: i64) -> f64 {
    if turn == 0 { -2_340.0 } else { -700.0 }
}

/// An incident that is over: what happened, when, and what it did to the numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// Days before the story, at this local time.
    pub days: i64,
    pub hour: f64,
    pub minutes: f64,
    pub service: &'static str,
    pub title: &'static str,
    pub priority: &'static str,
    /// Minutes until somebody had it; `None` when it went away alone.
    pub acked: Option<f64>,
    pub errors: f64,
    pub slower: f64,
    pub orders: f64,
    /// Whether a release preceded it and was rolled back.
    pub release: bool,
}

pub const PAST: &[Past] = &[
    Past {
        days: 2,
        hour: 10.75,
        minutes: 9.0,
        service: "search",
        title: "Search is slow while the index is rebuilt",
        priority: "P4",
        acked: None,
        errors: 0.004,
        slower: 3.2,
        orders: 0.04,
        release: false,
    },
    Past {
        days: 5,
        hour: 19.4,
        minutes: 26.0,
        service: "payments",
        title: "Card payments time out at the bank's side",
        priority: "P2",
        acked: Some(3.0),
        errors: 0.06,
        slower: 7.0,
        orders: 0.31,
        release: false,
    },
    Past {
        days: 9,
        hour: 3.2,
        minutes: 47.0,
        service: "db",
        title: "Database failed over and the old primary came back read-only",
        priority: "P1",
        acked: Some(6.0),
        errors: 0.11,
        slower: 12.0,
        orders: 0.85,
        release: false,
    },
    Past {
        days: 16,
        hour: 14.1,
        minutes: 23.0,
        service: "checkout",
        title: "Checkout fails when the connection pool is exhausted",
        priority: "P2",
        acked: Some(4.0),
        errors: 0.12,
        slower: 8.0,
        orders: 0.71,
        release: true,
    },
    Past {
        days: 19,
        hour: 8.2,
        minutes: 14.0,
        service: "mail",
        title: "Order confirmations are late",
        priority: "P4",
        acked: Some(11.0),
        errors: 0.002,
        slower: 2.0,
        orders: 0.0,
        release: false,
    },
    Past {
        days: 23,
        hour: 20.5,
        minutes: 64.0,
        service: "payments",
        title: "Payments by bank transfer are rejected",
        priority: "P2",
        acked: Some(5.0),
        errors: 0.09,
        slower: 1.6,
        orders: 0.22,
        release: false,
    },
    Past {
        days: 26,
        hour: 11.3,
        minutes: 12.0,
        service: "web",
        title: "Start page without pictures after a cache purge",
        priority: "P3",
        acked: Some(2.0),
        errors: 0.03,
        slower: 2.6,
        orders: 0.12,
        release: true,
    },
    Past {
        days: 29,
        hour: 7.0,
        minutes: 35.0,
        service: "login",
        title: "Nobody can sign in: the certificate of the identity provider ended",
        priority: "P1",
        acked: Some(8.0),
        errors: 0.62,
        slower: 1.2,
        orders: 0.55,
        release: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beats_come_in_the_order_of_a_story() {
        let beats = [
            DEPLOY_ASKED,
            DEPLOY_RUNS,
            DEPLOY_DONE,
            LATENCY.0,
            SLOW_PENDING,
            ERRORS.0,
            SLOW_FIRES,
            ERRORS_FIRE,
            PAGED,
            LOSS_FIRES,
            ACKED,
            POOL_FIRES,
            ROLLBACK_ASKED,
            ROLLBACK_RUNS,
            ROLLBACK_DONE,
            ERRORS.3,
            ALERTS_END,
            RESOLVED,
            SILENCE_ENDS,
            MAIL_PAGED,
            MAIL_ACKED,
            MAIL_SCALED,
            MAIL_QUIET,
            MAIL.1,
            MAIL_RESOLVED,
            WEB_ASKED,
            NEXT_STAGED,
            TURN,
        ];
        assert!(beats.windows(2).all(|w| w[0] < w[1]), "{beats:?}");
    }

    #[test]
    fn past_incidents_are_newest_first_and_over() {
        assert!(PAST.windows(2).all(|w| w[0].days < w[1].days));
        assert!(PAST.iter().all(|p| p.minutes < 24.0 * 60.0 && p.days > 1));
    }
}
