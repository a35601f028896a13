//! What an answer means, when to try again, and when to leave an endpoint alone: decisions without I/O.

use std::time::{Duration, SystemTime};

/// When to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Pauses after the first, second … failure; the last one repeats.
    pub pauses: Vec<Duration>,
    /// A pause is shortened or lengthened by up to this share of itself, so that not all try at once.
    pub jitter_percent: u32,
    /// A delivery that still fails so long after it began is given up.
    pub give_up_after: Duration,
    /// Tries of what the receiver refuses as such (400, 404, 413, 415, 422).
    pub refusals_max: u32,
    /// Failures in a row after which only one request at a time tries the endpoint.
    pub circuit_failures: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            pauses: [0, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000].map(Duration::from_millis).to_vec(),
            jitter_percent: 20,
            give_up_after: Duration::from_secs(72 * 3_600),
            refusals_max: 3,
            circuit_failures: 5,
        }
    }
}

impl Retry {
    /// The pause after `failures` failures (1 or more); `random` from 0 to 1 places it in the jitter.
    #[must_use]
    pub fn pause(&self, failures: u32, random: f64) -> Duration {
        let at = (failures.saturating_sub(1) as usize).min(self.pauses.len().saturating_sub(1));
        let pause = self.pauses.get(at).copied().unwrap_or_default();
        let jitter = f64::from(self.jitter_percent) / 100.0;
        pause.mul_f64(1.0 + jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0))
    }
}

/// What an answer means for the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It arrived.
    Delivered,
    /// The receiver will not have this one: a few tries, then it is a dead letter.
    Refused,
    /// The receiver does not know us: a person must look.
    Unauthorised,
    /// The receiver wants no more.
    Gone,
    /// Nobody answered a question in its time: it is history, to be told as such at once.
    Lapsed,
    /// Try again.
    Failed,
}

/// What a status means; `within_limit` is false when the answer's body was larger than we read.
pub(crate) fn meaning(status: u16, within_limit: bool) -> Meaning {
    match status {
        200..=299 if within_limit => Meaning::Delivered,
        400 | 404 | 413 | 415 | 422 => Meaning::Refused,
        401 | 403 => Meaning::Unauthorised,
        410 => Meaning::Gone,
        // Also redirects: a signed notification goes where it was addressed and nowhere else.
        _ => Meaning::Failed,
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds or a date.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The circuit breaker of an endpoint. Times are milliseconds of any one clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    state: State,
    /// `Retry-After`: nothing is sent before this, whatever the state.
    not_before: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// One request at a time from `probe_at` on.
    Open {
        probes: u32,
        probe_at: u64,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// How many requests may be in flight now.
    pub(crate) fn limit(&self, now: u64, lanes_max: usize) -> usize {
        match self.state {
            _ if now < self.not_before => 0,
            State::Closed { .. } => lanes_max,
            State::Open { probe_at, .. } => usize::from(now >= probe_at),
        }
    }

    /// When [`Breaker::limit`] changes by itself.
    pub(crate) fn next_change(&self, now: u64) -> Option<u64> {
        let probe_at = match self.state {
            State::Closed { .. } => 0,
            State::Open { probe_at, .. } => probe_at,
        };
        let at = probe_at.max(self.not_before);
        (at > now).then_some(at)
    }

    /// The endpoint answered. True when that closed the circuit.
    pub(crate) fn alive(&mut self) -> bool {
        let opened = self.is_open();
        self.state = State::default();
        opened
    }

    /// A request failed. True when that opened the circuit.
    pub(crate) fn failed(&mut self, now: u64, retry: &Retry, random: f64) -> bool {
        let after = |failures| now.saturating_add(millis(retry.pause(failures, random)));
        match &mut self.state {
            State::Closed { failures } => {
                *failures += 1;
                if *failures < retry.circuit_failures {
                    return false;
                }
                self.state = State::Open { probes: 1, probe_at: after(2) };
                true
            }
            // One that was sent before the circuit opened says nothing new.
            State::Open { probe_at, .. } if now < *probe_at => false,
            State::Open { probes, probe_at } => {
                *probes = probes.saturating_add(1);
                *probe_at = after(probes.saturating_add(1));
                false
            }
        }
    }

    /// The endpoint asked for a pause.
    pub(crate) fn pause(&mut self, until: u64) {
        self.not_before = self.not_before.max(until);
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}

/// Whole milliseconds, as many as fit.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_the_contract_says() {
        let retry = Retry::default();
        let pauses: Vec<_> = (1..=10).map(|failures| millis(retry.pause(failures, 0.5))).collect();
        assert_eq!(pauses, [0, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]);
        assert_eq!(millis(retry.pause(8, 0.0)), 24_000);
        assert_eq!(millis(retry.pause(8, 1.0)), 36_000);
        assert_eq!(millis(retry.pause(u32::MAX, 7.0)), 36_000);
        assert_eq!(retry.pause(0, 0.5), Duration::ZERO);
        assert_eq!(Retry { pauses: vec![], ..retry }.pause(3, 0.5), Duration::ZERO);
    }

    #[test]
    fn every_status_has_its_meaning() {
        for status in 100..600 {
            let expected = match status {
                200..=299 => Meaning::Delivered,
                400 | 404 | 413 | 415 | 422 => Meaning::Refused,
                401 | 403 => Meaning::Unauthorised,
                410 => Meaning::Gone,
                _ => Meaning::Failed,
            };
            assert_eq!(meaning(status, true), expected, "{status}");
        }
        assert_eq!(meaning(200, false), Meaning::Failed);
        assert_eq!(meaning(302, true), Meaning::Failed);
        assert_eq!(meaning(422, false), Meaning::Refused);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn the_circuit_opens_after_five_failures_in_a_row_and_lets_one_through_at_a_time() {
        let retry = Retry::default();
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.failed(1_000, &retry, 0.5));
        }
        assert!(!breaker.alive(), "it was not open");
        for n in 1..=5 {
            assert_eq!(breaker.limit(1_000, 64), 64);
            assert_eq!(breaker.failed(1_000, &retry, 0.5), n == 5);
        }
        assert!(breaker.is_open());
        assert_eq!((breaker.limit(1_249, 64), breaker.limit(1_250, 64)), (0, 1));
        assert_eq!(breaker.next_change(1_000), Some(1_250));
        // A straggler changes nothing, a probe that fails lengthens the pause up to half a minute.
        breaker.failed(1_100, &retry, 0.5);
        assert_eq!(breaker.next_change(1_100), Some(1_250));
        let mut now = 1_250;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(!breaker.failed(now, &retry, 0.5));
            let next = breaker.next_change(now).unwrap();
            pauses.push(next - now);
            now = next;
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]);
        assert!(breaker.alive());
        assert_eq!((breaker.limit(now, 64), breaker.next_change(now)), (64, None));
    }

    #[test]
    fn a_pause_that_was_asked_for_holds_in_any_state() {
        let mut breaker = Breaker::default();
        breaker.pause(5_000);
        breaker.pause(4_000);
        assert_eq!((breaker.limit(4_999, 64), breaker.next_change(0)), (0, Some(5_000)));
        assert!(!breaker.alive());
        assert_eq!((breaker.limit(4_999, 64), breaker.limit(5_000, 64)), (0, 64));
    }
}
