//! What many Prometheus sources keep and ask of many services, counted and not timed.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/poll.rs"]
mod poll;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use allocation_counter::{AllocationInfo, measure};
use andon::config::{Config, load_text};
use andon::source::{Answer, Asking, Exchange, Reading, Request};
use jiff::Timestamp;

const FEW: usize = 40;
/// Four times as many: what grows with them grows to four times as much, and with each pair of them to sixteen.
const MANY: usize = 160;
const MOST: u64 = 6;

/// Sources, and services that are nothing but names: any of the sources may know any of them.
fn text(sources: usize, services: usize) -> String {
    let mut text = String::new();
    for n in 0..sources {
        let url = format!("http://127.0.0.1:9090/{n}");
        let name = format!("name = \"prom-{n}\"\nkind = \"prometheus\"");
        let _ = writeln!(text, "[[source]]\n{name}\nurl = \"{url}\"");
    }
    for n in 0..services {
        let _ = writeln!(text, "[[service]]\nname = \"service-number-{n:03}\"");
    }
    text
}

fn open(text: &str) -> Config {
    load_text(text, Path::new("/"), &[]).unwrap_or_else(|p| panic!("{p}"))
}

type Memory = BTreeMap<Box<str>, Box<str>>;

fn asking(round: u64, memory: &Memory) -> Asking<'_> {
    let last_ok = (round > 0).then_some(Timestamp::UNIX_EPOCH);
    Asking { now: Timestamp::UNIX_EPOCH, last_ok, round, memory }
}

fn ask(config: &Config, round: u64) -> Vec<Vec<Request>> {
    let memory = Memory::new();
    config.upstreams.iter().map(|u| u.source.ask(&asking(round, &memory))).collect()
}

/// A whole poll of one source of a store that knows nobody; what it remembers goes to `memory`.
fn poll_in_vain(config: &Config, round: u64, memory: &mut Memory) {
    let source = &config.upstreams.first().unwrap().source;
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let mut heard: Vec<Exchange> = Vec::new();
    let mut requests = source.ask(&asking(round, memory));
    loop {
        heard.extend(requests.into_iter().map(|request| {
            let Request::Http(http) = &request else { panic!("{request:?}") };
            let body = if http.url.path().ends_with("/query") {
                empty
            } else {
                r#"{"status":"success","data":[]}"#
            };
            Exchange { answer: Ok(Answer::Http(poll::ok(http, body))), request: request.clone() }
        }));
        match source.read(&asking(round, memory), &heard).unwrap() {
            Reading::More(more) => requests = more,
            Reading::Done(report) => {
                assert!(round > 0 || !report.remember.is_empty());
                return memory.extend(report.remember);
            }
        }
    }
}

#[test]
fn sources_and_services_are_kept_once_each_and_not_once_for_each_pair() {
    let kept = |n: usize| {
        let text = text(n, n);
        let mut config = None;
        let counted = measure(|| config = Some(open(&text)));
        assert_eq!(config.unwrap().upstreams.len(), n);
        counted
    };
    let (few, many) = (kept(FEW), kept(MANY));
    assert!(many.bytes_current < few.bytes_current * MOST.cast_signed(), "{few:?} {many:?}");
    assert!(many.bytes_max < few.bytes_max * MOST, "{few:?} {many:?}");
}

/// Everybody is looked for in every store, by name: the question is long, and written once.
#[test]
fn looks_around_that_are_under_way_together_share_their_text() {
    let in_air = |n: usize| {
        let config = open(&text(n, n));
        let mut asked = Vec::new();
        let counted = measure(|| asked = ask(&config, 0));
        let shared = |polls: &[Vec<Request>]| -> usize {
            polls
                .iter()
                .flatten()
                .filter_map(|r| match r {
                    Request::Http(http) => Some(http.body.as_ref()?.1.len()),
                    _ => None,
                })
                .sum()
        };
        // Each of them asks for all the same.
        assert!(shared(&asked[..1]) > n * 100);
        assert_eq!(shared(&asked[..1]) * n, shared(&asked));
        counted
    };
    let (few, many) = (in_air(FEW), in_air(MANY));
    let is_linear = |of: fn(&AllocationInfo) -> u64| of(&many) < of(&few) * MOST;
    assert!(is_linear(|info| info.bytes_total), "{few:?} {many:?}");
    assert!(is_linear(|info| info.bytes_max), "{few:?} {many:?}");
}

/// Nothing of a look around is kept when nobody waits for it any more.
#[test]
fn a_look_around_that_is_over_is_forgotten() {
    let config = open(&text(1, MANY));
    drop(ask(&config, 0));
    let again = measure(|| drop(ask(&config, 0)));
    assert!(again.bytes_current.abs() < 100, "{again:?}");
    assert!(again.bytes_max > 100_000, "{again:?}");
}

#[test]
fn a_service_that_a_source_does_not_know_costs_its_polls_nothing() {
    let polls = |n: usize| {
        let config = open(&text(1, n));
        let mut memory = Memory::new();
        // Two looks around, so that what is made once is made.
        poll_in_vain(&config, 0, &mut memory);
        let poll = measure(|| poll_in_vain(&config, 1, &mut memory));
        let mut asked = Vec::new();
        // Somebody else's look is under way: whoever joins it does not write it anew.
        measure(|| asked = ask(&config, 30));
        let look = measure(|| poll_in_vain(&config, 30, &mut memory));
        (poll, look)
    };
    let ((few, few_looking), (many, many_looking)) = (polls(FEW), polls(MANY));
    // The note of how many there are more is longer by a digit.
    assert!(few.count_total.abs_diff(many.count_total) < 20, "{few:?} {many:?}");
    assert!(few.bytes_total.abs_diff(many.bytes_total) < 1_000, "{few:?} {many:?}");
    let more = many_looking.bytes_total - few_looking.bytes_total;
    assert!(more < (MANY - FEW) as u64 * 64, "{few_looking:?} {many_looking:?}");
}
