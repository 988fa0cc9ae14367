//! The status line as a bar meets it: the real program, a real tmux, hostile words, and nothing that holds a bar up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use andon::engine::share::Place;
use andon::insight::Verdict;
use andon::model::{Clean, Health, Name};
use andon::print::status::{Glance, Taste};
use serde_json::Value;

/// A home with a configuration, a runtime folder, and what somebody who polls would have left.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(home.path("home/.config/andon")).unwrap();
        std::fs::create_dir(home.path("run")).unwrap();
        std::fs::set_permissions(home.path("run"), std::fs::Permissions::from_mode(0o700)).unwrap();
        home
    }

    fn configured() -> Self {
        let home = Self::new();
        std::fs::write(home.config(), "[team]\nname = \"Shop\"\n").unwrap();
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn config(&self) -> PathBuf {
        self.path("home/.config/andon/andon.toml")
    }

    fn place(&self) -> Place {
        let files = [PathBuf::from("/etc/andon/andon.toml"), self.config()];
        Place::within(self.path("run/andon"), &files)
    }

    fn leave(&self, glance: &Glance) {
        let place = self.place();
        place.write(&place.status(), glance.encode().as_bytes()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command
            .args(arguments)
            .args(["status", "--no-poll"])
            .env_clear()
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        command
    }

    fn say(&self, arguments: &[&str]) -> String {
        said(&self.command(&[]).args(arguments).output().unwrap())
    }
}

/// The one line of a program that ended well and complained of nothing.
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.matches('\n').count(), 1, "{text:?}");
    text.trim_end_matches('\n').to_owned()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What somebody heard `age` seconds ago.
fn heard(age: i64) -> Glance {
    let at = now() - age;
    Glance {
        written: at,
        heard: Some(at),
        stale_at: at + 3600,
        gone_at: at + 7200,
        verdict: Verdict {
            worst: Health::Down,
            named: vec![Name::new("checkout")],
            down: 1,
            ..Verdict::default()
        },
        services: 3,
        ..Glance::default()
    }
}

#[test]
fn it_always_prints_one_line_and_ends_with_zero() {
    let home = Home::new();
    assert!(home.say(&[]).contains("no configuration"));
    let home = Home::configured();
    assert!(home.say(&[]).contains("nobody polls"));
    assert!(home.say(&["--format", "tmux"]).contains("nobody polls"));
    home.leave(&heard(0));
    assert_eq!(home.say(&[]), "✖ 1 down: checkout");
    assert!(home.say(&["--fromat", "tmux"]).contains("`--fromat` is no option"));
    assert!(home.say(&["--format"]).contains("--format needs a value"));
    assert!(home.say(&["--format=xml"]).contains("formats are plain"));
    assert!(home.say(&["--template", "{dwon}"]).contains("no field `dwon`"));
    assert!(home.say(&["--config", "/nowhere/andon.toml"]).contains("no configuration"));
    std::fs::write(home.place().status(), "garbage").unwrap();
    assert!(home.say(&[]).contains("cannot read"));
}

#[test]
fn old_data_say_their_age_and_very_old_ones_conclude_nothing() {
    let home = Home::configured();
    home.leave(&heard(3660));
    assert_eq!(home.say(&[]), "✖ 1 down: checkout · 1 h 1 m old");
    home.leave(&heard(9000));
    let read: Value = serde_json::from_str(&home.say(&["--format", "json"])).unwrap();
    assert_eq!((&read["worst"], &read["down"]), (&Value::from("unknown"), &Value::Null));
    assert!(read["age_s"].as_i64().unwrap() >= 9000);
}

#[test]
fn taste_is_read_from_what_was_left_and_the_command_line_wins() {
    let home = Home::configured();
    let template = Some(Clean::from("{down} broken"));
    let taste = Taste { template, ascii: true, ..Taste::default() };
    home.leave(&Glance { taste, ..heard(0) });
    assert_eq!(home.say(&[]), "1 broken");
    assert_eq!(home.say(&["--template", "{mark}{names}"]), "Xcheckout");
}

#[test]
fn one_configuration_named_two_ways_has_one_line() {
    let home = Home::configured();
    let files = [home.config().canonicalize().unwrap()];
    let place = Place::within(home.path("run/andon"), &files);
    place.write(&place.status(), heard(0).encode().as_bytes()).unwrap();
    // By the usual places, where /etc has none, and by its own name.
    if !Path::new("/etc/andon/andon.toml").exists() {
        assert_eq!(home.say(&[]), "✖ 1 down: checkout");
    }
    let named = home.config();
    assert_eq!(home.say(&["--config", named.to_str().unwrap()]), "✖ 1 down: checkout");
    let before = home.command(&["--config", named.to_str().unwrap()]).output().unwrap();
    assert_eq!(said(&before), "✖ 1 down: checkout");
}

#[test]
fn a_runtime_folder_that_is_not_private_is_not_used() {
    let home = Home::configured();
    home.leave(&heard(0));
    std::fs::set_permissions(home.path("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(home.say(&[]).contains("nobody polls"));
}

#[test]
fn following_prints_a_line_for_each_change_and_ends_when_nobody_reads() {
    let home = Home::configured();
    home.leave(&heard(0));
    let mut child = home.command(&[]).arg("--follow").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "✖ 1 down: checkout");
    // The same again is no news.
    home.leave(&Glance { written: now() + 1, ..heard(0) });
    let verdict = Verdict { worst: Health::Ok, ..Verdict::default() };
    home.leave(&Glance { verdict, ..heard(0) });
    assert_eq!(lines.next().unwrap().unwrap(), "● 3 ok");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_words_of_its_grammar_are_those_it_understands() {
    use clap::CommandFactory as _;
    let home = Home::configured();
    home.leave(&heard(0));
    let cli = andon::command::Cli::command();
    let status = cli.find_subcommand("status").unwrap();
    for option in status.get_arguments().chain(cli.get_arguments().filter(|a| a.is_global_set())) {
        // The past is not in the small file: `--at` is answered by the whole program.
        let apart = ["help", "follow", "push", "at"];
        let Some(long) = option.get_long().filter(|l| !apart.contains(l)) else { continue };
        let mut arguments = vec![format!("--{long}")];
        match long {
            "format" => arguments.push("plain".to_owned()),
            "config" => arguments.push(home.config().to_str().unwrap().to_owned()),
            _ if option.get_action().takes_values() => arguments.push("x".to_owned()),
            _ => {}
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = home.say(&arguments);
        assert!(!said.contains("andon status:"), "{said}");
    }
    let formats: Vec<&str> =
        andon::print::status::Format::ALL.iter().map(|format| format.name()).collect();
    assert_eq!(formats, andon::config::STATUS_FORMATS);
}

/// A tmux of its own; ends with the test.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// `None`, and said so, where tmux is not installed.
    fn start(home: &Home) -> Option<Self> {
        let tmux = Self { socket: home.path("tmux") };
        let begun = tmux
            .command(&["-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "10"])
            .arg("sleep 60")
            .env("HOME", home.path("home"))
            .status();
        if begun.is_ok_and(|status| status.success()) {
            return Some(tmux);
        }
        eprintln!("skipped: tmux is not installed");
        None
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(arguments);
        command.env_remove("TMUX").stdin(Stdio::null());
        command
    }

    fn expand(&self, format: &str) -> String {
        let output = self.command(&["display-message", "-p", "-t", "t", format]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).stderr(Stdio::null()).status();
    }
}

#[test]
fn hostile_words_pushed_into_tmux_stay_words() {
    let home = Home::configured();
    let Some(tmux) = Tmux::start(&home) else { return };
    let trap = home.path("trap");
    let words = format!(
        "#[bg=red]x#{{pane_pid}} #(touch {}) ##S %H $(touch {}) `touch {}` ; kill-server ;",
        trap.display(),
        trap.display(),
        trap.display()
    );
    home.leave(&Glance { incident: Clean::line(&words), ..heard(0) });
    let output = home
        .command(&[])
        .args(["--push", "--template", "{incident}", "--format", "tmux"])
        .env("TMUX", format!("{},1,0", tmux.socket.display()))
        .output()
        .unwrap();
    let line = said(&output);
    assert_eq!(tmux.expand("#{@andon}"), line, "the option holds what was printed");
    // Drawn in the status line it is the words themselves: tmux reads ## as #, and obeys nothing.
    let drawn = tmux.command(&["set-option", "-g", "status-right-length", "200"]).status().unwrap();
    assert!(drawn.success());
    assert_eq!(
        tmux.expand("#{w:@andon}"),
        words.len().to_string(),
        "its width is that of the words"
    );
    assert_eq!(tmux.expand("#{session_name}"), "t", "the server lives");
    assert!(!trap.exists(), "a command of the words was run");
}

#[test]
fn the_program_needs_no_file_of_the_host_it_is_copied_to() {
    // `assets/link.rs` says what it could do: another linker, or no C library as an archive, and all is as is usual.
    if env!("ANDON_LINKED") != "alone" {
        eprintln!("skipped: here programs are built that take their C library from the host");
        return;
    }
    // The ELF header: where the program headers begin, how long each is, and how many; type 3 names a loader.
    let file = std::fs::read(env!("CARGO_BIN_EXE_andon")).unwrap();
    let number = |at: usize, bytes: usize| {
        file[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (begin, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    assert!(count > 0, "no program headers");
    let kinds: Vec<usize> = (0..count).map(|i| number(begin + i * size, 4)).collect();
    assert!(!kinds.contains(&3), "it asks for a loader: {kinds:?}");
}
