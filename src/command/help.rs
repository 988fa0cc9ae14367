//! Help topics, completions and the manual page: all made from the same registries the program runs on.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;
use color_eyre::eyre::{Result, eyre};

use super::cli::Cli;
use super::out;
use crate::cockpit::actions::ACTIONS;
use crate::cockpit::{Ground, Keymap};
use crate::config::nearest;
use crate::page::TABS;
use crate::source::KINDS;

const TOPICS: &[&str] = &["sources", "keys", "commands", "tabs"];

pub fn topic(word: Option<&str>) -> Result<ExitCode> {
    let text = match word {
        None => Cli::command().render_long_help().to_string(),
        Some("sources") => sources(),
        Some("keys") => keys(),
        Some("commands") => commands(),
        Some("tabs") => tabs(),
        Some(name) => of_command(name)?,
    };
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_command(name: &str) -> Result<String> {
    let mut cli = Cli::command();
    cli.build();
    if let Some(command) = cli.find_subcommand_mut(name) {
        return Ok(command.render_long_help().to_string());
    }
    let words: Vec<String> = cli.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let all = words.iter().map(String::as_str).chain(TOPICS.iter().copied());
    let near =
        nearest(name, all).map(|n| format!("\nhint: did you mean `{n}`?")).unwrap_or_default();
    Err(eyre!("there is no help on `{name}`{near}"))
}

fn sources() -> String {
    let mut text = String::from(
        "Kinds of sources, and what each understands beside name, kind, url, every, timeout, auth, tls and proxy:\n",
    );
    for kind in KINDS {
        let _ =
            writeln!(text, "\n{}  (every {} s)\n  {}", kind.name, kind.every.as_secs(), kind.about);
        if let Some(url) = kind.default_url {
            let _ = writeln!(text, "  url: {url} unless you say otherwise");
        }
        for (key, about) in kind.options {
            let _ = writeln!(text, "  {key:<14} {about}");
        }
    }
    text.push_str("\nProbes of a service's own endpoints are written as [[service.probe]]; `andon config example` shows one of each.\n");
    text
}

fn tabs() -> String {
    let mut text = String::new();
    for (i, tab) in TABS.iter().enumerate() {
        let _ = writeln!(text, "{}  {:<13} {}", i + 1, tab.name, tab.about);
    }
    text
}

fn keys() -> String {
    let keymap = Keymap::default();
    ACTIONS.iter().enumerate().fold(String::new(), |mut text, (line, entry)| {
        let _ = writeln!(text, "{:<16} {:<16} {}", keymap.shown(line), entry.name, entry.about);
        text
    })
}

fn commands() -> String {
    Ground { tabs: TABS, here: None }.all().iter().fold(String::new(), |mut text, command| {
        let _ = writeln!(text, ":{:<16} {}", command.text, command.about);
        text
    })
}

pub fn completions(shell: Shell) -> Result<ExitCode> {
    let mut buffer = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "andon", &mut buffer);
    out::data(&String::from_utf8_lossy(&buffer))?;
    Ok(ExitCode::SUCCESS)
}

pub fn man() -> Result<ExitCode> {
    let mut buffer = Vec::new();
    let man = clap_mangen::Man::new(Cli::command());
    man.render(&mut buffer)?;
    let mut text = String::from_utf8_lossy(&buffer).into_owned();
    let _ = write!(
        text,
        ".SH KEYS\n.nf\n{}.fi\n.SH SOURCES\n.nf\n{}.fi\n",
        roff(&keys()),
        roff(&sources())
    );
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Text inside `.nf`: backslashes and leading dots mean something to roff.
fn roff(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        let _ = writeln!(all, "{guard}{line}");
        all
    })
}
