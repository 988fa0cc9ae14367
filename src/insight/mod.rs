//! What follows from the board: health, since when, what changed before, who has it, staleness. Pure.

mod alike;
mod automation;
mod brought;
mod calendar;
mod can_deploy;
mod changes;
#[cfg(test)]
mod claims;
mod dependents;
pub mod follow_up;
mod freezes;
pub mod gates;
mod groups;
mod health;
mod matching;
mod numbers;
mod on_call;
mod releases;
pub mod review;
mod rhythm;
mod rollbacks;
mod search;
pub mod slo;
pub mod standing;
mod steady;
mod told;
mod uptime;
mod versions;
pub mod vocabulary;
pub mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    Board, Clean, Freshness, Health, IncidentStatus, Key, Name, Overlays, Purpose, SourceName,
    Team, Turned, Window,
};

pub use alike::{Like, Trouble, Why, alike};
pub use automation::{Pipeline, moment as run_moment, pipelines, waiting};
pub use brought::{Load, loads, steps};
pub use calendar::{CONFIG, Event, Made, calendar, plans};
pub use can_deploy::{Clearance, Freezes};
pub use changes::LOOK_BACK;
pub use freezes::{Frozen, occurrences, within as frozen_within};
pub use health::{level, of_severity};
pub use matching::{
    deploys_from, is_about, is_production, moment, named_in, of_incident, reaches, services_of,
    version,
};
pub use numbers::{discovered, numbers, preset};
pub use on_call::Turn;
pub use releases::Planned;
pub use rhythm::{Beats, Regularity, Rhythm, Slip, median};
pub use rollbacks::{Rollback, rollbacks};
pub use search::search;
pub use slo::{Budget, Burn, Burning};
pub use uptime::{STRETCHES, Uptime, Works, percent, uptime};
pub use versions::{Apart, Running, Versions};

/// One thing that is derived, for the table of the README.
pub struct Insight {
    pub name: &'static str,
    pub about: &'static str,
}

/// Everything that is derived, one file each.
pub const INSIGHTS: &[Insight] = &[
    Insight {
        name: "health",
        about: "a service's state from metrics, probes, alerts, rules and incidents, with its reason and its beginning",
    },
    Insight {
        name: "steady",
        about: "hysteresis (three bad results enter, two good ones leave) and flapping by Icinga's measure",
    },
    Insight {
        name: "slo",
        about: "error budget left, never clamped; burn in seven windows, and when the budget will be gone",
    },
    Insight {
        name: "changes",
        about: "what changed just before, ranked by nearness in time and dependency; or that nothing did",
    },
    Insight {
        name: "dependents",
        about: "one outage, one row: services under a parent that is down fold under it",
    },
    Insight {
        name: "groups",
        about: "a service made of others: some of them down is degraded, all of them is down; they fold under it",
    },
    Insight {
        name: "uptime",
        about: "uptime without planned work and with it, over a day to a quarter; what nobody knows is neither up nor down",
    },
    Insight {
        name: "freezes",
        about: "when deploys should wait: rules, calendars and upstreams' gates, now and next",
    },
    Insight {
        name: "gates",
        about: "what GitLab's deploy freezes and Argo CD's sync windows let through: open, by hand only, or closed",
    },
    Insight {
        name: "can-deploy",
        about: "may a service be deployed now: yes; no, until when, how to override; or nobody can say, and why",
    },
    Insight {
        name: "calendar",
        about: "everything dated in one order; releases planned in a freeze, on a holiday or across a hand-off are flagged",
    },
    Insight {
        name: "rhythm",
        about: "slip against the plan, else how even the gaps are in working days, and deploy days a week",
    },
    Insight {
        name: "rollbacks",
        about: "deploys that took a version back, and which deploy each of them undid",
    },
    Insight {
        name: "brought",
        about: "how many commits each deploy brought, counted from what ran in its place before",
    },
    Insight {
        name: "versions",
        about: "which version runs in each environment, and how far they lie apart, in words",
    },
    Insight {
        name: "automation",
        about: "each pipeline's last runs, successes k/n and usual duration, and what waits for approval",
    },
    Insight { name: "releases", about: "the next release planned and the last one made" },
    Insight { name: "on-call", about: "who is on call now, for each service and for the team" },
    Insight {
        name: "matching",
        about: "which alert, incident, deploy or post-mortem belongs to which service",
    },
    Insight {
        name: "numbers",
        about: "a service's numbers: those of the configuration, and what presets found where it has none of that role",
    },
    Insight {
        name: "review",
        about: "what a post-mortem lacks, how long its incident lasted by the team's clock, and which of its actions are late",
    },
    Insight { name: "search", about: "full text of every post-mortem, the best fitting first" },
    Insight {
        name: "alike",
        about: "post-mortems that are like what is wrong now, with what they have in common and what was left undone",
    },
    Insight {
        name: "standing",
        about: "how an action stands: its document's word, and that of the issue it links to where a source knows it",
    },
    Insight {
        name: "follow-up",
        about: "over all post-mortems: open, late and unowned actions, what came back, anniversaries, each quarter's numbers",
    },
];

impl ServiceState {
    /// It suffers under another: its trouble is that one's. A part of a group is the group's trouble itself.
    pub fn suffers(&self) -> bool {
        self.because.is_some() && !self.part
    }
}

/// Everything derived that more than one page needs, computed once per change of the board, not per frame.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The board's version this was made from.
    pub version: u64,
    /// In the team's order; the index equals that of `Team::services`.
    pub services: Vec<ServiceState>,
    pub by_name: BTreeMap<Name, usize>,
    /// Columns of the longest name, and whether anybody promised anything: what a list needs to know before its first row.
    pub longest_name: usize,
    pub promised: bool,
    pub verdict: Verdict,
    /// What changed before each open incident and alert began, by its own start, best first.
    pub before: BTreeMap<Key, Vec<Suspect>>,
    /// Where it was looked for before those of which nothing was found.
    pub nothing_before: BTreeMap<Key, Looked>,
    /// What is frozen now.
    pub frozen: Vec<Frozen>,
    pub next_freeze: Option<Frozen>,
    pub next_release: Option<Planned>,
    pub last_release: Option<Planned>,
    /// Turns that are on now, of the whole team, those asked first foremost.
    pub on_call: Vec<Turn>,
    /// When a passing moment alone (staleness, a shift's end) may change the survey.
    pub valid_until: Option<Timestamp>,
}

impl Survey {
    pub fn service(&self, name: &Name) -> Option<&ServiceState> {
        self.by_name.get(name).and_then(|i| self.services.get(*i))
    }
}

/// How one service is, and why.
#[derive(Debug, Clone, Default)]
pub struct ServiceState {
    pub name: Name,
    pub health: Health,
    pub overlays: Overlays,
    /// Since when it is so; `None` when nobody saw it begin.
    pub since: Option<Timestamp>,
    /// Where nobody saw it begin: it was so when somebody looked first, and may have been before. A budget's burn shows no
    /// beginning of its own.
    pub at_least: Option<Timestamp>,
    /// The worst thing, in words: `p95 1.4 s (bad > 1 s)`, `firing: HighErrorRate`.
    pub reason: Clean,
    /// Everything that is not ok about it, worst first.
    pub signals: Vec<(Health, Clean)>,
    /// Unknown, and only because whoever would tell is silent or broken: no outage of another explains that.
    pub untold: bool,
    /// Its objectives: those of the configuration first, in its order.
    pub slos: Vec<Budget>,
    /// The parent this one folds under: `↳ because db`.
    pub because: Option<Name>,
    /// It folds as a part of that one, which is a group.
    pub part: bool,
    /// How many services fold under this one.
    pub root_of: usize,
    pub changes: Vec<Suspect>,
    /// Everybody who tells of its changes is fresh and knows the time, so that "no change" may be said.
    pub changes_known: bool,
    /// Where changes before its trouble were looked for.
    pub looked: Looked,
    /// Its newest change, whatever its state.
    pub last_change: Option<Happened>,
    pub on_call: Option<Clean>,
    /// Who acknowledged the worst open incident.
    pub held_by: Option<Clean>,
    pub incidents: Vec<Key>,
    pub alerts: Vec<Key>,
    /// May it be deployed now?
    pub clearance: Clearance,
}

/// Where changes were looked for before a moment: what "no change on it or its N upstreams" rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Services up to two hops upstream, and those of them of whose deploys somebody tells.
    pub upstreams: usize,
    pub told: usize,
    /// Why "no change" may not be said; `None` when it may.
    pub unsaid: Option<Unsaid>,
}

/// Why "no change" may not be said of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsaid {
    /// No source tells of its deploys.
    Nobody,
    /// This source is not fresh, or could not be asked about the service or one of its upstreams.
    Silent(SourceName),
    /// This source knows what it tells from here on only.
    Short(SourceName, Timestamp),
}

/// A deploy or another change, placed in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    pub key: Key,
    /// `deploy v412`, `flags checkout-v2 on`.
    pub what: Clean,
    pub who: Clean,
    pub began: Timestamp,
    /// `None` while it is in progress.
    pub ended: Option<Timestamp>,
    /// Its end, else its beginning.
    pub at: Timestamp,
}

/// A change shortly before, ranked by nearness in time and relation. Never "caused by".
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    pub key: Key,
    pub service: Option<Name>,
    /// `deploy v412`, `config flags#88`.
    pub what: Clean,
    pub who: Clean,
    pub at: Timestamp,
    /// Seconds between its end and the start of the trouble; 0 when in progress.
    pub before_s: i64,
    pub score: f64,
}

/// An alert that fires always and does not arrive any more: nobody would tell of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMan {
    pub source: SourceName,
    pub name: Clean,
    /// `alertname="Watchdog"`.
    pub labels: Clean,
    /// The first good answer without it.
    pub since: Timestamp,
}

/// The board in one word and a few counts; roots only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    pub worst: Health,
    /// The first few of the worst that are not ok, in the team's order.
    pub named: Vec<Name>,
    pub down: usize,
    pub degraded: usize,
    pub unknown: usize,
    /// Services that were well when they were last heard of, and nothing newer is known.
    pub stale: usize,
    /// Services folded under a root.
    pub folded: usize,
    /// Services in planned maintenance, however they are: no outages.
    pub maintained: usize,
    /// Expected alerts that do not arrive: while there is one, the board is unknown at best.
    pub dead_man: Vec<DeadMan>,
    pub incidents: usize,
    pub unacked: usize,
    /// Sources whose last poll gave nothing.
    pub failing_sources: usize,
    /// Sources whose last answer was good and has grown old.
    pub stale_sources: usize,
    /// Sources that have not been heard yet at all.
    pub awaited_sources: usize,
    pub sources: usize,
}

/// Derives everything from the board at a moment. Total: no board makes it panic.
pub fn survey(board: &Board, team: &Team, now: Timestamp) -> Survey {
    let sorted = matching::Sorted::new(board, team);
    let on_call = on_call::now(board, team, now);
    let team_wide = on_call::team_wide(board, &on_call, now);
    let maintained = maintained(board, team, now);
    let freezes = Freezes::new(board, team, now);
    let mut watched = Vec::with_capacity(team.services.len());
    let mut states: Vec<ServiceState> = team
        .services
        .iter()
        .zip(&sorted.of)
        .map(|(service, own)| {
            let slos = health::budgets(board, service, own, now);
            let found = health::find(board, service, own, &slos, now);
            watched.push(found.watched);
            let maintenance = maintained.contains(&&service.name);
            ServiceState {
                name: service.name.clone(),
                health: found.health,
                overlays: Overlays { maintenance, ..found.overlays },
                since: found.since,
                reason: found.reason,
                signals: found.signals,
                untold: found.untold,
                slos,
                last_change: own.changes.iter().rfind(|h| h.at <= now).cloned(),
                on_call: on_call::of_service(own, team_wide.as_ref(), now),
                held_by: held_by(own),
                incidents: matching::once(own.incidents.iter().map(|i| i.key.clone()).collect()),
                alerts: matching::once(own.alerts.iter().map(|a| a.key.clone()).collect()),
                clearance: freezes.can_deploy(service),
                ..ServiceState::default()
            }
        })
        .collect();
    remember(board, &mut states);
    if team.services.iter().any(|s| !s.members.is_empty()) {
        groups::judge(team, &sorted, &mut states, &watched);
        remember(board, &mut states);
    }
    dependents::fold(team, &sorted, &mut states);
    let tellers = told::Tellers::new(board, team, &sorted, now);
    correlate(&tellers, team, &sorted, &mut states, now);
    let (before, nothing_before) = before_each(board, &tellers, team, &sorted, &states);
    let mut survey = Survey {
        longest_name: team.services.iter().map(|s| s.name.clean().width()).max().unwrap_or(0),
        promised: team.services.iter().any(|s| !s.slos.is_empty())
            || states.iter().any(|s| !s.slos.is_empty()),
        version: board.version,
        verdict: dependents::verdict(board, &states, now),
        services: states,
        before,
        nothing_before,
        by_name: sorted.by_name,
        frozen: freezes.on().cloned().collect(),
        next_freeze: freezes.next().cloned(),
        next_release: releases::next(board, team, now),
        last_release: releases::last(board, team, now),
        on_call,
        valid_until: None,
    };
    survey.valid_until = next_flip(board, &survey, now);
    survey
}

/// What is remembered of a beginning outlives the history that showed it, and the process that saw it.
fn remember(board: &Board, states: &mut [ServiceState]) {
    for state in states {
        let began = board.turns.since(&state.name, state.health);
        if let Some(began) = began.filter(|at| state.since.is_none_or(|since| *at < since)) {
            state.since = Some(began);
        }
        let seen = state.since.is_none() && state.health != Health::Ok;
        state.at_least = seen.then(|| board.turns.at_least(&state.name, state.health)).flatten();
    }
}

/// How services are, as it is remembered.
pub fn turned(survey: &Survey, now: Timestamp) -> impl Iterator<Item = Turned> {
    survey.services.iter().map(move |s| Turned {
        at: s.since.map_or(now, |since| since.min(now)),
        seen: s.since.is_some(),
        service: s.name.clone(),
        health: Clean::from(s.health.word()),
        reason: s.reason.clone(),
    })
}

/// Finds what changed before any moment: for incidents, whose start is their own.
pub struct Before<'a> {
    team: &'a Team,
    sorted: matching::Sorted<'a>,
}

impl<'a> Before<'a> {
    pub fn new(board: &'a Board, team: &'a Team) -> Self {
        Self { team, sorted: matching::Sorted::new(board, team) }
    }

    /// Suspects for trouble of a service (by its index) that began at `start`, best first.
    pub fn suspects(&self, service: usize, start: Timestamp) -> Vec<Suspect> {
        changes::suspects(self.team, &self.sorted, service, start, false)
    }
}

/// Finds what changed before each trouble that is seen to have begun.
fn correlate(
    tellers: &told::Tellers<'_>,
    team: &Team,
    sorted: &matching::Sorted<'_>,
    states: &mut [ServiceState],
    now: Timestamp,
) {
    let more_is_red = states.iter().filter(|s| changes::is_red(s.health)).count() > 1;
    for (i, state) in states.iter_mut().enumerate() {
        if state.health == Health::Ok {
            continue;
        }
        let upstreams: Vec<usize> =
            changes::upstreams(team, sorted, i).into_iter().map(|(i, _)| i).collect();
        let own = groups::itself(team, sorted, i);
        state.looked = tellers.looked(&own, &upstreams, state.since.unwrap_or(now));
        state.changes_known = state.looked.unsaid.is_none() && state.since.is_some();
        if let Some(since) = state.since.filter(|_| changes::is_red(state.health)) {
            state.changes = changes::suspects(team, sorted, i, since, more_is_red);
        }
    }
}

/// Suspects by the own start of each open incident and each alert of a service.
fn before_each(
    board: &Board,
    tellers: &told::Tellers<'_>,
    team: &Team,
    sorted: &matching::Sorted<'_>,
    states: &[ServiceState],
) -> (BTreeMap<Key, Vec<Suspect>>, BTreeMap<Key, Looked>) {
    let (mut found, mut nothing) = (BTreeMap::new(), BTreeMap::new());
    for (i, state) in states.iter().enumerate() {
        let alerts = state.alerts.iter().filter_map(|key| board.alerts.get(key));
        let alerts = alerts.map(|r| (&r.what.key, r.what.started));
        let incidents = state.incidents.iter().filter_map(|key| board.incidents.get(key));
        let incidents = incidents.map(|r| (&r.what.key, r.what.started));
        for (key, started) in alerts.chain(incidents) {
            let Some(started) = started else { continue };
            let suspects = changes::suspects(team, sorted, i, started, false);
            if suspects.is_empty() {
                let upstreams: Vec<usize> =
                    changes::upstreams(team, sorted, i).into_iter().map(|(i, _)| i).collect();
                let own = groups::itself(team, sorted, i);
                nothing.insert(key.clone(), tellers.looked(&own, &upstreams, started));
            } else {
                found.insert(key.clone(), suspects);
            }
        }
    }
    (found, nothing)
}

/// Services in maintenance: those its title names, or all when it names none.
fn maintained<'t>(board: &Board, team: &'t Team, now: Timestamp) -> Vec<&'t Name> {
    let until = words::later(now, jiff::SignedDuration::from_secs(1));
    let window = Window { from: now, until };
    let mut found = Vec::new();
    for occurrence in occurrences(board, Purpose::Maintenance, window, &team.zone) {
        if occurrence.start <= now && now < occurrence.end {
            let named = named_in(team, occurrence.title.as_str());
            if named.is_empty() {
                return team.services.iter().map(|s| &s.name).collect();
            }
            found.extend(named);
        }
    }
    found
}

/// Who acknowledged the worst open incident of a service.
fn held_by(own: &matching::Belongings<'_>) -> Option<Clean> {
    let held = own.incidents.iter().filter(|i| i.status != IncidentStatus::Open);
    let worst = held.min_by_key(|i| (i.severity, i.started))?;
    let who: Vec<&str> = worst.who.iter().map(Clean::as_str).collect();
    (!who.is_empty()).then(|| Clean::line(who.join(", ")))
}

/// The next moment at which time alone may change what was derived.
fn next_flip(board: &Board, survey: &Survey, now: Timestamp) -> Option<Timestamp> {
    let mut moments: Vec<Timestamp> = Vec::new();
    let tick = jiff::SignedDuration::from_secs(1);
    let ages = |freshness: &Freshness, told: Timestamp| {
        let (stale, expired) = freshness.limits();
        [stale, expired].into_iter().filter_map(move |limit| told.checked_add(limit + tick).ok())
    };
    for freshness in board.sources.values() {
        moments.extend(freshness.last_ok.into_iter().flat_map(|told| ages(freshness, told)));
    }
    // A probe's result ages by itself, however well its source goes on.
    for (probe, results) in &board.probes {
        let source = board.probe_sources.get(probe).and_then(|name| board.sources.get(name));
        let newest = source.zip(results.back());
        moments.extend(newest.into_iter().flat_map(|(of, result)| ages(of, result.at)));
    }
    moments.extend(survey.services.iter().flat_map(|s| &s.slos).filter_map(|s| s.flips));
    for shift in board.shifts.present().map(|r| &r.what) {
        moments.extend(shift.starts.iter().chain(&shift.ends));
    }
    moments.extend(survey.on_call.iter().filter_map(|t| t.ends));
    moments.extend(survey.frozen.iter().filter_map(|f| f.until));
    moments.extend(survey.next_freeze.iter().map(|f| f.from));
    moments.extend(survey.next_release.iter().map(|p| p.at));
    moments.into_iter().filter(|m| *m > now).min()
}
