//! How much of an error budget is left, how fast it burns, and when it will be gone: never clamped, and never a guess.

use jiff::{SignedDuration, Timestamp};

use super::words;
use crate::model::{
    Clean, Key, Measure, Objective, Spent, Staleness, Weighted, Written, asked_every,
};

/// How an objective stands at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub key: Key,
    pub name: Clean,
    pub written: Written,
    pub weighted: Weighted,
    /// The share that shall be good, 0–1.
    pub target: f64,
    pub period: SignedDuration,
    /// The share of the period's budget that is left: negative when more was spent than there was, −1 when twice.
    pub left: Option<f64>,
    /// Why nothing can be said of what is left: no data, no traffic, or the store's words.
    pub instead: Option<Measure>,
    /// Bad events of the period, and how many may be bad of all there were.
    pub bad: Option<f64>,
    pub allowed: Option<f64>,
    pub total: Option<f64>,
    /// So few events that one of them moves the number much: fewer than ten bad ones would be the whole budget.
    pub low_traffic: bool,
    /// The shortest window first; the period itself is not among them.
    pub burns: Vec<Burn>,
    pub verdict: Burning,
    /// The row that fired.
    pub fired: Option<Row>,
    /// When the budget is gone at the pace of the row that fired, else at that of the longest window that burns it
    /// before the period is over; of a spent budget, how long a whole one lasts at that pace.
    pub gone_in: Option<SignedDuration>,
    /// The newest answer.
    pub at: Option<Timestamp>,
    pub staleness: Staleness,
    /// When age alone makes something else of it.
    pub flips: Option<Timestamp>,
}

/// How fast the budget burned in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Burn {
    pub window: SignedDuration,
    /// 1 spends exactly the budget in the period.
    pub rate: Option<f64>,
    /// What the store told instead of a share: no data, no traffic, words; or the share.
    pub ratio: Measure,
    pub bad: Option<f64>,
    pub total: Option<f64>,
    pub low_traffic: bool,
    pub at: Timestamp,
    pub staleness: Staleness,
}

/// What follows from how fast it burns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Burning {
    /// Nobody knows.
    Unknown,
    /// The store has the series, and nothing happened.
    NoTraffic,
    /// No faster than it may.
    Calm,
    /// Somebody should look within days.
    Ticket,
    /// Somebody should look now.
    Page,
}

impl Burning {
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NoTraffic => "no-traffic",
            Self::Calm => "calm",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

/// Two windows that both have to burn faster than a rate: the long one for certainty, the short one for being current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    pub burning: Burning,
    pub long: SignedDuration,
    pub short: SignedDuration,
    pub faster_than: f64,
}

/// `p` of the budget within the long window: r* = p·P/L (domain.md §3.1, after the SRE workbook).
const GOOGLE: [(Burning, f64, i64, i64); 4] = [
    (Burning::Page, 0.02, 3_600, 300),
    (Burning::Page, 0.05, 21_600, 1_800),
    (Burning::Ticket, 0.10, 86_400, 7_200),
    (Burning::Ticket, 0.10, 259_200, 21_600),
];

/// 1 is the pace that is allowed. In a week, a tenth of its budget in three days is a quarter of that pace: such a row
/// would fire for ever over a budget that lasts. Periods of four weeks and more do not come near (28 days: 0.933).
const SLOWEST: f64 = 0.9;

/// Factors and parts of the period, as Pyrra has them (domain.md §3.2): the short window is a twelfth of the long one.
const PYRRA: [(Burning, f64, f64); 4] = [
    (Burning::Page, 14.0, 672.0),
    (Burning::Page, 7.0, 112.0),
    (Burning::Ticket, 2.0, 28.0),
    (Burning::Ticket, 1.0, 7.0),
];

/// The rows an objective is judged by, the most pressing first: those whose long window fits into the period.
pub fn rows(objective: &Objective) -> Vec<Row> {
    let period = objective.period.as_secs_f64();
    let rows: Vec<Row> = match objective.written {
        Written::Configuration | Written::Sloth => GOOGLE
            .into_iter()
            .map(|(burning, p, long, short)| Row {
                burning,
                long: SignedDuration::from_secs(long),
                short: SignedDuration::from_secs(short),
                faster_than: (p * period / long as f64).max(SLOWEST),
            })
            .collect(),
        Written::Pyrra => PYRRA
            .into_iter()
            .map(|(burning, faster_than, part)| Row {
                burning,
                long: minutes(period / part),
                short: minutes(period / part / 12.0),
                faster_than,
            })
            .collect(),
    };
    rows.into_iter().filter(|row| row.long < objective.period).collect()
}

/// Rounded to a minute, as Pyrra rounds.
fn minutes(seconds: f64) -> SignedDuration {
    SignedDuration::from_mins((seconds / 60.0).round() as i64)
}

/// How an objective stands. `every` is how often its source is asked at all.
pub fn stand(objective: &Objective, every: SignedDuration, now: Timestamp) -> Budget {
    let budget = 1.0 - objective.target;
    let whole = objective.spent.iter().find(|s| s.window == objective.period);
    let burns: Vec<Burn> = objective
        .spent
        .iter()
        .filter(|spent| spent.window != objective.period)
        .map(|spent| burn(spent, budget, every, now))
        .collect();
    let left = whole.and_then(|w| w.ratio.number()).map(|ratio| 1.0 - ratio / budget);
    let left = left.filter(|left| left.is_finite());
    let counts = whole.and_then(|w| w.counts);
    let (verdict, fired) = judge(objective, &burns);
    let judged = burns.iter().filter(|b| b.staleness != Staleness::Expired);
    let pace = match fired {
        Some(row) => at_window(&burns, row.long).and_then(|b| b.rate),
        // At this pace the budget is gone before the period is over: else there is nothing to say.
        None => judged.filter_map(|b| b.rate).next_back().filter(|rate| *rate > 1.0),
    };
    Budget {
        key: objective.key.clone(),
        name: objective.name.clone(),
        written: objective.written,
        weighted: objective.weighted,
        target: objective.target,
        period: objective.period,
        left,
        instead: match whole {
            Some(whole) if left.is_none() => Some(whole.ratio.clone()),
            Some(_) => None,
            None => Some(Measure::NoData),
        },
        bad: counts.map(|(bad, _)| bad),
        allowed: counts.map(|(_, total)| total * budget),
        total: counts.map(|(_, total)| total),
        low_traffic: counts.is_some_and(|(_, total)| is_low(total, budget)),
        verdict,
        fired,
        gone_in: pace.and_then(|rate| exhaustion(left, objective.period, rate)),
        at: objective.spent.iter().map(|s| s.at).max(),
        // The shortest window is the one that tells of now.
        staleness: burns.first().map_or(Staleness::Expired, |b| b.staleness),
        flips: objective
            .spent
            .iter()
            .flat_map(|s| {
                let (stale, expired) = limits(s.window, every);
                [stale, expired].map(|limit| words::later(s.at, limit))
            })
            .filter(|at| *at > now)
            .min(),
        burns,
    }
}

/// Ten bad events are the budget of 10/b: with fewer events, each moves the number by more than a tenth of it.
fn is_low(total: f64, budget: f64) -> bool {
    total < 10.0 / budget
}

fn burn(spent: &Spent, budget: f64, every: SignedDuration, now: Timestamp) -> Burn {
    let share = match spent.ratio {
        Measure::Number(ratio) => Some(ratio),
        // Something bad and nothing at all: as fast as can be.
        Measure::Infinite(true) => Some(f64::INFINITY),
        _ => None,
    };
    let age = now.duration_since(spent.at);
    let (stale, expired) = limits(spent.window, every);
    Burn {
        window: spent.window,
        rate: share.map(|share| share / budget).filter(|rate| !rate.is_nan()),
        ratio: spent.ratio.clone(),
        bad: spent.counts.map(|(bad, _)| bad),
        total: spent.counts.map(|(_, total)| total),
        low_traffic: spent.counts.is_some_and(|(_, total)| is_low(total, budget)),
        at: spent.at,
        staleness: if age > expired {
            Staleness::Expired
        } else if age > stale {
            Staleness::Stale
        } else {
            Staleness::Fresh
        },
    }
}

/// From which age on the answer about a window is stale, and from which it tells nothing: as for a source that is
/// asked as often as this window is (domain.md §4.5), and once more, because windows wait for the next poll.
fn limits(window: SignedDuration, every: SignedDuration) -> (SignedDuration, SignedDuration) {
    let asked = asked_every(window).max(every).saturating_add(every);
    let stale = asked.saturating_mul(2).max(SignedDuration::from_secs(30));
    (stale, asked.saturating_mul(5).max(SignedDuration::from_mins(5)))
}

/// The burn in a window; Pyrra's are rounded, and a series says its own length.
fn at_window(burns: &[Burn], window: SignedDuration) -> Option<&Burn> {
    let near = SignedDuration::from_mins(1).min(window / 10);
    let apart = |b: &&Burn| (b.window - window).abs();
    burns.iter().filter(|b| apart(b) <= near).min_by_key(apart)
}

/// The most pressing row of which both windows burn faster than they may: strictly, so that the very limit is calm.
fn judge(objective: &Objective, burns: &[Burn]) -> (Burning, Option<Row>) {
    let (mut calm, mut silent) = (false, false);
    for row in rows(objective) {
        let of = |window| at_window(burns, window).filter(|b| b.staleness != Staleness::Expired);
        let (Some(long), Some(short)) = (of(row.long), of(row.short)) else { continue };
        match (long.rate, short.rate) {
            (Some(long), Some(short)) if long > row.faster_than && short > row.faster_than => {
                return (row.burning, Some(row));
            }
            (Some(_), Some(_)) => calm = true,
            (Some(_), None) if short.ratio == Measure::NoTraffic => calm = true,
            (None, None) => silent |= long.ratio == Measure::NoTraffic,
            _ => {}
        }
    }
    let verdict = match (calm, silent) {
        (true, _) => Burning::Calm,
        (false, true) => Burning::NoTraffic,
        (false, false) => Burning::Unknown,
    };
    (verdict, None)
}

/// R·P/r of what is left; of a spent budget P/r, the time in which a whole one goes.
fn exhaustion(left: Option<f64>, period: SignedDuration, rate: f64) -> Option<SignedDuration> {
    let share = left.filter(|left| *left > 0.0).unwrap_or(1.0);
    let seconds = share * period.as_secs_f64() / rate;
    SignedDuration::try_from_secs_f64(seconds).ok().filter(|_| rate > 0.0)
}

impl Budget {
    /// Whether what burns is more than chance: the row's long window has ten bad events, which are the whole budget of
    /// the fewest events that are worth a number. Fewer, and one failed request in a quiet night would be an outage.
    pub fn is_certain(&self) -> bool {
        let long = self.fired.and_then(|row| at_window(&self.burns, row.long));
        long.is_some_and(|burn| burn.bad.is_none_or(|bad| bad >= 10.0))
    }

    /// `41 % left`, `−40 %, spent`; nothing where nothing is known.
    pub fn left_words(&self) -> Option<String> {
        let left = self.left?;
        Some(if left < 0.0 {
            format!("{}, spent", share(left))
        } else {
            format!("{} left", share(left))
        })
    }

    /// `availability: budget gone in 5 h (41 % left)`.
    pub fn words(&self) -> Clean {
        let name = &self.name;
        let few = if self.fired.is_some() && !self.is_certain() { ", few events" } else { "" };
        match (self.fired, self.gone_in, self.left) {
            (Some(_), Some(gone), Some(left)) if left > 0.0 => Clean::line(format_args!(
                "{name}: budget gone in {} ({} left{few})",
                words::span(gone),
                share(left)
            )),
            (Some(_), Some(gone), Some(left)) => Clean::line(format_args!(
                "{name}: budget spent ({}{few}), a whole one gone in {}",
                share(left),
                words::span(gone)
            )),
            (Some(row), Some(gone), None) => Clean::line(format_args!(
                "{name}: a whole budget gone in {} at the pace of {}{few}",
                words::span(gone),
                words::span(row.long)
            )),
            (_, _, Some(left)) => {
                Clean::line(format_args!("{name}: {} of the budget left", share(left)))
            }
            (_, _, None) => match &self.instead {
                Some(Measure::NoTraffic) => {
                    Clean::line(format_args!("{name}: {}", words::NO_TRAFFIC))
                }
                Some(Measure::Unreadable(why)) => Clean::line(format_args!("{name}: {why}")),
                _ => Clean::line(format_args!("{name}: no data")),
            },
        }
    }
}

/// A share of a budget in percent, as coarse as it can be without hiding that something is left or gone: `62 %`,
/// `−40 %`, `0.4 %`, `99.9 %`.
pub fn share(left: f64) -> String {
    let percent = left * 100.0;
    let sign = if percent < 0.0 { "−" } else { "" };
    let size = percent.abs();
    if size > 0.0 && size < 0.05 {
        return format!("{sign}<0.1 %");
    }
    let one = format!("{size:.1}");
    let text = match size {
        // Nearly all of it is not all of it.
        _ if (99.5..100.0).contains(&percent) => {
            format!("{:.1}", (percent * 10.0).floor() / 10.0)
        }
        _ if size < 9.95 => one.strip_suffix(".0").unwrap_or(&one).to_owned(),
        _ => format!("{size:.0}"),
    };
    format!("{sign}{text} %")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{BURN_WINDOWS, Labels, SourceName};

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    fn secs(n: i64) -> SignedDuration {
        SignedDuration::from_secs(n)
    }

    #[test]
    fn a_window_is_as_fresh_as_it_is_asked_for_and_once_more() {
        assert_eq!(limits(secs(300), secs(60)), (secs(240), secs(600)));
        assert_eq!(limits(secs(300), secs(5)), (secs(70), secs(300)), "never less than minutes");
        assert_eq!(limits(secs(30 * DAY), secs(15)), (secs(1_230), secs(3_075)));
    }

    fn objective(target: f64, days: i64, spent: Vec<Spent>) -> Objective {
        Objective {
            key: Key::new(&SourceName::new("prom"), "x"),
            name: "availability".into(),
            written: Written::Configuration,
            labels: Labels::default(),
            target,
            period: secs(days * DAY),
            weighted: Weighted::ByEvents,
            spent,
        }
    }

    fn counted(window: i64, bad: f64, total: f64) -> Spent {
        Spent::of_counts(secs(window), now(), &Measure::Number(bad), &Measure::Number(total))
    }

    fn told(objective: &Objective) -> Budget {
        stand(objective, secs(15), now())
    }

    /// Every burn window with the same share, and a month that has spent `spent` of its budget.
    fn steady(target: f64, share: f64, spent: f64) -> Objective {
        let total = 10_000_000.0;
        let burn = BURN_WINDOWS.iter().map(|w| counted(w.as_secs(), share * total, total));
        let month = counted(30 * DAY, spent * (1.0 - target) * total, total);
        objective(target, 30, burn.chain([month]).collect())
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a number");
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    /// domain.md §3.1, the second table.
    #[test]
    fn what_is_left_is_negative_when_more_was_spent_than_there_was() {
        let left = |bad| told(&objective(0.999, 30, vec![counted(30 * DAY, bad, 2_592_000.0)]));
        let good = left(1_037.0);
        near(good.left, 1.0 - 1_037.0 / 2_592.0);
        assert_eq!(format!("{:.2}", good.left.unwrap() * 100.0), "59.99");
        assert_eq!(share(good.left.unwrap()), "60 %");
        near(good.allowed, 2_592.0);
        near(left(5_184.0).left, -1.0);
        assert_eq!(share(left(5_184.0).left.unwrap()), "−100 %");
        near(left(0.0).left, 1.0);
        near(left(2_592.0).left, 0.0);
    }

    /// A burn has no beginning of its own: only who saw the service well before may say since when.
    #[test]
    fn a_service_that_burns_is_so_since_somebody_saw_it_turn_or_at_least_since_somebody_looked() {
        use crate::insight::{survey, turned};
        use crate::model::{
            Board, Fact, Freshness, Health, Name, Report, Service, Slo, Status, Team,
        };

        let shop = Name::new("shop");
        let slo = Slo {
            name: Name::new("availability"),
            objective: 99.9,
            window: secs(30 * DAY),
            source: SourceName::new("prom"),
            bad: "".into(),
            total: "".into(),
        };
        let key = slo.key(&shop);
        let service = Service { name: shop.clone(), slos: vec![slo], ..Service::default() };
        let team = Team { services: vec![service], ..Team::default() };
        let at = |second: i64| now() + secs(second);
        let tell = |board: &mut Board, second: i64, share: f64| {
            let mut objective = steady(0.999, share, 0.2);
            objective.key = key.clone();
            objective.spent.iter_mut().for_each(|spent| spent.at = at(second));
            let fresh = Freshness {
                every: secs(15),
                status: Status::Ok,
                last_ok: Some(at(second)),
                ..Freshness::default()
            };
            board.sources.insert(SourceName::new("prom"), fresh);
            let report = Report { facts: vec![Fact::Objective(objective)], ..Report::default() };
            board.fold(&SourceName::new("prom"), at(second), report);
            let found = survey(board, &team, at(second));
            for turn in turned(&found, at(second)) {
                let since = turn.seen.then_some(turn.at);
                let health = found.services[0].health;
                board.turns.note(&turn.service, health, since, at(second));
            }
            let found = survey(board, &team, at(second)).services.remove(0);
            (found.health, found.since, found.at_least)
        };
        // It burned when somebody looked first.
        let mut board = Board::default();
        for second in [0, 60] {
            let told = tell(&mut board, second, 0.02);
            assert_eq!(told, (Health::Degraded, None, Some(at(0))), "{second}");
        }
        // Somebody saw it well before, and then not any more.
        let mut board = Board::default();
        assert_eq!(tell(&mut board, 0, 0.0), (Health::Ok, None, None));
        assert_eq!(tell(&mut board, 60, 0.02), (Health::Degraded, Some(at(60)), None));
        assert_eq!(tell(&mut board, 120, 0.02), (Health::Degraded, Some(at(60)), None));
    }

    /// domain.md §3.1: r* = p·P/L.
    #[test]
    fn thresholds_follow_the_period() {
        let of = |days| {
            let rows = rows(&objective(0.999, days, Vec::new()));
            rows.iter().map(|r| (r.faster_than * 1_000.0).round() / 1_000.0).collect::<Vec<_>>()
        };
        assert_eq!(of(30), [14.4, 6.0, 3.0, 1.0]);
        assert_eq!(of(28), [13.44, 5.6, 2.8, 0.933]);
        assert_eq!(of(3), [1.44, 0.9, 0.9], "three days do not fit into three days");
        assert_eq!(of(7), [3.36, 1.4, 0.9, 0.9], "a pace that lasts is no alarm");
        for (row, short) in
            rows(&objective(0.999, 30, Vec::new())).iter().zip([300, 1_800, 7_200, 21_600])
        {
            assert_eq!(row.short.as_secs(), short);
            assert_eq!(row.long, row.short * 12);
        }
    }

    /// domain.md §3.2: factors 14, 7, 2, 1; windows scaled from 28 days and rounded to a minute.
    #[test]
    fn pyrra_has_factors_and_windows_of_its_own() {
        let of = |days| {
            let found = Objective { written: Written::Pyrra, ..objective(0.99, days, Vec::new()) };
            let rows = rows(&found);
            rows.iter()
                .map(|r| (r.faster_than, r.long.as_mins(), r.short.as_mins()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(28), [(14.0, 60, 5), (7.0, 360, 30), (2.0, 1_440, 120), (1.0, 5_760, 480)]);
        assert_eq!(of(30)[0].1, 64, "64 m, not an hour");
    }

    #[test]
    fn a_row_fires_only_above_its_limit_and_in_both_windows() {
        let budget = 0.001;
        let at = |rate: f64| told(&steady(0.999, rate * budget, 0.2)).verdict;
        assert_eq!(at(0.5), Burning::Calm);
        assert_eq!(at(1.5), Burning::Ticket);
        assert_eq!(at(7.0), Burning::Page);
        // Exactly at the limit nothing fires: an eighth of a share has no rounding.
        let exact = |long: f64, short: f64| {
            let total = 65_536.0;
            let spent = [(3_600, long), (300, short)];
            let spent = spent.map(|(w, share)| counted(w, share * total, total));
            let objective = objective(0.5, 30, spent.to_vec());
            (told(&objective).verdict, told(&objective).fired.map(|r| r.long.as_hours()))
        };
        assert_eq!(exact(7.2, 7.2).0, Burning::Calm, "14.4 · 0.5 is the limit itself");
        assert_eq!(exact(7.25, 7.25), (Burning::Page, Some(1)));
        assert_eq!(exact(7.25, 7.0).0, Burning::Calm, "it is over already");
        assert_eq!(exact(7.0, 7.25).0, Burning::Calm, "it may be a moment");
    }

    /// domain.md §3.1: 14.4 spends a budget in 50 h, and what is left of one accordingly sooner.
    #[test]
    fn burn_is_said_as_time() {
        let full = told(&steady(0.999, 0.0144 * 1.000_001, 0.0));
        assert_eq!(full.gone_in.map(|t| (t.as_secs_f64() / 3_600.0).round()), Some(50.0));
        assert_eq!(full.verdict, Burning::Page);
        let half = told(&steady(0.999, 0.0144 * 1.000_001, 0.5));
        assert_eq!(half.gone_in.map(|t| (t.as_secs_f64() / 3_600.0).round()), Some(25.0));
        assert_eq!(half.words().as_str(), "availability: budget gone in 1 d (50 % left)");
        let spent = told(&steady(0.999, 0.0144 * 1.000_001, 1.4));
        let words = "availability: budget spent (−40 %), a whole one gone in 2 d 1 h";
        assert_eq!(spent.words().as_str(), words);
        // At the pace that is allowed it lasts, and nothing is said.
        assert_eq!(told(&steady(0.999, 0.001, 0.5)).gone_in, None);
        for (days, budget, minutes) in
            [(30, 0.001, 43.2), (28, 0.001, 40.32), (30, 0.0005, 21.6), (30, 0.0001, 4.32)]
        {
            let outage = exhaustion(Some(1.0), secs(days * DAY), 1.0 / budget).unwrap();
            assert!((outage.as_secs_f64() / 60.0 - minutes).abs() < 1e-6, "{outage:?}");
        }
    }

    /// domain.md §3.3: nine slots of a thousand requests without an error and one of ten with five.
    #[test]
    fn a_share_by_time_and_one_by_events_are_not_the_same() {
        let events = told(&objective(0.99, 30, vec![counted(30 * DAY, 5.0, 9_010.0)]));
        let time = Objective {
            weighted: Weighted::ByTime,
            spent: vec![Spent {
                window: secs(30 * DAY),
                at: now(),
                ratio: Measure::Number(0.05),
                counts: None,
            }],
            ..objective(0.99, 30, Vec::new())
        };
        let time = told(&time);
        near(events.left, 1.0 - 5.0 / 9_010.0 / 0.01);
        near(time.left, -4.0);
        assert_eq!((events.weighted.word(), time.weighted.word()), ("events", "time"));
    }

    #[test]
    fn no_traffic_and_no_data_are_neither_good_nor_bad() {
        let all = |measure: &Measure| {
            let windows = BURN_WINDOWS.into_iter().chain([secs(30 * DAY)]);
            let spent = windows.map(|w| Spent::of_counts(w, now(), measure, measure));
            told(&objective(0.999, 30, spent.collect()))
        };
        let silent = all(&Measure::Number(0.0));
        assert_eq!((silent.verdict, silent.left), (Burning::NoTraffic, None));
        assert_eq!(silent.words().as_str(), "availability: no traffic");
        for measure in [Measure::NoTraffic, Measure::NoData, Measure::Unreadable("soon".into())] {
            let told = all(&measure);
            assert!(told.verdict <= Burning::NoTraffic && told.left.is_none(), "{measure:?}");
        }
        assert_eq!(all(&Measure::NoData).verdict, Burning::Unknown);
        assert_eq!(told(&objective(0.999, 30, Vec::new())).verdict, Burning::Unknown);
    }

    /// domain.md §3.3: below 10/b events, of three nines 10,000.
    #[test]
    fn few_events_are_said_and_one_of_them_is_no_outage() {
        let month =
            |total| told(&objective(0.999, 30, vec![counted(30 * DAY, 1.0, total)])).low_traffic;
        assert!(month(9_999.0) && !month(10_001.0));
        let night = |bad: f64| {
            let spent = [(300, bad, 10.0), (3_600, bad, 100.0), (30 * DAY, bad, 50_000.0)];
            let spent = spent.map(|(w, bad, total)| counted(w, bad, total));
            told(&objective(0.999, 30, spent.to_vec()))
        };
        assert_eq!((night(2.0).verdict, night(2.0).is_certain()), (Burning::Page, false));
        assert!(night(2.0).words().as_str().contains("few events"));
        assert_eq!((night(10.0).verdict, night(10.0).is_certain()), (Burning::Page, true));
    }

    #[test]
    fn an_answer_that_is_not_asked_again_ages_away() {
        let burning = steady(0.999, 0.02, 0.5);
        let at = |age: i64| stand(&burning, secs(15), now() + secs(age));
        assert_eq!((at(0).verdict, at(0).staleness), (Burning::Page, Staleness::Fresh));
        assert_eq!((at(91).verdict, at(91).staleness), (Burning::Page, Staleness::Stale));
        // Five minutes later the hour and its last five minutes tell nothing of now any more; later the day does not.
        assert_eq!(at(2 * 3_600).verdict, Burning::Unknown);
        assert!(at(0).flips.unwrap() > now());
    }

    #[test]
    fn a_share_never_reads_as_all_or_nothing_when_it_is_not() {
        for (left, expected) in [
            (1.0, "100 %"),
            (0.9999, "99.9 %"),
            (0.994, "99 %"),
            (0.62, "62 %"),
            (0.05, "5 %"),
            (0.004, "0.4 %"),
            (0.0001, "<0.1 %"),
            (0.0, "0 %"),
            (-0.004, "−0.4 %"),
            (-0.4, "−40 %"),
            (-1.0, "−100 %"),
            (-27.5, "−2750 %"),
        ] {
            assert_eq!(share(left), expected, "{left}");
        }
    }

    proptest! {
        /// More that was bad never leaves more, and no number is cut off.
        #[test]
        fn more_bad_leaves_less(
            target in 0.5_f64..0.999_99,
            total in 1.0_f64..1e9,
            less in 0.0_f64..1.0,
            more in 0.0_f64..3.0,
        ) {
            let left = |share: f64| {
                let spent = vec![counted(30 * DAY, share * total, total)];
                told(&objective(target, 30, spent)).left.unwrap()
            };
            let (low, high) = (less.min(more), less.max(more));
            prop_assert!(left(low) >= left(high));
            let expected = 1.0 - high / (1.0 - target);
            prop_assert!((left(high) - expected).abs() <= expected.abs() * 1e-6 + 1e-6);
        }

        /// Burning faster never calms the verdict.
        #[test]
        fn faster_is_never_calmer(slow in 0.0_f64..30.0, more in 0.0_f64..30.0) {
            let verdict = |rate: f64| told(&steady(0.999, rate * 0.001, 0.1)).verdict;
            prop_assert!(verdict(slow + more) >= verdict(slow));
        }

        /// Whatever a store tells, there is a budget, and none of its numbers is NaN.
        #[test]
        fn no_answer_is_too_odd(
            bad in prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY)],
            total in prop_oneof![any::<f64>(), Just(0.0), Just(-1.0)],
            target in 0.0_f64..1.0,
            age in -100_000_i64..1_000_000,
        ) {
            let windows = BURN_WINDOWS.into_iter().chain([secs(30 * DAY)]);
            let spent = windows
                .map(|w| Spent::of_counts(w, now(), &Measure::of(bad), &Measure::of(total)));
            let told = stand(&objective(target, 30, spent.collect()), secs(15), now() + secs(age));
            prop_assert!(told.left.is_none_or(f64::is_finite));
            prop_assert!(told.burns.iter().all(|b| b.rate.is_none_or(|rate| !rate.is_nan())));
            let _ = (told.words(), told.left_words());
        }
    }
}
