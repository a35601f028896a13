//! What was sent and what arrived: counts, order per call, and the time between.

use hdrhistogram::Histogram;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The events of one call, in their order.
pub const STEPS: usize = 3;

/// Calls that can be under way at once between sending and arrival.
const CALLS: usize = 1 << 18;

/// Shared between the end that sends and the end that receives, which are threads of one process: one clock.
#[derive(Debug)]
pub struct Meter {
    epoch: Instant,
    /// When each event was sent, in nanoseconds since the epoch.
    sent_at: Vec<AtomicU64>,
    /// The step that each call should arrive at next.
    next_step: Vec<AtomicU64>,
    sent: AtomicU64,
    arrived: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    strangers: AtomicU64,
    disordered: AtomicU64,
    latency: Mutex<Histogram<u64>>,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// Nothing sent, nothing arrived.
    #[must_use]
    pub fn new() -> Self {
        Self {
            epoch: Instant::now(),
            sent_at: (0..CALLS * STEPS).map(|_| AtomicU64::new(0)).collect(),
            next_step: (0..CALLS).map(|_| AtomicU64::new(0)).collect(),
            sent: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
            disordered: AtomicU64::new(0),
            latency: Mutex::new(
                Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds that are allowed"),
            ),
        }
    }

    /// An event goes out now, or was due at `due`.
    pub fn sends(&self, call: u64, step: usize, due: Instant) {
        let nanos = due.saturating_duration_since(self.epoch).as_nanos() as u64;
        self.sent_at[slot(call) * STEPS + step].store(nanos, Relaxed);
        if step == 0 {
            self.next_step[slot(call)].store(0, Relaxed);
        }
        self.sent.fetch_add(1, Relaxed);
    }

    /// A notification about an event has arrived.
    pub fn arrives(&self, call: u64, step: usize) {
        let now = self.epoch.elapsed().as_nanos() as u64;
        let sent = self.sent_at[slot(call) * STEPS + step].load(Relaxed);
        if self.next_step[slot(call)].swap(step as u64 + 1, Relaxed) != step as u64 {
            self.disordered.fetch_add(1, Relaxed);
        }
        self.arrived.fetch_add(1, Relaxed);
        let mut latency = self.latency.lock().expect("no thread panicked with it");
        latency.saturating_record(now.saturating_sub(sent));
    }

    /// A request with a body of this size has arrived, of which `strangers` events were none of ours.
    pub fn request(&self, bytes: usize, strangers: u64) {
        self.requests.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.strangers.fetch_add(strangers, Relaxed);
    }

    /// The counts as they are now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            at: Instant::now(),
            sent: self.sent.load(Relaxed),
            arrived: self.arrived.load(Relaxed),
            requests: self.requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            strangers: self.strangers.load(Relaxed),
            disordered: self.disordered.load(Relaxed),
        }
    }

    /// Events that were sent and have not arrived.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        let arrived = self.arrived.load(Relaxed);
        self.sent.load(Relaxed).saturating_sub(arrived)
    }

    /// The time between sending and arrival since the last [`Meter::forget_latency`], at a quantile.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latency.lock().expect("not poisoned").value_at_quantile(quantile))
    }

    /// Begins a new measurement of the time.
    pub fn forget_latency(&self) {
        self.latency.lock().expect("not poisoned").reset();
    }

    /// Waits until everything that was sent has arrived.
    ///
    /// # Errors
    /// How many are missing, if nothing arrives for `patience`.
    pub fn settle(&self, patience: Duration) -> Result<(), String> {
        let (mut last, mut since) = (self.arrived.load(Relaxed), Instant::now());
        while self.outstanding() > 0 {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.arrived.load(Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > patience {
                return Err(format!("{} of {} events never arrived", self.outstanding(), self.counts().sent));
            }
        }
        Ok(())
    }
}

fn slot(call: u64) -> usize {
    (call % CALLS as u64) as usize
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// When.
    pub at: Instant,
    /// Events sent.
    pub sent: u64,
    /// Events that arrived.
    pub arrived: u64,
    /// Requests that arrived.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Notifications about something else.
    pub strangers: u64,
    /// Events that overtook another of the same call, or came twice.
    pub disordered: u64,
}
