//! Whether "no change" may be said of a service: who tells of its changes and its upstreams', how fresh, and how far back.

use jiff::Timestamp;

use super::changes::LOOK_BACK;
use super::matching::{Sorted, folded};
use super::words::earlier;
use super::{Looked, Unsaid};
use crate::model::{Board, ChangeSource, ChangesOf, Freshness, Staleness, Team};

/// Every source that tells of changes, with the services it tells of.
pub struct Tellers<'a> {
    all: Vec<Teller<'a>>,
}

struct Teller<'a> {
    source: &'a ChangeSource,
    freshness: Option<&'a Freshness>,
    fresh: bool,
    /// By the service's place in the team; empty for everybody's.
    services: Vec<Option<Covered>>,
    everybody: Option<Covered>,
}

/// A service that a source tells of: since when without a gap, where it could be had.
#[derive(Debug, Clone, Copy)]
struct Covered {
    from: Option<Timestamp>,
}

impl<'a> Tellers<'a> {
    pub fn new(board: &'a Board, team: &'a Team, sorted: &Sorted<'_>, now: Timestamp) -> Self {
        let teller = |source: &'a ChangeSource| {
            let freshness = board.sources.get(&source.source);
            let mut teller = Teller {
                source,
                freshness,
                fresh: freshness.is_some_and(|f| f.staleness(now) == Staleness::Fresh),
                services: Vec::new(),
                everybody: None,
            };
            teller.cover(team, sorted);
            teller
        };
        Self { all: team.change_sources.iter().map(teller).collect() }
    }

    /// Of trouble that began at `start`: of a service (the first of `own`, with its parts and groups), and the services
    /// upstream of it.
    pub fn looked(&self, own: &[usize], upstreams: &[usize], start: Timestamp) -> Looked {
        let told = |i: usize| self.all.iter().any(|t| t.source.deploys && t.covers(i).is_some());
        let all = upstreams.len();
        let upstreams: Vec<usize> = upstreams.iter().copied().filter(|i| told(*i)).collect();
        let mut answer = Looked { upstreams: all, told: upstreams.len(), unsaid: None };
        let (service, others) = own.split_first().map_or((usize::MAX, own), |(s, o)| (*s, o));
        // Whoever tells of all its parts, or of the group it belongs to, tells of it.
        if !told(service) && (others.is_empty() || !others.iter().all(|i| told(*i))) {
            answer.unsaid = Some(Unsaid::Nobody);
            return answer;
        }
        let wanted = earlier(start, LOOK_BACK);
        let mut short: Option<(&Teller<'_>, Timestamp)> = None;
        for teller in &self.all {
            let about = own.iter().copied().chain(upstreams.iter().copied());
            for covered in about.filter_map(|i| teller.covers(i)) {
                match covered.from.filter(|_| teller.fresh) {
                    None => {
                        answer.unsaid = Some(Unsaid::Silent(teller.source.source.clone()));
                        return answer;
                    }
                    Some(from) if from > wanted && short.is_none_or(|(_, s)| from > s) => {
                        short = Some((teller, from));
                    }
                    Some(_) => {}
                }
            }
        }
        answer.unsaid = short.map(|(t, from)| Unsaid::Short(t.source.source.clone(), from));
        answer
    }
}

impl Teller<'_> {
    fn covers(&self, service: usize) -> Option<Covered> {
        self.services.get(service).copied().flatten().or(self.everybody)
    }

    /// How far back it knows everything that it tells of.
    fn whole(&self) -> Covered {
        let whole = self.freshness.and_then(|f| f.changes.iter().find(|k| k.of.is_empty()));
        Covered { from: whole.and_then(|known| known.from) }
    }

    fn cover(&mut self, team: &Team, sorted: &Sorted<'_>) {
        let source = &self.source.source;
        match &self.source.of {
            ChangesOf::Everybody => self.everybody = Some(self.whole()),
            ChangesOf::Services(names) => {
                let whole = self.whole();
                let is_one = |s: &crate::model::Service| names.contains(&s.name).then_some(whole);
                self.services = team.services.iter().map(is_one).collect();
            }
            ChangesOf::Named => {
                let whole = self.whole();
                if sorted.everywhere.iter().any(|h| h.key.source == *source) {
                    self.everybody = Some(whole);
                }
                let names = |own: &super::matching::Belongings<'_>| {
                    own.changes.iter().any(|h| h.key.source == *source).then_some(whole)
                };
                self.services = sorted.of.iter().map(names).collect();
            }
            ChangesOf::Repos(repos) => {
                let repos: Vec<String> = repos.iter().map(|repo| folded(repo.as_str())).collect();
                self.by_name(team, |name| repos.contains(name));
            }
            ChangesOf::Listed => {
                // Before it answers it may tell of anybody.
                if self.freshness.is_none_or(|f| f.changes.is_empty()) {
                    self.everybody = Some(Covered { from: None });
                }
                self.by_name(team, |_| false);
            }
        }
    }

    /// Services by their application or repository, as the source knows it or the configuration `means` it.
    fn by_name(&mut self, team: &Team, means: impl Fn(&String) -> bool) {
        let known: std::collections::HashMap<String, Option<Timestamp>> = self
            .freshness
            .iter()
            .flat_map(|f| &f.changes)
            .map(|known| (folded(known.of.as_str()), known.from))
            .collect();
        let of = |service: &crate::model::Service| {
            let names = [service.app().as_str(), service.repo.as_str()].map(folded);
            let mut named = names.iter().filter(|name| !name.is_empty());
            let from = named.clone().find_map(|name| known.get(name).copied());
            let meant = from.is_some() || named.any(&means);
            meant.then_some(Covered { from: from.flatten() })
        };
        self.services = team.services.iter().map(of).collect();
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::{Change, Clean, Fact, Key, Known, Name, Report, Service, Status};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    /// web → checkout → db; mail stands alone.
    fn team(sources: Vec<(&str, ChangesOf, bool)>) -> Team {
        let service = |name: &str, repo: &str, needs: &[&str]| Service {
            name: Name::new(name),
            repo: Clean::line(repo),
            depends_on: needs.iter().map(|n| Name::new(n)).collect(),
            ..Service::default()
        };
        let source = |(name, of, deploys): (&str, ChangesOf, bool)| ChangeSource {
            source: Name::new(name),
            of,
            deploys,
        };
        Team {
            services: vec![
                service("web", "acme/Web", &["checkout"]),
                service("checkout", "acme/checkout", &["db"]),
                service("db", "", &[]),
                service("mail", "acme/mail", &[]),
            ],
            change_sources: sources.into_iter().map(source).collect(),
            ..Team::default()
        }
    }

    fn repos(of: &[&str]) -> ChangesOf {
        ChangesOf::Repos(of.iter().map(Clean::line).collect())
    }

    /// A source last heard at a minute, with what it knows since which minute.
    fn hear(board: &mut Board, name: &str, heard: i64, known: &[(&str, Option<i64>)]) {
        let known =
            known.iter().map(|(of, from)| Known { of: Clean::line(of), from: from.map(at) });
        let freshness = Freshness {
            every: SignedDuration::from_mins(1),
            status: Status::Ok,
            last_ok: Some(at(heard)),
            changes: known.collect(),
            ..Freshness::default()
        };
        board.sources.insert(Name::new(name), freshness);
    }

    const NOW: i64 = 1_000;
    const LONG: Option<i64> = Some(0);

    fn answer(board: &Board, team: &Team, service: &str) -> Looked {
        let sorted = Sorted::new(board, team);
        let i = sorted.by_name[&Name::new(service)];
        let up: Vec<usize> =
            super::super::changes::upstreams(team, &sorted, i).into_iter().map(|u| u.0).collect();
        Tellers::new(board, team, &sorted, at(NOW)).looked(&[i], &up, at(NOW - 10))
    }

    fn silent(name: &str) -> Unsaid {
        Unsaid::Silent(Name::new(name))
    }

    #[test]
    fn a_stale_source_of_an_unrelated_repository_hides_nothing() {
        let team = team(vec![
            ("gh", repos(&["acme/web", "acme/checkout"]), true),
            ("other", repos(&["acme/mail"]), true),
        ]);
        let mut board = Board::default();
        hear(&mut board, "gh", NOW, &[("acme/web", LONG), ("acme/checkout", LONG)]);
        hear(&mut board, "other", NOW - 60, &[("acme/mail", LONG)]);
        // Of the two upstreams nobody tells of db's deploys.
        assert_eq!(answer(&board, &team, "web"), Looked { upstreams: 2, told: 1, unsaid: None });
        assert_eq!(answer(&board, &team, "mail").unsaid, Some(silent("other")));
    }

    #[test]
    fn a_source_that_is_not_fresh_is_named_where_it_speaks_for_an_upstream() {
        let team =
            team(vec![("a", repos(&["acme/web"]), true), ("b", repos(&["ACME/Checkout"]), true)]);
        let mut board = Board::default();
        hear(&mut board, "a", NOW, &[("acme/web", LONG)]);
        assert_eq!(answer(&board, &team, "web").unsaid, Some(silent("b")), "never heard");
        hear(&mut board, "b", NOW - 3, &[("acme/checkout", LONG)]);
        assert_eq!(answer(&board, &team, "web").unsaid, Some(silent("b")), "stale");
        hear(&mut board, "b", NOW, &[("acme/checkout", None)]);
        assert_eq!(
            answer(&board, &team, "web").unsaid,
            Some(silent("b")),
            "this one could not be had"
        );
        hear(&mut board, "b", NOW, &[("acme/checkout", LONG)]);
        assert_eq!(answer(&board, &team, "web").unsaid, None);
    }

    #[test]
    fn who_was_asked_an_hour_ago_does_not_know_six() {
        let team = team(vec![("gh", repos(&["acme/mail"]), true)]);
        let mut board = Board::default();
        let since = |board: &mut Board, minute: i64| {
            hear(board, "gh", NOW, &[("acme/mail", Some(minute))]);
            answer(board, &team, "mail").unsaid
        };
        let short = |minute| Some(Unsaid::Short(Name::new("gh"), at(minute)));
        assert_eq!(since(&mut board, NOW - 60), short(NOW - 60));
        // The trouble is ten minutes old: six hours before it are six hours and ten minutes.
        assert_eq!(since(&mut board, NOW - 369), short(NOW - 369));
        assert_eq!(since(&mut board, NOW - 370), None);
    }

    #[test]
    fn nobody_claims_no_change_where_nobody_tells_of_deploys() {
        let mut board = Board::default();
        assert_eq!(answer(&board, &team(vec![]), "mail").unsaid, Some(Unsaid::Nobody));
        // A log of flags knows nothing of deploys, but it counts beside somebody who does.
        let flags = ("flags", ChangesOf::Everybody, false);
        hear(&mut board, "flags", NOW - 60, &[("", LONG)]);
        assert_eq!(answer(&board, &team(vec![flags.clone()]), "db").unsaid, Some(Unsaid::Nobody));
        let both = team(vec![("gh", repos(&["acme/mail"]), true), flags]);
        hear(&mut board, "gh", NOW, &[("acme/mail", LONG)]);
        assert_eq!(answer(&board, &both, "mail").unsaid, Some(silent("flags")));
        hear(&mut board, "flags", NOW, &[("", LONG)]);
        assert_eq!(answer(&board, &both, "mail").unsaid, None);
    }

    #[test]
    fn a_source_speaks_for_the_services_it_is_configured_for_and_no_other() {
        let of = ChangesOf::Services(vec![Name::new("db")]);
        let team = team(vec![("ops", of, true)]);
        let mut board = Board::default();
        hear(&mut board, "ops", NOW, &[("", LONG)]);
        assert_eq!(answer(&board, &team, "db").unsaid, None);
        assert_eq!(answer(&board, &team, "mail").unsaid, Some(Unsaid::Nobody));
    }

    #[test]
    fn where_nobody_sends_change_events_silence_says_nothing() {
        let team = team(vec![("pd", ChangesOf::Named, true)]);
        let mut board = Board::default();
        hear(&mut board, "pd", NOW, &[("", LONG)]);
        assert_eq!(answer(&board, &team, "mail").unsaid, Some(Unsaid::Nobody));
        let change = |id: &str, names: &[&str]| {
            Fact::Change(Change {
                key: Key::new(&Name::new("pd"), id),
                summary: "flag on".into(),
                origin: Clean::default(),
                who: Clean::default(),
                at: Some(at(-5_000)),
                until: None,
                service_ids: Vec::new(),
                service_names: names.iter().map(Clean::line).collect(),
                url: None,
            })
        };
        let mut tell = |fact| {
            let report = Report { facts: vec![fact], ..Report::default() };
            board.fold(&Name::new("pd"), at(NOW), report);
            ["mail", "db"].map(|service| answer(&board, &team, service).unsaid)
        };
        assert_eq!(tell(change("1", &["mail"])), [None, Some(Unsaid::Nobody)]);
        assert_eq!(tell(change("2", &[])), [None, None]);
    }

    #[test]
    fn who_lists_what_it_knows_may_tell_of_anybody_before_it_answers() {
        let team = team(vec![("argo", ChangesOf::Listed, true)]);
        let mut board = Board::default();
        assert_eq!(answer(&board, &team, "db").unsaid, Some(silent("argo")));
        hear(&mut board, "argo", NOW, &[("db", LONG)]);
        assert_eq!(answer(&board, &team, "db").unsaid, None);
        assert_eq!(answer(&board, &team, "mail").unsaid, Some(Unsaid::Nobody));
    }
}
