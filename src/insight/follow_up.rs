//! What follows from all post-mortems together: actions still open and late, what came back, anniversaries, and each quarter's numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::review::{due, duration, is_overdue};
use super::services_of;
use super::standing::{Issues, Standing};
use super::vocabulary::keywords;
use crate::model::{Action, ActionState, Board, Clean, Key, Name, PostMortem, Review, Team};

/// An action with its document, and what today says of it.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    pub post_mortem: &'a PostMortem,
    pub action: &'a Action,
    pub standing: Standing<'a>,
    /// Its place among the document's actions, from 0.
    pub at: usize,
    /// The day it names, else the team's agreement after its document.
    pub due: Option<Date>,
    /// The day is past and the action open.
    pub overdue: bool,
    /// Days since its document's date; `None` without one.
    pub age: Option<i32>,
}

impl Task<'_> {
    pub fn is_open(&self) -> bool {
        self.standing.state == ActionState::Open
    }

    pub fn is_unowned(&self) -> bool {
        self.is_open() && self.owner().is_none()
    }

    pub fn owner(&self) -> Option<Clean> {
        self.standing.owner(self.action)
    }
}

/// What actions are looked at with: the issues they link to, the team's agreement, the day.
#[derive(Debug, Clone, Copy)]
pub struct Today<'a> {
    pub board: &'a Board,
    pub issues: &'a Issues,
    pub review: &'a Review,
    pub day: Date,
}

impl<'a> Today<'a> {
    /// The action at a place of a document, as it stands.
    pub fn task(&self, post_mortem: &'a PostMortem, at: usize) -> Option<Task<'a>> {
        let action = post_mortem.actions.get(at)?;
        let standing = self.issues.standing(self.board, post_mortem, action, self.day);
        Some(Task {
            post_mortem,
            action,
            standing,
            at,
            due: due(action, post_mortem, self.review),
            overdue: is_overdue(standing.state, action, post_mortem, self.review, self.day),
            age: post_mortem.date().map(|date| days_between(date, self.day)),
        })
    }

    /// Every action of a document, in its order.
    pub fn of(self, post_mortem: &'a PostMortem) -> impl Iterator<Item = Task<'a>> {
        (0..post_mortem.actions.len()).filter_map(move |at| self.task(post_mortem, at))
    }
}

/// Every action of every document, open ones first, of these the oldest first; what has no date comes last.
pub fn tasks(today: Today<'_>) -> Vec<Task<'_>> {
    let papers = today.board.post_mortems.present().map(|r| &r.what);
    let mut all: Vec<Task<'_>> = papers.flat_map(|p| today.of(p)).collect();
    all.sort_by_cached_key(|t| {
        let old = std::cmp::Reverse(t.age);
        (!t.is_open(), old, t.post_mortem.key.clone(), t.at)
    });
    all
}

/// Counts of all actions; `done` counts those decided against as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub all: usize,
    pub open: usize,
    pub overdue: usize,
    pub unowned: usize,
    /// Done, says the document, and the issue is open: counted as open.
    pub conflicts: usize,
    /// Days of the oldest open one.
    pub oldest: Option<i32>,
}

pub fn tally<'a>(tasks: impl IntoIterator<Item = &'a Task<'a>>) -> Tally {
    let mut tally = Tally::default();
    for task in tasks {
        tally.all += 1;
        tally.open += usize::from(task.is_open());
        tally.overdue += usize::from(task.overdue);
        tally.unowned += usize::from(task.is_unowned());
        tally.conflicts += usize::from(task.standing.conflict);
        if task.is_open() {
            tally.oldest = tally.oldest.max(task.age);
        }
    }
    tally
}

fn days_between(from: Date, until: Date) -> i32 {
    from.until(until).map_or(0, |span| span.get_days())
}

/// What happened again within this many days counts as having come back (domain §5.3).
const AGAIN: i32 = 90;
/// Words two causes must share, and which part of the shorter cause these are at least.
const SHARED: usize = 2;
const SHARE: f64 = 0.3;

/// Documents whose incident came back: the newer of two within 90 days about the same service, whose causes share
/// their words. Each with the earlier ones, newest first; `↻2` is the second time.
pub fn recurrences(board: &Board, team: &Team) -> HashMap<Key, Vec<Key>> {
    struct Known<'a> {
        p: &'a PostMortem,
        date: Date,
        services: Vec<&'a Name>,
        cause: BTreeSet<String>,
    }
    let papers = board.post_mortems.present().map(|r| &r.what);
    let mut dated: Vec<Known<'_>> = papers
        .filter_map(|p| {
            let (date, cause) = p.date().zip(p.root_cause.as_ref())?;
            let services = services_of(team, p);
            let cause = keywords(&format!("{} {}", p.title, cause.value));
            (!services.is_empty()).then_some(Known { p, date, services, cause })
        })
        .collect();
    dated.sort_by(|a, b| (a.date, &a.p.key).cmp(&(b.date, &b.p.key)));
    let mut found = HashMap::new();
    for (at, one) in dated.iter().enumerate() {
        let near = dated.get(..at).unwrap_or_default().iter().rev();
        let near = near.take_while(|other| days_between(other.date, one.date) <= AGAIN);
        let again = near.filter(|other| {
            let shared = one.cause.intersection(&other.cause).count();
            let shorter = one.cause.len().min(other.cause.len()).max(1);
            shared >= SHARED
                && shared as f64 >= SHARE * shorter as f64
                && one.services.iter().any(|s| other.services.contains(s))
        });
        let again: Vec<Key> = again.map(|other| other.p.key.clone()).collect();
        if !again.is_empty() {
            found.insert(one.p.key.clone(), again);
        }
    }
    found
}

/// Documents of this day in an earlier year, with how many years ago, the latest first. The 29th of February is
/// remembered on the 28th where a year has no other.
pub fn anniversaries(board: &Board, today: Date) -> Vec<(i16, &PostMortem)> {
    let of = |p: &PostMortem| {
        let date = p.date()?;
        let years = today.year() - date.year();
        let there = Date::new(today.year(), date.month(), date.day())
            .or_else(|_| Date::new(today.year(), date.month(), 28))
            .ok()?;
        (years > 0 && there == today).then_some(years)
    };
    let papers = board.post_mortems.present().map(|r| &r.what);
    let mut found: Vec<(i16, &PostMortem)> = papers.filter_map(|p| Some((of(p)?, p))).collect();
    found.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
    found
}

/// One quarter of a year in numbers. The mean is left out on purpose: one long incident would hide the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarter {
    pub year: i16,
    /// 1–4.
    pub quarter: i8,
    pub count: usize,
    /// Documents whose duration is known: what median and longest are of.
    pub timed: usize,
    pub median: Option<SignedDuration>,
    pub longest: Option<SignedDuration>,
    pub actions: usize,
    pub open: usize,
}

/// Every quarter from the first document to `today`, newest first, empty ones too; at most ten years.
pub fn quarters(now: Today<'_>, zone: &TimeZone) -> Vec<Quarter> {
    let Today { board, review, day: today, .. } = now;
    let mut by: BTreeMap<i32, Vec<&PostMortem>> = BTreeMap::new();
    for p in board.post_mortems.present().map(|r| &r.what) {
        if let Some(date) = p.date().filter(|date| *date <= today) {
            by.entry(number(date)).or_default().push(p);
        }
    }
    let last = number(today);
    let Some(first) = by.keys().next().copied() else { return Vec::new() };
    (first.max(last - 39)..=last)
        .rev()
        .map(|n| {
            let own = by.get(&n).map_or(&[][..], Vec::as_slice);
            let mut spans: Vec<SignedDuration> =
                own.iter().filter_map(|p| Some(duration(p, review, zone)?.span)).collect();
            spans.sort_unstable();
            let actions: Vec<Task<'_>> = own.iter().flat_map(|p| now.of(p)).collect();
            Quarter {
                year: i16::try_from(n.div_euclid(4)).unwrap_or_default(),
                quarter: i8::try_from(n.rem_euclid(4) + 1).unwrap_or(1),
                count: own.len(),
                timed: spans.len(),
                median: median(&spans),
                longest: spans.last().copied(),
                actions: actions.len(),
                open: actions.iter().filter(|task| task.is_open()).count(),
            }
        })
        .collect()
}

fn number(date: Date) -> i32 {
    i32::from(date.year()) * 4 + i32::from(date.month() - 1) / 3
}

/// The middle of sorted spans; of an even number the mean of the middle two.
pub fn median(sorted: &[SignedDuration]) -> Option<SignedDuration> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(half.checked_sub(1)?)?;
    Some((lower + upper) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::search::tests::paper;
    use crate::model::{Clean, Dated, Fact, Feed, Found, Lasted, ReadFrom, Report, Service};

    fn day(words: &str) -> Date {
        words.parse().unwrap()
    }

    fn dated(path: &str, date: &str, title: &str, cause: &str) -> PostMortem {
        let found = |words: &str| Some(Found::new(Clean::line(words), ReadFrom::Heading));
        PostMortem {
            dated: Some(Dated {
                date: Found::new(day(date), ReadFrom::FileName),
                conflicts: Vec::new(),
            }),
            root_cause: found(cause),
            ..paper(path, title, cause)
        }
    }

    fn action(text: &str, owner: &str, due: &str, state: ActionState) -> Action {
        Action {
            text: Clean::line(text),
            owner: (!owner.is_empty()).then(|| Clean::line(owner)),
            due: due.parse().ok(),
            state,
            link: None,
            reference: None,
            group: None,
            place: ReadFrom::List,
            line: 0,
        }
    }

    fn board(papers: Vec<PostMortem>) -> Board {
        let facts = papers.into_iter().map(|p| Fact::PostMortem(Box::new(p))).collect();
        let mut board = Board::default();
        let report = Report { facts, complete: vec![Feed::PostMortems], ..Report::default() };
        board.fold(&Name::new("reviews"), jiff::Timestamp::UNIX_EPOCH, report);
        board
    }

    fn team(names: &[&str]) -> Team {
        let service = |name: &&str| Service { name: Name::new(name), ..Service::default() };
        let services = names.iter().map(service).collect();
        Team { services, ..Team::default() }
    }

    #[test]
    fn open_actions_come_first_the_oldest_first_and_late_ones_are_told() {
        use ActionState::{Done, Dropped, Open};
        let mut new = dated("new", "2026-11-10", "new", "x");
        new.actions = vec![action("n1", "", "", Open), action("n2", "ada", "", Done)];
        let mut old = dated("old", "2026-09-01", "old", "x");
        old.actions = vec![
            action("o1", "", "", Dropped),
            action("o2", "jo", "", Open),
            action("o3", "jo", "2026-12-24", Open),
        ];
        let mut undated = paper("undated", "x", "x");
        undated.actions = vec![action("u", "jo", "", Open)];
        let board = board(vec![new, undated, old]);
        let (issues, review) = (Issues::of(&board), Review::default());
        let today =
            Today { board: &board, issues: &issues, review: &review, day: day("2026-11-22") };
        let all = tasks(today);
        let told: Vec<(&str, bool, Option<i32>)> =
            all.iter().map(|t| (t.action.text.as_str(), t.overdue, t.age)).collect();
        assert_eq!(
            told,
            [
                ("o2", true, Some(82)),
                ("o3", false, Some(82)),
                ("n1", false, Some(12)),
                ("u", false, None),
                ("o1", false, Some(82)),
                ("n2", false, Some(12)),
            ]
        );
        let counted = tally(&all);
        assert_eq!(
            counted,
            Tally { all: 6, open: 4, overdue: 1, unowned: 1, conflicts: 0, oldest: Some(82) }
        );
    }

    #[test]
    fn the_same_cause_of_the_same_service_within_ninety_days_came_back() {
        let pool = "the connection pool ran dry under load";
        let board = board(vec![
            dated("1", "2026-01-10", "checkout: pool exhausted", pool),
            dated("2", "2026-03-01", "checkout again", "pool of connections was dry again"),
            dated("3", "2026-03-02", "search: pool exhausted", pool),
            dated("4", "2026-03-03", "checkout: certificate", "a certificate expired"),
            dated("5", "2026-09-01", "checkout: pool exhausted", pool),
            // Two words in common are little where both say much else.
            dated(
                "6",
                "2026-09-02",
                "checkout: slow answers",
                "a balancer kept some dead backend inside its table because health checks asked \
                 an old cache, which answered for machines switched off weeks before",
            ),
            dated(
                "7",
                "2026-09-03",
                "checkout: wrong totals",
                "rounding within the tax module dropped a fraction whenever coupons, vouchers and \
                 refunds met, and the balancer repeated every basket twice",
            ),
        ]);
        let found = recurrences(&board, &team(&["checkout", "search"]));
        let told: Vec<(&str, usize)> =
            found.iter().map(|(key, again)| (key.id.raw(), again.len() + 1)).collect();
        assert_eq!(told, [("2", 2)]);
    }

    #[test]
    fn anniversaries_are_of_earlier_years_and_leap_days_are_not_forgotten() {
        let board = board(vec![
            dated("last", "2025-11-22", "x", "x"),
            dated("long ago", "2020-11-22", "x", "x"),
            dated("today", "2026-11-22", "x", "x"),
            dated("leap", "2024-02-29", "x", "x"),
        ]);
        let told = |today: &str| -> Vec<(i16, String)> {
            let found = anniversaries(&board, day(today));
            found.iter().map(|(n, p)| (*n, p.path.to_string())).collect()
        };
        assert_eq!(told("2026-11-22"), [(1, "last".to_owned()), (6, "long ago".to_owned())]);
        assert_eq!(told("2027-02-28"), [(3, "leap".to_owned())]);
        assert_eq!(told("2028-02-29"), [(4, "leap".to_owned())]);
        assert_eq!(told("2028-02-28"), []);
    }

    #[test]
    fn a_quarter_is_told_by_its_median_and_its_longest_with_their_n() {
        let mut papers = Vec::new();
        // The worked example of the domain: 12 m, 25 m, 48 m, 3 h, 31 h.
        for (n, minutes) in [1_860, 12, 48, 180, 25].into_iter().enumerate() {
            let mut p = dated(&n.to_string(), "2026-05-04", "x", "x");
            let span = SignedDuration::from_mins(minutes);
            let lasted = Lasted { span, clock: crate::model::Clock::Wall, words: "".into() };
            p.stated = Some(Found::new(lasted, ReadFrom::Label));
            let state = if n == 0 { ActionState::Open } else { ActionState::Done };
            p.actions = vec![action("a", "", "", state)];
            papers.push(p);
        }
        papers.push(dated("untimed", "2026-06-30", "x", "x"));
        let board = board(papers);
        let (issues, review) = (Issues::default(), Review::default());
        let today =
            Today { board: &board, issues: &issues, review: &review, day: day("2026-11-22") };
        let all = quarters(today, &TimeZone::UTC);
        let told: Vec<(i8, usize, usize)> =
            all.iter().map(|q| (q.quarter, q.count, q.timed)).collect();
        assert_eq!(told, [(4, 0, 0), (3, 0, 0), (2, 6, 5)]);
        assert_eq!((all[2].actions, all[2].open), (5, 1));
        assert_eq!(all[2].median, Some(SignedDuration::from_mins(48)));
        assert_eq!(all[2].longest, Some(SignedDuration::from_hours(31)));
        let two = [SignedDuration::from_mins(10), SignedDuration::from_mins(20)];
        assert_eq!(median(&two), Some(SignedDuration::from_mins(15)));
        assert_eq!(median(&[]), None);
    }
}
