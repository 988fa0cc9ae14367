//! The slate: what the processes of one user tell each other of rate limits, in one small private file beside their locks.
//!
//! One process polls for all who have the same configuration; this is for the others who use the same credential: another
//! configuration, `andon check`, a moment recalled. A refused credential is not written here: who has just mended it asks
//! again at once, and each process asks no more than once a minute.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::authority::Seal;
use super::holds::Whom;
use crate::engine::share::{open_private, read_bytes, replace};

/// What is known of one budget of a host, for one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub host: Box<str>,
    /// A keyed hash: it tells nothing about the credential.
    pub credential: u64,
    pub budget: Box<str>,
    pub quiet: Option<Quiet>,
    pub spent: Option<Spent>,
}

/// A stretch in which nothing is asked, in milliseconds since 1970. Before `since` it means nothing: clocks are set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub since: i64,
    pub until: i64,
    /// It is our half of an hourly limit that is used up.
    pub share: bool,
}

/// Requests of all processes since a limit was renewed; it ends `renewed` seconds after 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub renewed: i64,
    pub requests: u64,
}

/// The number is of its shape: a version with another one writes beside it.
const NAME: &str = "limits-1";

/// The lock, with the seal in it.
const KEY: &str = "limits.key";

/// How often the lock is tried for: it is held for less than a millisecond, and nobody who was stopped while he held it is
/// waited for.
const TRIES: u32 = 20;

pub struct Slate {
    file: PathBuf,
    /// Held while the file is changed; it contains the seal.
    lock: File,
    seal: Seal,
    /// The file that was read last.
    seen: Mutex<Option<(u64, i64, i64)>>,
}

impl Slate {
    /// The slate of a folder that is ours alone.
    ///
    /// # Errors
    /// When the folder cannot be written, or somebody who was stopped holds it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut lock = open_private(&folder.join(KEY))?;
        if !locked(&lock) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let seal = seal(&mut lock);
        let _ = flock(&lock, FlockOperation::Unlock);
        Ok(Self { file: folder.join(NAME), lock, seal: seal?, seen: Mutex::default() })
    }

    /// What credentials are sealed with: the same for all who share this slate.
    pub fn seal(&self) -> Seal {
        self.seal
    }

    /// What is written on it, if that changed since it was last asked for. One look at the file's name and no more,
    /// most of the time.
    pub fn news(&self) -> Option<Vec<Line>> {
        let meta = fs::symlink_metadata(&self.file).ok()?;
        let found = (meta.ino(), meta.mtime(), meta.mtime_nsec());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == Some(found) {
            return None;
        }
        *seen = Some(found);
        Some(self.lines())
    }

    /// Changes the line of a budget; what became of it. `None` when it cannot be written: then this process goes on with
    /// what it knows itself.
    pub fn change(
        &self,
        whom: &Whom,
        budget: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Line),
    ) -> Option<Line> {
        if !locked(&self.lock) {
            return None;
        }
        let changed = self.rewrite(whom, budget, now, change);
        let _ = flock(&self.lock, FlockOperation::Unlock);
        changed.ok()
    }

    fn rewrite(
        &self,
        whom: &Whom,
        budget: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Line),
    ) -> io::Result<Line> {
        let mut lines = self.lines();
        let is_it = |line: &Line| {
            line.host == whom.0 && line.credential == whom.1 && &*line.budget == budget
        };
        let known = lines.iter().position(is_it).map(|at| lines.swap_remove(at));
        let mut line = known.unwrap_or_else(|| Line {
            host: whom.0.clone(),
            credential: whom.1,
            budget: budget.into(),
            quiet: None,
            spent: None,
        });
        change(&mut line);
        lines.retain(|line| line.says_something(now));
        lines.push(line.clone());
        let bytes = postcard::to_stdvec(&lines).map_err(io::Error::other)?;
        replace(&self.file, &bytes)?;
        Ok(line)
    }

    /// What cannot be read says nothing.
    fn lines(&self) -> Vec<Line> {
        let bytes = read_bytes(&self.file).ok();
        bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default()
    }
}

impl Line {
    fn says_something(&self, now: Timestamp) -> bool {
        self.quiet.is_some_and(|quiet| quiet.lasts(now))
            || self.spent.is_some_and(|spent| spent.renewed > now.as_second())
    }
}

impl Quiet {
    fn lasts(&self, now: Timestamp) -> bool {
        (self.since..self.until).contains(&now.as_millisecond())
    }

    /// What is left of it.
    pub fn left(&self, now: Timestamp) -> Option<std::time::Duration> {
        let left = self.lasts(now).then(|| self.until - now.as_millisecond())?;
        u64::try_from(left).ok().map(std::time::Duration::from_millis)
    }
}

fn locked(lock: &File) -> bool {
    (0..TRIES).any(|n| {
        if n > 0 {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}

/// The seal in the locked file; the first who comes draws it.
fn seal(lock: &mut File) -> io::Result<Seal> {
    let mut known = Vec::new();
    lock.take(17).read_to_end(&mut known)?;
    if let Ok(known) = <[u8; 16]>::try_from(known.as_slice()) {
        return Ok(Seal::from(known));
    }
    let drawn = Seal::draw();
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(&<[u8; 16]>::from(drawn))?;
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    impl Slate {
        /// Holds the lock of a folder's slate, as a process does that was stopped while it wrote.
        pub fn hold(folder: &Path) -> File {
            let lock = open_private(&folder.join(KEY)).unwrap();
            flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
            lock
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn it_is_private_and_holds_neither_credential_nor_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let slate = Slate::open(folder.path()).unwrap();
        let quiet = |until| Some(Quiet { since: 0, until, share: false });
        for (host, until) in [("a", 10), ("b", 100)] {
            let told = slate.change(&(host.into(), 1), "", at(0), |line| line.quiet = quiet(until));
            assert_eq!(told.unwrap().quiet, quiet(until));
        }
        assert_eq!(slate.news().unwrap().len(), 2);
        assert!(slate.news().is_none(), "nothing changed");
        slate.change(&("c".into(), 1), "", at(50), |line| line.quiet = quiet(60)).unwrap();
        let hosts: Vec<_> = slate.news().unwrap().into_iter().map(|line| line.host).collect();
        assert_eq!(hosts, ["b".into(), "c".into()]);
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn nobody_waits_for_one_who_was_stopped_and_garbage_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let slate = Slate::open(folder.path()).unwrap();
        let stopped = Slate::hold(folder.path());
        assert!(Slate::open(folder.path()).is_err());
        assert!(slate.change(&("a".into(), 1), "", at(0), |_| {}).is_none());
        drop(stopped);
        fs::write(folder.path().join(NAME), b"\xff\xff\xff\xff\xff garbage").unwrap();
        assert_eq!(slate.news(), Some(Vec::new()));
        let told = slate.change(&("a".into(), 1), "", at(0), |line| {
            line.spent = Some(Spent { renewed: 9, requests: 1 });
        });
        assert_eq!(told.unwrap().spent.unwrap().requests, 1);
    }
}
