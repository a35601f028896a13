//! The journal: what happened, what must be told and to whom, durable before anybody acts on it.
//!
//! ```text
//! engine ──Batch──► Store ──► one writer thread ──► SQLite (WAL, synchronous=FULL, one fsync a group)
//! outbox ──Settled──┘  │                                 ▲
//! API, stream, outbox ─┴── Reader (read-only) ───────────┘
//! ```
//!
//! A [`Store`] knows nothing of calls: rows are bytes. One transaction takes a [`Batch`]: inputs, notifications with
//! their deliveries, idempotency keys, what was said in chats, and mails. So nobody is told a thing that a crash can
//! forget. A restart takes the last snapshot, the inputs after it and the last numbers ([`Recovery`]), by key, however
//! long the history is.
//!
//! What visitors see of chats is read by [`PublicChats`], what agents see by [`InternalChats`]: the first has no way to
//! what agents say among themselves. The contents of chats' [`Files`] lie in a folder beside the journal.
//!
//! What is deliberately absent: a second connection that writes (SQLite's log stays simple), queries by anything
//! without an index, and deletes of more than 50 notifications a step.
//!
//! `tests/sqlite/conformance` is what any other back end must do as well.

mod append;
mod audit;
mod chats;
mod deliver;
mod error;
mod facts;
mod files;
mod mails;
mod maintenance;
mod prune;
mod reader;
mod rewrite;
mod rows;
mod schema;
mod store;
mod transcripts;
mod verify;
mod writer;

pub use audit::{AuditEntry, AuditFilter, AuditHead, AuditRow, CHECKPOINT};
pub use chats::{ChatBytes, ChatRecord, ChatRow, ChatsGone, EraseWords};
pub use deliver::Settled;
pub use error::StoreError;
pub use facts::{Anonymise, FactCursor, FactRow};
pub use files::{FileRow, Files, NewFile};
pub use mails::{Mail, MailCounts, MailRow, MailSettled};
pub use maintenance::{Checked, backup, check, restore};
pub use reader::{Inputs, Reader};
pub use rewrite::{Reply, Rewrite};
pub use rows::{
    Attempt, Batch, Counters, DeadLetter, Fact, Finished, Idempotency, Input, KnownKey, Notification, Page,
    Pending, PruneBefore, Pruned, Record, Redrive, Snapshot,
};
pub use store::{Options, Recovery, Store};
pub use transcripts::{ChatPage, InternalChats, InternalRow, PrivateRow, PublicChats, PublicRow, Said};
pub use verify::{AuditBreak, AuditVerdict, audit_head, verify_audit};
pub use writer::Answer;
