//! What can go wrong with the journal, and how to mend it.

use std::path::PathBuf;

/// A failure of the journal. It is `Clone` because one failed commit answers every submission in it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process (or another `Store` of this one) has this journal.
    #[error("{path}: the journal is in use by another process; stop it first, or give this one its own file")]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// The file was written by a newer release.
    #[error(
        "{path}: the journal has schema {found}, this release knows up to {known}; \
         run the newer release, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The journal.
        path: PathBuf,
        /// `user_version` in the file.
        found: i64,
        /// The newest schema of this release.
        known: i64,
    },
    /// The file was written by an older release and has not been brought up to date.
    #[error(
        "{path}: the journal has schema {found}, this release needs {known} to read it; \
         start the daemon of this release once, which brings it up to date"
    )]
    OlderSchema {
        /// The journal.
        path: PathBuf,
        /// `user_version` in the file.
        found: i64,
        /// The schema of this release.
        known: i64,
    },
    /// The file is something else than a journal.
    #[error("{path}: this is not a journal of schakel; choose another file")]
    NotAJournal {
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
    /// No room: the submission was not stored; the same one may be offered again once there is room.
    #[error("the disk (or its quota) is full: nothing of this submission was stored; make room: {detail}")]
    Full {
        /// What SQLite said.
        detail: String,
    },
    /// The file or its folder became read-only.
    #[error("the journal cannot be written: {detail}; check the mount and the rights of the file")]
    ReadOnly {
        /// What SQLite said.
        detail: String,
    },
    /// A submission does not continue where the journal ends, for instance because the one before failed.
    #[error(
        "{what} {got} does not follow the journal, which expects {expected}; offer the missing ones first"
    )]
    OutOfOrder {
        /// `input` or `notification`.
        what: &'static str,
        /// The number that would continue the journal.
        expected: u64,
        /// The number that was offered.
        got: u64,
    },
    /// More is waiting than `Options::queue_max` allows; nothing was queued.
    #[error("{waiting} submissions wait for the disk, which is the limit; slow down and offer it again")]
    Busy {
        /// Submissions that wait.
        waiting: usize,
    },
    /// The write-ahead log could not be emptied, because somebody reads in it.
    #[error("somebody reads in the journal, so its log cannot be emptied now; ask again in a moment")]
    Reading,
    /// The journal was closed (or its thread is gone).
    #[error("the journal is closed")]
    Closed,
    /// The content of the file is damaged.
    #[error("the journal is damaged: {detail}; restore the last backup")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// Anything else that SQLite or the disk refused.
    #[error("the journal failed: {detail}")]
    Failed {
        /// What SQLite or the system said.
        detail: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { detail },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { detail },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { detail },
            _ => Self::Failed { detail },
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed { detail: error.to_string() }
    }
}
