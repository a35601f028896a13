//! Recognition: a look-up in a million numbers, from the text that a telephone system gives to the names that a
//! notification tells, beside a bare hash map from number to number; memory; a bulk import.
//!
//! `bench-recognition FOLDER` keeps its register below that folder; `--quick` has a tenth of the numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an error ends the benchmark")]

use schakel_bench::table::{median, row};
use schakel_contract::Recognise;
use schakel_contract::views::RecognitionStatus;
use schakel_core::model::call::Party;
use schakel_register::number::NumberPlan;
use schakel_register::{Format, ImportOptions, Imported, Limits, Mode, Register};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NUMBERS: u64 = 1_000_000;
const QUICK: u64 = 100_000;
/// Interleaved rounds of look-up and floor.
const ROUNDS: usize = 15;
/// Numbers looked up in a round, spread over all.
const LOOKED_UP: u64 = 200_000;
/// Mobile numbers from here on; of two each the second is not registered.
const FIRST: u64 = 31_610_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.iter().find(|argument| !argument.starts_with("--")).expect("give a folder");
    let numbers = if arguments.iter().any(|argument| argument == "--quick") { QUICK } else { NUMBERS };
    let folder = tempfile::tempdir_in(folder).expect("a folder to write in");
    let path = folder.path().join("register.db");
    let file = rows(folder.path(), numbers);
    let size = file.metadata().expect("a file").len();
    row("recognition: numbers", numbers as f64, "each a person with a name");
    row("recognition: the file, JSON lines", size as f64 / 1e6, "MB");

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let register = Register::open(&path, NumberPlan::default(), Limits::default()).expect("a register");
    let options = ImportOptions { format: Format::JsonLines, mode: Mode::Replace, dry_run: false };
    let begin = Instant::now();
    let imported = runtime.block_on(register.import_customers(file, options)).expect("an import");
    assert!(matches!(imported, Imported::Done(report) if report.total == numbers), "{imported:?}");
    row(
        "recognition: import, durable and in force",
        numbers as f64 / begin.elapsed().as_secs_f64(),
        "numbers/s",
    );
    drop(register);
    let kept = std::fs::metadata(&path).expect("the register").len();
    row("recognition: the register on the disk", kept as f64 / 1e6, "MB");

    let before = resident();
    let region = Region::new(ALLOCATOR);
    let begin = Instant::now();
    let register = Register::open(&path, NumberPlan::default(), Limits::default()).expect("a register");
    row("recognition: start", begin.elapsed().as_secs_f64() * 1e3, "ms");
    let heap = region.change();
    let figures = register.figures();
    assert_eq!(figures.numbers, numbers);
    row("recognition: memory of the table", figures.bytes as f64 / 1e6, "MB");
    row("recognition: memory a number", figures.bytes as f64 / numbers as f64, "bytes");
    row(
        "recognition: all that the heap has grown by",
        (heap.bytes_allocated as f64 - heap.bytes_deallocated as f64) / 1e6,
        "MB",
    );
    // SQLite has an allocator of its own, which is in this figure too; what the import left to be used again is not.
    row("recognition: resident memory grown by, at a start", resident() - before, "MB");
    look_up(&register, numbers);
}

/// Memory of this process that is in memory, in MB.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096.0 / 1e6
}

fn look_up(register: &Register, numbers: u64) {
    let floor: HashMap<u64, u32> = (0..numbers).map(|at| (FIRST + at * 2, at as u32)).collect();
    // A step that has nothing in common with the number of numbers, so that no two look-ups are neighbours in memory.
    let places: Vec<u64> = (0..LOOKED_UP).map(|at| at.wrapping_mul(7_919_317) % numbers).collect();
    let known: Vec<Party> = places.iter().map(|at| party(FIRST + at * 2)).collect();
    let unknown: Vec<Party> = places.iter().map(|at| party(FIRST + at * 2 + 1)).collect();
    let (mut bare, mut hits, mut misses) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(nanoseconds(&places, |at| {
            assert!(floor.contains_key(black_box(&(FIRST + at * 2))));
        }));
        hits.push(nanoseconds(&known, |party| {
            assert_eq!(black_box(register.recognise(party)).status, RecognitionStatus::One);
        }));
        misses.push(nanoseconds(&unknown, |party| {
            assert_eq!(black_box(register.recognise(party)).status, RecognitionStatus::None);
        }));
    }
    let (bare, hits, misses) = (median(&mut bare), median(&mut hits), median(&mut misses));
    row("recognition: HashMap<u64, u32> (floor)", bare, "ns a look-up");
    row("recognition: known, from text to name", hits, "ns a look-up");
    row("recognition: known / floor", hits / bare, "×");
    row("recognition: unknown", misses, "ns a look-up");
    row("recognition: unknown / floor", misses / bare, "×");
    for (what, parties) in [("known", &known), ("unknown", &unknown)] {
        let region = Region::new(ALLOCATOR);
        for party in parties {
            black_box(register.recognise(party));
        }
        let allocations = region.change().allocations as f64 / LOOKED_UP as f64;
        row(&format!("recognition: allocations, {what}"), allocations, "a look-up");
    }
}

fn nanoseconds<T>(all: &[T], mut each: impl FnMut(&T)) -> f64 {
    let begin = Instant::now();
    all.iter().for_each(&mut each);
    begin.elapsed().as_secs_f64() * 1e9 / all.len() as f64
}

/// As a telephone system writes a mobile number: `0612345678`.
fn party(number: u64) -> Party {
    Party::of_number(&format!("0{}", number - 31_000_000_000))
}

/// So many people with a number each.
fn rows(folder: &std::path::Path, numbers: u64) -> std::fs::File {
    let file = tempfile::tempfile_in(folder).expect("a file");
    let mut out = std::io::BufWriter::new(file);
    for at in 0..numbers {
        let number = FIRST - 31_000_000_000 + at * 2;
        writeln!(
            out,
            "{{\"number\":\"0{number}\",\"kind\":\"person\",\"reference\":\"K-{at:08}\",\"name\":\"A.B. van der Voorbeeld-{at}\"}}"
        )
        .expect("room on the disk");
    }
    out.into_inner().expect("room on the disk")
}
