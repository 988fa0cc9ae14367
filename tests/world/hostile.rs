//! A calendar behind a password, and a proxy that does everything proxies do.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use andon::engine::{Watch, poll_once};
use andon::model::{SourceName, Status};
use jiff::SignedDuration;

use crate::servers::{Server, free_port, http, secret, tool};
use crate::{ask, config, fold, prometheus, status};

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//andon//test//EN\r\nBEGIN:VEVENT\r\nUID:train-1\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261125T100000Z\r\nDTEND:20261125T110000Z\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Release train\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn radicale(lab: &Path) -> Option<Server> {
    let program = tool("radicale")?;
    let port = free_port();
    std::fs::write(lab.join("users"), "ops:test\n").unwrap();
    let users = lab.join("users");
    let folder = lab.join("collections");
    std::fs::write(
        lab.join("radicale.conf"),
        format!(
            "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\n\
             htpasswd_encryption = plain\n[storage]\nfilesystem_folder = {}\n",
            users.display(),
            folder.display()
        ),
    )
    .unwrap();
    let arguments = ["--config".to_owned(), lab.join("radicale.conf").display().to_string()];
    Some(Server::start(&program, lab, port, &arguments, "/.web/"))
}

#[test]
fn a_calendar_behind_a_password_is_read_and_a_wrong_password_is_named() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let Some(server) = radicale(lab) else { return };
    let ops = "Authorization: Basic b3BzOnRlc3Q=";
    let (code, said) = http(server.port, "MKCALENDAR", "/ops/trains/", &[ops], "").unwrap();
    assert_eq!(code, 201, "{said}");
    let put = [ops, "Content-Type: text/calendar"];
    let (code, said) = http(server.port, "PUT", "/ops/trains/ev.ics", &put, EVENT).unwrap();
    assert_eq!(code, 201, "{said}");
    secret(&lab.join("good"), "test\n");
    secret(&lab.join("bad"), "wrong\n");
    let source = |name: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\nkind = \"ical\"\nas = \"release\"\nurl = \"{}\"\n\
             auth = {{ basic = {{ user = \"ops\", password = \"file:{}\" }} }}\n",
            server.url("/ops/trains/"),
            lab.join(name).display()
        )
    };
    let (_, board) = ask(lab, &format!("{}{}", source("good"), source("bad")));
    assert_eq!(status(&board, "bad"), Status::Auth, "{:?}", board.sources);
    assert_eq!(status(&board, "good"), Status::Ok, "{:?}", board.sources);
    let calendar = &board.calendars[&SourceName::new("good")];
    assert_eq!(calendar.events.len(), 1);
    assert_eq!(calendar.events[0].face.title.as_str(), "Release train");
}

/// Keys are made for the test and never stored.
fn certificates(folder: &Path) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority_cert = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("ca.pem"), authority_cert.pem()).unwrap();
    std::fs::write(folder.join("server.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

fn nginx(lab: &Path, behind: u16, elsewhere: u16) -> Option<Server> {
    let program = tool("nginx")?;
    let port = free_port();
    std::fs::create_dir_all(lab.join("ngx/tmp")).unwrap();
    certificates(lab);
    let lab_path = lab.display();
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0"));
    let user = if root { "user root;" } else { "" };
    std::fs::write(
        lab.join("ngx/n.conf"),
        format!(
            r#"{user}
daemon off; worker_processes 1; pid nginx.pid; error_log err.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path tmp/b; proxy_temp_path tmp/p; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u; scgi_temp_path tmp/s;
  server {{
    listen 127.0.0.1:{port} ssl http2; ssl_certificate {lab_path}/server.pem; ssl_certificate_key {lab_path}/server.key;
    keepalive_requests 3; gzip on; gzip_types application/json; gzip_min_length 10;
    location /prom/  {{ proxy_pass http://127.0.0.1:{behind}/; }}
    location /dead/  {{ proxy_pass http://127.0.0.1:1/; }}
    location /login/ {{ return 302 /sso; }}
    location /sso    {{ default_type text/html; return 200 "<!doctype html><title>Sign in</title><form action=/login></form>"; }}
    location /maint/ {{ add_header Retry-After 120 always; return 503; }}
    location /cross/ {{ return 307 http://127.0.0.1:{elsewhere}/api/v2/status; }}
  }} }}
"#
        ),
    )
    .unwrap();
    let arguments = ["-p", "ngx/", "-e", "err.log", "-c", "n.conf"].map(str::to_owned);
    Some(Server::start(&program, lab, port, &arguments, ""))
}

#[test]
fn a_hostile_proxy_is_seen_through() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let Some(prom) = prometheus(lab, free_port(), "global: {scrape_interval: 1m}\n") else {
        return;
    };
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let Some(proxy) = nginx(lab, prom.port, elsewhere.local_addr().unwrap().port()) else { return };
    secret(&lab.join("token"), "canary\n");
    let source = |path: &str| {
        // A page to sign in is reached by GET; a query sent by POST is not repeated elsewhere.
        let kind = if path == "login" { "alertmanager" } else { "prometheus" };
        format!(
            "[[source]]\nname = \"{path}\"\nkind = \"{kind}\"\nurl = \"https://127.0.0.1:{}/{path}\"\n\
             tls = {{ ca = \"ca.pem\" }}\nauth = {{ bearer = \"file:{}\" }}\n",
            proxy.port,
            lab.join("token").display()
        )
    };
    let paths = ["prom", "dead", "login", "cross", "nope", "maint"];
    let text: String = paths.iter().map(|path| source(path)).collect();
    // The one that asks to be left alone would make the whole host wait: it is asked by itself.
    let (alone, rest) = (source("maint"), text.replace(&source("maint"), ""));
    let (_, mut board) = ask(lab, &rest);
    for heard in poll_once(config(lab, &alone).upstreams, Duration::from_secs(30)) {
        fold(&mut board, heard);
    }
    let said = |name: &str| {
        let freshness = &board.sources[&SourceName::new(name)];
        (freshness.status, freshness.message.to_string())
    };
    assert_eq!(said("prom").0, Status::Ok, "{:?}", said("prom"));
    assert_eq!(said("dead"), (Status::ServerError, "answered 502: error page of a proxy".into()));
    assert_eq!(said("login"), (Status::Auth, "got HTML: login page?".into()));
    assert_eq!(said("cross").0, Status::Redirect, "{:?}", said("cross"));
    assert_eq!(said("nope").0, Status::NotFound, "{:?}", said("nope"));
    assert_eq!(said("maint").0, Status::RateLimited, "{:?}", said("maint"));
    let next = board.sources[&SourceName::new("maint")].next_poll;
    if let (Some(next), Some(tried)) = (next, board.sources[&SourceName::new("maint")].last_try) {
        assert!(next.duration_since(tried) >= SignedDuration::from_secs(119));
    }
    let nobody = elsewhere.accept().map(|_| "somebody was asked elsewhere");
    assert_eq!(nobody.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_connection_that_is_sent_away_every_three_requests_shows_no_error() {
    let lab = tempfile::tempdir().unwrap();
    let lab = lab.path();
    let Some(prom) = prometheus(lab, free_port(), "global: {scrape_interval: 1m}\n") else {
        return;
    };
    let Some(proxy) = nginx(lab, prom.port, 1) else { return };
    let text = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"https://127.0.0.1:{}/prom\"\n\
         tls = {{ ca = \"ca.pem\" }}\n",
        proxy.port
    );
    let (tell, told) = std::sync::mpsc::channel();
    let watch = Watch::start(
        config(lab, &text).upstreams,
        Box::new(move |message| {
            if let andon::cockpit::Message::Heard(heard) = message {
                let _ = tell.send(heard.outcome.map(|_| ()));
            }
        }),
    );
    for poll in 0..40 {
        watch.poll(andon::cockpit::Which::All);
        let outcome = told.recv_timeout(Duration::from_secs(20)).expect("a poll that ends");
        assert_eq!(outcome, Ok(()), "poll {poll}");
    }
}
