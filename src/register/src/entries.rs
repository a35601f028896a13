//! The directory in the file.

use crate::customers::next_change;
use crate::error::RegisterError;
use crate::import::{self, ENTRY_COLUMNS, ImportOptions, Imported, Mistakes, Mode, entry_of};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use schakel_contract::views::{DirectoryEntryView, ImportReportView};
use std::collections::HashMap;
use std::fs::File;

/// All entries, by id.
pub(crate) fn load(conn: &Connection) -> Result<Vec<DirectoryEntryView>, RegisterError> {
    let mut statement = conn.prepare("SELECT id, version, json FROM directory ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut entries = Vec::new();
    for row in rows {
        let (id, version, json) = row?;
        let entry: DirectoryEntryView = serde_json::from_str(&json).map_err(|_| RegisterError::Failed {
            detail: format!("the entry {id} of the directory is damaged"),
        })?;
        entries.push(DirectoryEntryView { version: version as u64, ..entry });
    }
    Ok(entries)
}

/// The version of an entry.
pub(crate) fn version(conn: &Connection, id: &str) -> Result<Option<u64>, RegisterError> {
    let sql = "SELECT version FROM directory WHERE id = ?1";
    let found = conn.prepare_cached(sql)?.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
    Ok(found.map(|version| version as u64))
}

/// Puts an entry in the place of what was there; its new version.
pub(crate) fn put(tx: &Transaction<'_>, entry: &DirectoryEntryView) -> Result<u64, RegisterError> {
    let version = next_change(tx)?;
    store(tx, entry, version)?;
    Ok(version)
}

/// Takes an entry away; whether there was one.
pub(crate) fn delete(tx: &Transaction<'_>, id: &str) -> Result<bool, RegisterError> {
    Ok(tx.execute("DELETE FROM directory WHERE id = ?1", [id])? > 0)
}

/// How many there are.
pub(crate) fn count(conn: &Connection) -> Result<u64, RegisterError> {
    Ok(conn.query_row("SELECT count(*) FROM directory", [], |row| row.get::<_, i64>(0))? as u64)
}

/// Reads a file into the directory, in a transaction that the caller commits or not.
pub(crate) fn import(
    tx: &Transaction<'_>,
    file: &mut File,
    options: ImportOptions,
    entries_max: u64,
) -> Result<Imported, RegisterError> {
    let version = next_change(tx)?;
    let (mut mistakes, mut rows, mut failed) = (Mistakes::default(), 0, None);
    let mut lines: HashMap<String, u64> = HashMap::new();
    import::read(file, options.format, &ENTRY_COLUMNS, &mut mistakes, &mut |row, mistakes| {
        rows += 1;
        let Some(entry) = entry_of(row, mistakes) else { return };
        if let Some(first) = lines.get(&entry.id) {
            return mistakes.push(row.line, Some("id"), format!("is the id of line {first} too"));
        }
        // More than the limit is told once, at the end; what comes behind it is not kept to be compared.
        if (lines.len() as u64) <= entries_max {
            lines.insert(entry.id.clone(), row.line);
            if mistakes.count == 0 && failed.is_none() {
                failed = store(tx, &entry, version).err();
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if mistakes.count > 0 {
        return Ok(Imported::Refused(mistakes));
    }
    let removed = match options.mode {
        Mode::Merge => 0,
        // Those that the file does not name.
        Mode::Replace => tx.execute("DELETE FROM directory WHERE version <> ?1", [version as i64])?,
    };
    let total = count(tx)?;
    if total > entries_max {
        return Err(too_many(entries_max));
    }
    Ok(Imported::Done(ImportReportView { dry_run: options.dry_run, rows, total, removed: removed as u64 }))
}

/// More entries than the limit.
pub(crate) fn too_many(most: u64) -> RegisterError {
    RegisterError::TooMany { what: "entries of the directory", most, key: "entries_max" }
}

fn store(tx: &Transaction<'_>, entry: &DirectoryEntryView, version: u64) -> Result<(), RegisterError> {
    // Cannot fail: an entry has no keys that are not text.
    let json = serde_json::to_string(entry).unwrap_or_default();
    let sql = "INSERT INTO directory (id, version, json) VALUES (?1, ?2, ?3)
               ON CONFLICT (id) DO UPDATE SET version = ?2, json = ?3";
    tx.prepare_cached(sql)?.execute(params![entry.id, version as i64, json])?;
    Ok(())
}
