//! The CSTA server: several clients at once on one switch.
//!
//! One lock guards the switch and everything that is remembered of the clients ([`Core`]); it is never held over
//! an await. What is to be sent is put into a buffer per link; a task per link carries bytes.

mod core;
mod identity;
mod link;
mod log;
mod queries;
mod requests;
mod routing;
mod session;
mod sinning;
mod tasks;
mod translate;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use core::Core;
pub use core::{LinkView, ServerState};
pub use log::LogEntry;
pub use sinning::SinError;
pub(crate) use tasks::{accept, push, tell_time, tls_acceptor};

/// The one place where everything meets.
pub(crate) struct Hub {
    core: Mutex<Core>,
    /// The next deadline has come nearer.
    clock: Notify,
    /// Counts changes, for those who wait for one.
    changed: watch::Sender<u64>,
    /// Links neither read nor write.
    stalled: watch::Sender<bool>,
    began: Instant,
    /// How far the switch's time runs ahead.
    ahead: AtomicU64,
    pub(crate) stop: CancellationToken,
}

impl Hub {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core: Mutex::new(core),
            clock: Notify::new(),
            changed: watch::Sender::new(0),
            stalled: watch::Sender::new(false),
            began: Instant::now(),
            ahead: AtomicU64::new(0),
            stop: CancellationToken::new(),
        }
    }

    /// The time since the simulator began.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed() + Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// When a moment of the switch's time comes by the wall's.
    fn wall(&self, at: Duration) -> Instant {
        self.began + at.saturating_sub(Duration::from_millis(self.ahead.load(Ordering::Relaxed)))
    }

    /// Lets time pass at once: what is due within the span is done now, in its order.
    pub(crate) fn advance(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.ahead.fetch_add(millis, Ordering::Relaxed);
        self.clock.notify_one();
    }

    /// Does something that may change something.
    pub(crate) fn change<R>(&self, act: impl FnOnce(&mut Core, Duration) -> R) -> R {
        let now = self.now();
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut core, now);
        let stalled = core.is_stalled();
        let nearer = core.deadline_came_nearer();
        drop(core);
        if nearer {
            self.clock.notify_one();
        }
        self.stalled.send_if_modified(|is| std::mem::replace(is, stalled) != stalled);
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
        result
    }

    /// Does something that nobody else need know of.
    pub(crate) fn quietly<R>(&self, act: impl FnOnce(&mut Core) -> R) -> R {
        act(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at something.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&Core) -> R) -> R {
        at(&self.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
