//! Painted screens: text and style together, every noun at every size, hostile text inert.

use jiff::{SignedDuration, tz::TimeZone};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::{Depth, Theme, paint, text};
use crate::cockpit::toy::{self, cockpit, deploy, many, now, press};
use crate::model::{Bound, Clean, Health, Overlays};
use crate::page::{
    Agenda, AgendaEntry, Align, Axis, Band, Block, Calendar, Card, Cell, Chart, Column, Cursor,
    Day, Empty, Gauge, Lane, Limit, Line, Mark, Noun, Place, Prose, Row, Rows, Screen, Series,
    Size, Skin, Table, Tone, Width,
};

fn buffer(size: Size) -> Buffer {
    Buffer::empty(Rect::new(0, 0, size.width, size.height))
}

fn draw(screen: &Screen, theme: Theme) -> Buffer {
    let mut buffer = buffer(screen.frame.size);
    paint(screen, &theme, &mut buffer);
    buffer
}

fn colours() -> Theme {
    Theme::new(Skin::Terminal, Depth::Sixteen, false)
}

/// A screen that holds just these blocks.
fn page(size: Size, blocks: Vec<Block>) -> Screen {
    Screen { blocks, ..cockpit(size, Vec::new()).screen(now()) }
}

fn size(width: u16, height: u16) -> Size {
    Size { width, height }
}

/// The style modifiers of the first place where `words` stand.
fn modifiers(buffer: &Buffer, words: &str) -> Modifier {
    let lines = text(buffer);
    let (y, line) = lines.lines().enumerate().find(|(_, l)| l.contains(words)).unwrap();
    let x = line.find(words).map(|b| line[..b].chars().count()).unwrap();
    buffer.cell((x as u16, y as u16)).unwrap().modifier
}

fn shown(keys: &str, size: Size, theme: Theme) -> (Buffer, String) {
    let mut cockpit = cockpit(
        size,
        vec![deploy("a", "v1", "ada"), deploy("b", "v2", "bob"), deploy("c", "v3", "eve")],
    );
    press(&mut cockpit, keys);
    let buffer = draw(&cockpit.screen(now()), theme);
    let words = text(&buffer);
    (buffer, words)
}

#[test]
fn without_colours_the_selection_and_the_states_are_still_seen() {
    let (buffer, words) = shown("j", size(80, 24), Theme::new(Skin::Dark, Depth::None, false));
    assert!(modifiers(&buffer, "v2").contains(Modifier::REVERSED), "{words}");
    assert!(!modifiers(&buffer, "v1").contains(Modifier::REVERSED), "{words}");
    assert!(words.contains("● ok") && words.contains("✖ down"), "{words}");
    assert!(words.contains("▌"), "{words}");
    let area = buffer.area;
    for cell in buffer.content() {
        assert_eq!((cell.fg, cell.bg), Default::default(), "{area:?}");
    }
}

#[test]
fn every_theme_shows_the_selection() {
    for skin in Skin::ALL {
        for depth in [Depth::None, Depth::Sixteen, Depth::TwoHundred, Depth::True] {
            let (buffer, _) = shown("j", size(80, 24), Theme::new(skin, depth, false));
            let at = |y: u16| {
                let cell = buffer.cell((4, y)).unwrap();
                (cell.bg, cell.modifier.contains(Modifier::REVERSED))
            };
            assert_ne!(at(4), at(5), "{skin:?} {depth:?}");
        }
    }
}

#[test]
fn ascii_is_ascii() {
    for keys in ["", "enter", "?", ": t", "/ v"] {
        let (_, words) = shown(keys, size(100, 30), Theme::new(Skin::Terminal, Depth::True, true));
        assert!(words.is_ascii(), "{keys}\n{words}");
    }
}

#[test]
fn the_open_tab_stands_out_and_the_prompt_shows_its_cursor() {
    let (buffer, words) = shown("/ v2", size(80, 24), colours());
    assert!(modifiers(&buffer, "1 List").contains(Modifier::REVERSED));
    assert!(!modifiers(&buffer, "2 Plan").contains(Modifier::REVERSED));
    let last = words.lines().last().unwrap();
    assert!(last.starts_with(" /v2") && last.contains("1 of 3"), "{last}");
    assert!(buffer.cell((4, 23)).unwrap().modifier.contains(Modifier::REVERSED));
}

#[test]
fn a_hostile_row_moves_hides_and_restyles_nothing_beside_it() {
    let raw = "a\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{202E}b\r\n\u{0}<b>決済é\u{301}\u{301}";
    let deploys = |name: &str| vec![deploy("a", name, "ada"), deploy("b", "v2", "bob")];
    let (mut evil, mut good) =
        (cockpit(size(80, 24), deploys(raw)), cockpit(size(80, 24), deploys("x")));
    for c in [&mut evil, &mut good] {
        press(c, "s G");
    }
    let (evil, good) = (draw(&evil.screen(now()), colours()), draw(&good.screen(now()), colours()));
    for (at, (a, b)) in evil.content().iter().zip(good.content()).enumerate() {
        let (x, y) = evil.pos_of(at);
        assert!(!a.symbol().chars().any(char::is_control));
        // The name's own lane: between the gutter and the state column of its row.
        if y == 4 && (2..52).contains(&x) {
            continue;
        }
        assert_eq!(a, b, "({x}, {y})");
    }
}

#[test]
fn numbers_end_at_the_right_edge_of_their_column() {
    let (_, words) = shown("", size(80, 24), colours());
    let ends: Vec<usize> = words.lines().skip(3).take(4).map(|l| l.chars().count()).collect();
    assert!(ends.iter().all(|e| *e == ends[0]), "{words}");
}

#[test]
fn below_the_smallest_layout_the_verdict_remains() {
    let (_, words) = shown("", size(29, 3), colours());
    assert!(words.starts_with("? no services yet"), "{words}");
    assert_eq!(words.trim_end().lines().count(), 1);
}

fn chart(points: Vec<Option<f64>>) -> Chart {
    Chart {
        series: vec![
            Series {
                name: "p95 latency".into(),
                newest: "1.4 s".into(),
                tone: Tone::Accent,
                read: None,
                points,
                about: "latency".into(),
                low: "0.1 s".into(),
                high: "1.4 s".into(),
                axis: Axis { from: 0.0, until: 13.0, low: "0 s".into(), high: "13 s".into() },
                good: Bound::parse("< 3").map(|bound| Limit { bound, text: "< 3 s".into() }),
                bad: Bound::parse("> 10").map(|bound| Limit { bound, text: "> 10 s".into() }),
            },
            Series {
                name: "orders".into(),
                newest: "12/min".into(),
                tone: Tone::Business,
                read: None,
                points: vec![Some(3.0); 60],
                about: "business".into(),
                low: "0".into(),
                high: "3".into(),
                axis: Axis { from: 0.0, until: 3.0, low: "0".into(), high: "3".into() },
                good: None,
                bad: None,
            },
        ],
        from: now() - SignedDuration::from_hours(2),
        until: now(),
        lanes: vec![Lane {
            name: "deploys".into(),
            marks: vec![Mark {
                at: now() - SignedDuration::from_mins(30),
                until: None,
                tone: Tone::Release,
                glyph: 'd',
                text: "v412".into(),
            }],
        }],
        cursor: None,
    }
}

#[test]
fn a_cursor_stands_in_every_band_with_its_values_above_and_its_moment_below() {
    let mut chart = chart(vec![Some(1.0); 60]);
    chart.cursor = Some(Cursor { slice: 30, slices: 60, text: "12:36 · 59 m ago".into() });
    for (series, read) in chart.series.iter_mut().zip(["212 ms", "no traffic"]) {
        series.read = Some((read.into(), Tone::Strong));
    }
    let words =
        text(&draw(&page(size(100, 20), vec![Block::main("", Noun::Chart(chart))]), colours()));
    let named: Vec<&str> = words.lines().filter(|l| l.contains("now ")).collect();
    assert_eq!(named.len(), 2, "{words}");
    assert!(named[0].trim_end().ends_with("now 1.4 s  212 ms"), "{words}");
    assert!(named[1].trim_end().ends_with("now 12/min  no traffic"), "{words}");
    let upright = words.lines().filter_map(|l| l.chars().position(|c| c == '│'));
    let columns: std::collections::BTreeSet<usize> = upright.collect();
    assert_eq!(columns.len(), 1, "one column: {words}");
    let column = columns.first().unwrap();
    let axis = words.lines().find(|l| l.contains("59 m ago")).unwrap();
    let from = axis.chars().position(|c| c == '·').unwrap();
    assert!(from.abs_diff(*column) < 10, "the moment stands under it: {words}");
}

#[test]
fn a_cursor_has_one_colour_whatever_it_stands_on() {
    for skin in Skin::ALL {
        let mut chart = chart((0..60).map(|n| Some(f64::from(n))).collect());
        chart.cursor = Some(Cursor { slice: 30, slices: 60, text: "12:36".into() });
        let limit = |bound: &str| {
            Some(Limit { bound: Bound::parse(bound).unwrap(), text: Clean::line(bound) })
        };
        let at = now() - SignedDuration::from_mins(59);
        let text = Clean::from("v412");
        chart.lanes[0].marks =
            vec![Mark { at, until: None, tone: Tone::Release, glyph: 'd', text }];
        for series in &mut chart.series {
            (series.axis.from, series.axis.until) = (0.0, 100.0);
            (series.good, series.bad) = (limit("< 20"), limit("> 60"));
        }
        let theme = Theme::new(skin, Depth::True, false);
        let buffer = draw(&page(size(100, 20), vec![Block::main("", Noun::Chart(chart))]), theme);
        let upright: Vec<(u16, u16)> = (0..20)
            .flat_map(|y| (12..100).map(move |x| (x, y)))
            .filter(|at| buffer.cell(*at).unwrap().symbol() == "│")
            .collect();
        let x = upright.first().unwrap().0;
        let band = |y: &u16| "│─┄┊▁▂▃▄▅▆▇█".contains(buffer.cell((x, *y)).unwrap().symbol());
        let rows: Vec<u16> = (upright[0].1..18).filter(band).collect();
        assert!(rows.len() > 6, "{rows:?}");
        let colours: std::collections::HashSet<_> =
            rows.iter().map(|y| buffer.cell((x, *y)).unwrap().fg).collect();
        assert_eq!(colours.len(), 1, "{skin:?}: {colours:?}");
    }
}

#[test]
fn what_lasted_is_as_long_as_it_lasted_and_words_stand_beside_it() {
    let mut chart = chart(vec![Some(1.0); 60]);
    let mark = |from, until: Option<i64>, text: &str| Mark {
        at: now() - SignedDuration::from_mins(from),
        until: until.map(|m| now() - SignedDuration::from_mins(m)),
        tone: Tone::Down,
        glyph: '!',
        text: Clean::line(text),
    };
    chart.lanes = vec![
        Lane {
            name: "incidents".into(),
            marks: vec![mark(110, Some(80), "INC-1"), mark(30, Some(-600), "INC-2 goes on")],
        },
        Lane { name: "freezes".into(), marks: vec![mark(999, Some(-999), "weekend")] },
    ];
    let words =
        text(&draw(&page(size(100, 20), vec![Block::main("", Noun::Chart(chart))]), colours()));
    let line = |name: &str| words.lines().find(|l| l.contains(name)).unwrap().to_owned();
    let incidents = line("incidents");
    assert!(incidents.contains("─ INC-1"), "{words}");
    assert!(incidents.contains("INC-2 goes on !─"), "{words}");
    assert!(incidents.trim_end().ends_with('─'), "what goes on reaches the edge: {words}");
    let first: usize = incidents.split(" INC-1").next().unwrap().matches('─').count();
    assert!((20..=24).contains(&first), "half an hour of two: {first} {words}");
    let freezes = line("freezes");
    assert!(freezes.contains("─weekend─") && !freezes.contains('!'), "{words}");
}

fn month() -> Calendar {
    let first: jiff::civil::Date = "2026-10-26".parse().unwrap();
    let day = |i: i64| {
        let date = first.checked_add(jiff::Span::new().days(i)).unwrap();
        let frozen = (26..=28).contains(&date.day()) && date.month() == 11;
        Day {
            date,
            inside: date.month() == 11,
            today: date.day() == 22 && date.month() == 11,
            selected: date.day() == 24 && date.month() == 11,
            bands: frozen
                .then(|| Band { tone: Tone::Freeze, letter: 'F', name: "Black Friday".into() })
                .into_iter()
                .collect(),
            entries: (0..date.day().rem_euclid(4))
                .map(|n| Line::plain(Clean::line(format!("release {n}"))))
                .collect(),
        }
    };
    Calendar {
        title: "November 2026".into(),
        weekdays: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(Clean::from).to_vec(),
        weeks: (0..6).map(|w| (0..7).map(|d| day(w * 7 + d)).collect()).collect(),
        legend: vec![Band { tone: Tone::Freeze, letter: 'F', name: "Black Friday".into() }],
    }
}

fn every_noun() -> Vec<Block> {
    let wave = (0..60).map(|i| (i != 20).then(|| f64::from(i % 13))).collect();
    let entry = |i: usize| AgendaEntry {
        day: Clean::line(format!("Monday {}", i / 3)),
        time: "14:00".into(),
        line: Line::plain(Clean::line(format!("release {i}"))),
        key: Some(format!("e{i}").into()),
        selected: i == 7,
    };
    let table = Table {
        columns: vec![
            Column {
                title: "a".into(),
                width: Width::Share { min: 4, weight: 1 },
                align: Align::Left,
                rank: 0,
            },
            Column { title: "b".into(), width: Width::Exactly(14), align: Align::Right, rank: 1 },
            Column { title: "c".into(), width: Width::Exactly(10), align: Align::Left, rank: 9 },
        ],
        rows: (0..5)
            .map(|i| Row {
                key: format!("{i}").into(),
                cells: vec![
                    Cell::Line(Line::plain("決済サービス").and(" x", Tone::Down)),
                    Cell::State {
                        health: Health::Degraded,
                        overlays: Overlays { stale: true, flapping: true, ..Overlays::default() },
                    },
                    Cell::Spark(vec![Some(1.0), None, Some(f64::NAN), Some(2.0)], Tone::Accent),
                ],
                selected: i == 3,
                marked: i == 2,
            })
            .collect(),
        first: 2,
        shown: 40,
        total: 50,
        sorted: Some((0, true)),
        empty: None,
    };
    vec![
        Block::main("Table", Noun::Table(table)),
        Block::main("Chart", Noun::Chart(chart(wave))),
        Block::main("", Noun::Calendar(month())),
        Block::side(
            "Agenda",
            Noun::Agenda(Agenda { entries: (0..12).map(entry).collect(), first: 0, empty: None }),
        ),
        Block::side(
            "Card",
            Noun::Card(Card { pairs: vec![("owner".into(), Line::plain("payments"))] }),
        )
        .exactly(1),
        Block::main(
            "Gauge",
            Noun::Gauge(Gauge { ratio: f64::NAN, text: Line::plain("?"), tone: Tone::Ok }),
        )
        .exactly(1),
        Block::main(
            "Prose",
            Noun::Prose(Prose { lines: vec![Line::plain("x"); 9], first: 3, total: 200 }),
        ),
        Block::main(
            "",
            Noun::Empty(Empty {
                title: "nothing".into(),
                advice: vec![Line::plain("r asks again")],
            }),
        ),
    ]
}

#[test]
fn every_noun_alone_survives_every_size() {
    for block in every_noun() {
        for width in (0..=12).chain([29, 30, 59, 60, 80, 200, 400]) {
            for height in [0, 1, 2, 4, 5, 6, 7, 9, 15, 24, 120] {
                for theme in [colours(), Theme::new(Skin::Light, Depth::True, true)] {
                    draw(&page(size(width, height), vec![block.clone()]), theme);
                }
            }
        }
    }
}

#[test]
fn a_chart_keeps_gaps_and_names_its_events() {
    let mut points = vec![Some(1.0); 120];
    for point in points.iter_mut().skip(40).take(40) {
        *point = None;
    }
    let screen = page(size(100, 20), vec![Block::main("", Noun::Chart(chart(points)))]);
    let words = text(&draw(&screen, colours()));
    assert!(words.contains("d v412"), "{words}");
    let named = words.lines().find(|l| l.contains("p95 latency latency")).unwrap();
    assert!(named.trim_end().ends_with("1.4 s"), "{words}");
    assert!(words.contains("< 3 s") && words.contains("> 10 s"), "{words}");
    assert!(words.contains("12:30") && words.contains("13:00"), "{words}");
    let level = |c: char| ('▁'..='█').contains(&c);
    let curve = words.lines().find(|l| l.chars().any(level)).unwrap();
    let parts: Vec<usize> = curve.split(level).map(|s| s.chars().count()).collect();
    assert_eq!(parts.iter().filter(|n| **n >= 25).count(), 1, "one gap: {words}");
    let empty = page(size(100, 20), vec![Block::main("", Noun::Chart(chart(vec![None; 9])))]);
    assert!(text(&draw(&empty, colours())).contains("no data in this window"));
}

#[test]
fn times_on_the_axis_are_the_team_s() {
    let mut screen =
        page(size(100, 20), vec![Block::main("", Noun::Chart(chart(vec![Some(1.0)])))]);
    screen.zone = TimeZone::get("Asia/Kolkata").unwrap();
    let words = text(&draw(&screen, colours()));
    assert!(words.contains("18:30") && !words.contains("13:00"), "{words}");
}

#[test]
fn a_month_names_its_bands_and_counts_what_does_not_fit() {
    let screen = page(size(100, 18), vec![Block::main("", Noun::Calendar(month()))]);
    let buffer = draw(&screen, colours());
    let words = text(&buffer);
    assert!(words.contains("November 2026") && words.contains("F Black Friday"), "{words}");
    assert!(words.contains("26 F"), "{words}");
    assert!(words.contains("release 0  +2"), "{words}");
    assert!(modifiers(&buffer, "24").contains(Modifier::REVERSED), "{words}");
}

#[test]
fn the_selected_row_is_in_sight_even_when_the_list_got_less_room() {
    let mut tall = cockpit(size(80, 24), many(100));
    press(&mut tall, "G");
    let mut screen = tall.screen(now());
    let gauge = Gauge { ratio: 0.5, text: Line::plain("half"), tone: Tone::Ok };
    screen.blocks.insert(0, Block::main("", Noun::Gauge(gauge)).exactly(6));
    let words = text(&draw(&screen, colours()));
    assert!(words.contains("v00099"), "{words}");
}

#[test]
fn a_page_taller_than_the_screen_scrolls_as_a_whole() {
    let card = |n: usize| {
        let pair = |i: usize| (Clean::line(format!("label {n}.{i}")), Line::plain("value"));
        Block::main(
            Clean::line(format!("Card {n}")),
            Noun::Card(Card { pairs: (0..9).map(pair).collect() }),
        )
        .exactly(9)
    };
    let mut screen = page(size(80, 24), (0..4).map(card).collect());
    let words = text(&draw(&screen, colours()));
    assert!(words.contains("Card 0") && !words.contains("Card 3"), "{words}");
    screen.scroll = 23;
    let words = text(&draw(&screen, colours()));
    assert!(!words.contains("Card 0") && words.contains("label 3.8"), "{words}");
    assert!(words.contains("1 List"), "the head stays: {words}");
}

#[test]
fn help_lies_over_the_page_and_inside_the_screen() {
    for (w, h) in [(120, 40), (80, 24), (60, 15), (31, 6)] {
        let (_, words) = shown("?", size(w, h), colours());
        assert!(words.contains("Help"), "{w}×{h}\n{words}");
        assert!(words.lines().all(|l| l.chars().count() <= usize::from(w)));
    }
}

fn any_block() -> impl Strategy<Value = Block> {
    let noun = proptest::sample::select(every_noun());
    let rows = prop_oneof![
        (0_u16..60).prop_map(Rows::Exactly),
        (0_u16..30, 0_u16..5).prop_map(|(min, weight)| Rows::Share { min, weight }),
    ];
    (noun, rows, any::<bool>()).prop_map(|(block, rows, side)| Block {
        rows,
        place: if side { Place::Side } else { Place::Main },
        ..block
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_page_and_no_size_panics(
        blocks in proptest::collection::vec(any_block(), 0..7),
        width in 0_u16..400,
        height in 0_u16..120,
        scroll in 0_usize..200,
        ascii in any::<bool>(),
        keys in proptest::sample::select(vec!["", "?", ":", "/ x", "enter", "p y"]),
    ) {
        let mut cockpit = toy::cockpit(size(width, height), many(30));
        press(&mut cockpit, keys);
        let mut screen = cockpit.screen(now());
        screen.blocks.extend(blocks);
        screen.scroll = scroll;
        draw(&screen, Theme::new(Skin::Terminal, Depth::Sixteen, ascii));
        for (x, y) in [(0, 0), (width / 2, height / 2), (width, height)] {
            let _ = screen.hit(x, y);
        }
    }

    /// The buffer may be of another size than the screen says: a resize is on its way.
    #[test]
    fn a_buffer_of_another_size_is_survived(w in 0_u16..200, h in 0_u16..60, bw in 0_u16..200, bh in 0_u16..60) {
        let screen = page(size(w, h), every_noun());
        let mut other = buffer(size(bw, bh));
        paint(&screen, &colours(), &mut other);
    }
}
