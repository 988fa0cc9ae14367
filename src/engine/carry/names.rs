//! Names to addresses by the system's resolver: one question at a time for a name, and never waited for longer than the limit.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use reqwest::dns::{Name, Resolve, Resolving};

/// Why a name gave no address.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoAddress {
    #[error("the name {name} could not be looked up: {why}")]
    Failed { name: Box<str>, why: Box<str> },
    #[error("looking up the name {name} took longer than {limit} s")]
    Slow { name: Box<str>, limit: f32 },
    /// Where clouds keep their credentials: only a literal address in the configuration may lead there.
    #[error("the name {name} leads to a link-local address only")]
    LinkLocal { name: Box<str> },
}

type Question = Shared<BoxFuture<'static, Result<Arc<[IpAddr]>, NoAddress>>>;

/// `getaddrinfo` cannot be cancelled: a name that hangs costs one thread, however often it is asked for.
#[derive(Clone)]
pub struct Names {
    limit: Duration,
    asked: Arc<Mutex<HashMap<Box<str>, Question>>>,
}

impl Names {
    pub fn new(limit: Duration) -> Self {
        Self { limit, asked: Arc::default() }
    }

    /// The addresses of a name, or of a literal address itself.
    pub async fn addresses(&self, name: &str) -> Result<Arc<[IpAddr]>, NoAddress> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(literal) = bare.parse::<IpAddr>() {
            return Ok(Arc::from([literal]));
        }
        let question = self.question(name);
        tokio::time::timeout(self.limit, question).await.unwrap_or_else(|_| {
            Err(NoAddress::Slow { name: name.into(), limit: self.limit.as_secs_f32() })
        })
    }

    fn question(&self, name: &str) -> Question {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = asked.get(name) {
            return question.clone();
        }
        let (name, pending): (Box<str>, _) = (name.into(), self.asked.clone());
        let asked_for = name.clone();
        // A task of its own: the answer is awaited even when everybody who asked has given up.
        let task = tokio::spawn(async move {
            let answer = ask_system(&asked_for).await;
            pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&asked_for);
            answer
        });
        let gone = name.clone();
        let question = async move {
            task.await
                .unwrap_or_else(|_| Err(NoAddress::Failed { name: gone, why: "broken off".into() }))
        }
        .boxed()
        .shared();
        asked.insert(name, question.clone());
        question
    }
}

async fn ask_system(name: &str) -> Result<Arc<[IpAddr]>, NoAddress> {
    let failed = |why: Box<str>| NoAddress::Failed { name: name.into(), why };
    let mut all: Vec<IpAddr> = match tokio::net::lookup_host((name, 0)).await {
        Ok(found) => found.map(|a| a.ip()).collect(),
        Err(e) => return Err(failed(plain_words(&e.to_string()).into())),
    };
    all.dedup();
    if all.is_empty() {
        return Err(failed("it has no address".into()));
    }
    all.retain(|a| !is_link_local(*a));
    if all.is_empty() {
        return Err(NoAddress::LinkLocal { name: name.into() });
    }
    Ok(all.into())
}

/// The resolver's own words, without the library's preamble.
fn plain_words(error: &str) -> &str {
    error.strip_prefix("failed to lookup address information: ").unwrap_or(error)
}

/// `169.254/16` and `fe80::/10`.
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local())
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            let sockets: Vec<SocketAddr> = found.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
            Ok(Box::new(sockets.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_known_in_every_notation() {
        for (address, yes) in [
            ("169.254.169.254", true),
            ("fe80::1", true),
            ("::ffff:169.254.169.254", true),
            ("127.0.0.1", false),
            ("fd00:ec2::254", false),
            ("::1", false),
        ] {
            assert_eq!(is_link_local(address.parse().unwrap()), yes, "{address}");
        }
    }
}
