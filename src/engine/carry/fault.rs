//! Transport faults in words: what happened, where, why, and what to do about it; never an address with its path or query.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::names::NoAddress;
use crate::model::{Status, Trouble};

/// What was under way when it went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Until the headers are here.
    Asking,
    /// Bytes of the body that had come.
    Reading(usize),
}

pub fn internal(message: impl Display) -> Trouble {
    Trouble::new(Status::InternalError, message).hint("this is a fault of andon: please report it")
}

pub fn timed_out(what: impl Display, limit: Duration) -> Trouble {
    Trouble::new(Status::Timeout, format!("{what} within {} s", seconds(limit)))
}

/// Whole seconds without a point, else one digit.
pub fn seconds(limit: Duration) -> String {
    let s = limit.as_secs_f64();
    if limit.subsec_millis() == 0 { format!("{s:.0}") } else { format!("{s:.1}") }
}

/// Nothing more came before the deadline of the whole poll.
pub fn late(host: &str, phase: Phase, limit: Duration) -> Trouble {
    match phase {
        Phase::Asking => timed_out(format_args!("{host} did not answer"), limit),
        Phase::Reading(bytes) => timed_out(
            format_args!("{host} began to answer but did not finish ({bytes} bytes came)"),
            limit,
        ),
    }
}

/// A fault of the HTTP client in words. `host` is host and port.
pub fn of_http(error: &reqwest::Error, host: &str, phase: Phase, connect: Duration) -> Trouble {
    if let Some(fault) = find::<NoAddress>(error) {
        return of_name(fault);
    }
    if let Some(fault) = find::<rustls::Error>(error) {
        return of_tls(fault, host);
    }
    if error.is_connect() && error.is_timeout() {
        return timed_out(format_args!("no connection to {host}"), connect)
            .hint("is the address right, and is there a firewall on the way?");
    }
    if let Some(fault) = find::<io::Error>(error)
        && let Some(trouble) = of_io(fault, host, phase)
    {
        return trouble;
    }
    if let Some(fault) = find::<hyper::Error>(error)
        && let Some(trouble) = of_protocol(fault, host, phase)
    {
        return trouble;
    }
    if error.is_timeout() {
        return Trouble::new(Status::Timeout, format!("{host} stopped answering"));
    }
    match phase {
        Phase::Reading(bytes) if error.is_decode() => Trouble::bad_data(format!(
            "the answer of {host} is not compressed as it says (after {bytes} bytes)"
        )),
        Phase::Reading(bytes) => Trouble::new(
            Status::Unreachable,
            format!(
                "the connection to {host} broke off in the middle of the answer ({bytes} bytes came)"
            ),
        ),
        Phase::Asking => {
            Trouble::new(Status::Unreachable, format!("no connection to {host}: {}", last(error)))
        }
    }
}

pub fn of_name(fault: &NoAddress) -> Trouble {
    match fault {
        NoAddress::Slow { .. } => Trouble::new(Status::Timeout, fault)
            .hint("the system's resolver does not answer: is the network or VPN up?"),
        NoAddress::Failed { .. } => Trouble::new(Status::Unreachable, format!("dns: {fault}"))
            .hint("is the name right, and is the network or VPN up?"),
        NoAddress::LinkLocal { .. } => Trouble::new(Status::Unreachable, format!("dns: {fault}"))
            .hint("if that is meant, write the address itself into the configuration"),
    }
}

/// A fault of the system's calls; `None` for those that say nothing about the connection.
pub fn of_io(fault: &io::Error, host: &str, phase: Phase) -> Option<Trouble> {
    let unreachable = |words: String| Trouble::new(Status::Unreachable, words);
    Some(match fault.kind() {
        io::ErrorKind::ConnectionRefused => unreachable(format!("{host} refused the connection"))
            .hint("is it running, and is the port right?"),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => match phase {
            Phase::Asking => unreachable(format!("{host} reset the connection without an answer")),
            Phase::Reading(bytes) => unreachable(format!(
                "{host} reset the connection in the middle of the answer ({bytes} bytes came)"
            )),
        },
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            unreachable(format!("there is no way to {host}")).hint("is the network or VPN up?")
        }
        io::ErrorKind::TimedOut => {
            Trouble::new(Status::Timeout, format!("the connection to {host} died silently"))
        }
        io::ErrorKind::UnexpectedEof => of_cut(host, phase),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => match phase {
            Phase::Reading(bytes) => Trouble::bad_data(format!(
                "the answer of {host} is not compressed or framed as it says (after {bytes} bytes)"
            )),
            Phase::Asking => return None,
        },
        _ => return None,
    })
}

fn of_cut(host: &str, phase: Phase) -> Trouble {
    match phase {
        Phase::Asking => Trouble::new(
            Status::Unreachable,
            format!("{host} closed the connection without an answer"),
        ),
        Phase::Reading(bytes) => {
            Trouble::bad_data(format!("the answer of {host} was cut off after {bytes} bytes"))
        }
    }
}

fn of_protocol(fault: &hyper::Error, host: &str, phase: Phase) -> Option<Trouble> {
    if fault.is_parse_too_large() {
        return Some(Trouble::new(
            Status::TooLarge,
            format!("the headers of {host}'s answer are too many or too large"),
        ));
    }
    if fault.is_parse() || fault.is_parse_status() || fault.is_parse_version_h2() {
        return Some(
            Trouble::bad_data(format!("{host} answered something that is not HTTP"))
                .hint("is the port right, and is it https rather than http?"),
        );
    }
    if fault.is_incomplete_message() {
        return Some(of_cut(host, phase));
    }
    if fault.is_closed() || fault.is_canceled() {
        return Some(of_cut(host, Phase::Asking));
    }
    None
}

/// A TLS fault by its name. Self-signed and unknown CA look alike here: `probes` tells them apart by the chain.
pub fn of_tls(fault: &rustls::Error, host: &str) -> Trouble {
    let tls = |words: String| Trouble::new(Status::Tls, words);
    match fault {
        rustls::Error::InvalidCertificate(reason) => of_certificate(reason, host),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            tls(format!("{host} does not speak TLS on this port (plain http?)"))
                .hint("if plain http is meant, write http:// in the address")
        }
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            tls(format!("{host} broke the rules of TLS in the handshake"))
        }
        rustls::Error::AlertReceived(alert) => of_alert(*alert, host),
        rustls::Error::PeerIncompatible(_) => {
            tls(format!("{host} speaks no TLS version or cipher that is safe today"))
                .hint("TLS 1.2 or 1.3 is needed")
        }
        other => tls(format!("TLS with {host} failed: {other}")),
    }
}

fn of_certificate(reason: &CertificateError, host: &str) -> Trouble {
    let words = certificate_words(reason);
    let trouble = Trouble::new(Status::Tls, format!("the certificate of {host} {words}"));
    match reason {
        CertificateError::UnknownIssuer => {
            trouble.hint("if it is your company's own CA, name its file as tls.ca of this source")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            trouble.hint("it must be renewed there; is this machine's clock right?")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            trouble.hint("use a name that is in the certificate")
        }
        _ => trouble,
    }
}

/// What is wrong with a certificate, to stand behind "the certificate …".
pub fn certificate_words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired => "has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            match jiff::Timestamp::from_second(
                i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX),
            ) {
                Ok(end) => format!("has expired on {}", end.strftime("%Y-%m-%d")),
                Err(_) => "has expired".into(),
            }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".into()
        }
        CertificateError::UnknownIssuer => "is signed by a CA that is not known here".into(),
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<&str> = presented.iter().take(3).map(|n| plain_name(n)).collect();
            let more = if presented.len() > 3 { ", …" } else { "" };
            format!("is for another name ({}{more})", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".into()
        }
        CertificateError::Revoked => "was revoked".into(),
        CertificateError::BadSignature => "has a wrong signature".into(),
        CertificateError::BadEncoding => "cannot be read".into(),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "is self-signed (a CA certificate used by a server)".into()
        }
        other => format!("is refused: {other}"),
    }
}

/// rustls writes presented names as `DnsName("x")`.
fn plain_name(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn of_alert(alert: AlertDescription, host: &str) -> Trouble {
    let tls = |words: &str| Trouble::new(Status::Tls, format!("{host} {words}"));
    match alert {
        AlertDescription::CertificateRequired => {
            tls("asks for a client certificate").hint("name tls.cert and tls.key for this source")
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => tls("refused our client certificate, or misses one")
            .hint("check tls.cert and tls.key of this source"),
        AlertDescription::UnrecognisedName => tls("does not know the name it was asked for"),
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            tls("found no TLS version or cipher in common with us")
        }
        other => tls(&format!("ended the TLS handshake: {other:?}")),
    }
}

/// The first error of this type in a chain, looking into what `io::Error` wraps as well.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    // A chain is short; the bound is against one that bites its tail.
    for _ in 0..16 {
        let here = next?;
        if let Some(found) = here.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = here.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = here.source();
    }
    None
}

/// The last sentence of a chain: the cause, without the client's own preamble and without any address.
fn last(error: &(dyn Error + 'static)) -> String {
    let mut here = error;
    while let Some(next) = here.source() {
        here = next;
    }
    match here.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".into(),
        None => here.to_string(),
    }
}
