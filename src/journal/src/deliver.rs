//! The outbox's rows: one for each delivery that waits, removed when it is settled.

use rusqlite::{OptionalExtension, params};

use crate::error::StoreError;
use crate::rows::{Attempt, Redrive};
use crate::writer::Tx;

/// Failed attempts that are kept over all subscriptions, the newest.
const ATTEMPTS_MAX: i64 = 10_000;

/// Rows that one step of a redrive or of a removal moves: well below what a commit's latency shows.
pub(crate) const STEP: usize = 500;

/// What became of deliveries of one subscription since the last time.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// The subscription.
    pub subscription: u128,
    /// When.
    pub at_ms: i64,
    /// Cursors of what was delivered.
    pub delivered: Vec<u64>,
    /// Cursors of what was given up, with the reason.
    pub dead: Vec<(u64, String)>,
    /// Attempts that failed.
    pub attempts: Vec<Attempt>,
}

impl Settled {
    /// Nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.dead.is_empty() && self.attempts.is_empty()
    }
}

pub(crate) fn settle(tx: &Tx<'_>, settled: &Settled) -> Result<(), StoreError> {
    let subscription = settled.subscription.to_be_bytes();
    let mut remove = tx.conn.prepare_cached("DELETE FROM outbox WHERE subscription = ?1 AND seq = ?2")?;
    for seq in &settled.delivered {
        remove.execute(params![subscription, *seq as i64])?;
    }
    for (seq, reason) in &settled.dead {
        remove.execute(params![subscription, *seq as i64])?;
        tx.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO dead_letters (subscription, seq, id, contact, kind, at_ms, dead_ms, reason)
                 SELECT ?1, seq, id, contact, kind, at_ms, ?3, ?4 FROM notifications WHERE seq = ?2",
            )?
            .execute(params![subscription, *seq as i64, settled.at_ms, reason])?;
    }
    if settled.attempts.is_empty() {
        return Ok(());
    }
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO attempts (subscription, seq, at_ms, status, error) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for row in &settled.attempts {
        insert.execute(params![
            row.subscription.to_be_bytes(),
            row.seq as i64,
            row.at_ms,
            row.status,
            row.error
        ])?;
    }
    tx.conn
        .prepare_cached("DELETE FROM attempts WHERE n <= (SELECT max(n) FROM attempts) - ?1")?
        .execute([ATTEMPTS_MAX])?;
    Ok(())
}

/// Moves up to [`STEP`] dead letters back; their cursors.
pub(crate) fn redrive(
    tx: &Tx<'_>,
    subscription: u128,
    which: &Redrive,
    now_ms: i64,
) -> Result<Vec<u64>, StoreError> {
    let key = subscription.to_be_bytes();
    let mut seqs: Vec<i64> = Vec::new();
    match which {
        Redrive::Ids(ids) => {
            let mut find =
                tx.conn.prepare_cached("SELECT seq FROM dead_letters WHERE id = ?1 AND subscription = ?2")?;
            for id in ids {
                seqs.extend(
                    find.query_row(params![id.to_be_bytes(), key], |row| row.get::<_, i64>(0)).optional()?,
                );
            }
            seqs.sort_unstable();
            seqs.dedup();
        }
        Redrive::Period { from_ms, to_ms } => {
            let mut find = tx.conn.prepare_cached(
                "SELECT seq FROM dead_letters WHERE subscription = ?1 AND at_ms >= ?2 AND at_ms < ?3
                 ORDER BY seq LIMIT ?4",
            )?;
            for seq in find.query_map(params![key, from_ms, to_ms, STEP as i64], |row| row.get(0))? {
                seqs.push(seq?);
            }
        }
    }
    for seq in &seqs {
        tx.conn
            .prepare_cached("INSERT OR IGNORE INTO outbox (subscription, seq, since_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![key, seq, now_ms])?;
        tx.conn
            .prepare_cached("DELETE FROM dead_letters WHERE subscription = ?1 AND seq = ?2")?
            .execute(params![key, seq])?;
    }
    Ok(seqs.into_iter().map(|seq| seq as u64).collect())
}

/// Removes up to [`STEP`] rows of each kind of a subscription that is no more; how many.
pub(crate) fn forget(tx: &Tx<'_>, subscription: u128) -> Result<usize, StoreError> {
    let key = subscription.to_be_bytes();
    let mut removed = 0;
    for table in ["outbox", "dead_letters"] {
        removed += tx
            .conn
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE subscription = ?1 AND seq IN
                 (SELECT seq FROM {table} WHERE subscription = ?1 ORDER BY seq LIMIT ?2)"
            ))?
            .execute(params![key, STEP as i64])?;
    }
    removed += tx
        .conn
        .prepare_cached(
            "DELETE FROM attempts WHERE n IN (SELECT n FROM attempts WHERE subscription = ?1 LIMIT ?2)",
        )?
        .execute(params![key, STEP as i64])?;
    Ok(removed)
}
