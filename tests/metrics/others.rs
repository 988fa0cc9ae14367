//! Prometheus' cousins on loopback as they answer: Mimir behind a prefix and a tenant, Thanos without rules, names with dots.

use std::io::Write;
use std::time::Duration;

use andon::config::load_text;
use andon::engine::{from_clock, poll_once};
use andon::insight::numbers;
use andon::model::{Board, Freshness, Measure, Name, SourceName, Status, Team};

use crate::fault_server::{Asked, FaultServer, answer, json};
use crate::proxy::field;

struct Told {
    team: Team,
    board: Board,
}

impl Told {
    fn source(&self) -> &Freshness {
        &self.board.sources[&SourceName::new("store")]
    }

    fn number(&self, service: &str, name: &str) -> Option<Measure> {
        let service = self.team.service(&Name::new(service)).unwrap();
        let metric = numbers(&self.board, service).find(|m| m.id.metric.as_str() == name)?;
        Some(self.board.tracks.get(&metric.id)?.newest()?.1.clone())
    }
}

fn told(url: &str, more: &str) -> Told {
    let text =
        format!("[[source]]\nname = \"store\"\nkind = \"prometheus\"\nurl = \"{url}\"\n{more}");
    let config = load_text(&text, std::path::Path::new("/"), &[]).unwrap_or_else(|p| panic!("{p}"));
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(30)) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        if let Ok(report) = heard.outcome {
            board.fold(&heard.source, heard.at, report);
        }
    }
    Told { team: config.team, board }
}

const ONE: &str = "[[service]]\nname = \"web\"\nfound = false\n\
    [[service.metric]]\nname = \"up\"\nquery = \"min(up)\"\ngood = \">= 1\"\n";

/// Samples as a vector, each with the labels that are written in it.
fn vector(rows: &[(String, &str)], more: &str) -> Vec<u8> {
    let now = from_clock().as_second();
    let rows: Vec<String> = rows
        .iter()
        .map(|(labels, value)| format!(r#"{{"metric":{{{labels}}},"value":[{now},"{value}"]}}"#))
        .collect();
    let rows = rows.join(",");
    json(&format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{rows}]}}{more}}}"#
    ))
}

fn nothing(asked: &Asked) -> Vec<u8> {
    let kind = if asked.path().contains("query_range") { "matrix" } else { "vector" };
    json(&format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[]}}}}"#))
}

/// Without a tenant Mimir answers 401 and plain text; its API lies under `/prometheus`
/// (grafana.com/docs/mimir/latest/references/http-api).
#[test]
fn mimir_is_asked_under_its_prefix_with_its_tenant() {
    let server = FaultServer::start(|asked, stream| {
        let bytes = if asked.header("X-Scope-OrgID") != Some("team-7") {
            answer("401 Unauthorized", "Content-Type: text/plain\r\n", b"no org id\n")
        } else if !asked.path().starts_with("/prometheus/api/v1/") {
            answer("404 Not Found", "Content-Type: text/plain\r\n", b"404 page not found\n")
        } else if asked.path().ends_with("/rules") {
            json(r#"{"status":"success","data":{"groups":[]},"errorType":"","error":""}"#)
        } else if field(asked, "query") == "min(up)" {
            vector(&[(String::new(), "1")], "")
        } else {
            nothing(asked)
        };
        let _ = stream.write_all(&bytes);
    });
    let tenant = "auth = { header = { name = \"X-Scope-OrgID\", value = \"team-7\" } }\n";
    let url = server.url("/prometheus");
    let well = told(&url, &format!("{tenant}{ONE}"));
    assert_eq!(well.source().status, Status::Ok, "{:?}", well.source());
    assert_eq!(well.number("web", "up"), Some(Measure::Number(1.0)));
    let asked = server.asked();
    assert!(asked.iter().all(|a| a.path().starts_with("/prometheus/api/v1/")), "{asked:?}");
    let without = told(&url, ONE);
    assert_eq!(without.source().status, Status::Auth, "{:?}", without.source());
    assert!(without.source().message.as_str().contains("no org id"), "{:?}", without.source());
    let elsewhere = told(&server.url(""), &format!("{tenant}{ONE}"));
    assert_eq!(elsewhere.source().status, Status::NotFound, "{:?}", elsewhere.source());
}

/// A querier has no rules of its own, and answers with what it reached.
#[test]
fn thanos_without_rules_and_with_a_store_missing_is_partial() {
    let warning = r#","warnings":["receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable desc = connection refused"]"#;
    let server = FaultServer::start(move |asked, stream| {
        let bytes = if asked.path().contains("/api/v1/rules") {
            answer("404 Not Found", "Content-Type: text/plain\r\n", b"404 page not found\n")
        } else if field(asked, "query") == "min(up)" {
            vector(&[(String::new(), "1")], warning)
        } else {
            nothing(asked)
        };
        let _ = stream.write_all(&bytes);
    });
    let told = told(&server.url(""), ONE);
    let source = told.source();
    assert_eq!(source.status, Status::Partial, "{source:?}");
    assert!(source.message.as_str().contains("not all data was there"), "{source:?}");
    assert!(source.message.as_str().contains("10.0.0.7:10901"), "who is missing: {source:?}");
    let rules = |note: &&andon::model::Clean| note.as_str().contains("no alerting rules");
    assert!(source.notes.iter().any(|note| rules(&note)), "{source:?}");
    assert_eq!(told.number("web", "up"), Some(Measure::Number(1.0)), "what was told is told");
    let source = source.shown(from_clock());
    assert_eq!(source.word(), "partial");
}

/// OTLP taken with its dots: names are matched as labels, and labels with dots are quoted, or a server of UTF-8 names
/// refuses the question (prometheus.io/docs/guides/utf8).
#[test]
fn names_with_dots_are_asked_as_their_server_reads_them() {
    for name in ["http.server.request.duration", "http.server.request.duration_seconds"] {
        let server = FaultServer::start(move |asked, stream| {
            let query = field(asked, "query");
            let bytes = if query.contains("count by (__name__, ") {
                // Which condition a row meets stands beside its selector; the bare one is first.
                let whole = |i: &str, suffix: &str| {
                    let row = format!(
                        r#""__name__":"{name}{suffix}","job":"shop/web","andon_query":"{i}""#
                    );
                    (row, "4")
                };
                let le = condition(&query, "le=\"+Inf\"");
                vector(&[whole("0", "_count"), whole(&le, "_bucket")], "")
            } else if query.contains(name) {
                let parts = query.split("andon_query").count() - 1;
                let rows: Vec<(String, &str)> = (0..parts)
                    .map(|i| (format!(r#""job":"shop/web","andon_query":"{i}""#), "0.25"))
                    .collect();
                vector(&rows, "")
            } else {
                nothing(asked)
            };
            let _ = stream.write_all(&bytes);
        });
        let told = told(&server.url(""), "[[service]]\nname = \"web\"\n");
        for number in ["requests", "errors", "p95"] {
            assert_eq!(told.number("web", number), Some(Measure::Number(0.25)), "{number}");
        }
        let asked = server.asked();
        let queries = asked.iter().map(|a| field(a, "query"));
        let found: Vec<String> = queries.filter(|q| q.contains("rate(")).collect();
        for query in &found {
            assert!(
                query.contains(&format!("{{__name__=\"{name}_count\",job=\"shop/web\"")),
                "{query}"
            );
            assert!(query.contains("\"http.response.status_code\"=~\"5..\""), "{query}");
            // Nowhere a bare name with a dot.
            let quoted = query.split('"').step_by(2).collect::<Vec<_>>().join("");
            assert!(!quoted.contains("http.") && !quoted.contains("status_code"), "{query}");
        }
        assert!(!found.is_empty());
    }
}

/// The mark of the part of a look whose selectors carry this matcher.
fn condition(look: &str, matcher: &str) -> String {
    let before = look.split_once(matcher).unwrap().1;
    let mark = before.split_once("\"andon_query\", \"").unwrap().1;
    mark.split('"').next().unwrap().to_owned()
}
