//! Numbers and who is behind them: the numbering plan, the recognition of customers, the directory of colleagues.
//!
//! ```text
//! notification being written ─► Recognise ─► number (pure) ─► table, directory (memory, read-only look-up)
//! JKC: put, delete, import ─► Register ─► one writer thread ─► SQLite file of its own ─► table, directory
//! ```
//!
//! * A look-up never waits for a disk: what it looks in is in memory, and an import makes it anew beside it.
//! * A change is durable before it is in force, and in force before it is answered.
//! * A number that is switched off is not in memory at all, so no notification can tell it.
//! * An import is one transaction: every mistake is told with its line, and nothing is half imported.
//! * The file is not the journal: a bulk import of a million numbers delays no call.
//!
//! What is deliberately absent: telephone calls, HTTP, and any decision about what is done with a match.

mod customers;
pub mod directory;
mod entries;
mod error;
mod import;
pub mod number;
mod register;
mod schema;
mod table;
mod writer;

pub use error::RegisterError;
pub use import::{Format, ImportOptions, Imported, MISTAKES_MAX, Mistake, Mistakes, Mode, NOT_RECOGNISABLE};
pub use register::{Figures, MATCHES_MAX, Register};
pub use schema::{backup, restore};
pub use writer::Limits;
