//! Time zones by name: one file is read, where a zone database would first list all six hundred.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

/// Where zone files are, unless `TZDIR` says otherwise.
const USUAL: &str = "/usr/share/zoneinfo";
/// Bytes of a zone file that are read: the largest has about 4,000.
const CAP: u64 = 64 * 1024;

fn folder() -> PathBuf {
    std::env::var_os("TZDIR").map_or_else(|| USUAL.into(), PathBuf::from)
}

/// The zone with this IANA name, from the machine's own file or else from what is built in.
pub fn named(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    from_file(&folder(), name).or_else(|| TimeZone::get(name).ok())
}

/// The zone this machine lives in; UTC where it does not say.
pub fn of_this_machine() -> TimeZone {
    // Usually a link to the zone's own file; `TZ` has many forms, and wins over it.
    let linked = || {
        let target = fs::read_link("/etc/localtime").ok()?;
        let (_, name) = target.to_str()?.split_once("zoneinfo/")?;
        named(name)
    };
    let told = std::env::var_os("TZ").is_some();
    (!told).then(linked).flatten().unwrap_or_else(TimeZone::system)
}

/// Only a name exactly as its file is written is found here; other spellings are the database's to know.
fn from_file(folder: &Path, name: &str) -> Option<TimeZone> {
    let plain = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    if !name.split('/').all(plain) {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(folder.join(name)).ok()?.take(CAP).read_to_end(&mut bytes).ok()?;
    TimeZone::tzif(name, &bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_the_same_whichever_way_it_was_found() {
        let moment: jiff::Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        for name in ["UTC", "Europe/London", "Etc/GMT+12", "america/new_york"] {
            let (ours, usual) = (named(name).unwrap(), TimeZone::get(name).unwrap());
            assert_eq!(ours.iana_name(), usual.iana_name());
            assert_eq!(ours.to_offset(moment), usual.to_offset(moment), "{name}");
        }
        assert_eq!(named("Europe/Londn"), None);
    }

    #[test]
    fn a_name_leads_nowhere_but_into_the_folder_of_zones() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("zones");
        fs::create_dir(&inside).unwrap();
        if let Ok(zone) = fs::read(Path::new(USUAL).join("Europe/London")) {
            fs::write(folder.path().join("Outside"), &zone).unwrap();
            fs::write(inside.join("Inside"), &zone).unwrap();
            assert!(from_file(&inside, "Inside").is_some());
        }
        for name in ["../Outside", "/etc/localtime", "", "Inside/", "./Inside", "Inside\0"] {
            assert_eq!(from_file(&inside, name), None, "{name:?}");
        }
    }
}
