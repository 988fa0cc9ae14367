//! Where configuration is found, and how its layers lie over each other: later over earlier, by key.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::problem::{Located, Problems};
use super::tree::{self, Table, Texts};
use super::{Config, Setting, build, origin};

/// Bytes a configuration file may have.
const FILE_CAP: u64 = 1024 * 1024;
/// `include` may nest this deep: enough for a company, a team and a person.
const INCLUDE_DEPTH: usize = 4;

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `--config FILE`: instead of the files below.
    pub file: Option<PathBuf>,
    /// `/etc/andon/andon.toml`.
    pub system: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME/andon/andon.toml` or `~/.config/andon/andon.toml`, on macOS too.
    pub user: Option<PathBuf>,
    /// `ANDON_*` of the environment.
    pub environment: Vec<(String, String)>,
    /// From flags: dotted key and TOML value.
    pub flags: Vec<(String, String)>,
}

impl Places {
    /// The usual places on this machine. A file in the working directory is never read by itself.
    pub fn usual(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .filter(|(k, _)| k.starts_with("ANDON_"))
            .collect();
        Self { environment, ..Self::of_files(file) }
    }

    /// The same without what the environment sets: for who only wants to know which files there are.
    pub fn of_files(file: Option<PathBuf>) -> Self {
        // A relative XDG directory is to be ignored, says its specification.
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let home = || {
            absolute("HOME")
                .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()))
        };
        let base = absolute("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")));
        Self {
            file,
            system: Some(PathBuf::from("/etc/andon/andon.toml")),
            user: base.map(|base| base.join("andon").join("andon.toml")),
            ..Self::default()
        }
    }

    /// Files in reading order, with whether they must exist.
    pub fn files(&self) -> Vec<(PathBuf, bool)> {
        match &self.file {
            Some(file) => vec![(file.clone(), true)],
            None => [&self.system, &self.user]
                .into_iter()
                .flatten()
                .map(|p| (p.clone(), false))
                .collect(),
        }
    }
}

/// Reads every layer. `Ok(None)` when there is no file at all: a first run.
///
/// # Errors
/// Every problem of every layer, located.
pub fn load(places: &Places) -> Result<Option<Config>, Problems> {
    read(places).map(|read| finish(&read.table, &read.texts, read.problems)).transpose()
}

/// The same, with every effective value and the place it came from: only who asks for them pays for them.
///
/// # Errors
/// As [`load`].
pub fn explained(places: &Places) -> Result<Option<(Config, Vec<Setting>)>, Problems> {
    let Some(Read { table, texts, problems }) = read(places) else { return Ok(None) };
    let config = finish(&table, &texts, problems)?;
    Ok(Some((config, origin::settings(&table, &texts))))
}

/// Layers that were read and lie over each other.
struct Read {
    table: Table,
    texts: Texts,
    problems: Vec<Located>,
}

fn read(places: &Places) -> Option<Read> {
    let mut problems = Vec::new();
    let mut texts = Texts::default();
    let mut table = Table::new();
    let mut found = false;
    for (file, must_exist) in places.files() {
        match file.try_exists() {
            Ok(false) if !must_exist => {}
            Ok(false) => {
                found = true;
                let hint = "`andon config example` prints one to start from".to_owned();
                problems.push(Located::whole_file(file, "does not exist", Some(hint)));
            }
            _ => {
                found = true;
                add_file(&file, &mut table, &mut texts, &mut problems, 0);
            }
        }
    }
    if !found {
        return None;
    }
    add_environment(&places.environment, &mut table, &mut texts, &mut problems);
    add_flags(&places.flags, &mut table, &mut texts, &mut problems);
    Some(Read { table, texts, problems })
}

/// Reads a configuration that is already in memory, e.g. the demo's. Relative paths are below `folder`.
pub fn load_text(
    text: &str,
    folder: &Path,
    flags: &[(String, String)],
) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let mut texts = Texts::default();
    let mut table = texts.add(&folder.join("andon.toml"), text, false, &mut problems);
    add_flags(flags, &mut table, &mut texts, &mut problems);
    finish(&table, &texts, problems)
}

fn add_flags(
    flags: &[(String, String)],
    table: &mut Table,
    texts: &mut Texts,
    problems: &mut Vec<Located>,
) {
    for (key, value) in flags {
        let text = format!("{key} = {value}\n");
        tree::merge(table, texts.add(Path::new("command line"), &text, false, problems));
    }
}

fn finish(table: &Table, texts: &Texts, mut problems: Vec<Located>) -> Result<Config, Problems> {
    // What a file that cannot be read would have said is missing everywhere: its consequences are no news.
    if problems.is_empty() {
        let config = build::build(table, texts, &mut problems);
        if problems.is_empty() {
            return Ok(config);
        }
    }
    // In the order somebody would mend them; the same place is said once.
    let order = |file: &Path| texts.files().position(|f| f == file);
    problems.sort_by_key(|p| (order(&p.file), p.line, p.column));
    problems.dedup();
    Err(Problems { list: problems })
}

fn add_file(
    file: &Path,
    table: &mut Table,
    texts: &mut Texts,
    problems: &mut Vec<Located>,
    depth: usize,
) {
    let (text, readable) = match read_file(file) {
        Ok(read) => read,
        Err((message, hint)) => {
            problems.push(Located::whole_file(file.to_owned(), message, hint));
            return;
        }
    };
    let mut parsed = texts.add(file, &text, readable, problems);
    let Some(include) = parsed.remove("include") else {
        return tree::merge(table, parsed);
    };
    let span = include.span();
    let list = include.get_ref().as_array();
    for name in list.into_iter().flatten() {
        match name.get_ref().as_str() {
            Some(name) if depth < INCLUDE_DEPTH => {
                let folder = file.parent().unwrap_or(Path::new(""));
                add_file(&super::secret::below(folder, name), table, texts, problems, depth + 1);
            }
            Some(_) => problems.push(texts.locate(
                Some(&span),
                "files include each other too deeply".to_owned(),
                None,
            )),
            None => problems.push(texts.locate(
                Some(&name.span()),
                "expected the path of a file".to_owned(),
                None,
            )),
        }
    }
    if list.is_none() {
        let message = "`include` is a list of paths".to_owned();
        problems.push(texts.locate(
            Some(&span),
            message,
            Some("include = [\"team.toml\"]".to_owned()),
        ));
    }
    // What includes stands over what is included.
    tree::merge(table, parsed);
}

type Unreadable = (String, Option<String>);

/// The text of a configuration file, and whether others may read it.
fn read_file(file: &Path) -> Result<(String, bool), Unreadable> {
    let words = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => (
            "is included, and does not exist".to_owned(),
            Some("paths are relative to the file that includes them".to_owned()),
        ),
        kind => (format!("cannot be read: {kind}"), None),
    };
    let meta = fs::metadata(file).map_err(words)?;
    if meta.is_dir() {
        return Err(("is a folder".to_owned(), Some("name the file in it".to_owned())));
    }
    if !meta.is_file() {
        return Err(("is not a regular file".to_owned(), None));
    }
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != us && meta.uid() != 0 {
        return Err((
            format!("belongs to user {}, not to you", meta.uid()),
            Some("chown it, or copy it".to_owned()),
        ));
    }
    if meta.mode() & 0o022 != 0 {
        let fix = format!("chmod go-w {}", file.display());
        return Err(("can be changed by other users".to_owned(), Some(fix)));
    }
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|f| f.take(FILE_CAP + 1).read_to_end(&mut bytes))
        .map_err(words)?;
    if bytes.len() as u64 > FILE_CAP {
        return Err(("is larger than 1 MiB".to_owned(), None));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(("is UTF-16".to_owned(), Some("save it as UTF-8".to_owned())));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        (
            format!("is not UTF-8 from byte {}", e.utf8_error().valid_up_to()),
            Some("save it as UTF-8".to_owned()),
        )
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok((text, meta.mode() & 0o044 != 0))
}

/// `ANDON_UI_THEME=dark` is `ui.theme = "dark"`: section, then key. Other `ANDON_` names are not ours to judge.
fn add_environment(
    vars: &[(String, String)],
    table: &mut Table,
    texts: &mut Texts,
    problems: &mut Vec<Located>,
) {
    for (name, value) in vars {
        let Some((section, key)) =
            name.strip_prefix("ANDON_").map(str::to_ascii_lowercase).and_then(|rest| {
                ["team", "ui"]
                    .into_iter()
                    .find_map(|s| Some((s, rest.strip_prefix(s)?.strip_prefix('_')?.to_owned())))
            })
        else {
            continue;
        };
        let bare = matches!(value.as_str(), "true" | "false") || value.starts_with('[');
        let value =
            if bare { value.clone() } else { toml::Value::String(value.clone()).to_string() };
        let parsed = texts.add(
            Path::new(&format!("environment {name}")),
            &format!("{section}.{key} = {value}\n"),
            false,
            problems,
        );
        tree::merge(table, parsed);
    }
}
