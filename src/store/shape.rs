//! What folded records look like in this build: a snapshot that another shape of the model wrote is never read, but made anew.

use std::sync::LazyLock;

use super::place::FNV;

/// Folded records lie in the file without the names of their fields, so that they are read in a tenth of the time. What
/// they mean follows from the model's source alone: its text is hashed while compiling, and no one has to remember to
/// count a version up. A change that leaves the shapes as they are costs one start that folds the log.
pub fn format() -> &'static str {
    static FORMAT: LazyLock<String> = LazyLock::new(|| {
        let all = SHAPES.iter().fold(FNV, |all, one| (all ^ one.1).wrapping_mul(0x0100_0000_01b3));
        format!("{}/{all:016x}", env!("CARGO_PKG_VERSION"))
    });
    &FORMAT
}

/// One constant for each file: the compiler bounds how long it evaluates one.
macro_rules! shapes {
    ($($file:literal),* $(,)?) => {
        const SHAPES: &[(&str, u64)] = &[$(($file, {
            const HASH: u64 = hash(include_bytes!(concat!("../model/", $file)));
            HASH
        })),*];
    };
}

const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = FNV;
    let mut rest = bytes;
    while let [byte, more @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = more;
    }
    hash
}

shapes! {
    "alert.rs",
    "as_of.rs",
    "board.rs",
    "calendar/event.rs",
    "calendar/expand.rs",
    "calendar/mod.rs",
    "calendar/moment.rs",
    "calendar/rule.rs",
    "change.rs",
    "discovered.rs",
    "environment.rs",
    "fact.rs",
    "folded.rs",
    "forget.rs",
    "freshness.rs",
    "gate/cron.rs",
    "gate/mod.rs",
    "gate/schedule.rs",
    "health.rs",
    "ident.rs",
    "incident.rs",
    "link.rs",
    "metric.rs",
    "mod.rs",
    "nanos.rs",
    "objective.rs",
    "plan.rs",
    "postmortem.rs",
    "records.rs",
    "review.rs",
    "slices.rs",
    "team.rs",
    "text.rs",
    "ticket.rs",
    "track.rs",
    "turns.rs",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, all: &mut BTreeSet<String>, within: &str) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{within}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files(&entry.path(), all, &format!("{name}/"));
            } else {
                all.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_model_counts() {
        let mut there = BTreeSet::new();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
        files(&model, &mut there, "");
        let counted: BTreeSet<String> = SHAPES.iter().map(|s| s.0.to_owned()).collect();
        assert_eq!(there, counted, "src/store/shape.rs lists every file of src/model");
        for (name, hash) in SHAPES {
            let text = std::fs::read(model.join(name)).unwrap();
            assert_eq!(super::super::place::hash(text), *hash, "{name}");
        }
    }
}
