//! Who is on call now: for a service through its upstream id, else for the whole team.

use jiff::{SignedDuration, Timestamp};

use super::freezes::occurrences;
use super::matching::Belongings;
use super::words::later;
use crate::model::{Board, Clean, Purpose, Shift, Team, Window};

/// A turn on call that is on now, of the whole team.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub who: Clean,
    /// The schedule or calendar it stands in.
    pub schedule: Clean,
    pub ends: Option<Timestamp>,
}

/// Turns that cover `now`, those asked first foremost.
pub fn now(board: &Board, team: &Team, now: Timestamp) -> Vec<Turn> {
    let mut shifts: Vec<&Shift> =
        board.shifts.present().map(|r| &r.what).filter(|s| s.covers(now)).collect();
    shifts.sort_by(|a, b| a.level.cmp(&b.level).then_with(|| a.who.cmp(&b.who)));
    let mut turns: Vec<Turn> = shifts
        .into_iter()
        .map(|s| Turn {
            who: s.who.clone(),
            schedule: s.schedule.clone().unwrap_or_else(|| s.policy.clone()),
            ends: s.ends,
        })
        .collect();
    let until = later(now, SignedDuration::from_secs(1));
    let window = Window { from: now, until };
    turns.extend(
        occurrences(board, Purpose::OnCall, window, &team.zone)
            .into_iter()
            .filter(|o| o.start <= now && now < o.end)
            .map(|o| Turn {
                who: o.title,
                schedule: o.key.source.clean().clone(),
                ends: Some(o.end),
            }),
    );
    turns.dedup();
    turns
}

/// Who is asked first for a service. The whole team's turn counts only where shifts name no service.
pub fn of_service(
    own: &Belongings<'_>,
    team_wide: Option<&Clean>,
    now: Timestamp,
) -> Option<Clean> {
    let covering = own.shifts.iter().filter(|s| s.covers(now));
    let first = covering.min_by_key(|s| s.level).map(|s| s.who.clone());
    first.or_else(|| team_wide.cloned())
}

/// The first turn that names no upstream service: it is for everything.
pub fn team_wide(board: &Board, turns: &[Turn], now: Timestamp) -> Option<Clean> {
    let shifts = board.shifts.present().map(|r| &r.what);
    let open = shifts.filter(|s| s.covers(now) && s.service_ids.is_empty());
    let first = open.min_by_key(|s| s.level).map(|s| s.who.clone());
    if board.shifts.is_empty() { turns.first().map(|t| t.who.clone()) } else { first }
}
