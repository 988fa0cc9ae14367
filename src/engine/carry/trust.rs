//! Whom TLS trusts: the system's roots, built-in roots where a system has none, or the one CA the configuration names.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::files;
use crate::config::Endpoint;
use crate::model::{Status, Trouble};

/// Bytes of a PEM file.
const PEM_CAP: usize = 1 << 20;

/// A verifier, and the configuration made with it.
#[derive(Clone)]
pub struct Trust {
    pub provider: Arc<CryptoProvider>,
    pub verifier: Arc<dyn ServerCertVerifier>,
    pub config: ClientConfig,
}

impl Trust {
    /// What most upstreams share. Reads the system's certificates: tens of milliseconds where there are many.
    pub fn of_system() -> Result<Self, Trouble> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> =
            match rustls_platform_verifier::Verifier::new(provider.clone()) {
                Ok(platform) => Arc::new(platform),
                // A slim container has no roots at all; even plain http would fail without a verifier.
                Err(_) => built_in(&provider)?,
            };
        Self::with(provider, verifier, None)
    }

    /// For an upstream with a CA or a client certificate of its own. A named CA is the only one trusted.
    pub fn of(endpoint: &Endpoint, shared: &Self) -> Result<Self, Trouble> {
        let provider = shared.provider.clone();
        let verifier = match &endpoint.ca {
            Some(path) => named(path, &provider)?,
            None => shared.verifier.clone(),
        };
        let identity = match &endpoint.client {
            Some((certificate, key)) => Some((certificates(certificate)?, private_key(key)?)),
            None => None,
        };
        Self::with(provider, verifier, identity)
    }

    fn with(
        provider: Arc<CryptoProvider>,
        verifier: Arc<dyn ServerCertVerifier>,
        identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> Result<Self, Trouble> {
        let unusable = |e: rustls::Error| tls(format!("TLS cannot be set up: {e}"));
        // "Dangerous" only in that a wrong verifier would be: these are the platform's and webpki's own.
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|e| {
                tls(format!("the client certificate cannot be used: {e}"))
                    .hint("do the certificate and the key belong together?")
            })?,
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { provider, verifier, config })
    }
}

fn built_in(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Trouble> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    verifying(roots, provider)
}

fn named(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Trouble> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| tls(format!("the CA file {}: {e}", path.display())))?;
    }
    verifying(roots, provider)
}

fn verifying(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Trouble> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .map_err(|e| tls(format!("TLS cannot be set up: {e}")))?;
    Ok(verifier)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let text = files::small(path, PEM_CAP)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(tls(format!("{} holds no certificate in PEM form", path.display()))),
        Err(e) => Err(tls(format!("{} cannot be read as PEM: {e}", path.display()))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Trouble> {
    let text = files::small(path, PEM_CAP)?;
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|e| tls(format!("{} holds no usable private key: {e}", path.display())))
}

fn tls(message: impl std::fmt::Display) -> Trouble {
    Trouble::new(Status::Tls, message)
}
