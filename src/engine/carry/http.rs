//! One HTTP request: credentials, redirects, the body under its cap, and what was learned on the way.

use std::time::Instant as Stopwatch;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method as Verb, Response};
use secrecy::ExposeSecret;
use tokio::time::timeout_at;
use url::Url;

use super::authority::{self, Authority, is_loopback, shown_host, shown_origin};
use super::client::Via;
use super::fault::{self, Phase};
use super::probes;
use super::{Allowance, Carrier, Reach, names};
use crate::config::Proxy;
use crate::engine::clock::from_clock;
use crate::model::{Status, Trouble};
use crate::source::{Http, HttpAnswer, Method, wire};

/// Redirects followed for a source: within its origin.
const HOPS: u8 = 3;
/// Redirects followed for a probe, which carries no credential.
const PROBE_HOPS: u8 = 5;
/// An error page is read for its reason only.
const ERROR_PAGE: usize = 64 * 1024;

/// What stays the same over the redirects of one request.
struct Errand<'a> {
    reach: &'a Reach,
    http: &'a Http,
    authority: Authority,
    allowance: &'a Allowance,
}

impl Carrier {
    /// Any HTTP answer is an answer; a trouble means there was none that may be trusted.
    pub(super) async fn fetch(
        &self,
        reach: &Reach,
        http: &Http,
        allowance: &Allowance,
    ) -> Result<HttpAnswer, Trouble> {
        let authority = if http.probe {
            Authority::default()
        } else {
            authority::check(&reach.endpoint, &http.url)?;
            authority::of(reach, &self.vault, self.holds.seal()).await?
        };
        // Behind the ports of one machine, as of one that forwards them, lie servers that are slow each for itself.
        let host = shown_host(&http.url);
        // Made before the clock starts: the first of all reads the system's certificates.
        self.client_for(reach, &http.url).await?;
        // GitHub asks for one request at a time per token (docs.github.com, "best practices for REST").
        let serial = reach.kind == "github" && !http.probe;
        let _lane = self.lanes.enter(&host, serial, allowance).await?;
        let _air = self.lull.enter(http.probe);
        let errand = Errand { reach, http, authority, allowance };
        let began = Stopwatch::now();
        // On the heap, so that the many who still wait for a lane take little.
        let mut answer = Box::pin(self.follow(&errand)).await?;
        answer.took = began.elapsed();
        Ok(answer)
    }

    async fn follow(&self, errand: &Errand<'_>) -> Result<HttpAnswer, Trouble> {
        let mut url = errand.http.url.clone();
        let most = if errand.http.probe { PROBE_HOPS } else { HOPS };
        for redirects in 0..=most {
            let answer = self.hop(errand, &url, redirects).await?;
            let Some(next) = redirect(errand.http, &answer)? else { return Ok(answer) };
            if !errand.http.probe {
                // The origin check, before anything is sent there.
                if !wire::same_origin(&errand.http.url, &next) {
                    return Err(elsewhere(&url, &next));
                }
            } else if leads_to_link_local(&next) {
                return Err(Trouble::new(
                    Status::Redirect,
                    format!("{} redirects to a link-local address: not followed", shown_host(&url)),
                ));
            }
            url = next;
        }
        Err(Trouble::new(
            Status::Redirect,
            format!("{} redirected more than {most} times", shown_host(&errand.http.url)),
        )
        .hint("it may redirect in a circle"))
    }

    /// One request and its answer, kept answers put in place of a 304.
    async fn hop(
        &self,
        errand: &Errand<'_>,
        url: &Url,
        redirects: u8,
    ) -> Result<HttpAnswer, Trouble> {
        let whom = (shown_host(url).into_boxed_str(), errand.authority.fingerprint);
        if !errand.http.probe {
            self.holds.check(&whom, errand.http.budget, from_clock())?;
        }
        let accept = errand.http.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("accept"));
        let kept = (
            url.as_str().to_owned(),
            accept.map(|(_, v)| v.clone()).unwrap_or_default(),
            errand.authority.fingerprint,
        );
        let mut headers = HeaderMap::new();
        let conditional = errand.http.conditional && errand.http.method == Method::Get;
        if conditional {
            for (name, value) in self.kept.validators(&kept) {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
        }
        let asked_if_changed = !headers.is_empty();
        let mut answer = self.exchange(errand, url, headers).await?;
        answer.redirects = redirects;
        if errand.http.probe {
            return Ok(answer);
        }
        if is_tls_port(&answer) {
            return Err(Trouble::new(
                Status::Tls,
                format!("{} wants TLS on this port, and the address says http", whom.0),
            )
            .hint("write https:// in the address"));
        }
        let share = self.holds.learn(&whom, errand.http.budget, &answer, from_clock());
        if let Some(share) = share {
            errand.allowance.charge(errand.http.budget, share);
        }
        if answer.status == 401 {
            authority::forget(errand.reach, &self.vault);
        }
        if conditional {
            if answer.status == 304 && asked_if_changed {
                return self.kept.refreshed(&kept, &answer).ok_or_else(|| {
                    // Dropped from the shelf while the request was in the air: the next poll asks unconditionally.
                    Trouble::bad_data("the unchanged answer is no longer kept")
                });
            }
            if answer.status == 200 {
                self.kept.keep(kept, &answer);
            }
        }
        Ok(answer)
    }

    async fn exchange(
        &self,
        errand: &Errand<'_>,
        url: &Url,
        mut headers: HeaderMap,
    ) -> Result<HttpAnswer, Trouble> {
        let host = shown_host(url);
        let http = errand.http;
        for (name, value) in &http.headers {
            let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            else {
                return Err(fault::internal(format!("the header {name} cannot be sent")));
            };
            headers.insert(name, value);
        }
        if !headers.contains_key(ACCEPT) {
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        }
        for (name, value) in &errand.authority.lines {
            headers.insert(name.clone(), value.clone());
        }
        let client = self.client_for(errand.reach, url).await?;
        let verb = match http.method {
            Method::Get => Verb::GET,
            Method::Head => Verb::HEAD,
            Method::Post => Verb::POST,
        };
        let mut request = client.request(verb, url.clone());
        if let Some((kind, body)) = &http.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            request = request.body(bytes::Bytes::from_owner(body.clone()));
        }
        let request = request.headers(headers);
        let (limit, end) = (errand.allowance.limit(), errand.allowance.end());
        let response = match timeout_at(end, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.why(errand, &error, url, Phase::Asking).await),
            Err(_) => return Err(fault::late(&host, Phase::Asking, limit)),
        };
        let status = response.status().as_u16();
        let headers = lines(response.headers());
        let body = match self.body(errand, response, url).await {
            Ok(body) => body,
            // The status says enough; its page need not have come whole.
            Err((body, _)) if status >= 400 => body,
            Err((_, trouble)) => return Err(trouble),
        };
        Ok(HttpAnswer {
            status,
            headers,
            body: body.into(),
            url: url.clone(),
            redirects: 0,
            took: std::time::Duration::ZERO,
        })
    }

    async fn client_for(&self, reach: &Reach, url: &Url) -> Result<Client, Trouble> {
        let via = match &reach.endpoint.proxy {
            // A proxy on the way to oneself is never meant, and HTTP_PROXY would catch it.
            _ if is_loopback(url) => Via::Nothing,
            Proxy::None => Via::Nothing,
            Proxy::Environment => Via::Environment,
            Proxy::Url(secret) => {
                Via::Proxy(self.vault.open(secret).await?.expose_secret().to_owned())
            }
        };
        self.clients.client(&reach.endpoint, &via)
    }

    /// The body, decompressed, chunk by chunk: a bomb ends at the cap, a trickle at the deadline.
    async fn body(
        &self,
        errand: &Errand<'_>,
        mut response: Response,
        url: &Url,
    ) -> Result<Vec<u8>, (Vec<u8>, Trouble)> {
        let host = shown_host(url);
        let failed = response.status().as_u16() >= 400;
        let mut body = Vec::new();
        let encoding = response.headers().get(reqwest::header::CONTENT_ENCODING);
        if let Some(encoding) = encoding.filter(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity"))
            && !encoding.is_empty()
            && errand.http.method != Method::Head
        {
            let words = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            let trouble = format!("{host} answers in an encoding nobody asked for: {words}");
            return Err((body, Trouble::bad_data(trouble)));
        }
        let asked = if failed { ERROR_PAGE } else { self.cap(errand) };
        let cap = asked.min(errand.allowance.bytes_left());
        let too_large = || {
            let words = bytes_in_words(cap);
            let message = if cap < asked {
                format!(
                    "the answers of {host} to one poll are too large together (the last over {words})"
                )
            } else {
                format!("the answer of {host} is larger than {words}")
            };
            Trouble::new(Status::TooLarge, message)
                .hint("ask for less, or raise max_body for this source")
        };
        if response.content_length().is_some_and(|told| told > cap as u64) && !failed {
            return Err((body, too_large()));
        }
        let (limit, end) = (errand.allowance.limit(), errand.allowance.end());
        loop {
            let phase = Phase::Reading(body.len());
            let chunk = match timeout_at(end, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    let trouble = self.why(errand, &error, url, phase).await;
                    return Err((body, trouble));
                }
                Err(_) => return Err((body, fault::late(&host, phase, limit))),
            };
            let room = cap - body.len();
            if chunk.len() > room {
                body.extend_from_slice(chunk.get(..room).unwrap_or_default());
                return Err((body, too_large()));
            }
            body.extend_from_slice(&chunk);
            errand.allowance.spend(chunk.len());
            // A decompressor that is always ready never lets a timer fire: the clock is looked at here.
            if tokio::time::Instant::now() > end {
                let phase = Phase::Reading(body.len());
                return Err((body, fault::late(&host, phase, limit)));
            }
            tokio::task::coop::consume_budget().await;
        }
        if body.starts_with(b"\xEF\xBB\xBF") {
            body.drain(..3);
        }
        Ok(body)
    }

    fn cap(&self, errand: &Errand<'_>) -> usize {
        let configured = match errand.reach.endpoint.cap {
            0 => self.limits.cap,
            cap => cap,
        };
        errand.http.cap.unwrap_or(configured).min(configured)
    }

    /// The client's fault in words. An unknown CA is looked at more closely: self-signed is another remedy.
    async fn why(
        &self,
        errand: &Errand<'_>,
        error: &reqwest::Error,
        url: &Url,
        phase: Phase,
    ) -> Trouble {
        let host = shown_host(url);
        let trouble = fault::of_http(error, &host, phase, self.limits.connect);
        if trouble.status != Status::Tls {
            let on_the_way = matches!(trouble.status, Status::Unreachable | Status::Timeout);
            return match proxy_in_words(errand.reach, url) {
                Some(words) if on_the_way && phase == Phase::Asking => trouble.hint(words),
                _ => trouble,
            };
        }
        self.clients.forget_identity(&errand.reach.endpoint);
        let name = url.host_str().unwrap_or("");
        let port = url.port_or_known_default().unwrap_or(443);
        let unknown = trouble.message.as_str().contains("not known here");
        if unknown
            && let Ok(trust) = self.clients.trust(&errand.reach.endpoint)
            && probes::is_self_signed(&self.names, &trust, name, port, errand.allowance.end()).await
        {
            return Trouble::new(Status::Tls, format!("the certificate of {host} is self-signed"))
                .hint("if it is meant, name its file as tls.ca of this source");
        }
        trouble
    }
}

/// Which proxy may have failed in the place of the host that is named.
fn proxy_in_words(reach: &Reach, url: &Url) -> Option<&'static str> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let names =
        ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    match reach.endpoint.proxy {
        _ if is_loopback(url) => None,
        Proxy::Url(_) => Some("the way leads through the proxy of this source: is that one up?"),
        Proxy::Environment if names.into_iter().any(set) => {
            Some("the way may lead through the proxy of this environment (HTTPS_PROXY): is it up?")
        }
        _ => None,
    }
}

/// Where an answer sends us, if it does.
fn redirect(http: &Http, answer: &HttpAnswer) -> Result<Option<Url>, Trouble> {
    let Some(to) = answer.header("location") else { return Ok(None) };
    let same_method = matches!(answer.status, 307 | 308);
    if !(same_method || matches!(answer.status, 301..=303)) {
        return Ok(None);
    }
    let host = shown_host(&answer.url);
    if http.method == Method::Post && !same_method {
        return Err(Trouble::new(
            Status::Redirect,
            format!("{host} redirects a query elsewhere (status {}): not followed", answer.status),
        )
        .hint("is the address, with its path, right? is a login in the way?"));
    }
    match answer.url.join(to) {
        Ok(next) if matches!(next.scheme(), "http" | "https") && next.has_host() => Ok(Some(next)),
        _ => Err(Trouble::new(
            Status::Redirect,
            format!("{host} redirects to something that is no web address"),
        )),
    }
}

/// A redirect out of the origin: a login page is a matter of credentials, all else of the address.
fn elsewhere(from: &Url, to: &Url) -> Trouble {
    let (host, target) = (shown_host(from), shown_origin(to));
    let words = format!("{}{}", to.host_str().unwrap_or(""), to.path()).to_ascii_lowercase();
    let login = ["login", "signin", "sign-in", "sign_in", "sso", "oauth", "saml", "authorize"];
    if login.iter().any(|word| words.contains(word)) {
        return Trouble::new(Status::Auth, format!("{host} redirects to a login at {target}"))
            .hint("the credential is missing or has expired, or a sign-on proxy is in the way");
    }
    Trouble::new(Status::Redirect, format!("{host} redirects to {target}: not followed"))
        .hint("if it moved, change the address; else something is in the way")
}

/// What Go's and nginx's servers say in plain text when a TLS port is asked in plain text.
fn is_tls_port(answer: &HttpAnswer) -> bool {
    const SAID: [&str; 2] =
        ["HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port"];
    let head = answer.body.get(..answer.body.len().min(1024)).unwrap_or(&answer.body);
    let head = String::from_utf8_lossy(head);
    answer.status == 400
        && answer.url.scheme() == "http"
        && SAID.iter().any(|words| head.contains(words))
}

fn leads_to_link_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(v4)) => names::is_link_local(v4.into()),
        Some(url::Host::Ipv6(v6)) => names::is_link_local(v6.into()),
        _ => false,
    }
}

fn lines(headers: &HeaderMap) -> Vec<(Box<str>, Box<str>)> {
    headers
        .iter()
        .map(|(n, v)| (n.as_str().into(), String::from_utf8_lossy(v.as_bytes()).into()))
        .collect()
}

fn bytes_in_words(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
