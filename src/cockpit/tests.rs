//! The cockpit as a story: a board, keys, and what stands on the screen afterwards.

use proptest::prelude::*;

use super::actions::{ACTIONS, Context};
use super::commands::Ground;
use super::toy::{self, cockpit, deploy, heard, many, now, press};
use super::{Cockpit, Effect, Key, Message, Mouse, Setup, Which};
use crate::model::{
    Board, Clean, Deploy, Fact, Freshness, Milestone, Report, SourceName, Status, Trouble,
};
use crate::page::{Foot, Noun, Screen, Size, Skin, Table};

const SIZE: Size = Size { width: 80, height: 24 };

fn small() -> Cockpit {
    cockpit(
        SIZE,
        vec![deploy("a", "v1", "ada"), deploy("b", "v2", "bob"), deploy("c", "v3", "eve")],
    )
}

fn screen(cockpit: &Cockpit) -> Screen {
    cockpit.screen(now())
}

fn table(cockpit: &Cockpit) -> Table {
    let blocks = screen(cockpit).blocks;
    let table = blocks.into_iter().find_map(|b| match b.noun {
        Noun::Table(table) => Some(table),
        _ => None,
    });
    table.unwrap_or_default()
}

fn selected(cockpit: &Cockpit) -> Option<String> {
    table(cockpit).rows.iter().find(|r| r.selected).map(|r| r.key.to_string())
}

fn rows(cockpit: &Cockpit) -> String {
    table(cockpit).rows.iter().map(|r| &*r.key).collect()
}

fn notice(cockpit: &Cockpit) -> String {
    match screen(cockpit).foot {
        Foot::Notice(line) => line.text(),
        _ => String::new(),
    }
}

fn says(cockpit: &Cockpit) -> String {
    match screen(cockpit).foot {
        Foot::Prompt(prompt) => prompt.says.text(),
        _ => String::new(),
    }
}

#[test]
fn a_first_look_is_one_list_until_all_that_is_remembered_is_read() {
    let of = |deploys: &[Deploy]| {
        let mut board = Board::default();
        let facts = deploys.iter().cloned().map(Fact::Deploy).collect();
        board.fold(&SourceName::new("git"), now(), Report { facts, ..Report::default() });
        board
    };
    let (a, eve) = (deploy("a", "v1", "ada"), deploy("e", "v5", "eve"));
    let team = std::sync::Arc::new(toy::team());
    let board = of(&[a.clone(), eve.clone()]);
    let setup = Setup { tabs: toy::TABS, board, glance: true, ..Setup::new(team, SIZE, now()) };
    let looking = setup.clone();
    let mut cockpit = Cockpit::new(setup);
    let title = |cockpit: &Cockpit| match &screen(cockpit).blocks[0].noun {
        Noun::Empty(empty) => empty.title.to_string(),
        _ => String::new(),
    };
    let badges =
        |cockpit: &Cockpit| screen(cockpit).tabs.iter().map(|t| t.badge).collect::<Vec<_>>();
    assert_eq!(rows(&cockpit), "ae");
    assert_eq!(badges(&cockpit)[0], 1);
    assert!(!cockpit.is_whole());
    for keys in ["enter", "esc 2"] {
        press(&mut cockpit, keys);
        assert_eq!(title(&cockpit), "Reading what is remembered", "{keys}");
    }
    press(&mut cockpit, "1");
    let whole = of(&[a, deploy("b", "v2", "bob"), eve]);
    cockpit.update(now(), Message::Remembered(Box::new(whole.clone())));
    assert!(cockpit.dirty() && cockpit.is_whole());
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "abe");
    press(&mut cockpit, "enter");
    assert_eq!(title(&cockpit), "");
    // What is heard now is not taken back.
    cockpit.update(now(), Message::Remembered(Box::default()));
    press(&mut cockpit, "esc");
    assert_eq!(rows(&cockpit), "abe");
    // Held still, a first look would be taken for all there is.
    let mut cockpit = Cockpit::new(looking);
    press(&mut cockpit, "p");
    cockpit.update(now(), Message::Remembered(Box::new(whole)));
    cockpit.settle(now());
    assert_eq!(rows(&cockpit), "abe");
}

#[test]
fn keys_lead_where_they_should() {
    for (keys, expected) in [
        ("", "a"),
        ("j", "b"),
        ("j j", "c"),
        ("j j j j", "c"),
        ("down k", "a"),
        ("G", "c"),
        ("G g", "a"),
        ("pgdn pgup", "a"),
        ("ctrl-d", "c"),
        ("S", "c"),
        ("j S", "b"),
        ("S g", "c"),
        ("s G", "c"),
        ("/ v2 enter", "b"),
        ("/ eve enter", "c"),
        ("/ eve esc", "c"),
        ("x", "c"),
        ("2 1 j", "b"),
        (": sort space who enter g", "a"),
    ] {
        let mut cockpit = small();
        press(&mut cockpit, keys);
        assert_eq!(selected(&cockpit).as_deref(), Some(expected), "{keys}");
    }
}

#[test]
fn a_refresh_does_not_move_the_selection() {
    let mut cockpit = small();
    press(&mut cockpit, "j");
    let more = vec![
        deploy("0", "v0", "zoe"),
        deploy("a", "v9", "ada"),
        deploy("b", "v2", "bob"),
        deploy("c", "v3", "eve"),
    ];
    cockpit.update(now(), heard(now(), more));
    cockpit.settle(now());
    assert_eq!((selected(&cockpit).as_deref(), rows(&cockpit).as_str()), (Some("b"), "0bca"));
}

#[test]
fn until_somebody_chooses_the_top_row_is_selected() {
    let mut cockpit = small();
    let more = vec![deploy("0", "v0", "zoe"), deploy("a", "v1", "ada")];
    cockpit.update(now(), heard(now(), more.clone()));
    cockpit.settle(now());
    assert_eq!(selected(&cockpit).as_deref(), Some("0"));
    press(&mut cockpit, "j k");
    cockpit.update(now(), heard(now(), vec![deploy("00", "u", "al")]));
    cockpit.settle(now());
    assert_eq!(selected(&cockpit).as_deref(), Some("0"));
}

#[test]
fn a_row_that_vanishes_hands_the_selection_to_the_next_and_takes_its_mark_along() {
    let mut cockpit = small();
    press(&mut cockpit, "j space k");
    assert!(table(&cockpit).rows[1].marked);
    let later = now() + jiff::SignedDuration::from_secs(60);
    cockpit.update(later, heard(later, vec![deploy("a", "v1", "ada"), deploy("c", "v3", "eve")]));
    cockpit.settle(later);
    assert_eq!(selected(&cockpit).as_deref(), Some("c"));
    assert!(table(&cockpit).rows.iter().all(|r| !r.marked));
}

#[test]
fn esc_closes_the_topmost_thing_and_never_quits() {
    let mut cockpit = small();
    press(&mut cockpit, "/ v enter enter ?");
    assert!(screen(&cockpit).over.is_some());
    assert_eq!(press(&mut cockpit, "esc"), []);
    assert!(screen(&cockpit).over.is_none());
    assert!(screen(&cockpit).crumb.text().contains('›'));
    assert_eq!(press(&mut cockpit, "esc"), []);
    assert!(screen(&cockpit).crumb.text().contains("/v"));
    assert_eq!(press(&mut cockpit, "esc"), []);
    assert_eq!(screen(&cockpit).crumb.text(), "");
    assert_eq!(press(&mut cockpit, "esc esc esc"), []);
}

#[test]
fn quitting_works_from_everywhere_and_q_is_a_letter_while_typing() {
    for keys in
        ["q", "ctrl-c", "enter q", ": ctrl-c", "/ ctrl-c", "? ctrl-c", ": quit enter", ": q enter"]
    {
        assert_eq!(press(&mut small(), keys), [Effect::Quit], "{keys}");
    }
    for keys in ["/ q", ": q", "? / q", "? q"] {
        assert_eq!(press(&mut small(), keys), [], "{keys}");
    }
}

#[test]
fn typing_never_triggers_actions() {
    let letters: String = ('!'..='~').collect();
    for sign in ["/", ":", "? /"] {
        let mut cockpit = small();
        press(&mut cockpit, sign);
        for c in letters.chars() {
            let effects = cockpit.update(now(), Message::Key(Key::char(c)));
            assert_eq!(effects, [], "{sign} {c}");
        }
        assert_eq!(screen(&cockpit).tabs.iter().position(|t| t.here), Some(0));
    }
}

#[test]
fn paste_goes_into_text_fields_only() {
    let mut cockpit = small();
    let paste = |c: &mut Cockpit, t: &str| c.update(now(), Message::Paste(t.to_owned()));
    assert_eq!(paste(&mut cockpit, "q\nq\rR"), []);
    assert_eq!(selected(&cockpit).as_deref(), Some("a"));
    press(&mut cockpit, "/");
    assert_eq!(paste(&mut cockpit, "v2\n"), []);
    assert_eq!(rows(&cockpit), "b");
}

#[test]
fn a_bad_pattern_is_said_in_the_prompt_while_it_is_typed() {
    let mut cockpit = small();
    press(&mut cockpit, "/ who:(");
    assert!(says(&cockpit).contains("no complete pattern"), "{}", says(&cockpit));
    press(&mut cockpit, "eve)");
    assert!(says(&cockpit).contains("1 of 3"), "{}", says(&cockpit));
}

#[test]
fn a_wrong_command_is_told_the_nearest_word_and_stays_to_be_mended() {
    let mut cockpit = small();
    assert_eq!(press(&mut cockpit, ": qiut enter"), []);
    assert!(says(&cockpit).contains("did you mean `quit`?"), "{}", says(&cockpit));
    assert_eq!(press(&mut cockpit, "ctrl-u quit enter"), [Effect::Quit]);
}

#[test]
fn every_command_completes_and_is_understood() {
    let zone = jiff::tz::TimeZone::UTC;
    let ground = Ground { tabs: toy::TABS, here: Some(&toy::LIST), now: now(), zone: &zone };
    let all = ground.all();
    assert!(all.len() > 15);
    for command in &all {
        let offers = ground.complete(&command.text);
        assert_eq!(offers.first().map(|s| &s.text), Some(&command.text), "{command:?}");
        let some: String = command.text.chars().take(3).collect();
        assert!(ground.complete(&some).contains(command), "{some} of {command:?}");
        let whole = match command.text.as_str() {
            "sort" => "sort who",
            "theme" => "theme dark",
            "at" => "at -2h",
            "view" => continue,
            other => other,
        };
        assert!(ground.read(whole).is_ok(), "{command:?}");
    }
    assert_eq!(ground.complete("theme mon").first().unwrap().text, "theme monochrome");
}

#[test]
fn a_picked_completion_runs() {
    let mut cockpit = small();
    press(&mut cockpit, ": theme space dark tab enter");
    assert_eq!(screen(&cockpit).skin, Skin::Dark);
    press(&mut cockpit, ": them tab enter");
    assert!(says(&cockpit).contains("theme: terminal, dark"), "{}", says(&cockpit));
    press(&mut cockpit, "light enter");
    assert_eq!(screen(&cockpit).skin, Skin::Light);
}

#[test]
fn help_names_every_action_with_its_own_keys() {
    let mut cockpit = cockpit(Size { width: 200, height: 100 }, many(1));
    press(&mut cockpit, "?");
    let over = screen(&cockpit).over.unwrap();
    let Noun::Table(help) = over.noun else { panic!("the help is a table") };
    let names: Vec<&str> = help.rows.iter().map(|r| &*r.key).collect();
    for entry in ACTIONS {
        assert!(names.contains(&entry.name), "{}", entry.name);
    }
    press(&mut cockpit, "/ clipboard");
    press(&mut cockpit, "ctrl-u copy space link");
    let Noun::Table(help) = screen(&cockpit).over.unwrap().noun else { panic!() };
    assert_eq!(help.rows.iter().map(|r| &*r.key).collect::<Vec<_>>(), ["copy-link"]);
}

#[test]
fn hints_are_keys_that_act_here() {
    let mut cockpit = small();
    for (keys, context) in [("", Context::List), ("enter", Context::Detail), ("2", Context::Month)]
    {
        press(&mut cockpit, keys);
        assert_eq!(cockpit.context(), context);
        let Foot::Hints(hints) = screen(&cockpit).foot else { panic!("no hints") };
        assert!(hints.len() > 3);
        for hint in hints {
            let key = Key::parse(hint.keys.as_str()).unwrap();
            assert!(cockpit.keymap.action(context, key).is_some(), "{context:?} {hint:?}");
        }
    }
}

#[test]
fn refresh_asks_the_sources_of_the_tab() {
    let mut cockpit = small();
    let other = Freshness { kind: "ical", ..Freshness::default() };
    cockpit.update(
        now(),
        Message::Heard(Box::new(super::Heard {
            source: SourceName::new("cal"),
            at: now(),
            outcome: Err(Trouble::new(Status::Timeout, "no answer")),
            freshness: other,
        })),
    );
    let git = Effect::Poll(Which::Sources(vec![SourceName::new("git")]));
    assert_eq!(press(&mut cockpit, "r"), [git]);
    assert_eq!(press(&mut cockpit, "R"), [Effect::Poll(Which::All)]);
    assert_eq!(press(&mut cockpit, "2 r"), [Effect::Poll(Which::All)]);
}

#[test]
fn copying_and_opening_are_about_the_selected_row_by_identity() {
    let mut cockpit = small();
    assert_eq!(press(&mut cockpit, "j y"), [Effect::Copy("v2".into())]);
    assert_eq!(notice(&cockpit), "copied v2");
    assert_eq!(press(&mut cockpit, "Y"), [Effect::Copy("https://example.org/b".into())]);
    let Some(Effect::Open(link)) = press(&mut cockpit, "o").pop() else { panic!() };
    assert_eq!(link.as_str(), "https://example.org/b");
    assert_eq!(press(&mut cockpit, "g space space y"), [Effect::Copy(Clean::body("v1\nv2", 99))]);
    assert_eq!(press(&mut cockpit, "2 v o"), []);
    assert!(notice(&cockpit).contains("no link"));
}

#[test]
fn a_notice_goes_by_itself_and_the_wake_up_says_when() {
    let mut cockpit = small();
    press(&mut cockpit, "y");
    let wake = cockpit.wake().unwrap();
    assert!(wake <= now() + super::state::NOTICE);
    assert_ne!(notice(&cockpit), "");
    cockpit.update(wake, Message::Clock);
    assert!(matches!(cockpit.screen(wake).foot, Foot::Hints(_)));
}

#[test]
fn a_paused_display_stands_still_and_says_since_when() {
    let mut cockpit = small();
    press(&mut cockpit, "p");
    assert!(screen(&cockpit).head.marks[0].text().contains("PAUSED since 13:35:00"));
    let later = now() + jiff::SignedDuration::from_hours(1);
    cockpit.update(later, heard(later, many(3)));
    cockpit.settle(later);
    assert_eq!(rows(&cockpit), "abc");
    assert_eq!(cockpit.wake(), None, "nothing shown changes by itself");
    cockpit.update(later, Message::Key(Key::char('p')));
    cockpit.settle(later);
    assert_eq!(rows(&cockpit), "d00000d00001d00002");
}

#[test]
fn wake_ups_are_coarse_and_few() {
    let mut cockpit = small();
    let mut at = now();
    for _ in 0..6 {
        let next = cockpit.wake().unwrap();
        assert!(next > at && next.as_second() % 10 == 0);
        at = next;
        cockpit.update(at, Message::Clock);
    }
    assert_eq!(at.duration_since(now()).as_secs(), 60);
}

#[test]
fn a_clock_that_is_set_back_neither_freezes_ages_nor_hides_news() {
    let hour = jiff::SignedDuration::from_hours(1);
    for back in [hour, hour * 24 * 3650] {
        let mut cockpit = small();
        let fast = now() + back;
        cockpit.update(fast, heard(fast, many(3)));
        cockpit.settle(fast);
        let next = now() + jiff::SignedDuration::from_secs(15);
        cockpit.update(next, Message::Clock);
        let source = cockpit.board().sources.values().next().unwrap();
        assert_eq!(source.last_ok, Some(next), "it ages from here on");
        assert!(cockpit.wake().unwrap() <= next + jiff::SignedDuration::from_secs(10));
        let then = next + jiff::SignedDuration::from_secs(15);
        cockpit.update(then, heard(then, many(4)));
        cockpit.settle(then);
        assert_eq!(rows(&cockpit), "d00000d00001d00002d00003");
    }
}

#[test]
fn the_month_is_walked_by_day_week_and_month() {
    for (keys, day) in [
        ("2", "2026-11-22"),
        ("2 l", "2026-11-23"),
        ("2 h", "2026-11-21"),
        ("2 j", "2026-11-29"),
        ("2 up", "2026-11-15"),
        ("2 >", "2026-12-22"),
        ("2 pgup", "2026-10-22"),
        ("2 > l l T", "2026-11-22"),
        ("2 l v", "2026-11-23"),
        ("2 l enter", "2026-11-23"),
    ] {
        let mut cockpit = small();
        press(&mut cockpit, keys);
        let Noun::Prose(text) = &screen(&cockpit).blocks[0].noun else { panic!() };
        assert_eq!(text.lines[0].text(), day, "{keys}");
    }
}

/// Where the cursor of the month stands.
fn day(cockpit: &Cockpit) -> String {
    let Noun::Prose(text) = &screen(cockpit).blocks[0].noun else { panic!() };
    text.lines[0].text()
}

#[test]
fn the_next_release_is_jumped_to_from_anywhere_and_its_absence_is_said() {
    let mut cockpit = small();
    press(&mut cockpit, ": n e x t - r e l e a s e enter");
    assert_eq!(day(&cockpit), "2026-11-22", "the month is shown, and the cursor stays");
    assert!(notice(&cockpit).contains("no release is planned"), "{}", notice(&cockpit));
    let plan = |due: &str, done: bool| {
        Fact::Milestone(Milestone {
            key: crate::model::Key::new(&SourceName::new("git"), due),
            repo: "o/r".into(),
            title: "train".into(),
            about: Clean::default(),
            start: None,
            due: due.parse().ok(),
            done,
            done_at: None,
            done_on: None,
            items: None,
            url: None,
        })
    };
    let plans = vec![
        plan("2026-11-20", false),
        plan("2026-11-26", true),
        plan("2026-12-01", false),
        plan("2027-01-12", false),
    ];
    for (keys, expected) in [
        ("2 n", "2026-12-01"),
        ("2 n n", "2027-01-12"),
        ("2 n n n", "2027-01-12"),
        ("2 < < n", "2026-11-20"),
        ("1 j : n e x t - r e l e a s e enter", "2026-12-01"),
        ("2 v : n e x t - r e l e a s e enter", "2026-12-01"),
    ] {
        let mut cockpit = small();
        let Message::Heard(mut told) = heard(now(), Vec::new()) else { panic!() };
        if let Ok(report) = &mut told.outcome {
            report.facts.clone_from(&plans);
        }
        cockpit.update(now(), Message::Heard(told));
        cockpit.settle(now());
        press(&mut cockpit, keys);
        assert_eq!(day(&cockpit), expected, "{keys}: closed plans are none");
    }
}

#[test]
fn an_opened_page_scrolls_to_its_end_and_no_further() {
    let mut cockpit = small();
    press(&mut cockpit, "enter G");
    let end = cockpit.look().unwrap().scroll;
    let body = usize::from(cockpit.frame.body_height());
    assert_eq!(end, 100 - body, "the crumb is title enough");
    press(&mut cockpit, "j j j");
    assert_eq!(cockpit.look().unwrap().scroll, end);
    press(&mut cockpit, "esc j enter");
    assert_eq!(cockpit.look().unwrap().scroll, 0);
}

#[test]
fn what_is_opened_and_vanishes_says_so() {
    let mut cockpit = small();
    press(&mut cockpit, "enter");
    let later = now() + jiff::SignedDuration::from_secs(60);
    cockpit.update(later, heard(later, vec![]));
    cockpit.settle(later);
    let Noun::Empty(empty) = &screen(&cockpit).blocks[0].noun else { panic!() };
    assert!(empty.title.as_str().contains("no longer there"));
    press(&mut cockpit, "esc");
    assert_eq!(selected(&cockpit), None);
}

#[test]
fn a_click_selects_and_a_second_opens() {
    let mut cockpit = small();
    let click = |column, row| Message::Mouse(Mouse::Click { column, row });
    // Three lines of head and the header of the list.
    cockpit.update(now(), click(10, 5));
    assert_eq!(selected(&cockpit).as_deref(), Some("b"));
    cockpit.update(now(), click(10, 5));
    assert!(cockpit.look().unwrap().opened.is_some());
    let second = screen(&cockpit).tab_spans().1[1].1;
    cockpit.update(now(), click(second + 1, 1));
    assert_eq!(cockpit.tab, 1);
    cockpit.update(now(), click(79, 23));
    cockpit.update(now(), click(u16::MAX, u16::MAX));
}

#[test]
fn a_key_composes_only_rows_in_sight() {
    let composed = |n: usize| {
        let mut cockpit = cockpit(SIZE, many(n));
        press(&mut cockpit, "G k k");
        table(&cockpit).rows.len()
    };
    let body = SIZE.height as usize;
    assert_eq!(composed(10), 10);
    assert!(composed(10_000) < body);
    assert_eq!(composed(10_000), composed(100));
}

#[test]
fn each_tab_and_view_keeps_its_own_place() {
    let mut cockpit = small();
    press(&mut cockpit, "G 2 v j 1");
    assert_eq!(selected(&cockpit).as_deref(), Some("c"));
    press(&mut cockpit, "2");
    assert_eq!(cockpit.look().unwrap().selected.as_deref(), Some("b"));
}

#[test]
fn trouble_is_a_state_in_the_head_and_no_notice() {
    let mut cockpit = small();
    let hour = now() + jiff::SignedDuration::from_hours(1);
    cockpit.update(hour, Message::Clock);
    cockpit.settle(hour);
    let screen = cockpit.screen(hour);
    assert!(matches!(screen.foot, Foot::Hints(_)));
    assert!(
        screen.head.marks.iter().any(|m| m.text() == "1 of 1 sources stale"),
        "{:?}",
        screen.head.marks
    );
    assert_eq!(screen.head.banner, Some("PROD".into()));
}

fn any_key() -> impl Strategy<Value = Key> {
    let codes = [
        "enter",
        "esc",
        "tab",
        "shift-tab",
        "backspace",
        "delete",
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pgup",
        "pgdn",
        "ctrl-d",
        "ctrl-u",
        "ctrl-l",
        "space",
        "ctrl-w",
        "f5",
    ];
    prop_oneof![
        proptest::sample::select(codes.to_vec()).prop_map(|k| Key::parse(k).unwrap()),
        proptest::char::range('!', '~').prop_map(Key::char),
        any::<char>().prop_map(Key::char),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_storm_of_keys_breaks_nothing(
        keys in proptest::collection::vec(any_key(), 0..120),
        sizes in proptest::collection::vec((0_u16..200, 0_u16..60), 1..4),
        counts in proptest::collection::vec(0_usize..40, 1..4),
    ) {
        let mut cockpit = cockpit(SIZE, many(12));
        let mut at = now();
        for (i, key) in keys.into_iter().enumerate() {
            if i % 30 == 29 {
                let (width, height) = sizes[i % sizes.len()];
                cockpit.update(at, Message::Resized(Size { width, height }));
                at += jiff::SignedDuration::from_secs(30);
                cockpit.update(at, heard(at, many(counts[i % counts.len()])));
            }
            cockpit.update(at, Message::Key(key));
            cockpit.settle(at);
            let shown = cockpit.screen(at);
            let look = cockpit.look().unwrap();
            prop_assert_eq!(look.selected_at().is_some(), !look.order.is_empty());
            prop_assert!(look.marked.len() <= 40);
            drop(shown);
        }
    }
}
