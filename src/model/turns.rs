//! How services turned, each health with the moment it began, as far back as anybody remembers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Health, Name, Window};

/// The healths of services in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turns(BTreeMap<Name, Vec<(Timestamp, Health)>>);

/// Turns kept of a service: three months of one that never rests.
pub const TURNS_KEPT: usize = 4_096;

impl Turns {
    /// Notes a health and when it began; `None` where nobody saw that, and it counts from `now`. Only a change is noted,
    /// and never before the last one. True when it was one.
    pub fn note(
        &mut self,
        service: &Name,
        health: Health,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        if !self.would_note(service, health) {
            return false;
        }
        let turns = self.0.entry(service.clone()).or_default();
        let mut at = since.map_or(now, |since| since.min(now));
        match turns.last() {
            Some((last, _)) => at = at.max(after(*last)),
            // Before somebody looked nothing is known.
            None if since.is_none() => turns.push((before(at), Health::Unknown)),
            None => {}
        }
        if turns.len() >= TURNS_KEPT {
            turns.drain(..TURNS_KEPT / 8);
        }
        turns.push((at, health));
        true
    }

    /// Whether a health would be a change.
    pub fn would_note(&self, service: &Name, health: Health) -> bool {
        self.of(service).last().is_none_or(|(_, last)| *last != health)
    }

    /// The turns of a service, oldest first.
    pub fn of(&self, service: &Name) -> &[(Timestamp, Health)] {
        self.0.get(service).map_or(&[], Vec::as_slice)
    }

    /// Since when a service has this health, where somebody saw it begin: what comes after a time of which nothing is
    /// known may have begun before.
    pub fn since(&self, service: &Name, health: Health) -> Option<Timestamp> {
        let (last, before) = self.of(service).split_last()?;
        let seen = before.last().is_none_or(|(_, before)| *before != Health::Unknown);
        (last.1 == health && seen).then_some(last.0)
    }

    /// Since when a service has this health for certain, where nobody saw it begin: it was so when somebody looked first.
    pub fn at_least(&self, service: &Name, health: Health) -> Option<Timestamp> {
        let (last, _) = self.of(service).split_last()?;
        (last.1 == health && self.since(service, health).is_none()).then_some(last.0)
    }

    /// Takes over what was remembered of a service, oldest first.
    pub fn recall(&mut self, service: Name, turns: Vec<(Timestamp, Health)>) {
        self.0.insert(service, turns);
    }

    /// What lies after a moment did not happen.
    pub fn rewind(&mut self, now: Timestamp) {
        for turns in self.0.values_mut() {
            let after = turns.partition_point(|(at, _)| *at <= now);
            turns.truncate(after);
        }
        self.0.retain(|_, turns| !turns.is_empty());
    }
}

const TICK: SignedDuration = SignedDuration::from_nanos(1);

fn after(at: Timestamp) -> Timestamp {
    at.checked_add(TICK).unwrap_or(at)
}

fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(TICK).unwrap_or(at)
}

/// Puts in that nothing was known while nobody asked: from the last answer on, until somebody asked again, or until
/// something that began meanwhile. Silences lie in their order and apart; one that lasts to `until` has no end yet.
pub fn with_silences(
    turns: &[(Timestamp, Health)],
    silences: &[Window],
    until: Timestamp,
) -> Vec<(Timestamp, Health)> {
    let mut out = turns.to_vec();
    for silence in silences {
        let next = turns.partition_point(|(at, _)| *at <= silence.from);
        let Some((last, health)) = next.checked_sub(1).and_then(|i| turns.get(i)).copied() else {
            continue;
        };
        if health == Health::Unknown {
            continue;
        }
        let from = if last == silence.from { after(last) } else { silence.from };
        out.push((from, Health::Unknown));
        let meanwhile = turns.get(next).is_some_and(|(at, _)| *at <= silence.until);
        if !meanwhile && silence.until < until {
            out.push((silence.until, health));
        }
    }
    out.sort_by_key(|(at, _)| *at);
    out.dedup_by_key(|(_, health)| *health);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use Health::{Down, Ok, Unknown};

    fn t(s: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + s).unwrap()
    }

    fn window(from: i64, until: i64) -> Window {
        Window { from: t(from), until: t(until) }
    }

    #[test]
    fn only_changes_are_noted_and_time_goes_on() {
        let (mut turns, web) = (Turns::default(), Name::new("web"));
        assert!(turns.note(&web, Ok, None, t(0)));
        assert!(!turns.note(&web, Ok, Some(t(5)), t(9)));
        // It began before anybody noticed, but not before the last turn.
        assert!(turns.note(&web, Down, Some(t(20)), t(30)));
        assert!(turns.note(&web, Ok, Some(t(10)), t(40)));
        let of = turns.of(&web);
        assert_eq!(of.iter().map(|(_, h)| *h).collect::<Vec<_>>(), [Unknown, Ok, Down, Ok]);
        assert!(of.windows(2).all(|pair| pair[0].0 < pair[1].0), "{of:?}");
        assert_eq!(turns.since(&web, Down), None);
        turns.rewind(t(20));
        assert_eq!(turns.since(&web, Down), Some(t(20)));
    }

    #[test]
    fn what_nobody_saw_begin_has_no_beginning() {
        let (mut turns, web) = (Turns::default(), Name::new("web"));
        turns.note(&web, Down, None, t(0));
        assert_eq!((turns.since(&web, Down), turns.at_least(&web, Down)), (None, Some(t(0))));
        assert_eq!(turns.at_least(&web, Ok), None, "it is another now");
        let db = Name::new("db");
        turns.note(&db, Down, Some(t(-50)), t(0));
        assert_eq!((turns.since(&db, Down), turns.at_least(&db, Down)), (Some(t(-50)), None));
    }

    #[test]
    fn while_nobody_asked_nothing_is_known() {
        let turns = [(t(0), Ok), (t(100), Down)];
        // Nobody asked from 200 to 300, and then it was the same.
        assert_eq!(
            with_silences(&turns, &[window(200, 300)], t(400)),
            [(t(0), Ok), (t(100), Down), (t(200), Unknown), (t(300), Down)]
        );
        // A beginning that was learnt later ends the silence.
        assert_eq!(
            with_silences(&turns, &[window(50, 150)], t(400)),
            [(t(0), Ok), (t(50), Unknown), (t(100), Down)]
        );
        // Nobody asks now.
        assert_eq!(
            with_silences(&turns, &[window(200, 400)], t(400)),
            [(t(0), Ok), (t(100), Down), (t(200), Unknown)]
        );
        // Before the first turn there is nothing to take back.
        assert_eq!(with_silences(&turns, &[window(-90, -10)], t(400)), turns);
    }
}
