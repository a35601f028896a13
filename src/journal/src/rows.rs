//! The rows: what the journal is given and gives back. It knows nothing of calls; content is bytes.
//!
//! Identifiers are UUIDs as `u128` (time-ordered UUIDv7, so that keys land at the end of their index).
//! Times are milliseconds since 1970-01-01T00:00Z.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::audit::AuditEntry;
use crate::chats::ChatRow;
use crate::mails::Mail;

/// Everything that one step of the engine makes durable, in one transaction.
///
/// Cheap to clone (contents are shared), so that a caller can keep it to offer it again after a failure.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What happened, in order; numbers continue the journal without a gap.
    pub inputs: Vec<Input>,
    /// What must be told, in order; numbers continue the stream without a gap.
    pub notifications: Vec<Arc<Notification>>,
    /// Accepted commands by idempotency key. A row with the same scope and key is replaced:
    /// whoever accepts commands decides beforehand, with [`crate::Reader::idempotency`].
    pub idempotency: Vec<Idempotency>,
    /// Replies to commands whose key was accepted earlier or in this very batch.
    pub finished: Vec<Finished>,
    /// What contacts came to; each takes the place of an earlier one of the same contact.
    pub facts: Vec<Fact>,
    /// What was said in chats, and their records, in order.
    pub chat: Vec<ChatRow>,
    /// Mails to be sent.
    pub mails: Vec<Mail>,
    /// Rows of the audit log, in order.
    pub audit: Vec<AuditEntry>,
}

/// What a contact came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The contact.
    pub contact: u128,
    /// When it began; the same in every fact of one contact.
    pub received_ms: i64,
    /// The fact in the engine's encoding.
    pub bytes: Bytes,
}

/// One input of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// 1, 2, 3 …
    pub seq: u64,
    /// When it was recorded.
    pub at_ms: i64,
    /// The input in the engine's encoding.
    pub bytes: Bytes,
}

/// One notification of the stream, and the subscriptions that it must be delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The stream's cursor: 1, 2, 3 …
    pub seq: u64,
    /// The input that caused it.
    pub input_seq: u64,
    /// The notification's id, the same over all deliveries.
    pub id: u128,
    /// The contact that it belongs to; order is kept per contact.
    pub contact: Option<u128>,
    /// 1, 2, 3 … per contact; 0 without a contact.
    pub contact_seq: u64,
    /// The type, for filters.
    pub kind: Cow<'static, str>,
    /// When it was recorded.
    pub at_ms: i64,
    /// After this it is history and no longer news.
    pub expires_ms: Option<i64>,
    /// The envelope as JSON, as it is sent.
    pub payload: Bytes,
    /// Subscriptions that it must be delivered to. Empty when read back: see the outbox rows.
    pub deliveries: Arc<[u128]>,
}

/// A command that was accepted under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is (token or organisation).
    pub scope: String,
    /// The client's key.
    pub key: String,
    /// SHA-256 of what was asked.
    pub fingerprint: [u8; 32],
    /// The command that it became.
    pub command: u128,
    /// When it was accepted.
    pub at_ms: i64,
}

/// The reply to a command, kept to answer a repetition with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// As in [`Idempotency`].
    pub scope: String,
    /// As in [`Idempotency`].
    pub key: String,
    /// HTTP status.
    pub status: u16,
    /// Body of the reply.
    pub body: Bytes,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// SHA-256 of what was asked.
    pub fingerprint: [u8; 32],
    /// The command that it became.
    pub command: u128,
    /// When it was accepted.
    pub at_ms: i64,
    /// Status and body of the reply; `None` while the command runs.
    pub reply: Option<(u16, Bytes)>,
}

/// A state of the engine, as it was after input `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last input that is in it.
    pub seq: u64,
    /// The state in the engine's encoding.
    pub bytes: Bytes,
}

/// A page of the stream.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Rows in the order of the stream.
    pub rows: Vec<Arc<Notification>>,
    /// The cursor to go on from. It moves also when a filter let nothing through.
    pub next: u64,
    /// More can be read at once.
    pub more: bool,
}

/// A delivery that waits.
#[derive(Debug, Clone)]
pub struct Pending {
    /// When the 72 hours began: the notification's time, or the time of its redrive.
    pub since_ms: i64,
    /// What is to be delivered.
    pub notification: Arc<Notification>,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The subscription.
    pub subscription: u128,
    /// The notification's cursor.
    pub seq: u64,
    /// The notification's id.
    pub id: u128,
    /// The notification's contact.
    pub contact: Option<u128>,
    /// The notification's type.
    pub kind: String,
    /// When the notification was recorded.
    pub at_ms: i64,
    /// When it was given up.
    pub dead_ms: i64,
    /// Why.
    pub reason: String,
}

/// A failed attempt at a delivery, kept (bounded) for who looks why something did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The subscription.
    pub subscription: u128,
    /// The notification's cursor (the first one of a batch).
    pub seq: u64,
    /// When the attempt ended.
    pub at_ms: i64,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: String,
}

/// Which dead letters to deliver again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// These notifications, by id.
    Ids(Vec<u128>),
    /// Those recorded in this period: from, inclusive, to, exclusive.
    Period {
        /// Inclusive.
        from_ms: i64,
        /// Exclusive.
        to_ms: i64,
    },
}

/// What [`crate::Store::prune`] may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneBefore {
    /// Notifications, and inputs that a snapshot has, recorded before this. Also what is still undelivered
    /// of them, so keep this above the time that deliveries are tried.
    pub rows_ms: i64,
    /// Idempotency keys accepted before this (24 hours ago).
    pub idempotency_ms: i64,
}

/// What one step of [`crate::Store::prune`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Notifications.
    pub notifications: usize,
    /// Inputs.
    pub inputs: usize,
    /// Idempotency keys.
    pub idempotency: usize,
    /// Deliveries that were still waiting (a subscription was paused for longer than the retention).
    pub undelivered: usize,
    /// There is more to remove: call again.
    pub more: bool,
}

/// A small record of another room (tokens, subscriptions): JSON under a table's name and an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id within the table.
    pub id: String,
    /// Its content.
    pub json: String,
}

/// Figures for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Submissions that wait for the disk.
    pub queue_depth: usize,
    /// Commits since start, each with one fsync.
    pub commits: u64,
    /// Submissions made durable since start.
    pub submissions: u64,
    /// Submissions that failed since start.
    pub failures: u64,
    /// How long the last commit took, from its first row until it was durable.
    pub last_commit_micros: u64,
    /// Notifications kept now.
    pub notifications: u64,
    /// The last notification's cursor.
    pub last_notification: u64,
}
