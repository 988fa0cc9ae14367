//! How a service is: metrics, probes, alerts, rules and incidents folded to the worst, with its reason and its beginning.

use jiff::Timestamp;

use super::matching::{Belongings, feeds};
use super::numbers::numbers;
use super::slo::{Budget, Burning, stand};
use super::steady::{self, Pace, Settled};
use super::words;
use crate::model::{
    AlertState, Board, Bound, Clean, Comparison, Freshness, Health, IncidentStatus, Measure,
    Metric, Name, Overlays, PARTLY, Service, Severity, Staleness, Suppression, Track, Weight,
    Written,
};

/// One piece of evidence about a service.
#[derive(Debug, Clone)]
pub struct Signal {
    pub health: Health,
    /// Since when, where somebody saw it begin.
    pub since: Option<Timestamp>,
    pub words: Clean,
    pub stale: bool,
    /// Nothing is known because whoever would tell is silent or broken.
    pub untold: bool,
}

/// How a service is by itself, before its dependencies are looked at.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    pub health: Health,
    pub overlays: Overlays,
    pub since: Option<Timestamp>,
    pub reason: Clean,
    /// Every signal that is not ok, worst first.
    pub signals: Vec<(Health, Clean)>,
    /// There is evidence at all.
    pub watched: bool,
    /// Unknown, and only because whoever would tell is silent or broken.
    pub untold: bool,
}

/// Folds all that is known of one service.
pub fn find(
    board: &Board,
    service: &Service,
    own: &Belongings<'_>,
    slos: &[Budget],
    now: Timestamp,
) -> Finding {
    let mut signals: Vec<Signal> = Vec::new();
    let (mut flapping, mut partial) = (false, false);
    for metric in numbers(board, service) {
        if let Some((signal, flaps)) = of_metric(board, metric, now) {
            signals.push(signal);
            flapping |= flaps;
            partial |= board.tracks.get(&metric.id).is_some_and(Track::is_partial);
        }
    }
    for (probe, results) in &own.probes {
        let Some(newest) = results.back() else { continue };
        let source = board.probe_sources.get(*probe);
        let pace = Pace::of(source.and_then(|name| board.sources.get(name)));
        let Some(settled) = steady::settle(results.iter().map(|r| (r.at, r.health)), pace) else {
            continue;
        };
        flapping |= settled.flapping && newest.weight != Weight::Info;
        let words = match settled.health {
            Health::Ok => Clean::default(),
            _ => Clean::line(format_args!("{} {}: {}", probe.means, probe.target, newest.words)),
        };
        let signal = Signal {
            health: settled.health,
            since: settled.since,
            words,
            stale: false,
            untold: false,
        };
        // Of a moment at which nobody asked, the result is as old as it is, however well its source went on later.
        let signal = told_at(board, source, newest.at, signal, now);
        signals.extend(weighed(signal, newest.weight));
    }
    signals.extend(of_alerts(board, own, now));
    for rule in &own.broken {
        let words = Clean::line(format_args!("rule {} cannot be evaluated", rule.name));
        let (health, since) = (Health::Unknown, None);
        signals.push(Signal { health, since, words, stale: false, untold: true });
    }
    signals.extend(of_incidents(board, own, now));
    signals.extend(of_silence(board, own, now));
    signals.extend(slos.iter().filter_map(|slo| of_objective(board, slo, now)));
    let overlays = Overlays {
        stale: signals.iter().any(|s| s.stale),
        flapping,
        maintenance: false,
        acked: !own.incidents.is_empty()
            && own.incidents.iter().all(|i| i.status != IncidentStatus::Open),
        silenced: is_silenced(own),
        partial,
    };
    let silent = || {
        let idle = slos.iter().any(|slo| slo.verdict == Burning::NoTraffic);
        let judged = |m: &Metric| m.good.is_some() || m.bad.is_some();
        if idle || numbers(board, service).any(judged) {
            (words::NO_TRAFFIC.into(), false)
        } else {
            unwatched(board)
        }
    };
    fold(signals, overlays, silent)
}

/// Why nobody tells of a service that has nothing but its name: who watches such services may not have answered yet.
fn unwatched(board: &Board) -> (Clean, bool) {
    let watches = |kind: &str| ["prometheus", "alertmanager"].contains(&kind);
    let unheard = board.sources.iter().filter(|(_, f)| watches(f.kind) && f.last_ok.is_none());
    let names: Vec<&str> = unheard.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return ("nothing watches it".into(), false);
    }
    (Clean::line(format_args!("no answer from {} yet", names.join(" and "))), true)
}

/// Without evidence the state is unknown; `silent` says why, and whether it is that somebody has not told.
fn fold(
    mut signals: Vec<Signal>,
    overlays: Overlays,
    silent: impl FnOnce() -> (Clean, bool),
) -> Finding {
    let Some(health) = signals.iter().map(|s| s.health).max() else {
        let (reason, untold) = silent();
        return Finding { overlays, reason, untold, ..Finding::default() };
    };
    let worst = signals.iter().filter(|s| s.health == health);
    // Trouble began with its first sign; well-being with the last thing that became good.
    let since = if health == Health::Ok {
        worst.filter_map(|s| s.since).max()
    } else {
        worst.filter_map(|s| s.since).min()
    };
    signals.retain(|s| s.health != Health::Ok);
    signals.sort_by_key(|s| std::cmp::Reverse(s.health));
    let reason = signals.first().map(|s| s.words.clone()).unwrap_or_default();
    let untold = health == Health::Unknown && signals.iter().all(|s| s.untold);
    let signals = signals.into_iter().map(|s| (s.health, s.words)).collect();
    Finding { health, overlays, since, reason, signals, watched: true, untold }
}

/// The level of a reading: beyond `bad` is down, outside `good` degraded. `None` without bounds or without traffic.
pub fn level(metric: &Metric, measure: &Measure) -> Option<Health> {
    let value = match measure {
        Measure::Number(value) => *value,
        Measure::Infinite(true) => f64::INFINITY,
        Measure::Infinite(false) => f64::NEG_INFINITY,
        Measure::NoTraffic => return None,
        Measure::NoData | Measure::Unreadable(_) => return Some(Health::Unknown),
    };
    match (metric.good, metric.bad) {
        (None, None) => None,
        (_, Some(bad)) if bad.holds(value) => Some(Health::Down),
        (Some(good), _) if !good.holds(value) => Some(Health::Degraded),
        _ => Some(Health::Ok),
    }
}

/// Critical passes a state on, important at most degrades, info never counts.
pub fn capped(health: Health, weight: Weight) -> Option<Health> {
    match weight {
        Weight::Critical => Some(health),
        Weight::Important => Some(health.min(Health::Degraded)),
        Weight::Info => None,
    }
}

fn weighed(signal: Signal, weight: Weight) -> Option<Signal> {
    capped(signal.health, weight).map(|health| Signal { health, ..signal })
}

/// What a number says, and whether it flaps.
fn of_metric(board: &Board, metric: &Metric, now: Timestamp) -> Option<(Signal, bool)> {
    if metric.good.is_none() && metric.bad.is_none() {
        return None;
    }
    let source = feeds(board, &metric.id, &metric.source);
    let name = &metric.id.metric;
    let freshness = board.sources.get(source);
    let track = board.tracks.get(&metric.id);
    let mut flapping = false;
    let signal = match track.and_then(|t| t.newest().map(|newest| (t, newest))) {
        None => {
            let words = Clean::line(format_args!("{name}: no answer yet"));
            Signal { health: Health::Unknown, since: None, words, stale: false, untold: false }
        }
        Some((_, (at, _))) if vanished(freshness, *at, now) => {
            let age = words::span(now.duration_since(*at));
            let words = Clean::line(format_args!("{name}: no data for {age}"));
            Signal { health: Health::Unknown, since: Some(*at), words, stale: false, untold: false }
        }
        Some((track, (at, measure))) => {
            // Without traffic a number says nothing, neither good nor bad.
            level(metric, measure)?;
            let settled = settled(metric, track, Pace::of(freshness))?;
            flapping = settled.flapping && metric.weight != Weight::Info;
            // The store may answer other questions and not this one: then only this number grows old.
            let stale = freshness.is_some_and(|f| now.duration_since(*at) > f.limits().0);
            // Nobody reads the words of what is good: an estate has thousands of such numbers at each poll.
            let words = match settled.health {
                Health::Ok => Clean::default(),
                health => {
                    let words = held(metric, track, measure, health);
                    let part = track.is_partial();
                    if part { Clean::line(format_args!("{words}, {PARTLY}")) } else { words }
                }
            };
            Signal { health: settled.health, since: settled.since, words, stale, untold: false }
        }
    };
    weighed(aged(board, Some(source), signal, now), metric.weight).map(|signal| (signal, flapping))
}

/// Newest readings that decide what a number has settled to: more than hysteresis and flapping look at.
const DECIDE: usize = 120;

fn settled(metric: &Metric, track: &Track, pace: Pace) -> Option<Settled> {
    // Nearly always nothing happened: then no point is looked at for itself.
    let settled = if track.is_calm(DECIDE, pace.forgets, |a, b| all_good(metric, a, b)) {
        Settled { health: Health::Ok, since: None, flapping: false }
    } else {
        let results = track.tail(DECIDE).filter_map(|(at, m)| Some((at, level(metric, &m)?)));
        steady::settle(results, pace)?
    };
    let since = settled.since.or_else(|| began(metric, track, settled.health));
    Some(Settled { since, ..settled })
}

/// The words of the newest reading, or of the one before it that a number is still judged by.
fn held(metric: &Metric, track: &Track, newest: &Measure, health: Health) -> Clean {
    if level(metric, newest).is_some_and(|newest| newest >= health) {
        return reason(metric, newest, health);
    }
    let bad = |measure: &Measure| level(metric, measure).is_some_and(|level| level >= health);
    let before = track.points().rev().map(|(_, measure)| measure).find(bad);
    let before = before.map_or_else(Clean::default, |before| reason(metric, &before, health));
    let now = match newest {
        Measure::NoData => "no data".into(),
        newest => words::measure(newest, &metric.unit),
    };
    Clean::line(format_args!("{before}; now {now}"))
}

/// The source answers, but has long stopped to tell this number.
fn vanished(freshness: Option<&Freshness>, at: Timestamp, now: Timestamp) -> bool {
    freshness.is_some_and(|f| now.duration_since(at) > f.limits().1)
}

/// Walks back while the level is at least as bad (or ok); `None` when the history ends before it began.
fn began(metric: &Metric, track: &Track, now: Health) -> Option<Timestamp> {
    let same = |health: Option<Health>| match health {
        None => now == Health::Ok,
        Some(health) if now == Health::Ok || now == Health::Unknown => health == now,
        Some(health) => health >= now,
    };
    let calm = |least, most| now == Health::Ok && all_good(metric, least, most);
    track.since(calm, |measure| !same(level(metric, measure)))
}

/// Every number from the least to the greatest is good, as far as that follows from these two.
fn all_good(metric: &Metric, least: f64, most: f64) -> bool {
    let ok = |value| level(metric, &Measure::Number(value)) == Some(Health::Ok);
    // Good numbers lie together, unless a single one among them is bad.
    let together = metric.good.is_none_or(|good| good.op != Comparison::NotEqual)
        && metric.bad.is_none_or(|bad| bad.op != Comparison::Equal);
    together && ok(least) && ok(most)
}

/// `p95 1.4 s (bad > 1 s)`.
fn reason(metric: &Metric, measure: &Measure, health: Health) -> Clean {
    let name = &metric.id.metric;
    let value = words::measure(measure, &metric.unit);
    let said = |word: &str, bound: Option<Bound>| {
        bound.map(|b| format!(" ({word} {})", words::bound(b, &metric.unit))).unwrap_or_default()
    };
    match (health, measure) {
        (Health::Down, _) => Clean::line(format_args!("{name} {value}{}", said("bad", metric.bad))),
        (Health::Degraded, _) => {
            Clean::line(format_args!("{name} {value}{}", said("good", metric.good)))
        }
        (Health::Unknown, Measure::NoData) => Clean::line(format_args!("{name}: no data")),
        _ => Clean::line(format_args!("{name} {value}")),
    }
}

/// What age makes of evidence: stale evidence is marked, expired evidence tells nothing any more.
fn aged(board: &Board, source: Option<&Name>, signal: Signal, now: Timestamp) -> Signal {
    told_at(board, source, Timestamp::MAX, signal, now)
}

/// The same of evidence that was told at a moment of its own, where that is before its source's last answer.
fn told_at(
    board: &Board,
    source: Option<&Name>,
    at: Timestamp,
    signal: Signal,
    now: Timestamp,
) -> Signal {
    let Some(source) = source else { return signal };
    let freshness = board.sources.get(source);
    let last_ok = freshness.and_then(|f| f.last_ok).map(|then| then.min(at));
    let staleness = freshness.zip(last_ok).map_or(Staleness::Expired, |(f, then)| {
        f.of_age(now.duration_since(then).max(jiff::SignedDuration::ZERO))
    });
    match staleness {
        Staleness::Fresh => signal,
        Staleness::Stale => Signal { stale: true, ..signal },
        Staleness::Expired => {
            let words = match (last_ok, signal.health) {
                (None, _) => Clean::line(format_args!("no answer from {source} yet")),
                (Some(then), Health::Down | Health::Degraded) => Clean::line(format_args!(
                    "no answer from {source} for {}; before: {}",
                    words::span(now.duration_since(then)),
                    signal.words
                )),
                (Some(then), _) => {
                    let age = words::span(now.duration_since(then));
                    Clean::line(format_args!("no answer from {source} for {age}"))
                }
            };
            let (health, stale) = (Health::Unknown, last_ok.is_some());
            Signal { health, since: last_ok, words, stale, untold: true }
        }
    }
}

/// Severity 1 is an outage, 2 and 3 (and what nobody graded) degrade, 4 and 5 are for information.
pub fn of_severity(severity: Option<Severity>) -> Health {
    match severity {
        Some(Severity(0..=1)) => Health::Down,
        Some(Severity(2..=3)) | None => Health::Degraded,
        Some(_) => Health::Ok,
    }
}

/// A firing alert counts at once, it has waited already; a silence stills the noise, not the trouble.
fn of_alerts(board: &Board, own: &Belongings<'_>, now: Timestamp) -> Vec<Signal> {
    let signal = |alert: &crate::model::Alert| {
        let (health, words) = match &alert.state {
            AlertState::Firing | AlertState::Suppressed => {
                (of_severity(alert.severity), Clean::line(format_args!("firing: {}", alert.name)))
            }
            AlertState::Pending => return None,
            AlertState::Other(word) => {
                (Health::Unknown, Clean::line(format_args!("{}: {word}", alert.name)))
            }
        };
        // One for information is no evidence of well-being either.
        (health != Health::Ok).then(|| {
            let signal =
                Signal { health, since: alert.started, words, stale: false, untold: false };
            aged(board, Some(&alert.key.source), signal, now)
        })
    };
    own.alerts.iter().filter_map(|a| signal(a)).collect()
}

/// What it means that nobody tells of a firing alert: well-being only while somebody would tell.
///
/// The rules' own store does not deliver alerts: all green with a dead Alertmanager is the worst lie (domain.md §4.5).
/// While none is well, a rule that fires counts by itself. Where an alert is expected that does not arrive, no other
/// would: silence says nothing there.
fn of_silence(board: &Board, own: &Belongings<'_>, now: Timestamp) -> Vec<Signal> {
    let staleness =
        |name: &Name| board.sources.get(name).map_or(Staleness::Expired, |f| f.staleness(now));
    let delivering = board.sources.iter().filter(|(_, f)| f.kind == "alertmanager");
    let mut tellers: Vec<&Name> = own.alerting.clone();
    if tellers.is_empty() && own.ruled.is_some() {
        tellers.extend(delivering.map(|(name, _)| name));
    }
    let missing = |name: &Name| board.sources.get(name).and_then(|f| f.missing(now).next());
    let trust = |name: &Name| match missing(name) {
        Some(_) => Staleness::Expired,
        None => staleness(name),
    };
    let teller = tellers.iter().copied().min_by_key(|name| trust(name)).or(own.ruled);
    let Some(teller) = teller else { return Vec::new() };
    let words = Clean::from("no alert firing");
    let quiet = match missing(teller) {
        None => Signal { health: Health::Ok, since: None, words, stale: false, untold: false },
        Some((expected, since)) => {
            let words =
                format!("no alert would come: {} does not arrive at {teller}", expected.name);
            let (health, since) = (Health::Unknown, Some(since));
            Signal { health, since, words: Clean::line(words), stale: false, untold: true }
        }
    };
    let mut signals = vec![aged(board, Some(teller), quiet, now)];
    let is_told = !tellers.is_empty() && trust(teller) == Staleness::Fresh;
    for rule in own.firing.iter().filter(|_| !is_told) {
        let severity = rule.labels.iter().find(|(name, _)| name.as_str() == "severity");
        let health = of_severity(severity.and_then(|(_, word)| Severity::parse(word.as_str())));
        if health != Health::Ok {
            let words = Clean::line(format_args!("rule {} fires", rule.name));
            let signal = Signal { health, since: None, words, stale: false, untold: false };
            signals.push(aged(board, Some(&rule.key.source), signal, now));
        }
    }
    signals
}

fn of_incidents(board: &Board, own: &Belongings<'_>, now: Timestamp) -> Vec<Signal> {
    let signal = |incident: &crate::model::Incident| {
        let health = of_severity(incident.severity).max(match incident.status {
            IncidentStatus::Other(_) => Health::Unknown,
            _ => Health::Ok,
        });
        (health != Health::Ok).then(|| {
            let words =
                Clean::line(format_args!("incident {} {}", incident.reference, incident.title));
            let signal =
                Signal { health, since: incident.started, words, stale: false, untold: false };
            aged(board, Some(&incident.key.source), signal, now)
        })
    };
    own.incidents.iter().filter_map(|i| signal(i)).collect()
}

/// How a service's objectives stand: its own in the configuration's order, then those that were found.
pub fn budgets(
    board: &Board,
    service: &Service,
    own: &Belongings<'_>,
    now: Timestamp,
) -> Vec<Budget> {
    let told = service
        .slos
        .iter()
        .filter_map(|slo| board.objectives.get(&slo.key(&service.name)).map(|record| &record.what));
    told.chain(own.objectives.iter().copied())
        .map(|objective| {
            let source = board.sources.get(&objective.key.source);
            stand(objective, source.map(|f| f.every).unwrap_or_default(), now)
        })
        .collect()
}

/// A budget that burns as fast as pages somebody degrades its service, and no more: at fourteen times the pace one
/// request in seventy fails of three nines, which is no outage. One that is, is told by probes, numbers and alerts.
///
/// Slower burning is a matter of days. It is said where the budget stands and changes no state: a board that is yellow
/// for a week is not looked at any more.
fn of_objective(board: &Board, slo: &Budget, now: Timestamp) -> Option<Signal> {
    let found = slo.written != Written::Configuration;
    let health = match slo.verdict {
        Burning::Page if slo.is_certain() => Health::Degraded,
        Burning::Page | Burning::Ticket | Burning::Calm => Health::Ok,
        Burning::NoTraffic => return None,
        // Nobody asked for one that was found: what it lacks is not this service's trouble.
        Burning::Unknown if found => return None,
        Burning::Unknown => Health::Unknown,
    };
    let words = if health == Health::Unknown {
        match slo.staleness {
            Staleness::Expired => slo.at.map_or_else(
                || Clean::line(format_args!("{}: no answer yet", slo.name)),
                |at| {
                    let age = words::span(now.duration_since(at));
                    Clean::line(format_args!("{}: no data for {age}", slo.name))
                },
            ),
            _ => Clean::line(format_args!("{}: no data", slo.name)),
        }
    } else {
        slo.words()
    };
    let stale = slo.staleness != Staleness::Fresh && health != Health::Unknown;
    let signal = Signal { health, since: None, words, stale, untold: false };
    Some(aged(board, Some(&slo.key.source), signal, now))
}

/// All that fires is silenced, and something does.
fn is_silenced(own: &Belongings<'_>) -> bool {
    let mut firing = own
        .alerts
        .iter()
        .filter(|a| matches!(a.state, AlertState::Firing | AlertState::Suppressed))
        .peekable();
    let silenced = |s: &Suppression| matches!(s, Suppression::Silenced(_));
    firing.peek().is_some() && firing.all(|a| a.suppressed.iter().any(silenced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertRule, MetricId, Role, RuleState, Unit};

    fn metric(good: &str, bad: &str) -> Metric {
        Metric {
            id: MetricId { service: Some(Name::new("checkout")), metric: Name::new("p95") },
            source: Name::new("prom"),
            query: "".into(),
            unit: Unit::Seconds,
            role: Role::Latency,
            good: Bound::parse(good),
            bad: Bound::parse(bad),
            weight: Weight::Critical,
        }
    }

    #[test]
    fn between_good_and_bad_is_degraded() {
        let p95 = metric("< 0.3", "> 1.0");
        for (value, health) in [
            (Measure::Number(0.2), Some(Health::Ok)),
            (Measure::Number(0.5), Some(Health::Degraded)),
            (Measure::Number(1.4), Some(Health::Down)),
            (Measure::Infinite(true), Some(Health::Down)),
            (Measure::NoData, Some(Health::Unknown)),
            (Measure::Unreadable("soon".into()), Some(Health::Unknown)),
            (Measure::NoTraffic, None),
        ] {
            assert_eq!(level(&p95, &value), health, "{value:?}");
        }
        assert_eq!(level(&metric("", ""), &Measure::Number(9.0)), None);
        assert_eq!(level(&metric("", "> 1"), &Measure::Number(0.9)), Some(Health::Ok));
        assert_eq!(level(&metric("< 1", ""), &Measure::Number(2.0)), Some(Health::Degraded));
    }

    #[test]
    fn the_reason_names_value_and_bound() {
        let p95 = metric("< 0.3", "> 1.0");
        let words = reason(&p95, &Measure::Number(1.4), Health::Down);
        assert_eq!(words.as_str(), "p95 1.4 s (bad > 1 s)");
        let words = reason(&p95, &Measure::Number(0.5), Health::Degraded);
        assert_eq!(words.as_str(), "p95 500 ms (good < 300 ms)");
    }

    #[test]
    fn trouble_is_walked_back_to_its_first_bad_point() {
        let p95 = metric("< 0.3", "> 1.0");
        let mut track = Track::default();
        for (at, value) in [(0, 0.1), (60, 0.5), (120, 1.4), (180, 1.5)] {
            track.add(Timestamp::from_second(at).unwrap(), Measure::Number(value));
        }
        let since = |health| began(&p95, &track, health).map(Timestamp::as_second);
        assert_eq!(since(Health::Down), Some(120));
        assert_eq!(since(Health::Degraded), Some(60));
        let mut always = Track::default();
        always.add(Timestamp::UNIX_EPOCH, Measure::Number(2.0));
        assert_eq!(began(&p95, &always, Health::Down), None);
    }

    #[test]
    fn a_service_with_nothing_but_its_name_waits_for_who_would_find_its_numbers() {
        let mut board = Board::default();
        let now = Timestamp::UNIX_EPOCH;
        let why = |board: &Board| {
            find(board, &Service::default(), &Belongings::default(), &[], now).reason.to_string()
        };
        assert_eq!(why(&board), "nothing watches it");
        let mut hear = |name: &str, kind, last_ok| {
            let freshness = Freshness { kind, last_ok, ..Freshness::default() };
            board.sources.insert(Name::new(name), freshness);
            why(&board)
        };
        assert_eq!(hear("hub", "github", None), "nothing watches it");
        assert_eq!(hear("prom", "prometheus", None), "no answer from prom yet");
        assert_eq!(hear("am", "alertmanager", None), "no answer from am and prom yet");
        assert_eq!(hear("am", "alertmanager", Some(now)), "no answer from prom yet");
        assert_eq!(hear("prom", "prometheus", Some(now)), "nothing watches it");
    }

    /// domain.md §4.2: Unknown never counts as ok. A number without bounds judges nothing, nor does one without
    /// traffic: a service with nothing else is unknown. One that is not answered any more while its store is well
    /// goes stale and then unknown by itself.
    #[test]
    fn only_what_was_judged_lately_is_ok() {
        let (source, at) = (Name::new("prom"), |s| Timestamp::from_second(1_000_000 + s).unwrap());
        let told = |metric: Metric, measure: Measure, last_ok: i64, now: i64| {
            let mut board = Board::default();
            let freshness = Freshness {
                every: jiff::SignedDuration::from_secs(15),
                last_ok: Some(at(last_ok)),
                ..Freshness::default()
            };
            board.sources.insert(source.clone(), freshness);
            let fact = crate::model::Fact::Sample {
                id: metric.id.clone(),
                at: at(0),
                measure,
                note: None,
            };
            let report = crate::model::Report { facts: vec![fact], ..Default::default() };
            board.fold(&source, at(0), report);
            let service = Service { metrics: vec![metric], ..Service::default() };
            let found = find(&board, &service, &Belongings::default(), &[], at(now));
            (found.health, found.overlays.stale)
        };
        let bounded = || metric("< 0.3", "> 1.0");
        let good = Measure::Number(0.1);
        for (metric, measure, last_ok, now, expected) in [
            (bounded(), good.clone(), 0, 10, (Health::Ok, false)),
            (metric("", ""), good.clone(), 0, 10, (Health::Unknown, false)),
            (bounded(), Measure::NoTraffic, 0, 10, (Health::Unknown, false)),
            (bounded(), Measure::NoData, 0, 10, (Health::Unknown, false)),
            // The store is silent.
            (bounded(), good.clone(), 0, 31, (Health::Ok, true)),
            (bounded(), good.clone(), 0, 301, (Health::Unknown, true)),
            // The store answers, but not this question.
            (bounded(), good.clone(), 31, 31, (Health::Ok, true)),
            (bounded(), good.clone(), 301, 301, (Health::Unknown, false)),
        ] {
            let words = format!("{measure:?} last ok {last_ok} now {now}");
            assert_eq!(told(metric, measure, last_ok, now), expected, "{words}");
        }
    }

    /// What a number rests on is said where it judges; it judges as it did.
    #[test]
    fn an_answer_without_all_of_its_data_is_said_and_changes_no_state() {
        let (source, at) = (Name::new("prom"), Timestamp::from_second(1_000_000).unwrap());
        let told = |good: &str, note: Option<&str>| {
            let (metric, mut board) = (metric(good, ""), Board::default());
            let every = jiff::SignedDuration::from_secs(15);
            let fresh = Freshness { every, last_ok: Some(at), ..Freshness::default() };
            board.sources.insert(source.clone(), fresh);
            let mut report = crate::model::Report::default();
            for ago in [30, 15, 0] {
                let at = at - jiff::SignedDuration::from_secs(ago);
                let (id, measure) = (metric.id.clone(), Measure::Number(0.5));
                let note = note.map(Clean::line);
                report.facts.push(crate::model::Fact::Sample { id, at, measure, note });
            }
            board.fold(&source, at, report);
            let service = Service { metrics: vec![metric], ..Service::default() };
            let found = find(&board, &service, &Belongings::default(), &[], at);
            (found.health, found.overlays.partial, found.reason.to_string())
        };
        let lacks = Some("2 of 3 targets up; not all data was there");
        assert_eq!(told("< 1", lacks), (Health::Ok, true, String::new()));
        let words = "p95 500 ms (good < 300 ms)";
        let said = format!("{words}, not all data was there");
        assert_eq!(told("< 0.3", lacks), (Health::Degraded, true, said));
        let whole = Some("2 of 3 targets up");
        assert_eq!(told("< 0.3", whole), (Health::Degraded, false, words.to_owned()));
        assert!(!told("", lacks).1, "nothing is judged by it");
    }

    #[test]
    fn a_probe_at_whose_moment_nobody_asked_is_not_what_it_was_then() {
        let (source, at) =
            (Name::new("probe web 1"), |s: i64| Timestamp::from_second(1_000_000 + s).unwrap());
        let probe =
            crate::model::Probe { service: Name::new("web"), target: "w:1".into(), means: "tcp" };
        let result = crate::model::ProbeResult {
            probe: probe.clone(),
            weight: crate::model::Weight::Critical,
            at: at(0),
            health: Health::Ok,
            words: "open".into(),
            latency: None,
            expires: None,
        };
        for (now, expected) in [
            (10_i64, (Health::Ok, false)),
            (70, (Health::Ok, true)),
            (900, (Health::Unknown, true)),
        ] {
            let mut board = Board::default();
            let every = jiff::SignedDuration::from_secs(30);
            let went_on = Freshness { every, last_ok: Some(at(now)), ..Freshness::default() };
            board.sources.insert(source.clone(), went_on);
            board.probe_sources.insert(probe.clone(), source.clone());
            let results: std::collections::VecDeque<_> = [result.clone()].into();
            let own = Belongings { probes: vec![(&probe, &results)], ..Belongings::default() };
            let found = find(&board, &Service::default(), &own, &[], at(now));
            assert_eq!((found.health, found.overlays.stale), expected, "{now}");
        }
    }

    #[test]
    fn no_alert_is_good_news_only_while_somebody_would_tell() {
        let at = |s| Timestamp::from_second(1_000_000 + s).unwrap();
        let source = |kind: &'static str, last_ok: Option<i64>| Freshness {
            kind,
            every: jiff::SignedDuration::from_secs(15),
            last_ok: last_ok.map(at),
            ..Freshness::default()
        };
        let rule = |state: RuleState| AlertRule {
            key: crate::model::Key::new(&Name::new("prom"), "r"),
            name: "Errors".into(),
            group: "g".into(),
            query: "up".into(),
            state,
            health: crate::model::RuleHealth::Ok,
            last_error: Clean::default(),
            labels: [("severity".into(), "critical".into())].into_iter().collect(),
            annotations: crate::model::Labels::default(),
            waits: jiff::SignedDuration::ZERO,
            firing: 0,
        };
        let now = at(600);
        let fresh = Some(595);
        for (am, state, expected) in [
            (Some(fresh), RuleState::Inactive, Health::Ok),
            (Some(Some(0)), RuleState::Inactive, Health::Unknown),
            (Some(None), RuleState::Inactive, Health::Unknown),
            (None, RuleState::Inactive, Health::Ok),
            // The Alertmanager decides while it is well: it knows of silences and routes, and is asked more often.
            (Some(fresh), RuleState::Firing, Health::Ok),
            (Some(Some(0)), RuleState::Firing, Health::Down),
            (None, RuleState::Firing, Health::Down),
        ] {
            let mut board = Board::default();
            board.sources.insert(Name::new("prom"), source("prometheus", fresh));
            if let Some(last_ok) = am {
                board.sources.insert(Name::new("am"), source("alertmanager", last_ok));
            }
            let rule = rule(state);
            let prom = Name::new("prom");
            let firing = (rule.state == RuleState::Firing).then_some(&rule);
            let own = Belongings {
                ruled: Some(&prom),
                firing: firing.into_iter().collect(),
                ..Belongings::default()
            };
            let found = find(&board, &Service::default(), &own, &[], now);
            assert_eq!(found.health, expected, "{am:?} {:?}", rule.state);
        }
    }

    #[test]
    fn without_the_alert_that_always_fires_silence_says_nothing_and_what_is_known_stays() {
        let at = |s: i64| Timestamp::from_second(1_000_000 + s).unwrap();
        let am = Name::new("am");
        let find_with = |missing: bool, more: &dyn Fn(&mut Board, &mut Service)| {
            let mut board = Board::default();
            let expected = crate::model::Expected {
                name: "watchdog".into(),
                labels: "alertname=\"Watchdog\"".into(),
                missing_since: missing.then(|| at(0)),
            };
            let freshness = Freshness {
                kind: "alertmanager",
                every: jiff::SignedDuration::from_secs(15),
                last_ok: Some(at(100)),
                expected: vec![expected],
                ..Freshness::default()
            };
            board.sources.insert(am.clone(), freshness);
            let mut service = Service::default();
            more(&mut board, &mut service);
            let own = Belongings { alerting: vec![&am], ..Belongings::default() };
            find(&board, &service, &own, &[], at(105))
        };
        assert_eq!(find_with(false, &|_, _| ()).health, Health::Ok);
        let dead = find_with(true, &|_, _| ());
        assert_eq!((dead.health, dead.since), (Health::Unknown, Some(at(0))));
        assert!(dead.reason.as_str().contains("watchdog does not arrive at am"), "{}", dead.reason);
        // A number that is bad is bad without any alert.
        let down = find_with(true, &|board, service| {
            let p95 = metric("< 0.3", "> 1.0");
            let fact = crate::model::Fact::Sample {
                id: p95.id.clone(),
                at: at(100),
                measure: Measure::Number(2.0),
                note: None,
            };
            let fresh = Freshness { last_ok: Some(at(100)), ..Freshness::default() };
            board.sources.insert(p95.source.clone(), fresh);
            let report = crate::model::Report { facts: vec![fact], ..Default::default() };
            board.fold(&p95.source, at(100), report);
            service.metrics = vec![p95];
        });
        assert_eq!(down.health, Health::Down);
    }

    #[test]
    fn weights_cap_what_a_signal_may_say() {
        assert_eq!(capped(Health::Down, Weight::Critical), Some(Health::Down));
        assert_eq!(capped(Health::Down, Weight::Important), Some(Health::Degraded));
        assert_eq!(capped(Health::Down, Weight::Info), None);
    }
}
