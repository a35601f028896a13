//! Server-sent events: what all streams share.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use std::convert::Infallible;
use std::time::Duration;

/// Proxies close a silent connection after 30 to 60 s.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// The media type of a stream.
pub(crate) const STREAM: &str = "text/event-stream";

/// Comments may be ignored; this one tells that the stream is there before anything happens.
pub(crate) const GREETING: Bytes = Bytes::from_static(b": schakel\n\n");

/// As long as nothing happens.
pub(crate) const SILENCE: Bytes = Bytes::from_static(b": heartbeat\n\n");

/// One event; with an id where it can be gone on from. The payload is one line: JSON text has no bare line breaks.
pub(crate) fn frame(id: Option<&str>, kind: &str, payload: &[u8]) -> Bytes {
    let mut frame = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    frame.push_str("event: ");
    frame.push_str(kind);
    frame.push_str("\ndata: ");
    let mut frame = frame.into_bytes();
    frame.extend_from_slice(payload);
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// A response that goes on until its frames end.
pub(crate) fn stream_reply(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Body::from_stream(frames.map(Ok::<_, Infallible>)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(STREAM));
    response
}
