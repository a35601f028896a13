//! A plain webhook sink: it reads a request, notes what it was about, and answers 204. No router and no framework, so
//! that the receiving end takes as little of the machine as it can.

use crate::Result;
use crate::calls::call_in;
use crate::meter::Meter;
use memchr::memmem;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Begins every CloudEvent, alone or in a batch.
const ENVELOPE: &[u8] = b"\"specversion\"";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Starts a sink on a port of its own, in a thread of its own.
///
/// # Errors
/// If there is no port.
pub fn start(meter: Arc<Meter>, tls: Option<Arc<ServerConfig>>) -> Result<SocketAddr> {
    start_noting(meter, tls, note)
}

/// Notes what a request's body was about.
pub type Note = fn(&[u8], &Meter);

/// As [`start`], with another way to see what a request was about.
///
/// # Errors
/// If there is no port.
pub fn start_noting(meter: Arc<Meter>, tls: Option<Arc<ServerConfig>>, note: Note) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            let acceptor = tls.map(TlsAcceptor::from);
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let (meter, acceptor) = (Arc::clone(&meter), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &meter, note).await;
                            }
                        }
                        None => serve(stream, &meter, note).await,
                    }
                });
            }
        });
    };
    std::thread::Builder::new().name("sink".to_owned()).spawn(run)?;
    Ok(address)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, meter: &Meter, note: Note) {
    let mut buffer = Vec::with_capacity(256 * 1024);
    loop {
        let Some(head) = head(&buffer) else {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let end = head.bytes + head.body;
        while buffer.len() < end {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        note(&buffer[head.bytes..end], meter);
        buffer.drain(..end);
        if stream.write_all(ANSWER).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

struct Head {
    bytes: usize,
    body: usize,
}

fn head(buffer: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(bytes) = request.parse(buffer).expect("a request") else { return None };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.expect("a request with its length");
    let body = std::str::from_utf8(length.value).ok()?.parse().expect("a length");
    Some(Head { bytes, body })
}

/// Notes every event in a body: CloudEvents, or from the floor the PBX's own messages.
fn note(body: &[u8], meter: &Meter) {
    let mut strangers = 0;
    let marker = if memmem::find(body, ENVELOPE).is_some() { ENVELOPE } else { b"<?xml" };
    let mut begins = memmem::find_iter(body, marker).peekable();
    while let Some(begin) = begins.next() {
        let event = &body[begin..begins.peek().copied().unwrap_or(body.len())];
        match (step_of(event), call_in(event)) {
            (Some(step), Some(call)) => meter.arrives(call, step),
            _ => strangers += 1,
        }
    }
    meter.request(body.len(), strangers);
}

fn step_of(event: &[u8]) -> Option<usize> {
    if let Some(at) = memmem::find(event, b"nl.schakel.call.") {
        let kind = &event[at + b"nl.schakel.call.".len()..];
        [&b"ringing."[..], b"answered.", b"ended."].iter().position(|name| kind.starts_with(name))
    } else {
        [&b"<DeliveredEvent"[..], b"<EstablishedEvent", b"<ConnectionClearedEvent"]
            .iter()
            .position(|root| memmem::find(event, root).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_batch_is_noted_event_by_event() {
        let meter = Meter::new();
        for step in 0..2 {
            meter.sends(7, step, Instant::now());
        }
        let event = |kind: &str| {
            format!(
                r#"{{"specversion":"1.0","type":"nl.schakel.{kind}.v1","data":{{"number":"0610000007"}}}}"#
            )
        };
        let body = format!("[{},{},{}]", event("call.ringing"), event("call.answered"), event("provider.up"));
        note(body.as_bytes(), &meter);
        let counts = meter.counts();
        assert_eq!((counts.arrived, counts.strangers, counts.disordered, counts.requests), (2, 1, 0, 1));
    }
}
