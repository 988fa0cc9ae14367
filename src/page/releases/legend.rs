//! The calendars that are overlaid: a letter, a colour and a name for each.

use super::event;
use crate::insight::{CONFIG, Event};
use crate::model::{Clean, Purpose, SourceName};
use crate::page::{Band, Scene, Tone};

/// Colours of a second calendar of a purpose, and of those after it.
const SPARE: [Tone; 4] = [Tone::Business, Tone::Accent, Tone::Link, Tone::Code];
/// In the order of the legend: what is planned, what stands in its way, who is there.
const ORDER: [Purpose; 5] =
    [Purpose::Release, Purpose::Freeze, Purpose::Holiday, Purpose::Maintenance, Purpose::OnCall];

/// Every calendar of the team with its band; the same in every month, whatever that month shows.
pub struct Legend(Vec<(Purpose, SourceName, Band)>);

impl Legend {
    pub fn new(scene: &Scene<'_>) -> Self {
        let board = scene.board;
        let published: Vec<(Purpose, SourceName)> =
            board.calendars.iter().map(|(name, c)| (c.purpose, name.clone())).collect();
        let mut known = published.clone();
        known.extend(board.shifts.present().map(|r| (Purpose::OnCall, r.what.key.source.clone())));
        known.extend(
            board.milestones.present().map(|r| (Purpose::Release, r.what.key.source.clone())),
        );
        let config = SourceName::new(CONFIG);
        known.extend((!scene.team.plans.is_empty()).then(|| (Purpose::Release, config.clone())));
        known.extend((!scene.team.freezes.is_empty()).then_some((Purpose::Freeze, config)));
        // A calendar of its own, or of the configuration, comes before what has dates besides, such as milestones.
        known.sort_by_key(|of| {
            let place = ORDER.iter().position(|p| *p == of.0);
            let own = published.contains(of) || of.1.as_str() == CONFIG;
            (place, !own, of.1.as_str().to_owned())
        });
        known.dedup();
        let mut bands: Vec<(Purpose, SourceName, Band)> = Vec::new();
        for (purpose, source) in known {
            let taken = |c: char| bands.iter().any(|(_, _, b)| b.letter == c);
            // The letter of its purpose, of its name, else the first that is free; those of the other purposes are theirs.
            let own = source.as_str().to_uppercase();
            let reserved = ORDER.map(event::letter);
            let letter = std::iter::once(event::letter(purpose))
                .chain(own.chars().chain('A'..='Z').filter(|c| !reserved.contains(c)))
                .find(|c| c.is_ascii_uppercase() && !taken(*c))
                .unwrap_or('?');
            let before = bands.iter().filter(|(p, _, _)| *p == purpose).count();
            let tone = before
                .checked_sub(1)
                .and_then(|n| SPARE.get(n % SPARE.len()).copied())
                .unwrap_or_else(|| event::tone(purpose));
            let name = named(purpose, &source);
            bands.push((purpose, source, Band { tone, letter, name }));
        }
        Self(bands)
    }

    /// The band of the calendar an event is from.
    pub fn band(&self, event: &Event) -> Option<&Band> {
        let mut found = self.0.iter();
        found
            .find(|(purpose, source, _)| *purpose == event.purpose && *source == event.key.source)
            .map(|(_, _, band)| band)
    }

    pub fn bands(&self) -> Vec<Band> {
        self.0.iter().map(|(_, _, band)| band.clone()).collect()
    }
}

/// `quiet-days, freeze`: what a calendar is called, and what it is about where its name does not say so; releases go without saying.
fn named(purpose: Purpose, source: &SourceName) -> Clean {
    let word = purpose.word();
    if source.as_str() == CONFIG {
        return if purpose == Purpose::Freeze { "freezes" } else { "plans" }.into();
    }
    if purpose == Purpose::Release || source.as_str().to_lowercase().contains(word) {
        return source.clean().clone();
    }
    Clean::line(format_args!("{source}, {word}"))
}
