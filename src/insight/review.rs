//! What a team's agreement says of one post-mortem: what it lacks, how long its incident lasted, which actions are late.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Action, ActionState, Clock, PostMortem, ReadFrom, Review, SupportHours, Wanted,
};

/// What is required of a document, in the team's order, and whether it is there.
pub fn present(p: &PostMortem, review: &Review) -> Vec<(bool, Wanted)> {
    review.required.iter().map(|wanted| (review.is_said(*wanted, p), *wanted)).collect()
}

/// How long an incident lasted, with the other measure where both are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    pub span: SignedDuration,
    pub clock: Clock,
    pub from: ReadFrom,
    /// What was measured otherwise and says something else: stated against computed.
    pub other: Option<(SignedDuration, Clock, ReadFrom)>,
}

/// Two measures that differ by less than this say the same.
const SAME: SignedDuration = SignedDuration::from_mins(2);

/// The duration of an incident by the team's clock.
///
/// The times of its beginning and its end come first. Where only a timeline is known, which may begin long before
/// and go on long after, what the document says itself comes first and the timeline is the other measure.
pub fn duration(p: &PostMortem, review: &Review, zone: &TimeZone) -> Option<Duration> {
    let computed = p.elapsed().and_then(|wall| {
        let (began, ended) = (p.began.as_ref()?, p.ended.as_ref()?);
        let span = match review.clock {
            Clock::Wall => wall,
            Clock::SupportHours => supported(began.value, ended.value, &review.support, zone),
        };
        Some((span, review.clock, began.place))
    });
    let stated = p.stated.as_ref().map(|s| (s.value.span, s.value.clock, s.place));
    let (first, second) = match (computed, stated) {
        (Some(c), Some(s)) if c.2 == ReadFrom::Timeline => (s, Some(c)),
        (Some(c), s) => (c, s),
        (None, s) => (s?, None),
    };
    let other = second.filter(|o| (o.0 - first.0).abs() > SAME || o.1 != first.1);
    Some(Duration { span: first.0, clock: first.1, from: first.2, other })
}

/// Most days that are counted one by one.
const DAYS: usize = 3_700;

/// How much of a stretch lies within the hours of support, in the team's zone.
pub fn supported(
    from: Timestamp,
    until: Timestamp,
    hours: &SupportHours,
    zone: &TimeZone,
) -> SignedDuration {
    let last = zone.to_datetime(until).date();
    let mut day = Some(zone.to_datetime(from).date());
    let mut sum = SignedDuration::ZERO;
    for _ in 0..DAYS {
        let Some(today) = day.filter(|day| *day <= last) else { break };
        if hours.covers(today.weekday()) {
            let at = |time| zone.to_timestamp(DateTime::from_parts(today, time)).ok();
            if let (Some(opens), Some(closes)) = (at(hours.from), at(hours.until)) {
                let (begins, ends) = (opens.max(from), closes.min(until));
                if ends > begins {
                    sum += ends.duration_since(begins);
                }
            }
        }
        day = today.tomorrow().ok();
    }
    sum
}

/// When an action is due: on the day it names, else the team's agreement after its document.
pub fn due(action: &Action, p: &PostMortem, review: &Review) -> Option<Date> {
    action.due.or_else(|| p.date()?.checked_add(review.action_slo).ok())
}

/// Whether an action that stands like this should have been done by now.
pub fn is_overdue(
    state: ActionState,
    action: &Action,
    p: &PostMortem,
    review: &Review,
    today: Date,
) -> bool {
    state == ActionState::Open && due(action, p, review).is_some_and(|due| due < today)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clean, Found, Key, Lasted, Name};

    fn paper() -> PostMortem {
        PostMortem::new(Key::new(&Name::new("s"), "a"), "a".into(), "a".into(), "".into())
    }

    fn at(words: &str) -> Timestamp {
        words.parse().unwrap()
    }

    #[test]
    fn support_hours_leave_out_nights_and_weekends() {
        let hours = SupportHours::default();
        // Friday 16:00 to Monday 10:00 is an hour on Friday and an hour on Monday.
        let span = supported(
            at("2026-11-20T16:00:00Z"),
            at("2026-11-23T10:00:00Z"),
            &hours,
            &TimeZone::UTC,
        );
        assert_eq!(span, SignedDuration::from_hours(2));
        let night = (at("2026-11-19T20:00:00Z"), at("2026-11-20T06:00:00Z"));
        assert_eq!(supported(night.0, night.1, &hours, &TimeZone::UTC), SignedDuration::ZERO);
    }

    #[test]
    fn a_computed_duration_comes_first_and_the_stated_one_stands_beside_it() {
        let mut p = paper();
        p.began = Some(Found::new(at("2026-11-20T16:00:00Z"), ReadFrom::FrontMatter));
        p.ended = Some(Found::new(at("2026-11-23T10:00:00Z"), ReadFrom::FrontMatter));
        let lasted = Lasted {
            span: SignedDuration::from_hours(6),
            clock: Clock::SupportHours,
            words: "6h (support hours)".into(),
        };
        p.stated = Some(Found::new(lasted, ReadFrom::Label));
        let wall = duration(&p, &Review::default(), &TimeZone::UTC).unwrap();
        assert_eq!((wall.span, wall.clock), (SignedDuration::from_hours(66), Clock::Wall));
        assert_eq!(wall.other.unwrap().0, SignedDuration::from_hours(6));

        let support = Review { clock: Clock::SupportHours, ..Review::default() };
        let counted = duration(&p, &support, &TimeZone::UTC).unwrap();
        assert_eq!(counted.span, SignedDuration::from_hours(2));

        p.began = p.began.map(|found| Found { place: ReadFrom::Timeline, ..found });
        let stated = duration(&p, &Review::default(), &TimeZone::UTC).unwrap();
        assert_eq!(
            stated.span,
            SignedDuration::from_hours(6),
            "a timeline has a before and an after"
        );
    }

    #[test]
    fn two_durations_are_told_where_they_differ_in_length_or_in_clock() {
        let mut p = paper();
        p.began = Some(Found::new(at("2026-11-20T10:00:00Z"), ReadFrom::FrontMatter));
        p.ended = Some(Found::new(at("2026-11-20T12:00:00Z"), ReadFrom::FrontMatter));
        for (hours, clock, differs) in
            [(2, Clock::Wall, false), (2, Clock::SupportHours, true), (3, Clock::Wall, true)]
        {
            let span = SignedDuration::from_hours(hours);
            let lasted = Lasted { span, clock, words: "x".into() };
            p.stated = Some(Found::new(lasted, ReadFrom::Label));
            let told = duration(&p, &Review::default(), &TimeZone::UTC).unwrap();
            assert_eq!(told.other.is_some(), differs, "{hours} h {clock:?}");
        }
    }

    #[test]
    fn actions_are_late_after_their_day_or_after_the_agreement() {
        let mut p = paper();
        p.dated = Some(crate::model::Dated {
            date: Found::new("2026-11-01".parse().unwrap(), ReadFrom::FileName),
            conflicts: Vec::new(),
        });
        let action = Action {
            text: Clean::from("alert on it"),
            owner: None,
            due: None,
            state: ActionState::Open,
            link: None,
            reference: None,
            group: None,
            place: ReadFrom::List,
            line: 0,
        };
        let review = Review::default();
        let day = |words: &str| words.parse::<Date>().unwrap();
        assert!(!is_overdue(action.state, &action, &p, &review, day("2026-11-29")));
        assert!(is_overdue(action.state, &action, &p, &review, day("2026-11-30")));
        let soon = Action { due: Some(day("2026-11-05")), ..action.clone() };
        assert!(is_overdue(soon.state, &soon, &p, &review, day("2026-11-06")));
        let done = Action { state: ActionState::Done, ..soon };
        assert!(!is_overdue(done.state, &done, &p, &review, day("2026-12-06")));
    }
}
