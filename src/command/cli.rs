//! The command line: what can be said, with examples.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::help::TOPICS;
use crate::page::{Skin, TABS};
use crate::print::status::Format as LineFormat;

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
  andon --wall                   for the screen on the office wall: needs no keys
  andon show incidents --format json
  andon status --format tmux     one line for a status bar
  andon help sources             every kind of source and its options

Exit codes: 0 fine, 3 wrong usage or configuration; check: 1 attention, 2 down or unreachable;
can-deploy: 1 no, 3 nobody can say;
the cockpit: 2 without a terminal to draw on"
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    /// For the screen on the wall: one verdict, big digits, pages that take turns while nothing is red
    #[arg(long)]
    pub wall: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Words that are offered in help and completions; whether one fits is judged later, with a better word for it.
#[derive(Clone)]
struct Offered(fn() -> Vec<&'static str>);

impl TypedValueParser for Offered {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

fn skins() -> Vec<&'static str> {
    Skin::ALL.iter().map(|skin| skin.name()).collect()
}

fn tabs() -> Vec<&'static str> {
    TABS.iter().map(|tab| tab.name).chain([WALL]).collect()
}

/// What is no tab and can be shown all the same.
pub const WALL: &str = "wall";

fn views() -> Vec<&'static str> {
    TABS.iter().flat_map(|tab| tab.facets).copied().collect()
}

fn topics() -> Vec<&'static str> {
    let commands = [
        "demo",
        "check",
        "show",
        "status",
        "poll",
        "can-deploy",
        "store",
        "report",
        "post-mortem",
        "config",
        "completions",
        "man",
    ];
    TOPICS.iter().copied().chain(commands).collect()
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The configuration, instead of /etc/andon/andon.toml and ~/.config/andon/andon.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Colours of the screen
    #[arg(long, global = true, value_name = "NAME", value_parser = Offered(skins))]
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

impl ColorWhen {
    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cockpit on a small world with a scripted outage, served on loopback in the vendors' own formats
    Demo(Demo),
    /// Asks every source once: one line each, exit code 0 fine, 1 attention, 2 down or unreachable, 3 wrong usage
    Check(Check),
    /// Prints a tab: as text, as it looks on a screen, or as JSON, Markdown or CSV
    Show(Show),
    /// The board in one line, for tmux, a bar or a prompt: from a small file, never the network; always exits 0
    Status(Status),
    /// May a service be deployed now? Exit code 0 yes, 1 no, 3 nobody can say
    CanDeploy(CanDeploy),
    /// Polls without a screen, for status lines and for every pane of this user; ends when told to
    Poll(Poll),
    /// What is remembered between runs: its size, a check, export, import, forgetting
    #[command(after_help = STORE_EXAMPLES)]
    Store {
        #[command(subcommand)]
        what: Option<StoreWhat>,
    },
    /// The weekly review or the hand-off, as Markdown for chat or mail
    Report(Report),
    /// Begins a post-mortem from what andon knows, or checks those there are
    PostMortem {
        #[command(subcommand)]
        what: PostMortemWhat,
    },
    /// The values in force and where each came from
    Config {
        #[command(subcommand)]
        what: Option<ConfigWhat>,
    },
    /// Completions for a shell, on standard output
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// The manual page, on standard output
    Man,
    /// Help on a command or a topic: sources, keys, commands, tabs
    Help {
        /// A topic, or a command
        #[arg(value_parser = Offered(topics))]
        topic: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon demo                     the outage begins within a minute
  andon demo --speed 5           five times as fast
  andon demo --at 4m             starts four minutes into the story
  andon demo --wall              as it hangs on the office wall
  andon demo --serve-only --port 9900    only the servers: point promtool, amtool or curl at them")]
pub struct Demo {
    /// How fast the story unfolds
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub speed: f64,
    /// Start this far into the story, e.g. 4m
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The screen on the wall instead of the cockpit
    #[arg(long)]
    pub wall: bool,
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
  andon check --can-deploy checkout     may it be deployed now? exit code 0 yes, 1 no, 3 nobody can say
  andon check --demo             on the demo's world")]
pub struct Check {
    /// Ask only what tells of freezes, and say whether this service may be deployed
    #[arg(long, value_name = "SERVICE")]
    pub can_deploy: Option<String>,
    /// Ask only for post-mortems: exit code 0 when no action is late or without an owner, 1 when one is, 2 when nobody can say
    #[arg(long, conflicts_with = "can_deploy")]
    pub actions: bool,
    /// How it is printed
    #[arg(long, default_value = "text")]
    pub format: CheckFormat,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon report                   the last week, for the review
  andon report --since 2w > review.md
  andon report --handoff         the last day and who is on call, for whoever comes next
  andon report --format json --demo 4m")]
pub struct Report {
    /// How far back: 2w, 36h, or a day such as 2026-11-01 (default: 1w, for a hand-off 1d)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// For the next shift: who is on call, and the last day
    #[arg(long)]
    pub handoff: bool,
    /// As it was at a moment of the past: -2h, 03:12, 2026-11-21, "2026-11-21 18:00"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// How it is printed
    #[arg(long, default_value = "markdown")]
    pub format: Format,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Subcommand)]
pub enum PostMortemWhat {
    /// Writes a draft into the team's folder, with the timeline andon knows, and opens it in $EDITOR
    New(NewPostMortem),
    /// Says what is missing, with file and line; exit code 0 complete, 1 something is missing, 2 a file cannot be read
    Lint {
        /// The documents; by default all of the team's folder
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon post-mortem new 4821             of the incident people call #4821
  andon post-mortem new last --no-edit   of the newest incident; prints the path only
  andon post-mortem new --service checkout --title \"Coupons were lost\"
  andon post-mortem new last --print     looks at the draft and writes nothing

The template: --template, else a file with `template` in its name in the folder, else the SRE book's fields. In a template
{{title}} {{date}} {{authors}} {{severity}} {{services}} {{duration}} {{incident}} {{changes}} {{detection}} {{timeline}}
{{numbers}} {{on_call}} {{like}} are filled in; in one without these its title, its labels and its timeline are.")]
pub struct NewPostMortem {
    /// What people call the incident: 4821, INC-12, or `last`
    pub incident: Option<String>,
    /// What it is about; default: the incident's title
    #[arg(long)]
    pub title: Option<String>,
    /// The service, where the incident does not say it
    #[arg(long)]
    pub service: Option<String>,
    /// sre, pagerduty, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub template: Option<String>,
    /// Where to write it; default: the folder of the first markdown source
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Do not open the editor
    #[arg(long)]
    pub no_edit: bool,
    /// Print the draft and write nothing
    #[arg(long, conflicts_with = "folder")]
    pub print: bool,
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
  andon show health --at 03:12                           as it was that night
  andon show releases --format ics > releases.ics        for calendar applications
  andon show health --size 120x40 --keys \"j j enter\"     the screen after those keys
  andon show wall --size 200x60                          as it hangs on the wall
  andon show health --demo 4m                            the demo, four minutes into its story")]
pub struct Show {
    /// Which tab, or `wall`
    #[arg(value_parser = Offered(tabs))]
    pub tab: String,
    /// Another view of the tab
    #[arg(long, value_name = "VIEW", conflicts_with = "size", value_parser = Offered(views))]
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
    /// Ask every source first, instead of printing what is remembered
    #[arg(long)]
    pub poll: bool,
    /// As it was at a moment of the past: -2h, 03:12, 2026-11-21, "2026-11-21 18:00"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "poll")]
    pub at: Option<String>,
    /// List from this day or moment on, e.g. 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// List until before this day or moment
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Args)]
#[command(after_help = "\
However many panes, walls and status lines of one user run with one configuration, one process polls and tells the
others; when it is gone another goes on. `andon status` wakes one by itself where nobody polls, for ten minutes at a
time: this command is for whoever wants one that stays.

Examples:
  andon poll                     until it is told to stop, e.g. as a user service
  andon poll --idle 1h           until nobody has asked for an hour")]
pub struct Poll {
    /// End when nobody asked for so long, or when somebody else polls
    #[arg(long, value_name = "TIME")]
    pub idle: Option<String>,
    /// Leave the terminal it was started from
    #[arg(long, hide = true)]
    pub detach: bool,
}

fn lines() -> Vec<&'static str> {
    LineFormat::ALL.iter().map(|format| format.name()).collect()
}

/// Read by hand, before this grammar: it stands here for help, completions and the manual.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  set -g status-right '#(exec andon status --follow --format tmux)'      tmux: a line per change, no process per tick
  set -g status-right '#{@andon}'                                        tmux: with [status] tmux = true
  andon status --template '{mark} {down|{} down }{stale}'
  andon status --format json

In a template {field} is a value, and {field|text with {}} a text that is shown when the value is neither empty nor 0.
`andon help status` lists the fields.")]
pub struct Status {
    /// Whom the line is for
    #[arg(long, value_parser = Offered(lines))]
    pub format: Option<String>,
    /// A line of your own
    #[arg(long, value_name = "TEXT")]
    pub template: Option<String>,
    /// The line as it was at a moment of the past: -2h, 03:12, 2026-11-21, "2026-11-21 18:00"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Go on: a line for each change, until nobody reads
    #[arg(long)]
    pub follow: bool,
    /// Also set tmux's user option @andon
    #[arg(long)]
    pub push: bool,
    /// Never wake a poller, however old the data are
    #[arg(long)]
    pub no_poll: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  andon can-deploy checkout && ./deploy.sh
  andon can-deploy checkout --format json | jq -r .reason

Exit codes: 0 yes, 1 no, 3 nobody can say: a source that tells of freezes is silent or stale")]
pub struct CanDeploy {
    /// Which service
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// Ask what tells of freezes first, instead of answering from what is remembered
    #[arg(long)]
    pub poll: bool,
    /// How it is printed
    #[arg(long, default_value = "text")]
    pub format: CheckFormat,
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Markdown,
    Csv,
    /// The release calendar, for calendar applications
    Ics,
}

const STORE_EXAMPLES: &str = "\
Examples:
  andon store                          how much is remembered, and since when
  andon store check                    reads all of it; exit code 2 when it is damaged
  andon store export week.jsonl        JSON lines, for another machine or your own tools
  andon store import week.jsonl
  andon store forget --source pd       all that one source told
  andon store forget --before 2026-09-01";

#[derive(Debug, Subcommand)]
pub enum StoreWhat {
    /// How much is remembered, of which source, and since when
    Size {
        /// How it is printed
        #[arg(long, default_value = "text")]
        format: CheckFormat,
    },
    /// The file
    Path,
    /// Reads everything and says what is damaged; exit code 2 when something is
    Check {
        /// How it is printed
        #[arg(long, default_value = "text")]
        format: CheckFormat,
    },
    /// Writes everything as JSON lines, to standard output or a new file
    Export {
        /// A file that is not there yet
        file: Option<PathBuf>,
    },
    /// Reads exported JSON lines; what is remembered already is left as it is
    Import {
        /// A file, or - for standard input
        file: PathBuf,
    },
    /// Forgets: one source, what ended before a day, or everything. It cannot be undone
    Forget(ForgetWhat),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ForgetWhat {
    /// All that this source told
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// What ended before this day or moment, e.g. 2026-09-01; what is still so stays
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,
    /// Everything
    #[arg(long)]
    pub all: bool,
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
