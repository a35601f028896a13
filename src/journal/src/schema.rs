//! The file: its tables, their versions, and how a connection to it is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

/// `application_id` of our files ("SCHK").
const APPLICATION_ID: i64 = 0x5343_484B;

/// Only a backup by another process can make us wait, and that shortly.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// One migration a version; `user_version` says how many a file has had. Never change one that was released.
const MIGRATIONS: &[&str] = &[V1, V2, V3, V4];

/// Keys: `outbox` is clustered by subscription, so that a page of one is read without walking over another's;
/// a row lives only while a delivery waits, so in the good case it is born and dies in memory pages.
/// `contact_seq` is the timeline's order, and `seq` in that index saves a sort.
const V1: &str = "
CREATE TABLE inputs (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE notifications (
  seq INTEGER PRIMARY KEY, input_seq INTEGER NOT NULL, id BLOB NOT NULL, contact BLOB, contact_seq INTEGER NOT NULL,
  kind TEXT NOT NULL, at_ms INTEGER NOT NULL, expires_ms INTEGER, payload BLOB NOT NULL) STRICT;
CREATE INDEX notifications_contact ON notifications (contact, contact_seq) WHERE contact IS NOT NULL;
CREATE TABLE outbox (
  subscription BLOB NOT NULL, seq INTEGER NOT NULL, since_ms INTEGER NOT NULL,
  PRIMARY KEY (subscription, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (
  subscription BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, contact BLOB, kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL, dead_ms INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (subscription, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_id ON dead_letters (id);
CREATE INDEX dead_letters_seq ON dead_letters (seq);
CREATE TABLE attempts (
  n INTEGER PRIMARY KEY, subscription BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  status INTEGER, error TEXT NOT NULL) STRICT;
CREATE INDEX attempts_subscription ON attempts (subscription, n);
CREATE TABLE idempotency (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, command BLOB NOT NULL,
  at_ms INTEGER NOT NULL, status INTEGER, body BLOB,
  PRIMARY KEY (scope, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at_ms);
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, parts INTEGER NOT NULL) STRICT;
CREATE TABLE snapshot_parts (
  seq INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (seq, part)) STRICT;
CREATE TABLE records (
  tab TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (tab, id)) STRICT, WITHOUT ROWID;
";

/// The audit log. `audit_head` is the end of its chain once more, so that a tail that was cut off is missed.
const V2: &str = "
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, token TEXT NOT NULL, name TEXT, agent TEXT, action TEXT NOT NULL,
  object TEXT, result TEXT NOT NULL, origin TEXT, previous BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
";

/// What each contact came to, clustered by when it began: a report reads one stretch. The index finds what is still to
/// be anonymised, and is as long as that is.
const V3: &str = "
CREATE TABLE facts (
  received_ms INTEGER NOT NULL, contact BLOB NOT NULL, anonymised INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (received_ms, contact)) STRICT, WITHOUT ROWID;
CREATE INDEX facts_named ON facts (received_ms) WHERE anonymised = 0;
";

/// Chats: what visitors see and what agents say among themselves are two tables. Each is clustered by chat and number, so
/// that a page is one stretch. The content of `files` lies in a folder beside the journal.
const V4: &str = "
CREATE TABLE chat_public (
  chat BLOB NOT NULL, seq INTEGER NOT NULL, message BLOB NOT NULL, ord INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  delivery BLOB NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (chat, seq)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX chat_public_ord ON chat_public (chat, ord);
CREATE UNIQUE INDEX chat_public_message ON chat_public (chat, message);
CREATE TABLE chat_internal (
  chat BLOB NOT NULL, ord INTEGER NOT NULL, message BLOB NOT NULL, at_ms INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (chat, ord)) STRICT, WITHOUT ROWID;
CREATE TABLE chat_contacts (
  contact BLOB NOT NULL, chat BLOB NOT NULL,
  PRIMARY KEY (contact, chat)) STRICT, WITHOUT ROWID;
CREATE TABLE chat_records (
  chat BLOB PRIMARY KEY, contact BLOB NOT NULL, queue TEXT NOT NULL, opened_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL, open INTEGER NOT NULL, removed INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX chat_records_opened ON chat_records (opened_ms, chat);
CREATE INDEX chat_records_ended ON chat_records (open, ended_ms);
CREATE TABLE files (
  file BLOB PRIMARY KEY, chat BLOB NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
  sha256 BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX files_chat ON files (chat);
CREATE TABLE mails (
  id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
  error TEXT NOT NULL, dead INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX mails_due ON mails (dead, due_ms, id);
";

/// Opens the one connection that writes, and brings the file to this release's schema.
pub(crate) fn open_writer(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut conn = open(path, flags)?;
    check_header(&conn, path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit has been fsynced when it returns. NORMAL in WAL mode may lose it at a power cut.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // What is removed is overwritten with zeros: an erased telephone number is nowhere in the file.
    conn.pragma_update(None, "secure_delete", "ON")?;
    // 4 MB of log between checkpoints. Measured: as fast as 64 MB, but the commit that does the checkpoint takes
    // 3 to 5 ms instead of 40 to 60. A thread of its own for checkpoints was tried: its fsync and those of the commits
    // wait for the same disk, and neither the 99th percentile nor the 999th of a thousand was better.
    conn.pragma_update(None, "wal_autocheckpoint", 1_000)?;
    conn.pragma_update(None, "journal_size_limit", 128 * 1024 * 1024)?;
    // Negative: KiB. The writer touches the ends of a few trees, 4 MB holds them with room to spare.
    conn.pragma_update(None, "cache_size", -4_096)?;
    conn.set_prepared_statement_cache_capacity(48);
    migrate(&mut conn)?;
    if let Some(pages) = max_pages {
        conn.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(conn)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = open(path, flags)?;
    conn.pragma_update(None, "cache_size", -2_048)?;
    conn.set_prepared_statement_cache_capacity(24);
    Ok(conn)
}

/// Refuses files of a newer release and files that are something else. An empty file is a new journal.
pub(crate) fn check_header(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = user_version(conn)?;
    let known = MIGRATIONS.len() as i64;
    let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let empty: bool = conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && !(empty && application == 0) {
        return Err(StoreError::NotAJournal { path: path.to_owned() });
    }
    if found > known {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// As [`check_header`], for who reads tables that an older release does not have.
pub(crate) fn check_current(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    check_header(conn, path)?;
    let (found, known) = (user_version(conn)?, MIGRATIONS.len() as i64);
    if found < known {
        return Err(StoreError::OlderSchema { path: path.to_owned(), found, known });
    }
    Ok(())
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(path, flags)
        .map_err(|error| StoreError::Open { path: path.to_owned(), detail: error.to_string() })?;
    conn.busy_timeout(BUSY)?;
    // The first statement reads the header: something that is no database shows here.
    match conn.query_row("PRAGMA schema_version", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(StoreError::NotAJournal { path: path.to_owned() })
        }
        other => Ok(other.map(|()| conn)?),
    }
}

fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let done = usize::try_from(user_version(conn)?).unwrap_or(0);
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let tx = conn.transaction()?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", at as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

fn user_version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
