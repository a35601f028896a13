//! Carrying bytes: listening, connecting out, one task a link, and the clock. Nothing is decided here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use schakel_csta_wire::{Deframer, MAX_FRAME_BYTES};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Hub;
use super::link::LinkId;
use crate::config::TlsConfig;

/// A client must have finished its TLS handshake after so long.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Between two attempts to connect out.
const RETRY: Duration = Duration::from_secs(1);
/// Bytes taken from a socket at once.
const READ: usize = 16 * 1024;

/// Accepts clients until the simulator stops.
pub(crate) async fn accept(
    hub: Arc<Hub>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = hub.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: others must end first.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        if hub.look(|core| core.is_refusing()) {
            continue;
        }
        let (hub, tls) = (Arc::clone(&hub), tls.clone());
        tasks.spawn(async move {
            let peer = peer.to_string();
            match tls {
                None => serve(&hub, stream, peer).await,
                Some(tls) => {
                    let _ = stream.set_nodelay(true);
                    match timeout(HANDSHAKE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => carry(&hub, stream, peer).await,
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS"),
                        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
                    }
                }
            }
        });
    }
}

/// Connects to a listener, again and again, until the simulator stops.
pub(crate) async fn push(hub: Arc<Hub>, to: String) {
    loop {
        if !hub.look(|core| core.is_refusing())
            && let Ok(stream) = TcpStream::connect(&to).await
        {
            tokio::select! {
                () = hub.stop.cancelled() => return,
                () = serve(&hub, stream, to.clone()) => {}
            }
        }
        tokio::select! {
            () = hub.stop.cancelled() => return,
            () = sleep(RETRY) => {}
        }
    }
}

/// Lets time pass in the switch.
pub(crate) async fn tell_time(hub: Arc<Hub>) {
    loop {
        let next = hub.change(|core, now| {
            core.tick(now);
            core.arm()
        });
        let sleep = async {
            match next {
                Some(at) => sleep_until(hub.wall(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = hub.stop.cancelled() => return,
            () = hub.clock.notified() => {}
            () = sleep => {}
        }
    }
}

/// A TLS server from PEM files.
pub(crate) fn tls_acceptor(config: &TlsConfig) -> io::Result<TlsAcceptor> {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let bad = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let chain = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(&format_args!("{}: {error}", config.certificate.display())))?;
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|error| bad(&format_args!("{}: {error}", config.key.display())))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&error))?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

async fn serve(hub: &Arc<Hub>, stream: TcpStream, peer: String) {
    // Small frames must not wait for each other.
    let _ = stream.set_nodelay(true);
    carry(hub, stream, peer).await;
}

/// A link from beginning to end.
async fn carry(hub: &Arc<Hub>, stream: impl AsyncRead + AsyncWrite + Send, peer: String) {
    let Some(id) = hub.change(|core, now| core.open_link(now, peer)) else { return };
    let Some(cut) = hub.look(|core| core.link(id).map(|link| link.cut.clone())) else { return };
    let (reader, writer) = tokio::io::split(stream);
    let reason = tokio::select! {
        () = cut.cancelled() => "cut".to_owned(),
        () = hub.stop.cancelled() => "the simulator stops".to_owned(),
        reason = read(hub, id, reader) => reason,
        error = write(hub, id, writer, &cut) => error.to_string(),
    };
    hub.change(|core, now| core.close_link(now, id, &reason));
}

/// Reads frames until there are no more; the reason why.
async fn read(hub: &Hub, id: LinkId, mut from: impl AsyncRead + Unpin) -> String {
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut bytes = vec![0; READ];
    let mut stalled = hub.stalled.subscribe();
    loop {
        let _ = stalled.wait_for(|stalled| !stalled).await;
        let count = match from.read(&mut bytes).await {
            Ok(0) => return "the client hung up".to_owned(),
            Ok(count) => count,
            Err(error) => return error.to_string(),
        };
        // A link that was stalled while this was under way must not answer.
        let _ = stalled.wait_for(|stalled| !stalled).await;
        deframer.push(bytes.get(..count).unwrap_or_default());
        let desync = hub.change(|core, now| {
            loop {
                match deframer.next_frame() {
                    Ok(Some(frame)) => core.receive(now, id, frame.invoke, frame.body),
                    Ok(None) => return None,
                    Err(desync) => return Some(desync.to_string()),
                }
            }
        });
        if let Some(desync) = desync {
            return desync;
        }
    }
}

/// Writes what there is to write until that is not possible.
async fn write(hub: &Hub, id: LinkId, mut to: impl AsyncWrite + Unpin, cut: &CancellationToken) -> io::Error {
    let Some(wake) = hub.look(|core| core.link(id).map(|link| Arc::clone(&link.wake))) else {
        return io::ErrorKind::NotConnected.into();
    };
    let mut stalled = hub.stalled.subscribe();
    let mut bytes = Vec::new();
    let mut crumbs = 0;
    while !cut.is_cancelled() {
        let _ = stalled.wait_for(|stalled| !stalled).await;
        let dribble = hub.quietly(|core| {
            core.take_out(id, &mut bytes);
            core.dribble()
        });
        if bytes.is_empty() {
            wake.notified().await;
            continue;
        }
        let written = match dribble {
            None => to.write_all(&bytes).await,
            Some((largest, seed)) => {
                crumbs += 1;
                write_crumbs(&mut to, &bytes, largest, seed.wrapping_add(crumbs)).await
            }
        };
        if let Err(error) = written {
            return error;
        }
        if let Err(error) = to.flush().await {
            return error;
        }
    }
    io::ErrorKind::ConnectionAborted.into()
}

/// Writes in pieces that TCP does not put together again.
async fn write_crumbs(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    largest: u16,
    seed: u64,
) -> io::Result<()> {
    let mut rest = bytes;
    let mut random = seed | 1;
    while !rest.is_empty() {
        // Xorshift: any spread of sizes will do, as long as the seed decides it.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let size = usize::try_from(random % u64::from(largest.max(1))).unwrap_or(0) + 1;
        let (crumb, after) = rest.split_at(size.min(rest.len()));
        to.write_all(crumb).await?;
        to.flush().await?;
        sleep(Duration::from_millis(1)).await;
        rest = after;
    }
    Ok(())
}
