//! Opening a memory: private, checked, brought to this version; a damaged one is set aside, and nothing is ever deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::place::{on_a_network, prepare};
use super::words::Trouble;
use super::{Place, Store, schema};
use crate::model::Clean;

/// Something a person should know about the memory, once.
pub type Notice = Clean;

/// How long another process that writes is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The same where a first frame waits.
pub const HURRY: Duration = Duration::from_millis(50);
/// Bytes the write-ahead log may keep after a checkpoint.
const LOG_KEPT: i64 = 4 * 1024 * 1024;

enum Opened {
    Ready(Connection),
    /// Written by a newer andon: its tables are not ours to guess at.
    Newer(i64),
    /// A database, but not of ours.
    Alien,
}

pub fn open(place: &Place, now: Timestamp, patience: Duration) -> (Store, Vec<Notice>) {
    open_where(place, now, patience, &on_a_network)
}

/// `remote` says of a folder whether its disk is another machine's.
fn open_where(
    place: &Place,
    now: Timestamp,
    patience: Duration,
    remote: &dyn Fn(&Path) -> bool,
) -> (Store, Vec<Notice>) {
    let mut notices = Vec::new();
    let Some(mut file) = place.file.clone() else {
        notices.push(off(&"there is no home directory"));
        return (Store::none(), notices);
    };
    let mut shared = true;
    if remote(&nearest_folder(&file)) {
        match place.elsewhere(remote) {
            Some(local) => {
                notices.push(Clean::line(format_args!(
                    "{} is on a network: memory is kept in {} until you log out",
                    folder_of(&file).display(),
                    folder_of(&local).display()
                )));
                file = local;
            }
            // One process then, and the oldest kind of journal: what such disks can be trusted with.
            None => shared = false,
        }
    }
    let store = |base| Store::new(Some(file.clone()), base);
    match try_open(&file, shared, patience) {
        Ok(Opened::Ready(base)) => return (store(Some(base)), notices),
        Ok(Opened::Newer(version)) => {
            notices.push(off(&format_args!(
                "{} was written by a newer andon (version {version}, this one knows {})",
                file.display(),
                schema::VERSION
            )));
            return (store(None), notices);
        }
        Ok(Opened::Alien) => {}
        Err(trouble) if trouble.is_damage() => {}
        Err(trouble) => {
            notices.push(off(&format_args!("{}: {}", file.display(), reason(&trouble))));
            return (store(None), notices);
        }
    }
    let (store, more) = begin_anew(&file, now);
    notices.extend(more);
    (store, notices)
}

/// Sets a file that cannot be read aside, and begins a new one in its place.
pub fn begin_anew(file: &Path, now: Timestamp) -> (Store, Vec<Notice>) {
    let shared = !on_a_network(&nearest_folder(file));
    let anew =
        set_aside(file, now).and_then(|aside| Ok((aside, try_open(file, shared, PATIENCE)?)));
    let (base, notice) = match anew {
        Ok((aside, Opened::Ready(base))) => {
            let notice = Clean::line(format_args!(
                "memory begins anew: {} could not be read, and is kept as {}",
                file.display(),
                aside.display()
            ));
            (Some(base), notice)
        }
        Ok(_) => (None, off(&file.display())),
        Err(trouble) => (None, off(&format_args!("{}: {}", file.display(), reason(&trouble)))),
    };
    (Store::new(Some(file.to_owned()), base), vec![notice])
}

fn off(why: &dyn std::fmt::Display) -> Notice {
    Clean::line(format_args!("nothing is remembered in this run: {why}"))
}

fn reason(trouble: &Trouble) -> String {
    match trouble {
        Trouble::File(error) if error.get_ref().is_some() => error.to_string(),
        other => other.words(),
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

/// The folder of a file, or what of it is there already.
fn nearest_folder(file: &Path) -> PathBuf {
    let there = file.ancestors().skip(1).find(|folder| folder.is_dir());
    there.map(Path::to_owned).unwrap_or_default()
}

fn try_open(file: &Path, shared: bool, patience: Duration) -> Result<Opened, Trouble> {
    prepare(file)?;
    // Without `SQLITE_OPEN_URI`: a `?` or `file:` in a path is part of its name.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut base = Connection::open_with_flags(real(file), flags)?;
    base.busy_timeout(patience)?;
    base.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    base.pragma_update(None, "trusted_schema", false)?;
    let version = schema::version(&base)?;
    if version > schema::VERSION {
        return Ok(Opened::Newer(version));
    }
    let application: i32 = base.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != schema::APPLICATION {
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = base.query_row(tables, [], |row| row.get(0))?;
        if tables > 0 {
            return Ok(Opened::Alien);
        }
        base.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    if shared {
        journal(&base, "WAL")?;
    } else {
        base.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        journal(&base, "TRUNCATE")?;
    }
    // A power cut may lose the last moments, never more: exactly what a cache of upstreams can afford.
    base.pragma_update(None, "synchronous", "NORMAL")?;
    base.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    base.pragma_update(None, "temp_store", "MEMORY")?;
    schema::migrate(&mut base)?;
    base.busy_timeout(PATIENCE)?;
    base.set_prepared_statement_cache_capacity(64);
    Ok(Opened::Ready(base))
}

/// Sets the kind of journal; a file that is in use with another kind stays as it is.
fn journal(base: &Connection, kind: &str) -> rusqlite::Result<()> {
    let now: String = base.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if now.eq_ignore_ascii_case(kind) {
        return Ok(());
    }
    match base.query_row(&format!("PRAGMA journal_mode={kind}"), [], |row| row.get::<_, String>(0))
    {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        other => other.map(drop),
    }
}

/// `NOFOLLOW` refuses links anywhere in a path: those of the folders above are the user's own and are followed first.
fn real(file: &Path) -> PathBuf {
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, file.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// Renames a file that cannot be read, with what lies beside it.
fn set_aside(file: &Path, now: Timestamp) -> Result<PathBuf, Trouble> {
    let beside = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = beside(&format!(".bad-{}", now.strftime("%Y%m%dT%H%M%S%3fZ")));
    fs::rename(file, &aside)?;
    for part in ["-wal", "-shm"] {
        let mut to = aside.as_os_str().to_owned();
        to.push(part);
        // Most times there is none.
        let _ = fs::rename(beside(part), to);
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal_of(store: &Store) -> String {
        let base = store.base.as_ref().unwrap();
        base.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_home_on_a_network_is_left_for_the_folder_of_this_login() {
        let folder = tempfile::tempdir().unwrap();
        let (home, runtime) = (folder.path().join("home"), folder.path().join("run"));
        fs::create_dir(&home).unwrap();
        fs::create_dir(&runtime).unwrap();
        let place = Place { file: Some(home.join("memory.db")), runtime: Some(runtime.clone()) };
        let remote = |of: &Path| of.starts_with(&home);
        let (store, notices) = open_where(&place, Timestamp::UNIX_EPOCH, HURRY, &remote);
        assert!(store.is_on() && notices.len() == 1, "{notices:?}");
        assert!(notices[0].as_str().contains("until you log out"), "{notices:?}");
        assert!(runtime.join("andon").join("memory.db").is_file());
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
        assert_eq!(journal_of(&store), "wal");
    }

    #[test]
    fn on_a_network_one_process_remembers_and_nothing_is_shared_by_memory() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path().join("memory.db"));
        let (mut store, notices) = open_where(&place, Timestamp::UNIX_EPOCH, HURRY, &|_| true);
        assert!(store.is_on() && notices.is_empty(), "{notices:?}");
        assert_eq!(journal_of(&store), "truncate");
        store.introduce([(&crate::model::SourceName::new("gh"), "github", "")]).unwrap();
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().ends_with("-shm")), "{names:?}");
        assert!(names.iter().all(|name| !name.to_string_lossy().ends_with("-wal")), "{names:?}");
        let (second, notices) = open_where(&place, Timestamp::UNIX_EPOCH, HURRY, &|_| true);
        assert!(!second.is_on(), "two processes on one disk whose locks do not hold");
        assert!(notices[0].as_str().contains("another program holds it"), "{notices:?}");
    }
}
