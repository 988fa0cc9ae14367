//! Where memory lies: one private file per configuration below the state directory, on a disk that keeps its locks.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Where a memory is looked for.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The file; `None` where there is no home to put it in.
    pub file: Option<PathBuf>,
    /// A folder of this login that is on a local disk, for homes on a network.
    pub runtime: Option<PathBuf>,
}

impl Place {
    /// The usual place of a configuration's memory: `$XDG_STATE_HOME/andon`, else `~/.local/state/andon`.
    pub fn usual(fingerprint: &str) -> Self {
        // A relative or empty XDG directory is to be ignored, says its specification.
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let home = absolute("HOME")
            .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()));
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| home.map(|home| home.join(".local").join("state")));
        let name = format!("{fingerprint}.db");
        Self {
            file: state.map(|state| state.join("andon").join(name)),
            runtime: absolute("XDG_RUNTIME_DIR").filter(|folder| is_ours(folder)),
        }
    }

    /// A file somebody chose.
    pub fn at(file: PathBuf) -> Self {
        Self { file: Some(file), runtime: None }
    }

    /// The same memory in the folder of this login, where that is not `remote` as well.
    pub(super) fn elsewhere(&self, remote: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
        let name = self.file.as_ref()?.file_name()?;
        let folder = self.runtime.as_ref().filter(|folder| !remote(folder))?;
        Some(folder.join("andon").join(name))
    }
}

/// The name of a configuration's memory: by where its files are, not by what they say, so that whoever adds a source
/// keeps what is remembered of the others.
pub fn fingerprint(files: &[PathBuf]) -> String {
    let bytes = files
        .iter()
        .flat_map(|file| file.as_os_str().as_encoded_bytes().iter().copied().chain([0]));
    format!("{:016x}", hash(bytes))
}

/// What FNV-1a begins with.
pub(super) const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, which is the same in every version and on every machine (RFC 9923).
pub(super) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(FNV, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Makes the folder and the file, private from the first byte: what `SQLite` lays beside the file inherits its mode.
pub(super) fn prepare(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // Somebody's own folder is left as it is; those we make are for nobody else.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match fs::symlink_metadata(file) {
        Ok(meta) if meta.file_type().is_symlink() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a symbolic link"));
        }
        Ok(meta) if !meta.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(meta) if meta.uid() != rustix::process::geteuid().as_raw() => {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "somebody else's file"));
        }
        Ok(meta) if meta.mode() & 0o077 != 0 => {
            fs::set_permissions(file, Permissions::from_mode(0o600))?;
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let flags = i32::try_from(flags.bits()).unwrap_or(0);
            let mut options = OpenOptions::new();
            options.write(true).create(true).mode(0o600).custom_flags(flags).open(file)?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|meta| {
        meta.is_dir()
            && meta.uid() == rustix::process::geteuid().as_raw()
            && meta.mode().trailing_zeros() >= 6
    })
}

/// File systems whose locks and shared memory cannot be trusted (linux/magic.h): NFS, SMB, FUSE, 9p, AFS, Coda, Ceph,
/// Lustre.
#[cfg(target_os = "linux")]
pub fn on_a_network(folder: &Path) -> bool {
    // The type is signed or not, wide or not, depending on the machine: the low 32 bits are the number.
    rustix::fs::statfs(folder).is_ok_and(|found| is_remote(found.f_type as u32))
}

#[cfg(target_os = "linux")]
fn is_remote(kind: u32) -> bool {
    const REMOTE: [u32; 10] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414F,
        0x7375_7245,
        0x00C3_6400,
        0x0BD0_0BD0,
    ];
    REMOTE.contains(&kind)
}

#[cfg(not(target_os = "linux"))]
pub fn on_a_network(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn disks_of_other_machines_are_known_by_their_numbers() {
        for (name, kind) in
            [("NFS", 0x6969), ("CIFS", 0xFF53_4D42), ("FUSE", 0x6573_5546), ("9p", 0x0102_1997)]
        {
            assert!(is_remote(kind), "{name}");
        }
        for (name, kind) in
            [("ext4", 0xEF53), ("xfs", 0x5846_5342), ("btrfs", 0x9123_683E), ("tmpfs", 0x0102_1994)]
        {
            assert!(!is_remote(kind), "{name}");
        }
    }

    #[test]
    fn a_memory_is_named_by_where_its_configuration_is() {
        let of = |files: &[&str]| fingerprint(&files.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["/a/andon.toml"]), of(&["/a/andon.toml"]));
        assert_ne!(of(&["/a/andon.toml"]), of(&["/b/andon.toml"]));
        assert_ne!(of(&["/a", "/b"]), of(&["/a/b"]));
    }
}
