//! Writing, checking and sharing post-mortems, as a script meets the commands: files, exit codes, and what is read back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "common/fault_server.rs"]
mod fault_server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use andon::model::{PostMortem, SourceName};
use andon::source::markdown::{File, Which, document};
use fault_server::{FaultServer, answer, json};
use serde_json::Value;

fn andon(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("USER", "ada")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn read(path: &Path) -> PostMortem {
    let bytes = std::fs::read(path).unwrap();
    let below = path.file_name().unwrap().to_str().unwrap();
    let file = File { below, path, bytes: &bytes, cut: false, which: Which::Document };
    let today = jiff::Zoned::now().date();
    document(&file, &SourceName::new("reviews"), today).unwrap()
}

/// Drafts the demo's incident with a template, and gives the path that was printed.
fn drafted(home: &Path, template: Option<&str>) -> PathBuf {
    let folder = home.to_str().unwrap();
    let mut arguments =
        vec!["post-mortem", "new", "last", "--no-edit", "--demo", "4m", "--folder", folder];
    arguments.extend(template.iter().flat_map(|t| ["--template", *t]));
    let output = andon(home, &arguments);
    assert_eq!(code(&output), 0, "{}", err(&output));
    PathBuf::from(out(&output).trim())
}

#[test]
fn what_is_drafted_is_read_back_and_claims_nothing_that_is_not_known() {
    for template in ["sre", "pagerduty"] {
        let home = tempfile::tempdir().unwrap();
        let path = drafted(home.path(), Some(template));
        let p = read(&path);
        assert!(p.title.as_str().contains("Checkout is failing"), "{template}: {}", p.title);
        assert!(p.date().is_some(), "{template}");
        assert_eq!(p.dated.as_ref().unwrap().conflicts, [], "{template}");
        assert_eq!(p.level().map(|s| s.0), Some(1), "{template}");
        assert!(p.services.iter().any(|s| s.value.as_str() == "checkout"), "{template}");
        assert!(p.timeline.len() >= 4, "{template}: {:?}", p.timeline);
        assert!(p.timeline.iter().all(|h| h.at.is_some()), "{template}");
        let told = |word: &str| p.timeline.iter().any(|h| h.text.as_str().contains(word));
        assert!(told("deploy v412") && told("HighErrorRatio fires"), "{template}");
        assert!(told("acknowledged by"), "{template}");
        assert!(p.root_cause.is_none(), "{template}: a change before is no cause");
        assert!(!p.loss.is_told(), "{template}");
        assert_eq!(p.actions, [], "{template}");
        let text = p.text.as_str();
        assert!(text.contains("before it began") && !text.contains("caused by"), "{template}");
        assert!(text.contains("| p95 |") && text.contains("on call:"), "{template}");
    }
}

#[test]
fn a_draft_never_takes_the_place_of_a_file() {
    let home = tempfile::tempdir().unwrap();
    let own = "# DATE, TITLE\n\n**Severity**: SEV-?\n\n## Timeline\n\n## Our own heading\n";
    std::fs::write(home.path().join("template.md"), own).unwrap();
    let path = drafted(home.path(), None);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("## Our own heading") && text.contains("**Severity**: SEV-1"), "{text}");
    std::fs::write(&path, "hand-written").unwrap();
    let folder = home.path().to_str().unwrap();
    let again = andon(
        home.path(),
        &["post-mortem", "new", "last", "--no-edit", "--demo", "4m", "--folder", folder],
    );
    assert_eq!(code(&again), 3);
    assert!(err(&again).contains("is there already"), "{}", err(&again));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hand-written");
    let names = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(names, 2, "nothing is left beside it");
}

#[test]
fn an_incident_nobody_knows_is_told_the_nearest_one() {
    let home = tempfile::tempdir().unwrap();
    let output = andon(home.path(), &["post-mortem", "new", "1203", "--print", "--demo", "4m"]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("did you mean `120"), "{}", err(&output));
}

#[test]
fn lint_says_file_and_line_of_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let whole = "# 2026-11-01 Pool dry\n\n**Severity**: SEV-2\n\n## Impact\n\n120 orders lost.\n\n## Root cause\n\nOne connection a line.\n\n## Actions\n\n- [ ] Cap it @ada\n";
    let part = "# 2026-11-01 Pool dry\n\n## Root cause\n\n## Impact\n\n120 orders lost.\n";
    std::fs::write(home.path().join("whole.md"), whole).unwrap();
    std::fs::write(home.path().join("part.md"), part).unwrap();
    let fine = andon(home.path(), &["post-mortem", "lint", "whole.md"]);
    assert_eq!((code(&fine), out(&fine).as_str()), (0, ""), "{}", err(&fine));
    let lacking = andon(home.path(), &["post-mortem", "lint", "whole.md", "part.md"]);
    assert_eq!(code(&lacking), 1);
    let said = out(&lacking);
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "part.md:1: missing: severity",
            "part.md:3: missing: root cause",
            "part.md:1: missing: actions"
        ]
    );
    let gone = andon(home.path(), &["post-mortem", "lint", "gone.md"]);
    assert_eq!(code(&gone), 2);
    assert!(out(&gone).starts_with("gone.md: "), "{}", out(&gone));
}

#[test]
fn the_weekly_check_ends_with_one_while_an_action_is_late_or_unowned() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("papers");
    std::fs::create_dir(&folder).unwrap();
    let config = home.path().join("andon.toml");
    let text = "[[source]]\nname = \"reviews\"\nkind = \"markdown\"\npath = \"papers\"\n";
    std::fs::write(&config, text).unwrap();
    let ask = |more: &[&str]| {
        let config = config.to_str().unwrap();
        andon(home.path(), &[&["check", "--actions", "--config", config], more].concat())
    };
    let paper = |actions: &str| {
        let text = format!("# 2026-01-01 Pool dry\n\n## Actions\n\n{actions}\n");
        std::fs::write(folder.join("2026-01-01-pool.md"), text).unwrap();
    };
    paper("- [x] Cap it @ada");
    assert_eq!(code(&ask(&[])), 0);
    paper("- [ ] Cap it @ada, due 2099-01-01");
    assert_eq!(code(&ask(&[])), 0, "open, owned and not due yet");
    paper("- [ ] Cap it @ada, due 2026-01-31");
    let late = ask(&[]);
    assert_eq!(code(&late), 1);
    assert!(out(&late).contains("2026-01-01-pool.md:5: Cap it"), "{}", out(&late));
    paper("- [ ] Cap it, due 2099-01-01");
    let orphan: Value = serde_json::from_slice(&ask(&["--format", "json"]).stdout).unwrap();
    assert_eq!((&orphan["unowned"], &orphan["overdue"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(orphan["actions"][0]["owner"], Value::Null);
    // What a poller remembers of the folder is no reason to see nothing in it.
    let mut poller = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["poll", "--config", config.to_str().unwrap()])
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let remembers = || {
        let config = config.to_str().unwrap();
        let shown = andon(home.path(), &["store", "export", "--config", config]);
        out(&shown).contains("2026-01-01-pool.md")
    };
    let begun = std::time::Instant::now();
    while !remembers() && begun.elapsed().as_secs() < 30 {
        std::thread::yield_now();
    }
    poller.kill().unwrap();
    poller.wait().unwrap();
    assert!(remembers());
    // What is carried elsewhere is for nobody else, and nothing is written over.
    let file = home.path().join("memory.jsonl");
    let export = ["store", "export", file.to_str().unwrap(), "--config", config.to_str().unwrap()];
    assert_eq!(code(&andon(home.path(), &export)), 0);
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(code(&andon(home.path(), &export)), 0);
    let known = ask(&[]);
    assert_eq!(code(&known), 1);
    assert!(out(&known).starts_with("1 of 1 action open"), "{}", out(&known));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code(&ask(&[])), 2, "nobody can say");
}

/// A Jira whose `SHOP-7` is done, whose `SHOP-8` is not, and that knows no other.
fn jira() -> FaultServer {
    let issue = |status: &str, category: &str| {
        json(&format!(
            r#"{{"fields":{{"summary":"x","status":{{"name":"{status}","statusCategory":{{"key":"{category}"}}}},
                "assignee":{{"displayName":"Jo"}}}}}}"#
        ))
    };
    FaultServer::start(move |asked, stream| {
        let path = asked.path().split('?').next().unwrap_or_default();
        let said = match path.rsplit('/').next() {
            Some("versions") => json("[]"),
            Some("SHOP-7") => issue("Shipped", "done"),
            Some("SHOP-8") => issue("In Review", "indeterminate"),
            _ => answer("404 Not Found", "Content-Type: application/json\r\n", b"{}"),
        };
        let _ = stream.write_all(&said);
    })
}

#[test]
fn an_action_stands_as_its_issue_does_where_a_source_knows_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("papers");
    std::fs::create_dir(&folder).unwrap();
    let server = jira();
    let config = home.path().join("andon.toml");
    let text = format!(
        "[[source]]\nname = \"reviews\"\nkind = \"markdown\"\npath = \"papers\"\n\
         [[source]]\nname = \"jira\"\nkind = \"jira\"\nurl = \"{}\"\nprojects = [\"SHOP\"]\n",
        server.url("/")
    );
    std::fs::write(&config, text).unwrap();
    let check = |actions: &str, more: &[&str]| {
        let text = format!("# 2026-01-01 Pool dry\n\n## Actions\n\n{actions}\n");
        std::fs::write(folder.join("2026-01-01-pool.md"), text).unwrap();
        let config = config.to_str().unwrap();
        andon(home.path(), &[&["check", "--actions", "--config", config], more].concat())
    };
    let done = check("- [ ] Cap it (SHOP-7)", &[]);
    assert_eq!((code(&done), &*out(&done)), (0, "0 of 1 action open\n"), "{}", err(&done));
    let open = check("- [x] Cap it (SHOP-8)", &[]);
    assert_eq!(code(&open), 1);
    let said = "2026-01-01-pool.md:5: Cap it (SHOP-8) (Jo, due 2026-01-29, late; done here, but In Review in SHOP-8)";
    assert!(out(&open).contains(said), "{}", out(&open));
    let told = check("- [x] Cap it (SHOP-8)", &["--format", "json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["open"], &told["conflicts"]), (&Value::from(1), &Value::from(1)));
    let action = &told["actions"][0];
    assert_eq!((&action["conflict"], &action["owner"]), (&Value::from(true), &Value::from("Jo")));
    assert_eq!(action["issue"]["word"], Value::from("In Review"));
    let unknown = check("- [ ] Cap it @ada (SHOP-9)", &[]);
    assert_eq!(code(&unknown), 1, "what nobody knows is not done");
    assert!(err(&unknown).contains("1 of 1 linked issues are not there"), "{}", err(&unknown));
    drop(server);
    let silent = check("- [ ] Cap it @ada (SHOP-7)", &[]);
    assert_eq!(code(&silent), 1, "nor is what was not heard of");
    assert!(err(&silent).contains("jira: "), "{}", err(&silent));
}

#[test]
fn a_report_says_what_happened_and_what_is_still_to_be_done() {
    let home = tempfile::tempdir().unwrap();
    let ask = |more: &[&str]| andon(home.path(), &[&["report", "--demo", "4m"], more].concat());
    let week = out(&ask(&["--since", "2w"]));
    let headings: Vec<&str> = week.lines().filter_map(|l| l.strip_prefix("## ")).collect();
    for (at, begin) in [
        "Harbour: review",
        "At ",
        "Uptime: ",
        "Incidents: ",
        "Deploys to production: ",
        "Ahead",
        "New post-mortems: ",
        "Actions: ",
        "By quarter",
    ]
    .iter()
    .enumerate()
    {
        assert!(headings[at].starts_with(begin), "{headings:?}");
    }
    let handoff = out(&ask(&["--handoff"]));
    assert!(handoff.contains("hand-off") && handoff.contains("## On call"), "{handoff}");
    let told: Value = serde_json::from_slice(&ask(&["--format", "json"]).stdout).unwrap();
    for array in
        ["services", "incidents", "deploys", "events", "post_mortems", "actions", "on_call"]
    {
        assert!(told[array].as_array().is_some_and(|a| !a.is_empty()), "{array}");
    }
    assert!(told["since"].is_string() && told["until"].is_string());
    assert_eq!(code(&ask(&["--since", "soon"])), 3);
}

/// People of the demo take turns on call by the calendar, and its numbers breathe.
fn without_what_varies(text: &str) -> String {
    let people = [
        "Noor Haddad",
        "Priya Raman",
        "Ada Nwosu",
        "Tomás Ferreira",
        "Jonas Lindqvist",
        "Li Wen 李雯",
    ];
    let mut lines: Vec<String> = Vec::new();
    let mut numbers = false;
    for line in text.lines() {
        let mut line = line.to_owned();
        for person in people {
            line = line.replace(person, "SOMEBODY");
        }
        numbers = (numbers || line.starts_with("| Number |")) && line.starts_with('|');
        let whole = line.clone();
        let cells: Vec<&str> = whole.split(" | ").collect();
        if numbers && cells.len() == 4 && !cells[0].contains("Number") && !line.starts_with("| ---")
        {
            line = format!("{} | N | N | {}", cells[0], cells[3]);
        }
        let clock = |cell: &str| cell.trim_start_matches("| ").get(13..14) == Some(":");
        if cells.len() == 2 && clock(cells[0]) {
            line = format!("| CLOCK | {}", cells[1]);
        }
        if let Some((before, _)) = whole.split_once("](http") {
            line = format!("{before}](LINK) |");
        }
        while let Some(at) = line.find("202") {
            if line.get(at..at + 10).is_none_or(|day| day.parse::<jiff::civil::Date>().is_err()) {
                break;
            }
            line.replace_range(at..at + 10, "DAY");
        }
        // Somebody may stand on several rotas, and another day on one.
        if line.starts_with("- on call: ")
            && lines.last().is_some_and(|l| l.starts_with("- on call: "))
        {
            continue;
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn a_whole_draft_is_what_a_person_would_have_written_down() {
    let home = tempfile::tempdir().unwrap();
    let output = andon(home.path(), &["post-mortem", "new", "last", "--print", "--demo", "8m"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let wanted = include_str!("drafts/checkout.md");
    assert_eq!(without_what_varies(&out(&output)).trim(), wanted.trim());
}

const OURS: &str = "# {{date}} {{title}}

**Severity**: SEV-2 unless proven otherwise

## Impact

*Money and people, please*

## Root cause

What made it possible, in one sentence for newcomers.

## Our own heading

Kept as it is, {{unknown}} as well.

## Timeline

{{timeline}}

## Actions

- [ ] Something to be done @somebody
";

#[test]
fn a_teams_own_template_is_kept_and_what_it_says_itself_is_no_answer() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("papers")).unwrap();
    std::fs::write(home.path().join("ours.md"), OURS).unwrap();
    let config = home.path().join("andon.toml");
    let write = |template: &str| {
        let text = format!(
            "[post_mortems]\ntemplate = \"{template}\"\n\
             [[source]]\nname = \"reviews\"\nkind = \"markdown\"\npath = \"papers\"\n\
             [[service]]\nname = \"checkout\"\n"
        );
        std::fs::write(&config, text).unwrap();
    };
    let ask = |more: &[&str]| {
        andon(home.path(), &[more, &["--config", config.to_str().unwrap()]].concat())
    };
    write("ours.md");
    let new = ["post-mortem", "new", "--title", "Pool dry", "--service", "checkout", "--no-edit"];
    let made = ask(&new);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let path = PathBuf::from(out(&made).trim());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("## Our own heading\n\nKept as it is, {{unknown}} as well.\n"), "{text}");
    assert!(text.contains(" Pool dry\n") && !text.contains("{{date}}"), "{text}");
    assert!(text.contains("| Time (UTC) | Event |"), "{text}");
    assert_eq!(code(&ask(&new)), 3, "what is there stays");
    let lint = ask(&["post-mortem", "lint"]);
    assert_eq!(code(&lint), 1);
    let said = out(&lint);
    let missing: Vec<&str> =
        said.lines().filter_map(|l| Some(l.split_once("missing: ")?.1)).collect();
    assert_eq!(missing, ["severity", "loss", "root cause", "actions"], "{said}");
    let filled = text
        .replace("SEV-2 unless proven otherwise", "SEV-2")
        .replace("*Money and people, please*", "Nobody noticed.")
        .replace("What made it possible, in one sentence for newcomers.", "A full disk.")
        .replace("Something to be done @somebody", "Watch the disk @ada");
    std::fs::write(&path, filled).unwrap();
    let lint = ask(&["post-mortem", "lint"]);
    assert_eq!(code(&lint), 0, "{}", out(&lint));
    for (template, why) in [("none.md", "No such file"), ("papers", "it is no file")] {
        write(template);
        let wrong = ask(&["post-mortem", "lint"]);
        assert_eq!(code(&wrong), 3, "{template}");
        let said = err(&wrong);
        assert!(said.contains("andon.toml:2:12") && said.contains(why), "{said}");
    }
    let hostile = home.path().join("hostile.md");
    std::fs::write(&hostile, b"# \x1b]52;c;eA==\x07{{title}}\n\n## Timeline\n").unwrap();
    write("hostile.md");
    let printed = ask(&["post-mortem", "new", "--title", "Pool dry", "--print"]);
    assert_eq!(code(&printed), 0, "{}", err(&printed));
    assert!(!out(&printed).contains('\x1b') && out(&printed).contains("Pool dry"));
}
