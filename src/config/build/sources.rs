//! `[[source]]`: what is asked, where, and with which credentials.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::de::{DeValue, ValueDeserializer};
use url::Url;

use crate::config::address::shown_address;
use crate::config::problem::nearest;
use crate::config::raw::{self, SOURCE_KEYS};
use crate::config::read::{remove_at, rest, say};
use crate::config::secret::{Secret, below};
use crate::config::tree::Value;
use crate::config::{Auth, BODY_CAP, Endpoint, Proxy, Upstream};
use crate::model::{Clean, Metric, Name, Slo, SourceName};
use crate::source::{self, KINDS, Kind, Opening, Services};

use super::site::{Site, known};

pub const POLL_DEADLINE: Duration = Duration::from_secs(10);
/// What the services want of one source.
pub struct Wanted<'a> {
    pub metrics: &'a [Metric],
    pub slos: &'a [(Name, Slo)],
    /// All of them, for numbers that nobody configured.
    pub services: &'a Services<'a>,
    /// A source of the same kind comes before this one.
    pub second: bool,
}

pub fn build_source(
    raw: &raw::Source,
    value: &Value,
    wanted: &Wanted<'_>,
    alerts_delivered: bool,
    zone: &TimeZone,
    site: &mut Site<'_>,
) -> Option<Upstream> {
    let kinds: Vec<&str> = KINDS.iter().map(|k| k.name).collect();
    // An unknown kind must not hide what else is wrong: the rest is read as the kind that was probably meant, and
    // the result is thrown away.
    let guessed = !known(&raw.kind, &kinds, "kind of source", site);
    let word = if guessed {
        nearest(raw.kind.get_ref(), kinds.iter().copied())
    } else {
        Some(raw.kind.get_ref().as_str())
    };
    let Some(kind) = KINDS.iter().find(|k| Some(k.name) == word) else {
        judge_common(raw, value, site);
        return None;
    };
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
            metrics: wanted.metrics.to_owned(),
            slos: wanted.slos.to_owned(),
            services: wanted.services,
            finds_second: wanted.second,
            alerts_delivered,
            options: ValueDeserializer::from(options.clone()),
        };
        let problems = match (kind.open)(opening) {
            Ok(_) if homeless || guessed => return None,
            Ok(source) => {
                return Some(Upstream {
                    name,
                    kind: kind.name,
                    source: source.into(),
                    endpoint,
                    every,
                    timeout,
                    memory: BTreeMap::new(),
                    known: None,
                    linked: crate::model::Linked::default(),
                });
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

/// What is wrong with the keys that every source has.
fn judge_common(raw: &raw::Source, value: &Value, site: &mut Site<'_>) {
    if let Some(kind) = KINDS.first() {
        build_endpoint(raw, value, kind, site);
    }
    for length in [&raw.every, &raw.timeout].into_iter().flatten() {
        site.duration(Some(length), POLL_DEADLINE);
    }
}

/// `~/` in a source's path is home: the kinds know no environment.
pub fn find_home(options: &mut Value, folder: &std::path::Path) {
    let DeValue::Table(table) = options.get_mut() else { return };
    let Some(path) = table.get_mut("path") else { return };
    let found = path.get_ref().as_str().filter(|p| p.starts_with("~/")).map(|p| below(folder, p));
    if let Some(found) = found {
        *path.get_mut() = DeValue::String(found.to_string_lossy().into_owned().into());
    }
}

pub fn build_endpoint(
    raw: &raw::Source,
    value: &Value,
    kind: &Kind,
    site: &mut Site<'_>,
) -> Endpoint {
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
pub fn address(text: &raw::Text, site: &mut Site<'_>) -> Option<Url> {
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

pub fn build_auth(value: &Value, site: &mut Site<'_>) -> Vec<Auth> {
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
