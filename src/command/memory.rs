//! The memory of a configuration, as commands open it: what was known last, who writes it on, and how a past moment is recalled.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use jiff::Timestamp;

use super::cli::Common;
use crate::cockpit::Message;
use crate::config::{Memory, Places, Upstream};
use crate::engine::from_clock;
use crate::engine::recall;
use crate::model::{Board, Clean, Linked, SourceName, Status};
use crate::store::{Bounds, Place, Scribe, Store, Told, fingerprint};

/// Where the memory of this configuration lies; `None` when it wants none.
pub fn place(common: &Common, memory: &Memory) -> Option<Place> {
    memory.on.then(|| match &memory.path {
        Some(path) => Place::at(path.clone()),
        None => Place::usual(&fingerprint(&files(common.config.as_deref()))),
    })
}

/// What a configuration is called: the real name of the file that was asked for, or the usual ones, whether they are
/// there yet or not.
fn files(config: Option<&Path>) -> Vec<PathBuf> {
    let absolute = |file: PathBuf| std::path::absolute(&file).unwrap_or(file);
    match config {
        Some(file) => vec![file.canonicalize().unwrap_or_else(|_| absolute(file.to_owned()))],
        None => Places::of_files(None).files().into_iter().map(|(f, _)| absolute(f)).collect(),
    }
}

/// An open memory and what it knew.
pub struct Opened {
    pub store: Store,
    pub board: Board,
    pub notices: Vec<Clean>,
}

/// Opens the memory at `place`, hands sources what they asked for, and recalls the board as it was last known.
pub fn open(place: Option<&Place>, upstreams: &mut [Upstream], awaited: Board) -> Opened {
    let Some(place) = place else {
        return Opened { store: Store::none(), board: awaited, notices: Vec::new() };
    };
    let (store, notices) = Store::open(place, from_clock());
    let (known, opened) = read(place, (store, notices), &awaited, Store::board_now);
    hand_back(known, opened, upstreams)
}

/// A memory that was looked at, before all of it is read.
pub struct Glanced {
    place: Place,
    opened: Opened,
    awaited: Board,
}

/// Opens the memory at `place` and takes a first look: what a first frame shows, however much is remembered.
pub fn glance(place: Place, awaited: Board) -> (Board, Glanced) {
    let opened = Store::open_at_once(&place, from_clock());
    let (known, mut opened) = read(&place, opened, &awaited, Store::glance);
    if !known {
        // Whether nothing is recalled, the whole reading finds out.
        opened.notices.pop();
    }
    let board = std::mem::take(&mut opened.board);
    (board, Glanced { place, opened, awaited })
}

impl Glanced {
    /// Reads all of it, as `open` would have. A fault of our own in that leaves nothing remembered, and everything else.
    pub fn whole(self, upstreams: &mut [Upstream]) -> Opened {
        let awaited = self.awaited.clone();
        or_without(awaited, || self.read(upstreams))
    }

    fn read(self, upstreams: &mut [Upstream]) -> Opened {
        let Self { place, opened: Opened { store, notices, .. }, awaited } = self;
        if !store.is_on() {
            // Somebody may have held it for a moment only.
            return open(Some(&place), upstreams, awaited);
        }
        let (known, opened) = read(&place, (store, notices), &awaited, Store::board_now);
        hand_back(known, opened, upstreams)
    }
}

/// What was opened, or a run without memory that says so.
fn or_without(awaited: Board, opening: impl FnOnce() -> Opened) -> Opened {
    catch_unwind(AssertUnwindSafe(opening)).unwrap_or_else(|_| {
        let words = "nothing is recalled, nor remembered in this run: a fault in andon itself, please report it";
        Opened { store: Store::none(), board: awaited, notices: vec![words.into()] }
    })
}

/// How a board is read.
type Reading = fn(&mut Store, &Board, Timestamp) -> Result<Board, crate::store::Trouble>;

/// Reads the newest board; one that is damaged inside is set aside, and a new one begun. False when nothing could be
/// read.
fn read(
    place: &Place,
    (mut store, mut notices): (Store, Vec<Clean>),
    awaited: &Board,
    reading: Reading,
) -> (bool, Opened) {
    let now = from_clock();
    let mut recalled = reading(&mut store, awaited, now);
    if recalled.as_ref().is_err_and(crate::store::Trouble::is_damage) {
        let (anew, more) = store.begin_anew(place, now);
        store = anew;
        notices.extend(more);
        recalled = reading(&mut store, awaited, now);
    }
    // Who believes that everything is known already tells only what is new.
    let known = recalled.is_ok();
    let board = recalled.unwrap_or_else(|trouble| {
        notices.push(Clean::line(format_args!("nothing is recalled: {}", trouble.words())));
        awaited.clone()
    });
    (known, Opened { store, board, notices })
}

/// Hands each source what it asked for.
fn hand_back(known: bool, mut opened: Opened, upstreams: &mut [Upstream]) -> Opened {
    let Opened { store, board, .. } = &mut opened;
    for upstream in upstreams {
        if known {
            upstream.memory = store
                .memory(&upstream.name, upstream.kind, upstream.endpoint.shown.as_str())
                .unwrap_or_default();
        }
        upstream.known = board.sources.get(&upstream.name).cloned();
        let papers = board.post_mortems.of(&upstream.name).filter(|(_, r)| r.gone.is_none());
        upstream.linked = Linked::of(papers.map(|(_, record)| &record.what));
    }
    opened
}

/// Sources whose upstream asked for quiet that still lasts: what one process was told holds for all.
pub fn resting(board: &Board, now: Timestamp) -> BTreeMap<SourceName, Timestamp> {
    let limited = board.sources.iter().filter(|(_, f)| f.status == Status::RateLimited);
    let until = limited.filter_map(|(name, f)| Some((name.clone(), f.next_poll?)));
    until.filter(|(_, until)| now < *until).collect()
}

/// Recalls moments of the past, from a second door to the same file: nobody who writes is waited for.
pub fn past(place: Option<Place>, awaited: Board) -> recall::Memory {
    let mut store: Option<Store> = None;
    Box::new(move |at: Timestamp| {
        let Some(place) = &place else { return (None, None) };
        let store = store.get_or_insert_with(|| Store::open(place, from_clock()).0);
        let oldest = store.oldest().ok().flatten();
        if oldest.is_none_or(|oldest| at < oldest) {
            return (None, oldest);
        }
        (store.board_at(&awaited, at).ok().filter(|board| was_watched(board, at)), oldest)
    })
}

/// Whether somebody polled at that moment: what was last known before a silence says less than what was told after it.
fn was_watched(board: &Board, at: Timestamp) -> bool {
    board.sources.values().any(|fresh| {
        fresh.last_try.is_some_and(|tried| at.duration_since(tried) <= fresh.limits().0)
    })
}

/// How long leaving may wait for the disk: what was heard last is written.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes down what is polled. Dropping it waits a moment for what is not on the disk yet.
pub struct Pen {
    scribe: Arc<Scribe>,
}

impl Pen {
    /// Begins to write to a memory; `say` tells a person what goes wrong.
    pub fn of(
        mut store: Store,
        memory: &Memory,
        upstreams: &[Upstream],
        say: impl Fn(Clean) + Send + 'static,
    ) -> Self {
        let sources = upstreams.iter().map(|u| (&u.name, u.kind, u.endpoint.shown.as_str()));
        // What cannot be written now is said when the first poll is.
        let _ = store.introduce(sources);
        let bounds = Bounds { retention: memory.retention, most: memory.most };
        Self { scribe: Arc::new(Scribe::start(store, bounds, say)) }
    }

    /// Who writes, for those who have more to remember than polls.
    pub fn scribe(&self) -> Arc<Scribe> {
        self.scribe.clone()
    }

    /// Every poll is written on its way to `tell`, by a thread that nobody waits for, while this process `polls`:
    /// of several processes one writes.
    pub fn write(
        &self,
        polls: Arc<AtomicBool>,
        tell: Box<dyn Fn(Message) + Send>,
    ) -> Box<dyn Fn(Message) + Send> {
        let scribe = self.scribe.clone();
        Box::new(move |message| {
            if let Message::Heard(heard) = &message
                && polls.load(Relaxed)
            {
                scribe.remember(Told::from(&**heard));
            }
            tell(message);
        })
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.scribe.finish(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Freshness;

    fn awaited() -> Board {
        let mut board = Board::default();
        board.sources.insert(SourceName::new("gh"), Freshness::default());
        board
    }

    #[test]
    fn a_fault_while_all_is_read_leaves_a_run_without_memory_that_says_so() {
        let opened = or_without(awaited(), || panic!("a fault"));
        assert!(!opened.store.is_on());
        assert_eq!(opened.board.sources.len(), 1);
        assert!(opened.notices[0].as_str().contains("a fault in andon itself"));
    }

    #[test]
    fn what_cannot_be_opened_for_a_first_look_is_tried_again_and_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.db");
        // A folder where the file should be, for a moment, and for long.
        for for_long in [false, true] {
            std::fs::create_dir(&path).unwrap();
            let (board, glanced) = glance(Place::at(path.clone()), awaited());
            assert_eq!(board.sources.len(), 1);
            if !for_long {
                std::fs::remove_dir(&path).unwrap();
            }
            let opened = glanced.whole(&mut []);
            assert_eq!(opened.store.is_on(), !for_long);
            assert_eq!(opened.notices.len(), usize::from(for_long), "{:?}", opened.notices);
            drop(opened);
            if !for_long {
                std::fs::remove_file(&path).unwrap();
            }
        }
    }
}
