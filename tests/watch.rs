//! What an upstream meets over several polls: conditional requests, replaced tokens, quiet when it asks for it, an end when told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/fault_server.rs"]
mod fault_server;
#[path = "common/faulty.rs"]
mod faulty;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use andon::cockpit::{Heard, Message, Which};
use andon::config::{Auth, Proxy, Secret, Upstream};
use andon::engine::{Limits, Watch};
use andon::model::{Name, Report, Status, Trouble};
use andon::source::{Asking, Exchange, Http, Reading, Request, Source};

use fault_server::{FaultServer, answer, json, silence};
use faulty::{asking, outcome, upstream};

const GOOD: &str = r#"{"items":[1,2,3]}"#;

/// A hurried watch: polls every 50 ms, on a grid of 10.
fn watch(upstreams: Vec<Upstream>) -> (Watch, Receiver<Heard>) {
    let (tell, heard) = channel();
    let limits = Limits {
        grid: Duration::from_millis(10),
        spread: Duration::from_millis(10),
        after_refusal: Duration::from_millis(50),
        ..faulty::limits()
    };
    let sink = move |message| {
        if let Message::Heard(one) = message {
            let _ = tell.send(*one);
        }
    };
    (Watch::start_within(upstreams, limits, Box::new(sink)), heard)
}

fn hurried(name: &str, mut upstream: Upstream) -> Upstream {
    upstream.name = Name::new(name);
    upstream.every = Duration::from_millis(50);
    upstream
}

/// The first poll that satisfies, of as many as it takes.
fn until(heard: &Receiver<Heard>, good: impl Fn(&Heard) -> bool) -> Heard {
    loop {
        let one = heard.recv_timeout(Duration::from_secs(10)).unwrap();
        if good(&one) {
            return one;
        }
    }
}

#[test]
fn an_unchanged_answer_is_read_again_from_what_was_kept() {
    let server = FaultServer::start(|asked, stream| {
        let bytes = match asked.header("if-none-match") {
            Some("W/\"v1\"") => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".into(),
            _ => answer("200 OK", "ETag: W/\"v1\"\r\n", GOOD.as_bytes()),
        };
        let _ = stream.write_all(&bytes);
    });
    let address: url::Url = server.url("/").parse().unwrap();
    let http = Http::get("items", address.clone()).conditional();
    let (_watch, heard) = watch(vec![hurried("a", asking(address, vec![Request::Http(http)]))]);
    for _ in 0..3 {
        let one = until(&heard, |_| true);
        assert_eq!(one.freshness.status, Status::Ok, "{}", one.freshness.message);
        assert!(one.freshness.notes[0].as_str().contains("3 items"));
    }
    let asked = server.asked();
    assert_eq!(asked[0].header("if-none-match"), None);
    assert_eq!(asked[1].header("if-none-match"), Some("W/\"v1\""));
}

fn write_token(path: &Path, token: &str) {
    let _ = std::fs::remove_file(path);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(token.as_bytes()).unwrap();
}

#[test]
fn a_token_that_was_refused_is_read_anew() {
    let server = FaultServer::start(|asked, stream| {
        let bytes = match asked.header("authorization") {
            Some("Bearer new-token") => json(GOOD),
            _ => answer("401 Unauthorized", "", b"{}"),
        };
        let _ = stream.write_all(&bytes);
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    write_token(&path, "old-token\n");
    let mut poor = upstream(&server.url("/"));
    poor.endpoint.auth = vec![Auth::Bearer(Secret::File(path.clone()))];
    let (_watch, heard) = watch(vec![hurried("a", poor)]);
    until(&heard, |h| h.freshness.status == Status::Auth);
    write_token(&path, "new-token\n");
    until(&heard, |h| h.freshness.status == Status::Ok);
}

#[test]
fn a_limit_holds_for_every_source_with_the_same_token_and_for_no_other() {
    let server = FaultServer::start(|asked, stream| {
        let bytes = match asked.header("authorization") {
            Some("Bearer another-token") => json(GOOD),
            _ => answer("429 Slow", "Retry-After: 60\r\n", b"{}"),
        };
        let _ = stream.write_all(&bytes);
    });
    let mut other = upstream(&server.url("/"));
    other.endpoint.auth = vec![Auth::Bearer(Secret::Inline("another-token".into()))];
    let (watch, heard) = watch(vec![
        hurried("a", upstream(&server.url("/a"))),
        hurried("b", upstream(&server.url("/b"))),
        hurried("c", other),
    ]);
    for name in ["a", "b"] {
        let mut seen = None;
        while seen.is_none() {
            let one = heard.recv_timeout(Duration::from_secs(10)).unwrap();
            if one.source.as_str() != "c" {
                assert_eq!(one.freshness.status, Status::RateLimited, "{name}");
                assert!(one.freshness.next_poll.unwrap() > one.at + Duration::from_secs(50));
                seen = Some(one);
            }
        }
    }
    for _ in 0..5 {
        watch.poll(Which::All);
        until(&heard, |h| h.source.as_str() == "c" && h.freshness.status == Status::Ok);
    }
    let limited = server.asked().iter().filter(|a| a.path() != "/").count();
    assert!(limited <= 2, "{limited} arrived inside the window");
}

/// Breaks whenever it reads, large answers on a thread of their own.
#[derive(Debug)]
struct Broken(Request);

impl Source for Broken {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        vec![self.0.clone()]
    }

    fn read(&self, _asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        assert!(heard.is_empty(), "a bug");
        Ok(Reading::Done(Report::default()))
    }
}

#[test]
fn a_source_that_panics_is_an_internal_error_and_the_others_go_on() {
    let large = format!("{{\"items\":[],\"x\":\"{}\"}}", "x".repeat(600 << 10));
    let server = FaultServer::start(move |asked, stream| {
        let _ = stream.write_all(&json(if asked.path() == "/large" { &large } else { GOOD }));
    });
    let broken = |path: &str| {
        let mut upstream = hurried(path, upstream(&server.url(path)));
        let http = Http::get("items", server.url(path).parse().unwrap());
        upstream.source = std::sync::Arc::new(Broken(Request::Http(http)));
        upstream
    };
    let good = hurried("good", upstream(&server.url("/")));
    let (watch, heard) = watch(vec![broken("/small"), good, broken("/large")]);
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < 3 || seen.values().any(|n| *n < 3) {
        watch.poll(Which::All);
        let one = until(&heard, |_| true);
        let expected = match one.source.as_str() {
            "good" => Status::Ok,
            _ => Status::InternalError,
        };
        assert_eq!(one.freshness.status, expected, "{}: {}", one.source, one.freshness.message);
        *seen.entry(one.source.to_string()).or_insert(0) += 1;
    }
}

#[test]
fn stopping_ends_the_watch_though_a_poll_hangs() {
    let server = FaultServer::start(|_, stream| silence(stream));
    let (watch, heard) = watch(vec![hurried("a", upstream(&server.url("/")))]);
    while server.asked().is_empty() {
        std::thread::yield_now();
    }
    watch.stop();
    // The sink goes with the thread.
    let end = heard.recv_timeout(Duration::from_secs(4));
    assert_eq!(end.err(), Some(RecvTimeoutError::Disconnected));
}

#[test]
fn a_proxy_is_used_for_others_and_never_for_loopback() {
    let (proxy, home) = (FaultServer::saying(json(GOOD)), FaultServer::saying(json(GOOD)));
    for (address, arrives) in
        [("http://upstream.invalid/items".to_owned(), &proxy), (home.url("/items"), &home)]
    {
        let mut through = upstream(&address);
        through.endpoint.auth.clear();
        through.endpoint.proxy = Proxy::Url(Secret::Inline(proxy.url("")));
        let (status, words) = outcome(through);
        assert_eq!(status, Status::Ok, "{words}");
        assert_eq!(arrives.asked().len(), 1, "{address}");
    }
    assert_eq!(proxy.asked()[0].path(), "http://upstream.invalid/items");
}
