//! One pipe under load, whatever it is: how much it carries, whether it carries it for long, and how late it is.

use crate::Result;
use crate::calls::Calls;
use crate::meter::{Counts, Meter};
use crate::process::Process;
use crate::pump::Pump;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Both ends of a pipe.
#[derive(Debug)]
pub struct Rig {
    /// The PBX.
    pub pump: Pump,
    /// What was sent and arrived.
    pub meter: Arc<Meter>,
    /// What is sent.
    pub calls: Calls,
}

/// What a pipe carried while it was kept full.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Events a second.
    pub rate: f64,
    /// CPU time of the pipe an event, in microseconds.
    pub cpu_micros: f64,
    /// Events in one request, on average.
    pub per_request: f64,
    /// Bytes of body an event.
    pub bytes: f64,
}

/// How a pipe did at a fixed rate for a long time.
#[derive(Debug, Clone, Copy)]
pub struct Sustained {
    /// Whether the queues did not grow.
    pub steady: bool,
    /// The most events on their way in the first third, after the first second.
    pub early: u64,
    /// The most in the last third.
    pub late: u64,
    /// CPU time of the pipe an event, in microseconds.
    pub cpu_micros: f64,
}

impl Rig {
    /// Keeps `window` events on their way for a time, after a second of the same to warm up.
    ///
    /// # Errors
    /// If the pipe breaks, loses events or changes their order.
    pub fn capacity(&mut self, process: &Process, window: u64, time: Duration) -> Result<Capacity> {
        let Self { pump, meter, calls } = self;
        pump.send_windowed(calls, meter, window, u64::MAX, Duration::from_secs(1))?;
        let (before, cpu) = (meter.counts(), process.cpu());
        pump.send_windowed(calls, meter, window, u64::MAX, time)?;
        let (after, cpu) = (meter.counts(), process.cpu().saturating_sub(cpu));
        self.finish()?;
        Ok(capacity(&before, &after, cpu))
    }

    /// Sends at a fixed rate, whatever arrives, and watches how many events are on their way.
    ///
    /// # Errors
    /// If the pipe breaks, loses events or changes their order.
    pub fn sustain(&mut self, process: &Process, rate: f64, time: Duration) -> Result<Sustained> {
        let Self { pump, meter, calls } = self;
        let over = Arc::new(AtomicBool::new(false));
        let (watched, ended) = (Arc::clone(meter), Arc::clone(&over));
        let watch = std::thread::spawn(move || {
            let (begin, mut seen) = (Instant::now(), Vec::new());
            while !ended.load(Ordering::Relaxed) {
                seen.push((begin.elapsed(), watched.outstanding()));
                std::thread::sleep(Duration::from_millis(50));
            }
            seen
        });
        let (before, cpu) = (meter.counts(), process.cpu());
        let sent = pump.send_at(calls, meter, rate, time);
        let (after, cpu) = (meter.counts(), process.cpu().saturating_sub(cpu));
        over.store(true, Ordering::Relaxed);
        let seen = watch.join().map_err(|_| "the watch ended badly")?;
        sent?;
        self.finish()?;
        let most = |from: Duration, to: Duration| {
            seen.iter().filter(|(at, _)| *at >= from && *at < to).map(|(_, count)| *count).max().unwrap_or(0)
        };
        let early = most(Duration::from_secs(1), time / 3);
        let late = most(time * 2 / 3, time);
        // A tenth of a second's events may come and go (a checkpoint does that); what grows is more at every look.
        let steady = late <= early.max((rate / 10.0) as u64) * 3 / 2;
        Ok(Sustained { steady, early, late, cpu_micros: capacity(&before, &after, cpu).cpu_micros })
    }

    /// Sends at a rate for a time; median and 99th percentile of the time from when an event was due at the PBX's
    /// socket until its webhook was read at the sink.
    ///
    /// # Errors
    /// If the pipe breaks, loses events or changes their order.
    pub fn latency(&mut self, rate: f64, time: Duration) -> Result<(Duration, Duration)> {
        let Self { pump, meter, calls } = self;
        pump.send_at(calls, meter, rate, Duration::from_secs(1))?;
        meter.forget_latency();
        pump.send_at(calls, meter, rate, time)?;
        // What ends the calls comes all at once and is not what is measured.
        meter.settle(Duration::from_secs(30))?;
        let seen = (meter.latency(0.5), meter.latency(0.99));
        self.finish()?;
        Ok(seen)
    }

    /// Sends a number of events with a small window and waits for all of them.
    ///
    /// # Errors
    /// If the pipe breaks, loses events or changes their order.
    pub fn carry(&mut self, count: u64, patience: Duration) -> Result<()> {
        let Self { pump, meter, calls } = self;
        pump.send_windowed(calls, meter, 512, count, patience)?;
        self.finish()
    }

    /// Ends the calls that are under way and waits for the last event.
    fn finish(&mut self) -> Result<()> {
        self.pump.finish_round(&mut self.calls, &self.meter)?;
        self.meter.settle(Duration::from_secs(30))?;
        let counts = self.meter.counts();
        if counts.disordered > 0 {
            return Err(format!("{} events were out of order within their call", counts.disordered).into());
        }
        Ok(())
    }
}

fn capacity(before: &Counts, after: &Counts, cpu: Duration) -> Capacity {
    let arrived = (after.arrived - before.arrived) as f64;
    Capacity {
        rate: arrived / (after.at - before.at).as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / arrived,
        per_request: arrived / (after.requests - before.requests) as f64,
        bytes: (after.bytes - before.bytes) as f64 / arrived,
    }
}
