//! The log goes into the file while the journal is in use, and has a bound.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use schakel_journal::{Batch, Reader, Store};

use super::File;
use super::conformance::{Fixture, batch};

/// Bytes of an input.
const LARGE: usize = 256 * 1024;

/// What the log may have: 64 MB, and what the commits beside the last checkpoint wrote.
const BOUND: u64 = 66 * 1024 * 1024;

fn large(seq: u64) -> Batch {
    let mut batch = batch(seq, &[]);
    batch.inputs[0].bytes = Bytes::from(vec![seq as u8; LARGE]);
    batch
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

fn write(store: &Store, from: u64, to: u64) {
    for seq in from..to {
        store.append(large(seq)).wait().unwrap();
    }
}

#[test]
fn the_log_goes_into_the_file_beside_the_commits() {
    let file = File::new();
    let (store, _) = file.open();
    let begin = size(&file.path());
    // Six megabytes: more than is left in the log alone.
    write(&store, 1, 24);
    let deadline = Instant::now() + Duration::from_secs(20);
    while size(&file.path()) < begin + 4 * 1024 * 1024 {
        assert!(Instant::now() < deadline, "the file has {} bytes", size(&file.path()));
        std::thread::yield_now();
    }
}

#[test]
fn p03_the_log_has_a_bound_however_busy_the_journal_is() {
    let file = File::new();
    let (store, _) = file.open();
    let log = file.path().with_extension("db-wal");
    // A hundred megabytes without a pause.
    write(&store, 1, 400);
    assert!(size(&log) <= BOUND, "the log has {} bytes", size(&log));
    drop(store);
    assert_eq!(size(&log), 0, "who closes the journal tidies up");
    assert_eq!(Reader::open(&file.path()).unwrap().input(399).unwrap().unwrap().bytes.len(), LARGE);
}

#[test]
fn while_somebody_reads_the_log_waits_and_afterwards_it_is_emptied() {
    let file = File::new();
    let (store, _) = file.open();
    write(&store, 1, 2);
    let reader = rusqlite::Connection::open(file.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM inputs").unwrap();
    write(&store, 2, 30);
    reader.execute_batch("COMMIT").unwrap();
    store.empty_log().wait().unwrap();
    assert_eq!(size(&file.path().with_extension("db-wal")), 0);
}
