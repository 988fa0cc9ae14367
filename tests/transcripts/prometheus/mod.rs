//! Prometheus 2.42 and `VictoriaMetrics` 1.79 as recorded: numbers, refusals, history, rules.

mod cold;
mod objectives;

use andon::model::{
    AlertState, Fact, Feed, Measure, Metric, PARTLY, RuleHealth, RuleState, Severity, Status,
    Trouble,
};
use andon::source::{Asking, Http, HttpAnswer, Source};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::common::fixtures::{recording, transcript};
use crate::common::mutate;
use crate::support::{Memory, Polled, answer, form, metric, now, open, poll, poll_as};

const PROM: &str = "prometheus/prometheus-2.42";
const VM: &str = "prometheus/victoriametrics-1.79";

fn source(options: &str, queries: &[(&str, &str)]) -> Box<dyn Source> {
    let metrics: Vec<Metric> = queries.iter().map(|(n, q)| metric("prometheus", n, q)).collect();
    open("prometheus", options, metrics).unwrap()
}

/// A server that knows each query by the name of its recording and understands batches as Prometheus does.
fn server<'a>(
    folder: &'a str,
    ranges: &'a str,
) -> impl FnMut(&Http) -> Result<HttpAnswer, Trouble> + 'a {
    move |http| {
        let path = http.url.path().strip_prefix("/base/api/v1/").unwrap();
        let recording = |name: &str| transcript(&format!("{folder}/{name}.json"));
        Ok(match path {
            "query" => respond(http, &form(http, "query"), &|name| match name {
                "vector(1)" => recording("query_signups"),
                which if which.starts_with("count by (__name__)") => {
                    r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned()
                }
                // Divided by something, and the recording says what came of it.
                name => recording(name.split(" / ").next().unwrap()),
            }),
            "query_range" => respond(http, &form(http, "query"), &|name| match name {
                "query_vector" | "vector(1)" => recording("query_range_empty"),
                _ => recording(ranges),
            }),
            "rules" => answer(http, 200, recording("rules_type_alert")),
            "status/buildinfo" => answer(http, 200, recording("buildinfo")),
            other => panic!("asked {other}"),
        })
    }
}

fn respond(http: &Http, query: &str, recording: &dyn Fn(&str) -> String) -> HttpAnswer {
    let parts = parts(query);
    let single = parts.is_empty();
    let parts = if single { vec![(query.to_owned(), String::new())] } else { parts };
    let mut all = Vec::new();
    let mut kind = String::new();
    for (name, tag) in parts {
        let body = recording(&name);
        let told: Value = serde_json::from_str(&body).unwrap();
        if told["status"] == "error" {
            let code = if told["errorType"] == "timeout" { 503 } else { 422 };
            return answer(http, code, body);
        }
        told["data"]["resultType"].as_str().unwrap().clone_into(&mut kind);
        if single {
            return answer(http, 200, body);
        }
        if kind != "vector" && kind != "matrix" {
            return answer(
                http,
                400,
                r#"{"status":"error","errorType":"bad_data","error":"expected type instant vector, got scalar"}"#,
            );
        }
        for series in told["data"]["result"].as_array().unwrap() {
            let mut series = series.clone();
            series["metric"]["andon_query"] = json!(tag);
            all.push(series);
        }
    }
    let body = json!({"status": "success", "data": {"resultType": kind, "result": all}});
    answer(http, 200, body.to_string())
}

/// The queries of a batch and their tags.
fn parts(batch: &str) -> Vec<(String, String)> {
    let each = batch.split(" or ").filter_map(|one| {
        let (query, rest) = one
            .trim_start_matches('(')
            .strip_prefix("label_replace((")?
            .split_once("\n), \"andon_query\", \"")?;
        Some((query.to_owned(), rest.split('"').next()?.to_owned()))
    });
    each.collect()
}

fn words(measure: Option<Measure>) -> String {
    match measure {
        Some(Measure::Unreadable(words)) => words.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_recorded_number_is_what_it_was() {
    let queries = [
        ("signups", "query_signups"),
        ("nan", "query_nan"),
        ("share", "query_nan / query_nan"),
        ("inf", "query_inf"),
        ("neg", "query_neg_inf"),
        ("tiny", "query_tiny"),
        ("big", "query_big"),
        ("none", "query_empty"),
        ("scalar", "query_scalar"),
        ("scalar-nan", "query_scalar_nan"),
    ];
    let told = poll(&*source("", &queries), server(PROM, "query_range_empty"));
    for (name, measure) in [
        ("signups", Measure::Number(1234.0)),
        // A gauge without a number; and nothing of nothing.
        ("nan", Measure::Unreadable("not a number".into())),
        ("share", Measure::NoTraffic),
        ("inf", Measure::Infinite(true)),
        ("neg", Measure::Infinite(false)),
        ("tiny", Measure::Number(1e-15)),
        ("big", Measure::Number(1e300)),
        ("none", Measure::NoData),
        ("scalar", Measure::Number(42.5)),
        ("scalar-nan", Measure::Unreadable("not a number".into())),
    ] {
        assert_eq!(told.measure(name), Some(measure), "{name}");
    }
    assert_eq!(told.report().partial, None);
    assert_eq!(told.report().about.as_ref().unwrap().as_str(), "Prometheus 2.42.0+ds");
}

#[test]
fn one_bad_query_costs_only_its_own_row() {
    let queries = [
        ("good", "query_signups"),
        ("typo", "query_err_parse"),
        ("join", "query_err_exec"),
        ("slow", "query_timeout_real"),
        ("text", "query_string"),
        ("range", "query_matrix"),
        ("many", "query_up"),
        ("none", "query_empty"),
    ];
    let told = poll(&*source("", &queries), server(PROM, "query_range_empty"));
    assert_eq!(told.measure("good"), Some(Measure::Number(1234.0)));
    assert_eq!(told.measure("none"), Some(Measure::NoData));
    assert!(words(told.measure("typo")).contains("parse error"));
    assert!(words(told.measure("join")).contains("duplicate series"));
    assert!(words(told.measure("slow")).contains("timed out"));
    assert!(words(told.measure("text")).contains("text, not a number"));
    assert!(words(told.measure("range")).contains("avg_over_time"));
    assert!(words(told.measure("many")).starts_with("6 series where one number is needed"));
    assert_eq!(told.report().partial, None, "the source itself is well");
}

#[test]
fn who_broke_a_batch_is_asked_alone_from_then_on() {
    let queries = [("good", "query_signups"), ("none", "query_empty"), ("typo", "query_err_parse")];
    let source = source("rules = false", &queries);
    let first = poll(&*source, server(PROM, "query_range_empty"));
    let asked: Vec<_> = first.asked().iter().map(|h| h.tag.to_string()).collect();
    assert_eq!(
        asked,
        ["now:0,1,2", "about", "now:0", "now:1", "now:2", "then:0", "week:0", "recorded:which"]
    );
    let memory: Memory = first.report().remember.iter().cloned().collect();
    let later = Asking { now: now(), last_ok: Some(now()), round: 1, memory: &memory };
    let second = poll_as(&*source, &later, server(PROM, "query_range_empty"));
    let asked: Vec<_> = second.asked().iter().map(|h| h.tag.to_string()).collect();
    assert_eq!(asked, ["now:0,1", "now:2"]);
    assert_eq!(second.measure("good"), Some(Measure::Number(1234.0)));
    assert_eq!(second.report().about, first.report().about, "the version is remembered");
}

#[test]
fn a_thousand_numbers_take_one_request_in_a_hundred() {
    let queries: Vec<(String, &str)> =
        (0..1000).map(|i| (format!("m{i}"), "query_signups")).collect();
    let queries: Vec<(&str, &str)> = queries.iter().map(|(n, q)| (n.as_str(), *q)).collect();
    let memory = Memory::new();
    let asking = Asking { now: now(), last_ok: Some(now()), round: 1, memory: &memory };
    let told = poll_as(&*source("", &queries), &asking, server(PROM, "query_range_empty"));
    let now = |h: &&Http| h.tag.starts_with("now:");
    assert_eq!(told.asked().into_iter().filter(now).count(), 10);
    // The same hour of last week is asked for every five minutes, a twentieth of the requests with each poll.
    assert_eq!(told.asked().len(), 11);
    assert!((0..1000).all(|i| told.measure(&format!("m{i}")) == Some(Measure::Number(1234.0))));
}

#[test]
fn history_comes_with_the_first_answer_and_after_a_gap_only() {
    let source = source("rules = false", &[("nan", "query_nan / x"), ("x", "query_signups")]);
    let history = |told: &Polled| {
        let points = told.report().facts.iter().filter_map(|fact| match fact {
            Fact::History { id, points } => Some((id.metric.to_string(), points.clone())),
            _ => None,
        });
        points.collect::<Vec<_>>()
    };
    let first = poll(&*source, server(PROM, "query_range_nan"));
    let told = history(&first);
    assert_eq!(told.len(), 2);
    let at: Timestamp = "2026-11-22T11:44:21Z".parse().unwrap();
    assert_eq!(told[0].1.len(), 5);
    assert_eq!(told[0].1[0], (at, Measure::NoTraffic));
    let asked = first.asked();
    let range = asked.iter().find(|h| h.tag.starts_with("then:")).unwrap();
    assert_eq!(form(range, "step"), "60");
    let (start, end): (i64, i64) =
        (form(range, "start").parse().unwrap(), form(range, "end").parse().unwrap());
    assert_eq!((end - start, end % 60), (6 * 3600, 0));

    let memory = Memory::new();
    for (gap, ask) in [(15, false), (31, false), (300, true)] {
        let last_ok = Some(now() - SignedDuration::from_secs(gap));
        let asking = Asking { now: now(), last_ok, round: 3, memory: &memory };
        let told = poll_as(&*source, &asking, server(PROM, "query_range_nan"));
        assert_eq!(!history(&told).is_empty(), ask, "after {gap} s");
    }
}

#[test]
fn history_that_fails_costs_a_note_and_no_number() {
    let source = source("rules = false", &[("x", "query_signups"), ("y", "query_big")]);
    let mut prom = server(PROM, "query_range_too_many");
    let told = poll(&*source, |http| {
        if http.url.path().ends_with("query_range") {
            return Err(Trouble::new(Status::Timeout, "no answer within 10 s"));
        }
        prom(http)
    });
    assert_eq!(told.measure("x"), Some(Measure::Number(1234.0)));
    assert_eq!(told.report().partial, None);
    assert!(told.report().notes[0].as_str().starts_with("history: 2 numbers not answered"));
    let told = poll(&*source, server(PROM, "query_range_too_many"));
    assert_eq!(told.measure("x"), Some(Measure::Number(1234.0)));
}

#[test]
fn an_old_sample_keeps_its_own_time() {
    let source = source("rules = false", &[("x", "query_signups")]);
    let at = |now: &str| {
        let memory = Memory::new();
        let now: Timestamp = now.parse().unwrap();
        let asking = Asking { now, last_ok: Some(now), round: 1, memory: &memory };
        let told = poll_as(&*source, &asking, server(PROM, "query_range_empty"));
        let fact = told.report().facts.first().cloned();
        match fact {
            Some(Fact::Sample { at, .. }) => (at.to_string(), now.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let (told, now) = at("2026-11-22T11:44:50Z");
    assert_eq!(told, now, "a fresh sample is of this poll");
    let (told, now) = at("2026-11-22T11:44:00Z");
    assert_eq!(told, now, "a server whose clock is ahead tells of now");
    let (told, _) = at("2026-11-22T11:50:00Z");
    assert!(told.starts_with("2026-11-22T11:44:4"), "{told}");
}

#[test]
fn a_broken_rule_is_broken_and_not_green() {
    for (folder, file) in [(PROM, "rules_type_alert"), (VM, "vmalert_rules")] {
        let told = poll(&*source("", &[]), |http| {
            let name = if &*http.tag == "rules" { file } else { "query_scalar" };
            Ok(answer(http, 200, transcript(&format!("{folder}/{name}.json"))))
        });
        let report = told.report();
        let rules: Vec<_> = report
            .facts
            .iter()
            .filter_map(|f| if let Fact::Rule(rule) = f { Some(rule) } else { None })
            .collect();
        let rule = |name: &str| *rules.iter().find(|r| r.name.as_str() == name).unwrap();
        assert_eq!(rule("BrokenManyToMany").health, RuleHealth::Broken);
        assert_eq!(rule("BrokenManyToMany").state, RuleState::Inactive);
        assert!(rule("BrokenManyToMany").last_error.as_str().contains("duplicate"), "{folder}");
        assert_eq!(rule("AlwaysFiring").health, RuleHealth::Ok);
        assert_eq!(
            (&rule("AlwaysFiring").state, rule("AlwaysFiring").firing),
            (&RuleState::Firing, 1)
        );
        assert_eq!(rule("PendingForAnHour").state, RuleState::Pending);
        assert_eq!(rule("PendingForAnHour").waits, SignedDuration::from_hours(1));
        let nan = if folder == PROM { RuleState::Firing } else { RuleState::Inactive };
        assert_eq!(rule("NaNValue").state, nan, "a NaN alert fires in Prometheus only");
        assert_eq!(rules.len(), 7, "recording rules are none of ours");
        assert_eq!(report.complete, [Feed::Rules]);
        assert!(!report.facts.iter().any(|f| matches!(f, Fact::Alert(_))));
        let ids: std::collections::BTreeSet<_> = rules.iter().map(|r| r.key.id.raw()).collect();
        assert_eq!(ids.len(), rules.len());
    }
}

#[test]
fn alerts_come_from_rules_when_asked_for() {
    let told = poll(&*source("alerts = true", &[]), server(PROM, "query_range_empty"));
    let alert = |name: &str| {
        told.report().facts.iter().find_map(|fact| match fact {
            Fact::Alert(alert) if alert.name.as_str() == name => Some(alert.clone()),
            _ => None,
        })
    };
    let firing = alert("AlwaysFiring").unwrap();
    assert_eq!(firing.state, AlertState::Firing);
    assert_eq!(firing.severity, Some(Severity(1)));
    assert_eq!(firing.summary.as_str(), "always firing, value 1");
    assert_eq!(firing.description.as_str().lines().count(), 2);
    assert!(firing.runbook.is_some());
    assert_eq!(firing.started, Some("2026-11-22T11:43:26.897608753Z".parse().unwrap()));
    assert_eq!(alert("PendingForAnHour").unwrap().state, AlertState::Pending);
    assert_eq!(told.report().complete, [Feed::Rules, Feed::Alerts]);
    let asked = told.asked();
    let rules = asked.iter().find(|h| &*h.tag == "rules").unwrap();
    assert_eq!(
        rules.url.query(),
        Some("type=alert"),
        "alerts are wanted, so they are not excluded"
    );
}

#[test]
fn rules_with_null_or_absent_lists_are_read() {
    for body in [
        r#"{"status":"success","data":{"groups":null}}"#,
        r#"{"status":"success","data":{}}"#,
        r#"{"status":"success","data":{"groups":[{"name":"g","rules":null},{"name":"h"}]}}"#,
        r#"{"status":"success","data":{"groups":[{"rules":[{"type":"alerting","name":"A","alerts":null,"state":"firing"}]}]}}"#,
    ] {
        let told = poll(&*source("alerts = true", &[]), |http| {
            let scalar = transcript(&format!("{PROM}/query_scalar.json"));
            Ok(answer(http, 200, if &*http.tag == "rules" { body } else { &scalar }))
        });
        assert_eq!(told.report().partial, None, "{body}");
        assert_eq!(told.report().complete.len(), 2);
    }
}

#[test]
fn a_server_without_a_ruler_is_no_failure_but_a_failing_one_is_said() {
    let rules = |status: u16, body: String| {
        let told = poll(&*source("", &[("x", "query_signups")]), |http| {
            if &*http.tag == "rules" {
                return Ok(answer(http, status, &body));
            }
            server(PROM, "query_range_empty")(http)
        });
        assert_eq!(told.measure("x"), Some(Measure::Number(1234.0)));
        assert!(told.report().complete.is_empty());
        (told.report().partial.clone().map(|c| c.to_string()), told.report().notes.len())
    };
    assert_eq!(rules(404, transcript(&format!("{PROM}/notfound.txt"))), (None, 1));
    assert_eq!(rules(400, transcript(&format!("{VM}/notfound.txt"))), (None, 1));
    let (partial, _) = rules(502, transcript(&format!("{VM}/proxy_down_rules.txt")));
    assert_eq!(partial.as_deref(), Some("rules: answered 502: the server failed"));
}

#[test]
fn failures_of_the_server_are_named_once() {
    for (status, body, class, words) in [
        (503, "starting.txt", Status::ServerError, "Service Unavailable"),
        (404, "notfound.txt", Status::NotFound, "404 page not found"),
    ] {
        let body = transcript(&format!("{PROM}/{body}"));
        let told =
            poll(&*source("", &[("x", "query_signups")]), |http| Ok(answer(http, status, &body)));
        assert_eq!(told.trouble().status, class);
        assert!(told.trouble().message.as_str().contains(words), "{}", told.trouble());
    }
    let told = poll(&*source("", &[("x", "q")]), |http| Ok(answer(http, 200, "{\"a\":1}")));
    assert_eq!(told.trouble().status, Status::BadData);
    let told = poll(&*source("", &[("x", "q")]), |_| Err(Trouble::new(Status::Timeout, "late")));
    assert_eq!(told.trouble().status, Status::Timeout);
    let text = transcript(&format!("{VM}/notfound.txt"));
    let told = poll(&*source("", &[("x", "q"), ("y", "q")]), |http| Ok(answer(http, 400, &text)));
    assert_eq!(told.trouble().status, Status::BadData);
    assert_eq!(told.heard.len(), 3, "no query is at fault, so none is asked again");
}

#[test]
fn victoriametrics_answers_are_read_too() {
    let queries = [("scalar", "query_scalar"), ("nan", "query_nan"), ("typo", "query_err_parse")];
    let told = poll(&*source("rules = false", &queries), |http| {
        let path = http.url.path();
        if path.ends_with("query_range") {
            return Ok(answer(
                http,
                200,
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            ));
        }
        server(VM, "")(http)
    });
    assert_eq!(told.measure("scalar"), Some(Measure::Number(42.5)));
    assert_eq!(told.measure("nan"), Some(Measure::NoData));
    assert!(words(told.measure("typo")).contains("up{"));
    let about = told.report().about.clone().unwrap();
    assert_eq!(about.as_str(), "speaks like Prometheus, version not told");
}

#[test]
fn a_native_histogram_is_named_and_never_zero() {
    let sample = r#"{"metric":{},"histogram":[1795345178.339,{"count":"8","sum":"0.00179","buckets":[[0,"0.00000832","0.00000907","1"]]}]}"#;
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{sample}]}}}}"#);
    let told = poll(&*source("rules = false", &[("h", "x")]), |http| Ok(answer(http, 200, &body)));
    assert!(words(told.measure("h")).contains("native histogram"));
}

#[test]
fn warnings_and_truncation_are_notes() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1795347881.684,"1"]}]},"warnings":["results truncated due to limit"],"infos":["PromQL info: metric might not be a counter"]}"#;
    let told = poll(&*source("rules = false", &[("x", "x")]), |http| Ok(answer(http, 200, body)));
    let note = told.report().facts.iter().find_map(|f| match f {
        Fact::Sample { note, .. } => note.clone(),
        _ => None,
    });
    assert_eq!(note.unwrap().as_str(), format!("results truncated due to limit; {PARTLY}"));
}

/// Thanos answers with what it reached and says in `warnings` what it did not; a cluster of `VictoriaMetrics` sets
/// `isPartial`. What Prometheus remarks on a query itself begins with `PromQL`.
#[test]
fn an_answer_without_all_of_its_data_is_partial_and_not_well() {
    let good = r#""status":"success","data":{"resultType":"vector","result":[{"metric":{"andon_query":"0"},"value":[1795347881.684,"1"]},{"metric":{"andon_query":"1"},"value":[1795347881.684,"2"]}]}"#;
    let thanos = r#""warnings":["receive series from Addr: 10.0.0.7:10901 LabelSets: : rpc error: code = Unavailable desc = connection refused"]"#;
    let remark =
        r#""warnings":["PromQL info: metric might not be a counter, name does not end in _total"]"#;
    let partial = |more: &str| {
        let body = format!("{{{good},{more}}}");
        let told = poll(&*source("rules = false", &[("a", "a"), ("b", "b")]), |http| {
            Ok(answer(http, 200, &body))
        });
        assert_eq!(told.measure("b"), Some(Measure::Number(2.0)));
        // Each number says so itself, for those who judge by it.
        let noted = told.report().facts.iter().filter(|fact| match fact {
            Fact::Sample { note, .. } => note.as_ref().is_some_and(|n| n.as_str() == PARTLY),
            _ => false,
        });
        assert_eq!(noted.count(), if told.report().partial.is_some() { 2 } else { 0 });
        told.report().partial.as_ref().map(ToString::to_string)
    };
    let said = partial(thanos).unwrap();
    assert!(said.starts_with("not all data was there: receive series from Addr"), "{said}");
    let said = partial(r#""isPartial":true"#).unwrap();
    assert_eq!(said, "not all data was there: the store says its answer is partial");
    assert_eq!(partial(remark), None);
    assert_eq!(partial(r#""isPartial":false"#), None);
    assert_eq!(partial(r#""warnings":null,"infos":[]"#), None);
}

/// One query that takes longer than anybody waits is asked alone from then on, and its company is not.
#[test]
fn a_slow_query_costs_its_company_one_poll_at_most() {
    let source =
        source("rules = false, presets = false", &[("a", "a"), ("slow", "slow"), ("b", "b")]);
    let good = |http: &Http| {
        let ids: Vec<String> =
            http.tag.split_once(':').unwrap().1.split(',').map(str::to_owned).collect();
        let rows = ids.iter().map(|i| {
            format!(r#"{{"metric":{{"andon_query":"{i}"}},"value":[1795347881.684,"{i}"]}}"#)
        });
        let rows = rows.collect::<Vec<_>>().join(",");
        answer(
            http,
            200,
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{rows}]}}}}"#),
        )
    };
    let timeout = r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#;
    let reply = |http: &Http| {
        if !http.tag.starts_with("now:") {
            return Ok(answer(
                http,
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            ));
        }
        match form(http, "query").as_str() {
            // Alone it is given up by andon itself.
            "slow" => Err(Trouble::new(Status::Timeout, "no answer within 10 s")),
            query if query.contains("slow") => Ok(answer(http, 503, timeout)),
            _ => Ok(good(http)),
        }
    };
    let first = poll(&*source, reply);
    assert_eq!(first.measure("a"), Some(Measure::Number(0.0)));
    assert_eq!(first.measure("b"), Some(Measure::Number(2.0)));
    assert_eq!(first.measure("slow"), None, "it keeps its old value, which grows old");
    let partial = first.report().partial.clone().unwrap();
    assert!(partial.as_str().contains("1 number not answered: no answer within 10 s"), "{partial}");
    let memory: Memory = first.report().remember.iter().cloned().collect();
    let later = Asking { now: now(), last_ok: Some(now()), round: 1, memory: &memory };
    let second = poll_as(&*source, &later, reply);
    let asked: Vec<_> = second.asked().iter().map(|h| h.tag.to_string()).collect();
    assert_eq!(asked, ["now:0,2", "now:1"]);
    assert_eq!(second.measure("b"), Some(Measure::Number(2.0)));
}

#[test]
fn an_unreadable_sample_is_never_no_data() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"andon_query":"0"},"value":[1795347881.684,"1,234"]},{"metric":{"andon_query":"1"},"value":[1795347881.684,"7"]}]}}"#;
    let told = poll(&*source("rules = false", &[("bad", "a"), ("good", "b")]), |http| {
        Ok(answer(http, 200, body))
    });
    assert_eq!(told.measure("good"), Some(Measure::Number(7.0)));
    assert!(words(told.measure("bad")).contains("could not be read"));
    let partial = told.report().partial.clone().unwrap();
    assert!(
        partial.as_str().contains("/data/result/0/value/1: expected a number, got text"),
        "{partial}"
    );
}

#[test]
fn a_partly_failing_server_still_tells_the_rest() {
    let queries: Vec<(String, &str)> =
        (0..110).map(|i| (format!("m{i}"), "query_signups")).collect();
    let queries: Vec<(&str, &str)> = queries.iter().map(|(n, q)| (n.as_str(), *q)).collect();
    let mut prom = server(PROM, "query_range_empty");
    let told = poll(&*source("rules = false", &queries), |http| {
        if http.tag.starts_with("now:100") {
            return Ok(answer(http, 500, ""));
        }
        prom(http)
    });
    assert_eq!(told.measure("m0"), Some(Measure::Number(1234.0)));
    assert_eq!(told.measure("m100"), None, "what was not heard is not told");
    assert_eq!(
        told.report().partial.as_ref().unwrap().as_str(),
        "10 numbers not answered: answered 500: the server failed"
    );
}

#[test]
fn wrong_options_are_all_said() {
    let no_query = vec![metric("prometheus", "x", "  ")];
    let problems = open("prometheus", "rulez = true", no_query).err().unwrap();
    assert_eq!(problems.len(), 2);
    assert!(open("prometheus", "rules = false, alerts = true", vec![]).is_ok());
}

#[test]
fn no_mutation_of_an_answer_makes_it_panic_or_silent() {
    for name in
        ["query_signups", "query_scalar", "query_range_nan", "rules_type_alert", "buildinfo"]
    {
        for spoilt in mutate::spoil(&transcript(&format!("{PROM}/{name}.json")), 1) {
            let told = poll(&*source("alerts = true", &[("x", "query_signups")]), |http| {
                let ours = match name {
                    "rules_type_alert" => &*http.tag == "rules",
                    "buildinfo" => &*http.tag == "about",
                    "query_range_nan" => http.tag.starts_with("then:"),
                    _ => http.tag.starts_with("now:"),
                };
                if ours {
                    Ok(answer(http, 200, &spoilt.body))
                } else {
                    server(PROM, "query_range_nan")(http)
                }
            });
            if let Ok(report) = &told.outcome {
                let samples =
                    report.facts.iter().filter(|f| matches!(f, Fact::Sample { .. })).count();
                assert_eq!(samples, 1, "{name} {spoilt:?}: neither a row nor a warning");
            }
        }
    }
}

/// Every answer of both servers to a query, with the status it came with, ends in a row or in a named failure.
#[test]
fn every_recorded_answer_to_a_query_is_a_row_or_words() {
    for folder in ["prom-2.42.0", "vm-1.79.5"] {
        let Some(manifest) = recording(&format!("{folder}/manifest.json")) else { return };
        let manifest: Vec<Value> = serde_json::from_str(&manifest).unwrap();
        let mut rows = 0;
        for call in &manifest {
            let (name, status) = (call["name"].as_str().unwrap(), call["status"].as_u64().unwrap());
            let query = call["path"].as_str().unwrap().starts_with("/api/v1/query");
            if !query || name.contains("exemplars") || name.contains(".gz") {
                continue;
            }
            let body = recording(&format!("{folder}/{name}")).unwrap();
            let told = poll(&*source("rules = false", &[("x", "q")]), |http| {
                Ok(answer(http, u16::try_from(status).unwrap(), &body))
            });
            match (&told.outcome, told.outcome.as_ref().ok().and_then(|_| told.measure("x"))) {
                (Ok(_), Some(measure)) => {
                    rows += 1;
                    let refused = matches!(measure, Measure::Unreadable(_));
                    assert!(status == 200 || refused, "{folder}/{name}: {measure:?}");
                }
                (Ok(_), None) => panic!("{folder}/{name}: no row"),
                (Err(trouble), _) => assert!(!body.starts_with('{'), "{folder}/{name}: {trouble}"),
            }
        }
        assert!(rows > 20, "{folder}: {rows}");
    }
}
