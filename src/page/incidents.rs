//! The Incidents tab: open incidents and alerts, the worst first, with who has them and why some are quiet.

use super::Tone;
use crate::model::{Alert, AlertState, Clean, IncidentStatus, Suppression};

/// A word for an alert's state, with why it is quiet.
pub fn alert_state(alert: &Alert) -> (Clean, Tone) {
    let quiet = alert.suppressed.first().map(|s| match s {
        Suppression::Silenced(_) => "silenced",
        Suppression::Inhibited(_) => "inhibited",
        Suppression::Muted(_) => "muted",
    });
    match (&alert.state, quiet) {
        (AlertState::Firing | AlertState::Suppressed, Some(word)) => (word.into(), Tone::Dim),
        (AlertState::Suppressed, None) => ("suppressed".into(), Tone::Dim),
        (AlertState::Firing, None) => {
            ("firing".into(), crate::insight::of_severity(alert.severity).into())
        }
        (AlertState::Pending, _) => ("pending".into(), Tone::Dim),
        (AlertState::Other(word), _) => (word.clone(), Tone::Unknown),
    }
}

pub fn status_tone(status: &IncidentStatus) -> Tone {
    match status {
        IncidentStatus::Open => Tone::Down,
        IncidentStatus::Acked => Tone::OnCall,
        IncidentStatus::Mitigated => Tone::Degraded,
        IncidentStatus::Resolved => Tone::Dim,
        IncidentStatus::Other(_) => Tone::Unknown,
    }
}
