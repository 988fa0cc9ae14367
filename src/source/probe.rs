//! Probes of a service's own endpoints: HTTP, TCP, TLS days to expiry, DNS. A failure is a result, not a fault of the source.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    Answer, Asking, Exchange, Http, HttpAnswer, ProbeMeans, ProbeSpec, Reading, Request, Source,
};
use crate::model::{Clean, Fact, Health, Probe, ProbeResult, Report, Status, Trouble};

/// Opens the source of one `[[service.probe]]`.
pub fn open(spec: ProbeSpec) -> Box<dyn Source> {
    Box::new(Probing { spec })
}

#[derive(Debug)]
struct Probing {
    spec: ProbeSpec,
}

/// What came of a probe, before it is a fact.
struct Verdict {
    health: Health,
    words: String,
    took: Option<Duration>,
    expires: Option<Timestamp>,
}

impl Verdict {
    fn new(health: Health, words: impl Into<String>) -> Self {
        Self { health, words: words.into(), took: None, expires: None }
    }

    fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
}

impl Source for Probing {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        vec![match &self.spec.means {
            ProbeMeans::Http { url, .. } => {
                let mut http = Http::get("probe", url.clone());
                http.probe = true;
                Request::Http(http)
            }
            ProbeMeans::Tcp { host, port } => Request::Tcp { host: host.clone(), port: *port },
            ProbeMeans::Tls { host, port, .. } => Request::Tls { host: host.clone(), port: *port },
            ProbeMeans::Dns { host } => Request::Dns { host: host.clone() },
        }]
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let exchange =
            heard.last().ok_or_else(|| Trouble::new(Status::InternalError, "nothing was heard"))?;
        let verdict = match &exchange.answer {
            Ok(answer) => self.judge(answer, asking.now)?,
            Err(trouble) => failed(trouble)?,
        };
        let spec = &self.spec;
        let result = ProbeResult {
            probe: Probe {
                service: spec.service.clone(),
                target: spec.shown.clone(),
                means: word(&spec.means),
            },
            weight: spec.weight,
            at: asking.now,
            health: verdict.health,
            words: Clean::line(verdict.words),
            latency: verdict.took.and_then(|took| SignedDuration::try_from(took).ok()),
            expires: verdict.expires,
        };
        Ok(Reading::Done(Report { facts: vec![Fact::Probe(result)], ..Report::default() }))
    }
}

impl Probing {
    fn judge(&self, answer: &Answer, now: Timestamp) -> Result<Verdict, Trouble> {
        Ok(match (&self.spec.means, answer) {
            (ProbeMeans::Http { expect_status, contains, .. }, Answer::Http(answer)) => {
                http(answer, *expect_status, contains.as_deref())
            }
            (ProbeMeans::Tcp { .. }, Answer::Connected { took }) => {
                Verdict::new(Health::Ok, format!("connected in {}", span(*took))).took(*took)
            }
            (
                ProbeMeans::Tls { warn_days, .. },
                Answer::Certificates { earliest_end, trusted, took, .. },
            ) => Verdict {
                took: Some(*took),
                expires: *earliest_end,
                ..certificate(*earliest_end, trusted, *warn_days, now)
            },
            (ProbeMeans::Dns { .. }, Answer::Addresses { addresses, took }) => {
                let verdict = match addresses.as_slice() {
                    [] => Verdict::new(Health::Down, "the name has no address"),
                    [one] => Verdict::new(Health::Ok, format!("{one} in {}", span(*took))),
                    [one, more @ ..] => {
                        let words = format!("{one} and {} more in {}", more.len(), span(*took));
                        Verdict::new(Health::Ok, words)
                    }
                };
                verdict.took(*took)
            }
            _ => {
                let words = "the answer is not of the kind that was asked for";
                return Err(Trouble::new(Status::InternalError, words));
            }
        })
    }
}

fn http(answer: &HttpAnswer, expected: Option<u16>, contains: Option<&str>) -> Verdict {
    let fine = match expected {
        Some(status) => answer.status == status,
        None => (200..300).contains(&answer.status),
    };
    let status = format!("{} in {}", answer.status, span(answer.took));
    let way = match answer.redirects {
        0 => String::new(),
        1 => " after a redirect".to_owned(),
        n => format!(" after {n} redirects"),
    };
    let missing = contains.filter(|wanted| !holds(&answer.body, wanted.as_bytes()));
    let (health, why) = match (fine, expected, missing) {
        (true, _, None) => (Health::Ok, String::new()),
        (false, Some(status), _) => (Health::Down, format!(", expected {status}")),
        (false, None, _) => (Health::Down, String::new()),
        (true, _, Some(wanted)) => (Health::Down, format!(", but “{wanted}” is not in the answer")),
    };
    Verdict::new(health, format!("{status}{way}{why}")).took(answer.took)
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || body.windows(wanted.len()).any(|part| part == wanted)
}

/// Ended or untrusted is down; ending within `warn_days` is degraded. The earliest end in the chain counts:
/// an intermediate that ends first breaks the chain first.
fn certificate(
    end: Option<Timestamp>,
    trusted: &Result<(), Clean>,
    warn_days: u32,
    now: Timestamp,
) -> Verdict {
    let Some(end) = end else {
        return Verdict::new(Health::Unknown, "the certificate does not say when it ends");
    };
    let left = end.duration_since(now);
    let days = left.as_hours().abs() / 24;
    let span = match days {
        0 => format!("{} h", left.as_hours().abs()),
        days => format!("{days} d"),
    };
    if left <= SignedDuration::ZERO {
        return Verdict::new(Health::Down, format!("the certificate ended {span} ago"));
    }
    if let Err(why) = trusted {
        return Verdict::new(Health::Down, format!("{why} (it ends in {span})"));
    }
    let health = if days < i64::from(warn_days) { Health::Degraded } else { Health::Ok };
    Verdict::new(health, format!("the certificate ends in {span}"))
}

/// A probe that got no answer has found something out; only faults of our own are troubles of the source.
fn failed(trouble: &Trouble) -> Result<Verdict, Trouble> {
    let words = trouble.message.as_str();
    match trouble.status {
        Status::Timeout | Status::Unreachable | Status::Tls | Status::Redirect => {
            Ok(Verdict::new(Health::Down, words))
        }
        // It answered, but with more than anybody reads: nothing can be said of it.
        Status::TooLarge => Ok(Verdict::new(Health::Unknown, words)),
        _ => Err(trouble.clone()),
    }
}

fn word(means: &ProbeMeans) -> &'static str {
    match means {
        ProbeMeans::Http { .. } => "http",
        ProbeMeans::Tcp { .. } => "tcp",
        ProbeMeans::Tls { .. } => "tls",
        ProbeMeans::Dns { .. } => "dns",
    }
}

fn span(took: Duration) -> String {
    match took.as_millis() {
        ms @ 0..=999 => format!("{ms} ms"),
        ms => format!("{:.1} s", ms as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{Name, Weight};
    use crate::source::wire::testing::answer;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn probe(means: ProbeMeans, answer: Result<Answer, Trouble>) -> Result<ProbeResult, Trouble> {
        let spec = ProbeSpec {
            service: Name::new("checkout"),
            means,
            weight: Weight::Critical,
            shown: "https://ex.org/healthz".into(),
        };
        let source = open(spec);
        let memory = BTreeMap::new();
        let asking = Asking { now: now(), last_ok: None, round: 0, memory: &memory };
        let [request] = source.ask(&asking).try_into().unwrap();
        match source.read(&asking, &[Exchange { request, answer }])? {
            Reading::Done(report) => match report.facts.as_slice() {
                [Fact::Probe(result)] => Ok(result.clone()),
                other => panic!("{other:?}"),
            },
            Reading::More(_) => panic!("a probe asks once"),
        }
    }

    fn web(expect_status: Option<u16>, contains: Option<&str>) -> ProbeMeans {
        ProbeMeans::Http {
            url: "https://ex.org/healthz".parse().unwrap(),
            expect_status,
            contains: contains.map(Into::into),
        }
    }

    fn said(result: &ProbeResult) -> (Health, &str) {
        (result.health, result.words.as_str())
    }

    #[test]
    fn an_http_probe_reads_status_redirects_and_body() {
        let ask = |means, status, body: &str| {
            probe(means, Ok(Answer::Http(answer(status, body)))).unwrap()
        };
        assert_eq!(said(&ask(web(None, None), 200, "")), (Health::Ok, "200 in 5 ms"));
        assert_eq!(said(&ask(web(None, None), 503, "")), (Health::Down, "503 in 5 ms"));
        assert_eq!(said(&ask(web(None, None), 404, "")).0, Health::Down);
        assert_eq!(said(&ask(web(Some(401), None), 401, "")).0, Health::Ok);
        assert_eq!(
            said(&ask(web(Some(204), None), 200, "")),
            (Health::Down, "200 in 5 ms, expected 204")
        );
        assert_eq!(said(&ask(web(None, Some("ready")), 200, "all ready now")).0, Health::Ok);
        assert_eq!(
            said(&ask(web(None, Some("ready")), 200, "starting")),
            (Health::Down, "200 in 5 ms, but “ready” is not in the answer")
        );
        let mut moved = answer(200, "");
        moved.redirects = 2;
        moved.took = Duration::from_millis(1234);
        let result = probe(web(None, None), Ok(Answer::Http(moved))).unwrap();
        assert_eq!(said(&result), (Health::Ok, "200 in 1.2 s after 2 redirects"));
        assert_eq!(result.latency, Some(SignedDuration::from_millis(1234)));
        assert_eq!((result.probe.means, result.at), ("http", now()));
    }

    #[test]
    fn a_transport_fault_is_a_result_and_a_fault_of_ours_is_a_trouble() {
        for status in [Status::Timeout, Status::Unreachable, Status::Tls, Status::Redirect] {
            let result =
                probe(web(None, None), Err(Trouble::new(status, "refused by ex.org"))).unwrap();
            assert_eq!(said(&result), (Health::Down, "refused by ex.org"));
            assert_eq!(result.latency, None);
        }
        let result =
            probe(web(None, None), Err(Trouble::new(Status::TooLarge, "over 8 MB"))).unwrap();
        assert_eq!(result.health, Health::Unknown);
        let fault = Trouble::new(Status::InternalError, "x");
        assert!(probe(web(None, None), Err(fault)).is_err());
        let odd = Answer::Connected { took: Duration::ZERO };
        assert!(probe(web(None, None), Ok(odd)).is_err());
    }

    #[test]
    fn a_certificate_warns_before_it_ends_and_is_down_after() {
        let tls = |end: Option<&str>, trusted: Result<(), Clean>| {
            let means = ProbeMeans::Tls { host: "ex.org".into(), port: 443, warn_days: 14 };
            let end = end.map(|end| end.parse().unwrap());
            let took = Duration::from_millis(9);
            probe(
                means,
                Ok(Answer::Certificates { earliest_end: end, leaf_end: end, trusted, took }),
            )
            .unwrap()
        };
        let fine = tls(Some("2026-12-06T12:00:00Z"), Ok(()));
        assert_eq!(said(&fine), (Health::Ok, "the certificate ends in 14 d"));
        assert!(fine.expires.is_some());
        assert_eq!(
            said(&tls(Some("2026-12-06T11:59:59Z"), Ok(()))),
            (Health::Degraded, "the certificate ends in 13 d")
        );
        assert_eq!(
            said(&tls(Some("2026-11-22T15:30:00Z"), Ok(()))),
            (Health::Degraded, "the certificate ends in 3 h")
        );
        assert_eq!(
            said(&tls(Some("2026-11-19T12:00:00Z"), Err("expired".into()))),
            (Health::Down, "the certificate ended 3 d ago")
        );
        assert_eq!(
            said(&tls(Some("2027-11-22T12:00:00Z"), Err("self-signed".into()))),
            (Health::Down, "self-signed (it ends in 365 d)")
        );
        assert_eq!(tls(None, Ok(())).health, Health::Unknown);
    }

    #[test]
    fn names_and_ports_are_probed() {
        let dns = |addresses: Vec<std::net::IpAddr>| {
            let took = Duration::from_millis(3);
            probe(
                ProbeMeans::Dns { host: "ex.org".into() },
                Ok(Answer::Addresses { addresses, took }),
            )
            .unwrap()
        };
        let a = "192.0.2.1".parse().unwrap();
        assert_eq!(said(&dns(vec![])), (Health::Down, "the name has no address"));
        assert_eq!(said(&dns(vec![a])), (Health::Ok, "192.0.2.1 in 3 ms"));
        assert_eq!(said(&dns(vec![a, a])), (Health::Ok, "192.0.2.1 and 1 more in 3 ms"));
        let tcp = ProbeMeans::Tcp { host: "ex.org".into(), port: 5432 };
        let result = probe(tcp, Ok(Answer::Connected { took: Duration::from_millis(2) })).unwrap();
        assert_eq!(said(&result), (Health::Ok, "connected in 2 ms"));
    }

    #[test]
    fn a_probe_carries_no_credential() {
        let spec = ProbeSpec {
            service: Name::new("x"),
            means: web(None, None),
            weight: Weight::Info,
            shown: Clean::default(),
        };
        let memory = BTreeMap::new();
        let asking = Asking { now: now(), last_ok: None, round: 0, memory: &memory };
        assert!(matches!(&open(spec).ask(&asking)[..], [Request::Http(http)] if http.probe));
    }
}
