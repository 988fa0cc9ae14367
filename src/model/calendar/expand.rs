//! Which instances of a calendar's events fall into a window: the set algebra of recurrence, within a budget.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::moment::add_days;
use super::{Budget, Calendar, CalendarEvent, Expansion, Length, Moment, Occurrence, Window};
use crate::model::{Clean, Key};

/// Most sentences about what was left out.
const SENTENCES: usize = 20;

struct Expanding<'a> {
    calendar: &'a Calendar,
    window: Window,
    zone: &'a TimeZone,
    budget: Budget,
    steps: usize,
    found: Vec<Occurrence>,
    left_out: Vec<Clean>,
    unsaid: usize,
}

/// An instance before it is placed: where it was meant to be, and how long it lasts if not as usual.
struct Instance {
    at: Moment,
    length: Option<Length>,
}

pub fn expand(calendar: &Calendar, window: Window, zone: &TimeZone, budget: Budget) -> Expansion {
    let mut work = Expanding {
        calendar,
        window,
        zone,
        budget,
        steps: budget.steps,
        found: Vec::new(),
        left_out: Vec::new(),
        unsaid: 0,
    };
    let mut order: Vec<&CalendarEvent> = calendar.events.iter().collect();
    order.sort_by_key(|event| event.rules.iter().map(|rule| rule.density() + 1).max());
    for event in order {
        work.event(event);
    }
    work.found.sort_by(|a, b| (a.start, a.end, &a.key).cmp(&(b.start, b.end, &b.key)));
    if work.unsaid > 0 {
        let more = Clean::line(format_args!("and {} more", work.unsaid));
        work.left_out.push(more);
    }
    Expansion { occurrences: work.found, left_out: work.left_out }
}

impl Expanding<'_> {
    fn event(&mut self, event: &CalendarEvent) {
        let mut cut = false;
        let instances = self.instances(event, &mut cut);
        let repeats = !event.rules.is_empty() || !event.added.is_empty();
        let mut shown = 0;
        let mut last: Option<Timestamp> = None;
        for instance in instances {
            let Some(meant) = instance.at.instant(self.zone) else { continue };
            if last == Some(meant) || event.removed.has(&instance.at, self.zone) {
                continue;
            }
            last = Some(meant);
            let id = match &event.replaces {
                Some(replaced) => instance_id(&event.uid, &replaced.at, self.zone),
                None if repeats => instance_id(&event.id, &instance.at, self.zone),
                None => Some(event.id.to_string()),
            };
            let Some(occurrence) = id.and_then(|id| self.place(event, &instance, meant, id)) else {
                continue;
            };
            if shown == self.budget.occurrences {
                cut = true;
                break;
            }
            shown += 1;
            self.found.push(occurrence);
        }
        if let Some(why) = event.refused
            && event.start.instant(self.zone).is_some_and(|at| at < self.window.until)
        {
            self.leave_out(event, format_args!("{why}; only its first occurrence is known"));
        }
        if cut {
            self.leave_out(event, format_args!("happens too often here; not all of it is shown"));
        }
    }

    /// Every instance that may touch the window, in time order, doubles included.
    fn instances(&mut self, event: &CalendarEvent, cut: &mut bool) -> Vec<Instance> {
        let mut instances = vec![Instance { at: event.start.clone(), length: None }];
        instances.extend(
            event.added.iter().map(|(at, length)| Instance { at: at.clone(), length: *length }),
        );
        if let Some((lo, hi)) = self.reach(event) {
            for rule in &event.rules {
                if self.steps == 0 {
                    *cut = true;
                    break;
                }
                let dates = rule.dates(lo, hi, self.steps);
                self.steps = self.steps.saturating_sub(dates.dates.len() + 1);
                if dates.cut {
                    self.steps = 0;
                    *cut = true;
                }
                instances.extend(
                    dates
                        .dates
                        .into_iter()
                        .map(|local| Instance { at: event.start.at(local), length: None })
                        .filter(|x| {
                            rule.until().is_none_or(|until| {
                                x.at.instant(self.zone).is_some_and(|at| at <= until)
                            })
                        }),
                );
            }
        }
        if instances.len() > 1 {
            // A period of an RDATE comes before the plain instance it repeats.
            instances.sort_by_cached_key(|x| (x.at.instant(self.zone), x.length.is_none()));
        }
        instances
    }

    /// The wall clock of the event from which to which its rules have to be asked.
    fn reach(
        &self,
        event: &CalendarEvent,
    ) -> Option<(jiff::civil::DateTime, jiff::civil::DateTime)> {
        if event.rules.is_empty() {
            return None;
        }
        let zone = event.start.zone(self.zone);
        let mut before = event.length.bound().max(SignedDuration::ZERO);
        let mut after = SignedDuration::ZERO;
        for (at, index) in &event.onwards {
            let Some(other) = self.calendar.events.get(*index) else { continue };
            let moved = other.start.local().duration_since(at.local()).abs();
            before = before.max(moved.saturating_add(other.length.bound()));
            after = after.max(moved);
        }
        let lo = zone.to_datetime(self.window.from).checked_sub(before).ok();
        let hi = zone.to_datetime(self.window.until).checked_add(after).ok();
        // A day more on both sides: zones differ by less.
        let lo = lo.and_then(|lo| add_days(lo, -1)).unwrap_or(jiff::civil::DateTime::MIN);
        let hi = hi.and_then(|hi| add_days(hi, 1)).unwrap_or(jiff::civil::DateTime::MAX);
        Some((lo, hi))
    }

    /// The occurrence of an instance, if it touches the window.
    fn place(
        &self,
        event: &CalendarEvent,
        instance: &Instance,
        meant: Timestamp,
        id: String,
    ) -> Option<Occurrence> {
        let (event, at, length) = self.later_version(event, instance, meant)?;
        let (start, end) = (at.instant(self.zone)?, length.end(&at, self.zone)?);
        let touches = if start == end {
            (self.window.from..self.window.until).contains(&start)
        } else {
            start < self.window.until && end > self.window.from
        };
        if !touches {
            return None;
        }
        let days = match (&at, length) {
            (Moment::Day(first), Length::Days(n)) => {
                Some((*first, add_days(at.local(), n.max(1) - 1)?.date()))
            }
            _ => None,
        };
        let face = &event.face;
        Some(Occurrence {
            key: Key::new(&self.calendar.source, id),
            purpose: self.calendar.purpose,
            title: face.title.clone(),
            start,
            end,
            days,
            cancelled: face.cancelled,
            status: face.status.clone(),
            location: face.location.clone(),
            description: face.description.clone(),
            url: face.url.clone(),
        })
    }

    /// The event as it is from this instance on, moved as the newest `THISANDFUTURE` before it says.
    fn later_version<'e>(
        &'e self,
        event: &'e CalendarEvent,
        instance: &Instance,
        meant: Timestamp,
    ) -> Option<(&'e CalendarEvent, Moment, Length)> {
        let newest = event
            .onwards
            .iter()
            .rev()
            .find(|(from, _)| from.instant(self.zone).is_some_and(|from| from <= meant));
        let version =
            newest.and_then(|(from, index)| Some((from, self.calendar.events.get(*index)?)));
        let Some((from, version)) = version else {
            return Some((event, instance.at.clone(), instance.length.unwrap_or(event.length)));
        };
        // A version that repeats by itself takes over; these instances are no more.
        if !version.rules.is_empty() {
            return None;
        }
        let zone = version.start.zone(self.zone);
        let wall = |moment: &Moment| match (moment, &version.start) {
            (Moment::Fixed(..), Moment::Fixed(..)) => {
                moment.instant(self.zone).map(|at| zone.to_datetime(at))
            }
            _ => Some(moment.local()),
        };
        let moved = version.start.local().duration_since(wall(from)?);
        let at = version.start.at(wall(&instance.at)?.checked_add(moved).ok()?);
        Some((version, at, version.length))
    }

    fn leave_out(&mut self, event: &CalendarEvent, why: std::fmt::Arguments<'_>) {
        if self.left_out.len() < SENTENCES {
            self.left_out.push(Clean::line(format_args!("“{}”: {why}", event.face.title)));
        } else {
            self.unsaid += 1;
        }
    }
}

/// Names an instance by where it was meant to be, so that moving it keeps its identity.
fn instance_id(id: &str, meant: &Moment, viewer: &TimeZone) -> Option<String> {
    Some(match meant {
        Moment::Day(day) => format!("{id}@{day}"),
        Moment::Floating(local) => format!("{id}@{local}"),
        Moment::Fixed(..) => format!("{id}@{}", meant.instant(viewer)?),
    })
}
