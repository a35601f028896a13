//! Listening: our own accept loop, because every wait in it has a limit.
//!
//! TLS chooses between HTTP/2 and HTTP/1.1 by ALPN; plain HTTP is HTTP/1.1. Nothing is guessed from the first bytes, for
//! which a client could let us wait.

use crate::admin::admin_router;
use crate::router::router;
use crate::state::{ApiSettings, ApiState};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// How long requests under way may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(5);

/// After accept failed (no file descriptors left) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 250;

/// All headers of a request together.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Headers of a request: a browser sends some twenty.
const HEADERS_MAX: usize = 64;

/// The address that a connection came from, as it is with every request of it.
#[derive(Debug, Clone)]
pub(crate) struct Remote(pub Arc<str>);

/// Serves the API until `shutdown` becomes true, then lets what is under way end.
///
/// At most `connections_max` connections; TLS and the headers of a request must be there within `header_timeout`.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    app: ApiState,
    shutdown: watch::Receiver<bool>,
) {
    accept(listener, tls, router(app.clone()), &app.settings, shutdown).await;
}

/// Serves health and figures, in plain HTTP, until `shutdown` becomes true.
pub async fn serve_admin(listener: TcpListener, app: ApiState, shutdown: watch::Receiver<bool>) {
    accept(listener, None, admin_router(app.clone()), &app.settings, shutdown).await;
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    settings: &ApiSettings,
    mut shutdown: watch::Receiver<bool>,
) {
    let connections = Arc::new(Semaphore::new(settings.connections_max));
    let server =
        Arc::new(Server { tls: tls.map(TlsAcceptor::from), router, header_timeout: settings.header_timeout });
    let (graceful, drained) = watch::channel(false);
    loop {
        // First a place, then a connection: who waits, waits in the kernel's bounded queue.
        let accepted = async {
            let permit = connections.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?, permit))
        };
        tokio::select! {
            accepted = accepted => match accepted {
                Ok(((stream, peer), permit)) => {
                    let from = Remote(peer.ip().to_canonical().to_string().into());
                    drop(tokio::spawn(server.clone().connection(stream, from, permit, drained.clone())));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = stopped(&mut shutdown) => break,
        }
    }
    drop(listener);
    graceful.send_replace(true);
    let all = u32::try_from(settings.connections_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN, connections.acquire_many(all)).await.is_err() {
        tracing::info!("requests were still under way when the time to stop was over");
    }
}

struct Server {
    tls: Option<TlsAcceptor>,
    router: Router,
    header_timeout: Duration,
}

impl Server {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        from: Remote,
        _permit: OwnedSemaphorePermit,
        stop: watch::Receiver<bool>,
    ) {
        // A small reply must not wait for the acknowledgement of the one before. Without it all is slower, not wrong.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.tls else { return self.http1(stream, from, stop).await };
        match tokio::time::timeout(self.header_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.http2(stream, from, stop).await
            }
            Ok(Ok(stream)) => self.http1(stream, from, stop).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        from: Remote,
        stop: watch::Receiver<bool>,
    ) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(HEADER_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), self.service(from));
        let graceful = GracefulShutdown::new();
        let connection = graceful.watch(connection);
        run(connection, graceful, stop).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        from: Remote,
        stop: watch::Receiver<bool>,
    ) {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_BYTES_MAX as u32)
            // A client that is gone without a word is noticed by its silence.
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(self.header_timeout)
            .serve_connection(TokioIo::new(stream), self.service(from));
        let graceful = GracefulShutdown::new();
        let connection = graceful.watch(connection);
        run(connection, graceful, stop).await;
    }

    fn service(
        &self,
        from: Remote,
    ) -> impl hyper::service::Service<
        hyper::Request<Incoming>,
        Response = axum::response::Response,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static {
        TowerToHyperService::new(self.router.clone().map_request(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(from.clone());
            request
        }))
    }
}

/// Ready when it is time to stop; a sender that is gone means the same.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Drives a connection to its end; when the daemon stops, to the end of what is under way.
async fn run<F, E>(connection: F, graceful: GracefulShutdown, mut stop: watch::Receiver<bool>)
where
    F: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stop) => tokio::select! {
            ended = &mut connection => ended,
            // It is over when nobody is watched any more, which cannot be before the connection has gone.
            () = graceful.shutdown() => Ok(()),
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
