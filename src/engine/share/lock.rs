//! Who polls: a lock that dies with its process elects one, and a socket beside it is where the others find him.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

use super::place::{open_private, prepare};
use super::wire::{self, TOLD_CAP, Told};
use crate::engine::watch::Rhythm;
use crate::model::Clean;

/// How long the one who polls may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How long others may take to settle who polls.
const DOOR: Duration = Duration::from_millis(25);
const TRIES: u32 = 200;
/// Bytes of a socket's path that every system takes.
const PATH_CAP: usize = 100;

/// Where an election is held.
#[derive(Debug)]
pub struct Hall {
    folder: PathBuf,
    /// Held only while somebody looks who polls: two never decide at once.
    door: PathBuf,
    /// Held by the one who polls, as long as he lives.
    lock: PathBuf,
    socket: PathBuf,
    /// Keeps the folder open: a socket whose path would be too long is reached through it.
    _open: Option<File>,
}

/// What an election gave.
pub enum Seat {
    Lead(Lead),
    Follow(Follow),
    /// Neither lock nor socket can be had; true when that may pass.
    Alone(Clean, bool),
}

/// The one who polls.
pub struct Lead {
    pub listener: UnixListener,
    lock: File,
    path: PathBuf,
    socket: PathBuf,
}

/// A connection to him.
pub struct Follow {
    pub stream: UnixStream,
    pub pid: u32,
    pub rhythm: Rhythm,
    /// What he wrote into the lock: another poller writes something else.
    pub lock: u64,
}

impl Hall {
    /// The place of an election, by what is polled.
    ///
    /// # Errors
    /// In words, when the folder cannot be used.
    pub fn of(folder: &Path, name: &str) -> Result<Self, Clean> {
        let refused = |error: io::Error| {
            Clean::line(format_args!("{} cannot be used: {error}", folder.display()))
        };
        prepare(folder).map_err(refused)?;
        if crate::store::on_a_network(folder) {
            let words =
                format_args!("{} is on a network, where locks do not hold", folder.display());
            return Err(Clean::line(words));
        }
        let file = |what: &str| folder.join(format!("{what}-{name}"));
        let (socket, open) = reachable(folder, &format!("socket-{name}")).map_err(refused)?;
        Ok(Self {
            folder: folder.to_owned(),
            door: file("door"),
            lock: file("poll"),
            socket,
            _open: open,
        })
    }

    /// Looks who polls, and takes the seat if nobody does. The holder of the lock `silent` does not answer: his place
    /// is taken even while he lives.
    pub async fn elect(&self, mut silent: Option<u64>) -> Seat {
        for _ in 0..TRIES {
            match self.try_elect(silent) {
                Ok(Tried::Lead(lead)) => return Seat::Lead(lead),
                Ok(Tried::Held(lock)) => match self.join().await {
                    Ok((stream, pid, rhythm)) => {
                        return Seat::Follow(Follow { stream, pid, rhythm, lock });
                    }
                    Err(_) => silent = Some(lock),
                },
                Ok(Tried::Busy) => {}
                Err(error) => {
                    let words = format_args!("no lock in {}: {error}", self.folder.display());
                    return Seat::Alone(Clean::line(words), false);
                }
            }
            sleep(DOOR).await;
        }
        let words = format_args!("others in {} do not come to an end", self.folder.display());
        Seat::Alone(Clean::line(words), true)
    }

    /// Never blocks.
    fn try_elect(&self, silent: Option<u64>) -> io::Result<Tried> {
        let door = open_private(&self.door)?;
        if !locked(&door)? {
            return Ok(Tried::Busy);
        }
        let mut lock = open_private(&self.lock)?;
        if !locked(&lock)? {
            let held = name_of(&mut lock)?;
            if silent != Some(held) {
                return Ok(Tried::Held(held));
            }
            // His lock goes on to be his, but no longer bears the name: he will see that when he wakes.
            fs::remove_file(&self.lock)?;
            lock = open_private(&self.lock)?;
            if !locked(&lock)? {
                return Ok(Tried::Busy);
            }
        }
        // Another one who holds the same file is not the one who was found silent. On a full disk he may pass for him: then
        // two may take turns once.
        let _ = lock.rewind().and_then(|()| lock.write_all(&fastrand::u64(1..).to_le_bytes()));
        let lead = Lead {
            listener: self.listen()?,
            lock,
            path: self.lock.clone(),
            socket: self.socket.clone(),
        };
        Ok(if lead.still() { Tried::Lead(lead) } else { Tried::Busy })
    }

    fn listen(&self) -> io::Result<UnixListener> {
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&self.socket)?;
        // The folder is closed to others already.
        fs::set_permissions(&self.socket, Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Calls on the one who polls, and waits for his name.
    async fn join(&self) -> io::Result<(UnixStream, u32, Rhythm)> {
        let called = timeout(PATIENCE, async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            is_us(&stream)?;
            match wire::read(&mut stream, TOLD_CAP).await? {
                Told::Hello { pid, seed, origin } => Ok((stream, pid, Rhythm { seed, origin })),
                _ => Err(io::Error::other("no greeting")),
            }
        });
        called.await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }
}

enum Tried {
    Lead(Lead),
    Held(u64),
    Busy,
}

impl Lead {
    /// False once somebody took the place, because we did not answer.
    pub fn still(&self) -> bool {
        self.licence()()
    }

    /// The same for another thread, as long as this lives: its open file keeps the number from being given to another.
    pub fn licence(&self) -> impl Fn() -> bool + Send + use<> {
        let id = |m: fs::Metadata| (m.dev(), m.ino());
        let (ours, path) = (self.lock.metadata().map(id).ok(), self.path.clone());
        move || ours.is_some() && ours == fs::symlink_metadata(&path).map(id).ok()
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if self.still() {
            // The lock's file stays: a name that comes and goes could be locked twice.
            let _ = fs::remove_file(&self.socket);
        }
    }
}

/// What the holder of a lock calls himself in it; 0 where nothing is written.
fn name_of(lock: &mut File) -> io::Result<u64> {
    let mut name = [0; 8];
    lock.rewind()?;
    match lock.read_exact(&mut name) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(u64::from_le_bytes(name)),
    }
}

/// The other end of a socket is a process of the same user.
///
/// # Errors
/// When it is not, or cannot be known.
pub fn is_us(stream: &UnixStream) -> io::Result<()> {
    if stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other("another user"))
}

fn locked(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A path to a socket that is short enough.
fn reachable(folder: &Path, name: &str) -> io::Result<(PathBuf, Option<File>)> {
    let path = folder.join(name);
    if path.as_os_str().len() <= PATH_CAP {
        return Ok((path, None));
    }
    if !cfg!(target_os = "linux") {
        return Err(io::Error::other("the path is too long for a socket"));
    }
    let open = File::open(folder)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd())), Some(open)))
}
