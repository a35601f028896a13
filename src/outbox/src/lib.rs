//! The outbox: notifications to webhooks, in order per contact, signed, retried, and never lost silently.
//!
//! ```text
//! engine ──notify──►┐                     ┌─ Endpoint: Lanes (who goes next) ─ Breaker (whether) ─┐
//! journal ──pages──►┤ one task (select!) ─┤                                                       ├─► Attempt ─► HTTPS
//! API ──control────►┘          ▲          └─ settled: delivered, dead, attempts ──► journal       │
//!                              └────────────────────────── outcome ◄──────────────────────────────┘
//! ```
//!
//! Every delivery has a row in the journal from the transaction that made its notification until it is settled; this
//! crate holds a bounded window of those rows in memory. So a restart, a crash and a backlog are the same thing: rows are
//! read in order, and at least once delivered with a stable id.
//!
//! - `lanes`, `retry`, `target`, `message`, `secret` decide and compute; they do no I/O.
//! - `endpoint` holds them together for one subscription; `attempt` and `connect` do the I/O; `outbox` is the loop.
//!
//! What a receiver answers with its 2xx is heard by a [`Listener`] where there is one: a question may be answered at once.
//!
//! [`mail`] is the same for messages that visitors leave while nobody can chat (C15): they go by SMTP.
//!
//! What is deliberately absent: filters (whoever makes a notification says who gets it), redirects, HTTP/2 (one
//! request at a time a connection is what lanes are), and proxies.

mod attempt;
mod connect;
mod endpoint;
mod error;
mod lanes;
pub mod mail;
mod message;
mod outbox;
mod retry;
mod secret;
mod settings;
mod status;
mod target;
mod withhold;

pub use error::OutboxError;
pub use outbox::Outbox;
pub use retry::Retry;
pub use secret::{Secret, SecretError};
pub use settings::{Answer, Listener, Settings, Subscription, Trust};
pub use status::{Alarm, AlarmKind, Circuit, Hold, HoldKind, LastError, SubscriptionStatus};
pub use target::UrlRefused;
pub use withhold::Withhold;
