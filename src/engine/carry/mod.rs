//! Carries a source's request out and brings the answer, or the trouble in words; every limit lives here.

mod allowance;
mod authority;
mod client;
pub mod fault;
mod files;
mod git;
pub mod holds;
mod http;
mod kept;
mod lanes;
mod lull;
mod names;
mod probes;
mod slate;
mod trust;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use allowance::Allowance;
pub use lull::Lull;
pub use names::Names;
pub use trust::Trust;

use super::limits::Limits;
use super::secret::Vault;
use crate::config::{Endpoint, Upstream};
use crate::model::{Clean, SourceName, Trouble};
use crate::source::{Answer, Request};

/// Whom a request is for, and how that upstream is reached.
#[derive(Debug, Clone)]
pub struct Reach {
    pub name: SourceName,
    pub kind: &'static str,
    pub endpoint: Endpoint,
}

impl From<&Upstream> for Reach {
    fn from(upstream: &Upstream) -> Self {
        Self {
            name: upstream.name.clone(),
            kind: upstream.kind,
            endpoint: upstream.endpoint.clone(),
        }
    }
}

pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<Answer, Trouble>> + 'a>>;

/// The way to the upstreams: the real one is [`Carrier`]; tests script theirs.
pub trait Wire {
    /// Carries one request out, within what is left of the poll's allowance.
    fn carry<'a>(
        &'a self,
        reach: &'a Reach,
        request: &'a Request,
        allowance: &'a Allowance,
    ) -> Carrying<'a>;

    /// The machine slept this long: connections are dead, waits have run on.
    fn renew(&self, slept: Duration);

    /// The text without any secret in it.
    fn redact(&self, text: &Clean) -> Clean;

    /// Whether somebody waits for an answer now; else answers may gather.
    fn hurry(&self, _hurry: bool) {}
}

/// Carries requests over the real network and file system.
pub struct Carrier {
    limits: Limits,
    vault: Vault,
    names: Names,
    lanes: lanes::Lanes,
    lull: Lull,
    holds: holds::Holds,
    kept: kept::Kept,
    clients: client::Clients,
    /// File calls may hang for ever on a dead mount: no more than these at once.
    disk: Arc<tokio::sync::Semaphore>,
}

impl Carrier {
    pub fn new(limits: &Limits) -> Self {
        // A little less than connecting as a whole, so that a slow resolver is called by its name.
        let names = Names::new(limits.connect.mul_f32(0.9));
        Self {
            vault: Vault::new(limits.secret),
            lanes: lanes::Lanes::new(limits.in_flight),
            lull: Lull::default(),
            holds: holds::Holds::new(limits.longest_wait, limits.after_refusal, slate(limits)),
            kept: kept::Kept::new(limits.kept),
            clients: client::Clients::new(limits, names.clone()),
            disk: Arc::new(tokio::sync::Semaphore::new(4)),
            names,
            limits: limits.clone(),
        }
    }

    /// What the thread that drives the requests asks before it waits.
    pub fn lull(&self) -> Lull {
        self.lull.clone()
    }

    async fn carry_out(
        &self,
        reach: &Reach,
        request: &Request,
        allowance: &Allowance,
    ) -> Result<Answer, Trouble> {
        match request {
            Request::Http(http) => self.fetch(reach, http, allowance).await.map(Answer::Http),
            Request::ReadDir { folder, deepest, most } => {
                let (folder, deepest, most) = (folder.clone(), *deepest, *most);
                self.on_disk(allowance, move || files::read_dir(&folder, deepest, most)).await
            }
            Request::ReadFile { file, cap } => {
                let (file, cap) = (file.clone(), (*cap).min(allowance.bytes_left()));
                let answer = self.on_disk(allowance, move || files::read_file(&file, cap)).await?;
                if let Answer::File { bytes, .. } = &answer {
                    allowance.spend(bytes.len());
                }
                Ok(answer)
            }
            Request::GitLog { folder, most } => {
                let answer = git::log(folder, *most, allowance.end()).await?;
                if let Answer::File { bytes, .. } = &answer {
                    allowance.spend(bytes.len());
                }
                Ok(answer)
            }
            Request::Tcp { host, port } => {
                let _lane = self.lanes.enter(host, false, allowance).await?;
                let _air = self.lull.enter(true);
                Box::pin(probes::connect(&self.names, host, *port, self.brief(allowance))).await
            }
            Request::Tls { host, port } => {
                let _lane = self.lanes.enter(host, false, allowance).await?;
                let _air = self.lull.enter(true);
                let trust = self.clients.trust(&reach.endpoint)?;
                Box::pin(probes::certificates(&self.names, &trust, host, *port, allowance.end()))
                    .await
            }
            Request::Dns { host } => {
                let _lane = self.lanes.enter(host, false, allowance).await?;
                let _air = self.lull.enter(true);
                probes::look_up(&self.names, host).await
            }
        }
    }

    /// The connect limit, or what is left of the poll if that is less.
    fn brief(&self, allowance: &Allowance) -> tokio::time::Instant {
        allowance.end().min(tokio::time::Instant::now() + self.limits.connect)
    }

    async fn on_disk(
        &self,
        allowance: &Allowance,
        work: impl FnOnce() -> Result<Answer, Trouble> + Send + 'static,
    ) -> Result<Answer, Trouble> {
        let job = async {
            let permit = self.disk.clone().acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                // Given back when the call returns, not when we stop waiting for it.
                let _permit = permit;
                work()
            })
            .await
        };
        match tokio::time::timeout_at(allowance.end(), job).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(fault::internal("reading files was broken off")),
            Err(_) => Err(fault::timed_out("the file system did not answer", allowance.limit())
                .hint("is it a network mount that went away?")),
        }
    }
}

/// Where limits are told to others. Without it they are kept to this process, as they must be where no lock can be had.
fn slate(limits: &Limits) -> Option<slate::Slate> {
    limits.shared.as_deref().and_then(|folder| slate::Slate::open(folder).ok())
}

impl Wire for Carrier {
    fn carry<'a>(
        &'a self,
        reach: &'a Reach,
        request: &'a Request,
        allowance: &'a Allowance,
    ) -> Carrying<'a> {
        Box::pin(self.carry_out(reach, request, allowance))
    }

    fn renew(&self, slept: Duration) {
        self.clients.forget();
        self.holds.shorten(slept);
    }

    fn redact(&self, text: &Clean) -> Clean {
        self.vault.redact(text)
    }

    fn hurry(&self, hurry: bool) {
        self.lull.hurry(hurry);
    }
}
