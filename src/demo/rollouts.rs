//! Releases on their way: a month of deploys to staging and production, and those of the story.

use jiff::civil::Weekday;

use super::cast::{self, SERVICES, Service};
use super::clock::{Secs, instant};
use super::noise::{hex, mix, unit};
use super::story;
use super::world::World;

/// A step in the life of a deploy, in the code host's words.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub at: Secs,
    pub state: &'static str,
    pub by: &'static str,
    pub words: String,
}

/// One attempt to bring a version to an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    pub id: u64,
    pub service: &'static str,
    pub environment: &'static str,
    pub version: u32,
    pub sha: String,
    pub by: &'static str,
    pub intent: String,
    pub created: Secs,
    /// When the deployed commit was written.
    pub committed: Secs,
    pub steps: Vec<Step>,
    pub rollback: bool,
}

impl Rollout {
    pub fn succeeded(&self) -> Option<Secs> {
        self.steps.iter().find(|s| s.state == "success").map(|s| s.at)
    }

    pub fn latest(&self) -> &'static str {
        self.steps.last().map_or("pending", |s| s.state)
    }
}

/// The service whose next version has been staged for days: production waits for somebody to say yes.
pub const WAITS: &str = "payments";

pub const INTENTS: &[&str] = &[
    "Round prices once, at the end",
    "Ask for the postcode before the street",
    "Drop an index nobody uses",
    "Show stock by warehouse",
    "Retry mail only when it is safe to",
    "Log the reason of every refusal",
    "Smaller pictures on slow lines",
    "Read replicas for the catalogue",
    "Fix the sum of returned orders",
    "Update the runtime",
    "Say why a voucher is refused",
    "Faster start of the workers",
    "Remember the chosen language",
    "Clean up after the move to the new basket",
    "Limit connections per request",
    "Translate the receipt",
];

struct Plan<'a> {
    service: &'a Service,
    out: Vec<Rollout>,
    now: Secs,
}

impl Plan<'_> {
    #[expect(
        clippy::too_many_arguments,
        reason = "a rollout is all of these, and only this file makes them"
    )]
    fn add(
        &mut self,
        environment: &'static str,
        version: u32,
        by: &'static str,
        created: Secs,
        running: f64,
        done: f64,
        end: &'static str,
        rollback: bool,
        intent: &str,
    ) {
        let step =
            |after: f64, state, words: String| Step { at: created + after, state, by, words };
        let name = self.service.name;
        let what = match end {
            "failure" => format!("v{version} did not become ready in time"),
            _ => format!("v{version} is live"),
        };
        let steps = vec![
            step(0.0, "queued", String::new()),
            step(running, "in_progress", format!("rolling v{version} out to {environment}")),
            step(done, end, what),
        ];
        let place = mix(u64::from(version), name.len() as u64);
        let sha = hex(u64::from(version), place ^ mix(2, cast::index(name) as u64), 40);
        let seconds = (created - 1.6e9).max(0.0) as u64;
        let environment_bit = u64::from(environment == "production");
        self.out.push(Rollout {
            id: seconds * 2 + environment_bit,
            service: name,
            environment,
            version,
            sha,
            by,
            intent: intent.to_owned(),
            created,
            committed: created - 5_400.0 - 60_000.0 * unit(place, 9),
            steps,
            rollback,
        });
    }
}

/// Every deploy of a service that is visible at `now`, oldest first.
pub fn rollouts(world: &World, service: &Service, now: Secs) -> Vec<Rollout> {
    let mut plan = Plan { service, out: Vec::new(), now };
    history(world, &mut plan);
    staged(world, &mut plan);
    told(world, &mut plan);
    let mut all = plan.out;
    all.sort_by(|a, b| a.created.total_cmp(&b.created));
    retire(&mut all);
    all.retain(|r| r.created <= plan.now);
    for rollout in &mut all {
        rollout.steps.retain(|s| s.at <= plan.now);
    }
    all
}

/// A success makes the one before it inactive, a moment later.
fn retire(all: &mut [Rollout]) {
    for environment in ["staging", "production"] {
        let mut before: Option<usize> = None;
        for i in 0..all.len() {
            let Some(this) = all.get(i).filter(|r| r.environment == environment) else { continue };
            let (Some(at), by) = (this.succeeded(), this.by) else { continue };
            if let Some(old) = before.and_then(|b| all.get_mut(b)) {
                old.steps.push(Step { at: at + 1.0, state: "inactive", by, words: String::new() });
            }
            before = Some(i);
        }
    }
}

fn history(world: &World, plan: &mut Plan<'_>) {
    let service = plan.service;
    let seed = mix(world.seed, 900 + cast::index(service.name) as u64);
    // Bad releases of the past, and what was rolled back to.
    let bad: Vec<(Secs, Secs)> = world
        .past
        .iter()
        .filter(|(p, ..)| p.release && p.service == service.name)
        .map(|(_, start, end)| (*start, *end))
        .collect();
    let mut times: Vec<(Secs, Option<Secs>)> =
        bad.iter().map(|(start, end)| (start - 420.0, Some(end - 300.0))).collect();
    for day in (0..36_i64).rev() {
        let hour = 9.4 + 6.8 * unit(seed, day as u64 * 3);
        let at = world.days_before(day, hour, false);
        let weekday = instant(at).to_zoned(world.zone.clone()).weekday();
        let working = !matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        let busy = bad.iter().any(|(start, _)| (at - start).abs() < 14_400.0);
        if working && !busy && unit(seed, day as u64 * 3 + 1) < service.pace / 5.0 {
            times.push((at, None));
            if service.pace > 5.0 && unit(seed, day as u64 * 3 + 2) < 0.3 {
                times.push((at + 9_000.0, None));
            }
        }
    }
    times.retain(|(at, _)| *at < world.clock.origin - 2_400.0);
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = times.len() as u32;
    for (i, (at, rolled_back)) in times.into_iter().enumerate() {
        let version = service.version + 1 + i as u32 - count;
        let place = u64::from(version);
        let by = pick(service.hands, mix(seed, place)).unwrap_or("ada");
        let intent = pick(INTENTS, mix(seed ^ 5, place)).unwrap_or("Update the runtime");
        let long = 80.0 + 130.0 * unit(seed ^ 6, place);
        let staged = at - 1_800.0 - 9_000.0 * unit(seed ^ 7, place);
        if unit(seed ^ 8, place) < 0.12 {
            plan.add("staging", version, by, staged - 900.0, 6.0, 70.0, "failure", false, intent);
        }
        plan.add("staging", version, by, staged, 5.0, 62.0, "success", false, intent);
        if unit(seed ^ 9, place) < 0.07 && rolled_back.is_none() {
            plan.add("production", version, by, at - 1_100.0, 8.0, 310.0, "failure", false, intent);
        }
        plan.add("production", version, by, at, 8.0, long, "success", false, intent);
        if let Some(back) = rolled_back {
            let guard = world.guard(service.name, back).login;
            let old = version - 1;
            plan.add(
                "production",
                old,
                guard,
                back - 60.0,
                4.0,
                60.0,
                "success",
                true,
                "Roll back",
            );
        }
    }
}

/// A version that was staged three days ago and is not in production yet.
fn staged(world: &World, plan: &mut Plan<'_>) {
    let service = plan.service;
    if service.name == WAITS {
        let (by, intent) = ("tomas", "Send receipts in the language of the order");
        let at = world.days_before(3, 14.6, true);
        let version = service.version + 1;
        plan.add("staging", version, by, at, 5.0, 66.0, "success", false, intent);
    }
}

/// What the story ships.
fn told(world: &World, plan: &mut Plan<'_>) {
    let service = plan.service;
    let speed = world.clock.speed;
    for turn in world.turns_seen(plan.now) {
        let at = |beat: f64| world.beat(turn, beat);
        let n = u32::try_from(turn).unwrap_or(0);
        let plot = story::plot(turn);
        if plot.service == service.name {
            let version = World::story_version(turn);
            let guard = world.guard(service.name, at(story::ROLLBACK_ASKED)).login;
            let staged = if turn == 0 { -1_500.0 } else { story::NEXT_STAGED - story::TURN };
            plan.add(
                "staging",
                version,
                plot.author,
                at(staged),
                5.0 / speed,
                64.0 / speed,
                "success",
                false,
                plot.intent,
            );
            let (asked, runs, done) = (story::DEPLOY_ASKED, story::DEPLOY_RUNS, story::DEPLOY_DONE);
            plan.add(
                "production",
                version,
                plot.author,
                at(asked),
                (runs - asked) / speed,
                (done - asked) / speed,
                "success",
                false,
                plot.intent,
            );
            let (asked, runs, done) =
                (story::ROLLBACK_ASKED, story::ROLLBACK_RUNS, story::ROLLBACK_DONE);
            plan.add(
                "production",
                service.version,
                guard,
                at(asked),
                (runs - asked) / speed,
                (done - asked) / speed,
                "success",
                true,
                "Roll back",
            );
        }
        let intent = "Bigger pictures on the product page";
        match service.name {
            "web" => {
                let version = service.version + 1 + n;
                plan.add(
                    "staging",
                    version,
                    "noor",
                    at(story::WEB_STAGED),
                    5.0 / speed,
                    60.0 / speed,
                    "success",
                    false,
                    intent,
                );
                plan.add(
                    "production",
                    version,
                    "noor",
                    at(story::WEB_ASKED),
                    6.0 / speed,
                    50.0 / speed,
                    "success",
                    false,
                    intent,
                );
            }
            "reports" => {
                let version = service.version + 1 + n;
                let intent = "One deadline per report";
                plan.add(
                    "staging",
                    version,
                    "tomas",
                    at(story::REPORTS_FAILS),
                    5.0 / speed,
                    32.0 / speed,
                    "failure",
                    false,
                    intent,
                );
                plan.add(
                    "staging",
                    version,
                    "tomas",
                    at(story::REPORTS_RETRY),
                    5.0 / speed,
                    34.0 / speed,
                    "success",
                    false,
                    intent,
                );
            }
            _ => {}
        }
    }
}

pub fn pick(words: &[&'static str], place: u64) -> Option<&'static str> {
    words.get((place % words.len().max(1) as u64) as usize).copied()
}

/// The version that customers meet at `now`.
pub fn live_version(world: &World, service: &str, now: Secs) -> u32 {
    let Some(service) = SERVICES.iter().find(|s| s.name == service) else { return 0 };
    rollouts(world, service, now)
        .iter()
        .rfind(|r| r.environment == "production" && r.succeeded().is_some())
        .map_or(service.version, |r| r.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new("2026-11-25T09:30:00Z".parse().unwrap(), 0.0, 1.0, 7)
    }

    #[test]
    fn the_bad_release_is_shipped_and_rolled_back() {
        let w = world();
        for (beat, version) in [(0.0, 411), (60.0, 412), (335.0, 411), (900.0, 411)] {
            assert_eq!(live_version(&w, "checkout", w.beat(0, beat)), version, "at {beat}");
        }
        assert_eq!(live_version(&w, "web", w.beat(0, 960.0)), 1_209);
    }

    #[test]
    fn a_month_of_deploys_has_successes_failures_rollbacks_and_retired_ones() {
        let w = world();
        let now = w.clock.origin;
        let all: Vec<Rollout> = SERVICES.iter().flat_map(|s| rollouts(&w, s, now)).collect();
        assert!(all.len() > 100, "{}", all.len());
        assert!(all.iter().any(|r| r.latest() == "failure"));
        assert!(all.iter().any(|r| r.rollback));
        assert!(all.iter().any(|r| r.latest() == "inactive"));
        assert!(all.iter().all(|r| r.steps.iter().all(|s| s.at <= now)));
        let mut ids: Vec<_> = all.iter().map(|r| (r.service, r.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all.len());
        for s in SERVICES {
            assert_eq!(live_version(&w, s.name, now), s.version, "{}", s.name);
        }
    }

    #[test]
    fn one_production_success_is_live_per_service() {
        let w = world();
        for beat in [0.0, 60.0, 400.0, 1_199.0, 5_000.0] {
            let now = w.clock.real(beat);
            for s in SERVICES {
                let all = rollouts(&w, s, now);
                let live =
                    all.iter().filter(|r| r.environment == "production" && r.latest() == "success");
                assert_eq!(live.count(), 1, "{} at {beat}", s.name);
            }
        }
    }
}
