//! Objectives that only alerting rules tell of: Pyrra's, as it writes them where nobody asked it for generic rules.

use std::time::Duration;

use andon::config::load_text;
use andon::engine::{from_clock, poll_once};
use andon::insight::{Burning, survey};
use andon::model::{Board, Name, Written};

use crate::history::{History, Stretch};

/// domain.md §3.2: 14, 7, 2 and 1 times, each over a window and a twelfth of it; `exhaustion` is 28 d by the factor.
const RULES: &str = r#"groups:
- name: pay-errors
  rules:
  - alert: ErrorBudgetBurn
    expr: http_requests:burnrate5m{slo="pay-errors"} > (14 * (1-0.99)) and http_requests:burnrate1h{slo="pay-errors"} > (14 * (1-0.99))
    for: 2m
    labels: {severity: critical, short: 5m, long: 1h, exhaustion: 2d, slo: pay-errors, service: pay}
  - alert: ErrorBudgetBurn
    expr: http_requests:burnrate30m{slo="pay-errors"} > (7 * (1-0.99)) and http_requests:burnrate6h{slo="pay-errors"} > (7 * (1-0.99))
    for: 15m
    labels: {severity: critical, short: 30m, long: 6h, exhaustion: 4d, slo: pay-errors, service: pay}
"#;

#[test]
fn an_objective_that_only_rules_tell_of_is_read_with_the_first_poll() {
    let lab = tempfile::tempdir().unwrap();
    let now = from_clock().as_second() / 60 * 60;
    let over = Stretch { from: now - 600, until: now + 600, every: 15 };
    let mut history = History::default();
    for (window, ratio) in [("5m", 0.2), ("1h", 0.18), ("30m", 0.05), ("6h", 0.02)] {
        let name = format!("http_requests:burnrate{window}");
        let series = format!("{name}{{slo=\"pay-errors\",service=\"pay\"}}");
        history.family(&name, "gauge", over, &[(&series, &move |_| Some(ratio))]);
    }
    std::fs::write(lab.path().join("rules.yml"), RULES).unwrap();
    let config = "global: {evaluation_interval: 1s}\nrule_files: [\"rules.yml\"]\n";
    let Some(server) = history.served_with(lab.path(), config) else { return };
    let text = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\n[[service]]\nname = \"pay\"\n",
        server.url("")
    );
    let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(30)) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap());
    }
    let survey = survey(&board, &config.team, from_clock());
    let state = survey.service(&Name::new("pay")).unwrap();
    let budget = state.slos.first().unwrap_or_else(|| panic!("{:?}", board.sources));
    assert_eq!((budget.written, budget.name.as_str()), (Written::Pyrra, "pay-errors"));
    assert_eq!(budget.period.as_hours(), 28 * 24);
    let burn = |seconds: i64| {
        let burn = budget.burns.iter().find(|burn| burn.window.as_secs() == seconds);
        burn.and_then(|burn| burn.rate).map(f64::round)
    };
    // 20 % of errors where 1 % is promised.
    assert_eq!((burn(300), burn(3_600), burn(6 * 3_600)), (Some(20.0), Some(18.0), Some(2.0)));
    assert_eq!(budget.verdict, Burning::Page, "18 and 20 are above 14");
    assert_eq!(budget.left, None, "nobody records what is left");
}
