//! A screen's whole life on a real terminal: every way out restores it, nothing that happens to it stops the program from ending.
//!
//! The program is a toy cockpit inside this test binary, started again with `ANDON_TOY` set: it shows its process id,
//! the keys it heard and the size it draws at, and can be told to misbehave.

#![cfg(target_os = "linux")]
// Helpers of a test may fail as loudly as the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]

#[path = "common/pty.rs"]
mod pty;

use std::sync::mpsc;
use std::time::Duration;

use andon::cockpit::{Code, Effect, Key, Message};
use andon::engine::run::{Screenful, Setting, run};
use andon::engine::terminal::{Terminal, clipboard::Wrap, harden};
use andon::model::Clean;
use andon::view::depth::Depth;
use jiff::{SignedDuration, Timestamp};
use pty::Pty;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use rustix::process::{Pid, Signal, kill_process};

// ---------------------------------------------------------------- the toy

struct Toy {
    keys: usize,
    pastes: usize,
    ticks: usize,
    size: String,
    /// Repaints everything all the time.
    storm: bool,
    dirty: bool,
}

impl Screenful for Toy {
    fn update(&mut self, _now: Timestamp, message: Message) -> Vec<Effect> {
        match message {
            Message::Key(Key { code: Code::Char('n'), ctrl: false, .. }) => return Vec::new(),
            Message::Key(
                Key { code: Code::Char('q'), ctrl: false, .. }
                | Key { code: Code::Char('c'), ctrl: true, .. },
            ) => return vec![Effect::Quit],
            Message::Key(Key { code: Code::Char('L'), .. }) => return vec![Effect::Redraw],
            Message::Key(Key { code: Code::Char('y'), .. }) => {
                return vec![Effect::Copy(Clean::from("PABC1"))];
            }
            Message::Key(Key { code: Code::Char('P'), .. }) => panic!("the screen's own fault"),
            Message::Key(Key { code: Code::Char('T'), .. }) => {
                let _ = std::thread::spawn(|| panic!("a source's fault")).join();
                self.keys += 1;
            }
            Message::Key(_) => self.keys += 1,
            Message::Paste(_) => self.pastes += 1,
            Message::Resized(size) => self.size = format!("{}x{}", size.width, size.height),
            Message::Clock => self.ticks += 1,
            _ => {}
        }
        self.dirty = true;
        Vec::new()
    }

    fn wake(&self) -> Option<Timestamp> {
        self.storm.then(|| Timestamp::now() - SignedDuration::from_secs(1))
    }

    fn is_dirty(&self) -> bool {
        self.dirty
    }

    fn paint(&mut self, _now: Timestamp, buffer: &mut Buffer) {
        self.dirty = false;
        buffer.reset();
        let head = format!(
            "toy {} heard {} pasted {} at {} end",
            std::process::id(),
            self.keys,
            self.pastes,
            self.size
        );
        let area = buffer.area;
        for y in 1..area.height {
            let line = format!("row {y} {}", if self.storm { self.ticks } else { 0 }).repeat(20);
            buffer.set_stringn(0, y, line, usize::from(area.width), Style::new());
        }
        buffer.set_stringn(0, 0, head, usize::from(area.width), Style::new());
    }
}

/// Not a test of its own: the program the tests below look at.
#[test]
fn toy() {
    let Ok(mode) = std::env::var("ANDON_TOY") else { return };
    let life = std::thread::Builder::new().name("ui".into()).spawn(move || {
        harden();
        let (send, news) = mpsc::channel();
        let term = std::env::var("TERM").ok();
        let mut terminal = match Terminal::open(&send, term.as_deref(), true) {
            Ok(terminal) => terminal,
            Err(e) => {
                eprintln!("andon: {e}");
                std::process::exit(2);
            }
        };
        let mut toy = Toy {
            keys: 0,
            pastes: 0,
            ticks: 0,
            size: String::new(),
            storm: mode == "storm",
            dirty: true,
        };
        let setting = Setting { depth: Depth::True, wrap: Wrap::None };
        run(&mut terminal, &news, &mut toy, setting, &mut |_| {});
        terminal.end(0);
    });
    let _ = life.unwrap().join();
}

const ARGUMENTS: [&str; 4] = ["--exact", "toy", "--nocapture", "--test-threads=1"];

fn program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

fn start(mode: &str) -> Pty {
    let mut pty = Pty::spawn(program(), &ARGUMENTS, &[("ANDON_TOY", mode)]);
    pty.until_text("heard 0 pasted 0 at 80x24 end");
    pty
}

// ---------------------------------------------------------------- ways out

#[test]
fn the_quit_key_and_ctrl_c_restore_the_terminal_and_exit_0() {
    for key in [&b"q"[..], b"\x03"] {
        let mut pty = start("calm");
        assert!(pty.screen.screen().alternate_screen() && pty.screen.screen().bracketed_paste());
        pty.type_bytes(key);
        assert_eq!(pty.wait().0, 0);
        pty.assert_restored();
    }
}

#[test]
fn signals_restore_the_terminal_and_exit_128_plus_their_number() {
    for (signal, code) in
        [(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131), (Signal::HUP, 129)]
    {
        let mut pty = start("calm");
        pty.signal(signal);
        let (ended, took) = pty.wait();
        assert_eq!(ended, code);
        println!("ended after {took:?}");
        pty.assert_restored();
    }
}

/// The real program in a home where nobody configured anything.
fn newcomer(home: &std::path::Path) -> Pty {
    let env = [("HOME", home.to_str().unwrap()), ("XDG_CONFIG_HOME", "")];
    let mut pty = Pty::spawn(env!("CARGO_BIN_EXE_andon"), &[], &env);
    pty.until_text("no team yet");
    pty.until_text("andon config example");
    pty
}

#[test]
fn a_newcomer_is_welcomed_and_keeps_the_commands_after_leaving() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = newcomer(home.path());
    let from = pty.raw.len();
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.until_raw(from, b"mkdir -p ~/.config/andon");
    pty.assert_restored();
}

#[test]
fn a_newcomer_is_one_key_from_the_demo() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = newcomer(home.path());
    pty.type_bytes(b"d");
    pty.until_text("checkout");
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
}

#[test]
fn a_closed_window_ends_the_program_even_where_the_hang_up_signal_is_ignored() {
    let mut plain = start("storm");
    plain.hang_up();
    assert_eq!(plain.wait().0, 129);

    let ignoring = format!("trap '' HUP; exec {} {}", program().display(), ARGUMENTS.join(" "));
    for mode in ["calm", "storm"] {
        let mut pty = Pty::spawn("sh", &["-c", &ignoring], &[("ANDON_TOY", mode)]);
        pty.until_text("heard 0");
        pty.hang_up();
        let (ended, took) = pty.wait();
        assert_eq!(ended, 129);
        println!("ended after {took:?}");
    }
}

#[test]
fn a_terminal_that_takes_nothing_does_not_keep_the_program() {
    for way_out in ["q", "term"] {
        let mut pty = Pty::spawn(program(), &ARGUMENTS, &[("ANDON_TOY", "calm")]);
        pty.mute = true;
        pty.resize(300, 100);
        pty.until_text("at 300x100");
        pty.fill(b"L");
        match way_out {
            "q" => pty.type_blindly(b"q"),
            _ => pty.signal(Signal::TERM),
        }
        let (ended, took) = pty.wait_blocked();
        assert_eq!(ended, if way_out == "q" { 0 } else { 143 });
        println!("ended after {took:?}");
        pty.assert_restored();
    }
}

#[test]
fn a_fault_of_the_screen_restores_it_and_a_fault_elsewhere_leaves_it_alone() {
    let mut pty = start("calm");
    pty.type_bytes(b"T");
    pty.until_text("heard 1");
    assert!(pty.screen.screen().alternate_screen());
    pty.type_bytes(b"P");
    assert_eq!(pty.wait().0, 101);
    pty.assert_restored();
    let said = pty.screen.screen().contents();
    assert!(
        said.contains("the screen's own fault") && !said.contains("a source's fault"),
        "{said}"
    );
}

// ---------------------------------------------------------------- what happens to a screen

#[test]
fn any_size_is_survived_and_a_huge_one_is_bounded() {
    let mut pty = start("calm");
    for (width, height) in [(0, 0), (1, 1), (200, 60), (1, 300), (300, 1), (65535, 65535), (7, 3)] {
        pty.resize(width, height);
        pty.type_bytes(b"j");
    }
    pty.resize(5000, 3000);
    pty.until_text("at 1000x400 end");
    assert!(pty.memory() < 100 << 20, "{} bytes", pty.memory());
    pty.resize(0, 0);
    pty.resize(60, 15);
    pty.until_text("at 60x15 end");
    pty.until("the last row", |screen| screen.contents().lines().count() == 15);
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
}

#[test]
fn a_window_that_is_as_large_as_before_by_the_time_it_is_looked_at_is_drawn_anew() {
    let mut pty = start("calm");
    for _ in 0..20 {
        // There and back at once, as a pane is zoomed by mistake: the emulator forgets what it showed.
        pty.resize(20, 5);
        pty.resize(80, 24);
        pty.until("all of it again", |screen| {
            let text = screen.contents();
            text.contains("at 80x24 end") && text.contains("row 23")
        });
    }
}

#[test]
fn a_stop_shows_the_shell_and_a_continue_draws_everything_again() {
    let mut pty = Pty::spawn(
        "bash",
        &["--norc", "--noprofile", "-i"],
        &[("PS1", "shell> "), ("ANDON_TOY", "calm")],
    );
    pty.until_text("shell>");
    pty.type_bytes(format!("{} {}\n", program().display(), ARGUMENTS.join(" ")).as_bytes());
    pty.until_text("heard 0 pasted 0");
    let toy: i32 = {
        let head = pty.screen.screen().contents();
        let words: Vec<&str> = head.split_whitespace().collect();
        words[1].parse().unwrap()
    };
    for (round, stop) in ["key", "signal"].into_iter().enumerate() {
        match stop {
            "key" => pty.type_bytes(b"\x1a"),
            _ => kill_process(Pid::from_raw(toy).unwrap(), Signal::TSTP).unwrap(),
        }
        pty.until("the shell", |screen| {
            !screen.alternate_screen() && screen.contents().matches("Stopped").count() > round
        });
        assert!(!pty.screen.screen().hide_cursor());
        let before = pty.raw.len();
        pty.type_bytes(b"fg\n");
        pty.until("the toy again", |screen| {
            screen.alternate_screen() && screen.contents().contains("row 23")
        });
        assert!(pty.raw.len() - before > 300);
        pty.type_bytes(b"j");
        pty.until_text(&format!("heard {}", round + 1));
    }
    pty.type_bytes(b"q");
    // What was typed earlier would be dropped with the other unread keys.
    pty.until("a prompt", |screen| screen.contents().trim_end().ends_with("shell>"));
    pty.type_bytes(b"exit\n");
    pty.wait();
    assert!(!pty.screen.screen().hide_cursor());
}

#[test]
fn without_a_shell_to_continue_it_ctrl_z_does_not_freeze_the_program() {
    let mut pty = start("calm");
    pty.type_bytes(b"\x1aj");
    pty.until_text("heard 1");
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
}

/// Every byte but q, ctrl-c, P, T and what begins a paste, in an order that repeats.
fn garbage() -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut garbage = Vec::new();
    while garbage.len() < 64 * 1024 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let byte = (state >> 8) as u8;
        if !matches!(byte, b'q' | 0x03 | b'P' | b'T' | b'~') {
            garbage.push(byte);
        }
    }
    garbage
}

#[test]
fn garbage_does_not_delay_the_quit_key() {
    for mute in [false, true] {
        let mut pty = start("calm");
        pty.mute = mute;
        pty.type_bytes(&garbage());
        // A sequence left open by the garbage is given up after half a second.
        let end = std::time::Instant::now() + Duration::from_millis(700);
        while std::time::Instant::now() < end {
            pty.read(Duration::from_millis(50));
        }
        pty.type_bytes(b"q");
        let (ended, took) = pty.wait();
        assert_eq!(ended, 0);
        println!("ended after {took:?}");
        pty.assert_restored();
    }
}

#[test]
fn a_paste_of_a_megabyte_is_one_paste_and_no_keys() {
    let mut pty = start("calm");
    pty.type_bytes(b"\x1b[200~");
    pty.type_bytes(&b"y\nq\x03".repeat(250_000));
    pty.type_bytes(b"\x1b[201~j");
    pty.until_text("heard 1 pasted 1");
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
}

// ---------------------------------------------------------------- bytes

#[test]
fn a_key_that_changes_nothing_writes_nothing_and_a_number_costs_a_few_bytes() {
    let mut pty = start("calm");
    // A first key, so that the frame before it was answered.
    pty.type_bytes(b"j");
    pty.until_text("heard 1");
    let before = pty.raw.len();
    pty.type_bytes(b"nnnj");
    pty.until_text("heard 2");
    let written = &pty.raw[before..];
    assert!(written.len() <= 20, "{:?}", String::from_utf8_lossy(written));
}

/// Frames that went out: each has a question behind it.
fn frames(raw: &[u8]) -> usize {
    raw.windows(4).filter(|w| w == b"\x1b[5n").count()
}

#[test]
fn one_frame_is_in_flight_and_the_next_shows_the_newest_state_only() {
    let mut pty = start("calm");
    pty.type_bytes(b"j");
    pty.until_text("heard 1");
    // From now on answers are late; this frame's is the one that is waited for.
    pty.mute = true;
    pty.type_bytes(b"j");
    pty.until_text("heard 2");
    let before = pty.raw.len();
    // What is copied passes the frames, so its arrival tells that the keys were heard.
    pty.type_bytes(b"jjjy");
    let copied = pty.until_raw(before, b"\x1b]52;c;UEFCQzE=\x07");
    pty.type_bytes(b"y");
    pty.until_raw(copied, b"\x1b]52;c;UEFCQzE=\x07");
    assert_eq!(frames(&pty.raw[before..]), 0, "no frame behind an unread one");
    pty.type_bytes(b"\x1b[0n");
    pty.until_text("heard 5");
    assert_eq!(frames(&pty.raw[before..]), 1, "one frame, the newest");
}

#[test]
fn a_terminal_that_answers_nothing_shows_every_key() {
    let mut pty = Pty::spawn(program(), &ARGUMENTS, &[("ANDON_TOY", "calm")]);
    pty.mute = true;
    for heard in 0..5 {
        pty.until_text(&format!("heard {heard}"));
        pty.type_bytes(b"j");
    }
}

#[test]
fn a_large_frame_is_shown_at_once_only_where_the_terminal_said_it_can() {
    let mut pty = start("calm");
    pty.type_bytes(b"L");
    pty.until("a bracketed frame", |_| true);
    pty.type_bytes(b"j");
    pty.until_text("heard 1");
    assert!(pty.raw.windows(8).any(|w| w == b"\x1b[?2026h"));

    let mut mute = Pty::spawn(program(), &ARGUMENTS, &[("ANDON_TOY", "calm")]);
    mute.mute = true;
    mute.until_text("heard 0");
    mute.type_bytes(b"Lj");
    mute.until_text("heard 1");
    assert!(!mute.raw.windows(8).any(|w| w == b"\x1b[?2026h"));
    mute.type_bytes(b"q");
    assert_eq!(mute.wait().0, 0);
    mute.assert_restored();
}

#[test]
fn copying_sends_the_text_to_the_terminals_clipboard() {
    let mut pty = start("calm");
    pty.type_bytes(b"yj");
    pty.until_text("heard 1");
    let sent = b"\x1b]52;c;UEFCQzE=\x07";
    assert!(pty.raw.windows(sent.len()).any(|w| w == sent));
}

// ---------------------------------------------------------------- where there is no screen

/// A plain line and exit 2: no escapes, no panic.
fn assert_refused(raw: &[u8], ended: i32) {
    let said = String::from_utf8_lossy(raw);
    assert_eq!(ended, 2, "{said}");
    assert!(
        said.contains("andon: ") && !said.contains('\u{1b}') && !said.contains("panicked"),
        "{said}"
    );
}

#[test]
fn a_terminal_that_cannot_draw_is_told_so_in_words() {
    let mut pty = Pty::spawn(program(), &ARGUMENTS, &[("ANDON_TOY", "calm"), ("TERM", "dumb")]);
    let (ended, _) = pty.wait();
    assert_refused(&pty.raw, ended);
}

#[test]
fn a_pipe_gets_no_escapes() {
    let out = std::process::Command::new(program())
        .args(ARGUMENTS)
        .env("ANDON_TOY", "calm")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_refused(&[out.stdout, out.stderr].concat(), out.status.code().unwrap());
}

#[test]
fn without_a_terminal_or_any_open_file_it_ends_with_2() {
    let arguments: Vec<&str> = std::iter::once("ANDON_TOY=calm")
        .chain([program().to_str().unwrap().to_owned().leak() as &str])
        .chain(ARGUMENTS)
        .collect();
    let mut pty = Pty::spawn_uncontrolled("env", &arguments);
    let (ended, _) = pty.wait();
    assert_refused(&pty.raw, ended);

    let closed = format!("exec {} {} <&- >&- 2>&-", program().display(), ARGUMENTS.join(" "));
    let mut pty = Pty::spawn("sh", &["-c", &closed], &[("ANDON_TOY", "calm")]);
    assert_eq!(pty.wait().0, 2);
    assert_eq!(pty.raw, b"");
}

#[test]
fn keys_come_from_the_terminal_whatever_stdin_is() {
    let redirected = format!("exec {} {} </dev/null", program().display(), ARGUMENTS.join(" "));
    let mut pty = Pty::spawn("sh", &["-c", &redirected], &[("ANDON_TOY", "calm"), ("LC_ALL", "C")]);
    pty.until_text("heard 0");
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
}

// ---------------------------------------------------------------- the real thing

/// The cockpit on the demo's world, past its first data.
fn demo(env: &[(&str, &str)]) -> Pty {
    let mut pty = Pty::spawn(env!("CARGO_BIN_EXE_andon"), &["demo"], env);
    pty.until_text("checkout");
    pty
}

#[test]
fn the_cockpit_gives_the_terminal_back() {
    let mut pty = demo(&[]);
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = tempfile::tempdir().unwrap();
        let mut pty = demo(&[("TMPDIR", folder.path().to_str().unwrap())]);
        assert_ne!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        pty.signal(signal);
        assert_eq!(pty.wait().0, code);
        pty.assert_restored();
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "the demo's folder stays behind");
    }
}

#[test]
fn the_cockpit_ends_with_its_window() {
    let ignoring = format!("trap '' HUP; exec {} demo", env!("CARGO_BIN_EXE_andon"));
    let mut pty = Pty::spawn("sh", &["-c", &ignoring], &[]);
    pty.until_text("checkout");
    pty.hang_up();
    let (ended, took) = pty.wait();
    assert_eq!(ended, 129);
    println!("ended after {took:?}");
}

#[test]
fn the_cockpit_survives_sizes_garbage_and_a_paste() {
    // Random keys may open a link, or a file.
    let mut pty = demo(&[("BROWSER", "true"), ("VISUAL", "true")]);
    for (width, height) in [(0, 0), (1, 1), (29, 4), (200, 60), (5000, 3000), (60, 15), (30, 5)] {
        pty.resize(width, height);
        pty.type_bytes(b"j");
    }
    pty.resize(80, 24);
    pty.type_bytes(b"\x1b[200~");
    pty.type_bytes(&b"y\nq\n".repeat(50_000));
    pty.type_bytes(b"\x1b[201~");
    pty.type_bytes(&garbage());
    pty.type_bytes(b"\x03");
    let (ended, took) = pty.wait();
    assert_eq!(ended, 0);
    println!("ended after {took:?}");
    pty.assert_restored();
}

#[test]
fn an_editor_has_the_terminal_to_itself_until_it_is_left() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (script, got) = (folder.path().join("editor"), folder.path().join("got"));
    let words = format!(
        "#!/bin/sh\necho EDITING $1\nread line\necho \"$line\" > {0}.part\nmv {0}.part {0}\n",
        got.display()
    );
    std::fs::write(&script, words).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut pty = demo(&[("VISUAL", script.to_str().unwrap())]);
    pty.type_bytes(b"4");
    pty.until_text("actions");
    pty.until_text("Card payments");
    pty.type_bytes(b"e");
    pty.until_text("EDITING /");
    // Neither q nor ctrl-c is ours while somebody else has the terminal; a whole line comes at once, as a shell gives it.
    pty.type_bytes(b"qqq\r");
    pty.until_text("read-only");
    assert_eq!(std::fs::read_to_string(&got).unwrap(), "qqq\n");
    pty.type_bytes(b"q");
    assert_eq!(pty.wait().0, 0);
    pty.assert_restored();
}

/// Every escape sequence in a stream, without its parameters: `[m`, `[?h`, `]`.
fn kinds_of_sequences(raw: &[u8]) -> std::collections::BTreeSet<String> {
    let text = String::from_utf8_lossy(raw);
    let sequence = |rest: &str| {
        let end =
            rest.find(|c: char| c.is_ascii_alphabetic() || matches!(c, ']' | '\\' | '_' | '^'));
        let whole: String = rest.chars().take(end.unwrap_or(0) + 1).collect();
        whole.replace(|c: char| c.is_ascii_digit() || c == ';', "")
    };
    text.split('\x1b').skip(1).map(sequence).collect()
}

#[test]
fn no_word_from_outside_acts_on_the_terminal() {
    let mut pty = demo(&[]);
    for key in ["2", "3", "v", "4", "5", "1"] {
        pty.type_bytes(key.as_bytes());
        let before = pty.raw.len();
        pty.type_bytes(b"\r");
        // No esc: with the next key right behind it, it would be alt and that key.
        pty.until_raw(before, b"\x1b[5n");
    }
    pty.type_bytes(b"q\x03");
    assert_eq!(pty.wait().0, 0);
    let ours = [
        "[m", "[H", "[J", "[K", "[C", "[G", "[r", "[M", "[L", "[n", "[c", "[?h", "[?l", "[?$p",
        "\\",
    ];
    let other: Vec<_> = kinds_of_sequences(&pty.raw)
        .into_iter()
        .filter(|kind| !ours.contains(&kind.as_str()))
        .collect();
    assert_eq!(other, Vec::<String>::new(), "links, titles and clipboard are sent on a key only");
    let text = String::from_utf8(pty.raw.clone()).unwrap();
    let acting = |c: &char| {
        (c.is_control() && !matches!(c, '\x1b' | '\r' | '\n'))
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{200B}')
    };
    assert_eq!(text.chars().find(acting), None);
}

#[test]
fn no_colour_and_no_letter_beyond_ascii_is_sent_where_they_are_not_wanted() {
    let mut pty = demo(&[("NO_COLOR", "1"), ("LC_ALL", "C")]);
    pty.type_bytes(b"jq");
    assert_eq!(pty.wait().0, 0);
    let text = String::from_utf8(pty.raw.clone()).unwrap();
    assert_eq!(text.chars().find(|c| !c.is_ascii()), None);
    for piece in text.split("\x1b[").skip(1) {
        let Some((parameters, _)) = piece.split_once('m') else { continue };
        if parameters.bytes().all(|b| b.is_ascii_digit() || b == b';') {
            for p in parameters.split(';').filter_map(|p| p.parse::<u16>().ok()) {
                assert!(!matches!(p, 30..=49 | 90..=107), "a colour: {parameters}");
            }
        }
    }
    pty.assert_restored();
}

#[test]
fn the_cockpit_says_in_words_that_it_cannot_draw() {
    let mut pty = Pty::spawn(env!("CARGO_BIN_EXE_andon"), &["demo"], &[("TERM", "dumb")]);
    let (ended, _) = pty.wait();
    assert_refused(&pty.raw, ended);
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_andon")).arg("demo").output().unwrap();
    assert_eq!(out.stdout, b"");
    assert_refused(&out.stderr, out.status.code().unwrap());
}
