//! The numbers of a service: those of the configuration, and what its metric stores are known to tell besides.

use crate::model::{Board, Clean, Discovered, Metric, MetricId, Service, SourceName};

/// Every number of a service, the configured ones first. A found one stands aside where the configuration has a number of
/// its role or of its name: what a team wrote itself always wins.
pub fn numbers<'a>(board: &'a Board, service: &'a Service) -> impl Iterator<Item = &'a Metric> {
    service.metrics.iter().chain(discovered(board, service).map(|found| &found.metric))
}

/// The found ones alone, in a stable order.
pub fn discovered<'a>(
    board: &'a Board,
    service: &'a Service,
) -> impl Iterator<Item = &'a Discovered> {
    // Nearly nobody has any: then nothing is made to look for them.
    let sought = service.finds && !board.discovered.is_empty();
    let prefix = sought.then(|| Discovered::prefix(&service.name));
    let all = prefix.into_iter().flat_map(move |prefix| {
        board.sources.keys().flat_map(move |source: &SourceName| {
            board.discovered.beginning(source, &prefix).map(|record| &record.what)
        })
    });
    all.filter(|found| {
        let own = |m: &&Metric| m.role == found.metric.role || m.id == found.metric.id;
        !service.metrics.iter().any(|m| own(&m))
    })
}

/// What is known to tell a number that nobody configured.
pub fn preset<'a>(board: &'a Board, metric: &Metric) -> Option<&'a Clean> {
    let MetricId { service: Some(service), metric: name } = &metric.id else { return None };
    let key = crate::model::Key::new(&metric.source, Discovered::id(service, name));
    board.discovered.get(&key).filter(|r| r.gone.is_none()).map(|r| &r.what.preset)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Fact, Feed, Freshness, Key, Name, Report, Role, Unit, Weight};

    fn metric(service: &str, name: &str, role: Role) -> Metric {
        Metric {
            id: MetricId { service: Some(Name::new(service)), metric: Name::new(name) },
            source: Name::new("prom"),
            query: "".into(),
            unit: Unit::None,
            role,
            good: None,
            bad: None,
            weight: Weight::Important,
        }
    }

    fn board(found: &[(&str, &str, Role)]) -> Board {
        let mut board = Board::default();
        let source = Name::new("prom");
        board.sources.insert(source.clone(), Freshness::default());
        let fact = |(service, name, role): &(&str, &str, Role)| {
            let metric = metric(service, name, *role);
            let key = Key::new(&source, Discovered::id(&Name::new(service), &metric.id.metric));
            Fact::Discovered(Box::new(Discovered { key, preset: "Micrometer".into(), metric }))
        };
        let report = Report {
            facts: found.iter().map(fact).collect(),
            complete: vec![Feed::Discovered],
            ..Report::default()
        };
        board.fold(&source, Timestamp::UNIX_EPOCH, report);
        board
    }

    fn service(name: &str, metrics: Vec<Metric>) -> Service {
        Service { name: Name::new(name), metrics, ..Service::default() }
    }

    fn named(board: &Board, service: &Service) -> Vec<String> {
        numbers(board, service).map(|m| m.id.metric.to_string()).collect()
    }

    #[test]
    fn what_a_team_wrote_itself_wins_by_role_and_by_name() {
        let board = board(&[
            ("shop", "p95", Role::Latency),
            ("shop", "requests", Role::Traffic),
            ("shop", "cpu", Role::Saturation),
        ]);
        assert_eq!(named(&board, &service("shop", vec![])), ["cpu", "p95", "requests"]);
        let own = vec![metric("shop", "p99", Role::Latency), metric("shop", "cpu", Role::Business)];
        assert_eq!(named(&board, &service("shop", own)), ["p99", "cpu", "requests"]);
    }

    #[test]
    fn numbers_are_of_their_own_service_and_only_while_they_are_found() {
        let mut board = board(&[("shop", "p95", Role::Latency), ("shop2", "p95", Role::Latency)]);
        assert_eq!(named(&board, &service("shop", vec![])), ["p95"]);
        assert!(named(&board, &service("sho", vec![])).is_empty());
        let closed = Service { finds: false, ..service("shop", vec![]) };
        assert!(named(&board, &closed).is_empty());
        let found = metric("shop", "p95", Role::Latency);
        assert_eq!(preset(&board, &found).map(Clean::as_str), Some("Micrometer"));
        let report = Report { complete: vec![Feed::Discovered], ..Report::default() };
        board.fold(&Name::new("prom"), Timestamp::from_second(60).unwrap(), report);
        assert!(named(&board, &service("shop", vec![])).is_empty());
        assert_eq!(preset(&board, &found), None);
    }
}
