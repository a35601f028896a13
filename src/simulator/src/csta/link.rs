//! What is remembered of one client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schakel_csta_wire::{Edition, Encoder, InvokeId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::switch::Number;

/// Names a link for as long as the simulator runs.
pub(crate) type LinkId = u64;

/// A client that lets so many bytes wait is not reading, and is cut off.
pub(crate) const MOST_UNSENT: usize = 64 << 20;

/// One client.
pub(crate) struct Link {
    pub(crate) peer: String,
    pub(crate) edition: Edition,
    pub(crate) encoder: Encoder,
    pub(crate) session: Option<Session>,
    /// Its monitors by cross reference id.
    pub(crate) monitors: BTreeMap<Arc<str>, Number>,
    /// Its registration for system status.
    pub(crate) registered: Option<String>,
    /// Bytes for the writer.
    pub(crate) out: Vec<u8>,
    /// An event that waits for its successor.
    pub(crate) held_back: Option<Vec<u8>>,
    /// There is something in `out`.
    pub(crate) wake: Arc<Notify>,
    /// Breaks the connection.
    pub(crate) cut: CancellationToken,
    next_invoke: u16,
    /// `SystemStatus` requests that have not been answered.
    pub(crate) unanswered: u32,
    pub(crate) requests: u64,
    pub(crate) events: u64,
}

/// An ECMA-354 session.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) expires: Duration,
}

impl Link {
    pub(crate) fn new(peer: String, edition: Edition, namespace: bool) -> Self {
        Self {
            peer,
            edition,
            encoder: Encoder::new(edition).with_namespace(namespace),
            session: None,
            monitors: BTreeMap::new(),
            registered: None,
            out: Vec::new(),
            held_back: None,
            wake: Arc::new(Notify::new()),
            cut: CancellationToken::new(),
            next_invoke: 0,
            unanswered: 0,
            requests: 0,
            events: 0,
        }
    }

    /// The id of the next request of our own; 9999 is for events.
    pub(crate) fn invoke(&mut self) -> InvokeId {
        self.next_invoke = self.next_invoke % 9998 + 1;
        InvokeId::from_number(self.next_invoke)
    }

    /// Hands bytes to the writer.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        if self.out.len() > MOST_UNSENT {
            self.cut.cancel();
            self.out = Vec::new();
        }
        self.wake.notify_one();
    }
}
