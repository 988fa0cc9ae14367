//! Lanes: how many requests are in the air at once, in all and towards one host.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Allowance, fault};
use crate::model::Trouble;

/// A slow host may fill its own lanes, which are three in four: the others stay open for the rest.
/// Where there is no other host, all are its own.
pub struct Lanes {
    all: Arc<Semaphore>,
    a_host: usize,
    /// A request has ended: by then all who are asked at the start have said which host they want.
    known: Arc<AtomicBool>,
    hosts: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// Held while a request is in the air.
pub struct Lane {
    _host: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
    known: Arc<AtomicBool>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.known.store(true, Relaxed);
    }
}

impl Lanes {
    pub fn new(in_all: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(in_all.max(1))),
            a_host: (in_all - in_all / 4).max(1),
            known: Arc::default(),
            hosts: Mutex::default(),
        }
    }

    /// Waits for a lane, first come first served. `serial` hosts have a single one.
    pub async fn enter(
        &self,
        host: &str,
        serial: bool,
        allowance: &Allowance,
    ) -> Result<Lane, Trouble> {
        let wait = async {
            let host = match self.host(host, serial) {
                Some(lanes) => Some(lanes.acquire_owned().await.ok()?),
                None => None,
            };
            let all = self.all.clone().acquire_owned().await.ok()?;
            Some(Lane { _host: host, _all: all, known: self.known.clone() })
        };
        let lane = match allowance.begun() {
            None => wait.await,
            Some(end) => tokio::time::timeout_at(end, wait).await.map_err(|_| {
                fault::timed_out(
                    format_args!("the other requests to {host} of this poll took all its time"),
                    allowance.limit(),
                )
            })?,
        };
        allowance.end();
        lane.ok_or_else(|| fault::internal("the lanes are closed"))
    }

    fn host(&self, host: &str, serial: bool) -> Option<Arc<Semaphore>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, lanes) =
            if serial { (format!("serial {host}"), 1) } else { (host.to_owned(), self.a_host) };
        let lanes = hosts.entry(name.into()).or_insert_with(|| Arc::new(Semaphore::new(lanes)));
        let lanes = lanes.clone();
        let alone = hosts.len() == 1 && self.known.load(Relaxed);
        (serial || !alone).then_some(lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::FutureExt;
    use std::time::Duration;

    fn enter(lanes: &Lanes, host: &str) -> Option<Lane> {
        let allowance = Allowance::new(Duration::from_secs(1), 1);
        lanes.enter(host, false, &allowance).now_or_never().map(Result::unwrap)
    }

    #[tokio::test]
    async fn a_slow_host_leaves_lanes_to_the_others_and_a_host_alone_has_all() {
        let lanes = Lanes::new(8);
        let fill = |host: &str| std::iter::from_fn(|| enter(&lanes, host)).collect::<Vec<_>>();
        let slow = fill("slow");
        assert_eq!(slow.len(), 6, "who else there is was not known yet");
        drop(slow);
        let alone = fill("slow");
        assert_eq!(alone.len(), 8);
        drop(alone);
        drop(enter(&lanes, "other"));
        let (slow, other) = (fill("slow"), fill("other"));
        assert_eq!((slow.len(), other.len()), (6, 2));
    }
}
