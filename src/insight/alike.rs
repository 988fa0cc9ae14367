//! Post-mortems that are like what is wrong now: the same service, the same alert, words in common; what they have in common is said, never that one explains the other.

use std::collections::BTreeSet;

use super::follow_up::{Task, Today};
use super::vocabulary::keywords;
use super::{Survey, of_incident, services_of};
use crate::model::{Alert, Board, Clean, Incident, Key, Name, PostMortem, Team};

/// What is wrong now, as far as a document could know it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trouble {
    pub services: Vec<Name>,
    /// Names of alerts that fire.
    pub alerts: Vec<Clean>,
    /// Titles and summaries.
    pub words: String,
}

/// A document that is like it, and why it is thought to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Like {
    pub key: Key,
    /// Only an order, in no unit.
    pub score: f64,
    pub why: Vec<Why>,
    /// Actions of it that are still open.
    pub open: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Service(Name),
    /// A service it cannot work without.
    Upstream(Name),
    Alert(Clean),
    Words(Vec<Clean>),
}

impl Like {
    /// `same service · names HighErrorRatio · shares pool, connection`.
    pub fn words(&self) -> Clean {
        let one = |why: &Why| match why {
            Why::Service(_) => "same service".to_owned(),
            Why::Upstream(name) => format!("about {name}, which it depends on"),
            Why::Alert(name) => format!("names {name}"),
            Why::Words(words) => {
                let words: Vec<&str> = words.iter().map(Clean::as_str).collect();
                format!("shares {}", words.join(", "))
            }
        };
        let all: Vec<String> = self.why.iter().map(one).collect();
        Clean::line(all.join(" · "))
    }
}

const SERVICE: f64 = 1.0;
const UPSTREAM: f64 = 0.4;
/// An alert by its name says more than the service it is of.
const ALERT: f64 = 1.5;
/// A word in common in the title, and one that only stands in the text.
const TITLED: f64 = 0.4;
const MENTIONED: f64 = 0.15;
/// Words alone are worth this at most.
const WORDS: f64 = 1.2;
/// What is less like it is left out: a few words in a long text are chance.
const LEAST: f64 = 0.6;
/// Words said at most.
const SAID: usize = 4;
/// A word that stands in more than this share of the documents tells none of them apart.
const EVERYWHERE: f64 = 0.34;

/// Documents like it, the likest first and of these the newest; `most` at most.
pub fn alike(now: Today<'_>, team: &Team, trouble: &Trouble, most: usize) -> Vec<Like> {
    let board = now.board;
    let papers: Vec<&PostMortem> = board.post_mortems.present().map(|r| &r.what).collect();
    let upstream: Vec<&Name> = trouble
        .services
        .iter()
        .filter_map(|name| team.service(name))
        .flat_map(|service| &service.depends_on)
        .filter(|name| !trouble.services.contains(name))
        .collect();
    let names: BTreeSet<String> =
        trouble.services.iter().flat_map(|name| keywords(name.as_str())).collect();
    let wanted: Vec<String> = keywords(&trouble.words)
        .into_iter()
        .filter(|word| !names.contains(word))
        .filter(|word| {
            let with = papers.iter().filter(|p| p.folded().contains(word.as_str())).count();
            papers.len() < 4 || with as f64 <= EVERYWHERE * papers.len() as f64
        })
        .collect();
    let mut found: Vec<(&PostMortem, Like)> = papers
        .into_iter()
        .filter_map(|p| {
            let (why, score) = compared(p, team, trouble, &upstream, &wanted);
            (score >= LEAST).then(|| {
                let open = now.of(p).filter(Task::is_open).count();
                (p, Like { key: p.key.clone(), score, why, open })
            })
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| {
        y.score.total_cmp(&x.score).then(b.date().cmp(&a.date())).then(a.key.cmp(&b.key))
    });
    found.into_iter().take(most).map(|(_, like)| like).collect()
}

fn compared(
    p: &PostMortem,
    team: &Team,
    trouble: &Trouble,
    upstream: &[&Name],
    wanted: &[String],
) -> (Vec<Why>, f64) {
    let mut why = Vec::new();
    let mut score = 0.0;
    let about = services_of(team, p);
    if let Some(name) = trouble.services.iter().find(|name| about.contains(name)) {
        why.push(Why::Service(name.clone()));
        score += SERVICE;
    } else if let Some(name) = upstream.iter().find(|name| about.contains(name)) {
        why.push(Why::Upstream((*name).clone()));
        score += UPSTREAM;
    }
    let text = p.folded();
    for alert in &trouble.alerts {
        if is_named(p, alert.as_str()) {
            why.push(Why::Alert(alert.clone()));
            score += ALERT;
        }
    }
    let title = keywords(p.title.as_str());
    let mut shared: Vec<(bool, &String)> = wanted
        .iter()
        .filter_map(|word| {
            let titled = title.contains(word);
            (titled || super::matching::has_word(text, word)).then_some((!titled, word))
        })
        .collect();
    shared.sort();
    if !shared.is_empty() {
        let worth: f64 =
            shared.iter().map(|(only, _)| if *only { MENTIONED } else { TITLED }).sum();
        score += worth.min(WORDS);
        let said = shared.iter().take(SAID).map(|(_, word)| Clean::line(word));
        why.push(Why::Words(said.collect()));
    }
    (why, score)
}

/// Whether a document names an alert. A name with a shape of its own (`HighErrorRatio`, `disk_full`) is one however it is
/// written; a plain word (`Always`) is one only as it is written and where it is marked: in code or quotes, or beside
/// words such as `alert` and `fired`.
fn is_named(p: &PostMortem, name: &str) -> bool {
    if !super::matching::has_word(p.folded(), &name.to_lowercase()) {
        return false;
    }
    let rest = || name.chars().skip(1);
    let plain = name.chars().all(char::is_alphabetic)
        && (rest().all(char::is_lowercase) || name.chars().all(char::is_uppercase));
    let text = p.text.as_str();
    !plain
        || text.match_indices(name).any(|(at, _)| {
            let (before, rest) = text.split_at_checked(at).unwrap_or_default();
            let after = rest.get(name.len()..).unwrap_or_default();
            is_marked(before, after)
        })
}

/// What stands around a word that is meant as a name.
fn is_marked(before: &str, after: &str) -> bool {
    let quotes = ['`', '"', '“', '”', '‘', '’', '\''];
    if before.ends_with(quotes) && after.starts_with(quotes) {
        return true;
    }
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if inside(before.chars().next_back()) || inside(after.chars().next()) {
        return false;
    }
    let is_verb = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        matches!(
            &*word,
            "alert"
                | "alerts"
                | "alertname"
                | "alarm"
                | "page"
                | "paged"
                | "fired"
                | "fires"
                | "firing"
                | "triggered"
        )
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let last = line.split_whitespace().next_back();
    last.is_some_and(is_verb) || after.split_whitespace().next().is_some_and(is_verb)
}

impl Trouble {
    /// Of an incident: its service, the alerts of that service, its words.
    pub fn of_incident(board: &Board, team: &Team, survey: &Survey, incident: &Incident) -> Self {
        let service = of_incident(team, incident).and_then(|i| team.services.get(i));
        let mut trouble = Self { words: incident.title.to_string(), ..Self::default() };
        if let Some(service) = service {
            trouble.services.push(service.name.clone());
            trouble.add_alerts(board, survey, &service.name);
        }
        trouble
    }

    /// Of one service: its alerts and open incidents.
    pub fn of_service(board: &Board, survey: &Survey, name: &Name) -> Self {
        let mut trouble = Self { services: vec![name.clone()], ..Self::default() };
        trouble.add_alerts(board, survey, name);
        if let Some(state) = survey.service(name) {
            for incident in state.incidents.iter().filter_map(|key| board.incidents.get(key)) {
                trouble.words.push(' ');
                trouble.words.push_str(incident.what.title.as_str());
            }
        }
        trouble
    }

    /// Of alerts that belong together.
    pub fn of_alerts(service: Option<&Name>, alerts: &[&Alert]) -> Self {
        let mut trouble = Self::default();
        trouble.services.extend(service.cloned());
        for alert in alerts {
            trouble.add_alert(alert);
        }
        trouble
    }

    fn add_alerts(&mut self, board: &Board, survey: &Survey, name: &Name) {
        let keys = survey.service(name).map_or(&[][..], |state| &state.alerts);
        for alert in keys.iter().filter_map(|key| board.alerts.get(key)) {
            self.add_alert(&alert.what);
        }
    }

    fn add_alert(&mut self, alert: &Alert) {
        if !alert.name.is_empty() && !self.alerts.contains(&alert.name) {
            self.alerts.push(alert.name.clone());
            self.words.push(' ');
            self.words.push_str(alert.summary.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::search::tests::paper;
    use crate::insight::standing::Issues;
    use crate::model::{Fact, Feed, Report, Review, Service};

    fn board() -> Board {
        let papers = vec![
            paper("pool.md", "checkout: connection pool exhausted", "HighErrorRatio fired.\n"),
            paper("late.md", "checkout is late", "A certificate.\n"),
            paper("db.md", "db failover", "The replica was behind.\n"),
            paper("alert.md", "Sign-in", "`HighErrorRatio` fired, but not HighErrorRatioSoft.\n"),
            paper("other.md", "A printer", "Out of paper.\n"),
        ];
        let facts = papers.into_iter().map(|p| Fact::PostMortem(Box::new(p))).collect();
        let mut board = Board::default();
        let report = Report { facts, complete: vec![Feed::PostMortems], ..Report::default() };
        board.fold(&Name::new("reviews"), jiff::Timestamp::UNIX_EPOCH, report);
        board
    }

    fn team() -> Team {
        let service = |name: &str, on: &[&str]| Service {
            name: Name::new(name),
            depends_on: on.iter().map(|n| Name::new(n)).collect(),
            ..Service::default()
        };
        let services = vec![service("checkout", &["db"]), service("db", &[])];
        Team { services, ..Team::default() }
    }

    fn told(trouble: &Trouble) -> Vec<(String, String)> {
        let (board, issues, review) = (board(), Issues::default(), Review::default());
        let day = jiff::civil::date(2026, 11, 22);
        let today = Today { board: &board, issues: &issues, review: &review, day };
        let found = alike(today, &team(), trouble, 9);
        found.iter().map(|l| (l.key.id.raw().to_owned(), l.words().to_string())).collect()
    }

    fn pair(path: &str, why: &str) -> (String, String) {
        (path.to_owned(), why.to_owned())
    }

    #[test]
    fn a_part_of_a_word_is_no_name_and_one_alert_is_named_once() {
        assert!(is_marked("the alert ", " was loud"));
        assert!(is_marked("", " fired at noon"));
        assert!(is_marked("it was `", "` again"));
        assert!(!is_marked("the alert ", "ing of Ada"), "the word goes on");
        assert!(!is_marked("alert Over", " fired"), "the word began before");
        assert!(!is_marked("the ", " of the house"));
    }

    #[test]
    fn what_is_alike_says_what_it_has_in_common() {
        let trouble = Trouble {
            services: vec![Name::new("checkout")],
            alerts: vec!["HighErrorRatio".into()],
            words: "Checkout cannot get a connection from the pool".to_owned(),
        };
        assert_eq!(
            told(&trouble),
            [
                pair("pool.md", "same service · names HighErrorRatio · shares connection, pool"),
                pair("alert.md", "names HighErrorRatio"),
                pair("late.md", "same service"),
            ]
        );
    }

    #[test]
    fn an_alert_that_is_called_like_a_common_word_is_found_where_it_is_meant() {
        let is = |name: &str, text: &str| is_named(&paper("p", "p", text), name);
        for text in ["`Always` was red", "alert Always", "then Always fired", "Alert: Always."] {
            assert!(is("Always", text), "{text}");
        }
        for text in
            ["Always check the pool. It fired.", "it always fires", "`always`", "Alwaysfired"]
        {
            assert!(!is("Always", text), "{text}");
        }
        for text in ["the higherrorratio alert", "HighErrorRatio was quiet"] {
            assert!(is("HighErrorRatio", text), "{text}");
        }
        assert!(is("TLSExpiry", "tlsexpiry"));
        assert!(is("disk_full", "DISK_FULL again") && is("Disk Full", "then: disk full"));
    }

    #[test]
    fn one_common_word_in_a_text_is_chance() {
        let trouble = Trouble { words: "replica set".to_owned(), ..Trouble::default() };
        assert_eq!(told(&trouble), []);
        assert_eq!(told(&Trouble::default()), []);
        let trouble = Trouble { alerts: vec!["ErrorRatio".into()], ..Trouble::default() };
        assert_eq!(told(&trouble), [], "a part of a name is another name");
    }

    #[test]
    fn a_service_it_depends_on_counts_when_more_speaks_for_it() {
        let trouble = Trouble {
            services: vec![Name::new("checkout")],
            alerts: Vec::new(),
            words: "failover of the replica".to_owned(),
        };
        let db = pair("db.md", "about db, which it depends on · shares failover, replica");
        assert!(told(&trouble).contains(&db), "{:?}", told(&trouble));
    }
}
