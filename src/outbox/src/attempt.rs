//! One request: over a connection that is open or a new one, within its time, and what its answer means.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::connect::{Connection, Dialler};
use crate::lanes::Ticket;
use crate::message::Message;
use crate::retry::{Meaning, meaning, retry_after};
use crate::target::Target;

/// An answer's body is read up to this, and thrown away unless somebody listens; a larger one is not an answer to a
/// webhook.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request to be made.
pub(crate) struct Attempt {
    pub endpoint: u128,
    /// Which life of the endpoint: an answer for an earlier one is nobody's.
    pub life: u64,
    pub ticket: Ticket,
    pub message: Message,
    pub target: Arc<Target>,
    pub dialler: Arc<Dialler>,
    pub connection: Option<Connection>,
    pub timeout: Duration,
    /// The timeout is a question's time limit: its end says nothing of the endpoint.
    pub lapses: bool,
    /// The answer's body is kept: it may say something.
    pub listening: bool,
}

/// A request that was made.
pub(crate) struct Finished {
    pub endpoint: u128,
    pub life: u64,
    pub ticket: Ticket,
    /// Where it went; the subscription's URL may have changed meanwhile.
    pub target: Arc<Target>,
    pub late: u64,
    pub outcome: Outcome,
    /// For the next request.
    pub connection: Option<Connection>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub meaning: Meaning,
    pub status: Option<u16>,
    pub retry_after: Option<Duration>,
    /// What went wrong, for people.
    pub error: Option<String>,
    /// What the receiver said with its 2xx, where somebody listens; empty where it said nothing.
    pub said: Bytes,
}

impl Attempt {
    /// Never fails: a failure is an outcome.
    pub(crate) async fn run(self) -> Finished {
        let Self { endpoint, life, ticket, message, target, dialler, connection, .. } = self;
        let (limit, lapses, listening) = (self.timeout, self.lapses, self.listening);
        let exchange = exchange(connection, &dialler, &target, &message, listening);
        let (outcome, connection) = match timeout(limit, exchange).await {
            Ok(Ok((outcome, connection))) => (outcome, connection),
            Ok(Err(error)) => (Outcome::failed(error), None),
            Err(_) => (Outcome::unanswered(limit, lapses), None),
        };
        Finished { endpoint, life, ticket, target, late: message.late, outcome, connection }
    }
}

impl Outcome {
    fn unanswered(limit: Duration, lapses: bool) -> Self {
        let limit = limit.as_millis();
        if lapses {
            let error = format!("no answer within the question's time, {limit} ms: it is told as history");
            return Self { meaning: Meaning::Lapsed, ..Self::failed(error) };
        }
        Self::failed(format!("no answer within {limit} ms"))
    }

    fn failed(error: String) -> Self {
        Self {
            meaning: Meaning::Failed,
            status: None,
            retry_after: None,
            error: Some(error),
            said: Bytes::new(),
        }
    }
}

async fn exchange(
    connection: Option<Connection>,
    dialler: &Dialler,
    target: &Target,
    message: &Message,
    listening: bool,
) -> Result<(Outcome, Option<Connection>), String> {
    if let Some(mut connection) = connection
        && connection.ready().await.is_ok()
    {
        match connection.send_request(message.request(target)).await {
            Ok(response) => return Ok(read(response, connection, listening).await),
            // The receiver closed it while we wrote, as keep-alive connections end: a new one, in the same try.
            Err(error) if !error.is_parse() => {}
            Err(error) => return Err(with_source(&error)),
        }
    }
    // Boxed: rare, and large, while one of these futures exists for each request in flight.
    let mut connection = Box::pin(dialler.connect(target)).await?;
    let response =
        connection.send_request(message.request(target)).await.map_err(|error| with_source(&error))?;
    Ok(read(response, connection, listening).await)
}

/// Reads the answer; the connection comes back when all of it was read.
async fn read(
    response: Response<Incoming>,
    connection: Connection,
    listening: bool,
) -> (Outcome, Option<Connection>) {
    let status = response.status();
    let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = value.and_then(|value| retry_after(value, SystemTime::now()));
    let mut body = response.into_body();
    let (mut bytes, mut broken, mut said) = (0, false, BytesMut::new());
    while bytes <= BODY_BYTES_MAX
        && let Some(frame) = body.frame().await
    {
        match frame {
            Ok(frame) => {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if let Some(data) = frame.data_ref().filter(|_| listening && bytes <= BODY_BYTES_MAX) {
                    said.extend_from_slice(data);
                }
            }
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    let whole = bytes <= BODY_BYTES_MAX && !broken;
    let meaning = meaning(status.as_u16(), whole);
    // Never text of the answer: it may hold what was sent.
    let error = match meaning {
        Meaning::Delivered => None,
        _ if status.is_redirection() => Some(format!("{status}: redirects are not followed")),
        _ if status.is_success() && broken => Some(format!("{status}, but its body broke off")),
        _ if status.is_success() => Some(format!("{status}, but with a body over 16 KB")),
        _ => Some(status.to_string()),
    };
    if meaning != Meaning::Delivered {
        said.clear();
    }
    let outcome = Outcome { meaning, status: Some(status.as_u16()), retry_after, error, said: said.freeze() };
    (outcome, whole.then_some(connection))
}

fn with_source(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
