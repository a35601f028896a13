//! A batch into the tables.

use rusqlite::params;

use crate::audit;
use crate::chats;
use crate::error::StoreError;
use crate::facts;
use crate::mails;
use crate::rows::{Batch, Finished, Idempotency, Input, Notification};
use crate::writer::Tx;
use std::sync::Arc;

/// Inserts a batch. Numbers are checked here, so that a submission that failed cannot leave a gap:
/// those after it fail too until it was offered again.
pub(crate) fn append(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), StoreError> {
    inputs(tx, &batch.inputs)?;
    notifications(tx, &batch.notifications)?;
    idempotency(tx, &batch.idempotency)?;
    finished(tx, &batch.finished)?;
    facts::put(tx, &batch.facts)?;
    chats::put(tx, &batch.chat)?;
    mails::put(tx, &batch.mails)?;
    audit::append(tx, &batch.audit)
}

fn inputs(tx: &mut Tx<'_>, rows: &[Input]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert = tx.conn.prepare_cached("INSERT INTO inputs (seq, at_ms, bytes) VALUES (?1, ?2, ?3)")?;
    for row in rows {
        follow("input", &mut tx.tail.input, row.seq)?;
        insert.execute(params![row.seq as i64, row.at_ms, &row.bytes[..]])?;
    }
    Ok(())
}

fn notifications(tx: &mut Tx<'_>, rows: &[Arc<Notification>]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO notifications (seq, input_seq, id, contact, contact_seq, kind, at_ms, expires_ms, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut deliver =
        tx.conn.prepare_cached("INSERT INTO outbox (subscription, seq, since_ms) VALUES (?1, ?2, ?3)")?;
    for row in rows {
        follow("notification", &mut tx.tail.notification, row.seq)?;
        let seq = row.seq as i64;
        insert.execute(params![
            seq,
            row.input_seq as i64,
            row.id.to_be_bytes(),
            row.contact.map(u128::to_be_bytes),
            row.contact_seq as i64,
            row.kind,
            row.at_ms,
            row.expires_ms,
            &row.payload[..]
        ])?;
        for subscription in row.deliveries.iter() {
            deliver.execute(params![subscription.to_be_bytes(), seq, row.at_ms])?;
        }
    }
    Ok(())
}

fn idempotency(tx: &Tx<'_>, rows: &[Idempotency]) -> Result<(), StoreError> {
    for row in rows {
        tx.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO idempotency (scope, key, fingerprint, command, at_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![row.scope, row.key, row.fingerprint, row.command.to_be_bytes(), row.at_ms])?;
    }
    Ok(())
}

/// A reply to a key that was pruned meanwhile (the command ran for more than a day) has no row: nothing to keep.
fn finished(tx: &Tx<'_>, rows: &[Finished]) -> Result<(), StoreError> {
    for row in rows {
        tx.conn
            .prepare_cached("UPDATE idempotency SET status = ?3, body = ?4 WHERE scope = ?1 AND key = ?2")?
            .execute(params![row.scope, row.key, row.status, &row.body[..]])?;
    }
    Ok(())
}

fn follow(what: &'static str, last: &mut u64, got: u64) -> Result<(), StoreError> {
    let expected = *last + 1;
    if got != expected {
        return Err(StoreError::OutOfOrder { what, expected, got });
    }
    *last = got;
    Ok(())
}
