//! One poller for many panes, with real processes: who polls, what the server counts, and who goes on when he is gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]

#[path = "common/fault_server.rs"]
mod fault_server;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use andon::cockpit::Message;
use andon::config::{Config, Places, load, load_text};
use andon::engine::share::{Part, Relay};
use andon::model::Trouble;
use fault_server::FaultServer;
use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes so long; a test that waits for what never comes ends then.
const FOREVER: Duration = Duration::from_secs(60);
/// Seconds between two polls of a source.
const EVERY: u64 = 2;

/// A home, a runtime folder, and three endpoints that count.
struct World {
    folder: tempfile::TempDir,
    server: FaultServer,
    begun: Instant,
}

/// Answers everything with a number.
fn counting() -> FaultServer {
    FaultServer::start(|asked, stream| {
        let body = format!("{{\"n\": 1, \"path\": \"{}\"}}", asked.path());
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    })
}

impl World {
    fn new() -> Self {
        Self::of(counting())
    }

    fn of(server: FaultServer) -> Self {
        Self::asking(server, EVERY)
    }

    fn asking(server: FaultServer, every: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, server, begun: Instant::now() };
        std::fs::create_dir(world.path("run")).unwrap();
        std::fs::set_permissions(world.path("run"), std::fs::Permissions::from_mode(0o700))
            .unwrap();
        let sources: Vec<String> = ["a", "b", "c"]
            .iter()
            .map(|name| {
                format!(
                    "[[source]]\nname = \"{name}\"\nkind = \"json\"\nurl = \"{}\"\nevery = \"{every}s\"\nmetrics = [{{ name = \"n\", at = \"/n\" }}]\n",
                    world.server.url(&format!("/{name}"))
                )
            })
            .collect();
        std::fs::write(world.config(), sources.concat()).unwrap();
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn config(&self) -> PathBuf {
        self.path("andon.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        command
    }

    /// Nobody was asked more often than once an interval, from the first process's start.
    fn each_was_asked_once_per_interval(&self, takeovers: u32) {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let asked = self.server.asked();
        // As many intervals as there were, the first poll, and the one that was due when somebody took over.
        let most = self.begun.elapsed().as_secs() / EVERY + 2 + u64::from(takeovers);
        for one in asked {
            *counts.entry(one.path().to_owned()).or_default() += 1;
        }
        assert_eq!(counts.len(), 3, "{counts:?}");
        assert!(counts.values().all(|n| *n <= most), "at most {most} each: {counts:?}");
    }

    fn wait_for_polls(&self, n: usize) {
        let end = Instant::now() + FOREVER;
        while self.server.asked().len() < n {
            assert!(Instant::now() < end, "nobody polls");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// `andon poll`, and what it says of who polls.
struct Poller {
    child: Child,
    said: Receiver<String>,
}

impl Poller {
    fn start(world: &World) -> Self {
        let mut child = world.command(&["poll"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, said) = channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| drop(tell.send(line)));
        });
        Self { child, said }
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn says(&self) -> String {
        self.said.recv_timeout(FOREVER).expect("a line about who polls")
    }

    /// What it has said by now.
    fn all(&self) -> Vec<String> {
        self.said.try_iter().collect()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts some, and finds the one who polls.
fn party(world: &World, n: usize) -> (Poller, Vec<Poller>) {
    let first = Poller::start(world);
    assert_eq!(first.says(), "polled by this process");
    let others: Vec<Poller> = (1..n).map(|_| Poller::start(world)).collect();
    for other in &others {
        assert_eq!(other.says(), format!("polled by process {}", first.id()));
    }
    (first, others)
}

/// The next among them who polls, and what the rest says then.
fn successor(others: &mut Vec<Poller>) -> Poller {
    let end = Instant::now() + FOREVER;
    loop {
        assert!(Instant::now() < end, "nobody took over");
        for i in 0..others.len() {
            match others[i].said.recv_timeout(Duration::from_millis(20)) {
                Ok(line) if line == "polled by this process" => return others.remove(i),
                // Told of the new one before we asked him.
                Ok(line) => assert!(line.starts_with("polled by process"), "{line}"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("a process ended"),
            }
        }
    }
}

#[test]
fn eight_processes_ask_as_often_as_one() {
    let world = World::new();
    let started: Vec<Poller> = (0..8).map(|_| Poller::start(&world)).collect();
    let said: Vec<String> = started.iter().map(Poller::says).collect();
    let leads = said.iter().filter(|line| *line == "polled by this process").count();
    assert_eq!(leads, 1, "{said:?}");
    // CI's longer variant: the whole minute.
    let minute = std::env::var_os("ANDON_MINUTE").is_some();
    world.wait_for_polls(if minute { 90 } else { 9 });
    world.each_was_asked_once_per_interval(0);
    for poller in &started {
        assert_eq!(poller.all(), Vec::<String>::new(), "somebody complained, or changed who polls");
    }
}

#[test]
fn another_goes_on_when_the_one_who_polls_is_killed() {
    let world = World::new();
    let (mut first, mut others) = party(&world, 4);
    world.wait_for_polls(3);
    for takeovers in 1..=2 {
        first.signal(Signal::KILL);
        let next = successor(&mut others);
        let before = world.server.asked().len();
        world.wait_for_polls(before + 3);
        world.each_was_asked_once_per_interval(takeovers);
        first = next;
    }
}

#[test]
fn one_who_is_stopped_is_replaced_and_follows_when_he_goes_on() {
    let world = World::new();
    let (first, mut others) = party(&world, 3);
    world.wait_for_polls(3);
    first.signal(Signal::STOP);
    let next = successor(&mut others);
    let before = world.server.asked().len();
    world.wait_for_polls(before + 3);
    first.signal(Signal::CONT);
    assert_eq!(first.says(), format!("polled by process {}", next.id()));
    let before = world.server.asked().len();
    world.wait_for_polls(before + 3);
    // He may have asked each once more before he read that he is deposed.
    world.each_was_asked_once_per_interval(2);
    assert_eq!(next.all(), Vec::<String>::new());
}

/// A process of its own that polls until it is killed: this file, started again.
#[test]
fn one_who_polls() {
    let (Some(folder), Some(file)) =
        (std::env::var_os("ANDON_TEST_FOLDER"), std::env::var_os("ANDON_TEST_CONFIG"))
    else {
        return;
    };
    let (tell, told) = channel();
    let sink = Box::new(move |message| drop(tell.send(message)));
    let upstreams = config(Path::new(&file)).upstreams;
    let _relay = Relay::start(Some(folder.into()), "test", upstreams, Part::default(), sink);
    told.iter().for_each(drop);
}

/// What one screen was told, and when.
#[derive(Default)]
struct Screen {
    polled_by: Vec<String>,
    heard: BTreeMap<String, Vec<Instant>>,
}

impl Screen {
    fn look(&mut self, told: &Receiver<Message>) {
        for message in told.try_iter() {
            match message {
                Message::Poller(who) => self.polled_by.push(who.to_string()),
                Message::Heard(heard) => {
                    assert!(heard.outcome.is_ok(), "{:?}", heard.outcome);
                    let source = heard.source.to_string();
                    self.heard.entry(source).or_default().push(Instant::now());
                }
                _ => {}
            }
        }
    }

    fn rounds(&self) -> usize {
        if self.heard.len() < 3 { 0 } else { self.heard.values().map(Vec::len).min().unwrap_or(0) }
    }
}

/// The shortest and the longest time between two of those moments.
fn gaps(moments: &[Instant]) -> (Duration, Duration) {
    let gaps: Vec<Duration> = moments.windows(2).map(|two| two[1] - two[0]).collect();
    (gaps.iter().copied().min().unwrap(), gaps.iter().copied().max().unwrap())
}

/// The promise as it is written: if the one who polls dies, another takes over within one interval, nobody is asked
/// twice, and no screen stands still. `how` he dies: a process that is stopped holds its lock and its socket.
fn another_takes_over_within_one_interval(how: Signal) {
    let every = Duration::from_secs(4);
    let world = World::asking(counting(), every.as_secs());
    let folder = world.path("run/andon");
    let mut lead = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_who_polls", "--nocapture"])
        .env("ANDON_TEST_FOLDER", &folder)
        .env("ANDON_TEST_CONFIG", world.config())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    world.wait_for_polls(3);
    let parts: Vec<_> = (0..2).map(|_| part(&world, folder.clone())).collect();
    let mut screens: Vec<Screen> = parts.iter().map(|_| Screen::default()).collect();
    let end = Instant::now() + FOREVER;
    let mut watch = |rounds: usize| {
        while screens.iter().any(|screen| screen.rounds() < rounds) {
            for (screen, (_, told)) in screens.iter_mut().zip(&parts) {
                screen.look(told);
            }
            assert!(Instant::now() < end, "a screen stands still");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // What was heard before they came, and a round they lived to see: nothing is in the air then.
    watch(2);
    kill_process(Pid::from_child(&lead), how).unwrap();
    let dead = Instant::now();
    watch(5);
    if how == Signal::STOP {
        kill_process(Pid::from_child(&lead), Signal::CONT).unwrap();
        watch(7);
    }
    let _ = lead.kill();
    let _ = lead.wait();
    let mut asked: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for one in world.server.asked() {
        asked.entry(one.path().to_owned()).or_default().push(one.at);
    }
    assert_eq!(asked.len(), 3);
    for (path, moments) in &asked {
        // The first poll is at once, for whoever waits for a screen; from the second on the rhythm is kept.
        let (shortest, longest) = gaps(&moments[1..]);
        let after = moments.iter().map(|at| at.duration_since(moments[0]).as_secs_f32());
        let death = dead.duration_since(moments[0]).as_secs_f32();
        eprintln!("{how:?} at {death:.1}; {path} asked at {:.1?}", after.collect::<Vec<_>>());
        assert!(shortest > every * 3 / 4, "{path} was asked twice in an interval: {shortest:?}");
        assert!(longest < every * 2, "nobody took over within one interval: {longest:?}");
        assert!(moments.iter().any(|at| *at > dead), "{path}");
    }
    for screen in &screens {
        // The first was told at once, of before they came.
        let stood = screen.heard.values().map(|moments| gaps(&moments[1..]).1).max().unwrap();
        assert!(stood < every * 2, "a screen stood still for {stood:?}");
    }
    let says = |screen: &Screen, who: &str| screen.polled_by.iter().filter(|w| *w == who).count();
    let took_over: usize = screens.iter().map(|screen| says(screen, "this process")).sum();
    assert_eq!(took_over, 1, "{:?}", screens.iter().map(|s| &s.polled_by).collect::<Vec<_>>());
}

#[test]
fn when_the_one_who_polls_is_killed_another_takes_over_within_one_interval() {
    another_takes_over_within_one_interval(Signal::KILL);
}

#[test]
fn when_the_one_who_polls_is_told_to_end_another_takes_over_within_one_interval() {
    another_takes_over_within_one_interval(Signal::TERM);
}

#[test]
fn when_the_one_who_polls_is_frozen_another_takes_over_and_he_asks_nobody_when_he_wakes() {
    another_takes_over_within_one_interval(Signal::STOP);
}

/// Two configurations that name different sources at one host, each with a credential of its own choice.
fn neighbours(world: &World, names: [&str; 2]) -> [PathBuf; 2] {
    names.map(|name| {
        let file = world.path(&format!("{name}.toml"));
        let source = format!(
            "[[source]]\nname = \"{name}\"\nkind = \"json\"\nurl = \"{}\"\n\
             metrics = [{{ name = \"n\", at = \"/n\" }}]\nauth = {{ bearer = \"env:TOKEN\" }}\n",
            world.server.url(&format!("/{name}"))
        );
        std::fs::write(&file, source).unwrap();
        file
    })
}

/// What `andon check` says of a configuration, with a token.
fn checked(world: &World, config: &Path, token: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["check", "--config"])
        .arg(config)
        .env_clear()
        .env("HOME", world.folder.path())
        .env("XDG_RUNTIME_DIR", world.path("run"))
        .env("TOKEN", token)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn two_configurations_with_one_credential_keep_one_quiet() {
    let world = World::of(FaultServer::start(|_, stream| {
        let _ = stream.write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n",
        );
    }));
    let [one, other] = neighbours(&world, ["one", "other"]);
    assert!(checked(&world, &one, "canary-8").contains("rate-limited"));
    assert_eq!(world.server.asked().len(), 1);
    let said = checked(&world, &other, "canary-8");
    assert!(said.contains("rate-limited") && said.contains("to be left alone"), "{said}");
    assert_eq!(world.server.asked().len(), 1, "the other configuration asked again: {said}");
    checked(&world, &other, "canary-9");
    assert_eq!(world.server.asked().len(), 2, "another credential has limits of its own");
    for entry in std::fs::read_dir(world.path("run/andon")).unwrap().map(Result::unwrap) {
        let held = std::fs::read(entry.path()).unwrap_or_default();
        let told = String::from_utf8_lossy(&held).contains("canary");
        assert!(!told, "a credential lies in {}", entry.path().display());
    }
}

#[test]
fn two_configurations_with_one_credential_use_half_of_its_limit_together() {
    let reset = jiff::Timestamp::now().as_second() + 3000;
    let world = World::of(FaultServer::start(move |_, stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\
             x-ratelimit-limit: 12\r\nx-ratelimit-remaining: 11\r\nx-ratelimit-reset: {reset}\r\n\r\n{{\"n\": 1}}"
        );
    }));
    let both = neighbours(&world, ["one", "other"]);
    let said: Vec<String> = (0..10).map(|n| checked(&world, &both[n % 2], "canary-7")).collect();
    assert_eq!(world.server.asked().len(), 6, "half of twelve: {said:?}");
    assert!(said[9].contains("half of the hourly limit"), "{}", said[9]);
}

#[test]
fn who_was_asked_for_quiet_is_left_alone_by_the_next_process_too() {
    let world = World::of(FaultServer::start(|_, stream| {
        let _ = stream.write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n",
        );
    }));
    let first = Poller::start(&world);
    assert_eq!(first.says(), "polled by this process");
    world.wait_for_polls(1);
    let shown = |arguments: &[&str]| {
        let output = world.command(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let end = Instant::now() + FOREVER;
    while shown(&["show", "sources", "--format", "json"]).matches("\"rate-limited\"").count() < 3 {
        assert!(Instant::now() < end, "the refusals are never remembered");
    }
    drop(first);
    let asked = world.server.asked().len();
    let next = Poller::start(&world);
    assert_eq!(next.says(), "polled by this process");
    let check = shown(&["check"]);
    assert!(check.contains("rate-limited"), "{check}");
    assert_eq!(world.server.asked().len(), asked, "nobody asked again: {check}");
}

#[test]
fn an_edited_configuration_is_polled_for_itself() {
    let world = World::new();
    let first = Poller::start(&world);
    assert_eq!(first.says(), "polled by this process");
    let mut text = std::fs::read_to_string(world.config()).unwrap();
    text.push_str("[[service]]\nname = \"new\"\n");
    std::fs::write(world.config(), text).unwrap();
    let second = Poller::start(&world);
    assert_eq!(second.says(), "polled by this process");
}

#[test]
fn a_very_long_folder_is_no_obstacle() {
    let mut world = World::new();
    let long = world.path("run").join("x".repeat(200));
    std::fs::create_dir(&long).unwrap();
    std::fs::set_permissions(&long, std::fs::Permissions::from_mode(0o700)).unwrap();
    world.begun = Instant::now();
    let start = || {
        let mut command = world.command(&["poll"]);
        let mut child =
            command.env("XDG_RUNTIME_DIR", &long).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        (child, line)
    };
    let (mut first, said) = start();
    assert_eq!(said, "polled by this process\n");
    let (mut second, said) = start();
    assert_eq!(said, format!("polled by process {}\n", first.id()));
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn nothing_shared_is_open_to_others() {
    let world = World::new();
    let (_first, _others) = party(&world, 2);
    world.wait_for_polls(3);
    let mut seen = 0;
    for entry in std::fs::read_dir(world.path("run/andon")).unwrap().map(Result::unwrap) {
        let meta = std::fs::symlink_metadata(entry.path()).unwrap();
        assert_eq!(meta.mode() & 0o077, 0, "{}", entry.path().display());
        seen += 1;
    }
    assert!(seen >= 3, "a lock, a door and a socket at least");
}

fn config(file: &Path) -> Config {
    let places = Places { file: Some(file.to_owned()), ..Places::default() };
    load(&places).unwrap_or_else(|problems| panic!("{problems}")).unwrap()
}

/// A part of this process in the polling of `folder`.
fn part(world: &World, folder: PathBuf) -> (Relay, Receiver<Message>) {
    let (tell, told) = channel();
    let sink = Box::new(move |message| drop(tell.send(message)));
    let upstreams = config(&world.config()).upstreams;
    (Relay::start(Some(folder), "test", upstreams, Part::default(), sink), told)
}

fn poller(told: &Receiver<Message>) -> String {
    loop {
        if let Message::Poller(who) = told.recv_timeout(FOREVER).unwrap() {
            return who.to_string();
        }
    }
}

/// The sources that were heard, with the number of facts each told.
fn heard(told: &Receiver<Message>, n: usize) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    while all.len() < n {
        if let Message::Heard(heard) = told.recv_timeout(FOREVER).unwrap() {
            assert_eq!(heard.freshness.kind, "json");
            assert!(heard.freshness.next_poll.is_some());
            let report = heard.outcome.unwrap();
            all.insert(heard.source.to_string(), report.facts.len());
        }
    }
    all
}

#[test]
fn who_follows_hears_what_was_heard_before_he_came_and_what_comes_after() {
    let world = World::new();
    let folder = world.path("run/andon");
    let (lead, told) = part(&world, folder.clone());
    assert_eq!(poller(&told), "this process");
    let first = heard(&told, 3);
    assert!(first.values().all(|facts| *facts == 1), "{first:?}");
    let (follower, follows) = part(&world, folder);
    assert_eq!(poller(&follows), format!("process {}", std::process::id()));
    let asked = world.server.asked().len();
    assert_eq!(heard(&follows, 3), first, "told at once, without asking anybody");
    assert!(asked <= 6, "joining asked somebody: {asked}");
    assert_eq!(heard(&follows, 3), first, "and goes on hearing");
    // A wish for fresh data goes to the one who polls.
    let before = world.server.asked().len();
    follower.poll(andon::cockpit::Which::All);
    world.wait_for_polls(before + 3);
    drop(lead);
    assert_eq!(poller(&follows), "this process");
    assert_eq!(heard(&follows, 3), first);
}

/// A report as bytes, or the trouble; and the freshness.
type Words = (Result<Vec<u8>, Trouble>, String);

#[test]
fn everything_that_is_told_of_a_whole_team_crosses_the_socket_unchanged() {
    let running =
        andon::demo::start(andon::demo::Options { at: 240.0, ..Default::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let config = load_text(&running.config, running.folder(), &[]);
        let upstreams = config.unwrap_or_else(|problems| panic!("{problems}")).upstreams;
        let (tell, told) = channel();
        let sink = Box::new(move |message| drop(tell.send(message)));
        let place = Some(folder.path().join("andon"));
        let names: Vec<String> = upstreams.iter().map(|u| u.name.to_string()).collect();
        (Relay::start(place, "demo", upstreams, Part::default(), sink), told, names)
    };
    // By source and moment, what was told in full.
    let listen = |told: &Receiver<Message>, wanted: &mut dyn FnMut(String, Words) -> bool| {
        loop {
            if let Message::Heard(heard) = told.recv_timeout(FOREVER).unwrap() {
                // A report as it is written down: what is only a cache is not in it.
                let words = (
                    heard.outcome.map(|report| postcard::to_stdvec(&report).unwrap()),
                    format!("{:?}", heard.freshness),
                );
                if wanted(format!("{} {}", heard.source, heard.at), words) {
                    return;
                }
            }
        }
    };
    let (_lead, told, names) = start();
    assert_eq!(poller(&told), "this process");
    let mut first = BTreeMap::new();
    listen(&told, &mut |key, words| {
        first.insert(key, words);
        first.len() >= names.len()
    });
    let (_follower, follows, _) = start();
    let mut same = 0;
    listen(&follows, &mut |key, words| {
        if let Some(known) = first.get(&key) {
            assert!(*known == words, "{key}: {} {}", known.1, words.1);
            same += 1;
        }
        same >= names.len()
    });
}

#[test]
fn where_no_lock_can_be_had_each_polls_alone_and_says_so() {
    let world = World::new();
    let open = world.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (_one, told) = part(&world, open);
    let who = poller(&told);
    assert!(who.starts_with("this process, for itself alone:"), "{who}");
    assert_eq!(heard(&told, 3).len(), 3);
}

/// Processes whose command line names this world.
fn running(world: &World) -> Vec<(u32, String)> {
    let config = world.config();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(config.to_str().unwrap()) && line.contains(" poll ") {
            found.push((pid, line));
        }
    }
    found
}

/// The state and the session of a process, and its terminal.
fn stat(pid: u32) -> Option<(String, i32, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields[0].to_owned(), fields[3].parse().ok()?, fields[4].parse().ok()?))
}

#[cfg(target_os = "linux")]
#[test]
fn a_status_line_wakes_one_poller_that_belongs_to_nobody() {
    let world = World::new();
    let asks: Vec<Child> = (0..8)
        .map(|_| world.command(&["status"]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for ask in asks {
        let output = ask.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    }
    world.wait_for_polls(3);
    let woken = running(&world);
    assert_eq!(woken.len(), 1, "{woken:?}");
    let (pid, _) = woken[0];
    let (state, session, terminal) = stat(pid).unwrap();
    assert_ne!(state, "Z");
    assert_eq!((session.cast_unsigned(), terminal), (pid, 0), "a session of its own, no terminal");
    for fd in 0..3 {
        let open = std::fs::read_link(format!("/proc/{pid}/fd/{fd}"));
        assert!(open.is_err() || open.unwrap() == Path::new("/dev/null"));
    }
    // What it heard is said by the next who asks.
    let end = Instant::now() + FOREVER;
    loop {
        let output = world.command(&["status", "--format", "json"]).output().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        if read["sources"].as_array().unwrap().len() == 3 && read["stale"] == false {
            break;
        }
        assert!(Instant::now() < end, "{read}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(running(&world).len(), 1);
    world.each_was_asked_once_per_interval(0);
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::TERM).unwrap();
    while stat(pid).is_some_and(|(state, ..)| state != "Z") {
        assert!(Instant::now() < end, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}
