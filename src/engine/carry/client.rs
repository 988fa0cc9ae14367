//! HTTP clients: one for everybody who is reached the same way, made when first needed, thrown away after a sleep.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Proxy, redirect};

use super::{Names, Trust, fault};
use crate::config::Endpoint;
use crate::engine::limits::Limits;
use crate::model::{Status, Trouble};

/// Says who asks; GitHub refuses requests without.
pub const USER_AGENT: &str = concat!("andon/", env!("CARGO_PKG_VERSION"));

/// Which proxy a request goes through.
#[derive(Clone, PartialEq, Eq)]
pub enum Via {
    Nothing,
    Environment,
    Proxy(String),
}

type Identity = (Option<PathBuf>, Option<(PathBuf, PathBuf)>);

pub struct Clients {
    connect: Duration,
    /// Connections kept towards one host: as many as there may be requests, or each burst would make new ones.
    kept: usize,
    names: Names,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    /// Reading the system's roots is slow: done once, kept through a sleep.
    shared: Option<Trust>,
    trusts: Vec<(Identity, Trust)>,
    clients: Vec<(Identity, Via, Client)>,
}

impl Clients {
    pub fn new(limits: &Limits, names: Names) -> Self {
        let (connect, kept) = (limits.connect, limits.in_flight);
        Self { connect, kept, names, made: Mutex::default() }
    }

    /// Whom an upstream's certificates are judged by.
    pub fn trust(&self, endpoint: &Endpoint) -> Result<Trust, Trouble> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.trust(endpoint)
    }

    /// The client for an upstream and a way.
    pub fn client(&self, endpoint: &Endpoint, via: &Via) -> Result<Client, Trouble> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = identity(endpoint);
        if let Some((.., client)) = made.clients.iter().find(|(i, v, _)| *i == identity && v == via)
        {
            return Ok(client.clone());
        }
        let trust = made.trust(endpoint)?;
        let client = self.build(&trust, via)?;
        made.clients.push((identity, via.clone(), client.clone()));
        Ok(client)
    }

    /// Old connections are dead after a sleep, and nothing would notice for minutes.
    pub fn forget(&self) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.clients.clear();
        made.trusts.clear();
    }

    /// A handshake failed: certificates and CA files are read anew next time, they may have been replaced.
    pub fn forget_identity(&self, endpoint: &Endpoint) {
        let identity = identity(endpoint);
        if identity == (None, None) {
            return;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.clients.retain(|(i, ..)| *i != identity);
        made.trusts.retain(|(i, _)| *i != identity);
    }

    fn build(&self, trust: &Trust, via: &Via) -> Result<Client, Trouble> {
        // Every default of reqwest that waits for ever, follows or tells is set here. Its retries are kept: it repeats a
        // request, also a POST, at most twice and only after a remote REFUSED_STREAM or GOAWAY(NO_ERROR), which h2 gives to
        // streams above the last one the server says it processed (reqwest `retry.rs`, h2 `recv_go_away`, RFC 9113 §8.7);
        // one below that fails with the connection instead. The pool beneath repeats only what never left: a request
        // handed back unsent by a kept connection that turned out closed (hyper-util `legacy/client.rs`, `take_message`).
        let builder = Client::builder()
            .tls_backend_preconfigured(trust.config.clone())
            .dns_resolver(self.names.clone())
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(self.kept)
            .pool_idle_timeout(Duration::from_secs(20))
            .http2_keep_alive_interval(Duration::from_secs(10))
            .http2_keep_alive_timeout(Duration::from_secs(5))
            .user_agent(USER_AGENT);
        let builder = match via {
            Via::Nothing => builder.no_proxy(),
            // What reqwest does unasked: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY.
            Via::Environment => builder,
            Via::Proxy(address) => builder.no_proxy().proxy(Proxy::all(address).map_err(|_| {
                Trouble::new(Status::Unreachable, "the proxy's address cannot be read")
                    .hint("write it as http://HOST:PORT, https://… or socks5://…")
            })?),
        };
        builder.build().map_err(|e| {
            fault::internal(format!("the HTTP client could not be made: {}", e.without_url()))
        })
    }
}

impl Made {
    fn trust(&mut self, endpoint: &Endpoint) -> Result<Trust, Trouble> {
        let shared = match &self.shared {
            Some(shared) => shared.clone(),
            None => self.shared.insert(Trust::of_system()?).clone(),
        };
        let identity = identity(endpoint);
        if identity == (None, None) {
            return Ok(shared);
        }
        if let Some((_, trust)) = self.trusts.iter().find(|(i, _)| *i == identity) {
            return Ok(trust.clone());
        }
        let trust = Trust::of(endpoint, &shared)?;
        self.trusts.push((identity, trust.clone()));
        Ok(trust)
    }
}

fn identity(endpoint: &Endpoint) -> Identity {
    (endpoint.ca.clone(), endpoint.client.clone())
}
