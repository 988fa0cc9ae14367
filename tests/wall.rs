//! The wall: it says the worst in one word, takes turns only while nothing is red, never looks well on old data, and stays the same for weeks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "common/estate.rs"]
mod estate;

use std::sync::Arc;

use allocation_counter::measure;
use andon::cockpit::{Cockpit, Effect, Heard, Key, Message, Setup, Turns};
use andon::model::{
    Alert, AlertState, Board, Change, Clean, Deploy, Expected, Fact, Feed, Freshness, Health,
    Incident, IncidentStatus, Key as Identity, LogEntry, LogKind, Measure, MetricId, Name,
    Objective, Outcome, Probe, ProbeResult, Report, Service, Severity, Silence, SilenceState,
    SourceName, Spent, Status, Team, Trouble, Weight, Weighted, Written,
};
use andon::page::wall::Panel;
use andon::page::{Size, Skin, Tone, wall::Wall};
use andon::view::encode::Encoder;
use andon::view::{Depth, Theme, paint, text};
use estate::{heard, moment, sample, team};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZES: [Size; 4] = [
    Size { width: 80, height: 24 },
    Size { width: 120, height: 40 },
    Size { width: 200, height: 60 },
    Size { width: 60, height: 15 },
];

fn at(seconds: i64) -> Timestamp {
    moment() + SignedDuration::from_secs(seconds)
}

/// What one poll tells: the same value of every number.
fn told(team: &Team, value: f64, at: Timestamp) -> Report {
    let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
    sample(ids.map(|id| (id, Measure::Number(value))), at)
}

const FINE: f64 = 0.5;
const BAD: f64 = 9.0;

fn hanging(team: &Arc<Team>, size: Size, value: f64) -> Cockpit {
    let setup = Setup { wall: Some(Turns::default()), ..Setup::new(team.clone(), size, moment()) };
    let mut wall = Cockpit::new(setup);
    wall.update(moment(), heard(moment(), told(team, value, moment())));
    wall.settle(moment());
    wall
}

fn shown(cockpit: &Cockpit, now: Timestamp) -> Wall {
    cockpit.screen(now).wall.unwrap()
}

fn page(cockpit: &Cockpit, now: Timestamp) -> String {
    shown(cockpit, now).title.text()
}

/// The screen as somebody sees it.
fn seen(cockpit: &Cockpit, now: Timestamp, ascii: bool) -> String {
    let screen = cockpit.screen(now);
    let size = screen.frame.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    paint(&screen, &Theme::new(Skin::Terminal, Depth::None, ascii), &mut buffer);
    text(&buffer)
}

/// Lets the clock ring whenever the wall asked for it, and a poll come every 15 s, up to a moment.
fn pass(wall: &mut Cockpit, team: &Team, value: f64, from: i64, until: i64) {
    for second in (from..until).step_by(5) {
        let now = at(second);
        if second % 15 == 0 {
            wall.update(now, heard(now, told(team, value, now)));
        }
        if wall.wake().is_some_and(|wake| wake <= now) {
            wall.update(now, Message::Clock);
        }
        wall.settle(now);
    }
}

#[test]
fn pages_take_turns_while_nothing_is_red() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[1], FINE);
    assert_eq!(page(&wall, at(0)), "overview 1/2");
    pass(&mut wall, &team, FINE, 0, 25);
    assert_eq!(page(&wall, at(24)), "numbers 2/2");
    pass(&mut wall, &team, FINE, 25, 45);
    assert_eq!(page(&wall, at(44)), "overview 1/2");
}

/// An answer of the incident service: one that is open, and who has it.
fn paged(now: Timestamp, status: IncidentStatus) -> Message {
    let incident = Incident { status, ..incident(0, now, None) };
    told_by("pd", "pagerduty", now, vec![Fact::Incident(incident)])
}

#[test]
fn an_incident_nobody_has_holds_the_first_page_and_says_so() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[0], FINE);
    let hear = |wall: &mut Cockpit, second: i64, status: IncidentStatus| {
        wall.update(at(second), heard(at(second), told(&team, FINE, at(second))));
        wall.update(at(second), paged(at(second), status));
        wall.update(at(second), Message::Clock);
        wall.settle(at(second));
    };
    for second in [0, 15, 30, 45, 60] {
        hear(&mut wall, second, IncidentStatus::Open);
        let said = page(&wall, at(second));
        assert_eq!(said, "overview · stays while nobody has an incident", "{second} s");
        assert!(seen(&wall, at(second), false).contains("stays while"), "{second} s");
    }
    hear(&mut wall, 75, IncidentStatus::Acked);
    assert!(page(&wall, at(75)).starts_with("overview 1/"));
    hear(&mut wall, 95, IncidentStatus::Acked);
    assert!(!page(&wall, at(95)).starts_with("overview"), "somebody has it: the pages turn");
}

/// An objective whose errors are `burn` times as many as a month allows, in every window.
fn promise(now: Timestamp, burn: f64) -> Message {
    told_by("slo", "prometheus", now, vec![Fact::Objective(objective(0, now, burn))])
}

fn objective(number: i64, now: Timestamp, burn: f64) -> Objective {
    let (target, total) = (0.999, 1e7);
    let spent = |hours: f64| {
        let window = SignedDuration::from_secs((hours * 3_600.0) as i64);
        let bad = Measure::Number(burn * (1.0 - target) * total);
        Spent::of_counts(window, now, &bad, &Measure::Number(total))
    };
    Objective {
        key: Identity::new(&Name::new("slo"), format!("requests-{number}")),
        name: "requests".into(),
        written: Written::Sloth,
        labels: [("service".into(), "service-00000".into())].into(),
        target,
        period: SignedDuration::from_hours(720),
        weighted: Weighted::ByEvents,
        spent: [1.0 / 12.0, 0.5, 1.0, 2.0, 6.0, 24.0, 72.0, 720.0].map(spent).to_vec(),
    }
}

#[test]
fn a_budget_that_burns_at_the_speed_of_a_page_holds_the_first_page_and_a_slower_one_does_not() {
    let team = team(3);
    for (burn, said) in [(50.0, "overview · stays while a budget burns"), (4.0, "overview 1/")] {
        let mut wall = hanging(&team, SIZES[1], FINE);
        wall.update(at(1), promise(at(1), burn));
        wall.settle(at(1));
        assert!(page(&wall, at(1)).starts_with(said), "{burn}: {}", page(&wall, at(1)));
    }
}

/// One poll for a week: amber all the time.
#[test]
fn amber_is_no_reason_to_stand_still() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[1], BAD);
    assert_eq!(shown(&wall, at(0)).lamp.word.as_str(), "degraded");
    pass(&mut wall, &team, BAD, 0, 25);
    assert!(!page(&wall, at(24)).starts_with("overview"));
}

#[test]
fn what_somebody_opened_over_the_wall_is_closed_when_he_is_gone() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[1], FINE);
    wall.update(at(1), Message::Key(Key::parse("?").unwrap()));
    assert!(wall.screen(at(1)).over.is_some());
    pass(&mut wall, &team, FINE, 5, 55);
    assert!(wall.screen(at(54)).over.is_some(), "there is time to read it");
    pass(&mut wall, &team, FINE, 55, 130);
    assert!(wall.screen(at(129)).over.is_none());
}

#[test]
fn what_is_down_holds_the_first_page_until_it_is_well_again() {
    let mut team = (*team(3)).clone();
    for metric in &mut team.services[1].metrics {
        metric.weight = andon::model::Weight::Critical;
    }
    let team = Arc::new(team);
    let mut wall = hanging(&team, SIZES[0], BAD);
    assert_eq!(shown(&wall, at(0)).lamp.word.as_str(), "down");
    for until in [60, 600, 3_600] {
        pass(&mut wall, &team, BAD, until - 60, until);
        let said = page(&wall, at(until));
        assert_eq!(said, "overview · stays while something is down", "{until} s");
    }
    // By hand there is nothing to turn to either.
    wall.update(at(3_600), Message::Key(Key::parse("l").unwrap()));
    assert!(page(&wall, at(3_600)).starts_with("overview · stays"));
    pass(&mut wall, &team, FINE, 3_600, 3_620);
    assert!(page(&wall, at(3_620)).starts_with("overview 1/"), "a whole turn for the good news");
    pass(&mut wall, &team, FINE, 3_620, 3_640);
    assert!(page(&wall, at(3_640)).starts_with("numbers"));
}

#[test]
fn silence_is_said_in_big_letters_with_its_age_and_is_never_green() {
    let team = team(3);
    for size in SIZES {
        let mut wall = hanging(&team, size, FINE);
        assert_eq!(shown(&wall, at(0)).lamp.word.as_str(), "ok");
        assert_eq!(shown(&wall, at(0)).old, None);
        // Nobody answers any more; only the clock rings.
        let mut said_after = None;
        for second in 1..3_600 {
            let now = at(second);
            if wall.wake().is_some_and(|wake| wake <= now) {
                wall.update(now, Message::Clock);
                wall.settle(now);
            }
            let shown = shown(&wall, now);
            if shown.old.is_some() {
                said_after = said_after.or(Some(second));
                assert_ne!(shown.lamp.word.as_str(), "ok", "{second} s");
                let said = shown.lamp.lines.iter().flat_map(|line| &line.0);
                let Panel::Plates(plates) = &shown.main else { panic!("no services") };
                let tones = said.map(|s| s.tone).chain(plates.all.iter().map(|p| p.tone));
                assert_eq!(tones.filter(|tone| *tone == Tone::Ok).count(), 0, "{second} s");
            }
        }
        // Two intervals, and the step to the next moment at which anything is looked at.
        assert!(said_after.is_some_and(|s| s <= 45), "{said_after:?}");
        let shown = shown(&wall, at(3_600));
        assert_eq!(shown.old.unwrap().as_str(), "data 59 min old");
        assert_eq!(shown.lamp.word.as_str(), "unknown");
        let pages = page(&wall, at(3_600));
        assert_eq!(pages, "overview · stays while the data are old");
        let counts = &shown.lamp.lines[0];
        assert_eq!(counts.text(), "3 unknown");
    }
}

#[test]
fn where_nobody_ever_answered_the_wall_says_that_it_knows_nothing() {
    let team = team(3);
    let setup = Setup { wall: Some(Turns::default()), ..Setup::new(team, SIZES[1], moment()) };
    let mut wall = Cockpit::new(setup);
    let freshness = Freshness { kind: "prometheus", ..Freshness::default() };
    let mut hear = |status: Status, outcome: Result<Report, Trouble>| {
        let freshness = Freshness { status, ..freshness.clone() };
        let heard = Heard { source: Name::new("prom"), at: at(1), outcome, freshness };
        wall.update(at(1), Message::Heard(Box::new(heard)));
        wall.settle(at(1));
        shown(&wall, at(1))
    };
    let waits = hear(Status::Unknown, Err(Trouble::new(Status::Unknown, "not asked yet")));
    assert_eq!(waits.old, None, "who was not asked yet is waited for");
    let trouble = Trouble::new(Status::Unreachable, "connection refused");
    let shown = hear(Status::Unreachable, Err(trouble));
    assert_eq!(shown.old.unwrap().as_str(), "no data");
    assert_eq!(shown.title.text(), "overview · stays while there are no data");
    assert_eq!(shown.lamp.word.as_str(), "unknown");
}

#[test]
fn an_alert_that_should_always_arrive_and_does_not_is_said_in_big_letters() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[1], FINE);
    let Message::Heard(mut heard) = told_by("am", "alertmanager", at(700), Vec::new()) else {
        panic!("no answer")
    };
    heard.freshness.expected = vec![Expected {
        name: "watchdog".into(),
        labels: "alertname=Watchdog".into(),
        missing_since: Some(at(0)),
    }];
    wall.update(at(700), estate::heard(at(700), told(&team, FINE, at(700))));
    wall.update(at(700), Message::Heard(heard));
    wall.settle(at(700));
    let shown = shown(&wall, at(700));
    assert_eq!(shown.old.unwrap().as_str(), "watchdog missing 11 min");
    assert_ne!(shown.lamp.word.as_str(), "ok");
}

#[test]
fn it_wakes_for_its_minutes_and_its_turns_and_for_nothing_else() {
    let team = team(3);
    let mut few = 0;
    let mut wall = hanging(&team, SIZES[0], FINE);
    let mut now = moment();
    while now < at(3_600) {
        let wake = wall.wake().unwrap();
        assert!(wake > now, "it does not spin");
        now = wake;
        // Polls keep it fresh, and move no minute.
        wall.update(now, heard(now, told(&team, FINE, now)));
        wall.update(now, Message::Clock);
        few += 1;
    }
    assert!((60..=60 + 180).contains(&few), "{few} in an hour");
}

#[test]
fn an_answer_that_says_the_same_writes_nothing() {
    let team = team(12);
    for size in SIZES {
        let mut wall = hanging(&team, size, FINE);
        let theme = Theme::new(Skin::Terminal, Depth::True, false);
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        let mut encoder = Encoder::new(Depth::True);
        for second in 0..19 {
            wall.update(at(second), heard(at(second), told(&team, FINE, at(second))));
            wall.settle(at(second));
            paint(&wall.screen(at(second)), &theme, &mut buffer);
            let mut bytes = Vec::new();
            encoder.frame(&buffer, &mut bytes);
            assert!(second == 0 || bytes.is_empty(), "{second} s at {size:?}");
        }
    }
}

#[test]
fn at_most_seven_services_and_the_others_are_counted() {
    let team = team(19);
    let wall = hanging(&team, SIZES[2], FINE);
    let Panel::Plates(plates) = shown(&wall, at(0)).main else { panic!("no services") };
    assert_eq!(plates.all.len(), 7);
    assert_eq!(plates.rest.text(), "and 12 more, all ok");
}

#[test]
fn the_way_out_is_open_and_other_keys_do_nothing() {
    let team = team(3);
    let mut wall = hanging(&team, SIZES[0], FINE);
    for key in ["j", "enter", "/", ":", "x", "t", "1", "p", "space", "esc"] {
        let effects = wall.update(at(1), Message::Key(Key::parse(key).unwrap()));
        assert_eq!(effects, [], "{key}");
        assert_eq!(page(&wall, at(1)), "overview 1/3", "{key}");
    }
    wall.update(at(1), Message::Key(Key::parse("l").unwrap()));
    assert_eq!(page(&wall, at(1)), "numbers 2/3");
    wall.update(at(1), Message::Key(Key::parse("h").unwrap()));
    assert_eq!(page(&wall, at(1)), "overview 1/3");
    for key in ["q", "ctrl-c"] {
        let effects = wall.update(at(1), Message::Key(Key::parse(key).unwrap()));
        assert_eq!(effects, [Effect::Quit], "{key}");
    }
}

#[test]
fn ascii_terminals_read_the_same_words() {
    let team = team(9);
    for size in SIZES {
        for value in [FINE, BAD] {
            let wall = hanging(&team, size, value);
            assert!(seen(&wall, at(0), true).is_ascii(), "{size:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_size_and_no_number_breaks_it(
        width in 0_u16..320,
        height in 0_u16..110,
        value in prop_oneof![Just(FINE), Just(BAD), Just(f64::NAN), Just(1e300), Just(-0.0)],
        services in 0_usize..30,
        page in 0_usize..6,
        silent in 0_i64..4_000,
    ) {
        let team = team(services);
        let mut wall = hanging(&team, Size { width, height }, value);
        for _ in 0..page {
            wall.update(at(1), Message::Key(Key::parse("l").unwrap()));
        }
        wall.update(at(silent), Message::Clock);
        wall.settle(at(silent));
        let lines = seen(&wall, at(silent), false);
        prop_assert!(lines.lines().count() == usize::from(height));
    }
}

/// A day in the life of a team: polls, deploys, alerts and incidents that come and go, an upstream that is away for
/// an hour, and a terminal that is resized now and then.
fn a_day(wall: &mut Cockpit, team: &Team, day: i64) {
    let name = |word: &str| Name::new(word);
    let size = |minute: i64| SIZES[usize::try_from(minute / 360).unwrap() % SIZES.len()];
    for minute in 0..1_440 {
        let now = at((day * 1_440 + minute) * 60);
        let number = day * 1_440 + minute;
        if (600..660).contains(&minute) {
            let trouble = Trouble::new(Status::Unreachable, "connection refused");
            let freshness = Freshness { kind: "prometheus", ..Freshness::default() };
            let heard = Heard { source: name("prom"), at: now, outcome: Err(trouble), freshness };
            wall.update(now, Message::Heard(Box::new(heard)));
        } else {
            let value = if minute % 97 < 5 { BAD } else { FINE };
            wall.update(now, heard(now, told(team, value, now)));
        }
        // An alert and an incident of this hour; the ones before are over.
        let hour = number / 60;
        wall.update(now, told_by("am", "alertmanager", now, vec![Fact::Alert(alert(hour, now))]));
        wall.update(
            now,
            told_by("am", "alertmanager", now, vec![Fact::Silence(silence(hour, now))]),
        );
        // Names that come and go: a number, an objective and a change of this hour.
        let id = MetricId { service: None, metric: Name::new(&format!("orders-{hour}")) };
        let reading = Fact::Sample { id, at: now, measure: Measure::Number(1.0), note: None };
        let passing = vec![reading, Fact::Objective(objective(hour, now, 1.0))];
        wall.update(now, told_by("prom-2", "prometheus", now, passing));
        let ended = (minute % 60 > 30).then_some(now);
        let incident = incident(hour, now, ended);
        let entry = Fact::LogEntry(noted(hour, now));
        wall.update(now, told_by("pd", "pagerduty", now, vec![Fact::Incident(incident), entry]));
        wall.update(now, told_by("flags", "json", now, vec![Fact::Change(change(hour, now))]));
        if minute % 30 == 0 {
            let deploy = deploy(number / 30, now);
            wall.update(now, told_by("hub", "github", now, vec![Fact::Deploy(deploy)]));
            wall.update(now, Message::Resized(size(minute)));
        }
        wall.update(now, Message::Clock);
        wall.settle(now);
        if minute % 20 == 0 {
            let _ = seen(wall, now, false);
        }
    }
}

fn told_by(source: &str, kind: &'static str, at: Timestamp, facts: Vec<Fact>) -> Message {
    let freshness = Freshness {
        kind,
        every: SignedDuration::from_secs(60),
        last_ok: Some(at),
        last_try: Some(at),
        ..Freshness::default()
    };
    // Alerts are listed completely: those that are not there any more are gone.
    let complete = if kind == "alertmanager" { vec![Feed::Alerts] } else { Vec::new() };
    let outcome = Ok(Report { facts, complete, ..Report::default() });
    Message::Heard(Box::new(Heard { source: Name::new(source), at, outcome, freshness }))
}

fn silence(hour: i64, now: Timestamp) -> Silence {
    Silence {
        key: Identity::new(&Name::new("am"), format!("s{hour}")),
        state: SilenceState::Active,
        starts: Some(now),
        ends: None,
        by: "ada".into(),
        comment: "known".into(),
        matchers: vec![Clean::line(format_args!("alertname=HighErrorRate {hour}"))],
    }
}

fn noted(hour: i64, now: Timestamp) -> LogEntry {
    LogEntry {
        key: Identity::new(&Name::new("pd"), format!("n{hour}")),
        incident: Identity::new(&Name::new("pd"), hour.to_string()),
        at: now,
        who: "ada".into(),
        kind: LogKind::Acknowledged,
        text: Clean::default(),
    }
}

fn change(hour: i64, now: Timestamp) -> Change {
    Change {
        key: Identity::new(&Name::new("flags"), hour.to_string()),
        summary: Clean::line(format_args!("basket-{hour} on")),
        origin: "flags".into(),
        who: "ada".into(),
        at: Some(now),
        until: None,
        service_ids: Vec::new(),
        service_names: vec!["service-00001".into()],
        url: None,
    }
}

fn alert(hour: i64, now: Timestamp) -> Alert {
    Alert {
        key: Identity::new(&Name::new("am"), hour.to_string()),
        name: Clean::line(format_args!("HighErrorRate {hour}")),
        labels: [("service".into(), "service-00001".into())].into(),
        summary: "many errors".into(),
        description: Clean::default(),
        state: AlertState::Firing,
        suppressed: Vec::new(),
        severity: Some(Severity(3)),
        started: Some(now),
        receivers: Vec::new(),
        url: None,
        runbook: None,
    }
}

fn incident(hour: i64, now: Timestamp, resolved: Option<Timestamp>) -> Incident {
    let open = IncidentStatus::Open;
    Incident {
        key: Identity::new(&Name::new("pd"), hour.to_string()),
        reference: Clean::line(format_args!("#{hour}")),
        title: "Baskets are lost".into(),
        service_id: "P1".into(),
        service_name: "service-00001".into(),
        status: if resolved.is_some() { IncidentStatus::Resolved } else { open },
        severity: Some(Severity(3)),
        priority: Clean::default(),
        started: Some(now),
        acked: None,
        mitigated: None,
        resolved,
        who: vec!["ada".into()],
        policy: Clean::default(),
        url: None,
    }
}

fn deploy(number: i64, now: Timestamp) -> Deploy {
    Deploy {
        key: Identity::new(&Name::new("hub"), number.to_string()),
        repo: "team/service-00001".into(),
        app: Clean::default(),
        environment: "production".into(),
        version: Clean::line(format_args!("v{number}")),
        sha: Clean::default(),
        started: Some(now),
        finished: Some(now),
        outcome: Outcome::Succeeded,
        who: "ada".into(),
        description: Clean::default(),
        committed: None,
        url: None,
    }
}

#[test]
fn weeks_of_polls_leave_the_memory_as_it_was() {
    let team = team(3);
    let kept = SignedDuration::from_hours(24);
    let turns = Some(Turns::default());
    let setup = Setup { wall: turns, kept, ..Setup::new(team.clone(), SIZES[0], moment()) };
    let mut wall = Cockpit::new(setup);
    // By then every history is as long as it gets.
    for day in 0..2 {
        a_day(&mut wall, &team, day);
    }
    let held = |wall: &Cockpit| {
        let board = wall.board();
        let records = [board.deploys.len(), board.alerts.len(), board.incidents.len()];
        let others = [board.silences.len(), board.changes.len(), board.log.len()];
        (records, others, board.objectives.len(), board.tracks.len(), board.baselines.len())
    };
    let before = held(&wall);
    let grown = measure(|| a_day(&mut wall, &team, 2));
    assert_eq!(held(&wall), before);
    // What one day leaves behind is what one day takes away: a map may keep a node more or less.
    assert!(grown.bytes_current.abs() < 16_384, "{} bytes in a day", grown.bytes_current);
}

#[test]
fn without_colour_what_only_a_probe_told_a_while_ago_differs_from_what_it_tells_now() {
    let name = SourceName::new("probe web 1");
    let team = Team {
        services: vec![Service { name: Name::new("web"), ..Service::default() }],
        ..Team::default()
    };
    let probe =
        Probe { service: Name::new("web"), target: Clean::from("http://web/"), means: "http" };
    let result = ProbeResult {
        probe,
        weight: Weight::Critical,
        at: at(0),
        health: Health::Ok,
        words: Clean::default(),
        latency: None,
        expires: None,
    };
    let mut board = Board::default();
    let every = SignedDuration::from_secs(15);
    let last = Some(at(0));
    let fresh =
        Freshness { kind: "probe", every, last_ok: last, last_try: last, ..Freshness::default() };
    board.sources.insert(name.clone(), fresh);
    board.fold(&name, at(0), Report { facts: vec![Fact::Probe(result)], ..Report::default() });
    let said = |seconds| {
        let setup = Setup {
            board: board.clone(),
            wall: Some(Turns::default()),
            ..Setup::new(Arc::new(team.clone()), SIZES[1], at(seconds))
        };
        seen(&Cockpit::new(setup), at(seconds), false)
    };
    assert!(!said(1).contains(" old"), "{}", said(1));
    let old = said(120);
    assert!(old.lines().any(|line| line.trim() == "2 m old"), "{old}");
}
