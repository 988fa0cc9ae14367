//! What is true: services, metrics, deploys, incidents, alerts, calendars, post-mortems, and the board folded from facts about them.

mod alert;
mod as_of;
mod board;
pub mod calendar;
mod change;
mod discovered;
mod environment;
mod fact;
mod folded;
mod forget;
mod freshness;
mod gate;
mod health;
mod ident;
mod incident;
mod link;
mod metric;
pub mod nanos;
mod objective;
mod plan;
mod postmortem;
mod records;
mod review;
mod slices;
mod team;
mod text;
pub mod ticket;
mod track;
mod turns;

pub use alert::{
    Alert, AlertRule, AlertState, Labels, RuleHealth, RuleState, Severity, Silence, SilenceState,
    Suppression,
};
pub use board::{Board, RESULTS_KEPT};
pub use calendar::{Budget, Calendar, CalendarEvent, Expansion, Occurrence, Purpose, Window};
pub use change::{Brought, Change, ChangeSource, ChangesOf, Deploy, Known, Outcome, Release, Run};
pub use discovered::Discovered;
pub use environment::{Against, Approval, Commit, Drift, Environment, Place};
pub use fact::{Fact, Feed, Progress, Report};
pub use folded::Folded;
pub use freshness::{Expected, Freshness, Rate, Staleness, Status, Trouble};
pub use gate::{BadCron, Cron, Gate, GateKind, Schedule, Stretch};
pub use health::{Health, Overlays, Turned};
pub use ident::{Id, Key, Name, SourceName};
pub use incident::{Incident, IncidentStatus, LogEntry, LogKind, Shift};
pub use link::Link;
pub use metric::{Bound, Comparison, Measure, MetricId, Probe, ProbeResult, Role, Unit, Weight};
pub use objective::{BURN_WINDOWS, Objective, Spent, Weighted, Written, asked_every};
pub use plan::Milestone;
pub use postmortem::{
    Action, ActionState, Amount, Clock, Dated, Found, Happening, Interval, Lasted, Loss, LossUnit,
    PostMortem, Rated, ReadFrom, Revision, Section, SectionKind,
};
pub use records::{Record, Records};
pub use review::{Review, SupportHours, Wanted};
pub use slices::{Fold, MOST_SLICES, Slices};
pub use team::{
    Freeze, FreezeRule, Matching, Metric, Plan, PlanRule, Service, Slo, Team, USUAL, said,
};
pub use text::{Clean, Shape, clean};
pub use ticket::{Linked, Ticket, TicketState};
pub use track::{PARTLY, Track};
pub use turns::{TURNS_KEPT, Turns, with_silences};
