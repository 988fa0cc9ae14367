//! The wall as a program on a real terminal: it hangs for weeks without a hand, says when its data are old, and leaves as it came.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "common/fault_server.rs"]
mod fault_server;
#[path = "common/pty.rs"]
#[allow(dead_code)]
mod pty;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fault_server::FaultServer;
use pty::Pty;
use rustix::process::{Pid, Signal, kill_process};

/// What the server tells where it hangs up instead of answering.
const DEAD: u64 = 0;
/// Where the number is no longer good.
const BAD: u64 = 9_000;

/// A home, a configuration of one service, and the server that tells its number.
struct Team {
    folder: tempfile::TempDir,
    server: FaultServer,
    tells: Arc<AtomicU64>,
}

impl Team {
    fn telling(first: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tells = Arc::new(AtomicU64::new(first));
        let told = tells.clone();
        let server = FaultServer::start(move |_, stream| {
            let n = told.load(Ordering::SeqCst);
            if n == DEAD {
                return;
            }
            let body = format!("{{\"n\": {n}}}");
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        });
        let team = Self { folder, server, tells };
        std::fs::create_dir(team.path("run")).unwrap();
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(team.path("run"), private).unwrap();
        // A page that never turns: only what is told moves the screen.
        let words = format!(
            "[ui.wall]\nevery = \"1h\"\n\n[[service]]\nname = \"web\"\n\n\
             [[source]]\nname = \"kpi\"\nkind = \"json\"\nurl = \"{}\"\nevery = \"1s\"\n\
             metrics = [{{ name = \"orders\", at = \"/n\", service = \"web\", role = \"business\", \
             good = \"< 1000\", bad = \"> 8000\", weight = \"critical\" }}]\n",
            team.server.url("/kpi")
        );
        std::fs::write(team.path("andon.toml"), words).unwrap();
        team
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn tells(&self, n: u64) {
        self.tells.store(n, Ordering::SeqCst);
    }

    fn env(&self) -> [(&'static str, String); 5] {
        let path = |below: &str| self.path(below).display().to_string();
        [
            ("HOME", path("")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("XDG_STATE_HOME", path("state")),
            ("XDG_CONFIG_HOME", String::new()),
            ("LC_ALL", "C.UTF-8".to_owned()),
        ]
    }

    fn arguments(&self) -> [String; 3] {
        ["--wall".into(), "--config".into(), self.path("andon.toml").display().to_string()]
    }

    fn spawn(&self, program: &str, arguments: &[&str]) -> Pty {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Pty::spawn(program, arguments, &env)
    }

    /// The wall, before anything was told.
    fn unheard(&self) -> Pty {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.spawn(env!("CARGO_BIN_EXE_andon"), &arguments)
    }

    /// The wall once it shows a number.
    fn hung(&self, shows: &str) -> Pty {
        let mut wall = self.unheard();
        wall.until_text(shows);
        wall
    }

    /// The wall's command as a shell writes it.
    fn line(&self) -> String {
        format!("{} {}", env!("CARGO_BIN_EXE_andon"), self.arguments().join(" "))
    }

    fn wait_for_polls(&self, more: usize, pty: &mut Pty) {
        let (before, end) = (self.server.asked().len(), Instant::now() + pty::PATIENCE);
        while self.server.asked().len() < before + more {
            assert!(Instant::now() < end, "nobody polls");
            pty.read(Duration::from_millis(50));
        }
    }
}

fn text(pty: &Pty) -> String {
    pty.screen.screen().contents()
}

// ---------------------------------------------------------------- ways out

#[test]
fn every_way_out_gives_the_terminal_back() {
    let team = Team::telling(711);
    for key in [&b"q"[..], b"\x03"] {
        let mut wall = team.hung("711");
        assert!(wall.screen.screen().alternate_screen() && wall.screen.screen().hide_cursor());
        wall.type_bytes(key);
        assert_eq!(wall.wait().0, 0);
        wall.assert_restored();
    }
    for (signal, code) in
        [(Signal::TERM, 143), (Signal::INT, 130), (Signal::QUIT, 131), (Signal::HUP, 129)]
    {
        let mut wall = team.hung("711");
        wall.signal(signal);
        assert_eq!(wall.wait().0, code);
        wall.assert_restored();
    }
}

#[test]
fn a_terminal_that_vanished_ends_it_even_where_the_hang_up_signal_is_ignored() {
    let team = Team::telling(711);
    let mut plain = team.hung("711");
    plain.hang_up();
    assert_eq!(plain.wait().0, 129);

    let mut ignoring = team.spawn("sh", &["-c", &format!("trap '' HUP; exec {}", team.line())]);
    ignoring.until_text("711");
    ignoring.hang_up();
    assert_eq!(ignoring.wait().0, 129);
}

#[test]
fn a_screen_nobody_reads_any_more_does_not_keep_it() {
    let team = Team::telling(711);
    let mut wall = team.unheard();
    wall.mute = true;
    wall.until_text("711");
    wall.fill(b"\x0c");
    wall.signal(Signal::TERM);
    assert_eq!(wall.wait_blocked().0, 143);
    wall.assert_restored();
}

#[test]
fn a_stop_gives_the_terminal_to_the_shell_and_a_continue_draws_what_is_true_by_then() {
    let team = Team::telling(711);
    let mut pty = team.spawn("env", &["PS1=shell> ", "bash", "--norc", "--noprofile", "-i"]);
    pty.until_text("shell>");
    pty.type_bytes(format!("{}\n", team.line()).as_bytes());
    pty.until("the wall", |screen| screen.alternate_screen() && screen.contents().contains("711"));
    for (round, shows) in ["712", "713"].into_iter().enumerate() {
        // By its key, and as another process would stop it.
        if round == 0 {
            pty.type_bytes(b"\x1a");
        } else {
            kill_process(
                Pid::from_raw(child_of(pty.pid().as_raw_nonzero().get())).unwrap(),
                Signal::TSTP,
            )
            .unwrap();
        }
        pty.until("the shell", |screen| {
            !screen.alternate_screen() && screen.contents().matches("Stopped").count() > round
        });
        assert!(!pty.screen.screen().hide_cursor());
        team.tells(712 + round as u64);
        pty.type_bytes(b"fg\n");
        pty.until("the wall again", |screen| {
            screen.alternate_screen() && screen.contents().contains(shows)
        });
    }
    pty.type_bytes(b"q");
    // What was typed earlier would be dropped with the other unread keys.
    pty.until("a prompt", |screen| screen.contents().trim_end().ends_with("shell>"));
    pty.type_bytes(b"exit\n");
    assert_eq!(pty.wait().0, 0);
    assert!(!pty.screen.screen().hide_cursor());
}

/// The newest descendant of a process: `setsid` waits for a shell, the shell for the wall.
fn child_of(pid: i32) -> i32 {
    let mut last = pid;
    loop {
        let path = format!("/proc/{last}/task/{last}/children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        let Some(next) = children.split_whitespace().last() else { return last };
        last = next.parse().unwrap();
    }
}

// ---------------------------------------------------------------- how it hangs

#[test]
fn any_size_is_survived_and_every_one_of_them_says_the_verdict() {
    let team = Team::telling(BAD);
    let mut wall = team.hung("web");
    for (width, height) in
        [(20, 5), (0, 0), (1, 1), (30, 5), (60, 15), (7, 3), (300, 100), (5000, 3000), (20, 5)]
    {
        wall.resize(width, height);
        if (width, height) == (20, 5) {
            wall.until("the verdict in letters", |s| s.contents().contains("DOWN"));
        }
    }
    for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
        wall.resize(width, height);
        wall.until("the service and its foot", |screen| {
            let text = screen.contents();
            text.contains("web") && text.contains("down") && text.contains("overview")
        });
    }
    wall.type_bytes(b"q");
    assert_eq!(wall.wait().0, 0);
    wall.assert_restored();
}

#[test]
fn it_needs_no_keys_and_answers_that_say_the_same_write_nothing_but_the_minute() {
    let team = Team::telling(711);
    let mut wall = team.hung("711");
    team.wait_for_polls(2, &mut wall);
    let before = wall.raw.len();
    team.wait_for_polls(4, &mut wall);
    let written = wall.raw.len() - before;
    assert!(written < 120, "{:?}", String::from_utf8_lossy(&wall.raw[before..]));
    team.tells(712);
    wall.until_text("712");
    // Nobody leans on its keyboard and finds a menu.
    wall.type_bytes(b"j\r/x:1t p");
    team.tells(713);
    wall.until_text("713");
    assert!(text(&wall).contains("overview"));
}

#[test]
fn a_source_that_dies_is_said_in_big_letters_with_its_age_and_comes_back_by_itself() {
    let team = Team::telling(711);
    let mut wall = team.hung("711");
    wall.resize(60, 15);
    wall.until_text("711");
    team.tells(DEAD);
    // Half a minute at least: sooner nothing is called old.
    let end = Instant::now() + Duration::from_secs(60);
    while !text(&wall).contains("DATA < 1 MIN OLD") {
        assert!(Instant::now() < end, "never said to be old:\n{}", text(&wall));
        wall.read(Duration::from_millis(50));
    }
    assert!(text(&wall).contains("711"), "what was known stays on the screen");
    assert!(text(&wall).contains("1 of 1 service ok when last heard"), "{}", text(&wall));
    team.tells(712);
    // It asks less often while nobody answers.
    let end = Instant::now() + Duration::from_secs(120);
    while !text(&wall).contains("712") {
        assert!(Instant::now() < end, "it never asked again:\n{}", text(&wall));
        wall.read(Duration::from_millis(50));
    }
    wall.until("the warning gone", |screen| !screen.contents().contains("OLD"));
    assert!(!text(&wall).contains("last heard"), "{}", text(&wall));
}

/// A process that ends with the test.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn when_the_one_who_polls_for_it_is_killed_it_polls_itself() {
    let team = Team::telling(711);
    let mut poller = Command::new(env!("CARGO_BIN_EXE_andon"));
    poller.args(["poll", "--config"]).arg(team.path("andon.toml")).envs(team.env());
    let mut poller = Other(
        poller.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    );
    let end = Instant::now() + pty::PATIENCE;
    while team.server.asked().len() < 2 {
        assert!(Instant::now() < end, "nobody polls");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut wall = team.hung("711");
    poller.0.kill().unwrap();
    poller.0.wait().unwrap();
    team.tells(712);
    wall.until_text("712");
    team.tells(713);
    wall.until_text("713");
    wall.type_bytes(b"q");
    assert_eq!(wall.wait().0, 0);
    wall.assert_restored();
}
