//! What follows from a whole board, one claim a test: what counts for a service, what does not, and what comes first.

use jiff::{SignedDuration, Timestamp};

use super::changes::suspects;
use super::matching::Sorted;
use super::{Before, Survey, Trouble, Versions, plans, survey};
use crate::model::calendar::{Excluded, Face, Length, Moment};
use crate::model::{
    Against, Alert, AlertRule, AlertState, Board, Bound, Calendar, CalendarEvent, Change, Clean,
    Deploy, Drift, Environment, Expected, Fact, Freshness, Gate, GateKind, Health, Incident,
    IncidentStatus, Key, Labels, Measure, Metric, MetricId, Milestone, Name, Objective, Outcome,
    Place, Purpose, Report, Role, RuleHealth, RuleState, Schedule, Service, Severity, Shift,
    Suppression, Team, Unit, Weight, Weighted, Window, Written,
};

const SOURCE: &str = "up";

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn minutes(n: i64) -> Timestamp {
    now() + SignedDuration::from_mins(n)
}

fn key(id: &str) -> Key {
    Key::new(&Name::new(SOURCE), id)
}

/// web → checkout → db → disk; mail stands alone.
fn team() -> Team {
    let service = |name: &str, needs: &[&str]| Service {
        name: Name::new(name),
        depends_on: needs.iter().map(|n| Name::new(n)).collect(),
        repo: Clean::line(format_args!("o/{name}")),
        ..Service::default()
    };
    let mut services = vec![
        service("web", &["checkout"]),
        service("checkout", &["db"]),
        service("db", &["disk"]),
        service("disk", &[]),
        service("mail", &[]),
    ];
    services[0].matching.pagerduty = "PWEB".into();
    let environments = vec!["staging".into(), "production".into()];
    Team { environments, services, ..Team::default() }
}

/// What one source told just now.
fn board(facts: Vec<Fact>) -> Board {
    let mut board = Board::default();
    let fresh = Freshness {
        kind: "alertmanager",
        every: SignedDuration::from_secs(30),
        last_ok: Some(now()),
        last_try: Some(now()),
        ..Freshness::default()
    };
    board.sources.insert(Name::new(SOURCE), fresh);
    board.fold(&Name::new(SOURCE), now(), Report { facts, ..Report::default() });
    board
}

fn surveyed(facts: Vec<Fact>) -> Survey {
    survey(&board(facts), &team(), now())
}

fn health(survey: &Survey, name: &str) -> Health {
    survey.service(&Name::new(name)).unwrap().health
}

fn shift(who: &str, level: u32, starts: i64, ends: i64, services: &[&str]) -> Fact {
    Fact::Shift(Shift {
        key: key(&format!("{who} {level} {starts}")),
        who: Clean::line(who),
        schedule: None,
        policy: "first".into(),
        level,
        starts: Some(minutes(starts)),
        ends: Some(minutes(ends)),
        service_ids: services.iter().map(|id| Box::from(*id)).collect(),
    })
}

#[test]
fn who_is_asked_first_is_on_call_and_a_turn_for_a_service_goes_before_one_for_all() {
    let survey = surveyed(vec![
        shift("ada", 2, -60, 60, &[]),
        shift("bob", 1, -60, 60, &[]),
        shift("abe", 1, -60, 0, &[]),
        shift("eve", 1, 1, 60, &[]),
        shift("zed", 2, -60, 60, &["PWEB"]),
        shift("ann", 3, -60, 60, &["PWEB"]),
        shift("old", 1, -60, 0, &["PWEB"]),
        shift("else", 1, -60, 60, &["PELSE"]),
        // Two layers of one schedule say the same.
        shift("bob", 1, -90, 60, &[]),
    ]);
    let turns: Vec<&str> = survey.on_call.iter().map(|t| t.who.as_str()).collect();
    assert_eq!(turns, ["bob", "else", "ada", "zed", "ann"]);
    let of = |name: &str| survey.service(&Name::new(name)).unwrap().on_call.clone();
    assert_eq!(of("web").as_ref().map(Clean::as_str), Some("zed"));
    assert_eq!(of("db").as_ref().map(Clean::as_str), Some("bob"));
}

fn change(id: &str, at: Timestamp, ids: &[&str], names: &[&str]) -> Fact {
    Fact::Change(Change {
        key: key(id),
        summary: Clean::line(id),
        origin: "flags".into(),
        who: Clean::default(),
        at: Some(at),
        until: None,
        service_ids: ids.iter().map(|id| Box::from(*id)).collect(),
        service_names: names.iter().map(Clean::line).collect(),
        url: None,
    })
}

#[test]
fn a_change_counts_by_how_far_upstream_it_was_made() {
    let board = board(vec![
        change("of web", now(), &["PWEB"], &[]),
        change("of checkout", now(), &[], &["Checkout"]),
        change("of db", now(), &[], &["db"]),
        change("of disk", now(), &[], &["disk"]),
        change("of mail", now(), &[], &["mail"]),
        change("of all", now(), &[], &[]),
        // Ordered by when, not by name: this one is still to come.
        change("a later one of mail", minutes(90), &[], &["mail"]),
    ]);
    let team = team();
    let said = |found: Vec<super::Suspect>| -> Vec<String> {
        let mut all: Vec<String> = found
            .iter()
            .map(|s| {
                format!("{:.1} {} {:?}", s.score, s.what, s.service.as_ref().map(Name::as_str))
            })
            .collect();
        all.sort();
        all
    };
    let near = [
        "0.3 flags of db Some(\"db\")",
        "0.6 flags of all None",
        "0.6 flags of checkout Some(\"checkout\")",
        "1.0 flags of web Some(\"web\")",
    ];
    assert_eq!(said(Before::new(&board, &team).suspects(0, now())), near);
    // While more is red, what was done elsewhere may be behind it all.
    let wide = said(suspects(&team, &Sorted::new(&board, &team), 0, now(), true));
    let elsewhere = ["0.1 flags of disk Some(\"disk\")", "0.1 flags of mail Some(\"mail\")"];
    assert_eq!(wide, [&elsewhere[..], &near[..]].concat());
}

#[test]
fn the_last_change_is_the_newest_that_happened() {
    let survey = surveyed(vec![
        change("b first", minutes(-50), &[], &["web"]),
        change("a second", minutes(-10), &[], &["web"]),
        change("c to come", minutes(10), &[], &["web"]),
    ]);
    let last = survey.services[0].last_change.as_ref().map(|h| h.what.as_str().to_owned());
    assert_eq!(last.as_deref(), Some("flags a second"));
}

fn deploy(id: &str, started: i64, outcome: Outcome) -> Deploy {
    Deploy {
        key: key(id),
        repo: "o/web".into(),
        app: Clean::default(),
        environment: "production".into(),
        version: Clean::line(id),
        sha: Clean::default(),
        started: Some(minutes(started)),
        finished: None,
        outcome,
        who: Clean::default(),
        description: Clean::default(),
        committed: None,
        url: None,
    }
}

#[test]
fn a_deploy_that_still_runs_is_near_however_long_ago_it_began() {
    let told = vec![
        Fact::Deploy(deploy("runs", -600, Outcome::Running)),
        Fact::Deploy(deploy("done", -600, Outcome::Succeeded)),
    ];
    let (board, team) = (board(told), team());
    let found = Before::new(&board, &team).suspects(0, now());
    let said: Vec<(&str, f64)> = found.iter().map(|s| (s.what.as_str(), s.score)).collect();
    assert_eq!(said, [("deploy runs", 1.0)]);
}

fn gate(id: &str, repo: &str, schedule: Schedule) -> Fact {
    Fact::Gate(Gate {
        key: key(id),
        kind: GateKind::Deny,
        schedule,
        scope: Clean::default(),
        repo: Clean::line(repo),
        apps: Vec::new(),
        by_hand: false,
        overrun: false,
        description: Clean::default(),
        how_to_override: Clean::default(),
        url: None,
    })
}

#[test]
fn a_gate_shuts_its_own_repository_and_one_that_nobody_can_read_lets_nobody_say_yes() {
    let whole_day = Schedule::Once { from: minutes(-60), until: minutes(60) };
    let survey = surveyed(vec![
        gate("1", "O/Web", whole_day.clone()),
        gate("2", "o/db", Schedule::Unreadable("no cron".into())),
        gate("3", "", whole_day),
    ]);
    let clearance = |name: &str| &survey.service(&Name::new(name)).unwrap().clearance;
    assert_eq!(clearance("web").allowed, Some(false));
    assert_eq!(clearance("mail").allowed, Some(true), "{:?}", clearance("mail"));
    let unread = clearance("db");
    assert_eq!(unread.allowed, None);
    assert!(unread.reason.as_str().starts_with("nobody can say"), "{}", unread.reason);
}

fn environment(id: &str, name: &str, version: &str) -> Fact {
    Fact::Environment(Environment {
        key: key(id),
        repo: "o/web".into(),
        app: Clean::default(),
        name: Clean::line(name),
        version: Clean::line(version),
        sha: Clean::default(),
        since: Some(now()),
        in_sync: None,
        state: Clean::default(),
        last: None,
        url: None,
    })
}

#[test]
fn versions_are_of_their_environment_and_what_is_undeployed_is_of_the_last_one() {
    let drift = |environment: &str, missing: u64, of: &str| {
        Fact::Drift(Drift {
            key: key(&format!("{environment} {of}")),
            repo: "o/web".into(),
            environment: Clean::line(environment),
            sha: Clean::default(),
            against: Against::Branch(Clean::line(of)),
            head: Clean::default(),
            missing,
            at_least: false,
            extra: Some(0),
            oldest: None,
            commits: Vec::new(),
            url: None,
        })
    };
    let newer = |id: &str, place: &str, at: i64| {
        Fact::Deploy(Deploy {
            environment: Clean::line(place),
            ..deploy(id, at, Outcome::Succeeded)
        })
    };
    let (mut told, team) =
        (vec![newer("v8", "production", -90), newer("v9", "staging", -30)], team());
    let of = |told: &[Fact]| {
        let board = board(told.to_vec());
        let found = Versions::of(&board, &team, &team.services[0], now());
        let version = |r: &super::Running| r.version.clone().unwrap_or_default().to_string();
        let drifts = found.drifts.iter().map(|d| d.environment.to_string()).collect::<Vec<_>>();
        let running = found.running.iter().map(version).collect::<Vec<_>>();
        (running, drifts, found.undeployed().map(|d| d.missing), found.apart.words().to_string())
    };
    assert_eq!(of(&told).0, ["v9", "v8"]);
    told.extend([drift("production", 0, "main"), drift("staging", 3, "main")]);
    told.extend([environment("1", "Staging", "v4"), environment("2", "production", "v4")]);
    let (running, drifts, undeployed, apart) = of(&told);
    assert_eq!(running, ["v4", "v4"]);
    assert_eq!(drifts, ["production", "staging"], "the one that counts comes first");
    assert_eq!(undeployed, Some(0));
    assert_eq!(apart, "main ahead by 3 commits");
}

fn incident(id: &str, status: IncidentStatus, severity: u8, who: &str) -> Fact {
    Fact::Incident(Incident {
        key: key(id),
        reference: Clean::line(id),
        title: "x".into(),
        service_id: "PWEB".into(),
        service_name: "web".into(),
        status,
        severity: Some(Severity(severity)),
        priority: Clean::default(),
        started: Some(minutes(-9)),
        acked: None,
        mitigated: None,
        resolved: None,
        who: vec![Clean::line(who)],
        policy: Clean::default(),
        url: None,
    })
}

#[test]
fn open_incidents_are_counted_and_whoever_has_the_worst_of_them_has_it() {
    use IncidentStatus::{Acked, Mitigated, Open, Other, Resolved};
    let survey = surveyed(vec![
        incident("1", Open, 2, "nobody"),
        incident("2", Acked, 3, "ada"),
        incident("3", Mitigated, 1, "bob"),
        incident("4", Resolved, 1, "cy"),
        incident("5", Other("paging".into()), 4, "dan"),
    ]);
    assert_eq!((survey.verdict.incidents, survey.verdict.unacked), (4, 2));
    let web = &survey.services[0];
    assert_eq!(web.held_by.as_ref().map(Clean::as_str), Some("bob"));
    assert!(!web.overlays.acked, "one of them nobody has");
    let held = surveyed(vec![incident("2", Acked, 3, "ada"), incident("3", Mitigated, 1, "bob")]);
    assert!(held.services[0].overlays.acked);
    assert_eq!((held.verdict.incidents, held.verdict.unacked), (2, 0));
}

#[test]
fn a_missing_always_firing_alert_makes_the_verdict_unknown_and_hides_no_outage() {
    let verdict = |missing: bool, facts: Vec<Fact>| {
        let mut board = board(facts);
        let expected = Expected {
            name: "watchdog".into(),
            labels: "alertname=\"Watchdog\"".into(),
            missing_since: missing.then(|| minutes(-5)),
        };
        board.sources.get_mut(&Name::new(SOURCE)).unwrap().expected = vec![expected];
        let mut team = team();
        // A probe's word does not rest on anybody's silence.
        team.services.truncate(1);
        team.services[0].metrics = vec![p95()];
        survey(&board, &team, now()).verdict
    };
    let number = |value: f64| {
        let measure = Measure::Number(value);
        vec![Fact::Sample { id: p95().id, at: now(), measure, note: None }]
    };
    let calm = verdict(false, number(0.2));
    assert_eq!((calm.worst, calm.dead_man.len()), (Health::Ok, 0));
    let deaf = verdict(true, number(0.2));
    assert_eq!((deaf.worst, deaf.dead_man.len()), (Health::Unknown, 1));
    assert_eq!(verdict(true, number(2.0)).worst, Health::Down);
}

fn p95() -> Metric {
    Metric {
        id: MetricId { service: Some(Name::new("web")), metric: Name::new("p95") },
        source: Name::new(SOURCE),
        query: "".into(),
        unit: Unit::Seconds,
        role: Role::Latency,
        good: None,
        bad: Bound::parse("> 1"),
        weight: Weight::Critical,
    }
}

#[test]
fn a_number_with_a_bound_for_bad_alone_counts_and_one_without_bounds_does_not() {
    let with = |metric: Metric| {
        let measure = Measure::Number(2.0);
        let board =
            board(vec![Fact::Sample { id: metric.id.clone(), at: now(), measure, note: None }]);
        let mut team = team();
        team.services[0].metrics = vec![metric];
        health(&survey(&board, &team, now()), "web")
    };
    assert_eq!(with(p95()), Health::Down);
    let good = Metric { good: Bound::parse("< 1"), bad: None, ..p95() };
    assert_eq!(with(good), Health::Degraded);
    assert_eq!(with(Metric { bad: None, ..p95() }), Health::Unknown);
}

fn alert(id: &str, suppressed: Vec<Suppression>) -> Fact {
    let state = if suppressed.is_empty() { AlertState::Firing } else { AlertState::Suppressed };
    Fact::Alert(Alert {
        key: key(id),
        name: Clean::line(id),
        labels: [("service".into(), "web".into())].into_iter().collect(),
        summary: Clean::default(),
        description: Clean::default(),
        state,
        suppressed,
        severity: Some(Severity(1)),
        started: Some(minutes(-4)),
        receivers: Vec::new(),
        url: None,
        runbook: None,
    })
}

#[test]
fn what_fires_is_silenced_when_a_silence_lies_on_all_of_it() {
    let silenced = || Suppression::Silenced(key("s"));
    let inhibited = || Suppression::Inhibited("other".into());
    for (told, quiet) in [
        (vec![alert("a", vec![inhibited(), silenced()])], true),
        (vec![alert("a", vec![inhibited()])], false),
        (vec![alert("a", vec![silenced()]), alert("b", Vec::new())], false),
        (vec![alert("a", vec![silenced()]), alert("b", vec![silenced()])], true),
        (Vec::new(), false),
    ] {
        let survey = surveyed(told.clone());
        assert_eq!(survey.services[0].overlays.silenced, quiet, "{told:?}");
        let down = if told.is_empty() { Health::Unknown } else { Health::Down };
        assert_eq!(health(&survey, "web"), down, "a silence stills the noise, not the trouble");
    }
}

#[test]
fn a_rule_counts_by_itself_only_while_it_fires_and_nobody_delivers() {
    let told = |state: RuleState, health: RuleHealth| {
        let rule = AlertRule {
            key: key("r"),
            name: "Errors".into(),
            group: "g".into(),
            query: "up".into(),
            state,
            health,
            last_error: Clean::default(),
            labels: [("service".into(), "web".into()), ("severity".into(), "critical".into())]
                .into_iter()
                .collect::<Labels>(),
            annotations: Labels::new(),
            waits: SignedDuration::ZERO,
            firing: 0,
        };
        let mut board = board(vec![Fact::Rule(rule)]);
        board.sources.get_mut(&Name::new(SOURCE)).unwrap().kind = "prometheus";
        self::health(&survey(&board, &team(), now()), "web")
    };
    assert_eq!(told(RuleState::Inactive, RuleHealth::Ok), Health::Ok);
    assert_eq!(told(RuleState::Pending, RuleHealth::Ok), Health::Ok);
    assert_eq!(told(RuleState::Firing, RuleHealth::Ok), Health::Down);
    assert_eq!(told(RuleState::Inactive, RuleHealth::Broken), Health::Unknown);
}

#[test]
fn what_is_remembered_of_a_beginning_goes_further_back_and_never_forward() {
    for (remembered, since) in [(-90, -90), (-1, -4)] {
        let mut board = board(vec![alert("a", Vec::new())]);
        board.turns.note(&Name::new("web"), Health::Ok, Some(minutes(-600)), minutes(-600));
        board.turns.note(&Name::new("web"), Health::Down, Some(minutes(remembered)), now());
        let survey = survey(&board, &team(), now());
        assert_eq!(survey.services[0].since, Some(minutes(since)), "{remembered}");
    }
}

#[test]
fn an_application_in_several_environments_is_gated_where_it_counts() {
    let of = |environment: &str| {
        let Fact::Gate(gate) =
            gate("1", "", Schedule::Once { from: minutes(-60), until: minutes(60) })
        else {
            panic!()
        };
        let place =
            |environment: &str| Place { app: "web".into(), environment: Clean::line(environment) };
        let elsewhere = Gate {
            key: key("2"),
            schedule: Schedule::Once { from: minutes(90), until: minutes(95) },
            apps: vec![place("production")],
            ..gate.clone()
        };
        let told = [Gate { apps: vec![place(environment)], ..gate }, elsewhere];
        surveyed(told.into_iter().map(Fact::Gate).collect()).services[0].clearance.allowed
    };
    assert_eq!(of("production"), Some(false));
    assert_eq!(of("staging"), Some(true), "a window of staging holds nothing in production");
}

fn planned(purpose: Purpose, from: i64, until: i64, cancelled: bool) -> Fact {
    let event = CalendarEvent {
        id: "1".into(),
        uid: "1".into(),
        sequence: 0,
        face: Face { title: "the thing".into(), cancelled, ..Face::default() },
        start: Moment::utc(minutes(from)),
        length: Length::Exact(SignedDuration::from_mins(until - from)),
        rules: Vec::new(),
        refused: None,
        added: Vec::new(),
        removed: Excluded::default(),
        replaces: None,
        onwards: Vec::new(),
    };
    Fact::Calendar(std::sync::Arc::new(Calendar {
        source: Name::new(SOURCE),
        purpose,
        name: Clean::default(),
        events: vec![event],
        skipped: 0,
        notes: Vec::new(),
        refresh: None,
    }))
}

#[test]
fn what_is_planned_holds_from_its_start_until_its_end_unless_it_was_called_off() {
    for (from, until, cancelled, on) in [
        (-60, 60, false, true),
        (-60, 60, true, false),
        (-60, 0, false, false),
        (0, 60, false, true),
        (1, 60, false, false),
    ] {
        let with = |purpose| surveyed(vec![planned(purpose, from, until, cancelled)]);
        let allowed = with(Purpose::Freeze).services[0].clearance.allowed;
        assert_eq!(allowed, Some(!on), "a freeze {from} {until} {cancelled}");
        let maintenance = with(Purpose::Maintenance).services[0].overlays.maintenance;
        assert_eq!(maintenance, on, "maintenance {from} {until} {cancelled}");
        let turns = with(Purpose::OnCall).on_call.len();
        assert_eq!(turns, usize::from(on), "on call {from} {until} {cancelled}");
    }
}

#[test]
fn plans_come_in_the_order_of_their_days_and_say_how_far_they_are_where_that_is_told() {
    let milestone = |id: &str, due: &str, items| {
        Fact::Milestone(Milestone {
            key: key(id),
            repo: "o/web".into(),
            title: Clean::line(id),
            about: Clean::default(),
            start: None,
            due: due.parse().ok(),
            done: false,
            done_at: None,
            done_on: None,
            items,
            url: None,
        })
    };
    let board = board(vec![
        milestone("a", "2026-12-10", Some((0, 0))),
        milestone("b", "2026-12-01", Some((1, 4))),
        milestone("c", "2026-12-05", None),
        milestone("d", "2026-10-01", None),
    ]);
    let window = Window { from: now(), until: minutes(60 * 24 * 30) };
    let found = plans(&board, &team(), window, &jiff::tz::TimeZone::UTC);
    let told: Vec<_> = found.iter().map(|e| (e.title.as_str(), e.items)).collect();
    assert_eq!(told, [("b", Some((1, 4))), ("c", None), ("a", None)]);
}

#[test]
fn an_objective_is_of_the_service_its_labels_name_and_else_of_the_one_it_calls() {
    let budgets = |labels: &[(&'static str, &'static str)]| -> Vec<String> {
        let labels = labels.iter().map(|(k, v)| (Clean::from(*k), Clean::from(*v))).collect();
        let told = Objective {
            key: key("o"),
            name: "availability".into(),
            written: Written::Sloth,
            labels,
            target: 0.999,
            period: SignedDuration::from_hours(720),
            weighted: Weighted::ByEvents,
            spent: Vec::new(),
        };
        let survey = surveyed(vec![Fact::Objective(told)]);
        let own = survey.services.iter().filter(|s| !s.slos.is_empty());
        own.map(|s| s.name.to_string()).collect()
    };
    assert_eq!(budgets(&[("service", "db"), ("sloth_service", "web")]), ["db"]);
    assert_eq!(budgets(&[("sloth_service", "web")]), ["web"]);
    assert_eq!(budgets(&[("sloth_service", "elsewhere")]), [""; 0]);
}

#[test]
fn the_trouble_of_an_incident_is_of_its_service_and_names_an_alert_once() {
    let incident = incident("1", IncidentStatus::Open, 1, "ada");
    let (board, team) =
        (board(vec![incident, alert("a", Vec::new()), alert("b", Vec::new())]), team());
    let survey = survey(&board, &team, now());
    let told = &board.incidents.present().next().unwrap().what;
    let trouble = Trouble::of_incident(&board, &team, &survey, told);
    assert_eq!(trouble.services, [Name::new("web")]);
    assert_eq!(trouble.alerts, ["a", "b"].map(Clean::from));
    let alerts: Vec<&Alert> = board.alerts.present().map(|r| &r.what).collect();
    let twice = Trouble::of_alerts(None, &[&alerts[..], &alerts[..]].concat());
    assert_eq!(twice.alerts, ["a", "b"].map(Clean::from));
}
