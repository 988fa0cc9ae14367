//! The demo's folder: private, locked while its demo lives, gone with it; what killed demos left is swept by the next one.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "andon-demo-";
const MODE: u32 = 0o700;
/// A folder younger than this may not be locked yet by the demo that makes it.
const YOUNG: Duration = Duration::from_secs(60);

/// A folder of its own, readable by its owner only, removed when dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked as long as the process lives: who can lock it knows that nobody lives there.
    _lock: File,
}

impl Folder {
    pub fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..16 {
            let name = format!("{NAME}{}-{:08x}", std::process::id(), fastrand::u32(..));
            let path = base.join(name);
            match DirBuilder::new().mode(MODE).create(&path) {
                Ok(()) => {
                    let lock = File::open(&path)?;
                    // Where folders cannot be locked nothing is swept either.
                    let _ = lock.try_lock();
                    sweep(&base, &lock.metadata()?, YOUNG);
                    return Ok(Self { path, _lock: lock });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => last = e,
                Err(e) => return Err(e),
            }
        }
        Err(last)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders of demos that were killed: named as ours, owned and private as `ours` is, and unlocked.
fn sweep(base: &Path, ours: &Metadata, young: Duration) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        // Of the entry itself: a link is no folder, wherever it leads.
        let Ok(there) = fs::symlink_metadata(&path) else { continue };
        let is_ours = entry.file_name().to_str().is_some_and(is_name)
            && there.is_dir()
            && there.uid() == ours.uid()
            && there.mode() & 0o777 == MODE;
        let is_old = || {
            let age = there.modified().ok().and_then(|at| at.elapsed().ok());
            age.is_some_and(|age| age >= young)
        };
        if !is_ours || !is_old() {
            continue;
        }
        let unlocked = File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok());
        if unlocked {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// `andon-demo-4711-0badcafe`
fn is_name(name: &str) -> bool {
    let parts = name.strip_prefix(NAME).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, drawn)| {
        process.parse::<u32>().is_ok()
            && drawn.len() == 8
            && drawn.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_away() {
        let path = {
            let folder = Folder::create().unwrap();
            assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
            fs::write(folder.path().join("x"), "x").unwrap();
            folder.path().to_owned()
        };
        assert!(!path.exists());
    }

    #[test]
    fn only_folders_of_demos_that_were_killed_are_swept() {
        let base = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = base.path().join(name);
            DirBuilder::new().mode(mode).create(&path).unwrap();
            fs::write(path.join("paper.md"), "x").unwrap();
            path
        };
        let killed = make("andon-demo-4711-0badcafe", 0o700);
        let alive = make("andon-demo-4712-0badcafe", 0o700);
        let lock = File::open(&alive).unwrap();
        lock.try_lock().unwrap();
        let kept = [
            alive,
            make("andon-demo-4713-0badcafe", 0o755),
            make("andon-demo-mine", 0o700),
            make("andon-demo-4714-0badcafe-notes", 0o700),
            make("somebody-else", 0o700),
        ];
        let link = base.path().join("andon-demo-4715-0badcafe");
        std::os::unix::fs::symlink(&kept[4], &link).unwrap();
        let ours = fs::metadata(&kept[0]).unwrap();
        sweep(base.path(), &ours, YOUNG);
        assert!(killed.exists(), "too young to judge");
        sweep(base.path(), &ours, Duration::ZERO);
        assert!(!killed.exists());
        assert!(kept.iter().all(|path| path.join("paper.md").exists()) && link.exists());
    }
}
