//! The commands as a script meets them: exit codes, what goes to which stream, and the shapes of machine output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, Weak};

use andon::demo::{self, Running};
use serde_json::Value;

const TABS: [&str; 5] = ["health", "incidents", "releases", "post-mortems", "sources"];

/// The demo's world four minutes into its story, served once for all tests that run at the same time.
struct Served {
    config: String,
    _running: Running,
}

fn served() -> Arc<Served> {
    static SHARED: Mutex<Weak<Served>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let running = demo::start(demo::Options { at: 240.0, ..demo::Options::default() }).unwrap();
        let file = running.folder().join("andon.toml");
        std::fs::write(&file, &running.config).unwrap();
        let config = file.to_str().unwrap().to_owned();
        let new = Arc::new(Served { config, _running: running });
        *shared = Arc::downgrade(&new);
        new
    })
}

impl Served {
    /// The real program on this world.
    fn run(&self, arguments: &[&str]) -> Output {
        let home = home();
        andon(home.path(), &[arguments, &["--config", &self.config]].concat())
    }
}

/// The real program in a home of its own, with nothing of this machine's environment.
fn andon(home: &std::path::Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn command(home: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn write_config(home: &std::path::Path, text: &str) {
    let folder = home.join(".config/andon");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("andon.toml"), text).unwrap();
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", out(output), err(output)))
}

#[test]
fn version_and_help_are_success_and_wrong_usage_is_three() {
    let home = home();
    let version = andon(home.path(), &["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(out(&version).starts_with("andon "));
    assert_eq!(andon(home.path(), &["--help"]).status.code(), Some(0));
    let wrong = andon(home.path(), &["shwo"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(err(&wrong).contains("show"), "{}", err(&wrong));
    assert!(out(&wrong).is_empty());
}

#[test]
fn without_a_configuration_the_way_in_is_named() {
    let home = home();
    for arguments in [&["check"][..], &["show", "health"], &["config"]] {
        let output = andon(home.path(), arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(err(&output).contains(".config/andon/andon.toml"), "{}", err(&output));
        for step in
            ["mkdir -p ~/.config/andon", "andon config example > ~/.config/andon/andon.toml"]
        {
            assert!(err(&output).contains(step), "{}", err(&output));
        }
    }
}

#[test]
fn a_wrong_configuration_is_located_and_ends_with_three() {
    let home = home();
    write_config(home.path(), "[[source]]\nname = \"p\"\nkind = \"prometeus\"\n");
    let output = andon(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("andon.toml:3:8"), "{}", err(&output));
    assert!(err(&output).contains("did you mean `prometheus`?"), "{}", err(&output));
}

#[test]
fn an_unknown_tab_names_the_nearest_one() {
    let output = andon(home().path(), &["show", "postmortem", "--demo"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("did you mean `post-mortems`?"), "{}", err(&output));
}

#[test]
fn schema_example_completions_and_man_are_printed() {
    let home = home();
    let schema = json(&andon(home.path(), &["config", "schema"]));
    assert_eq!(schema["title"], "andon.toml");
    let example = out(&andon(home.path(), &["config", "example"]));
    write_config(home.path(), &example);
    let effective = andon(home.path(), &["config"]);
    assert_eq!(effective.status.code(), Some(0), "{}", err(&effective));
    assert!(out(&effective).contains("team.name = \"Checkout\""), "{}", out(&effective));
    assert!(out(&effective).contains("andon.toml:8"), "{}", out(&effective));
    // What a word may be is offered too.
    let completions = out(&andon(home.path(), &["completions", "bash"]));
    for word in ["_andon", "post-mortems", "colour-blind", "environments"] {
        assert!(completions.contains(word), "{word}");
    }
    let man = out(&andon(home.path(), &["man"]));
    for part in [
        ".TH andon",
        "andon show <TAB>",
        "\\-\\-serve\\-only",
        ".SH EXIT STATUS",
        ".SH KEYS",
        ".SH FILES",
    ] {
        assert!(man.contains(part), "the page has no {part}");
    }
    for topic in ["sources", "keys", "commands", "tabs", "show"] {
        let help = andon(home.path(), &["help", topic]);
        assert!(help.status.success() && out(&help).len() > 100, "{topic}");
    }
}

#[test]
fn a_check_with_nothing_to_ask_does_not_end_well() {
    let home = home();
    write_config(home.path(), "[team]\nname = \"Harbour\"\n");
    let output = andon(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("nothing to ask"), "{}", err(&output));
}

#[test]
fn a_file_that_is_not_there_is_said_and_so_is_a_folder() {
    let home = home();
    for (name, words) in [("nowhere.toml", "does not exist"), (".", "is a folder")] {
        let file = home.path().join(name);
        let output = andon(home.path(), &["check", "--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3));
        assert!(err(&output).contains(words), "{}", err(&output));
    }
}

#[test]
fn a_dead_source_is_named_and_check_ends_with_two() {
    let home = home();
    // Port 1 on loopback: nothing listens there.
    write_config(
        home.path(),
        concat!(
            "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:1\"\n",
            "expects = [{ name = \"watchdog\", labels = { alertname = \"Watchdog\" } }]\n",
            "[[service]]\nname = \"shop\"\n",
        ),
    );
    let output = andon(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).contains("unreachable"), "{}", out(&output));
    // What has to arrive from it does not, though it never said so itself.
    assert!(out(&output).contains("alerting is broken: watchdog"), "{}", out(&output));
    let document = json(&andon(home.path(), &["check", "--format", "json"]));
    assert_eq!(document["sources"][0]["status"], "unreachable");
    assert_eq!(document["sources"][0]["last_ok"], Value::Null);
    assert_eq!(document["dead_man"][0]["arrives"], false);
    assert_eq!(document["services"][0]["name"], "shop");
}

#[test]
fn every_tab_of_the_demo_speaks_the_contract() {
    let demo = served();
    let fields: &[(&str, &str, &[&str])] = &[
        (
            "health",
            "services",
            &[
                "name",
                "health",
                "since",
                "reason",
                "metrics",
                "slos",
                "deploys",
                "incidents",
                "root_of",
                "stale",
                "flapping",
                "maintenance",
                "acked",
                "silenced",
                "partial",
            ],
        ),
        (
            "incidents",
            "incidents",
            &[
                "source", "id", "title", "service", "status", "severity", "started", "acked",
                "resolved", "who", "url", "changes",
            ],
        ),
        (
            "releases",
            "deploys",
            &[
                "source",
                "id",
                "service",
                "environment",
                "version",
                "sha",
                "started",
                "finished",
                "outcome",
                "who",
            ],
        ),
        (
            "releases",
            "events",
            &["source", "uid", "title", "kind", "start", "end", "all_day", "status", "services"],
        ),
        ("releases", "environments", &["service", "environment", "version", "deployed", "drift"]),
        (
            "post-mortems",
            "post_mortems",
            &[
                "source",
                "path",
                "title",
                "date",
                "services",
                "severity",
                "loss",
                "root_cause",
                "duration_s",
                "timeline",
                "actions",
                "completeness",
                "flags",
            ],
        ),
        (
            "sources",
            "sources",
            &[
                "name",
                "kind",
                "status",
                "age_s",
                "message",
                "latency_ms",
                "rate_left",
                "next_poll_s",
                "clock_skew_s",
                "facts",
                "last_ok",
            ],
        ),
    ];
    let documents: BTreeMap<&str, Value> = TABS
        .iter()
        .map(|tab| {
            let output = demo.run(&["show", tab, "--format", "json"]);
            assert!(output.status.success(), "{tab}: {}", err(&output));
            (*tab, json(&output))
        })
        .collect();
    for (tab, array, keys) in fields {
        let document = &documents[tab];
        for key in ["andon", "moment", "sources"] {
            assert!(!document[key].is_null(), "{tab} has no {key}");
        }
        let items = document[array].as_array().unwrap_or_else(|| panic!("{tab} has no {array}"));
        assert!(!items.is_empty(), "{tab}: {array} is empty");
        for key in *keys {
            assert!(
                items[0].as_object().unwrap().contains_key(*key),
                "{tab}: {array} has no {key}: {}",
                items[0]
            );
        }
    }
}

#[test]
fn the_demo_says_what_is_broken_since_when_and_what_changed() {
    let demo = served();
    let document = json(&demo.run(&["show", "health", "--format", "json"]));
    let services = document["services"].as_array().unwrap();
    let broken: Vec<&Value> = services.iter().filter(|s| s["health"] == "down").collect();
    assert!(!broken.is_empty(), "four minutes into the story something is down: {document:#}");
    assert!(broken.iter().any(|s| s["since"].is_string()), "{broken:#?}");
    assert!(services.iter().any(|s| s["health"] == "ok"));
    let check = andon(home().path(), &["check", "--demo", "4m"]);
    assert_eq!(check.status.code(), Some(2), "{}", out(&check));
}

#[test]
fn the_past_is_shown_as_it_was_and_says_which_moment_it_is() {
    let demo = served();
    let at = |arguments: &[&str]| demo.run(&[arguments, &["--at", "-1h"]].concat());
    let document = json(&at(&["show", "health", "--format", "json"]));
    let services = document["services"].as_array().unwrap();
    let checkout = services.iter().find(|s| s["name"] == "checkout").unwrap();
    assert_eq!(checkout["health"], "ok", "an hour ago it had not begun: {checkout:#}");
    let latency = checkout["metrics"].as_array().unwrap().iter().find(|m| m["name"] == "p95");
    assert!(
        latency.unwrap()["value"].as_f64().unwrap() < 0.4,
        "the number is of then: {latency:?}"
    );
    let report = json(&at(&["report", "--format", "json"]));
    for moment in [&document["moment"], &report["moment"]] {
        let moment: jiff::Timestamp = moment.as_str().unwrap().parse().unwrap();
        let ago = jiff::Timestamp::now().duration_since(moment).as_secs();
        assert!((3600..3900).contains(&ago), "{moment}");
    }
    let said = out(&at(&["report"]));
    let then = said.lines().find_map(|line| line.strip_prefix("## At ")).unwrap();
    let until = said.lines().find_map(|line| line.split_once(" to ")).unwrap().1;
    assert!(then.starts_with(until.trim_end()) && !said.contains("Now"), "{said}");
    let screen = out(&at(&["show", "health", "--size", "120x40"]));
    assert!(screen.contains("PAST") && screen.contains("as of"), "{screen}");
    let line = at(&["status", "--format", "json", "--no-poll"]);
    assert_eq!(json(&line)["down"], 0, "{}", err(&line));
    for (text, hint) in [("soon", "03:12"), ("2999-01-01", "still to come")] {
        let wrong = demo.run(&["show", "health", "--at", text]);
        assert_eq!(wrong.status.code(), Some(3));
        assert!(err(&wrong).contains(hint), "{}", err(&wrong));
    }
}

#[test]
fn a_printed_screen_has_its_size_and_no_escapes() {
    let demo = served();
    // Every tab at one size: the pages' own tests try the rest.
    let sizes = [
        ("120x40", 40, 120),
        ("80x24", 24, 80),
        ("60x15", 15, 60),
        ("30x5", 5, 30),
        ("10x1", 1, 10),
    ];
    for (tab, (size, rows, columns)) in TABS.iter().zip(sizes) {
        let output = demo.run(&["show", tab, "--size", size, "--keys", "j j enter"]);
        let text = out(&output);
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(text.lines().count(), rows, "{tab} {size}");
        assert!(!text.contains('\u{1b}'), "{tab} {size}");
        for line in text.lines() {
            assert!(andon::model::Clean::line(line).width() <= columns, "{tab} {size}: {line:?}");
        }
    }
    let coloured = demo.run(&["show", "health", "--size", "80x24", "--color", "always"]);
    assert!(out(&coloured).contains("\u{1b}["));
    let wrong = demo.run(&["show", "health", "--size", "80x24", "--keys", "j nokey"]);
    assert_eq!(wrong.status.code(), Some(3));
}

#[test]
fn other_formats_are_what_they_say() {
    let (home, demo) = (home(), served());
    let markdown = out(&demo.run(&["show", "health", "--format", "markdown"]));
    assert!(markdown.contains("| ---") || markdown.contains("|---"), "{markdown}");
    let csv = out(&demo.run(&["show", "health", "--format", "csv"]));
    assert!(
        csv.lines().count() > 5 && csv.lines().all(|l| l.is_empty() || l.contains(',')),
        "{csv}"
    );
    let text = andon(home.path(), &["show", "health", "--demo"]);
    assert!(out(&text).contains("checkout"), "{}", out(&text));
    assert!(!out(&text).contains('\u{1b}'));
}

#[test]
fn bounds_narrow_what_is_listed() {
    let demo = served();
    let all = json(&demo.run(&["show", "releases", "--format", "json"]));
    let none = json(&demo.run(&[
        "show",
        "releases",
        "--format",
        "json",
        "--from",
        "1999-01-01",
        "--to",
        "1999-02-01",
    ]));
    assert!(!all["deploys"].as_array().unwrap().is_empty());
    assert!(none["deploys"].as_array().unwrap().is_empty());
    let wrong = demo.run(&["show", "releases", "--from", "someday"]);
    assert_eq!(wrong.status.code(), Some(3));
}

#[test]
fn a_report_of_a_team_that_nobody_tells_of_claims_no_zeros() {
    let home = home();
    let file = home.path().join("one.toml");
    let text = concat!(
        "[[source]]\nname = \"gone\"\nkind = \"pagerduty\"\nurl = \"http://127.0.0.1:1\"\n",
        "auth = { token = \"cmd:echo x\" }\n[[service]]\nname = \"shop\"\n",
    );
    std::fs::write(&file, text).unwrap();
    let output = andon(home.path(), &["report", "--config", file.to_str().unwrap()]);
    let said = out(&output);
    for words in [
        "Not up to date: gone, never heard",
        ": 1 of 1 service not ok",
        "Uptime: 0 of 1 services watched",
        "Incidents: not known",
        "Deploys to production: not known",
        "New post-mortems: not known",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("None"), "{said}");
}

#[test]
fn a_probe_says_what_it_was_told_in_the_check() {
    let home = home();
    let file = home.path().join("one.toml");
    let text = "[[service]]\nname = \"shop\"\n[[service.probe]]\ntcp = \"127.0.0.1:1\"\n";
    std::fs::write(&file, text).unwrap();
    let output = andon(home.path(), &["check", "--config", file.to_str().unwrap()]);
    let said = out(&output);
    assert!(said.lines().next().unwrap().contains("refused the connection"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reader_who_left_is_no_error() {
    let home = home();
    let mut child = command(home.path(), &["help", "sources"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert!(child.wait().unwrap().success(), "{words}");
    assert!(words.is_empty(), "{words}");
}

#[test]
fn without_a_terminal_the_cockpit_says_so_in_one_line() {
    let home = home();
    let output = andon(home.path(), &["demo"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).is_empty());
    assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
}

/// A team whose freezes are known here and now, and one source of freezes that may be silent.
fn frozen_team(home: &std::path::Path, rest: &str) {
    write_config(
        home,
        &format!(
            "[[service]]\nname = \"shop\"\n[[service]]\nname = \"money\"\n\
             [[freeze]]\nname = \"long\"\nfrom = 2020-01-01\nuntil = 2099-01-01\n\
             services = [\"money\"]\noverride = \"ask ada\"\n{rest}"
        ),
    );
}

#[test]
fn can_deploy_says_yes_no_or_that_nobody_can_say() {
    let home = home();
    frozen_team(home.path(), "");
    let ask = |arguments: &[&str]| andon(home.path(), arguments);
    let yes = ask(&["can-deploy", "shop"]);
    assert_eq!((yes.status.code(), &*out(&yes)), (Some(0), "shop: yes: nothing is frozen\n"));
    let no = ask(&["can-deploy", "money"]);
    assert_eq!(no.status.code(), Some(1), "{}", err(&no));
    assert!(out(&no).starts_with("money: no: frozen by long until 2099-01-01 "), "{}", out(&no));
    assert!(out(&no).ends_with("to override: ask ada\n"), "{}", out(&no));
    assert_eq!(ask(&["check", "--can-deploy", "money"]).stdout, no.stdout);
    let wrong = ask(&["can-deploy", "shpo"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(err(&wrong).contains("did you mean `shop`?") && out(&wrong).is_empty());

    frozen_team(
        home.path(),
        "[[source]]\nname = \"quiet\"\nkind = \"ical\"\npath = \"gone.ics\"\nas = \"freeze\"\n",
    );
    let unknown = ask(&["can-deploy", "shop", "--format", "json"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", err(&unknown));
    let said = json(&unknown);
    assert_eq!((&said["allowed"], &said["until"]), (&Value::Null, &Value::Null));
    assert!(said["reason"].as_str().unwrap().starts_with("nobody can say: quiet, "), "{said}");
    assert_eq!(said["sources"][0]["status"], "not-found");
    let sure = json(&ask(&["can-deploy", "money", "--format", "json"]));
    assert_eq!((&sure["allowed"], &sure["override"]), (&false.into(), &"ask ada".into()));
    // In the machine's zone the year begins a little earlier or later.
    let until = sure["until"].as_str().unwrap();
    assert!(until.starts_with("2098-12-31") || until.starts_with("2099-01-01"), "{until}");
}

#[test]
fn a_credential_that_is_not_there_is_named_with_what_to_do_about_it() {
    let home = home();
    let kinds = [
        ("gitlab", "projects = [\"a/b\"]"),
        ("github", "repos = [\"a/b\"]"),
        ("jira", "projects = [\"AB\"]"),
        ("argocd", ""),
        ("incident-io", ""),
        ("pagerduty", ""),
    ];
    let one = |(kind, options): (&str, &str)| {
        format!(
            "[[source]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:9\"\n{options}\n\
             auth = {{ bearer = \"env:ANDON_NOT_SET\" }}\n"
        )
    };
    write_config(home.path(), &kinds.map(one).concat());
    let checked = andon(home.path(), &["check"]);
    let said = out(&checked);
    let advice = said.lines().filter(|l| l.trim() == "hint: set ANDON_NOT_SET before andon starts");
    assert_eq!(advice.count(), kinds.len(), "{said}{}", err(&checked));
}

#[test]
fn the_release_calendar_is_read_back_as_it_was_written() {
    let world = served();
    let written = world.run(&["show", "releases", "--format", "ics"]);
    assert_eq!(written.status.code(), Some(0), "{}", err(&written));
    let source = andon::model::SourceName::new("back");
    let read =
        andon::source::ical::calendar(&written.stdout, &source, andon::model::Purpose::Release)
            .unwrap();
    assert_eq!((read.skipped, read.notes.len()), (0, 0), "{:?}", read.notes);
    let told = json(&world.run(&["show", "releases", "--format", "json"]));
    let told = told["events"].as_array().unwrap();
    assert!(told.len() > 10);
    assert_eq!(read.events.len(), told.len());
    for (event, told) in read.events.iter().zip(told) {
        let start = told["start"].as_str().unwrap();
        let local = event.start.local();
        if told["all_day"] == true {
            assert_eq!(local.date().to_string(), start);
        } else {
            assert_eq!(format!("{local}Z"), start, "{told}");
        }
        assert_eq!(event.face.title.as_str(), told["title"].as_str().unwrap());
    }
    let wrong = world.run(&["show", "health", "--format", "ics"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(err(&wrong).contains("andon show releases --format ics"), "{}", err(&wrong));
}

/// The demo near the end of its turn, when the alert that fires always does not arrive any more: nothing else is wrong.
#[test]
fn dead_alerting_is_loud_wherever_one_looks() {
    let running = demo::start(demo::Options { at: 1_100.0, ..demo::Options::default() }).unwrap();
    let file = running.folder().join("andon.toml");
    std::fs::write(&file, &running.config).unwrap();
    let file = file.to_str().unwrap();
    let home = home();
    let check = andon(home.path(), &["check", "--config", file]);
    assert_eq!(check.status.code(), Some(2), "{}", out(&check));
    let said = out(&check);
    assert!(said.contains("alerting is broken: watchdog (alertname=\"Watchdog\")"), "{said}");
    for tab in TABS {
        let screen =
            andon(home.path(), &["show", tab, "--poll", "--size", "80x24", "--config", file]);
        assert!(out(&screen).lines().next().unwrap().contains("ALERTING BROKEN"), "{tab}");
    }
    let told = json(&andon(
        home.path(),
        &["show", "health", "--poll", "--format", "json", "--config", file],
    ));
    assert_eq!(told["dead_man"][0]["name"], "watchdog");
    assert_eq!(told["dead_man"][0]["arrives"], false);
    let healths: Vec<&str> = told["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["health"].as_str().unwrap())
        .collect();
    assert!(healths.contains(&"unknown") && !healths.contains(&"down"), "{healths:?}");
}

#[test]
fn an_expected_alert_is_configured_with_labels_and_one_that_is_not_is_suggested() {
    let home = home();
    let wrong = "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:9\"\n\
                 expects = [{ name = \"watchdog\", label = { alertname = \"Watchdog\" } }]\n";
    write_config(home.path(), wrong);
    let said = andon(home.path(), &["check"]);
    assert_eq!(said.status.code(), Some(3));
    let said = err(&said);
    assert!(said.contains(":5:") && said.contains("label") && said.contains("labels"), "{said}");
    write_config(
        home.path(),
        &wrong.replace("label = { alertname = \"Watchdog\" }", "labels = {}"),
    );
    let said = err(&andon(home.path(), &["check"]));
    assert!(said.contains(":5:") && said.contains("watchdog has no labels"), "{said}");

    let served = served();
    let text = std::fs::read_to_string(&served.config).unwrap();
    let without: Vec<&str> = text.lines().filter(|l| !l.starts_with("expects")).collect();
    let file = home.path().join("without.toml");
    std::fs::write(&file, without.join("\n")).unwrap();
    let said = out(&andon(home.path(), &["check", "--config", file.to_str().unwrap()]));
    assert!(said.contains("hint: Watchdog always fires"), "{said}");
    assert!(
        said.contains("expects = [{ name = \"watchdog\", labels = { alertname = \"Watchdog\" } }]")
    );
    assert!(!out(&served.run(&["check"])).contains("always fires"));
}
