//! `andon can-deploy SERVICE`: one answer for a pipeline, with its reason: yes, no, or nobody can say.

use std::process::ExitCode;

use color_eyre::eyre::{Report, Result, eyre};

use super::cli::{CanDeploy, CheckFormat, Common, World};
use super::{gather, out};
use crate::config::nearest;
use crate::insight::{Clearance, Freezes};
use crate::model::{Name, Team};
use crate::page::{Memo, Scene, words};
use crate::print;

/// What a pipeline sees when nobody can say.
const UNKNOWN: u8 = 3;

pub fn run(common: &Common, options: &CanDeploy) -> Result<ExitCode> {
    answer(common, &options.service, options.format, &options.world, options.poll)
}

/// From what is remembered, or (when nothing is, or with `poll`) by asking what tells of freezes and nothing else, says whether a service may be deployed now.
///
/// # Errors
/// When there is no such service, or no configuration.
pub fn answer(
    common: &Common,
    service: &str,
    format: CheckFormat,
    world: &World,
    poll: bool,
) -> Result<ExitCode> {
    let remembered = match (&world.demo, poll) {
        (None, false) => gather::remembered(common)?,
        _ => None,
    };
    let gathered = match remembered {
        Some(gathered) => gathered,
        None => gather::gather_from(common, world, |u| u.source.tells_freezes())?,
    };
    let team = &gathered.team;
    let service = team.service(&Name::new(service)).ok_or_else(|| unknown(team, service))?;
    let memo = Memo::default();
    let scene = gathered.scene(120, 40, &memo);
    let answer = Freezes::new(&gathered.board, team, gathered.now).can_deploy(service);
    let text = match format {
        CheckFormat::Text => lines(&scene, &service.name, &answer),
        CheckFormat::Json => {
            let document = print::clearance(&scene, &service.name, &answer);
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        }
    };
    out::data(&text)?;
    Ok(ExitCode::from(match answer.allowed {
        Some(true) => 0,
        Some(false) => 1,
        None => UNKNOWN,
    }))
}

fn unknown(team: &Team, word: &str) -> Report {
    let names: Vec<&str> = team.services.iter().map(|s| s.name.as_str()).collect();
    let hint = match nearest(word, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "add a [[service]] to your configuration".to_owned(),
        None => format!("services are {}", names.join(", ")),
    };
    eyre!("no service is called `{word}`\nhint: {hint}")
}

/// `no: frozen by weekend until Mon 23 Nov 08:00 (in 1 d 16 h)`, and how to get past it.
fn lines(scene: &Scene<'_>, service: &Name, answer: &Clearance) -> String {
    let moment = |at: jiff::Timestamp| {
        let wait = words::span(at.duration_since(scene.now));
        format!("{} (in {wait})", words::absolute(at, scene.zone))
    };
    let reason = &answer.reason;
    match answer.allowed {
        Some(true) => {
            let next = answer.next.as_ref().map_or_else(String::new, |(name, from)| {
                format!("; next freeze: {name}, {}", moment(*from))
            });
            format!("{service}: yes: {reason}{next}\n")
        }
        Some(false) => {
            let until = answer.until.map_or_else(
                || ", and no end is known".to_owned(),
                |at| format!(" until {}", moment(at)),
            );
            let way = if answer.how_to_override.is_empty() {
                String::new()
            } else {
                format!("to override: {}\n", answer.how_to_override)
            };
            format!("{service}: no: {reason}{until}\n{way}")
        }
        None => format!(
            "{service}: {reason}\nhint: --poll asks now; `andon check` says what is wrong with it\n"
        ),
    }
}
