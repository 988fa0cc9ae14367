//! From written tables to the team and its upstreams; every semantic problem is located like a syntax error.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use toml::de::{DeValue, ValueDeserializer};
use url::Url;

use super::address::shown_address;
use super::problem::{Located, nearest};
use super::raw::{self, SOURCE_KEYS};
use super::read::{only, read, remove_at, rest, say};
use super::secret::{Secret, below};
use super::tree::{Table, Texts, Value};
use super::{Auth, BODY_CAP, Config, Endpoint, Proxy, Ui, Upstream, origin};
use crate::cockpit::Keymap;
use crate::model::{
    Bound, Clean, Freeze, FreezeRule, Link, Matching, Metric, MetricId, Name, Role, Service, Slo,
    SourceName, Team, Unit,
};
use crate::page::Skin;
use crate::source::{self, KINDS, Kind, Opening, ProbeMeans, ProbeSpec};

const SECTIONS: &[&str] = &[
    "include",
    "team",
    "source",
    "service",
    "freeze",
    "ui",
    "notify",
    "post_mortems",
    "delivery",
    "write",
    "store",
];
/// Named by the contract for what comes later; accepted, and said to be without effect yet.
const LATER: &[&str] = &["notify", "post_mortems", "delivery", "write", "store"];
const POLL_DEADLINE: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_secs(1);

/// What the building steps share.
struct Site<'a> {
    texts: &'a Texts,
    problems: &'a mut Vec<Located>,
}

impl Site<'_> {
    fn problem(&mut self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        self.problems.push(self.texts.locate(Some(span), message.into(), hint));
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, value: &Value) -> Option<T> {
        read(value, self.texts, self.problems)
    }

    fn duration(&mut self, text: Option<&raw::Text>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match SignedDuration::from_str(text.get_ref()).ok().and_then(|d| Duration::try_from(d).ok())
        {
            Some(d) if d >= SHORTEST => d,
            Some(_) => {
                self.problem(
                    &text.span(),
                    "shorter than a second",
                    Some("1s is the shortest".to_owned()),
                );
                default
            }
            None => {
                self.problem(
                    &text.span(),
                    "no duration",
                    Some("write it like \"15s\", \"5m\" or \"1h 30m\"".to_owned()),
                );
                default
            }
        }
    }

    fn zone(&mut self, text: &raw::Text) -> Option<TimeZone> {
        // Anywhere on Earth: a deadline has passed when it has passed everywhere.
        let name = if text.get_ref() == "AoE" { "Etc/GMT+12" } else { text.get_ref() };
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
            let near = nearest(name, names.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"));
            self.problem(
                &text.span(),
                format!("no time zone is called `{name}`"),
                near.or(Some("an IANA name such as Europe/London, or UTC".to_owned())),
            );
        }
        zone
    }

    fn secret(&mut self, text: &raw::Text) -> Option<Secret> {
        let span = text.span();
        match Secret::parse(text.get_ref(), &self.texts.folder(&span)) {
            Ok(Secret::Inline(_)) if self.texts.of(&span).is_some_and(|t| t.readable_by_others) => {
                let file =
                    self.texts.of(&span).map(|t| t.file.display().to_string()).unwrap_or_default();
                let hint = format!(
                    "use \"env:NAME\", \"file:PATH\" or \"cmd:PROGRAM\", or: chmod 600 {file}"
                );
                self.problem(
                    &span,
                    "a secret written out in a file that other users can read",
                    Some(hint),
                );
                None
            }
            Ok(secret) => Some(secret),
            Err(message) => {
                self.problem(&span, message, None);
                None
            }
        }
    }

    fn path(&self, text: &raw::Text) -> PathBuf {
        below(&self.texts.folder(&text.span()), text.get_ref())
    }

    fn link(&mut self, text: Option<&raw::Text>) -> Option<Link> {
        let text = text?;
        let link = Link::parse(text.get_ref());
        if link.is_none() {
            self.problem(&text.span(), "no http(s) address", None);
        }
        link
    }

    fn bound(&mut self, text: Option<&raw::Text>) -> Option<Bound> {
        let text = text?;
        let bound = Bound::parse(text.get_ref());
        if bound.is_none() {
            self.problem(
                &text.span(),
                "no comparison",
                Some("write it like \"< 0.3\" or \">= 99.9\"".to_owned()),
            );
        }
        bound
    }
}

/// Builds everything that can be built; what cannot is in `problems`.
pub fn build(table: &Table, texts: &Texts, problems: &mut Vec<Located>) -> Config {
    let settings = origin::settings(table, texts);
    let mut site = Site { texts, problems };
    let mut notes = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if !SECTIONS.contains(&name) {
            let hint = nearest(name, SECTIONS.iter().copied()).map_or_else(
                || format!("sections are {}", SECTIONS.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            site.problem(&key.span(), format!("unknown section `{name}`"), Some(hint));
        }
        if LATER.contains(&name) && value.get_ref().as_table().is_some_and(|t| !t.is_empty()) {
            notes.push(Clean::line(format_args!("[{name}] is not used by this version yet")));
        }
    }
    let section = |name: &str| table.get(name);
    let written: raw::Team = section("team").and_then(|v| site.read(v)).unwrap_or_default();
    let zone =
        written.timezone.as_ref().and_then(|t| site.zone(t)).unwrap_or_else(TimeZone::system);
    let ui = section("ui")
        .and_then(|v| site.read(v))
        .map(|raw| build_ui(raw, &mut site))
        .unwrap_or_default();

    let services: Vec<raw::Service> =
        list(section("service"), &mut site).iter().filter_map(|v| site.read(v)).collect();
    let sources: Vec<(raw::Source, Value)> = list(section("source"), &mut site)
        .iter()
        .filter_map(|v| Some((site.read(&only(v, SOURCE_KEYS))?, (*v).clone())))
        .collect();
    let names: Vec<&str> = sources.iter().map(|(s, _)| s.name.get_ref().as_str()).collect();
    unique(sources.iter().map(|(s, _)| &s.name), "source", &mut site);
    unique(services.iter().map(|s| &s.name), "service", &mut site);
    let service_names: Vec<&str> = services.iter().map(|s| s.name.get_ref().as_str()).collect();

    let askable: Vec<&str> = sources
        .iter()
        .filter(|(s, _)| matches!(s.kind.get_ref().as_str(), "prometheus" | "json"))
        .map(|(s, _)| s.name.get_ref().as_str())
        .collect();
    let mut built: Vec<Service> = services
        .iter()
        .map(|s| build_service(s, &service_names, &names, &askable, &mut site))
        .collect();

    let mut upstreams = Vec::new();
    let mut team_metrics = Vec::new();
    for (raw, value) in &sources {
        let metrics = built
            .iter()
            .flat_map(|s| &s.metrics)
            .filter(|m| m.source.as_str() == raw.name.get_ref())
            .cloned();
        let metrics: Vec<Metric> = metrics.collect();
        if let Some(upstream) = build_source(raw, value, &metrics, &zone, &mut site) {
            for metric in upstream.source.metrics() {
                own_service(&metric, value, &service_names, &mut site);
            }
            team_metrics.extend(upstream.source.metrics());
            upstreams.push(upstream);
        }
    }
    // A number that a source itself gives to a service stands with that service's own.
    for metric in team_metrics.extract_if(.., |m| m.id.service.is_some()) {
        if let Some(service) =
            built.iter_mut().find(|s| Some(&s.name) == metric.id.service.as_ref())
            && service.metrics.iter().all(|m| m.id != metric.id)
        {
            service.metrics.push(metric);
        }
    }
    for service in &services {
        build_probes(service, &mut upstreams, &mut site);
    }
    let freezes = list(section("freeze"), &mut site)
        .iter()
        .filter_map(|v| {
            let freeze = site.read::<raw::Freeze>(v)?;
            build_freeze(&freeze, &zone, &service_names, &mut site)
        })
        .collect();
    let team = Team {
        name: Clean::line(written.name.unwrap_or_default()),
        zone,
        environments: written
            .environments
            .unwrap_or_default()
            .into_iter()
            .map(Clean::line)
            .collect(),
        services: built,
        metrics: team_metrics,
        freezes,
        week_starts_sunday: written.week_starts == Some(raw::WeekStart::Sunday),
    };
    let files = texts.files().filter(|f| f.is_absolute()).map(std::path::Path::to_owned).collect();
    Config { team, upstreams, ui, files, settings, notes }
}

/// The elements of a list of tables; `[source]` for `[[source]]` is a slip worth a hint.
fn list<'v>(value: Option<&'v Value>, site: &mut Site<'_>) -> Vec<&'v Value> {
    match value.map(|v| (v, v.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Array(elements))) => elements.iter().collect(),
        Some((value, _)) => {
            site.problem(
                &value.span(),
                "expected a list of tables",
                Some("double the brackets: [[…]]".to_owned()),
            );
            Vec::new()
        }
    }
}

fn unique<'t>(names: impl Iterator<Item = &'t raw::Text>, what: &str, site: &mut Site<'_>) {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if name.get_ref().trim().is_empty() {
            site.problem(&name.span(), format!("a {what} needs a name"), None);
        } else if !seen.insert(name.get_ref()) {
            site.problem(&name.span(), format!("another {what} has this name"), None);
        }
    }
}

fn known(text: &raw::Text, among: &[&str], what: &str, site: &mut Site<'_>) -> bool {
    let known = among.contains(&text.get_ref().as_str());
    if !known {
        let hint = match nearest(text.get_ref(), among.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if among.is_empty() => format!("there is no {what} that could be meant"),
            None => {
                let mut names = among.to_vec();
                names.sort_unstable();
                names.dedup();
                format!("there are: {}", names.join(", "))
            }
        };
        site.problem(&text.span(), format!("no {what} is called `{}`", text.get_ref()), Some(hint));
    }
    known
}

/// A number that a source gives to a service nobody configured would be shown nowhere.
fn own_service(metric: &Metric, source: &Value, services: &[&str], site: &mut Site<'_>) {
    let Some(service) = metric.id.service.as_ref().map(Name::as_str) else { return };
    if services.contains(&service) {
        return;
    }
    let span = source.get_ref().get("metrics").map_or(source.span(), toml::Spanned::span);
    let near = nearest(service, services.iter().copied());
    let hint = near.map(|near| format!("did you mean `{near}`?"));
    let message = format!("metric {}: no service is called `{service}`", metric.id.metric);
    site.problem(&span, message, hint);
}

fn build_ui(raw: raw::Ui, site: &mut Site<'_>) -> Ui {
    let default = Ui::default();
    let skins: Vec<&str> = Skin::ALL.iter().map(|s| s.name()).collect();
    let skin = match raw.theme {
        Some(theme) if known(&theme, &skins, "theme", site) => Skin::named(theme.get_ref()),
        _ => None,
    };
    let mut wishes = Vec::new();
    let mut spans = BTreeMap::new();
    for (action, written) in raw.keys {
        spans.insert(action.clone(), written.span());
        let keys = match written.into_inner() {
            raw::Keys::One(key) => vec![key],
            raw::Keys::Many(keys) => keys,
        };
        wishes.push((action, keys));
    }
    let keymap = Keymap::build(&wishes).unwrap_or_else(|problems| {
        for problem in problems {
            // A conflict may name an action that kept its default keys: any wish is then the cause.
            let words = problem.to_string();
            let named = || spans.iter().find(|(action, _)| words.contains(&format!("`{action}`")));
            let span = spans
                .get(problem.action())
                .or_else(|| named().map(|(_, span)| span))
                .or_else(|| spans.values().next())
                .cloned();
            site.problems.push(site.texts.locate(span.as_ref(), words, None));
        }
        Keymap::default()
    });
    Ui {
        skin: skin.unwrap_or(default.skin),
        ascii: raw.ascii.unwrap_or(default.ascii),
        mouse: raw.mouse.unwrap_or(default.mouse),
        keymap,
    }
}

fn build_service(
    raw: &raw::Service,
    services: &[&str],
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Service {
    let name = Name::new(raw.name.get_ref());
    let mut depends_on = Vec::new();
    for parent in &raw.depends_on {
        if parent.get_ref() == raw.name.get_ref() {
            site.problem(&parent.span(), "a service cannot depend on itself", None);
        } else if known(parent, services, "service", site) {
            depends_on.push(Name::new(parent.get_ref()));
        }
    }
    unique(raw.metrics.iter().map(|m| &m.name), "metric of this service", site);
    let labels =
        raw.matching.labels.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect();
    Service {
        owner: Clean::line(raw.owner.as_deref().unwrap_or_default()),
        depends_on,
        repo: Clean::line(raw.repo.as_deref().unwrap_or_default()),
        runbook: site.link(raw.runbook.as_ref()),
        chat: Clean::line(raw.chat.as_deref().unwrap_or_default()),
        matching: Matching {
            labels,
            pagerduty: raw.matching.pagerduty.as_deref().unwrap_or_default().into(),
            github_environment: Clean::line(
                raw.matching.github_environment.as_deref().unwrap_or_default(),
            ),
        },
        metrics: raw
            .metrics
            .iter()
            .filter_map(|m| build_metric(m, &name, sources, askable, site))
            .collect(),
        slos: raw.slos.iter().filter_map(|s| build_slo(s, sources, askable, site)).collect(),
        name,
    }
}

/// The source a query goes to: the one named, or the only one that can answer queries.
fn asked(
    named: Option<&raw::Text>,
    near: &Range<usize>,
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Option<SourceName> {
    match (named, askable) {
        (Some(named), _) => {
            known(named, sources, "source", site).then(|| SourceName::new(named.get_ref()))
        }
        (None, [only]) => Some(SourceName::new(only)),
        (None, []) => {
            site.problem(
                near,
                "no source can answer this query",
                Some("add a [[source]] of kind \"prometheus\"".to_owned()),
            );
            None
        }
        (None, several) => {
            let hint = format!("add source = one of {}", several.join(", "));
            site.problem(near, "several sources could answer this query", Some(hint));
            None
        }
    }
}

fn build_metric(
    raw: &raw::Metric,
    service: &Name,
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Option<Metric> {
    let source = asked(raw.source.as_ref(), &raw.query.span(), sources, askable, site);
    let unit = Unit::parse(raw.unit.as_deref().unwrap_or_default());
    let (good, bad) = (site.bound(raw.good.as_ref()), site.bound(raw.bad.as_ref()));
    if let (Some(good), Some(bad), Some(text)) = (good, bad, &raw.bad)
        && good.holds(bad.value)
        && bad.holds(good.value)
    {
        site.problem(&text.span(), "good and bad overlap: a number could be both", None);
    }
    if raw.query.get_ref().trim().is_empty() {
        site.problem(&raw.query.span(), "an empty query", None);
    }
    // Without a role the unit tells: what is left over is what the business counts.
    let role = raw.role.unwrap_or(match unit {
        Unit::Seconds | Unit::Milliseconds => Role::Latency,
        Unit::Percent | Unit::Ratio => Role::Errors,
        Unit::PerSecond => Role::Traffic,
        Unit::Bytes => Role::Saturation,
        _ => Role::Business,
    });
    let id = MetricId { service: Some(service.clone()), metric: Name::new(raw.name.get_ref()) };
    Some(Metric {
        id,
        source: source?,
        query: raw.query.get_ref().as_str().into(),
        unit,
        role,
        good,
        bad,
        weight: raw.weight,
    })
}

fn build_slo(
    raw: &raw::Slo,
    sources: &[&str],
    askable: &[&str],
    site: &mut Site<'_>,
) -> Option<Slo> {
    let source = asked(raw.source.as_ref(), &raw.window.span(), sources, askable, site);
    let objective = *raw.objective.get_ref();
    if !(objective > 0.0 && objective < 100.0) {
        site.problem(
            &raw.objective.span(),
            "an objective lies between 0 and 100 percent, and is neither",
            Some("e.g. 99.9".to_owned()),
        );
        return None;
    }
    let window = site.duration_of_days(&raw.window)?;
    Some(Slo {
        name: Name::new(&raw.name),
        objective,
        window,
        source: source?,
        bad: raw.bad.as_str().into(),
        total: raw.total.as_str().into(),
    })
}

impl Site<'_> {
    /// `30d`: days of 24 hours, as the budget arithmetic wants.
    fn duration_of_days(&mut self, text: &raw::Text) -> Option<SignedDuration> {
        let days = jiff::Span::from_str(text.get_ref())
            .ok()
            .and_then(|s| s.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        if days.is_none_or(|d| d <= SignedDuration::ZERO) {
            self.problem(
                &text.span(),
                "no window",
                Some("write it like \"30d\" or \"28d\"".to_owned()),
            );
            return None;
        }
        days
    }
}

fn build_source(
    raw: &raw::Source,
    value: &Value,
    metrics: &[Metric],
    zone: &TimeZone,
    site: &mut Site<'_>,
) -> Option<Upstream> {
    let kinds: Vec<&str> = KINDS.iter().map(|k| k.name).collect();
    if !known(&raw.kind, &kinds, "kind of source", site) {
        return None;
    }
    let kind = KINDS.iter().find(|k| k.name == raw.kind.get_ref())?;
    let endpoint = build_endpoint(raw, value, kind, site);
    let name = SourceName::new(raw.name.get_ref());
    let every = site.duration(raw.every.as_ref(), kind.every);
    let timeout = site.duration(raw.timeout.as_ref(), POLL_DEADLINE);
    let homeless = kind.needs_url && endpoint.url.is_none() && raw.url.is_none();
    if homeless {
        let message = format!("a source of kind {} needs a url", kind.name);
        site.problem(&raw.kind.span(), message, Some("url = \"https://…\"".to_owned()));
    }
    let ours: Vec<&str> = SOURCE_KEYS.iter().copied().chain(["auth"]).collect();
    let mut options = rest(value, &ours);
    find_home(&mut options, &site.texts.folder(&raw.name.span()));
    // A wrong address is said once already: the kind still reads its other keys, and the result is thrown away.
    let wants_one = homeless || raw.url.is_some();
    let stand_in = || wants_one.then(|| Url::parse("http://address.invalid/").ok()).flatten();
    loop {
        let opening = Opening {
            name: name.clone(),
            url: endpoint.url.clone().or_else(stand_in),
            folder: site.texts.folder(&raw.name.span()),
            every,
            zone: zone.clone(),
            metrics: metrics.to_owned(),
            options: ValueDeserializer::from(options.clone()),
        };
        let problems = match (kind.open)(opening) {
            Ok(_) if homeless => return None,
            Ok(source) => {
                return Some(Upstream { name, kind: kind.name, source, endpoint, every, timeout });
            }
            Err(problems) => problems,
        };
        // A wrong key is reported and left out, so that the next one is found too.
        let mut removed = false;
        for problem in problems {
            match problem {
                source::Problem::Toml(error) => {
                    let mut said = say(&error, site.texts, value);
                    // The kind knows its own keys only: a slip may be meant for one that every source has.
                    let wrong = error.message().strip_prefix("unknown field `");
                    let wrong = wrong.and_then(|rest| rest.split('`').next());
                    if let (None, Some(wrong)) = (&said.hint, wrong) {
                        said.hint = nearest(wrong, ours.iter().copied())
                            .map(|word| format!("did you mean `{word}`?"));
                    }
                    site.problems.push(said);
                    removed |= error.span().is_some_and(|span| remove_at(&mut options, &span));
                }
                source::Problem::Key { key, message } => {
                    let span =
                        value.get_ref().get(key).map_or(raw.kind.span(), toml::Spanned::span);
                    site.problem(&span, message, None);
                }
                source::Problem::Metric { service, metric, message } => {
                    let of = service.map(|s| format!(" of {s}")).unwrap_or_default();
                    site.problem(&raw.kind.span(), format!("metric {metric}{of}: {message}"), None);
                }
            }
        }
        if !removed {
            return None;
        }
    }
}

/// `~/` in a source's path is home: the kinds know no environment.
fn find_home(options: &mut Value, folder: &std::path::Path) {
    let DeValue::Table(table) = options.get_mut() else { return };
    let Some(path) = table.get_mut("path") else { return };
    let found = path.get_ref().as_str().filter(|p| p.starts_with("~/")).map(|p| below(folder, p));
    if let Some(found) = found {
        *path.get_mut() = DeValue::String(found.to_string_lossy().into_owned().into());
    }
}

fn build_endpoint(raw: &raw::Source, value: &Value, kind: &Kind, site: &mut Site<'_>) -> Endpoint {
    let mut endpoint = Endpoint {
        cap: raw.max_body.map_or(BODY_CAP, |b| b as usize),
        allow_cleartext: raw.allow_cleartext,
        ..Endpoint::default()
    };
    if let Some(text) = &raw.url {
        endpoint.url = address(text, site);
        // A calendar's or another secret address shows its host only: the path is the credential.
        let secret = kind.name == "ical"
            || text.get_ref().starts_with("env:")
            || text.get_ref().starts_with("file:");
        endpoint.shown = match &endpoint.url {
            Some(url) if secret => Clean::line(format_args!(
                "{}://{}/…",
                url.scheme(),
                url.host_str().unwrap_or_default()
            )),
            Some(url) => Clean::line(shown_address(url)),
            None => Clean::default(),
        };
    } else if let Some(default) = kind.default_url.and_then(|u| Url::parse(u).ok()) {
        endpoint.shown = Clean::line(&default);
        endpoint.url = Some(default);
    } else if let Some(path) = value.get_ref().get("path").and_then(|p| p.get_ref().as_str()) {
        endpoint.shown = Clean::line(path);
    }
    match value.get_ref().get("auth").map(|v| (v, v.get_ref())) {
        None => {}
        Some((_, DeValue::Array(several))) => {
            endpoint.auth = several.iter().flat_map(|one| build_auth(one, site)).collect();
        }
        Some((one, _)) => endpoint.auth = build_auth(one, site),
    }
    if let Some(tls) = &raw.tls {
        endpoint.ca = tls.ca.as_ref().map(|t| site.path(t));
        endpoint.client = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some((site.path(cert), site.path(key))),
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => {
                site.problem(&one.span(), "a client certificate needs both `cert` and `key`", None);
                None
            }
        };
    }
    if let Some(proxy) = &raw.proxy {
        endpoint.proxy = match proxy.get_ref().as_str() {
            "none" => Proxy::None,
            _ => site.secret(proxy).map_or(Proxy::None, Proxy::Url),
        };
    }
    endpoint
}

/// The base address, wherever it is written; credentials in it are refused with the way out.
fn address(text: &raw::Text, site: &mut Site<'_>) -> Option<Url> {
    let span = text.span();
    let written = match Secret::parse(text.get_ref(), &site.texts.folder(&span)) {
        Ok(Secret::Env(name)) => {
            let value = std::env::var(&name).ok();
            if value.is_none() {
                site.problem(&span, format!("the environment has no {name}"), None);
            }
            value?
        }
        Ok(Secret::File(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) => {
                site.problem(
                    &span,
                    format!("{} cannot be read: {}", path.display(), error.kind()),
                    None,
                );
                return None;
            }
        },
        _ => text.get_ref().clone(),
    };
    // How calendar applications are offered a feed; it is fetched by https.
    let written = match written.strip_prefix("webcal://") {
        Some(rest) => format!("https://{rest}"),
        None => written,
    };
    let url = Url::parse(&written)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
    match url {
        None => {
            let hint = if written.contains("://") {
                "http and https are read"
            } else {
                "did you forget https://?"
            };
            site.problem(&span, "no http(s) address", Some(hint.to_owned()));
            None
        }
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            let hint = "auth = { basic = { user = \"…\", password = \"env:…\" } }".to_owned();
            site.problem(&span, "credentials do not belong in an address", Some(hint));
            None
        }
        Some(url) => Some(url),
    }
}

fn build_auth(value: &Value, site: &mut Site<'_>) -> Vec<Auth> {
    let Some(raw) = site.read::<raw::Auth>(value) else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(secret) = raw.bearer.as_ref().and_then(|t| site.secret(t)) {
        out.push(Auth::Bearer(secret));
    }
    if let Some(basic) = raw.basic
        && let Some(password) = site.secret(&basic.password)
    {
        out.push(Auth::Basic { user: basic.user, password });
    }
    if let Some(header) = raw.header {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if header.name.get_ref().is_empty() || !header.name.get_ref().bytes().all(legal) {
            site.problem(&header.name.span(), "no name of an HTTP header", None);
        } else if let Some(value) = site.secret(&header.value) {
            out.push(Auth::Header { name: header.name.into_inner(), value });
        }
    }
    if let Some(secret) = raw.token.as_ref().and_then(|t| site.secret(t)) {
        out.push(Auth::Token(secret));
    }
    if out.is_empty() && site.problems.is_empty() {
        site.problem(
            &value.span(),
            "says no way to authenticate",
            Some("bearer, basic, header or token".to_owned()),
        );
    }
    out
}

const PROBE_EVERY: Duration = Duration::from_secs(30);
const WARN_DAYS: u32 = 14;

/// Each probe is a source of its own: one that hangs delays no other.
fn build_probes(raw: &raw::Service, upstreams: &mut Vec<Upstream>, site: &mut Site<'_>) {
    for (i, probe) in raw.probes.iter().enumerate() {
        let Some((means, shown)) = build_means(probe, &raw.name, site) else { continue };
        let every = site.duration(probe.every.as_ref(), PROBE_EVERY);
        let timeout = site.duration(probe.timeout.as_ref(), POLL_DEADLINE);
        let name = SourceName::new(&format!("probe {} {}", raw.name.get_ref(), i + 1));
        let shown = Clean::line(shown);
        let spec = ProbeSpec {
            service: Name::new(raw.name.get_ref()),
            means,
            weight: probe.weight,
            shown: shown.clone(),
        };
        let endpoint = Endpoint { shown, cap: BODY_CAP, ..Endpoint::default() };
        upstreams.push(Upstream {
            name,
            kind: "probe",
            source: source::probe::open(spec),
            endpoint,
            every,
            timeout,
        });
    }
}

fn build_means(
    probe: &raw::Probe,
    near: &raw::Text,
    site: &mut Site<'_>,
) -> Option<(ProbeMeans, String)> {
    let given = [&probe.http, &probe.tcp, &probe.tls, &probe.dns].into_iter().flatten().count();
    if given != 1 {
        site.problem(&near.span(), "a probe asks exactly one of http, tcp, tls, dns", None);
        return None;
    }
    if let Some(text) = &probe.http {
        let url = address(text, site)?;
        let shown = shown_address(&url);
        return Some((
            ProbeMeans::Http {
                url,
                expect_status: probe.status,
                contains: probe.contains.as_deref().map(Into::into),
            },
            shown,
        ));
    }
    if let Some(text) = &probe.dns {
        return Some((
            ProbeMeans::Dns { host: text.get_ref().as_str().into() },
            text.get_ref().clone(),
        ));
    }
    let text = probe.tcp.as_ref().or(probe.tls.as_ref())?;
    let (host, port) = text
        .get_ref()
        .rsplit_once(':')
        .and_then(|(h, p)| Some((h, p.parse::<u16>().ok()?)))
        .or_else(|| {
            site.problem(
                &text.span(),
                "expected host:port",
                Some("db.example:5432, or [::1]:5432".to_owned()),
            );
            None
        })?;
    let host: Box<str> = host.trim_start_matches('[').trim_end_matches(']').into();
    let means = if probe.tls.is_some() {
        ProbeMeans::Tls { host, port, warn_days: probe.warn_days.unwrap_or(WARN_DAYS) }
    } else {
        ProbeMeans::Tcp { host, port }
    };
    Some((means, text.get_ref().clone()))
}

fn build_freeze(
    raw: &raw::Freeze,
    zone: &TimeZone,
    services: &[&str],
    site: &mut Site<'_>,
) -> Option<Freeze> {
    let zone = raw.timezone.as_ref().and_then(|t| site.zone(t)).unwrap_or_else(|| zone.clone());
    let rule = match (&raw.start, &raw.end, &raw.from, &raw.until) {
        (Some(start), Some(end), None, None) => {
            let (start, end) = (cron(start, site)?, cron(end, site)?);
            FreezeRule::Cron { start: Box::new(start), end: Box::new(end), zone }
        }
        (None, None, Some(from), Some(until)) => {
            let (begins, ends) = (moment(from, &zone, site)?, moment(until, &zone, site)?);
            if ends <= begins {
                site.problem(&until.span(), "a freeze ends after it begins", None);
                return None;
            }
            FreezeRule::Once { from: begins, until: ends }
        }
        _ => {
            let hint = "start and end as crons, or from and until as moments".to_owned();
            site.problem(&raw.name.span(), "when does this freeze begin and end?", Some(hint));
            return None;
        }
    };
    let mut covered = Vec::new();
    let mut all = raw.services.is_none();
    for name in raw.services.iter().flatten() {
        if name.get_ref() == "*" {
            all = true;
        } else if known(name, services, "service", site) {
            covered.push(Name::new(name.get_ref()));
        }
    }
    Some(Freeze {
        name: Clean::line(raw.name.get_ref()),
        rule,
        services: (!all).then_some(covered),
        how_to_override: Clean::line(raw.how_to_override.as_deref().unwrap_or_default()),
    })
}

fn cron(text: &raw::Text, site: &mut Site<'_>) -> Option<croner::Cron> {
    let parsed = croner::Cron::from_str(text.get_ref());
    // A date that never comes (30 February) is found by looking once, here and not at every frame.
    match parsed {
        Ok(cron)
            if cron
                .find_next_occurrence(&jiff::Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC), true)
                .is_ok() =>
        {
            Some(cron)
        }
        Ok(_) => {
            site.problem(&text.span(), "this cron never fires", None);
            None
        }
        Err(error) => {
            site.problem(
                &text.span(),
                format!("no cron: {error}"),
                Some("minute hour day month weekday, e.g. \"0 18 * * 5\"".to_owned()),
            );
            None
        }
    }
}

/// An offset date-time is exact; a local one, or a date, is read in `zone`.
fn moment(
    text: &toml::Spanned<toml::value::Datetime>,
    zone: &TimeZone,
    site: &mut Site<'_>,
) -> Option<Timestamp> {
    let written = text.get_ref().to_string();
    let exact = || Timestamp::from_str(&written).ok();
    let local = || {
        jiff::civil::DateTime::from_str(&written)
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|z| z.timestamp())
    };
    let day = || {
        jiff::civil::Date::from_str(&written)
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|z| z.timestamp())
    };
    let found = exact().or_else(local).or_else(day);
    if found.is_none() {
        site.problem(
            &text.span(),
            "no date or moment",
            Some("2026-12-20, or 2026-12-20T18:00:00Z".to_owned()),
        );
    }
    found
}
