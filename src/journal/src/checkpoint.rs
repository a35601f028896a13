//! Moving the write-ahead log into the file: on a thread of its own, because it takes milliseconds that a commit would
//! wait for.
//!
//! ```text
//! writer:  COMMIT ─► how long is the log? ─► STEP more than is moved ─► wake ─┐
//!                └─► LIMIT, and little of it is not moved ─► moves the rest,  │
//!                    so that the next commit begins the log anew              │
//! checkpoints:  PASSIVE, waits for nobody and makes nobody wait ◄─────────────┘
//! ```
//!
//! SQLite begins the log anew only when all of it is in the file at the moment of a commit. Under load that moment never
//! comes while another thread moves it: something was always written meanwhile. So the writer moves the last bit.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::schema;

/// Pages (4 KB each) that are moved at a time.
const STEP: i64 = 1_000;

/// The log is begun anew when it has so many pages (16 MB), as soon as few are left to be moved.
const LIMIT: i64 = 4 * STEP;

/// So many pages take the writer no longer than a commit or two.
const FEW: i64 = STEP / 4;

/// At so many pages (64 MB) the writer moves all that is left, however many: a log has a bound.
const HARD_LIMIT: i64 = 16 * STEP;

/// The thread, and the writer's part in its work.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    // `None` only while dropping.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Held while the thread is at work.
    working: Arc<Mutex<()>>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(path: &Path) -> Result<Self, StoreError> {
        let conn = schema::open_checkpointer(path)?;
        let (wake, woken) = sync_channel(1);
        let working = Arc::new(Mutex::new(()));
        let held = Arc::clone(&working);
        let run = move || run(&conn, &woken, &held);
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(run)?;
        Ok(Self { wake: Some(wake), thread: Some(thread), working })
    }

    /// Looks after the log: for the writer, after a commit.
    pub(crate) fn after_commit(&self, writer: &Connection) {
        let Some(log) = pages(writer, "PRAGMA wal_checkpoint(NOOP)") else { return };
        let left = log.all - log.moved;
        if left == 0 {
            return;
        }
        let alone = if log.all >= HARD_LIMIT {
            Some(self.pause())
        } else if log.all >= LIMIT && left <= FEW {
            self.working.try_lock().ok()
        } else {
            None
        };
        if let Some(_alone) = alone {
            pages(writer, "PRAGMA wal_checkpoint(PASSIVE)");
        } else if left >= STEP
            && let Some(wake) = &self.wake
            && let Err(TrySendError::Disconnected(())) = wake.try_send(())
        {
            tracing::error!("the journal's log is not moved into its file any more: its thread has ended");
        }
    }

    /// Keeps the thread from working for as long as the guard lives; waits for the work at hand.
    pub(crate) fn pause(&self) -> MutexGuard<'_, ()> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        // A panic of it has been told by the thread itself; what it left undone is done when the file is closed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(conn: &Connection, woken: &Receiver<()>, working: &Mutex<()>) {
    while woken.recv().is_ok() {
        let _alone = working.lock().unwrap_or_else(PoisonError::into_inner);
        pages(conn, "PRAGMA wal_checkpoint(PASSIVE)");
    }
}

struct Log {
    all: i64,
    moved: i64,
}

/// Runs a checkpoint; the pages of the log, if it has any. One that fails (a full disk) leaves the log as it is, and
/// what is in the log is safe: the next one tries again.
fn pages(conn: &Connection, checkpoint: &str) -> Option<Log> {
    let row = |row: &rusqlite::Row<'_>| Ok(Log { all: row.get(1)?, moved: row.get(2)? });
    match conn.prepare_cached(checkpoint).and_then(|mut statement| statement.query_row([], row)) {
        Ok(log) => (log.all >= 0).then_some(log),
        Err(error) => {
            tracing::debug!(%error, "the journal's log was not moved into its file");
            None
        }
    }
}
