//! `andon`: the cockpit on the team's own sources, or on the demo's.

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock, mpsc};

use color_eyre::eyre::Result;

use super::cli::{ColorWhen, Common};
use super::company::Company;
use super::memory::{Glanced, Pen};
use super::{gather, memory, out, status, welcome};
use crate::cockpit::{Cockpit, Message, Setup, Which};
use crate::config::{Config, Memory, Ui, Upstream};
use crate::engine::charts::Charts;
use crate::engine::recall::Recall;
use crate::engine::run::{News, Setting, Wish, run as run_loop};
use crate::engine::share::{Place, Relay};
use crate::engine::terminal::clipboard::Wrap;
use crate::engine::terminal::{Farewell, Terminal};
use crate::engine::{Stage, from_clock};
use crate::model::{Board, Clean, Freshness};
use crate::store::{self, Scribe};
use crate::view::depth::{Depth, Env, speaks_utf8};

/// Exit code when there is no terminal to draw on.
pub const NO_SCREEN: u8 = 2;

pub fn run(common: &Common, wall: bool) -> Result<ExitCode> {
    let places = gather::places(common);
    match gather::found(&places)? {
        Some(config) => {
            let places = status::places(common.config.as_deref());
            let memory = memory::place(common, &config.memory);
            Ok(open(common, config, wall, None, places, memory))
        }
        None if can_draw() => welcome::run(common, &places),
        None => Err(gather::unconfigured(&places)),
    }
}

/// Whether there is somebody to welcome.
fn can_draw() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Opens the cockpit and stays until it is left; `farewell` tidies up when a signal ends it. At `places` others of
/// this configuration are met; a demo has none. What is remembered lies at `memory`.
pub fn open(
    common: &Common,
    config: Config,
    wall: bool,
    farewell: Option<Farewell>,
    places: Vec<Place>,
    memory: Option<store::Place>,
) -> ExitCode {
    let var = |name: &str| std::env::var(name).ok();
    let term = var("TERM");
    let (sender, news) = mpsc::channel();
    let mut terminal = match Terminal::open(&sender, term.as_deref(), config.ui.mouse && !wall) {
        Ok(terminal) => terminal,
        Err(error) => {
            out::words(&format!("andon: {error}"));
            return ExitCode::from(NO_SCREEN);
        }
    };
    if let Some(farewell) = farewell {
        terminal.on_end(farewell);
    }
    let (depth, ascii) = drawing(common, &config.ui);
    let limits = gather::limits(places.is_empty());
    let company = Company::of(&config, places, false);
    let awaited = awaited(&config.upstreams);
    let scribe = Arc::new(OnceLock::new());
    let lamp = company.lamp(&config).map(|lamp| lamp.remembered_by(scribe.clone()));
    let past = memory::past(memory.clone(), awaited.clone());
    let recall = Recall::start(&config.upstreams, past, limits.clone(), to_the_loop(&sender));
    let charts = Charts::start(&config.upstreams, limits, to_the_loop(&sender));
    // The first frame is drawn from a first look: what else is remembered is read meanwhile.
    let (board, glanced) = match memory {
        Some(place) => {
            let (board, glanced) = memory::glance(place, awaited);
            (board, Some(glanced))
        }
        None => (awaited, None),
    };
    let setup = Setup {
        keymap: config.ui.keymap.clone(),
        skin: config.ui.skin,
        board,
        glance: glanced.is_some(),
        kept: config.memory.retention,
        wall: wall.then(|| config.ui.wall.clone()),
        ..Setup::new(Arc::new(config.team), terminal.size(), from_clock())
    };
    for note in config.notes {
        let _ = sender.send(News::World(Message::Notice(note)));
    }
    let beginning = Beginning {
        glanced,
        memory: config.memory,
        upstreams: config.upstreams,
        company,
        scribe,
        sender,
    };
    let work = Work::default();
    let begin = work.clone();
    let mut stage = Stage::new(Cockpit::new(setup), depth, ascii)
        .with_lamp(lamp)
        .and_then(move || begin.begin(beginning));
    let ask = &mut |wish| match wish {
        Wish::Poll(which) => work.poll(which),
        Wish::Recall(at) => recall.wish(at),
        Wish::Chart(charting) => charts.wish(charting),
    };
    run_loop(&mut terminal, &news, &mut stage, setting(depth), ask);
    // Returning from `main` ends the process: nothing that still waits on a name server is waited for.
    work.stop();
    ExitCode::SUCCESS
}

/// Who polls, and who writes down what is heard.
type Working = (Relay, Pen);

/// What goes on behind the screen: it begins once everything that is remembered is read.
#[derive(Clone, Default)]
struct Work(Arc<OnceLock<Working>>);

/// What that takes.
struct Beginning {
    glanced: Option<Glanced>,
    memory: Memory,
    upstreams: Vec<Upstream>,
    company: Company,
    scribe: Arc<OnceLock<Arc<Scribe>>>,
    sender: mpsc::Sender<News>,
}

impl Work {
    /// Begins on a thread of its own, so that no key waits for a disk.
    fn begin(self, beginning: Beginning) {
        let (tell, say) = (to_the_loop(&beginning.sender), to_the_loop(&beginning.sender));
        let spawned = std::thread::Builder::new().name("memory".into()).spawn(move || {
            match catch_unwind(AssertUnwindSafe(|| beginning.start())) {
                // It is set once.
                Ok(working) => drop(self.0.set(working)),
                Err(_) => say(Message::Notice(
                    "nothing is polled: a fault in andon itself, please report it".into(),
                )),
            }
        });
        if let Err(error) = spawned {
            tell(Message::Notice(Clean::line(format_args!("nothing is polled: {error}"))));
        }
    }

    /// Before anybody was asked at all, everybody is about to be.
    fn poll(&self, which: Which) {
        if let Some((relay, _)) = self.0.get() {
            relay.poll(which);
        }
    }

    fn stop(self) {
        if let Some((relay, pen)) = Arc::into_inner(self.0).and_then(OnceLock::into_inner) {
            relay.stop();
            drop(pen);
        }
    }
}

impl Beginning {
    fn start(mut self) -> Working {
        let tell = to_the_loop(&self.sender);
        let opened = match self.glanced {
            Some(glanced) => glanced.whole(&mut self.upstreams),
            None => memory::open(None, &mut self.upstreams, Board::default()),
        };
        let company = self.company.respecting(&opened.board);
        for note in opened.notices {
            tell(Message::Notice(note));
        }
        // Before anything is heard: what is polled is told after it.
        tell(Message::Remembered(Box::new(opened.board)));
        let say = to_the_loop(&self.sender);
        let pen = Pen::of(opened.store, &self.memory, &self.upstreams, move |words| {
            say(Message::Notice(words));
        });
        // It is set once.
        drop(self.scribe.set(pen.scribe()));
        let relay = company.start(self.upstreams, pen.write(company.polls(), tell));
        (relay, pen)
    }
}

fn to_the_loop(news: &mpsc::Sender<News>) -> Box<dyn Fn(Message) + Send> {
    let news = news.clone();
    Box::new(move |message| {
        // The loop is gone only while the process ends.
        let _ = news.send(News::World(message));
    })
}

/// What the loop knows of the terminal it draws on.
pub fn setting(depth: Depth) -> Setting {
    let var = |name: &str| std::env::var(name).ok();
    Setting { depth, wrap: Wrap::detect(var("TMUX").as_deref(), var("STY").as_deref()) }
}

/// The colours this terminal has, and whether only ASCII is drawn.
pub fn drawing(common: &Common, ui: &Ui) -> (Depth, bool) {
    let var = |name: &str| std::env::var(name).ok();
    let utf8 =
        speaks_utf8(var("LC_ALL").as_deref(), var("LC_CTYPE").as_deref(), var("LANG").as_deref());
    (depth(common.color, var("TERM").as_deref()), ui.ascii || !utf8)
}

fn depth(when: ColorWhen, term: Option<&str>) -> Depth {
    let var = |name: &str| std::env::var(name).ok();
    let (no_color, forced, colorterm) = (var("NO_COLOR"), var("CLICOLOR_FORCE"), var("COLORTERM"));
    let env = Env {
        no_color: no_color.as_deref(),
        clicolor_force: forced.as_deref(),
        colorterm: colorterm.as_deref(),
        term,
    };
    match when {
        ColorWhen::Auto => Depth::detect(&env),
        ColorWhen::Never => Depth::None,
        ColorWhen::Always => Depth::detect(&Env { no_color: None, ..env }).max(Depth::Sixteen),
    }
}

/// A board on which every source is known, and none has answered yet.
pub fn awaited(upstreams: &[Upstream]) -> Board {
    let mut board = Board::default();
    for upstream in upstreams {
        let fresh = Freshness {
            kind: upstream.kind,
            address: upstream.endpoint.shown.clone(),
            every: upstream.every.try_into().unwrap_or_default(),
            ..Freshness::default()
        };
        board.sources.insert(upstream.name.clone(), fresh);
    }
    board
}
