//! How a team wants its post-mortems: what each of them says, how soon its actions are done, and which clock counts.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use super::Clean;
use super::postmortem::{Clock, Found, PostMortem};

/// Something a post-mortem may be required to say.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    Date,
    Services,
    Severity,
    Loss,
    Duration,
    Summary,
    RootCause,
    Trigger,
    Detection,
    Timeline,
    Lessons,
    Actions,
    /// Every action has one.
    Owners,
}

impl Wanted {
    pub const ALL: &[Self] = &[
        Self::Date,
        Self::Services,
        Self::Severity,
        Self::Loss,
        Self::Duration,
        Self::Summary,
        Self::RootCause,
        Self::Trigger,
        Self::Detection,
        Self::Timeline,
        Self::Lessons,
        Self::Actions,
        Self::Owners,
    ];

    /// As in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Services => "services",
            Self::Severity => "severity",
            Self::Loss => "loss",
            Self::Duration => "duration",
            Self::Summary => "summary",
            Self::RootCause => "root cause",
            Self::Trigger => "trigger",
            Self::Detection => "detection",
            Self::Timeline => "timeline",
            Self::Lessons => "lessons",
            Self::Actions => "actions",
            Self::Owners => "an owner for each action",
        }
    }

    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::RootCause => "root-cause",
            Self::Owners => "owners",
            other => other.words(),
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|wanted| wanted.name() == name)
    }

    /// Whether a document says it.
    pub fn is_in(self, p: &PostMortem) -> bool {
        match self {
            Self::Date => p.dated.is_some(),
            Self::Services => !p.services.is_empty(),
            Self::Severity => p.severity.is_some(),
            Self::Loss => p.loss.is_told(),
            Self::Duration => p.stated.is_some() || p.elapsed().is_some(),
            Self::Summary => p.summary.is_some(),
            Self::RootCause => p.root_cause.is_some(),
            Self::Trigger => p.trigger.is_some(),
            Self::Detection => p.detection.is_some(),
            Self::Timeline => !p.timeline.is_empty(),
            Self::Lessons => !p.lessons.is_empty(),
            Self::Actions => !p.actions.is_empty(),
            Self::Owners => !p.actions.is_empty() && p.actions.iter().all(|a| a.owner.is_some()),
        }
    }
}

/// The hours of a week in which a team answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportHours {
    /// From Monday.
    pub days: [bool; 7],
    pub from: Time,
    pub until: Time,
}

impl SupportHours {
    pub fn covers(&self, day: Weekday) -> bool {
        let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.days.get(at).copied().unwrap_or_default()
    }
}

/// Monday to Friday, nine to five.
impl Default for SupportHours {
    fn default() -> Self {
        let days = [true, true, true, true, true, false, false];
        Self { days, from: Time::constant(9, 0, 0, 0), until: Time::constant(17, 0, 0, 0) }
    }
}

/// `[post_mortems]`: what the team agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub required: Vec<Wanted>,
    /// How long an action may stay open.
    pub action_slo: SignedDuration,
    pub clock: Clock,
    pub support: SupportHours,
    /// What the team's template says where a document says its own: found in one, it says nothing.
    pub unfilled: BTreeSet<Clean>,
}

impl Review {
    /// Whether a document says it, in words of its own.
    pub fn is_said(&self, wanted: Wanted, p: &PostMortem) -> bool {
        let own = |words: &Clean| !self.unfilled.contains(words);
        let one = |found: &Option<Found<Clean>>| found.as_ref().is_some_and(|f| own(&f.value));
        wanted.is_in(p)
            && (self.unfilled.is_empty()
                || match wanted {
                    Wanted::Date | Wanted::Owners => true,
                    Wanted::Services => p.services.iter().any(|s| own(&s.value)),
                    Wanted::Severity => p.severity.as_ref().is_some_and(|s| own(&s.value.word)),
                    Wanted::Loss => !p.loss.amounts.is_empty() || one(&p.loss.words),
                    Wanted::Duration => {
                        p.elapsed().is_some()
                            || p.stated.as_ref().is_some_and(|s| own(&s.value.words))
                    }
                    Wanted::Summary => one(&p.summary),
                    Wanted::RootCause => one(&p.root_cause),
                    Wanted::Trigger => one(&p.trigger),
                    Wanted::Detection => one(&p.detection),
                    Wanted::Timeline => p.timeline.iter().any(|h| own(&h.text)),
                    Wanted::Lessons => p.lessons.iter().any(|l| own(&l.value)),
                    Wanted::Actions => p.actions.iter().any(|a| own(&a.text)),
                })
    }
}

impl Default for Review {
    /// The four a team cannot learn without, and four weeks for what follows from them.
    fn default() -> Self {
        Self {
            required: vec![Wanted::Severity, Wanted::Loss, Wanted::RootCause, Wanted::Actions],
            action_slo: SignedDuration::from_hours(28 * 24),
            clock: Clock::Wall,
            support: SupportHours::default(),
            unfilled: BTreeSet::new(),
        }
    }
}
