//! Incidents the pager has seen: those of the past, small noise between them, and those of the story.

use super::cast::{self, Person};
use super::clock::Secs;
use super::noise::{hex, mix, unit};
use super::story;
use super::world::World;

#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    pub number: u32,
    pub id: String,
    pub title: String,
    pub service: &'static str,
    pub priority: &'static str,
    pub triggered: Secs,
    pub acked: Option<(Secs, &'static Person)>,
    /// `None` for the person means that it went away alone.
    pub resolved: Option<(Secs, Option<&'static Person>)>,
    /// What people wrote while it lasted, oldest first.
    pub notes: Vec<(Secs, &'static Person, &'static str)>,
}

impl Incident {
    pub fn status(&self) -> &'static str {
        match (&self.acked, &self.resolved) {
            (_, Some(_)) => "resolved",
            (Some(_), None) => "acknowledged",
            (None, None) => "triggered",
        }
    }

    pub fn urgency(&self) -> &'static str {
        if matches!(self.priority, "P1" | "P2") { "high" } else { "low" }
    }

    pub fn changed(&self) -> Secs {
        let resolved = self.resolved.map(|(at, _)| at);
        resolved.or(self.acked.map(|(at, _)| at)).unwrap_or(self.triggered)
    }
}

const NOISE: &[(&str, &str)] = &[
    ("db", "Disk of db-3 is 80 % full"),
    ("web", "One of two copies of web restarted"),
    ("search", "Search index is older than an hour"),
    ("reports", "Daily closing took longer than ten minutes"),
    ("payments", "More refused cards than usual"),
    ("ledger", "Ledger and bank differ, retried"),
];

/// Everything visible at `now`, oldest first.
pub fn incidents(world: &World, now: Secs) -> Vec<Incident> {
    let mut out = Vec::new();
    let seed = mix(world.seed, 4_000);
    let make = |title: &str, service, priority, triggered: Secs| Incident {
        number: 0,
        id: format!(
            "Q{}",
            hex(seed, (triggered as u64) ^ mix(3, cast::index(service) as u64), 13).to_uppercase()
        ),
        title: title.to_owned(),
        service,
        priority,
        triggered,
        acked: None,
        resolved: None,
        notes: Vec::new(),
    };
    for (past, start, end) in &world.past {
        let mut one = make(past.title, past.service, past.priority, start + 100.0);
        let guard = world.guard(past.service, *start);
        one.acked = past.acked.map(|minutes| (start + 100.0 + minutes * 60.0, guard));
        one.resolved = Some((end + 240.0, past.acked.map(|_| guard)));
        out.push(one);
    }
    for i in 0..13_i64 {
        let Some((service, title)) = NOISE.get(i as usize % NOISE.len()) else { continue };
        let start = world.days_before(1 + i * 7 / 3, 24.0 * unit(seed, i as u64), false);
        let mut one = make(title, service, "P5", start);
        let quick = unit(seed, i as u64 + 100);
        if quick > 0.6 {
            let guard = world.guard(service, start);
            one.acked = Some((start + 200.0 + 900.0 * quick, guard));
        }
        one.resolved = Some((start + 1_400.0 + 2_000.0 * quick, None));
        out.push(one);
    }
    let mut broken = make(
        "Rule ReportsLate cannot be evaluated",
        "reports",
        "P5",
        world.clock.origin - 10_900.0,
    );
    broken.acked = Some((world.clock.origin - 9_700.0, cast::person("tomas")));
    out.push(broken);
    for turn in world.turns_seen(now) {
        let at = |beat: f64| world.beat(turn, beat);
        let plot = story::plot(turn);
        let priority = if plot.service == "search" { "P2" } else { "P1" };
        let mut one = make(plot.title, plot.service, priority, at(story::PAGED));
        let guard = world.guard(plot.service, at(story::PAGED));
        one.acked = Some((at(story::ACKED), guard));
        one.resolved = Some((at(story::RESOLVED), Some(guard)));
        one.notes = vec![
            (
                at(story::ACKED + 50.0),
                guard,
                "errors began with the deploy, looking at what it changed",
            ),
            (at(story::ROLLBACK_ASKED + 6.0), guard, "going back to the version before"),
        ];
        out.push(one);
        let mut mail = make(
            "Order confirmations are late: mail queue is long",
            "mail",
            "P3",
            at(story::MAIL_PAGED),
        );
        let guard = world.guard("mail", at(story::MAIL_PAGED));
        mail.acked = Some((at(story::MAIL_ACKED), guard));
        mail.resolved = Some((at(story::MAIL_RESOLVED), Some(guard)));
        out.push(mail);
    }
    out.retain(|i| i.triggered <= now);
    out.sort_by(|a, b| a.triggered.total_cmp(&b.triggered));
    // A demo left running forgets its oldest turns; the numbers must not move with them.
    let forgotten = u32::try_from(*world.turns_seen(now).start()).unwrap_or(0) * 2;
    let first = 1_180 + forgotten;
    for (place, one) in out.iter_mut().enumerate() {
        let told = one.triggered > world.clock.origin;
        one.number = first + place as u32 - if told { 0 } else { forgotten };
        one.acked = one.acked.filter(|(at, _)| *at <= now);
        one.resolved = one.resolved.filter(|(at, _)| *at <= now);
        one.notes.retain(|(at, ..)| *at <= now);
    }
    out
}

/// A change that is no deploy: a flag, a machine, a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub id: String,
    pub at: Secs,
    pub summary: String,
    pub origin: &'static str,
    pub services: Vec<&'static str>,
    pub by: &'static str,
}

/// Told by a log of their own, not by the pager.
pub const FLAGS: &str = "flags";

const CHANGES: &[(&str, &str, &str)] = &[
    ("terraform", "db: one more replica in the second zone", "db"),
    (FLAGS, "web: free-shipping-banner on → off", "web"),
    ("terraform", "search: 20 → 24 workers", "search"),
    (FLAGS, "checkout: vouchers-v2 10 % → 50 %", "checkout"),
    ("config", "payments: refusals are logged with their reason", "payments"),
    (FLAGS, "login: passkeys for the team only", "login"),
    ("certificates", "web: certificate of harbour.example renewed", "web"),
];

/// Changes visible at `now`, oldest first.
pub fn changes(world: &World, now: Secs) -> Vec<Change> {
    let mut out = Vec::new();
    let seed = mix(world.seed, 5_000);
    let mut add = |at: Secs, origin, summary: String, services, by| {
        let id = format!("01{}", hex(seed, at as u64, 18).to_uppercase());
        out.push(Change { id, at, summary, origin, services, by });
    };
    for i in 0..24_i64 {
        let Some((origin, summary, service)) =
            CHANGES.get((mix(seed, i as u64) % CHANGES.len() as u64) as usize)
        else {
            continue;
        };
        let at = world.days_before(1 + i * 13 / 10, 9.0 + 8.0 * unit(seed, i as u64 + 50), true);
        let by = cast::service(service).and_then(|s| s.hands.first()).copied().unwrap_or("noor");
        add(at, *origin, (*summary).to_owned(), vec![*service], by);
    }
    add(
        world.clock.origin - 7_300.0,
        "config",
        "nightly base backup moved to db-2".into(),
        vec!["db"],
        "tomas",
    );
    add(
        world.clock.origin - 2_200.0,
        "newsletter",
        "\"Winter on deck\" to 48,000 readers".into(),
        vec!["mail"],
        "noor",
    );
    for turn in world.turns_seen(now) {
        let at = |beat: f64| world.beat(turn, beat);
        let plot = story::plot(turn);
        add(
            at(story::flag_raised(turn)),
            FLAGS,
            format!("{}: {} 10 % → 50 %", plot.service, plot.flag),
            vec![plot.service],
            plot.author,
        );
        add(
            at(story::MAIL_SCALED),
            "terraform",
            "mail: 8 → 16 workers".into(),
            vec!["mail"],
            "noor",
        );
    }
    out.retain(|c| c.at <= now);
    out.sort_by(|a, b| a.at.total_cmp(&b.at));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_triggered_acked_and_resolved_in_time() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7);
        let status = |beat: f64| {
            let all = incidents(&world, world.beat(0, beat));
            all.iter()
                .find(|i| i.service == "checkout" && i.triggered > world.clock.origin)
                .map(Incident::status)
        };
        assert_eq!(status(100.0), None);
        assert_eq!(status(140.0), Some("triggered"));
        assert_eq!(status(190.0), Some("acknowledged"));
        assert_eq!(status(480.0), Some("resolved"));
    }

    #[test]
    fn numbers_and_ids_never_change_and_never_repeat() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 60.0, 7);
        let mut known = std::collections::BTreeMap::new();
        for turn in [0, 1, 2, 30, 60] {
            let all = incidents(&world, world.beat(turn, 1_000.0));
            let mut numbers: Vec<u32> = all.iter().map(|i| i.number).collect();
            numbers.dedup();
            assert_eq!(numbers.len(), all.len());
            for i in all {
                assert_eq!(
                    *known.entry(i.id.clone()).or_insert(i.number),
                    i.number,
                    "{i:?} in turn {turn}"
                );
            }
        }
    }

    #[test]
    fn the_demo_begins_with_one_small_incident_that_somebody_has() {
        let world = World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7);
        let open: Vec<_> = incidents(&world, world.clock.origin)
            .into_iter()
            .filter(|i| i.resolved.is_none())
            .collect();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].status(), open[0].urgency()), ("acknowledged", "low"));
    }
}
