//! `andon post-mortem`: begins one from what andon knows, and checks those there are for what the team requires.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use color_eyre::eyre::{Result, eyre};
use jiff::Timestamp;

use super::cli::{Common, NewPostMortem, PostMortemWhat, World};
use super::gather::{Gathered, OLD, Stores};
use super::{cockpit, gather, memory, out};
use crate::config::{nearest, template};
use crate::engine::from_clock;
use crate::engine::terminal::editor;
use crate::insight::review::present;
use crate::insight::{of_incident, survey};
use crate::model::{
    ActionState, Board, Clean, Incident, Name, PostMortem, Review, SourceName, Team, Turned, Wanted,
};
use crate::page::words::ago;
use crate::page::{Memo, Scene};
use crate::print::draft::{self, Occasion};
use crate::source::markdown::{CAP, File, Which, document};
use crate::store::Store;

/// Something that is required is missing.
const INCOMPLETE: u8 = 1;
/// A document could not be read.
const UNREADABLE: u8 = 2;

pub fn run(common: &Common, what: &PostMortemWhat) -> Result<ExitCode> {
    match what {
        PostMortemWhat::New(options) => new(common, options),
        PostMortemWhat::Lint { files } => lint(common, files),
    }
}

fn new(common: &Common, options: &NewPostMortem) -> Result<ExitCode> {
    let config = match &options.world.demo {
        // The demo's own folder is gone when the demo ends: a draft of its incident is made where one is told to.
        Some(_) if options.folder.is_none() && !options.print => {
            return Err(eyre!(
                "the demo has no folder that stays\nhint: name one with --folder, or look at the draft with --print"
            ));
        }
        Some(_) => None,
        None => Some(gather::configured(common)?),
    };
    let folder = options.folder.clone().or_else(|| {
        let upstreams = &config.as_ref()?.upstreams;
        upstreams.iter().find_map(|u| u.source.folder()).map(Path::to_owned)
    });
    let folder = folder.filter(|_| !options.print);
    if folder.is_none() && !options.print {
        return Err(eyre!(
            "there is no folder of post-mortems\nhint: add a [[source]] of kind markdown with its path, or name one with --folder"
        ));
    }
    if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(eyre!("{} is no folder", folder.display()));
    }
    let configured = config.as_ref().and_then(|config| config.template.as_deref());
    let template = begin(options, configured, folder.as_deref())?;
    let mut known = known(common, options)?;
    let gathered = &known.gathered;
    let memo = Memo::default();
    let scene = gathered.scene(120, 40, &memo);
    let mut occasion = occasion(&scene, options)?;
    let (turned, then) = recalled(known.memory.as_mut(), &occasion, gathered.now);
    occasion.turned = &turned;
    occasion.then = then.as_ref();
    let text = draft::draft(&scene, &occasion, &template);
    let Some(folder) = folder else {
        out::data(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    let name = draft::file_name(occasion.date(&scene), occasion.title.as_str());
    let path = folder.join(name);
    create(&path, &text).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => eyre!(
            "{} is there already, and nothing of it was changed\nhint: give this one another name with --title",
            path.display()
        ),
        _ => eyre!("{} cannot be written: {error}", path.display()),
    })?;
    out::data(&format!("{}\n", path.display()))?;
    let someone = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !options.no_edit && someone {
        match editor::run(&path) {
            Ok(status) if status.success() => {}
            Ok(status) => out::words(&format!("andon: the editor ended with {status}")),
            Err(error) => out::words(&format!("andon: no editor could be started ({error})")),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known, and the memory it comes from where there is one.
struct Known {
    gathered: Gathered,
    memory: Option<(Store, Board)>,
}

/// What is remembered, with fresh answers on top of it when nobody has asked of late or when the incident that is named is
/// not among it; else, what every source says now. Which of them is said.
fn known(common: &Common, options: &NewPostMortem) -> Result<Known> {
    let asked = |why: &str| {
        out::words(&format!("andon: {why}: every source is asked now"));
        let mut gathered = gather::gather(common, &options.world)?;
        log(&mut gathered.board, &gathered.stores, options);
        Ok(Known { gathered, memory: None })
    };
    if options.world.demo.is_some() {
        return asked("the demo remembers nothing");
    }
    let mut config = gather::configured(common)?;
    let place = memory::place(common, &config.memory);
    if place.as_ref().and_then(|place| place.file.as_ref()).is_none_or(|file| !file.exists()) {
        return asked("nothing is remembered");
    }
    let awaited = cockpit::awaited(&config.upstreams);
    let opened = memory::open(place.as_ref(), &mut config.upstreams, awaited.clone());
    for notice in &opened.notices {
        out::words(&format!("andon: {notice}"));
    }
    let mut board = opened.board;
    let now = from_clock();
    let Some(heard) = board.sources.values().filter_map(|fresh| fresh.last_try).max() else {
        return asked("nothing is remembered");
    };
    let called = |incident: &Incident, word: &str| word == "last" || is_called(incident, word);
    let is_there = |word: &str| board.incidents.all().any(|r| called(&r.what, word));
    let lacks = options.incident.as_deref().is_some_and(|word| !is_there(word));
    let from = ago(heard, now);
    if now.duration_since(heard) > OLD || lacks {
        out::words(&format!(
            "andon: from memory, last heard {from}, and every source is asked now"
        ));
        gather::ask_on(&mut board, config.upstreams.clone(), &gather::limits(false));
    } else {
        out::words(&format!("andon: from memory, last heard {from}"));
    }
    let stores =
        Stores { upstreams: config.upstreams, limits: gather::limits(false), ..Stores::default() };
    log(&mut board, &stores, options);
    let now = from_clock();
    let survey = survey(&board, &config.team, now);
    let gathered =
        Gathered { team: config.team, board, survey, now, clock: now, ui: config.ui, stores };
    Ok(Known { gathered, memory: Some((opened.store, awaited)) })
}

/// Asks for what was written down about the incident that is named; without it the draft is made all the same.
fn log(board: &mut Board, stores: &Stores, options: &NewPostMortem) {
    let Some(word) = options.incident.as_deref() else { return };
    let all = || board.incidents.all().map(|r| &r.what);
    let incident = if word == "last" {
        all().max_by_key(|i| i.started)
    } else {
        all().find(|i| is_called(i, word))
    };
    let Some(key) = incident.map(|i| i.key.clone()) else { return };
    if let Some(words) = gather::ask_log(board, stores, &key) {
        out::words(&format!("andon: notes and log of the incident: {words}"));
    }
}

/// How services turned around it, and the board as it was known when it was over.
#[allow(clippy::needless_pass_by_value)] // a borrowed option of a borrow says less
fn recalled(
    memory: Option<&mut (Store, Board)>,
    occasion: &Occasion<'_>,
    now: Timestamp,
) -> (Vec<Turned>, Option<Board>) {
    let Some((store, awaited)) = memory else { return (Vec::new(), None) };
    let (from, until) = occasion.window(now).into_inner();
    let turned = store.states(from, until).unwrap_or_else(|trouble| {
        out::words(&format!("andon: how services were is not recalled: {}", trouble.words()));
        Vec::new()
    });
    let was = until < now && store.oldest().ok().flatten().is_some_and(|oldest| oldest <= until);
    (turned, was.then(|| store.board_at(awaited, until).ok()).flatten())
}

/// Writes a new file, whole or not at all; one that is there stays as it is.
///
/// # Errors
/// `AlreadyExists` when there is one, and whatever the file system says.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link, unlike a rename, never takes the place of another file.
        match fs::hard_link(&beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) => {
                // No links on this file system: the name is taken first, so that still nothing is replaced.
                fs::OpenOptions::new().write(true).create_new(true).open(path)?;
                fs::rename(&beside, path)
            }
            Ok(()) => Ok(()),
        }
    })();
    let _ = fs::remove_file(&beside);
    written
}

/// A file that is named, `sre` or `pagerduty`, the configuration's, the folder's own, else the SRE book's fields.
fn begin(
    options: &NewPostMortem,
    configured: Option<&Path>,
    folder: Option<&Path>,
) -> Result<String> {
    let read = |path: &Path| {
        let text = template::read(path);
        text.map(|text| text.to_string())
            .map_err(|why| eyre!("the template {} cannot be used: {why}", path.display()))
    };
    match options.template.as_deref() {
        Some("sre") => Ok(draft::SRE.to_owned()),
        Some("pagerduty") => Ok(draft::PAGERDUTY.to_owned()),
        Some(other) if Path::new(other).exists() => read(Path::new(other)),
        Some(other) => Err(eyre!(
            "there is no template `{other}`\nhint: sre, pagerduty, or the path of a file"
        )),
        None => {
            match configured.map(Path::to_owned).or_else(|| folder.and_then(template::of_folder)) {
                Some(path) => read(&path),
                None => Ok(draft::SRE.to_owned()),
            }
        }
    }
}

/// What the document is begun for: the incident that is named, or a service and a title.
fn occasion<'a>(scene: &Scene<'a>, options: &NewPostMortem) -> Result<Occasion<'a>> {
    let incident = options.incident.as_deref().map(|word| named(scene, word)).transpose()?;
    let service = match (&options.service, incident) {
        (Some(word), _) => Some(
            scene
                .team
                .services
                .iter()
                .position(|s| s.name == Name::new(word))
                .ok_or_else(|| unknown_service(scene.team, word))?,
        ),
        (None, Some(incident)) => of_incident(scene.team, incident),
        (None, None) => None,
    };
    let own = incident.map(|i| i.title.clone());
    let title = options.title.as_ref().map(Clean::line).or(own).filter(|t| !t.is_empty());
    let title = title
        .or_else(|| {
            let service = scene.team.services.get(service?)?;
            Some(Clean::line(format_args!("{}: what happened", service.name)))
        })
        .ok_or_else(|| {
            eyre!("what is it about?\nhint: name an incident, or give --title and --service")
        })?;
    Ok(Occasion {
        incident,
        service,
        title,
        authors: author(),
        began: incident.and_then(|i| i.started),
        ended: incident.and_then(|i| i.resolved.or(i.mitigated)),
        then: None,
        turned: &[],
    })
}

fn author() -> Clean {
    let name = |name: &str| std::env::var(name).ok().filter(|n| !n.trim().is_empty());
    let who = name("GIT_AUTHOR_NAME").or_else(|| name("USER")).or_else(|| name("LOGNAME"));
    who.map(Clean::line).unwrap_or_default()
}

/// An incident by what people call it, with or without its `#`; `last` is the newest.
fn named<'a>(scene: &Scene<'a>, word: &str) -> Result<&'a Incident> {
    let all = || scene.board.incidents.all().map(|r| &r.what);
    if word == "last" {
        return all().max_by_key(|i| i.started).ok_or_else(|| eyre!("no incident is known"));
    }
    let wanted = bare(word);
    let found = all().find(|i| is_called(i, word));
    found.ok_or_else(|| {
        let names: Vec<String> = all().map(|i| i.reference.to_string()).collect();
        let hint = match nearest(&wanted, names.iter().map(|n| n.trim_start_matches('#'))) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => {
                "no incident is known; --title and --service begin one without".to_owned()
            }
            None => format!("known are {}", names.join(", ")),
        };
        eyre!("no incident is called `{word}`\nhint: {hint}")
    })
}

fn bare(text: &str) -> String {
    text.trim_start_matches('#').to_lowercase()
}

fn is_called(incident: &Incident, word: &str) -> bool {
    bare(incident.reference.as_str()) == bare(word) || *incident.key.id.raw() == *word
}

fn unknown_service(team: &Team, word: &str) -> color_eyre::Report {
    let names: Vec<&str> = team.services.iter().map(|s| s.name.as_str()).collect();
    let hint = match nearest(word, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("services are {}", names.join(", ")),
    };
    eyre!("no service is called `{word}`\nhint: {hint}")
}

/// Says of each document what is missing, as `file:line: what`, for editors and pipelines.
fn lint(common: &Common, files: &[PathBuf]) -> Result<ExitCode> {
    // What the team requires comes from its configuration; without one, the four every document needs.
    let config = gather::found(&gather::places(common))?;
    let review = config.as_ref().map_or_else(Review::default, |c| c.team.review.clone());
    let mut said = String::new();
    let mut worst = 0;
    let mut read = 0;
    let mut papers: Vec<(String, Vec<u8>)> = Vec::new();
    if files.is_empty() {
        let Some(config) = config else {
            return Err(gather::unconfigured(&gather::places(common)));
        };
        let folders = config.upstreams.iter().filter_map(|u| Some(u.source.folder()?.to_owned()));
        let folders: Vec<PathBuf> = folders.collect();
        if folders.is_empty() {
            return Err(eyre!(
                "there is no folder of post-mortems\nhint: add a [[source]] of kind markdown, or name the files"
            ));
        }
        let world = World { demo: None };
        let gathered = gather::gather_from(common, &world, |u| u.source.folder().is_some())?;
        for p in gathered.board.post_mortems.present().map(|r| &r.what) {
            read += 1;
            worst = worst.max(judge(p, &shown(&p.file), &review, &mut said));
        }
        for fresh in gathered.board.sources.values().filter(|f| !f.status.is_good()) {
            let _ = writeln!(said, "{}: {}", fresh.address, fresh.message);
            worst = UNREADABLE;
        }
    }
    for path in files {
        match fs::read(path) {
            Ok(bytes) => papers.push((path.display().to_string(), bytes)),
            Err(error) => {
                let _ = writeln!(said, "{}: {error}", path.display());
                worst = UNREADABLE;
            }
        }
    }
    let zone = jiff::tz::TimeZone::system();
    let today = zone.to_datetime(from_clock()).date();
    for (shown, bytes) in &papers {
        let cut = bytes.len() > CAP;
        let file = File {
            below: shown,
            path: Path::new(shown),
            bytes: bytes.get(..CAP).unwrap_or(bytes),
            cut,
            which: Which::Document,
        };
        read += 1;
        if let Some(p) = document(&file, &SourceName::new("files"), today) {
            worst = worst.max(judge(&p, shown, &review, &mut said));
        } else {
            let _ = writeln!(said, "{shown}:1: empty");
            worst = worst.max(INCOMPLETE);
        }
    }
    out::data(&said)?;
    let required: Vec<&str> = review.required.iter().map(|w| w.words()).collect();
    if read == 0 {
        out::words("no documents: nothing was checked");
    } else if worst == 0 {
        out::words(&format!("{read} complete: each says {}", required.join(", ")));
    }
    Ok(ExitCode::from(worst))
}

/// The path as somebody in this folder would write it.
fn shown(file: &str) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|h| Path::new(file).strip_prefix(h).ok().map(Path::to_owned));
    below.map_or_else(|| file.to_owned(), |p| p.display().to_string())
}

/// One line for each thing that is missing or odd; the exit code of it.
fn judge(p: &PostMortem, file: &str, review: &Review, said: &mut String) -> u8 {
    let mut code = 0;
    for (there, wanted) in present(p, review) {
        if there {
            continue;
        }
        code = INCOMPLETE;
        if wanted == Wanted::Owners && !p.actions.is_empty() {
            let orphans = p.actions.iter().filter(|a| a.owner.is_none());
            for action in orphans.filter(|a| a.state == ActionState::Open) {
                let _ = writeln!(said, "{file}:{}: nobody owns: {}", action.line + 1, action.text);
            }
            continue;
        }
        let _ = writeln!(said, "{file}:{}: missing: {}", place(p, wanted), wanted.words());
    }
    for flag in &p.flags {
        let _ = writeln!(said, "{file}:1: note: {flag}");
    }
    code
}

/// The line where it belongs: its section, if there is one without words, else the first.
fn place(p: &PostMortem, wanted: Wanted) -> usize {
    use crate::model::SectionKind as Kind;
    let kind = match wanted {
        Wanted::Loss => Kind::Impact,
        Wanted::Summary => Kind::Summary,
        Wanted::RootCause => Kind::RootCause,
        Wanted::Trigger => Kind::Trigger,
        Wanted::Detection => Kind::Detection,
        Wanted::Timeline => Kind::Timeline,
        Wanted::Lessons => Kind::Lessons,
        Wanted::Actions | Wanted::Owners => Kind::Actions,
        Wanted::Date | Wanted::Services | Wanted::Severity | Wanted::Duration => return 1,
    };
    p.sections.iter().find(|s| s.kind == kind).map_or(1, |s| s.line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2026-11-22-pool.md");
        create(&path, "first").unwrap();
        let again = create(&path, "second").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
    }
}
