//! What a process has used, from `/proc`: time on a processor, context switches, memory; those of ended threads included.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;
use std::time::Duration;

use crate::pty::Pty;

#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    cpu: Duration,
    switches: u64,
}

/// The sum over all threads seen so far.
#[derive(Debug, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub switches: u64,
    seen: BTreeMap<String, Thread>,
    alive: usize,
}

fn folder(pty: &Pty) -> String {
    format!("/proc/{}", pty.pid().as_raw_nonzero())
}

impl Usage {
    pub fn of(pty: &Pty) -> Self {
        let mut usage = Self::default();
        usage.look(pty);
        usage
    }

    /// Looks again. A thread that ended meanwhile keeps what was last seen of it.
    pub fn look(&mut self, pty: &Pty) {
        let tasks = std::fs::read_dir(folder(pty) + "/task").unwrap();
        let mut alive = 0;
        for task in tasks.filter_map(Result::ok) {
            if let Some(thread) = thread(&task.path()) {
                self.seen.insert(task.file_name().to_string_lossy().into_owned(), thread);
                alive += 1;
            }
        }
        self.alive = alive;
        self.cpu = self.seen.values().map(|t| t.cpu).sum();
        self.switches = self.seen.values().map(|t| t.switches).sum();
    }

    pub fn threads(&self) -> usize {
        self.alive
    }
}

fn thread(task: &Path) -> Option<Thread> {
    // Nanoseconds on a processor; `stat` counts in steps of ten milliseconds.
    let schedule = read_to_string(task.join("schedstat")).ok()?;
    let nanos = schedule.split(' ').next()?.parse().ok()?;
    let status = read_to_string(task.join("status")).ok()?;
    let switches = status
        .lines()
        .filter(|line| line.contains("voluntary_ctxt_switches"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    Some(Thread { cpu: Duration::from_nanos(nanos), switches })
}

/// Resident bytes now and at most.
pub fn memory(pty: &Pty) -> (u64, u64) {
    let status = read_to_string(folder(pty) + "/status").unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}
