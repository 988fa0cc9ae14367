//! Judges that nobody of us wrote: official descriptions look at our requests, strangers' clients at our demo.
//!
//! They need tools and a network, so they run only with `ANDON_STRANGERS=1`; what is missing is said and skipped.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps
)]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use andon::demo::cast;
use andon::source::{Http, HttpAnswer, Method, argocd, github, jira, pagerduty};
use common::fixtures::transcript;
use common::poll::{World, answered, ok, target};

const NOW: &str = "2026-11-22T10:00:00Z";

/// Packages and what they are needed for; versions are pinned, so that a failure is ours.
const PACKAGES: [&str; 3] =
    ["@stoplight/prism-cli@5.16.0", "@octokit/openapi@23.0.2", "@octokit/graphql-schema@15.26.1"];

fn asked_for(what: &str) -> bool {
    let asked = std::env::var_os("ANDON_STRANGERS").is_some_and(|v| v == "1");
    if !asked {
        let _ = writeln!(std::io::stderr(), "skipped: {what} runs with ANDON_STRANGERS=1 only");
    }
    asked
}

/// A tool of this machine, or a word about why the test is skipped.
fn has(tool: &str) -> bool {
    let found = Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !found {
        let _ = writeln!(std::io::stderr(), "skipped: there is no {tool}");
    }
    found
}

/// The packages below need Node 20: an older one would fail in the middle of a test.
fn node_is_new_enough() -> bool {
    let said = Command::new("node").arg("--version").output().map(|o| o.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let major = said.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    let enough = major.is_some_and(|major: u32| major >= 20);
    if !enough {
        let said = said.trim();
        let _ = writeln!(std::io::stderr(), "skipped: node is {said:?}, and 20 or newer is needed");
    }
    enough
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers").join(file)
}

/// A folder below `target` that is kept: a second run installs nothing.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strangers").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder with node's packages, or `None` with a word.
fn packages() -> Option<PathBuf> {
    let _one = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !has("npm") || !node_is_new_enough() {
        return None;
    }
    let folder = folder("node");
    let done = folder.join("installed");
    if !done.exists() {
        std::fs::write(folder.join("package.json"), "{\"private\":true}").unwrap();
        let out = Command::new("npm")
            .args(["install", "--silent", "--no-fund", "--no-audit", "--fetch-retries=1"])
            .args(PACKAGES)
            .env("SCARF_ANALYTICS", "false")
            .current_dir(&folder)
            .output()
            .unwrap();
        if !out.status.success() {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: npm could not install: {}",
                String::from_utf8_lossy(&out.stderr)
            );
            return None;
        }
        std::fs::write(done, "").unwrap();
    }
    Some(folder)
}

fn succeeded(what: &str, out: &Output) -> String {
    let (said, complained) =
        (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{what}: {said}{complained}");
    said.into_owned()
}

/// Ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something listens, for at most half a minute.
fn wait_for(port: u16, child: &mut Running) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.0.try_wait().unwrap().is_none(), "it ended before it listened");
        assert!(began.elapsed() < Duration::from_secs(30), "nothing listens");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One request over a socket of its own: a stranger should see what we would send, not what a client makes of it.
fn send(port: u16, http: &Http, extra: &[(&str, &str)]) -> HttpAnswer {
    let method = match http.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
    };
    let mut request = format!(
        "{method} {} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n",
        target(http)
    );
    let headers = http.headers.iter().map(|(n, v)| (*n, v.as_str())).chain(extra.iter().copied());
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    let mut bytes = Vec::new();
    if let Some((kind, body)) = &http.body {
        let length = body.len().to_string();
        request.extend([
            "content-type: ",
            kind,
            "
content-length: ",
            &length,
            "
",
        ]);
        bytes = body.to_vec();
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    let end = heard.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&heard[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
        .collect();
    let body = &heard[end + 4..];
    let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    let borrowed: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
    answered(http, status, &borrowed, body)
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&body[..end]), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}

/// A mock made of an official description; it says in `sl-violations` what is wrong with a request.
fn mock(packages: &Path, description: &Path, slice: &str, paths: &[&str]) -> (Running, u16) {
    let out = packages.join(slice);
    let sliced = Command::new("node")
        .arg(here("slice.mjs"))
        .args([description, &out])
        .args(paths)
        .output()
        .unwrap();
    succeeded("slice.mjs", &sliced);
    let port = free_port();
    let child = Command::new("node")
        .arg("node_modules/@stoplight/prism-cli/dist/index.js")
        .args(["mock", "-h", "127.0.0.1", "-p", &port.to_string()])
        .arg(&out)
        .current_dir(packages)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    wait_for(port, &mut running);
    (running, port)
}

/// What the description has against a request; faults of its own example answers are not ours.
fn faults(answer: &HttpAnswer) -> Vec<String> {
    let Some(list) = answer.header("sl-violations") else { return Vec::new() };
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let ours = |v: &&serde_json::Value| v["location"][0] == "request";
    list.as_array().unwrap().iter().filter(ours).map(ToString::to_string).collect()
}

#[test]
fn githubs_own_schema_accepts_every_question() {
    if !asked_for("the judgement of GitHub's schema") {
        return;
    }
    let Some(packages) = packages() else { return };
    std::fs::copy(here("validate.mjs"), packages.join("validate.mjs")).unwrap();
    let mut command = Command::new("node");
    command.arg("validate.mjs").current_dir(&packages);
    for repos in [1, 6] {
        let file = packages.join(format!("question-{repos}.graphql"));
        std::fs::write(&file, github::graphql::query(repos)).unwrap();
        command.arg(file);
    }
    succeeded("the question", &command.output().unwrap());
    // The judge itself can say no.
    std::fs::write(packages.join("wrong.graphql"), "{rateLimit{price}}").unwrap();
    let wrong = Command::new("node")
        .args(["validate.mjs", "wrong.graphql"])
        .current_dir(&packages)
        .output()
        .unwrap();
    assert!(!wrong.status.success());
}

#[test]
fn githubs_own_description_has_nothing_against_our_requests() {
    if !asked_for("the judgement of GitHub's description") {
        return;
    }
    let Some(packages) = packages() else { return };
    let description = packages.join("node_modules/@octokit/openapi/generated/api.github.com.json");
    let paths = [
        "/repos/{owner}/{repo}/actions/runs",
        "/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments",
        "/repos/{owner}/{repo}/compare/{basehead}",
        "/repos/{owner}/{repo}/milestones",
        "/repos/{owner}/{repo}/deployments",
        "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
        "/repos/{owner}/{repo}/releases",
    ];
    let (_mock, port) = mock(&packages, &description, "github.json", &paths);
    let options = r#"{ repos = ["octocat/hello-world"], environments = ["production"] }"#;
    let mut world = World::new(&github::KIND, &format!("http://127.0.0.1:{port}"), options, NOW);
    let mut judged = 0;
    let report = world
        .poll(|http| {
            if http.method == Method::Post {
                return Some(answered(http, 404, &[], "{}"));
            }
            let answer = send(port, http, &[("authorization", "Bearer not-a-secret")]);
            assert_eq!(faults(&answer), [""; 0], "{}", target(http));
            assert_eq!(answer.status, 200, "{}", target(http));
            judged += 1;
            Some(answer)
        })
        .unwrap();
    assert_eq!(judged, 5);
    assert_eq!(report.partial, None);
    assert_eq!(report.facts.len(), 4, "a deployment, a release, a milestone, a run");

    // What is asked once GraphQL has told what runs where, and while a run waits for somebody.
    let options = r#"{ repos = ["octocat/hello-world"] }"#;
    let mut world = World::new(&github::KIND, &format!("http://127.0.0.1:{port}"), options, NOW);
    let report = world
        .poll(|http| {
            if http.method == Method::Post {
                return Some(ok(http, transcript("github/graphql_releases.json")));
            }
            let answer = send(port, http, &[("authorization", "Bearer not-a-secret")]);
            assert_eq!(faults(&answer), [""; 0], "{}", target(http));
            assert_eq!(answer.status, 200, "{}", target(http));
            if http.url.path().ends_with("/runs") {
                let text =
                    String::from_utf8_lossy(&answer.body).replace("\"queued\"", "\"waiting\"");
                return Some(ok(http, text));
            }
            Some(answer)
        })
        .unwrap();
    assert_eq!(report.partial, None);
    let told =
        |pick: fn(&andon::model::Fact) -> bool| report.facts.iter().filter(|f| pick(f)).count();
    assert_eq!(told(|f| matches!(f, andon::model::Fact::Drift(_))), 3);
    assert_eq!(told(|f| matches!(f, andon::model::Fact::Approval(_))), 1);
}

/// The description states no licence: it is read where `ANDON_PAGERDUTY_SCHEMA` says, and never kept.
#[test]
fn pagerdutys_own_description_has_nothing_against_our_requests() {
    if !asked_for("the judgement of PagerDuty's description") {
        return;
    }
    let Some(description) = std::env::var_os("ANDON_PAGERDUTY_SCHEMA").map(PathBuf::from) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: ANDON_PAGERDUTY_SCHEMA names no copy of PagerDuty's openapiv3.json"
        );
        return;
    };
    let Some(packages) = packages() else { return };
    let paths = [
        "/incidents",
        "/incidents/{id}",
        "/incidents/{id}/log_entries",
        "/oncalls",
        "/change_events",
        "/priorities",
        "/services",
    ];
    let (_mock, port) = mock(&packages, &description, "pagerduty.json", &paths);
    let options = r#"{ services = ["PSVC1"], teams = ["PTEAM"] }"#;
    let mut world = World::new(&pagerduty::KIND, &format!("http://127.0.0.1:{port}"), options, NOW);
    world.memory.insert("open".into(), r#"["PVANISHED"]"#.into());
    let mut judged = std::collections::BTreeSet::new();
    let report = world
        .poll(|http| {
            let answer = send(port, http, &[("authorization", "Token token=not-a-secret")]);
            assert_eq!(faults(&answer), [""; 0], "{}", target(http));
            assert_eq!(answer.status, 200, "{}", target(http));
            judged.insert(http.url.path().to_owned());
            // The examples never end and never resolve: where the story needs it, our own transcript goes on.
            let resolved = http.url.query().is_some_and(|q| q.contains("resolved"));
            Some(match http.url.path() {
                "/incidents" if resolved => {
                    ok(http, transcript("pagerduty/incidents_resolved.json"))
                }
                "/oncalls" | "/services" | "/change_events" | "/incidents" | "/priorities" => {
                    let text = String::from_utf8_lossy(&answer.body)
                        .replace("\"more\":true", "\"more\":false");
                    ok(http, text)
                }
                _ => answer,
            })
        })
        .unwrap();
    for seen in
        ["/incidents/PVANISHED", "/incidents/PINCR/log_entries", "/change_events", "/oncalls"]
    {
        assert!(judged.contains(seen), "{seen} was never asked: {judged:?}");
    }
    assert_eq!(report.partial, None);
    assert!(report.facts.len() >= 5, "{:?}", report.facts);
}

/// Argo CD's description (assets/swagger.json of its repository) is read where `ANDON_ARGOCD_SCHEMA` says.
#[test]
fn argo_cds_own_description_has_nothing_against_our_requests() {
    if !asked_for("the judgement of Argo CD's description") {
        return;
    }
    let Some(description) = std::env::var_os("ANDON_ARGOCD_SCHEMA").map(PathBuf::from) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: ANDON_ARGOCD_SCHEMA names no copy of Argo CD's swagger.json"
        );
        return;
    };
    let Some(packages) = packages() else { return };
    let paths =
        ["/api/v1/applications", "/api/v1/applications/{name}", "/api/v1/projects", "/api/version"];
    let (_mock, port) = mock(&packages, &description, "argocd.json", &paths);
    let options = r#"{ projects = ["web"], selector = "team=shop", environment_label = "env" }"#;
    let mut world = World::new(&argocd::KIND, &format!("http://127.0.0.1:{port}"), options, NOW);
    let mut judged = std::collections::BTreeSet::new();
    let report = world
        .poll(|http| {
            let answer = send(port, http, &[("authorization", "Bearer not-a-secret")]);
            assert_eq!(faults(&answer), [""; 0], "{}", target(http));
            assert_eq!(answer.status, 200, "{}", target(http));
            judged.insert(http.url.path().to_owned());
            // The examples hold the types and no sense: our own transcripts go on with the story.
            let file = match http.url.path().rsplit('/').next().unwrap_or_default() {
                "applications" => "applications",
                "projects" => "projects",
                "shop-production" => "application_production",
                "shop-staging" => "application_staging",
                _ => return Some(answer),
            };
            Some(ok(http, transcript(&format!("argocd/{file}.json"))))
        })
        .unwrap();
    assert_eq!(judged.len(), 5, "{judged:?}");
    assert_eq!(report.partial, None);
    // The description's own examples are read as well, whatever they say.
    let mut world = World::new(&argocd::KIND, &format!("http://127.0.0.1:{port}"), "{ }", NOW);
    let told = world.poll(|http| Some(send(port, http, &[("authorization", "Bearer x")])));
    assert!(told.is_ok(), "{told:?}");
}

/// Jira's description (`swagger-v3.v3.json`) is read where `ANDON_JIRA_SCHEMA` says. It is of version 3 of the interface;
/// version 2, which Data Center speaks as well, has the same versions of projects.
#[test]
fn jiras_own_description_has_nothing_against_our_requests() {
    if !asked_for("the judgement of Jira's description") {
        return;
    }
    let Some(description) = std::env::var_os("ANDON_JIRA_SCHEMA").map(PathBuf::from) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: ANDON_JIRA_SCHEMA names no copy of Jira's swagger-v3.v3.json"
        );
        return;
    };
    let Some(packages) = packages() else { return };
    let paths = ["/rest/api/3/project/{projectIdOrKey}/versions"];
    let (_mock, port) = mock(&packages, &description, "jira.json", &paths);
    let url = format!("http://127.0.0.1:{port}");
    let mut world = World::new(&jira::KIND, &url, r#"{ projects = ["SHOP"] }"#, NOW);
    let report = world
        .poll(|http| {
            let mut asked = http.clone();
            let path = http.url.path().replace("/rest/api/2/", "/rest/api/3/");
            asked.url.set_path(&path);
            let answer = send(port, &asked, &[("authorization", "Basic bm90OmE=")]);
            assert_eq!(faults(&answer), [""; 0], "{}", target(http));
            assert_eq!(answer.status, 200, "{}", target(http));
            // The examples of this description are texts that hold JSON.
            match serde_json::from_slice::<String>(&answer.body) {
                Ok(text) => Some(ok(http, text)),
                Err(_) => Some(answer),
            }
        })
        .unwrap();
    assert_eq!((world.asked.len(), report.partial), (1, None));
    let titles: Vec<&str> = report
        .facts
        .iter()
        .map(|f| match f {
            andon::model::Fact::Milestone(m) => m.title.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(titles, ["Next Version"], "the other one was released sixteen years ago");
}

/// The demo, served alone by the real program.
fn demo() -> (Running, u16) {
    let port = free_port();
    let child = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["demo", "--serve-only", "--port", &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    wait_for(port, &mut running);
    (running, port)
}

fn run(tool: &str, args: &[&str]) -> String {
    let out = Command::new(tool).args(args).output().unwrap();
    succeeded(&format!("{tool} {}", args.join(" ")), &out)
}

#[test]
fn promtool_reads_the_demos_metric_store() {
    if !asked_for("promtool against the demo") || !has("promtool") {
        return;
    }
    let (_demo, port) = demo();
    let url = format!("http://127.0.0.1:{port}/prometheus");
    let up = run("promtool", &["query", "instant", &url, "up"]);
    assert!(up.contains("up{"), "{up}");
    let json = run("promtool", &["query", "instant", "-o", "json", &url, "up"]);
    assert!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap().as_array().unwrap().len() > 1
    );
    let now = jiff::Timestamp::now().as_second();
    let (start, end) = (format!("--start={}", now - 3600), format!("--end={now}"));
    let range = run("promtool", &["query", "range", &start, &end, "--step=60s", &url, "up"]);
    assert!(range.lines().count() > 30, "{range}");
    let series = run("promtool", &["query", "series", "--match=up", &url]);
    assert!(series.contains("up"), "{series}");
    assert!(!run("promtool", &["query", "labels", &url, "job"]).trim().is_empty());
}

#[test]
fn amtool_reads_and_silences_at_the_demos_alert_router() {
    if !asked_for("amtool against the demo") || !has("amtool") {
        return;
    }
    let (_demo, port) = demo();
    let url = format!("--alertmanager.url=http://127.0.0.1:{port}/alertmanager");
    let alerts = run("amtool", &[&url, "alert", "query"]);
    assert!(alerts.contains("Alertname"), "{alerts}");
    let id = run(
        "amtool",
        &[
            &url,
            "silence",
            "add",
            "alertname=Strange",
            "--duration=1h",
            "--comment=c",
            "--author=ops",
        ],
    );
    let id = id.trim();
    assert!(run("amtool", &[&url, "silence", "query"]).contains(id));
    run("amtool", &[&url, "silence", "expire", id]);
    assert!(!run("amtool", &[&url, "silence", "query"]).contains(id));
    assert!(run("amtool", &[&url, "config", "show"]).contains("route"));
    run("amtool", &[&url, "cluster", "show"]);
}

#[test]
fn pygithub_reads_the_demos_code_host() {
    if !asked_for("PyGithub against the demo") || !has("python3") {
        return;
    }
    let venv = folder("python");
    let python = venv.join("bin/python");
    if !venv.join("installed").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).output().unwrap();
        let installed = Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--retries=1",
                "--timeout=20",
                "--disable-pip-version-check",
                "PyGithub==2.10.0",
            ])
            .output();
        if !made.status.success() || !installed.is_ok_and(|o| o.status.success()) {
            let _ = writeln!(std::io::stderr(), "skipped: PyGithub could not be installed");
            return;
        }
        std::fs::write(venv.join("installed"), "").unwrap();
    }
    let (_demo, port) = demo();
    let base = format!("http://localhost:{port}/github/api/v3");
    let repo = format!("{}/{}", cast::ORG, cast::SERVICES[0].name);
    let out = Command::new(&python).arg(here("pygithub.py")).args([&base, &repo]).output().unwrap();
    let said = succeeded("PyGithub", &out);
    assert!(said.contains("deployments"), "{said}");
}
