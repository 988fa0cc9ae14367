//! The configuration as it is written: one struct per table, with the sentences its schema and help show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::model::{Role, Weight};

/// A string that remembers its place; a plain string in the schema.
pub type Text = Spanned<String>;

/// `[team]`: who looks at this board.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    /// Shown in the header.
    pub name: Option<String>,
    /// IANA name of the zone times are shown in; `UTC` and `AoE` are fine. Default: the machine's.
    #[schemars(with = "Option<String>")]
    pub timezone: Option<Text>,
    /// Environments in promotion order; the last is the one that counts.
    pub environments: Option<Vec<String>>,
    /// `monday` (default) or `sunday`.
    pub week_starts: Option<WeekStart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WeekStart {
    Monday,
    Sunday,
}

/// What every `[[source]]` has; the rest of its keys belong to its kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Unique; everything a source tells is known by (name, id).
    #[schemars(with = "String")]
    pub name: Text,
    /// `andon help sources` lists the kinds.
    #[schemars(with = "String")]
    pub kind: Text,
    /// Base address; a path prefix is kept. `env:NAME` and `file:PATH` are references.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub url: Option<Text>,
    /// How often it is asked: `15s`, `5m`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub every: Option<Text>,
    /// Deadline of one whole poll; default 10 s.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Text>,
    /// Private CA and client certificate.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// A proxy address, or `none`; default: the environment's.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub proxy: Option<Text>,
    /// Decompressed bytes an answer may have; default 8 MiB.
    #[serde(default)]
    pub max_body: Option<u32>,
    /// Send credentials over plain http to a host that is not this machine.
    #[serde(default)]
    pub allow_cleartext: bool,
}

/// Keys of `[[source]]` that are ours; `auth` is read apart, and the others are the kind's.
pub const SOURCE_KEYS: &[&str] =
    &["name", "kind", "url", "every", "timeout", "tls", "proxy", "max_body", "allow_cleartext"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of a private certificate authority, beside the system's.
    #[schemars(with = "Option<String>")]
    pub ca: Option<Text>,
    /// PEM file of the client certificate.
    #[schemars(with = "Option<String>")]
    pub cert: Option<Text>,
    /// PEM file of its key.
    #[schemars(with = "Option<String>")]
    pub key: Option<Text>,
}

/// One way to authenticate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    #[schemars(with = "Option<String>")]
    pub bearer: Option<Text>,
    pub basic: Option<Basic>,
    pub header: Option<Header>,
    /// In the vendor's own form.
    #[schemars(with = "Option<String>")]
    pub token: Option<Text>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    pub user: String,
    #[schemars(with = "String")]
    pub password: Text,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    #[schemars(with = "String")]
    pub name: Text,
    #[schemars(with = "String")]
    pub value: Text,
}

/// `[[service]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    #[schemars(with = "String")]
    pub name: Text,
    /// The team or person that builds and runs it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Services it cannot work without.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub depends_on: Vec<Text>,
    /// Services it is made of, such as its regions or instances: some of them down is degraded, all of them is down.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub members: Vec<Text>,
    /// `owner/name` on the code host.
    #[serde(default)]
    pub repo: Option<String>,
    /// http(s) address of the runbook.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub runbook: Option<Text>,
    /// Where people talk about it.
    #[serde(default)]
    pub chat: Option<String>,
    /// How alerts, incidents and deploys find this service.
    #[serde(default, rename = "match")]
    pub matching: Matching,
    /// Whether numbers that presets find are shown, for roles this service has no number of its own for (true).
    #[serde(default)]
    pub found: Option<bool>,
    #[serde(default, rename = "metric")]
    pub metrics: Vec<Metric>,
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
    #[serde(default, rename = "slo")]
    pub slos: Vec<Slo>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    /// Labels of alerts and numbers that all must agree; default: its name in `service`, `app`, `job` and the like.
    pub labels: BTreeMap<String, String>,
    /// `PagerDuty` service id.
    pub pagerduty: Option<String>,
    /// The GitHub environment that is this service.
    pub github_environment: Option<String>,
    /// The Argo CD application that is this service; default: the one of its name.
    pub argocd: Option<String>,
    /// The key of the Jira project whose versions are this service's releases.
    pub jira: Option<String>,
}

/// `[[service.metric]]`: a number, and what good looks like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    #[schemars(with = "String")]
    pub name: Text,
    /// Which source answers; may be left out when only one can.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub source: Option<Text>,
    /// `PromQL`, or the name or JSON Pointer of a `json` source's number.
    #[schemars(with = "String")]
    pub query: Text,
    /// `s`, `ms`, `%`, `ratio`, `bytes`, `count`, `per-second`, a currency code, or free text.
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub role: Option<Role>,
    /// What good looks like: `< 0.3`. Between good and bad is degraded.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub good: Option<Text>,
    /// From where it is down: `> 1.0`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub bad: Option<Text>,
    #[serde(default)]
    pub weight: Weight,
}

/// `[[service.probe]]`: asks a service itself. Exactly one of `http`, `tcp`, `tls`, `dns`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub http: Option<Text>,
    /// `host:port`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub tcp: Option<Text>,
    /// `host:port`; watches the days to expiry.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub tls: Option<Text>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub dns: Option<Text>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub every: Option<Text>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Text>,
    /// HTTP status that is expected; default any 2xx.
    #[serde(default)]
    pub status: Option<u16>,
    /// Text the body must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// Days before expiry from which a certificate is degraded; default 14.
    #[serde(default)]
    pub warn_days: Option<u32>,
    #[serde(default = "critical")]
    pub weight: Weight,
}

fn critical() -> Weight {
    Weight::Critical
}

/// `[[service.slo]]`: a promise in numbers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    #[schemars(with = "String")]
    pub name: Text,
    /// In percent: 99.9.
    #[schemars(with = "f64")]
    pub objective: Spanned<f64>,
    /// `30d`, `28d`.
    #[schemars(with = "String")]
    pub window: Text,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub source: Option<Text>,
    /// `PromQL` of the bad events; `$window` stands for a window.
    #[schemars(with = "String")]
    pub bad: Text,
    /// `PromQL` of all events.
    #[schemars(with = "String")]
    pub total: Text,
}

/// `[[freeze]]`: when deploys should wait; two crons, or two moments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    #[schemars(with = "String")]
    pub name: Text,
    /// Cron of the start: `0 18 * * 5`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub start: Option<Text>,
    /// Cron of the end.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub end: Option<Text>,
    /// Zone of the crons and of local times; default: the team's.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub timezone: Option<Text>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Spanned<toml::value::Datetime>>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Spanned<toml::value::Datetime>>,
    /// Services it covers; `["*"]` (default) is all.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub services: Option<Vec<Text>>,
    /// How one gets past it: `ask the on-call lead`.
    #[serde(default, rename = "override")]
    pub how_to_override: Option<String>,
}

/// `[post_mortems]`: what the team agreed on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostMortems {
    /// What each of them must say. Default: `["severity", "loss", "root-cause", "actions"]`.
    #[schemars(with = "Option<Vec<crate::model::Wanted>>")]
    pub required: Option<Vec<Text>>,
    /// How long an action may stay open: `28d` (default), `8w`.
    #[schemars(with = "Option<String>")]
    pub action_slo: Option<Text>,
    /// Which clock durations are taken by: `wall` (default) or `support-hours`.
    #[schemars(with = "Option<String>")]
    pub clock: Option<Text>,
    /// The hours that clock counts; default `mon-fri 09:00-17:00`, in the team's zone.
    #[schemars(with = "Option<String>")]
    pub support_hours: Option<Text>,
    /// The file new ones begin with; a relative path is one beside the configuration.
    #[schemars(with = "Option<String>")]
    pub template: Option<Text>,
}

/// `[[release]]`: releases the team means to make: by a cron, at a moment, or from a moment on by a recurrence rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    #[schemars(with = "String")]
    pub name: Text,
    /// Cron of its starts: `0 10 * * 2`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub cron: Option<Text>,
    /// The only release, or the first of a `rule`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub at: Option<Spanned<toml::value::Datetime>>,
    /// Recurrence rule of RFC 5545: `FREQ=MONTHLY;BYDAY=3TH`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub rule: Option<Text>,
    /// How long one takes: `1h`; default: a moment, or the whole day where `at` is a date.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub lasts: Option<Text>,
    /// Zone of the cron and of local times; default: the team's.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub timezone: Option<Text>,
    /// Services that are released; `["*"]` (default) is all.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub services: Option<Vec<Text>>,
}

/// `[ui]`: taste.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ui {
    /// `terminal` (default), `dark`, `light`, `high-contrast`, `colour-blind`, `monochrome`.
    #[schemars(with = "Option<String>")]
    pub theme: Option<Text>,
    /// ASCII glyphs only, for poor locales.
    pub ascii: Option<bool>,
    /// Clicks and wheel; `false` leaves the mouse to the terminal's own selection.
    pub mouse: Option<bool>,
    /// What `andon --wall` shows.
    pub wall: Wall,
    /// Action to keys: `refresh = ["r", "f5"]`; an empty list unbinds.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub keys: BTreeMap<String, Spanned<Keys>>,
}

/// `[ui.wall]`: the pages of the wall, which take turns while nothing is red.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wall {
    /// How long each is shown: `20s` (default).
    #[schemars(with = "Option<String>")]
    pub every: Option<Text>,
    /// Which, in which order. Default: `["overview", "numbers", "releases", "post-mortems"]`.
    #[schemars(with = "Option<Vec<String>>")]
    pub pages: Option<Vec<Text>>,
}

/// `[status]`: the line that `andon status` prints.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Status {
    /// `plain`, `ansi`, `tmux`, `waybar`, `polybar` or `json`, where no `--format` says another.
    #[schemars(with = "Option<String>")]
    pub format: Option<Text>,
    /// `{mark} {down|{} down }{stale}`: `andon help status` lists the fields.
    #[schemars(with = "Option<String>")]
    pub template: Option<Text>,
    /// Push the line to tmux as the user option `@andon`, once a change.
    pub tmux: bool,
}

/// `[store]`: what is remembered between runs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// A file instead of the usual one below `~/.local/state/andon`; `none` remembers nothing.
    #[schemars(with = "Option<String>")]
    pub path: Option<Text>,
    /// How long things are remembered: `90d` (default).
    #[schemars(with = "Option<String>")]
    pub retention: Option<Text>,
    /// Beyond this size the oldest is forgotten sooner: `256MB` (default).
    #[schemars(with = "Option<String>")]
    pub max_size: Option<Text>,
}

/// One key or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Keys {
    One(String),
    Many(Vec<String>),
}
