//! What Markdown looks like as lines: goldens by eye, and no width or text that panics or overflows.

use super::*;

fn text(markdown: &str, width: usize) -> Vec<String> {
    lines(&Clean::body(markdown, 1 << 20), width).iter().map(Line::text).collect()
}

#[test]
fn paragraphs_wrap_at_blanks_and_long_words_anywhere() {
    assert_eq!(
        text("one two three\nfour\n\nabcdefghijklmnop x", 9),
        ["one two", "three", "four", "", "abcdefghi", "jklmnop x"]
    );
    assert_eq!(text("hard  \nbreak<br/>here", 20), ["hard", "break", "here"]);
}

#[test]
fn lists_nest_and_keep_their_numbers() {
    let markdown = "- one\n- two words that wrap\n  1. first\n  2. second\n     - deep\n- [x] done\n- [ ] open";
    assert_eq!(
        text(markdown, 14),
        [
            "• one",
            "• two words",
            "  that wrap",
            "  1. first",
            "  2. second",
            "     • deep",
            "• [x] done",
            "• [ ] open",
        ]
    );
}

#[test]
fn loose_lists_keep_their_air() {
    assert_eq!(text("1. a\n\n2. b\n\nafter", 20), ["1. a", "", "2. b", "", "after"]);
}

#[test]
fn quotes_have_a_bar_on_every_line() {
    assert_eq!(text("> a b c\n>\n> d\n\nafter", 5), ["│ a b", "│ c", "│ ", "│ d", "", "after"]);
}

#[test]
fn code_keeps_its_blanks_and_wraps_hard() {
    assert_eq!(text("```sh\n  ls  -l\n\nabcdefgh\n```", 8), ["sh", "  ls  -l", "", "abcdefgh"]);
    assert_eq!(text("    abcdefgh", 4), ["abcd", "efgh"]);
}

#[test]
fn tables_are_fitted_to_the_width() {
    let table = "| Time | Event |\n|---:|---|\n| 12:00 | it broke in the night |\n| 9:30 | ok |";
    assert_eq!(
        text(table, 40),
        [
            " Time │ Event",
            "──────┼──────────────────────",
            "12:00 │ it broke in the night",
            " 9:30 │ ok",
        ]
    );
    assert_eq!(
        text(table, 20),
        [
            " Time │ Event",
            "──────┼─────────────",
            "12:00 │ it broke in",
            "      │ the night",
            " 9:30 │ ok",
        ]
    );
    assert_eq!(
        text(table, 8),
        [
            "Time:", "12:00", "Event:", "it broke", "in the", "night", "", "Time:", "9:30",
            "Event:", "ok", ""
        ]
    );
}

#[test]
fn links_are_numbered_and_listed_once() {
    let markdown =
        "see [the log](https://x/1) and [again](https://x/1), <https://x/2>, ![graph](g.png)";
    assert_eq!(
        text(markdown, 80),
        [
            "see the log[1] and again[1], https://x/2, image: graph[2]",
            "",
            "[1] https://x/1",
            "[2] g.png",
        ]
    );
}

#[test]
fn headings_stand_apart_and_are_in_the_outline() {
    let clean = Clean::body("# Title\nwords\n## Part `x`\n- a\n\nSet\n===", 1000);
    let read = reading(&clean, 40);
    let words: Vec<String> = read.lines.iter().map(Line::text).collect();
    assert_eq!(words, ["Title", "words", "", "Part x", "• a", "", "Set"]);
    let outline: Vec<(u8, &str, usize)> =
        read.outline.iter().map(|h| (h.level, h.text.as_str(), h.line)).collect();
    assert_eq!(outline, [(1, "Title", 0), (2, "Part x", 3), (1, "Set", 6)]);
    assert_eq!(read.lines[0].0[0].tone, Tone::Title);
}

#[test]
fn emphasis_is_a_tone_and_not_a_mark() {
    let clean = Clean::body("a **b** *c* `d` ~~e~~", 100);
    let line = &lines(&clean, 40)[0];
    assert_eq!(line.text(), "a b c d e");
    let tone = |word: &str| line.0.iter().find(|s| s.text.as_str().contains(word)).unwrap().tone;
    assert_eq!(
        [tone("b"), tone("c"), tone("d"), tone("e")],
        [Tone::Strong, Tone::Accent, Tone::Code, Tone::Dim]
    );
}

#[test]
fn front_matter_html_and_comments_do_not_shout() {
    assert_eq!(text("---\ntitle: x\n---\n\nwords", 20), ["title: x", "", "words"]);
    assert_eq!(
        text("<!-- for writers -->\n\n<div>\nshown\n</div>\n\n<b>x</b> y", 20),
        ["shown", "", "x y"]
    );
}

#[test]
fn entities_bring_no_controls() {
    let out = text("a&#27;[31m&#7;b&#x202e;c `x` &#10;d", 40).join("");
    assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']), "{out:?}");
}

#[test]
fn bombs_are_flat() {
    let quotes = format!("{} deep", ">".repeat(20_000));
    let out = text(&quotes, 80);
    assert!(out.len() <= 3 && out[0].width() <= 80, "{} lines", out.len());
    let lists = (0..2_000).map(|i| " ".repeat(i) + "- x").collect::<Vec<_>>().join("\n");
    assert!(text(&lists, 40).iter().all(|line| line.width() <= 40));
    let brackets = "[".repeat(50_000);
    assert!(text(&brackets, 80).len() < 1_000);
    let long = "| a ".repeat(5_000);
    assert!(!text(&format!("{long}|\n{}|\n", "|---".repeat(5_000)), 80).is_empty());
}

proptest::proptest! {
    #[test]
    fn no_line_is_wider_than_asked(
        markdown in "(?s).{0,300}|([#>*_`\\[\\]()|~\\- 0-9.\n!<&;a漢👩é]|\n\n|```){0,200}",
        width in 0usize..60,
    ) {
        let clean = Clean::body(&markdown, 4096);
        let read = reading(&clean, width);
        for line in &read.lines {
            // One cluster may need two columns, and a line holds at least one cluster.
            proptest::prop_assert!(line.width() <= width.max(2), "{:?} at {width}", line.text());
        }
        for head in &read.outline {
            proptest::prop_assert!(head.line <= read.lines.len());
        }
    }
}
