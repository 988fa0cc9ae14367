//! How regular releases are: slip against a plan where there is one, else gaps in working days, and deploy days a week.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::calendar::{Event, Made, plans};
use super::freezes::occurrences;
use super::matching::{deploys_from, is_production, moment};
use super::words::earlier;
use crate::model::{Board, Clean, Outcome, Purpose, Service, Team, Window};

/// Releases a regularity is taken of: the last ones, so that it is about now.
const RELEASES: usize = 14;
/// Fewer gaps than this say nothing.
const GAPS: usize = 5;
/// Whole weeks that deploy days are counted in.
const WEEKS: i64 = 12;
/// How long before a plan its release may have been made: promised for Tuesday, out on Monday.
const EARLY: SignedDuration = SignedDuration::from_hours(24 * 3);

/// How even gaps are: their coefficient of variation, `σ/μ` with the population's σ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regularity {
    pub cv: f64,
    /// `(σ − μ)/(σ + μ)`: −1 a metronome, 0 chance, towards 1 bursts.
    pub burstiness: f64,
    /// How many gaps it is of.
    pub gaps: usize,
}

impl Regularity {
    /// Of gaps of any unit. `None` below five gaps, or where nothing lies between them.
    pub fn of(gaps: &[f64]) -> Option<Self> {
        if gaps.len() < GAPS {
            return None;
        }
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        if mean <= 0.0 {
            return None;
        }
        let spread = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n).sqrt();
        let burstiness = (spread - mean) / (spread + mean);
        Some(Self { cv: spread / mean, burstiness, gaps: gaps.len() })
    }

    /// One word for it.
    pub fn label(&self) -> &'static str {
        match self.cv {
            cv if cv <= 0.15 => "train",
            cv if cv <= 0.5 => "steady",
            cv if cv <= 1.0 => "irregular",
            _ => "bursty",
        }
    }
}

/// The middle of some values; of two middles their mean. `None` of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

/// A plan and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Slip {
    pub planned: Date,
    /// `None`: not made before the next one was due, or still open.
    pub actual: Option<Date>,
}

impl Slip {
    /// Days late; negative when early.
    pub fn days(&self) -> Option<i64> {
        Some(days_between(self.planned, self.actual?))
    }
}

/// The rhythm of one service, or of the whole team.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rhythm {
    pub last: Option<Timestamp>,
    /// The next planned release.
    pub next: Option<Timestamp>,
    /// The middle of the last gaps.
    pub usual: Option<SignedDuration>,
    /// Plans that were due, the newest last.
    pub slips: Vec<Slip>,
    /// In working days; of at most the last 14 days with a release.
    pub regularity: Option<Regularity>,
    /// Gaps there are, when they are too few.
    pub gaps: usize,
    /// Days with a deploy in each whole week, the newest last; the first week with any begins it.
    pub weeks: Vec<u8>,
}

impl Rhythm {
    /// The middle number of days a week with a deploy. `None` before a whole week was seen.
    pub fn days_a_week(&self) -> Option<f64> {
        median(&self.weeks.iter().map(|n| f64::from(*n)).collect::<Vec<_>>())
    }

    /// The middle slip in days, and of how many plans.
    pub fn slip(&self) -> Option<(f64, usize)> {
        let days: Vec<f64> = self.slips.iter().filter_map(|s| Some(s.days()? as f64)).collect();
        Some((median(&days)?, days.len()))
    }
}

/// What rhythms are made of, gathered once for all services.
pub struct Beats<'a> {
    team: &'a Team,
    now: Timestamp,
    holidays: BTreeSet<Date>,
    plans: Vec<Event>,
    board: &'a Board,
}

impl<'a> Beats<'a> {
    pub fn new(board: &'a Board, team: &'a Team, now: Timestamp) -> Self {
        let from = earlier(now, SignedDuration::from_hours(24 * 7 * (WEEKS + 1)));
        let ahead = super::words::later(now, SignedDuration::from_hours(24 * 120));
        let past = Window { from, until: now };
        let holidays = occurrences(board, Purpose::Holiday, past, &team.zone);
        let holidays = holidays.into_iter().filter_map(|o| o.days);
        let holidays = holidays.flat_map(|(a, b)| days(a, b).take(31).collect::<Vec<_>>());
        let plans = plans(board, team, Window { from, until: ahead }, &team.zone);
        Self { team, now, holidays: holidays.collect(), plans, board }
    }

    /// The rhythm of a service: of its published releases where it publishes any, else of its production deploys.
    pub fn of(&self, service: &Service) -> Rhythm {
        let named = |e: &&Event| e.services.contains(&service.name);
        let concerns = |e: &&Event| e.services.is_empty() || e.services.contains(&service.name);
        let made = self.releases(|s| s.name == service.name);
        let next = self.plans.iter().filter(concerns).find(|e| e.start > self.now && e.is_open());
        Rhythm {
            next: next.map(|e| e.start),
            // A plan for everybody is kept by anybody: who had nothing to release is not late.
            ..self.rhythm(&made, self.plans.iter().filter(named))
        }
    }

    /// The rhythm of everybody together.
    pub fn team(&self) -> Rhythm {
        self.rhythm(&self.releases(|_| true), self.plans.iter())
    }

    /// Moments of production deploys of the services that count, in time order.
    fn releases(&self, counts: impl Fn(&Service) -> bool) -> Vec<Timestamp> {
        let services: Vec<&Service> = self.team.services.iter().filter(|s| counts(s)).collect();
        let deploys = self.board.deploys.all().map(|r| &r.what);
        let good = deploys.filter(|d| {
            d.outcome == Outcome::Succeeded
                && is_production(self.team, d.environment.as_str())
                && services.iter().any(|s| deploys_from(s, d))
        });
        let mut found: Vec<Timestamp> = good.filter_map(moment).collect();
        if found.is_empty() {
            let same = |s: &&Service, repo: &str| s.repo.as_str().eq_ignore_ascii_case(repo);
            let published = self.board.releases.all().map(|r| &r.what);
            let published = published
                .filter(|r| !r.prerelease && services.iter().any(|s| same(s, r.repo.as_str())));
            found = published.filter_map(|r| r.published).collect();
        }
        found.retain(|at| *at <= self.now);
        found.sort_unstable();
        found
    }

    fn rhythm<'e>(&self, made: &[Timestamp], plans: impl Iterator<Item = &'e Event>) -> Rhythm {
        let zone = &self.team.zone;
        let plans: Vec<&Event> = plans.filter(|e| !is_off(e)).collect();
        let next = plans.iter().find(|e| e.start > self.now && e.is_open()).map(|e| e.start);
        let made_on: BTreeSet<Date> = made.iter().map(|at| date(*at, zone)).collect();
        let recent: Vec<Date> = {
            let mut last: Vec<Date> = made_on.iter().rev().take(RELEASES).copied().collect();
            last.reverse();
            last
        };
        let pairs = || recent.iter().zip(recent.iter().skip(1));
        let gaps: Vec<f64> = pairs().map(|(a, b)| self.working_days(*a, *b) as f64).collect();
        let last = made.iter().rev().take(RELEASES).rev();
        let spans: Vec<f64> = last
            .clone()
            .zip(last.skip(1))
            .map(|(a, b)| b.duration_since(*a).as_secs_f64())
            .collect();
        Rhythm {
            last: made.last().copied(),
            next,
            usual: median(&spans).map(SignedDuration::from_secs_f64),
            slips: slips(&plans, made, self.now, zone),
            regularity: Regularity::of(&gaps),
            gaps: gaps.len(),
            weeks: self.weeks(&made_on),
        }
    }

    /// Working days after `from` up to and with `to`: a Friday's next one is Monday.
    fn working_days(&self, from: Date, to: Date) -> usize {
        days(from, to).skip(1).filter(|day| self.works(*day)).count()
    }

    fn works(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            && !self.holidays.contains(&day)
    }

    /// Days with a release in each whole ISO week before this one, in the team's zone.
    fn weeks(&self, made_on: &BTreeSet<Date>) -> Vec<u8> {
        let Some(first) = made_on.first() else { return Vec::new() };
        let monday = |day: Date| {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
        };
        let this = monday(date(self.now, &self.team.zone));
        // A week that was seen only in part says less than a whole one.
        let begin = if monday(*first) == *first { *first } else { after(monday(*first), 7) };
        let earliest = after(this, -7 * WEEKS);
        let mut counts: BTreeMap<Date, u8> = BTreeMap::new();
        let mut week = begin.max(earliest);
        while week < this {
            counts.insert(week, 0);
            week = after(week, 7);
        }
        for day in made_on {
            if let Some(count) = counts.get_mut(&monday(*day)) {
                *count += 1;
            }
        }
        counts.into_values().collect()
    }
}

fn is_off(event: &Event) -> bool {
    event.status.as_str().eq_ignore_ascii_case("cancelled")
}

/// A plan that is due: its day, and what it says itself of being made.
struct Due {
    day: Date,
    title: Clean,
    made: Option<Made>,
}

/// Plans up to now, by day. Milestones of a train are called the same in every repository: they are one plan, made when
/// the last of them is. Plans that do not know whether they were made are one a day.
fn due(plans: &[&Event], now: Timestamp, zone: &TimeZone) -> Vec<Due> {
    let mut all: Vec<Due> = Vec::new();
    for event in plans.iter().filter(|e| e.start <= now) {
        let day = event.touches(zone).0;
        let own = event.made.is_some();
        let known = all
            .iter_mut()
            .rev()
            .take_while(|d| d.day == day)
            .find(|d| d.made.is_some() == own && (!own || d.title == event.title));
        match (known, event.made) {
            (None, made) => all.push(Due { day, title: event.title.clone(), made }),
            (Some(Due { made: Some(Made::On(known)), .. }), Some(Made::On(day))) => {
                *known = day.max(*known);
            }
            (Some(known), Some(Made::NotYet)) => known.made = Some(Made::NotYet),
            (Some(_), _) => {}
        }
    }
    all
}

/// What came of each plan that is due. A milestone or a version says itself when it was made. Of any other plan it is a
/// release of that day, else the first after it, else one shortly before: a release answers for one plan only, and a plan
/// waits no longer than until the next.
fn slips(plans: &[&Event], made: &[Timestamp], now: Timestamp, zone: &TimeZone) -> Vec<Slip> {
    let made: BTreeSet<Date> = made.iter().map(|at| date(*at, zone)).collect();
    let due = due(plans, now, zone);
    let today = date(now, zone);
    let early = EARLY.as_hours() / 24;
    let mut slips: Vec<Slip> = Vec::new();
    let mut taken: Option<Date> = None;
    for (i, Due { day, made: own, .. }) in due.iter().enumerate() {
        let actual = match own {
            Some(Made::On(day)) => Some(*day),
            Some(Made::NotYet) => None,
            // Before the first release anybody told of, not made and not known look the same.
            None if made.first().is_none_or(|first| day < first) => continue,
            None => {
                let rest = due.iter().skip(i + 1);
                let next = rest.filter(|d| d.made.is_none()).map(|d| d.day).next();
                let free = |day: &&Date| taken.is_none_or(|t| **day > t);
                let later = made.range(*day..).take_while(|d| next.is_none_or(|n| **d < n));
                let before = || made.range(after(*day, -early)..*day).rev().find(free);
                let actual = later.into_iter().find(free).or_else(before).copied();
                taken = actual.or(taken);
                actual
            }
        };
        // What is due today may still come.
        if actual.is_some() || *day < today {
            slips.push(Slip { planned: *day, actual });
        }
    }
    slips
}

fn date(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

fn after(day: Date, n: i64) -> Date {
    day.checked_add(jiff::Span::new().days(n)).unwrap_or(day)
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// Each day from one to another, both among them.
fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    let mut next = Some(from).filter(|d| *d <= to);
    std::iter::from_fn(move || {
        let day = next?;
        next = day.tomorrow().ok().filter(|d| *d <= to);
        Some(day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Deploy, Key, Milestone, Name, Plan, PlanRule};

    /// The example of domain.md §6.4: daily deploys on weekdays only.
    #[test]
    fn weekday_deploys_look_uneven_in_hours_and_are_even_in_working_days() {
        let hours = Regularity::of(&[24.0, 24.0, 24.0, 24.0, 72.0]).unwrap();
        assert!((hours.cv - 0.571).abs() < 0.001 && (hours.burstiness + 0.273).abs() < 0.001);
        assert_eq!((hours.label(), hours.gaps), ("irregular", 5));
        let days = Regularity::of(&[1.0; 5]).unwrap();
        assert_eq!((days.cv, days.burstiness, days.label()), (0.0, -1.0, "train"));
    }

    #[test]
    fn fewer_than_five_gaps_say_nothing() {
        assert_eq!(Regularity::of(&[1.0; 4]), None);
        assert_eq!(Regularity::of(&[0.0; 9]), None);
    }

    /// The example of domain.md §6.4: fully predictable releases every third Thursday have gaps of 28 and 35 days.
    #[test]
    fn a_third_thursday_is_a_train() {
        let gaps = [28.0, 35.0, 28.0, 28.0, 35.0, 28.0, 35.0, 28.0, 28.0, 35.0, 28.0, 28.0, 35.0];
        let found = Regularity::of(&gaps).unwrap();
        assert!((found.cv - 0.11).abs() < 0.01, "{found:?}");
        assert_eq!(found.label(), "train");
    }

    /// The examples of domain.md §2.4.
    #[test]
    fn a_median_is_interpolated() {
        assert_eq!(median(&[100.0, 10.0, 30.0, 20.0]), Some(25.0));
        assert_eq!(median(&[10.0, 100.0]), Some(55.0));
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn deployed(board: &mut Board, moment: &str) {
        // Upstreams number as they like: only the moment says what came first.
        let key = Key::new(&Name::new("gh"), moment.chars().rev().collect::<String>());
        let deploy = Deploy {
            key: key.clone(),
            repo: "o/web".into(),
            app: Clean::default(),
            environment: "production".into(),
            version: Clean::default(),
            sha: Clean::default(),
            started: None,
            finished: Some(at(moment)),
            outcome: Outcome::Succeeded,
            who: Clean::default(),
            description: Clean::default(),
            committed: None,
            url: None,
        };
        board.deploys.see(key, deploy, at(moment));
    }

    fn team() -> Team {
        let service =
            Service { name: Name::new("web"), repo: "o/web".into(), ..Service::default() };
        Team { services: vec![service], environments: vec!["production".into()], ..Team::default() }
    }

    #[test]
    fn a_weekend_is_no_gap_and_the_first_week_in_part_does_not_count() {
        let (mut board, team) = (Board::default(), team());
        // From Wednesday 4 to Wednesday 18 November 2026, on weekdays.
        for day in [4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18] {
            deployed(&mut board, &format!("2026-11-{day:02}T10:00:00Z"));
        }
        let now = at("2026-11-20T12:00:00Z");
        let found = Beats::new(&board, &team, now).of(&team.services[0]);
        assert!(found.regularity.unwrap().cv.abs() < 1e-9);
        assert_eq!(found.regularity.unwrap().gaps, 10);
        assert_eq!(found.weeks, [5], "only the week from the 9th was seen as a whole");
        assert_eq!(found.days_a_week(), Some(5.0));
        assert_eq!(found.usual, Some(SignedDuration::from_hours(24)));
        assert_eq!(found.last, Some(at("2026-11-18T10:00:00Z")));
    }

    #[test]
    fn a_week_without_a_deploy_is_a_week_of_zero() {
        let (mut board, team) = (Board::default(), team());
        deployed(&mut board, "2026-10-26T10:00:00Z");
        deployed(&mut board, "2026-11-11T10:00:00Z");
        let found = Beats::new(&board, &team, at("2026-11-20T12:00:00Z")).team();
        assert_eq!(found.weeks, [1, 0, 1]);
        assert_eq!((found.regularity, found.gaps), (None, 1));
    }

    #[test]
    fn a_slip_is_the_days_from_the_plan_to_what_was_made() {
        let (mut board, mut team) = (Board::default(), team());
        team.plans.push(Plan {
            name: "train".into(),
            rule: PlanRule::Cron {
                pattern: Box::new("0 10 * * 2".parse().unwrap()),
                zone: TimeZone::UTC,
                lasts: SignedDuration::ZERO,
            },
            services: None,
        });
        // Tuesdays were the 3rd, 10th and 17th: on the day, two days late, and the day before.
        for day in [3, 12, 16] {
            deployed(&mut board, &format!("2026-11-{day:02}T15:00:00Z"));
        }
        let now = at("2026-11-20T12:00:00Z");
        let found = Beats::new(&board, &team, now).team();
        let slips: Vec<Option<i64>> =
            found.slips.iter().rev().take(3).rev().map(Slip::days).collect();
        assert_eq!(slips, [Some(0), Some(2), Some(-1)]);
        assert_eq!(found.slip(), Some((0.0, 3)));
        assert_eq!(found.next, Some(at("2026-11-24T10:00:00Z")));
        let due = Beats::new(&board, &team, at("2026-11-24T11:00:00Z")).team();
        assert_eq!(due.slips.last().unwrap().planned.day(), 17, "today's may still come");
        let late = Beats::new(&board, &team, at("2026-11-25T11:00:00Z")).team();
        assert_eq!(late.slips.last().unwrap().actual, None, "yesterday's did not");
    }

    /// `due done` of milestones, each with its repository and what came of it.
    fn milestones(all: &[(&str, &str, &str, Option<&str>)]) -> (Board, Vec<Option<i64>>) {
        let mut board = Board::default();
        for (n, (repo, title, due, done)) in all.iter().enumerate() {
            let milestone = Milestone {
                key: Key::new(&Name::new("gh"), n.to_string()),
                repo: Clean::line(repo),
                title: Clean::line(title),
                about: Clean::default(),
                start: None,
                due: due.parse().ok(),
                done: done.is_some(),
                done_at: done.filter(|d| d.contains('T')).map(at),
                done_on: done.filter(|d| !d.contains('T')).and_then(|d| d.parse().ok()),
                items: None,
                url: None,
            };
            board.milestones.see(milestone.key.clone(), milestone, Timestamp::UNIX_EPOCH);
        }
        let found = Beats::new(&board, &team(), at("2026-11-20T12:00:00Z")).team();
        let days = found.slips.iter().map(Slip::days).collect();
        (board, days)
    }

    /// domain.md §6.4: where a schedule exists, slip is what was made less what was planned, in days.
    #[test]
    fn a_milestone_or_version_says_itself_when_it_was_made() {
        let (mut board, days) = milestones(&[
            ("o/web", "1", "2026-10-06", Some("2026-10-06T23:30:00Z")),
            ("o/web", "2", "2026-10-13", Some("2026-10-15")),
            ("o/web", "3", "2026-10-20", Some("2026-10-19")),
            ("o/web", "4", "2026-10-27", None),
            ("o/web", "5", "2026-11-20", None),
        ]);
        assert_eq!(days, [Some(0), Some(2), Some(-1), None], "what is due today may still come");
        // What was deployed meanwhile is another matter: the milestone is open.
        deployed(&mut board, "2026-10-27T10:00:00Z");
        let found = Beats::new(&board, &team(), at("2026-11-20T12:00:00Z")).team();
        assert_eq!(found.slips.last().unwrap().actual, None);
        assert_eq!(found.slip(), Some((0.0, 3)));
    }

    #[test]
    fn milestones_of_one_train_are_one_plan_made_when_the_last_of_them_is() {
        let (_, days) = milestones(&[
            ("o/web", "45", "2026-11-03", Some("2026-11-03")),
            ("o/api", "45", "2026-11-03", Some("2026-11-05")),
            ("o/web", "46", "2026-11-10", Some("2026-11-10")),
            ("o/api", "46", "2026-11-10", None),
            ("o/web", "other", "2026-11-10", Some("2026-11-10")),
        ]);
        assert_eq!(days, [Some(2), None, Some(0)]);
    }

    /// The calibrations of domain.md §6.4: every train of the field is called one, and Chrome and old Firefox steady.
    #[test]
    fn labels_fit_the_trains_of_the_field() {
        for (who, cv, label) in [
            ("Rust", 0.009, "train"),
            ("Django", 0.01, "train"),
            ("Ubuntu", 0.045, "train"),
            ("Firefox 2023-24", 0.058, "train"),
            ("Kubernetes", 0.08, "train"),
            ("Go", 0.083, "train"),
            ("PostgreSQL", 0.112, "train"),
            ("GitLab", 0.114, "train"),
            ("Firefox", 0.141, "train"),
            ("Chrome", 0.168, "steady"),
            ("Firefox 2011-19", 0.213, "steady"),
            ("Firefox 2004-24", 1.42, "bursty"),
        ] {
            let found = Regularity { cv, burstiness: 0.0, gaps: 13 };
            assert_eq!(found.label(), label, "{who}");
        }
        for (cv, label) in [(0.15, "train"), (0.5, "steady"), (1.0, "irregular"), (1.01, "bursty")]
        {
            assert_eq!(Regularity { cv, burstiness: 0.0, gaps: 5 }.label(), label, "{cv}");
        }
        // Firefox 2023-24: CV 0.058 is B −0.89.
        let spread = 0.058_f64;
        assert!(((spread - 1.0) / (spread + 1.0) + 0.89).abs() < 0.005);
    }
}
