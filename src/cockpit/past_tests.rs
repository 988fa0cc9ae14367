//! Travel in time as a story: keys move the moment, what was known then stands on the screen, and now is one key away.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::toy::{cockpit, deploy, heard, now, press};
use super::{Cockpit, Effect, Message, Recalled, moment};
use crate::model::{Board, Deploy, Fact, Report, SourceName};
use crate::page::{Foot, Noun, Size};

fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

/// `a` and `b` were deployed two hours and half an hour ago.
fn start() -> Cockpit {
    let then = |id: &str, minutes: i64| Deploy {
        finished: Some(now() - SignedDuration::from_mins(minutes)),
        ..deploy(id, "v", "ada")
    };
    cockpit(Size { width: 100, height: 24 }, vec![then("a", 120), then("b", 30)])
}

/// What was remembered of a moment: `c`, which nobody tells any more.
fn remembered(at: Timestamp, more: bool) -> Message {
    let mut board = Board::default();
    let report =
        Report { facts: vec![Fact::Deploy(deploy("c", "v1", "ada"))], ..Report::default() };
    board.fold(&SourceName::new("toy"), at, report);
    let recalled = Recalled { at, memory: Some(board), heard: Vec::new(), more, oldest: None };
    Message::Recalled(Box::new(recalled))
}

fn rows(cockpit: &Cockpit) -> String {
    let table = cockpit.screen(now()).blocks.into_iter().find_map(|b| match b.noun {
        Noun::Table(table) => Some(table),
        _ => None,
    });
    table.unwrap_or_default().rows.iter().map(|r| &*r.key).collect()
}

fn marks(cockpit: &Cockpit) -> String {
    let head = cockpit.screen(now()).head;
    head.marks.iter().map(crate::page::Line::text).collect::<Vec<_>>().join(" | ")
}

fn bar(cockpit: &Cockpit) -> String {
    match cockpit.screen(now()).foot {
        Foot::Notice(line) => line.text(),
        _ => String::new(),
    }
}

#[test]
fn steps_lead_back_and_forth_and_end_at_now() {
    for (keys, hours) in [
        ("t h", Some(1)),
        ("t h h h", Some(3)),
        ("t h h l", Some(1)),
        ("t k h", Some(24)),
        ("t k j h", Some(1)),
        ("t h l", None),
        ("t h l l", None),
        ("t h esc", None),
        ("t h t", None),
        ("t h enter esc", None),
        (": a t space minus 5 h enter", Some(5)),
        ("t h : a t space minus 5 h enter", Some(5)),
        (": a t space minus 5 h enter : n o w enter", None),
    ] {
        let mut cockpit = start();
        let effects = press(&mut cockpit, keys);
        let recalled: Vec<_> = effects
            .iter()
            .filter_map(|e| match e {
                Effect::Recall(at) => Some(*at),
                _ => None,
            })
            .collect();
        let past = cockpit.past.as_ref().map(|past| past.at);
        assert_eq!(past, hours.map(hours_ago), "{keys}");
        assert!(past.is_none() || recalled.last() == past.as_ref(), "{keys}: {recalled:?}");
    }
}

#[test]
fn the_past_shows_what_had_happened_by_then_and_says_so() {
    let mut cockpit = start();
    press(&mut cockpit, "t h");
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "a", "b was deployed later");
    assert!(marks(&cockpit).contains("recalling"), "{}", marks(&cockpit));
    let screen = cockpit.screen(now());
    assert_eq!(screen.head.banner.as_ref().map(crate::model::Clean::as_str), Some("PAST"));
    assert!(marks(&cockpit).contains("as of Sun 22 Nov 12:35, 1 h ago"), "{}", marks(&cockpit));
    assert!(bar(&cockpit).contains("[hour]"), "{}", bar(&cockpit));
    // Keys of lists and tabs work there too.
    press(&mut cockpit, "enter 2 1 j");
    assert_eq!(rows(&cockpit), "a");
    press(&mut cockpit, "esc");
    assert_eq!(rows(&cockpit), "ab");
    assert!(!marks(&cockpit).contains("as of"));
}

#[test]
fn what_was_remembered_wins_over_what_was_told_since() {
    let mut cockpit = start();
    press(&mut cockpit, "t h");
    cockpit.update(now(), remembered(hours_ago(1), true));
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "c");
    assert!(marks(&cockpit).contains("recalling"));
    cockpit.update(now(), remembered(hours_ago(1), false));
    cockpit.settle(now());
    assert!(!marks(&cockpit).contains("recalling"));
}

#[test]
fn an_answer_to_an_older_wish_is_not_shown() {
    let mut cockpit = start();
    press(&mut cockpit, "t h h");
    cockpit.update(now(), remembered(hours_ago(1), false));
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "a");
    press(&mut cockpit, "esc");
    cockpit.update(now(), remembered(hours_ago(2), false));
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "ab");
}

#[test]
fn the_present_goes_on_behind_the_past() {
    let mut cockpit = start();
    press(&mut cockpit, "t h enter");
    let more = ["a", "b", "c"].map(|id| deploy(id, "v", "x")).to_vec();
    cockpit.update(now(), heard(now(), more));
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "a");
    let asked = press(&mut cockpit, "r");
    assert_eq!(asked, [], "the past is not polled");
    press(&mut cockpit, "esc");
    assert_eq!(rows(&cockpit), "abc");
}

#[test]
fn moments_are_read_as_people_type_them() {
    let zone = TimeZone::get("Europe/London").unwrap();
    let now: Timestamp = "2026-11-22T13:35:00Z".parse().unwrap();
    for (text, expected) in [
        ("-2h", Some("2026-11-22T11:35:00Z")),
        ("-1d", Some("2026-11-21T13:35:00Z")),
        ("03:12", Some("2026-11-22T03:12:00Z")),
        ("14:00", Some("2026-11-21T14:00:00Z")),
        ("2026-07-01", Some("2026-06-30T23:00:00Z")),
        ("2026-11-21 18:00", Some("2026-11-21T18:00:00Z")),
        ("2026-11-21T18:00:00+02:00", Some("2026-11-21T16:00:00Z")),
        ("yesterday", None),
        ("-", None),
        ("25:00", None),
        ("", None),
    ] {
        let expected = expected.map(|t| t.parse::<Timestamp>().unwrap());
        assert_eq!(moment(text, now, &zone), expected, "{text}");
    }
}

#[test]
fn a_wrong_moment_is_told_what_one_looks_like() {
    let mut cockpit = start();
    press(&mut cockpit, ": a t space s o o n enter");
    let Foot::Prompt(prompt) = cockpit.screen(now()).foot else { panic!() };
    assert!(prompt.says.text().contains("-2h"), "{}", prompt.says.text());
}
