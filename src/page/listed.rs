//! What the tabs list, for whoever prints it without a screen.

use jiff::SignedDuration;

use super::{Scene, incidents, releases};
use crate::insight::words::earlier;
use crate::model::{Alert, Clean, Window};

pub use super::follow::{above, all as actions, issues, on, tally_line};
pub use super::post_mortems::{again, all as post_mortems, complete, lasted, services};
pub use super::releases::log::{loads, taken_back};
pub use super::releases::rhythm::rhythms;
pub use super::sources::probed;

/// The stretch listed when nobody asks for another: a month back, a quarter ahead.
pub fn around(scene: &Scene<'_>) -> Window {
    let back = earlier(scene.now, SignedDuration::from_hours(24 * 31));
    Window { from: back, until: releases::agenda::ahead(scene).until }
}

/// The word of an alert's state, quiet or not.
pub fn alert_word(alert: &Alert) -> Clean {
    incidents::alert_state(alert).0
}
