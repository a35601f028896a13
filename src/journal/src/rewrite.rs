//! Replacing contents: when personal data was taken away from what is kept.

use bytes::Bytes;
use rusqlite::params;

use crate::error::StoreError;
use crate::writer::Tx;

/// Contents in the place of others.
#[derive(Debug, Clone, Default)]
pub struct Rewrite {
    /// Notifications by cursor, with their new payload.
    pub notifications: Vec<(u64, Bytes)>,
    /// Inputs by number, with their new bytes. Only such that a snapshot has: nobody replays them.
    pub inputs: Vec<(u64, Bytes)>,
    /// Replies that are kept under idempotency keys.
    pub replies: Vec<Reply>,
}

/// A reply that is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whose key it is.
    pub scope: String,
    /// The key.
    pub key: String,
    /// The body of the reply.
    pub body: Bytes,
}

impl Rewrite {
    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notifications.is_empty() && self.inputs.is_empty() && self.replies.is_empty()
    }
}

pub(crate) fn rewrite(tx: &Tx<'_>, rewrite: &Rewrite) -> Result<usize, StoreError> {
    let mut changed = 0;
    for (seq, payload) in &rewrite.notifications {
        changed += tx
            .conn
            .prepare_cached("UPDATE notifications SET payload = ?2 WHERE seq = ?1")?
            .execute(params![*seq as i64, &payload[..]])?;
    }
    for (seq, bytes) in &rewrite.inputs {
        changed += tx
            .conn
            .prepare_cached(
                "UPDATE inputs SET bytes = ?2 WHERE seq = ?1 AND seq <= (SELECT max(seq) FROM snapshots)",
            )?
            .execute(params![*seq as i64, &bytes[..]])?;
    }
    for reply in &rewrite.replies {
        changed += tx
            .conn
            .prepare_cached("UPDATE idempotency SET body = ?3 WHERE scope = ?1 AND key = ?2")?
            .execute(params![reply.scope, reply.key, &reply.body[..]])?;
    }
    Ok(changed)
}
