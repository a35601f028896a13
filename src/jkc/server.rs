//! The HTTP side of the stand-in: one POST, answered as JKC would, or as badly as it was told to.

use super::routing::Routing;
use super::verify::{Secret, SignedHeaders, verify};
use crate::client::ledger::{Counts, Ledger};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use schakel_contract::event::{BATCH_MEDIA_TYPE, Event, MEDIA_TYPE};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Where webhooks are received.
pub const PATH: &str = "/schakel";

/// A batch of 64 notifications with large objects stays well below.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The sender uses one connection a lane.
const CONNECTIONS_MAX: usize = 512;

/// A sender that has not sent its headers or its handshake by then is disconnected.
const HEADER_LIMIT: Duration = Duration::from_secs(10);

/// How this stand-in behaves when it is asked to behave badly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Answer with this status instead of taking the notification.
    pub status: Option<u16>,
    /// With this `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Wait so long before answering.
    pub delay: Duration,
    /// And up to so much more, each request another time: what is in flight together arrives in any order.
    pub jitter: Duration,
    /// Close every connection without an answer.
    pub down: bool,
    /// Take the notification, and close the connection without an answer: the sender must send it again.
    pub lose_answer: bool,
}

/// What the server and its owner share.
#[derive(Debug)]
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    secrets: Mutex<Vec<Secret>>,
    behaviour: watch::Sender<Behaviour>,
    routing: Mutex<Routing>,
    changed: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(ledger: Ledger) -> Arc<Self> {
        Arc::new(Self {
            ledger: Mutex::new(ledger),
            secrets: Mutex::default(),
            behaviour: watch::Sender::default(),
            routing: Mutex::default(),
            changed: watch::Sender::new(0),
        })
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn secrets(&self) -> MutexGuard<'_, Vec<Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn routing(&self) -> MutexGuard<'_, Routing> {
        self.routing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    pub(super) fn behaviour(&self) -> Behaviour {
        self.behaviour.borrow().clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        self.ledger().count(count);
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// Accepts connections until it is dropped.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of file descriptors, or a peer that left at once: neither ends a server.
            Err(_) => {
                tokio::task::yield_now().await;
                continue;
            }
        };
        // Answers are small, and a sender waits for each.
        drop(stream.set_nodelay(true));
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        connections.spawn(async move {
            let _place = place;
            match tls {
                None => serve(stream, shared).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_LIMIT, tls.accept(stream)).await {
                        serve(stream, shared).await;
                    }
                }
            }
        });
    }
}

async fn serve<S>(stream: S, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut down = shared.behaviour.subscribe();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT);
    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&shared)));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A peer that breaks the connection is the ordinary end of it.
        ended = connection => drop(ended),
        _ = down.wait_for(|behaviour| behaviour.down) => {}
    }
}

/// The connection is closed without an answer, as asked for.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer, as asked for")]
struct NoAnswer;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let behaviour = shared.behaviour();
    let wait = behaviour.delay + behaviour.jitter.mul_f64(rand::random());
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    if let Some(status) = behaviour.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        shared.count(|counts| counts.turned_away += 1);
        let mut response = text(status, "told to answer so");
        if let Some(seconds) = behaviour.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return Ok(response);
    }
    let response = match take(request, &shared).await {
        Ok(event) => decided(event.as_ref(), &shared).await,
        Err((status, detail)) => {
            shared.count(|counts| counts.refused += 1);
            text(status, &detail)
        }
    };
    if behaviour.lose_answer { Err(NoAnswer) } else { Ok(response) }
}

/// The answer to what was taken in: of a question where a call shall go, what the rules say, when JKC has thought.
async fn decided(event: Option<&Event>, shared: &Shared) -> Response<Full<Bytes>> {
    let (answer, after) = {
        let routing = shared.routing();
        (event.and_then(|event| routing.answer(event)), routing.after)
    };
    // Cannot fail: an answer has no keys that are not text.
    let Some(body) = answer.and_then(|answer| serde_json::to_string(&answer).ok()) else {
        return text(StatusCode::NO_CONTENT, "");
    };
    tokio::time::sleep(after).await;
    let mut response = text(StatusCode::OK, &body);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// Takes in a request; gives the notification that came alone, since only such a one can be answered.
async fn take(request: Request<Incoming>, shared: &Shared) -> Result<Option<Event>, (StatusCode, String)> {
    let arrived = Instant::now();
    let refuse = |status, detail: &str| Err((status, detail.to_owned()));
    if request.uri().path() != PATH {
        return refuse(StatusCode::NOT_FOUND, "webhooks are received at /schakel");
    }
    if request.method() != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "a webhook is a POST");
    }
    let (head, body) = request.into_parts();
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("").trim();
    if media != MEDIA_TYPE && media != BATCH_MEDIA_TYPE {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a webhook is application/cloudevents(-batch)+json",
        );
    }
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Err((StatusCode::PAYLOAD_TOO_LARGE, error.to_string())),
    };
    let secrets = shared.secrets().clone();
    if secrets.is_empty() {
        // The subscription was made a moment ago and its secret is on its way to us.
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the secret is not known yet");
    }
    SignedHeaders::of(&head.headers)
        .and_then(|headers| verify(&secrets, headers, &body, unix_seconds()))
        .map_err(|error| (StatusCode::UNAUTHORIZED, error.to_string()))?;
    let events: Vec<Event> = if media == BATCH_MEDIA_TYPE {
        serde_json::from_slice(&body)
    } else {
        serde_json::from_slice(&body).map(|event| vec![event])
    }
    .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let alone = if media == MEDIA_TYPE { events.first().cloned() } else { None };
    {
        let mut ledger = shared.ledger();
        ledger.count(|counts| counts.verified += 1);
        for event in events {
            ledger.receive(event, arrived);
        }
    }
    shared.changed.send_modify(|changes| *changes += 1);
    Ok(alone)
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    response
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
