//! What it costs on this disk, just now, to make something durable: the unit in which the pipe's latency is judged.

use crate::Result;
use hdrhistogram::Histogram;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Times of an append of 1 KB and its `fdatasync`.
#[derive(Debug, Clone, Copy)]
pub struct Fdatasync {
    /// The median.
    pub p50: Duration,
    /// 99 of 100 are faster.
    pub p99: Duration,
}

/// Appends and syncs, at the pace of the events whose latency is measured beside it, so that the disk's cache is in
/// the same mood.
///
/// # Errors
/// If the file cannot be written.
pub fn fdatasync(folder: &Path, count: u32, every: Duration) -> Result<Fdatasync> {
    let path = folder.join("fdatasync");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path)?;
    let mut times = Histogram::<u64>::new(3)?;
    let begin = Instant::now();
    for round in 0..count {
        if let Some(rest) = (begin + every * round).checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        let at = Instant::now();
        file.write_all(&[b'x'; 1024])?;
        file.sync_data()?;
        times.record(at.elapsed().as_nanos() as u64)?;
    }
    std::fs::remove_file(path)?;
    let at = |quantile| Duration::from_nanos(times.value_at_quantile(quantile));
    Ok(Fdatasync { p50: at(0.5), p99: at(0.99) })
}
