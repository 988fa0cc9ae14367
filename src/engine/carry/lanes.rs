//! Lanes: how many requests are in the air at once, in all and towards one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Allowance, fault};
use crate::model::Trouble;

/// A slow host may fill its own lanes, which are half of all: the other half stays open for the rest.
pub struct Lanes {
    all: Arc<Semaphore>,
    a_host: usize,
    hosts: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// Held while a request is in the air.
pub struct Lane {
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Lanes {
    pub fn new(in_all: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(in_all.max(1))),
            a_host: in_all.div_ceil(2).max(1),
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
            let host = self.host(host, serial).acquire_owned().await.ok()?;
            let all = self.all.clone().acquire_owned().await.ok()?;
            Some(Lane { _host: host, _all: all })
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

    fn host(&self, host: &str, serial: bool) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, lanes) =
            if serial { (format!("serial {host}"), 1) } else { (host.to_owned(), self.a_host) };
        hosts.entry(name.into()).or_insert_with(|| Arc::new(Semaphore::new(lanes))).clone()
    }
}
