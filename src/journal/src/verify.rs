//! Whether the audit log is what was written: every row of the chain, its beginning and its end.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::audit::{self, AuditHead, AuditRow};
use crate::error::StoreError;
use crate::schema;

/// What [`verify_audit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Rows that were looked at.
    pub rows: u64,
    /// The first row that is kept; 0 when there is none.
    pub first: u64,
    /// The end of the log as the file says it.
    pub head: AuditHead,
    /// Whether the given head could be compared: it belongs to a row that is kept.
    pub compared: bool,
    /// The first thing that is wrong.
    pub broken: Option<AuditBreak>,
}

/// Where and how the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBreak {
    /// At which row.
    pub seq: u64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Reads the whole audit log of a journal, which may be in use, and checks its chain; also against a head that was
/// kept elsewhere.
///
/// # Errors
/// When the file cannot be read or is something else. A broken chain is a verdict, not an error.
pub fn verify_audit(path: &Path, kept: Option<AuditHead>) -> Result<AuditVerdict, StoreError> {
    let mut conn = schema::open_reader(path)?;
    schema::check_header(&conn, path)?;
    // One moment of a file that is being written.
    let moment = conn.transaction()?;
    let head = audit::head(&moment)?;
    let checkpoint = last_checkpoint(&moment)?;
    let mut check =
        Check { first: None, last: AuditHead::default(), rows: 0, checkpoint, kept, compared: false };
    let mut broken = None;
    {
        let sql = format!("SELECT {} FROM audit ORDER BY seq", audit::COLUMNS);
        let mut statement = moment.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // A row that is not even of the right types was not written by us.
            broken = match AuditRow::read(row) {
                Ok(row) => check.row(&row),
                Err(_) => Some(AuditBreak { seq: check.last.seq + 1, what: "it cannot be read" }),
            };
            if broken.is_some() {
                break;
            }
        }
    }
    let broken = broken.or_else(|| check.end(head));
    Ok(AuditVerdict {
        rows: check.rows,
        first: check.first.as_ref().map_or(0, |first| first.seq),
        head,
        compared: check.compared,
        broken,
    })
}

/// The end of the audit log of a journal, which may be in use.
///
/// # Errors
/// When the file cannot be read or is something else.
pub fn audit_head(path: &Path) -> Result<AuditHead, StoreError> {
    let conn = schema::open_reader(path)?;
    schema::check_header(&conn, path)?;
    audit::head(&conn)
}

fn last_checkpoint(conn: &Connection) -> Result<Option<AuditHead>, StoreError> {
    let sql = format!("SELECT {} FROM audit WHERE action = ?1 ORDER BY seq DESC LIMIT 1", audit::COLUMNS);
    let row = conn.query_row(&sql, [audit::CHECKPOINT], AuditRow::read).optional()?;
    Ok(row.and_then(|row| audit::checkpoint_of(&row.entry)))
}

struct Check {
    first: Option<AuditRow>,
    last: AuditHead,
    rows: u64,
    checkpoint: Option<AuditHead>,
    kept: Option<AuditHead>,
    compared: bool,
}

impl Check {
    fn row(&mut self, row: &AuditRow) -> Option<AuditBreak> {
        let at = |what| Some(AuditBreak { seq: row.seq, what });
        self.rows += 1;
        if self.first.is_none() {
            if let Some(broken) = self.beginning(row) {
                return Some(broken);
            }
            self.first = Some(row.clone());
        } else if row.seq != self.last.seq + 1 {
            return Some(AuditBreak { seq: self.last.seq + 1, what: "it is missing" });
        } else if row.previous != self.last.hash {
            return at("it does not follow the row before it: one of the two was changed, put in or moved");
        }
        if row.hash != row.expected_hash() {
            return at("its content is not what was written");
        }
        self.last = AuditHead { seq: row.seq, hash: row.hash };
        if let Some(kept) = self.kept.filter(|kept| kept.seq == row.seq) {
            self.compared = true;
            if kept.hash != row.hash {
                return at("it is not the row whose hash was kept elsewhere: the log was written anew");
            }
        }
        None
    }

    /// The first row that is there is the first of all, or joins on to the checkpoint.
    fn beginning(&self, row: &AuditRow) -> Option<AuditBreak> {
        let before = AuditHead { seq: row.seq.saturating_sub(1), hash: row.previous };
        if before == AuditHead::default() || self.checkpoint == Some(before) {
            return None;
        }
        if row.seq > 1 {
            return Some(AuditBreak {
                seq: before.seq,
                what: "it is missing, and no checkpoint says that it went",
            });
        }
        Some(AuditBreak { seq: row.seq, what: "it is not the beginning of the chain" })
    }

    fn end(&mut self, head: AuditHead) -> Option<AuditBreak> {
        if self.last.seq < head.seq {
            return Some(AuditBreak {
                seq: self.last.seq + 1,
                what: "it is missing: the end of the log was cut off",
            });
        }
        if self.last != head {
            let what = "it was not written by schakel: the log's own end is another row";
            return Some(AuditBreak { seq: self.last.seq, what });
        }
        let cut = self.kept.filter(|kept| kept.seq > head.seq)?;
        let what = "it is missing: a hash of it was kept elsewhere, and the log ends before it";
        Some(AuditBreak { seq: cut.seq, what })
    }
}
