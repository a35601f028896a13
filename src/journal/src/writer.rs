//! The one thread that writes: it gathers submissions, runs them in one transaction, and answers when that
//! transaction is on the disk.
//!
//! ```text
//! submit ─► queue ─► group (≤ 256) ─► BEGIN · run · run · run · COMMIT (fsync) ─► answers
//!                                      └─ one fails: ROLLBACK, then each alone, in order
//! ```
//!
//! The price: an fsync is shared by who waits at the same time, but a group's submissions fail or wait together.
//! There are no savepoints, since they make SQLite copy every page that a submission touches.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::audit::AuditHead;
use crate::error::StoreError;
use crate::schema;

/// Submissions in one transaction: beyond this the fsync's share is below the work's noise.
const GROUP_MAX: usize = 256;

/// How long work that nobody waits for may wait for an urgent submission to ride along with.
const LAZY_MAX: Duration = Duration::from_millis(20);

/// The numbers at the ends of the journal; part of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last input; 0 when there is none.
    pub input: u64,
    /// The oldest notification that is kept, or the one to come.
    pub first_notification: u64,
    /// The last notification; 0 when there is none.
    pub notification: u64,
    /// The end of the audit log's chain.
    pub audit: AuditHead,
}

/// What a submission works on.
pub(crate) struct Tx<'a> {
    pub conn: &'a Connection,
    pub tail: &'a mut Tail,
}

/// When a submission wants to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// At once.
    Now,
    /// With the next urgent one, or soon.
    Soon,
}

/// A submission: may be run twice (in the group, and alone after the group failed), and is answered once.
pub(crate) trait Job: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, result: Result<(), StoreError>);
    fn urgency(&self) -> Urgency;
    /// Whether the log must be emptied into the file before the answer.
    fn empties_log(&self) -> bool {
        false
    }
}

/// The answer to a submission, ready when it is on the disk. Dropping it does not withdraw the submission.
#[derive(Debug)]
pub struct Answer<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Future for Answer<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}

impl<T> Answer<T> {
    /// Waits on the spot; for programs without a runtime. Panics inside one, as tokio's blocking calls do.
    ///
    /// # Errors
    /// As the submission's.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    pub(crate) fn failed(error: StoreError) -> Self {
        let (reply, answer) = oneshot::channel();
        // Cannot fail: the receiver is in our hands.
        let _ = reply.send(Err(error));
        Self(answer)
    }
}

/// Makes a job of a closure, and the answer to await.
pub(crate) fn job<T, F>(urgency: Urgency, run: F) -> (Box<dyn Job>, Answer<T>)
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Call { run, value: None, reply, urgency }), Answer(answer))
}

/// A job that does nothing but have the log emptied.
pub(crate) fn empty_log_job() -> (Box<dyn Job>, Answer<()>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(EmptyLog(reply)), Answer(answer))
}

struct EmptyLog(oneshot::Sender<Result<(), StoreError>>);

impl Job for EmptyLog {
    fn run(&mut self, _: &mut Tx<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn answer(self: Box<Self>, result: Result<(), StoreError>) {
        // As for every job: whoever asked may be gone.
        let _ = self.0.send(result);
    }

    fn urgency(&self) -> Urgency {
        Urgency::Now
    }

    fn empties_log(&self) -> bool {
        true
    }
}

struct Call<T, F> {
    run: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    urgency: Urgency,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.value = Some((self.run)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, result: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        // Whoever asked may be gone; the work is done all the same.
        let _ = reply.send(result.and_then(|()| value.ok_or(StoreError::Closed)));
    }

    fn urgency(&self) -> Urgency {
        self.urgency
    }
}

/// What the thread shows of itself.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub waiting: AtomicUsize,
    pub commits: AtomicU64,
    pub submissions: AtomicU64,
    pub failures: AtomicU64,
    pub last_commit_micros: AtomicU64,
    pub first_notification: AtomicU64,
    pub last_notification: AtomicU64,
}

/// Gives a job to the writer.
pub(crate) fn submit(queue: &Sender<Box<dyn Job>>, gauges: &Gauges, job: Box<dyn Job>) {
    gauges.waiting.fetch_add(1, Ordering::Relaxed);
    // Fails only when the thread is gone; the job is dropped with its reply, which answers `Closed`.
    if queue.send(job).is_err() {
        gauges.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The thread's state.
pub(crate) struct Writer {
    pub conn: Connection,
    pub tail: Tail,
    pub queue: Receiver<Box<dyn Job>>,
    pub gauges: Arc<Gauges>,
}

impl Writer {
    /// Runs until every sender is gone, then writes what is left.
    pub(crate) fn run(mut self) {
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP_MAX);
        while self.gather(&mut group) {
            self.commit(&mut group);
        }
        self.commit(&mut group);
    }

    /// Waits for work; false when there will be no more.
    fn gather(&self, group: &mut Vec<Box<dyn Job>>) -> bool {
        let mut deadline: Option<Instant> = None;
        loop {
            let received = match deadline {
                None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self.queue.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match received {
                Ok(job) => group.push(job),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            while group.len() < GROUP_MAX {
                match self.queue.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            if group.len() >= GROUP_MAX || group.iter().any(|job| job.urgency() == Urgency::Now) {
                return true;
            }
            deadline.get_or_insert_with(|| Instant::now() + LAZY_MAX);
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        if group.is_empty() {
            return;
        }
        let failed = self.transact(group).err();
        let alone = group.len() == 1;
        for mut job in group.drain(..) {
            let result = match &failed {
                None => Ok(()),
                Some(error) if alone => Err(error.clone()),
                Some(_) => self.transact(std::slice::from_mut(&mut job)),
            };
            let counter = if result.is_ok() { &self.gauges.submissions } else { &self.gauges.failures };
            counter.fetch_add(1, Ordering::Relaxed);
            self.gauges.waiting.fetch_sub(1, Ordering::Relaxed);
            let result = if job.empties_log() { result.and_then(|()| empty_log(&self.conn)) } else { result };
            job.answer(result);
        }
    }

    fn transact(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let started = Instant::now();
        let mut tail = self.tail;
        let result = run_group(&self.conn, &mut tail, group);
        if let Err(error) = result {
            // Some failures (a full disk) have rolled back by themselves.
            if !self.conn.is_autocommit()
                && let Err(also) = self.conn.execute_batch("ROLLBACK")
            {
                tracing::error!(error = %also, "the journal's transaction could not be rolled back");
            }
            return Err(error);
        }
        self.tail = tail;
        let gauges = &self.gauges;
        gauges.first_notification.store(tail.first_notification, Ordering::Relaxed);
        gauges.last_notification.store(tail.notification, Ordering::Relaxed);
        gauges.commits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        gauges.last_commit_micros.store(micros, Ordering::Relaxed);
        Ok(())
    }
}

/// Moves the whole write-ahead log into the file and cuts it to nothing: what was overwritten is in neither then.
fn empty_log(conn: &Connection) -> Result<(), StoreError> {
    // Whoever asks asks again: no commit waits for a reader.
    conn.busy_timeout(Duration::ZERO)?;
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    conn.busy_timeout(schema::BUSY)?;
    if busy? {
        return Err(StoreError::Reading);
    }
    Ok(())
}

fn run_group(conn: &Connection, tail: &mut Tail, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for job in group {
        job.run(&mut Tx { conn, tail })?;
    }
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
