//! How long to wait before a link is tried again.

use std::time::Duration;

/// The first pause: most losses are a restart of a switch or a cable, back within a second.
pub(super) const FIRST: Duration = Duration::from_millis(500);

/// The longest pause: an operator who mends the other side should not wait longer for the link.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Doubling pauses with a spread of ±20 %, so that many daemons do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    first: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(FIRST, LONGEST)
    }
}

impl Backoff {
    /// From the first pause to the longest.
    pub(crate) fn between(first: Duration, longest: Duration) -> Self {
        Self { failures: 0, first, longest }
    }

    /// The next pause. `spread` is any number; `fatal` asks for the longest pause at once.
    pub(crate) fn next(&mut self, fatal: bool, spread: u32) -> Duration {
        let base = if fatal {
            self.longest
        } else {
            (self.first * 2_u32.saturating_pow(self.failures.min(16))).min(self.longest)
        };
        self.failures = self.failures.saturating_add(1);
        base.mul_f64(0.8 + 0.4 * f64::from(spread) / f64::from(u32::MAX))
    }

    /// The link was good: begin again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = u32::MAX / 2;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> =
            (0..8).map(|_| backoff.next(false, MIDDLE).as_secs_f64().mul_add(1000.0, 0.5) as u128).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.next(false, 0).as_millis(), 400);
        assert_eq!(backoff.next(true, u32::MAX), LONGEST.mul_f64(1.2));
    }
}
