//! Using post-mortems: a list that is searched by its whole text, and a reader that finds, jumps and goes on to the next.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::sync::Arc;

use andon::cockpit::{Cockpit, Effect, Key, Message, Setup};
use andon::model::{Clean, Dated, Fact, Feed, Found, Name, PostMortem, ReadFrom, Report};
use andon::page::{Noun, Size, Tone};
use jiff::Timestamp;

fn now() -> Timestamp {
    "2026-11-22T13:35:00Z".parse().unwrap()
}

fn paper(path: &str, title: &str, text: &str) -> Fact {
    let text = Clean::body(text, 1 << 20);
    let key = andon::model::Key::new(&Name::new("reviews"), path);
    Fact::PostMortem(Box::new(PostMortem {
        file: format!("/papers/{path}").into(),
        dated: path.get(..10).and_then(|d| d.parse().ok()).map(|date| Dated {
            date: Found::new(date, ReadFrom::FileName),
            conflicts: Vec::new(),
        }),
        ..PostMortem::new(key, Clean::line(path), Clean::line(title), text)
    }))
}

fn cockpit() -> Cockpit {
    let long = format!(
        "# A latch\n\n## Root cause\n\n{}the latch stuck\n\n{}## Actions\n\n- [ ] oil the latch\n",
        "one line\n\n".repeat(40),
        "another line\n\n".repeat(40)
    );
    let papers = vec![
        paper("2026-11-01-disk.md", "Disk full", "# Disk full\n\nA latch was mentioned.\n"),
        paper("2026-10-01-latch.md", "A latch", &long),
        paper("2026-09-01-cert.md", "A certificate", "# A certificate\n\nIt expired.\n"),
    ];
    let written = "[team]\nname = \"Crew\"\ntimezone = \"UTC\"\n";
    let team = andon::config::load_text(written, std::path::Path::new("/"), &[]).unwrap().team;
    let mut board = andon::model::Board::default();
    let report = Report { facts: papers, complete: vec![Feed::PostMortems], ..Report::default() };
    board.fold(&Name::new("reviews"), now(), report);
    let size = Size { width: 100, height: 30 };
    let mut cockpit = Cockpit::new(Setup { board, ..Setup::new(Arc::new(team), size, now()) });
    press(&mut cockpit, "4");
    cockpit
}

fn press(cockpit: &mut Cockpit, keys: &str) -> Vec<Effect> {
    let mut all = Vec::new();
    for key in keys.split_whitespace() {
        all.extend(cockpit.update(now(), Message::Key(Key::parse(key).unwrap())));
        cockpit.settle(now());
    }
    all
}

fn titles(cockpit: &Cockpit) -> Vec<String> {
    let screen = cockpit.screen(now());
    let table = screen.blocks.iter().find_map(|b| match &b.noun {
        Noun::Table(t) => Some(t),
        _ => None,
    });
    let title = |row: &andon::page::Row| match &row.cells[1] {
        andon::page::Cell::Line(line) => line.text(),
        _ => String::new(),
    };
    table.unwrap().rows.iter().map(title).collect()
}

/// The lines of the reader, and those pieces that are marked.
fn text(cockpit: &Cockpit) -> (usize, Vec<String>, Vec<String>) {
    let screen = cockpit.screen(now());
    let prose = screen.blocks.iter().find_map(|b| match &b.noun {
        Noun::Prose(p) if p.total > 3 => Some(p),
        _ => None,
    });
    let prose = prose.unwrap();
    let spans = prose.lines.iter().flat_map(|l| &l.0);
    let marked = spans.filter(|s| s.tone == Tone::Match).map(|s| s.text.to_string()).collect();
    (prose.first, prose.lines.iter().map(andon::page::Line::text).collect(), marked)
}

fn crumb(cockpit: &Cockpit) -> String {
    cockpit.screen(now()).crumb.text()
}

#[test]
fn words_are_looked_for_in_whole_texts_and_the_best_fit_comes_first() {
    let mut c = cockpit();
    assert_eq!(titles(&c), ["Disk full", "A latch", "A certificate"]);
    press(&mut c, "/ l a t c h enter");
    assert_eq!(titles(&c), ["A latch", "Disk full"]);
    assert!(crumb(&c).contains("best fit first"), "{}", crumb(&c));
    // The first s goes back to the newest first, the next one on to the title.
    press(&mut c, "s");
    assert_eq!(titles(&c), ["Disk full", "A latch"]);
    press(&mut c, "s");
    assert_eq!(titles(&c), ["A latch", "Disk full"]);
    press(&mut c, "esc");
    assert_eq!(titles(&c).len(), 3);
}

#[test]
fn a_word_that_must_not_stand_there_is_looked_for_in_whole_texts_too() {
    let mut c = cockpit();
    press(&mut c, "/ ! l a t c h enter");
    assert_eq!(titles(&c), ["A certificate"]);
}

#[test]
fn a_document_opened_from_a_search_shows_what_was_found() {
    let mut c = cockpit();
    press(&mut c, "/ s t u c k enter enter");
    let (first, lines, marked) = text(&c);
    assert!(first > 10 && lines.iter().any(|l| l.contains("the latch stuck")), "{first}");
    assert_eq!(marked, ["stuck"]);
    press(&mut c, "esc");
    assert_eq!(titles(&c), ["A latch"], "esc goes back to the filtered list");
}

#[test]
fn slash_finds_inside_the_document_and_n_goes_round() {
    let mut c = cockpit();
    press(&mut c, "j enter / l a t c h");
    assert!(crumb(&c).contains("/latch, on 3 lines"), "{}", crumb(&c));
    press(&mut c, "enter");
    let mut seen = vec![text(&c).0];
    for _ in 0..3 {
        press(&mut c, "n");
        seen.push(text(&c).0);
    }
    assert!(seen[0] < seen[1] && seen[1] < seen[2], "{seen:?}");
    assert_eq!(seen[3], seen[0], "and from the top again");
    press(&mut c, "N");
    assert_eq!(text(&c).0, seen[2]);
    press(&mut c, "esc");
    assert!(text(&c).2.is_empty(), "esc takes the marks away first");
    press(&mut c, "esc");
    assert_eq!(titles(&c).len(), 3);
}

#[test]
fn typing_what_is_not_there_goes_back_to_where_one_was() {
    let mut c = cockpit();
    press(&mut c, "j enter ctrl-d ctrl-d");
    let stood = text(&c).0;
    press(&mut c, "/ l a t c h");
    assert_ne!(text(&c).0, stood);
    press(&mut c, "x x x");
    assert_eq!(text(&c).0, stood);
    assert!(crumb(&c).contains("is not in here"), "{}", crumb(&c));
    press(&mut c, "esc");
    assert_eq!(text(&c).0, stood);
}

#[test]
fn headings_are_gone_to_and_the_next_document_follows_the_list() {
    let mut c = cockpit();
    press(&mut c, "j enter }");
    assert!(text(&c).1[0].contains("Root cause"), "{:?}", text(&c).1[0]);
    press(&mut c, "}");
    let last = text(&c).0;
    assert!(text(&c).1.iter().any(|l| l == "Actions"));
    press(&mut c, "{");
    assert!(text(&c).0 < last);
    press(&mut c, ">");
    assert!(crumb(&c).contains("2026-09-01-cert.md"), "{}", crumb(&c));
    press(&mut c, "< <");
    assert!(crumb(&c).contains("2026-11-01-disk.md"), "{}", crumb(&c));
    press(&mut c, "<");
    assert!(crumb(&c).contains("2026-11-01-disk.md"), "the first stays the first");
}

#[test]
fn e_hands_the_documents_own_file_to_the_editor() {
    let mut c = cockpit();
    let effects = press(&mut c, "j e");
    assert_eq!(effects[0], Effect::Edit("/papers/2026-10-01-latch.md".into()));
    let effects = press(&mut c, "enter > e");
    assert_eq!(effects[0], Effect::Edit("/papers/2026-09-01-cert.md".into()));
}
