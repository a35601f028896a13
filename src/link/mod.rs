//! Drives an adapter over a real connection. It moves bytes, stanzas and time; it decides nothing.
//!
//! ```text
//! connect | accept ─► Opened ─► ┌ bytes | stanzas ─► Received ┐
//!        ▲                      │ engine ──────────► Execute  ├─► outputs ─► what is sent, inputs for the engine
//!        │                      └ deadline ────────► Tick     ┘
//!        └── back-off ◄── Closed ◄── end of stream · write stalled · adapter says Close · reconnect asked
//! ```
//!
//! [`Link`] is for protocols whose adapter frames bytes by itself; [`xmpp`] for XMPP, whose streams a library reads.

mod backoff;
mod bytes;
mod channel;
mod reporter;
pub mod xmpp;

pub use bytes::Link;
pub use channel::{Channel, Endpoint, OpenError, TlsClient};

use backoff::Backoff;
use schakel_core::adapter::Observations;
use schakel_engine::EngineStopped;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, watch};

/// What the rest of the house may look at and ask of a link.
#[derive(Clone, Default)]
pub struct LinkControl {
    reconnect: Arc<Notify>,
    observations: Arc<Mutex<Observations>>,
    given_up: Arc<AtomicBool>,
    stopping: Arc<watch::Sender<bool>>,
}

impl LinkControl {
    /// Drops the connection and makes a new one at once.
    pub fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    /// What the adapter has seen, as of the last second or so.
    pub fn observations(&self) -> Observations {
        self.observations.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// Whether it tries nothing more until somebody has mended its credentials.
    pub(crate) fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Ends the connection in good order, where its protocol has one, and then the link.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn give_up(&self, given_up: bool) {
        self.given_up.store(given_up, Ordering::Relaxed);
    }

    fn observe(&self, observations: Observations) {
        if let Ok(mut seen) = self.observations.lock() {
            *seen = observations;
        }
    }

    /// Resolves when an operator asks for a new connection. Cancel safe.
    async fn asked(&self) {
        self.reconnect.notified().await;
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lost {
    /// For the operator: what, and how to mend it.
    reason: String,
    setback: Setback,
}

/// What the end of a connection means for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setback {
    /// It may well be back in a moment.
    Passing,
    /// It can be made anew now.
    AtOnce,
    /// What arrived could not be read: going on from there would only read it again.
    Garbled,
    /// Only somebody who changes something can help.
    Misconfigured,
    /// The other side does not take our credentials; more tries may lock the account.
    Credentials,
    /// Another program has our place, and would lose it to us.
    Conflict,
}

impl Lost {
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), setback: Setback::Passing }
    }

    fn misconfigured(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), setback: Setback::Misconfigured }
    }

    fn asked() -> Self {
        Self { reason: "an operator asked for a new connection".into(), setback: Setback::AtOnce }
    }
}

/// What ends a connection's loop.
enum Ended {
    Lost(Lost),
    /// The house wants the link to end.
    Stopping,
    EngineStopped,
}

impl From<EngineStopped> for Ended {
    fn from(_: EngineStopped) -> Self {
        Ended::EngineStopped
    }
}

impl From<Lost> for Ended {
    fn from(lost: Lost) -> Self {
        Ended::Lost(lost)
    }
}
