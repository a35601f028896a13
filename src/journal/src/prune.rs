//! Retention: what is old goes, a little at a time, so that nobody waits for it.

use rusqlite::{OptionalExtension, params};

use crate::error::StoreError;
use crate::rows::{PruneBefore, Pruned};
use crate::writer::Tx;

/// Rows of one step: large prunes pushed the 99th percentile of appends from 25 to 74 ms and more.
const STEP: usize = 50;

/// Removes the oldest rows, from the front of the stream, so that what is kept has no holes. The last input and
/// the last notification always stay: the numbering goes on from them.
pub(crate) fn prune(tx: &mut Tx<'_>, before: PruneBefore) -> Result<Pruned, StoreError> {
    let mut done = Pruned::default();
    let mut left = STEP;
    notifications(tx, before, &mut left, &mut done)?;
    let snapshot: Option<i64> =
        tx.conn.prepare_cached("SELECT max(seq) FROM snapshots")?.query_row([], |row| row.get(0))?;
    let limit = snapshot.unwrap_or(0).min((tx.tail.input as i64).saturating_sub(1));
    done.inputs = tx
        .conn
        .prepare_cached(
            "DELETE FROM inputs WHERE seq IN
             (SELECT seq FROM (SELECT seq, at_ms FROM inputs WHERE seq <= ?1 ORDER BY seq LIMIT ?3)
              WHERE at_ms < ?2)",
        )?
        .execute(params![limit, before.rows_ms, left as i64])?;
    left -= done.inputs.min(left);
    done.idempotency = tx
        .conn
        .prepare_cached(
            "DELETE FROM idempotency WHERE (scope, key) IN
             (SELECT scope, key FROM idempotency WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
        )?
        .execute(params![before.idempotency_ms, left as i64])?;
    left -= done.idempotency.min(left);
    done.more = left == 0;
    Ok(done)
}

fn notifications(
    tx: &mut Tx<'_>,
    before: PruneBefore,
    left: &mut usize,
    done: &mut Pruned,
) -> Result<(), StoreError> {
    // The newest of the oldest rows that are all past their time. Times may step back: stop at the first one kept.
    let mut last = None;
    {
        let mut oldest = tx
            .conn
            .prepare_cached("SELECT seq, at_ms FROM notifications WHERE seq < ?1 ORDER BY seq LIMIT ?2")?;
        let mut rows = oldest.query(params![tx.tail.notification as i64, *left as i64])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? >= before.rows_ms {
                break;
            }
            last = Some(row.get::<_, i64>(0)?);
        }
    }
    let Some(last) = last else { return Ok(()) };
    done.notifications =
        tx.conn.prepare_cached("DELETE FROM notifications WHERE seq <= ?1")?.execute([last])?;
    tx.conn.prepare_cached("DELETE FROM dead_letters WHERE seq <= ?1")?.execute([last])?;
    *left -= done.notifications.min(*left);
    tx.tail.first_notification = last as u64 + 1;
    // From subscription to subscription by key: the empty blob sorts before every id.
    let mut subscription: Vec<u8> = Vec::new();
    let mut next = tx.conn.prepare_cached(
        "SELECT subscription FROM outbox WHERE subscription > ?1 ORDER BY subscription LIMIT 1",
    )?;
    let mut remove = tx.conn.prepare_cached("DELETE FROM outbox WHERE subscription = ?1 AND seq <= ?2")?;
    while let Some(found) = next.query_row([&subscription], |row| row.get(0)).optional()? {
        subscription = found;
        done.undelivered += remove.execute(params![subscription, last])?;
    }
    Ok(())
}
