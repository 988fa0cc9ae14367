//! Credentials: made for one request at a time, and only for the origin the configuration gave them to.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use base64::Engine as _;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use super::Reach;
use crate::config::{Auth, Endpoint, Secret};
use crate::engine::secret::Vault;
use crate::model::{Status, Trouble};
use crate::source::wire;

/// How a vendor wants its own kind of token, where it is not a bearer token: kind, header, words before the token.
///
/// From developer.pagerduty.com "Authentication", docs.gitlab.com "Personal access tokens",
/// docs.opsgenie.com "Authentication"; GitHub and most others take bearer tokens.
const VENDOR_FORMS: &[(&str, &str, &str)] = &[
    ("pagerduty", "authorization", "Token token="),
    ("gitlab", "private-token", ""),
    ("opsgenie", "authorization", "GenieKey "),
];

/// Header lines that say who we are; empty for upstreams without credentials.
#[derive(Default)]
pub struct Authority {
    pub lines: Vec<(HeaderName, HeaderValue)>,
    /// Tells credentials apart without holding them; 0 for none.
    pub fingerprint: u64,
}

/// Refuses a request that would carry a credential away from home or through the open.
pub fn check(endpoint: &Endpoint, url: &Url) -> Result<(), Trouble> {
    let where_to = shown_origin(url);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Trouble::new(Status::Redirect, format!("{where_to} is no web address")));
    }
    match &endpoint.url {
        Some(home) if !wire::same_origin(home, url) => {
            return Err(Trouble::new(
                Status::Redirect,
                format!("refused to ask {where_to}: not the address of this source"),
            ));
        }
        None if !endpoint.auth.is_empty() => {
            return Err(Trouble::new(
                Status::Auth,
                format!("refused to send a credential to {where_to}: this source names no address"),
            ));
        }
        _ => {}
    }
    let in_the_open = url.scheme() == "http" && !is_loopback(url);
    if in_the_open && !endpoint.auth.is_empty() && !endpoint.allow_cleartext {
        return Err(Trouble::new(
            Status::Auth,
            format!("refused to send a credential over plain http to {where_to}"),
        )
        .hint("use https, or say `allow_cleartext = true` in this source"));
    }
    Ok(())
}

/// The credential lines of an upstream.
pub async fn of(reach: &Reach, vault: &Vault, seal: Seal) -> Result<Authority, Trouble> {
    if let Some(home) = &reach.endpoint.url {
        blot_out_address(home, vault);
    }
    let mut lines = Vec::new();
    for auth in &reach.endpoint.auth {
        let value = vault.open(secret_of(auth)).await?;
        let value = value.expose_secret();
        let (name, text) = match auth {
            Auth::Bearer(_) => (AUTHORIZATION, format!("Bearer {value}")),
            Auth::Basic { user, .. } => {
                let pair =
                    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{value}"));
                vault.blot_out(&pair);
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            Auth::Header { name, .. } => (header_name(name)?, value.to_owned()),
            Auth::Token(_) => {
                let (name, before) = vendor_form(reach.kind);
                (header_name(name)?, format!("{before}{value}"))
            }
        };
        let mut line = HeaderValue::from_str(&text).map_err(|_| {
            Trouble::new(Status::Auth, "the credential holds characters no header may have")
        })?;
        line.set_sensitive(true);
        lines.push((name, line));
    }
    let fingerprint = if lines.is_empty() { 0 } else { seal.fingerprint(&lines) };
    Ok(Authority { lines, fingerprint })
}

/// Secrets that stand in an address: values of its query, and long parts of its path as private calendars have.
fn blot_out_address(home: &Url, vault: &Vault) {
    const TELLING: [&str; 8] = ["token", "key", "secret", "auth", "pass", "sig", "code", "cred"];
    for (name, value) in home.query_pairs() {
        let name = name.to_ascii_lowercase();
        if value.len() >= LONG || TELLING.iter().any(|word| name.contains(word)) {
            vault.blot_out(&value);
        }
    }
    let is_drawn = |part: &&str| part.len() >= LONG && part.bytes().any(|b| b.is_ascii_digit());
    home.path_segments().into_iter().flatten().filter(is_drawn).for_each(|p| vault.blot_out(p));
}

/// Words are shorter, drawn secrets are longer.
const LONG: usize = 20;

/// What an upstream refused is read anew next time.
pub fn forget(reach: &Reach, vault: &Vault) {
    for auth in &reach.endpoint.auth {
        vault.forget(secret_of(auth));
    }
}

fn secret_of(auth: &Auth) -> &Secret {
    match auth {
        Auth::Bearer(secret) | Auth::Token(secret) => secret,
        Auth::Basic { password, .. } => password,
        Auth::Header { value, .. } => value,
    }
}

fn vendor_form(kind: &str) -> (&'static str, &'static str) {
    VENDOR_FORMS
        .iter()
        .find(|(k, ..)| *k == kind)
        .map_or(("authorization", "Bearer "), |(_, name, before)| (name, before))
}

fn header_name(name: &str) -> Result<HeaderName, Trouble> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Trouble::new(Status::Auth, format!("\"{name}\" is no header name")))
}

/// The key of the hash that credentials are told apart by.
#[derive(Clone, Copy)]
pub struct Seal(u64, u64);

impl Seal {
    /// A new one that nobody can guess.
    pub fn draw() -> Self {
        let half = || RandomState::new().hash_one(0);
        Self(half(), half())
    }

    /// Never 0, which is no credential.
    #[allow(deprecated)] // the standard library's only keyed hash that is the same in every process
    fn fingerprint(self, lines: &[(HeaderName, HeaderValue)]) -> u64 {
        let mut hasher = std::hash::SipHasher::new_with_keys(self.0, self.1);
        for (name, value) in lines {
            (name.as_str(), value.as_bytes()).hash(&mut hasher);
        }
        hasher.finish().max(1)
    }
}

impl From<[u8; 16]> for Seal {
    fn from(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        Self(whole as u64, (whole >> 64) as u64)
    }
}

impl From<Seal> for [u8; 16] {
    fn from(Seal(low, high): Seal) -> Self {
        (u128::from(low) | u128::from(high) << 64).to_le_bytes()
    }
}

/// Scheme, host and port: the only part of an address that errors may show.
pub fn shown_origin(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or(""))
}

/// Host and port.
pub fn shown_host(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or(""))
}

pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            name == "localhost" || name == "localhost." || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(v4)) => v4.is_loopback(),
        Some(url::Host::Ipv6(v6)) => v6.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn endpoint(url: &str, auth: Vec<Auth>) -> Endpoint {
        Endpoint { url: Some(url.parse().unwrap()), auth, ..Endpoint::default() }
    }

    fn bearer() -> Vec<Auth> {
        vec![Auth::Bearer(Secret::Inline("canary-1".into()))]
    }

    #[test]
    fn a_credential_leaves_for_its_own_origin_only() {
        let home = endpoint("https://ex.org/prom", bearer());
        for (url, good) in [
            ("https://ex.org/other", true),
            ("https://ex.org:443/x", true),
            ("https://ex.org:8443/x", false),
            ("http://ex.org/x", false),
            ("https://evil.ex.org/x", false),
            ("https://ex.org.evil/x", false),
        ] {
            assert_eq!(check(&home, &url.parse().unwrap()).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_source_without_an_address_has_nowhere_to_send_a_credential() {
        let nowhere = |auth| Endpoint { url: None, auth, ..Endpoint::default() };
        let url = "https://ex.org/".parse().unwrap();
        assert!(check(&nowhere(bearer()), &url).is_err());
        assert!(check(&nowhere(Vec::new()), &url).is_ok());
    }

    #[test]
    fn cleartext_is_for_loopback_or_for_those_who_said_so() {
        for (url, good) in [
            ("http://127.0.0.1:9090/", true),
            ("http://[::1]:9090/", true),
            ("http://localhost/", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.evil.org/", false),
        ] {
            let mut end = endpoint(url, bearer());
            let url = url.parse().unwrap();
            assert_eq!(check(&end, &url).is_ok(), good, "{url}");
            end.allow_cleartext = true;
            assert!(check(&end, &url).is_ok());
            end.auth.clear();
            end.allow_cleartext = false;
            assert!(check(&end, &url).is_ok(), "without a credential there is nothing to hide");
        }
    }

    #[test]
    fn every_vendor_gets_its_own_form() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let vault = Vault::new(Duration::from_secs(1));
        let token = || Auth::Token(Secret::Inline("abcd".into()));
        let basic = Auth::Basic { user: "ops".into(), password: Secret::Inline("test".into()) };
        let own = Auth::Header { name: "X-Scope-OrgID".into(), value: Secret::Inline("t1".into()) };
        for (kind, auth, name, value) in [
            ("pagerduty", token(), "authorization", "Token token=abcd"),
            ("gitlab", token(), "private-token", "abcd"),
            ("github", token(), "authorization", "Bearer abcd"),
            ("prometheus", basic, "authorization", "Basic b3BzOnRlc3Q="),
            ("prometheus", own, "x-scope-orgid", "t1"),
        ] {
            let endpoint = endpoint("https://ex.org", vec![auth]);
            let reach = Reach { name: crate::model::Name::new("x"), kind, endpoint };
            let made = runtime.block_on(of(&reach, &vault, Seal::draw())).unwrap();
            let (n, v) = &made.lines[0];
            assert_eq!((n.as_str(), v.to_str().unwrap()), (name, value), "{kind}");
            assert!(v.is_sensitive());
        }
    }
}
