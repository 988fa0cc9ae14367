//! One file per subcommand; the only room that knows the whole house.

mod can_deploy;
mod check;
mod cli;
mod cockpit;
mod company;
mod config;
mod demo;
mod gather;
mod help;
mod memory;
mod out;
mod past;
mod poll;
mod post_mortem;
mod report;
mod screen;
mod show;
mod status;
mod store;
mod welcome;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

pub use cli::Cli;
use cli::Command;
pub use status::early;

/// Exit code of wrong usage and of a wrong configuration, in the Nagios convention of `check`.
const USAGE: u8 = 3;

/// Runs one command line; the exit code is part of the contract.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if wanted { ExitCode::SUCCESS } else { ExitCode::from(USAGE) };
        }
    };
    let result = match &cli.command {
        None => cockpit::run(&cli.common, cli.wall),
        Some(Command::Demo(options)) => demo::run(&cli.common, options),
        Some(Command::Check(options)) => check::run(&cli.common, options),
        Some(Command::Show(options)) => show::run(&cli.common, options),
        Some(Command::Poll(options)) => poll::run(&cli.common, options),
        Some(Command::Status(options)) => status::then(&cli.common, options),
        Some(Command::CanDeploy(options)) => can_deploy::run(&cli.common, options),
        Some(Command::Store { what }) => store::run(&cli.common, what.as_ref()),
        Some(Command::Report(options)) => report::run(&cli.common, options),
        Some(Command::PostMortem { what }) => post_mortem::run(&cli.common, what),
        Some(Command::Config { what }) => config::run(&cli.common, what.as_ref()),
        Some(Command::Completions { shell }) => help::completions(*shell),
        Some(Command::Man) => help::man(),
        Some(Command::Help { topic }) => help::topic(topic.as_deref()),
    };
    result.unwrap_or_else(|report| {
        // One line a cause, the hint apart; the address of our own code helps nobody at 3 a.m.
        out::words(&format!("andon: {report:#}"));
        ExitCode::from(USAGE)
    })
}
