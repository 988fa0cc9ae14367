//! The command line: what can be said, with examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// What is broken, since when, what changed just before, who has it, what to do: a team cockpit for the terminal.
#[derive(Debug, Parser)]
#[command(
    name = "andon",
    version,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  andon demo                     a small world with an outage, nothing to configure
  andon                          your own team, from ~/.config/andon/andon.toml
  andon check                    asks every source once and says how it went
  andon show health              a tab as text
  andon show incidents --format json
  andon help sources             every kind of source and its options"
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Read this file instead of /etc/andon/andon.toml and ~/.config/andon/andon.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// terminal, dark, light, high-contrast, colour-blind or monochrome
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// ASCII glyphs only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cockpit on a small world with a scripted outage, served on loopback in the vendors' own formats
    Demo(Demo),
    /// Asks every source once: one line each, exit code 0 fine, 1 attention, 2 down or unreachable, 3 wrong usage
    Check(Check),
    /// Prints a tab: as text, as it looks on a screen, or as JSON, Markdown or CSV
    Show(Show),
    /// The values in force and where each came from
    Config {
        #[command(subcommand)]
        what: Option<ConfigWhat>,
    },
    /// Completions for a shell, on standard output
    Completions { shell: Shell },
    /// The manual page, on standard output
    Man,
    /// Help on a command or a topic: sources, keys, commands, tabs
    Help { topic: Option<String> },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon demo                     the outage begins within a minute
  andon demo --speed 5           five times as fast
  andon demo --at 4m             starts four minutes into the story
  andon demo --serve-only --port 9900    only the servers: point promtool, amtool or curl at them")]
pub struct Demo {
    /// How fast the story unfolds
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub speed: f64,
    /// Start this far into the story, e.g. 4m
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Serve the world and show no cockpit, until interrupted
    #[arg(long)]
    pub serve_only: bool,
    /// Port on 127.0.0.1; by default any free one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon check                    as a cron job or a Nagios check
  andon check --format json | jq '.sources[] | select(.status != \"ok\")'
  andon check --demo             on the demo's world")]
pub struct Check {
    /// text or json
    #[arg(long, default_value = "text")]
    pub format: CheckFormat,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    Text,
    Json,
}

/// Which world is asked.
#[derive(Debug, Clone, Args)]
pub struct World {
    /// The demo's world instead of your team, at a moment of its story (default: its beginning)
    #[arg(long, value_name = "AT", num_args = 0..=1, default_missing_value = "0s")]
    pub demo: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon show health
  andon show incidents --format json
  andon show releases --format markdown > week.md
  andon show health --size 120x40 --keys \"j j enter\"     the screen after those keys
  andon show health --demo 4m                            the demo, four minutes into its story")]
pub struct Show {
    /// health, incidents, releases, post-mortems or sources
    pub tab: String,
    /// Another view of the tab, e.g. agenda, deploys or environments of releases
    #[arg(long, value_name = "VIEW", conflicts_with = "size")]
    pub view: Option<String>,
    /// How it is printed
    #[arg(long, default_value = "text")]
    pub format: Format,
    /// Print the screen as it looks at this size, e.g. 120x40
    #[arg(long, value_name = "WxH")]
    pub size: Option<String>,
    /// Keys pressed before the screen is printed, e.g. "j j enter"
    #[arg(long, value_name = "KEYS", requires = "size")]
    pub keys: Option<String>,
    /// Ask every source first (nothing is remembered between runs yet, so this is always done)
    #[arg(long)]
    pub poll: bool,
    /// List from this day or moment on, e.g. 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// List until before this day or moment
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Markdown,
    Csv,
}

#[derive(Debug, Subcommand)]
pub enum ConfigWhat {
    /// The JSON Schema of andon.toml, for editors
    Schema,
    /// The files that are looked for, and whether they are there
    Path,
    /// A commented example to start from
    Example,
}
