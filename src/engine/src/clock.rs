//! The clock of the house: wall time that never goes back.

use schakel_core::model::time::{Millis, Time};
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall time in milliseconds. A clock that is set back stands still here until it has caught up, because the order of
/// the journal and of UUIDv7 is the order of time.
#[derive(Debug, Default)]
pub struct Clock {
    last: u64,
    /// How far it runs ahead of the wall.
    ahead: u64,
}

impl Clock {
    /// Starts no earlier than `last`, the newest time in the journal.
    pub fn from(last: Time) -> Self {
        Self { last: last.0, ahead: 0 }
    }

    /// Now.
    pub fn now(&mut self) -> Time {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_millis());
        self.last = self.last.max(u64::try_from(wall).unwrap_or(u64::MAX).saturating_add(self.ahead));
        Time(self.last)
    }

    /// Runs this much further ahead of the wall from now on, for tests that live through hours.
    pub fn advance(&mut self, span: Millis) {
        self.ahead = self.ahead.saturating_add(span.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_stands_still() {
        let future = Time(u64::MAX / 2);
        assert_eq!(Clock::from(future).now(), future);
    }

    #[test]
    fn a_clock_that_was_advanced_stays_ahead() {
        let mut clock = Clock::default();
        let before = clock.now();
        clock.advance(Millis::seconds(3600));
        assert!(clock.now() - before >= Millis::seconds(3600));
    }
}
