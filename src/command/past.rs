//! A moment of the past for commands that print: what was remembered of it, and what metric stores still tell.

use color_eyre::eyre::{Result, eyre};

use super::cli::{Common, World};
use super::gather::{self, Gathered, Stores};
use super::{cockpit, memory};
use crate::cockpit::moment;
use crate::config::Upstream;
use crate::engine::{from_clock, recall};
use crate::insight::survey;

/// The world as it was at a moment that somebody typed.
///
/// # Errors
/// When that is no moment, or lies ahead; when the configuration is wrong.
pub fn at(common: &Common, world: &World, text: &str) -> Result<Gathered> {
    let (mut config, running) = gather::world(common, world)?;
    let clock = from_clock();
    let at = moment(text, clock, &config.team.zone).ok_or_else(|| {
        eyre!("`{text}` is no moment\nhint: -2h, 03:12, 2026-11-21, or \"2026-11-21 18:00\"")
    })?;
    if at >= clock {
        return Err(eyre!("`{text}` is still to come\nhint: a moment of the past, such as -2h"));
    }
    let stores: Vec<Upstream> = {
        let keeps = |u: &&Upstream| u.recalling().is_some();
        config.upstreams.iter().filter(keeps).cloned().collect()
    };
    let limits = gather::limits(world.demo.is_some());
    let awaited = cockpit::awaited(&config.upstreams);
    // The demo's world is made anew each time: nothing is remembered of it.
    let place = match &world.demo {
        Some(_) => None,
        None => memory::place(common, &config.memory),
    };
    let (remembered, _) = memory::past(place.clone(), awaited.clone())(at);
    let mut board = if let Some(board) = remembered {
        board
    } else {
        let known = memory::open(place.as_ref(), &mut config.upstreams, awaited).board;
        let heard = known.sources.values().any(|fresh| fresh.last_ok.is_some());
        if heard { known } else { gather::asked(config.upstreams, &limits) }.as_of(at)
    };
    for heard in recall::ask(&stores, at, &limits) {
        if let Ok(report) = heard.outcome {
            board.fold(&heard.source, heard.at, report);
            board.sources.insert(heard.source, heard.freshness);
        }
    }
    let survey = survey(&board, &config.team, at);
    let stores = Stores { upstreams: stores, limits, _running: running };
    Ok(Gathered { team: config.team, board, survey, now: at, clock, ui: config.ui, stores })
}
