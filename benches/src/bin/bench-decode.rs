//! Decoding: events a second on one core beside a plain scan of the same bytes, and allocations an event, exactly.
//!
//! `bench-decode` prints both. `bench-decode --passes N` only decodes the samples N times: run it under callgrind with
//! two numbers, and the difference is the instructions of the passes between, exactly (`benches/run` does that).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an error ends the benchmark")]

use schakel_bench::messages;
use schakel_bench::table::{median, row};
use schakel_csta_wire::{Message, decode, text_of};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Interleaved rounds of decode and floor.
const ROUNDS: usize = 15;

fn main() {
    let samples = messages::flow();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--passes") {
        let passes: usize = arguments[at + 1].parse().expect("--passes needs a number");
        for _ in 0..passes {
            decode_all(&samples);
        }
        // For the reader of callgrind's totals: how many events a pass has.
        println!("{}", samples.len());
        return;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    measure(&samples, if quick { 2_000 } else { 20_000 });
}

fn measure(samples: &[Vec<u8>], passes: usize) {
    let events = (passes * samples.len()) as f64;
    let bytes: usize = samples.iter().map(Vec::len).sum();
    let (mut decoded, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = cpu_time();
        for _ in 0..passes {
            scan_all(samples);
        }
        floor.push(events / (cpu_time() - begin));
        let begin = cpu_time();
        for _ in 0..passes {
            decode_all(samples);
        }
        decoded.push(events / (cpu_time() - begin));
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..100 {
        decode_all(samples);
    }
    let stats = region.change();
    let each = 100.0 * samples.len() as f64;
    let (decoded, floor) = (median(&mut decoded), median(&mut floor));
    row("decode: mean size of a sample", bytes as f64 / samples.len() as f64, "bytes");
    row("decode: plain byte scan (floor)", floor, "events/s a core");
    row("decode: events", decoded, "events/s a core");
    row("decode: floor / decode", floor / decoded, "×");
    row("decode: allocations", (stats.allocations + stats.reallocations) as f64 / each, "an event");
    row("decode: bytes allocated", stats.bytes_allocated as f64 / each, "an event");
}

/// Seconds that this thread has had a core: what another program takes of it is not counted.
fn cpu_time() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos: u64 =
        schedstat.split_whitespace().next().and_then(|first| first.parse().ok()).expect("a number");
    nanos as f64 / 1e9
}

fn decode_all(samples: &[Vec<u8>]) {
    for sample in samples {
        let text = text_of(black_box(sample)).expect("UTF-8");
        let decoded = decode(&text).expect("a sample of ours");
        assert!(matches!(decoded.message, Message::Call(_)));
        black_box(&decoded);
    }
}

/// The floor: look at every byte once and count the tags.
fn scan_all(samples: &[Vec<u8>]) {
    for sample in samples {
        let mut tags = 0_u32;
        for byte in black_box(sample) {
            tags += u32::from(*byte == b'<');
        }
        black_box(tags);
    }
}
