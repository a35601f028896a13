//! A certificate authority of the benchmark's own, and what both ends need of it.

use crate::Result;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Both ends' TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authority's certificate, PEM.
    pub ca_file: PathBuf,
    /// For the sink.
    pub server: Arc<ServerConfig>,
}

/// Installs the crypto provider that schakel uses too.
pub fn install() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

impl Tls {
    /// Makes an authority and a certificate for this machine in `folder`.
    ///
    /// # Errors
    /// If they cannot be made or written.
    pub fn new(folder: &Path) -> Result<Self> {
        install();
        let mut authority = rcgen::CertificateParams::new(Vec::new())?;
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "schakel bench");
        let authority_key = rcgen::KeyPair::generate()?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        let ca_file = folder.join("ca.pem");
        std::fs::write(&ca_file, authority_pem)?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        let server = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { ca_file, server: Arc::new(server) })
    }
}

/// A client that trusts the authority in this file.
///
/// # Errors
/// If there is no certificate in it.
pub fn client(ca_file: &Path) -> Result<Arc<ClientConfig>> {
    install();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file)?)?;
    let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
