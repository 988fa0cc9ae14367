//! Everything dated in one order: planned releases, freezes, turns on call, maintenance and holidays, and what collides.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::freezes::{Frozen, occurrences, stretches, within};
use super::matching::named_in;
use crate::model::{
    Board, Budget, Clean, Key, Link, Milestone, Name, Occurrence, Plan, PlanRule, Purpose,
    SourceName, Team, Window,
};

/// What the configuration itself plans is told by a source of this name.
pub const CONFIG: &str = "config";
/// Plans of one rule that a window may show.
const MOST: usize = 512;
/// How near the beginning of a turn has to be to the end of another, to be a hand-off.
const NEAR: SignedDuration = SignedDuration::from_mins(1);
/// An all-day plan is meant for the day's work: it collides with what covers this hour of the day.
const NOON: i8 = 12;

/// Something on the team's calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The event and its start: a series has an identity for each time.
    pub id: Key,
    /// The event as its source knows it.
    pub key: Key,
    pub title: Clean,
    pub purpose: Purpose,
    pub start: Timestamp,
    /// `None` when no end is known.
    pub end: Option<Timestamp>,
    /// First and last day of an all-day event.
    pub days: Option<(Date, Date)>,
    pub status: Clean,
    pub services: Vec<Name>,
    pub location: Clean,
    pub description: Clean,
    pub url: Option<Link>,
    /// Why a planned release is badly placed: `in freeze weekend`, `on holiday Christmas Day`.
    pub conflicts: Vec<Clean>,
    /// What a milestone or a version itself says of being made; `None` where a plan does not know.
    pub made: Option<Made>,
    /// Work items in it: done, and all of them.
    pub items: Option<(u64, u64)>,
    /// Who had the turn before this one, when it begins with a hand-off.
    pub takes_over: Option<Clean>,
}

/// What a plan says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is still open.
    NotYet,
    On(Date),
}

impl Event {
    fn bare(key: Key, purpose: Purpose, start: Timestamp) -> Self {
        Self {
            id: Key::new(&key.source, format!("{}\0{start}", key.id.raw())),
            key,
            title: Clean::default(),
            purpose,
            start,
            end: None,
            days: None,
            status: Clean::default(),
            services: Vec::new(),
            location: Clean::default(),
            description: Clean::default(),
            url: None,
            conflicts: Vec::new(),
            made: None,
            items: None,
            takes_over: None,
        }
    }

    fn of_occurrence(o: Occurrence, team: &Team) -> Self {
        Self {
            services: named_in(team, o.title.as_str()).into_iter().cloned().collect(),
            title: o.title,
            end: Some(o.end),
            days: o.days,
            status: o.status,
            location: o.location,
            description: o.description,
            url: o.url,
            ..Self::bare(o.key, o.purpose, o.start)
        }
    }

    fn of_freeze(frozen: Frozen) -> Self {
        let key = Key::new(&Name::new(CONFIG), frozen.name.as_str());
        Self {
            title: frozen.name,
            end: frozen.until,
            services: frozen.services.unwrap_or_default(),
            description: frozen.how_to_override,
            ..Self::bare(key, Purpose::Freeze, frozen.from)
        }
    }

    /// Whether it is still to come out, as far as it says itself: a milestone that was closed early is no plan any more.
    pub fn is_open(&self) -> bool {
        let is = |word: &str| self.status.as_str().eq_ignore_ascii_case(word);
        !is("done") && !is("cancelled")
    }

    /// First and last day it touches, in a zone.
    pub fn touches(&self, zone: &TimeZone) -> (Date, Date) {
        self.days.unwrap_or_else(|| {
            let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
            let last = self.end.map_or(Date::MAX, |end| {
                // An end on midnight belongs to the day before.
                let inside = end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end);
                date(inside.max(self.start))
            });
            (date(self.start), last)
        })
    }
}

/// Everything dated that overlaps the window, by start, with what collides said.
pub fn calendar(board: &Board, team: &Team, window: Window, zone: &TimeZone) -> Vec<Event> {
    let mut events = plans(board, team, window, zone);
    for purpose in [Purpose::Freeze, Purpose::OnCall, Purpose::Maintenance, Purpose::Holiday] {
        let found = occurrences(board, purpose, window, zone);
        events.extend(found.into_iter().map(|o| Event::of_occurrence(o, team)));
    }
    for freeze in &team.freezes {
        events.extend(stretches(freeze, window).into_iter().map(Event::of_freeze));
    }
    for shift in board.shifts.present().map(|r| &r.what) {
        let Some(start) = shift.starts else { continue };
        if start < window.until && shift.ends.is_none_or(|end| end > window.from) {
            events.push(Event {
                title: shift.who.clone(),
                end: shift.ends,
                description: shift.schedule.clone().unwrap_or_else(|| shift.policy.clone()),
                ..Event::bare(shift.key.clone(), Purpose::OnCall, start)
            });
        }
    }
    hand_over(&mut events);
    collide(&mut events, &within(board, team, window, zone), zone);
    events.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| a.id.cmp(&b.id)));
    events
}

/// A milestone or a version, on the day it was promised for.
fn of_milestone(milestone: &Milestone, team: &Team, zone: &TimeZone) -> Option<Event> {
    let due = milestone.due?;
    let start = due.to_zoned(zone.clone()).ok()?.timestamp();
    let same =
        |a: &Clean| !a.is_empty() && a.as_str().eq_ignore_ascii_case(milestone.repo.as_str());
    let own = team.services.iter().filter(|s| same(&s.repo) || same(&s.matching.jira));
    Some(Event {
        title: milestone.title.clone(),
        end: due.tomorrow().ok()?.to_zoned(zone.clone()).ok().map(|z| z.timestamp()),
        days: Some((due, due)),
        status: if milestone.done { "done".into() } else { Clean::default() },
        services: own.map(|s| s.name.clone()).collect(),
        description: milestone.about.clone(),
        url: milestone.url.clone(),
        items: milestone.items.filter(|(_, all)| *all > 0),
        made: match (milestone.done, day_made(milestone, zone)) {
            (false, _) => Some(Made::NotYet),
            (true, day) => day.map(Made::On),
        },
        ..Event::bare(milestone.key.clone(), Purpose::Release, start)
    })
}

/// The day a milestone was made, where anybody knows it.
fn day_made(milestone: &Milestone, zone: &TimeZone) -> Option<Date> {
    milestone.done_on.or_else(|| Some(milestone.done_at?.to_zoned(zone.clone()).date()))
}

/// Planned releases that overlap the window: of release calendars, milestones and versions, and the configuration's rules.
pub fn plans(board: &Board, team: &Team, window: Window, zone: &TimeZone) -> Vec<Event> {
    let told = occurrences(board, Purpose::Release, window, zone);
    let mut found: Vec<Event> = told.into_iter().map(|o| Event::of_occurrence(o, team)).collect();
    let due = board.milestones.present().filter_map(|r| of_milestone(&r.what, team, zone));
    found.extend(
        due.filter(|e| e.start < window.until && e.end.is_none_or(|end| end > window.from)),
    );
    for plan in &team.plans {
        found.extend(of_rule(plan, window, zone, team));
    }
    found.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| a.id.cmp(&b.id)));
    found
}

fn of_rule(plan: &Plan, window: Window, zone: &TimeZone, team: &Team) -> Vec<Event> {
    let mut events: Vec<Event> = match &plan.rule {
        PlanRule::Calendar(calendar) => {
            let found = calendar.expand(window, zone, Budget::default()).occurrences;
            found.into_iter().map(|o| Event::of_occurrence(o, team)).collect()
        }
        PlanRule::Cron { pattern, zone, lasts } => {
            let key = Key::new(&SourceName::new(CONFIG), plan.name.as_str());
            // What began before the window may reach into it.
            let from = window.from.checked_sub(*lasts).unwrap_or(window.from);
            let mut at = pattern.find_next_occurrence(&from.to_zoned(zone.clone()), true).ok();
            let mut found = Vec::new();
            while let Some(start) = at.filter(|at| at.timestamp() < window.until) {
                let start_at = start.timestamp();
                found.push(Event {
                    end: start_at.checked_add(*lasts).ok(),
                    ..Event::bare(key.clone(), Purpose::Release, start_at)
                });
                if found.len() == MOST {
                    break;
                }
                at = pattern.find_next_occurrence(&start, false).ok();
            }
            found
        }
    };
    for event in &mut events {
        event.title.clone_from(&plan.name);
        if let Some(services) = &plan.services {
            event.services.clone_from(services);
        }
    }
    events
}

/// A turn that begins when another of the same rota ends is a hand-off, if it is somebody else's.
fn hand_over(events: &mut [Event]) {
    let turns: Vec<(Key, Timestamp, Clean, Clean)> = events
        .iter()
        .filter(|e| e.purpose == Purpose::OnCall)
        .filter_map(|e| Some((e.key.clone(), e.end?, e.title.clone(), e.description.clone())))
        .collect();
    for event in events.iter_mut().filter(|e| e.purpose == Purpose::OnCall) {
        let before = turns.iter().find(|(key, end, who, rota)| {
            key.source == event.key.source
                && *rota == event.description
                && *who != event.title
                && end.duration_since(event.start).abs() <= NEAR
        });
        event.takes_over = before.map(|(_, _, who, _)| who.clone());
    }
}

/// Says of each planned release where it collides. A freeze of some services collides with a release of those, or of
/// nothing in particular.
fn collide(events: &mut [Event], frozen: &[Frozen], zone: &TimeZone) {
    let holidays: Vec<(Clean, (Date, Date))> = events
        .iter()
        .filter(|e| e.purpose == Purpose::Holiday)
        .map(|e| (e.title.clone(), e.touches(zone)))
        .collect();
    let hand_offs: Vec<(Timestamp, Clean)> = events
        .iter()
        .filter_map(|e| {
            let before = e.takes_over.as_ref()?;
            let words = format_args!("across the hand-off from {before} to {}", e.title);
            Some((e.start, Clean::line(words)))
        })
        .collect();
    for event in events.iter_mut().filter(|e| e.purpose == Purpose::Release) {
        let (from, until) = stretch(event, zone);
        let mut conflicts = Vec::new();
        for f in frozen {
            let meets = f.from <= until && f.until.is_none_or(|end| from < end);
            let concerns = event.services.is_empty() || event.services.iter().any(|s| f.covers(s));
            if meets && concerns {
                let some = f.services.as_ref().filter(|_| event.services.is_empty());
                let whose = some.map_or_else(String::new, |list| {
                    let names: Vec<&str> = list.iter().map(Name::as_str).collect();
                    format!(" for {}", names.join(", "))
                });
                conflicts.push(Clean::line(format_args!("in freeze {}{whose}", f.name)));
            }
        }
        let day = event.touches(zone).0;
        for (name, (first, last)) in &holidays {
            if *first <= day && day <= *last {
                conflicts.push(Clean::line(format_args!("on holiday {name}")));
            }
        }
        if event.days.is_none() {
            conflicts.extend(
                hand_offs
                    .iter()
                    .filter(|(at, _)| from <= *at && *at <= until)
                    .map(|(_, w)| w.clone()),
            );
        }
        conflicts.dedup();
        event.conflicts = conflicts;
    }
}

/// When a release would be made: its own time, or noon of an all-day plan's first day.
fn stretch(event: &Event, zone: &TimeZone) -> (Timestamp, Timestamp) {
    if let Some((first, _)) = event.days
        && let Ok(noon) = first.at(NOON, 0, 0, 0).to_zoned(zone.clone())
    {
        return (noon.timestamp(), noon.timestamp());
    }
    (event.start, event.end.unwrap_or(event.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::gates::Permit;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn event(purpose: Purpose, title: &str, from: &str, until: &str) -> Event {
        let key = Key::new(&Name::new("s"), title);
        Event {
            title: Clean::line(title),
            end: Some(at(until)),
            ..Event::bare(key, purpose, at(from))
        }
    }

    fn frozen(services: Option<&[&str]>) -> Frozen {
        Frozen {
            name: "weekend".into(),
            from: at("2026-11-20T18:00:00Z"),
            until: Some(at("2026-11-23T08:00:00Z")),
            services: services.map(|s| s.iter().map(|n| Name::new(n)).collect()),
            how_to_override: Clean::default(),
            source: None,
            permit: Permit::Closed,
        }
    }

    #[test]
    fn a_hand_off_is_from_turn_to_turn_and_concerns_what_is_released_across_it() {
        let (nine, noon, later) =
            ("2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T18:00:00Z");
        let turn = |who: &str, from: &str, until: &str| event(Purpose::OnCall, who, from, until);
        let release = |from: &str, until: &str| event(Purpose::Release, "train", from, until);
        // A release that ends as a turn begins hands nothing over.
        let mut alone = vec![release(nine, noon), turn("bob", noon, later)];
        hand_over(&mut alone);
        assert_eq!(alone[1].takes_over, None);
        for (from, until, crosses) in [
            ("2026-11-20T11:00:00Z", "2026-11-20T13:00:00Z", true),
            ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", false),
            ("2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z", false),
        ] {
            let events =
                vec![turn("ada", nine, noon), turn("bob", noon, later), release(from, until)];
            let told = said(events, &[]).join(" ");
            assert_eq!(told.contains("hand-off from ada to bob"), crosses, "{told}");
        }
    }

    fn said(mut events: Vec<Event>, frozen: &[Frozen]) -> Vec<String> {
        hand_over(&mut events);
        collide(&mut events, frozen, &TimeZone::UTC);
        events.iter().flat_map(|e| &e.conflicts).map(ToString::to_string).collect()
    }

    #[test]
    fn a_release_collides_with_a_freeze_of_its_own_services_only() {
        let release = |services: &[&str]| Event {
            services: services.iter().map(|n| Name::new(n)).collect(),
            ..event(Purpose::Release, "train", "2026-11-20T17:30:00Z", "2026-11-20T18:30:00Z")
        };
        assert_eq!(said(vec![release(&["web"])], &[frozen(None)]), ["in freeze weekend"]);
        assert_eq!(said(vec![release(&["web"])], &[frozen(Some(&["web"]))]), ["in freeze weekend"]);
        assert!(said(vec![release(&["web"])], &[frozen(Some(&["db"]))]).is_empty());
        assert_eq!(
            said(vec![release(&[])], &[frozen(Some(&["db"]))]),
            ["in freeze weekend for db"]
        );
        let mut after = release(&[]);
        (after.start, after.end) = (at("2026-11-23T08:00:00Z"), Some(at("2026-11-23T09:00:00Z")));
        assert!(said(vec![after], &[frozen(None)]).is_empty(), "the end of a freeze is free");
    }

    #[test]
    fn a_milestone_is_a_plan_for_its_day_and_its_service() {
        let due = Date::constant(2026, 11, 24);
        let milestone = Milestone {
            key: Key::new(&Name::new("gl"), "7"),
            repo: "Shop/Web".into(),
            title: "2.4".into(),
            about: Clean::default(),
            start: None,
            due: Some(due),
            done: false,
            done_at: None,
            done_on: None,
            items: None,
            url: None,
        };
        let mut board = Board::default();
        board.milestones.see(milestone.key.clone(), milestone, at("2026-11-20T00:00:00Z"));
        let web = crate::model::Service {
            name: Name::new("web"),
            repo: "shop/web".into(),
            ..Default::default()
        };
        let team = Team { services: vec![web], ..Team::default() };
        let seen = |from: &str, until: &str| {
            let window = Window { from: at(from), until: at(until) };
            plans(&board, &team, window, &TimeZone::UTC)
        };
        let found = seen("2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z");
        assert_eq!((found.len(), found[0].days), (1, Some((due, due))));
        assert_eq!(
            (found[0].title.as_str(), &found[0].services[..]),
            ("2.4", &[Name::new("web")][..])
        );
        assert!(seen("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z").is_empty());
    }

    #[test]
    fn an_all_day_plan_collides_with_what_covers_its_noon() {
        let on = |day: &str| {
            let date: Date = day.parse().unwrap();
            let mut event = event(
                Purpose::Release,
                "1.35",
                &format!("{day}T00:00:00Z"),
                &format!("{day}T23:00:00Z"),
            );
            event.days = Some((date, date));
            event
        };
        assert!(
            said(vec![on("2026-11-20")], &[frozen(None)]).is_empty(),
            "frozen from the evening"
        );
        assert_eq!(said(vec![on("2026-11-21")], &[frozen(None)]), ["in freeze weekend"]);
        assert!(said(vec![on("2026-11-23")], &[frozen(None)]).is_empty(), "free from the morning");
    }

    #[test]
    fn a_release_on_a_holiday_or_across_a_hand_off_is_flagged() {
        let release =
            event(Purpose::Release, "train", "2026-12-25T10:00:00Z", "2026-12-25T11:00:00Z");
        let holiday = event(
            Purpose::Holiday,
            "Christmas Day",
            "2026-12-25T00:00:00Z",
            "2026-12-26T00:00:00Z",
        );
        assert_eq!(said(vec![release.clone(), holiday], &[]), ["on holiday Christmas Day"]);
        let turn = |who: &str, from: &str, until: &str| event(Purpose::OnCall, who, from, until);
        let ada = turn("ada", "2026-12-18T10:30:00Z", "2026-12-25T10:30:00Z");
        let noor = turn("noor", "2026-12-25T10:30:00Z", "2027-01-01T10:30:00Z");
        assert_eq!(
            said(vec![release.clone(), ada.clone(), noor], &[]),
            ["across the hand-off from ada to noor"]
        );
        let again = turn("ada", "2026-12-25T10:30:00Z", "2027-01-01T10:30:00Z");
        let ada = Event { id: Key::new(&Name::new("s"), "other"), ..ada };
        assert!(said(vec![release, ada, again], &[]).is_empty(), "nothing changes hands");
    }
}
