//! Files and folders: regular files only, links not followed, everything bounded and every refusal named.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::model::{Status, Trouble};
use crate::source::{Answer, FileEntry};

/// Entries looked at for every file that may be told: a folder full of other things ends too.
const LOOKED_AT: usize = 20;

/// Regular files below a folder, in order of their paths. Hidden entries (`.git`) are passed over.
pub fn read_dir(folder: &Path, deepest: usize, most: usize) -> Result<Answer, Trouble> {
    let about = std::fs::metadata(folder).map_err(|e| failed(folder, &e))?;
    if !about.is_dir() {
        return Err(Trouble::bad_data(format!("{} is not a folder", folder.display())));
    }
    let mut walk = Walk { root: folder, most, looked_at: 0, files: Vec::new(), more: false };
    walk.down(folder, deepest)?;
    Ok(Answer::Dir { files: walk.files, more: walk.more })
}

struct Walk<'a> {
    root: &'a Path,
    most: usize,
    looked_at: usize,
    files: Vec<FileEntry>,
    more: bool,
}

impl Walk<'_> {
    fn down(&mut self, folder: &Path, deeper: usize) -> Result<(), Trouble> {
        let room = (self.most + 1).saturating_mul(LOOKED_AT).saturating_sub(self.looked_at);
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| failed(folder, &e))? {
            if paths.len() >= room {
                self.more = true;
                break;
            }
            paths.push(entry.map_err(|e| failed(folder, &e))?.path());
        }
        self.looked_at += paths.len();
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            // Vanished between listing and looking, or not ours to look at: as if it were not there.
            let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
            if hidden || about.is_symlink() {
                continue;
            }
            if about.is_dir() {
                if deeper > 0 {
                    // A folder below that cannot be read does not hide its neighbours.
                    let _ = self.down(&path, deeper - 1);
                }
            } else if about.is_file() {
                if self.files.len() >= self.most {
                    self.more = true;
                    return Ok(());
                }
                self.files.push(entry(self.root, path, &about));
            }
        }
        Ok(())
    }
}

fn entry(root: &Path, path: PathBuf, about: &Metadata) -> FileEntry {
    let below = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into();
    let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    FileEntry { path, below, bytes: about.len(), modified }
}

/// The first `cap` bytes of a regular file.
pub fn read_file(path: &Path, cap: usize) -> Result<Answer, Trouble> {
    let file = open(path, OFlags::NONBLOCK | OFlags::NOFOLLOW)?;
    let (bytes, cut) = read(path, file, cap)?;
    Ok(Answer::File { bytes: bytes.into(), cut })
}

/// The whole of a small file of our own (a CA, a key); it may be a link, as mounted ones are.
pub fn small(path: &Path, cap: usize) -> Result<Vec<u8>, Trouble> {
    let file = open(path, OFlags::NONBLOCK)?;
    match read(path, file, cap)? {
        (bytes, false) => Ok(bytes),
        (_, true) => Err(Trouble::new(
            Status::TooLarge,
            format!("{} is larger than {cap} bytes", path.display()),
        )),
    }
}

/// Opening never waits: a fifo without a writer would.
fn open(path: &Path, flags: OFlags) -> Result<File, Trouble> {
    let flags = i32::from_ne_bytes(flags.bits().to_ne_bytes());
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|e| failed(path, &e))?;
    let kind = file.metadata().map_err(|e| failed(path, &e))?.file_type();
    let is = match () {
        () if kind.is_file() => return Ok(file),
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(Trouble::bad_data(format!("{} is {is}, not a file", path.display())))
}

fn read(path: &Path, file: File, cap: usize) -> Result<(Vec<u8>, bool), Trouble> {
    let mut bytes = Vec::new();
    file.take(cap as u64 + 1).read_to_end(&mut bytes).map_err(|e| failed(path, &e))?;
    let cut = bytes.len() > cap;
    bytes.truncate(cap);
    Ok((bytes, cut))
}

fn failed(path: &Path, error: &io::Error) -> Trouble {
    let shown = path.display();
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return Trouble::bad_data(format!("{shown} is a link: links are not followed"))
            .hint("name the file it leads to");
    }
    match error.kind() {
        io::ErrorKind::NotFound => {
            Trouble::new(Status::NotFound, format!("{shown} does not exist"))
        }
        io::ErrorKind::PermissionDenied => {
            Trouble::new(Status::Auth, format!("{shown} may not be read by this user"))
        }
        io::ErrorKind::NotADirectory => Trouble::new(
            Status::NotFound,
            format!("{shown} leads through something that is no folder"),
        ),
        _ => Trouble::new(Status::Unreachable, format!("{shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    fn below(folder: &Path, deepest: usize, most: usize) -> (Vec<String>, bool) {
        match read_dir(folder, deepest, most).unwrap() {
            Answer::Dir { files, more } => {
                (files.iter().map(|f| f.below.to_string()).collect(), more)
            }
            other => panic!("{other:?}"),
        }
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |p: &str| folder.path().join(p);
        std::fs::create_dir_all(at("2024/deep")).unwrap();
        std::fs::create_dir_all(at(".git")).unwrap();
        for file in ["b.md", "a.md", "2024/x.md", "2024/deep/y.md", ".git/config"] {
            std::fs::write(at(file), file).unwrap();
        }
        std::os::unix::fs::symlink(at("a.md"), at("link.md")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("2024/circle")).unwrap();
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        folder
    }

    #[test]
    fn a_folder_gives_its_regular_files_in_order_and_follows_no_link() {
        let folder = tree();
        let (files, more) = below(folder.path(), 4, 100);
        assert_eq!(files, ["2024/deep/y.md", "2024/x.md", "a.md", "b.md"]);
        assert!(!more);
        assert_eq!(below(folder.path(), 0, 100).0, ["a.md", "b.md"]);
    }

    #[test]
    fn more_files_than_asked_for_are_said_and_not_told() {
        let folder = tree();
        let (files, more) = below(folder.path(), 4, 2);
        assert_eq!((files.len(), more), (2, true));
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_never_waited_for() {
        let folder = tree();
        for (path, status, word) in [
            ("fifo", Status::BadData, "a pipe"),
            ("2024", Status::BadData, "a folder"),
            ("link.md", Status::BadData, "is a link"),
            ("none.md", Status::NotFound, "does not exist"),
        ] {
            let trouble = read_file(&folder.path().join(path), 100).unwrap_err();
            assert_eq!(trouble.status, status, "{path}");
            assert!(trouble.message.as_str().contains(word), "{trouble}");
        }
        let trouble = read_file(Path::new("/dev/zero"), 100).unwrap_err();
        assert!(trouble.message.as_str().contains("a device"), "{trouble}");
    }

    #[test]
    fn a_file_is_cut_at_its_cap_and_says_so() {
        let folder = tree();
        let file = folder.path().join("a.md");
        for (cap, len, was_cut) in [(100, 4, false), (4, 4, false), (3, 3, true)] {
            match read_file(&file, cap).unwrap() {
                Answer::File { bytes, cut } => assert_eq!((bytes.len(), cut), (len, was_cut)),
                other => panic!("{other:?}"),
            }
        }
    }
}
