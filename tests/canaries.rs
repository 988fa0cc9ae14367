//! Tokens stay at home: an upstream that quotes every credential back is asked by the real program, and no word of it tells one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/fault_server.rs"]
mod fault_server;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use fault_server::{FaultServer, answer};

const CANARIES: [&str; 5] = [
    "canary-env-5b1f09d2",
    "canary-file-77ae01c4",
    "canary-cmd-e0d5a613",
    "canary-basic-19c8f2b7",
    "canary-query-4400aa21",
];

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything the request held, as a reason in every vendor's shape.
fn quoting(head: &str) -> String {
    let said = serde_json::to_string(&head.replace(['\r', '\n'], " ")).unwrap();
    format!(
        r#"{{"status":"error","errorType":"bad_data","error":{said},"message":{said},"errors":[{{"message":{said}}}]}}"#
    )
}

#[test]
fn no_credential_is_told_by_any_command() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    write(&home.join("token"), &format!("{}\n", CANARIES[1]), 0o600);
    let program = home.join("print-token");
    write(&program, &format!("#!/bin/sh\necho {}\n", CANARIES[2]), 0o700);
    // Chosen so that every way a refusal is put into words is walked.
    for status in ["400 Bad Request", "401 Unauthorized", "500 Oops", "200 OK"] {
        let server = FaultServer::start(move |asked, stream| {
            let body = quoting(&asked.head);
            let kind = "Content-Type: application/json\r\n";
            let _ = stream.write_all(&answer(status, kind, body.as_bytes()));
        });
        let source = |name: &str, kind: &str, auth: &str, more: &str| {
            let url = server.url(&format!("/{name}"));
            format!(
                "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\nauth = {auth}\n{more}\n"
            )
        };
        let text = [
            source("prom", "prometheus", "{ bearer = \"env:CANARY\" }", ""),
            source(
                "am",
                "alertmanager",
                &format!("{{ basic = {{ user = \"u\", password = \"{}\" }} }}", CANARIES[3]),
                "",
            ),
            source("pd", "pagerduty", &format!("{{ token = \"file:{}\" }}", home.join("token").display()), ""),
            source(
                "gh",
                "github",
                &format!("{{ token = \"cmd:{}\" }}", program.display()),
                "repos = [\"acme/shop\"]",
            ),
            format!(
                "[[source]]\nname = \"kpi\"\nkind = \"json\"\nurl = \"{}\"\nmetrics = [{{ name = \"n\", at = \"/n\" }}]\n",
                server.url(&format!("/kpi?token={}", CANARIES[4]))
            ),
            "[[service]]\nname = \"shop\"\n[[service.metric]]\nname = \"errors\"\nsource = \"prom\"\nquery = \"up\"\n\
             good = \"< 1\"\n"
                .to_owned(),
        ]
        .concat();
        let file = home.join("andon.toml");
        write(&file, &text, 0o600);
        let commands: [&[&str]; 8] = [
            &["check"],
            &["check", "--format", "json"],
            &["config"],
            &["show", "sources"],
            &["show", "sources", "--format", "json"],
            &["show", "health", "--format", "json"],
            &["show", "sources", "--size", "200x60"],
            &["show", "health", "--format", "markdown"],
        ];
        for arguments in commands {
            let output = Command::new(env!("CARGO_BIN_EXE_andon"))
                .args(arguments)
                .arg("--config")
                .arg(&file)
                .env_clear()
                .env("HOME", home)
                .env("PATH", "/usr/bin:/bin")
                .env("CANARY", CANARIES[0])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(said.len() > 40, "{status} {arguments:?} says nothing");
            for canary in CANARIES {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("u:{canary}"));
                for form in [canary, &pair] {
                    assert!(!said.contains(form), "{status} {arguments:?}: {said}");
                }
            }
        }
        let asked = server.asked();
        for canary in [0, 1, 2, 4] {
            let sent = asked.iter().any(|a| a.head.contains(CANARIES[canary]));
            assert!(sent, "{} was used", CANARIES[canary]);
        }
    }
}
