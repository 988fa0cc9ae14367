//! A small world with a scripted outage, served over loopback in the vendors' own formats.

pub mod alertmanager;
pub mod alerts;
pub mod argocd;
pub mod calendars;
pub mod cast;
pub mod clock;
pub mod config;
pub mod flags;
mod folder;
pub mod github;
pub mod incidents;
pub mod noise;
pub mod pagerduty;
pub mod papers;
pub mod prometheus;
pub mod promql;
pub mod reply;
pub mod rollouts;
pub mod server;
pub mod story;
pub mod vendors;
pub mod world;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

pub use clock::{CHAPTERS, offset};
pub use config::config;
use folder::Folder;
use server::Server;
use world::World;

/// How the demo begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How many times faster than life the story is told; 0.1 to 600.
    pub speed: f64,
    /// Seconds into the story; [`offset`] reads what people type.
    pub at: f64,
    /// 0 takes any free port.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { speed: 1.0, at: 0.0, port: 0 }
    }
}

/// A running demo; dropping it stops the server and removes its files.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    /// The text of an `andon.toml` for this world.
    pub config: String,
    pub world: Arc<World>,
    folder: Folder,
    _server: Server,
}

impl Running {
    /// A private folder of this run: post-mortems, and what relative paths of the configuration are below.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The world's seed: everybody sees the same demo.
const SEED: u64 = 20;

/// Starts the demo: a server on 127.0.0.1 and a private folder with post-mortems.
pub fn start(options: Options) -> io::Result<Running> {
    let world = Arc::new(World::new(Timestamp::now(), options.at, options.speed, SEED));
    let folder = Folder::create()?;
    papers::write(&world, folder.path())?;
    let server = Server::start(world.clone(), options.port)?;
    let address = server.address;
    let config = config(&world, address, folder.path());
    Ok(Running { address, config, world, folder, _server: server })
}
