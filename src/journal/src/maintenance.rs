//! Backup, check and restore of a journal file, for the command line. They block.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::files;
use crate::schema;
use crate::store::lock;

/// What [`check`] found in a sound journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Inputs kept.
    pub inputs: u64,
    /// The last input's number.
    pub last_input: u64,
    /// Notifications kept.
    pub notifications: u64,
    /// The last notification's cursor.
    pub last_notification: u64,
}

/// Copies a journal, which may be in use, to a new compact file: one consistent moment, fsynced. The contents of chats'
/// files go to a folder beside it (`to.files`), which belongs to the backup.
///
/// # Errors
/// When `to` exists, either file cannot be opened, or the disk fails.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    refuse_existing(to)?;
    let part = with_suffix(to, ".part");
    if part.exists() {
        std::fs::remove_file(&part)?;
    }
    let conn = schema::open_reader(from)?;
    schema::check_header(&conn, from)?;
    let name = part
        .to_str()
        .ok_or_else(|| StoreError::Open { path: to.to_owned(), detail: "the name is not UTF-8".into() })?;
    conn.execute("VACUUM INTO ?1", [name])?;
    files::copy(from, to)?;
    publish(&part, to)
}

/// Reads the whole file: SQLite's integrity check, and that inputs and notifications have no gap.
///
/// # Errors
/// [`StoreError::Damaged`] with what was found; or when it cannot be opened or is something else.
pub fn check(path: &Path) -> Result<Checked, StoreError> {
    let conn = schema::open_reader(path)?;
    schema::check_header(&conn, path)?;
    let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Damaged { detail: verdict });
    }
    let count = |table: &str| -> Result<(u64, u64), StoreError> {
        let sql = format!("SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM {table}");
        let (count, first, last): (i64, i64, i64) =
            conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if last - first + 1 != count {
            let detail =
                format!("{table} {first} to {last} should be {} rows and are {count}", last - first + 1);
            return Err(StoreError::Damaged { detail });
        }
        Ok((count as u64, last as u64))
    };
    let (inputs, last_input) = count("inputs")?;
    let (notifications, last_notification) = count("notifications")?;
    Ok(Checked { inputs, last_input, notifications, last_notification })
}

/// Puts a checked backup in the place of a journal that is not there (any more).
///
/// # Errors
/// When the backup is not sound, a journal is there, or it is in use.
pub fn restore(backup: &Path, to: &Path) -> Result<Checked, StoreError> {
    let checked = check(backup)?;
    let _lock = lock(to)?;
    // A log left behind would be played over the restored file.
    for suffix in ["", "-wal", "-shm"] {
        refuse_existing(&with_suffix(to, suffix))?;
    }
    let part = with_suffix(to, ".part");
    std::fs::copy(backup, &part)?;
    files::copy(backup, to)?;
    publish(&part, to)?;
    Ok(checked)
}

/// Makes a file durable under its final name.
fn publish(part: &Path, to: &Path) -> Result<(), StoreError> {
    File::open(part)?.sync_all()?;
    std::fs::rename(part, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        let detail = "it exists already, and is not overwritten; move it away first".to_owned();
        return Err(StoreError::Open { path: path.to_owned(), detail });
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
