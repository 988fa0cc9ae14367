//! TLS faults are named, a private CA and a client certificate work, and certificates are read even when they do not verify.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "common/faulty.rs"]
mod faulty;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use andon::config::Upstream;
use andon::model::Status;
use andon::source::{Http, Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use faulty::{asking, outcome};

/// A certificate authority in a test's own folder.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

/// A certificate with its chain and key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    pem: String,
}

impl Identity {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

static SERIAL: AtomicUsize = AtomicUsize::new(0);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two with one name would be told apart by their signatures only.
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("andon test CA {serial}"));
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn issue(&self, names: &[&str], last_year: i32) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params(names, last_year).signed_by(&key, &self.issuer).unwrap();
        let chain = vec![certificate.der().clone(), self.issuer.der().clone()];
        Identity { chain, key, pem: certificate.pem() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.issuer.pem())
    }
}

fn params(names: &[&str], last_year: i32) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "server");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 6, 1);
    params
}

fn self_signed(names: &[&str]) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names, 2045).self_signed(&key).unwrap();
    Identity { chain: vec![certificate.der().clone()], key, pem: certificate.pem() }
}

/// Serves every connection with one good answer over TLS; `clients` must show a certificate of that authority.
fn serve(identity: &Identity, clients: Option<&Authority>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config =
        Arc::new(builder.with_single_cert(identity.chain.clone(), identity.key()).unwrap());
    listen(move |stream| {
        let _ = say_good(stream, &config);
    })
}

fn say_good(mut stream: TcpStream, config: &Arc<ServerConfig>) -> std::io::Result<()> {
    let mut tls = rustls::ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut tls = rustls::Stream::new(&mut tls, &mut stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if tls.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let body = r#"{"items":[1]}"#;
    write!(
        tls,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// A listener for the rest of the test program; connections are served one after another.
fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            serve(stream);
        }
    });
    port
}

fn https(host: &str, port: u16) -> Upstream {
    let address: url::Url = format!("https://{host}:{port}/?key=query-canary").parse().unwrap();
    asking(address.clone(), vec![Request::Http(Http::get("items", address))])
}

fn trusting(authority: &Authority, host: &str, port: u16) -> Upstream {
    let mut upstream = https(host, port);
    upstream.endpoint.ca = Some(authority.ca_file());
    upstream
}

fn named(upstream: Upstream, status: Status, word: &str) {
    let (got, words) = outcome(upstream);
    assert_eq!(got, status, "{words}");
    assert!(words.contains(word), "{words}");
}

#[test]
fn a_private_ca_works_when_it_is_named_and_only_then() {
    let authority = Authority::new();
    let port = serve(&authority.issue(&["127.0.0.1"], 2045), None);
    named(trusting(&authority, "127.0.0.1", port), Status::Ok, "1 items");
    named(https("127.0.0.1", port), Status::Tls, "signed by a CA that is not known here");
    named(trusting(&Authority::new(), "127.0.0.1", port), Status::Tls, "not known here");
}

#[test]
fn an_expired_certificate_is_named_with_its_day() {
    let authority = Authority::new();
    let port = serve(&authority.issue(&["127.0.0.1"], 2021), None);
    named(trusting(&authority, "127.0.0.1", port), Status::Tls, "has expired on 2021-06-01");
}

#[test]
fn a_certificate_for_another_name_is_named_with_its_names() {
    let authority = Authority::new();
    let port = serve(&authority.issue(&["other.example"], 2045), None);
    let wrong = trusting(&authority, "localhost", port);
    named(wrong, Status::Tls, "is for another name (other.example)");
}

#[test]
fn a_self_signed_certificate_is_told_from_an_unknown_ca() {
    let port = serve(&self_signed(&["127.0.0.1"]), None);
    named(https("127.0.0.1", port), Status::Tls, "is self-signed");
}

#[test]
fn plain_text_on_a_tls_port_is_named() {
    let port = listen(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    named(https("127.0.0.1", port), Status::Tls, "does not speak TLS on this port");
}

#[test]
fn a_silent_handshake_ends_at_the_connect_limit() {
    let port = listen(|mut stream| while matches!(stream.read(&mut [0; 1024]), Ok(n) if n > 0) {});
    named(https("127.0.0.1", port), Status::Timeout, "no connection to");
}

#[test]
fn a_client_certificate_is_shown_and_its_want_is_named() {
    let authority = Authority::new();
    let server = authority.issue(&["127.0.0.1"], 2045);
    let port = serve(&server, Some(&authority));
    named(trusting(&authority, "127.0.0.1", port), Status::Tls, "client certificate");

    let client = authority.issue(&["client"], 2045);
    let mut shown = trusting(&authority, "127.0.0.1", port);
    let certificate = authority.write("client.pem", &client.pem);
    let key = authority.write("client.key", &client.key.serialize_pem());
    shown.endpoint.client = Some((certificate.clone(), key));
    named(shown, Status::Ok, "1 items");

    let mut foreign = trusting(&authority, "127.0.0.1", port);
    let other = authority.write("other.key", &server.key.serialize_pem());
    foreign.endpoint.client = Some((certificate, other));
    named(foreign, Status::Tls, "the client certificate cannot be used");
}

#[test]
fn a_ca_file_that_is_missing_or_no_pem_is_named() {
    let authority = Authority::new();
    let mut upstream = https("127.0.0.1", 1);
    upstream.endpoint.ca = Some(authority.folder.path().join("none.pem"));
    named(upstream, Status::NotFound, "none.pem does not exist");
    let mut upstream = https("127.0.0.1", 1);
    upstream.endpoint.ca = Some(authority.write("odd.pem", "not a certificate"));
    named(upstream, Status::Tls, "odd.pem holds no certificate");
}

fn probe(request: Request) -> Upstream {
    let mut upstream = asking("http://127.0.0.1/".parse().unwrap(), vec![request]);
    upstream.endpoint = andon::config::Endpoint::default();
    upstream
}

#[test]
fn certificates_are_read_even_when_they_do_not_verify() {
    let authority = Authority::new();
    let tls = |port| Request::Tls { host: "127.0.0.1".into(), port };
    let expired = serve(&authority.issue(&["127.0.0.1"], 2021), None);
    named(
        probe(tls(expired)),
        Status::Ok,
        "earliest 2021-06-01 leaf 2021-06-01 trusted has expired",
    );
    let own = serve(&self_signed(&["127.0.0.1"]), None);
    named(probe(tls(own)), Status::Ok, "leaf 2045-06-01 trusted is self-signed");
    let mut known = probe(tls(serve(&authority.issue(&["127.0.0.1"], 2045), None)));
    known.endpoint.ca = Some(authority.ca_file());
    named(known, Status::Ok, "earliest 2045-06-01 leaf 2045-06-01 trusted yes");
    let wanting = serve(&authority.issue(&["127.0.0.1"], 2045), Some(&authority));
    named(probe(tls(wanting)), Status::Ok, "leaf 2045-06-01");
}

#[test]
fn the_earliest_end_in_the_chain_counts() {
    let mut authority = Authority::new();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2031, 1, 1);
    authority.issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let port = serve(&authority.issue(&["127.0.0.1"], 2045), None);
    let request = Request::Tls { host: "127.0.0.1".into(), port };
    named(probe(request), Status::Ok, "earliest 2031-01-01 leaf 2045-06-01");
}

#[test]
fn probes_of_ports_and_names_say_what_they_met() {
    let open = listen(|_| ());
    let tcp = |port| Request::Tcp { host: "localhost".into(), port };
    named(probe(tcp(open)), Status::Ok, "connected");
    let closed = {
        let gone = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    named(probe(tcp(closed)), Status::Unreachable, "refused the connection");
    let plain = listen(|mut stream| {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    let tls = Request::Tls { host: "127.0.0.1".into(), port: plain };
    named(probe(tls), Status::Tls, "does not speak TLS");
    named(probe(Request::Dns { host: "localhost".into() }), Status::Ok, "127.0.0.1");
}
