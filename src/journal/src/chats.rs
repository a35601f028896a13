//! Chats: what was said, in two places, and the record of each chat.
//!
//! `chat_public` is what visitors see, `chat_internal` what agents say among themselves (W08). Rows go in with the input
//! that they belong to (O14). What leads from a contact to his chats is `chat_contacts`: a chat has its record only once
//! it has ended.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{OptionalExtension, params};

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::{Tx, Urgency};

/// Rows of one step of erasing or removing: as few as a step of pruning.
const STEP: usize = 50;

/// One thing that is written of a chat, in the transaction of its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatRow {
    /// A row of the public transcript.
    Public {
        /// Of which chat.
        chat: u128,
        /// Of which contact.
        contact: Option<u128>,
        /// 1, 2, 3 … in the public transcript.
        seq: u64,
        /// 1, 2, 3 … among all messages of the chat.
        ord: u64,
        /// The message's id.
        message: u128,
        /// When it was said.
        at_ms: i64,
        /// Whether it reached the visitor, in the engine's encoding.
        delivery: Bytes,
        /// The message in the engine's encoding.
        bytes: Bytes,
    },
    /// A row of the internal transcript.
    Internal {
        /// Of which chat.
        chat: u128,
        /// Of which contact.
        contact: Option<u128>,
        /// As above.
        ord: u64,
        /// The message's id.
        message: u128,
        /// When it was said.
        at_ms: i64,
        /// The message in the engine's encoding.
        bytes: Bytes,
    },
    /// Whether a message of the public transcript reached the visitor.
    Delivery {
        /// Of which chat.
        chat: u128,
        /// Which message.
        message: u128,
        /// Whether, in the engine's encoding.
        delivery: Bytes,
    },
    /// The chat's record; takes the place of the one before.
    Record(ChatRecord),
}

/// The record of a chat that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRecord {
    /// Which chat.
    pub chat: u128,
    /// Of which contact.
    pub contact: u128,
    /// In which queue.
    pub queue: String,
    /// When it was opened.
    pub opened_ms: i64,
    /// When the talking ended.
    pub ended_ms: i64,
    /// It waits for its agent still: neither archived nor taken out (O24).
    pub open: bool,
    /// It was taken out, softly: who may not manage chats does not see it.
    pub removed: bool,
    /// The chat in the engine's encoding.
    pub bytes: Bytes,
}

/// What kind of row [`EraseWords`] is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatBytes {
    /// A message of the public transcript.
    Public,
    /// A message of the internal transcript.
    Internal,
    /// Whether a message reached the visitor.
    Delivery,
    /// A record.
    Record,
}

/// What takes words and persons out of a row; gives the bytes to keep, or none where it can make nothing of them: then
/// the row goes.
pub type EraseWords = Arc<dyn Fn(ChatBytes, &[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// What was erased or removed of chats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChatsGone {
    /// Chats.
    pub chats: u64,
    /// Messages, public and internal.
    pub messages: u64,
    /// Files with their contents.
    pub files: u64,
}

pub(crate) fn put(tx: &Tx<'_>, rows: &[ChatRow]) -> Result<(), StoreError> {
    for row in rows {
        match row {
            ChatRow::Public { chat, contact, seq, ord, message, at_ms, delivery, bytes } => {
                belongs(tx, *chat, *contact)?;
                let sql = "INSERT INTO chat_public (chat, seq, message, ord, at_ms, delivery, bytes)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
                let new = tx.conn.prepare_cached(sql)?.execute(params![
                    chat.to_be_bytes(),
                    *seq as i64,
                    message.to_be_bytes(),
                    *ord as i64,
                    at_ms,
                    &delivery[..],
                    &bytes[..]
                ])?;
                told_twice(new, "public", *chat, *seq);
            }
            ChatRow::Internal { chat, contact, ord, message, at_ms, bytes } => {
                belongs(tx, *chat, *contact)?;
                let sql = "INSERT INTO chat_internal (chat, ord, message, at_ms, bytes)
                           VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
                let new = tx.conn.prepare_cached(sql)?.execute(params![
                    chat.to_be_bytes(),
                    *ord as i64,
                    message.to_be_bytes(),
                    at_ms,
                    &bytes[..]
                ])?;
                told_twice(new, "internal", *chat, *ord);
            }
            ChatRow::Delivery { chat, message, delivery } => {
                // One that was erased or removed meanwhile is not there: nothing to keep.
                let sql = "UPDATE chat_public SET delivery = ?3 WHERE chat = ?1 AND message = ?2";
                let key = params![chat.to_be_bytes(), message.to_be_bytes(), &delivery[..]];
                tx.conn.prepare_cached(sql)?.execute(key)?;
            }
            ChatRow::Record(record) => {
                belongs(tx, record.chat, Some(record.contact))?;
                let sql = "INSERT OR REPLACE INTO chat_records
                           (chat, contact, queue, opened_ms, ended_ms, open, removed, bytes)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
                tx.conn.prepare_cached(sql)?.execute(params![
                    record.chat.to_be_bytes(),
                    record.contact.to_be_bytes(),
                    record.queue,
                    record.opened_ms,
                    record.ended_ms,
                    record.open,
                    record.removed,
                    &record.bytes[..]
                ])?;
            }
        }
    }
    Ok(())
}

/// A number that is given twice is a fault of ours. The first one stays, and the house goes on: a batch that is refused
/// is offered again for ever.
fn told_twice(new: usize, place: &str, chat: u128, number: u64) {
    if new == 0 {
        let chat = format!("{chat:032x}");
        tracing::error!(
            place,
            chat,
            number,
            "a message was to be written in the place of another, and was not"
        );
    }
}

fn belongs(tx: &Tx<'_>, chat: u128, contact: Option<u128>) -> Result<(), StoreError> {
    let Some(contact) = contact else { return Ok(()) };
    let sql = "INSERT OR IGNORE INTO chat_contacts (contact, chat) VALUES (?1, ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![contact.to_be_bytes(), chat.to_be_bytes()])?;
    Ok(())
}

impl Store {
    /// Takes words and persons out of everything that is kept of these chats, and removes their files. What happened
    /// stays: when, in which order, by whom of ours. Goes in steps; whoever is interrupted asks again. The bytes are in
    /// no file any more after [`Store::empty_log`].
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn erase_chats(&self, chats: &[u128], words: EraseWords) -> Result<ChatsGone, StoreError> {
        let mut gone = ChatsGone::default();
        for chat in chats.iter().copied() {
            gone.chats += 1;
            gone.files += self.files().remove_of(chat).await?;
            for column in COLUMNS {
                let mut after = Some(0);
                while let Some(from) = after {
                    let words = Arc::clone(&words);
                    let step = move |tx: &mut Tx<'_>| erase_step(tx, column, chat, from, &*words);
                    let (changed, last) = self.submit(Urgency::Soon, step).await?;
                    gone.messages += changed;
                    after = last;
                }
            }
            let words = Arc::clone(&words);
            self.submit(Urgency::Soon, move |tx| erase_record(tx, chat, &*words)).await?;
        }
        Ok(gone)
    }

    /// Removes chats that ended before a moment, those that wait for their agent left out: messages, files, and last the
    /// record, which leads to the rest. At most `limit` chats; call it again while it removes some.
    ///
    /// # Errors
    /// When the disk fails; call it again.
    pub async fn remove_chats(&self, before_ms: i64, limit: usize) -> Result<ChatsGone, StoreError> {
        let mut gone = ChatsGone::default();
        for chat in self.read(move |reader| reader.chats_ended_before(before_ms, limit)).await? {
            gone.files += self.files().remove_of(chat).await?;
            for sql in [REMOVE_PUBLIC, REMOVE_INTERNAL] {
                loop {
                    let step = move |tx: &mut Tx<'_>| {
                        Ok(tx.conn.prepare_cached(sql)?.execute(params![chat.to_be_bytes(), STEP as i64])?)
                    };
                    let some = self.submit(Urgency::Soon, step).await?;
                    gone.messages += some as u64;
                    if some < STEP {
                        break;
                    }
                }
            }
            let last = move |tx: &mut Tx<'_>| {
                let key = chat.to_be_bytes();
                let sql = "DELETE FROM chat_contacts WHERE chat = ?1
                           AND contact = (SELECT contact FROM chat_records WHERE chat = ?1)";
                tx.conn.prepare_cached(sql)?.execute([key])?;
                Ok(tx.conn.prepare_cached("DELETE FROM chat_records WHERE chat = ?1")?.execute([key])?)
            };
            gone.chats += self.submit(Urgency::Soon, last).await? as u64;
        }
        Ok(gone)
    }
}

const REMOVE_PUBLIC: &str = "DELETE FROM chat_public WHERE (chat, seq) IN
     (SELECT chat, seq FROM chat_public WHERE chat = ?1 LIMIT ?2)";
const REMOVE_INTERNAL: &str = "DELETE FROM chat_internal WHERE (chat, ord) IN
     (SELECT chat, ord FROM chat_internal WHERE chat = ?1 LIMIT ?2)";

type Words = dyn Fn(ChatBytes, &[u8]) -> Option<Vec<u8>> + Send + Sync;

/// A column with words in it.
#[derive(Debug, Clone, Copy)]
struct Column {
    kind: ChatBytes,
    table: &'static str,
    key: &'static str,
    name: &'static str,
}

const COLUMNS: [Column; 3] = [
    Column { kind: ChatBytes::Public, table: "chat_public", key: "seq", name: "bytes" },
    Column { kind: ChatBytes::Delivery, table: "chat_public", key: "seq", name: "delivery" },
    Column { kind: ChatBytes::Internal, table: "chat_internal", key: "ord", name: "bytes" },
];

/// Erases some messages of a chat; how many were changed, and the last one that was looked at.
fn erase_step(
    tx: &Tx<'_>,
    Column { kind, table, key, name }: Column,
    chat: u128,
    after: i64,
    words: &Words,
) -> Result<(u64, Option<i64>), StoreError> {
    let sql = format!(
        "SELECT {key}, {name} FROM {table} WHERE chat = ?1 AND {key} > ?2 ORDER BY {key} LIMIT {STEP}"
    );
    let mut some = tx.conn.prepare_cached(&sql)?;
    let found = some.query_map(params![chat.to_be_bytes(), after], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let mut changed = 0;
    for (number, bytes) in &found {
        changed += match words(kind, bytes) {
            Some(erased) if erased == *bytes => 0,
            Some(erased) => {
                let sql = format!("UPDATE {table} SET {name} = ?3 WHERE chat = ?1 AND {key} = ?2");
                tx.conn.prepare_cached(&sql)?.execute(params![chat.to_be_bytes(), number, erased])?
            }
            None => {
                let sql = format!("DELETE FROM {table} WHERE chat = ?1 AND {key} = ?2");
                tx.conn.prepare_cached(&sql)?.execute(params![chat.to_be_bytes(), number])?
            }
        } as u64;
    }
    Ok((changed, found.last().map(|(number, _)| *number)))
}

fn erase_record(tx: &Tx<'_>, chat: u128, words: &Words) -> Result<(), StoreError> {
    let key = chat.to_be_bytes();
    let sql = "SELECT bytes FROM chat_records WHERE chat = ?1";
    let found: Option<Vec<u8>> =
        tx.conn.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
    let Some(bytes) = found else { return Ok(()) };
    match words(ChatBytes::Record, &bytes) {
        Some(erased) => {
            let sql = "UPDATE chat_records SET bytes = ?2 WHERE chat = ?1";
            tx.conn.prepare_cached(sql)?.execute(params![key, erased])?;
        }
        None => {
            tx.conn.prepare_cached("DELETE FROM chat_records WHERE chat = ?1")?.execute([key])?;
        }
    }
    Ok(())
}
