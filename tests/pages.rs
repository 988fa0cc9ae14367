//! What every tab says of the fixture team, as plain text; and that no size, no board and no hostile word breaks a page.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "common/fixture.rs"]
mod fixture;

use std::sync::Arc;

use andon::cockpit::{self, Cockpit, Message, Setup};
use andon::insight::{Unsaid, survey};
use andon::model::{
    Board, Fact, Freshness, Health, Key, Measure, MetricId, Name, Outcome, PARTLY, Report, Role,
    SourceName, Status, Window,
};
use andon::page::{Noun, Scene, Size, TABS, Tab};
use andon::print;
use fixture::{World, look, service, world};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn tab(name: &str) -> &'static Tab {
    TABS.iter().find(|t| t.name == name).unwrap()
}

fn listed(world: &World, name: &str, facet: usize, size: (u16, u16)) -> String {
    world.with(size.0, size.1, |scene| {
        let tab = tab(name);
        print::plain(&(tab.compose)(scene, &look(scene, tab, facet)), usize::from(size.0))
    })
}

/// The page of the row whose key holds `part`.
fn opened(world: &World, name: &str, facet: usize, part: &str, width: u16) -> String {
    world.with(width, 50, |scene| {
        let tab = tab(name);
        let look = look(scene, tab, facet);
        let key = look.order.iter().find(|k| k.contains(part)).expect("the row is listed");
        print::plain(&(tab.detail)(scene, &look, key).unwrap(), usize::from(width))
    })
}

#[test]
fn tabs_stand_in_the_order_of_their_number_keys() {
    let names: Vec<&str> = TABS.iter().map(|t| t.name).collect();
    assert_eq!(names, ["health", "incidents", "releases", "post-mortems", "sources"]);
}

#[test]
fn health_says_what_is_broken_since_when_and_what_changed_before() {
    let world = world();
    insta::assert_snapshot!("health_160", listed(&world, "health", 0, (160, 45)));
    insta::assert_snapshot!("health_80", listed(&world, "health", 0, (80, 24)));
    insta::assert_snapshot!("health_60", listed(&world, "health", 0, (60, 15)));
    insta::assert_snapshot!("health_30", listed(&world, "health", 0, (30, 5)));
}

#[test]
fn a_service_page_holds_everything_of_it() {
    insta::assert_snapshot!("service_checkout", opened(&world(), "health", 0, "checkout", 120));
    insta::assert_snapshot!("service_db", opened(&world(), "health", 0, "db", 120));
}

/// An answer of which some data was missing is said where it is judged by and where the number stands.
#[test]
fn a_number_that_rests_on_a_part_of_its_data_says_so() {
    let mut world = world();
    assert!(!listed(&world, "health", 0, (160, 45)).contains("partial"));
    let judged = |service: &str| {
        let service = world.team.service(&andon::model::Name::new(service)).unwrap();
        service.metrics.iter().find(|m| m.good.is_some()).unwrap().id.clone()
    };
    let (id, at) = (judged("db"), world.now);
    let measure = Measure::Number(0.0);
    let note = Some(andon::model::Clean::line(format!("2 of 3 targets up; {PARTLY}")));
    let report =
        Report { facts: vec![Fact::Sample { id, at, measure, note }], ..Report::default() };
    world.board.fold(&SourceName::new("prom"), at, report);
    let list = listed(&world, "health", 0, (160, 45));
    let row = list.lines().find(|line| line.contains(" db ")).unwrap();
    assert!(row.contains("partial"), "{list}");
    let page = opened(&world, "health", 0, "db", 120);
    assert!(page.contains("ok · partial data"), "{page}");
    let about = world.with(120, 50, |scene| {
        let look = look(scene, tab("health"), 0);
        let key = look.order.iter().find(|k| k.contains("db")).unwrap();
        let blocks = (tab("health").detail)(scene, &look, key).unwrap();
        let series = blocks.into_iter().filter_map(|block| match block.noun {
            Noun::Chart(chart) => Some(chart.series),
            _ => None,
        });
        series.flatten().map(|one| one.about.to_string()).collect::<Vec<_>>().join("\n")
    });
    assert!(about.contains(" · 2 of 3 targets up; not all data was there"), "{about}");
}

#[test]
fn incidents_say_who_has_it_and_why_some_are_quiet() {
    let world = world();
    insta::assert_snapshot!("incidents_120", listed(&world, "incidents", 0, (120, 40)));
    insta::assert_snapshot!("incidents_60", listed(&world, "incidents", 0, (60, 15)));
    insta::assert_snapshot!("incident", opened(&world, "incidents", 0, "Q1234", 120));
    insta::assert_snapshot!("alerts", opened(&world, "incidents", 0, "CertificateExpires", 120));
    insta::assert_snapshot!("rule", opened(&world, "incidents", 0, "SearchLag", 120));
}

#[test]
fn releases_show_a_month_an_agenda_a_log_and_versions() {
    let world = world();
    insta::assert_snapshot!("releases_month", listed(&world, "releases", 0, (120, 40)));
    insta::assert_snapshot!("releases_week", listed(&world, "releases", 1, (120, 40)));
    insta::assert_snapshot!("releases_week_80", listed(&world, "releases", 1, (80, 24)));
    insta::assert_snapshot!("releases_agenda", listed(&world, "releases", 2, (120, 40)));
    insta::assert_snapshot!("releases_deploys", listed(&world, "releases", 3, (120, 20)));
    insta::assert_snapshot!("releases_environments", listed(&world, "releases", 4, (120, 40)));
    insta::assert_snapshot!("deploy", opened(&world, "releases", 3, "checkout-412", 120));
    insta::assert_snapshot!("event", opened(&world, "releases", 2, "rash", 120));
}

#[test]
fn the_next_release_is_gone_to_in_the_week_too_and_the_week_goes_along() {
    let World { board, team, now } = world();
    let size = Size { width: 120, height: 40 };
    let mut open = Cockpit::new(Setup { board, ..Setup::new(Arc::new(team), size, now) });
    let mut stands = |keys: &str| {
        for key in keys.split_whitespace() {
            open.update(now, Message::Key(cockpit::Key::parse(key).unwrap()));
            open.settle(now);
        }
        let weeks = open.screen(now).blocks.into_iter().find_map(|block| match block.noun {
            Noun::Calendar(calendar) => Some(calendar),
            _ => None,
        });
        let calendar = weeks.expect("the week is shown");
        let days: Vec<_> = calendar.weeks.into_iter().flatten().collect();
        let day = days.iter().find(|day| day.selected).map(|day| day.date.to_string());
        (calendar.title.to_string(), days.len(), day.unwrap())
    };
    for (keys, week, day) in [
        ("3 v", "Week 47", "2026-11-20"),
        ("n", "Week 47", "2026-11-21"),
        ("n", "Week 48", "2026-11-24"),
        ("n", "Week 50", "2026-12-08"),
        ("< n", "Week 47", "2026-11-21"),
    ] {
        let (title, days, at) = stands(keys);
        assert_eq!((title.split(" ·").next(), days, &*at), (Some(week), 7, day), "{keys}");
    }
}

#[test]
fn post_mortems_say_how_complete_they_are() {
    let world = world();
    insta::assert_snapshot!("post_mortems", listed(&world, "post-mortems", 0, (120, 40)));
    insta::assert_snapshot!("post_mortem", opened(&world, "post-mortems", 0, "2026-09-02", 120));
}

#[test]
fn sources_are_honest_about_themselves() {
    let world = world();
    insta::assert_snapshot!("sources", listed(&world, "sources", 0, (120, 40)));
    insta::assert_snapshot!("source", opened(&world, "sources", 0, "reviews", 120));
}

#[test]
fn every_tab_prints_as_json_and_markdown() {
    let world = world();
    world.with(120, 40, |scene| {
        let health = print::json(scene, "health", None);
        assert_eq!(health["services"][1]["name"], "checkout");
        assert_eq!(health["services"][1]["health"], "down");
        assert_eq!(health["services"][1]["changes"][0]["finished_s_before"], 420);
        assert_eq!(health["services"][5]["metrics"][0]["value"], serde_json::Value::Null);
        assert_eq!(health["services"][5]["metrics"][0]["reading"], "no-data");
        assert_eq!(health["sources"][0]["name"], "am");
        let incidents = print::json(scene, "incidents", None);
        assert_eq!(incidents["incidents"].as_array().unwrap().len(), 3);
        let last_week = Window { from: fixture::ago(7 * 24 * 60), until: scene.now };
        let incidents = print::json(scene, "incidents", Some(last_week));
        assert_eq!(incidents["incidents"].as_array().unwrap().len(), 2);
        assert_eq!(incidents["incidents"][1]["changes"][0]["service"], "checkout");
        let releases = print::json(scene, "releases", None);
        assert_eq!(releases["environments"][2]["drift"], true);
        insta::assert_snapshot!("health_json", format!("{health:#}"));
        insta::assert_snapshot!("releases_json", format!("{releases:#}"));
        let whole = print::whole(scene, tab("health"), 0);
        insta::assert_snapshot!("health_markdown", print::markdown(&whole));
        insta::assert_snapshot!(
            "incidents_csv",
            print::csv(&print::whole(scene, tab("incidents"), 0))
        );
    });
}

/// Every function of every tab, at one size.
fn walk(scene: &Scene<'_>) {
    for tab in TABS {
        (tab.badge)(scene);
        for facet in 0..tab.facets.len().max(1) {
            let mut look = look(scene, tab, facet);
            let blocks = (tab.compose)(scene, &look);
            for block in &blocks {
                if let Noun::Table(table) = &block.noun {
                    assert!(
                        table.rows.iter().all(|r| r.cells.len() == table.columns.len()),
                        "{}",
                        tab.name
                    );
                    assert!(table.rows.len() <= scene.frame.list_rows(), "{}", tab.name);
                }
            }
            print::plain(&blocks, usize::from(scene.frame.size.width));
            print::markdown(&blocks);
            print::csv(&blocks);
            look.scroll = 7;
            for key in look.order.iter().take(8) {
                let blocks = (tab.detail)(scene, &look, key).expect("a listed row opens");
                print::plain(&blocks, usize::from(scene.frame.size.width));
                print::markdown(&blocks);
                (tab.link)(scene, key);
                (tab.id)(scene, key);
            }
            for odd in ["", "\0", "service\0nobody", "incident\0x", "event\0\0\0"] {
                assert!((tab.detail)(scene, &look, &odd.into()).is_none(), "{} {odd:?}", tab.name);
                (tab.link)(scene, &odd.into());
                (tab.id)(scene, &odd.into());
            }
        }
        print::json(scene, tab.name, None);
    }
}

#[test]
fn every_page_can_be_made_at_every_size() {
    let world = world();
    for (width, height) in [
        (0, 0),
        (1, 1),
        (29, 4),
        (30, 5),
        (60, 15),
        (80, 24),
        (120, 40),
        (200, 60),
        (u16::MAX, u16::MAX),
    ] {
        world.with(width, height, walk);
    }
    let always = Window { from: Timestamp::MIN, until: Timestamp::MAX };
    world.with(80, 24, |scene| {
        for tab in TABS {
            print::json(scene, tab.name, Some(always));
        }
    });
}

#[test]
fn an_empty_board_says_what_to_do_next() {
    let mut world = World { board: Board::default(), ..world() };
    world.with(120, 40, walk);
    insta::assert_snapshot!("empty_incidents", listed(&world, "incidents", 0, (80, 24)));
    insta::assert_snapshot!("empty_sources", listed(&world, "sources", 0, (80, 24)));
    world.team.services.clear();
    world.with(120, 40, walk);
    insta::assert_snapshot!("empty_health", listed(&world, "health", 0, (80, 24)));
    assert_eq!(world.survey().verdict.worst, Health::Unknown);
}

#[test]
fn loading_failing_and_quiet_are_three_different_pages() {
    let mut world = World { board: Board::default(), ..world() };
    let freshness = Freshness { kind: "alertmanager", ..Freshness::default() };
    world.board.sources.insert(Name::new("am"), freshness.clone());
    insta::assert_snapshot!("incidents_loading", listed(&world, "incidents", 0, (80, 24)));
    let failing = Freshness {
        status: Status::Unreachable,
        message: "connection refused".into(),
        last_try: Some(world.now),
        last_ok: Some(fixture::ago(180)),
        ..freshness.clone()
    };
    world.board.sources.insert(Name::new("am"), failing);
    insta::assert_snapshot!("incidents_failing", listed(&world, "incidents", 0, (80, 24)));
    let quiet = Freshness { status: Status::Ok, last_ok: Some(world.now), ..freshness };
    world.board.sources.insert(Name::new("am"), quiet);
    insta::assert_snapshot!("incidents_quiet", listed(&world, "incidents", 0, (80, 24)));
}

#[test]
fn what_is_stale_or_unknown_is_never_ok() {
    let mut world = world();
    for (age, stale) in [(12, false), (130, true), (400, true)] {
        for freshness in world.board.sources.values_mut() {
            freshness.last_ok = Some(world.now - SignedDuration::from_secs(age));
        }
        let survey = world.survey();
        let db = survey.service(&Name::new("db")).unwrap();
        assert_eq!(db.overlays.stale, stale, "{age}");
        assert_eq!(db.health == Health::Ok, age < 300, "{age}: {:?}", db.reason);
    }
}

#[test]
fn time_alone_changes_the_survey_no_earlier_than_it_says() {
    let world = world();
    let first = world.survey();
    let until = first.valid_until.unwrap();
    assert!(until > world.now);
    let just_before = survey(&world.board, &world.team, until - SignedDuration::from_secs(1));
    let states = |s: &andon::insight::Survey| {
        s.services.iter().map(|s| (s.health, s.overlays)).collect::<Vec<_>>()
    };
    assert_eq!(states(&first), states(&just_before));
}

#[test]
fn no_change_is_said_only_when_every_change_source_is_fresh() {
    let mut world = world();
    let trouble = |world: &World| world.survey().service(&Name::new("checkout")).unwrap().clone();
    world.board.deploys = andon::model::Records::default();
    world.board.changes = andon::model::Records::default();
    world.board.calendars.clear();
    let state = trouble(&world);
    assert_eq!((state.changes.len(), state.changes_known, state.looked.told), (0, true, 2));
    let page = listed(&world, "health", 0, (300, 45));
    assert!(page.contains("no change in 6 h on it or its 2 upstreams"), "{page}");
    if let Some(gh) = world.board.sources.get_mut(&Name::new("gh")) {
        gh.last_ok = Some(fixture::ago(60));
    }
    let state = trouble(&world);
    assert_eq!(state.looked.unsaid, Some(Unsaid::Silent(Name::new("gh"))));
    assert!(!state.changes_known);
    let page = listed(&world, "health", 0, (300, 45));
    assert!(page.contains("changes unknown: gh is not fresh"), "{page}");
    assert!(!page.contains("no change"), "{page}");
}

#[test]
fn a_selection_is_always_among_the_rows_that_are_made() {
    let mut world = world();
    world.team.services = (0..300).map(|i| service(&format!("s{i:03}"), &[], Vec::new())).collect();
    world.with(80, 24, |scene| {
        let tab = tab("health");
        let mut look = look(scene, tab, 0);
        look.selected = look.order.get(250).cloned();
        let blocks = (tab.compose)(scene, &look);
        let made = blocks.iter().find_map(|b| match &b.noun {
            Noun::Table(t) => Some(t),
            _ => None,
        });
        let table = made.unwrap();
        assert!(table.rows.len() < 24);
        assert!(table.rows.iter().any(|r| r.selected));
    });
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let services = prop_oneof![Just("web"), Just("checkout"), Just("db"), Just("nobody")];
    let at = prop_oneof![
        (0_i64..600).prop_map(fixture::ago),
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
    ];
    let sample = (services.clone(), at.clone(), any::<f64>()).prop_map(|(s, at, v)| Fact::Sample {
        id: MetricId { service: Some(Name::new(s)), metric: Name::new("p95") },
        at,
        measure: Measure::of(v),
        note: None,
    });
    let alert = (services.clone(), 0_u8..7, at.clone(), "\\PC{0,12}").prop_map(|(s, n, at, t)| {
        let mut alert = fixture::alert(&t, s, n, 1);
        alert.started = Some(at);
        Fact::Alert(alert)
    });
    let deploy = (services, at.clone(), at, any::<bool>()).prop_map(|(s, from, until, done)| {
        let outcome = if done { Outcome::Succeeded } else { Outcome::Running };
        let mut deploy = fixture::deploy(s, 1, 1, outcome);
        deploy.started = Some(from);
        deploy.finished = done.then_some(until);
        Fact::Deploy(deploy)
    });
    prop_oneof![sample, alert, deploy]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn no_board_and_no_moment_breaks_anything(
        facts in proptest::collection::vec(any_fact(), 0..24),
        moment in prop_oneof![Just(fixture::now()), Just(Timestamp::MIN), Just(Timestamp::MAX)],
        age in 0_i64..1_000,
    ) {
        let mut world = world();
        world.now = moment;
        let report = Report { facts, ..Report::default() };
        world.board.fold(&SourceName::new("prom"), fixture::now(), report);
        if let Some(prom) = world.board.sources.get_mut(&Name::new("prom")) {
            prom.last_ok = Some(fixture::now() - SignedDuration::from_secs(age));
        }
        world.with(80, 24, walk);
        let survey = world.survey();
        let verdict = &survey.verdict;
        // What is planned is counted apart.
        let planned = |s: &&andon::insight::ServiceState| {
            s.overlays.maintenance && s.because.is_none()
        };
        let not_ok = survey.services.iter().filter(|s| s.health != Health::Ok && !planned(s)).count();
        prop_assert_eq!(verdict.down + verdict.degraded + verdict.unknown + verdict.folded, not_ok);
    }
}

/// Not a measurement: it only shows that the work does not grow with services × alerts.
#[test]
fn a_thousand_services_with_thousands_of_facts_are_surveyed() {
    let mut world = world();
    let named = |i: usize| format!("s{i:04}");
    world.team.services = (0..1000)
        .map(|i| {
            let metrics =
                vec![fixture::metric(&named(i), "p95", Role::Latency, "s", "< 0.3", "> 1")];
            service(&named(i), &["s0000"], metrics)
        })
        .collect();
    let alerts = (0..5000).map(|i| {
        let mut alert = fixture::alert("Slow", &named(i % 1000), 3, 5);
        alert.key = Key::new(&Name::new("am"), i.to_string());
        Fact::Alert(alert)
    });
    let report = Report { facts: alerts.collect(), ..Report::default() };
    world.board.fold(&SourceName::new("am"), world.now, report);
    let begun = std::time::Instant::now();
    let survey = world.survey();
    let took = begun.elapsed();
    println!("survey of 1,000 services and 5,000 alerts: {took:?}");
    assert_eq!(survey.services.len(), 1000);
    assert_eq!(survey.services[7].alerts.len(), 5);
    let begun = std::time::Instant::now();
    world.with(200, 60, |scene| {
        let tab = tab("health");
        let look = look(scene, tab, 0);
        println!("entries: {:?}", begun.elapsed());
        let begun = std::time::Instant::now();
        assert!(!(tab.compose)(scene, &look).is_empty());
        println!("compose: {:?}", begun.elapsed());
    });
}

#[test]
fn a_number_its_store_leaves_out_has_an_age_of_its_own() {
    let mut world = world();
    let id = MetricId { service: Some(Name::new("db")), metric: Name::new("cpu") };
    world.now += SignedDuration::from_secs(150);
    // The store answered just now, but has not told this number for a while.
    world.board.sources.get_mut(&Name::new("prom")).unwrap().last_ok = Some(world.now);
    let (age, staleness) = world.board.age_of(&id, world.now).unwrap();
    assert!(age.as_secs() >= 150, "{age}");
    assert_eq!(staleness, andon::model::Staleness::Stale);
}

#[test]
fn a_group_is_said_with_its_count_and_its_members_stand_under_it() {
    let mut world = world();
    let group = andon::model::Service {
        name: Name::new("shop"),
        members: ["web", "checkout", "mail"].map(Name::new).to_vec(),
        ..andon::model::Service::default()
    };
    world.team.services.insert(0, group);
    let survey = world.survey();
    let state = |name: &str| survey.service(&Name::new(name)).unwrap();
    let shop = state("shop");
    assert_eq!(shop.health, Health::Degraded);
    let reason = shop.reason.as_str();
    assert!(reason.contains(" of 3 ") && reason.contains("checkout"), "{reason}");
    // What its members' outage has outside is not theirs.
    let folded = survey.services.iter().filter(|s| s.because.is_some()).count();
    assert_eq!(survey.verdict.folded, folded);
    assert!(state("mail").because.as_ref().is_none_or(|of| of.as_str() == "shop"));
    // Changes on its members are its own.
    assert!(shop.changes.iter().any(|c| c.what.as_str() == "deploy v412" && c.score > 0.6));
    let page = listed(&world, "health", 0, (200, 45));
    assert!(page.contains(reason.split(';').next().unwrap()), "{page}");
    let json = world.with(120, 40, |scene| print::json(scene, "health", None));
    let members = &json["services"][0]["members"];
    assert_eq!(members.as_array().map(Vec::len), Some(3));
}

#[test]
fn a_report_says_both_uptimes_with_the_time_behind_them() {
    let mut world = world();
    let (web, db) = (Name::new("web"), Name::new("db"));
    let week = 7 * 24 * 60;
    world.board.turns.recall(
        web.clone(),
        vec![
            (fixture::ago(week), Health::Ok),
            (fixture::ago(600), Health::Down),
            (fixture::ago(540), Health::Degraded),
        ],
    );
    world.board.turns.recall(db, vec![(fixture::ago(week / 2), Health::Ok)]);
    let window = Window { from: fixture::ago(week), until: world.now };
    let text = world.with(120, 50, |scene| {
        andon::print::markdown(&andon::page::review::blocks(scene, window, false))
    });
    assert!(text.contains("## Uptime: 2 of 6 services watched"), "{text}");
    let row = |name: &str| text.lines().find(|l| l.starts_with(&format!("| {name} |"))).unwrap();
    // 60 of 10,080 minutes.
    assert!(row("web").contains("99.40 %, 1 h down of 7 d"), "{}", row("web"));
    assert!(row("db").contains("100.00 %, none down of 3 d"), "{}", row("db"));
    assert!(row("db").ends_with("| 3 d 12 h of 7 d |"), "{}", row("db"));
    assert!(text.find("| web |") < text.find("| db |"), "the worst first");
}
