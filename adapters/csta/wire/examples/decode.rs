//! Decodes documents over and over: `decode ROUNDS FILE…`. For instruction counts
//! (`valgrind --tool=callgrind` or `dhat`) and for events a second, beside a
//! plain scan of the same bytes.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use schakel_csta_wire::{decode, text_of};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().and_then(|r| r.parse().ok()).unwrap_or(1);
    let documents: Vec<Vec<u8>> = arguments.map(|file| std::fs::read(file).unwrap()).collect();
    let bytes: usize = documents.iter().map(Vec::len).sum();
    let start = Instant::now();
    for _ in 0..rounds {
        for document in &documents {
            black_box(decode(&text_of(document).unwrap()).unwrap());
        }
    }
    let decoding = start.elapsed();
    let start = Instant::now();
    for _ in 0..rounds {
        for document in &documents {
            black_box(document.iter().filter(|b| **b == black_box(b'<')).count());
        }
    }
    let scanning = start.elapsed();
    let events = (rounds * documents.len()) as f64;
    println!(
        "{} documents, {:.0} bytes each; decode {:.0}/s, scan {:.0}/s",
        documents.len(),
        bytes as f64 / documents.len() as f64,
        events / decoding.as_secs_f64(),
        events / scanning.as_secs_f64(),
    );
}
