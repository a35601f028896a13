//! Files of chats (W09): the row is in the journal, the content in a folder beside it.
//!
//! A content is written under another name, fsynced and renamed before its row is: a row never lacks its content. What a
//! crash leaves without a row goes when the journal is opened.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::{OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::reader::{Reader, id};
use crate::store::Store;
use crate::writer::Urgency;

/// What the names of contents that are being written end with.
const PART: &str = ".part";

/// A file of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub file: u128,
    /// Of which chat.
    pub chat: u128,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// When it came.
    pub at_ms: i64,
}

/// A file to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its id.
    pub file: u128,
    /// Of which chat.
    pub chat: u128,
    /// What it is called.
    pub name: String,
    /// What it is, by its content.
    pub media_type: String,
    /// When it came.
    pub at_ms: i64,
    /// Its content.
    pub content: Bytes,
}

/// The files of chats.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a>(&'a Store);

impl Store {
    /// The files of chats.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files(self)
    }
}

impl Files<'_> {
    /// Keeps a file: durable when it returns.
    ///
    /// # Errors
    /// When the disk fails or is full.
    pub async fn put(&self, new: NewFile) -> Result<FileRow, StoreError> {
        let folder = folder(self.0.path());
        let row = blocking(move || {
            let sha256 = Sha256::digest(&new.content).into();
            write(&folder, new.file, &new.content)?;
            Ok(FileRow {
                file: new.file,
                chat: new.chat,
                name: new.name,
                media_type: new.media_type,
                size: new.content.len() as u64,
                sha256,
                at_ms: new.at_ms,
            })
        })
        .await?;
        let kept = row.clone();
        self.0
            .submit(Urgency::Now, move |tx| {
                let sql = "INSERT OR REPLACE INTO files (file, chat, name, media_type, size, sha256, at_ms)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                Ok(tx.conn.prepare_cached(sql)?.execute(params![
                    kept.file.to_be_bytes(),
                    kept.chat.to_be_bytes(),
                    kept.name,
                    kept.media_type,
                    kept.size as i64,
                    kept.sha256,
                    kept.at_ms
                ])?)
            })
            .await?;
        Ok(row)
    }

    /// A file of a chat, without its content.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn row(&self, chat: u128, file: u128) -> Result<Option<FileRow>, StoreError> {
        let found = self.0.read(move |reader| reader.file(file)).await?;
        Ok(found.filter(|row| row.chat == chat))
    }

    /// A file with its content, which is checked.
    ///
    /// # Errors
    /// When the disk fails, or the content is not what was kept.
    pub async fn content(&self, chat: u128, file: u128) -> Result<Option<(FileRow, Bytes)>, StoreError> {
        let Some(row) = self.row(chat, file).await? else { return Ok(None) };
        let path = folder(self.0.path()).join(name_of(file));
        blocking(move || {
            let content = match fs::read(&path) {
                // It was erased a moment ago.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                content => content?,
            };
            let sha256: [u8; 32] = Sha256::digest(&content).into();
            if sha256 != row.sha256 {
                let detail = format!("the content of file {:032x} is not what was kept", row.file);
                return Err(StoreError::Damaged { detail });
            }
            Ok(Some((row, content.into())))
        })
        .await
    }

    /// Where a file's content lies, for who sends it on.
    #[must_use]
    pub fn path(&self, file: u128) -> PathBuf {
        folder(self.0.path()).join(name_of(file))
    }

    /// The files of a chat, in the order in which they came.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn of_chat(&self, chat: u128) -> Result<Vec<FileRow>, StoreError> {
        self.0.read(move |reader| reader.files_of(chat)).await
    }

    /// Removes the files of a chat: contents first, so that whoever is interrupted finds the rest; how many.
    ///
    /// # Errors
    /// When the disk fails; call it again.
    pub async fn remove_of(&self, chat: u128) -> Result<u64, StoreError> {
        let files = self.of_chat(chat).await?;
        if files.is_empty() {
            return Ok(0);
        }
        let folder = folder(self.0.path());
        blocking(move || files.iter().try_for_each(|row| remove(&folder.join(name_of(row.file))))).await?;
        let sql = "DELETE FROM files WHERE chat = ?1";
        let gone = self.0.submit(Urgency::Soon, move |tx| {
            Ok(tx.conn.prepare_cached(sql)?.execute([chat.to_be_bytes()])?)
        });
        Ok(gone.await? as u64)
    }
}

impl Reader {
    fn file(&self, file: u128) -> Result<Option<FileRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM files WHERE file = ?1");
        Ok(self.conn()?.prepare_cached(&sql)?.query_row([file.to_be_bytes()], row_of).optional()?)
    }

    fn files_of(&self, chat: u128) -> Result<Vec<FileRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM files WHERE chat = ?1 ORDER BY at_ms, file");
        let mut statement = self.conn()?.prepare_cached(&sql)?;
        Ok(statement.query_map([chat.to_be_bytes()], row_of)?.collect::<Result<_, _>>()?)
    }
}

/// The folder of contents beside a journal.
pub(crate) fn folder(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".files");
    name.into()
}

/// Removes what a crash left: contents that were being written, and those without a row. Before anybody writes.
pub(crate) fn tidy(reader: &Reader, journal: &Path) -> Result<(), StoreError> {
    let entries = match fs::read_dir(folder(journal)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let file = name.strip_suffix(PART).unwrap_or(name);
        // What has no name of ours was put there by somebody else.
        let Some(file) = id_of(file) else { continue };
        if name.ends_with(PART) || reader.file(file)?.is_none() {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Copies the contents beside one journal to beside another: after the rows were, so that what came meanwhile is more
/// than enough.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let entries = match fs::read_dir(folder(from)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let to = folder(to);
    create(&to)?;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().and_then(id_of).is_none() {
            continue;
        }
        let copy = to.join(entry.file_name());
        match fs::copy(entry.path(), &copy) {
            // It was removed a moment ago.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => {
                copied?;
                File::open(&copy)?.sync_all()?;
            }
        }
    }
    Ok(File::open(&to)?.sync_all()?)
}

const COLUMNS: &str = "file, chat, name, media_type, size, sha256, at_ms";

fn row_of(row: &Row<'_>) -> Result<FileRow, rusqlite::Error> {
    Ok(FileRow {
        file: id(row.get(0)?),
        chat: id(row.get(1)?),
        name: row.get(2)?,
        media_type: row.get(3)?,
        size: row.get::<_, i64>(4)? as u64,
        sha256: row.get(5)?,
        at_ms: row.get(6)?,
    })
}

/// The name says nothing of what is in it, and cannot lead out of the folder.
fn name_of(file: u128) -> String {
    format!("{file:032x}")
}

/// The file of a name; none where it is not one of ours.
fn id_of(name: &str) -> Option<u128> {
    (name.len() == 32).then(|| u128::from_str_radix(name, 16).ok()).flatten()
}

fn write(folder: &Path, file: u128, content: &[u8]) -> Result<(), StoreError> {
    create(folder)?;
    let name = folder.join(name_of(file));
    let part = folder.join(name_of(file) + PART);
    let mut out = File::create(&part)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(&part, &name)?;
    // The new name itself is durable only with its folder.
    Ok(File::open(folder)?.sync_all()?)
}

/// Creates the folder, for this user only.
fn create(folder: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.recursive(true).create(folder)?)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Closed))
}
