//! `andon status`: one line from one small file, before anything else of the program is set up; it always prints, and ends with 0.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use color_eyre::eyre::{Report, Result};

use super::cli::{Common, Status, World};
use super::{help, out, past};
use crate::config::{Config, Places};
use crate::engine::share::{self, Doorstep, Place, Woken};
use crate::model::Clean;
use crate::print::status::{Absence, Format, Glance, Taste, Template, Wish, escaped, line};

/// How long a disk may take where the quick way found nothing fresh.
const PATIENCE: Duration = Duration::from_millis(400);
/// A line that says an age is looked at again this often.
const STEP: Duration = Duration::from_secs(60);

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    config: Option<PathBuf>,
    format: Option<Format>,
    template: Option<String>,
    follow: bool,
    push: bool,
    no_poll: bool,
    ascii: bool,
}

/// Answers `andon status` and gives the exit code; `None` for every other command line, and for its help.
///
/// It stands before the runtime, the command line's grammar and the configuration: a bar asks every few seconds.
pub fn early(arguments: &[OsString]) -> Option<ExitCode> {
    match read_arguments(arguments.get(1..).unwrap_or(&[]))? {
        Ok(asked) => run(&asked),
        // A bar shows standard output only: what is wrong with the question is said there.
        Err(words) => say(Clean::line(format_args!("andon status: {words}")).as_str()),
    }
    Some(ExitCode::SUCCESS)
}

/// `None` when this is not for us, or asks for help.
fn read_arguments(arguments: &[OsString]) -> Option<Result<Asked, String>> {
    let mut asked = Asked::default();
    let mut ours = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let word = argument.to_str().unwrap_or("");
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(OsStr::new(value))),
            _ => (word, None),
        };
        let mut value = || joined.or_else(|| rest.next().map(OsString::as_os_str));
        let wrong = match name {
            "status" if !ours => {
                ours = true;
                None
            }
            // The past is not in the small file: that takes the whole program.
            "-h" | "--help" | "--at" => return None,
            "--config" => take(value(), name, &mut asked.config, |v| Ok(PathBuf::from(v))),
            "--format" => take(value(), name, &mut asked.format, format),
            "--template" => take(value(), name, &mut asked.template, text),
            // They are of every command, and mean nothing to a line.
            "--theme" | "--color" => take(value(), name, &mut None, |_| Ok(())),
            "--ascii" => flag(&mut asked.ascii),
            "--follow" => flag(&mut asked.follow),
            "--push" => flag(&mut asked.push),
            "--no-poll" => flag(&mut asked.no_poll),
            _ if !ours => return None,
            _ => Some(format!("`{word}` is no option of it; `andon status --help` lists them")),
        };
        match wrong {
            Some(words) if ours => return Some(Err(words)),
            // Before `status` it is another command's, or clap's to judge.
            Some(_) => return None,
            None => {}
        }
    }
    ours.then_some(Ok(asked))
}

fn flag(slot: &mut bool) -> Option<String> {
    *slot = true;
    None
}

fn take<T>(
    value: Option<&OsStr>,
    name: &str,
    slot: &mut Option<T>,
    read: impl Fn(&OsStr) -> Result<T, String>,
) -> Option<String> {
    match value.map(read) {
        Some(Ok(read)) => {
            *slot = Some(read);
            None
        }
        Some(Err(words)) => Some(words),
        None => Some(format!("{name} needs a value")),
    }
}

fn text(value: &OsStr) -> Result<String, String> {
    value.to_str().map(str::to_owned).ok_or_else(|| "the template is not UTF-8".to_owned())
}

fn format(value: &OsStr) -> Result<Format, String> {
    value.to_str().and_then(Format::named).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|f| f.name()).collect();
        format!("there is no format `{}`; formats are {}", value.display(), names.join(", "))
    })
}

/// `andon status --at`: the line as it was. Unlike the line of now it needs the memory, and may ask metric stores.
///
/// # Errors
/// When that is no moment of the past, or the configuration is wrong.
pub fn then(common: &Common, options: &Status) -> Result<ExitCode> {
    // Every other command line of it was answered before the grammar was asked.
    let Some(at) = &options.at else { return help::topic(Some("status")) };
    let gathered = past::at(common, &World { demo: None }, at)?;
    let glance = Glance::of(&gathered.team, &gathered.board, &gathered.survey, gathered.now);
    let asked = Asked {
        format: options
            .format
            .as_deref()
            .map(|word| format(OsStr::new(word)))
            .transpose()
            .map_err(Report::msg)?,
        template: options.template.clone(),
        ascii: common.ascii,
        ..Asked::default()
    };
    out::data(&format!("{}\n", written(&Ok(glance), &asked, gathered.now.as_second())))?;
    Ok(ExitCode::SUCCESS)
}

fn run(asked: &Asked) {
    let files = files(asked.config.as_deref());
    let mut printed = None;
    let mut refused = 0;
    let doorstep = asked
        .follow
        .then(|| Place::of(&files).first().map(|place| Doorstep::of(place.folder())))
        .flatten();
    loop {
        let seen = look(&files, asked);
        let now = now();
        let text = written(&seen, asked, now);
        if printed.as_ref() != Some(&text) {
            say(&text);
            if asked.push {
                let pushed =
                    written(&seen, &Asked { format: Some(Format::Tmux), ..asked.brief() }, now);
                refused = if share::push(&pushed) { 0 } else { refused + 1 };
            }
            printed = Some(text);
        }
        // A tmux that takes nothing any more is gone.
        if !asked.follow || refused >= 3 {
            return;
        }
        let until_stale = seen.as_ref().map_or(0, |glance| glance.stale_at.saturating_add(1) - now);
        let until_stale = u64::try_from(until_stale).ok().filter(|s| *s > 0);
        let longest = until_stale.map_or(STEP, |s| STEP.min(Duration::from_secs(s)));
        let woken = match &doorstep {
            Some(doorstep) => doorstep.wait(io::stdout(), longest),
            None => Doorstep::of(Path::new("")).wait(io::stdout(), longest),
        };
        if !matches!(woken, Ok(Woken::Look)) {
            return;
        }
    }
}

impl Asked {
    /// What a second line of the same reading needs.
    fn brief(&self) -> Self {
        Self { template: self.template.clone(), ascii: self.ascii, ..Self::default() }
    }
}

/// The line as it is wanted: by the command line, else by `[status]`, else plain.
fn written(seen: &Result<Glance, Absence>, asked: &Asked, now: i64) -> String {
    let taste = seen.as_ref().map(|glance| glance.taste.clone()).unwrap_or_default();
    let format = asked.format.or(taste.format).unwrap_or(Format::Plain);
    let template = asked.template.as_deref().or(taste.template.as_ref().map(Clean::as_str));
    let template = match template.filter(|_| format != Format::Json).map(Template::parse) {
        Some(Err(words)) => {
            let words = Clean::line(format_args!("andon status: the template: {words}"));
            return escaped(words.as_str(), format).into_owned();
        }
        Some(Ok(template)) => Some(template),
        None => None,
    };
    let ascii = asked.ascii || taste.ascii;
    let wish = Wish { format, template: template.as_ref(), ascii, now };
    line(seen.as_ref().map_err(|absence| *absence), &wish)
}

/// The files that would be read, as they are named; none of them is touched.
fn files(config: Option<&Path>) -> Vec<PathBuf> {
    let places = Places::of_files(config.map(Path::to_owned));
    places.files().into_iter().map(|(file, _)| std::path::absolute(&file).unwrap_or(file)).collect()
}

/// The files that are there, by their real names.
fn real(files: &[PathBuf]) -> Vec<PathBuf> {
    files.iter().filter_map(|file| file.canonicalize().ok()).collect()
}

/// Where whoever polls this configuration leaves its line: by the configuration's name, and by its real name.
pub fn places(config: Option<&Path>) -> Vec<Place> {
    let files = files(config);
    let mut places: Vec<Place> = Place::of(&files).into_iter().take(1).collect();
    let real = Place::of(&real(&files)).into_iter().next();
    places.extend(real.filter(|place| !places.contains(place)));
    places
}

/// What was left by whoever polls.
fn look(files: &[PathBuf], asked: &Asked) -> Result<Glance, Absence> {
    let now = now();
    let found = Place::of(files).first().map(|place| glance(place, asked.format));
    if let Some(Ok(glance)) = &found {
        // One who polls for lines like this one goes on as long as they are asked for.
        if glance.teller.background && !asked.no_poll {
            Place::of(files).first().iter().for_each(|place| place.ask());
        }
        if !glance.is_stale(now) {
            return Ok(glance.clone());
        }
    }
    let (tell, told) = channel();
    let (format, files, waker) =
        (asked.format, files.to_owned(), (!asked.no_poll).then(|| arguments(asked)));
    // Waking somebody belongs there, too. A home that does not answer must not hold up a bar: the thread is left behind.
    let spawned = std::thread::Builder::new()
        .spawn(move || drop(tell.send(search(&files, format, waker.as_deref(), now))));
    let searched = match spawned {
        Ok(_) => told.recv_timeout(PATIENCE).unwrap_or(Err(Absence::Late)),
        Err(_) => Err(Absence::Late),
    };
    match (found, searched) {
        (Some(Ok(old)), Ok(other)) if old.heard > other.heard => Ok(old),
        (Some(Ok(old)), Err(_)) => Ok(old),
        (_, searched) => searched,
    }
}

/// The slower way: by real names, in the folders of other environments, and whether there is a configuration at all.
fn search(
    files: &[PathBuf],
    format: Option<Format>,
    waker: Option<&[OsString]>,
    now: i64,
) -> Result<Glance, Absence> {
    let real = real(files);
    if real.is_empty() {
        return Err(Absence::Unconfigured);
    }
    let mut places = Place::of(files);
    places.extend(Place::of(&real));
    let mut absence = Absence::NothingYet(false);
    let mut newest: Option<Glance> = None;
    for found in places.iter().map(|place| glance(place, format)) {
        match found {
            Ok(glance) if newest.as_ref().is_none_or(|known| known.heard < glance.heard) => {
                newest = Some(glance);
            }
            Ok(_) | Err(Absence::NothingYet(_)) => {}
            Err(other) => absence = other,
        }
    }
    let fresh = newest.as_ref().is_some_and(|glance| !glance.is_stale(now));
    if let (false, Some(arguments), Some(place)) = (fresh, waker, places.first()) {
        let lock = newest.as_ref().map(|glance| glance.teller.lock.clone()).unwrap_or_default();
        let polled = share::is_polled(place.folder(), lock.as_str());
        if polled || share::wake(place, arguments, now) {
            absence = Absence::NothingYet(true);
        }
    }
    newest.ok_or(absence)
}

/// How a poller is started that nobody has to stop.
fn arguments(asked: &Asked) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["poll", "--detach", "--idle", "10m"].into_iter().map(OsString::from).collect();
    if let Some(config) = &asked.config {
        arguments.push("--config".into());
        arguments.push(std::path::absolute(config).unwrap_or_else(|_| config.clone()).into());
    }
    arguments
}

fn glance(place: &Place, asked: Option<Format>) -> Result<Glance, Absence> {
    match share::read(&place.status()) {
        Ok(text) => {
            let brief = Glance::brief(&text).ok_or(Absence::Unreadable)?;
            // Only the document names each source.
            let whole = asked.or(brief.taste.format) == Some(Format::Json);
            if whole { Glance::decode(&text).ok_or(Absence::Unreadable) } else { Ok(brief) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Absence::NothingYet(false)),
        Err(_) => Err(Absence::Unreadable),
    }
}

/// The taste of a configuration, for whoever polls to carry along.
pub fn taste(config: &Config) -> Taste {
    Taste {
        format: config.status.format.as_deref().and_then(Format::named),
        template: config.status.template.clone(),
        ascii: config.ui.ascii,
        tmux: config.status.tmux,
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// One line; whoever does not listen misses it.
fn say(text: &str) {
    let mut out = Vec::with_capacity(text.len() + 1);
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
    let _ = io::stdout().lock().write_all(&out);
}
