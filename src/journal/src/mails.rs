//! Mails that wait to be sent (C15). A row is made with the input that asks for it and goes when the mail is taken.

use bytes::Bytes;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::StoreError;
use crate::reader::{Reader, id};
use crate::store::Store;
use crate::writer::{Answer, Tx, Urgency};

/// Mails of one step of removing.
const STEP: usize = 50;

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: u128,
    /// When it was asked for.
    pub at_ms: i64,
    /// What is in it, in the engine's encoding.
    pub bytes: Bytes,
}

/// A mail that waits, or was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// The mail.
    pub mail: Mail,
    /// When it is to be tried.
    pub due_ms: i64,
    /// Tries that failed.
    pub attempts: u32,
    /// Why the last one did; empty before the first.
    pub error: String,
    /// It was given up: nobody tries it again until somebody asks for it.
    pub dead: bool,
}

/// How many mails there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailCounts {
    /// Those that wait.
    pub waiting: u64,
    /// Those that were given up.
    pub dead: u64,
    /// When the oldest of those that wait was asked for.
    pub oldest_ms: Option<i64>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailSettled {
    /// The server took it.
    Sent,
    /// It did not; try again.
    Failed {
        /// When.
        due_ms: i64,
        /// What went wrong.
        error: String,
    },
    /// It is given up.
    Dead {
        /// What went wrong.
        error: String,
    },
}

pub(crate) fn put(tx: &Tx<'_>, mails: &[Mail]) -> Result<(), StoreError> {
    for mail in mails {
        let sql = "INSERT OR IGNORE INTO mails (id, at_ms, due_ms, attempts, error, dead, bytes)
                   VALUES (?1, ?2, ?2, 0, '', 0, ?3)";
        let row = params![mail.id.to_be_bytes(), mail.at_ms, &mail.bytes[..]];
        tx.conn.prepare_cached(sql)?.execute(row)?;
    }
    Ok(())
}

impl Store {
    /// Records what became of a try.
    pub fn settle_mail(&self, mail: u128, settled: MailSettled) -> Answer<()> {
        let key = mail.to_be_bytes();
        self.submit(Urgency::Now, move |tx| {
            match &settled {
                MailSettled::Sent => {
                    tx.conn.prepare_cached("DELETE FROM mails WHERE id = ?1")?.execute([key])?;
                }
                MailSettled::Failed { due_ms, error } => {
                    let sql =
                        "UPDATE mails SET attempts = attempts + 1, due_ms = ?2, error = ?3 WHERE id = ?1";
                    tx.conn.prepare_cached(sql)?.execute(params![key, due_ms, error])?;
                }
                MailSettled::Dead { error } => {
                    let sql = "UPDATE mails SET attempts = attempts + 1, dead = 1, error = ?2 WHERE id = ?1";
                    tx.conn.prepare_cached(sql)?.execute(params![key, error])?;
                }
            }
            Ok(())
        })
    }

    /// Tries mails again that were given up: their time begins anew. How many.
    pub fn redrive_mails(&self, now_ms: i64) -> Answer<usize> {
        self.submit(Urgency::Now, move |tx| {
            let sql = "UPDATE mails SET dead = 0, attempts = 0, due_ms = ?1, at_ms = ?1 WHERE dead = 1";
            Ok(tx.conn.prepare_cached(sql)?.execute([now_ms])?)
        })
    }

    /// The same for one mail; one that waits is due at once. The mail as it is then, if there is one.
    pub fn redrive_mail(&self, mail: u128, now_ms: i64) -> Answer<Option<MailRow>> {
        self.submit(Urgency::Now, move |tx| {
            let sql = "UPDATE mails SET dead = 0, due_ms = ?2, attempts = iif(dead, 0, attempts),
                       at_ms = iif(dead, ?2, at_ms) WHERE id = ?1
                       RETURNING id, at_ms, bytes, due_ms, attempts, error, dead";
            let key = mail.to_be_bytes();
            Ok(tx.conn.prepare_cached(sql)?.query_row(params![key, now_ms], row_of).optional()?)
        })
    }

    /// One step (at most 50) of removing mails that were given up and asked for before a moment; how many went.
    pub fn remove_mails(&self, before_ms: i64) -> Answer<usize> {
        self.submit(Urgency::Soon, move |tx| {
            let sql = "DELETE FROM mails WHERE id IN
                       (SELECT id FROM mails WHERE dead = 1 AND at_ms < ?1 LIMIT ?2)";
            Ok(tx.conn.prepare_cached(sql)?.execute(params![before_ms, STEP as i64])?)
        })
    }
}

impl Reader {
    /// Mails that wait, those that are due first in front.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn mails(&self, limit: usize) -> Result<Vec<MailRow>, StoreError> {
        self.mails_where(false, limit)
    }

    /// All of them, those that wait and those that were given up, by their ids: those after one.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn all_mails(&self, after: u128, limit: usize) -> Result<Vec<MailRow>, StoreError> {
        let sql = "SELECT id, at_ms, bytes, due_ms, attempts, error, dead FROM mails WHERE id > ?1
                   ORDER BY id LIMIT ?2";
        let mut statement = self.conn()?.prepare_cached(sql)?;
        Ok(statement
            .query_map(params![after.to_be_bytes(), limit as i64], row_of)?
            .collect::<Result<_, _>>()?)
    }

    /// Mails that were given up.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn dead_mails(&self, limit: usize) -> Result<Vec<MailRow>, StoreError> {
        self.mails_where(true, limit)
    }

    /// How many there are.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn mail_counts(&self) -> Result<MailCounts, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE dead = 0), count(*) FILTER (WHERE dead = 1),
                   min(at_ms) FILTER (WHERE dead = 0) FROM mails";
        let counts = self.conn()?.prepare_cached(sql)?.query_row([], |row| {
            Ok(MailCounts {
                waiting: row.get::<_, i64>(0)? as u64,
                dead: row.get::<_, i64>(1)? as u64,
                oldest_ms: row.get(2)?,
            })
        });
        Ok(counts?)
    }

    fn mails_where(&self, dead: bool, limit: usize) -> Result<Vec<MailRow>, StoreError> {
        let sql = "SELECT id, at_ms, bytes, due_ms, attempts, error, dead FROM mails WHERE dead = ?1
                   ORDER BY due_ms, id LIMIT ?2";
        let mut statement = self.conn()?.prepare_cached(sql)?;
        Ok(statement.query_map(params![dead, limit as i64], row_of)?.collect::<Result<_, _>>()?)
    }
}

fn row_of(row: &Row<'_>) -> Result<MailRow, rusqlite::Error> {
    let bytes: Vec<u8> = row.get(2)?;
    Ok(MailRow {
        mail: Mail { id: id(row.get(0)?), at_ms: row.get(1)?, bytes: bytes.into() },
        due_ms: row.get(3)?,
        attempts: row.get(4)?,
        error: row.get(5)?,
        dead: row.get(6)?,
    })
}
