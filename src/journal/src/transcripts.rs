//! Reading transcripts. The reader for visitors and the one for agents are two types: the first has no way to what
//! agents say among themselves (rule 10).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::chats::ChatRecord;
use crate::error::StoreError;
use crate::reader::{Reader, Readers, id};

/// Bytes after which a page of messages ends.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What visitors see, and nothing else. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PublicChats(pub(crate) Arc<Readers>);

/// What agents see, and the records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct InternalChats(pub(crate) Arc<Readers>);

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPage<T> {
    /// In order.
    pub rows: Vec<T>,
    /// More can be read at once.
    pub more: bool,
}

/// A message of the public transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicRow {
    /// 1, 2, 3 … in the public transcript.
    pub seq: u64,
    /// The message's id.
    pub message: u128,
    /// When it was said.
    pub at_ms: i64,
    /// Whether it reached the visitor, in the engine's encoding.
    pub delivery: Bytes,
    /// The message in the engine's encoding.
    pub bytes: Bytes,
}

/// A message of the internal transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRow {
    /// The message's id.
    pub message: u128,
    /// When it was said.
    pub at_ms: i64,
    /// The message in the engine's encoding.
    pub bytes: Bytes,
}

/// A message as agents see it: both transcripts, in the order in which it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalRow {
    /// 1, 2, 3 … among all messages of the chat.
    pub ord: u64,
    /// Which of the two.
    pub said: Said,
}

/// A message of one of the two transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The visitor sees it.
    Public(PublicRow),
    /// He does not.
    Private(PrivateRow),
}

impl PublicChats {
    /// What the visitor sees of a chat, after one of its numbers.
    ///
    /// # Errors
    /// When the disk fails, or the runtime is shutting down.
    pub async fn page(
        &self,
        chat: u128,
        after_seq: u64,
        limit: usize,
    ) -> Result<ChatPage<PublicRow>, StoreError> {
        read(&self.0, move |conn| {
            let sql = "SELECT seq, message, at_ms, delivery, bytes FROM chat_public
                       WHERE chat = ?1 AND seq > ?2 ORDER BY seq";
            let mut statement = conn.prepare_cached(sql)?;
            let rows = statement.query(params![chat.to_be_bytes(), after_seq as i64])?;
            page(rows, limit, |row| {
                let row = public(row)?;
                Ok((row.bytes.len(), row))
            })
        })
        .await
    }
}

impl InternalChats {
    /// What agents see of a chat, after one of its numbers.
    ///
    /// # Errors
    /// When the disk fails, or the runtime is shutting down.
    pub async fn page(
        &self,
        chat: u128,
        after_ord: u64,
        limit: usize,
    ) -> Result<ChatPage<InternalRow>, StoreError> {
        read(&self.0, move |conn| {
            let sql = "SELECT seq, message, at_ms, delivery, bytes, ord FROM chat_public
                       WHERE chat = ?1 AND ord > ?2
                       UNION ALL SELECT NULL, message, at_ms, NULL, bytes, ord FROM chat_internal
                       WHERE chat = ?1 AND ord > ?2 ORDER BY ord";
            let mut statement = conn.prepare_cached(sql)?;
            let rows = statement.query(params![chat.to_be_bytes(), after_ord as i64])?;
            page(rows, limit, |row| {
                let ord = row.get::<_, i64>(5)? as u64;
                let bytes = blob(row, 4)?;
                let size = bytes.len();
                let said = if row.get_ref(0)? == rusqlite::types::ValueRef::Null {
                    Said::Private(PrivateRow { message: id(row.get(1)?), at_ms: row.get(2)?, bytes })
                } else {
                    Said::Public(public(row)?)
                };
                Ok((size, InternalRow { ord, said }))
            })
        })
        .await
    }

    /// The record of a chat that has ended.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn record(&self, chat: u128) -> Result<Option<ChatRecord>, StoreError> {
        read(&self.0, move |conn| {
            let sql = format!("SELECT {RECORD} FROM chat_records WHERE chat = ?1");
            Ok(conn.prepare_cached(&sql)?.query_row([chat.to_be_bytes()], record).optional()?)
        })
        .await
    }

    /// Chats that have ended and wait for their agent (O24), the oldest first.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn open_records(&self, limit: usize) -> Result<Vec<ChatRecord>, StoreError> {
        read(&self.0, move |conn| {
            let sql = format!("SELECT {RECORD} FROM chat_records WHERE open = 1 ORDER BY ended_ms LIMIT ?1");
            let mut statement = conn.prepare_cached(&sql)?;
            Ok(statement.query_map([limit as i64], record)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Chats that were opened in a period, by beginning, after a cursor (the last one's `opened_ms` and `chat`).
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn records(
        &self,
        opened_ms: Range<i64>,
        after: Option<(i64, u128)>,
        limit: usize,
    ) -> Result<Vec<ChatRecord>, StoreError> {
        let (from, chat) = match after {
            Some((at, chat)) if at >= opened_ms.start => (at, chat.to_be_bytes().to_vec()),
            // The empty key sorts before every chat.
            _ => (opened_ms.start, Vec::new()),
        };
        read(&self.0, move |conn| {
            let sql = format!(
                "SELECT {RECORD} FROM chat_records WHERE (opened_ms, chat) > (?1, ?2) AND opened_ms < ?3
                 ORDER BY opened_ms, chat LIMIT ?4"
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params![from, chat, opened_ms.end, limit as i64], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The chats of which anything is kept, of these contacts: for erasing.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn of_contacts(&self, contacts: Vec<u128>) -> Result<Vec<u128>, StoreError> {
        read(&self.0, move |conn| {
            let mut statement = conn.prepare_cached("SELECT chat FROM chat_contacts WHERE contact = ?1")?;
            let mut found = Vec::new();
            for contact in contacts {
                let rows = statement.query_map([contact.to_be_bytes()], |row| row.get(0).map(id))?;
                for chat in rows {
                    found.push(chat?);
                }
            }
            Ok(found)
        })
        .await
    }
}

impl Reader {
    /// Some chats that ended before a moment and wait for nobody, the oldest first.
    pub(crate) fn chats_ended_before(&self, before_ms: i64, limit: usize) -> Result<Vec<u128>, StoreError> {
        let sql = "SELECT chat FROM chat_records WHERE open = 0 AND ended_ms < ?1 ORDER BY ended_ms LIMIT ?2";
        let mut statement = self.conn()?.prepare_cached(sql)?;
        let rows = statement.query_map(params![before_ms, limit as i64], |row| row.get(0).map(id))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

const RECORD: &str = "chat, contact, queue, opened_ms, ended_ms, open, removed, bytes";

fn record(row: &Row<'_>) -> Result<ChatRecord, rusqlite::Error> {
    Ok(ChatRecord {
        chat: id(row.get(0)?),
        contact: id(row.get(1)?),
        queue: row.get(2)?,
        opened_ms: row.get(3)?,
        ended_ms: row.get(4)?,
        open: row.get(5)?,
        removed: row.get(6)?,
        bytes: blob(row, 7)?,
    })
}

fn public(row: &Row<'_>) -> Result<PublicRow, rusqlite::Error> {
    Ok(PublicRow {
        seq: row.get::<_, i64>(0)? as u64,
        message: id(row.get(1)?),
        at_ms: row.get(2)?,
        delivery: blob(row, 3)?,
        bytes: blob(row, 4)?,
    })
}

fn blob(row: &Row<'_>, at: usize) -> Result<Bytes, rusqlite::Error> {
    Ok(Bytes::copy_from_slice(row.get_ref(at)?.as_blob()?))
}

/// Rows until the limit, or until they are too many bytes; at least one.
fn page<T>(
    mut rows: rusqlite::Rows<'_>,
    limit: usize,
    take: impl Fn(&Row<'_>) -> Result<(usize, T), rusqlite::Error>,
) -> Result<ChatPage<T>, StoreError> {
    let mut page = ChatPage { rows: Vec::new(), more: false };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if page.rows.len() >= limit.max(1) || bytes >= PAGE_BYTES {
            page.more = true;
            break;
        }
        let (size, row) = take(row)?;
        bytes += size;
        page.rows.push(row);
    }
    Ok(page)
}

async fn read<T: Send + 'static>(
    readers: &Arc<Readers>,
    look: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let readers = Arc::clone(readers);
    let task = tokio::task::spawn_blocking(move || look(readers.take()?.conn()?));
    task.await.unwrap_or(Err(StoreError::Closed))
}
