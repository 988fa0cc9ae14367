//! How something on the calendar looks: its tone, its letter, its words.

use crate::insight::Event;
use crate::model::{Clean, Name, Purpose};
use crate::page::build::names;
use crate::page::{Line, Scene, Tone, words};

pub const EVENT: &str = "event";

pub fn tone(purpose: Purpose) -> Tone {
    match purpose {
        Purpose::Release => Tone::Release,
        Purpose::Freeze => Tone::Freeze,
        Purpose::OnCall => Tone::OnCall,
        Purpose::Maintenance => Tone::Maintenance,
        Purpose::Holiday => Tone::Holiday,
    }
}

pub fn letter(purpose: Purpose) -> char {
    match purpose {
        Purpose::Release => 'R',
        Purpose::Freeze => 'F',
        Purpose::OnCall => 'O',
        Purpose::Maintenance => 'M',
        Purpose::Holiday => 'H',
    }
}

pub fn time_words(scene: &Scene<'_>, event: &Event) -> Clean {
    if event.days.is_some() {
        return "all day".into();
    }
    words::clock(event.start, scene.zone).into()
}

/// `→ Ada Nwosu`: who takes the turn over, where somebody had it before. What both titles begin with names the rota.
pub fn hand_off(event: &Event, tone: Tone) -> Option<Line> {
    let before = event.takes_over.as_ref()?;
    let title = event.title.as_str();
    let who = match title.split_once(": ") {
        Some((rota, who)) if before.as_str().starts_with(rota) => who,
        _ => title,
    };
    Some(Line::of("→ ", Tone::Dim).and(Clean::line(who), tone))
}

/// Title and kind, with where it collides.
pub fn line(event: &Event) -> Line {
    let mut line = Line::of(words::shown(&event.title), tone(event.purpose));
    match &event.takes_over {
        Some(before) => {
            let words = Clean::line(format_args!("takes over from {before}"));
            line = line.space().and(words, Tone::Dim);
        }
        None if event.purpose != Purpose::Release => {
            line = line.dot().and(event.purpose.word(), Tone::Dim);
        }
        None => {}
    }
    // Milestones of a train are called the same in every repository.
    let said = event.title.as_str().to_lowercase();
    let unsaid = |s: &&Name| !said.contains(&s.as_str().to_lowercase());
    if event.days.is_some()
        && event.purpose == Purpose::Release
        && event.services.iter().any(|s| unsaid(&s))
    {
        line = line.dot().and(names(&event.services), Tone::Dim);
    }
    if !event.status.is_empty() && !event.status.as_str().eq_ignore_ascii_case("confirmed") {
        line = line.dot().and(event.status.clone(), Tone::Dim);
    }
    for conflict in &event.conflicts {
        let words = Clean::line(format_args!("! {conflict}"));
        line = line.dot().and(words, Tone::Degraded);
    }
    line
}
