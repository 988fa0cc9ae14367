//! `andon poll`: polls without a screen, for status lines and for every pane of the same user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use color_eyre::eyre::{Result, eyre};
use jiff::{SignedDuration, Timestamp};

use super::cli::{Common, Poll};
use super::cockpit::awaited;
use super::company::Company;
use super::memory::Pen;
use super::{gather, memory, out, status};
use crate::cockpit::Message;
use crate::config::Config;
use crate::engine::share::{Beacon, Lamp, Place, Relay, detach};
use crate::engine::{from_clock, until_told_to_stop};
use crate::model::{Board, Clean, Team};
use crate::print::status::{Glance, Teller};
use crate::store;

/// How often the board forgets what is too old.
const FORGETS: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked whether anybody still asks.
const LOOK: Duration = Duration::from_secs(20);

/// What the loop hears.
enum News {
    World(Message),
    Stop,
}

pub fn run(common: &Common, options: &Poll) -> Result<ExitCode> {
    let idle = options.idle.as_deref().map(idle).transpose()?;
    if options.detach {
        detach();
    }
    let places = status::places(common.config.as_deref());
    let config = match gather::configured(common) {
        Ok(config) => config,
        Err(report) => {
            if options.detach {
                complain(places);
            }
            return Err(report);
        }
    };
    let memory = memory::place(common, &config.memory);
    stay(config, &places, memory.as_ref(), idle)
}

fn idle(text: &str) -> Result<Duration> {
    let read = SignedDuration::from_str(text).ok().and_then(|d| Duration::try_from(d).ok());
    read.ok_or_else(|| eyre!("`{text}` is no duration\nhint: 10m, 90s or 1h"))
}

/// Nobody reads what a woken poller says but the status line.
fn complain(places: Vec<Place>) {
    let now = from_clock();
    let trouble = "andon's configuration is wrong: `andon check` says how".into();
    let teller =
        Teller { pid: std::process::id(), loaded: now.as_millisecond(), ..Teller::default() };
    let glance = Glance { trouble, written: now.as_second(), ..Glance::default() };
    Beacon::start(places, teller).finish(glance);
}

fn stay(
    mut config: Config,
    places: &[Place],
    memory: Option<&store::Place>,
    idle: Option<Duration>,
) -> Result<ExitCode> {
    let company = Company::of(&config, places.to_vec(), idle.is_some());
    let files = stamps(&config);
    let awaited = awaited(&config.upstreams);
    let opened = memory::open(memory, &mut config.upstreams, awaited);
    let company = company.respecting(&opened.board);
    for notice in &opened.notices {
        out::words(notice.as_str());
    }
    let say = |words: Clean| out::words(words.as_str());
    let pen = Pen::of(opened.store, &config.memory, &config.upstreams, say);
    let mut desk = Desk {
        lamp: company
            .lamp(&config)
            .map(|lamp| lamp.remembered_by(std::sync::Arc::new(pen.scribe().into()))),
        board: opened.board,
        team: config.team,
        kept: config.memory.retention,
        forgot: from_clock(),
        settled: false,
    };
    let (sender, news) = channel();
    let told = sender.clone();
    // The loop is gone only while the process ends.
    let tell = Box::new(move |message| drop(told.send(News::World(message))));
    let relay = company.start(config.upstreams, pen.write(company.polls(), tell));
    std::thread::Builder::new().name("signals".into()).spawn(move || stop(&sender))?;
    let begun = Instant::now();
    loop {
        match news.recv_timeout(LOOK) {
            Ok(News::World(message)) => desk.hear(message),
            Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        while let Ok(more) = news.try_recv() {
            match more {
                News::World(message) => desk.hear(message),
                News::Stop => return Ok(ExitCode::SUCCESS),
            }
        }
        desk.show();
        if let Some(idle) = idle.filter(|_| desk.settled)
            && (is_idle(&relay, places, idle.saturating_sub(begun.elapsed()), idle)
                || files.iter().any(|(file, then)| stamp(file) != *then))
        {
            // With an edited configuration somebody else is woken, who reads it.
            break;
        }
    }
    relay.stop();
    Ok(ExitCode::SUCCESS)
}

type Stamp = Option<(u64, SystemTime)>;

/// How the configuration's files look.
fn stamps(config: &Config) -> Vec<(PathBuf, Stamp)> {
    config.files.iter().map(|file| (file.clone(), stamp(file))).collect()
}

fn stamp(file: &Path) -> Stamp {
    let meta = fs::metadata(file).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

fn stop(sender: &Sender<News>) {
    let _ = until_told_to_stop();
    let _ = sender.send(News::Stop);
}

/// Somebody else polls, or nobody has asked for so long.
fn is_idle(relay: &Relay, places: &[Place], young: Duration, idle: Duration) -> bool {
    use std::sync::atomic::Ordering::Relaxed;
    let part = relay.part();
    if !part.polls.load(Relaxed) {
        return true;
    }
    let now = SystemTime::now();
    let asked = places.iter().filter_map(|p| fs::metadata(p.asked()).ok()?.modified().ok());
    // A moment that lies ahead was set by another clock: it counts as now.
    let lately = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age < idle) || at > now;
    young.is_zero() && part.followers.load(Relaxed) == 0 && !asked.into_iter().any(lately)
}

/// The board without a screen.
struct Desk {
    lamp: Option<Lamp>,
    board: Board,
    team: Team,
    /// How long what is no longer told is kept, and when that was last looked at.
    kept: SignedDuration,
    forgot: Timestamp,
    /// It is known who polls.
    settled: bool,
}

impl Desk {
    fn hear(&mut self, message: Message) {
        match message {
            Message::Heard(heard) => {
                match heard.outcome {
                    Ok(report) => self.board.fold(&heard.source, heard.at, report),
                    Err(_) => self.board.version += 1,
                }
                self.board.sources.insert(heard.source, heard.freshness);
                if heard.at.duration_since(self.forgot).abs() >= FORGETS {
                    self.forgot = heard.at;
                    self.board.forget(heard.at.checked_sub(self.kept).unwrap_or(Timestamp::MIN));
                }
            }
            Message::Poller(who) => {
                out::words(&format!("polled by {who}"));
                self.board.polled_by = who;
                self.settled = true;
            }
            Message::Notice(words) => out::words(words.as_str()),
            _ => {}
        }
    }

    fn show(&mut self) {
        let now = from_clock();
        if let Some(lamp) = self.lamp.as_mut().filter(|lamp| lamp.is_due(&self.board, now)) {
            lamp.look(&self.team, &self.board, now);
        }
    }
}
