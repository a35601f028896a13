//! The file: its tables, their versions, how a connection to it is set up, backup and restore.

use crate::error::RegisterError;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `application_id` of our files ("SCHR").
const APPLICATION_ID: i64 = 0x5343_4852;

/// One migration a version; `user_version` says how many a file has had. Never change one that was released.
const MIGRATIONS: &[&str] = &[V1];

/// `of` is empty for whoever speaks for himself, since a part of a primary key is never null. `changes` counts for
/// versions: one that was deleted and made again has another version than before.
const V1: &str = "
CREATE TABLE changes (only INTEGER PRIMARY KEY CHECK (only = 1), n INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (1, 0);
CREATE TABLE customers (
  reference TEXT PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE numbers (
  reference TEXT NOT NULL, number INTEGER NOT NULL, of TEXT NOT NULL, enabled INTEGER NOT NULL,
  version INTEGER NOT NULL, PRIMARY KEY (reference, number, of)) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_of ON numbers (of) WHERE of <> '';
CREATE TABLE directory (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// What the connection that writes keeps of the file in memory, in KiB: a change touches a few pages.
const CACHE_KIB: i64 = 2_048;

/// The same during an import: a million numbers come in any order, and each touches two trees.
const IMPORT_CACHE_KIB: i64 = 64 * 1_024;

/// Does something large, with more memory than usual, which is given back.
pub(crate) fn with_large_cache<T>(
    conn: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, RegisterError>,
) -> Result<T, RegisterError> {
    conn.pragma_update(None, "cache_size", -IMPORT_CACHE_KIB)?;
    let done = work(conn);
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    conn.execute_batch("PRAGMA shrink_memory")?;
    done
}

/// Opens the one connection that writes, and brings the file to this release's schema.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, RegisterError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut conn = open(path, flags)?;
    check_header(&conn, path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit has been fsynced when it returns.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // What is erased is overwritten in the file too.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    migrate(&mut conn)?;
    Ok(conn)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, RegisterError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = open(path, flags)?;
    check_header(&conn, path)?;
    Ok(conn)
}

/// The lock beside the file, held as long as the register is open.
pub(crate) fn lock(path: &Path) -> Result<File, RegisterError> {
    let name = with_suffix(path, ".lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    let file =
        opened.map_err(|error| RegisterError::Open { path: name.clone(), detail: error.to_string() })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RegisterError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(RegisterError::Open { path: name, detail: error.to_string() }),
    }
}

/// Copies a register, which may be in use, to a new compact file: one consistent moment, fsynced. Blocks.
///
/// # Errors
/// When `to` exists, either file cannot be opened, or the disk fails.
pub fn backup(from: &Path, to: &Path) -> Result<(), RegisterError> {
    refuse_existing(to)?;
    let part = with_suffix(to, ".part");
    if part.exists() {
        std::fs::remove_file(&part)?;
    }
    let name = part
        .to_str()
        .ok_or_else(|| RegisterError::Open { path: to.to_owned(), detail: "the name is not UTF-8".into() })?;
    open_reader(from)?.execute("VACUUM INTO ?1", [name])?;
    publish(&part, to)
}

/// Puts a checked backup in the place of a register that is not there (any more). Blocks.
///
/// # Errors
/// When the backup is not sound, a register is there, or it is in use.
pub fn restore(backup: &Path, to: &Path) -> Result<(), RegisterError> {
    let verdict: String =
        open_reader(backup)?.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(RegisterError::Failed { detail: format!("{} is damaged: {verdict}", backup.display()) });
    }
    let _lock = lock(to)?;
    // A log left behind would be played over the restored file.
    for suffix in ["", "-wal", "-shm"] {
        refuse_existing(&with_suffix(to, suffix))?;
    }
    let part = with_suffix(to, ".part");
    std::fs::copy(backup, &part)?;
    publish(&part, to)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, RegisterError> {
    let conn = Connection::open_with_flags(path, flags)
        .map_err(|error| RegisterError::Open { path: path.to_owned(), detail: error.to_string() })?;
    // Only a backup by another process can make us wait, and that shortly.
    conn.busy_timeout(Duration::from_secs(5))?;
    // The first statement reads the header: something that is no database shows here.
    match conn.query_row("PRAGMA schema_version", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(RegisterError::NotARegister { path: path.to_owned() })
        }
        other => Ok(other.map(|()| conn)?),
    }
}

/// Refuses files of a newer release and files that are something else. An empty file is a new register.
fn check_header(conn: &Connection, path: &Path) -> Result<(), RegisterError> {
    let known = MIGRATIONS.len() as i64;
    let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let empty: bool = conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && !(empty && application == 0) {
        return Err(RegisterError::NotARegister { path: path.to_owned() });
    }
    match user_version(conn)? {
        found if found > known => Err(RegisterError::NewerSchema { path: path.to_owned(), found, known }),
        _ => Ok(()),
    }
}

fn migrate(conn: &mut Connection) -> Result<(), RegisterError> {
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

fn user_version(conn: &Connection) -> Result<i64, RegisterError> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Makes a file durable under its final name.
fn publish(part: &Path, to: &Path) -> Result<(), RegisterError> {
    File::open(part)?.sync_all()?;
    std::fs::rename(part, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}

fn refuse_existing(path: &Path) -> Result<(), RegisterError> {
    if path.exists() {
        let detail = "it exists already, and is not overwritten; move it away first".to_owned();
        return Err(RegisterError::Open { path: path.to_owned(), detail });
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
