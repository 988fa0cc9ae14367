//! The other processes of this user and configuration: what they share, and this one's part in it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cockpit::Message;
use crate::config::{Config, Upstream};
use crate::engine::from_clock;
use crate::engine::share::{Beacon, Lamp, Part, Place, Relay, fingerprint};
use crate::model::{Board, Clean};
use crate::print::status::Teller;

use super::{memory, status};

/// Who else there may be, and where they meet. A demo has no places, and shares nothing.
pub struct Company {
    places: Vec<Place>,
    /// The same for everybody who would ask the same.
    name: String,
    part: Part,
    teller: Teller,
}

impl Company {
    /// The company of a configuration; `background` polls for status lines only.
    pub fn of(config: &Config, places: Vec<Place>, background: bool) -> Self {
        let name = name(config);
        let teller = Teller {
            pid: std::process::id(),
            background,
            lock: Clean::line(&name),
            loaded: from_clock().as_millisecond(),
        };
        Self { places, name, part: Part::default(), teller }
    }

    /// What shows others the board, while this process is the one that polls.
    pub fn lamp(&self, config: &Config) -> Option<Lamp> {
        (!self.places.is_empty()).then(|| {
            let beacon = Beacon::start(self.places.clone(), self.teller.clone());
            Lamp::new(beacon, status::taste(config), self.part.polls.clone())
        })
    }

    /// Sources that asked for quiet before this process began, by what is remembered of them, are left alone as long.
    #[must_use]
    pub fn respecting(mut self, board: &Board) -> Self {
        self.part.rests = memory::resting(board, from_clock());
        self
    }

    /// Whether this process is the one that polls, and so the one that writes down what is remembered.
    pub fn polls(&self) -> Arc<AtomicBool> {
        self.part.polls.clone()
    }

    /// Begins to poll, or to follow. What is remembered is written only while `Relay::part().polls` is true.
    pub fn start(&self, upstreams: Vec<Upstream>, sink: Box<dyn Fn(Message) + Send>) -> Relay {
        let folder = self.places.first().map(|place| place.folder().to_owned());
        Relay::start(folder, &self.name, upstreams, self.part.clone(), sink)
    }
}

/// What two processes have in common that may share their polls: this version, and every setting that decides what is
/// asked. A configuration that was edited has another name, and polls for itself.
fn name(config: &Config) -> String {
    let parts = [env!("CARGO_PKG_VERSION").as_bytes(), &config.digest.to_le_bytes()];
    fingerprint(parts.into_iter())
}
