//! Every class of HTTP fault ends in its named status, in time, in bounded memory, and without a secret leaving home.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/fault_server.rs"]
mod fault_server;
#[path = "common/faulty.rs"]
mod faulty;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use andon::config::{Auth, Proxy, Secret};
use andon::engine::{Limits, poll_once_within};
use andon::model::Status;
use andon::source::{Http, Request};

use fault_server::{Asked, FaultServer, answer, endless_gzip, json, reset, silence};
use faulty::{CANARY, DEADLINE, asking, limits, outcome, poll, upstream};

/// Runs every case at once, so that deadlines pass together.
fn all(cases: Vec<Case>) {
    all_within(DEADLINE, cases);
}

/// Its name, the server, and the status and a word that must come of it.
type Case = (&'static str, FaultServer, Status, &'static str);

fn all_within(deadline: Duration, cases: Vec<Case>) {
    std::thread::scope(|scope| {
        for (name, server, status, word) in cases {
            scope.spawn(move || {
                let mut upstream = upstream(&server.url("/items?key=query-canary"));
                upstream.timeout = deadline;
                let (got, words) = outcome(upstream);
                assert_eq!(got, status, "{name}: {words}");
                assert!(words.contains(word), "{name}: {words}");
            });
        }
    });
}

fn saying(bytes: impl Into<Vec<u8>>) -> FaultServer {
    FaultServer::saying(bytes)
}

fn acting(act: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(act)
}

const GOOD: &str = r#"{"items":[1,2,3]}"#;

#[test]
fn a_good_answer_is_ok() {
    let server = saying(json(GOOD));
    let (status, words) = outcome(upstream(&server.url("/items")));
    assert_eq!(status, Status::Ok, "{words}");
    assert!(words.contains("3 items"));
    let asked = &server.asked()[0];
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
    assert!(asked.header("user-agent").unwrap().starts_with("andon/"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
    assert_eq!(asked.header("referer"), None);
}

#[test]
fn silence_and_trickles_end_at_the_deadline() {
    use Status::Timeout;
    all_within(
        Duration::from_millis(500),
        vec![
            ("silence", acting(|_, s| silence(s)), Timeout, "did not answer within"),
            (
                "silence inside the headers",
                acting(|_, s| {
                    let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-");
                    silence(s);
                }),
                Timeout,
                "did not answer within",
            ),
            (
                "silence after the headers",
                acting(|_, s| {
                    let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
                    silence(s);
                }),
                Timeout,
                "began to answer",
            ),
            (
                "a byte at a time, each before any read timeout",
                acting(|_, s| {
                    let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n");
                    while s.write_all(b" ").is_ok() {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }),
                Timeout,
                "began to answer",
            ),
            (
                "chunks without end",
                acting(|_, s| {
                    let _ = s.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    while s.write_all(b"1\r\n \r\n").is_ok() {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }),
                Timeout,
                "began to answer",
            ),
        ],
    );
    all(vec![(
        "a late answer within the deadline",
        acting(|_, s| {
            std::thread::sleep(Duration::from_millis(100));
            let _ = s.write_all(&json(GOOD));
        }),
        Status::Ok,
        "3 items",
    )]);
}

#[test]
fn connections_that_fail_say_how() {
    let port = {
        let gone = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    let (status, words) = outcome(upstream(&format!("http://127.0.0.1:{port}/x?key=query-canary")));
    assert_eq!(status, Status::Unreachable);
    assert!(words.contains(&format!("127.0.0.1:{port} refused the connection")), "{words}");
    assert!(words.contains("is it running"), "{words}");

    let mut named = upstream("http://no-such-host.invalid/x?key=query-canary");
    named.endpoint.auth.clear();
    let (status, words) = outcome(named);
    assert!(matches!(status, Status::Unreachable | Status::Timeout), "{words}");
    assert!(words.contains("no-such-host.invalid"), "{words}");

    let mut proxied = upstream("https://upstream.invalid/x");
    proxied.endpoint.proxy = Proxy::Url(Secret::Inline(format!("http://127.0.0.1:{port}")));
    let (status, words) = outcome(proxied);
    assert_eq!(status, Status::Unreachable, "{words}");
    assert!(words.contains("through the proxy of this source"), "{words}");

    all(vec![
        ("reset", acting(|_, s| reset(s)), Status::Unreachable, "reset the connection"),
        ("closed at once", acting(|_, _| ()), Status::Unreachable, "without an answer"),
        (
            "reset inside the body",
            acting(|_, s| {
                let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"it");
                let _ = s.flush();
                // The bytes must be there before the reset overtakes them.
                std::thread::sleep(Duration::from_millis(50));
                reset(s);
            }),
            Status::Unreachable,
            "in the middle of the answer",
        ),
        ("a banner of ssh", saying("SSH-2.0-OpenSSH_9.2p1\r\n"), Status::BadData, "not HTTP"),
    ]);
}

#[test]
fn a_full_backlog_ends_after_the_connect_limit() {
    // A listener that never accepts, its queue filled: the kernel drops what follows.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let _full: Vec<_> = (0..4)
        .filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok())
        .collect();
    let (status, words) = outcome(upstream(&format!("http://{address}/x")));
    assert_eq!(status, Status::Timeout, "{words}");
    assert!(words.contains("no connection to"), "{words}");
}

#[test]
fn statuses_have_names() {
    let page = b"<html><body>sign in</body></html>";
    let html = "Content-Type: text/html\r\n";
    let why = br#"{"message":"the disk is full"}"#;
    let mut cases = vec![
        ("404", saying(answer("404 Not Found", "", b"404 page not found")), Status::NotFound, ""),
        ("204", saying("HTTP/1.1 204 No Content\r\n\r\n"), Status::BadData, ""),
        ("unasked 304", saying("HTTP/1.1 304 Not Modified\r\n\r\n"), Status::BadData, ""),
        ("999", saying(answer("999 Odd", "", b"{}")), Status::BadData, ""),
        ("401", saying(answer("401 Unauthorized", "", b"")), Status::Auth, ""),
        ("403", saying(answer("403 Forbidden", "", b"")), Status::Auth, ""),
        (
            "plain http on a TLS port",
            saying(answer("400 Bad", "", b"Client sent an HTTP request to an HTTPS server.\n")),
            Status::Tls,
            "wants TLS",
        ),
        ("login page", saying(answer("200 OK", html, page)), Status::Auth, "login"),
        (
            "500 with a reason",
            saying(answer("500 Oh", "", why)),
            Status::ServerError,
            "disk is full",
        ),
    ];
    for status in ["501 X", "502 X", "503 X", "504 X"] {
        cases.push(("5xx", saying(answer(status, html, page)), Status::ServerError, ""));
    }
    cases.push((
        "an error page without end",
        acting(|_, s| {
            let _ = s.write_all(b"HTTP/1.1 500 Oh\r\n\r\n");
            while s.write_all(&[b'x'; 4096]).is_ok() {}
        }),
        Status::ServerError,
        "",
    ));
    all(cases);
}

#[test]
fn rate_limits_are_named_and_say_how_long() {
    let future = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(90));
    let cases = [
        ("429 Slow", "Retry-After: 7\r\n".to_owned(), Some(7)),
        ("429 Slow", format!("Retry-After: {future}\r\n"), None),
        ("429 Slow", "Retry-After: -1\r\n".into(), None),
        ("429 Slow", "Retry-After: garbage\r\n".into(), None),
        ("403 No", "x-ratelimit-remaining: 0\r\nx-ratelimit-limit: 60\r\n".into(), None),
        ("503 Busy", "Retry-After: 120\r\n".into(), Some(120)),
    ];
    for (status, headers, seconds) in cases {
        let server = saying(answer(status, &headers, b"{}"));
        let heard = poll(upstream(&server.url("/")));
        let trouble = heard.outcome.unwrap_err();
        assert_eq!(trouble.status, Status::RateLimited, "{status} {headers} {trouble}");
        if let Some(seconds) = seconds {
            assert_eq!(trouble.retry_after.unwrap().as_secs(), seconds, "{headers}");
        }
    }
}

/// What arrives of a poll with twenty requests when every one gets this answer.
fn arrivals_of_twenty(bytes: Vec<u8>, status: Status) -> usize {
    let server = saying(bytes);
    let address: url::Url = server.url("/").parse().unwrap();
    let requests = (0..20)
        .map(|i| Request::Http(Http::get(i.to_string(), address.join(&format!("/{i}")).unwrap())));
    let heard = poll(asking(address.clone(), requests.collect()));
    assert_eq!(heard.outcome.unwrap_err().status, status);
    server.asked().len()
}

#[test]
fn a_rate_limit_or_a_refusal_stops_the_rest_of_the_poll() {
    // Those in the air when the first answer came have left already; none follows.
    let limited = answer("429 Slow", "Retry-After: 30\r\n", b"{}");
    assert!(arrivals_of_twenty(limited, Status::RateLimited) <= 8);
    let refused = answer("401 Unauthorized", "", b"{}");
    assert!(arrivals_of_twenty(refused, Status::Auth) <= 8);
    let failing = answer("500 Oh", "", b"{}");
    assert_eq!(arrivals_of_twenty(failing, Status::ServerError), 20);
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_bad_data() {
    let nested = "[".repeat(100_000);
    let bodies: Vec<(&'static str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("cut json", b"{\"items\":[1,2".to_vec()),
        ("two documents", format!("{GOOD}{GOOD}").into_bytes()),
        ("trailing garbage", format!("{GOOD} trailing").into_bytes()),
        ("null", b"null".to_vec()),
        ("another root", b"[1,2,3]".to_vec()),
        ("a nesting bomb", nested.into_bytes()),
        ("utf-16", [0xff, 0xfe].into_iter().chain(GOOD.bytes().flat_map(|b| [b, 0])).collect()),
        ("invalid utf-8", b"{\"items\":[\"\xff\xfe\"]}".to_vec()),
        ("a lone surrogate", br#"{"items":["\ud800"]}"#.to_vec()),
    ];
    all(bodies
        .into_iter()
        .map(|(name, body)| {
            let bytes = answer("200 OK", "Content-Type: application/json\r\n", &body);
            (name, saying(bytes), Status::BadData, "")
        })
        .collect());
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    let server = saying(json(&format!("\u{feff}{GOOD}")));
    assert_eq!(outcome(upstream(&server.url("/"))).0, Status::Ok);
}

#[test]
fn encodings_that_lie_are_bad_data() {
    let gzip = "Content-Encoding: gzip\r\n";
    let cut: Vec<u8> = endless_gzip().take(400).collect();
    all(vec![
        (
            "gzip header on plain text",
            saying(answer("200 OK", gzip, GOOD.as_bytes())),
            Status::BadData,
            "compressed",
        ),
        ("cut gzip", saying(answer("200 OK", gzip, &cut)), Status::BadData, ""),
        (
            "an encoding nobody asked for",
            saying(answer("200 OK", "Content-Encoding: br\r\n", GOOD.as_bytes())),
            Status::BadData,
            "nobody asked for",
        ),
        (
            "identity",
            saying(answer("200 OK", "Content-Encoding: identity\r\n", GOOD.as_bytes())),
            Status::Ok,
            "",
        ),
    ]);
}

#[test]
fn framing_that_lies_is_named() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"items\":[]}".to_vec();
    let short = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n{GOOD}");
    all(vec![
        ("a length too long", saying(cut), Status::BadData, "cut off after 12 bytes"),
        ("a length too short", saying(short), Status::BadData, ""),
        (
            "cut chunks",
            saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ite"),
            Status::BadData,
            "cut off",
        ),
        (
            "chunks of nonsense",
            saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n"),
            Status::BadData,
            "",
        ),
        ("not HTTP", saying("220 mail.example ESMTP\r\n"), Status::BadData, "not HTTP"),
        (
            "thousands of headers",
            saying(answer("200 OK", &"X-Many: y\r\n".repeat(5000), GOOD.as_bytes())),
            Status::TooLarge,
            "headers",
        ),
        (
            "a header of a megabyte",
            saying(answer("200 OK", &format!("X: {}\r\n", "y".repeat(1 << 20)), b"{}")),
            Status::TooLarge,
            "headers",
        ),
        (
            "control bytes in a header",
            saying(answer("200 OK", "X-Odd: a\u{1}b\r\n", GOOD.as_bytes())),
            Status::BadData,
            "not HTTP",
        ),
        (
            "a wrong content type is read all the same",
            saying(answer("200 OK", "Content-Type: text/html\r\n", GOOD.as_bytes())),
            Status::Ok,
            "",
        ),
    ]);
}

#[test]
fn sizes_end_at_the_cap_in_bounded_memory() {
    let before = peak_memory();
    all(vec![
        (
            "endless",
            acting(|_, s| {
                let _ = s.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                while s.write_all(&[b' '; 4096]).is_ok() {}
            }),
            Status::TooLarge,
            "larger than 1.0 MiB",
        ),
        (
            "told beforehand",
            saying("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
            Status::TooLarge,
            "larger than 1.0 MiB",
        ),
        (
            "a gzip bomb",
            acting(|_, s| {
                let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
                let mut bomb = endless_gzip();
                loop {
                    let piece: Vec<u8> = bomb.by_ref().take(4096).collect();
                    if s.write_all(&piece).is_err() {
                        return;
                    }
                }
            }),
            Status::TooLarge,
            "larger than 1.0 MiB",
        ),
    ]);
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 64 << 20, "{} MiB more", (after - before) >> 20);
    }
}

/// The most memory this process ever held, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn a_bomb_under_a_huge_cap_ends_at_the_deadline() {
    // 48 MiB of zeros that arrive compressed in one go: the decompressor never has to wait.
    let packed: Vec<u8> = endless_gzip().take(1 << 20).collect();
    let server = saying(answer("200 OK", "Content-Encoding: gzip\r\n", &packed));
    let mut bomb = upstream(&server.url("/"));
    bomb.endpoint.cap = 1 << 30;
    bomb.timeout = Duration::from_millis(30);
    let limits = Limits { poll_bytes: 1 << 30, ..limits() };
    let heard = poll_once_within(vec![bomb], Duration::from_secs(5), &limits).remove(0);
    assert_eq!(heard.outcome.unwrap_err().status, Status::Timeout);
}

#[test]
fn a_clock_that_is_off_is_shown() {
    let server =
        saying(answer("200 OK", "Date: Tue, 01 Jan 2019 00:00:00 GMT\r\n", GOOD.as_bytes()));
    let heard = poll(upstream(&server.url("/")));
    assert_eq!(heard.freshness.status, Status::Ok);
    assert!(heard.freshness.clock_skew.unwrap().as_hours() < -24 * 365);
}

#[test]
fn redirects_stay_at_home() {
    let stranger = std::sync::Arc::new(saying(json(GOOD)));
    let to = |location: String| answer("302 Found", &format!("Location: {location}\r\n"), b"");
    let other = stranger.url("/steal?key=query-canary");
    let link_local = "http://169.254.169.254/latest/meta-data/".to_owned();
    let chain = |hops: usize| {
        acting(move |asked, s| {
            let n: usize = asked.path().trim_start_matches('/').parse().unwrap_or(0);
            let bytes = if n < hops {
                answer("302 Found", &format!("Location: /{}\r\n", n + 1), b"")
            } else {
                json(GOOD)
            };
            let _ = s.write_all(&bytes);
        })
    };
    all(vec![
        ("another port", saying(to(other.clone())), Status::Redirect, "not followed"),
        (
            "another host",
            saying(to(other.replace("127.0.0.1", "localhost"))),
            Status::Redirect,
            "localhost",
        ),
        (
            "another scheme",
            saying(to(other.replace("http:", "https:"))),
            Status::Redirect,
            "not followed",
        ),
        ("the metadata address", saying(to(link_local)), Status::Redirect, "not followed"),
        (
            "a login elsewhere",
            saying(to("https://sso.example/login?next=query-canary".into())),
            Status::Auth,
            "a login at https://sso.example",
        ),
        ("no web address", saying(to("file:///etc/passwd".into())), Status::Redirect, ""),
        ("a circle", saying(to("/items".into())), Status::Redirect, "circle"),
        ("three hops", chain(3), Status::Ok, "3 redirects"),
        ("four hops", chain(4), Status::Redirect, "more than 3 times"),
    ]);
    assert_eq!(stranger.asked().len(), 0, "a stranger was asked");
}

#[test]
fn a_probe_follows_elsewhere_without_credentials() {
    let stranger = saying(json(GOOD));
    let home = saying(answer("302 Found", &format!("Location: {}\r\n", stranger.url("/")), b""));
    let address: url::Url = home.url("/").parse().unwrap();
    let mut http = Http::get("probe", address.clone());
    http.probe = true;
    let (status, words) = outcome(asking(address, vec![Request::Http(http)]));
    assert_eq!(status, Status::Ok, "{words}");
    for server in [&home, &stranger] {
        let asked = server.asked();
        assert_eq!(asked.len(), 1);
        assert!(!asked[0].head.contains(CANARY));
    }
    let metadata = saying(answer("302 Found", "Location: http://169.254.169.254/\r\n", b""));
    let address: url::Url = metadata.url("/").parse().unwrap();
    let mut http = Http::get("probe", address.clone());
    http.probe = true;
    let (status, words) = outcome(asking(address, vec![Request::Http(http)]));
    assert_eq!(status, Status::Redirect, "{words}");
}

#[test]
fn a_request_for_another_origin_is_not_sent() {
    let (home, stranger) = (saying(json(GOOD)), saying(json(GOOD)));
    let mut lured = upstream(&stranger.url("/items"));
    lured.endpoint.url = Some(home.url("/").parse().unwrap());
    let (status, words) = outcome(lured);
    assert_eq!(status, Status::Redirect, "{words}");
    assert_eq!((home.asked().len(), stranger.asked().len()), (0, 0));
}

#[test]
fn a_secret_that_an_upstream_quotes_is_blotted_out() {
    let body = format!("{{\"message\":\"no such token: {CANARY}\"}}");
    let server = saying(answer("500 Oh", "", body.as_bytes()));
    let (status, words) = outcome(upstream(&server.url("/")));
    assert_eq!(status, Status::ServerError);
    assert!(words.contains("(secret)"), "{words}");
}

#[test]
fn a_missing_secret_sends_nothing() {
    let server = saying(json(GOOD));
    let mut poor = upstream(&server.url("/"));
    poor.endpoint.auth = vec![Auth::Token(Secret::Env("ANDON_TEST_NO_SUCH_VARIABLE".into()))];
    let (status, words) = outcome(poor);
    assert_eq!(status, Status::Auth);
    assert!(words.contains("ANDON_TEST_NO_SUCH_VARIABLE is not set"), "{words}");
    assert_eq!(server.asked().len(), 0);
}

/// Polls `hosts` in turn, two dozen times at once, and tells how many were in the air together.
fn most_in_the_air(hosts: &[&str]) -> usize {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    MOST.store(0, Ordering::SeqCst);
    let server = acting(|_, s| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        // Before the answer: after it the next request may be quicker than we are.
        NOW.fetch_sub(1, Ordering::SeqCst);
        let _ = s.write_all(&json(GOOD));
    });
    let urls = hosts.iter().cycle().map(|host| server.url("/").replace("127.0.0.1", host));
    let upstreams: Vec<_> = urls.take(24).map(|url| upstream(&url)).collect();
    let heard = poll_once_within(upstreams, DEADLINE * 2, &limits());
    assert!(heard.iter().all(|h| h.outcome.is_ok()));
    assert_eq!(server.asked().len(), 24);
    MOST.load(Ordering::SeqCst)
}

#[test]
fn no_more_than_eight_are_in_the_air_and_three_in_four_at_one_host() {
    assert_eq!(most_in_the_air(&["127.0.0.1"]), 6);
    assert_eq!(most_in_the_air(&["127.0.0.1", "localhost"]), 8);
}

#[test]
fn a_silent_server_leaves_lanes_to_another_one_behind_a_port_of_the_same_machine() {
    let (good, mute) = (saying(json(GOOD)), acting(|_, s| silence(s)));
    let mut silent = upstream(&mute.url("/"));
    silent.timeout = DEADLINE * 4;
    let upstreams = (0..12).map(|_| silent.clone()).chain([upstream(&good.url("/"))]).collect();
    let heard = poll_once_within(upstreams, DEADLINE / 4, &limits());
    let statuses: Vec<_> = heard.iter().map(|h| h.freshness.status).collect();
    assert_eq!(statuses.last(), Some(&Status::Ok), "{statuses:?}");
    assert_eq!(good.asked().len(), 1);
}

#[test]
fn what_is_not_finished_by_the_deadline_of_all_is_told_too() {
    let (good, mute) = (saying(json(GOOD)), acting(|_, s| silence(s)));
    let mut slow = upstream(&mute.url("/"));
    slow.timeout = Duration::from_secs(10);
    let upstreams = vec![slow, upstream(&good.url("/"))];
    let heard = poll_once_within(upstreams, Duration::from_millis(400), &limits());
    let statuses: Vec<_> = heard.iter().map(|h| h.freshness.status).collect();
    assert_eq!(statuses, [Status::Timeout, Status::Ok]);
}

#[test]
fn no_cut_of_a_good_answer_is_taken_for_the_whole() {
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{GOOD}\r\n0\r\n\r\n",
        GOOD.len()
    );
    for whole in [json(GOOD), chunked.into_bytes()] {
        let length = whole.len();
        let server = acting(move |asked, s| {
            let cut: usize = asked.path().trim_start_matches('/').parse().unwrap();
            let _ = s.write_all(&whole[..cut]);
        });
        let upstreams: Vec<_> =
            (1..=length).map(|n| upstream(&server.url(&format!("/{n}")))).collect();
        let heard = poll_once_within(upstreams, DEADLINE * 4, &limits());
        for (i, one) in heard.iter().enumerate() {
            let status = one.freshness.status;
            let expected = if i + 1 == length { Status::Ok } else { status };
            assert_eq!(status, expected, "cut after {} of {length}", i + 1);
            let named = matches!(status, Status::BadData | Status::Unreachable);
            assert!(named || i + 1 == length, "{status:?} after {} of {length}", i + 1);
        }
    }
}
