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
use crate::print::status::FIELDS;
use crate::source::KINDS;

pub const TOPICS: &[&str] = &["sources", "keys", "commands", "tabs"];

pub fn topic(word: Option<&str>) -> Result<ExitCode> {
    let text = match word {
        None => Cli::command().render_help().to_string(),
        Some("sources") => sources(),
        Some("keys") => keys(),
        Some("commands") => commands(),
        Some("tabs") => tabs(),
        Some("status") => of_command("status")? + &fields(),
        Some(name) => of_command(name)?,
    };
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_command(name: &str) -> Result<String> {
    let mut cli = Cli::command();
    cli.build();
    if let Some(command) = cli.find_subcommand_mut(name) {
        return Ok(command.render_help().to_string());
    }
    let words: Vec<String> = cli.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let all = words.iter().map(String::as_str).chain(TOPICS.iter().copied());
    let hint = match nearest(name, all) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("topics are {}, and every command", TOPICS.join(", ")),
    };
    Err(eyre!("there is no help on `{name}`\nhint: {hint}"))
}

fn sources() -> String {
    let mut text = String::from(
        "Kinds of sources, and what each understands beside name, kind, url, every, timeout, auth,\ntls, proxy, max_body and allow_cleartext (auth over plain http to another machine):\n",
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

fn fields() -> String {
    FIELDS.iter().fold(String::from("\nFields of a template:\n"), |mut text, (name, about)| {
        let _ = writeln!(text, "  {name:<15} {about}");
        text
    })
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
    let zone = jiff::tz::TimeZone::UTC;
    let ground = Ground { tabs: TABS, here: None, now: jiff::Timestamp::UNIX_EPOCH, zone: &zone };
    ground.all().iter().fold(String::new(), |mut text, command| {
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
    let cli = shortly(Cli::command());
    let mut buffer = Vec::new();
    let page = clap_mangen::Man::new(cli.clone());
    page.render_title(&mut buffer)?;
    page.render_name_section(&mut buffer)?;
    buffer.extend_from_slice(b".SH SYNOPSIS\n\\fBandon\\fR [OPTIONS] [COMMAND]\n");
    page.render_options_section(&mut buffer)?;
    let mut text = String::from_utf8_lossy(&buffer).into_owned();
    text.push_str(".SH COMMANDS\n");
    for command in cli.get_subcommands() {
        let usage = command.clone().bin_name(format!("andon {}", command.get_name()));
        let usage = usage.clone().render_usage().to_string();
        let usage =
            usage.trim_start_matches("Usage: ").replace("[OPTIONS] ", "").replace(" [OPTIONS]", "");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, ".SS {}\n{}", roff(&usage).trim_end(), roff(&about).trim_end());
        for what in command.get_subcommands() {
            let about = what.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", what.get_name(), roff(&about).trim_end());
        }
        let mut options = Vec::new();
        clap_mangen::Man::new(command.clone().disable_help_flag(true))
            .render_options_section(&mut options)?;
        let options = String::from_utf8_lossy(&options);
        // One page for all: a command's options stand under its own heading.
        text.push_str(options.split_once(".SH OPTIONS\n").map_or("", |(_, rest)| rest));
    }
    let examples = cli.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples =
        examples.split("\n\nExit codes").next().unwrap_or("").trim_start_matches("Examples:\n");
    for (title, lines) in [
        ("EXAMPLES", examples),
        ("FILES", FILES),
        ("ENVIRONMENT", ENVIRONMENT),
        ("EXIT STATUS", EXITS),
    ] {
        let _ = write!(text, ".SH {title}\n.nf\n{}.fi\n", roff(lines));
    }
    for (title, lines) in [("KEYS", keys()), ("SOURCES", sources())] {
        let _ = write!(text, ".SH {title}\n.nf\n{}.fi\n", roff(&lines));
    }
    out::data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Values stand behind what an option does: a list of them for each would be longer than all else.
fn shortly(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| {
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        match argument.get_help() {
            Some(help) if !values.is_empty() && argument.get_action().takes_values() => {
                let help = format!("{help}: {}", values.join(", "));
                argument.help(help).hide_possible_values(true)
            }
            _ => argument,
        }
    });
    command.mut_subcommands(shortly)
}

const FILES: &str = "\
/etc/andon/andon.toml          for everybody on this machine
~/.config/andon/andon.toml     yours, laid over it; `andon config path` says where it is looked for";

const ENVIRONMENT: &str = "\
ANDON_TEAM_*, ANDON_UI_*       settings, e.g. ANDON_UI_THEME=light; they win over files
XDG_CONFIG_HOME                instead of ~/.config
NO_COLOR                       no colours, unless --color says otherwise
HTTP_PROXY, HTTPS_PROXY, NO_PROXY   for sources that name no proxy of their own";

const EXITS: &str = "\
0   fine; for `check`: every source answered and every service is ok
1   check: something needs attention
2   check: something is down or unreachable; the cockpit: there is no terminal to draw on
3   wrong usage, or a configuration that is missing or wrong";

/// Text inside `.nf`: backslashes and leading dots mean something to roff.
fn roff(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        let _ = writeln!(all, "{guard}{line}");
        all
    })
}
