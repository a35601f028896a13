//! The audit log: who did what to which object, with what result, from where and when (BIO 8.15), as a hash chain.
//!
//! Each row has the SHA-256 over its own content and the hash of the row before it. The chain is made by the thread
//! that writes, so its order is the file's. A row that is changed, taken away, put in between or moved breaks it.
//!
//! What it can not do alone: who may write the file can make a new chain from the changed row on. So the head (the
//! last row's number and hash) is also kept outside of the file: in the daemon's log, and by `schakel audit head`.
//!
//! Old rows go from the front, as a whole prefix. In the same transaction a checkpoint row joins the chain, with the
//! number and the hash of the last row that went: what is kept still joins on to it.

use std::fmt::Write as _;

use rusqlite::{OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::writer::Tx;

/// Rows that one step of pruning removes: small ones, of one table.
const STEP: usize = 500;

/// Says what is hashed, so that a hash of ours is never one of something else.
const DOMAIN: &[u8] = b"schakel audit log, row, version 1";

/// The action of a checkpoint row.
pub const CHECKPOINT: &str = "audit.prune";

/// What is written of something that was asked.
///
/// It holds identifiers only: no telephone numbers, no names of customers, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who: the id of the access token, `cli`, or `schakel` itself; empty where nobody was known.
    pub token: String,
    /// What the token is called.
    pub name: Option<String>,
    /// The agent that the token is bound to.
    pub agent: Option<String>,
    /// What, such as `call.answer`.
    pub action: String,
    /// To which object, such as `calls/01890a5d-…`.
    pub object: Option<String>,
    /// `succeeded`, `refused:<cause>` or `denied`.
    pub result: String,
    /// From which address.
    pub from: Option<String>,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// 1, 2, 3 …
    pub seq: u64,
    /// Its content.
    pub entry: AuditEntry,
    /// The hash of the row before it; zeros for the first row of all.
    pub previous: [u8; 32],
    /// The hash of this row.
    pub hash: [u8; 32],
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditHead {
    /// The last row's number; 0 when there is none.
    pub seq: u64,
    /// Its hash; zeros when there is none.
    pub hash: [u8; 32],
}

/// Which rows of the audit log to read. What is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// By this token.
    pub token: Option<String>,
    /// This action, or a family of them (`call.`).
    pub action: Option<String>,
    /// This object, or what is under it.
    pub object: Option<String>,
    /// Recorded at or after this.
    pub from_ms: Option<i64>,
    /// Recorded before this.
    pub to_ms: Option<i64>,
}

impl AuditRow {
    /// The hash that the row should have.
    pub fn expected_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.entry.at_ms.to_be_bytes());
        let entry = &self.entry;
        let fields = [
            Some(&entry.token),
            entry.name.as_ref(),
            entry.agent.as_ref(),
            Some(&entry.action),
            entry.object.as_ref(),
            Some(&entry.result),
            entry.from.as_ref(),
        ];
        for field in fields {
            // With its presence and length before it, so that no two rows are the same bytes.
            hash.update([u8::from(field.is_some())]);
            let text = field.map_or("", String::as_str);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(self.previous);
        hash.finalize().into()
    }

    pub(crate) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            seq: row.get::<_, i64>(0)? as u64,
            entry: AuditEntry {
                at_ms: row.get(1)?,
                token: row.get(2)?,
                name: row.get(3)?,
                agent: row.get(4)?,
                action: row.get(5)?,
                object: row.get(6)?,
                result: row.get(7)?,
                from: row.get(8)?,
            },
            previous: row.get(9)?,
            hash: row.get(10)?,
        })
    }
}

/// The columns in the order of [`AuditRow::read`].
pub(crate) const COLUMNS: &str =
    "seq, at_ms, token, name, agent, action, object, result, origin, previous, hash";

impl AuditHead {
    /// As it is written down: `<seq>:<hash in hexadecimal>`.
    pub fn to_text(&self) -> String {
        format!("{}:{}", self.seq, hex(&self.hash))
    }

    /// As [`AuditHead::to_text`] wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        Some(Self { seq: seq.parse().ok()?, hash: unhex(hash)? })
    }
}

impl AuditFilter {
    /// Whether a row is asked for.
    pub fn wants(&self, entry: &AuditEntry) -> bool {
        let family = |wanted: &String| match wanted.strip_suffix('.') {
            Some(_) => entry.action.starts_with(wanted.as_str()),
            None => entry.action == *wanted,
        };
        let under = |wanted: &String| {
            entry.object.as_ref().is_some_and(|object| {
                object
                    .strip_prefix(wanted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.token.as_ref().is_none_or(|token| entry.token == *token)
            && self.action.as_ref().is_none_or(family)
            && self.object.as_ref().is_none_or(under)
            && self.from_ms.is_none_or(|from| entry.at_ms >= from)
            && self.to_ms.is_none_or(|to| entry.at_ms < to)
    }
}

/// Adds rows to the end of the chain.
pub(crate) fn append(tx: &mut Tx<'_>, entries: &[AuditEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO audit (seq, at_ms, token, name, agent, action, object, result, origin, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        let head = tx.tail.audit;
        let mut row =
            AuditRow { seq: head.seq + 1, entry: entry.clone(), previous: head.hash, hash: [0; 32] };
        row.hash = row.expected_hash();
        insert.execute(params![
            row.seq as i64,
            entry.at_ms,
            entry.token,
            entry.name,
            entry.agent,
            entry.action,
            entry.object,
            entry.result,
            entry.from,
            row.previous,
            row.hash
        ])?;
        tx.tail.audit = AuditHead { seq: row.seq, hash: row.hash };
    }
    let head = tx.tail.audit;
    tx.conn
        .prepare_cached("INSERT OR REPLACE INTO audit_head (one, seq, hash) VALUES (1, ?1, ?2)")?
        .execute(params![head.seq as i64, head.hash])?;
    Ok(())
}

/// Removes up to [`STEP`] of the oldest rows, those recorded before a moment, and adds the checkpoint; how many went.
pub(crate) fn prune(tx: &mut Tx<'_>, before_ms: i64, now_ms: i64) -> Result<usize, StoreError> {
    let mut last = None;
    {
        let mut oldest =
            tx.conn.prepare_cached("SELECT seq, at_ms, hash FROM audit ORDER BY seq LIMIT ?1")?;
        let mut rows = oldest.query([STEP as i64])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? >= before_ms {
                break;
            }
            last = Some(AuditHead { seq: row.get::<_, i64>(0)? as u64, hash: row.get(2)? });
        }
    }
    let Some(last) = last else { return Ok(0) };
    let checkpoint = AuditEntry {
        at_ms: now_ms,
        token: "schakel".into(),
        action: CHECKPOINT.into(),
        object: Some(format!("audit/{}", last.to_text())),
        result: "succeeded".into(),
        ..AuditEntry::default()
    };
    append(tx, &[checkpoint])?;
    Ok(tx.conn.prepare_cached("DELETE FROM audit WHERE seq <= ?1")?.execute([last.seq as i64])?)
}

/// The end of the chain, as the file says it.
pub(crate) fn head(conn: &rusqlite::Connection) -> Result<AuditHead, StoreError> {
    let found = conn
        .query_row("SELECT seq, hash FROM audit_head", [], |row| {
            Ok(AuditHead { seq: row.get::<_, i64>(0)? as u64, hash: row.get(1)? })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// What a checkpoint row says: the last row that went before it.
pub(crate) fn checkpoint_of(entry: &AuditEntry) -> Option<AuditHead> {
    AuditHead::parse(entry.object.as_ref().filter(|_| entry.action == CHECKPOINT)?.strip_prefix("audit/")?)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Cannot fail: text takes every write.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bio_8_15_a_head_is_read_as_it_is_written() {
        let head = AuditHead { seq: 42, hash: std::array::from_fn(|at| at as u8 * 8) };
        assert_eq!(AuditHead::parse(&head.to_text()), Some(head));
        for wrong in ["", "42", "42:", "x:00", &head.to_text().replace('0', "g")] {
            assert_eq!(AuditHead::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bio_8_15_no_two_rows_are_the_same_bytes() {
        let row = |entry: AuditEntry| AuditRow { seq: 1, entry, previous: [0; 32], hash: [0; 32] };
        let entry = |token: &str, name: Option<&str>, action: &str| AuditEntry {
            token: token.into(),
            name: name.map(Into::into),
            action: action.into(),
            ..AuditEntry::default()
        };
        let rows = [
            entry("ab", None, "c"),
            entry("a", None, "bc"),
            entry("a", Some("b"), "c"),
            entry("ab", Some(""), "c"),
        ];
        let mut hashes: Vec<_> = rows.into_iter().map(|entry| row(entry).expected_hash()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 4);
    }
}
