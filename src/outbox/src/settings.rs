//! What the outbox is told: its limits, and the subscriptions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schakel_journal::Notification;
use tokio::sync::mpsc;

use crate::retry::Retry;
use crate::secret::Secret;
use crate::withhold::Withhold;

/// Limits and rules that hold for all subscriptions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Hosts that webhooks may be sent to: a name or address exactly, or `*.suffix`. Empty: none.
    pub allowed_hosts: Vec<String>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Also `http://`. For tests.
    pub allow_plain_http: bool,
    /// Also addresses of this machine. For tests.
    pub allow_loopback: bool,
    /// Also TLS 1.2, where a receiver has no 1.3.
    pub tls12: bool,
    /// For one request: name, connection, TLS, and the whole answer.
    pub request_timeout: Duration,
    /// When to try again, and when no more.
    pub retry: Retry,
    /// Requests in flight for one subscription.
    pub lanes_max: usize,
    /// Notifications in one request, for subscriptions that ask for batches.
    pub batch_max: usize,
    /// Bytes of one batch. One notification that is larger goes alone.
    pub batch_bytes_max: usize,
    /// Deliveries of one subscription held in memory; the rest stays in the journal until there is room.
    pub window_max: usize,
    /// A connection that was not used for so long is not used again.
    pub idle_max: Duration,
    /// Deliveries that were settled are written at the latest after this. If they are lost in a crash,
    /// they are delivered once more.
    pub settle_after: Duration,
    /// Every delivery a lane of its own, so no order per contact. Wrong on purpose: the negative control of the tests
    /// that kill the daemon.
    pub without_lanes: bool,
    /// Who hears what receivers answer to notifications of one kind.
    pub listener: Option<Listener>,
    /// How numbers and names are taken out of a notification.
    pub withhold: Withhold,
}

/// Hears the bodies of 2xx answers to notifications of one kind, sent alone: what an answer to a batch is about, nobody
/// can say. An empty body is not handed over, nor one for a notification that was delivered as history.
///
/// A notification of this kind without a contact has a lane of its own: it is a question, and does not wait behind what
/// belongs to no contact.
///
/// The request with a question ends with the question's time: nobody listens after it, and what comes next for the
/// contact must not wait. It is then told as history at once, which is no failure of the endpoint.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The kind, as in [`Notification::kind`].
    pub kind: &'static str,
    /// Never waited for: when it is full, the answer is lost, which is logged.
    pub answers: mpsc::Sender<Answer>,
}

/// What a receiver answered to a notification.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Which subscription.
    pub subscription: u128,
    /// To what.
    pub notification: Arc<Notification>,
    /// The body: at most 16 KB of anything.
    pub body: Bytes,
}

impl Listener {
    /// Whether it listens to this one.
    pub(crate) fn hears(&self, notification: &Notification) -> bool {
        *notification.kind == *self.kind
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            trust: Trust::Platform,
            allow_plain_http: false,
            allow_loopback: false,
            tls12: false,
            request_timeout: Duration::from_secs(10),
            retry: Retry::default(),
            lanes_max: 64,
            batch_max: 64,
            // Common limits of receivers begin at 1 MB (nginx).
            batch_bytes_max: 512 * 1024,
            window_max: 10_000,
            // Below the usual keep-alive of receivers (nginx 75 s, IIS 120 s); Node's 5 s is met by a second try.
            idle_max: Duration::from_secs(30),
            settle_after: Duration::from_millis(10),
            without_lanes: false,
            listener: None,
            withhold: Withhold::default(),
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that this machine trusts.
    Platform,
    /// Only those in this PEM file.
    CaFile(PathBuf),
    /// Only those in this PEM text.
    CaPem(Vec<u8>),
}

/// Somebody who wants notifications. Which ones is decided where they are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id, as in the notifications' `deliveries`.
    pub id: u128,
    /// Where to.
    pub url: String,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// While a secret rotates: the one before, and until when (Unix ms) it signs as well.
    pub previous: Option<(Secret, i64)>,
    /// Deliveries wait.
    pub paused: bool,
    /// With numbers and names.
    pub persons: bool,
    /// `application/cloudevents-batch+json` instead of one notification a request.
    pub batch: bool,
}
