//! `VictoriaMetrics` with what a team has on Prometheus: found numbers, objectives, charts, and names by the hundred.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use andon::config::load_text;
use andon::engine::{from_clock, poll_once};
use andon::insight::{Survey, numbers, survey};
use andon::model::{Board, Measure, Name, SourceName, Status, Team, Written};

use crate::proxy::{Proxy, field};
use crate::servers::{Server, http, until, victoria};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// Lines as `/api/v1/import/prometheus` takes them: a series, its value, and milliseconds.
struct Import(String);

impl Import {
    fn add(&mut self, series: &str, over: (i64, i64), every: i64, value: impl Fn(i64) -> f64) {
        for at in (over.0..=over.1).step_by(every as usize) {
            let _ = writeln!(self.0, "{series} {} {}", value(at), at * 1_000);
        }
    }

    fn into(self, server: &Server) {
        let path = "/api/v1/import/prometheus";
        let (code, said) = http(server.port, "POST", path, &[], &self.0).unwrap();
        assert_eq!(code, 204, "{said}");
    }
}

struct Told {
    team: Team,
    board: Board,
    survey: Survey,
}

/// Asks once.
fn told(lab: &Path, url: &str, services: &str) -> Told {
    let text =
        format!("[[source]]\nname = \"vm\"\nkind = \"prometheus\"\nurl = \"{url}\"\n{services}");
    let config = load_text(&text, lab, &[]).unwrap_or_else(|p| panic!("{p}"));
    let mut board = Board::default();
    for heard in poll_once(config.upstreams, Duration::from_secs(60)) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        board.fold(&heard.source, heard.at, heard.outcome.unwrap_or_else(|t| panic!("{t}")));
    }
    let survey = survey(&board, &config.team, from_clock());
    Told { team: config.team, board, survey }
}

impl Told {
    fn number(&self, service: &str, name: &str) -> Option<Measure> {
        let service = self.team.service(&Name::new(service)).unwrap();
        let metric = numbers(&self.board, service).find(|m| m.id.metric.as_str() == name)?;
        Some(self.board.tracks.get(&metric.id)?.newest()?.1.clone())
    }

    fn notes(&self) -> String {
        let fresh = &self.board.sources[&SourceName::new("vm")];
        assert_eq!((fresh.status, fresh.message.as_str()), (Status::Ok, ""), "{fresh:?}");
        fresh.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

fn near(found: Option<f64>, expected: f64, part: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() <= part * expected.abs())
}

#[test]
fn numbers_and_objectives_are_found_as_on_prometheus() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = victoria(lab.path()) else { return };
    let now = from_clock().as_second() / MINUTE * MINUTE;
    let lately = (now - 90 * MINUTE, now);
    let mut import = Import(String::new());
    let since = |at: i64| (at - lately.0) as f64;
    // 3/s of which a third fails; of the good ones half below 0.1 s and half below 0.25 s.
    let red = "http_server_request_duration_seconds";
    for (code, buckets) in [("200", [1.0, 2.0, 2.0]), ("500", [1.0, 1.0, 1.0])] {
        let labels = format!("job=\"shop/web\",http_response_status_code=\"{code}\"");
        for (le, each) in ["0.1", "0.25", "+Inf"].into_iter().zip(buckets) {
            let series = format!("{red}_bucket{{{labels},le=\"{le}\"}}");
            import.add(&series, lately, 15, |at| each * since(at));
        }
        import.add(&format!("{red}_count{{{labels}}}"), lately, 15, |at| buckets[2] * since(at));
    }
    for (instance, up) in [("a", 1.0), ("b", 0.0)] {
        let series = format!("up{{job=\"web\",instance=\"{instance}\"}}");
        import.add(&series, lately, 15, |_| up);
    }
    // 600 a minute for eight days, of which 0.3 fail.
    let week = (now - 8 * DAY, now);
    let passed = |at: i64| ((at - week.0) / MINUTE) as f64;
    import.add("orders_total{code=\"200\"}", week, 60, |at| 599.7 * passed(at));
    import.add("orders_total{code=\"500\"}", week, 60, |at| 0.3 * passed(at));
    import.add("quiet_total{code=\"500\"}", week, 60, |_| 5.0);
    let sloth = "sloth_id=\"api-requests\",sloth_service=\"api\",sloth_slo=\"requests\"";
    let recently = (now - 10 * MINUTE, now);
    for (name, value) in [
        ("slo:objective:ratio", 0.999),
        ("slo:time_period:days", 30.0),
        ("slo:period_error_budget_remaining:ratio", 0.41),
    ] {
        import.add(&format!("{name}{{{sloth}}}"), recently, 15, |_| value);
    }
    for window in ["5m", "1h"] {
        let series =
            format!("slo:sli_error:ratio_rate{window}{{{sloth},sloth_window=\"{window}\"}}");
        import.add(&series, recently, 15, |_| 0.015);
    }
    let pyrra = "slo=\"pay-errors\",service=\"pay\"";
    for (name, value) in [
        ("pyrra_objective", 0.99),
        ("pyrra_window", 28.0 * 86_400.0),
        ("pyrra_availability", 0.995),
        ("http_requests:burnrate5m", 0.03),
        ("http_requests:burnrate1h", 0.02),
    ] {
        import.add(&format!("{name}{{{pyrra}}}"), recently, 15, |_| value);
    }
    import.into(&server);
    let slo = |service: &str, family: &str| {
        format!(
            "[[service]]\nname = \"{service}\"\n[[service.slo]]\nname = \"good\"\nobjective = 99.9\nwindow = \"7d\"\n\
             bad = 'sum(increase({family}{{code=~\"5..\"}}[$window]))'\ntotal = 'sum(increase({family}[$window]))'\n"
        )
    };
    let services = format!(
        "[[service]]\nname = \"web\"\n[[service]]\nname = \"api\"\n[[service]]\nname = \"pay\"\n\
         [[service]]\nname = \"webb\"\n{}{}{}",
        slo("orders", "orders_total"),
        slo("quiet", "quiet_total"),
        slo("absent", "absent_total")
    );
    let told = until("what was imported", || {
        let told = told(lab.path(), &server.url(""), &services);
        (!told.board.discovered.is_empty()
            && told.survey.services.iter().any(|s| !s.slos.is_empty()))
        .then_some(told)
    });
    for (name, value) in
        [("requests", 3.0), ("errors", 1.0 / 3.0), ("p95", 0.235), ("targets up", 0.5)]
    {
        let number = told.number("web", name).unwrap();
        assert!(near(number.number(), value, 0.02), "{name}: {number:?}");
    }
    let notes = told.notes();
    assert!(notes.contains("found 4 numbers for 1 service"), "{notes}");
    assert!(notes.contains("there is job web"), "names near a wrong one are listed: {notes}");
    let budget = |service: &str| {
        let state = told.survey.service(&Name::new(service)).unwrap();
        state.slos.first().unwrap_or_else(|| panic!("{service}: {state:?}"))
    };
    // 6,048,000 in the week, 3,024 of them bad, where 6,048 may be.
    let orders = budget("orders");
    assert!(near(orders.bad, 3_024.0, 0.01), "{:?}", orders.bad);
    assert!(near(orders.total, 6_048_000.0, 0.01), "{:?}", orders.total);
    assert!(near(orders.left, 0.5, 0.02), "{:?}", orders.left);
    assert!(orders.burns.iter().all(|burn| near(burn.rate, 0.5, 0.05)), "{:?}", orders.burns);
    assert_eq!((budget("quiet").left, budget("absent").left), (None, None));
    let api = budget("api");
    assert_eq!((api.written, api.left.map(|l| (l * 100.0).round())), (Written::Sloth, Some(41.0)));
    let pay = budget("pay");
    assert_eq!((pay.written, pay.left.map(|l| (l * 100.0).round())), (Written::Pyrra, Some(50.0)));
}

/// It refuses queries of more than 16 kB, which the look for hundreds of services is.
#[test]
fn hundreds_of_services_are_found_in_questions_as_short_as_it_takes() {
    let lab = tempfile::tempdir().unwrap();
    let Some(server) = victoria(lab.path()) else { return };
    let proxy = Proxy::before(server.port, |_, _| false);
    let now = from_clock().as_second() / MINUTE * MINUTE;
    let mut import = Import(String::new());
    let mut services = String::new();
    for n in 0..300 {
        let name = format!("a-service-with-a-long-name-{n:03}");
        let series = format!("up{{job=\"{name}\",instance=\"a\"}}");
        import.add(&series, (now - 5 * MINUTE, now), 15, |_| 1.0);
        let count = format!("http_requests_total{{job=\"{name}\",code=\"200\"}}");
        import.add(&count, (now - 10 * MINUTE, now), 15, |at| (at - now + DAY) as f64);
        let _ = write!(services, "[[service]]\nname = \"{name}\"\n");
    }
    import.into(&server);
    let told = until("what was imported", || {
        let told = told(lab.path(), &proxy.url(), &services);
        let fresh = &told.board.sources[&SourceName::new("vm")];
        let all = fresh
            .notes
            .iter()
            .any(|note| note.as_str().starts_with("found 900 numbers for 300 services"));
        all.then_some(told)
    });
    for n in [0, 150, 299] {
        let service = format!("a-service-with-a-long-name-{n:03}");
        assert!(near(told.number(&service, "requests").unwrap().number(), 1.0, 0.1), "{service}");
        assert_eq!(told.number(&service, "targets up"), Some(Measure::Number(1.0)));
    }
    let asked = proxy.asked();
    let long = asked.iter().filter(|asked| field(asked, "query").len() > 16_384).count();
    println!("{} questions, {long} of them too long for it", asked.len());
    assert!(long <= 3 * 30, "only looks are tried in one piece: {long}");
}
