//! The encoder against an emulator: what arrives looks like what was painted, and costs little.

use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::*;

fn size(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn emulator(area: Rect) -> vt100::Parser {
    vt100::Parser::new(size(area.height), size(area.width), 0)
}

fn text(lines: &[&str]) -> Buffer {
    Buffer::with_lines(lines.iter().copied())
}

/// Bytes of the second frame, after checking that both look right.
fn cost(before: &Buffer, after: &Buffer) -> usize {
    let mut encoder = Encoder::new(Depth::True);
    let mut emulator = emulator(before.area);
    let mut out = Vec::new();
    encoder.frame(before, &mut out);
    emulator.process(&out);
    assert_looks_like(&emulator, before);
    out.clear();
    encoder.frame(after, &mut out);
    emulator.process(&out);
    assert_looks_like(&emulator, after);
    out.len()
}

fn hue_of(color: vt100::Color) -> Hue {
    match color {
        vt100::Color::Default => Hue::Default,
        vt100::Color::Idx(index) => Hue::Index(index),
        vt100::Color::Rgb(r, g, b) => Hue::Rgb(r, g, b),
    }
}

fn assert_looks_like(emulator: &vt100::Parser, painted: &Buffer) {
    let width = usize::from(painted.area.width);
    for (y, row) in painted.content.chunks(width).enumerate() {
        for (x, sight) in sights(row, Depth::True, &mut 0).iter().enumerate() {
            let cell = emulator.screen().cell(y as u16, x as u16).unwrap();
            if sight.width == 0 {
                assert!(cell.is_wide_continuation(), "covered column at {x},{y}: {cell:?}");
                continue;
            }
            let seen = if cell.contents().is_empty() { " " } else { cell.contents() };
            assert_eq!(seen, sight.text, "text at {x},{y}");
            let blank = seen == " ";
            let mut modifier = Modifier::empty();
            modifier.set(Modifier::BOLD, cell.bold() && !blank);
            modifier.set(Modifier::DIM, cell.dim() && !blank);
            modifier.set(Modifier::ITALIC, cell.italic() && !blank);
            modifier.set(Modifier::UNDERLINED, cell.underline());
            modifier.set(Modifier::REVERSED, cell.inverse());
            // The emulator does not know these two.
            let unknown = Modifier::CROSSED_OUT | Modifier::HIDDEN;
            assert_eq!(modifier, sight.look.modifier - unknown, "modifiers at {x},{y}");
            assert_eq!(hue_of(cell.bgcolor()), sight.look.bg, "background at {x},{y}");
            if !(blank && modifier.is_empty()) {
                assert_eq!(hue_of(cell.fgcolor()), sight.look.fg, "foreground at {x},{y}");
            }
        }
    }
}

/// A list as a cockpit draws it: a head, rows with a number, a foot.
fn list(width: u16, height: u16, first: usize, selected: Option<usize>) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    buffer.set_string(
        0,
        0,
        "Health  Incidents  Releases",
        Style::new().add_modifier(Modifier::BOLD),
    );
    for y in 1..height - 1 {
        let n = first + usize::from(y);
        buffer.set_string(0, y, format!("● service-{n:04}"), Style::new().fg(Color::Green));
        buffer.set_string(
            20,
            y,
            format!("{:>6} ms {:>5}/s", n * 7 % 997, n * 13 % 411),
            Style::new(),
        );
        buffer.set_string(44, y, "▁▂▃▄▅▆▇█▇▆▅▄", Style::new().fg(Color::Cyan));
        buffer.set_string(
            60,
            y,
            format!("owner {}", n % 9),
            Style::new().add_modifier(Modifier::DIM),
        );
        if selected == Some(n) {
            buffer.set_style(
                Rect::new(0, y, width, 1),
                Style::new().add_modifier(Modifier::REVERSED),
            );
        }
    }
    buffer.set_string(0, height - 1, "? help  / filter", Style::new().fg(Color::DarkGray));
    buffer
}

#[test]
fn an_unchanged_screen_costs_nothing() {
    let screen = list(80, 24, 0, Some(3));
    assert_eq!(cost(&screen, &screen), 0);
}

#[test]
fn one_changed_number_costs_at_most_twenty_bytes() {
    for (width, height) in [(80, 24), (200, 60)] {
        let before = list(width, height, 0, None);
        let mut after = before.clone();
        after.set_string(20, height / 2, "   999", Style::new());
        let cost = cost(&before, &after);
        assert!((1..=16).contains(&cost), "{cost} bytes; the question behind a frame is four more");
    }
}

#[test]
fn scrolling_by_one_costs_a_line_not_a_screen() {
    for (width, height) in [(80, 24), (200, 60)] {
        let before = list(width, height, 100, Some(110));
        let after = list(width, height, 101, Some(111));
        let down = cost(&before, &after);
        let up = cost(&after, &before);
        assert!(down <= 600 && up <= 600, "{down}, {up}");
    }
}

#[test]
fn a_list_scrolls_beside_a_column_that_stays() {
    let beside = |first| {
        let mut buffer = list(200, 60, first, Some(first + 10));
        for y in 1..40 {
            let line = format!("│ beside the list, line {y}");
            buffer.set_string(144, y, line, Style::new().fg(Color::DarkGray));
        }
        buffer
    };
    let cost = cost(&beside(100), &beside(101));
    assert!(cost <= 2_000, "{cost} bytes");
}

#[test]
fn a_change_no_one_can_see_costs_nothing() {
    let before = text(&["a  b"]);
    let mut after = before.clone();
    after
        .set_style(Rect::new(1, 0, 2, 1), Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
    assert_eq!(cost(&before, &after), 0);
}

#[test]
fn without_colour_the_selection_is_still_seen_and_no_colour_is_sent() {
    let mut out = Vec::new();
    Encoder::new(Depth::None).frame(&list(80, 24, 0, Some(3)), &mut out);
    let sent = String::from_utf8(out).unwrap();
    assert!(sent.contains('7'), "reverse is on somewhere");
    for escape in sent.split("\x1b[").skip(1) {
        let parameters = escape.split(|c: char| c.is_ascii_alphabetic()).next().unwrap();
        if escape.as_bytes().get(parameters.len()) == Some(&b'm') {
            assert!(
                parameters.split(';').all(|p| !p.starts_with(['3', '4', '9']) || p.len() < 2),
                "{parameters}"
            );
        }
    }
}

#[test]
fn every_letter_beyond_ascii_is_followed_by_a_move() {
    let buffer = text(&["aé決b\u{301}ccafé👩x"]);
    let mut out = Vec::new();
    Encoder::new(Depth::True).frame(&buffer, &mut out);
    let sent = String::from_utf8(out).unwrap();
    let mut chars = sent.chars().peekable();
    while let Some(c) = chars.next() {
        let mark = unicode_width::UnicodeWidthChar::width(c) == Some(0);
        let marked = chars.peek().is_some_and(|n| {
            unicode_width::UnicodeWidthChar::width(*n) == Some(0) && !n.is_control()
        });
        if (!c.is_ascii() || mark) && !marked {
            assert!(matches!(chars.peek(), Some('\x1b') | None), "after {c:?} in {sent:?}");
        }
    }
}

#[test]
fn what_acts_on_a_terminal_is_replaced_and_counted() {
    let mut buffer = text(&["abcdefgh"]);
    let hostile =
        ["\u{1b}[2J", "\u{7}", "\u{9b}", "\u{202e}", "\n", "\u{301}", &"e\u{301}".repeat(99)];
    for (cell, symbol) in buffer.content.iter_mut().zip(hostile) {
        cell.set_symbol(symbol);
    }
    let mut encoder = Encoder::new(Depth::True);
    let mut out = Vec::new();
    encoder.frame(&buffer, &mut out);
    let sent = String::from_utf8(out).unwrap();
    assert_eq!(sent.matches('\u{FFFD}').count(), 7, "{sent:?}");
    assert_eq!(encoder.replaced(), 7);
    assert_eq!(sent.matches("[2J").count(), 1, "only our own clearing: {sent:?}");
}

#[test]
fn no_size_makes_it_fail() {
    let mut encoder = Encoder::new(Depth::True);
    let mut out = Vec::new();
    for (width, height) in [(0, 0), (1, 1), (0, 9), (9, 0), (80, 24), (1, 24), (400, 120)] {
        encoder.frame(&Buffer::empty(Rect::new(0, 0, width, height)), &mut out);
        encoder.frame(&Buffer::filled(Rect::new(0, 0, width, height), Cell::new("決")), &mut out);
    }
}

fn symbol() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => prop::sample::select(&["a", "b", "0", "~"][..]),
        6 => Just(" "),
        3 => prop::sample::select(&["é", "─", "▃", "⣿", "e\u{301}", "●"][..]),
        2 => prop::sample::select(&["決", "済", "🚒"][..]),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    let color = || {
        prop::sample::select(
            &[
                Color::Reset,
                Color::Reset,
                Color::Red,
                Color::White,
                Color::Indexed(200),
                Color::Rgb(1, 2, 3),
            ][..],
        )
    };
    (color(), color(), 0u16..0x1ff).prop_map(|(fg, bg, bits)| {
        Style::new().fg(fg).bg(bg).add_modifier(Modifier::from_bits_truncate(bits & (bits >> 3)))
    })
}

/// Screens as they come: runs of one style, rows that repeat, so that moves, gaps and erasing all happen.
fn screen(width: u16, height: u16) -> impl Strategy<Value = Buffer> {
    let run = (style(), prop::collection::vec(symbol(), 1..8));
    let row = prop::collection::vec(run, 0..6);
    (prop::collection::vec(row, 1..6), prop::collection::vec(0usize..6, usize::from(height)))
        .prop_map(move |(kinds, rows)| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            for (y, kind) in rows.iter().enumerate() {
                let mut x = 0;
                for (style, symbols) in &kinds[kind % kinds.len()] {
                    for symbol in symbols {
                        let (after, _) =
                            buffer.set_stringn(x, y as u16, symbol, usize::from(width - x), *style);
                        x = after.min(width - 1);
                    }
                }
            }
            buffer
        })
}

proptest! {
    #[test]
    fn any_frame_after_any_other_looks_as_painted(
        (width, height, frames) in (1u16..24, 1u16..12).prop_flat_map(|(w, h)| {
            (Just(w), Just(h), prop::collection::vec(screen(w, h), 1..5))
        })
    ) {
        let mut encoder = Encoder::new(Depth::True);
        let mut emulator = emulator(Rect::new(0, 0, width, height));
        emulator.process(b"\x1b[?7l");
        for frame in &frames {
            let mut out = Vec::new();
            encoder.frame(frame, &mut out);
            emulator.process(&out);
            assert_looks_like(&emulator, frame);
            out.clear();
            encoder.frame(frame, &mut out);
            prop_assert!(out.is_empty(), "the same again costs {:?}", String::from_utf8_lossy(&out));
        }
    }
}
