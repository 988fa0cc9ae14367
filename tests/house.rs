//! The laws of the house, held: rooms know only rooms above them, pure rooms stay pure, every file has its caption.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

struct Room {
    name: &'static str,
    pure: bool,
    /// Outside crates it may name.
    crates: &'static [&'static str],
}

const fn pure(name: &'static str, crates: &'static [&'static str]) -> Room {
    Room { name, pure: true, crates }
}

const fn busy(name: &'static str, crates: &'static [&'static str]) -> Room {
    Room { name, pure: false, crates }
}

/// Top to bottom: a room may know only rooms above it. The README's table under "The house" says what each holds.
const ROOMS: &[Room] = &[
    pure(
        "model",
        &[
            "jiff",
            "serde",
            "schemars",
            "thiserror",
            "unicode_normalization",
            "unicode_segmentation",
            "unicode_width",
            "url",
            "calcard",
            "croner",
        ],
    ),
    pure("insight", &["jiff", "croner", "memchr"]),
    pure(
        "source",
        &[
            "jiff",
            "serde",
            "serde_json",
            "toml",
            "url",
            "httpdate",
            "yaml_rust2",
            "calcard",
            "pulldown_cmark",
            "strsim",
        ],
    ),
    pure("page", &["jiff", "pulldown_cmark", "unicode_segmentation", "unicode_width"]),
    pure(
        "cockpit",
        &["jiff", "regex", "nucleo_matcher", "strsim", "thiserror", "unicode_segmentation"],
    ),
    busy(
        "config",
        &[
            "jiff",
            "serde",
            "serde_json",
            "schemars",
            "toml",
            "url",
            "strsim",
            "directories",
            "croner",
            "rustix",
            "thiserror",
        ],
    ),
    pure("view", &["ratatui", "jiff", "unicode_segmentation", "unicode_width"]),
    pure("print", &["serde_json", "jiff", "unicode_segmentation", "unicode_width"]),
    busy(
        "store",
        &[
            "rusqlite",
            "postcard",
            "lz4_flex",
            "serde",
            "serde_json",
            "jiff",
            "directories",
            "rustix",
            "thiserror",
        ],
    ),
    busy(
        "engine",
        &[
            "serde",
            "postcard",
            "tokio",
            "futures_util",
            "reqwest",
            "rustls",
            "rustls_platform_verifier",
            "webpki_roots",
            "hyper",
            "tokio_rustls",
            "x509_parser",
            "bytes",
            "rustix",
            "signal_hook",
            "base64",
            "url",
            "httpdate",
            "secrecy",
            "fastrand",
            "jiff",
            "crossterm",
            "termina",
            "ratatui",
            "thiserror",
        ],
    ),
    busy(
        "demo",
        &[
            "tokio",
            "hyper",
            "hyper_util",
            "httpdate",
            "regex",
            "toml",
            "toml",
            "http_body_util",
            "bytes",
            "jiff",
            "serde_json",
            "regex",
            "url",
            "fastrand",
        ],
    ),
    busy(
        "command",
        &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "color_eyre",
            "serde_json",
            "jiff",
            "ratatui",
            "directories",
        ],
    ),
];

/// What a pure room never names: the clock, the environment, files, sockets, processes, threads.
const IMPURE: &[&str] = &[
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "Instant::now",
    "TimeZone::system",
    "std::env",
    "env::var",
    "std::fs",
    "fs::read",
    "File::open",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::process",
    "std::thread",
    "thread::spawn",
    "std::io::std",
    "include_dir",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The code of a file: without comments, and without the tests at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    text.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

fn without_comment(line: &str) -> &str {
    match line.find("//") {
        // An address in a string is no comment.
        Some(at) if line[..at].ends_with(':') => line,
        Some(at) => &line[..at],
        None => line,
    }
}

/// Files of a room that are tests only (`mod x;` under `#[cfg(test)]`) are free, as test modules are.
fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|s| s == "tests" || s.to_string_lossy().ends_with("_tests"))
}

fn room_files(room: &str) -> Vec<PathBuf> {
    rust_files(&root().join("src").join(room)).into_iter().filter(|p| !is_test_file(p)).collect()
}

/// Names that follow `prefix` in the code, as whole path heads.
fn heads<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let ident = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(prefix)
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| ident(c) || c == ':'))
        .map(|(at, _)| {
            let rest = &code[at + prefix.len()..];
            &rest[..rest.find(|c| !ident(c)).unwrap_or(rest.len())]
        })
        .collect()
}

fn dependencies() -> Vec<String> {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().map(|k| k.replace('-', "_")).collect()
}

#[test]
fn a_room_knows_only_rooms_above_it() {
    let mut broken = Vec::new();
    for (i, room) in ROOMS.iter().enumerate() {
        let above: BTreeSet<&str> = ROOMS[..=i].iter().map(|r| r.name).collect();
        for file in room_files(room.name) {
            let code = code(&file);
            // `use crate::{a, b}` would hide names from this reading: one room a line.
            assert!(!code.contains("crate::{"), "{}: name one room in each `use`", file.display());
            for known in heads(&code, "crate::") {
                if !above.contains(known) {
                    broken.push(format!(
                        "{} uses `{known}`, which is not above `{}`",
                        file.display(),
                        room.name
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_room_uses_only_its_own_outside_crates() {
    let mut broken = Vec::new();
    for room in ROOMS {
        for file in room_files(room.name) {
            let code = code(&file);
            for dependency in dependencies() {
                let used = code.match_indices(&format!("{dependency}::")).any(|(at, _)| {
                    !code[..at].ends_with(|c: char| {
                        c.is_alphanumeric() || c == '_' || c == ':' || c == '"'
                    })
                });
                if used && !room.crates.contains(&dependency.as_str()) {
                    broken.push(format!(
                        "{} uses `{dependency}`, which is not for `{}`",
                        file.display(),
                        room.name
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn pure_rooms_do_not_touch_the_world() {
    let mut broken = Vec::new();
    for room in ROOMS.iter().filter(|r| r.pure) {
        for file in room_files(room.name) {
            let code = code(&file);
            broken.extend(
                IMPURE
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|w| format!("{}: {w}", file.display())),
            );
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nothing_awaits_between_a_key_and_the_screen() {
    for room in ["cockpit", "view", "page"] {
        for file in room_files(room) {
            let code = code(&file);
            let words: Vec<&str> =
                code.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
            let waits = words.iter().any(|word| matches!(*word, "await" | "async"));
            assert!(!waits, "{}", file.display());
        }
    }
}

#[test]
fn every_folder_is_a_room() {
    let rooms: BTreeSet<String> = ROOMS.iter().map(|r| r.name.to_owned()).collect();
    let folders: BTreeSet<String> = fs::read_dir(root().join("src"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, rooms);
}

#[test]
fn every_file_opens_with_its_caption() {
    for file in rust_files(&root().join("src")).iter().chain(&rust_files(&root().join("tests"))) {
        let text = fs::read_to_string(file).unwrap();
        let first = text.lines().next().unwrap_or("");
        let sentence = first
            .strip_prefix("//! ")
            .unwrap_or_else(|| panic!("{} has no caption", file.display()));
        assert!(
            sentence.len() > 20 && sentence.ends_with(['.', '?']),
            "{}: {sentence:?} is no sentence",
            file.display()
        );
    }
}

#[test]
fn the_top_level_is_what_the_readme_promises() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "assets",
        "benches",
        "src",
        "tests",
    ];
    let allowed: Vec<String> = allowed
        .iter()
        .map(|s| (*s).to_owned())
        .chain(
            ["clippy.toml", "rustfmt.toml", "deny.toml", "target", "proptest-regressions"]
                .map(str::to_owned),
        )
        .collect();
    for entry in fs::read_dir(root()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || allowed.contains(&name),
            "{name} has no place at the top level"
        );
    }
}

#[test]
fn every_kind_of_source_is_in_the_registry() {
    let listed: BTreeSet<&str> = andon::source::KINDS.iter().map(|k| k.name).collect();
    assert_eq!(listed.len(), andon::source::KINDS.len(), "two kinds share a name");
    let mut declared = 0;
    for file in room_files("source") {
        declared += code(&file).matches("pub const KIND: Kind").count();
    }
    assert_eq!(declared, listed.len(), "a KIND is declared and not listed");
}

/// The lines of README between `<!-- NAME -->` and `<!-- /NAME -->`.
fn readme(part: &str) -> String {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let open = format!("<!-- {part} -->\n");
    let from = text.find(&open).unwrap_or_else(|| panic!("README has no part {part}")) + open.len();
    let until = text[from..]
        .find(&format!("<!-- /{part} -->"))
        .unwrap_or_else(|| panic!("README part {part} has no end"));
    text[from..from + until].trim().to_owned()
}

fn check_table(part: &str, header: &str, rows: impl Iterator<Item = String>) {
    let columns = header.matches('|').count() - 1;
    let mut expected = format!("{header}\n|{}\n", " --- |".repeat(columns));
    for row in rows {
        expected.push_str(&row);
        expected.push('\n');
    }
    assert_eq!(
        readme(part),
        expected.trim(),
        "README's {part} table is not the registry's; this is what it should be:\n\n{expected}"
    );
}

#[test]
fn the_readme_lists_the_sources_there_are() {
    let rows = andon::source::KINDS
        .iter()
        .map(|k| format!("| `{}` | {} | {} s |", k.name, k.about, k.every.as_secs()));
    check_table("sources", "| kind | what it reads | asked every |", rows);
}

#[test]
fn the_readme_lists_the_presets_there_are() {
    let rows = andon::source::prometheus::known().into_iter().map(|preset| {
        let labels = match preset.labels.as_slice() {
            [] => "the usual labels".to_owned(),
            labels => labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", "),
        };
        format!("| {} | {} | {labels} |", preset.name, preset.numbers.join(", "))
    });
    check_table("presets", "| told by | numbers | found by |", rows);
}

#[test]
fn the_readme_lists_the_tabs_there_are() {
    let rows = andon::page::TABS
        .iter()
        .enumerate()
        .map(|(i, t)| format!("| `{}` | {} | {} |", i + 1, t.title, t.about));
    check_table("tabs", "| key | tab | what it says |", rows);
}

#[test]
fn the_readme_lists_the_pages_of_the_wall() {
    let leaves = andon::page::wall::LEAVES.iter();
    let rows = leaves.map(|leaf| format!("| `{}` | {} |", leaf.name, leaf.about));
    check_table("wall", "| page | what it shows |", rows);
}

#[test]
fn every_insight_is_in_the_registry_and_the_readme() {
    for insight in andon::insight::INSIGHTS {
        let word = insight.name.replace('-', "_");
        let file = root().join("src/insight").join(format!("{word}.rs"));
        assert!(file.exists(), "no file for the insight {}", insight.name);
    }
    let rows = andon::insight::INSIGHTS.iter().map(|i| format!("| {} | {} |", i.name, i.about));
    check_table("insights", "| insight | what it says |", rows);
}

#[test]
fn the_readme_lists_the_keys_there_are() {
    let keymap = andon::cockpit::Keymap::default();
    let rows = andon::cockpit::actions::ACTIONS.iter().enumerate().map(|(line, entry)| {
        let keys: Vec<String> = keymap
            .keys_of(line)
            .iter()
            .map(|k| format!("`{}`", k.to_string().replace('|', "\\|")))
            .collect();
        format!("| {} | {} | `{}` |", keys.join(" "), entry.about, entry.name)
    });
    check_table("keys", "| keys | what they do | name |", rows);
}

#[test]
fn the_readme_names_every_command() {
    use clap::CommandFactory as _;
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in andon::command::Cli::command().get_subcommands() {
        assert!(
            readme.contains(&format!("`andon {}", command.get_name())),
            "README does not name `andon {}`",
            command.get_name()
        );
    }
}
