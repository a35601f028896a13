//! The clock of the house: wall time that never goes back.

use schakel_core::model::time::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall time in milliseconds. A clock that is set back stands still here until it has caught up, because the order of
/// the journal and of UUIDv7 is the order of time.
#[derive(Debug, Default)]
pub struct Clock {
    last: u64,
}

impl Clock {
    /// Starts no earlier than `last`, the newest time in the journal.
    pub fn from(last: Time) -> Self {
        Self { last: last.0 }
    }

    /// Now.
    pub fn now(&mut self) -> Time {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_millis());
        self.last = self.last.max(u64::try_from(wall).unwrap_or(u64::MAX));
        Time(self.last)
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
}
