//! Reading: keyed look-ups and pages on read-only connections, beside the writer and never in its way.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::audit::{self, AuditFilter, AuditHead, AuditRow};
use crate::error::StoreError;
use crate::facts::{self, FactCursor, FactRow};
use crate::rewrite::Reply;
use crate::rows::{Attempt, DeadLetter, Input, KnownKey, Notification, Page, Pending, Record, Snapshot};
use crate::schema;

/// Rows that one page looks at, so that a filter that lets little through cannot hold a reader for long.
const SCAN_MAX: usize = 10_000;

/// Bytes of payload after which a page ends.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Inputs fetched at once while recovering.
const INPUTS_STEP: i64 = 512;

/// Connections kept for the next reader.
const IDLE_MAX: usize = 4;

const NOTIFICATION: &str =
    "n.seq, n.input_seq, n.id, n.contact, n.contact_seq, n.kind, n.at_ms, n.expires_ms, n.payload";

/// The connections that are not in use.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, idle: Mutex::new(Vec::new()) })
    }

    pub(crate) fn take(self: &Arc<Self>) -> Result<Reader, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => schema::open_reader(&self.path)?,
        };
        Ok(Reader { conn: Some(conn), pool: Arc::clone(self) })
    }

    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A view of the journal as it is now. Its calls block for the time of a look-up: a page is some tenths of a
/// millisecond from the cache, more from a disk; [`crate::Store::read`] does it elsewhere.
#[derive(Debug)]
pub struct Reader {
    conn: Option<Connection>,
    pool: Arc<Readers>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX
            && let Some(conn) = self.conn.take()
        {
            idle.push(conn);
        }
    }
}

impl Reader {
    /// The stream after a cursor: at most `limit` rows whose kind `wanted` accepts. A page also ends after
    /// 10,000 rows looked at or 8 MB; go on from [`Page::next`].
    ///
    /// # Errors
    /// When the disk fails.
    pub fn notifications(
        &self,
        after: u64,
        limit: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Page, StoreError> {
        let mut page = Page { next: after, ..Page::default() };
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION} FROM notifications n WHERE n.seq > ?1 ORDER BY n.seq LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![after as i64, SCAN_MAX as i64])?;
        let (mut seen, mut bytes) = (0, 0);
        while page.rows.len() < limit && bytes < PAGE_BYTES {
            let Some(row) = rows.next()? else {
                page.more = seen == SCAN_MAX;
                return Ok(page);
            };
            seen += 1;
            page.next = row.get::<_, i64>(0)? as u64;
            if wanted(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?) {
                let row = notification(row)?;
                bytes += row.payload.len();
                page.rows.push(row);
            }
        }
        page.more = rows.next()?.is_some();
        Ok(page)
    }

    /// The oldest cursor that is kept; `None` while there is nothing. A reader that stands before
    /// `earliest - 1` has missed something.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn earliest(&self) -> Result<Option<u64>, StoreError> {
        let seq: Option<i64> = self
            .conn()?
            .prepare_cached("SELECT min(seq) FROM notifications")?
            .query_row([], |row| row.get(0))?;
        Ok(seq.map(|seq| seq as u64))
    }

    /// The newest cursor; 0 when there is none.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn latest(&self) -> Result<u64, StoreError> {
        let seq: Option<i64> = self
            .conn()?
            .prepare_cached("SELECT max(seq) FROM notifications")?
            .query_row([], |row| row.get(0))?;
        Ok(seq.unwrap_or(0) as u64)
    }

    /// A contact's notifications in order, after one of its numbers.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn of_contact(
        &self,
        contact: u128,
        after_contact_seq: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Notification>>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION} FROM notifications n WHERE n.contact = ?1 AND n.contact_seq > ?2
             ORDER BY n.contact_seq LIMIT ?3"
        ))?;
        let key = params![contact.to_be_bytes(), after_contact_seq as i64, limit as i64];
        collect(statement.query_and_then(key, notification)?)
    }

    /// The last notification of a contact: the whole object as it is now.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn last_of_contact(&self, contact: u128) -> Result<Option<Arc<Notification>>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION} FROM notifications n WHERE n.contact = ?1 ORDER BY n.contact_seq DESC LIMIT 1"
        ))?;
        Ok(statement.query_row([contact.to_be_bytes()], notification).optional()?)
    }

    /// One input, where it is still kept.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn input(&self, seq: u64) -> Result<Option<Input>, StoreError> {
        let mut statement =
            self.conn()?.prepare_cached("SELECT seq, at_ms, bytes FROM inputs WHERE seq = ?1")?;
        Ok(statement.query_row([seq as i64], input).optional()?)
    }

    /// Notifications after a cursor, of at most so many looked at, whose payload has this text in it; the cursor to go
    /// on from, and whether there is more.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn notifications_with(
        &self,
        text: &str,
        after: u64,
        looked_at: usize,
    ) -> Result<(Vec<Arc<Notification>>, u64, bool), StoreError> {
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION} FROM notifications n
             WHERE n.seq > ?1 AND n.seq <= ?2 AND instr(n.payload, ?3) > 0 ORDER BY n.seq"
        ))?;
        // Numbers have no gaps, save those that went from the front.
        let first = self.earliest()?.unwrap_or(1);
        let last = after.max(first.saturating_sub(1)) + looked_at as u64;
        let found =
            statement.query_and_then(params![after as i64, last as i64, text.as_bytes()], notification)?;
        Ok((collect(found)?, last, last < self.latest()?))
    }

    /// Rows of the audit log after one of them, at most `limit` that a filter wants. A page also ends after 10,000
    /// rows looked at; gives the row to go on after, and whether there is more.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn audit(
        &self,
        after: u64,
        limit: usize,
        filter: &AuditFilter,
    ) -> Result<(Vec<AuditRow>, u64, bool), StoreError> {
        let columns = audit::COLUMNS;
        let mut statement = self
            .conn()?
            .prepare_cached(&format!("SELECT {columns} FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?;
        let mut rows = statement.query(params![after as i64, SCAN_MAX as i64])?;
        let (mut found, mut next, mut seen) = (Vec::new(), after, 0);
        while let Some(row) = rows.next()? {
            if found.len() == limit {
                return Ok((found, next, true));
            }
            seen += 1;
            let row = AuditRow::read(row)?;
            next = row.seq;
            if filter.wants(&row.entry) {
                found.push(row);
            }
        }
        Ok((found, next, seen == SCAN_MAX))
    }

    /// The end of the audit log.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        audit::head(self.conn()?)
    }

    /// Inputs after one of them, up to and with another, in order.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn inputs_between(&self, after: u64, last: u64, limit: usize) -> Result<Vec<Input>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(
            "SELECT seq, at_ms, bytes FROM inputs WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
        )?;
        collect(statement.query_and_then(params![after as i64, last as i64, limit as i64], input)?)
    }

    /// Replies that are kept under idempotency keys and have this text in them.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn replies_with(&self, text: &str) -> Result<Vec<Reply>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(
            "SELECT scope, key, body FROM idempotency WHERE body IS NOT NULL AND instr(body, ?1) > 0",
        )?;
        collect(statement.query_and_then([text.as_bytes()], |row| {
            let body = Bytes::copy_from_slice(row.get_ref(2)?.as_blob()?);
            Ok::<_, rusqlite::Error>(Reply { scope: row.get(0)?, key: row.get(1)?, body })
        })?)
    }

    /// The last input that the newest snapshot has; `None` without one.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn snapshot_seq(&self) -> Result<Option<u64>, StoreError> {
        let seq: Option<i64> =
            self.conn()?.prepare_cached("SELECT max(seq) FROM snapshots")?.query_row([], |row| row.get(0))?;
        Ok(seq.map(|seq| seq as u64))
    }

    /// Deliveries of a subscription that wait, in order, after a cursor. A page also ends after 8 MB,
    /// so only an empty one is the end.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn pending(&self, subscription: u128, after: u64, limit: usize) -> Result<Vec<Pending>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION}, o.since_ms FROM outbox o JOIN notifications n ON n.seq = o.seq
             WHERE o.subscription = ?1 AND o.seq > ?2 ORDER BY o.seq LIMIT ?3"
        ))?;
        let mut rows = statement.query(params![subscription.to_be_bytes(), after as i64, limit as i64])?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while bytes < PAGE_BYTES
            && let Some(row) = rows.next()?
        {
            let row = pending(row)?;
            bytes += row.notification.payload.len();
            found.push(row);
        }
        Ok(found)
    }

    /// Those of these deliveries that wait, in the given order.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn pending_among(&self, subscription: u128, seqs: &[u64]) -> Result<Vec<Pending>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(&format!(
            "SELECT {NOTIFICATION}, o.since_ms FROM outbox o JOIN notifications n ON n.seq = o.seq
             WHERE o.subscription = ?1 AND o.seq = ?2"
        ))?;
        let mut found = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let key = params![subscription.to_be_bytes(), *seq as i64];
            found.extend(statement.query_row(key, pending).optional()?);
        }
        Ok(found)
    }

    /// How many deliveries of a subscription wait. Walks over them: for start-up and the API, not for a loop.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn pending_count(&self, subscription: u128) -> Result<u64, StoreError> {
        let count: i64 = self
            .conn()?
            .prepare_cached("SELECT count(*) FROM outbox WHERE subscription = ?1")?
            .query_row([subscription.to_be_bytes()], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// What was given up for a subscription, in order, after a cursor.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn dead_letters(
        &self,
        subscription: u128,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(
            "SELECT subscription, seq, id, contact, kind, at_ms, dead_ms, reason FROM dead_letters
             WHERE subscription = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let key = params![subscription.to_be_bytes(), after as i64, limit as i64];
        collect(statement.query_and_then(key, |row| {
            Ok::<_, rusqlite::Error>(DeadLetter {
                subscription: id(row.get(0)?),
                seq: row.get::<_, i64>(1)? as u64,
                id: id(row.get(2)?),
                contact: row.get::<_, Option<[u8; 16]>>(3)?.map(id),
                kind: row.get(4)?,
                at_ms: row.get(5)?,
                dead_ms: row.get(6)?,
                reason: row.get(7)?,
            })
        })?)
    }

    /// The last failed attempts of a subscription, newest first.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn attempts(&self, subscription: u128, limit: usize) -> Result<Vec<Attempt>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(
            "SELECT seq, at_ms, status, error FROM attempts WHERE subscription = ?1 ORDER BY n DESC LIMIT ?2",
        )?;
        let key = params![subscription.to_be_bytes(), limit as i64];
        collect(statement.query_and_then(key, |row| {
            Ok::<_, rusqlite::Error>(Attempt {
                subscription,
                seq: row.get::<_, i64>(0)? as u64,
                at_ms: row.get(1)?,
                status: row.get(2)?,
                error: row.get(3)?,
            })
        })?)
    }

    /// What is known of an idempotency key. The caller decides whether `at_ms` is too long ago to count.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn idempotency(&self, scope: &str, key: &str) -> Result<Option<KnownKey>, StoreError> {
        let mut statement = self.conn()?.prepare_cached(
            "SELECT fingerprint, command, at_ms, status, body FROM idempotency WHERE scope = ?1 AND key = ?2",
        )?;
        let known = statement.query_row([scope, key], |row| {
            let status: Option<u16> = row.get(3)?;
            let body: Option<Vec<u8>> = row.get(4)?;
            Ok(KnownKey {
                fingerprint: row.get(0)?,
                command: id(row.get(1)?),
                at_ms: row.get(2)?,
                reply: status.zip(body.map(Bytes::from)),
            })
        });
        Ok(known.optional()?)
    }

    /// All records of a table, by id.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn records(&self, table: &str) -> Result<Vec<Record>, StoreError> {
        let mut statement =
            self.conn()?.prepare_cached("SELECT id, json FROM records WHERE tab = ?1 ORDER BY id")?;
        collect(statement.query_and_then([table], |row| {
            Ok::<_, rusqlite::Error>(Record { id: row.get(0)?, json: row.get(1)? })
        })?)
    }

    /// One record.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn record(&self, table: &str, id: &str) -> Result<Option<String>, StoreError> {
        let mut statement =
            self.conn()?.prepare_cached("SELECT json FROM records WHERE tab = ?1 AND id = ?2")?;
        Ok(statement.query_row([table, id], |row| row.get(0)).optional()?)
    }

    /// The last complete snapshot.
    ///
    /// # Errors
    /// When the disk fails or a part is missing.
    pub fn snapshot(&self) -> Result<Option<Snapshot>, StoreError> {
        // Row and parts of one moment: a newer snapshot may take its place meanwhile.
        let tx = self.conn()?.unchecked_transaction()?;
        let found: Option<(i64, i64)> = tx
            .query_row("SELECT seq, parts FROM snapshots ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((seq, parts)) = found else { return Ok(None) };
        let mut statement = tx.prepare("SELECT bytes FROM snapshot_parts WHERE seq = ?1 ORDER BY part")?;
        let (mut bytes, mut count) = (Vec::new(), 0);
        let mut rows = statement.query([seq])?;
        while let Some(row) = rows.next()? {
            bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
            count += 1;
        }
        if count != parts {
            return Err(StoreError::Damaged {
                detail: format!("the snapshot after input {seq} has {count} parts of {parts}"),
            });
        }
        Ok(Some(Snapshot { seq: seq as u64, bytes: bytes.into() }))
    }

    /// Opens a journal to read only, beside a daemon that runs or without one. Blocks.
    ///
    /// # Errors
    /// When it cannot be opened, is something else, or was written by a release without what this one reads.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = schema::open_reader(path)?;
        schema::check_current(&conn, path)?;
        Ok(Self { conn: Some(conn), pool: Readers::new(path.to_owned()) })
    }

    /// Gives the facts of contacts that began in a period to `take`, by beginning, those after a cursor, until it
    /// breaks off. One consistent moment, however long it takes.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn each_fact(
        &self,
        period_ms: Range<i64>,
        after: Option<FactCursor>,
        take: impl FnMut(FactRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        facts::each(self.conn()?, period_ms, after, take)
    }

    /// The inputs after a number, one by one, read some hundreds at a time.
    #[must_use]
    pub fn inputs(self, after: u64) -> Inputs {
        Inputs { reader: self, after, page: VecDeque::new(), done: false }
    }

    pub(crate) fn conn(&self) -> Result<&Connection, StoreError> {
        self.conn.as_ref().ok_or(StoreError::Closed)
    }
}

/// See [`Reader::inputs`].
#[derive(Debug)]
pub struct Inputs {
    reader: Reader,
    after: u64,
    page: VecDeque<Input>,
    done: bool,
}

impl Inputs {
    fn fill(&mut self) -> Result<(), StoreError> {
        let mut statement = self
            .reader
            .conn()?
            .prepare_cached("SELECT seq, at_ms, bytes FROM inputs WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let mut rows = statement.query(params![self.after as i64, INPUTS_STEP])?;
        while let Some(row) = rows.next()? {
            let input = input(row)?;
            self.after = input.seq;
            self.page.push_back(input);
        }
        self.done = self.page.is_empty();
        Ok(())
    }
}

impl Iterator for Inputs {
    type Item = Result<Input, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.done
            && let Err(error) = self.fill()
        {
            self.done = true;
            return Some(Err(error));
        }
        self.page.pop_front().map(Ok)
    }
}

fn input(row: &Row<'_>) -> Result<Input, rusqlite::Error> {
    Ok(Input {
        seq: row.get::<_, i64>(0)? as u64,
        at_ms: row.get(1)?,
        bytes: Bytes::copy_from_slice(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?),
    })
}

fn notification(row: &Row<'_>) -> Result<Arc<Notification>, rusqlite::Error> {
    Ok(Arc::new(Notification {
        seq: row.get::<_, i64>(0)? as u64,
        input_seq: row.get::<_, i64>(1)? as u64,
        id: id(row.get(2)?),
        contact: row.get::<_, Option<[u8; 16]>>(3)?.map(id),
        contact_seq: row.get::<_, i64>(4)? as u64,
        kind: row.get::<_, String>(5)?.into(),
        at_ms: row.get(6)?,
        expires_ms: row.get(7)?,
        payload: Bytes::copy_from_slice(row.get_ref(8)?.as_blob()?),
        deliveries: Arc::default(),
    }))
}

fn pending(row: &Row<'_>) -> Result<Pending, rusqlite::Error> {
    Ok(Pending { notification: notification(row)?, since_ms: row.get(9)? })
}

pub(crate) fn id(bytes: [u8; 16]) -> u128 {
    u128::from_be_bytes(bytes)
}

fn collect<T>(rows: impl Iterator<Item = Result<T, rusqlite::Error>>) -> Result<Vec<T>, StoreError> {
    Ok(rows.collect::<Result<_, _>>()?)
}
