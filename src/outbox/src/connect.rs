//! From a checked URL to an HTTP connection: resolve once, check every address, connect to one of those, TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::OutboxError;
use crate::settings::{Settings, Trust};
use crate::target::{Target, check_address};

/// Largest head of an answer; its body is limited apart.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// An open connection, for one request at a time.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// Opens connections.
pub(crate) struct Dialler {
    tls: TlsConnector,
    allow_loopback: bool,
    /// For one address; a name with a dead first address still gets to its second.
    address_timeout: Duration,
}

impl Dialler {
    pub(crate) fn new(settings: &Settings) -> Result<Self, OutboxError> {
        Ok(Self {
            tls: TlsConnector::from(Arc::new(client_config(settings)?)),
            allow_loopback: settings.allow_loopback,
            address_timeout: settings.request_timeout / 3,
        })
    }

    /// A new connection, or why not. The caller limits the time.
    pub(crate) async fn connect(&self, target: &Target) -> Result<Connection, String> {
        let stream = self.reach(target).await?;
        // Small requests whose answer we wait for: nothing to gather.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        if !target.tls {
            return handshake(stream).await;
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| format!("{} cannot be the name in a certificate", target.host))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
        handshake(stream).await
    }

    async fn reach(&self, target: &Target) -> Result<TcpStream, String> {
        let mut why = format!("{} has no address", target.host);
        for address in self.resolve(target).await? {
            match timeout(self.address_timeout, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => why = format!("{address}: {error}"),
                Err(_) => why = format!("{address}: no connection in time"),
            }
        }
        Err(why)
    }

    /// All addresses, each of them checked: a name with one forbidden address is refused as a whole.
    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, String> {
        let addresses: Vec<SocketAddr> = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, target.port)],
            Err(_) => lookup_host((target.host.as_str(), target.port))
                .await
                .map_err(|error| format!("{} could not be resolved: {error}", target.host))?
                .collect(),
        };
        for address in &addresses {
            check_address(address.ip(), self.allow_loopback).map_err(|refused| refused.to_string())?;
        }
        Ok(addresses)
    }
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> Result<Connection, String> {
    let (connection, driver) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Ends by itself with the connection; what went wrong is told to whoever waits for an answer.
    tokio::spawn(async move { _ = driver.await });
    Ok(connection)
}

/// TLS 1.3 with AES-256-GCM and ChaCha20-Poly1305 ("good" in the guidelines of the Dutch NCSC), 1.2 on request.
fn client_config(settings: &Settings) -> Result<ClientConfig, OutboxError> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![
        aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
        aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    let mut versions = vec![&rustls::version::TLS13];
    if settings.tls12 {
        provider.cipher_suites.extend([
            aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]);
        versions.push(&rustls::version::TLS12);
    }
    let tls_error = |error: rustls::Error| OutboxError::Tls { detail: error.to_string() };
    let provider: Arc<CryptoProvider> = provider.into();
    let builder =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).map_err(tls_error)?;
    let builder = match &settings.trust {
        Trust::Platform => builder.with_platform_verifier().map_err(tls_error)?,
        Trust::CaFile(path) => {
            let pem = std::fs::read(path).map_err(|error| OutboxError::Ca {
                source_name: path.display().to_string(),
                detail: error.to_string(),
            })?;
            builder.with_root_certificates(roots(&pem, &path.display().to_string())?)
        }
        Trust::CaPem(pem) => builder.with_root_certificates(roots(pem, "the configured PEM text")?),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(pem: &[u8], source_name: &str) -> Result<RootCertStore, OutboxError> {
    let refused = |detail: String| OutboxError::Ca { source_name: source_name.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("there is no certificate in it".into()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_that_is_none_is_refused_with_its_source() {
        let with = |trust| {
            let settings = Settings { trust, ..Settings::default() };
            Dialler::new(&settings).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(with(Trust::CaPem(b"hello".to_vec())).contains("no certificate"));
        assert!(with(Trust::CaFile("/no/such/ca.pem".into())).contains("/no/such/ca.pem"));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(!with(Trust::CaPem(broken.to_vec())).is_empty());
        assert_eq!(with(Trust::Platform), "");
    }
}
