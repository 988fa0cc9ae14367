//! Where the processes of one user and one configuration meet: a private folder, and names in it that follow from the configuration's path.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Bytes a shared file may have.
const CAP: u64 = 1024 * 1024;

/// A place for one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    name: String,
}

impl Place {
    /// Places of a configuration, by the files that make it, the usual one first; the others are where a process of
    /// another environment (a cron job, a shell after `su`) would be. Nothing is touched. Empty without a home.
    pub fn of(files: &[PathBuf]) -> Vec<Self> {
        folders().into_iter().map(|folder| Self::within(folder, files)).collect()
    }

    /// A place in a folder of the caller's choice.
    pub fn within(folder: PathBuf, files: &[PathBuf]) -> Self {
        Self { folder, name: fingerprint(files.iter().map(|f| f.as_os_str().as_encoded_bytes())) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of this place.
    pub fn file(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{what}-{}", self.name))
    }

    /// The status line's values.
    pub fn status(&self) -> PathBuf {
        self.file("status")
    }

    /// When somebody last asked for them.
    pub fn asked(&self) -> PathBuf {
        self.file("asked")
    }

    /// Makes the folder, and makes sure that it is ours alone.
    ///
    /// # Errors
    /// When it cannot be made, belongs to somebody else, or is open to others.
    pub fn prepare(&self) -> io::Result<()> {
        prepare(&self.folder)
    }

    /// Replaces a file of this place whole: a reader sees the old or the new one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.prepare()?;
        replace(file, bytes)
    }

    /// Notes that somebody asks; a poller that polls for status lines only goes on because of it.
    pub fn ask(&self) {
        let file = self.asked();
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
        let touched = rustix::fs::utimensat(
            rustix::fs::CWD,
            &file,
            &times,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        );
        if touched.is_err() && self.prepare().is_ok() {
            let _ = open_private(&file);
        }
    }
}

/// Replaces a file of a folder that is ours: a reader sees the old or the new one.
///
/// # Errors
/// When the folder cannot be written.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = file.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    // What a killed process of the same number left is in the way, and nobody's.
    let _ = fs::remove_file(&fresh);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut out| out.write_all(bytes))
        .and_then(|()| fs::rename(&fresh, file));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Reads a shared file of text.
///
/// # Errors
/// When it is not there or not to be trusted, or not UTF-8.
pub fn read(file: &Path) -> io::Result<String> {
    String::from_utf8(read_bytes(file)?).map_err(io::Error::other)
}

/// Reads a shared file: regular, ours, not through a symbolic link, of bounded size.
///
/// # Errors
/// When it is not there or not to be trusted.
pub fn read_bytes(file: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened =
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file)?;
    let meta = opened.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("is not ours"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(CAP)).unwrap_or(0));
    opened.take(CAP).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a folder, and makes sure that it is ours alone.
///
/// # Errors
/// When it cannot be made, belongs to somebody else, or is open to others.
pub fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if ours(folder) {
        return Ok(());
    }
    Err(io::Error::other("it is open to others"))
}

/// Opens a file for a lock or a time stamp, made private from its first byte.
///
/// # Errors
/// When it cannot be made, or is a symbolic link.
pub fn open_private(file: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(file)
}

/// Where all processes of this user meet, whatever their configuration: there limits are told. `None` without a home, and
/// where locks do not hold.
pub fn meeting() -> Option<PathBuf> {
    let folder = folders().into_iter().next()?;
    let fit = prepare(&folder).is_ok() && !crate::store::on_a_network(&folder);
    fit.then_some(folder)
}

/// Only a runtime folder that is ours and closed to others is one (its specification says so: `su` keeps another's);
/// else the state folder. Never a temporary folder that is shared.
fn folders() -> Vec<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let runtime = absolute("XDG_RUNTIME_DIR").filter(|folder| ours(folder));
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local").join("state")));
    let within = |base: PathBuf| base.join("andon");
    runtime.map(within).into_iter().chain(state.map(|s| within(s).join("run"))).collect()
}

fn ours(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| {
        let us = rustix::process::geteuid().as_raw();
        meta.is_dir() && meta.uid() == us && meta.mode().trailing_zeros() >= 6
    })
}

/// FNV-1a of 64 bits over parts, in hexadecimal: short enough for a socket's name, the same in every process and
/// version. Nobody else can choose the parts, so that it need not be cryptographic.
pub fn fingerprint<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        for byte in part {
            eat(*byte);
        }
        eat(0xff);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn place(folder: &Path) -> Place {
        Place::within(folder.join("andon"), &[PathBuf::from("/etc/andon/andon.toml")])
    }

    #[test]
    fn what_is_shared_is_private_from_its_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        place.write(&place.status(), b"words").unwrap();
        assert_eq!(read(&place.status()).unwrap(), "words");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(place.folder()), mode(&place.status())), (0o700, 0o600));
        place.ask();
        assert_eq!(mode(&place.asked()), 0o600);
        let left = fs::read_dir(place.folder()).unwrap().count();
        assert_eq!(left, 2, "a temporary file was left behind");
    }

    #[test]
    fn a_folder_that_others_can_enter_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        fs::create_dir(place.folder()).unwrap();
        fs::set_permissions(place.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(place.write(&place.status(), b"words").is_err());
    }

    #[test]
    fn neither_links_nor_pipes_nor_folders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("secret"), "x").unwrap();
        std::os::unix::fs::symlink(file("secret"), file("link")).unwrap();
        fs::create_dir(file("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, file("pipe"), rustix::fs::Mode::RUSR).unwrap();
        for name in ["link", "pipe", "folder", "missing"] {
            assert!(read(&file(name)).is_err(), "{name}");
        }
        assert!(open_private(&file("link")).is_err());
    }

    #[test]
    fn a_fingerprint_tells_the_parts_apart() {
        let of = |parts: &[&str]| fingerprint(parts.iter().map(|p| p.as_bytes()));
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_ne!(of(&[]), of(&[""]));
        assert_eq!(of(&["a"]).len(), 16);
    }
}
