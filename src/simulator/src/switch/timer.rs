//! What is to happen later.

use std::collections::BTreeMap;
use std::time::Duration;

use super::model::{CallId, Number};

/// Names a timer until it has gone off or was cancelled.
pub(super) type TimerKey = (Duration, u64);

/// What a timer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// For one connection.
    Leg {
        /// The call; follows the call when its id changes.
        call: CallId,
        /// The device.
        device: Number,
        /// What then.
        then: Then,
    },
    /// After-call work at this extension is over.
    WrapUp(Number),
}

/// What happens to a connection when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It has rung long enough.
    NoAnswer,
    /// The device answers by itself.
    AutoAnswer,
    /// The busy tone ends.
    ToneEnds,
    /// Nobody picked up the prompted telephone.
    PromptEnds,
    /// It waited long enough in its queue.
    Overflow,
    /// The application did not say in time where the call shall go.
    RouteReply,
}

/// All timers, by the time at which they go off.
#[derive(Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    next_key: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Duration, timer: Timer) -> TimerKey {
        let key = (at, self.next_key);
        self.next_key += 1;
        self.due.insert(key, timer);
        key
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    pub(super) fn rename(&mut self, key: TimerKey, new: &CallId) {
        if let Some(Timer::Leg { call, .. }) = self.due.get_mut(&key) {
            *call = new.clone();
        }
    }

    /// The first that is due, and its moment.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<(Duration, Timer)> {
        let entry = self.due.first_entry().filter(|e| e.key().0 <= now)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&TimerKey, &Timer)> {
        self.due.iter()
    }
}
