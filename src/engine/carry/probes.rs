//! Probes below HTTP: a TCP connection, the certificates of a TLS port, the addresses of a name.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Stopwatch;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use x509_parser::parse_x509_certificate;

use super::fault::{self, Phase};
use super::names::Names;
use super::trust::Trust;
use crate::model::{Clean, Status, Trouble};
use crate::source::Answer;

/// Connects and closes: the port is open.
pub async fn connect(
    names: &Names,
    host: &str,
    port: u16,
    end: Instant,
) -> Result<Answer, Trouble> {
    let began = Stopwatch::now();
    let stream = open(names, host, port, end).await?;
    drop(stream);
    Ok(Answer::Connected { took: began.elapsed() })
}

/// The addresses of a name, by the system's resolver.
pub async fn look_up(names: &Names, host: &str) -> Result<Answer, Trouble> {
    let began = Stopwatch::now();
    let addresses = names.addresses(host).await.map_err(|e| fault::of_name(&e))?;
    Ok(Answer::Addresses { addresses: addresses.to_vec(), took: began.elapsed() })
}

/// The certificates of a TLS port, read even when they do not verify; whether they do is told beside them.
///
/// `earliest_end` is the earliest end in the whole chain, as in the blackbox exporter's `probe_ssl_earliest_cert_expiry`.
pub async fn certificates(
    names: &Names,
    trust: &Trust,
    host: &str,
    port: u16,
    end: Instant,
) -> Result<Answer, Trouble> {
    let began = Stopwatch::now();
    let chain = chain(names, trust, host, port, end).await?;
    let ends: Vec<Timestamp> = chain.certificates.iter().filter_map(ends_at).collect();
    Ok(Answer::Certificates {
        earliest_end: ends.iter().min().copied(),
        leaf_end: chain.certificates.first().and_then(ends_at),
        trusted: chain.trusted,
        took: began.elapsed(),
    })
}

/// Whether a TLS port shows a certificate that signed itself.
pub async fn is_self_signed(
    names: &Names,
    trust: &Trust,
    host: &str,
    port: u16,
    end: Instant,
) -> bool {
    let Ok(chain) = chain(names, trust, host, port, end).await else { return false };
    chain.certificates.first().is_some_and(signed_itself)
}

fn signed_itself(certificate: &CertificateDer<'static>) -> bool {
    parse_x509_certificate(certificate).is_ok_and(|(_, c)| c.subject() == c.issuer())
}

fn ends_at(certificate: &CertificateDer<'static>) -> Option<Timestamp> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(parsed.validity().not_after.timestamp()).ok()
}

/// Tries every address, IPv6 and IPv4, in the system's order.
async fn open(names: &Names, host: &str, port: u16, end: Instant) -> Result<TcpStream, Trouble> {
    let began = Instant::now();
    let shown = shown(host, port);
    let too_late = || {
        fault::timed_out(format_args!("no connection to {shown}"), end.duration_since(began))
            .hint("is the address right, and is there a firewall on the way?")
    };
    let addresses = match timeout_at(end, names.addresses(host)).await {
        Ok(found) => found.map_err(|e| fault::of_name(&e))?,
        Err(_) => return Err(too_late()),
    };
    let mut newest = None;
    for (i, address) in addresses.iter().enumerate() {
        // What is left, shared among the addresses not yet tried.
        let now = Instant::now();
        let share =
            end.saturating_duration_since(now) / u32::try_from(addresses.len() - i).unwrap_or(1);
        match timeout_at(now + share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => newest = Some(e),
            Err(_) => {}
        }
    }
    Err(newest.map_or_else(too_late, |e| {
        fault::of_io(&e, &shown, Phase::Asking).unwrap_or_else(|| {
            Trouble::new(Status::Unreachable, format!("no connection to {shown}: {e}"))
        })
    }))
}

fn shown(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => format!("[{v6}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    trusted: Result<(), Clean>,
}

async fn chain(
    names: &Names,
    trust: &Trust,
    host: &str,
    port: u16,
    end: Instant,
) -> Result<Chain, Trouble> {
    let shown = shown(host, port);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
        Trouble::new(Status::Unreachable, format!("{bare} is no name a certificate could be for"))
    })?;
    let stream = open(names, host, port, end).await?;
    let reader = Arc::new(Reader {
        judge: trust.verifier.clone(),
        provider: trust.provider.clone(),
        seen: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(trust.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Trouble::new(Status::Tls, format!("TLS cannot be set up: {e}")))?
        .dangerous()
        .with_custom_certificate_verifier(reader.clone())
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let shaken = timeout_at(end, connector.connect(name, stream)).await;
    // A server may show its certificate and then refuse us for want of ours: it was read all the same.
    let seen = reader.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (seen, shaken) {
        (Some(chain), _) => Ok(chain),
        (None, Ok(Ok(_))) => {
            Err(Trouble::new(Status::Tls, format!("{shown} showed no certificate")))
        }
        (None, Ok(Err(e))) => Err(of_handshake(&e, &shown)),
        (None, Err(_)) => Err(Trouble::new(
            Status::Timeout,
            format!("{shown} did not answer the TLS handshake in time"),
        )),
    }
}

fn of_handshake(error: &std::io::Error, shown: &str) -> Trouble {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(fault) => fault::of_tls(fault, shown),
        None => fault::of_io(error, shown, Phase::Asking).unwrap_or_else(|| {
            Trouble::new(Status::Tls, format!("TLS with {shown} failed: {error}"))
        }),
    }
}

/// Reads a chain and lets every one pass: nothing but the handshake is ever sent over its connections.
#[derive(Debug)]
struct Reader {
    judge: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Chain>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} certificates", self.certificates.len())
    }
}

impl ServerCertVerifier for Reader {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.judge.verify_server_cert(leaf, intermediates, name, ocsp, now);
        let mut certificates = vec![leaf.clone().into_owned()];
        certificates.extend(intermediates.iter().map(|c| c.clone().into_owned()));
        let own = certificates.first().is_some_and(signed_itself);
        let trusted = verdict.map(|_| ()).map_err(|e| match &e {
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) if own => {
                Clean::from("is self-signed")
            }
            rustls::Error::InvalidCertificate(reason) => fault::certificate_words(reason).into(),
            other => Clean::line(other),
        });
        let chain = Chain { certificates, trusted };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
