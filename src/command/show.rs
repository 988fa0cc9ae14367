//! `andon show TAB`: a tab as text, as a screen after some keys, or as JSON, Markdown or CSV.

use std::process::ExitCode;
use std::str::FromStr as _;

use color_eyre::eyre::{Result, eyre};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cli::{Common, Format, Show, WALL};
use super::{gather, out, past, screen};
use crate::config::nearest;
use crate::model::Window;
use crate::page::listed;
use crate::page::{Memo, Size, TABS, Tab};
use crate::print::{self, reasonable};

/// Width of plain text where no terminal says one.
const TEXT_WIDTH: u16 = 120;

pub fn run(common: &Common, options: &Show) -> Result<ExitCode> {
    let found = TABS.iter().enumerate().find(|(_, t)| t.name == options.tab);
    if options.format == Format::Ics && options.tab != "releases" {
        let hint = "andon show releases --format ics";
        return Err(eyre!("{} is no calendar\nhint: {hint}", options.tab));
    }
    let mut size = options.size.as_deref().map(size).transpose()?;
    if options.tab == WALL {
        if options.format != Format::Text || options.view.is_some() {
            return Err(eyre!(
                "the wall is a screen only\nhint: andon show health --format json tells the same"
            ));
        }
        size = size.or(Some(Size { width: TEXT_WIDTH, height: 40 }));
    } else if found.is_none() {
        return Err(unknown_tab(&options.tab));
    }
    let known = match &options.world.demo {
        None if !options.poll && options.at.is_none() => gather::remembered(common)?,
        _ => None,
    };
    let gathered = match (&options.at, known) {
        (Some(text), _) => past::at(common, &options.world, text)?,
        (None, Some(gathered)) => gathered,
        (None, None) => gather::gather(common, &options.world)?,
    };
    if let Some(size) = size {
        let text = screen::after_keys(
            gathered,
            found.map(|(at, _)| at),
            size,
            options.keys.as_deref().unwrap_or(""),
            out::colours(common.color),
        )?;
        out::data(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (_, tab) = found.ok_or_else(|| unknown_tab(&options.tab))?;
    let bounds = bounds(options, &gathered.team.zone)?;
    let memo = Memo::default();
    let scene = gathered.scene(TEXT_WIDTH, 50, &memo);
    let default = if options.format == Format::Csv { table_facet(tab) } else { 0 };
    let facet = options.view.as_deref().map_or(Ok(default), |word| facet(tab, word))?;
    let whole = || print::whole(&scene, tab, facet);
    let text = match options.format {
        Format::Json => {
            format!("{}\n", serde_json::to_string_pretty(&print::json(&scene, tab.name, bounds))?)
        }
        Format::Text => print::plain(&whole(), usize::from(TEXT_WIDTH)),
        Format::Markdown => print::markdown(&whole()),
        Format::Csv => print::csv(&whole()),
        Format::Ics => {
            let window = bounds.map_or_else(|| listed::around(&scene), |w| reasonable(&scene, w));
            print::ics(&scene, window)
        }
    };
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn unknown_tab(word: &str) -> color_eyre::Report {
    let names: Vec<&str> = TABS.iter().map(|t| t.name).chain([WALL]).collect();
    let hint = match nearest(word, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("tabs are {}", names.join(", ")),
    };
    eyre!("there is no tab `{word}`\nhint: {hint}")
}

/// The view of a tab that is a table: a month has no cells for a sheet.
fn table_facet(tab: &Tab) -> usize {
    tab.facets.iter().position(|f| *f == "deploys").unwrap_or(0)
}

/// The position of a tab's view.
fn facet(tab: &Tab, word: &str) -> Result<usize> {
    tab.facets.iter().position(|f| *f == word).ok_or_else(|| {
        let hint = match nearest(word, tab.facets.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if tab.facets.is_empty() => format!("{} has one view only", tab.name),
            None => format!("views are {}", tab.facets.join(", ")),
        };
        eyre!("{} has no view `{word}`\nhint: {hint}", tab.name)
    })
}

fn size(text: &str) -> Result<Size> {
    text.split_once('x')
        .and_then(|(w, h)| Some(Size { width: w.parse().ok()?, height: h.parse().ok()? }))
        .filter(|s| s.width <= 1000 && s.height <= 400)
        .ok_or_else(|| {
            eyre!("`{text}` is no size\nhint: columns x rows, e.g. 120x40, at most 1000x400")
        })
}

/// `--from` and `--to`: days of the team's zone, or moments.
fn bounds(options: &Show, zone: &TimeZone) -> Result<Option<Window>> {
    let read = |text: &Option<String>, default: Timestamp| match text {
        None => Ok(default),
        Some(text) => moment(text, zone).ok_or_else(|| {
            eyre!("`{text}` is no day or moment\nhint: 2026-11-01, or 2026-11-01T12:00:00Z")
        }),
    };
    if options.from.is_none() && options.to.is_none() {
        return Ok(None);
    }
    let (from, to) = (read(&options.from, Timestamp::MIN)?, read(&options.to, Timestamp::MAX)?);
    if to <= from {
        return Err(eyre!("--to lies before --from"));
    }
    Ok(Some(Window { from, until: to }))
}

fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let exact = || Timestamp::from_str(text).ok();
    let local = || {
        jiff::civil::DateTime::from_str(text)
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|z| z.timestamp())
    };
    let day = || {
        jiff::civil::Date::from_str(text).ok()?.to_zoned(zone.clone()).ok().map(|z| z.timestamp())
    };
    exact().or_else(local).or_else(day)
}
