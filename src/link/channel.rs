//! Byte channels: TCP and TLS, made by us or by the PBX.

use rustls_pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A connection that is not made within this is not going to be.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// A dead peer that sends no reset is noticed after about a minute also where the protocol has no heartbeat.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A way to a provider.
pub struct Channel {
    endpoint: Endpoint,
    /// A peer that came while its old connection was still open.
    waiting: Option<(TcpStream, SocketAddr)>,
}

/// Who makes the connection.
pub enum Endpoint {
    /// We do.
    Connect {
        /// `host:port`; resolved anew at each try.
        address: String,
        /// TLS, where wanted.
        tls: Option<TlsClient>,
    },
    /// The PBX pushes to us (P05).
    Listen {
        /// Our open port.
        listener: TcpListener,
        /// TLS, where wanted.
        tls: Option<TlsAcceptor>,
        /// Peers that may connect; empty for any.
        allowed: Vec<std::net::IpAddr>,
    },
}

/// TLS towards a PBX.
pub struct TlsClient {
    /// The settings: trust and versions.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that its certificate must have.
    pub name: ServerName<'static>,
}

/// An open connection.
pub struct Stream {
    /// The bytes.
    pub io: Box<dyn Bytes>,
    /// The other side.
    pub peer: SocketAddr,
}

/// Something to read from and write to.
pub trait Bytes: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody there, or not reachable.
    #[error("{address}: {error}; check the address and that the service runs there")]
    Connect {
        /// Where.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// No answer.
    #[error("{address}: no connection within {} s; check the address and the firewall", OPEN_LIMIT.as_secs())]
    Slow {
        /// Where.
        address: String,
    },
    /// TLS failed.
    #[error("{address}: TLS failed: {error}; check the certificate, its name and the configured CA")]
    Tls {
        /// Where.
        address: String,
        /// What rustls says.
        error: std::io::Error,
    },
    /// The port could not accept.
    #[error("the listening port failed: {0}")]
    Accept(std::io::Error),
}

impl Channel {
    /// A channel over this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, waiting: None }
    }

    /// Makes or awaits a connection.
    pub(crate) async fn open(&mut self) -> Result<Stream, OpenError> {
        match &self.endpoint {
            Endpoint::Connect { address, tls } => {
                let slow = |_| OpenError::Slow { address: address.clone() };
                tokio::time::timeout(OPEN_LIMIT, connect(address, tls.as_ref())).await.map_err(slow)?
            }
            Endpoint::Listen { listener, tls, allowed } => loop {
                let (tcp, peer) = match self.waiting.take() {
                    Some(waiting) => waiting,
                    None => accept(listener, allowed).await?,
                };
                if let Some(stream) = greet(tcp, peer, tls.as_ref()).await {
                    return Ok(stream);
                }
            },
        }
    }

    /// Resolves when the peer of an open connection connects anew: it has restarted, and the old one is dead though
    /// nothing said so. Another peer is refused, because it must not be able to push the PBX out. Cancel safe.
    pub(crate) async fn superseded(&mut self, current: SocketAddr) -> Result<(), OpenError> {
        let Endpoint::Listen { listener, allowed, .. } = &self.endpoint else {
            return std::future::pending().await;
        };
        loop {
            let (tcp, peer) = accept(listener, allowed).await?;
            if peer.ip() == current.ip() {
                self.waiting = Some((tcp, peer));
                return Ok(());
            }
            tracing::warn!(%peer, in_use_by = %current, "connection refused: another telephone system is connected here");
        }
    }
}

/// A connection that we make, with TLS where wanted. The time that it may take is the caller's.
pub(super) async fn connect(address: &str, tls: Option<&TlsClient>) -> Result<Stream, OpenError> {
    let failed = |error| OpenError::Connect { address: address.to_owned(), error };
    let tcp = TcpStream::connect(address).await.map_err(failed)?;
    let peer = prepare(&tcp).map_err(failed)?;
    let Some(tls) = tls else { return Ok(Stream { io: Box::new(tcp), peer }) };
    Ok(Stream { io: secure(tcp, tls, address).await?, peer })
}

/// TLS over a connection that is there.
pub(super) async fn secure(
    io: impl Bytes + 'static,
    tls: &TlsClient,
    address: &str,
) -> Result<Box<dyn Bytes>, OpenError> {
    match TlsConnector::from(tls.config.clone()).connect(tls.name.clone(), io).await {
        Ok(io) => Ok(Box::new(io)),
        Err(error) => Err(OpenError::Tls { address: address.to_owned(), error }),
    }
}

/// Waits for a peer that may connect; others are closed and logged.
async fn accept(
    listener: &TcpListener,
    allowed: &[std::net::IpAddr],
) -> Result<(TcpStream, SocketAddr), OpenError> {
    loop {
        let (tcp, peer) = listener.accept().await.map_err(OpenError::Accept)?;
        if allowed.is_empty() || allowed.contains(&peer.ip().to_canonical()) {
            return Ok((tcp, peer));
        }
        tracing::warn!(%peer, "connection refused: this address is not in allowed_peers");
    }
}

/// TLS with a peer that came, where wanted; none when it did not get that far.
async fn greet(tcp: TcpStream, peer: SocketAddr, tls: Option<&TlsAcceptor>) -> Option<Stream> {
    if let Err(error) = prepare(&tcp) {
        tracing::warn!(%peer, %error, "connection lost while it was accepted");
        return None;
    }
    let Some(tls) = tls else { return Some(Stream { io: Box::new(tcp), peer }) };
    match tokio::time::timeout(OPEN_LIMIT, tls.accept(tcp)).await {
        Ok(Ok(io)) => return Some(Stream { io: Box::new(io), peer }),
        Ok(Err(error)) => tracing::warn!(%peer, %error, "connection refused: TLS failed"),
        Err(_) => tracing::warn!(%peer, "connection refused: TLS took too long"),
    }
    None
}

/// No delay (a command is one small packet), and keepalive for half-open connections.
fn prepare(tcp: &TcpStream) -> std::io::Result<SocketAddr> {
    tcp.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(Duration::from_secs(10));
    SockRef::from(tcp).set_tcp_keepalive(&keepalive)?;
    tcp.peer_addr()
}
