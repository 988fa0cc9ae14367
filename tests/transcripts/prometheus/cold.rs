//! A cold start judges what broke or recovered a moment ago as an andon that has been polling all along.

use andon::insight::survey;
use andon::model::{
    Board, Bound, Fact, Freshness, Health, Measure, Metric, Name, Report, Role, Service,
    SourceName, Team, Weight,
};
use andon::source::{Asking, Http, HttpAnswer, Source};
use jiff::{SignedDuration, Timestamp};

use super::parts;
use crate::support::{Memory, answer, form, metric, open_for, poll_as};

/// On the grid of the history.
const START: i64 = 1_795_347_840;
const EVERY: i64 = 15;

/// A share of requests that fail: at every second as `failing` says.
fn store(http: &Http, now: i64, failing: &dyn Fn(i64) -> bool) -> HttpAnswer {
    let share = |at: i64| if failing(at) { "0" } else { "1" };
    let query = form(http, "query");
    if query.starts_with("count by (__name__)") || http.url.path().ends_with("/values") {
        return answer(
            http,
            200,
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
        );
    }
    if http.url.path().ends_with("buildinfo") {
        return answer(http, 200, r#"{"status":"success","data":{"version":"3.0.0"}}"#);
    }
    if query.contains("count by (__name__,") {
        let known =
            r#"{"metric":{"__name__":"up","job":"shop","andon_query":"0"},"value":[0,"2"]}"#;
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{known}]}}}}"#
        );
        return answer(http, 200, body);
    }
    let is_range = http.url.path().ends_with("query_range");
    let values = |query: &str| {
        let whole = query.starts_with("count by");
        let value = |at: i64| format!(r#"[{at},"{}"]"#, if whole { "2" } else { share(at) });
        let [start, end, step, time] =
            ["start", "end", "step", "time"].map(|key| form(http, key).parse::<i64>().ok());
        match (start, end, step) {
            (Some(start), Some(end), Some(step)) if is_range => {
                assert!(end <= now, "the future is nobody's to ask for");
                let points = (start..=end).step_by(usize::try_from(step).unwrap());
                format!(r#""values":[{}]"#, points.map(value).collect::<Vec<_>>().join(","))
            }
            _ => format!(r#""value":{}"#, value(time.unwrap_or(now))),
        }
    };
    let mut asked = parts(&query);
    if asked.is_empty() {
        asked.push((query.clone(), String::new()));
    }
    let series = asked.iter().map(|(query, tag)| {
        format!(r#"{{"metric":{{"job":"shop","andon_query":"{tag}"}},{}}}"#, values(query))
    });
    let series: Vec<String> = series.collect();
    let kind = if is_range { "matrix" } else { "vector" };
    let result = series.join(",");
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{result}]}}}}"#);
    answer(http, 200, body)
}

/// The same number: configured, or found.
struct Shop {
    source: Box<dyn Source>,
    team: Team,
}

impl Shop {
    fn new(found: bool) -> Self {
        let up = Metric {
            role: Role::Availability,
            good: Bound::parse(">= 1"),
            bad: Bound::parse("<= 0"),
            weight: Weight::Critical,
            ..metric("prometheus", "answering", "sum(up) / count(up)")
        };
        let queue = metric("prometheus", "queue", "queue");
        let metrics = if found { Vec::new() } else { vec![up, queue] };
        let service = Service {
            name: Name::new("shop"),
            finds: found,
            metrics: metrics.clone(),
            ..Service::default()
        };
        let services = vec![service];
        let options = "rules = false";
        let source = open_for("prometheus", options, metrics, Vec::new(), &services).unwrap();
        Self { source, team: Team { services, ..Team::default() } }
    }

    fn judged(&self, told: Vec<Report>, now: Timestamp) -> Health {
        let mut board = Board::default();
        let name = SourceName::new("prometheus");
        let every = SignedDuration::from_secs(EVERY);
        let fresh =
            Freshness { kind: "prometheus", every, last_ok: Some(now), ..Freshness::default() };
        board.sources.insert(name.clone(), fresh);
        for report in told {
            board.fold(&name, now, report);
        }
        survey(&board, &self.team, now).services[0].health
    }

    /// A first poll, and how many closer looks it took.
    fn cold(&self, now: i64, failing: &dyn Fn(i64) -> bool) -> (Health, usize) {
        let (memory, at) = (Memory::new(), Timestamp::from_second(now).unwrap());
        let asking = Asking { now: at, last_ok: None, round: 0, memory: &memory };
        let polled = poll_as(&*self.source, &asking, |http| Ok(store(http, now, failing)));
        let closer =
            |http: &&&Http| http.tag.starts_with("lately:") || http.tag.starts_with("just:");
        let asked = polled.asked();
        let closer = asked.iter().filter(closer).count();
        (self.judged(vec![polled.outcome.unwrap()], at), closer)
    }

    /// What polls every 15 s until now would have settled to.
    fn running(&self, now: i64, failing: &dyn Fn(i64) -> bool) -> Health {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let (memory, first) = (Memory::new(), at(now));
        let asking = Asking { now: first, last_ok: None, round: 0, memory: &memory };
        let polled = poll_as(&*self.source, &asking, |http| Ok(store(http, now, failing)));
        let mut report = polled.outcome.unwrap();
        let samples: Vec<_> = report
            .facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Sample { id, .. } => Some(id.clone()),
                _ => None,
            })
            .collect();
        report.facts.retain(|fact| matches!(fact, Fact::Discovered(_)));
        for id in samples {
            for second in (0..=80).rev().map(|n| now - n * EVERY) {
                let measure = Measure::Number(if failing(second) { 0.0 } else { 1.0 });
                let (id, at) = (id.clone(), at(second));
                report.facts.push(Fact::Sample { id, at, measure, note: None });
            }
        }
        self.judged(vec![report], first)
    }
}

#[test]
fn a_first_answer_knows_what_a_running_andon_knows() {
    let began = START + 605;
    // An outage, a recovery, and a moment too short to count.
    let outage = |at: i64| at >= began;
    let recovery = |at: i64| at >= START && at < began;
    let blip = |at: i64| (began..began + 25).contains(&at);
    let shapes: [(&str, &dyn Fn(i64) -> bool); 3] =
        [("outage", &outage), ("recovery", &recovery), ("blip", &blip)];
    for found in [false, true] {
        let shop = Shop::new(found);
        for (shape, failing) in shapes {
            for after in (0..200).step_by(7) {
                let now = began + after;
                let (cold, closer) = shop.cold(now, failing);
                let words = format!("{shape} {after} s ago, found: {found}");
                assert_eq!(cold, shop.running(now, failing), "{words}");
                assert!(closer <= 1, "{words}: {closer}");
            }
        }
        assert_eq!(shop.cold(began + 50, &outage).0, Health::Down);
        assert_eq!(shop.cold(began + 50, &recovery).0, Health::Ok);
    }
}

#[test]
fn what_has_been_so_for_minutes_needs_no_closer_look() {
    for found in [false, true] {
        let shop = Shop::new(found);
        let now = START + 5_000;
        assert_eq!(shop.cold(now, &|_| false), (Health::Ok, 0));
        assert_eq!(shop.cold(now, &|at| at > START + 3_000), (Health::Down, 0));
        assert_eq!(shop.cold(now, &|at| at < START + 3_000), (Health::Ok, 0));
    }
}
