//! What can go wrong with the register, and how to mend it.

use std::path::PathBuf;

/// A failure of the register.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another process has this register.
    #[error(
        "{path}: the register is in use by another process; stop it first, or give this one its own file"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer release.
    #[error(
        "{path}: the register has schema {found}, this release knows up to {known}; \
         run the newer release, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// `user_version` in the file.
        found: i64,
        /// The newest schema of this release.
        known: i64,
    },
    /// The file is something else.
    #[error("{path}: this is not a register of schakel; choose another file")]
    NotARegister {
        /// The file.
        path: PathBuf,
    },
    /// The file, folder or lock could not be opened.
    #[error("{path}: cannot be opened: {detail}; check that the folder exists and may be written")]
    Open {
        /// What was opened.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The caller acted on an old picture.
    #[error("it is at version {}; read it again", .found.map_or("0 (not there)".to_owned(), |found| found.to_string()))]
    VersionMismatch {
        /// The version that it has; none when it is not there.
        found: Option<u64>,
    },
    /// More than the limit.
    #[error("there would be more than {most} {what}, which is the limit (register.{key})")]
    TooMany {
        /// What there would be too many of.
        what: &'static str,
        /// The limit.
        most: u64,
        /// The key of the configuration.
        key: &'static str,
    },
    /// Too much waits for the disk.
    #[error("too many changes wait for the disk; try again in a moment")]
    Busy,
    /// It is closed, or its thread has ended.
    #[error("the register is closed")]
    Closed,
    /// No room on the disk.
    #[error("the disk (or its quota) is full: nothing was stored; make room: {detail}")]
    Full {
        /// What the system said.
        detail: String,
    },
    /// The disk failed, or the file is damaged.
    #[error("the register failed: {detail}")]
    Failed {
        /// What SQLite or the system said.
        detail: String,
    },
}

impl From<rusqlite::Error> for RegisterError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { detail },
            _ => Self::Failed { detail },
        }
    }
}

impl From<std::io::Error> for RegisterError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full { detail: error.to_string() }
            }
            _ => Self::Failed { detail: error.to_string() },
        }
    }
}
