//! A commit of the journal: one input with its notification and delivery, and soon after that the delivery's end, as an
//! event makes them; at a fixed rate (open loop), beside an append with `fdatasync` of its own at the same pace.
//!
//! `bench-journal FOLDER` keeps its journal below that folder; `--quick` is short.
#![allow(clippy::expect_used, reason = "an error ends the benchmark")]

use bytes::Bytes;
use hdrhistogram::Histogram;
use schakel_bench::disk;
use schakel_bench::table::{median, row};
use schakel_journal::{Batch, Input, Notification, Options, Settled, Store};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Commits a second.
const RATE: u64 = 1000;
/// Sizes of an ordinary event's rows.
const INPUT: usize = 350;
const NOTIFICATION: usize = 2_400;
const BEGIN: i64 = 1_790_000_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.iter().find(|argument| !argument.starts_with("--")).expect("give a folder");
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let folder = tempfile::tempdir_in(folder).expect("a folder to write in");
    let time = Duration::from_secs(if quick { 3 } else { 15 });
    let names = ["p50", "p99", "p99.9", "the slowest"];
    let (mut ours, mut log) = ([const { Vec::new() }; 4], Vec::new());
    let (mut sync50, mut sync99) = (Vec::new(), Vec::new());
    for round in 0..if quick { 1 } else { 3 } {
        let path = folder.path().join(format!("{round}.db"));
        let (times, log_bytes) = commits(&path, time);
        let slowest = times.max();
        let at = [0.5, 0.99, 0.999].map(|quantile| times.value_at_quantile(quantile));
        for (seen, nanos) in ours.iter_mut().zip(at.into_iter().chain([slowest])) {
            seen.push(nanos as f64 / 1e3);
        }
        log.push(log_bytes as f64 / 1e6);
        let sync = disk::fdatasync(folder.path(), 2000, Duration::from_micros(1_000_000 / RATE));
        let sync = sync.expect("a file");
        sync50.push(sync.p50.as_secs_f64() * 1e6);
        sync99.push(sync.p99.as_secs_f64() * 1e6);
    }
    row("append of 1 KB and fdatasync: p50", median(&mut sync50), "µs");
    row("append of 1 KB and fdatasync: p99", median(&mut sync99), "µs");
    for (name, seen) in names.iter().zip(&mut ours) {
        row(&format!("a commit at {RATE}/s: {name}"), median(seen), "µs");
    }
    row("the largest log", log.iter().copied().fold(0.0, f64::max), "MB");
}

/// Commits at the rate; how long each took from when it was due, and how large the log became.
fn commits(path: &Path, time: Duration) -> (Histogram<u64>, u64) {
    let (store, _) = Store::open(path, Options::default()).expect("a journal");
    let mut times = Histogram::<u64>::new(3).expect("a histogram");
    let begin = Instant::now();
    for seq in 1..=RATE * time.as_secs() {
        let due = begin + Duration::from_micros((seq - 1) * 1_000_000 / RATE);
        if let Some(rest) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        store.append(batch(seq)).wait().expect("it is durable");
        times.record(due.elapsed().as_nanos() as u64).expect("it grows");
        // Nobody awaits this: it rides along with the next commit.
        let delivered = vec![seq];
        drop(store.settle(Settled { subscription: 1, at_ms: BEGIN, delivered, ..Settled::default() }));
    }
    // While it is still there: the end of a journal empties it, and until then the file does not shrink.
    let log = std::fs::metadata(path.with_extension("db-wal")).expect("a log").len();
    (times, log)
}

fn batch(seq: u64) -> Batch {
    let at_ms = BEGIN + seq as i64;
    // Contents that differ, as they do in life.
    let filled = |bytes: usize| Bytes::from(vec![seq as u8; bytes]);
    let notification = Notification {
        seq,
        input_seq: seq,
        id: 0x0189_0a5d_ac96_774b_0000_0000_0000_0000 + u128::from(seq),
        contact: Some(0x0189_0a5d_ac96_774b_8000_0000_0000_0000 + u128::from(seq / 3)),
        contact_seq: seq % 3 + 1,
        kind: "call.ringing".into(),
        at_ms,
        expires_ms: None,
        payload: filled(NOTIFICATION),
        deliveries: Arc::from([1]),
    };
    Batch {
        inputs: vec![Input { seq, at_ms, bytes: filled(INPUT) }],
        notifications: vec![Arc::new(notification)],
        ..Batch::default()
    }
}
