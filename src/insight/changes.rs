//! What changed just before: changes near the start of the trouble, ranked by nearness in time and relation, never called a cause.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::groups::itself;
use super::matching::Sorted;
use super::words::{earlier, later};
use super::{Happened, Suspect};
use crate::model::{Health, Team};

/// Equals the span of "no change in 6 h", so that the two never contradict each other.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(6);
/// Clocks differ: a change that ended a little after the start still counts.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// A deploy that "runs" for longer has been forgotten by its pipeline.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
const HALF_LIFE_S: f64 = 30.0 * 60.0;
/// A change that began after the trouble is more often its cure (a rollback) than a clock that goes wrong.
const CURE: f64 = 0.5;
/// Shown at most; more would be noise.
const MOST: usize = 8;
/// Unrelated changes looked at per service while much is red.
const MOST_OTHERS: usize = 64;

const SAME: f64 = 1.0;
const DIRECT: f64 = 0.6;
const TWO_HOPS: f64 = 0.3;
const OTHER: f64 = 0.1;

/// `rel · 2^(−Δt / 30 min)`; `None` when the change is no candidate.
pub fn score(relation: f64, happened: &Happened, start: Timestamp) -> Option<(f64, i64)> {
    let in_progress = happened.began <= start
        && happened.ended.is_none_or(|end| end > start)
        && happened.began >= earlier(start, LONGEST);
    let near = happened.at >= earlier(start, LOOK_BACK) && happened.at <= later(start, LOOK_AHEAD);
    if !in_progress && !near {
        return None;
    }
    let before = if in_progress { 0 } else { start.duration_since(happened.at).as_secs().max(0) };
    let cure = if happened.began > start { CURE } else { 1.0 };
    Some((relation * cure * (-(before as f64) / HALF_LIFE_S).exp2(), before))
}

/// The services whose failure can reach this one: direct ones, then those two hops away.
pub fn upstreams(team: &Team, sorted: &Sorted<'_>, service: usize) -> Vec<(usize, f64)> {
    let mut edge = itself(team, sorted, service);
    let mut seen: BTreeSet<usize> = edge.iter().copied().collect();
    let mut found = Vec::new();
    for relation in [DIRECT, TWO_HOPS] {
        let mut next = Vec::new();
        for from in edge {
            let names = team.services.get(from).map_or(&[][..], |s| &s.depends_on);
            for i in names.iter().filter_map(|n| sorted.by_name.get(n).copied()) {
                if seen.insert(i) {
                    found.push((i, relation));
                    next.push(i);
                }
            }
        }
        edge = next;
    }
    found
}

/// Suspects for trouble of `service` that began at `start`, best first.
pub fn suspects(
    team: &Team,
    sorted: &Sorted<'_>,
    service: usize,
    start: Timestamp,
    more_is_red: bool,
) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = Vec::new();
    let related = upstreams(team, sorted, service);
    let own = itself(team, sorted, service);
    for (i, relation) in own.iter().map(|i| (*i, SAME)).chain(related.iter().copied()) {
        let changes = sorted.of.get(i).map_or(&[][..], |b| &b.changes);
        found.extend(changes.iter().filter_map(|h| suspect(team, Some(i), relation, h, start)));
    }
    // Shared infrastructure is upstream of everybody.
    found.extend(sorted.everywhere.iter().filter_map(|h| suspect(team, None, DIRECT, h, start)));
    if more_is_red {
        let until = sorted.all_changes.partition_point(|(_, h)| h.at <= later(start, LOOK_AHEAD));
        let recent = sorted.all_changes.iter().take(until).rev().take(MOST_OTHERS);
        for (i, happened) in recent.take_while(|(_, h)| h.at >= earlier(start, LOOK_BACK)) {
            if !own.contains(i) && !related.iter().any(|(r, _)| r == i) {
                found.extend(suspect(team, Some(*i), OTHER, happened, start));
            }
        }
    }
    found.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(b.at.cmp(&a.at)).then_with(|| a.key.cmp(&b.key))
    });
    // One deploy of a repository with several services is one change.
    let mut seen = BTreeSet::new();
    found.retain(|s| seen.insert(s.key.clone()));
    found.truncate(MOST);
    found
}

fn suspect(
    team: &Team,
    service: Option<usize>,
    relation: f64,
    happened: &Happened,
    start: Timestamp,
) -> Option<Suspect> {
    let (score, before_s) = score(relation, happened, start)?;
    Some(Suspect {
        key: happened.key.clone(),
        service: service.and_then(|i| team.services.get(i)).map(|s| s.name.clone()),
        what: happened.what.clone(),
        who: happened.who.clone(),
        at: happened.at,
        before_s,
        score,
    })
}

/// Red is degraded or down.
pub fn is_red(health: Health) -> bool {
    health >= Health::Degraded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clean, Key, Name};

    fn happened(minutes_before: i64) -> (Happened, Timestamp) {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let at = start - SignedDuration::from_mins(minutes_before);
        let key = Key::new(&Name::new("gh"), "1");
        let what = Clean::from("deploy v412");
        (Happened { key, what, who: Clean::default(), began: at, ended: Some(at), at }, start)
    }

    /// Table of domain.md §7.2.
    #[test]
    fn scores_of_the_worked_examples() {
        for (relation, minutes, expected) in [(SAME, 7, 0.85), (DIRECT, 2, 0.57), (SAME, 60, 0.25)]
        {
            let (change, start) = happened(minutes);
            let (score, before) = score(relation, &change, start).unwrap();
            assert!((score - expected).abs() < 0.005, "{score}");
            assert_eq!(before, minutes * 60);
        }
    }

    #[test]
    fn candidates_end_within_six_hours_before_and_five_minutes_after() {
        for (minutes, counts) in [(360, true), (361, false), (-5, true), (-6, false)] {
            let (change, start) = happened(minutes);
            assert_eq!(score(SAME, &change, start).is_some(), counts, "{minutes}");
        }
    }

    #[test]
    fn a_rollback_ranks_below_the_release_it_undoes() {
        let (release, start) = happened(4);
        let (rollback, _) = happened(-4);
        let of = |change: &Happened| score(SAME, change, start).unwrap().0;
        assert!(of(&rollback) < of(&release));
    }

    #[test]
    fn a_change_in_progress_at_the_start_is_as_near_as_can_be() {
        let (mut change, start) = happened(600);
        change.ended = None;
        assert_eq!(score(SAME, &change, start), Some((1.0, 0)));
        change.ended = Some(start + SignedDuration::from_hours(2));
        change.at = start + SignedDuration::from_hours(2);
        assert_eq!(score(SAME, &change, start), Some((1.0, 0)));
    }
}
