//! Objectives as they are asked: in few requests, the long windows seldom, and remembered between.

use andon::model::{Fact, Measure, Name, Objective, Slo, SourceName};
use andon::source::{Asking, Http, HttpAnswer, Source};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{Memory, Polled, answer, form, now, open_with, poll_as};

fn source(bad: &str) -> Box<dyn Source> {
    let slo = Slo {
        name: Name::new("availability"),
        objective: 99.9,
        window: SignedDuration::from_hours(30 * 24),
        source: SourceName::new("prometheus"),
        bad: bad.into(),
        total: "total[$window]".into(),
    };
    let slos = vec![(Name::new("shop"), slo)];
    open_with("prometheus", "rules = false", Vec::new(), slos).unwrap()
}

/// Every total is 1,000, and of everything bad there is one; `bad` says what the server makes of `broken` queries.
fn server(http: &Http) -> HttpAnswer {
    let query = form(http, "query");
    if http.url.path().ends_with("buildinfo")
        || query.starts_with("count by")
        || query == "vector(1)"
    {
        let data = json!({"resultType": "vector", "result": []});
        return answer(http, 200, json!({"status": "success", "data": data}).to_string());
    }
    if query.contains("broken") {
        let text = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
        return answer(http, 400, text.to_string());
    }
    let value = |query: &str| if query.contains("total") { "1000" } else { "1" };
    let parts: Vec<&str> = query.split(" or ").collect();
    let series = parts.iter().map(|part| {
        let tag = part.split("\"andon_query\", \"").nth(1).and_then(|rest| rest.split('"').next());
        let metric = tag.map_or_else(|| json!({}), |tag| json!({"andon_query": tag}));
        json!({"metric": metric, "value": [1_795_347_885.0, value(part)]})
    });
    let data = json!({"resultType": "vector", "result": series.collect::<Vec<_>>()});
    answer(http, 200, json!({"status": "success", "data": data}).to_string())
}

fn asked(told: &Polled) -> Vec<String> {
    let own = told.asked().into_iter().filter(|http| http.tag.starts_with("slo:"));
    own.map(|http| form(http, "query")).collect()
}

fn objective(told: &Polled) -> &Objective {
    let mut facts = told.report().facts.iter();
    facts
        .find_map(|fact| match fact {
            Fact::Objective(objective) => Some(objective),
            _ => None,
        })
        .unwrap()
}

#[test]
fn long_windows_are_asked_seldom_and_remembered_between() {
    let source = source("bad[$window]");
    let mut memory = Memory::new();
    let mut windows = Vec::new();
    for (round, after) in [0, 15, 30, 60, 300, 600].into_iter().enumerate() {
        let now = now() + SignedDuration::from_secs(after);
        let asking = Asking { now, last_ok: Some(now), round: round as u64, memory: &memory };
        let told = poll_as(&*source, &asking, |http| Ok(server(http)));
        let text = asked(&told).join("\n");
        let found = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
            .map(|window| u8::from(text.contains(&format!("bad[{window}]"))));
        windows.push((after, asked(&told).len(), found.map(|n| n.to_string()).join("")));
        let objective = objective(&told);
        assert_eq!(objective.spent.len(), 8, "all that is known is told, whenever it was asked");
        assert!(objective.spent.iter().all(|spent| spent.ratio == Measure::Number(0.001)));
        memory.extend(told.report().remember.iter().cloned());
    }
    let expected = [
        (0, 2, "11111111"),
        (15, 0, "00000000"),
        (30, 1, "10000000"),
        (60, 1, "11100000"),
        (300, 2, "11111100"),
        (600, 2, "11111111"),
    ];
    let expected = expected.map(|(after, n, found)| (after, n, found.to_owned()));
    assert_eq!(windows, expected);
}

#[test]
fn a_query_the_server_refuses_says_so_and_is_asked_alone_from_then_on() {
    let source = source("broken[$window]");
    let memory = Memory::new();
    let asking = Asking { now: now(), last_ok: None, round: 0, memory: &memory };
    let told = poll_as(&*source, &asking, |http| Ok(server(http)));
    let spent = &objective(&told).spent;
    assert!(
        spent.iter().all(|s| s.ratio == Measure::Unreadable("parse error".into())),
        "{spent:?}"
    );
    let memory: Memory = told.report().remember.iter().cloned().collect();
    let later = now() + SignedDuration::from_secs(600);
    let asking = Asking { now: later, last_ok: Some(later), round: 1, memory: &memory };
    let again = poll_as(&*source, &asking, |http| Ok(server(http)));
    assert!(asked(&again).iter().all(|query| !query.contains(" or ")));
    assert_eq!(asked(&again).len(), 16);
}
