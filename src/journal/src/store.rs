//! The handle: opening, submitting, reading, figures.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::params;

use crate::append;
use crate::audit::{self, AuditEntry, AuditHead};
use crate::deliver::{self, Settled};
use crate::error::StoreError;
use crate::facts::{self, Anonymise};
use crate::files;
use crate::prune;
use crate::reader::{Inputs, Reader, Readers};
use crate::rewrite::{self, Rewrite};
use crate::rows::{Batch, Counters, PruneBefore, Pruned, Redrive, Snapshot};
use crate::schema;
use crate::transcripts::{InternalChats, PublicChats};
use crate::writer::{Answer, Gauges, Job, Tail, Tx, Urgency, Writer, empty_log_job, job, submit};

/// A snapshot goes in by parts of this size, so that a large one delays nobody's commit by more than a part.
const SNAPSHOT_PART: usize = 256 * 1024;

/// SQLite's default size of a page, which we keep.
const PAGE_BYTES: u64 = 4_096;

/// The journal's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The largest size of the file; at the limit submissions answer [`StoreError::Full`]. `None`: the disk's.
    pub max_bytes: Option<u64>,
    /// Batches that may wait for the disk before more are refused with [`StoreError::Busy`].
    pub queue_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_bytes: None, queue_max: 4_096 }
    }
}

/// What an opened journal has, to start from.
#[derive(Debug)]
pub struct Recovery {
    /// The last state, if one was stored.
    pub snapshot: Option<Snapshot>,
    /// The inputs after it (all of them without a snapshot), in order.
    pub inputs: Inputs,
    /// The last input's number; the next one is this + 1.
    pub last_input: u64,
    /// The last notification's cursor; the next one is this + 1.
    pub last_notification: u64,
}

/// The journal. Cheap to clone; the last one that is dropped writes what waits and closes the file.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // `None` only while dropping.
    queue: Option<Sender<Box<dyn Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    gauges: Arc<Gauges>,
    queue_max: usize,
    path: PathBuf,
    // Held for its lock; released after the thread has ended.
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Readers first: the last connection to close tidies up the log, and only the writer may.
        self.readers.close();
        self.queue = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(path = %self.path.display(), "the journal's thread ended with a panic");
        }
    }
}

impl Store {
    /// Opens or creates the journal at `path` (with `path.lock`, `path-wal` and `path-shm` beside it), brings it
    /// to this release's schema, and tells what is in it. Its cost does not grow with the history. Blocks.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NewerSchema`], [`StoreError::NotAJournal`], [`StoreError::Open`],
    /// or what the disk said.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<(Self, Recovery), StoreError> {
        let path = path.as_ref();
        let lock = lock(path)?;
        let max_pages =
            options.max_bytes.map(|bytes| u32::try_from((bytes / PAGE_BYTES).max(1)).unwrap_or(u32::MAX - 1));
        let conn = schema::open_writer(path, max_pages)?;
        // What a crash left of a snapshot that was being written.
        conn.execute("DELETE FROM snapshot_parts WHERE seq NOT IN (SELECT seq FROM snapshots)", [])?;
        let mut tail = conn.query_row(
            "SELECT (SELECT max(seq) FROM inputs), (SELECT min(seq) FROM notifications),
                    (SELECT max(seq) FROM notifications)",
            [],
            |row| {
                let number = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(|n| n as u64));
                Ok(Tail {
                    audit: AuditHead::default(),
                    input: number(0)?.unwrap_or(0),
                    first_notification: number(1)?.unwrap_or(1),
                    notification: number(2)?.unwrap_or(0),
                })
            },
        )?;
        tail.audit = audit::head(&conn)?;
        let gauges = Arc::new(Gauges::default());
        gauges.first_notification.store(tail.first_notification, Ordering::Relaxed);
        gauges.last_notification.store(tail.notification, Ordering::Relaxed);
        let (queue, receiver) = mpsc::channel();
        let writer = Writer { conn, tail, queue: receiver, gauges: Arc::clone(&gauges) };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run())?;
        let readers = Readers::new(path.to_owned());
        let store = Self(Arc::new(Inner {
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
            readers,
            gauges,
            queue_max: options.queue_max,
            path: path.to_owned(),
            _lock: lock,
        }));
        files::tidy(&store.reader()?, path)?;
        let snapshot = store.reader()?.snapshot()?;
        let inputs = store.reader()?.inputs(snapshot.as_ref().map_or(0, |snapshot| snapshot.seq));
        let (last_input, last_notification) = (tail.input, tail.notification);
        Ok((store, Recovery { snapshot, inputs, last_input, last_notification }))
    }

    /// Makes a batch durable: ready when it has been fsynced. Batches are committed strictly in the order of
    /// these calls, all of a batch or nothing. After a failure the ones behind it fail with
    /// [`StoreError::OutOfOrder`] until the failed one was offered again (keep a clone; it shares its contents).
    /// An empty batch is ready when everything before it is durable.
    pub fn append(&self, batch: Batch) -> Answer<()> {
        let waiting = self.0.gauges.waiting.load(Ordering::Relaxed);
        if waiting >= self.0.queue_max {
            return Answer::failed(StoreError::Busy { waiting });
        }
        self.submit(Urgency::Now, move |tx| append::append(tx, &batch))
    }

    /// Records what became of deliveries. Nobody needs to await it: it rides along with the next append or goes
    /// by itself within 20 ms; if it is lost in a crash, what was delivered is delivered once more.
    pub fn settle(&self, settled: Settled) -> Answer<()> {
        self.submit(Urgency::Soon, move |tx| deliver::settle(tx, &settled))
    }

    /// Puts dead letters of a subscription back among what waits; their cursors, in order. In steps: after a
    /// failure some may have moved, and the rest are dead letters still.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn redrive(
        &self,
        subscription: u128,
        which: Redrive,
        now_ms: i64,
    ) -> Result<Vec<u64>, StoreError> {
        let mut moved = Vec::new();
        if let Redrive::Ids(ids) = &which {
            for ids in ids.chunks(deliver::STEP) {
                let some = Redrive::Ids(ids.to_vec());
                let step = move |tx: &mut Tx<'_>| deliver::redrive(tx, subscription, &some, now_ms);
                moved.extend(self.submit(Urgency::Now, step).await?);
            }
            moved.sort_unstable();
            return Ok(moved);
        }
        loop {
            let which = which.clone();
            let step = move |tx: &mut Tx<'_>| deliver::redrive(tx, subscription, &which, now_ms);
            let some = self.submit(Urgency::Now, step).await?;
            let last = some.len() < deliver::STEP;
            moved.extend(some);
            if last {
                return Ok(moved);
            }
        }
    }

    /// Removes what waits, what was given up and the attempts of a subscription that is no more.
    ///
    /// # Errors
    /// When the disk fails; call it again.
    pub async fn forget_subscription(&self, subscription: u128) -> Result<(), StoreError> {
        while self.submit(Urgency::Soon, move |tx| deliver::forget(tx, subscription)).await? > 0 {}
        Ok(())
    }

    /// Stores the state as it was after input `seq` (which must be durable), replacing the one before. It goes in
    /// by parts between other commits; only the last part makes it count.
    ///
    /// # Errors
    /// When the disk fails; the snapshot before it stays.
    pub async fn put_snapshot(&self, seq: u64, bytes: Bytes) -> Result<(), StoreError> {
        let key = seq as i64;
        let mut parts = 0_i64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let bytes = rest.split_to(rest.len().min(SNAPSHOT_PART));
            let part = parts;
            parts += 1;
            self.submit(Urgency::Soon, move |tx| {
                let sql = "INSERT OR REPLACE INTO snapshot_parts (seq, part, bytes) VALUES (?1, ?2, ?3)";
                Ok(tx.conn.prepare_cached(sql)?.execute(params![key, part, &bytes[..]])?)
            })
            .await?;
        }
        self.submit(Urgency::Now, move |tx| {
            if seq > tx.tail.input {
                let (expected, got) = (tx.tail.input, seq);
                return Err(StoreError::OutOfOrder { what: "snapshot", expected, got });
            }
            tx.conn.execute("DELETE FROM snapshots WHERE seq <= ?1", [key])?;
            tx.conn.execute("INSERT INTO snapshots (seq, parts) VALUES (?1, ?2)", [key, parts])?;
            Ok(())
        })
        .await?;
        let old = "DELETE FROM snapshot_parts WHERE rowid IN
                   (SELECT rowid FROM snapshot_parts WHERE seq < ?1 OR (seq = ?1 AND part >= ?2) LIMIT 1)";
        while self.submit(Urgency::Soon, move |tx| Ok(tx.conn.execute(old, [key, parts])?)).await? > 0 {}
        Ok(())
    }

    /// One step (at most 50 rows) of removing what is past its time; call it again while [`Pruned::more`].
    pub fn prune(&self, before: PruneBefore) -> Answer<Pruned> {
        self.submit(Urgency::Soon, move |tx| prune::prune(tx, before))
    }

    /// Adds rows to the audit log: ready when they are durable.
    pub fn audit(&self, entries: Vec<AuditEntry>) -> Answer<()> {
        self.submit(Urgency::Now, move |tx| audit::append(tx, &entries))
    }

    /// The same, where nobody waits for it: it rides along with the next append or goes within 20 ms. What is
    /// submitted is bounded like appends are.
    pub fn audit_soon(&self, entries: Vec<AuditEntry>) -> Answer<()> {
        let waiting = self.0.gauges.waiting.load(Ordering::Relaxed);
        if waiting >= self.0.queue_max {
            return Answer::failed(StoreError::Busy { waiting });
        }
        self.submit(Urgency::Soon, move |tx| audit::append(tx, &entries))
    }

    /// One step (at most 500 rows) of removing audit rows recorded before a moment, with the checkpoint that keeps
    /// the chain whole; how many went. Call it again until it is none.
    pub fn prune_audit(&self, before_ms: i64, now_ms: i64) -> Answer<usize> {
        self.submit(Urgency::Soon, move |tx| audit::prune(tx, before_ms, now_ms))
    }

    /// Replaces contents by such from which personal data was taken away; what is not there (any more) is passed
    /// over. At most some hundred rows a call, so that nobody waits for it.
    pub fn rewrite(&self, rewrite: Rewrite) -> Answer<usize> {
        self.submit(Urgency::Soon, move |tx| rewrite::rewrite(tx, &rewrite))
    }

    /// Moves the whole write-ahead log into the file and cuts it: what was replaced or removed before is in no file
    /// of the journal any more.
    ///
    /// # Errors
    /// [`StoreError::Reading`] while somebody reads; or when the disk fails.
    pub fn empty_log(&self) -> Answer<()> {
        let (job, answer) = empty_log_job();
        if let Some(queue) = &self.0.queue {
            submit(queue, &self.0.gauges, job);
        }
        answer
    }

    /// One step (at most 50 rows) of taking the agents out of the facts of contacts that began before a moment; how
    /// many rows it looked at: call it again until that is 0. `rewrite` knows the engine's encoding.
    pub fn anonymise_facts(&self, before_ms: i64, rewrite: Anonymise) -> Answer<usize> {
        self.submit(Urgency::Soon, move |tx| facts::anonymise(tx, before_ms, &*rewrite))
    }

    /// One step (at most 50 rows) of removing the facts of contacts that began before a moment; how many went: call it
    /// again until that is 0.
    pub fn remove_facts(&self, before_ms: i64) -> Answer<usize> {
        self.submit(Urgency::Soon, move |tx| facts::remove(tx, before_ms))
    }

    /// Creates or replaces a record of another room (`table` is that room's name for them).
    pub fn put_record(&self, table: &str, id: &str, json: &str) -> Answer<()> {
        let row = [table.to_owned(), id.to_owned(), json.to_owned()];
        self.submit(Urgency::Now, move |tx| {
            tx.conn.execute(
                "INSERT OR REPLACE INTO records (tab, id, json) VALUES (?1, ?2, ?3)",
                row.each_ref(),
            )?;
            Ok(())
        })
    }

    /// Removes a record; whether there was one.
    pub fn delete_record(&self, table: &str, id: &str) -> Answer<bool> {
        let key = [table.to_owned(), id.to_owned()];
        self.submit(Urgency::Now, move |tx| {
            Ok(tx.conn.execute("DELETE FROM records WHERE tab = ?1 AND id = ?2", key.each_ref())? > 0)
        })
    }

    /// A reader, whose calls block for as long as a look-up takes.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.0.readers.take()
    }

    /// Reads on a thread of tokio's blocking pool, for who must not wait for a disk.
    ///
    /// # Errors
    /// What `look` answers, or [`StoreError::Closed`] when the runtime is shutting down.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.0.readers);
        let task = tokio::task::spawn_blocking(move || look(&readers.take()?));
        task.await.unwrap_or(Err(StoreError::Closed))
    }

    /// What visitors see of chats, for who serves visitors: it has no way to what agents say among themselves.
    #[must_use]
    pub fn public_chats(&self) -> PublicChats {
        PublicChats(Arc::clone(&self.0.readers))
    }

    /// What agents see of chats, and the records.
    #[must_use]
    pub fn internal_chats(&self) -> InternalChats {
        InternalChats(Arc::clone(&self.0.readers))
    }

    /// Figures for the metrics.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let gauges = &self.0.gauges;
        let last_notification = gauges.last_notification.load(Ordering::Relaxed);
        let first = gauges.first_notification.load(Ordering::Relaxed);
        Counters {
            queue_depth: gauges.waiting.load(Ordering::Relaxed),
            commits: gauges.commits.load(Ordering::Relaxed),
            submissions: gauges.submissions.load(Ordering::Relaxed),
            failures: gauges.failures.load(Ordering::Relaxed),
            last_commit_micros: gauges.last_commit_micros.load(Ordering::Relaxed),
            notifications: (last_notification + 1).saturating_sub(first),
            last_notification,
        }
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    pub(crate) fn submit<T, F>(&self, urgency: Urgency, run: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (job, answer) = job(urgency, run);
        if let Some(queue) = &self.0.queue {
            submit(queue, &self.0.gauges, job);
        }
        answer
    }
}

/// Takes `path.lock`, which the system releases when the process ends, however it ends.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let open_error =
        |error: std::io::Error| StoreError::Open { path: name.clone(), detail: error.to_string() };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(open_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(open_error(error)),
    }
}
