//! Facts: what each contact came to, for the reports. One row a contact, kept apart from the inputs and longer.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use rusqlite::params;

use crate::error::StoreError;
use crate::rows::Fact;
use crate::writer::Tx;

/// Rows of one step of anonymising or removing: as few as a step of pruning.
const STEP: usize = 50;

/// What takes the agents out of a fact; gives the bytes to keep, or none where it can make nothing of them.
pub type Anonymise = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A fact as a reader meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactRow<'a> {
    /// The contact.
    pub contact: u128,
    /// When it began.
    pub received_ms: i64,
    /// Its agents were taken out.
    pub anonymised: bool,
    /// The fact in the engine's encoding.
    pub bytes: &'a [u8],
}

/// Where to go on after a page of facts: they come by beginning, and among equals by contact.
pub type FactCursor = (i64, u128);

/// Puts facts in the place of those of the same contacts.
pub(crate) fn put(tx: &Tx<'_>, rows: &[Fact]) -> Result<(), StoreError> {
    for row in rows {
        tx.conn
            .prepare_cached(
                "INSERT INTO facts (received_ms, contact, anonymised, bytes) VALUES (?1, ?2, 0, ?3)
                 ON CONFLICT (received_ms, contact) DO UPDATE SET anonymised = 0, bytes = excluded.bytes",
            )?
            .execute(params![row.received_ms, row.contact.to_be_bytes(), &row.bytes[..]])?;
    }
    Ok(())
}

/// One step of taking the agents out of what began before a moment; how many rows it looked at.
pub(crate) fn anonymise(
    tx: &Tx<'_>,
    before_ms: i64,
    rewrite: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<usize, StoreError> {
    let mut oldest = tx.conn.prepare_cached(
        "SELECT received_ms, contact, bytes FROM facts WHERE anonymised = 0 AND received_ms < ?1
         ORDER BY received_ms LIMIT ?2",
    )?;
    let found = oldest.query_map(params![before_ms, STEP as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?, row.get::<_, Vec<u8>>(2)?))
    })?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let mut keep = tx.conn.prepare_cached(
        "UPDATE facts SET anonymised = 1, bytes = ?3 WHERE received_ms = ?1 AND contact = ?2",
    )?;
    for (received_ms, contact, bytes) in &found {
        let Some(bytes) = rewrite(bytes) else {
            let contact = u128::from_be_bytes(*contact);
            return Err(StoreError::Damaged {
                detail: format!(
                    "the fact of contact {contact:032x} cannot be read, so nobody can be taken out of it"
                ),
            });
        };
        keep.execute(params![received_ms, contact, bytes])?;
    }
    Ok(found.len())
}

/// One step of removing what began before a moment; how many rows went.
pub(crate) fn remove(tx: &Tx<'_>, before_ms: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM facts WHERE (received_ms, contact) IN
               (SELECT received_ms, contact FROM facts WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2)";
    Ok(tx.conn.prepare_cached(sql)?.execute(params![before_ms, STEP as i64])?)
}

/// The facts of contacts that began in a period, in order, after a cursor.
pub(crate) fn each(
    conn: &rusqlite::Connection,
    period_ms: Range<i64>,
    after: Option<FactCursor>,
    mut take: impl FnMut(FactRow<'_>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    // The row of the cursor itself is not given again; the empty key sorts before every contact.
    let (from, contact) = match after {
        Some((received_ms, contact)) if received_ms >= period_ms.start => {
            (received_ms, contact.to_be_bytes().to_vec())
        }
        _ => (period_ms.start, Vec::new()),
    };
    let mut statement = conn.prepare_cached(
        "SELECT received_ms, contact, anonymised, bytes FROM facts
         WHERE (received_ms, contact) > (?1, ?2) AND received_ms < ?3 ORDER BY received_ms, contact",
    )?;
    let mut rows = statement.query(params![from, contact, period_ms.end])?;
    while let Some(row) = rows.next()? {
        let row = FactRow {
            received_ms: row.get(0)?,
            contact: u128::from_be_bytes(row.get(1)?),
            anonymised: row.get(2)?,
            bytes: row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?,
        };
        if take(row).is_break() {
            break;
        }
    }
    Ok(())
}
