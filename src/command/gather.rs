//! Reads the configuration (or the demo's), asks every source once, and folds what was heard.

use std::collections::BTreeMap;
use std::time::Duration;

use color_eyre::eyre::{Report, Result, eyre};
use jiff::{SignedDuration, Timestamp};

use super::cli::{Common, World};
use super::{cockpit, memory, out, welcome};
use crate::config::{Config, Places, Ui, Upstream, load, load_text};
use crate::demo;
use crate::engine::{Limits, from_clock, poll_once_within, share};
use crate::insight::{Survey, survey};
use crate::model::{Board, Clean, Key, SourceName, Team};
use crate::page::words::ago;
use crate::page::{Frame, Memo, Scene, Size};

/// A whole round of asking never takes longer than this, whatever the sources' own deadlines.
const ROUND: Duration = Duration::from_secs(60);

/// When nobody has polled for this long, a reader of what is remembered is told how to ask.
pub const OLD: SignedDuration = SignedDuration::from_mins(5);

/// Everything a printed page needs.
pub struct Gathered {
    pub team: Team,
    pub board: Board,
    pub survey: Survey,
    /// The moment shown.
    pub now: Timestamp,
    /// What the clock says: later than `now` when the past is shown.
    pub clock: Timestamp,
    pub ui: Ui,
    pub stores: Stores,
}

impl Gathered {
    /// What pages are made of, without anybody's marks and choices.
    pub fn scene<'a>(&'a self, width: u16, height: u16, memo: &'a Memo) -> Scene<'a> {
        Scene {
            board: &self.board,
            team: &self.team,
            survey: &self.survey,
            now: self.now,
            zone: &self.team.zone,
            frame: Frame::new(Size { width, height }),
            memo,
        }
    }
}

/// Who may still be asked for the past of a page's numbers; nobody where only what is remembered is shown.
#[derive(Default)]
pub struct Stores {
    pub upstreams: Vec<Upstream>,
    pub limits: Limits,
    /// The demo's world answers while this lives.
    pub _running: Option<demo::Running>,
}

/// Flags are the last layer of the configuration.
pub fn flags(common: &Common) -> Vec<(String, String)> {
    let mut flags = Vec::new();
    if let Some(theme) = &common.theme {
        flags.push(("ui.theme".to_owned(), format!("{theme:?}")));
    }
    if common.ascii {
        flags.push(("ui.ascii".to_owned(), "true".to_owned()));
    }
    flags
}

pub fn places(common: &Common) -> Places {
    Places { flags: flags(common), ..Places::usual(common.config.clone()) }
}

/// The user's configuration.
///
/// # Errors
/// When there is none, or when it is wrong: all problems at once.
pub fn configured(common: &Common) -> Result<Config> {
    let places = places(common);
    found(&places)?.ok_or_else(|| unconfigured(&places))
}

/// The user's configuration, or `None` before there is one.
///
/// # Errors
/// When it is wrong: all problems at once.
pub fn found(places: &Places) -> Result<Option<Config>> {
    load(places).map_err(|problems| eyre!("the configuration cannot be used\n{problems}"))
}

/// Where was looked, and the way in.
pub fn unconfigured(places: &Places) -> Report {
    let files = places.files();
    let looked: Vec<String> = files.iter().map(|(f, _)| f.display().to_string()).collect();
    eyre!(
        "there is no configuration yet; looked for\n  {}\nhint: `andon demo` needs none; to begin one:\n  {}",
        looked.join("\n  "),
        welcome::steps(places).join("\n  ")
    )
}

/// Starts the demo's world at a moment of its story, and reads its configuration.
///
/// # Errors
/// When the moment is none, or the port is taken.
pub fn demonstrated(
    common: &Common,
    at: Option<&str>,
    speed: f64,
    port: Option<u16>,
) -> Result<(Config, demo::Running)> {
    let at = at.map_or(Ok(0.0), |text| {
        let chapters: Vec<&str> = demo::CHAPTERS.iter().map(|(name, _)| *name).collect();
        demo::offset(text).ok_or_else(|| {
            eyre!(
                "`{text}` is no moment of the story\nhint: 4m, 90s, or one of {}",
                chapters.join(", ")
            )
        })
    })?;
    if !(speed.is_finite() && (0.1..=100.0).contains(&speed)) {
        return Err(eyre!("the story cannot run {speed} times as fast\nhint: between 0.1 and 100"));
    }
    let options = demo::Options { speed, at, port: port.unwrap_or(0) };
    let running = demo::start(options)
        .map_err(|error| eyre!("the demo's world cannot be served on 127.0.0.1: {error}"))?;
    let config = load_text(&running.config, running.folder(), &flags(common))
        .map_err(|p| eyre!("the demo's own configuration is wrong\n{p}"))?;
    Ok((config, running))
}

/// What is remembered of the team, without asking anybody; `None` when nothing is.
pub fn remembered(common: &Common) -> Result<Option<Gathered>> {
    let mut config = configured(common)?;
    let place = memory::place(common, &config.memory);
    if place.as_ref().and_then(|place| place.file.as_ref()).is_none_or(|file| !file.exists()) {
        return Ok(None);
    }
    let awaited = cockpit::awaited(&config.upstreams);
    let opened = memory::open(place.as_ref(), &mut config.upstreams, awaited);
    for notice in &opened.notices {
        out::words(&format!("note: {notice}"));
    }
    let board = opened.board;
    let now = from_clock();
    let Some(heard) = board.sources.values().filter_map(|fresh| fresh.last_try).max() else {
        return Ok(None);
    };
    if now.duration_since(heard) > OLD {
        out::words(&format!(
            "note: as remembered; last heard {}, --poll asks now",
            ago(heard, now)
        ));
    }
    let survey = survey(&board, &config.team, now);
    let stores = Stores::default();
    Ok(Some(Gathered { team: config.team, board, survey, now, clock: now, ui: config.ui, stores }))
}

/// Asks every source of `world` once.
pub fn gather(common: &Common, world: &World) -> Result<Gathered> {
    gather_from(common, world, |_| true)
}

/// What is remembered, and on top of it what every source says now: for whoever looks back over days, of which one
/// question tells only what is still open. Without a memory, what every source says when it is asked once.
pub fn looked_back(common: &Common, world: &World) -> Result<Gathered> {
    let mut config = match &world.demo {
        Some(_) => return gather(common, world),
        None => configured(common)?,
    };
    let place = memory::place(common, &config.memory);
    if place.as_ref().and_then(|place| place.file.as_ref()).is_none_or(|file| !file.exists()) {
        return gather(common, world);
    }
    let awaited = cockpit::awaited(&config.upstreams);
    let opened = memory::open(place.as_ref(), &mut config.upstreams, awaited);
    for notice in &opened.notices {
        out::words(&format!("note: {notice}"));
    }
    let rests = memory::resting(&opened.board, from_clock());
    let upstreams = config.upstreams.into_iter().filter(|u| !rests.contains_key(&u.name));
    let upstreams: Vec<Upstream> = upstreams.collect();
    let limits = limits(false);
    let board = asked_beside(opened.board, upstreams.clone(), &limits);
    let now = from_clock();
    let survey = survey(&board, &config.team, now);
    let stores = Stores { upstreams, limits, ..Stores::default() };
    Ok(Gathered { team: config.team, board, survey, now, clock: now, ui: config.ui, stores })
}

/// Asks those sources of `world` once that are wanted.
pub fn gather_from(
    common: &Common,
    world: &World,
    wanted: impl Fn(&Upstream) -> bool,
) -> Result<Gathered> {
    let (mut config, running) = self::world(common, world)?;
    let known = match &world.demo {
        Some(_) => None,
        None => resting(common, &mut config),
    };
    let (known, rests) = known.unwrap_or_default();
    let wanted = config.upstreams.into_iter().filter(wanted);
    let upstreams: Vec<Upstream> = wanted.filter(|u| !rests.contains_key(&u.name)).collect();
    let limits = limits(world.demo.is_some());
    let board = asked_beside(known, upstreams.clone(), &limits);
    let now = from_clock();
    let survey = survey(&board, &config.team, now);
    let stores = Stores { upstreams, limits, _running: running };
    Ok(Gathered { team: config.team, board, survey, now, clock: now, ui: config.ui, stores })
}

/// The user's configuration, or the demo's with its world running.
///
/// # Errors
/// When there is no configuration, or it is wrong; when the demo cannot be served.
pub fn world(common: &Common, world: &World) -> Result<(Config, Option<demo::Running>)> {
    match &world.demo {
        Some(at) => {
            let (config, running) = demonstrated(common, Some(at), 1.0, None)?;
            Ok((config, Some(running)))
        }
        None => Ok((configured(common)?, None)),
    }
}

/// What is remembered, where an upstream asked for quiet that still lasts, and until when.
fn resting(
    common: &Common,
    config: &mut Config,
) -> Option<(Board, BTreeMap<SourceName, Timestamp>)> {
    let place = memory::place(common, &config.memory);
    place.as_ref().and_then(|place| place.file.as_ref()).filter(|file| file.exists())?;
    let awaited = cockpit::awaited(&config.upstreams);
    // Who is handed what was remembered tells only what is new: that is enough on top of the board of then, and else not.
    let mut upstreams = config.upstreams.clone();
    let board = memory::open(place.as_ref(), &mut upstreams, awaited).board;
    let rests = memory::resting(&board, from_clock());
    (!rests.is_empty()).then(|| {
        config.upstreams = upstreams;
        (board, rests)
    })
}

/// The engine's limits, with those that upstreams told other processes; a demo shares nothing.
pub fn limits(demo: bool) -> Limits {
    let shared = if demo { None } else { share::meeting() };
    Limits { shared, ..Limits::default() }
}

/// Asks what was written down about an incident, on top of what is known; that it could not be had is the return.
pub fn ask_log(board: &mut Board, stores: &Stores, incident: &Key) -> Option<Clean> {
    let upstream = stores.upstreams.iter().find(|u| u.name == incident.source);
    let asked = upstream?.log_of(&incident.id)?;
    let heard = poll_once_within(vec![asked], ROUND, &stores.limits).pop()?;
    match heard.outcome {
        Ok(report) => {
            let partial = report.partial.clone();
            board.fold(&heard.source, heard.at, report);
            partial
        }
        Err(trouble) => Some(trouble.message),
    }
}

/// What every source says when it is asked once.
pub fn asked(upstreams: Vec<Upstream>, limits: &Limits) -> Board {
    asked_beside(Board::default(), upstreams, limits)
}

fn asked_beside(known: Board, upstreams: Vec<Upstream>, limits: &Limits) -> Board {
    let mut board = known;
    for upstream in &upstreams {
        board.sources.entry(upstream.name.clone()).or_default();
    }
    ask_on(&mut board, upstreams, limits);
    board
}

/// What every source says when it is asked once, on top of what is known.
pub fn ask_on(board: &mut Board, upstreams: Vec<Upstream>, limits: &Limits) {
    for heard in poll_once_within(upstreams, ROUND, limits) {
        board.sources.insert(heard.source.clone(), heard.freshness);
        if let Ok(report) = heard.outcome {
            board.fold(&heard.source, heard.at, report);
        }
    }
}
