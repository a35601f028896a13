//! TLS as the Dutch NCSC calls "good": TLS 1.3 with AES-256-GCM and ChaCha20-Poly1305; TLS 1.2 only where a link asks
//! for it, because old PBXs know nothing newer.

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// Something is wrong with a certificate, a key or a CA file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file is not what it must be.
    #[error("{file} is not a PEM file with {expected}: {detail}")]
    File {
        /// Which.
        file: String,
        /// What must be in it.
        expected: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// rustls does not take it.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The one provider of cryptography of this process. To be called first; a second call changes nothing.
pub fn install() {
    // It fails only when one is there already.
    drop(provider().install_default());
}

/// A server with this certificate chain and key.
///
/// # Errors
/// When a file is not what it must be.
pub fn server(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate)?, private_key(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config.into())
}

/// A server for a PBX that connects to us: no HTTP, TLS 1.2 where asked for.
///
/// # Errors
/// When a file is not what it must be.
pub fn link_server(certificate: &Path, key: &Path, tls_12: bool) -> Result<Arc<ServerConfig>, TlsError> {
    Ok(ServerConfig::builder_with_provider(link_provider(tls_12).into())
        .with_protocol_versions(versions(tls_12))?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate)?, private_key(key)?)?
        .into())
}

/// A client that trusts this CA, or with an empty path what the machine trusts.
///
/// # Errors
/// When the CA file is not what it must be.
pub fn client(ca: &Path, tls_12: bool) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(link_provider(tls_12).into())
        .with_protocol_versions(versions(tls_12))?;
    if ca.as_os_str().is_empty() {
        let verifier = rustls_platform_verifier::Verifier::new(link_provider(tls_12).into())?;
        let verifying = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        return Ok(verifying.with_no_client_auth().into());
    }
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth().into())
}

fn versions(tls_12: bool) -> &'static [&'static SupportedProtocolVersion] {
    static ONLY_13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
    static FROM_12: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
    if tls_12 { &FROM_12 } else { &ONLY_13 }
}

fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![
        aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
        aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    provider
}

fn link_provider(tls_12: bool) -> CryptoProvider {
    let mut provider = provider();
    if tls_12 {
        provider.cipher_suites.extend([
            aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ]);
    }
    provider
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |detail: String| TlsError::File {
        file: file.display().to_string(),
        expected: "at least one certificate",
        detail,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        Err(failed("nothing of the kind is in it".into()))
    } else {
        Ok(certificates)
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| TlsError::File {
        file: file.display().to_string(),
        expected: "a private key",
        detail: error.to_string(),
    })
}
