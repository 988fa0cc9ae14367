//! `andon store`: what is remembered, whether it is sound; carrying it elsewhere, and forgetting.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::process::ExitCode;
use std::str::FromStr as _;

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use jiff::{Timestamp, tz::TimeZone};

use super::cli::{CheckFormat, Common, ForgetWhat, StoreWhat};
use super::{gather, memory, out};
use crate::config::{Config, nearest};
use crate::engine::from_clock;
use crate::model::{Name, SourceName};
use crate::page::words::ago;
use crate::store::{Forget, Place, Soundness, Stats, Store};

/// Exit code when the memory is not sound.
const UNSOUND: u8 = 2;

pub fn run(common: &Common, what: Option<&StoreWhat>) -> Result<ExitCode> {
    let config = gather::configured(common)?;
    let place = memory::place(common, &config.memory).ok_or_else(|| {
        eyre!("nothing is remembered: [store] path is \"none\"\nhint: remove that line")
    })?;
    let size = StoreWhat::Size { format: CheckFormat::Text };
    let what = what.unwrap_or(&size);
    if matches!(what, StoreWhat::Path) {
        let file = place.file.as_ref().ok_or_else(|| eyre!("there is no home directory"))?;
        out::data(&format!("{}\n", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut store = open(&place)?;
    match what {
        StoreWhat::Size { format } => size_of(&mut store, *format)?,
        StoreWhat::Check { format } => return check(&mut store, *format),
        StoreWhat::Export { file } => export(&mut store, file.as_deref())?,
        StoreWhat::Import { file } => import(&mut store, file)?,
        StoreWhat::Forget(what) => forget(&mut store, &config, what)?,
        StoreWhat::Path => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn open(place: &Place) -> Result<Store> {
    let (store, notices) = Store::open(place, from_clock());
    for notice in &notices {
        out::words(&format!("note: {notice}"));
    }
    if store.is_on() { Ok(store) } else { Err(eyre!("the memory cannot be opened")) }
}

fn wrong(trouble: &crate::store::Trouble) -> color_eyre::Report {
    eyre!("{}", trouble.words())
}

fn size_of(store: &mut Store, format: CheckFormat) -> Result<()> {
    let stats = store.stats().map_err(|t| wrong(&t))?;
    let text = match format {
        CheckFormat::Json => json(store, serde_json::to_value(&stats)?)?,
        CheckFormat::Text => words(store, &stats),
    };
    Ok(out::data(&text)?)
}

fn json(store: &Store, mut value: serde_json::Value) -> Result<String> {
    if let Some(object) = value.as_object_mut() {
        object.insert("andon".into(), env!("CARGO_PKG_VERSION").into());
        object.insert("moment".into(), from_clock().to_string().into());
        object.insert("file".into(), store.shown().as_str().into());
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

fn words(store: &Store, stats: &Stats) -> String {
    let now = from_clock();
    let mut text = String::new();
    let _ = writeln!(text, "{}", store.shown());
    let Some(oldest) = stats.oldest else {
        text.push_str("nothing is remembered yet\n");
        return text;
    };
    let newest = stats.newest.unwrap_or(oldest);
    let _ = writeln!(
        text,
        "{}, from {} on; last heard {}",
        bytes(stats.bytes),
        oldest.strftime("%Y-%m-%d %H:%M UTC"),
        ago(newest, now)
    );
    let width = stats.sources.iter().map(|s| s.name.clean().width()).max().unwrap_or(0);
    for source in &stats.sources {
        let pad = " ".repeat(width.saturating_sub(source.name.clean().width()));
        let _ = writeln!(
            text,
            "  {}{pad}  {:<12}  {:>6} records in {:>6} versions, {:>5} numbers",
            source.name,
            source.kind.as_str(),
            source.records,
            source.versions,
            source.series
        );
    }
    text
}

fn bytes(n: u64) -> String {
    match n {
        0..10_240 => format!("{n} B"),
        10_240..1_048_576 => format!("{} kB", n / 1024),
        _ => format!("{:.1} MB", n as f64 / 1_048_576.0),
    }
}

fn check(store: &mut Store, format: CheckFormat) -> Result<ExitCode> {
    let found = store.check().map_err(|t| wrong(&t))?;
    let text = match format {
        CheckFormat::Json => json(store, serde_json::to_value(&found)?)?,
        CheckFormat::Text => soundness(&found),
    };
    out::data(&text)?;
    Ok(if found.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(UNSOUND) })
}

fn soundness(found: &Soundness) -> String {
    let mut text = String::new();
    for complaint in &found.file {
        let _ = writeln!(text, "damaged: {complaint}");
    }
    let readable = found.versions.saturating_sub(found.unreadable);
    if found.is_sound() {
        let _ = writeln!(text, "sound: all {} versions of records can be read", found.versions);
    } else {
        let _ = writeln!(
            text,
            "{} of {} versions of records can be read\nhint: `andon store export` saves what can be read",
            readable, found.versions
        );
    }
    text
}

fn export(store: &mut Store, file: Option<&std::path::Path>) -> Result<()> {
    let count = if let Some(path) = file {
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .write(true)
            .create_new(true)
            .open(path)
            .wrap_err_with(|| format!("{} cannot be written", path.display()))?;
        let mut out = BufWriter::new(file);
        let count = store.export(&mut out).map_err(|t| wrong(&t))?;
        out.flush()?;
        count
    } else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        match store.export(&mut out).and_then(|n| Ok(out.flush().map(|()| n)?)) {
            // Whoever read had enough.
            Err(crate::store::Trouble::File(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => {
                return Ok(());
            }
            other => other.map_err(|t| wrong(&t))?,
        }
    };
    out::words(&format!("{count} lines exported"));
    Ok(())
}

fn import(store: &mut Store, file: &std::path::Path) -> Result<()> {
    let imported = if file.as_os_str() == "-" {
        store.import(&mut std::io::stdin().lock())
    } else {
        let opened =
            File::open(file).wrap_err_with(|| format!("{} cannot be read", file.display()))?;
        store.import(&mut BufReader::new(opened))
    };
    let imported = imported.map_err(|trouble| {
        eyre!(
            "{}\nhint: nothing was imported; `andon store export` writes such files",
            trouble.words()
        )
    })?;
    out::words(&format!("{} of {} lines were new", imported.new, imported.lines));
    Ok(())
}

fn forget(store: &mut Store, config: &Config, what: &ForgetWhat) -> Result<()> {
    let what = match (&what.source, &what.before) {
        (Some(name), _) => {
            let stats = store.stats().map_err(|t| wrong(&t))?;
            let known: Vec<&str> = stats.sources.iter().map(|s| s.name.as_str()).collect();
            if !known.contains(&name.as_str()) {
                let hint = nearest(name, known.iter().copied()).map_or_else(
                    || format!("remembered are: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(eyre!("nothing is remembered of `{}`\nhint: {hint}", Name::new(name)));
            }
            Forget::Source(SourceName::new(name))
        }
        (None, Some(date)) => Forget::Before(moment(date, &config.team.zone).ok_or_else(|| {
            eyre!(
                "`{}` is no day or moment\nhint: 2026-11-01, or 2026-11-01T12:00:00Z",
                Name::new(date)
            )
        })?),
        (None, None) => Forget::Everything,
    };
    let count = store.forget(&what).map_err(|t| wrong(&t))?;
    out::words(&format!("{count} record{} forgotten", if count == 1 { "" } else { "s" }));
    Ok(())
}

fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day = jiff::civil::Date::from_str(text).ok().and_then(|d| d.to_zoned(zone.clone()).ok());
    Timestamp::from_str(text).ok().or_else(|| day.map(|zoned| zoned.timestamp()))
}
