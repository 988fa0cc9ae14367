//! Which facts belong to which service: everything is sorted once, so that no insight walks services × facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::Happened;
use super::freezes::occurrences;
use super::groups::is_group;
use super::words::{earlier, later};
use crate::model::{
    Alert, AlertRule, Board, Clean, Deploy, Incident, Key, MetricId, Name, Objective, Occurrence,
    Outcome, PostMortem, Probe, ProbeResult, Purpose, Release, RuleHealth, RuleState, Run, Service,
    Shift, Team, Window, Written, said,
};

/// The facts of the board by service, in the order of `Team::services`.
pub struct Sorted<'a> {
    pub by_name: BTreeMap<Name, usize>,
    /// The places of services that are made of others.
    pub groups: Vec<usize>,
    pub of: Vec<Belongings<'a>>,
    /// Changes that name no service: they touch everything.
    pub everywhere: Vec<Happened>,
    /// Every change of every service with its service, by moment.
    pub all_changes: Vec<(usize, Happened)>,
}

/// What belongs to one service.
#[derive(Default)]
pub struct Belongings<'a> {
    pub alerts: Vec<&'a Alert>,
    /// Alerting rules that cannot be evaluated.
    pub broken: Vec<&'a AlertRule>,
    /// Open ones.
    pub incidents: Vec<&'a Incident>,
    pub probes: Vec<(&'a Probe, &'a std::collections::VecDeque<ProbeResult>)>,
    /// Oldest first.
    pub changes: Vec<Happened>,
    pub shifts: Vec<&'a Shift>,
    /// Sources that told of alerts of this service before.
    pub alerting: Vec<&'a Name>,
    /// A source with an alerting rule about this service.
    pub ruled: Option<&'a Name>,
    /// Alerting rules that fire, whoever tells of the alert.
    pub firing: Vec<&'a AlertRule>,
    /// Objectives that nobody configured here: their labels say whom they are about.
    pub objectives: Vec<&'a Objective>,
}

impl<'a> Sorted<'a> {
    pub fn new(board: &'a Board, team: &'a Team) -> Self {
        let keys = Keys::new(team);
        let mut sorted = Self {
            by_name: team.services.iter().enumerate().map(|(i, s)| (s.name.clone(), i)).collect(),
            groups: (0..team.services.len()).filter(|i| is_group(team, *i)).collect(),
            of: team.services.iter().map(|_| Belongings::default()).collect(),
            everywhere: Vec::new(),
            all_changes: Vec::new(),
        };
        for record in board.alerts.all() {
            for i in keys.labelled(team, &record.what.labels) {
                sorted.give(i, |b| {
                    let source = &record.what.key.source;
                    if b.alerting.last().is_none_or(|last| *last != source) {
                        b.alerting.push(source);
                    }
                    if record.gone.is_none() {
                        b.alerts.push(&record.what);
                    }
                });
            }
        }
        for rule in board.rules.present().map(|r| &r.what) {
            for i in keys.labelled(team, &rule.labels) {
                sorted.give(i, |b| {
                    b.ruled = b.ruled.or(Some(&rule.key.source));
                    if rule.state == RuleState::Firing {
                        b.firing.push(rule);
                    }
                    if rule.health == RuleHealth::Broken {
                        b.broken.push(rule);
                    }
                });
            }
        }
        for objective in board.objectives.present().map(|r| &r.what) {
            if objective.written != Written::Configuration {
                for i in keys.promised(team, objective) {
                    sorted.give(i, |b| b.objectives.push(objective));
                }
            }
        }
        for incident in board.incidents.present().map(|r| &r.what) {
            if incident.status.is_open() {
                for i in keys.upstream(&incident.service_id, &incident.service_name) {
                    sorted.give(i, |b| b.incidents.push(incident));
                }
            }
        }
        for (probe, results) in &board.probes {
            if let Some(i) = sorted.by_name.get(&probe.service).copied() {
                sorted.give(i, |b| b.probes.push((probe, results)));
            }
        }
        for shift in board.shifts.present().map(|r| &r.what) {
            for id in &shift.service_ids {
                for i in keys.upstream(id, &Clean::default()) {
                    sorted.give(i, |b| b.shifts.push(shift));
                }
            }
        }
        sorted.sort_changes(board, team, &keys);
        sorted
    }

    fn give(&mut self, service: usize, add: impl FnOnce(&mut Belongings<'a>)) {
        if let Some(belongings) = self.of.get_mut(service) {
            add(belongings);
        }
    }

    fn sort_changes(&mut self, board: &Board, team: &Team, keys: &Keys) {
        for deploy in board.deploys.all().map(|r| &r.what) {
            let Some(happened) = Happened::of_deploy(deploy) else { continue };
            for i in keys.deployed(deploy) {
                if team.services.get(i).is_some_and(|s| reaches(s, team, deploy)) {
                    self.give(i, |b| b.changes.push(happened.clone()));
                }
            }
        }
        for change in board.changes.all().map(|r| &r.what) {
            let Some(happened) = Happened::of_change(change) else { continue };
            if change.service_ids.is_empty() && change.service_names.is_empty() {
                self.everywhere.push(happened);
                continue;
            }
            let mut touched: Vec<usize> = Vec::new();
            for id in &change.service_ids {
                touched.extend(keys.upstream(id, &Clean::default()));
            }
            for name in &change.service_names {
                touched.extend(keys.upstream("", name));
            }
            touched.sort_unstable();
            touched.dedup();
            for i in touched {
                self.give(i, |b| b.changes.push(happened.clone()));
            }
        }
        self.sort_merges(board, keys);
        self.sort_planned(board, team);
        self.everywhere.sort_by_key(|h| h.at);
        for (i, belongings) in self.of.iter_mut().enumerate() {
            belongings.changes.sort_by_key(|h| h.at);
            self.all_changes.extend(belongings.changes.iter().map(|h| (i, h.clone())));
        }
        self.all_changes.sort_by_key(|(_, h)| h.at);
    }
}

impl Sorted<'_> {
    /// Where nobody tells of deploys, what was released or merged is the nearest thing to one.
    fn sort_merges(&mut self, board: &Board, keys: &Keys) {
        let deployed: BTreeSet<String> =
            board.deploys.all().map(|r| folded(r.what.repo.as_str())).collect();
        let alone = |repo: &Clean| !deployed.contains(&folded(repo.as_str()));
        for release in board.releases.all().map(|r| &r.what).filter(|r| alone(&r.repo)) {
            let Some(happened) = Happened::of_release(release) else { continue };
            for i in keys.repo(&release.repo) {
                self.give(i, |b| b.changes.push(happened.clone()));
            }
        }
        // A commit runs through several pipelines, and was merged once.
        let mut seen = BTreeSet::new();
        for run in board.runs.all().map(|r| &r.what).filter(|r| alone(&r.repo)) {
            let Some(happened) = Happened::of_push(run) else { continue };
            if seen.insert((&run.repo, &run.sha)) {
                for i in keys.repo(&run.repo) {
                    self.give(i, |b| b.changes.push(happened.clone()));
                }
            }
        }
    }

    /// Releases and planned work of the last week, as the calendars have them: a plan is no proof, and its words say so.
    /// One for a whole day says nothing of when.
    fn sort_planned(&mut self, board: &Board, team: &Team) {
        let heard = board.sources.values().filter_map(|f| f.last_try.max(f.last_ok)).max();
        let Some(now) = heard else { return };
        let window =
            Window { from: earlier(now, PLANS), until: later(now, SignedDuration::from_hours(1)) };
        for purpose in [Purpose::Release, Purpose::Maintenance] {
            for planned in occurrences(board, purpose, window, &team.zone) {
                if planned.days.is_some() || planned.title.is_empty() {
                    continue;
                }
                let named = named_in(team, planned.title.as_str());
                let named: Vec<usize> =
                    named.into_iter().filter_map(|n| self.by_name.get(n).copied()).collect();
                let happened = Happened::of_plan(planned);
                for i in &named {
                    self.give(*i, |b| b.changes.push(happened.clone()));
                }
                if named.is_empty() {
                    self.everywhere.push(happened);
                }
            }
        }
    }
}

/// How far back calendars are looked through for changes.
const PLANS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What facts are looked up by.
struct Keys {
    /// One label of each service, by name and value: its others are checked after. There are many labels of alerts,
    /// and few names that say a service.
    labels: BTreeMap<Clean, HashMap<Clean, Vec<usize>>>,
    /// Services without labels of their own: their name in one of the usual labels says them.
    unlabelled: HashMap<Box<str>, usize>,
    pagerduty: HashMap<Box<str>, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
    repos: HashMap<String, Vec<usize>>,
    apps: HashMap<String, Vec<usize>>,
}

impl Keys {
    fn new(team: &Team) -> Self {
        let mut keys = Self {
            labels: BTreeMap::new(),
            unlabelled: HashMap::new(),
            pagerduty: HashMap::new(),
            names: HashMap::new(),
            repos: HashMap::new(),
            apps: HashMap::new(),
        };
        for (i, service) in team.services.iter().enumerate() {
            match service.matching.labels.iter().next() {
                Some((name, value)) => {
                    let values = keys.labels.entry(name.clone()).or_default();
                    values.entry(value.clone()).or_default().push(i);
                }
                None => {
                    keys.unlabelled.insert(service.name.as_str().into(), i);
                }
            }
            keys.apps.entry(folded(service.app().as_str())).or_default().push(i);
            keys.names.entry(folded(service.name.as_str())).or_default().push(i);
            if !service.matching.pagerduty.is_empty() {
                keys.pagerduty.entry(service.matching.pagerduty.clone()).or_default().push(i);
            }
            if !service.repo.is_empty() {
                keys.repos.entry(folded(service.repo.as_str())).or_default().push(i);
            }
        }
        keys
    }

    fn labelled(&self, team: &Team, labels: &crate::model::Labels) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .labels
            .iter()
            .filter_map(|(name, services)| services.get(labels.get(name)?))
            .flatten()
            .copied()
            .filter(|i| team.services.get(*i).is_some_and(|s| s.owns_labels(labels)))
            .collect();
        // An exporter's own job beside the service it tells of: the likelier label decides.
        found.extend(said(labels).find_map(|name| self.unlabelled.get(name)).copied());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Labels decide; else the name Sloth's user gave to the service, when it is the name of one here.
    fn promised(&self, team: &Team, objective: &Objective) -> Vec<usize> {
        let found = self.labelled(team, &objective.labels);
        if !found.is_empty() {
            return found;
        }
        let named = objective.labels.get(&Clean::from("sloth_service"));
        named.map_or_else(Vec::new, |name| self.upstream("", name))
    }

    /// An id that is configured decides; a name counts only where no service claims the id.
    fn upstream(&self, id: &str, name: &Clean) -> Vec<usize> {
        if let Some(found) = self.pagerduty.get(id) {
            return found.clone();
        }
        self.names.get(&folded(name.as_str())).cloned().unwrap_or_default()
    }

    /// An application that a service claims is that service; else the repository decides.
    fn deployed(&self, deploy: &Deploy) -> Vec<usize> {
        let claimed =
            self.apps.get(&folded(deploy.app.as_str())).filter(|_| !deploy.app.is_empty());
        claimed.cloned().unwrap_or_else(|| self.repo(&deploy.repo))
    }

    fn repo(&self, repo: &Clean) -> Vec<usize> {
        self.repos.get(&folded(repo.as_str())).cloned().unwrap_or_default()
    }
}

pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Whether a deploy of the service's repository reached the service where it counts.
pub fn reaches(service: &Service, team: &Team, deploy: &Deploy) -> bool {
    let environment = deploy.environment.as_str();
    let own = service.matching.github_environment.as_str();
    if !own.is_empty() {
        return environment.eq_ignore_ascii_case(own);
    }
    is_production(team, environment)
}

/// Whether an environment is the one that counts. `prod` and `production-eu` are said as often as `production`.
pub fn is_production(team: &Team, environment: &str) -> bool {
    let Some(counts) = team.production() else { return true };
    let (said, counts) = (folded(environment), folded(counts.as_str()));
    said.is_empty()
        || said == counts
        || (said.len() >= 4 && counts.starts_with(&said))
        || (counts.len() >= 4 && said.starts_with(&counts))
}

/// Whether a service deploys from this deploy's repository, or is its application, in any environment.
pub fn deploys_from(service: &Service, deploy: &Deploy) -> bool {
    if !deploy.app.is_empty() && service.app().as_str().eq_ignore_ascii_case(deploy.app.as_str()) {
        return true;
    }
    !service.repo.is_empty() && service.repo.as_str().eq_ignore_ascii_case(deploy.repo.as_str())
}

/// Services that a text names as a word of its own, in the team's order.
pub fn named_in<'t>(team: &'t Team, text: &str) -> Vec<&'t Name> {
    let text = folded(text);
    let names = team.services.iter().map(|s| &s.name);
    names.filter(|name| has_word(&text, &folded(name.as_str()))).collect()
}

/// The services a post-mortem is about: as told, else as named in its title or path.
pub fn services_of<'t>(team: &'t Team, post_mortem: &PostMortem) -> Vec<&'t Name> {
    let told: Vec<&str> = post_mortem.services.iter().map(|s| s.value.as_str()).collect();
    let told = told.join("\n");
    named_in(team, &format!("{told}\n{}\n{}", post_mortem.title, post_mortem.path))
}

/// `text` and `word` in lower case.
pub fn has_word(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let (before, after) = text.split_at_checked(at).unwrap_or(("", text));
            edge(before.chars().next_back())
                && edge(after.get(word.len()..).unwrap_or("").chars().next())
        })
}

impl Happened {
    fn of_deploy(deploy: &Deploy) -> Option<Self> {
        if matches!(deploy.outcome, Outcome::Cancelled | Outcome::Waiting) {
            return None;
        }
        let running = deploy.outcome == Outcome::Running;
        let ended = deploy.finished.or(if running { None } else { deploy.started });
        let at = ended.or(deploy.started)?;
        Some(Self {
            key: deploy.key.clone(),
            what: Clean::line(format_args!("deploy {}", version(deploy))),
            who: deploy.who.clone(),
            began: deploy.started.unwrap_or(at),
            ended,
            at,
        })
    }

    fn of_release(release: &Release) -> Option<Self> {
        let at = release.published.filter(|_| !release.draft)?;
        let name = if release.tag.is_empty() { &release.name } else { &release.tag };
        Some(Self {
            key: release.key.clone(),
            what: Clean::line(format_args!("release {name}")),
            who: release.author.clone(),
            began: at,
            ended: Some(at),
            at,
        })
    }

    /// A pipeline that ran because something was merged to the branch that counts.
    fn of_push(run: &Run) -> Option<Self> {
        let at = run.started.filter(|_| run.is_of_a_merge())?;
        let short: String = run.sha.as_str().chars().take(8).collect();
        let title = if run.title.is_empty() { short.as_str() } else { run.title.as_str() };
        Some(Self {
            key: run.key.clone(),
            what: Clean::line(format_args!("push to {}: {title}", run.branch)),
            who: run.who.clone(),
            began: at,
            ended: Some(at),
            at,
        })
    }

    fn of_plan(planned: Occurrence) -> Self {
        let word = match planned.purpose {
            Purpose::Maintenance => "maintenance",
            _ => "planned release",
        };
        Self {
            key: planned.key,
            what: Clean::line(format_args!("{word} {}", planned.title)),
            who: Clean::default(),
            // What changes is that it begins: an hour into a long window is not "just before".
            began: planned.start,
            ended: Some(planned.start),
            at: planned.start,
        }
    }

    fn of_change(change: &crate::model::Change) -> Option<Self> {
        let began = change.at?;
        let at = change.until.filter(|until| *until > began).unwrap_or(began);
        let what = if change.origin.is_empty() {
            change.summary.clone()
        } else {
            Clean::line(format_args!("{} {}", change.origin, change.summary))
        };
        Some(Self {
            key: change.key.clone(),
            what,
            who: change.who.clone(),
            began,
            ended: Some(at),
            at,
        })
    }
}

/// The service an incident is about: by the upstream's id, else by name.
pub fn of_incident(team: &Team, incident: &Incident) -> Option<usize> {
    let services = &team.services;
    let id = &incident.service_id;
    let by_id = || services.iter().position(|s| !id.is_empty() && s.matching.pagerduty == *id);
    let name = folded(incident.service_name.as_str());
    by_id().or_else(|| services.iter().position(|s| folded(s.name.as_str()) == name))
}

/// Whether an incident is about this service: the same rule, without a look at the others.
pub fn is_about(service: &Service, incident: &Incident) -> bool {
    let id = &incident.service_id;
    (!id.is_empty() && service.matching.pagerduty == *id)
        || folded(incident.service_name.as_str()) == folded(service.name.as_str())
}

/// What people call what was deployed: its tag, else the short hash.
pub fn version(deploy: &Deploy) -> Clean {
    if deploy.version.is_empty() {
        Clean::line(deploy.sha.as_str().chars().take(8).collect::<String>())
    } else {
        deploy.version.clone()
    }
}

/// The moment a deploy is placed at: its end, else its start.
pub fn moment(deploy: &Deploy) -> Option<Timestamp> {
    deploy.finished.or(deploy.started)
}

/// The source that feeds a metric: the one that told it, else the configured one.
pub fn feeds<'a>(board: &'a Board, id: &MetricId, configured: &'a Name) -> &'a Name {
    board.track_sources.get(id).unwrap_or(configured)
}

/// Keys in a stable order, each once.
pub fn once(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_of_the_service_that_its_likeliest_label_names() {
        let service = |name: &str, own: &[(&str, &str)]| {
            let labels = own.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect();
            let matching = crate::model::Matching { labels, ..Default::default() };
            Service { name: Name::new(name), matching, ..Service::default() }
        };
        let services = vec![
            service("web", &[]),
            service("api", &[]),
            service("jobs", &[("team", "core"), ("job", "batch")]),
        ];
        let team = Team { services, ..Team::default() };
        let keys = Keys::new(&team);
        let of = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect();
            keys.labelled(&team, &labels)
        };
        // What every alert of a scraped target carries is enough.
        assert_eq!(of(&[("job", "api"), ("instance", "a:1")]), [1]);
        assert_eq!(of(&[("job", "shop/api")]), [1]);
        assert_eq!(of(&[("service", "web"), ("job", "api")]), [0]);
        assert_eq!(of(&[("service", "kube-state-metrics"), ("app", "web")]), [0]);
        // Labels that somebody configured are asked for, all of them and they alone.
        assert_eq!(of(&[("team", "core"), ("job", "batch")]), [2]);
        assert_eq!(of(&[("job", "batch")]), [0_usize; 0]);
        assert_eq!(of(&[("job", "jobs")]), [0_usize; 0]);
        assert_eq!(of(&[("instance", "api")]), [0_usize; 0]);
    }

    #[test]
    fn a_name_counts_only_as_a_word_of_its_own() {
        assert!(has_word("the db was slow", "db"));
        assert!(has_word("db-failover", "db"));
        assert!(!has_word("dbx was slow", "db"));
        assert!(!has_word("anything", ""));
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    fn release(repo: &str, tag: &str) -> Release {
        Release {
            key: Key::new(&Name::new("gh"), tag),
            repo: Clean::line(repo),
            tag: Clean::line(tag),
            name: Clean::default(),
            draft: false,
            prerelease: false,
            published: Some(at(0)),
            author: "ada".into(),
            url: None,
        }
    }

    fn run(id: &str, branch: &str, event: &str) -> Run {
        Run {
            key: Key::new(&Name::new("gh"), id),
            repo: "acme/shop".into(),
            workflow: Clean::line(id),
            title: "Keep sessions for thirty days".into(),
            branch: Clean::line(branch),
            sha: "abcdef0123".into(),
            event: Clean::line(event),
            outcome: Outcome::Succeeded,
            started: Some(at(1)),
            updated: None,
            who: "priya".into(),
            url: None,
        }
    }

    fn changes_of(facts: Vec<crate::model::Fact>) -> Vec<String> {
        let mut board = Board::default();
        let report = crate::model::Report { facts, ..Default::default() };
        board.fold(&Name::new("gh"), at(5), report);
        let shop =
            Service { name: Name::new("shop"), repo: "Acme/Shop".into(), ..Service::default() };
        let team = Team { services: vec![shop], ..Team::default() };
        let sorted = Sorted::new(&board, &team);
        sorted.of[0].changes.iter().map(|h| format!("{} ({})", h.what, h.who)).collect()
    }

    #[test]
    fn what_was_merged_or_released_counts_where_nobody_tells_of_deploys() {
        use crate::model::Fact;
        let facts = || {
            vec![
                Fact::Release(release("acme/shop", "v4")),
                Fact::Release(release("acme/other", "v9")),
                Fact::Run(run("build", "main", "push")),
                Fact::Run(run("lint", "main", "push")),
                Fact::Run(run("branch", "topic", "push")),
                Fact::Run(run("nightly", "main", "schedule")),
            ]
        };
        let told = changes_of(facts());
        assert_eq!(
            told,
            ["release v4 (ada)", "push to main: Keep sessions for thirty days (priya)"]
        );
        let deploy = Deploy {
            key: Key::new(&Name::new("gh"), "d"),
            repo: "acme/shop".into(),
            app: Clean::default(),
            environment: "production".into(),
            version: "v4".into(),
            sha: Clean::default(),
            started: Some(at(2)),
            finished: Some(at(3)),
            outcome: Outcome::Succeeded,
            who: "ada".into(),
            description: Clean::default(),
            committed: None,
            url: None,
        };
        let told = changes_of([facts(), vec![Fact::Deploy(deploy)]].concat());
        assert_eq!(told, ["deploy v4 (ada)"]);
    }
}
